"""Use cases of evaluation periods: set a year's, close one, reopen one; and what they allow.

An administrator's work. What is closed changes only after it was reopened, on the record.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.checks import LONGEST_TITLE, invalid, text_of
from schema.errors import DomainError, ErrorCode, NotFound
from schema.plans.models import (
    EvaluationEvent,
    EvaluationEventKind,
    EvaluationKind,
    EvaluationPeriod,
)
from schema.plans.rules import Span, spans_of
from schema.policies.service import policy_on
from schema.tables import transaction
from schema.targets.models import Period

MOST_FILLING_DAYS = 366
LOCK_PERIOD = "SELECT id FROM period WHERE id = $1 FOR NO KEY UPDATE"


async def set_evaluation_periods(
    scope: Scope,
    period_id: UUID,
    kind: EvaluationKind,
    now: datetime,
    filling_days: int | None = None,
) -> list[EvaluationPeriod]:
    """The months or quarters of a planning period, and the final one that ends it.

    `filling_days` behind its end filling is over; None takes the policy's. Setting the same kind
    again moves the deadlines of those that are open.

    Raises:
        NotFound: no such period, or not the viewer's to administer.
        DomainError: the year is evaluated by the other kind already, or the days cannot be.
    """
    async with transaction() as connection:
        period = await Period.get_or_none(id=period_id, using_db=connection)
        if period is None or not can_administer(scope, period.agency_id):
            raise NotFound("Period")
        if kind is EvaluationKind.FINAL:
            raise invalid("kind", "kind: MONTHLY or QUARTERLY; the final one comes with them")
        await connection.execute_query_dict(LOCK_PERIOD, [period.id])
        if filling_days is None:
            filling_days = (
                await policy_on(connection, period.agency_id, period.starts_on)
            ).filling_days
        if not 0 <= filling_days <= MOST_FILLING_DAYS:
            raise invalid("fillingDays", f"fillingDays: 0 to {MOST_FILLING_DAYS}")
        rows = await EvaluationPeriod.filter(period=period).using_db(connection)
        other = next((row for row in rows if row.kind not in (kind, EvaluationKind.FINAL)), None)
        if other is not None:
            raise DomainError(ErrorCode.KIND_FIXED, field="kind", kind=other.kind)
        wanted: list[tuple[EvaluationKind, Span]] = [
            (kind, span) for span in spans_of(kind, period.starts_on, period.ends_on)
        ]
        wanted.append((EvaluationKind.FINAL, Span(1, period.starts_on, period.ends_on)))
        known = {(row.kind, row.number): row for row in rows}
        for of_kind, span in wanted:
            row = known.get((of_kind, span.number))
            until = span.ends_on + timedelta(days=filling_days)
            if row is None:
                row = await EvaluationPeriod.create(
                    using_db=connection,
                    period=period,
                    kind=of_kind,
                    number=span.number,
                    starts_on=span.starts_on,
                    ends_on=span.ends_on,
                    filling_until=until,
                )
            elif row.closed_at is None and row.filling_until != until:
                row.filling_until = until
                await row.save(using_db=connection, update_fields=["filling_until"])
            else:
                continue
            await _note(connection, row, EvaluationEventKind.SET, scope, now)
        all_rows = EvaluationPeriod.filter(period=period).using_db(connection)
        return await all_rows.order_by("starts_on", "-ends_on")


async def period_of(scope: Scope, agency: str, code: str) -> UUID:
    """The key of a planning period by the codes.

    Raises:
        NotFound: no such period, or not the viewer's to administer.
    """
    period = await Period.get_or_none(agency__code=agency, code=code)
    if period is None or not can_administer(scope, period.agency_id):
        raise NotFound("Period")
    return period.id


async def close_period(scope: Scope, key: UUID, now: datetime) -> EvaluationPeriod:
    """Close an evaluation period: its days' records and action plans change no more.

    Raises:
        NotFound: no such period, or not the viewer's to administer.
        DomainError: it is closed.
    """
    return await _turn(scope, key, EvaluationEventKind.CLOSED, now)


async def reopen_period(scope: Scope, key: UUID, reason: str, now: datetime) -> EvaluationPeriod:
    """Reopen a closed one, so that it can be corrected; the reason stays on the record.

    Raises:
        NotFound: no such period, or not the viewer's to administer.
        DomainError: it is open, or the reason is missing.
    """
    said = text_of(reason, missing=ErrorCode.REASON_MISSING, field="reason", longest=LONGEST_TITLE)
    return await _turn(scope, key, EvaluationEventKind.REOPENED, now, said)


LOCK = "SELECT id FROM evaluation_period WHERE id = $1 FOR UPDATE"


async def _turn(
    scope: Scope,
    key: UUID,
    kind: EvaluationEventKind,
    now: datetime,
    reason: str | None = None,
) -> EvaluationPeriod:
    closing = kind is EvaluationEventKind.CLOSED
    async with transaction() as connection:
        # Writers of its days share the row until they commit: none slips behind the closing.
        await connection.execute_query_dict(LOCK, [key])
        row = (
            await EvaluationPeriod.filter(id=key)
            .using_db(connection)
            .select_related("period")
            .first()
        )
        if row is None or not can_administer(scope, row.period.agency_id):
            raise NotFound("Evaluation period")
        if (row.closed_at is not None) == closing:
            state, needed = ("CLOSED", "OPEN") if closing else ("OPEN", "CLOSED")
            raise DomainError(ErrorCode.WRONG_STATE, state=state, needed=needed)
        row.closed_at = now if closing else None
        await row.save(using_db=connection, update_fields=["closed_at"])
        await _note(connection, row, kind, scope, now, reason)
    return row


async def _note(
    connection: BaseDBAsyncClient,
    row: EvaluationPeriod,
    kind: EvaluationEventKind,
    scope: Scope,
    now: datetime,
    reason: str | None = None,
) -> None:
    await EvaluationEvent.create(
        using_db=connection,
        evaluation_period=row,
        kind=kind,
        actor=scope.subject,
        at=now,
        reason=reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What the evaluation periods of a day say: until when it is filled, and whether it is shut.

    `name` is that of the month or quarter; None where the agency has set none.
    """

    name: str | None = None
    filling_until: date | None = None
    closed: str | None = None


