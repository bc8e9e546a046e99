"""Relay's habits, once for all subjects: global ids, nodes, connections, cursors, numbers."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar
from uuid import UUID

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import DomainError, ErrorCode, NotFound, Unauthenticated, UserError
from schema.tables import Row

NodeType = TypeVar("NodeType")
LARGEST_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True)
class Page:
    """How many rows, and behind which one. The cursor is the key of that row."""

    first: int
    after: UUID | None


async def _none() -> int:
    return 0


@dataclass(frozen=True, slots=True)
class Slice:
    """A page of rows, whether there are more, and a count that is made only when asked."""

    rows: Sequence[Any] = ()
    has_next: bool = False
    has_previous: bool = False
    count: Callable[[], Awaitable[int]] = _none


def page_of(first: int | None, after: str | None) -> Page:
    """Check what a client asks for.

    Raises:
        DomainError: `first` is not between 1 and 100, or the cursor is not one of ours.
    """
    size = DEFAULT_PAGE if first is None else first
    if not 1 <= size <= LARGEST_PAGE:
        raise DomainError(ErrorCode.PAGE_TOO_LARGE, field="first", limit=LARGEST_PAGE)
    return Page(size, None if after is None else _key_of(after))


def cursor_of(key: UUID) -> str:
    return urlsafe_b64encode(key.bytes).decode().rstrip("=")


def _key_of(cursor: str) -> UUID:
    try:
        return UUID(bytes=urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except ValueError:
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after") from None


@strawberry.type(description="One item of a page.")
class Edge(Generic[NodeType]):
    cursor: str = strawberry.field(description="Give it as `after` to go on behind this item.")
    node: NodeType = strawberry.field(description="The item.")


@strawberry.type(description="A page of items. Forward only: `first` and `after`.")
class Connection(Generic[NodeType]):
    page_info: relay.PageInfo = strawberry.field(description="Where this page stands.")
    edges: list[Edge[NodeType]] = strawberry.field(description="The items of this page.")
    count: strawberry.Private[Callable[[], Awaitable[int]]]

    @strawberry.field(description="How many items there are in all.")
    async def total_count(self) -> int:
        return await self.count()


def connection_of(part: Slice) -> Connection[Any]:
    """A connection over a slice of rows; GraphQL's type of it is the field's."""
    edges: list[Edge[Any]] = [Edge(cursor=cursor_of(row.id), node=row) for row in part.rows]
    return Connection(
        page_info=relay.PageInfo(
            has_next_page=part.has_next,
            has_previous_page=part.has_previous,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
        edges=edges,
        count=part.count,
    )


def backed_by(table: type[Row]) -> Callable[[object, object], bool]:
    """`is_type_of` of a GraphQL type whose values are rows of a table."""

    def is_type_of(value: object, _info: object) -> bool:
        return isinstance(value, table)

    return staticmethod(is_type_of)


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


def plain(number: Decimal) -> str:
    """A number without needless zeros or exponents: 5.000000 -> 5, 1E+3 -> 1000."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


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
    except DomainError as error:
        refused.append(UserError.of(error, info.context.language))
