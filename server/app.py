"""The web application of one process: what it opens at its start, its routes, its health."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from tortoise import Tortoise

from schema.appraisals import sending
from schema.feeds.models import (
    BreakerState,
    ConnectorProblem,
    DeadLetter,
    InboxItem,
    Installation,
)
from schema.notices.delivering import counts
from schema.tables import READER, WRITER
from schema.teams.passing import seconds_behind
from schema.values import utc_now
from server.api import Api
from server.auth import TokenVerifier
from server.availability import AWAY
from server.database import Database, DatabaseRole, opened, pending_migrations
from server.event_bus import EventBus
from server.graphql_view import graphql_routes
from server.ingestion.files import receive_file
from server.ingestion.webhooks import webhook
from server.papers.routes import paper_routes
from server.presence_clock import run_presence_clock
from server.sequencer import run_sequencer
from server.settings import Settings
from server.telemetry import (
    BREAKERS_OPEN,
    CONNECTOR_PROBLEMS_OPEN,
    DEAD_LETTERS_OPEN,
    INBOX_WAITING,
    NOTICES_DELIVERED,
    NOTICES_FAILED,
    NOTICES_WAITING,
    PRESENCE_BEHIND,
    RESULTS_FAILED,
    RESULTS_WAITING,
    RequestTelemetry,
    metrics,
)
from server.vault import refuse_unreadable
from server.wake_ups import wake_ups_of

log = structlog.get_logger()

READY_SECONDS = 2.0
"""How long a readiness check waits for the database."""


@asynccontextmanager
async def running_app(
    settings: Settings, database: Database, verifier: TokenVerifier
) -> AsyncIterator[Starlette]:
    """The application, with its database, event bus and sequencer running until it is left."""
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(opened(database, DatabaseRole.APPLICATION))
        wake_ups = wake_ups_of(settings, database)
        bus = await stack.enter_async_context(EventBus.running(database, wake_ups=wake_ups))
        sequencer = asyncio.create_task(
            run_sequencer(database, stop, role=DatabaseRole.APPLICATION, announce=wake_ups.announce)
        )
        clock = asyncio.create_task(
            run_presence_clock(database, stop, role=DatabaseRole.APPLICATION)
        )
        try:
            api = Api(settings, verifier, bus)
            await refuse_unreadable(api.vault)
            async with api.streams.running():
                yield make_app(api)
        finally:
            stop.set()
            await asyncio.wait({sequencer, clock}, timeout=5)
            sequencer.cancel()
            clock.cancel()


def make_app(api: Api) -> Starlette:
    """Routes and middleware around an API whose resources are open."""
    app = Starlette(
        routes=[
            Route("/", home),
            *graphql_routes(api.view),
            *paper_routes(api),
            Route("/connectors/{installation}/webhook", webhook, methods=["POST"]),
            Route("/connectors/{installation}/files", receive_file, methods=["POST"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", measured),
        ],
        middleware=[Middleware(RequestTelemetry)],
        exception_handlers={500: fault} | dict.fromkeys(AWAY, unavailable),
    )
    app.state.vault, app.state.verifier = api.vault, api.verifier
    return app


async def home(request: Request) -> Response:
    """People who open the address want to try queries."""
    return RedirectResponse("/graphql")


async def healthz(request: Request) -> Response:
    """The process answers. Never touches the database: a slow one must not get us killed."""
    return PlainTextResponse("ok\n")


async def readyz(request: Request) -> Response:
    """The database answers, to reads too, and is migrated; 503 with the reason otherwise."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            for role in (WRITER, READER):
                await Tortoise.get_connection(role).execute_query("SELECT 1")
            pending = await pending_migrations()
    except Exception as error:
        return JSONResponse({"ready": False, "database": type(error).__name__}, 503)
    if pending:
        return JSONResponse({"ready": False, "pending_migrations": pending}, 503)
    return JSONResponse({"ready": True})


async def measured(request: Request) -> Response:
    """This process's metrics, with what waits in the database as far as it answers in time."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            INBOX_WAITING.set(await InboxItem.filter(processed_at__isnull=True).count())
            PRESENCE_BEHIND.set(await seconds_behind(utc_now()))
            DEAD_LETTERS_OPEN.set(await DeadLetter.filter(resolved_at__isnull=True).count())
            BREAKERS_OPEN.set(await Installation.exclude(breaker=BreakerState.CLOSED).count())
            CONNECTOR_PROBLEMS_OPEN.set(
                await ConnectorProblem.filter(
                    resolved_at__isnull=True, dismissed_at__isnull=True
                ).count()
            )
            counted = await counts(utc_now())
            NOTICES_WAITING.set(counted.waiting)
            NOTICES_DELIVERED.set(counted.delivered)
            NOTICES_FAILED.set(counted.failed)
            results = await sending.counts()
            RESULTS_WAITING.set(results.waiting)
            RESULTS_FAILED.set(results.failed)
    except Exception as error:
        log.warning("metrics.not_sampled", problem=type(error).__name__)
    return await metrics(request)


async def fault(request: Request, error: Exception) -> Response:
    """What no route has caught; the middleware has logged it with the request's id."""
    return PlainTextResponse("Internal error\n", 500)


async def unavailable(request: Request, error: Exception) -> Response:
    """The database does not answer: a sender of webhooks tries again by itself."""
    return PlainTextResponse("The database does not answer.\n", 503, {"retry-after": "5"})
