"""What is asked of a guest: known addresses only, the pauses asked for, and no blocked loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from aiohttp import web

from ...errors import ConnectorError, Retryable
from ..checks import check, does_not_apply, none_of
from ..front import answering, listening
from .base import Stage, SuiteBase

__all__ = ["MannersChecks"]

PAUSE = timedelta(seconds=7)
#: How long nothing may be heard after a service said that the budget is used up.
QUIET = 0.8  # seconds
#: A loop that is held up so long each time is blocked; a busy machine does it once in a while.
LAG = 0.2  # seconds
TRIES = 3
_USED_UP = (
    {"RateLimit": '"default";r=0;t=30', "RateLimit-Policy": '"default";q=60;w=60'},
    {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "30"},
)


async def _attempt(call: Callable[[], Awaitable[object]]) -> object:
    try:
        return await call()
    except ConnectorError as error:
        return error


class MannersChecks(SuiteBase):
    """How it behaves towards the service, the network and the host's loop."""

    @check("reaches no address outside its settings", "bronze")
    def test_reaches_no_address_but_those_of_its_settings(self) -> None:
        methods = tuple(self._calls(None))
        if not methods:
            does_not_apply("it asks nothing of a service")

        async def call(stage: Stage) -> set[str]:
            for method in methods:
                await _attempt(self._calls(stage.connector)[method])
            known = stage.front.known()
            # A name such as localhost is connected to by its number, whose port is known as well.
            ports, names = {port for _, port in known}, {host for host, _ in known}
            strange = {f"{host}:{port}" for host, port in stage.seen.connected if port not in ports}
            return strange | (set(stage.seen.looked_up) - names)

        none_of(self._run(call), "it reaches these; use self.http and address()")

    @check("follows no redirect to another address", "silver")
    def test_redirect_elsewhere_is_not_followed(self) -> None:
        for method in self._reaching():
            visitors: list[str] = []

            async def call(
                stage: Stage, method: str = method, visitors: list[str] = visitors
            ) -> object:
                async def welcome(request: web.Request) -> web.StreamResponse:
                    visitors.append("came")
                    return web.json_response([])

                async with listening(welcome) as elsewhere:
                    moved = {"Location": f"{elsewhere}/x"}
                    stage.front.fault = answering(302, headers=moved)
                    return await _attempt(self._calls(stage.connector)[method])

            outcome = self._run(call)

            assert visitors == [], f"{method} follows a redirect out of its addresses"
            assert isinstance(outcome, ConnectorError), f"{method} takes a redirect for an answer"

    @check("keeps the pause that Retry-After asks for", "silver")
    def test_pause_of_retry_after_is_kept(self) -> None:
        for method in self._reaching():

            async def call(stage: Stage, method: str = method) -> tuple[object, int]:
                seconds = str(int(PAUSE.total_seconds()))
                stage.front.fault = answering(429, headers={"Retry-After": seconds})
                outcome = await _attempt(self._calls(stage.connector)[method])
                return outcome, len(stage.front.seen)

            outcome, requests = self._run(call)

            assert isinstance(outcome, Retryable), f"{method}: 429 is not Retryable"
            assert outcome.retry_after == PAUSE, f"{method} does not pass on the Retry-After"
            assert requests == 1, f"{method} asks again at once after a 429"

    @check("keeps to the budget that RateLimit headers tell", "silver")
    def test_used_up_budget_of_the_service_is_kept(self) -> None:
        for method in self._reaching():
            for headers in _USED_UP:

                async def call(
                    stage: Stage, method: str = method, headers: dict[str, str] = headers
                ) -> int:
                    stage.front.headers = headers
                    calls = self._calls(stage.connector)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(QUIET):
                            for _ in range(3):
                                await _attempt(calls[method])
                    asked = Counter(one.origin for one in stage.front.seen)
                    return max(asked.values(), default=0)

                requests = self._run(call)
                told = next(iter(headers))
                assert requests <= 1, f"{method} asks again though {told} says that none is left"

    @check("never blocks the loop", "silver")
    def test_loop_is_never_blocked(self) -> None:
        methods = tuple(self._calls(None))
        if not methods:
            does_not_apply("it asks nothing of a service")

        async def call(stage: Stage) -> tuple[float, list[str]]:
            beating = asyncio.create_task(_longest_pause())
            await asyncio.sleep(0)
            for method in methods:
                await _attempt(self._calls(stage.connector)[method])
            beating.cancel()
            return await beating, stage.seen.blocked

        for attempt in range(TRIES):
            lag, blocked = self._run(call)
            none_of(set(blocked), "these block the loop; use self.http and asyncio.sleep")
            if lag < LAG:
                return
            assert attempt + 1 < TRIES, f"the loop stood still for {lag:.2f} s"


async def _longest_pause() -> float:
    """The longest time in which the loop did nothing else, in seconds; ends when cancelled."""
    loop = asyncio.get_running_loop()
    longest, last = 0.0, loop.time()
    try:
        while True:
            await asyncio.sleep(0.005)
            now = loop.time()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return max(longest, loop.time() - last)
