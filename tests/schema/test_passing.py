"""What time alone changes is told once: of a person, or of an agency whose calendar turns."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest

from schema import events
from schema.events import EventKind, EventRow
from schema.organizations.models import AbsenceKind, AbsenceState, Assignment, Employee
from schema.policies.models import Holiday, HolidayKind
from schema.policies.rules import BREAKS, RAMADAN_BREAKS, RAMADAN_WEEK, WORKING_WEEK
from schema.tables import dicts_of, transaction
from schema.teams import passing
from schema.teams.boundaries import AgencyTime, UnitWeek, boundaries
from schema.teams.models import PresenceClock
from schema.teams.passing import Passed, PersonDay, pass_time, seconds_behind
from schema.teams.rules import presence
from server.database import Database, DatabaseRole, PostgresServer, opened
from tests.offices import (
    START,
    TUESDAY,
    WEDNESDAY,
    WIB,
    WIT,
    WITA,
    Office,
    at,
    came,
    emptied,
    found_office,
    is_away,
    works_by,
    wrote,
)
from tests.offices import told as told_of
from tests.schema.test_statements import counted

PERSON, TIME = EventKind.PRESENCE_CHANGED, EventKind.TIME_PASSED
MONDAY, SATURDAY = date(2026, 11, 23), date(2026, 11, 28)
ID = UUID(int=1)
NOTHING = Passed(agencies=0, people=0)


# Boundaries


def week(minutes: Any = WORKING_WEEK, begins: str = "07:30", **given: Any) -> UnitWeek:
    values: dict[str, Any] = {
        "unit_id": None,
        "breaks": BREAKS,
        "starts_on": START,
        "ends_on": None,
        "observes_holidays": True,
    }
    return UnitWeek(minutes=minutes, begins_at=time.fromisoformat(begins), **values | given)


def agency(after: datetime, **given: Any) -> AgencyTime:
    values: dict[str, Any] = {
        "zones": [WIB],
        "weeks": [],
        "holidays": [],
        "active_minutes": 60,
        "flexible_minutes": 0,
    }
    return AgencyTime(agency_id=ID, timezone=WIB, ticked_until=after, **values | given)


RAMADAN = week(RAMADAN_WEEK, "08:00", breaks=RAMADAN_BREAKS, ends_on=date(2026, 12, 22))


@pytest.mark.parametrize(
    ("given", "day", "clocks"),
    [
        # work begins, something may be written an hour later, and 450 + 60 minutes end it
        ({}, TUESDAY, ["00:00", "07:30", "08:30", "16:00"]),
        # Friday's break is 90 minutes
        ({}, date(2026, 11, 27), ["00:00", "07:30", "08:30", "16:30"]),
        ({}, SATURDAY, ["00:00"]),
        # flexible 60: asked an hour later, over an hour later
        ({"flexible_minutes": 60}, TUESDAY, ["00:00", "07:30", "09:30", "17:00"]),
        ({"active_minutes": 30}, TUESDAY, ["00:00", "07:30", "08:00", "16:00"]),
        # in Ramadan 08:00 to 15:00, and not also the usual week's
        ({"weeks": [week(), RAMADAN]}, TUESDAY, ["00:00", "08:00", "09:00", "15:00"]),
        # an office of six days beside: its Saturday from 07:30 to 14:45 (375 + 60)
        ({"weeks": [week([375] * 6 + [0], unit_id=ID, breaks=[60] * 6 + [0])]}, SATURDAY,
         ["00:00", "07:30", "08:30", "14:45"]),
        # a holiday turns nobody's day but those who serve; their night ends on the next day
        ({"holidays": [TUESDAY]}, TUESDAY, ["00:00"]),
        ({"holidays": [TUESDAY],
          "weeks": [week([420] * 7, "20:00", unit_id=ID, observes_holidays=False)]},
         TUESDAY, ["00:00", "04:00", "20:00", "21:00"]),
        # three zones: midnight in Jayapura is 22:00 in Jakarta
        ({"zones": [WIB, WITA, WIT]}, SATURDAY, ["00:00", "22:00", "23:00"]),
        ({"zones": [WIB, WIT]}, TUESDAY,
         ["00:00", "05:30", "06:30", "07:30", "08:30", "14:00", "16:00", "22:00"]),
        ({"zones": []}, TUESDAY, []),
    ],
)  # fmt: skip
def test_when_an_agency_turns(given: dict[str, Any], day: date, clocks: list[str]) -> None:
    before, until = at("23:59", day - timedelta(1)), at("23:59", day)

    assert boundaries(agency(before, **given), until) == [at(clock, day) for clock in clocks]


def test_each_boundary_is_in_one_tick_however_the_day_is_divided() -> None:
    random = Random(1)
    start, end = at("00:00", MONDAY), at("00:00", SATURDAY)
    cuts = sorted(start + (end - start) * random.random() for _ in range(300))
    cuts += [at("07:30"), at("16:00")]
    whole = agency(start, zones=[WIB, WITA, WIT])

    parts = [
        instant
        for after, until in pairwise(sorted([start, *cuts, end]))
        for instant in boundaries(agency(after, zones=[WIB, WITA, WIT]), until)
    ]

    assert parts == boundaries(whole, end)
    # Five days of three zones with four each, of which two pairs are one instant: 07:30 of one
    # zone is 08:30 of the next. The first midnight of Jakarta is not in it, the last one is.
    assert len(parts) == 5 * (3 * 4 - 2)


# Ticks


@pytest.fixture
async def nothing(postgres_server: PostgresServer, module_database: Database) -> Database:
    """An empty database, nobody connected."""
    await emptied(postgres_server, module_database)
    return module_database


@pytest.fixture
async def office(nothing: Database) -> AsyncIterator[Office]:
    async with opened(nothing, DatabaseRole.OWNER):
        yield await found_office()


async def test_who_becomes_idle_is_told_once(office: Office) -> None:
    staff = office.people["staff"]
    await wrote(staff, at("11:00"))
    await pass_time(at("11:59"))

    # 60 minutes later still active, behind it idle
    assert await pass_time(at("12:00")) == NOTHING
    assert await pass_time(at("12:00:05")) == Passed(agencies=0, people=1)
    assert await pass_time(at("12:00:10")) == NOTHING
    assert await pass_time(at("12:00:10")) == NOTHING
    assert await pass_time(at("12:00:05")) == NOTHING

    (event,) = await EventRow.all()
    assert (event.kind, event.employee_id, event.record_id) == (PERSON, staff.id, None)
    assert event.superior_ids == staff.superiors
    assert event.agency_id == office.agency.id


async def test_work_that_ends_before_the_day_begins_is_told_when_it_ends(office: Office) -> None:
    """An early meeting, known beforehand: nobody is at work by it until it is over."""
    await wrote(office.people["staff"], at("07:10"), 0)
    await pass_time(at("07:05"))

    assert await pass_time(at("07:09")) == NOTHING
    assert await pass_time(at("07:11")) == Passed(agencies=0, people=1)
    assert await pass_time(at("07:12")) == NOTHING


async def test_who_stays_what_they_are_is_not_told(office: Office) -> None:
    for name, log in {
        "staff": {"minutes": 450},
        "head": {"required_minutes": 30},
        "other head": {"day": MONDAY},
    }.items():
        await wrote(office.people[name], at("11:00"), **log)
    await pass_time(at("11:59:59"))

    assert await pass_time(at("12:00:01")) == NOTHING


async def test_coming_in_holds_for_as_long_as_work_does(office: Office) -> None:
    await came(office, office.people["staff"], at("10:00"))
    await pass_time(at("10:59"))

    await pass_time(at("11:00:01"))

    assert await told_of() == [(PERSON, office.people["staff"].id)]


@pytest.mark.parametrize("state", [AbsenceState.REPORTED, AbsenceState.ACCEPTED])
async def test_hours_of_leave_begin_and_end(office: Office, state: AbsenceState) -> None:
    staff = office.people["staff"]
    await Employee.filter(id=staff.id).update(timezone=WIT)
    await is_away(staff, ("09:45", "11:30"), state=state)
    await pass_time(at("09:30", zone=WIT))
    clocks = ["09:44", "09:45", "09:50", "11:29", "11:30", "11:40", "12:29", "12:30", "12:31"]

    changed = []
    for clock in clocks:
        await PresenceClock.all().update(ticked_until=at(clock, zone=WIT) - timedelta(seconds=50))
        if (await pass_time(at(clock, zone=WIT))).people:
            changed.append(clock)

    # away, back with an hour to write, not filled
    assert changed == ["09:45", "11:30", "12:30"]


async def test_a_refused_or_withdrawn_absence_and_one_without_leave_change_nothing(
    office: Office,
) -> None:
    staff = office.people["staff"]
    await is_away(staff, ("10:00", "11:00"), state=AbsenceState.WITHDRAWN)
    await is_away(staff, ("10:00", "11:00"), kind=AbsenceKind.UNEXCUSED)
    await pass_time(at("09:59:59"))

    assert await pass_time(at("10:00:01")) == NOTHING


async def test_a_boundary_tells_the_agency_and_none_of_its_people(office: Office) -> None:
    await wrote(office.people["staff"], at("15:00"))
    await pass_time(at("15:59"))

    assert await pass_time(at("16:00")) == Passed(agencies=1, people=0)
    assert await pass_time(at("16:00:05")) == NOTHING

    (event,) = await EventRow.all()
    assert (event.kind, event.employee_id, event.superior_ids) == (TIME, None, [])


async def test_agencies_go_by_their_own_calendars(office: Office) -> None:
    other = await found_office("LAIN")
    await works_by(other, [390] * 5 + [0, 0], "08:00", breaks=[30] * 5 + [0, 0])
    await works_by(office, [450] * 5 + [0, 0], "07:30")
    await Holiday.create(
        agency=office.agency, day=WEDNESDAY, name="Libur", kind=HolidayKind.PUBLIC_HOLIDAY,
        set_by="x", set_at=at("00:00"),
    )  # fmt: skip
    await pass_time(at("14:59"))

    for moment in (at("15:00"), at("15:05"), at("16:00", WEDNESDAY), at("15:00", WEDNESDAY)):
        await PresenceClock.all().update(ticked_until=moment - timedelta(minutes=1))
        await pass_time(moment)

    rows = await EventRow.all().order_by("id")
    assert [row.agency_id for row in rows] == [other.agency.id] * 2


async def test_after_a_long_stop_each_agency_is_told_once(office: Office) -> None:
    await found_office("LAIN")
    for hour in range(8, 14):
        await pass_time(at(f"{hour:02}:00"))
    before = len(await told_of())
    for person in office.people.values():
        await wrote(person, at("13:30"))

    assert await pass_time(at("20:00", WEDNESDAY)) == Passed(agencies=2, people=0)
    assert await pass_time(at("20:00:05", WEDNESDAY)) == NOTHING
    assert len(await told_of()) == before + 2


async def test_a_crowd_is_told_as_an_agency(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "MOST_PEOPLE", 2)
    other = await found_office("LAIN")
    for person in [*office.people.values(), other.people["staff"]]:
        await wrote(person, at("11:00"))
    await pass_time(at("11:59"))

    assert await pass_time(at("12:00:01")) == Passed(agencies=1, people=1)
    assert await told_of() == [(TIME, None), (PERSON, other.people["staff"].id)]
    assert await pass_time(at("12:00:05")) == NOTHING


async def test_what_is_broken_off_loses_and_repeats_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wrote(office.people["staff"], at("11:00"))
    await pass_time(at("11:59"))
    whole = events.append_for_people

    async def broken(*given: Any) -> None:
        await whole(*given)
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(events, "append_for_people", broken)
        with pytest.raises(ConnectionResetError):
            await pass_time(at("12:00:01"))
    assert await told_of() == []

    await pass_time(at("12:00:06"))
    await pass_time(at("12:00:11"))
    assert await told_of() == [(PERSON, office.people["staff"].id)]


async def test_two_who_tick_at_once_tell_once(office: Office) -> None:
    await wrote(office.people["staff"], at("11:00"))
    await pass_time(at("11:59"))

    await asyncio.gather(*(pass_time(at(f"12:00:0{n}")) for n in range(1, 6)))

    assert await told_of() == [(PERSON, office.people["staff"].id)]


async def test_two_who_begin_at_once_give_an_agency_one_clock(office: Office) -> None:
    await asyncio.gather(pass_time(at("10:00")), pass_time(at("10:00")))

    assert await PresenceClock.all().count() == 1
    assert (await PresenceClock.get()).closed_until == MONDAY
    assert await seconds_behind(at("10:00:30")) == 30


async def test_posts_that_begin_today_make_another_line_from_midnight_on(office: Office) -> None:
    staff, other, chief = (office.people[name] for name in ("staff", "other head", "chief"))
    await Assignment.filter(employee=staff).update(ends_on=WEDNESDAY)
    await Assignment.create(
        employee=staff, unit=office.others, appraiser=other, position="Staf", starts_on=WEDNESDAY
    )
    await pass_time(at("23:59"))
    assert (await Employee.get(id=staff.id)).superiors[0] == office.people["head"].id

    assert await pass_time(at("00:00", WEDNESDAY)) == Passed(agencies=1, people=0)

    assert (await Employee.get(id=staff.id)).superiors == [other.id, chief.id]


async def test_an_agency_without_people_has_no_boundaries(nothing: Database) -> None:
    async with opened(nothing, DatabaseRole.OWNER):
        assert await seconds_behind(at("10:00")) == 0
        assert await pass_time(at("10:00")) == NOTHING


@pytest.mark.parametrize("role", [DatabaseRole.WORKER, DatabaseRole.APPLICATION])
async def test_a_tick_takes_the_same_statements_for_few_and_for_many(
    nothing: Database, role: DatabaseRole
) -> None:
    async with opened(nothing, DatabaseRole.OWNER):
        few = await found_office()
        await wrote(few.people["staff"], at("10:00"))
        for code in "ABC":
            many = await found_office(code, staff=10)
            for person in many.people.values():
                await wrote(person, at("11:00"))
        await dicts_of("UPDATE employee SET timezone = $1 WHERE name = 'Head'", [WIT])
    async with opened(nothing, role):
        await pass_time(at("10:59"))
        with counted() as one:
            assert await pass_time(at("11:00:01")) == Passed(agencies=0, people=1)
        await pass_time(at("11:59:59"))
        with counted() as all_of_them:
            assert await pass_time(at("12:00:01")) == Passed(agencies=0, people=39)
        with counted() as none:
            assert await pass_time(at("12:00:06")) == NOTHING

    # Two of them begin and commit; facts and events are asked for only where somebody may change.
    assert (len(none), len(one), len(all_of_them)) == (6, 8, 8)


# A day of many, against the rule asked for each of them at each tick


async def fill(office: Office, random: Random) -> None:
    """Two days of work, leave and clockings, at random."""
    ramadan: dict[str, Any] = {
        "breaks": [30] * 5 + [0, 0],
        "unit": office.units[2],
        "ends_on": WEDNESDAY,
    }
    if random.random() < 0.5:
        await works_by(office, [390] * 5 + [0, 0], "08:00", **ramadan)
    for person in office.people.values():
        await Employee.filter(id=person.id).update(timezone=random.choice((WIB, WITA, WIT)))
        for day in (TUESDAY, WEDNESDAY):
            moment = at("06:00", day) + timedelta(minutes=random.randrange(660))
            if random.random() < 0.6:
                await wrote(person, moment, random.choice((0, 60, 450)), day=day)
            if random.random() < 0.3:
                await came(
                    office, person, at("08:00", day) + timedelta(minutes=random.randrange(200)), day
                )
            if random.random() < 0.4:
                begins, until = sorted(random.sample(range(7, 17), 2))
                hours = (f"{begins:02}:30", f"{until:02}:15")
                state = random.choice((AbsenceState.REPORTED, AbsenceState.ACCEPTED))
                kind = random.choice(list(AbsenceKind))
                await is_away(person, hours, state=state, kind=kind, on=day)


async def all_days() -> list[PersonDay]:
    """What each person's day before, day and day after are judged by."""
    people = await Employee.all().values_list("id", flat=True)
    days = [(one, day) for one in people for day in (MONDAY, TUESDAY, WEDNESDAY)]
    async with transaction() as connection:
        return await passing._facts(connection, days)


@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 5))]
)
async def test_all_that_changes_is_told_and_nothing_else(nothing: Database, seed: int) -> None:
    random = Random(seed)
    async with opened(nothing, DatabaseRole.OWNER):
        office = await found_office(staff=12)
        await fill(office, random)
    async with opened(nothing, DatabaseRole.WORKER):
        moment, last, kinds = at("22:00", MONDAY), UUID(int=0), set()
        await pass_time(moment)
        days = await all_days()
        while moment < at("01:00", WEDNESDAY):
            before, moment = moment, moment + timedelta(seconds=random.randrange(1, 600))
            await pass_time(moment)
            changed = {
                day.employee_id
                for day in days
                if presence(day, before) is not presence(day, moment)
            }
            rows = await EventRow.filter(id__gt=last).order_by("id")
            if any(row.kind is TIME for row in rows):
                assert len(rows) == 1
            else:
                assert {row.employee_id for row in rows} == changed, (moment, changed)
                assert len(rows) == len(changed)
            kinds |= {row.kind for row in rows}
            last = rows[-1].id if rows else last
    assert kinds == {PERSON, TIME}
