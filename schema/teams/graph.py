"""The GraphQL face of teams: the board of a supervisor, and its live feed."""

from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
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
from schema.organizations.graph import Employee
from schema.organizations.models import AbsenceKind, AbsenceState
from schema.predicates import holds, sees_work_of
from schema.progress.graph import ABSENCES, CLOCK, DONE_AT, RECORDS, DailyLog
from schema.relay import optional_key_of
from schema.selection.declarations import One, Value, after, many, one, reads, same, value
from schema.selection.execution import Selected, found
from schema.teams import board_rules, models

strawberry.enum(
    models.PresenceStatus, description="Where a person's day stands, in their own time zone."
)

# Who was appraised by whom on that day. Of a past one that is closed as it was known when it
# ended: transfers do not rewrite it, and who has left since is there as the day was closed. Of
# today, and where nothing is closed, by the dated posts, as far as the viewer sees their work.
APPRAISED = f"""(SELECT array_agg(DISTINCT m$.employee_id) AS keys FROM (
    SELECT a$.employee_id FROM assignment a$ JOIN employee e$ ON e$.id = a$.employee_id
    WHERE a$.appraiser_id = @row.supervisor_id AND {holds("a$", "@row.day")}
      AND ({sees_work_of("e$")})
      AND (@row.day >= @today OR NOT EXISTS (SELECT FROM day_close c$
        WHERE c$.employee_id = a$.employee_id AND c$.day = @row.day))
    UNION ALL
    SELECT c$.employee_id FROM closed_team(
      CASE WHEN @row.day < @today THEN @row.supervisor_id END, @row.day) c$
  ) m$) k$"""
# The day of each person in k$.keys: of whom the viewer does not see, as it was closed.
DAYS_OF = f"""CROSS JOIN LATERAL day_facts(k$.keys, @row.day) @it_facts
JOIN employee @it_employee ON @it_employee.id = @it_facts.employee_id
CROSS JOIN LATERAL (SELECT coalesce({sees_work_of("@it_employee")}, false) AS sees) s$
LEFT JOIN day_close @it_close ON @it_close.employee_id = @it_facts.employee_id
  AND @it_close.day = @row.day AND (s$.sees OR @viewer = ANY (@it_close.superior_ids))
LEFT JOIN daily_log l$ ON l$.employee_id = @it_facts.employee_id AND l$.day = @row.day AND s$.sees
CROSS JOIN LATERAL (SELECT @it_facts.employee_id, @row.day AS day, s$.sees,
  CASE WHEN s$.sees THEN @it_facts.employee_id END AS shown_id,
  CASE WHEN s$.sees THEN @it_facts.required_minutes ELSE @it_close.required_minutes END
    AS required_minutes,
  CASE WHEN s$.sees THEN @it_facts.recorded_minutes ELSE @it_close.recorded_minutes END
    AS recorded_minutes,
  coalesce(l$.pending_minutes, 0) AS pending_minutes,
  CASE WHEN s$.sees THEN @it_facts.pending_count ELSE @it_close.pending_count END
    AS pending_count, l$.last_activity_at) @it_log"""
MEMBERS = f"{APPRAISED} {DAYS_OF}"
SEEN = "s$.sees OR @it_close.id IS NOT NULL"
FACTS = "CASE WHEN @row_log.sees THEN row_to_json(@row_facts) END"
STANDING = f"json_build_object('facts', {FACTS}, 'closed', @row_close.status)"
SHOWN_DAY = {
    name: replace(found, where=f"{found.where} AND @row.shown_id IS NOT NULL")
    for name, found in (("records", RECORDS), ("absences", ABSENCES), ("clock", CLOCK))
} | {"doneAt": Value(sql=f"CASE WHEN @row.shown_id IS NOT NULL THEN {DONE_AT.sql} END")}
OF_MEMBERS = MEMBERS.replace("@it", "o$")


def of_members(sql: str) -> str:
    """An aggregate over the members of the team in @row."""
    return f"(SELECT {sql} FROM {OF_MEMBERS} WHERE {SEEN.replace('@it', 'o$')})"


STANDINGS = of_members(f"coalesce(json_agg({STANDING.replace('@row', 'o$')}), '[]')")


@strawberry.type(description="An absence that explains a state.")
class AbsenceNow:
    kind: AbsenceKind = strawberry.field(description="Why.")
    state: AbsenceState = strawberry.field(description="Whether a superior has decided.")
    until: datetime = strawberry.field(description="When it is over.")
    last_day: date = strawberry.field(description="Its last day.")


@reads()
@strawberry.type(description="How a day stood when it ended. It never changes.")
class DayKnown:
    status: models.PresenceStatus = strawberry.field(description="Where it stood.")
    recorded_minutes: int = strawberry.field(description="Confirmed by then.")
    required_minutes: int = strawberry.field(description="What it asked for, as known then.")
    pending_count: int = strawberry.field(description="Records that waited.")
    closed_at: datetime = strawberry.field(description="When that was.")


