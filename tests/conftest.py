"""Fixtures that every test may use: a real PostgreSQL, and a fresh migrated database in it.

The embedded server is used unless EKINERJA_TEST_POSTGRES names another one as host:port, whose
superuser `postgres` and roles sign in without a password (to try PostgreSQL 15, for example).
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from server.database import (
    Database,
    DatabaseRole,
    PostgresServer,
    database_in,
    migrate,
    opened,
    provision,
)

TEMPLATE = f"ekinerja_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
"""Of each process its own, where several test on one server."""
_numbers = itertools.count(1)

collect_ignore = ["fixtures"]  # what is kept there is read, never collected


@dataclass(frozen=True)
class GivenServer:
    """A server that was started elsewhere."""

    host: str
    port: int

    def url(self, role: str, database: str = "postgres") -> str:
        return f"postgresql://{role}@{self.host}:{self.port}/{database}"


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    given = os.environ.get("EKINERJA_TEST_POSTGRES")
    if given:
        host, _, port = given.partition(":")
        yield GivenServer(host, int(port))
        return
    from server.embedded_postgres import acquire, remove

    folder: Path = tmp_path_factory.mktemp("postgres")
    with acquire(folder, durable=False) as cluster:
        yield cluster
    remove(folder)


async def _administer(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url("postgres", "postgres"))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
async def template_database(postgres_server: PostgresServer) -> str:
    """A migrated database that others are copied from."""
    await _administer(postgres_server, f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
    await provision(postgres_server, TEMPLATE)
    await migrate(database_in(postgres_server, TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def fresh_database(
    postgres_server: PostgresServer, template_database: str
) -> AsyncIterator[Database]:
    """A database of its own for one test, migrated and empty; nobody is connected to it."""
    async with database_from(postgres_server, template_database) as database:
        yield database


@asynccontextmanager
async def database_from(
    postgres_server: PostgresServer, template_database: str
) -> AsyncIterator[Database]:
    """A copy of the template for as long as the block lasts."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    await _administer(postgres_server, f"CREATE DATABASE {name} TEMPLATE {template_database}")
    try:
        yield database_in(postgres_server, name)
    finally:
        await asyncio.shield(_administer(postgres_server, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
async def database(fresh_database: Database) -> AsyncIterator[Database]:
    """The fresh database, opened as the application."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        yield fresh_database


@pytest.fixture
async def worker_database(fresh_database: Database) -> AsyncIterator[Database]:
    """The fresh database, opened as the worker."""
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield fresh_database
