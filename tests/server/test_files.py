"""The door for files: who is let in, what is kept, and what is refused with which words."""

import base64
import hashlib
from collections.abc import AsyncIterator
from types import SimpleNamespace
from uuid import uuid4

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from schema.access import Role
from schema.feeds.models import (
    ConnectorAct,
    ConnectorEvent,
    InboxItem,
    InboxKind,
    Installation,
    Plugin,
    PluginState,
)
from schema.organizations.service import grant_role
from server.auth import Identity
from server.database import Database, DatabaseRole, opened
from server.ingestion.files import MOST_BYTES, receive_file
from tests import feeding
from tests.feeding import NOON

FILES = Route("/connectors/{installation}/files", receive_file, methods=["POST"])
CONTENT = b"nip;hal\n199001012015031001;Undangan\n"
NAME = f"file:{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
async def feed(fresh_database: Database) -> AsyncIterator[Installation]:
    async with opened(fresh_database, DatabaseRole.OWNER):
        about = {"distribution": "d", "version": "1", "title": "t", "seen_at": NOON}
        state = PluginState.READY
        await Plugin.create(name="fake", capabilities=["file"], state=state, **about)
        await Plugin.create(name="deaf", capabilities=["polling"], state=state, **about)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        feed = await feeding.installation(await feeding.agency())
        await feeding.administrator(await feed.agency)
        await grant_role(feed.agency_id, "bot", Role.CONNECTOR, feed.id)
        await grant_role(feed.agency_id, "auditor", Role.AUDITOR)
        yield feed


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[FILES])
    app.state.verifier = SimpleNamespace(verify=lambda token: Identity(token, NOON, NOON))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def sent(
    client: httpx.AsyncClient,
    to: object,
    *,
    subject: str | None = "pengelola.INST-A",
    content: bytes = CONTENT,
    name: str = "rekap.csv",
) -> httpx.Response:
    headers = {"content-type": "text/csv"}
    headers |= {"authorization": f"Bearer {subject}"} if subject else {}
    place = f"/connectors/{to}/files"
    return await client.post(place, params={"name": name}, content=content, headers=headers)


@pytest.mark.parametrize("subject", ["pengelola.INST-A", "bot"])
async def test_a_file_is_kept_as_it_is_and_answered(
    feed: Installation, client: httpx.AsyncClient, subject: str
) -> None:
    answer = await sent(client, feed.id, subject=subject)

    assert (answer.status_code, answer.json()) == (202, {"accepted": NAME, "known": False})
    kept = await InboxItem.get()
    assert (kept.source_id, kept.kind, kept.processed_at) == (NAME, InboxKind.FILE, None)
    assert kept.body == {
        "name": "rekap.csv",
        "content": base64.b64encode(CONTENT).decode(),
        "media_type": "text/csv",
    }
    event = await ConnectorEvent.get()
    assert (event.act, event.subject) == (ConnectorAct.FILE_RECEIVED, subject)


async def test_the_same_file_is_kept_once_whatever_it_is_called(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    answers = [await sent(client, feed.id, name=name) for name in ("a.csv", "a.csv", "b.csv")]

    assert [answer.json()["known"] for answer in answers] == [False, True, True]
    assert await feeding.count("inbox_item") == 1
    assert await feeding.count("dead_letter") == 0


async def test_who_may_not_and_what_is_not_there_are_one_answer(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    await feeding.administrator(await feeding.agency("B"))
    answers = [await sent(client, feed.id, subject=who) for who in ("auditor", "pengelola.B")]
    answers += [await sent(client, to) for to in (uuid4(), "x")]

    assert {(answer.status_code, answer.text) for answer in answers} == {(404, answers[0].text)}
    assert (await sent(client, feed.id, subject=None)).status_code == 401
    assert await feeding.count("inbox_item") == 0


async def test_what_cannot_be_taken_is_refused_with_the_reason(
    feed: Installation, client: httpx.AsyncClient
) -> None:
    agency = await feed.agency
    deaf = await feeding.installation(agency, plugin="deaf", title="Tuli")
    off = await feeding.installation(agency, title="Mati", enabled=False)
    large = await sent(client, feed.id, content=b"x" * (MOST_BYTES + 1))
    others = {
        "reads no files": await sent(client, deaf.id),
        "disabled": await sent(client, off.id),
        "empty": await sent(client, feed.id, content=b""),
        "needs a name": await sent(client, feed.id, name=""),
        "without a folder": await sent(client, feed.id, name="../a.csv"),
    }

    assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
    for words, answer in others.items():
        assert (answer.status_code, words in answer.json()["error"]) == (422, True), words
    assert await feeding.count("inbox_item") == 0


async def test_the_largest_file_is_kept(feed: Installation, client: httpx.AsyncClient) -> None:
    answer = await sent(client, feed.id, content=b"x" * MOST_BYTES)

    assert answer.status_code == 202
    assert await feeding.count("inbox_item") == 1
