"""The shared streams of a process: one producer for all whose messages are the same."""

import asyncio
from collections.abc import AsyncGenerator, Hashable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from strawberry.schema import BaseSchema
from strawberry.types import ExecutionResult

from schema.access import Scope
from schema.context import Beginning, Context
from schema.errors import DomainError, ErrorCode, Language, NotFound
from schema.events import Event, EventFeed
from schema.live import Right, Shareable
from schema.values import utc_now
from server.parameters import Parameters
from server.payloads import Payload, Present, payload_of
from server.producers import Producer, Recheck, caught_up
from server.watchers import Message, Watcher
from server.watching import Watched

LINGER_SECONDS = 5.0
"""How long a producer waits for its watchers to come back."""
MOST_LINGERING = 100

FAR = timedelta(days=365)
"""Until when a shared scope holds: it is no token's. Each watcher's own rights are asked for."""

AT_ONCE = 4
"""How many messages are made at once: what befalls an agency is told by each of its producers, and
requests need connections of the database meanwhile."""

NONE = (None, None)


class Paced:
    """The log for a producer: it waits its turn before each event, until it has told the last."""

    def __init__(self, feed: EventFeed, turns: asyncio.Semaphore) -> None:
        self._feed = feed
        self._turns = turns

    async def last_position(self) -> int:
        return await self._feed.last_position()

    async def follow(self, after: int) -> AsyncGenerator[Event, None]:
        async with aclosing(self._feed.follow(after)) as events:
            async for event in events:
                async with self._turns:
                    yield event


@dataclass(slots=True)
class Rights:
    """Those of all who watch: asked for anew before each event is told, as one viewer's are."""

    scope: Scope
    recheck: Recheck | None
    _asking: asyncio.Future[None] | None = None

    async def authorise(self) -> tuple[Scope, datetime]:
        """Begin to ask; the message is made meanwhile."""
        await self.asked()
        if self.recheck is not None:
            self._asking = asyncio.ensure_future(self.recheck())
        return self.scope, utc_now() + FAR

    async def asked(self) -> None:
        """Wait until who may not has been ended."""
        if self._asking is not None:
            await self._asking
            self._asking = None

    def close(self) -> None:
        """Ask no more: nobody is told any more."""
        if self._asking is not None:
            self._asking.cancel()


@dataclass(frozen=True, slots=True)
class Execution:
    """One subscription, as it is executed for all who watch it."""

    schema: BaseSchema
    feed: EventFeed
    present: Present
    asked: Parameters
    language: Language
    watched: Watched
    turns: asyncio.Semaphore

    async def messages(
        self, begins: Beginning, recheck: Recheck | None = None
    ) -> AsyncGenerator[Message, None]:
        """The messages from a beginning on. `recheck` asks for everybody's rights: it runs beside
        the making of each message, and has ended before it comes.

        Raises:
            DomainError: the stream was refused, or an event could not be told; in both cases
                what was told so far holds, and the stream may go on behind it.
        """
        scope = await self.watched.shareable.scope(self.watched.leader)
        if scope is None:
            raise NotFound(self.watched.shareable.thing)
        rights = Rights(scope, recheck)
        # Who catches up waits for its own network between two events, and holds no turn.
        feed = self.feed if recheck is None else Paced(self.feed, self.turns)
        context = self._context(rights, begins, feed)
        results = await self.schema.stream(
            self.asked.query,
            variable_values=self.asked.variables,
            context_value=context,
            operation_name=self.asked.operation_name,
        )
        try:
            async with aclosing(results):
                async for result in results:
                    _refuse_faults(cast("ExecutionResult", result))
                    payload = payload_of(cast("ExecutionResult", result), self.present, context)
                    await rights.asked()
                    yield Message(int(context.cursor or 0), payload)
        finally:
            rights.close()

    def _context(self, rights: Rights, begins: Beginning, feed: EventFeed) -> Context:
        return Context(
            scope=rights.scope,
            language=self.language,
            feed=feed,
            authorise=rights.authorise,
            beginning=begins,
        )


def _refuse_faults(result: ExecutionResult) -> None:
    """Raises what left a result without data: it has no cursor, and would be missed."""
    if result.data is None:
        for error in result.errors or ():
            raise error.original_error or error
        raise DomainError(ErrorCode.UNAVAILABLE)


