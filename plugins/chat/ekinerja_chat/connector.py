"""The chat connector: each notice is one call to the agency's gateway, which knows its people."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from ekinerja_connectors import (
    AuthFailed,
    Connector,
    Delivered,
    Fatal,
    Http,
    Notice,
    Notices,
    Response,
    Retryable,
    in_turn,
)

from .calls import body_of, headers_of
from .settings import Settings

__all__ = ["ChatConnector"]

#: An id that a header can hold; the host's are UUIDs.
_ID = re.compile(r"[!-~]{1,100}", re.ASCII)
_URL = re.compile(r"https?://\S+")


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ChatConnector(Connector[Settings], Notices):
    """Notices to a chat gateway."""

    name = "chat"
    title = "Obrolan (webhook)"
    version = "0.1.0"
    settings = Settings

    def __init__(
        self, config: Settings, http: Http, now: Callable[[], datetime] = _utc_now
    ) -> None:
        super().__init__(config, http)
        self._now = now

    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        return await in_turn(notices, self._carry)

    async def _carry(self, notice: Notice) -> Delivered:
        if not _ID.fullmatch(notice.id):
            return Delivered.refused(notice, "its id fits into no header")
        if "{address}" in self.config.channel and notice.to.address is None:
            return Delivered.refused(notice, "no address is known of the recipient")
        body = body_of(notice, self.config)
        headers = headers_of(notice, body, self.config, self._now())
        return self._outcome(notice, await self._post(headers, body))

    async def _post(self, headers: dict[str, str], body: bytes) -> Response:
        """The gateway's answer; errors name it without its path, which may be the secret."""
        path = self.config.secret_path or self.config.path
        url = f"{self.config.base_url.rstrip('/')}/{path.lstrip('/')}" if path else None
        try:
            return await self.http.request(
                "POST", url or self.config.base_url, headers=headers, body=body
            )
        except Retryable as error:
            raise Retryable(_nameless(error), error.retry_after) from None
        except Fatal as error:
            raise type(error)(_nameless(error)) from None

    def _outcome(self, notice: Notice, answer: Response) -> Delivered:
        status = answer.status
        if 200 <= status < 300:
            # A page where a gateway should answer: it is away, and something else stands there.
            if "text/html" in answer.headers.get("Content-Type", "").lower():
                raise Retryable("a web page answered in the place of the gateway")
            return Delivered.arrived(notice)
        if status in (401, 403):
            raise AuthFailed(f"the gateway answered {status}: check token and signing_secret")
        if status in (404, 405, 410):
            raise Fatal(f"the gateway answered {status}: check its address")
        if status in (408, 425):
            raise Retryable(f"the gateway answered {status}")
        return Delivered.refused(notice, f"the gateway refused the notice with {status}")


def _nameless(error: Exception) -> str:
    return _URL.sub("the gateway", str(error))
