"""The data: one agency of stated shape, made in SQL, the same at every run.

Everything invented here follows from row numbers, so two databases of one shape hold the same
rows under the same keys. Every constraint of the migrations holds: those of the two largest
tables are taken off while they are filled and put back, which checks every row.
"""

import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from server.database import PostgresServer, database_in, migrate, provision
from tests.benchmarks import shape_sql

ROOT = Path(__file__).parent.parent.parent
EMPLOYEES_A_UNIT = 20
DIRECT_REPORTS = 15
LAST_DAY = date(2026, 10, 30)
"""A Friday: the newest day with records. Pending ones are of the Monday after."""

Connection = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How much of what.

    `levels` are the numbers of units from the agency's top down. The last `active_units` units
    record their work, five records in three working days a person, on `days` working days.
    Personal targets: 58 a unit; goals of units: 2 a unit.
    """

    levels: tuple[int, ...]
    active_units: int
    days: int

    @property
    def units(self) -> int:
        return sum(self.levels)

    @property
    def records(self) -> int:
        return self.active_units * EMPLOYEES_A_UNIT * self.days * 5 // 3

    @property
    def working_days(self) -> list[date]:
        """The last `days` days from Monday to Friday up to LAST_DAY, in order."""
        days: list[date] = []
        day = LAST_DAY
        while len(days) < self.days:
            if day.weekday() < 5:
                days.insert(0, day)
            day -= timedelta(days=1)
        return days


LEVELS = (1, 8, 60, 180, 360, 391)
SHAPES = {
    500_000: Shape(levels=LEVELS, active_units=250, days=60),
    5_000_000: Shape(levels=LEVELS, active_units=1000, days=150),
}
"""By number of records. Tenfold is four times the people and two and a half times the days, so
that a team's day and a person's month hold the same records in both."""
QUICK = Shape(levels=(1, 2, 3, 6, 10, 18), active_units=6, days=30)


@asynccontextmanager
async def superuser(server: PostgresServer, database: str) -> AsyncIterator[Connection]:
    """One connection as the administrator of a server that is ours."""
    connection = await asyncpg.connect(server.url("postgres", database))
    try:
        yield connection
    finally:
        await connection.close()


async def provide(server: PostgresServer, shape: Shape) -> tuple[str, float | None]:
    """The name of a database of this shape, and the seconds that it took (None: was there)."""
    name, mark = f"bench_{shape.records}", _fingerprint(shape)
    async with superuser(server, "postgres") as connection:
        found = await connection.fetchval(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1",
            name,
        )
        if found == mark:
            return name, None
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await provision(server, name)
    await migrate(database_in(server, name))
    started = time.perf_counter()
    async with superuser(server, name) as connection:
        await fill(connection, shape)
        await connection.execute(f"COMMENT ON DATABASE \"{name}\" IS '{mark}'")
    return name, time.perf_counter() - started


def _fingerprint(shape: Shape) -> str:
    """Changes with the shape, with how it is filled, and with the tables."""
    sources = [Path(__file__), Path(shape_sql.__file__)]
    sources += sorted((ROOT / "schema" / "migrations").glob("*.py"))
    digest = hashlib.sha256(repr(shape).encode())
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()


async def fill(connection: Connection, shape: Shape) -> None:
    """Fill an empty, migrated database."""
    await connection.execute(shape_sql.SESSION)
    await connection.executemany("INSERT INTO shape_unit VALUES ($1, $2, $3)", _units(shape))
    days = shape.working_days
    calendar = [days[0] + timedelta(days=n) for n in range((days[-1] - days[0]).days + 1)]
    await connection.execute(
        "INSERT INTO shape_day SELECT row_number() OVER () - 1, d FROM unnest($1::date[]) d", days
    )
    await connection.execute("INSERT INTO shape_calendar SELECT unnest($1::date[])", calendar)
    await connection.execute(
        "INSERT INTO shape_active SELECT generate_series($1::int, $2::int)",
        (shape.units - shape.active_units) * EMPLOYEES_A_UNIT + 1,
        shape.units * EMPLOYEES_A_UNIT,
    )
    for statement in (*shape_sql.ORGANIZATION, *shape_sql.TARGETS):
        await connection.execute(statement)
    async with unconstrained(connection, "progress_record"):
        await connection.execute(shape_sql.RECORDS)
        for statement in shape_sql.INBOX:
            await connection.execute(statement)
    async with unconstrained(connection, "daily_log"):
        await connection.execute(shape_sql.DAILY_LOGS)
    await connection.execute(shape_sql.FIGURES)
    await connection.execute("VACUUM (ANALYZE)")


def _units(shape: Shape) -> list[tuple[int, int, int | None]]:
    """Number, level and parent's number of each unit; children spread evenly over parents."""
    units: list[tuple[int, int, int | None]] = []
    first_above, above, number = 0, 0, 1
    for level, size in enumerate(shape.levels, 1):
        first = number
        for index in range(size):
            parent = first_above + index * above // size if above else None
            units.append((number, level, parent))
            number += 1
        first_above, above = first, size
    return units


@asynccontextmanager
async def unconstrained(connection: Connection, table: str) -> AsyncIterator[None]:
    """Without the table's checks and indexes, save the primary key; then with them again."""
    constraints = await connection.fetch(
        "SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint "
        "WHERE conrelid = $1::text::regclass AND contype IN ('c', 'f', 'u', 'x')",
        table,
    )
    for one in constraints:
        await connection.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{one["conname"]}"')
    indexes = await connection.fetch(
        "SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition "
        "FROM pg_index WHERE indrelid = $1::text::regclass AND NOT indisprimary",
        table,
    )
    for one in indexes:
        await connection.execute(f"DROP INDEX {one['name']}")
    yield
    for one in indexes:
        await connection.execute(one["definition"])
    for one in constraints:
        await connection.execute(
            f'ALTER TABLE {table} ADD CONSTRAINT "{one["conname"]}" {one["definition"]}'
        )
