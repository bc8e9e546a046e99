"""Use cases of moves: a transfer, an acting post. A new post opens a new plan, and history stays
where it was earned."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.checks import LONGEST_TITLE, invalid, text_of
from schema.errors import ErrorCode, NotFound
from schema.events import EventKind, append
from schema.organizations.models import Assignment, AssignmentKind, Employee, Unit
from schema.organizations.service import covering, overlap, refresh_reporting_lines
from schema.plans.locking import lock_codes, lock_lines
from schema.plans.models import PerformancePlan, PlanEventKind, PlanState
from schema.plans.rules import ONE_DAY, handed_over
from schema.plans.saving import codes_behind, free_code
from schema.plans.service import note, opened
from schema.policies.service import refresh_person
from schema.tables import transaction
from schema.targets.models import (
    Accumulation,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Stage,
    Target,
    TargetEdge,
    TrajectoryPoint,
)
from schema.targets.rolling import roll
from schema.targets.rules import Point
from schema.targets.tracking import due_by
from schema.values import local_date, plain

DEFINITIVE = AssignmentKind.DEFINITIVE
LAST_UNTIL = date.max - 2 * ONE_DAY
"""The day behind it is kept; the last of all days would be read as infinity."""
LOCK_PEOPLE = "SELECT id FROM employee WHERE agency_id = $1 ORDER BY id FOR NO KEY UPDATE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Who moved, with the superiors of the line they leave and of the one they come to."""

    id: UUID
    agency_id: UUID
    superiors: Collection[UUID]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A post that a person takes over from a day on; `until` is its last day, None: open."""

    employee_id: UUID
    unit_id: UUID
    position: str
    appraiser_id: UUID | None
    starts_on: date
    until: date | None = None
    kind: AssignmentKind = DEFINITIVE
    heads_unit: bool = False


async def transfer(scope: Scope, move: Move, now: datetime) -> PerformancePlan | None:
    """Give somebody a post. A definitive one ends the one before and its plan; an acting one
    (PLT, PLH) stands beside it. Either opens a plan, where a planning period covers its first day.

    A plan inherits what belongs to the post (classification ORGANIZATION) from the last holder's.

    Raises:
        NotFound: person, unit or appraiser is not of an agency that the viewer administers.
        DomainError: the post cannot be: it overlaps another, or the unit has a head.
    """
    async with transaction() as connection:
        person = await _person(connection, scope, move)
        # One move of an agency at a time, and people first: so do all who write.
        await connection.execute_query_dict(LOCK_PEOPLE, [person.agency_id])
        await person.refresh_from_db(fields=["superiors"], using_db=connection)
        period = await _period(connection, person, move.starts_on)
        if period is not None:
            await lock_codes(connection, period.id)
        rows = await Assignment.filter(employee=person).using_db(connection)
        await _make_room(connection, move, rows, scope, now)
        post = await Assignment.create(
            using_db=connection,
            employee=person,
            unit_id=move.unit_id,
            appraiser_id=move.appraiser_id,
            position=text_of(
                move.position,
                missing=ErrorCode.DESCRIPTION_MISSING,
                field="position",
                longest=LONGEST_TITLE,
            ),
            kind=move.kind,
            heads_unit=move.heads_unit,
            starts_on=move.starts_on,
            ends_on=None if move.until is None else move.until + ONE_DAY,
        )
        today = local_date(now, person.timezone)
        await person.fetch_related("agency", using_db=connection)
        await refresh_reporting_lines(connection, person.agency, today)
        await _tell(connection, person, move)
        await refresh_person(connection, person.id, move.starts_on)
        if period is None:
            return None
        plan = await opened(connection, post, period, scope.subject, now)
        await _inherit(connection, plan, post, scope, now)
    return plan


async def _tell(connection: BaseDBAsyncClient, person: Employee, move: Move) -> None:
    """Both boards learn of it; the one to come also where the post begins on a later day."""
    now = await Employee.get(id=person.id, using_db=connection)
    came = [] if move.appraiser_id is None else [move.appraiser_id]
    line = [*dict.fromkeys([*person.superiors, *now.superiors, *came])]
    moved = Moved(id=person.id, agency_id=person.agency_id, superiors=line)
    await append(connection, kind=EventKind.POSTS_CHANGED, person=moved)


async def _period(connection: BaseDBAsyncClient, person: Employee, day: date) -> Period | None:
    """The planning period of a day."""
    of_agency = Period.filter(agency_id=person.agency_id, starts_on__lte=day, ends_on__gte=day)
    return await of_agency.using_db(connection).first()


async def _person(connection: BaseDBAsyncClient, scope: Scope, move: Move) -> Employee:
    person = await Employee.get_or_none(id=move.employee_id, using_db=connection)
    if person is None or not can_administer(scope, person.agency_id):
        raise NotFound("Employee")
    if (
        not await Unit.filter(id=move.unit_id, agency_id=person.agency_id)
        .using_db(connection)
        .exists()
    ):
        raise NotFound("Unit")
    if move.appraiser_id is not None:
        if move.appraiser_id == person.id:
            raise invalid("appraiser", "nobody appraises themself")
        appraiser = await Employee.get_or_none(id=move.appraiser_id, using_db=connection)
        if appraiser is None or not can_administer(scope, appraiser.agency_id):
            raise NotFound("Employee")
    if move.until is not None and move.until < move.starts_on:
        raise invalid("until", f"{move.until} is before {move.starts_on}")
    if move.until is not None and move.until > LAST_UNTIL:
        raise invalid("until", f"{move.until} is out of range")
    if (move.kind is not DEFINITIVE) and move.until is None:
        raise invalid("until", "an acting post has a last day")
    return person


async def _make_room(
    connection: BaseDBAsyncClient,
    move: Move,
    rows: Iterable[Assignment],
    scope: Scope,
    now: datetime,
) -> None:
    """End the definitive post that the new one follows; refuse what would overlap."""
    until = None if move.until is None else move.until + ONE_DAY
    wanted = Assignment(starts_on=move.starts_on, ends_on=until)
    definitive = [row for row in rows if row.kind is DEFINITIVE]
    current = covering(definitive, move.starts_on)
    ends = current.id if current is not None and move.kind is DEFINITIVE else None
    heads = Assignment.filter(unit_id=move.unit_id, heads_unit=True).using_db(connection)
    if move.heads_unit:
        for other in await heads.prefetch_related("employee"):
            if other.id != ends and overlap(other, wanted):
                raise invalid(
                    "headsUnit", f"{other.employee.name} heads the unit: end that post first"
                )
    if move.kind is not DEFINITIVE:
        acting = [row for row in rows if row.unit_id == move.unit_id and row.kind != DEFINITIVE]
        if any(overlap(row, wanted) for row in acting):
            raise invalid("startsOn", "the person acts in this unit already in these days")
        return
    later = [row for row in definitive if row is not current and overlap(row, wanted)]
    if later:
        raise invalid("startsOn", f"another post follows on {later[0].starts_on}")
    if current is None:
        return
    if current.starts_on == move.starts_on:
        raise invalid("startsOn", f"the present post began on {current.starts_on}")
    current.ends_on = move.starts_on
    await current.save(using_db=connection, update_fields=["ends_on"])
    await end_plans(connection, current, scope.subject, now)


async def end_plans(
    connection: BaseDBAsyncClient, post: Assignment, by: str, now: datetime
) -> None:
    """Plans of a post end with it; what was recorded in their days stays and counts there."""
    assert post.ends_on is not None
    last = post.ends_on - ONE_DAY
    plans = PerformancePlan.filter(assignment=post, starts_on__lte=last, ends_on__gt=last)
    for plan in await plans.using_db(connection).order_by("id").select_for_update(no_key=True):
        changes = {"endsOn": {"before": str(plan.ends_on), "after": str(last)}}
        plan.ends_on, plan.version = last, plan.version + 1
        await plan.save(using_db=connection, update_fields=["ends_on", "version"])
        await note(connection, plan, PlanEventKind.ENDED, by, now, None, changes)


async def _inherit(
    connection: BaseDBAsyncClient,
    plan: PerformancePlan,
    post: Assignment,
    scope: Scope,
    now: datetime,
) -> None:
    """Take over the post's results from the plan of its last holder in the period, if it ended.

    Once: whoever comes after the heir inherits from the heir. A closed plan is not divided any
    more: its figures stand, and the new one begins empty.
    """
    before = await _last_plan(connection, plan, post)
    if before is None or before.state is PlanState.CLOSED:
        return
    results = Target.filter(plan=before, classification=Classification.ORGANIZATION)
    found = await results.using_db(connection).only("id", "code")
    keys = [row.id for row in found]
    edges = await TargetEdge.filter(child_id__in=keys).using_db(connection)
    await lock_lines(connection, keys, {edge.parent_id for edge in edges})
    codes = await codes_behind(connection, plan.period_id, [row.code for row in found])
    changes: dict[str, dict[str, str]] = {}
    made: list[UUID] = []
    for old in await results.using_db(connection).order_by("position", "code"):
        new = await _copy(connection, old, plan, codes)
        changes |= await _hand_over(connection, before, old, new, plan.starts_on)
        made += [new.id, old.id]
    if changes:
        before.version += 1
        await before.save(using_db=connection, update_fields=["version"])
        await note(connection, before, PlanEventKind.EDITED, scope.subject, now, None, changes)
    await roll(connection, made)


async def _last_plan(
    connection: BaseDBAsyncClient, plan: PerformancePlan, post: Assignment
) -> PerformancePlan | None:
    """The plan of who held a post before, locked: somebody else's, the last that ended; None where
    another has taken the post over since."""
    of_post = PerformancePlan.filter(
        period_id=plan.period_id,
        assignment__unit_id=post.unit_id,
        assignment__position=post.position,
    ).exclude(employee_id=plan.employee_id)
    before = await (
        of_post.filter(ends_on__lt=plan.starts_on)
        .using_db(connection)
        .order_by("-ends_on", "-id")
        .select_for_update(no_key=True, of=("performance_plan",))
        .first()
    )
    if before is None:
        return None
    since = of_post.filter(starts_on__gt=before.ends_on).using_db(connection)
    return None if await since.exists() else before


async def _copy(
    connection: BaseDBAsyncClient, old: Target, plan: PerformancePlan, codes: set[str]
) -> Target:
    new = await Target.create(
        using_db=connection,
        agency_id=old.agency_id,
        period_id=old.period_id,
        plan_id=plan.id,
        owner_employee_id=plan.employee_id,
        code=free_code(codes, old.code),
        **{
            name: getattr(old, name)
            for name in (
                "position",
                "title",
                "kind",
                "classification",
                "category",
                "perspective",
                "assigned_by",
            )
        },
    )
    for edge in await TargetEdge.filter(child=old).using_db(connection).order_by("-primary"):
        # One result and its heir share the weight that the one had: none of it counts twice.
        weight = None if edge.weight is None else (edge.weight / 2).quantize(edge.weight)
        if weight is not None:
            edge.weight = None if edge.weight is None else edge.weight - weight
            await edge.save(using_db=connection, update_fields=["weight"])
        await TargetEdge.create(
            using_db=connection,
            parent_id=edge.parent_id,
            child=new,
            # Halved often enough nothing is left of a weight.
            kind=EdgeKind.INDIRECT if weight == 0 else edge.kind,
            weight=weight or None,
            primary=edge.primary,
        )
    for stage in await Stage.filter(target=old).using_db(connection).order_by("position"):
        if stage.completed_on is None:
            await Stage.create(
                using_db=connection,
                target=new,
                position=stage.position,
                title=stage.title,
                evidence=stage.evidence,
                weight=stage.weight,
            )
    return new


async def _hand_over(
    connection: BaseDBAsyncClient,
    before: PerformancePlan,
    old: Target,
    new: Target,
    from_day: date,
) -> dict[str, dict[str, str]]:
    """Divide each number between the two, so that both make what was planned; levels are kept.

    Returns what changed in the plan of who leaves, by name.
    """
    changes: dict[str, dict[str, str]] = {}
    period = await Period.get(id=before.period_id, using_db=connection)
    for row in await Indicator.filter(target=old).using_db(connection).order_by("position"):
        points = await TrajectoryPoint.filter(indicator=row).using_db(connection).order_by("day")
        planned, moved = row.planned, row.planned
        gone = Decimal(0)
        if row.accumulation is Accumulation.SUM and row.planned is not None:
            due = due_by([Point(one.day, one.planned) for one in points], from_day - ONE_DAY)
            days = (from_day - before.starts_on).days
            in_all = (period.ends_on - before.starts_on).days + 1
            planned, moved = handed_over(row.planned, due if points else None, days, in_all)
            gone = planned
            name = f"results.{old.code}.indicators.{row.position}.planned"
            changes[name] = {"before": plain(row.planned), "after": plain(planned)}
        heir = await Indicator.create(
            using_db=connection,
            target=new,
            planned=moved,
            contributes_to_id=row.contributes_to_id,
            **{
                name: getattr(row, name)
                for name in (
                    "position",
                    "aspect",
                    "title",
                    "unit_of_measure",
                    "polarity",
                    "accumulation",
                    "baseline",
                    "minimum",
                    "maximum",
                )
            },
        )
        later = [one for one in points if one.day >= from_day]
        await TrajectoryPoint.bulk_create(
            [
                TrajectoryPoint(
                    indicator=heir, day=one.day, planned=max(one.planned - gone, Decimal(0))
                )
                for one in later
            ],
            using_db=connection,
        )
        await TrajectoryPoint.filter(id__in=[one.id for one in later]).using_db(connection).delete()
        if planned != row.planned:
            row.planned = planned
            await row.save(using_db=connection, update_fields=["planned"])
    return changes
