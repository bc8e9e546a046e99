"""Applying a directory: what was shown is done, or nothing is; by sets, and plans come along."""

import random
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from tortoise.backends.asyncpg.client import AsyncpgDBClient, TransactionWrapper

from schema.access import Scope
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import tasks
from schema.feeds.models import ConnectorTask, DirectoryChange, TaskKind, TaskState
from schema.organizations.directory import known_organization
from schema.organizations.directory_rules import compare, is_problem
from schema.organizations.directory_values import (
    ChangeKind,
    Directory,
    GivenPerson,
    GivenPost,
    GivenUnit,
)
from schema.organizations.models import (
    Agency,
    Assignment,
    AssignmentKind,
    Employee,
    Unit,
    UnitPlacement,
)
from schema.plans.directory import Applied, Choice, apply_directory
from schema.plans.models import PerformancePlan, PlanEvent, PlanEventKind
from schema.plans.service import opened
from schema.targets.models import Period
from server.database import Database
from tests import feeding
from tests.schema.test_directory_rules import (
    BEFORE,
    MORE_POSTS,
    SMALL,
    nip,
    other,
    person,
    post,
    unit,
)

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
TODAY = date(2026, 11, 24)
ALL = Choice()


async def preview(of: Agency, directory: Directory, day: date = TODAY) -> ConnectorTask:
    """A preview as a worker leaves it."""
    source = await feeding.installation(of, title=str(random.random()))
    task = await ConnectorTask.create(
        installation=source,
        kind=TaskKind.DIRECTORY,
        state=TaskState.SUCCEEDED,
        requested_by="pengelola",
        requested_at=NOW,
        result={"directory": directory.to_json()},
    )
    known = await known_organization(feeding.connection(), of, [p.nip for p in directory.people])
    await tasks.keep_changes(feeding.connection(), task.id, compare(directory, known, day))
    return task


async def apply(
    of: Agency, directory: Directory, choice: Choice = ALL, day: date | None = None
) -> Applied:
    scope = await feeding.administrator(of)
    task = await preview(of, directory, day or TODAY)
    return await apply_directory(scope, task.id, choice, day, NOW)


async def left(of: Agency, directory: Directory, day: date = TODAY) -> list[tuple[str, str]]:
    known = await known_organization(feeding.connection(), of, [p.nip for p in directory.people])
    return [(c.kind, c.subject) for c in compare(directory, known, day) if not is_problem(c)]


async def filled() -> tuple[Agency, Scope]:
    agency = await feeding.agency()
    await apply(agency, SMALL, day=BEFORE)
    return agency, await feeding.administrator(agency)


async def posts_of(number: int) -> list[dict[str, Any]]:
    return await (
        Assignment.filter(employee__nip=nip(number))
        .order_by("starts_on")
        .values("unit__code", "appraiser__nip", "starts_on", "ends_on", "heads_unit")
    )


async def test_an_agency_is_filled_and_its_reporting_lines_stand(database: Database) -> None:
    agency, _ = await filled()

    assert await left(agency, SMALL) == []
    people = {one.nip: one for one in await Employee.all()}
    assert people[nip(3)].superiors == [people[nip(2)].id, people[nip(1)].id]
    assert await Unit.all().count() == await UnitPlacement.all().count() == 3


