"""The GraphQL face of feedback (360): what one is asked, and what groups of people said."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals import models
from schema.organizations.graph import Employee
from schema.plans.graph import SEVEN
from schema.plans.models import Behaviour
from schema.predicates import sees_feedback_request
from schema.relay import Connection
from schema.selection.declarations import column, many, one, reads, value

strawberry.enum(
    models.FeedbackRelation,
    description="How somebody who is asked stands to the person: PEER, in the same unit or under "
    "the same appraiser; SUBORDINATE, with the person in their line.",
)

OWN = "@row.respondent_id = @viewer"
SUMMARY = "feedback_summary(@row.id, @now) @it"
IN_ORDER = f"""(SELECT v$.place FROM (VALUES {SEVEN}) v$ (place, behaviour)
  WHERE v$.behaviour = @it.behaviour), @it.relation"""
MOST_GROUPS = len(Behaviour) * len(models.FeedbackRelation)


@reads()
@strawberry.type(
    description="What a group of people said of one behaviour. Nobody is named, and a group is "
    "there only once all answers are in and it is large enough: what is not there tells nothing."
)
class FeedbackGroup:
    behaviour: Behaviour = strawberry.field(description="Of which behaviour.")
    relation: models.FeedbackRelation = strawberry.field(description="Of whom the group is.")
    mean: Decimal = strawberry.field(description="Of scores from 1 to 5; two decimals, half up.")
    answers: int = strawberry.field(description="How many people answered.")
    comments: list[str] = strawberry.field(
        description="Their words, sorted by themselves: the order tells nothing."
    )


@reads(model=models.FeedbackAnswer)
@strawberry.type(description="One's own answer of one behaviour. Nobody else reads it.")
class FeedbackAnswer:
    behaviour: Behaviour = strawberry.field(description="Of which behaviour.")
    score: int = strawberry.field(description="1 (rarely seen) to 5 (always).")
    comment: str | None = strawberry.field(description="One's own words.")


def of_appraisal(column: str) -> str:
    """What a request may tell of the appraisal, which a respondent does not see."""
    return f"(SELECT t$.{column} FROM feedback_about(@row.id) t$)"


@reads(model=models.FeedbackRequest, visible=sees_feedback_request("@it"))
@strawberry.type(
    description="Somebody is asked for feedback on a person's behaviour (umpan balik 360). Seen by "
    "who is asked, and by whoever sees the appraisal; never by the person whom it is about."
)
class FeedbackRequest(relay.Node):
    id: relay.NodeID[UUID]
    relation: models.FeedbackRelation = strawberry.field(
        description="As what the respondent is asked."
    )
    about: Employee | None = one(
        "feedback_about(@row.id) t$ JOIN employee @it ON @it.id = t$.employee_id",
        "Whom it is about; null where they are not in your directory any more.",
    )
    starts_on: date = value(of_appraisal("starts_on"), "The first of the days that it is about.")
    ends_on: date = value(of_appraisal("ends_on"), "The last of them.")
    respondent: Employee | None = one(
        None, "Who is asked; null where they are not in your directory any more."
    )
    asked_at: datetime = strawberry.field(description="When it was asked.")
    closes_at: datetime = strawberry.field(
        description="Before this instant it may be answered. An hour later groups are shown, and "
        "from then on they do not change."
    )
    smallest_group: int = strawberry.field(
        description="Of fewer answers nothing is shown to anybody."
    )
    answered_at: datetime | None = column(
        "When you answered; null to anybody else.",
        sees=OWN,
    )
    can_answer: bool = value(
        f"coalesce({OWN}, false) AND @row.answered_at IS NULL AND @now < @row.closes_at "
        f"AND NOT {of_appraisal('is_signed')}",
        "Whether you may answer it now.",
    )
    answers: list[FeedbackAnswer] = many(
        None,
        "What you answered; empty to anybody else.",
        order="@it.id",
        sees=OWN,
        trusted=True,
        at_most=len(Behaviour),
    )


@strawberry.type(description="Requests for feedback, unanswered ones first, a page at a time.")
class FeedbackRequestConnection(Connection[FeedbackRequest]):
    pass
