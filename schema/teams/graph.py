"""The GraphQL face of teams: the board of a supervisor, and its live feed."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from enum import StrEnum
from functools import partial
from typing import Any
from uuid import UUID

import strawberry

from schema.arguments import Resume, Supervisor, TeamDay
from schema.context import Beginning, Info
from schema.errors import NotFound
from schema.events import Event, EventKind
from schema.live import beginning_of, following
from schema.organizations.days import day_of
from schema.organizations.graph import Employee
from schema.predicates import holds, sees_work_of
from schema.progress.graph import DailyLog
from schema.relay import optional_key_of
from schema.selection.declarations import One, after, many, one, reads, same, value
from schema.selection.execution import Selected, found
from schema.teams import models, rules

strawberry.enum(
    models.PresenceStatus, description="Where a person's day stands, in their own time zone."
)

# Who was appraised by whom on that day, as far as the viewer may see their work: transfers do not
# rewrite the past.
MEMBERS = f"""(
  SELECT DISTINCT a$.employee_id FROM assignment a$
  WHERE a$.appraiser_id = @row.supervisor_id AND {holds("a$", "@row.day")}
) m$ JOIN employee @it_employee ON @it_employee.id = m$.employee_id
  AND ({sees_work_of("@it_employee")})
LEFT JOIN daily_log l$ ON l$.employee_id = m$.employee_id AND l$.day = @row.day
CROSS JOIN LATERAL ({day_of("m$.employee_id", "@row.day", "l$")}) @it_log"""
FACTS = """(SELECT row_to_json(f$) FROM
  day_facts(ARRAY[@row_employee.id], @row_log.day) f$)"""
OF_MEMBERS = MEMBERS.replace("@it", "o$")


def of_members(sql: str) -> str:
    """An aggregate over the members of the team in @row."""
    return f"(SELECT {sql} FROM {OF_MEMBERS})"


FACTS_OF_ALL = f"""(SELECT coalesce(json_agg(row_to_json(f$)), '[]') FROM
  day_facts({of_members("array_agg(o$_employee.id)")}, @row.day) f$)"""


@reads()
@strawberry.type(description="One person of a team on one day.")
class TeamMember:
    employee: Employee = same("@row_employee", "Who.")
    status: models.PresenceStatus = after(
        rules.presence, "Where the day stands.", now="@now", facts=FACTS
    )
    log: DailyLog = same("@row_log", "The day; pending records are a number only.")
    recorded_minutes: int = value("@row_log.recorded_minutes", "Confirmed minutes of the day.")
    required_minutes: int = value("@row_log.required_minutes", "Minutes that the day asks for.")
    pending_count: int = value("@row_log.pending_count", "How many records wait for the person.")
    last_activity_at: datetime | None = value(
        "@row_log.last_activity_at", "End of the latest work of the day."
    )


@strawberry.type(description="How many members stand where.")
class StatusCount:
    status: models.PresenceStatus = strawberry.field(description="Where the day stands.")
    count: int = strawberry.field(description="How many members; never 0.")


def counted(members: list[rules.DayFacts], now: datetime) -> list[StatusCount]:
    """Members by status."""
    counts = rules.status_counts(members, now)
    return [StatusCount(status=status, count=number) for status, number in counts.items()]


@reads()
@strawberry.type(description="A team's day in figures.")
class TeamSummary:
    members: int = value(of_members("count(*)"), "How many people.")
    recorded_minutes: int = value(
        of_members("coalesce(sum(o$_log.recorded_minutes), 0)"), "Confirmed minutes of all."
    )
    required_minutes: int = value(
        of_members("coalesce(sum(o$_log.required_minutes), 0)"),
        "Minutes that the day asks of all.",
    )
    pending_count: int = value(
        of_members("coalesce(sum(o$_log.pending_count), 0)"),
        "Records that wait for their people.",
    )
    statuses: list[StatusCount] = after(
        counted,
        "By status.",
        members=FACTS_OF_ALL,
        now="@now",
    )


@reads()
@strawberry.type(description="A supervisor's direct reports on one day.")
class Team:
    supervisor: Employee = one(
        "employee @it", "Who appraises them.", where="@it.id = @row.supervisor_id"
    )
    on: date = value("@row.day", "The day.")
    members: list[TeamMember] = many(
        MEMBERS, "By name.", order="@it_employee.name, @it_employee.id"
    )
    summary: TeamSummary = same("@row", "The same in figures.")


@strawberry.enum(
    description="SNAPSHOT: the whole team. CHANGE: one member, as they are now. LEFT: somebody is "
    "no longer of the team."
)
class TeamUpdateKind(StrEnum):
    SNAPSHOT = "SNAPSHOT"
    CHANGE = "CHANGE"
    LEFT = "LEFT"


@strawberry.enum(
    description="Why the whole team is sent. FIRST: the stream begins. CURSOR_TOO_OLD: what "
    "happened behind the cursor is no longer at hand. CHANGED: something befell the whole agency, "
    "such as a holiday."
)
class SnapshotReason(StrEnum):
    FIRST = "FIRST"
    CURSOR_TOO_OLD = "CURSOR_TOO_OLD"
    CHANGED = "CHANGED"


@strawberry.type(description="A message of the live feed of a team.")
class TeamUpdate:
    cursor: str = strawberry.field(description="Give it as `after` to resume behind it.")
    kind: TeamUpdateKind = strawberry.field(description="What is in it.")
    reason: SnapshotReason | None = strawberry.field(
        description="In a snapshot: why it is sent; show its team instead of what was there."
    )
    event: str | None = strawberry.field(
        description="What happened, as progress.confirmed; null where the stream begins."
    )
    team: Team | None = strawberry.field(description="In a snapshot: the whole team.")
    member: TeamMember | None = strawberry.field(
        description="In a change: the member as they are now. Applying it twice is harmless."
    )
    employee: Employee | None = strawberry.field(
        description="Where somebody left: who. They need not have been there."
    )


def team_of(supervisor: str, on: str) -> dict[str, Any]:
    """FROM and WHERE of one team that the viewer may watch."""
    return {
        "source": f"""employee s$ CROSS JOIN LATERAL (
          SELECT s$.id AS supervisor_id, {on} AS day) @it""",
        "where": f"s$.id = {supervisor} AND ({sees_work_of('s$')})",
    }


ASKED = team_of("@supervisor::uuid", "@on::date")
TEAM = One(**team_of("@leader::uuid", "@today"))
AGENCYS_TEAM = One(
    source="employee s$ CROSS JOIN LATERAL (SELECT s$.id AS supervisor_id, @today AS day) @it",
    where=f"s$.id = @leader::uuid AND s$.agency_id = @agency::uuid AND ({sees_work_of('s$')})",
)
PERSON = One(source="employee @it", where="@it.id = @person::uuid")
MEMBER = One(
    source=MEMBERS.replace("@row.supervisor_id", "@leader::uuid").replace("@row.day", "@today"),
    where=f"""@it_employee.id = @person::uuid
      AND (SELECT {sees_work_of("s$")} FROM employee s$ WHERE s$.id = @leader::uuid)""",
)


@strawberry.type
class TeamQuery:
    @one(
        description="A supervisor's team; by default the viewer's own, today.",
        ids={"supervisor": "Employee"},
        defaults={"supervisor": "viewer", "on": "today"},
        type=Team,
        **ASKED,
    )
    def team(self, supervisor: Supervisor = None, on: TeamDay = None) -> None: ...


@strawberry.type
class TeamSubscription:
    @strawberry.subscription(
        description="A team's day, live: a snapshot, then changes, each with a cursor. With "
        "`after`, the changes behind that cursor instead of a snapshot, unless it is too old."
    )
    async def team_updates(
        self, info: Info, supervisor: Supervisor = None, after: Resume = None
    ) -> AsyncGenerator[TeamUpdate, None]:
        begins = await beginning_of(info, after)
        leader = optional_key_of(supervisor, "Employee") or info.context.viewer.line
        team = await watched(info, leader)
        if begins.whole:
            yield snapshot(team, begins.position, reason_of(begins))
        async for event in following(info, begins.position, partial(concerns, leader)):
            team = await watched(info, leader)
            message = await update_of(info, leader, event, team)
            if message is not None:
                yield message


def reason_of(begins: Beginning) -> SnapshotReason:
    """Why a stream begins with the whole team."""
    return SnapshotReason.CURSOR_TOO_OLD if begins.too_old else SnapshotReason.FIRST


def concerns(leader: UUID | None, event: Event) -> bool:
    """Whether an event may move what a leader watches: a person's below, or a whole agency's."""
    return event.employee_id is None or leader in event.superior_ids


async def watched(info: Info, leader: UUID | None) -> Selected:
    """The team of a leader, today.

    Raises:
        NotFound: not there, or not the viewer's to watch.
    """
    team = Selected(TEAM, {"leader": leader})
    if not await found(info, team, "Team"):
        raise NotFound("Team")
    return team


async def update_of(
    info: Info, leader: UUID | None, event: Event, team: Selected
) -> TeamUpdate | None:
    """What an event tells who watches a team; None where it does not touch the team."""
    if event.employee_id is None:
        of_agency = Selected(AGENCYS_TEAM, {"leader": leader, "agency": event.agency_id})
        if not await found(info, of_agency, "Team"):
            return None
        return snapshot(team, event.position, SnapshotReason.CHANGED, event)
    member = Selected(MEMBER, {"leader": leader, "person": event.employee_id})
    if await found(info, member, "TeamMember"):
        return _message(TeamUpdateKind.CHANGE, event, member=member)
    if event.kind is not EventKind.POSTS_CHANGED:
        return None
    person = Selected(PERSON, {"person": event.employee_id})
    if await found(info, person, "Employee"):
        return _message(TeamUpdateKind.LEFT, event, employee=person)
    # Gone to where the viewer sees nobody: the team without them says it as well.
    return snapshot(team, event.position, SnapshotReason.CHANGED, event)


def snapshot(
    team: Selected, position: int, reason: SnapshotReason, event: Event | None = None
) -> TeamUpdate:
    """A message with the whole team."""
    return TeamUpdate(
        cursor=str(position),
        kind=TeamUpdateKind.SNAPSHOT,
        reason=reason,
        event=None if event is None else event.kind,
        team=team,  # type: ignore[arg-type]
        member=None,
        employee=None,
    )


def _message(
    kind: TeamUpdateKind,
    event: Event,
    *,
    member: Selected | None = None,
    employee: Selected | None = None,
) -> TeamUpdate:
    return TeamUpdate(
        cursor=str(event.position),
        kind=kind,
        reason=None,
        event=event.kind,
        team=None,
        member=member,  # type: ignore[arg-type]
        employee=employee,  # type: ignore[arg-type]
    )
