"""Upload and FileReading: a file that somebody exported from a service, and what was read in it.

How one service lays out its exports belongs to its connector.
"""

from __future__ import annotations

from dataclasses import dataclass

from .activity import JSON
from .errors import Malformed
from .items import Item

__all__ = ["MAX_FILE_BYTES", "FileReading", "RefusedRow", "Upload"]

#: A file travels to the child process in one line of the wire, as base64.
MAX_FILE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file as it was handed in: its name without a folder, its bytes, its media type."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"

    def text(self) -> str:
        """The content as UTF-8, without a byte order mark.

        Raises:
            Malformed: it is not UTF-8.
        """
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Malformed(f"{self.name} is not UTF-8: byte {error.start}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedRow:
    """A row that is no item, with its number as a spreadsheet shows it (from 1) and the reason.

    `payload` is the row as it was read. It becomes a dead letter: nothing is lost.
    """

    row: int
    reason: str
    payload: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReading:
    """What a file holds: items, and the rows that are none. Both may be empty."""

    items: tuple[Item, ...]
    refused: tuple[RefusedRow, ...] = ()
