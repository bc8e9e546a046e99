"""What a day asks for: the rules, the database's twin of them, and days that follow a change."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

import pytest

from schema.access import Role
from schema.organizations.models import (
    Absence,
    AbsenceKind,
    AbsenceState,
    Agency,
    Assignment,
    AssignmentKind,
    Employee,
    Unit,
)
from schema.organizations.models import UnitPlacement as Placement
from schema.organizations.service import grant_role
from schema.policies.models import AgencyPolicy, Holiday, HolidayKind, WorkingWeek
from schema.policies.rules import (
    BREAKS,
    RAMADAN_BREAKS,
    RAMADAN_WEEK,
    USUAL_WEEK,
    WORKING_WEEK,
    Policy,
    Week,
    effective_minutes,
    excused_minutes,
    is_off,
    required_minutes,
    short_minutes,
    week_of,
)
from schema.policies.service import HolidayEntry, WeekEntry, set_holidays, set_working_week
from schema.progress.models import DailyLog
from schema.tables import dicts_of
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests.copies import Copies
from tests.factories import COLLEAGUE, NOW, STAFF, Api, World, copied_world, logged

MONDAY = date(2026, 11, 23)
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
SIX_DAYS = (375, 375, 375, 375, 375, 375, 0)
RAMADAN = Week(minutes=RAMADAN_WEEK, starts_on=MONDAY, ends_on=date(2026, 12, 22))
SIX = Week(minutes=SIX_DAYS, starts_on=date(2026, 1, 1), distance=1)
WARD = Week(minutes=(420,) * 7, starts_on=MONDAY, distance=0, observes_holidays=False)


@pytest.mark.parametrize(
    ("weeks", "holidays", "day", "minutes"),
    [
        # 07:30 to 16:00 less a break of 60 = 510 - 60; on Friday to 16:30 less 90 = 540 - 90
        ([], [], MONDAY, 450),
        ([], [], FRIDAY, 450),
        ([], [], SATURDAY, 0),
        ([], [MONDAY], MONDAY, 0),
        # 08:00 to 15:00 less a break of 30 = 420 - 30
        ([RAMADAN], [], MONDAY, 390),
        ([RAMADAN], [], date(2026, 12, 23), 450),
        ([SIX], [], SATURDAY, 375),
        # The nearer unit goes before the agency's Ramadan, and a ward before the unit above it.
        ([RAMADAN, SIX], [], MONDAY, 375),
        ([RAMADAN, SIX, WARD], [], MONDAY, 420),
        ([RAMADAN, SIX, WARD], [MONDAY], MONDAY, 420),
        ([RAMADAN, SIX], [MONDAY], MONDAY, 0),
    ],
)
def test_what_a_day_asks_for(
    weeks: list[Week], holidays: list[date], day: date, minutes: int
) -> None:
    assert required_minutes(day, weeks, holidays) == minutes


@pytest.mark.parametrize(
    ("week", "breaks", "minutes"),
    [
        (WORKING_WEEK, BREAKS, 5 * 450),  # 2,250 min = 37 h 30 min
        (RAMADAN_WEEK, RAMADAN_BREAKS, 5 * 390),  # 1,950 min = 32 h 30 min
        (SIX_DAYS, BREAKS, 6 * 375),  # 2,250 min again
    ],
)
def test_a_week_has_the_hours_of_the_law(
    week: tuple[int, ...], breaks: tuple[int, ...], minutes: int
) -> None:
    assert sum(week) == minutes
    assert breaks[4] - breaks[0] == 30  # Friday's is half an hour longer


@pytest.mark.parametrize(
    ("percent_minutes", "minutes"),
    [
        ("30001.5", 300),  # 450 x 66.67 %= 300.015
        ("660033", 6600),  # 22 x 450 x 66.67 % = 6,600.33
        ("1650", 17),  # 30 x 55 % = 16.5
        ("0", 0),
    ],
)
def test_effective_work_is_a_share_of_working_time(percent_minutes: str, minutes: int) -> None:
    assert effective_minutes(Decimal(percent_minutes)) == minutes


@pytest.mark.parametrize(("recorded", "short"), [(2100, 150), (2250, 0), (2400, 0)])
def test_what_is_short_is_never_below_nothing(recorded: int, short: int) -> None:
    assert short_minutes(5 * 450, recorded) == short


# The database's twin


D, T, H = AssignmentKind
HELD = ((D,), (D, T), (H, D), (T,))


class Somewhere:
    """A random agency: units that move, people who are transferred, weeks and holidays."""

    FIRST, DAYS = date(2026, 1, 1), 120

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.agency = Agency(code=f"R{seed}", name=f"Instansi {seed}")
        self.units = [
            Unit(agency_id=self.agency.id, code=str(n), name=f"Unit {n}", kind="unit")
            for n in range(5)
        ]
        self.people = [
            Employee(
                id=uuid7(), agency_id=self.agency.id, nip=f"{seed:015}{n:03}", name=f"Pegawai {n}"
            )
            for n in range(3)
        ]
        self.placements = [
            Placement(unit_id=unit.id, parent_id=parent and parent.id, starts_on=start, ends_on=end)
            for n, unit in enumerate(self.units)
            for start, end in self.spans()
            for parent in [self.random.choice([*self.units[:n], None])]
        ]
        self.posts = [
            self.post(person, kind, start, end)
            for person in self.people
            for kind in self.random.choice(HELD)
            for start, end in self.spans()
        ]
        self.weeks = [self.week() for _ in range(self.random.randrange(6))]
        self.absences = [
            self.absence(person) for person in self.people for _ in range(self.random.randrange(4))
        ]
        self.policy = AgencyPolicy(
            agency_id=self.agency.id,
            starts_on=self.FIRST - timedelta(days=60),
            set_by="x",
            set_at=NOW,
            **asdict(Policy(duty_travel_excuses=self.random.random() < 0.5, flexible_minutes=30)),
        )
        self.holidays = [
            Holiday(
                agency_id=self.agency.id, day=day, name="Libur", kind=kind, set_by="x", set_at=NOW
            )
            for day in self.random.sample(range(self.DAYS), self.random.randrange(8))
            for day, kind in [(self.on(day), self.random.choice(list(HolidayKind)))]
        ]

    def on(self, number: int) -> date:
        return self.FIRST + timedelta(days=number)

    def spans(self) -> list[tuple[date, date | None]]:
        """One after the other, some with a gap between; the last is open or not."""
        cuts = sorted(self.random.sample(range(self.DAYS), self.random.choice((1, 2, 3, 4))))
        pairs: list[tuple[date, date | None]] = [
            (self.on(one), self.on(other)) for one, other in pairwise(cuts)
        ]
        pairs.append((self.on(cuts[-1]), self.random.choice((None, self.on(self.DAYS - 1)))))
        kept = [pair for pair in pairs if self.random.random() < 0.8]
        return [(start, end) for start, end in kept if end is None or start < end]

    def post(
        self, person: Employee, kind: AssignmentKind, start: date, end: date | None
    ) -> Assignment:
        return Assignment(
            employee_id=person.id,
            unit_id=self.random.choice(self.units).id,
            position="Staf",
            kind=kind,
            starts_on=start,
            ends_on=end,
        )

    def week(self) -> WorkingWeek:
        start = self.random.randrange(self.DAYS)
        end = self.random.choice((None, start, start + 30))
        return WorkingWeek(
            agency_id=self.agency.id,
            unit_id=self.random.choice([None, *(unit.id for unit in self.units)]),
            name="Pekan",
            starts_on=self.on(start),
            ends_on=None if end is None else self.on(end),
            minutes=[self.random.randrange(600) for _ in range(7)],
            breaks=self.random.choice((BREAKS, RAMADAN_BREAKS)),
            begins_at=time(self.random.randrange(6, 22), 30, tzinfo=UTC),
            observes_holidays=self.random.random() < 0.7,
            set_by="x",
            set_at=NOW,
        )

    def absence(self, person: Employee) -> Absence:
        """Of some days, or of hours of one."""
        start, length = self.random.randrange(self.DAYS), self.random.choice((0, 0, 1, 9))
        hours = [
            time(hour, self.random.randrange(60), tzinfo=UTC)
            for hour in sorted(self.random.sample(range(24), 2))
        ]
        of_part = length == 0 and self.random.random() < 0.7
        state = self.random.choice(list(AbsenceState))
        is_decided = state in (AbsenceState.ACCEPTED, AbsenceState.REFUSED)
        return Absence(
            employee_id=person.id,
            kind=self.random.choice(list(AbsenceKind)),
            state=state,
            starts_on=self.on(start),
            ends_on=self.on(start + length),
            from_time=hours[0] if of_part else None,
            until_time=hours[1] if of_part else None,
            reported_by="x",
            reported_at=NOW,
            decided_by="x" if is_decided else None,
            decided_at=NOW if is_decided else None,
        )

    async def save(self) -> None:
        await self.agency.save()
        for table, rows in (
            (Unit, self.units),
            (Employee, self.people),
            (Placement, self.placements),
            (Assignment, self.posts),
            (WorkingWeek, self.weeks),
            (Holiday, self.holidays),
            (Absence, self.absences),
            (AgencyPolicy, [self.policy]),
        ):
            await table.bulk_create(rows)  # type: ignore[attr-defined]

    def line(self, person: Employee, day: date) -> dict[UUID, int]:
        """The units above a person on a day, by their distance."""

        def holds(row: Any) -> bool:
            return row.starts_on <= day and (row.ends_on is None or day < row.ends_on)

        posts = [p for p in self.posts if p.employee_id == person.id and holds(p)]
        order = list(AssignmentKind)
        posts.sort(key=lambda p: (order.index(p.kind), -p.starts_on.toordinal()))
        found: dict[UUID, int] = {}
        unit = posts[0].unit_id if posts else None
        while unit is not None:
            found[unit] = len(found)
            places = [p for p in self.placements if p.unit_id == unit and holds(p)]
            unit = places[0].parent_id if places else None
        return found

    def weeks_of(self, person: Employee, day: date) -> list[Week]:
        line = self.line(person, day)
        # Of two that are alike in all else, the one written last.
        return [
            Week(
                minutes=week.minutes,
                breaks=week.breaks,
                begins_at=week.begins_at.replace(tzinfo=None),
                starts_on=week.starts_on,
                ends_on=week.ends_on,
                distance=None if week.unit_id is None else line[week.unit_id],
                observes_holidays=week.observes_holidays,
            )
            for week in sorted(self.weeks, key=lambda week: week.id, reverse=True)
            if week.unit_id is None or week.unit_id in line
        ]

    @property
    def free(self) -> list[date]:
        return [one.day for one in self.holidays if is_off(one.kind)]

    def working(self, person: Employee, day: date) -> dict[str, Any]:
        """What `working_days` says of a day."""
        weeks = self.weeks_of(person, day)
        week = week_of(weeks, day) or USUAL_WEEK
        return {
            "working_minutes": required_minutes(day, weeks, self.free),
            "holiday": week.observes_holidays and day in self.free,
            "begins_at": week.begins_at,
            "break_minutes": week.breaks[day.weekday()],
            "active_minutes": self.policy.active_minutes,
            "flexible_minutes": self.policy.flexible_minutes,
            "duty_travel_excuses": self.policy.duty_travel_excuses,
        }

    def expected(self, person: Employee, day: date) -> int:
        """What is asked for: the week's minutes, less what accepted leave takes off."""
        of_day = self.working(person, day)
        working: int = of_day["working_minutes"]
        excused = [
            excused_minutes(
                working,
                of_day["begins_at"],
                of_day["break_minutes"],
                one.from_time and one.from_time.replace(tzinfo=None),
                one.until_time and one.until_time.replace(tzinfo=None),
            )
            for one in self.absences
            if one.employee_id == person.id
            and one.state is AbsenceState.ACCEPTED
            and one.starts_on <= day <= one.ends_on
            and one.kind is not AbsenceKind.UNEXCUSED
            and (self.policy.duty_travel_excuses or one.kind is not AbsenceKind.DUTY_TRAVEL)
        ]
        return working - min(working, sum(excused))


