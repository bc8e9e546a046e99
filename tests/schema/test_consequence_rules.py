"""The pure rules of consequences against hand-worked figures, by the packaged tables."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as some

from schema.appraisals.models import Predicate
from schema.consequences.models import Employment, FunctionalLevel, RuleKind
from schema.consequences.rule_tables import (
    AllowanceRules,
    CreditRules,
    GoesBy,
    TalentRules,
    TrainingRules,
    WeightRules,
    parsed,
)
from schema.consequences.rule_texts import packaged, packaged_rules
from schema.consequences.rules import allowance, credit, talent, training, weight
from schema.consequences.values import Attendance, Low, MonthFacts, PlanResult
from schema.consequences.wording import number
from schema.organizations.models import AssignmentKind
from schema.values import canonical

SB, B, BP, K, SK = Predicate
KEY = UUID(int=1)


def rules(code: str) -> Any:
    return packaged_rules(code).rules


WEIGHT: WeightRules = rules("bobot")
CREDIT: CreditRules = rules("angka-kredit")
TALENT: TalentRules = rules("nine-box")
TRAINING: TrainingRules = rules("pelatihan")


def plan(
    predicate: Predicate,
    months: int,
    level: FunctionalLevel | None = None,
    *,
    post: AssignmentKind = AssignmentKind.DEFINITIVE,
    starts: int = 1,
) -> PlanResult:
    """A plan of 2026 that starts with a month."""
    return PlanResult(
        appraisal_id=UUID(int=starts),
        post=post,
        starts_on=date(2026, starts, 1),
        ends_on=date(2026, min(12, starts + max(months, 1) - 1), 28),
        months=months,
        predicate=predicate,
        level=level,
    )


# Weight


@pytest.mark.parametrize(
    ("plans", "amount", "label"),
    [
        ([plan(SB, 12)], "100", "EXCELLENT"),
        ([plan(B, 12)], "80", "GOOD"),
        ([plan(BP, 12)], "60", "NEEDS_IMPROVEMENT"),
        ([plan(K, 12)], "40", "POOR"),
        ([plan(SK, 12)], "20", "VERY_POOR"),
        # A transfer after August: (100 × 8 + 80 × 4) / 12 = 93.333...
        ([plan(SB, 8), plan(B, 4, starts=9)], "93.33", None),
        # Half a year of leave: six months of service are the whole of it.
        ([plan(B, 6)], "80", "GOOD"),
        # (100 × 1 + 80 × 7) / 8 = 82.5
        ([plan(SB, 1), plan(B, 7, starts=2)], "82.5", None),
        # The same predicate twice is one.
        ([plan(B, 8), plan(B, 4, starts=9)], "80", "GOOD"),
        # An acting post adds nothing, however good.
        ([plan(B, 12), plan(SB, 6, post=AssignmentKind.PLT)], "80", "GOOD"),
        # A plan of no month weighs nothing and does not blur the label.
        ([plan(B, 12), plan(SK, 0, starts=12)], "80", "GOOD"),
    ],
)
def test_weight_is_the_mean_of_definitive_plans_by_months(
    plans: Sequence[PlanResult], amount: str, label: str | None
) -> None:
    found = weight(WEIGHT, plans)

    assert (found.amount, found.label) == (Decimal(amount), label)
    assert len(found.lines) == len(plans)


@pytest.mark.parametrize("plans", [[], [plan(SB, 0)], [plan(SB, 12, post=AssignmentKind.PLH)]])
def test_without_a_month_in_a_definitive_post_there_is_no_weight(
    plans: Sequence[PlanResult],
) -> None:
    found = weight(WEIGHT, plans)

    assert (found.amount, found.label) == (None, "NO_SERVICE")


def test_lines_of_a_weight_say_how_it_came_about() -> None:
    first, second, acting = weight(
        WEIGHT, [plan(SB, 8), plan(B, 4, starts=9), plan(SB, 3, post=AssignmentKind.PLT, starts=3)]
    ).lines

    assert (first.name, first.basis) == (
        "Sangat Baik, 2026-01-01 s.d. 2026-08-28",
        "100 × 8 dari 12 bulan",
    )
    assert (second.amount, second.appraisal_id) == (Decimal(80), UUID(int=9))
    assert (acting.amount, acting.basis) == (None, "jabatan Plt. atau Plh.: tidak dihitung")


# Credit points

PT, MU, MA = FunctionalLevel.PT, FunctionalLevel.MU, FunctionalLevel.MA


@pytest.mark.parametrize(
    ("plans", "amount"),
    [
        # The published examples: 12/12 × 150 % × 12.5, and 2/12 × 100 % × 12.5 = 2.0833...
        ([plan(SB, 12, PT)], "18.75"),
        ([plan(B, 2, PT)], "2.08"),
        # 75, 50 and 25 % of 12.5: 9.375 and 3.125 half up
        ([plan(BP, 12, PT)], "9.38"),
        ([plan(K, 12, PT)], "6.25"),
        ([plan(SK, 12, PT)], "3.13"),
        # 5/12 × 75 % × 37.5 = 11.71875
        ([plan(BP, 5, MA)], "11.72"),
        # Raised in September: 8/12 × 100 % × 12.5 = 8.33, 4/12 × 150 % × 25 = 12.50
        ([plan(B, 8, PT), plan(SB, 4, MU, starts=9)], "20.83"),
        # From a post without a level: only the months behind it, 6/12 × 12.5 = 6.25
        ([plan(SB, 6), plan(B, 6, PT, starts=7)], "6.25"),
        # An acting post beside it adds nothing.
        ([plan(B, 12, PT), plan(SB, 6, MU, post=AssignmentKind.PLT)], "12.5"),
        ([plan(SB, 0, PT)], "0"),
    ],
)
def test_credit_points_are_months_times_percent_times_coefficient(
    plans: Sequence[PlanResult], amount: str
) -> None:
    found = credit(CREDIT, plans, Decimal(0))

    assert found.amount == Decimal(amount)
    assert sum(line.amount or 0 for line in found.lines) == found.amount


@pytest.mark.parametrize(
    ("level", "coefficient", "rank", "next_level"),
    [
        ("UT", "50", "200", None),
        ("MA", "37.5", "150", "450"),
        ("MU", "25", "100", "200"),
        ("PT", "12.5", "50", "100"),
        ("PY", "25", "100", None),
        ("MH", "12.5", "50", "100"),
        ("TR", "5", "20", "60"),
        ("PM", "3.75", "15", "15"),
    ],
)
def test_a_good_year_is_worth_the_coefficient_of_the_level(
    level: str, coefficient: str, rank: str, next_level: str | None
) -> None:
    found = credit(CREDIT, [plan(B, 12, FunctionalLevel(level))], Decimal(0))

    assert (found.amount, found.label) == (Decimal(coefficient), level)
    assert found.more["next_rank"]["needed"] == Decimal(rank)  # type: ignore[index]
    to_level: Any = found.more["next_level"]
    assert (to_level and to_level["needed"]) == (next_level and Decimal(next_level))


@pytest.mark.parametrize(
    ("brought", "missing", "reached", "to_level"),
    [
        # 18.75 more: of 50 for the next rank, 100 for the next level
        ("0", "31.25", False, "81.25"),
        ("31.25", "0", True, "50"),
        ("31.24", "0.01", False, "50.01"),
        ("90", "0", True, "0"),
    ],
)
def test_progress_is_what_was_brought_and_earned_of_what_is_needed(
    brought: str, missing: str, reached: bool, to_level: str
) -> None:
    more: Any = credit(CREDIT, [plan(SB, 12, PT)], Decimal(brought)).more

    assert more["total"] == Decimal(brought) + Decimal("18.75")
    assert more["next_rank"] == {
        "needed": Decimal(50),
        "missing": Decimal(missing),
        "reached": reached,
    }
    assert more["next_level"]["missing"] == Decimal(to_level)


def test_what_was_brought_is_not_guessed() -> None:
    found = credit(CREDIT, [plan(SB, 12, PT)], None)

    assert found.amount == Decimal("18.75")
    assert found.more["total"] is None
    assert found.more["next_rank"] is None


def test_progress_goes_by_the_level_of_the_latest_plan_in_whatever_order_they_come() -> None:
    plans = [plan(SB, 4, MU, starts=9), plan(B, 8, PT)]

    assert credit(CREDIT, plans, Decimal(0)).label == "MU"


def test_a_post_without_a_level_earns_no_points() -> None:
    found = credit(CREDIT, [plan(SB, 12)], Decimal(10))

    assert (found.amount, found.label) == (None, "NOT_FUNCTIONAL")


# Talent


@pytest.mark.parametrize(
    ("performance", "potential", "box", "pools"),
    [
        # The nine boxes, each at the lower edge of its thirds: performance 0, 70, 85 by
        # potential 0, 68, 77.
        ("0", "0", 1, []),
        ("70", "0", 2, []),
        ("0", "68", 3, []),
        ("85", "0", 4, []),
        ("70", "68", 5, []),
        ("0", "77", 6, []),
        ("85", "68", 7, ["AGENCY"]),
        ("70", "77", 8, ["AGENCY"]),
        ("85", "77", 9, ["AGENCY", "NATIONAL"]),
        # Their upper edges.
        ("69.99", "67.99", 1, []),
        ("84.99", "76.99", 5, []),
        ("100", "100", 9, ["AGENCY", "NATIONAL"]),
    ],
)
def test_nine_boxes_begin_at_their_cut_offs(
    performance: str, potential: str, box: int, pools: list[str]
) -> None:
    found = talent(TALENT, Decimal(performance), Decimal(potential))

    assert (found.amount, found.label, found.more["pools"]) == (Decimal(box), str(box), pools)
    assert found.more["recommendation"]


@pytest.mark.parametrize(
    ("performance", "potential", "label"),
    [("80", None, "NO_POTENTIAL"), (None, "80", "NO_PERFORMANCE"), (None, None, "NO_PERFORMANCE")],
)
def test_nobody_is_in_a_box_without_both_figures(
    performance: str | None, potential: str | None, label: str
) -> None:
    found = talent(
        TALENT,
        performance and Decimal(performance),
        potential and Decimal(potential),  # type: ignore[arg-type]
    )

    assert (found.amount, found.label) == (None, label)


# Training


@pytest.mark.parametrize(
    ("hours", "missing", "label"),
    [
        ("0", "20", "SHORT"),
        ("8", "12", "SHORT"),
        ("19.5", "0.5", "SHORT"),
        ("20", "0", "MET"),
        ("24", "0", "MET"),
    ],
)
def test_hours_that_are_missing_of_twenty(hours: str, missing: str, label: str) -> None:
    found = training(TRAINING, [], Decimal(hours))

    assert (found.amount, found.label) == (Decimal(missing), label)


def test_each_need_is_a_line_once_with_the_hours_proposed_for_it() -> None:
    lows = [
        Low(kind="RESULT", about="Laporan triwulan"),
        Low(kind="BEHAVIOUR", about="ADAPTIVE"),
        Low(kind="FEEDBACK", about="ADAPTIVE"),
        Low(kind="BEHAVIOUR", about="ADAPTIVE"),
    ]

    found = training(TRAINING, lows, Decimal(4))

    assert [(line.name, line.amount) for line in found.lines[2:]] == [
        ("Laporan triwulan", Decimal(8)),
        ("ADAPTIVE", Decimal(6)),
        ("ADAPTIVE", Decimal(4)),
    ]
    assert (found.amount, len(found.more["needs"])) == (Decimal(16), 3)  # type: ignore[arg-type]


# Allowances


def month(
    base: int | Decimal,
    predicate: Predicate | None = None,
    *,
    by: GoesBy = GoesBy.SAME_PERIOD,
    employment: Employment = Employment.PNS,
    achievement: str | None = None,
    absent: int = 0,
    late: Sequence[int] = (),
    early: Sequence[int] = (),
) -> MonthFacts:
    return MonthFacts(
        base=Decimal(base),
        employment=employment,
        predicates={by.value: predicate},
        achievement=None if achievement is None else Decimal(achievement),
        attendance=Attendance(
            days_asked=22, absent_days=absent, late_minutes=late, early_minutes=early
        ),
    )


QUARTER, YEAR = GoesBy.PREVIOUS_PERIOD, GoesBy.PREVIOUS_YEAR
CPNS = Employment.CPNS
FIGURES = [
    # Kemenlu: the quarter before pays 100, 100, 80, 70, 60 %.
    ("kemenlu-2025", month(10_000_000, SB, by=QUARTER), 10_000_000),
    ("kemenlu-2025", month(10_000_000, B, by=QUARTER), 10_000_000),
    ("kemenlu-2025", month(10_000_000, BP, by=QUARTER), 8_000_000),
    ("kemenlu-2025", month(10_000_000, K, by=QUARTER), 7_000_000),
    ("kemenlu-2025", month(10_000_000, SK, by=QUARTER), 6_000_000),
    ("kemenlu-2025", month(10_000_000, None, by=QUARTER), 10_000_000),
    # ... and nothing that is of another period.
    ("kemenlu-2025", month(10_000_000, SK, by=YEAR), 10_000_000),
    # KLHK: the year before pays 90, 85, 80 %.
    ("klhk-2024", month(8_000_000, B, by=YEAR), 8_000_000),
    ("klhk-2024", month(8_000_000, BP, by=YEAR), 7_200_000),
    ("klhk-2024", month(8_000_000, K, by=YEAR), 6_800_000),
    ("klhk-2024", month(8_000_000, SK, by=YEAR), 6_400_000),
    # Bakamla: the month itself, less 1 % and less 2 %.
    ("bakamla-2023", month(5_000_000, SB), 5_000_000),
    ("bakamla-2023", month(5_000_000, BP), 5_000_000),
    ("bakamla-2023", month(5_000_000, K), 4_950_000),
    ("bakamla-2023", month(5_000_000, SK), 4_900_000),
    # Kementan 2025, a CPNS: 80 % = 4,000,000; 2,400,000 + 1,600,000 less 5 % = 3,920,000.
    ("kementan-2025", month(5_000_000, B, employment=CPNS, absent=1, late=[40]), 3_920_000),
    # A PNS who is NEEDS_IMPROVEMENT: 3,000,000 × 80 % + 2,000,000 = 4,400,000.
    ("kementan-2025", month(5_000_000, BP), 4_400_000),
    # Absent for 26 days would be 104 %: the part is gone, not more: 3,000,000.
    ("kementan-2025", month(5_000_000, SB, absent=26), 3_000_000),
    # Kementan 2019: 3,000,000 less 2 × 4 % = 2,760,000, and 90 % of 3,000,000: 5,460,000.
    ("kementan-2019", month(6_000_000, achievement="90", absent=2), 5_460_000),
    # Over 100 counts as 100, unknown is paid whole.
    ("kementan-2019", month(6_000_000, achievement="120"), 6_000_000),
    ("kementan-2019", month(6_000_000), 6_000_000),
    # What is shown counts: 33.333 is 33.33 %: 3,000,000 + 999,900.
    ("kementan-2019", month(6_000_000, achievement="33.333"), 3_999_900),
    # Kementan 2012: 4 + 0.5 + 2 + 1.5 = 8 % of 4,000,000 less.
    ("kementan-2012", month(4_000_000, absent=1, late=[20, 95], early=[61]), 3_680_000),
    # The edges of the bands: 0, 1, 30 | 31, 60 | 61, 90 | 91: 2 × 0.5 + 2 × 1 + 2 × 1.5 + 2 = 8 %.
    ("kementan-2012", month(4_000_000, late=[0, 1, 30, 31, 60, 61, 90, 91]), 3_680_000),
    # The example of 50, 35, 20, 0: 2,500,000 and of the other half 100, 70, 40, 0 %.
    ("contoh-50", month(5_000_000, SB), 5_000_000),
    ("contoh-50", month(5_000_000, BP), 4_250_000),
    ("contoh-50", month(5_000_000, K), 3_500_000),
    ("contoh-50", month(5_000_000, SK), 2_500_000),
    # Half up to whole rupiah: 33.33 × 90 % = 29.997; 85 % of 10 = 8.5.
    ("klhk-2024", month(Decimal("33.33"), BP, by=YEAR), 30),
    ("klhk-2024", month(10, K, by=YEAR), 9),
    ("klhk-2024", month(0, SK, by=YEAR), 0),
]


@pytest.mark.parametrize(("code", "facts", "amount"), FIGURES)
def test_schemes_come_to_the_figures_worked_by_hand(
    code: str, facts: MonthFacts, amount: int
) -> None:
    found = allowance(rules(code), facts)

    assert found.amount == amount
    assert sum(line.amount or 0 for line in found.lines) == amount


def test_the_breakdown_says_line_by_line_how_it_came_about() -> None:
    facts = month(5_000_000, B, employment=CPNS, absent=1, late=[40, 45])

    lines = allowance(rules("kementan-2025"), facts).lines

    assert [(line.name, line.basis, line.amount, line.percent) for line in lines] == [
        ("Kinerja", "60 % × Rp5.000.000 × 80 % (CPNS)", 2_400_000, 60),
        ("Kinerja", "predikat Baik periode ini: 100 %", 0, 0),
        ("Kehadiran", "40 % × Rp5.000.000 × 80 % (CPNS)", 1_600_000, 40),
        ("Kehadiran", "tidak masuk 1 hari × 4 %", -64_000, -4),
        ("Kehadiran", "terlambat sejak 31 menit: 2 kali × 1 %", -32_000, -2),
    ]


def test_rounding_is_a_line_and_goes_by_the_scheme() -> None:
    table = packaged_rules("klhk-2024").body.replace('"round_to":1', '"round_to":1000')
    scheme = parsed(RuleKind.ALLOWANCE, table)
    assert isinstance(scheme, AllowanceRules)

    found = allowance(scheme, month(1_234_567, B, by=YEAR))

    assert found.amount == 1_235_000
    assert (found.lines[-1].name, found.lines[-1].amount) == ("Pembulatan", 433)


SCHEMES = [code for code in packaged() if packaged_rules(code).kind is RuleKind.ALLOWANCE]
MINUTES = some.lists(some.integers(0, 480), max_size=25)
MONTHS = some.builds(
    MonthFacts,
    base=some.decimals(0, 10**11, places=2),
    employment=some.sampled_from(Employment),
    predicates=some.fixed_dictionaries(
        {one.value: some.none() | some.sampled_from(Predicate) for one in GoesBy}
    ),
    achievement=some.none() | some.decimals(0, 1000, places=9),
    attendance=some.builds(
        Attendance,
        days_asked=some.just(22),
        absent_days=some.integers(0, 31),
        late_minutes=MINUTES,
        early_minutes=MINUTES,
    ),
)


@given(code=some.sampled_from(SCHEMES), facts=MONTHS)
def test_lines_add_up_exactly_and_nobody_is_paid_less_than_nothing(
    code: str, facts: MonthFacts
) -> None:
    found = allowance(rules(code), facts)

    assert found.amount is not None
    assert sum((line.amount or Decimal() for line in found.lines), Decimal()) == found.amount
    assert 0 <= found.amount <= facts.base + 1
    assert found.amount == found.amount.to_integral_value()
    again = canonical([(line.name, line.basis, line.amount) for line in found.lines])
    assert '"-0"' not in again


@given(
    plans=some.lists(some.tuples(some.sampled_from(Predicate), some.integers(0, 12)), max_size=4)
)
def test_a_weight_lies_between_those_of_its_predicates(
    plans: list[tuple[Predicate, int]],
) -> None:
    found = weight(WEIGHT, [plan(predicate, months) for predicate, months in plans])

    weights = [WEIGHT.weights[predicate] for predicate, months in plans if months]
    assert (found.amount is None) == (not weights)
    if found.amount is not None:
        assert min(weights) <= found.amount <= max(weights)


def test_numbers_are_written_as_indonesians_read_them() -> None:
    numbers = ("5000000", "12.5", "-1234.50", "-0.5", "0", "100.00")

    assert [number(Decimal(one)) for one in numbers] == [
        "5.000.000",
        "12,5",
        "-1.234,5",
        "-0,5",
        "0",
        "100",
    ]


def test_every_amount_of_the_lists_is_kept_within_what_a_consequence_holds() -> None:
    """Three decimals at most: a figure is kept as it was reckoned."""
    outcomes = [
        weight(WEIGHT, [plan(SB, 7), plan(B, 5, starts=8)]),
        credit(CREDIT, [plan(BP, 7, MA)], Decimal("0.001")),
        training(TRAINING, [], Decimal("3.25")),
    ]

    for one in outcomes:
        assert one.amount is not None
        assert one.amount == round(one.amount, 3)
