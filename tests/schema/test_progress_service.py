"""What an employee and a superior may do with records: each step, each refusal, each trace."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.exceptions import OperationalError

from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.events import EventKind, EventRow
from schema.organizations.models import Employee
from schema.organizations.viewers import scope_of
from schema.progress import service
from schema.progress.models import (
    Activity,
    DailyLog,
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
)
from schema.progress.placing import Place
from schema.progress.rules import Proof
from schema.progress.service import Confirmation
from schema.targets.models import Indicator, Stage
from schema.values import uuid7
from tests.copies import Copies
from tests.factories import (
    MORNING,
    NOW,
    PROOF,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    World,
    copied_world,
    entry,
    logged,
    received,
)

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
YESTERDAY = TODAY - timedelta(days=1)


async def two_pending(world: World) -> None:
    """Half an hour from 07.30 and from 08.00, and an instant at 09.00 WIB."""
    for name, minutes, after in (("first", 30, 0), ("second", 30, 30), ("instant", 0, 90)):
        world.records[name] = await received(
            world, name, minutes=minutes, starts_at=MORNING + after * MINUTE
        )


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, two_pending) as world:
        yield world


@pytest.fixture
async def staff(world: World) -> Scope:
    return await scope_of(STAFF)


async def fetched(sql: str, *values: Any) -> list[dict[str, Any]]:
    return await Tortoise.get_connection("default").execute_query_dict(sql, list(values))


async def day(on: date = TODAY) -> tuple[int, int, int]:
    """Recorded minutes, pending minutes and pending count of the staff member's day."""
    log = await DailyLog.get(employee__nip=STAFF, day=on)
    return log.recorded_minutes, log.pending_minutes, log.pending_count


async def history(record: ProgressRecord) -> list[tuple[RecordEventKind, str]]:
    rows = await RecordEvent.filter(record_id=record.id).order_by("id")
    return [(row.kind, row.actor) for row in rows]


def place_of(world: World, code: str, quantity: str | None = None, **more: Any) -> Place:
    amount = None if quantity is None else Decimal(quantity)
    return Place(target_id=world.targets[code].id, quantity=amount, **more)


