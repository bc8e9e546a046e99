"""The GraphQL face of feeds: connectors and how they are, plugins, problems, dead letters."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.arguments import After, Before, First, Last
from schema.feeds import models, rules, settings
from schema.feeds.task_graph import ConnectorTaskConnection
from schema.predicates import of_agencies, of_installation
from schema.relay import Connection
from schema.selection.declarations import after, many, one, page, reads, same, value

if TYPE_CHECKING:
    from schema.appraisals.models import SendingState
    from schema.appraisals.sending_graph import ResultCount, ResultDeliveryConnection

LazySendingState = Annotated["SendingState", strawberry.lazy("schema.appraisals.models")]
LazyResultCount = Annotated["ResultCount", strawberry.lazy("schema.appraisals.sending_graph")]
LazyResults = Annotated[
    "ResultDeliveryConnection", strawberry.lazy("schema.appraisals.sending_graph")
]

strawberry.enum(models.RunState, description="How a polling run ended.")
strawberry.enum(
    models.DeadLetterCause, description="Why an item could not become a progress record."
)
strawberry.enum(models.PluginState, description="Whether a plugin that was found can be used.")
strawberry.enum(models.BreakerState, description="Whether a service is asked (circuit breaker).")
strawberry.enum(models.ProblemCode, description="What is wrong with a connector.")
strawberry.enum(models.ConnectorAct, description="What somebody did with a connector.")
strawberry.enum(
    rules.Health,
    description="How a connector is, in one word. DEGRADED passes or waits for a look; FAILING "
    "and HALTED need somebody.",
)

OPEN_PROBLEMS = """coalesce((SELECT json_agg(p$.code) FROM connector_problem p$
  WHERE p$.installation_id = @row.id AND p$.resolved_at IS NULL
    AND p$.dismissed_at IS NULL), '[]')"""
IN_QUARANTINE = """EXISTS (SELECT FROM plugin p$ WHERE p$.name = @row.plugin
  AND p$.state = 'QUARANTINED')"""


@reads(model=models.Plugin, visible="cardinality(@agencies) > 0")
@strawberry.type(description="A plugin as a worker last saw it.")
class Plugin:
    name: str = strawberry.field(description="Its entry point, by which connectors name it.")
    distribution: str = strawberry.field(description="The Python distribution that brought it.")
    version: str = strawberry.field(description="Of the plugin.")
    title: str = strawberry.field(description="What its vendor calls it.")
    capabilities: list[str] = strawberry.field(
        description="polling, webhook, file, directory, results, notices: what it can do."
    )
    settings_schema: JSON = strawberry.field(
        description="JSON Schema of its settings; what is secret is `writeOnly`."
    )
    state: models.PluginState = strawberry.field(description="Whether it can be used.")
    problem: str | None = strawberry.field(description="Why it is in quarantine.")
    seen_at: datetime = strawberry.field(description="When a worker saw it last.")


@strawberry.type(description="What somebody can do about a problem.")
class ProblemFix:
    indonesian: str = strawberry.field(description="In Indonesian.")
    english: str = strawberry.field(description="In English.")


@reads(model=models.ConnectorProblem, visible=of_installation("@it.installation_id"))
@strawberry.type(description="Something wrong with a connector, once however often it was met.")
class ConnectorProblem(relay.Node):
    id: relay.NodeID[UUID]
    code: models.ProblemCode = strawberry.field(description="Stable; translate by it.")
    detail: str = strawberry.field(description="Which thing, what is wrong with it.")
    fix: ProblemFix = after(rules.fix_of, "What somebody can do.", code="@row.code")
    critical: bool = after(
        rules.is_critical, "Nothing comes in under it, or nothing can be trusted.", code="@row.code"
    )
    times: int = strawberry.field(description="How often it was met.")
    first_at: datetime = strawberry.field(description="When it was met first.")
    last_at: datetime = strawberry.field(description="When it was met last.")
    dismissed_at: datetime | None = strawberry.field(
        description="When an administrator said that it is known."
    )
    resolved_at: datetime | None = strawberry.field(description="Null until it is gone.")


@reads(model=models.ConnectorEvent, visible=of_installation("@it.installation_id"))
@strawberry.type(description="What somebody did with a connector. Never rewritten.")
class ConnectorEvent:
    act: models.ConnectorAct = strawberry.field(description="What was done.")
    at: datetime = strawberry.field(description="When.")
    subject: str = strawberry.field(description="Who: a token's subject, or the command line.")
    detail: str = strawberry.field(description="What it touched; never a value of a setting.")


@reads(model=models.Installation)
@strawberry.type(description="The circuit breaker of a connector.")
class Breaker:
    state: models.BreakerState = value("@row.breaker", "OPEN: only a probe is sent, and seldom.")
    opened_at: datetime | None = strawberry.field(description="When it opened last.")
    next_probe_at: datetime | None = value(
        "CASE WHEN @row.breaker = 'OPEN' THEN @row.next_poll_at END",
        "Of an OPEN one: when the service is asked again.",
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


@strawberry.type(description="Polling runs, newest first, a page at a time.")
class RunConnection(Connection[Run]):
    pass


@strawberry.type(description="What people did with a connector, newest first.")
class ConnectorEventConnection(Connection[ConnectorEvent]):
    pass


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
    paused: bool = strawberry.field(
        description="Neither polled nor worked off; webhooks and files are kept meanwhile."
    )
    halted_at: datetime | None = strawberry.field(
        description="Since when the intake stands, because nothing could be read any more."
    )
    health: rules.Health = after(
        rules.health,
        "In one word.",
        enabled="@row.enabled",
        paused="@row.paused",
        quarantined=IN_QUARANTINE,
        halted="@row.halted_at IS NOT NULL",
        breaker="@row.breaker",
        failures="@row.failures",
        problems=OPEN_PROBLEMS,
    )
    breaker: Breaker = same("@row", "Whether its service is asked at all.", trusted=True)
    plugin_info: Plugin | None = one(
        "plugin @it",
        "Its plugin; null until a worker has seen it, and where there is none.",
        where="@it.name = @row.plugin",
        trusted=True,
    )
    settings: JSON = after(
        settings.shown,
        "What it is configured with, without secrets.",
        schema="(SELECT p$.settings_schema FROM plugin p$ WHERE p$.name = @row.plugin)",
        settings="@row.settings",
    )
    secrets_set: list[str] = value(
        "@row.secret_names", "Names of the secrets that are set; never what they are."
    )
    webhook_secrets: int = strawberry.field(
        description="How many webhook secrets verify: 0, 1, or 2 while one replaces the other."
    )
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
    result_counts: list[LazyResultCount] = many(
        """(SELECT d$.state, count(*) AS number FROM result_delivery d$
          WHERE d$.installation_id = @row.id GROUP BY 1) @it""",
        "How many signed appraisals stand how on their way through it.",
        order='@it.state COLLATE "C"',
        at_most=4,
        trusted=True,
    )

    @page(
        "result_delivery @it",
        "Signed appraisals that go through it, the newest first.",
        where="@it.installation_id = @row.id",
        given={"standing": "@it.state = @standing"},
        keys={"@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=LazyResults,
    )
    def results(
        self,
        standing: Annotated[
            LazySendingState | None, strawberry.argument(description="Those that stand so.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...

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

    @many(
        "connector_problem @it",
        "What is wrong with it now, the newest first.",
        where="@it.installation_id = @row.id "
        "AND (@all::boolean IS TRUE OR @it.resolved_at IS NULL)",
        order="@it.last_at DESC, @it.id DESC",
        trusted=True,
        type=list[ConnectorProblem],
    )
    def problems(
        self,
        all: Annotated[
            bool | None, strawberry.argument(description="Also those that are gone.")
        ] = None,
    ) -> None: ...

    @page(
        "run @it",
        "Its polling runs, newest first.",
        where="@it.installation_id = @row.id",
        keys={"@it.started_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=RunConnection,
    )
    def runs(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...

    @page(
        "connector_event @it",
        "Who did what with it, newest first.",
        where="@it.installation_id = @row.id",
        keys={"@it.at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        trusted=True,
        type=ConnectorEventConnection,
    )
    def history(
        self,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...


@reads(model=models.DeadLetter, visible=of_installation("@it.installation_id"))
@strawberry.type(description="An item that was given up, with its cause. Nothing is lost.")
class DeadLetter(relay.Node):
    id: relay.NodeID[UUID]
    cause: models.DeadLetterCause = strawberry.field(description="Why.")
    detail: str = strawberry.field(description="Which thing, what is wrong with it.")
    created_at: datetime = strawberry.field(description="When it was given up.")
    resolved_at: datetime | None = strawberry.field(description="Null while it is open.")
    note: str | None = strawberry.field(
        description="Why it was closed without its item being tried again."
    )
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


@strawberry.type
class FeedQuery:
    connectors: list[Connector] = many(
        "installation @it",
        "Connectors of the agencies that the viewer administers or audits.",
        order="@it.plugin, @it.title",
    )
    plugins: list[Plugin] = many(
        "plugin @it",
        "Every plugin that a worker has found, for administrators and auditors.",
        order="@it.name",
    )

    @page(
        "dead_letter @it",
        "What could not become a record, for administrators and auditors.",
        given={
            "connector": "@it.installation_id = @connector",
            "cause": "@it.cause = @cause",
            "resolved": "(@it.resolved_at IS NOT NULL) = @resolved",
        },
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
        cause: Annotated[
            models.DeadLetterCause | None, strawberry.argument(description="Those of one cause.")
        ] = None,
        resolved: Annotated[
            bool | None,
            strawberry.argument(description="False: open ones; true: those that are closed."),
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...
