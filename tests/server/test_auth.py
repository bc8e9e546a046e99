"""Only whole, fresh tokens of the right issuer, for us, under a key we trust, are accepted."""

import base64
import hashlib
import hmac
import itertools
import json
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws
from starlette.datastructures import Headers
from structlog.testing import capture_logs

from schema.access import Role
from schema.errors import Unauthenticated
from schema.feeds.models import Installation
from schema.organizations.models import Agency, Assignment, Employee, RoleGrant, Unit
from schema.organizations.viewers import scope_of
from schema.values import utc_now
from server.auth import LARGEST_TOKEN, TokenVerifier, bearer_of
from server.database import Database
from server.settings import Settings, SettingsError, settings_from
from server.token_keys import DEVELOPMENT_KEY_NAME, DevelopmentKey, KeyFile, SignatureRegistry

NOW = 1_800_000_000
NIP = "198001012005011001"
RSA = jwk.RSAKey.generate_key(2048)
EC = jwk.ECKey.generate_key("P-256")
ED = jwk.OKPKey.generate_key("Ed25519")
STRANGER = jwk.RSAKey.generate_key(2048)
NAMED: dict[str, Any] = {"rsa": RSA, "ec": EC, "ed": ED}
CLAIMS: dict[str, Any] = {
    "iss": "https://sso.example.go.id",
    "aud": "ekinerja",
    "sub": NIP,
    "iat": NOW - 60,
    "exp": NOW + 3600,
}
HEADER: dict[str, Any] = {"alg": "RS256", "typ": "at+jwt", "kid": "rsa"}
ABSENT = object()


def public(kid: str, key: Any, **more: Any) -> dict[str, Any]:
    return {**key.as_dict(private=False), "kid": kid, **more}


