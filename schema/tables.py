"""What all tables share: the key, and the label under which Tortoise knows them."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar, cast

from tortoise import Tortoise, fields
from tortoise.backends.base.client import BaseDBAsyncClient, TransactionalDBClient
from tortoise.models import Model
from tortoise.transactions import in_transaction

from schema.values import uuid7

APP = "ekinerja"
"""Tortoise's label of this application; foreign keys name tables as `ekinerja.Unit`."""

WRITER = "default"
"""Tortoise's label of the connections that the models and use cases go through."""
READER = "reader"
"""Tortoise's label of the connections on which row level security holds."""

MODULES = (
    "schema.events",
    "schema.organizations.models",
    "schema.policies.models",
    "schema.targets.models",
    "schema.plans.models",
    "schema.matrices.models",
    "schema.feeds.models",
    "schema.progress.models",
    "schema.teams.models",
    "schema.appraisals.models",
    "schema.consequences.models",
    "schema.notices.models",
)


class Row(Model):
    """A table with a UUIDv7 key made here, so that it is known before the insert."""

    id = fields.UUIDField(primary_key=True, default=uuid7)

    class Meta:
        abstract = True


RowType = TypeVar("RowType", bound=Row)


def transaction() -> AbstractAsyncContextManager[TransactionalDBClient]:
    """One transaction of a use case, on a connection of its own."""
    return cast("AbstractAsyncContextManager[TransactionalDBClient]", in_transaction(WRITER))


FOR_MANY = "SET LOCAL plan_cache_mode = force_custom_plan"


async def plan_for_many(connection: BaseDBAsyncClient) -> None:
    """Have what is asked in the rest of the transaction planned for as many keys as are given.

    From its sixth use a statement may get a plan for ten keys, which with a thousand compares
    millions of pairs; in functions as well."""
    await connection.execute_query_dict(FOR_MANY)


async def insert(connection: BaseDBAsyncClient, rows: Sequence[RowType]) -> None:
    """Insert new rows of one table, in their order, in one round trip."""
    if len(rows) == 1:  # half the work of many
        await rows[0].save(using_db=connection, force_create=True)
    elif rows:
        await type(rows[0]).bulk_create(rows, using_db=connection)
        for row in rows:
            row._saved_in_db = True


WAIT_SECONDS = 2
"""How long a read waits for a connection; then the service is overloaded and says so."""


async def rows_of(table: type[RowType], statement: str, values: list[Any]) -> list[RowType]:
    """Rows of a table from a statement of our own that selects all its columns."""
    found = await Tortoise.get_connection(WRITER).execute_query_dict(statement, values)
    return [table._init_from_db(**row) for row in found]


async def dicts_of(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    """What a statement of our own selects, a mapping a row."""
    return await Tortoise.get_connection(WRITER).execute_query_dict(statement, values)


async def json_of(statement: str, values: list[Any]) -> str:
    """The JSON text that a statement answers, run as the role that reads for a viewer.

    Raises:
        TimeoutError: every connection was taken for two seconds.
    """
    waiting = Tortoise.get_connection(READER).acquire_connection()
    async with asyncio.timeout(WAIT_SECONDS):
        connection = await waiting.__aenter__()
    try:
        answer = await connection.fetchval(statement, *values)
    finally:
        await waiting.__aexit__(None, None, None)
    return "null" if answer is None else str(answer)
