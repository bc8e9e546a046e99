"""The limit: the token checked, one hand-written statement, its text in a bare response.

Run as a process of its own: `python -m tests.benchmarks.limit_server PORT URL`, with the data
folder of the development key in EKINERJA_DATA.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from schema.errors import Unauthenticated
from server.auth import TokenVerifier, bearer_of
from server.settings import settings_from
from tests.benchmarks.limit_sql import STATEMENTS
from tests.benchmarks.viewer import READER, VIEWER

POOL = 10


async def as_reader(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute(f"SET ROLE {READER}")


def limit_app(url: str, verifier: TokenVerifier) -> Starlette:
    """POST /NAME with a question's variables in the document's order, as a JSON list."""
    pools: dict[str, asyncpg.Pool[asyncpg.Record]] = {}

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        options = {"jit": "off"}
        size = {"min_size": POOL, "max_size": POOL, "server_settings": options}
        async with (
            # A reset at each release would be a round trip of its own, and undo the role.
            asyncpg.create_pool(url, reset=_keep, **size) as rights,
            asyncpg.create_pool(url, init=as_reader, reset=_keep, **size) as reads,
        ):
            pools.update(rights=rights, reads=reads)
            yield

    async def answer(request: Request) -> Response:
        try:
            token = bearer_of(request.headers)
            identity = verifier.verify(token or "")
        except Unauthenticated:
            return PlainTextResponse("", 401)
        scope = await pools["rights"].fetchrow(VIEWER, identity.subject)
        if scope is None:
            return PlainTextResponse("", 401)
        values = orjson.loads(await request.body())
        statement = STATEMENTS[request.path_params["question"]]
        text = await pools["reads"].fetchval(statement, *scope, *values)
        return Response(f'{{"data":{text}}}', media_type="application/json")

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    routes = [Route("/healthz", healthz), Route("/{question}", answer, methods=["POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


async def _keep(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Nothing to reset: every statement tells its own scope."""


def main() -> None:
    port, url = int(sys.argv[1]), sys.argv[2]
    app = limit_app(url, TokenVerifier.of(settings_from()))
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
