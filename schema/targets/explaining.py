"""Pure rules of explaining a figure: the arithmetic behind a percentage, in numbers."""

from decimal import Decimal

from schema.policies.rules import DEFAULT, Policy
from schema.targets.models import Polarity
from schema.targets.rules import (
    Child,
    Measured,
    Plan,
    Result,
    StageFacts,
    achieved_exactly,
    counted,
    percentage,
    plan_percentage,
    shares_of,
)
from schema.values import plain, rounded

UNKNOWN = "?"


def formula(
    indicators: list[Measured],
    stages: list[StageFacts] | None,
    children: list[Child],
    policy: Policy | None,
) -> str:
    """How a percentage comes about.

    "3 / 12 = 25"; "(80 x 40 + 50 x 60) / 100 = 62"; "150 counts as 120: 18 / 12".
    """
    rules = policy or DEFAULT
    result = shown(achieved_exactly(indicators, stages, children, policy))
    if children:
        shares = shares_of(indicators, stages, children, rules)
        known = [share for share in shares if share.percent is not None]
        sums = " + ".join(f"{shown(share.percent)} x {plain(share.weight)}" for share in known)
        weights = sum((share.weight for share in known), Decimal(0))
        return f"({sums or UNKNOWN}) / {plain(weights)} = {result}"
    if stages:
        return f"{_stages(stages)} = {result}"
    if len(indicators) == 1:
        return _capped(indicators[0], rules)
    each = [counted(percentage(one, one.realized), rules) for one in indicators]
    known_ones = [shown(percent) for percent in each if percent is not None]
    return f"({' + '.join(known_ones) or UNKNOWN}) / {len(known_ones)} = {result}"


def plan_formula(results: list[Result], policy: Policy | None) -> str:
    """How a plan's percentage comes about: "(100 + 50) / 2 = 75"."""
    each = [
        achieved_exactly(one.indicators, one.stages, one.children, policy)
        for one in results
        if one.counts
    ]
    known = [shown(percent) for percent in each if percent is not None]
    total = " + ".join(known) or UNKNOWN
    return f"({total}) / {len(known)} = {shown(plan_percentage(results, policy))}"


def shown(percent: Decimal | None) -> str:
    return UNKNOWN if percent is None else plain(rounded(percent))


def _capped(one: Measured, policy: Policy) -> str:
    raw = percentage(one, one.realized)
    counts = counted(raw, policy)
    words = f"{of_indicator(one, one.realized)} = {shown(raw)}"
    return (
        words
        if raw is None or counts == raw or raw < policy.achievement_cap
        else (f"{words}, counts as {shown(counts)}")
    )


def of_indicator(plan: Plan, realized: Decimal | None) -> str:
    """The quotient of an indicator, as `rules.percentage` takes it: "(10 - 7) / (10 - 4)"."""
    now = UNKNOWN if realized is None else plain(realized)
    if plan.polarity is Polarity.RANGE:
        low = "" if plan.minimum is None else plain(plan.minimum)
        high = "" if plan.maximum is None else plain(plan.maximum)
        return f"{now} within {low}..{high}"
    if plan.planned is None:
        return f"{now} / {UNKNOWN}"
    aim = plain(plan.planned)
    start = plan.baseline
    if plan.polarity is Polarity.FALLING:
        if start is not None and start > plan.planned:
            return f"({plain(start)} - {now}) / ({plain(start)} - {aim})"
        return f"(2 x {aim} - {now}) / {aim}"
    if start and start <= plan.planned:
        return f"({now} - {plain(start)}) / ({aim} - {plain(start)})"
    return f"{now} / {aim}"


def _stages(stages: list[StageFacts]) -> str:
    weighed = all(stage.weight is not None for stage in stages)
    weights = [stage.weight if weighed and stage.weight else Decimal(1) for stage in stages]
    done = [w for w, stage in zip(weights, stages, strict=True) if stage.completed_on]
    return f"{plain(sum(done, Decimal(0)))} of {plain(sum(weights, Decimal(0)))}"
