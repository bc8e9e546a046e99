"""Many WebSockets in one process, as cheap as can be: frames are told apart, times are noted.

A client library that parses each message would take longer for a thousand of them than the
servers that are measured; what was received is read when the clock has stopped.
"""

import asyncio
import base64
import os
import re
import struct
import time
from collections.abc import Sequence
from typing import cast

import orjson

CURSOR = re.compile(rb'"cursor":"(\d+)"')
PATIENCE = 60.0
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
SHORT = 126
LONGER = {SHORT: ("!H", 4), 127: ("!Q", 10)}
"""How a longer size is written, and where the body then begins."""


class Socket(asyncio.Protocol):
    """One connection: its messages, each with the moment at which it was whole."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._waiting = bytearray()
        self.upgraded = False
        self._transport: asyncio.Transport | None = None
        self.messages: list[tuple[float, bytes]] = []
        self.closed: bytes | None = None
        self.arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = made = cast("asyncio.Transport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        made.write(
            f"GET /graphql HTTP/1.1\r\nhost: 127.0.0.1:{self._port}\r\nupgrade: websocket\r\n"
            f"connection: Upgrade\r\nsec-websocket-key: {key}\r\nsec-websocket-version: 13\r\n"
            "sec-websocket-protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        self._waiting += data
        if not self.upgraded:
            head, found, rest = bytes(self._waiting).partition(b"\r\n\r\n")
            if not found:
                return
            self.upgraded = head.startswith(b"HTTP/1.1 101")
            self.closed = None if self.upgraded else head
            self._waiting = bytearray(rest)
        while self._take(now):
            pass
        self.arrived.set()

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = self.closed or b"lost"
        self.arrived.set()

    def send(self, said: object) -> None:
        self._write(TEXT, orjson.dumps(said))

    def leave(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def received(self, count: int) -> None:
        """Wait until so many messages are there.

        Raises:
            AssertionError: the server closed the connection.
        """
        async with asyncio.timeout(PATIENCE):
            while len(self.messages) < count:
                assert self.closed is None, self.closed
                self.arrived.clear()
                await self.arrived.wait()

    def _take(self, now: float) -> bool:
        """Take one whole frame off what waits; a server's frames have no mask."""
        waiting = self._waiting
        if len(waiting) < 2:
            return False
        size, start = waiting[1] & 0x7F, 2
        if size in LONGER:
            form, start = LONGER[size]
            if len(waiting) < start:
                return False
            (size,) = struct.unpack_from(form, waiting, 2)
        if len(waiting) < start + size:
            return False
        kind, body = waiting[0] & 0xF, bytes(waiting[start : start + size])
        del waiting[: start + size]
        if kind == TEXT:
            self.messages.append((now, body))
        elif kind == PING:
            self._write(PONG, body)
        elif kind == CLOSE:
            self.closed = body
        return True

    def _write(self, kind: int, body: bytes) -> None:
        assert self._transport is not None
        size = len(body)
        head = bytes([0x80 | kind])
        head += bytes([0x80 | size]) if size < SHORT else struct.pack("!BH", 0x80 | SHORT, size)
        # A mask of zeros leaves the text as it is.
        self._transport.write(head + bytes(4) + body)


async def opened(port: int, count: int) -> list[Socket]:
    """So many connections, one after another."""
    loop = asyncio.get_running_loop()
    return [
        (await loop.create_connection(lambda: Socket(port), "127.0.0.1", port))[1]
        for _ in range(count)
    ]


def received_at(sockets: Sequence[Socket], position: int) -> list[float]:
    """When each was told of a position, ascending.

    Raises:
        AssertionError: the newest message of one of them is of another.
    """
    times = []
    for socket in sockets:
        at, body = socket.messages[-1]
        found = CURSOR.search(body)
        assert found is not None, body
        assert int(found[1]) == position, body
        times.append(at)
    return sorted(times)
