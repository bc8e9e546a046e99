"""What a connector does behind the back of its `Http`: connections, look-ups, blocking calls.

Python's audit events tell it, whichever library a connector uses. The hook stays installed, as
Python has no way to remove it, and looks away unless somebody watches.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, SupportsIndex

__all__ = ["BlockedLoop", "Sightings", "watching"]

#: Shorter naps than this are what `time.sleep(0)` is used for, and hold nobody up.
NAP = 0.01  # seconds


class BlockedLoop(OSError):
    """A blocking connection was about to be made in the event loop; it was prevented.

    An OSError, so that the library which makes it cleans up.
    """


@dataclass(slots=True)
class Sightings:
    """What was seen: `connected` as (host, port), `looked_up` as host names, `blocked` as words."""

    connected: list[tuple[str, int]] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)


_watchers: list[Sightings] = []
_installed = threading.Lock()
_sleep = time.sleep


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers:
        return
    seen = _watchers[-1]
    if event == "socket.connect":
        peer, address = arguments
        if isinstance(address, tuple):
            seen.connected.append((str(address[0]), int(address[1])))
        else:
            seen.connected.append((str(address), 0))
        if peer.gettimeout() != 0 and _in_loop():
            seen.blocked.append("a blocking connection")
            raise BlockedLoop("a blocking connection in async code; use self.http")
    elif event == "socket.getaddrinfo":
        host = arguments[0]
        if host is not None:
            seen.looked_up.append(host.decode() if isinstance(host, bytes) else str(host))


def _watchful_sleep(seconds: float | SupportsIndex) -> None:
    """Stands for `time.sleep`, which tells the audit hooks of Python 3.13 and newer only."""
    if _watchers and float(seconds) > NAP and _in_loop():
        _watchers[-1].blocked.append(f"time.sleep({float(seconds):g})")
    _sleep(seconds)


@contextlib.contextmanager
def watching() -> Iterator[Sightings]:
    """Everything of that kind which happens in this process meanwhile."""
    if _installed.acquire(blocking=False):  # kept for good: one hook for each process
        sys.addaudithook(_hook)
    seen = Sightings()
    _watchers.append(seen)
    time.sleep = _watchful_sleep
    try:
        yield seen
    finally:
        _watchers.remove(seen)
        if not _watchers:
            time.sleep = _sleep
