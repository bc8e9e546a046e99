"""From iCalendar text to the meetings in it (*rapat*): recurrence, exceptions, who declined.

icalendar reads, recurring-ical-events expands. Here is decided which events are meetings, and
what of them is told; not when, nor what became of those given before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, timezone
from typing import Any

import icalendar
import recurring_ical_events
from ekinerja_connectors import JSON, Malformed
from ekinerja_connectors.moments import zone_of

from .settings import HIDE, SHOW, SKIP, Calendar, Settings

__all__ = ["Meeting", "Unreadable", "attendees_of", "components_of", "digest", "meetings_of"]

LONGEST = timedelta(hours=24)
MAX_INSTANCES = 5_000  # of one series in one window
_BURSTS = {"SECONDLY", "MINUTELY", "HOURLY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """One instance: `key` names it in its calendar, `revision` what it says."""

    key: str
    revision: str
    ends_at: datetime
    payload: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """An event that cannot be read: why, and its text."""

    name: str
    reason: str
    text: str


def digest(text: str, length: int = 16) -> str:
    """A short name for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]


def components_of(text: str) -> list[Any]:
    """One calendar for each series of the text, so that a broken one hurts no other.

    Raises:
        Malformed: the text is no iCalendar.
    """
    if not text.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR"):
        raise Malformed("it does not begin with BEGIN:VCALENDAR")
    try:
        found = icalendar.Calendar.from_ical(text.lstrip("\ufeff \r\n"), multiple=True)
    except (ValueError, IndexError, KeyError, AttributeError, TypeError) as error:
        raise Malformed(f"it is no iCalendar: {str(error)[:200]}") from error
    series: dict[str, Any] = {}
    for calendar in found:
        for event in calendar.walk("VEVENT"):
            uid = str(event.get("UID") or f"unnamed-{digest(event.to_ical().decode())}")
            if uid not in series:
                series[uid] = icalendar.Calendar()
                if "X-WR-TIMEZONE" in calendar:
                    series[uid].add("X-WR-TIMEZONE", str(calendar["X-WR-TIMEZONE"]))
            series[uid].add_component(event)
    return list(series.values())


def meetings_of(
    series: Any,
    owner: Calendar,
    settings: Settings,
    begin: datetime,
    end: datetime,
    *,
    cancelled: bool = False,
) -> Iterator[Meeting | Unreadable]:
    """The meetings of one series between two instants, for the person whose calendar it is.

    With `cancelled`, those instead that it says were called off.
    """
    try:
        if _bursts(series):
            raise Malformed("it repeats more often than once an hour")
        instances = recurring_ical_events.of(series).between(begin, end)
        if len(instances) > MAX_INSTANCES:
            raise Malformed(f"it has {len(instances)} instances in the window")
        found = [
            _meeting(one, owner, settings) for one in instances if _cancelled(one) == cancelled
        ]
    except MemoryError:
        raise
    except Exception as error:  # both libraries raise whatever a broken property makes of itself
        text = series.to_ical().decode("utf-8", "replace")
        reason = f"{type(error).__name__}: {error}"[:300]
        yield Unreadable(name=digest(text), reason=reason, text=text[:2_000])
        return
    yield from (one for one in found if one is not None)


def _bursts(series: Any) -> bool:
    """Whether a rule would give instances by the second: no meeting does."""
    for event in series.walk("VEVENT"):
        rules = event.get("RRULE") or []
        for rule in rules if isinstance(rules, list) else [rules]:
            many = 1
            for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
                many *= len(rule.get(part, [0]))
            if many > 24 or _BURSTS & {str(one).upper() for one in rule.get("FREQ", [])}:
                return True
    return False


def _meeting(event: Any, owner: Calendar, settings: Settings) -> Meeting | None:
    """The meeting that an instance is; None for what is none."""
    begin, end = event["DTSTART"].dt, event["DTEND"].dt
    if not (isinstance(begin, datetime) and isinstance(end, datetime)):
        return None  # of a whole day
    zone = zone_of(settings.zone)
    begun, ended = _instant(begin, zone), _instant(end, zone)
    if not timedelta(0) < ended - begun <= LONGEST or _does_not_count(event, owner, settings):
        return None
    private = str(event.get("CLASS", "PUBLIC")).upper() in ("PRIVATE", "CONFIDENTIAL")
    if private and settings.confidential_events == SKIP:
        return None
    payload: dict[str, JSON] = {
        "nip": owner.nip,
        "title": ""
        if private and settings.confidential_events == HIDE
        else str(event.get("SUMMARY", "")),
        "start": begun.isoformat(),
        "end": ended.isoformat(),
    }
    if not private or settings.confidential_events == SHOW:
        payload["location"] = str(event.get("LOCATION", ""))
        payload["url"] = str(event.get("URL", ""))
    uid = str(event.get("UID", ""))
    instance = _instant(event["RECURRENCE-ID"].dt, zone) if "RECURRENCE-ID" in event else begun
    return Meeting(
        key=f"{digest(uid)}#{instance:%Y%m%dT%H%M%SZ}",
        revision=digest(json.dumps(payload, sort_keys=True), 8),
        ends_at=ended,
        payload=payload,
    )


def _instant(value: Any, zone: timezone) -> datetime:
    if not isinstance(value, datetime):  # the day of a series that has one instance at a time
        value = datetime.combine(value, time())
    instant: datetime = value if value.tzinfo else value.replace(tzinfo=zone)
    return instant.astimezone(UTC)


def _cancelled(event: Any) -> bool:
    return str(event.get("STATUS", "")).upper() == "CANCELLED"


def _does_not_count(event: Any, owner: Calendar, settings: Settings) -> bool:
    """Free, declined, or without anybody else."""
    if str(event.get("TRANSP", "")).upper() == "TRANSPARENT":
        return True
    attendees = list(_people(event.get("ATTENDEE")))
    if settings.with_others_only and not attendees and event.get("ORGANIZER") is None:
        return True
    mine = owner.attendee.lower()
    return bool(mine) and (mine, "DECLINED") in attendees


def _people(value: Any) -> Iterable[tuple[str, str]]:
    """Mail addresses and answers (*PARTSTAT*) of one attendee or a list of them."""
    for one in value if isinstance(value, list) else [value] if value is not None else []:
        answer = str(getattr(one, "params", {}).get("PARTSTAT", "")).upper()
        yield str(one).lower().removeprefix("mailto:"), answer


def attendees_of(series: Any) -> set[str]:
    """The mail addresses that a series names, organizers too, in lower case."""
    found: set[str] = set()
    for event in series.walk("VEVENT"):
        for name in ("ATTENDEE", "ORGANIZER"):
            found.update(mail for mail, _ in _people(event.get(name)))
    return found
