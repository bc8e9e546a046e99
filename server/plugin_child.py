"""One plugin's child process as its host sees it: started under limits, asked, watched, killed.

Only contract types are imported here, never plugin code. Which children there are, and who calls
them, belongs to `plugin_host`.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from ekinerja_connectors import JSON, Retryable, wire

__all__ = ["Child", "ChildLimits", "PluginBroken", "PluginForged", "PluginKilled", "PluginMissing"]

MAX_LAST_WORDS = 4_096  # bytes of a child's standard error that are kept for its obituary
CHUNK = 64 * 1024
BREATH = 0.02  # seconds between two chunks of standard error, so that a flood costs little
LOOK = 0.5  # seconds between two looks at what a child with open calls has spent
#: All that a child finds in its environment: settings go over the pipe, and nothing else may.
ENVIRONMENT = {"LANG": "C.UTF-8"}
NICE = 10
NICE_AFTER_KILL = 19  # so that a plugin that dies again and again yields to the other plugins too
#: Lets the API and the worker go first from its first line on: its imports cost the most.
START = """
import os, runpy
os.nice(@nice)
runpy.run_module("ekinerja_connectors.child", run_name="__main__", alter_sys=True)
"""


class PluginBroken(Exception):
    """The plugin itself is at fault; repeating helps only once it was changed.

    `plugin` is its entry point's name, the message the cause.
    """

    def __init__(self, plugin: str, cause: str) -> None:
        super().__init__(f"plugin {plugin}: {cause}")
        self.plugin = plugin
        self.cause = cause


class PluginMissing(PluginBroken):
    """No installed distribution announces it, or more than one does."""


class PluginForged(PluginBroken):
    """It answered about one item in the name of another."""


class PluginKilled(Retryable):
    """Its process hung, went over a limit or crashed; the next call starts a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildLimits:
    """What one child may use: address space; processor time within one call; open files."""

    memory_bytes: int = 512 * 1024 * 1024
    cpu: timedelta = timedelta(seconds=30)
    open_files: int = 256

    def arguments(self) -> list[str]:
        return [
            *("--memory-bytes", str(self.memory_bytes)),
            *("--cpu-seconds", str(max(1, round(self.cpu.total_seconds())))),
            *("--open-files", str(self.open_files)),
        ]


@dataclass(slots=True)
class _Call:
    """A request under way: who waits, and what the child had spent when it began."""

    answer: asyncio.Future[Any]
    spent: float


