"""The GraphQL face of appraisals: ratings and their reasons, objections, seals, units' ratings."""

from datetime import date, datetime
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.appraisals import models, rules
from schema.appraisals.evidence_graph import FACTS, AppraisalEvidence
from schema.appraisals.feedback_graph import (
    IN_ORDER,
    MOST_GROUPS,
    SUMMARY,
    FeedbackGroup,
    FeedbackRequest,
)
from schema.appraisals.feedback_rules import MOST_RESPONDENTS
from schema.appraisals.sending_graph import ResultDelivery
from schema.organizations.graph import Employee, Unit
from schema.plans.graph import EvaluationPeriod, PerformancePlan
from schema.plans.models import Behaviour
from schema.predicates import of_agencies, sees_appraisal, sees_work
from schema.relay import Connection
from schema.selection.declarations import after, many, one, reads
from schema.targets.graph import Target
from schema.values import CAPITAL_TIMEZONE

strawberry.enum(
    models.Rating,
    description="Work results or behaviour against what was expected (ekspektasi): di atas, "
    "sesuai, di bawah.",
)
strawberry.enum(
    models.Predicate,
    description="The predicate (predikat kinerja): sangat baik, baik, butuh perbaikan, kurang "
    "(misconduct), sangat kurang. Worked out from the two ratings, never given.",
)
strawberry.enum(
    models.UnitPredicate,
    description="A unit's own result (predikat kinerja organisasi): istimewa, baik, butuh "
    "perbaikan, kurang, sangat kurang.",
)
strawberry.enum(
    models.AppraisalState,
    description="OPEN: not rated. RATED: the employee may accept or object. DECIDED: an objection "
    "was. SIGNED: changes no more.",
)
strawberry.enum(
    models.AppraisalEventKind,
    description="What happened to an appraisal. Of an objection: UPHELD keeps the ratings, "
    "CHANGED replaces them.",
)


def by(column: str) -> str:
    """Whoever a token's subject is the NIP of."""
    return f"@it.nip = @row.{column}"


@reads(
    model=models.UnitRating,
    visible=f"""({sees_work("@it.head_id")}) OR
      (SELECT {of_agencies("u$.agency_id")} FROM unit u$ WHERE u$.id = @it.unit_id)""",
)
@strawberry.type(
    description="A unit's own result in an evaluation period, set from above. It is the rating of "
    "its head's work results, so it is seen as the head's work is. Append-only."
)
class UnitRating(relay.Node):
    id: relay.NodeID[UUID]
    version: int = strawberry.field(description="The highest one holds.")
    predicate: models.UnitPredicate = strawberry.field(description="The result.")
    reason: str = strawberry.field(description="Why.")
    set_at: datetime = strawberry.field(description="When it was set.")
    unit: Unit | None = one(None, "The unit; null where its directory is not yours to see.")
    evaluation_period: EvaluationPeriod = one(None, "Of which period.", trusted=True)
    head: Employee | None = one(None, "Who led the unit at the period's end; null: nobody.")
    set_by: Employee | None = one(
        "employee @it", "Who set it; null for a service account.", where=by("set_by")
    )


@reads(model=models.AppraisalLine)
@strawberry.type(description="The rating of one work result or of one behaviour.")
class AppraisalLine:
    target: Target | None = one(None, "The work result that it is of; null: of a behaviour.")
    behaviour: Behaviour | None = strawberry.field(
        description="The behaviour that it is of; null: of a work result."
    )
    rating: models.Rating = strawberry.field(description="The rating.")
    reason: str | None = strawberry.field(description="Why, where a reason was given.")


@reads(model=models.AppraisalEvent)
@strawberry.type(description="One line of an appraisal's history. Append-only.")
class AppraisalEvent:
    kind: models.AppraisalEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    version: int = strawberry.field(description="The appraisal's version from then on.")
    comment: str | None = strawberry.field(description="The reason or comment given.")
    changes: JSON = strawberry.field(
        description="What changed: names, each with `before` and `after`."
    )
    actor: Employee | None = one(
        "employee @it", "Who; null for a service account.", where=by("actor")
    )


@reads(model=models.AppraisalSeal)
@strawberry.type(description="What a signed appraisal rests on and came to. Append-only.")
class AppraisalSeal:
    document: str = strawberry.field(
        description="Canonical JSON of its inputs, rule versions and result; from the inputs the "
        "same bytes come again."
    )
    digest: str = strawberry.field(description="SHA-256 of the document, in hex.")
    sealed_at: datetime = strawberry.field(description="When it was sealed.")


OBJECTION = """(SELECT o$.comment AS reason, o$.at, d$.kind AS outcome, d$.comment AS answer,
    d$.at AS decided_at, d$.actor AS decider
  FROM appraisal_event o$ LEFT JOIN LATERAL (SELECT x$.* FROM appraisal_event x$
    WHERE x$.appraisal_id = o$.appraisal_id AND x$.id > o$.id AND x$.kind IN ('UPHELD', 'CHANGED')
    ORDER BY x$.id LIMIT 1) d$ ON true
  WHERE o$.appraisal_id = @row.id AND o$.kind = 'OBJECTED' ORDER BY o$.id DESC LIMIT 1) @it"""


