"""The suite that vendors inherit refuses connectors that are broken in one way each."""

import contextlib
import itertools
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ekinerja_connectors import JSON, Activity, Connector, Fatal, Item, Page, secret
from ekinerja_connectors.testing.fakes import WIB, Person, Workday
from ekinerja_connectors.testing.suite import ConnectorSuite

NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
TESTS = sorted(name for name in dir(ConnectorSuite) if name.startswith("test_"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    api_token: str = secret()


class Sound(Connector[Any]):
    """Three items in pages of two; its cursor is a number."""

    name = "sound"
    title = "Contoh"
    version = "1"
    settings = Settings

    async def fetch(self, cursor: str | None) -> Page:
        if not (cursor or "0").isdigit():
            raise Fatal("the cursor cannot be read")
        begin = int(cursor or 0)
        items = [Item(source_id=f"a-{n}", payload={"n": [n]}) for n in range(3)][begin : begin + 2]
        end = begin + len(items)
        return Page(items=tuple(items), next_cursor=str(end), more=end < 3)

    def translate(self, item: Item) -> Activity:
        return Activity(
            source_id=item.source_id,
            nip="199001012015011001",
            kind="contoh",
            title="Contoh",
            occurred_at=NINE,
        )


class CursorStandsStill(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(cursor)
        return page if page.more else Page(items=page.items, next_cursor=None, more=False)


class NamesChange(Sound):
    counter = itertools.count()

    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(cursor)
        items = tuple(
            Item(source_id=f"a-{next(self.counter)}", payload=one.payload) for one in page.items
        )
        return Page(items=items, next_cursor=page.next_cursor, more=page.more)


class NamesTwoAlike(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(cursor)
        items = tuple(Item(source_id="a", payload=one.payload) for one in page.items)
        return Page(items=items, next_cursor=page.next_cursor, more=page.more)


class ForgivesAnyCursor(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        return await super().fetch(cursor if (cursor or "").isdigit() else None)


class TranslatesByChance(Sound):
    def translate(self, item: Item) -> Activity:
        fields = super().translate(item).to_json()
        return Activity.from_json({**fields, "title": f"Contoh {random.random()}"})


class ChangesItsItem(Sound):
    def translate(self, item: Item) -> Activity:
        item.payload["n"].clear()  # type: ignore[index, call-overload, union-attr]
        return super().translate(item)


class Renames(Sound):
    def translate(self, item: Item) -> Activity:
        return super().translate(Item(source_id="other", payload=None))


class Tells(Sound):
    def __repr__(self) -> str:
        return f"<Tells {self.config.api_token}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmarked:
    api_token: str


class LeavesASecretUnmarked(Sound):
    settings = Unmarked


class HasNoSlug(Sound):
    name = "No Slug"


def outcomes(broken: type[Connector[Any]]) -> list[str]:
    """The names of the suite's tests that `broken` fails."""

    class Suite(ConnectorSuite):
        connector = broken

        @contextlib.asynccontextmanager
        async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
            yield {"api_token": "rahasia-buatan"}

    failed = []
    for name in TESTS:
        try:
            getattr(Suite(), name)()
        except (AssertionError, pytest.fail.Exception):
            failed.append(name)
    return failed


def test_sound_connector_passes_the_suite() -> None:
    assert outcomes(Sound) == []


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (CursorStandsStill, "test_second_read_brings_nothing_that_the_first_has_not"),
        (NamesChange, "test_same_page_twice_has_the_same_source_ids"),
        (NamesTwoAlike, "test_same_page_twice_has_the_same_source_ids"),
        (ForgivesAnyCursor, "test_unreadable_cursor_is_fatal"),
        (TranslatesByChance, "test_translation_is_pure_and_keeps_the_source_id"),
        (ChangesItsItem, "test_translation_is_pure_and_keeps_the_source_id"),
        (Renames, "test_translation_is_pure_and_keeps_the_source_id"),
        (Tells, "test_no_secret_is_shown_by_repr"),
        (LeavesASecretUnmarked, "test_what_looks_like_a_secret_is_marked"),
        (HasNoSlug, "test_class_keeps_to_the_contract"),
    ],
)
def test_broken_connector_is_refused_for_its_own_reason(
    broken: type[Connector[Any]], test: str
) -> None:
    assert test in outcomes(broken)


ALONE = (Person(nip="198503122009011007", name="Rahmat Hidayat"),)


@pytest.mark.parametrize(
    ("hour", "earliest", "latest"),
    [(5, (0, 0), (5, 0)), (12, (7, 30), (12, 0)), (22, (7, 30), (16, 0))],
    ids=["before office hours", "in office hours", "after office hours"],
)
def test_backlog_of_a_workday_is_of_today_and_not_of_the_future(
    hour: int, earliest: tuple[int, int], latest: tuple[int, int]
) -> None:
    now = datetime(2026, 3, 2, hour, tzinfo=WIB)

    moments = Workday(ALONE, lambda: now, subjects=["Rapat"], backlog=50).moments()

    assert len(moments) == 50
    first, last = moments[0].at, moments[-1].at
    assert now.replace(hour=earliest[0], minute=earliest[1]) <= first
    assert last <= now.replace(hour=latest[0], minute=latest[1])


def test_workday_grows_in_turn_and_each_piece_of_work_is_there_once() -> None:
    now = datetime(2026, 3, 2, 12, tzinfo=WIB)
    people = (*ALONE, Person(nip="199207152018012003", name="Sari Wulandari"))
    day = Workday(people, lambda: now, subjects=["Rapat"], backlog=0, every=timedelta(seconds=5))

    now += timedelta(seconds=10)
    first = day.moments()
    now += timedelta(seconds=5)
    second = day.moments()

    assert [one.person for one in second] == [people[0], people[1], people[0]]
    assert second[:2] == first
    assert [one.number for one in second] == [0, 1, 2]
