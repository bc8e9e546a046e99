"""One step over and over, with a pause that a wake-up ends; a fault never ends the loop."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

AFTER_FAULT = timedelta(seconds=5)
"""The pause after a fault of ours or of the database."""

log = structlog.get_logger()


class Loop:
    """Runs `step` until stopped. A step returns the pause that it asks for."""

    def __init__(self, name: str, step: Callable[[], Awaitable[timedelta]]) -> None:
        self.name = name
        self.stopping = False
        self._step = step
        self._wake = asyncio.Event()

    async def run(self) -> None:
        while not self.stopping:
            self._wake.clear()
            try:
                pause = await self._step()
            except Exception:
                # Whatever it was, the other feeds and the next attempt must go on.
                log.exception("ingestion.step_failed", loop=self.name)
                pause = AFTER_FAULT
            if self.stopping:
                break
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await self._wake.wait()

    def wake(self) -> None:
        """End the pause, or the next one when a step is under way."""
        self._wake.set()

    def stop(self) -> None:
        """End after the step in hand."""
        self.stopping = True
        self._wake.set()
