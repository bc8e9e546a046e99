"""What CalDAV (RFC 4791) and WebDAV sync (RFC 6578) say in XML: two questions, two answers.

Who asks them over the network is `source`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from ekinerja_connectors import Retryable

__all__ = ["STATE_QUESTION", "calendar_data_of", "query", "state_of"]

_DAV, _CALDAV, _SERVER = (
    "{DAV:}",
    "{urn:ietf:params:xml:ns:caldav}",
    "{http://calendarserver.org/ns/}",
)

STATE_QUESTION = (
    b'<?xml version="1.0" encoding="utf-8"?>'
    b'<D:propfind xmlns:D="DAV:" xmlns:S="http://calendarserver.org/ns/">'
    b"<D:prop><D:sync-token/><S:getctag/></D:prop></D:propfind>"
)


def query(begin: datetime, end: datetime) -> bytes:
    """The calendar-query for all events that touch the time between two instants in UTC."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
        '<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT">'
        f'<C:time-range start="{begin:%Y%m%dT%H%M%SZ}" end="{end:%Y%m%dT%H%M%SZ}"/>'
        "</C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()


def _properties(body: bytes) -> Iterator[Element]:
    """The properties that a multistatus found, those with another status than 2xx left out."""
    try:
        root = fromstring(body)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Retryable(f"the calendar server answered no XML: {type(error).__name__}") from error
    if root.tag != f"{_DAV}multistatus":
        raise Retryable("the calendar server answered no multistatus")
    for found in root.iter(f"{_DAV}propstat"):
        if " 2" in (found.findtext(f"{_DAV}status") or " 200"):
            yield from found.iter(f"{_DAV}prop")


def calendar_data_of(body: bytes) -> list[str]:
    """The iCalendar texts of a multistatus. Raises: Retryable."""
    texts = (one.findtext(f"{_CALDAV}calendar-data") for one in _properties(body))
    return [text for text in texts if text]


def state_of(body: bytes) -> str | None:
    """What changes when anything in the collection does; None where a server has none."""
    for one in _properties(body):
        state = one.findtext(f"{_DAV}sync-token") or one.findtext(f"{_SERVER}getctag")
        if state and state.strip():
            return state.strip()[:500]
    return None
