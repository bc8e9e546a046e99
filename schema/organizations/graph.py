"""The GraphQL face of organizations: the directory, and who is asking.

Values are rows of the tables; a field without a resolver is the column of the same name.
"""

from datetime import date
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry
from strawberry import Parent, relay

from schema.access import Role
from schema.arguments import After, AgencyCode, Day, First, Nip, Period, TeamDay, UnitCode
from schema.context import Info
from schema.errors import DomainError, ErrorCode
from schema.nesting import nesting
from schema.organizations import models
from schema.organizations.models import AssignmentKind
from schema.permissions import SeesWork, silently
from schema.relay import Connection, backed_by, connection_of, page_of

if TYPE_CHECKING:
    from schema.progress.graph import DailyLog, ProgressRecordConnection
    from schema.targets.graph import PerformancePlan, Target
    from schema.teams.graph import Team

strawberry.enum(Role, description="What a viewer may do beyond being an employee.")
strawberry.enum(AssignmentKind, description="Definitive, or acting (PLT, PLH).")

LazyTarget = Annotated["Target", strawberry.lazy("schema.targets.graph")]
LazyPlan = Annotated["PerformancePlan", strawberry.lazy("schema.targets.graph")]
LazyLog = Annotated["DailyLog", strawberry.lazy("schema.progress.graph")]
LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]
LazyTeam = Annotated["Team", strawberry.lazy("schema.teams.graph")]

LONGEST_CALENDAR = 366
"""Days in one `calendar`: a leap year (a house limit)."""


@strawberry.type(description="An agency (instansi).")
class Agency(relay.Node):
    is_type_of = backed_by(models.Agency)
    id: relay.NodeID[UUID]
    code: str = strawberry.field(description="Its code, unique among agencies.")
    name: str = strawberry.field(description="Its full name.")
    timezone: str = strawberry.field(description="IANA time zone of its working days.")

    @strawberry.field(
        graphql_type=list["Unit"], description="All units, as a list; `parent` makes the tree."
    )
    async def units(self, root: Parent[models.Agency], info: Info) -> object:
        return await info.context.loaders.organizations.agency_units.load(root.id)

    @strawberry.field(
        graphql_type=list[LazyTarget],
        description="The agency's goals of a period: targets of units that serve no other.",
    )
    async def goals(self, root: Parent[models.Agency], info: Info, period: Period) -> object:
        return await info.context.loaders.targets.goals.load(root.id, period)


@strawberry.type(description="A unit (unit organisasi, unor) of an agency.")
class Unit(relay.Node):
    is_type_of = backed_by(models.Unit)
    id: relay.NodeID[UUID]
    code: str = strawberry.field(description="Its code, unique in the agency.")
    name: str = strawberry.field(description="Its full name.")
    kind: str = strawberry.field(description="Its level, as the agency names it.")

    @strawberry.field(graphql_type=Agency, description="The agency it belongs to.")
    async def agency(self, root: Parent[models.Unit], info: Info) -> object:
        return await info.context.loaders.organizations.agency.load(root.agency_id)

    @strawberry.field(graphql_type="Unit | None", description="The unit above it today.")
    async def parent(self, root: Parent[models.Unit], info: Info) -> object:
        return await info.context.loaders.organizations.unit_parent.load(root.id)

    @strawberry.field(graphql_type=list["Unit"], description="Units directly below it today.")
    async def children(self, root: Parent[models.Unit], info: Info) -> object:
        depth = nesting(info, "Unit", "children")
        return await info.context.loaders.organizations.unit_children.load(root.id, depth)

    @strawberry.field(
        graphql_type=list["Unit"], description="From the top of the agency down to this unit."
    )
    async def path(self, root: Parent[models.Unit], info: Info) -> object:
        return await info.context.loaders.organizations.unit_path(root)

    @strawberry.field(graphql_type="Employee | None", description="Who heads it today.")
    async def head(self, root: Parent[models.Unit], info: Info) -> object:
        return await info.context.loaders.organizations.unit_head.load(root.id)

    @strawberry.field(
        graphql_type="EmployeeConnection", description="Who holds a post in it today."
    )
    async def employees(
        self,
        root: Parent[models.Unit],
        info: Info,
        first: First = None,
        after: After = None,
    ) -> object:
        page = page_of(first, after)
        staff = await info.context.loaders.organizations.unit_staff.load(root.id, page)
        return connection_of(staff)

    @strawberry.field(
        graphql_type=list[LazyTarget], description="Targets of the unit itself in a period."
    )
    async def targets(self, root: Parent[models.Unit], info: Info, period: Period) -> object:
        return await info.context.loaders.targets.of_unit.load(root.id, period)

    @strawberry.field(
        graphql_type=list[LazyTeam],
        description="Teams of the unit's people who appraise others, as far as the viewer may.",
    )
    async def teams(self, root: Parent[models.Unit], info: Info, on: TeamDay = None) -> object:
        return await info.context.loaders.teams.of_unit(root.id, on)


