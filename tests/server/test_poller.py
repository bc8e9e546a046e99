"""Polling and working the inbox off: what is kept, what becomes of it, and what holds nobody up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta

import asyncpg
import pytest
from ekinerja_connectors import (
    Activity,
    AuthFailed,
    Delivery,
    Fatal,
    InvalidSettings,
    Item,
    Malformed,
    Page,
    Retryable,
    Skippable,
)

from schema.feeds import dead_letters, service
from schema.feeds.models import (
    DeadLetter,
    DeadLetterCause,
    InboxItem,
    InboxKind,
    Installation,
    Run,
    RunState,
)
from schema.feeds.rules import Received
from schema.progress.models import ProgressRecord
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from server.ingestion import run_ingestion
from server.ingestion.intake import IDLE, NOT_NOW, Intake
from server.ingestion.loop import Loop
from server.ingestion.plugins import PluginBroken
from server.ingestion.poller import LOOK_AGAIN, UNPOLLED, Poller
from server.ingestion.retry import FOR_AN_ADMINISTRATOR, LONGEST, backoff
from server.ingestion.worker import NOTICE
from tests import feeding
from tests.feeding import NOON, FakePlugins, activity, count, fetched, item


@pytest.fixture
async def feed(fresh_database: Database) -> AsyncIterator[Installation]:
    """An installation of an agency with one employee; Tortoise is open as the worker."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        made = await feeding.installation(agency)
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield made


def poller(feed: Installation, plugins: FakePlugins, now: datetime = NOON) -> Poller:
    return Poller(installation_id=feed.id, plugins=plugins, clock=lambda: now, spread=lambda: 0.5)


def intake(feed: Installation, plugins: FakePlugins, now: datetime = NOON) -> Intake:
    return Intake(installation_id=feed.id, plugins=plugins, clock=lambda: now, spread=lambda: 0.5)


def pages(*batches: int) -> Callable[[str | None], Page]:
    """A source with these many items a page; the cursor is the number of the next page."""

    def fetch(cursor: str | None) -> Page:
        at = int(cursor or 0)
        if at >= len(batches):
            return Page(items=(), next_cursor=cursor, more=False)
        items = tuple(item(f"P{at}-{i}") for i in range(batches[at]))
        return Page(items=items, next_cursor=str(at + 1), more=at + 1 < len(batches))

    return fetch


async def pushed(feed: Installation, *items: Item) -> None:
    received = [Received(source_id=one.source_id, body=one.payload) for one in items]
    await service.accept(feed.id, received, NOON)


async def superuser(of: Database) -> "asyncpg.Connection[asyncpg.Record]":
    """Who may break things: a plain connection as the owner of the server."""
    url = of.urls[DatabaseRole.OWNER].replace(f"{DatabaseRole.OWNER}@", "postgres@")
    return await asyncpg.connect(url)


# --- the pause after a failure -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("failures", "spread", "seconds"),
    [
        (1, 0.5, 1),  # 2 s x 0.5
        (3, 0.5, 4),  # 2 s x 2^2 x 0.5
        (3, 0.0, 0),
        (50, 1.0, LONGEST.total_seconds()),
        (10**9, 1.0, LONGEST.total_seconds()),
    ],
)
def test_the_pause_doubles_and_is_capped(failures: int, spread: float, seconds: float) -> None:
    assert backoff(failures, spread) == timedelta(seconds=seconds)


# --- polling -----------------------------------------------------------------------------------


async def test_pages_are_fetched_at_once_while_there_are_more(feed: Installation) -> None:
    plugins = FakePlugins(fetch=pages(2, 3))

    for _ in range(2):
        assert await poller(feed, plugins).step() == timedelta(0)
    pause = await poller(feed, plugins).step()

    assert pause == LOOK_AGAIN  # the next poll is due in poll_seconds, 60 s
    assert plugins.cursors == [None, "1"]
    await feed.refresh_from_db()
    assert (feed.cursor, feed.next_poll_at) == ("2", NOON + timedelta(seconds=60))
    runs = await Run.all().order_by("id")
    assert [(run.state, run.received, run.accepted) for run in runs] == [
        (RunState.SUCCEEDED, 2, 2),
        (RunState.SUCCEEDED, 3, 3),
    ]


