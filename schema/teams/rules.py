"""Pure rules of presence: what a supervisor's board says of a person, from values alone.

A state is only said to somebody's disadvantage when their own calendar, zone, leave and working
time leave no other: the table of cases is tests/schema/test_team_rules.py.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schema.organizations.models import AbsenceKind, AbsenceState
from schema.policies.rules import DEFAULT
from schema.teams.models import PresenceStatus

AWAY = {
    AbsenceKind.LEAVE: PresenceStatus.ON_LEAVE,
    AbsenceKind.SICKNESS: PresenceStatus.SICK,
    AbsenceKind.DUTY_TRAVEL: PresenceStatus.ON_DUTY_TRAVEL,
}
"""What the board says of an absence. One without leave says nothing: such a day is not filled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Away:
    """An absence that covers the day: all of it, or between two local times. `ends_on` is its last
    day."""

    kind: AbsenceKind
    state: AbsenceState = AbsenceState.ACCEPTED
    ends_on: date | None = None
    from_time: time | None = None
    until_time: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """What is known of one person's one day. Minutes are whole; `timezone` is IANA.

    required_minutes: what the day asks for, accepted leave taken off.
    working_minutes: what the week asks for on such a day, before leave; 0 on a day off.
    holiday: whether the day is free because a holiday is observed.
    begins_at, break_minutes: of the week, local time.
    last_activity_at: the end of the latest work, pending or confirmed.
    clocked_in_at: when they last clocked in.
    done_at: when they said that the day is all written.
    active_minutes, flexible_minutes: the agency's policy.
    """

    on: date
    timezone: str
    required_minutes: int
    recorded_minutes: int
    last_activity_at: datetime | None = None
    pending_count: int = 0
    working_minutes: int = 450
    holiday: bool = False
    begins_at: time = time(7, 30)
    break_minutes: int = 60
    clocked_in_at: datetime | None = None
    done_at: datetime | None = None
    away: Sequence[Away] = field(default_factory=tuple)
    active_minutes: int = DEFAULT.active_minutes
    flexible_minutes: int = DEFAULT.flexible_minutes

    @property
    def begins(self) -> datetime:
        """When work begins."""
        return datetime.combine(self.on, self.begins_at, ZoneInfo(self.timezone))

    @property
    def expected_by(self) -> datetime:
        """Until when nobody need have begun."""
        return self.begins + timedelta(minutes=self.flexible_minutes)

    @property
    def ends(self) -> datetime:
        """When the working day is over, also for whoever began as late as they may."""
        span = self.working_minutes + self.break_minutes + self.flexible_minutes
        return self.begins + timedelta(minutes=span)

    @property
    def last_sign_at(self) -> datetime | None:
        """The latest sign of work: a record's end, or coming in."""
        signs = [sign for sign in (self.last_activity_at, self.clocked_in_at) if sign is not None]
        return max(signs, default=None)


def presence(facts: DayFacts, now: datetime) -> PresenceStatus:
    """In this order: away; a holiday or day off; complete; done; not yet started; while the day
    runs active, idle or not filled; after it short or not filled.

    450 of 450 -> COMPLETE; Saturday with nothing -> DAY_OFF; at 10:00 with work that ended at
    09:30 -> ACTIVE, at 08:00 -> IDLE; at 17:00 with 300 of 450 -> SHORT, with 0 -> NOT_FILLED.
    """
    absence = away_at(facts, now)
    if absence is not None:
        return AWAY[absence.kind]
    if facts.working_minutes == 0 and facts.recorded_minutes == 0:
        return PresenceStatus.HOLIDAY if facts.holiday else PresenceStatus.DAY_OFF
    if facts.recorded_minutes >= facts.required_minutes:
        return PresenceStatus.COMPLETE
    if facts.done_at is not None:
        return PresenceStatus.DAY_DONE
    if now >= facts.ends:
        return PresenceStatus.SHORT if facts.recorded_minutes else PresenceStatus.NOT_FILLED
    sign = facts.last_sign_at
    if sign is None:
        waits = now < facts.expected_by
        return PresenceStatus.NOT_YET_STARTED if waits else PresenceStatus.NOT_FILLED
    if now - sign <= timedelta(minutes=facts.active_minutes):
        return PresenceStatus.ACTIVE
    return PresenceStatus.IDLE if facts.last_activity_at else PresenceStatus.NOT_FILLED


def away_at(facts: DayFacts, now: datetime) -> Away | None:
    """The absence that explains an instant: one of the whole day, or a part of it while it lasts.
    Reported is enough: nobody is called idle while their superior has not yet decided."""
    for absence in facts.away:
        if absence.kind not in AWAY:
            continue
        if absence.from_time is None or absence.until_time is None:
            return absence
        local = now.astimezone(ZoneInfo(facts.timezone))
        if local.date() == facts.on and absence.from_time <= local.time() < absence.until_time:
            return absence
    return None


def status_counts(members: Iterable[DayFacts], now: datetime) -> Mapping[PresenceStatus, int]:
    """How many people stand where, by the status' name; nobody, no line."""
    counts = Counter(presence(facts, now) for facts in members)
    return {status: counts[status] for status in sorted(counts)}
