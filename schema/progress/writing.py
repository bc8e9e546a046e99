"""How a record is written: what one transaction touches, the row, its proof, its history.

What the use cases of `service.py` share. The order inside each is the same: lock the employee,
check, write the record and its history, refresh the days, move the figures, append the event.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import F
from tortoise.queryset import QuerySet

from schema import events
from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs
from schema.progress.memory import Memory
from schema.progress.models import (
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
)
from schema.progress.placing import NOWHERE, Place
from schema.progress.rules import (
    EARLIEST_YEAR,
    LONGEST_RECORD,
    Proof,
    Span,
    check_category,
    check_proof,
    span_of,
    text_of,
)
from schema.tables import insert
from schema.targets import cascading
from schema.values import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A record as the employee writes it."""

    starts_at: datetime
    ends_at: datetime
    description: str
    category: str | None = None
    place: Place = NOWHERE
    proof: Sequence[Proof] = ()
    late_reason: str | None = None


LONGEST_FORESIGHT = timedelta(days=400)
"""What is taken is read at once for a year of entries; for more, as each of them asks."""


@dataclass(frozen=True, slots=True)
class Taken:
    """Confirmed records of a person between two instants, with those that are being written."""

    starts_at: datetime
    ends_at: datetime
    records: list[ProgressRecord]

    def covers(self, span: Span) -> bool:
        return self.starts_at <= span.starts_at and span.ends_at <= self.ends_at

    def first_in(self, span: Span) -> ProgressRecord | None:
        """The first that shares time with a span."""
        sharing = (
            record
            for record in self.records
            if record.starts_at < span.ends_at and record.ends_at > span.starts_at
        )
        return min(sharing, key=lambda record: record.starts_at, default=None)


@dataclass(slots=True)
class Change:
    """What one transaction touched, so that days and figures are moved once, at its end.

    New rows are held back and inserted together, at the end or before something reads them.
    """

    connection: BaseDBAsyncClient
    employee: Employee
    now: datetime
    days: set[date] = field(default_factory=set)
    indicators: set[UUID] = field(default_factory=set)
    stages: set[UUID] = field(default_factory=set)
    memory: Memory = field(default_factory=Memory)
    taken: Taken | None = None
    records: list[ProgressRecord] = field(default_factory=list)
    evidence: list[Evidence] = field(default_factory=list)
    history: list[RecordEvent] = field(default_factory=list)

    async def foresee(self, entries: Sequence[Entry]) -> None:
        """Read at once what shares time with any of many entries.

        It stands until the transaction ends: the person's lock lets nobody else write.
        """
        first = min(entry.starts_at for entry in entries)
        last = max(entry.ends_at for entry in entries)
        # Times that no record can have are refused one by one, and never asked for.
        possible = first.year >= EARLIEST_YEAR and last <= self.now + LONGEST_RECORD
        if possible and timedelta(0) <= last - first <= LONGEST_FORESIGHT:
            known = _sharing(self, first, last)
            self.taken = Taken(first, last, await known)

    async def flush(self) -> None:
        """Insert what was held back."""
        records, self.records = self.records, []
        evidence, self.evidence = self.evidence, []
        history, self.history = self.history, []
        await insert(self.connection, records)
        await insert(self.connection, evidence)
        await insert(self.connection, history)

    def touch(self, record: ProgressRecord) -> None:
        self.days.add(record.day)
        if record.indicator_id is not None:
            self.indicators.add(record.indicator_id)
        if record.stage_id is not None:
            self.stages.add(record.stage_id)

    async def finish(self, kind: EventKind, records: Sequence[ProgressRecord]) -> None:
        connection = self.connection
        await self.flush()
        await daily_logs.refresh(connection, self.employee.id, self.days)
        moved = await cascading.move(
            connection, indicators=self.indicators, stages=self.stages, now=self.now
        )
        await events.append_all(
            connection,
            kind=kind,
            person=self.employee,
            record_ids=[record.id for record in records],
            target_ids=moved,
        )


