"""What followers are told, on the real log, sequencer and event bus: all of it once, in order."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from tortoise import Tortoise

from schema import events
from schema.events import EventKind
from schema.organizations.models import Assignment, Employee
from schema.organizations.viewers import scope_of
from schema.progress import service
from schema.progress.models import ProgressRecord
from schema.progress.placing import Place
from schema.progress.service import Confirmation
from schema.tables import transaction
from server.database import DatabaseRole, opened
from server.event_bus import EventBus
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    MORNING,
    NOW,
    OTHER_STAFF,
    STAFF,
    STRANGER,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Answer,
    Api,
    World,
    busy_day,
    found,
    key_of,
    logged,
)
from tests.server.event_log import GUARD, sequencing, until

TEAM = """subscription($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind event reason
    employee { nip }
    team { members { employee { nip } recordedMinutes pendingCount } }
    member { employee { nip } recordedMinutes pendingCount status } } }"""
PENDING = """subscription($after: String) {
  pendingProgress(after: $after) { cursor id description state } }"""
TARGET = """subscription($target: ID!, $after: String) {
  targetProgress(target: $target, after: $after) {
    cursor target { title achievement { realized } } } }"""

EARLY = MORNING - timedelta(hours=5)
"""A time of the day at which the busy morning of the factory has no record: 02.30 WIB."""


@dataclass(frozen=True)
class Live:
    """The small agency, and the bus of a server process that serves it."""

    world: World
    bus: EventBus

    def api(self, subject: str | None, **given: Any) -> Api:
        return Api(subject, feed=self.bus, **given)


async def stamped_day() -> World:
    """The busy day, all of its events stamped."""
    world = await found()
    await busy_day(world)
    await Tortoise.get_connection("default").execute_query_dict("SELECT stamp_events()")
    return world


@pytest.fixture
async def live(copies: Copies) -> AsyncIterator[Live]:
    async with (
        copies.of(stamped_day, stamped_day) as (database, world),
        opened(database, DatabaseRole.APPLICATION),
        sequencing(database),
        EventBus.running(database) as bus,
    ):
        yield Live(world, bus)


@asynccontextmanager
async def followed(
    api: Api, document: str, **variables: Any
) -> AsyncIterator[AsyncGenerator[Answer, None]]:
    async with aclosing(api.follow(document, **variables)) as stream:
        yield stream


async def take(stream: AsyncGenerator[Answer, None], count: int) -> list[Any]:
    """The next messages' data; each is the answer of one field."""
    found = []
    async with asyncio.timeout(GUARD):
        for _ in range(count):
            answer = await anext(stream)
            assert answer.codes == ()
            found.extend(answer.data.values())
    return found


async def end_of(stream: AsyncGenerator[Answer, None]) -> list[str]:
    """How a stream ends: the code of its last message, and nothing behind it."""
    async with asyncio.timeout(GUARD):
        answer = await anext(stream)
        assert await anext(stream, None) is None
    return list(answer.codes)


async def write(nip: str, number: int = 0, place: Place | None = None) -> ProgressRecord:
    """Ten minutes of work, confirmed by being written."""
    at = EARLY + timedelta(minutes=10 * number)
    return await logged(await scope_of(nip), at, minutes=10, place=place or Place())


