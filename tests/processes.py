"""Real processes of the system for tests: `python -m server ...` on loopback, each with a data
folder and a log of its own, and the little clients that several tests speak to them with.

Every process that is started here is ended here, whatever becomes of the test.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from server.database import Database, DatabaseRole
from server.embedded_postgres import remove
from server.settings import settings_from
from server.token_keys import DevelopmentKey

ROOT = Path(__file__).parent.parent
CASE = ROOT / "cases" / "cascade_bps_tapin_2026.json"
START_SECONDS = 60
END_SECONDS = 30


def free_port() -> int:
    """A port of loopback that nobody listens on, below those that the system gives to clients:
    one of theirs could be taken by an outgoing connection before the server is up."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextlib.contextmanager
def own_data(folder: Path) -> Iterator[Path]:
    """A data folder for processes without a DATABASE_URL: their database is deleted at the end,
    wherever the embedded PostgreSQL had to put it."""
    try:
        yield folder
    finally:
        remove(folder / "postgres")


def environment(folder: Path, database: Database | None = None, **more: str) -> dict[str, str]:
    """The environment of a process with this data folder; `database` None is the embedded one.

    What the developer has set for a server of their own is left out.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EKINERJA_", "DATABASE_"))
    }
    urls = {} if database is None else _urls(database)
    return kept | {"EKINERJA_DATA": str(folder), "PYTHONUNBUFFERED": "1"} | urls | more


def lasting_case(folder: Path) -> Path:
    """The Tapin case whose period goes on to the end of this year, so that today is in it."""
    said = json.loads(CASE.read_text())
    said["period"]["end"] = f"{max(said['year'], datetime.now(UTC).year)}-12-31"
    path = folder / CASE.name
    path.write_text(json.dumps(said))
    return path


def _urls(database: Database) -> dict[str, str]:
    return {
        "DATABASE_URL": database.urls[DatabaseRole.APPLICATION],
        "DATABASE_OWNER_URL": database.urls[DatabaseRole.OWNER],
        "DATABASE_WORKER_URL": database.urls[DatabaseRole.WORKER],
    }


def token_of(folder: Path, subject: str) -> str:
    """A bearer token of the development key that the servers of this data folder trust."""
    return DevelopmentKey(settings_from({"EKINERJA_DATA": str(folder)})).issue(subject)


@dataclass(slots=True)
class Running:
    """A process under way; both its outputs are in `log`. `url` has no slash at its end."""

    process: asyncio.subprocess.Process
    log: Path
    url: str = ""

    @property
    def pid(self) -> int:
        return self.process.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    async def until_said(self, words: str) -> str:
        """What it has said, once the words are in it."""
        await self.until(lambda: _now(words in self.said()), f"say {words!r}")
        return self.said()

    async def until(self, reached: Callable[[], Awaitable[bool]], what: str) -> None:
        """Wait until something is reached; fails, with the log, when the process ends first."""
        deadline = time.monotonic() + START_SECONDS
        while not await reached():
            if self.process.returncode is not None or time.monotonic() > deadline:
                code = self.process.returncode
                raise AssertionError(f"It did not {what}; exit code {code}.\n{self.said()}")
            await asyncio.sleep(0.02)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code; a process that stays is killed, and fails."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        try:
            return await asyncio.wait_for(self.process.wait(), END_SECONDS)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
            raise AssertionError(f"It outlived {how.name}.\n{self.said()}") from None


async def _now(value: bool) -> bool:
    return value


@contextlib.asynccontextmanager
async def running(*arguments: str, env: Mapping[str, str], log: Path) -> AsyncIterator[Running]:
    """`python ARGUMENTS`, ended with SIGTERM when the block is left."""
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=ROOT,
            env=dict(env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    one = Running(process, log)
    try:
        yield one
    finally:
        await one.end()


@contextlib.asynccontextmanager
async def serving(
    env: Mapping[str, str], log: Path, *, command: str = "serve", port: int | None = None
) -> AsyncIterator[Running]:
    """`python -m server COMMAND` on a free port, once its /readyz is green."""
    port = port or free_port()
    given = {**env, "EKINERJA_HOST": "127.0.0.1", "EKINERJA_PORT": str(port)}
    async with running("-m", "server", command, env=given, log=log) as one:
        one.url = f"http://127.0.0.1:{port}"
        await one.until(lambda: is_ready(one.url), "become ready")
        yield one


async def is_ready(url: str) -> bool:
    return await status_of(f"{url}/readyz") == 200


async def status_of(url: str) -> int:
    """The status of a GET; 0 when nobody answers."""
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            return answer.status
    except aiohttp.ClientError:
        return 0


async def command(*arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Run `python -m server ARGUMENTS` to its end; its exit code, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "server",
        *arguments,
        cwd=ROOT,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), START_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode is not None
    return process.returncode, said.decode(errors="replace")


async def done(*arguments: str, env: Mapping[str, str]) -> str:
    """Run a command that has to succeed; all that it said."""
    code, said = await command(*arguments, env=env)
    assert code == 0, said
    return said


@dataclass(frozen=True, slots=True)
class Client:
    """One person at one server."""

    session: aiohttp.ClientSession
    url: str
    token: str | None

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.token is None else {"authorization": f"Bearer {self.token}"}

    async def ask(self, query: str, **variables: Any) -> Any:
        """The data of an answer that has no errors."""
        body = {"query": query, "variables": variables}
        async with self.session.post(
            f"{self.url}/graphql", json=body, headers=self.headers
        ) as answer:
            said = await answer.json(content_type=None)
        assert "errors" not in said, said
        return said["data"]

    @contextlib.asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """An acknowledged connection of graphql-transport-ws."""
        async with self.session.ws_connect(
            f"{self.url}/graphql", protocols=["graphql-transport-ws"]
        ) as socket:
            await socket.send_json({"type": "connection_init", "payload": self.headers})
            assert await socket.receive_json(timeout=END_SECONDS) == {"type": "connection_ack"}
            yield socket

    async def over_socket(self, query: str, **variables: Any) -> AsyncIterator[Any]:
        """The data of each message of a subscription over graphql-transport-ws."""
        async with self.socket() as socket:
            payload = {"query": query, "variables": variables}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            while True:
                message = await socket.receive_json(timeout=END_SECONDS)
                if message["type"] == "ping":
                    await socket.send_json({"type": "pong"})
                    continue
                assert message["type"] == "next", message
                assert "errors" not in message["payload"], message
                yield message["payload"]["data"]

    async def over_sse(self, query: str, **variables: Any) -> AsyncIterator[Any]:
        """The data of each event of a subscription over SSE (distinct connections)."""
        body = {"query": query, "variables": variables}
        headers = self.headers | {"accept": "text/event-stream"}
        async with self.session.post(f"{self.url}/graphql", json=body, headers=headers) as answer:
            assert answer.content_type == "text/event-stream", await answer.text()
            async for line in answer.content:
                if line.startswith(b"data:") and line.strip() != b"data:":
                    said = json.loads(line.removeprefix(b"data:"))
                    assert "errors" not in said, said
                    yield said["data"]
