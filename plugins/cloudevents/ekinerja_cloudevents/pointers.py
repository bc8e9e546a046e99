"""JSON Pointer (RFC 6901), and title templates that hold pointers in braces. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ekinerja_connectors import JSON

__all__ = ["checked_pointer", "checked_template", "filled", "found"]

_PLACE = re.compile(r"\{([^{}]*)\}")
_INDEX = re.compile(r"0|[1-9][0-9]{0,5}", re.ASCII)
_TOKEN = re.compile(r"(?:[^~]|~[01])*")


def checked_pointer(name: str, pointer: str) -> None:
    """Nothing for an empty text (no such field) or a pointer. Raises: ValueError."""
    if pointer and not (pointer.startswith("/") and _TOKEN.fullmatch(pointer)):
        raise ValueError(f"{name} must be a JSON Pointer that begins with /")


def checked_template(name: str, template: str) -> None:
    """Nothing for a template whose braces hold pointers. Raises: ValueError."""
    for pointer in _PLACE.findall(template):
        checked_pointer(name, pointer or "empty")
    if set("{}") & set(_PLACE.sub("", template)):
        raise ValueError(f"{name} has a brace without its other half")


def found(document: JSON, pointer: str) -> JSON:
    """What stands at `pointer`; None where nothing does, or for the empty pointer."""
    if not pointer:
        return None
    for raw in pointer[1:].split("/"):
        token = raw.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document.get(token)
        elif isinstance(document, Sequence) and not isinstance(document, str):
            inside = _INDEX.fullmatch(token) and int(token) < len(document)
            document = document[int(token)] if inside else None
        else:
            return None
    return document


def filled(document: JSON, template: str) -> str:
    """The template with its pointers replaced by what they find; by nothing where they do not."""

    def value(match: re.Match[str]) -> str:
        here = found(document, match[1])
        return str(here) if isinstance(here, str | int | float) else ""

    return " ".join(_PLACE.sub(value, template).split())
