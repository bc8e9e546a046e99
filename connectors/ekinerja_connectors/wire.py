"""How contract values travel between a connector's child process and its host, as JSON lines.

A request is `{"id", "method", "params"}`; an answer `{"id", "result"}` or `{"id", "error"}`.
Both ends use this module, so that there is one spelling of each value.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any

from .activity import JSON, Activity
from .capabilities import Statement
from .directory import (
    DirectoryAssignment,
    DirectoryEmployee,
    DirectoryPage,
    DirectoryUnit,
    PostKind,
)
from .errors import KINDS, ConnectorError, Malformed, Retryable
from .files import FileReading, RefusedRow, Upload
from .items import Item, Page
from .notices import Delivered, DeliveryState, Notice, Recipient
from .pauses import MAX_RETRY_AFTER
from .results import Official, Predicate, Rating, Receipt, Result, ResultKind
from .statements import Presence, Retraction
from .webhook import Delivery

__all__ = [
    "BUG",
    "MAX_LINE",
    "OUT_OF_MEMORY",
    "VERSION",
    "decode_delivered",
    "decode_delivery",
    "decode_directory",
    "decode_error",
    "decode_item",
    "decode_items",
    "decode_notices",
    "decode_page",
    "decode_reading",
    "decode_receipt",
    "decode_result",
    "decode_statement",
    "decode_upload",
    "encode_delivered",
    "encode_delivery",
    "encode_directory",
    "encode_error",
    "encode_item",
    "encode_line",
    "encode_notices",
    "encode_page",
    "encode_reading",
    "encode_receipt",
    "encode_result",
    "encode_statement",
    "encode_upload",
]

#: Raised when a change makes an older child or host misread the other.
VERSION = 2
#: Bytes of one line, newline included; a longer answer is refused by its sender and its reader.
MAX_LINE = 8 * 1024 * 1024
#: The kind of an error that is none of the SDK's own: a fault of the plugin.
BUG = "bug"
MAX_MESSAGE = 2_000  # characters
#: The exit code of a child that cannot go on for want of memory.
OUT_OF_MEMORY = 71


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


_STATEMENTS: dict[str, type[Activity | Presence | Retraction]] = {
    "activity": Activity,
    "presence": Presence,
    "retraction": Retraction,
}


def encode_statement(statement: Statement) -> dict[str, JSON]:
    """Raises: TypeError when a plugin's `translate` gave something else."""
    for name, known in _STATEMENTS.items():
        if type(statement) is known:
            return {name: statement.to_json()}
    raise TypeError(f"translate gave {type(statement).__name__}, which states nothing")


def decode_statement(value: Any) -> Statement:
    """Raises: Malformed when `value` is no statement."""
    if isinstance(value, Mapping) and len(value) == 1:
        ((name, content),) = value.items()
        if name in _STATEMENTS:
            return _STATEMENTS[name].from_json(content)
    raise Malformed("not a statement: neither activity, presence nor retraction")


def encode_upload(upload: Upload) -> dict[str, JSON]:
    return {
        "name": upload.name,
        "content": base64.b64encode(upload.content).decode(),
        "media_type": upload.media_type,
    }


def decode_upload(value: Any) -> Upload:
    """Raises: Malformed when `value` is no upload."""
    try:
        content = base64.b64decode(value["content"], validate=True)
        return Upload(name=value["name"], content=content, media_type=value["media_type"])
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Malformed(f"not an upload: {error}") from error


def encode_reading(reading: FileReading) -> dict[str, JSON]:
    refused: list[JSON] = [
        {"row": one.row, "reason": one.reason, "payload": one.payload} for one in reading.refused
    ]
    return {"items": [encode_item(one) for one in reading.items], "refused": refused}


def decode_reading(value: Any) -> FileReading:
    """Raises: Malformed when `value` is no reading of a file."""
    try:
        refused = tuple(
            RefusedRow(row=int(one["row"]), reason=str(one["reason"]), payload=one["payload"])
            for one in value["refused"]
        )
        return FileReading(items=decode_items(value["items"]), refused=refused)
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"not a reading of a file: {error}") from error