@reads()
@strawberry.type(
    description="One person of a team on one day. Of somebody who has left since, and whose work "
    "is not the viewer's to see any more, the day is as it was closed, without records."
)
class TeamMember:
    employee: Employee = same("@row_employee", "Who.")
    status: models.PresenceStatus = after(
        board_rules.status_of, "Where the day stands.", now="@now", standing=STANDING
    )
    absence: AbsenceNow | None = after(
        board_rules.absence_now, "What explains the state now.", now="@now", facts=FACTS
    )
    log: DailyLog = same(
        "@row_log", "The day; pending records are a number only.", columns=SHOWN_DAY
    )
    recorded_minutes: int = value("@row_log.recorded_minutes", "Confirmed minutes of the day.")
    required_minutes: int = value("@row_log.required_minutes", "Minutes that the day asks for.")
    working_minutes: int = value("@row_facts.working_minutes", "The same before leave.")
    short_minutes: int = value(
        "greatest(@row_log.required_minutes - @row_log.recorded_minutes, 0)",
        "Minutes that the day still lacks.",
    )
    pending_count: int = value("@row_log.pending_count", "How many records wait for the person.")
    last_activity_at: datetime | None = value(
        "@row_log.last_activity_at", "End of the latest work of the day."
    )
    clocked_in_at: datetime | None = value(
        "CASE WHEN @row_log.sees THEN @row_facts.clocked_in_at END", "When they last clocked in."
    )
    done_at: datetime | None = value(
        "CASE WHEN @row_log.sees THEN @row_facts.done_at END",
        "When they said that the day is all written.",
    )
    expected_from: datetime | None = after(
        board_rules.expected_from,
        "When the person's own working day begins; null on a day off.",
        facts="row_to_json(@row_facts)",
    )
    expected_until: datetime | None = after(
        board_rules.expected_until,
        "When it is over, also for whoever began as late as they may; null on a day off.",
        facts="row_to_json(@row_facts)",
    )
    known: DayKnown | None = same(
        "@row_close",
        "How the day stood when it ended; null while it is not closed. What is entered or "
        "announced later changes the other figures, never these.",
        where="@row_close.id IS NOT NULL",
    )


@strawberry.type(description="How many members stand where.")
class StatusCount:
    status: models.PresenceStatus = strawberry.field(description="Where the day stands.")
    count: int = strawberry.field(description="How many members; never 0.")


def counted(members: list[board_rules.Standing], now: datetime) -> list[board_rules.StatusNumber]:
    """Members by status."""
    return board_rules.numbers(board_rules.status_of(one, now) for one in members)


RECORDED = "coalesce(sum(o$_log.recorded_minutes), 0)"
REQUIRED = "coalesce(sum(o$_log.required_minutes), 0)"


@reads()
@strawberry.type(description="A team's day in figures.")
class TeamSummary:
    members: int = value(of_members("count(*)"), "How many people.")
    recorded_minutes: int = value(of_members(RECORDED), "Confirmed minutes of all.")
    required_minutes: int = value(of_members(REQUIRED), "Minutes that the day asks of all.")
    pending_count: int = value(
        of_members("coalesce(sum(o$_log.pending_count), 0)"),
        "Records that wait for their people.",
    )
    fill_rate: Decimal | None = value(
        of_members(f"round(100.0 * {RECORDED} / nullif({REQUIRED}, 0), 2)"),
        "Recorded of required minutes in percent, two decimals; null where none are required.",
    )
    filled: int = value(
        of_members("count(*) FILTER (WHERE o$_log.recorded_minutes > 0)"),
        "How many have any confirmed minutes.",
    )
    statuses: list[StatusCount] = after(
        counted,
        "By status.",
        members=STANDINGS,
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
        MEMBERS,
        "By name; of a past day those of that day, also who has left since.",
        where=SEEN,
        order="@it_employee.name, @it_employee.id",
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
    where=f"""@it_employee.id = @person::uuid AND ({SEEN})
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
        async for event in following(info, begins.position, concerning(info, leader)):
            team = await watched(info, leader)
            message = await update_of(info, leader, event, team)
            if message is not None:
                yield message


def reason_of(begins: Beginning) -> SnapshotReason:
    """Why a stream begins with the whole team."""
    return SnapshotReason.CURSOR_TOO_OLD if begins.too_old else SnapshotReason.FIRST


def concerning(info: Info, leader: UUID | None) -> Callable[[Event], bool]:
    """Tells events that may move what is watched of a leader. The leader's agency is known where
    the scope is theirs: of other agencies nothing is asked then."""
    viewer = info.context.viewer
    return partial(concerns, leader, viewer.agency_id if viewer.line == leader else None)


def concerns(leader: UUID | None, agency: UUID | None, event: Event) -> bool:
    """Whether an event may move a leader's team: a person's below, or a whole agency's (None: it
    has to be asked which is the leader's)."""
    if event.employee_id is None:
        return agency in (None, event.agency_id)
    return leader in event.superior_ids


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
