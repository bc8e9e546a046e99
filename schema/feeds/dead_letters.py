"""Use cases of administrators on dead letters: try items again, one or many, or close one.

A letter about a changed body is never replayed: its item is in order, and what the source says
now replaces nothing by itself. Such a letter is closed with a note.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Role, Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import history, inbox
from schema.feeds.administering import administered
from schema.feeds.models import (
    ConnectorAct,
    DeadLetter,
    DeadLetterCause,
    InboxItem,
    Installation,
)
from schema.feeds.rules import check_note
from schema.tables import transaction

MOST_REPLAYED = 500
"""Letters of one call; more are there to be replayed by another."""

# Connectors first and then letters, each in the order of their keys, as whoever replays all letters
# of one does: so two calls never wait for each other crosswise.
HOLD = """
SELECT i.id FROM installation i
WHERE i.agency_id = ANY ($2::uuid[])
  AND i.id IN (SELECT installation_id FROM dead_letter WHERE id = ANY ($1::uuid[]))
ORDER BY i.id FOR NO KEY UPDATE
"""
CHOSEN = """
SELECT d.id, d.installation_id, d.inbox_item_id, d.cause FROM dead_letter d
JOIN installation i ON i.id = d.installation_id
WHERE d.id = ANY ($1::uuid[]) AND i.agency_id = ANY ($2::uuid[])
ORDER BY d.id FOR UPDATE OF d
"""
OPEN = """
SELECT id, installation_id, inbox_item_id, cause FROM dead_letter
WHERE installation_id = $1 AND resolved_at IS NULL AND cause <> 'CHANGED_AT_SOURCE'
  AND ($2::text IS NULL OR cause = $2)
ORDER BY id LIMIT $3 FOR UPDATE
"""
REMAINING = """
SELECT count(*) AS n FROM dead_letter
WHERE installation_id = $1 AND resolved_at IS NULL AND cause <> 'CHANGED_AT_SOURCE'
  AND ($2::text IS NULL OR cause = $2)
"""
RESOLVE = """
UPDATE dead_letter SET resolved_at = $2
WHERE resolved_at IS NULL AND cause <> 'CHANGED_AT_SOURCE' AND inbox_item_id = ANY ($1::uuid[])
"""
WAIT_AGAIN = """
UPDATE inbox_item SET processed_at = NULL, attempts = 0, retry_at = NULL
WHERE id = ANY ($1::uuid[])
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """How many items wait again, how many more fit what was asked, and what was refused, by the
    place in the list that was given."""

    replayed: int
    remaining: int = 0
    refused: Mapping[int, DomainError]


async def replay(scope: Scope, dead_letter_id: UUID, now: datetime) -> DeadLetter:
    """Let the item wait again now that the cause is mended; the letter is resolved.

    An item whose record exists already gives no second one.

    Raises:
        NotFound: no such dead letter, or not in an agency that the viewer administers.
        DomainError: the letter is about a changed body, which replaces nothing by itself.
    """
    async with transaction() as connection:
        letter = await _administered(connection, scope, dead_letter_id)
        if letter.cause is DeadLetterCause.CHANGED_AT_SOURCE:
            raise _changed()
        letter.resolved_at = letter.resolved_at or now
        await letter.save(using_db=connection, update_fields=["resolved_at"])
        await (
            InboxItem.filter(id=letter.inbox_item_id)
            .using_db(connection)
            .update(processed_at=None, attempts=0, retry_at=None)
        )
        await inbox.wake(connection, letter.installation_id)
        await _note_replay(connection, scope, {letter.installation_id: 1}, now)
    return letter


async def replay_these(scope: Scope, ids: Sequence[UUID | None], now: datetime) -> Replayed:
    """Replay chosen letters; those that cannot be are refused one by one, None with them.

    Raises:
        DomainError: none, or more than may be at once.
    """
    if not ids:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="ids", detail="no dead letter was chosen")
    if len(ids) > MOST_REPLAYED:
        raise DomainError(ErrorCode.TOO_MANY, field="ids", limit=MOST_REPLAYED)
    agencies = list(scope.agencies_with({Role.ADMINISTRATOR}))
    async with transaction() as connection:
        asked = [key for key in ids if key is not None]
        await connection.execute_query_dict(HOLD, [asked, agencies])
        rows = await connection.execute_query_dict(CHOSEN, [asked, agencies])
        known = {UUID(str(row["id"])): row for row in rows}
        refused: dict[int, DomainError] = {}
        for place, key in enumerate(ids):
            row = None if key is None else known.get(key)
            if row is None:
                refused[place] = NotFound("Dead letter")
            elif row["cause"] == DeadLetterCause.CHANGED_AT_SOURCE:
                refused[place] = _changed()
        good = [row for row in rows if row["cause"] != DeadLetterCause.CHANGED_AT_SOURCE]
        await _replay_rows(connection, scope, good, now)
    return Replayed(replayed=len(good), refused=refused)


