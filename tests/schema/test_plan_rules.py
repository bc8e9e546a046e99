"""Rules of plans as tables of cases: steps, completeness, weights, periods, handing over."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest

from schema.errors import DomainError, ErrorCode
from schema.plans.models import EvaluationKind, PlanEventKind, PlanState
from schema.plans.rules import (
    STEPS,
    Actor,
    IndicatorFacts,
    ResultFacts,
    Span,
    check_step,
    check_weights,
    days_of_plan,
    handed_over,
    is_set_late,
    missing_in,
    spans_of,
)
from schema.targets.models import EdgeKind, Polarity

E, S, A = Actor.EMPLOYEE, Actor.SUPERIOR, Actor.ADMINISTRATOR
# Who may take a step from which state: the rows are steps, the columns the five states.
TABLE = {
    # step: DRAFT, SUBMITTED, APPROVED, RETURNED, CLOSED
    PlanEventKind.EDITED: ("ESA", "SA", "", "ESA", ""),
    PlanEventKind.SUBMITTED: ("E", "", "", "E", ""),
    PlanEventKind.WITHDRAWN: ("", "E", "", "", ""),
    PlanEventKind.APPROVED: ("A", "SA", "", "A", ""),
    PlanEventKind.RETURNED: ("", "SA", "SA", "", ""),
    PlanEventKind.CLOSED: ("", "", "SA", "", ""),
    PlanEventKind.REOPENED: ("", "", "", "", "SA"),
}
STATES = (
    PlanState.DRAFT,
    PlanState.SUBMITTED,
    PlanState.APPROVED,
    PlanState.RETURNED,
    PlanState.CLOSED,
)


@pytest.mark.parametrize("step", TABLE)
@pytest.mark.parametrize("actor", [E, S, A])
def test_who_may_take_which_step_from_which_state(step: PlanEventKind, actor: Actor) -> None:
    ever = any(actor[0] in allowed for allowed in TABLE[step])
    for state, allowed in zip(STATES, TABLE[step], strict=True):
        if actor[0] in allowed:
            assert check_step(step, [actor], state) is STEPS[step]
            continue
        with pytest.raises(DomainError) as refused:
            check_step(step, [actor], state)
        wanted = ErrorCode.WRONG_PLAN_STATE if ever else ErrorCode.NOT_ALLOWED
        assert refused.value.code is wanted


def test_nobody_takes_a_step_who_is_nothing_to_the_plan() -> None:
    with pytest.raises(DomainError) as refused:
        check_step(PlanEventKind.EDITED, [], PlanState.DRAFT)

    assert refused.value.code is ErrorCode.NOT_ALLOWED


def indicator(**changed: object) -> IndicatorFacts:
    values: dict[str, object] = {
        "title": "Jumlah laporan",
        "polarity": Polarity.RISING,
        "planned": Decimal(12),
        "minimum": None,
        "maximum": None,
        "unit_of_measure": "laporan",
    }
    return IndicatorFacts(**values | changed)  # type: ignore[arg-type]


def result(*indicators: IndicatorFacts, **changed: object) -> ResultFacts:
    values: dict[str, object] = {
        "title": "Laporan terbit",
        "has_parent": True,
        "is_main": True,
        "indicators": indicators,
        "stages": 0,
    }
    return ResultFacts(**values | changed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("results", "lacks"),
    [
        ([result(indicator())], []),
        # staged work has no number
        ([result(stages=3)], []),
        ([], ["a main work result"]),
        ([result(indicator(), is_main=False)], ["a main work result"]),
        ([result()], ['"Laporan terbit": an indicator or stages']),
        (
            [result(indicator(), has_parent=False)],
            ['"Laporan terbit": the result above that it serves'],
        ),
        # an additional one need not serve the superior's
        ([result(indicator()), result(indicator(), has_parent=False, is_main=False)], []),
        ([result(indicator(planned=None))], ['"Jumlah laporan": a number']),
        ([result(indicator(unit_of_measure=None))], ['"Jumlah laporan": a unit of measure']),
        # no more than 3 days is a number
        ([result(indicator(polarity=Polarity.RANGE, planned=None, maximum=Decimal(3)))], []),
        ([result(indicator(polarity=Polarity.RANGE))], ['"Jumlah laporan": a number']),
    ],
)
def test_what_a_plan_must_say(results: Sequence[ResultFacts], lacks: list[str]) -> None:
    assert missing_in(results, has_superior=True) == lacks


def test_at_the_top_nothing_above_is_served() -> None:
    assert missing_in([result(indicator(), has_parent=False)], has_superior=False) == []


@pytest.mark.parametrize(
    ("weights", "kinds", "refused"),
    [
        (["40", "60"], "WW", None),
        (["40"], "W", None),
        (["40", None], "WD", None),
        # 60 + 50 = 110
        (["60", "50"], "WW", ErrorCode.WEIGHTS_INVALID),
        (["0"], "W", ErrorCode.WEIGHTS_INVALID),
        (["-1"], "W", ErrorCode.WEIGHTS_INVALID),
        ([None], "W", ErrorCode.BAD_USER_INPUT),
        (["40"], "D", ErrorCode.BAD_USER_INPUT),
        (["33.33333"], "W", ErrorCode.BAD_USER_INPUT),
    ],
)
def test_weights_under_one_parent(
    weights: list[str | None], kinds: str, refused: ErrorCode | None
) -> None:
    of = {"W": EdgeKind.WEIGHTED, "D": EdgeKind.DIRECT}
    given = [None if one is None else Decimal(one) for one in weights]
    if refused is None:
        check_weights(given, [of[kind] for kind in kinds])
        return
    with pytest.raises(DomainError) as error:
        check_weights(given, [of[kind] for kind in kinds])
    assert error.value.code is refused


def test_a_year_has_twelve_months_or_four_quarters() -> None:
    year = (date(2026, 1, 1), date(2026, 12, 31))

    months = spans_of(EvaluationKind.MONTHLY, *year)
    quarters = spans_of(EvaluationKind.QUARTERLY, *year)

    assert [span.number for span in months] == list(range(1, 13))
    assert months[1] == Span(2, date(2026, 2, 1), date(2026, 2, 28))
    assert [(span.starts_on, span.ends_on) for span in quarters] == [
        (date(2026, 1, 1), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 9, 30)),
        (date(2026, 10, 1), date(2026, 12, 31)),
    ]


def test_a_period_that_begins_within_a_quarter_has_a_short_one_first() -> None:
    spans = spans_of(EvaluationKind.QUARTERLY, date(2026, 2, 15), date(2026, 7, 10))

    assert [(span.starts_on, span.ends_on) for span in spans] == [
        (date(2026, 2, 15), date(2026, 3, 31)),
        (date(2026, 4, 1), date(2026, 6, 30)),
        (date(2026, 7, 1), date(2026, 7, 10)),
    ]


@pytest.mark.parametrize(
    ("planned", "due", "days", "kept", "moved"),
    [
        # a path says what was due: 4 of 12
        ("12", "4", (180, 365), "4", "8"),
        # more was due than the number in the end: all of it
        ("12", "15", (180, 365), "12", "0"),
        # without a path by days: 12 x 90 / 360 = 3
        ("12", None, (90, 360), "3", "9"),
        # whole numbers stay whole: 10 x 181 / 365 = 4.96 -> 5
        ("10", None, (181, 365), "5", "5"),
        # 2.5 x 100 / 365 = 0.684932
        ("2.5", None, (100, 365), "0.684932", "1.815068"),
        ("12", None, (0, 365), "0", "12"),
    ],
)
def test_a_number_is_divided_between_who_leaves_and_who_follows(
    planned: str, due: str | None, days: tuple[int, int], kept: str, moved: str
) -> None:
    both = handed_over(Decimal(planned), None if due is None else Decimal(due), *days)

    assert both == (Decimal(kept), Decimal(moved))
    assert sum(both) == Decimal(planned)


@pytest.mark.parametrize(
    ("post", "first", "last"),
    [
        # held all year
        ((date(2020, 1, 1), None), date(2026, 1, 1), date(2026, 12, 31)),
        # from 1 July on; until 30 June (its end, 1 July, is exclusive)
        ((date(2026, 7, 1), None), date(2026, 7, 1), date(2026, 12, 31)),
        ((date(2020, 1, 1), date(2026, 7, 1)), date(2026, 1, 1), date(2026, 6, 30)),
        # acting for a month, and beyond the year
        ((date(2026, 3, 1), date(2026, 4, 1)), date(2026, 3, 1), date(2026, 3, 31)),
        ((date(2026, 12, 1), date(2027, 2, 1)), date(2026, 12, 1), date(2026, 12, 31)),
    ],
)
def test_a_plan_covers_the_days_of_its_post(
    post: tuple[date, date | None], first: date, last: date
) -> None:
    assert days_of_plan(*post, date(2026, 1, 1), date(2026, 12, 31)) == (first, last)


@pytest.mark.parametrize(
    ("today", "late"),
    [
        # 31 days from 1 January: until 31 January
        (date(2026, 1, 31), False),
        (date(2026, 2, 1), True),
    ],
)
def test_the_time_to_set_a_plan_ends_with_january(today: date, late: bool) -> None:
    assert is_set_late(today, date(2026, 1, 1), 31) is late
