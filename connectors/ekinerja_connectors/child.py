"""The process in which one plugin runs: `python -I -m ekinerja_connectors.child NAME`, niced.

It loads exactly the entry point NAME and answers the requests of `wire` that come in on
standard input until that ends. This isolates faults, not malice: a plugin has the rights of
the user that runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import json
import math
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NoReturn

from . import settings as declared_settings
from . import wire
from .activity import JSON
from .capabilities import CAPABILITIES
from .connector import Connector
from .egress import Egress
from .errors import Fatal
from .http import Http
from .loading import Loaded, load
from .notices import Arrivals

__all__ = ["main"]

_PR_SET_PDEATHSIG = 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -I -m ekinerja_connectors.child")
    parser.add_argument("name", help="the entry point to load")
    parser.add_argument("--path", help="a folder that is searched first, for trying a plugin")
    parser.add_argument("--memory-bytes", type=int, help="address space at most")
    parser.add_argument("--cpu-seconds", type=int, help="processor time of one call at most")
    parser.add_argument("--open-files", type=int, default=256)
    parser.add_argument("--parent", type=int, help="the process whose end is also ours")
    return parser.parse_args()


def _die_with(parent: int | None) -> None:
    """Have the kernel end us with our parent; elsewhere the end of standard input does it."""
    if parent is None or not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it ended before the line above took effect
        os._exit(0)


def _limit(memory_bytes: int | None, open_files: int) -> None:
    wanted = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, open_files)]
    if memory_bytes is not None and sys.platform.startswith("linux"):
        wanted.append((resource.RLIMIT_AS, memory_bytes))
    for what, limit in wanted:
        _, hard = resource.getrlimit(what)
        if hard != resource.RLIM_INFINITY:
            limit = min(limit, hard)
        resource.setrlimit(what, (limit, limit))


def _limit_cpu(seconds: int | None) -> None:
    """Let the kernel end us after so much more processor time: a plugin may block everything."""
    if seconds is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        soft = math.ceil(time.process_time()) + seconds
        if hard == resource.RLIM_INFINITY or soft < hard:
            resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _take_pipes() -> tuple[int, int]:
    """The descriptors of requests and answers, moved to where `print` does not reach them."""
    requests, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return requests, answers


class _Server:
    """Answers requests; keeps one connector for each installation that was configured."""

    def __init__(self, load_plugin: Callable[[], Loaded], answers: int) -> None:
        self._answers = answers
        self._connectors: dict[str, Connector[Any]] = {}
        self._arrivals: dict[str, Arrivals] = {}
        self._loaded: Loaded | None = None
        self._failure: BaseException | None = None
        try:
            self._loaded = load_plugin()
        except BaseException as error:  # also SystemExit: whatever an import can raise
            self._failure = error

    async def answer(self, line: bytes) -> None:
        request: dict[str, Any] = json.loads(line)
        message: dict[str, Any] = {"id": request["id"]}
        try:
            message["result"] = await self._call(request["method"], request["params"])
            encoded = wire.encode_line(message)
            if len(encoded) > wire.MAX_LINE:
                raise ValueError(f"an answer of {len(encoded)} bytes; give smaller pages")
        except MemoryError:
            os._exit(wire.OUT_OF_MEMORY)  # what a leak has taken comes back no other way
        except BaseException as error:  # a plugin may raise anything; all of it is an answer
            encoded = wire.encode_line({"id": request["id"], "error": wire.encode_error(error)})
        self._write(encoded)

    def _write(self, encoded: bytes) -> None:
        view = memoryview(encoded)
        while view:
            view = view[os.write(self._answers, view) :]

    async def _call(self, method: str, params: Mapping[str, Any]) -> JSON:
        if self._loaded is None:
            assert self._failure is not None
            raise self._failure
        if method == "describe":
            return self._loaded.description()
        if method == "configure":
            await self._configure(self._loaded, params)
            return None
        connector: Any = self._connectors.get(params["installation"])
        if connector is None:
            raise Fatal(f"installation {params['installation']} was not configured")
        answer = self._deliver if method == "deliver" else _METHODS.get(method)
        if answer is None:
            raise Fatal(f"method {method} is not known")
        if method in _CAPABILITY and _CAPABILITY[method] not in connector.capabilities():
            raise Fatal(f"{connector.name} has no capability {_CAPABILITY[method]}")
        return await answer(connector, params)

    async def _deliver(self, connector: Any, params: Mapping[str, Any]) -> JSON:
        """What already arrived while this process lived is not carried again."""
        known = self._arrivals.setdefault(params["installation"], Arrivals())
        notices = wire.decode_notices(params["notices"])
        waiting, answers = known.parted(notices)
        if waiting:
            answers += known.noted(await connector.deliver(waiting))
        return wire.encode_delivered(answers)

    async def _configure(self, loaded: Loaded, params: Mapping[str, Any]) -> None:
        config = declared_settings.parse(loaded.connector.settings, params["settings"])
        http = Http(
            declared_settings.addresses_of(config),
            egress=Egress.of(params.get("egress", ())),
            budget=loaded.connector.budget,
        )
        former = self._connectors.get(params["installation"])
        self._connectors[params["installation"]] = loaded.connector(config, http)
        if former is not None:
            await former.http.close()


async def _fetch(connector: Any, params: Mapping[str, Any]) -> JSON:
    return wire.encode_page(await connector.fetch(params["cursor"]))


async def _receive(connector: Any, params: Mapping[str, Any]) -> JSON:
    found = connector.receive(wire.decode_delivery(params["delivery"]))
    return [wire.encode_item(one) for one in found]


async def _read(connector: Any, params: Mapping[str, Any]) -> JSON:
    return wire.encode_reading(connector.read(wire.decode_upload(params["upload"])))


async def _translate(connector: Any, params: Mapping[str, Any]) -> JSON:
    """One answer for each item, in their order: what it states, or the error it raised."""
    answers: list[JSON] = []
    for item in wire.decode_items(params["items"]):
        try:
            answers.append({"statement": wire.encode_statement(connector.translate(item))})
        except MemoryError:
            raise
        except BaseException as error:  # a plugin may raise anything; it is that item's answer
            answers.append({"error": wire.encode_error(error)})
    return answers


async def _directory(connector: Any, params: Mapping[str, Any]) -> JSON:
    return wire.encode_directory(await connector.directory(params["cursor"]))


async def _send(connector: Any, params: Mapping[str, Any]) -> JSON:
    return wire.encode_receipt(await connector.send(wire.decode_result(params["result"])))


_METHODS: Mapping[str, Callable[[Any, Mapping[str, Any]], Awaitable[JSON]]] = {
    "fetch": _fetch,
    "receive": _receive,
    "read": _read,
    "translate": _translate,
    "directory": _directory,
    "send": _send,
}
_CAPABILITY = {method: name for name, (_, method) in CAPABILITIES.items()}


def _read_requests(requests: int, deliver: Callable[[bytes], None]) -> NoReturn:
    """In a thread of its own, so that the end of the host is seen while a plugin blocks."""
    with os.fdopen(requests, "rb") as lines:
        for line in lines:
            deliver(line)
    os._exit(0)


async def _serve(server: _Server, requests: int, cpu_seconds: int | None) -> None:
    loop = asyncio.get_running_loop()
    running: set[asyncio.Task[None]] = set()

    def start(line: bytes) -> None:
        _limit_cpu(cpu_seconds)
        task = loop.create_task(server.answer(line))
        running.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(running.discard)

    def deliver(line: bytes) -> None:
        loop.call_soon_threadsafe(start, line)

    threading.Thread(target=_read_requests, args=(requests, deliver), daemon=True).start()
    await asyncio.Event().wait()


def main() -> None:
    """Run until standard input ends."""
    arguments = _arguments()
    _die_with(arguments.parent)
    requests, answers = _take_pipes()
    _limit(arguments.memory_bytes, arguments.open_files)
    if arguments.path is not None:
        sys.path.insert(0, arguments.path)
    _limit_cpu(arguments.cpu_seconds)  # of its import, and then of each call
    server = _Server(lambda: load(arguments.name), answers)
    asyncio.run(_serve(server, requests, arguments.cpu_seconds))


if __name__ == "__main__":
    main()
