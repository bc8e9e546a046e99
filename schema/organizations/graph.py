"""The GraphQL face of organizations: the directory, and who is asking."""

from datetime import date
from uuid import UUID

import strawberry
from strawberry import relay

from schema.arguments import (
    After,
    AnyPeriod,
    Before,
    Day,
    EvaluationPeriodId,
    First,
    Last,
    Period,
    TeamDay,
)
from schema.organizations import models
from schema.organizations.agency_fields import WithRules
from schema.organizations.days import LONGEST_CALENDAR, FirstDay, LastDay, days, days_between
from schema.organizations.lazy_types import (
    LazyAbsence,
    LazyAppraisal,
    LazyCell,
    LazyEvaluationPeriod,
    LazyHoliday,
    LazyLog,
    LazyMappingRule,
    LazyMatrix,
    LazyPlan,
    LazyTarget,
    LazyTeam,
    LazyTemplate,
    LazyUnitRating,
    LazyWeek,
    LazyWorkTime,
)
from schema.organizations.models import AssignmentKind
from schema.organizations.person_fields import WithConsequences
from schema.organizations.places import (
    IN_ORDER,
    IN_PERIOD,
    OF_PERIOD,
    PLANNED,
    TODAYS_POST,
    UP,
)
from schema.predicates import holds, in_directory, sees_person, sees_work_of
from schema.relay import Connection
from schema.selection.declarations import column, many, one, page, reads, value

strawberry.enum(AssignmentKind, description="Definitive, or acting (PLT, PLH).")


@reads(model=models.Agency, visible=in_directory("@it.id"))
@strawberry.type(description="An agency (instansi).")
class Agency(WithRules, relay.Node):
    id: relay.NodeID[UUID]
    code: str = strawberry.field(description="Its code, unique among agencies.")
    name: str = strawberry.field(description="Its full name.")
    timezone: str = strawberry.field(description="IANA time zone of its working days.")
    units: list["Unit"] = many(
        "unit @it",
        "All units, as a list; `parent` makes the tree.",
        where="@it.agency_id = @row.id",
        order="@it.code",
    )

    templates: list[LazyTemplate] = many(
        "cascade_template @it",
        "Results that many people are given alike.",
        where="@it.agency_id = @row.id",
        order="@it.code",
    )
    mapping_rules: list[LazyMappingRule] = many(
        "mapping_rule @it",
        "By which activities find their goal; of those that hold the first decides.",
        where="@it.agency_id = @row.id",
        order="@it.position",
        at_most=200,
        trusted=True,
    )

    @many(
        f"target @it {PLANNED}",
        "The agency's goals of a period: targets of units that serve no other.",
        where="@it.agency_id = @row.id AND p$.code = @period AND @it.owner_unit_id IS NOT NULL "
        'AND NOT EXISTS (SELECT FROM target_edge e$ WHERE e$.child_id = @it.id AND e$."primary")',
        order=IN_ORDER,
        type=list[LazyTarget],
    )
    def goals(self, period: Period) -> None: ...

    @many(
        f"evaluation_period @it {PLANNED}",
        "The evaluation periods of a planning period, by their days; the final one last.",
        where="p$.agency_id = @row.id AND p$.code = @period",
        order="@it.kind = 'FINAL', @it.starts_on",
        at_most=13,
        trusted=True,
        type=list[LazyEvaluationPeriod],
    )
    def evaluation_periods(self, period: Period) -> None: ...

    working_weeks: list[LazyWeek] = many(
        "working_week @it",
        "Its weeks and those of its units, the newest first. A day that none holds for asks for "
        "450 minutes from Monday to Friday.",
        where="@it.agency_id = @row.id",
        order="@it.starts_on DESC, @it.id DESC",
        trusted=True,
    )

    @many(
        "holiday @it",
        "Holidays from one day to another, both inclusive, at most 366, and those taken back.",
        where="@it.agency_id = @row.id AND @it.day BETWEEN @from::date AND @to::date",
        order="@it.day",
        check=days_between,
        trusted=True,
        type=list[LazyHoliday],
    )
    def holidays(self, from_: FirstDay, to: LastDay) -> None: ...


