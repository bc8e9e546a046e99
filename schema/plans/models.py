"""Tables of plans. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields

from schema.organizations.models import Assignment, Employee
from schema.tables import Row
from schema.targets.models import Period, Target, optional_quantity


class PlanState(StrEnum):
    """Where a performance plan stands between draft and closed."""

    DRAFT = "DRAFT"
    SUBMITTED = "SUBMITTED"
    APPROVED = "APPROVED"
    RETURNED = "RETURNED"
    CLOSED = "CLOSED"


class PlanEventKind(StrEnum):
    """What happened to a plan: past facts, never rewritten."""

    OPENED = "OPENED"
    EDITED = "EDITED"
    SUBMITTED = "SUBMITTED"
    WITHDRAWN = "WITHDRAWN"
    APPROVED = "APPROVED"
    RETURNED = "RETURNED"
    ENDED = "ENDED"
    CLOSED = "CLOSED"
    REOPENED = "REOPENED"


class Approach(StrEnum):
    """How a plan says what is expected: in numbers, or in words (PermenPANRB 6/2022)."""

    QUANTITATIVE = "QUANTITATIVE"
    QUALITATIVE = "QUALITATIVE"


class Behaviour(StrEnum):
    """The seven core values, BerAKHLAK (PermenPANRB 6/2022)."""

    SERVICE_ORIENTED = "SERVICE_ORIENTED"
    ACCOUNTABLE = "ACCOUNTABLE"
    COMPETENT = "COMPETENT"
    HARMONIOUS = "HARMONIOUS"
    LOYAL = "LOYAL"
    ADAPTIVE = "ADAPTIVE"
    COLLABORATIVE = "COLLABORATIVE"


class AttachmentKind(StrEnum):
    """The three attachments of a plan (*lampiran SKP*)."""

    SUPPORT = "SUPPORT"
    ACCOUNTABILITY = "ACCOUNTABILITY"
    CONSEQUENCES = "CONSEQUENCES"


class EvaluationKind(StrEnum):
    """How often is evaluated, and the evaluation that ends the year."""

    MONTHLY = "MONTHLY"
    QUARTERLY = "QUARTERLY"
    FINAL = "FINAL"


class EvaluationEventKind(StrEnum):
    """What happened to an evaluation period."""

    SET = "SET"
    CLOSED = "CLOSED"
    REOPENED = "REOPENED"


class PerformancePlan(Row):
    """A performance plan (*sasaran kinerja pegawai, SKP*): of one assignment in one period.

    Of the days that it covers: a transfer ends it and opens another, and what was earned stays.
    """

    period: fields.ForeignKeyRelation[Period] = fields.ForeignKeyField(
        "ekinerja.Period", on_delete=fields.OnDelete.RESTRICT
    )
    period_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="plans", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    assignment: fields.ForeignKeyRelation[Assignment] = fields.ForeignKeyField(
        "ekinerja.Assignment", on_delete=fields.OnDelete.RESTRICT
    )
    assignment_id: UUID
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField(description="the last day, inclusive")
    approach = fields.CharEnumField(Approach, max_length=12, default=Approach.QUANTITATIVE)
    state = fields.CharEnumField(PlanState, max_length=12, default=PlanState.DRAFT)
    version = fields.IntField(default=1, description="grows with each change")

    class Meta:
        table = "performance_plan"
        unique_together = (("assignment", "period"),)
        indexes = (("employee_id", "period_id"), ("period_id",))


class BehaviourExpectation(Row):
    """The leader's special expectation (*ekspektasi khusus pimpinan*) of one behaviour."""

    plan: fields.ForeignKeyRelation[PerformancePlan] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan", related_name="expectations", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    behaviour = fields.CharEnumField(Behaviour, max_length=20)
    expectation = fields.TextField()

    class Meta:
        table = "behaviour_expectation"
        unique_together = (("plan", "behaviour"),)


