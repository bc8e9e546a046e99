"""Worksheets of an XLSX as rows of text, guarded against what unpacks to far more. See `tables`.

openpyxl is imported when the first workbook is read: it comes with the extra `xlsx`.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from .errors import Fatal, Malformed

__all__ = ["rows_of_workbook"]

MAX_UNPACKED_BYTES = 64 * 1024 * 1024
MAX_MEMBERS = 500
MAX_EMPTY_ROWS = 20_000
MAX_WIDTH = 2_000  # columns, empty ones too
#: A spreadsheet keeps 15 significant digits of a number.
EXACT_DIGITS = 15


def rows_of_workbook(
    name: str, content: bytes, sheet: str | None
) -> Iterator[tuple[tuple[str, ...], frozenset[int]]]:
    """Each row's cells as text, and which of them are formulas.

    Raises:
        Malformed: it is no workbook, unpacks to more than 64 MiB, or has no such worksheet.
        Fatal: openpyxl is not installed.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise Fatal('to read .xlsx, install "ekinerja-connectors[xlsx]"') from error
    _guard(name, content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of decorations that openpyxl leaves out
        try:
            book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
            try:
                yield from _rows(name, _worksheet(name, book, sheet))
            finally:
                book.close()
        except (Malformed, MemoryError):
            raise
        except Exception as error:  # openpyxl names no errors of its own for broken files
            cause = f"{type(error).__name__}: {error}"[:200]
            raise Malformed(f"{name} is no workbook that can be read: {cause}") from error


def _guard(name: str, content: bytes) -> None:
    """Refuse by the sizes that the archive declares: unpacking stops at those."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise Malformed(f"{name} is a damaged workbook: {error}") from error
    unpacked = sum(one.file_size for one in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED_BYTES:
        raise Malformed(
            f"{name} unpacks to {unpacked} bytes in {len(members)} parts; at most "
            f"{MAX_UNPACKED_BYTES} in {MAX_MEMBERS} are taken"
        )


def _worksheet(name: str, book: Any, sheet: str | None) -> Any:
    titles = [one.title for one in book.worksheets]
    if not titles or (sheet is not None and sheet not in titles):
        raise Malformed(f"{name} has no worksheet {sheet or 'at all'}; it has {titles}"[:500])
    return book[titles[0] if sheet is None else sheet]


def _rows(name: str, worksheet: Any) -> Iterator[tuple[tuple[str, ...], frozenset[int]]]:
    worksheet.reset_dimensions()  # what a file claims of its extent is often wrong
    empty = 0
    for row in worksheet.iter_rows():
        if len(row) > MAX_WIDTH:
            raise Malformed(f"{name} has {len(row)} columns; at most {MAX_WIDTH} are looked at")
        cells = tuple(_text_of(one.value) for one in row)
        empty = 0 if any(cells) else empty + 1
        if empty > MAX_EMPTY_ROWS:
            raise Malformed(f"{name} has {empty} empty rows in succession; delete what is below")
        yield cells, _formulas(row, cells)


def _formulas(row: Sequence[Any], cells: Sequence[str]) -> frozenset[int]:
    found = (at for at, one in enumerate(row) if getattr(one, "data_type", None) == "f")
    return frozenset(at for at in found if cells[at])


def _text_of(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):  # a time of more than a day, or of none
        return str(value)
    return str(value).strip()


def _number(value: int | float) -> str:
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return repr(value)
    digits = "".join(map(str, exact.as_tuple().digits)).rstrip("0")
    if abs(exact) >= 10**EXACT_DIGITS and len(digits) <= EXACT_DIGITS:
        return f"{exact:.14E}"  # whatever stood in the last digits is lost
    return format(exact.to_integral() if exact == exact.to_integral() else exact, "f")
