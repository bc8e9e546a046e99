"""The presence clock ticks in one process at a time, goes on after losses, and stops when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from schema.events import EventKind
from server.database import Database, DatabaseRole, opened
from server.presence_clock import run_presence_clock
from server.telemetry import REGISTRY
from tests.offices import found_office, told
from tests.server.event_log import GUARD, connected

QUICK = timedelta(milliseconds=20)
LEADERS = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory'
  AND objid = hashtext('presence clock')::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
TICKED = "SELECT count(*) FROM presence_clock WHERE ticked_until > now() - interval '3 seconds'"


@pytest.fixture
async def connection(fresh_database: Database) -> AsyncIterator[Any]:
    async with connected(fresh_database, DatabaseRole.WORKER) as connection:
        yield connection


@asynccontextmanager
async def ticking(database: Database) -> AsyncIterator[None]:
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            run_presence_clock(
                database, stop, interval=QUICK, standby=QUICK, closing_interval=QUICK
            )
        )
        try:
            yield
        finally:
            stop.set()


async def poll(connection: Any, query: str, expected: Any) -> None:
    async with asyncio.timeout(GUARD):
        while await connection.fetchval(query) != expected:
            await asyncio.sleep(0.01)


async def test_one_ticks_and_another_takes_over_when_its_connection_ends(
    fresh_database: Database, connection: Any
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        await found_office()
    async with (
        opened(fresh_database, DatabaseRole.WORKER),
        ticking(fresh_database),
        ticking(fresh_database),
    ):
        await poll(connection, TICKED, 1)
        leader = await connection.fetchval(LEADERS)
        assert len(await connection.fetch(LEADERS)) == 1
        await connection.fetchval("SELECT pg_terminate_backend($1)", leader)
        await poll(connection, f"SELECT count(*) FROM ({LEADERS}) l WHERE pid <> {leader}", 1)
        await connection.execute("UPDATE presence_clock SET ticked_until = now() - interval '1 h'")
        await poll(connection, TICKED, 1)
        # Who stood still for an hour is told once that time has passed.
        await poll(connection, "SELECT count(*) FROM event WHERE kind = 'time.passed'", 1)
        kinds = [kind for kind, _ in await told()]

    assert kinds == [EventKind.TIME_PASSED]
    assert (REGISTRY.get_sample_value("ekinerja_presence_events_total") or 0) >= 1


async def test_a_server_leaves_the_lead_to_a_worker_and_stops_at_once(
    fresh_database: Database,
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(
        run_presence_clock(fresh_database, stop, role=DatabaseRole.APPLICATION)
    )
    async with connected(fresh_database) as connection:
        await asyncio.sleep(0.05)
        assert await connection.fetch(LEADERS) == []

    stop.set()

    await asyncio.wait_for(running, GUARD)