async def test_a_move_ends_one_post_and_its_plan_and_begins_another(database: Database) -> None:
    agency, _ = await filled()
    period = await Period.create(
        agency=agency, code="2026", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31)
    )
    plans = {}
    for number in (3, 4):
        held = await Assignment.get(employee__nip=nip(number))
        plans[number] = await opened(feeding.connection(), held, period, nip(number), NOW)
    # 3 goes from B to C; 4 stays and gets a head, who is 5.
    moved = other(
        posts=(*MORE_POSTS[:2], post(3, "C"), MORE_POSTS[3], post(5, "C", heads_unit=True))
    )

    await apply(agency, moved)

    assert [(p["unit__code"], p["starts_on"], p["ends_on"]) for p in await posts_of(3)] == [
        ("B", BEFORE, TODAY),
        ("C", TODAY, None),
    ]
    ended = await PerformancePlan.get(id=plans[3].id)
    assert (ended.ends_on, ended.version) == (date(2026, 11, 23), 2)
    (line,) = await PlanEvent.filter(plan=ended, kind=PlanEventKind.ENDED)
    assert line.changes == {"endsOn": {"before": "2026-12-31", "after": "2026-11-23"}}
    assert [p["appraiser__nip"] for p in await posts_of(4)] == [nip(1), nip(5)]
    kept = await PerformancePlan.get(id=plans[4].id).prefetch_related("assignment")
    assert (kept.ends_on, kept.version) == (date(2026, 12, 31), 1)
    assert (kept.assignment.starts_on, kept.assignment.ends_on) == (TODAY, None)
    assert await left(agency, moved) == []


async def test_a_second_directory_on_the_same_day_corrects_the_first(database: Database) -> None:
    agency, _ = await filled()
    await apply(agency, other(posts=(*MORE_POSTS[:3], post(4, "B")), units=(unit("A"), unit("B"))))

    await apply(agency, SMALL)

    assert [(p["unit__code"], p["starts_on"], p["ends_on"]) for p in await posts_of(4)] == [
        ("C", BEFORE, TODAY),
        ("C", TODAY, None),
    ]
    assert await left(agency, SMALL) == []


async def test_heads_that_change_places_on_one_day(database: Database) -> None:
    agency, _ = await filled()
    heads = (
        MORE_POSTS[0],
        post(2, "C", position="Kepala", heads_unit=True),
        post(3, "B", position="Kepala", heads_unit=True),
    )
    await apply(agency, other(posts=heads))
    swapped = (heads[0], replace(heads[1], unit="B"), replace(heads[2], unit="C"))

    await apply(agency, other(posts=swapped))

    assert await left(agency, other(posts=swapped)) == []
    led = await Assignment.filter(heads_unit=True, ends_on=None).values_list(
        "unit__code", "employee__nip"
    )
    assert sorted(led) == [("A", nip(1)), ("B", nip(2)), ("C", nip(3))]


async def test_a_preview_that_is_not_true_any_more_is_refused_and_made_anew(
    database: Database,
) -> None:
    agency, scope = await filled()
    directory = other(people=(*SMALL.people[:4], GivenPerson(nip=nip(5), name="Nama Baru")))
    task = await preview(agency, directory)
    await Employee.filter(nip=nip(5)).update(name="Nama Lain")

    done = await apply_directory(scope, task.id, ALL, None, NOW)

    assert done.conflict is not None
    assert done.conflict.code is ErrorCode.CONFLICT
    assert (await Employee.get(nip=nip(5))).name == "Nama Lain"
    (fresh,) = await DirectoryChange.filter(task_id=done.task_id)
    assert (fresh.before["name"], fresh.after["name"]) == ("Nama Lain", "Nama Baru")
    assert (await apply_directory(scope, done.task_id, ALL, None, NOW)).conflict is None
    assert (await Employee.get(nip=nip(5))).name == "Nama Baru"


async def test_only_what_was_chosen_is_made(database: Database) -> None:
    agency, _ = await filled()
    directory = other(
        units=(*SMALL.units, unit("D", "A")), people=(*SMALL.people, person(6), person(7))
    )

    await apply(agency, directory, Choice(kinds=[ChangeKind.UNIT_ADDED], positions=[3]))

    assert await left(agency, directory) == [(ChangeKind.EMPLOYEE_ADDED, nip(6))]
    with pytest.raises(DomainError, match="nothing of what would change"):
        await apply(agency, directory, Choice(kinds=[ChangeKind.POST_ENDED]))
    with_post = replace(directory, posts=(*directory.posts, post(6, "D")))
    with pytest.raises(DomainError, match=f"cannot be without EMPLOYEE_ADDED of {nip(6)}"):
        await apply(agency, with_post, Choice(kinds=[ChangeKind.POST_STARTED]))


