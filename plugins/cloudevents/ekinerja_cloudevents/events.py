"""Events out of a delivery: structured, batched or binary, each an item with a lasting name.

What an event states belongs to `translate`. The library `cloudevents` is not used here: it
gives an event without `id` or `time` one of its own making, so that the same delivery would not
be the same event twice. Our tests send with it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from ekinerja_connectors import JSON, Delivery, Item, Malformed

__all__ = ["events_of", "item_of", "name_of"]

_PREFIX = "ce-"
_LONGEST = 200


def events_of(delivery: Delivery, *, accept_binary: bool) -> Sequence[JSON]:
    """The events that a delivery holds, each as an object in JSON form.

    Raises:
        Malformed: the body is no JSON, or neither an event nor a list, or binary and not wanted.
    """
    headers = {name.lower(): value for name, value in delivery.headers.items()}
    if f"{_PREFIX}specversion" in headers:
        if not accept_binary:
            raise Malformed(
                "the event's attributes stand in ce-* headers, which the signature does not "
                "cover: send it in structured mode, or switch accept_binary on"
            )
        return [_binary(delivery, headers)]
    body = delivery.json()
    if isinstance(body, Mapping):
        return [body]
    if isinstance(body, str) or not isinstance(body, Sequence):
        raise Malformed("a delivery must hold a CloudEvent or a list of them")
    return body


def _binary(delivery: Delivery, headers: Mapping[str, str]) -> dict[str, JSON]:
    """The event of the HTTP binding's binary mode (CloudEvents 1.0.2, HTTP binding 3.1)."""
    event: dict[str, JSON] = {
        name.removeprefix(_PREFIX): unquote(value, errors="replace")
        for name, value in headers.items()
        if name.startswith(_PREFIX)
    }
    kind = headers.get("content-type", "application/json")
    event["datacontenttype"] = kind
    media_type = kind.partition(";")[0].strip().lower()
    if delivery.body and (media_type.endswith("/json") or media_type.endswith("+json")):
        event["data"] = delivery.json()
    elif delivery.body:
        event["data"] = delivery.body
    return event


def item_of(event: JSON) -> Item:
    """The item of an event, named by its `source` and `id`.

    What has none is named by its own text; `translate` then refuses it, and it is kept as a dead
    letter while the rest of its batch goes on.
    """
    if isinstance(event, Mapping):
        source, name = event.get("source"), event.get("id")
        if isinstance(source, str) and isinstance(name, str) and source and name:
            try:
                return Item(source_id=name_of(source, name), payload=event)
            except Malformed:
                pass
    text = json.dumps(event, sort_keys=True)
    return Item(source_id=f"unnamed#{_digest(text)}", payload=event)


def name_of(source: str, name: str) -> str:
    """`source#id`, which CloudEvents makes unique; its digest where that is too long."""
    whole = f"{source}#{name}"
    return whole if len(whole) <= _LONGEST else f"long#{_digest(whole)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
