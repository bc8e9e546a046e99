"""The chat connector against a gateway that verifies calls by code of its own."""

import contextlib
import dataclasses
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ekinerja_chat import ChatConnector
from ekinerja_chat.calls import body_of
from ekinerja_chat.settings import Settings
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    Delivered,
    Fatal,
    Http,
    InvalidSettings,
    Notice,
    Recipient,
    Retryable,
)
from ekinerja_connectors.egress import Egress
from ekinerja_connectors.settings import addresses_of, parse
from ekinerja_connectors.testing.fakes import WIB, serve
from ekinerja_connectors.testing.signing import sign
from ekinerja_connectors.testing.suite import ConnectorSuite

NOW = datetime(2026, 3, 2, 16, 30, tzinfo=WIB)
SECRET = "whsec_Z2VyYmFuZy1vYnJvbGFuLWluc3RhbnNpLWNvbnRvaA=="
HOOK, TOKEN = "hooks/kunci-rahasia-buatan", "token-rahasia-buatan"


class Gateway:
    """Keeps calls whose signature and token are right; `answers` come first, as told."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.answers: list[web.Response] = []
        self.app = web.Application()
        self.app.router.add_post("/{tail:.*}", self.take)

    async def take(self, request: web.Request) -> web.Response:
        if self.answers:
            return self.answers.pop(0)
        body = await request.read()
        id, seconds = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        at = datetime.fromtimestamp(int(seconds), UTC)
        if sign(SECRET, id, at, body)["webhook-signature"] != request.headers["webhook-signature"]:
            return web.Response(status=401)
        if request.headers["Authorization"] != f"Bearer {TOKEN}" or request.path != f"/{HOOK}":
            return web.Response(status=403)
        self.ids.append(id)
        self.bodies.append(json.loads(body))
        return web.Response(text="ok")


def settings_of(url: str, **given: JSON) -> dict[str, JSON]:
    secrets = {"secret_path": HOOK, "signing_secret": SECRET, "token": TOKEN}
    return {"base_url": url, **secrets, **given}


class TestChatSuite(ConnectorSuite):
    connector = ChatConnector

    @contextlib.asynccontextmanager
    async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
        self.gateway = Gateway()
        async with serve(self.gateway.app) as url:
            yield settings_of(url)

    def received(self) -> Sequence[str]:
        return self.gateway.ids


def notice(number: int = 1, **given: Any) -> Notice:
    values: dict[str, Any] = {
        "id": f"0190f5e2-0000-7000-8000-{number:012d}",
        "kind": "nudge",
        "to": Recipient(
            name="Siti Aminah", nip="199001012015011001", address="siti@contoh.example"
        ),
        "subject": "Catatan kerja – belum diisi",
        "body": "Yth. Siti,\n\ndua catatan menunggu.",
        "day": date(2026, 3, 2),
        "facts": {"pending": 2},
    }
    return Notice(**{**values, **given})


@contextlib.asynccontextmanager
async def reaching(gateway: Gateway, **given: JSON) -> AsyncIterator[ChatConnector]:
    async with serve(gateway.app) as url:
        config = parse(ChatConnector.settings, settings_of(url, **given))
        async with Http(addresses_of(config), total=timedelta(seconds=5)) as http:
            yield ChatConnector(config, http, now=lambda: NOW)


def told(answers: Sequence[Delivered]) -> list[tuple[str, str | None]]:
    return [(str(one.state), one.detail) for one in answers]


async def test_call_is_signed_and_holds_what_the_readme_promises() -> None:
    gateway = Gateway()
    async with reaching(gateway, channel="@{nip}") as chat:
        answers = await chat.deliver([notice(1), notice(2)])

    assert told(answers) == [("delivered", None)] * 2
    assert gateway.ids == [notice(1).id, notice(2).id]
    assert gateway.bodies[0] == {
        "id": "0190f5e2-0000-7000-8000-000000000001",
        "kind": "nudge",
        "day": "2026-03-02",
        "to": {
            "nip": "199001012015011001",
            "name": "Siti Aminah",
            "address": "siti@contoh.example",
        },
        "subject": "Catatan kerja – belum diisi",
        "body": "Yth. Siti,\n\ndua catatan menunggu.",
        "text": "Catatan kerja – belum diisi\n\nYth. Siti,\n\ndua catatan menunggu.",
        "facts": {"pending": 2},
        "channel": "@199001012015011001",
    }


def test_readme_shows_the_body_that_is_sent() -> None:
    text = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
    shown = json.loads(text.split("```json\n")[1].split("```")[0])
    to = Recipient(**{name: shown["to"][name] for name in ("nip", "name", "address")})
    given = {name: shown[name] for name in ("id", "kind", "subject", "body", "facts")}
    made = Notice(**given, to=to, day=date.fromisoformat(shown["day"]))
    config = Settings(base_url="https://obrolan.instansi.example", channel="@{nip}")

    assert json.loads(body_of(made, config)) == shown


@pytest.mark.parametrize("status", [400, 409, 413, 422])
async def test_notice_that_is_refused_holds_up_no_others(status: int) -> None:
    gateway = Gateway()
    gateway.answers = [web.Response(status=status)]
    async with reaching(gateway) as chat:
        answers = await chat.deliver([notice(1), notice(2)])

    refusal = f"the gateway refused the notice with {status}"
    assert told(answers) == [("refused", refusal), ("delivered", None)]


async def test_pause_of_the_gateway_is_kept_for_all_that_are_left() -> None:
    gateway = Gateway()
    async with reaching(gateway) as chat:
        first = await chat.deliver([notice(1)])
        gateway.answers = [web.Response(status=429, headers={"Retry-After": "120"})]
        with pytest.raises(Retryable) as caught:
            await chat.deliver([notice(2), notice(3)])

    assert told(first) == [("delivered", None)]
    assert caught.value.retry_after == timedelta(minutes=2)
    assert gateway.ids == [notice(1).id]


async def test_notice_that_the_gateway_stumbles_over_holds_up_no_others() -> None:
    gateway = Gateway()
    gateway.answers = [web.Response(status=500), web.Response(status=408)]
    async with reaching(gateway) as chat:
        with pytest.raises(Retryable, match="the gateway answered 408"):
            await chat.deliver([notice(1), notice(2), notice(3)])
        gateway.answers = [web.Response(status=500)]
        answers = await chat.deliver([notice(1), notice(2), notice(3)])

    assert [state for state, _ in told(answers)] == ["retry", "delivered", "delivered"]


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, AuthFailed, "check token and signing_secret"),
        (403, AuthFailed, "check token and signing_secret"),
        (404, Fatal, "check its address"),
        (410, Fatal, "check its address"),
    ],
)
async def test_fault_of_the_gateway_itself_is_none_of_the_notice(
    status: int, kind: type[Exception], words: str
) -> None:
    gateway = Gateway()
    gateway.answers = [web.Response(status=status)]
    async with reaching(gateway) as chat:
        with pytest.raises(kind, match=words):
            await chat.deliver([notice(1)])


async def test_path_that_is_the_secret_is_told_by_no_error() -> None:
    gateway = Gateway()
    gateway.answers = [
        web.Response(status=503),
        web.Response(status=302, headers={"Location": "/"}),
    ]
    told: list[str] = []
    async with reaching(gateway) as chat:
        for _ in range(2):
            with pytest.raises((Retryable, Fatal)) as caught:
                await chat.deliver([notice(1)])
            told.append(f"{caught.value} {caught.value.__cause__}")

    assert [one for one in told if "kunci-rahasia" in one] == []
    assert told[0].startswith("the gateway answered 503")


async def test_gateway_inside_is_reached_only_where_the_operator_allows_it() -> None:
    gateway = Gateway()
    async with serve(gateway.app) as url:
        config = parse(ChatConnector.settings, settings_of(url))
        async with Http(addresses_of(config), egress=Egress()) as http:
            with pytest.raises(Fatal, match="EKINERJA_EGRESS_ALLOW"):
                await ChatConnector(config, http).deliver([notice(1)])

    assert gateway.ids == []


async def test_what_fits_into_no_call_is_refused() -> None:
    gateway = Gateway()
    nobody = dataclasses.replace(notice(1).to, address=None)
    async with reaching(gateway, channel="{address}") as chat:
        answers = await chat.deliver([notice(1, to=nobody), notice(2, id="é"), notice(3)])

    assert told(answers) == [
        ("refused", "no address is known of the recipient"),
        ("refused", "its id fits into no header"),
        ("delivered", None),
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"base_url": "smtp://obrolan.example:25"}, "begins with http"),
        ({"path": "hooks/x"}, "give one of them"),
        ({"secret_path": "hooks/ x"}, "the part of an address"),
        ({"signing_secret": "kunci"}, "whsec_ and 24 to 64 bytes"),
        ({"signing_secret": "whsec_c2F0dQ=="}, "whsec_ and 24 to 64 bytes"),
        ({"token": "a b"}, "without spaces"),
        ({"token": "a\r\nX: y"}, "without spaces"),
        ({"channel": "@{name}"}, "nip} and {address} only"),
        ({"channel": "@{nip.__class__}"}, "nip} and {address} only"),
        ({"channel": "@{nip!r}"}, "nip} and {address} only"),
        ({"channel": "@{"}, "cannot be read"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, JSON], words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        parse(ChatConnector.settings, settings_of("https://obrolan.example", **given))
