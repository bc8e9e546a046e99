"""Tables of feeds. Constraints that Tortoise cannot express are in migrations."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.contrib.postgres.fields import ArrayField

from schema.organizations.directory_values import ChangeKind
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
    RETRACTION = "RETRACTION"
    """A retraction in that form, as a service account submits it."""
    FILE = "FILE"
    """A file that somebody handed in, its bytes in base64: the plugin reads items out of it."""
    UNREADABLE = "UNREADABLE"
    """JSON that no column can hold (NUL, a lone surrogate): kept as ASCII text, given up."""


class PluginState(StrEnum):
    """Whether a plugin that was found can be used."""

    READY = "READY"
    QUARANTINED = "QUARANTINED"
    """It cannot be loaded, or its version range leaves ours out; the rest goes on."""


class BreakerState(StrEnum):
    """Whether a service is asked at all (circuit breaker)."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"
    """It failed too often: only a probe is sent, and seldom."""
    HALF_OPEN = "HALF_OPEN"
    """A probe is under way or went well; one failure opens it again."""


class ProblemCode(StrEnum):
    """What is wrong with an installation, each with a fix that somebody can do."""

    PLUGIN_MISSING = "PLUGIN_MISSING"
    PLUGIN_BROKEN = "PLUGIN_BROKEN"
    SETTINGS_INVALID = "SETTINGS_INVALID"
    SECRETS_UNREADABLE = "SECRETS_UNREADABLE"
    CREDENTIALS_REFUSED = "CREDENTIALS_REFUSED"
    CURSOR_INVALID = "CURSOR_INVALID"
    SERVICE_UNREACHABLE = "SERVICE_UNREACHABLE"
    SERVICE_ANSWERS_WRONGLY = "SERVICE_ANSWERS_WRONGLY"
    BREAKER_OPEN = "BREAKER_OPEN"
    INTAKE_HALTED = "INTAKE_HALTED"
    PLUGIN_KILLED = "PLUGIN_KILLED"
    FORGED = "FORGED"
    RESULTS_HELD = "RESULTS_HELD"


class ConnectorAct(StrEnum):
    """What somebody did with a connector. Past facts: they are never rewritten."""

    INSTALLED = "INSTALLED"
    CONFIGURED = "CONFIGURED"
    ENABLED = "ENABLED"
    DISABLED = "DISABLED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    RUN_REQUESTED = "RUN_REQUESTED"
    CURSOR_RESET = "CURSOR_RESET"
    PROBLEM_DISMISSED = "PROBLEM_DISMISSED"
    LETTERS_REPLAYED = "LETTERS_REPLAYED"
    LETTER_RESOLVED = "LETTER_RESOLVED"
    WEBHOOK_SECRET_ADDED = "WEBHOOK_SECRET_ADDED"  # noqa: S105  an act, no secret
    WEBHOOK_SECRET_DROPPED = "WEBHOOK_SECRET_DROPPED"  # noqa: S105
    FILE_RECEIVED = "FILE_RECEIVED"
    RESULTS_RESENT = "RESULTS_RESENT"


class TaskKind(StrEnum):
    """What an administrator asks the worker to do with an installation."""

    DRY_RUN = "DRY_RUN"
    """One page is fetched and translated; nothing is kept of it but the answer."""
    DIRECTORY = "DIRECTORY"
    """The whole directory is read and compared; what would change is kept for a decision."""


