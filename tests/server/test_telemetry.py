"""Every request has an id, one line in the log and a place in the metrics; no secret is written."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from server.settings import Settings
from server.telemetry import REGISTRY, TALKATIVE, RequestTelemetry, configure_logging, metrics

TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
log = structlog.get_logger()


@contextmanager
def logging_to(stream: io.StringIO, log_format: str) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    configure_logging(Settings(log_format=log_format), stream)
    logging.getLogger("tests").setLevel(logging.INFO)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        for name in ("tests", *TALKATIVE):
            logging.getLogger(name).setLevel(logging.NOTSET)
        root.setLevel(level)
        structlog.reset_defaults()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged while a test runs, one JSON object a line."""
    stream = io.StringIO()
    with logging_to(stream, "json"):
        yield stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


async def hello(request: Request) -> Response:
    log.info("greeting")
    return JSONResponse({"id": request.state.request_id})


async def broken(request: Request) -> Response:
    raise RuntimeError(f"cannot use Bearer {TOKEN}")


async def stream(request: Request) -> Response:
    async def parts() -> Any:
        yield b"one"
        await asyncio.sleep(0.05)
        yield b"two"

    return StreamingResponse(parts())


async def echo(socket: WebSocket) -> None:
    await socket.accept()
    log.info("accepted")
    await socket.close(4401)


async def refuse(socket: WebSocket) -> None:
    await socket.close()


app = RequestTelemetry(
    Starlette(
        routes=[
            Route("/hello/{name}", hello, methods=["GET", "POST"]),
            Route("/broken", broken),
            Route("/stream", stream),
            Route("/healthz", hello),
            Route("/metrics", metrics),
            WebSocketRoute("/echo", echo),
            WebSocketRoute("/refuse", refuse),
        ]
    )
)


async def ask(path: str, *, method: str = "GET", **more: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, path, **more)


