"""`record`: what a service says, stored as fixtures that can be published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..activity import JSON
from ..connector import Connector
from ..errors import Malformed, Skippable
from ..items import Item
from ..settings import parse, secrets_of
from ..wire import encode_statement
from .redaction import Redaction
from .running import Source, Unusable, items_from, opened, outcome_of
from .telling import Teller
from .trying import told_error

__all__ = ["record"]


async def record(
    connector: type[Connector[Any]],
    settings: Mapping[str, JSON],
    source: Source,
    to: Path,
    teller: Teller,
) -> int:
    """Write one fixture; 1 when an item had to be left out or nothing could be written.

    Raises:
        InvalidSettings, Unusable: what was given cannot be used.
    """
    secrets = secrets_of(parse(connector.settings, settings))
    teller.hide(secrets)
    if source.directory:
        raise Unusable("only items are recorded; a directory is about real people")
    try:
        async with opened(connector, settings) as running:
            found = [item async for one in items_from(running, source) for item in one.items]
            kept, left_out = _fixture(running, found, Redaction(secrets), teller)
    except Unusable:
        raise
    except Exception as error:  # the plugin may raise anything; it is told
        teller.tell(told_error(error))
        return 1
    document: dict[str, JSON] = {
        "ekinerja-recording": 1,
        "connector": connector.name,
        "version": connector.version,
        "items": kept,
    }
    if Redaction(secrets).left_in(document):
        teller.tell("nothing is written: a secret of the settings is still in it")
        return 1
    if not kept:
        teller.tell("nothing is written: no item can be translated")
        return 1
    path = _stored(document, to, source.title)
    teller.tell(f"{path} holds {len(kept)} items; {left_out} were left out. Read it before you")
    teller.tell("publish it: what a service writes in free text cannot all be recognized.")
    return 1 if left_out else 0


def _stored(document: JSON, to: Path, title: str) -> Path:
    to.mkdir(parents=True, exist_ok=True)
    path = to / f"{title}.json"
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", "utf-8")
    return path


def _fixture(
    connector: Any, found: list[Item], redaction: Redaction, teller: Teller
) -> tuple[list[JSON], int]:
    """The items that translate, redacted, with what they state; and how many do not."""
    for item in found:
        redaction.learn(item.payload)
    kept: list[JSON] = []
    for item in found:
        before = _states(connector, item)
        redacted = Item(
            source_id=redaction.text(item.source_id), payload=redaction.redacted(item.payload)
        )
        after = _states(connector, redacted)
        if "malformed" in before:
            teller.tell(f"left out {item.source_id}: malformed: {before['malformed']}")
        elif before.keys() != after.keys():
            teller.tell(f"left out {item.source_id}: redacted, it states something else")
        else:
            kept.append(
                {"source_id": redacted.source_id, "payload": redacted.payload, "states": after}
            )
    return kept, len(found) - len(kept)


def _states(connector: Any, item: Item) -> dict[str, JSON]:
    outcome = outcome_of(connector, item)
    if isinstance(outcome, Malformed):
        return {"malformed": str(outcome)}
    if isinstance(outcome, Skippable):
        return {"skipped": str(outcome)}
    return encode_statement(outcome)
