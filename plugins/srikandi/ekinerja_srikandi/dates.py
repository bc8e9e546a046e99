"""Days and times as exports and registers write them, and nothing guessed about them. Pure."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, tzinfo

from ekinerja_connectors import Malformed

__all__ = ["DAY_NUMBERS", "moment_of"]

DAY_NUMBERS = ("refuse", "as_is", "exchanged")
#: Day 0 of a spreadsheet, such that 45323 is 1 February 2024.
_DAY_ZERO = date(1899, 12, 30)
_NUMBER = re.compile(r"[0-9]{5}(\.0+)?", re.ASCII)
_DAY_FIRST = re.compile(
    r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})(?:[ T,]+([0-9]{1,2})[:.]([0-9]{2})"
    r"(?:[:.]([0-9]{2}))?)?",
    re.ASCII,
)
_WORDS = re.compile(r"([0-9]{1,2}) ([a-z]+) ([0-9]{4})", re.ASCII)
_MONTHS = (
    "januari", "februari", "maret", "april", "mei", "juni",
    "juli", "agustus", "september", "oktober", "november", "desember",
)  # fmt: skip
#: A day without a time is taken at noon: the same day in all three Indonesian zones.
_NOON = time(12)


def moment_of(text: str, zone: tzinfo, day_numbers: str = "refuse") -> datetime:
    """The instant that `text` means, aware.

    Taken are ISO 8601 with and without a time and zone, day first with / - or . (07/03/2016 is
    the seventh of March), 7 Maret 2016, and a spreadsheet's day number as `day_numbers` says.

    Raises:
        Malformed: it is none of these, no day that exists, or a number that is refused.
    """
    said = text.strip()
    if _NUMBER.fullmatch(said):
        return datetime.combine(_numbered(said, day_numbers), _NOON, zone)
    try:
        if found := _DAY_FIRST.fullmatch(said):
            day, month, year, *clock = (int(one) if one else None for one in found.groups())
            assert day is not None
            assert month is not None
            assert year is not None
            at = _NOON if clock[0] is None else time(clock[0], clock[1] or 0, clock[2] or 0)
            return datetime.combine(date(year, month, day), at, zone)
        if (words := _WORDS.fullmatch(said.lower())) and words[2] in _MONTHS:
            month = _MONTHS.index(words[2]) + 1
            return datetime.combine(date(int(words[3]), month, int(words[1])), _NOON, zone)
        if len(said) == len("2024-01-31"):
            return datetime.combine(date.fromisoformat(said), _NOON, zone)
        moment = datetime.fromisoformat(said)
    except ValueError as error:
        raise Malformed(f"{said[:40]!r} is no date; write YYYY-MM-DD") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


def _numbered(text: str, day_numbers: str) -> date:
    """The day of a number. 45323 is 2024-02-01; with day and month exchanged, 2024-01-02."""
    day = _DAY_ZERO + timedelta(days=int(text.partition(".")[0]))
    exchanged = day.replace(month=day.day, day=day.month) if day.day <= 12 else None
    if day_numbers == "as_is":
        return day
    if day_numbers == "exchanged":
        if exchanged is None:
            raise Malformed(f"{text} is {day}, whose day and month cannot be exchanged")
        return exchanged
    either = f" or, with day and month exchanged, {exchanged}" if exchanged else ""
    raise Malformed(
        f"{text} is a spreadsheet's number of a day ({day}{either}): write dates as YYYY-MM-DD, "
        "or say in the setting day_numbers which it is"
    )
