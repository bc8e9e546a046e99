"""The GraphQL face of appraisals."""

from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals import models
from schema.appraisals.sending_graph import ResultDelivery
from schema.predicates import sees_appraisal
from schema.selection.declarations import many, reads

strawberry.enum(models.Predicate, description="The predicate (predikat kinerja).")
strawberry.enum(models.AppraisalState, description="Where an appraisal stands; SIGNED is the end.")


@reads(model=models.Appraisal, visible=sees_appraisal("@it"))
@strawberry.type(description="One plan's appraisal in one evaluation period.")
class Appraisal(relay.Node):
    id: relay.NodeID[UUID]
    predicate: models.Predicate | None = strawberry.field(description="Null until it is rated.")
    state: models.AppraisalState = strawberry.field(description="Where it stands.")
    deliveries: list[ResultDelivery] = many(
        "result_delivery @it",
        "Its way to other services, for administrators and auditors; else empty.",
        where="@it.appraisal_id = @row.id",
        order="@it.id",
    )
