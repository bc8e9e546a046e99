"""Pure rules of notices: when one is due, who is told what, and who is left alone.

A notice says nothing to somebody's disadvantage that the board would not say: both are judged by
`schema/teams/rules.py`. Nothing to say is no notice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schema.checks import invalid
from schema.errors import DomainError, ErrorCode
from schema.notices.models import NoticeKind
from schema.policies.rules import Policy, short_minutes
from schema.teams.models import PresenceStatus
from schema.teams.rules import DayFacts, presence

LATEST = timedelta(hours=2)
"""So late a notice is still made, when no worker ran at its time (a house rule). A nudge of 15:00
helps until 17:00, when people go home; at 21:00 it only scolds."""
LONGEST_WISH = timedelta(hours=24)
"""The longest pause that a channel may ask for; a notice is sent on its own day or not at all."""
MOST_ATTEMPTS = 8
"""How often a channel is tried for one notice: over some two hours, as the pauses below add up."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)

MOST_CONTACTS = 500
"""Addresses in one call (a house limit)."""
LONGEST_ADDRESS = 254
"""Characters of an address (RFC 5321)."""
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
ADDRESS = re.compile(
    rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*", re.ASCII
)
"""A valid e-mail address of the HTML standard."""

LEFT_ALONE = frozenset(
    {
        PresenceStatus.ON_LEAVE,
        PresenceStatus.SICK,
        PresenceStatus.ON_DUTY_TRAVEL,
        PresenceStatus.DAY_OFF,
        PresenceStatus.HOLIDAY,
        PresenceStatus.COMPLETE,
        PresenceStatus.DAY_DONE,
    }
)
"""Who is not nudged: they are free, away, or have written all that there is."""
UNFILLED = frozenset({PresenceStatus.NOT_FILLED, PresenceStatus.SHORT})
NOT_AT_WORK = frozenset({PresenceStatus.ON_LEAVE, PresenceStatus.SICK})
"""Supervisors who get no digest today. Who travels on duty still leads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nudge:
    """What an employee is told of their own day; `waiting` are pending records of all days."""

    on: date
    unfilled: bool
    waiting: int
    recorded_minutes: int
    required_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberFacts:
    """One member of a team: the team's last working day, and the week's minutes until now."""

    name: str
    nip: str
    day: DayFacts
    required_minutes: int
    recorded_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamFacts:
    """A team as the database's `digest_facts` gives it. `on` is its last working day; the week is
    that of this day, until yesterday; `absences` wait for the supervisor, `records` for their
    people."""

    on: date
    week_from: date
    week_until: date
    absences: int
    records: int
    members: Sequence[MemberFacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """Somebody in a digest, and how many minutes they are short."""

    name: str
    nip: str
    short_minutes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """What a supervisor is told of the team."""

    on: date
    week_from: date
    week_until: date
    not_filled: Sequence[Named]
    short: Sequence[Named]
    absences: int
    records: int


def at_of(kind: NoticeKind, policy: Policy) -> time | None:
    """When a kind is due, local time; None: never."""
    return policy.digest_at if kind is NoticeKind.DIGEST else policy.nudge_at


def is_due(kind: NoticeKind, policy: Policy, local: datetime) -> bool:
    """Whether a kind's time has come where it is `local`, and has not long gone.

    15:00 is due at 15:00 and at 16:59, not at 14:59, not at 17:00; a time late in the evening
    until midnight only, since the next day has its own.
    """
    at = at_of(kind, policy)
    if at is None or policy.notices_per_day == 0:
        return False
    return timedelta(0) <= local - datetime.combine(local.date(), at, local.tzinfo) < LATEST


def after_quiet(policy: Policy, now: datetime, timezone: str) -> datetime:
    """The first instant from `now` on that is not in the recipient's quiet hours.

    Quiet from 18:00 to 06:30: 17:59 stays, 18:00 becomes 06:30 of the next day, 05:00 becomes
    06:30 of the same. Both alike: there are none.
    """
    local, begin, end = (
        now.astimezone(ZoneInfo(timezone)),
        policy.quiet_from,
        policy.quiet_until,
    )
    clock = local.time()
    evening = begin > end and clock >= begin
    if not (evening or (begin > end and clock < end) or begin <= clock < end):
        return now
    day = local.date() + timedelta(days=1 if evening else 0)
    return datetime.combine(day, end, ZoneInfo(timezone)).astimezone(UTC)


def nudge(facts: DayFacts, waiting: int, now: datetime) -> Nudge | None:
    """What somebody is told of their day, if anything.

    Records wait, or nothing is written of a day that is under way, or too little of one that is
    over. While somebody is at it and nothing waits, they are left alone, as are those whom the
    board does not ask for more.
    """
    status = presence(facts, now)
    if facts.working_minutes == 0 or status in LEFT_ALONE:
        return None
    if status not in UNFILLED and waiting == 0:
        return None
    return Nudge(
        on=facts.on,
        unfilled=status in UNFILLED,
        waiting=waiting,
        recorded_minutes=facts.recorded_minutes,
        required_minutes=facts.required_minutes,
    )


def leads_today(facts: DayFacts, now: datetime) -> bool:
    """Whether today is a working day of a supervisor, who is neither on leave nor sick."""
    return facts.working_minutes > 0 and presence(facts, now) not in NOT_AT_WORK


def digest(facts: TeamFacts, now: datetime) -> Digest | None:
    """What a supervisor is told of the team, if anything.

    That records wait for their own people is told beside the rest, and alone is no reason for a
    digest: the supervisor can do nothing about it.
    """
    not_filled = [
        Named(name=one.name, nip=one.nip)
        for one in facts.members
        if presence(one.day, now) is PresenceStatus.NOT_FILLED
    ]
    short = [
        Named(name=one.name, nip=one.nip, short_minutes=missing)
        for one in facts.members
        if (missing := short_minutes(one.required_minutes, one.recorded_minutes))
    ]
    if not (not_filled or short or facts.absences):
        return None
    return Digest(
        on=facts.on,
        week_from=facts.week_from,
        week_until=facts.week_until,
        not_filled=not_filled,
        short=short,
        absences=facts.absences,
        records=facts.records,
    )


def pause_after(attempts: int, spread: float) -> timedelta:
    """How long a channel is not tried again for a notice after so many attempts: 1, 2, 4 ... 60
    minutes, of which a share of a half and more by `spread` (0 to 1, random)."""
    whole = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return whole * (0.5 + spread / 2)


def address_of(text: str | None, field: str) -> str | None:
    """An e-mail address as the HTML standard has it; blank or None: none.

    Only letters, digits and marks of ASCII pass, so that nothing in it begins a header or a line.

    Raises:
        DomainError: it is none.
    """
    given = (text or "").strip(" ")
    if not given:
        return None
    if len(given) > LONGEST_ADDRESS or not ADDRESS.fullmatch(given):
        raise invalid(field, "an e-mail address as nama@instansi.go.id")
    return given


def check_many(nips: Sequence[str]) -> None:
    """Raises:
    DomainError: nobody, too many at once, or somebody twice.
    """
    if not nips:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="contacts")
    if len(nips) > MOST_CONTACTS:
        raise DomainError(ErrorCode.TOO_MANY, field="contacts", limit=MOST_CONTACTS)
    seen: set[str] = set()
    for place, nip in enumerate(nips):
        if nip in seen:
            raise invalid(f"contacts.{place}.nip", f"{nip[:40]} twice")
        seen.add(nip)
