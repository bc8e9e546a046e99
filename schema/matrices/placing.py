"""Rows into people's plans: whose plan, opened where it is missing, and many rows at once.

Each function takes the caller's transaction and as many statements for one row as for thousands.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.matrices.rules import TemplateStage
from schema.organizations.models import Assignment, Employee
from schema.plans.locking import TARGETS
from schema.plans.models import PerformancePlan, PlanEvent, PlanEventKind, PlanState
from schema.plans.rules import days_of_plan
from schema.plans.saving import check_weights_below
from schema.targets.models import (
    Accumulation,
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Polarity,
    ResultCategory,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)
from schema.targets.rolling import roll
from schema.values import uuid7

OPEN = (PlanState.DRAFT, PlanState.RETURNED)
"""States in which a plan takes rows; what was submitted or agreed is not changed from outside."""

# In the order of keys, so that two who give rows to the same people do not wait for each other.
LOCK_PEOPLE = """
SELECT id FROM employee WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"""
# The post by which a person is known: the definitive one, else an acting one, the newest.
POSTS = """
SELECT DISTINCT ON (a.employee_id) a.id, a.employee_id, a.starts_on, a.ends_on
FROM assignment a
WHERE a.employee_id = ANY ($1::uuid[]) AND a.starts_on <= $2
  AND (a.ends_on IS NULL OR a.ends_on > $2)
ORDER BY a.employee_id, a.kind, a.starts_on DESC, a.id DESC"""
LAST_POSITIONS = """
SELECT plan_id, max(position) AS position FROM target
WHERE plan_id = ANY ($1::uuid[]) GROUP BY plan_id"""
TAKEN = """
SELECT code FROM target WHERE agency_id = $1 AND period_id = $2 AND code = ANY ($3::text[])"""
NEXT_VERSIONS = """
UPDATE performance_plan SET version = version + 1 WHERE id = ANY ($1::uuid[])
RETURNING id, version"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """An indicator to make, with the leader's indicator that it contributes to."""

    aspect: Aspect
    title: str
    unit_of_measure: str | None
    polarity: Polarity
    accumulation: Accumulation
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    contributes_to_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRow:
    """A result to make in somebody's plan, and how it serves its parent, where it has one."""

    employee_id: UUID
    code: str
    title: str
    category: ResultCategory = ResultCategory.MAIN
    parent_id: UUID | None = None
    kind: EdgeKind = EdgeKind.INDIRECT
    weight: Decimal | None = None
    measures: Sequence[Measure] = ()
    stages: Sequence[TemplateStage] = ()
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Giving:
    """Who gives rows, in which period, on which day and at which instant."""

    connection: BaseDBAsyncClient
    scope: Scope
    period: Period
    day: date
    now: datetime


@dataclass(frozen=True, slots=True)
class Plans:
    """Plans that take rows, by employee; and why somebody's does not."""

    of: dict[UUID, PerformancePlan] = field(default_factory=dict)
    errors: dict[UUID, DomainError] = field(default_factory=dict)


async def lock_people(connection: BaseDBAsyncClient, people: Collection[UUID]) -> None:
    """Let the caller's transaction be the only one that gives these people rows."""
    await connection.execute_query_dict(LOCK_PEOPLE, [sorted(people)])


async def lock_results(connection: BaseDBAsyncClient, results: Collection[UUID]) -> None:
    """Let it be the only one that hangs rows under these results."""
    await connection.execute_query_dict(TARGETS, [sorted(results)])


async def plans_of(giving: Giving, people: Mapping[UUID, Employee]) -> Plans:
    """The plan of each person's post of the day, opened as a draft where there is none.

    In `errors`: WRONG_PLAN_STATE where it takes no rows any more, NO_POST where there is none.
    """
    connection, period = giving.connection, giving.period
    rows = await connection.execute_query_dict(POSTS, [list(people), giving.day])
    posts = {row["employee_id"]: row for row in rows}
    known = (
        await PerformancePlan.filter(
            period_id=period.id, assignment_id__in=[row["id"] for row in rows]
        )
        .using_db(connection)
        .order_by("id")
        .select_for_update(no_key=True)
    )
    by_post = {plan.assignment_id: plan for plan in known}
    plans, opened = Plans(), list[PerformancePlan]()
    for key, person in people.items():
        post = posts.get(key)
        if post is None or post["starts_on"] > period.ends_on:
            day = str(giving.day if post is None else period.ends_on)
            plans.errors[key] = DomainError(ErrorCode.NO_POST, person=person.name, day=day)
            continue
        plan = by_post.get(post["id"])
        if plan is None:
            plan = _opened(period, post)
            opened.append(plan)
        if plan.state in OPEN:
            plans.of[key] = plan
        else:
            state = f"{plan.state} ({person.name})"
            needed = " / ".join(OPEN)
            plans.errors[key] = DomainError(ErrorCode.WRONG_PLAN_STATE, state=state, needed=needed)
    await PerformancePlan.bulk_create(opened, using_db=connection)
    await _note(giving, PlanEventKind.OPENED, {plan.id: 1 for plan in opened}, {})
    return plans


