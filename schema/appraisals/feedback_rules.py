"""Pure rules of feedback (360): who may be asked as what, and what an answer is."""

from collections.abc import Sequence
from dataclasses import dataclass

from schema.appraisals.models import FeedbackRelation
from schema.checks import invalid, optional_text
from schema.errors import DomainError, ErrorCode
from schema.plans.models import Behaviour

MOST_RESPONDENTS = 20
"""People asked about one appraisal, in all; a house limit."""
LONGEST_OPEN = 90
"""Days that feedback may be open; a house limit."""
LONGEST_COMMENT = 2_000
"""Characters."""
LOW = 3
"""A group's mean below this is low (the middle of 1 to 5; a house rule)."""
NOBODY = "NONE"
"""What a message calls somebody who is neither a peer nor a subordinate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How somebody stood to a person on any of the days of an appraisal, by dated posts.

    `is_together`: in a unit or under an appraiser with the post that is appraised. `is_above`: in
    the person's line, or who appraises it. `is_below`: the person is in their line.
    """

    is_oneself: bool = False
    is_together: bool = False
    is_above: bool = False
    is_below: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What somebody says of one behaviour: 1 (rarely seen) to 5 (always), and words."""

    behaviour: Behaviour
    score: int
    comment: str | None = None


def relation_of(standing: Standing) -> FeedbackRelation | None:
    """As what somebody may be asked; None: not at all.

    One answer for each person, so that nobody is moved between groups until one of them is small.
    Who is above reads the groups and would know the others' answers by their own: a superior says
    what they think as feedback on the plan, by name. Also of two who were above each other in turn.
    """
    if standing.is_oneself or standing.is_above:
        return None
    if standing.is_below:
        return FeedbackRelation.SUBORDINATE
    return FeedbackRelation.PEER if standing.is_together else None


def check_relation(name: str, wanted: FeedbackRelation, standing: Standing, field: str) -> None:
    """Raises:
    DomainError: they did not stand so to the person.
    """
    found = relation_of(standing)
    if found is not wanted:
        words = {"name": name, "relation": wanted, "found": found or NOBODY}
        raise DomainError(ErrorCode.RELATION_WRONG, field=field, **words)


def checked_answers(answers: Sequence[Answer]) -> list[Answer]:
    """Answers that can be kept, in the order of the behaviours; blank comments are none.

    Raises:
        DomainError: none, a behaviour twice, a score outside 1 to 5, a comment too long.
    """
    if not answers:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="answers")
    found: dict[Behaviour, Answer] = {}
    for number, one in enumerate(answers):
        place = f"answers.{number}."
        if one.behaviour in found:
            raise invalid(place + "behaviour", f"{one.behaviour} is answered twice")
        if not 1 <= one.score <= 5:
            raise invalid(place + "score", "1 to 5")
        said = optional_text(one.comment, field=place + "comment", longest=LONGEST_COMMENT)
        found[one.behaviour] = Answer(behaviour=one.behaviour, score=one.score, comment=said)
    return [found[one] for one in Behaviour if one in found]
