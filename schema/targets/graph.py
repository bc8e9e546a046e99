"""The GraphQL face of targets: plans, the target tree, indicators, stages, achievement."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from schema.arguments import After, Before, First, Id, Last
from schema.organizations.graph import IN_ORDER, Employee, Unit
from schema.predicates import of_target, sees_target, sees_target_of
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
from schema.targets import explaining, figures, models, rules, tracking

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
strawberry.enum(
    tracking.TrackStatus,
    description="NOT_DUE: nothing is due yet; NO_DATA: something is, and nobody has a number.",
)
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

# The columns of Achievement, each worked out only where it is asked.
OF_ROW = figures.of("@row", figures.OWN_INDICATORS)
ITSELF = "FROM (SELECT @row.*) i$"


def reached(indicators: str, **given: str) -> str:
    """FROM of an Achievement: what the rules ask for, and figures as columns."""
    needs = {
        "indicators": figures.measured(indicators),
        "paths": figures.measured(indicators, figures.POINTS),
    } | given
    return f"(SELECT {', '.join(f'{sql} AS {name}' for name, sql in needs.items())}) @it"


def single(column: str) -> str:
    """A column of the target's only indicator; NULL where it has several."""
    return f"""(SELECT CASE WHEN count(*) = 1 THEN min(i$.{column}) END
      FROM indicator i$ WHERE i$.target_id = @row.id AND @row.kind <> 'STAGED')"""


REACHED_BY_TARGET = reached(
    OF_ROW,
    stages=figures.of("@row", figures.STAGES),
    children=figures.of("@row", figures.CHILDREN),
    policy=figures.of("@row", figures.POLICY),
    realized=single("realized"),
    planned=single("planned"),
    completed_stages="""(SELECT count(s$.completed_on) FROM stage s$ WHERE s$.target_id = @row.id
      HAVING @row.kind = 'STAGED')""",
    as_of="""(SELECT max(i$.realized_at) FROM indicator i$
      WHERE i$.target_id = @row.id AND @row.kind <> 'STAGED')""",
    target_id="@row.id",
    indicator_id="NULL::uuid",
)
HAS_MEASURE = """CASE @row.kind
  WHEN 'STAGED' THEN EXISTS (SELECT FROM stage s$ WHERE s$.target_id = @row.id)
  ELSE EXISTS (SELECT FROM indicator i$ WHERE i$.target_id = @row.id) END
  OR EXISTS (SELECT FROM target_edge e$ WHERE e$.parent_id = @row.id AND e$.kind = 'WEIGHTED')"""
REACHED_BY_INDICATOR = reached(
    ITSELF,
    stages="NULL::json",
    children="'[]'::json",
    policy=f"""(SELECT {figures.of("w$", figures.POLICY)} FROM target w$
      WHERE w$.id = @row.target_id)""",
    realized="@row.realized",
    planned="@row.planned",
    completed_stages="NULL::int",
    as_of="@row.realized_at",
    target_id="@row.target_id",
    indicator_id="@row.id",
)
FACTS = {
    "indicators": "@row.indicators",
    "stages": "@row.stages",
    "children": "@row.children",
    "policy": "@row.policy",
}
PATHS = {"indicators": "@row.paths", "day": "@today", "policy": "@row.policy"}

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


@strawberry.type(description="How something stands on its planned path.")
class Track:
    status: tracking.TrackStatus = strawberry.field(description="The verdict.")
    rule: str = strawberry.field(description="What gave it, in numbers.")


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
        tracking.is_on_track,
        "Nothing that the planned path asked for by today is missing.",
        **PATHS,
    )
    track: Track = after(tracking.worst, "How it stands on its path, and by which rule.", **PATHS)
    percentage: Decimal | None = after(
        rules.achieved,
        "In percent of the plan, two decimals, at most the cap of the agency's policy. Of a "
        "target: its weighted children and, with what is left of 100, its own: the mean of its "
        "indicators, or the completed weight of its stages.",
        **FACTS,
    )
    known_share: Decimal = after(
        rules.known_share,
        "How much of it rests on something known, in percent; the rest has no number yet.",
        **FACTS,
    )
    explanation: "Explanation" = same(
        "@row", "How it comes about, down to the records and their source events."
    )


