"""What people send of feedback (360): whom it is asked of, and what they answer."""

from datetime import date
from typing import Any

import strawberry
from strawberry import relay

from schema.appraisals import feedback
from schema.appraisals.feedback import Respondent
from schema.appraisals.feedback_graph import FeedbackRequest
from schema.appraisals.feedback_rules import Answer
from schema.appraisals.models import FeedbackRelation
from schema.context import Info
from schema.errors import UserError
from schema.plans.models import Behaviour
from schema.relay import key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected

ONE_REQUEST = One(source="feedback_request @it", where="@it.id = @key::uuid")
THESE_REQUESTS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN feedback_request @it ON @it.id = k$.id",
    order="k$.place",
)


@strawberry.input(description="Somebody who is asked.")
class RespondentInput:
    employee: relay.GlobalID = strawberry.field(description="Who; never the person themselves.")
    relation: FeedbackRelation = strawberry.field(
        description="How they stood to the person on the days of the appraisal, by their posts. "
        "Nobody above the person is asked."
    )

    def respondent(self) -> Respondent:
        return Respondent(employee_id=key_of(self.employee, "Employee"), relation=self.relation)


@strawberry.input(description="Whom feedback on somebody's behaviour is asked of.")
class AskForFeedbackInput:
    appraisal: relay.GlobalID = strawberry.field(description="The appraisal that it is for.")
    respondents: list[RespondentInput] = strawberry.field(
        description="At most 20 for an appraisal in all; who is asked already is not asked again."
    )
    until: date | None = strawberry.field(
        default=None,
        description="The last day on which they may answer, of the person's zone, at most 90 days "
        "ahead. Needed the first time; it holds for everybody who is asked later.",
    )


@strawberry.input(description="What one has seen of one behaviour.")
class FeedbackAnswerInput:
    behaviour: Behaviour = strawberry.field(description="One of the seven values.")
    score: int = strawberry.field(description="1 (rarely seen) to 5 (always).")
    comment: str | None = strawberry.field(
        default=None,
        description="At most 2,000 characters. Shown to the person as it is, without your name: "
        "write nothing that only you could know.",
    )

    def answer(self) -> Answer:
        return Answer(behaviour=self.behaviour, score=self.score, comment=self.comment)


@strawberry.input(description="One's feedback. It is given once, and read in groups only.")
class AnswerFeedbackInput:
    request: relay.GlobalID = strawberry.field(description="What one was asked.")
    answers: list[FeedbackAnswerInput] = strawberry.field(
        description="Of the seven behaviours, or of some."
    )


@strawberry.type(description="Those who are asked, or why nobody was.")
class AskForFeedbackPayload:
    requests: list[FeedbackRequest] = strawberry.field(description="In the order of the input.")
    user_errors: list[UserError] = strawberry.field(
        description="`field` names the place in the input, as respondents.0.relation."
    )


@strawberry.type(description="The request as it is now, or why the answer was refused.")
class AnswerFeedbackPayload:
    request: FeedbackRequest | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class FeedbackMutation:
    @strawberry.mutation(
        description="For whoever appraises, and the administrator: ask peers and subordinates for "
        "feedback (360) on a person's behaviour, where the agency's policy says so. The person "
        "does not learn who was asked."
    )
    async def ask_for_feedback(
        self, info: Info, input: AskForFeedbackInput
    ) -> AskForFeedbackPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.appraisal, "Appraisal")
            asked = [one.respondent() for one in input.respondents]
            rows = await feedback.ask_for_feedback(viewer, key, asked, input.until, now)
            found: Any = Selected(THESE_REQUESTS, {"keys": [row.id for row in rows]})
            return AskForFeedbackPayload(requests=found, user_errors=[])
        return AskForFeedbackPayload(requests=[], user_errors=refused)

    @strawberry.mutation(
        description="Answer what one was asked, once. Nobody reads it with your name."
    )
    async def answer_feedback(
        self, info: Info, input: AnswerFeedbackInput
    ) -> AnswerFeedbackPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.request, "FeedbackRequest")
            given = [one.answer() for one in input.answers]
            row = await feedback.answer_feedback(viewer, key, given, now)
            found: Any = Selected(ONE_REQUEST, {"key": row.id})
            return AnswerFeedbackPayload(request=found, user_errors=[])
        return AnswerFeedbackPayload(request=None, user_errors=refused)
