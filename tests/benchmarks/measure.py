"""Interleaved rounds: every server answers every question in turn, and medians are taken."""

import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from statistics import median

import psutil

from tests.benchmarks.client import ask, load
from tests.benchmarks.data import Shape
from tests.benchmarks.facts import nodes_in
from tests.benchmarks.questions import QUESTIONS, Question
from tests.benchmarks.servers import Server

MANY = 16
CHECKED = 3
"""How many cases of a question every server must answer alike before anything is timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: rounds, and seconds for each cell of a round."""

    rounds: int = 5
    alone_seconds: float = 1.5
    together_seconds: float = 2.0
    warm_seconds: float = 1.0


QUICK = Effort(rounds=1, alone_seconds=0.2, together_seconds=0.2, warm_seconds=0.1)


@dataclass(slots=True)
class Cell:
    """One question to one server: a number for each round. Latencies in ms, one connection."""

    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    body_bytes: float = 0.0

    def summary(self) -> dict[str, float]:
        """Medians over the rounds, with the spread of the rate."""
        return {
            "p50_ms": median(self.p50),
            "p99_ms": median(self.p99),
            "answers_per_second": median(self.rate),
            "slowest_round": min(self.rate),
            "fastest_round": max(self.rate),
            "bytes": self.body_bytes,
        }


@dataclass(frozen=True, slots=True)
class Contender:
    """A server with a label of its own, and the shape of the data behind it."""

    label: str
    server: Server
    shape: Shape

    def requests(self, question: Question) -> list[bytes]:
        return [self.server.request(question, case) for case in question.cases(self.shape)]


async def check_same_facts(contenders: Sequence[Contender]) -> Mapping[str, int]:
    """Hold all servers to the same facts; answers the mean number of objects by question.

    Raises:
        SystemExit: two of them differ.
    """
    nodes: dict[str, int] = {}
    for question in QUESTIONS:
        cases = question.cases(contenders[0].shape)
        sizes = []
        for case in cases[:: max(1, len(cases) // CHECKED)][:CHECKED]:
            told = {}
            for one in contenders:
                with one.server.awake():
                    body = await ask(one.server.port, one.server.request(question, case))
                told[one.label] = one.server.facts(question, body)
            first, *others = told
            for other in others:
                if told[other] != told[first]:
                    raise SystemExit(f"{first} and {other} answer {question.name} differently")
            sizes.append(nodes_in(told[first]))
        nodes[question.name] = round(sum(sizes) / len(sizes))
    return nodes


async def measure(
    contenders: Sequence[Contender], effort: Effort
) -> dict[str, dict[str, dict[str, float]]]:
    """Summaries by question and contender."""
    asked = {(q.name, c.label): c.requests(q) for q in QUESTIONS for c in contenders}
    cells = {name: Cell() for name in asked}
    for number in range(effort.rounds):
        say(f"round {number + 1} of {effort.rounds}")
        for question in QUESTIONS:
            for contender in contenders:
                name = (question.name, contender.label)
                with contender.server.awake():
                    await _measure_once(contender.server.port, asked[name], effort, cells[name])
    return {
        question.name: {c.label: cells[question.name, c.label].summary() for c in contenders}
        for question in QUESTIONS
    }


async def _measure_once(port: int, requests: Sequence[bytes], effort: Effort, cell: Cell) -> None:
    # All its database connections see the statement often enough to have their last plan.
    await load(port, requests, connections=MANY, seconds=effort.warm_seconds)
    alone = await load(port, requests, connections=1, seconds=effort.alone_seconds)
    together = await load(port, requests, connections=MANY, seconds=effort.together_seconds)
    cell.p50.append(alone.percentile(50))
    cell.p99.append(alone.percentile(99))
    cell.rate.append(together.rate)
    cell.body_bytes = alone.body_bytes


@contextmanager
def pinned(postmaster: int) -> Iterator[int | None]:
    """PostgreSQL and this process on the second CPU; yields the first, for the servers.

    None, and nothing is held anywhere, where there is one CPU only.
    """
    own, database = psutil.Process(), psutil.Process(postmaster)
    before = own.cpu_affinity()
    if len(before) < 2:
        yield None
        return
    server_cpu, other_cpu = before[0], before[1]
    own.cpu_affinity([other_cpu])
    for process in (database, *database.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # workers of PostgreSQL come and go
            process.cpu_affinity([other_cpu])
    try:
        yield server_cpu
    finally:
        own.cpu_affinity(before)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def settle(contenders: Sequence[Contender]) -> None:
    """Let a moment pass between start and measurement, for servers that finish starting late."""
    for one in contenders:
        with one.server.awake():
            await asyncio.sleep(0.5)
