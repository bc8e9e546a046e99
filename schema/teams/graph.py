"""The GraphQL face of teams: the board of a supervisor, and its live feed."""

from collections.abc import AsyncGenerator
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import strawberry

from schema.arguments import Resume, Supervisor, TeamDay
from schema.context import Info
from schema.errors import NotFound
from schema.events import Event
from schema.live import following, start_of
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
APPRAISED = f"""(
  SELECT DISTINCT a$.employee_id FROM assignment a$
  WHERE a$.appraiser_id = @row.supervisor_id AND {holds("a$", "@row.day")}
) m$"""
DAYS_OF = f"""JOIN employee @it_employee ON @it_employee.id = m$.employee_id
  AND ({sees_work_of("@it_employee")})
LEFT JOIN daily_log l$ ON l$.employee_id = m$.employee_id AND l$.day = @row.day
CROSS JOIN LATERAL ({day_of("m$.employee_id", "@row.day", "l$")}) @it_log"""
MEMBERS = f"{APPRAISED} {DAYS_OF}"
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


@strawberry.enum(description="The first message of a stream is a snapshot, then come changes.")
class TeamUpdateKind(StrEnum):
    SNAPSHOT = "SNAPSHOT"
    CHANGE = "CHANGE"


@strawberry.type(description="A message of the live feed of a team.")
class TeamUpdate:
    cursor: str = strawberry.field(description="Give it as `after` to resume behind it.")
    kind: TeamUpdateKind = strawberry.field(description="What is in it.")
    event: str | None = strawberry.field(
        description="What happened, as progress.confirmed; null in a snapshot."
    )
    team: Team | None = strawberry.field(description="In a snapshot: the whole team.")
    member: TeamMember | None = strawberry.field(
        description="In a change: the member as they are now. Applying it twice is harmless."
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
        "`after`, the changes behind that cursor instead of a snapshot."
    )
    async def team_updates(
        self, info: Info, supervisor: Supervisor = None, after: Resume = None
    ) -> AsyncGenerator[TeamUpdate, None]:
        start = await start_of(info, after)
        leader = optional_key_of(supervisor, "Employee") or info.context.viewer.employee_id
        team = await watched(info, leader)
        if after is None:
            yield _snapshot(team, start)
        async for event in following(info, start, lambda e: leader in e.superior_ids):
            await watched(info, leader)
            member = Selected(MEMBER, {"leader": leader, "person": event.employee_id})
            if await found(info, member, "TeamMember"):
                yield _change(member, event)


async def watched(info: Info, leader: UUID | None) -> Selected:
    """The team of a leader, today.

    Raises:
        NotFound: not there, or not the viewer's to watch.
    """
    team = Selected(TEAM, {"leader": leader})
    if not await found(info, team, "Team"):
        raise NotFound("Team")
    return team


def _snapshot(team: Selected, position: int) -> TeamUpdate:
    return TeamUpdate(
        cursor=str(position),
        kind=TeamUpdateKind.SNAPSHOT,
        event=None,
        team=team,  # type: ignore[arg-type]
        member=None,
    )


def _change(member: Selected, event: Event) -> TeamUpdate:
    return TeamUpdate(
        cursor=str(event.position),
        kind=TeamUpdateKind.CHANGE,
        event=event.kind,
        team=None,
        member=member,  # type: ignore[arg-type]
    )
