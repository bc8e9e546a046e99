"""The SRIKANDI connector over a service of the tests' own: pages, webhooks, what events mean."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    Delivery,
    Fatal,
    Http,
    InvalidCursor,
    InvalidSettings,
    Item,
    Malformed,
    Retraction,
    Retryable,
    Skippable,
    Upload,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_srikandi import SrikandiConnector
from standardwebhooks import Webhook

from plugins.srikandi.tests.service import FIXTURES, SECRET, SOURCE, Service, events, signed

EVENTS: dict[str, Any] = {
    "/".join(one["data"][name] for name in ("kelompok", "peristiwa", "status")): one
    for one in json.loads((FIXTURES / "events.json").read_text())["events"]
}


class TestSrikandiSuite(ConnectorSuite):
    connector = SrikandiConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        service = Service(events())
        async with serve(service.app()) as url:
            nips: JSON = {"*": "198503122009011007"}
            settings = {**service.settings(url), "source": SOURCE, "unit_nips": nips}
            yield {**settings, "page_size": 7}

    def deliveries(self) -> Sequence[Delivery]:
        return [Delivery(id="msg_1", body=json.dumps(list(EVENTS.values())))]

    def uploads(self) -> Sequence[Upload]:
        names = ("srikandi_events.csv", "srikandi_naskah_keluar_real.csv")
        return [Upload(name=name, content=(FIXTURES / name).read_bytes()) for name in names]


def connector_of(settings: Mapping[str, JSON], http: Http | None = None) -> SrikandiConnector:
    config = parse(SrikandiConnector.settings, settings)
    return SrikandiConnector(config, http or Http(addresses_of(config)))


@contextlib.asynccontextmanager
async def reading(service: Service, **settings: JSON) -> AsyncIterator[SrikandiConnector]:
    async with serve(service.app()) as url, Http([url]) as http:
        yield connector_of({**service.settings(url), **settings}, http)


async def read_all(
    connector: SrikandiConnector, cursor: str | None
) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    while True:
        page = await connector.fetch(cursor)
        items, cursor = [*items, *page.items], page.next_cursor
        if not page.more:
            return items, cursor


@pytest.mark.parametrize("page_size", [1, 7, 58, 100])
async def test_every_event_is_read_once_at_any_page_size(page_size: int) -> None:
    async with reading(Service(events()), page_size=page_size) as connector:
        items, cursor = await read_all(connector, None)
        again, _ = await read_all(connector, cursor)

    assert [item.payload for item in items] == events()
    assert len({item.source_id for item in items}) == 58
    assert again == []


async def test_new_events_are_read_from_the_cursor_on() -> None:
    service = Service(events()[:40])

    async with reading(service) as connector:
        _, cursor = await read_all(connector, None)
        service.events = events()
        new, _ = await read_all(connector, cursor)

    assert [item.payload for item in new] == events()[40:]


async def test_cursor_that_the_service_refuses_is_told_as_invalid() -> None:
    async with reading(Service(events())) as connector:
        with pytest.raises(InvalidCursor, match="reset it"):
            await connector.fetch("bukan-penanda")


async def test_wrong_token_is_an_authentication_failure() -> None:
    async with reading(Service([]), api_token="salah") as connector:
        with pytest.raises(AuthFailed):
            await connector.fetch(None)


async def test_fault_of_the_service_is_retryable() -> None:
    service = Service(events())

    async with reading(service) as connector:
        service.next = [(503, "", {"Retry-After": "30"})]
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
    service = Service([])

    async with reading(service) as connector:
        service.next = [(200, json.dumps(body), {})]
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


async def test_signed_delivery_is_what_polling_gives() -> None:
    event = events()[4]
    body = json.dumps(event).encode()
    headers = signed(body, "msg_5", int(datetime.now(UTC).timestamp()))

    Webhook(SECRET).verify(body, headers)  # as the host does before it hands it on
    pushed = connector_of({}).receive(Delivery(id="msg_5", body=body.decode(), headers=headers))
    async with reading(Service([event])) as connector:
        polled = (await connector.fetch(None)).items

    assert tuple(pushed) == polled


def test_batch_and_single_events_have_the_same_names() -> None:
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

    assert isinstance(activity, Activity)
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

    assert isinstance(activity, Activity)
    assert activity.title == 'Mengirim surat: =HYPERLINK("x")'
    assert activity.nip == "198503122009011007"


def test_agency_lets_a_disposition_count_for_its_receiver() -> None:
    key = "disposisi/disposisi/belum dibaca"
    rule: JSON = {"kind": "tugas", "person": "nip_penerima", "title": "Menerima: {hal}"}

    connector = connector_of({"assumptions": {"rules": {key: rule}}})
    activity = connector.translate(Item(source_id="x", payload=EVENTS[key]))

    assert isinstance(activity, Activity)
    assert activity.nip == EVENTS[key]["data"]["nip_penerima"]


def received(connector: SrikandiConnector, event: JSON) -> Item:
    (item,) = connector.receive(Delivery(id="m", body=json.dumps(event)))
    return item


def changed(event: dict[str, Any], **data: JSON) -> dict[str, Any]:
    return {**event, "data": {**event["data"], **data}}


def by_id(number: int) -> dict[str, Any]:
    return next(one for one in events() if one["id"] == f"SRK-{number:04d}")


def test_cancelled_disposition_takes_back_the_one_to_the_same_receiver_only() -> None:
    connector = connector_of({})
    to_another, making, cancelling = (received(connector, by_id(one)) for one in (49, 50, 51))

    taken_back = connector.translate(cancelling)

    assert taken_back == Retraction(
        source_id=cancelling.source_id,
        retracts=making.source_id,
        at=datetime.fromisoformat("2016-05-23T10:20:00+07:00"),
        reason="the disposition was cancelled: Salah alamat",
    )
    assert isinstance(connector.translate(making), Activity)
    assert len({to_another.source_id, making.source_id, cancelling.source_id}) == 3


def test_withdrawn_letter_takes_back_its_sending() -> None:
    connector = connector_of({})
    sending = EVENTS["naskah_keluar/kirim/terkirim"]
    withdrawing = EVENTS["naskah_keluar/kirim/ditarik"]

    taken_back = connector.translate(received(connector, withdrawing))

    assert isinstance(taken_back, Retraction)
    assert taken_back.retracts == received(connector, sending).source_id


def test_signing_of_a_letter_that_is_withdrawn_stays() -> None:
    connector = connector_of({})
    signing = received(connector, EVENTS["naskah_keluar/ttd_elektronik/ditandatangani"])
    taken_back = connector.translate(received(connector, EVENTS["naskah_keluar/kirim/ditarik"]))

    assert isinstance(taken_back, Retraction)
    assert taken_back.retracts != signing.source_id


def test_agency_whose_cancellations_name_the_event_takes_back_by_that_name() -> None:
    made, cancelled = "disposisi/disposisi/belum dibaca", "disposisi/batal/dibatalkan"
    rules: JSON = {made: {"kind": "x", "title": "{hal}"}, cancelled: {"retracts": made}}
    connector = connector_of({"assumptions": {"rules": rules}})
    making, cancelling = by_id(50), by_id(51)

    taken_back = connector.translate(
        received(connector, changed(cancelling, membatalkan=making["id"]))
    )

    assert isinstance(taken_back, Retraction)
    assert taken_back.retracts == received(connector, making).source_id
    with pytest.raises(Malformed, match="does not tell which"):
        connector.translate(received(connector, cancelling))


def test_cancellation_that_names_no_letter_is_malformed() -> None:
    connector = connector_of({})

    with pytest.raises(Malformed, match="does not tell which"):
        connector.translate(received(connector, changed(by_id(51), naskah_id="")))


def test_rule_that_takes_back_what_is_no_rule_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="which is no rule"):
        connector_of({"assumptions": {"rules": {"a/b/c": {"retracts": "a/b/d"}}}})


def test_names_that_would_be_too_long_stay_apart_and_within_200_characters() -> None:
    connector, sending = connector_of({}), EVENTS["naskah_keluar/kirim/terkirim"]

    first = received(connector, changed(sending, tujuan="Dinas " * 60 + "A"))
    second = received(connector, changed(sending, tujuan="Dinas " * 60 + "B"))

    assert first.source_id != second.source_id
    assert max(len(first.source_id), len(second.source_id)) <= 200