RANGE = "SELECT required_days($1, $2, $3) AS asked"
DAYS = """SELECT array_agg(required_minutes($1, $2::date + n) ORDER BY n) AS asked
FROM generate_series(0, $3::date - $2::date) n"""


async def judged(place: Somewhere, person: Employee, day: date) -> None:
    """Of one day: the facts that presence is judged by."""
    (row,) = await dicts_of(WORKING, [[person.id], day])
    expected = place.working(person, day) | {"asked": place.expected(person, day)}
    assert {name: row[name] for name in expected} == expected, (place.agency.code, person.nip, day)


WORKING = """SELECT w.*, f.required_minutes AS asked
FROM working_days($1, $2) w JOIN day_facts($1, $2) f USING (employee_id)"""
EXCUSED = """SELECT excused_minutes(v.working, v.begins_at, v.pause, v.begins, v.until) AS minutes
FROM unnest($1::int[], $2::time[], $3::int[], $4::time[], $5::time[]) WITH ORDINALITY
  v (working, begins_at, pause, begins, until, place) ORDER BY v.place"""


async def test_the_database_excuses_what_the_rules_excuse(fresh_database: Database) -> None:
    random = Random(1)

    def clock() -> time:
        return time(random.randrange(24), random.randrange(60))

    cases: list[tuple[int, time, int, time | None, time | None]] = [
        (0, time(7, 30), 0, time(8), time(9)),
        (0, time(7, 30), 60, None, None),
        (450, time(7, 30), 60, None, None),
    ]
    for _ in range(3000):
        hours = sorted((clock(), clock())) if random.random() < 0.9 else (None, None)
        cases.append((random.randrange(700), clock(), random.randrange(120), *hours))

    async with opened(fresh_database, DatabaseRole.OWNER):
        rows = await dicts_of(EXCUSED, [*map(list, zip(*cases, strict=True))])

    assert [row["minutes"] for row in rows] == [excused_minutes(*case) for case in cases]
    assert len({row["minutes"] for row in rows}) > 300


