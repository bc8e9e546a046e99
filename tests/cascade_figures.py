"""The figures of cascades: as they are kept, and worked out again without our code.

`expected` computes every figure from the confirmed records and the plans alone, in fractions.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from schema.progress.models import ProgressRecord, RecordState
from schema.targets.models import (
    Accumulation,
    EdgeKind,
    Indicator,
    Polarity,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)


async def kept() -> dict[Any, Any]:
    """Every figure that is kept of targets, by the codes of what it belongs to."""
    codes = {row.id: (row.agency_id, row.code) for row in await Target.all()}
    figures: dict[Any, Any] = {
        ("number", *codes[row.target_id], row.position): (
            row.own,
            row.own_records,
            row.realized,
            row.contributing,
        )
        for row in await Indicator.all()
    }
    for stage in await Stage.all():
        figures["stage", *codes[stage.target_id], stage.position] = stage.completed_on
    for edge in await TargetEdge.all():
        key = ("edge", *codes[edge.parent_id], codes[edge.child_id][1])
        figures[key] = edge.achieved
    return figures


async def expected(cap: str = "120", *, missing_counts_as_zero: bool = False) -> dict[Any, Any]:
    """The same figures from nothing, and what each target has reached in percent.

    Read row by row, worked out by the definitions in fractions, children before parents.
    """
    targets = {row.id: row for row in await Target.all().order_by("-position")}
    records = await ProgressRecord.filter(state=RecordState.CONFIRMED).order_by("ends_at", "id")
    figures, realized = _numbers(await Indicator.all(), records, targets)
    stages: dict[Any, list[tuple[Stage, bool]]] = defaultdict(list)
    days: dict[Any, Any] = {}
    for record in records:
        if record.stage_id is not None:
            days[record.stage_id] = min(record.day, days.get(record.stage_id, record.day))
    for stage in await Stage.all():
        target = targets[stage.target_id]
        figures["stage", target.agency_id, target.code, stage.position] = days.get(stage.id)
        stages[stage.target_id].append((stage, stage.id in days))
    rules = Rules(Fraction(cap), missing_counts_as_zero)
    edges: dict[Any, list[TargetEdge]] = defaultdict(list)
    for edge in await TargetEdge.all():
        edges[edge.parent_id].append(edge)
    reached: dict[Any, Fraction | None] = {}
    for key, target in targets.items():
        children = [
            (Fraction(edge.weight), reached[edge.child_id])
            for edge in edges[key]
            if edge.kind is EdgeKind.WEIGHTED and edge.weight is not None
        ]
        percents = [rules.number(row, amount) for row, amount in realized[key]]
        parts = [] if target.kind is TargetKind.STAGED else percents
        reached[key] = rules.whole(parts, stages[key], children)
        for edge in edges[key]:
            name = ("edge", target.agency_id, target.code, targets[edge.child_id].code)
            weighted = edge.kind is EdgeKind.WEIGHTED
            figures[name] = decimal(reached[edge.child_id]) if weighted else None
        figures["reached", target.agency_id, target.code] = decimal(reached[key])
    return figures


Realized = dict[Any, list[tuple[Indicator, Decimal | None]]]


def _numbers(
    indicators: Sequence[Indicator],
    records: Iterable[ProgressRecord],
    targets: dict[UUID, Target],
) -> tuple[dict[Any, Any], Realized]:
    """What each indicator has of its own and in all, by the definition; and by target."""
    amounts: dict[Any, list[Decimal]] = defaultdict(list)
    for record in records:
        if record.indicator_id is not None and record.quantity is not None:
            amounts[record.indicator_id].append(record.quantity)
    total: dict[Any, Decimal | None] = dict.fromkeys(row.id for row in indicators)
    number: dict[Any, int] = dict.fromkeys(total, 0)
    own: dict[Any, Decimal | None] = {}
    for row in sorted(indicators, key=lambda one: -targets[one.target_id].position):
        given = amounts[row.id]
        own[row.id] = None
        if given:
            summed = row.accumulation is Accumulation.SUM
            own[row.id] = sum(given, Decimal(0)) if summed else given[-1]
            total[row.id] = (total[row.id] or Decimal(0)) + own[row.id]
        number[row.id] += len(given)
        above = row.contributes_to_id
        if above is not None and total[row.id] is not None:
            total[above] = (total[above] or Decimal(0)) + total[row.id]
            number[above] += number[row.id]
    figures: dict[Any, Any] = {}
    realized: Realized = defaultdict(list)
    for row in indicators:
        target = targets[row.target_id]
        values = (own[row.id], len(amounts[row.id]), total[row.id], number[row.id])
        figures["number", target.agency_id, target.code, row.position] = values
        realized[row.target_id].append((row, total[row.id]))
    return figures, realized


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of achievement once more, in fractions."""

    cap: Fraction
    missing_counts_as_zero: bool

    def number(self, row: Indicator, amount: Decimal | None) -> Fraction | None:
        percent = None if amount is None else _percent(row, Fraction(amount))
        return self.counted(percent)

    def counted(self, percent: Fraction | None) -> Fraction | None:
        if percent is None:
            return Fraction(0) if self.missing_counts_as_zero else None
        return six(min(self.cap, percent))

    def whole(
        self,
        numbers: Sequence[Fraction | None],
        stages: Sequence[tuple[Stage, bool]],
        children: Sequence[tuple[Fraction, Fraction | None]],
    ) -> Fraction | None:
        own = None
        known = [percent for percent in numbers if percent is not None]
        if stages:
            equal = any(stage.weight is None for stage, _ in stages)
            weights = [Fraction(1 if equal else stage.weight) for stage, _ in stages]
            done = [weight for weight, (_, ended) in zip(weights, stages, strict=True) if ended]
            own = self.counted(sum(done, Fraction(0)) / sum(weights) * 100)
        elif known:
            own = self.counted(sum(known, Fraction(0)) / len(known))
        parts = [(weight, self.counted(percent)) for weight, percent in children]
        left = 100 - sum((weight for weight, _ in children), Fraction(0))
        if numbers or stages:
            parts.append((left, own))
        there = [(weight, percent) for weight, percent in parts if percent is not None and weight]
        if not there:
            return None
        over = sum((weight for weight, _ in there), Fraction(0))
        return six(sum((weight * percent for weight, percent in there), Fraction(0)) / over)


