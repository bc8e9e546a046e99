"""From one SIASN record to one activity: pure, and all that it supposes is in `assumptions`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta, timezone

from ekinerja_connectors import JSON, Activity, Item, Malformed, Skippable

from .assumptions import Assumptions
from .envelope import date_of, instant_of

__all__ = ["activity_of", "item_of"]


def item_of(row: JSON) -> Item:
    """The item of one row: named by its id and state, since each state is work of its own.

    A row without them is named by nothing that lasts, so its own text names it; `activity_of`
    then refuses it, and it is kept as a dead letter instead of stopping the page.
    """
    if isinstance(row, Mapping) and row.get("id") and row.get("status"):
        try:
            return Item(source_id=f"disposisi:{row['id']}:{_state(row)}", payload=row)
        except Malformed:
            pass
    return Item(source_id=f"disposisi:unnamed:{_fingerprint(row)}", payload=row)


def activity_of(item: Item, assumed: Assumptions) -> Activity:
    """The activity that a disposition states.

    Raises:
        Skippable: its state is no activity.
        Malformed: a field is missing or unreadable, or the state is unknown.
    """
    row = item.payload
    if not isinstance(row, Mapping):
        raise Malformed("a disposition must be an object")
    state = _state(row)
    rule = assumed.rules.get(state)
    if rule is None:
        raise Malformed(f"the state {state[:40]!r} is unknown: add it to assumptions.rules")
    if not rule.kind:
        raise Skippable(rule.reason or f"the state {state} is no activity")
    subject = str(row.get("perihal") or "tanpa perihal").strip()
    zone = timezone(timedelta(hours=assumed.utc_offset_hours))
    return Activity(
        source_id=item.source_id,
        nip=str(row.get(rule.person) or "").replace(" ", ""),
        kind=rule.kind,
        title=rule.title.replace("{perihal}", subject)[:500],
        occurred_at=instant_of(row.get("waktu"), zone),
        description=_description(row),
        category=assumed.category,
    )


def _description(row: Mapping[str, JSON]) -> str | None:
    parts = []
    if row.get("nomorSurat"):
        letter = f"Surat {row['nomorSurat']}"
        if row.get("tanggalSurat"):
            letter += f" tanggal {date_of(row['tanggalSurat']):%d-%m-%Y}"
        parts.append(letter)
    if row.get("instruksi"):
        parts.append(f"Instruksi: {row['instruksi']}")
    return ". ".join(parts)[:10_000] or None


def _state(row: Mapping[str, JSON]) -> str:
    return str(row.get("status") or "").strip().lower()


def _fingerprint(row: JSON) -> str:
    text = json.dumps(row, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
