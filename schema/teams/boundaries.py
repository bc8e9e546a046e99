"""Pure: at which instants an agency's boards change by the calendar, for all of its people at once.

Whoever has the same week in the same zone turns at the same instants (`rules.turns`), and at local
midnight another day is looked at. Nobody's own leave or work is in it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from schema.policies.rules import USUAL_WEEK, Week, week_of
from schema.teams.rules import DayFacts, turns
from schema.values import local_date

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitWeek:
    """A working week and whose it is; `unit_id` None: the agency's."""

    unit_id: UUID | None
    minutes: Sequence[int]
    breaks: Sequence[int]
    begins_at: time
    starts_on: date
    ends_on: date | None
    observes_holidays: bool

    @property
    def week(self) -> Week:
        return Week(
            minutes=self.minutes,
            breaks=self.breaks,
            begins_at=self.begins_at,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            observes_holidays=self.observes_holidays,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AgencyTime:
    """Until when an agency's clock has come, and what it goes by: the zones in use and the weeks,
    holidays and policy of these days."""

    agency_id: UUID
    timezone: str
    ticked_until: datetime
    zones: Sequence[str]
    weeks: Sequence[UnitWeek]
    holidays: Collection[date]
    active_minutes: int
    flexible_minutes: int


def boundaries(agency: AgencyTime, until: datetime) -> list[datetime]:
    """The instants behind `ticked_until` and up to `until`, in order.

    One zone and the usual week, on a Tuesday: midnight, 07:30 (work begins), 08:30 (something may
    be written by then) and 16:00 (it ends); on a Saturday midnight only.
    """
    found = {
        instant
        for zone in agency.zones
        for day in _days(agency.ticked_until, until, zone)
        for instant in _of_day(agency, day, zone)
    }
    return sorted(one for one in found if agency.ticked_until < one <= until)


def _days(after: datetime, until: datetime, zone: str) -> Iterator[date]:
    """Those that may turn in between; a shift of the day before may end on this one."""
    day = local_date(after, zone) - ONE_DAY
    while day <= local_date(until, zone):
        yield day
        day += ONE_DAY


def _of_day(agency: AgencyTime, day: date, zone: str) -> Iterator[datetime]:
    yield datetime.combine(day, time(), ZoneInfo(zone))
    for week in _weeks(agency, day):
        minutes = week.minutes[day.weekday()]
        if minutes and not (week.observes_holidays and day in agency.holidays):
            yield from turns(
                DayFacts(
                    on=day,
                    timezone=zone,
                    required_minutes=minutes,
                    recorded_minutes=0,
                    working_minutes=minutes,
                    begins_at=week.begins_at,
                    break_minutes=week.breaks[day.weekday()],
                    active_minutes=agency.active_minutes,
                    flexible_minutes=agency.flexible_minutes,
                )
            )


def _weeks(agency: AgencyTime, day: date) -> Iterator[Week]:
    """The week that holds for each unit that has its own, and the agency's."""
    grouped: Mapping[UUID | None, list[Week]] = {
        unit: [one.week for one in agency.weeks if one.unit_id == unit]
        for unit in {None, *(one.unit_id for one in agency.weeks)}
    }
    for unit, weeks in grouped.items():
        week = week_of(weeks, day) or (USUAL_WEEK if unit is None else None)
        if week is not None:
            yield week
