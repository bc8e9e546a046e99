"""The GraphQL face of matrices: who brings what to a leader's results, and templates."""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

import strawberry
from strawberry import relay

from schema.matrices import models
from schema.matrices.rules import MOST_MEMBERS, MOST_RESULTS
from schema.matrices.templates import Split
from schema.organizations.graph import Agency, Employee
from schema.organizations.places import IN_ORDER
from schema.plans.graph import PerformancePlan
from schema.predicates import in_directory, sees_matrix_of
from schema.selection.declarations import many, one, reads, value
from schema.targets.graph import KNOT, Indicator, Target
from schema.targets.models import Accumulation, Aspect, EdgeKind, Polarity, ResultCategory

strawberry.enum(
    models.MemberRole, description="Leads the team (ketua, koordinator), or is a member of it."
)
strawberry.enum(
    models.Publication,
    description="RECEIVE: members have their rows in their plans at once; PICK: they take them.",
)
strawberry.enum(
    Split,
    name="TemplateSplit",
    description="SAME: the template's number for everybody; EQUAL: the parent's, in equal parts.",
)

OWNER = {"owner": KNOT["owner"]}
"""How a leader's result is read: members see title and owner, whoever sees the plan all of it."""


@reads()
@strawberry.type(description="What a share counts, also for members who do not see the indicator.")
class SharedMeasure:
    title: str = strawberry.field(description="What is measured.")
    unit_of_measure: str | None = strawberry.field(description="The unit of the share.")


@reads(
    model=models.MatrixCell,
    joins="JOIN matrix_member @it_member ON @it_member.id = @it.member_id",
    visible=sees_matrix_of("@it_member.matrix_id"),
)
@strawberry.type(
    description="What one member brings to one result of the leader: a result, not an activity."
)
class MatrixCell(relay.Node):
    id: relay.NodeID[UUID]
    title: str = strawberry.field(description="The member's result; it becomes a target's title.")
    kind: EdgeKind = strawberry.field(description="How it counts in the leader's result.")
    weight: Decimal | None = strawberry.field(description="Of WEIGHTED: percent of the result.")
    share: Decimal | None = strawberry.field(description="Of DIRECT: the part of the number.")
    result: Target = one(
        "matrix_results(@row_member.matrix_id) @it",
        "The leader's result; who does not see the leader's plan sees its title and owner.",
        where="@it.id = @row.result_id",
        columns=OWNER,
        raw=True,
    )
    indicator: Indicator | None = one(
        None, "The leader's indicator that is shared out; null where not yours to see."
    )
    measure: SharedMeasure | None = one(
        "shared_measure(@row.id) @it", "What the share counts; null where there is none."
    )
    is_handed_out: bool = value(
        "@row.target_id IS NOT NULL", "Whether it is a target in the member's plan already."
    )
    target: Target | None = one(
        None, "The row that it has become; null while it has not, or where not yours to see."
    )
    matrix: "RoleMatrix" = one(
        "role_matrix @it",
        "The matrix that it is in.",
        where="@it.id = @row_member.matrix_id",
        trusted=True,
    )


@reads(model=models.MatrixMember)
@strawberry.type(description="A row of a matrix: somebody who takes part, of whichever unit.")
class MatrixMember:
    position: int = strawberry.field(description="The row, from 1; coordinators come first.")
    role: models.MemberRole = strawberry.field(description="Leads the team, or is of it.")
    employee: Employee | None = one(
        None, "Who; null where they have gone to another agency and are not yours to see."
    )
    cells: list[MatrixCell] = many(
        None,
        "One for each result to which they bring something.",
        order="@it.result_id",
        trusted=True,
        at_most=MOST_RESULTS,
    )


