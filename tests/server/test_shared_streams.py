"""One computation for all who watch a team: the same bytes, each with their own rights and pace."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import orjson
import pytest
from tortoise import Tortoise

from schema.access import Role, can_see_work_of
from schema.errors import Unauthenticated
from schema.live import Right
from schema.organizations.models import Employee
from schema.organizations.service import grant_role
from schema.organizations.viewers import scope_of
from schema.teams.watching import rights, shared_scope
from server import producers
from server.api import Api
from server.database import Database, DatabaseRole
from server.event_bus import EventBus
from server.payloads import Payload
from server.producers import Ring
from server.settings import settings_from
from server.shared_streams import Paced
from server.watchers import Message, Watcher
from tests.factories import (
    COLLEAGUE,
    OTHER_STAFF,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    VIEWERS,
)
from tests.server.event_log import GUARD, connected, until
from tests.server.live_server import TEAM, ByName, LiveServer, cursors, end_of, live_server, take

WATCHERS = (SUPERVISOR, SUPERIOR, "pengelola.dc", "auditor.dc")


@pytest.fixture(scope="module")
async def served(module_database: Database) -> AsyncIterator[LiveServer]:
    async with live_server(module_database) as server:
        yield server


@pytest.fixture
async def live(served: LiveServer) -> AsyncIterator[LiveServer]:
    """The one server of this module; no producer is left over from the test before."""
    yield served
    served.api.streams.shared.close()
    await until(lambda: served.bus.followers == 0)


def message(position: int, characters: int = 10) -> Message:
    return Message(position, Payload("x" * characters))


async def test_who_may_watch_is_who_sees_the_leaders_work(live: LiveServer) -> None:
    people = await Employee.all()
    subjects = [subject for subject in VIEWERS.values() if subject is not None]
    pairs = [(leader.id, subject) for leader in people for subject in [*subjects, "nobody"]]
    answers = dict(zip(pairs, await rights(pairs), strict=True))

    for leader in people:
        for subject in subjects:
            expected = can_see_work_of(await scope_of(subject), leader)
            assert bool(answers[leader.id, subject]) is expected, (leader.nip, subject)
        assert answers[leader.id, "nobody"] is Right.NONE
    assert await rights([(uuid4(), SUPERVISOR)]) == [Right.NONE]
    assert await rights([]) == []
    assert await shared_scope(uuid4()) is None


async def test_all_viewers_are_told_the_same_bytes_and_nothing_pending(live: LiveServer) -> None:
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(live.watching(who)) for who in WATCHERS]
        async with asyncio.timeout(GUARD):
            first = [(await anext(stream)).text for stream in streams]
            await live.happen(STAFF)
            second = [(await anext(stream)).text for stream in streams]
        assert len(live.api.streams.shared.producers) == 1

    assert len(set(first)) == len(set(second)) == 1
    assert orjson.loads(first[0])["data"]["teamUpdates"]["kind"] == "SNAPSHOT"
    assert "PENDING" not in first[0] + second[0]


async def test_a_supervisor_without_an_argument_shares_with_those_who_name_them(
    live: LiveServer,
) -> None:
    async with (
        live.watching(SUPERVISOR, supervisor=None) as own,
        live.watching(SUPERIOR, after="0") as others,
    ):
        await take(own, 1)
        await live.happen()
        assert (await take(own, 1))[0]["member"]["employee"]["nip"] == STAFF
        await take(others, 1)
        assert len(live.api.streams.shared.producers) == 1


async def test_who_may_not_watch_and_what_is_no_cursor_are_refused_as_ever(
    live: LiveServer,
) -> None:
    async with live.watching(STAFF) as stream:
        assert await end_of(stream) == "NOT_FOUND"
    async with live.watching("auditor.dc", supervisor=None) as stream:
        assert await end_of(stream) == "NOT_FOUND"
    for after in ("x", "", "-1", "999999", "9" * 19):
        async with live.watching(after=after) as stream:
            assert await end_of(stream) == "INVALID_CURSOR", after
    async with live.watching(supervisor="garbage") as stream:
        assert await end_of(stream) == "BAD_USER_INPUT"
    assert all(not one.watchers for one in live.api.streams.shared.producers)


async def test_a_stream_resumes_at_every_cursor_also_beyond_what_is_kept(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(producers, "KEPT", 4)
    async with live.watching() as stream:
        (snapshot,) = await take(stream, 1)
        for nip in (STAFF, OTHER_STAFF, COLLEAGUE) * 4:
            await live.happen(nip)
        whole = await take(stream, 8)
        heard = cursors([snapshot, *whole])
        (producer,) = live.api.streams.shared.producers
        assert producer.floor > heard[0]
        last = await live.last()

        assert heard == sorted(set(heard))
        for position in range(heard[0], last + 1):
            behind = [cursor for cursor in heard if cursor > position]
            async with live.watching(SUPERIOR, after=str(position)) as again:
                assert cursors(await take(again, len(behind))) == behind, position


async def test_joiners_while_events_flow_miss_nothing_and_hear_nothing_twice(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve clients break off at random and resume; some of them from before what is kept."""
    monkeypatch.setattr(producers, "KEPT", 6)
    monkeypatch.setattr(producers, "AHEAD", 3)
    monkeypatch.setattr(live.api.streams.shared, "_linger_seconds", 0.01)
    chance, start = random.Random(6), await live.last()

    async def client(number: int) -> list[int]:
        subject, after, heard = WATCHERS[number % len(WATCHERS)], start, list[int]()
        while True:
            async with live.watching(subject, after=str(after)) as stream:
                for _ in range(chance.randrange(1, 9)):
                    heard += cursors(await take(stream, 1))
                    after = heard[-1]
                    if after == end:
                        return heard
                    if chance.random() < 0.3:
                        await asyncio.sleep(chance.random() / 50)

    end = -1
    async with asyncio.timeout(3 * GUARD):
        clients = [asyncio.create_task(client(number)) for number in range(12)]
        for _ in range(40):
            await live.happen(chance.choice((STAFF, COLLEAGUE, OTHER_STAFF)))
            await asyncio.sleep(chance.random() / 100)
        end = await live.last() + 1
        await live.happen(STAFF)
        heard = await asyncio.gather(*clients)

    expected = await told_behind(live, start)
    assert expected[-1] == end
    assert heard == [expected] * len(clients)


