"""From one clocking, as a record, to its lasting name and to what it states. Pure.

A record is an object whose fields are called as the setting `fields` says: what a service sends
as it is, or a row of a file. The same press has the same name either way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from ekinerja_connectors import (
    JSON,
    Direction,
    Item,
    Malformed,
    Presence,
    Retraction,
    Skippable,
)
from ekinerja_connectors.moments import moment_of, zone_of

from .settings import BREAK, Settings

__all__ = ["item_of", "statement_of"]


def item_of(record: JSON, settings: Settings) -> Item:
    """The item of a record, named by who, when and which way; a cancellation by what it cancels.

    What cannot be named by these is named by its own text; `statement_of` then refuses it.
    """
    try:
        given = _object(record)
        name = _name_of(given, settings)
        if _value(given, "cancelled", settings) is True:
            name = f"batal#{name}"
        return Item(source_id=name, payload=record)
    except Malformed:
        text = json.dumps(record, sort_keys=True)
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return Item(source_id=f"unnamed#{digest}", payload=record)


def statement_of(item: Item, settings: Settings) -> Presence | Retraction:
    """What a clocking states.

    Raises:
        Skippable: it is the beginning or end of a break.
        Malformed: a field is missing or cannot be read, or nobody is known by the PIN.
    """
    record = _object(item.payload)
    way = _way(record, settings)
    if way == BREAK:
        raise Skippable("a break is neither coming nor going")
    at = _instant(record, settings)
    cancelled = _value(record, "cancelled", settings)
    if cancelled is not None and not isinstance(cancelled, bool):
        raise Malformed("cancelled must be true or false")
    if cancelled:
        return Retraction(
            source_id=item.source_id,
            retracts=_name_of(record, settings),
            at=at,
            reason="Presensi dibatalkan di sumbernya",
        )
    return Presence(
        source_id=item.source_id,
        nip=_person(record, settings),
        at=at,
        direction=Direction.IN if way == "in" else Direction.OUT,
        place=_text(record, "place", settings)[:200] or None,
    )


def _name_of(record: Mapping[str, JSON], settings: Settings) -> str:
    pin = _text(record, "pin", settings)
    who = _nip(record, settings) or settings.pins.get(pin) or f"pin:{pin}"
    if who == "pin:":
        raise Malformed("neither nip nor pin says who")
    way = _way(record, settings)
    instant = _instant(record, settings).astimezone(UTC)
    name = f"{who}#{instant:%Y%m%dT%H%M%SZ}#{way}"
    if len(name) > 150:
        raise Malformed("the name of the person is no NIP and no PIN")
    return name


def _person(record: Mapping[str, JSON], settings: Settings) -> str:
    nip = _nip(record, settings)
    if nip:
        return nip
    pin = _text(record, "pin", settings)
    if pin not in settings.pins:
        raise Malformed(f"nobody is known by the PIN {pin[:40]!r}: add it to the setting pins")
    return settings.pins[pin]


def _way(record: Mapping[str, JSON], settings: Settings) -> str:
    word = _text(record, "direction", settings)
    if not word:
        raise Malformed("direction is missing: in or out?")
    way = settings.way_of(word)
    if way is None:
        raise Malformed(f"the direction {word[:40]!r} is unknown: add it to the setting directions")
    return way


def _instant(record: Mapping[str, JSON], settings: Settings) -> datetime:
    instant = moment_of(_text(record, "at", settings), zone_of(settings.zone)).replace(
        microsecond=0
    )
    if not 1970 < instant.year < 9999:
        raise Malformed(f"at lies in the year {instant.year}: set the clock of the machine")
    return instant


def _object(value: JSON) -> Mapping[str, JSON]:
    if not isinstance(value, Mapping):
        raise Malformed("a clocking must be an object")
    return value


def _nip(record: Mapping[str, JSON], settings: Settings) -> str:
    return _text(record, "nip", settings).replace(" ", "")


def _value(record: Mapping[str, JSON], name: str, settings: Settings) -> JSON:
    return record.get(getattr(settings.fields, name))


def _text(record: Mapping[str, JSON], name: str, settings: Settings) -> str:
    """Text, or a whole number as text; empty where nothing stands."""
    value = _value(record, name, settings)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise Malformed(f"{name} must be text, not {type(value).__name__}")
    try:
        return str(value).strip()
    except ValueError as error:  # an integer of thousands of digits
        raise Malformed(f"{name} is a number beyond all measure") from error
