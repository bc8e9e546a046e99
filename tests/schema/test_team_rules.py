"""Rules of presence and of working time as tables of cases."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schema.organizations.models import AbsenceKind, AbsenceState
from schema.policies.rules import BREAKS, RAMADAN_BREAKS, required_minutes
from schema.teams.board_rules import numbers
from schema.teams.models import PresenceStatus
from schema.teams.rules import AWAY, Away, DayFacts, presence, turns

MONDAY = date(2026, 11, 23)
TUESDAY = date(2026, 11, 24)
FRIDAY, SATURDAY = date(2026, 11, 27), date(2026, 11, 28)
WIB, WITA, WIT = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"


def at(clock: str, zone: str = WIB, on: date = TUESDAY) -> datetime:
    """A time of a day in a zone, as the instant that it is."""
    local = datetime.combine(on, time.fromisoformat(clock), ZoneInfo(zone))
    return local.astimezone(UTC)


def facts(
    recorded: int,
    last: datetime | None = None,
    *,
    required: int = 450,
    zone: str = WIB,
    **more: Any,
) -> DayFacts:
    values: dict[str, Any] = {"on": TUESDAY, "working_minutes": required} | more
    return DayFacts(
        timezone=zone,
        required_minutes=required,
        recorded_minutes=recorded,
        last_activity_at=last,
        **values,
    )


def away(kind: AbsenceKind, hours: str = "", state: AbsenceState = AbsenceState.ACCEPTED) -> Away:
    """An absence of all day, or of hours as 07:30-11:45."""
    if not hours:
        return Away(kind=kind, state=state)
    begins, until = map(time.fromisoformat, hours.split("-"))
    return Away(kind=kind, state=state, from_time=begins, until_time=until)


LEAVE, SICKNESS, TRAVEL, UNEXCUSED = AbsenceKind
REPORTED = AbsenceState.REPORTED
S = PresenceStatus
MORNING, AFTERNOON = "07:30-11:45", "11:45-16:00"
HALF = away(LEAVE, AFTERNOON)
WEDNESDAY = date(2026, 11, 25)


@pytest.mark.parametrize(
    ("day", "now", "status"),
    [
        # all that the day asks for, at whatever time
        (facts(450), at("10:00"), S.COMPLETE),
        (facts(600), at("20:00"), S.COMPLETE),
        # a day that asks for nothing
        (facts(0, required=0), at("10:00"), S.DAY_OFF),
        (facts(30, required=0), at("10:00"), S.COMPLETE),
        # the day runs: work that ended within 60 minutes
        (facts(60, at("09:30")), at("10:00"), S.ACTIVE),
        (facts(60, at("09:00")), at("10:00"), S.ACTIVE),
        (facts(60, at("08:59")), at("10:00"), S.IDLE),
        (facts(60, at("08:59"), active_minutes=90), at("10:00"), S.ACTIVE),
        # pending work shows that somebody is there, before any of it is confirmed
        (facts(0, at("09:30"), pending_count=1), at("10:00"), S.ACTIVE),
        (facts(0, at("08:30"), pending_count=1), at("10:00"), S.IDLE),
        (facts(0), at("10:00"), S.NOT_FILLED),
        # 07:30 begins it; an hour of work comes before its first line: 08:30
        (facts(0), at("05:00"), S.NOT_YET_STARTED),
        (facts(0), at("08:29"), S.NOT_YET_STARTED),
        (facts(0), at("08:30"), S.NOT_FILLED),
        # who came in is there, and has still written nothing when nothing follows
        (facts(0, clocked_in_at=at("07:25")), at("07:40"), S.ACTIVE),
        (facts(0, clocked_in_at=at("06:00")), at("07:15"), S.ACTIVE),
        (facts(0, clocked_in_at=at("07:25")), at("08:30"), S.NOT_FILLED),
        (facts(30, at("07:30"), clocked_in_at=at("09:50")), at("10:00"), S.ACTIVE),
        # 16:00 local time ends it
        (facts(60, at("15:30")), at("15:59"), S.ACTIVE),
        (facts(60, at("15:30")), at("16:00"), S.SHORT),
        (facts(0, at("15:30")), at("16:00"), S.NOT_FILLED),
        (facts(0, clocked_in_at=at("15:50")), at("16:00"), S.NOT_FILLED),
        # on a later day
        (facts(300), at("10:00", on=WEDNESDAY), S.SHORT),
        # a record that ends later than now: at work while the day runs, nothing before it
        (facts(60, at("10:30")), at("10:00"), S.ACTIVE),
        (facts(60, at("10:30")), at("07:29"), S.NOT_YET_STARTED),
        # a day in the future, whatever is planned on it
        (facts(0), at("12:00", on=MONDAY), S.NOT_YET_STARTED),
        (facts(60, at("09:00")), at("12:00", on=MONDAY), S.NOT_YET_STARTED),
        (facts(0, required=0), at("12:00", on=MONDAY), S.DAY_OFF),
        (facts(0, away=[away(LEAVE)]), at("12:00", on=MONDAY), S.ON_LEAVE),
        # flexible 60 minutes: asked from 07:30 + 60 + 60 = 09:30 on, over at 16:00 + 60 = 17:00
        (facts(0, flexible_minutes=60), at("09:29"), S.NOT_YET_STARTED),
        (facts(0, flexible_minutes=60), at("09:30"), S.NOT_FILLED),
        (facts(60, at("16:30"), flexible_minutes=60), at("16:59"), S.ACTIVE),
        (facts(60, at("16:30"), flexible_minutes=60), at("17:00"), S.SHORT),
        # day done, and taken back (no mark is left)
        (facts(300, at("11:00"), done_at=at("13:00")), at("13:01"), S.DAY_DONE),
        (facts(300, at("11:00"), done_at=at("13:00")), at("18:00"), S.DAY_DONE),
        (facts(0, done_at=at("13:00")), at("18:00"), S.DAY_DONE),
        (facts(450, done_at=at("13:00")), at("18:00"), S.COMPLETE),
        (facts(300, at("11:00"), done_at=None), at("13:01"), S.IDLE),
        # a holiday, and what was written on it all the same
        (facts(0, required=0, holiday=True), at("10:00"), S.HOLIDAY),
        (facts(0, at("09:50"), required=0, holiday=True), at("10:00"), S.HOLIDAY),
        (facts(30, required=0, holiday=True), at("10:00"), S.COMPLETE),
        (facts(0, required=0, holiday=True, done_at=at("09:00")), at("10:00"), S.HOLIDAY),
    ],
)
def test_where_a_day_stands(day: DayFacts, now: datetime, status: PresenceStatus) -> None:
    assert presence(day, now) is status


@pytest.mark.parametrize(
    ("kind", "status"),
    [(LEAVE, S.ON_LEAVE), (SICKNESS, S.SICK), (TRAVEL, S.ON_DUTY_TRAVEL)],
)
@pytest.mark.parametrize("state", [AbsenceState.ACCEPTED, REPORTED])
@pytest.mark.parametrize("now", ["06:00", "10:00", "16:00", "23:59"])
def test_an_absence_of_all_day_explains_it_decided_or_not(
    kind: AbsenceKind, status: PresenceStatus, state: AbsenceState, now: str
) -> None:
    absence = [away(kind, state=state)]

    assert presence(facts(0, away=absence), at(now)) is status
    assert presence(facts(450, away=absence), at(now)) is status
    assert presence(facts(0, required=0, holiday=True, away=absence), at(now)) is status


@pytest.mark.parametrize(
    ("day", "now", "status"),
    [
        # 450 over 510 minutes: a morning of 255 takes off 225
        (facts(0, required=225, away=[away(LEAVE, MORNING)]), at("07:29"), S.NOT_YET_STARTED),
        (facts(0, required=225, away=[away(LEAVE, MORNING)]), at("11:44"), S.ON_LEAVE),
        # back at 11:45, and an hour to write its first line
        (facts(0, required=225, away=[away(LEAVE, MORNING)]), at("11:45"), S.NOT_YET_STARTED),
        (facts(0, required=225, away=[away(LEAVE, MORNING)]), at("12:45"), S.NOT_FILLED),
        (facts(0, required=225, away=[away(LEAVE, MORNING)]), at("16:00"), S.NOT_FILLED),
        (facts(224, required=225, away=[away(LEAVE, MORNING)]), at("16:00"), S.SHORT),
        (facts(225, required=225, away=[away(LEAVE, MORNING)]), at("16:00"), S.COMPLETE),
        # the afternoon: what the morning asks for is there, or it is short
        (facts(60, at("11:30"), required=225, away=[HALF]), at("11:44"), S.ACTIVE),
        (facts(60, at("10:00"), required=225, away=[HALF]), at("11:44"), S.IDLE),
        (facts(60, at("10:00"), required=225, away=[HALF]), at("15:59"), S.ON_LEAVE),
        (facts(60, at("10:00"), required=225, away=[HALF]), at("16:00"), S.SHORT),
        (facts(225, at("11:45"), required=225, away=[HALF]), at("16:00"), S.COMPLETE),
        # two hours away in the middle: not idle the moment one is back
        (facts(60, at("09:50"), away=[away(SICKNESS, "10:00-12:00")]), at("11:00"), S.SICK),
        (facts(60, at("09:50"), away=[away(SICKNESS, "10:00-12:00")]), at("12:30"), S.ACTIVE),
        (facts(60, at("09:50"), away=[away(SICKNESS, "10:00-12:00")]), at("13:00"), S.IDLE),
        # outside the day
        (facts(0, away=[away(LEAVE, "18:00-20:00")]), at("17:00"), S.NOT_FILLED),
        (facts(0, away=[away(LEAVE, MORNING)]), at("09:00", on=WEDNESDAY), S.NOT_FILLED),
    ],
)  # fmt: skip
def test_leave_of_a_part_of_the_day(day: DayFacts, now: datetime, status: PresenceStatus) -> None:
    assert presence(replace(day, working_minutes=450), now) is status


@pytest.mark.parametrize(
    ("day", "status"),
    [
        # 225 + 225 that were reported = 450; 224 + 225 are short even if all of it is accepted
        (facts(225, away=[away(LEAVE, AFTERNOON, REPORTED)]), S.ON_LEAVE),
        (facts(224, away=[away(LEAVE, AFTERNOON, REPORTED)]), S.SHORT),
        (facts(225, away=[away(SICKNESS, MORNING, REPORTED)]), S.SICK),
        (facts(0, away=[away(SICKNESS, MORNING, REPORTED)]), S.NOT_FILLED),
        # travel explains where the agency has it so
        (facts(225, away=[away(TRAVEL, MORNING, REPORTED)]), S.ON_DUTY_TRAVEL),
        (facts(225, away=[away(TRAVEL, MORNING, REPORTED)], duty_travel_excuses=False), S.SHORT),
        # both halves
        (facts(0, away=[away(LEAVE, MORNING, REPORTED), away(TRAVEL, AFTERNOON, REPORTED)]),
         S.ON_LEAVE),
        # accepted: the day asks for nothing any more
        (facts(0, required=0, working_minutes=450, away=[away(SICKNESS, "07:30-16:00")]), S.SICK),
        (facts(10, required=0, working_minutes=450, away=[away(SICKNESS, "07:30-16:00")]),
         S.COMPLETE),
        # without leave nothing is explained
        (facts(0, away=[away(UNEXCUSED)]), S.NOT_FILLED),
        (facts(0, away=[away(UNEXCUSED, MORNING)]), S.NOT_FILLED),
        (facts(100, away=[away(UNEXCUSED)]), S.SHORT),
    ],
)  # fmt: skip
def test_a_day_is_not_short_while_a_report_waits_for_its_decision(
    day: DayFacts, status: PresenceStatus
) -> None:
    assert presence(day, at("16:30")) is status


@pytest.mark.parametrize("now", ["08:30", "10:00", "15:59"])
def test_absence_without_leave_is_a_day_that_is_not_filled(now: str) -> None:
    assert presence(facts(0, away=[away(UNEXCUSED)]), at(now)) is S.NOT_FILLED


RAMADAN: dict[str, Any] = {"required": 390, "begins_at": time(8), "break_minutes": 30}


@pytest.mark.parametrize(
    ("day", "now", "status"),
    [
        # Ramadan: 08:00, 390 + 30, so 15:00; on Friday a break of 60, so 15:30
        (facts(0, **RAMADAN), at("08:59"), S.NOT_YET_STARTED),
        (facts(0, **RAMADAN), at("09:00"), S.NOT_FILLED),
        (facts(389, at("14:30"), **RAMADAN), at("14:59"), S.ACTIVE),
        (facts(389, at("14:30"), **RAMADAN), at("15:00"), S.SHORT),
        (facts(390, at("14:30"), **RAMADAN), at("15:00"), S.COMPLETE),
        (facts(389, at("14:50", on=FRIDAY), **RAMADAN | {"break_minutes": RAMADAN_BREAKS[4]},
               on=FRIDAY), at("15:29", on=FRIDAY), S.ACTIVE),
        (facts(389, at("14:50", on=FRIDAY), **RAMADAN | {"break_minutes": RAMADAN_BREAKS[4]},
               on=FRIDAY), at("15:30", on=FRIDAY), S.SHORT),
        # half of a Ramadan day: 195 of 390 in 210 of 420 minutes, until 11:30
        (facts(195, **RAMADAN, away=[away(LEAVE, "08:00-11:30", REPORTED)]), at("15:00"),
         S.ON_LEAVE),
        (facts(194, **RAMADAN, away=[away(LEAVE, "08:00-11:30", REPORTED)]), at("15:00"), S.SHORT),
        # Friday: 450 + 90 = 540 minutes, until 16:30
        (facts(60, at("16:00", on=FRIDAY), on=FRIDAY, break_minutes=BREAKS[4]),
         at("16:29", on=FRIDAY), S.ACTIVE),
        (facts(60, at("16:00", on=FRIDAY), on=FRIDAY, break_minutes=BREAKS[4]),
         at("16:30", on=FRIDAY), S.SHORT),
        # Saturday: a working day of 375 in an office of six days, off in one of five
        (facts(0, on=SATURDAY, required=375), at("10:00", on=SATURDAY), S.NOT_FILLED),
        (facts(0, on=SATURDAY, required=0), at("10:00", on=SATURDAY), S.DAY_OFF),
        # a night shift from 20:00 is over at 04:00 of the next day
        (facts(60, at("23:50"), required=420, begins_at=time(20)), at("00:30", on=WEDNESDAY),
         S.ACTIVE),
        (facts(60, at("23:50"), required=420, begins_at=time(20)), at("04:00", on=WEDNESDAY),
         S.SHORT),
    ],
)  # fmt: skip
def test_the_calendar_that_a_day_is_judged_by(
    day: DayFacts, now: datetime, status: PresenceStatus
) -> None:
    assert presence(day, now) is status


@pytest.mark.parametrize(
    ("zone", "wib", "status"),
    [
        # 16:00 local ends the day: 16:00 WIB, 15:00 WIB in WITA, 14:00 WIB in WIT
        (WIB, "14:00", S.ACTIVE),
        (WITA, "14:00", S.ACTIVE),
        (WIT, "13:59", S.ACTIVE),
        (WIT, "14:00", S.SHORT),
        (WITA, "15:00", S.SHORT),
        (WIB, "15:59", S.IDLE),
        (WIB, "16:00", S.SHORT),
        # 07:30 local begins it, and nothing is asked for an hour: 06:30 WIB is 08:30 in WIT
        (WIT, "06:29", S.NOT_YET_STARTED),
        (WIT, "06:30", S.NOT_FILLED),
        (WITA, "06:30", S.NOT_YET_STARTED),
        (WITA, "07:30", S.NOT_FILLED),
        (WIB, "07:30", S.NOT_YET_STARTED),
        (WIB, "08:30", S.NOT_FILLED),
    ],
)
def test_the_clock_is_that_of_the_person(zone: str, wib: str, status: PresenceStatus) -> None:
    sign = None if wib < "09:00" else at("13:30")

    assert presence(facts(60 if sign else 0, sign, zone=zone), at(wib)) is status


def test_one_instant_is_three_days_ends() -> None:
    """22:30 WIB on Tuesday is 23:30 WITA, and 00:30 of Wednesday WIT."""
    now = at("22:30")
    local = {zone: now.astimezone(ZoneInfo(zone)).date() for zone in (WIB, WITA, WIT)}

    assert local == {WIB: TUESDAY, WITA: TUESDAY, WIT: WEDNESDAY}
    for zone, today in local.items():
        fresh, ended = today == WEDNESDAY, facts(200, zone=zone, on=TUESDAY)
        assert presence(ended, now) is S.SHORT
        begun = facts(0, zone=zone, on=today)
        assert presence(begun, now) is (S.NOT_YET_STARTED if fresh else S.NOT_FILLED)


def test_a_holiday_told_afterwards_frees_who_wrote_nothing_and_can_be_taken_back() -> None:
    later = at("10:00", on=FRIDAY)
    empty, written = facts(0), facts(90)
    free: dict[str, Any] = {"required_minutes": 0, "working_minutes": 0, "holiday": True}

    assert [presence(day, later) for day in (empty, written)] == [S.NOT_FILLED, S.SHORT]
    told = [replace(day, **free) for day in (empty, written)]
    assert [presence(day, later) for day in told] == [S.HOLIDAY, S.COMPLETE]
    assert [day.recorded_minutes for day in told] == [0, 90]


def test_members_are_counted_by_status() -> None:
    members = [facts(0), facts(450), facts(0), facts(60, at("09:50"))]
    found = numbers(presence(one, at("10:00")) for one in members)

    # In the order of their names; a state that nobody is in has no line.
    counts = [(one.status, one.count) for one in found]
    assert counts == [(S.ACTIVE, 1), (S.COMPLETE, 1), (S.NOT_FILLED, 2)]
    assert numbers([]) == []


def any_day(random: Random) -> DayFacts:
    def clock() -> str:
        return f"{random.randrange(24):02}:{random.choice((0, 15, 30, 45)):02}"

    def hours() -> str:
        begins, until = sorted((clock(), clock()))
        return f"{begins}-{until}" if begins < until and random.random() < 0.7 else ""

    absences = [
        away(
            random.choice(list(AbsenceKind)),
            hours(),
            random.choice((REPORTED, AbsenceState.ACCEPTED)),
        )
        for _ in range(random.choice((0, 0, 1, 1, 2)))
    ]
    zone = random.choice((WIB, WITA, WIT))
    return facts(
        random.choice((0, 0, 100, 225, 450)),
        random.choice((None, at(clock(), zone))),
        required=random.choice((0, 225, 450, 450)),
        working_minutes=random.choice((0, 450, 450, 450)),
        zone=zone,
        begins_at=time.fromisoformat(clock()),
        clocked_in_at=random.choice((None, at(clock(), zone))),
        done_at=random.choice((None, None, at(clock(), zone))),
        holiday=random.random() < 0.5,
        active_minutes=random.choice((1, 60, 90)),
        flexible_minutes=random.choice((0, 60)),
        away=absences,
    )


def test_a_state_changes_by_time_alone_at_the_turns_of_a_day_only() -> None:
    changed = set()
    for seed in range(800):
        day = any_day(Random(seed))
        first, last = at("00:00", on=MONDAY), at("23:59", on=date(2026, 11, 26))
        for begin, end in pairwise([first, *turns(day), last]):
            # From just behind one turn until the next; with the next it may be another.
            inside = [begin + (end - begin) * n / 5 for n in range(1, 5)]
            inside.append(begin + timedelta(milliseconds=1))
            states = {presence(day, now) for now in inside if begin < now < end}
            assert len(states) <= 1, (seed, begin, end, states)
            changed |= states
    assert changed == set(S)


def test_every_absence_but_one_without_leave_has_a_state() -> None:
    assert set(AbsenceKind) - set(AWAY) == {UNEXCUSED}


def test_a_working_week_has_37_and_a_half_hours() -> None:
    # Perpres 21/2023: 5 x 450 = 2,250 min = 37.5 h, nothing on Saturday and Sunday
    week = [required_minutes(date(2026, 11, 23) + timedelta(days=n)) for n in range(7)]

    assert week == [450] * 5 + [0, 0]
