"""The calendar connector: one calendar a page, and .ics files; meetings that have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ekinerja_connectors import (
    Activity,
    Connector,
    Fatal,
    FileReading,
    Files,
    Http,
    Item,
    Malformed,
    Page,
    Polling,
    Retraction,
    Translation,
    Upload,
)

from .files import reading_of
from .meetings import Meeting, Unreadable, components_of, digest, meetings_of
from .memory import Cursor, Memory, compare
from .settings import Calendar, Settings
from .source import Reading, Source
from .translate import statement_of

__all__ = ["CalendarConnector"]

MOST_ITEMS = 200  # of a page
LOOK_AHEAD = timedelta(days=31)


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    """From when on meetings count, now, and how far ahead the next ones are looked for."""

    begin: datetime
    now: datetime
    end: datetime


class CalendarConnector(Connector[Settings], Polling, Files, Translation):
    """Meetings (*rapat*) out of iCalendar and CalDAV."""

    name = "calendar"
    title = "Kalender (iCalendar, CalDAV)"
    version = "0.1.0"
    settings = Settings
    retracts = True

    def __init__(
        self, config: Settings, http: Http, now: Callable[[], datetime] = _utc_now
    ) -> None:
        super().__init__(config, http)
        self._now = now
        self._source = Source(config, http)

    async def fetch(self, cursor: str | None) -> Page:
        """The next calendar that is due. Without one of them nothing, and the cursor stays."""
        calendars = {one.nip: one for one in self.config.calendars if self.config.base_url}
        state = Cursor.read(cursor, calendars)
        window = self._window()
        due = state.due(window.now, self.config.minutes_between)
        if not due:
            return Page(items=(), next_cursor=cursor, more=False)
        nip, memory = due[0], state.memories[due[0]]
        complete = True
        try:
            items, complete = await self._read(calendars[nip], memory, window)
            memory.failed = False
        except Fatal as error:
            memory.failed = True
            if all(one.failed for one in state.memories.values()):
                raise  # then it is not one person's calendar
            items = [_unreadable(nip, f"{window.now:%Y-%m-%d}", str(error), "")]
        if complete:
            memory.read_at = int(window.now.timestamp())
        return Page(
            items=tuple(items), next_cursor=state.write(), more=not complete or len(due) > 1
        )

    async def _read(
        self, calendar: Calendar, memory: Memory, window: _Window
    ) -> tuple[list[Item], bool]:
        """What is new in a calendar, and whether that was all."""
        memory.forget(window.begin)
        quiet = window.now.timestamp() < memory.next_end
        token = memory.token if quiet else None
        reading = await self._source.read(calendar, token, window.begin, window.end)
        if reading is None:
            return [], True
        # Expanding years of recurrence takes a while; the event loop goes on meanwhile.
        found = await asyncio.to_thread(self._expanded, calendar, reading, window)
        meetings = [one for one in found if isinstance(one, Meeting)]
        held = [one for one in meetings if window.begin < one.ends_at <= window.now]
        coming = [one.ends_at for one in meetings if one.ends_at > window.now]
        items, complete = compare(calendar.nip, memory, held, window.now, MOST_ITEMS)
        memory.token = reading.token if complete else None
        memory.next_end = int(min(coming, default=window.end).timestamp())
        items += [
            _unreadable(calendar.nip, one.name, one.reason, one.text)
            for one in found
            if isinstance(one, Unreadable)
        ]
        return items, complete

    def _expanded(
        self, calendar: Calendar, reading: Reading, window: _Window
    ) -> list[Meeting | Unreadable]:
        found: list[Meeting | Unreadable] = []
        for text in reading.texts:
            try:
                series = components_of(text)
            except Malformed as error:
                found.append(Unreadable(name=digest(text), reason=str(error), text=text[:2_000]))
                continue
            for one in series:
                found += meetings_of(one, calendar, self.config, window.begin, window.end)
        return found

    def _window(self) -> _Window:
        now = self._now()
        return _Window(
            begin=now - timedelta(days=self.config.days_back), now=now, end=now + LOOK_AHEAD
        )

    def read(self, upload: Upload) -> FileReading:
        """The meetings of an .ics file that have ended, for those whom it concerns."""
        window = self._window()
        return reading_of(upload, self.config, window.begin, window.now)

    def translate(self, item: Item) -> Activity | Retraction:
        return statement_of(item)


def _unreadable(nip: str, name: str, reason: str, text: str) -> Item:
    """An item that becomes a dead letter, so that somebody sees it."""
    payload = {"unreadable": f"the calendar of {nip}: {reason}", "text": text}
    return Item(source_id=f"{nip}#unreadable#{name}", payload=payload)
