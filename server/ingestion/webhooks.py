"""The webhook endpoint: verify the raw bytes, keep the delivery, answer. The intake does the rest.

Deliveries are signed as in Standard Webhooks 1.0.0. Ids are remembered for good, so a repeat is
answered like the first time. No plugin is asked here, so none can delay or fake an answer.
"""

import re
from collections.abc import Mapping
from uuid import UUID

import structlog
from standardwebhooks.webhooks import (
    EmptyWebhookSecretError,
    Webhook,
    WebhookVerificationError,
)
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from schema.errors import NotFound
from schema.feeds import service
from schema.feeds.models import InboxKind, Installation, ProblemCode
from schema.feeds.rules import Received
from schema.feeds.secrets import webhook_secret_of
from schema.values import utc_now
from schema.vault import SecretsUnreadable, Vault

MOST_BYTES = 256 * 1024
MOST_SIGNATURES = 10
MOST_ATTRIBUTES = 32

# A full stop parts id, time and body in what is signed, so an id must not hold one.
_ID = re.compile(r"[!-\-/-~]{1,180}")
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_ATTRIBUTE = re.compile(r"ce-[a-z0-9]{1,60}")
_SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=")

log = structlog.get_logger()


class Refused(Exception):
    """The delivery is not taken: the status to answer with, and the reason in words."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


async def webhook(request: Request) -> Response:
    """POST /connectors/{installation}/webhook: 202 once the delivery is committed.

    Also for a repeat; otherwise a 4xx with the reason.
    """
    try:
        installation = await _installation(request.path_params["installation"])
        body = await _body(request)
        secrets = await _secrets(installation, request.app.state.vault)
        delivery_id, text = verified(body, request.headers, secrets)
        await _keep(installation.id, delivery_id, text, kept_headers(request.headers))
    except Refused as refusal:
        log.info("webhook.refused", status=refusal.status, reason=refusal.reason)
        later = {"retry-after": "60"} if refusal.status == 503 else None
        return JSONResponse({"error": refusal.reason}, refusal.status, later)
    return JSONResponse({"accepted": delivery_id}, 202)


def verified(body: bytes, headers: Mapping[str, str], secrets: str) -> tuple[str, str]:
    """The delivery's id and its body as text, if one of the secrets signed it just now.

    `secrets` are separated by spaces: two while a sender changes from one to the other.

    Raises:
        Refused: 400 where the envelope cannot be read, 401 where the signature does not hold or
            the time is more than five minutes off.
    """
    delivery_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(delivery_id) or not _TIMESTAMP.fullmatch(timestamp):
        raise Refused(400, "webhook-id or webhook-timestamp is missing or malformed")
    # The library fails on what it cannot split or decode, so only what it can is handed over.
    signatures = [
        one for one in headers.get("webhook-signature", "").split() if _SIGNATURE.fullmatch(one)
    ]
    if not 0 < len(signatures) <= MOST_SIGNATURES:
        raise Refused(400, "webhook-signature holds no v1 signature, or too many")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(400, "the body is not UTF-8") from None
    envelope = {
        "webhook-id": delivery_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(signatures),
    }
    if not any(_signed_by(secret, text, envelope) for secret in secrets.split()):
        raise Refused(401, "the signature does not hold, or the time is over five minutes off")
    return delivery_id, text


def _signed_by(secret: str, text: str, envelope: dict[str, str]) -> bool:
    """Compares in constant time, inside the library."""
    try:
        Webhook(secret).verify(text, envelope, json_parse=False)
    except (WebhookVerificationError, EmptyWebhookSecretError, ValueError):
        return False
    return True


async def _installation(name: str) -> Installation:
    """One answer for what is unknown, disabled or without a secret, so that none can be told."""
    try:
        found = await Installation.get_or_none(id=UUID(name), enabled=True)
    except ValueError:
        found = None
    if found is None or not found.webhook_secret:
        raise Refused(404, "there is no such webhook")
    return found


async def _secrets(installation: Installation, vault: Vault) -> str:
    """What the sender signs with. Where it cannot be read nothing is lost: the sender tries again,
    and the administrator is told."""
    try:
        return webhook_secret_of(installation, vault)
    except SecretsUnreadable as error:
        code = ProblemCode.SECRETS_UNREADABLE
        await service.note_problem(installation.id, code, str(error), utc_now())
        raise Refused(503, "signatures cannot be verified now; try again later") from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                raise Refused(413, f"a delivery may have at most {MOST_BYTES} bytes")
    except ClientDisconnect:
        raise Refused(400, "the sender went away") from None
    return bytes(body)


def kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The content type, and a CloudEvent's attributes in binary mode; not what repeats vary.

    The signature covers none of them: a connector that reads the attributes says so.

    Raises:
        Refused: 400 where there are far more attributes than an event has.
    """
    kept = {
        name: value
        for name, value in ((name.lower(), value) for name, value in headers.items())
        if name == "content-type" or _ATTRIBUTE.fullmatch(name)
    }
    if len(kept) > MOST_ATTRIBUTES:
        raise Refused(400, f"a delivery may have at most {MOST_ATTRIBUTES} ce- headers")
    return kept


async def _keep(
    installation_id: UUID, delivery_id: str, text: str, headers: dict[str, str]
) -> None:
    """Commit the delivery as an inbox item of its own."""
    delivery = Received(
        source_id=f"delivery:{delivery_id}",
        body={"id": delivery_id, "body": text, "headers": headers},
        kind=InboxKind.DELIVERY,
    )
    try:
        accepted = await service.accept(installation_id, [delivery], utc_now())
    except NotFound:
        raise Refused(404, "there is no such webhook") from None
    if accepted.changed:
        raise Refused(409, "another body was delivered under this webhook-id before")
