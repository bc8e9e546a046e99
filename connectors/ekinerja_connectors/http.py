"""Http: the client that a connector is given, with the manners that every service may expect.

Timeouts, Retry-After, rate limits, a cap on the size of an answer, and no address but those
declared in the settings. What one service means by a status or a body belongs to its connector.
"""

from __future__ import annotations

import asyncio
import json
import socket
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import aiohttp
from yarl import URL

from .activity import JSON
from .budgets import Budget, Spending
from .egress import LOOPBACK, Egress, EgressRefused, connected
from .errors import AuthFailed, Fatal, Retryable
from .pauses import MAX_RETRY_AFTER, limit_pause_of, retry_after_of

__all__ = ["MAX_RETRY_AFTER", "Http", "Response", "retry_after_of"]

MAX_REDIRECTS = 5
#: A shorter pause is waited for within the call; for a longer one the call is given up.
PATIENCE = timedelta(seconds=5)


def _now() -> datetime:
    return datetime.now(UTC)


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
    after decompression. `egress` says where a declared name may lead (the host gives it; without,
    also to this machine, for tests), `budget` how often there may be a request. Where a service
    says that nothing of its limit is left, requests to it wait, or fail as Retryable unsent.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        *,
        total: timedelta = timedelta(seconds=30),
        connect: timedelta = timedelta(seconds=5),
        max_bytes: int = 8 * 1024 * 1024,
        egress: Egress | None = None,
        budget: Budget | None = None,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._origins = frozenset(URL(one).origin() for one in addresses)
        self._timeout = aiohttp.ClientTimeout(
            total=total.total_seconds(), connect=connect.total_seconds()
        )
        self._max_bytes = max_bytes
        self._egress = Egress.of(LOOPBACK) if egress is None else egress
        self._spending = None if budget is None else Spending(budget, PATIENCE)
        self._now = now
        self._sessions: dict[URL, aiohttp.ClientSession] = {}  # by origin
        self._limited_until: dict[URL, datetime] = {}
        self._closed = False

    @property
    def total(self) -> timedelta:
        """How long a whole exchange may take; what uses `connect` keeps to it itself."""
        return timedelta(seconds=self._timeout.total or 0)

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
        sessions, self._sessions = self._sessions, {}
        for session in sessions.values():
            await session.close()

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """GET `url`, following redirects within the declared addresses. See `request`."""
        return await self.request("GET", url, params=params, headers=headers)

    async def connect(self, url: str) -> socket.socket:
        """A connection to a declared address of another scheme than http, for its own protocol.

        It does not block, and is the caller's to close. The address is judged as that of a
        request is, and the budget counts it.

        Raises:
            Retryable: no connection, a timeout, or nothing is left of the budget.
            Fatal: an address outside the declared ones, or one that the host does not allow.
        """
        target = self._declared(url)
        host, port, shown = target.host or "", target.port, str(target.origin())
        if self._closed:
            raise Retryable("the settings were changed meanwhile")
        if port is None:
            raise Fatal(f"{shown} names no port")
        if self._spending is not None:
            await self._spending.one()
        try:
            async with asyncio.timeout(self._timeout.connect):
                return await connected(self._egress, host, port)
        except TimeoutError as error:
            raise Retryable(f"{shown} gave no answer in {self._timeout.connect:g} s") from error
        except EgressRefused as error:
            raise Fatal(str(error)) from error
        except OSError as error:
            raise Retryable(f"{shown} cannot be reached: {error.strerror or error}") from error

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
            Retryable: 429, 5xx, no connection, a timeout; with the pause of Retry-After. Also
                where the budget or the service's limit leaves nothing for longer than 5 s.
            Fatal: an address outside the declared ones, one that leads to where the host
                allows nothing, or an answer over the size cap.
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
        target = self._declared(address, base)
        if target.scheme not in ("http", "https"):
            raise Fatal(f"{target.origin()} is not reached by HTTP")
        return target

    def _declared(self, address: str, base: URL | None = None) -> URL:
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
        shown = str(target.with_query(None))  # a query may hold what logs must not
        await self._wait_for_a_turn(target.origin(), shown)
        try:
            async with self._session_of(target.origin()).request(
                method, target, headers=headers, data=content, allow_redirects=False
            ) as answer:
                self._note_limit(target.origin(), answer.headers)
                body = await self._read_capped(answer, shown)
                return Response(status=answer.status, headers=answer.headers, body=body, url=shown)
        except TimeoutError as error:
            raise Retryable(f"{shown} gave no answer in {self._timeout.total:g} s") from error
        except aiohttp.ClientConnectorError as error:
            # Where some addresses of the name were refused only, the others failed otherwise.
            if isinstance(error.os_error, EgressRefused):
                raise Fatal(str(error.os_error)) from error
            raise Retryable(f"{shown} cannot be reached: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            cause = str(error) or type(error).__name__
            raise Retryable(f"{shown} cannot be reached: {cause}") from error

    def _session_of(self, origin: URL) -> aiohttp.ClientSession:
        """One for each origin, so that its sockets know which name they were looked up for."""
        if self._closed:
            raise Retryable("the settings were changed meanwhile")
        if origin not in self._sessions:
            self._sessions[origin] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    socket_factory=self._egress.socket_factory(origin.host or "")
                ),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._sessions[origin]

    async def _wait_for_a_turn(self, origin: URL, shown: str) -> None:
        """Until budget and service leave room; Retryable where that is not soon."""
        pause = self._limited_until.get(origin, self._now()) - self._now()
        if pause > PATIENCE:
            raise Retryable(f"nothing is left of the limit that {shown} set", pause)
        if pause > timedelta(0):
            await asyncio.sleep(pause.total_seconds())
        if self._spending is not None:
            await self._spending.one()

    def _note_limit(self, origin: URL, headers: Mapping[str, str]) -> None:
        pause = limit_pause_of(headers, self._now())
        if pause is None:
            self._limited_until.pop(origin, None)
        else:
            self._limited_until[origin] = self._now() + pause

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
                self._pause_of(response.headers),
            )
        return response

    def _pause_of(self, headers: Mapping[str, str]) -> timedelta | None:
        """What Retry-After asks for; where it is absent, what the limit's headers do."""
        asked = retry_after_of(headers.get("Retry-After"), self._now())
        return limit_pause_of(headers, self._now()) if asked is None else asked
