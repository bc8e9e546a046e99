"""Tables of policies. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from schema.organizations.models import Agency, Unit
from schema.tables import Row


class HolidayKind(StrEnum):
    """Why a day asks for no work; WORKING_DAY takes an announced holiday back."""

    PUBLIC_HOLIDAY = "PUBLIC_HOLIDAY"
    JOINT_LEAVE = "JOINT_LEAVE"
    WORKING_DAY = "WORKING_DAY"


class LateEntries(StrEnum):
    """What becomes of an entry behind its deadline; in no case is it lost."""

    REFUSED = "REFUSED"
    MARKED = "MARKED"
    REASON = "REASON"


class WorkingWeek(Row):
    """The minutes that each day of a week asks for, from a day until a day, both inclusive.

    Of an agency, or of a unit and those below it. A week with an end (Ramadan) goes before one
    without.
    """

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    unit: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    unit_id: UUID | None
    name = fields.CharField(max_length=120)
    starts_on: date = fields.DateField()
    ends_on: date | None = fields.DateField(null=True)
    minutes: list[int] = ArrayField(element_type="int", description="Monday to Sunday, net")
    breaks: list[int] = ArrayField(element_type="int", description="Monday to Sunday, minutes")
    begins_at: time = fields.TimeField(description="local time")
    observes_holidays = fields.BooleanField(default=True)
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "working_week"
        indexes = (("agency_id", "starts_on"), ("unit_id",))


class Holiday(Row):
    """A day of an agency on which no work is asked for."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    day: date = fields.DateField()
    name = fields.TextField()
    kind = fields.CharEnumField(HolidayKind, max_length=14)
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "holiday"
        unique_together = (("agency", "day"),)


class AgencyPolicy(Row):
    """How an agency counts, from a day on until the next. Append-only: of two from the same day
    the later one holds. What each says, and its default, is in `rules.Policy`."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    starts_on: date = fields.DateField()
    achievement_cap: Decimal = fields.DecimalField(max_digits=7, decimal_places=2)
    missing_counts_as_zero = fields.BooleanField()
    on_track_share: Decimal = fields.DecimalField(max_digits=5, decimal_places=2)
    late_entries = fields.CharEnumField(LateEntries, max_length=8)
    entry_days = fields.IntField(null=True)
    filling_days = fields.IntField()
    plan_days = fields.IntField()
    action_plans_required = fields.BooleanField()
    effective_share: Decimal = fields.DecimalField(max_digits=5, decimal_places=2)
    recognized_minutes = fields.IntField(null=True)
    active_minutes = fields.IntField()
    flexible_minutes = fields.IntField()
    duty_travel_excuses = fields.BooleanField()
    nudge_at: time | None = fields.TimeField(null=True, description="local time")
    digest_at: time | None = fields.TimeField(null=True, description="local time")
    quiet_from: time = fields.TimeField(description="local time")
    quiet_until: time = fields.TimeField(description="local time")
    notices_per_day = fields.IntField()
    objection_days = fields.IntField()
    peer_feedback = fields.BooleanField()
    smallest_feedback_group = fields.IntField()
    set_by = fields.CharField(max_length=120)
    set_at: datetime = fields.DatetimeField()

    class Meta:
        table = "agency_policy"
        indexes = (("agency_id", "starts_on"),)
