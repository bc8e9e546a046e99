"""Use cases of progress: log, confirm, dismiss, correct, return. One function, one transaction.

The order inside each is the same: lock the employee, check, write the record and its history,
refresh the days, move the figures (which locks them), append the event, commit.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_decide, can_return, can_see_content
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs, placing
from schema.progress.models import Evidence, ProgressRecord, RecordEventKind, RecordState
from schema.progress.placing import NOWHERE, Place
from schema.progress.rules import Proof, Span, check_proof, check_state, span_of, text_of
from schema.progress.timing import Timing, TooLate, admitted, check_day_open
from schema.progress.writing import (
    Change,
    Entry,
    add_proof,
    checked,
    content_of,
    create,
    decide,
    difference,
    keep_proof,
    note,
    refuse_overlap,
    source_proof,
)
from schema.tables import transaction

MOST_AT_ONCE = 200


class KeptLate(DomainError):
    """Refused as late, and kept: `record` waits, pending, until policy or a reopening lets it."""

    def __init__(self, refused: TooLate, record: ProgressRecord) -> None:
        super().__init__(refused.code, field=refused.field, **refused.words)
        self.record = record


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """A pending record, with what the employee amends of it. The source's facts stay.

    Without a place the record keeps its own, if it was given one when it was written.
    """

    record_id: UUID
    place: Place | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    proof: Sequence[Proof] = ()
    late_reason: str | None = None


@dataclass(slots=True)
class Confirmed:
    """What confirming many gave: the records, and an error for each place that could not be."""

    records: list[ProgressRecord] = field(default_factory=list)
    errors: list[tuple[int, DomainError]] = field(default_factory=list)


async def log_progress(scope: Scope, entry: Entry, now: datetime) -> ProgressRecord:
    """A manual entry, confirmed by being written.

    Raises:
        DomainError: the time, text, evidence, target or amount cannot be; its period is closed.
        KeptLate: it is refused as late; it waits as a pending record.
    """
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        try:
            record, refused = await _write(change, scope, entry), None
        except TooLate as late:
            record, is_new = await _keep(change, entry)
            if not is_new:
                raise KeptLate(late, record) from late
            refused = late
        note(change, record, RecordEventKind.LOGGED, scope)
        kind = EventKind.PROGRESS_RECEIVED if refused else EventKind.PROGRESS_LOGGED
        await change.finish(kind, [record])
    if refused is not None:
        raise KeptLate(refused, record)
    return record


async def log_many(scope: Scope, entries: Sequence[Entry], now: datetime) -> list[ProgressRecord]:
    """Manual entries of one person, all or none, in one transaction: a week, a month, a sheet.

    Raises:
        DomainError: none or too many were given; or one cannot be, whose `field` names its place.
    """
    if not entries:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="entries")
    if len(entries) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="entries", limit=MOST_AT_ONCE)
    records: list[ProgressRecord] = []
    async with transaction() as connection:
        change = await _begin(connection, scope, now)
        await change.foresee(entries)
        for place, entry in enumerate(entries):
            try:
                record = await _write(change, scope, entry)
            except DomainError as error:
                error.field = ".".join(filter(None, [f"entries.{place}", error.field]))
                raise
            note(change, record, RecordEventKind.LOGGED, scope)
            records.append(record)
        await change.finish(EventKind.PROGRESS_LOGGED, records)
    return records


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
        await check_day_open(connection, change.employee, record.day)
        await placing.check_plan_open(connection, record)
        await decide(change, record, RecordState.DISMISSED)
        note(change, record, RecordEventKind.DISMISSED, scope, comment)
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
        await check_day_open(connection, change.employee, old.day)
        await placing.check_plan_open(connection, old)
        await decide(change, old, RecordState.SUPERSEDED)
        new = await _write(change, scope, entry, supersedes=old)
        note(change, old, RecordEventKind.SUPERSEDED, scope, comment)
        changes = difference(content_of(old), content_of(new))
        note(change, new, RecordEventKind.CORRECTED, scope, comment, changes)
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
        await check_day_open(connection, employee, record.day)
        await placing.check_plan_open(connection, record)
        change = Change(connection, employee, now)
        await decide(change, record, RecordState.RETURNED)
        note(change, record, RecordEventKind.RETURNED, scope, reason)
        await change.finish(EventKind.PROGRESS_RETURNED, [record])
    return record


async def _begin(connection: BaseDBAsyncClient, scope: Scope, now: datetime) -> Change:
    """Lock the viewer as an employee; only employees write, and only their own records."""
    if scope.employee_id is None:
        raise NotFound("Employee")
    await daily_logs.lock_employee(connection, scope.employee_id)
    employee = await Employee.get(id=scope.employee_id, using_db=connection)
    return Change(connection, employee, now)


async def _own_record(change: Change, record_id: UUID) -> ProgressRecord:
    record = await ProgressRecord.get_or_none(
        id=record_id, employee_id=change.employee.id, using_db=change.connection
    )
    if record is None:
        raise NotFound("Progress record")
    return record


async def _timing(change: Change, span: Span, reason: str | None) -> Timing:
    return await admitted(
        change.connection, change.employee, span.day, change.now, reason, memory=change.memory
    )


async def _confirm(change: Change, scope: Scope, wanted: Confirmation) -> ProgressRecord:
    record = await _own_record(change, wanted.record_id)
    if not can_decide(scope, change.employee):
        raise NotFound("Progress record")
    check_state(record.state, (RecordState.PENDING,))
    before = content_of(record)
    span = span_of(
        wanted.starts_at or record.starts_at,
        wanted.ends_at or max(record.ends_at, wanted.starts_at or record.ends_at),
        change.employee.timezone,
        change.now,
    )
    timing = await _timing(change, span, wanted.late_reason)
    if record.day != span.day:
        await check_day_open(change.connection, change.employee, record.day)
    await refuse_overlap(change, span)
    check_proof(wanted.proof)
    known = await Evidence.filter(record_id=record.id).using_db(change.connection).count()
    place = await placing.checked(
        change.connection,
        _place_of(record) if wanted.place in (None, NOWHERE) else wanted.place,
        change.employee,
        span.day,
        has_proof=bool(wanted.proof) or known > 0,
        timing=timing,
        memory=change.memory,
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
            "action_plan_id": place.action_plan_id,
            "late": timing.late,
            "late_reason": timing.reason,
        }
    )
    await decide(change, record, RecordState.CONFIRMED)
    add_proof(change, record, wanted.proof, after=known)
    changes = difference(before, content_of(record))
    note(change, record, RecordEventKind.CONFIRMED, scope, None, changes)
    return record


async def _write(
    change: Change, scope: Scope, entry: Entry, supersedes: ProgressRecord | None = None
) -> ProgressRecord:
    """A new confirmed record from an entry."""
    span, description = checked(change, entry)
    timing = await _timing(change, span, entry.late_reason)
    await refuse_overlap(change, span)
    if entry.place.stage_id is not None:
        await change.flush()  # which stages are done is read of the records
    old_proof = [] if supersedes is None else await source_proof(change, supersedes)
    place = await placing.checked(
        change.connection,
        entry.place,
        change.employee,
        span.day,
        has_proof=bool(entry.proof or old_proof),
        timing=timing,
        memory=change.memory,
    )
    record = create(
        change,
        span,
        description,
        category=entry.category,
        place=place,
        activity_id=supersedes.activity_id if supersedes else None,
        supersedes_id=supersedes.id if supersedes else None,
        state=RecordState.CONFIRMED,
        decided_at=change.now,
        late=timing.late,
        late_reason=timing.reason,
    )
    keep_proof(change, record, old_proof)
    add_proof(change, record, entry.proof, after=len(old_proof))
    change.touch(record)
    return record


async def _keep(change: Change, entry: Entry) -> tuple[ProgressRecord, bool]:
    """A record of an entry that may not be confirmed now: it waits, with all that was given.

    What is in its way now may not be then, so that is checked when it is confirmed: the order of
    stages, proof, an action plan that is missing. What can never be is refused. Sent again, it
    waits once.
    """
    span, description = checked(change, entry)
    place = await placing.kept(
        change.connection, entry.place, change.employee, span.day, change.memory
    )
    of_place = asdict(place) | {"starts_at": span.starts_at, "ends_at": span.ends_at}
    waiting = ProgressRecord.filter(
        employee_id=change.employee.id,
        state=RecordState.PENDING,
        activity_id=None,
        description=description,
        **of_place,
    )
    known = await waiting.using_db(change.connection).order_by("id").first()
    if known is not None:
        return known, False
    record = create(
        change,
        span,
        description,
        category=entry.category,
        place=place,
        state=RecordState.PENDING,
    )
    add_proof(change, record, entry.proof, after=0)
    change.touch(record)
    return record, True


def _place_of(record: ProgressRecord) -> Place:
    """Where a pending record was meant to count when it was written; most say nothing."""
    return Place(
        target_id=record.target_id,
        indicator_id=record.indicator_id,
        quantity=record.quantity,
        stage_id=record.stage_id,
        action_plan_id=record.action_plan_id,
    )
