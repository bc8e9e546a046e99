"""Eight faults of plugins, and a good neighbour under load beside them, in real processes.

Shared by the test that every fault is visible and nothing lost, and by the benchmark that compares
the neighbours' times with and without the faults.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from ekinerja_connectors.testing.signing import sign

from schema.feeds.models import Installation
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from tests import feeding
from tests.feeding import NIP, SECRET, SECRET_KEY
from tests.processes import Running, environment, running, serving, token_of

FAULTS = ("hang", "block", "crash", "leak", "garbage", "flood", "swallow", "forge")
DEADLINE_SECONDS = 3
"""Of the worker in these tests, so that a hang is over while the test looks on."""
ITEMS = 3
"""That each faulty plugin has to give, between its faults."""

PLUGIN = """
import asyncio, dataclasses, os, pathlib, stat, time
from datetime import UTC, datetime
from ekinerja_connectors import *

NAME = "@name"
FAULT = "@fault"

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    folder: str = ""
    times: int = 0

def into_the_pipe(chunk, count):
    for fd in range(3, 64):
        try:
            if stat.S_ISFIFO(os.fstat(fd).st_mode):
                for _ in range(count):
                    os.write(fd, chunk)
        except OSError:
            pass

async def hang():
    await asyncio.sleep(3600)

async def block():
    time.sleep(3600)

async def crash():
    os.kill(os.getpid(), 11)

async def leak():
    kept = []
    while True:
        kept.append(bytearray(8 * 1024 * 1024))

async def garbage():
    into_the_pipe(b"\\x00\\xff no JSON at all\\n", 1)
    await asyncio.sleep(3600)

async def flood():
    for _ in range(20):
        os.write(2, b"x" * 65536)
    into_the_pipe(b"x" * 65536, 200)  # 13 MB of a line that never ends
    await asyncio.sleep(3600)

async def swallow():
    while True:
        try:
            await asyncio.sleep(3600)
        except BaseException:
            pass

FAULTS = {one.__name__: one for one in (hang, block, crash, leak, garbage, flood, swallow)}

class Found(Connector[Settings]):
    name, title, version, settings = NAME, "Uji " + FAULT, "1.0", Settings

    async def fetch(self, cursor):
        # Each run leaves a mark outside, since its process may not survive it.
        marks = pathlib.Path(self.config.folder)
        run = len(list(marks.glob(NAME + "-*")))
        (marks / f"{NAME}-{run}").touch()
        if FAULT in FAULTS and run < self.config.times:
            await FAULTS[FAULT]()
        items = tuple(Item(source_id=f"{NAME}-{n}", payload={"forge": FAULT == "forge" and n == 0})
                      for n in range(@items))
        return Page(items=items, next_cursor="end", more=False)

    def receive(self, delivery):
        return [Item(source_id=one, payload={}) for one in delivery.json()]

    def translate(self, item):
        name = "somebody-elses-1" if item.payload.get("forge") else item.source_id
        return Activity(source_id=name, nip="@nip", kind="uji", title="Menguji " + name,
                        occurred_at=datetime(2026, 11, 24, 3, tzinfo=UTC))

@hookimpl
def register_connectors(register):
    register(Found)
"""


def write_plugins(folder: Path) -> None:
    """The eight, each a distribution of its own, and the good one."""
    for fault in (*FAULTS, "good"):
        text = PLUGIN
        values = {"@name": f"fault-{fault}", "@fault": fault, "@items": str(ITEMS), "@nip": NIP}
        for mark, value in values.items():
            text = text.replace(mark, value)
        (folder / f"fault_{fault}.py").write_text(text)
        about = folder / f"fault_{fault}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: fault-{fault}\nVersion: 1.0\n"
        )
        (about / "entry_points.txt").write_text(
            f"[ekinerja.connectors]\nfault-{fault} = fault_{fault}\n"
        )


async def install_all(database: Database, folder: Path, times: int) -> dict[str, Installation]:
    """Each plugin installed once; the faulty ones misbehave in their first `times` runs."""
    async with opened(database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        return {
            fault: await feeding.installation(
                agency,
                plugin=f"fault-{fault}",
                title=fault,
                settings={"folder": str(folder), "times": times},
                webhook_secret=SECRET if fault == "good" else None,
                next_poll_at=utc_now(),
                poll_seconds=86_400 if fault == "good" else 1,
                enabled=fault == "good",
            )
            for fault in (*FAULTS, "good")
        }


@contextlib.asynccontextmanager
async def working(database: Database, folder: Path, log: Path) -> AsyncIterator[Running]:
    """A worker as in production, but for its plugins' folder and its short deadline."""
    module, url = "tests.acceptance.ingestion_process", database.urls[DatabaseRole.WORKER]
    arguments = ("-m", module, "worker", url, str(folder), str(DEADLINE_SECONDS))
    env = environment(folder, database, EKINERJA_SECRET_KEYS=SECRET_KEY)
    before = len(log.read_text()) if log.exists() else 0
    async with running(*arguments, env=env, log=log) as one:

        async def is_ready() -> bool:
            return "ready\n" in one.said()[before:]

        await one.until(is_ready, "say ready")
        yield one


@dataclass
class Load:
    """What is asked and delivered beside the faults, and how long each answer took, in seconds."""

    server: Running
    folder: Path
    webhook: str
    queries: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)

    async def run(self, seconds: float, number_from: int) -> None:
        """Light and even, whatever the answers take: 20 queries, 50 pings, 10 deliveries a second.

        A request that is due while another is under way is sent all the same.
        """
        headers = {"authorization": f"Bearer {token_of(self.folder, NIP)}"}
        async with aiohttp.ClientSession() as session:

            async def query(_: int) -> None:
                body = {"query": "{ viewer { unreadCount employee { name } } }"}
                url = f"{self.server.url}/graphql"
                began = time.perf_counter()
                async with session.post(url, json=body, headers=headers) as answer:
                    said = await answer.json()
                assert said["data"]["viewer"]["employee"]["name"], said
                self.queries.append(time.perf_counter() - began)

            async def ping(_: int) -> None:
                began = time.perf_counter()
                async with session.get(f"{self.server.url}/healthz") as answer:
                    assert answer.status == 200
                self.health.append(time.perf_counter() - began)

            async def deliver(number: int) -> None:
                name = f"good-{number_from + number}"
                body = json.dumps([name]).encode()
                signed = sign(SECRET, f"msg_{name}", utc_now(), body)
                async with session.post(self.webhook, data=body, headers=signed) as answer:
                    assert answer.status == 202, await answer.text()
                self.delivered.append(name)

            rates = ((query, 20), (ping, 50), (deliver, 10))
            await asyncio.gather(*(_evenly(one, rate, seconds) for one, rate in rates))


async def _evenly(one: Any, rate: int, seconds: float) -> None:
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            tasks.create_task(one(number))


@contextlib.asynccontextmanager
async def api(database: Database, folder: Path, good: Installation) -> AsyncIterator[Load]:
    """The API as in production, under no load yet."""
    async with serving(
        environment(folder, database, EKINERJA_SECRET_KEYS=SECRET_KEY), folder / "api.log"
    ) as server:
        yield Load(server, folder, f"{server.url}/connectors/{good.id}/webhook")


# From the moment that a delivery was kept until what was in it is settled.
WAITS = """
SELECT i.source_id AS name, extract(epoch FROM i.processed_at - d.received_at)::float AS seconds
FROM inbox_item i JOIN inbox_item d
  ON d.installation_id = i.installation_id AND d.source_id = 'delivery:msg_' || i.source_id
WHERE i.installation_id = $1 AND i.processed_at IS NOT NULL
"""
