"""The calendar connector: which events are meetings, and what becomes of those that change."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from ekinerja_calendar import CalendarConnector
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    Fatal,
    Http,
    InvalidCursor,
    InvalidSettings,
    Item,
    Malformed,
    Retraction,
    Retryable,
    Upload,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite

NIP, OTHER = "198503122009011007", "199207152018012003"
NOW = datetime(2026, 3, 6, 5, 0, tzinfo=UTC)
#: For the suite, whose connector looks at the real clock.
TODAY = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
HEAD = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Contoh//ID\n"
MEETING = """BEGIN:VEVENT
UID:koordinasi
DTSTAMP:20260301T000000Z
DTSTART;TZID=Asia/Jakarta:20260302T090000
DTEND;TZID=Asia/Jakarta:20260302T103000
SUMMARY:Koordinasi triwulan
LOCATION:Ruang 2
ORGANIZER:mailto:kabag@instansi.example
ATTENDEE;PARTSTAT=ACCEPTED:mailto:rahmat@instansi.example
END:VEVENT
"""
SERIES = """BEGIN:VEVENT
UID:harian
DTSTAMP:20260301T000000Z
DTSTART;TZID=Asia/Jakarta:20260302T130000
DTEND;TZID=Asia/Jakarta:20260302T140000
RRULE:FREQ=DAILY;COUNT=10
EXDATE;TZID=Asia/Jakarta:20260303T130000
SUMMARY:Apel
ORGANIZER:mailto:kabag@instansi.example
END:VEVENT
BEGIN:VEVENT
UID:harian
DTSTAMP:20260301T000000Z
RECURRENCE-ID;TZID=Asia/Jakarta:20260304T130000
DTSTART;TZID=Asia/Jakarta:20260304T150000
DTEND;TZID=Asia/Jakarta:20260304T160000
SUMMARY:Apel yang dipindah
ORGANIZER:mailto:kabag@instansi.example
END:VEVENT
"""


def ics(*events: str) -> str:
    return (HEAD + "".join(events) + "END:VCALENDAR\n").replace("\n", "\r\n")


def held(uid: str, end: datetime) -> str:
    """The meeting under another name, in the hour before `end`."""
    begin = f":{end - timedelta(hours=1):%Y%m%dT%H%M%SZ}"
    event = MEETING.replace("koordinasi", uid)
    event = event.replace(";TZID=Asia/Jakarta:20260302T090000", begin)
    return event.replace(";TZID=Asia/Jakarta:20260302T103000", f":{end:%Y%m%dT%H%M%SZ}")


class Feed:
    """An .ics file behind HTTP, with an ETag."""

    def __init__(self, *events: str) -> None:
        self.text = ics(*events)
        self.asked: list[int] = []
        self.status = 200

    async def answer(self, request: web.Request) -> web.Response:
        if self.status != 200:
            self.asked.append(self.status)
            return web.Response(status=self.status)
        etag = f'"{abs(hash(self.text))}"'
        status = 304 if request.headers.get("If-None-Match") == etag else 200
        self.asked.append(status)
        body = self.text if status == 200 else None
        return web.Response(
            status=status, text=body, headers={"ETag": etag}, content_type="text/calendar"
        )


@contextlib.asynccontextmanager
async def serving(*feeds: Feed) -> AsyncIterator[str]:
    app = web.Application()
    for number, feed in enumerate(feeds):
        app.router.add_get(f"/{number}.ics", feed.answer)
    async with serve(app) as url:
        yield url


def settings_of(url: str, *nips: str, **more: JSON) -> dict[str, JSON]:
    calendars = [
        {"nip": nip, "path": f"{number}.ics", "protocol": "ics"} for number, nip in enumerate(nips)
    ]
    return {"base_url": url, "calendars": calendars, **more}


def connector_of(settings: Mapping[str, JSON], http: Http | None = None) -> CalendarConnector:
    config = parse(CalendarConnector.settings, settings)
    connector = CalendarConnector(config, http or Http(addresses_of(config)))
    connector._now = lambda: NOW
    return connector


class TestCalendarSuite(ConnectorSuite):
    connector = CalendarConnector
    feed: Feed

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        events = (held("a", TODAY - timedelta(days=1)), held("b", TODAY - timedelta(days=2)))
        self.feed = Feed(*events)
        async with serving(self.feed) as url:
            yield settings_of(url, NIP, passwords={NIP: "rahasia-contoh"})

    def uploads(self) -> list[Upload]:
        """An invitation, and the cancellation that takes it back."""
        text = ics(held("undangan", TODAY - timedelta(days=3)))
        return [
            Upload(name=f"{NIP}.ics", content=text.encode()),
            Upload(name=f"batal-{NIP}.ics", content=cancelled(text).encode()),
        ]


def cancelled(text: str) -> str:
    return text.replace("SUMMARY", "STATUS:CANCELLED\r\nSUMMARY")


@contextlib.asynccontextmanager
async def reading(*feeds: Feed, **settings: JSON) -> AsyncIterator[CalendarConnector]:
    async with serving(*feeds) as url:
        given = settings_of(url, *(NIP, OTHER)[: len(feeds)], **settings)
        async with Http([url]) as http:
            yield connector_of(given, http)


def at(connector: CalendarConnector, moment: datetime) -> None:
    connector._now = lambda: moment


async def stated(
    connector: CalendarConnector, cursor: str | None = None
) -> tuple[list[Any], str | None]:
    found: list[Any] = []
    while True:
        page = await connector.fetch(cursor)
        found += [connector.translate(item) for item in page.items]
        cursor = page.next_cursor
        if not page.more:
            return found, cursor


async def test_meeting_that_has_ended_is_an_activity() -> None:
    async with reading(Feed(MEETING)) as connector:
        (activity,), _ = await stated(connector)

    assert activity == Activity(
        source_id=activity.source_id,
        nip=NIP,
        kind="rapat",
        title="Rapat: Koordinasi triwulan",
        occurred_at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        ended_at=datetime(2026, 3, 2, 3, 30, tzinfo=UTC),
        description="Tempat: Ruang 2",
    )


async def test_series_gives_each_instance_as_it_took_place() -> None:
    async with reading(Feed(SERIES)) as connector:
        found, cursor = await stated(connector)
        at(connector, NOW + timedelta(days=1, hours=3))
        later, _ = await stated(connector, cursor)

    # The 3rd is excepted, the 4th was moved and renamed, the 6th has not ended yet at noon.
    assert [(one.occurred_at.isoformat(), one.title) for one in found] == [
        ("2026-03-02T06:00:00+00:00", "Rapat: Apel"),
        ("2026-03-04T08:00:00+00:00", "Rapat: Apel yang dipindah"),
        ("2026-03-05T06:00:00+00:00", "Rapat: Apel"),
    ]
    assert [one.occurred_at.day for one in later] == [6, 7]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SUMMARY", "STATUS:CANCELLED\nSUMMARY"),
        ("SUMMARY", "TRANSP:TRANSPARENT\nSUMMARY"),
        ("PARTSTAT=ACCEPTED", "PARTSTAT=DECLINED"),
        (";TZID=Asia/Jakarta:20260302T090000", ";VALUE=DATE:20260302"),
        ("20260302T103000", "20260302T090000"),
        ("20260302T103000", "20260304T090000"),
        ("20260302T", "20260102T"),
        ("20260302T", "20260309T"),
    ],
)
async def test_event_that_is_no_meeting_held_gives_nothing(old: str, new: str) -> None:
    event = MEETING.replace(old, new)
    if "VALUE=DATE" in new:
        event = event.replace(";TZID=Asia/Jakarta:20260302T103000", ";VALUE=DATE:20260303")

    async with reading(Feed(event)) as connector:
        object.__setattr__(connector.config.calendars[0], "attendee", "Rahmat@instansi.example")
        found, _ = await stated(connector)

    assert found == []


async def test_event_without_anybody_else_counts_only_if_that_is_set() -> None:
    alone = "\n".join(
        line for line in MEETING.split("\n") if not line.startswith(("ATTENDEE", "ORGANIZER"))
    )

    async with reading(Feed(alone)) as connector:
        assert (await stated(connector))[0] == []
    async with reading(Feed(alone), with_others_only=False) as connector:
        assert len((await stated(connector))[0]) == 1


@pytest.mark.parametrize(
    ("setting", "title"),
    [("hide", "Rapat"), ("show", "Rapat: Koordinasi triwulan"), ("skip", None)],
)
async def test_private_event_shows_what_the_setting_says(setting: str, title: str | None) -> None:
    private = MEETING.replace("SUMMARY", "CLASS:PRIVATE\nSUMMARY")

    async with reading(Feed(private), confidential_events=setting) as connector:
        page = await connector.fetch(None)

    assert [connector.translate(item).title for item in page.items] == (  # type: ignore[union-attr]
        [title] if title else []
    )
    if setting == "hide":
        assert "triwulan" not in str(page)
        assert "Ruang" not in str(page)


@pytest.mark.parametrize(
    ("form", "hour"),
    [
        (":20260302T090000", 2),
        (":20260302T090000Z", 9),
        (";TZID=Asia/Makassar:20260302T090000", 1),
        (";TZID=SE Asia Standard Time:20260302T090000", 2),
    ],
)
async def test_start_is_read_in_its_zone_or_in_the_set_one(form: str, hour: int) -> None:
    event = MEETING.replace(";TZID=Asia/Jakarta:20260302T090000", form).replace(
        "DTEND;TZID=Asia/Jakarta:20260302T103000", "DURATION:PT1H"
    )

    async with reading(Feed(event), zone="WIB") as connector:
        (activity,), _ = await stated(connector)

    assert activity.occurred_at == datetime(2026, 3, 2, hour, tzinfo=UTC)
    assert activity.ended_at - activity.occurred_at == timedelta(hours=1)


@pytest.mark.parametrize("how", ["cancelled", "deleted", "declined"])
async def test_meeting_called_off_is_taken_back(how: str) -> None:
    feed = Feed(MEETING, SERIES)
    changed = {
        "cancelled": [MEETING.replace("SUMMARY", "STATUS:CANCELLED\nSUMMARY"), SERIES],
        "deleted": [SERIES],
        "declined": [MEETING.replace("ACCEPTED", "DECLINED"), SERIES],
    }

    async with reading(feed) as connector:
        object.__setattr__(connector.config.calendars[0], "attendee", "rahmat@instansi.example")
        found, cursor = await stated(connector)
        feed.text = ics(*changed[how])
        at(connector, NOW + timedelta(minutes=20))
        (taken,), _ = await stated(connector, cursor)

    assert isinstance(taken, Retraction)
    assert taken.retracts == next(one.source_id for one in found if "Koord" in one.title)


async def test_meeting_that_changed_is_taken_back_and_given_anew() -> None:
    feed = Feed(MEETING)

    async with reading(feed) as connector:
        (before,), cursor = await stated(connector)
        feed.text = ics(MEETING.replace("T103000", "T120000"))
        at(connector, NOW + timedelta(minutes=20))
        (taken, after), cursor = await stated(connector, cursor)
        feed.text = ics(MEETING)
        at(connector, NOW + timedelta(minutes=40))
        (again, first), _ = await stated(connector, cursor)

    assert taken.retracts == before.source_id
    assert after.ended_at == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    assert again.retracts == after.source_id
    assert first.ended_at == before.ended_at
    # The host keeps each name once: what came back needs another than what was taken back.
    assert len({before.source_id, after.source_id, first.source_id}) == 3


async def test_attribute_that_says_nothing_of_the_meeting_changes_nothing() -> None:
    feed = Feed(MEETING)

    async with reading(feed) as connector:
        _, cursor = await stated(connector)
        feed.text = ics(
            MEETING.replace("DTSTAMP:20260301", "DTSTAMP:20260306").replace(
                "UID", "SEQUENCE:3\nUID"
            )
        )
        at(connector, NOW + timedelta(minutes=20))
        assert (await stated(connector, cursor))[0] == []


async def test_unchanged_feed_is_not_read_again_until_a_meeting_ends() -> None:
    feed = Feed(SERIES)

    async with reading(feed) as connector:
        _, cursor = await stated(connector)
        _, cursor = await stated(connector, cursor)
        assert feed.asked == [200]  # within minutes_between nothing is asked

        at(connector, NOW + timedelta(minutes=20))
        _, cursor = await stated(connector, cursor)
        assert feed.asked == [200, 304]

        at(connector, NOW + timedelta(hours=3))  # the meeting of today has ended
        found, cursor = await stated(connector, cursor)
        assert feed.asked == [200, 304, 200]
        assert [one.occurred_at.day for one in found] == [6]


async def test_old_meetings_are_forgotten_and_not_taken_back() -> None:
    feed = Feed(MEETING)

    async with reading(feed) as connector:
        _, cursor = await stated(connector)
        at(connector, NOW + timedelta(days=20))
        found, cursor = await stated(connector, cursor)

    assert found == []
    assert cursor is not None
    assert '"known":{}' in cursor


async def test_each_calendar_is_a_page_and_two_people_have_an_item_each() -> None:
    async with reading(Feed(MEETING), Feed(MEETING)) as connector:
        first = await connector.fetch(None)
        second = await connector.fetch(first.next_cursor)

    assert (first.more, second.more) == (True, False)
    assert {connector.translate(one.items[0]).nip for one in (first, second)} == {NIP, OTHER}  # type: ignore[union-attr]


async def test_many_meetings_come_in_several_pages() -> None:
    events = [MEETING.replace("koordinasi", f"k{number}") for number in range(450)]

    async with reading(Feed(*events)) as connector:
        sizes, cursor, more = [], None, True
        names = set()
        while more:
            page = await connector.fetch(cursor)
            sizes.append(len(page.items))
            names.update(item.source_id for item in page.items)
            cursor, more = page.next_cursor, page.more

    assert sizes == [200, 200, 50]
    assert len(names) == 450


async def test_broken_event_is_a_dead_letter_and_hurts_no_other() -> None:
    broken = MEETING.replace("koordinasi", "rusak").replace("20260302T090000", "kemarin")
    burst = SERIES.replace("FREQ=DAILY;COUNT=10", "FREQ=SECONDLY").replace("harian", "banjir")

    async with reading(Feed(broken, MEETING, burst)) as connector:
        page = await connector.fetch(None)

    outcomes = []
    for item in page.items:
        try:
            outcomes.append(connector.translate(item))
        except Malformed as error:
            outcomes.append(str(error))
    assert [one.title for one in outcomes if isinstance(one, Activity)] == [
        "Rapat: Koordinasi triwulan"
    ]
    assert sum("more often than once an hour" in str(one) for one in outcomes) == 1
    assert len(outcomes) == 3


@pytest.mark.parametrize(("status", "error"), [(401, AuthFailed), (404, Fatal), (503, Retryable)])
async def test_failing_server_is_told_by_its_kind(status: int, error: type[Exception]) -> None:
    feed = Feed(MEETING)
    feed.status = status

    async with reading(feed) as connector:
        with pytest.raises(error):
            await connector.fetch(None)


async def test_one_person_whose_calendar_is_closed_stops_nobody_else() -> None:
    closed = Feed(MEETING)
    closed.status = 401

    async with reading(closed, Feed(MEETING)) as connector:
        first = await connector.fetch(None)
        second = await connector.fetch(first.next_cursor)

    with pytest.raises(Malformed, match=f"the calendar of {NIP}: .*401"):
        connector.translate(first.items[0])
    assert isinstance(connector.translate(second.items[0]), Activity)


async def test_html_instead_of_a_calendar_is_retryable() -> None:
    feed = Feed()
    feed.text = "<html>Silakan masuk</html>"

    async with reading(feed) as connector:
        with pytest.raises(Retryable, match="no iCalendar"):
            await connector.fetch(None)


async def test_secret_path_is_not_in_what_an_error_says() -> None:
    feed = Feed(MEETING)
    feed.status = 404

    async with reading(feed, secret_paths={NIP: "/private-a1b2c3/dasar.ics?k=v"}) as connector:
        with pytest.raises(Fatal) as caught:
            await connector.fetch(None)

    assert "a1b2c3" not in str(caught.value)
    assert f"the calendar of {NIP} answered 404" in str(caught.value)


@pytest.mark.parametrize(
    "cursor",
    ["x", "[]", "{}", '{"version":9,"calendars":{}}', f'{{"version":1,"calendars":{{"{NIP}":5}}}}'],
)
async def test_unreadable_cursor_is_told_as_invalid(cursor: str) -> None:
    async with reading(Feed(MEETING)) as connector:
        with pytest.raises(InvalidCursor, match="reset it"):
            await connector.fetch(cursor)


async def test_file_gives_the_same_items_as_polling() -> None:
    async with reading(Feed(MEETING, SERIES)) as connector:
        page = await connector.fetch(None)

        read = connector.read(
            Upload(name=f"kalender-{NIP}.ics", content=ics(MEETING, SERIES).encode())
        )

    assert sorted(read.items, key=name) == sorted(page.items, key=name)
    assert read.refused == ()


def name(item: Item) -> str:
    return item.source_id


def test_file_counts_for_the_attendees_that_are_known() -> None:
    calendars = [{"nip": OTHER, "attendee": "rahmat@instansi.example"}, {"nip": NIP}]
    connector = connector_of({"calendars": calendars})

    read = connector.read(Upload(name="undangan.ics", content=ics(MEETING, SERIES).encode()))

    assert [connector.translate(item).nip for item in read.items] == [OTHER]  # type: ignore[union-attr]
    assert [(one.row, one.reason[:14]) for one in read.refused] == [(2, "it is nobody's")]


def test_cancellation_in_a_file_takes_back_what_was_given() -> None:
    connector = connector_of({})
    invited = ics(MEETING)

    (given,) = connector.read(Upload(name=f"{NIP}.ics", content=invited.encode())).items
    off = connector.read(Upload(name=f"{NIP}.ics", content=cancelled(invited).encode()))

    (statement,) = [connector.translate(item) for item in off.items]
    assert isinstance(statement, Retraction)
    assert statement.retracts == given.source_id


async def test_installation_without_an_address_polls_nothing() -> None:
    page = await connector_of({"calendars": [{"nip": NIP}]}).fetch(None)

    assert (page.items, page.more) == ((), False)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"zone": "GMT"}, "zone must be"),
        ({"confidential_events": "apa"}, "confidential_events must be"),
        ({"days_back": 0}, "days_back"),
        ({"calendars": [{"nip": "1"}]}, "nip must be 18 digits"),
        ({"calendars": [{"nip": NIP, "protocol": "ftp"}]}, "protocol must be"),
        ({"calendars": [{"nip": NIP}, {"nip": NIP}]}, "each nip once"),
        ({"base_url": "http://x.example", "calendars": [{"nip": NIP}]}, "has no path"),
    ],
)
def test_unusable_setting_is_refused(settings: Mapping[str, JSON], reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        connector_of(settings)