@pytest.mark.slow
async def test_the_database_says_what_the_rules_say(fresh_database: Database) -> None:
    """120 agencies, 3 people each: 360 ranges of days, and as many asked day by day."""
    changing = 0
    async with opened(fresh_database, DatabaseRole.OWNER):
        for seed in range(120):
            place = Somewhere(seed)
            await place.save()
            for person in place.people:
                first = place.on(place.random.randrange(place.DAYS - 45) - 10)
                last = first + timedelta(days=place.random.randrange(55))
                days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
                expected = [place.expected(person, day) for day in days]
                for statement in (RANGE, DAYS):
                    (row,) = await dicts_of(statement, [person.id, first, last])
                    assert row["asked"] == expected, (seed, person.nip, first, last, statement)
                await judged(place, person, place.random.choice(days))
                changing += len({tuple(place.line(person, day)) for day in days}) > 1
    assert changing > 100


# Days that follow


async def grant(world: World) -> None:
    agency: Agency = world.rows["agency"]  # type: ignore[assignment]
    await grant_role(agency.id, "pengelola.dc", Role.ADMINISTRATOR)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    """The small agency as the application has it: nothing is set, and nothing was done."""
    async with copied_world(copies, grant) as world:
        yield world


CALENDAR = """query($nip: String!, $from: Date!, $to: Date!) { employee(nip: $nip) {
  calendar(from: $from, to: $to) { on requiredMinutes }
  workTime(from: $from, to: $to) { workingDays requiredMinutes effectiveMinutes recordedMinutes
    recognizedMinutes shortMinutes } } }"""