# What is refused, whose code it has and which input it names. `place` is made from the world.
REFUSED_ENTRIES: dict[str, tuple[dict[str, Any], ErrorCode, str]] = {
    "ends before it starts": (
        {"ends_at": MORNING - MINUTE},
        ErrorCode.ENDS_BEFORE_START,
        "endsAt",
    ),
    "24 hours and a minute": (
        {"starts_at": NOW - 25 * HOUR, "ends_at": NOW - HOUR + MINUTE},
        ErrorCode.TOO_LONG,
        "endsAt",
    ),
    "six minutes ahead": (
        {"starts_at": NOW, "ends_at": NOW + 6 * MINUTE},
        ErrorCode.IN_THE_FUTURE,
        "endsAt",
    ),
    "before 2000": (
        {"starts_at": datetime(1999, 12, 31, 3, tzinfo=UTC)},
        ErrorCode.BAD_USER_INPUT,
        "startsAt",
    ),
    "no description": ({"description": " \n"}, ErrorCode.DESCRIPTION_MISSING, "description"),
    "2,001 characters": ({"description": "a" * 2001}, ErrorCode.TEXT_TOO_LONG, "description"),
    "a long category": ({"category": "a" * 121}, ErrorCode.TEXT_TOO_LONG, "category"),
    "proof without a link": (
        {"proof": [Proof("Foto", "ftp://arsip.example/1")]},
        ErrorCode.EVIDENCE_INVALID,
        "evidence",
    ),
    "a quantity of nothing": (
        {"place": lambda world: Place(quantity=Decimal(1))},
        ErrorCode.TARGET_MISSING,
        "target",
    ),
    "an indicator of nothing": (
        {"place": lambda world: Place(indicator_id=world.indicators["T"].id)},
        ErrorCode.TARGET_MISSING,
        "target",
    ),
    "a stage of nothing": (
        {"place": lambda world: Place(stage_id=world.stages[0].id)},
        ErrorCode.TARGET_MISSING,
        "target",
    ),
    "another's target": (
        {"place": lambda world: place_of(world, "O", "1")},
        ErrorCode.TARGET_NOT_YOURS,
        "target",
    ),
    "another unit's target": (
        {"place": lambda world: place_of(world, "G", "1")},
        ErrorCode.TARGET_NOT_YOURS,
        "target",
    ),
    "no such target": (
        {"place": lambda world: Place(target_id=uuid7(), quantity=Decimal(1))},
        ErrorCode.TARGET_NOT_YOURS,
        "target",
    ),
    "the year before": (
        {
            "starts_at": datetime(2025, 12, 31, 3, tzinfo=UTC),
            "place": lambda world: place_of(world, "T", "1"),
        },
        ErrorCode.OUTSIDE_PERIOD,
        "target",
    ),
    "one of two indicators": (
        {"place": lambda world: place_of(world, "M", "1")},
        ErrorCode.INDICATOR_MISSING,
        "indicator",
    ),
    "an indicator where there is none": (
        {"place": lambda world: place_of(world, "Z", "1")},
        ErrorCode.INDICATOR_MISSING,
        "indicator",
    ),
    "another target's indicator": (
        {"place": lambda world: place_of(world, "T", "1", indicator_id=world.indicators["T1"].id)},
        ErrorCode.INDICATOR_NOT_OF_TARGET,
        "indicator",
    ),
    "an indicator without a quantity": (
        {"place": lambda world: place_of(world, "T", indicator_id=world.indicators["T"].id)},
        ErrorCode.QUANTITY_INVALID,
        "quantity",
    ),
    "less than nothing": (
        {"place": lambda world: place_of(world, "T", "-1")},
        ErrorCode.QUANTITY_INVALID,
        "quantity",
    ),
    "seven decimals": (
        {"place": lambda world: place_of(world, "T", "0.0000001")},
        ErrorCode.QUANTITY_INVALID,
        "quantity",
    ),
    "above the budget of the nation": (
        {"place": lambda world: place_of(world, "T", "1000000000000001")},
        ErrorCode.QUANTITY_INVALID,
        "quantity",
    ),
    "another target's stage": (
        {"place": lambda world: place_of(world, "T", stage_id=world.stages[0].id)},
        ErrorCode.STAGE_NOT_OF_TARGET,
        "stage",
    ),
    "a stage with a quantity": (
        {"place": lambda world: place_of(world, "Z", "1", stage_id=world.stages[0].id)},
        ErrorCode.STAGE_NOT_OF_TARGET,
        "stage",
    ),
    "a stage without proof": (
        {"place": lambda world: place_of(world, "Z", stage_id=world.stages[0].id)},
        ErrorCode.EVIDENCE_MISSING,
        "evidence",
    ),
    "the second stage first": (
        {
            "place": lambda world: place_of(world, "Z", stage_id=world.stages[1].id),
            "proof": [PROOF],
        },
        ErrorCode.STAGE_OUT_OF_ORDER,
        "stage",
    ),
}


async def test_an_entry_that_cannot_be_is_refused_by_name_and_leaves_no_trace(
    world: World, staff: Scope
) -> None:
    for case, (given, code, field) in REFUSED_ENTRIES.items():
        place = given.get("place")
        wanted = entry(**given | ({"place": place(world)} if place else {}))

        with pytest.raises(DomainError) as refused:
            await service.log_progress(staff, wanted, NOW)

        assert (refused.value.code, refused.value.field) == (code, field), case
    assert await ProgressRecord.filter(state=RecordState.CONFIRMED).count() == 0
    assert await EventRow.filter(kind=EventKind.PROGRESS_LOGGED).count() == 0
    assert await day() == (0, 60, 3)


# An entry beside a confirmed one from 08.00 to 09.00, in minutes after 08.00.
BESIDE: dict[str, tuple[float, float, bool]] = {
    "ends where it starts": (-30, 0, True),
    "starts where it ends": (60, 90, True),
    "an instant inside": (30, 30, True),
    "an instant at its start": (0, 0, True),
    "the same": (0, 60, False),
    "inside": (10, 20, False),
    "around": (-10, 70, False),
    "into its start": (-30, 1, False),
    "out of its end": (59, 90, False),
    "half a minute inside": (10, 10.5, False),
}


async def test_two_records_share_no_time(staff: Scope) -> None:
    for number, (case, (starts, ends, allowed)) in enumerate(BESIDE.items(), start=1):
        eight = MORNING + 30 * MINUTE - 24 * number * HOUR
        await logged(staff, eight, minutes=60)
        beside = entry(eight + starts * MINUTE, ends_at=eight + ends * MINUTE)

        if allowed:
            await service.log_progress(staff, beside, NOW)
        else:
            with pytest.raises(DomainError) as refused:
                await service.log_progress(staff, beside, NOW)
            assert refused.value.code is ErrorCode.OVERLAP, case

        recorded = 60 + (int(ends - starts) if allowed else 0)
        assert (await day(TODAY - timedelta(days=number)))[0] == recorded, case


