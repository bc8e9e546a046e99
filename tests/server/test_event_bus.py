"""Followers of the log see every committed event, once, in order, through breaks of any kind."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from schema.errors import DomainError, ErrorCode, SlowConsumer
from schema.events import EventFeed
from server.database import Database, DatabaseRole
from server.event_bus import BATCH, KEPT, EventBus
from server.telemetry import REGISTRY
from tests.server.event_log import (
    GUARD,
    NOBODY,
    connected,
    insert,
    resume,
    sequencing,
    take,
    until,
)

NEVER = timedelta(hours=1)
"""A catch-up interval that leaves everything to the wake-up."""

OTHERS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
INSERT_MANY = """
INSERT INTO event
  (id, kind, agency_id, employee_id, record_id, superior_ids, target_ids, created_at)
SELECT gen_random_uuid(), 'progress.logged', $2, $2, gen_random_uuid(), '{}', '{}', now()
FROM generate_series(1, $1::int)
"""


@pytest.fixture
async def connection(fresh_database: Database) -> AsyncIterator[Any]:
    async with connected(fresh_database) as connection:
        yield connection


@pytest.fixture
async def sequenced(fresh_database: Database) -> AsyncIterator[Database]:
    """The fresh database with a sequencer at work."""
    async with sequencing(fresh_database):
        yield fresh_database


def open_subscriptions() -> float:
    return REGISTRY.get_sample_value("ekinerja_open_subscriptions") or 0


async def stamp_many(connection: Any, count: int) -> None:
    """Events that are committed and stamped when this returns."""
    await connection.execute(INSERT_MANY, count, NOBODY)
    assert await connection.fetchval("SELECT stamp_events()") == count


async def test_a_follower_gets_what_it_missed_and_then_live_events(
    fresh_database: Database, connection: Any
) -> None:
    missed = 2 * BATCH + 7
    await stamp_many(connection, missed)
    async with EventBus.running(fresh_database) as bus, aclosing(bus.follow(3)) as stream:
        replayed = await take(stream, missed - 3)
        key = await insert(connection)
        await connection.fetchval("SELECT stamp_events()")
        live = await take(stream, 1)

    assert [event.position for event in replayed] == list(range(4, missed + 1))
    assert (live[0].position, live[0].record_id) == (missed + 1, key)
    assert type(live[0].record_id) is UUID


async def test_the_bus_is_the_feed_that_the_schema_asks_for(fresh_database: Database) -> None:
    async with EventBus.running(fresh_database) as bus:
        feed: EventFeed = bus
        assert await feed.last_position() == 0


async def test_events_stamped_during_the_replay_are_neither_lost_nor_repeated(
    fresh_database: Database, connection: Any
) -> None:
    await stamp_many(connection, BATCH + 5)
    async with EventBus.running(fresh_database) as bus, aclosing(bus.follow(0)) as stream:
        positions = []
        for read in range(1, 4 * BATCH + 1):
            positions += [event.position for event in await take(stream, 1)]
            # Faster than it is read at first, so that replay and live stream meet at random.
            if read % 2 and read < 3 * BATCH:
                await stamp_many(connection, 2)

    assert positions == list(range(1, 4 * BATCH + 1))


@pytest.mark.slow
async def test_commit_order_race_loses_nothing_for_a_reader_that_resumes_at_each_step(
    sequenced: Database,
) -> None:
    """TRUST 0.4: the transaction that inserts first commits last, in 300 random variants."""
    choice = random.Random(20261124)
    cursor = 0
    expected: list[UUID] = []
    seen: list[UUID] = []
    async with AsyncExitStack() as stack:
        writers = [await stack.enter_async_context(connected(sequenced)) for _ in range(4)]
        buses = [await stack.enter_async_context(EventBus.running(sequenced)) for _ in range(2)]

        for _ in range(300):
            keys = {}
            for writer in choice.sample(writers, choice.randint(2, 4)):
                await writer.execute("BEGIN")
                keys[writer] = await insert(writer)
            first = next(iter(keys))
            for writer in [*choice.sample(list(keys)[1:], len(keys) - 1), first]:
                await writer.execute("COMMIT")
                expected.append(keys[writer])
                if writer is first or choice.random() < 0.5:
                    missing = len(expected) - len(seen)
                    events = await resume(choice.choice(buses), cursor, missing)
                    seen += [event.record_id for event in events]
                    cursor = events[-1].position

    # Commits that the sequencer took in one batch may be in either order; none may be missing.
    assert sorted(seen) == sorted(expected)
    assert len(set(seen)) == len(seen)
    assert cursor == len(expected)


async def test_fifty_followers_that_break_off_at_random_see_exactly_the_log(
    sequenced: Database, connection: Any
) -> None:
    total = 400

    async def follow_with_breaks(seed: int, buses: list[EventBus]) -> list[int]:
        choice = random.Random(seed)
        positions: list[int] = []
        while len(positions) < total:
            count = min(choice.randint(1, 60), total - len(positions))
            events = await resume(choice.choice(buses), len(positions), count)
            positions += [event.position for event in events]
        return positions

    async with EventBus.running(sequenced) as one, EventBus.running(sequenced) as two:
        followers = [
            asyncio.create_task(follow_with_breaks(seed, [one, two])) for seed in range(50)
        ]
        for _ in range(total):
            await insert(connection)
        results = await asyncio.wait_for(asyncio.gather(*followers), GUARD)

        assert all(positions == list(range(1, total + 1)) for positions in results)
        assert one.followers == two.followers == 0


@pytest.mark.slow
async def test_the_loss_of_every_connection_loses_no_event(
    sequenced: Database, connection: Any
) -> None:
    async with EventBus.running(sequenced) as bus, aclosing(bus.follow(0)) as stream:
        positions = []
        for _ in range(5):
            await insert(connection)
            positions += [event.position for event in await take(stream, 1)]
            terminated = await connection.fetch(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND usename = current_user"
                " AND pid <> pg_backend_pid()"
            )
            assert terminated
            await insert(connection)
            positions += [event.position for event in await take(stream, 1)]

    assert positions == list(range(1, 11))


async def test_the_wake_up_alone_brings_events(sequenced: Database, connection: Any) -> None:
    async with (
        EventBus.running(sequenced, catch_up_interval=NEVER) as bus,
        aclosing(bus.follow(0)) as stream,
    ):
        for expected in range(1, 6):
            await insert(connection)
            assert [event.position for event in await take(stream, 1)] == [expected]


async def test_a_lost_wake_up_only_delays(fresh_database: Database, connection: Any) -> None:
    async with (
        EventBus.running(fresh_database, catch_up_interval=timedelta(milliseconds=20)) as bus,
        aclosing(bus.follow(0)) as stream,
    ):
        reading = asyncio.create_task(take(stream, 1))
        await until(lambda: bus.followers == 1)
        key = await insert(connection)
        await stamp_without_notice(fresh_database, key, 1)

        assert [event.record_id for event in await reading] == [key]


async def stamp_without_notice(database: Database, key: UUID, position: int) -> None:
    async with connected(database, DatabaseRole.OWNER) as owner:
        await owner.execute("UPDATE event SET position = $2 WHERE id = $1", key, position)


async def test_only_the_slow_follower_is_ended_and_it_resumes_from_its_cursor(
    fresh_database: Database, connection: Any
) -> None:
    async with EventBus.running(fresh_database, queue_limit=20) as bus:
        slow = bus.follow(0)
        quick = bus.follow(0)
        both = asyncio.gather(take(slow, 1), take(quick, 1))
        await until(lambda: bus.followers == 2)
        await stamp_many(connection, 1)
        first, read = await both
        assert [event.position for event in first] == [1]
        for _ in range(5):
            await stamp_many(connection, 8)
            read += await take(quick, 8)

        assert bus.followers == 1
        with pytest.raises(SlowConsumer) as refusal:
            await take(slow, 1)
        resumed = await resume(bus, 1, 40)
        await quick.aclose()

    assert refusal.value.code is ErrorCode.RESUME_FROM_CURSOR
    assert [event.position for event in read] == list(range(1, 42))
    assert [event.position for event in resumed] == list(range(2, 42))


@pytest.mark.parametrize("cursor", [-1, 4, 10**30])
async def test_a_cursor_outside_the_log_is_refused(
    cursor: int, fresh_database: Database, connection: Any
) -> None:
    await stamp_many(connection, 3)
    async with EventBus.running(fresh_database) as bus:
        with pytest.raises(DomainError) as refusal:
            await anext(bus.follow(cursor))

        assert refusal.value.code is ErrorCode.INVALID_CURSOR
        assert bus.followers == 0


async def test_a_cursor_from_a_process_that_is_ahead_is_honoured(
    fresh_database: Database, connection: Any
) -> None:
    async with EventBus.running(fresh_database, catch_up_interval=NEVER) as bus:
        # Two events that this bus has not heard of, and whose cursor a client brings.
        for position in (1, 2):
            await stamp_without_notice(fresh_database, await insert(connection), position)
        async with aclosing(bus.follow(2)) as stream:
            reading = asyncio.create_task(take(stream, 1))
            await until(lambda: bus.followers == 1)
            await stamp_many(connection, 1)

            assert [event.position for event in await reading] == [3]


async def test_a_log_that_ends_before_what_was_passed_on_ends_every_stream(
    fresh_database: Database, connection: Any
) -> None:
    """A standby that lacks the last commits has taken over; positions are given again."""
    await stamp_many(connection, 5)
    async with EventBus.running(
        fresh_database, catch_up_interval=timedelta(milliseconds=20)
    ) as bus:
        stream = bus.follow(4)
        assert [event.position for event in await take(stream, 1)] == [5]
        reading = asyncio.create_task(take(stream, 1))
        await until(lambda: bus.followers == 1)
        async with connected(fresh_database, DatabaseRole.OWNER) as owner:
            await owner.execute("ALTER TABLE event DISABLE TRIGGER USER")
            await owner.execute("DELETE FROM event WHERE position > 3")
        with pytest.raises(DomainError) as refusal:
            await reading
        await stamp_many(connection, 1)

        assert refusal.value.code is ErrorCode.INVALID_CURSOR
        assert [event.position for event in await resume(bus, 3, 1)] == [4]


async def test_whoever_comes_back_after_a_moment_costs_the_database_nothing(
    fresh_database: Database, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EventBus.running(fresh_database) as bus, aclosing(bus.follow(0)) as stream:
        reading = asyncio.create_task(take(stream, KEPT + 10))
        await until(lambda: bus.followers == 1)
        for _ in range(10):
            await stamp_many(connection, KEPT // 10 + 1)
            await asyncio.sleep(0)
        whole = await reading

        reads: list[int] = []
        read = EventBus._read

        async def counted(self: EventBus, after: int) -> Any:
            reads.append(after)
            return await read(self, after)

        monkeypatch.setattr(EventBus, "_read", counted)
        for after in (10, 11, KEPT, KEPT + 9):
            assert await resume(bus, after, KEPT + 10 - after) == whole[after:]
        assert reads == []
        assert await resume(bus, 9, 1) == whole[9:10]
        assert reads == [9]


async def test_nothing_is_kept_of_a_follower_that_leaves(
    fresh_database: Database, connection: Any
) -> None:
    before = open_subscriptions()
    await stamp_many(connection, 1)
    async with EventBus.running(fresh_database) as bus:
        tasks = [asyncio.create_task(take(bus.follow(0), 2)) for _ in range(20)]
        await until(lambda: bus.followers == 20)
        opened = open_subscriptions()
        for task in tasks[:10]:
            task.cancel()
        await asyncio.wait(tasks[:10])
        left = bus.followers
        await stamp_many(connection, 1)
        await asyncio.gather(*tasks[10:])
        del tasks, task
        # These ended without closing their generators: the loop does it.
        await until(lambda: bus.followers == 0)

    assert (opened, left) == (before + 20, 10)
    assert open_subscriptions() == before


async def test_closing_tells_every_follower_to_come_again(
    fresh_database: Database, connection: Any
) -> None:
    tasks_before = asyncio.all_tasks()
    async with EventBus.running(fresh_database) as bus:
        waiting = asyncio.create_task(take(bus.follow(0), 1))
        await until(lambda: bus.followers == 1)

    with pytest.raises(DomainError) as refusal:
        await waiting
    with pytest.raises(DomainError) as late:
        await anext(bus.follow(0))
    assert refusal.value.code is late.value.code is ErrorCode.UNAVAILABLE
    assert asyncio.all_tasks() == tasks_before
    async with asyncio.timeout(GUARD):
        while await connection.fetchval(OTHERS):
            await asyncio.sleep(0.005)


async def test_an_event_of_a_newer_version_is_passed_over(
    fresh_database: Database, connection: Any
) -> None:
    async with EventBus.running(fresh_database) as bus, aclosing(bus.follow(0)) as stream:
        reading = asyncio.create_task(take(stream, 2))
        await until(lambda: bus.followers == 1)
        for kind in ("progress.logged", "progress.foretold", "progress.confirmed"):
            await insert(connection, kind)
            await connection.fetchval("SELECT stamp_events()")

        live = await reading
        replayed = await resume(bus, 0, 2)

    assert [event.position for event in live] == [1, 3]
    assert replayed == live


async def test_a_log_from_which_events_were_taken_by_force_is_named_and_followed_on(
    fresh_database: Database, connection: Any
) -> None:
    for position in (1, 4):
        await stamp_without_notice(fresh_database, await insert(connection), position)
    async with EventBus.running(fresh_database) as bus:
        with capture_logs() as logs:
            events = await resume(bus, 0, 2)

    assert [event.position for event in events] == [1, 4]
    assert [(line["log_level"], line["after"], line["before"]) for line in logs] == [
        ("error", 1, 4)
    ]
