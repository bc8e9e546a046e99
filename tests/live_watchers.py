"""Watchers of teams over `graphql-transport-ws`: each keeps what it was told, and resumes with its
last cursor after every break, as docs/front-ends.md asks.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.live_agency import Team

TEAM = """subscription Team($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind event
    team { members { employee { id name } status recordedMinutes pendingCount } }
    member { employee { id name } status recordedMinutes pendingCount } } }"""
RESUMABLE = ("RESUME_FROM_CURSOR", "UNAVAILABLE")
PATIENCE = 30.0


@dataclass(slots=True)
class Watcher:
    """One subject at one team. `positions` are the cursors behind the first snapshot."""

    team: Team
    token: str
    urls: Sequence[str]
    chance: random.Random
    start: int | None = None
    positions: list[int] = field(default_factory=list)
    received: list[float] = field(default_factory=list)
    """When each was received, in seconds since the epoch."""
    broken: int = 0
    kinds: set[str] = field(default_factory=set)
    _socket: ClientConnection | None = None
    _leaving: bool = False

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
            if not self._leaving:
                await asyncio.sleep(self.chance.uniform(0, 0.2))

    def cut(self) -> None:
        """Break the connection without a word, wherever it is."""
        if self._socket is not None:
            self.broken += 1
            self._socket.transport.abort()

    def leave(self) -> None:
        self._leaving = True
        if self._socket is not None:
            self._socket.transport.abort()

    @contextlib.asynccontextmanager
    async def _subscribed(self) -> AsyncIterator[AsyncIterator[Any]]:
        url = self.chance.choice(self.urls)
        async with connected(url, self.token) as socket:
            self._socket = socket
            try:
                after = None if self.cursor is None else str(self.cursor)
                yield subscribed(socket, self.team.supervisor, after)
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
    socket: ClientConnection, supervisor: str, after: str | None
) -> AsyncIterator[Any]:
    """The data of each message; ends where the server says that the stream is to be resumed.

    Raises:
        AssertionError: the server said anything else that is no data.
        ConnectionClosed: the connection broke.
    """
    variables = {"supervisor": supervisor, "after": after}
    await socket.send(
        json.dumps(
            {"id": "1", "type": "subscribe", "payload": {"query": TEAM, "variables": variables}}
        )
    )
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


def delays(watchers: Sequence[Watcher], committed: dict[int, datetime]) -> list[float]:
    """Seconds from each event's making to each receipt, ascending."""
    return sorted(
        at - committed[position].timestamp()
        for watcher in watchers
        for position, at in zip(watcher.positions, watcher.received, strict=True)
    )
