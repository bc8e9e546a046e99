"""How many SQL statements an operation takes: one, however deep and broad, and one for who asks.

Every statement on every connection of the driver is counted.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest

from schema.access import Role
from schema.organizations.models import Assignment, Employee, Unit, UnitPlacement
from schema.organizations.service import grant_role
from schema.organizations.viewers import scope_of
from schema.plans.loading import save_case
from schema.progress.placing import Place
from schema.targets.models import Classification, EdgeKind, Target, TargetEdge, TargetKind
from server.database import Database, DatabaseRole, opened
from tests.factories import (
    MORNING,
    PROOF,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    Api,
    World,
    agency_case,
    answer_of,
    found,
    goal,
    key_of,
    logged,
    person,
    real_case,
    received,
    schema,
)

RESET = "pg_advisory_unlock_all"
"""Of the pool, when a connection is given back."""

WHO_ASKS, SELECTION = 1, 1
"""The viewer's rights, read anew for each request; and the whole answer."""

START = date(2026, 1, 1)
BELOW = [f"19870101201503100{n}" for n in range(3)]
"""People one below the other, the first below the staff member."""


@contextmanager
def counted() -> Iterator[list[str]]:
    """Whatever the driver is asked to run, prepared or plain, on whichever connection."""
    statements: list[str] = []

    def noting(run: Callable[..., Any]) -> Callable[..., Any]:
        async def noted(self: Any, query: str, *args: Any, **given: Any) -> Any:
            if RESET not in query:
                statements.append(query)
            return await run(self, query, *args, **given)

        return noted

    with pytest.MonkeyPatch.context() as patch:
        for name in ("fetch", "fetchrow", "fetchval", "execute", "executemany"):
            patch.setattr(asyncpg.Connection, name, noting(getattr(asyncpg.Connection, name)))
        yield statements


def size(value: Any) -> int:
    """How many objects an answer holds."""
    if isinstance(value, dict):
        return 1 + sum(size(one) for one in value.values())
    return sum(size(one) for one in value) if isinstance(value, list) else 0


@dataclass(frozen=True)
class Measured:
    """What an operation took, and how many objects came back."""

    statements: int
    objects: int


async def measured(viewer: str, document: str, **variables: Any) -> Measured:
    api = Api(viewer)
    with counted() as statements:
        data = await api.data(document, **variables)
    return Measured(len(statements), size(data))


def nested(document: str, level: str, depth: int) -> str:
    """A document with `@` filled by a level within a level, to a depth."""
    inner = ""
    for _ in range(depth):
        inner = level.replace("@", inner)
    return document.replace("@", inner)


UNIT = """children { id code name kind parent { code } path { code } agency { name }
  head { name position unit { code } appraiser { name } }
  employees(first: 2) { totalCount edges { node { name nip position } } }
  targets(period: "2026") { title achievement { percentage } }
  teams(on: "2026-11-24") { members { status employee { name } } } @ }"""
UNITS = "query($id: ID!) { node(id: $id) { ... on Unit { code @ } } }"

TARGET = """children { title code period cascade
  owner { ... on Unit { name head { name } } ... on Employee { name position appraiser { name } } }
  parent { title } path { title }
  indicators { title measure { points { planned actual } } achievement { percentage } }
  stagedWork { stages { title completedOn } } achievement { percentage realized }
  actionPlans { description }
  records(first: 3) { totalCount edges { node { description minutes thread { title }
    target { title } indicator { title } stage { title } evidence { url } source { kind title }
    employee { name } history { kind actor { name } } activity { title } } } } @ }"""
TARGETS = "query($id: ID!) { target(id: $id) { title @ } }"

STAFF_TREE = """subordinates { name position unit { name } appraiser { name }
  plan(period: "2026") { state targets { title } behaviours { expectation } appraiser { name } }
  targets(period: "2026") { title } dailyLog(on: "2026-11-24") { status records { description
    thread { title } } } @ }"""
PEOPLE = "{ viewer { employee { name @ } } }"

TEAM = """{ team(on: "2026-11-24") { summary { members pendingCount statuses { count } }
  members { status employee { name position } log { recordedMinutes
    records { description thread { title } evidence { url } source { kind } history { kind
      actor { name } } } } } } }"""

CALENDAR = """query($from: Date!) { viewer { employee {
  calendar(from: $from, to: "2026-11-24") { on status recordedMinutes
    records { description target { title } history { actor { name } } } } } } }"""

CHECK = """{ cycleCheck(agency: "DC", period: "2026") { counts { kind count }
  problems { totalCount edges { node { detail menders { name unit { name } }
    subject { ... on Employee { name } ... on Unit { name } ... on Target { title } } } } } } }"""

GOALS = """query($code: String!) { agency(code: $code) { goals(period: "2026") { title @ } } }"""
GOAL = """children { title owner { ... on Unit { name } ... on Employee { name } }
  indicators { title measure { points { planned actual } } achievement { percentage } }
  stagedWork { stages { title } } achievement { percentage } actionPlans { description }
  records(first: 3) { totalCount edges { cursor } } @ }"""


def deep_case() -> dict[str, Any]:
    """The small agency with five levels below unit B, below target S, and below the superior."""
    case = agency_case()
    units, people, targets = case["units"], case["employees"], case["targets"]
    for code, parent in (("C2", "C1"), ("C3", "C2"), ("C4", "C3")):
        units.append({"code": code, "parent": parent, "name": f"Tim {code}", "level": "tim"})
    for nip, above in zip(BELOW, [STAFF, *BELOW], strict=False):
        people.append(person(nip, f"Bawahan {nip[-1]}", "C", above))
    for code, parent in (("T2", "T1"), ("T3", "T2"), ("T4", "T3")):
        targets.append(goal(code, parent, STAFF, 1))
    return case