def checked(change: Change, entry: Entry) -> tuple[Span, str]:
    """When an entry took place and what it says.

    Raises:
        DomainError: one of its times, texts or proofs cannot be.
    """
    span = span_of(entry.starts_at, entry.ends_at, change.employee.timezone, change.now)
    description = text_of(
        entry.description, missing=ErrorCode.DESCRIPTION_MISSING, field="description"
    )
    check_category(entry.category)
    check_proof(entry.proof)
    return span, description


def create(
    change: Change, span: Span, description: str, *, place: Place, **given: Any
) -> ProgressRecord:
    record = ProgressRecord(
        agency_id=change.employee.agency_id,
        employee_id=change.employee.id,
        day=span.day,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        minutes=span.minutes,
        description=description,
        target_id=place.target_id,
        indicator_id=place.indicator_id,
        quantity=place.quantity,
        stage_id=place.stage_id,
        action_plan_id=place.action_plan_id,
        created_at=change.now,
        **given,
    )
    change.records.append(record)
    if change.taken is not None and record.ends_at > record.starts_at:
        change.taken.records.append(record)
    return record


async def source_proof(change: Change, record: ProgressRecord) -> list[Evidence]:
    """What the source proved goes on to the record that replaces this one."""
    return await Evidence.filter(record_id=record.id, from_source=True).using_db(change.connection)


def add_proof(
    change: Change, record: ProgressRecord, proof: Sequence[Proof], *, after: int
) -> None:
    change.evidence += [
        Evidence(record_id=record.id, position=position, title=item.title.strip(), url=item.url)
        for position, item in enumerate(proof, start=after + 1)
    ]


def keep_proof(change: Change, record: ProgressRecord, proof: Sequence[Evidence]) -> None:
    """The source's proof of a record that this one replaces."""
    change.evidence += [
        Evidence(
            record_id=record.id,
            position=item.position,
            title=item.title,
            url=item.url,
            from_source=True,
        )
        for item in proof
    ]


async def decide(change: Change, record: ProgressRecord, state: RecordState) -> None:
    record.state = state
    record.decided_at = change.now
    await record.save(using_db=change.connection)
    change.touch(record)


async def refuse_overlap(change: Change, span: Span) -> None:
    """Two confirmed records of one person cannot share time; an instant overlaps nothing."""
    if span.starts_at == span.ends_at:
        return
    if change.taken is not None and change.taken.covers(span):
        other = change.taken.first_in(span)
    else:
        await change.flush()
        other = await _sharing(change, span.starts_at, span.ends_at).first()
    if other is not None:
        words = f"{other.starts_at.isoformat()} / {other.ends_at.isoformat()} {other.description}"
        raise DomainError(ErrorCode.OVERLAP, field="startsAt", other=words)


def _sharing(change: Change, first: datetime, last: datetime) -> QuerySet[ProgressRecord]:
    """Confirmed records of the person that share time with a span, the first of them first."""
    return (
        ProgressRecord.filter(
            employee_id=change.employee.id,
            state=RecordState.CONFIRMED,
            starts_at__lt=last,
            ends_at__gt=first,
        )
        .filter(ends_at__gt=F("starts_at"))
        .using_db(change.connection)
        .order_by("starts_at")
    )


def note(
    change: Change,
    record: ProgressRecord,
    kind: RecordEventKind,
    scope: Scope,
    comment: str | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    change.history.append(
        RecordEvent(
            record_id=record.id,
            kind=kind,
            actor=scope.subject,
            at=change.now,
            comment=comment,
            changes=changes or {},
        )
    )


def content_of(record: ProgressRecord) -> dict[str, str | None]:
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
        "actionPlan": _text(record.action_plan_id),
    }


def _text(value: UUID | Decimal | None) -> str | None:
    if isinstance(value, Decimal):
        return plain(value)
    return None if value is None else str(value)


def difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"before": before[name], "after": after[name]}
        for name in after
        if before[name] != after[name]
    }
