"""Pure rules of appraisals: the matrix of predicates, and a head's rating from the unit's."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from schema.appraisals.models import Predicate, Rating, UnitPredicate
from schema.policies.rules import DEFAULT, Policy
from schema.targets.rules import Child, Measured, StageFacts, achieved, known_share
from schema.values import local_date, rounded

RULES = "PermenPANRB 6/2022; SE MenPANRB 3/2023"
RULES_VERSION = 1
"""Grows when a rule here gives another answer for the same inputs; sealed appraisals name it."""


def predicate_of(work: Rating, behaviour: Rating) -> Predicate:
    """The predicate (*predikat kinerja*) of two ratings, by the quadrants (*kuadran kinerja*) of
    PermenPANRB 6/2022; the database checks the same.

    Results above: behaviour below -> POOR (misconduct), meets -> GOOD, above -> EXCELLENT.
    Results met: POOR, GOOD, GOOD. Results below: VERY_POOR, NEEDS_IMPROVEMENT, NEEDS_IMPROVEMENT.
    """
    if work is Rating.BELOW:
        below = behaviour is Rating.BELOW
        return Predicate.VERY_POOR if below else Predicate.NEEDS_IMPROVEMENT
    if behaviour is Rating.BELOW:
        return Predicate.POOR
    both_above = work is behaviour is Rating.ABOVE
    return Predicate.EXCELLENT if both_above else Predicate.GOOD


def work_rating_of(unit: UnitPredicate) -> Rating:
    """A head's rating of results: the unit's own result is theirs (PermenPANRB 6/2022). How its
    five values make three is a house rule: istimewa is above, baik meets, the others are below."""
    if unit is UnitPredicate.OUTSTANDING:
        return Rating.ABOVE
    return Rating.MEETS if unit is UnitPredicate.GOOD else Rating.BELOW


def objection_until(rated_at: datetime | None, timezone: str, days: int | None) -> date | None:
    """The last day on which the employee may object, in their own zone; `days` None is the
    default. Rated on 2 January with 5 days -> 7 January."""
    if rated_at is None:
        return None
    allowed = DEFAULT.objection_days if days is None else days
    return local_date(rated_at, timezone) + timedelta(days=allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """What a result's achievement is worked out from."""

    indicators: list[Measured]
    stages: list[StageFacts] | None
    children: list[Child]


def mean_achieved(results: Sequence[Reached], policy: Policy | None) -> Decimal | None:
    """The mean of results that have a number, in percent, two decimals; each weighs as much as is
    known of it (a house rule). 80 of which all is known and 50 of which half is -> (80 x 100 + 50
    x 50) / 150 = 70.00."""
    total, weights = Decimal(0), Decimal(0)
    for one in results:
        facts = (one.indicators, one.stages, one.children, policy)
        reached, weight = achieved(*facts), known_share(*facts)
        if reached is not None:
            total, weights = total + reached * weight, weights + weight
    return rounded(total / weights) if weights else None
