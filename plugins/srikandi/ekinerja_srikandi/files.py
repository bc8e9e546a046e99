"""An export of SRIKANDI as items and refused rows."""

from __future__ import annotations

from datetime import date

from ekinerja_connectors import FileReading, Item, Malformed, RefusedRow, Upload
from ekinerja_connectors.tables import Header, Row, Sheet, read_sheet

from .rows import COLUMNS, EVENT, REGISTER, REQUIRED, event_of
from .settings import Settings
from .translate import item_of

__all__ = ["reading_of"]

#: As many as fit into one answer of a child process, as items.
MAX_ROWS = 5_000


def reading_of(upload: Upload, settings: Settings, today: date) -> FileReading:
    """What a CSV or XLSX export holds.

    The same row twice is one item; a row that says otherwise of what an earlier row named is
    refused. `today` is by the clock of the export's zone.

    Raises:
        Malformed: nothing of the file can be read.
    """
    sheet = read_sheet(upload, sheet=settings.sheet or None, max_rows=MAX_ROWS + 1)
    kind, header = _header_of(sheet, settings)
    if not settings.source and "source" not in header.columns:
        raise Malformed(
            f"{upload.name} does not name the source of its events: set `source` to what webhooks "
            "carry, or to any lasting name where only files are handed in"
        )
    width = len(header.row.cells)
    items: dict[str, tuple[int, Item]] = {}
    refused: list[RefusedRow] = []
    for record, row in zip(sheet.records(header), _below(sheet, header), strict=True):
        try:
            if len(row.cells) > width:
                raise Malformed(f"cell {len(row.cells)} of the row stands under no heading")
            event = event_of(kind, record.values, settings, today)
            item = item_of(event, settings.assumptions)
            number, earlier = items.setdefault(item.source_id, (row.number, item))
            if earlier.payload != item.payload:
                raise Malformed(f"row {number} says otherwise of the same: {item.source_id}")
        except Malformed as fault:
            told = RefusedRow(row=row.number, reason=str(fault), payload=record.payload)
            refused.append(told)
    return FileReading(items=tuple(item for _, item in items.values()), refused=tuple(refused))


def _header_of(sheet: Sheet, settings: Settings) -> tuple[str, Header]:
    """Which kind of export it is, by its headings. Raises: Malformed, with what each lacks."""
    names: dict[str, list[str]] = {name: [] for name in COLUMNS}
    for other, ours in settings.assumptions.columns.items():
        names.setdefault(ours, []).append(other)
    try:
        return EVENT, sheet.header(names, REQUIRED[EVENT])
    except Malformed as fault:
        try:
            return REGISTER, sheet.header(names, REQUIRED[REGISTER])
        except Malformed as other:
            raise Malformed(
                f"it is neither an export of events ({fault}) nor a register of letters "
                f"({other}); columns may be named in assumptions.columns"
            ) from other


def _below(sheet: Sheet, header: Header) -> list[Row]:
    return [row for row in sheet.rows if row.number > header.row.number]
