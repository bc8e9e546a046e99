"""One computation for all who watch the same: its latest messages, and who is given them."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Protocol

import structlog

from schema.context import Beginning
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventFeed
from schema.live import Right, beginning_behind
from server.availability import is_away
from server.telemetry import SHARED_MESSAGES, STREAM_PRODUCERS
from server.watchers import Message, Watcher

Recheck = Callable[[], Awaitable[None]]
Rights = Callable[[Sequence[str]], Awaitable[list[Right]]]


class Execute(Protocol):
    """Runs the stream from a beginning on; `recheck` is done with before each message."""

    def __call__(
        self, begins: Beginning, recheck: Recheck | None = None, /
    ) -> AsyncGenerator[Message, None]: ...


KEPT = 500
"""The latest messages that are kept for those who come back."""
KEPT_CHARACTERS = 500_000
AHEAD = 200
"""By how many events of the log a producer begins before its first watcher's cursor: others who
lost their connection at the same time were told a little less, or more."""
FARTHEST = 1_000
"""How far behind the log's end a producer begins at most; who is farther behind catches up."""
WHOLE_SECONDS = 5.0
"""How long one snapshot serves all who join while nothing happens."""

log = structlog.get_logger()


class Ring:
    """The latest messages: all there are behind `floor`."""

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._messages: deque[Message] = deque()
        self._size = 0

    def append(self, message: Message) -> None:
        self._messages.append(message)
        self._size += message.size
        while self._messages and (len(self._messages) > KEPT or self._size > KEPT_CHARACTERS):
            gone = self._messages.popleft()
            self._size -= gone.size
            self.floor = gone.position

    def behind(self, position: int) -> list[Message]:
        """The messages behind a position that is not below the floor."""
        return [message for message in self._messages if message.position > position]


