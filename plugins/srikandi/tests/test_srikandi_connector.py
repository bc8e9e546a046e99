"""The SRIKANDI connector against its fake: pages, webhooks, and what each event means."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    Delivery,
    Fatal,
    Http,
    InvalidSettings,
    Item,
    Malformed,
    Retryable,
    Skippable,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import CONTROL, WIB, Person, serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_srikandi import SrikandiConnector
from ekinerja_srikandi.fake import create_app, events_of, push, settings_of
from standardwebhooks import Webhook

PEOPLE = (
    Person(nip="198503122009011007", name="Rahmat Hidayat"),
    Person(nip="199207152018012003", name="Sari Wulandari"),
)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=WIB)
SECRET = "whsec_Y29udG9oLWt1bmNpLXVudHVrLXVqaS1jb2JhIQ=="
EVENTS = {
    "/".join(one["data"][name] for name in ("kelompok", "peristiwa", "status")): one
    for one in json.loads(Path(__file__).with_name("fixtures").joinpath("events.json").read_text())[
        "events"
    ]
}


class TestSrikandiSuite(ConnectorSuite):
    connector = SrikandiConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        async with serve(create_app(PEOPLE, lambda: NOON)) as url:
            yield {**settings_of(url), "page_size": 2}


def connector_of(settings: Mapping[str, JSON], http: Http | None = None) -> SrikandiConnector:
    config = parse(SrikandiConnector.settings, settings)
    return SrikandiConnector(config, http or Http(addresses_of(config)))


@contextlib.asynccontextmanager
async def reading(app: web.Application, **settings: JSON) -> AsyncIterator[SrikandiConnector]:
    async with serve(app) as url:
        given = {**settings_of(url), **settings}
        async with Http([url]) as http:
            yield connector_of(given, http)


async def read_all(
    connector: SrikandiConnector, cursor: str | None
) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    while True:
        page = await connector.fetch(cursor)
        items, cursor = [*items, *page.items], page.next_cursor
        if not page.more:
            return items, cursor


@pytest.mark.parametrize("page_size", [1, 4, 100])
async def test_every_event_is_read_once_at_any_page_size(page_size: int) -> None:
    app = create_app(PEOPLE, lambda: NOON, backlog=5)

    async with reading(app, page_size=page_size) as connector:
        items, cursor = await read_all(connector, None)
        again, _ = await read_all(connector, cursor)

    assert [item.payload for item in items] == events_of(app)
    assert again == []


async def test_new_events_are_read_from_the_cursor_on() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))

    async with reading(app) as connector:
        _, cursor = await read_all(connector, None)
        now += timedelta(minutes=12)
        new, _ = await read_all(connector, cursor)

    assert [item.payload["time"] for item in new] == [  # type: ignore[index,call-overload]
        "2026-03-02T12:05:00+07:00",
        "2026-03-02T12:10:00+07:00",
    ]


async def test_wrong_token_is_an_authentication_failure() -> None:
    async with reading(create_app(PEOPLE), api_token="salah") as connector:
        with pytest.raises(AuthFailed):
            await connector.fetch(None)


async def test_fault_of_the_service_is_retryable() -> None:
    app = create_app(PEOPLE)

    async with reading(app) as connector:
        app[CONTROL].fail_next(503, retry_after="30")
        with pytest.raises(Retryable) as caught:
            await connector.fetch(None)
        await connector.fetch(None)

    assert caught.value.retry_after == timedelta(seconds=30)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"data": {}},
        {"data": "teks"},
        {"data": [], "next": 5},
        {"data": [], "next": None, "more": True},
        {"data": [], "next": "sama", "more": True},
    ],
)
async def test_page_of_another_shape_is_fatal_and_no_endless_loop(body: JSON) -> None:
    app = create_app(PEOPLE)

    async with reading(app) as connector:
        app[CONTROL].fail_next(200, body=json.dumps(body))
        with pytest.raises(Fatal, match=r"shape|not where"):
            await connector.fetch("sama")


async def test_installation_without_an_address_only_takes_webhooks() -> None:
    connector = connector_of({})

    with pytest.raises(Fatal, match="only takes webhooks"):
        await connector.fetch(None)
    event = EVENTS["disposisi/disposisi/belum dibaca"]
    assert connector.receive(Delivery(id="m", body=json.dumps(event)))[0].payload == event


def test_address_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="base_url"):
        connector_of({"base_url": "srikandi.example"})


def test_polled_and_pushed_event_have_the_same_name() -> None:
    connector = connector_of({})
    events = list(EVENTS.values())

    batch = connector.receive(Delivery(id="m", body=json.dumps(events)))
    singly = [connector.receive(Delivery(id="m", body=json.dumps(one)))[0] for one in events]

    assert list(batch) == singly
    assert batch[0].source_id == "/srikandi/instansi/pemprov-jabar/biro-organisasi#SRK-0001"


@pytest.mark.parametrize("body", ["", "5", '"teks"', "[" * 100_000])
def test_delivery_that_is_no_event_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        connector_of({}).receive(Delivery(id="m", body=body))


@pytest.mark.parametrize(
    ("key", "kind", "title"),
    [
        ("naskah_keluar/registrasi/konsep", "naskah-dikonsep", "Menyusun konsep"),
        ("naskah_keluar/registrasi/konsep diperbaiki", "naskah-diperbaiki", "Memperbaiki konsep"),
        ("naskah_keluar/verifikasi/diverifikasi", "naskah-diverifikasi", "Memverifikasi"),
        (
            "naskah_keluar/verifikasi/ditolak verifikator",
            "naskah-ditolak",
            "Memeriksa dan mengembalikan konsep",
        ),
        ("naskah_keluar/ttd_elektronik/ditandatangani", "naskah-ditandatangani", "Menandatangani"),
        ("naskah_keluar/kirim/terkirim", "naskah-dikirim", "Mengirim"),
        ("naskah_masuk/registrasi/teregistrasi", "naskah-diregistrasi", "Meregistrasi"),
        ("naskah_masuk/penyelesaian/selesai", "naskah-diselesaikan", "Menyelesaikan"),
        ("disposisi/disposisi/belum dibaca", "disposisi-dibuat", "Membuat"),
        (
            "disposisi/tindak_lanjut/sudah ditindaklanjuti",
            "disposisi-ditindaklanjuti",
            "Menindaklanjuti",
        ),
    ],
)
def test_event_that_is_work_becomes_an_activity(key: str, kind: str, title: str) -> None:
    connector, event = connector_of({}), EVENTS[key]

    (item,) = connector.receive(Delivery(id="m", body=json.dumps(event)))
    activity = connector.translate(item)

    assert activity.kind == kind
    assert activity.title.startswith(title)
    assert activity.title.endswith(event["data"]["hal"])
    assert activity.nip == event["data"]["nip_pelaku"]
    assert activity.occurred_at == datetime.fromisoformat(event["time"])
    assert activity.source_id == item.source_id


@pytest.mark.parametrize(
    "key",
    [
        "naskah_masuk/kirim/terkirim",
        "naskah_masuk/baca/dibaca",
        "disposisi/baca/dibaca",
        "disposisi/tindak_lanjut/belum ditindaklanjuti",
        "disposisi/batal/dibatalkan",
    ],
)
def test_event_that_is_no_work_is_skipped_with_a_reason(key: str) -> None:
    with pytest.raises(Skippable, match=" "):
        connector_of({}).translate(Item(source_id="x", payload=EVENTS[key]))


def test_every_kind_of_event_that_is_known_has_a_rule() -> None:
    rules = connector_of({}).config.assumptions.rules

    assert set(EVENTS) == set(rules)


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("specversion", "0.3", "specversion"),
        ("id", "", "no id"),
        ("source", 5, "no source"),
        ("type", "lain.naskah", "type must begin"),
        ("data", "teks", "data must be"),
        ("time", "07/03/2016 10:05", "RFC 3339"),
        ("time", "2016-03-07T10:05:00", "no time zone"),
        ("data.status", "status tidak dikenal", "unknown"),
        ("data.nip_pelaku", "1.97310072002042E+17", "nip"),
        ("data.nip_pelaku", "", "nip"),
        ("data.hal", "a\ud800", "surrogate"),
    ],
)
def test_event_that_cannot_be_read_is_malformed(path: str, value: JSON, told: str) -> None:
    event = json.loads(json.dumps(EVENTS["naskah_keluar/ttd_elektronik/ditandatangani"]))
    *outer, name = path.split(".")
    (event[outer[0]] if outer else event)[name] = value

    with pytest.raises(Malformed, match=told):
        connector_of({}).translate(Item(source_id="x", payload=event))


def test_formula_is_text_and_spaces_in_a_nip_are_dropped() -> None:
    event = json.loads(json.dumps(EVENTS["naskah_keluar/kirim/terkirim"]))
    event["data"] |= {"hal": '=HYPERLINK("x")', "nip_pelaku": " 19850312 200901 1 007"}

    activity = connector_of({}).translate(Item(source_id="x", payload=event))

    assert activity.title == 'Mengirim surat: =HYPERLINK("x")'
    assert activity.nip == "198503122009011007"


def test_agency_lets_a_disposition_count_for_its_receiver() -> None:
    key = "disposisi/disposisi/belum dibaca"
    rule: JSON = {"kind": "tugas", "person": "nip_penerima", "title": "Menerima: {hal}"}

    connector = connector_of({"assumptions": {"rules": {key: rule}}})
    activity = connector.translate(Item(source_id="x", payload=EVENTS[key]))

    assert activity.nip == EVENTS[key]["data"]["nip_penerima"]


class Receiver:
    """A host's webhook endpoint: verifies, and answers what the test says."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.taken: list[Any] = []
        self.calls = 0
        self.called = asyncio.Condition()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        event = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        async with self.called:
            status = self.statuses.pop(0) if self.statuses else 204
            self.calls += 1
            if status == 204:
                self.taken.append(event)
            self.called.notify_all()
        return web.Response(status=status)

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(60), self.called:
            await self.called.wait_for(lambda: self.calls >= calls)


