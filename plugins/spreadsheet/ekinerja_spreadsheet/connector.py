"""The spreadsheet connector: a sheet of daily work in, activities and refused rows out."""

from __future__ import annotations

from ekinerja_connectors import (
    Activity,
    Connector,
    FileReading,
    Files,
    Item,
    Malformed,
    RefusedRow,
    Translation,
    Upload,
)
from ekinerja_connectors.tables import Record, read_sheet

from .columns import COLUMNS, HEADINGS, REQUIRED
from .settings import Settings
from .translate import activity_of

__all__ = ["SpreadsheetConnector"]


class SpreadsheetConnector(Connector[Settings], Files, Translation):
    """Bulk sheets of daily work (*progres harian*), XLSX or CSV."""

    name = "spreadsheet"
    title = "Lembar kerja (XLSX, CSV)"
    version = "0.1.0"
    settings = Settings

    def read(self, upload: Upload) -> FileReading:
        """The rows that are activities as items, the others with all that is wrong with them."""
        sheet = read_sheet(upload, sheet=self.config.worksheet)
        header = sheet.header(COLUMNS, REQUIRED)
        items: dict[str, Item] = {}
        rows: dict[str, int] = {}
        refused: list[RefusedRow] = []
        for record in sheet.records(header):
            try:
                item = self._item_of(record)
                if item.source_id in items:
                    raise Malformed(
                        f"it says the same as row {rows[item.source_id]}: who, when and what; "
                        "delete one of them"
                    )
            except Malformed as error:
                refused.append(
                    RefusedRow(row=record.number, reason=str(error), payload=record.payload)
                )
            else:
                items[item.source_id] = item
                rows[item.source_id] = record.number
        return FileReading(items=tuple(items.values()), refused=tuple(refused))

    def _item_of(self, record: Record) -> Item:
        if record.formulas:
            named = ", ".join(HEADINGS[name] for name in record.formulas)
            raise Malformed(f"{named}: a formula is never computed; paste it as a value")
        values = dict(record.values)
        return Item(source_id=activity_of(values, self.config).source_id, payload=values)

    def translate(self, item: Item) -> Activity:
        activity = activity_of(item.payload, self.config)
        if activity.source_id != item.source_id:
            raise Malformed("the row does not bear its own name; was the setting kind changed?")
        return activity
