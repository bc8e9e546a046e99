"""From one CloudEvent to what it states, by the rule for its type. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation

from ekinerja_connectors import (
    JSON,
    Activity,
    Evidence,
    Item,
    Malformed,
    Retraction,
    Skippable,
)

from .events import name_of
from .pointers import filled, found
from .settings import RETRACTION, SKIP, Rule, Settings

__all__ = ["statement_of"]

LONGEST = timedelta(hours=24)


def statement_of(item: Item, settings: Settings) -> Activity | Retraction:
    """What an event states.

    Raises:
        Skippable: its type is one that states nothing.
        Malformed: it is no CloudEvent 1.0, its type has no rule, or a field cannot be read.
    """
    event = item.payload
    if not isinstance(event, Mapping) or event.get("specversion") != "1.0":
        raise Malformed("only CloudEvents of specversion 1.0 are read")
    for name in ("id", "source", "type"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise Malformed(f"the CloudEvent has no {name}")
    type_ = str(event["type"])
    rule = settings.rule_of(type_)
    if rule is None and settings.skip_unknown:
        raise Skippable(f"the type {type_[:80]} has no rule")
    if rule is None:
        raise Malformed(f"the type {type_[:80]} has no rule: add it to the setting types")
    if rule.means == SKIP:
        raise Skippable(f"events of type {type_[:80]} are no activity")
    if rule.means == RETRACTION:
        return _retraction(item, event, rule)
    return _activity(item, event, rule, type_)


def _activity(item: Item, event: Mapping[str, JSON], rule: Rule, type_: str) -> Activity:
    start = found(event, rule.start)
    begun = _instant("start", event.get("time") if start is None else start)
    end = found(event, rule.end)
    ended = None if end is None else _instant("end", end)
    if ended is not None and ended - begun > LONGEST:
        raise Malformed("the activity lasts longer than 24 hours")
    quantity = _quantity(found(event, rule.quantity))
    unit = _text("unit", found(event, rule.unit)) or rule.unit_name or None
    if quantity is not None and unit is None:
        raise Malformed(f"the quantity has no unit at {rule.unit or 'any place'}: set unit_name")
    return Activity(
        source_id=item.source_id,
        nip=(_text("nip", found(event, rule.nip)) or "").replace(" ", ""),
        kind=(rule.kind or type_)[:100],
        title=_shortened(filled(event, rule.title), 500),
        occurred_at=begun,
        ended_at=ended,
        description=_text("description", found(event, rule.description)),
        category=_text("category", found(event, rule.category)),
        quantity=quantity,
        unit_of_measure=unit if quantity is not None else None,
        evidence=_evidence(event, rule),
    )


def _retraction(item: Item, event: Mapping[str, JSON], rule: Rule) -> Retraction:
    taken_back = _text("retracts", found(event, rule.retracts))
    if taken_back is None:
        raise Malformed(f"nothing stands at {rule.retracts}: what is taken back?")
    source = _text("retracts_source", found(event, rule.retracts_source)) or str(event["source"])
    return Retraction(
        source_id=item.source_id,
        retracts=name_of(source, taken_back),
        at=_instant("time", event.get("time")),
        reason=_shortened(_text("reason", found(event, rule.reason)) or str(event["type"]), 1_000),
    )


def _instant(name: str, value: JSON) -> datetime:
    if not isinstance(value, str):
        raise Malformed(f"{name} must be a text of RFC 3339, not {type(value).__name__}")
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise Malformed(f"{name} must be RFC 3339, not {value[:40]!r}") from error
    if instant.utcoffset() is None:
        raise Malformed(f"{name} has no time zone: {value[:40]!r}")
    return instant


def _quantity(value: JSON) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Malformed(f"quantity must be a number, not {type(value).__name__}")
    try:
        return Decimal(str(value))
    except InvalidOperation as error:
        raise Malformed(f"quantity must be a number, not {str(value)[:40]!r}") from error


def _text(name: str, value: JSON) -> str | None:
    """Text, or a number as text; None for what is absent or blank."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(f"{name} must be text, not {type(value).__name__}")
    return str(value).strip() or None


def _shortened(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _evidence(event: Mapping[str, JSON], rule: Rule) -> tuple[Evidence, ...]:
    url = _text("evidence_url", found(event, rule.evidence_url))
    if url is None:
        return ()
    title = _shortened(filled(event, rule.evidence_title), 500)
    return (Evidence(title=title or "Bukti dukung", url=url),)
