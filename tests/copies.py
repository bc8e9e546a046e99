"""Databases for tests: each test has a copy of a template, which is filled once a process."""

import asyncio
import itertools
import os
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from server.database import Database, DatabaseRole, PostgresServer, database_in, opened

_numbers = itertools.count(1)


async def administer(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres", "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@asynccontextmanager
async def copy_of(server: PostgresServer, template: str) -> AsyncIterator[Database]:
    """A copy of a database to which nobody is connected, dropped at the end."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    # With nothing to be made durable, copying files takes two thirds of the time of logging them.
    await administer(server, f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    try:
        yield database_in(server, name)
    finally:
        await asyncio.shield(administer(server, f"DROP DATABASE {name} WITH (FORCE)"))


Fill = Callable[[], Awaitable[Any]]


@dataclass(slots=True)
class Copies:
    """Databases that a function filled once as the owner, each test having a copy of its own.

    Copying is several times as fast as filling. What the function returned is copied as well.
    """

    server: PostgresServer
    template: str
    filled: dict[object, tuple[str, bytes]] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, key: object, fill: Fill) -> AsyncIterator[tuple[Database, Any]]:
        """A copy of what `fill` leaves; it runs once a key."""
        if key not in self.filled:
            name = f"{self.template}_{len(self.filled)}"
            await administer(self.server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await administer(self.server, f"CREATE DATABASE {name} TEMPLATE {self.template}")
            async with opened(database_in(self.server, name), DatabaseRole.OWNER):
                self.filled[key] = name, pickle.dumps(await fill())
        name, returned = self.filled[key]
        async with copy_of(self.server, name) as database:
            yield database, pickle.loads(returned)
