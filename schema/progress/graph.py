"""The GraphQL face of progress: records, days, and what arrives live."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import partial
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.arguments import Id, Resume
from schema.context import Info
from schema.errors import NotFound
from schema.events import Event, EventKind
from schema.live import following, start_of
from schema.organizations.absence_graph import Absence
from schema.organizations.graph import Employee
from schema.organizations.models import ClockDirection
from schema.organizations.models import ClockEvent as ClockRow
from schema.plans.graph import ActionPlan
from schema.predicates import sees_record, sees_target, sees_work
from schema.progress import models
from schema.progress.rules import DayStatus, day_status
from schema.relay import Connection, key_of
from schema.selection.declarations import Many, One, after, declared, many, one, reads, same, value
from schema.selection.execution import Selected, found
from schema.targets.graph import KNOT, KNOTS, Indicator, Stage, Target

strawberry.enum(
    models.RecordState,
    description="PENDING waits for its employee; CONFIRMED counts; the others do not.",
)
strawberry.enum(models.RecordEventKind, description="What happened.")
strawberry.enum(ClockDirection, description="Which way somebody passed the clock.")
strawberry.enum(
    models.SuggestionOrigin,
    description="RULE: the agency's mapping rule; HABIT: what the employee chose before for like "
    "work; TEXT: the words.",
)
strawberry.enum(
    DayStatus, name="DailyLogStatus", description="How a day stands against its requirement."
)


@strawberry.enum(description="Where a record came from.")
class SourceKind(StrEnum):
    MANUAL = "MANUAL"
    CONNECTOR = "CONNECTOR"


@reads()
@strawberry.type(description="Where a record came from: its employee, or a connector.")
class Source:
    kind: SourceKind = strawberry.field(description="By hand or by a connector.")
    plugin: str | None = strawberry.field(description="The connector's plugin; null by hand.")
    title: str | None = strawberry.field(description="The connector's name; null by hand.")


@reads(
    model=models.Activity,
    visible=f"""@it.employee_id = @viewer OR (SELECT true FROM progress_record c$
      WHERE c$.activity_id = @it.id AND ({sees_record("c$")}) LIMIT 1)""",
)
@strawberry.type(description="What a source says that an employee did. Never rewritten.")
class Activity(relay.Node):
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


@reads(model=models.Retraction)
@strawberry.type(description="The source took back what it said (pembatalan).")
class Retraction:
    at: datetime = strawberry.field(description="When, as the source says.")
    reason: str = strawberry.field(description="In the source's words.")


@reads(model=ClockRow, visible=sees_work("@it.employee_id"))
@strawberry.type(description="Somebody clocked in or out (presensi): presence, which is no work.")
class ClockEvent:
    at: datetime = strawberry.field(description="When.")
    direction: ClockDirection = strawberry.field(description="In or out.")
    place: str | None = strawberry.field(description="Where the clock stands, if the source says.")
    source: Source = one(
        """(SELECT 'CONNECTOR' AS kind, s$.plugin, s$.title FROM clock_source s$
          WHERE s$.clock_event_id = @row.id) @it""",
        "The connector that says so.",
    )


@reads(model=models.Evidence)
@strawberry.type(description="Proof of a record (bukti dukung).")
class Evidence:
    title: str = strawberry.field(description="What it is.")
    url: str = strawberry.field(description="Where it is.")
    from_source: bool = strawberry.field(description="Named by the source, not by the employee.")


@reads(model=models.RecordEvent)
@strawberry.type(description="One line of a record's history. Append-only.")
class RecordEvent:
    kind: models.RecordEventKind = strawberry.field(description="What happened.")
    at: datetime = strawberry.field(description="When.")
    comment: str | None = strawberry.field(description="The reason or comment given.")
    changes: JSON = strawberry.field(
        description="What changed: names of inputs, each with `before` and `after`."
    )
    actor: Employee | None = one(
        "employee @it", "Who; null for a connector.", where="@it.nip = @row.actor"
    )


@reads(model=models.MappingRule)
@strawberry.type(
    description="Activities of which all that is named is so serve the targets under one goal."
)
class MappingRule:
    plugin: str | None = strawberry.field(description="The connector's plugin; null: any.")
    activity_kind: str | None = strawberry.field(description="The activity's kind; null: any.")
    words: str | None = strawberry.field(description="All are in the title; null: any title.")
    goal: Target | None = one(None, "The goal; null where it is not the viewer's to see.")
    set_at: datetime = strawberry.field(description="When it was set.")
    set_by: Employee | None = one("employee @it", "Who set it.", where="@it.nip = @row.set_by")


@reads(model=models.ProgressRecord)
@strawberry.type(description="The target that a record seems to belong to, and why.")
class TargetSuggestion:
    target: Target = one(
        "target @it",
        "The suggested target.",
        where="@it.id = @row.suggested_target_id",
        trusted=True,
    )
    score: Decimal = value(
        "@row.suggestion_score",
        "The confidence, from 0 to 1: of suggestions at 0.8 about eight in ten are right.",
    )
    reason: str = value("coalesce(@row.suggestion_reason, '')", "What speaks for it, in words.")
    origin: models.SuggestionOrigin = value("@row.suggestion_origin", "What it rests on.")


@reads(model=models.ProgressRecord, visible=sees_record("@it"))
@strawberry.type(description="One entry of an employee's day (progres harian).")
class ProgressRecord(relay.Node):
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
    on: date = value("@row.day", "The working day of its start, in the employee's time zone.")
    # Whoever sees a record sees where it counts: a record is placed in its employee's own plan.
    employee: Employee = one(None, "Whose work it is.", trusted=True)
    target: Target | None = one(None, "The target that it serves.", trusted=True)
    thread: list[Target] = many(
        KNOTS.format(key="@row.target_id"),
        "The red thread, from the agency's goal down to its target.",
        order="@it.distance DESC",
        columns=KNOT,
        raw=True,
    )
    indicator: Indicator | None = one(None, "The indicator that it moves.", trusted=True)
    stage: Stage | None = one(None, "The stage that it completes.", trusted=True)
    action_plan: ActionPlan | None = one(None, "The action plan that it is for.", trusted=True)
    late: bool = strawberry.field(description="Confirmed behind its deadline.")
    late_reason: str | None = strawberry.field(description="Why it is late, where that was asked.")
    evidence: list[Evidence] = many(
        None, "Proof, the source's first.", order="@it.position", trusted=True
    )
    source: Source = one(
        """(SELECT @row.activity_id AS key) k$
          LEFT JOIN activity_source s$ ON s$.activity_id = k$.key
          CROSS JOIN LATERAL (SELECT CASE WHEN s$.plugin IS NULL THEN 'MANUAL' ELSE 'CONNECTOR' END
            AS kind, s$.plugin, s$.title) @it""",
        "Where it came from.",
    )
    activity: Activity | None = one(None, "The source's facts.", trusted=True)
    retraction: Retraction | None = one(
        "activity c$ JOIN retraction @it ON @it.installation_id = c$.installation_id "
        "AND @it.retracts = c$.source_id",
        "Where the source took back what it said. A pending record goes with it; a confirmed one "
        "stays as its employee decided.",
        where="c$.id = @row.activity_id",
        order="@it.id DESC",
        trusted=True,
    )
    suggestion: TargetSuggestion | None = same(
        "@row",
        "Where it seems to belong, while it waits; afterwards the employee has said so.",
        where=f"""@row.state = 'PENDING' AND (SELECT {sees_target("t$")} FROM target t$
          WHERE t$.id = @row.suggested_target_id)""",
    )
    history: list[RecordEvent] = many(None, "What happened to it.", order="@it.id", trusted=True)
    supersedes: "ProgressRecord | None" = one(None, "The record that this one replaces.")
    cursor: str | None = value("@cursor", "In `pendingProgress` only: the cursor to resume behind.")


@strawberry.type(description="Progress records, newest first, a page at a time.")
class ProgressRecordConnection(Connection[ProgressRecord]):
    pass


# Whoever sees the day sees the person's work.
RECORDS = Many(
    source="progress_record @it",
    where="@it.employee_id = @row.employee_id AND @it.day = @row.day "
    "AND (@it.state <> 'PENDING' OR @it.employee_id = @viewer)",
    order="@it.starts_at, @it.id",
    trusted=True,
)
ABSENCES = Many(
    source="absence @it",
    where="@it.employee_id = @row.employee_id AND @it.starts_on <= @row.day "
    "AND @it.ends_on >= @row.day AND @it.state IN ('REPORTED', 'ACCEPTED')",
    order="@it.from_time IS NOT NULL, @it.from_time, @it.id",
    trusted=True,
)
CLOCK = Many(
    source="clock_event @it",
    where="@it.employee_id = @row.employee_id AND @it.day = @row.day AND @it.retracted_at IS NULL",
    order="@it.at, @it.id",
    trusted=True,
)


@reads()
@strawberry.type(description="One employee's one day.")
class DailyLog:
    on: date = value("@row.day", "The working day, in the employee's time zone.")
    required_minutes: int = strawberry.field(description="What the day asks for.")
    recorded_minutes: int = strawberry.field(description="Confirmed.")
    pending_minutes: int = strawberry.field(description="Waiting for the employee.")
    pending_count: int = strawberry.field(description="How many wait for the employee.")
    last_activity_at: datetime | None = strawberry.field(description="End of the latest work.")
    employee: Employee = one(
        "employee @it", "Whose day it is.", where="@it.id = @row.employee_id", trusted=True
    )
    status: DayStatus = after(
        day_status,
        "How it stands.",
        required_minutes="@row.required_minutes",
        recorded_minutes="@row.recorded_minutes",
    )
    records: list[ProgressRecord] = declared(
        RECORDS, "Records of the day in their order; pending ones only for the employee."
    )
    done_at: datetime | None = value(
        "(SELECT d$.done_at FROM day_done d$ WHERE d$.employee_id = @row.employee_id "
        "AND d$.day = @row.day AND d$.reopened_at IS NULL)",
        "When the person said that all of the day is written; null: not, or taken back.",
    )
    absences: list[Absence] = declared(
        ABSENCES,
        "What keeps the person away: reported or accepted absences that cover the day, those of "
        "all day first.",
    )
    clock: list[ClockEvent] = declared(
        CLOCK, "When the person clocked in and out, as sources say; it adds no minutes."
    )


ONE_RECORD = One(source="progress_record @it", where="@it.id = @key::uuid")
WAITING_RECORD = One(
    source="progress_record @it", where="@it.id = @key::uuid AND @it.state = 'PENDING'"
)
ONE_TARGET = One(source="target @it", where="@it.id = @key::uuid")


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
        async for event in following(info, start, partial(_arrived_for, mine)):
            record = Selected(WAITING_RECORD, {"key": event.record_id})
            if await found(info, record, "ProgressRecord"):
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


async def _target_update(info: Info, key: UUID, cursor: str) -> TargetUpdate:
    """Raises:
    NotFound: the target is not there, or not the viewer's to see any more.
    """
    target = Selected(ONE_TARGET, {"key": key})
    if not await found(info, target, "Target"):
        raise NotFound("Target")
    return TargetUpdate(cursor=cursor, target=target)  # type: ignore[arg-type]