async def told_behind(live: LiveServer, start: int) -> list[int]:
    """What the log says of the team."""
    await live.last()
    rows = await Tortoise.get_connection("default").execute_query_dict(
        "SELECT position FROM event WHERE position > $1 AND employee_id = ANY($2) ORDER BY 1",
        [start, [live.world.people[nip].id for nip in (STAFF, COLLEAGUE)]],
    )
    return [row["position"] for row in rows]


async def test_one_of_many_loses_the_right_and_the_others_go_on(live: LiveServer) -> None:
    await grant_role(live.world.rows["agency"].id, "passing.dc", Role.AUDITOR)
    async with live.watching("passing.dc") as auditor, live.watching() as supervisor:
        await take(auditor, 1)
        await take(supervisor, 1)
        async with as_owner(live) as owner:
            # Still somebody elsewhere, so that it is the right that is gone and not the person.
            await owner.execute(
                "UPDATE role_grant SET agency_id = (SELECT id FROM agency WHERE code = 'DL') "
                "WHERE subject = 'passing.dc'"
            )
        await live.happen()

        assert await end_of(auditor) == "NOT_FOUND"
        await take(supervisor, 1)


def as_owner(live: LiveServer) -> Any:
    return connected(live.database, DatabaseRole.OWNER)


async def test_rights_lost_without_an_event_end_a_stream(live: LiveServer) -> None:
    async with live.watching(SUPERIOR) as above, live.watching() as supervisor:
        await take(above, 1)
        await take(supervisor, 1)
        ended = asyncio.create_task(end_of(above))
        leader = live.world.people[SUPERVISOR]
        async with as_owner(live) as owner:
            put = "UPDATE employee SET superiors = $2 WHERE id = $1"
            await owner.execute(put, leader.id, [])
            try:
                assert await ended == "NOT_FOUND"
            finally:
                await owner.execute(put, leader.id, leader.superiors)
        await live.happen()
        await take(supervisor, 1)


@pytest.mark.parametrize(
    "document", [TEAM, "subscription { pendingProgress { cursor id } }"], ids=["shared", "own"]
)
async def test_a_revoked_token_ends_an_idle_stream(live: LiveServer, document: str) -> None:
    subject = f"revoked.{uuid4()}"
    await grant_role(live.world.rows["agency"].id, subject, Role.AUDITOR)
    async with live.watching(subject, document) as stream:
        waiting = asyncio.create_task(end_of(stream))
        await until(lambda: live.bus.followers == 1)
        await revoke(live, subject)

        assert await waiting == "UNAUTHENTICATED"
    assert live.api.streams.open._open == set()


async def revoke(live: LiveServer, subject: str) -> None:
    async with as_owner(live) as owner:
        await owner.execute(
            "INSERT INTO token_revocation (id, subject, issued_before, revoked_by, revoked_at) "
            "VALUES (gen_random_uuid(), $1, now(), 'test', now())",
            subject,
        )


async def test_a_cursor_too_old_gets_a_snapshot_that_says_so(live: LiveServer) -> None:
    async with as_owner(live) as owner:
        await owner.execute(
            "INSERT INTO event (id, kind, agency_id, superior_ids, target_ids, created_at) "
            "SELECT gen_random_uuid(), 'progress.logged', $1, '{}', '{}', "
            "now() - interval '25 hours' FROM generate_series(1, 3)",
            uuid4(),
        )
    last = await live.last()
    async with live.watching(after=str(last - 3)) as late, live.watching() as fresh:
        await take(fresh, 1)
        (snapshot,) = await take(late, 1)
        await live.happen()
        assert cursors(await take(late, 1)) == cursors(await take(fresh, 1)) == [last + 1]

    told = (snapshot["kind"], snapshot["reason"], int(snapshot["cursor"]))
    assert told == ("SNAPSHOT", "CURSOR_TOO_OLD", last)


