"""Tables of targets. Constraints that Tortoise cannot express are in migrations."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from tortoise import fields

from schema.organizations.models import Agency, Employee, Unit
from schema.tables import Row

if TYPE_CHECKING:
    from schema.plans.models import PerformancePlan


def quantity() -> fields.DecimalField[Decimal]:
    """An exact number: up to 16 places before the point, 6 behind."""
    return fields.DecimalField(max_digits=22, decimal_places=6)


def optional_quantity() -> fields.DecimalField[Decimal | None]:
    """An exact number, or None where nothing is known."""
    return fields.DecimalField(max_digits=22, decimal_places=6, null=True)


def optional_total() -> fields.DecimalField[Decimal | None]:
    """An exact sum of numbers, or None where nothing is known: up to 32 places before the point.

    Ten records of the largest quantity are more than `quantity` holds.
    """
    return fields.DecimalField(max_digits=38, decimal_places=6, null=True)


class Classification(StrEnum):
    """Whose a result is: inherited by the post's next holder, or the person's own."""

    ORGANIZATION = "ORGANIZATION"
    INDIVIDUAL = "INDIVIDUAL"


class TargetKind(StrEnum):
    """How a target is measured: in numbers, or by stages that no number describes."""

    QUANTITATIVE = "QUANTITATIVE"
    STAGED = "STAGED"


class ResultCategory(StrEnum):
    """Main (*utama*) serves the organization's goals; additional (*tambahan*) does not."""

    MAIN = "MAIN"
    ADDITIONAL = "ADDITIONAL"


class Perspective(StrEnum):
    """Under which a head of a unit groups results (PermenPANRB 8/2021, format A.6.1)."""

    SERVICE_RECIPIENTS = "SERVICE_RECIPIENTS"
    BUSINESS_PROCESS = "BUSINESS_PROCESS"
    INTERNAL_STRENGTHENING = "INTERNAL_STRENGTHENING"
    BUDGET = "BUDGET"


class EdgeKind(StrEnum):
    """How a child counts in its parent.

    DIRECT: its number is a part of the parent's. WEIGHTED: its achievement counts with a weight.
    INDIRECT: it is aligned only, shown and not counted.
    """

    DIRECT = "DIRECT"
    WEIGHTED = "WEIGHTED"
    INDIRECT = "INDIRECT"


class CascadeKind(StrEnum):
    """How a target serves its parent; ROOT serves none."""

    DIRECT = "DIRECT"
    WEIGHTED = "WEIGHTED"
    INDIRECT = "INDIRECT"
    ROOT = "ROOT"


class Aspect(StrEnum):
    """Aspect of an indicator: quantity, quality, time or cost."""

    QUANTITY = "QUANTITY"
    QUALITY = "QUALITY"
    TIME = "TIME"
    COST = "COST"


class Polarity(StrEnum):
    """Which way is better: up, down, or inside a range."""

    RISING = "RISING"
    FALLING = "FALLING"
    RANGE = "RANGE"


class Accumulation(StrEnum):
    """What the quantity of a record means: an addition, or the level that was measured."""

    SUM = "SUM"
    LATEST = "LATEST"


