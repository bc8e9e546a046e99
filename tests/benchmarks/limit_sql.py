"""The limit's statements: each answers one question whole, written by hand for that question.

They run as the reader, under row level security, with the scope told inside the statement. The
JSON is what our schema answers to the documents of questions.py, global ids included.
"""


def _told(answer: str) -> str:
    """A statement that tells the scope ($1 to $3) before it reads; answers JSON text."""
    return f"""
SELECT q.answer FROM (
  SELECT set_config('ekinerja.viewer', $1, true), set_config('ekinerja.line', $1, true),
    set_config('ekinerja.directories', $2, true),
    set_config('ekinerja.agencies', $3, true) OFFSET 0
) s CROSS JOIN LATERAL (SELECT CASE WHEN s IS NOT NULL THEN ({answer})::text END AS answer) q
"""


def _object(columns: str) -> str:
    """One object of the columns of a SELECT, or null."""
    return f"(SELECT row_to_json(o) FROM (SELECT {columns}) o)"


def _list(columns: str) -> str:
    """A list of the rows of a SELECT, in its order."""
    return f"(SELECT coalesce(json_agg(row_to_json(o)), '[]') FROM (SELECT {columns}) o)"


def _id(kind: str, key: str) -> str:
    return f"""encode(('{kind}:' || {key})::bytea, 'base64') AS id"""


def _number(column: str) -> str:
    return f"trim_scale({column})::text"


def _owner(target: str) -> str:
    unit = f"""'Unit' AS "__typename", {_id("Unit", "id")}, name FROM unit
      WHERE id = {target}.owner_unit_id"""
    employee = f"""'Employee' AS "__typename", {_id("Employee", "id")}, name FROM employee
      WHERE id = {target}.owner_employee_id"""
    return f"""CASE WHEN {target}.owner_unit_id IS NOT NULL THEN {_object(unit)}
      ELSE {_object(employee)} END AS owner"""


TODAY = "(now() AT TIME ZONE 'Asia/Jakarta')::date"
HOLDS = f"starts_on <= {TODAY} AND (ends_on IS NULL OR ends_on > {TODAY})"
NAMED_TARGET = f"{_id('Target', 'id')}, title FROM target WHERE id = {{key}}"
TARGET = f"(SELECT row_to_json(o) FROM (SELECT {NAMED_TARGET}) o)"


def _tree_targets(level: int) -> str:
    row, below = f"t{level}", f"t{level + 1}"
    columns = f"{_id('Target', f'{row}.id')}, {row}.title, {_owner(row)}"
    if level == 3:
        return columns
    children = f"""{_tree_targets(level + 1)} FROM target_edge e JOIN target {below}
      ON {below}.id = e.child_id WHERE e.parent_id = {row}.id
      ORDER BY {below}.position, {below}.code"""
    return f"{columns}, {_list(children)} AS children"


def _tree_units(level: int) -> str:
    row, below = f"u{level}", f"u{level + 1}"
    targets = f"""{_tree_targets(0)} FROM target t0 JOIN period p ON p.id = t0.period_id
      WHERE t0.owner_unit_id = {row}.id AND p.code = $6 ORDER BY t0.position, t0.code"""
    columns = f"{_id('Unit', f'{row}.id')}, {row}.name, {_list(targets)} AS targets"
    if level == 3:
        return columns
    children = f"""{_tree_units(level + 1)} FROM unit_placement l JOIN unit {below}
      ON {below}.id = l.unit_id WHERE l.parent_id = {row}.id AND {HOLDS} ORDER BY {below}.code"""
    return f"{columns}, {_list(children)} AS children"


RECORD = f"""{_id("ProgressRecord", "r.id")}, r.starts_at AS "startsAt", r.ends_at AS "endsAt",
  r.minutes, r.description, r.state, {TARGET.format(key="r.target_id")} AS target"""


def _records(employee: str, day: str) -> str:
    return f"""{RECORD} FROM progress_record r WHERE r.employee_id = {employee} AND r.day = {day}
      ORDER BY r.starts_at, r.id"""


TREE = f"""{_tree_units(0)} FROM unit u0 JOIN agency a ON a.id = u0.agency_id
  WHERE a.code = $4 AND u0.code = $5"""

DAY_ROW = "$4::text::date"
ASKED = """coalesce(l.required_minutes,
    CASE WHEN extract(isodow FROM {day}) < 6 THEN 450 ELSE 0 END) AS "requiredMinutes\""""
