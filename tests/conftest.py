"""Fixtures that every test may use: a real PostgreSQL, and a fresh migrated database in it.

The embedded server is used unless EKINERJA_TEST_POSTGRES names another one as host:port, whose
superuser `postgres` and roles sign in without a password (to try PostgreSQL 15, for example).
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from server.database import (
    Database,
    DatabaseRole,
    PostgresServer,
    database_in,
    migrate,
    opened,
    provision,
)
from tests.copies import Copies, administer, copy_of

TEMPLATE = f"ekinerja_template_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
"""Of each process its own, where several test on one server."""

collect_ignore = ["fixtures"]  # what is kept there is read, never collected


@dataclass(frozen=True)
class GivenServer:
    """A server that was started elsewhere."""

    host: str
    port: int

    def url(self, role: str, database: str = "postgres") -> str:
        return f"postgresql://{role}@{self.host}:{self.port}/{database}"


MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
"""Bytes: a process' databases of one moment take a tenth of it."""


def _roomy_memory() -> Path | None:
    """A file system in memory: there a database is copied in less than half of the time."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        return MEMORY
    return None


class ByFile(LoadFileScheduling):
    """Whole files to each process; all that share the attacked server to one, which starts it."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::")[0]
        shares = file.startswith("tests/acceptance/") and "attacked" in Path(file).read_text()
        return "attacked" if shares else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFile | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    given = os.environ.get("EKINERJA_TEST_POSTGRES")
    if given:
        host, _, port = given.partition(":")
        yield GivenServer(host, int(port))
        return
    from server.embedded_postgres import acquire, remove

    with TemporaryDirectory(dir=_roomy_memory() or tmp_path_factory.getbasetemp()) as name:
        folder = Path(name)
        with acquire(folder, durable=False) as cluster:
            yield cluster
        remove(folder)


@pytest.fixture(scope="session")
async def template_database(postgres_server: PostgresServer) -> str:
    """A migrated database that others are copied from."""
    await administer(postgres_server, f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
    await provision(postgres_server, TEMPLATE)
    await migrate(database_in(postgres_server, TEMPLATE))
    return TEMPLATE


@pytest.fixture
async def fresh_database(
    postgres_server: PostgresServer, template_database: str
) -> AsyncIterator[Database]:
    """A database of its own for one test, migrated and empty; nobody is connected to it."""
    async with copy_of(postgres_server, template_database) as database:
        yield database


@pytest.fixture(scope="module")
async def module_database(
    postgres_server: PostgresServer, template_database: str
) -> AsyncIterator[Database]:
    """The same for a module, whose tests empty it themselves or mind what others left."""
    async with copy_of(postgres_server, template_database) as database:
        yield database


@pytest.fixture(scope="session")
def copies(postgres_server: PostgresServer, template_database: str) -> Copies:
    return Copies(postgres_server, template_database)


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
