"""What is kept for the life of the process and begun again when it is lost: work in the background,
and database connections for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from server.database import Database, DatabaseRole

Connection = Any
"""An asyncpg.Connection; the driver ships no types."""

Established = Callable[[], None]
"""What work calls once it has got hold of what it needs."""

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a call on a connection raises when it, or the server behind it, does not answer."""

QUERY_SECONDS = 10.0
"""A statement that takes longer is on a connection that died without saying so."""

SHORTEST_PAUSE = timedelta(milliseconds=50)
LONGEST_PAUSE = timedelta(seconds=5)
STEADY_SECONDS = 1.0
"""A connection that held this long was a good one: the pauses begin anew."""

CANCEL_SECONDS = 1.0

log = structlog.get_logger()


async def kept_up(
    work: Callable[[Established], Awaitable[None]],
    *,
    stop: asyncio.Event,
    purpose: str,
    lost: tuple[type[Exception], ...] = LOST,
) -> None:
    """Run `work` until it returns or `stop` is set.

    Whenever it fails, it starts again, after pauses that double up to LONGEST_PAUSE. A fault of
    `work` itself is logged and retried too, since the process depends on it. A loss is logged
    once, and again when its cause is another one. `purpose` names it in the log.
    """
    pause = SHORTEST_PAUSE
    said = None
    while not stop.is_set():
        attempt = _Attempt()
        try:
            await work(attempt.established)
            return
        except lost as error:
            cause = f"{type(error).__name__}: {error}"
            if attempt.began is not None or cause != said:
                log.warning("connection lost", purpose=purpose, error=cause)
            said = cause
        except Exception:
            log.exception("background work failed", purpose=purpose)
        pause = SHORTEST_PAUSE if attempt.held() else min(2 * pause, LONGEST_PAUSE)
        await stopped_within(stop, pause)


class _Attempt:
    """One run of the work: since when it has what it needs."""

    def __init__(self) -> None:
        self.began: float | None = None

    def established(self) -> None:
        """The first time counts; work may say it again."""
        if self.began is None:
            self.began = time.monotonic()

    def held(self) -> bool:
        return self.began is not None and time.monotonic() - self.began > STEADY_SECONDS


async def with_standing_connection(
    database: Database,
    role: DatabaseRole,
    work: Callable[[Connection], Awaitable[None]],
    *,
    stop: asyncio.Event,
    purpose: str,
) -> None:
    """As `kept_up`, with a database connection that is opened for each attempt."""

    async def connected(established: Established) -> None:
        connection = await database.connect(role)
        established()
        try:
            await work(connection)
        finally:
            await _close(connection)

    await kept_up(connected, stop=stop, purpose=purpose)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Work that goes on beside the block, and is broken off at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        # Again where it was swallowed, as wait_for of Python 3.11 does if its result comes then.
        while not task.done():
            task.cancel()
            await asyncio.wait({task}, timeout=CANCEL_SECONDS)


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
