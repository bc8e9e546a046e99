"""Use cases of progress: log, confirm, dismiss, correct, return. One function, one transaction.

The order inside each is the same: lock the employee, check, write the record and its history,
refresh the days, move the figures (which locks them), append the event, commit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F

from schema import events
from schema.access import Scope, can_decide, can_return, can_see_content
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs, placing
from schema.progress.models import (
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
)
from schema.progress.placing import NOWHERE, Place
from schema.progress.rules import (
    Proof,
    Span,
    check_category,
    check_proof,
    check_state,
    span_of,
    text_of,
)
from schema.tables import transaction
from schema.targets import cascading

MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record as the employee writes it."""

    starts_at: datetime
    ends_at: datetime
    description: str
    category: str | None = None
    place: Place = NOWHERE
    proof: Sequence[Proof] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A pending record, with what the employee amends of it. The source's facts stay."""

    record_id: UUID
    place: Place | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    proof: Sequence[Proof] = ()


@dataclass(slots=True)
class Confirmed:
    """What confirming many gave: the records, and an error for each place that could not be."""

    records: list[ProgressRecord] = field(default_factory=list)
    errors: list[tuple[int, DomainError]] = field(default_factory=list)


@dataclass(slots=True)
class _Change:
    """What one transaction touched, so that days and figures are moved once, at its end."""

    connection: BaseDBAsyncClient
    employee: Employee
    now: datetime
    days: set[date] = field(default_factory=set)
    indicators: set[UUID] = field(default_factory=set)
    stages: set[UUID] = field(default_factory=set)

    def touch(self, record: ProgressRecord) -> None:
        self.days.add(record.day)
        if record.indicator_id is not None:
            self.indicators.add(record.indicator_id)
        if record.stage_id is not None:
            self.stages.add(record.stage_id)

    async def finish(self, kind: EventKind, records: Sequence[ProgressRecord]) -> None:
        connection = self.connection
        await daily_logs.refresh(connection, self.employee.id, self.days)
        moved = await cascading.move(
            connection, indicators=self.indicators, stages=self.stages, now=self.now
        )
        for record in records:
            await events.append(
                connection,
                kind=kind,
                person=self.employee,
                record_id=record.id,
                target_ids=moved,
            )


async def log_progress(scope: Scope, entry: Entry, now: datetime) -> ProgressRecord:
    """A manual entry, confirmed by being written.

    Raises:
        DomainError: the time, text, evidence, target or amount cannot be.
    """
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        record = await _write(change, scope, entry)
        await _note(record, RecordEventKind.LOGGED, scope, now, connection)
        await change.finish(EventKind.PROGRESS_LOGGED, [record])
    return record


async def confirm_progress(
    scope: Scope, confirmations: Sequence[Confirmation], now: datetime
) -> Confirmed:
    """Confirm pending records: each that can be is, in one transaction.

    Raises:
        DomainError: none or too many were chosen.
    """
    if not confirmations:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="records")
    if len(confirmations) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="records", limit=MOST_AT_ONCE)
    outcome = Confirmed()
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        for place, confirmation in enumerate(confirmations):
            try:
                record = await _confirm(change, scope, confirmation)
            except DomainError as error:
                outcome.errors.append((place, error))
            else:
                outcome.records.append(record)
        await change.finish(EventKind.PROGRESS_CONFIRMED, outcome.records)
    return outcome


async def dismiss_progress(
    scope: Scope, record_id: UUID, reason: str, now: datetime
) -> ProgressRecord:
    """Say that a record does not count. The fact stays, with the reason; figures move back.

    Raises:
        NotFound: no such record of the viewer's.
        DomainError: the reason is missing, or the record was replaced or retracted.
    """
    comment = text_of(reason, missing=ErrorCode.REASON_MISSING, field="reason")
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        record = await _own_record(change, record_id)
        check_state(
            record.state, (RecordState.PENDING, RecordState.CONFIRMED, RecordState.RETURNED)
        )
        await _decide(change, record, RecordState.DISMISSED)
        await _note(record, RecordEventKind.DISMISSED, scope, now, connection, comment)
        await change.finish(EventKind.PROGRESS_DISMISSED, [record])
    return record


