"""Attacks on GraphQL at the real server, over HTTP and WebSocket: each is refused in clear words,
none is a 5xx or a fault in the log, and the next request is served.
"""

import json
from base64 import b64encode
from io import BytesIO
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.acceptance.conftest import INTERNALS, Attacked

RESPONSE = "application/graphql-response+json"
JSON = "application/json"
MEBIBYTE = 1024 * 1024


def global_id(text: str) -> str:
    return b64encode(text.encode()).decode()


def bomb(fragments: int = 60) -> str:
    chain = [f"fragment f{n} on Employee {{ ...f{n + 1} ...f{n + 1} }}" for n in range(fragments)]
    last = f"fragment f{fragments} on Employee {{ id }}"
    return "\n".join(["{ viewer { employee { ...f0 } } }", *chain, last])


DOCUMENTS: dict[str, str] = {
    "101 aliases": "{" + " ".join(f"a{n}: __typename" for n in range(101)) + "}",
    "50 levels": "{ viewer { employee" + " { appraiser" * 50 + " { id }" + "}" * 52,
    "a cycle of fragments": "{ viewer { employee { ...A } } }"
    "fragment A on Employee { appraiser { ...B } } fragment B on Employee { appraiser { ...A } }",
    "the bomb of 60 fragments": bomb(),
    "aliases through a fragment": '{ agency(code: "6305") { units { ...F children { ...F }'
    " parent { ...F } path { ...F } } } } fragment F on Unit {"
    + " ".join(f"a{n}: name" for n in range(10))
    + "}",
    "5,000 directives": "{ __typename" + " @include(if: true)" * 5_000 + " }",
    "unknown directives": "{ __typename" + " @unknown" * 40 + " }",
    "200 inline fragments of 200 fields": "{ viewer {"
    + ("... { " + "unreadCount " * 200 + "}") * 200
    + "} }",
    "a field 20,000 times": "{ viewer { " + "unreadCount " * 20_000 + "} }",
    "a costly tree": '{ agency(code: "6305") { units { children { children { children {'
    " employees(first: 100) { edges { node { subordinates { subordinates { id } } } } }"
    " } } } } } }",
    "circular introspection": "{ __schema { types { fields { type { fields { type { fields {"
    " type { name } } } } } } } } }",
    "a field that is not there": "{ viewr { unreadCount } }",
    "an argument that is not there": '{ employee(nap: "1") { id } }',
    "no document": "}{",
    "brackets": "{" * 1_000,
    "NUL in a literal": '{ employee(nip: "\\u0000") { id } }',
    "a lone surrogate in a literal": '{ employee(nip: "\\ud800") { id } }',
    "5,000 digits in a literal": "{ viewer { pendingRecords(first: "
    + "1" * 5_000
    + ") { totalCount } } }",
    "1e400 in a literal": "{ viewer { pendingRecords(first: 1e400) { totalCount } } }",
    "an id that is no id": '{ target(id: "\\"; DROP TABLE target; --") { id } }',
    "a day that is none": '{ team(on: "2026-13-45") { on } }',
    "a page of a million": "{ viewer { pendingRecords(first: 1000000) { totalCount } } }",
    "a page of nothing": "{ viewer { pendingRecords(first: -1) { totalCount } } }",
    "a cursor of garbage": '{ viewer { pendingRecords(after: "%%%") { totalCount } } }',
    "a calendar of 8,000 years": "{ viewer { employee { calendar("
    'from: "0001-01-01", to: "9999-12-31") { on } } } }',
    "two operations and no name": "query A { __typename } mutation B { __typename }",
}

