"""How papers read: several statements of one moment, under the rights of who asks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tortoise import Tortoise

from schema.access import AGENCY_WIDE, Scope
from schema.tables import READER, WAIT_SECONDS

TELL = """SELECT set_config('ekinerja.viewer', $1, true), set_config('ekinerja.line', $2, true),
  set_config('ekinerja.directories', $3, true), set_config('ekinerja.agencies', $4, true)"""
ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reading:
    """A transaction that reads as one scope; what others write meanwhile is not in it."""

    connection: Any

    async def text(self, statement: str, *values: object) -> str | None:
        """The one text that a statement answers."""
        answer = await self.connection.fetchval(statement, *values)
        return None if answer is None else str(answer)

    async def texts(self, statement: str, *values: object) -> AsyncIterator[str]:
        """The first column of many rows, some hundreds at a time in memory."""
        rows = self.connection.cursor(statement, *values, prefetch=ROWS_AT_ONCE)
        async for row in rows:
            yield row[0]


@asynccontextmanager
async def reading(scope: Scope) -> AsyncIterator[Reading]:
    """Read for a viewer, with row level security as in every read.

    Raises:
        TimeoutError: every connection was taken for two seconds.
    """
    waiting = Tortoise.get_connection(READER).acquire_connection()
    async with asyncio.timeout(WAIT_SECONDS):
        connection = await waiting.__aenter__()
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            await connection.execute(TELL, *_told(scope))
            yield Reading(connection)
    finally:
        await waiting.__aexit__(None, None, None)


def _told(scope: Scope) -> tuple[str, str, str, str]:
    return (
        str(scope.employee_id or ""),
        str(scope.line or ""),
        _array(sorted(scope.directories)),
        _array(sorted(scope.agencies_with(AGENCY_WIDE))),
    )


def _array(keys: list[Any]) -> str:
    return "{" + ",".join(map(str, keys)) + "}"
