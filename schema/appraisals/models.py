"""Tables of appraisals. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields

from schema.feeds.models import Installation
from schema.organizations.models import Agency, Employee, Unit
from schema.plans.models import Behaviour, EvaluationPeriod, PerformancePlan
from schema.tables import Row
from schema.targets.models import Target


class Rating(StrEnum):
    """Work results or behaviour against what was expected (*ekspektasi*)."""

    ABOVE = "ABOVE"
    MEETS = "MEETS"
    BELOW = "BELOW"


class Predicate(StrEnum):
    """The predicate (*predikat kinerja*): sangat baik, baik, butuh perbaikan, kurang
    (misconduct), sangat kurang."""

    EXCELLENT = "EXCELLENT"
    GOOD = "GOOD"
    NEEDS_IMPROVEMENT = "NEEDS_IMPROVEMENT"
    POOR = "POOR"
    VERY_POOR = "VERY_POOR"


class UnitPredicate(StrEnum):
    """A unit's own result (*predikat kinerja organisasi*): istimewa, baik, butuh perbaikan,
    kurang, sangat kurang (SE MenPANRB 3/2023)."""

    OUTSTANDING = "OUTSTANDING"
    GOOD = "GOOD"
    NEEDS_IMPROVEMENT = "NEEDS_IMPROVEMENT"
    POOR = "POOR"
    VERY_POOR = "VERY_POOR"


class AppraisalState(StrEnum):
    """Where an appraisal stands, from opened to signed; signed, it changes no more."""

    OPEN = "OPEN"
    RATED = "RATED"
    ACCEPTED = "ACCEPTED"
    OBJECTED = "OBJECTED"
    DECIDED = "DECIDED"
    SIGNED = "SIGNED"


class AppraisalEventKind(StrEnum):
    """What happened to an appraisal. Of an objection (*keberatan*): UPHELD keeps the ratings,
    CHANGED replaces them."""

    OPENED = "OPENED"
    RATED = "RATED"
    ACCEPTED = "ACCEPTED"
    OBJECTED = "OBJECTED"
    UPHELD = "UPHELD"
    CHANGED = "CHANGED"
    SIGNED = "SIGNED"


class FeedbackRelation(StrEnum):
    """How somebody who is asked for feedback stands to the person that it is about."""

    PEER = "PEER"
    SUBORDINATE = "SUBORDINATE"


class SendingState(StrEnum):
    """Where a result on its way to another service stands. RECEIVED has a receipt; FAILED waits
    for an administrator; SKIPPED is of a kind that the service does not take."""

    WAITING = "WAITING"
    RECEIVED = "RECEIVED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class UnitRating(Row):
    """A unit's own result in an evaluation period, set from above. Append-only: the highest
    version holds. `head` led the unit at the period's end: it is also their rating of results."""

    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="ratings", on_delete=fields.OnDelete.RESTRICT
    )
    unit_id: UUID
    evaluation_period: fields.ForeignKeyRelation[EvaluationPeriod] = fields.ForeignKeyField(
        "ekinerja.EvaluationPeriod", on_delete=fields.OnDelete.RESTRICT
    )
    evaluation_period_id: UUID
    version = fields.IntField()
    predicate = fields.CharEnumField(UnitPredicate, max_length=17)
    reason = fields.TextField()
    head: fields.ForeignKeyNullableRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee",
        related_name="unit_ratings",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    head_id: UUID | None
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "unit_rating"
        unique_together = (("unit", "evaluation_period", "version"),)
        indexes = (("evaluation_period_id",), ("head_id",))