@reads(model=models.RoleMatrix, visible=sees_matrix_of("@it.id"))
@strawberry.type(
    description="A matrix of roles and results (matriks peran hasil, MPH): people by the results "
    "of their leader. Its members see it whole."
)
class RoleMatrix(relay.Node):
    id: relay.NodeID[UUID]
    version: int = strawberry.field(description="Grows with each change; give it back to save.")
    publication: models.Publication | None = strawberry.field(
        description="Null while it is prepared."
    )
    published_at: datetime | None = strawberry.field(description="When it was published so.")
    plan: PerformancePlan | None = one(
        None, "The leader's plan; null where it is not yours to see."
    )
    columns: list[Target] = many(
        "matrix_results(@row.id) @it",
        "The leader's results; who does not see the leader's plan sees their title and owner.",
        order=IN_ORDER,
        columns=OWNER,
        raw=True,
        at_most=MOST_RESULTS,
    )
    members: list[MatrixMember] = many(
        None,
        "The rows: coordinators, then members.",
        order="@it.position",
        trusted=True,
        at_most=MOST_MEMBERS,
    )


@reads()
@strawberry.type(description="An indicator that everybody is given.")
class TemplateIndicator:
    aspect: Aspect = strawberry.field(description="Quantity, quality, time or cost.")
    title: str = strawberry.field(description="What is measured.")
    unit_of_measure: str | None = strawberry.field(description="Of its numbers.")
    polarity: Polarity = strawberry.field(description="Which way is better.")
    accumulation: Accumulation = strawberry.field(description="What a quantity means.")
    planned: Decimal | None = strawberry.field(description="The number to reach.")
    minimum: Decimal | None = strawberry.field(description="Of a range: its lower end.")
    maximum: Decimal | None = strawberry.field(description="Of a range: its upper end.")


@reads()
@strawberry.type(description="A stage of staged work that everybody is given.")
class TemplateStage:
    title: str = strawberry.field(description="What is to be done.")
    evidence: str | None = strawberry.field(description="What is to prove it.")
    weight: Decimal | None = strawberry.field(description="Share of the whole; null: all alike.")


def items(source: str, *columns: str) -> str:
    """FROM of the objects in a JSON list, in their order (`e$.place`)."""
    return f"""jsonb_array_elements({source}) WITH ORDINALITY e$ (item, place)
      CROSS JOIN LATERAL (SELECT {", ".join(columns)}) @it"""


def text(name: str) -> str:
    return f"e$.item ->> '{name}' AS {name}"


def number(name: str) -> str:
    return f"(e$.item ->> '{name}')::numeric AS {name}"


@reads()
@strawberry.type(description="A result that everybody is given, with indicators or with stages.")
class TemplateResult:
    title: str = strawberry.field(description="What is to be reached.")
    category: ResultCategory = strawberry.field(description="Main or additional.")
    indicators: list[TemplateIndicator] = many(
        items(
            "@row.indicators",
            *map(text, ("aspect", "title", "unit_of_measure", "polarity", "accumulation")),
            *map(number, ("planned", "minimum", "maximum")),
        ),
        "What is measured of it.",
        order="e$.place",
    )
    stages: list[TemplateStage] = many(
        items("@row.stages", text("title"), text("evidence"), number("weight")),
        "Of staged work: its stages in their order.",
        order="e$.place",
    )


@reads(model=models.CascadeTemplate, visible=in_directory("@it.agency_id"))
@strawberry.type(description="Results that many people are given alike.")
class CascadeTemplate(relay.Node):
    id: relay.NodeID[UUID]
    code: str = strawberry.field(description="Unique in the agency; part of the targets' codes.")
    name: str = strawberry.field(description="For whom or what it is.")
    version: int = strawberry.field(description="Grows with each change; give it back to save.")
    agency: Agency = strawberry.field(description="Whose template it is.")
    results: list[TemplateResult] = many(
        items(
            "@row.results",
            text("title"),
            text("category"),
            "e$.item -> 'indicators' AS indicators",
            "e$.item -> 'stages' AS stages",
        ),
        "What everybody is given, in this order.",
        order="e$.place",
        at_most=MOST_RESULTS,
    )
