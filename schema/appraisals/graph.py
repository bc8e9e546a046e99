"""The GraphQL face of appraisals."""

from datetime import datetime

import strawberry
from strawberry.scalars import JSON

from schema.appraisals import models
from schema.organizations.graph import Employee
from schema.plans.graph import EvaluationPeriod
from schema.predicates import of_agencies, sees_appraisal, sees_work
from schema.selection.declarations import one, reads, value

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


def id_of(name: str) -> str:
    return f"replace(encode(convert_to('{name}:' || @row.id, 'UTF8'), 'base64'), E'\\n', '')"


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
        "employee @it", "Who; null for a service account.", where="@it.nip = @row.actor"
    )


@reads(
    model=models.UnitRating,
    visible=f"""({sees_work("@it.head_id")}) OR
      (SELECT {of_agencies("u$.agency_id")} FROM unit u$ WHERE u$.id = @it.unit_id)""",
)
@strawberry.type(description="A unit's own result in an evaluation period. Append-only.")
class UnitRating:
    id: strawberry.ID = value(id_of("UnitRating"), "Its id.")
    version: int = strawberry.field(description="The highest one holds.")
    predicate: models.UnitPredicate = strawberry.field(description="The result.")
    reason: str = strawberry.field(description="Why.")
    evaluation_period: EvaluationPeriod = one(None, "Of which period.", trusted=True)


@reads(model=models.Appraisal, visible=sees_appraisal("@it"))
@strawberry.type(description="One plan's appraisal (evaluasi kinerja) in one evaluation period.")
class Appraisal:
    id: strawberry.ID = value(id_of("Appraisal"), "Its id.")
    state: models.AppraisalState = strawberry.field(description="Where it stands.")
    version: int = strawberry.field(
        description="Grows with each change; give it back to take a step."
    )
    work_rating: models.Rating | None = strawberry.field(description="Of the work results.")
    behaviour_rating: models.Rating | None = strawberry.field(description="Of the behaviour.")
    predicate: models.Predicate | None = strawberry.field(description="What the two make.")