class Appraisal(Row):
    """One plan's appraisal in one evaluation period (*evaluasi kinerja*), of the days that both
    cover. `appraiser` is who appraised the plan's post on the last of them: of an ended post the
    former superior. `predicate` is worked out from the two ratings, never given.
    """

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="appraisals", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    plan: fields.ForeignKeyRelation[PerformancePlan] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan", related_name="appraisals", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    evaluation_period: fields.ForeignKeyRelation[EvaluationPeriod] = fields.ForeignKeyField(
        "ekinerja.EvaluationPeriod", related_name="appraisals", on_delete=fields.OnDelete.RESTRICT
    )
    evaluation_period_id: UUID
    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="appraisals", on_delete=fields.OnDelete.RESTRICT
    )
    unit_id: UUID
    appraiser: fields.ForeignKeyNullableRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee",
        related_name="appraisals_given",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    appraiser_id: UUID | None
    heads_unit = fields.BooleanField()
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField(description="the last day, inclusive")
    state = fields.CharEnumField(AppraisalState, max_length=8, default=AppraisalState.OPEN)
    version = fields.IntField(default=1, description="grows with each change")
    work_rating = fields.CharEnumField(Rating, max_length=5, null=True)
    work_reason: str | None = fields.TextField(null=True)
    behaviour_rating = fields.CharEnumField(Rating, max_length=5, null=True)
    behaviour_reason: str | None = fields.TextField(null=True)
    predicate = fields.CharEnumField(Predicate, max_length=17, null=True)
    unit_rating: fields.ForeignKeyNullableRelation[UnitRating] = fields.ForeignKeyField(
        "ekinerja.UnitRating", related_name="heads", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    unit_rating_id: UUID | None
    rated_by = fields.CharField(max_length=120, null=True)
    rated_at: datetime | None = fields.DatetimeField(null=True)
    signed_by = fields.CharField(max_length=120, null=True)
    signed_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "appraisal"
        unique_together = (("plan", "evaluation_period"),)
        indexes = (
            ("employee_id",),
            ("evaluation_period_id", "unit_id"),
            ("unit_id",),
            ("appraiser_id",),
            ("agency_id",),
            ("unit_rating_id",),
        )


class AppraisalLine(Row):
    """The rating of one result or of one behaviour, with its reason; they support the two ratings
    and say what training is needed. Replaced as a whole by each rating; the history keeps both."""

    appraisal: fields.ForeignKeyRelation[Appraisal] = fields.ForeignKeyField(
        "ekinerja.Appraisal", related_name="lines", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID
    target: fields.ForeignKeyNullableRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="ratings", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID | None
    behaviour = fields.CharEnumField(Behaviour, max_length=20, null=True)
    rating = fields.CharEnumField(Rating, max_length=5)
    reason: str | None = fields.TextField(null=True)

    class Meta:
        table = "appraisal_line"
        unique_together = (("appraisal", "target"), ("appraisal", "behaviour"))
        indexes = (("target_id",),)


class AppraisalEvent(Row):
    """One line of an appraisal's history: who did what, when, and what changed. Append-only."""

    appraisal: fields.ForeignKeyRelation[Appraisal] = fields.ForeignKeyField(
        "ekinerja.Appraisal", related_name="history", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID
    kind = fields.CharEnumField(AppraisalEventKind, max_length=8)
    actor = fields.CharField(max_length=120, description="the token's subject")
    at: datetime = fields.DatetimeField()
    version = fields.IntField(description="the appraisal's version from then on")
    comment: str | None = fields.TextField(null=True)
    changes: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "appraisal_event"
        indexes = (("appraisal_id",),)


class AppraisalSeal(Row):
    """What a signed appraisal rests on and came to: `document` is canonical JSON of its inputs,
    rule versions and result; from its inputs the same bytes come again. Append-only."""

    appraisal: fields.OneToOneRelation[Appraisal] = fields.OneToOneField(
        "ekinerja.Appraisal", related_name="seal", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID
    document = fields.TextField()
    digest = fields.CharField(max_length=64, description="SHA-256 of the document, in hex")
    sealed_at: datetime = fields.DatetimeField()

    class Meta:
        table = "appraisal_seal"


class FeedbackRequest(Row):
    """Somebody is asked for feedback on a person's behaviour (360), where the agency asks for
    it. All requests of an appraisal close at once; `smallest_group` is what the respondent was
    promised: of fewer answers nothing is shown."""

    appraisal: fields.ForeignKeyRelation[Appraisal] = fields.ForeignKeyField(
        "ekinerja.Appraisal", related_name="feedback_requests", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID
    respondent: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="feedback_asked", on_delete=fields.OnDelete.RESTRICT
    )
    respondent_id: UUID
    relation = fields.CharEnumField(FeedbackRelation, max_length=11)
    asked_by = fields.CharField(max_length=120)
    asked_at: datetime = fields.DatetimeField()
    closes_at: datetime = fields.DatetimeField(description="the first instant that is too late")
    smallest_group = fields.IntField()
    answered_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "feedback_request"
        unique_together = (("appraisal", "respondent"),)
        indexes = (("respondent_id",),)


class FeedbackAnswer(Row):
    """What was answered of one behaviour: 1 to 5, and words. Append-only; nobody but its author
    reads it with the author's name."""

    request: fields.ForeignKeyRelation[FeedbackRequest] = fields.ForeignKeyField(
        "ekinerja.FeedbackRequest", related_name="answers", on_delete=fields.OnDelete.RESTRICT
    )
    request_id: UUID
    behaviour = fields.CharEnumField(Behaviour, max_length=20)
    score = fields.IntField(description="1 (rarely seen) to 5 (always)")
    comment: str | None = fields.TextField(null=True)

    class Meta:
        table = "feedback_answer"
        unique_together = (("request", "behaviour"),)


class ResultDelivery(Row):
    """A signed appraisal on its way to another service, written with the signature; what came back
    is its receipt."""

    appraisal: fields.ForeignKeyRelation[Appraisal] = fields.ForeignKeyField(
        "ekinerja.Appraisal", related_name="deliveries", on_delete=fields.OnDelete.RESTRICT
    )
    appraisal_id: UUID
    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="results", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    state = fields.CharEnumField(SendingState, max_length=8, default=SendingState.WAITING)
    attempts = fields.IntField(default=0)
    retry_at: datetime | None = fields.DatetimeField(null=True, description="NULL: at once")
    received_at: datetime | None = fields.DatetimeField(null=True)
    reference = fields.CharField(max_length=200, null=True)
    message: str | None = fields.TextField(null=True, description="the service's, or of the fault")

    class Meta:
        table = "result_delivery"
        unique_together = (("appraisal", "installation"),)
        indexes = (("installation_id",),)
