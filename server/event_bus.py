"""The event bus: this process's copy of the event log, passed on to all who follow it.

Woken by the wake-up channel, it reads each new event once for the whole process, and keeps the
newest. A follower first gets what it missed, from there or from the database, at its own pace,
and then joins the live stream.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

import asyncpg
import structlog

from schema.errors import DomainError, ErrorCode
from schema.events import Event, EventKind, event_from
from server.database import Database, DatabaseRole
from server.event_follower import Follower
from server.standing_connection import (
    LOST,
    QUERY_SECONDS,
    Connection,
    Established,
    kept_up,
    stopped_within,
)
from server.telemetry import EVENT_POSITION, EVENTS_CAUGHT_UP, OPEN_SUBSCRIPTIONS
from server.wake_ups import PostgresWakeUps, WakeUps

CATCH_UP_INTERVAL = timedelta(seconds=1)
"""How long events may wait when a wake-up is lost."""

QUEUE_LIMIT = 1000
"""Events that may wait for one follower. All followers share the events themselves."""

BATCH = QUEUE_LIMIT // 4
"""Events read at once: several fit a queue, so that a busy second ends nobody's stream."""

CLOSING_SECONDS = 2.0
"""How long the end of a read is awaited when the bus closes."""

KEPT = 2 * QUEUE_LIMIT
"""The newest events, kept here: those who come back after a moment cost the database nothing."""

REST = timedelta(milliseconds=20)
"""The least time between reads for wake-ups that brought nothing, however many are forged."""

READERS = 2
"""Connections by which the bus, and followers far behind, read; apart from the requests' pools."""

