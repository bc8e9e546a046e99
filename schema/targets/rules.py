"""Pure rules of measurement: how far an indicator, staged work and a target have come.

Exact decimals in and out. Missing is not zero: where nothing was recorded or nothing was
planned, the answer is None, unless the agency's policy counts it as zero.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from schema.errors import DomainError, ErrorCode
from schema.policies.rules import DEFAULT, Policy
from schema.targets.models import Polarity
from schema.values import LARGEST_QUANTITY, rounded

HUNDRED = Decimal(100)
ZERO = Decimal(0)
MILLIONTH = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an indicator aims at. A range has minimum, maximum or both, the others `planned`."""

    polarity: Polarity
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    baseline: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """By the end of `day`, `planned` in all (cumulative)."""

    day: date
    planned: Decimal


def check_quantity(quantity: Decimal, field: str = "quantity") -> None:
    """Raises:
    DomainError: not a finite number from 0 to 10^15 with at most 6 decimals.
    """
    exponent = quantity.as_tuple().exponent
    fits = isinstance(exponent, int) and 0 <= quantity <= LARGEST_QUANTITY
    if not fits or quantity != round(quantity, 6):
        raise DomainError(ErrorCode.QUANTITY_INVALID, field=field, limit=LARGEST_QUANTITY)


def percentage(plan: Plan, realized: Decimal | None) -> Decimal | None:
    """Achievement in percent, never below 0, not yet capped.

    Rising: (realized - baseline) / (planned - baseline): 3 of 12 -> 25.
    Falling: with a baseline (baseline - realized) / (baseline - planned): from 10 to 4,
    now 7 -> 50; without one (2 x planned - realized) / planned, as performance reports of
    agencies do (a house rule until policy says otherwise): planned 5, now 6 -> 80.
    Range: 100 inside; below, realized / minimum; above, (2 x maximum - realized) / maximum.
    Where nothing is to change (planned = baseline, 0 of 0) it is held or not: 100 or 0. A baseline
    on the wrong side of the plan says nothing and is left out.
    """
    if realized is None:
        return None
    if plan.polarity is Polarity.RANGE:
        return _range_percentage(plan, realized)
    if plan.planned is None:
        return None
    if plan.polarity is Polarity.FALLING:
        return _falling_percentage(plan.planned, plan.baseline, realized)
    return _rising_percentage(plan.planned, plan.baseline or ZERO, realized)


def _rising_percentage(planned: Decimal, baseline: Decimal, realized: Decimal) -> Decimal:
    start = baseline if baseline <= planned else ZERO
    if planned == start:
        return HUNDRED if realized >= planned else ZERO
    return max(ZERO, (realized - start) / (planned - start) * HUNDRED)


def _falling_percentage(planned: Decimal, baseline: Decimal | None, realized: Decimal) -> Decimal:
    if baseline is not None and baseline > planned:
        return max(ZERO, (baseline - realized) / (baseline - planned) * HUNDRED)
    if planned == 0 or baseline == planned:
        return HUNDRED if realized <= planned else ZERO
    return max(ZERO, (2 * planned - realized) / planned * HUNDRED)


def _range_percentage(plan: Plan, realized: Decimal) -> Decimal | None:
    if plan.minimum is None and plan.maximum is None:
        return None
    if plan.minimum is not None and realized < plan.minimum:
        return max(ZERO, realized / plan.minimum * HUNDRED)
    if plan.maximum is not None and realized > plan.maximum:
        return _falling_percentage(plan.maximum, None, realized)
    return HUNDRED


def counted(percent: Decimal | None, policy: Policy) -> Decimal | None:
    """What a percentage counts as: at most the policy's cap, six decimals.

    150 with a cap of 120 -> 120. Missing -> None, or 0 where the policy says so.
    """
    if percent is None:
        return ZERO if policy.missing_counts_as_zero else None
    return min(percent, policy.achievement_cap).quantize(MILLIONTH, rounding=ROUND_HALF_UP)