async def test_a_team_is_a_snapshot_and_then_each_change(live: Live) -> None:
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        (snapshot,) = await take(stream, 1)
        before = {one["employee"]["nip"]: one for one in snapshot["team"]["members"]}
        await write(COLLEAGUE)
        record = live.world.records["to dismiss"]
        await service.dismiss_progress(await scope_of(STAFF), record.id, "Bukan saya", NOW)
        changes = await take(stream, 2)

    assert (snapshot["kind"], snapshot["event"], snapshot["member"]) == ("SNAPSHOT", None, None)
    assert snapshot["reason"] == "FIRST"
    assert [one["reason"] for one in changes] == [None, None]
    assert set(before) == {STAFF, COLLEAGUE}
    assert [one["event"] for one in changes] == ["progress.logged", "progress.dismissed"]
    assert {one["kind"] for one in changes} == {"CHANGE"}
    assert [one["team"] for one in changes] == [None, None]
    logged_, dismissed = (one["member"] for one in changes)
    assert (logged_["employee"]["nip"], logged_["recordedMinutes"]) == (COLLEAGUE, 10)
    assert dismissed["pendingCount"] == before[STAFF]["pendingCount"] - 1
    cursors = [int(one["cursor"]) for one in (snapshot, *changes)]
    assert cursors == [cursors[0], cursors[0] + 1, cursors[0] + 2]


async def test_a_team_hears_nothing_of_other_teams_nor_of_those_further_down(live: Live) -> None:
    """The superior's own team are two supervisors: their people's work is not told to it."""
    async with (
        followed(live.api(SUPERVISOR), TEAM) as near,
        followed(live.api(SUPERIOR), TEAM) as far,
    ):
        await take(near, 1)
        await take(far, 1)
        await write(OTHER_STAFF)
        await write(STAFF)
        await write(SUPERVISOR)
        (of_staff,) = await take(near, 1)
        (of_supervisor,) = await take(far, 1)

    assert of_staff["member"]["employee"]["nip"] == STAFF
    assert of_supervisor["member"]["employee"]["nip"] == SUPERVISOR


async def test_a_stream_resumes_at_any_cursor_without_gap_or_repeat(live: Live) -> None:
    api = live.api(SUPERVISOR)
    async with followed(api, TEAM) as stream:
        (snapshot,) = await take(stream, 1)
        await asyncio.gather(*(write(nip, n) for n in range(8) for nip in (STAFF, COLLEAGUE)))
        whole = await take(stream, 16)

    heard = [snapshot["cursor"], *(one["cursor"] for one in whole)]
    assert len(set(heard)) == 17
    assert heard == sorted(heard, key=int)
    for place in (0, 1, 7, 15):
        async with followed(api, TEAM, after=heard[place]) as stream:
            again = await take(stream, 16 - place)
        assert [one["cursor"] for one in again] == heard[place + 1 :]
        assert {one["kind"] for one in again} == {"CHANGE"}


async def test_a_cursor_that_is_not_ours_is_refused(live: Live) -> None:
    target = key_of(live.world.targets["T"])
    documents = ((TEAM, {}), (PENDING, {}), (TARGET, {"target": target}))
    for after in ("x", "-1", "1.0", "", "9" * 19, "999999"):
        for document, variables in documents:
            api = live.api(SUPERVISOR)
            async with followed(api, document, after=after, **variables) as stream:
                assert await end_of(stream) == ["INVALID_CURSOR"], after


async def test_rights_lost_in_mid_stream_end_it(live: Live) -> None:
    team = {"supervisor": key_of(live.world.people[SUPERVISOR])}
    target = {"target": key_of(live.world.targets["T"])}
    async with (
        followed(live.api(SUPERIOR), TEAM, **team) as of_team,
        followed(live.api(SUPERIOR), TARGET, **target) as of_target,
    ):
        await take(of_team, 1)
        await take(of_target, 1)
        place = Place(target_id=live.world.targets["T"].id, quantity=Decimal(1))
        await write(STAFF, 0, place)
        await take(of_team, 1)
        await take(of_target, 1)
        # Another leads the supervisor from now on.
        await Employee.filter(nip__in=[SUPERVISOR, STAFF]).update(superiors=[])
        await write(STAFF, 1, place)
        # The event goes to the line of its time, so what is still told is that it is over.
        assert await end_of(of_target) == ["NOT_FOUND"]
        await Employee.filter(nip=STAFF).update(superiors=[live.world.people[SUPERVISOR].id])
        await write(STAFF, 2)
        assert await end_of(of_team) == ["NOT_FOUND"]


