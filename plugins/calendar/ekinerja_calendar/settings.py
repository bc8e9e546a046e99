"""Whose calendars are read, where they are, and what of them counts as a meeting."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ekinerja_connectors import address, secret
from ekinerja_connectors.moments import zone_of

__all__ = ["CALDAV", "HIDE", "ICS", "SHOW", "SKIP", "Calendar", "Settings"]

CALDAV, ICS = "caldav", "ics"
HIDE, SKIP, SHOW = "hide", "skip", "show"
_NIP = re.compile(r"[0-9]{18}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The calendar of one person.

    `path` is below `base_url`: a CalDAV collection, or an .ics file where `protocol` is ics.
    `username` signs in with the password that `passwords` has for the NIP. By `attendee`, a mail
    address, the person's answer to an invitation is found.
    """

    nip: str
    path: str = ""
    protocol: str = CALDAV
    username: str = ""
    attendee: str = ""

    def __post_init__(self) -> None:
        if not _NIP.fullmatch(self.nip):
            raise ValueError("nip must be 18 digits")
        if self.protocol not in (CALDAV, ICS):
            raise ValueError(f"protocol must be {CALDAV} or {ICS}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One server and the calendars on it. Without `base_url`, only files are taken.

    `passwords` and `secret_paths` are by NIP; the latter for services whose private address is
    itself the secret. `days_back` is how far back meetings are looked for, and how long a change
    or cancellation is followed; `minutes_between` how often each calendar is read.
    """

    base_url: str = address(default="")
    calendars: tuple[Calendar, ...] = ()
    passwords: Mapping[str, str] | None = secret(default=None)
    secret_paths: Mapping[str, str] | None = secret(default=None)
    zone: str = "WIB"
    """In which times without a zone are read: WIB, WITA or WIT."""
    confidential_events: str = HIDE
    """What becomes of an event of class PRIVATE or CONFIDENTIAL: hide its title, skip, show."""
    with_others_only: bool = True
    """Whether an event without an attendee or organizer is no meeting."""
    days_back: int = 14
    minutes_between: int = 15

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if self.confidential_events not in (HIDE, SKIP, SHOW):
            raise ValueError(f"confidential_events must be {HIDE}, {SKIP} or {SHOW}")
        if not 1 <= self.days_back <= 366:
            raise ValueError("days_back must be between 1 and 366")
        if not 1 <= self.minutes_between <= 1_440:
            raise ValueError("minutes_between must be between 1 and 1440")
        nips = [one.nip for one in self.calendars]
        if len(set(nips)) < len(nips):
            raise ValueError("calendars must name each nip once")
        for one in self.calendars:
            if self.base_url and not (one.path or (self.secret_paths or {}).get(one.nip)):
                raise ValueError(f"the calendar of {one.nip} has no path")
