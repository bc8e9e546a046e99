"""Figures of targets: what confirmed records move through the cascade, also many at once.

Every figure is held against a recomputation from nothing that is written here on its own.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Coroutine
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.events import EventRow
from schema.organizations.models import Employee
from schema.organizations.viewers import scope_of
from schema.plans.loading import save_case
from schema.progress import service
from schema.progress.models import DailyLog, ProgressRecord, RecordState
from schema.progress.placing import Place
from schema.progress.recomputing import recompute
from schema.progress.service import Confirmation
from schema.targets.models import Accumulation, Indicator, Stage, Target
from server.database import Database, DatabaseRole, opened
from tests.copies import Copies
from tests.factories import (
    MORNING,
    NOW,
    PROOF,
    STAFF,
    Api,
    World,
    agency_case,
    busy_day,
    copied_world,
    entry,
    found,
    goal,
    key_of,
    logged,
    person,
    real_case,
    received,
    world_in,
)

MINUTE = timedelta(minutes=1)
MANY = 50
ROUNDS = 3
GUARD = 60.0
"""Seconds after which waiting counts as a deadlock; nothing is timed by it."""


async def quiet(world: World) -> None:
    """Nothing has been done yet."""


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, quiet) as world:
        yield world


async def recomputed() -> dict[Any, tuple[Decimal | None, Decimal | None, int]]:
    """For each indicator what it has of its own, in all, and of how many records: from nothing.

    Read row by row and added up in Python, by the definition: own is the sum of the confirmed
    quantities (or the latest, where each states a level); in all adds what contributes.
    """
    indicators = {row.id: row for row in await Indicator.all()}
    records = defaultdict(list)
    confirmed = ProgressRecord.filter(state=RecordState.CONFIRMED).order_by("ends_at", "id")
    for record in await confirmed:
        if record.indicator_id is not None:
            records[record.indicator_id].append(record.quantity)
    below = defaultdict(list)
    for row in indicators.values():
        if row.contributes_to_id is not None:
            below[row.contributes_to_id].append(row.id)

    def own(key: Any) -> Decimal | None:
        amounts = records[key]
        if not amounts:
            return None
        return sum(amounts) if indicators[key].accumulation is Accumulation.SUM else amounts[-1]

    def total(key: Any) -> tuple[Decimal | None, int]:
        parts = [(own(key), len(records[key])), *(total(child) for child in below[key])]
        known = [amount for amount, _ in parts if amount is not None]
        return (sum(known) if known else None), sum(number for _, number in parts)

    return {key: (own(key), *total(key)) for key in indicators}


async def stored() -> dict[Any, tuple[Decimal | None, Decimal | None, int]]:
    return {row.id: (row.own, row.realized, row.contributing) for row in await Indicator.all()}


async def at_once(*steps: Coroutine[Any, Any, Any]) -> list[Any]:
    """All steps at the same time, each on a connection of its own."""
    async with asyncio.timeout(GUARD):
        return await asyncio.gather(*steps)


async def realized(code: str) -> Decimal | None:
    return (await Indicator.get(target__code=code)).realized


def placed(world: World, code: str, quantity: str | int) -> Place:
    return Place(target_id=world.targets[code].id, quantity=Decimal(quantity))


async def test_each_level_has_what_is_below_it(world: World) -> None:
    # G <- P <- S <- T <- T1 and G <- U. T1 gets 2 + 0.5, T 4 of its own, U 1:
    # T1 2.5; T 4 + 2.5 = 6.5; S and P have none of their own: 6.5; U 1; G 6.5 + 1 = 7.5.
    staff = await scope_of(STAFF)
    for number, (code, quantity) in enumerate((("T1", "2"), ("T", "4"), ("T1", "0.5"), ("U", "1"))):
        await logged(staff, MORNING + 30 * number * MINUTE, place=placed(world, code, quantity))

    figures = {code: await realized(code) for code in ("T1", "T", "S", "P", "U", "G", "U1", "O")}

    assert figures == {
        "T1": Decimal("2.5"),
        "T": Decimal("6.5"),
        "S": Decimal("6.5"),
        "P": Decimal("6.5"),
        "U": Decimal(1),
        "G": Decimal("7.5"),
        "U1": None,
        "O": None,
    }
    assert await stored() == await recomputed()


async def test_indirect_work_is_shown_and_not_summed(world: World) -> None:
    # R serves S indirectly: a level of 95 % is shown at R and adds nothing to S.
    staff = await scope_of(STAFF)
    await logged(staff, place=placed(world, "R", 95))
    await logged(staff, MORNING + 30 * MINUTE, place=placed(world, "T", 2))
    document = """
    query($id: ID!) { target(id: $id) {
      achievement { realized } children { title cascade achievement { realized } }
    } }
    """

    answer = await Api.of("supervisor").data(document, id=key_of(world.targets["S"]))

    children = {child["title"]: child for child in answer["target"]["children"]}
    assert answer["target"]["achievement"] == {"realized": "2"}
    shown = children[world.targets["R"].title]
    assert (shown["cascade"], shown["achievement"]) == ("INDIRECT", {"realized": "95"})


async def test_a_measured_level_is_the_latest_one_and_goes_back_with_it(world: World) -> None:
    staff = await scope_of(STAFF)
    levels = [
        await logged(staff, MORNING + 30 * number * MINUTE, place=placed(world, "R", level))
        for number, level in enumerate((91, 97, 94))
    ]
    now = await realized("R")
    await service.dismiss_progress(staff, levels[2].id, "Salah baca", NOW)

    assert (now, await realized("R")) == (Decimal(94), Decimal(97))
    assert await stored() == await recomputed()


async def test_any_sequence_of_steps_gives_what_a_recomputation_gives(world: World) -> None:
    choice = random.Random(6305)
    staff, superior = await scope_of(STAFF), await scope_of("198001012005031003")
    alive: list[ProgressRecord] = []
    for number in range(60):
        at = MORNING - timedelta(days=1) + 10 * number * MINUTE
        code, amount = choice.choice(["T1", "T", "U", "U1", "R"]), choice.randint(0, 9)
        what = entry(at, minutes=10, place=placed(world, code, amount))
        step = choice.choice(["log"] * 5 + ["dismiss", "correct", "correct", "return"])
        record = alive.pop(choice.randrange(len(alive))) if alive and step != "log" else None
        if record is None:
            alive.append(await service.log_progress(staff, what, NOW))
        elif step == "dismiss":
            await service.dismiss_progress(staff, record.id, "Keliru", NOW)
        elif step == "return":
            await service.return_progress(superior, record.id, "Lengkapi", NOW)
        else:
            alive.append(await service.correct_progress(staff, record.id, what, "Angka", NOW))

    assert await stored() == await recomputed()
    assert sum(number for _, _, number in (await recomputed()).values()) > 20


def crowd(number: int) -> dict[str, Any]:
    """`number` employees, each with a target of their own below their supervisor's."""
    case = agency_case()
    nips = [f"19880101201503{n:04}" for n in range(1000, 1000 + number)]
    case["employees"] += [
        person(nip, f"Pegawai {n}", "C", case["employees"][1]["nip"]) for n, nip in enumerate(nips)
    ]
    case["targets"] += [goal(f"E{n}", "S", nip, 1) for n, nip in enumerate(nips)]
    return case


