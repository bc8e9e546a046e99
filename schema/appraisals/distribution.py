"""Pure rules of how predicates are distributed in a unit: a guide that warns and never blocks.

SE MenPANRB 3/2023 asks a leader to consider the unit's own result when predicates are given. The
percentages are from a retelling in the news and not from the circular itself
(docs/front-ends.md), so they are rows of data here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from schema.appraisals.models import Predicate, UnitPredicate
from schema.values import plain, rounded

SOURCE = "SE MenPANRB 3/2023"
HUNDRED = Decimal(100)


class GuideKind(StrEnum):
    """What is asked of some predicates: shares of those who are rated, MOST that no other single
    predicate has more, SOME that anybody has one of them, NONE that nobody has."""

    AT_MOST = "AT_MOST"
    AT_LEAST = "AT_LEAST"
    MOST = "MOST"
    SOME = "SOME"
    NONE = "NONE"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the guide; `limit` is percent of the people who are rated."""

    kind: GuideKind
    predicates: tuple[Predicate, ...]
    limit: Decimal | None = None


def _at_most(limit: int, *predicates: Predicate) -> Condition:
    return Condition(GuideKind.AT_MOST, predicates, Decimal(limit))


def _at_least(limit: int, *predicates: Predicate) -> Condition:
    return Condition(GuideKind.AT_LEAST, predicates, Decimal(limit))


def _some(kind: GuideKind, *predicates: Predicate) -> Condition:
    return Condition(kind, predicates)


GUIDE: dict[UnitPredicate, tuple[Condition, ...]] = {
    # Most, at most 70 %, Sangat Baik; the rest any.
    UnitPredicate.OUTSTANDING: (
        _some(GuideKind.MOST, Predicate.EXCELLENT),
        _at_most(70, Predicate.EXCELLENT),
    ),
    # Most, at most 70 %, Baik; some Butuh Perbaikan and/or Kurang must be there.
    UnitPredicate.GOOD: (
        _some(GuideKind.MOST, Predicate.GOOD),
        _at_most(70, Predicate.GOOD),
        _some(GuideKind.SOME, Predicate.NEEDS_IMPROVEMENT, Predicate.POOR),
    ),
    UnitPredicate.NEEDS_IMPROVEMENT: (
        _at_least(60, Predicate.NEEDS_IMPROVEMENT),
        _at_most(10, Predicate.EXCELLENT),
    ),
    UnitPredicate.POOR: (
        _at_least(60, Predicate.POOR),
        _at_least(10, Predicate.NEEDS_IMPROVEMENT),
        _at_most(10, Predicate.EXCELLENT),
    ),
    UnitPredicate.VERY_POOR: (
        _at_least(60, Predicate.VERY_POOR),
        _at_least(10, Predicate.NEEDS_IMPROVEMENT, Predicate.POOR),
        _some(GuideKind.NONE, Predicate.EXCELLENT),
    ),
}
"""The five rows of the guide, as retold. What 'most' means is a house rule: see GuideKind."""

NAMES: dict[Predicate, tuple[str, str]] = {
    Predicate.EXCELLENT: ("Sangat Baik", "Excellent"),
    Predicate.GOOD: ("Baik", "Good"),
    Predicate.NEEDS_IMPROVEMENT: ("Butuh Perbaikan", "Needs improvement"),
    Predicate.POOR: ("Kurang", "Poor"),
    Predicate.VERY_POOR: ("Sangat Kurang", "Very poor"),
}
WORDS: dict[GuideKind, tuple[str, str]] = {
    GuideKind.AT_MOST: ("paling banyak {limit} %", "at most {limit} %"),
    GuideKind.AT_LEAST: ("paling sedikit {limit} %", "at least {limit} %"),
    GuideKind.MOST: ("seharusnya yang terbanyak", "should be the most"),
    GuideKind.SOME: ("seharusnya ada", "some are expected"),
    GuideKind.NONE: ("seharusnya tidak ada", "none is expected"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition against the people who are rated; `holds` and `percentage` are None where nobody
    is. The words hold the figures."""

    kind: GuideKind
    predicates: Sequence[Predicate]
    limit: Decimal | None
    count: int
    percentage: Decimal | None
    holds: bool | None
    indonesian: str
    english: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guide:
    """What is asked of a unit's people, and what does not hold among the `rated` of `staff`."""

    organization: UnitPredicate
    staff: int
    rated: int
    checks: Sequence[Check]
    warnings: Sequence[Check]
    source: str


def guide(
    organization: UnitPredicate | None,
    predicates: list[Predicate | None],
    sees_all: bool,
) -> Guide | None:
    """The guide for a unit's result over its staff, heads left out; None where the unit has no
    result, or not all of the staff are the viewer's to see: shares would tell of the others.

    A unit of GOOD, 7 of 9 Baik and 2 Kurang: 7 x 100 > 70 x 9, so 'Baik 77,78 %, paling banyak
    70 %'; of 10 it is exactly 70 % and holds.
    """
    if organization is None or not sees_all:
        return None
    rated = [one for one in predicates if one is not None]
    checks = [_check(condition, rated) for condition in GUIDE[organization]]
    return Guide(
        organization=organization,
        staff=len(predicates),
        rated=len(rated),
        checks=checks,
        warnings=[one for one in checks if one.holds is False],
        source=SOURCE,
    )


def _check(condition: Condition, rated: Sequence[Predicate]) -> Check:
    count = sum(one in condition.predicates for one in rated)
    share = rounded(Decimal(count) * HUNDRED / len(rated)) if rated else None
    return Check(
        kind=condition.kind,
        predicates=condition.predicates,
        limit=condition.limit,
        count=count,
        percentage=share,
        holds=_holds(condition, count, rated) if rated else None,
        indonesian=_said(condition, share, 0).replace(".", ","),
        english=_said(condition, share, 1),
    )


def _holds(condition: Condition, count: int, rated: Sequence[Predicate]) -> bool:
    """By whole numbers of people, so that an exact limit holds: 7 of 10 is 70 %."""
    match condition.kind:
        case GuideKind.SOME:
            return count > 0
        case GuideKind.NONE:
            return count == 0
        case GuideKind.MOST:
            return all(count >= rated.count(other) for other in Predicate)
    assert condition.limit is not None
    reached, asked = count * HUNDRED, condition.limit * len(rated)
    return reached <= asked if condition.kind is GuideKind.AT_MOST else reached >= asked


def _said(condition: Condition, share: Decimal | None, language: int) -> str:
    names = [NAMES[one][language] for one in condition.predicates]
    joined = (" dan/atau ", " and/or ")[language].join(names)
    known = "-" if share is None else plain(share)
    limit = "" if condition.limit is None else plain(condition.limit)
    return f"{joined} {known} %, {WORDS[condition.kind][language].format(limit=limit)}"
