"""The GraphQL face of feeds: connectors, their health, dead letters, and service accounts."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.arguments import After, Before, First, Last
from schema.context import Info
from schema.errors import DomainError, ErrorCode, NotFound, UserError
from schema.feeds import models, service
from schema.feeds.rules import Received
from schema.feeds.task_graph import ConnectorTaskConnection
from schema.predicates import of_agencies, of_installation
from schema.relay import Connection, key_of, refusals
from schema.selection.declarations import One, many, one, page, reads, value
from schema.selection.execution import Selected
from schema.values import plain

strawberry.enum(models.RunState, description="How a polling run ended.")
strawberry.enum(
    models.DeadLetterCause, description="Why an item could not become a progress record."
)


@reads(model=models.Run, visible=of_installation("@it.installation_id"))
@strawberry.type(description="One polling run.")
class Run(relay.Node):
    id: relay.NodeID[UUID]
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime = strawberry.field(description="When it ended.")
    state: models.RunState = strawberry.field(description="How it ended.")
    received: int = strawberry.field(description="Items that the source gave.")
    accepted: int = strawberry.field(description="Items that were new.")
    problem: str | None = strawberry.field(description="What went wrong, if anything.")


@reads(model=models.Installation, visible=of_agencies("@it.agency_id"))
@strawberry.type(description="An installed connector and its health. Secrets are never read back.")
class Connector(relay.Node):
    id: relay.NodeID[UUID]
    plugin: str = strawberry.field(description="The plugin's entry point name.")
    title: str = strawberry.field(description="What the agency calls it.")
    enabled: bool = strawberry.field(description="Polled and listened to.")
    poll_seconds: int = strawberry.field(description="Pause between polls.")
    next_poll_at: datetime = strawberry.field(description="When it is polled next.")
    failures: int = strawberry.field(description="Failed runs in a row; 0 is healthy.")
    latest_run: Run | None = one(
        "run @it",
        "Null before the first.",
        where="@it.installation_id = @row.id",
        order="@it.started_at DESC, @it.id DESC",
        trusted=True,
    )
    waiting_count: int = value(
        "(SELECT count(*) FROM inbox_item w$ "
        "WHERE w$.installation_id = @row.id AND w$.processed_at IS NULL)",
        "Inbox items that wait to be translated.",
    )
    dead_letter_count: int = value(
        "(SELECT count(*) FROM dead_letter d$ "
        "WHERE d$.installation_id = @row.id AND d$.resolved_at IS NULL)",
        "Open dead letters.",
    )

    @page(
        "connector_task @it",
        "What was asked of it: dry runs and directories, newest first.",
        where="@it.installation_id = @row.id",
        keys={"@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=ConnectorTaskConnection,
    )
    def tasks(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...


@reads(model=models.DeadLetter, visible=of_installation("@it.installation_id"))
@strawberry.type(description="An item that was given up, with its cause. Nothing is lost.")
class DeadLetter(relay.Node):
    id: relay.NodeID[UUID]
    cause: models.DeadLetterCause = strawberry.field(description="Why.")
    detail: str = strawberry.field(description="Which thing, what is wrong with it.")
    created_at: datetime = strawberry.field(description="When it was given up.")
    resolved_at: datetime | None = strawberry.field(description="Null while it is open.")
    connector: Connector = one(
        "installation @it", "Where it came from.", where="@it.id = @row.installation_id"
    )
    source_id: str = value(
        "(SELECT n$.source_id FROM inbox_item n$ WHERE n$.id = @row.inbox_item_id)",
        "The source's own id of the item.",
    )
    body: JSON = value(
        "coalesce(@row.body, (SELECT n$.body FROM inbox_item n$ WHERE n$.id = @row.inbox_item_id))",
        "What the source said, as it said it.",
    )


@strawberry.type(description="Dead letters, newest first, a page at a time.")
class DeadLetterConnection(Connection[DeadLetter]):
    pass


ONE_LETTER = One(source="dead_letter @it", where="@it.id = @key::uuid")


@strawberry.type
class FeedQuery:
    connectors: list[Connector] = many(
        "installation @it",
        "Connectors of the agencies that the viewer administers or audits.",
        order="@it.plugin, @it.title",
    )

    @page(
        "dead_letter @it",
        "What could not become a record, for administrators and auditors.",
        given={"connector": "@it.installation_id = @connector"},
        ids={"connector": "Connector"},
        keys={"@it.id": "uuid"},
        newest=True,
        type=DeadLetterConnection,
    )
    def dead_letters(
        self,
        connector: Annotated[
            relay.GlobalID | None, strawberry.argument(description="Those of one connector.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...


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


@strawberry.input(description="A source takes back an activity or presence that it handed in.")
class RetractActivityInput:
    source_id: str = strawberry.field(description="The source's own id of what no longer holds.")
    at: datetime = strawberry.field(description="When it was taken back. With a time zone.")
    reason: str = strawberry.field(description="Shown to the employee.")

    def received(self) -> Received:
        """In the form that connectors use too; an item of its own."""
        name = f"retraction:{self.source_id}"
        body = {
            "source_id": name,
            "retracts": self.source_id,
            "at": self.at.isoformat(),
            "reason": self.reason,
        }
        return Received(source_id=name, body=body, kind=models.InboxKind.RETRACTION)


@strawberry.type(description="Whether the retraction was taken in, or why not.")
class RetractActivityPayload:
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

    @strawberry.mutation(
        description="For a connector's service account: take back an activity of its own source. "
        "A pending record of it goes; a confirmed one stays and is marked."
    )
    async def retract_activity(
        self, info: Info, input: RetractActivityInput
    ) -> RetractActivityPayload:
        source, now = info.context.viewer.installation_id, info.context.now()
        with refusals(info) as refused:
            taken = await service.accept(own_source(source), [input.received()], now)
            refuse_changed(taken.changed)
            return RetractActivityPayload(accepted=True, user_errors=[])
        return RetractActivityPayload(accepted=False, user_errors=refused)

    @strawberry.mutation(description="For administrators: let an item be tried again.")
    async def replay_dead_letter(
        self, info: Info, input: ReplayDeadLetterInput
    ) -> ReplayDeadLetterPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "DeadLetter")
            await service.replay(viewer, key, now)
            letter: Any = Selected(ONE_LETTER, {"key": key})
            return ReplayDeadLetterPayload(dead_letter=letter, user_errors=[])
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
