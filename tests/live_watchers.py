"""Watchers of teams over `graphql-transport-ws`: each keeps what it was told, and resumes with its
last cursor after every break, as docs/front-ends.md asks.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET
from socket import socket as Socket
from typing import Any
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from server.settings import settings_from
from server.token_keys import DevelopmentKey
from tests.live_agency import Team

TEAM = """subscription Team($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind event
    team { members { employee { id name } status recordedMinutes pendingCount } }
    member { employee { id name } status recordedMinutes pendingCount } } }"""
RESUMABLE = ("RESUME_FROM_CURSOR", "UNAVAILABLE")
PATIENCE = 30.0
NARROW_BYTES = 1 << 17
"""Less than two segments of loopback would make a reader crawl, and stall nobody any better."""


@dataclass(slots=True)
class Watcher:
    """One subject at one team. `positions` are the cursors behind the first snapshot."""

    team: Team
    token: str
    urls: Sequence[str]
    chance: random.Random
    document: str = TEAM
    reads: int | None = None
    """How many messages it reads before it stops, until `read_on`; None: all."""
    start: int | None = None
    positions: list[int] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    """When each was received, in seconds since the epoch."""
    broken: int = 0
    resumed: int = 0
    """Subscriptions behind the first one."""
    kinds: set[str] = field(default_factory=set)
    _socket: ClientConnection | None = None
    _leaving: bool = False
    _reading: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def cursor(self) -> int | None:
        return self.positions[-1] if self.positions else self.start

    @property
    def connected(self) -> bool:
        return self._socket is not None

    async def run(self) -> None:
        """Watch until `leave`; any break is followed by a subscription behind the last cursor."""
        while not self._leaving:
            with contextlib.suppress(ConnectionClosed, OSError, TimeoutError):
                async with self._subscribed() as messages:
                    async for payload in messages:
                        self._take(payload)
                        await self._pause()
            if not self._leaving:
                await asyncio.sleep(self.chance.uniform(0, 0.2))

    def read_on(self) -> None:
        """Read what is there, and whatever comes."""
        self.reads = None
        self._reading.set()

    async def _pause(self) -> None:
        if self.reads is not None and len(self.positions) + 1 >= self.reads:
            await self._reading.wait()

    def cut(self) -> None:
        """Break the connection without a word, wherever it is."""
        if self._socket is not None:
            self.broken += 1
            self._socket.transport.abort()

    def leave(self) -> None:
        self._leaving = True
        self._reading.set()
        if self._socket is not None:
            self._socket.transport.abort()

    @contextlib.asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AsyncIterator[Any]]:
        url = self.chance.choice(self.urls)
        given: dict[str, Any] = {} if self.reads is None else {"sock": await _narrow(url)}
        async with connected(url, self.token, **given) as socket:
            self._socket = socket
            try:
                after = None if self.cursor is None else str(self.cursor)
                self.resumed += after is not None
                variables = {"supervisor": self.team.supervisor, "after": after}
                yield subscribed(socket, self.document, variables)
            finally:
                self._socket = None

    def _take(self, payload: Any) -> None:
        update = payload["teamUpdates"]
        position = int(update["cursor"])
        self.kinds.add(update["kind"])
        if self.start is None:
            assert update["kind"] == "SNAPSHOT", update
            assert update["event"] is None, update
            self.start = position
            return
        # A snapshot with no event would be a fresh start: what came before it may be lost.
        assert update["event"] is not None, update
        self.positions.append(position)
        self.received.append(time.time())


@contextlib.asynccontextmanager
async def connected(url: str, token: str, **given: Any) -> AsyncIterator[ClientConnection]:
    """An acknowledged connection."""
    address = url.replace("http", "ws", 1) + "/graphql"
    async with websockets.connect(
        address,
        subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
        compression=None,
        proxy=None,
        ping_interval=None,
        open_timeout=PATIENCE,
        close_timeout=1,
        **given,
    ) as socket:
        payload = {"authorization": f"Bearer {token}"}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        async with asyncio.timeout(PATIENCE):
            assert json.loads(await socket.recv()) == {"type": "connection_ack"}
        yield socket


async def subscribed(
    socket: ClientConnection, document: str, variables: dict[str, Any]
) -> AsyncIterator[Any]:
    """The data of each message; ends where the server says that the stream is to be resumed.

    Raises:
        AssertionError: the server said anything else that is no data.
        ConnectionClosed: the connection broke.
    """
    payload = {"query": document, "variables": variables}
    await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": payload}))
    while True:
        message = json.loads(await socket.recv())
        if message["type"] == "ping":
            await socket.send('{"type": "pong"}')
        elif message["type"] == "next" and "errors" not in message["payload"]:
            yield message["payload"]["data"]
        else:
            assert _resumable(message), message
            return


def _resumable(message: Any) -> bool:
    payload = message.get("payload")
    errors = payload if isinstance(payload, list) else (payload or {}).get("errors", [])
    return bool(errors) and all(one["extensions"]["code"] in RESUMABLE for one in errors)


async def _narrow(url: str) -> Socket:
    """A connected socket that keeps little of what is not read."""
    given = urlsplit(url)
    made = Socket()
    made.setsockopt(SOL_SOCKET, SO_RCVBUF, NARROW_BYTES)
    made.setblocking(False)
    await asyncio.get_running_loop().sock_connect(made, (given.hostname, given.port))
    return made


def delays(
    watchers: Sequence[Watcher], made_at: dict[int, datetime], *, after: int = 0
) -> list[float]:
    """Seconds from each event's making to each receipt behind a position, ascending."""
    return sorted(
        at - made_at[position].timestamp()
        for watcher in watchers
        for position, at in zip(watcher.positions, watcher.received, strict=True)
        if position > after
    )


def tokens_of(folder: Path, subjects: Collection[str]) -> dict[str, str]:
    """A token of each, by the development key of a data folder."""
    key = DevelopmentKey(settings_from({"EKINERJA_DATA": str(folder)}))
    return {subject: key.issue(subject) for subject in subjects}