async def test_a_page_that_was_kept_before_adds_nothing(feed: Installation) -> None:
    plugins = FakePlugins(fetch=lambda cursor: Page(items=(item(),), next_cursor="1", more=False))

    await poller(feed, plugins).step()
    await poller(feed, plugins, NOON + timedelta(minutes=1)).step()

    assert [run.accepted for run in await Run.all().order_by("id")] == [1, 0]
    assert await count("inbox_item") == 1


async def test_a_source_that_promises_more_and_does_not_move_on_is_not_asked_at_once(
    feed: Installation,
) -> None:
    plugins = FakePlugins(fetch=lambda cursor: Page(items=(), next_cursor=None, more=True))

    await poller(feed, plugins).step()

    await feed.refresh_from_db()
    assert feed.next_poll_at == NOON + timedelta(seconds=60)


async def test_items_and_cursor_are_kept_together_or_not_at_all(
    feed: Installation, fresh_database: Database
) -> None:
    # The run is written last, and this one cannot be: a failure between the two.
    owner = await superuser(fresh_database)
    await owner.execute("ALTER TABLE run ADD CONSTRAINT fails CHECK (received < 2)")
    plugins = FakePlugins(fetch=pages(2))

    with pytest.raises(Exception, match="fails"):
        await poller(feed, plugins).step()
    await feed.refresh_from_db()
    left = (await count("inbox_item"), feed.cursor, await count("run"))
    await owner.execute("ALTER TABLE run DROP CONSTRAINT fails")
    await owner.close()
    await poller(feed, plugins).step()

    await feed.refresh_from_db()
    assert left == (0, None, 0)
    assert (await count("inbox_item"), feed.cursor) == (2, "1")


async def test_a_page_is_dropped_when_another_worker_moved_the_cursor(feed: Installation) -> None:
    late = await service.take_page(
        feed.id,
        cursor="elsewhere",
        received=[Received(source_id="late", body=1)],
        next_cursor="late",
        next_poll_at=NOON,
        started_at=NOON,
        now=NOON,
    )

    assert late is None
    assert await count("inbox_item") == await count("run") == 0


@pytest.mark.parametrize(
    ("error", "state", "pause"),
    [
        (Retryable("503"), RunState.RETRYING, timedelta(seconds=1)),
        (Retryable("429", timedelta(minutes=5)), RunState.RETRYING, timedelta(minutes=5)),
        (AuthFailed("401"), RunState.FAILED, FOR_AN_ADMINISTRATOR),
        (Fatal("gone\x00"), RunState.FAILED, FOR_AN_ADMINISTRATOR),
        (PluginBroken("fake", "garbage"), RunState.FAILED, FOR_AN_ADMINISTRATOR),
    ],
)
async def test_a_failed_poll_is_visible_and_repeated_later(
    feed: Installation, error: Exception, state: RunState, pause: timedelta
) -> None:
    def fetch(cursor: str | None) -> Page:
        raise error

    await poller(feed, FakePlugins(fetch=fetch)).step()

    await feed.refresh_from_db()
    run = await Run.get()
    assert (feed.cursor, feed.failures, feed.next_poll_at) == (None, 1, NOON + pause)
    assert (run.state, run.problem) == (
        state,
        f"{type(error).__name__}: {error}".replace("\x00", ""),
    )


async def test_success_ends_the_row_of_failures(feed: Installation) -> None:
    await Installation.filter(id=feed.id).update(failures=7)

    await poller(feed, FakePlugins()).step()

    await feed.refresh_from_db()
    assert feed.failures == 0


async def test_a_cursor_that_cannot_be_stored_is_the_plugins_fault(feed: Installation) -> None:
    plugins = FakePlugins(fetch=lambda _: Page(items=(), next_cursor="\x00", more=False))

    await poller(feed, plugins).step()

    assert (await Run.get()).state is RunState.FAILED


async def test_who_takes_webhooks_only_or_is_disabled_is_not_polled(feed: Installation) -> None:
    plugins = FakePlugins(fetch=pages(1), capabilities=("webhook",))

    assert await poller(feed, plugins).step() == UNPOLLED
    await Installation.filter(id=feed.id).update(enabled=False)
    assert await poller(feed, FakePlugins(fetch=pages(1))).step() == UNPOLLED

    assert await count("run") == 0


# --- working the inbox off ---------------------------------------------------------------------


