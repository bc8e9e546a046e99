"""The SDK's HTTP client against real services on loopback that misbehave."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web
from ekinerja_connectors import AuthFailed, Fatal, Http, Retryable
from ekinerja_connectors.http import retry_after_of
from ekinerja_connectors.testing.fakes import serve

NOW = datetime(2026, 3, 2, 9, 0, 0, tzinfo=UTC)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def app_of(handler: Handler) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", handler)
    return app


def answering(**answer: object) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(**answer)  # type: ignore[arg-type]

    return handler


@pytest.mark.parametrize(
    ("header", "pause"),
    [
        ("120", timedelta(seconds=120)),
        (" 0 ", timedelta(0)),
        ("Mon, 02 Mar 2026 09:01:30 GMT", timedelta(seconds=90)),
        ("Mon, 02 Mar 2026 08:00:00 GMT", timedelta(0)),  # past already
        ("9" * 5_000, timedelta(days=1)),
        ("Mon, 02 Mar 2099 09:00:00 GMT", timedelta(days=1)),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        (None, None),
    ],
)
def test_retry_after_is_read_in_both_forms_and_bounded(
    header: str | None, pause: timedelta | None
) -> None:
    assert retry_after_of(header, NOW) == pause


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
async def test_busy_service_is_retryable_after_the_pause_it_asks_for(status: int) -> None:
    app = app_of(answering(status=status, headers={"Retry-After": "7"}))

    async with serve(app) as url, Http([url]) as http:
        with pytest.raises(Retryable) as caught:
            await http.get(f"{url}/x?token=tersembunyi")

    assert caught.value.retry_after == timedelta(seconds=7)
    assert "tersembunyi" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "expected"), [(401, AuthFailed), (403, AuthFailed), (404, Fatal), (418, Fatal)]
)
async def test_refusal_is_returned_and_raised_only_on_demand(
    status: int, expected: type[Exception]
) -> None:
    async with serve(app_of(answering(status=status))) as url, Http([url]) as http:
        response = await http.get(url)

    assert response.status == status
    with pytest.raises(expected):
        response.raise_for_status()


async def test_silent_service_is_retryable_when_the_time_is_up() -> None:
    released = asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with serve(app_of(handler)) as url:
        async with Http([url], total=timedelta(seconds=0.2)) as http:
            with pytest.raises(Retryable, match="no answer"):
                await http.get(url)
        released.set()


async def test_service_that_is_not_there_is_retryable() -> None:
    async with serve(app_of(answering())) as url:
        pass

    async with Http([url]) as http:
        with pytest.raises(Retryable, match="cannot be reached"):
            await http.get(url)


async def test_closed_client_is_retryable() -> None:
    http = Http(["http://127.0.0.1:9"])
    await http.close()

    with pytest.raises(Retryable, match="changed"):
        await http.get("http://127.0.0.1:9/")


@pytest.mark.parametrize(
    "handler",
    [
        answering(body=b"x" * 5_000),
        answering(body=gzip.compress(b"x" * 100_000), headers={"Content-Encoding": "gzip"}),
    ],
    ids=["plain", "decompressed"],
)
async def test_answer_over_the_size_cap_is_fatal(handler: Handler) -> None:
    async with serve(app_of(handler)) as url, Http([url], max_bytes=4_096) as http:
        with pytest.raises(Fatal, match="more than 4096 bytes"):
            await http.get(url)


@pytest.mark.parametrize(
    "body", [b"<html>maintenance</html>", b"", b"\xff", b"[" * 100_000, b"NaN", b"9" * 5_000]
)
async def test_answer_that_is_no_json_is_retryable_with_its_status(body: bytes) -> None:
    async with serve(app_of(answering(body=body))) as url, Http([url]) as http:
        response = await http.get(url)

    with pytest.raises(Retryable, match="answered 200"):
        response.json()


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:1/",
        "http://localhost/",
        "http://0x7f000001/",
        "//127.0.0.1:1/",
        "/relative",
        "file:///etc/passwd",
        "http://[half",
    ],
)
async def test_no_other_address_is_called_neither_directly_nor_by_redirect(address: str) -> None:
    redirect = answering(status=302, headers={"Location": address})

    async with serve(app_of(redirect)) as url, Http([url]) as http:
        if not address.startswith("/"):
            with pytest.raises(Fatal):
                await http.get(address)
        with pytest.raises(Fatal):  # "/relative" redirects to itself without end
            await http.get(url)


async def test_redirect_to_another_declared_service_is_the_administrators_choice() -> None:
    async with AsyncExitStack() as stack:
        other = await stack.enter_async_context(serve(app_of(answering(text="halo"))))
        redirect = answering(status=307, headers={"Location": other})
        url = await stack.enter_async_context(serve(app_of(redirect)))
        http = await stack.enter_async_context(Http([url, other]))

        response = await http.get(url)
        with pytest.raises(Fatal, match="redirects a POST"):
            await http.request("POST", url, form={"a": "b"})

    assert response.body == b"halo"


async def test_credentials_and_parameters_arrive() -> None:
    async def echo(request: web.Request) -> web.Response:
        form = await request.post()
        return web.json_response(
            [request.headers["Authorization"], request.query["a"], form.get("f")]
        )

    async with serve(app_of(echo)) as url, Http([url]) as http:
        response = await http.request(
            "POST", url, params={"a": "ü&"}, form={"f": "1"}, basic_auth=("k", "s")
        )

    assert response.json() == ["Basic azpz", "ü&", "1"]
