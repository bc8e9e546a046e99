"""Pure rules of policies: what a day asks for, what a deadline is, and every default.

What the law leaves to an agency, or what no text that we read confirms, is a policy with a
default stated here, and never a constant elsewhere (docs/decisions/0009).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from decimal import ROUND_HALF_UP, Decimal

from schema.errors import DomainError, ErrorCode
from schema.policies.models import HolidayKind, LateEntries

WORKING_WEEK = (450, 450, 450, 450, 450, 0, 0)
"""37 h 30 min over five days, breaks left out (Perpres 21/2023, Pasal 3 and 4):
5 days x 450 min = 2,250 min = 37.5 h."""
RAMADAN_WEEK = (390, 390, 390, 390, 390, 0, 0)
"""32 h 30 min over five days (Perpres 21/2023): 5 x 390 min = 1,950 min = 32.5 h."""
BREAKS = (60, 60, 60, 60, 90, 0, 0)
"""60 minutes, on Friday 90 (Perpres 21/2023)."""
RAMADAN_BREAKS = (30, 30, 30, 30, 60, 0, 0)
"""30 minutes, on Friday 60 (Perpres 21/2023)."""
LONGEST_WORK = 24 * 60
LONGEST_NAME = 120
"""Characters of a week's or a holiday's name (a house limit)."""
MOST_HOLIDAYS = 400
"""Days in one call: a year and more (a house limit)."""
SHARE = "over 0 to 100, at most 2 decimals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How an agency counts; each default is what holds where an agency has said nothing.

    achievement_cap: percent that an achievement counts at most; 120 (a house rule: agencies
        report over 100 and stop somewhere).
    missing_counts_as_zero: whether a number that nobody recorded counts as 0; no (a house rule).
    on_track_share: percent of what is due that must be there; 100 (a house rule).
    late_entries: what becomes of an entry behind its deadline; marked (no deadline is confirmed).
    entry_days: days behind the working day in which an entry is in time; none set.
    filling_days: days behind an evaluation period until its filling ends; 10 (a house rule).
    plan_days: days from the period's first in which a plan is set; 31, that is by the end of
        January (PermenPANRB 8/2021, annex).
    action_plans_required: whether progress needs an action plan of its evaluation period first;
        yes, as E-Kinerja has it. Where an agency has no evaluation periods nothing is asked.
    effective_share: percent of working time that effective work takes; 66.67, that is 300 of 450
        minutes (Perka BKN 19/2011).
    recognized_minutes: minutes of a day that count at most; no limit (agencies have 300 to 660).
    active_minutes: how long after their latest work somebody is still active; 60 (a house rule).
    flexible_minutes: how much later than the week has it a day may begin and end; 0. Flexible time
        is the agency's to allow (Perpres 21/2023).
    duty_travel_excuses: whether a day of duty travel asks for no minutes; yes (a house rule: who
        travels often cannot write, and what they do write counts).
    nudge_at, digest_at: when an employee is reminded of an unfilled day, and a supervisor told of
        the team, local time; 15:00 and 08:00 (house rules). None: never.
    quiet_from, quiet_until: between these no notice goes out; 18:00 to 06:30 (house rules).
    notices_per_day: notices to one person in a day at most; 2 (a house rule). 0: none at all.
    objection_days: days behind a rating in which the employee may object (*keberatan*), and before
        which it is signed only where they accepted; 7 (no term is confirmed: a house rule).
    peer_feedback: whether colleagues and subordinates are asked for feedback (360); no.
    smallest_feedback_group: of fewer answers of a kind nothing is shown, so that nobody is known
        by what they said; 3 (a house rule).
    """

    achievement_cap: Decimal = Decimal(120)
    missing_counts_as_zero: bool = False
    on_track_share: Decimal = Decimal(100)
    late_entries: LateEntries = LateEntries.MARKED
    entry_days: int | None = None
    filling_days: int = 10
    plan_days: int = 31
    action_plans_required: bool = True
    effective_share: Decimal = Decimal("66.67")
    recognized_minutes: int | None = None
    active_minutes: int = 60
    flexible_minutes: int = 0
    duty_travel_excuses: bool = True
    nudge_at: time | None = time(15)
    digest_at: time | None = time(8)
    quiet_from: time = time(18)
    quiet_until: time = time(6, 30)
    notices_per_day: int = 2
    objection_days: int = 7
    peer_feedback: bool = False
    smallest_feedback_group: int = 3


