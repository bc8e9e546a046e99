"""Where the agency's gateway is, and how it knows that a call is ours."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from string import Formatter

from ekinerja_connectors import address, secret

__all__ = ["Settings"]

_PLACES = {"nip", "address"}
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One gateway.

    The call goes to `base_url` and `path`; where the address itself is the secret, as those of
    incoming webhooks are, give `secret_path` instead: no error shows it. `signing_secret` is
    `whsec_` and 24 to 64 bytes in base64, by which the gateway verifies a call; without one, none
    is signed. `token` is sent as a Bearer where a gateway asks for one. `channel` is put into each
    call with `{nip}` or `{address}` filled in, such as `@{nip}` where people's names are their NIP.
    """

    base_url: str = address()
    path: str = ""
    secret_path: str = secret(default="")
    signing_secret: str = secret(default="")
    token: str = secret(default="")
    channel: str = ""

    def __post_init__(self) -> None:
        if self.path and self.secret_path:
            raise ValueError("path and secret_path: give one of them")
        for name in ("path", "secret_path"):
            if len(getattr(self, name)) > 2_000 or not _PATH.fullmatch(getattr(self, name)):
                raise ValueError(f"{name} must be the part of an address after the host")
        if self.signing_secret:
            _check_secret(self.signing_secret)
        if not self.token.isascii() or any(one.isspace() for one in self.token):
            raise ValueError("token must be ASCII without spaces")
        if not self.token.isprintable():
            raise ValueError("token must hold no control characters")
        if len(self.channel) > 200 or not self.channel.isprintable():
            raise ValueError("channel must be one line of at most 200 characters")
        _check_channel(self.channel)


def _check_secret(given: str) -> None:
    """Raises: ValueError, without the value."""
    try:
        key = base64.b64decode(given.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not given.startswith("whsec_") or not 24 <= len(key) <= 64:
        raise ValueError("signing_secret must be whsec_ and 24 to 64 bytes in base64")


def _check_channel(given: str) -> None:
    try:
        parts = list(Formatter().parse(given))
    except ValueError as error:
        raise ValueError(f"channel cannot be read: {error}") from error
    for _, place, form, conversion in parts:
        if place is not None and (place not in _PLACES or form or conversion):
            raise ValueError("channel may hold {nip} and {address} only")
