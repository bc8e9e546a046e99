"""Where a record counts: the target, and the indicator or stage of it that it moves."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.queryset import QuerySet

from schema.checks import check_quantity
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Assignment, Employee
from schema.plans.models import ActionPlan, PerformancePlan, PlanState
from schema.progress.memory import Memory
from schema.progress.models import ProgressRecord, RecordState
from schema.progress.timing import Timing
from schema.tables import Row
from schema.targets.models import Indicator, Stage, Target
from schema.targets.rules import next_open_stage

Found = TypeVar("Found", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a record is meant to move, as the employee says it."""

    target_id: UUID | None = None
    indicator_id: UUID | None = None
    quantity: Decimal | None = None
    stage_id: UUID | None = None
    action_plan_id: UUID | None = None


SHARE_PLAN = "SELECT id FROM performance_plan WHERE id = $1 FOR SHARE"
NOWHERE = Place()
"""A record that serves no target: it fills the day and moves nothing."""


async def checked(
    connection: BaseDBAsyncClient,
    place: Place,
    employee: Employee,
    day: date,
    *,
    has_proof: bool,
    timing: Timing,
    memory: Memory,
) -> Place:
    """The place with its action plan, and its indicator, filled in where there is just one.

    Raises:
        DomainError: the target is not the employee's, its plan is not approved, the day is outside
            its period or plan; an action plan is missing; or the indicator, quantity, stage or
            action plan does not fit it.
    """
    if place.target_id is None:
        return _nowhere(place)
    target = await _own_target(connection, place.target_id, employee, day, memory)
    action_plan_id = await _action_plan(
        connection, target, place.action_plan_id, day, timing, memory
    )
    place = replace(place, action_plan_id=action_plan_id)
    if place.stage_id is not None:
        _check_stage_alone(place)
        await _check_stage(connection, target, place.stage_id, memory, has_proof=has_proof)
        return place
    return await _measured(connection, target, place, memory)


def _nowhere(place: Place) -> Place:
    """Raises:
    DomainError: it says what is moved, and not of which target.
    """
    if place != NOWHERE:
        raise DomainError(ErrorCode.TARGET_MISSING, field="target")
    return place


def _check_stage_alone(place: Place) -> None:
    """Raises:
    DomainError: a stage is ended, and an indicator moved as well.
    """
    if place.indicator_id is not None or place.quantity is not None:
        raise DomainError(ErrorCode.STAGE_NOT_OF_TARGET, field="stage")


async def _measured(
    connection: BaseDBAsyncClient, target: Target, place: Place, memory: Memory
) -> Place:
    """The place with its indicator, where it moves one.

    Raises:
        DomainError: the indicator is not of the target or not named, or the quantity cannot be.
    """
    if place.indicator_id is None and place.quantity is None:
        return place
    indicator = await _indicator(connection, target, place.indicator_id, memory)
    if place.quantity is None:
        raise DomainError(ErrorCode.QUANTITY_INVALID, field="quantity", limit=0)
    check_quantity(place.quantity)
    return replace(place, target_id=target.id, indicator_id=indicator.id)


async def kept(
    connection: BaseDBAsyncClient, place: Place, employee: Employee, day: date, memory: Memory
) -> Place:
    """The place of an entry that waits, with its indicator filled in where there is just one.

    Raises:
        DomainError: the target is not the employee's, its plan is not approved or does not cover
            the day; or the indicator, quantity, stage or action plan can never fit it.
    """
    if place.target_id is None:
        return _nowhere(place)
    target = await _own_target(connection, place.target_id, employee, day, memory)
    if place.action_plan_id is not None:
        await _chosen_action_plan(connection, target, place.action_plan_id, day, memory)
    if place.stage_id is None:
        return await _measured(connection, target, place, memory)
    _check_stage_alone(place)
    stages = await _stages(connection, target, memory)
    if place.stage_id not in [stage.id for stage in stages]:
        raise DomainError(ErrorCode.STAGE_NOT_OF_TARGET, field="stage")
    return place


async def _own_target(
    connection: BaseDBAsyncClient,
    target_id: UUID,
    employee: Employee,
    day: date,
    memory: Memory,
) -> Target:
    """A target of the person, or of a unit in which the person holds a post on that day."""
    posts = await memory.recall(
        "posts", lambda: _all(Assignment.filter(employee_id=employee.id).using_db(connection))
    )
    units = {
        post.unit_id
        for post in posts
        if post.starts_on <= day and (post.ends_on is None or day < post.ends_on)
    }
    target = await memory.recall(("target", target_id), lambda: _target(connection, target_id))
    if target is None or not (
        target.owner_employee_id == employee.id or target.owner_unit_id in units
    ):
        raise DomainError(ErrorCode.TARGET_NOT_YOURS, field="target")
    if not target.period.starts_on <= day <= target.period.ends_on:
        raise DomainError(ErrorCode.OUTSIDE_PERIOD, field="target", period=target.period.code)
    plan_id = target.plan_id
    if plan_id is not None:
        plan = await memory.recall(("plan", plan_id), lambda: _shared_plan(connection, plan_id))
        _check_plan(plan, day)
    return target


async def _target(connection: BaseDBAsyncClient, target_id: UUID) -> Target | None:
    return await Target.filter(id=target_id).using_db(connection).select_related("period").first()


