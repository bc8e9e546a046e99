"""Many watchers on two server processes: each is told exactly what befell its team, however often
its connection breaks. The full size is run by `make soak`, which sets EKINERJA_LIVE=full.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from server.database import Database
from tests.live_agency import LiveAgency, Writers, founded
from tests.live_watchers import Watcher, tokens_of
from tests.processes import environment, serving

pytestmark = pytest.mark.slow

FULL = os.environ.get("EKINERJA_LIVE") == "full"


@dataclass(frozen=True)
class Size:
    teams: int
    watchers: int
    """Of each team."""
    rate: float
    seconds: float
    reconnects: int


SIZE = (
    Size(teams=100, watchers=10, rate=20, seconds=120, reconnects=200)
    if FULL
    else Size(teams=20, watchers=10, rate=20, seconds=10, reconnects=40)
)


@asynccontextmanager
async def two_servers(database: Database, folder: Path) -> AsyncIterator[list[str]]:
    """Two server processes on one database; their addresses."""
    env = environment(folder, database)
    async with AsyncExitStack() as stack:
        servers = [
            await stack.enter_async_context(serving(env, folder / f"log-{n}")) for n in (1, 2)
        ]
        yield [server.url for server in servers]
        for server in servers:
            assert "Traceback" not in server.said(), server.said()[-3000:]


def everybody(agency: LiveAgency, watchers: int) -> set[str]:
    """Subjects of all who write or watch."""
    writing = {nip for team in agency.teams for _, nip in team.members}
    return writing | {one for team in agency.teams for one in agency.watchers_of(team, watchers)}


async def break_some(watchers: list[Watcher], size: Size, chance: random.Random) -> None:
    """Cut connections at random moments of the load."""
    moments = sorted(chance.uniform(0, size.seconds) for _ in range(size.reconnects))
    before = 0.0
    for moment in moments:
        await asyncio.sleep(moment - before)
        before = moment
        chance.choice([one for one in watchers if one.connected]).cut()


async def test_each_of_many_watchers_is_told_exactly_what_befell_its_team(
    fresh_database: Database, tmp_path: Path
) -> None:
    agency = await founded(fresh_database, teams=SIZE.teams, members=5, auditors=SIZE.watchers - 2)
    chance = random.Random(2026)
    async with (
        two_servers(fresh_database, tmp_path) as urls,
        aiohttp.ClientSession() as session,
        asyncio.TaskGroup() as group,
    ):
        tokens = tokens_of(tmp_path, everybody(agency, SIZE.watchers))
        watchers = [
            Watcher(team, tokens[subject], urls, chance)
            for team in agency.teams
            for subject in agency.watchers_of(team, SIZE.watchers)
        ]
        for watcher in watchers:
            group.create_task(watcher.run())
        await all_have_begun(watchers)

        writers = Writers(agency, session, urls, tokens)
        writing = group.create_task(writers.run(rate=SIZE.rate, seconds=SIZE.seconds))
        breaking = group.create_task(break_some(watchers, SIZE, chance))
        await asyncio.sleep(SIZE.seconds / 2)
        await agency.befall()
        await asyncio.wait({writing, breaking})
        await agency.at_rest()
        expected = {team.leader: await agency.expected(team, 0) for team in agency.teams}
        await all_are_told(watchers, expected)
        for watcher in watchers:
            watcher.leave()

    assert writers.done == SIZE.rate * SIZE.seconds
    assert sum(watcher.broken for watcher in watchers) == SIZE.reconnects
    for watcher in watchers:
        start = watcher.start
        assert start is not None
        told = [one for one in expected[watcher.team.leader] if one > start]
        assert watcher.positions == told


async def all_have_begun(watchers: list[Watcher]) -> None:
    async with asyncio.timeout(120):
        while any(watcher.start is None for watcher in watchers):
            await asyncio.sleep(0.05)


async def all_are_told(watchers: list[Watcher], expected: dict[object, list[int]]) -> None:
    """Wait until each has the last of its team, and a moment more for what should not come."""
    try:
        async with asyncio.timeout(30):
            while any(one.cursor != expected[one.team.leader][-1] for one in watchers):
                await asyncio.sleep(0.05)
    except TimeoutError:
        behind = [one for one in watchers if one.cursor != expected[one.team.leader][-1]]
        first = behind[0]
        raise AssertionError(
            f"{len(behind)} watchers are not told all: one has {first.positions}, "
            f"and is to have {expected[first.team.leader]}"
        ) from None
    await asyncio.sleep(0.5)