# What is not there, and what is another type than asked for, is the same answer.
NOBODY = "00000000-0000-7000-8000-000000000000"
ABSENT: dict[str, str] = {
    "a target that is a unit": f'{{ target(id: "{global_id(f"Unit:{NOBODY}")}") {{ id }} }}',
    "a target that is not there": f'{{ target(id: "{global_id(f"Target:{NOBODY}")}") {{ id }} }}',
    "a key that is none": f'{{ target(id: "{global_id("Target:1 OR 1=1")}") {{ id }} }}',
    "a node of no type": f'{{ node(id: "{global_id("PublicUser:1")}") {{ id }} }}',
    "a node that is not there": f'{{ node(id: "{global_id(f"Employee:{NOBODY}")}") {{ id }} }}',
}

VARIABLES: dict[str, tuple[str, str]] = {
    "2^31": ("Int", "2147483648"),
    "5,000 digits": ("Int", "1" * 5_000),
    "minus 5,000 digits": ("Int", "-" + "1" * 5_000),
    "NaN": ("Int", "NaN"),
    "1e400": ("Int", "1e400"),
    "half": ("Int", "0.5"),
    "NUL": ("String", r'"a\u0000b"'),
    "a lone surrogate": ("String", r'"\ud800"'),
    "an object for a text": ("String", '{"a": 1}'),
    "too many levels": ("String", "[" * 900 + "]" * 900),
}
ENTRY = {
    "startsAt": "2026-11-02T01:00:00Z",
    "endsAt": "2026-11-02T02:00:00Z",
    "description": "Menyusun laporan",
}
ENTRIES: dict[str, dict[str, Any]] = {
    "a state of the client's own": {"state": "CONFIRMED"},
    "another person's name": {"employee": global_id("Employee:1")},
    "no time zone": {"startsAt": "2026-11-02T01:00:00"},
    "the year 1": {"startsAt": "0001-01-01T00:00:00+14:00"},
    "the year 9999": {"endsAt": "9999-12-31T23:59:59-14:00"},
    "an end before the start": {"endsAt": "2026-11-01T01:00:00Z"},
    "a month of work": {"startsAt": "2026-10-02T01:00:00Z"},
    "no words": {"description": " "},
    "words without end": {"description": "a" * 100_000},
    "a category without end": {"category": "a" * 100_000},
    "a quantity without a target": {"quantity": "1"},
    "NaN": {"quantity": "NaN"},
    "infinity": {"quantity": "-Infinity"},
    "a million zeros": {"quantity": "1e1000000"},
    "an id of garbage": {"target": "a" * 1_000},
    "a target that is not there": {"target": global_id(f"Target:{NOBODY}")},
    "a link that runs": {"evidence": [{"title": "a", "url": "javascript:alert(1)"}]},
    "a link that breaks": {"evidence": [{"title": "a", "url": "http://[::1"}]},
}
LOG = """
mutation ($input: LogProgressInput!) { logProgress(input: $input) {
  record { id } userErrors { code field message } } }
"""

BODIES: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "a number": (b"1", 400),
    "null": (b"null", 400),
    "a text": (b'"x"', 400),
    "no UTF-8": (b"\xff", 400),
    "brackets": (b"[" * 100_000, 400),
    "a batch": (b"[" + b",".join([b'{"query":"{__typename}"}'] * 10) + b"]", 400),
    "10 MiB": (b'{"query":"' + b"a" * 10 * MEBIBYTE + b'"}', 413),
}
KINDS = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", "x")


async def post(attacked: Attacked, body: bytes, **headers: str) -> tuple[int, str]:
    """The status and text of an answer; of a refusal that comes before all is sent, too."""
    given = {"content-type": JSON, "accept": RESPONSE} | attacked.employee.headers
    async with attacked.session.post(
        attacked.url,
        data=BytesIO(body),
        headers=given | {k.replace("_", "-"): v for k, v in headers.items()},
    ) as answer:
        return answer.status, await answer.text()


