"""How a day ended is kept as it was known then, once, for everybody who held a post that day."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schema.organizations.models import AbsenceState, Agency, Assignment, Employee
from schema.organizations.service import refresh_reporting_lines
from schema.policies.models import Holiday, HolidayKind
from schema.progress.models import DailyLog
from schema.tables import transaction
from schema.teams import closing
from schema.teams.closing import close_days
from schema.teams.models import DayClose, PresenceClock, PresenceStatus
from schema.teams.passing import pass_time
from server.database import Database, DatabaseRole, PostgresServer, opened
from tests.offices import (
    TUESDAY,
    WEDNESDAY,
    WIB,
    WIT,
    Office,
    at,
    emptied,
    found_office,
    is_away,
    works_by,
    wrote,
)
from tests.schema.test_statements import counted

MONDAY, THURSDAY = date(2026, 11, 23), date(2026, 11, 26)
S = PresenceStatus
MIDNIGHT = at("00:00", WEDNESDAY)


@pytest.fixture
async def nothing(postgres_server: PostgresServer, module_database: Database) -> Database:
    """An empty database, nobody connected."""
    await emptied(postgres_server, module_database)
    return module_database


@pytest.fixture
async def office(nothing: Database) -> AsyncIterator[Office]:
    """The office on Tuesday at noon, with its clock."""
    async with opened(nothing, DatabaseRole.OWNER):
        found = await found_office()
        await pass_time(at("12:00"))
        yield found


async def closes(office: Office, day: date = TUESDAY) -> dict[str, DayClose]:
    """The closed days of the people, by who they are."""
    names = {person.id: name for name, person in office.people.items()}
    rows = await DayClose.filter(day=day, agency_id=office.agency.id)
    return {names[row.employee_id]: row for row in rows}


async def test_a_day_is_closed_behind_its_midnight(office: Office) -> None:
    people, units = office.people, office.units
    await wrote(people["staff"], at("15:00"), 300, pending_count=2)
    await wrote(people["head"], at("15:00"), 450)
    await is_away(people["chief"], state=AbsenceState.REPORTED)

    assert await close_days(MIDNIGHT - timedelta(seconds=1)) == 0
    assert await close_days(MIDNIGHT) == 4

    found = await closes(office)
    assert {name: row.status for name, row in found.items()} == {
        "staff": S.SHORT,
        "head": S.COMPLETE,
        "chief": S.ON_LEAVE,
        "other head": S.NOT_FILLED,
    }
    row = found["staff"]
    assert (row.recorded_minutes, row.required_minutes, row.pending_count) == (300, 450, 2)
    assert row.unit_id == units[2].id
    assert row.unit_path == [units[2].id, units[1].id, units[0].id]
    assert row.appraiser_ids == [people["head"].id]
    assert row.superior_ids == [people["head"].id, people["chief"].id]
    assert row.closed_at == MIDNIGHT
    chief = found["chief"]
    assert (chief.appraiser_ids, chief.superior_ids, chief.unit_path) == ([], [], [units[0].id])
    assert (await PresenceClock.get()).closed_until == TUESDAY


async def test_it_is_closed_once_and_rewritten_by_nothing(office: Office) -> None:
    staff = office.people["staff"]
    await wrote(staff, at("15:00"), 300)
    await close_days(MIDNIGHT)
    before = await DayClose.all().order_by("id").values()

    await DailyLog.filter(employee=staff).update(recorded_minutes=450)
    await Holiday.create(
        agency=office.agency, day=TUESDAY, name="Libur", kind=HolidayKind.PUBLIC_HOLIDAY,
        set_by="x", set_at=MIDNIGHT,
    )  # fmt: skip
    await PresenceClock.all().update(closed_until=MONDAY)

    assert await close_days(at("12:00", WEDNESDAY)) == 0
    assert await DayClose.all().order_by("id").values() == before


async def test_who_moves_at_noon_is_closed_where_the_day_has_them(office: Office) -> None:
    """Posts are dated by day: a move from Wednesday on, entered on Tuesday at noon, leaves Tuesday
    with the head and gives Wednesday to the other head."""
    people = office.people
    await Assignment.filter(employee=people["staff"]).update(ends_on=WEDNESDAY)
    await Assignment.create(
        employee=people["staff"], unit=office.others, appraiser=people["other head"],
        position="Staf", starts_on=WEDNESDAY,
    )  # fmt: skip
    await pass_time(MIDNIGHT)  # from now on the line is the new one
    assert (await Employee.get(id=people["staff"].id)).superiors[0] == people["other head"].id

    await close_days(at("00:05", THURSDAY))

    tuesday, wednesday = await closes(office), await closes(office, WEDNESDAY)
    assert tuesday["staff"].superior_ids == [people["head"].id, people["chief"].id]
    assert tuesday["staff"].unit_id == office.units[2].id
    assert wednesday["staff"].superior_ids == [people["other head"].id, people["chief"].id]
    assert wednesday["staff"].appraiser_ids == [people["other head"].id]
    assert wednesday["staff"].unit_path[0] == office.others.id


async def test_who_holds_two_posts_has_two_appraisers_and_one_unit(office: Office) -> None:
    people = office.people
    await Assignment.create(
        employee=people["staff"], unit=office.others, appraiser=people["other head"],
        position="Plt", kind="PLT", starts_on=TUESDAY, ends_on=WEDNESDAY,
    )  # fmt: skip

    await close_days(MIDNIGHT)

    row = (await closes(office))["staff"]
    heads = sorted([people["head"].id, people["other head"].id])
    assert row.appraiser_ids == heads
    assert row.superior_ids == [*heads, people["chief"].id]
    assert row.unit_id == office.units[2].id


async def test_the_line_ends_with_an_appraiser_of_another_agency(office: Office) -> None:
    """As it does in the present line: who is above them there sees nobody's days here."""
    other = await found_office("LAIN")
    staff, outside = office.people["staff"], other.people["head"]
    await Assignment.filter(employee=staff).update(appraiser_id=outside.id)
    async with transaction() as connection:
        await refresh_reporting_lines(connection, office.agency, TUESDAY)

    await close_days(MIDNIGHT)

    row = (await closes(office))["staff"]
    assert (row.appraiser_ids, row.superior_ids) == ([outside.id], [outside.id])
    assert row.superior_ids == (await Employee.get(id=staff.id)).superiors


