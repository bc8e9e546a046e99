"""Clients that front ends use, from npm, watch a team: cut by the network and by the end of the
server they resume with their last cursor, and miss and repeat nothing.

Skipped, with the reason, where node or npm is not there or the registry does not answer.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from server.database import Database
from server.settings import settings_from
from server.token_keys import DevelopmentKey
from tests.live_agency import LiveAgency, founded
from tests.processes import Client, environment, free_port, serving, token_of
from tests.tcp_proxy import Proxy, proxied

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent / "clients"
WAYS = ("graphql-ws", "graphql-sse", "apollo", "urql")
INSTALL_SECONDS = 120
PATIENCE = 30
SHORT_LIFE = timedelta(seconds=8)
UNAUTHENTICATED = ("UNAUTHENTICATED", 4401, "4401")


@pytest.fixture(scope="module")
def clients() -> Path:
    """A folder outside of the repository with the pinned packages and the script."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: clients from npm are not tried")
    stated = (HERE / "package.json").read_bytes()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ekinerja"
    folder = cache / f"live-clients-{hashlib.sha256(stated).hexdigest()[:16]}"
    if not folder.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _install(cache, folder)
    shutil.copy(HERE / "watch.mjs", folder)
    return folder


def _install(cache: Path, folder: Path) -> None:
    """Install beside the folder, then give it its name: it is never half there."""
    draft = Path(tempfile.mkdtemp(dir=cache))
    try:
        shutil.copy(HERE / "package.json", draft)
        options = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock")
        done = subprocess.run(
            ["npm", "install", *options],
            cwd=draft,
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS,
        )
        if done.returncode != 0:
            pytest.skip(f"npm could not install the clients: {done.stderr[-500:]}")
        with contextlib.suppress(FileExistsError):
            draft.rename(folder)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install the clients in time: does its registry answer?")
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@dataclass
class Watching:
    """A client under way, and all that it has said."""

    way: str
    process: asyncio.subprocess.Process
    said: list[dict[str, Any]] = field(default_factory=list)

    @property
    def updates(self) -> list[dict[str, Any]]:
        return [one for one in self.said if "cursor" in one]

    @property
    def positions(self) -> list[int]:
        """Cursors behind the snapshot."""
        return [one["cursor"] for one in self.updates[1:]]

    @property
    def connected(self) -> int:
        return sum("connected" in one for one in self.said)

    @property
    def ends(self) -> list[Any]:
        return [one["ended"] for one in self.said if "ended" in one]

    async def read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(json.loads(line))

    async def until(self, reached: Callable[["Watching"], bool], what: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not reached(self):
                    assert self.process.returncode is None, f"{self.way} ended: {self.said}"
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{self.way} did not {what}; it said {self.said}") from None


@contextlib.asynccontextmanager
async def watching(folder: Path, way: str, *arguments: str) -> AsyncIterator[Watching]:
    process = await asyncio.create_subprocess_exec(
        "node",
        "watch.mjs",
        way,
        *arguments,
        cwd=folder,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    one = Watching(way, process)
    reading = asyncio.create_task(one.read())
    try:
        yield one
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


@dataclass
class Scene:
    """The server behind a proxy; a person's writes go to it directly."""

    agency: LiveAgency
    folder: Path
    env: dict[str, str]
    port: int
    proxy: Proxy
    session: aiohttp.ClientSession

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.proxy.port}/graphql"

    def serving(self, log: str) -> Any:
        return serving(self.env, self.folder / log, port=self.port)

    async def write(self, times: int) -> None:
        team = self.agency.teams[0]
        for number in range(times):
            _, nip = team.members[number % len(team.members)]
            client = Client(
                self.session, f"http://127.0.0.1:{self.port}", token_of(self.folder, nip)
            )
            await self.agency.write(client, nip)

    async def all_told(self, clients: list[Watching]) -> None:
        """Wait until each has been told the newest of what befell the team."""
        await self.agency.at_rest()
        last = (await self.agency.expected(self.agency.teams[0], 0))[-1]
        for one in clients:
            await one.until(
                lambda w: bool(w.updates) and w.updates[-1]["cursor"] >= last, f"reach {last}"
            )


@pytest.fixture
async def scene(fresh_database: Database, tmp_path: Path) -> AsyncIterator[Scene]:
    agency = await founded(fresh_database, teams=1, members=3)
    env, port = environment(tmp_path, fresh_database), free_port()
    async with proxied(port) as proxy, aiohttp.ClientSession() as session:
        yield Scene(agency, tmp_path, env, port, proxy, session)


async def begun(clients: list[Watching]) -> None:
    for one in clients:
        await one.until(lambda w: bool(w.updates), "get a snapshot")


async def test_clients_from_npm_resume_without_gap_or_repeat(clients: Path, scene: Scene) -> None:
    team = scene.agency.teams[0]
    arguments = (scene.url, team.supervisor, token_of(scene.folder, team.leader[1]))
    async with contextlib.AsyncExitStack() as stack:
        async with scene.serving("first.log") as server:
            running = [
                await stack.enter_async_context(watching(clients, way, *arguments)) for way in WAYS
            ]
            await begun(running)
            await scene.write(3)
            await scene.all_told(running)

            scene.proxy.shut = True
            assert scene.proxy.cut() == len(WAYS)
            await scene.write(2)
            scene.proxy.shut = False
            await scene.write(2)
            await scene.all_told(running)

            await server.end(signal.SIGKILL)
        async with scene.serving("second.log"):
            await scene.write(2)
            await scene.all_told(running)
            before = [one.connected for one in running]
            await scene.write(1)
            await scene.all_told(running)

        expected = await scene.agency.expected(team, running[0].updates[0]["cursor"])
        assert len(expected) == 10
        for one, connected in zip(running, before, strict=True):
            first, *changes = one.updates
            assert (first["kind"], first["whole"], first["one"]) == ("SNAPSHOT", True, False)
            assert {(c["kind"], c["whole"], c["one"]) for c in changes} == {("CHANGE", False, True)}
            assert one.positions == expected, one.way
            assert connected == 3, one.said


async def test_clients_whose_token_ends_sign_in_again_and_resume(
    clients: Path, scene: Scene
) -> None:
    team = scene.agency.teams[0]
    key = DevelopmentKey(settings_from({"EKINERJA_DATA": str(scene.folder)}))
    leader = team.leader[1]
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(scene.serving("log"))
        short = key.issue(leader, SHORT_LIFE)
        arguments = (scene.url, team.supervisor, short, key.issue(leader))
        running = [
            await stack.enter_async_context(watching(clients, way, *arguments)) for way in WAYS
        ]
        await begun(running)
        await scene.write(1)
        for one in running:
            await one.until(lambda w: bool(w.ends), "tell that its token has ended")
        await scene.write(1)
        await scene.all_told(running)

        for one in running:
            assert one.ends[0] in UNAUTHENTICATED, one.said
            assert len(one.ends) == 1, one.said
            expected = await scene.agency.expected(team, one.updates[0]["cursor"])
            assert one.positions == expected, one.way
            assert len(one.positions) == 2
