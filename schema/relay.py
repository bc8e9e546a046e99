"""Relay's habits, once for all subjects: global ids, nodes, connections, cursors, numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Generic, TypeVar
from uuid import UUID

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import DomainError, NotFound, Refusals, Unauthenticated, UserError
from schema.values import plain

NodeType = TypeVar("NodeType")


@strawberry.type(description="One item of a page.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(
        description="Give it as `after` to go on behind this item, or as `before` to go back."
    )
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(
    description="A page of items: forward by `first` and `after`, backward by `last` and `before`."
)
class Connection(Generic[NodeType]):
    page_info: relay.PageInfo = strawberry.field(description="Where this page stands.")
    edges: list[Edge[NodeType]] = strawberry.field(description="The items of this page.")
    total_count: int = strawberry.field(description="How many items there are in all.")


def key_of(id: relay.GlobalID, *types: str) -> UUID:
    """The key inside a global id of one of these types.

    Raises:
        NotFound: another type, or no key: to a client the same as a row that is not there.
    """
    if id.type_name not in types:
        raise NotFound(types[0])
    try:
        return UUID(id.node_id)
    except ValueError:
        raise NotFound(types[0]) from None


def optional_key_of(id: relay.GlobalID | None, *types: str) -> UUID | None:
    return None if id is None else key_of(id, *types)


def parse_decimal(value: object) -> Decimal:
    """A finite number given as text or number, of at most 40 characters.

    Raises:
        ValueError: anything else.
    """
    text = str(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or len(text) > 40:
        raise ValueError("a Decimal is a number, or a text that holds one")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text!r} is no decimal number") from None
    if not number.is_finite():
        raise ValueError("a Decimal is finite")
    return number


def parse_instant(value: object) -> datetime:
    """An instant in ISO 8601 with a time zone, from year 1 to 9999 in UTC.

    Raises:
        ValueError: anything else; without a zone nobody knows when it was.
    """
    if not isinstance(value, str):
        raise ValueError("a DateTime is a text in ISO 8601")
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError(f"{value!r} has no time zone: add one, as in +07:00 or Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{value!r} is out of range") from None


def parse_day(value: object) -> date:
    """A day in ISO 8601.

    Raises:
        ValueError: anything else; also the first and the last that Python knows, which the
            database's driver takes for minus infinity and infinity.
    """
    if not isinstance(value, str):
        raise ValueError("a Date is a text in ISO 8601")
    day = date.fromisoformat(value)
    if day in (date.min, date.max):
        raise ValueError(f"{value!r} is out of range")
    return day


DateScalar = strawberry.scalar(
    name="Date",
    description="Date (isoformat)",
    serialize=date.isoformat,
    parse_value=parse_day,
)

DateTimeScalar = strawberry.scalar(
    name="DateTime",
    description="Date with time and time zone (isoformat), as 2026-11-24T07:30:00+07:00",
    serialize=datetime.isoformat,
    parse_value=parse_instant,
)

DecimalScalar = strawberry.scalar(
    name="Decimal",
    description='An exact decimal number, as text: "12.5". Never a float.',
    serialize=plain,
    parse_value=parse_decimal,
)


@contextmanager
def refusals(info: Info) -> Iterator[list[UserError]]:
    """Collect what the client can mend; the caller's block ends at the first refusal.

    Not being signed in cannot be mended by another input, so it is raised on.
    """
    refused: list[UserError] = []
    try:
        yield refused
    except Unauthenticated:
        raise
    except Refusals as several:
        refused.extend(UserError.of(one, info.context.language) for one in several.each)
    except DomainError as error:
        refused.append(UserError.of(error, info.context.language))
