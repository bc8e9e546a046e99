"""The GraphQL face of appraisals: only what consequences lead to."""

from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals import models
from schema.predicates import sees_appraisal
from schema.selection.declarations import reads

strawberry.enum(models.Predicate, description="The predicate (predikat kinerja).")
strawberry.enum(models.AppraisalState, description="Where an appraisal stands.")


@reads(model=models.Appraisal, visible=sees_appraisal("@it"))
@strawberry.type(description="An appraisal of one plan in one evaluation period.")
class Appraisal(relay.Node):
    id: relay.NodeID[UUID]
    state: models.AppraisalState = strawberry.field(description="Where it stands.")
    predicate: models.Predicate | None = strawberry.field(description="Null until it is rated.")