async def asked(first: date, last: date | None = None, nip: str = STAFF) -> list[int]:
    """What the days ask for, as the administrator sees them."""
    values = {"nip": nip, "from": str(first), "to": str(last or first)}
    found = (await Api.of("administrator").data(CALENDAR, **values))["employee"]
    minutes = [day["requiredMinutes"] for day in found["calendar"]]
    assert found["workTime"]["requiredMinutes"] == sum(minutes)
    return minutes


def week(minutes: tuple[int, ...], starts_on: date, **given: Any) -> WeekEntry:
    values: Mapping[str, Any] = {"name": "Pekan", "breaks": BREAKS, "begins_at": time(7, 30)}
    return WeekEntry(minutes=minutes, starts_on=starts_on, **values | given)


async def test_ramadan_ends_by_itself(world: World) -> None:
    admin = await world.scope("administrator")
    ramadan = week(RAMADAN_WEEK, date(2026, 2, 18), ends_on=date(2026, 3, 19), name="Ramadan")

    await set_working_week(admin, "DC", ramadan, NOW)

    # Wednesday, 18 March to Friday, 20 March: two days of Ramadan, then as before
    assert await asked(date(2026, 3, 18), date(2026, 3, 20)) == [390, 390, 450]
    assert sum(await asked(date(2026, 3, 2), date(2026, 3, 8))) == 1950