@pytest.mark.slow
@pytest.mark.parametrize("people", [MANY, 1])
async def test_many_confirms_at_once_lose_nothing(fresh_database: Database, people: int) -> None:
    """50 at once, by as many people below one root or all by one: no deadlock, and the sum."""
    wide = replace(fresh_database, pool_size=25)
    async with opened(wide, DatabaseRole.OWNER):
        world = await found(crowd(people))
        nips = sorted(nip for nip, row in world.people.items() if row.name.startswith("Pegawai"))
        rounds = []
        for round_ in range(ROUNDS):
            pairs = []
            for number in range(MANY):
                who = number % people
                at = MORNING - timedelta(days=round_ + 1) + 20 * number * MINUTE
                source = f"{round_}-{number}"
                record = await received(world, source, nip=nips[who], starts_at=at, minutes=20)
                pairs.append((who, record))
            rounds.append(pairs)
    async with opened(wide, DatabaseRole.APPLICATION):
        scopes = [await scope_of(nip) for nip in nips]
        for number, pairs in enumerate(rounds, start=1):
            outcomes = await at_once(
                *(
                    service.confirm_progress(
                        scopes[who],
                        [Confirmation(record_id=record.id, place=placed(world, f"E{who}", 2))],
                        NOW,
                    )
                    for who, record in pairs
                )
            )

            assert [outcome.errors for outcome in outcomes] == [[]] * MANY
            assert await realized("G") == 2 * MANY * number
        assert await stored() == await recomputed()
        assert await EventRow.filter(kind="progress.confirmed").count() == MANY * ROUNDS
        minutes = await DailyLog.all().values_list("recorded_minutes", flat=True)
        assert sum(minutes) == 20 * MANY * ROUNDS


