"""Tables of matrices. Constraints that Tortoise cannot express are in migrations."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields

from schema.organizations.models import Agency, Employee
from schema.plans.models import PerformancePlan
from schema.tables import Row
from schema.targets.models import EdgeKind, Indicator, Target, optional_quantity


class MemberRole(StrEnum):
    """How somebody takes part: leads the team (*ketua, koordinator*), or is of it."""

    COORDINATOR = "COORDINATOR"
    MEMBER = "MEMBER"


class Publication(StrEnum):
    """How members come to their rows: they receive them at once, or pick them."""

    RECEIVE = "RECEIVE"
    PICK = "PICK"


class RoleMatrix(Row):
    """A matrix of roles and results (*matriks peran hasil, MPH*): people by the leader's results.

    Of a leader's plan. It is edited as one thing; `version` grows with each change.
    """

    plan: fields.OneToOneRelation[PerformancePlan] = fields.OneToOneField(
        "ekinerja.PerformancePlan", related_name="matrix", on_delete=fields.OnDelete.RESTRICT
    )
    plan_id: UUID
    version = fields.IntField(default=1)
    publication = fields.CharEnumField(Publication, max_length=7, null=True)
    published_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "role_matrix"


class MatrixMember(Row):
    """A row of a matrix: somebody who takes part, of whichever unit."""

    matrix: fields.ForeignKeyRelation[RoleMatrix] = fields.ForeignKeyField(
        "ekinerja.RoleMatrix", related_name="members", on_delete=fields.OnDelete.CASCADE
    )
    matrix_id: UUID
    employee: fields.ForeignKeyRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="matrix_rows", on_delete=fields.OnDelete.RESTRICT
    )
    employee_id: UUID
    position = fields.IntField()
    role = fields.CharEnumField(MemberRole, max_length=11, default=MemberRole.MEMBER)

    class Meta:
        table = "matrix_member"
        unique_together = (("matrix", "employee"),)
        indexes = (("employee_id",),)


class MatrixCell(Row):
    """What one member brings to one result of the leader: a result, not an activity.

    `share` is the member's part of `indicator`, for DIRECT cells; `weight` percent of the
    leader's result, for WEIGHTED ones. `target` is the row that it has become in the member's plan.
    """

    member: fields.ForeignKeyRelation[MatrixMember] = fields.ForeignKeyField(
        "ekinerja.MatrixMember", related_name="cells", on_delete=fields.OnDelete.CASCADE
    )
    member_id: UUID
    result: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="matrix_cells", on_delete=fields.OnDelete.RESTRICT
    )
    result_id: UUID
    title = fields.TextField()
    kind = fields.CharEnumField(EdgeKind, max_length=8)
    weight: Decimal | None = fields.DecimalField(max_digits=9, decimal_places=4, null=True)
    indicator: fields.ForeignKeyNullableRelation[Indicator] = fields.ForeignKeyField(
        "ekinerja.Indicator", related_name="shares", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    indicator_id: UUID | None
    share = optional_quantity()
    target: fields.ForeignKeyNullableRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="from_cell", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID | None

    class Meta:
        table = "matrix_cell"
        unique_together = (("member", "result"),)
        indexes = (("result_id",), ("indicator_id",), ("target_id",))


class CascadeTemplate(Row):
    """Rows of results that many people are given alike; `results` is checked by `rules.py`."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    code = fields.CharField(max_length=60)
    name = fields.TextField()
    version = fields.IntField(default=1)
    results: list[dict[str, Any]] = fields.JSONField()

    class Meta:
        table = "cascade_template"
        unique_together = (("agency", "code"),)
