"""From one item to what it states: a meeting held, or one taken back. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from ekinerja_connectors import JSON, Activity, Evidence, Item, Malformed, Retraction

__all__ = ["statement_of"]


def statement_of(item: Item) -> Activity | Retraction:
    """What an item states.

    Raises:
        Malformed: the event or calendar it stands for could not be read, or it is of no form
            that this connector gives.
    """
    payload = item.payload
    if not isinstance(payload, Mapping):
        raise Malformed("a meeting must be an object")
    if "unreadable" in payload:
        raise Malformed(_text(payload, "unreadable")[:1_000] or "unreadable")
    if "retracts" in payload:
        return Retraction(
            source_id=item.source_id,
            retracts=_text(payload, "retracts"),
            at=_instant(payload, "at"),
            reason=_text(payload, "reason"),
        )
    subject = " ".join(_text(payload, "title").split())
    title = f"Rapat: {subject}" if subject else "Rapat"
    place = " ".join(_text(payload, "location").split())
    url = _text(payload, "url").strip()
    linked = url.startswith(("http://", "https://"))
    return Activity(
        source_id=item.source_id,
        nip=_text(payload, "nip"),
        kind="rapat",
        title=title if len(title) <= 500 else f"{title[:499]}…",
        occurred_at=_instant(payload, "start"),
        ended_at=_instant(payload, "end"),
        description=f"Tempat: {place}"[:10_000] if place else None,
        evidence=(Evidence(title="Undangan rapat", url=url),) if linked else (),
    )


def _text(payload: Mapping[str, JSON], name: str) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name} must be text, not {type(value).__name__}")
    return value


def _instant(payload: Mapping[str, JSON], name: str) -> datetime:
    text = _text(payload, name)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{name} must be ISO 8601, not {text[:40]!r}") from error
    if instant.utcoffset() is None:
        raise Malformed(f"{name} has no time zone: {text[:40]!r}")
    return instant