async def test_who_has_left_a_team_is_told_of_no_more(live: Live) -> None:
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        await take(stream, 1)
        await Assignment.filter(employee__nip=COLLEAGUE).update(ends_on=TODAY)
        await write(COLLEAGUE)
        await write(STAFF)
        (change,) = await take(stream, 1)

    assert change["member"]["employee"]["nip"] == STAFF


async def happen(kind: EventKind, nip: str) -> None:
    async with transaction() as connection:
        person = await Employee.get(nip=nip)
        await events.append(connection, kind=kind, person=person)


async def test_who_leaves_a_team_is_told_of_once(live: Live) -> None:
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        await take(stream, 1)
        await Assignment.filter(employee__nip=COLLEAGUE).update(ends_on=TODAY)
        await happen(EventKind.POSTS_CHANGED, COLLEAGUE)
        await write(COLLEAGUE)
        await happen(EventKind.POSTS_CHANGED, STAFF)
        left, change = await take(stream, 2)

    assert (left["kind"], left["event"]) == ("LEFT", "posts.changed")
    assert left["employee"]["nip"] == COLLEAGUE
    assert (left["team"], left["member"], left["reason"]) == (None, None, None)
    assert (change["kind"], change["event"], change["employee"]) == (
        "CHANGE",
        "posts.changed",
        None,
    )
    assert change["member"]["employee"]["nip"] == STAFF


async def test_who_goes_to_another_agency_is_gone_from_a_new_snapshot(live: Live) -> None:
    """Nobody of the old agency sees them any more, so no message can name them."""
    elsewhere = (await Employee.get(nip=STRANGER)).agency_id
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        await take(stream, 1)
        person = await Employee.get(nip=COLLEAGUE)
        await Assignment.filter(employee_id=person.id).update(ends_on=TODAY)
        await Employee.filter(id=person.id).update(agency_id=elsewhere, superiors=[])
        async with transaction() as connection:
            await events.append(connection, kind=EventKind.POSTS_CHANGED, person=person)
        (told,) = await take(stream, 1)

    assert (told["kind"], told["reason"], told["employee"]) == ("SNAPSHOT", "CHANGED", None)
    assert [one["employee"]["nip"] for one in told["team"]["members"]] == [STAFF]


async def test_what_befalls_an_agency_is_a_snapshot_of_its_teams_only(live: Live) -> None:
    own, other = [(await Employee.get(nip=nip)).agency_id for nip in (SUPERVISOR, STRANGER)]
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        await take(stream, 1)
        for agency in (other, own):
            async with transaction() as connection:
                await events.append_for_agency(connection, EventKind.CALENDAR_CHANGED, agency)
        (told,) = await take(stream, 1)

    assert (told["kind"], told["reason"], told["event"]) == (
        "SNAPSHOT",
        "CHANGED",
        "calendar.changed",
    )
    assert {one["employee"]["nip"] for one in told["team"]["members"]} == {STAFF, COLLEAGUE}


async def test_a_stream_ends_with_its_token_also_when_nothing_happens(live: Live) -> None:
    api = live.api(SUPERVISOR, expires_at=NOW + timedelta(milliseconds=20))
    async with followed(api, TEAM) as stream:
        await take(stream, 1)

        assert await end_of(stream) == ["UNAUTHENTICATED"]
    await until(lambda: live.bus.followers == 0)


async def test_a_token_that_expired_between_two_events_ends_the_stream(live: Live) -> None:
    api = live.api(SUPERVISOR)
    async with followed(api, TEAM) as stream:
        await take(stream, 1)
        await write(STAFF, 0)
        await take(stream, 1)
        api.now = api.expires_at
        await write(STAFF, 1)

        assert await end_of(stream) == ["UNAUTHENTICATED"]


