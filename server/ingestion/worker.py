"""Which installations this process feeds: one worker at a time for each, noticed and let go.

A session-level advisory lock of PostgreSQL is the claim; it ends with the process, however that
ends. Should a lock be lost while its process lives, nothing is done twice: pages are kept by
comparing the cursor, and items are claimed row by row.
"""

import asyncio
import contextlib
import gc
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from schema.feeds import tasks
from schema.feeds.inbox import CHANNEL, POLL
from schema.vault import KEYLESS, Vault
from server.database import Database, DatabaseRole
from server.ingestion.intake import Intake
from server.ingestion.loop import Loop
from server.ingestion.plugins import Plugins
from server.ingestion.poller import Poller
from server.ingestion.tasks import Errands

NOTICE = timedelta(seconds=2)
"""How soon a new or disabled installation is noticed."""
GRACE = timedelta(seconds=5)
"""How long the item in hand has to be finished when the worker stops."""
ENABLED = """
SELECT id, next_poll_at <= now() AND NOT paused AND halted_at IS NULL AS due
FROM installation WHERE enabled
"""
ERRANDS = 3
"""Tasks of administrators at once: a plugin that hangs holds up no other agency's."""
CLAIM = "SELECT pg_try_advisory_lock(hashtextextended('ekinerja ingestion ' || $1::text, 0))"
RELEASE = "SELECT pg_advisory_unlock(hashtextextended('ekinerja ingestion ' || $1::text, 0))"

log = structlog.get_logger()


@dataclass
class Feed:
    """The two loops of one installation, running."""

    poller: Loop
    intake: Loop
    tasks: tuple[asyncio.Task[None], ...] = field(default=())

    @classmethod
    def start(cls, installation_id: UUID, plugins: Plugins, vault: Vault) -> "Feed":
        polling = Poller(installation_id=installation_id, plugins=plugins, vault=vault)
        taking = Intake(installation_id=installation_id, plugins=plugins, vault=vault)
        feed = cls(
            Loop(f"poller {installation_id}", polling.step),
            Loop(f"intake {installation_id}", taking.step),
        )
        taking.stopped = lambda: feed.intake.stopping
        feed.tasks = (
            asyncio.create_task(feed.poller.run()),
            asyncio.create_task(feed.intake.run()),
        )
        return feed

    async def stop(self) -> None:
        """Break off a poll, which commits nothing until its end; finish the item in hand."""
        self.poller.stop()
        self.intake.stop()
        self.tasks[0].cancel()
        await asyncio.wait(self.tasks, timeout=GRACE.total_seconds())
        self.tasks[1].cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def collect_seldom() -> None:
    """Tune the garbage collector for a process that takes in and does little else.

    A batch makes and drops many objects, hardly any in circles, and what was loaded stays: with
    Python's own thresholds a quarter of the time went into looking through it all.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


async def run_ingestion(
    database: Database, plugins: Plugins, stop: asyncio.Event, vault: Vault = KEYLESS
) -> None:
    """Feed all enabled installations that no other worker feeds, until `stop` is set.

    Tortoise must be open as the worker role. A lost database connection is made anew.
    """
    errands = [
        Loop(f"errands {n}", Errands(plugins=plugins, vault=vault).step) for n in range(ERRANDS)
    ]
    running = [asyncio.create_task(one.run()) for one in errands]
    try:
        await _feed(database, plugins, vault, errands, stop)
    finally:
        for loop, task in zip(errands, running, strict=True):
            loop.stop()
            task.cancel()  # what is left of a task, another worker takes up
        await asyncio.gather(*running, return_exceptions=True)


async def _feed(
    database: Database,
    plugins: Plugins,
    vault: Vault,
    errands: list[Loop],
    stop: asyncio.Event,
) -> None:
    while not stop.is_set():
        try:
            connection = await database.connect(DatabaseRole.WORKER)
        except (OSError, asyncpg.PostgresError) as error:
            log.warning("ingestion.no_database", problem=str(error))
            await _pause(stop)
            continue
        feeds: dict[UUID, Feed] = {}
        try:
            await _tend(connection, plugins, vault, feeds, errands, stop)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("ingestion.connection_lost", problem=str(error))
            await _pause(stop)
        finally:
            await asyncio.gather(*(feed.stop() for feed in feeds.values()))
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await connection.close(timeout=GRACE.total_seconds())


async def _tend(
    connection: "asyncpg.Connection[asyncpg.Record]",
    plugins: Plugins,
    vault: Vault,
    feeds: dict[UUID, Feed],
    errands: list[Loop],
    stop: asyncio.Event,
) -> None:
    """Start and stop feeds as installations come and go."""

    def wake(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        word, _, name = str(payload).rpartition(" ")
        with contextlib.suppress(ValueError, KeyError):
            feed = feeds[UUID(name)]
            (feed.poller if word == POLL else feed.intake).wake()

    def wake_errands(_connection: Any, _pid: int, _channel: str, _payload: object) -> None:
        for loop in errands:
            loop.wake()

    await connection.add_listener(CHANNEL, wake)
    await connection.add_listener(tasks.CHANNEL, wake_errands)
    while not stop.is_set():
        rows = await connection.fetch(ENABLED)
        enabled = {UUID(str(row["id"])): row["due"] for row in rows}
        for gone in feeds.keys() - enabled.keys():
            await feeds.pop(gone).stop()
            await connection.fetchval(RELEASE, str(gone))
        for due in (one for one in feeds if enabled[one]):
            feeds[due].poller.wake()  # somebody asked for it while it pauses
        for new in enabled.keys() - feeds.keys():
            if await connection.fetchval(CLAIM, str(new)):
                feeds[new] = Feed.start(new, plugins, vault)
        await _pause(stop)


async def _pause(stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(NOTICE.total_seconds()):
            await stop.wait()
