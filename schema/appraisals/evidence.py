"""What an appraisal rests on, as values: results, behaviours and time of the days that it covers.

Read by one set-based statement (`gathering.py`), sealed with the signature (`documents.py`), shown
and printed. All that the figures follow from is in it, so that they can be worked out anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from uuid import UUID

from schema.plans.models import Behaviour
from schema.policies.rules import DEFAULT, Policy
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory
from schema.targets.rules import Child, Measured, StageFacts, achieved, known_share


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
class ResultFacts:
    """One result of the plan as it is read: `serves` is the title of the superior's result;
    `records` and `feedback` are of the days."""

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


FACTS = tuple(one.name for one in fields(ResultFacts))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEvidence(ResultFacts):
    """The same with what it comes to: percent, by `targets.rules`."""

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
class PolicyNumbers:
    """The two numbers of the agency's policy that achievement is worked out by."""

    achievement_cap: Decimal = DEFAULT.achievement_cap
    missing_counts_as_zero: bool = DEFAULT.missing_counts_as_zero


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Evidence as the database function `appraisal_facts` reads it; no policy where the agency has
    said nothing."""

    policy: PolicyNumbers | None
    results: Sequence[ResultFacts]
    behaviours: Sequence[BehaviourEvidence]
    time: TimeEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All of it, with the two numbers of the policy that achievement is worked out by."""

    achievement_cap: Decimal
    missing_counts_as_zero: bool
    results: Sequence[ResultEvidence]
    behaviours: Sequence[BehaviourEvidence]
    time: TimeEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a result comes to, percent with two decimals: 6 of 12 -> 50.00, all of it known."""

    id: UUID
    achieved: Decimal | None
    known_share: Decimal


def reached(result: ResultFacts, numbers: PolicyNumbers) -> Reached:
    """A result's achievement, and how much of it is known, as everywhere else."""
    policy = Policy(
        achievement_cap=numbers.achievement_cap,
        missing_counts_as_zero=numbers.missing_counts_as_zero,
    )
    indicators = [
        Measured(
            polarity=one.polarity,
            planned=one.planned,
            minimum=one.minimum,
            maximum=one.maximum,
            baseline=one.baseline,
            realized=one.realized,
        )
        for one in result.indicators
    ]
    stages = [
        StageFacts(weight=one.weight, completed_on=one.completed_on) for one in result.stages or ()
    ]
    children = [Child(weight=one.weight, achieved=one.achieved) for one in result.children]
    parts = (indicators, stages, children, policy)
    return Reached(id=result.id, achieved=achieved(*parts), known_share=known_share(*parts))


def completed(facts: Facts) -> Evidence:
    """Evidence as it was read, with what each result comes to."""
    numbers = facts.policy or PolicyNumbers()
    return joined(facts, numbers, [reached(one, numbers) for one in facts.results])


def joined(facts: Facts, numbers: PolicyNumbers, each: Sequence[Reached]) -> Evidence:
    """Evidence from its facts and from what each of its results came to, in their order."""
    results = [
        ResultEvidence(
            **{name: getattr(result, name) for name in FACTS},
            achieved=one.achieved,
            known_share=one.known_share,
        )
        for result, one in zip(facts.results, each, strict=True)
    ]
    return Evidence(
        achievement_cap=numbers.achievement_cap,
        missing_counts_as_zero=numbers.missing_counts_as_zero,
        results=results,
        behaviours=facts.behaviours,
        time=facts.time,
    )
