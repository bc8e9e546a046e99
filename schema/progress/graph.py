"""The GraphQL face of progress: records, days, the inbox, and what employees do with them."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from uuid import UUID

import strawberry
from strawberry import Parent, relay
from strawberry.scalars import JSON

from schema.arguments import Id, Resume
from schema.context import Info
from schema.errors import NotFound
from schema.events import Event, EventKind
from schema.live import following, position_of
from schema.organizations.graph import Employee
from schema.progress import models
from schema.progress.loaders import Day
from schema.progress.rules import DayStatus, day_status
from schema.relay import Connection, backed_by, key_of
from schema.targets.graph import Indicator, Stage, Target

strawberry.enum(
    models.RecordState,
    description="PENDING waits for its employee; CONFIRMED counts; the others do not.",
)
strawberry.enum(models.RecordEventKind, description="What happened.")
strawberry.enum(
    DayStatus, name="DailyLogStatus", description="How a day stands against its requirement."
)


@strawberry.enum(description="Where a record came from.")
class SourceKind(StrEnum):
    MANUAL = "MANUAL"
    CONNECTOR = "CONNECTOR"


@strawberry.type(description="Where a record came from: its employee, or a connector.")
class Source:
    kind: SourceKind = strawberry.field(description="By hand or by a connector.")
    plugin: str | None = strawberry.field(description="The connector's plugin; null by hand.")
    title: str | None = strawberry.field(description="The connector's name; null by hand.")


@strawberry.type(description="What a source says that an employee did. Never rewritten.")
class Activity(relay.Node):
    is_type_of = backed_by(models.Activity)
    id: relay.NodeID[UUID]
    source_id: str = strawberry.field(description="The source's own id, unique in it.")
    kind: str = strawberry.field(description="The source's event, as the connector names it.")
    title: str = strawberry.field(description="In the source's words.")
    description: str | None = strawberry.field(description="More of the source's words.")
    category: str | None = strawberry.field(description="The source's class of work.")
    occurred_at: datetime = strawberry.field(description="When it happened or began.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null: an instant.")
    quantity: Decimal | None = strawberry.field(description="What the source counted.")
    unit_of_measure: str | None = strawberry.field(description="Of the quantity.")
    received_at: datetime = strawberry.field(description="When we took it in.")


@strawberry.type(description="Proof of a record (bukti dukung).")
class Evidence:
    title: str = strawberry.field(description="What it is.")
    url: str = strawberry.field(description="Where it is.")
    from_source: bool = strawberry.field(description="Named by the source, not by the employee.")


@strawberry.type(description="One line of a record's history. Append-only.")
class RecordEvent:
    kind: models.RecordEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    comment: str | None = strawberry.field(description="The reason or comment given.")
    changes: JSON = strawberry.field(
        description="What changed: names of inputs, each with `before` and `after`."
    )

    @strawberry.field(graphql_type=Employee | None, description="Who; null for a connector.")
    async def actor(self, root: Parent[models.RecordEvent], info: Info) -> object:
        return await info.context.loaders.organizations.employee_by_subject(root.actor)


@strawberry.type(description="The target that a record seems to belong to, and why.")
class TargetSuggestion:
    target: Target = strawberry.field(description="The suggested target.")
    score: Decimal = strawberry.field(description="From 0 to 1.")
    reason: str = strawberry.field(description="What in the words speaks for it.")


@strawberry.type(description="One entry of an employee's day (progres harian).")
class ProgressRecord(relay.Node):
    is_type_of = backed_by(models.ProgressRecord)
    id: relay.NodeID[UUID]
    starts_at: datetime = strawberry.field(description="When it began.")
    ends_at: datetime = strawberry.field(description="When it ended; may be past midnight.")
    minutes: int = strawberry.field(description="Whole minutes; 0 for an instant.")
    description: str = strawberry.field(description="What was done.")
    category: str | None = strawberry.field(description="Class of work.")
    quantity: Decimal | None = strawberry.field(description="What it adds to its indicator.")
    state: models.RecordState = strawberry.field(description="Where it stands.")
    created_at: datetime = strawberry.field(description="When it was written or received.")
    decided_at: datetime | None = strawberry.field(description="When its state last changed.")

    @strawberry.field(description="The working day of its start, in the employee's time zone.")
    def on(self, root: Parent[models.ProgressRecord]) -> date:
        return root.day

    @strawberry.field(graphql_type=Employee, description="Whose work it is.")
    async def employee(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return await info.context.loaders.organizations.employee.load(root.employee_id)

    @strawberry.field(graphql_type=Target | None, description="The target that it serves.")
    async def target(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return root.target_id and await info.context.loaders.targets.target.load(root.target_id)

    @strawberry.field(
        graphql_type=list[Target],
        description="The red thread, from the agency's goal down to its target.",
    )
    async def thread(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return await info.context.loaders.targets.thread(root.target_id)

    @strawberry.field(graphql_type=Indicator | None, description="The indicator that it moves.")
    async def indicator(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        key = root.indicator_id
        return key and await info.context.loaders.targets.indicator.load(key)

    @strawberry.field(graphql_type=Stage | None, description="The stage that it completes.")
    async def stage(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return root.stage_id and await info.context.loaders.targets.stage.load(root.stage_id)

    @strawberry.field(graphql_type=list[Evidence], description="Proof, the source's first.")
    async def evidence(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return await info.context.loaders.progress.evidence.load(root.id)

    @strawberry.field(description="Where it came from.")
    async def source(self, root: Parent[models.ProgressRecord], info: Info) -> Source:
        found = await info.context.loaders.progress.installation_of(root)
        if found is None:
            return Source(kind=SourceKind.MANUAL, plugin=None, title=None)
        return Source(kind=SourceKind.CONNECTOR, plugin=found.plugin, title=found.title)

    @strawberry.field(graphql_type=Activity | None, description="The source's facts.")
    async def activity(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        key = root.activity_id
        return key and await info.context.loaders.progress.activity.load(key)

    @strawberry.field(
        graphql_type=TargetSuggestion | None, description="Where it seems to belong, if it is said."
    )
    async def suggestion(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        target = await info.context.loaders.progress.suggested_target(root)
        if target is None:
            return None
        score, reason = root.suggestion_score, root.suggestion_reason or ""
        return TargetSuggestion(target=target, score=score, reason=reason)  # type: ignore[arg-type]

    @strawberry.field(graphql_type=list[RecordEvent], description="What happened to it.")
    async def history(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        return await info.context.loaders.progress.history.load(root.id)

    @strawberry.field(
        graphql_type="ProgressRecord | None", description="The record that this one replaces."
    )
    async def supersedes(self, root: Parent[models.ProgressRecord], info: Info) -> object:
        key = root.supersedes_id
        return key and await info.context.loaders.progress.record.load(key)

    @strawberry.field(description="In `pendingProgress` only: the cursor to resume behind.")
    def cursor(self, info: Info) -> str | None:
        return info.context.cursor


@strawberry.type(description="Progress records, newest first, a page at a time.")
class ProgressRecordConnection(Connection[ProgressRecord]):
    pass


@strawberry.type(description="One employee's one day.")
class DailyLog:
    on: date = strawberry.field(description="The working day, in the employee's time zone.")
    required_minutes: int = strawberry.field(description="What the day asks for.")
    recorded_minutes: int = strawberry.field(description="Confirmed.")
    pending_minutes: int = strawberry.field(description="Waiting for the employee.")
    pending_count: int = strawberry.field(description="How many wait for the employee.")
    last_activity_at: datetime | None = strawberry.field(description="End of the latest work.")

    @strawberry.field(graphql_type=Employee, description="Whose day it is.")
    async def employee(self, root: Parent[Day], info: Info) -> object:
        return await info.context.loaders.organizations.employee.load(root.employee_id)

    @strawberry.field(graphql_type=DayStatus, description="How it stands.")
    def status(self, root: Parent[Day]) -> DayStatus:
        return day_status(root.required_minutes, root.recorded_minutes)

    @strawberry.field(
        graphql_type=list[ProgressRecord],
        description="Records of the day in their order; pending ones only for the employee.",
    )
    async def records(self, root: Parent[Day], info: Info) -> object:
        return await info.context.loaders.progress.of_day(root.employee_id, root.on)


@strawberry.type(description="A target as it is behind a position of the live feed.")
class TargetUpdate:
    cursor: str = strawberry.field(description="Give it as `after` to resume behind it.")
    target: Target = strawberry.field(description="With its figures as they are now.")


@strawberry.type
class ProgressSubscription:
    @strawberry.subscription(
        graphql_type=AsyncGenerator[ProgressRecord, None],
        description="The viewer's pending records as they arrive. Without `after` from now on; "
        "with a record's `cursor`, all that arrived behind it first.",
    )
    async def pending_progress(
        self, info: Info, after: Resume = None
    ) -> AsyncGenerator[object, None]:
        mine = info.context.viewer.employee_id
        start = await start_of(info, after)
        arrived = partial(_arrived_for, mine)
        async for event in following(info, start, arrived):
            record = await info.context.loaders.progress.visible_record(event.record_id)
            if record is not None and record.state is models.RecordState.PENDING:
                yield record

    @strawberry.subscription(
        description="A target whenever its figures move. Without `after` its state now, first."
    )
    async def target_progress(
        self, info: Info, target: Id, after: Resume = None
    ) -> AsyncGenerator[TargetUpdate, None]:
        key = key_of(target, "Target")
        start = await start_of(info, after)
        now = await _target_update(info, key, str(start))
        if after is None:
            yield now
        async for event in following(info, start, partial(_moves, key)):
            yield await _target_update(info, key, str(event.position))


def _arrived_for(employee_id: UUID | None, event: Event) -> bool:
    return event.employee_id == employee_id and event.kind is EventKind.PROGRESS_RECEIVED


def _moves(target_id: UUID, event: Event) -> bool:
    return target_id in event.target_ids


async def start_of(info: Info, after: str | None) -> int:
    """Where a stream begins: behind a cursor, or behind the newest event."""
    info.context.viewer  # noqa: B018  nobody follows without being signed in
    return await info.context.feed.last_position() if after is None else position_of(after)


async def _target_update(info: Info, key: UUID, cursor: str) -> TargetUpdate:
    target = await info.context.loaders.targets.visible_target(key)
    if target is None:
        raise NotFound("Target")
    return TargetUpdate(cursor=cursor, target=target)  # type: ignore[arg-type]
