"""Teams as a viewer sees them: the direct reports of a supervisor on a day."""

from asyncio import gather
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tortoise.expressions import Q

from schema.access import Scope, can_see_work_of
from schema.errors import NotFound
from schema.families import Family, Seen, grouped
from schema.organizations.loaders import OrganizationLoaders
from schema.organizations.models import Assignment, Employee
from schema.progress.loaders import Day, ProgressLoaders
from schema.teams.rules import DayFacts, PresenceStatus, presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One person of a team on one day."""

    employee: Employee
    status: PresenceStatus
    log: Day


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamOfDay:
    """A supervisor's direct reports on one day, by name."""

    supervisor: Employee
    on: date
    members: Sequence[Member]


class TeamLoaders:
    """Teams for one request and one viewer, at one instant."""

    def __init__(
        self,
        now: datetime,
        day: date,
        scope: Scope,
        organizations: OrganizationLoaders,
        progress: ProgressLoaders,
    ) -> None:
        self._now = now
        self._day = day
        self._scope = scope
        self._organizations = organizations
        self._progress = progress
        self._leaders_seen = Seen()
        self._leaders = Family(self._leaders_of, default=list, seen=organizations.units_seen)
        self.reports = Family(self._reports, default=list, seen=self._leaders_seen)

    async def team(self, supervisor_id: UUID | None, on: date | None) -> TeamOfDay:
        """The team of a supervisor, by default the viewer's own, today.

        Raises:
            NotFound: not there, or not the viewer's to watch.
        """
        key = supervisor_id or self._scope.employee_id
        supervisor = key and await self._organizations.employee.load(key)
        if not supervisor or not can_see_work_of(self._scope, supervisor):
            raise NotFound("Team")
        return await self._of(supervisor, on or self._day)

    async def watched_member(self, supervisor_id: UUID, employee_id: UUID) -> Member | None:
        """A member as they are now, or None where the person has left the team.

        Raises:
            NotFound: the team is no longer the viewer's to watch.
        """
        supervisor = await self._organizations.employee.load(supervisor_id)
        if supervisor is None or not can_see_work_of(self._scope, supervisor):
            raise NotFound("Team")
        reports = await self.reports.load(supervisor_id, self._day)
        found = next((one for one in reports if one.id == employee_id), None)
        return await self._member(found, self._day) if found else None

    async def of_unit(self, unit_id: UUID, on: date | None) -> list[TeamOfDay]:
        """Teams of the people of a unit who appraise others, as far as the viewer may see."""
        day = on or self._day
        leaders = await self._leaders.load(unit_id, day)
        teams = await gather(*(self._of(leader, day) for leader in leaders))
        return [team for team in teams if team.members]

    async def _leaders_of(self, keys: Sequence[UUID], day: date) -> Mapping[UUID, list[Employee]]:
        """People of units, as far as the viewer may see their teams, by name."""
        posts = (
            await Assignment.filter(unit_id__in=keys, starts_on__lte=day)
            .filter(Q(ends_on__isnull=True) | Q(ends_on__gt=day))
            .select_related("employee")
            .order_by("employee__name", "employee_id")
        )
        seen = [post for post in posts if can_see_work_of(self._scope, post.employee)]
        self._organizations.met([post.employee for post in seen])
        self._leaders_seen.add([post.employee_id for post in seen])
        unique = {(post.unit_id, post.employee_id): post for post in seen}.values()
        return {
            key: [post.employee for post in group]
            for key, group in grouped(unique, lambda post: post.unit_id).items()
        }

    async def _of(self, supervisor: Employee, on: date) -> TeamOfDay:
        reports = await self.reports.load(supervisor.id, on)
        members = await gather(*(self._member(one, on) for one in reports))
        return TeamOfDay(supervisor=supervisor, on=on, members=members)

    async def _member(self, employee: Employee, on: date) -> Member:
        log = await self._progress.log.load(employee.id, on)
        assert log is not None  # every day has a log, also an empty one
        facts = DayFacts(
            on=on,
            timezone=employee.timezone,
            required_minutes=log.required_minutes,
            recorded_minutes=log.recorded_minutes,
            last_activity_at=log.last_activity_at,
        )
        return Member(employee=employee, status=presence(facts, self._now), log=log)

    async def _reports(self, keys: Sequence[UUID], on: date) -> Mapping[UUID, list[Employee]]:
        """Who was appraised by whom on that day: transfers do not rewrite the past."""
        posts = await Assignment.filter(
            Q(ends_on__isnull=True) | Q(ends_on__gt=on), appraiser_id__in=keys, starts_on__lte=on
        ).select_related("employee")
        self._organizations.met([post.employee for post in posts])
        unique = {(post.appraiser_id, post.employee_id): post for post in posts}.values()
        ordered = sorted(unique, key=lambda post: (post.employee.name, post.employee_id))
        return {
            key: [post.employee for post in group]
            for key, group in grouped(ordered, lambda post: post.appraiser_id).items()
        }
