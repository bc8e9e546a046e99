"""The breaker at work: an hour without the service, its problems, and what ends them."""

import random
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from ekinerja_connectors import (
    AuthFailed,
    Fatal,
    InvalidCursor,
    InvalidSettings,
    Page,
    Retryable,
)

from schema.feeds.models import BreakerState, ConnectorProblem, Installation, ProblemCode, Run
from schema.progress.models import ProgressRecord
from server.database import Database, DatabaseRole, opened
from server.ingestion.faults import problem_of, report
from server.ingestion.intake import Intake
from server.ingestion.plugins import PluginBroken, PluginForged, PluginKilled, PluginMissing
from server.ingestion.poller import Poller
from tests import feeding
from tests.feeding import NOON, FakePlugins, count, item

HOUR = timedelta(hours=1)


@pytest.fixture
async def feed(fresh_database: Database) -> AsyncIterator[Installation]:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        made = await feeding.installation(agency)
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield made


class Service:
    """One that has an activity a minute, ten to a page, and is away for a while."""

    def __init__(self, away: tuple[datetime, datetime], error: Exception) -> None:
        self.now = NOON
        self.away = away
        self.error = error
        self.asked: list[datetime] = []

    def is_away(self, moment: datetime) -> bool:
        return self.away[0] <= moment < self.away[1]

    def fetch(self, cursor: str | None) -> Page:
        self.asked.append(self.now)
        if self.is_away(self.now):
            raise self.error
        at, there = int(cursor or 0), int((self.now - NOON) / timedelta(minutes=1))
        end = min(at + 10, there)
        items = tuple(item(f"M-{number}") for number in range(at, end))
        return Page(items=items, next_cursor=str(end), more=end < there)


