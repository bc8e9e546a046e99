"""The host of plugins: finds them, starts a child process for each when needed, and asks it.

Only contract types are imported here, never plugin code. One child is in `plugin_child`; what is
done with the items and activities that come out belongs to `server.ingestion`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from ekinerja_connectors import (
    JSON,
    ConnectorError,
    Delivered,
    Delivery,
    DirectoryPage,
    FileReading,
    Item,
    Malformed,
    Notice,
    Page,
    Receipt,
    Result,
    Retryable,
    Statement,
    Upload,
    wire,
)
from ekinerja_connectors.egress import LOOPBACK
from ekinerja_connectors.notices import checked_answers

from server.plugin_child import (
    Child,
    ChildLimits,
    PluginBroken,
    PluginForged,
    PluginKilled,
    PluginMissing,
)
from server.plugin_discovery import Announced, announced, several

__all__ = [
    "PluginBroken",
    "PluginForged",
    "PluginHost",
    "PluginInfo",
    "PluginKilled",
    "PluginMissing",
]

MOST_NOTICES = 100
"""Of one call: what a channel carries within the deadline."""
MOST_ITEMS = 5_000
"""Of one page or delivery; more would hold up the worker's other feeds."""

Report = Callable[[str, Exception], Awaitable[None]]
"""Told of a fault that an installation met: its id, and what was raised."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What a plugin says of itself. `capabilities` are those of the SDK;
    `settings_schema` is a JSON Schema, in which secrets are `writeOnly`."""

    name: str
    distribution: str
    version: str
    title: str
    capabilities: tuple[str, ...]
    settings_schema: Mapping[str, JSON]


