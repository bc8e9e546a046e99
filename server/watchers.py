"""One watcher of a shared stream: a bounded queue between its producer and a slow network."""

import asyncio
from collections import deque
from dataclasses import dataclass

from schema.errors import DomainError, SlowConsumer
from server.payloads import Payload
from server.telemetry import STREAMS_ENDED

MOST_WAITING = 1_000
"""Messages that may wait for one watcher. All watchers share the messages themselves."""
MOST_CHARACTERS = 2_000_000
"""Their length together; a single message may be longer."""


@dataclass(frozen=True, slots=True)
class Message:
    """A payload that is the same for all watchers, and the position that it stands for."""

    position: int
    payload: Payload

    @property
    def size(self) -> int:
        return len(self.payload.text)


class Watcher:
    """A queue with one writer (a producer) and one reader (the transport's task).

    `position` is what the watcher has been told, or will be: what lies up to it is not for it.
    """

    def __init__(
        self, subject: str, limit: int = MOST_WAITING, characters: int = MOST_CHARACTERS
    ) -> None:
        self.subject = subject
        self.position = -1
        self._limit = limit
        self._characters = characters
        self._waiting: deque[Message] = deque()
        self._size = 0
        self._ended: DomainError | None = None
        self._woken: asyncio.Future[None] | None = None

    def offer(self, message: Message) -> bool:
        """Queue a message; False when it does not fit, whereupon the queue is freed and ended."""
        if self._ended is not None:
            return False
        if message.position <= self.position:
            return True
        waiting = self._waiting
        if waiting and (
            len(waiting) >= self._limit or self._size + message.size > self._characters
        ):
            self.end(SlowConsumer())
            return False
        waiting.append(message)
        self.position = message.position
        self._size += message.size
        self._wake()
        return True

    def end(self, refusal: DomainError) -> None:
        """Let the reader's next call raise; what it has not read is not for it, or it resumes."""
        if self._ended is None:
            self._ended = refusal
            STREAMS_ENDED.labels(refusal.code.value).inc()
            self._waiting.clear()
            self._size = 0
            self._wake()

    def refuse_ended(self) -> None:
        """Raises the refusal by which the watcher was ended, if it was."""
        if self._ended is not None:
            raise self._ended

    async def next(self) -> Message:
        """The next message, once there is one.

        Raises:
            DomainError: the watcher was ended.
        """
        while not self._waiting:
            self.refuse_ended()
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        message = self._waiting.popleft()
        self._size -= message.size
        return message

    def _wake(self) -> None:
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)
