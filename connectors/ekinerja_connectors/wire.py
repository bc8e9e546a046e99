"""How contract values travel between a connector's child process and its host, as JSON lines.

A request is `{"id", "method", "params"}`; an answer `{"id", "result"}` or `{"id", "error"}`.
Both ends use this module, so that there is one spelling of each value.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from .activity import JSON
from .connector import Item, Page
from .errors import KINDS, ConnectorError, Malformed, Retryable
from .http import MAX_RETRY_AFTER
from .webhook import Delivery

__all__ = [
    "BUG",
    "MAX_LINE",
    "VERSION",
    "decode_delivery",
    "decode_error",
    "decode_item",
    "decode_items",
    "decode_page",
    "encode_delivery",
    "encode_error",
    "encode_item",
    "encode_line",
    "encode_page",
]

#: Raised when a change makes an older child or host misread the other.
VERSION = 1
#: Bytes of one line, newline included; a longer answer is refused by its sender and its reader.
MAX_LINE = 8 * 1024 * 1024
#: The kind of an error that is none of the SDK's own: a fault of the plugin.
BUG = "bug"
MAX_MESSAGE = 2_000  # characters


def encode_line(message: Mapping[str, Any]) -> bytes:
    """One line, ASCII only, so that a lone surrogate in a payload arrives as it was sent.

    Raises:
        ValueError, TypeError: the message holds what JSON cannot say.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":")).encode("ascii") + b"\n"


def encode_item(item: Item) -> dict[str, JSON]:
    return {"source_id": item.source_id, "payload": item.payload}


def decode_item(value: Any) -> Item:
    """Raises: Malformed when `value` is no item."""
    try:
        return Item(source_id=value["source_id"], payload=value["payload"])
    except (KeyError, TypeError) as error:
        raise Malformed(f"not an item: {error}") from error


def decode_items(value: Any) -> tuple[Item, ...]:
    """Raises: Malformed when `value` is no list of items."""
    if not isinstance(value, list):
        raise Malformed("items must be a list")
    return tuple(decode_item(one) for one in value)


def encode_page(page: Page) -> dict[str, JSON]:
    return {
        "items": [encode_item(one) for one in page.items],
        "next_cursor": page.next_cursor,
        "more": page.more,
    }


def decode_page(value: Any) -> Page:
    """Raises: Malformed when `value` is no page."""
    try:
        items, cursor, more = decode_items(value["items"]), value["next_cursor"], value["more"]
    except (KeyError, TypeError) as error:
        raise Malformed(f"not a page: {error}") from error
    if not isinstance(more, bool) or not (cursor is None or isinstance(cursor, str)):
        raise Malformed("a page's next_cursor must be text or None, and more a bool")
    return Page(items=items, next_cursor=cursor, more=more)


def encode_delivery(delivery: Delivery) -> dict[str, JSON]:
    return {"id": delivery.id, "body": delivery.body, "headers": dict(delivery.headers)}


def decode_delivery(value: Any) -> Delivery:
    return Delivery(id=value["id"], body=value["body"], headers=value["headers"])


def encode_error(error: BaseException) -> dict[str, JSON]:
    """The error as the host gets it; what is none of the SDK's classes is a bug."""
    kind = next((name for name, known in KINDS if isinstance(error, known)), BUG)
    shown = str(error) if kind != BUG else f"{type(error).__name__}: {error}"
    pause = error.retry_after if isinstance(error, Retryable) else None
    return {
        "kind": kind,
        "message": shown[:MAX_MESSAGE],
        "retry_after_seconds": None if pause is None else pause.total_seconds(),
    }


def decode_error(value: Any) -> ConnectorError | None:
    """The SDK's error of that kind; None when it is a bug of the plugin."""
    message, known = str(value["message"])[:MAX_MESSAGE], dict(KINDS).get(value["kind"])
    if known is None:
        return None
    if known is Retryable:
        pause = value.get("retry_after_seconds")
        if pause is not None:  # what a plugin asks for is bounded as a Retry-After header is
            pause = timedelta(seconds=min(max(pause, 0), MAX_RETRY_AFTER.total_seconds()))
        return Retryable(message, pause)
    return known(message)
