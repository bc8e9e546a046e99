"""An activity that a source saw becomes a pending progress record of its employee, once.

What a connector's activity must look like is said by a Protocol here, so that this subject does
not know the SDK. Who calls it has checked that the activity belongs to the inbox item.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs
from schema.progress.models import (
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
)
from schema.progress.rules import Proof, check_proof, span_of
from schema.progress.suggesting import Work, suggestions
from schema.values import uuid7

KEEP = """
INSERT INTO activity (id, installation_id, inbox_item_id, source_id, employee_id, kind, title,
  description, category, occurred_at, ended_at, quantity, unit_of_measure, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (installation_id, source_id) DO NOTHING RETURNING id
"""

EXISTING = """
SELECT r.id FROM activity a JOIN progress_record r ON r.activity_id = a.id
WHERE a.installation_id = $1 AND a.source_id = $2 AND r.supersedes_id IS NULL
"""


class SourceProof(Protocol):
    """Evidence as a source gives it."""

    @property
    def title(self) -> str: ...
    @property
    def url(self) -> str: ...


class SourceActivity(Protocol):
    """What a source says that somebody did; without an end it is an instant."""

    @property
    def source_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def category(self) -> str | None: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def unit_of_measure(self) -> str | None: ...
    @property
    def evidence(self) -> Sequence[SourceProof]: ...


async def person_of(
    connection: BaseDBAsyncClient, installation_id: UUID, nip: str
) -> Employee | None:
    """The employee with this NIP in the installation's agency; another agency's is unknown."""
    rows = await connection.execute_query_dict(
        "SELECT e.id FROM employee e JOIN installation i ON i.agency_id = e.agency_id "
        "WHERE e.nip = $1 AND i.id = $2",
        [nip, installation_id],
    )
    return await Employee.get(id=rows[0]["id"], using_db=connection) if rows else None


async def take_in(
    connection: BaseDBAsyncClient,
    *,
    installation_id: UUID,
    inbox_item_id: UUID,
    plugin: str,
    activity: SourceActivity,
    employee: Employee,
    now: datetime,
) -> ProgressRecord:
    """The pending record of an activity, made now or found; in the caller's transaction.

    Raises:
        DomainError: the time or the evidence cannot be: over 24 hours, in the future, long ago.
    """
    await daily_logs.lock_employee(connection, employee.id)
    span = span_of(
        activity.occurred_at, activity.ended_at or activity.occurred_at, employee.timezone, now
    )
    check_proof([Proof(one.title, one.url) for one in activity.evidence])
    activity_id = await _keep(
        connection, installation_id, inbox_item_id, activity, employee.id, now
    )
    if activity_id is None:
        return await _existing(connection, installation_id, activity.source_id)
    work = Work(
        employee_id=employee.id,
        day=span.day,
        plugin=plugin,
        kind=activity.kind,
        title=activity.title,
        description=activity.description,
        category=activity.category,
    )
    [found] = await suggestions(connection, installation_id, [work])
    record = await ProgressRecord.create(
        using_db=connection,
        agency_id=employee.agency_id,
        employee_id=employee.id,
        day=span.day,
        starts_at=span.starts_at,
        ends_at=span.ends_at,
        minutes=span.minutes,
        description=activity.title,
        category=activity.category,
        activity_id=activity_id,
        suggested_target_id=found and found.target_id,
        suggestion_score=found and found.score,
        suggestion_reason=found and found.reason,
        suggestion_origin=found and found.origin,
        state=RecordState.PENDING,
        created_at=now,
    )
    await _note(connection, record, activity, plugin, now)
    await daily_logs.refresh(connection, employee.id, [span.day])
    await events.append(
        connection,
        kind=EventKind.PROGRESS_RECEIVED,
        person=employee,
        record_id=record.id,
    )
    return record


async def _keep(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    inbox_item_id: UUID,
    activity: SourceActivity,
    employee_id: UUID,
    now: datetime,
) -> UUID | None:
    """The new activity's id; None when the source's activity of that name is kept already."""
    rows = await connection.execute_query_dict(
        KEEP,
        [
            uuid7(),
            installation_id,
            inbox_item_id,
            activity.source_id,
            employee_id,
            activity.kind,
            activity.title,
            activity.description,
            activity.category,
            activity.occurred_at,
            activity.ended_at,
            activity.quantity,
            activity.unit_of_measure,
            now,
        ],
    )
    return rows[0]["id"] if rows else None


async def _existing(
    connection: BaseDBAsyncClient, installation_id: UUID, source_id: str
) -> ProgressRecord:
    rows = await connection.execute_query_dict(EXISTING, [installation_id, source_id])
    return await ProgressRecord.get(id=rows[0]["id"], using_db=connection)


async def _note(
    connection: BaseDBAsyncClient,
    record: ProgressRecord,
    activity: SourceActivity,
    plugin: str,
    now: datetime,
) -> None:
    """The source's evidence, and the first line of the record's history."""
    for position, one in enumerate(activity.evidence, start=1):
        await Evidence.create(
            using_db=connection,
            record_id=record.id,
            position=position,
            title=one.title,
            url=one.url,
            from_source=True,
        )
    await RecordEvent.create(
        using_db=connection,
        record_id=record.id,
        kind=RecordEventKind.RECEIVED,
        actor=f"connector:{plugin}",
        at=now,
    )