@strawberry.enum(description="What a part of a figure is.")
class PartKind(StrEnum):
    INDICATOR = "INDICATOR"
    STAGE = "STAGE"
    WEIGHTED = "WEIGHTED"
    OWN = "OWN"
    DIRECT = "DIRECT"


# Of a target its indicators, stages and weighted children; of an indicator what was recorded for
# it and what flows in. Parts that are not the viewer's to see are left out.
PARTS = f"""(
  SELECT 'INDICATOR' AS kind, p$.position AS place, p$.id, p$.title, NULL::numeric AS weight,
    p$.realized AS amount, NULL::numeric AS percentage, NULL::date AS completed_on,
    p$.target_id, p$.id AS indicator_id
  FROM indicator p$ JOIN target c$ ON c$.id = p$.target_id AND c$.kind <> 'STAGED'
  WHERE @row.indicator_id IS NULL AND p$.target_id = @row.target_id
  UNION ALL
  SELECT 'STAGE', p$.position, p$.id, p$.title, p$.weight, NULL, NULL, p$.completed_on,
    p$.target_id, NULL
  FROM stage p$ JOIN target c$ ON c$.id = p$.target_id AND c$.kind = 'STAGED'
  WHERE @row.indicator_id IS NULL AND p$.target_id = @row.target_id
  UNION ALL
  SELECT 'WEIGHTED', c$.position, c$.id, c$.title, p$.weight, NULL, p$.achieved, NULL, c$.id, NULL
  FROM target_edge p$ JOIN target c$ ON c$.id = p$.child_id
  WHERE @row.indicator_id IS NULL AND p$.parent_id = @row.target_id AND p$.kind = 'WEIGHTED'
    AND ({sees_target("c$")})
  UNION ALL
  SELECT 'OWN', p$.position, p$.id, p$.title, NULL, p$.own, NULL, NULL, p$.target_id, p$.id
  FROM indicator p$ WHERE p$.id = @row.indicator_id AND p$.own_records > 0
  UNION ALL
  SELECT 'DIRECT', p$.position, p$.id, p$.title, NULL, p$.realized, NULL, NULL, p$.target_id, p$.id
  FROM indicator p$ JOIN target c$ ON c$.id = p$.target_id
  WHERE p$.contributes_to_id = @row.indicator_id AND ({sees_target("c$")})
) @it"""
BEHIND = "records_behind(@row.target_id, @row.indicator_id)"


@reads()
@strawberry.type(description="A part of a figure.")
class FigurePart:
    kind: PartKind = strawberry.field(
        description="Of a target: INDICATOR, STAGE or WEIGHTED child. Of an indicator: its OWN "
        "records, or what flows in from a DIRECT child."
    )
    title: str = strawberry.field(description="Of the indicator, stage or target.")
    weight: Decimal | None = strawberry.field(description="Of a stage, or of a weighted child.")
    amount: Decimal | None = strawberry.field(description="The number reached.")
    percentage: Decimal | None = strawberry.field(
        description="Of a weighted child: its achievement as it counts."
    )
    completed_on: date | None = strawberry.field(description="Of a stage.")
    target: "Target | None" = one(
        "target @it", "Where it is from.", where="@it.id = @row.target_id", trusted=True
    )
    indicator: "Indicator | None" = one(
        "indicator @it", "Of which indicator.", where="@it.id = @row.indicator_id", trusted=True
    )


@reads()
@strawberry.type(description="How a figure comes about.")
class Explanation:
    formula: str = after(
        explaining.formula, "The arithmetic in numbers: (80 x 40 + 50 x 60) / 100 = 62.", **FACTS
    )
    parts: list[FigurePart] = many(
        PARTS,
        "What it is made of, as far as it is yours to see.",
        order="@it.kind, @it.place, @it.id",
    )
    record_count: int = value(
        f"(SELECT count(*) FROM {BEHIND})", "How many confirmed records are behind it in all."
    )

    @page(
        "progress_record @it",
        "The confirmed records behind it, newest first, as far as they are yours to see; each "
        "with its source's facts (`activity`) and its red thread.",
        where=f"@it.id IN (SELECT {BEHIND})",
        keys={"@it.starts_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        type=LazyRecords,
    )
    def records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...


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
