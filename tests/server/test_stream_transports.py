"""Shared streams as clients meet them: over WebSocket and SSE, with tokens that end, stalled."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest
import uvicorn

from schema.access import Role
from schema.organizations.service import grant_role
from server.app import make_app
from server.database import Database
from server.stalled import CuttingHttp, CuttingWebSocket, _Cutting
from server.telemetry import CONNECTIONS_CUT
from tests.factories import STAFF, SUPERIOR, SUPERVISOR
from tests.schema.test_statements import counted
from tests.server.event_log import GUARD, until
from tests.server.live_server import TEAM, LiveServer, live_server, take

OF_THE_LOG = ("stamp_events", "FROM event", "advisory")
"""Statements of the sequencer and the bus, which come as time goes by."""

STREAM = {"accept": "text/event-stream"}


@pytest.fixture(scope="module")
async def served(module_database: Database) -> AsyncIterator[LiveServer]:
    async with live_server(module_database, interval=3600) as server:
        yield server


@pytest.fixture
async def live(served: LiveServer) -> AsyncIterator[LiveServer]:
    yield served
    served.api.streams.shared.close()


@asynccontextmanager
async def address_of(live: LiveServer) -> AsyncIterator[str]:
    """The API on a port of loopback, served by the protocols of `serve`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    config = uvicorn.Config(
        make_app(live.api), log_level="error", http=CuttingHttp, ws=CuttingWebSocket, lifespan="off"
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        async with asyncio.timeout(GUARD):
            while not server.started:
                await asyncio.sleep(0.001)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def socket_of(address: str, token: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(
            f"{address}/graphql",
            protocols=["graphql-transport-ws"],
            timeout=aiohttp.ClientWSTimeout(ws_receive=GUARD),
        ) as found,
    ):
        payload = {"authorization": f"Bearer {token}"}
        await found.send_json({"type": "connection_init", "payload": payload})
        assert (await found.receive_json())["type"] == "connection_ack"
        yield found


async def subscribe(
    found: aiohttp.ClientWebSocketResponse, query: str, identifier: str = "1", **variables: Any
) -> None:
    payload = {"query": query, "variables": variables}
    await found.send_json({"type": "subscribe", "id": identifier, "payload": payload})


async def next_event(response: aiohttp.ClientResponse) -> tuple[str, str]:
    """The kind and the data of the next event that is no heartbeat."""
    kind = ""
    async with asyncio.timeout(GUARD):
        while True:
            line = (await response.content.readline()).decode().rstrip("\r\n")
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data:"):
                return kind, line.removeprefix("data:").strip()


async def test_sse_and_a_socket_are_told_the_same(live: LiveServer) -> None:
    body = {"query": TEAM, "variables": {"supervisor": live.team}}
    headers = STREAM | {"authorization": f"Bearer {SUPERVISOR}"}
    async with (
        address_of(live) as address,
        aiohttp.ClientSession() as session,
        socket_of(address, SUPERIOR) as found,
        session.post(f"{address}/graphql", json=body, headers=headers) as response,
    ):
        await subscribe(found, TEAM, 'a"b', supervisor=live.team)
        over_socket = [await found.receive_json()]
        over_sse = [await next_event(response)]
        await live.happen(STAFF)
        over_socket.append(await found.receive_json())
        over_sse.append(await next_event(response))
        assert len(live.api.streams.shared.producers) == 1
        await found.send_json({"type": "complete", "id": 'a"b'})
        (producer,) = live.api.streams.shared.producers
        await until(lambda: len(producer.watchers) == 1)

    assert {(one["type"], one["id"]) for one in over_socket} == {("next", 'a"b')}
    assert [kind for kind, _ in over_sse] == ["next", "next"]
    assert [one["payload"] for one in over_socket] == [json.loads(data) for _, data in over_sse]
    kinds = [one["payload"]["data"]["teamUpdates"]["kind"] for one in over_socket]
    assert kinds == ["SNAPSHOT", "CHANGE"]
    await until(lambda: not producer.watchers)


async def test_a_token_that_ends_closes_the_connection_with_4401(live: LiveServer) -> None:
    pending = "subscription { pendingProgress { cursor } }"
    async with (
        address_of(live) as address,
        aiohttp.ClientSession() as session,
        socket_of(address, f"{SUPERVISOR}~1.5") as found,
        session.post(
            f"{address}/graphql",
            json={"query": TEAM, "variables": {"supervisor": live.team}},
            headers=STREAM | {"authorization": f"Bearer {SUPERIOR}~1.5"},
        ) as response,
    ):
        await subscribe(found, TEAM, "team")
        await subscribe(found, pending, "own")
        assert (await found.receive_json())["type"] == "next"
        assert (await next_event(response))[0] == "next"
        ended = [await found.receive_json() for _ in range(2)]
        closed = await found.receive()
        told = [await next_event(response) for _ in range(2)]

    assert {(one["type"], one["id"]) for one in ended} == {("error", "team"), ("error", "own")}
    codes = {one["payload"][0]["extensions"]["code"] for one in ended}
    assert codes == {"UNAUTHENTICATED"}
    assert (closed.type, found.close_code) == (aiohttp.WSMsgType.CLOSE, 4401)
    assert [kind for kind, _ in told] == ["next", "complete"]
    assert json.loads(told[0][1])["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.slow
async def test_who_reads_nothing_is_cut_and_others_are_told_all(
    live: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_Cutting, "stalled_seconds", 0.3)
    before = CONNECTIONS_CUT._value.get()
    fields = " ".join(f"a{n}: employee {{ id nip name unit {{ name }} }}" for n in range(28))
    query = f"""subscription($supervisor: ID) {{ teamUpdates(supervisor: $supervisor) {{
      cursor member {{ {fields} }} }} }}"""
    async with (
        address_of(live) as address,
        aiohttp.ClientSession() as session,
        socket_of(address, SUPERVISOR) as found,
    ):
        body = {"query": query, "variables": {"supervisor": live.team}}
        headers = STREAM | {"authorization": f"Bearer {SUPERIOR}"}
        response = await session.post(f"{address}/graphql", json=body, headers=headers)
        await subscribe(found, query, supervisor=live.team)
        await found.receive_json()
        await next_event(response)
        stalled = [found._response.connection, response.connection]
        for one in stalled:
            one.transport.pause_reading()
        async with live.watching(SUPERIOR, query) as quick:
            await take(quick, 1)
            for _ in range(100):
                await live.happen(STAFF)
                await take(quick, 1)
        await until(lambda: CONNECTIONS_CUT._value.get() == before + 2)
        await until(lambda: not any(one.watchers for one in live.api.streams.shared.producers))
        for one in stalled:
            one.transport.abort()


async def test_statements_do_not_grow_with_watchers(live: LiveServer) -> None:
    few, many = await statements_for(live, 10), await statements_for(live, 100)

    assert few == many
    assert 0 < few < 12


async def statements_for(live: LiveServer, watchers: int) -> int:
    """How many statements an event takes, with its write, for as many watchers of one team."""
    agency = live.world.rows["agency"].id
    async with AsyncExitStack() as stack:
        streams = []
        for number in range(watchers):
            subject = f"auditor.{watchers}.{number}"
            await grant_role(agency, subject, Role.AUDITOR)
            streams.append(await stack.enter_async_context(live.watching(subject)))
        await asyncio.gather(*(take(stream, 1) for stream in streams))
        waiting = [asyncio.create_task(take(stream, 1)) for stream in streams]
        (producer,) = live.api.streams.shared.producers
        await until(lambda: len(producer.watchers) == watchers)
        with counted() as statements:
            await live.happen(STAFF)
            await asyncio.gather(*waiting)
    return len([one for one in statements if not any(word in one for word in OF_THE_LOG)])