def _opened(period: Period, post: Mapping[str, Any]) -> PerformancePlan:
    starts_on, ends_on = days_of_plan(
        post["starts_on"], post["ends_on"], period.starts_on, period.ends_on
    )
    return PerformancePlan(
        period_id=period.id,
        employee_id=post["employee_id"],
        assignment_id=post["id"],
        starts_on=starts_on,
        ends_on=ends_on,
        state=PlanState.DRAFT,
    )


async def taken(giving: Giving, codes: Collection[str]) -> set[str]:
    """Which of these codes are targets of the period already."""
    period = giving.period
    rows = await giving.connection.execute_query_dict(
        TAKEN, [period.agency_id, period.id, list(codes)]
    )
    return {row["code"] for row in rows}


async def put(giving: Giving, plans: Plans, rows: Sequence[NewRow]) -> None:
    """Make the rows in their people's plans, each plan with a new version and a line of history.

    Everybody must have a plan in `plans.of`; people and parents are locked by the caller.

    Raises:
        DomainError: a parent's weights would be above 100.
    """
    if not rows:
        return
    connection = giving.connection
    keys = sorted({plans.of[row.employee_id].id for row in rows})
    found = await connection.execute_query_dict(LAST_POSITIONS, [keys])
    last = {row["plan_id"]: row["position"] for row in found}
    targets, titles = list[Target](), dict[UUID, list[str]]()
    for row in rows:
        plan_id = plans.of[row.employee_id].id
        last[plan_id] = last.get(plan_id, -1) + 1
        titles.setdefault(plan_id, []).append(row.title)
        targets.append(_target(giving.period, row, plan_id, last[plan_id]))
    await Target.bulk_create(targets, using_db=connection)
    await _put_edges(connection, rows)
    await _put_measures(connection, rows)
    weighted = [row.id for row in rows if row.kind is EdgeKind.WEIGHTED]
    if weighted:
        parents = {row.parent_id for row in rows if row.parent_id is not None}
        # Since the grid was saved, others may have come to count there.
        await check_weights_below(connection, parents, "members")
        # A child without a number may count as zero, as the agency's policy has it.
        await roll(connection, weighted)
    versions = await connection.execute_query_dict(NEXT_VERSIONS, [keys])
    await _note(
        giving, PlanEventKind.EDITED, {row["id"]: row["version"] for row in versions}, titles
    )


def _target(period: Period, row: NewRow, plan_id: UUID, position: int) -> Target:
    return Target(
        id=row.id,
        agency_id=period.agency_id,
        period_id=period.id,
        code=row.code,
        position=position,
        title=row.title,
        kind=TargetKind.STAGED if row.stages else TargetKind.QUANTITATIVE,
        classification=Classification.INDIVIDUAL,
        category=row.category,
        owner_employee_id=row.employee_id,
        plan_id=plan_id,
    )


async def _put_edges(connection: BaseDBAsyncClient, rows: Sequence[NewRow]) -> None:
    edges = [
        TargetEdge(parent_id=row.parent_id, child_id=row.id, kind=row.kind, weight=row.weight)
        for row in rows
        if row.parent_id is not None
    ]
    await TargetEdge.bulk_create(edges, using_db=connection)


async def _put_measures(connection: BaseDBAsyncClient, rows: Sequence[NewRow]) -> None:
    indicators = [
        Indicator(
            target_id=row.id,
            position=place,
            aspect=one.aspect,
            title=one.title,
            unit_of_measure=one.unit_of_measure,
            polarity=one.polarity,
            accumulation=one.accumulation,
            planned=one.planned,
            minimum=one.minimum,
            maximum=one.maximum,
            contributes_to_id=one.contributes_to_id,
        )
        for row in rows
        for place, one in enumerate(row.measures, start=1)
    ]
    stages = [
        Stage(
            target_id=row.id,
            position=place,
            title=one.title,
            evidence=one.evidence,
            weight=one.weight,
        )
        for row in rows
        for place, one in enumerate(row.stages, start=1)
    ]
    await Indicator.bulk_create(indicators, using_db=connection)
    await Stage.bulk_create(stages, using_db=connection)


async def _note(
    giving: Giving,
    kind: PlanEventKind,
    versions: Mapping[UUID, int],
    titles: Mapping[UUID, list[str]],
) -> None:
    events = [
        PlanEvent(
            plan_id=key,
            kind=kind,
            actor=giving.scope.subject,
            at=giving.now,
            version=version,
            changes={"results": {"before": None, "after": titles[key]}} if titles else {},
        )
        for key, version in versions.items()
    ]
    await PlanEvent.bulk_create(events, using_db=giving.connection)


async def posts_of_day(connection: BaseDBAsyncClient, employee_id: UUID, day: date) -> set[UUID]:
    """Units in which somebody holds a post on a day."""
    posts = Assignment.filter(employee_id=employee_id, starts_on__lte=day).using_db(connection)
    return {post.unit_id for post in await posts if post.ends_on is None or post.ends_on > day}
