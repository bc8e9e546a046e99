"""The GraphQL face of readiness: what would block a planning period, and who can mend it."""

from datetime import date
from enum import Enum
from typing import Annotated, Any

import strawberry

from schema.arguments import After, AgencyCode, Before, First, Last, Period
from schema.organizations.graph import Employee, Unit
from schema.predicates import of_agencies
from schema.readiness.problems import FOUND
from schema.readiness.rules import RULES, Mender, ProblemKind, Severity
from schema.relay import Connection
from schema.selection.declarations import Either, One, declared, many, one, page, reads, value
from schema.targets.graph import Target


def enum(values: type[Enum], description: str, each: dict[Any, str]) -> None:
    """An enum whose values are described one by one."""
    made: Any = strawberry.enum(values, description=description)
    for entry in made.__strawberry_definition__.values:
        entry.description = each[entry.value]


enum(
    ProblemKind,
    "What would block a planning period, or make its figures poorer.",
    {kind: rule.says for kind, rule in RULES.items()},
)
enum(
    Severity,
    "How grave a problem is.",
    {
        Severity.BLOCKS: "Somebody cannot go on before it is mended.",
        Severity.WARNS: "The period can go on, and its figures say less.",
    },
)
enum(
    Mender,
    "In which part somebody can mend a problem.",
    {
        Mender.ADMINISTRATOR: "The agency's administrator (pengelola kinerja).",
        Mender.APPRAISER: "The appraiser (pejabat penilai kinerja) of the plan.",
        Mender.HEAD: "The head of the unit, or of the unit above.",
        Mender.EMPLOYEE: "The employee whose plan it is.",
    },
)

ProblemSubject = Annotated[
    Employee | Unit | Target,
    strawberry.union("ProblemSubject", description="A person, a unit or a target."),
]

# All problems, found once for whatever is asked of them: a WITH is not merged into what is around
# it, and its sub-select is worked out when the row is the viewer's to see, once.
CHECK = f"""({FOUND} SELECT q$.agency_id, q$.day,
    (SELECT coalesce(json_agg(f$), '[]') FROM found$ f$) AS found
  FROM asked$ q$) @it"""
COLUMNS = (
    'kind text COLLATE "C", severity text COLLATE "C", key uuid, employee_id uuid, unit_id uuid, '
    "target_id uuid, detail text, mender text, menders uuid[]"
)
EACH = f"json_to_recordset(@row.found) AS @it ({COLUMNS})"
SUBJECTS = {"Employee": "employee", "Unit": "unit", "Target": "target"}


@reads()
@strawberry.type(description="One thing that would block a planning period, and who can mend it.")
class Problem:
    kind: ProblemKind = strawberry.field(description="What is wrong.")
    severity: Severity = strawberry.field(description="How grave it is.")
    subject: ProblemSubject | None = declared(
        Either(
            members={
                name: One(source=f"{table} @it", where=f"@it.id = @row.{table}_id")
                for name, table in SUBJECTS.items()
            },
            when={name: f"@row.{table}_id IS NOT NULL" for name, table in SUBJECTS.items()},
        ),
        "Whom or what it is about; null where it is the period as a whole.",
    )
    detail: str = strawberry.field(
        description="The numbers and names of it, in English; translate by `kind`."
    )
    mender: Mender = strawberry.field(description="In which part somebody can mend it.")
    menders: list[Employee] = many(
        "employee @it",
        "Who that is; empty where it is for the administrator.",
        where="@it.id = ANY (@row.menders)",
        order="@it.name, @it.id",
    )


@strawberry.type(description="Problems, what blocks first, then by kind, a page at a time.")
class ProblemConnection(Connection[Problem]):
    pass


@reads()
@strawberry.type(description="How many problems there are of one kind.")
class ProblemCount:
    kind: ProblemKind = strawberry.field(description="The kind.")
    severity: Severity = strawberry.field(description="How grave it is.")
    count: int = value("@row.number", "How many; never 0.")


@reads(visible=of_agencies("@it.agency_id"))
@strawberry.type(description="What would block a planning period of an agency, as of a day.")
class CycleCheck:
    on: date = value("@row.day", "The day it speaks of: today, but within the period.")
    counts: list[ProblemCount] = many(
        f"""(SELECT f$.kind, f$.severity, count(*) AS number
          FROM json_to_recordset(@row.found) AS f$ ({COLUMNS}) GROUP BY 1, 2) @it""",
        "How many of each kind that there is, what blocks first.",
        order="@it.severity, @it.kind",
        at_most=len(ProblemKind),
    )

    @page(
        EACH,
        "The problems one by one, what blocks first.",
        keys={"@it.severity": "text", "@it.kind": "text", "@it.key": "uuid"},
        type=ProblemConnection,
    )
    def problems(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...


@strawberry.type
class ReadinessQuery:
    @one(
        CHECK,
        "What would block a planning period of an agency; for its administrators and auditors. "
        "It is worked out anew each time, so ask for counts and problems at once.",
        type=CycleCheck | None,
    )
    def cycle_check(
        self,
        agency: AgencyCode,
        period: Period,
        kind: Annotated[
            ProblemKind | None, strawberry.argument(description="Problems of one kind only.")
        ] = None,
    ) -> None: ...
