"""Budget: how often a connector lets itself call its service, and who keeps to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from aiolimiter import AsyncLimiter

from .errors import Retryable

__all__ = ["Budget", "Spending"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """At most `requests` within any time `per`, for one installation, redirects included.

    Raises: ValueError.
    """

    requests: int
    per: timedelta

    def __post_init__(self) -> None:
        if self.requests < 1 or self.per <= timedelta(0):
            raise ValueError("a budget has at least one request in a time longer than none")


class Spending:
    """Lets a request pass when the budget has one left, waiting for it up to `patience`."""

    def __init__(self, budget: Budget, patience: timedelta) -> None:
        self._budget = budget
        self._patience = patience.total_seconds()
        # One at a time, evenly, once half the budget went out at once: never more than
        # `requests` in any window, since what leaks out within it is the other half.
        burst = max(1, budget.requests // 2)
        rest = max(1, budget.requests - burst)
        self._limiter = AsyncLimiter(burst, budget.per.total_seconds() * burst / rest)

    async def one(self) -> None:
        """Take one request from the budget.

        Raises:
            Retryable: there is none within `patience`; with the pause until there is.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._limiter.acquire()
        except TimeoutError:
            pause = self._budget.per / self._budget.requests
            raise Retryable(
                f"the connector's budget of {self._budget.requests} requests in "
                f"{self._budget.per.total_seconds():g} s is spent",
                max(pause, timedelta(seconds=self._patience)),
            ) from None
