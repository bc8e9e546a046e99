"""How fast signed webhook batches become pending records, beside a bare insert of the same rows.

The server, the worker and the plugin are the real processes; a sender signs and posts. The bare
insert writes the same items into the inbox's own table, `ON CONFLICT DO NOTHING`, in statements
of as many rows as a delivery has, each committed.
"""

import asyncio
import hashlib
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
from ekinerja_connectors.testing.signing import sign

from schema.feeds.models import Installation
from schema.organizations.models import Agency, Employee
from schema.targets.models import Classification, Period, Target, TargetKind
from schema.values import utc_now, uuid7
from server.database import Database, DatabaseRole, database_in, migrate, opened, provision
from server.embedded_postgres import Cluster
from tests.benchmarks.data import ROOT
from tests.benchmarks.measure import say
from tests.benchmarks.servers import started
from tests.feeding import SECRET, installation

DATABASE = "benchmark_intake"
TOGETHER = 4
"""Deliveries under way at once."""
WORDS = ("arsip", "surat", "laporan", "rapat", "anggaran", "naskah", "telaah", "data", "layanan")

PLUGIN = """
import dataclasses
from datetime import datetime
from ekinerja_connectors import *

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    pass

class Measured(Connector[Settings]):
    name, title, version, settings = "measured", "Layanan yang diukur", "1.0", Settings

    def receive(self, delivery):
        return [Item(source_id=one["id"], payload=one) for one in delivery.json()]

    def translate(self, item):
        said = item.payload
        return Activity(source_id=item.source_id, nip=said["nip"], kind="surat",
                        title=said["title"], occurred_at=datetime.fromisoformat(said["from"]),
                        ended_at=datetime.fromisoformat(said["to"]))

@hookimpl
def register_connectors(register):
    register(Measured)
"""
BARE = """
INSERT INTO inbox_item
  (id, installation_id, source_id, kind, body, body_hash, received_at, processed_at, attempts)
SELECT n.id, $1, n.source_id, 'ITEM', n.body::jsonb, n.body_hash, $2, $2, 0
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::text[]) AS n (id, source_id, body, body_hash)
ON CONFLICT (installation_id, source_id) DO NOTHING
"""