async def test_each_item_becomes_one_pending_record(feed: Installation) -> None:
    await pushed(feed, item("D-1"), item("D-2"))
    plugins = FakePlugins()

    assert await intake(feed, plugins).step() == IDLE
    await intake(feed, plugins).step()

    assert plugins.translated == ["D-1", "D-2"]
    assert await count("progress_record") == 2
    assert await InboxItem.filter(processed_at=None).count() == 0


@pytest.mark.slow
async def test_one_activity_delivered_a_thousand_times_and_after_a_restart_is_one_record(
    feed: Installation, fresh_database: Database
) -> None:
    async def deliver_and_work() -> None:
        await asyncio.gather(*(pushed(feed, item(title="Surat")) for _ in range(1_000)))
        await asyncio.gather(*(intake(feed, FakePlugins()).step() for _ in range(8)))

    await deliver_and_work()
    async with opened(fresh_database, DatabaseRole.WORKER):  # as after a restart
        await deliver_and_work()

        assert await count("inbox_item") == await count("progress_record") == 1
        assert await count("event") == await count("record_event") == 1


async def test_an_unknown_person_is_kept_and_replayed_once_they_exist(
    feed: Installation, fresh_database: Database
) -> None:
    newcomer = "199502022020122002"
    await pushed(feed, item(nip=newcomer))
    await intake(feed, FakePlugins()).step()
    letter = await DeadLetter.get()
    assert (letter.cause, letter.resolved_at) == (DeadLetterCause.UNKNOWN_PERSON, None)
    assert newcomer in letter.detail

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.employee(await feed.agency, newcomer)
        await dead_letters.replay(await feeding.administrator(await feed.agency), letter.id, NOON)
    async with opened(fresh_database, DatabaseRole.WORKER):
        await intake(feed, FakePlugins()).step()

        record = await ProgressRecord.get().select_related("employee")
        assert record.employee.nip == newcomer
        assert await DeadLetter.filter(resolved_at=None).count() == 0


async def test_a_person_of_another_agency_is_as_unknown_as_nobody(
    feed: Installation, fresh_database: Database
) -> None:
    foreign = "198803032010011003"
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.employee(await feeding.agency("INST-B"), foreign)
    async with opened(fresh_database, DatabaseRole.WORKER):
        await pushed(feed, item(nip=foreign))

        await intake(feed, FakePlugins()).step()

        assert (await DeadLetter.get()).cause is DeadLetterCause.UNKNOWN_PERSON
        assert await count("progress_record") == 0


@pytest.mark.parametrize(
    ("answer", "cause", "open_letters"),
    [
        (Malformed("unknown type: cuti"), DeadLetterCause.UNTRANSLATABLE, 1),
        (Fatal("cannot"), DeadLetterCause.UNTRANSLATABLE, 1),
        (Skippable("a draft"), DeadLetterCause.NOT_AN_ACTIVITY, 0),
        (activity("D-2"), DeadLetterCause.FORGED, 1),
        (
            activity(occurred_at=NOON - timedelta(hours=26), ended_at=NOON),
            DeadLetterCause.UNTRANSLATABLE,
            1,
        ),
        (activity(occurred_at=NOON + timedelta(days=1)), DeadLetterCause.UNTRANSLATABLE, 1),
    ],
)
async def test_what_becomes_no_record_is_kept_with_its_cause(
    feed: Installation, answer: Activity | Exception, cause: DeadLetterCause, open_letters: int
) -> None:
    def translate(_: Item) -> Activity:
        if isinstance(answer, Exception):
            raise answer
        return answer

    await pushed(feed, item("D-1", hal="Undangan"), item("D-9"))
    plugins = FakePlugins(
        translate=lambda one: activity("D-9") if one.source_id == "D-9" else translate(one)
    )
    await intake(feed, plugins).step()

    letter = await DeadLetter.get()
    kept = await InboxItem.get(id=letter.inbox_item_id)
    assert (letter.cause, kept.source_id, kept.body) == (cause, "D-1", {"hal": "Undangan"})
    assert await DeadLetter.filter(resolved_at=None).count() == open_letters
    assert [r["source_id"] for r in await fetched("SELECT source_id FROM activity")] == ["D-9"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "asked"),
    [
        (Retryable("its process ended"), 3),
        (PluginBroken("fake", "garbage"), 3),
        (KeyError("ours"), 4),  # with all others, then alone; from then on alone
    ],
)
async def test_an_item_that_kills_its_translator_three_times_is_given_up(
    feed: Installation, error: Exception, asked: int
) -> None:
    def translate(one: Item) -> Activity:
        if one.source_id == "poison":
            raise error
        return activity(one.source_id)

    await pushed(feed, item("poison"), item("D-2"))
    plugins = FakePlugins(translate=translate)
    now = NOON
    for attempt in (1, 2):
        await intake(feed, plugins, now).step()
        waiting = await InboxItem.get(source_id="poison")
        # 2 s x 2^(attempt - 1) x 0.5
        assert (waiting.attempts, waiting.retry_at) == (attempt, now + timedelta(seconds=attempt))
        await intake(feed, plugins, now).step()  # too early: nothing happens
        now += timedelta(seconds=attempt)
    assert await count("dead_letter") == 0
    await intake(feed, plugins, now).step()

    assert plugins.translated.count("poison") == asked
    assert (await DeadLetter.get()).cause is DeadLetterCause.UNTRANSLATABLE
    assert await count("progress_record") == 1  # the item behind it was not held up