async def test_a_cursor_too_many_events_behind_is_too_old(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schema.live.MOST_BEHIND", 3)
    await live.happen(OTHER_STAFF, 4)
    last = await live.last()
    async with live.watching(after=str(last - 2)) as near:
        await live.happen()
        assert (await take(near, 1))[0]["kind"] == "CHANGE"
    live.api.streams.shared.close()
    async with live.watching(after=str(last - 4)) as far:
        assert (await take(far, 1))[0]["reason"] == "CURSOR_TOO_OLD"


async def test_a_watcher_who_does_not_read_is_ended_and_resumes_without_a_gap(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = Watcher.__init__.__defaults__
    monkeypatch.setattr(Watcher.__init__, "__defaults__", (5, 10**6))
    async with live.watching() as slow, live.watching(SUPERIOR) as quick:
        await take(slow, 1)
        await take(quick, 1)
        joined = asyncio.create_task(take(slow, 1))
        await live.happen()
        told = await joined
        heard = await take(quick, 1)
        for _ in range(7):
            await live.happen()
            heard += await take(quick, 1)

        assert await end_of(slow) == "RESUME_FROM_CURSOR"
    monkeypatch.setattr(Watcher.__init__, "__defaults__", defaults)
    async with live.watching(after=told[0]["cursor"]) as again:
        assert cursors(await take(again, 7)) == cursors(heard)[1:]


async def test_a_fault_of_the_producer_is_unavailable_and_its_watchers_resume(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with live.watching() as one, live.watching(SUPERIOR) as other:
        (snapshot,) = await take(one, 1)
        await take(other, 1)
        both = [asyncio.create_task(end_of(stream)) for stream in (one, other)]
        (producer,) = live.api.streams.shared.producers
        await until(lambda: len(producer.watchers) == 2)

        async def broken(subjects: Any) -> list[Right]:
            raise asyncpg.CannotConnectNowError("going down")

        producer.rights = broken
        await live.happen()
        assert [await end for end in both] == ["UNAVAILABLE"] * 2
    async with live.watching(after=snapshot["cursor"]) as again:
        await take(again, 1)


async def test_a_producer_ends_after_its_last_watcher(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = live.api.streams.shared
    async with live.watching() as stream:
        await take(stream, 1)
    (producer,) = shared.producers
    monkeypatch.setattr(shared, "_linger_seconds", 0.01)
    async with live.watching() as stream:
        await take(stream, 1)
        assert shared.producers == [producer]
        await asyncio.sleep(0.02)
        await live.happen()
        await take(stream, 1)
    await until(lambda: shared.producers == [])
    await until(lambda: live.bus.followers == 0)


async def test_closing_the_bus_tells_watchers_to_resume_elsewhere(live: LiveServer) -> None:
    async with EventBus.running(live.database) as bus:
        api = Api(settings_from({}), ByName(), bus)  # type: ignore[arg-type]
        other = replace(live, bus=bus, api=api)
        async with other.watching() as stream:
            await take(stream, 1)
            ended = asyncio.create_task(end_of(stream))
            await until(lambda: bus.followers == 1)
            bus.close()

            assert await ended == "UNAVAILABLE"


def test_a_ring_holds_all_behind_its_floor() -> None:
    ring = Ring(10)
    for position in range(11, 12 + producers.KEPT):
        ring.append(message(position))
    assert ring.floor == 11
    assert [one.position for one in ring.behind(11)] == list(range(12, 12 + producers.KEPT))
    ring.append(message(9_999, producers.KEPT_CHARACTERS + 1))
    assert (ring.floor, ring.behind(9_999)) == (9_999, [])


async def test_a_queue_is_bounded_by_length_and_takes_one_message_whatever_its_length() -> None:
    watcher = Watcher("x", limit=3, characters=100)
    assert watcher.offer(message(1, 1_000))
    assert not watcher.offer(message(2, 1))
    with pytest.raises(Exception, match="resume"):
        await watcher.next()

    watcher = Watcher("x", limit=3, characters=100)
    watcher.position = 5
    assert watcher.offer(message(5))
    assert all(watcher.offer(message(position)) for position in (6, 7, 8))
    assert [(await watcher.next()).position for _ in range(3)] == [6, 7, 8]
    watcher.end(Unauthenticated())
    assert not watcher.offer(message(9))
    with pytest.raises(Unauthenticated):
        await watcher.next()


class Ready:
    """A log in which something has always happened."""

    async def last_position(self) -> int:
        return 0

    async def follow(self, after: int) -> AsyncGenerator[Any, None]:
        while True:
            yield after


async def test_few_messages_are_made_at_once_however_many_producers_there_are() -> None:
    turns, making, most = asyncio.Semaphore(3), 0, 0

    async def produce() -> None:
        nonlocal making, most
        async with aclosing(Paced(Ready(), turns).follow(1)) as events:
            for _ in range(5):
                await anext(events)
                making += 1
                most = max(most, making)
                await asyncio.sleep(0)
                making -= 1

    async with asyncio.timeout(GUARD):
        await asyncio.gather(*(produce() for _ in range(20)))

    assert most == 3
    # Who left in the middle has given their turn back.
    assert turns._value == 3
