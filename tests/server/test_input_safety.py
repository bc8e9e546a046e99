"""Input that nothing can hold or read: a clear refusal, never a 5xx, and the next is served."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from server.strings import MalformedInput, decode_json
from tests.server.edge_schema import Edge, socket_of

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
ECHO = "query($text:String,$id:ID,$note:NoteInput,$number:Int,$ratio:Float)" + (
    "{echo(text:$text,id:$id,note:$note,number:$number,ratio:$ratio)}"
)


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Edge().app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def post(client: httpx.AsyncClient, body: bytes, accept: str = RESPONSE) -> httpx.Response:
    headers = {"content-type": JSON, "accept": accept}
    return await client.post("/graphql", content=body, headers=headers)


def code(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


def with_variables(variables: str) -> bytes:
    return f'{{"query": {json.dumps(ECHO)}, "variables": {variables}}}'.encode()


def with_query(query: str) -> bytes:
    return json.dumps({"query": query}).encode()


BAD_BODIES: dict[str, tuple[bytes, int, str]] = {
    "nothing": (b"", 400, "BAD_REQUEST"),
    "a number": (b"1", 400, "BAD_REQUEST"),
    "null": (b"null", 400, "BAD_REQUEST"),
    "a text": (b'"x"', 400, "BAD_REQUEST"),
    "not UTF-8": (b"\xff", 400, "BAD_REQUEST"),
    "UTF-16": ('{"query":"{__typename}"}'.encode("utf-16"), 400, "BAD_REQUEST"),
    "100,000 brackets": (b"[" * 100_000, 400, "BAD_REQUEST"),
    "900 levels": (b'{"query":' + b"[" * 900 + b"]" * 900 + b"}", 400, "BAD_REQUEST"),
    "an empty batch": (b"[]", 400, "BAD_REQUEST"),
    "a batch": (b"[" + b",".join([with_query("{__typename}")] * 10) + b"]", 400, "BAD_REQUEST"),
    "no query": (b"{}", 400, "BAD_REQUEST"),
    "an empty query": (with_query(""), 400, "BAD_REQUEST"),
    "a query of digits": (b'{"query":' + b"1" * 5000 + b"}", 400, "BAD_REQUEST"),
    "5,000 digits": (with_variables('{"number":' + "1" * 5000 + "}"), 400, "BAD_REQUEST"),
    "NaN": (with_variables('{"ratio":NaN}'), 400, "BAD_REQUEST"),
    "Infinity": (with_variables('{"ratio":-Infinity}'), 400, "BAD_REQUEST"),
    "1e400": (with_variables('{"ratio":1e400}'), 400, "BAD_REQUEST"),
    "2^31 for Int": (with_variables('{"number":2147483648}'), 400, "BAD_USER_INPUT"),
    "2^64 for Int": (with_variables('{"number":18446744073709551616}'), 400, "BAD_USER_INPUT"),
    "NUL for String": (with_variables(r'{"text":"a\u0000b"}'), 400, "BAD_USER_INPUT"),
    "NUL for ID": (with_variables(r'{"id":"\u0000"}'), 400, "BAD_USER_INPUT"),
    "NUL in a list": (
        with_variables(r'{"note":{"title":"t","tags":["a","\u0000"]}}'),
        400,
        "BAD_USER_INPUT",
    ),
    "NUL inside JSON": (
        with_variables(r'{"note":{"title":"t","details":{"a":[{"b":"\u0000"}]}}}'),
        400,
        "BAD_USER_INPUT",
    ),
    "NUL in a name inside JSON": (
        with_variables(r'{"note":{"title":"t","details":{"\u0000":1}}}'),
        400,
        "BAD_USER_INPUT",
    ),
    "a lone surrogate": (with_variables(r'{"text":"\ud800"}'), 400, "BAD_USER_INPUT"),
    "a low one": (with_variables(r'{"text":"\udfff x"}'), 400, "BAD_USER_INPUT"),
    "a lone surrogate and NaN": (
        with_variables(r'{"text":"\ud800","ratio":NaN,"number":' + "1" * 5000 + "}"),
        400,
        "BAD_REQUEST",
    ),
    "a lone surrogate deep down": (
        with_variables(r'{"text":"\ud800","note":' + "[" * 99_000 + "}"),
        400,
        "BAD_REQUEST",
    ),
    "a lone surrogate in the query": (b'{"query":"{__typename} #\\ud800"}', 400, "BAD_USER_INPUT"),
    "a lone surrogate for the operation": (
        b'{"query":"{__typename}","operationName":"\\udc00"}',
        400,
        "BAD_USER_INPUT",
    ),
    "NUL in a literal": (with_query(r'{echo(text:"\u0000")}'), 400, "BAD_USER_INPUT"),
    "NUL in braces in a literal": (with_query(r'{echo(text:"\u{0}")}'), 400, "BAD_USER_INPUT"),
    "NUL in a literal inside JSON": (
        with_query(r'{echo(note:{title:"t",details:{a:["\u0000"]}})}'),
        400,
        "BAD_USER_INPUT",
    ),
    "NUL in a default": (
        with_query(r'query($t:String="\u0000"){echo(text:$t)}'),
        400,
        "BAD_USER_INPUT",
    ),
    "a lone surrogate in a literal": (
        with_query(r'{echo(text:"\ud800")}'),
        400,
        "GRAPHQL_PARSE_FAILED",
    ),
    "5,000 digits in a literal": (
        with_query("{echo(number:" + "1" * 5000 + ")}"),
        400,
        "BAD_USER_INPUT",
    ),
    "5,000 digits for an ID": (
        with_query("{echo(id:" + "1" * 5000 + ")}"),
        400,
        "BAD_USER_INPUT",
    ),
    "5,000 digits for a page": (
        with_query("{me{colleagues(first:" + "1" * 5000 + "){nodes{id}}}}"),
        400,
        "BAD_USER_INPUT",
    ),
    "1e400 in a literal": (with_query("{echo(ratio:1e400)}"), 400, "BAD_USER_INPUT"),
    "2^31 in a literal": (
        with_query("{echo(number:2147483648)}"),
        400,
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "an unknown input field": (
        with_variables('{"note":{"title":"t","ownerId":"1"}}'),
        400,
        "BAD_USER_INPUT",
    ),
    "10 MB": (with_query("{echo(text:" + json.dumps("x" * 10_000_000) + ")}"), 413, ""),
}


@pytest.mark.parametrize(("body", "status", "expected"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
async def test_bad_body_is_refused_and_the_next_request_served(
    client: httpx.AsyncClient, body: bytes, status: int, expected: str
) -> None:
    refused = await post(client, body)
    after = await post(client, with_variables('{"text":"Rapat 🏛 ½"}'))

    assert refused.status_code == status
    assert code(refused) == (expected or "PAYLOAD_TOO_LARGE")
    assert "data" not in refused.json()
    assert refused.headers["content-type"].startswith(RESPONSE)
    assert after.json() == {"data": {"echo": "Rapat 🏛 ½"}}


@pytest.mark.parametrize("body", [case[0] for case in BAD_BODIES.values()], ids=BAD_BODIES.keys())
async def test_bad_body_is_no_server_error_for_older_clients(
    client: httpx.AsyncClient, body: bytes
) -> None:
    response = await post(client, body, JSON)

    # By the legacy media type, a document's faults come with 200.
    assert response.status_code in (200, 400, 413)
    assert response.json()["errors"]
    assert response.headers["content-type"].startswith(JSON)


async def test_refusal_says_where_the_text_is(client: httpx.AsyncClient) -> None:
    response = await post(client, with_variables(r'{"note":{"title":"t","tags":["a","\ud800"]}}'))

    assert response.json()["errors"][0]["message"] == (
        "variables.note.tags.1 contains a lone surrogate."
    )


@pytest.mark.parametrize(
    "params",
    [
        {"query": "{__typename}", "variables": "[" * 5000},
        {"query": "{__typename}", "variables": "1"},
        {"query": "{__typename}", "variables": r'{"a":"\ud800"}'},
        {"query": "{__typename}\0"},
        {"query": "{__typename}", "operationName": "\0"},
        {"query": "{__typename}", "extensions": "NaN"},
        {"query": ""},
    ],
)
async def test_bad_query_string_is_refused(
    client: httpx.AsyncClient, params: dict[str, str]
) -> None:
    response = await client.get("/graphql", params=params)

    assert response.status_code == 400
    assert code(response) in ("BAD_REQUEST", "BAD_USER_INPUT")


async def test_body_is_counted_where_its_length_is_not_declared() -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b" " * 1024

    transport = httpx.ASGITransport(Edge(options={"max_body_bytes": 10 * 1024}).app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        response = await client.post("/graphql", content=endless(), headers={"content-type": JSON})

    assert response.status_code == 413
    assert sent <= 12


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000, "²"])
async def test_odd_content_length_is_no_server_error(length: str) -> None:
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": with_query("{__typename}"), "more_body": False}

    async def send(message: Any) -> None:
        messages.append(message)

    headers = [(b"content-type", b"application/json"), (b"content-length", length.encode("utf-8"))]
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": headers,
    }

    await Edge().view(scope, receive, send)

    assert messages[0]["status"] in (200, 413)


STREAM_FAULTS = [
    ({"query": ECHO, "variables": {"text": "a\0b"}}, "BAD_USER_INPUT"),
    ({"query": ECHO, "variables": {"note": {"title": "\ud800"}}}, "BAD_USER_INPUT"),
    ({"query": '{echo(text:"\\u0000")}'}, "BAD_USER_INPUT"),
    ({"query": ECHO, "variables": {"number": 2**31}}, "BAD_USER_INPUT"),
    ({"query": "{echo(number:" + "1" * 5000 + ")}"}, "BAD_USER_INPUT"),
    ({"query": "{__typename}", "variables": [1]}, "BAD_REQUEST"),
    ({"query": 1}, "BAD_REQUEST"),
]


@pytest.mark.parametrize(("payload", "expected"), STREAM_FAULTS)
async def test_bad_text_over_server_sent_events(
    client: httpx.AsyncClient, payload: dict[str, Any], expected: str
) -> None:
    response = await post(client, json.dumps(payload).encode(), "text/event-stream")

    assert response.status_code in (200, 400)
    assert f'"code":"{expected}"' in response.text


async def test_bad_text_over_websocket_ends_its_operation_only() -> None:
    async with socket_of(Edge(), {}) as socket:
        codes = []
        for number, (payload, _) in enumerate(STREAM_FAULTS):
            await socket.send_json({"type": "subscribe", "id": f"bad{number}", "payload": payload})
            answer = await socket.receive_json()
            assert (answer["type"], answer["id"]) == ("error", f"bad{number}")
            codes.append(answer["payload"][0]["extensions"]["code"])
        await socket.send_json(
            {"type": "subscribe", "id": "good", "payload": {"query": "{__typename}"}}
        )
        good = await socket.receive_json()

    assert codes == [expected for _, expected in STREAM_FAULTS]
    assert good["payload"] == {"data": {"__typename": "Query"}}


@pytest.mark.parametrize(
    "text",
    [
        "1",
        "null",
        "[]",
        "{",
        "NaN",
        "[" * 100000,
        '{"type":1}',
        '{"id":[],"type":"subscribe"}',
        '{"id":"","type":"complete"}',
        '{"type":"subscribe","id":"\\ud800","payload":{}}',
        "{}",
    ],
)
async def test_bad_message_closes_the_socket(text: str) -> None:
    async with socket_of(Edge(), {}) as socket:
        await socket.send_str(text)
        message = await socket.receive()

    assert message.type is aiohttp.WSMsgType.CLOSE
    assert socket.close_code == 4400


async def test_long_message_closes_the_socket() -> None:
    async with socket_of(Edge()) as socket:
        await socket.send_json({"type": "connection_init", "payload": {"x": "x" * 300_000}})
        await socket.receive()

    assert socket.close_code == 1009


def test_numbers_keep_their_kind() -> None:
    assert decode_json('{"a":[1,2.5,"3"]}') == {"a": [1, 2.5, "3"]}


def test_nesting_is_bounded_without_recursion() -> None:
    assert decode_json("[" * 64 + "]" * 64)
    with pytest.raises(MalformedInput, match="64 levels"):
        decode_json("[" * 65 + "]" * 65)
