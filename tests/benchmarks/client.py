"""The client: as many connections as asked for, each sending its next request on an answer."""

import asyncio
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import httptools

ANSWER_SECONDS = 60
"""How long one answer may take."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one run gave: latencies in ms in no order, answers a second, mean body in bytes."""

    latencies: Sequence[float]
    rate: float
    body_bytes: float

    def percentile(self, percent: int) -> float:
        """Nearest rank, in ms: of few answers the 99th is the slowest."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


class _Connection(asyncio.Protocol):
    """One keep-alive connection, one request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are not subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, error: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the connection"))

    def on_body(self, chunk: bytes) -> None:
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        body, status = b"".join(self._chunks), self._parser.get_status_code()
        self._chunks = []
        self._parser = httptools.HttpResponseParser(self)
        if self._answer is None or self._answer.done():
            return
        if status == 200:
            self._answer.set_result(body)
        else:
            self._answer.set_exception(ValueError(f"status {status}: {body[:500]!r}"))

    async def ask(self, request: bytes) -> bytes:
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _connect(port: int) -> _Connection:
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(_Connection, "127.0.0.1", port))[1]


async def ask(port: int, request: bytes) -> bytes:
    """The body of one answer.

    Raises:
        ValueError: its status is not 200.
    """
    connection = await _connect(port)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await connection.ask(request)
    finally:
        connection.close()


async def load(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send the requests in turn, over and over, until the time is up and the last is answered."""
    turns = itertools.cycle(requests)
    latencies: list[float] = []
    sizes: list[int] = []
    opened = [await _connect(port) for _ in range(connections)]
    started = time.perf_counter()
    try:
        async with asyncio.timeout(seconds + ANSWER_SECONDS):
            await asyncio.gather(
                *(_repeat(one, turns, started + seconds, latencies, sizes) for one in opened)
            )
        elapsed = time.perf_counter() - started
    finally:
        for one in opened:
            one.close()
    return Load(latencies, len(latencies) / elapsed, sum(sizes) / len(sizes))


async def _repeat(
    connection: _Connection,
    turns: Iterator[bytes],
    until: float,
    latencies: list[float],
    sizes: list[int],
) -> None:
    while time.perf_counter() < until:
        request = next(turns)
        began = time.perf_counter()
        body = await connection.ask(request)
        latencies.append((time.perf_counter() - began) * 1000)
        sizes.append(len(body))
