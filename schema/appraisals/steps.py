"""Pure rules of the steps of an appraisal: who takes which from which state, and from which day.

Stages are those of the law (PermenPANRB 6/2022: rated by the appraiser, an objection goes above);
what it leaves open is a house rule, listed in docs/decisions/0017.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from schema.appraisals.models import AppraisalEventKind, AppraisalState
from schema.errors import DomainError, ErrorCode

OPEN, RATED, ACCEPTED = AppraisalState.OPEN, AppraisalState.RATED, AppraisalState.ACCEPTED
OBJECTED, DECIDED, SIGNED = AppraisalState.OBJECTED, AppraisalState.DECIDED, AppraisalState.SIGNED


class Actor(StrEnum):
    """What somebody is to an appraisal. SIGNER is also the agency's administrator."""

    EMPLOYEE = "EMPLOYEE"
    APPRAISER = "APPRAISER"
    DECIDER = "DECIDER"
    SIGNER = "SIGNER"


class ObjectionOutcome(StrEnum):
    """What comes of an objection (*keberatan*)."""

    UPHELD = "UPHELD"
    CHANGED = "CHANGED"


@dataclass(frozen=True, slots=True)
class Step:
    """A step: whose it is, the states that it starts from, and where it leads."""

    by: Actor
    start: frozenset[AppraisalState]
    to: AppraisalState


STEPS: dict[AppraisalEventKind, Step] = {
    # Accepted or objected to, the ratings stand until they are decided on.
    AppraisalEventKind.RATED: Step(Actor.APPRAISER, frozenset({OPEN, RATED}), RATED),
    AppraisalEventKind.ACCEPTED: Step(Actor.EMPLOYEE, frozenset({RATED}), ACCEPTED),
    AppraisalEventKind.OBJECTED: Step(Actor.EMPLOYEE, frozenset({RATED}), OBJECTED),
    AppraisalEventKind.UPHELD: Step(Actor.DECIDER, frozenset({OBJECTED}), DECIDED),
    AppraisalEventKind.CHANGED: Step(Actor.DECIDER, frozenset({OBJECTED}), DECIDED),
    # RATED only once the days in which to object are over.
    AppraisalEventKind.SIGNED: Step(Actor.SIGNER, frozenset({RATED, ACCEPTED, DECIDED}), SIGNED),
}
FROZEN = frozenset({ACCEPTED, DECIDED, SIGNED})
"""Where a head's appraisal stands so, the unit's result is not said again: it is what they
accepted, what was decided, what was signed. OBJECTED, it may be what comes of the objection."""


def check_actor(kind: AppraisalEventKind, actors: Collection[Actor]) -> Step:
    """The step, if it is theirs.

    Raises:
        DomainError: it is not (NOT_ALLOWED).
    """
    step = STEPS[kind]
    if step.by not in actors:
        raise DomainError(ErrorCode.NOT_ALLOWED, needed=step.by)
    return step


def check_state(step: Step, state: AppraisalState) -> None:
    """Raises:
    DomainError: the step does not start from this state (WRONG_APPRAISAL_STATE).
    """
    if state not in step.start:
        needed = " / ".join(one for one in AppraisalState if one in step.start)
        raise DomainError(ErrorCode.WRONG_APPRAISAL_STATE, state=state, needed=needed)


def rated_from(starts_on: date, ends_on: date) -> date:
    """The first day on which some days are appraised: that of their last month, since agencies
    appraise a year in December (a house rule). 1 January to 31 December -> 1 December; 10 to 20
    May -> 10 May."""
    return max(starts_on, ends_on.replace(day=1))


def check_day(today: date, starts_on: date, ends_on: date) -> None:
    """Raises:
    DomainError: these days are not appraised yet (TOO_EARLY).
    """
    first = rated_from(starts_on, ends_on)
    if today < first:
        raise DomainError(ErrorCode.TOO_EARLY, day=first)
