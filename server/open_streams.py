"""The subscriptions of a process, and the tokens that they were opened with.

A stream ends when its token expires, also while nothing happens; and within seconds when the
token is revoked or its subject is gone.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from schema.context import Token
from schema.errors import DomainError, ErrorCode, Unauthenticated
from schema.values import utc_now
from server.telemetry import STREAM_WATCHERS

Item = TypeVar("Item")
Standing = Callable[[Sequence[tuple[str, datetime]]], Awaitable[list[bool]]]
End = Callable[[DomainError], None]

MOST_OF_ONE = 200
"""Subscriptions of one subject in this process, over however many connections: each may be a
selection of its own, which every event asks for anew."""


@dataclass(frozen=True, slots=True, eq=False)
class OpenStream:
    """One subscription, and how it is told that it is over."""

    token: Token
    end: End


class OpenStreams:
    """All that are open; a token is asked about once however many it opened."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._open: set[OpenStream] = set()
        self._numbers: Counter[str] = Counter()

    @contextmanager
    def entered(self, token: Token, end: End) -> Iterator[None]:
        """Ends a subscription with UNAUTHENTICATED as soon as its token holds no more.

        Raises:
            DomainError: TOO_MANY, its subject has as many open as it may.
        """
        if self._numbers[token.subject] >= MOST_OF_ONE:
            raise DomainError(ErrorCode.TOO_MANY, limit=MOST_OF_ONE)
        stream = OpenStream(token, end)
        left = (token.expires_at - utc_now()).total_seconds()
        expiry = asyncio.get_running_loop().call_later(left, end, Unauthenticated())
        self._open.add(stream)
        self._numbers[token.subject] += 1
        STREAM_WATCHERS.inc()
        try:
            yield
        finally:
            STREAM_WATCHERS.dec()
            self._open.discard(stream)
            self._numbers[token.subject] -= 1
            if not self._numbers[token.subject]:
                del self._numbers[token.subject]
            expiry.cancel()

    async def recheck(self) -> None:
        """End those whose token was revoked, or whose subject is gone: one statement for all."""
        streams = list(self._open)
        asked = list({(one.token.subject, one.token.issued_at) for one in streams})
        if not asked:
            return
        held = dict(zip(asked, await self._standing(asked), strict=True))
        for one in streams:
            if not held[one.token.subject, one.token.issued_at]:
                one.end(Unauthenticated())


async def until_ended(
    items: AsyncGenerator[Item, None], ended: "asyncio.Future[DomainError]"
) -> AsyncGenerator[Item, None]:
    """The items of a stream of its own, until it is told that it is over.

    Raises:
        DomainError: what it was told.
    """
    async with aclosing(items):
        while True:
            step = asyncio.ensure_future(anext(items))
            either: set[asyncio.Future[Any]] = {step, ended}
            try:
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if ended.done():
                    raise ended.result()
                try:
                    item = step.result()
                except StopAsyncIteration:
                    return
            finally:
                if not step.done():
                    step.cancel()
                    await asyncio.wait({step})
            yield item
