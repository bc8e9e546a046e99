"""The wake-up channel: how server processes tell each other that the event log has grown.

A wake-up says nothing but that: whoever hears one reads the log, which alone is believed. So a
wake-up that is lost only delays, and a forged one only costs a read. Here are what a channel
offers, PostgreSQL's own, and the choice; NATS is in `nats_wake_ups`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Protocol

from server.database import Database, DatabaseRole
from server.nats_wake_ups import NatsWakeUps
from server.settings import Settings
from server.standing_connection import (
    QUERY_SECONDS,
    Connection,
    in_background,
    stopped_within,
    with_standing_connection,
)
from server.telemetry import WAKE_UPS_CONNECTED

CHANNEL = "ekinerja_events"
"""Notified by `stamp_events()`, once a batch."""

CHECK_INTERVAL = timedelta(seconds=5)
"""A connection on which nothing comes may be dead: so often it is asked."""


class WakeUps(Protocol):
    """A channel between all processes of one installation."""

    def connected(
        self, heard: Callable[[], None] | None = None
    ) -> AbstractAsyncContextManager[None]:
        """Keep the channel up, from now on, in the background, until the block is left.

        `heard` is called at each wake-up, and whenever some may have been missed. Without it this
        process only announces. A channel that is away holds up neither the start nor the end.
        """

    async def announce(self) -> None:
        """Tell all who listen that events were stamped; never raises, and never takes long."""


class PostgresWakeUps:
    """LISTEN on a connection of its own. `stamp_events()` notifies in its own transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def announce(self) -> None:
        """Nothing is left to do: whoever stamps has notified."""

    @asynccontextmanager
    async def connected(self, heard: Callable[[], None] | None = None) -> AsyncIterator[None]:
        """As of any channel; whoever only announces needs no connection."""
        if heard is None:
            yield
            return
        async with in_background(self._listen(heard)):
            yield

    async def _listen(self, heard: Callable[[], None]) -> None:
        async def listen_until_lost(connection: Connection) -> None:
            ended = asyncio.Event()
            connection.add_termination_listener(lambda *_: ended.set())
            await connection.add_listener(CHANNEL, lambda *_: heard())
            with WAKE_UPS_CONNECTED.labels("postgres").track_inprogress():
                heard()
                while not await stopped_within(ended, CHECK_INTERVAL):
                    await connection.execute("SELECT", timeout=QUERY_SECONDS)
            raise ConnectionError("the database has ended it")

        await with_standing_connection(
            self._database,
            DatabaseRole.APPLICATION,
            listen_until_lost,
            stop=asyncio.Event(),
            purpose="wake-ups",
        )


def wake_ups_of(settings: Settings, database: Database) -> WakeUps:
    """The channel that the settings name; PostgreSQL's without one."""
    if settings.nats_url is None:
        return PostgresWakeUps(database)
    return NatsWakeUps(settings.nats_url, settings.nats_credentials)
