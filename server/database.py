"""Where the database is, for each role; opening it, migrating it, closing it.

`DATABASE_URL` unset: the embedded PostgreSQL under the data folder. Set: that database. The
three roles (TRUST.md 3): the owner migrates, the application serves, the worker takes in.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

import asyncpg
from tortoise import Tortoise
from tortoise.backends.base.config_generator import expand_db_url
from tortoise.migrations.api import migrate as run_migrations
from tortoise.migrations.executor import MigrationExecutor

from schema.tables import APP, MODULES
from server.embedded_postgres import acquire
from server.settings import Settings

DATABASE_NAME = "ekinerja"
STATEMENT_TIMEOUT = "15s"
ANSWER_SECONDS = 20.0
"""PostgreSQL ends a statement before; one that has no end then is on a dead connection."""
READER = "ekinerja_reader"
"""The role that reads for a viewer; row level security bounds it."""
STATEMENTS_KEPT = 50
"""Prepared statements a reading connection holds, each for five minutes at most."""
LONGEST_KEPT = 32 * 1024
"""Characters of a statement that is kept prepared. Its plan takes PostgreSQL some 300 bytes for
each, so that a connection holds 450 MB at the very most, and 15 MB with a front end's pages."""


class PostgresServer(Protocol):
    """A server that is ours, so that we may make roles and databases in it."""

    def url(self, role: str, database: str = ...) -> str: ...


async def _tidy(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Give a connection back as it came, without the round trip that asyncpg takes for it.

    What we run leaves nothing in a session but a transaction that was broken off.
    """
    if connection.is_in_transaction():
        await connection.reset()


class DatabaseRole(StrEnum):
    """Who connects. The names are those of the roles in the embedded database."""

    OWNER = "ekinerja_owner"
    APPLICATION = "ekinerja_app"
    WORKER = "ekinerja_worker"


@dataclass(frozen=True, slots=True)
class Database:
    """The address for each role."""

    urls: Mapping[DatabaseRole, str]
    pool_size: int = 10

    def config(self, role: DatabaseRole) -> dict[str, Any]:
        """Tortoise's configuration for one role."""
        connection = expand_db_url(self.urls[role].replace("postgresql://", "asyncpg://", 1))
        connection["credentials"] |= {"minsize": 1, "maxsize": self.pool_size, "reset": _tidy}
        if role is not DatabaseRole.OWNER:
            connection["credentials"]["command_timeout"] = ANSWER_SECONDS
            connection["credentials"]["server_settings"] = {
                "jit": "off",
                "statement_timeout": STATEMENT_TIMEOUT,
            }
        connections = {"default": connection}
        if role is not DatabaseRole.WORKER:
            connections["reader"] = self._reading(role)
        return {
            "connections": connections,
            "apps": {
                APP: {
                    "models": list(MODULES),
                    "default_connection": "default",
                    "migrations": "schema.migrations",
                }
            },
            "use_tz": True,
            "timezone": "UTC",
        }

    def _reading(self, role: DatabaseRole) -> dict[str, Any]:
        """Connections that are the reader from their start, as schema/selection uses them.

        A statement is planned once: planning for each set of values takes longer than answering.
        What a value changes in the plan (an argument that is null or not) is another statement.
        """
        connection = expand_db_url(self.urls[role].replace("postgresql://", "asyncpg://", 1))
        connection["credentials"] |= {
            "minsize": 1,
            "maxsize": self.pool_size,
            "reset": _tidy,
            "command_timeout": ANSWER_SECONDS,
            "statement_cache_size": STATEMENTS_KEPT,
            "max_cacheable_statement_size": LONGEST_KEPT,
            "server_settings": {
                "jit": "off",
                "plan_cache_mode": "force_generic_plan",
                "role": READER,
                "statement_timeout": STATEMENT_TIMEOUT,
                "timezone": "UTC",
            },
        }
        return connection

    async def connect(self, role: DatabaseRole) -> "asyncpg.Connection[asyncpg.Record]":
        """One plain connection outside the pool: LISTEN, health, administration."""
        return await asyncpg.connect(self.urls[role], timeout=10)


def database_at(
    url: str, *, owner_url: str | None = None, worker_url: str | None = None, pool_size: int = 10
) -> Database:
    """A database given by URLs; the owner's and the worker's default to the application's."""
    return Database(
        {
            DatabaseRole.OWNER: owner_url or url,
            DatabaseRole.APPLICATION: url,
            DatabaseRole.WORKER: worker_url or url,
        },
        pool_size,
    )


def database_in(server: PostgresServer, name: str = DATABASE_NAME, pool_size: int = 10) -> Database:
    """A database of a server that is ours, the embedded one."""
    return Database({role: server.url(role, name) for role in DatabaseRole}, pool_size)


@asynccontextmanager
async def found_database(settings: Settings) -> AsyncIterator[Database]:
    """The database that the settings name, with the embedded one held while in use.

    Raises:
        EmbeddedPostgresError: the embedded database cannot be started here.
    """
    if settings.database_url is not None:
        yield database_at(
            settings.database_url,
            owner_url=settings.database_owner_url,
            worker_url=settings.database_worker_url,
            pool_size=settings.pool_size,
        )
        return
    cluster = await asyncio.to_thread(acquire, settings.data_folder / "postgres")
    try:
        await provision(cluster)
        yield database_in(cluster, pool_size=settings.pool_size)
    finally:
        await asyncio.to_thread(cluster.release)


async def provision(server: PostgresServer, name: str = DATABASE_NAME) -> None:
    """Make the roles and the database in a server that is ours, where they are missing."""
    connection = await asyncpg.connect(server.url("postgres", "postgres"), timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext('ekinerja provision'))")
        for role in DatabaseRole:
            known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role)
            if not known:
                await connection.execute(f"CREATE ROLE {role} LOGIN")
        known = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", READER)
        if not known:
            await connection.execute(f"CREATE ROLE {READER} NOLOGIN")
        # What the application inherited would be planned into each of its writes.
        await connection.execute(
            f"ALTER ROLE {DatabaseRole.APPLICATION} NOINHERIT; "
            f"GRANT {READER} TO {DatabaseRole.OWNER}, {DatabaseRole.APPLICATION}"
        )
        known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
        if not known:
            await connection.execute(f'CREATE DATABASE "{name}" OWNER {DatabaseRole.OWNER}')
    finally:
        await connection.close()


@asynccontextmanager
async def opened(database: Database, role: DatabaseRole) -> AsyncIterator[None]:
    """Tortoise, connected as one role, for every task of this process."""
    await Tortoise.init(config=database.config(role), _enable_global_fallback=True)
    try:
        yield
    finally:
        await Tortoise.close_connections()


async def migrate(database: Database) -> None:
    """Bring the tables to the newest version, as the owner; two at once wait for each other."""
    guard = await database.connect(DatabaseRole.OWNER)
    try:
        await guard.execute("SELECT pg_advisory_lock(hashtext('ekinerja migrate'))")
        await run_migrations(config=replace(database, pool_size=1).config(DatabaseRole.OWNER))
    finally:
        await Tortoise.close_connections()
        await guard.close()


async def pending_migrations() -> list[str]:
    """Names of migrations not yet applied; Tortoise must be open."""
    connection = Tortoise.get_connection("default")
    apps = {APP: {"models": list(MODULES), "migrations": "schema.migrations"}}
    steps = await MigrationExecutor(connection, apps).plan()
    return [step.migration.name for step in steps]