def _percent(row: Indicator, amount: Fraction) -> Fraction | None:
    low, high = row.minimum, row.maximum
    if row.polarity is Polarity.RANGE:
        if low is None and high is None:
            return None
        if low is not None and amount < low:
            return amount / Fraction(low) * 100
        if high is not None and amount > high:
            return _below(Fraction(high), amount)
        return Fraction(100)
    if row.planned is None:
        return None
    planned = Fraction(row.planned)
    start = None if row.baseline is None else Fraction(row.baseline)
    if row.polarity is Polarity.FALLING:
        if start is not None and start > planned:
            return max(Fraction(0), (start - amount) / (start - planned) * 100)
        if start == planned:
            return Fraction(100 if amount <= planned else 0)
        return _below(planned, amount)
    start = Fraction(0) if start is None or start > planned else start
    if planned == start:
        return Fraction(100 if amount >= planned else 0)
    return max(Fraction(0), (amount - start) / (planned - start) * 100)


def _below(ceiling: Fraction, amount: Fraction) -> Fraction:
    if ceiling == 0:
        return Fraction(100 if amount <= 0 else 0)
    return max(Fraction(0), (2 * ceiling - amount) / ceiling * 100)


def six(value: Fraction) -> Fraction:
    """Six decimals, half away from zero; no percentage is below it."""
    return Fraction(int(value * 1_000_000 + Fraction(1, 2)), 1_000_000)


def decimal(value: Fraction | None) -> Decimal | None:
    return None if value is None else Decimal(value.numerator) / Decimal(value.denominator)
