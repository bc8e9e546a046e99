"""What watchers cost: a write asks the database for as much with many of them as with few, and
those who stop reading cost the server no memory and the others no time. EKINERJA_LIVE=full is the
full size, which `make soak` runs.
"""

import asyncio
import os
import random
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from server.database import Database, DatabaseRole
from tests.live_agency import LiveAgency, Team, Writers, founded
from tests.live_watchers import Watcher, delays, tokens_of
from tests.processes import Client, Running, environment, serving
from tests.statement_count import Statements, counted

pytestmark = pytest.mark.slow

FULL = os.environ.get("EKINERJA_LIVE") == "full"
FEW, MANY = 10, 1000 if FULL else 100
WRITES = 20
BY_THE_CLOCK = "stamp_events"
"""The sequencer asks all the time, whoever writes or watches."""
IDLE_SECONDS = 2.5
ALLOWED = 0.1
"""Of growth, for what the server asks at its own pace, which one interval has once more or less."""

STALLED, READERS = 100 if FULL else 40, 20
SECONDS = 120 if FULL else 10
RATE = 20
WHOLE_TEAM_RATE = 1 if FULL else 5
"""Of events of the agency, each of which sends the whole team: what fills buffers."""
RESUMING = 3
"""How many of those who stalled read on, resume, and are held against the database."""
MEGABYTES = 50
TIMES = 1.5
SMALLEST_SECONDS = 0.05
"""Where machines are shared, a p99 below this says nothing."""
ALIASES = " ".join(f"e{n}: employee {{ id name nip appraiser {{ id name }} }}" for n in range(15))
LONG = f"""subscription Team($supervisor: ID, $after: String) {{
  teamUpdates(supervisor: $supervisor, after: $after) {{ cursor kind event
    team {{ members {{ status recordedMinutes {ALIASES} }} }}
    member {{ status recordedMinutes {ALIASES} }} }} }}"""


def say(line: str) -> None:
    """Seen with `pytest -s`, and where the test fails."""
    sys.stdout.write(line + "\n")


@dataclass
class Stage:
    """One server, one team, those who watch it."""

    agency: LiveAgency
    server: Running
    tokens: dict[str, str]
    group: asyncio.TaskGroup

    @property
    def team(self) -> Team:
        return self.agency.teams[0]

    async def watched_by(self, subjects: Sequence[str], **given: Any) -> list[Watcher]:
        """One watcher for each subject, each with its snapshot."""
        chance = random.Random(2026)
        made = [
            Watcher(self.team, self.tokens[one], [self.server.url], chance, **given)
            for one in subjects
        ]
        for one in made:
            self.group.create_task(one.run())
        async with asyncio.timeout(120):
            while any(one.start is None for one in made):
                await asyncio.sleep(0.05)
        return made

    async def all_told(self, watchers: Sequence[Watcher]) -> None:
        await self.agency.at_rest()
        last = (await self.agency.expected(self.team, 0))[-1]
        try:
            async with asyncio.timeout(180 if FULL else 60):
                while any((one.cursor or 0) < last for one in watchers):
                    await asyncio.sleep(0.05)
        except TimeoutError:
            where = [(one.start, one.cursor, one.resumed) for one in watchers]
            raise AssertionError(f"not all are told {last}: {where}") from None


async def test_cost_of_a_write_does_not_grow_with_the_watchers_of_a_team(
    fresh_database: Database, tmp_path: Path
) -> None:
    agency = await founded(fresh_database, teams=1, members=5, auditors=MANY)
    _, writer = agency.teams[0].members[0]
    asked: dict[int, float] = {}
    for count in (FEW, MANY):
        async with AsyncExitStack() as stack:
            database, statements = await stack.enter_async_context(counted(fresh_database))
            server = await stack.enter_async_context(
                serving(environment(tmp_path, database), tmp_path / f"log-{count}")
            )
            session = await stack.enter_async_context(aiohttp.ClientSession())
            group = await stack.enter_async_context(asyncio.TaskGroup())
            subjects = agency.watchers_of(agency.teams[0], count)
            tokens = tokens_of(tmp_path, {*subjects, writer})
            stage = Stage(agency, server, tokens, group)
            watchers = await stage.watched_by(subjects)
            client = Client(session, server.url, tokens[writer])
            asked[count] = await _asked_of_writes(stage, statements, client, writer, watchers)
            for one in watchers:
                one.leave()
        for one in watchers:
            assert one.positions == await agency.expected(stage.team, one.start or 0)

    say(f"statements a write: {asked}")
    assert asked[FEW] > 1
    assert asked[MANY] <= asked[FEW] * (1 + ALLOWED)