# The other rows that the intake makes of an item: the same columns, nothing worked out.
MADE = (
    """
INSERT INTO activity (id, installation_id, inbox_item_id, source_id, employee_id, kind, title,
  occurred_at, ended_at, received_at)
SELECT n.id, $1, n.item, n.source_id, n.person, 'surat', n.title, n.since, n.until, $2
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::timestamptz[],
  $9::timestamptz[]) AS n (id, item, source_id, person, title, since, until)
ON CONFLICT DO NOTHING
""",
    """
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, activity_id, late, state, created_at)
SELECT n.id, $1, n.person, n.since::date, n.since, n.until, 25, n.title, n.activity, false,
  'PENDING', $2
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::timestamptz[],
  $8::timestamptz[]) AS n (id, person, title, activity, since, until)
ON CONFLICT DO NOTHING
""",
    """
INSERT INTO record_event (id, record_id, kind, actor, at, changes)
SELECT n.id, n.record, 'RECEIVED', 'connector:bare', $1, '{}'
FROM unnest($2::uuid[], $3::uuid[]) AS n (id, record) ON CONFLICT DO NOTHING
""",
    """
INSERT INTO event (id, kind, agency_id, employee_id, record_id, superior_ids, target_ids,
  created_at)
SELECT n.id, 'progress.received', $1, n.person, n.record, '{}', '{}', $2
FROM unnest($3::uuid[], $4::uuid[], $5::uuid[]) AS n (id, person, record)
ON CONFLICT DO NOTHING
""",
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much is sent in a round."""

    deliveries: int = 20
    activities: int = 500
    people: int = 3_000
    targets: int = 10
    rounds: int = 5

    @property
    def items(self) -> int:
        return self.deliveries * self.activities


QUICK = Size(deliveries=4, activities=100, people=50, targets=3, rounds=1)


@dataclass(frozen=True, slots=True)
class Scene:
    """Where it is measured: three installations of one agency's kind of work."""

    database: Database
    port: int
    bare: Installation
    without: Installation
    matched: Installation


async def measured(cluster: Cluster, scratch: Path, size: Size) -> dict[str, Any]:
    """Rates in items a second: the bare insert, the intake, and the intake with targets."""
    rates: dict[str, list[float]] = {"bare": [], "made": [], "without": [], "matched": []}
    async with _scene(cluster, scratch, size) as scene:
        await _intake(scene, scene.without, size, 1_000)  # every process is at work
        for number in range(size.rounds):
            rates["bare"].append(await _bare(scene, size, number))
            rates["made"].append(await _bare(scene, size, number, made=True))
            rates["without"].append(await _intake(scene, scene.without, size, number))
            rates["matched"].append(await _intake(scene, scene.matched, size, number))
            say(", ".join(f"{name} {each[-1]:,.0f}/s" for name, each in rates.items()))
    return {"size": asdict(size), "rates": rates}


def table(result: dict[str, Any]) -> str:
    """What was measured, in Markdown."""
    median = {name: statistics.median(each) for name, each in result["rates"].items()}
    titles = {
        "bare": "a bare insert of the items alone",
        "made": "a bare insert of the same rows: items, activities, records, history, events",
        "without": "webhook to pending record, people without targets",
        "matched": f"the same, people with {result['size']['targets']} targets each",
    }
    lines = [
        "| | items/s | slowest to fastest round | of the items alone | of the same rows |",
        "|---|---|---|---|---|",
    ]
    for name, title in titles.items():
        each = result["rates"][name]
        lines.append(
            f"| {title} | {median[name]:,.0f} | {min(each):,.0f} to {max(each):,.0f} | "
            f"{median[name] / median['bare']:.3f} | {median[name] / median['made']:.3f} |"
        )
    cost = 1e6 / median["matched"] - 1e6 / median["without"]
    met = "met" if median["without"] >= median["made"] / 10 else "not met"
    lines += [
        "",
        f"Goal, a tenth of a bare insert of the same rows: {met}. "
        f"Matching takes {cost:,.0f} µs an item.",
    ]
    return "\n".join(lines)


@asynccontextmanager
async def _scene(cluster: Cluster, scratch: Path, size: Size) -> AsyncIterator[Scene]:
    await provision(cluster, DATABASE)
    database = database_in(cluster, DATABASE)
    await migrate(database)
    async with opened(database, DatabaseRole.OWNER):
        bare, without, matched = [await _agency(n, size) for n in range(3)]
    folder = scratch / "plugin"
    folder.mkdir()
    (folder / "measured_plugin.py").write_text(PLUGIN)
    about = folder / "measured-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: measured\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[ekinerja.connectors]\nmeasured = measured_plugin\n")
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.acceptance.ingestion_process", "worker"),
        *(cluster.url("ekinerja_worker", DATABASE), str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=(scratch / "worker.log").open("wb"),
    )
    try:
        with started(["ekinerja"], cluster, DATABASE, scratch, None) as (server,), server.awake():
            yield Scene(database, server.port, bare, without, matched)
    finally:
        worker.terminate()
        await worker.wait()


async def _agency(number: int, size: Size) -> Installation:
    """An agency with its people; those of the third one have targets."""
    agency = await Agency.create(code=f"UKUR-{number}", name=f"Instansi {number}")
    people = [
        Employee(agency=agency, nip=_nip(number, n), name=f"Pegawai {n}")
        for n in range(size.people)
    ]
    await Employee.bulk_create(people, batch_size=500)
    if number == 2:
        year = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
        period = await Period.create(agency_id=agency.id, code="2026", **year)
        targets = [
            Target(
                agency_id=agency.id,
                period=period,
                code=f"{place}-{n}",
                position=n,
                title=f"Terlaksananya {_words(place + n)} {_words(7 * n + 3)}",
                kind=TargetKind.QUANTITATIVE,
                classification=Classification.INDIVIDUAL,
                owner_employee_id=person.id,
            )
            for place, person in enumerate(people)
            for n in range(size.targets)
        ]
        await Target.bulk_create(targets, batch_size=500)
    return await installation(
        agency, plugin="measured", webhook_secret=SECRET, next_poll_at=utc_now()
    )


def _nip(agency: int, n: int) -> str:
    return f"1990010120150{agency}{n:04d}"


def _words(n: int) -> str:
    return f"{WORDS[n % len(WORDS)]} {WORDS[(n * 5 + 2) % len(WORDS)]}"


