"""Tables of teams: how each person's day ended, as it was known then, and the clock behind it."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from schema.organizations.models import Agency, Employee
from schema.tables import Row


class PresenceStatus(StrEnum):
    """Where a person's day stands; `rules.presence` decides."""

    NOT_YET_STARTED = "NOT_YET_STARTED"
    ACTIVE = "ACTIVE"
    IDLE = "IDLE"
    NOT_FILLED = "NOT_FILLED"
    SHORT = "SHORT"
    COMPLETE = "COMPLETE"
    DAY_DONE = "DAY_DONE"
    ON_LEAVE = "ON_LEAVE"
    SICK = "SICK"
    ON_DUTY_TRAVEL = "ON_DUTY_TRAVEL"
    DAY_OFF = "DAY_OFF"
    HOLIDAY = "HOLIDAY"


class DayClose(Row):
    """One person's day as it was known when it ended: where they were, who appraised them, how it
    stood. Append-only: later transfers, entries and holidays do not rewrite it."""

    agency_id = fields.UUIDField()
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="closed_days", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    day: date = fields.DateField()
    unit_id: UUID | None = fields.UUIDField(null=True, description="of the post of that day")
    unit_path: list[UUID] = ArrayField(
        element_type="uuid", default=list, description="that unit and those above it, nearest first"
    )
    appraiser_ids: list[UUID] = ArrayField(element_type="uuid", default=list)
    superior_ids: list[UUID] = ArrayField(element_type="uuid", default=list)
    status = fields.CharEnumField(PresenceStatus, max_length=15)
    required_minutes = fields.IntField()
    recorded_minutes = fields.IntField()
    pending_count = fields.IntField()
    closed_at: datetime = fields.DatetimeField()

    class Meta:
        table = "day_close"
        unique_together = (("employee", "day"),)


class PresenceClock(Row):
    """Until when an agency's clock-driven changes are in the event log. One row an agency."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    ticked_until: datetime = fields.DatetimeField()
    closed_until: date | None = fields.DateField(
        null=True, description="the last day that has ended for all of the agency's people"
    )

    class Meta:
        table = "presence_clock"
        unique_together = (("agency",),)
