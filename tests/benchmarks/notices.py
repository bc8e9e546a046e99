"""`python -m tests.benchmarks.notices`: how long an agency of 20,000 takes to be told at 15:00.

A tree of eight reports each, two weeks written by most of them, one channel. Composing is measured
as the worker does it, batch by batch, and its statements are counted.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from schema.feeds.models import Installation, Plugin, PluginState
from schema.notices.composing import compose
from schema.notices.models import Notice, NoticeDelivery
from schema.organizations.models import Agency, Assignment, Employee, Unit
from schema.progress.models import DailyLog
from server.database import DatabaseRole, database_in, migrate, opened, provision
from server.embedded_postgres import acquire, remove
from tests.benchmarks.measure import say

REPORTS = 8
DATABASE = "benchmark_notices"
TUESDAY = date(2026, 11, 24)
MORNING, AFTERNOON = (datetime(2026, 11, 24, hour, tzinfo=UTC) for hour in (1, 8))
"""08:00 and 15:00 WIB."""


async def provide(number: int) -> None:
    """People in a tree by their number: `n` is appraised by `(n - 1) // 8`."""
    agency = await Agency.create(code="BESAR", name="Instansi Besar")
    unit = await Unit.create(agency=agency, code="A", name="Unit", kind="unit")
    people = [
        Employee(agency_id=agency.id, nip=f"{10**17 + n}", name=f"Pegawai {n}")
        for n in range(number)
    ]
    above: list[list[Any]] = []
    for n, one in enumerate(people):
        boss = (n - 1) // REPORTS
        above.append([] if n == 0 else [people[boss].id, *above[boss]])
        one.superiors = above[n]
    await Employee.bulk_create(people, batch_size=2_000)
    posts = [
        Assignment(
            employee_id=one.id,
            unit_id=unit.id,
            appraiser_id=above[n][0] if above[n] else None,
            position="Analis",
            starts_on=date(2026, 1, 1),
        )
        for n, one in enumerate(people)
    ]
    await Assignment.bulk_create(posts, batch_size=2_000)
    days = [TUESDAY - timedelta(days=n) for n in range(14)]
    logs = [
        DailyLog(
            employee_id=one.id,
            day=day,
            required_minutes=450,
            recorded_minutes=450 if (n + day.day) % 5 else 0,
            pending_count=n % 3,
        )
        for n, one in enumerate(people)
        for day in days
        if day.weekday() < 5 and not (day == TUESDAY and n % 2)
    ]
    await DailyLog.bulk_create(logs, batch_size=5_000)
    await Plugin.create(
        name="surel", distribution="surel", version="1", title="Surel", seen_at=MORNING,
        state=PluginState.READY, capabilities=["notices"],
    )  # fmt: skip
    await Installation.create(agency=agency, plugin="surel", title="Surel", next_poll_at=MORNING)


@contextmanager
def counted() -> Iterator[Callable[[], int]]:
    """Statements of the driver while it is open."""
    seen = 0

    def note(_: Any) -> None:
        nonlocal seen
        seen += 1

    original = asyncpg.connection.Connection.__init__

    def made(self: Any, *args: Any, **given: Any) -> None:
        original(self, *args, **given)
        self.add_query_logger(note)

    asyncpg.connection.Connection.__init__ = made  # type: ignore[method-assign]
    try:
        yield lambda: seen
    finally:
        asyncpg.connection.Connection.__init__ = original  # type: ignore[method-assign]


async def told(now: datetime, statements: Callable[[], int]) -> str:
    """Compose all that is due; the figures as a line."""
    before, began, batches, made, slowest = statements(), time.perf_counter(), 0, 0, 0.0
    while True:
        start = time.perf_counter()
        batch = await compose(now)
        if batch is None:
            break
        slowest = max(slowest, time.perf_counter() - start)
        batches, made = batches + 1, made + batch
    took, asked = time.perf_counter() - began, statements() - before
    return (
        f"{made:,} notices in {took:.1f} s, {batches} batches, the slowest {slowest:.2f} s, "
        f"{asked / max(batches, 1):.1f} statements each"
    )


async def measured(number: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ekinerja-notices-") as scratch:
        cluster = await asyncio.to_thread(acquire, Path(scratch) / "postgres", durable=False)
        try:
            await provision(cluster, DATABASE)
            database = database_in(cluster, DATABASE)
            await migrate(database)
            async with opened(database, DatabaseRole.OWNER):
                began = time.perf_counter()
                await provide(number)
                say(f"{number:,} people made in {time.perf_counter() - began:.0f} s")
            connection = await database.connect(DatabaseRole.OWNER)
            await connection.execute("ANALYZE")
            await connection.close()
            with counted() as statements:
                async with opened(database, DatabaseRole.WORKER):
                    say("digests: " + await told(MORNING, statements))
                    say("nudges: " + await told(AFTERNOON, statements))
                    began = time.perf_counter()
                    assert await compose(AFTERNOON) is None
                    say(f"a look in vain: {1000 * (time.perf_counter() - began):.1f} ms")
                    say(
                        f"{await Notice.all().count():,} notices kept, "
                        f"{await NoticeDelivery.all().count():,} to be sent"
                    )
        finally:
            await asyncio.to_thread(cluster.release)
            await asyncio.to_thread(remove, Path(scratch) / "postgres")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.notices", description=__doc__)
    parser.add_argument("--people", type=int, default=20_000)
    asyncio.run(measured(parser.parse_args().people))
