"""`python -m server serve`: the API of one process, on a socket of its own."""

import gc
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from server.app import running_app
from server.auth import TokenVerifier
from server.database import found_database, migrate
from server.settings import Settings
from server.stalled import CuttingHttp, CuttingWebSocket
from server.telemetry import configure_logging

DRAIN_SECONDS = 5
"""How long open requests may go on after SIGTERM. Streams are told to resume elsewhere."""


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the embedded database is brought up to date first."""
    configure_logging(settings)
    verifier = TokenVerifier.of(settings)
    async with found_database(settings) as database:
        if settings.database_url is None:
            await migrate(database)
        async with running_app(settings, database, verifier) as app:
            spare_the_collector()
            await WebServer(settings, app).serve()
    return 0


def spare_the_collector() -> None:
    """Let the garbage collector pass over what lives as long as the process, and come less often.

    The schema alone is a hundred thousand objects that would be walked again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class WebServer(uvicorn.Server):
    """uvicorn as measured best for us: no compression of socket messages, logs of our own."""

    def __init__(
        self, settings: Settings, app: Starlette, on_start: Callable[[], None] | None = None
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=CuttingHttp,
                ws=CuttingWebSocket,
                ws_per_message_deflate=False,
                ws_max_size=512 * 1024,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=DRAIN_SECONDS,
            )
        )
        self._on_start = on_start

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._on_start is not None:
            self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """uvicorn sends itself the signal again at its end: a SIGTERM would kill the process
        before it has closed what it opened."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()
