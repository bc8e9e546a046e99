"""The attendance connector: clockings by webhook, from an API, and out of what machines export."""

import contextlib
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import openpyxl
import pytest
from aiohttp import web
from ekinerja_attendance import AttendanceConnector
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    Delivery,
    Direction,
    Fatal,
    FileReading,
    Http,
    InvalidCursor,
    InvalidSettings,
    Item,
    Malformed,
    Presence,
    Retraction,
    Retryable,
    Skippable,
    Upload,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

NIP, OTHER = "198503122009011007", "199207152018012003"
TOKEN = "kunci-contoh"
IN = {"nip": NIP, "at": "2026-03-02T07:28:11+07:00", "direction": "in", "place": "Lobi"}
OUT = {"nip": NIP, "at": "2026-03-02T16:05:00+07:00", "direction": "out"}
CAME = Presence(
    source_id=f"{NIP}#20260302T002811Z#in",
    nip=NIP,
    at=datetime(2026, 3, 2, 0, 28, 11, tzinfo=UTC),
    direction=Direction.IN,
    place="Lobi",
)


class Clocks:
    """An attendance service: records in order, handed out after a number."""

    def __init__(self, *records: Mapping[str, Any]) -> None:
        self.records = list(records)

    async def answer(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "siapa?"}, status=401)
        since, limit = request.query.get("since", "0"), int(request.query["limit"])
        if not since.isdigit():
            return web.json_response({"message": "since?"}, status=400)
        begin = int(since)
        found = self.records[begin : begin + limit]
        end = begin + len(found)
        more = end < len(self.records) and bool(found)
        return web.json_response({"data": found, "next": str(end), "more": more})


@contextlib.asynccontextmanager
async def serving(clocks: Clocks) -> AsyncIterator[dict[str, JSON]]:
    app = web.Application()
    app.router.add_get("/attendance", clocks.answer)
    async with serve(app) as url:
        yield {"base_url": url, "api_token": TOKEN, "page_size": 2}


class TestAttendanceSuite(ConnectorSuite):
    connector = AttendanceConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        async with serving(Clocks(IN, OUT, {**OUT, "cancelled": True})) as settings:
            yield {**settings, "pins": {"12": OTHER}}

    def deliveries(self) -> list[Delivery]:
        return [delivery([{**IN, "nip": OTHER}, {"pin": 12, "at": OUT["at"], "direction": "1"}])]

    def uploads(self) -> list[Upload]:
        return [
            upload("PIN;Waktu;Status\n12;02/03/2026 07.30;Masuk\n99;x;y\n".replace("PIN", "ID"))
        ]


def delivery(body: JSON) -> Delivery:
    return Delivery(id="msg_1", body=json.dumps(body))


def upload(text: str, name: str = "absen.csv") -> Upload:
    return Upload(name=name, content=text.encode())


def connector_of(http: Http | None = None, **settings: JSON) -> AttendanceConnector:
    config = parse(AttendanceConnector.settings, settings)
    return AttendanceConnector(config, http or Http(addresses_of(config)))


@contextlib.asynccontextmanager
async def reading(clocks: Clocks, **more: JSON) -> AsyncIterator[AttendanceConnector]:
    async with serving(clocks) as settings, Http([str(settings["base_url"])]) as http:
        yield connector_of(http, **{**settings, **more})


def presences(found: FileReading | Sequence[Item], **settings: JSON) -> list[Any]:
    items = found.items if isinstance(found, FileReading) else found
    return [connector_of(**settings).translate(item) for item in items]


async def test_records_are_read_page_by_page_and_on_from_the_cursor() -> None:
    clocks = Clocks(IN, OUT, {**IN, "nip": OTHER})

    async with reading(clocks) as connector:
        first = await connector.fetch(None)
        second = await connector.fetch(first.next_cursor)
        clocks.records.append({**OUT, "nip": OTHER})
        third = await connector.fetch(second.next_cursor)

    assert (first.more, second.more, third.more) == (True, False, False)
    assert [len(page.items) for page in (first, second, third)] == [2, 1, 1]
    assert connector_of().translate(first.items[0]) == CAME


