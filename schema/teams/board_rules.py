"""Pure rules of boards: what explains a state, and what counts and rates are made of."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from schema.organizations.models import AbsenceKind, AbsenceState
from schema.teams.models import PresenceStatus
from schema.teams.rules import Away, DayFacts, away_at, presence

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One person's day on a board: what is known of it, or (where the viewer does not see their
    work any more) how it was closed."""

    facts: DayFacts | None = None
    closed: PresenceStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceNow:
    """What explains a state: until an instant in UTC, the last day included."""

    kind: AbsenceKind
    state: AbsenceState
    until: datetime
    last_day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedCount:
    """How many days of people ended alike on a day: `asking` of them asked for work, on `filled`
    of those any is recorded. Minutes are of all."""

    day: date
    status: PresenceStatus
    count: int
    asking: int
    filled: int
    required_minutes: int
    recorded_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDays:
    """Days of people of which the same is known."""

    facts: DayFacts
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDays:
    """What a unit's board is counted from. `people` are different persons; `left_out` are days
    that are not closed and were too many to judge."""

    people: int
    left_out: Sequence[date]
    closed: Sequence[ClosedCount]
    open: Sequence[OpenDays]


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusNumber:
    """How many stand where."""

    status: PresenceStatus
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A span in figures; rates in percent, None where nothing is asked for."""

    from_: date
    to: date
    people: int
    statuses: Sequence[StatusNumber]
    required_minutes: int
    recorded_minutes: int
    fill_rate: Decimal | None
    filled_rate: Decimal | None
    not_filled: int
    short: int
    uncounted_days: int


def status_of(standing: Standing, now: datetime) -> PresenceStatus:
    """Where somebody's day stands.

    Raises:
        ValueError: nothing is known of it.
    """
    if standing.facts is not None:
        return presence(standing.facts, now)
    if standing.closed is None:
        raise ValueError("neither facts nor a closed day")
    return standing.closed


def numbers(statuses: Iterable[PresenceStatus]) -> list[StatusNumber]:
    """By the status' name; nobody, no line."""
    counts = Counter(statuses)
    return [StatusNumber(status=status, count=counts[status]) for status in sorted(counts)]


def rate(part: int, whole: int) -> Decimal | None:
    """Percent with two decimals; None of nothing. 300 of 450 -> 66.67, 500 of 450 -> 111.11."""
    if whole == 0:
        return None
    return (Decimal(part) * 100 / Decimal(whole)).quantize(CENT, ROUND_HALF_UP)


def absence_now(facts: DayFacts | None, now: datetime) -> AbsenceNow | None:
    """What explains the state now. Away all of 24 and 25 November in Jakarta -> until 25 November,
    17.00 UTC, the midnight behind it."""
    away = None if facts is None else away_at(facts, now)
    if facts is None or away is None:
        return None
    last_day = away.ends_on or facts.on
    return AbsenceNow(
        kind=away.kind,
        state=away.state,
        until=_end_of(away, last_day, facts.timezone),
        last_day=last_day,
    )


def _end_of(away: Away, last_day: date, timezone: str) -> datetime:
    if away.until_time is None:
        last_day, clock = last_day + timedelta(days=1), time()
    else:
        clock = away.until_time
    return datetime.combine(last_day, clock, ZoneInfo(timezone)).astimezone(UTC)


def expected_from(facts: DayFacts) -> datetime | None:
    """When the person's own working day begins; None where none is asked for."""
    return facts.begins.astimezone(UTC) if facts.working_minutes else None


def expected_until(facts: DayFacts) -> datetime | None:
    """When it is over, also for whoever began as late as they may."""
    return facts.ends.astimezone(UTC) if facts.working_minutes else None


def figures(first: date, last: date, days: UnitDays, now: datetime) -> Figures:
    """A span in figures. One of 450 with 300 and one of 450 with nothing, both over -> fill rate
    33.33, filled rate 50."""
    counts = [*days.closed, *(_count(one, now) for one in days.open)]
    return _added(first, last, counts, people=days.people, left_out=days.left_out)


def figures_before(
    first: date | None, last: date | None, days: UnitDays | None, now: datetime
) -> Figures | None:
    """The span before; None where there is none."""
    if first is None or last is None or days is None:
        return None
    return figures(first, last, days, now)


def figures_by_day(first: date, last: date, days: UnitDays, now: datetime) -> list[Figures]:
    """The same day by day; `people` are those of the day."""
    by_day: dict[date, list[ClosedCount]] = {
        first + timedelta(days=n): [] for n in range((last - first).days + 1)
    }
    for one in [*days.closed, *(_count(each, now) for each in days.open)]:
        by_day[one.day].append(one)
    return [
        _added(day, day, counts, people=sum(one.count for one in counts), left_out=days.left_out)
        for day, counts in by_day.items()
    ]


def _count(one: OpenDays, now: datetime) -> ClosedCount:
    facts, number = one.facts, one.count
    asks = facts.required_minutes > 0
    return ClosedCount(
        day=facts.on,
        status=presence(facts, now),
        count=number,
        asking=number if asks else 0,
        filled=number if asks and facts.recorded_minutes > 0 else 0,
        required_minutes=number * facts.required_minutes,
        recorded_minutes=number * facts.recorded_minutes,
    )


def _added(
    first: date,
    last: date,
    counts: Sequence[ClosedCount],
    *,
    people: int,
    left_out: Collection[date],
) -> Figures:
    by_status = Counter[PresenceStatus]()
    for one in counts:
        by_status[one.status] += one.count
    required, recorded = (
        sum(one.required_minutes for one in counts),
        sum(one.recorded_minutes for one in counts),
    )
    return Figures(
        from_=first,
        to=last,
        people=people,
        statuses=[
            StatusNumber(status=status, count=by_status[status]) for status in sorted(by_status)
        ],
        required_minutes=required,
        recorded_minutes=recorded,
        fill_rate=rate(recorded, required),
        filled_rate=rate(sum(one.filled for one in counts), sum(one.asking for one in counts)),
        not_filled=by_status[PresenceStatus.NOT_FILLED],
        short=by_status[PresenceStatus.SHORT],
        uncounted_days=sum(first <= day <= last for day in left_out),
    )
