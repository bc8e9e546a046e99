"""A small schema with one of everything, and the view on it: what the edge is tested against."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import aiohttp
import strawberry
import uvicorn
from graphql import GraphQLError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.scalars import JSON

from server.documents import Documents
from server.graphql_view import GraphQLView, graphql_routes
from server.limits import Limits
from server.masking import Refusal

SECRET = "postgres://user:secret@database"
TOKEN = "Bearer a-good-token"


class Refused(Exception):
    """Stands for the domain's errors."""

    code = "NOT_FOUND"


@strawberry.enum
class Colour(Enum):
    RED = "red"
    GREEN = "green"


@strawberry.input
class NoteInput:
    title: str
    tags: list[str] = strawberry.field(default_factory=list)
    details: JSON | None = None


@strawberry.type
class PersonEdge:
    node: "Person"


@strawberry.type
class PersonConnection:
    @strawberry.field
    def edges(self) -> list[PersonEdge]:
        return []

    @strawberry.field
    def nodes(self) -> list["Person"]:
        return []


@strawberry.type
class Person:
    id: strawberry.ID = strawberry.ID("1")
    name: str = "Sari"

    @strawberry.field
    def boss(self) -> "Person | None":
        return Person()

    @strawberry.field
    def reports(self) -> list["Person"]:
        return []

    @strawberry.field(metadata={"list_size": 12})
    def months(self) -> list["Person"]:
        return []

    @strawberry.field
    def colleagues(self, first: int | None = None, last: int | None = None) -> PersonConnection:
        return PersonConnection()


@strawberry.type
class Query:
    @strawberry.field
    def me(self) -> Person:
        return Person()

    @strawberry.field
    def echo(
        self,
        number: int | None = None,
        ratio: float | None = None,
        text: str | None = None,
        id: strawberry.ID | None = None,
        colour: Colour | None = None,
        note: NoteInput | None = None,
    ) -> str:
        return text or "echo"

    @strawberry.field
    def viewer(self, info: strawberry.Info) -> str:
        return info.context.user

    @strawberry.field
    def leak(self) -> str | None:
        raise RuntimeError(f"cannot connect to {SECRET}")

    @strawberry.field
    def unserialisable(self) -> int | None:
        return SECRET  # type: ignore[return-value]

    @strawberry.field
    def missing(self) -> str | None:
        raise Refused("Person was not found.")

    @strawberry.field
    def must(self) -> str:
        raise RuntimeError(SECRET)


@strawberry.type
class Mutation:
    @strawberry.mutation
    def write(self, info: strawberry.Info, text: str) -> str:
        info.context.edge.written.append(text)
        return text


@strawberry.type
class Subscription:
    @strawberry.subscription
    async def count(self, to: int = 3) -> AsyncGenerator[int, None]:
        for number in range(to):
            yield number

    @strawberry.subscription
    async def endless(self, info: strawberry.Info) -> AsyncGenerator[str, None]:
        try:
            while True:
                info.context.edge.produced += 1
                yield "x" * 65_536
                await asyncio.sleep(0)
        finally:
            info.context.edge.finished += 1

    @strawberry.subscription
    async def silent(self, info: strawberry.Info) -> AsyncGenerator[int, None]:
        try:
            await asyncio.Event().wait()
            yield 0
        finally:
            info.context.edge.finished += 1

    @strawberry.subscription
    async def breaks(self) -> AsyncGenerator[int, None]:
        yield 1
        raise RuntimeError(SECRET)


@dataclass
class Context:
    edge: "Edge"
    user: str


def present_error(error: GraphQLError, context: Any) -> GraphQLError:
    original = error.original_error
    if not isinstance(original, Refused):
        return error
    return GraphQLError(
        f"{original} ({context.user})",
        nodes=error.nodes,
        path=error.path,
        extensions={"code": original.code},
    )


@dataclass
class Edge:
    """A view on the schema, and what its resolvers saw."""

    limits: Limits = field(default_factory=Limits)
    introspection: bool = True
    report_cost: bool = False
    options: dict[str, Any] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    produced: int = 0
    finished: int = 0
    contexts: int = 0

    def __post_init__(self) -> None:
        self.schema = strawberry.Schema(
            Query,
            Mutation,
            Subscription,
            extensions=Documents(
                self.limits, introspection=self.introspection, report_cost=self.report_cost
            ).extensions,
        )
        self.view = GraphQLView(
            self.schema,
            context_for=self.context_for,
            on_connect=self.on_connect,
            present_error=present_error,
            **self.options,
        )
        self.app = Starlette(routes=graphql_routes(self.view))

    async def context_for(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        if request.headers.get("authorization", TOKEN) != TOKEN:
            raise Refusal(401, "UNAUTHENTICATED", "The token is not valid.")
        self.contexts += 1
        user = getattr(request.state, "user", "nobody")
        return Context(self, user)

    async def on_connect(self, socket: WebSocket, params: dict[str, Any]) -> dict[str, Any] | None:
        if params.get("Authorization", TOKEN) != TOKEN:
            raise Refusal(401, "UNAUTHENTICATED", "The token is not valid.")
        if params.get("fault"):
            raise RuntimeError(SECRET)
        socket.state.user = "sari"
        return None


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[str]:
    """Serve the application on loopback; yields its address, `http://127.0.0.1:PORT`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        while not server.started:
            await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        server.force_exit = True
        await task
        listener.close()


@contextlib.asynccontextmanager
async def socket_of(
    edge: Edge, init: dict[str, Any] | None = None, **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A socket; acknowledged where `init` (the payload) is given."""
    options = {
        "protocols": ["graphql-transport-ws"],
        # A message that does not come fails the test instead of holding it.
        "timeout": aiohttp.ClientWSTimeout(ws_receive=10),
    } | options
    async with (
        serving(edge.app) as address,
        aiohttp.ClientSession() as session,
        session.ws_connect(f"{address}/graphql", **options) as socket,
    ):
        if init is not None:
            await socket.send_json({"type": "connection_init", "payload": init})
            assert await socket.receive_json() == {"type": "connection_ack"}
        yield socket
