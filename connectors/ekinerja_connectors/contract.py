"""What a version of a connector promises to installations that exist, and what breaks it.

A vendor keeps it in `contract.json`, written when a version is published: its settings' schema,
an example of settings and a cursor. The next version has to take all three.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .activity import JSON
from .connector import Connector
from .errors import InvalidSettings
from .settings import hidden, parse, schema_of

__all__ = ["FILE_NAME", "Contract", "breaks", "contract_of"]

FILE_NAME = "contract.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One version's promise. `settings` is an example whose secrets are blotted out."""

    connector: str
    version: str
    capabilities: tuple[str, ...]
    settings_schema: Mapping[str, JSON]
    settings: Mapping[str, JSON]
    cursor: str | None = None

    def text(self) -> str:
        """As the file holds it."""
        shown = {
            "connector": self.connector,
            "version": self.version,
            "capabilities": list(self.capabilities),
            "settings_schema": self.settings_schema,
            "settings": self.settings,
            "cursor": self.cursor,
        }
        return json.dumps(shown, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Contract:
        """The promise in a file.

        Raises:
            ValueError: it is none.
        """
        try:
            found = json.loads(path.read_text("utf-8"))
            return cls(**{**found, "capabilities": tuple(found["capabilities"])})
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} is no contract: {error}") from error


def contract_of(
    connector: type[Connector[Any]], given: Mapping[str, JSON], cursor: str | None
) -> Contract:
    """The promise of this version, with `given` as the example.

    Raises:
        InvalidSettings: the example does not fit.
    """
    config = parse(connector.settings, given)
    shown = hidden(config, given)
    assert isinstance(shown, Mapping)
    return Contract(
        connector=connector.name,
        version=connector.version,
        capabilities=connector.capabilities(),
        settings_schema=schema_of(connector.settings),
        settings=shown,
        cursor=cursor,
    )


def breaks(former: Contract, connector: type[Connector[Any]]) -> tuple[str, ...]:
    """What an installation of the former version would lose; empty when it goes on."""
    lost = [one for one in former.capabilities if one not in connector.capabilities()]
    faults = [f"capability {one} was there and is not written any more" for one in lost]
    if former.connector != connector.name:
        faults.append(f"the name was {former.connector} and is {connector.name}")
    faults += _narrowed("setting", former.settings_schema, schema_of(connector.settings))
    try:
        parse(connector.settings, former.settings)
    except InvalidSettings as error:
        faults.append(f"settings of {former.version} are refused: {error}")
    return tuple(faults)


def _narrowed(at: str, former: Any, now: Any) -> Iterator[str]:
    """Where a value that the former schema takes may be refused by this one."""
    former_kinds, now_kinds = _kinds(former), _kinds(now)
    for kind in former_kinds.keys() - now_kinds.keys():
        yield f"{at} could be {kind} and no longer can"
    if former.get("writeOnly") and not now.get("writeOnly"):
        yield f"{at} was secret and would be shown"
    if now.get("format") and not former.get("format"):
        yield f"{at} was any text and must be {now['format']}"
    for kind in former_kinds.keys() & now_kinds.keys():
        before, after = former_kinds[kind], now_kinds[kind]
        if kind == "array":
            yield from _narrowed(f"{at}[]", before["items"], after["items"])
        elif kind == "object" and "properties" in before and "properties" in after:
            yield from _narrowed_object(at, before, after)
        elif kind == "object" and ("properties" in before) != ("properties" in after):
            yield f"{at} has other names in it than before"
        elif kind == "object":
            yield from _narrowed(
                f"{at}[]", before["additionalProperties"], after["additionalProperties"]
            )


def _narrowed_object(at: str, former: Any, now: Any) -> Iterator[str]:
    before, after = former["properties"], now["properties"]
    for name in before:
        if name in after:
            yield from _narrowed(f"{at} {name}", before[name], after[name])
        else:
            yield f"{at} {name} was removed"
    for name in now["required"]:
        if name not in before:
            yield f"{at} {name} is new and has no default"
        elif name not in former["required"]:
            yield f"{at} {name} had a default and is now required"


def _kinds(schema: Any) -> dict[str, Any]:
    """The JSON types that a schema takes, each with the schema that describes it."""
    if "anyOf" in schema:
        return {kind: one for part in schema["anyOf"] for kind, one in _kinds(part).items()}
    return {schema["type"]: schema}
