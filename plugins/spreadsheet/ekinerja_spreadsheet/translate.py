"""From one row of the bulk sheet to one activity: pure, with all faults of the row at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import TypeVar

from ekinerja_connectors import JSON, Activity, Malformed
from ekinerja_connectors.moments import date_of, time_of, zone_of

from .cells import end_of, evidence_of, nip_of, quantity_of
from .columns import HEADINGS, REQUIRED
from .settings import Settings

__all__ = ["activity_of", "name_of"]

T = TypeVar("T")


class _Faults(list[str]):
    """What is wrong with a row, column by column."""

    def read(self, values: Mapping[str, str], column: str, how: Callable[[str], T]) -> T | None:
        """The column's meaning; None where it is empty or, noted here, cannot be read."""
        text = values.get(column)
        if text is None:
            if column in REQUIRED:
                self.append(f"{HEADINGS[column]}: it is empty")
            return None
        try:
            return how(text)
        except Malformed as error:
            self.append(f"{HEADINGS[column]}: {error}")
            return None


def name_of(kind: str, nip: str, day: date, begin: time, activity: str) -> str:
    """The lasting name of a row: who did what when. Its place in the sheet is no part of it."""
    text = " ".join(activity.casefold().split())
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{kind}#{nip}#{day.isoformat()}T{begin:%H%M%S}#{digest}"


def activity_of(values: JSON, settings: Settings) -> Activity:
    """The activity of a row, whose `values` are texts by the names of `columns`.

    Raises:
        Malformed: lists each column that cannot be read, by its heading.
    """
    given = _texts(values)
    faults = _Faults()
    nip = faults.read(given, "nip", nip_of)
    day = faults.read(given, "date", date_of)
    begin = faults.read(given, "begin", time_of)
    activity = faults.read(given, "activity", str)
    zone = zone_of(settings.zone)
    on, since = day or date.min, begin or time()  # so that a fault of the end is told as well
    ended = faults.read(given, "end", lambda text: end_of(text, on, since, zone))
    quantity = faults.read(given, "quantity", quantity_of)
    unit = given.get("unit")
    if quantity is not None and unit is None:
        faults.append(f"{HEADINGS['unit']}: it is empty beside a {HEADINGS['quantity']}")
    evidence = faults.read(given, "evidence", evidence_of)
    if faults or not (nip and day and activity) or begin is None:
        raise Malformed("; ".join(faults))
    title = " ".join(activity.split())
    return Activity(
        source_id=name_of(settings.kind, nip, day, begin, activity),
        nip=nip,
        kind=settings.kind,
        title=title if len(title) <= 500 else f"{title[:499]}…",
        occurred_at=datetime.combine(day, begin, zone),
        ended_at=ended,
        description=_description(title, given.get("plan")),
        category=given.get("category"),
        quantity=quantity,
        unit_of_measure=_unit(quantity, unit),
        evidence=evidence or (),
    )


def _texts(values: JSON) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise Malformed("a row must be an object")
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    if len(texts) != len(values):
        raise Malformed("all cells of a row must be texts")
    return {name: text for name, text in texts.items() if text.strip()}


def _description(title: str, plan: str | None) -> str | None:
    parts = [title if len(title) > 500 else "", f"Rencana aksi: {plan}" if plan else ""]
    return "\n".join(filter(None, parts))[:10_000] or None


def _unit(quantity: Decimal | None, unit: str | None) -> str | None:
    return None if quantity is None else unit
