"""What administrators ask of connectors: a dry run, a preview of the directory."""

from typing import Any

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.feeds import tasks
from schema.feeds.models import TaskKind
from schema.feeds.task_graph import ConnectorTask
from schema.relay import key_of, refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected

ONE_TASK = One(source="connector_task @it", where="@it.id = @key::uuid")


@strawberry.input(description="One page is fetched and translated; nothing of it is kept.")
class DryRunConnectorInput:
    connector: relay.GlobalID = strawberry.field(
        description="The connector; it may be paused, disabled or halted."
    )
    from_beginning: bool = strawberry.field(
        default=False, description="Begin where the service begins, not at the present cursor."
    )


@strawberry.input(description="The whole directory is read and compared; nothing changes by it.")
class PreviewDirectoryInput:
    connector: relay.GlobalID = strawberry.field(
        description="The connector; it may be paused, disabled or halted."
    )


@strawberry.type(description="The task, which a worker answers, or why it was refused.")
class ConnectorTaskPayload:
    task: ConnectorTask | None = strawberry.field(
        description="Read it by its id until it has ended. One that waits already is given again."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class TaskMutation:
    @strawberry.mutation(
        description="For administrators: see what the connector would bring, before it does."
    )
    async def dry_run_connector(
        self, info: Info, input: DryRunConnectorInput
    ) -> ConnectorTaskPayload:
        options = {"fromBeginning": input.from_beginning}
        return await _asked(info, input.connector, TaskKind.DRY_RUN, options)

    @strawberry.mutation(
        description="For administrators: see what the service's directory would change of units, "
        "employees and posts. Then `applyDirectory`."
    )
    async def preview_directory(
        self, info: Info, input: PreviewDirectoryInput
    ) -> ConnectorTaskPayload:
        return await _asked(info, input.connector, TaskKind.DIRECTORY, {})


async def _asked(
    info: Info, connector: relay.GlobalID, kind: TaskKind, options: dict[str, Any]
) -> ConnectorTaskPayload:
    viewer, now = info.context.viewer, info.context.now()
    with refusals(info) as refused:
        key = key_of(connector, "Connector")
        found = await tasks.request(viewer, key, kind, now, options)
        task: Any = Selected(ONE_TASK, {"key": found.id})
        return ConnectorTaskPayload(task=task, user_errors=[])
    return ConnectorTaskPayload(task=None, user_errors=refused)