async def test_a_task_is_applied_once_and_by_its_administrator_only(database: Database) -> None:
    agency, scope = await filled()
    stranger = await feeding.administrator(await feeding.agency("INST-B"))
    directory = other(people=(*SMALL.people, person(6)))
    task = await preview(agency, directory)

    with pytest.raises(NotFound):
        await apply_directory(stranger, task.id, ALL, None, NOW)
    await apply_directory(scope, task.id, ALL, None, NOW)

    with pytest.raises(DomainError, match="it was applied at"):
        await apply_directory(scope, task.id, ALL, None, NOW)


def large(people: int, seed: int = 1) -> Directory:
    """A tree of units of some 12 people, each with a head."""
    chance = random.Random(seed)
    count = max(people // 12, 1)
    units = [GivenUnit(code="U0", name="Instansi")]
    units += [
        GivenUnit(code=f"U{n}", name=f"Unit {n}", parent=f"U{chance.randrange(max(n // 4, 1))}")
        for n in range(1, count)
    ]
    given, posts = [], []
    for number in range(people):
        one = f"{number:018d}"
        given.append(GivenPerson(nip=one, name=f"Pegawai {number}"))
        leads = number < count
        place = number if leads else chance.randrange(count)
        posts.append(
            GivenPost(
                nip=one,
                unit=f"U{place}",
                position="Kepala" if leads else f"Jabatan {chance.randrange(50)}",
                starts_on=BEFORE,
                heads_unit=leads,
                kind=AssignmentKind.DEFINITIVE,
            )
        )
    return Directory(units=tuple(units), people=tuple(given), posts=tuple(posts))


async def counted(
    monkeypatch: pytest.MonkeyPatch, of: Agency, scope: Scope, directory: Directory, day: date
) -> int:
    task = await preview(of, directory, day)
    statements: list[str] = []
    for kind in (AsyncpgDBClient, TransactionWrapper):
        for name in ("execute_query", "execute_insert", "execute_many"):
            monkeypatch.setattr(kind, name, counting(getattr(kind, name), statements))
    done = await apply_directory(scope, task.id, ALL, day, NOW)
    monkeypatch.undo()
    assert done.conflict is None
    return len(statements)


def counting(real: Any, statements: list[str]) -> Any:
    async def counted(self: Any, query: str, *given: Any, **named: Any) -> Any:
        statements.append(query)
        return await real(self, query, *given, **named)

    return counted


async def test_the_number_of_statements_does_not_grow_with_the_people(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = set()
    for size in (24, 480):
        agency = await feeding.agency(f"INST-{size}")
        scope = await feeding.administrator(agency)
        prefix = f"{size:04d}"
        people = renamed(large(size), prefix)
        numbers.add(await counted(monkeypatch, agency, scope, people, BEFORE))
        moved = renamed(large(size, seed=2), prefix)
        numbers.add(await counted(monkeypatch, agency, scope, moved, TODAY))
        assert await left(agency, moved) == []

    assert len(numbers) == 1
    assert numbers.pop() < 50


def renamed(directory: Directory, prefix: str) -> Directory:
    """The same with NIPs of its own."""
    return replace(
        directory,
        people=tuple(replace(one, nip=prefix + one.nip[4:]) for one in directory.people),
        posts=tuple(replace(one, nip=prefix + one.nip[4:]) for one in directory.posts),
    )


@pytest.mark.slow
async def test_twenty_thousand_people_are_taken_in_within_two_minutes(database: Database) -> None:
    agency = await feeding.agency()
    scope = await feeding.administrator(agency)
    told = []
    for directory, day in ((large(20_000), BEFORE), (large(20_000, seed=2), TODAY)):
        start = time.perf_counter()
        task = await preview(agency, directory, day)
        compared = time.perf_counter()
        await apply_directory(scope, task.id, ALL, day, NOW)
        told.append((round(compared - start, 1), round(time.perf_counter() - compared, 1)))

    print(f"20,000 people: preview and apply, filling then moving: {told} s")  # noqa: T201
    assert await left(agency, large(20_000, seed=2)) == []
    assert all(sum(one) < 120 for one in told)
