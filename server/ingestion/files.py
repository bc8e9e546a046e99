"""The door for files: who may, how large, kept as they are. The intake lets the plugin read them.

A file comes from an administrator of the agency or from the connector's own service account, as
the raw body of a request whose query says its name.
"""

from uuid import UUID

import structlog
from ekinerja_connectors.files import MAX_FILE_BYTES
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from schema.access import Scope
from schema.errors import DomainError, ErrorCode, NotFound, Unauthenticated
from schema.feeds.hand_in import File, hand_in, may_hand_in
from schema.organizations.viewers import scope_of
from schema.values import utc_now
from server.auth import bearer_of

MOST_BYTES = MAX_FILE_BYTES
STATUSES = {ErrorCode.UNAUTHENTICATED: 401, ErrorCode.NOT_FOUND: 404}
"""Of refusals; any other is 422, since another file or connector would be taken."""

log = structlog.get_logger()


async def receive_file(request: Request) -> Response:
    """POST /connectors/{installation}/files?name=...: 202 once the file is committed.

    Also for one that was kept before; otherwise a 4xx with the reason.
    """
    try:
        scope = await _viewer(request)
        key = _key(request.path_params["installation"])
        await may_hand_in(scope, key)
        file = File(
            name=request.query_params.get("name", ""),
            media_type=request.headers.get("content-type", "application/octet-stream"),
            content=await _content(request),
        )
        new = await hand_in(scope, key, file, most_bytes=MOST_BYTES, now=utc_now())
    except DomainError as refusal:
        log.info("file.refused", code=refusal.code.value)
        status = STATUSES.get(refusal.code, 422)
        return JSONResponse({"error": str(refusal), "code": refusal.code.value}, status)
    except _TooLarge:
        reason = f"a file may have at most {MOST_BYTES} bytes"
        return JSONResponse({"error": reason, "code": "PAYLOAD_TOO_LARGE"}, 413)
    except ClientDisconnect:
        return JSONResponse({"error": "the sender went away", "code": "BAD_REQUEST"}, 400)
    return JSONResponse({"accepted": file.source_id, "known": not new}, 202)


class _TooLarge(Exception):
    """More bytes than a file may have."""


async def _viewer(request: Request) -> Scope:
    """Raises:
    Unauthenticated: there is no token, or none that holds.
    """
    token = bearer_of(request.headers)
    if token is None:
        raise Unauthenticated
    identity = request.app.state.verifier.verify(token)
    return await scope_of(identity.subject, identity.issued_at)


def _key(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        raise NotFound("Connector") from None


async def _content(request: Request) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > MOST_BYTES:
            raise _TooLarge
    return bytes(content)
