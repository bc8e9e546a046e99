"""The whole graph: the subjects' queries, mutations and subscriptions as one schema."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal

import strawberry
from strawberry import relay
from strawberry.extensions import SchemaExtension
from strawberry.schema.config import StrawberryConfig
from strawberry.tools import merge_types
from strawberry.types.scalar import ScalarDefinition

from schema.appraisals.board import RatingBoardQuery
from schema.appraisals.feedback_graph import FeedbackRequest
from schema.appraisals.feedback_mutations import FeedbackMutation
from schema.appraisals.graph import Appraisal, UnitRating
from schema.appraisals.mutations import AppraisalMutation
from schema.appraisals.sending_graph import ResultDelivery
from schema.appraisals.sending_mutations import SendingMutation
from schema.arguments import Id
from schema.consequences.graph import Consequence, OutcomeQuery
from schema.consequences.mutations import ConsequenceMutation
from schema.consequences.rule_graph import RuleQuery, RuleSet
from schema.consequences.rule_mutations import RuleMutation
from schema.consequences.simulations import SimulationQuery
from schema.feeds.graph import Connector, ConnectorProblem, DeadLetter, FeedQuery
from schema.feeds.mutations import FeedMutation
from schema.feeds.task_graph import ConnectorTask
from schema.feeds.task_mutations import TaskMutation
from schema.live import Shareable
from schema.matrices.graph import CascadeTemplate, MatrixCell, RoleMatrix
from schema.matrices.mutations import MatrixMutation
from schema.notices.graph import Notice, NoticeQuery
from schema.notices.mutations import NoticeMutation
from schema.organizations.absence_graph import Absence
from schema.organizations.graph import Agency, Employee, Post, Unit
from schema.organizations.mutations import OrganizationMutation
from schema.organizations.roots import OrganizationQuery
from schema.plans.directory_mutations import DirectoryMutation
from schema.plans.graph import ActionPlan, EvaluationPeriod, Feedback, PerformancePlan
from schema.plans.mutations import PlanMutation
from schema.plans.period_mutations import PeriodMutation
from schema.policies.mutations import PolicyMutation
from schema.progress.graph import ProgressRecord, ProgressSubscription
from schema.progress.matching_mutations import MatchingMutation
from schema.progress.mutations import ProgressMutation
from schema.readiness.graph import ReadinessQuery
from schema.relay import DateScalar, DateTimeScalar, DecimalScalar
from schema.selection.declarations import AnyNode, declared
from schema.selection.execution import Executor, OneStatement, install
from schema.targets.graph import Indicator, Stage, Target, TargetQuery
from schema.targets.mutations import TargetMutation
from schema.teams.absence_mutations import AbsenceMutation
from schema.teams.board import BoardQuery
from schema.teams.graph import TeamQuery, TeamSubscription
from schema.teams.view_as import ViewAsQuery
from schema.teams.watching import TEAM_UPDATES


@strawberry.type
class NodeQuery:
    @declared(
        AnyNode(),
        "Any node by its id; null where it is not there or not yours to see.",
        type=relay.Node | None,
    )
    def node(self, id: Id) -> None: ...


Query = merge_types(
    "Query",
    (
        NodeQuery,
        OrganizationQuery,
        TargetQuery,
        TeamQuery,
        ViewAsQuery,
        BoardQuery,
        RatingBoardQuery,
        FeedQuery,
        ReadinessQuery,
        NoticeQuery,
        RuleQuery,
        OutcomeQuery,
        SimulationQuery,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        ProgressMutation,
        MatchingMutation,
        PlanMutation,
        PeriodMutation,
        MatrixMutation,
        TargetMutation,
        PolicyMutation,
        FeedMutation,
        TaskMutation,
        DirectoryMutation,
        NoticeMutation,
        OrganizationMutation,
        AbsenceMutation,
        RuleMutation,
        ConsequenceMutation,
        SendingMutation,
        AppraisalMutation,
        FeedbackMutation,
    ),
)
Subscription = merge_types("Subscription", (TeamSubscription, ProgressSubscription))

SHAREABLE: Mapping[str, Shareable] = {"teamUpdates": TEAM_UPDATES}
"""Subscriptions that are worked out once however many watch, by their names."""

NODES = (
    Absence,
    Appraisal,
    UnitRating,
    FeedbackRequest,
    Agency,
    Unit,
    Employee,
    Target,
    Indicator,
    Stage,
    PerformancePlan,
    Post,
    EvaluationPeriod,
    ActionPlan,
    Feedback,
    RoleMatrix,
    MatrixCell,
    CascadeTemplate,
    ProgressRecord,
    Connector,
    ConnectorProblem,
    DeadLetter,
    ConnectorTask,
    Notice,
    RuleSet,
    Appraisal,
    Consequence,
    ResultDelivery,
)

Extension = type[SchemaExtension] | Callable[[], SchemaExtension]


SCALARS: Mapping[object, ScalarDefinition] = {
    Decimal: DecimalScalar,
    date: DateScalar,
    datetime: DateTimeScalar,
}


def build_schema(extensions: Iterable[Extension] = ()) -> strawberry.Schema:
    """The schema, with what the server adds around an execution (limits, caches)."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=NODES,
        extensions=[*extensions, OneStatement],
        execution_context_class=Executor,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    install(schema._schema)
    return schema
