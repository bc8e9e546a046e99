"""Tasks: what an administrator asks the worker to do with an installation, and its answer.

The API only writes a row and wakes the worker. A worker claims a row, gives signs of life while it
works, and writes the answer; one that went silent has died, and another takes its task up. What it
would still answer afterwards is not taken: it is no longer its task (`attempts` tells them apart).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds.models import ConnectorTask, Installation, TaskKind, TaskState
from schema.feeds.service import SUBMITTED
from schema.organizations.directory_values import Change
from schema.tables import dicts_of, transaction
from schema.values import storable_text, uuid7

CHANNEL = "ekinerja_tasks"
"""Notified when a task begins to wait. Only a wake-up."""
SILENT = timedelta(seconds=60)
"""A worker that has given no sign of life for so long has died."""
MOST_ATTEMPTS = 3
"""A task on which as many workers died is given up: it may be what they died of."""
MOST_OPEN = 5
"""Tasks of one installation that may wait or run at once (a house limit)."""
LONGEST_PROBLEM = 2_000

# The oldest that waits, or whose worker died; by the database's clock, which all workers share.
CLAIM = """
UPDATE connector_task SET state = 'RUNNING', started_at = coalesce(started_at, $1),
  alive_at = now(), attempts = attempts + 1
WHERE id = (
  SELECT id FROM connector_task
  WHERE state IN ('QUEUED', 'RUNNING') AND (state = 'QUEUED' OR alive_at < now() - $2::interval)
  ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED
)
RETURNING id, installation_id, kind, options, attempts, requested_by
"""
ALIVE = """
UPDATE connector_task SET alive_at = now()
WHERE id = $1 AND state = 'RUNNING' AND attempts = $2 RETURNING id
"""
END = """
UPDATE connector_task SET state = $3, ended_at = $4, result = $5::jsonb, problem = $6
WHERE id = $1 AND state = 'RUNNING' AND attempts = $2 RETURNING id
"""
KEEP_CHANGES = """
INSERT INTO directory_change (id, task_id, position, kind, subject, detail, before, after)
SELECT v.id, $1, v.position, v.kind, v.subject, v.detail, v.before::jsonb, v.after::jsonb
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
  WITH ORDINALITY v (id, kind, subject, detail, before, after, position)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A task that a worker has taken up."""

    id: UUID
    installation_id: UUID
    kind: TaskKind
    options: Mapping[str, Any]
    attempts: int


async def request(
    viewer: Scope,
    installation_id: UUID,
    kind: TaskKind,
    now: datetime,
    options: Mapping[str, Any] | None = None,
) -> ConnectorTask:
    """Ask for a task; the same one that waits or runs already is answered instead of a second.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: it has no plugin, or too many tasks are open.
    """
    async with transaction() as connection:
        source = (
            await Installation.filter(id=installation_id)
            .using_db(connection)
            .select_for_update(no_key=True)
            .first()
        )
        if source is None or not can_administer(viewer, source.agency_id):
            raise NotFound("Connector")
        if source.plugin == SUBMITTED:
            detail = "a service account hands in by itself: there is no plugin to ask"
            raise DomainError(ErrorCode.BAD_USER_INPUT, field="connector", detail=detail)
        open_ones = await ConnectorTask.filter(
            installation_id=source.id, state__in=[TaskState.QUEUED, TaskState.RUNNING]
        ).using_db(connection)
        for one in open_ones:
            if (one.kind, one.options) == (kind, dict(options or {})):
                return one
        if len(open_ones) >= MOST_OPEN:
            raise DomainError(ErrorCode.TOO_MANY, field="connector", limit=MOST_OPEN)
        task = await ConnectorTask.create(
            using_db=connection,
            installation_id=source.id,
            kind=kind,
            requested_by=viewer.subject,
            requested_at=now,
            options=dict(options or {}),
        )
        await connection.execute_query_dict("SELECT pg_notify($1::text, '')", [CHANNEL])
    return task


async def claim(now: datetime) -> Claimed | None:
    """Take up the oldest task that waits, or None. Committed at once, so that others see it."""
    rows = await dicts_of(CLAIM, [now, SILENT])
    if not rows:
        return None
    (row,) = rows
    return Claimed(
        id=UUID(str(row["id"])),
        installation_id=UUID(str(row["installation_id"])),
        kind=TaskKind(row["kind"]),
        options=_json(row["options"]),
        attempts=row["attempts"],
    )


async def give_sign(task: Claimed) -> bool:
    """A sign of life; False when the task is no longer this worker's."""
    return bool(await dicts_of(ALIVE, [task.id, task.attempts]))


async def finish(
    task: Claimed, result: Mapping[str, Any], now: datetime, changes: Sequence[Change] = ()
) -> bool:
    """Keep the answer with its changes; False, and nothing kept, when it is not this worker's."""
    return await _end(task, TaskState.SUCCEEDED, json.dumps(result), None, now, changes)


async def fail(task: Claimed, problem: str, now: datetime) -> bool:
    """Keep why there is no answer. `problem` must hold no secret."""
    words = storable_text(problem, LONGEST_PROBLEM)
    return await _end(task, TaskState.FAILED, None, words, now, ())


async def _end(
    task: Claimed,
    state: TaskState,
    result: str | None,
    problem: str | None,
    now: datetime,
    changes: Sequence[Change],
) -> bool:
    async with transaction() as connection:
        values = [task.id, task.attempts, str(state), now, result, problem]
        if not await connection.execute_query_dict(END, values):
            return False
        await keep_changes(connection, task.id, changes)
    return True


async def keep_changes(
    connection: BaseDBAsyncClient, task_id: UUID, changes: Sequence[Change]
) -> None:
    """What a directory would change, in its order, counted from 1; keys sort as positions do."""
    await connection.execute_query_dict(
        KEEP_CHANGES,
        [
            task_id,
            sorted(uuid7() for _ in changes),
            [str(one.kind) for one in changes],
            [one.subject for one in changes],
            [one.detail for one in changes],
            [None if one.before is None else json.dumps(one.before) for one in changes],
            [None if one.after is None else json.dumps(one.after) for one in changes],
        ],
    )


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
