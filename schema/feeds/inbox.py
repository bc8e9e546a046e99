"""The inbox: what sources said comes in once, waits, and is settled or given up.

Every function runs in the caller's transaction, so that a cursor, a webhook's answer or a
progress record is committed with it or not at all. A waiting item belongs to whoever claims it.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds.models import DeadLetterCause, InboxKind
from schema.feeds.rules import Received, Written, written
from schema.values import storable_text, uuid7

CHANNEL = "ekinerja_inbox"
"""Notified with the installation's id when something begins to wait. Only a wake-up."""
POLL = "poll"
"""Before the id in a notification that is for the poller."""
LONGEST_DETAIL = 2_000
MOST_BYTES = 4 * 1024 * 1024
"""Of the bodies that are read at once; a single one may be larger."""

# One text of JSON for all rows: encoding an array for each column cost as much as the insert.
KEEP = """
INSERT INTO inbox_item
  (id, installation_id, source_id, kind, body, body_hash, received_at, processed_at, attempts)
SELECT n.id, $1, n.source_id, n.kind, coalesce(n.body, 'null'), n.body_hash, $2,
  CASE WHEN n.settled THEN $2::timestamptz END, 0
FROM json_to_recordset($3::json)
  AS n (id uuid, source_id text, kind text, body jsonb, body_hash text, settled bool)
ON CONFLICT (installation_id, source_id) DO NOTHING
RETURNING id, source_id
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

# Bodies only as far as they fit together; the first always does.
WAITING = """
SELECT id, source_id, kind, attempts, CASE WHEN place = 1 OR total <= $4 THEN body END AS body
FROM (
  SELECT n.*, row_number() OVER w AS place, sum(octet_length(body)) OVER w AS total
  FROM (
    SELECT id, source_id, kind, body::text AS body, attempts FROM inbox_item
    WHERE installation_id = $1 AND processed_at IS NULL AND (retry_at IS NULL OR retry_at <= $2)
    ORDER BY id LIMIT $3
  ) n WINDOW w AS (ORDER BY id)
) m ORDER BY id
"""

# The installation first, as a poll's commit does, so that neither waits for the other crosswise.
HOLD = """
SELECT id FROM installation
WHERE id = $1 AND enabled AND NOT paused AND halted_at IS NULL FOR NO KEY UPDATE
"""

CLAIM = """
SELECT id FROM inbox_item WHERE id = ANY ($1::uuid[]) AND processed_at IS NULL
ORDER BY id FOR UPDATE SKIP LOCKED
"""

SETTLE = "UPDATE inbox_item SET processed_at = $2 WHERE id = ANY ($1::uuid[])"

POSTPONE = """
UPDATE inbox_item i SET attempts = attempts + 1, retry_at = n.retry_at
FROM unnest($1::uuid[], $2::timestamptz[]) AS n (id, retry_at) WHERE i.id = n.id
"""

GIVE_UP = """
INSERT INTO dead_letter
  (id, installation_id, inbox_item_id, cause, detail, created_at, resolved_at)
SELECT n.id, i.installation_id, i.id, n.cause, n.detail, $1,
  CASE WHEN n.cause = 'NOT_AN_ACTIVITY' THEN $1::timestamptz END
FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) AS n (id, item_id, cause, detail)
JOIN inbox_item i ON i.id = n.item_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What became of what was received: how many were new, and which say something else now."""

    received: int
    accepted: int
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The same, with the keys of the new items by source id."""

    ids: Mapping[str, UUID]
    changed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """An item that nothing can become of, and why."""

    item_id: UUID
    cause: DeadLetterCause
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An inbox item that nothing has become of yet."""

    id: UUID
    source_id: str
    kind: InboxKind
    body: Any
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Waiting items, the oldest first, and whether more wait behind them."""

    items: list[Waiting]
    more: bool


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
    kept = await keep(connection, installation_id, received, now)
    if kept.ids:
        await wake(connection, installation_id)
    return Accepted(received=len(received), accepted=len(kept.ids), changed=kept.changed)


async def keep(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    received: Sequence[Received],
    now: datetime,
    settled: Collection[str] = (),
) -> Kept:
    """The same without a wake-up; `settled` names those that the caller has done with.

    Raises:
        DomainError: a source_id cannot be kept.
    """
    arrived = [(uuid7(), written(one)) for one in received]
    # In the order of their names, so that two transactions never wait for each other crosswise.
    rows = sorted({one.source_id: (id, one) for id, one in reversed(arrived)}.items())
    given = [
        {
            "id": id,
            "source_id": source_id,
            "kind": str(one.kind),
            "body": orjson.Fragment(one.text),
            "body_hash": one.body_hash,
            "settled": source_id in settled,
        }
        for source_id, (id, one) in rows
    ]
    kept = await connection.execute_query_dict(
        KEEP, [installation_id, now, orjson.dumps(given).decode()]
    )
    changed: tuple[str, ...] = ()
    if len(kept) < len(arrived):
        changed = await _note_changes(connection, installation_id, [one for _, one in arrived], now)
    return Kept(ids={row["source_id"]: row["id"] for row in kept}, changed=changed)


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
) -> Backlog:
    """The oldest items of an installation whose time has come, at most `limit`."""
    rows = await connection.execute_query_dict(
        WAITING, [installation_id, now, limit + 1, MOST_BYTES]
    )
    items = [
        Waiting(
            id=row["id"],
            source_id=row["source_id"],
            kind=InboxKind(row["kind"]),
            body=json.loads(row["body"]),
            attempts=row["attempts"],
        )
        for row in rows[:limit]
        if row["body"] is not None
    ]
    return Backlog(items=items, more=len(items) < len(rows))


async def hold(connection: BaseDBAsyncClient, installation_id: UUID) -> bool:
    """Be the only one who works this installation off, until the end of the transaction.

    False where it may not be worked off now: disabled, paused or halted.
    """
    return bool(await connection.execute_query_dict(HOLD, [installation_id]))


async def claim(connection: BaseDBAsyncClient, item_ids: Sequence[UUID]) -> set[UUID]:
    """Hold items until the end of the transaction; those that are neither settled nor held."""
    rows = await connection.execute_query_dict(CLAIM, [list(item_ids)])
    return {row["id"] for row in rows}


async def settle(connection: BaseDBAsyncClient, item_ids: Sequence[UUID], now: datetime) -> None:
    """Nothing further has to become of the items, which the caller holds."""
    if item_ids:
        await connection.execute_query_dict(SETTLE, [list(item_ids), now])


async def postpone(connection: BaseDBAsyncClient, retry_at: Mapping[UUID, datetime]) -> None:
    """Count a failed attempt; each item, which the caller holds, waits until its time."""
    if retry_at:
        await connection.execute_query_dict(POSTPONE, [list(retry_at), list(retry_at.values())])


async def give_up(
    connection: BaseDBAsyncClient, given_up: Sequence[GivenUp], now: datetime
) -> None:
    """Settle items, which the caller holds, each with a dead letter that says why.

    An item that is by design no activity is visible among the dead letters but asks for
    nobody's attention: its letter is resolved from the start.
    """
    if not given_up:
        return
    ids = [one.item_id for one in given_up]
    await connection.execute_query_dict(
        GIVE_UP,
        [
            now,
            [uuid7() for _ in given_up],
            ids,
            [str(one.cause) for one in given_up],
            [storable_text(one.detail, LONGEST_DETAIL) for one in given_up],
        ],
    )
    await settle(connection, ids, now)
