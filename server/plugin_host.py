"""The host end of the pipe to plugins: one child process for each, with a deadline on each call.

Only contract types are imported here, never plugin code. What is done with the items and
activities that come out belongs to `server.ingestion`.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.metadata import distributions, entry_points
from pathlib import Path
from typing import Any

from ekinerja_connectors import (
    JSON,
    ConnectorError,
    Delivery,
    DirectoryPage,
    FileReading,
    Item,
    Malformed,
    Page,
    Receipt,
    Result,
    Retryable,
    Statement,
    Upload,
    wire,
)
from ekinerja_connectors.hookspecs import GROUP

__all__ = ["PluginBroken", "PluginHost", "PluginInfo"]

MAX_LAST_WORDS = 4_096  # bytes of a child's standard error that are kept for its obituary
#: All that a child finds in its environment: settings go over the pipe, and nothing else may.
ENVIRONMENT = {"LANG": "C.UTF-8"}


class PluginBroken(Exception):
    """The plugin itself is at fault; repeating helps only once it was changed.

    `plugin` is its entry point's name, the message the cause.
    """

    def __init__(self, plugin: str, cause: str) -> None:
        super().__init__(f"plugin {plugin}: {cause}")
        self.plugin = plugin
        self.cause = cause


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


@dataclass(slots=True)
class _Child:
    """One running child process and the calls that wait for its answers."""

    plugin: str
    process: asyncio.subprocess.Process
    waiting: dict[int, asyncio.Future[Any]] = field(default_factory=dict)
    configured: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    configuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    last_words: bytearray = field(default_factory=bytearray)
    end: Exception | None = None
    calls: int = 0
    readers: tuple[asyncio.Task[None], ...] = ()

    @classmethod
    async def start(cls, plugin: str, memory_bytes: int, path: Path | None) -> _Child:
        arguments = ["-I", "-m", "ekinerja_connectors.child", plugin]
        arguments += ["--parent", str(os.getpid()), "--memory-bytes", str(memory_bytes)]
        if path is not None:
            arguments += ["--path", str(path)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,  # its own group, so that what it starts ends with it
            limit=wire.MAX_LINE,
        )
        child = cls(plugin, process)
        child.readers = (
            asyncio.create_task(child._read_answers()),
            asyncio.create_task(child._read_last_words()),
        )
        return child

    async def call(self, method: str, params: Mapping[str, JSON]) -> Any:
        """The result of one request; raises what the child answered or died of."""
        if self.end is not None:
            raise self.end
        self.calls += 1
        number, answer = self.calls, asyncio.get_running_loop().create_future()
        line = wire.encode_line({"id": number, "method": method, "params": params})
        self.waiting[number] = answer
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        with contextlib.suppress(ConnectionError):  # its end is told by the reader
            await self.process.stdin.drain()
        return await answer

    async def configure(self, installation: str, settings: Mapping[str, JSON]) -> None:
        """Hand over the settings, once for each child and again when they have changed."""
        async with self.configuring:
            if self.configured.get(installation) != settings:
                await self.call("configure", {"installation": installation, "settings": settings})
                # A copy, so that a change in place is seen as one.
                self.configured[installation] = copy.deepcopy(settings)

    def kill(self, end: Exception) -> None:
        """End the process and its group at once; calls that wait are told `end`."""
        if self.end is not None:
            return
        self.end = end
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_exception(end)

    async def close(self) -> None:
        self.kill(Retryable(f"plugin {self.plugin} was stopped"))
        await self.process.wait()
        for reader in self.readers:
            reader.cancel()
        await asyncio.gather(*self.readers, return_exceptions=True)

    async def _read_answers(self) -> None:
        assert self.process.stdout is not None
        try:
            while line := await self.process.stdout.readline():
                self._take_answer(line)
        except ValueError as error:  # what no reader of lines of JSON can go on from
            self.kill(PluginBroken(self.plugin, f"its process gave garbage: {error}"))
        if self.end is None:
            # Standard error ends with the process, and may hold the cause.
            await asyncio.wait({self.readers[1]}, timeout=1)
            self.kill(Retryable(f"plugin {self.plugin}: its process ended{self._obituary()}"))

    def _take_answer(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            answer = self.waiting[message["id"]]
            error = message.get("error")
            if error is None:
                outcome: Any = message["result"]
            else:
                cause = f"it failed: {error['message']}"
                outcome = wire.decode_error(error) or PluginBroken(self.plugin, cause)
        except (LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as wrong:
            raise ValueError(f"not an answer ({wrong})") from wrong
        del self.waiting[message["id"]]  # only now: until here the answer may prove garbage
        if answer.done():
            return  # the caller was cancelled meanwhile
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)

    async def _read_last_words(self) -> None:
        assert self.process.stderr is not None
        while chunk := await self.process.stderr.read(MAX_LAST_WORDS):
            self.last_words += chunk
            del self.last_words[:-MAX_LAST_WORDS]

    def _obituary(self) -> str:
        lines = self.last_words.decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:300]})" if lines else ""


class PluginHost:
    """Finds plugins and calls them, each in a child process that is started when needed.

    `deadline` bounds each call, the start of the child included; a child that misses it is
    killed, and other calls to the same plugin fail as Retryable with it. `memory_bytes` is
    the address space of each child. `path` is a folder searched besides what is installed.
    Call it from one event loop, in the thread that outlives the children.
    """

    def __init__(
        self,
        *,
        deadline: timedelta = timedelta(seconds=60),
        memory_bytes: int = 512 * 1024 * 1024,
        path: Path | None = None,
    ) -> None:
        self._deadline = deadline
        self._memory_bytes = memory_bytes
        self._path = path
        self._children: dict[str, _Child] = {}
        self._starting: dict[str, asyncio.Lock] = {}
        self._closed = False

    def discover(self) -> tuple[str, ...]:
        """The names of all plugins, sorted. Reads metadata only: nothing is imported."""
        return tuple(sorted(set(self._announced())))

    def _announced(self) -> Iterator[str]:
        yield from (one.name for one in entry_points(group=GROUP))
        if self._path is not None:
            for distribution in distributions(path=[str(self._path)]):
                yield from (one.name for one in distribution.entry_points.select(group=GROUP))

    async def describe(self, plugin: str) -> PluginInfo:
        """What the plugin says of itself.

        Raises:
            PluginBroken: it cannot be loaded, with the cause; other plugins are untouched.
        """
        try:
            async with self._child(plugin) as child:
                found = await child.call("describe", {})
            if found["wire"] != wire.VERSION:
                raise PluginBroken(plugin, f"speaks version {found['wire']} of the wire")
            return PluginInfo(
                name=found["name"],
                distribution=found["distribution"],
                version=found["version"],
                title=found["title"],
                capabilities=tuple(found["capabilities"]),
                settings_schema=found["settings_schema"],
            )
        except (ConnectorError, KeyError, TypeError) as error:
            raise PluginBroken(plugin, f"cannot be described: {error}") from error

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
            return wire.decode_page(found)

    async def receive(
        self, plugin: str, installation: str, settings: Mapping[str, JSON], delivery: Delivery
    ) -> tuple[Item, ...]:
        """The items in a verified webhook call. Raises: as `fetch`."""
        params = {"delivery": wire.encode_delivery(delivery)}
        found = await self._call(plugin, installation, settings, "receive", params)
        with self._contract(plugin):
            return wire.decode_items(found)

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
        return [
            self._answer(plugin, item, answer) for item, answer in zip(items, found, strict=True)
        ]

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
            return PluginBroken(plugin, "it gave an item's statement another source_id")
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
        async with self._child(plugin) as child:
            await child.configure(installation, settings)
            return await child.call(method, {"installation": installation, **params})

    @contextlib.asynccontextmanager
    async def _child(self, plugin: str) -> AsyncIterator[_Child]:
        """The running child of a plugin, for the time of one call and no longer than that."""
        child: _Child | None = None
        try:
            async with asyncio.timeout(self._deadline.total_seconds()):
                child = await self._running(plugin)
                yield child
        except TimeoutError:
            late = Retryable(
                f"plugin {plugin} gave no answer in {self._deadline.total_seconds():g} s; "
                "its process was killed"
            )
            if child is not None:
                child.kill(late)
            raise late from None

    async def _running(self, plugin: str) -> _Child:
        async with self._starting.setdefault(plugin, asyncio.Lock()):
            if self._closed:
                raise Retryable("the plugin host is closed")
            child = self._children.get(plugin)
            if child is not None and child.end is None:
                return child
            if child is not None:
                await child.close()
            started = await _Child.start(plugin, self._memory_bytes, self._path)
            self._children[plugin] = started
            return started

    @contextlib.contextmanager
    def _contract(self, plugin: str) -> Iterator[None]:
        try:
            yield
        except Malformed as error:
            raise PluginBroken(plugin, f"its answer breaks the contract: {error}") from error
