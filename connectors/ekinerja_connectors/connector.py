"""Connector: the class that a vendor inherits; what it can do is in `capabilities`.

How a connector is found, started and called belongs to `child`; its settings to `settings`.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from typing import Any, ClassVar, Generic, TypeVar

from .budgets import Budget
from .capabilities import ASYNC, CAPABILITIES, capabilities_of
from .http import Http
from .items import Item, Page

__all__ = ["Connector", "Item", "Page", "faults_of"]

S = TypeVar("S")
_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)
_TRANSLATED = {"polling", "webhook", "file"}


class Connector(Generic[S]):
    """What knows one outside service. Inherit, set the class attributes, write the methods.

    Class attributes: `name` (the slug of the entry point), `title` (for people), `version`,
    and `settings`, a frozen dataclass type (see `secret` and `address`). `retracts` says that its
    service may take back what it said, so that `translate` may give a `Retraction`. `budget`
    bounds how often `http` calls the service, where the service does not say so itself.
    Write the methods of at least one of the `capabilities`.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    version: ClassVar[str]
    settings: ClassVar[type[Any]]
    retracts: ClassVar[bool] = False
    budget: ClassVar[Budget | None] = None

    def __init__(self, config: S, http: Http) -> None:
        """`config` is an instance of `settings`; `http` reaches its addresses and no others."""
        self.config = config
        self.http = http

    @classmethod
    def capabilities(cls) -> tuple[str, ...]:
        """The names of what this class can do."""
        return capabilities_of(cls)


def faults_of(candidate: object) -> tuple[str, ...]:
    """What keeps `candidate` from being registered as a connector; empty when nothing does."""
    if not (isinstance(candidate, type) and issubclass(candidate, Connector)):
        return (f"{candidate!r} is no subclass of Connector",)
    return (*_faults_of_attributes(candidate), *_faults_of_methods(candidate))


def _faults_of_attributes(candidate: type[Connector[Any]]) -> Iterator[str]:
    if not _SLUG.fullmatch(str(getattr(candidate, "name", ""))):
        yield "name must be a slug: a-z, then a-z, 0-9 or -, at most 40 characters"
    for attribute in ("title", "version"):
        if not isinstance(getattr(candidate, attribute, None), str):
            yield f"{attribute} must be text"
    if not isinstance(candidate.budget, Budget | None):
        yield "budget must be a Budget, or None"
    settings = getattr(candidate, "settings", None)
    if not (isinstance(settings, type) and is_dataclass(settings)):
        yield "settings must be a dataclass type"
    elif not settings.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield "settings must be a frozen dataclass"


def _faults_of_methods(candidate: type[Connector[Any]]) -> Iterator[str]:
    """Verified here, since a coroutine that nobody awaits would only show as silence."""
    found = capabilities_of(candidate)
    if not found:
        yield f"none of {', '.join(method for _, method in CAPABILITIES.values())} is written"
    methods = [CAPABILITIES[name][1] for name in found]
    if _TRANSLATED & set(found):
        if callable(getattr(candidate, "translate", None)):
            methods.append("translate")
        else:
            yield "translate is not written"
    for method in methods:
        awaited = inspect.iscoroutinefunction(getattr(candidate, method))
        if method in ASYNC and not awaited:
            yield f"{method} must be an async def"
        elif method not in ASYNC and awaited:
            yield f"{method} must be a plain def, not async"
