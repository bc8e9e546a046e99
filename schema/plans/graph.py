"""The GraphQL face of plans: performance plans, behaviours, feedback, periods, action plans."""

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.arguments import After, Before, First, Last
from schema.organizations.graph import Employee, Post
from schema.organizations.places import IN_ORDER
from schema.plans import models
from schema.predicates import in_directory, of_target, sees_work
from schema.relay import Connection
from schema.selection.declarations import after, many, one, page, reads, same, value
from schema.targets import explaining, figures, rules
from schema.targets.graph import COUNTS, KNOT, Target

if TYPE_CHECKING:
    from schema.appraisals.graph import Appraisal
    from schema.matrices.graph import RoleMatrix
    from schema.progress.graph import ProgressRecordConnection

LazyAppraisal = Annotated["Appraisal", strawberry.lazy("schema.appraisals.graph")]
LazyRecords = Annotated["ProgressRecordConnection", strawberry.lazy("schema.progress.graph")]
LazyMatrix = Annotated["RoleMatrix", strawberry.lazy("schema.matrices.graph")]

strawberry.enum(models.PlanState, description="Where a performance plan stands.")
strawberry.enum(models.Approach, description="How a plan says what is expected.")
strawberry.enum(models.Behaviour, description="The seven core values, BerAKHLAK.")
strawberry.enum(models.AttachmentKind, description="The three attachments of a plan.")
strawberry.enum(models.PlanEventKind, description="What happened to a plan.")
strawberry.enum(
    models.EvaluationKind,
    description="An agency evaluates monthly or quarterly in a year, and ends with a final one.",
)
strawberry.enum(models.EvaluationEventKind, description="What happened to an evaluation period.")

PERIOD_CODE = "(SELECT p$.code FROM period p$ WHERE p$.id = @row.period_id)"
ACTOR = "@it.nip = @row.actor"


@reads(model=models.EvaluationEvent)
@strawberry.type(description="One line of an evaluation period's history. Append-only.")
class EvaluationEvent:
    kind: models.EvaluationEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    reason: str | None = strawberry.field(description="Why it was reopened.")
    actor: Employee | None = one("employee @it", "Who; null for a service account.", where=ACTOR)


@reads(
    model=models.EvaluationPeriod,
    visible=f"""(SELECT {in_directory("p$.agency_id")} FROM period p$
      WHERE p$.id = @it.period_id)""",
)
@strawberry.type(description="An evaluation period. Closed, nothing of its days changes.")
class EvaluationPeriod(relay.Node):
    id: relay.NodeID[UUID]
    period: str = value(PERIOD_CODE, "The planning period's code.")
    kind: models.EvaluationKind = strawberry.field(description="Monthly, quarterly or final.")
    number: int = strawberry.field(description="1 to 12, 1 to 4; 1 of the final one.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day.")
    filling_until: date = strawberry.field(description="The last day on which filling is in time.")
    closed_at: datetime | None = strawberry.field(description="Null while it is open.")
    history: list[EvaluationEvent] = many(
        None, "What happened to it.", order="@it.id", trusted=True
    )


