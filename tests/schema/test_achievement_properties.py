"""What must hold of every percentage, whatever the numbers: direction, bounds, what is missing.

Of the rules alone, with numbers of up to 15 digits and 6 decimals, with zero as a base, and with
baselines on the wrong side.
"""

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from schema.policies.rules import Policy
from schema.targets.models import Polarity
from schema.targets.rules import (
    Child,
    Measured,
    Plan,
    StageFacts,
    achieved,
    achieved_exactly,
    counted,
    known_share,
    percentage,
)
from tests.factories import NOW

AMOUNTS = st.one_of(
    st.sampled_from(["0", "0.000001", "1", "3", "999999999999999.999999", "1000000000000000"]).map(
        Decimal
    ),
    st.decimals(min_value=0, max_value=10**15, places=6),
    st.integers(0, 20).map(Decimal),
)
MAYBE = st.none() | AMOUNTS
SIGNED = st.none() | AMOUNTS | AMOUNTS.map(lambda amount: -amount)
WEIGHTS = st.sampled_from(["0.0001", "12.5", "33.3333", "50", "100"]).map(Decimal)
POLICIES = st.builds(
    Policy,
    achievement_cap=st.decimals(min_value=100, max_value=1000, places=2),
    missing_counts_as_zero=st.booleans(),
)
many_examples = settings(max_examples=100, deadline=None)


@many_examples
@given(planned=AMOUNTS, baseline=SIGNED, first=AMOUNTS, second=AMOUNTS)
def test_a_rising_target_never_worsens_when_its_number_rises(
    planned: Decimal, baseline: Decimal | None, first: Decimal, second: Decimal
) -> None:
    plan = Plan(polarity=Polarity.RISING, planned=planned, baseline=baseline)

    low, high = (percentage(plan, amount) for amount in sorted((first, second)))

    assert low is not None
    assert high is not None
    assert 0 <= low <= high
    reached = percentage(plan, planned)
    assert reached == 100


@many_examples
@given(planned=AMOUNTS, baseline=SIGNED, first=AMOUNTS, second=AMOUNTS)
def test_a_falling_target_never_worsens_when_its_number_falls(
    planned: Decimal, baseline: Decimal | None, first: Decimal, second: Decimal
) -> None:
    plan = Plan(polarity=Polarity.FALLING, planned=planned, baseline=baseline)

    better, worse = (percentage(plan, amount) for amount in sorted((first, second)))

    assert better is not None
    assert worse is not None
    assert 0 <= worse <= better
    assert percentage(plan, planned) == 100


@many_examples
@given(minimum=MAYBE, maximum=MAYBE, first=AMOUNTS, second=AMOUNTS)
def test_a_range_is_best_inside_and_worse_the_further_out(
    minimum: Decimal | None, maximum: Decimal | None, first: Decimal, second: Decimal
) -> None:
    if minimum is not None and maximum is not None:
        minimum, maximum = sorted((minimum, maximum))
    plan = Plan(polarity=Polarity.RANGE, minimum=minimum, maximum=maximum)

    answers = {amount: percentage(plan, amount) for amount in (first, second)}

    if minimum is None and maximum is None:
        assert set(answers.values()) == {None}
        return
    out = {amount: outside(amount, minimum, maximum) for amount in answers}
    for amount, percent in answers.items():
        assert percent is not None
        assert (percent == 100) if out[amount] == 0 else (0 <= percent < 100)
    low, high = sorted((first, second))
    if minimum is not None and high < minimum:
        assert answers[low] <= answers[high]  # type: ignore[operator]
    if maximum is not None and low > maximum:
        assert answers[high] <= answers[low]  # type: ignore[operator]


def outside(amount: Decimal, minimum: Decimal | None, maximum: Decimal | None) -> Decimal:
    """How far a number is out of a range."""
    below = Decimal(0) if minimum is None else minimum - amount
    above = Decimal(0) if maximum is None else amount - maximum
    return max(below, above, Decimal(0))


MEASURED = st.builds(
    Measured,
    polarity=st.sampled_from(list(Polarity)),
    planned=MAYBE,
    minimum=MAYBE,
    maximum=MAYBE,
    baseline=SIGNED,
    realized=MAYBE,
)
STAGES = st.builds(
    StageFacts,
    weight=st.none() | st.decimals(min_value="0.0001", max_value="99999.9999", places=4),
    completed_on=st.none() | st.just(NOW.date()),
)
# What an edge keeps may have been kept under another cap.
CHILDREN = st.builds(
    Child,
    weight=WEIGHTS,
    achieved=st.sampled_from([None, Decimal(0), Decimal(1000), Decimal("110.000001")])
    | st.decimals(min_value=0, max_value=1000, places=6),
)


def at_most_100(children: list[Child]) -> bool:
    return sum((child.weight for child in children), Decimal(0)) <= 100


@many_examples
@given(
    indicators=st.lists(MEASURED, max_size=3),
    stages=st.lists(STAGES, max_size=3),
    children=st.lists(CHILDREN, max_size=3).filter(at_most_100),
    policy=POLICIES,
)
def test_no_percentage_leaves_the_bounds_of_its_policy(
    indicators: list[Measured], stages: list[StageFacts], children: list[Child], policy: Policy
) -> None:
    facts = (indicators, stages, children, policy)

    exactly, shown, share = achieved_exactly(*facts), achieved(*facts), known_share(*facts)

    assert exactly is None or 0 <= exactly <= policy.achievement_cap
    assert shown is None or 0 <= shown <= policy.achievement_cap
    assert 0 <= share <= 100
    assert (shown is None) == (exactly is None)
    for one in indicators:
        counts = counted(percentage(one, one.realized), policy)
        assert counts is None or 0 <= counts <= policy.achievement_cap
    if policy.missing_counts_as_zero and (indicators or stages or children):
        assert exactly is not None
        assert share == 100


@many_examples
@given(
    each=st.lists(st.none() | st.integers(0, 24).map(Decimal), min_size=1, max_size=4),
    policy=POLICIES,
)
def test_missing_is_told_apart_from_zero(each: list[Decimal | None], policy: Policy) -> None:
    twelve = {"polarity": Polarity.RISING, "planned": Decimal(12)}
    indicators = [Measured(**twelve, realized=amount) for amount in each]
    zeros = [Measured(**twelve, realized=amount or Decimal(0)) for amount in each]

    strict = achieved_exactly(indicators, None, [], replace(policy, missing_counts_as_zero=False))
    kind = achieved_exactly(indicators, None, [], replace(policy, missing_counts_as_zero=True))

    assert (strict is None) == all(amount is None for amount in each)
    assert kind == achieved_exactly(zeros, None, [], policy)
    if strict is not None and None in each:
        assert kind is not None
        assert kind <= strict