async def correct_progress(
    scope: Scope, record_id: UUID, entry: Entry, reason: str, now: datetime
) -> ProgressRecord:
    """Replace a confirmed or returned record by a new one; the old one stays, superseded.

    Raises:
        NotFound: no such record of the viewer's.
        DomainError: the reason is missing, the state does not allow it, or the entry cannot be.
    """
    comment = text_of(reason, missing=ErrorCode.REASON_MISSING, field="reason")
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        old = await _own_record(change, record_id)
        check_state(old.state, (RecordState.CONFIRMED, RecordState.RETURNED))
        await _decide(change, old, RecordState.SUPERSEDED)
        new = await _write(change, scope, entry, supersedes=old)
        await _note(old, RecordEventKind.SUPERSEDED, scope, now, connection, comment)
        changes = _difference(_content(old), _content(new))
        await _note(new, RecordEventKind.CORRECTED, scope, now, connection, comment, changes)
        await change.finish(EventKind.PROGRESS_CORRECTED, [new])
    return new


async def return_progress(
    scope: Scope, record_id: UUID, comment: str, now: datetime
) -> ProgressRecord:
    """A superior sends a confirmed record back; it does not count until it is corrected.

    Raises:
        NotFound: no such record of a subordinate.
        DomainError: the comment is missing, or the record is not confirmed.
    """
    reason = text_of(comment, missing=ErrorCode.REASON_MISSING, field="comment")
    async with transaction() as connection:
        record = await ProgressRecord.get_or_none(id=record_id, using_db=connection)
        if record is None:
            raise NotFound("Progress record")
        employee = await Employee.get(id=record.employee_id, using_db=connection)
        if not can_return(scope, employee):
            raise NotFound("Progress record")
        await daily_logs.lock_employee(connection, employee.id)
        await record.refresh_from_db(using_db=connection)
        if not can_see_content(scope, employee, pending=record.state is RecordState.PENDING):
            raise NotFound("Progress record")
        check_state(record.state, (RecordState.CONFIRMED,))
        change = _Change(connection, employee, now)
        await _decide(change, record, RecordState.RETURNED)
        await _note(record, RecordEventKind.RETURNED, scope, now, connection, reason)
        await change.finish(EventKind.PROGRESS_RETURNED, [record])
    return record


async def _begin(connection: BaseDBAsyncClient, scope: Scope, now: datetime) -> _Change:
    """Lock the viewer as an employee; only employees write, and only their own records."""
    if scope.employee_id is None:
        raise NotFound("Employee")
    await daily_logs.lock_employee(connection, scope.employee_id)
    employee = await Employee.get(id=scope.employee_id, using_db=connection)
    return _Change(connection, employee, now)


async def _own_record(change: _Change, record_id: UUID) -> ProgressRecord:
    record = await ProgressRecord.get_or_none(
        id=record_id, employee_id=change.employee.id, using_db=change.connection
    )
    if record is None:
        raise NotFound("Progress record")
    return record


async def _confirm(change: _Change, scope: Scope, wanted: Confirmation) -> ProgressRecord:
    record = await _own_record(change, wanted.record_id)
    if not can_decide(scope, change.employee):
        raise NotFound("Progress record")
    check_state(record.state, (RecordState.PENDING,))
    before = _content(record)
    span = span_of(
        wanted.starts_at or record.starts_at,
        wanted.ends_at or max(record.ends_at, wanted.starts_at or record.ends_at),
        change.employee.timezone,
        change.now,
    )
    await _refuse_overlap(change, span)
    check_proof(wanted.proof)
    known = await Evidence.filter(record_id=record.id).using_db(change.connection).count()
    place = await placing.checked(
        change.connection,
        wanted.place or NOWHERE,
        change.employee,
        span.day,
        has_proof=bool(wanted.proof) or known > 0,
    )
    change.days.add(record.day)
    record.update_from_dict(
        {
            "day": span.day,
            "starts_at": span.starts_at,
            "ends_at": span.ends_at,
            "minutes": span.minutes,
            "target_id": place.target_id,
            "indicator_id": place.indicator_id,
            "quantity": place.quantity,
            "stage_id": place.stage_id,
        }
    )
    await _decide(change, record, RecordState.CONFIRMED)
    await _add_proof(change, record, wanted.proof, after=known)
    changes = _difference(before, _content(record))
    await _note(
        record, RecordEventKind.CONFIRMED, scope, change.now, change.connection, None, changes
    )
    return record


