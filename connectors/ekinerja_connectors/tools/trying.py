"""`try`: what a connector would give, shown and not kept."""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ..activity import JSON, Activity
from ..connector import Connector
from ..errors import ConnectorError, Malformed, Skippable
from ..items import Item
from ..settings import parse, secrets_of
from ..statements import Presence, Retraction
from .running import Source, Unusable, items_from, opened, outcome_of
from .telling import Teller

__all__ = ["attempt", "told_error"]


async def attempt(
    connector: type[Connector[Any]], settings: Mapping[str, JSON], source: Source, teller: Teller
) -> int:
    """Tell what the source brings; 1 when an item cannot be read or a call fails.

    Raises:
        InvalidSettings, Unusable: what was given cannot be used.
    """
    teller.hide(secrets_of(parse(connector.settings, settings)))
    counts: Counter[str] = Counter()
    try:
        async with opened(connector, settings) as running:
            if source.directory:
                await _show_directory(running, source, teller, counts)
            else:
                await _show_items(running, source, teller, counts)
    except Unusable:
        raise
    except Exception as error:  # the plugin may raise anything; it is what was asked for
        teller.tell(told_error(error))
        counts["failed"] += 1
    summary = ", ".join(f"{number} {kind}" for kind, number in sorted(counts.items()))
    teller.tell(f"in all: {summary or 'nothing'}")
    return 1 if counts.keys() & {"malformed", "failed", "refused"} else 0


async def _show_items(connector: Any, source: Source, teller: Teller, counts: Counter[str]) -> None:
    async for brought in items_from(connector, source):
        for item in brought.items:
            kind, line = _told(connector, item)
            counts[kind] += 1
            teller.tell(f"{kind:<10} {item.source_id}  {line}")
        for row in brought.refused:
            counts["refused"] += 1
            teller.tell(f"{'refused':<10} row {row.row}  {row.reason}")
        if brought.cursor is not None:
            teller.tell(f"next cursor {brought.cursor}{', more follows' if brought.more else ''}")


def _told(connector: Any, item: Item) -> tuple[str, str]:
    """The kind of an outcome, and a line about it."""
    try:
        stated = outcome_of(connector, item)
    except Exception as error:  # a bug of the plugin, told as one
        return "failed", told_error(error)
    if isinstance(stated, Malformed):
        return "malformed", str(stated)
    if isinstance(stated, Skippable):
        return "skipped", str(stated)
    if isinstance(stated, Activity):
        return "activity", f"{stated.occurred_at.isoformat()}  {stated.nip}  {stated.title}"
    if isinstance(stated, Presence):
        return "presence", f"{stated.at.isoformat()}  {stated.nip}  {stated.direction}"
    if isinstance(stated, Retraction):
        return "retraction", f"{stated.at.isoformat()}  of {stated.retracts}: {stated.reason}"
    return "failed", f"translate gave {type(stated).__name__}, which states nothing"


async def _show_directory(
    connector: Any, source: Source, teller: Teller, counts: Counter[str]
) -> None:
    if "directory" not in connector.capabilities():
        raise Unusable(f"{connector.name} has no capability directory")
    cursor = source.cursor
    for _ in range(source.pages):
        page = await connector.directory(cursor)
        for unit in page.units:
            teller.tell(f"unit       {unit.code}  {unit.name}  under {unit.parent_code or 'none'}")
        for person in page.employees:
            teller.tell(f"employee   {person.nip}  {person.name}")
        for post in page.assignments:
            teller.tell(f"post       {post.nip}  {post.position}  in {post.unit_code}")
        for problem in page.problems:
            teller.tell(f"problem    {problem}")
        counts.update(units=len(page.units), employees=len(page.employees))
        counts.update(posts=len(page.assignments), problems=len(page.problems))
        cursor = page.next_cursor
        if cursor is None:
            return
    teller.tell(f"next cursor {cursor}, more follows")


def told_error(error: Exception) -> str:
    """An error of the SDK by its class; anything else as the plugin's bug, with its place."""
    if isinstance(error, ConnectorError):
        return f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {frames[-1].filename}:{frames[-1].lineno}" if frames else ""
    return f"a fault of the plugin: {type(error).__name__}: {error}{place}"