async def test_a_record_under_a_minute_keeps_its_time_to_itself(staff: Scope) -> None:
    await logged(staff, MORNING, minutes=0.5)

    with pytest.raises(DomainError) as refused:
        await logged(staff, MORNING - MINUTE, minutes=2)

    assert refused.value.code is ErrorCode.OVERLAP


async def test_a_record_past_midnight_stays_on_its_day_and_keeps_the_next_morning(
    staff: Scope,
) -> None:
    # 22.00 to 02.00 WIB: 240 minutes of the 23rd; at 01.30 there is no room, at 02.00 there is.
    ten = datetime(2026, 11, 23, 15, tzinfo=UTC)
    await logged(staff, ten, minutes=240)

    with pytest.raises(DomainError) as refused:
        await logged(staff, ten + 210 * MINUTE, minutes=60)
    await logged(staff, ten + 240 * MINUTE, minutes=60)

    assert refused.value.code is ErrorCode.OVERLAP
    assert ((await day(YESTERDAY))[0], (await day())[0]) == (240, 60)


async def test_only_confirmed_records_keep_their_time(world: World, staff: Scope) -> None:
    first = await logged(staff, MORNING)
    await service.dismiss_progress(staff, first.id, "Keliru", NOW)

    again = await logged(staff, MORNING)

    assert again.state is RecordState.CONFIRMED


async def test_a_record_belongs_to_the_day_where_the_employee_works(staff: Scope) -> None:
    # 15.10 UTC is 22.10 in Jakarta (WIB), 23.10 in Makassar (WITA), 00.10 in Jayapura (WIT).
    at = datetime(2026, 11, 23, 15, 10, tzinfo=UTC)
    days = {}
    for number, zone in enumerate(("Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura")):
        await Employee.filter(nip=STAFF).update(timezone=zone)
        record = await logged(staff, at + 10 * number * MINUTE, minutes=10)
        days[zone] = record.day

    assert days == {"Asia/Jakarta": YESTERDAY, "Asia/Makassar": YESTERDAY, "Asia/Jayapura": TODAY}
    assert ((await day(YESTERDAY))[0], (await day())[0]) == (20, 10)


async def test_a_log_holds_what_the_day_asks_for(staff: Scope) -> None:
    sunday = datetime(2026, 11, 22, 3, tzinfo=UTC)
    await logged(staff, sunday)
    await logged(staff, MORNING)

    logs = {row.day: row.required_minutes for row in await DailyLog.filter(employee__nip=STAFF)}

    assert logs == {sunday.date(): 0, TODAY: 450}


async def test_a_manual_entry_counts_at_once_and_is_told_to_those_above(
    world: World, staff: Scope
) -> None:
    record = await logged(staff, place=place_of(world, "T1", "2.5"), proof=[PROOF])

    assert (record.state, record.minutes, record.day) == (RecordState.CONFIRMED, 30, TODAY)
    assert await history(record) == [(RecordEventKind.LOGGED, STAFF)]
    proof = await Evidence.get(record_id=record.id)
    assert (proof.position, proof.title, proof.from_source) == (1, PROOF.title, False)
    event = await EventRow.get(kind=EventKind.PROGRESS_LOGGED)
    assert event.superior_ids == [world.people[SUPERVISOR].id, world.people[SUPERIOR].id]
    moved = {world.targets[code].id for code in ("T1", "T", "S", "P", "G")}
    assert set(event.target_ids) == moved
    assert event.record_id == record.id


async def test_an_entry_may_serve_a_target_and_move_nothing(world: World, staff: Scope) -> None:
    record = await logged(staff, place=place_of(world, "T"))

    assert (record.target_id, record.indicator_id) == (world.targets["T"].id, None)
    assert (await Indicator.get(id=world.indicators["T"].id)).own is None


