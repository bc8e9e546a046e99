"""The endpoint as clients meet it: media types, statuses, streams, sockets, errors, GraphiQL."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
import structlog

from server.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, Negotiated, negotiate
from tests.audit import run_audits
from tests.server.edge_schema import SECRET, Edge, serving, socket_of

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
# What urql and others send with everything.
EVERYTHING = f"{GRAPHQL_RESPONSE}, application/graphql+json, {JSON}, {EVENT_STREAM}"


@contextlib.asynccontextmanager
async def client_of(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(edge.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def ask(
    edge: Edge, query: str, accept: str = GRAPHQL_RESPONSE, **headers: str
) -> httpx.Response:
    async with client_of(edge) as client:
        return await client.post(
            "/graphql",
            json={"query": query},
            headers={"accept": accept} | {k.replace("_", "-"): v for k, v in headers.items()},
        )


async def get(edge: Edge, query: str | None, **headers: str) -> httpx.Response:
    async with client_of(edge) as client:
        return await client.get(
            "/graphql",
            params={} if query is None else {"query": query},
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def subscribe(query: str, identifier: str = "1") -> dict[str, Any]:
    return {"type": "subscribe", "id": identifier, "payload": {"query": query}}


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


ACCEPTS = [
    (None, Negotiated(JSON, False, False)),
    ("", Negotiated(JSON, False, False)),
    ("*/*", Negotiated(JSON, False, False)),
    ("application/*", Negotiated(JSON, False, False)),
    (BROWSER, Negotiated(JSON, False, False)),
    (JSON, Negotiated(JSON, False, False)),
    (
        "Application/GraphQL-Response+JSON; charset=utf-8",
        Negotiated(GRAPHQL_RESPONSE, False, False),
    ),
    (f"{JSON}, {GRAPHQL_RESPONSE}", Negotiated(GRAPHQL_RESPONSE, False, False)),
    (f"{JSON}, {GRAPHQL_RESPONSE};q=0.9", Negotiated(JSON, False, False)),
    (f"{GRAPHQL_RESPONSE};q=0, */*", Negotiated(JSON, False, False)),
    (f"{JSON};q=0, */*", Negotiated(None, False, False)),
    ("text/plain", Negotiated(None, False, False)),
    (f"{JSON};q=none", Negotiated(None, False, False)),
    (f"{JSON};q=7", Negotiated(None, False, False)),
    (",;,=", Negotiated(None, False, False)),
    (EVENT_STREAM, Negotiated(None, True, True)),
    (EVERYTHING, Negotiated(GRAPHQL_RESPONSE, True, False)),
    (f"{EVENT_STREAM}, {JSON};q=0.5", Negotiated(JSON, True, True)),
    (f"{EVENT_STREAM};q=0, {JSON}", Negotiated(JSON, False, False)),
]


@pytest.mark.parametrize(("accept", "expected"), ACCEPTS)
def test_accept_decides_the_answer(accept: str | None, expected: Negotiated) -> None:
    assert negotiate(accept) == expected


# (profile, query) -> status under application/graphql-response+json; whether data is there
STATUSES = [
    ("2025", "{__typename}", 200, True),
    ("2025", "{", 400, False),
    ("2025", "{nothing}", 400, False),
    ("2025", "query($n:Int!){echo(number:$n)}", 400, False),
    ("2025", "{echo leak}", 200, True),
    ("2025", "{must}", 200, True),
    ("head", "{__typename}", 200, True),
    ("head", "{", 400, False),
    ("head", "{nothing}", 422, False),
    ("head", "query($n:Int!){echo(number:$n)}", 422, False),
    ("head", "{echo leak}", 294, True),
    ("head", "{must}", 294, True),
]


@pytest.mark.parametrize(("profile", "query", "status", "data"), STATUSES)
async def test_status_follows_the_profile(
    profile: str, query: str, status: int, data: bool
) -> None:
    edge = Edge(options={"status_profile": profile})

    with structlog.testing.capture_logs():
        response = await ask(edge, query)
        legacy = await ask(edge, query, JSON)

    assert response.status_code == status
    assert response.headers["content-type"] == f"{GRAPHQL_RESPONSE}; charset=utf-8"
    assert ("data" in response.json()) is data
    assert legacy.status_code == 200
    assert legacy.headers["content-type"] == f"{JSON}; charset=utf-8"


def test_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match="choose one of"):
        Edge(options={"status_profile": "2026"})


async def test_answers_are_not_stored_or_sniffed() -> None:
    response = await get(Edge(), "{me{name}}")

    assert response.json() == {"data": {"me": {"name": "Sari"}}}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept"
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE, EVERYTHING])
async def test_get_runs_queries_only(accept: str) -> None:
    edge = Edge()

    mutation = await get(edge, 'mutation{write(text:"x")}', accept=accept)
    subscription = await get(edge, "subscription{count}", accept=accept)
    stream = await get(edge, 'mutation{write(text:"x")}', accept=EVENT_STREAM)

    assert (mutation.status_code, mutation.headers["allow"]) == (405, "POST")
    assert (subscription.status_code, subscription.headers["allow"]) == (405, "POST")
    assert stream.status_code == 406
    assert edge.written == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "HEAD"])
async def test_other_methods_are_refused(method: str) -> None:
    async with client_of(Edge()) as client:
        response = await client.request(method, "/graphql")

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


BODY = b'{"query":"mutation{write(text:\\"x\\")}"}'


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "text/json",
        "",
        "multipart/form-data; boundary=x",
        "text/plain; application/json",
        "application/graphql",
    ],
)
async def test_other_content_types_are_refused(content_type: str) -> None:
    edge = Edge()
    async with client_of(edge) as client:
        response = await client.post(
            "/graphql", content=BODY, headers={"content-type": content_type}
        )

    assert (response.status_code, code(response)) == (415, "UNSUPPORTED_MEDIA_TYPE")
    assert edge.written == []


async def test_unacceptable_is_refused() -> None:
    response = await ask(Edge(), "{__typename}", "image/png")

    assert (response.status_code, code(response)) == (406, "NOT_ACCEPTABLE")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_pages_of_unknown_origins_may_not_call(site: str) -> None:
    evil = {"sec_fetch_site": site, "origin": "https://evil.example"}
    known = {"sec_fetch_site": site, "origin": "https://front.example"}
    edge = Edge(options={"allowed_origins": ["https://front.example"]})

    assert code(await get(edge, "{__typename}", sec_fetch_site=site)) == "FORBIDDEN_ORIGIN"
    assert (await get(edge, "{__typename}", **evil)).status_code == 403
    assert (await ask(edge, "{__typename}", **evil)).status_code == 403
    assert (await get(edge, "{__typename}", **known)).status_code == 200
    assert (await get(edge, "{__typename}", sec_fetch_site="same-origin")).status_code == 200


async def test_context_may_refuse_before_anything_runs() -> None:
    edge = Edge()

    response = await ask(edge, 'mutation{write(text:"x")}', authorization="Bearer forged")

    assert (response.status_code, code(response)) == (401, "UNAUTHENTICATED")
    assert edge.written == []


async def test_unknown_operation_is_refused() -> None:
    async with client_of(Edge()) as client:
        response = await client.post(
            "/graphql", json={"query": "query A{__typename}", "operationName": "B"}
        )

    assert (response.status_code, code(response)) == (400, "UNKNOWN_OPERATION")


# Errors


@pytest.mark.parametrize("query", ["{leak}", "{unserialisable}", "{must}"])
async def test_fault_is_masked_and_logged_under_its_number(query: str) -> None:
    with structlog.testing.capture_logs() as logs:
        response = await ask(Edge(), query)

    [error] = response.json()["errors"]
    assert SECRET not in response.text
    assert error["extensions"]["code"] == "INTERNAL"
    assert error["extensions"]["id"] in error["message"]
    assert error["path"] == [query[1:-1]]
    [entry] = logs
    assert entry["id"] == error["extensions"]["id"]
    assert isinstance(entry["exc_info"], Exception)


async def test_fault_of_the_edge_itself_is_masked() -> None:
    edge = Edge()

    async def broken(*_: Any) -> None:
        raise RuntimeError(SECRET)

    edge.view.context_for = broken  # type: ignore[assignment]
    with structlog.testing.capture_logs():
        response = await ask(edge, "{__typename}")

    assert (response.status_code, code(response)) == (500, "INTERNAL")
    assert SECRET not in response.text


async def test_error_of_the_domain_is_presented_with_its_context() -> None:
    response = await ask(Edge(), "{missing}")

    [error] = response.json()["errors"]
    assert error["message"] == "Person was not found. (nobody)"
    assert error["extensions"] == {"code": "NOT_FOUND"}
    assert error["path"] == ["missing"]


@pytest.mark.parametrize(
    "query",
    [
        "{mee{id}}",
        "{me{nam}}",
        "{echo(txt:1)}",
        "{me{...on Persn{id}}}",
        "{echo(colour:REDD)}",
        "{__typename @skipp}",
        "{echo(note:{titel:1})}",
        "query($c:Colou){echo(colour:$c)}",
    ],
)
async def test_mistake_is_readable_and_suggests_nothing(query: str) -> None:
    response = await ask(Edge(), query)

    assert code(response) == "GRAPHQL_VALIDATION_FAILED"
    assert response.json()["errors"][0]["locations"]
    assert "Did you mean" not in response.text


async def test_bad_variable_suggests_nothing() -> None:
    async with client_of(Edge()) as client:
        response = await client.post(
            "/graphql",
            json={
                "query": "query($c:Colour,$n:NoteInput){echo(colour:$c,note:$n)}",
                "variables": {"c": "REDD", "n": {"titel": "x", "title": "y"}},
            },
        )

    assert code(response) == "BAD_USER_INPUT"
    assert "REDD" in response.text
    assert "Did you mean" not in response.text


# Server-sent events


async def events(response: aiohttp.ClientResponse) -> list[tuple[str, Any]]:
    text = (await response.read()).decode()
    blocks = (
        dict(line.split(": ", 1) for line in b.split("\r\n")) for b in text.split("\r\n\r\n")[:-1]
    )
    return [(block["event"], json.loads(block["data"] or "null")) for block in blocks]


async def stream(edge: Edge, query: str, accept: str = EVENT_STREAM) -> list[tuple[str, Any]]:
    async with (
        serving(edge.app) as address,
        aiohttp.ClientSession() as session,
        session.post(
            f"{address}/graphql", json={"query": query}, headers={"accept": accept}
        ) as response,
    ):
        assert response.status == 200
        assert response.content_type == EVENT_STREAM
        return await events(response)


@pytest.mark.parametrize("accept", [EVENT_STREAM, EVERYTHING])
async def test_subscription_is_a_stream_of_events(accept: str) -> None:
    received = await stream(Edge(), "subscription{count(to:2)}", accept)

    assert received == [
        ("next", {"data": {"count": 0}}),
        ("next", {"data": {"count": 1}}),
        ("complete", None),
    ]


async def test_query_may_be_a_stream_of_one() -> None:
    received = await stream(Edge(), "{me{name}}")

    assert received == [("next", {"data": {"me": {"name": "Sari"}}}), ("complete", None)]


async def test_query_is_one_result_where_both_are_accepted() -> None:
    response = await ask(Edge(), "{__typename}", EVERYTHING)

    assert response.headers["content-type"].startswith(GRAPHQL_RESPONSE)


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE, "*/*"])
async def test_subscription_without_a_stream_is_refused(accept: str) -> None:
    edge = Edge()

    response = await ask(edge, "subscription{endless}", accept)

    assert (response.status_code, code(response)) == (406, "STREAM_REQUIRED")
    assert edge.produced == 0


async def test_stream_masks_its_faults() -> None:
    with structlog.testing.capture_logs() as logs:
        received = await stream(Edge(), "subscription{breaks}")

    assert received[0] == ("next", {"data": {"breaks": 1}})
    assert received[1][1]["errors"][0]["extensions"]["code"] == "INTERNAL"
    assert SECRET not in json.dumps(received)
    assert len(logs) == 1


@pytest.mark.parametrize("query", ["{", "{nothing}", "subscription{nothing}"])
async def test_stream_reports_mistakes_as_an_event(query: str) -> None:
    received = await stream(Edge(), query)

    assert [kind for kind, _ in received] == ["next", "complete"]
    assert list(received[0][1]) == ["errors"]


async def test_stream_that_nobody_reads_stops_its_producer() -> None:
    edge = Edge()
    body = json.dumps({"query": "subscription{endless}"}).encode()
    never = asyncio.Event()
    requests = iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive() -> Any:
        for message in requests:
            return message
        await never.wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await never.wait()

    headers = [(b"content-type", b"application/json"), (b"accept", EVENT_STREAM.encode())]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": headers,
        "asgi": {"spec_version": "2.4"},
    }
    task = asyncio.create_task(edge.view(scope, receive, send))
    # Far more turns of the loop than a producer that is not held back would need.
    for _ in range(2_000):
        await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    # One event is being written, one waits in the queue, one waits for the queue.
    assert 1 <= edge.produced <= 3
    await until(lambda: edge.finished == 1)


async def test_stream_ends_with_its_client() -> None:
    edge = Edge()
    async with serving(edge.app) as address, aiohttp.ClientSession() as session:
        response = await session.post(
            f"{address}/graphql",
            json={"query": "subscription{silent}"},
            headers={"accept": EVENT_STREAM},
        )
        response.close()
        await until(lambda: edge.finished == 1)


# WebSocket


async def test_subscription_over_websocket() -> None:
    edge = Edge()
    async with socket_of(edge, {}) as socket:
        await socket.send_json(subscribe("subscription{count(to:1)}"))
        received = [await socket.receive_json() for _ in range(2)]
        await socket.send_json(subscribe("{viewer}", "2"))
        viewer = await socket.receive_json()

    assert received == [
        {"type": "next", "id": "1", "payload": {"data": {"count": 0}}},
        {"type": "complete", "id": "1"},
    ]
    assert viewer["payload"] == {"data": {"viewer": "sari"}}
    # A context for each operation, and none for the connection.
    assert edge.contexts == 2


async def test_socket_without_init_may_not_subscribe() -> None:
    async with socket_of(Edge()) as socket:
        await socket.send_json(subscribe("{__typename}"))
        await socket.receive()

    assert socket.close_code == 4401


async def test_socket_without_init_is_closed_in_time() -> None:
    edge = Edge(options={"connection_init_timeout": timedelta(milliseconds=10)})
    async with socket_of(edge) as socket:
        await socket.receive()

    assert socket.close_code == 4408


async def test_refused_socket_is_closed() -> None:
    async with socket_of(Edge()) as socket:
        await socket.send_json(
            {"type": "connection_init", "payload": {"Authorization": "Bearer forged"}}
        )
        closed = await socket.receive()

    assert (socket.close_code, closed.extra) == (4401, "The token is not valid.")


async def test_fault_at_connect_is_masked() -> None:
    with structlog.testing.capture_logs() as logs:
        async with socket_of(Edge()) as socket:
            await socket.send_json({"type": "connection_init", "payload": {"fault": True}})
            closed = await socket.receive()

    assert socket.close_code == 4500
    assert logs[0]["id"] in str(closed.extra)
    assert SECRET not in str(closed.extra)


@pytest.mark.parametrize("protocols", [["graphql-ws"], []])
async def test_legacy_protocol_is_off(protocols: list[str]) -> None:
    async with socket_of(Edge(), protocols=protocols) as socket:
        await socket.receive()

    assert socket.close_code == 4406


async def test_socket_of_another_origin_is_refused() -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        async with socket_of(Edge(), {}, origin="https://evil.example"):
            pass
    assert refused.value.status == 403

    edge = Edge(options={"allowed_origins": ["https://front.example"]})
    async with socket_of(edge, {}, origin="https://front.example") as socket:
        assert socket.protocol == "graphql-transport-ws"


async def test_operations_on_a_socket_are_limited() -> None:
    edge = Edge()
    async with socket_of(edge, {}) as socket:
        for number in range(150):
            await socket.send_json(subscribe("subscription{silent}", str(number)))
        refused = [await socket.receive_json() for _ in range(130)]
        await socket.send_json({"type": "complete", "id": "0"})
        await until(lambda: edge.finished == 1)
        await socket.send_json(subscribe("{__typename}", "next"))
        answer = await socket.receive_json()

    assert {message["payload"][0]["extensions"]["code"] for message in refused} == {
        "SUBSCRIPTION_LIMIT"
    }
    assert answer["type"] == "next"
    assert edge.finished == 20


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{nothing}", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription{nothing}", "GRAPHQL_VALIDATION_FAILED"),
        ("{me" + "{boss" * 50 + "{id}" + "}" * 51, "DEPTH_LIMIT"),
        ("query($n:Int!){echo(number:$n)}", "BAD_USER_INPUT"),
    ],
)
async def test_bad_document_ends_its_operation_only(query: str, expected: str) -> None:
    async with socket_of(Edge(), {}) as socket:
        await socket.send_json(subscribe(query))
        refused = await socket.receive_json()
        await socket.send_json(subscribe("{__typename}", "2"))
        answer = await socket.receive_json()

    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", expected)
    assert answer["payload"] == {"data": {"__typename": "Query"}}


async def test_socket_masks_faults_and_presents_the_domains_errors() -> None:
    with structlog.testing.capture_logs() as logs:
        async with socket_of(Edge(), {}) as socket:
            await socket.send_json(subscribe("{missing leak}"))
            both = await socket.receive_json()
            await socket.receive_json()
            await socket.send_json(subscribe("subscription{breaks}"))
            broken = [await socket.receive_json() for _ in range(2)]

    codes = {error["extensions"]["code"] for error in both["payload"]["errors"]}
    assert codes == {"NOT_FOUND", "INTERNAL"}
    assert [message["type"] for message in broken] == ["next", "error"]
    assert broken[1]["payload"][0]["extensions"]["code"] == "INTERNAL"
    assert SECRET not in json.dumps([both, broken])
    assert len(logs) == 2


async def test_introspection_off_is_off_over_every_transport() -> None:
    query = "{__schema{types{name}}}"
    edge = Edge(introspection=False)

    over_http = await ask(edge, query)
    over_events = await stream(edge, query)
    async with socket_of(edge, {}) as socket:
        await socket.send_json(subscribe(query))
        over_socket = await socket.receive_json()

    assert over_http.status_code == 400
    assert list(over_events[0][1]) == ["errors"]
    assert over_socket["type"] == "error"


async def test_socket_that_nobody_reads_stops_its_producer() -> None:
    edge = Edge()
    never = asyncio.Event()
    sent: list[str] = []
    incoming = iter(
        [
            {"type": "websocket.connect"},
            {"type": "websocket.receive", "text": '{"type":"connection_init"}'},
            {
                "type": "websocket.receive",
                "text": json.dumps(subscribe("subscription{endless}")),
            },
        ]
    )

    async def receive() -> Any:
        for message in incoming:
            return message
        await never.wait()

    async def send(message: Any) -> None:
        sent.append(message["type"])
        if "next" in message.get("text", ""):
            await never.wait()

    scope = {
        "type": "websocket",
        "path": "/graphql",
        "query_string": b"",
        "headers": [],
        "subprotocols": ["graphql-transport-ws"],
    }
    task = asyncio.create_task(edge.view(scope, receive, send))
    for _ in range(2_000):
        await asyncio.sleep(0)
    produced = edge.produced
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task

    assert sent == ["websocket.accept", "websocket.send", "websocket.send"]
    assert produced == 1
    assert edge.finished == 1


# GraphiQL


async def test_page_loads_from_this_server_only() -> None:
    edge = Edge()
    page = await get(edge, None, accept=BROWSER)
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'; script-src 'self'" in page.headers["content-security-policy"]
    assert "//" not in "".join(links)
    async with client_of(edge) as client:
        files = {link: await client.get(link) for link in links if link != "data:,"}
    assert len(files) == 6
    for link, file in files.items():
        kind = "javascript" if link.endswith(".js") else "css"
        assert (file.status_code, kind in file.headers["content-type"]) == (200, True)
        assert ("immutable" in file.headers["cache-control"]) is (".min." in link)


async def test_page_follows_the_root_path() -> None:
    transport = httpx.ASGITransport(Edge().app, root_path="/kinerja")
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        page = await client.get("/kinerja/graphql", headers={"accept": BROWSER})

    assert 'src="/kinerja/graphql/assets/page.js"' in page.text


async def test_page_can_be_switched_off() -> None:
    response = await get(Edge(options={"ide": False}), None, accept=BROWSER)

    assert response.status_code == 404


async def test_other_files_are_not_served() -> None:
    async with client_of(Edge()) as client:
        response = await client.get("/graphql/assets/..%2fide.py")

    assert response.status_code == 404


@pytest.mark.parametrize("file", sorted(Path("server/static").glob("*.min.*")), ids=str)
def test_file_of_others_is_named_with_its_licence(file: Path) -> None:
    assert file.name in (file.parent / "THIRD_PARTY.md").read_text(encoding="utf-8")
    assert file.stat().st_size < 3_000_000


@pytest.mark.slow
async def test_graphql_over_http_audits() -> None:
    async with serving(Edge().app) as address:
        audits = await asyncio.to_thread(run_audits, f"{address}/graphql")

    assert len(audits) == 61
    assert [audit for audit in audits if audit.status != "ok"] == []
