"""The presence clock: what changes on boards by time alone gets into the log, and days are closed.

It runs in each worker and each server process, one of which leads: a server asks for the lead
only after a while, so that a worker has it where there is one. Who leads is a matter of economy:
two who tick at once wait for each other, and the second finds nothing left to say.
"""

import asyncio
from datetime import timedelta

from schema.teams.closing import close_days
from schema.teams.passing import pass_time
from schema.values import utc_now
from server.database import Database, DatabaseRole
from server.standing_connection import (
    QUERY_SECONDS,
    Connection,
    stopped_within,
    with_standing_connection,
)
from server.telemetry import DAYS_CLOSED, PRESENCE_EVENTS

INTERVAL = timedelta(seconds=5)
"""Idle, 12 ticks a minute take a thousandth of a core; nobody minds being idle for 5 s longer."""

LAG = timedelta(seconds=1)
"""A tick speaks of a second ago: a server whose clock is that much behind has then passed it, too,
when it computes anew."""

CLOSING_INTERVAL = timedelta(minutes=1)
"""How soon after its end a day is closed, or a shift that passed midnight."""

WORKER_STANDBY = timedelta(seconds=2)
SERVER_STANDBY = timedelta(seconds=20)
"""How long between two attempts to lead."""

# A lock of the session: PostgreSQL frees it when the leader's connection ends, however it ends.
LEAD = "SELECT pg_try_advisory_lock(hashtext('ekinerja'), hashtext('presence clock'))"
ALIVE = "SELECT 1"


async def run_presence_clock(
    database: Database,
    stop: asyncio.Event,
    *,
    role: DatabaseRole = DatabaseRole.WORKER,
    interval: timedelta = INTERVAL,
    standby: timedelta | None = None,
    closing_interval: timedelta = CLOSING_INTERVAL,
) -> None:
    """Tick until `stop` is set. Tortoise must be open as `role`; a lost connection is opened
    again, and what was not told is told then."""
    serves = role is DatabaseRole.APPLICATION
    standby = standby or (SERVER_STANDBY if serves else WORKER_STANDBY)

    async def tick_until_stopped(connection: Connection) -> None:
        while not await connection.fetchval(LEAD, timeout=QUERY_SECONDS):
            if await stopped_within(stop, standby):
                return
        loop = asyncio.get_running_loop()
        closes_at = loop.time()
        while not stop.is_set():
            await connection.fetchval(ALIVE, timeout=QUERY_SECONDS)  # the lead is still ours
            now = utc_now() - LAG
            passed = await pass_time(now)
            PRESENCE_EVENTS.inc(passed.agencies + passed.people)
            if loop.time() >= closes_at:
                DAYS_CLOSED.inc(await close_days(now))
                closes_at = loop.time() + closing_interval.total_seconds()
            await stopped_within(stop, interval)

    # A server leaves the lead to whoever is there already, or starts meanwhile.
    if serves and await stopped_within(stop, standby):
        return
    await with_standing_connection(
        database, role, tick_until_stopped, stop=stop, purpose="presence clock"
    )