class Period(Row):
    """A planning period of an agency, most often a year; `code` is how people name it: 2026."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    code = fields.CharField(max_length=20)
    starts_on = fields.DateField()
    ends_on = fields.DateField(description="the last day, inclusive")

    class Meta:
        table = "period"
        unique_together = (("agency", "code"),)


class Target(Row):
    """A target: a goal of a unit, or a work result (*rencana hasil kerja, RHK*) of a person."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    period: fields.ForeignKeyRelation[Period] = fields.ForeignKeyField(
        "ekinerja.Period", on_delete=fields.OnDelete.RESTRICT
    )
    period_id: UUID
    code = fields.CharField(max_length=120)
    position = fields.IntField(description="order among siblings, as the source has it")
    title = fields.TextField()
    kind = fields.CharEnumField(TargetKind, max_length=14)
    classification = fields.CharEnumField(Classification, max_length=14)
    category = fields.CharEnumField(ResultCategory, max_length=10, default=ResultCategory.MAIN)
    assigned_by = fields.CharField(max_length=200, null=True, description="penugasan dari")
    perspective = fields.CharEnumField(Perspective, max_length=22, null=True)
    owner_unit: fields.ForeignKeyNullableRelation[Unit] = fields.ForeignKeyField(
        "ekinerja.Unit", related_name="targets", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    owner_unit_id: UUID | None
    owner_employee: fields.ForeignKeyNullableRelation[Employee] = fields.ForeignKeyField(
        "ekinerja.Employee", related_name="targets", null=True, on_delete=fields.OnDelete.RESTRICT
    )
    owner_employee_id: UUID | None
    plan: fields.ForeignKeyNullableRelation["PerformancePlan"] = fields.ForeignKeyField(
        "ekinerja.PerformancePlan",
        related_name="targets",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    plan_id: UUID | None

    class Meta:
        table = "target"
        unique_together = (("agency", "period", "code"),)
        indexes = (("period_id",), ("owner_unit_id",), ("owner_employee_id",), ("plan_id",))


class TargetEdge(Row):
    """One cascade edge: a child that serves a parent. The primary edge is the red thread.

    `weight` is percent of the parent; `achieved` is the child's achievement in percent as it
    was last rolled up, with six decimals. Both belong to WEIGHTED edges only.
    """

    parent: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="edges_down", on_delete=fields.OnDelete.RESTRICT
    )
    parent_id: UUID
    child: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="edges_up", on_delete=fields.OnDelete.RESTRICT
    )
    child_id: UUID
    kind = fields.CharEnumField(EdgeKind, max_length=8)
    weight: Decimal | None = fields.DecimalField(max_digits=9, decimal_places=4, null=True)
    achieved = optional_quantity()
    primary = fields.BooleanField(default=True)

    class Meta:
        table = "target_edge"
        unique_together = (("parent", "child"),)
        indexes = (("child_id",),)


class Indicator(Row):
    """An individual performance indicator (*indikator kinerja individu, IKI*) of a target.

    `own` is what this target's own confirmed records give; `realized` adds what flows in
    from the indicators whose `contributes_to` is this one. Both are None while nothing was
    recorded, which is not zero. `own_records` and `contributing` count the records behind
    `own` and `realized`.
    """

    target: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="indicators", on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID
    position = fields.IntField()
    aspect = fields.CharEnumField(Aspect, max_length=8)
    title = fields.TextField()
    unit_of_measure = fields.CharField(max_length=120, null=True)
    polarity = fields.CharEnumField(Polarity, max_length=8, default=Polarity.RISING)
    accumulation = fields.CharEnumField(Accumulation, max_length=8, default=Accumulation.SUM)
    baseline = optional_quantity()
    planned = optional_quantity()
    minimum = optional_quantity()
    maximum = optional_quantity()
    contributes_to: fields.ForeignKeyNullableRelation["Indicator"] = fields.ForeignKeyField(
        "ekinerja.Indicator",
        related_name="contributions",
        null=True,
        on_delete=fields.OnDelete.RESTRICT,
    )
    contributes_to_id: UUID | None
    own = optional_total()
    realized = optional_total()
    own_records = fields.IntField(default=0)
    contributing = fields.IntField(default=0)
    realized_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "indicator"
        unique_together = (("target", "position"),)
        indexes = (("contributes_to_id",),)


class TrajectoryPoint(Row):
    """A point of the planned path: by the end of this day, this much (cumulative)."""

    indicator: fields.ForeignKeyRelation[Indicator] = fields.ForeignKeyField(
        "ekinerja.Indicator", related_name="points", on_delete=fields.OnDelete.RESTRICT
    )
    indicator_id: UUID
    day: date = fields.DateField()
    planned = quantity()

    class Meta:
        table = "trajectory_point"
        unique_together = (("indicator", "day"),)


class Stage(Row):
    """A stage of staged work; done on the day of the first confirmed record that ended it."""

    target: fields.ForeignKeyRelation[Target] = fields.ForeignKeyField(
        "ekinerja.Target", related_name="stages", on_delete=fields.OnDelete.RESTRICT
    )
    target_id: UUID
    position = fields.IntField()
    title = fields.TextField()
    evidence = fields.TextField(null=True, description="what proves the stage, as planned")
    weight = fields.DecimalField(max_digits=9, decimal_places=4, null=True)
    completed_on: date | None = fields.DateField(null=True)

    class Meta:
        table = "stage"
        unique_together = (("target", "position"),)