async def test_a_unit_target_is_moved_by_who_holds_a_post_there_on_that_day(
    world: World, staff: Scope
) -> None:
    await logged(staff, place=place_of(world, "U", "1"))
    await fetched(
        "UPDATE assignment SET ends_on = $1 WHERE employee_id = $2", TODAY, staff.employee_id
    )

    with pytest.raises(DomainError) as refused:
        await logged(staff, MORNING + HOUR, place=place_of(world, "U", "1"))

    assert refused.value.code is ErrorCode.TARGET_NOT_YOURS


async def test_who_is_no_employee_writes_nothing(world: World) -> None:
    auditor = Scope(subject="auditor.dc")
    for step in (
        service.log_progress(auditor, entry(), NOW),
        service.confirm_progress(auditor, [Confirmation(record_id=uuid7())], NOW),
        service.dismiss_progress(auditor, world.records["first"].id, "Keliru", NOW),
        service.return_progress(auditor, world.records["first"].id, "Lengkapi", NOW),
    ):
        with pytest.raises(DomainError) as refused:
            await step
        assert refused.value.code is ErrorCode.NOT_FOUND


async def test_confirming_moves_minutes_from_waiting_to_recorded(
    world: World, staff: Scope
) -> None:
    assert await day() == (0, 60, 3)

    outcome = await service.confirm_progress(
        staff, [Confirmation(record_id=world.records["first"].id)], NOW
    )

    (record,) = outcome.records
    assert (record.state, record.decided_at, outcome.errors) == (RecordState.CONFIRMED, NOW, [])
    assert await day() == (30, 30, 2)
    assert await history(record) == [
        (RecordEventKind.RECEIVED, "connector:srikandi"),
        (RecordEventKind.CONFIRMED, STAFF),
    ]


async def test_an_amended_record_moves_to_its_new_day_and_keeps_what_the_source_said(
    world: World, staff: Scope
) -> None:
    first = world.records["first"]
    said = await Activity.get(id=first.activity_id)
    at = MORNING - 24 * HOUR
    amended = Confirmation(
        record_id=first.id,
        starts_at=at,
        ends_at=at + HOUR,
        place=place_of(world, "T", "4"),
        proof=[PROOF],
    )

    outcome = await service.confirm_progress(staff, [amended], NOW)

    record = await ProgressRecord.get(id=outcome.records[0].id)
    assert (record.day, record.minutes, record.quantity) == (YESTERDAY, 60, Decimal(4))
    assert record.indicator_id == world.indicators["T"].id
    assert (await day(YESTERDAY), await day()) == ((60, 0, 0), (0, 30, 2))
    now_said = await Activity.get(id=first.activity_id)
    assert dict(now_said) == dict(said)
    proofs = await Evidence.filter(record_id=first.id).order_by("position")
    assert [(one.position, one.from_source) for one in proofs] == [(1, True), (2, False)]
    (_, confirmed) = await RecordEvent.filter(record_id=first.id).order_by("id")
    assert confirmed.changes["quantity"] == {"before": None, "after": "4"}
    assert confirmed.changes["endsAt"] == {
        "before": "2026-11-24T01:00:00+00:00",
        "after": "2026-11-23T01:30:00+00:00",
    }
    assert set(confirmed.changes) == {"startsAt", "endsAt", "target", "indicator", "quantity"}


async def test_an_instant_has_no_minutes_until_the_employee_gives_them(
    world: World, staff: Scope
) -> None:
    instant = world.records["instant"]
    await logged(staff, instant.starts_at - 10 * MINUTE)
    as_it_is = Confirmation(record_id=instant.id)
    with_minutes = Confirmation(record_id=instant.id, ends_at=instant.ends_at + 10 * MINUTE)

    refused = await service.confirm_progress(staff, [with_minutes], NOW)
    confirmed = await service.confirm_progress(staff, [as_it_is], NOW)

    assert [error.code for _, error in refused.errors] == [ErrorCode.OVERLAP]
    assert [record.minutes for record in confirmed.records] == [0]


async def test_an_amended_start_takes_the_end_of_an_earlier_instant_along(
    world: World, staff: Scope
) -> None:
    instant = world.records["instant"]
    later = Confirmation(record_id=instant.id, starts_at=instant.starts_at + HOUR)

    outcome = await service.confirm_progress(staff, [later], NOW)

    (record,) = outcome.records
    assert (record.minutes, record.ends_at) == (0, instant.starts_at + HOUR)


