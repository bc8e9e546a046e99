"""The SIASN connector against its fake: tokens, envelopes, paging, translation."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    Fatal,
    Http,
    Item,
    Malformed,
    Response,
    Retryable,
    Skippable,
)
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import CONTROL, WIB, Person, serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_siasn import SiasnConnector
from ekinerja_siasn.envelope import date_of, rows_of
from ekinerja_siasn.fake import ISSUED, create_app, settings_of

PEOPLE = (
    Person(nip="198503122009011007", name="Rahmat Hidayat"),
    Person(nip="199207152018012003", name="Sari Wulandari"),
)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=WIB)

# Shapes that public clients of SIASN show (ws-siasn-php, laravel-siasn-simpeg, siasn-client);
# the field names of a disposition are our assumption, its values invented.
ROW: dict[str, JSON] = {
    "id": "52BBC55445E97DD1DEE5A37E0927ED0B",
    "nomorSurat": "B-012/KP.02/2026",
    "tanggalSurat": "27-02-2026",
    "perihal": "Usulan kenaikan pangkat",
    "instruksi": "Mohon diproses",
    "status": "sudah ditindaklanjuti",
    "nipPembuat": PEOPLE[0].nip,
    "nipPenerima": PEOPLE[1].nip,
    "waktu": "2026-03-02 10:15:30",
}
SETTINGS = settings_of("http://127.0.0.1:9")


class TestSiasnSuite(ConnectorSuite):
    connector = SiasnConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        async with serve(create_app(PEOPLE, lambda: NOON)) as url:
            yield {**settings_of(url), "page_size": 2}


@contextlib.asynccontextmanager
async def reading(app: web.Application, **settings: JSON) -> AsyncIterator[SiasnConnector]:
    async with serve(app) as url:
        config = parse(SiasnConnector.settings, {**settings_of(url), **settings})
        async with Http(addresses_of(config)) as http:
            yield SiasnConnector(config, http)


def offline(**settings: JSON) -> SiasnConnector:
    config = parse(SiasnConnector.settings, {**SETTINGS, **settings})
    return SiasnConnector(config, Http(addresses_of(config)))


async def read_all(connector: SiasnConnector, cursor: str | None) -> tuple[list[Item], str | None]:
    items: list[Item] = []
    while True:
        page = await connector.fetch(cursor)
        items, cursor = [*items, *page.items], page.next_cursor
        if not page.more:
            return items, cursor


def response(status: int, body: Any) -> Response:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status=status, headers={}, body=text, url="http://siasn.example/x")


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
async def test_every_row_is_read_at_any_page_size(page_size: int) -> None:
    app = create_app(PEOPLE, lambda: NOON, backlog=5)

    async with reading(app, page_size=page_size) as connector:
        items, _ = await read_all(connector, None)

    assert len({item.source_id for item in items}) == 10


@pytest.mark.parametrize("page_size", [1, 3, 4])
async def test_rows_that_share_one_instant_are_all_read(page_size: int) -> None:
    midnight = NOON.replace(hour=0)  # the backlog has no time to spread over
    app = create_app(PEOPLE, lambda: midnight, backlog=4)

    async with reading(app, page_size=page_size) as connector:
        items, _ = await read_all(connector, None)

    assert {item.payload["waktu"] for item in items} == {"2026-03-02 00:00:00"}  # type: ignore
    assert len({item.source_id for item in items}) == 8


async def test_new_work_is_read_from_the_cursor_on() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))

    async with reading(app) as connector:
        before, cursor = await read_all(connector, None)
        now += timedelta(minutes=12)
        after, _ = await read_all(connector, cursor)

    new = {one.source_id for one in after} - {one.source_id for one in before}
    assert len(before) == 6
    assert len(new) == 2  # at 12.05 and 12.10


async def test_first_day_leaves_out_what_is_older() -> None:
    async with reading(create_app(PEOPLE, lambda: NOON), first_day="2026-03-03") as connector:
        items, cursor = await read_all(connector, None)
        again, _ = await read_all(connector, cursor)

    assert (items, again) == ([], [])


async def test_tokens_are_kept_and_renewed_both_after_a_401() -> None:
    app = create_app(PEOPLE, lambda: NOON)

    async with reading(app) as connector:
        await connector.fetch(None)
        await connector.fetch(None)
        kept = app[ISSUED].count
        app[ISSUED].revoke_all()
        page = await connector.fetch(None)

    assert kept == 2
    assert app[ISSUED].count == 4
    assert len(page.items) == 6


async def test_expired_tokens_are_renewed_before_they_are_used() -> None:
    app = create_app(PEOPLE, lambda: NOON)
    seconds = 1_000.0

    async with reading(app) as connector:
        connector._session._clock = lambda: seconds
        await connector.fetch(None)
        seconds += 3_571  # the gateway's lives 3,600 s, less a margin of 30
        await connector.fetch(None)

    assert app[ISSUED].count == 3


@pytest.mark.parametrize("wrong", ["consumer_secret", "sso_password"])
async def test_wrong_credentials_are_an_authentication_failure(wrong: str) -> None:
    async with reading(create_app(PEOPLE), **{wrong: "salah"}) as connector:
        with pytest.raises(AuthFailed, match="credentials"):
            await connector.fetch(None)


async def test_fresh_tokens_that_are_refused_are_an_authentication_failure() -> None:
    app = create_app(PEOPLE)
    ageless = app[ISSUED]
    ageless.holds = lambda kind, token: False  # type: ignore[method-assign]

    async with reading(app) as connector:
        with pytest.raises(AuthFailed, match="fresh tokens"):
            await connector.fetch(None)

    assert ageless.count == 6  # three attempts, two tokens each


async def test_fault_of_the_service_is_retryable_and_the_next_read_is_whole() -> None:
    app = create_app(PEOPLE, lambda: NOON)

    async with reading(app) as connector:
        app[CONTROL].fail_next(429, retry_after="11")
        with pytest.raises(Retryable) as caught:
            await connector.fetch(None)
        items, _ = await read_all(connector, None)

    assert caught.value.retry_after == timedelta(seconds=11)
    assert len(items) == 6


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"code": 0, "data": "gagal"}, Retryable),
        (200, {"Error": True, "Message": "Terjadi kesalahan"}, Retryable),
        (200, b"<html>", Retryable),
        (200, [], Fatal),
        (200, {"code": 1, "data": "teks"}, Fatal),
        (200, {"code": 1}, Fatal),
        (404, b"", Fatal),
        (404, {"message": "no Route matched"}, Fatal),
        (403, {}, AuthFailed),
    ],
)
def test_envelope_that_is_no_list_has_its_error(
    status: int, body: Any, expected: type[Exception]
) -> None:
    with pytest.raises(expected):
        rows_of(response(status, body))


@pytest.mark.parametrize("code", [1, "1"])
def test_envelope_is_read_with_its_code_as_number_or_text(code: object) -> None:
    assert rows_of(response(200, {"code": code, "data": [1, 2], "count": 2})) == [1, 2]


def test_not_found_in_siasns_own_envelope_is_an_empty_list() -> None:
    assert rows_of(response(404, {"code": 0, "data": "Data tidak ditemukan"})) == ()


def test_date_is_day_first() -> None:
    assert date_of("03-02-2026") == date(2026, 2, 3)


def translate(change: Mapping[str, JSON], **settings: JSON) -> Activity:
    item = Item(source_id="disposisi:x", payload={**ROW, **change})
    return offline(**settings).translate(item)


def test_followed_up_disposition_is_work_of_its_receiver() -> None:
    assert translate({}) == Activity(
        source_id="disposisi:x",
        nip=PEOPLE[1].nip,
        kind="disposisi-ditindaklanjuti",
        title="Menindaklanjuti disposisi: Usulan kenaikan pangkat",
        # 10.15.30 WIB is 03.15.30 UTC
        occurred_at=datetime(2026, 3, 2, 3, 15, 30, tzinfo=UTC),
        description="Surat B-012/KP.02/2026 tanggal 27-02-2026. Instruksi: Mohon diproses",
        category="disposisi",
    )


def test_disposition_that_was_made_is_work_of_its_maker() -> None:
    activity = translate({"status": "Belum Dibaca"})

    assert (activity.nip, activity.kind) == (PEOPLE[0].nip, "disposisi-dibuat")
    assert activity.title == "Membuat disposisi: Usulan kenaikan pangkat"


@pytest.mark.parametrize("state", ["dibaca", "belum ditindaklanjuti", "dibatalkan"])
def test_state_that_is_no_work_is_skipped_with_a_reason(state: str) -> None:
    with pytest.raises(Skippable, match="disposition"):
        translate({"status": state})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "entah"}, "unknown"),
        ({"waktu": "02-03-2026"}, "waktu"),
        ({"waktu": None}, "waktu"),
        ({"nipPenerima": "1.97310072002042E+17"}, "nip"),
        ({"nipPenerima": None}, "nip"),
        ({"tanggalSurat": "2026-02-27"}, "DD-MM-YYYY"),
        ({"perihal": "a\x00"}, "NUL"),
    ],
)
def test_row_that_cannot_be_read_is_malformed(change: Mapping[str, JSON], told: str) -> None:
    with pytest.raises(Malformed, match=told):
        translate(change)


def test_nip_with_spaces_and_a_long_subject_are_taken() -> None:
    activity = translate({"nipPenerima": "19920715 201801 2 003", "perihal": "a" * 900})

    assert activity.nip == PEOPLE[1].nip
    assert len(activity.title) == 500


def test_agency_changes_what_a_state_means() -> None:
    rule: JSON = {"kind": "baca", "person": "nipPenerima", "title": "Membaca {perihal}"}

    activity = translate(
        {"status": "dibaca"}, assumptions={"rules": {"dibaca": rule}, "utc_offset_hours": 9}
    )

    assert activity.title == "Membaca Usulan kenaikan pangkat"
    assert activity.occurred_at == datetime(2026, 3, 2, 1, 15, 30, tzinfo=UTC)


async def test_row_without_a_name_is_kept_for_the_dead_letters_and_stops_no_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows: list[JSON] = [{"perihal": "tanpa id"}, "teks", ROW]
    monkeypatch.setattr("ekinerja_siasn.connector.rows_of", lambda response: rows)

    async with reading(create_app(PEOPLE)) as connector:
        first, again = await connector.fetch(None), await connector.fetch(None)

    assert len({item.source_id for item in first.items}) == 3
    assert first.items == again.items
    for item in first.items[:2]:
        with pytest.raises(Malformed):
            connector.translate(item)


def test_same_seed_and_clock_give_the_same_day() -> None:
    same: Callable[[int], JSON] = lambda seed: [  # noqa: E731
        (one.at.isoformat(), one.subject)
        for one in workday_of(create_app(PEOPLE, lambda: NOON, seed=seed)).moments()
    ]

    assert same(1) == same(1)
    assert same(1) != same(2)


def workday_of(app: web.Application) -> Any:
    from ekinerja_siasn.fake import _WORKDAY

    return app[_WORKDAY]


def test_titles_of_a_person_are_what_that_persons_work_is_about() -> None:
    app = create_app(PEOPLE, lambda: NOON, titles={PEOPLE[0].nip: ["Sensus Ekonomi"]})

    subjects = {one.subject for one in workday_of(app).moments() if one.person == PEOPLE[0]}

    assert subjects == {"Sensus Ekonomi"}


def test_work_of_today_lies_in_office_hours_up_to_now() -> None:
    moments = workday_of(create_app(PEOPLE, lambda: NOON, backlog=20)).moments()

    assert len(moments) == 40
    assert all(NOON.replace(hour=7, minute=30) <= one.at <= NOON for one in moments)
    assert [one.at for one in moments] == sorted(one.at for one in moments)


async def test_fake_starts_from_the_command_line_and_tells_its_address(tmp_path: Any) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps([{"nip": one.nip, "name": one.name} for one in PEOPLE]))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ekinerja_siasn.fake", "--people", str(people), "--every", "5"),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        words = (await process.stdout.readline()).decode().split()
        assert words[:2] == ["listening", "on"]
        config = parse(SiasnConnector.settings, settings_of(words[2]))
        async with Http(addresses_of(config)) as http:
            page = await SiasnConnector(config, http).fetch(None)
    finally:
        process.terminate()
        await process.wait()

    assert len(page.items) >= 6