def _plain(value: Any) -> Any:
    """A contract value as JSON: days and instants in ISO 8601."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def encode_directory(page: DirectoryPage) -> dict[str, JSON]:
    found: dict[str, JSON] = _plain(asdict(page))
    return found


def decode_directory(value: Any) -> DirectoryPage:
    """Raises: Malformed when `value` is no page of a directory."""
    try:
        return DirectoryPage(
            units=tuple(DirectoryUnit(**one) for one in value["units"]),
            employees=tuple(DirectoryEmployee(**one) for one in value["employees"]),
            assignments=tuple(_assignment(one) for one in value["assignments"]),
            problems=tuple(str(one) for one in value["problems"]),
            next_cursor=value["next_cursor"],
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"not a page of a directory: {error}") from error


def _assignment(value: Mapping[str, Any]) -> DirectoryAssignment:
    given = dict(value)
    given["kind"] = PostKind(given["kind"])
    given["starts_on"] = date.fromisoformat(given["starts_on"])
    if given["ends_on"] is not None:
        given["ends_on"] = date.fromisoformat(given["ends_on"])
    return DirectoryAssignment(**given)


def encode_result(result: Result) -> dict[str, JSON]:
    found: dict[str, JSON] = _plain(asdict(result))
    return found


def decode_result(value: Any) -> Result:
    """Raises: Malformed when `value` is no result."""
    try:
        given = dict(value)
        given["kind"] = ResultKind(given["kind"])
        given["starts_on"] = date.fromisoformat(given["starts_on"])
        given["ends_on"] = date.fromisoformat(given["ends_on"])
        given["employee"] = Official(**given["employee"])
        given["appraiser"] = Official(**given["appraiser"])
        given["work"], given["behaviour"] = Rating(given["work"]), Rating(given["behaviour"])
        given["predicate"] = Predicate(given["predicate"])
        return Result(**given)
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"not a result: {error}") from error


def encode_receipt(receipt: Receipt) -> dict[str, JSON]:
    return {
        "reference": receipt.reference,
        "at": receipt.at.isoformat(),
        "message": receipt.message,
    }


def decode_receipt(value: Any) -> Receipt:
    """Raises: Malformed when `value` is no receipt."""
    try:
        at = datetime.fromisoformat(value["at"])
        return Receipt(reference=value["reference"], at=at, message=value["message"])
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"not a receipt: {error}") from error


def encode_notices(notices: Sequence[Notice]) -> list[JSON]:
    return [_plain(asdict(one)) for one in notices]


def decode_notices(value: Any) -> tuple[Notice, ...]:
    """Raises: Malformed when `value` is no list of notices."""
    try:
        return tuple(
            Notice(
                **{
                    **one,
                    "to": Recipient(**one["to"]),
                    "day": date.fromisoformat(one["day"]),
                }
            )
            for one in value
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError) as error:
        raise Malformed(f"not notices: {error}") from error


def encode_delivered(answers: Sequence[Delivered]) -> list[JSON]:
    return [
        {
            "id": one.id,
            "state": one.state,
            "detail": one.detail,
            "retry_after_seconds": (
                None if one.retry_after is None else one.retry_after.total_seconds()
            ),
        }
        for one in answers
    ]


def decode_delivered(value: Any) -> tuple[Delivered, ...]:
    """Raises: Malformed when `value` is no list of what became of notices."""
    try:
        return tuple(
            Delivered(
                id=one["id"],
                state=DeliveryState(one["state"]),
                detail=one["detail"],
                retry_after=_pause(one["retry_after_seconds"]),
            )
            for one in value
        )
    except Malformed:
        raise
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Malformed(f"not what became of notices: {error}") from error


def _pause(seconds: Any) -> timedelta | None:
    """What a plugin asks for is bounded as a Retry-After header is."""
    if seconds is None:
        return None
    return timedelta(seconds=min(max(seconds, 0), MAX_RETRY_AFTER.total_seconds()))


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
        return Retryable(message, _pause(value.get("retry_after_seconds")))
    return known(message)
