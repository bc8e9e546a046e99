"""Pure rules of measurement: how far an indicator, staged work and a target have come.

Exact decimals in and out; percentages are not rounded here. Missing is not zero: where
nothing was recorded or nothing was planned, the answer is None.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from schema.targets.models import Polarity
from schema.values import rounded

HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an indicator aims at. A range has minimum and maximum, the others `planned`."""

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


def percentage(plan: Plan, realized: Decimal | None) -> Decimal | None:
    """Achievement in percent, never below 0, not capped above (the cap is agency policy).

    Rising: (realized - baseline) / (planned - baseline): 3 of 12 -> 25.
    Falling: with a baseline (baseline - realized) / (baseline - planned): from 10 to 4,
    now 7 -> 50; without one (2 x planned - realized) / planned, as performance reports of
    agencies do (a house rule until policy says otherwise): planned 5, now 6 -> 80.
    Range: 100 inside; below, realized / minimum; above, (2 x maximum - realized) / maximum.
    """
    if realized is None:
        return None
    if plan.polarity is Polarity.RANGE:
        return _range_percentage(plan, realized)
    if plan.planned is None:
        return None
    if plan.polarity is Polarity.FALLING and plan.baseline is None:
        return _falling_percentage(plan.planned, realized)
    baseline = plan.baseline or ZERO
    span = plan.planned - baseline
    if span == 0:
        reached = realized >= plan.planned
        if plan.polarity is Polarity.FALLING:
            reached = realized <= plan.planned
        return HUNDRED if reached else ZERO
    return max(ZERO, (realized - baseline) / span * HUNDRED)


def _falling_percentage(ceiling: Decimal, realized: Decimal) -> Decimal:
    if ceiling == 0:
        return HUNDRED if realized == 0 else ZERO
    return max(ZERO, (2 * ceiling - realized) / ceiling * HUNDRED)


def _range_percentage(plan: Plan, realized: Decimal) -> Decimal | None:
    if plan.minimum is None and plan.maximum is None:
        return None
    if plan.minimum is not None and realized < plan.minimum:
        return max(ZERO, realized / plan.minimum * HUNDRED)
    if plan.maximum is not None and realized > plan.maximum:
        return _falling_percentage(plan.maximum, realized)
    return HUNDRED


def due_by(points: Iterable[Point], day: date) -> Decimal | None:
    """What the planned path asks for at the end of a day; None before its first point."""
    past = [point for point in points if point.day <= day]
    return max(past, key=lambda point: point.day).planned if past else None


def on_track(plan: Plan, points: Iterable[Point], realized: Decimal | None, day: date) -> bool:
    """Whether nothing that was due by a day is missing.

    Before the first point of the path nothing is due. Where something is due, a missing
    number counts as behind. A path of a range or of a falling target is a ceiling.
    """
    due = due_by(points, day)
    if due is None:
        return True
    if realized is None:
        return due == 0
    return realized >= due if plan.polarity is Polarity.RISING else realized <= due


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


def target_percentage(percentages: Iterable[Decimal | None]) -> Decimal | None:
    """A target's achievement: the mean of its indicators that have one (a house rule).

    Indicators of a target have different units, so their numbers cannot be added:
    50 % and 100 % -> 75 %; a missing one is left out, not counted as zero.
    """
    known = [value for value in percentages if value is not None]
    return sum(known, ZERO) / len(known) if known else None


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


def achieved(indicators: list[Measured], stages: list[StageFacts] | None) -> Decimal | None:
    """Achievement in percent, two decimals: of stages where there are any, else of indicators.

    One indicator at 3 of 12 -> 25.00; two at 50 and 100 -> 75.00; 2 of 3 equal stages -> 66.67.
    """
    if stages:
        completed = [stage.completed_on is not None for stage in stages]
        return rounded(stages_percentage([stage.weight for stage in stages], completed))
    reached = target_percentage(percentage(one, one.realized) for one in indicators)
    return None if reached is None else rounded(reached)


def all_on_track(indicators: list[Measured], day: date) -> bool:
    """Whether each indicator is on track; staged work has no path and is."""
    return all(on_track(one, one.points, one.realized, day) for one in indicators)


def next_open_stage(completed: Sequence[bool]) -> int | None:
    """Index of the first stage that is not complete; stages are completed in their order."""
    return next((index for index, done in enumerate(completed) if not done), None)
