"""The limit of the live feed: a bare Starlette WebSocket that sends one ready text to all.

Run as a process of its own: `python -m tests.benchmarks.live_bare PORT URL BYTES`. It is woken by
the same event log as the real server, by that server's own bus, and answers events of its agency
with one text of as many bytes, which holds the event's position where a cursor would be.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from server.database import Database, DatabaseRole
from server.event_bus import EventBus

AGENCY = UUID(int=2)
"""Whose events it sends; the real server has nobody who watches it."""


class Bare:
    """The sockets, and what feeds them."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size
        self._sockets: set[WebSocket] = set()

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with EventBus.running(self._database) as bus:
            feeding = asyncio.create_task(self._feed(bus))
            yield
            feeding.cancel()

    async def _feed(self, bus: EventBus) -> None:
        async for event in bus.follow(await bus.last_position()):
            if event.agency_id == AGENCY:
                text = f'{{"cursor":"{event.position}","filling":"'
                text = f'{text:-<{self._size - 2}}"}}'
                for socket in tuple(self._sockets):
                    await socket.send_text(text)

    async def endpoint(self, socket: WebSocket) -> None:
        await socket.accept(subprotocol="graphql-transport-ws")
        self._sockets.add(socket)
        try:
            await socket.send_text('{"ready":true}')
            with suppress(WebSocketDisconnect):
                while True:
                    await socket.receive_text()
        finally:
            self._sockets.discard(socket)


async def healthz(request: Request) -> Response:
    return PlainTextResponse("ok\n")


def main() -> None:
    port, url, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    bare = Bare(Database({DatabaseRole.APPLICATION: url}), size)
    uvicorn.run(
        Starlette(
            routes=[Route("/healthz", healthz), WebSocketRoute("/graphql", bare.endpoint)],
            lifespan=bare.lifespan,
        ),
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
