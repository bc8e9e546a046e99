"""Support for fake services: real aiohttp applications on loopback, faults at will, office days.

What one service says belongs to the fake of its plugin.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from aiohttp import web

__all__ = [
    "CONTROL",
    "WIB",
    "Clock",
    "Control",
    "Fault",
    "Moment",
    "Person",
    "Workday",
    "arguments_of",
    "faults",
    "people_of",
    "run",
    "serve",
    "titles_of",
    "utc_now",
]

#: Western Indonesian time, UTC+7, without daylight saving.
WIB = timezone(timedelta(hours=7), "WIB")
Clock = Callable[[], datetime]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def utc_now() -> datetime:
    """The wall clock, aware."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works in the fake service: an 18-digit NIP and a name, both invented."""

    nip: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One answer that goes wrong: its status, its body and, if given, its Retry-After."""

    status: int
    retry_after: str | None = None
    body: str = ""


@dataclass(slots=True)
class Control:
    """How a test steers a fake: the faults that its next answers will be, oldest first."""

    pending: list[Fault] = field(default_factory=list)

    def fail_next(self, status: int, *, retry_after: str | None = None, body: str = "") -> None:
        """Let the next request that is not yet spoken for be answered by this fault."""
        self.pending.append(Fault(status=status, retry_after=retry_after, body=body))


CONTROL = web.AppKey("control", Control)


@web.middleware
async def faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The middleware that turns the faults of `app[CONTROL]` into answers."""
    pending = request.app[CONTROL].pending
    if not pending:
        return await handler(request)
    fault = pending.pop(0)
    headers = {} if fault.retry_after is None else {"Retry-After": fault.retry_after}
    return web.Response(status=fault.status, text=fault.body, headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One piece of work: its number from 0, who does it, since when (WIB), and its subject."""

    number: int
    person: Person
    at: datetime
    subject: str


class Workday:
    """The work of some people, the same for the same seed and clock, and growing with time.

    When it is made, each person has `backlog` pieces of work of today in office hours (07.30 to
    16.00 WIB) up to now; before office hours, of the hours since midnight. After that there is
    one more each `every`, the people in turn. `subjects` are what the work is about, `titles`
    those of a NIP in particular.
    """

    def __init__(
        self,
        people: Sequence[Person],
        clock: Clock,
        *,
        subjects: Sequence[str],
        titles: Mapping[str, Sequence[str]] | None = None,
        seed: int = 0,
        every: timedelta | None = None,
        backlog: int = 3,
    ) -> None:
        if not people:
            raise ValueError("a workday needs people")
        self.people = tuple(people)
        self._clock = clock
        self._subjects = tuple(subjects)
        self._titles = titles or {}
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._every = every
        self._started = clock().astimezone(WIB).replace(microsecond=0)
        self._ticks = 0
        self._moments: list[Moment] = []
        self._fill_backlog(backlog)

    def _fill_backlog(self, backlog: int) -> None:
        opening = self._started.replace(hour=7, minute=30, second=0)
        closing = self._started.replace(hour=16, minute=0, second=0)
        begin = opening if self._started > opening else self._started.replace(hour=0, minute=0)
        seconds = int((min(self._started, closing) - begin).total_seconds())
        planned = [
            (begin + timedelta(seconds=self._random.randint(0, max(seconds, 0))), person)
            for person in self.people
            for _ in range(backlog)
        ]
        for at, person in sorted(planned, key=lambda one: (one[0], one[1].nip)):
            self._add(at, person)

    def _add(self, at: datetime, person: Person) -> None:
        subject = self._random.choice(self._titles.get(person.nip) or self._subjects)
        number = len(self._moments)
        self._moments.append(Moment(number=number, person=person, at=at, subject=subject))

    def moments(self) -> Sequence[Moment]:
        """All work up to now, oldest first."""
        if self._every is not None:
            due = int((self._clock() - self._started) / self._every)
            while self._ticks < due:
                person = self.people[self._ticks % len(self.people)]
                self._ticks += 1
                self._add(self._started + self._ticks * self._every, person)
        return tuple(self._moments)

    def other_than(self, moment: Moment) -> Person:
        """A colleague for a piece of work, always the same one for the same work."""
        others = [one for one in self.people if one != moment.person] or list(self.people)
        return others[moment.number % len(others)]


@contextlib.asynccontextmanager
async def serve(app: web.Application, port: int = 0) -> AsyncIterator[str]:
    """Run `app` on 127.0.0.1; gives its base URL without a slash at its end."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        host, bound = runner.addresses[0][:2]
        yield f"http://{host}:{bound}"
    finally:
        await runner.cleanup()


def people_of(path: Path) -> tuple[Person, ...]:
    """People from a JSON file: a list of objects with `nip` and `name`."""
    return tuple(
        Person(nip=str(one["nip"]), name=str(one["name"]))
        for one in json.loads(path.read_text("utf-8"))
    )


def titles_of(path: Path | None) -> dict[str, tuple[str, ...]]:
    """Subjects from a JSON file: an object from NIP to a list of texts; none without a file."""
    if path is None:
        return {}
    found = json.loads(path.read_text("utf-8"))
    return {str(nip): tuple(map(str, subjects)) for nip, subjects in found.items()}


def arguments_of(module: str) -> argparse.ArgumentParser:
    """The command line that every fake service understands."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--people", type=Path, required=True, help='JSON: [{"nip", "name"}]')
    parser.add_argument("--titles", type=Path, help='JSON: {"nip": ["subject", ...]}')
    parser.add_argument("--every", type=float, help="seconds between new pieces of work")
    parser.add_argument("--seed", type=int, default=0)
    return parser


async def run(
    app: web.Application, port: int, settings_of: Callable[[str], Mapping[str, Any]]
) -> None:
    """Serve until the task is cancelled.

    The first line on standard output is the address, the second the connector's settings for it.
    """
    async with serve(app, port) as url:
        sys.stdout.write(f"listening on {url}\n{json.dumps(settings_of(url))}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()