async def test_two_people_at_the_same_leaf_and_at_its_ancestor(fresh_database: Database) -> None:
    """A unit's target, its child and the child's sibling, in every order at once."""
    wide = replace(fresh_database, pool_size=25)
    async with opened(wide, DatabaseRole.OWNER):
        world = await found(crowd(4))
    async with opened(wide, DatabaseRole.APPLICATION):
        nips = sorted(nip for nip, row in world.people.items() if row.name.startswith("Pegawai"))
        scopes = [await scope_of(nip) for nip in nips]

        def steps(number: int) -> list[Coroutine[Any, Any, Any]]:
            at = MORNING - timedelta(days=1) + 20 * number * MINUTE
            codes = ("U1", "U", "U1", "U")
            return [
                service.log_progress(
                    scope, entry(at, minutes=20, place=placed(world, code, 1)), NOW
                )
                for scope, code in zip(scopes, codes, strict=True)
            ]

        for number in range(20):
            await at_once(*steps(number))

        # Two a round at U1, two at U itself; G has them all: 40, 40 + 40, 80.
        assert [await realized(code) for code in ("U1", "U", "G")] == [40, 80, 80]
        assert await stored() == await recomputed()


async def test_dismissing_and_confirming_at_once_agree(fresh_database: Database) -> None:
    wide = replace(fresh_database, pool_size=25)
    async with opened(wide, DatabaseRole.OWNER):
        world = await found(crowd(10))
    async with opened(wide, DatabaseRole.APPLICATION):
        nips = sorted(nip for nip, row in world.people.items() if row.name.startswith("Pegawai"))
        scopes = [await scope_of(nip) for nip in nips]
        before = [
            await logged(scope, place=placed(world, f"E{n}", 1)) for n, scope in enumerate(scopes)
        ]

        await at_once(
            *(
                service.dismiss_progress(scope, record.id, "Keliru", NOW)
                for scope, record in zip(scopes, before, strict=True)
            ),
            *(
                logged(scope, MORNING + 30 * MINUTE, place=placed(world, f"E{n}", 3))
                for n, scope in enumerate(scopes)
            ),
        )

        assert await realized("G") == 30
        assert await stored() == await recomputed()


async def test_of_two_that_take_the_same_time_one_is_refused(fresh_database: Database) -> None:
    wide = replace(fresh_database, pool_size=25)
    async with world_in(wide, quiet):
        staff = await scope_of(STAFF)

        async def attempt() -> str:
            try:
                await logged(staff)
            except service.DomainError as refused:
                return refused.code.value
            return "OK"

        answers = await at_once(*(attempt() for _ in range(10)))

        assert sorted(answers) == ["OK"] + ["OVERLAP"] * 9


@pytest.mark.slow
async def test_one_direct_cascade_of_the_nation_adds_up(database: Database) -> None:
    """Sensus Ekonomi 2026 (2902.BMA.006), 3,628 reports planned; two offices report.

    The heads of Aceh and of Sumatera Utara write for the target of their own office:
      office in Aceh            3 + 2 = 5 of 7     ->  5 / 7 = 71.43 %
      Aceh as a whole                   5 of 153   ->  5 / 153 = 3.27 %
      office in Sumatera Utara      4
      Sumatera Utara as a whole         4
      the nation                5 + 4 = 9 of 3,628 ->  9 / 3,628 = 0.25 %
    """
    await save_case(real_case("cascade_bps_ro_national_2026"))
    heads = {
        code: await Employee.get(assignments__unit__code=code, assignments__heads_unit=True)
        for code in ("1100", "1200")
    }
    root = "2902.BMA.006"
    for code, amounts in (("1100", (3, 2)), ("1200", (4,))):
        scope = await scope_of(heads[code].nip)
        office = await Target.get(code=f"{root}/{code}/{code}")
        for number, amount in enumerate(amounts):
            place = Place(target_id=office.id, quantity=Decimal(amount))
            await logged(scope, MORNING + 30 * number * MINUTE, place=place)

    document = """
    query($id: ID!) { target(id: $id) { achievement { realized planned percentage } } }
    """
    api = Api(heads["1100"].nip)
    figures = {}
    for code in (root, f"{root}/1100", f"{root}/1100/1100", f"{root}/1200", f"{root}/1200/1200"):
        key = key_of(await Target.get(code=code))
        answer = await api.data(document, id=key)
        figures[code] = tuple(answer["target"]["achievement"].values())

    assert figures[f"{root}/1100/1100"] == ("5", "7", "71.43")
    assert figures[f"{root}/1100"] == ("5", "153", "3.27")
    assert figures[f"{root}/1200/1200"][0] == figures[f"{root}/1200"][0] == "4"
    assert figures[root] == ("9", "3628", "0.25")
    assert await stored() == await recomputed()


