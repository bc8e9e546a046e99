"""Damage: what a service's words may turn into, the same for the same words.

Whether a connector withstands it is the suite's question.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..activity import JSON

__all__ = ["WRONG_SHAPES", "broken_bytes", "damaged", "replaced_text", "texts_in"]

#: What may stand where an object or a list is expected.
WRONG_SHAPES: tuple[JSON, ...] = (None, True, 5, -1.5, "", "teks", [], [None], [[]], {}, {"x": []})
_WRONG_VALUES: tuple[JSON, ...] = (
    *WRONG_SHAPES,
    10**30,
    "x" * 20_000,
    "\x00",
    "\ud800",
    "2026-13-40T99:99:99",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "1e400",
    "-1",
)


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside `value`, depth first."""
    inner: Any = ()
    if isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, list | tuple):
        inner = enumerate(value)
    for name, one in inner:
        yield (*at, name)
        yield from _places(one, (*at, name))


def damaged(payload: JSON, rounds: int = 60) -> Iterator[JSON]:
    """Payloads of other shapes, then this one with one or two of its values spoilt or gone."""
    yield from copy.deepcopy(WRONG_SHAPES)
    places = list(_places(payload))
    if not places:
        return
    chance = random.Random(json.dumps(payload, sort_keys=True))  # noqa: S311 - repeatable
    for place in places[:200]:  # each value gone once, however few the rounds
        yield _spoilt(payload, place, gone=True, value=None)
    for number in range(rounds):
        spoilt: JSON = payload
        for _ in range(1 + number % 2):
            place, value = chance.choice(places), chance.choice(_WRONG_VALUES)
            spoilt = _spoilt(spoilt, place, gone=False, value=value)
        yield spoilt


def _spoilt(payload: JSON, place: Sequence[Any], *, gone: bool, value: JSON) -> Any:
    spoilt: Any = copy.deepcopy(payload)
    inner: Any = spoilt
    for name in place[:-1]:
        try:
            inner = inner[name]
        except (LookupError, TypeError):  # the first damage took this place away
            return spoilt
    try:
        if gone:
            del inner[place[-1]]
        else:
            inner[place[-1]] = value
    except (LookupError, TypeError):
        pass  # the same
    return spoilt


def texts_in(value: JSON) -> Iterator[str]:
    """Every text inside a payload, the names of its fields left out."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from texts_in(one)
    elif isinstance(value, Sequence):
        for one in value:
            yield from texts_in(one)


def replaced_text(value: JSON, old: str, new: JSON) -> JSON:
    """The payload with `new` for each text that is `old`, and inside texts that hold it."""
    if isinstance(value, str):
        return new if value == old else value.replace(old, str(new))
    if isinstance(value, Mapping):
        return {name: replaced_text(one, old, new) for name, one in value.items()}
    if isinstance(value, Sequence):
        return [replaced_text(one, old, new) for one in value]
    return value


def broken_bytes(content: bytes) -> Iterator[bytes]:
    """Files that are none: empty, noise, half of `content`, `content` with noise inside."""
    chance = random.Random(len(content))  # noqa: S311 - repeatable
    noise = chance.randbytes(2_000)
    middle = len(content) // 2
    yield b""
    yield noise
    yield b"\x00" * 100
    yield b"PK\x03\x04" + noise
    yield content[:middle]
    yield content[:middle] + noise + content[middle:]
