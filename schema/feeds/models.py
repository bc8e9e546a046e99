"""Tables of feeds. Constraints that Tortoise cannot express are in migrations."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields

from schema.organizations.models import Agency
from schema.tables import Row


class DeadLetterCause(StrEnum):
    """Why an item could not become a progress record. Nothing is dropped in silence."""

    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    UNTRANSLATABLE = "UNTRANSLATABLE"
    NOT_AN_ACTIVITY = "NOT_AN_ACTIVITY"
    CHANGED_AT_SOURCE = "CHANGED_AT_SOURCE"
    FORGED = "FORGED"


class InboxKind(StrEnum):
    """In whose words an inbox item is, and so what has to become of it."""

    ITEM = "ITEM"
    """One item of a source: the plugin translates it."""
    DELIVERY = "DELIVERY"
    """A verified webhook call as it came: the plugin splits it into items."""
    ACTIVITY = "ACTIVITY"
    """Already an activity in the SDK's own form, as a service account submits it."""
    UNREADABLE = "UNREADABLE"
    """JSON that no column can hold (NUL, a lone surrogate): kept as ASCII text, given up."""


class RunState(StrEnum):
    """How one polling run ended."""

    SUCCEEDED = "SUCCEEDED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"


class Installation(Row):
    """A connector installed for an agency. The cursor is the source's own, opaque to us."""

    agency: fields.ForeignKeyRelation[Agency] = fields.ForeignKeyField(
        "ekinerja.Agency", on_delete=fields.OnDelete.RESTRICT
    )
    agency_id: UUID
    plugin = fields.CharField(max_length=60, description="the entry point's name")
    title = fields.TextField()
    enabled = fields.BooleanField(default=True)
    settings: dict[str, Any] = fields.JSONField(default=dict)
    webhook_secret = fields.TextField(null=True)
    poll_seconds = fields.IntField(default=60)
    cursor = fields.TextField(null=True)
    next_poll_at = fields.DatetimeField()
    failures = fields.IntField(default=0, description="failed runs in a row")

    class Meta:
        table = "installation"
        unique_together = (("agency", "plugin", "title"),)


class Run(Row):
    """One polling run of an installation: when, how it ended, how much it took in."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="runs", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    started_at = fields.DatetimeField()
    ended_at = fields.DatetimeField()
    state = fields.CharEnumField(RunState, max_length=10)
    received = fields.IntField(default=0, description="items that the source gave")
    accepted = fields.IntField(default=0, description="items that were new")
    problem = fields.TextField(null=True)

    class Meta:
        table = "run"
        indexes = (("installation_id", "started_at"),)


class InboxItem(Row):
    """An item as the source gave it, once. What the source says is never rewritten.

    `attempts` counts the times that a plugin failed on it; `retry_at` is when the next one is due.
    """

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="inbox", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    source_id = fields.CharField(max_length=200)
    kind = fields.CharEnumField(InboxKind, max_length=10, default=InboxKind.ITEM)
    body: Any = fields.JSONField()
    body_hash = fields.CharField(max_length=64, description="SHA-256 of the canonical JSON")
    received_at = fields.DatetimeField()
    processed_at: datetime | None = fields.DatetimeField(null=True)
    attempts = fields.IntField(default=0)
    retry_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "inbox_item"
        unique_together = (("installation", "source_id"),)


class DeadLetter(Row):
    """An inbox item that was given up, with its cause; replayed when the cause is mended."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="dead_letters", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    inbox_item: fields.ForeignKeyRelation[InboxItem] = fields.ForeignKeyField(
        "ekinerja.InboxItem", related_name="dead_letters", on_delete=fields.OnDelete.RESTRICT
    )
    inbox_item_id: UUID
    cause = fields.CharEnumField(DeadLetterCause, max_length=20)
    detail = fields.TextField()
    body: Any = fields.JSONField(null=True, description="the changed body, where that is the cause")
    created_at = fields.DatetimeField()
    resolved_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "dead_letter"
        indexes = (("installation_id", "created_at"), ("inbox_item_id",))