async def test_a_six_day_office_is_that_of_its_people_only(world: World) -> None:
    admin = await world.scope("administrator")

    await set_working_week(admin, "DC", week(SIX_DAYS, date(2026, 7, 1), unit="B"), NOW)

    # C is below B: 6 x 375 = 2,250; the superior sits in A, above it: 5 x 450.
    assert await asked(MONDAY, date(2026, 11, 29)) == [375] * 6 + [0]
    superior = await asked(MONDAY, date(2026, 11, 29), "197001011995031004")
    assert superior == [450] * 5 + [0, 0]


async def test_a_unit_that_moves_takes_the_week_of_its_new_place(
    copies: Copies,
) -> None:
    async def move(world: World) -> None:
        await grant(world)
        b, c, d = (world.rows[f"unit {code}"] for code in "BCD")
        await Placement.filter(unit_id=c.id, parent_id=b.id).update(ends_on=FRIDAY)
        await Placement.create(unit=c, parent=d, starts_on=FRIDAY)

    async with copied_world(copies, move) as world:
        admin = await world.scope("administrator")
        await set_working_week(admin, "DC", week(SIX_DAYS, date(2026, 7, 1), unit="D"), NOW)

        # Thursday below B, from Friday on below D
        assert await asked(date(2026, 11, 26), SATURDAY) == [450, 375, 375]


async def test_a_transfer_changes_the_days_from_its_day_on(copies: Copies) -> None:
    async def transfer(world: World) -> None:
        await grant(world)
        staff = world.people[STAFF]
        await Assignment.filter(employee_id=staff.id).update(ends_on=date(2026, 11, 16))
        await Assignment.create(
            employee=staff,
            unit=world.rows["unit D"],
            appraiser_id=staff.superiors[0],
            position="Staf",
            starts_on=date(2026, 11, 16),
        )

    async with copied_world(copies, transfer) as world:
        admin = await world.scope("administrator")
        await set_working_week(admin, "DC", week(SIX_DAYS, date(2026, 7, 1), unit="D"), NOW)

        # Friday 13, Saturday 14 in C; Monday 16 and Saturday 21 in D
        assert await asked(date(2026, 11, 13), date(2026, 11, 16)) == [450, 0, 0, 375]
        assert await asked(date(2026, 11, 21)) == [375]


async def test_holidays_free_all_but_those_who_serve(world: World) -> None:
    admin = await world.scope("administrator")
    ward = week((420,) * 7, date(2026, 7, 1), unit="C", observes_holidays=False)
    kinds = (HolidayKind.PUBLIC_HOLIDAY, HolidayKind.JOINT_LEAVE, HolidayKind.WORKING_DAY)
    await set_holidays(
        admin,
        "DC",
        [
            HolidayEntry(day=MONDAY + timedelta(n), name="Libur", kind=k)
            for n, k in enumerate(kinds)
        ],
        NOW,
    )

    assert await asked(MONDAY, MONDAY + timedelta(2)) == [0, 0, 450]

    await set_working_week(admin, "DC", ward, NOW)
    assert await asked(MONDAY, MONDAY + timedelta(2)) == [420, 420, 420]


async def test_a_holiday_told_afterwards_changes_what_was_asked_and_not_what_was_done(
    world: World,
) -> None:
    viewer, admin = await world.scope("self"), await world.scope("administrator")
    today = date(2026, 11, 24)
    await logged(viewer, minutes=90)
    day = {"employee_id": world.people[STAFF].id, "day": today}
    entry = HolidayEntry(day=today, name="Cuti bersama", kind=HolidayKind.JOINT_LEAVE)

    await set_holidays(admin, "DC", [entry], NOW)
    log = await DailyLog.get(**day)
    assert (log.required_minutes, log.recorded_minutes) == (0, 90)

    back = HolidayEntry(day=today, name="Batal", kind=HolidayKind.WORKING_DAY)
    await set_holidays(admin, "DC", [back], NOW)
    log = await DailyLog.get(**day)
    assert (log.required_minutes, log.recorded_minutes) == (450, 90)
    assert await asked(today) == [450]


