"""From one CloudEvent to what it states: pure; what it supposes is in `assumptions`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from ekinerja_connectors import JSON, Activity, Item, Malformed, Retraction, Skippable

from .assumptions import Assumptions

__all__ = ["item_of", "statement_of"]


def item_of(event: JSON, assumed: Assumptions) -> Item:
    """The item of one event, named by its `source` and, as its rule says, `id` or content.

    CloudEvents makes source and id unique; content names what a later event may take back. What
    has no name is named by its own text; `statement_of` then refuses it, and it is kept as a dead
    letter instead of stopping its page.
    """
    if isinstance(event, Mapping) and event.get("id") and event.get("source"):
        data = event.get("data")
        named = _content_name(data, _key(data), assumed) if isinstance(data, Mapping) else None
        try:
            return Item(
                source_id=_short(f"{event['source']}#{named or event['id']}"), payload=event
            )
        except Malformed:
            pass
    return Item(source_id=f"unnamed#{_fingerprint(event)}", payload=event)


def statement_of(item: Item, assumed: Assumptions) -> Activity | Retraction:
    """What an event states: work, or that earlier work is taken back.

    Raises:
        Skippable: the event is understood and is no activity.
        Malformed: it is no event of SRIKANDI, a field is unreadable, or its meaning is unknown.
    """
    event, data = _checked_event(item.payload, assumed)
    key = _key(data)
    rule = assumed.rules.get(key)
    if rule is None:
        raise Malformed(f"the event {key[:80]!r} is unknown: add it to assumptions.rules")
    if rule.retracts:
        return Retraction(
            source_id=item.source_id,
            retracts=_taken_back(event, data, rule.retracts, assumed),
            at=_instant(event.get("time")),
            reason=_reason(data, rule.reason or key),
        )
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


def _key(data: Mapping[str, JSON]) -> str:
    return "/".join(_word(data, name) for name in ("kelompok", "peristiwa", "status"))


def _content_name(data: Mapping[str, JSON], key: str, assumed: Assumptions) -> str | None:
    """What happened, named by the fields of its rule; None where they are blank or not asked for.

    The NIP in it has no spaces, so that a file that was typed names it as a webhook does.
    """
    rule = assumed.rules.get(key)
    if rule is None or not rule.named_by:
        return None
    values = [" ".join(str(data.get(name) or "").split()) for name in rule.named_by]
    if not values[0]:
        return None
    parts = zip(rule.named_by, values, strict=True)
    return ":".join(
        (key, *(one.replace(" ", "") if name.startswith("nip") else one for name, one in parts))
    )


def _taken_back(
    event: Mapping[str, JSON], data: Mapping[str, JSON], key: str, assumed: Assumptions
) -> str:
    """The name of the item that an event takes back. Raises: Malformed when that is not told."""
    by_content = bool(assumed.rules[key].named_by)
    named = _content_name(data, key, assumed) if by_content else data.get("membatalkan")
    if not named:
        raise Malformed(f"the event does not tell which {key} it takes back")
    return _short(f"{event['source']}#{named}")


def _reason(data: Mapping[str, JSON], reason: str) -> str:
    said = str(data.get("instruksi") or "").strip()
    return f"{reason}: {said}"[:1_000] if said else reason


def _short(name: str) -> str:
    """A name that the SDK takes: a long one is its beginning and a fingerprint of the whole."""
    return name if len(name) <= 200 else f"{name[:160]}~{_fingerprint(name)}"


def _fingerprint(value: JSON) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


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
