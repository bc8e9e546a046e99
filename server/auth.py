"""Who sends a request: bearer tokens (JWT access tokens, RFC 9068) checked, never trusted.

Follows RFC 8725. Refusals look alike to the sender; the log says why, and never shows a token.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.util import urlsafe_b64decode

from schema.errors import Unauthenticated
from schema.values import is_safe_text
from server.settings import Settings, SettingsError
from server.token_keys import DevelopmentKey, KeyFile, PublicKey, SignatureRegistry, TokenKeys

LARGEST_TOKEN = 8 * 1024
LONGEST_SUBJECT = 120
LONGEST_LIFETIME = timedelta(hours=24)
"""A house limit: how far ahead `exp` may lie, for a token that nobody revokes."""

LEEWAY = timedelta(seconds=60)
"""By how much another clock may be ahead of ours in `iat`, `nbf` and the limit of `exp`."""

TYPES = frozenset({"at+jwt", "application/at+jwt"})
"""RFC 9068, section 4: an ID token is no access token, although the same key signs both."""

REGISTRY = SignatureRegistry()
_BEARER = re.compile(r"bearer +([A-Za-z0-9._~+/-]+=*)", re.IGNORECASE)
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid token speaks for (a NIP or a service's name), until when, and since when (aware,
    UTC). One that does not say counts as issued in 1970: every revocation is later."""

    subject: str
    expires_at: datetime
    issued_at: datetime


class _Refused(Exception):
    """Why a token is not accepted, for the log."""


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The token of `Authorization: Bearer ...`; None when the header is absent.

    `headers` must find names in any case, as Starlette's do.

    Raises:
        Unauthenticated: another scheme, or not a token at all.
    """
    value = headers.get("authorization")
    if value is None:
        return None
    found = _BEARER.fullmatch(value.strip(" "))
    if found is None:
        raise Unauthenticated
    return found[1]


class TokenVerifier:
    """Checks tokens for one issuer and audience against the keys that the operator trusts."""

    def __init__(
        self,
        keys: TokenKeys,
        *,
        issuer: str,
        audience: str,
        longest_lifetime: timedelta = LONGEST_LIFETIME,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` gives seconds since 1970."""
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._longest_lifetime = longest_lifetime
        self._clock = clock

    @classmethod
    def of(cls, settings: Settings) -> "TokenVerifier":
        """The verifier that the settings ask for.

        Raises:
            SettingsError: the keys cannot be used, or production has none.
        """
        keys: TokenKeys
        if settings.token_keys is not None:
            keys = KeyFile(Path(settings.token_keys))
        elif settings.production:
            raise SettingsError("EKINERJA_TOKEN_KEYS is not set: production needs public keys")
        else:
            keys = DevelopmentKey(settings)
        return cls(keys, issuer=settings.token_issuer, audience=settings.token_audience)

    def verify(self, token: str) -> Identity:
        """Who a token speaks for.

        Raises:
            Unauthenticated: for every other token, text or garbage, whatever is wrong with it.
        """
        try:
            return self._identity(self._claims(token))
        except _Refused as reason:
            log.info("token refused", reason=str(reason))
            raise Unauthenticated from reason

    def _claims(self, token: str) -> dict[str, Any]:
        """The claims of a token whose signature is right."""
        if len(token) > LARGEST_TOKEN:
            raise _Refused("too long")
        if not _COMPACT.fullmatch(token):
            raise _Refused("not a compact JWS")
        head, payload, _ = token.split(".")
        header = _object(head, "header")
        key = self._key(header)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in key.algorithms:
            raise _Refused("an algorithm that the key is not for")
        if str(header.get("typ")).lower() not in TYPES:
            raise _Refused("typ is not at+jwt")
        # We understand no extension, so every one that must be understood is refused.
        if "crit" in header or "b64" in header:
            raise _Refused("an extension that must be understood")
        try:
            jws.deserialize_compact(token, key.key, registry=REGISTRY)
        except (JoseError, ValueError, TypeError) as error:
            raise _Refused(f"signature: {type(error).__name__}") from error
        return _object(payload, "payload")

    def _key(self, header: Mapping[str, Any]) -> PublicKey:
        kid = header.get("kid")
        key = self._keys.find(kid) if isinstance(kid, str) else None
        if key is None:
            raise _Refused("unknown kid")
        return key

    def _identity(self, claims: Mapping[str, Any]) -> Identity:
        if claims.get("iss") != self._issuer:
            raise _Refused("iss")
        audience = claims.get("aud")
        if audience != self._audience and not (
            isinstance(audience, list)
            and self._audience in audience
            and all(isinstance(one, str) for one in audience)
        ):
            raise _Refused("aud")
        subject = claims.get("sub")
        if (
            not isinstance(subject, str)
            or not 0 < len(subject) <= LONGEST_SUBJECT
            or not is_safe_text(subject)
            or not subject.isprintable()
        ):
            raise _Refused("sub")
        return Identity(subject, self._expiry(claims), _issued(claims))

    def _expiry(self, claims: Mapping[str, Any]) -> datetime:
        now = self._clock()
        expires = _seconds(claims, "exp")
        if expires is None or not now < expires:
            raise _Refused("expired, or without exp")
        if expires > now + (self._longest_lifetime + LEEWAY).total_seconds():
            raise _Refused("exp is too far ahead")
        for name in ("nbf", "iat"):
            instant = _seconds(claims, name)
            if instant is not None and instant > now + LEEWAY.total_seconds():
                raise _Refused(f"{name} is in the future")
        return datetime.fromtimestamp(expires, UTC)


def _issued(claims: Mapping[str, Any]) -> datetime:
    """When a token was issued; `_expiry` has seen that it is not far ahead."""
    return datetime.fromtimestamp(max(0, _seconds(claims, "iat") or 0), UTC)


def _object(segment: str, part: str) -> dict[str, Any]:
    """A JSON object in base64url, read strictly: two readers must not see two meanings."""
    try:
        value = json.loads(
            urlsafe_b64decode(segment.encode()).decode(),
            object_pairs_hook=_without_duplicates,
            parse_constant=_no_constant,
        )
    except (ValueError, RecursionError) as error:
        raise _Refused(f"{part}: not strict JSON") from error
    if not isinstance(value, dict):
        raise _Refused(f"{part}: not an object")
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is given twice")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _seconds(claims: Mapping[str, Any], name: str) -> int | float | None:
    """A NumericDate, None when it is absent. It may be too large for a float."""
    value = claims.get(name)
    if name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused(f"{name} is not a number")
    return value
