"""What an appraisal rests on, as values: results, behaviours and time of the days that it covers.

Read by one set-based statement (`gathering.py`), sealed with the signature (`documents.py`), shown
and printed. All that the figures follow from is in it, so that they can be worked out anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from schema.plans.models import Behaviour
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorEvidence:
    """An indicator by the end of the days: `planned` is what was due by then of a period within
    the plan (the plan's own in a final appraisal), `realized` what confirmed records gave."""

    title: str
    aspect: Aspect
    unit_of_measure: str | None
    polarity: Polarity
    planned: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    baseline: Decimal | None
    realized: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEvidence:
    """A stage; `completed_on` None also where it was completed after the days."""

    title: str
    weight: Decimal | None
    completed_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildEvidence:
    """A weighted child: percent of the result, and its achievement as it was rolled up."""

    weight: Decimal
    achieved: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEvidence:
    """One result of the plan. `serves` is the title of the superior's result, `achieved` and
    `known_share` percent by `targets.rules`; `records` and `feedback` are of the days."""

    id: UUID
    code: str
    title: str
    category: ResultCategory
    perspective: Perspective | None
    assigned_by: str | None
    serves: str | None
    indicators: Sequence[IndicatorEvidence]
    stages: Sequence[StageEvidence] | None
    children: Sequence[ChildEvidence]
    records: int
    feedback: int
    achieved: Decimal | None
    known_share: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviourEvidence:
    """One core value: the leader's special expectation, and feedback of the days."""

    behaviour: Behaviour
    expectation: str | None
    feedback: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeEvidence:
    """Hours and filling of the days: a day asks for work where its minutes, less accepted
    absences, are above 0; it is filled where any minute of it is confirmed. `months` of service
    are those that the plan holds on their first day and in which any day asked for work."""

    required_minutes: int
    recorded_minutes: int
    days_asked: int
    days_filled: int
    longest_streak: int
    months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it, with the two numbers of the policy that achievement is worked out by."""

    achievement_cap: Decimal
    missing_counts_as_zero: bool
    results: Sequence[ResultEvidence]
    behaviours: Sequence[BehaviourEvidence]
    time: TimeEvidence
