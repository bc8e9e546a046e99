"""Pure rules of plans: who may do which step from which state, and what a plan must say.

States are those of the law (PermenPANRB 6/2022): drafted and submitted by the employee, approved
or returned by the appraiser, closed at the end. Steps and their roles are house rules where the
law is silent; docs/decisions/0010 lists them.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from schema.errors import DomainError, ErrorCode
from schema.plans.models import EvaluationKind, PlanEventKind, PlanState
from schema.targets.models import EdgeKind, Polarity

DRAFT, SUBMITTED = PlanState.DRAFT, PlanState.SUBMITTED
APPROVED, RETURNED, CLOSED = PlanState.APPROVED, PlanState.RETURNED, PlanState.CLOSED


ONE_DAY = timedelta(days=1)


class Actor(StrEnum):
    """What somebody is to a plan."""

    EMPLOYEE = "EMPLOYEE"
    SUPERIOR = "SUPERIOR"
    ADMINISTRATOR = "ADMINISTRATOR"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a plan: the states that it starts from, by who takes it; where it leads (None:
    the state stays); whether it needs a reason."""

    start: dict[Actor, frozenset[PlanState]]
    to: PlanState | None
    needs_reason: bool = False


def by(**start: set[PlanState]) -> dict[Actor, frozenset[PlanState]]:
    return {Actor[name.upper()]: frozenset(states) for name, states in start.items()}


STEPS: dict[PlanEventKind, Step] = {
    # A submitted plan is the superior's to mend or to return; an approved one is returned first.
    PlanEventKind.EDITED: Step(
        by(
            employee={DRAFT, RETURNED},
            superior={DRAFT, RETURNED, SUBMITTED},
            administrator={DRAFT, RETURNED, SUBMITTED},
        ),
        None,
    ),
    PlanEventKind.SUBMITTED: Step(by(employee={DRAFT, RETURNED}), SUBMITTED),
    PlanEventKind.WITHDRAWN: Step(by(employee={SUBMITTED}), DRAFT),
    # Signed by the employee and set (ditetapkan) by the appraiser: Pasal 14. The administrator
    # (pengelola kinerja) sets what nobody has set in time: 8/2021, annex.
    PlanEventKind.APPROVED: Step(
        by(superior={SUBMITTED}, administrator={DRAFT, RETURNED, SUBMITTED}), APPROVED
    ),
    PlanEventKind.RETURNED: Step(
        by(superior={SUBMITTED, APPROVED}, administrator={SUBMITTED, APPROVED}),
        RETURNED,
        needs_reason=True,
    ),
    PlanEventKind.CLOSED: Step(by(superior={APPROVED}, administrator={APPROVED}), CLOSED),
    PlanEventKind.REOPENED: Step(
        by(superior={CLOSED}, administrator={CLOSED}), APPROVED, needs_reason=True
    ),
}


def check_step(kind: PlanEventKind, actors: Sequence[Actor], state: PlanState) -> Step:
    """The step, if one of these may take it from this state.

    Raises:
        DomainError: none of them ever may (NOT_ALLOWED), or not from this state.
    """
    step = STEPS[kind]
    starts = [step.start[actor] for actor in actors if actor in step.start]
    if not starts:
        raise DomainError(ErrorCode.NOT_ALLOWED, needed=" / ".join(step.start))
    allowed = frozenset().union(*starts)
    if state not in allowed:
        raise DomainError(
            ErrorCode.WRONG_PLAN_STATE, state=state, needed=" / ".join(sorted(allowed))
        )
    return step


def days_of_plan(
    post_starts: date, post_ends: date | None, period_starts: date, period_ends: date
) -> tuple[date, date]:
    """The first and last day of a post's plan in a period; the end of a post is exclusive.

    A post from 1 July in a year -> 1 July to 31 December; one until 1 July -> until 30 June. Where
    they do not meet, the first is behind the last.
    """
    last = period_ends if post_ends is None else min(post_ends - ONE_DAY, period_ends)
    return max(post_starts, period_starts), last


def is_set_late(today: date, period_starts_on: date, plan_days: int) -> bool:
    """Whether the time to set a plan is over: 31 days from 1 January end on 31 January."""
    return today >= period_starts_on + timedelta(days=plan_days)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorFacts:
    """An indicator as completeness asks of it."""

    title: str
    polarity: Polarity
    planned: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    unit_of_measure: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFacts:
    """A work result as completeness asks of it."""

    title: str
    has_parent: bool
    is_main: bool
    indicators: Sequence[IndicatorFacts]
    stages: int