class TaskState(StrEnum):
    """How far a task is."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


class RunState(StrEnum):
    """How one polling run ended."""

    SUCCEEDED = "SUCCEEDED"
    RETRYING = "RETRYING"
    FAILED = "FAILED"


class Plugin(Row):
    """A plugin as the worker last saw it, loaded in a process of its own."""

    name = fields.CharField(max_length=60, unique=True, description="the entry point's name")
    distribution = fields.TextField()
    version = fields.CharField(max_length=60)
    title = fields.TextField()
    capabilities: list[str] = ArrayField(element_type="text", default=list)
    settings_schema: dict[str, Any] = fields.JSONField(default=dict)
    state = fields.CharEnumField(PluginState, max_length=12)
    problem: str | None = fields.TextField(null=True)
    seen_at = fields.DatetimeField()

    class Meta:
        table = "plugin"


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
    secrets: str | None = fields.TextField(
        null=True, description="the settings that are secret, as JSON, encrypted"
    )
    secret_names: list[str] = ArrayField(
        element_type="text", default=list, description="which settings are in `secrets`"
    )
    webhook_secret: str | None = fields.TextField(null=True, description="encrypted")
    webhook_secrets = fields.IntField(default=0, description="how many are in `webhook_secret`")
    poll_seconds = fields.IntField(default=60)
    cursor: str | None = fields.TextField(null=True)
    next_poll_at = fields.DatetimeField()
    failures = fields.IntField(default=0, description="failed runs in a row")
    paused = fields.BooleanField(
        default=False, description="neither polled nor worked off; webhooks are kept"
    )
    breaker = fields.CharEnumField(BreakerState, max_length=10, default=BreakerState.CLOSED)
    opened_at: datetime | None = fields.DatetimeField(null=True, description="the breaker, last")
    halted_at: datetime | None = fields.DatetimeField(
        null=True, description="the intake, since nothing of its items could be read"
    )
    halted_version: str | None = fields.CharField(  # type: ignore[assignment]
        max_length=60, null=True, description="the plugin's, when it halted; another one resumes"
    )

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
    note: str | None = fields.TextField(
        null=True, description="why it was closed without its item being tried again"
    )

    class Meta:
        table = "dead_letter"
        indexes = (("installation_id", "created_at"), ("inbox_item_id",))


class ConnectorProblem(Row):
    """Something wrong with an installation, once however often it is met, until it is gone."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="problems", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    code = fields.CharEnumField(ProblemCode, max_length=24)
    detail = fields.TextField()
    times = fields.IntField(default=1, description="how often it was met")
    first_at = fields.DatetimeField()
    last_at = fields.DatetimeField()
    dismissed_at: datetime | None = fields.DatetimeField(null=True)
    resolved_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "connector_problem"
        indexes = (("installation_id", "last_at"),)


class ConnectorEvent(Row):
    """Who did what with a connector, and when. Append-only, and never a secret in it."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="events", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    act = fields.CharEnumField(ConnectorAct, max_length=24)
    subject = fields.CharField(max_length=120, description="a token's, or the command line")
    at = fields.DatetimeField()
    detail = fields.TextField(default="")

    class Meta:
        table = "connector_event"
        indexes = (("installation_id", "at"),)


class ConnectorTask(Row):
    """Something that an administrator asked for, which the worker does and answers."""

    installation: fields.ForeignKeyRelation[Installation] = fields.ForeignKeyField(
        "ekinerja.Installation", related_name="tasks", on_delete=fields.OnDelete.RESTRICT
    )
    installation_id: UUID
    kind = fields.CharEnumField(TaskKind, max_length=10)
    state = fields.CharEnumField(TaskState, max_length=10, default=TaskState.QUEUED)
    requested_by = fields.CharField(max_length=120, description="a token's subject")
    requested_at = fields.DatetimeField()
    started_at: datetime | None = fields.DatetimeField(null=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)
    applied_at: datetime | None = fields.DatetimeField(
        null=True, description="when its directory changes were made"
    )
    options: dict[str, Any] = fields.JSONField(default=dict, description="what was asked for")
    attempts = fields.IntField(default=0, description="how often a worker took it up")
    alive_at: datetime | None = fields.DatetimeField(
        null=True, description="the last sign of life of the worker that does it"
    )
    result: Any = fields.JSONField(null=True)
    problem: str | None = fields.TextField(null=True)

    class Meta:
        table = "connector_task"
        indexes = (("installation_id", "requested_at"),)


class DirectoryChange(Row):
    """One thing that a directory would change, in the order in which it would."""

    task: fields.ForeignKeyRelation[ConnectorTask] = fields.ForeignKeyField(
        "ekinerja.ConnectorTask", related_name="changes", on_delete=fields.OnDelete.RESTRICT
    )
    task_id: UUID
    position = fields.IntField()
    kind = fields.CharEnumField(ChangeKind, max_length=16)
    subject = fields.TextField(description="a unit's code or an employee's NIP")
    detail = fields.TextField()
    before: Any = fields.JSONField(null=True)
    after: Any = fields.JSONField(null=True)

    class Meta:
        table = "directory_change"
        unique_together = (("task", "position"),)
