"""Front: proxies on loopback before a vendor's fake service, which answer faults when told to.

The suite rewrites the addresses of the settings to them, so that no fake has to know how to fail.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

import aiohttp
from aiohttp import web
from yarl import URL

from ..activity import JSON

__all__ = [
    "Cut",
    "Fault",
    "Front",
    "Seen",
    "answering",
    "echoing",
    "fronted",
    "listening",
    "silence",
]

Fault: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
#: Headers that belong to one connection, or that no longer fit a body that was read and rewritten.
_OWN = {"connection", "content-encoding", "content-length", "host", "keep-alive"} | {
    "transfer-encoding",
    "accept-encoding",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A request that arrived: for the service at which origin, how, where to, its headers."""

    origin: str
    method: str
    path: str
    headers: Mapping[str, str]


def answering(status: int, body: str = "", headers: Mapping[str, str] | None = None) -> Fault:
    """The same answer to everything."""

    async def fault(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=body, headers=headers)

    return fault


async def echoing(request: web.Request) -> web.StreamResponse:
    """A refusal that repeats all that it was sent, as careless services do."""
    sent = {"url": str(request.url), "headers": dict(request.headers), "body": await request.text()}
    return web.json_response({"message": f"bad request: {sent}"}, status=400)


async def silence(request: web.Request) -> web.StreamResponse:
    """No answer at all."""
    await asyncio.Event().wait()
    raise AssertionError("unreachable")


class Cut(Enum):
    """What a connection that is not HTTP meets instead of its service."""

    CLOSED = auto()
    """It is closed as soon as it is made."""
    SILENT = auto()
    """It is held, and nothing is said."""


@dataclass(slots=True)
class Front:
    """The proxies of one service. `fault` answers in its place; `headers` go on every answer.

    Before an address that is not HTTP, `cut` is the fault.
    """

    fault: Fault | None = None
    cut: Cut | None = None
    headers: dict[str, str] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    """From the origin of the service to that of its proxy."""

    def rewritten(self, given: JSON) -> JSON:
        """Settings in which every address of the service is that of its proxy."""
        if isinstance(given, str):
            for origin, place in self.places.items():
                if given == origin or given.startswith((f"{origin}/", f"{origin}?")):
                    return place + given[len(origin) :]
            return given
        if isinstance(given, Mapping):
            return {name: self.rewritten(one) for name, one in given.items()}
        if isinstance(given, Sequence):
            return [self.rewritten(one) for one in given]
        return given

    def known(self) -> set[tuple[str, int]]:
        """Where connections may lead: the proxies, and what is behind them."""
        urls = (URL(one) for pair in self.places.items() for one in pair)
        return {(url.host or "", url.port or 0) for url in urls}

    async def _answer(
        self, request: web.Request, origin: str, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        self.seen.append(
            Seen(
                origin=origin,
                method=request.method,
                path=request.path_qs,
                headers=request.headers,
            )
        )
        if self.fault is not None:
            return await self.fault(request)
        return await self._forward(request, origin, session)

    async def _forward(
        self, request: web.Request, origin: str, session: aiohttp.ClientSession
    ) -> web.StreamResponse:
        sent = [(k, v) for k, v in request.headers.items() if k.lower() not in _OWN]
        async with session.request(
            request.method,
            URL(origin + request.raw_path, encoded=True),
            headers=[*sent, ("Accept-Encoding", "identity")],
            data=await request.read(),
            allow_redirects=False,
        ) as found:
            body = await found.read()
            kept = [(k, v) for k, v in found.headers.items() if k.lower() not in _OWN]
            for behind, place in self.places.items():
                body = body.replace(behind.encode(), place.encode())
                kept = [(k, v.replace(behind, place)) for k, v in kept]
            answer = web.Response(status=found.status, body=body)
            answer.headers.clear()
            answer.headers.extend(kept)
            answer.headers.update(self.headers)
            return answer


@contextlib.asynccontextmanager
async def listening(fault: Fault) -> AsyncIterator[str]:
    """A server on 127.0.0.1 that answers everything by `fault`; gives its origin."""
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("*", "/{tail:.*}", fault)
    # A client that gave up ends its request here too: silence must not outlive the test.
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def _piping(front: Front, behind: URL) -> AsyncIterator[str]:
    """A server on 127.0.0.1 that hands bytes to and fro; gives its origin."""
    running: set[asyncio.Task[object]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(64 * 1024):
                writer.write(chunk)
                await writer.drain()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            if front.cut is Cut.SILENT:
                await reader.read()
            elif front.cut is None:
                inner, outer = await asyncio.open_connection(behind.host, behind.port)
                try:
                    both = [
                        asyncio.ensure_future(pump(*way))
                        for way in ((reader, outer), (inner, writer))
                    ]
                    await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
                    for one in both:
                        one.cancel()
                    await asyncio.gather(*both, return_exceptions=True)
                finally:
                    outer.close()
        except asyncio.CancelledError:
            return  # the test is over
        finally:
            running.discard(task)
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"{behind.scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        left = tuple(running)
        for one in left:
            one.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def fronted(addresses: Iterable[str]) -> AsyncIterator[Front]:
    """Proxies before all origins of these addresses."""
    front = Front()
    async with contextlib.AsyncExitStack() as stack:
        session = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=True)
        )
        for origin in sorted({str(URL(one).origin()) for one in addresses}):
            if not origin.startswith(("http://", "https://")):
                front.places[origin] = await stack.enter_async_context(_piping(front, URL(origin)))
                continue

            async def answer(request: web.Request, origin: str = origin) -> web.StreamResponse:
                return await front._answer(request, origin, session)

            front.places[origin] = await stack.enter_async_context(listening(answer))
        yield front