# Shared until the transaction ends, so that nobody closes a period while its day is written.
OF_DAY = """
SELECT e.kind, e.number, e.filling_until, e.closed_at FROM evaluation_period e
JOIN period p ON p.id = e.period_id
WHERE p.agency_id = $1 AND e.starts_on <= $2 AND e.ends_on >= $2
ORDER BY e.kind = 'FINAL' FOR SHARE OF e
"""


async def evaluated(connection: BaseDBAsyncClient, agency_id: UUID, day: date) -> Evaluated:
    """What holds for a working day of an agency; one statement."""
    rows = await connection.execute_query_dict(OF_DAY, [agency_id, day])
    closed = next((name_of(row["kind"], row["number"]) for row in rows if row["closed_at"]), None)
    current = next((row for row in rows if row["kind"] != EvaluationKind.FINAL), None)
    return Evaluated(
        name=name_of(current["kind"], current["number"]) if current else None,
        filling_until=current["filling_until"] if current else None,
        closed=closed,
    )


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed evaluation period, by its name and days."""

    name: str
    starts_on: date
    ends_on: date


# As OF_DAY, of all days of a range.
OF_DAYS = """
SELECT e.kind, e.number, e.starts_on, e.ends_on, e.closed_at FROM evaluation_period e
JOIN period p ON p.id = e.period_id
WHERE p.agency_id = $1 AND e.starts_on <= $3 AND e.ends_on >= $2
ORDER BY e.id FOR SHARE OF e
"""


async def closed_between(
    connection: BaseDBAsyncClient, agency_id: UUID, first: date, last: date
) -> list[Closed]:
    """An agency's closed evaluation periods that have days in a range, both ends inclusive. None
    of the open ones is closed until the transaction ends."""
    rows = await connection.execute_query_dict(OF_DAYS, [agency_id, first, last])
    return [
        Closed(name_of(row["kind"], row["number"]), row["starts_on"], row["ends_on"])
        for row in rows
        if row["closed_at"]
    ]


def name_of(kind: str, number: int) -> str:
    """An evaluation period as messages name it: MONTHLY 3, FINAL."""
    return str(kind) if kind == EvaluationKind.FINAL else f"{kind} {number}"


def check_open(of_day: Evaluated) -> None:
    """Raises:
    DomainError: the day's evaluation period is closed.
    """
    if of_day.closed is not None:
        raise DomainError(ErrorCode.PERIOD_CLOSED, period=of_day.closed)