async def connect(path: str, headers: list[tuple[bytes, bytes]] | None = None) -> list[Message]:
    """What the application sends to a socket that connects and goes away."""
    sent: list[Message] = []
    scope: Scope = {
        "type": "websocket",
        "path": path,
        "headers": headers or [],
        "query_string": b"token=" + TOKEN.encode(),
        "subprotocols": [],
        "extensions": {},
    }
    received = iter([{"type": "websocket.connect"}, {"type": "websocket.disconnect"}])

    async def receive() -> Message:
        return next(received)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def sample(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_an_id_is_made_answered_and_bound_into_every_line(written: io.StringIO) -> None:
    response = await ask("/hello/world")

    identifier = response.headers["x-request-id"]
    assert UUID(identifier).version == 7
    assert response.json() == {"id": identifier}
    greeting, request = lines(written)
    assert greeting["request_id"] == request["request_id"] == identifier
    assert (request["event"], request["method"], request["path"], request["status"]) == (
        "request",
        "GET",
        "/hello/world",
        200,
    )
    assert request["ms"] >= 0
    assert request["timestamp"].endswith("Z")


async def test_concurrent_requests_keep_their_ids_apart(written: io.StringIO) -> None:
    names = [f"request-{number}" for number in range(20)]

    answers = await asyncio.gather(
        *(ask("/hello/all", headers={"X-Request-ID": name}) for name in names)
    )

    assert [answer.json()["id"] for answer in answers] == names
    greetings = [line["request_id"] for line in lines(written) if line["event"] == "greeting"]
    assert sorted(greetings) == sorted(names)
    assert "request_id" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\x1b[31m", "{evil}", "é"])
async def test_an_id_that_could_spoil_a_log_is_replaced(given: str, written: io.StringIO) -> None:
    response = await ask("/hello/x", headers=[(b"x-request-id", given.encode("latin-1"))])

    assert UUID(response.headers["x-request-id"]).version == 7


async def test_no_token_query_or_body_is_written(written: io.StringIO) -> None:
    secret = "rahasia-sekali"
    await ask(
        f"/hello/x?query={secret}&token={TOKEN}",
        method="POST",
        headers={"Authorization": f"Bearer {TOKEN}", "Cookie": secret},
        json={"variables": {"nip": secret}},
    )
    await ask("/broken", headers={"Authorization": f"Bearer {TOKEN}"})
    await connect("/echo", [(b"authorization", f"Bearer {TOKEN}".encode())])

    text = written.getvalue()
    assert lines(written)
    assert secret not in text
    assert TOKEN not in text
    assert "eyJ" not in text


def test_what_a_careless_line_holds_is_struck_out(written: io.StringIO) -> None:
    log.info(
        f"with {TOKEN}",
        token_keys="abc",
        headers={"Authorization": "abc", "accept": ["text", f"bearer {TOKEN}"]},
        url="postgresql://app:abc@db.example/x",
    )
    logging.getLogger("a.library").warning("failed for Bearer %s", TOKEN)
    try:
        raise ValueError(TOKEN)
    except ValueError:
        log.exception("failed")

    ours, theirs, fault = lines(written)
    assert ours["event"] == "with [struck out]"
    assert ours["token_keys"] == "[struck out]"
    assert ours["headers"] == {"Authorization": "[struck out]", "accept": ["text", "[struck out]"]}
    assert ours["url"] == "postgresql://[struck out]@db.example/x"
    assert (theirs["level"], theirs["event"]) == ("warning", "failed for [struck out]")
    assert "ValueError: [struck out]" in fault["exception"]


async def test_a_path_cannot_write_a_line_of_its_own() -> None:
    stream = io.StringIO()
    with logging_to(stream, "console"):
        await connect("/hello/x\n2026-11-24 [error] forged \x1b[31m\udcff\x00")

    (line,) = stream.getvalue().splitlines()
    assert "/hello/x%0A2026" in line
    assert "\x1b[31m" not in line.partition("forged")[2]


async def test_a_fault_counts_as_500_and_is_passed_on(written: io.StringIO) -> None:
    labels = {"method": "GET", "route": "/broken", "status": "500"}
    before = sample("ekinerja_http_requests_total", **labels)

    with pytest.raises(RuntimeError):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://test"
        ) as client:
            await client.get("/broken")

    assert sample("ekinerja_http_requests_total", **labels) == before + 1
    assert lines(written)[-1]["status"] == 500


async def test_requests_are_counted_by_template_not_by_address(written: io.StringIO) -> None:
    labels = {"method": "GET", "route": "/hello/{name}", "status": "200"}
    before = sample("ekinerja_http_requests_total", **labels)
    unmatched = {"method": "OTHER", "route": "unmatched", "status": "404"}
    others = sample("ekinerja_http_requests_total", **unmatched)

    await asyncio.gather(*(ask(f"/hello/{number}") for number in range(5)))
    await ask("/wp-admin", method="BREW")
    await ask("/xmlrpc", method="STEEP")

    assert sample("ekinerja_http_requests_total", **labels) == before + 5
    assert sample("ekinerja_http_requests_total", **unmatched) == others + 2
    assert "/hello/1" not in (await ask("/metrics")).text


async def test_a_stream_counts_until_its_first_byte_and_is_logged_to_its_last(
    written: io.StringIO,
) -> None:
    labels = {"route": "/stream", "status": "200"}
    seconds = sample("ekinerja_http_request_seconds_sum", **labels)
    count = sample("ekinerja_http_request_seconds_count", **labels)

    await ask("/stream")

    assert sample("ekinerja_http_request_seconds_count", **labels) == count + 1
    waited = sample("ekinerja_http_request_seconds_sum", **labels) - seconds
    assert waited * 1000 < lines(written)[-1]["ms"]


@pytest.mark.parametrize(
    ("path", "status", "close"), [("/echo", 101, 4401), ("/refuse", 403, 1000)]
)
async def test_a_socket_has_an_id_a_line_and_a_count(
    path: str, status: int, close: int, written: io.StringIO
) -> None:
    labels = {"method": "WEBSOCKET", "route": path, "status": str(status)}
    before = sample("ekinerja_http_requests_total", **labels)

    sent = await connect(path, [(b"x-request-id", b"socket-1")])

    if status == 101:
        assert (b"x-request-id", b"socket-1") in sent[0]["headers"]
    line = lines(written)[-1]
    assert (line["request_id"], line["status"], line["close_code"]) == ("socket-1", status, close)
    assert sample("ekinerja_http_requests_total", **labels) == before + 1


async def test_a_client_that_leaves_before_the_answer_counts_as_499(written: io.StringIO) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        return

    scope: Scope = {"type": "http", "method": "GET", "path": "/gone", "headers": []}

    await RequestTelemetry(silent)(scope, lines, lines)  # type: ignore[arg-type]

    assert lines(written)[-1]["status"] == 499


async def test_other_scopes_pass_untouched() -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    await RequestTelemetry(inner)({"type": "lifespan"}, lines, lines)  # type: ignore[arg-type]

    assert seen == [{"type": "lifespan"}]


async def test_questions_of_machines_are_counted_but_not_logged(written: io.StringIO) -> None:
    await ask("/metrics")

    assert not written.getvalue()


async def test_metrics_are_in_the_text_format_and_hold_ours() -> None:
    response = await ask("/metrics")

    assert response.headers["content-type"].startswith("text/plain")
    for name in (
        "ekinerja_http_requests_total",
        "ekinerja_http_request_seconds_bucket",
        "ekinerja_open_subscriptions",
        "ekinerja_events_stamped_total",
        "ekinerja_inbox_waiting",
        "ekinerja_dead_letters_open",
        "process_resident_memory_bytes",
    ):
        assert f"\n{name}" in response.text
