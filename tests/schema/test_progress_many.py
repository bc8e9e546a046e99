"""Many records in one call and the same one by one: identical rows, identical refusals.

Each way is tried in a transaction that is then rolled back, so that both start from the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from tortoise import Tortoise
from tortoise.transactions import in_transaction

from schema.errors import DomainError, ErrorCode
from schema.plans.models import EvaluationKind, PerformancePlan, PlanState
from schema.plans.periods import close_period, period_of, set_evaluation_periods
from schema.policies.models import LateEntries
from schema.progress.models import ProgressRecord
from schema.progress.placing import Place
from schema.progress.rules import Proof
from schema.progress.service import log_many, log_progress
from schema.progress.writing import Entry
from schema.targets.service import set_policy
from tests.copies import Copies
from tests.factories import MORNING, NOW, PROOF, STAFF, TODAY, World, copied_world, entry, logged
from tests.schema.test_statements import counted

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Whatever a record writes; keys differ, and each event of one call names all targets that moved.
TOLD = {
    "records": """SELECT r.day, r.starts_at, r.ends_at, r.minutes, r.description, r.category,
      r.target_id, r.indicator_id, r.quantity, r.stage_id, r.action_plan_id, r.late,
      r.late_reason, r.state, r.created_at, r.decided_at, r.agency_id, r.employee_id
      FROM progress_record r ORDER BY r.starts_at, r.id""",
    "evidence": """SELECT r.starts_at, e.position, e.title, e.url, e.from_source
      FROM evidence e JOIN progress_record r ON r.id = e.record_id
      ORDER BY r.starts_at, r.id, e.position""",
    "history": """SELECT r.starts_at, h.kind, h.actor, h.at, h.comment, h.changes::text
      FROM record_event h JOIN progress_record r ON r.id = h.record_id
      ORDER BY r.starts_at, r.id, h.id""",
    "events": """SELECT v.kind, v.agency_id, v.employee_id, r.starts_at, v.superior_ids
      FROM event v JOIN progress_record r ON r.id = v.record_id ORDER BY v.id""",
    "days": """SELECT day, required_minutes, recorded_minutes, pending_minutes, pending_count,
      last_activity_at FROM daily_log ORDER BY employee_id, day""",
    "indicators": """SELECT id, own, own_records, realized, contributing, realized_at
      FROM indicator ORDER BY id""",
    "stages": "SELECT id, completed_on FROM stage ORDER BY id",
    "edges": "SELECT id, achieved FROM target_edge ORDER BY id",
}


class RolledBack(Exception):
    """Ends a trial."""


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
        yield world


async def trial(run: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    """What all tables say behind a run, or how it was refused; then nothing has happened."""
    said: dict[str, Any] = {}
    try:
        async with in_transaction("default") as connection:
            try:
                await run()
            except DomainError as error:
                said["refused"] = (error.code, error.field, error.words)
            else:
                for name, statement in TOLD.items():
                    rows = await connection.execute_query_dict(statement)
                    said[name] = [dict(row) for row in rows]
            raise RolledBack
    except RolledBack:
        return said


async def both_ways(
    world: World, entries: Sequence[Entry], now: Any = NOW
) -> tuple[dict[str, Any], dict[str, Any]]:
    viewer = await world.scope("self")

    async def singly() -> None:
        for place, one in enumerate(entries):
            try:
                await log_progress(viewer, one, now)
            except DomainError as error:
                error.field = ".".join(filter(None, [f"entries.{place}", error.field]))
                raise

    return await trial(lambda: log_many(viewer, entries, now)), await trial(singly)


def at(days: int, minutes: int = 0) -> Any:
    """An instant of the morning of a day before today."""
    return MORNING - days * DAY + minutes * MINUTE


def a_week(world: World) -> list[Entry]:
    """Records of every kind: nowhere, on a target, with an amount, of the unit, stages in order,
    an instant inside another, out of order in time."""

    def on(code: str, quantity: str | None = None) -> Place:
        amount = None if quantity is None else Decimal(quantity)
        return Place(target_id=world.targets[code].id, quantity=amount)

    second, third = (
        Place(target_id=world.targets["Z"].id, stage_id=world.stages[n].id) for n in (1, 2)
    )
    both = [PROOF, Proof("Dua", "https://arsip.example/2")]
    return [
        entry(at(7)),
        entry(at(5), place=on("T")),
        entry(at(6), place=on("T", "1.5")),
        entry(at(6, 30), place=on("T1", "2"), proof=[PROOF]),
        entry(at(6, 40), 0),
        entry(at(6, 60), place=on("U", "4")),
        entry(at(4), place=second, proof=both),
        entry(at(3), place=third, proof=[PROOF]),
        entry(at(7, 30), category="Rapat"),
    ]


async def test_many_write_what_they_would_write_one_by_one(world: World) -> None:
    before = await ProgressRecord.all().count()

    many, singly = await both_ways(world, a_week(world))

    assert "refused" not in many
    assert many == singly
    assert len(many["records"]) == before + 9
    assert await ProgressRecord.all().count() == before


def overlapping(world: World) -> list[Entry]:
    return [entry(at(5)), entry(at(5, 29))]


def covering_two(world: World) -> list[Entry]:
    """The first of those that share time is the one that is named."""
    return [entry(at(5, 60), description="B"), entry(at(5, 30), description="A"), entry(at(5), 120)]


def stage_too_early(world: World) -> list[Entry]:
    place = Place(target_id=world.targets["Z"].id, stage_id=world.stages[2].id)
    return [entry(at(5)), entry(at(4), place=place, proof=[PROOF])]


def stage_without_proof(world: World) -> list[Entry]:
    place = Place(target_id=world.targets["Z"].id, stage_id=world.stages[1].id)
    return [entry(at(5)), entry(at(4), place=place)]


def somebody_elses(world: World) -> list[Entry]:
    mine, other = (Place(target_id=world.targets[code].id) for code in ("T", "O"))
    return [entry(at(5), place=mine), entry(at(4), place=other)]


def unclear_indicator(world: World) -> list[Entry]:
    place = Place(target_id=world.targets["M"].id, quantity=Decimal(1))
    return [entry(at(5), place=place)]


def anothers_indicator(world: World) -> list[Entry]:
    targets, indicator = world.targets, world.indicators["T1"].id
    good = Place(target_id=targets["T1"].id, indicator_id=indicator, quantity=Decimal(1))
    bad = Place(target_id=targets["T"].id, indicator_id=indicator, quantity=Decimal(1))
    return [entry(at(5), place=good), entry(at(4), place=bad)]


def outside_period(world: World) -> list[Entry]:
    place = Place(target_id=world.targets["T"].id)
    return [entry(at(5), place=place), entry(at(900), place=place)]


def blank(world: World) -> list[Entry]:
    return [entry(at(5)), entry(at(4), description=" ")]


def upside_down(world: World) -> list[Entry]:
    return [entry(at(5)), entry(at(4), ends_at=at(4) - MINUTE)]


def before_all_time(world: World) -> list[Entry]:
    """An instant that no clock of UTC can say."""
    first = datetime(1, 1, 1, tzinfo=timezone(14 * HOUR))
    return [entry(first), entry(first + HOUR)]


def behind_all_time(world: World) -> list[Entry]:
    last = datetime(9999, 12, 31, 23, tzinfo=timezone(-12 * HOUR))
    return [entry(last, 10), entry(last, 10)]


def overlapping_an_old_one(world: World) -> list[Entry]:
    return [entry(at(5)), entry(MORNING + timedelta(hours=2))]


@pytest.mark.parametrize(
    ("entries", "code"),
    [
        (overlapping, ErrorCode.OVERLAP),
        (covering_two, ErrorCode.OVERLAP),
        (overlapping_an_old_one, ErrorCode.OVERLAP),
        (stage_too_early, ErrorCode.STAGE_OUT_OF_ORDER),
        (stage_without_proof, ErrorCode.EVIDENCE_MISSING),
        (somebody_elses, ErrorCode.TARGET_NOT_YOURS),
        (unclear_indicator, ErrorCode.INDICATOR_MISSING),
        (anothers_indicator, ErrorCode.INDICATOR_NOT_OF_TARGET),
        (outside_period, ErrorCode.OUTSIDE_PERIOD),
        (blank, ErrorCode.DESCRIPTION_MISSING),
        (upside_down, ErrorCode.ENDS_BEFORE_START),
        (before_all_time, ErrorCode.BAD_USER_INPUT),
        (behind_all_time, ErrorCode.IN_THE_FUTURE),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
async def test_many_are_refused_as_one_is(
    world: World, entries: Callable[[World], list[Entry]], code: ErrorCode
) -> None:
    many, singly = await both_ways(world, entries(world))

    assert many == singly
    assert many["refused"][0] is code


async def test_many_of_closed_or_late_days_are_refused_as_one_is(world: World) -> None:
    """November is open, October closed; behind the deadline a reason is missing."""
    administrator = await world.scope("administrator")
    period = await period_of(administrator, "DC", "2026")
    months = await set_evaluation_periods(administrator, period, EvaluationKind.MONTHLY, NOW)
    october = next(row for row in months if row.number == 10)
    await close_period(administrator, october.id, NOW)
    closed = [entry(at(5)), entry(at(40))]
    late = [entry(at(0, -300)), entry(at(5))]

    shut = await both_ways(world, closed)
    policy = {"entry_days": 1, "late_entries": LateEntries.REASON}
    await set_policy(administrator, "DC", TODAY.replace(day=1), policy, NOW)
    reason = await both_ways(world, late)
    policy = {"action_plans_required": True, "entry_days": None}
    await set_policy(administrator, "DC", TODAY.replace(day=1), policy, NOW)
    unplanned = await both_ways(
        world, [entry(at(6)), entry(at(5), place=Place(target_id=world.targets["T1"].id))]
    )
    await PerformancePlan.filter(employee__nip=STAFF).update(state=PlanState.RETURNED)
    unapproved = await both_ways(
        world, [entry(at(5), place=Place(target_id=world.targets["T"].id))]
    )

    assert [many["refused"][0] for many, _ in (shut, reason, unplanned, unapproved)] == [
        ErrorCode.PERIOD_CLOSED,
        ErrorCode.LATE_REASON_MISSING,
        ErrorCode.ACTION_PLAN_MISSING,
        ErrorCode.PLAN_NOT_APPROVED,
    ]
    assert all(many == singly for many, singly in (shut, reason, unplanned, unapproved))


async def test_entries_years_apart_see_what_is_between_them(world: World) -> None:
    """What is taken is not foreseen for so long; each entry asks for itself, of new ones too."""
    viewer = await world.scope("self")
    await logged(viewer, at(700))

    many, singly = await both_ways(world, [entry(at(900)), entry(at(2)), entry(at(700, 10))])
    again, one_by_one = await both_ways(world, [entry(at(900)), entry(at(2)), entry(at(2, 10))])

    assert many == singly
    assert again == one_by_one
    assert many["refused"][0] is again["refused"][0] is ErrorCode.OVERLAP
    assert "entries.2.startsAt" == many["refused"][1] == again["refused"][1]


async def test_a_month_takes_hardly_more_statements_than_a_week(world: World) -> None:
    """Each day adds its evaluation period and its policy; each record adds nothing."""
    viewer, place = await world.scope("self"), Place(target_id=world.targets["T"].id)
    await Tortoise.get_connection("default").execute_query("SELECT 1")

    def spread(first: int, days: int, a_day: int) -> list[Entry]:
        return [
            entry(at(first + day, 30 * n), place=place) for day in range(days) for n in range(a_day)
        ]

    with counted() as few:
        await log_many(viewer, spread(20, 5, 1), NOW)
    with counted() as some:
        await log_many(viewer, spread(40, 5, 8), NOW)
    with counted() as many:
        await log_many(viewer, spread(60, 20, 8), NOW)

    assert len(some) == len(few)
    assert len(many) - len(some) == 15 * 2
