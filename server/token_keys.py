"""The keys that tokens are checked with: a provider's file of public keys, or our own for trials.

A key decides its algorithm; a token never does. Keys come from the operator's disk only, never
from a header or an address that a token names.
"""

import json
import os
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import structlog
from joserfc import jwk, jws
from joserfc.errors import JoseError, SecurityWarning, UnsupportedAlgorithmError

from schema.values import is_safe_text, utc_now, uuid7
from server.settings import Settings, SettingsError

FORCED_READ_INTERVAL = timedelta(minutes=1)
"""How often at most an unknown key id makes an unchanged file be read again."""

LARGEST_FILE = 1024 * 1024
SMALLEST_RSA_BITS = 2048
DEVELOPMENT_KEY_NAME = "development-token-key.json"
ALGORITHMS = {
    ("RSA", None): frozenset({"RS256"}),
    ("EC", "P-256"): frozenset({"ES256"}),
    # RFC 9864 renamed EdDSA with this curve to Ed25519; providers write either.
    ("OKP", "Ed25519"): frozenset({"EdDSA", "Ed25519"}),
}
"""Algorithms by type and curve of a public key. No symmetric one, hence no HS256."""

log = structlog.get_logger()


class SignatureRegistry(jws.JWSRegistry):
    """joserfc's checks of a signature, with our algorithms and headers of any name."""

    def __init__(self) -> None:
        names = frozenset().union(*ALGORITHMS.values())
        super().__init__(algorithms=names, strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        # joserfc's own method warns at each use of the name EdDSA.
        if not self.allowed or name not in self.allowed:
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key, and the algorithms (as `alg` names them) that its tokens may be signed by."""

    key: jwk.Key
    algorithms: frozenset[str]


class TokenKeys(Protocol):
    """Where a verifier looks keys up."""

    def find(self, kid: str) -> PublicKey | None:
        """The key of an id, None when there is none."""


class KeyFile:
    """Public keys in a JWKS file (RFC 7517), read again when the file changes.

    The keys that were read last stay in use while the file is missing or broken.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the file; `clock` gives seconds.

        Raises:
            SettingsError: it cannot be used; the message says what is wrong.
        """
        self._path = path
        self._clock = clock
        self._forced_at = clock()
        self._seen = self._signature()
        self._keys = read_key_file(path)

    def find(self, kid: str) -> PublicKey | None:
        if self._signature() != self._seen:
            self._read_again()
        elif kid not in self._keys and self._may_force():
            self._forced_at = self._clock()
            self._read_again()
        return self._keys.get(kid)

    def _may_force(self) -> bool:
        return self._clock() - self._forced_at >= FORCED_READ_INTERVAL.total_seconds()

    def _signature(self) -> tuple[int, int, int] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_size, status.st_mtime_ns

    def _read_again(self) -> None:
        # Taken before the file is read: a change in between is then seen next time.
        self._seen = self._signature()
        try:
            self._keys = read_key_file(self._path)
        except SettingsError as error:
            log.error("token keys kept, since the file cannot be used", error=str(error))
        else:
            log.info("token keys read", kids=sorted(self._keys))


def read_key_file(path: Path) -> dict[str, PublicKey]:
    """The keys of a JWKS file by id. Keys for other uses or algorithms are passed over.

    Raises:
        SettingsError: no such file, no JWKS, a private or symmetric key, a weak or broken key,
            an id missing or given twice, or no key that can be used.
    """
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(LARGEST_FILE))
        entries = data["keys"]
        if not isinstance(entries, list):
            raise TypeError("`keys` is not a list")
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError(
            f"EKINERJA_TOKEN_KEYS: {path} is not a readable JWKS file"
            f" ({type(error).__name__}: {error}). It must hold public keys: "
            '{"keys": [{"kid": ..., "kty": ...}]}.'
        ) from error
    keys: dict[str, PublicKey] = {}
    for place, entry in enumerate(entries):
        try:
            key = _public_key(entry)
            if key is not None and keys.setdefault(entry["kid"], key) is not key:
                raise SettingsError(f"the id {entry['kid']!r} is given twice")
        except (JoseError, ValueError, TypeError, KeyError, SettingsError) as error:
            raise SettingsError(f"EKINERJA_TOKEN_KEYS: key {place} of {path}: {error}") from error
    if not keys:
        raise SettingsError(
            f"EKINERJA_TOKEN_KEYS: {path} has no key for RS256, ES256 or EdDSA signatures"
        )
    return keys


def _public_key(entry: Mapping[str, Any]) -> PublicKey | None:
    if not isinstance(entry, dict):
        raise SettingsError("is not an object")
    if entry.get("kty") == "oct" or "d" in entry:
        raise SettingsError("is a secret: only public keys belong in this file")
    algorithms = ALGORITHMS.get((entry.get("kty", ""), entry.get("crv")))
    if algorithms and "alg" in entry:
        algorithms &= {entry["alg"]}
    if not algorithms or entry.get("use", "sig") != "sig":
        log.info("token key passed over", kid=entry.get("kid"), alg=entry.get("alg"))
        return None
    if not isinstance(entry.get("kid"), str) or not entry["kid"]:
        raise SettingsError("has no `kid`, by which tokens name their key")
    with warnings.catch_warnings(category=SecurityWarning, action="ignore"):
        # joserfc warns of what is refused in the next lines.
        key = jwk.import_key(entry)
    if isinstance(key, jwk.RSAKey) and key.public_key.key_size < SMALLEST_RSA_BITS:
        raise SettingsError(f"is an RSA key of less than {SMALLEST_RSA_BITS} bits")
    return PublicKey(key, algorithms)


class DevelopmentKey:
    """A key of our own in the data folder, so that `make run` can hand out tokens.

    Whoever reads the file can sign in as anyone, so it has mode 0600 and is never used in
    production.
    """

    def __init__(self, settings: Settings) -> None:
        """Open the key of the data folder; the first to come makes it.

        Raises:
            SettingsError: in production, or when the file is damaged or open to others.
        """
        if settings.production:
            raise SettingsError(
                "The development key is never used in production: set EKINERJA_TOKEN_KEYS"
            )
        self._issuer = settings.token_issuer
        self._audience = settings.token_audience
        path = settings.data_folder / DEVELOPMENT_KEY_NAME
        if not path.exists():
            _make_private_key(path)
        self._key = _open_private_key(path)
        self._kid = self._key.thumbprint()
        public = jwk.import_key(self._key.as_dict(private=False))
        self._public = PublicKey(public, ALGORITHMS["EC", "P-256"])

    def find(self, kid: str) -> PublicKey | None:
        return self._public if kid == self._kid else None

    def issue(self, subject: str, lifetime: timedelta = timedelta(hours=12)) -> str:
        """A token for a subject: a NIP, or the name of a service.

        Raises:
            ValueError: a subject that no verifier would accept.
        """
        if not subject or not is_safe_text(subject):
            raise ValueError(f"{subject!r} cannot be a subject")
        now = utc_now()
        claims = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
            "jti": str(uuid7()),
        }
        header = {"alg": "ES256", "typ": "at+jwt", "kid": self._kid}
        return jws.serialize_compact(header, json.dumps(claims), self._key, ["ES256"])


def _make_private_key(path: Path) -> None:
    """Write a new key in one step: whoever comes at the same time finds a whole one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(jwk.ECKey.generate_key("P-256").as_dict(private=True))
    draft = path.with_name(f".{path.name}.{uuid7()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        # Another process was first: its key is the key.
        return
    finally:
        draft.unlink()


def _open_private_key(path: Path) -> jwk.ECKey:
    remedy = f"Delete {path}; the next start makes a new key, and old tokens end."
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise SettingsError(f"The development key can be read by others. {remedy}")
        text = file.read(LARGEST_FILE)
    try:
        key = jwk.ECKey.import_key(json.loads(text))
        if not key.is_private or key.curve_name != "P-256":
            raise ValueError("it is not a private P-256 key")
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SettingsError(f"The development key is damaged: {error}. {remedy}") from error
    return key
