"""From a notice to the call that carries it: body and headers. Pure, but for the instant given."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from ekinerja_connectors import JSON, Notice
from standardwebhooks import Webhook

from .settings import Settings

__all__ = ["body_of", "headers_of"]


def body_of(notice: Notice, settings: Settings) -> bytes:
    """What the README promises, in UTF-8; `text` is what chat servers show by themselves."""
    body: dict[str, JSON] = {
        "id": notice.id,
        "kind": notice.kind,
        "day": notice.day.isoformat(),
        "to": {"nip": notice.to.nip, "name": notice.to.name, "address": notice.to.address},
        "subject": notice.subject,
        "body": notice.body,
        "text": f"{notice.subject}\n\n{notice.body}",
        "facts": notice.facts,
    }
    if settings.channel:
        body["channel"] = settings.channel.format(
            nip=notice.to.nip, address=notice.to.address or ""
        )
    return json.dumps(body, ensure_ascii=False, allow_nan=False).encode()


def headers_of(notice: Notice, body: bytes, settings: Settings, at: datetime) -> dict[str, str]:
    """Standard Webhooks 1.0.0. `webhook-id` is the notice's, the same when it is sent again."""
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "webhook-id": notice.id,
        "webhook-timestamp": str(int(at.timestamp())),
    }
    if settings.signing_secret:
        signing = Webhook(settings.signing_secret)
        headers["webhook-signature"] = signing.sign(notice.id, at.astimezone(UTC), body.decode())
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token}"
    return headers
