"""Tables of progress. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields

from schema.feeds.models import InboxItem, Installation
from schema.organizations.models import Agency, Employee
from schema.plans.models import ActionPlan
from schema.tables import Row
from schema.targets.models import Indicator, Stage, Target, optional_quantity


class RecordState(StrEnum):
    """Where a progress record stands. A confirmed one counts; all others do not."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    DISMISSED = "DISMISSED"
    RETURNED = "RETURNED"
    SUPERSEDED = "SUPERSEDED"
    RETRACTED = "RETRACTED"


class RecordEventKind(StrEnum):
    """What happened to a record: past facts, never rewritten."""

    RECEIVED = "RECEIVED"
    LOGGED = "LOGGED"
    CONFIRMED = "CONFIRMED"
    DISMISSED = "DISMISSED"
    RETURNED = "RETURNED"
    CORRECTED = "CORRECTED"
    SUPERSEDED = "SUPERSEDED"
    RETRACTED = "RETRACTED"


class SuggestionOrigin(StrEnum):
    """What a suggestion rests on."""

    RULE = "RULE"
    """A mapping rule of the agency."""
    HABIT = "HABIT"
    """What this employee confirmed before for the same kind of work."""
    TEXT = "TEXT"
    """The words of the activity and of the target."""


class Activity(Row):
    """What a source says that an employee did. Append-only: a trigger refuses any change."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="activities", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    inbox_item: fields.OneToOneRelation[InboxItem] = fields.OneToOneField(
        "ekinerja.InboxItem", related_name="activity", on_delete=fields.OnDelete.RESTRICT
    )
    inbox_item_id: UUID
    source_id = fields.CharField(max_length=200)
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="activities", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    kind = fields.CharField(max_length=120)
    title = fields.TextField()
    description = fields.TextField(null=True)
    category = fields.CharField(max_length=120, null=True)
    occurred_at: datetime = fields.DatetimeField()
    ended_at: datetime | None = fields.DatetimeField(null=True)
    quantity = optional_quantity()
    unit_of_measure = fields.CharField(max_length=120, null=True)
    received_at: datetime = fields.DatetimeField()

    class Meta:
        table = "activity"
        unique_together = (("installation", "source_id"),)
        # What an employee did last of one kind, for habits.
        indexes = (("employee_id", "installation_id", "kind", "occurred_at"),)


class Retraction(Row):
    """A source takes back what it said. Append-only; it may come before what it takes back."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="retractions", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    inbox_item: fields.OneToOneRelation[InboxItem] = fields.OneToOneField(
        "ekinerja.InboxItem", related_name="retraction", on_delete=fields.OnDelete.RESTRICT
    )
    inbox_item_id: UUID
    retracts = fields.CharField(max_length=200, description="the source id that is taken back")
    at: datetime = fields.DatetimeField()
    reason = fields.TextField()
    received_at: datetime = fields.DatetimeField()

    class Meta:
        table = "retraction"
        indexes = (("installation_id", "retracts"),)


class MappingRule(Row):
    """What an agency says of activities of one kind: they serve the targets under one goal.

    A part that is None holds for all. Of the rules that hold, the first by `position` decides.
    """

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    position = fields.IntField()
    plugin = fields.CharField(max_length=60, null=True)
    activity_kind = fields.CharField(max_length=120, null=True)
    words: str | None = fields.TextField(null=True, description="all are in the activity's title")
    goal: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="mapping_rules", on_delete=fields.OnDelete.CASCADE
    )
    goal_id: UUID
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "mapping_rule"
        unique_together = (("agency", "position"),)
        indexes = (("goal_id",),)


class ProgressRecord(Row):
    """One entry of an employee's day (*progres harian*); minutes past midnight stay on `day`."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="records", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    day: date = fields.DateField()
    starts_at: datetime = fields.DatetimeField()
    ends_at: datetime = fields.DatetimeField()
    minutes = fields.IntField(description="whole minutes from starts_at to ends_at")
    description = fields.TextField()
    category = fields.CharField(max_length=120, null=True)
    target: fields.ForeignKeyNullableRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="records", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID | None
    indicator: fields.ForeignKeyNullableRelation[Indicator] = fields.ForeignKeyField(
        "ekinerja.Indicator", related_name="records", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    indicator_id: UUID | None
    quantity = optional_quantity()
    stage: fields.ForeignKeyNullableRelation[Stage] = fields.ForeignKeyField(
        "ekinerja.Stage", related_name="records", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    stage_id: UUID | None
    activity: fields.ForeignKeyNullableRelation[Activity] = fields.ForeignKeyField(
        "ekinerja.Activity", related_name="records", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    activity_id: UUID | None
    action_plan: fields.ForeignKeyNullableRelation[ActionPlan] = fields.ForeignKeyField(
        "ekinerja.ActionPlan", related_name="records", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    action_plan_id: UUID | None
    late = fields.BooleanField(default=False, description="confirmed behind its deadline")
    late_reason = fields.TextField(null=True)
    suggested_target: fields.ForeignKeyNullableRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="suggested", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    suggested_target_id: UUID | None
    suggestion_score = fields.DecimalField(max_digits=5, decimal_places=4, null=True)
    suggestion_reason = fields.TextField(null=True)
    suggestion_origin: SuggestionOrigin | None = fields.CharEnumField(  # type: ignore[assignment]
        SuggestionOrigin, max_length=5, null=True
    )
    supersedes: fields.ForeignKeyNullableRelation["ProgressRecord"] = fields.ForeignKeyField(
        "ekinerja.ProgressRecord",
        related_name="superseded_by",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    supersedes_id: UUID | None
    state = fields.CharEnumField(RecordState, max_length=10)
    created_at: datetime = fields.DatetimeField()
    decided_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "progress_record"
        indexes = (
            # A day's records come from it in their order.
            ("employee_id", "day", "starts_at", "id"),
            ("agency_id",),
        )


class Evidence(Row):
    """Proof of a record (*bukti dukung*): a title and a link."""

    record: fields.ForeignKeyRelation[ProgressRecord] = fields.ForeignKeyField(
        "ekinerja.ProgressRecord", related_name="evidence", on_delete=fields.OnDelete.RESTRICT
    )
    record_id: UUID
    position = fields.IntField()
    title = fields.TextField()
    url = fields.TextField()
    from_source = fields.BooleanField(default=False)

    class Meta:
        table = "evidence"
        unique_together = (("record", "position"),)


class RecordEvent(Row):
    """One line of a record's history: who did what, when, and what changed. Append-only."""

    record: fields.ForeignKeyRelation[ProgressRecord] = fields.ForeignKeyField(
        "ekinerja.ProgressRecord", related_name="history", on_delete=fields.OnDelete.RESTRICT
    )
    record_id: UUID
    kind = fields.CharEnumField(RecordEventKind, max_length=12)
    actor = fields.CharField(max_length=120, description="the token's subject, or the source")
    at: datetime = fields.DatetimeField()
    comment = fields.TextField(null=True)
    changes: dict[str, Any] = fields.JSONField(default=dict)

    class Meta:
        table = "record_event"
        indexes = (("record_id",),)


class DailyLog(Row):
    """One employee's one day: minutes recorded, pending and required, kept with each write."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="daily_logs", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    day: date = fields.DateField()
    required_minutes = fields.IntField()
    recorded_minutes = fields.IntField(default=0)
    pending_minutes = fields.IntField(default=0)
    pending_count = fields.IntField(default=0)
    last_activity_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "daily_log"
        unique_together = (("employee", "day"),)
