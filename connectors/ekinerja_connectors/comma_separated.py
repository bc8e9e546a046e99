"""CSV as offices make it: which encoding, which separator, and its rows. See `tables`."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator

from .errors import Malformed

__all__ = ["decoded", "separated"]

_SEPARATORS = ";,\t|"
_DECLARED = re.compile(r"sep=([;,\t|])\r?\n", re.I)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_LOOKED_AT = 64 * 1024  # characters by which the separator is told


def decoded(name: str, content: bytes) -> tuple[str, str]:
    """The text of a file without its byte order mark, and the encoding that it had.

    Windows-1252 reads nearly anything, so it is told when it was what remained.

    Raises:
        Malformed: it is no text.
    """
    marked = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text, encoding
    raise Malformed(f"{name} is no text in UTF-8, UTF-16 or Windows-1252, and no workbook")


def separated(name: str, text: str) -> Iterator[tuple[str, ...]]:
    """The rows, their cells stripped; an empty line is an empty row.

    Raises:
        Malformed: a quotation mark is never closed, or a cell is huge.
    """
    declared = _DECLARED.match(text)
    separator = declared[1] if declared else _separator_of(text[:_LOOKED_AT])
    if declared:
        yield ()  # a spreadsheet hides that line, and its rows still count it
        text = text[declared.end() :]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        for cells in rows:
            yield tuple(cell.strip() for cell in cells)
    except csv.Error as error:
        raise Malformed(f"{name} cannot be read beyond line {rows.line_num}: {error}") from error


def _separator_of(text: str) -> str:
    """The candidate that the most of the first lines have, and then the most of it."""
    lines = [line for line in _QUOTED.sub("", text).splitlines() if line.strip()][:20]

    def weight(candidate: str) -> tuple[int, int]:
        counts = [line.count(candidate) for line in lines]
        return sum(count > 0 for count in counts), sum(counts)

    return max(_SEPARATORS, key=weight)
