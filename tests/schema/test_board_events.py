"""What moves boards and is no record is in the log: calendars, policies, posts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest

from schema.access import Role
from schema.errors import DomainError
from schema.events import EventKind, EventRow
from schema.organizations.models import Agency, Assignment, Employee
from schema.organizations.service import Post, assign, grant_role
from schema.plans.transfers import Move, transfer
from schema.policies.models import HolidayKind
from schema.policies.rules import BREAKS, RAMADAN_WEEK
from schema.policies.service import HolidayEntry, WeekEntry, set_holidays, set_working_week
from schema.tables import transaction
from schema.targets.service import set_policy
from server.database import Database
from tests.factories import (
    NOW,
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Api,
    World,
    key_of,
    world_in,
)

RAMADAN = WeekEntry(
    name="Ramadan",
    minutes=RAMADAN_WEEK,
    breaks=BREAKS,
    begins_at=time(8),
    starts_on=date(2026, 2, 18),
    ends_on=date(2026, 3, 19),
)


async def grant(world: World) -> None:
    agency: Agency = world.rows["agency"]  # type: ignore[assignment]
    await grant_role(agency.id, "pengelola.dc", Role.ADMINISTRATOR)


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with world_in(fresh_database, grant) as world:
        yield world


async def told() -> list[tuple[Any, ...]]:
    """What was told since the last time: what, of whom, to whom."""
    rows = await EventRow.all().order_by("id")
    return [(row.kind, row.agency_id, row.employee_id, row.superior_ids) for row in rows]


async def test_what_is_told_of_calendars_and_posts(world: World) -> None:
    admin, people = await world.scope("administrator"), world.people
    agency = world.rows["agency"].id
    holiday = HolidayEntry(day=TODAY, name="Libur", kind=HolidayKind.PUBLIC_HOLIDAY)
    calendar = (EventKind.CALENDAR_CHANGED, agency, None, [])
    assert await told() == []  # an agency that is loaded has no watchers yet

    await set_working_week(admin, "DC", RAMADAN, NOW)
    await set_holidays(admin, "DC", [holiday], NOW)
    await set_policy(admin, "DC", TODAY, {"active_minutes": 30}, NOW)
    with pytest.raises(DomainError):
        await set_policy(admin, "DC", TODAY, {"active_minutes": 0}, NOW)
    assert await told() == [calendar] * 3

    # To D, under its head, from tomorrow on: both lines learn of it today.
    move = Move(
        employee_id=people[STAFF].id,
        unit_id=world.rows["unit D"].id,
        position="Staf",
        appraiser_id=people[OTHER_SUPERVISOR].id,
        starts_on=TODAY + timedelta(1),
    )
    await transfer(admin, move, NOW)
    (event,) = (await told())[3:]
    assert event[:3] == (EventKind.POSTS_CHANGED, agency, people[STAFF].id)
    assert set(event[3]) == {people[nip].id for nip in (SUPERVISOR, SUPERIOR, OTHER_SUPERVISOR)}

    # What is given anew as it is, is no change; another position is one.
    row = await Agency.get(code="DC")
    units = {code: world.rows[f"unit {code}"].id for code in ("A", "C")}
    same = [
        await _post(people[SUPERIOR], "A", None),
        await _post(people[SUPERVISOR], "C", SUPERIOR),
    ]
    for posts, count in ((same, 4), ([same[0], replace(same[1], position="Kepala")], 5)):
        async with transaction() as connection:
            await assign(connection, row, posts, units, TODAY)
        assert len(await told()) == count
    assert (await told())[4] == (EventKind.POSTS_CHANGED, agency, None, [])


TEAM = """query($s: ID!, $on: Date!) { team(supervisor: $s, on: $on) {
  members { employee { nip } status } } }"""


async def test_a_transfer_at_noon_gives_the_whole_day_to_the_new_board(world: World) -> None:
    admin, people = await world.scope("administrator"), world.people
    move = Move(
        employee_id=people[STAFF].id,
        unit_id=world.rows["unit D"].id,
        position="Staf",
        appraiser_id=people[OTHER_SUPERVISOR].id,
        starts_on=TODAY,
    )

    async def board(nip: str, day: date) -> set[str]:
        asked = {"s": key_of(people[nip]), "on": str(day)}
        found = (await Api.of("administrator").data(TEAM, **asked))["team"]["members"]
        return {one["employee"]["nip"] for one in found}

    assert STAFF in await board(SUPERVISOR, TODAY)
    await transfer(admin, move, NOW)

    yesterday = TODAY - timedelta(1)
    assert STAFF not in await board(SUPERVISOR, TODAY)
    assert STAFF in await board(OTHER_SUPERVISOR, TODAY)
    assert STAFF in await board(SUPERVISOR, yesterday)
    assert STAFF not in await board(OTHER_SUPERVISOR, yesterday)
    # The old board is told as well: nobody follows the person there any more.
    ((*_, line),) = await told()
    assert {people[SUPERVISOR].id, people[OTHER_SUPERVISOR].id} <= set(line)


async def _post(person: Employee, unit: str, appraiser: str | None) -> Post:
    """The post that a person holds."""
    held = await Assignment.get(employee=person)
    return Post(
        nip=person.nip,
        name=person.name,
        timezone=person.timezone,
        unit=unit,
        position=held.position,
        appraiser=appraiser,
        heads_unit=held.heads_unit,
    )
