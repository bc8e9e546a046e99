"""Which of a parent's indicators a child's number flows into, over one direct edge."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from schema.targets.models import Accumulation, Aspect


class Measure(Protocol):
    """What pairing must know of an indicator."""

    @property
    def position(self) -> int: ...
    @property
    def aspect(self) -> Aspect: ...
    @property
    def title(self) -> str: ...
    @property
    def unit_of_measure(self) -> str | None: ...
    @property
    def accumulation(self) -> Accumulation: ...


@dataclass(frozen=True, slots=True)
class Match:
    """The parent's indicator, as an index; None and `ambiguous` where several fit equally."""

    parent: int | None
    ambiguous: bool = False


def pair(child_indicators: Sequence[Measure], parent_indicators: Sequence[Measure]) -> list[Match]:
    """One match for each of the child's indicators, in their order.

    Numbers add up only where they count the same: the same aspect, unit of measure and way to
    accumulate (additions do not add to levels; levels add to a level). An unknown unit counts
    as no other. Of several that fit, the one with the same title, else the one at the same
    position, else none. So ("jumlah", 3 laporan) flows into ("jumlah", 10 laporan), never
    into ("jumlah", 10 orang).
    """
    return [_match(child, parent_indicators) for child in child_indicators]


def _match(child: Measure, parents: Sequence[Measure]) -> Match:
    fitting = [index for index, parent in enumerate(parents) if _counts_same(child, parent)]
    if len(fitting) > 1:
        title = compact(child.title)
        titled = [index for index in fitting if compact(parents[index].title) == title]
        placed = [index for index in fitting if parents[index].position == child.position]
        chosen = titled if len(titled) == 1 else placed
        return Match(chosen[0]) if len(chosen) == 1 else Match(None, ambiguous=True)
    return Match(fitting[0]) if fitting else Match(None)


def _counts_same(child: Measure, parent: Measure) -> bool:
    return (
        child.unit_of_measure is not None
        and parent.unit_of_measure is not None
        and normalised(child.unit_of_measure) == normalised(parent.unit_of_measure)
        and child.aspect is parent.aspect
        and child.accumulation is parent.accumulation
    )


def normalised(text: str) -> str:
    """Letter case and outer spaces aside: " Laporan" is "laporan"."""
    return text.strip().casefold()


def compact(text: str) -> str:
    """All spaces aside: a published cascade has "dilatih" at one level, "di latih" above."""
    return "".join(text.split()).casefold()