class PlanAttachment(Row):
    """One line of an attachment: resources, how account is given, what follows."""

    plan: fields.ForeignKeyRelation[PerformancePlan] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan", related_name="attachments", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    kind = fields.CharEnumField(AttachmentKind, max_length=14)
    position = fields.IntField()
    text = fields.TextField()

    class Meta:
        table = "plan_attachment"
        unique_together = (("plan", "kind", "position"),)


class PlanEvent(Row):
    """One line of a plan's history: who did what, when, and what changed. Append-only."""

    plan: fields.ForeignKeyRelation[PerformancePlan] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan", related_name="history", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    kind = fields.CharEnumField(PlanEventKind, max_length=10)
    actor = fields.CharField(max_length=120, description="the token's subject")
    at: datetime = fields.DatetimeField()
    version = fields.IntField(description="the plan's version from then on")
    comment = fields.TextField(null=True)
    changes: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "plan_event"
        indexes = (("plan_id",),)


class Feedback(Row):
    """Continuous feedback (*umpan balik berkelanjutan*), of either side. Append-only.

    Of one result, of one behaviour, or of the plan as a whole where both are None.
    """

    plan: fields.ForeignKeyRelation[PerformancePlan] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan", related_name="feedback", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    target: fields.ForeignKeyNullableRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="feedback", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID | None
    behaviour = fields.CharEnumField(Behaviour, max_length=20, null=True)
    author: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="feedback_given", on_delete=fields.OnDelete.RESTRICT
    )
    author_id: UUID
    at: datetime = fields.DatetimeField()
    text = fields.TextField()

    class Meta:
        table = "feedback"
        indexes = (("plan_id",), ("target_id",), ("author_id",))


class EvaluationPeriod(Row):
    """A period of evaluation within a planning period; an agency has one kind a year, and a
    final one. Closed, nothing of its days changes until it is reopened."""

    period: fields.ForeignKeyRelation[Period] = fields.ForeignKeyField(
        "ekinerja.Period", related_name="evaluations", on_delete=fields.OnDelete.RESTRICT
    )
    period_id: UUID
    kind = fields.CharEnumField(EvaluationKind, max_length=9)
    number = fields.IntField(description="1 to 12, 1 to 4; 1 of the final one")
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField(description="the last day, inclusive")
    filling_until: date = fields.DateField(description="the last day on which filling is in time")
    closed_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "evaluation_period"
        unique_together = (("period", "kind", "number"),)


class EvaluationEvent(Row):
    """One line of an evaluation period's history. Append-only."""

    evaluation_period: fields.ForeignKeyRelation[EvaluationPeriod] = fields.ForeignKeyField(
        "ekinerja.EvaluationPeriod", related_name="history", on_delete=fields.OnDelete.RESTRICT
    )
    evaluation_period_id: UUID
    kind = fields.CharEnumField(EvaluationEventKind, max_length=8)
    actor = fields.CharField(max_length=120, description="the token's subject")
    at: datetime = fields.DatetimeField()
    reason = fields.TextField(null=True)

    class Meta:
        table = "evaluation_event"
        indexes = (("evaluation_period_id",),)


class ActionPlan(Row):
    """An action plan (*rencana aksi*): what is to be done for a target within some days."""

    target: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="action_plans", on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID
    position = fields.IntField()
    description = fields.TextField()
    starts_on = fields.DateField()
    ends_on = fields.DateField(description="the last day, inclusive")
    evaluation_period: fields.ForeignKeyNullableRelation[EvaluationPeriod] = fields.ForeignKeyField(
        "ekinerja.EvaluationPeriod",
        related_name="action_plans",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    evaluation_period_id: UUID | None
    quantity = optional_quantity()
    unit_of_measure = fields.CharField(max_length=120, null=True)

    class Meta:
        table = "action_plan"
        unique_together = (("target", "position"),)
        indexes = (("evaluation_period_id",),)