def check_refused(status: int, text: str) -> None:
    """A 4xx, errors, or the userErrors of a mutation; in words that tell nothing of our inside."""
    assert status < 500, text
    assert not INTERNALS.search(text), text
    said = json.loads(text)
    if "errors" in said:
        for error in said["errors"]:
            assert error["extensions"]["code"], error
            assert error["message"]
            assert "Did you mean" not in error["message"]
        return
    assert status == 200, text
    (payload,) = said["data"].values()
    assert payload["userErrors"], text


@pytest.mark.parametrize("name", DOCUMENTS)
async def test_document_is_refused_and_the_next_is_served(attacked: Attacked, name: str) -> None:
    with attacked.unshaken():
        status, text = await post(attacked, json.dumps({"query": DOCUMENTS[name]}).encode())

        check_refused(status, text)
        await attacked.serves()


@pytest.mark.parametrize("name", ABSENT)
async def test_what_is_not_there_is_null(attacked: Attacked, name: str) -> None:
    with attacked.unshaken():
        data = await attacked.employee.ask(ABSENT[name])

    assert list(data.values()) == [None]


@pytest.mark.parametrize("name", VARIABLES)
async def test_variable_is_refused_and_the_next_is_served(attacked: Attacked, name: str) -> None:
    kind, value = VARIABLES[name]
    field = {"Int": "first", "String": "after"}[kind]
    query = f"query($v: {kind}) {{ viewer {{ pendingRecords({field}: $v) {{ totalCount }} }} }}"
    body = f'{{"query": {json.dumps(query)}, "variables": {{"v": {value}}}}}'

    with attacked.unshaken():
        status, text = await post(attacked, body.encode())

        check_refused(status, text)
        assert status == 400
        await attacked.serves()


@pytest.mark.parametrize("name", ENTRIES)
async def test_entry_is_refused_and_stores_nothing(attacked: Attacked, name: str) -> None:
    variables = {"input": ENTRY | ENTRIES[name]}

    with attacked.unshaken():
        status, text = await post(
            attacked, json.dumps({"query": LOG, "variables": variables}).encode()
        )
        log = await attacked.employee.ask(
            '{ viewer { employee { calendar(from: "2026-10-01", to: "2026-11-30") {'
            " recordedMinutes } } } }"
        )

    check_refused(status, text)
    days = log["viewer"]["employee"]["calendar"]
    assert sum(day["recordedMinutes"] for day in days) == 0


@pytest.mark.parametrize("name", BODIES)
async def test_body_is_refused_and_the_next_is_served(attacked: Attacked, name: str) -> None:
    body, expected = BODIES[name]

    with attacked.unshaken():
        status, text = await post(attacked, body)

        check_refused(status, text)
        assert status == expected
        await attacked.serves()


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_form_of_another_site_can_send_is_refused(
    attacked: Attacked, kind: str
) -> None:
    with attacked.unshaken():
        status, text = await post(attacked, b'{"query":"{__typename}"}', content_type=kind)

    check_refused(status, text)
    assert status == 415


async def test_mutation_by_get_is_refused(attacked: Attacked) -> None:
    params = {
        "query": 'mutation { dismissProgress(input: {id: "a", reason: "b"}) { record { id } } }'
    }

    with attacked.unshaken():
        async with attacked.session.get(
            attacked.url, params=params, headers=attacked.employee.headers
        ) as answer:
            status = answer.status

    assert status == 405


@pytest.mark.parametrize(
    "path", ["/%00", "/graphql%00", "/connectors/%00/webhook", "/%ff", "/..%2f"]
)
async def test_path_that_is_none_is_not_found(attacked: Attacked, path: str) -> None:
    with attacked.unshaken():
        async with attacked.session.get(attacked.server.url + path) as answer:
            status = answer.status

    assert status in (404, 405)


async def test_forged_host_moves_no_address(attacked: Attacked) -> None:
    with attacked.unshaken():
        async with attacked.session.get(
            attacked.server.url, headers={"Host": "x/admin?"}, allow_redirects=False
        ) as answer:
            status, location = answer.status, answer.headers.get("location")

    assert status == 400 or location == "/graphql"