async def test_new_events_are_pushed_signed_and_again_until_they_are_taken() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))
    receiver = Receiver(503)

    async with serve(receiver.app()) as url:
        task = asyncio.create_task(
            push(
                app,
                f"{url}/hook",
                SECRET,
                lambda: datetime.now(UTC),
                look=timedelta(milliseconds=10),
            )
        )
        await asyncio.sleep(0)  # it notes what was there before
        now += timedelta(minutes=12)
        await receiver.until(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert receiver.taken == events_of(app)[-2:]


async def test_push_ends_when_the_receiver_is_gone_for_good() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))
    receiver = Receiver(410)

    async with serve(receiver.app()) as url, asyncio.timeout(60):
        pushing = push(app, f"{url}/hook", SECRET, look=timedelta(milliseconds=10))
        task = asyncio.create_task(pushing)
        await asyncio.sleep(0)
        now += timedelta(minutes=12)
        await task

    assert receiver.calls == 1


async def test_fake_starts_from_the_command_line_pushes_and_tells_its_address(
    tmp_path: Path,
) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps([{"nip": one.nip, "name": one.name} for one in PEOPLE]))
    receiver = Receiver()
    async with serve(receiver.app()) as hook:
        options = ["--people", str(people), "--every", "0.2"]
        options += ["--webhook", f"{hook}/hook", "--secret", SECRET]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ekinerja_srikandi.fake", *options),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            words = (await process.stdout.readline()).decode().split()
            await receiver.until(2)
            async with Http([words[2]]) as http:
                page = await connector_of(settings_of(words[2]), http).fetch(None)
        finally:
            process.terminate()
            await process.wait()

    assert words[:2] == ["listening", "on"]
    polled = {item.payload["id"] for item in page.items}  # type: ignore[index,call-overload]
    assert {one["id"] for one in receiver.taken} <= polled