READ = """
SELECT position, kind, agency_id, employee_id, record_id, superior_ids, target_ids, created_at
FROM event WHERE position > $1 ORDER BY position LIMIT $2
"""
LAST_POSITION = "SELECT coalesce(max(position), 0) FROM event"
KINDS = frozenset(EventKind)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A piece of the log: its events, and the position at which it ends."""

    events: Sequence[Event]
    end: int
    full: bool


class EventBus:
    """The `schema.events.EventFeed` of this process. Made by `EventBus.running`."""

    def __init__(self, database: Database, readers: Any, *, queue_limit: int) -> None:
        self._database = database
        self._readers = readers
        self._queue_limit = queue_limit
        self._position = 0
        self._kept: deque[Event] = deque()
        self._kept_after = 0
        self._followers: set[Follower] = set()
        self._woken = asyncio.Event()
        self._closed = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def running(
        cls,
        database: Database,
        *,
        wake_ups: WakeUps | None = None,
        catch_up_interval: timedelta = CATCH_UP_INTERVAL,
        queue_limit: int = QUEUE_LIMIT,
    ) -> AsyncIterator[Self]:
        """A bus that follows the log, from its present end on, until the block is left.

        `wake_ups` None is PostgreSQL's own channel.

        Raises:
            OSError, asyncpg.PostgresError: the database does not answer at the start. Later
                losses only delay.
        """
        async with asyncpg.create_pool(
            database.urls[DatabaseRole.APPLICATION],
            min_size=0,
            max_size=READERS,
            command_timeout=QUERY_SECONDS,
        ) as readers:
            bus = cls(database, readers, queue_limit=queue_limit)
            bus._position = bus._kept_after = await readers.fetchval(LAST_POSITION)
            async with (wake_ups or PostgresWakeUps(database)).connected(bus._wake):
                following = asyncio.create_task(bus._follow_log(catch_up_interval))
                try:
                    yield bus
                finally:
                    bus.close()
                    await asyncio.wait({following}, timeout=CLOSING_SECONDS)
                    following.cancel()
                    await asyncio.wait({following})

    @property
    def followers(self) -> int:
        """How many have joined the live stream."""
        return len(self._followers)

    def close(self) -> None:
        """Stop reading; every follower is told UNAVAILABLE, so that it resumes elsewhere."""
        self._closed.set()
        self._woken.set()
        self._end_all(ErrorCode.UNAVAILABLE)

    def _end_all(self, code: ErrorCode) -> None:
        for follower in self._followers:
            follower.end(code)
        self._followers.clear()

    async def last_position(self) -> int:
        """The position of the newest stamped event, 0 for an empty log.

        Raises:
            DomainError: UNAVAILABLE, the database does not answer.
        """
        async with self._reading() as connection:
            position: int = await connection.fetchval(LAST_POSITION)
        return position

    async def follow(self, after: int) -> AsyncGenerator[Event, None]:
        """All events behind a position in order, without gap or repeat, then live ones.

        Raises:
            SlowConsumer: the reader fell too far behind; it may resume from its cursor.
            DomainError: INVALID_CURSOR, there is no such position (yet, or any more);
                UNAVAILABLE, the database does not answer or the bus was closed: resume from
                the cursor.
        """
        if after < 0 or (after > self._position and after > await self.last_position()):
            raise DomainError(ErrorCode.INVALID_CURSOR)
        with OPEN_SUBSCRIPTIONS.track_inprogress():
            position = after
            while position < self._position:
                missed = self._kept_behind(position) or await self._read(position)
                for event in missed.events:
                    yield event
                position = missed.end
            # Nothing was awaited since the comparison, so nothing falls between the two.
            with self._joined() as follower:
                while True:
                    event = await follower.next()
                    # A cursor that came from another process may be ahead of this one's log.
                    if event.position > position:
                        yield event

    @contextmanager
    def _joined(self) -> Iterator[Follower]:
        if self._closed.is_set():
            raise DomainError(ErrorCode.UNAVAILABLE)
        follower = Follower(self._queue_limit)
        self._followers.add(follower)
        try:
            yield follower
        finally:
            self._followers.discard(follower)

    async def _read(self, after: int) -> Stretch:
        if self._closed.is_set():
            raise DomainError(ErrorCode.UNAVAILABLE)
        async with self._reading() as connection:
            return await _stretch(connection, after)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[Connection]:
        try:
            async with self._readers.acquire(timeout=QUERY_SECONDS) as connection:
                yield connection
        except LOST as error:
            raise DomainError(ErrorCode.UNAVAILABLE) from error

    def _kept_behind(self, after: int) -> Stretch | None:
        """What is kept of the log behind a position; None where more was missed."""
        if after < self._kept_after or self._closed.is_set():
            return None
        missed: deque[Event] = deque()
        for event in reversed(self._kept):
            if event.position <= after:
                break
            missed.appendleft(event)
        return Stretch(missed, self._position, full=False)

    async def _follow_log(self, catch_up_interval: timedelta) -> None:
        async def read_until_closed(established: Established) -> None:
            woken, in_vain = True, 0
            while not self._closed.is_set():
                self._woken.clear()
                found = await self._catch_up()
                established()
                if found and not woken:
                    EVENTS_CAUGHT_UP.inc(found)
                in_vain = in_vain + 1 if woken and not found else 0
                if in_vain > 1:
                    await stopped_within(self._closed, REST)
                woken = await stopped_within(self._woken, catch_up_interval)

        await kept_up(read_until_closed, stop=self._closed, purpose="event bus")

    async def _catch_up(self) -> int:
        """Read on to the end of the log; how many positions it was."""
        before = self._position
        async with self._readers.acquire(timeout=QUERY_SECONDS) as connection:
            while self._pass_on(await _stretch(connection, self._position)):
                pass
            if self._position == before:
                self._begin_anew_behind(await connection.fetchval(LAST_POSITION))
        return max(self._position - before, 0)

    def _begin_anew_behind(self, end: int) -> None:
        """A standby without the last commits may have taken over: what was passed on is not so."""
        if end < self._position:
            log.error("event log ends before what was passed on", passed_on=self._position, end=end)
            self._position = self._kept_after = end
            self._kept.clear()
            self._end_all(ErrorCode.INVALID_CURSOR)

    def _wake(self) -> None:
        self._woken.set()

    def _pass_on(self, stretch: Stretch) -> bool:
        """Give a stretch to all followers; whether there may be more to read at once."""
        self._position = stretch.end
        EVENT_POSITION.set(stretch.end)
        if stretch.events:
            self._kept.extend(stretch.events)
            while len(self._kept) > KEPT:
                self._kept_after = self._kept.popleft().position
            self._followers -= {
                follower for follower in self._followers if not follower.offer(stretch.events)
            }
        return stretch.full and not self._closed.is_set()


async def _stretch(connection: Connection, after: int) -> Stretch:
    rows = await connection.fetch(READ, after, BATCH, timeout=QUERY_SECONDS)
    events = []
    end = after
    for row in rows:
        if row["position"] != end + 1:
            # Stamped together, visible together: somebody has taken events out by force.
            log.error("event log has a gap", after=end, before=row["position"])
        end = row["position"]
        if row["kind"] in KINDS:
            events.append(event_from(row))
        else:
            # Written by a newer version while this one is being replaced.
            log.warning("event of an unknown kind", kind=row["kind"], position=end)
    return Stretch(events, end, len(rows) == BATCH)
