"""Rows of a CSV or XLSX upload as text, with the number that a spreadsheet shows for each.

XLSX needs the extra `xlsx`. How one service names its columns belongs to its connector; reading
the dates and times in them belongs to `moments`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .activity import JSON
from .comma_separated import decoded, separated
from .errors import Malformed
from .files import Upload
from .workbooks import rows_of_workbook

__all__ = ["MAX_COLUMNS", "MAX_ROWS", "MAX_TEXT", "Header", "Record", "Row", "Sheet", "read_sheet"]

#: With these two, what is read fits into the one answer of `read`.
MAX_ROWS = 10_000
MAX_TEXT = 4 * 1024 * 1024  # characters
MAX_COLUMNS = 200
_HEADER_ROWS = 30  # above it stand titles and the office's name
_WORKBOOK, _OLD_WORKBOOK = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_MARKUP = re.compile(rb"\s*<(!doctype|html|table|\?xml)", re.I)
_NO_LETTERS = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The cells of one row, stripped; `number` is as a spreadsheet shows it, from 1.

    Dates and times of a workbook are ISO 8601, numbers exact. A number of more than 15 digits,
    of which a spreadsheet has lost the last ones, reads like 1.97310072002042E+17. `formulas`
    are the columns, from 0, whose text is a formula: none is ever computed.
    """

    number: int
    cells: tuple[str, ...]
    formulas: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A row by the names of its columns, only those that are known and not empty.

    `formulas` are the known columns that hold one; `payload` is the whole row by its headings.
    """

    number: int
    values: Mapping[str, str]
    formulas: tuple[str, ...]
    payload: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """Where the headings stand, and which column is which."""

    row: Row
    columns: Mapping[str, int]

    def record(self, row: Row) -> Record:
        """A row below the headings, by their names."""
        values = {
            name: row.cells[at]
            for name, at in self.columns.items()
            if at < len(row.cells) and row.cells[at]
        }
        headings = self.row.cells
        payload = {
            (headings[at] if at < len(headings) and headings[at] else f"column {at + 1}"): cell
            for at, cell in enumerate(row.cells)
            if cell
        }
        formulas = tuple(name for name, at in self.columns.items() if at in row.formulas)
        return Record(number=row.number, values=values, formulas=formulas, payload=payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """All rows that are not empty. `encoding` is that of a CSV, xlsx for a workbook."""

    rows: tuple[Row, ...]
    encoding: str

    def header(self, names: Mapping[str, Sequence[str]], required: Collection[str]) -> Header:
        """The first row that has a heading for each of `required`.

        `names` maps what you call a column to the headings it may have; case, spaces and
        punctuation do not matter, and the name itself is one of them.

        Raises:
            Malformed: there is no such row (what is missing is told), or a column is there twice.
        """
        best: Mapping[str, int] = {}
        for row in self.rows[:_HEADER_ROWS]:
            columns = _columns_of(row, names)
            if all(name in columns for name in required):
                return Header(row=row, columns=columns)
            best = max(best, columns, key=len)
        missing = ", ".join(name for name in required if name not in best)
        raise Malformed(f"no row of headings was found: the columns {missing} are missing")

    def records(self, header: Header) -> Iterator[Record]:
        """The rows below the headings, by their names."""
        return (header.record(row) for row in self.rows if row.number > header.row.number)


def _plain(heading: str) -> str:
    return _NO_LETTERS.sub(" ", heading.casefold()).strip()


def _columns_of(row: Row, names: Mapping[str, Sequence[str]]) -> dict[str, int]:
    meanings = {_plain(one): name for name, all_ in names.items() for one in (name, *all_)}
    columns: dict[str, int] = {}
    for at, cell in enumerate(row.cells):
        name = meanings.get(_plain(cell))
        if name is None:
            continue
        if name in columns:
            raise Malformed(f"row {row.number}: two columns are the {name}; keep one of them")
        columns[name] = at
    return columns


def _trimmed(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Without the empty cells at its end."""
    last = max((at for at, cell in enumerate(cells) if cell), default=-1)
    return cells[: last + 1]


def read_sheet(upload: Upload, *, sheet: str | None = None, max_rows: int = MAX_ROWS) -> Sheet:
    """The rows of a CSV, or of one worksheet (the first, if none is named) of a workbook.

    What the file is shows in its bytes, not in its name. A CSV is UTF-8, UTF-16 with a byte
    order mark, or else Windows-1252 (`Sheet.encoding` tells which), parted by whichever of
    `;`, `,`, tab and `|` its first lines have most of.

    Raises:
        Malformed: it is no such file, has more than `max_rows` rows, 200 columns or 4 Mi
            characters, or unpacks to more than a spreadsheet of work has any use for.
    """
    content = upload.content
    if content.startswith(_OLD_WORKBOOK):
        raise Malformed(
            f"{upload.name} is an old .xls or has a password; save it as .xlsx without one"
        )
    if _MARKUP.match(content):
        raise Malformed(f"{upload.name} is a web page; open it and save it as .xlsx")
    found: Iterator[tuple[tuple[str, ...], frozenset[int]]]
    if content.startswith(_WORKBOOK):
        encoding = "xlsx"
        found = rows_of_workbook(upload.name, content, sheet)
    else:
        text, encoding = decoded(upload.name, content)
        found = ((cells, frozenset()) for cells in separated(upload.name, text))
    rows: list[Row] = []
    size = 0
    for number, (cells, formulas) in enumerate(found, 1):
        cells = _trimmed(cells)
        if not cells:
            continue
        if len(rows) == max_rows:
            raise Malformed(f"{upload.name} has more than {max_rows} rows; hand it in in parts")
        if len(cells) > MAX_COLUMNS:
            raise Malformed(f"{upload.name}, row {number}: more than {MAX_COLUMNS} columns")
        size += sum(map(len, cells))
        if size > MAX_TEXT:
            raise Malformed(
                f"{upload.name} holds more than {MAX_TEXT} characters; hand it in in parts"
            )
        rows.append(Row(number=number, cells=cells, formulas=formulas))
    return Sheet(rows=tuple(rows), encoding=encoding)
