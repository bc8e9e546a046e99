"""Who may be asked for feedback (360) as what, and which answers can be kept."""

import pytest

from schema.appraisals.feedback_rules import (
    LONGEST_COMMENT,
    Answer,
    Standing,
    check_relation,
    checked_answers,
    relation_of,
)
from schema.appraisals.models import FeedbackRelation
from schema.errors import DomainError
from schema.plans.models import Behaviour

PEER, SUBORDINATE = FeedbackRelation


@pytest.mark.parametrize(
    ("standing", "relation"),
    [
        ({"is_together": True}, PEER),
        ({"is_below": True}, SUBORDINATE),
        # The head's staff are in the head's unit: they are subordinates, never peers as well.
        ({"is_below": True, "is_together": True}, SUBORDINATE),
        # Whoever is above reads the groups, and would know the others' answers by their own.
        ({"is_above": True}, None),
        ({"is_above": True, "is_together": True}, None),
        ({"is_above": True, "is_below": True}, None),
        ({"is_oneself": True, "is_together": True}, None),
        ({}, None),
    ],
)
def test_somebody_is_asked_as_one_thing_or_not_at_all(
    standing: dict[str, bool], relation: FeedbackRelation | None
) -> None:
    assert relation_of(Standing(**standing)) is relation


def test_a_wrong_relation_is_refused_with_the_right_one() -> None:
    with pytest.raises(DomainError, match=r"Budi was not PEER .* but SUBORDINATE") as refused:
        check_relation("Budi", PEER, Standing(is_below=True, is_together=True), "r")

    assert (refused.value.code, refused.value.field) == ("RELATION_WRONG", "r")


def said(*scores: int, **more: str) -> list[Answer]:
    return [
        Answer(behaviour=behaviour, score=score, **more)
        for behaviour, score in zip(Behaviour, scores, strict=False)
    ]


def test_answers_come_in_the_order_of_the_behaviours_and_blank_words_are_none() -> None:
    given = [*reversed(said(1, 5, 3)), Answer(behaviour=Behaviour.LOYAL, score=2, comment=" ")]

    kept = checked_answers(given)

    assert [one.score for one in kept] == [1, 5, 3, 2]
    assert kept[-1].comment is None


@pytest.mark.parametrize(
    ("answers", "code", "field"),
    [
        ([], "NOTHING_CHOSEN", "answers"),
        (said(0), "BAD_USER_INPUT", "answers.0.score"),
        (said(5, 6), "BAD_USER_INPUT", "answers.1.score"),
        ([*said(3), *said(4)], "BAD_USER_INPUT", "answers.1.behaviour"),
        (said(3, comment="x" * (LONGEST_COMMENT + 1)), "TEXT_TOO_LONG", "answers.0.comment"),
    ],
)
def test_answers_that_cannot_be_are_refused(answers: list[Answer], code: str, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        checked_answers(answers)

    assert (refused.value.code, refused.value.field) == (code, field)
