"""How long from a commit until many watchers of one team have its message, beside bare WebSockets.

Both servers are woken by the same event log, in alternating rounds on one machine, one after
another: while the one is measured the other has nothing to send. The watchers are different
subjects with the same rights: the team's leader, the leader's superior, auditors of the agency.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psutil

from schema.values import utc_now, uuid7
from server.database import Database, DatabaseRole, database_in, migrate, provision
from server.embedded_postgres import Cluster
from tests.benchmarks.live_bare import AGENCY as BARE_AGENCY
from tests.benchmarks.live_client import Socket, opened, received_at
from tests.benchmarks.measure import say
from tests.benchmarks.servers import end, free_port, started, wait_for
from tests.live_agency import AGENCY, LiveAgency, Team, founded
from tests.live_watchers import TEAM, tokens_of

DATABASE = "benchmark_live"
GOAL = 2.0
"""Of the time to the last of all, to that of bare WebSockets; at most."""
PAUSE_SECONDS = 0.05
APPEND = """
INSERT INTO event (id, kind, agency_id, employee_id, superior_ids, target_ids, created_at)
VALUES ($1, 'progress.logged', $2, $3, $4::uuid[], '{}', $5)
"""
POSITION = "SELECT position FROM event WHERE id = $1"


@dataclass(frozen=True, slots=True)
class Size:
    """How many watch, and how often something happens."""

    watchers: int = 1000
    members: int = 10
    rounds: int = 5
    events: int = 20
    """Of each server in a round."""


QUICK = Size(watchers=50, rounds=1, events=5)


@dataclass(slots=True)
class Contender:
    """A server's sockets, how an event of its own is made, and what was measured: in ms."""

    name: str
    sockets: Sequence[Socket]
    event: tuple[UUID, UUID, list[UUID]]
    """Its agency, its person and their superiors."""
    all: list[list[float]] = field(default_factory=list)
    """Of each round: from the commit to each receipt."""
    first: list[list[float]] = field(default_factory=list)
    last: list[list[float]] = field(default_factory=list)

    def summary(self) -> dict[str, float]:
        """Medians over the rounds."""
        return {
            "first_p50_ms": _median(self.first, 50),
            "p50_ms": _median(self.all, 50),
            "p99_ms": _median(self.all, 99),
            "last_p50_ms": _median(self.last, 50),
            "last_p99_ms": _median(self.last, 99),
            "bytes": float(len(self.sockets[0].messages[-1][1])),
        }