class Producer:
    """Runs one stream from its start until nobody watches any more."""

    def __init__(
        self,
        feed: EventFeed,
        execute: Execute,
        rights: Rights,
        *,
        thing: str,
        asked: int | None,
        on_end: Callable[["Producer"], None],
    ) -> None:
        """`asked` is the first watcher's cursor; `thing` is what is not there for who may not."""
        self._feed = feed
        self.execute = execute
        self.rights = rights
        self.thing = thing
        self._on_end = on_end
        self._known = 0
        self._ring = Ring(0)
        self._refusal: DomainError | None = None
        self._wholes: dict[bool, tuple[float, asyncio.Task[Message]]] = {}
        self.watchers: set[Watcher] = set()
        self.users = 0
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._running = asyncio.create_task(self._run(asked))
        STREAM_PRODUCERS.inc()

    @property
    def floor(self) -> int:
        """Behind which position all messages are at hand."""
        return self._ring.floor

    @contextmanager
    def used(self) -> Iterator[None]:
        """One who watches or is about to; a producer that nobody uses may be ended."""
        self.users += 1
        try:
            yield
        finally:
            self.users -= 1

    async def refuse_unknown(self, position: int) -> None:
        """Raises: DomainError, INVALID_CURSOR, the log does not reach that far."""
        if position > self._known:
            self._known = max(self._known, await self._feed.last_position())
        if position > self._known:
            raise DomainError(ErrorCode.INVALID_CURSOR, field="after")

    def join(self, watcher: Watcher, position: int) -> bool:
        """Give a watcher all messages behind a position, from now on too; False where some of
        them are no longer at hand. Nothing is awaited, so nothing falls between.

        Raises:
            DomainError: the producer has ended.
        """
        if self._refusal is not None:
            raise self._refusal
        if position < self.floor:
            return False
        watcher.position = position
        for message in self._ring.behind(position):
            watcher.offer(message)
        self.watchers.add(watcher)
        return True

    async def whole(self, *, too_old: bool = False) -> Message:
        """The state as it is now: computed once for all who ask before the next message."""
        now = asyncio.get_running_loop().time()
        began, computing = self._wholes.get(too_old, (0.0, None))
        if computing is None or now - began > WHOLE_SECONDS or _failed(computing):
            computing = asyncio.create_task(self._compute_whole(too_old))
            computing.add_done_callback(_noted)
            self._wholes[too_old] = (now, computing)
        message = await asyncio.shield(computing)
        self._known = max(self._known, message.position)
        return message

    async def _compute_whole(self, too_old: bool) -> Message:
        last = await self._feed.last_position()
        begins = Beginning(last, whole=True, too_old=too_old, until=last)
        async with aclosing(self.execute(begins)) as messages:
            async for message in messages:
                return message
        raise DomainError(ErrorCode.UNAVAILABLE)

    def end(self, refusal: DomainError) -> None:
        """Tell all watchers why it is over, and stop."""
        if self._refusal is not None:
            return
        self._refusal = refusal
        STREAM_PRODUCERS.dec()
        if not self.ready.done():
            self.ready.set_exception(refusal)
            self.ready.exception()
        for watcher in self.watchers:
            watcher.end(refusal)
        self.watchers.clear()
        self._running.cancel()
        self._on_end(self)

    async def _run(self, asked: int | None) -> None:
        try:
            position = await self._start(asked)
            self.ready.set_result(None)
            while True:
                position = await self._follow(position)
        except DomainError as refused:
            self.end(refused)
        except Exception as fault:
            if is_away(fault):
                log.warning("database.away", error=f"{type(fault).__name__}: {fault}")
            else:
                log.error("stream.fault", exc_info=fault)
            self.end(DomainError(ErrorCode.UNAVAILABLE))

    async def _start(self, asked: int | None) -> int:
        last = self._known = await self._feed.last_position()
        start = last
        if asked is not None and asked < last:
            begins = await beginning_behind(self._feed, asked)
            if not begins.whole:
                start = max(0, asked - AHEAD, last - FARTHEST)
        self._ring = Ring(start)
        return start

    async def _follow(self, position: int) -> int:
        """Hand out what happens behind a position; where to go on after falling too far behind."""
        try:
            async with aclosing(self.execute(Beginning(position), self.recheck)) as messages:
                async for message in messages:
                    self._publish(message)
                    position = message.position
        except DomainError as refused:
            if refused.code is not ErrorCode.RESUME_FROM_CURSOR:
                raise
            return position
        raise DomainError(ErrorCode.UNAVAILABLE)

    async def recheck(self) -> None:
        """End the watchers who may no longer watch: one statement for all of them."""
        asked = list(self.watchers)
        subjects = list({watcher.subject for watcher in asked})
        if not subjects:
            return
        held = dict(zip(subjects, await self.rights(subjects), strict=True))
        self.hold((watcher, held[watcher.subject]) for watcher in asked)

    def hold(self, watchers: Iterable[tuple[Watcher, Right]]) -> None:
        """End watchers to whom it is as if it were not there, and who may no longer share it:
        these resume, and are told what they see by their own rights."""
        for watcher, right in watchers:
            if right is not Right.SHARED:
                resumes = DomainError(ErrorCode.RESUME_FROM_CURSOR)
                watcher.end(resumes if right else NotFound(self.thing))
                self.watchers.discard(watcher)

    def _publish(self, message: Message) -> None:
        SHARED_MESSAGES.inc()
        self._known = max(self._known, message.position)
        self._ring.append(message)
        self._wholes.clear()
        full = [watcher for watcher in self.watchers if not watcher.offer(message)]
        self.watchers.difference_update(full)


async def caught_up(
    producer: Producer, feed: EventFeed, watcher: Watcher, position: int
) -> AsyncGenerator[Message, None]:
    """Join a producer; before that, what is no longer at hand there, for this watcher alone.

    The rights are asked for anew before each message, as in the producer.
    """
    while not producer.join(watcher, position):
        begins = await beginning_behind(feed, position)
        if begins.whole:
            message = await producer.whole(too_old=True)
            position = message.position
            yield message
            continue
        until = producer.floor
        async with aclosing(producer.execute(Beginning(position, until=until))) as messages:
            async for message in messages:
                producer.hold(zip([watcher], await producer.rights([watcher.subject]), strict=True))
                watcher.refuse_ended()
                yield message
        position = until


def _failed(task: asyncio.Task[Message]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


def _noted(task: asyncio.Task[Message]) -> None:
    """Those who wait for it get its fault; where nobody does any more, nothing is lost."""
    if not task.cancelled():
        task.exception()
