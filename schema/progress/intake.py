"""An activity that a source saw becomes a pending progress record of its employee, once.

What a connector's activity must look like is said by a Protocol here, so that this subject does
not know the SDK. Who calls it has checked that the activity belongs to the inbox item.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs
from schema.progress.matching import Candidate, Suggestion, suggest
from schema.progress.models import (
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
    SuggestionOrigin,
)
from schema.progress.rules import Proof, check_proof, span_of
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

# A target with one line for its title, each indicator and each stage; only what a record of the
# day could count for.
CANDIDATES = """
SELECT t.id, t.title
  || coalesce((SELECT string_agg(E'\\n' || i.title, '' ORDER BY i.position)
               FROM indicator i WHERE i.target_id = t.id), '')
  || coalesce((SELECT string_agg(E'\\n' || s.title, '' ORDER BY s.position)
               FROM stage s WHERE s.target_id = t.id), '') AS text
FROM target t JOIN period p ON p.id = t.period_id
LEFT JOIN performance_plan q ON q.id = t.plan_id
WHERE t.owner_employee_id = $1 AND $2 BETWEEN p.starts_on AND p.ends_on
  AND (q.id IS NULL OR (q.state = 'APPROVED' AND $2 BETWEEN q.starts_on AND q.ends_on))
ORDER BY t.position, t.id
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
    found = await _suggestion(connection, activity, employee.id, span.day)
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
        suggestion_origin=found and SuggestionOrigin.TEXT,
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


async def _suggestion(
    connection: BaseDBAsyncClient, activity: SourceActivity, employee_id: UUID, day: date
) -> Suggestion | None:
    """The employee's own target, of a period that holds the day, that the words point to."""
    rows = await connection.execute_query_dict(CANDIDATES, [employee_id, day])
    candidates = [Candidate(UUID(str(row["id"])), row["text"]) for row in rows]
    return suggest(activity.title, candidates)
