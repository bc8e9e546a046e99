"""Wake-ups by NATS, for many server processes: see `wake_ups` for what a channel offers.

A message has no content that anybody reads. Each connection is a new client: nats-py's own way
to connect again keeps what could not be sent and sends it late, and gives up for good after some
refusals; here a wake-up that cannot be sent now is of no use later.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import structlog
from nats.aio.client import Client, RawCredentials
from nats.errors import Error

from server.standing_connection import Established, in_background, kept_up
from server.telemetry import WAKE_UPS_CONNECTED

SUBJECT = "ekinerja.events"
CONNECT_SECONDS = 2
PING_SECONDS = 5
"""A connection that leaves two of these unanswered is given up."""

ANNOUNCE_SECONDS = 0.5
"""How long the sequencer waits at most for the network to take a message."""

CLOSING_SECONDS = 1.0
WAITING_MESSAGES = 64
"""Messages that may wait to be looked at; each says the same, so that more may be dropped."""

LOST = (OSError, TimeoutError, Error)

log = structlog.get_logger()


class NatsWakeUps:
    """A publisher and a listener of one subject, over one connection of this process."""

    def __init__(self, url: str, credentials: Path | None = None) -> None:
        self._servers = [word.strip() for word in url.split(",")]
        self._credentials = credentials
        self._client: Client | None = None
        self._problem = ""

    async def announce(self) -> None:
        """As of any channel. While NATS is away nothing is kept: the others' polls find it."""
        client = self._client
        if client is None:
            return
        # What goes wrong here ends the connection, which is told by whoever holds it.
        with suppress(*LOST):
            async with asyncio.timeout(ANNOUNCE_SECONDS):
                await client.publish(SUBJECT)

    @asynccontextmanager
    async def connected(self, heard: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """As of any channel."""

        async def connect_until_lost(established: Established) -> None:
            await self._hold(heard, established)

        keeping = kept_up(connect_until_lost, stop=asyncio.Event(), purpose="NATS", lost=LOST)
        async with in_background(keeping):
            yield

    async def _hold(self, heard: Callable[[], None] | None, established: Established) -> None:
        """Connect, and stay until the connection is lost: then a ConnectionError is raised."""
        ended = asyncio.Event()
        credentials = _read(self._credentials)
        client = Client()
        try:
            await self._connect(client, credentials, ended)
            if heard is not None:
                await _listen(client, heard)
            if self._problem:
                # Refused by its rights: it would stay connected, and never hear anything.
                raise ConnectionError(self._problem)
            established()
            log.info("connected", purpose="NATS", host=_host(client))
            self._client = client
            with WAKE_UPS_CONNECTED.labels("nats").track_inprogress():
                if heard is not None:
                    heard()
                await ended.wait()
        finally:
            self._client = None
            await _close(client)
        raise ConnectionError(str(client.last_error or "NATS has ended it"))

    async def _connect(
        self, client: Client, credentials: RawCredentials | None, ended: asyncio.Event
    ) -> None:
        self._problem = ""

        async def note(error: Exception) -> None:
            # Once a connection: of messages that are dropped, each would be told.
            if self._client is not None and not self._problem:
                log.warning("NATS refuses", error=str(error))
            self._problem = str(error) or type(error).__name__

        async def end() -> None:
            ended.set()

        try:
            await client.connect(
                self._servers,
                name="ekinerja",
                user_credentials=credentials,
                allow_reconnect=False,
                max_reconnect_attempts=1,
                reconnect_time_wait=0,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=2,
                error_cb=note,
                closed_cb=end,
                disconnected_cb=end,
            )
        except LOST as error:
            # "No servers available" says less than what each of them has answered.
            raise ConnectionError(self._problem or str(error)) from error


def _read(credentials: Path | None) -> RawCredentials | None:
    """What the file holds now; nats-py would read one without these lines for ever.

    Raises:
        OSError: it cannot be read, or is no file of credentials.
    """
    if credentials is None:
        return None
    text = credentials.read_text(errors="replace")
    if not all(f"BEGIN {part}" in text for part in ("NATS USER JWT", "USER NKEY SEED")):
        raise OSError(f"{credentials} is no file of NATS credentials")
    return RawCredentials(text)


async def _listen(client: Client, heard: Callable[[], None]) -> None:
    async def wake(message: Any) -> None:
        heard()

    await client.subscribe(SUBJECT, cb=wake, pending_msgs_limit=WAITING_MESSAGES)
    # Answered once the subscription holds, so that nothing falls between it and the next read.
    # Twice, since nats-py lets the first question overtake the subscription.
    for _ in range(2):
        await client.flush(CONNECT_SECONDS)


async def _close(client: Client) -> None:
    with suppress(*LOST):
        async with asyncio.timeout(CLOSING_SECONDS):
            await client.close()


def _host(client: Client) -> str | None:
    return urlsplit(client.connected_url.geturl()).hostname if client.connected_url else None
