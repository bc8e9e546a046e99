"""The webhook endpoint: who is let in, what is kept, and that nothing makes it answer 500."""

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Route

from schema.feeds.models import DeadLetter, DeadLetterCause, InboxItem, InboxKind, Installation
from schema.feeds.secrets import keep_webhook_secret
from schema.values import utc_now
from server.database import Database
from server.ingestion.webhooks import MOST_BYTES, Refused, verified, webhook
from tests import feeding
from tests.feeding import OTHER_SECRET, SECRET, VAULT, count

WEBHOOK = Route("/connectors/{installation}/webhook", webhook, methods=["POST"])
BODY = b'{"id":"D-1","hal":"Undangan"}'


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """As Standard Webhooks 1.0.0 says it, written here independently of the library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def signed(
    body: bytes = BODY, *, id: str = "msg_1", secret: str = SECRET, age: int = 0
) -> dict[str, str]:
    timestamp = str(int(utc_now().timestamp()) - age)
    return {
        "webhook-id": id,
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(secret, id, timestamp, body),
        "content-type": "application/json",
    }


@pytest.fixture
async def feed(database: Database) -> Installation:
    return await feeding.installation(await feeding.agency(), webhook_secret=SECRET)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    # An exception of the endpoint is an answer of 500, as it would be in service.
    app = Starlette(routes=[WEBHOOK])
    app.state.vault = VAULT
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def path(feed: Installation) -> str:
    return f"/connectors/{feed.id}/webhook"


async def test_a_signed_delivery_is_kept_and_answered(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    answer = await client.post(path(feed), content=BODY, headers=signed())

    assert (answer.status_code, answer.json()) == (202, {"accepted": "msg_1"})
    kept = await InboxItem.get()
    assert (kept.source_id, kept.kind, kept.processed_at) == (
        "delivery:msg_1",
        InboxKind.DELIVERY,
        None,
    )
    assert kept.body == {
        "id": "msg_1",
        "body": BODY.decode(),
        "headers": {"content-type": "application/json"},
    }


async def test_a_repeat_is_answered_alike_and_kept_once(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(
        *(client.post(path(feed), content=BODY, headers=signed(age=age)) for age in range(50))
    )

    assert {answer.status_code for answer in answers} == {202}
    assert await count("inbox_item") == 1
    assert await count("dead_letter") == 0


async def test_another_body_under_the_same_id_is_a_conflict_and_a_dead_letter(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    other = BODY.replace(b"Undangan", b"Nota dinas")
    await client.post(path(feed), content=BODY, headers=signed())

    answers = [await client.post(path(feed), content=other, headers=signed(other)) for _ in "12"]

    assert [answer.status_code for answer in answers] == [409, 409]
    letter = await DeadLetter.get()
    assert letter.cause is DeadLetterCause.CHANGED_AT_SOURCE
    assert letter.body["body"] == other.decode()
    assert (await InboxItem.get()).body["body"] == BODY.decode()


async def test_what_is_unknown_disabled_or_without_a_secret_cannot_be_told_apart(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    agency = await feed.agency
    disabled = await feeding.installation(
        agency, title="Mati", enabled=False, webhook_secret=SECRET
    )
    without = await feeding.installation(agency, title="Tanpa")
    places = [f"/connectors/{name}/webhook" for name in (disabled.id, without.id, uuid4(), "x")]

    answers = [await client.post(place, content=BODY, headers=signed()) for place in places]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert await count("inbox_item") == 0


@pytest.mark.parametrize("size", [MOST_BYTES + 1, 4 * MOST_BYTES])
async def test_a_body_that_is_too_large_is_refused(
    feed: Installation, client: httpx.AsyncClient, size: int
) -> None:
    body = b"x" * size

    answer = await client.post(path(feed), content=body, headers=signed(body))

    assert answer.status_code == 413


async def test_the_largest_body_is_kept(feed: Installation, client: httpx.AsyncClient) -> None:
    body = json.dumps("x" * (MOST_BYTES - 2)).encode()

    answer = await client.post(path(feed), content=body, headers=signed(body))

    assert (len(body), answer.status_code) == (MOST_BYTES, 202)


@pytest.mark.parametrize(("age", "status"), [(301, 401), (-301, 401), (295, 202), (-295, 202)])
async def test_a_delivery_is_taken_within_five_minutes_of_its_time(
    feed: Installation, client: httpx.AsyncClient, age: int, status: int
) -> None:
    answer = await client.post(path(feed), content=BODY, headers=signed(age=age))

    assert answer.status_code == status
    assert await count("inbox_item") == (status == 202)


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
async def test_both_secrets_hold_while_one_replaces_the_other(
    feed: Installation, client: httpx.AsyncClient, secret: str
) -> None:
    keep_webhook_secret(feed, f"{SECRET}  {OTHER_SECRET}", VAULT)
    await feed.save()

    answer = await client.post(path(feed), content=BODY, headers=signed(secret=secret))

    assert answer.status_code == 202


async def test_one_right_signature_among_several_is_enough(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    headers = signed()
    wrong = signed(secret=OTHER_SECRET)["webhook-signature"]
    right = headers["webhook-signature"]
    headers["webhook-signature"] = f"garbage  v1a,AAAA {wrong} {right} v1,=="

    answer = await client.post(path(feed), content=BODY, headers=headers)

    assert answer.status_code == 202


TIME = str(int(utc_now().timestamp()))
GARBAGE = [
    ("webhook-signature", "garbage"),
    ("webhook-signature", ""),
    ("webhook-signature", "v1"),
    ("webhook-signature", "v1,"),
    ("webhook-signature", "v1,not base64!"),
    ("webhook-signature", "v1,A,B"),
    ("webhook-signature", "v1," + "A" * 43),
    ("webhook-signature", "v1," + "A" * 100_000),
    ("webhook-signature", " ".join(["v1," + "A" * 43 + "="] * 11)),
    ("webhook-signature", "  "),
    ("webhook-timestamp", ""),
    ("webhook-timestamp", "soon"),
    ("webhook-timestamp", "nan"),
    ("webhook-timestamp", "inf"),
    ("webhook-timestamp", "-1"),
    ("webhook-timestamp", TIME + ".5"),
    ("webhook-timestamp", "9" * 400),
    ("webhook-timestamp", "9" * 12),
    ("webhook-timestamp", "0"),
    ("webhook-id", ""),
    ("webhook-id", "a.b"),
    ("webhook-id", "a b"),
    ("webhook-id", "x" * 181),
    ("webhook-id", "x" * 180),
]


# Named by their places: the ids are the same in each process, whenever it collects them.
@pytest.mark.parametrize(("name", "value"), GARBAGE, ids=map(str, range(len(GARBAGE))))
async def test_garbage_in_the_envelope_is_a_clear_refusal(
    feed: Installation, client: httpx.AsyncClient, name: str, value: str
) -> None:
    answer = await client.post(path(feed), content=BODY, headers=signed() | {name: value})

    assert answer.status_code in {400, 401}
    assert set(answer.json()) == {"error"}
    assert await count("inbox_item") == 0


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_a_missing_header_is_a_clear_refusal(
    feed: Installation, client: httpx.AsyncClient, missing: str
) -> None:
    headers = {name: value for name, value in signed().items() if name != missing}

    answer = await client.post(path(feed), content=BODY, headers=headers)

    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"\xff\xfe", 400),
        (b"", 202),
        (b"no json", 202),
        (b"null", 202),
        (b"[" * 100_000, 202),
        (b'"\x00"', 202),
        (b'"\\ud800"', 202),
    ],
)
async def test_a_signed_body_of_any_kind_is_kept_unless_it_is_no_text(
    feed: Installation, client: httpx.AsyncClient, body: bytes, status: int
) -> None:
    answer = await client.post(path(feed), content=body, headers=signed(body))

    assert answer.status_code == status
    assert await count("inbox_item") == (status == 202)


def test_no_changed_byte_of_the_body_passes() -> None:
    headers = signed()
    for place in range(len(BODY)):
        changed = BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]
        with pytest.raises(Refused) as refusal:
            verified(changed, headers, SECRET)
        assert refusal.value.status == 401


def test_no_changed_character_of_the_envelope_passes() -> None:
    headers = signed()
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        value = headers[name]
        # 2 bits of the last character before the padding are unused; A and Q differ in others.
        for place in range(len(value)):
            other = "A" if value[place] != "A" else "Q"
            changed = value[:place] + other + value[place + 1 :]
            with pytest.raises(Refused):
                verified(BODY, headers | {name: changed}, SECRET)


def test_what_belongs_to_the_id_cannot_be_moved_into_the_body() -> None:
    headers = signed(b"5.{}", id="msg")
    moved = headers | {"webhook-id": f"msg.{headers['webhook-timestamp']}"}

    with pytest.raises(Refused):
        verified(b"{}", moved | {"webhook-timestamp": "5"}, SECRET)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    body=st.binary(max_size=200),
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(max_size=80) | st.just(TIME) | st.from_regex(r"(v1,[A-Za-z0-9+/]{43}= ?){1,3}"),
    ),
)
def test_nothing_but_a_refusal_comes_of_anything_unsigned(
    body: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(Refused) as refusal:
        verified(body, headers, f"{SECRET} {OTHER_SECRET}")

    assert refusal.value.status in {400, 401}


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!", "é", "whsec_A"])
def test_a_secret_that_is_none_lets_nothing_pass(secret: str) -> None:
    with pytest.raises(Refused):
        verified(BODY, signed(), secret)


async def test_attributes_of_a_binary_cloudevent_are_kept_and_no_other_header(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    headers = signed() | {"CE-Type": "surat.selesai", "ce-id": "7", "x-trace": "1", "cookie": "c"}

    answer = await client.post(path(feed), content=BODY, headers=headers)

    assert answer.status_code == 202
    kept = await InboxItem.get()
    assert kept.body["headers"] == {
        "content-type": "application/json",
        "ce-type": "surat.selesai",
        "ce-id": "7",
    }


async def test_a_delivery_with_a_crowd_of_attributes_is_refused(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    headers = signed() | {f"ce-x{number}": "1" for number in range(40)}

    answer = await client.post(path(feed), content=BODY, headers=headers)

    assert answer.status_code == 400
    assert "ce- headers" in answer.json()["error"]
