"""Tables of organizations. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from schema.access import Role
from schema.tables import Row


class ClockDirection(StrEnum):
    """Which way somebody passed the clock."""

    IN = "IN"
    OUT = "OUT"


class AssignmentKind(StrEnum):
    """How a post is held: definitive, or acting (*pelaksana tugas, pelaksana harian*)."""

    DEFINITIVE = "DEFINITIVE"
    PLT = "PLT"
    PLH = "PLH"


class AbsenceKind(StrEnum):
    """Why somebody is not at their usual work: *cuti*, *sakit*, *perjalanan dinas*, or without
    leave (*tanpa keterangan*)."""

    LEAVE = "LEAVE"
    SICKNESS = "SICKNESS"
    DUTY_TRAVEL = "DUTY_TRAVEL"
    UNEXCUSED = "UNEXCUSED"


class AbsenceState(StrEnum):
    """Where an absence stands: said by the employee, then accepted or refused by a superior."""

    REPORTED = "REPORTED"
    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    WITHDRAWN = "WITHDRAWN"


class Agency(Row):
    """An agency (*instansi*): ministry, institution, or regional government."""

    code = fields.CharField(max_length=60, unique=True)
    name = fields.TextField()
    timezone = fields.CharField(max_length=40, default="Asia/Jakarta")

    class Meta:
        table = "agency"


class Unit(Row):
    """A unit (*unit organisasi, unor*). Its place in the tree is dated: see UnitPlacement."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    code = fields.CharField(max_length=60)
    name = fields.TextField()
    kind = fields.CharField(max_length=60, description="the level as the source names it")

    class Meta:
        table = "unit"
        unique_together = (("agency", "code"),)


class UnitPlacement(Row):
    """Under which unit a unit stands, from a day (inclusive) until a day (exclusive)."""

    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="placements", on_delete=fields.OnDelete.RESTRICT
    )
    unit_id: UUID
    parent: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="placed_under", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    parent_id: UUID | None
    starts_on = fields.DateField()
    ends_on = fields.DateField(null=True)

    class Meta:
        table = "unit_placement"
        indexes = (("unit_id",), ("parent_id",))


class Employee(Row):
    """An employee (*pegawai*), PNS or PPPK.

    `superiors` is the line of appraisers as of the last refresh, nearest first: derived from
    assignments by the database function `refresh_reporting_lines`, never written by hand.
    """

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    nip = fields.CharField(max_length=18, unique=True)
    name = fields.TextField()
    timezone = fields.CharField(max_length=40, default="Asia/Jakarta")
    superiors = ArrayField(element_type="uuid", default=list)

    class Meta:
        table = "employee"
        indexes = (("agency_id",),)


class Assignment(Row):
    """A post held by an employee from a day (inclusive) until a day (exclusive).

    `appraiser` is the *pejabat penilai kinerja* (PermenPANRB 6/2022, Pasal 1): the direct
    superior for this post. None at the top of an agency.
    """

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="assignments", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    unit: fields.ForeignKeyRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="assignments", on_delete=fields.OnDelete.RESTRICT
    )
    unit_id: UUID
    appraiser: fields.ForeignKeyNullableRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="appraises", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    appraiser_id: UUID | None
    position = fields.TextField()
    kind = fields.CharEnumField(AssignmentKind, max_length=12, default=AssignmentKind.DEFINITIVE)
    heads_unit = fields.BooleanField(default=False)
    starts_on = fields.DateField()
    ends_on = fields.DateField(null=True)

    class Meta:
        table = "assignment"
        indexes = (("employee_id",), ("unit_id",), ("appraiser_id",))


class RoleGrant(Row):
    """A role of a token's subject in an agency. The subject is a NIP or a service's name."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    subject = fields.CharField(max_length=120)
    role = fields.CharEnumField(Role, max_length=16)
    installation_id = fields.UUIDField(
        null=True, description="the connector installation that a service account speaks for"
    )

    class Meta:
        table = "role_grant"
        unique_together = (("subject", "agency", "role"),)
        indexes = (("agency_id",),)


class ClockEvent(Row):
    """Somebody clocked in or out (*presensi*), as a source says. Append-only; presence, not work.

    `retracted_at` is set when the source takes it back.
    """

    installation_id = fields.UUIDField(description="the connector installation that says so")
    source_id = fields.CharField(max_length=200)
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="clock_events", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    day = fields.DateField(description="in the employee's own time zone")
    at = fields.DatetimeField()
    direction = fields.CharEnumField(ClockDirection, max_length=3)
    place: str | None = fields.TextField(null=True)
    received_at = fields.DatetimeField()
    retracted_at = fields.DatetimeField(null=True)

    class Meta:
        table = "clock_event"
        unique_together = (("installation_id", "source_id"),)
        indexes = (("employee_id", "day"),)


class Absence(Row):
    """Somebody is away from a day until a day, both inclusive; or for a part of one day, between
    two local times. Never deleted: what was withdrawn or refused stays, and counts no more."""

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="absences", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    kind = fields.CharEnumField(AbsenceKind, max_length=11)
    state = fields.CharEnumField(AbsenceState, max_length=9)
    starts_on: date = fields.DateField()
    ends_on: date = fields.DateField()
    from_time: time | None = fields.TimeField(null=True, description="local; of a part of one day")
    until_time: time | None = fields.TimeField(null=True)
    note: str | None = fields.TextField(null=True)
    reported_by = fields.CharField(max_length=120)
    reported_at: datetime = fields.DatetimeField()
    decided_by = fields.CharField(max_length=120, null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "absence"
        indexes = (("employee_id", "starts_on"),)


class AbsenceEvent(Row):
    """One line of an absence's history: who brought it to a state, when, and what they said.
    Append-only."""

    absence: fields.ForeignKeyRelation[Absence] = fields.ForeignKeyField(
        "ekinerja.Absence", related_name="history", on_delete=fields.OnDelete.RESTRICT
    )
    absence_id: UUID
    state = fields.CharEnumField(AbsenceState, max_length=9, description="from then on")
    actor = fields.CharField(max_length=120, description="the token's subject")
    at: datetime = fields.DatetimeField()
    comment: str | None = fields.TextField(null=True)

    class Meta:
        table = "absence_event"
        indexes = (("absence_id",),)


class DayDone(Row):
    """Somebody says that all of a day is written, so that a short day is not a forgotten one.

    `reopened_at` takes the last mark back; marking again clears it.
    """

    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="days_done", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    day: date = fields.DateField()
    done_at: datetime = fields.DatetimeField()
    reopened_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "day_done"
        unique_together = (("employee", "day"),)


class TokenRevocation(Row):
    """Tokens of a subject that were issued before an instant hold no more. Append-only."""

    subject = fields.CharField(max_length=120)
    issued_before: datetime = fields.DatetimeField()
    reason: str | None = fields.TextField(null=True)
    revoked_by = fields.CharField(max_length=120)
    revoked_at: datetime = fields.DatetimeField()

    class Meta:
        table = "token_revocation"
        indexes = (("subject", "issued_before"),)
