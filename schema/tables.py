"""What all tables share: the key, and the label under which Tortoise knows them."""

from typing import Any, TypeVar

from tortoise import Tortoise, fields
from tortoise.models import Model

from schema.values import uuid7

APP = "ekinerja"
"""Tortoise's label of this application; foreign keys name tables as `ekinerja.Unit`."""

MODULES = (
    "schema.events",
    "schema.organizations.models",
    "schema.targets.models",
    "schema.feeds.models",
    "schema.progress.models",
)


class Row(Model):
    """A table with a UUIDv7 key made here, so that it is known before the insert."""

    id = fields.UUIDField(primary_key=True, default=uuid7)

    class Meta:
        abstract = True


RowType = TypeVar("RowType", bound=Row)


async def rows_of(table: type[RowType], statement: str, values: list[Any]) -> list[RowType]:
    """Rows of a table from a statement of our own that selects all its columns."""
    found = await Tortoise.get_connection("default").execute_query_dict(statement, values)
    return [table._init_from_db(**row) for row in found]


async def dicts_of(statement: str, values: list[Any]) -> list[dict[str, Any]]:
    """What a statement of our own selects, a mapping a row."""
    return await Tortoise.get_connection("default").execute_query_dict(statement, values)
