"""Following the event log in a subscription: resume, rights at each event, end of the token."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime

from schema.context import Info
from schema.errors import DomainError, ErrorCode, Unauthenticated
from schema.events import Event


def position_of(cursor: str) -> int:
    """The position that a cursor of a subscription stands for.

    Raises:
        DomainError: it is not one of ours.
    """
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after")
    return int(cursor)


async def start_of(info: Info, after: str | None) -> int:
    """Where a stream begins: behind a cursor, or behind the newest event.

    Raises:
        Unauthenticated: nobody follows without being signed in.
        DomainError: the cursor is not one of ours.
    """
    info.context.viewer  # noqa: B018  raises where nobody is signed in
    return await info.context.feed.last_position() if after is None else position_of(after)


async def following(
    info: Info, after: int, wanted: Callable[[Event], bool]
) -> AsyncGenerator[Event, None]:
    """Wanted events behind a position, each with the viewer's rights read anew before it.

    Raises:
        Unauthenticated: the token expired; the stream ends then, also when nothing happens.
        SlowConsumer: the client did not keep up; it resumes from its cursor.
    """
    context = info.context
    expires_at = await context.renew()
    async with aclosing(context.feed.follow(after)) as events:
        while True:
            event = await _next(events, expires_at, context.now())
            if event is None:
                return
            if wanted(event):
                expires_at = await context.renew()
                context.cursor = str(event.position)
                yield event


async def _next(
    events: AsyncGenerator[Event, None], expires_at: datetime, now: datetime
) -> Event | None:
    try:
        async with asyncio.timeout((expires_at - now).total_seconds()):
            return await anext(events, None)
    except TimeoutError:
        raise Unauthenticated from None