class PluginHost:
    """Finds plugins and calls them, each in a child process that is started when needed.

    `deadline` bounds each call, the start of the child included; a child that misses it is
    killed, and other calls to the same plugin fail with it. `egress` is what its requests may
    reach besides global addresses. `path` is a folder searched besides what is installed.
    `report` is told of a killed child and of forgery, whichever call met it.
    Call it from one event loop, in the thread that outlives the children.
    """

    def __init__(
        self,
        *,
        deadline: timedelta = timedelta(seconds=60),
        limits: ChildLimits | None = None,
        egress: Sequence[str] = LOOPBACK,
        path: Path | None = None,
        report: Report | None = None,
    ) -> None:
        self._deadline = deadline
        self._limits = limits or ChildLimits()
        self._egress = tuple(egress)
        self._path = path
        self._report = report
        self._children: dict[str, Child] = {}
        self._described: dict[str, PluginInfo] = {}
        self._announced: dict[str, Announced] = {}
        self._killed: set[str] = set()
        self._starting: dict[str, asyncio.Lock] = {}
        self._closed = False

    def discover(self) -> tuple[str, ...]:
        """The names of all plugins, sorted. Reads metadata only: nothing is imported."""
        return tuple(self.announced())

    def announced(self) -> dict[str, Announced]:
        """The same, each with its distribution and what keeps it from running here."""
        self._announced = announced(self._path)
        return self._announced

    async def describe(self, plugin: str) -> PluginInfo:
        """What the plugin says of itself, asked once until it is stopped.

        Raises:
            PluginBroken: it cannot be loaded, with the cause; other plugins are untouched.
        """
        if plugin not in self._described:
            try:
                async with self._child(plugin) as child:
                    found = await child.call("describe", {})
                if found["wire"] != wire.VERSION:
                    raise PluginBroken(plugin, f"speaks version {found['wire']} of the wire")
                self._described[plugin] = PluginInfo(
                    name=found["name"],
                    distribution=found["distribution"],
                    version=found["version"],
                    title=found["title"],
                    capabilities=tuple(found["capabilities"]),
                    settings_schema=found["settings_schema"],
                )
            except (ConnectorError, KeyError, TypeError) as error:
                raise PluginBroken(plugin, f"cannot be described: {error}") from error
        return self._described[plugin]

    async def fetch(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> Page:
        """The page of the installation that begins at `cursor`.

        Raises:
            Retryable, Fatal: what the connector raised; Retryable also for a deadline or crash.
            PluginBroken: the plugin is at fault.
        """
        params = {"cursor": cursor}
        found = await self._call(plugin, installation, settings, "fetch", params)
        with self._contract(plugin):
            page = wire.decode_page(found)
        self._bounded(plugin, page.items)
        return page

    async def receive(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], delivery: Delivery
    ) -> tuple[Item, ...]:
        """The items in a verified webhook call. Raises: as `fetch`."""
        params = {"delivery": wire.encode_delivery(delivery)}
        found = await self._call(plugin, installation, settings, "receive", params)
        with self._contract(plugin):
            items = wire.decode_items(found)
        self._bounded(plugin, items)
        return items

    async def read(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], upload: Upload
    ) -> FileReading:
        """The items of a file, and its rows that are none. Raises: as `fetch`."""
        params = {"upload": wire.encode_upload(upload)}
        found = await self._call(plugin, installation, settings, "read", params)
        with self._contract(plugin):
            return wire.decode_reading(found)

    async def translate(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        items: Sequence[Item],
    ) -> list[Statement | ConnectorError | PluginBroken]:
        """What each item states, in their order, or the error that the plugin answered for it.

        A statement carries its own item's source_id. Raises: as `fetch`, for all of them at once.
        """
        params = {"items": [wire.encode_item(one) for one in items]}
        found = await self._call(plugin, installation, settings, "translate", params)
        if not isinstance(found, list) or len(found) != len(items):
            raise PluginBroken(plugin, "it gave another number of answers than of items")
        answers = [
            self._answer(plugin, item, answer) for item, answer in zip(items, found, strict=True)
        ]
        for answer in answers:
            if isinstance(answer, PluginForged):
                await self._tell(installation, answer)
                break  # once for each call; the answers name each
        return answers

    def _answer(
        self, plugin: str, item: Item, answer: Any
    ) -> Statement | ConnectorError | PluginBroken:
        try:
            if "error" in answer:
                error = wire.decode_error(answer["error"])
                return error or PluginBroken(plugin, f"it failed: {answer['error']['message']}")
            statement = wire.decode_statement(answer["statement"])
        except (Malformed, LookupError, TypeError) as error:
            return PluginBroken(plugin, f"its answer breaks the contract: {error}")
        if statement.source_id != item.source_id:
            words = f"it answered about {item.source_id!r} in the name of {statement.source_id!r}"
            return PluginForged(plugin, f"{words}: another source_id")
        return statement

    async def directory(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], cursor: str | None
    ) -> DirectoryPage:
        """A page of units, employees and posts. Raises: as `fetch`."""
        found = await self._call(plugin, installation, settings, "directory", {"cursor": cursor})
        with self._contract(plugin):
            return wire.decode_directory(found)

    async def send(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], result: Result
    ) -> Receipt:
        """Take a closed appraisal to the service. Raises: as `fetch`; Malformed where refused."""
        params = {"result": wire.encode_result(result)}
        found = await self._call(plugin, installation, settings, "send", params)
        with self._contract(plugin):
            return wire.decode_receipt(found)

    async def deliver(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        notices: Sequence[Notice],
    ) -> tuple[Delivered, ...]:
        """What became of each notice, in their order; at most `MOST_NOTICES`, each id once.

        Raises: as `fetch`, for all of them at once; some may have arrived if the child was killed.
        """
        if len(notices) > MOST_NOTICES or len({one.id for one in notices}) < len(notices):
            raise ValueError(f"at most {MOST_NOTICES} notices, each id once")
        params = {"notices": wire.encode_notices(notices)}
        found = await self._call(plugin, installation, settings, "deliver", params)
        with self._contract(plugin):
            return checked_answers(notices, wire.decode_delivered(found))

    async def close(self) -> None:
        """Kill every child and wait until each is gone."""
        self._closed = True
        for lock in tuple(self._starting.values()):
            async with lock:  # let a child that is just being started appear
                pass
        children, self._children = tuple(self._children.values()), {}
        await asyncio.gather(*(child.close() for child in children))

    async def _call(
        self,
        plugin: str,
        installation: str,
        settings: Mapping[str, JSON],
        method: str,
        params: Mapping[str, JSON],
    ) -> Any:
        try:
            async with self._child(plugin) as child:
                await child.configure(installation, settings, self._egress)
                return await child.call(method, {"installation": installation, **params})
        except PluginKilled as killed:
            await self._tell(installation, killed)
            raise
        except PluginBroken as broken:
            child_ended = self._children.get(plugin)
            if child_ended is not None and child_ended.end is broken:
                await self._tell(installation, PluginKilled(str(broken)))
            raise

    async def _tell(self, installation: str, fault: Exception) -> None:
        """A fault in telling it must not hide the fault itself."""
        if self._report is None:
            return
        try:
            await self._report(installation, fault)
        except Exception:
            log.exception("plugins.report_failed", installation=installation, fault=str(fault))

    @contextlib.asynccontextmanager
    async def _child(self, plugin: str) -> AsyncIterator[Child]:
        """The running child of a plugin, for the time of one call and no longer than that."""
        child: Child | None = None
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                child = await self._running(plugin)
                yield child
        except TimeoutError:
            late = PluginKilled(
                f"plugin {plugin} gave no answer in {self._deadline.total_seconds():g} s; "
                "its process hung and was killed"
            )
            if child is not None:
                child.kill(late)
            raise late from None

    async def _running(self, plugin: str) -> Child:
        async with self._starting.setdefault(plugin, asyncio.Lock()):
            if self._closed:
                raise Retryable("the plugin host is closed")
            child = self._children.get(plugin)
            if child is not None and child.end is None:
                return child
            if child is not None:
                self._killed.add(plugin)
                await child.close()
            if plugin not in self._announced:  # else whoever looks regularly has refreshed it
                await asyncio.to_thread(self.announced)
            known = self._announced.get(plugin)
            if known is None:
                raise PluginMissing(plugin, several(plugin, []))
            if known.fault is not None:
                raise PluginBroken(plugin, known.fault)
            started = await Child.start(
                plugin, self._limits, self._path, killed_before=plugin in self._killed
            )
            self._children[plugin] = started
            return started

    async def stop(self, plugin: str) -> None:
        """End its child, and forget what it said: the next call starts what is there by then."""
        self._described.pop(plugin, None)
        self._killed.discard(plugin)
        await self._end(plugin)

    async def _end(self, plugin: str) -> None:
        async with self._starting.setdefault(plugin, asyncio.Lock()):
            child = self._children.pop(plugin, None)
        if child is not None:
            await child.close()

    async def stop_idle(self, idle: timedelta) -> None:
        """End children that nobody has called for so long."""
        before = time.monotonic() - idle.total_seconds()
        for plugin, child in tuple(self._children.items()):
            if not child.waiting and child.used_at < before:
                await self._end(plugin)

    def _bounded(self, plugin: str, items: Sequence[Item]) -> None:
        if len(items) > MOST_ITEMS:
            raise PluginBroken(plugin, f"it gave {len(items)} items at once; {MOST_ITEMS} are most")

    @contextlib.contextmanager
    def _contract(self, plugin: str) -> Iterator[None]:
        try:
            yield
        except Malformed as error:
            raise PluginBroken(plugin, f"its answer breaks the contract: {error}") from error