async def test_confirming_many_confirms_each_that_can_be(world: World, staff: Scope) -> None:
    first, second = world.records["first"], world.records["second"]
    theirs = place_of(world, "O", "1")
    wanted = [
        Confirmation(record_id=first.id, place=place_of(world, "T1", "1")),
        Confirmation(record_id=uuid7()),
        Confirmation(record_id=first.id),
        Confirmation(record_id=world.records["instant"].id, place=theirs),
        Confirmation(record_id=second.id, starts_at=first.starts_at),
        Confirmation(record_id=second.id, place=place_of(world, "T1", "2")),
    ]

    outcome = await service.confirm_progress(staff, wanted, NOW)

    assert [record.id for record in outcome.records] == [first.id, second.id]
    assert [(place, error.code) for place, error in outcome.errors] == [
        (1, ErrorCode.NOT_FOUND),
        (2, ErrorCode.WRONG_STATE),
        (3, ErrorCode.TARGET_NOT_YOURS),
        (4, ErrorCode.OVERLAP),
    ]
    assert await day() == (60, 0, 1)
    # 1 + 2, once in each of T1, T, S, P and G
    realized = await Indicator.filter(realized=3).values_list("target__code", flat=True)
    assert sorted(realized) == ["G", "P", "S", "T", "T1"]
    assert await EventRow.filter(kind=EventKind.PROGRESS_CONFIRMED).count() == 2


async def test_a_batch_may_complete_stages_in_their_order_only(world: World, staff: Scope) -> None:
    first, second, third = world.stages
    # The source's own evidence is proof enough.
    wanted = [
        Confirmation(
            record_id=world.records[name].id, place=place_of(world, "Z", stage_id=stage.id)
        )
        for name, stage in (("first", first), ("second", third), ("second", second))
    ]

    outcome = await service.confirm_progress(staff, wanted, NOW)

    assert [(place, error.code) for place, error in outcome.errors] == [
        (1, ErrorCode.STAGE_OUT_OF_ORDER)
    ]
    done = await Stage.filter(target_id=world.targets["Z"].id).order_by("position")
    assert [stage.completed_on for stage in done] == [TODAY, TODAY, None]


async def test_none_or_too_many_at_once_are_refused(staff: Scope) -> None:
    for number, code in ((0, ErrorCode.NOTHING_CHOSEN), (201, ErrorCode.TOO_MANY)):
        with pytest.raises(DomainError) as refused:
            await service.confirm_progress(staff, [Confirmation(record_id=uuid7())] * number, NOW)
        assert refused.value.code is code


async def test_a_dismissed_record_counts_no_longer_and_stays(world: World, staff: Scope) -> None:
    record = await logged(staff, place=place_of(world, "T1", "2"))

    await service.dismiss_progress(staff, record.id, " Salah orang ", NOW)

    kept = await ProgressRecord.get(id=record.id)
    assert (kept.state, kept.quantity, kept.minutes) == (RecordState.DISMISSED, Decimal(2), 30)
    assert (await day())[0] == 0
    # Nothing recorded is not zero.
    assert await Indicator.filter(realized__isnull=False).count() == 0
    note = await RecordEvent.get(record_id=record.id, kind=RecordEventKind.DISMISSED)
    assert note.comment == "Salah orang"


async def test_a_dismissed_stage_is_open_again(world: World, staff: Scope) -> None:
    stage = world.stages[0]
    record = await logged(staff, place=place_of(world, "Z", stage_id=stage.id), proof=[PROOF])
    assert (await Stage.get(id=stage.id)).completed_on == TODAY

    await service.dismiss_progress(staff, record.id, "Keliru", NOW)

    assert (await Stage.get(id=stage.id)).completed_on is None


async def test_a_stage_is_done_on_the_day_of_its_first_record(world: World, staff: Scope) -> None:
    place = place_of(world, "Z", stage_id=world.stages[0].id)
    await logged(staff, MORNING, place=place, proof=[PROOF])
    await logged(staff, MORNING - 24 * HOUR, place=place, proof=[PROOF])

    assert (await Stage.get(id=world.stages[0].id)).completed_on == YESTERDAY


