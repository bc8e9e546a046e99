"""Use case of a unit's own result (*predikat kinerja organisasi*): said from above, never by its
head, whose rating of work results it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_rate_unit, can_see_directory
from schema.appraisals.judging import content_of
from schema.appraisals.models import (
    Appraisal,
    AppraisalEventKind,
    AppraisalState,
    UnitPredicate,
    UnitRating,
)
from schema.appraisals.rules import predicate_of, work_rating_of
from schema.appraisals.steps import FROZEN, check_day
from schema.appraisals.writing import Change, save
from schema.checks import LONGEST_TITLE, text_of
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Agency, Employee, Unit
from schema.plans.models import EvaluationPeriod
from schema.tables import transaction
from schema.values import local_date

LOCK_UNIT = "SELECT id FROM unit WHERE id = $1 FOR NO KEY UPDATE"
# Who led the unit within the days, who does on the last of them behind all others.
HEADS = """
SELECT a.employee_id, a.ends_on IS NULL OR a.ends_on > $3 AS at_the_end FROM assignment a
WHERE a.unit_id = $1 AND a.heads_unit AND a.starts_on <= $3
  AND (a.ends_on IS NULL OR a.ends_on > $2)
ORDER BY a.starts_on, a.id"""
LOCK_HEADS = """
SELECT * FROM appraisal WHERE unit_id = $1 AND evaluation_period_id = $2 AND heads_unit
ORDER BY id FOR NO KEY UPDATE"""


@dataclass(frozen=True, slots=True)
class Led:
    """A unit in an evaluation period: who led it at its end, if anybody, and all who did."""

    unit: Unit
    evaluation: EvaluationPeriod
    head: Employee | None
    heads: frozenset[UUID]


async def rate_unit(
    scope: Scope,
    unit_id: UUID,
    evaluation_period_id: UUID,
    predicate: UnitPredicate,
    reason: str,
    now: datetime,
    version: int | None = None,
) -> UnitRating:
    """Say a unit's own result, or say it anew: the highest version holds. `version` is the one
    that the caller knows, 0 for none; None: whichever.

    The heads' appraisals that are rated take it over with this transaction, and their days to
    object begin anew. What a head has accepted, what was decided or signed stands: it is refused.

    Raises:
        NotFound: no such unit, or not of the viewer's directory; no such period of its agency.
        DomainError: it is not the viewer's to say, or not yet; CONFLICT; the reason is missing; a
            head's appraisal stands on the present one.
    """
    said = text_of(reason, missing=ErrorCode.REASON_MISSING, field="reason", longest=LONGEST_TITLE)
    async with transaction() as connection:
        led = await _led(connection, scope, unit_id, evaluation_period_id)
        if not can_rate_unit(scope, led.unit.agency_id, led.head, led.heads):
            raise DomainError(ErrorCode.NOT_ALLOWED, needed="SUPERIOR / ADMINISTRATOR")
        await _check_day(connection, led, now)
        last = await _last(connection, led, version)
        rating = await UnitRating.create(
            using_db=connection,
            unit_id=unit_id,
            evaluation_period_id=evaluation_period_id,
            version=1 if last is None else last.version + 1,
            predicate=predicate,
            reason=said,
            head_id=None if led.head is None else led.head.id,
            set_by=scope.subject,
            set_at=now,
        )
        await _take_over(connection, rating, scope.subject, now)
    return rating


async def _led(
    connection: BaseDBAsyncClient, scope: Scope, unit_id: UUID, evaluation_period_id: UUID
) -> Led:
    """The unit, locked, and who leads it.

    Raises:
        NotFound: it or the period is not there, or not of the viewer's directory.
    """
    await connection.execute_query_dict(LOCK_UNIT, [unit_id])
    unit = await Unit.get_or_none(id=unit_id, using_db=connection)
    if unit is None or not can_see_directory(scope, unit.agency_id):
        raise NotFound("Unit")
    of_agency = EvaluationPeriod.filter(id=evaluation_period_id, period__agency_id=unit.agency_id)
    evaluation = await of_agency.using_db(connection).first()
    if evaluation is None:
        raise NotFound("Evaluation period")
    values = [unit_id, evaluation.starts_on, evaluation.ends_on]
    rows = await connection.execute_query_dict(HEADS, values)
    at_the_end = [row["employee_id"] for row in rows if row["at_the_end"]]
    head = None
    if at_the_end:
        head = await Employee.get(id=at_the_end[-1], using_db=connection)
    return Led(unit, evaluation, head, frozenset(row["employee_id"] for row in rows))


async def _check_day(connection: BaseDBAsyncClient, led: Led, now: datetime) -> None:
    """Raises:
    DomainError: the evaluation period is not rated yet, where the agency is.
    """
    agency = await Agency.get(id=led.unit.agency_id, using_db=connection)
    today = local_date(now, agency.timezone)
    check_day(today, led.evaluation.starts_on, led.evaluation.ends_on)


async def _last(connection: BaseDBAsyncClient, led: Led, known: int | None) -> UnitRating | None:
    """The rating that holds so far.

    Raises:
        DomainError: it is another than the caller knows.
    """
    of_unit = UnitRating.filter(unit_id=led.unit.id, evaluation_period_id=led.evaluation.id)
    last = await of_unit.using_db(connection).order_by("-version").first()
    version = 0 if last is None else last.version
    if known is not None and known != version:
        told = "-" if last is None else f"{last.predicate}: {last.reason}"
        raise DomainError(
            ErrorCode.CONFLICT, field="version", known=known, version=version, changes=told
        )
    return last


async def _take_over(
    connection: BaseDBAsyncClient, rating: UnitRating, by: str, now: datetime
) -> None:
    """Bring the heads' ratings of results to the unit's.

    Raises:
        DomainError: an appraisal of a head stands on the one before.
    """
    values = [rating.unit_id, rating.evaluation_period_id]
    found = await connection.execute_query_dict(LOCK_HEADS, values)
    rows = [Appraisal._init_from_db(**row) for row in found]
    _check_not_frozen(rows)
    work = work_rating_of(rating.predicate)
    changes: list[Change] = []
    for row in rows:
        if row.state is not AppraisalState.RATED or row.behaviour_rating is None:
            continue
        before = content_of(row, [], {})
        row.work_rating, row.work_reason, row.unit_rating_id = work, rating.reason, rating.id
        row.predicate = predicate_of(work, row.behaviour_rating)
        row.rated_at = now
        after = content_of(row, [], {})
        changes.append(Change(row, AppraisalEventKind.RATED, rating.reason, before, after))
    await save(connection, changes, by, now)


def _check_not_frozen(rows: Sequence[Appraisal]) -> None:
    """Raises:
    DomainError: the head accepted the present result, or it was decided or signed.
    """
    frozen = next((row for row in rows if row.state in FROZEN), None)
    if frozen is None:
        return
    raise DomainError(
        ErrorCode.WRONG_APPRAISAL_STATE,
        state=frozen.state,
        needed=" / ".join(one for one in AppraisalState if one not in FROZEN),
    )
