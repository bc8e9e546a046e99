"""`python -m tests.benchmarks.faults`: what eight faulty plugins cost their neighbours.

Rounds alternate: the API and a good connector under a light, even load, then the same while eight
plugins misbehave at once, in every call. Compared are medians of the rounds.
"""

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schema.feeds.models import BreakerState, ConnectorProblem, Installation
from schema.values import utc_now
from server.database import Database, DatabaseRole, database_in, migrate, opened, provision
from server.embedded_postgres import acquire, remove
from tests.benchmarks.measure import say
from tests.faults import FAULTS, WAITS, Load, api, install_all, working, write_plugins
from tests.feeding import fetched

SETTLING_SECONDS = 4
"""From the worker's start until its children are there and the first faults have come."""
GOAL = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Milliseconds: 99th percentiles, and the slowest ping, which no stall can exceed."""

    query: float
    connector: float
    ping: float
    slowest_ping: float


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.faults", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10, help="of each half of a round")
    given = parser.parse_args()
    asyncio.run(run(given.rounds, given.seconds))


async def run(rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="ekinerja-faults-") as scratch:
        folder = Path(scratch)
        try:
            with acquire(folder / "cluster", durable=False) as cluster:
                await provision(cluster, "faults")
                database = database_in(cluster, "faults")
                await migrate(database)
                await measure(database, folder, rounds, seconds)
        finally:
            remove(folder / "cluster")


async def measure(database: Database, folder: Path, rounds: int, seconds: float) -> None:
    write_plugins(folder)
    feeds = await install_all(database, folder, times=10**9)
    calm: list[Round] = []
    faulty: list[Round] = []
    async with (
        api(database, folder, feeds["good"]) as load,
        opened(database, DatabaseRole.APPLICATION),
    ):
        await half(database, load, feeds["good"], 3, faults=False)  # warms what is lazy
        for number in range(rounds):
            for faults, into in ((False, calm), (True, faulty)):
                into.append(await half(database, load, feeds["good"], seconds, faults=faults))
                say(f"round {number + 1}, {'faults' if faults else 'calm'}: {into[-1]}")
        for one in await ConnectorProblem.all().select_related("installation").order_by("id"):
            say(f"{one.installation.title}: {one.code} {one.times} times: {one.detail[:100]}")
        assert await Installation.filter(title__in=FAULTS, problems__id__isnull=True).count() == 0
    tell(calm, faulty)


async def half(
    database: Database, load: Load, good: Installation, seconds: float, *, faults: bool
) -> Round:
    """One half of a round, with a worker of its own, so that no fault is left over."""
    await Installation.filter(title__in=FAULTS).update(
        enabled=faults, next_poll_at=utc_now(), failures=0, breaker=BreakerState.CLOSED
    )
    first = len(load.delivered)
    del load.queries[:], load.health[:]
    async with working(database, load.folder, load.folder / "worker.log"):
        await asyncio.sleep(SETTLING_SECONDS)
        await load.run(seconds, number_from=first)
        waits = await settled(good, load.delivered[first:])
    return Round(
        query=percentile(load.queries, 99) * 1000,
        connector=percentile(waits, 99) * 1000,
        ping=percentile(load.health, 99) * 1000,
        slowest_ping=max(load.health) * 1000,
    )


async def settled(good: Installation, delivered: Sequence[str]) -> list[float]:
    """How long each delivery waited, once all are worked off: none may be missing."""
    async with asyncio.timeout(60):
        while True:
            rows = {row["name"]: row["seconds"] for row in await fetched(WAITS, good.id)}
            if all(name in rows for name in delivered):
                return [rows[name] for name in delivered]
            await asyncio.sleep(0.2)


def percentile(seconds: Sequence[float], percent: int) -> float:
    """Nearest rank, in the unit given: of few the 99th is the slowest."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def tell(calm: Sequence[Round], faulty: Sequence[Round]) -> None:
    """A row of the table in docs/benchmarks.md for each figure."""
    say("| 99th percentile of | calm, ms | with faults, ms | times | |\n|---|---|---|---|---|")
    for name, told in (
        ("query", "an API query"),
        ("connector", "a delivery until its record is there"),
        ("ping", "a ping"),
        ("slowest_ping", "(the slowest ping)"),
    ):
        before = statistics.median(getattr(one, name) for one in calm)
        after = statistics.median(getattr(one, name) for one in faulty)
        goal = f"goal {GOAL:g}: {'met' if after / before < GOAL else 'missed'}"
        judged = goal if name in ("query", "connector") else ""
        say(f"| {told} | {before:.1f} | {after:.1f} | {after / before:.2f} | {judged} |")


if __name__ == "__main__":
    main()