def missing_in(results: Sequence[ResultFacts], *, has_superior: bool) -> list[str]:
    """What a plan lacks before it may be submitted, in words; nothing: it is complete.

    At least one main result; each with an indicator or stages; each indicator with a number (or a
    range) and a unit of measure; each main result serves one above, unless nobody is above.
    """
    lacks: list[str] = []
    if not any(result.is_main for result in results):
        lacks.append("a main work result")
    for result in results:
        if not result.indicators and not result.stages:
            lacks.append(f'"{result.title}": an indicator or stages')
        if has_superior and result.is_main and not result.has_parent:
            lacks.append(f'"{result.title}": the result above that it serves')
        lacks.extend(
            f'"{indicator.title}": {what}'
            for indicator in result.indicators
            for what in _lacks(indicator)
        )
    return lacks


def _lacks(indicator: IndicatorFacts) -> list[str]:
    ranged = indicator.polarity is Polarity.RANGE
    numbers = (indicator.minimum, indicator.maximum) if ranged else (indicator.planned,)
    lacks = [] if any(number is not None for number in numbers) else ["a number"]
    return lacks if indicator.unit_of_measure else [*lacks, "a unit of measure"]


HUNDRED = Decimal(100)
MOST_STAGE_WEIGHT = Decimal(100_000)


def check_weights(weights: Sequence[Decimal | None], kinds: Sequence[EdgeKind]) -> None:
    """The weights under one parent: WEIGHTED has one, the others have none; at most 100 in all.

    Raises:
        DomainError: it is otherwise.
    """
    for weight, kind in zip(weights, kinds, strict=True):
        if (weight is not None) != (kind is EdgeKind.WEIGHTED):
            raise DomainError(
                ErrorCode.BAD_USER_INPUT,
                field="weight",
                detail=f"a weight is given with WEIGHTED, and only with it, not with {kind}",
            )
        if weight is not None and 0 < weight <= HUNDRED and weight != round(weight, 4):
            raise DomainError(
                ErrorCode.BAD_USER_INPUT, field="weight", detail="a weight has at most 4 decimals"
            )
    known = [weight for weight in weights if weight is not None]
    total = sum(known, Decimal(0))
    if total > HUNDRED or any(weight <= 0 for weight in known):
        raise DomainError(ErrorCode.WEIGHTS_INVALID, field="weight", total=total)


def check_stage_weight(weight: Decimal, title: str) -> None:
    """Raises:
    DomainError: it is not above 0, 100,000 or more, or has more than 4 decimals.
    """
    if not 0 < weight < MOST_STAGE_WEIGHT or weight != round(weight, 4):
        raise DomainError(
            ErrorCode.BAD_USER_INPUT,
            field="weight",
            detail=f'"{title}": a stage weighs more than 0, with at most 4 decimals',
        )


@dataclass(frozen=True, slots=True)
class Span:
    """An evaluation period to be: its number, first and last day."""

    number: int
    starts_on: date
    ends_on: date


MONTHS_OF = {EvaluationKind.MONTHLY: 1, EvaluationKind.QUARTERLY: 3}


def spans_of(kind: EvaluationKind, starts_on: date, ends_on: date) -> list[Span]:
    """The months or quarters of a planning period, cut at its ends.

    1 January to 31 December: 12 or 4. 15 February to 31 December by quarters: 15 February to 31
    March, then whole quarters.
    """
    months = MONTHS_OF[kind]
    spans: list[Span] = []
    first = starts_on
    while first <= ends_on:
        month = (first.month - 1) // months * months + months
        last = min(date(first.year, month, monthrange(first.year, month)[1]), ends_on)
        spans.append(Span(len(spans) + 1, first, last))
        first = last + timedelta(days=1)
    return spans


def handed_over(
    planned: Decimal, due: Decimal | None, days_before: int, days_in_all: int
) -> tuple[Decimal, Decimal]:
    """How a number is divided between who leaves a post and who takes it over (a house rule).

    Who leaves answers for what was due by then on the planned path, else for their share of the
    days, rounded to whole numbers where the number is whole; both make the whole again.
    12 with 4 due -> 4 and 8; 12 without a path, left after 90 of 360 days -> 3 and 9.
    """
    if due is not None:
        kept = min(due, planned)
    else:
        share = planned * days_before / days_in_all
        places = Decimal(1) if planned == planned.to_integral_value() else Decimal("0.000001")
        kept = share.quantize(places)
    return kept, planned - kept