async def _write(
    change: _Change, scope: Scope, entry: Entry, supersedes: ProgressRecord | None = None
) -> ProgressRecord:
    """A new confirmed record from an entry."""
    span = span_of(entry.starts_at, entry.ends_at, change.employee.timezone, change.now)
    description = text_of(
        entry.description, missing=ErrorCode.DESCRIPTION_MISSING, field="description"
    )
    check_category(entry.category)
    await _refuse_overlap(change, span)
    check_proof(entry.proof)
    old_proof = [] if supersedes is None else await _source_proof(change, supersedes)
    place = await placing.checked(
        change.connection,
        entry.place,
        change.employee,
        span.day,
        has_proof=bool(entry.proof or old_proof),
    )
    record = await ProgressRecord.create(
        using_db=change.connection,
        agency_id=change.employee.agency_id,
        employee_id=change.employee.id,
        day=span.day,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        minutes=span.minutes,
        description=description,
        category=entry.category,
        target_id=place.target_id,
        indicator_id=place.indicator_id,
        quantity=place.quantity,
        stage_id=place.stage_id,
        activity_id=supersedes.activity_id if supersedes else None,
        supersedes_id=supersedes.id if supersedes else None,
        state=RecordState.CONFIRMED,
        created_at=change.now,
        decided_at=change.now,
    )
    for item in old_proof:
        await Evidence.create(
            using_db=change.connection,
            record_id=record.id,
            position=item.position,
            title=item.title,
            url=item.url,
            from_source=True,
        )
    await _add_proof(change, record, entry.proof, after=len(old_proof))
    change.touch(record)
    return record


async def _source_proof(change: _Change, record: ProgressRecord) -> list[Evidence]:
    """What the source proved goes on to the record that replaces this one."""
    return await Evidence.filter(record_id=record.id, from_source=True).using_db(change.connection)


async def _add_proof(
    change: _Change, record: ProgressRecord, proof: Sequence[Proof], *, after: int
) -> None:
    for position, item in enumerate(proof, start=after + 1):
        await Evidence.create(
            using_db=change.connection,
            record_id=record.id,
            position=position,
            title=item.title.strip(),
            url=item.url,
        )


async def _decide(change: _Change, record: ProgressRecord, state: RecordState) -> None:
    record.state = state
    record.decided_at = change.now
    await record.save(using_db=change.connection)
    change.touch(record)


async def _refuse_overlap(change: _Change, span: Span) -> None:
    """Two confirmed records of one person cannot share time; an instant overlaps nothing."""
    if span.starts_at == span.ends_at:
        return
    other = (
        await ProgressRecord.filter(
            employee_id=change.employee.id,
            state=RecordState.CONFIRMED,
            starts_at__lt=span.ends_at,
            ends_at__gt=span.starts_at,
        )
        .filter(ends_at__gt=F("starts_at"))
        .using_db(change.connection)
        .order_by("starts_at")
        .first()
    )
    if other is not None:
        words = f"{other.starts_at.isoformat()} / {other.ends_at.isoformat()} {other.description}"
        raise DomainError(ErrorCode.OVERLAP, field="startsAt", other=words)


async def _note(
    record: ProgressRecord,
    kind: RecordEventKind,
    scope: Scope,
    now: datetime,
    connection: BaseDBAsyncClient,
    comment: str | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    await RecordEvent.create(
        using_db=connection,
        record_id=record.id,
        kind=kind,
        actor=scope.subject,
        at=now,
        comment=comment,
        changes=changes or {},
    )


def _content(record: ProgressRecord) -> dict[str, str | None]:
    """What an employee may decide of a record, as text for the history."""
    return {
        "startsAt": record.starts_at.astimezone(UTC).isoformat(),
        "endsAt": record.ends_at.astimezone(UTC).isoformat(),
        "description": record.description,
        "category": record.category,
        "target": _text(record.target_id),
        "indicator": _text(record.indicator_id),
        "quantity": _text(record.quantity),
        "stage": _text(record.stage_id),
    }


def _text(value: UUID | Decimal | None) -> str | None:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return None if value is None else str(value)


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"before": before[name], "after": after[name]}
        for name in after
        if before[name] != after[name]
    }
