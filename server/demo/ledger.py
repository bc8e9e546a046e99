"""What the script decided to record, added up in plain Python: the expectation that the system's
figures are compared with. It knows no table and reads nothing back.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from schema.targets.models import Accumulation, EdgeKind, Polarity
from server.demo.works import Key, Measure, Work

CAP = Decimal(120)
MILLIONTH, HUNDREDTH = Decimal("0.000001"), Decimal("0.01")
HUNDRED = Decimal(100)


@dataclass(slots=True, kw_only=True)
class Noted:
    """A record that stands, as it was decided."""

    nip: str
    day: date
    minutes: int
    ends_at: datetime
    target: str | None = None
    measure: Key | None = None
    amount: Decimal | None = None


@dataclass(slots=True)
class Ledger:
    """Records by their key, and how often what else was done."""

    records: dict[UUID, Noted] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    flows: dict[Key, Key] = field(default_factory=dict)
    short: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Minutes of a person's month that were dismissed: the rest of the working calendar is full."""

    def replace(self, old: UUID, new: UUID, amount: Decimal | None) -> None:
        """A correction: the new one stands in the place of the old one."""
        noted = self.records.pop(old)
        noted.amount = amount
        self.records[new] = noted
        self.counts["corrections"] += 1

    def dismiss(self, record: UUID) -> None:
        """A record that does not count any more; its minutes are missing of the month."""
        noted = self.records.pop(record)
        self.short[noted.nip, noted.day.month] += noted.minutes
        self.counts["dismissed"] += 1

    def minutes(self) -> dict[tuple[str, date], int]:
        """Minutes that stand, by person and day."""
        days: dict[tuple[str, date], int] = defaultdict(int)
        for noted in self.records.values():
            days[noted.nip, noted.day] += noted.minutes
        return days

    def realized(self, works: Mapping[str, Work]) -> dict[Key, Decimal | None]:
        """The number of every measure: its own records and what flows in from below."""
        measures = {one.key: one for work in works.values() for one in work.measures}
        found: dict[Key, list[Noted]] = defaultdict(list)
        for noted in self.records.values():
            if noted.measure is not None:
                found[noted.measure].append(noted)
        whole: dict[Key, Decimal] = {}
        for key, records in found.items():
            own = _own(measures[key], records)
            at: Key | None = key
            while at is not None:
                whole[at] = whole.get(at, Decimal(0)) + own
                at = self.flows.get(at)
        return {key: whole.get(key) for key in measures}


def _own(measure: Measure, records: Sequence[Noted]) -> Decimal:
    if measure.accumulation is Accumulation.LATEST:
        last = max(records, key=lambda noted: noted.ends_at)
        return last.amount or Decimal(0)
    return sum((noted.amount or Decimal(0) for noted in records), Decimal(0))


def percent(measure: Measure, realized: Decimal | None) -> Decimal | None:
    """How far a measure has come, at most the cap: 6 of 12 -> 50, 30 of 20 -> 120."""
    if realized is None:
        return None
    if measure.polarity is Polarity.RANGE:
        low, high = measure.minimum, measure.maximum
        reached = HUNDRED
        if low is not None and realized < low:
            reached = realized / low * HUNDRED
        elif high is not None and realized > high:
            reached = max(Decimal(0), (2 * high - realized) / high * HUNDRED)
    elif measure.planned is None:
        return None
    else:
        base = measure.baseline or Decimal(0)
        way = measure.planned - base
        # Nothing is left to do: it is held.
        reached = (realized - base) / way * HUNDRED if way else HUNDRED
    return min(reached, CAP).quantize(MILLIONTH, rounding=ROUND_HALF_UP)


def shown(value: Decimal | None) -> Decimal | None:
    """Two decimals, as the API shows a percentage."""
    return None if value is None else value.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


@dataclass(slots=True)
class Achievements:
    """How far results have come: what each measures, and weighted results below it."""

    works: Mapping[str, Work]
    realized: Mapping[Key, Decimal | None]
    known: dict[str, Decimal | None] = field(default_factory=dict)

    def of(self, code: str) -> Decimal | None:
        if code not in self.known:
            self.known[code] = self._work_out(self.works[code])
        return self.known[code]

    def _work_out(self, work: Work) -> Decimal | None:
        parts = [
            (service.weight, self.of(child.code))
            for child in self.works.values()
            for service in child.serves
            if service.code == work.code and service.kind is EdgeKind.WEIGHTED and service.weight
        ]
        left = HUNDRED - sum((weight for weight, _ in parts), Decimal(0))
        if left > 0:
            parts.append((left, self._own(work)))
        known = [(weight, value) for weight, value in parts if value is not None]
        if not known:
            return None
        total = sum((weight * value for weight, value in known), Decimal(0))
        weights = sum((weight for weight, _ in known), Decimal(0))
        return (total / weights).quantize(MILLIONTH, rounding=ROUND_HALF_UP)

    def _own(self, work: Work) -> Decimal | None:
        if work.steps:
            known = all(step.weight is not None for step in work.steps)
            weights = [(step.weight if known else None) or Decimal(1) for step in work.steps]
            done = [w for w, step in zip(weights, work.steps, strict=True) if step.done_on]
            reached = sum(done, Decimal(0)) / sum(weights, Decimal(0)) * HUNDRED
            return reached.quantize(MILLIONTH, rounding=ROUND_HALF_UP)
        each = [percent(one, self.realized[one.key]) for one in work.measures]
        there = [value for value in each if value is not None]
        if not there:
            return None
        mean = sum(there, Decimal(0)) / len(there)
        return mean.quantize(MILLIONTH, rounding=ROUND_HALF_UP)
