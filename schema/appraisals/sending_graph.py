"""The GraphQL face of the outbox: signed appraisals on their way to other services."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay

from schema.appraisals import models
from schema.feeds.graph import Connector
from schema.predicates import of_installation
from schema.relay import Connection
from schema.selection.declarations import one, reads, value

if TYPE_CHECKING:
    from schema.appraisals.graph import Appraisal

LazyAppraisal = Annotated["Appraisal", strawberry.lazy("schema.appraisals.graph")]

strawberry.enum(
    models.SendingState,
    description="Where a result on its way stands. FAILED waits for an administrator; SKIPPED is "
    "of a kind that the service does not take.",
)


@reads(model=models.ResultDelivery, visible=of_installation("@it.installation_id"))
@strawberry.type(description="A signed appraisal on its way to another service, and its receipt.")
class ResultDelivery(relay.Node):
    id: relay.NodeID[UUID]
    state: models.SendingState = strawberry.field(description="Where it stands.")
    attempts: int = strawberry.field(description="How often it was tried; begins anew if resent.")
    retry_at: datetime | None = strawberry.field(
        description="Of a WAITING one: not before this; while it is being sent, when another "
        "worker takes it up."
    )
    received_at: datetime | None = strawberry.field(description="Of the receipt.")
    reference: str | None = strawberry.field(description="The service's own name for it.")
    message: str | None = strawberry.field(
        description="What the service said, or why it was not taken."
    )
    appraisal: LazyAppraisal = one(
        "appraisal @it", "What is sent.", where="@it.id = @row.appraisal_id"
    )
    connector: Connector = one(
        "installation @it", "Through which it goes.", where="@it.id = @row.installation_id"
    )


@strawberry.type(description="Results on their way, the newest first, a page at a time.")
class ResultDeliveryConnection(Connection[ResultDelivery]):
    pass


@reads()
@strawberry.type(description="How many results of a connector stand so.")
class ResultCount:
    state: models.SendingState = strawberry.field(description="Where they stand.")
    count: int = value("@row.number", "How many; never 0.")
