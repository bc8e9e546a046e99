"""Meetings out of an .ics file that somebody handed in: whose they are, and which took place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from ekinerja_connectors import FileReading, Item, RefusedRow, Upload

from .meetings import Meeting, Unreadable, attendees_of, components_of, meetings_of
from .memory import name_of, retraction_of
from .settings import Calendar, Settings

__all__ = ["reading_of"]

_NIP = re.compile(r"(?<![0-9])[0-9]{18}(?![0-9])", re.ASCII)


def reading_of(upload: Upload, settings: Settings, since: datetime, now: datetime) -> FileReading:
    """The meetings that ended between two instants, each named as when it is polled.

    A file with an NIP in its name is that person's calendar. Otherwise an event counts for those
    of the settings' calendars whose `attendee` it names. `row` is the number of the series.

    Raises:
        Malformed: the file is no iCalendar.
    """
    items: dict[str, Item] = {}
    refused: list[RefusedRow] = []
    for row, series in enumerate(components_of(upload.text()), 1):
        owners = _owners(upload, series, settings)
        if not owners:
            reason = (
                "it is nobody's: put the NIP into the name of the file, or the attendee's mail "
                "address into the settings"
            )
            refused.append(RefusedRow(row=row, reason=reason, payload=_shown(series)))
        for owner in owners:
            for one in meetings_of(series, owner, settings, since, now):
                if isinstance(one, Unreadable):
                    refused.append(RefusedRow(row=row, reason=one.reason, payload=one.text))
                elif since < one.ends_at <= now:
                    name = name_of(owner.nip, one.key, one.revision)
                    items[name] = Item(source_id=name, payload=one.payload)
            for one in meetings_of(series, owner, settings, since, now, cancelled=True):
                if isinstance(one, Meeting) and since < one.ends_at <= now:
                    # The file does not say when it was called off.
                    name = name_of(owner.nip, one.key, one.revision)
                    item = retraction_of(name, one.ends_at, "Rapat dibatalkan")
                    items[item.source_id] = item
    return FileReading(items=tuple(items.values()), refused=tuple(refused))


def _owners(upload: Upload, series: Any, settings: Settings) -> Sequence[Calendar]:
    named = _NIP.search(upload.name)
    if named is not None:
        known = [one for one in settings.calendars if one.nip == named[0]]
        return known or [Calendar(nip=named[0])]
    mails = attendees_of(series)
    return [one for one in settings.calendars if one.attendee.lower() in mails]


def _shown(series: Any) -> str:
    return str(series.to_ical().decode("utf-8", "replace"))[:2_000]
