"""Following the event log in a subscription: resume, rights at each event, end of the token."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from schema.access import Scope
from schema.context import Beginning, Info
from schema.errors import DomainError, ErrorCode, Unauthenticated
from schema.events import Event, EventFeed
from schema.tables import dicts_of

MOST_BEHIND = 10_000
"""A house limit: how many events of the log a stream that can say the whole state reads again."""

# What was missed first; the instant is the database's, as the limit is.
MISSED_LONG_AGO = """
SELECT created_at < now() - interval '24 hours' AS old
FROM event WHERE position > $1 ORDER BY position LIMIT 1
"""
"""A house limit: what happened 24 hours ago is not told again, change by change."""


class Right(IntEnum):
    """What somebody may see of a stream that others watch, too.

    ALONE: it is worked out under their own rights, since the shared scope sees what they do not.
    """

    NONE = 0
    ALONE = 1
    SHARED = 2


@dataclass(frozen=True, slots=True)
class Shareable:
    """A subscription that is worked out once for all who may watch the same.

    `argument` names whom it is about, by an id of type `about`; the viewer where it is left out.
    `scope` is that under which it is worked out (None: there is nobody by that key).
    `rights` answers for pairs of such a key and a token's subject, in one statement.
    `thing` is what is not there for who may not.
    """

    argument: str
    about: str
    thing: str
    scope: Callable[[UUID], Awaitable[Scope | None]]
    rights: Callable[[Sequence[tuple[UUID, str]]], Awaitable[list[Right]]]


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


async def beginning_of(info: Info, after: str | None) -> Beginning:
    """The same of a stream that says the whole state where there is no cursor, or too old a one.

    Raises:
        Unauthenticated, DomainError: as `start_of`.
    """
    context = info.context
    context.viewer  # noqa: B018  raises where nobody is signed in
    begins = context.beginning
    if begins is None:
        position = None if after is None else position_of(after)
        begins = await beginning_behind(context.feed, position)
    context.cursor = str(begins.position)
    return begins


async def beginning_behind(feed: EventFeed, position: int | None) -> Beginning:
    """Where a stream begins whose watcher has seen what is up to a position, or nothing yet.

    Raises:
        DomainError: INVALID_CURSOR, there is no such position (yet).
    """
    last = await feed.last_position()
    if position is None:
        return Beginning(last, whole=True)
    if position > last:
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after")
    if last - position > MOST_BEHIND or await _missed_long_ago(position):
        return Beginning(last, whole=True, too_old=True)
    return Beginning(position)


async def _missed_long_ago(position: int) -> bool:
    return any(row["old"] for row in await dicts_of(MISSED_LONG_AGO, [position]))


async def following(
    info: Info, after: int, wanted: Callable[[Event], bool]
) -> AsyncGenerator[Event, None]:
    """Wanted events behind a position, each with the viewer's rights read anew before it.

    Raises:
        Unauthenticated: the token expired; the stream ends then, also when nothing happens.
        SlowConsumer: the client did not keep up; it resumes from its cursor.
    """
    context = info.context
    until = None if context.beginning is None else context.beginning.until
    if until is not None and after >= until:
        return
    expires_at = await context.renew()
    async with aclosing(context.feed.follow(after)) as events:
        while True:
            event = await _next(events, expires_at, context.now())
            if event is None or (until is not None and event.position > until):
                return
            if wanted(event):
                expires_at = await context.renew()
                context.cursor = str(event.position)
                yield event
            if event.position == until:
                return


async def _next(
    events: AsyncGenerator[Event, None], expires_at: datetime, now: datetime
) -> Event | None:
    try:
        async with asyncio.timeout((expires_at - now).total_seconds()):
            return await anext(events, None)
    except TimeoutError:
        raise Unauthenticated from None
