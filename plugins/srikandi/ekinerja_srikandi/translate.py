"""From one CloudEvent of SRIKANDI to one activity: pure; what it supposes is in `assumptions`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from ekinerja_connectors import JSON, Activity, Item, Malformed, Skippable

from .assumptions import Assumptions

__all__ = ["activity_of", "item_of"]


def item_of(event: JSON) -> Item:
    """The item of one event, named by its `source` and `id`, which CloudEvents makes unique.

    What has none is named by its own text; `activity_of` then refuses it, and it is kept as a
    dead letter instead of stopping its page.
    """
    if isinstance(event, Mapping) and event.get("id") and event.get("source"):
        try:
            return Item(source_id=f"{event['source']}#{event['id']}", payload=event)
        except Malformed:
            pass
    text = json.dumps(event, sort_keys=True)
    name = hashlib.sha256(text.encode()).hexdigest()[:32]
    return Item(source_id=f"unnamed#{name}", payload=event)


def activity_of(item: Item, assumed: Assumptions) -> Activity:
    """The activity that an event states.

    Raises:
        Skippable: the event is understood and is no activity.
        Malformed: it is no event of SRIKANDI, a field is unreadable, or its meaning is unknown.
    """
    event, data = _checked_event(item.payload, assumed)
    key = "/".join(_word(data, name) for name in ("kelompok", "peristiwa", "status"))
    rule = assumed.rules.get(key)
    if rule is None:
        raise Malformed(f"the event {key[:80]!r} is unknown: add it to assumptions.rules")
    if not rule.kind:
        raise Skippable(rule.reason or f"the event {key} is no activity")
    subject = str(data.get("hal") or "tanpa perihal").strip()
    category = data.get("klasifikasi")
    return Activity(
        source_id=item.source_id,
        nip=str(data.get(rule.person) or "").replace(" ", ""),
        kind=rule.kind,
        title=rule.title.replace("{hal}", subject)[:500],
        occurred_at=_instant(event.get("time")),
        description=_description(data),
        category=str(category)[:100] if category else None,
    )


def _checked_event(
    payload: JSON, assumed: Assumptions
) -> tuple[Mapping[str, JSON], Mapping[str, JSON]]:
    if not isinstance(payload, Mapping):
        raise Malformed("a CloudEvent must be an object")
    if payload.get("specversion") != "1.0":
        raise Malformed("only CloudEvents of specversion 1.0 are read")
    for name in ("id", "source"):
        if not isinstance(payload.get(name), str) or not payload[name]:
            raise Malformed(f"the CloudEvent has no {name}")
    kind = payload.get("type")
    if not isinstance(kind, str) or not kind.startswith(assumed.type_prefix):
        raise Malformed(f"the CloudEvent's type must begin with {assumed.type_prefix}")
    data = payload.get("data")
    if not isinstance(data, Mapping):
        raise Malformed("the CloudEvent's data must be an object")
    return payload, data


def _instant(value: JSON) -> datetime:
    try:
        return datetime.fromisoformat(str(value))
    except ValueError as error:
        raise Malformed(f"time must be RFC 3339, not {str(value)[:40]}") from error


def _word(data: Mapping[str, JSON], name: str) -> str:
    return str(data.get(name) or "").strip().lower()


def _description(data: Mapping[str, JSON]) -> str | None:
    parts = [str(data[name]) for name in ("isi_ringkas",) if data.get(name)]
    number = data.get("nomor_naskah") or data.get("nomor_sementara")
    if number:
        parts.append(f"Nomor {number}")
    if data.get("instruksi"):
        parts.append(f"Instruksi: {data['instruksi']}")
    return ". ".join(parts)[:10_000] or None
