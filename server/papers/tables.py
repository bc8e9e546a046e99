"""A unit's table as workbook and as text: typed cells, for spreadsheets of Indonesian offices."""

import asyncio
import csv
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from typing import Any, BinaryIO

import xlsxwriter

from schema.papers.lines import achieved_in_all, grounds_of
from schema.papers.service import UnitTable
from schema.papers.values import Grounds, TableHead, UnitRow
from schema.papers.words import PREDICATES, RATINGS, STATES, evaluation, hours, number

Value = str | int | Decimal | date | None
Of = Callable[[UnitRow, Grounds | None], Value]

MARK = b"\xef\xbb\xbf"
"""Tells Excel that a text is UTF-8."""
BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
HEADS = 2
"""Rows before the first person: what table it is, and the columns' names."""
AT_ONCE = 200
MADE = datetime(2000, 1, 1, tzinfo=UTC).replace(tzinfo=None)
"""Said as a workbook's day of making, so that the same table makes the same bytes."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its words, its width in letters, its number format, and its value of a row."""

    title: str
    width: int
    form: str | None
    of: Of


def _of_grounds(of: Callable[[Grounds], Value]) -> Of:
    return lambda _, grounds: None if grounds is None else of(grounds)


# Number formats are Excel's own; where the office's language is Indonesian it shows 1.234,50.
TWO, WHOLE, DAY, TEXT = "#,##0.00", "#,##0", "dd/mm/yyyy", "@"
COLUMNS = (
    Column("NIP", 20, TEXT, lambda row, _: row.nip),
    Column("Nama", 30, None, lambda row, _: row.name),
    Column("Jabatan", 34, None, lambda row, _: row.position),
    Column("Unit Kerja", 34, None, lambda row, _: row.unit),
    Column("Mulai", 11, DAY, lambda row, _: row.starts_on),
    Column("Sampai", 11, DAY, lambda row, _: row.ends_on),
    Column("Status", 18, None, lambda row, _: STATES[row.state]),
    Column("Hasil Kerja", 22, None, lambda row, _: row.work_rating and RATINGS[row.work_rating]),
    Column(
        "Perilaku Kerja",
        22,
        None,
        lambda row, _: row.behaviour_rating and RATINGS[row.behaviour_rating],
    ),
    Column("Predikat", 20, None, lambda row, _: row.predicate and PREDICATES[row.predicate]),
    Column("Capaian (%)", 12, TWO, _of_grounds(achieved_in_all)),
    Column("Jam Tercatat", 12, TWO, _of_grounds(lambda one: hours(one.time.recorded_minutes))),
    Column("Jam Wajib", 12, TWO, _of_grounds(lambda one: hours(one.time.required_minutes))),
    Column("Hari Terisi", 11, WHOLE, _of_grounds(lambda one: one.time.days_filled)),
)
PAY = Column("Tunjangan Kinerja (Rp)", 18, TWO, lambda row, _: row.allowance)


def columns_of(head: TableHead) -> tuple[Column, ...]:
    """Pay is for administrators and auditors; for others the column is not there at all."""
    return (*COLUMNS, PAY) if head.with_pay else COLUMNS


def title_of(head: TableHead) -> str:
    period = evaluation(head.kind, head.number, head.ends_on.year)
    return f"Evaluasi Kinerja {period}: {head.unit} ({head.agency})"


async def write_workbook(table: UnitTable, target: BinaryIO) -> int:
    """Write the table as XLSX, some rows at a time in memory; returns how many there are."""
    columns = columns_of(table.head)
    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    book.set_properties({"title": title_of(table.head), "created": MADE})
    sheet = book.add_worksheet("Evaluasi")
    forms = _begun(book, sheet, title_of(table.head), columns)
    count = 0
    async for rows in _batches(table.rows):
        await asyncio.to_thread(_write_rows, sheet, HEADS + count, rows, columns, forms)
        count += len(rows)
    sheet.autofilter(HEADS - 1, 0, HEADS - 1 + count, len(columns) - 1)
    await asyncio.to_thread(book.close)
    return count


def _begun(book: Any, sheet: Any, title: str, columns: Sequence[Column]) -> list[Any]:
    """Write the heads, which stay in sight and come again on paper; the columns' formats."""
    strong = book.add_format({"bold": True, "bg_color": "#E6E6E6", "border": 1, "text_wrap": True})
    sheet.freeze_panes(HEADS, 2)
    sheet.repeat_rows(HEADS - 1)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.write_string(0, 0, title, book.add_format({"bold": True}))
    for place, column in enumerate(columns):
        sheet.set_column(place, place, column.width)
        sheet.write_string(HEADS - 1, place, column.title, strong)
    return [book.add_format({"num_format": one.form or "General"}) for one in columns]


async def _batches(rows: AsyncIterator[UnitRow]) -> AsyncIterator[list[UnitRow]]:
    """So many at once that the event loop goes on between them."""
    batch: list[UnitRow] = []
    async for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _write_rows(
    sheet: Any, first: int, rows: list[UnitRow], columns: Sequence[Column], forms: list[Any]
) -> None:
    for line, row in enumerate(rows, start=first):
        grounds = grounds_of(row)
        for place, (column, form) in enumerate(zip(columns, forms, strict=True)):
            _write(sheet, line, place, column.of(row, grounds), form)


def _write(sheet: Any, row: int, place: int, value: Value, form: Any) -> None:
    if isinstance(value, str):
        sheet.write_string(row, place, value, form)
    elif isinstance(value, date):
        sheet.write_datetime(row, place, value, form)
    elif value is not None:
        sheet.write_number(row, place, float(value), form)


async def write_text(table: UnitTable, target: BinaryIO) -> int:
    """Write the table as CSV: UTF-8 with its mark, semicolons, decimal commas, days as
    31/12/2026. Returns how many rows there are."""
    columns = columns_of(table.head)
    target.write(MARK + _line([column.title for column in columns]))
    count = 0
    async for rows in _batches(table.rows):
        target.write(await asyncio.to_thread(_lines, rows, columns))
        count += len(rows)
    return count


def _lines(rows: list[UnitRow], columns: Sequence[Column]) -> bytes:
    each = ((row, grounds_of(row)) for row in rows)
    return b"".join(
        _line([_said(column, column.of(row, grounds)) for column in columns])
        for row, grounds in each
    )


def _said(column: Column, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    if isinstance(value, str):
        return f"'{value}" if column.form == TEXT else guarded(value)
    return number(value, 2 if column.form == TWO else None).replace(".", "")


# A NIP has more digits than a spreadsheet's numbers: without the apostrophe three are lost.
def guarded(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before such a one."""
    return f"'{text}" if text.startswith(BEGINS_FORMULA) else text


def _line(cells: list[str]) -> bytes:
    line = StringIO()
    csv.writer(line, delimiter=";", lineterminator="\r\n").writerow(cells)
    return line.getvalue().encode()
