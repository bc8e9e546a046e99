"""A connector's own budget, and what services say is left of their limits."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from ekinerja_connectors import Budget, Http, Retryable
from ekinerja_connectors.budgets import Spending
from ekinerja_connectors.pauses import MAX_RETRY_AFTER, limit_pause_of
from ekinerja_connectors.testing.fakes import serve

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
LATER = str(int(NOW.timestamp()) + 90)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"RateLimit": '"default";r=0;t=30'}, 30),
        ({"RateLimit": '"default";r=1;t=30'}, None),
        ({"RateLimit": '"minute";r=5;t=9, "day";r=0;t=600'}, 600),
        ({"RateLimit": '"m";r=0', "RateLimit-Policy": '"m";q=100;w=60'}, 60),
        ({"RateLimit": '"m";r=0', "RateLimit-Policy": '"other";q=100;w=60'}, 0),
        ({"RateLimit": '"m"; r=0; pk=:QUJD:; t=12'}, 12),
        ({"RateLimit": "limit=100, remaining=0, reset=7"}, 7),
        ({"RateLimit": "limit=100, remaining=3, reset=7"}, None),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "8"}, 8),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": LATER}, 90),  # since 1970
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1000000001"}, 0),  # long past
        ({"X-RateLimit-Remaining": "4", "X-RateLimit-Reset": "9"}, None),
        ({"X-RateLimit-Remaining": "0"}, None),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 15}, 86_400),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 5_000}, None),
        ({"RateLimit": "\x00;;r=0;t=1e9"}, None),
    ],
)
def test_pause_of_a_limit_is_read_in_every_spelling(
    headers: dict[str, str], seconds: int | None
) -> None:
    pause = limit_pause_of(headers, NOW)

    assert pause == (None if seconds is None else timedelta(seconds=seconds))
    assert pause is None or pause <= MAX_RETRY_AFTER


async def test_service_without_anything_left_is_not_asked_again_until_its_reset() -> None:
    asked: list[str] = []
    clock = [NOW]

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(headers={"RateLimit": '"default";r=0;t=30'} if asked[1:] else {})

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    async with serve(app) as url, Http([url], now=lambda: clock[0]) as http:
        await http.get(f"{url}/1")
        await http.get(f"{url}/2")  # says that nothing is left
        with pytest.raises(Retryable) as caught:
            await http.get(f"{url}/3")
        clock[0] += timedelta(seconds=30)
        await http.get(f"{url}/4")

    assert asked == ["/1", "/2", "/4"]
    assert caught.value.retry_after == timedelta(seconds=30)


async def test_short_pause_of_a_limit_is_waited_for() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(headers={"RateLimit": '"default";r=0;t=1'})

    app = web.Application()
    app.router.add_get("/", answer)
    async with serve(app) as url, Http([url]) as http:
        loop = asyncio.get_running_loop()
        await http.get(url)
        began = loop.time()
        await http.get(url)

    assert loop.time() - began > 0.9


async def test_429_without_retry_after_is_retryable_after_the_limits_reset() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=429, headers={"RateLimit": '"default";r=0;t=40'})

    app = web.Application()
    app.router.add_get("/", answer)
    async with serve(app) as url, Http([url]) as http:
        with pytest.raises(Retryable) as caught:
            await http.get(url)

    assert caught.value.retry_after == timedelta(seconds=40)


@pytest.mark.parametrize(("requests", "seconds"), [(1, 0.05), (2, 0.1), (5, 0.1), (20, 0.2)])
async def test_budget_is_never_overspent_in_any_window(requests: int, seconds: float) -> None:
    per = timedelta(seconds=seconds)
    spending = Spending(Budget(requests=requests, per=per), timedelta(seconds=5))
    loop = asyncio.get_running_loop()
    moments = []

    for _ in range(2 * requests + 1):
        await spending.one()
        moments.append(loop.time())

    # A millisecond for the resolution of the loop's timers.
    spans = [late - early for early, late in zip(moments, moments[requests:], strict=False)]
    assert min(spans) > seconds - 0.002


async def test_spent_budget_is_retryable_with_its_pause_and_calls_nobody() -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/", answer)
    budget = Budget(requests=1, per=timedelta(hours=1))
    async with serve(app) as url, Http([url], budget=budget) as http:
        http._spending = Spending(budget, timedelta(milliseconds=20))
        await http.get(url)
        with pytest.raises(Retryable, match="budget of 1 requests") as caught:
            await http.get(url)

    assert (len(asked), caught.value.retry_after) == (1, timedelta(hours=1))


@pytest.mark.parametrize(("requests", "seconds"), [(0, 1), (1, 0), (1, -1)])
def test_budget_of_nothing_is_refused(requests: int, seconds: int) -> None:
    with pytest.raises(ValueError, match="at least one request"):
        Budget(requests=requests, per=timedelta(seconds=seconds))
