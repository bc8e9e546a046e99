"""Connector: the class that a vendor inherits, and what passes through it (Item, Page).

How a connector is found, started and called belongs to `child`; its settings to `settings`.
"""

from __future__ import annotations

import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .activity import JSON, MAX_SOURCE_ID, Activity, checked_text
from .errors import Fatal
from .http import Http
from .webhook import Delivery

__all__ = ["Connector", "Item", "Page", "faults_of"]

S = TypeVar("S")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that the service said, in its own words.

    `source_id` is the service's name for it: at most 200 characters, the same each time the
    same thing is read, and never used for another. The host keeps each source_id once.

    Raises:
        Malformed: the source_id cannot be taken.
    """

    source_id: str
    payload: JSON

    def __post_init__(self) -> None:
        checked_text("source_id", self.source_id, MAX_SOURCE_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one `fetch` gave: items, where the next one begins, and whether to go on at once.

    `next_cursor` is kept by the host in the transaction that keeps the items, and handed back
    unread; None begins anew. `more` is false when the service has nothing further for now.
    """

    items: tuple[Item, ...]
    next_cursor: str | None
    more: bool


class Connector(ABC, Generic[S]):
    """What knows one outside service. Inherit, set the class attributes, write the methods.

    Class attributes: `name` (the slug of the entry point), `title` (for people), `version`,
    and `settings`, a frozen dataclass type (see `secret` and `address`).
    Write `fetch` to be polled, `receive` to take webhooks, or both.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    settings: ClassVar[type[Any]]

    def __init__(self, config: S, http: Http) -> None:
        """`config` is an instance of `settings`; `http` reaches its addresses and no others."""
        self.config = config
        self.http = http

    async def fetch(self, cursor: str | None) -> Page:
        """The page that begins at `cursor`; from the beginning when it is None.

        Raises:
            Retryable, AuthFailed, Fatal: see `errors`.
        """
        raise Fatal(f"{self.name} cannot be polled")

    def receive(self, delivery: Delivery) -> Sequence[Item]:
        """The items in a verified webhook call; an empty sequence for a mere ping.

        Raises:
            Malformed: the body is not what the service promises.
        """
        raise Fatal(f"{self.name} takes no webhooks")

    @abstractmethod
    def translate(self, item: Item) -> Activity:
        """The activity that an item states. Pure: no network, no clock, same in, same out.

        Raises:
            Skippable: the item is understood and is no activity.
            Malformed: the item cannot be read; it goes to the dead letters.
        """

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        """Which of "polling" and "webhook" this class has written."""
        found = []
        if cls.fetch is not Connector.fetch:
            found.append("polling")
        if cls.receive is not Connector.receive:
            found.append("webhook")
        return tuple(found)


def faults_of(candidate: object) -> tuple[str, ...]:
    """What keeps `candidate` from being registered as a connector; empty when nothing does."""
    if not (isinstance(candidate, type) and issubclass(candidate, Connector)):
        return (f"{candidate!r} is no subclass of Connector",)
    faults = []
    if not _SLUG.fullmatch(str(getattr(candidate, "name", ""))):
        faults.append("name must be a slug: a-z, then a-z, 0-9 or -, at most 40 characters")
    for attribute in ("title", "version"):
        if not isinstance(getattr(candidate, attribute, None), str):
            faults.append(f"{attribute} must be text")
    settings = getattr(candidate, "settings", None)
    if not (isinstance(settings, type) and is_dataclass(settings)):
        faults.append("settings must be a dataclass type")
    elif not settings.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        faults.append("settings must be a frozen dataclass")
    if inspect.isabstract(candidate):
        faults.append("translate is not written")
    if not candidate.capabilities():
        faults.append("neither fetch nor receive is written")
    # Verified here, since a coroutine that nobody awaits would only show as silence.
    if not inspect.iscoroutinefunction(candidate.fetch):
        faults.append("fetch must be an async def")
    for attribute in ("receive", "translate"):
        if inspect.iscoroutinefunction(getattr(candidate, attribute)):
            faults.append(f"{attribute} must be a plain def, not async")
    return tuple(faults)
