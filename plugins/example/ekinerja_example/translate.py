"""What the events of Example mean. Pure: no network, no clock, so that tests need neither."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ekinerja_connectors import (
    JSON,
    Activity,
    Item,
    Malformed,
    Retraction,
    Skippable,
    Statement,
)

__all__ = ["items_of", "number_of", "statement_of"]


def items_of(body: JSON) -> tuple[Item, ...]:
    """The items in an answer or a delivery: `{"events": [...]}`.

    Raises:
        Malformed: it is something else.
    """
    events = body.get("events") if isinstance(body, Mapping) else None
    if isinstance(events, str) or not isinstance(events, Sequence):
        raise Malformed("the service gave no list of events; its shape has changed")
    return tuple(Item(source_id=_name_of(one), payload=one) for one in events)


def number_of(item: Item) -> int:
    """The number of an event, by which reading goes on; 0 when it has none."""
    number = item.payload.get("id") if isinstance(item.payload, Mapping) else None
    return number if type(number) is int and number > 0 else 0


def _name_of(event: JSON) -> str:
    """The name of an event for ever. One without a number is named by its text.

    It becomes a dead letter when it is translated, and does not hold up its page.
    """
    if isinstance(event, Mapping) and type(event.get("id")) is int:
        return _source_id(event["id"])
    text = json.dumps(event, sort_keys=True)
    return f"unnamed-{hashlib.sha256(text.encode()).hexdigest()[:32]}"


def _source_id(number: object) -> str:
    if type(number) is not int or not 0 < number < 10**18:
        raise Malformed("an event must be named by a number")
    return f"example-{number}"


def statement_of(item: Item) -> Statement:
    """What an item states.

    Raises:
        Skippable: the meeting has not been held yet.
        Malformed: the event cannot be read.
    """
    event = item.payload
    if not isinstance(event, Mapping):
        raise Malformed("an event must be an object")
    kind = event.get("type")
    if kind == "meeting.planned":
        raise Skippable("the meeting has not been held yet")
    try:
        if kind == "meeting.held":
            return _held(item.source_id, event)
        if kind == "meeting.cancelled":
            return _cancelled(item.source_id, event)
    except Malformed:
        raise
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise Malformed(f"a {kind} cannot be read: {type(error).__name__} {error}") from error
    raise Malformed(f"events of type {str(kind)[:40]!r} are not known")


def _held(source_id: str, event: Mapping[str, Any]) -> Activity:
    begin, end = datetime.fromisoformat(event["begin"]), datetime.fromisoformat(event["end"])
    subject = event["subject"]
    if not isinstance(subject, str) or not subject.strip():
        raise Malformed("a meeting must have a subject")
    activity = Activity(
        source_id=source_id,
        nip=event["nip"],
        kind="meeting",
        title=f"Rapat: {subject}",
        occurred_at=begin,
        ended_at=end,
    )
    if end - begin > timedelta(hours=24):
        raise Malformed("a meeting lasts more than a day")
    return activity


def _cancelled(source_id: str, event: Mapping[str, Any]) -> Retraction:
    return Retraction(
        source_id=source_id,
        retracts=_source_id(event["cancels"]),
        at=datetime.fromisoformat(event["at"]),
        reason=event["reason"],
    )