@reads(model=models.Unit, visible=in_directory("@it.agency_id"))
@strawberry.type(description="A unit (unit organisasi, unor) of an agency.")
class Unit(relay.Node):
    id: relay.NodeID[UUID]
    code: str = strawberry.field(description="Its code, unique in the agency.")
    name: str = strawberry.field(description="Its full name.")
    kind: str = strawberry.field(description="Its level, as the agency names it.")
    agency: Agency = strawberry.field(description="The agency it belongs to.")
    parent: "Unit | None" = one(
        "unit_placement l$ JOIN unit @it ON @it.id = l$.parent_id",
        "The unit above it today.",
        where=f"l$.unit_id = @row.id AND {holds('l$', '@today')}",
    )
    children: list["Unit"] = many(
        "unit_placement l$ JOIN unit @it ON @it.id = l$.unit_id",
        "Units directly below it today.",
        where=f"l$.parent_id = @row.id AND {holds('l$', '@today')}",
        order="@it.code",
    )
    path: list["Unit"] = many(
        UP, "From the top of the agency down to this unit.", order="w$.distance DESC"
    )
    head: "Employee | None" = one(
        "assignment a$ JOIN employee @it ON @it.id = a$.employee_id",
        "Who heads it today.",
        where=f"a$.unit_id = @row.id AND a$.heads_unit AND {holds('a$', '@today')}",
    )

    @page(
        "employee @it",
        "Who holds a post in it today.",
        where="EXISTS (SELECT FROM assignment a$ WHERE a$.employee_id = @it.id "
        f"AND a$.unit_id = @row.id AND {holds('a$', '@today')})",
        keys={"@it.id": "uuid"},
        type="EmployeeConnection",
    )
    def employees(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...

    @many(
        f"target @it {PLANNED}",
        "Targets of the unit itself in a period.",
        where="@it.owner_unit_id = @row.id AND p$.code = @period",
        order=IN_ORDER,
        type=list[LazyTarget],
    )
    def targets(self, period: Period) -> None: ...

    @many(
        f"""(
          SELECT DISTINCT a$.employee_id AS supervisor_id, @on::date AS day
          FROM assignment a$
          WHERE a$.unit_id = @row.id AND {holds("a$", "@on::date")}
        ) @it JOIN employee s$ ON s$.id = @it.supervisor_id""",
        "Teams of the unit's people who appraise others, as far as the viewer may.",
        where=f"""({sees_work_of("s$")}) AND EXISTS (
          SELECT FROM assignment r$ JOIN employee e$ ON e$.id = r$.employee_id
          WHERE r$.appraiser_id = @it.supervisor_id AND {holds("r$", "@it.day")}
            AND ({sees_work_of("e$")}))""",
        order="s$.name, s$.id",
        defaults={"on": "today"},
        type=list[LazyTeam],
    )
    def teams(self, on: TeamDay = None) -> None: ...

    @one(
        "unit_rating @it",
        "The unit's own result in an evaluation period; null where none is set or not yours to "
        "see: it is its head's rating.",
        where="@it.unit_id = @row.id AND @it.evaluation_period_id = @evaluationPeriod",
        order="@it.version DESC",
        ids={"evaluationPeriod": "EvaluationPeriod"},
        type=LazyUnitRating | None,
    )
    def rating(self, evaluation_period: EvaluationPeriodId) -> None: ...


@reads(
    model=models.Assignment,
    joins="JOIN employee @it_holder ON @it_holder.id = @it.employee_id",
    visible=sees_person("@it_holder"),
)
@strawberry.type(description="A post that a person holds, definitive or acting.")
class Post(relay.Node):
    id: relay.NodeID[UUID]
    position: str = strawberry.field(description="The post (jabatan).")
    kind: AssignmentKind = strawberry.field(description="Definitive, or acting (PLT, PLH).")
    heads_unit: bool = strawberry.field(description="Whether it leads the unit.")
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date | None = strawberry.field(
        description="The first day on which it is not held any more; null: open."
    )
    unit: Unit | None = one(
        None, "The unit that it is in; null where its directory is not yours to see."
    )
    appraiser: "Employee | None" = one(None, "Who appraises for it; null at the top.")

    @one(
        f"performance_plan @it {PLANNED}",
        "The performance plan of the post in a period; null where not yours to see.",
        where="@it.assignment_id = @row.id AND p$.code = @period",
        sees=sees_work_of("@row_holder"),
        type=LazyPlan | None,
    )
    def plan(self, period: Period) -> None: ...


SEES_WORK = sees_work_of("@row")


@reads(model=models.Employee, visible=sees_person("@it"))
@strawberry.type(description="An employee (pegawai): PNS or PPPK.")
class Employee(WithConsequences, relay.Node):
    id: relay.NodeID[UUID]
    name: str = strawberry.field(description="Full name.")
    timezone: str = strawberry.field(description="IANA time zone of the working day.")
    nip: str | None = column(
        "NIP, 18 digits. It holds a birth date: null where this person's work is not yours to see.",
        sees=SEES_WORK,
    )
    position: str | None = value(
        f"(SELECT p$.position FROM {TODAYS_POST})", "The post held today (jabatan)."
    )
    unit: Unit | None = one(
        f"{TODAYS_POST} JOIN unit @it ON @it.id = p$.unit_id", "The unit of today's post."
    )
    appraiser: "Employee | None" = one(
        f"{TODAYS_POST} JOIN employee @it ON @it.id = p$.appraiser_id",
        "The direct superior who appraises (pejabat penilai kinerja).",
    )
    posts: list[Post] = many(
        "assignment @it",
        "Posts held today, the definitive one first.",
        where=f"@it.employee_id = @row.id AND {holds('@it', '@today')}",
        order="@it.kind, @it.starts_on DESC, @it.id DESC",
        trusted=True,
    )
    subordinates: list["Employee"] = many(
        "employee @it",
        "Whom this person appraises.",
        where="@it.id IN (SELECT a$.employee_id FROM assignment a$ "
        f"WHERE a$.appraiser_id = @row.id AND {holds('a$', '@today')})",
        order="@it.name, @it.id",
    )

    @one(
        f"performance_plan @it {PLANNED} JOIN assignment a$ ON a$.id = @it.assignment_id",
        "The performance plan (SKP) of a period; null where not yours to see. A transfer opens "
        "another: the newest is shown.",
        where="@it.employee_id = @row.id AND p$.code = @period",
        order="a$.starts_on DESC, @it.id DESC",
        sees=SEES_WORK,
        type=LazyPlan | None,
    )
    def plan(self, period: Period) -> None: ...

    @many(
        f"performance_plan @it {PLANNED} JOIN assignment a$ ON a$.id = @it.assignment_id",
        "All performance plans of a period, in the order of their posts: several where a transfer "
        "or an acting post opened another.",
        where="@it.employee_id = @row.id AND p$.code = @period",
        order="@it.starts_on, a$.kind, @it.id",
        sees=SEES_WORK,
        type=list[LazyPlan],
    )
    def plans(self, period: Period) -> None: ...

    @many(
        f"target @it {PLANNED}",
        "Personal targets of a period; empty where not yours to see.",
        where="@it.owner_employee_id = @row.id AND p$.code = @period",
        order=IN_ORDER,
        sees=SEES_WORK,
        type=list[LazyTarget],
    )
    def targets(self, period: Period) -> None: ...

    @many(
        "appraisal @it",
        "Appraisals, perhaps of one planning period, by their days; as far as the viewer may see.",
        where="@it.employee_id = @row.id",
        given={"period": OF_PERIOD},
        order="@it.starts_on, @it.ends_on, @it.id",
        type=list[LazyAppraisal],
    )
    def appraisals(self, period: AnyPeriod = None) -> None: ...

    @many(
        "matrix_member m$ JOIN role_matrix @it ON @it.id = m$.matrix_id",
        "Matrices of roles and results that this person has a row in, as far as the viewer may.",
        where=f"m$.employee_id = @row.id AND {IN_PERIOD}",
        order="@it.id",
        sees=SEES_WORK,
        type=list[LazyMatrix],
    )
    def matrices(self, period: Period) -> None: ...

    @many(
        "matrix_member m$ JOIN role_matrix x$ ON x$.id = m$.matrix_id "
        "JOIN matrix_cell @it ON @it.member_id = m$.id",
        "Cells that wait for the viewer to take them; empty for anybody else's.",
        where="m$.employee_id = @row.id AND x$.publication = 'PICK' AND @it.target_id IS NULL "
        f"AND {IN_PERIOD}",
        order="@it.id",
        sees="@row.id = @viewer",
        trusted=True,
        type=list[LazyCell],
    )
    def open_cells(self, period: Period) -> None: ...

    @one(
        days("@on::date", "@on::date"),
        "One day; null where not yours to see.",
        sees=SEES_WORK,
        type=LazyLog | None,
    )
    def daily_log(self, on: Day) -> None: ...

    @many(
        "absence @it",
        "Absences with days from one day to another, both inclusive, at most 366; those that were "
        "refused or withdrawn too. Empty where not yours to see.",
        where="@it.employee_id = @row.id AND @it.starts_on <= @to::date "
        "AND @it.ends_on >= @from::date",
        order="@it.starts_on, @it.id",
        check=days_between,
        sees=SEES_WORK,
        trusted=True,
        type=list[LazyAbsence],
    )
    def absences(self, from_: FirstDay, to: LastDay) -> None: ...

    @many(
        days("@from::date", "@to::date"),
        "Every day from one to another, both inclusive, at most 366; empty where not yours to see.",
        order="@it.day",
        check=days_between,
        sees=SEES_WORK,
        at_most=LONGEST_CALENDAR,
        type=list[LazyLog],
    )
    def calendar(self, from_: FirstDay, to: LastDay) -> None: ...

    @one(
        """(SELECT @row.id AS employee_id, @row.agency_id, @from::date AS first_day,
          @to::date AS last_day) @it""",
        "Working time from one day to another, both inclusive, at most 366; null where not yours "
        "to see.",
        check=days_between,
        sees=SEES_WORK,
        type=LazyWorkTime | None,
    )
    def work_time(self, from_: FirstDay, to: LastDay) -> None: ...


@strawberry.type(description="Employees, a page at a time.")
class EmployeeConnection(Connection[Employee]):
    pass
