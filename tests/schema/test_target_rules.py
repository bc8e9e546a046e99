"""Rules of measurement as tables of cases, each with its arithmetic."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schema.targets.models import Polarity
from schema.targets.rules import (
    Plan,
    Point,
    next_open_stage,
    percentage,
    stages_percentage,
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
