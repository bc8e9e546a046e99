"""The SIASN connector over a service of the tests' own: tokens, paging, what a state means."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime

import pytest
from ekinerja_connectors import (
    JSON,
    Activity,
    AuthFailed,
    InvalidCursor,
    InvalidSettings,
    Item,
    Malformed,
    Result,
    Retraction,
    Retryable,
    Skippable,
)
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_siasn import SiasnConnector
from ekinerja_siasn.settings import Settings

from plugins.siasn.tests.reading import (
    MAKER,
    MONTH,
    RECEIVER,
    YEAR,
    offline,
    read_all,
    reading,
    result_of,
    row,
)
from plugins.siasn.tests.service import Service, sample


class TestSiasnSuite(ConnectorSuite):
    connector = SiasnConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        self.running = Service()
        self.running.rows = [row(number) for number in range(5)]
        self.running.rows[4]["status"] = "belum dibaca"
        nips = list(self.running.people)
        async with serve(self.running.app()) as url:
            yield {**self.running.settings(url), "page_size": 2, "nips": nips}

    def results(self) -> Sequence[Result]:
        return [result_of(), result_of(id="hasil-2", **MONTH), result_of(id="hasil-3", **YEAR)]

    def take_back(self) -> None:
        self.running.rows[4] |= {"status": "dibatalkan", "waktu": "2026-03-02 09:00:00"}


@pytest.mark.parametrize("page_size", [1, 2, 3, 100])
async def test_every_row_is_read_at_any_page_size(page_size: int) -> None:
    service = Service()
    service.rows = [row(number) for number in range(10)]

    async with reading(service, page_size=page_size) as connector:
        items, _ = await read_all(connector, None)

    assert len({item.source_id for item in items}) == 10


@pytest.mark.parametrize("page_size", [1, 3, 4])
async def test_rows_that_share_one_instant_are_all_read(page_size: int) -> None:
    service = Service()
    service.rows = [row(number, waktu="2026-03-02 00:00:00") for number in range(8)]

    async with reading(service, page_size=page_size) as connector:
        items, _ = await read_all(connector, None)

    assert len({item.source_id for item in items}) == 8


async def test_new_work_is_read_from_the_cursor_on() -> None:
    service = Service()
    service.rows = [row(number) for number in range(6)]

    async with reading(service) as connector:
        before, cursor = await read_all(connector, None)
        service.rows += [row(10), row(11)]
        after, _ = await read_all(connector, cursor)

    new = {one.source_id for one in after} - {one.source_id for one in before}
    assert (len(before), len(new)) == (6, 2)
    assert len(after) <= 4  # the overlap of a minute, and what is new


@pytest.mark.parametrize("day", ["kemarin", "2026-02-30", "20260303", "2026-03-03 08:00"])
def test_first_day_that_is_no_day_is_refused_when_it_is_set(day: str) -> None:
    with pytest.raises(ValueError, match="first_day must be a day"):
        Settings(consumer_key="kunci", consumer_secret="rahasia", sso_token="a.b.c", first_day=day)


async def test_first_day_leaves_out_what_is_older() -> None:
    service = Service()
    service.rows = [row(1)]

    async with reading(service, first_day="2026-03-03") as connector:
        items, cursor = await read_all(connector, None)
        again, _ = await read_all(connector, cursor)

    assert (items, again) == ([], [])


@pytest.mark.parametrize("cursor", ["teks", "[]", '{"since": 5}', '{"since": "", "offset": "1"}'])
async def test_cursor_that_is_none_of_ours_is_told_as_invalid(cursor: str) -> None:
    async with reading(Service()) as connector:
        with pytest.raises(InvalidCursor, match="reset"):
            await connector.fetch(cursor)


# APIM lives 3,600 s and SSO 43,200 s; each is renewed 30 s before its end, alone.
@pytest.mark.parametrize(
    ("later", "apim", "sso"),
    [(3_569, 1, 1), (3_571, 2, 1), (43_169, 2, 1), (43_171, 2, 2)],
)
async def test_each_token_is_renewed_before_its_own_end(later: float, apim: int, sso: int) -> None:
    now = 1_000.0
    service = Service(lambda: now)

    async with reading(service) as connector:
        connector._session._clock = lambda: now
        await connector.fetch(None)
        now += later
        await connector.fetch(None)

    assert (service.calls["/oauth2/token"], service.calls["/sso/token"]) == (apim, sso)
    assert service.calls["/api/kinerja/disposisi"] == 2  # without a 401 in between


@pytest.mark.parametrize("revoked", ["apim", "sso"])
async def test_401_drops_both_tokens_and_the_call_is_made_anew(revoked: str) -> None:
    service = Service()
    service.rows = [row(1)]

    async with reading(service) as connector:
        await connector.fetch(None)
        del service.tokens[revoked]
        page = await connector.fetch(None)

    assert len(page.items) == 1
    assert (service.calls["/oauth2/token"], service.calls["/sso/token"]) == (2, 2)


async def test_third_attempt_may_succeed_and_a_fourth_is_not_made() -> None:
    service = Service()
    refusal = ("/kinerja/disposisi", 401, sample("unauthorized_401_apim"))

    async with reading(service) as connector:
        service.next = [refusal] * 2
        await connector.fetch(None)
        service.next = [refusal] * 3
        service.calls.clear()
        with pytest.raises(AuthFailed, match="fresh tokens"):
            await connector.fetch(None)

    assert service.calls["/api/kinerja/disposisi"] == 3


@pytest.mark.parametrize("wrong", ["consumer_secret", "sso_password"])
async def test_wrong_credentials_are_an_authentication_failure(wrong: str) -> None:
    async with reading(Service(), **{wrong: "salah"}) as connector:
        with pytest.raises(AuthFailed, match="credentials"):
            await connector.fetch(None)


PASTED: dict[str, JSON] = {"sso_client_id": "", "sso_username": "", "sso_password": ""}


async def test_pasted_sso_token_is_used_instead_of_user_and_password() -> None:
    service = Service()
    pasted = service.give("sso")["access_token"]

    async with reading(service, **PASTED, sso_token=pasted) as connector:
        await connector.fetch(None)

    assert service.calls["/sso/token"] == 0


async def test_pasted_sso_token_that_ended_asks_for_another() -> None:
    async with reading(Service(), **PASTED, sso_token="lama") as connector:
        with pytest.raises(AuthFailed, match="paste another"):
            await connector.fetch(None)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (PASTED, "sso_token"),
        ({"sso_username": ""}, "needed"),
        ({"sso_token": "x"}, "give sso_token, or"),
        ({"nips": ["19850312200901100"]}, r"nips\[0\]"),
        ({"page_size": 0}, "page_size"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(change: dict[str, JSON], told: str) -> None:
    with pytest.raises(InvalidSettings, match=told):
        offline(**change)


async def test_empty_503_is_retryable_and_the_next_read_is_whole() -> None:
    service = Service()
    service.rows = [row(number) for number in range(3)]

    async with reading(service) as connector:
        service.next = [("disposisi", 503, sample("service_unavailable_503_empty"))]
        with pytest.raises(Retryable, match="503"):
            await connector.fetch(None)
        items, _ = await read_all(connector, None)

    assert len(items) == 3


def translate(change: Mapping[str, JSON], **settings: JSON) -> Activity | Retraction:
    return offline(**settings).translate(
        Item(source_id="disposisi:x", payload=row(615, **{"waktu": "2026-03-02 10:15:30"}) | change)
    )


def activity(change: Mapping[str, JSON], **settings: JSON) -> Activity:
    found = translate(change, **settings)
    assert isinstance(found, Activity)
    return found


def test_followed_up_disposition_is_work_of_its_receiver() -> None:
    assert translate({}) == Activity(
        source_id="disposisi:x",
        nip=RECEIVER,
        kind="disposisi-ditindaklanjuti",
        title="Menindaklanjuti disposisi: Usulan kenaikan pangkat",
        # 10.15.30 WIB is 03.15.30 UTC
        occurred_at=datetime(2026, 3, 2, 3, 15, 30, tzinfo=UTC),
        description="Surat B-615/KP.02/2026 tanggal 27-02-2026. Instruksi: Mohon diproses",
        category="disposisi",
    )


def test_disposition_that_was_made_is_work_of_its_maker() -> None:
    found = activity({"status": "Belum Dibaca"})

    assert (found.nip, found.kind) == (MAKER, "disposisi-dibuat")
    assert found.title == "Membuat disposisi: Usulan kenaikan pangkat"


@pytest.mark.parametrize("state", ["dibaca", "belum ditindaklanjuti"])
def test_state_that_is_no_work_is_skipped_with_a_reason(state: str) -> None:
    with pytest.raises(Skippable, match="disposition"):
        translate({"status": state})


async def test_cancelled_disposition_takes_back_its_making_by_name() -> None:
    service = Service()
    made = row(1, status="Belum Dibaca")

    async with reading(service) as connector:
        service.rows = [made]
        (making,), cursor = await read_all(connector, None)
        service.rows = [{**made, "status": "Dibatalkan", "waktu": "2026-03-02 09:00:00"}]
        (cancelling,), _ = await read_all(connector, cursor)
        taken_back = connector.translate(cancelling)

    assert taken_back == Retraction(
        source_id=cancelling.source_id,
        retracts=making.source_id,
        at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        reason="the disposition was cancelled",
    )
    assert cancelling.source_id != making.source_id


def test_cancelled_disposition_without_an_id_is_malformed() -> None:
    with pytest.raises(Malformed, match="no id"):
        translate({"status": "dibatalkan", "id": None})


def test_rule_states_work_or_takes_it_back_not_both() -> None:
    rule: JSON = {"kind": "x", "person": "nipPembuat", "title": "x", "retracts": "belum dibaca"}

    with pytest.raises(InvalidSettings, match="takes one back"):
        offline(assumptions={"rules": {"dibatalkan": rule}})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "entah"}, "unknown"),
        ({"waktu": "02-03-2026"}, "waktu"),
        ({"waktu": None}, "waktu"),
        ({"nipPenerima": "1.97310072002042E+17"}, "nip"),
        ({"nipPenerima": None}, "nip"),
        ({"tanggalSurat": "27 Februari 2026"}, "DD-MM-YYYY"),
        ({"perihal": "a\x00"}, "NUL"),
    ],
)
def test_row_that_cannot_be_read_is_malformed(change: Mapping[str, JSON], told: str) -> None:
    with pytest.raises(Malformed, match=told):
        translate(change)


def test_nip_with_spaces_and_a_long_subject_are_taken() -> None:
    found = activity({"nipPenerima": "19920715 201801 2 003", "perihal": "a" * 900})

    assert found.nip == RECEIVER
    assert len(found.title) == 500


def test_agency_changes_what_a_state_means() -> None:
    rule: JSON = {"kind": "baca", "person": "nipPenerima", "title": "Membaca {perihal}"}

    found = activity(
        {"status": "dibaca"}, assumptions={"rules": {"dibaca": rule}, "utc_offset_hours": 9}
    )

    assert found.title == "Membaca Usulan kenaikan pangkat"
    assert found.occurred_at == datetime(2026, 3, 2, 1, 15, 30, tzinfo=UTC)


async def test_row_without_a_name_is_kept_for_the_dead_letters_and_stops_no_page() -> None:
    service = Service()
    answer = {"code": 1, "data": [{"perihal": "tanpa id"}, "teks", row(1)]}

    async with reading(service) as connector:
        service.next = [("disposisi", 200, answer)] * 2
        first, again = await connector.fetch(None), await connector.fetch(None)

    assert len({item.source_id for item in first.items}) == 3
    assert first.items == again.items
    for item in first.items[:2]:
        with pytest.raises(Malformed):
            connector.translate(item)
