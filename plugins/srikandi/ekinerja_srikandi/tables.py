"""Tables in files: CSV and XLSX as one header and numbered rows of cells, nothing interpreted.

What a column means belongs to `rows`.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from ekinerja_connectors import Fatal, Malformed, Upload

__all__ = ["MAX_ROWS", "Cell", "Row", "Table", "table_of"]

#: As many as fit into one answer of a child process.
MAX_ROWS = 5_000
MAX_COLUMNS = 100
#: Blank rows that were formatted once count here.
LAST_ROW = 100_000
#: A title may stand above the header.
HEADER_WITHIN = 10
#: Bytes of a workbook when it is unpacked, against archives that unpack to gigabytes.
MAX_UNPACKED = 32 * 1024 * 1024
MAX_MEMBERS = 500
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

Cell: TypeAlias = str | int | float | bool | None
Sheet: TypeAlias = "Iterable[tuple[int, Sequence[Cell]]]"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its number as a spreadsheet shows it, and its cells, as many as were there."""

    number: int
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """Names of columns in lower case, with _ for a space, and the rows below that are not blank."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]


def table_of(upload: Upload, known: frozenset[str]) -> Table:
    """The table of a file whose header has at least two of the names `known`.

    Raises:
        Malformed: there is no such table, it is too long, or the file cannot be read.
    """
    if upload.content.startswith(_OLD_EXCEL):
        raise Malformed(f"{upload.name} is an old or encrypted workbook: save it as XLSX or CSV")
    if upload.content.startswith(_ZIP):
        sheets: Iterable[Sheet] = _sheets_of_workbook(upload)
    else:
        sheets = _sheets_of_text(upload)
    fault: Malformed | None = None
    for sheet in sheets:
        rows = iter(sheet)
        try:
            header = _header_in(rows, known)
        except Malformed as error:  # another sheet, or another separator, may have the table
            fault = fault or error
            continue
        if header is not None:
            return Table(header, _body_of(rows, upload.name))
    raise fault or Malformed(
        f"{upload.name} has no header that we know in its first {HEADER_WITHIN} rows; columns "
        "may be named in assumptions.columns"
    )


def _header_in(
    rows: Iterator[tuple[int, Sequence[Cell]]], known: frozenset[str]
) -> tuple[str, ...] | None:
    for number, cells in rows:
        if number > HEADER_WITHIN:
            return None
        header = tuple(_column(cell) for cell in cells)
        if len(known & set(header)) >= 2:
            named = [one for one in header if one]
            if len(named) != len(set(named)):
                raise Malformed(f"two columns have one name in row {number}")
            return header
    return None


def _body_of(rows: Iterator[tuple[int, Sequence[Cell]]], name: str) -> tuple[Row, ...]:
    found: list[Row] = []
    for number, cells in rows:
        if all(cell is None or not str(cell).strip() for cell in cells):
            continue
        if len(found) == MAX_ROWS:
            raise Malformed(f"{name} has more than {MAX_ROWS} rows: hand it in in parts")
        found.append(Row(number, cells))
    return tuple(found)


def _column(cell: Cell) -> str:
    return "_".join(str(cell or "").lower().split())


def _sheets_of_text(upload: Upload) -> Iterator[Sheet]:
    """The one table of a text, by each separator; the header that is known tells which it is."""
    text = upload.text()
    for separator in (",", ";", "\t"):
        yield _rows_of_text(text, separator, upload.name)


def _rows_of_text(text: str, separator: str, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Malformed(f"{name} cannot be read from row {number} on: {error}") from error
        yield number, cells


def _sheets_of_workbook(upload: Upload) -> Iterator[Sheet]:
    _check_archive(upload)
    # Imported here, since few installations are handed workbooks and it takes 20 MB.
    import openpyxl
    from openpyxl.xml import DEFUSEDXML

    if not DEFUSEDXML:
        raise Fatal("workbooks are not read: defusedxml is missing or switched off for openpyxl")
    try:
        book = openpyxl.load_workbook(
            io.BytesIO(upload.content), read_only=True, data_only=False, keep_links=False
        )
    except Exception as error:  # whatever the library raises, nothing of the file can be read
        raise Malformed(f"{upload.name} is no workbook that can be read: {error}") from error
    for sheet in book.worksheets:
        yield _rows_of_sheet(sheet, upload.name)


def _check_archive(upload: Upload) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(upload.content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Malformed(f"{upload.name} is no workbook that can be read: {error}") from error
    unpacked = sum(one.file_size for one in members)
    if unpacked > MAX_UNPACKED or len(members) > MAX_MEMBERS:
        raise Malformed(
            f"{upload.name} unpacks to {len(members)} files of {unpacked} bytes; at most "
            f"{MAX_MEMBERS} of {MAX_UNPACKED} are taken"
        )


def _rows_of_sheet(sheet: Any, name: str) -> Iterator[tuple[int, Sequence[Cell]]]:
    sheet.reset_dimensions()  # what a file says of its own size is not to be trusted
    rows = sheet.iter_rows(max_row=LAST_ROW, max_col=MAX_COLUMNS, values_only=True)
    number = 0
    while True:
        number += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except Exception as error:  # see above
            raise Malformed(f"{name} cannot be read from row {number} on: {error}") from error
        if number == LAST_ROW:
            raise Malformed(f"{name} goes beyond row {LAST_ROW}: delete the blank rows at its end")
        yield number, [_cell(one) for one in cells]


def _cell(value: Any) -> Cell:
    """A cell's value; a formula is its own text and is never worked out."""
    if isinstance(value, datetime):
        midnight = value.time() == datetime.min.time()
        return value.date().isoformat() if midnight else value.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)