async def test_staged_work_counts_by_its_stages(database: Database) -> None:
    """An integrity zone (2025): a target of two equal stages, 0, then 1 of 2, then 2 of 2."""
    await save_case(real_case("cascade_bps_aceh_zi_2025"))
    stages = await Stage.all().order_by("target_id", "position").prefetch_related("target")
    of: dict[Any, list[Stage]] = defaultdict(list)
    for stage in stages:
        if stage.target.owner_employee_id is not None:
            of[stage.target_id].append(stage)
    two = next(some for some in of.values() if len(some) == 2)
    owner = await Employee.get(id=two[0].target.owner_employee_id)
    scope, at = await scope_of(owner.nip), datetime.combine(date(2025, 6, 2), MORNING.timetz())
    document = """
    query($id: ID!) { target(id: $id) { achievement { percentage completedStages onTrack realized }
      stagedWork { stages { completedOn } } } }
    """
    seen = []
    for number in range(3):
        answer = await Api(owner.nip).data(document, id=key_of(two[0].target))
        seen.append(answer["target"])
        if number < 2:
            place = Place(target_id=two[0].target_id, stage_id=two[number].id)
            await logged(scope, at + 60 * number * MINUTE, place=place, proof=[PROOF])

    assert [one["achievement"]["percentage"] for one in seen] == ["0", "50", "100"]
    assert [one["achievement"]["completedStages"] for one in seen] == [0, 1, 2]
    days = [[stage["completedOn"] for stage in one["stagedWork"]["stages"]] for one in seen]
    assert days == [[None, None], ["2025-06-02", None], ["2025-06-02", "2025-06-02"]]


async def test_a_record_without_figures_moves_no_target(world: World) -> None:
    staff = await scope_of(STAFF)
    await logged(staff)

    event = await EventRow.get()

    assert event.target_ids == []
    assert await Indicator.filter(realized_at__isnull=False).count() == 0


@pytest.fixture
async def busy(fresh_database: Database) -> AsyncIterator[World]:
    """A busy day, opened as who may spoil what is kept of it."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found()
        await busy_day(world)
        yield world


async def test_what_is_kept_is_what_its_records_make(busy: World) -> None:
    told = {kind.kind: kind async for kind in recompute()}

    assert set(told) == {"indicators", "stages", "days", "weighted edges"}
    assert all(told[kind].compared > 0 for kind in ("indicators", "stages", "days"))
    assert all(kind.differences == [] for kind in told.values())


async def test_each_figure_that_is_not_what_its_records_make_is_named(busy: World) -> None:
    indicator = await Indicator.filter(own_records__gt=0).order_by("id").first()
    assert indicator is not None
    await Indicator.filter(id=indicator.id).update(realized=Decimal("123.5"))
    stage = await Stage.filter(completed_on__isnull=True).first()
    assert stage is not None
    await Stage.filter(id=stage.id).update(completed_on=NOW.date())
    day = await DailyLog.filter(recorded_minutes__gt=0).first()
    assert day is not None
    await day.delete()

    told = {kind.kind: kind.differences async for kind in recompute()}

    (moved,) = told["indicators"]
    assert "123.5" in str(moved.kept)
    assert str(indicator.realized) in str(moved.recomputed)
    (ended,) = told["stages"]
    assert (ended.kept, ended.recomputed) == (str(NOW.date()), None)
    (missing,) = told["days"]
    assert (str(day.day) in missing.name, missing.kept) == (True, "[null, null, null]")
