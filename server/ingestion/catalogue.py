"""The catalogue of plugins: what is installed is loaded once, told apart, and written down.

A plugin that cannot run is quarantined with its cause; the others go on. Looked at again every
half minute by metadata only, so that what an operator installs or replaces is noticed.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

import structlog

from schema.feeds.catalogue import Seen, forget_past_problems, write_down
from schema.feeds.rules import storable
from schema.values import is_safe_text, storable_text, utc_now
from server.ingestion.plugins import PluginBroken, PluginInfo
from server.plugin_discovery import Announced

EVERY = timedelta(seconds=30)
BROKEN_AGAIN = timedelta(minutes=10)
"""A broken plugin is loaded again after so long, in case what it lacked is there now."""
IDLE = timedelta(minutes=10)
"""The process of a plugin that nobody called for so long is ended."""

log = structlog.get_logger()


class Host(Protocol):
    """The part of PluginHost that is used here."""

    def announced(self) -> dict[str, Announced]: ...

    async def describe(self, plugin: str) -> PluginInfo: ...

    async def stop(self, plugin: str) -> None: ...

    async def stop_idle(self, idle: timedelta) -> None: ...


async def examined(host: Host, one: Announced) -> Seen:
    """What a plugin says of itself, or why it cannot run."""
    problem = one.fault
    if problem is None:
        try:
            about = await host.describe(one.name)
            if all(map(is_safe_text, (about.title, about.version))) and storable(
                about.settings_schema
            ):
                return Seen(
                    name=one.name,
                    distribution=about.distribution,
                    version=about.version,
                    title=about.title,
                    capabilities=about.capabilities,
                    settings_schema=about.settings_schema,
                )
            problem = "its title, version or settings hold a NUL or a lone surrogate"
        except PluginBroken as broken:
            problem = broken.cause
    return Seen(
        name=one.name,
        distribution=one.distribution,
        version=one.version,
        title=one.name,
        problem=storable_text(problem),
    )


async def survey(host: Host) -> Sequence[Seen]:
    """Every plugin that is installed, examined one after the other: none holds up the next."""
    found = await asyncio.to_thread(host.announced)
    return [await examined(host, one) for one in found.values()]


@dataclass
class Catalogue:
    """What was found last; `look` is called again and again."""

    host: Host
    known: dict[str, Announced] = field(default_factory=dict)
    broken: dict[str, float] = field(default_factory=dict)
    """When each that is quarantined was examined last, by the loop's clock."""
    begun: bool = False

    async def look(self) -> None:
        """Examine what is new, was changed or was broken a while ago, and write that down."""
        found = await asyncio.to_thread(self.host.announced)
        now = asyncio.get_running_loop().time()
        due = [one for one in found.values() if self._is_due(one, now)]
        for one in due:
            if one.name in self.known:
                await self.host.stop(one.name)  # it may run a version that is there no more
        seen = [await examined(self.host, one) for one in due]
        if seen or not self.begun or found.keys() != self.known.keys():
            await write_down(seen, tuple(found), utc_now())
        for plugin in seen:
            if plugin.problem is None:
                self.broken.pop(plugin.name, None)
                continue
            if plugin.name not in self.broken:
                log.warning("plugins.quarantined", plugin=plugin.name, problem=plugin.problem)
            self.broken[plugin.name] = now
        self.known, self.begun = found, True
        await self.host.stop_idle(IDLE)
        await forget_past_problems(utc_now())

    def _is_due(self, one: Announced, now: float) -> bool:
        if self.known.get(one.name) != one:
            return True
        return now - self.broken.get(one.name, now) > BROKEN_AGAIN.total_seconds()


async def run_catalogue(host: Host, stop: asyncio.Event, every: timedelta = EVERY) -> None:
    """Keep the table `plugin` true until `stop` is set; Tortoise must be open as the worker."""
    catalogue = Catalogue(host)
    while not stop.is_set():
        try:
            await catalogue.look()
        except Exception:
            # The database may be away; what was found is examined again then.
            log.exception("plugins.look_failed")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(every.total_seconds()):
                await stop.wait()