class SharedStreams:
    """Producers by what they compute."""

    def __init__(
        self,
        schema: BaseSchema,
        feed: EventFeed,
        present: Present,
        linger_seconds: float = LINGER_SECONDS,
    ) -> None:
        self._schema = schema
        self._feed = feed
        self._present = present
        self._linger_seconds = linger_seconds
        self._producers: dict[Hashable, tuple[Watched, Producer]] = {}
        self._lingering: dict[Hashable, asyncio.TimerHandle] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    @property
    def producers(self) -> list[Producer]:
        """Those that run now."""
        return [producer for _, producer in self._producers.values()]

    async def payloads(
        self, watched: Watched, asked: Parameters, language: Language, watcher: Watcher
    ) -> AsyncGenerator[Payload, None]:
        """What a watcher is told, from its cursor or from a snapshot on.

        Raises:
            DomainError: the watcher was ended, or its cursor is not one of the log's.
        """
        with self._using(watched, asked, language) as producer:
            try:
                await asyncio.shield(producer.ready)
                position = watched.position
                if position is None:
                    message = await producer.whole()
                    watcher.refuse_ended()
                    position = message.position
                    yield message.payload
                else:
                    await producer.refuse_unknown(position)
                async with aclosing(caught_up(producer, self._feed, watcher, position)) as missed:
                    async for message in missed:
                        yield message.payload
                while True:
                    yield (await watcher.next()).payload
            finally:
                producer.watchers.discard(watcher)

    async def recheck(self) -> None:
        """End all watchers who may no longer watch, of all producers; one statement for all of
        one kind."""
        kinds: dict[int, tuple[Shareable, list[tuple[Watched, Producer]]]] = {}
        for watched, producer in self._producers.values():
            kinds.setdefault(id(watched.shareable), (watched.shareable, []))[1].append(
                (watched, producer)
            )
        for shareable, running in kinds.values():
            await _recheck(shareable, running)

    @contextmanager
    def _using(self, watched: Watched, asked: Parameters, language: Language) -> Iterator[Producer]:
        key = watched.key
        timer = self._lingering.pop(key, None)
        if timer is not None:
            timer.cancel()
        if key not in self._producers:
            self._producers[key] = watched, self._producer(watched, asked, language)
        producer = self._producers[key][1]
        try:
            with producer.used():
                yield producer
        finally:
            if not producer.users and self._producers.get(key, NONE)[1] is producer:
                self._linger(key)

    def _producer(self, watched: Watched, asked: Parameters, language: Language) -> Producer:
        async def rights(subjects: Sequence[str]) -> list[Right]:
            pairs = [(watched.leader, subject) for subject in subjects]
            return await watched.shareable.rights(pairs)

        def forget(producer: Producer) -> None:
            if self._producers.get(watched.key, NONE)[1] is producer:
                del self._producers[watched.key]

        execution = Execution(
            self._schema, self._feed, self._present, asked, language, watched, self._turns
        )
        return Producer(
            self._feed,
            execution.messages,
            rights,
            thing=watched.shareable.thing,
            asked=watched.position,
            on_end=forget,
        )

    def _linger(self, key: Hashable) -> None:
        def end() -> None:
            self._lingering.pop(key, None)
            if key in self._producers:
                self._producers[key][1].end(DomainError(ErrorCode.UNAVAILABLE))

        if len(self._lingering) < MOST_LINGERING:
            loop = asyncio.get_running_loop()
            self._lingering[key] = loop.call_later(self._linger_seconds, end)
        else:
            end()

    def close(self) -> None:
        """End all producers."""
        for timer in self._lingering.values():
            timer.cancel()
        self._lingering.clear()
        for producer in self.producers:
            producer.end(DomainError(ErrorCode.UNAVAILABLE))


async def _recheck(shareable: Shareable, running: list[tuple[Watched, Producer]]) -> None:
    asked = [
        (watched.leader, watcher, producer)
        for watched, producer in running
        for watcher in producer.watchers
    ]
    pairs = list({(leader, watcher.subject) for leader, watcher, _ in asked})
    held = dict(zip(pairs, await shareable.rights(pairs), strict=True))
    for leader, watcher, producer in asked:
        producer.hold([(watcher, held[leader, watcher.subject])])
