"""Forged tokens, forged webhooks and broken case files at the real system: each is refused, with
words that help, and the next request is served.
"""

import asyncio
import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ekinerja_connectors.testing.signing import sign
from joserfc import jws
from joserfc.jwk import ECKey

from schema.values import utc_now
from server.settings import settings_from
from server.token_keys import DEVELOPMENT_KEY_NAME, DevelopmentKey
from tests.acceptance.conftest import CASE, EMPLOYEE, Attacked
from tests.feeding import OTHER_SECRET, SECRET
from tests.processes import Client, command, environment, token_of

BODY = b'[{"id": "D-1", "nip": "198108152005041997"}]'
MINUTE = timedelta(minutes=1)


def key_of(folder: Path) -> ECKey:
    """The development key, private part and all: what only a thief of the file would have."""
    return ECKey.import_key(json.loads((folder / DEVELOPMENT_KEY_NAME).read_text()))


def signed(
    folder: Path,
    *,
    header: Mapping[str, Any] | None = None,
    key: ECKey | None = None,
    **claims: Any,
) -> str:
    """A token as the server would issue it, but for what is given."""
    own, now = key_of(folder), int(utc_now().timestamp())
    head = {"alg": "ES256", "typ": "at+jwt", "kid": own.thumbprint(), **(header or {})}
    body = {
        "iss": "ekinerja",
        "aud": "ekinerja",
        "sub": EMPLOYEE,
        "iat": now,
        "exp": now + 3_600,
        **claims,
    }
    said = json.dumps({name: value for name, value in body.items() if value is not None})
    return jws.serialize_compact(head, said, key or own, algorithms=["ES256"])


def relabelled(head: str, algorithm: str) -> str:
    """A token's first part that names another algorithm."""
    said = json.loads(urlsafe_b64decode(head + "=="))
    return encoded(json.dumps(said | {"alg": algorithm}).encode())


def with_hmac(head: str, payload: str, secret: bytes) -> str:
    digest = hmac.digest(secret, f"{head}.{payload}".encode(), "sha256")
    return f"{head}.{payload}.{encoded(digest)}"


def encoded(part: bytes) -> str:
    return urlsafe_b64encode(part).rstrip(b"=").decode()


def forged_tokens(folder: Path) -> dict[str, str]:
    now = int(utc_now().timestamp())
    good = token_of(folder, EMPLOYEE)
    head, payload, signature = good.split(".")
    public = json.dumps(key_of(folder).as_dict(private=False)).encode()
    expired = DevelopmentKey(settings_from({"EKINERJA_DATA": str(folder)})).issue(
        EMPLOYEE, timedelta(seconds=-1)
    )
    return {
        "expired": expired,
        "expired a second ago": signed(folder, exp=now - 1),
        "without an end": signed(folder, exp=None),
        "without end": signed(folder, exp=10**400),
        "not yet valid": signed(folder, nbf=now + 3_600),
        "of another issuer": signed(folder, iss="https://evil.example"),
        "for another audience": signed(folder, aud="another"),
        "for nobody": signed(folder, sub=None),
        "an ID token": signed(folder, header={"typ": "JWT"}),
        "of another key": signed(folder, key=ECKey.generate_key("P-256")),
        "of no algorithm": f"{relabelled(head, 'none')}.{payload}.",
        "of the public key as a secret": with_hmac(relabelled(head, "HS256"), payload, public),
        "of another subject": f"{head}.{signed(folder, sub='administrator').split('.')[1]}."
        f"{signature}",
        "without a signature": f"{head}.{payload}.",
        "garbage": "a.b.c",
        "9 kB": "a" * 9_000,
        "a NUL": signed(folder, sub="a\x00b"),
    }


async def test_forged_token_is_refused_over_http_and_socket(attacked: Attacked) -> None:
    good = signed(attacked.folder)

    with attacked.unshaken():
        assert await admitted(attacked, good) == (200, 1000), "what is forged below is right here"
        for name, token in forged_tokens(attacked.folder).items():
            assert await admitted(attacked, token) == (401, 4401), name
        await attacked.serves()


async def admitted(attacked: Attacked, token: str) -> tuple[int, int | None]:
    """The status of a request with this token, and the code that a socket with it ends with."""
    client = Client(attacked.session, attacked.server.url, token)
    async with attacked.session.post(
        attacked.url,
        json={"query": "{ viewer { unreadCount } }"},
        headers=client.headers | {"accept": "application/graphql-response+json"},
    ) as answer:
        status = answer.status
    async with attacked.session.ws_connect(
        attacked.url, protocols=["graphql-transport-ws"]
    ) as socket:
        await socket.send_json({"type": "connection_init", "payload": client.headers})
        await socket.receive(timeout=20)
        await socket.close()
    return status, socket.close_code