def stages_percentage(weights: Sequence[Decimal | None], completed: Sequence[bool]) -> Decimal:
    """Staged work in percent: completed weight over all weight; 2 of 4 equal stages -> 50.

    Where a stage has no weight in the source, all stages weigh the same.
    """
    if not weights:
        return ZERO
    known = [weight for weight in weights if weight is not None]
    shares = known if len(known) == len(weights) else [Decimal(1)] * len(weights)
    done = sum((share for share, is_done in zip(shares, completed, strict=True) if is_done), ZERO)
    return done / sum(shares, ZERO) * HUNDRED


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured(Plan):
    """An indicator as it stands: its plan, what was reached, and its planned path where asked."""

    realized: Decimal | None = None
    points: Sequence[Point] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFacts:
    """A stage's weight, and the day on which it was completed, if it was."""

    weight: Decimal | None
    completed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child that counts with a weight: percent of its parent, and its own achievement."""

    weight: Decimal
    achieved: Decimal | None


@dataclass(frozen=True, slots=True)
class Share:
    """A part of an achievement and its weight; `percent` is None where nothing is known."""

    weight: Decimal
    percent: Decimal | None


def own_percentage(
    indicators: Sequence[Measured], stages: Sequence[StageFacts], policy: Policy
) -> Decimal | None:
    """Of what a target measures itself: its stages where it has some, else the mean of its
    indicators that have a number (a house rule).

    Indicators of a target have different units, so their numbers cannot be added:
    50 % and 100 % -> 75 %; a missing one is left out, not counted as zero. 2 of 3 equal stages
    -> 66.666667.
    """
    if stages:
        completed = [stage.completed_on is not None for stage in stages]
        return counted(stages_percentage([stage.weight for stage in stages], completed), policy)
    each = [counted(percentage(one, one.realized), policy) for one in indicators]
    known = [percent for percent in each if percent is not None]
    return counted(sum(known, ZERO) / len(known), policy) if known else None


def shares_of(
    indicators: Sequence[Measured],
    stages: Sequence[StageFacts] | None,
    children: Sequence[Child],
    policy: Policy,
) -> list[Share]:
    """The parts of a target's achievement: each weighted child with its weight, and what the
    target measures itself with what is left to 100.

    Children of 40 and 40 leave 20 to the target's own indicators; children of 60 and 40 leave
    nothing, so its own are shown and not counted.
    """
    own = own_percentage(indicators, stages or (), policy)
    parts = [Share(child.weight, _known(child.achieved, policy)) for child in children]
    left = max(ZERO, HUNDRED - sum((child.weight for child in children), ZERO))
    if (indicators or stages) and left > 0:
        parts.append(Share(left, own))
    return parts


def _known(percent: Decimal | None, policy: Policy) -> Decimal | None:
    return ZERO if percent is None and policy.missing_counts_as_zero else percent


def whole(shares: Iterable[Share]) -> Decimal | None:
    """The weighted mean of the parts that are known, six decimals.

    80 with a weight of 40 and 50 with 60 -> (80 x 40 + 50 x 60) / 100 = 62. Where the second is
    not known -> 80.
    """
    known = [(share.weight, share.percent) for share in shares if share.percent is not None]
    weights = sum((weight for weight, _ in known), ZERO)
    if weights == 0:
        return None
    total = sum((weight * percent for weight, percent in known), ZERO)
    return (total / weights).quantize(MILLIONTH, rounding=ROUND_HALF_UP)


def achieved_exactly(
    indicators: Sequence[Measured],
    stages: Sequence[StageFacts] | None,
    children: Sequence[Child],
    policy: Policy | None,
) -> Decimal | None:
    """Achievement of a target in percent, six decimals: as it rolls up over a weighted edge."""
    return whole(shares_of(indicators, stages, children, policy or DEFAULT))


def achieved(
    indicators: list[Measured],
    stages: list[StageFacts] | None,
    children: list[Child],
    policy: Policy | None,
) -> Decimal | None:
    """Achievement in percent, two decimals, for display.

    One indicator at 3 of 12 -> 25.00; two at 50 and 100 -> 75.00; 2 of 3 equal stages -> 66.67;
    children at 80 (40 %) and 50 (60 %) -> 62.00.
    """
    reached = achieved_exactly(indicators, stages, children, policy)
    return None if reached is None else rounded(reached)


def known_share(
    indicators: list[Measured],
    stages: list[StageFacts] | None,
    children: list[Child],
    policy: Policy | None,
) -> Decimal:
    """How much of an achievement rests on something known, in percent of the weights.

    Of children with 40 and 60, where the second has no number -> 40.00; two indicators, one
    without a number -> 50.00.
    """
    rules = policy or DEFAULT
    known, weights = ZERO, ZERO
    for share in shares_of(indicators, stages, children, rules):
        weights += share.weight
        known += share.weight if share.percent is not None else ZERO
    if not children and not stages and indicators:
        there = [counted(percentage(one, one.realized), rules) is not None for one in indicators]
        known, weights = Decimal(sum(there)), Decimal(len(there))
    return rounded(known / weights * HUNDRED) if weights else rounded(ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A work result of a plan as its score takes it; `counts` is False where it was handed on."""

    counts: bool
    indicators: list[Measured]
    stages: list[StageFacts] | None
    children: list[Child]


def plan_percentage(results: list[Result], policy: Policy | None) -> Decimal | None:
    """A plan's achievement in percent, two decimals: the mean of its results that count and that
    have a number (a house rule).

    A result that a coordinator has cascaded directly is not counted in the coordinator's score
    (PermenPANRB 8/2021, annex): it stands in the superior's and in the members'. 100, 50 and a
    cascaded 80 -> 75.00.
    """
    each = [
        achieved_exactly(one.indicators, one.stages, one.children, policy)
        for one in results
        if one.counts
    ]
    known = [percent for percent in each if percent is not None]
    return rounded(sum(known, ZERO) / len(known)) if known else None


def next_open_stage(completed: Sequence[bool]) -> int | None:
    """Index of the first stage that is not complete; stages are completed in their order."""
    return next((index for index, done in enumerate(completed) if not done), None)
