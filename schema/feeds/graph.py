"""The GraphQL face of feeds: connectors, their health, dead letters, and service accounts."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import Parent, relay
from strawberry.scalars import JSON

from schema.arguments import After, First
from schema.context import Info
from schema.errors import DomainError, ErrorCode, NotFound, UserError
from schema.feeds import models, service
from schema.feeds.rules import Received
from schema.relay import (
    Connection,
    backed_by,
    connection_of,
    key_of,
    optional_key_of,
    page_of,
    plain,
    refusals,
)

strawberry.enum(models.RunState, description="How a polling run ended.")
strawberry.enum(
    models.DeadLetterCause, description="Why an item could not become a progress record."
)


@strawberry.type(description="One polling run.")
class Run(relay.Node):
    is_type_of = backed_by(models.Run)
    id: relay.NodeID[UUID]
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime = strawberry.field(description="When it ended.")
    state: models.RunState = strawberry.field(description="How it ended.")
    received: int = strawberry.field(description="Items that the source gave.")
    accepted: int = strawberry.field(description="Items that were new.")
    problem: str | None = strawberry.field(description="What went wrong, if anything.")


@strawberry.type(description="An installed connector and its health. Secrets are never read back.")
class Connector(relay.Node):
    is_type_of = backed_by(models.Installation)
    id: relay.NodeID[UUID]
    plugin: str = strawberry.field(description="The plugin's entry point name.")
    title: str = strawberry.field(description="What the agency calls it.")
    enabled: bool = strawberry.field(description="Polled and listened to.")
    poll_seconds: int = strawberry.field(description="Pause between polls.")
    next_poll_at: datetime = strawberry.field(description="When it is polled next.")
    failures: int = strawberry.field(description="Failed runs in a row; 0 is healthy.")

    @strawberry.field(graphql_type=Run | None, description="Null before the first.")
    async def latest_run(self, root: Parent[models.Installation], info: Info) -> object:
        return await info.context.loaders.feeds.latest_run.load(root.id)

    @strawberry.field(description="Inbox items that wait to be translated.")
    async def waiting_count(self, root: Parent[models.Installation], info: Info) -> int:
        return (await info.context.loaders.feeds.backlog.load(root.id)).waiting

    @strawberry.field(description="Open dead letters.")
    async def dead_letter_count(self, root: Parent[models.Installation], info: Info) -> int:
        return (await info.context.loaders.feeds.backlog.load(root.id)).dead_letters


@strawberry.type(description="An item that was given up, with its cause. Nothing is lost.")
class DeadLetter(relay.Node):
    is_type_of = backed_by(models.DeadLetter)
    id: relay.NodeID[UUID]
    cause: models.DeadLetterCause = strawberry.field(description="Why.")
    detail: str = strawberry.field(description="Which thing, what is wrong with it.")
    created_at: datetime = strawberry.field(description="When it was given up.")
    resolved_at: datetime | None = strawberry.field(description="Null while it is open.")

    @strawberry.field(graphql_type=Connector, description="Where it came from.")
    async def connector(self, root: Parent[models.DeadLetter], info: Info) -> object:
        return await info.context.loaders.feeds.installation.load(root.installation_id)

    @strawberry.field(description="The source's own id of the item.")
    async def source_id(self, root: Parent[models.DeadLetter], info: Info) -> str:
        item = await info.context.loaders.feeds.inbox_item.load(root.inbox_item_id)
        return item.source_id if item else ""

    @strawberry.field(description="What the source said, as it said it.")
    async def body(self, root: Parent[models.DeadLetter], info: Info) -> JSON:
        item = await info.context.loaders.feeds.inbox_item.load(root.inbox_item_id)
        return root.body if root.body is not None else item and item.body  # type: ignore[return-value]


@strawberry.type(description="Dead letters, newest first, a page at a time.")
class DeadLetterConnection(Connection[DeadLetter]):
    pass


@strawberry.type
class FeedQuery:
    @strawberry.field(
        graphql_type=list[Connector],
        description="Connectors of the agencies that the viewer administers or audits.",
    )
    async def connectors(self, info: Info) -> object:
        return await info.context.loaders.feeds.connectors()

    @strawberry.field(
        graphql_type=DeadLetterConnection,
        description="What could not become a record, for administrators and auditors.",
    )
    async def dead_letters(
        self,
        info: Info,
        connector: Annotated[
            relay.GlobalID | None, strawberry.argument(description="Those of one connector.")
        ] = None,
        first: First = None,
        after: After = None,
    ) -> object:
        page, key = page_of(first, after), optional_key_of(connector, "Connector")
        return connection_of(await info.context.loaders.feeds.dead_letters(key, page))


@strawberry.input(description="Proof that the source names.")
class ActivityEvidenceInput:
    title: str = strawberry.field(description="What it is.")
    url: str = strawberry.field(description="An http(s) link.")


@strawberry.input(description="What a source says that an employee did.")
class SubmitActivityInput:
    source_id: str = strawberry.field(description="The source's own id; once for each activity.")
    nip: str = strawberry.field(description="18 digits.")
    kind: str = strawberry.field(description="The source's event.")
    title: str = strawberry.field(description="What was done.")
    occurred_at: datetime = strawberry.field(description="With a time zone.")
    ended_at: datetime | None = strawberry.field(default=None, description="Null: an instant.")
    description: str | None = strawberry.field(default=None, description="More words.")
    category: str | None = strawberry.field(default=None, description="Class of work.")
    quantity: Decimal | None = strawberry.field(default=None, description="What was counted.")
    unit_of_measure: str | None = strawberry.field(default=None, description="Of the quantity.")
    evidence: list[ActivityEvidenceInput] = strawberry.field(
        default_factory=list, description="Proof."
    )

    def received(self) -> Received:
        """In the form that connectors use too."""
        body: dict[str, Any] = {
            "source_id": self.source_id,
            "nip": self.nip,
            "kind": self.kind,
            "title": self.title,
            "occurred_at": self.occurred_at.isoformat(),
            "ended_at": self.ended_at and self.ended_at.isoformat(),
            "description": self.description,
            "category": self.category,
            "quantity": None if self.quantity is None else plain(self.quantity),
            "unit_of_measure": self.unit_of_measure,
            "evidence": [{"title": one.title, "url": one.url} for one in self.evidence],
        }
        return Received(source_id=self.source_id, body=body, kind=models.InboxKind.ACTIVITY)


@strawberry.type(description="Whether the activity was taken in, or why not.")
class SubmitActivityPayload:
    accepted: bool = strawberry.field(description="True also where it was known already.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.input(description="A dead letter whose cause was mended.")
class ReplayDeadLetterInput:
    id: relay.GlobalID = strawberry.field(description="The dead letter.")


@strawberry.type(description="The dead letter, resolved, or why not.")
class ReplayDeadLetterPayload:
    dead_letter: DeadLetter | None = strawberry.field(description="Its item waits again.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class FeedMutation:
    @strawberry.mutation(
        description="For a connector's service account: hand in an activity of its own source. "
        "It becomes a pending record of the employee."
    )
    async def submit_activity(
        self, info: Info, input: SubmitActivityInput
    ) -> SubmitActivityPayload:
        source, now = info.context.viewer.installation_id, info.context.now()
        with refusals(info) as refused:
            taken = await service.accept(own_source(source), [input.received()], now)
            refuse_changed(taken.changed)
            return SubmitActivityPayload(accepted=True, user_errors=[])
        return SubmitActivityPayload(accepted=False, user_errors=refused)

    @strawberry.mutation(description="For administrators: let an item be tried again.")
    async def replay_dead_letter(
        self, info: Info, input: ReplayDeadLetterInput
    ) -> ReplayDeadLetterPayload:
        now = info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "DeadLetter")
            letter = await info.context.loaders.feeds.administered_dead_letter(key)
            letter = await service.replay(letter.id, now)
            return ReplayDeadLetterPayload(dead_letter=letter, user_errors=[])  # type: ignore[arg-type]
        return ReplayDeadLetterPayload(dead_letter=None, user_errors=refused)


def refuse_changed(source_ids: Sequence[str]) -> None:
    """Raises:
    DomainError: the same id came before with another content, which stays; this one is kept
        as a dead letter.
    """
    if source_ids:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT, field="sourceId", detail="known with another content"
        )


def own_source(installation_id: UUID | None) -> UUID:
    """Raises:
    NotFound: the viewer is no connector's service account.
    """
    if installation_id is None:
        raise NotFound("Connector")
    return installation_id