@pytest.mark.parametrize("error", [AuthFailed("401"), InvalidSettings("alamat is missing")])
async def test_items_wait_while_the_settings_are_refused(
    feed: Installation, error: Exception
) -> None:
    def translate(_: Item) -> Activity:
        raise error

    await pushed(feed, item())
    refused = await intake(feed, FakePlugins(translate=translate)).step()
    broken = await intake(feed, FakePlugins(broken=PluginBroken("fake", "no import"))).step()

    assert (refused, broken) == (NOT_NOW, NOT_NOW)
    waiting = await InboxItem.get()
    assert (waiting.processed_at, waiting.attempts) == (None, 0)
    assert await count("dead_letter") == 0


async def test_a_delivery_is_split_into_items_that_are_worked_off_in_turn(
    feed: Installation,
) -> None:
    body = {"id": "msg_1", "body": "[]", "headers": {}}
    delivery = Received(source_id="delivery:msg_1", body=body, kind=InboxKind.DELIVERY)
    await service.accept(feed.id, [delivery], NOON)
    seen: list[Delivery] = []

    def receive(one: Delivery) -> tuple[Item, ...]:
        seen.append(one)
        return (item("D-1"), item("D-2"))

    plugins = FakePlugins(receive=receive)
    for _ in range(2):
        await intake(feed, plugins).step()

    assert seen == [Delivery(id="msg_1", body="[]", headers={})]
    assert await count("progress_record") == 2
    assert await InboxItem.filter(processed_at=None).count() == 0


async def test_an_item_that_calls_itself_a_delivery_stays_an_item(feed: Installation) -> None:
    await pushed(feed, item("delivery:msg_1", id="msg_1", body="[]", headers={}))
    plugins = FakePlugins()

    await intake(feed, plugins).step()

    assert plugins.translated == ["delivery:msg_1"]


async def test_a_submitted_activity_needs_no_plugin(feed: Installation) -> None:
    await Installation.filter(id=feed.id).update(plugin=service.SUBMITTED)
    right = activity("A-1").to_json()
    forged = activity("A-3").to_json()
    wrong = right | {"nip": "17"}
    submitted = [
        Received(source_id=name, body=body, kind=InboxKind.ACTIVITY)
        for name, body in (("A-1", right), ("A-2", forged), ("A-3", wrong))
    ]
    await service.accept(feed.id, submitted, NOON)
    plugins = FakePlugins(broken=PluginBroken("submitted", "there is none"))

    await intake(feed, plugins).step()
    assert await poller(feed, plugins).step() == UNPOLLED

    assert await count("progress_record") == 1
    causes = [letter.cause for letter in await DeadLetter.all().order_by("id")]
    assert causes == [DeadLetterCause.FORGED, DeadLetterCause.UNTRANSLATABLE]


async def test_json_that_cannot_be_stored_is_given_up_and_visible(feed: Installation) -> None:
    await pushed(feed, item("D-1", hal="a\x00b"))
    plugins = FakePlugins()

    await intake(feed, plugins).step()

    assert plugins.translated == []
    assert (await DeadLetter.get()).cause is DeadLetterCause.UNTRANSLATABLE


