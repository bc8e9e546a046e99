"""Pure rules of absences: what may be said of one, and which two cannot both be."""

from dataclasses import dataclass
from datetime import date, time
from typing import Protocol

from schema.checks import invalid, optional_text
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import AbsenceKind

LONGEST_ABSENCE = 366
"""Days; a house limit. A longer one, as leave outside the state's care (*cuti di luar tanggungan
negara*), is said year by year."""
LONGEST_NOTE = 2_000
"""Characters; a house limit."""
MOST_AT_ONCE = 500
"""Absences in one `recordAbsences`; a house limit."""


class Spell(Protocol):
    """The days of an absence, both inclusive, or a part of one day between two local times."""

    @property
    def starts_on(self) -> date: ...
    @property
    def ends_on(self) -> date: ...
    @property
    def from_time(self) -> time | None: ...
    @property
    def until_time(self) -> time | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceEntry:
    """An absence as somebody says it."""

    kind: AbsenceKind
    starts_on: date
    ends_on: date
    from_time: time | None = None
    until_time: time | None = None
    note: str | None = None


def check_absence(entry: AbsenceEntry) -> None:
    """Raises:
    DomainError: it ends before it starts, is too long, or is a part of several days.
    """
    if entry.ends_on < entry.starts_on:
        raise DomainError(ErrorCode.ENDS_BEFORE_START, field="endsOn")
    if (entry.ends_on - entry.starts_on).days >= LONGEST_ABSENCE:
        raise DomainError(ErrorCode.RANGE_TOO_LONG, field="endsOn", limit=LONGEST_ABSENCE)
    optional_text(entry.note, field="note", longest=LONGEST_NOTE)
    if entry.from_time is None and entry.until_time is None:
        return
    if entry.from_time is None or entry.until_time is None:
        missing = "fromTime" if entry.from_time is None else "untilTime"
        raise invalid(missing, "a part of a day has both fromTime and untilTime")
    if entry.ends_on != entry.starts_on:
        raise invalid("fromTime", "a part of a day is of one day only")
    if entry.until_time <= entry.from_time:
        raise DomainError(ErrorCode.ENDS_BEFORE_START, field="untilTime")


def overlaps(one: Spell, other: Spell) -> bool:
    """Whether somebody would be away twice at once.

    23 to 25 November and all of the 25th -> yes; 08:00-10:00 and 10:00-12:00 of a day -> no; a
    part of a day and all of it -> yes.
    """
    if one.ends_on < other.starts_on or other.ends_on < one.starts_on:
        return False
    (starts, ends), (begins, stops) = _times(one), _times(other)
    return starts < stops and begins < ends


def _times(spell: Spell) -> tuple[time, time]:
    """Local times, without the zone that the driver gives them; of all day where there are none."""
    starts, ends = spell.from_time or time.min, spell.until_time or time.max
    return starts.replace(tzinfo=None), ends.replace(tzinfo=None)


def told(kind: AbsenceKind, spell: Spell) -> str:
    """An absence as messages name it: LEAVE 2026-11-23 - 2026-11-25."""
    return f"{kind} {spell.starts_on} - {spell.ends_on}"
