"""What is asked of `fetch`: cursors of every kind, and the same page twice."""

from __future__ import annotations

import re

from ...connector import Item, Page
from ...errors import Fatal
from ..checks import check, not_shown
from .base import Stage, SuiteBase

__all__ = ["PollingChecks", "ahead_of"]

_YEAR = re.compile(r"(?<![0-9])20[0-9]{2}(?=-[0-9]{2}-[0-9]{2}|[0-9]{4,10}(?![0-9]))", re.ASCII)
_NUMBER = re.compile(r"(?<![0-9A-Za-z])[0-9]+(?![0-9A-Za-z])", re.ASCII)


def ahead_of(cursor: str) -> str | None:
    """A cursor far in the future: its years become 2099; without one, its numbers grow.

    None when it has neither. "2026-03-02T09:00Z" gives "2099-03-02T09:00Z", "41" gives "1000041".
    """
    if _YEAR.search(cursor):
        return _YEAR.sub("2099", cursor)
    if _NUMBER.search(cursor):
        return _NUMBER.sub(lambda found: str(int(found[0]) + 1_000_000), cursor)
    return None


def _distinct(items: list[Item]) -> set[str]:
    return {one.source_id for one in items}


class PollingChecks(SuiteBase):
    """Reading page by page."""

    @check("a second reading brings nothing new", "bronze")
    def test_second_read_brings_nothing_that_the_first_has_not(self) -> None:
        self._needs("polling")

        async def read_twice(stage: Stage) -> tuple[set[str], set[str]]:
            first, cursor = await self._read(stage.connector, None)
            second, _ = await self._read(stage.connector, cursor)
            return _distinct(first), _distinct(second)

        first, second = self._run(read_twice)

        assert first, "the service holds nothing to read"
        assert second <= first
        assert second != first or len(first) == 1, "the cursor does not move"

    @check("the same page twice has the same source_ids, each once", "bronze")
    def test_same_page_twice_has_the_same_source_ids(self) -> None:
        self._needs("polling")

        async def read_twice(stage: Stage) -> tuple[Page, Page]:
            return await stage.connector.fetch(None), await stage.connector.fetch(None)

        pages = self._run(read_twice)
        first, second = ([item.source_id for item in page.items] for page in pages)

        assert first == second, "a source_id changes from one reading to the next"
        assert len(first) == len(set(first)), "one source_id names two items"

    @check("one source_id never names two things", "bronze")
    def test_source_id_names_one_thing_in_the_whole_reading(self) -> None:
        self._needs("polling")

        async def read(stage: Stage) -> list[Item]:
            return (await self._read(stage.connector, None))[0]

        known: dict[str, object] = {}
        for item in self._run(read):
            before = known.setdefault(item.source_id, item.payload)
            assert before == item.payload, f"{item.source_id} names two items"

    @check("a cursor that cannot be read is Fatal", "bronze")
    def test_unreadable_cursor_is_fatal(self) -> None:
        self._needs("polling")
        outcomes: list[str] = []

        async def read(stage: Stage) -> None:
            try:
                await stage.connector.fetch("\N{REPLACEMENT CHARACTER} no cursor of this connector")
            except Fatal:
                outcomes.append("fatal")

        self._run(read)

        assert outcomes == ["fatal"], (
            "raise InvalidCursor, a Fatal, so that an administrator resets the cursor"
        )

    @check("a cursor in the future gives nothing, or is Fatal", "silver")
    def test_cursor_in_the_future_gives_nothing(self) -> None:
        self._needs("polling")

        async def read(stage: Stage) -> Page | None:
            _, last = await self._read(stage.connector, None)
            future = None if last is None else self.future_cursor(last)
            if future is None:
                not_shown("write future_cursor(), as yours holds neither a year nor a number")
            try:
                page: Page = await stage.connector.fetch(future)
            except Fatal:
                return None
            return page

        page = self._run(read)

        if page is not None:
            assert not page.items, "a cursor in the future brings old items again"
            assert not page.more, "a cursor in the future says that there is more"

    @check("reads on from the cursor of its previous version", "gold")
    def test_cursor_of_the_previous_version_is_read(self) -> None:
        self._needs("polling")
        former = self.contract()
        if former is None or former.cursor is None:
            not_shown("contract.json holds no cursor; give one with `contract --cursor`")

        async def read(stage: Stage) -> object:
            return await stage.connector.fetch(former.cursor)

        try:
            page = self._run(read)
        except Fatal as error:
            raise AssertionError(f"the cursor of {former.version} is refused: {error}") from error

        assert isinstance(page, Page)