async def test_a_correction_replaces_and_never_overwrites(world: World, staff: Scope) -> None:
    first = world.records["first"]
    confirmation = Confirmation(record_id=first.id, place=place_of(world, "T", "4"))
    await service.confirm_progress(staff, [confirmation], NOW)
    as_it_was = dict(await ProgressRecord.get(id=first.id))
    amended = entry(MORNING, minutes=20, place=place_of(world, "T1", "3"), proof=[PROOF])

    new = await service.correct_progress(staff, first.id, amended, "Salah angka", NOW)

    old = dict(await ProgressRecord.get(id=first.id))
    assert {name for name in old if old[name] != as_it_was[name]} == {"state"}
    assert old["state"] is RecordState.SUPERSEDED
    assert (new.supersedes_id, new.activity_id) == (first.id, first.activity_id)
    assert await day() == (20, 30, 2)
    # T had 4 of its own; now it has the 3 that T1 adds.
    figures = {
        row.target_id: (row.own, row.realized)
        for row in await Indicator.filter(target__code__in=["T", "T1"])
    }
    assert figures[world.targets["T"].id] == (None, Decimal(3))
    assert figures[world.targets["T1"].id] == (Decimal(3), Decimal(3))
    assert await history(new) == [(RecordEventKind.CORRECTED, STAFF)]
    assert (await history(first))[-1] == (RecordEventKind.SUPERSEDED, STAFF)
    note = await RecordEvent.get(record_id=new.id)
    assert note.comment == "Salah angka"
    assert note.changes["quantity"] == {"before": "4", "after": "3"}
    assert "startsAt" not in note.changes
    proofs = await Evidence.filter(record_id=new.id).order_by("position")
    assert [(one.position, one.title, one.from_source) for one in proofs] == [
        (1, "Naskah", True),
        (2, PROOF.title, False),
    ]


async def test_a_correction_cannot_leave_a_stage_behind_another(world: World, staff: Scope) -> None:
    first, second, _ = world.stages
    record = await logged(staff, place=place_of(world, "Z", stage_id=first.id), proof=[PROOF])
    amended = entry(place=place_of(world, "Z", stage_id=second.id), proof=[PROOF])

    with pytest.raises(DomainError) as refused:
        await service.correct_progress(staff, record.id, amended, "Tahap dua", NOW)

    assert refused.value.code is ErrorCode.STAGE_OUT_OF_ORDER
    assert (await Stage.get(id=first.id)).completed_on == TODAY


async def test_a_superior_returns_a_record_and_the_employee_corrects_it(
    world: World, staff: Scope
) -> None:
    record = await logged(staff, place=place_of(world, "T1", "2"))

    returned = await service.return_progress(await scope_of(SUPERIOR), record.id, "Lengkapi", NOW)
    counted = (await day())[0]
    new = await service.correct_progress(
        staff, record.id, entry(place=place_of(world, "T1", "1")), "Dilengkapi", NOW
    )

    assert (returned.state, counted) == (RecordState.RETURNED, 0)
    assert (new.state, (await day())[0]) == (RecordState.CONFIRMED, 30)
    assert await history(record) == [
        (RecordEventKind.LOGGED, STAFF),
        (RecordEventKind.RETURNED, SUPERIOR),
        (RecordEventKind.SUPERSEDED, STAFF),
    ]


async def test_a_reason_is_asked_for(staff: Scope) -> None:
    record = await logged(staff)
    supervisor = await scope_of(SUPERVISOR)
    for step in (
        service.dismiss_progress(staff, record.id, "  ", NOW),
        service.correct_progress(staff, record.id, entry(), "", NOW),
        service.return_progress(supervisor, record.id, "\t", NOW),
    ):
        with pytest.raises(DomainError) as refused:
            await step
        assert refused.value.code is ErrorCode.REASON_MISSING


# From which states each step starts.
STEPS: dict[str, set[RecordState]] = {
    "confirm": {RecordState.PENDING},
    "dismiss": {RecordState.PENDING, RecordState.CONFIRMED, RecordState.RETURNED},
    "correct": {RecordState.CONFIRMED, RecordState.RETURNED},
    "return": {RecordState.CONFIRMED},
}


async def test_each_step_starts_from_its_states_only(world: World, staff: Scope) -> None:
    supervisor = await scope_of(SUPERVISOR)
    other = {
        state: await in_state(world, staff, state, number)
        for number, state in enumerate(RecordState)
        if state is not RecordState.PENDING
    }
    other[RecordState.PENDING] = world.records["second"]
    answers = {}
    for step, states in STEPS.items():
        for state in set(RecordState) - states:
            answers[step, state] = await code_of(step, other[state], staff, supervisor)

    # A pending record is not there for those above.
    assert answers.pop(("return", RecordState.PENDING)) is ErrorCode.NOT_FOUND
    assert set(answers.values()) == {ErrorCode.WRONG_STATE}


