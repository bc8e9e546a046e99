"""The SIASN connector: what it can do, and how the list of dispositions is read page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone

from ekinerja_connectors import (
    JSON,
    Activity,
    Connector,
    Directory,
    DirectoryPage,
    Http,
    InvalidCursor,
    Item,
    Malformed,
    Page,
    Polling,
    Receipt,
    Result,
    Results,
    Retraction,
)

from .cursor import Cursor
from .directory import DirectoryReader
from .envelope import rows_of
from .fields import instant_of, text_of_instant
from .saves import ResultSender
from .settings import Settings
from .tokens import Session
from .translate import item_of, statement_of

__all__ = ["SiasnConnector"]


class SiasnConnector(Connector[Settings], Polling, Directory, Results):
    """Dispositions made and followed up, units and people, and where closed appraisals go."""

    name = "siasn"
    title = "SIASN (BKN)"
    version = "0.2.0"
    settings = Settings
    retracts = True

    def __init__(self, config: Settings, http: Http) -> None:
        super().__init__(config, http)
        self._session = Session(config, http)
        self._directory = DirectoryReader(config, self._session)
        self._results = ResultSender(config, self._session)
        self._zone = timezone(timedelta(hours=config.assumptions.utc_offset_hours))

    async def fetch(self, cursor: str | None) -> Page:
        here = Cursor.of(cursor)
        assumed = self.config.assumptions
        params = {"limit": str(self.config.page_size), "offset": str(here.offset)}
        if since := self._since(here):
            params[assumed.since_parameter] = since
        rows = rows_of(await self._session.get(assumed.path, params))
        after = self._after(here, since, rows)
        return Page(
            items=tuple(item_of(row) for row in rows),
            next_cursor=after.text(),
            more=not after.caught_up,
        )

    def translate(self, item: Item) -> Activity | Retraction:
        return statement_of(item, self.config.assumptions)

    async def directory(self, cursor: str | None) -> DirectoryPage:
        return await self._directory.page(cursor)

    async def send(self, result: Result) -> Receipt:
        return await self._results.send(result)

    def _since(self, here: Cursor) -> str:
        if not here.since:
            return f"{self.config.first_day} 00:00:00" if self.config.first_day else ""
        if not here.caught_up:
            return here.since
        back = timedelta(seconds=self.config.assumptions.overlap_seconds)
        return text_of_instant(self._read(here.since) - back, self._zone)

    def _after(self, here: Cursor, since: str, rows: Sequence[JSON]) -> Cursor:
        caught_up = len(rows) < self.config.page_size
        newest = max((found for row in rows if (found := self._time_of(row))), default=None)
        if newest is None:
            if not caught_up:  # a whole page that cannot be dated: step over it by number
                return Cursor(since=since, offset=here.offset + len(rows))
            return Cursor(since=here.since, caught_up=True)
        if caught_up:
            # A reading that went back by the overlap must not leave the cursor earlier.
            latest = max(newest, self._read(here.since)) if here.since else newest
            return Cursor(since=text_of_instant(latest, self._zone), caught_up=True)
        moved = not since or newest > self._read(since)
        if moved:
            return Cursor(since=text_of_instant(newest, self._zone))
        return Cursor(since=since, offset=here.offset + len(rows))

    def _time_of(self, row: JSON) -> datetime | None:
        if not isinstance(row, Mapping):
            return None
        try:
            return instant_of(row.get("waktu"), self._zone)
        except Malformed:
            return None  # the row itself becomes a dead letter when it is translated

    def _read(self, text: str) -> datetime:
        try:
            return instant_of(text, self._zone)
        except Malformed as error:
            raise InvalidCursor("the cursor cannot be read; reset it") from error