async def test_the_inbox_tells_what_arrived_behind_a_cursor_and_then_what_arrives(
    live: Live,
) -> None:
    world = live.world
    async with followed(live.api(STAFF), PENDING, after="0") as stream:
        missed = await take(stream, 3)
        await arrive(world.people[COLLEAGUE], world.records["waiting"])
        await arrive(world.people[STAFF], world.records["waiting"])
        (arrived,) = await take(stream, 1)

    # "confirmed" was received first, and is no longer pending.
    waiting = [world.records[name] for name in ("waiting", "to confirm", "to dismiss")]
    assert [one["id"] for one in missed] == [key_of(row) for row in waiting]
    assert {one["state"] for one in missed} == {"PENDING"}
    assert arrived["id"] == key_of(world.records["waiting"])
    cursors = [int(one["cursor"]) for one in (*missed, arrived)]
    assert cursors == sorted(set(cursors))


async def test_the_inbox_without_a_cursor_begins_now(live: Live) -> None:
    async with followed(live.api(STAFF), PENDING) as stream:
        first = asyncio.create_task(take(stream, 1))
        await until(lambda: live.bus.followers == 1)
        await arrive(live.world.people[STAFF], live.world.records["to confirm"])
        ((arrived,),) = [await first]

    assert arrived["id"] == key_of(live.world.records["to confirm"])


async def arrive(person: Employee, record: ProgressRecord) -> None:
    """The event of a record that was received."""
    async with transaction() as connection:
        await events.append(
            connection, kind=EventKind.PROGRESS_RECEIVED, person=person, record_id=record.id
        )


async def test_a_target_is_told_with_its_figures_whenever_they_move(live: Live) -> None:
    """S has 5 from the busy morning: 3 of T, 1 and 1 of T1; now 2 of T1, then a level of R."""
    world = live.world
    staff = await scope_of(STAFF)
    async with followed(live.api(SUPERVISOR), TARGET, target=key_of(world.targets["S"])) as stream:
        (now,) = await take(stream, 1)
        await write(STAFF, 0, Place(target_id=world.targets["T1"].id, quantity=Decimal(2)))
        (more,) = await take(stream, 1)
        # Indirect: shown at R, not summed, and so not told of S.
        await write(STAFF, 1, Place(target_id=world.targets["R"].id, quantity=Decimal(95)))
        confirmed = Confirmation(
            record_id=world.records["to confirm"].id,
            place=Place(target_id=world.targets["T"].id, quantity=Decimal("0.5")),
        )
        await service.confirm_progress(staff, [confirmed], NOW)
        (half,) = await take(stream, 1)
        await service.dismiss_progress(staff, world.records["confirmed"].id, "Keliru", NOW)
        (less,) = await take(stream, 1)

    # Loaders are made anew for each event, or the first figure would stay.
    realized = [one["target"]["achievement"]["realized"] for one in (now, more, half, less)]
    assert realized == ["5", "7", "7.5", "4.5"]
    cursors = [int(one["cursor"]) for one in (now, more, half, less)]
    assert cursors == [cursors[0], cursors[0] + 1, cursors[0] + 3, cursors[0] + 4]


async def test_a_target_behind_a_cursor_has_no_first_state(live: Live) -> None:
    target = key_of(live.world.targets["S"])
    async with followed(live.api(SUPERVISOR), TARGET, target=target) as stream:
        (first,) = await take(stream, 1)
    async with followed(
        live.api(SUPERVISOR), TARGET, target=target, after=first["cursor"]
    ) as stream:
        await write(STAFF, 0, Place(target_id=live.world.targets["T"].id, quantity=Decimal(1)))
        (next_,) = await take(stream, 1)

    assert int(next_["cursor"]) == int(first["cursor"]) + 1


async def test_a_follower_who_goes_away_leaves_the_bus(live: Live) -> None:
    async with followed(live.api(SUPERVISOR), TEAM) as stream:
        await take(stream, 1)
        waiting = asyncio.create_task(take(stream, 1))
        await until(lambda: live.bus.followers == 1)
        await write(STAFF)
        await waiting

    await until(lambda: live.bus.followers == 0)
