"""Pages of a connection: what a client asks for, its cursors, and the SQL of a page.

A cursor holds the values that the order is made of (keyset), so that it keeps its place
whatever is added, removed or hidden meanwhile.
"""

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from schema.errors import DomainError, ErrorCode
from schema.selection.declarations import Page

LARGEST_PAGE = 100
DEFAULT_PAGE = 20
SEPARATOR = " "
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _word(text: str) -> str:
    """A text among keys is a word, such as a value of an enum: it holds no separator and no NUL.

    Raises:
        ValueError: it is none.
    """
    if not text.isidentifier():
        raise ValueError("no word")
    return text


# How a key stands in a cursor, and how it is read from there.
WRITTEN = {
    "text": "{}",
    "uuid": "{}::text",
    "timestamptz": "(extract(epoch FROM {}) * 1000000)::bigint::text",
}
READ: Mapping[str, Callable[[str], Any]] = {
    "text": _word,
    "uuid": UUID,
    "timestamptz": lambda text: EPOCH + timedelta(microseconds=int(text)),
}


def is_backward(arguments: Mapping[str, Any]) -> bool:
    return arguments.get("last") is not None or arguments.get("before") is not None


def page_parameters(declaration: Page, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`size`, and `key0`, `key1`, ... of the cursor where one is given.

    Raises:
        DomainError: a size is not between 1 and 100, both directions are asked for at once, or
            the cursor is not one of this connection's.
    """
    backward = is_backward(arguments)
    if backward and (arguments.get("first") is not None or arguments.get("after") is not None):
        raise DomainError(
            ErrorCode.BAD_USER_INPUT, field="last", detail="first/after or last/before, not both"
        )
    size_name, cursor_name = ("last", "before") if backward else ("first", "after")
    size = arguments.get(size_name)
    size = DEFAULT_PAGE if size is None else size
    if not 1 <= size <= LARGEST_PAGE:
        raise DomainError(ErrorCode.PAGE_TOO_LARGE, field=size_name, limit=LARGEST_PAGE)
    cursor = arguments.get(cursor_name)
    keys = [] if cursor is None else _keys_of(declaration, cursor, cursor_name)
    return {"size": size} | {f"key{place}": key for place, key in enumerate(keys)}


def _keys_of(declaration: Page, cursor: str, field: str) -> list[Any]:
    kinds = list(declaration.keys.values())
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        parts = text.split(SEPARATOR)
        if len(parts) != len(kinds):
            raise ValueError("another connection's cursor")
        return [READ[kind](part) for kind, part in zip(kinds, parts, strict=True)]
    except (ValueError, binascii.Error, OverflowError):
        raise DomainError(ErrorCode.INVALID_CURSOR, field=field) from None


def cursor_sql(declaration: Page) -> str:
    """The cursor of @it."""
    parts = [WRITTEN[kind].format(key) for key, kind in declaration.keys.items()]
    text = f" || '{SEPARATOR}' || ".join(parts)
    return rf"translate(encode(({text})::bytea, 'base64'), E'+/=\n', '-_')"


def order_sql(declaration: Page, *, backward: bool) -> str:
    direction = "DESC" if declaration.newest is not backward else "ASC"
    return ", ".join(f"{key} {direction}" for key in declaration.keys)


def behind_sql(declaration: Page, *, backward: bool) -> str:
    """Rows behind the cursor, in the direction of the page."""
    row = ", ".join(declaration.keys)
    keys = ", ".join(f"@key{n}::{kind}" for n, kind in enumerate(declaration.keys.values()))
    return f"({row}) {'<' if declaration.newest is not backward else '>'} ({keys})"
