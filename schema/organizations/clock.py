"""Who clocked in or out and when (*presensi*), as sources say it: presence, which is no work.

A batch at a time, in the caller's transaction. The minutes of a day are those of its records;
nothing here adds to them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.organizations.models import ClockDirection
from schema.values import local_date, uuid7

KEEP = """
INSERT INTO clock_event (id, installation_id, source_id, employee_id, day, at, direction, place,
  received_at)
SELECT n.id, $1, n.source_id, n.employee_id, n.day, n.at, n.direction, n.place, $2
FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::date[], $7::timestamptz[], $8::text[],
  $9::text[]) AS n (id, source_id, employee_id, day, at, direction, place)
ON CONFLICT (installation_id, source_id) DO NOTHING RETURNING source_id, employee_id
"""

TAKE_BACK = """
UPDATE clock_event SET retracted_at = $3
WHERE installation_id = $1 AND source_id = ANY ($2::text[]) AND retracted_at IS NULL
RETURNING employee_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Somebody passed the clock; `place` is where it stands, in the source's words."""

    source_id: str
    employee_id: UUID
    timezone: str
    at: datetime
    direction: ClockDirection
    place: str | None


async def keep(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    passages: Sequence[Passage],
    now: datetime,
) -> list[str]:
    """Keep each source id once, on its day where the employee works; those that are new."""
    if not passages:
        return []
    rows = await connection.execute_query_dict(
        KEEP,
        [
            installation_id,
            now,
            [uuid7() for _ in passages],
            [one.source_id for one in passages],
            [one.employee_id for one in passages],
            [local_date(one.at, one.timezone) for one in passages],
            [one.at for one in passages],
            [str(one.direction) for one in passages],
            [one.place for one in passages],
        ],
    )
    await _tell(connection, rows)
    return [row["source_id"] for row in rows]


async def take_back(
    connection: BaseDBAsyncClient, installation_id: UUID, source_ids: Sequence[str], now: datetime
) -> None:
    """Mark what the source no longer says; it stays, and is shown no more."""
    rows = await connection.execute_query_dict(TAKE_BACK, [installation_id, list(source_ids), now])
    await _tell(connection, rows)


async def _tell(connection: BaseDBAsyncClient, rows: Sequence[Mapping[str, Any]]) -> None:
    """An event for each person whose clockings changed, however many of theirs did."""
    people = dict.fromkeys(row["employee_id"] for row in rows)
    await events.append_many(connection, EventKind.CLOCKED, [(None, one) for one in people])