DEFAULT = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """A working week: minutes of Monday to Sunday, from a day until a day, both inclusive.

    `distance` is how far above the person's unit it was set: 0 their own unit, None the agency.
    """

    minutes: Sequence[int]
    starts_on: date
    ends_on: date | None = None
    distance: int | None = None
    observes_holidays: bool = True
    breaks: Sequence[int] = BREAKS
    begins_at: time = time(7, 30)


USUAL_WEEK = Week(minutes=WORKING_WEEK, starts_on=date.min)
"""What holds where an agency has set none: from 07:30 (Perpres 21/2023)."""


def week_of(weeks: Collection[Week], day: date) -> Week | None:
    """The week that holds: of the nearest unit, else the agency's; one with an end before one
    without; then the one that began last.

    A six-day office inside an agency in Ramadan keeps its own week until it has its own Ramadan.
    """
    holding = [
        week
        for week in weeks
        if week.starts_on <= day and (week.ends_on is None or day <= week.ends_on)
    ]
    return min(
        holding,
        key=lambda week: (
            week.distance is None,
            week.distance or 0,
            week.ends_on is None,
            -week.starts_on.toordinal(),
        ),
        default=None,
    )


def required_minutes(
    day: date, weeks: Collection[Week] = (), holidays: Collection[date] = ()
) -> int:
    """Minutes that a day asks for; the database's `required_minutes` says the same of rows.

    Tuesday -> 450; Saturday -> 0; in Ramadan 390; a holiday 0, unless the week does not observe
    it (a hospital's, a counter's).
    """
    week = week_of(weeks, day) or USUAL_WEEK
    is_free = week.observes_holidays and day in holidays
    return 0 if is_free else week.minutes[day.weekday()]