def _median(rounds: Sequence[Sequence[float]], percent: int) -> float:
    """Of a percentile of each round, by nearest rank."""
    ordered = [sorted(one) for one in rounds]
    return median(one[min(len(one) - 1, len(one) * percent // 100)] for one in ordered)


async def measured(cluster: Cluster, scratch: Path, size: Size, cpu: int | None) -> dict[str, Any]:
    """What each server took, and how often the real one needs the time of the bare one."""
    await provision(cluster, DATABASE)
    database = database_in(cluster, DATABASE)
    await migrate(database)
    agency = await founded(database, teams=1, members=size.members, auditors=size.watchers)
    team = agency.teams[0]
    with started(["ekinerja"], cluster, DATABASE, scratch, cpu) as (server,), server.awake():
        real = await _watching(server.port, agency, scratch, size)
        person, _ = team.members[0]
        superiors = [team.leader[0], UUID(int=1_000)]
        ours = Contender("ekinerja", real, (AGENCY, person, superiors))
        connection = await database.connect(DatabaseRole.OWNER)
        try:
            await _happen(connection, ours)  # how long a message is
            length = len(real[0].messages[-1][1])
            async with _bare(database, scratch, cpu, length) as port:
                sockets = await opened(port, size.watchers)
                for one in sockets:
                    await one.received(1)
                bare = Contender("bare", sockets, (BARE_AGENCY, BARE_AGENCY, []))
                await _rounds(connection, (ours, bare), size)
                found = {one.name: one.summary() for one in (ours, bare)}
        finally:
            await connection.close()
        for socket in (*real, *sockets):
            socket.leave()
    return {"size": asdict(size), "cells": found, "ratio": ratios(found)}


def ratios(cells: dict[str, dict[str, float]]) -> dict[str, float]:
    """The real server's times in those of the bare one."""
    return {
        name: cells["ekinerja"][name] / cells["bare"][name]
        for name in ("first_p50_ms", "p50_ms", "p99_ms", "last_p50_ms", "last_p99_ms")
    }


async def _watching(port: int, agency: LiveAgency, scratch: Path, size: Size) -> list[Socket]:
    """Sockets that have their snapshot."""
    team: Team = agency.teams[0]
    subjects = agency.watchers_of(team, size.watchers)
    tokens = tokens_of(scratch, subjects)
    sockets: list[Socket] = []
    for subject in subjects:
        # One after another: a server waits ten seconds for a connection's first message.
        (socket,) = await opened(port, 1)
        sockets.append(socket)
        while not socket.upgraded:
            await asyncio.sleep(0.001)
        payload = {"authorization": f"Bearer {tokens[subject]}"}
        socket.send({"type": "connection_init", "payload": payload})
        await socket.received(1)
        asked = {"query": TEAM, "variables": {"supervisor": team.supervisor}}
        socket.send({"id": "1", "type": "subscribe", "payload": asked})
    for socket in sockets:
        await socket.received(2)
    return sockets


async def _rounds(connection: Any, contenders: Sequence[Contender], size: Size) -> None:
    for number in range(size.rounds):
        say(f"round {number + 1} of {size.rounds}")
        for one in contenders:
            everyone: list[float] = []
            first: list[float] = []
            last: list[float] = []
            for _ in range(size.events):
                times = await _happen(connection, one)
                everyone += times
                first.append(times[0])
                last.append(times[-1])
                await asyncio.sleep(PAUSE_SECONDS)
            one.all.append(everyone)
            one.first.append(first)
            one.last.append(last)


async def _happen(connection: Any, one: Contender) -> list[float]:
    """Commit an event; from its commit to each receipt, in ms, ascending."""
    key = uuid7()
    agency, person, superiors = one.event
    counts = [len(socket.messages) + 1 for socket in one.sockets]
    await connection.execute(APPEND, key, agency, person, superiors, utc_now())
    committed = time.perf_counter()
    for socket, count in zip(one.sockets, counts, strict=True):
        await socket.received(count)
    position = await connection.fetchval(POSITION, key)
    return [(at - committed) * 1000 for at in received_at(one.sockets, position)]


@asynccontextmanager
async def _bare(
    database: Database, scratch: Path, cpu: int | None, size: int
) -> AsyncIterator[int]:
    """The bare server as a process; its port."""
    port, log = free_port(), scratch / "bare.log"
    url = database.urls[DatabaseRole.APPLICATION]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.benchmarks.live_bare", str(port), url, str(size)],
            env=os.environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            preexec_fn=None if cpu is None else partial(os.sched_setaffinity, 0, {cpu}),
        )
    try:
        await asyncio.to_thread(wait_for, process, port, log)
        yield port
    finally:
        await asyncio.to_thread(end, process, psutil.Process(process.pid))


def table(result: dict[str, Any]) -> str:
    """The figures in Markdown."""
    names = {"ekinerja": "this server", "bare": "bare WebSockets, one ready text"}
    lines = [
        "| from commit to receipt, ms | first | p50 | p99 | last of all, p50 | last of all, p99 | "
        "bytes |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, cell in result["cells"].items():
        figures = " | ".join(f"{v:,.1f}" for k, v in cell.items() if k.endswith("_ms"))
        lines.append(f"| {names[name]} | {figures} | {cell['bytes']:,.0f} |")
    lines.append("| times | " + " | ".join(f"{v:.2f}" for v in result["ratio"].values()) + " | |")
    ratio = result["ratio"]["last_p50_ms"]
    met = "met" if ratio <= GOAL else "not met"
    watchers = result["size"]["watchers"]
    lines += [
        "",
        f"Goal, to the last of {watchers:,} at most {GOAL:.0f} times bare WebSockets: {met} "
        f"({ratio:.2f}).",
    ]
    return "\n".join(lines)