async def test_failures_of_the_service_are_told_by_their_kind() -> None:
    async with reading(Clocks(), api_token="salah") as connector:
        with pytest.raises(AuthFailed):
            await connector.fetch(None)
    async with reading(Clocks(), path="/lain") as connector:
        with pytest.raises(Fatal, match="404"):
            await connector.fetch(None)
    async with reading(Clocks()) as connector:
        with pytest.raises(InvalidCursor, match="reset it"):
            await connector.fetch("bukan angka")


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("<html>", Retryable),
        ("[]", Fatal),
        ('{"data": 5}', Fatal),
        ('{"data": [], "next": 5}', Fatal),
        ('{"data": [], "more": true}', Fatal),
    ],
)
async def test_answer_of_another_shape_is_told(body: str, error: type[Exception]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=body)

    app = web.Application()
    app.router.add_get("/attendance", answer)
    async with serve(app) as url, Http([url]) as http:
        with pytest.raises(error):
            await connector_of(http, base_url=url).fetch(None)


def test_same_press_is_the_same_item_by_each_way() -> None:
    connector = connector_of(pins={"12": NIP})
    (pushed,) = connector.receive(delivery(IN))
    (by_pin,) = connector.receive(delivery({**IN, "nip": None, "pin": 12}))
    text = "NIP;Waktu;Status;Mesin\n%s;2026-03-02 07:28:11;Scan Masuk;Lobi\n" % NIP  # noqa: UP031
    (row,) = connector.read(upload(text)).items

    assert pushed.source_id == by_pin.source_id == row.source_id
    assert [connector.translate(one) for one in (pushed, by_pin, row)] == [CAME] * 3


@pytest.mark.parametrize("body", [IN, [IN, IN], {"data": [IN]}])
def test_delivery_may_be_one_record_or_many(body: JSON) -> None:
    assert presences(connector_of().receive(delivery(body))) == [CAME]


@pytest.mark.parametrize("body", [5, "teks", None, True])
def test_delivery_of_another_shape_is_malformed(body: JSON) -> None:
    with pytest.raises(Malformed):
        connector_of().receive(delivery(body))


def test_broken_record_hurts_no_other() -> None:
    found = connector_of().receive(delivery([IN, 5, {"nip": NIP}, OUT]))

    outcomes = []
    for item in found:
        try:
            outcomes.append(type(connector_of().translate(item)).__name__)
        except Malformed:
            outcomes.append("malformed")
    assert outcomes == ["Presence", "malformed", "malformed", "Presence"]


def test_cancelled_clocking_is_taken_back() -> None:
    connector = connector_of()
    given, taken = connector.receive(delivery([OUT, {**OUT, "cancelled": True}]))

    statement = connector.translate(taken)

    assert isinstance(statement, Retraction)
    assert statement.retracts == given.source_id


def test_fields_may_have_other_names() -> None:
    fields: JSON = {"nip": "nip_pegawai", "at": "tgl", "direction": "arah"}
    body = {"nip_pegawai": NIP, "tgl": "2026-03-02 07:28:11", "arah": "C/In", "place": "Lobi"}

    assert presences(connector_of(fields=fields).receive(delivery(body)), fields=fields) == [CAME]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"nip": "1985"}, "18 digits"),
        ({"nip": None}, "nobody is known by the PIN ''|neither"),
        ({"nip": None, "pin": "77"}, "nobody is known by the PIN '77'"),
        ({"direction": "samping"}, "the direction 'samping' is unknown"),
        ({"direction": None}, "direction is missing"),
        ({"at": "kemarin"}, "must be a date and a time|cannot be read"),
        ({"at": None}, "must be a date and a time"),
        ({"at": "1899-12-30 00:00:00"}, "set the clock of the machine"),
        ({"cancelled": "ya"}, "cancelled must be"),
    ],
)
def test_unreadable_record_is_told(changed: Mapping[str, JSON], reason: str) -> None:
    (item,) = connector_of().receive(delivery({**IN, **changed}))

    with pytest.raises(Malformed, match=reason):
        connector_of().translate(item)