@reads(model=models.ActionPlan, visible=of_target("@it.target_id"))
@strawberry.type(description="An action plan (rencana aksi) of a target.")
class ActionPlan(relay.Node):
    id: relay.NodeID[UUID]
    description: str = strawberry.field(description="What is to be done.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date = strawberry.field(description="Last day.")
    quantity: Decimal | None = strawberry.field(description="How much, where it has a number.")
    unit_of_measure: str | None = strawberry.field(description="Of the quantity.")
    target: Target = one(None, "The target that it serves.", trusted=True)
    evaluation_period: EvaluationPeriod | None = one(
        None, "The evaluation period that it was written for; null where none was named."
    )


@reads()
@strawberry.type(description="One behaviour of a plan, with the leader's special expectation.")
class BehaviourExpectation:
    behaviour: models.Behaviour = strawberry.field(description="One of the seven values.")
    expectation: str | None = strawberry.field(
        description="Ekspektasi khusus pimpinan; null where the leader said nothing."
    )


@reads(model=models.PlanAttachment)
@strawberry.type(description="One line of an attachment of a plan (lampiran SKP).")
class PlanAttachment:
    kind: models.AttachmentKind = strawberry.field(
        description="Support, how account is given, or what follows."
    )
    text: str = strawberry.field(description="What it says.")


@reads(model=models.PlanEvent)
@strawberry.type(description="One line of a plan's history. Append-only.")
class PlanEvent:
    kind: models.PlanEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    version: int = strawberry.field(description="The plan's version from then on.")
    comment: str | None = strawberry.field(description="The reason or comment given.")
    changes: JSON = strawberry.field(
        description="What changed: names of lines, each with `before` and `after`."
    )
    actor: Employee | None = one("employee @it", "Who; null for a service account.", where=ACTOR)


@reads(
    model=models.Feedback,
    visible=f"""(SELECT {sees_work("f$.employee_id")} FROM performance_plan f$
      WHERE f$.id = @it.plan_id)""",
)
@strawberry.type(
    description="Continuous feedback (umpan balik berkelanjutan) of either side. Append-only."
)
class Feedback(relay.Node):
    id: relay.NodeID[UUID]
    text: str = strawberry.field(description="What was said.")
    at: datetime = strawberry.field(description="When.")
    behaviour: models.Behaviour | None = strawberry.field(
        description="The behaviour that it is about."
    )
    target: Target | None = one(None, "The work result that it is about.", trusted=True)
    author: Employee | None = one(
        None, "Who said it; null where they are of an agency that is not yours to see."
    )


@strawberry.type(description="Feedback, newest first, a page at a time.")
class FeedbackConnection(Connection[Feedback]):
    pass


SEVEN = ", ".join(f"({place}, '{one}')" for place, one in enumerate(models.Behaviour))

OF = figures.facts("t$")
RESULTS = f"""(SELECT coalesce(json_agg(json_build_object(
    'counts', {COUNTS.replace("@row", "t$")}, 'indicators', {OF["indicators"]},
    'stages', {OF["stages"]}, 'children', {OF["children"]}) ORDER BY t$.position, t$.code), '[]')
  FROM target t$ WHERE t$.plan_id = @row.id)"""
PLAN_POLICY = f"""(SELECT {figures.of("w$", figures.POLICY)} FROM (
    SELECT h$.agency_id, @row.period_id AS period_id FROM period h$ WHERE h$.id = @row.period_id
  ) w$)"""


SCORE = {"results": RESULTS, "policy": PLAN_POLICY}
COUNTING = f"""target t$ CROSS JOIN LATERAL records_behind(t$.id, NULL) b$
  WHERE t$.plan_id = @row.id AND {COUNTS.replace("@row", "t$")}"""


@reads(model=models.PerformancePlan)
@strawberry.type(description="How a plan's percentage comes about.")
class PlanExplanation:
    formula: str = after(
        explaining.plan_formula, "The arithmetic in numbers: (100 + 50) / 2 = 75.", **SCORE
    )
    results: list[Target] = many(
        "target @it",
        "The results that count; each explains its own achievement.",
        where=f"@it.plan_id = @row.id AND {COUNTS.replace('@row', '@it')}",
        order=IN_ORDER,
    )
    record_count: int = value(
        f"(SELECT count(DISTINCT b$) FROM {COUNTING})",
        "How many confirmed records are behind it in all.",
    )

    @page(
        "progress_record @it",
        "The confirmed records behind it, newest first, as far as they are yours to see; each "
        "with its source's facts and its red thread.",
        where=f"@it.id IN (SELECT b$ FROM {COUNTING})",
        keys={"@it.starts_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        type=LazyRecords,
    )
    def records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...


@reads(model=models.PerformancePlan, visible=sees_work("@it.employee_id"))
@strawberry.type(
    description="A performance plan (SKP) of one post in one period. A transfer or an acting post "
    "opens another; what was earned stays where it was earned."
)
class PerformancePlan(relay.Node):
    id: relay.NodeID[UUID]
    state: models.PlanState = strawberry.field(description="Where it stands.")
    version: int = strawberry.field(
        description="Grows with each change; give it back to edit or to take a step."
    )
    approach: models.Approach = strawberry.field(description="In numbers, or in words.")
    period: str = value(PERIOD_CODE, "The planning period's code.")
    starts_on: date = strawberry.field(description="The first day that it covers.")
    ends_on: date = strawberry.field(description="The last day that it covers.")
    employee: Employee = strawberry.field(description="Whose plan it is.")
    post: Post = one(
        "assignment @it",
        "The post that it is for.",
        where="@it.id = @row.assignment_id",
        trusted=True,
    )
    appraiser: Employee | None = one(
        "assignment a$ JOIN employee @it ON @it.id = a$.appraiser_id",
        "Who appraises for this post; null at the top.",
        where="a$.id = @row.assignment_id",
    )
    targets: list[Target] = many(None, "The work results of the plan.", order=IN_ORDER)
    superior_results: list[Target] = many(
        "superior_results(@row.id) @it",
        "Results of the appraiser's plan, which this plan's results may serve: title and owner; "
        "the rest only where it is yours to see.",
        order=IN_ORDER,
        columns=KNOT,
        raw=True,
    )
    percentage: Decimal | None = after(
        rules.plan_percentage,
        "Achievement in percent, two decimals: the mean of the results that count and have a "
        "number. What a coordinator cascaded directly counts with the superior and the members.",
        **SCORE,
    )
    explanation: PlanExplanation = same(
        "@row", "How the percentage comes about, down to the records and their source events."
    )
    behaviours: list[BehaviourExpectation] = many(
        f"""(VALUES {SEVEN}) v$ (place, behaviour) CROSS JOIN LATERAL (
          SELECT v$.behaviour, (SELECT x$.expectation FROM behaviour_expectation x$
            WHERE x$.plan_id = @row.id AND x$.behaviour = v$.behaviour) AS expectation
        ) @it""",
        "The seven values, each once.",
        order="v$.place",
    )
    attachments: list[PlanAttachment] = many(
        None,
        "Support, accountability, consequences.",
        order="@it.kind, @it.position",
        trusted=True,
    )
    history: list[PlanEvent] = many(None, "What happened to it.", order="@it.id", trusted=True)

    @page(
        "feedback @it",
        "Feedback on the plan, its results and behaviours, newest first.",
        where="@it.plan_id = @row.id",
        keys={"@it.id": "uuid"},
        newest=True,
        trusted=True,
        type="FeedbackConnection",
    )
    def feedback(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...

    appraisals: list[LazyAppraisal] = many(
        None,
        "Its appraisals, by their days: of each evaluation period one, the final one last.",
        order="@it.ends_on, @it.starts_on DESC, @it.id",
        trusted=True,
        at_most=13,
    )
    matrix: LazyMatrix | None = one(
        "role_matrix @it",
        "Who brings what to the results of this plan; null where nothing was dealt out.",
        where="@it.plan_id = @row.id",
        trusted=True,
    )
