"""Notices of the SDK: what a Notice refuses, what an answer must say, how they travel."""

import asyncio
import dataclasses
import json
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from ekinerja_connectors import (
    AuthFailed,
    Delivered,
    DeliveryState,
    Fatal,
    Http,
    InvalidSettings,
    Malformed,
    Notice,
    Recipient,
    Retryable,
    address,
    in_turn,
    wire,
)
from ekinerja_connectors.egress import Egress
from ekinerja_connectors.notices import MOST_KNOWN, Arrivals, checked_answers
from ekinerja_connectors.settings import parse, schema_of

SOUND: dict[str, Any] = {
    "id": "0190f5e2-0000-7000-8000-000000000001",
    "kind": "digest",
    "to": Recipient(name="Siti Aminah", nip="199001012015011001", address="siti@contoh.example"),
    "subject": "Tim Anda hari ini – 3 orang belum mengisi",
    "body": "Yth. Siti Aminah,\n\ntiga orang belum mengisi.",
    "day": date(2026, 3, 2),
    "facts": {"notFilled": 3, "people": ["A"], "rate": 0.5},
}


def notice(number: int = 1) -> Notice:
    return Notice(**{**SOUND, "id": f"n-{number}"})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("id", "", "blank"),
        ("id", "a\r\nb", "one line"),
        ("kind", "DIGEST", "slug"),
        ("kind", None, "slug"),
        ("subject", "Hai\r\nBcc: semua@contoh.example", "one line"),
        ("subject", "Hai\u2028Bcc: x", "one line"),
        ("subject", "a" * 201, "at most 200"),
        ("body", " ", "blank"),
        ("body", "a\x00", "NUL"),
        ("body", "a" * 20_001, "at most 20000"),
        ("day", datetime(2026, 3, 2, 9), "a date"),  # noqa: DTZ001
        ("to", "siti@contoh.example", "a Recipient"),
        ("facts", [1], "an object"),
    ],
)
def test_notice_that_no_channel_can_carry_is_malformed(name: str, value: Any, told: str) -> None:
    with pytest.raises(Malformed, match=told):
        Notice(**{**SOUND, name: value})


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("name", "Siti\nBcc: x@contoh.example", "one line"),
        ("nip", "1990", "18 digits"),
        ("address", "siti@contoh.example\r\nRCPT TO:<x@contoh.example>", "one line"),
        ("address", "siti @contoh.example", "no space"),
        ("address", "a" * 255, "at most 254"),
    ],
)
def test_recipient_that_would_be_more_than_one_is_malformed(
    name: str, value: str, told: str
) -> None:
    given = {"name": "Siti", "nip": "199001012015011001", "address": None, name: value}

    with pytest.raises(Malformed, match=told):
        Recipient(**given)


def test_answer_other_than_a_delivery_says_why() -> None:
    with pytest.raises(Malformed, match="without a reason"):
        Delivered(id="n-1", state=DeliveryState.REFUSED)
    with pytest.raises(Malformed, match="goes with retry only"):
        Delivered(id="n-1", state=DeliveryState.DELIVERED, retry_after=timedelta(1))
    with pytest.raises(Malformed, match="DeliveryState"):
        Delivered(id="n-1", state="delivered")  # type: ignore[arg-type]

    assert Delivered.refused(notice(), "\ud800 dua\r\nbaris" + "x" * 900).detail is not None
    assert Delivered.retry(notice(), "", timedelta(days=9)).retry_after == timedelta(days=1)


def test_notices_and_answers_travel_whole() -> None:
    answers = (
        Delivered.arrived(notice(1)),
        Delivered.retry(notice(2), "nanti", timedelta(seconds=90)),
        Delivered.refused(notice(3), "tidak dikenal"),
    )
    given = (Notice(**SOUND), dataclasses.replace(notice(2), to=Recipient(name="A", nip="1" * 18)))

    def sent(value: Any) -> Any:
        return json.loads(wire.encode_line({"it": value}))["it"]

    assert wire.decode_notices(sent(wire.encode_notices(given))) == given
    assert wire.decode_delivered(sent(wire.encode_delivered(answers))) == answers


@pytest.mark.parametrize(
    "value",
    [
        None,
        5,
        [5],
        [{"id": "n-1"}],
        [{"id": "n-1", "state": "lost", "detail": "?", "retry_after_seconds": None}],
        [{"id": "n-1", "state": "retry", "detail": None, "retry_after_seconds": None}],
        [{"id": "n-1", "state": "retry", "detail": "x", "retry_after_seconds": "9"}],
        [{"id": 5, "state": "delivered", "detail": None, "retry_after_seconds": None}],
    ],
)
def test_what_is_no_answer_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        wire.decode_delivered(value)


