"""The calendar connector against Radicale, a CalDAV server that knows nothing of us."""

import contextlib
import json
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import aiohttp
import pytest
import radicale
from ekinerja_calendar import CalendarConnector
from ekinerja_calendar.caldav import calendar_data_of, state_of
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    Fatal,
    Http,
    Item,
    Malformed,
    Retryable,
    Upload,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.suite import ConnectorSuite
from radicale import config

NIP, OTHER = "198503122009011007", "199207152018012003"
NOW = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
#: For the suite, whose connector looks at the real clock.
TODAY = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
PASSWORD = "sandi-contoh"
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Contoh//ID
BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260301T000000Z
DTSTART:{start:%Y%m%dT%H%M%SZ}
DTEND:{end:%Y%m%dT%H%M%SZ}
{more}SUMMARY:{title}
ORGANIZER:mailto:kabag@instansi.example
END:VEVENT
END:VCALENDAR
"""


def event(uid: str, start: datetime, title: str = "Koordinasi", more: str = "") -> str:
    text = EVENT.format(
        uid=uid, start=start, end=start + timedelta(hours=1), title=title, more=more
    )
    return text.replace("\n", "\r\n")


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:
        return


class _Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


@contextlib.contextmanager
def caldav_server(folder: Path) -> Iterator[str]:
    users = folder / "users"
    users.write_text(f"rahmat:{PASSWORD}\nsari:{PASSWORD}\n")
    settings = config.load()
    settings.update(
        {
            "auth": {
                "type": "htpasswd",
                "htpasswd_filename": str(users),
                "htpasswd_encryption": "plain",
                "delay": "0",
            },
            "rights": {"type": "owner_only"},
            "storage": {"filesystem_folder": str(folder / "data")},
            "logging": {"level": "critical"},
        },
        "test",
    )
    application = radicale.Application(settings)
    with make_server("127.0.0.1", 0, application, _Threads, _Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Office:
    """Somebody who keeps a calendar with an ordinary client."""

    def __init__(self, url: str, user: str = "rahmat") -> None:
        self.collection = f"{url}/{user}/kerja"
        self.auth = aiohttp.encode_basic_auth(user, PASSWORD)

    async def _do(
        self, method: str, path: str, body: str = "", kind: str = "text/calendar"
    ) -> None:
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                method,
                self.collection + path,
                data=body.encode(),
                headers={"Authorization": self.auth, "Content-Type": f"{kind}; charset=utf-8"},
            ) as answer,
        ):
            assert answer.status < 300, await answer.text()

    async def open(self) -> None:
        await self._do("MKCALENDAR", "/", kind="application/xml")

    async def put(self, uid: str, text: str) -> None:
        await self._do("PUT", f"/{uid}.ics", text)

    async def delete(self, uid: str) -> None:
        await self._do("DELETE", f"/{uid}.ics")


def settings_of(url: str, *users: tuple[str, str]) -> dict[str, JSON]:
    return {
        "base_url": url,
        "calendars": [
            {"nip": nip, "path": f"/{user}/kerja/", "username": user} for nip, user in users
        ],
        "passwords": {nip: PASSWORD for nip, _ in users},
    }


class TestCalDavSuite(ConnectorSuite):
    connector = CalendarConnector

    @pytest.fixture(autouse=True)
    def _folder_of_its_own(self, tmp_path: Path) -> None:
        self.place = tmp_path
        self.number = 0

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        self.number += 1
        folder = self.place / str(self.number)
        folder.mkdir()
        with caldav_server(folder) as url:
            office = Office(url)
            await office.open()
            for days in (1, 2):
                start = TODAY - timedelta(days=days)
                await office.put(f"r{days}", event(f"r{days}", start))
            yield settings_of(url, (NIP, "rahmat"))

    def uploads(self) -> list[Upload]:
        """An invitation, and the cancellation that takes it back."""
        invitation = event("undangan", TODAY - timedelta(days=3))
        cancellation = invitation.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")
        return [
            Upload(name=f"{NIP}.ics", content=invitation.encode()),
            Upload(name=f"batal-{NIP}.ics", content=cancellation.encode()),
        ]


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    with caldav_server(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def connected(settings: Mapping[str, JSON]) -> AsyncIterator[CalendarConnector]:
    parsed = parse(CalendarConnector.settings, settings)
    async with Http(addresses_of(parsed)) as http:
        connector = CalendarConnector(parsed, http)
        connector._now = lambda: NOW
        yield connector


async def test_meetings_are_read_followed_and_taken_back(url: str) -> None:
    office = Office(url)
    await office.open()
    start = NOW - timedelta(days=2)
    await office.put("a", event("a", start))
    await office.put("b", event("b", start, "Evaluasi", "RRULE:FREQ=DAILY;COUNT=5\r\n"))

    async with connected(settings_of(url, (NIP, "rahmat"))) as connector:
        first = await connector.fetch(None)
        await office.delete("a")
        await office.put("c", event("c", NOW - timedelta(hours=3), "Arahan pimpinan"))
        connector._now = lambda: NOW + timedelta(minutes=20)
        second = await connector.fetch(first.next_cursor)
        connector._now = lambda: NOW + timedelta(minutes=40)
        third = await connector.fetch(second.next_cursor)

    found = [connector.translate(item) for item in first.items]
    assert sorted(one.title for one in found if isinstance(one, Activity)) == [
        "Rapat: Evaluasi",
        "Rapat: Evaluasi",
        "Rapat: Koordinasi",
    ]
    taken, new = (connector.translate(item) for item in second.items)
    assert taken.retracts in {item.source_id for item in first.items}  # type: ignore[union-attr]
    assert new.title == "Rapat: Arahan pimpinan"  # type: ignore[union-attr]
    assert third.items == ()


async def test_unchanged_collection_is_asked_for_its_state_only(url: str) -> None:
    office = Office(url)
    await office.open()
    await office.put("a", event("a", NOW - timedelta(days=2)))
    asked: list[str] = []

    async with connected(settings_of(url, (NIP, "rahmat"))) as connector:
        request = connector.http.request

        async def counting(method: str, *arguments: Any, **named: Any) -> Any:
            asked.append(method)
            return await request(method, *arguments, **named)

        connector.http.request = counting  # type: ignore[method-assign]
        page = await connector.fetch(None)
        connector._now = lambda: NOW + timedelta(minutes=20)
        await connector.fetch(page.next_cursor)

    assert asked == ["PROPFIND", "REPORT", "PROPFIND"]


async def test_calendars_of_several_people_are_read_with_their_own_passwords(url: str) -> None:
    for user in ("rahmat", "sari"):
        office = Office(url, user)
        await office.open()
        await office.put("a", event("a", NOW - timedelta(days=2), f"Rapat {user}"))

    async with connected(settings_of(url, (NIP, "rahmat"), (OTHER, "sari"))) as connector:
        first = await connector.fetch(None)
        second = await connector.fetch(first.next_cursor)

    found = [connector.translate(page.items[0]) for page in (first, second)]
    assert {(one.nip, one.title) for one in found if isinstance(one, Activity)} == {
        (NIP, "Rapat: Rapat rahmat"),
        (OTHER, "Rapat: Rapat sari"),
    }


async def test_wrong_password_is_an_authentication_failure(url: str) -> None:
    settings = settings_of(url, (NIP, "rahmat"))

    async with connected({**settings, "passwords": {NIP: "salah-sekali"}}) as connector:
        with pytest.raises(AuthFailed) as caught:
            await connector.fetch(None)

    assert "salah-sekali" not in str(caught.value)


async def test_calendar_that_is_not_there_is_fatal(url: str) -> None:
    async with connected(settings_of(url, (NIP, "rahmat"))) as connector:
        with pytest.raises(Fatal):
            await connector.fetch(None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"<html></html>",
        b"\0\1\2",
        b'<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>',
        b'<?xml version="1.0" encoding="nope"?><x/>',
        json.dumps({"a": 1}).encode(),
    ],
)
def test_answer_that_is_no_multistatus_is_retryable(body: bytes) -> None:
    for read in (calendar_data_of, state_of):
        with pytest.raises(Retryable):
            read(body)


def test_properties_that_were_not_found_are_left_out() -> None:
    body = b"""<D:multistatus xmlns:D="DAV:"><D:response><D:href>/x</D:href>
        <D:propstat><D:prop><D:sync-token>wrong</D:sync-token></D:prop>
        <D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
        <D:propstat><D:prop><D:sync-token>right</D:sync-token></D:prop>
        <D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response></D:multistatus>"""

    assert state_of(body) == "right"
    assert calendar_data_of(body) == []


def test_dead_letter_of_a_broken_resource_says_whose_it_is() -> None:
    connector = CalendarConnector(parse(CalendarConnector.settings, {}), Http([]))
    with pytest.raises(Malformed, match="the calendar of"):
        connector.translate(
            Item(source_id="x", payload={"unreadable": f"the calendar of {NIP}: rusak"})
        )