async def poll(feed: Installation, service: Service, until: datetime, seed: int) -> None:
    """Step by step through fake time: as long as the poller says, and no real second."""
    poller = Poller(
        installation_id=feed.id,
        plugins=FakePlugins(fetch=service.fetch),
        clock=lambda: service.now,
        spread=random.Random(seed).random,
    )
    while service.now < until:
        pause = await poller.step()
        # A millisecond for the time that a step takes.
        service.now += max(pause, timedelta(milliseconds=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "error",
    [Retryable("503"), Retryable("503", timedelta(seconds=1)), PluginKilled("its process hung")],
    ids=["503", "503-come-soon", "killed"],
)
async def test_hour_without_the_service_costs_few_probes_and_loses_nothing(
    feed: Installation, error: Exception
) -> None:
    begin = NOON + timedelta(minutes=30)
    service = Service((begin, begin + HOUR), error)
    seed = random.randrange(2**32)

    await poll(feed, service, begin + HOUR - timedelta(seconds=1), seed)
    problems = {one.code: one for one in await ConnectorProblem.filter(resolved_at=None)}
    during = await Installation.get(id=feed.id)
    await poll(feed, service, begin + HOUR + timedelta(minutes=10), seed)

    attempts = [one for one in service.asked if service.is_away(one)]
    pauses = [late - early for early, late in pairwise(attempts[4:])]
    assert len(attempts) <= 5 + 120, f"seed {seed}"
    assert min(pauses) >= timedelta(seconds=30), f"seed {seed}"  # from the opening on
    assert max(pauses) <= timedelta(minutes=5, seconds=1), f"seed {seed}"
    assert (during.breaker, during.opened_at) == (BreakerState.OPEN, attempts[4])
    assert ProblemCode.BREAKER_OPEN in problems
    assert (ProblemCode.SERVICE_UNREACHABLE in problems) is not isinstance(error, PluginKilled)
    assert problems[ProblemCode.BREAKER_OPEN].times == len(attempts) - 4

    after = await Installation.get(id=feed.id)
    assert (after.breaker, after.failures) == (BreakerState.CLOSED, 0)
    assert await ConnectorProblem.filter(resolved_at=None).count() == 0
    # 100 minutes, an activity each, and each once; the last poll was within the last minute.
    kept = await count("inbox_item")
    assert kept >= 99
    assert int(after.cursor or 0) == kept
    intake = Intake(installation_id=feed.id, plugins=FakePlugins(), clock=lambda: service.now)
    while await intake.step() == timedelta(0):
        pass
    assert await ProgressRecord.all().count() == kept


async def test_failure_while_half_open_opens_again_and_waits(feed: Installation) -> None:
    await Installation.filter(id=feed.id).update(
        breaker=BreakerState.HALF_OPEN, opened_at=NOON - HOUR
    )

    def fetch(cursor: str | None) -> Page:
        raise Retryable("503")

    poller = Poller(
        installation_id=feed.id,
        plugins=FakePlugins(fetch=fetch),
        clock=lambda: NOON,
        spread=lambda: 0.0,
    )
    await poller.step()

    await feed.refresh_from_db()
    assert (feed.breaker, feed.opened_at) == (BreakerState.OPEN, NOON)
    assert feed.next_poll_at == NOON + timedelta(seconds=30)


FAULTS = [
    (PluginKilled("hung"), ProblemCode.PLUGIN_KILLED),
    (PluginMissing("fake", "none"), ProblemCode.PLUGIN_MISSING),
    (PluginForged("fake", "other"), ProblemCode.FORGED),
    (PluginBroken("fake", "bug"), ProblemCode.PLUGIN_BROKEN),
    (AuthFailed("401"), ProblemCode.CREDENTIALS_REFUSED),
    (InvalidSettings("word is missing"), ProblemCode.SETTINGS_INVALID),
    (InvalidCursor("reset it"), ProblemCode.CURSOR_INVALID),
    (Fatal("gone"), ProblemCode.SERVICE_ANSWERS_WRONGLY),
    (Retryable("503"), ProblemCode.SERVICE_UNREACHABLE),
]


@pytest.mark.parametrize(("error", "code"), FAULTS, ids=lambda one: type(one).__name__)
def test_each_fault_has_its_code(error: Exception, code: ProblemCode) -> None:
    assert problem_of(error) is code


async def test_final_fault_is_a_problem_at_once_and_gone_with_the_next_page(
    feed: Installation,
) -> None:
    async def polled(error: Exception | None) -> set[ProblemCode]:
        def fetch(cursor: str | None) -> Page:
            if error is not None:
                raise error
            return Page(items=(), next_cursor="1", more=False)

        await Installation.filter(id=feed.id).update(next_poll_at=NOON)
        plugins = FakePlugins(fetch=fetch)
        await Poller(installation_id=feed.id, plugins=plugins, clock=lambda: NOON).step()
        return {one.code for one in await ConnectorProblem.filter(resolved_at=None)}

    for error, code in FAULTS[3:8]:
        assert await polled(error) == {code}
        assert await polled(None) == set()
    assert await polled(Retryable("once")) == set()  # one of these is no problem yet
    assert [one.problem for one in await Run.filter(problem__isnull=False)].count(None) == 0


async def test_killed_process_is_noted_whichever_call_met_it(feed: Installation) -> None:
    await report(str(feed.id), PluginKilled("plugin fake: its process hung"))
    await report(str(feed.id), PluginKilled("plugin fake: its process hung again"))

    problem = await ConnectorProblem.get()
    assert (problem.code, problem.times) == (ProblemCode.PLUGIN_KILLED, 2)
    assert problem.detail.endswith("hung again")


@pytest.mark.parametrize("change", [{"paused": True}, {"halted_at": NOON}])
async def test_paused_or_halted_is_not_polled(
    feed: Installation, change: dict[str, object]
) -> None:
    await Installation.filter(id=feed.id).update(**change)
    plugins = FakePlugins()

    await Poller(installation_id=feed.id, plugins=plugins, clock=lambda: NOON).step()

    assert plugins.cursors == []


async def test_flood_of_empty_pages_is_slowed_and_a_full_inbox_is_not_filled_further(
    feed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 0

    def fetch(cursor: str | None) -> Page:
        nonlocal number
        number += 1
        items = (item(f"F-{number}"),) if number > 1 else ()
        return Page(items=items, next_cursor=str(number), more=True)

    plugins = FakePlugins(fetch=fetch)
    poller = Poller(installation_id=feed.id, plugins=plugins, clock=lambda: NOON)
    await poller.step()
    await feed.refresh_from_db()
    assert feed.next_poll_at == NOON + timedelta(seconds=1)

    monkeypatch.setattr("server.ingestion.poller.MOST_WAITING", 3)
    await Installation.filter(id=feed.id).update(next_poll_at=NOON)
    for _ in range(9):
        await poller.step()

    assert await count("inbox_item") == 3
    assert await Run.all().count() == 4
