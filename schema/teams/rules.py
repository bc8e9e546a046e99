"""Pure rules of presence: what a supervisor's board says of a person, from values alone.

A state is only said to somebody's disadvantage when their own calendar, zone, leave and working
time leave no other: the table of cases is tests/schema/test_team_rules.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schema.organizations.models import AbsenceKind, AbsenceState
from schema.policies.rules import DEFAULT, excused_minutes
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
    active_minutes, flexible_minutes, duty_travel_excuses: the agency's policy.
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
    duty_travel_excuses: bool = DEFAULT.duty_travel_excuses

    @property
    def begins(self) -> datetime:
        """When work begins."""
        return datetime.combine(self.on, self.begins_at, ZoneInfo(self.timezone))

    @property
    def ends(self) -> datetime:
        """When the working day is over, also for whoever began as late as they may."""
        span = self.working_minutes + self.break_minutes + self.flexible_minutes
        return self.begins + timedelta(minutes=span)

    @property
    def active_for(self) -> timedelta:
        """How long a sign of work holds; and how long work takes before it can be written."""
        return timedelta(minutes=self.active_minutes)

    @property
    def expected_by(self) -> datetime:
        """Until when nobody need have written anything: they may begin late, and work comes before
        its first line (a house rule: at 07:31 nobody is said to have filled in nothing)."""
        return self.begins + timedelta(minutes=self.flexible_minutes) + self.active_for

    @property
    def signs(self) -> list[datetime]:
        """When somebody was at work: their latest record's end, and coming in."""
        return [sign for sign in (self.last_activity_at, self.clocked_in_at) if sign is not None]

    @property
    def partly_away(self) -> list[tuple[Away, datetime, datetime]]:
        """Absences of a part of the day, from when until when."""
        zone = ZoneInfo(self.timezone)
        return [
            (
                absence,
                datetime.combine(self.on, absence.from_time, zone),
                datetime.combine(self.on, absence.until_time, zone),
            )
            for absence in self.away
            if absence.kind in AWAY and absence.from_time and absence.until_time
        ]


def presence(facts: DayFacts, now: datetime) -> PresenceStatus:
    """In this order: away; a holiday or day off; complete; done; while the day runs active, not
    yet started, idle or not filled; after it short or not filled.

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
        return _ended(facts)
    return _running(facts, now)


def _running(facts: DayFacts, now: datetime) -> PresenceStatus:
    """A working day that is not over, or has not begun."""
    # What ends later than now says nothing before work begins: tomorrow's plan is no presence.
    sign = max((at for at in facts.signs if at <= now or now >= facts.begins), default=None)
    if sign is not None and now - sign <= facts.active_for:
        return PresenceStatus.ACTIVE
    # Who comes back from leave has the time of a beginning before anything is asked.
    returned = [until + facts.active_for for _, _, until in facts.partly_away if until <= now]
    if now < max([facts.expected_by, *returned]):
        return PresenceStatus.NOT_YET_STARTED if sign is None else PresenceStatus.ACTIVE
    return PresenceStatus.IDLE if facts.last_activity_at else PresenceStatus.NOT_FILLED


def _ended(facts: DayFacts) -> PresenceStatus:
    """A working day that is over and lacks minutes, unless what they reported would explain them:
    nobody is short while their superior has not decided."""
    waiting = [
        one
        for one, _, _ in facts.partly_away
        if one.state is AbsenceState.REPORTED
        and (one.kind is not AbsenceKind.DUTY_TRAVEL or facts.duty_travel_excuses)
    ]
    explained = sum(_excused(facts, one) for one in waiting)
    if waiting and facts.recorded_minutes + explained >= facts.required_minutes:
        return AWAY[waiting[0].kind]
    return PresenceStatus.SHORT if facts.recorded_minutes else PresenceStatus.NOT_FILLED


def _excused(facts: DayFacts, absence: Away) -> int:
    return excused_minutes(
        facts.working_minutes,
        facts.begins_at,
        facts.break_minutes,
        absence.from_time,
        absence.until_time,
    )


def away_at(facts: DayFacts, now: datetime) -> Away | None:
    """The absence that explains an instant: one of the whole day; a part of it while it lasts, or
    always where it leaves nothing to do. Reported is enough: nobody is called idle while their
    superior has not yet decided."""
    for absence in facts.away:
        if absence.kind in AWAY and (absence.from_time is None or absence.until_time is None):
            return absence
    nothing_left = facts.working_minutes > 0 == facts.required_minutes
    for absence, begins, until in facts.partly_away:
        if begins <= now < until or (nothing_left and facts.recorded_minutes == 0):
            return absence
    return None


def turns(facts: DayFacts) -> list[datetime]:
    """When the state may change though nothing happens, in order: it is the same between two of
    them. At a sign's end by `active_for` it changes just behind the instant, else with it."""
    away = [at for _, begins, until in facts.partly_away for at in (begins, until)]
    held = [*facts.signs, *(until for _, _, until in facts.partly_away)]
    return sorted(
        {
            facts.begins,
            facts.expected_by,
            facts.ends,
            *away,
            *held,
            *(at + facts.active_for for at in held),
        }
    )
