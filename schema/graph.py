"""The whole graph: the subjects' queries, mutations and subscriptions as one schema."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import relay
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types

from schema.arguments import Id
from schema.context import Info
from schema.errors import NotFound
from schema.feeds.graph import Connector, DeadLetter, FeedMutation, FeedQuery
from schema.loaders import Loaders
from schema.organizations.graph import Agency, Employee, OrganizationQuery, Unit
from schema.progress.graph import ProgressRecord, ProgressSubscription
from schema.progress.mutations import ProgressMutation
from schema.relay import DateTimeScalar, DecimalScalar, key_of
from schema.targets.graph import Indicator, PerformancePlan, Stage, Target, TargetQuery
from schema.teams.graph import TeamQuery, TeamSubscription

Find = Callable[[Loaders, Any], Awaitable[object]]

FINDERS: dict[str, Find] = {
    "Agency": lambda loaders, key: loaders.organizations.visible_agency(key),
    "Unit": lambda loaders, key: loaders.organizations.visible_unit(key),
    "Employee": lambda loaders, key: loaders.organizations.visible_employee(key),
    "Target": lambda loaders, key: loaders.targets.visible_target(key),
    "ActionPlan": lambda loaders, key: loaders.targets.visible_action_plan(key),
    "Indicator": lambda loaders, key: loaders.targets.visible_indicator(key),
    "Stage": lambda loaders, key: loaders.targets.visible_stage(key),
    "PerformancePlan": lambda loaders, key: loaders.targets.visible_plan(key),
    "ProgressRecord": lambda loaders, key: loaders.progress.visible_record(key),
    "Activity": lambda loaders, key: loaders.progress.visible_activity(key),
    "Connector": lambda loaders, key: loaders.feeds.visible_connector(key),
    "Run": lambda loaders, key: loaders.feeds.visible_run(key),
    "DeadLetter": lambda loaders, key: loaders.feeds.visible_dead_letter(key),
}
"""How a node of each type is found, as far as the viewer may see it."""


@strawberry.type
class NodeQuery:
    @strawberry.field(
        graphql_type=relay.Node | None,
        description="Any node by its id; null where it is not there or not yours to see.",
    )
    async def node(self, info: Info, id: Id) -> object:
        loaders, find = info.context.loaders, FINDERS.get(id.type_name)
        try:
            return find and await find(loaders, key_of(id, id.type_name))
        except NotFound:
            return None


Query = merge_types("Query", (NodeQuery, OrganizationQuery, TargetQuery, TeamQuery, FeedQuery))
Mutation = merge_types("Mutation", (ProgressMutation, FeedMutation))
Subscription = merge_types("Subscription", (TeamSubscription, ProgressSubscription))

NODES = (
    Agency,
    Unit,
    Employee,
    Target,
    Indicator,
    Stage,
    PerformancePlan,
    ProgressRecord,
    Connector,
    DeadLetter,
)

Extension = type[SchemaExtension] | Callable[[], SchemaExtension]


def build_schema(extensions: Iterable[Extension] = ()) -> strawberry.Schema:
    """The schema, with what the server adds around an execution (limits, caches)."""
    return strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODES,
        extensions=extensions,
        config=StrawberryConfig(scalar_map={Decimal: DecimalScalar, datetime: DateTimeScalar}),
    )
