"""The GraphQL face of targets: plans, the target tree, indicators, stages, achievement."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from schema.arguments import After, Before, First, Id, Last
from schema.organizations.graph import IN_ORDER, Employee, Unit
from schema.predicates import of_target, sees_target_of, sees_work
from schema.selection.declarations import (
    IF_SEEN,
    Either,
    One,
    Value,
    after,
    column,
    declared,
    many,
    one,
    page,
    reads,
    same,
    value,
)
from schema.targets import models, rules

if TYPE_CHECKING:
    from schema.progress.graph import ProgressRecordConnection
    from schema.progress.models import RecordState

strawberry.enum(
    models.CascadeKind,
    description="How a target serves its parent: DIRECT is summed into it, INDIRECT is shown "
    "but not summed, ROOT has none.",
)
strawberry.enum(models.PlanState, description="Where a performance plan stands.")
strawberry.enum(models.Behaviour, description="The seven core values, BerAKHLAK.")
strawberry.enum(
    models.Classification,
    description="ORGANIZATION is inherited by the post's next holder, INDIVIDUAL is personal.",
)
strawberry.enum(
    models.TargetKind, description="Measured in numbers, or by stages that no number describes."
)
strawberry.enum(models.Aspect, description="Aspect of an indicator.")
strawberry.enum(models.Polarity, description="Which way is better.")
strawberry.enum(
    models.Accumulation, description="Whether quantities add up, or each states the level."
)

LazyRecordState = Annotated["RecordState", strawberry.lazy("schema.progress.models")]
LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]

TargetOwner = Annotated[
    Unit | Employee, strawberry.union("TargetOwner", description="A unit or a person.")
]

# What the rules of achievement ask of an indicator: how it is measured, and its planned path.
MEASURED = """SELECT {i}.polarity, {i}.planned::text, {i}.minimum::text, {i}.maximum::text,
  {i}.baseline::text, {i}.realized::text"""
POINTS = """(SELECT coalesce(json_agg(json_build_object('day', n$.day, 'planned', n$.planned::text)
  ORDER BY n$.day), '[]') FROM trajectory_point n$ WHERE n$.indicator_id = {i}.id)"""


def measured(indicators: str, path: str = "") -> str:
    """Indicators as the rules take them, as JSON; `indicators` is their FROM under `i$`."""
    columns = MEASURED.format(i="i$") + path
    return (
        f"""(SELECT coalesce(json_agg(row_to_json(f$)), '[]') FROM ({columns} {indicators}) f$)"""
    )


def reached(indicators: str, stages: str, figures: str) -> str:
    """The columns of Achievement, over indicators and stages; each is worked out where asked."""
    return f"""(SELECT {figures},
      {measured(indicators)} AS indicators,
      {measured(indicators, f", {POINTS.format(i='i$')} AS points")} AS paths,
      {stages} AS stages) @it"""


OWN = "FROM indicator i$ WHERE i$.target_id = @row.id AND @row.kind <> 'STAGED'"
STAGES = """(SELECT coalesce(json_agg(json_build_object('weight', s$.weight::text,
  'completed_on', s$.completed_on) ORDER BY s$.position), '[]')
  FROM stage s$ WHERE s$.target_id = @row.id AND @row.kind = 'STAGED')"""
REACHED_BY_TARGET = reached(
    OWN,
    STAGES,
    f"""(SELECT CASE WHEN count(*) = 1 THEN min(i$.realized) END {OWN})
        AS realized,
      (SELECT CASE WHEN count(*) = 1 THEN min(i$.planned) END {OWN})
        AS planned,
      (SELECT count(s$.completed_on) FROM stage s$ WHERE s$.target_id = @row.id
        HAVING @row.kind = 'STAGED') AS completed_stages,
      (SELECT max(i$.realized_at) {OWN}) AS as_of""",
)
HAS_MEASURE = """CASE @row.kind
  WHEN 'STAGED' THEN EXISTS (SELECT FROM stage s$ WHERE s$.target_id = @row.id)
  ELSE EXISTS (SELECT FROM indicator i$ WHERE i$.target_id = @row.id) END"""
REACHED_BY_INDICATOR = reached(
    "FROM (SELECT @row.*) i$",
    "NULL::json",
    "@row.realized, @row.planned, NULL::int AS completed_stages, @row.realized_at AS as_of",
)

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


@reads()
@strawberry.type(description="How far an indicator or a target has come. Missing is not zero.")
class Achievement:
    realized: Decimal | None = strawberry.field(
        description="The number reached, with what direct children add; null where nothing was "
        "recorded, or where a target has several indicators."
    )
    planned: Decimal | None = strawberry.field(description="The number planned.")
    completed_stages: int | None = strawberry.field(description="Of staged work only.")
    as_of: datetime | None = strawberry.field(description="When it last moved.")
    on_track: bool = after(
        rules.all_on_track,
        "Nothing that the planned path asked for by today is missing.",
        indicators="@row.paths",
        day="@today",
    )
    percentage: Decimal | None = after(
        rules.achieved,
        "In percent of the plan, two decimals; not capped. Of a target: the mean of "
        "its indicators, or the completed weight of its stages.",
        indicators="@row.indicators",
        stages="@row.stages",
    )


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


@reads(model=models.ActionPlan, visible=of_target("@it.target_id"))
@strawberry.type(description="An action plan (rencana aksi) of a target.")
class ActionPlan(relay.Node):
    id: relay.NodeID[UUID]
    description: str = strawberry.field(description="What is to be done.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day.")
    quantity: Decimal | None = strawberry.field(description="How much, where it has a number.")
    unit_of_measure: str | None = strawberry.field(description="Of the quantity.")


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
    action_plans: list[ActionPlan] = many(
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


@reads()
@strawberry.type(description="One behaviour of a plan, with the leader's special expectation.")
class BehaviourExpectation:
    behaviour: models.Behaviour = strawberry.field(description="One of the seven values.")
    expectation: str | None = strawberry.field(
        description="Ekspektasi khusus pimpinan; null where the leader said nothing."
    )


SEVEN = ", ".join(f"({place}, '{one}')" for place, one in enumerate(models.Behaviour))


@reads(model=models.PerformancePlan, visible=sees_work("@it.employee_id"))
@strawberry.type(description="A performance plan (SKP) of one post in one period.")
class PerformancePlan(relay.Node):
    id: relay.NodeID[UUID]
    state: models.PlanState = strawberry.field(description="Where it stands.")
    period: str = value(
        "(SELECT p$.code FROM period p$ WHERE p$.id = @row.period_id)",
        "The planning period's code.",
    )
    employee: Employee = strawberry.field(description="Whose plan it is.")
    appraiser: Employee | None = one(
        "assignment a$ JOIN employee @it ON @it.id = a$.appraiser_id",
        "Who appraises for this post; null at the top.",
        where="a$.id = @row.assignment_id",
    )
    targets: list[Target] = many(None, "The work results of the plan.", order=IN_ORDER)
    behaviours: list[BehaviourExpectation] = many(
        f"""(VALUES {SEVEN}) v$ (place, behaviour) CROSS JOIN LATERAL (
          SELECT v$.behaviour, (SELECT x$.expectation FROM behaviour_expectation x$
            WHERE x$.plan_id = @row.id AND x$.behaviour = v$.behaviour) AS expectation
        ) @it""",
        "The seven values, each once.",
        order="v$.place",
    )


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
