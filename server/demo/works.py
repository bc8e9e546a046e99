"""What people work for, as the script knows it: results with what they measure, and amounts that
it has decided beforehand. Nothing here is read from the figures that the system keeps.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from uuid import UUID
from zlib import crc32

from schema.targets.models import Accumulation, EdgeKind, Polarity

SHARES = ("0.7", "0.85", "1", "1", "1.1", "1.3")
"""Of what is planned, how much is done by the end of the year; which, the code decides."""
Key = tuple[str, int]
"""A measure: the code of its result, and its place there from 0."""


@dataclass(slots=True, kw_only=True)
class Measure:
    """An indicator: what is planned of it, and what the year is to bring."""

    key: Key
    id: UUID | None = None
    title: str
    unit: str
    accumulation: Accumulation = Accumulation.SUM
    polarity: Polarity = Polarity.RISING
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    baseline: Decimal | None = None
    points: Sequence[tuple[date, Decimal]] = ()
    total: Decimal = Decimal(0)

    def decide(self, *, receives: bool) -> None:
        """Choose the year's amount; what others bring in leaves a little to add."""
        number = crc32(f"{self.key[0]}/{self.key[1]}".encode())
        share = Decimal("0.1") if receives else Decimal(SHARES[number % len(SHARES)])
        wanted = (self.planned or self.maximum or Decimal(0)) * share
        self.total = wanted.quantize(self.step, rounding=ROUND_HALF_UP)

    @property
    def step(self) -> Decimal:
        """Whole numbers where the plan is whole, hundredths where it is not."""
        aim = self.planned or self.maximum or Decimal(1)
        return Decimal(1) if aim == aim.to_integral_value() else Decimal("0.01")

    def amount(self, months: Sequence[int], month: int) -> Decimal:
        """A month's part, the first early: all together are the total, to the last digit.

        5 in 12 months -> 1 in each of months 1, 3, 5, 8 and 10.
        """
        if self.accumulation is Accumulation.LATEST:
            return self.total + month
        place, parts = months.index(month), len(months)
        until = (self.total * (place + 1) / parts).quantize(self.step, rounding=ROUND_CEILING)
        before = (self.total * place / parts).quantize(self.step, rounding=ROUND_CEILING)
        return until - before


@dataclass(slots=True, kw_only=True)
class Step:
    """A stage, and the month in which it is done."""

    id: UUID | None = None
    title: str
    weight: Decimal | None
    month: int
    done_on: date | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A result above that is served, and how it counts there."""

    code: str
    kind: EdgeKind
    weight: Decimal | None = None


@dataclass(slots=True, kw_only=True)
class Work:
    """A result of a person (`nip`), or a goal of a unit (`unit`)."""

    code: str
    id: UUID | None = None
    title: str
    nip: str | None = None
    unit: str | None = None
    plan: UUID | None = None
    measures: list[Measure] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    serves: list[Service] = field(default_factory=list)
    months: Sequence[int] = ()

    def key(self) -> UUID:
        assert self.id is not None
        return self.id


def rotate(works: Sequence[Work], at_once: int = 6) -> None:
    """Say in which months each is worked on: all of a few always, of many some at a time."""
    rounds = -(-len(works) // at_once)
    for place, work in enumerate(works):
        work.months = [month for month in range(1, 13) if (place + month) % rounds == 0]
        for step, last in zip(work.steps, _spread(work.months, len(work.steps)), strict=True):
            step.month = last


def _spread(months: Sequence[int], parts: int) -> list[int]:
    """Months for ordered stages, the first at once: 4 in 12 months -> 1, 4, 7, 10."""
    return [months[place * len(months) // parts] for place in range(parts)]
