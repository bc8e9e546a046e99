"""What an employee chose before for work of the same source and kind: pure.

A kind such as `surat` serves many targets, so the kind alone says nothing: an earlier title speaks
as far as it is like the new one, less with its age, and only for as much as the others agree. A
title that was dismissed, or confirmed for no target, speaks against all of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import sqrt
from uuid import UUID

from schema.progress.words import stems

HALF_LIFE = 180
"""Days after which an earlier choice says half as much (a house rule)."""
SHARPNESS = 3
"""The power of likeness by which earlier titles are weighed against each other."""
NEAR = 0.4
"""Titles that are less alike than this are not of the same work."""
_REMEMBERED = 20_000  # titles: some 1 kB each


@dataclass(frozen=True, slots=True)
class Past:
    """An earlier activity and where its employee put it; None where nowhere.

    `goal` is the chosen target's title: the next period has the same one anew.
    """

    title: str
    day: date
    target_id: UUID | None
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Leaning:
    """How much the past speaks for a target, from 0 to 1; how often, and the nearest title."""

    value: float
    times: int
    nearest: str


def leanings(
    title: str, day: date, past: Sequence[Past], titles: Mapping[UUID, str]
) -> dict[UUID, Leaning]:
    """What the past says of each target; `titles` are those that can be chosen now."""
    known = {goal: key for key, goal in reversed(list(titles.items()))}
    mine = _roots(title)
    votes: dict[UUID | None, list[tuple[float, float, str]]] = {}
    for one in past:
        alike = _alike(mine, _roots(one.title))
        if alike < NEAR:
            continue
        weight = alike**SHARPNESS * 0.5 ** (max((day - one.day).days, 0) / HALF_LIFE)
        chosen = one.target_id if one.target_id in titles else known.get(one.goal)
        if chosen is not None or one.target_id is None:
            votes.setdefault(chosen, []).append((alike, weight, one.title))
    total = sum(weight for _, weight, _ in _all(votes.values()))
    return {
        key: Leaning(
            max(of_one)[0] * sum(weight for _, weight, _ in of_one) / total,
            len(of_one),
            max(of_one)[2],
        )
        for key, of_one in votes.items()
        if key is not None
    }


def _all(votes: Iterable[list[tuple[float, float, str]]]) -> Iterable[tuple[float, float, str]]:
    return (vote for of_one in votes for vote in of_one)


@lru_cache(maxsize=_REMEMBERED)
def _roots(title: str) -> frozenset[str]:
    return frozenset(stems(title))


def _alike(left: frozenset[str], right: frozenset[str]) -> float:
    """The cosine of two sets of words: 1 for the same, 0 for none in common."""
    if not left or not right:
        return 0.0
    return len(left & right) / sqrt(len(left) * len(right))