def _said(agency: int, number: int, size: Size) -> list[list[dict[str, str]]]:
    """The items of a round, by delivery; one day a round, each person about ten times."""
    day = datetime(2026, 3, 2, 1, tzinfo=UTC) + timedelta(days=number % 200)
    found = []
    for n in range(size.items):
        start = day + timedelta(minutes=30 * (n // size.people % 16))
        found.append(
            {
                "id": f"{number}-{n}",
                "nip": _nip(agency, n % size.people),
                "title": f"Menyusun {_words(n)} untuk {_words(n * 3 + 1)} nomor {n}",
                "from": start.isoformat(),
                "to": (start + timedelta(minutes=25)).isoformat(),
            }
        )
    at_once = size.activities
    return [found[start : start + at_once] for start in range(0, len(found), at_once)]


async def _bare(scene: Scene, size: Size, number: int, *, made: bool = False) -> float:
    """Items a second; with `made`, also the rows that the intake makes of each."""
    word = "made" if made else "item"
    said = _said(0, number, size)
    batches = [[(f"{word}-{one['id']}", json.dumps(one)) for one in batch] for batch in said]
    connection = await asyncpg.connect(scene.database.urls[DatabaseRole.WORKER])
    try:
        people = {
            row["nip"]: row["id"]
            for row in await connection.fetch(
                "SELECT nip, id FROM employee WHERE nip LIKE $1", _nip(0, 0)[:14] + "%"
            )
        }
        start = time.perf_counter()
        for batch, items in zip(batches, said, strict=True):
            ids, texts = [uuid7() for _ in batch], [text for _, text in batch]
            async with connection.transaction():
                await connection.execute(
                    BARE,
                    scene.bare.id,
                    utc_now(),
                    ids,
                    [name for name, _ in batch],
                    texts,
                    [hashlib.sha256(text.encode()).hexdigest() for text in texts],
                )
                if made:
                    await _made(connection, scene, batch, ids, items, people)
        return size.items / (time.perf_counter() - start)
    finally:
        await connection.close()


async def _made(
    connection: Any,
    scene: Scene,
    batch: list[tuple[str, str]],
    ids: list[Any],
    items: list[dict[str, str]],
    people: dict[str, Any],
) -> None:
    now, agency = utc_now(), scene.bare.agency_id
    who = [people[one["nip"]] for one in items]
    titles = [one["title"] for one in items]
    since = [datetime.fromisoformat(one["from"]) for one in items]
    until = [datetime.fromisoformat(one["to"]) for one in items]
    activities, records, notes, events = ([uuid7() for _ in items] for _ in range(4))
    names = [name for name, _ in batch]
    given: tuple[tuple[Any, ...], ...] = (
        (scene.bare.id, now, activities, ids, names, who, titles, since, until),
        (agency, now, records, who, titles, activities, since, until),
        (now, notes, records),
        (agency, now, events, who, records),
    )
    for statement, values in zip(MADE, given, strict=True):
        await connection.execute(statement, *values)


async def _intake(scene: Scene, of: Installation, size: Size, number: int) -> float:
    """From the first delivery's first byte until the last record is there."""
    agency = 1 if of.id == scene.without.id else 2
    bodies = [json.dumps(batch).encode() for batch in _said(agency, number, size)]
    connection = await asyncpg.connect(scene.database.urls[DatabaseRole.WORKER])
    count = "SELECT count(*) FROM activity WHERE installation_id = $1"
    expected = await connection.fetchval(count, of.id) + size.items
    queue = list(enumerate(bodies))[::-1]
    url = f"http://127.0.0.1:{scene.port}/connectors/{of.id}/webhook"

    async def send(session: aiohttp.ClientSession) -> None:
        while queue:
            place, body = queue.pop()
            headers = sign(SECRET, f"msg_{number}_{place}", utc_now(), body)
            async with session.post(url, data=body, headers=headers) as answer:
                if answer.status != 202:
                    raise SystemExit(f"a delivery was answered {answer.status}")

    start = time.perf_counter()
    async with aiohttp.ClientSession() as session, asyncio.timeout(300):
        await asyncio.gather(*(send(session) for _ in range(TOGETHER)))
        while await connection.fetchval(count, of.id) < expected:
            await asyncio.sleep(0.05)
    seconds = time.perf_counter() - start
    await connection.close()
    return size.items / seconds
