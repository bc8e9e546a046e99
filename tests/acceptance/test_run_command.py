"""`python -m server run` as a newcomer meets it: what it prints, that it answers, how it ends.

However it ends, none of its processes is left behind: children, plugins, PostgreSQL.
"""

import asyncio
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.processes import Client, Running, environment, own_data, serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc"),
]

INSTALLED = (b"siasn", b"srikandi")
"""Plugins of the case; others are only described for a while, so that their number says nothing."""
ROLES = ("employee", "supervisor", "administrator")
GONE_SECONDS = 15
ARRIVAL_SECONDS = 60


def processes_of(pid: int, folder: Path) -> set[tuple[int, str]]:
    """A process, whoever names its data folder, and the descendants of all these: each with its
    start time, since numbers are given again."""
    states = _states()
    family = {pid} | {one for one, _, _ in states if str(folder).encode() in _read(one, "cmdline")}
    while more := {one for one, parent, _ in states if parent in family} - family:
        family |= more
    return {(one, start) for one, _, start in states if one in family}


def _states() -> list[tuple[int, int, str]]:
    """Number, parent and start time of every process that runs; a zombie does not."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            fields = _read(int(entry.name), "stat").rpartition(b")")[2].decode().split()
            if fields and fields[0] != "Z":
                found.append((int(entry.name), int(fields[1]), fields[19]))
    return found


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


async def gone(these: set[tuple[int, str]]) -> None:
    """Wait until none of them runs any more."""
    async with asyncio.timeout(GONE_SECONDS):
        while left := these & {(pid, start) for pid, _, start in _states()}:
            await asyncio.sleep(0.05)
    assert not left


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with own_data(tmp_path) as own:
        yield own


@asynccontextmanager
async def run(folder: Path) -> AsyncIterator[tuple[Running, str]]:
    """The command on a free port, and what it has said once it says that it runs."""
    log = folder / "log"
    log.unlink(missing_ok=True)
    async with serving(environment(folder), log, command="run") as one:
        yield one, await one.until_said("arrive within a minute")


def tokens_in(said: str) -> dict[str, str]:
    return {role: re.findall(rf"(?m)^{role} .*: (ey\S+)$", said)[0] for role in ROLES}


def example_in(said: str) -> str:
    """The query that is printed last."""
    return said.split("(pending records arrive within a minute):\n")[1].split("\n\n")[0]


async def inbox(client: Client, query: str) -> list[dict[str, Any]]:
    edges = (await client.ask(query))["viewer"]["pendingRecords"]["edges"]
    return [edge["node"] for edge in edges]


async def test_run_prints_what_one_needs_and_the_example_answers(folder: Path) -> None:
    async with run(folder) as (one, said), aiohttp.ClientSession() as session:
        tokens = tokens_in(said)
        employee = Client(session, one.url, tokens["employee"])
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while len(await inbox(employee, example_in(said))) < 2:
                await asyncio.sleep(0.2)
        records = await inbox(employee, example_in(said))
        roles = {
            role: (await Client(session, one.url, token).ask("{ viewer { roles } }"))["viewer"]
            for role, token in tokens.items()
        }
        async with session.get(f"{one.url}/graphql", headers={"accept": "text/html"}) as page:
            ide = await page.text()

    assert f"{one.url}/graphql" in said
    assert f"{one.url}/readyz" in said
    assert all(record["source"]["title"] for record in records)
    assert any(record["suggestion"] for record in records)
    assert roles["employee"]["roles"][0] == "EMPLOYEE"
    assert "SUPERVISOR" in roles["supervisor"]["roles"]
    assert roles["administrator"]["roles"] == ["ADMINISTRATOR"]
    assert "graphiql" in ide.lower()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
async def test_signal_ends_all_its_processes(folder: Path, how: signal.Signals) -> None:
    async with run(folder) as (one, _):
        family = await grown(one, folder)
        code = await one.end(how)

    await gone(family)
    assert code == 0
    assert "Traceback" not in one.said()


async def test_killed_run_leaves_nothing_and_the_next_goes_on_with_its_data(
    folder: Path,
) -> None:
    async with run(folder) as (one, said), aiohttp.ClientSession() as session:
        employee = Client(session, one.url, tokens_in(said)["employee"])
        async with asyncio.timeout(ARRIVAL_SECONDS):
            while not (before := await inbox(employee, example_in(said))):
                await asyncio.sleep(0.2)
        family = await grown(one, folder)
        await one.end(signal.SIGKILL)
        await gone(family)

    async with run(folder) as (one, again), aiohttp.ClientSession() as session:
        # The token of the run before: its key is kept with the data.
        employee = Client(session, one.url, tokens_in(said)["employee"])
        query = example_in(again).replace("first: 5", "first: 100")
        after = await inbox(employee, query)

    assert "Storing" not in again, "the case is not loaded anew"
    assert {record["id"] for record in before} <= {record["id"] for record in after}


async def grown(one: Running, folder: Path) -> set[tuple[int, str]]:
    """The processes of a run, once both installed plugins have theirs: the run, two fakes, the
    worker and its plugins, and PostgreSQL with its keeper."""
    async with asyncio.timeout(GONE_SECONDS):
        while True:
            family = processes_of(one.pid, folder)
            lines = [_read(pid, "cmdline") for pid, _ in family]
            children = [line.split(b"\0") for line in lines if b"ekinerja_connectors.child" in line]
            if all(any(plugin in words for words in children) for plugin in INSTALLED):
                break
            await asyncio.sleep(0.05)
    for part in (b"server.postgres_keeper", b"bin/postgres", b"ekinerja_siasn.fake", b"worker"):
        assert any(part in line for line in lines), part
    return family
