"""The GraphQL face of targets: plans, the target tree, indicators, stages, achievement."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from schema.arguments import After, Before, First, Id, Last
from schema.organizations.graph import Employee, Unit
from schema.organizations.places import IN_ORDER
from schema.predicates import of_target, sees_target_of
from schema.selection.declarations import (
    IF_SEEN,
    Either,
    One,
    Value,
    column,
    declared,
    many,
    one,
    page,
    reads,
    same,
    value,
)
from schema.targets import models
from schema.targets.achievement import (
    HAS_MEASURE,
    REACHED_BY_INDICATOR,
    REACHED_BY_TARGET,
    Achievement,
)

if TYPE_CHECKING:
    from schema.plans.graph import ActionPlan
    from schema.progress.graph import ProgressRecordConnection
    from schema.progress.models import RecordState

strawberry.enum(
    models.EdgeKind,
    description="DIRECT: its number is a part of the parent's. WEIGHTED: its achievement counts "
    "with a weight. INDIRECT: aligned only, shown and not counted.",
)
strawberry.enum(
    models.CascadeKind,
    description="How a target serves its parent: DIRECT is summed into it, WEIGHTED counts with a "
    "weight, INDIRECT is aligned only, shown but not counted, ROOT has none.",
)
strawberry.enum(
    models.Classification,
    description="ORGANIZATION is inherited by the post's next holder, INDIVIDUAL is personal.",
)
strawberry.enum(
    models.TargetKind, description="Measured in numbers, or by stages that no number describes."
)
strawberry.enum(
    models.ResultCategory, description="MAIN serves the organization's goals, ADDITIONAL not."
)
strawberry.enum(models.Perspective, description="Under which a head of a unit groups results.")
strawberry.enum(models.Aspect, description="Aspect of an indicator.")
strawberry.enum(models.Polarity, description="Which way is better.")
strawberry.enum(
    models.Accumulation, description="Whether quantities add up, or each states the level."
)

LazyActionPlan = Annotated["ActionPlan", strawberry.lazy("schema.plans.graph")]
LazyRecordState = Annotated["RecordState", strawberry.lazy("schema.progress.models")]
LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]

TargetOwner = Annotated[
    Unit | Employee, strawberry.union("TargetOwner", description="A unit or a person.")
]

# PermenPANRB 8/2021, annex: a result that is cascaded directly is not counted in the score of the
# coordinator who handed it on; a unit's head answers for it all the same.
COUNTS = """(NOT EXISTS (SELECT FROM target_edge h$ WHERE h$.parent_id = @row.id
    AND h$.kind = 'DIRECT')
  OR (SELECT a$.heads_unit FROM performance_plan q$ JOIN assignment a$ ON a$.id = q$.assignment_id
    WHERE q$.id = @row.plan_id))"""

# From a target that the viewer sees up to the agency's goal, also over what they do not see whole:
# there the owner comes with the knot.
KNOTS = "red_thread({key}) @it"
WHOSE = {"Unit": "@row.owner_unit_id IS NOT NULL", "Employee": "@row.owner_employee_id IS NOT NULL"}
KNOT = {
    "cascade": Value(sql="@row.cascade"),
    "owner": Either(
        members={
            "Unit": One(source="(SELECT (@row.owner_unit).*) @it", raw=True),
            "Employee": One(source="(SELECT (@row.owner_employee).*) @it", raw=True),
        },
        when=WHOSE,
    ),
}


@reads(model=models.TrajectoryPoint)
@strawberry.type(description="A point of the planned path and of the actual path.")
class TrajectoryPoint:
    on: date = value("@row.day", "By the end of this day.")
    planned: Decimal = strawberry.field(description="Planned in all by then (cumulative).")
    actual: Decimal | None = value(
        "CASE WHEN coalesce((SELECT max(b$.day) < @today FROM trajectory_point b$ "
        "WHERE b$.indicator_id = @row.indicator_id AND b$.day < @row.day), true) "
        "THEN actual_by(@row.indicator_id, @row.day) END",
        "Reached in all by then; null where nothing was, or its time has not begun.",
    )


@reads(model=models.Indicator)
@strawberry.type(description="Numbers along a planned path.")
class Trajectory:
    unit_of_measure: str | None = strawberry.field(description="Unit of all numbers here.")
    planned: Decimal | None = strawberry.field(description="The number to reach.")
    minimum: Decimal | None = strawberry.field(description="Of a range: its lower end.")
    maximum: Decimal | None = strawberry.field(description="Of a range: its upper end.")
    baseline: Decimal | None = strawberry.field(description="Where it began, if not at zero.")
    polarity: models.Polarity = strawberry.field(description="Which way is better.")
    accumulation: models.Accumulation = strawberry.field(description="What a quantity means.")
    points: list[TrajectoryPoint] = many(
        None, "The points of the path, by day.", order="@it.day", trusted=True
    )


@reads(model=models.Indicator, visible=of_target("@it.target_id"))
@strawberry.type(description="A performance indicator (IKI) of a target.")
class Indicator(relay.Node):
    id: relay.NodeID[UUID]
    aspect: models.Aspect = strawberry.field(description="Quantity, quality, time or cost.")
    title: str = strawberry.field(description="What is measured.")
    unit_of_measure: str | None = strawberry.field(description="Null where the source has none.")
    measure: Trajectory = same("@row", "The plan and the path.")
    achievement: Achievement | None = one(REACHED_BY_INDICATOR, "How far it has come.")


@reads(model=models.Stage, visible=of_target("@it.target_id"))
@strawberry.type(description="A stage of staged work.")
class Stage(relay.Node):
    id: relay.NodeID[UUID]
    position: int = strawberry.field(description="Its place in the order.")
    title: str = strawberry.field(description="What is to be done.")
    evidence: str | None = strawberry.field(description="What is to prove it, as planned.")
    weight: Decimal | None = strawberry.field(description="Share of the whole; null: all alike.")
    completed_on: date | None = strawberry.field(
        description="Day of the first confirmed record that ended it."
    )


@reads(model=models.Target)
@strawberry.type(description="Work in ordered stages, which no number describes.")
class StagedWork:
    stages: list[Stage] = many(None, "In their order.", order="@it.position", trusted=True)


@reads(
    model=models.Target,
    joins="LEFT JOIN employee @it_owner ON @it_owner.id = @it.owner_employee_id",
    visible=sees_target_of("@it", "@it_owner"),
)
@strawberry.type(
    description="A goal of a unit, or a work result (RHK) of a person. On a red thread a viewer "
    "also meets targets of others: title and owner are shown, the rest is null or empty."
)
class Target(relay.Node):
    id: relay.NodeID[UUID]
    title: str = strawberry.field(description="What is to be reached.")
    code: str | None = column("Unique in the agency and period.", sees=IF_SEEN)
    kind: models.TargetKind | None = column("How it is measured.", sees=IF_SEEN)
    classification: models.Classification | None = column("Whose result it is.", sees=IF_SEEN)
    category: models.ResultCategory | None = column("Main or additional.", sees=IF_SEEN)
    assigned_by: str | None = column("By whose assignment (penugasan dari).", sees=IF_SEEN)
    perspective: models.Perspective | None = column(
        "Of the head of a unit: the perspective.", sees=IF_SEEN
    )
    period: str | None = value(
        "(SELECT p$.code FROM period p$ WHERE p$.id = @row.period_id)",
        "The planning period's code, such as 2026.",
        sees=IF_SEEN,
    )
    owner: TargetOwner = declared(
        Either(
            members={
                "Unit": One(source="unit @it", where="@it.id = @row.owner_unit_id"),
                "Employee": One(same="@row_owner", where="@row_owner.id IS NOT NULL"),
            },
            when=WHOSE,
        ),
        "The unit or person it belongs to.",
    )
    cascade: models.CascadeKind = value(
        "coalesce((SELECT e$.kind FROM target_edge e$ "
        "WHERE e$.child_id = @row.id AND e$.\"primary\"), 'ROOT')",
        "How it serves its parent.",
    )
    parent: "Target | None" = one(
        KNOTS.format(key="@row.id"),
        "What it serves first of all.",
        where="@it.distance = 1",
        columns=KNOT,
        raw=True,
    )
    path: list["Target"] = many(
        KNOTS.format(key="@row.id"),
        "The red thread (benang merah): from the agency's goal down to here.",
        order="@it.distance DESC",
        columns=KNOT,
        raw=True,
    )
    children: list["Target"] = many(
        "target_edge e$ JOIN target @it ON @it.id = e$.child_id",
        "What serves it, as far as the viewer may see.",
        where="e$.parent_id = @row.id",
        order=IN_ORDER,
        sees=IF_SEEN,
    )
    indicators: list[Indicator] = many(
        None,
        "None, one or several, in different units.",
        order="@it.position",
        trusted=True,
        sees=IF_SEEN,
    )
    staged_work: StagedWork | None = same(
        "@row",
        "Null where the target has no stages.",
        where="EXISTS (SELECT FROM stage s$ WHERE s$.target_id = @row.id)",
        sees=IF_SEEN,
    )
    achievement: Achievement | None = one(
        REACHED_BY_TARGET,
        "Null where it has neither indicator nor stage.",
        where=HAS_MEASURE,
        sees=IF_SEEN,
    )
    counts_in_plan: bool | None = value(
        f"CASE WHEN @row.plan_id IS NOT NULL THEN {COUNTS} END",
        "Whether it counts in its plan's score; null where it is in none.",
        sees=IF_SEEN,
    )
    action_plans: list[LazyActionPlan] = many(
        None,
        "What is to be done for it within the period.",
        order="@it.position",
        trusted=True,
        sees=IF_SEEN,
    )

    @page(
        "progress_record @it",
        "Records that count for it, newest first, as far as the viewer may see.",
        where="@it.target_id = @row.id",
        given={"state": "@it.state = @state"},
        keys={"@it.starts_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        type=LazyRecords,
    )
    def records(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
        state: Annotated[
            LazyRecordState | None, strawberry.argument(description="Only records in this state.")
        ] = None,
    ) -> None: ...


@strawberry.type
class TargetQuery:
    @one(
        "target @it",
        "A target by its id.",
        where="@it.id = @id",
        ids={"id": "Target"},
        type=Target | None,
    )
    def target(self, id: Id) -> None: ...
