"""A database connection that is kept for the life of the process and reopened when it is lost."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from server.database import Database, DatabaseRole

Connection = Any
"""An asyncpg.Connection; the driver ships no types."""

LOST = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError)
"""What a call on a connection raises when it, or the server behind it, does not answer."""

QUERY_SECONDS = 10.0
"""A statement that takes longer is on a connection that died without saying so."""

SHORTEST_PAUSE = timedelta(milliseconds=50)
LONGEST_PAUSE = timedelta(seconds=5)
STEADY_SECONDS = 1.0
"""A connection that held this long was a good one: the pauses begin anew."""

log = structlog.get_logger()


async def with_standing_connection(
    database: Database,
    role: DatabaseRole,
    work: Callable[[Connection], Awaitable[None]],
    *,
    stop: asyncio.Event,
    purpose: str,
) -> None:
    """Run `work` on a connection until it returns or `stop` is set.

    Whenever it fails, it starts again on a new connection, after pauses that double up to
    LONGEST_PAUSE. A fault of `work` itself is logged and retried too, since the process depends
    on it. `purpose` names it in the log.
    """
    loop = asyncio.get_running_loop()
    pause = SHORTEST_PAUSE
    while not stop.is_set():
        began = loop.time()
        try:
            connection = await database.connect(role)
            try:
                await work(connection)
                return
            finally:
                await _close(connection)
        except LOST as error:
            log.warning(
                "connection lost", purpose=purpose, error=f"{type(error).__name__}: {error}"
            )
        except Exception:
            log.exception("background work failed", purpose=purpose)
        held = loop.time() - began > STEADY_SECONDS
        pause = SHORTEST_PAUSE if held else min(2 * pause, LONGEST_PAUSE)
        await stopped_within(stop, pause)


async def stopped_within(stop: asyncio.Event, pause: timedelta) -> bool:
    """Wait for a while, or less if `stop` is set meanwhile; whether it is set."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause.total_seconds()):
            await stop.wait()
    return stop.is_set()


async def _close(connection: Connection) -> None:
    try:
        await connection.close(timeout=2)
    except LOST:
        connection.terminate()
