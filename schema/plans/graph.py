"""The GraphQL face of plans: performance plans, behaviours, action plans."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from schema.organizations.graph import IN_ORDER, Employee
from schema.plans import models
from schema.predicates import of_target, sees_work
from schema.selection.declarations import many, one, reads, value
from schema.targets.graph import Target

if TYPE_CHECKING:
    from schema.matrices.graph import RoleMatrix

LazyMatrix = Annotated["RoleMatrix", strawberry.lazy("schema.matrices.graph")]

strawberry.enum(models.PlanState, description="Where a performance plan stands.")
strawberry.enum(models.Behaviour, description="The seven core values, BerAKHLAK.")


@reads(model=models.ActionPlan, visible=of_target("@it.target_id"))
@strawberry.type(description="An action plan (rencana aksi) of a target.")
class ActionPlan(relay.Node):
    id: relay.NodeID[UUID]
    description: str = strawberry.field(description="What is to be done.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day.")
    quantity: Decimal | None = strawberry.field(description="How much, where it has a number.")
    unit_of_measure: str | None = strawberry.field(description="Of the quantity.")


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
    matrix: LazyMatrix | None = one(
        "role_matrix @it",
        "Who brings what to the results of this plan; null where nothing was dealt out.",
        where="@it.plan_id = @row.id",
        trusted=True,
    )
