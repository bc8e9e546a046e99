"""The suite that vendors inherit: it passes what is sound and refuses each broken connector."""

import dataclasses
import time
from datetime import datetime, timedelta
from typing import Any

import pytest
from ekinerja_connectors import Connector, Item, Page
from ekinerja_connectors.testing.fakes import WIB, Person, Workday
from ekinerja_connectors.testing.suite import ConnectorSuite, base
from ekinerja_connectors.testing.suite.polling import ahead_of

from tests.connectors.broken import BROKEN as BADLY_WRITTEN
from tests.connectors.broken_manners import BAD_MANNERS
from tests.connectors.broken_notices import BAD_CARRIERS
from tests.connectors.sound import Sound, suite_of

BROKEN = (*BADLY_WRITTEN, *BAD_MANNERS, *BAD_CARRIERS)
TESTS = sorted(name for name in dir(ConnectorSuite) if name.startswith("test_"))


@pytest.mark.parametrize("test", TESTS)
def test_sound_connector_passes_every_check_and_skips_none(test: str) -> None:
    try:
        getattr(suite_of(Sound), test)()
    except pytest.skip.Exception as reason:
        raise AssertionError(f"it is left out: {reason}") from reason


@pytest.mark.parametrize(
    ("broken", "check", "words"), BROKEN, ids=[f"{one.__name__}-{test}" for one, test, _ in BROKEN]
)
def test_broken_connector_is_refused_for_its_own_reason(
    broken: type[Connector[Any]], check: str, words: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        getattr(suite_of(broken), f"test_{check}")()

    assert words in str(caught.value)


def test_every_check_refuses_somebody() -> None:
    proven = {f"test_{check}" for _, check, _ in BROKEN}

    assert proven == set(TESTS)
    assert len({broken for broken, _, _ in BROKEN}) > 50


class ShowsRetractionsLater(Sound):
    """Its service says that something was taken back once it was."""

    taken = False

    def item_of(self, event: Any) -> Item:
        if event["n"] == 4 and not self.taken:
            event = {**event, "state": "planned"}
        return super().item_of(event)


def test_retraction_is_awaited_from_take_back() -> None:
    class Later(ShowsRetractionsLater):
        pass

    suite = suite_of(Later)

    async def take_back() -> None:
        Later.taken = True

    with pytest.raises(AssertionError, match=r"write take_back\(\)"):
        suite.test_retraction_names_what_was_given_before()
    suite.take_back = take_back  # type: ignore[method-assign]
    suite.test_retraction_names_what_was_given_before()


class HasAnOpaqueCursor(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        page = await super().fetch(None if cursor is None else str(len(cursor)))
        return dataclasses.replace(page, next_cursor="x" * int(page.next_cursor or 0))


def test_opaque_cursor_needs_a_future_one_from_the_vendor() -> None:
    suite = suite_of(HasAnOpaqueCursor)

    with pytest.raises(pytest.skip.Exception, match=r"not shown: write future_cursor\(\)"):
        suite.test_cursor_in_the_future_gives_nothing()
    suite.future_cursor = lambda last: last + "x" * 50  # type: ignore[method-assign]
    suite.test_cursor_in_the_future_gives_nothing()


class NeverComesBack(Sound):
    async def fetch(self, cursor: str | None) -> Page:
        while True:
            pass


def test_suite_ends_what_blocks_the_loop_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "PATIENCE", 0.2)

    with pytest.raises(AssertionError, match=r"nothing came back in 0\.2 s"):
        suite_of(NeverComesBack).test_loop_is_never_blocked()


def test_suite_leaves_sleeping_as_it_was() -> None:
    before = time.sleep

    suite_of(Sound).test_loop_is_never_blocked()

    assert time.sleep is before


@pytest.mark.parametrize(
    ("cursor", "future"),
    [
        ("41", "1000041"),
        ("2026-03-02T09:00:00+07:00", "2099-03-02T09:00:00+07:00"),
        ("20260302090000-000012", "20990302090000-000012"),
        ('{"since": "2026-03-02", "offset": 3}', '{"since": "2099-03-02", "offset": 3}'),
        ("a8f3e2", None),
    ],
)
def test_cursor_in_the_future_is_made_of_the_last_one(cursor: str, future: str | None) -> None:
    assert ahead_of(cursor) == future


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
