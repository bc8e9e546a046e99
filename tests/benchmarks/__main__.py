"""`python -m tests.benchmarks`: make the data, run the servers, measure, write docs/benchmarks."""

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import uvloop

from server import postgres_keeper as keeper
from server.embedded_postgres import Cluster, acquire, remove
from tests.benchmarks import intake, live, report
from tests.benchmarks.data import QUICK as QUICK_SHAPE
from tests.benchmarks.data import SHAPES, Shape, provide
from tests.benchmarks.measure import (
    QUICK,
    Contender,
    Effort,
    check_same_facts,
    measure,
    pinned,
    say,
    settle,
)
from tests.benchmarks.plans import explained, write_plans
from tests.benchmarks.servers import started

ALL = ("ekinerja", "limit", "postgraphile", "loaders")
SMALL, TENFOLD = sorted(SHAPES)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--records", type=int, choices=sorted(SHAPES), default=SMALL)
    parser.add_argument("--quick", action="store_true", help="small data, one round, no files")
    parser.add_argument("--rounds", type=int, default=Effort().rounds)
    parser.add_argument("--servers", nargs="+", choices=ALL, default=list(ALL))
    parser.add_argument(
        "--data", type=Path, help="keep the databases in this folder for the next run"
    )
    parser.add_argument("--only", choices=("reads", "intake", "live"), help="a part of it")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(run(given))
        except asyncio.CancelledError:
            sys.exit(128 + signal.SIGTERM)


async def run(given: argparse.Namespace) -> None:
    """Measure; SIGTERM ends it as Ctrl-C does, with everything that it started."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    with tempfile.TemporaryDirectory(prefix="ekinerja-bench-") as scratch:
        async with _cluster(given.data or Path(scratch) / "postgres", keep=bool(given.data)) as one:
            bench = Bench(one, Path(scratch), given)
            if given.records == TENFOLD and not given.quick:
                await bench.growth()
                return
            if given.only in (None, "reads"):
                await bench.comparison()
            if given.only in (None, "intake") and set(given.servers) == set(ALL):
                await bench.intake()
            if given.only in (None, "live") and set(given.servers) == set(ALL):
                await bench.live()


@asynccontextmanager
async def _cluster(folder: Path, *, keep: bool) -> AsyncIterator[Cluster]:
    """The embedded PostgreSQL of the measurement; deleted afterwards unless it is kept."""
    cluster = await asyncio.to_thread(acquire, folder, durable=False)
    try:
        yield cluster
    finally:
        await asyncio.to_thread(cluster.release)
        if not keep:
            await asyncio.to_thread(remove, folder)


class Bench:
    """One run: a cluster, a folder for what passes, and what was asked for."""

    def __init__(self, cluster: Cluster, scratch: Path, given: argparse.Namespace) -> None:
        self._cluster = cluster
        self._scratch = scratch
        self._names: list[str] = given.servers
        self._quick: bool = given.quick
        self._effort = QUICK if given.quick else Effort(rounds=given.rounds)
        running = keeper.read_running(cluster.folder)
        assert running is not None  # we hold a lease
        self._postmaster = running.postmaster

    async def comparison(self) -> None:
        """All servers on one database."""
        shape = QUICK_SHAPE if self._quick else SHAPES[SMALL]
        database, seconds = await self._provide(shape)
        with (
            pinned(self._postmaster) as cpu,
            started(self._names, self._cluster, database, self._scratch, cpu) as servers,
        ):
            contenders = [Contender(one.name, one, shape) for one in servers]
            await settle(contenders)
            nodes = await check_same_facts(contenders)
            say("all servers answer the same facts")
            cells = await measure(contenders, self._effort)
            memory = {one.name: one.megabytes for one in servers}
        plans = self._scratch / "plans" if self._quick else report.FOLDER / "plans"
        await self._explain(database, shape, plans)
        if set(self._names) != set(ALL):
            say(
                str(
                    {
                        q: {n: c["answers_per_second"] for n, c in a.items()}
                        for q, a in cells.items()
                    }
                )
            )
            return
        table = report.comparison(cells, nodes, memory)
        say(table)
        if self._quick:
            return
        result = {"nodes": nodes, "cells": cells, "memory_mb": memory, "data_seconds": seconds}
        self._write("comparison", shape, result)
        report.write_between("comparison", table)
        (report.FOLDER / "comparison.svg").write_text(report.drawing(cells, ALL))

    async def intake(self) -> None:
        """Signed webhooks to pending records, beside a bare insert."""
        folder = self._scratch / "intake"
        folder.mkdir()
        size = intake.QUICK if self._quick else intake.Size()
        result = await intake.measured(self._cluster, folder, size)
        say(text := intake.table(result))
        if not self._quick:
            report.write_json("intake", {"machine": report.machine(), **result})
            report.write_between("intake", text)

    async def live(self) -> None:
        """A commit to a thousand watchers of one team, beside bare WebSockets."""
        folder = self._scratch / "live"
        folder.mkdir()
        size = live.QUICK if self._quick else live.Size(rounds=self._effort.rounds)
        with pinned(self._postmaster) as cpu:
            result = await live.measured(self._cluster, folder, size, cpu)
        say(text := live.table(result))
        if not self._quick:
            report.write_json("live", {"machine": report.machine(), **result})
            report.write_between("live", text)

    async def growth(self) -> None:
        """This server and the limit, each on both sizes of data, in the same rounds."""
        shapes = {str(size): SHAPES[size] for size in (SMALL, TENFOLD)}
        databases = {size: (await self._provide(shape)) for size, shape in shapes.items()}
        with pinned(self._postmaster) as cpu, ExitStack() as stack:
            contenders = []
            for size, shape in shapes.items():
                folder = self._scratch / size
                folder.mkdir()
                names = ("ekinerja", "limit")
                servers = stack.enter_context(
                    started(names, self._cluster, databases[size][0], folder, cpu)
                )
                contenders += [Contender(f"{s.name}@{size}", s, shape) for s in servers]
            await settle(contenders)
            cells = await measure(contenders, self._effort)
        table = report.growth(cells, str(SMALL), str(TENFOLD))
        say(table)
        seconds = {size: took for size, (_, took) in databases.items()}
        self._write("growth", SHAPES[TENFOLD], {"cells": cells, "data_seconds": seconds})
        report.write_between("growth", table)

    async def _provide(self, shape: Shape) -> tuple[str, float | None]:
        say(f"data: {shape.units:,} units, {shape.records:,} records")
        database, seconds = await provide(self._cluster, shape)
        say("data: there already" if seconds is None else f"data: made in {seconds:.0f} s")
        return database, seconds

    async def _explain(self, database: str, shape: Shape, folder: Path) -> None:
        if "ekinerja" not in self._names:
            return
        async with explained(self._cluster, database):
            with started(["ekinerja"], self._cluster, database, self._scratch, None) as servers:
                log = self._cluster.folder / keeper.LOG
                await write_plans(servers[0], shape, log, folder)
        say(f"plans: {', '.join(sorted(path.name for path in folder.glob('*.txt')))}")

    def _write(self, name: str, shape: Shape, result: dict[str, Any]) -> None:
        whole = {
            "machine": report.machine(),
            "shape": {**asdict(shape), "records": shape.records, "units": shape.units},
            "effort": asdict(self._effort),
            **result,
        }
        report.write_json(name, whole)


if __name__ == "__main__":
    main()
