"""Where a record counts: the target, and the indicator or stage of it that it moves."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q

from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Assignment, Employee
from schema.progress.models import ProgressRecord, RecordState
from schema.targets.models import Indicator, Stage, Target
from schema.targets.rules import check_quantity, next_open_stage


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a record is meant to move, as the employee says it."""

    target_id: UUID | None = None
    indicator_id: UUID | None = None
    quantity: Decimal | None = None
    stage_id: UUID | None = None


NOWHERE = Place()
"""A record that serves no target: it fills the day and moves nothing."""


async def checked(
    connection: BaseDBAsyncClient,
    place: Place,
    employee: Employee,
    day: date,
    *,
    has_proof: bool,
) -> Place:
    """The place with its indicator filled in where the target has just one.

    Raises:
        DomainError: the target is not the employee's, the day is outside its period, or the
            indicator, quantity or stage does not fit it.
    """
    if place.target_id is None:
        if place.indicator_id or place.stage_id or place.quantity is not None:
            raise DomainError(ErrorCode.TARGET_MISSING, field="target")
        return place
    target = await _own_target(connection, place.target_id, employee, day)
    if place.stage_id is not None:
        if place.indicator_id is not None or place.quantity is not None:
            raise DomainError(ErrorCode.STAGE_NOT_OF_TARGET, field="stage")
        await _check_stage(connection, target, place.stage_id, has_proof=has_proof)
        return place
    if place.indicator_id is None and place.quantity is None:
        return place
    indicator = await _indicator(connection, target, place.indicator_id)
    if place.quantity is None:
        raise DomainError(ErrorCode.QUANTITY_INVALID, field="quantity", limit=0)
    check_quantity(place.quantity)
    return Place(target_id=target.id, indicator_id=indicator.id, quantity=place.quantity)


async def _own_target(
    connection: BaseDBAsyncClient, target_id: UUID, employee: Employee, day: date
) -> Target:
    """A target of the person, or of a unit in which the person holds a post on that day."""
    posts = Assignment.filter(employee_id=employee.id, starts_on__lte=day).filter(
        Q(ends_on__isnull=True) | Q(ends_on__gt=day)
    )
    units = await posts.using_db(connection).values_list("unit_id", flat=True)
    target = (
        await Target.filter(id=target_id)
        .filter(Q(owner_employee_id=employee.id) | Q(owner_unit_id__in=units))
        .using_db(connection)
        .select_related("period")
        .first()
    )
    if target is None:
        raise DomainError(ErrorCode.TARGET_NOT_YOURS, field="target")
    if not target.period.starts_on <= day <= target.period.ends_on:
        raise DomainError(ErrorCode.OUTSIDE_PERIOD, field="target", period=target.period.code)
    return target


async def _indicator(
    connection: BaseDBAsyncClient, target: Target, indicator_id: UUID | None
) -> Indicator:
    indicators = await Indicator.filter(target_id=target.id).using_db(connection)
    if indicator_id is None:
        if len(indicators) != 1:
            raise DomainError(ErrorCode.INDICATOR_MISSING, field="indicator")
        return indicators[0]
    for indicator in indicators:
        if indicator.id == indicator_id:
            return indicator
    raise DomainError(ErrorCode.INDICATOR_NOT_OF_TARGET, field="indicator")


async def _check_stage(
    connection: BaseDBAsyncClient, target: Target, stage_id: UUID, *, has_proof: bool
) -> None:
    stages = await Stage.filter(target_id=target.id).order_by("position").using_db(connection)
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