async def test_request_without_a_token_sees_nobody(attacked: Attacked) -> None:
    with attacked.unshaken():
        async with attacked.session.post(
            attacked.url, json={"query": f'{{ employee(nip: "{EMPLOYEE}") {{ name }} }}'}
        ) as answer:
            said = await answer.json()

    assert said["data"] == {"employee": None}
    assert said["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def deliver(attacked: Attacked, body: bytes, headers: Mapping[str, str]) -> int:
    async with attacked.session.post(attacked.webhook, data=body, headers=headers) as answer:
        await answer.read()
        return answer.status


async def test_webhook_with_a_wrong_signature_is_refused(attacked: Attacked) -> None:
    now = utc_now()
    right = sign(SECRET, "msg_right", now, BODY)
    forged = {
        "another secret": (sign(OTHER_SECRET, "msg_1", now, BODY), BODY, 401),
        "one byte changed": (sign(SECRET, "msg_2", now, BODY), BODY.replace(b"1", b"2", 1), 401),
        "another id": (right | {"webhook-id": "msg_3"}, BODY, 401),
        "six minutes old": (sign(SECRET, "msg_4", now - 6 * MINUTE, BODY), BODY, 401),
        "six minutes early": (sign(SECRET, "msg_5", now + 6 * MINUTE, BODY), BODY, 401),
        "garbage": (right | {"webhook-signature": "garbage"}, BODY, 400),
        "bad base64": (right | {"webhook-signature": "v1,%%%"}, BODY, 400),
        "spaces": (right | {"webhook-signature": "  "}, BODY, 400),
        "no headers": ({}, BODY, 400),
        "no time": (right | {"webhook-timestamp": "1" * 5_000}, BODY, 400),
        "no UTF-8": (sign(SECRET, "msg_6", now, b"\xff"), b"\xff", 400),
        "1 MiB": (sign(SECRET, "msg_7", now, b"a" * 2**20), b"a" * 2**20, 413),
    }

    with attacked.unshaken():
        for name, (headers, body, expected) in forged.items():
            assert await deliver(attacked, body, headers) == expected, name
        assert await deliver(attacked, BODY, right) == 202
        await attacked.serves()


async def test_repeated_delivery_is_taken_once_and_a_changed_one_refused(
    attacked: Attacked,
) -> None:
    other = BODY.replace(b"D-1", b"D-2")
    repeats = [sign(SECRET, "msg_again", utc_now(), BODY) for _ in range(50)]

    with attacked.unshaken():
        statuses = await asyncio.gather(*(deliver(attacked, BODY, one) for one in repeats))
        changed = await deliver(attacked, other, sign(SECRET, "msg_again", utc_now(), other))

    assert set(statuses) == {202}
    assert changed == 409


@pytest.mark.parametrize("body", [b'{"a": "\\u0000"}', b'"\\ud800"', b"1" * 5_000, b"no JSON", b""])
async def test_signed_delivery_that_no_plugin_reads_is_kept(
    attacked: Attacked, body: bytes
) -> None:
    headers = sign(SECRET, f"msg_odd_{len(body)}", utc_now(), body)

    with attacked.unshaken():
        status = await deliver(attacked, body, headers)

    assert status == 202


async def test_webhook_of_nobody_is_not_found(attacked: Attacked) -> None:
    nobody = replace(attacked, webhook=f"{attacked.server.url}/connectors/nobody/webhook")

    with attacked.unshaken():
        status = await deliver(nobody, BODY, sign(SECRET, "msg_8", utc_now(), BODY))

    assert status == 404


def broken_cases() -> dict[str, tuple[bytes, str]]:
    """Case files with one fault each, and words that its message has to hold."""

    def changed(**changes: Any) -> bytes:
        return json.dumps(json.loads(CASE.read_text()) | changes).encode()

    case = json.loads(CASE.read_text())
    first, *others = case["targets"]
    return {
        "half": (CASE.read_bytes()[:5_000], "JSON"),
        "surrogate": (changed(agency="\ud800"), "agency"),
        "digits": (b'{"year": ' + b"1" * 5_000 + b"}", "year"),
        "brackets": (b"[" * 100_000, "nested"),
        "parent": (changed(targets=[first | {"parent": "nowhere"}, *others]), "nowhere"),
    }


async def test_broken_case_file_is_refused_with_its_place_and_stores_nothing(
    attacked: Attacked, tmp_path: Path
) -> None:
    env = environment(tmp_path)
    broken = broken_cases()
    for name, (content, _) in broken.items():
        (tmp_path / f"{name}.json").write_bytes(content)

    outcomes = await asyncio.gather(
        *(command("load", str(tmp_path / f"{name}.json"), env=env) for name in broken)
    )

    for (name, (_, words)), (code, said) in zip(broken.items(), outcomes, strict=True):
        assert code == 1, (name, said)
        assert "Traceback" not in said, said
        assert words in said, (name, said[:500])
        assert "Nothing was stored." in said, name
    assert not (tmp_path / "postgres").exists(), "no database was even started"
    await attacked.serves()


async def test_missing_case_file_is_named(tmp_path: Path) -> None:
    code, said = await command("load", str(tmp_path / "none.json"), env=environment(tmp_path))

    assert code == 1
    assert "none.json" in said
    assert "Traceback" not in said
