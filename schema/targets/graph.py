"""The GraphQL face of targets: plans, the target tree, indicators, stages, achievement."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Parent, relay

from schema.arguments import After, First, Id
from schema.context import Info
from schema.errors import NotFound
from schema.nesting import nesting
from schema.organizations.graph import Employee, Unit
from schema.permissions import SeesTarget, silently
from schema.relay import backed_by, connection_of, key_of, page_of
from schema.targets import models
from schema.targets.loaders import Reached, cascade_of
from schema.values import rounded

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


@strawberry.type(description="How far an indicator or a target has come. Missing is not zero.")
class Achievement:
    realized: Decimal | None = strawberry.field(
        description="The number reached, with what direct children add; null where nothing was "
        "recorded, or where a target has several indicators."
    )
    planned: Decimal | None = strawberry.field(description="The number planned.")
    completed_stages: int | None = strawberry.field(description="Of staged work only.")
    on_track: bool = strawberry.field(
        description="Nothing that the planned path asked for by today is missing."
    )
    as_of: datetime | None = strawberry.field(description="When it last moved.")

    @strawberry.field(
        description="In percent of the plan, two decimals; not capped. Of a target: the mean of "
        "its indicators, or the completed weight of its stages."
    )
    def percentage(self, root: Parent[Reached]) -> Decimal | None:
        return None if root.percentage is None else rounded(root.percentage)


@strawberry.type(description="A point of the planned path and of the actual path.")
class TrajectoryPoint:
    on: date = strawberry.field(description="By the end of this day.")
    planned: Decimal = strawberry.field(description="Planned in all by then (cumulative).")
    actual: Decimal | None = strawberry.field(
        description="Reached in all by then; null where nothing was, or its time has not begun."
    )


@strawberry.type(description="Numbers along a planned path.")
class Trajectory:
    unit_of_measure: str | None = strawberry.field(description="Unit of all numbers here.")
    planned: Decimal | None = strawberry.field(description="The number to reach.")
    minimum: Decimal | None = strawberry.field(description="Of a range: its lower end.")
    maximum: Decimal | None = strawberry.field(description="Of a range: its upper end.")
    baseline: Decimal | None = strawberry.field(description="Where it began, if not at zero.")
    polarity: models.Polarity = strawberry.field(description="Which way is better.")
    accumulation: models.Accumulation = strawberry.field(description="What a quantity means.")

    @strawberry.field(description="The points of the path, by day.")
    async def points(self, root: Parent[models.Indicator], info: Info) -> list[TrajectoryPoint]:
        return await info.context.loaders.targets.paths.load(root.id)  # type: ignore[return-value]


@strawberry.type(description="A performance indicator (IKI) of a target.")
class Indicator(relay.Node):
    is_type_of = backed_by(models.Indicator)
    id: relay.NodeID[UUID]
    aspect: models.Aspect = strawberry.field(description="Quantity, quality, time or cost.")
    title: str = strawberry.field(description="What is measured.")
    unit_of_measure: str | None = strawberry.field(description="Null where the source has none.")

    @strawberry.field(graphql_type=Trajectory, description="The plan and the path.")
    def measure(self, root: Parent[models.Indicator]) -> object:
        return root

    @strawberry.field(graphql_type=Achievement | None, description="How far it has come.")
    async def achievement(self, root: Parent[models.Indicator], info: Info) -> object:
        return await info.context.loaders.targets.reached_by_indicator(root)


@strawberry.type(description="A stage of staged work.")
class Stage(relay.Node):
    is_type_of = backed_by(models.Stage)
    id: relay.NodeID[UUID]
    position: int = strawberry.field(description="Its place in the order.")
    title: str = strawberry.field(description="What is to be done.")
    evidence: str | None = strawberry.field(description="What is to prove it, as planned.")
    weight: Decimal | None = strawberry.field(description="Share of the whole; null: all alike.")
    completed_on: date | None = strawberry.field(
        description="Day of the first confirmed record that ended it."
    )


@strawberry.type(description="Work in ordered stages, which no number describes.")
class StagedWork:
    stages: list[Stage] = strawberry.field(description="In their order.")


@strawberry.type(description="An action plan (rencana aksi) of a target.")
class ActionPlan(relay.Node):
    is_type_of = backed_by(models.ActionPlan)
    id: relay.NodeID[UUID]
    description: str = strawberry.field(description="What is to be done.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day.")
    quantity: Decimal | None = strawberry.field(description="How much, where it has a number.")
    unit_of_measure: str | None = strawberry.field(description="Of the quantity.")


@strawberry.type(
    description="A goal of a unit, or a work result (RHK) of a person. On a red thread a viewer "
    "also meets targets of others: title and owner are shown, the rest is null or empty."
)
class Target(relay.Node):
    is_type_of = backed_by(models.Target)
    id: relay.NodeID[UUID]
    title: str = strawberry.field(description="What is to be reached.")
    code: str | None = strawberry.field(
        description="Unique in the agency and period.", extensions=silently(SeesTarget)
    )
    kind: models.TargetKind | None = strawberry.field(
        description="How it is measured.", extensions=silently(SeesTarget)
    )
    classification: models.Classification | None = strawberry.field(
        description="Whose result it is.", extensions=silently(SeesTarget)
    )

    @strawberry.field(
        description="The planning period's code, such as 2026.", extensions=silently(SeesTarget)
    )
    async def period(self, root: Parent[models.Target], info: Info) -> str | None:
        period = await info.context.loaders.targets.period.load(root.period_id)
        return period.code if period else None

    @strawberry.field(graphql_type=TargetOwner, description="The unit or person it belongs to.")
    async def owner(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.owner(root)

    @strawberry.field(graphql_type=models.CascadeKind, description="How it serves its parent.")
    async def cascade(self, root: Parent[models.Target], info: Info) -> object:
        return cascade_of(await info.context.loaders.targets.edge_up.load(root.id))

    @strawberry.field(graphql_type="Target | None", description="What it serves first of all.")
    async def parent(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.parent(root.id)

    @strawberry.field(
        graphql_type=list["Target"],
        description="The red thread (benang merah): from the agency's goal down to here.",
    )
    async def path(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.path(root)

    @strawberry.field(
        graphql_type=list["Target"],
        description="What serves it, as far as the viewer may see.",
        extensions=silently(SeesTarget),
    )
    async def children(self, root: Parent[models.Target], info: Info) -> object:
        depth = nesting(info, "Target", "children")
        return await info.context.loaders.targets.children.load(root.id, depth)

    @strawberry.field(
        graphql_type=list[Indicator],
        description="None, one or several, in different units.",
        extensions=silently(SeesTarget),
    )
    async def indicators(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.indicators.load(root.id)

    @strawberry.field(
        graphql_type=StagedWork | None,
        description="Null where the target has no stages.",
        extensions=silently(SeesTarget),
    )
    async def staged_work(self, root: Parent[models.Target], info: Info) -> object:
        stages = await info.context.loaders.targets.stages.load(root.id)
        return StagedWork(stages=stages) if stages else None  # type: ignore[arg-type]

    @strawberry.field(
        graphql_type=Achievement | None,
        description="Null where it has neither indicator nor stage.",
        extensions=silently(SeesTarget),
    )
    async def achievement(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.reached_by_target(root)

    @strawberry.field(
        graphql_type=list[ActionPlan],
        description="What is to be done for it within the period.",
        extensions=silently(SeesTarget),
    )
    async def action_plans(self, root: Parent[models.Target], info: Info) -> object:
        return await info.context.loaders.targets.action_plans.load(root.id)

    @strawberry.field(
        graphql_type=LazyRecords,
        description="Records that count for it, newest first, as far as the viewer may see.",
    )
    async def records(
        self,
        root: Parent[models.Target],
        info: Info,
        first: First = None,
        after: After = None,
        state: Annotated[
            LazyRecordState | None, strawberry.argument(description="Only records in this state.")
        ] = None,
    ) -> object:
        page = page_of(first, after)
        loaders = info.context.loaders.progress
        return connection_of(await loaders.of_targets.load(root.id, page, state))


@strawberry.type(description="One behaviour of a plan, with the leader's special expectation.")
class BehaviourExpectation:
    behaviour: models.Behaviour = strawberry.field(description="One of the seven values.")
    expectation: str | None = strawberry.field(
        description="Ekspektasi khusus pimpinan; null where the leader said nothing."
    )


@strawberry.type(description="A performance plan (SKP) of one post in one period.")
class PerformancePlan(relay.Node):
    is_type_of = backed_by(models.PerformancePlan)
    id: relay.NodeID[UUID]
    state: models.PlanState = strawberry.field(description="Where it stands.")

    @strawberry.field(description="The planning period's code.")
    async def period(self, root: Parent[models.PerformancePlan], info: Info) -> str:
        period = await info.context.loaders.targets.period.load(root.period_id)
        return period.code if period else ""

    @strawberry.field(graphql_type=Employee, description="Whose plan it is.")
    async def employee(self, root: Parent[models.PerformancePlan], info: Info) -> object:
        return await info.context.loaders.organizations.employee.load(root.employee_id)

    @strawberry.field(
        graphql_type=Employee | None, description="Who appraises for this post; null at the top."
    )
    async def appraiser(self, root: Parent[models.PerformancePlan], info: Info) -> object:
        return await info.context.loaders.targets.appraiser_of(root)

    @strawberry.field(graphql_type=list[Target], description="The work results of the plan.")
    async def targets(self, root: Parent[models.PerformancePlan], info: Info) -> object:
        return await info.context.loaders.targets.of_plan.load(root.id)

    @strawberry.field(description="The seven values, each once.")
    async def behaviours(
        self, root: Parent[models.PerformancePlan], info: Info
    ) -> list[BehaviourExpectation]:
        said = await info.context.loaders.targets.expectations.load(root.id)
        return [BehaviourExpectation(behaviour=b, expectation=text) for b, text in said]


@strawberry.type
class TargetQuery:
    @strawberry.field(graphql_type=Target | None, description="A target by its id.")
    async def target(self, info: Info, id: Id) -> object:
        loaders = info.context.loaders.targets
        try:
            return await loaders.visible_target(key_of(id, "Target"))
        except NotFound:
            return None
