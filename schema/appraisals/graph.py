"""The GraphQL face of appraisals."""

from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals import models
from schema.appraisals.feedback_graph import (
    IN_ORDER,
    MOST_GROUPS,
    SUMMARY,
    FeedbackGroup,
    FeedbackRequest,
)
from schema.appraisals.feedback_rules import MOST_RESPONDENTS
from schema.predicates import sees_appraisal
from schema.selection.declarations import many, reads

strawberry.enum(
    models.AppraisalState,
    description="OPEN: not rated. RATED: the employee may accept or object. DECIDED: an objection "
    "was. SIGNED: changes no more.",
)


@reads(model=models.Appraisal, visible=sees_appraisal("@it"))
@strawberry.type(
    description="One plan's appraisal (evaluasi kinerja) in one evaluation period, of the days "
    "that both cover. Seen as the person's work is, by who appraises it, and in the agency that "
    "it was made in."
)
class Appraisal(relay.Node):
    id: relay.NodeID[UUID]
    state: models.AppraisalState = strawberry.field(description="Where it stands.")
    feedback360: list[FeedbackGroup] = many(
        SUMMARY,
        "Feedback of peers and subordinates, by behaviour and group; empty until all answers are "
        "in, and where groups are too small.",
        order=IN_ORDER,
        at_most=MOST_GROUPS,
    )
    feedback_requests: list[FeedbackRequest] = many(
        None,
        "Who is asked for feedback; always empty to the person whom it is about.",
        order="@it.id",
        at_most=MOST_RESPONDENTS,
    )
