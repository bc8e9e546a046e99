"""Live teams over two servers, while a server, the database and NATS are killed in turn: whoever
watches goes on from their cursor at the other server, and has exactly the log's events of the team.

Each is killed once, or as often as EKINERJA_LIVE_KILLS says.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from schema.values import utc_now, uuid7
from server.database import Database, DatabaseRole, database_in, migrate, provision
from server.embedded_postgres import acquire
from server.postgres_keeper import read_running
from server.standing_connection import LOST
from tests.live_clients import Watcher, compare
from tests.nats_server import NatsServer, nats_in
from tests.processes import (
    Client,
    Running,
    done,
    environment,
    free_port,
    lasting_case,
    own_data,
    serving,
    token_of,
)

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("EKINERJA_LIVE_KILLS", "1"))
A_SECOND = 20
"""Events written."""
WATCHERS = 4
"""Of each team."""
AT_REST_SECONDS = 60

TEAMS = """
SELECT s.id, s.nip, array_agg(e.id) AS members
FROM assignment a JOIN employee s ON s.id = a.appraiser_id JOIN employee e ON e.id = a.employee_id
WHERE a.starts_on <= current_date AND (a.ends_on IS NULL OR a.ends_on > current_date)
GROUP BY s.id, s.nip ORDER BY count(*) DESC LIMIT 3
"""
WRITE = """
INSERT INTO event
  (id, kind, agency_id, employee_id, record_id, superior_ids, target_ids, created_at)
SELECT $1, 'progress.logged', agency_id, id, $1, superiors, '{}', $3 FROM employee WHERE id = $2
"""


@dataclass
class Site:
    """Two servers, their database and their NATS, each of which may be killed and started again."""

    env: dict[str, str]
    folder: Path
    database: Database
    nats: NatsServer
    ports: tuple[int, int]
    servers: dict[int, Running]
    stack: AsyncExitStack

    async def start(self, number: int) -> None:
        log = self.folder / f"server-{number}.log"
        starting = serving(self.env, log, port=self.ports[number])
        self.servers[number] = await self.stack.enter_async_context(starting)

    @property
    def urls(self) -> list[str]:
        return [self.servers[number].url for number in (0, 1)]

    async def kill_server(self, number: int) -> None:
        assert await self.servers[number].end(signal.SIGKILL) == -signal.SIGKILL
        await self.start(number)

    async def kill_database(self) -> None:
        running = read_running(self.folder / "postgres")
        assert running is not None
        os.kill(running.postmaster, signal.SIGKILL)
        while read_running(self.folder / "postgres") == running:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(self._start_database)

    def _start_database(self) -> None:
        self.stack.callback(acquire(self.folder / "postgres").release)

    async def kill_nats(self) -> None:
        self.nats.kill()
        await asyncio.sleep(1.5)
        await self.nats.start()


@asynccontextmanager
async def site_in(folder: Path) -> AsyncIterator[Site]:
    """Durable: what was committed must outlive the database's death, as in production."""
    with own_data(folder), nats_in(folder) as nats:
        async with AsyncExitStack() as stack:
            cluster = await asyncio.to_thread(acquire, folder / "postgres")
            stack.callback(cluster.release)
            await provision(cluster)
            database = database_in(cluster)
            await migrate(database)
            await nats.start()
            env = environment(folder, database, EKINERJA_NATS_URL=nats.url)
            await done("load", str(lasting_case(folder)), env=env)
            site = Site(env, folder, database, nats, (free_port(), free_port()), {}, stack)
            await asyncio.gather(site.start(0), site.start(1))
            yield site


async def write(database: Database, members: list[UUID], chance: random.Random) -> None:
    """So many events a second until cancelled; a database that is away is waited for."""
    while True:
        with suppress(*LOST):
            connection: Any = await database.connect(DatabaseRole.APPLICATION)
            try:
                while True:
                    await connection.execute(WRITE, uuid7(), chance.choice(members), utc_now())
                    await asyncio.sleep(1 / A_SECOND)
            finally:
                connection.terminate()
        await asyncio.sleep(1 / A_SECOND)


async def test_whoever_watches_a_team_misses_nothing_whatever_is_killed(tmp_path: Path) -> None:
    chance = random.Random(20261127)
    async with site_in(tmp_path) as site, aiohttp.ClientSession() as session:
        teams, members = await teams_of(site.database)
        watchers = [
            Watcher([Client(session, url, token) for url in site.urls], leader, at)
            for leader, token in [(one, token_of(tmp_path, nip)) for one, nip in teams]
            for at in range(WATCHERS)
        ]
        watching = [asyncio.create_task(one.run()) for one in watchers]
        writing = asyncio.create_task(write(site.database, members, chance))
        try:
            for _ in range(KILLS):
                await all_connected(watchers, watching)
                await site.kill_server(chance.randrange(2))
                await all_connected(watchers, watching)
                await site.kill_nats()
                await all_connected(watchers, watching)
                await site.kill_database()
            await all_connected(watchers, watching)
            await asyncio.sleep(1)
            await ended(writing)
            await at_rest(site.database)
            received = await compare(site.database, watchers)
        except AssertionError as error:
            error.add_note("\n".join(server.said()[-6000:] for server in site.servers.values()))
            raise
        finally:
            for task in (writing, *watching):
                task.cancel()
            await asyncio.wait((writing, *watching))

    assert received > 100 * KILLS
    # Those of the killed server, by their cursor, at the other one.
    assert sum(len(one.served_by) == 2 for one in watchers) >= len(watchers) // 2
    assert sum(one.resumed for one in watchers) >= KILLS * len(watchers) // 2


async def teams_of(database: Database) -> tuple[list[tuple[UUID, str]], list[UUID]]:
    """Leaders of the largest teams, with their NIP, and all the members."""
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        rows = await connection.fetch(TEAMS)
    finally:
        await connection.close()
    assert len(rows) > 1
    return [(row["id"], row["nip"]) for row in rows], [
        member for row in rows for member in row["members"]
    ]


async def all_connected(watchers: list[Watcher], watching: list[asyncio.Task[None]]) -> None:
    """Wait until each watches and is served; a watcher that failed fails the test."""
    before = [len(one.received) for one in watchers]
    deadline = time.monotonic() + AT_REST_SECONDS
    while idle := [
        one
        for one, had in zip(watchers, before, strict=True)
        if not (one.connected and len(one.received) > had)
    ]:
        for task in watching:
            if task.done():
                task.result()
        assert time.monotonic() < deadline, [(one.at, one.cursor, one.connected) for one in idle]
        await asyncio.sleep(0.02)


async def ended(task: asyncio.Task[None]) -> None:
    """Cancel it; what it failed by is raised."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def at_rest(database: Database) -> None:
    """Wait until every event has its position."""
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        async with asyncio.timeout(AT_REST_SECONDS):
            while await connection.fetchval("SELECT count(*) FROM event WHERE position IS NULL"):
                await asyncio.sleep(0.05)
    finally:
        await connection.close()
