"""Result and Receipt: a closed appraisal on its way to another service, and what came back.

How one service codes a rating belongs to its connector; here are the law's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from .activity import checked_instant, checked_nip, checked_text
from .errors import Malformed

__all__ = ["Official", "Predicate", "Rating", "Receipt", "Result", "ResultKind"]


class ResultKind(StrEnum):
    """Which evaluation it closes: a month's, a quarter's, or the year's."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    FINAL = "final"


class Rating(StrEnum):
    """Work results or behaviour against what was expected (*ekspektasi*)."""

    ABOVE = "above"
    MEETS = "meets"
    BELOW = "below"


class Predicate(StrEnum):
    """The predicate (*predikat kinerja*), computed by the host from the two ratings."""

    EXCELLENT = "excellent"
    """Sangat baik."""
    GOOD = "good"
    """Baik."""
    NEEDS_IMPROVEMENT = "needs_improvement"
    """Butuh perbaikan."""
    POOR = "poor"
    """Kurang (misconduct)."""
    VERY_POOR = "very_poor"
    """Sangat kurang."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """Somebody as an appraisal names them: NIP, name, post, unit, and rank (*golongan*) if known.

    Raises: Malformed.
    """

    nip: str
    name: str
    position: str
    unit: str
    rank: str | None = None

    def __post_init__(self) -> None:
        checked_nip(self.nip)
        for name in ("name", "position", "unit"):
            checked_text(name, getattr(self, name), 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One closed appraisal. `id` is the host's, the same each time that it is sent.

    The period is from `starts_on` to `ends_on`, both inclusive. `year` is that of its last day; it
    may begin in the year before.

    Raises: Malformed.
    """

    id: str
    kind: ResultKind
    year: int
    starts_on: date
    ends_on: date
    employee: Official
    appraiser: Official
    work: Rating
    behaviour: Rating
    predicate: Predicate

    def __post_init__(self) -> None:
        checked_text("id", self.id, 100)
        if self.ends_on < self.starts_on:
            raise Malformed(f"result {self.id} ends before it starts")
        if self.ends_on.year != self.year or self.starts_on.year < self.year - 1:
            raise Malformed(f"result {self.id} does not end in {self.year}, or lasts over a year")


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The service's own name for what it took, and when. `at` is aware. Raises: Malformed."""

    reference: str
    at: datetime
    message: str | None = None

    def __post_init__(self) -> None:
        checked_text("reference", self.reference, 200)
        checked_instant("at", self.at)
