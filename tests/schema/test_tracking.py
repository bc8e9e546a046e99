"""The verdict on a planned path as tables of cases, each with its arithmetic."""

from datetime import date
from decimal import Decimal

import pytest

from schema.policies.rules import Policy
from schema.targets.models import Polarity
from schema.targets.rules import Measured, Plan, Point
from schema.targets.tracking import (
    TrackStatus,
    due_by,
    is_on_track,
    track_rule,
    track_status,
    verdict,
    worst,
)

RISING, FALLING, RANGE = Polarity.RISING, Polarity.FALLING, Polarity.RANGE
MARCH, JUNE = date(2026, 3, 31), date(2026, 6, 30)
NOT_DUE, ON_TRACK, NO_DATA, BEHIND = TrackStatus
TEN = [Point(MARCH, Decimal(4)), Point(JUNE, Decimal(10))]


def exact(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)


@pytest.mark.parametrize(
    ("polarity", "realized", "share", "status", "asked"),
    [
        # 9 of 10 due: all is asked for, 95 % of it (9.5), or 90 % (9)
        (RISING, "9", "100", BEHIND, "9 not >= 10"),
        (RISING, "9", "95", BEHIND, "9 not >= 9.5"),
        (RISING, "9.5", "95", ON_TRACK, "9.5 >= 9.5"),
        (RISING, "9.499999", "95", BEHIND, "9.499999 not >= 9.5"),
        (RISING, "9", "90", ON_TRACK, "9 >= 9"),
        (RISING, "10", "100", ON_TRACK, "10 >= 10"),
        # 66.67 % of 10 is 6.667
        (RISING, "6.67", "66.67", ON_TRACK, "6.67 >= 6.667"),
        (RISING, "6.666999", "66.67", BEHIND, "6.666999 not >= 6.667"),
        # a ceiling gives way as much: 10 x (200 - 95) / 100 = 10.5
        (FALLING, "10", "100", ON_TRACK, "10 <= 10"),
        (FALLING, "10.000001", "100", BEHIND, "10.000001 not <= 10"),
        (FALLING, "10.5", "95", ON_TRACK, "10.5 <= 10.5"),
        (FALLING, "10.500001", "95", BEHIND, "10.500001 not <= 10.5"),
        (RANGE, "12", "80", ON_TRACK, "12 <= 12"),
        (RANGE, "12.1", "80", BEHIND, "12.1 not <= 12"),
    ],
)
def test_a_share_of_what_is_due_is_enough(
    polarity: Polarity, realized: str, share: str, status: TrackStatus, asked: str
) -> None:
    found = verdict(Plan(polarity=polarity), TEN, exact(realized), JUNE, Decimal(share))

    assert (found.status, found.rule) == (
        status,
        f"{asked} (10 due by 2026-06-30, {share} % is enough)",
    )


@pytest.mark.parametrize(
    ("points", "realized", "day", "status", "rule"),
    [
        # before the first point, and without any, nothing is due
        (TEN, None, date(2026, 3, 30), NOT_DUE, "nothing is due by 2026-03-30"),
        (TEN, "9", date(2026, 3, 30), NOT_DUE, "nothing is due by 2026-03-30"),
        ([], "9", JUNE, NOT_DUE, "nothing is due by 2026-06-30"),
        # no number, where something is due and where nothing is
        (TEN, None, MARCH, NO_DATA, "no number, 4 due by 2026-03-31"),
        ([Point(MARCH, Decimal(0))], None, MARCH, ON_TRACK, "no number, 0 due by 2026-03-31"),
        # zero is a number: 0 of 4
        (TEN, "0", MARCH, BEHIND, "0 not >= 4 (4 due by 2026-03-31, 100 % is enough)"),
        # a point holds until the next: 4 are still due the day before the second
        (
            TEN,
            "4",
            date(2026, 6, 29),
            ON_TRACK,
            "4 >= 4 (4 due by 2026-06-29, 100 % is enough)",
        ),
    ],
)
def test_a_verdict_says_the_rule_that_gave_it(
    points: list[Point], realized: str | None, day: date, status: TrackStatus, rule: str
) -> None:
    found = verdict(Plan(polarity=RISING), points, exact(realized), day)

    assert (found.status, found.rule) == (status, rule)


def test_a_path_is_read_in_the_order_of_its_days() -> None:
    assert due_by(reversed(TEN), JUNE) == Decimal(10)
    assert due_by(iter(TEN), MARCH) == Decimal(4)


def on_path(realized: str | None, points: list[Point] | None = None) -> Measured:
    return Measured(
        polarity=RISING, realized=exact(realized), points=TEN if points is None else points
    )


@pytest.mark.parametrize(
    ("indicators", "policy", "status", "good"),
    [
        # the worst counts, in this order: not due, on track, no number, behind
        ([], None, NOT_DUE, True),
        ([on_path("1", [])], None, NOT_DUE, True),
        ([on_path("1", []), on_path("10")], None, ON_TRACK, True),
        ([on_path("10"), on_path(None)], None, NO_DATA, False),
        ([on_path(None), on_path("9")], None, BEHIND, False),
        ([on_path("9"), on_path(None), on_path("10"), on_path("1", [])], None, BEHIND, False),
        # 95 % of 10 is 9.5: 9 is not enough, 9.5 is
        ([on_path("9")], Policy(on_track_share=Decimal(95)), BEHIND, False),
        ([on_path("9.5")], Policy(on_track_share=Decimal(95)), ON_TRACK, True),
    ],
)
def test_a_target_stands_as_its_worst_indicator(
    indicators: list[Measured], policy: Policy | None, status: TrackStatus, good: bool
) -> None:
    found = worst(indicators, JUNE, policy)

    assert found.status is status
    assert track_status(indicators, JUNE, policy) is status
    assert track_rule(indicators, JUNE, policy) == found.rule
    assert is_on_track(indicators, JUNE, policy) is good


def test_of_two_that_stand_as_badly_the_first_gives_the_reason() -> None:
    found = worst([on_path("9"), on_path("8")], JUNE, None)

    assert found.rule == "9 not >= 10 (10 due by 2026-06-30, 100 % is enough)"