@reads()
@strawberry.type(
    description="An objection (keberatan) to the ratings, and what came of it. Decided above "
    "whoever rated."
)
class Objection:
    reason: str | None = strawberry.field(description="Why the employee objects.")
    at: datetime = strawberry.field(description="When they did.")
    outcome: models.AppraisalEventKind | None = strawberry.field(
        description="UPHELD or CHANGED; null while it is not decided."
    )
    answer: str | None = strawberry.field(description="The reason of the decision.")
    decided_at: datetime | None = strawberry.field(description="When it was decided.")
    decided_by: Employee | None = one(
        "employee @it", "Who decided; null for a service account.", where=by("decider")
    )


# The employee's row is hidden from a former appraiser elsewhere; then the agency's zone serves.
ZONE = f"""coalesce((SELECT e$.timezone FROM employee e$ WHERE e$.id = @row.employee_id),
  (SELECT g$.timezone FROM agency g$ WHERE g$.id = @row.agency_id), '{CAPITAL_TIMEZONE}')"""
OBJECTION_DAYS = f"""(SELECT y$.objection_days FROM agency_policy y$
  WHERE y$.agency_id = @row.agency_id
    AND y$.starts_on <= (@row.rated_at AT TIME ZONE {ZONE})::date
  ORDER BY y$.starts_on DESC, y$.id DESC LIMIT 1)"""


@reads(model=models.Appraisal, visible=sees_appraisal("@it"))
@strawberry.type(
    description="One plan's appraisal (evaluasi kinerja) in one evaluation period, of the days "
    "that both cover. Seen as the person's work is, by who appraises it, and in the agency that "
    "it was made in."
)
class Appraisal(relay.Node):
    id: relay.NodeID[UUID]
    state: models.AppraisalState = strawberry.field(description="Where it stands.")
    version: int = strawberry.field(
        description="Grows with each change; give it back to take a step."
    )
    starts_on: date = strawberry.field(description="The first day that it is of.")
    ends_on: date = strawberry.field(description="The last day that it is of.")
    heads_unit: bool = strawberry.field(
        description="Whether the post leads the unit: then the unit's result is the work rating."
    )
    work_rating: models.Rating | None = strawberry.field(
        description="Of the work results (hasil kerja); null until rated."
    )
    work_reason: str | None = strawberry.field(description="Why.")
    behaviour_rating: models.Rating | None = strawberry.field(
        description="Of the behaviour (perilaku kerja); null until rated."
    )
    behaviour_reason: str | None = strawberry.field(description="Why.")
    predicate: models.Predicate | None = strawberry.field(
        description="What the two ratings make; null until rated."
    )
    rated_at: datetime | None = strawberry.field(description="When it was last rated.")
    signed_at: datetime | None = strawberry.field(description="When it was signed.")
    objection_until: date | None = after(
        rules.objection_until,
        "The last day on which the employee may object, by the policy of the day of the rating; "
        "null until rated.",
        rated_at="@row.rated_at",
        timezone=ZONE,
        days=OBJECTION_DAYS,
    )
    employee: Employee | None = one(
        None, "Whose; null where they have moved to an agency that is not yours to see."
    )
    appraiser: Employee | None = one(None, "Who appraised the post on the last day.")
    plan: PerformancePlan | None = one(
        None, "The plan that it is of; null where the work is not yours to see any more."
    )
    evaluation_period: EvaluationPeriod = one(None, "Of which period.", trusted=True)
    unit: Unit | None = one(None, "The unit of the post; null where not in your directory.")
    unit_rating: UnitRating | None = one(
        None, "Of a head: the unit's result that the work rating is; null for others."
    )
    rated_by: Employee | None = one(
        "employee @it", "Who rated; null for a service account.", where=by("rated_by")
    )
    signed_by: Employee | None = one(
        "employee @it", "Who signed; null for a service account.", where=by("signed_by")
    )
    lines: list[AppraisalLine] = many(
        None, "Ratings of single results and behaviours.", order="@it.id", trusted=True
    )
    objection: Objection | None = one(OBJECTION, "The last objection; null where none was.")
    history: list[AppraisalEvent] = many(None, "What happened to it.", order="@it.id", trusted=True)
    seal: AppraisalSeal | None = one(
        "appraisal_seal @it",
        "The sealed document; null until signed.",
        where="@it.appraisal_id = @row.id AND @row.state = 'SIGNED'",
        trusted=True,
    )
    evidence: AppraisalEvidence | None = one(
        FACTS,
        "What it rests on: sealed once it is signed, else as it stands. Null where the sealed "
        "document holds none.",
        where="@it.facts IS NOT NULL",
    )
    deliveries: list[ResultDelivery] = many(
        "result_delivery @it",
        "Its way to other services, for administrators and auditors; else empty.",
        where="@it.appraisal_id = @row.id",
        order="@it.id",
    )
    feedback360: list[FeedbackGroup] = many(
        SUMMARY,
        "Feedback of peers and subordinates, by behaviour and group; empty until all answers are "
        "in, and where groups are too small.",
        order=IN_ORDER,
        at_most=MOST_GROUPS,
    )
    feedback_requests: list[FeedbackRequest] = many(
        None,
        "Who is asked for feedback; always empty to the person whom it is about.",
        order="@it.id",
        at_most=MOST_RESPONDENTS,
    )


@strawberry.type(description="Appraisals, in the order in which they were opened, in pages.")
class AppraisalConnection(Connection[Appraisal]):
    pass
