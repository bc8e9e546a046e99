"""Reading one calendar over the network, unless nothing in it has changed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ekinerja_connectors import Fatal, Http, Response, Retryable

from .caldav import STATE_QUESTION, calendar_data_of, query, state_of
from .settings import ICS, Calendar, Settings

__all__ = ["Reading", "Source"]

_ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The texts of a calendar, and a token by which to ask whether anything has changed."""

    texts: tuple[str, ...]
    token: str | None


class Source:
    """The calendars of one installation."""

    def __init__(self, settings: Settings, http: Http) -> None:
        self._settings = settings
        self._http = http

    async def read(
        self, calendar: Calendar, token: str | None, begin: datetime, end: datetime
    ) -> Reading | None:
        """What touches the time between two instants; None if nothing changed since `token`.

        Raises:
            Retryable, AuthFailed, Fatal: without a secret path in their messages.
        """
        if calendar.protocol == ICS:
            return await self._read_file(calendar, token)
        return await self._read_collection(calendar, token, begin, end)

    async def _read_file(self, calendar: Calendar, token: str | None) -> Reading | None:
        headers = {"Accept": "text/calendar"}
        if token is not None:
            name, _, value = token.partition(":")
            headers["If-None-Match" if name == "etag" else "If-Modified-Since"] = value
        response = await self._ask("GET", calendar, headers, None)
        if response.status == 304 and token is not None:
            return None
        body = response.body.decode("utf-8", "replace")
        if not body.lstrip("\ufeff \r\n").upper().startswith("BEGIN:VCALENDAR"):
            raise Retryable(f"the calendar of {calendar.nip} answered no iCalendar")
        found = None
        if "ETag" in response.headers:
            found = f"etag:{response.headers['ETag']}"
        elif "Last-Modified" in response.headers:
            found = f"date:{response.headers['Last-Modified']}"
        return Reading(texts=(body,), token=found)

    async def _read_collection(
        self, calendar: Calendar, token: str | None, begin: datetime, end: datetime
    ) -> Reading | None:
        headers = {"Depth": "0", "Content-Type": "application/xml; charset=utf-8"}
        state = await self._ask("PROPFIND", calendar, headers, STATE_QUESTION)
        found = state_of(state.body)
        if found is not None and found == token:
            return None
        headers["Depth"] = "1"
        answer = await self._ask("REPORT", calendar, headers, query(begin, end))
        return Reading(texts=tuple(calendar_data_of(answer.body)), token=found)

    async def _ask(
        self, method: str, calendar: Calendar, headers: Mapping[str, str], body: bytes | None
    ) -> Response:
        hidden = (self._settings.secret_paths or {}).get(calendar.nip)
        path = hidden or calendar.path
        url = f"{self._settings.base_url.rstrip('/')}/{path.lstrip('/')}"
        password = (self._settings.passwords or {}).get(calendar.nip, "")
        basic_auth = (calendar.username, password) if calendar.username else None
        try:
            response = await self._http.request(
                method, url, headers=headers, body=body, basic_auth=basic_auth
            )
            if response.status != 304:
                response.raise_for_status()
        except Retryable as error:
            if hidden is None:
                raise
            raise Retryable(_without_path(error, calendar), error.retry_after) from None
        except Fatal as error:
            if hidden is None:
                raise
            raise type(error)(_without_path(error, calendar)) from None
        return response


def _without_path(error: Exception, calendar: Calendar) -> str:
    """The message with the person in the place of an address that is itself a secret."""
    return _ADDRESS.sub(f"the calendar of {calendar.nip}", str(error))
