"""The demonstration's fake SRIKANDI: pages and signed deliveries of a day, and its command line."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import JSON, Http, Retryable
from ekinerja_connectors.settings import parse
from ekinerja_connectors.testing.fakes import CONTROL, WIB, Person, serve
from ekinerja_srikandi import SrikandiConnector
from ekinerja_srikandi.fake import create_app, events_of, push, settings_of
from standardwebhooks import Webhook

PEOPLE = (
    Person(nip="198503122009011007", name="Rahmat Hidayat"),
    Person(nip="199207152018012003", name="Sari Wulandari"),
)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=WIB)
SECRET = "whsec_Y29udG9oLWt1bmNpLXVudHVrLXVqaS1jb2JhIQ=="


def connector_of(settings: Mapping[str, JSON], http: Http) -> SrikandiConnector:
    return SrikandiConnector(parse(SrikandiConnector.settings, settings), http)


@contextlib.asynccontextmanager
async def reading(app: web.Application) -> AsyncIterator[SrikandiConnector]:
    async with serve(app) as url, Http([url]) as http:
        yield connector_of(settings_of(url), http)


async def test_demonstration_gives_new_work_and_faults_that_the_connector_understands() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))

    async with reading(app) as connector:
        app[CONTROL].fail_next(503, retry_after="30")
        with pytest.raises(Retryable) as caught:
            await connector.fetch(None)
        page = await connector.fetch(None)
        now += timedelta(minutes=12)
        new = await connector.fetch(page.next_cursor)

    assert caught.value.retry_after == timedelta(seconds=30)
    assert [item.payload["time"] for item in new.items] == [  # type: ignore[index,call-overload]
        "2026-03-02T12:05:00+07:00",
        "2026-03-02T12:10:00+07:00",
    ]


class Receiver:
    """A host's webhook endpoint: verifies, and answers what the test says."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.taken: list[Any] = []
        self.calls = 0
        self.called = asyncio.Condition()

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/hook", self._take)
        return app

    async def _take(self, request: web.Request) -> web.Response:
        event = Webhook(SECRET).verify(await request.read(), dict(request.headers))
        async with self.called:
            status = self.statuses.pop(0) if self.statuses else 204
            self.calls += 1
            if status == 204:
                self.taken.append(event)
            self.called.notify_all()
        return web.Response(status=status)

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(60), self.called:
            await self.called.wait_for(lambda: self.calls >= calls)


async def test_new_events_are_pushed_signed_and_again_until_they_are_taken() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))
    receiver = Receiver(503)

    async with serve(receiver.app()) as url:
        task = asyncio.create_task(
            push(
                app,
                f"{url}/hook",
                SECRET,
                lambda: datetime.now(UTC),
                look=timedelta(milliseconds=10),
            )
        )
        await asyncio.sleep(0)  # it notes what was there before
        now += timedelta(minutes=12)
        await receiver.until(3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert receiver.taken == events_of(app)[-2:]


async def test_push_ends_when_the_receiver_is_gone_for_good() -> None:
    now = NOON
    app = create_app(PEOPLE, lambda: now, every=timedelta(minutes=5))
    receiver = Receiver(410)

    async with serve(receiver.app()) as url, asyncio.timeout(60):
        pushing = push(app, f"{url}/hook", SECRET, look=timedelta(milliseconds=10))
        task = asyncio.create_task(pushing)
        await asyncio.sleep(0)
        now += timedelta(minutes=12)
        await task

    assert receiver.calls == 1


async def test_fake_starts_from_the_command_line_pushes_and_tells_its_address(
    tmp_path: Path,
) -> None:
    people = tmp_path / "people.json"
    people.write_text(json.dumps([{"nip": one.nip, "name": one.name} for one in PEOPLE]))
    receiver = Receiver()
    async with serve(receiver.app()) as hook:
        options = ["--people", str(people), "--every", "0.2"]
        options += ["--webhook", f"{hook}/hook", "--secret", SECRET]
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ekinerja_srikandi.fake", *options),
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            words = (await process.stdout.readline()).decode().split()
            await receiver.until(2)
            async with Http([words[2]]) as http:
                page = await connector_of(settings_of(words[2]), http).fetch(None)
        finally:
            process.terminate()
            await process.wait()

    assert words[:2] == ["listening", "on"]
    polled = {item.payload["id"] for item in page.items}  # type: ignore[index,call-overload]
    assert {one["id"] for one in receiver.taken} <= polled
