"""Real processes, killed at random moments: nothing accepted is lost, nothing is twice.

A source that grows is polled, and a sender pushes signed webhooks until each is acknowledged. The
worker and the web server are each killed with SIGKILL meanwhile, 25 times or as often as
EKINERJA_KILLS says, wherever they are:
starting, fetching, before or after a commit, before or after an answer.
"""

import asyncio
import json
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from ekinerja_connectors.testing.signing import sign

from schema.feeds.models import Installation
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from tests import feeding
from tests.feeding import NIP, SECRET, fetched

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("EKINERJA_KILLS", "25"))
PAGE = 3
READY_SECONDS = 60

PLUGIN = """
import dataclasses
from datetime import datetime
from ekinerja_connectors import *

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    url: str = address()

class Found(Connector[Settings]):
    name, title, version, settings = "growing", "Layanan yang bertambah", "1.0", Settings

    async def fetch(self, cursor):
        answer = (await self.http.get(self.config.url, params={"after": cursor or "0"})).json()
        items = tuple(Item(source_id=one["id"], payload=one) for one in answer["items"])
        return Page(items=items, next_cursor=str(answer["next"]), more=answer["more"])

    def receive(self, delivery):
        return [Item(source_id=one["id"], payload=one) for one in delivery.json()]

    def translate(self, item):
        return Activity(source_id=item.source_id, nip=item.payload["nip"], kind="surat",
                        title="Menyusun surat " + item.source_id,
                        occurred_at=datetime.fromisoformat(item.payload["at"]))

@hookimpl
def register_connectors(register):
    register(Found)
"""


def stated(name: str) -> dict[str, str]:
    return {"id": name, "nip": NIP, "at": datetime(2026, 11, 2, 3, tzinfo=UTC).isoformat()}


@dataclass
class Source:
    """A service with pages of items; the test lets it grow."""

    items: list[dict[str, str]] = field(default_factory=list)

    def grow(self, by: int) -> None:
        start = len(self.items)
        self.items += [stated(f"polled-{place}") for place in range(start, start + by)]

    async def answer(self, request: web.Request) -> web.Response:
        after = int(request.query["after"])
        page = self.items[after : after + PAGE]
        end = after + len(page)
        return web.json_response({"items": page, "next": end, "more": end < len(self.items)})


@dataclass
class Sender:
    """Pushes one delivery after another, each until it is acknowledged."""

    url: str
    acknowledged: list[str] = field(default_factory=list)
    cut: int = 0
    """Deliveries that were under way when the server was killed."""
    stopping: bool = False

    async def run(self) -> None:
        async with aiohttp.ClientSession() as session:
            number = 0
            while not self.stopping:
                await self._deliver(session, number)
                number += 1
                await asyncio.sleep(0.01)

    async def _deliver(self, session: aiohttp.ClientSession, number: int) -> None:
        """Two activities in one delivery, so that half of one would show."""
        names = [f"pushed-{number}-{part}" for part in "ab"]
        body = json.dumps([stated(name) for name in names]).encode()
        while True:
            headers = sign(SECRET, f"msg_{number}", utc_now(), body)
            try:
                async with session.post(self.url, data=body, headers=headers) as answer:
                    assert answer.status == 202, await answer.text()
                    self.acknowledged += names
                    return
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)  # nobody listens while the server starts
            except aiohttp.ClientError:
                self.cut += 1


class Process:
    """One of the two processes, started anew after each kill."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self.running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.running = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.acceptance.ingestion_process",
            *self._arguments,
            cwd=Path(__file__).parents[2],
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )

    async def ready(self) -> None:
        assert self.running is not None
        assert self.running.stdout is not None
        async with asyncio.timeout(READY_SECONDS):
            assert await self.running.stdout.readline() == b"ready\n"

    async def end(self, how: signal.Signals) -> int:
        assert self.running is not None
        self.running.send_signal(how)
        return await self.running.wait()

    async def killed_often(self, chance: random.Random, source: Source) -> None:
        """Start and kill, most often soon after it is at work, sometimes while it starts."""
        for _ in range(KILLS):
            source.grow(PAGE + 1)
            await self.start()
            if chance.random() < 0.85:
                await self.ready()
            await asyncio.sleep(chance.uniform(0, 1.2))
            assert await self.end(signal.SIGKILL) == -signal.SIGKILL
        await self.start()
        await self.ready()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def source() -> AsyncIterator[tuple[Source, str]]:
    growing = Source()
    app = web.Application()
    app.router.add_get("/items", growing.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port := free_port())
    await site.start()
    yield growing, f"http://127.0.0.1:{port}/items"
    await runner.cleanup()


@pytest.fixture
def plugin_folder(tmp_path: Path) -> Path:
    (tmp_path / "growing_plugin.py").write_text(PLUGIN)
    about = tmp_path / "growing_plugin-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: growing-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ekinerja.connectors]\ngrowing = growing_plugin\n")
    return tmp_path


async def installed(database: Database, url: str) -> Installation:
    async with opened(database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        return await feeding.installation(
            agency,
            plugin="growing",
            settings={"url": url},
            webhook_secret=SECRET,
            poll_seconds=1,
        )


async def at_rest(items: int) -> bool:
    """The source is read to its end and nothing waits, in one snapshot."""
    rows = await fetched(
        "SELECT cursor, (SELECT count(*) FROM inbox_item WHERE processed_at IS NULL) AS waiting "
        "FROM installation"
    )
    return rows == [{"cursor": str(items), "waiting": 0}]


async def names_of(table: str, column: str) -> list[str]:
    return [row["name"] for row in await fetched(f"SELECT {column} AS name FROM {table}")]


async def test_nothing_is_lost_and_nothing_is_twice_when_processes_are_killed(
    fresh_database: Database, source: tuple[Source, str], plugin_folder: Path
) -> None:
    growing, url = source
    feed = await installed(fresh_database, url)
    port = str(free_port())
    urls = fresh_database.urls
    worker = Process("worker", urls[DatabaseRole.WORKER], str(plugin_folder))
    server = Process("web", urls[DatabaseRole.APPLICATION], port)
    sender = Sender(f"http://127.0.0.1:{port}/connectors/{feed.id}/webhook")
    seed = int.from_bytes(os.urandom(4))
    chance = random.Random(seed)

    async def kill_both() -> None:
        await asyncio.gather(*(one.killed_often(chance, growing) for one in (worker, server)))
        sender.stopping = True

    try:
        await asyncio.gather(kill_both(), sender.run())
        expected = {one["id"] for one in growing.items} | set(sender.acknowledged)
        async with opened(fresh_database, DatabaseRole.WORKER), asyncio.timeout(120):
            while not await at_rest(len(growing.items)):
                await asyncio.sleep(0.2)
            await assert_each_once(expected, seed)
    finally:
        for one in (worker, server):
            if one.running is not None and one.running.returncode is None:
                await one.end(signal.SIGTERM)
    assert sender.cut > 0, "no kill came between a delivery and its answer"


async def assert_each_once(expected: set[str], seed: int) -> None:
    """One activity and one record for each name, and a day that counts them all."""
    activities: list[Any] = await names_of("activity", "source_id")
    records = await names_of(
        "progress_record r JOIN activity a ON a.id = r.activity_id", "a.source_id"
    )
    days = await fetched("SELECT pending_count FROM daily_log")

    assert sorted(activities) == sorted(records) == sorted(expected), f"seed {seed}"
    assert [row["pending_count"] for row in days] == [len(expected)]
    assert await fetched("SELECT FROM dead_letter") == []
    assert len(await names_of("event", "record_id::text")) == len(expected)
