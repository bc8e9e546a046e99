"""Rules of measurement as tables of cases, each with its arithmetic."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schema.policies.rules import Policy
from schema.targets.models import Polarity
from schema.targets.rules import (
    Child,
    Measured,
    Plan,
    Point,
    Result,
    Share,
    StageFacts,
    achieved,
    achieved_exactly,
    counted,
    known_share,
    next_open_stage,
    own_percentage,
    percentage,
    plan_percentage,
    shares_of,
    stages_percentage,
    whole,
)
from schema.targets.tracking import GOOD, due_by, verdict


def exact(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


def plan(polarity: Polarity, **given: str) -> Plan:
    numbers: dict[str, Any] = {name: Decimal(value) for name, value in given.items()}
    return Plan(polarity=polarity, **numbers)


RISING, FALLING, RANGE = Polarity.RISING, Polarity.FALLING, Polarity.RANGE


@pytest.mark.parametrize(
    ("aim", "realized", "percent"),
    [
        # rising, by what is realized of the plan: 3 / 12 = 25 %
        (plan(RISING, planned="12"), "3", "25"),
        (plan(RISING, planned="12"), "0", "0"),
        # not capped: 15 / 12
        (plan(RISING, planned="12"), "15", "125"),
        # from a baseline: (85 - 80) / (90 - 80)
        (plan(RISING, planned="90", baseline="80"), "85", "50"),
        # fallen below the baseline: (70 - 80) / 10 = -100, never below 0
        (plan(RISING, planned="90", baseline="80"), "70", "0"),
        # nothing to do but to hold: planned = baseline
        (plan(RISING, planned="80", baseline="80"), "80", "100"),
        (plan(RISING, planned="80", baseline="80"), "79", "0"),
        (plan(RISING, planned="0"), "0", "100"),
        # missing is not zero
        (plan(RISING, planned="12"), None, None),
        (plan(RISING), "3", None),
        # falling from a baseline: (10 - 7) / (10 - 4)
        (plan(FALLING, planned="4", baseline="10"), "7", "50"),
        (plan(FALLING, planned="4", baseline="10"), "4", "100"),
        (plan(FALLING, planned="4", baseline="10"), "12", "0"),
        (plan(FALLING, planned="4", baseline="4"), "4", "100"),
        (plan(FALLING, planned="4", baseline="4"), "5", "0"),
        # falling without one: (2 x 5 - 6) / 5
        (plan(FALLING, planned="5"), "6", "80"),
        (plan(FALLING, planned="5"), "5", "100"),
        # none at all: (10 - 0) / 5 = 200 %
        (plan(FALLING, planned="5"), "0", "200"),
        # (10 - 11) / 5 = -20
        (plan(FALLING, planned="5"), "11", "0"),
        # a baseline on the wrong side is left out: (10 - 6) / 5, and 3 / 12
        (plan(FALLING, planned="5", baseline="3"), "6", "80"),
        (plan(RISING, planned="12", baseline="15"), "3", "25"),
        # no case may occur: 0 of 0 is reached, 1 of 0 is not
        (plan(FALLING, planned="0"), "0", "100"),
        (plan(FALLING, planned="0"), "1", "0"),
        (plan(FALLING), "3", None),
        # inside a range, at both ends
        (plan(RANGE, minimum="90", maximum="100"), "95", "100"),
        (plan(RANGE, minimum="90", maximum="100"), "90", "100"),
        (plan(RANGE, minimum="90", maximum="100"), "100", "100"),
        # below: 45 / 90 = 50 %
        (plan(RANGE, minimum="90", maximum="100"), "45", "50"),
        # above: (2 x 100 - 110) / 100
        (plan(RANGE, minimum="90", maximum="100"), "110", "90"),
        (plan(RANGE, minimum="90", maximum="100"), "201", "0"),
        # open at one end
        (plan(RANGE, minimum="90"), "900", "100"),
        (plan(RANGE, maximum="10"), "0", "100"),
        (plan(RANGE, maximum="0"), "1", "0"),
        (plan(RANGE), "5", None),
    ],
)
def test_an_indicator_in_percent(aim: Plan, realized: str | None, percent: str | None) -> None:
    assert percentage(aim, exact(realized)) == exact(percent)


def test_a_percentage_is_exact_until_it_is_shown() -> None:
    # 1 / 3 of 100; two decimals are a matter of display
    third = percentage(plan(RISING, planned="3"), Decimal(1))

    assert third is not None
    assert third.quantize(Decimal("0.0000001")) == Decimal("33.3333333")


MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
PATH = [Point(JUNE, Decimal(10)), Point(MARCH, Decimal(4))]


@pytest.mark.parametrize(
    ("day", "due"),
    [
        (date(2026, 3, 30), None),
        (MARCH, "4"),
        (date(2026, 6, 29), "4"),
        (JUNE, "10"),
        (date(2027, 1, 1), "10"),
    ],
)
def test_a_path_asks_for_its_latest_point(day: date, due: str | None) -> None:
    assert due_by(PATH, day) == exact(due)


@pytest.mark.parametrize(
    ("polarity", "path", "realized", "day", "on_time"),
    [
        # nothing is due before the first point, nor without a path
        (RISING, PATH, None, date(2026, 3, 30), True),
        (RISING, [], None, JUNE, True),
        # a number is due and there is none
        (RISING, PATH, None, MARCH, False),
        (RISING, [Point(MARCH, Decimal(0))], None, MARCH, True),
        (RISING, PATH, "4", MARCH, True),
        (RISING, PATH, "3.999999", MARCH, False),
        # a path of a falling target is a ceiling
        (FALLING, PATH, "4", MARCH, True),
        (FALLING, PATH, "5", MARCH, False),
        (RANGE, PATH, "5", MARCH, False),
    ],
)
def test_on_track_means_that_nothing_due_is_missing(
    polarity: Polarity, path: list[Point], realized: str | None, day: date, on_time: bool
) -> None:
    found = verdict(Plan(polarity=polarity), path, exact(realized), day)

    assert (found.status in GOOD) is on_time


@pytest.mark.parametrize(
    ("weights", "completed", "percent"),
    [
        # two of four equal ones
        (["1", "1", "1", "1"], [True, True, False, False], "50"),
        # by weight: (1 + 2) / (1 + 2 + 3) = 50 %
        (["1", "2", "3"], [True, True, False], "50"),
        # one has no weight, so all weigh the same: 1 / 4
        (["1", None, "3", "4"], [False, False, False, True], "25"),
        ([None, None], [True, True], "100"),
        (["2"], [False], "0"),
        ([], [], "0"),
    ],
)
def test_staged_work_in_percent(
    weights: list[str | None], completed: list[bool], percent: str
) -> None:
    assert stages_percentage([exact(weight) for weight in weights], completed) == exact(percent)


@pytest.mark.parametrize(
    ("completed", "place"),
    [
        ([], None),
        ([True, True], None),
        ([True, False, False], 1),
        ([False, True], 0),
    ],
)
def test_the_next_open_stage(completed: list[bool], place: int | None) -> None:
    assert next_open_stage(completed) == place


ZEROS = Policy(missing_counts_as_zero=True)


@pytest.mark.parametrize(
    ("percent", "policy", "counts"),
    [
        ("80", Policy(), "80"),
        # a cap of 120 takes nothing from 120, and all above it
        ("120", Policy(), "120"),
        ("120.000001", Policy(), "120"),
        ("100000000000000000", Policy(), "120"),
        ("150", Policy(achievement_cap=Decimal(100)), "100"),
        ("150", Policy(achievement_cap=Decimal(1000)), "150"),
        # six decimals, half away from zero: 2 / 3 of 100, and 0.0000005
        ("66.66666666666666666666666667", Policy(), "66.666667"),
        ("0.0000005", Policy(), "0.000001"),
        ("0.0000004", Policy(), "0"),
        # missing is not zero, unless the policy counts it so
        (None, Policy(), None),
        (None, ZEROS, "0"),
        ("0", Policy(), "0"),
    ],
)
def test_a_percentage_counts_up_to_the_cap(
    percent: str | None, policy: Policy, counts: str | None
) -> None:
    assert counted(exact(percent), policy) == exact(counts)


def twelve(*realized: str | None) -> list[Measured]:
    """Indicators that plan 12 each, and what each has reached."""
    plan_of_12 = {"polarity": RISING, "planned": Decimal(12)}
    return [Measured(**plan_of_12, realized=exact(amount)) for amount in realized]


def staged(*given: tuple[str | None, bool]) -> list[StageFacts]:
    return [
        StageFacts(weight=exact(weight), completed_on=JUNE if done else None)
        for weight, done in given
    ]


def children(*given: tuple[str, str | None]) -> list[Child]:
    return [Child(weight=Decimal(weight), achieved=exact(reached)) for weight, reached in given]


@pytest.mark.parametrize(
    ("indicators", "stages", "policy", "percent"),
    [
        # 3 / 12 = 25; 6 / 12 = 50 and 12 / 12 = 100 -> (50 + 100) / 2 = 75
        (twelve("3"), [], Policy(), "25"),
        (twelve("6", "12"), [], Policy(), "75"),
        # a missing one is left out: 50 / 1; counted as zero: (50 + 0) / 2
        (twelve("6", None), [], Policy(), "50"),
        (twelve("6", None), [], ZEROS, "25"),
        (twelve(None), [], Policy(), None),
        (twelve(None), [], ZEROS, "0"),
        # each is capped before the mean: 24 / 12 = 200 -> 120; (120 + 0) / 2 = 60
        (twelve("24", "0"), [], Policy(), "60"),
        # (8.333333 + 16.666667 + 25) / 3 = 16.666667, each with six decimals first
        (twelve("1", "2", "3"), [], Policy(), "16.666667"),
        # 2 of 3 equal stages; stages go before indicators
        ([], staged((None, True), (None, True), (None, False)), Policy(), "66.666667"),
        (twelve("12"), staged(("1", True), ("3", False)), Policy(), "25"),
        (twelve("12"), staged(("1", False)), Policy(), "0"),
        ([], [], Policy(), None),
        ([], [], ZEROS, None),
    ],
)
def test_what_a_target_measures_itself(
    indicators: list[Measured], stages: list[StageFacts], policy: Policy, percent: str | None
) -> None:
    assert own_percentage(indicators, stages, policy) == exact(percent)


@pytest.mark.parametrize(
    ("indicators", "stages", "below", "policy", "shares"),
    [
        # no children: all 100 is the target's own, 6 / 12 = 50
        (twelve("6"), None, [], Policy(), [("100", "50")]),
        # 40 and 40 leave 20
        (
            twelve("6"),
            None,
            children(("40", "80"), ("40", None)),
            Policy(),
            [("40", "80"), ("40", None), ("20", "50")],
        ),
        # 60 and 40 leave nothing: its own are shown and not counted
        (
            twelve("6"),
            None,
            children(("60", "80"), ("40", "10")),
            Policy(),
            [("60", "80"), ("40", "10")],
        ),
        # 33.3333 x 3 = 99.9999 leave 0.0001
        (
            twelve("6"),
            None,
            children(("33.3333", "1"), ("33.3333", "2"), ("33.3333", "3")),
            Policy(),
            [("33.3333", "1"), ("33.3333", "2"), ("33.3333", "3"), ("0.0001", "50")],
        ),
        # a target that measures nothing itself has no share of its own
        ([], None, children(("40", "80")), Policy(), [("40", "80")]),
        ([], staged((None, False)), children(("40", "80")), Policy(), [("40", "80"), ("60", "0")]),
        # what is missing counts as zero where the policy says so, also of a child
        (twelve(None), None, children(("40", None)), ZEROS, [("40", "0"), ("60", "0")]),
        # a child that was capped at 250 counts up to the cap that holds for the parent
        ([], None, children(("40", "250")), Policy(), [("40", "120")]),
        ([], None, [], Policy(), []),
    ],
)
def test_an_achievement_in_its_parts(
    indicators: list[Measured],
    stages: list[StageFacts] | None,
    below: list[Child],
    policy: Policy,
    shares: list[tuple[str, str | None]],
) -> None:
    parts = [Share(Decimal(weight), exact(percent)) for weight, percent in shares]

    assert shares_of(indicators, stages, below, policy) == parts


@pytest.mark.parametrize(
    ("shares", "percent"),
    [
        # (80 x 40 + 50 x 60) / 100 = 62
        ([("40", "80"), ("60", "50")], "62"),
        # the second is not known: 80 x 40 / 40
        ([("40", "80"), ("60", None)], "80"),
        # weights of 90 in all: (80 x 40 + 50 x 50) / 90 = 5,700 / 90 = 63.333333
        ([("40", "80"), ("50", "50")], "63.333333"),
        # zero is known: (80 x 40 + 0 x 60) / 100 = 32
        ([("40", "80"), ("60", "0")], "32"),
        # half away from zero: (0 + 0.000001) / 2 = 0.0000005
        ([("50", "0"), ("50", "0.000001")], "0.000001"),
        # the lightest part: (120 x 99.9999 + 0 x 0.0001) / 100 = 119.99988
        ([("99.9999", "120"), ("0.0001", "0")], "119.99988"),
        ([("40", None)], None),
        ([], None),
    ],
)
def test_the_parts_make_the_whole(
    shares: list[tuple[str, str | None]], percent: str | None
) -> None:
    parts = [Share(Decimal(weight), exact(each)) for weight, each in shares]

    assert whole(parts) == exact(percent)


@pytest.mark.parametrize(
    ("indicators", "stages", "below", "policy", "percent", "known"),
    [
        # shown with two decimals: 1 / 3 of 12 = 33.33; all of it is known
        (twelve("4"), None, [], None, "33.33", "100"),
        # one of two indicators has a number: 6 / 12
        (twelve("6", None), None, [], None, "50", "50"),
        (twelve(None, None), None, [], None, None, "0"),
        # staged work is always known: 0 of 2
        ([], staged((None, False), (None, False)), [], None, "0", "100"),
        # children at 80 (40 %) and 50 (60 %) -> 62; the second missing -> 80, of which 40 is known
        ([], None, children(("40", "80"), ("60", "50")), None, "62", "100"),
        ([], None, children(("40", "80"), ("60", None)), None, "80", "40"),
        # 30 leave 70 to its own: (100 x 30 + 50 x 70) / 100 = 65
        (twelve("6"), None, children(("30", "100")), None, "65", "100"),
        # its own has no number: 100 of the child alone, 30 of 100 known
        (twelve(None), None, children(("30", "100")), None, "100", "30"),
        # counted as zero, all is known: 100 x 30 / 100 = 30
        (twelve(None), None, children(("30", "100")), ZEROS, "30", "100"),
        # 40 and 30 without an own number: (80 x 40 + 50 x 30) / 70 = 67.14; 40 + 30 of 100 known
        (twelve(None), None, children(("40", "80"), ("30", "50")), None, "67.14", "70"),
        # children alone, 40 of their 40 known
        ([], None, children(("40", "80")), None, "80", "100"),
        ([], None, [], None, None, "0"),
        ([], None, [], ZEROS, None, "0"),
    ],
)
def test_an_achievement_and_how_much_of_it_is_known(
    indicators: list[Measured],
    stages: list[StageFacts] | None,
    below: list[Child],
    policy: Policy | None,
    percent: str | None,
    known: str,
) -> None:
    assert achieved(indicators, stages, below, policy) == exact(percent)
    assert known_share(indicators, stages, below, policy) == Decimal(known)


def test_an_achievement_is_shown_with_two_decimals_and_rolls_up_with_six() -> None:
    # 2 / 3 = 66.666667 rolls up; a child at 66.67 would give its parent another last digit
    facts = (twelve("8"), None, [], None)

    assert achieved_exactly(*facts) == Decimal("66.666667")
    assert achieved(*facts) == Decimal("66.67")


def result(
    realized: str | None, below: list[Child] | None = None, *, counts: bool = True
) -> Result:
    return Result(counts=counts, indicators=twelve(realized), stages=None, children=below or [])


@pytest.mark.parametrize(
    ("results", "policy", "percent"),
    [
        # (100 + 50) / 2 = 75
        ([result("12"), result("6")], None, "75"),
        # what was cascaded directly does not count in the coordinator's: (100 + 50) / 2
        ([result("12"), result("6"), result("9.6", counts=False)], None, "75"),
        # without a number it is left out, or counts as zero: 100 / 1, 100 / 2
        ([result("12"), result(None)], None, "100"),
        ([result("12"), result(None)], ZEROS, "50"),
        # each is capped: 36 / 12 = 300 -> 120; (120 + 0) / 2
        ([result("36"), result("0")], None, "60"),
        # by weight inside a result: (100 x 50 + 50 x 50) / 100 = 75; (75 + 25) / 2 = 50
        ([result("6", children(("50", "100"))), result("3")], None, "50"),
        # thirds: (8.333333 + 16.666667 + 16.666667) / 3 = 13.888889 -> 13.89
        ([result("1"), result("2"), result("2")], None, "13.89"),
        ([result("12", counts=False)], None, None),
        ([result(None)], None, None),
        ([], ZEROS, None),
    ],
)
def test_a_plan_in_percent(
    results: list[Result], policy: Policy | None, percent: str | None
) -> None:
    assert plan_percentage(results, policy) == exact(percent)
