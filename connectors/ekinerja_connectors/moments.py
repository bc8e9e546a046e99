"""Dates and times as Indonesian offices write them, and the three zones. Pure, no clock.

What is ambiguous or damaged is refused with what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import Final

from .errors import Malformed

__all__ = ["ZONES", "date_of", "moment_of", "time_of", "zone_of"]

#: Western, central and eastern Indonesian time (WIB, WITA, WIT); none has daylight saving.
ZONES: Final[Mapping[str, timezone]] = {
    name: timezone(timedelta(hours=hours), name)
    for name, hours in (("WIB", 7), ("WITA", 8), ("WIT", 9))
}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "januari january jan",
            "februari pebruari february feb peb",
            "maret march mar mrt",
            "april apr",
            "mei may",
            "juni june jun",
            "juli july jul",
            "agustus august agu agt ags aug agst",
            "september sept sep",
            "oktober october okt oct",
            "november nopember nov nop",
            "desember december des dec",
        ),
        1,
    )
    for name in names.split()
}
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ].*)?", re.ASCII | re.DOTALL)
_DAY_FIRST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})", re.ASCII)
_WORDS = re.compile(r"(?:[A-Za-z']+,?\s+)?(\d{1,2})[\s-]+([A-Za-z]+)\.?[\s-]+(\d{4})", re.ASCII)
_TIME = re.compile(
    r"(?:pukul\s+|jam\s+)?(\d{1,2})[.:](\d{2})(?:[.:](\d{2}))?(?:\.\d+)?(?:\s*(?:WIB|WITA|WIT))?",
    re.ASCII | re.IGNORECASE,
)


def zone_of(name: str) -> timezone:
    """The zone WIB, WITA or WIT. Raises: ValueError, fit for a settings' `__post_init__`."""
    try:
        return ZONES[name]
    except KeyError:
        raise ValueError(f"zone must be one of {', '.join(ZONES)}") from None


def date_of(text: str) -> date:
    """2026-03-02, 02/03/2026, 02-03-2026, 2.3.2026, 2 Maret 2026 or Senin, 2 Mar 2026.

    The day stands before the month, as Indonesia writes it. Of a date with a time the date.

    Raises:
        Malformed: it is none of these, or no day of the calendar.
    """
    given = text.strip()
    if found := _ISO.fullmatch(given):
        year, month, day = (int(part) for part in found.groups())
    elif found := _DAY_FIRST.fullmatch(given):
        day, month, year = int(found[1]), int(found[3]), int(found[4])
    elif (found := _WORDS.fullmatch(given)) and found[2].lower() in _MONTHS:
        day, month, year = int(found[1]), _MONTHS[found[2].lower()], int(found[3])
    else:
        raise Malformed(f"the date {_shown(given)} cannot be read; write it like 02/03/2026")
    try:
        return date(year, month, day)
    except ValueError as error:
        raise Malformed(f"the date {_shown(given)} does not exist; day, month, year") from error


def time_of(text: str) -> time:
    """07:30, 07.30, 7.30, 07:30:15, with or without the zone's name; to the second.

    Raises:
        Malformed: it is none of these, or no time of day.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise Malformed(f"the time {_shown(text)} cannot be read; write it like 07.30")
    try:
        return time(int(found[1]), int(found[2]), int(found[3] or 0))
    except ValueError as error:
        raise Malformed(f"the time {_shown(text)} does not exist; write it like 07.30") from error


def moment_of(text: str, zone: timezone) -> datetime:
    """A date and a time in one cell, parted by a space, comma or T; in `zone` if it has none.

    Raises:
        Malformed: either cannot be read, or one of them is missing.
    """
    given = text.strip()
    if _ISO.fullmatch(given):
        try:
            found = datetime.fromisoformat(given.replace(" ", "T", 1))
        except ValueError:
            pass
        else:
            if len(given) > len("2026-03-02"):
                return found if found.utcoffset() is not None else found.replace(tzinfo=zone)
    day, _, clock = re.sub(r"[\s,]+(?=\S*$)|(?<=\d)T(?=\d)", "\n", given, count=1).partition("\n")
    if not clock:
        raise Malformed(f"{_shown(given)} must be a date and a time, like 02/03/2026 07.30")
    return datetime.combine(date_of(day), time_of(clock), zone)


def _shown(text: str) -> str:
    return repr(text.strip()[:40])
