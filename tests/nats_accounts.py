"""Credentials of NATS as its operators give them: an operator, an account, and a user's `.creds`.

Made with NATS's own keys (the package nkeys), so that no tool of theirs is needed for a test.
"""

import base64
import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

import nkeys

KINDS = {
    "operator": nkeys.PREFIX_BYTE_OPERATOR,
    "account": nkeys.PREFIX_BYTE_ACCOUNT,
    "user": nkeys.PREFIX_BYTE_USER,
}
UNLIMITED = {"subs": -1, "data": -1, "payload": -1}
LIMITS = {
    "operator": {},
    "account": {
        "limits": UNLIMITED
        | {"imports": -1, "exports": -1, "wildcards": True, "conn": -1, "leaf": -1}
    },
    "user": UNLIMITED,
}


def key_of(kind: str) -> tuple[Any, bytes]:
    """A new pair of keys, and its seed."""
    seed = nkeys.encode_seed(os.urandom(32), KINDS[kind])
    return nkeys.from_seed(bytearray(seed)), bytes(seed)


def token(kind: str, subject: Any, issuer: Any) -> str:
    """A JWT of NATS (version 2) that the issuer has signed."""
    claims = {
        "iat": int(time.time()),
        "iss": issuer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "name": kind,
        "nats": {"type": kind, "version": 2} | LIMITS[kind],
    }
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).decode()
    header = {"typ": "JWT", "alg": "ed25519-nkey"}
    signed = f"{_part(json.dumps(header).encode())}.{_part(json.dumps(claims).encode())}"
    return f"{signed}.{_part(issuer.sign(signed.encode()))}"


def _part(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def accounts_in(folder: Path) -> tuple[str, Path, Path]:
    """A server's settings, credentials that it knows, and some of a stranger."""
    (operator, _), (account, _), (other, _) = (
        key_of("operator"),
        key_of("account"),
        key_of("account"),
    )
    settings = f"""
    operator: {token("operator", operator, operator)}
    resolver: MEMORY
    resolver_preload: {{ {account.public_key.decode()}: {token("account", account, operator)} }}
    """
    return settings, _credentials(folder / "good", account), _credentials(folder / "other", other)


def _credentials(path: Path, account: Any) -> Path:
    user, seed = key_of("user")
    path.with_suffix(".creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{token('user', user, account)}\n"
        "------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{seed.decode()}\n------END USER NKEY SEED------\n"
    )
    return path.with_suffix(".creds")