def excused_minutes(
    working: int, begins_at: time, pause: int, from_time: time | None, until_time: time | None
) -> int:
    """What accepted leave takes off a day: all of it, or the share of its span (work and break)
    that lies between two local times, in whole minutes, half up (a house rule: when in the span
    the break is, nobody says). The database's `excused_minutes` says the same.

    450 from 07:30 with 60 of break, until 16:00: all day -> 450; 07:30 to 11:45, which is half the
    span -> 225; 18:00 to 20:00 -> 0.
    """
    if from_time is None or until_time is None:
        return working
    begin, span = _minute_of(begins_at), working + pause
    within = min(_minute_of(until_time), begin + span) - max(_minute_of(from_time), begin)
    return 0 if span == 0 else max(0, (2 * working * within + span) // (2 * span))


def _minute_of(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def is_off(kind: HolidayKind) -> bool:
    """Whether such an entry of the calendar makes a day free."""
    return kind is not HolidayKind.WORKING_DAY


def effective_minutes(percent_minutes: Decimal) -> int:
    """Working time that effective work takes, in whole minutes rounded half up.

    `percent_minutes` are each day's minutes times its percentage, added up, so that it is rounded
    once: 450 x 66.67 = 30,001.5 -> 300; 22 days of them 660,033 -> 6,600; 30 x 55 = 1,650 -> 17.
    """
    return int((percent_minutes / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def short_minutes(required_minutes: int, recorded_minutes: int) -> int:
    """What is missing of a range of days, never below 0 (a house rule: hours may be flexible, so
    that more on one day makes up for less on another).

    5 days of 450 and 2,100 recorded -> 150; 2,400 recorded -> 0.
    """
    return max(0, required_minutes - recorded_minutes)


def entry_deadline(day: date, entry_days: int | None, filling_until: date | None) -> date | None:
    """The last day on which an entry of a working day is in time; None: no deadline.

    The earlier of both: 5 days behind 10 March -> 15 March; filling of March until 10 April ->
    15 March. An entry of 31 March with 15 days -> 10 April.
    """
    ends = [filling_until] if filling_until else []
    if entry_days is not None:
        ends.append(day + timedelta(days=entry_days))
    return min(ends, default=None)


def check_week(minutes: Sequence[int], breaks: Sequence[int]) -> None:
    """Raises:
    DomainError: not seven days each, or a day of more than 24 hours.
    """
    whole = len(minutes) == len(breaks) == 7
    if not whole or any(
        work < 0 or pause < 0 or work + pause > LONGEST_WORK
        for work, pause in zip(minutes, breaks, strict=False)
    ):
        raise DomainError(
            ErrorCode.BAD_USER_INPUT,
            field="minutes",
            detail="minutes and breaks: seven days from Monday, each within 24 hours",
        )


def name_of(text: str, field: str = "name") -> str:
    """A name that says something and fits.

    Raises:
        DomainError: it is blank or too long.
    """
    stripped = text.strip()
    if not stripped:
        raise DomainError(ErrorCode.DESCRIPTION_MISSING, field=field)
    if len(stripped) > LONGEST_NAME:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field=field, limit=LONGEST_NAME)
    return stripped


def time_of(text: str, field: str = "beginsAt") -> time:
    """A local time of day as 07:30.

    Raises:
        DomainError: it is none, or has seconds or a zone.
    """
    try:
        hours, minutes = text.split(":")
        if len(hours) == len(minutes) == 2 and (hours + minutes).isdecimal():
            return time(int(hours), int(minutes))
    except ValueError:
        pass
    raise DomainError(ErrorCode.BAD_USER_INPUT, field=field, detail="a time as 07:30")


def check_dates(starts_on: date, ends_on: date | None) -> None:
    """Raises:
    DomainError: it ends before it starts.
    """
    if ends_on is not None and ends_on < starts_on:
        raise DomainError(ErrorCode.ENDS_BEFORE_START, field="endsOn")


def check_days(days: Sequence[date]) -> None:
    """Raises:
    DomainError: none, too many, or one of them twice.
    """
    if not days:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="holidays")
    if len(days) > MOST_HOLIDAYS:
        raise DomainError(ErrorCode.TOO_MANY, field="holidays", limit=MOST_HOLIDAYS)
    for place, day in enumerate(days):
        if day in days[:place]:
            raise DomainError(
                ErrorCode.BAD_USER_INPUT, field=f"holidays.{place}.on", detail=f"{day} twice"
            )


def _fits(number: Decimal) -> bool:
    """Whether the column keeps it whole: two decimals."""
    return number == number.quantize(Decimal("0.01"))


def _is_share(percent: Decimal) -> bool:
    return Decimal(0) < percent <= Decimal(100) and _fits(percent)


def check_policy(policy: Policy) -> None:
    """Raises:
    DomainError: a number outside what can be meant.
    """
    bounds = {
        "achievementCap": (
            Decimal(100) <= policy.achievement_cap <= Decimal(1000)
            and _fits(policy.achievement_cap),
            "100 to 1000, at most 2 decimals",
        ),
        "onTrackShare": (_is_share(policy.on_track_share), SHARE),
        "effectiveShare": (_is_share(policy.effective_share), SHARE),
        "entryDays": (policy.entry_days is None or 0 <= policy.entry_days <= 366, "0 to 366"),
        "fillingDays": (0 <= policy.filling_days <= 366, "0 to 366"),
        "planDays": (0 <= policy.plan_days <= 366, "0 to 366"),
        "recognizedMinutes": (
            policy.recognized_minutes is None or 0 < policy.recognized_minutes <= LONGEST_WORK,
            f"1 to {LONGEST_WORK}",
        ),
        "activeMinutes": (0 < policy.active_minutes <= LONGEST_WORK, f"1 to {LONGEST_WORK}"),
        "flexibleMinutes": (0 <= policy.flexible_minutes <= 720, "0 to 720"),
        "noticesPerDay": (0 <= policy.notices_per_day <= 24, "0 to 24"),
        "objectionDays": (0 <= policy.objection_days <= 90, "0 to 90"),
        "smallestFeedbackGroup": (2 <= policy.smallest_feedback_group <= 20, "2 to 20"),
    }
    for field, (fits, words) in bounds.items():
        if not fits:
            raise DomainError(ErrorCode.BAD_USER_INPUT, field=field, detail=f"{field}: {words}")