async def test_a_week_that_ends_earlier_gives_its_days_back(world: World) -> None:
    viewer, admin = await world.scope("self"), await world.scope("administrator")
    await logged(viewer, minutes=30)
    first = date(2026, 11, 2)

    await set_working_week(admin, "DC", week((480,) * 5 + (0, 0), first), NOW)
    assert (await DailyLog.get()).required_minutes == 480

    await set_working_week(admin, "DC", week((480,) * 5 + (0, 0), first, ends_on=MONDAY), NOW)
    assert (await DailyLog.get()).required_minutes == 450
    assert await WorkingWeek.all().count() == 1
    assert await asked(MONDAY, date(2026, 11, 24)) == [480, 450]


async def test_midnight_is_that_of_the_employee(copies: Copies) -> None:
    """23:30 in Jakarta (WIB, UTC+7) is 01:30 of the next day in Jayapura (WIT, UTC+9)."""

    async def move(world: World) -> None:
        await grant(world)
        await Employee.filter(nip=STAFF).update(timezone="Asia/Jayapura")

    async with copied_world(copies, move) as world:
        admin = await world.scope("administrator")
        late = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
        entry = HolidayEntry(day=MONDAY, name="Libur", kind=HolidayKind.PUBLIC_HOLIDAY)
        await set_holidays(admin, "DC", [entry], NOW)

        east = await logged(await world.scope("self"), late, minutes=15)
        west = await logged(await world.scope("colleague"), late, minutes=15)

        assert (east.day, west.day) == (date(2026, 11, 24), MONDAY)
        logs = {log.day: log.required_minutes for log in await DailyLog.all()}
        assert logs == {date(2026, 11, 24): 450, MONDAY: 0}
        assert await asked(MONDAY, nip=COLLEAGUE) == [0]


async def test_working_time_of_a_month(world: World) -> None:
    viewer = await world.scope("self")
    await logged(viewer, minutes=120)
    values = {"nip": STAFF, "from": "2026-11-01", "to": "2026-11-30"}

    found = (await Api.of("self").data(CALENDAR, **values))["employee"]["workTime"]

    # 21 days from Monday to Friday x 450 = 9,450; of these 66.67 % = 6,300.315; 9,450 - 120
    assert found == {
        "workingDays": 21,
        "requiredMinutes": 9450,
        "effectiveMinutes": 6300,
        "recordedMinutes": 120,
        "recognizedMinutes": 120,
        "shortMinutes": 9330,
    }


async def test_working_time_goes_by_the_policy_of_each_day(world: World) -> None:
    await logged(await world.scope("self"), minutes=120)
    document = """mutation($day: Date!, $most: Int) { setPolicy(input: {agency: "DC",
      startsOn: $day, effectiveShare: "50", recognizedMinutes: $most}) { userErrors { code } } }"""
    values = {"nip": STAFF, "from": "2026-11-23", "to": "2026-11-24"}
    await Api.of("administrator").data(document, day="2026-11-24", most=100)

    found = (await Api.of("self").data(CALENDAR, **values))["employee"]["workTime"]

    # Monday 450 x 66.67 % + Tuesday 450 x 50 % = 300.015 + 225; of 120 minutes 100 count.
    assert (found["effectiveMinutes"], found["recognizedMinutes"]) == (525, 100)
    assert found["recordedMinutes"] == 120


@pytest.mark.parametrize(
    ("last", "codes"), [("2027-11-23", ()), ("2027-11-24", ("RANGE_TOO_LONG",))]
)
async def test_working_time_spans_a_year_at_most(
    world: World, last: str, codes: tuple[str, ...]
) -> None:
    values = {"nip": STAFF, "from": "2026-11-23", "to": last}

    document = """query($nip: String!, $from: Date!, $to: Date!) { employee(nip: $nip) {
      workTime(from: $from, to: $to) { workingDays } } }"""

    answer = await Api.of("self").run(document, **values)

    assert answer.codes == codes
