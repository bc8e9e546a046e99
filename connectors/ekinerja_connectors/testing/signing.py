"""Signing a webhook as Standard Webhooks 1.0.0 asks, for the tests and fakes of vendors.

The host verifies with a library of its own; these lines are independent of it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

__all__ = ["sign"]


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """The three headers for `body`, sent at the aware instant `at`.

    `secret` is `whsec_` and 24 to 64 bytes in base64.

    Raises:
        ValueError: the secret is not of that form, or `at` has no time zone.
    """
    if not secret.startswith("whsec_"):
        raise ValueError("a webhook secret begins with whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    if not 24 <= len(key) <= 64:
        raise ValueError(f"a webhook secret has 24 to 64 bytes, not {len(key)}")
    if at.utcoffset() is None:
        raise ValueError("the instant of sending needs a time zone")
    seconds = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), seconds.encode(), body))
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }
