"""From one disposition to what it states: pure, and what it supposes is in `assumptions`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta, timezone

from ekinerja_connectors import JSON, Activity, Item, Malformed, Retraction, Skippable

from .assumptions import Assumptions
from .fields import date_of, instant_of

__all__ = ["item_of", "statement_of"]


def item_of(row: JSON) -> Item:
    """The item of one row: named by its id and state, since each state is work of its own.

    A row without them is named by nothing that lasts, so its own text names it; `statement_of`
    then refuses it, and it is kept as a dead letter instead of stopping the page.
    """
    if isinstance(row, Mapping) and row.get("id") and row.get("status"):
        try:
            return Item(source_id=_name(row, _state(row)), payload=row)
        except Malformed:
            pass
    return Item(source_id=f"disposisi:unnamed:{_fingerprint(row)}", payload=row)


def statement_of(item: Item, assumed: Assumptions) -> Activity | Retraction:
    """What a disposition states in the state that it has: work, or that its making is taken back.

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
    zone = timezone(timedelta(hours=assumed.utc_offset_hours))
    if rule.retracts:
        if not row.get("id"):
            raise Malformed("a cancelled disposition has no id: which one it was is not told")
        return Retraction(
            source_id=item.source_id,
            retracts=_name(row, rule.retracts),
            at=instant_of(row.get("waktu"), zone),
            reason=rule.reason or state,
        )
    if not rule.kind:
        raise Skippable(rule.reason or f"the state {state} is no activity")
    subject = str(row.get("perihal") or "tanpa perihal").strip()
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


def _name(row: Mapping[str, JSON], state: str) -> str:
    """The name of a disposition in one state; a later state can so name an earlier one."""
    return f"disposisi:{row.get('id')}:{state}"


def _state(row: Mapping[str, JSON]) -> str:
    return str(row.get("status") or "").strip().lower()


def _fingerprint(row: JSON) -> str:
    text = json.dumps(row, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