async def test_who_has_no_post_has_no_day(office: Office) -> None:
    await Assignment.filter(employee=office.people["staff"]).update(ends_on=TUESDAY)

    assert await close_days(MIDNIGHT) == 3
    assert "staff" not in await closes(office)


async def test_who_comes_to_an_empty_agency_has_no_days_before(nothing: Database) -> None:
    async with opened(nothing, DatabaseRole.OWNER):
        await Agency.create(code="BARU", name="Kantor baru")
        await pass_time(at("12:00"))

        assert await close_days(at("00:05", THURSDAY)) == 0

        assert (await PresenceClock.get()).closed_until == WEDNESDAY


async def test_each_zone_has_its_own_midnight(office: Office) -> None:
    await Employee.filter(id=office.people["staff"].id).update(timezone=WIT)

    assert await close_days(at("21:59")) == 0
    assert await close_days(at("22:00")) == 1  # 00:00 in Jayapura
    assert (await PresenceClock.get()).closed_until == MONDAY
    assert await close_days(at("23:59")) == 0
    assert await close_days(MIDNIGHT) == 3
    assert (await PresenceClock.get()).closed_until == TUESDAY


async def test_a_shift_that_passes_midnight_is_closed_when_it_ends(office: Office) -> None:
    # 20:00, 420 minutes and a break of 60: until 04:00
    await works_by(office, [420] * 7, "20:00", unit=office.units[2])
    staff = office.people["staff"]
    await wrote(staff, at("23:00"), 100, required_minutes=420)

    assert await close_days(MIDNIGHT) == 2  # the chief and the other head
    assert await close_days(at("03:59", WEDNESDAY)) == 0
    await DailyLog.filter(employee=staff).update(recorded_minutes=420)
    assert await close_days(at("04:00", WEDNESDAY)) == 2

    assert (await closes(office))["staff"].status is S.COMPLETE
    assert (await PresenceClock.get()).closed_until == TUESDAY


async def test_missed_days_are_made_up_for_as_far_as_a_week_back(office: Office) -> None:
    late = at("08:00", TUESDAY + timedelta(days=10))

    assert await close_days(late) == 7 * 4

    rows = await DayClose.all().order_by("day").values_list("day", flat=True)
    assert sorted(set(rows)) == [TUESDAY + timedelta(days=n) for n in range(3, 10)]
    assert (await PresenceClock.get()).closed_until == TUESDAY + timedelta(days=9)
    assert await close_days(late) == 0


async def test_what_is_broken_off_goes_on_where_it_stopped(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "BATCH", 1)
    whole, calls = closing._insert, []

    async def broken(*given: Any) -> None:
        await whole(*given)
        calls.append(given)
        if len(calls) == 3:
            raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(closing, "_insert", broken)
        with pytest.raises(ConnectionResetError):
            await close_days(MIDNIGHT)
    assert await DayClose.all().count() == 2  # the third was broken off before its commit
    assert (await PresenceClock.get()).closed_until == MONDAY

    assert await close_days(MIDNIGHT) == 2
    assert await DayClose.all().count() == 4


async def test_two_who_close_at_once_close_once(office: Office) -> None:
    await asyncio.gather(*(close_days(MIDNIGHT) for _ in range(4)))

    assert await DayClose.all().count() == 4


@pytest.mark.parametrize("role", [DatabaseRole.WORKER, DatabaseRole.APPLICATION])
async def test_a_batch_takes_the_same_statements_for_few_and_for_many(
    nothing: Database, role: DatabaseRole
) -> None:
    async with opened(nothing, DatabaseRole.OWNER):
        await found_office()
        await pass_time(at("12:00"))
    taken: list[int] = []
    async with opened(nothing, role):
        with counted() as few:
            assert await close_days(MIDNIGHT) == 4
        taken.append(len(few))
    async with opened(nothing, DatabaseRole.OWNER):
        await found_office("BANYAK", staff=30)
        await pass_time(at("12:00", WEDNESDAY))
    async with opened(nothing, role):
        with counted() as many:
            assert await close_days(at("00:00", THURSDAY)) == 4 + 33
    assert len(many) <= 2 * taken[0]


def test_the_days_that_are_over_are_counted_by_zone() -> None:
    def days(closed_until: date, now: datetime) -> list[tuple[date, list[str], bool]]:
        found = closing._days(UUID(int=1), closed_until, [WIB, WIT], now)
        return [(day.on, list(day.zones), day.whole) for day in found]

    assert days(MONDAY, at("21:59")) == []
    assert days(MONDAY, at("22:00")) == [(TUESDAY, [WIT], False)]
    assert days(MONDAY, at("22:00", WEDNESDAY)) == [
        (TUESDAY, [WIB, WIT], True),
        (WEDNESDAY, [WIT], False),
    ]