# --- the worker --------------------------------------------------------------------------------


async def until(condition: Callable[[], object], seconds: float = 20) -> None:
    """Wait for something to come true; the bound only ends a test that would hang."""
    async with asyncio.timeout(seconds):
        while not await condition():  # type: ignore[misc]
            await asyncio.sleep(0.02)


async def test_a_failing_plugin_does_not_stop_another(
    feed: Installation, fresh_database: Database
) -> None:
    await Installation.filter(id=feed.id).update(plugin="broken")
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.installation(await feed.agency, title="Lain")

    class OneBroken(FakePlugins):
        async def describe(self, plugin: str):  # type: ignore[no-untyped-def]
            if plugin == "broken":
                raise RuntimeError("a fault that nobody foresaw")
            return await super().describe(plugin)

    stop = asyncio.Event()
    async with opened(fresh_database, DatabaseRole.WORKER):
        worker = asyncio.create_task(run_ingestion(fresh_database, OneBroken(fetch=pages(1)), stop))
        await until(lambda: ProgressRecord.exists())
        stop.set()
        await worker


@pytest.mark.slow
async def test_two_workers_do_not_feed_one_installation_at_once(
    feed: Installation, fresh_database: Database
) -> None:
    await Installation.filter(id=feed.id).update(poll_seconds=1)
    at_once = most = 0

    class Slow(FakePlugins):
        async def fetch(self, *args, **kwargs):  # type: ignore[no-untyped-def]
            nonlocal at_once, most
            at_once += 1
            most = max(most, at_once)
            try:
                await asyncio.sleep(0.2)
                return await super().fetch(*args, **kwargs)
            finally:
                at_once -= 1

    stop, other_stop = asyncio.Event(), asyncio.Event()
    first = asyncio.create_task(run_ingestion(fresh_database, Slow(), stop))
    second = asyncio.create_task(run_ingestion(fresh_database, Slow(), other_stop))
    await until(lambda: Run.exists())
    before = await Run.all().count()
    stop.set()
    await first
    # Whichever fed it, the one that is left goes on.
    await until(lambda: more_runs_than(before))
    other_stop.set()
    await second

    assert most == 1


async def more_runs_than(before: int) -> bool:
    return await Run.all().count() > before


async def test_a_lost_connection_of_the_worker_is_made_anew(
    feed: Installation, fresh_database: Database
) -> None:
    stop = asyncio.Event()
    worker = asyncio.create_task(run_ingestion(fresh_database, FakePlugins(), stop))
    await pushed(feed, item("D-1"))
    await until(lambda: ProgressRecord.filter(description__contains="Menandatangani").exists())
    owner = await superuser(fresh_database)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await owner.close()
    await pushed(feed, item("D-2"))
    await until(lambda: both_taken_in())
    stop.set()

    await worker


async def both_taken_in() -> bool:
    return await ProgressRecord.all().count() == 2


async def test_a_wake_up_during_a_step_is_not_lost() -> None:
    steps = 0

    async def step() -> timedelta:
        nonlocal steps
        steps += 1
        if steps == 1:
            loop.wake()
        else:
            loop.stop()
        return timedelta(hours=1)

    loop = Loop("test", step)
    async with asyncio.timeout(20):
        await loop.run()

    assert steps == 2


async def test_run_that_somebody_asks_for_begins_within_two_seconds(
    feed: Installation, fresh_database: Database
) -> None:
    plugins, stop = FakePlugins(), asyncio.Event()
    await Installation.filter(id=feed.id).update(next_poll_at=utc_now())
    worker = asyncio.create_task(run_ingestion(fresh_database, plugins, stop))
    await until(lambda: Run.all().exists())
    # The poller pauses now, and looks at its row again only after LOOK_AGAIN.
    await asyncio.sleep(0.2)
    polled, began = len(plugins.cursors), asyncio.get_running_loop().time()
    await Installation.filter(id=feed.id).update(next_poll_at=utc_now())

    async def again() -> bool:
        return len(plugins.cursors) > polled

    await until(again)
    took = asyncio.get_running_loop().time() - began
    stop.set()
    await worker

    assert took < NOTICE.total_seconds() + 1 < LOOK_AGAIN.total_seconds()
