"""The event log: what was committed, in the order in which it was committed.

A service inserts its event without a position, in the transaction of the change. A sequencer
stamps committed events with consecutive positions; the position is the cursor that clients
resume from. So a slow transaction can never appear behind a cursor that has passed it.
"""

from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

from tortoise import fields
from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.contrib.postgres.fields import ArrayField

from schema.access import Person
from schema.tables import Row, insert
from schema.values import utc_now, uuid7


class EventKind(StrEnum):
    """Past facts that watchers care about."""

    PROGRESS_RECEIVED = "progress.received"
    PROGRESS_LOGGED = "progress.logged"
    PROGRESS_CONFIRMED = "progress.confirmed"
    PROGRESS_DISMISSED = "progress.dismissed"
    PROGRESS_CORRECTED = "progress.corrected"
    PROGRESS_RETURNED = "progress.returned"
    PROGRESS_RETRACTED = "progress.retracted"
    ABSENCE_CHANGED = "absence.changed"
    DAY_DONE = "day.done"
    DAY_REOPENED = "day.reopened"
    CLOCKED = "attendance.clocked"
    PRESENCE_CHANGED = "presence.changed"
    POSTS_CHANGED = "posts.changed"
    CALENDAR_CHANGED = "calendar.changed"
    TIME_PASSED = "time.passed"


class EventRow(Row):
    """A committed fact. `position` is None until the sequencer has stamped it.

    `employee_id` is None where it befell an agency as a whole, `record_id` where it is about no
    record.
    """

    position: int | None = fields.BigIntField(null=True, unique=True)
    kind = fields.CharEnumField(EventKind, max_length=40)
    agency_id = fields.UUIDField()
    employee_id: UUID | None = fields.UUIDField(null=True)
    record_id: UUID | None = fields.UUIDField(null=True)
    superior_ids: list[UUID] = ArrayField(element_type="uuid", default=list)
    target_ids: list[UUID] = ArrayField(element_type="uuid", default=list)
    created_at = fields.DatetimeField()

    class Meta:
        table = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A stamped event, as watchers receive it. `superior_ids` is the person's line at the time."""

    position: int
    kind: EventKind
    agency_id: UUID
    employee_id: UUID | None
    record_id: UUID | None
    superior_ids: frozenset[UUID]
    target_ids: frozenset[UUID]
    created_at: datetime


async def append(
    connection: BaseDBAsyncClient,
    *,
    kind: EventKind,
    person: Person,
    record_id: UUID | None = None,
    target_ids: Collection[UUID] = (),
) -> None:
    """Insert an event in the caller's transaction; `target_ids` are those whose figures moved."""
    await append_all(
        connection, kind=kind, person=person, record_ids=[record_id], target_ids=target_ids
    )


async def append_all(
    connection: BaseDBAsyncClient,
    *,
    kind: EventKind,
    person: Person,
    record_ids: Sequence[UUID | None],
    target_ids: Collection[UUID] = (),
) -> None:
    """Insert an event for each record, in their order."""
    rows = [
        EventRow(
            kind=kind,
            agency_id=person.agency_id,
            employee_id=person.id,
            record_id=record_id,
            superior_ids=list(person.superiors),
            target_ids=sorted(target_ids),
            created_at=utc_now(),
        )
        for record_id in record_ids
    ]
    await insert(connection, rows)


APPEND = """
INSERT INTO event (id, kind, agency_id, employee_id, record_id, superior_ids, target_ids,
  created_at)
SELECT n.id, $1, e.agency_id, e.id, n.record_id, e.superiors, '{}', $2
FROM unnest($3::uuid[], $4::uuid[], $5::uuid[]) AS n (id, record_id, employee_id)
JOIN employee e ON e.id = n.employee_id
"""


async def append_many(
    connection: BaseDBAsyncClient, kind: EventKind, records: Sequence[tuple[UUID | None, UUID]]
) -> None:
    """An event for each record, None where it is about none, with its employee's key, in one
    statement; no figures moved."""
    if records:
        keys = [uuid7() for _ in records]
        ids, people = [record for record, _ in records], [person for _, person in records]
        await connection.execute_query_dict(APPEND, [str(kind), utc_now(), keys, ids, people])


async def append_for_people(
    connection: BaseDBAsyncClient, kind: EventKind, people: Sequence[UUID]
) -> None:
    """An event about no record for each of these people, in one statement."""
    if people:
        keys, records = [uuid7() for _ in people], [None for _ in people]
        values = [str(kind), utc_now(), keys, records, list(people)]
        await connection.execute_query_dict(APPEND, values)


async def append_for_agency(
    connection: BaseDBAsyncClient, kind: EventKind, *agency_ids: UUID
) -> None:
    """Insert an event that befell an agency as a whole: each team of it is computed anew. Of
    several agencies one each."""
    now = utc_now()
    rows = [EventRow(kind=kind, agency_id=agency, created_at=now) for agency in agency_ids]
    await insert(connection, rows)


class EventFeed(Protocol):
    """What the server supplies so that subscriptions can follow the log."""

    async def last_position(self) -> int:
        """The position of the newest stamped event, 0 for an empty log."""

    def follow(self, after: int) -> AsyncGenerator[Event, None]:
        """All events behind a position in order, without gap or repeat, then live ones.

        Raises:
            SlowConsumer: the reader fell too far behind; it may resume from its cursor.
        """


def event_from(row: Mapping[str, Any]) -> Event:
    """An event of a row of the table as the driver gives it."""
    return Event(
        position=row["position"],
        kind=EventKind(row["kind"]),
        agency_id=UUID(str(row["agency_id"])),
        employee_id=_key(row["employee_id"]),
        record_id=_key(row["record_id"]),
        superior_ids=frozenset(row["superior_ids"]),
        target_ids=frozenset(row["target_ids"]),
        created_at=row["created_at"],
    )


def _key(value: Any) -> UUID | None:
    return None if value is None else UUID(str(value))