def test_dead_letter_for_an_unknown_pin_is_a_presence_once_the_pin_is_known() -> None:
    (item,) = connector_of().receive(delivery({**IN, "nip": None, "pin": "77"}))

    found = connector_of(pins={"77": NIP}).translate(item)

    assert (found.source_id, getattr(found, "nip", None)) == (item.source_id, NIP)


def test_break_is_skipped() -> None:
    (item,) = connector_of().receive(delivery({**IN, "direction": "2"}))

    with pytest.raises(Skippable, match="break"):
        connector_of().translate(item)


def test_attlog_of_a_machine_is_read_without_headings() -> None:
    text = "12\t2026-03-02 07:28:11\t1\t0\t1\t0\n12\t2026-03-02 16:05:00\t1\t1\t1\t0\n13\tx\t1\t0\n"

    found = connector_of(pins={"12": NIP}).read(upload(text, "1_attlog.dat"))

    assert [(one.nip, one.direction, one.place) for one in presences(found, pins={"12": NIP})] == [
        (NIP, "in", "Mesin 1"),
        (NIP, "out", "Mesin 1"),
    ]
    assert [one.row for one in found.refused] == [3]


def test_sheet_with_a_row_for_each_day_gives_coming_and_going() -> None:
    book = openpyxl.Workbook()
    for row in (
        ["Rekap Presensi"],
        ["No. ID", "Nama", "Tanggal", "Scan Masuk", "Scan Pulang"],
        ["12", "Rahmat", date(2026, 3, 2), time(7, 28, 11), time(16, 5)],
        ["12", "Rahmat", date(2026, 3, 3), time(7, 30), None],
        ["12", "Rahmat", date(2026, 3, 4), None, None],
        ["12", "Rahmat", "5 Maret 2026", "07.31", "pulang cepat"],
    ):
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)

    found = connector_of(pins={"12": NIP}).read(
        Upload(name="rekap.xlsx", content=target.getvalue())
    )

    assert [(one.at.day, one.direction) for one in presences(found, pins={"12": NIP})] == [
        (2, "in"),
        (2, "out"),
        (3, "in"),
    ]
    assert [(one.row, one.reason[:20]) for one in found.refused] == [
        (5, "no time of coming or"),
        (6, "the time 'pulang cep"),
    ]


def test_date_and_time_may_be_two_columns_with_names_of_the_setting() -> None:
    columns = {"clock": "Jam Tap", "direction": "Keterangan"}
    text = f"NIP,Tanggal,Jam Tap,Keterangan\n{NIP},02-03-2026,07.28,Datang\n"

    (found,) = presences(connector_of(columns=columns).read(upload(text)))

    assert (found.at.isoformat(), found.direction) == ("2026-03-02T07:28:00+07:00", "in")


@pytest.mark.parametrize("text", ["Nama;Waktu;Status\n", "NIP;Tanggal\n", "", "\0"])
def test_file_that_does_not_say_who_when_and_which_way_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        connector_of().read(upload(text))


@pytest.mark.parametrize("zone", ["WIB", "WITA", "WIT"])
def test_times_without_a_zone_are_of_the_set_one(zone: str) -> None:
    (item,) = connector_of(zone=zone).receive(delivery({**IN, "at": "2026-03-02 07:28:11"}))
    (found,) = presences([item], zone=zone)

    assert str(found.at.tzinfo) == zone


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(field=st.sampled_from([*IN, "pin", "cancelled"]), value=st.none() | st.booleans()
       | st.integers() | st.text(max_size=20) | st.lists(st.integers(), max_size=2))  # fmt: skip
def test_garbage_in_any_field_raises_malformed_or_skippable_only(field: str, value: JSON) -> None:
    connector = connector_of(pins={"12": NIP})

    for item in connector.receive(delivery([{**IN, field: value}])):
        with contextlib.suppress(Malformed, Skippable):
            assert connector.translate(item).source_id == item.source_id


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"zone": "GMT"}, "zone must be"),
        ({"directions": {"x": "samping"}}, "directions must lead to"),
        ({"pins": {"12": "12"}}, "pins must lead to"),
        ({"page_size": 0}, "page_size"),
    ],
)
def test_unusable_setting_is_refused(settings: dict[str, JSON], reason: str) -> None:
    with pytest.raises(InvalidSettings, match=reason):
        connector_of(**settings)
