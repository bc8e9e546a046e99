"""Http: the client that a connector is given, with the manners that every service may expect.

Timeouts, Retry-After, a cap on the size of an answer, and no address but those declared in
the settings. What one service means by a status or a body belongs to its connector.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp
from yarl import URL

from .activity import JSON
from .errors import AuthFailed, Fatal, Retryable

__all__ = ["Http", "Response", "retry_after_of"]

MAX_REDIRECTS = 5
#: A longer pause than a day is no pause but a mistake; the host looks again then.
MAX_RETRY_AFTER = timedelta(days=1)


def _now() -> datetime:
    return datetime.now(UTC)


def retry_after_of(value: str | None, now: datetime) -> timedelta | None:
    """The pause that a Retry-After header asks for, between none and a day.

    RFC 9110, 10.2.3: seconds, or an HTTP date. None where it is absent or cannot be read.
    """
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # Digits beyond the cap are not converted: a header of 5,000 of them is no integer.
        pause = MAX_RETRY_AFTER if len(text) > 9 else timedelta(seconds=int(text))
    else:
        try:
            moment = parsedate_to_datetime(text)
        except ValueError:
            return None
        pause = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - now
    return min(max(pause, timedelta(0)), MAX_RETRY_AFTER)


def _not_a_number(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON number")


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that arrived whole: its status, headers, body and the address that gave it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str

    def json(self) -> JSON:
        """The body decoded.

        Raises:
            Retryable: it is no JSON; what gateways say while the service is away is HTML.
        """
        try:
            value: JSON = json.loads(self.body, parse_constant=_not_a_number)
        except (ValueError, RecursionError) as error:
            raise Retryable(
                f"{self.url} answered {self.status} with {len(self.body)} bytes that are "
                f"no JSON: {error}"
            ) from error
        return value

    def raise_for_status(self) -> None:
        """Nothing for a 2xx.

        Raises:
            AuthFailed: 401 or 403.
            Fatal: any other status below 500.
        """
        if self.status in (401, 403):
            raise AuthFailed(f"{self.url} answered {self.status}: check the credentials")
        if not 200 <= self.status < 300:
            raise Fatal(f"{self.url} answered {self.status}: check its address")


class Http:
    """A client for the addresses of one installation.

    `addresses` are base URLs; a request or redirect to another scheme, host or port is refused.
    `total` bounds a whole exchange, `connect` the making of a connection, `max_bytes` a body
    after decompression.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        total: timedelta = timedelta(seconds=30),
        connect: timedelta = timedelta(seconds=5),
        max_bytes: int = 8 * 1024 * 1024,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._origins = frozenset(URL(one).origin() for one in addresses)
        self._timeout = aiohttp.ClientTimeout(
            total=total.total_seconds(), connect=connect.total_seconds()
        )
        self._max_bytes = max_bytes
        self._now = now
        self._session: aiohttp.ClientSession | None = None
        self._closed = False

    async def __aenter__(self) -> Http:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close its connections; a request under way or to come fails as Retryable."""
        self._closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """GET `url`, following redirects within the declared addresses. See `request`."""
        return await self.request("GET", url, params=params, headers=headers)

    async def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
        json_body: JSON = None,
        body: bytes | None = None,
        basic_auth: tuple[str, str] | None = None,
    ) -> Response:
        """One exchange. Answers of 2xx and 4xx are returned, for the connector to read.

        What is sent is one of `form`, `json_body` and `body`; a body's type is a header of yours.

        Raises:
            Retryable: 429, 5xx, no connection, a timeout; with the pause of Retry-After.
            Fatal: an address outside the declared ones, or an answer over the size cap.
        """
        target = self._permitted(url)
        if params:
            target = target.update_query(dict(params))
        sent = dict(headers or {})
        if basic_auth is not None:
            sent["Authorization"] = aiohttp.encode_basic_auth(*basic_auth)
        content: bytes | Mapping[str, str] | None = form if body is None else body
        if json_body is not None:
            content = json.dumps(json_body, allow_nan=False).encode()
            sent.setdefault("Content-Type", "application/json")
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._exchange(method, target, sent, content)
            location = response.headers.get("Location")
            if response.status not in (301, 302, 303, 307, 308) or location is None:
                return self._accepted(response)
            if method not in ("GET", "HEAD"):
                raise Fatal(f"{response.url} redirects a {method}, which is not followed")
            target = self._permitted(location, target)
        raise Fatal(f"{url} redirects more than {MAX_REDIRECTS} times")

    def _permitted(self, address: str, base: URL | None = None) -> URL:
        try:
            target = base.join(URL(address)) if base is not None else URL(address)
            origin = target.origin()
        except ValueError as error:  # unreadable, relative, or not http
            raise Fatal("the connector or a redirect names an address that is none") from error
        if origin not in self._origins or target.user is not None:
            raise Fatal(f"{origin} is not among the addresses of this installation's settings")
        return target

    async def _exchange(
        self,
        method: str,
        target: URL,
        headers: Mapping[str, str],
        content: bytes | Mapping[str, str] | None,
    ) -> Response:
        if self._closed:
            raise Retryable("the settings were changed meanwhile")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout, cookie_jar=aiohttp.DummyCookieJar()
            )
        shown = str(target.with_query(None))  # a query may hold what logs must not
        try:
            async with self._session.request(
                method, target, headers=headers, data=content, allow_redirects=False
            ) as answer:
                body = await self._read_capped(answer, shown)
                return Response(status=answer.status, headers=answer.headers, body=body, url=shown)
        except TimeoutError as error:
            raise Retryable(f"{shown} gave no answer in {self._timeout.total:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise Retryable(f"{shown} cannot be reached: {cause}") from error

    async def _read_capped(self, answer: aiohttp.ClientResponse, shown: str) -> bytes:
        body = bytearray()
        async for chunk in answer.content.iter_chunked(64 * 1024):
            body += chunk
            if len(body) > self._max_bytes:
                answer.close()
                raise Fatal(f"{shown} answered more than {self._max_bytes} bytes")
        return bytes(body)

    def _accepted(self, response: Response) -> Response:
        if response.status == 429 or response.status >= 500:
            raise Retryable(
                f"{response.url} answered {response.status}",
                retry_after_of(response.headers.get("Retry-After"), self._now()),
            )
        return response