@strawberry.type(description="An employee (pegawai): PNS or PPPK.")
class Employee(relay.Node):
    is_type_of = backed_by(models.Employee)
    id: relay.NodeID[UUID]
    name: str = strawberry.field(description="Full name.")
    timezone: str = strawberry.field(description="IANA time zone of the working day.")

    nip: str | None = strawberry.field(
        description="NIP, 18 digits. It holds a birth date: null where this person's work is "
        "not yours to see.",
        extensions=silently(SeesWork),
    )

    @strawberry.field(description="The post held today (jabatan).")
    async def position(self, root: Parent[models.Employee], info: Info) -> str | None:
        post = await info.context.loaders.organizations.assignment.load(root.id)
        return post.position if post else None

    @strawberry.field(graphql_type=Unit | None, description="The unit of today's post.")
    async def unit(self, root: Parent[models.Employee], info: Info) -> object:
        return await info.context.loaders.organizations.unit_of(root.id)

    @strawberry.field(
        graphql_type="Employee | None",
        description="The direct superior who appraises (pejabat penilai kinerja).",
    )
    async def appraiser(self, root: Parent[models.Employee], info: Info) -> object:
        return await info.context.loaders.organizations.appraiser_of(root.id)

    @strawberry.field(graphql_type=list["Employee"], description="Whom this person appraises.")
    async def subordinates(self, root: Parent[models.Employee], info: Info) -> object:
        depth = nesting(info, "Employee", "subordinates")
        return await info.context.loaders.organizations.subordinates.load(root.id, depth)

    @strawberry.field(
        graphql_type=LazyPlan | None,
        description="The performance plan (SKP) of a period; null where not yours to see.",
        extensions=silently(SeesWork),
    )
    async def plan(self, root: Parent[models.Employee], info: Info, period: Period) -> object:
        return await info.context.loaders.targets.plan.load(root.id, period)

    @strawberry.field(
        graphql_type=list[LazyTarget],
        description="Personal targets of a period; empty where not yours to see.",
        extensions=silently(SeesWork),
    )
    async def targets(self, root: Parent[models.Employee], info: Info, period: Period) -> object:
        return await info.context.loaders.targets.of_employee.load(root.id, period)

    @strawberry.field(
        graphql_type=LazyLog | None,
        description="One day; null where not yours to see.",
        extensions=silently(SeesWork),
    )
    async def daily_log(self, root: Parent[models.Employee], info: Info, on: Day) -> object:
        return await info.context.loaders.progress.log.load(root.id, on)

    @strawberry.field(
        graphql_type=list[LazyLog],
        description="Every day from one to another, both inclusive, at most 366; empty where "
        "not yours to see.",
        extensions=silently(SeesWork),
    )
    async def calendar(
        self,
        root: Parent[models.Employee],
        info: Info,
        from_: Annotated[date, strawberry.argument(name="from", description="The first day.")],
        to: Annotated[date, strawberry.argument(description="The last day.")],
    ) -> object:
        days = days_between(from_, to)
        return await info.context.loaders.progress.calendar.load(root.id, *days)


def days_between(start: date, end: date) -> tuple[date, date]:
    """Raises:
    DomainError: the range is empty or longer than a calendar may be.
    """
    if not 0 <= (end - start).days < LONGEST_CALENDAR:
        raise DomainError(ErrorCode.RANGE_TOO_LONG, field="to", limit=LONGEST_CALENDAR)
    return start, end


@strawberry.type(description="Employees, a page at a time.")
class EmployeeConnection(Connection[Employee]):
    pass


@strawberry.type(description="Who is asking.")
class Viewer:
    @strawberry.field(graphql_type=Employee | None, description="Null for service accounts.")
    async def employee(self, info: Info) -> object:
        key = info.context.viewer.employee_id
        return key and await info.context.loaders.organizations.employee.load(key)

    @strawberry.field(description="What the viewer may do.")
    def roles(self, info: Info) -> list[Role]:
        return list(info.context.viewer.roles)

    @strawberry.field(
        graphql_type=LazyRecords, description="The viewer's own inbox of pending records."
    )
    async def pending_records(
        self,
        info: Info,
        first: First = None,
        after: After = None,
        source: Annotated[
            str | None, strawberry.argument(description="A connector's plugin name.")
        ] = None,
    ) -> object:
        page = page_of(first, after)
        return connection_of(await info.context.loaders.progress.inbox(page, source))

    @strawberry.field(description="How many pending records wait for the viewer.")
    async def unread_count(self, info: Info) -> int:
        return await info.context.loaders.progress.unread_count()


@strawberry.type
class OrganizationQuery:
    @strawberry.field(graphql_type=Viewer, description="Who am I, my roles, my inbox.")
    async def viewer(self, info: Info) -> object:
        return info.context.viewer and Viewer()

    @strawberry.field(graphql_type=Agency | None, description="An agency by its code.")
    async def agency(self, info: Info, code: AgencyCode) -> object:
        return await info.context.loaders.organizations.agency_by_code(code)

    @strawberry.field(graphql_type=Unit | None, description="A unit by the codes.")
    async def unit(self, info: Info, agency: AgencyCode, code: UnitCode) -> object:
        return await info.context.loaders.organizations.unit_by_code(agency, code)

    @strawberry.field(graphql_type=Employee | None, description="An employee by NIP.")
    async def employee(self, info: Info, nip: Nip) -> object:
        return await info.context.loaders.organizations.employee_by_nip(nip)
