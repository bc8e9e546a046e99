"""What administrators do with a directory that was previewed."""

from datetime import date
from typing import Any

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.feeds.task_graph import ConnectorTask
from schema.feeds.task_mutations import ONE_TASK
from schema.organizations.directory_values import ChangeKind
from schema.plans.directory import Choice, apply_directory
from schema.relay import key_of, refusals
from schema.selection.execution import Selected


@strawberry.input(description="Which changes of a preview are made. With neither list, all.")
class ApplyDirectoryInput:
    task: relay.GlobalID = strawberry.field(description="The preview.")
    only: list[ChangeKind] | None = strawberry.field(
        default=None, description="Changes of these kinds, besides those at `positions`."
    )
    positions: list[int] | None = strawberry.field(
        default=None, description="Changes at these positions, besides those of `only`."
    )
    from_: date | None = strawberry.field(
        default=None,
        name="from",
        description="The first day on which they hold; today in the agency's zone if left out.",
    )

    @property
    def choice(self) -> Choice:
        return Choice(kinds=self.only or (), positions=self.positions or ())


@strawberry.type(
    description="The task, applied. With CONFLICT nothing was changed, since the organization has "
    "changed: the task is a new preview then."
)
class ApplyDirectoryPayload:
    task: ConnectorTask | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class DirectoryMutation:
    @strawberry.mutation(
        description="For administrators: make the changes that a preview showed, all at once. "
        "Plans of posts that end, end with them."
    )
    async def apply_directory(
        self, info: Info, input: ApplyDirectoryInput
    ) -> ApplyDirectoryPayload:
        viewer, context = info.context.viewer, info.context
        with refusals(info) as refused:
            key = key_of(input.task, "ConnectorTask")
            done = await apply_directory(viewer, key, input.choice, input.from_, context.now())
            return applied(done.task_id, done.errors(context.language))
        return ApplyDirectoryPayload(task=None, user_errors=refused)


def applied(task_id: Any, errors: list[UserError]) -> ApplyDirectoryPayload:
    task: Any = Selected(ONE_TASK, {"key": task_id})
    return ApplyDirectoryPayload(task=task, user_errors=errors)