async def work(world: World) -> None:
    """At every level somebody has been sent something and has written: by hand and in stages."""
    staff, supervisor = await scope_of(STAFF), await scope_of(SUPERVISOR)
    await logged(supervisor, place=Place(target_id=world.targets["S"].id), proof=[PROOF])
    stage = Place(target_id=world.targets["Z"].id, stage_id=world.stages[0].id)
    await logged(staff, place=stage, proof=[PROOF])
    for number, code in enumerate(("T", "T1", "T2", "T3", "T4", "U"), start=1):
        place = Place(target_id=world.targets[code].id, indicator_id=None)
        await logged(staff, MORNING - timedelta(days=number), place=place, proof=[PROOF])
        await logged(staff, MORNING + number * timedelta(minutes=30), place=place)
    for nip in BELOW:
        await logged(await scope_of(nip))
    await received(world, "P-1", starts_at=MORNING)


async def grow(world: World, number: int) -> None:
    """More of everything below unit C, the supervisor and target S; all of it at work."""
    agency, supervisor = world.rows["agency"], world.people[SUPERVISOR]
    period = world.targets["S"].period_id
    for n in range(number):
        unit = await Unit.create(agency_id=agency.id, code=f"N{n}", name=f"Tim {n}", kind="tim")
        await UnitPlacement.create(unit=unit, parent_id=world.rows["unit C"].id, starts_on=START)
        nip = f"19880101201503{n:04}"
        line = [supervisor.id, *supervisor.superiors]
        one = await Employee.create(
            agency_id=agency.id, nip=nip, name=f"Pegawai {n}", superiors=line
        )
        post = {"unit_id": world.rows["unit C"].id, "appraiser": supervisor, "position": "Staf"}
        await Assignment.create(employee=one, starts_on=START, **post)
        target = await Target.create(
            agency_id=agency.id,
            period_id=period,
            code=f"N{n}",
            position=n,
            title=f"Laporan {n}",
            kind=TargetKind.QUANTITATIVE,
            classification=Classification.INDIVIDUAL,
            owner_employee=one,
        )
        await TargetEdge.create(parent=world.targets["S"], child=target, kind=EdgeKind.INDIRECT)
        await logged(await scope_of(nip), place=Place(target_id=target.id), proof=[PROOF])


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found(deep_case())
        await work(world)
        yield world


@pytest.mark.slow
@pytest.mark.parametrize("tree", ["units", "targets", "people"])
async def test_a_tree_takes_as_many_statements_at_any_depth_and_breadth(
    world: World, tree: str
) -> None:
    viewer, document, level, key = {
        "units": (SUPERIOR, UNITS, UNIT, key_of(world.rows["unit B"])),
        "targets": (SUPERVISOR, TARGETS, TARGET, key_of(world.targets["S"])),
        "people": (SUPERIOR, PEOPLE, STAFF_TREE, None),
    }[tree]
    variables = {} if key is None else {"id": key}

    async def at(depth: int) -> Measured:
        return await measured(viewer, nested(document, level, depth), **variables)

    narrow = {depth: await at(depth) for depth in (1, 2, 3, 5)}
    await grow(world, 20)
    broad = {depth: await at(depth) for depth in (1, 2, 3, 5)}

    taken = {one.statements for one in [*narrow.values(), *broad.values()]}
    assert taken == {WHO_ASKS + SELECTION}
    sizes = [narrow[depth].objects for depth in (1, 2, 3, 5)]
    assert sizes == sorted(set(sizes))
    assert broad[2].objects > 2 * narrow[2].objects


async def test_a_team_takes_as_many_statements_for_any_number_of_members(world: World) -> None:
    narrow = await measured(SUPERVISOR, TEAM)
    await grow(world, 20)
    broad = await measured(SUPERVISOR, TEAM)

    assert broad.statements == narrow.statements == WHO_ASKS + SELECTION
    assert broad.objects > 3 * narrow.objects


async def test_a_calendar_takes_as_many_statements_for_any_number_of_days(world: World) -> None:
    two = await measured(STAFF, CALENDAR, **{"from": "2026-11-23"})
    year = await measured(STAFF, CALENDAR, **{"from": "2025-11-25"})

    assert year.statements == two.statements == WHO_ASKS + SELECTION
    assert year.objects > 300


@pytest.mark.slow
async def test_the_nation_takes_as_many_statements_as_a_small_agency(world: World) -> None:
    await save_case(real_case("cascade_bps_ro_national_2026"))
    head = await Employee.get(assignments__unit__code="BPS", assignments__heads_unit=True)

    small = await measured(SUPERIOR, nested(GOALS, GOAL, 3), code="DC")
    nation = await measured(head.nip, nested(GOALS, GOAL, 3), code="BPS")

    assert nation.statements == small.statements == WHO_ASKS + SELECTION
    # 1,713 targets, each with an indicator
    assert nation.objects > 2 * 1713


async def test_the_check_before_a_cycle_is_one_statement(world: World) -> None:
    await grant_role(world.rows["agency"].id, "pengelola.dc", Role.ADMINISTRATOR)

    asked = await measured("pengelola.dc", CHECK)

    assert asked.statements == WHO_ASKS + SELECTION
    assert asked.objects > 20


async def test_a_query_over_a_stream_takes_as_many_as_over_http(world: World) -> None:
    """WebSocket and SSE take Strawberry's other way: nothing is asked twice there."""
    api = Api(SUPERVISOR)
    with counted() as statements:
        results = await schema().stream(TEAM, context_value=await api.context())
        answers = [answer_of(result) async for result in results]

    assert len(answers) == 1
    assert answers[0].data["team"]["summary"]["members"] > 0
    assert len(statements) == WHO_ASKS + SELECTION
