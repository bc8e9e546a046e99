"""What a connector may be able to do, each a small protocol: write its method and you have it.

    polling    async fetch(cursor) -> Page          the host asks, page by page
    webhook    receive(delivery) -> items           the service delivers, the host has verified
    file       read(upload) -> FileReading          somebody hands in an export
    directory  async directory(cursor) -> page      fills units, employees and posts
    results    async send(result) -> Receipt        takes closed appraisals to the service
    notices    async deliver(notices) -> answers    carries notices to people

The first three also need `translate(item)`. To inherit a protocol is optional; it lets a type
checker compare your signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias, runtime_checkable

from .activity import Activity
from .directory import DirectoryPage
from .files import FileReading, Upload
from .items import Item, Page
from .notices import Delivered, Notice
from .results import Receipt, Result
from .statements import Presence, Retraction
from .webhook import Delivery

__all__ = [
    "CAPABILITIES",
    "Directory",
    "Files",
    "Notices",
    "Polling",
    "Results",
    "Statement",
    "Translation",
    "Webhook",
    "capabilities_of",
]

Statement: TypeAlias = Activity | Presence | Retraction
"""What an item may turn out to state."""


@runtime_checkable
class Polling(Protocol):
    """The host asks for pages."""

    async def fetch(self, cursor: str | None) -> Page:
        """The page that begins at `cursor`; from the beginning when it is None.

        Raises:
            Retryable, AuthFailed, Fatal: see `errors`.
        """
        ...


@runtime_checkable
class Webhook(Protocol):
    """The service delivers."""

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """The items in a verified webhook call; an empty sequence for a mere ping.

        Raises:
            Malformed: the body is not what the service promises.
        """
        ...


@runtime_checkable
class Files(Protocol):
    """Somebody hands in a file."""

    def read(self, upload: Upload) -> FileReading:
        """The items of a file. A row that is none is told with its reason; the others go on.

        Raises:
            Malformed: nothing of the file can be read.
        """
        ...


@runtime_checkable
class Translation(Protocol):
    """How items of the three above become what they state."""

    def translate(self, item: Item) -> Statement:
        """What an item states. Pure: no network, no clock, same in, same out.

        Raises:
            Skippable: the item is understood and states nothing of the kind.
            Malformed: the item cannot be read; it goes to the dead letters.
        """
        ...


@runtime_checkable
class Directory(Protocol):
    """The service knows the organization."""

    async def directory(self, cursor: str | None) -> DirectoryPage:
        """One page of it, from the beginning when `cursor` is None.

        Raises:
            Retryable, AuthFailed, Fatal: see `errors`.
        """
        ...


@runtime_checkable
class Results(Protocol):
    """The service takes closed appraisals."""

    async def send(self, result: Result) -> Receipt:
        """Take one result to the service. The same `result.id` again gives the same receipt.

        Raises:
            Retryable, AuthFailed, InvalidSettings, Fatal: see `errors`.
            Malformed: the service refuses its content; the next results go on.
            Skippable: the service takes no results of this kind.
        """
        ...


@runtime_checkable
class Notices(Protocol):
    """The service carries words to people: mail, chat."""

    async def deliver(self, notices: Sequence[Notice]) -> Sequence[Delivered]:
        """Carry each of the notices to its recipient; one answer for each, in any order.

        The ids differ within one call; the same id again is the same notice. What is not done in
        40 seconds is better answered as a retry than cut off by the host.

        Raises:
            Retryable, AuthFailed, Fatal: see `errors`; only where nothing of the call arrived.
        """
        ...


CAPABILITIES: dict[str, tuple[type[Any], str]] = {
    "polling": (Polling, "fetch"),
    "webhook": (Webhook, "receive"),
    "file": (Files, "read"),
    "directory": (Directory, "directory"),
    "results": (Results, "send"),
    "notices": (Notices, "deliver"),
}
"""By their names, each with its method."""
ASYNC = ("fetch", "directory", "send", "deliver")
"""The methods that wait for the network."""


def capabilities_of(connector: type[Any]) -> tuple[str, ...]:
    """Which capabilities a class has written, in the order of `CAPABILITIES`."""
    return tuple(
        name
        for name, (_, method) in CAPABILITIES.items()
        if callable(getattr(connector, method, None))
    )
