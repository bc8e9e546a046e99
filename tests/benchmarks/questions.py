"""The five questions that are measured, in our schema's words and in PostGraphile's.

Each carries the same facts in every server: fields that are columns, since PostGraphile offers
no others. `facts.py` brings the answers to one form.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.benchmarks.data import EMPLOYEES_A_UNIT, LAST_DAY, Shape

AUDITOR = "bench-auditor"
AGENCY, UNIT, EMPLOYEE, PERIOD, TARGET = 1, 2, 4, 7, 9
PERSONAL_TARGETS = 58
DEEPEST_SLOT = 48
"""The last ten personal targets of a unit stand at the bottom of the cascade."""


@dataclass(frozen=True, slots=True)
class Case:
    """One way to ask: by whom (a token's subject), with which variables."""

    subject: str
    variables: Mapping[str, Any]
    postgraphile: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A document for our schema, one for PostGraphile's, and what they are asked about."""

    name: str
    title: str
    document: str
    postgraphile: str
    cases: Callable[[Shape], Sequence[Case]]


def key(kind: int, number: int) -> UUID:
    """The key that the data gives to a row; see pg_temp.key in shape_sql.py."""
    return UUID(f"01900000-{kind:04x}-7000-8000-{number:012x}")


def nip(employee: int) -> str:
    return f"198001012005{employee:06}"


def _active(shape: Shape, number: int) -> list[int]:
    """The newest active units, the same in a database of ten times the records."""
    return [shape.units - n for n in range(min(number, shape.active_units))]


def _trees(shape: Shape) -> list[Case]:
    first = sum(shape.levels[:2]) + 1
    shared = {"period": str(key(PERIOD, 1)), "agency": str(key(AGENCY, 1))}
    return [
        Case(
            AUDITOR,
            {"agency": "bench", "unit": f"u{unit}", "period": "2026"},
            {**shared, "unit": f"u{unit}"},
        )
        for unit in range(first, first + shape.levels[2])
    ]


def _teams(shape: Shape) -> list[Case]:
    days = shape.working_days[-20:]
    cases = []
    for unit in _active(shape, 200):
        head, day = (unit - 1) * EMPLOYEES_A_UNIT + 1, days[unit % len(days)].isoformat()
        variables = {"day": day}
        cases.append(Case(nip(head), variables, {**variables, "head": str(key(EMPLOYEE, head))}))
    return cases


def _calendars(shape: Shape) -> list[Case]:
    month = {"from": LAST_DAY.replace(day=1).isoformat(), "to": LAST_DAY.isoformat()}
    people = [
        (unit - 1) * EMPLOYEES_A_UNIT + 1 + (unit + 5 * n) % EMPLOYEES_A_UNIT
        for unit in _active(shape, 200)
        for n in range(2)
    ]
    return [Case(nip(e), month, {**month, "me": str(key(EMPLOYEE, e))}) for e in people]


def _inboxes(shape: Shape) -> list[Case]:
    people = [(unit - 1) * EMPLOYEES_A_UNIT + 3 for unit in _active(shape, 200)]
    return [Case(nip(e), {"first": 20}, {"first": 20, "me": str(key(EMPLOYEE, e))}) for e in people]


def _threads(shape: Shape) -> list[Case]:
    cases = []
    for unit in _active(shape, 200):
        slot = DEEPEST_SLOT + unit % (PERSONAL_TARGETS - DEEPEST_SLOT)
        number = 2 * shape.units + (unit - 1) * PERSONAL_TARGETS + slot + 1
        row = str(key(TARGET, number))
        cases.append(
            Case(AUDITOR, {"id": b64encode(f"Target:{row}".encode()).decode()}, {"id": row})
        )
    return cases


def _nested(field: str, inner: str, times: int) -> str:
    """`inner` with itself below `field`, so many times."""
    return inner if times == 0 else f"{inner} {field} {{ {_nested(field, inner, times - 1)} }}"


OWNER = "owner { __typename ... on Unit { id name } ... on Employee { id name } }"
RECORD = "id startsAt endsAt minutes description state target { id title }"
TREE_TARGETS = _nested("children", f"id title {OWNER}", 3)
TREE = f"""query Tree($agency: String!, $unit: String!, $period: String!) {{
  unit(agency: $agency, code: $unit) {{ {_nested("children", "...level", 3)} }}
}}
fragment level on Unit {{ id name targets(period: $period) {{ {TREE_TARGETS} }} }}
"""
TEAM = f"""query Team($day: Date!) {{
  team(on: $day) {{ members {{
    employee {{ id name }} recordedMinutes requiredMinutes pendingCount lastActivityAt
    log {{ records {{ {RECORD} }} }}
  }} }}
}}
"""
CALENDAR = f"""query Calendar($from: Date!, $to: Date!) {{
  viewer {{ employee {{ id name calendar(from: $from, to: $to) {{
    on requiredMinutes recordedMinutes pendingCount records {{ {RECORD} }}
  }} }} }}
}}
"""
INBOX = """query Inbox($first: Int!) {
  viewer { pendingRecords(first: $first) {
    totalCount pageInfo { hasNextPage endCursor }
    edges { cursor node {
      id startsAt endsAt minutes description category activity { sourceId title receivedAt }
      suggestion { score reason target { id title } }
    } }
  } }
}
"""
THREAD = f"""query Thread($id: ID!) {{
  target(id: $id) {{
    id code title kind {OWNER}
    indicators {{ id title unitOfMeasure measure {{ planned }} achievement {{ realized }} }}
    path {{ id title {OWNER} }}
  }}
}}
"""

P_OWNER = "unitByOwnerUnitId { rowId name } employeeByOwnerEmployeeId { rowId name }"
P_RECORD = "rowId startsAt endsAt minutes description state targetByTargetId { rowId title }"


def _p_nested(field: str, inner: str, times: int) -> str:
    """`_nested` through a table between: `field` holds a list name and the name of its row."""
    many, one = field.split()
    return (
        inner
        if times == 0
        else (f"{inner} {many} {{ {one} {{ {_p_nested(field, inner, times - 1)} }} }}")
    )


P_TARGETS = _p_nested(
    "linksByParentIdList targetByChildId", f"rowId title position code {P_OWNER}", 3
)
P_UNITS = _p_nested("unitPlacementsByParentIdList unitByUnitId", "...level", 3)
P_PATH = f"rowId title {P_OWNER}"
for _ in range(9):
    P_PATH = f"""rowId title {P_OWNER}
    linksByChildIdList(condition: {{ primary: true }}) {{ targetByParentId {{ {P_PATH} }} }}"""

P_TREE = f"""query Tree($agency: UUID!, $unit: String!, $period: UUID!) {{
  unitByAgencyIdAndCode(agencyId: $agency, code: $unit) {{ {P_UNITS} }}
}}
fragment level on Unit {{
  rowId name code
  targetsByOwnerUnitIdList(condition: {{ periodId: $period }}) {{ {P_TARGETS} }}
}}
"""
P_TEAM = f"""query Team($head: UUID!, $day: Date!) {{
  employeeByRowId(rowId: $head) {{ assignmentsByAppraiserIdList {{ employeeByEmployeeId {{
    rowId name
    dailyLogsByEmployeeIdList(condition: {{ day: $day }}) {{
      recordedMinutes requiredMinutes pendingCount lastActivityAt
    }}
    progressRecordsByEmployeeIdList(condition: {{ day: $day }}, orderBy: [STARTS_AT_ASC]) {{
      {P_RECORD}
    }}
  }} }} }}
}}
"""
P_CALENDAR = f"""query Calendar($me: UUID!, $from: Date!, $to: Date!) {{
  employeeByRowId(rowId: $me) {{
    rowId name
    dailyLogsByEmployeeIdList(
      filter: {{ day: {{ greaterThanOrEqualTo: $from, lessThanOrEqualTo: $to }} }}
      orderBy: [DAY_ASC]
    ) {{ day requiredMinutes recordedMinutes pendingCount }}
    progressRecordsByEmployeeIdList(
      filter: {{ day: {{ greaterThanOrEqualTo: $from, lessThanOrEqualTo: $to }} }}
      orderBy: [STARTS_AT_ASC]
    ) {{ day {P_RECORD} }}
  }}
}}
"""
P_INBOX = """query Inbox($me: UUID!, $first: Int!) {
  employeeByRowId(rowId: $me) {
    progressRecordsByEmployeeId(
      condition: { state: "PENDING" }, orderBy: [ROW_ID_DESC], first: $first
    ) {
      totalCount pageInfo { hasNextPage endCursor }
      edges { cursor node {
        rowId startsAt endsAt minutes description category
        activityByActivityId { sourceId title receivedAt }
        suggestionScore suggestionReason targetBySuggestedTargetId { rowId title }
      } }
    }
  }
}
"""
P_THREAD = f"""query Thread($id: UUID!) {{
  targetByRowId(rowId: $id) {{
    code kind indicatorsByTargetIdList {{ rowId title unitOfMeasure planned realized position }}
    {P_PATH}
  }}
}}
"""

QUESTIONS = (
    Question("tree", "A directorate's tree", TREE, P_TREE, _trees),
    Question("team", "A team's day", TEAM, P_TEAM, _teams),
    Question("calendar", "A month's calendar", CALENDAR, P_CALENDAR, _calendars),
    Question("inbox", "An inbox page", INBOX, P_INBOX, _inboxes),
    Question("thread", "A target's red thread", THREAD, P_THREAD, _threads),
)
