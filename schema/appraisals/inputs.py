"""What people send of appraisals, and how it becomes what the use cases take."""

import strawberry
from strawberry import relay

from schema.appraisals.judging import BehaviourRating, Ratings, ResultRating
from schema.appraisals.models import Rating, UnitPredicate
from schema.appraisals.rating import RatingDraft
from schema.appraisals.steps import ObjectionOutcome
from schema.checks import invalid
from schema.errors import DomainError
from schema.plans.models import Behaviour
from schema.relay import key_of

strawberry.enum(
    ObjectionOutcome,
    description="UPHELD: the ratings stand. CHANGED: others replace them.",
)


@strawberry.input(description="The evaluation period whose appraisals are opened.")
class OpenAppraisalsInput:
    evaluation_period: relay.GlobalID = strawberry.field(description="The evaluation period.")


@strawberry.input(description="The rating of one result of the plan.")
class ResultRatingInput:
    target: relay.GlobalID = strawberry.field(description="A work result of the plan.")
    rating: Rating = strawberry.field(description="Against what was expected.")
    reason: str | None = strawberry.field(default=None, description="Asked for where it is BELOW.")

    def value(self) -> ResultRating:
        target_id = key_of(self.target, "Target")
        return ResultRating(target_id=target_id, rating=self.rating, reason=self.reason)


@strawberry.input(description="The rating of one of the seven core values.")
class BehaviourRatingInput:
    behaviour: Behaviour = strawberry.field(description="The core value.")
    rating: Rating = strawberry.field(description="Against what was expected.")
    reason: str | None = strawberry.field(default=None, description="Asked for where it is BELOW.")

    def value(self) -> BehaviourRating:
        return BehaviourRating(behaviour=self.behaviour, rating=self.rating, reason=self.reason)


@strawberry.input(
    description="Ratings with their reasons. The predicate follows from the two and is never given."
)
class RatingsInput:
    behaviour_rating: Rating = strawberry.field(description="Of the behaviour (perilaku kerja).")
    behaviour_reason: str = strawberry.field(description="Why.")
    work_rating: Rating | None = strawberry.field(
        default=None,
        description="Of the work results (hasil kerja). Left out for the head of a unit, and "
        "only there: the unit's own rating is theirs.",
    )
    work_reason: str | None = strawberry.field(
        default=None, description="Why; left out with `workRating`."
    )
    results: list[ResultRatingInput] = strawberry.field(
        default_factory=list, description="Of single results, where there is something to say."
    )
    behaviours: list[BehaviourRatingInput] = strawberry.field(
        default_factory=list, description="Of single values, where there is something to say."
    )

    def ratings(self) -> Ratings:
        return Ratings(
            work_rating=self.work_rating,
            work_reason=self.work_reason,
            behaviour_rating=self.behaviour_rating,
            behaviour_reason=self.behaviour_reason,
            results=[line.value() for line in self.results],
            behaviours=[line.value() for line in self.behaviours],
        )


@strawberry.input(
    description="An appraisal to rate: by its id, or by plan and evaluation period, which opens it "
    "where it was not."
)
class RateAppraisalInput(RatingsInput):
    version: int = strawberry.field(
        description="The version that was read; 1 of one that is not opened."
    )
    appraisal: relay.GlobalID | None = strawberry.field(
        default=None, description="The appraisal; or the other two."
    )
    plan: relay.GlobalID | None = strawberry.field(
        default=None, description="The plan, with `evaluationPeriod`."
    )
    evaluation_period: relay.GlobalID | None = strawberry.field(
        default=None, description="The evaluation period, with `plan`."
    )

    def draft(self) -> RatingDraft:
        """Raises:
        DomainError: neither an appraisal nor both of the others are named, or more than that.
        """
        if self.appraisal is not None and self.plan is None and self.evaluation_period is None:
            key = key_of(self.appraisal, "Appraisal")
            return RatingDraft(appraisal_id=key, version=self.version, ratings=self.ratings())
        if self.appraisal is None and self.plan and self.evaluation_period:
            plan = key_of(self.plan, "PerformancePlan")
            pair = plan, key_of(self.evaluation_period, "EvaluationPeriod")
            return RatingDraft(pair=pair, version=self.version, ratings=self.ratings())
        raise invalid("appraisal", "name an appraisal, or a plan and an evaluation period")


@strawberry.input(description="Appraisals to rate. Each that can be, is.")
class RateAppraisalsInput:
    appraisals: list[RateAppraisalInput] = strawberry.field(description="At most 500.")

    def drafts(self) -> list[RatingDraft | DomainError]:
        """Each in its place, or why it cannot be read."""
        read: list[RatingDraft | DomainError] = []
        for item in self.appraisals:
            try:
                read.append(item.draft())
            except DomainError as error:
                read.append(error)
        return read


@strawberry.input(description="An appraisal on the version that was read.")
class AppraisalVersionInput:
    id: relay.GlobalID = strawberry.field(description="The appraisal.")
    version: int = strawberry.field(description="The version that was read.")


@strawberry.input(description="An objection (keberatan) of the employee.")
class ObjectToAppraisalInput(AppraisalVersionInput):
    reason: str = strawberry.field(description="Why; whoever decides reads it.")


@strawberry.input(description="The decision on an objection, above whoever rated.")
class DecideObjectionInput(AppraisalVersionInput):
    outcome: ObjectionOutcome = strawberry.field(description="Whether the ratings stand.")
    comment: str = strawberry.field(description="Why; the employee reads it.")
    ratings: RatingsInput | None = strawberry.field(
        default=None, description="What replaces them; with CHANGED, and only with it."
    )


@strawberry.input(description="A unit's own result in an evaluation period.")
class RateUnitInput:
    unit: relay.GlobalID = strawberry.field(description="The unit.")
    evaluation_period: relay.GlobalID = strawberry.field(description="The evaluation period.")
    predicate: UnitPredicate = strawberry.field(description="The result.")
    reason: str = strawberry.field(description="Why; it is also the reason of the head's rating.")
    version: int | None = strawberry.field(
        default=None,
        description="The version that was read, 0 for none: so that nobody says over another. "
        "Left out: whichever holds.",
    )
