"""How the suite runs a connector against its service, and what a vendor may write besides.

What is asked of a connector belongs to the other modules here.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest

from ...activity import JSON
from ...capabilities import Statement
from ...connector import Connector, Item
from ...contract import FILE_NAME, Contract
from ...errors import Fatal, Malformed, Retryable, Skippable
from ...files import Upload
from ...http import Http
from ...notices import Delivered, DeliveryState, Notice, Recipient
from ...results import Official, Predicate, Rating, Result, ResultKind
from ...settings import addresses_of, parse
from ...webhook import Delivery
from ..checks import does_not_apply
from ..front import Front, fronted
from ..network import Sightings, watching

__all__ = ["MAX_PAGES", "Outcome", "Stage", "SuiteBase", "outcome_of"]

T = TypeVar("T")
Outcome = Statement | Malformed | Skippable
MAX_PAGES = 100
#: No call of a test needs as long; a loop that is blocked for good ends here.
PATIENCE = 30.0  # seconds


@dataclass(slots=True)
class Stage:
    """One connector, its service, the proxies between them and what was seen meanwhile."""

    connector: Any
    given: Mapping[str, JSON]
    front: Front
    seen: Sightings


class SuiteBase:
    """What a vendor writes: `connector`, `service`; the rest has defaults."""

    connector: ClassVar[type[Connector[Any]]]

    def service(self) -> AbstractAsyncContextManager[Mapping[str, JSON]]:
        """Start the fake service; gives the settings by which the connector reaches it.

        It must hold at least one item that is an activity or a presence.
        """
        raise NotImplementedError("write service() in your test class")

    def deliveries(self) -> Sequence[Delivery]:
        """Webhook calls: by default the bodies in `deliveries/` beside the test."""
        return [
            Delivery(
                id=f"msg_{file.stem}",
                body=file.read_text("utf-8"),
                headers={"content-type": "application/json"},
            )
            for file in self._files_in("deliveries")
        ]

    def uploads(self) -> Sequence[Upload]:
        """Files as they are handed in: by default those in `uploads/` beside the test."""
        return [
            Upload(name=file.name, content=file.read_bytes()) for file in self._files_in("uploads")
        ]

    def results(self) -> Sequence[Result]:
        """Closed appraisals that the service takes, of people whom it knows."""
        official = {"position": "Analis Kebijakan", "unit": "Sekretariat"}
        return [
            Result(
                id="uji-2026-01",
                kind=ResultKind.MONTHLY,
                year=2026,
                starts_on=date(2026, 1, 1),
                ends_on=date(2026, 1, 31),
                employee=Official(nip="190001011900010001", name="Pegawai Contoh", **official),
                appraiser=Official(nip="190001011900010002", name="Pejabat Contoh", **official),
                work=Rating.MEETS,
                behaviour=Rating.MEETS,
                predicate=Predicate.GOOD,
            )
        ]

    def notices(self) -> Sequence[Notice]:
        """Three notices, to people whom the service reaches."""
        people = {
            "190001011900010001": "Pegawai Contoh",
            "190001011900010002": "Pejabat Contoh",
            "190001011900010003": "Atasan Contoh",
        }
        return [
            Notice(
                id=f"0190f5e2-0000-7000-8000-{nip[-12:]}",
                kind="nudge",
                to=Recipient(name=name, nip=nip, address=f"p{nip[-3:]}@contoh.example"),
                subject="Catatan kerja hari ini belum diisi",
                body=f"Yth. {name},\n\nhari ini belum ada catatan kerja Anda.",
                day=date(2026, 3, 2),
                facts={"pending": 2},
            )
            for nip, name in people.items()
        ]

    def received(self) -> Sequence[str] | None:
        """What the running service was brought of notices, by the names that it knows them by
        (a Message-ID, a webhook-id), as often as it came; None when nobody can tell."""
        return None

    def take_back(self) -> Awaitable[None] | None:
        """Have the running service take back one thing that it told before."""
        return None

    def future_cursor(self, last: str) -> str | None:
        """A cursor beyond the newest item, made from the last one; None when it has none."""
        from .polling import ahead_of

        return ahead_of(last)

    def contract(self) -> Contract | None:
        """What the published version promised: `contract.json` beside the tests or above them."""
        here = self._folder()
        for folder in (here, here.parent):
            if (folder / FILE_NAME).is_file():
                return Contract.read(folder / FILE_NAME)
        return None

    # --- what the checks share ------------------------------------------------------------------

    def _folder(self) -> Path:
        return Path(inspect.getfile(type(self))).resolve().parent

    def _files_in(self, name: str) -> list[Path]:
        folder = self._folder() / name
        return sorted(one for one in folder.glob("*") if one.is_file()) if folder.is_dir() else []

    def _recordings(self) -> list[Mapping[str, Any]]:
        return [
            json.loads(one.read_text("utf-8"))
            for one in self._files_in("fixtures")
            if one.suffix == ".json" and '"ekinerja-recording"' in one.read_text("utf-8")
        ]

    def _needs(self, *capabilities: str) -> None:
        if not set(capabilities) & set(self.connector.capabilities()):
            does_not_apply(f"it has no capability {' or '.join(capabilities)}")

    def _run(
        self,
        work: Callable[[Stage], Awaitable[T]],
        *,
        total: timedelta = timedelta(seconds=30),
        change: Callable[[Mapping[str, JSON]], Mapping[str, JSON]] = lambda given: given,
    ) -> T:
        """What `work` gives for a fresh connector and service; `total` bounds each exchange."""

        async def within() -> T:
            async with self.service() as given:
                direct = parse(self.connector.settings, given)
                async with fronted(addresses_of(direct)) as front:
                    rewritten = front.rewritten(given)
                    assert isinstance(rewritten, Mapping)
                    config = parse(self.connector.settings, change(rewritten))
                    async with Http(addresses_of(config), total=total) as http:
                        with watching() as seen:
                            connector = self.connector(config, http)
                            return await work(Stage(connector, rewritten, front, seen))

        # A loop factory leaves the policy's current loop alone, which others may be using.
        with _patience(), asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(within())

    async def _read(self, connector: Any, cursor: str | None) -> tuple[list[Item], str | None]:
        items: list[Item] = []
        for _ in range(MAX_PAGES):
            page = await connector.fetch(cursor)
            items, cursor = items + list(page.items), page.next_cursor
            if not page.more:
                return items, cursor
        pytest.fail(f"the first {MAX_PAGES} pages all say that there is more")

    async def _items(self, stage: Stage) -> list[Item]:
        """All that this connector's polling, deliveries and uploads bring."""
        capabilities, items = self.connector.capabilities(), []
        if "polling" in capabilities:
            items += (await self._read(stage.connector, None))[0]
        if "webhook" in capabilities:
            items += [i for one in self.deliveries() for i in stage.connector.receive(one)]
        if "file" in capabilities:
            items += [i for one in self.uploads() for i in stage.connector.read(one).items]
        return items

    def _calls(self, connector: Any) -> dict[str, Callable[[], Awaitable[Any]]]:
        """The methods that reach the service, each ready to be called."""
        known: dict[str, tuple[str, Callable[[], Awaitable[Any]]]] = {
            "polling": ("fetch", lambda: connector.fetch(None)),
            "directory": ("directory", lambda: connector.directory(None)),
            "results": ("send", lambda: connector.send(self.results()[0])),
            "notices": ("deliver", lambda: self._carried(connector)),
        }
        return {
            method: call
            for capability, (method, call) in known.items()
            if capability in self.connector.capabilities()
        }

    async def _carried(self, connector: Any) -> Delivered:
        """One notice delivered; what became of it otherwise, as the error that it amounts to."""
        answer: Delivered
        (answer,) = await connector.deliver(self.notices()[:1])
        if answer.state is DeliveryState.RETRY:
            raise Retryable(answer.detail or "", answer.retry_after)
        if answer.state is DeliveryState.REFUSED:
            raise Fatal(answer.detail or "")
        return answer

    def _reaching(self) -> tuple[str, ...]:
        """Names of the methods that reach the service; leaves the test out if none does."""
        methods = tuple(self._calls(None))
        if not methods:
            does_not_apply("it asks nothing of a service")

        async def has_places(stage: Stage) -> bool:
            return any(one.startswith(("http://", "https://")) for one in stage.front.places)

        if not self._run(has_places):
            does_not_apply("its settings hold no address of HTTP")
        return methods


def outcome_of(connector: Any, item: Item) -> Outcome:
    """What an item states, or the error by which it states nothing."""
    try:
        stated: Statement = connector.translate(item)
        return stated
    except (Malformed, Skippable) as reason:
        return reason


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """An end to what blocks the loop for good; only the main thread of POSIX can be interrupted."""
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "SIGALRM"):
        yield
        return

    def interrupt(signum: int, frame: object) -> None:
        raise AssertionError(f"nothing came back in {PATIENCE:g} s: the loop is blocked, or waits")

    former = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)