def test_answers_belong_to_the_notices_one_each() -> None:
    first, second = notice(1), notice(2)

    found = checked_answers([first, second], [Delivered.arrived(second), Delivered.arrived(first)])

    assert [one.id for one in found] == ["n-1", "n-2"]
    for answers, told in (
        ([first], "no answer: n-2"),
        ([first, first, second], "two answers"),
        ([first, second, notice(3)], "nobody gave"),
    ):
        with pytest.raises(Malformed, match=told):
            checked_answers([first, second], [Delivered.arrived(one) for one in answers])


async def test_pause_of_the_service_is_for_all_that_were_not_asked_yet() -> None:
    asked: list[str] = []

    async def carry(one: Notice) -> Delivered:
        asked.append(one.id)
        if one.id == "n-2":
            raise Retryable("penuh", timedelta(seconds=30))
        return Delivered.arrived(one)

    found = await in_turn([notice(1), notice(2), notice(3)], carry)

    assert asked == ["n-1", "n-2"]
    assert [str(one.state) for one in found] == ["delivered", "retry", "retry"]
    assert {one.retry_after for one in found[1:]} == {timedelta(seconds=30)}


async def test_fatal_is_raised_while_nothing_arrived_and_a_retry_after_that() -> None:
    async def carry(one: Notice) -> Delivered:
        if one.id == "n-2":
            raise AuthFailed("kata sandi salah")
        return Delivered.arrived(one)

    found = await in_turn([notice(1), notice(2)], carry)

    assert [(str(one.state), one.detail) for one in found] == [
        ("delivered", None),
        ("retry", "kata sandi salah"),
    ]
    with pytest.raises(AuthFailed):
        await in_turn([notice(2), notice(1)], carry)


async def test_notice_that_the_service_stumbles_over_holds_up_no_others() -> None:
    asked: list[str] = []

    async def carry(one: Notice) -> Delivered:
        asked.append(one.id)
        if one.id in ("n-1", "n-3", "n-4"):
            raise Retryable("500")
        return Delivered.arrived(one)

    found = await in_turn([notice(n) for n in (1, 2, 3, 4, 5)], carry)

    assert asked == ["n-1", "n-2", "n-3", "n-4"]  # two in a row: the service itself is away
    assert [str(one.state) for one in found] == ["retry", "delivered", "retry", "retry", "retry"]
    with pytest.raises(Retryable, match="500"):
        await in_turn([notice(1), notice(3), notice(5)], carry)


async def test_what_is_not_done_in_time_is_a_retry() -> None:
    async def carry(one: Notice) -> Delivered:
        if one.id != "n-1":
            await asyncio.Event().wait()
        return Delivered.arrived(one)

    found = await in_turn([notice(n) for n in (1, 2, 3)], carry, within=timedelta(seconds=0.05))

    assert [str(one.state) for one in found] == ["delivered", "retry", "retry"]
    assert "too slow" in str(found[2].detail)


def test_process_remembers_what_arrived_and_forgets_the_oldest() -> None:
    known = Arrivals()
    known.noted([Delivered.arrived(notice(1)), Delivered.retry(notice(2), "nanti")])

    waiting, answers = known.parted([notice(1), notice(2)])

    assert [one.id for one in waiting] == ["n-2"]
    assert answers == [Delivered.arrived(notice(1))]
    known.noted([Delivered.arrived(notice(n)) for n in range(2, MOST_KNOWN + 2)])
    assert [one.id for one in known.parted([notice(1), notice(2)])[0]] == ["n-1"]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mailing:
    server: str = address(schemes=("smtp",))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("https://surat.contoh.example", "begins with smtp://"),
        ("surat.contoh.example:25", "begins with smtp://"),
        ("smtp://surat.contoh.example", "must name its port, as in smtp://host.example:25"),
        ("smtp://surat.contoh.example:0", "begins with smtp://"),
        ("smtp://aku:sandi@surat.contoh.example:25", "must not carry a user"),
    ],
)
def test_address_of_another_scheme_is_of_that_scheme_and_names_its_port(
    value: str, told: str
) -> None:
    with pytest.raises(InvalidSettings, match=told):
        parse(Mailing, {"server": value})

    assert parse(Mailing, {"server": "smtp://surat.contoh.example:25"})
    assert schema_of(Mailing)["properties"] == {"server": {"type": "string", "format": "uri"}}


async def test_connection_is_judged_as_a_request_is() -> None:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"halo")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    url, elsewhere = f"smtp://127.0.0.1:{port}", f"smtp://127.0.0.1:{port + 1}"
    async with server, Http([url]) as http, Http([url], egress=Egress()) as strict:
        reader, writer = await asyncio.open_connection(sock=await http.connect(url))
        assert await reader.read() == b"halo"
        writer.close()
        with pytest.raises(Fatal, match="not among the addresses"):
            await http.connect(elsewhere)
        with pytest.raises(Fatal, match="EKINERJA_EGRESS_ALLOW"):
            await strict.connect(url)
        with pytest.raises(Fatal, match="not reached by HTTP"):
            await http.get(url)
    async with Http([url]) as late:
        with pytest.raises(Retryable, match="cannot be reached"):
            await late.connect(url)
