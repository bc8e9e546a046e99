"""Kinds of problems that a check before a cycle looks for, how grave each is, and who mends it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class ProblemKind(StrEnum):
    """What is wrong; `RULES` says when."""

    NO_SUPERIOR = "NO_SUPERIOR"
    SUPERIOR_WITHOUT_PLAN = "SUPERIOR_WITHOUT_PLAN"
    SUPERIOR_TWICE = "SUPERIOR_TWICE"
    EMPTY_POST = "EMPTY_POST"
    UNIT_WITHOUT_GOAL = "UNIT_WITHOUT_GOAL"
    INDICATOR_WITHOUT_NUMBER = "INDICATOR_WITHOUT_NUMBER"
    INDICATOR_WITHOUT_UNIT = "INDICATOR_WITHOUT_UNIT"
    BASELINE_BEYOND_TARGET = "BASELINE_BEYOND_TARGET"
    CHILDREN_DO_NOT_ADD_UP = "CHILDREN_DO_NOT_ADD_UP"
    WEIGHTS_DO_NOT_ADD_UP = "WEIGHTS_DO_NOT_ADD_UP"
    STAGED_WITHOUT_STAGES = "STAGED_WITHOUT_STAGES"
    PERSON_WITHOUT_TARGET = "PERSON_WITHOUT_TARGET"
    PLAN_NOT_SET = "PLAN_NOT_SET"
    NO_EVALUATION_PERIODS = "NO_EVALUATION_PERIODS"
    EVALUATION_GAP = "EVALUATION_GAP"


class Severity(StrEnum):
    """Whether somebody cannot go on before it is mended, or figures will only be poorer."""

    BLOCKS = "BLOCKS"
    WARNS = "WARNS"


class Mender(StrEnum):
    """In which part somebody can mend it."""

    ADMINISTRATOR = "ADMINISTRATOR"
    APPRAISER = "APPRAISER"
    HEAD = "HEAD"
    EMPLOYEE = "EMPLOYEE"


@dataclass(frozen=True, slots=True)
class Rule:
    """How grave a kind is, and when it is found."""

    severity: Severity
    says: str


RULES: Mapping[ProblemKind, Rule] = {
    ProblemKind.NO_SUPERIOR: Rule(
        Severity.BLOCKS,
        "The post by which somebody is known has no appraiser, or one who holds no post any more. "
        "Not of who heads a unit at the top.",
    ),
    ProblemKind.SUPERIOR_WITHOUT_PLAN: Rule(
        Severity.BLOCKS, "Appraises others, and has no plan for any post of their own."
    ),
    ProblemKind.SUPERIOR_TWICE: Rule(
        Severity.BLOCKS,
        "Heads two units at once by posts of one standing, has two appraisers for posts of one "
        "kind, or is among their own superiors. A definitive head who is acting elsewhere is not "
        "meant.",
    ),
    ProblemKind.EMPTY_POST: Rule(
        Severity.WARNS, "A unit with people or units below it, and no head."
    ),
    ProblemKind.UNIT_WITHOUT_GOAL: Rule(
        Severity.WARNS, "A unit with people, and neither it nor its head has a target."
    ),
    ProblemKind.INDICATOR_WITHOUT_NUMBER: Rule(
        Severity.BLOCKS, "No planned number, and no range. Not of plans in words (qualitative)."
    ),
    ProblemKind.INDICATOR_WITHOUT_UNIT: Rule(
        Severity.WARNS, "No unit of measure. Not of plans in words (qualitative)."
    ),
    ProblemKind.BASELINE_BEYOND_TARGET: Rule(
        Severity.WARNS, "More is better and it begins over its plan, or less is and it is under."
    ),
    ProblemKind.CHILDREN_DO_NOT_ADD_UP: Rule(
        Severity.WARNS, "What flows into an indicator is planned as another sum than its own plan."
    ),
    ProblemKind.WEIGHTS_DO_NOT_ADD_UP: Rule(
        Severity.BLOCKS,
        "Weights of the children are over 100, or under it with nothing of its own for the rest.",
    ),
    ProblemKind.STAGED_WITHOUT_STAGES: Rule(
        Severity.BLOCKS, "Measured by stages, and there is none."
    ),
    ProblemKind.PERSON_WITHOUT_TARGET: Rule(
        Severity.BLOCKS,
        "No plan for a post that somebody holds, or no result in it. Of a head a goal of the unit "
        "is enough.",
    ),
    ProblemKind.PLAN_NOT_SET: Rule(
        Severity.BLOCKS, "A plan that is not approved when the agency's days for it are over."
    ),
    ProblemKind.NO_EVALUATION_PERIODS: Rule(
        Severity.BLOCKS, "The planning period has no evaluation periods."
    ),
    ProblemKind.EVALUATION_GAP: Rule(
        Severity.WARNS, "Days of the planning period that no month or quarter evaluates."
    ),
}
"""House rules, all of them; that a wrong or missing superior comes first is what agencies told."""


def counts(kinds: Iterable[ProblemKind]) -> list[tuple[ProblemKind, Severity, int]]:
    """How many of each kind that is there, what blocks first: three EMPTY_POST and a
    NO_SUPERIOR -> (NO_SUPERIOR, BLOCKS, 1), (EMPTY_POST, WARNS, 3)."""
    found = [(kind, RULES[kind].severity, number) for kind, number in Counter(kinds).items()]
    return sorted(found, key=lambda one: (one[1], one[0]))
