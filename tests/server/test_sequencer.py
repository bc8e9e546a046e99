"""Committed events get consecutive positions, once, whoever stamps and whatever breaks."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from server.database import Database, DatabaseRole, PostgresServer, database_in
from server.sequencer import run_sequencer
from server.telemetry import REGISTRY
from tests.server.event_log import GUARD, QUICK, connected, insert, sequencing

LEADERS = """
SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = hashtext('sequencer')::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
STAMPED = "SELECT count(*) FROM event WHERE position IS NOT NULL"


@pytest.fixture
async def connection(fresh_database: Database) -> AsyncIterator[Any]:
    async with connected(fresh_database) as connection:
        yield connection


def stamped_here() -> float:
    return REGISTRY.get_sample_value("ekinerja_events_stamped_total") or 0


async def poll(connection: Any, query: str, expected: Any) -> None:
    async with asyncio.timeout(GUARD):
        while await connection.fetchval(query) != expected:
            await asyncio.sleep(0.005)


async def test_positions_are_consecutive_and_given_once(
    fresh_database: Database, connection: Any
) -> None:
    before = stamped_here()

    async with sequencing(fresh_database), sequencing(fresh_database):
        for _ in range(50):
            await insert(connection)
        await poll(connection, STAMPED, 50)

    rows = await connection.fetch("SELECT position FROM event ORDER BY position")
    assert [row["position"] for row in rows] == list(range(1, 51))
    assert stamped_here() == before + 50


async def test_an_uncommitted_event_is_stamped_after_those_that_commit_before_it(
    fresh_database: Database, connection: Any
) -> None:
    async with connected(fresh_database) as slow, sequencing(fresh_database):
        held = slow.transaction()
        await held.start()
        first = await insert(slow)
        second = await insert(connection)
        await poll(connection, STAMPED, 1)
        await held.commit()
        await poll(connection, STAMPED, 2)

    rows = await connection.fetch("SELECT id FROM event ORDER BY position")
    assert [row["id"] for row in rows] == [second, first]


async def test_an_open_write_in_another_database_holds_nothing_back(
    fresh_database: Database, connection: Any, postgres_server: PostgresServer
) -> None:
    elsewhere = database_in(postgres_server, "postgres")
    async with connected(elsewhere) as writer, sequencing(fresh_database):
        await writer.execute("BEGIN")
        open_write = int(await writer.fetchval("SELECT pg_current_xact_id()::text"))
        await insert(connection)

        await poll(connection, STAMPED, 1)

        # Reading only behind the oldest open transaction, the other way, would see nothing.
        oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text"
        assert int(await connection.fetchval(oldest)) <= open_write
        await writer.execute("ROLLBACK")


async def test_one_leads_and_another_takes_over_when_its_connection_ends(
    fresh_database: Database, connection: Any
) -> None:
    async with sequencing(fresh_database), sequencing(fresh_database):
        await poll(connection, f"SELECT count(*) FROM ({LEADERS}) l", 1)
        leader = await connection.fetchval(LEADERS)
        async with connected(fresh_database, DatabaseRole.WORKER) as worker:
            assert await worker.fetchval("SELECT pg_terminate_backend($1)", leader)
        await insert(connection)
        await poll(connection, STAMPED, 1)
        await poll(connection, f"SELECT count(*) FROM ({LEADERS}) l WHERE pid <> {leader}", 1)


async def test_a_leader_that_hangs_only_delays(fresh_database: Database, connection: Any) -> None:
    async with connected(fresh_database, DatabaseRole.WORKER) as hung:
        # It holds the leader's lock and never stamps.
        await hung.execute("SELECT pg_advisory_lock(hashtext('ekinerja'), hashtext('sequencer'))")

        async with sequencing(fresh_database):
            await insert(connection)
            await poll(connection, STAMPED, 1)

        assert len(await connection.fetch(LEADERS)) == 1


@pytest.mark.slow
async def test_it_stamps_again_after_each_of_several_lost_connections(
    fresh_database: Database, connection: Any
) -> None:
    async with sequencing(fresh_database):
        for losses in itertools.count(1):
            await poll(connection, f"SELECT count(*) FROM ({LEADERS}) l", 1)
            async with connected(fresh_database, DatabaseRole.WORKER) as worker:
                await worker.fetchval(f"SELECT pg_terminate_backend(({LEADERS}))")
            await insert(connection)
            await poll(connection, STAMPED, losses)
            if losses == 4:
                break

    assert await connection.fetchval("SELECT max(position) FROM event") == 4


async def test_it_stops_when_told_even_between_attempts_to_connect(
    fresh_database: Database,
) -> None:
    nowhere = Database(
        dict.fromkeys(fresh_database.urls, "postgresql://nobody@127.0.0.1:1/nothing")
    )
    stop = asyncio.Event()
    running = asyncio.create_task(run_sequencer(nowhere, stop, QUICK, timedelta(seconds=1)))
    await asyncio.sleep(0)

    stop.set()

    await asyncio.wait_for(running, GUARD)
