"""Where a reading of the list of dispositions goes on, as the text that the host keeps."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ekinerja_connectors import InvalidCursor

__all__ = ["Cursor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """`since` is a `waktu` in SIASN's own form, empty for the very beginning.

    `offset` counts rows to leave out from there; it moves only while all rows of a page share
    one `waktu`, because an offset into a list that changes loses rows. `caught_up` tells that
    the last page was the end, so that the next reading goes back by the overlap.
    """

    since: str = ""
    offset: int = 0
    caught_up: bool = False

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str | None) -> Cursor:
        """Raises: InvalidCursor when the text is no cursor of ours."""
        if text is None:
            return cls()
        try:
            cursor = cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise InvalidCursor("the cursor cannot be read; reset it") from error
        if not isinstance(cursor.since, str) or type(cursor.offset) is not int:
            raise InvalidCursor("the cursor cannot be read; reset it")
        return cursor
