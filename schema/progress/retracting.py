"""A source takes back what it said (*pembatalan*): what becomes of the records made of it.

A pending record goes; a decided one stays as its employee decided and is marked. A retraction
that comes before what it takes back waits as a row. A batch at a time, in the caller's
transaction, which holds the installation and the employees.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.organizations import clock
from schema.progress import daily_logs
from schema.progress.models import RecordState
from schema.values import uuid7

KEEP = """
INSERT INTO retraction (id, installation_id, inbox_item_id, retracts, at, reason, received_at)
SELECT n.id, $1, n.inbox_item_id, n.retracts, n.at, n.reason, $2
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::timestamptz[], $7::text[])
  AS n (id, inbox_item_id, retracts, at, reason)
ON CONFLICT (inbox_item_id) DO NOTHING RETURNING retracts
"""

EARLY = """
SELECT DISTINCT retracts FROM retraction
WHERE installation_id = $1 AND retracts = ANY ($2::text[])
"""

# Of a record that was corrected, the one that replaced it: that is the one that may count.
RECORDS = """
SELECT r.id, r.employee_id, r.day, r.state, t.reason
FROM activity a JOIN progress_record r ON r.activity_id = a.id
CROSS JOIN LATERAL (SELECT reason FROM retraction
  WHERE installation_id = $1 AND retracts = a.source_id ORDER BY id DESC LIMIT 1) t
WHERE a.installation_id = $1 AND a.source_id = ANY ($2::text[]) AND r.state <> 'RETRACTED'
  AND NOT EXISTS (SELECT FROM progress_record s WHERE s.supersedes_id = r.id)
ORDER BY r.id
"""

TAKE_BACK = """
UPDATE progress_record SET state = 'RETRACTED', decided_at = $1
WHERE id = ANY ($2::uuid[]) AND state = 'PENDING'
"""

NOTE = """
INSERT INTO record_event (id, record_id, kind, actor, at, comment, changes)
SELECT n.id, n.record_id, 'RETRACTED', $1, $2, n.reason, '{}'
FROM unnest($3::uuid[], $4::uuid[], $5::text[]) AS n (id, record_id, reason)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """A retraction with the inbox item that it came in; `retracts` is a source id."""

    inbox_item_id: UUID
    retracts: str
    at: datetime
    reason: str


async def keep(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    retractions: Sequence[TakenBack],
    now: datetime,
) -> list[str]:
    """Keep those that are new; the source ids that they take back."""
    if not retractions:
        return []
    rows = await connection.execute_query_dict(
        KEEP,
        [
            installation_id,
            now,
            [uuid7() for _ in retractions],
            [one.inbox_item_id for one in retractions],
            [one.retracts for one in retractions],
            [one.at for one in retractions],
            [one.reason for one in retractions],
        ],
    )
    return [row["retracts"] for row in rows]


async def taken_back_before(
    connection: BaseDBAsyncClient, installation_id: UUID, source_ids: Sequence[str]
) -> list[str]:
    """Those of these source ids, only now made, that the source had taken back already."""
    if not source_ids:
        return []
    rows = await connection.execute_query_dict(EARLY, [installation_id, list(source_ids)])
    return [row["retracts"] for row in rows]


async def take_back(
    connection: BaseDBAsyncClient,
    *,
    installation_id: UUID,
    plugin: str,
    source_ids: Iterable[str],
    now: datetime,
) -> None:
    """Let follow what follows for records and presence of these; what is unknown is passed over."""
    named = sorted(set(source_ids))
    if not named:
        return
    await clock.take_back(connection, installation_id, named, now)
    rows = await connection.execute_query_dict(RECORDS, [installation_id, named])
    if not rows:
        return
    pending = [row for row in rows if row["state"] == RecordState.PENDING]
    confirmed = [row for row in rows if row["state"] == RecordState.CONFIRMED]
    await connection.execute_query_dict(TAKE_BACK, [now, [row["id"] for row in pending]])
    keys = [uuid7() for _ in rows]
    ids, reasons = [row["id"] for row in rows], [row["reason"] for row in rows]
    await connection.execute_query_dict(NOTE, [f"connector:{plugin}", now, keys, ids, reasons])
    await daily_logs.refresh_all(connection, [(row["employee_id"], row["day"]) for row in pending])
    await events.append_many(
        connection,
        EventKind.PROGRESS_RETRACTED,
        [(row["id"], row["employee_id"]) for row in (*pending, *confirmed)],
    )
