"""ConnectorSuite: the tests that every connector passes, inherited by a vendor's own test class.

    class TestRapat(ConnectorSuite):
        connector = RapatConnector

        @contextlib.asynccontextmanager
        async def service(self):
            async with serve(create_app(...)) as url:
                yield {"base_url": url, "api_token": "invented"}

The service must stand still while a test runs: give the fake a clock that does not move.
It needs pytest, and no plugin of it: each test brings its own event loop.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeVar

import pytest

from ..activity import JSON, Activity
from ..connector import Connector, Item, faults_of
from ..errors import Fatal, Skippable
from ..http import Http
from ..settings import SECRET, addresses_of, parse, schema_of

__all__ = ["ConnectorSuite"]

T = TypeVar("T")
MAX_PAGES = 100
_LOOKS_SECRET = re.compile(r"password|passphrase|secret|token(?!_url)|api_?key|private", re.I)


class ConnectorSuite:
    """Inherit, name your `connector`, and write `service`."""

    connector: ClassVar[type[Connector[Any]]]

    def service(self) -> AbstractAsyncContextManager[Mapping[str, JSON]]:
        """Start the fake service; gives the settings by which the connector reaches it.

        It must hold at least one item that is an activity.
        """
        raise NotImplementedError("write service() in your test class")

    def _run(self, work: Callable[[Any], Awaitable[T]]) -> T:
        async def within() -> T:
            async with self.service() as given:
                config = parse(self.connector.settings, given)
                async with Http(addresses_of(config)) as http:
                    return await work(self.connector(config, http))

        # A loop factory leaves the policy's current loop alone, which others may be using.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(within())

    async def _read(self, connector: Any, cursor: str | None) -> tuple[list[Item], str | None]:
        items: list[Item] = []
        for _ in range(MAX_PAGES):
            page = await connector.fetch(cursor)
            items, cursor = items + list(page.items), page.next_cursor
            if not page.more:
                return items, cursor
        pytest.fail(f"the first {MAX_PAGES} pages all say that there is more")

    def _polled(self) -> None:
        if "polling" not in self.connector.capabilities():
            pytest.skip("this connector is not polled")

    def test_class_keeps_to_the_contract(self) -> None:
        assert faults_of(self.connector) == ()
        schema_of(self.connector.settings)

    def test_what_looks_like_a_secret_is_marked(self) -> None:
        unmarked = [
            one.name
            for one in dataclasses.fields(self.connector.settings)
            if _LOOKS_SECRET.search(one.name) and not one.metadata.get(SECRET)
        ]
        assert unmarked == [], "declare these with secret()"

    def test_no_secret_is_shown_by_repr(self) -> None:
        async def look(connector: Any) -> list[str]:
            shown = f"{connector!r} {connector.config!r}"
            return [
                one.name
                for one in dataclasses.fields(connector.config)
                if one.metadata.get(SECRET)
                and (value := str(getattr(connector.config, one.name)))
                and value in shown
            ]

        assert self._run(look) == []

    def test_second_read_brings_nothing_that_the_first_has_not(self) -> None:
        self._polled()

        async def read_twice(connector: Any) -> tuple[set[str], set[str]]:
            first, cursor = await self._read(connector, None)
            second, _ = await self._read(connector, cursor)
            return {one.source_id for one in first}, {one.source_id for one in second}

        first, second = self._run(read_twice)

        assert first, "the service holds nothing to read"
        assert second <= first
        assert second != first or len(first) == 1, "the cursor does not move"

    def test_same_page_twice_has_the_same_source_ids(self) -> None:
        self._polled()

        async def read_twice(connector: Any) -> tuple[list[str], list[str]]:
            first, second = await connector.fetch(None), await connector.fetch(None)
            return [one.source_id for one in first.items], [one.source_id for one in second.items]

        first, second = self._run(read_twice)

        assert first == second
        assert len(first) == len(set(first)), "one source_id names two items"

    def test_unreadable_cursor_is_fatal(self) -> None:
        self._polled()
        outcomes: list[str] = []

        async def read(connector: Any) -> None:
            try:
                await connector.fetch("\N{REPLACEMENT CHARACTER} no cursor of this connector")
            except Fatal:
                outcomes.append("fatal")

        self._run(read)

        assert outcomes == ["fatal"], "raise Fatal, so that an administrator resets the cursor"

    def test_translation_is_pure_and_keeps_the_source_id(self) -> None:
        self._polled()

        async def translate(connector: Any) -> int:
            items, _ = await self._read(connector, None)
            kept = 0
            for item in items:
                before = copy.deepcopy(item.payload)
                first, second = _outcome(connector, item), _outcome(connector, item)
                assert first == second, "the same item gave two different activities"
                assert item.payload == before, "translate changed its item"
                if isinstance(first, Activity):
                    assert first.source_id == item.source_id
                    kept += 1
            return kept

        assert self._run(translate) > 0, "no item of the service is an activity"


def _outcome(connector: Any, item: Item) -> Activity | str:
    try:
        stated: Activity = connector.translate(item)
        return stated
    except Skippable as reason:
        return str(reason)
