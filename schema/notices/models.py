"""Tables of notices. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from schema.organizations.models import Agency, Employee
from schema.tables import Row


class NoticeKind(StrEnum):
    """What a notice says: a supervisor's digest of the team, or an employee's own day."""

    DIGEST = "DIGEST"
    NUDGE = "NUDGE"


class DeliveryState(StrEnum):
    """Where a notice stands on one channel."""

    WAITING = "WAITING"
    DELIVERED = "DELIVERED"
    FAILED = "FAILED"


class Contact(Row):
    """How a person is reached, and which notices they do not want; `address` is an e-mail's."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="contacts", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    address = fields.CharField(max_length=254, null=True)
    muted: list[str] = ArrayField(element_type="text", default=list)
    set_by = fields.CharField(max_length=120, null=True, description="who gave the address last")
    set_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "contact"
        unique_together = (("employee",),)


class Notice(Row):
    """What somebody is told of a day, once a kind and day. The facts stay as they were told."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="notices", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    kind = fields.CharEnumField(NoticeKind, max_length=6)
    day: date = fields.DateField(description="the recipient's, on which it is told")
    subject = fields.TextField()
    body = fields.TextField()
    facts: dict[str, Any] = fields.JSONField(description="what the words were made of")
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "notice"
        unique_together = (("employee", "kind", "day"),)
        indexes = (("agency_id",),)


class NoticeRound(Row):
    """How far an agency's people of one time zone have been gone through for a kind and day, by
    the keys of those people. One batch moves it on, so that each is looked at once."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    kind = fields.CharEnumField(NoticeKind, max_length=6)
    timezone = fields.CharField(max_length=40)
    day: date = fields.DateField(description="in that time zone")
    reached: UUID | None = fields.UUIDField(null=True, description="the last person looked at")
    finished_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "notice_round"
        unique_together = (("agency", "kind", "timezone", "day"),)


class NoticeDelivery(Row):
    """A notice on its way through one channel, an installation whose plugin delivers."""

    notice: fields.ForeignKeyRelation[Notice] = fields.ForeignKeyField(
        "ekinerja.Notice", related_name="deliveries", on_delete=fields.OnDelete.RESTRICT
    )
    notice_id: UUID
    installation_id = fields.UUIDField(description="the installation of the channel")
    state = fields.CharEnumField(DeliveryState, max_length=9, default=DeliveryState.WAITING)
    due_at: datetime = fields.DatetimeField()
    attempts = fields.IntField(default=0)
    problem: str | None = fields.TextField(null=True)
    delivered_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "notice_delivery"
        unique_together = (("notice", "installation_id"),)