async def test_socket_refuses_what_http_refuses_and_goes_on(attacked: Attacked) -> None:
    names = ("the bomb of 60 fragments", "101 aliases", "NUL in a literal", "50 levels")

    with attacked.unshaken():
        async with attacked.employee.socket() as socket:
            for name in names:
                payload = {"query": DOCUMENTS[name]}
                await socket.send_json({"id": name, "type": "subscribe", "payload": payload})
                message = await socket.receive_json(timeout=20)
                assert (message["id"], message["type"]) == (name, "error")
                check_refused(200, json.dumps({"errors": message["payload"]}))
            payload = {"query": "{ viewer { unreadCount } }"}
            await socket.send_json({"id": "last", "type": "subscribe", "payload": payload})
            message = await socket.receive_json(timeout=20)

    assert message["payload"]["data"] == {"viewer": {"unreadCount": 0}}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"type": "\\u0000"}',
        '{"id": "1", "type": "subscribe"}',
        '{"type": ' + "1" * 5_000 + "}",
        "[" * 100_000,
        '{"id": "' + "a" * 600_000 + '"}',
    ],
    ids=["half", "list", "NUL", "no payload", "digits", "brackets", "600 kB"],
)
async def test_message_of_garbage_closes_only_its_socket(attacked: Attacked, text: str) -> None:
    with attacked.unshaken():
        async with attacked.employee.socket() as socket:
            await socket.send_str(text)
            message = await socket.receive(timeout=20)
        await attacked.serves()

    assert message.type in (WSMsgType.CLOSE, WSMsgType.CLOSED)
    assert socket.close_code in (1009, 4400)


async def test_operation_before_the_introduction_is_unauthorized(attacked: Attacked) -> None:
    with attacked.unshaken():
        async with attacked.session.ws_connect(
            attacked.url, protocols=["graphql-transport-ws"]
        ) as socket:
            payload = {"query": "{ __typename }"}
            await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
            await socket.receive(timeout=20)

    assert socket.close_code == 4401


async def test_socket_of_another_site_is_refused(attacked: Attacked) -> None:
    with attacked.unshaken(), pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await attacked.session.ws_connect(
            attacked.url, protocols=["graphql-transport-ws"], origin="https://evil.example"
        )

    assert refused.value.status == 403


async def test_old_protocol_is_not_spoken(attacked: Attacked) -> None:
    with attacked.unshaken():
        async with attacked.session.ws_connect(attacked.url, protocols=["graphql-ws"]) as socket:
            await socket.receive(timeout=20)

    assert socket.protocol is None
    assert socket.close_code == 4406


async def test_flood_of_subscriptions_is_capped_and_others_are_served(attacked: Attacked) -> None:
    payload = {"query": "subscription { teamUpdates { cursor } }"}

    with attacked.unshaken():
        async with attacked.employee.socket() as socket:
            for number in range(150):
                await socket.send_json({"id": str(number), "type": "subscribe", "payload": payload})
            answers = [await socket.receive_json(timeout=20) for _ in range(150)]
            await attacked.serves()

    kinds = [answer["type"] for answer in answers]
    assert kinds.count("next") == 20
    assert kinds.count("error") == 130


async def test_silent_sockets_hold_nobody_up(attacked: Attacked) -> None:
    with attacked.unshaken():
        sockets = [
            await attacked.session.ws_connect(attacked.url, protocols=["graphql-transport-ws"])
            for _ in range(100)
        ]
        await attacked.serves()
        for socket in sockets:
            await socket.close()


async def test_metrics_count_what_waits_in_the_database(attacked: Attacked) -> None:
    async with attacked.session.get(f"{attacked.server.url}/metrics") as response:
        text = await response.text()

    assert response.status == 200
    assert "\nekinerja_inbox_waiting " in text
    assert "\nekinerja_dead_letters_open " in text
