"""The API of one process on a real log, for tests of streams: tokens are `SUBJECT~LIFETIME`."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from tortoise import Tortoise

from schema import events
from schema.context import Context, Token
from schema.errors import Language, Unauthenticated
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.organizations.viewers import scope_of
from schema.tables import transaction
from schema.values import utc_now
from server.api import Api
from server.auth import Identity
from server.database import Database
from server.event_bus import EventBus
from server.parameters import Parameters
from server.settings import settings_from
from tests.factories import STAFF, SUPERVISOR, World, key_of, world_in
from tests.server.event_log import GUARD, sequencing

TEAM = """subscription($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind reason event
    team { members { employee { nip } pendingCount
      log { records { state description } } } }
    member { employee { nip } pendingCount
      log { records { state description } } } } }"""
ISSUED = datetime(2026, 1, 1, tzinfo=UTC)


class ByName:
    """Verifies a token that names its subject, and how many seconds it holds, counted anew for
    each connection."""

    def __init__(self) -> None:
        self._until: dict[str, datetime] = {}

    def verify(self, token: str) -> Identity:
        subject, _, seconds = token.partition("~")
        lifetime = timedelta(seconds=float(seconds or 3600))
        expires_at = self._until.setdefault(token, utc_now() + lifetime)
        if expires_at <= utc_now():
            raise Unauthenticated
        return Identity(subject, expires_at, ISSUED)


@dataclass(frozen=True)
class LiveServer:
    """The small agency, and one process's API on it."""

    world: World
    database: Database
    bus: EventBus
    api: Api

    @property
    def team(self) -> str:
        """The supervisor, whose team is watched."""
        return key_of(self.world.people[SUPERVISOR])

    async def context(self, subject: str, lifetime: timedelta = timedelta(hours=1)) -> Context:
        async def authorise() -> Any:
            return await scope_of(subject, ISSUED), expires_at

        expires_at = utc_now() + lifetime
        return Context(
            scope=await scope_of(subject, ISSUED),
            language=Language.ENGLISH,
            feed=self.bus,
            authorise=authorise,
            token=Token(subject, ISSUED, expires_at),
        )

    @asynccontextmanager
    async def watching(
        self, subject: str = SUPERVISOR, document: str = TEAM, **variables: Any
    ) -> AsyncIterator[AsyncGenerator[Any, None]]:
        given = {"supervisor": self.team} | variables
        asked = Parameters(document, given, None, None)
        async with aclosing(
            self.api.streams.payloads(asked, await self.context(subject))
        ) as payloads:
            yield payloads

    async def happen(
        self, nip: str = STAFF, count: int = 1, kind: EventKind = EventKind.PROGRESS_LOGGED
    ) -> None:
        """Events of a person, in one transaction."""
        person = await Employee.get(nip=nip)
        async with transaction() as connection:
            for _ in range(count):
                await events.append(connection, kind=kind, person=person)

    async def last(self) -> int:
        """The log's end, with nothing left to stamp."""
        await Tortoise.get_connection("default").execute_query_dict("SELECT stamp_events()")
        return await self.bus.last_position()


@asynccontextmanager
async def live_server(database: Database, interval: float = 0.2) -> AsyncIterator[LiveServer]:
    async with world_in(database) as world:
        await Tortoise.get_connection("default").execute_query_dict("SELECT stamp_events()")
        async with sequencing(database), EventBus.running(database) as bus:
            api = Api(settings_from({}), ByName(), bus)  # type: ignore[arg-type]
            async with api.streams.running(interval):
                yield LiveServer(world, database, bus, api)


async def take(payloads: AsyncGenerator[Any, None], count: int) -> list[Any]:
    """The next messages of the one field."""
    found = []
    async with asyncio.timeout(GUARD):
        for _ in range(count):
            payload = await anext(payloads)
            assert not payload.refusal, payload.text
            found.extend(orjson.loads(payload.text)["data"].values())
    return found


async def end_of(payloads: AsyncGenerator[Any, None]) -> str:
    """The code that a stream ends with, after whatever is still told; nothing is behind it."""
    async with asyncio.timeout(GUARD):
        async for payload in payloads:
            if payload.refusal:
                assert await anext(payloads, None) is None
                (error,) = orjson.loads(payload.text)["errors"]
                return str(error["extensions"]["code"])
    raise AssertionError("The stream ended without a word.")


def cursors(messages: list[Any]) -> list[int]:
    return [int(message["cursor"]) for message in messages]
