"""What clients send about feeds: inputs of the mutations, as values of the use cases."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import models
from schema.feeds.installing import Changes, NewConnector
from schema.feeds.rules import Received
from schema.relay import key_of
from schema.values import plain


def _object(value: Any, field: str) -> Mapping[str, Any]:
    """Raises:
    DomainError: the JSON is no object.
    """
    if not isinstance(value, Mapping):
        raise DomainError(ErrorCode.BAD_USER_INPUT, field=field, detail=f"{field}: an object")
    return value


def key_or_none(id: relay.GlobalID, type_name: str) -> UUID | None:
    """The key in an id, None where it is of another type or none: one of many is not there."""
    try:
        return key_of(id, type_name)
    except NotFound:
        return None


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


@strawberry.input(description="A connector for an agency.")
class InstallConnectorInput:
    agency: str = strawberry.field(description="The agency's code.")
    plugin: str = strawberry.field(description="A plugin's name; see `plugins`.")
    title: str = strawberry.field(description="What the agency calls it, at most 200 characters.")
    settings: JSON = strawberry.field(
        default_factory=dict,
        description="An object as the plugin's `settingsSchema` has it, secrets included.",
    )
    webhook_secret: str | None = strawberry.field(
        default=None,
        description="`whsec_...` where the sender gives one; else let `rotateWebhookSecret` make "
        "it. Two with a space between while one replaces the other.",
    )
    poll_seconds: int = strawberry.field(default=60, description="1 to 86,400.")

    def asked(self) -> NewConnector:
        return NewConnector(
            plugin=self.plugin,
            title=self.title,
            settings=_object(self.settings, "settings"),
            webhook_secret=self.webhook_secret,
            poll_seconds=self.poll_seconds,
        )


@strawberry.input(description="What is to be another of a connector; null stays as it is.")
class ConfigureConnectorInput:
    id: relay.GlobalID = strawberry.field(description="The connector.")
    settings: JSON | None = strawberry.field(
        default=None,
        description="Replaces what `settings` shows. A secret that is left out stays, null "
        "clears it.",
    )
    title: str | None = strawberry.field(default=None, description="At most 200 characters.")
    poll_seconds: int | None = strawberry.field(default=None, description="1 to 86,400.")

    def changes(self) -> Changes:
        given = None if self.settings is None else _object(self.settings, "settings")
        return Changes(settings=given, title=self.title, poll_seconds=self.poll_seconds)


@strawberry.input(description="Which connector.")
class ConnectorInput:
    id: relay.GlobalID = strawberry.field(description="The connector.")


@strawberry.input(description="Whether a connector is polled and listened to.")
class SetConnectorEnabledInput:
    id: relay.GlobalID = strawberry.field(description="The connector.")
    enabled: bool = strawberry.field(description="False: neither, and webhooks are refused.")


@strawberry.input(description="From where a connector reads on.")
class ResetConnectorCursorInput:
    id: relay.GlobalID = strawberry.field(description="The connector.")
    cursor: str | None = strawberry.field(
        default=None, description="In the source's own form; null: from its beginning."
    )


@strawberry.input(description="A problem that is known.")
class DismissProblemInput:
    id: relay.GlobalID = strawberry.field(description="The connector's problem.")


@strawberry.input(description="A dead letter whose cause was mended.")
class ReplayDeadLetterInput:
    id: relay.GlobalID = strawberry.field(description="The dead letter.")


@strawberry.input(
    description="Dead letters whose cause was mended: either by id, or a connector's."
)
class ReplayDeadLettersInput:
    ids: list[relay.GlobalID] | None = strawberry.field(
        default=None, description="At most 500; then nothing else is given."
    )
    connector: relay.GlobalID | None = strawberry.field(
        default=None, description="Open ones of this connector, the oldest first."
    )
    cause: models.DeadLetterCause | None = strawberry.field(
        default=None, description="Of a connector's: those of one cause."
    )
    most: int = strawberry.field(default=500, description="Of a connector's: 1 to 500 in a call.")


@strawberry.input(description="A dead letter that will never be mended.")
class ResolveDeadLetterInput:
    id: relay.GlobalID = strawberry.field(description="The dead letter.")
    note: str = strawberry.field(description="Why, at most 2,000 characters.")
