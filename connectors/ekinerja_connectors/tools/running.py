"""A connector outside the host: found by its name, given its settings, asked for its items."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..activity import JSON
from ..capabilities import Statement
from ..connector import Connector
from ..errors import Malformed, Skippable
from ..files import RefusedRow, Upload
from ..http import Http
from ..items import Item
from ..loading import PluginError, load
from ..settings import addresses_of, parse
from ..webhook import Delivery
from ..wire import decode_items

__all__ = [
    "Brought",
    "Source",
    "Unusable",
    "connector_of",
    "items_from",
    "opened",
    "outcome_of",
    "settings_in",
]


class Unusable(Exception):
    """What was given on the command line cannot be used; the message says what to give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where items come from: a file of one of three kinds, else the service itself."""

    fixture: Path | None = None
    deliver: Path | None = None
    file: Path | None = None
    directory: bool = False
    pages: int = 1
    cursor: str | None = None

    @property
    def title(self) -> str:
        """A name for what came from it."""
        for kind, path in (("delivery", self.deliver), ("file", self.file)):
            if path is not None:
                return f"{kind}-{path.stem}"
        return "polling" if self.fixture is None else self.fixture.stem


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """The items that came, the rows that are none, and where the next page begins."""

    items: tuple[Item, ...]
    refused: tuple[RefusedRow, ...] = ()
    cursor: str | None = None
    more: bool = False


def connector_of(name: str) -> type[Connector[Any]]:
    """The class of an installed plugin.

    Raises:
        PluginError: it cannot be loaded.
    """
    try:
        return load(name).connector
    except PluginError:
        raise
    except Exception as error:  # whatever importing a plugin raises
        raise PluginError(f"{name} cannot be imported: {type(error).__name__}: {error}") from error


def settings_in(path: Path) -> Mapping[str, JSON]:
    """The object in a file.

    Raises:
        Unusable: there is none.
    """
    found = _json_in(path)
    if not isinstance(found, Mapping):
        raise Unusable(f"{path} must hold a JSON object of settings")
    return found


def _bytes_in(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}") from error


def _json_in(path: Path) -> JSON:
    try:
        found: JSON = json.loads(_bytes_in(path))
    except ValueError as error:
        # The text is not repeated: it may be a secret.
        raise Unusable(f"{path} is no JSON: {type(error).__name__}") from None
    return found


@contextlib.asynccontextmanager
async def opened(
    connector: type[Connector[Any]], settings: Mapping[str, JSON]
) -> AsyncIterator[Any]:
    """The connector with these settings.

    Raises:
        InvalidSettings: they do not fit.
    """
    config = parse(connector.settings, settings)
    async with Http(addresses_of(config), budget=connector.budget) as http:
        yield connector(config, http)


async def items_from(connector: Any, source: Source) -> AsyncIterator[Brought]:
    """What the source brings, page by page.

    Raises:
        Unusable: the connector has no capability for it, or the file is of another form.
        ConnectorError: what the connector raises.
    """
    if source.fixture is not None:
        yield Brought(items=_recorded(source.fixture))
    elif source.deliver is not None:
        _needs(connector, "webhook")
        body = _bytes_in(source.deliver).decode("utf-8", "surrogateescape")
        delivery = Delivery(
            id=f"msg_{source.deliver.stem}", body=body, headers={"content-type": "application/json"}
        )
        yield Brought(items=tuple(connector.receive(delivery)))
    elif source.file is not None:
        _needs(connector, "file")
        reading = connector.read(Upload(name=source.file.name, content=_bytes_in(source.file)))
        yield Brought(items=tuple(reading.items), refused=tuple(reading.refused))
    else:
        _needs(connector, "polling")
        cursor = source.cursor
        for _ in range(source.pages):
            page = await connector.fetch(cursor)
            cursor = page.next_cursor
            yield Brought(items=page.items, cursor=cursor, more=page.more)
            if not page.more:
                return
            await asyncio.sleep(0)


def _needs(connector: Any, capability: str) -> None:
    if capability not in connector.capabilities():
        raise Unusable(
            f"{connector.name} has no capability {capability}; it has: "
            f"{', '.join(connector.capabilities())}"
        )


def _recorded(path: Path) -> tuple[Item, ...]:
    found: Any = _json_in(path)
    items = found.get("items") if isinstance(found, Mapping) else found
    try:
        return decode_items(items)
    except Malformed as error:
        raise Unusable(f"{path} holds no recorded items: {error}") from error


def outcome_of(connector: Any, item: Item) -> Statement | Malformed | Skippable:
    """What an item states, or the error by which it states nothing."""
    try:
        stated: Statement = connector.translate(item)
        return stated
    except (Malformed, Skippable) as reason:
        return reason
