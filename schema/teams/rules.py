"""Pure rules of presence: what a supervisor's board says of a person, from values alone."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

ACTIVE_WITHIN = timedelta(minutes=60)
"""How recent the latest work must be to count as active (a house rule until policy)."""
DAY_ENDS = time(16, 0)
"""07:30 plus 7 h 30 min of work and a break of 60 min (Perpres 21/2023; a default)."""


class PresenceStatus(StrEnum):
    """Where a person's day stands. ON_LEAVE comes with the tables of leave."""

    ACTIVE = "ACTIVE"
    IDLE = "IDLE"
    NOT_FILLED = "NOT_FILLED"
    SHORT = "SHORT"
    COMPLETE = "COMPLETE"
    ON_LEAVE = "ON_LEAVE"
    DAY_OFF = "DAY_OFF"


@dataclass(frozen=True, slots=True, kw_only=True)
class DayFacts:
    """What is known of one person's one day. Minutes are whole; `timezone` is IANA."""

    on: date
    timezone: str
    required_minutes: int
    recorded_minutes: int
    last_activity_at: datetime | None


def presence(facts: DayFacts, now: datetime) -> PresenceStatus:
    """In this order: complete; day off; while the day runs active, idle or not filled; after it
    short or not filled.

    450 of 450 -> COMPLETE; Saturday with nothing -> DAY_OFF; at 10:00 with work that ended at
    09:30 -> ACTIVE, at 08:00 -> IDLE; at 17:00 with 300 of 450 -> SHORT, with 0 -> NOT_FILLED.
    """
    if facts.required_minutes == 0 and facts.recorded_minutes == 0:
        return PresenceStatus.DAY_OFF
    if facts.recorded_minutes >= facts.required_minutes:
        return PresenceStatus.COMPLETE
    if now >= _end_of(facts):
        return PresenceStatus.SHORT if facts.recorded_minutes else PresenceStatus.NOT_FILLED
    if facts.last_activity_at is None:
        return PresenceStatus.NOT_FILLED
    recent = now - facts.last_activity_at <= ACTIVE_WITHIN
    return PresenceStatus.ACTIVE if recent else PresenceStatus.IDLE


def _end_of(facts: DayFacts) -> datetime:
    return datetime.combine(facts.on, DAY_ENDS, ZoneInfo(facts.timezone))


def presence_of(
    on: date,
    timezone: str,
    required_minutes: int,
    recorded_minutes: int,
    last_activity_at: datetime | None,
    now: datetime,
) -> PresenceStatus:
    """`presence` of facts that come one by one."""
    facts = DayFacts(
        on=on,
        timezone=timezone,
        required_minutes=required_minutes,
        recorded_minutes=recorded_minutes,
        last_activity_at=last_activity_at,
    )
    return presence(facts, now)


def status_counts(members: Iterable[DayFacts], now: datetime) -> Mapping[PresenceStatus, int]:
    """How many people stand where, by the status' name; nobody, no line."""
    counts = Counter(presence(facts, now) for facts in members)
    return {status: counts[status] for status in sorted(counts)}
