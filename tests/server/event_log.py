"""What the tests of live events share: writing events, stamping them, reading followers."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

from schema.events import Event
from schema.values import utc_now, uuid7
from server.database import Database, DatabaseRole
from server.event_bus import EventBus
from server.sequencer import run_sequencer

INSERT = """
INSERT INTO event
  (id, kind, agency_id, employee_id, record_id, superior_ids, target_ids, created_at)
VALUES ($1, $2, $3, $3, $1, '{}', '{}', $4)
"""
GUARD = 20.0
"""Seconds after which a wait is a failure; nothing is timed by it."""

QUICK = timedelta(milliseconds=2)
NOBODY = UUID(int=0)


async def insert(connection: Any, kind: str = "progress.logged") -> UUID:
    """An event in whatever transaction is open on an asyncpg connection; its key."""
    key = uuid7()
    await connection.execute(INSERT, key, kind, NOBODY, utc_now())
    return key


@asynccontextmanager
async def connected(
    database: Database, role: DatabaseRole = DatabaseRole.APPLICATION
) -> AsyncIterator[Any]:
    connection = await database.connect(role)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def sequencing(
    database: Database,
    *,
    interval: timedelta = QUICK,
    announce: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[None]:
    stop = asyncio.Event()
    work = run_sequencer(database, stop, interval, 50 * interval, announce=announce)
    async with asyncio.TaskGroup() as group:
        group.create_task(work)
        try:
            yield
        finally:
            stop.set()


async def take(stream: AsyncGenerator[Event, None], count: int) -> list[Event]:
    """The next events of a stream that goes on."""
    async with asyncio.timeout(GUARD):
        return [await anext(stream) for _ in range(count)]


async def resume(bus: EventBus, after: int, count: int) -> list[Event]:
    """As a client does after a break: follow from a cursor, read some events, go away."""
    async with aclosing(bus.follow(after)) as stream:
        return await take(stream, count)


async def until(condition: Any) -> None:
    """Wait for something that another task brings about."""
    async with asyncio.timeout(GUARD):
        while not condition():
            await asyncio.sleep(0.001)
