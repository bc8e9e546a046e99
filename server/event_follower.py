"""One reader of the live events: a bounded queue between the event bus and a slow network."""

import asyncio
from collections import deque
from collections.abc import Sequence

from schema.errors import DomainError, ErrorCode, SlowConsumer
from schema.events import Event


class Follower:
    """A queue with one writer (the bus) and one reader (a generator of events)."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Event] = deque()
        self._ended: ErrorCode | None = None
        self._changed = asyncio.Event()

    def offer(self, events: Sequence[Event]) -> bool:
        """Queue events; False when they do not fit, whereupon the queue is freed and ended."""
        if len(self._waiting) + len(events) > self._limit:
            self.end(ErrorCode.RESUME_FROM_CURSOR)
            return False
        self._waiting.extend(events)
        self._changed.set()
        return True

    def end(self, code: ErrorCode) -> None:
        """Let the reader's next call raise; what it has not read it reads after resuming."""
        self._waiting.clear()
        self._ended = code
        self._changed.set()

    async def next(self) -> Event:
        """The next event, once there is one.

        Raises:
            SlowConsumer: too many events were waiting.
            DomainError: with the code that `end` was given.
        """
        while not self._waiting:
            if self._ended is ErrorCode.RESUME_FROM_CURSOR:
                raise SlowConsumer
            if self._ended is not None:
                raise DomainError(self._ended)
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
