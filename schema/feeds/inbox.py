"""The inbox: what sources said comes in once, waits, and is settled or given up.

Every function runs in the caller's transaction, so that a cursor, a webhook's answer or a
progress record is committed with it or not at all. A waiting item belongs to whoever claims it.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds.models import DeadLetterCause, InboxKind
from schema.feeds.rules import Received, Written, written
from schema.values import uuid7

CHANNEL = "ekinerja_inbox"
"""Notified with the installation's id when something begins to wait. Only a wake-up."""
POLL = "poll"
"""Before the id in a notification that is for the poller."""
LONGEST_DETAIL = 2_000

KEEP = """
INSERT INTO inbox_item
  (id, installation_id, source_id, kind, body, body_hash, received_at, attempts)
SELECT n.id, $1, n.source_id, n.kind, n.body::jsonb, n.body_hash, $2, 0
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[])
  AS n (id, source_id, kind, body, body_hash)
ON CONFLICT (installation_id, source_id) DO NOTHING
RETURNING source_id
"""

# Locked, so that two deliveries of one changed body write one dead letter.
KNOWN = """
SELECT id, source_id, body_hash FROM inbox_item
WHERE installation_id = $1 AND source_id = ANY($2::text[]) ORDER BY id FOR UPDATE
"""

CHANGED = """
INSERT INTO dead_letter (id, installation_id, inbox_item_id, cause, detail, body, created_at)
SELECT $1, $2, $3, 'CHANGED_AT_SOURCE', $4, $5::jsonb, $6
WHERE NOT EXISTS (
  SELECT FROM dead_letter
  WHERE inbox_item_id = $3 AND cause = 'CHANGED_AT_SOURCE' AND body = $5::jsonb
)
"""

WAITING = """
SELECT id, source_id, kind, body::text AS body, attempts FROM inbox_item
WHERE installation_id = $1 AND processed_at IS NULL AND (retry_at IS NULL OR retry_at <= $2)
ORDER BY id LIMIT $3
"""

CLAIM = """
SELECT id FROM inbox_item WHERE id = $1 AND processed_at IS NULL FOR UPDATE SKIP LOCKED
"""

SETTLE = "UPDATE inbox_item SET processed_at = $2 WHERE id = $1"

POSTPONE = "UPDATE inbox_item SET attempts = attempts + 1, retry_at = $2 WHERE id = $1"

GIVE_UP = """
INSERT INTO dead_letter
  (id, installation_id, inbox_item_id, cause, detail, created_at, resolved_at)
SELECT $1, installation_id, id, $3, $4, $5, $6 FROM inbox_item WHERE id = $2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of what was received: how many were new, and which say something else now."""

    received: int
    accepted: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An inbox item that nothing has become of yet."""

    id: UUID
    source_id: str
    kind: InboxKind
    body: Any
    attempts: int


async def accept(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    received: Sequence[Received],
    now: datetime,
) -> Accepted:
    """Keep each source_id once; a known one with another body becomes a dead letter beside it.

    Raises:
        DomainError: a source_id cannot be kept.
    """
    arrived = [(uuid7(), written(one)) for one in received]
    # In the order of their names, so that two transactions never wait for each other crosswise.
    rows = sorted({one.source_id: (id, one) for id, one in reversed(arrived)}.items())
    kept = await connection.execute_query_dict(
        KEEP,
        [
            installation_id,
            now,
            [id for _, (id, _) in rows],
            [source_id for source_id, _ in rows],
            [str(one.kind) for _, (_, one) in rows],
            [one.text for _, (_, one) in rows],
            [one.body_hash for _, (_, one) in rows],
        ],
    )
    changed: tuple[str, ...] = ()
    if len(kept) < len(arrived):
        changed = await _note_changes(connection, installation_id, [one for _, one in arrived], now)
    if kept:
        await wake(connection, installation_id)
    return Accepted(received=len(arrived), accepted=len(kept), changed=changed)


async def _note_changes(
    connection: BaseDBAsyncClient, installation_id: UUID, arrived: Sequence[Written], now: datetime
) -> tuple[str, ...]:
    """Dead letters for what says something else under a known name; the first word stays."""
    names = sorted({one.source_id for one in arrived})
    known = {
        row["source_id"]: row
        for row in await connection.execute_query_dict(KNOWN, [installation_id, names])
    }
    changed = [one for one in arrived if known[one.source_id]["body_hash"] != one.body_hash]
    for one in changed:
        detail = f"{one.source_id}: the source gives another body under the same id"
        await connection.execute_query_dict(
            CHANGED,
            [uuid7(), installation_id, known[one.source_id]["id"], detail, one.text, now],
        )
    return tuple(one.source_id for one in changed)


async def wake(connection: BaseDBAsyncClient, installation_id: UUID) -> None:
    """Tell the worker, once this transaction is committed, that something waits."""
    await connection.execute_query_dict(
        "SELECT pg_notify($1::text, $2::text)", [CHANNEL, str(installation_id)]
    )


async def wake_poller(connection: BaseDBAsyncClient, installation_id: UUID) -> None:
    """Tell the worker, once this transaction is committed, to look whether a poll is due."""
    await connection.execute_query_dict(
        "SELECT pg_notify($1::text, $2::text)", [CHANNEL, f"{POLL} {installation_id}"]
    )


async def waiting(
    connection: BaseDBAsyncClient, installation_id: UUID, now: datetime, limit: int
) -> list[Waiting]:
    """The oldest items of an installation whose time has come, at most `limit`."""
    rows = await connection.execute_query_dict(WAITING, [installation_id, now, limit])
    return [
        Waiting(
            id=UUID(str(row["id"])),
            source_id=row["source_id"],
            kind=InboxKind(row["kind"]),
            body=json.loads(row["body"]),
            attempts=row["attempts"],
        )
        for row in rows
    ]


async def claim(connection: BaseDBAsyncClient, item_id: UUID) -> bool:
    """Hold an item until the end of the transaction; False when it is settled or held."""
    return bool(await connection.execute_query_dict(CLAIM, [item_id]))


async def settle(connection: BaseDBAsyncClient, item_id: UUID, now: datetime) -> None:
    """Nothing further has to become of the item, which the caller holds."""
    await connection.execute_query(SETTLE, [item_id, now])


async def postpone(connection: BaseDBAsyncClient, item_id: UUID, retry_at: datetime) -> None:
    """Count a failed attempt; the item, which the caller holds, waits until `retry_at`."""
    await connection.execute_query(POSTPONE, [item_id, retry_at])


async def give_up(
    connection: BaseDBAsyncClient,
    item_id: UUID,
    cause: DeadLetterCause,
    detail: str,
    now: datetime,
) -> None:
    """Settle the item, which the caller holds, with a dead letter that says why.

    An item that is by design no activity is visible among the dead letters but asks for
    nobody's attention: its letter is resolved from the start.
    """
    resolved_at = now if cause is DeadLetterCause.NOT_AN_ACTIVITY else None
    words = detail[:LONGEST_DETAIL].replace("\x00", "").encode(errors="replace").decode()
    await connection.execute_query_dict(
        GIVE_UP, [uuid7(), item_id, str(cause), words, now, resolved_at]
    )
    await settle(connection, item_id, now)