async def in_state(world: World, staff: Scope, state: RecordState, number: int) -> ProgressRecord:
    """A record that came to a state by the steps that lead there."""
    at = MORNING - 48 * HOUR + number * HOUR
    record = await logged(staff, at)
    if state is RecordState.DISMISSED:
        await service.dismiss_progress(staff, record.id, "Keliru", NOW)
    elif state is RecordState.RETURNED:
        await service.return_progress(await scope_of(SUPERVISOR), record.id, "Lengkapi", NOW)
    elif state is RecordState.SUPERSEDED:
        await service.correct_progress(staff, record.id, entry(at), "Keliru", NOW)
    elif state is RecordState.RETRACTED:
        # No step leads there yet: a source that takes something back comes with its connector.
        await ProgressRecord.filter(id=record.id).update(state=state)
    return record


async def code_of(
    step: str, record: ProgressRecord, staff: Scope, supervisor: Scope
) -> ErrorCode | None:
    """What a step on a record is refused with."""
    amended = entry(NOW - HOUR, minutes=1)
    try:
        if step == "confirm":
            wanted = [Confirmation(record_id=record.id)]
            outcome = await service.confirm_progress(staff, wanted, NOW)
            return outcome.errors[0][1].code if outcome.errors else None
        if step == "dismiss":
            await service.dismiss_progress(staff, record.id, "Keliru", NOW)
        elif step == "correct":
            await service.correct_progress(staff, record.id, amended, "Keliru", NOW)
        else:
            await service.return_progress(supervisor, record.id, "Lengkapi", NOW)
    except DomainError as refused:
        return refused.code
    return None


async def test_a_record_that_is_not_there_is_not_found(staff: Scope) -> None:
    nothing = ProgressRecord(id=uuid7())

    answers = [await code_of(step, nothing, staff, staff) for step in STEPS]

    assert answers == [ErrorCode.NOT_FOUND] * 4


async def test_nobody_returns_their_own_record(staff: Scope) -> None:
    record = await logged(staff)

    assert await code_of("return", record, staff, staff) is ErrorCode.NOT_FOUND


TABLES = (
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' "
    "AND tablename NOT LIKE '%migration%' ORDER BY 1"
)


IN_THE_MAKING = {
    "behaviour_expectation", "plan_attachment", "trajectory_point", "action_plan",
    "matrix_member", "matrix_cell", "mapping_rule", "appraisal_line",
}  # fmt: skip
"""What the lines of a plan, a matrix, the rules or a rating are kept in: they are edited as a
whole; of a signed appraisal none is deleted."""
AGREED = {"target", "target_edge", "indicator", "stage"}


async def test_the_application_deletes_only_lines_of_what_is_being_made(world: World) -> None:
    """The plans of this world are approved, so their results stay as well."""
    tables = {row["name"] for row in await fetched(TABLES)}
    assert tables >= IN_THE_MAKING | AGREED
    for table in tables:
        with pytest.raises(OperationalError, match=r"permission denied|append-only"):
            await fetched(f"TRUNCATE {table} CASCADE")
    for table in tables - IN_THE_MAKING - AGREED:
        with pytest.raises(OperationalError, match=r"permission denied|append-only"):
            await fetched(f"DELETE FROM {table}")
    await logged(await world.scope("self"), place=place_of(world, "T1", "1"))
    for table in AGREED - {"stage"}:
        with pytest.raises(OperationalError, match=r"what was agreed is not deleted"):
            await fetched(f"DELETE FROM {table}")


async def test_the_application_rewrites_no_fact(world: World, staff: Scope) -> None:
    record = await logged(staff, place=place_of(world, "T1", "1"), proof=[PROOF])
    statements = {
        "UPDATE activity SET title = 'x'": "permission denied",
        "UPDATE record_event SET comment = 'x'": "permission denied",
        "UPDATE evidence SET url = 'https://x.example'": "permission denied",
        "UPDATE event SET kind = 'x'": "permission denied",
        f"UPDATE progress_record SET minutes = 31 WHERE id = '{record.id}'": "never rewritten",
        f"UPDATE progress_record SET quantity = 9 WHERE id = '{record.id}'": "never rewritten",
        "UPDATE progress_record SET activity_id = NULL WHERE activity_id IS NOT NULL": "stays with",
    }
    for statement, reason in statements.items():
        with pytest.raises(OperationalError, match=reason):
            await fetched(statement)