async def _asked_of_writes(
    stage: Stage,
    statements: Statements,
    client: Client,
    writer: str,
    watchers: Sequence[Watcher],
) -> float:
    """Statements of the whole server for each write, less what it asks when nothing happens."""
    loop = asyncio.get_running_loop()
    await stage.agency.write(client, writer)  # what is prepared once
    await stage.all_told(watchers)
    before = statements.total(without=BY_THE_CLOCK)
    await asyncio.sleep(IDLE_SECONDS)
    idle = (statements.total(without=BY_THE_CLOCK) - before) / IDLE_SECONDS

    before, began = statements.total(without=BY_THE_CLOCK), loop.time()
    for _ in range(WRITES):
        await stage.agency.write(client, writer)
        await stage.all_told(watchers)
    took = loop.time() - began
    return (statements.total(without=BY_THE_CLOCK) - before - idle * took) / WRITES


async def test_those_who_stop_reading_cost_neither_memory_nor_the_others_time(
    fresh_database: Database, tmp_path: Path
) -> None:
    agency = await founded(fresh_database, teams=1, members=40, auditors=READERS + STALLED)
    team = agency.teams[0]
    subjects = agency.watchers_of(team, READERS + STALLED)
    writing = {nip for _, nip in team.members}
    tokens = tokens_of(tmp_path, {*subjects, *writing})
    async with (
        serving(environment(tmp_path, fresh_database), tmp_path / "log") as server,
        aiohttp.ClientSession() as session,
        asyncio.TaskGroup() as group,
    ):
        stage = Stage(agency, server, tokens, group)
        readers = await stage.watched_by(subjects[:READERS], document=LONG)
        writers = Writers(agency, session, [server.url], tokens)
        await loaded(agency, writers, 2)
        before = await p99(stage, readers, writers)

        memory = psutil.Process(server.pid).memory_info
        base = memory().rss
        stalled = await stage.watched_by(subjects[READERS:], document=LONG, reads=1)
        highest = group.create_task(highest_of(lambda: memory().rss, SECONDS))
        during = await p99(stage, readers, writers)
        grown = (await highest - base) / 1e6

        back = stalled[:RESUMING]
        for one in back:
            one.read_on()
        await stage.all_told([*readers, *back])
        for one in (*readers, *stalled):
            one.leave()

    say(f"p99 {before * 1000:.1f} ms before, {during * 1000:.1f} ms during; +{grown:.1f} MB")
    assert grown < MEGABYTES
    assert during < max(TIMES * before, 0 if FULL else SMALLEST_SECONDS)
    assert [one.resumed for one in back if one.resumed == 0] == [], "they could keep up"
    for one in (*readers, *back):
        assert one.start is not None
        assert one.positions == await agency.expected(team, one.start)


async def highest_of(value: Any, seconds: float) -> int:
    """The highest of a figure over a while."""
    highest = 0
    for _ in range(round(seconds * 5)):
        highest = max(highest, value())
        await asyncio.sleep(0.2)
    return highest


async def loaded(agency: LiveAgency, writers: Writers, seconds: float) -> None:
    """The load: writes of people, and what befalls the agency."""
    async with asyncio.TaskGroup() as group:
        group.create_task(writers.run(rate=RATE, seconds=seconds))
        for _ in range(round(seconds * WHOLE_TEAM_RATE)):
            await agency.befall()
            await asyncio.sleep(1 / WHOLE_TEAM_RATE)


async def p99(stage: Stage, readers: Sequence[Watcher], writers: Writers) -> float:
    """Seconds from an event's making to its receipt, by the slowest hundredth, under the load."""
    start = await stage.agency.last_position()
    await loaded(stage.agency, writers, SECONDS)
    await stage.all_told(readers)
    found = delays(readers, await made_at(stage.agency.database, start), after=start)
    return found[int(len(found) * 0.99)]


async def made_at(database: Database, after: int) -> dict[int, datetime]:
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        sql = "SELECT position, created_at FROM event WHERE position > $1"
        return {row[0]: row[1] for row in await connection.fetch(sql, after)}
    finally:
        await connection.close()