async def _shared_plan(connection: BaseDBAsyncClient, plan_id: UUID) -> PerformancePlan:
    """A plan, shared until the transaction ends: nobody closes it while it is written to."""
    await connection.execute_query_dict(SHARE_PLAN, [plan_id])
    return await PerformancePlan.get(id=plan_id, using_db=connection)


async def _all(rows: QuerySet[Found]) -> list[Found]:
    return await rows


async def check_plan_open(connection: BaseDBAsyncClient, record: ProgressRecord) -> None:
    """Raises:
    DomainError: the record counts in a plan that is closed, whose figures stand.
    """
    if record.state is not RecordState.CONFIRMED or record.target_id is None:
        return
    target = await Target.get(id=record.target_id, using_db=connection)
    if target.plan_id is None:
        return
    plan = await _shared_plan(connection, target.plan_id)
    if plan.state is PlanState.CLOSED:
        raise DomainError(ErrorCode.WRONG_PLAN_STATE, state=plan.state, needed=PlanState.APPROVED)


def _check_plan(plan: PerformancePlan, day: date) -> None:
    """Raises:
    DomainError: the plan is not approved, or does not cover the day: it was earned elsewhere.
    """
    if plan.state is not PlanState.APPROVED:
        raise DomainError(ErrorCode.PLAN_NOT_APPROVED, field="target", state=plan.state)
    if not plan.starts_on <= day <= plan.ends_on:
        raise DomainError(
            ErrorCode.OUTSIDE_PLAN, field="target", starts=plan.starts_on, ends=plan.ends_on
        )


async def _action_plan(
    connection: BaseDBAsyncClient,
    target: Target,
    chosen: UUID | None,
    day: date,
    timing: Timing,
    memory: Memory,
) -> UUID | None:
    """The action plan that a record is for; where one alone covers the day, that one.

    Raises:
        DomainError: the chosen one is not of the target or the day; or the agency asks for one
            first, in days that it evaluates, of work results of a plan.
    """
    if chosen is not None:
        return await _chosen_action_plan(connection, target, chosen, day, memory)
    keys = await _action_plans(connection, target, day, memory)
    asked = timing.policy.action_plans_required and timing.of_day.name is not None
    if not keys and asked and target.plan_id is not None:
        raise DomainError(
            ErrorCode.ACTION_PLAN_MISSING, field="actionPlan", period=timing.of_day.name
        )
    return keys[0] if len(keys) == 1 else None


async def _chosen_action_plan(
    connection: BaseDBAsyncClient, target: Target, chosen: UUID, day: date, memory: Memory
) -> UUID:
    """Raises:
    DomainError: it is not of the target or the day.
    """
    if chosen not in await _action_plans(connection, target, day, memory):
        raise DomainError(ErrorCode.ACTION_PLAN_NOT_OF_TARGET, field="actionPlan")
    return chosen


async def _action_plans(
    connection: BaseDBAsyncClient, target: Target, day: date, memory: Memory
) -> list[UUID]:
    """Those of a target that cover a day."""
    planned = await memory.recall(
        ("action plans", target.id),
        lambda: _all(ActionPlan.filter(target_id=target.id).using_db(connection)),
    )
    return [one.id for one in planned if one.starts_on <= day <= one.ends_on]


async def _indicator(
    connection: BaseDBAsyncClient, target: Target, indicator_id: UUID | None, memory: Memory
) -> Indicator:
    indicators = await memory.recall(
        ("indicators", target.id),
        lambda: _all(Indicator.filter(target_id=target.id).using_db(connection)),
    )
    if indicator_id is None:
        if len(indicators) != 1:
            raise DomainError(ErrorCode.INDICATOR_MISSING, field="indicator")
        return indicators[0]
    for indicator in indicators:
        if indicator.id == indicator_id:
            return indicator
    raise DomainError(ErrorCode.INDICATOR_NOT_OF_TARGET, field="indicator")


async def _stages(connection: BaseDBAsyncClient, target: Target, memory: Memory) -> list[Stage]:
    """Those of a target, in their order."""
    in_order = Stage.filter(target_id=target.id).order_by("position").using_db(connection)
    return await memory.recall(("stages", target.id), lambda: _all(in_order))


async def _check_stage(
    connection: BaseDBAsyncClient,
    target: Target,
    stage_id: UUID,
    memory: Memory,
    *,
    has_proof: bool,
) -> None:
    stages = await _stages(connection, target, memory)
    place = next((i for i, stage in enumerate(stages) if stage.id == stage_id), None)
    if place is None:
        raise DomainError(ErrorCode.STAGE_NOT_OF_TARGET, field="stage")
    if not has_proof:
        raise DomainError(ErrorCode.EVIDENCE_MISSING, field="evidence")
    # Not by `completed_on`, which moves at the end: this call may have ended or reopened some.
    ended = ProgressRecord.filter(
        stage_id__in=[stage.id for stage in stages], state=RecordState.CONFIRMED
    )
    complete = set(await ended.using_db(connection).values_list("stage_id", flat=True))
    first_open = next_open_stage([stage.id in complete for stage in stages])
    if first_open is not None and first_open < place:
        raise DomainError(
            ErrorCode.STAGE_OUT_OF_ORDER, field="stage", stage=stages[first_open].title
        )
