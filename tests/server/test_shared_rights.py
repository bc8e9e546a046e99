"""What is shared is what all who watch may see: across agencies, and of days that are over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest

from schema.events import EventKind, append_for_agency
from schema.organizations.models import Assignment, AssignmentKind, Employee
from schema.tables import dicts_of, transaction
from schema.teams import graph
from schema.teams.models import DayClose, PresenceStatus
from schema.values import CAPITAL_TIMEZONE, local_date, utc_now
from server import open_streams
from server.database import Database
from tests.factories import OTHER_STAFF, STAFF, STRANGER, SUPERIOR, SUPERVISOR, key_of
from tests.server.event_log import until
from tests.server.live_server import LiveServer, end_of, live_server, take

SEEN = """subscription($supervisor: ID, $after: String) {
  teamUpdates(supervisor: $supervisor, after: $after) { cursor kind
    team { supervisor { nip unit { code } } members { employee { nip unit { code } } } } } }"""

PAST = """subscription($supervisor: ID) { teamUpdates(supervisor: $supervisor) { cursor
  team { supervisor { unit { teams(on: "DAY") {
    supervisor { nip } members { employee { nip name } status } } } } } } }"""


@pytest.fixture
async def live(database: Database) -> AsyncIterator[LiveServer]:
    async with live_server(database) as server:
        yield server


async def appraise(nip: str, by: str) -> None:
    """From now on a person is appraised by another, also one of another agency."""
    person, appraiser = await Employee.get(nip=nip), await Employee.get(nip=by)
    post = await Assignment.filter(employee=person).order_by("-starts_on").first()
    assert post is not None
    await Assignment.create(
        employee=person,
        unit_id=post.unit_id,
        appraiser=appraiser,
        position="Pelaksana",
        kind=AssignmentKind.PLT,
        starts_on=date(2026, 1, 1),
    )
    await dicts_of("SELECT refresh_reporting_lines($1, current_date)", [person.agency_id])


async def told(live: LiveServer, subject: str, leader: str) -> Any:
    supervisor = key_of(live.world.people[leader])
    async with live.watching(subject, SEEN, supervisor=supervisor) as stream:
        (snapshot,) = await take(stream, 1)
        return snapshot["team"]


def nips(team: Any) -> set[str]:
    return {member["employee"]["nip"] for member in team["members"]}


@pytest.mark.parametrize("subject", [SUPERIOR, "auditor.dc", "pengelola.dc"])
async def test_who_is_lent_to_a_team_is_not_shown_to_those_above_it(
    live: LiveServer, subject: str
) -> None:
    await appraise(STRANGER, SUPERVISOR)

    async with live.watching(SUPERVISOR, SEEN) as own:
        assert STRANGER in nips((await take(own, 1))[0]["team"])
        team = await told(live, subject, SUPERVISOR)

    assert STAFF in nips(team)
    assert STRANGER not in nips(team)


async def test_a_superior_of_another_agency_sees_no_directory(live: LiveServer) -> None:
    await appraise(SUPERVISOR, STRANGER)

    assert (await told(live, SUPERIOR, SUPERVISOR))["supervisor"]["unit"] is not None
    assert (await told(live, STRANGER, SUPERVISOR))["supervisor"]["unit"] is None


async def test_who_may_no_longer_share_resumes_by_their_own_rights(live: LiveServer) -> None:
    async with live.watching(SUPERIOR, SEEN) as above, live.watching(SUPERVISOR, SEEN) as own:
        (snapshot,) = await take(above, 1)
        await take(own, 1)
        waiting = asyncio.create_task(end_of(above))
        await until(lambda: any(one.watchers for one in live.api.streams.shared.producers))
        await appraise(STRANGER, SUPERVISOR)

        assert await waiting == "RESUME_FROM_CURSOR"
        await live.happen(STRANGER)
        assert (await take(own, 1))[0]["kind"] == "CHANGE"
    async with live.watching(SUPERIOR, SEEN, after=snapshot["cursor"]) as again:
        await live.happen(STAFF)
        assert (await take(again, 1))[0]["cursor"] == str(await live.last())


async def test_who_has_left_a_team_is_not_shown_to_who_came_above_it_since(
    live: LiveServer,
) -> None:
    leader, left = live.world.people[SUPERVISOR], live.world.people[OTHER_STAFF]
    yesterday = local_date(utc_now(), CAPITAL_TIMEZONE) - timedelta(days=1)
    await Employee.filter(id=left.id).update(superiors=[])
    await DayClose.create(
        agency_id=left.agency_id,
        employee=left,
        day=yesterday,
        appraiser_ids=[leader.id],
        superior_ids=[leader.id],
        status=PresenceStatus.SHORT,
        required_minutes=450,
        recorded_minutes=60,
        pending_count=0,
        closed_at=utc_now(),
    )

    past = PAST.replace("DAY", str(yesterday))
    async with live.watching(SUPERIOR, past) as stream:
        (message,) = await take(stream, 1)
    teams = message["team"]["supervisor"]["unit"]["teams"]
    (team,) = [one for one in teams if one["supervisor"]["nip"] == SUPERVISOR]
    assert STAFF in nips(team)
    assert left.name not in {member["employee"]["name"] for member in team["members"]}


async def test_what_befalls_another_agency_is_not_asked_about(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    original = graph.watched

    async def counted(*arguments: Any) -> Any:
        asked.append(arguments)
        return await original(*arguments)

    async with live.watching() as stream:
        await take(stream, 1)
        monkeypatch.setattr(graph, "watched", counted)
        own = live.world.people[SUPERVISOR].agency_id
        async with transaction() as connection:
            for agency in (uuid4(), uuid4(), own):
                await append_for_agency(connection, EventKind.TIME_PASSED, agency)
        assert (await take(stream, 1))[0]["reason"] == "CHANGED"

    assert len(asked) == 1


@pytest.mark.parametrize("document", [SEEN, "subscription { pendingProgress { id } }"])
async def test_one_subject_opens_no_more_than_so_many(
    live: LiveServer, document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_streams, "MOST_OF_ONE", 1)
    async with live.watching(SUPERVISOR, document) as first:
        waiting = asyncio.create_task(anext(first))
        await until(lambda: len(live.api.streams.open._open) == 1)
        async with live.watching(SUPERVISOR, document + " # another") as second:
            assert await end_of(second) == "TOO_MANY"
        async with live.watching(SUPERIOR) as of_somebody_else:
            await take(of_somebody_else, 1)
        waiting.cancel()
        await asyncio.wait({waiting})
    async with live.watching(SUPERVISOR) as again:
        await take(again, 1)
    assert not live.api.streams.open._numbers
