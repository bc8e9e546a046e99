"""The sequencer: gives committed events their positions, so that followers miss none.

It runs in every server process. One of them leads and stamps every few milliseconds; the
others stand by. Who leads is only a matter of economy: `stamp_events()` itself lets one caller
in at a time, so two leaders would do no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from server.database import Database, DatabaseRole
from server.standing_connection import (
    QUERY_SECONDS,
    Connection,
    stopped_within,
    with_standing_connection,
)
from server.telemetry import EVENTS_STAMPED

INTERVAL = timedelta(milliseconds=20)
"""An idle call takes about 0.1 ms of PostgreSQL, so a leader polls without being woken:
a NOTIFY in each commit was measured to cost the writers 40 %."""

STANDBY_INTERVAL = timedelta(seconds=1)
"""How long events may wait when a leader dies, or hangs with its connection open."""

# A lock of the session: PostgreSQL frees it when the leader's connection ends, however it ends.
LEAD = "SELECT pg_try_advisory_lock(hashtext('ekinerja'), hashtext('sequencer'))"
STAMP = "SELECT stamp_events()"


async def run_sequencer(
    database: Database,
    stop: asyncio.Event,
    interval: timedelta = INTERVAL,
    standby_interval: timedelta = STANDBY_INTERVAL,
    *,
    role: DatabaseRole = DatabaseRole.WORKER,
    announce: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Stamp events until `stop` is set; a lost connection is opened again.

    `announce` is called after each batch, where another channel than NOTIFY wakes those who read.
    It must not raise, nor take long.
    """

    async def stamp_until_stopped(connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        leads = False
        while not stop.is_set():
            leads = leads or await connection.fetchval(LEAD, timeout=QUERY_SECONDS)
            began = loop.time()
            # Those who stand by stamp too, at their slower pace: a leader may hang.
            stamped = await connection.fetchval(STAMP, timeout=QUERY_SECONDS)
            if stamped > 0:
                EVENTS_STAMPED.inc(stamped)
                if announce is not None:
                    await announce()
            # Never more than half of one core, however slow a call becomes.
            took = timedelta(seconds=loop.time() - began)
            await stopped_within(stop, max(interval, took) if leads else standby_interval)

    await with_standing_connection(
        database, role, stamp_until_stopped, stop=stop, purpose="sequencer"
    )