async def replay_of(
    scope: Scope,
    installation_id: UUID,
    cause: DeadLetterCause | None,
    now: datetime,
    *,
    most: int = MOST_REPLAYED,
) -> Replayed:
    """Replay the open letters of a connector, of one cause or of any, the oldest first.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: a number that cannot be, or a cause that is never replayed.
    """
    if not 1 <= most <= MOST_REPLAYED:
        raise DomainError(ErrorCode.TOO_MANY, field="most", limit=MOST_REPLAYED)
    if cause is DeadLetterCause.CHANGED_AT_SOURCE:
        raise _changed("cause")
    async with administered(scope, installation_id, now) as of:
        told = None if cause is None else cause.value
        rows = await of.connection.execute_query_dict(OPEN, [installation_id, told, most])
        await _replay_rows(of.connection, scope, rows, now)
        left = await of.connection.execute_query_dict(REMAINING, [installation_id, told])
    return Replayed(replayed=len(rows), remaining=left[0]["n"], refused={})


async def resolve(scope: Scope, dead_letter_id: UUID, note: str, now: datetime) -> DeadLetter:
    """Close a letter that will never be mended, of whichever cause, and say why.

    Raises:
        NotFound: no such dead letter, or not in an agency that the viewer administers.
        DomainError: the note is missing or too long.
    """
    words = check_note(note)
    async with transaction() as connection:
        letter = await _administered(connection, scope, dead_letter_id)
        letter.resolved_at, letter.note = letter.resolved_at or now, words
        await letter.save(using_db=connection, update_fields=["resolved_at", "note"])
        act = ConnectorAct.LETTER_RESOLVED
        await history.note(
            connection, letter.installation_id, act, scope.subject, now, letter.cause.value
        )
    return letter


async def _replay_rows(
    connection: BaseDBAsyncClient, scope: Scope, rows: Sequence[Mapping[str, Any]], now: datetime
) -> None:
    """Let these letters' items wait again; every letter about such an item is resolved."""
    items = sorted({UUID(str(row["inbox_item_id"])) for row in rows})
    if not items:
        return
    await connection.execute_query(RESOLVE, [items, now])
    await connection.execute_query(WAIT_AGAIN, [items])
    counts: dict[UUID, int] = {}
    for row in rows:
        key = UUID(str(row["installation_id"]))
        counts[key] = counts.get(key, 0) + 1
    for key in counts:
        await inbox.wake(connection, key)
    await _note_replay(connection, scope, counts, now)


async def _note_replay(
    connection: BaseDBAsyncClient, scope: Scope, counts: Mapping[UUID, int], now: datetime
) -> None:
    for key, number in sorted(counts.items()):
        act = ConnectorAct.LETTERS_REPLAYED
        await history.note(connection, key, act, scope.subject, now, str(number))


async def _administered(
    connection: BaseDBAsyncClient, scope: Scope, dead_letter_id: UUID
) -> DeadLetter:
    agencies = list(scope.agencies_with({Role.ADMINISTRATOR}))
    await connection.execute_query_dict(HOLD, [[dead_letter_id], agencies])
    rows = DeadLetter.filter(id=dead_letter_id).using_db(connection)
    letter = await rows.select_for_update().first()
    source = letter and await Installation.get(id=letter.installation_id)
    if letter is None or not source or not can_administer(scope, source.agency_id):
        raise NotFound("Dead letter")
    return letter


def _changed(field: str | None = None) -> DomainError:
    cause = DeadLetterCause.CHANGED_AT_SOURCE
    return DomainError(ErrorCode.BAD_USER_INPUT, field=field, detail=str(cause))
