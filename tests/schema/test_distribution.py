"""The guide for the distribution of predicates: its five rows at their edges."""

from decimal import Decimal
from typing import TypeAlias

import pytest

from schema.appraisals.distribution import GUIDE, Guide, GuideKind, guide
from schema.appraisals.models import Predicate, UnitPredicate

SB, B, BP, K, SK = Predicate
"""Sangat baik, baik, butuh perbaikan, kurang, sangat kurang."""
People: TypeAlias = dict[Predicate, int]


def judged(unit: UnitPredicate, people: People, unrated: int = 0) -> Guide:
    staff: list[Predicate | None] = [one for one, number in people.items() for _ in range(number)]
    found = guide(unit, [*staff, *[None] * unrated], True)
    assert found is not None
    return found


def broken(unit: UnitPredicate, people: People) -> list[tuple[GuideKind, tuple[Predicate, ...]]]:
    return [(one.kind, tuple(one.predicates)) for one in judged(unit, people).warnings]


AT_MOST, AT_LEAST, MOST, SOME, NONE = GuideKind
ISTIMEWA, BAIK, PERBAIKAN, KURANG, SANGAT_KURANG = UnitPredicate


@pytest.mark.parametrize(
    ("unit", "people", "expected"),
    [
        # Istimewa: most, at most 70 %, Sangat Baik. 7 of 10 is exactly 70; 71 of 100 is above it.
        (ISTIMEWA, {SB: 7, B: 3}, []),
        (ISTIMEWA, {SB: 71, B: 29}, [(AT_MOST, (SB,))]),
        (ISTIMEWA, {SB: 70, B: 20, SK: 10}, []),
        # 1 of 3 is no less than the others have; 1 of 4 is.
        (ISTIMEWA, {SB: 1, B: 1, K: 1}, []),
        (ISTIMEWA, {SB: 1, B: 2, K: 1}, [(MOST, (SB,))]),
        (ISTIMEWA, {SB: 1}, [(AT_MOST, (SB,))]),
        (ISTIMEWA, {B: 1}, [(MOST, (SB,))]),
        # Baik: most, at most 70 %, Baik; somebody with Butuh Perbaikan or Kurang.
        (BAIK, {B: 7, BP: 1, SB: 2}, []),
        (BAIK, {B: 7, K: 1, SK: 2}, []),
        (BAIK, {B: 7, SB: 3}, [(SOME, (BP, K))]),
        (BAIK, {B: 7, SB: 2, SK: 1}, [(SOME, (BP, K))]),
        (BAIK, {B: 71, BP: 29}, [(AT_MOST, (B,))]),
        (BAIK, {B: 2, SB: 3, BP: 1}, [(MOST, (B,))]),
        (BAIK, {B: 1}, [(AT_MOST, (B,)), (SOME, (BP, K))]),
        # Butuh Perbaikan: at least 60 % of it, at most 10 % Sangat Baik.
        (PERBAIKAN, {BP: 6, SB: 1, B: 3}, []),
        (PERBAIKAN, {BP: 59, SB: 10, B: 31}, [(AT_LEAST, (BP,))]),
        (PERBAIKAN, {BP: 60, SB: 11, B: 29}, [(AT_MOST, (SB,))]),
        (PERBAIKAN, {BP: 1}, []),
        (PERBAIKAN, {SB: 1}, [(AT_LEAST, (BP,)), (AT_MOST, (SB,))]),
        # Kurang: at least 60 % Kurang and 10 % Butuh Perbaikan, at most 10 % Sangat Baik.
        (KURANG, {K: 6, BP: 1, SB: 1, B: 2}, []),
        (KURANG, {K: 59, BP: 10, B: 31}, [(AT_LEAST, (K,))]),
        (KURANG, {K: 60, BP: 9, B: 31}, [(AT_LEAST, (BP,))]),
        (KURANG, {K: 60, BP: 10, SB: 11, B: 19}, [(AT_MOST, (SB,))]),
        (KURANG, {K: 1}, [(AT_LEAST, (BP,))]),
        # Sangat Kurang: at least 60 % of it, 10 % Kurang and Butuh Perbaikan together, no Sangat
        # Baik.
        (SANGAT_KURANG, {SK: 6, K: 1, B: 3}, []),
        (SANGAT_KURANG, {SK: 60, K: 5, BP: 5, B: 30}, []),
        (SANGAT_KURANG, {SK: 60, K: 5, BP: 4, B: 31}, [(AT_LEAST, (BP, K))]),
        (SANGAT_KURANG, {SK: 59, K: 41}, [(AT_LEAST, (SK,))]),
        (SANGAT_KURANG, {SK: 899, K: 100, SB: 1}, [(NONE, (SB,))]),
        (SANGAT_KURANG, {SK: 1}, [(AT_LEAST, (BP, K))]),
    ],
)
def test_each_row_of_the_guide_warns_where_a_limit_is_passed_and_not_on_it(
    unit: UnitPredicate, people: People, expected: list[tuple[GuideKind, tuple[Predicate, ...]]]
) -> None:
    assert broken(unit, people) == expected


@pytest.mark.parametrize("unit", UnitPredicate)
def test_nobody_rated_is_no_warning_and_no_share(unit: UnitPredicate) -> None:
    for found in (judged(unit, {}), judged(unit, {}, unrated=3)):
        assert found.warnings == []
        assert len(found.checks) == len(GUIDE[unit])
        assert {(one.percentage, one.holds) for one in found.checks} == {(None, None)}


def test_a_warning_says_the_figures_in_both_languages() -> None:
    # 7 of 9 is 77.78 %; the two who are not rated yet are not counted.
    found = judged(BAIK, {B: 7, K: 2}, unrated=2)

    assert (found.staff, found.rated, found.source) == (11, 9, "SE MenPANRB 3/2023")
    (warning,) = found.warnings
    assert (warning.count, warning.percentage) == (7, Decimal("77.78"))
    assert warning.indonesian == "Baik 77,78 %, paling banyak 70 %"
    assert warning.english == "Good 77.78 %, at most 70 %"
    (some,) = judged(BAIK, {B: 1, SB: 1}).warnings
    assert some.indonesian == "Butuh Perbaikan dan/atau Kurang 0 %, seharusnya ada"
    assert some.english == "Needs improvement and/or Poor 0 %, some are expected"


def test_there_is_no_guide_without_a_result_or_for_whoever_does_not_see_everybody() -> None:
    assert guide(None, [B], True) is None
    assert guide(BAIK, [B], False) is None
