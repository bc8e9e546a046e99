"""The GraphQL face of tasks: what was asked of a connector, and what a directory would change."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.arguments import After, Before, First, Last
from schema.feeds import models
from schema.organizations.directory_values import ChangeKind
from schema.predicates import of_installation
from schema.relay import Connection
from schema.selection.declarations import many, one, page, reads, value

if TYPE_CHECKING:
    from schema.feeds.graph import Connector

LazyConnector = Annotated["Connector", strawberry.lazy("schema.feeds.graph")]

strawberry.enum(models.TaskKind, description="What is asked of a connector.")
strawberry.enum(models.TaskState, description="How far a task is.")
strawberry.enum(ChangeKind, description="What a directory would change; a PROBLEM changes nothing.")


@reads(model=models.DirectoryChange)
@strawberry.type(description="One thing that a directory would change, or that is wrong in it.")
class DirectoryChange:
    position: int = strawberry.field(description="Its number in the task, from 1.")
    kind: ChangeKind = strawberry.field(description="What would change.")
    subject: str = strawberry.field(description="A unit's code, an employee's NIP, or -.")
    detail: str = strawberry.field(description="In words.")
    before: JSON | None = strawberry.field(description="What is so now; null where it is new.")
    after: JSON | None = strawberry.field(description="What would be so; null where it ends.")


@strawberry.type(description="Changes in the order in which they would be made, problems last.")
class DirectoryChangeConnection(Connection[DirectoryChange]):
    pass


@reads()
@strawberry.type(description="How many changes there are of one kind.")
class DirectoryChangeCount:
    kind: ChangeKind = strawberry.field(description="The kind.")
    count: int = value("@row.number", "How many; never 0.")


@reads(model=models.ConnectorTask, visible=of_installation("@it.installation_id"))
@strawberry.type(
    description="What was asked of a connector, and its answer: ask again until ended."
)
class ConnectorTask(relay.Node):
    id: relay.NodeID[UUID]
    kind: models.TaskKind = strawberry.field(description="What was asked.")
    state: models.TaskState = strawberry.field(description="How far it is.")
    requested_by: str = strawberry.field(description="Who asked: a token's subject.")
    requested_at: datetime = strawberry.field(description="When it was asked.")
    started_at: datetime | None = strawberry.field(description="Null until a worker took it up.")
    ended_at: datetime | None = strawberry.field(description="Null until it is answered.")
    applied_at: datetime | None = strawberry.field(
        description="When the changes of a directory were made; null while they were not."
    )
    problem: str | None = strawberry.field(description="Why there is no answer.")
    result: JSON | None = value(
        "@row.result - 'directory'",
        "Of a dry run: counts, and entries {sourceId, states, nip, known, title, at, reason}, at "
        "most 100, what went wrong first. Of a directory: how much was read.",
    )
    connector: LazyConnector = one(
        "installation @it", "Whose task it is.", where="@it.id = @row.installation_id"
    )
    counts: list[DirectoryChangeCount] = many(
        """(SELECT c$.kind, count(*) AS number FROM directory_change c$
          WHERE c$.task_id = @row.id GROUP BY 1) @it""",
        "How many changes of each kind that there is.",
        order='@it.kind COLLATE "C"',
        at_most=len(ChangeKind),
        trusted=True,
    )

    @page(
        "directory_change @it",
        "What the directory would change.",
        where="@it.task_id = @row.id",
        given={"change": "@it.kind = @change"},
        keys={"@it.id": "uuid"},
        trusted=True,
        type=DirectoryChangeConnection,
    )
    def changes(
        self,
        change: Annotated[
            ChangeKind | None, strawberry.argument(description="Those of one kind.")
        ] = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...


@strawberry.type(description="A connector's tasks, newest first, a page at a time.")
class ConnectorTaskConnection(Connection[ConnectorTask]):
    pass