def write_keys(path: Path, *keys: Mapping[str, Any]) -> None:
    """Replace the file in one step, as a careful operator does."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"keys": keys}))
    os.replace(draft, path)


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    write_keys(path, *(public(kid, key) for kid, key in NAMED.items()))
    return path


def verifier_with(path: Path, now: float = NOW) -> TokenVerifier:
    return TokenVerifier(
        KeyFile(path), issuer=CLAIMS["iss"], audience="ekinerja", clock=lambda: now
    )


@pytest.fixture(scope="module")
def verifier(key_file: Path) -> TokenVerifier:
    return verifier_with(key_file)


def encoded(data: bytes | str) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(payload: bytes | str, header: Mapping[str, Any] = HEADER, key: Any = RSA) -> str:
    return jws.serialize_compact(dict(header), payload, key, registry=SignatureRegistry())


def without_absent(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not ABSENT}


def token(header: Mapping[str, Any] | None = None, key: Any = RSA, **claims: Any) -> str:
    """A good token, but for what is given; ABSENT leaves a claim or parameter out."""
    return signed(
        json.dumps(without_absent(CLAIMS | claims)), without_absent(HEADER | (header or {})), key
    )


def hand_made(header: Mapping[str, Any] | str, signature: bytes, payload: str = "") -> str:
    head = header if isinstance(header, str) else json.dumps(header)
    return f"{encoded(head)}.{encoded(payload or json.dumps(CLAIMS))}.{encoded(signature)}"


def hs256(secret: bytes) -> str:
    text = hand_made({"alg": "HS256", "typ": "at+jwt", "kid": "rsa"}, b"").rpartition(".")[0]
    return f"{text}.{encoded(hmac.new(secret, text.encode(), hashlib.sha256).digest())}"


def tampered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{encoded(json.dumps(CLAIMS | {'sub': '199001012015011001'}))}.{signature}"


@pytest.mark.parametrize(
    ("kid", "algorithm"),
    [("rsa", "RS256"), ("ec", "ES256"), ("ed", "EdDSA"), ("ed", "Ed25519")],
)
def test_a_good_token_of_each_kind_of_key_is_accepted(
    kid: str, algorithm: str, verifier: TokenVerifier
) -> None:
    text = token({"kid": kid, "alg": algorithm}, NAMED[kid])

    identity = verifier.verify(text)

    assert identity.subject == NIP
    assert identity.expires_at == datetime.fromtimestamp(NOW + 3600, UTC)


@pytest.mark.parametrize(
    ("claim", "issued"),
    [(NOW - 60, NOW - 60), (NOW + 0.5, NOW + 0.5), (ABSENT, 0), (-1e300, 0), (0, 0)],
)
def test_a_token_that_does_not_say_since_when_counts_as_old(
    claim: Any, issued: float, verifier: TokenVerifier
) -> None:
    identity = verifier.verify(token(iat=claim))

    assert identity.issued_at == datetime.fromtimestamp(issued, UTC)


@pytest.mark.parametrize(
    "text",
    [
        token({"typ": "application/at+jwt"}),
        token({"typ": "AT+JWT"}),
        token({"nonce": "a header of the provider's own", "x5t": "AAAA"}),
        token(aud=["account", "ekinerja"]),
        token(iat=ABSENT),
        token(iat=NOW + 59, nbf=NOW + 59),
        token(exp=NOW + 0.5),
        token(exp=NOW + 24 * 3600),
        token(sub="simpeg-penghubung"),
    ],
)
def test_what_providers_vary_is_accepted(text: str, verifier: TokenVerifier) -> None:
    assert verifier.verify(text).expires_at.tzinfo is UTC


FORGED: dict[str, Callable[[], str]] = {
    "alg none": lambda: hand_made(HEADER | {"alg": "none"}, b""),
    "alg none with a signature": lambda: hand_made(HEADER | {"alg": "none"}, b"x"),
    "alg None": lambda: hand_made(HEADER | {"alg": "None"}, b"x"),
    "alg a list": lambda: hand_made(HEADER | {"alg": ["RS256"]}, b"x"),
    "alg absent": lambda: hand_made({"typ": "at+jwt", "kid": "rsa"}, b"x"),
    "HS256 with the public key in PEM": lambda: hs256(RSA.as_pem(private=False)),
    "HS256 with the public key in DER": lambda: hs256(RSA.as_der(private=False)),
    "HS256 with the JWK": lambda: hs256(json.dumps(public("rsa", RSA)).encode()),
    "HS256 with the empty key": lambda: hs256(b""),
    "RS384 by the right key": lambda: signed_by_rs384(),
    "PS256 by the right key": lambda: hand_made(HEADER | {"alg": "PS256"}, b"x" * 256),
    "ES256 header on an RSA kid": lambda: token({"alg": "ES256"}, EC),
    "RS256 header on an EC kid": lambda: token({"kid": "ec"}),
    "EdDSA header on an EC kid": lambda: token({"alg": "EdDSA", "kid": "ec"}, ED),
    "ES256 with r = s = 0": lambda: hand_made(HEADER | {"alg": "ES256", "kid": "ec"}, bytes(64)),
    "another's key under our kid": lambda: token(key=STRANGER),
    "another of our keys": lambda: token({"kid": "ed", "alg": "EdDSA"}, jwk.OKPKey.generate_key()),
    "unknown kid": lambda: token({"kid": "rsa2"}),
    "kid absent": lambda: token({"kid": ABSENT}),
    "kid no text": lambda: hand_made(HEADER | {"kid": 1}, b"x"),
    "kid a list": lambda: hand_made(HEADER | {"kid": ["rsa"]}, b"x"),
    "kid a path": lambda: token({"kid": "../../dev/null"}),
    "jwk brings its own key": lambda: token({"jwk": public("rsa", STRANGER)}, STRANGER),
    "jwk with a new kid": lambda: token({"jwk": public("n", STRANGER), "kid": "n"}, STRANGER),
    "jku names its own keys": lambda: token({"jku": "https://evil.example/jwks"}, STRANGER),
    "x5u names its own certificate": lambda: token({"x5u": "https://evil.example/c"}, STRANGER),
    "crit": lambda: hand_made_right(HEADER | {"crit": ["exp"]}),
    "crit and b64": lambda: hand_made_right(HEADER | {"crit": ["b64"], "b64": False}),
    "header names a parameter twice": lambda: hand_made_right(
        '{"alg":"none","typ":"at+jwt","kid":"rsa","alg":"RS256"}'
    ),
    "tampered payload": tampered,
    "signature cut": lambda: token()[:-8],
    "signature absent": lambda: token().rpartition(".")[0] + ".",
    "signature padded": lambda: token() + "==",
    "typ JWT (an ID token)": lambda: token({"typ": "JWT"}),
    "typ absent": lambda: token({"typ": ABSENT}),
    "typ no text": lambda: hand_made_right(HEADER | {"typ": 1}),
    "iss of another": lambda: token(iss="https://sso.example.com"),
    "iss absent": lambda: token(iss=ABSENT),
    "iss a list": lambda: token(iss=[CLAIMS["iss"]]),
    "aud of another": lambda: token(aud="lain"),
    "aud absent": lambda: token(aud=ABSENT),
    "aud a list of others": lambda: token(aud=["account", "lain"]),
    "aud an empty list": lambda: token(aud=[]),
    "aud with junk": lambda: token(aud=["ekinerja", {"a": 1}]),
    "aud an object": lambda: token(aud={"ekinerja": 1}),
    "exp absent": lambda: token(exp=ABSENT),
    "exp null": lambda: token(exp=None),
    "exp text": lambda: token(exp=str(NOW + 3600)),
    "exp true": lambda: token(exp=True),
    "expired this second": lambda: token(exp=NOW),
    "expired long ago": lambda: token(exp=-(10**400)),
    "exp beyond the limit": lambda: token(exp=NOW + 25 * 3600),
    "exp 10**400": lambda: token(exp=10**400),
    "exp 1e400": lambda: raw('"exp":1e400'),
    "exp NaN": lambda: raw('"exp":NaN'),
    "exp Infinity": lambda: raw('"exp":Infinity'),
    "exp of 5,000 digits": lambda: raw(f'"exp":{"9" * 5000}'),
    "exp twice": lambda: raw(f'"exp":1,"exp":{NOW + 60}'),
    "nbf in the future": lambda: token(nbf=NOW + 61),
    "nbf text": lambda: token(nbf="0"),
    "iat in the future": lambda: token(iat=NOW + 61),
    "iat null": lambda: token(iat=None),
    "sub absent": lambda: token(sub=ABSENT),
    "sub empty": lambda: token(sub=""),
    "sub a number": lambda: token(sub=int(NIP)),
    "sub a list": lambda: token(sub=[NIP]),
    "sub too long": lambda: token(sub="a" * 121),
    "sub with NUL": lambda: token(sub="a\x00"),
    "sub with half a character": lambda: token(sub="\ud800"),
    "sub with a line break": lambda: token(sub=f"{NIP}\n"),
    "sub twice": lambda: signed(json.dumps(CLAIMS)[:-1] + f',"sub":"{NIP}"}}'),
    "payload a list": lambda: signed("[]"),
    "payload no JSON": lambda: signed("exp"),
    "payload not UTF-8": lambda: signed(b"\xff\xfe"),
    "payload with a byte order mark": lambda: signed("\ufeff" + json.dumps(CLAIMS)),
    "payload nested deeply": lambda: signed('{"exp":' + "[" * 5500),
    "header nested deeply": lambda: hand_made('{"alg":' + "[" * 5000, b"x"),
    "header a list": lambda: hand_made("[]", b"x"),
    "larger than the limit": lambda: token(note="x" * LARGEST_TOKEN),
    "encrypted (five parts)": lambda: "a.b.c.d.e",
    "two parts": lambda: token().rpartition(".")[0],
    "empty": lambda: "",
    "dots": lambda: "..",
    "white space": lambda: f" {token()}",
    "not ASCII": lambda: token() + "é",
}


def raw(expiry: str) -> str:
    """A token whose `exp` is written as given."""
    return signed(json.dumps(without_absent(CLAIMS | {"exp": ABSENT}))[:-1] + f",{expiry}}}")


def signed_by_rs384() -> str:
    header = HEADER | {"alg": "RS384"}
    return jws.serialize_compact(header, json.dumps(CLAIMS), RSA, ["RS384"])


def hand_made_right(header: Mapping[str, Any] | str) -> str:
    """A token that only its header condemns: the signature over it is right."""
    text = hand_made(header, b"").rpartition(".")[0]
    signature = jws.JWSRegistry.algorithms["RS256"].sign(text.encode(), RSA)
    return f"{text}.{encoded(signature)}"


@pytest.mark.parametrize("make", FORGED.values(), ids=FORGED.keys())
def test_a_forged_token_is_refused_and_never_logged(
    make: Callable[[], str], verifier: TokenVerifier
) -> None:
    text = make()

    with capture_logs() as logs, pytest.raises(Unauthenticated):
        verifier.verify(text)

    (line,) = logs
    assert line["event"] == "token refused"
    assert len(text) < 20 or text not in str(line)


def test_a_hand_made_signature_is_good_when_its_header_is(verifier: TokenVerifier) -> None:
    # So that the cases that use it are refused for their header only.
    assert verifier.verify(hand_made_right(HEADER)).subject == NIP


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(changes=st.dictionaries(st.sampled_from(sorted(CLAIMS | {"nbf": 0})), junk, min_size=1))
def test_signed_junk_in_claims_is_accepted_as_meant_or_refused(
    changes: dict[str, Any], verifier: TokenVerifier
) -> None:
    text = signed(json.dumps(CLAIMS | changes), HEADER | {"kid": "ed", "alg": "Ed25519"}, ED)

    try:
        identity = verifier.verify(text)
    except Unauthenticated:
        return

    assert identity.subject == (CLAIMS | changes)["sub"]
    assert NOW < identity.expires_at.timestamp() <= NOW + 24 * 3600 + 60


@given(
    header=st.fixed_dictionaries(
        {"alg": junk | st.just("RS256"), "kid": junk | st.sampled_from(["rsa", "ec"])},
        optional=dict.fromkeys(("typ", "crit", "b64", "jwk", "jku", "x5c", "cty"), junk),
    ),
    signature=st.binary(min_size=1, max_size=70),
)
def test_unsigned_junk_in_headers_is_refused(
    header: dict[str, Any], signature: bytes, verifier: TokenVerifier
) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(hand_made(header | {"typ": "at+jwt"}, signature))


@given(text=st.text() | st.from_regex(r"[\w=-]*\.[\w=-]*\.[\w=-]*", fullmatch=True))
def test_garbage_is_refused(text: str, verifier: TokenVerifier) -> None:
    with pytest.raises(Unauthenticated):
        verifier.verify(text)


def test_keys_rotate_without_a_failure(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    keys = {f"k{number}": jwk.ECKey.generate_key("P-256") for number in range(6)}
    names = list(keys)
    write_keys(path, public("k0", keys["k0"]))
    verifier = verifier_with(path)

    def made_by(kid: str) -> str:
        return token({"kid": kid, "alg": "ES256"}, keys[kid])

    for old, new in itertools.pairwise(names):
        write_keys(path, public(old, keys[old]), public(new, keys[new]))
        # Both are good at once, the old one until it is withdrawn.
        assert verifier.verify(made_by(new)).subject == NIP
        assert verifier.verify(made_by(old)).subject == NIP
        write_keys(path, public(new, keys[new]))
        assert verifier.verify(made_by(new)).subject == NIP
        with pytest.raises(Unauthenticated):
            verifier.verify(made_by(old))


def test_a_broken_or_missing_file_keeps_the_keys_that_were_read(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write_keys(path, public("rsa", RSA))
    verifier = verifier_with(path)

    path.write_text('{"keys": [')
    assert verifier.verify(token()).subject == NIP
    path.unlink()
    assert verifier.verify(token()).subject == NIP

    write_keys(path, public("ec", EC))
    assert verifier.verify(token({"kid": "ec", "alg": "ES256"}, EC)).subject == NIP
    with pytest.raises(Unauthenticated):
        verifier.verify(token())


def test_an_unknown_kid_reads_an_unchanged_file_once_a_minute_at_most(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write_keys(path, public("rsa", RSA), public("ed", ED, note="x" * 20))
    clock = [0.0]
    keys = KeyFile(path, clock=lambda: clock[0])
    before = path.stat()
    # A change that leaves no trace: same file, size and time, as on coarse file systems.
    path.write_bytes(path.read_bytes().replace(b'"rsa"', b'"new"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    clock[0] = 59.0
    early = keys.find("new")
    clock[0] = 60.0
    later = keys.find("new")
    with capture_logs() as logs:
        found = {keys.find("absent") for _ in range(1000)}

    assert early is None
    assert later is not None
    assert (found, logs) == ({None}, [])


def weak_key() -> dict[str, Any]:
    with pytest.warns(match="size"):
        return public("weak", jwk.RSAKey.generate_key(1024))


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (lambda: "no json", "JWKS"),
        (lambda: "[" * 100_000, "JWKS"),
        (lambda: "[]", "JWKS"),
        (lambda: '{"keys": {}}', "JWKS"),
        (lambda: '{"keys": []}', "no key"),
        (lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "a"}, "secret"),
        (lambda: RSA.as_dict(private=True) | {"kid": "a"}, "secret"),
        (lambda: RSA.as_dict(private=False), "kid"),
        (lambda: public("a", RSA, alg="RS512"), "no key"),
        (lambda: public("a", RSA, use="enc"), "no key"),
        (lambda: public("a", jwk.ECKey.generate_key("P-384")), "no key"),
        (lambda: public("a", EC) | {"x": "AA"}, "key 0"),
        (lambda: {"kty": ["RSA"], "kid": "a"}, "key 0"),
        (lambda: "{'keys'", "JWKS"),
        (weak_key, "2048"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_named_at_the_start(
    content: Callable[[], Any], word: str, tmp_path: Path
) -> None:
    path = tmp_path / "jwks.json"
    made = content()
    path.write_text(made if isinstance(made, str) else json.dumps({"keys": [made]}))

    with pytest.raises(SettingsError, match=word) as fault:
        KeyFile(path)

    assert "EKINERJA_TOKEN_KEYS" in str(fault.value)
    assert "c2VjcmV0" not in str(fault.value)


def test_an_id_that_is_given_twice_and_an_absent_file_are_named(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    with pytest.raises(SettingsError, match="JWKS"):
        KeyFile(path)
    write_keys(path, public("a", RSA), public("a", EC))
    with pytest.raises(SettingsError, match="twice"):
        KeyFile(path)


def test_keys_for_other_uses_beside_a_good_one_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    write_keys(path, public("enc", STRANGER, use="enc", alg="RSA-OAEP"), public("rsa", RSA))

    verifier = verifier_with(path)

    assert verifier.verify(token()).subject == NIP
    with pytest.raises(Unauthenticated):
        verifier.verify(token({"kid": "enc"}, STRANGER))


def development(folder: Path) -> Settings:
    return Settings(data_folder=folder)


def test_the_development_key_signs_in_and_is_kept(tmp_path: Path) -> None:
    settings = development(tmp_path / "data")
    text = DevelopmentKey(settings).issue(NIP, timedelta(hours=1))

    identity = TokenVerifier.of(settings).verify(text)

    assert identity.subject == NIP
    assert timedelta() < identity.expires_at - utc_now() <= timedelta(hours=1)
    assert (tmp_path / "data" / DEVELOPMENT_KEY_NAME).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in (tmp_path / "data").iterdir()] == [DEVELOPMENT_KEY_NAME]


def test_development_keys_of_two_folders_do_not_open_each_other(tmp_path: Path) -> None:
    text = DevelopmentKey(development(tmp_path / "one")).issue(NIP)

    with pytest.raises(Unauthenticated):
        TokenVerifier.of(development(tmp_path / "two")).verify(text)


def test_all_who_start_at_once_get_the_same_development_key(tmp_path: Path) -> None:
    settings = development(tmp_path / "data")
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: DevelopmentKey(settings), range(16)))

    verifier = TokenVerifier.of(settings)

    assert {verifier.verify(key.issue(NIP)).subject for key in keys} == {NIP}


def test_the_development_key_is_never_used_in_production(tmp_path: Path) -> None:
    production = Settings(environment="production", data_folder=tmp_path)

    with pytest.raises(SettingsError, match="production"):
        DevelopmentKey(production)
    with pytest.raises(SettingsError, match="EKINERJA_TOKEN_KEYS"):
        TokenVerifier.of(production)
    with pytest.raises(SettingsError, match="EKINERJA_TOKEN_KEYS"):
        settings_from({"EKINERJA_ENVIRONMENT": "production", "DATABASE_URL": "postgresql://x"})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("change", "word"), [("mode", "read by others"), ("text", "damaged")])
def test_a_spoilt_development_key_is_refused(change: str, word: str, tmp_path: Path) -> None:
    DevelopmentKey(development(tmp_path))
    path = tmp_path / DEVELOPMENT_KEY_NAME
    if change == "mode":
        path.chmod(0o644)
    else:
        path.write_text(json.dumps(EC.as_dict(private=False)))

    with pytest.raises(SettingsError, match=word):
        DevelopmentKey(development(tmp_path))


def test_the_real_clock_is_used_outside_tests(key_file: Path) -> None:
    settings = Settings(token_keys=str(key_file), token_issuer=CLAIMS["iss"])
    verifier = TokenVerifier.of(settings)

    assert verifier.verify(token(iat=ABSENT, exp=int(time.time()) + 600)).subject == NIP
    with pytest.raises(Unauthenticated):
        verifier.verify(token(iat=ABSENT, exp=int(time.time()) - 600))


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("Bearer a.b.c", "a.b.c"),
        ("bearer  a.b-_~+/c==", "a.b-_~+/c=="),
        ("BEARER a", "a"),
    ],
)
def test_the_token_of_a_request(header: str | None, expected: str | None) -> None:
    headers = Headers({} if header is None else {"Authorization": header})

    assert bearer_of(headers) == expected


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Basic YTpi", "Bearera.b.c", "Bearer a b", "a.b.c", "Bearer é"],
)
def test_another_scheme_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        bearer_of(Headers(raw=[(b"authorization", header.encode("latin-1"))]))


async def person(agency: Agency, nip: str) -> Employee:
    return await Employee.create(agency=agency, nip=nip, name="Pegawai Contoh")


async def grant(agency: Agency, subject: str, role: Role) -> None:
    await RoleGrant.create(agency=agency, subject=subject, role=role)


@pytest.fixture
async def agency(database: Database) -> Agency:
    return await Agency.create(code="contoh", name="Badan Contoh")


@pytest.mark.parametrize(
    ("starts", "ends", "supervises"),
    [(-30, None, True), (0, 1, True), (-30, 0, False), (2, None, False), (-30, -1, False)],
)
async def test_an_employee_supervises_while_an_assignment_says_so(
    starts: int, ends: int | None, supervises: bool, agency: Agency
) -> None:
    today = today_in_wib()
    chief = await person(agency, NIP)
    staff = await person(agency, "199001012015011001")
    unit = await Unit.create(agency=agency, code="u", name="Unit", kind="Bagian")
    await Assignment.create(
        employee=staff,
        unit=unit,
        appraiser=chief,
        position="Analis",
        starts_on=today + timedelta(days=starts),
        ends_on=None if ends is None else today + timedelta(days=ends),
    )

    scope = await scope_of(NIP)
    of_staff = await scope_of(staff.nip)

    assert (scope.employee_id, scope.agency_id) == (chief.id, agency.id)
    assert scope.supervises is supervises
    assert (of_staff.employee_id, of_staff.supervises) == (staff.id, False)
    assert Role.EMPLOYEE in scope.roles


def today_in_wib() -> date:
    """The working day in WIB, as the employees of these tests have it."""
    return (utc_now() + timedelta(hours=7)).date()


async def test_grants_are_those_of_the_subject_in_each_agency(agency: Agency) -> None:
    other = await Agency.create(code="lain", name="Badan Lain")
    await person(agency, NIP)
    await grant(agency, NIP, Role.ADMINISTRATOR)
    await grant(other, NIP, Role.AUDITOR)
    await grant(other, "seorang-lain", Role.ADMINISTRATOR)

    scope = await scope_of(NIP)
    stranger = await scope_of("seorang-lain")

    assert scope.grants == {(agency.id, Role.ADMINISTRATOR), (other.id, Role.AUDITOR)}
    assert (stranger.employee_id, stranger.agency_id) == (None, None)
    assert stranger.grants == {(other.id, Role.ADMINISTRATOR)}


async def test_a_connector_is_nothing_but_a_connector(agency: Agency) -> None:
    installation = await installed(agency, "satu")
    await person(agency, NIP)
    await grant(agency, NIP, Role.ADMINISTRATOR)
    await RoleGrant.create(
        agency=agency, subject=NIP, role=Role.CONNECTOR, installation_id=installation
    )

    scope = await scope_of(NIP)

    assert scope.installation_id == installation
    assert scope.employee_id is None
    assert scope.roles == (Role.CONNECTOR,)
    assert not scope.directories


async def test_nobody_known_and_a_subject_of_two_connectors_are_refused(agency: Agency) -> None:
    other = await Agency.create(code="lain", name="Badan Lain")
    for of_agency in (agency, other):
        await RoleGrant.create(
            agency=of_agency,
            subject="dua",
            role=Role.CONNECTOR,
            installation_id=await installed(of_agency, of_agency.code),
        )

    for subject in (NIP, "dua", "' OR true --", "%"):
        with pytest.raises(Unauthenticated):
            await scope_of(subject)


async def installed(agency: Agency, title: str) -> Any:
    row = await Installation.create(
        agency=agency, plugin="contoh", title=title, next_poll_at=utc_now()
    )
    return row.id