PERSON = f"{_id('Employee', 'e.id')}, e.name"
DAY_RECORDS = _list(_records("e.id", DAY_ROW))
MEMBER = f"""{_object(PERSON)} AS employee,
  coalesce(l.recorded_minutes, 0) AS "recordedMinutes", {ASKED.format(day=DAY_ROW)},
  coalesce(l.pending_count, 0) AS "pendingCount", l.last_activity_at AS "lastActivityAt",
  {_object(f"{DAY_RECORDS} AS records")} AS log
  FROM (
    SELECT DISTINCT employee_id FROM assignment WHERE appraiser_id = $1::text::uuid
      AND starts_on <= $4::text::date AND (ends_on IS NULL OR ends_on > $4::text::date)
  ) m JOIN employee e ON e.id = m.employee_id
  LEFT JOIN daily_log l ON l.employee_id = e.id AND l.day = $4::text::date
  ORDER BY e.name, e.id"""

DAY = f"""d.day AS "on", {ASKED.format(day="d.day")},
  coalesce(l.recorded_minutes, 0) AS "recordedMinutes",
  coalesce(l.pending_count, 0) AS "pendingCount", coalesce(r.records, '[]') AS records
  FROM (SELECT generate_series($4::text::date, $5::text::date, '1 day')::date AS day) d
  LEFT JOIN daily_log l ON l.employee_id = $1::text::uuid AND l.day = d.day
  LEFT JOIN (
    SELECT r.day, json_agg(row_to_json(o) ORDER BY r.starts_at, r.id) AS records
    FROM progress_record r CROSS JOIN LATERAL (SELECT {RECORD}) o
    WHERE r.employee_id = $1::text::uuid
      AND r.day BETWEEN $4::text::date AND $5::text::date GROUP BY r.day
  ) r ON r.day = d.day
  ORDER BY d.day"""
CALENDAR = f"{PERSON}, {_list(DAY)} AS calendar FROM employee e WHERE e.id = $1::text::uuid"

CURSOR = r"translate(encode({key}::text::bytea, 'base64'), E'+/=\n', '-_')"
ACTIVITY = """a.source_id AS "sourceId", a.title, a.received_at AS "receivedAt"
  FROM activity a WHERE a.id = r.activity_id"""
SUGGESTION = f"""{_number("r.suggestion_score")} AS score, r.suggestion_reason AS reason,
  {TARGET.format(key="r.suggested_target_id")} AS target"""
ENTRY = f"""{_id("ProgressRecord", "r.id")}, r.starts_at AS "startsAt", r.ends_at AS "endsAt",
  r.minutes, r.description, r.category, {_object(ACTIVITY)} AS activity,
  CASE WHEN r.suggested_target_id IS NOT NULL THEN {_object(SUGGESTION)} END AS suggestion"""
LAST = "(array_agg(p.id ORDER BY p.id DESC))[least(count(*), $4::int)]"
PAGE = f"""(
  SELECT count(*) FROM progress_record WHERE employee_id = $1::text::uuid AND state = 'PENDING'
) AS "totalCount",
json_build_object('hasNextPage', count(*) > $4::int, 'endCursor', {CURSOR.format(key=LAST)})
  AS "pageInfo",
coalesce(json_agg(json_build_object('cursor', {CURSOR.format(key="p.id")}, 'node', p.node)
  ORDER BY p.id DESC) FILTER (WHERE p.place <= $4::int), '[]') AS edges
FROM (
  SELECT r.id, row_number() OVER (ORDER BY r.id DESC) AS place, {_object(ENTRY)} AS node
  FROM (
    SELECT * FROM progress_record WHERE employee_id = $1::text::uuid AND state = 'PENDING'
    ORDER BY id DESC LIMIT $4::int + 1
  ) r
) p"""

PLANNED = f"{_number('i.planned')} AS planned"
REALIZED = f"{_number('i.realized')} AS realized"
INDICATOR = f"""{_id("Indicator", "i.id")}, i.title, i.unit_of_measure AS "unitOfMeasure",
  {_object(PLANNED)} AS measure, {_object(REALIZED)} AS achievement
  FROM indicator i WHERE i.target_id = t.id ORDER BY i.position"""
KNOT = f"""{_id("Target", "p.id")}, p.title, {_owner("p")}
  FROM red_thread(t.id) p ORDER BY p.distance DESC"""
THREAD = f"""{_id("Target", "t.id")}, t.code, t.title, t.kind, {_owner("t")},
  {_list(INDICATOR)} AS indicators, {_list(KNOT)} AS path
  FROM target t WHERE t.id = $4::text::uuid"""


def _nested(answer: str, *names: str) -> str:
    """An object in an object, from the inside out."""
    for name in names:
        answer = _object(f'{answer} AS "{name}"')
    return answer


STATEMENTS = {
    "tree": _told(_nested(_object(TREE), "unit")),
    "team": _told(_nested(_list(MEMBER), "members", "team")),
    "calendar": _told(_nested(_object(CALENDAR), "employee", "viewer")),
    "inbox": _told(_nested(_object(PAGE), "pendingRecords", "viewer")),
    "thread": _told(_nested(_object(THREAD), "target")),
}
"""By question; $1 to $3 the scope's settings, then the variables in the document's order."""