@dataclass(slots=True)
class Child:
    """One running child process and the calls that wait for its answers."""

    plugin: str
    process: asyncio.subprocess.Process
    limits: ChildLimits
    waiting: dict[int, _Call] = field(default_factory=dict)
    configured: dict[str, Mapping[str, JSON]] = field(default_factory=dict)
    configuring: asyncio.Lock = field(default_factory=asyncio.Lock)
    last_words: bytearray = field(default_factory=bytearray)
    end: Exception | None = None
    calls: int = 0
    used_at: float = field(default_factory=time.monotonic)
    tasks: tuple[asyncio.Task[None], ...] = ()

    @classmethod
    async def start(
        cls, plugin: str, limits: ChildLimits, path: Path | None, *, killed_before: bool = False
    ) -> Child:
        nice = NICE_AFTER_KILL if killed_before else NICE
        arguments = ["-I", "-c", START.replace("@nice", str(nice)), plugin]
        arguments += ["--parent", str(os.getpid()), *limits.arguments()]
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
            # Its own group, so that what it starts ends with it; no session of its own, since
            # Linux would share the processor out by sessions, whatever their niceness.
            process_group=0,
            limit=wire.MAX_LINE,
        )
        child = cls(plugin, process, limits)
        child.tasks = (
            asyncio.create_task(child._read_answers()),
            asyncio.create_task(child._read_last_words()),
            asyncio.create_task(child._watch()),
        )
        return child

    async def call(self, method: str, params: Mapping[str, JSON]) -> Any:
        """The result of one request; raises what the child answered or died of."""
        if self.end is not None:
            raise self.end
        self.calls += 1
        self.used_at = time.monotonic()
        number, answer = self.calls, asyncio.get_running_loop().create_future()
        line = wire.encode_line({"id": number, "method": method, "params": params})
        self.waiting[number] = _Call(answer, spent_by(self.process.pid))
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        with contextlib.suppress(ConnectionError):  # its end is told by the reader
            await self.process.stdin.drain()
        return await answer

    async def configure(
        self, installation: str, settings: Mapping[str, JSON], egress: Sequence[str]
    ) -> None:
        """Hand over the settings, once for each child and again when they have changed."""
        async with self.configuring:
            if self.configured.get(installation) != settings:
                params: dict[str, JSON] = {"settings": settings, "egress": list(egress)}
                await self.call("configure", {"installation": installation, **params})
                # A copy, so that a change in place is seen as one.
                self.configured[installation] = copy.deepcopy(settings)

    def kill(self, end: Exception) -> None:
        """End the process and its group at once; calls that wait are told `end`."""
        if self.end is not None:
            return
        self.end = end
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        for call in self.waiting.values():
            if not call.answer.done():
                call.answer.set_exception(end)

    async def close(self) -> None:
        self.kill(Retryable(f"plugin {self.plugin} was stopped"))
        await self.process.wait()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _read_answers(self) -> None:
        assert self.process.stdout is not None
        try:
            while line := await self.process.stdout.readline():
                self._take_answer(line)
        except ValueError as error:  # what no reader of lines of JSON can go on from
            self.kill(PluginBroken(self.plugin, f"its process gave garbage: {error}"))
        if self.end is None:
            # Standard error ends with the process, and may hold the cause.
            await asyncio.wait({self.tasks[1]}, timeout=1)
            code = None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):  # it may have closed its pipe and live on
                    code = await self.process.wait()
            cause = _cause_of(code)
            self.kill(PluginKilled(f"plugin {self.plugin}: {cause}{self._obituary()}"))

    def _take_answer(self, line: bytes) -> None:
        try:
            message = json.loads(line)
            answer = self.waiting[message["id"]].answer
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
        while chunk := await self.process.stderr.read(CHUNK):
            self.last_words += chunk
            del self.last_words[:-MAX_LAST_WORDS]
            if (
                len(chunk) == CHUNK and self.end is None
            ):  # a flood waits in the pipe, and its writer with it
                await asyncio.sleep(BREATH)

    async def _watch(self) -> None:
        """Kill it when a call has cost too much; its own limit can be switched off by a plugin."""
        allowed = self.limits.cpu.total_seconds() + 2 * LOOK  # after the child's own limit
        while self.end is None:
            await asyncio.sleep(LOOK)
            if not self.waiting:
                continue
            since = min(call.spent for call in self.waiting.values())
            if spent_by(self.process.pid) - since > allowed:
                self.kill(PluginKilled(f"plugin {self.plugin}: {OVER_CPU}"))

    def _obituary(self) -> str:
        lines = self.last_words.decode(errors="replace").strip().splitlines()
        return f" ({lines[-1][:300]})" if lines else ""


OVER_CPU = "its process used more processor time than a call may, and was killed"


def _cause_of(code: int | None) -> str:
    if code == -signal.SIGXCPU:
        return OVER_CPU
    if code == wire.OUT_OF_MEMORY:
        return "its process went over its memory limit, and ended"
    if code is None:
        return "its process ended the conversation, and was killed"
    if code < 0:
        return f"its process ended, crashed by {signal.Signals(-code).name}"
    return f"its process ended, with exit code {code}"


def spent_by(pid: int) -> float:
    """Processor time of a process and its threads, in seconds; 0 where nobody can say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    # After the name, which may hold anything but ends with the last parenthesis.
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / _TICKS


_TICKS = os.sysconf("SC_CLK_TCK")
