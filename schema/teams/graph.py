"""The GraphQL face of teams: the board of a supervisor, and its live feed."""

from collections import Counter
from collections.abc import AsyncGenerator
from datetime import date, datetime
from enum import StrEnum

import strawberry
from strawberry import Parent

from schema.arguments import Resume, Supervisor, TeamDay
from schema.context import Info
from schema.live import following
from schema.organizations.graph import Employee
from schema.progress.graph import DailyLog, start_of
from schema.relay import optional_key_of
from schema.teams import rules
from schema.teams.loaders import Member, TeamOfDay

strawberry.enum(
    rules.PresenceStatus, description="Where a person's day stands, in their own time zone."
)


@strawberry.type(description="One person of a team on one day.")
class TeamMember:
    employee: Employee = strawberry.field(description="Who.")
    status: rules.PresenceStatus = strawberry.field(description="Where the day stands.")
    log: DailyLog = strawberry.field(description="The day; pending records are a number only.")

    @strawberry.field(description="Confirmed minutes of the day.")
    def recorded_minutes(self, root: Parent[Member]) -> int:
        return root.log.recorded_minutes

    @strawberry.field(description="Minutes that the day asks for.")
    def required_minutes(self, root: Parent[Member]) -> int:
        return root.log.required_minutes

    @strawberry.field(description="How many records wait for the person.")
    def pending_count(self, root: Parent[Member]) -> int:
        return root.log.pending_count

    @strawberry.field(description="End of the latest work of the day.")
    def last_activity_at(self, root: Parent[Member]) -> datetime | None:
        return root.log.last_activity_at


@strawberry.type(description="How many members stand where.")
class StatusCount:
    status: rules.PresenceStatus = strawberry.field(description="Where the day stands.")
    count: int = strawberry.field(description="How many members; never 0.")


@strawberry.type(description="A team's day in figures.")
class TeamSummary:
    members: int = strawberry.field(description="How many people.")
    recorded_minutes: int = strawberry.field(description="Confirmed minutes of all.")
    required_minutes: int = strawberry.field(description="Minutes that the day asks of all.")
    pending_count: int = strawberry.field(description="Records that wait for their people.")
    statuses: list[StatusCount] = strawberry.field(description="By status.")


@strawberry.type(description="A supervisor's direct reports on one day.")
class Team:
    supervisor: Employee = strawberry.field(description="Who appraises them.")
    on: date = strawberry.field(description="The day.")
    members: list[TeamMember] = strawberry.field(description="By name.")

    @strawberry.field(description="The same in figures.")
    def summary(self, root: Parent[TeamOfDay]) -> TeamSummary:
        return summary_of(root)


def summary_of(team: TeamOfDay) -> TeamSummary:
    counts = Counter(member.status for member in team.members)
    return TeamSummary(
        members=len(team.members),
        recorded_minutes=sum(member.log.recorded_minutes for member in team.members),
        required_minutes=sum(member.log.required_minutes for member in team.members),
        pending_count=sum(member.log.pending_count for member in team.members),
        statuses=[StatusCount(status=s, count=counts[s]) for s in sorted(counts)],
    )


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


@strawberry.type
class TeamQuery:
    @strawberry.field(
        graphql_type=Team, description="A supervisor's team; by default the viewer's own, today."
    )
    async def team(self, info: Info, supervisor: Supervisor = None, on: TeamDay = None) -> object:
        key = optional_key_of(supervisor, "Employee")
        return await info.context.loaders.teams.team(key, on)


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
        team = await info.context.loaders.teams.team(optional_key_of(supervisor, "Employee"), None)
        leader = team.supervisor.id
        if after is None:
            yield _snapshot(team, start)
        async for event in following(info, start, lambda e: leader in e.superior_ids):
            member = await info.context.loaders.teams.watched_member(leader, event.employee_id)
            if member is not None:
                yield _change(member, event.position, event.kind)


def _snapshot(team: TeamOfDay, position: int) -> TeamUpdate:
    return TeamUpdate(
        cursor=str(position),
        kind=TeamUpdateKind.SNAPSHOT,
        event=None,
        team=team,  # type: ignore[arg-type]
        member=None,
    )


def _change(member: Member, position: int, event: str) -> TeamUpdate:
    return TeamUpdate(
        cursor=str(position),
        kind=TeamUpdateKind.CHANGE,
        event=event,
        team=None,
        member=member,  # type: ignore[arg-type]
    )
