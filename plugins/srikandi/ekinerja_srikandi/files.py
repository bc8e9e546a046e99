"""An export of SRIKANDI as items and refused rows."""

from __future__ import annotations

from datetime import date

from ekinerja_connectors import JSON, FileReading, Item, Malformed, RefusedRow, Upload

from .rows import KNOWN, event_of, kind_of, named
from .settings import Settings
from .tables import Row, table_of
from .translate import item_of

__all__ = ["reading_of"]


def reading_of(upload: Upload, settings: Settings, today: date) -> FileReading:
    """What a CSV or XLSX export holds.

    The same row twice is one item; a row that says otherwise of what an earlier row named is
    refused. `today` is by the clock of the export's zone.

    Raises:
        Malformed: nothing of the file can be read.
    """
    columns = settings.assumptions.columns
    table = table_of(upload, KNOWN | frozenset(columns))
    header = tuple(columns.get(name, name) for name in table.header)
    kind = kind_of(frozenset(header), upload.name)
    if not settings.source and "source" not in header:
        raise Malformed(
            f"{upload.name} does not name the source of its events: set `source` to what webhooks "
            "carry, or to any lasting name where only files are handed in"
        )
    items: dict[str, tuple[int, Item]] = {}
    refused: list[RefusedRow] = []
    for row in table.rows:
        try:
            event = event_of(kind, named(header, row), settings, today)
            item = item_of(event, settings.assumptions)
            number, earlier = items.setdefault(item.source_id, (row.number, item))
            if earlier.payload != item.payload:
                raise Malformed(f"row {number} says otherwise of the same: {item.source_id}")
        except Malformed as fault:
            refused.append(
                RefusedRow(row=row.number, reason=str(fault), payload=_payload(header, row))
            )
    return FileReading(items=tuple(item for _, item in items.values()), refused=tuple(refused))


def _payload(header: tuple[str, ...], row: Row) -> JSON:
    """The row as it was read: by column, or its bare cells where they do not fit the header."""
    try:
        return named(header, row)
    except Malformed:
        cells = list(row.cells)
        while cells and cells[-1] in (None, ""):
            del cells[-1]
        return cells
