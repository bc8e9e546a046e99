"""What would block a cycle, as one SQL statement: a SELECT for each kind, joined by UNION ALL.

The read path and the command run the same text. Its names are those of schema/selection:
@agency and @period are codes, @kind is null or the only kind looked for, @today the day. What
depends on a day is asked of the day in force: today, but within the period.

Each table is read once, into a materialized part; kinds are found from these. So row level
security asks once for a row, and no kind asks it again.
"""

from collections.abc import Mapping

from schema.policies.rules import DEFAULT
from schema.predicates import holds
from schema.readiness.rules import RULES, ProblemKind

IN_THE_MAKING = "('DRAFT', 'RETURNED')"
"""States of a plan that its employee may write in."""
SET = "('APPROVED', 'CLOSED')"
PART_OF_PLAN = f"CASE WHEN s$.state IN {IN_THE_MAKING} THEN 'EMPLOYEE' ELSE 'APPRAISER' END"
MENDER_OF_PLAN = (
    f"CASE WHEN s$.state IN {IN_THE_MAKING} THEN s$.employee_id ELSE s$.appraiser_id END"
)

# Parts, in the order in which each may use those before it.
PARTS = {
    # The period, the day in force, and the agency's days for setting a plan (the policy of the
    # period's first day).
    "asked$": f"""
      SELECT a$.id AS agency_id, p$.id AS period_id, p$.starts_on, p$.ends_on,
        least(greatest(@today, p$.starts_on), p$.ends_on) AS day,
        coalesce((SELECT y$.plan_days FROM agency_policy y$
          WHERE y$.agency_id = a$.id AND y$.starts_on <= p$.starts_on
          ORDER BY y$.starts_on DESC, y$.id DESC LIMIT 1), {DEFAULT.plan_days}) AS plan_days
      FROM agency a$ JOIN period p$ ON p$.agency_id = a$.id
      WHERE a$.code = @agency AND p$.code = @period""",
    # Posts that the agency's people hold on the day.
    "posts$": f"""
      SELECT a$.id, a$.employee_id, a$.unit_id, a$.appraiser_id, a$.kind, a$.heads_unit,
        a$.starts_on
      FROM asked$ q$ JOIN employee e$ ON e$.agency_id = q$.agency_id
      JOIN assignment a$ ON a$.employee_id = e$.id AND {holds("a$", "q$.day")}""",
    # The post by which each is known, as `Employee.appraiser` has it.
    "people$": """
      SELECT DISTINCT ON (employee_id) employee_id, appraiser_id FROM posts$
      ORDER BY employee_id, kind, starts_on DESC, id DESC""",
    "superiors$": """
      SELECT appraiser_id AS id, count(DISTINCT employee_id) AS people FROM posts$
      WHERE appraiser_id IS NOT NULL GROUP BY appraiser_id""",
    # Superiors of the agency who hold no post. Few, also where PostgreSQL knows no numbers yet and
    # would hold each person against all others.
    "absent$": """
      SELECT s$.id, e$.name
      FROM asked$ q$ CROSS JOIN superiors$ s$
      JOIN employee e$ ON e$.id = s$.id AND e$.agency_id = q$.agency_id
      WHERE NOT EXISTS (SELECT FROM people$ p$ WHERE p$.employee_id = s$.id)""",
    # Who is above a superior, step by step; a line that comes back to its beginning ends there.
    "lines$": """
      SELECT p$.employee_id, p$.appraiser_id AS superior_id
      FROM posts$ p$ JOIN superiors$ s$ ON s$.id = p$.employee_id
      WHERE p$.appraiser_id IS NOT NULL
      UNION
      SELECT l$.employee_id, p$.appraiser_id
      FROM lines$ l$ JOIN posts$ p$ ON p$.employee_id = l$.superior_id
      WHERE p$.appraiser_id IS NOT NULL AND l$.superior_id <> l$.employee_id""",
    "placed$": f"""
      SELECT u$.id, l$.parent_id, h$.employee_id AS head_id
      FROM asked$ q$ JOIN unit u$ ON u$.agency_id = q$.agency_id
      LEFT JOIN unit_placement l$ ON l$.unit_id = u$.id AND {holds("l$", "q$.day")}
      LEFT JOIN posts$ h$ ON h$.unit_id = u$.id AND h$.heads_unit""",
    # Units with their head, and the head of the unit above.
    "units$": """
      SELECT u$.*, a$.head_id AS above_id
      FROM placed$ u$ LEFT JOIN placed$ a$ ON a$.id = u$.parent_id""",
    # Plans of posts that are held on the day: those of posts that ended are nobody's to mend.
    "plans$": """
      SELECT s$.id, s$.employee_id, s$.state, p$.appraiser_id,
        greatest(s$.starts_on, q$.starts_on) + q$.plan_days - 1 AS until
      FROM asked$ q$ JOIN performance_plan s$ ON s$.period_id = q$.period_id
      JOIN posts$ p$ ON p$.id = s$.assignment_id""",
    # Targets of the agency's units and people, and who can mend one: of a unit its head, else the
    # head above; of a person they themselves while the plan is in the making, then their
    # appraiser, who can give it back.
    "owned$": f"""
      SELECT t$.id, t$.kind, t$.owner_unit_id, t$.owner_employee_id, t$.plan_id,
        coalesce(s$.approach = 'QUALITATIVE', false) AS in_words,
        CASE WHEN t$.owner_unit_id IS NOT NULL THEN 'HEAD'
          WHEN coalesce(s$.state, 'DRAFT') IN {IN_THE_MAKING} THEN 'EMPLOYEE'
          ELSE 'APPRAISER' END AS part,
        CASE WHEN t$.owner_unit_id IS NOT NULL THEN coalesce(u$.head_id, u$.above_id)
          WHEN coalesce(s$.state, 'DRAFT') IN {IN_THE_MAKING} THEN t$.owner_employee_id
          ELSE a$.appraiser_id END AS mender_id
      FROM asked$ q$ JOIN target t$ ON t$.period_id = q$.period_id
      LEFT JOIN units$ u$ ON u$.id = t$.owner_unit_id
      LEFT JOIN performance_plan s$ ON s$.id = t$.plan_id
      LEFT JOIN assignment a$ ON a$.id = s$.assignment_id
      LEFT JOIN employee e$ ON e$.id = t$.owner_employee_id
      WHERE t$.owner_unit_id IS NOT NULL OR e$.agency_id = q$.agency_id""",
    # Indicators that the rules of achievement read.
    "indicators$": """
      SELECT i$.id, i$.target_id, i$.title, i$.unit_of_measure, i$.polarity, i$.accumulation,
        i$.baseline, i$.planned, i$.minimum, i$.maximum, i$.contributes_to_id,
        t$.in_words, t$.part, t$.mender_id
      FROM owned$ t$ JOIN indicator i$ ON i$.target_id = t$.id
      WHERE t$.kind <> 'STAGED'""",
}


def person(key: str) -> str:
    return f"{key} AS key, {key} AS employee_id, NULL::uuid AS unit_id, NULL::uuid AS target_id"


def unit(key: str) -> str:
    return f"{key} AS key, NULL::uuid AS employee_id, {key} AS unit_id, NULL::uuid AS target_id"


def target(row: str, key: str) -> str:
    """Of a target; `key` tells several of one target apart."""
    return f"{key} AS key, NULL::uuid AS employee_id, NULL::uuid AS unit_id, {row} AS target_id"


def by(part: str, key: str) -> str:
    """Who mends it: somebody in a part, else the administrator."""
    return (
        f"CASE WHEN {key} IS NULL THEN 'ADMINISTRATOR' ELSE {part} END AS mender, "
        f"array_remove(ARRAY[{key}], NULL) AS menders"
    )


BY_ADMINISTRATOR = by("NULL", "NULL::uuid")
BY_OWNER = by("t$.part", "t$.mender_id")
BY_PERSON = by("'EMPLOYEE'", "p$.employee_id")
WHOLE = "q$.period_id AS key, NULL::uuid, NULL::uuid, NULL::uuid"
"""Of the period as a whole."""


def of_indicator(detail: str) -> str:
    """The columns of an indicator's problem, and its FROM."""
    return f"""SELECT {target("i$.target_id", "i$.id")}, '"' || i$.title || '": ' || {detail},
        {by("i$.part", "i$.mender_id")}
      FROM indicators$ i$"""


def number(sql: str) -> str:
    return f"trim_scale({sql})::text"


PLANNED = f"{number('i$.planned')} || ' planned, '"


def day(sql: str) -> str:
    return f"to_char({sql}, 'YYYY-MM-DD')"


# Columns: key (unique within a kind), employee_id, unit_id, target_id, detail, mender, menders.
PROBLEMS: Mapping[ProblemKind, str] = {
    # Of the post by which a person is known. Who heads a unit at the top has nobody above, and
    # appraisers of other agencies are not looked into.
    ProblemKind.NO_SUPERIOR: f"""
      SELECT {person("p$.employee_id")},
        CASE WHEN p$.appraiser_id IS NULL THEN 'no appraiser'
          ELSE 'the appraiser, ' || a$.name || ', holds no post' END AS detail,
        {BY_ADMINISTRATOR}
      FROM people$ p$ LEFT JOIN absent$ a$ ON a$.id = p$.appraiser_id
      WHERE (p$.appraiser_id IS NULL OR a$.id IS NOT NULL)
        AND NOT EXISTS (SELECT FROM units$ u$
          WHERE u$.head_id = p$.employee_id AND u$.parent_id IS NULL)""",
    # Who has no post is nobody's superior any more: NO_SUPERIOR speaks of their people.
    ProblemKind.SUPERIOR_WITHOUT_PLAN: f"""
      SELECT {person("p$.employee_id")}, 'no plan; appraises ' || s$.people, {BY_PERSON}
      FROM people$ p$ JOIN superiors$ s$ ON s$.id = p$.employee_id
      WHERE NOT EXISTS (SELECT FROM plans$ n$ WHERE n$.employee_id = p$.employee_id)""",
    # Posts stand apart as definitive or acting: who is definitive in one place and acts in
    # another is in order (Plt., Plh.); who acts for two heads at once is not, nor who would be
    # definitive twice. Two appraisers are of posts of one kind, on one day.
    ProblemKind.SUPERIOR_TWICE: f"""
      SELECT {person("w$.employee_id")}, string_agg(w$.reason, '; ' ORDER BY w$.reason),
        {BY_ADMINISTRATOR}
      FROM (
        SELECT employee_id, 'heads ' || count(*) || ' units at once, '
          || CASE WHEN kind = 'DEFINITIVE' THEN 'definitive' ELSE 'acting' END AS reason
        FROM posts$ WHERE heads_unit
        GROUP BY employee_id, CASE WHEN kind = 'DEFINITIVE' THEN 'definitive' ELSE 'acting' END
        HAVING count(*) > 1
        UNION ALL
        SELECT employee_id, count(DISTINCT appraiser_id) || ' appraisers for posts of ' || kind
        FROM posts$ GROUP BY employee_id, kind HAVING count(DISTINCT appraiser_id) > 1
        UNION ALL
        SELECT employee_id, 'among their own superiors'
        FROM lines$ WHERE superior_id = employee_id
      ) w$ GROUP BY w$.employee_id""",
    # The head above sees to it that somebody acts; at the top, the administrator.
    ProblemKind.EMPTY_POST: f"""
      SELECT {unit("u$.id")},
        'no head; people: ' || coalesce(p$.number, 0)
          || ', units below: ' || coalesce(b$.number, 0),
        {by("'HEAD'", "u$.above_id")}
      FROM units$ u$
      LEFT JOIN (SELECT unit_id, count(DISTINCT employee_id) AS number FROM posts$ GROUP BY 1) p$
        ON p$.unit_id = u$.id
      LEFT JOIN (SELECT parent_id, count(*) AS number FROM placed$ GROUP BY 1) b$
        ON b$.parent_id = u$.id
      WHERE u$.head_id IS NULL AND coalesce(p$.number, b$.number) IS NOT NULL""",
    # A unit is served where it has a target or its head has one: most plans give a unit's goals
    # to its head in person.
    ProblemKind.UNIT_WITHOUT_GOAL: f"""
      SELECT {unit("u$.id")}, 'no target of the unit or of its head',
        {by("'HEAD'", "coalesce(u$.head_id, u$.above_id)")}
      FROM units$ u$
      WHERE EXISTS (SELECT FROM posts$ p$ WHERE p$.unit_id = u$.id)
        AND NOT EXISTS (SELECT FROM owned$ t$ WHERE t$.owner_unit_id = u$.id)
        AND NOT EXISTS (SELECT FROM owned$ t$ WHERE t$.owner_employee_id = u$.head_id)""",
    # A plan in words (qualitative) needs no number and no unit.
    ProblemKind.INDICATOR_WITHOUT_NUMBER: f"""
      {of_indicator("'no number planned'")}
      WHERE NOT i$.in_words
        AND i$.planned IS NULL AND i$.minimum IS NULL AND i$.maximum IS NULL""",
    ProblemKind.INDICATOR_WITHOUT_UNIT: f"""
      {of_indicator("'no unit of measure'")}
      WHERE NOT i$.in_words AND coalesce(btrim(i$.unit_of_measure), '') = ''""",
    # Rising from 80 to 70; falling from 5 to 8.
    ProblemKind.BASELINE_BEYOND_TARGET: f"""
      {of_indicator(f"{PLANNED} || 'begins at ' || {number('i$.baseline')}")}
      WHERE (i$.polarity = 'RISING' AND i$.baseline > i$.planned)
        OR (i$.polarity = 'FALLING' AND i$.baseline < i$.planned)""",
    # 1,200 planned is in order with 300 + 300 + 600 below it, and not with 300 + 300 + 500.
    # Children without a number add nothing; levels (LATEST) are no parts of a sum.
    ProblemKind.CHILDREN_DO_NOT_ADD_UP: f"""
      {of_indicator(f"{PLANNED} || 'children make ' || {number('c$.planned')}")}
      JOIN (SELECT contributes_to_id, sum(planned) AS planned FROM indicators$
        WHERE accumulation = 'SUM' AND planned IS NOT NULL GROUP BY 1) c$
        ON c$.contributes_to_id = i$.id
      WHERE i$.planned <> c$.planned""",
    # 40 + 70 is over 100; 40 + 50 leaves 10, for which there must be something of its own.
    ProblemKind.WEIGHTS_DO_NOT_ADD_UP: f"""
      SELECT {target("t$.id", "t$.id")},
        'weights of the children make ' || {number("w$.weight")}
          || CASE WHEN w$.weight < 100 THEN ', and nothing of its own has the rest' ELSE '' END,
        {BY_OWNER}
      FROM owned$ t$ JOIN (
        SELECT o$.id, sum(e$.weight) AS weight FROM owned$ o$
        JOIN target_edge e$ ON e$.parent_id = o$.id AND e$.kind = 'WEIGHTED' GROUP BY 1
      ) w$ ON w$.id = t$.id
      WHERE w$.weight > 100 OR (w$.weight < 100 AND NOT CASE t$.kind
        WHEN 'STAGED' THEN EXISTS (SELECT FROM stage s$ WHERE s$.target_id = t$.id)
        ELSE EXISTS (SELECT FROM indicator i$ WHERE i$.target_id = t$.id) END)""",
    ProblemKind.STAGED_WITHOUT_STAGES: f"""
      SELECT {target("t$.id", "t$.id")}, 'no stage', {BY_OWNER}
      FROM owned$ t$ WHERE t$.kind = 'STAGED'
        AND NOT EXISTS (SELECT FROM stage s$ WHERE s$.target_id = t$.id)""",
    # Of who holds a post on the day. A result in the plan of any post that they hold will do, and
    # so does a goal of the unit that they head: those are what a head's plan is about.
    ProblemKind.PERSON_WITHOUT_TARGET: f"""
      SELECT {person("p$.employee_id")},
        CASE WHEN p$.employee_id IN (SELECT employee_id FROM plans$) THEN 'no result in the plan'
          ELSE 'no plan' END,
        {BY_PERSON}
      FROM (
        SELECT employee_id FROM people$
        EXCEPT (
          SELECT s$.employee_id FROM plans$ s$ JOIN owned$ t$ ON t$.plan_id = s$.id
          UNION ALL
          SELECT s$.employee_id FROM units$ u$ JOIN owned$ t$ ON t$.owner_unit_id = u$.id
          JOIN plans$ s$ ON s$.employee_id = u$.head_id
        )
      ) p$""",
    # By default 31 days: a plan from 1 January is late from 1 February on. One that begins with a
    # transfer has the same days from then on. At the top nobody appraises, so the administrator.
    ProblemKind.PLAN_NOT_SET: f"""
      SELECT s$.id AS key, s$.employee_id, NULL::uuid, NULL::uuid,
        s$.state || ', was to be set by ' || {day("s$.until")},
        {by(PART_OF_PLAN, MENDER_OF_PLAN)}
      FROM asked$ q$ JOIN plans$ s$ ON s$.until < q$.day WHERE s$.state NOT IN {SET}""",
    ProblemKind.NO_EVALUATION_PERIODS: f"""
      SELECT {WHOLE}, 'none from ' || {day("q$.starts_on")} || ' to ' || {day("q$.ends_on")},
        {BY_ADMINISTRATOR}
      FROM asked$ q$
      WHERE NOT EXISTS (SELECT FROM evaluation_period v$ WHERE v$.period_id = q$.period_id)""",
    # The final one is of the whole year, and covers nothing.
    ProblemKind.EVALUATION_GAP: f"""
      SELECT {WHOLE},
        'nothing evaluates ' || (SELECT string_agg({day("lower(r$)")} || ' to '
            || {day("upper(r$) - 1")}, ', ' ORDER BY r$) FROM unnest(g$.days) r$),
        {BY_ADMINISTRATOR}
      FROM asked$ q$ CROSS JOIN LATERAL (
        SELECT datemultirange(daterange(q$.starts_on, q$.ends_on, '[]'))
          - coalesce(range_agg(daterange(v$.starts_on, v$.ends_on, '[]'))
              FILTER (WHERE v$.kind <> 'FINAL'), '{{}}') AS days
        FROM evaluation_period v$ WHERE v$.period_id = q$.period_id HAVING count(*) > 0
      ) g$ WHERE NOT isempty(g$.days)""",
}


def _statement() -> str:
    parts = [f"{name} AS MATERIALIZED ({sql})" for name, sql in PARTS.items()]
    each = [
        f"SELECT '{kind}' AS kind, '{RULES[kind].severity}' AS severity, x$.* FROM ({sql}) x$ "
        "(key, employee_id, unit_id, target_id, detail, mender, menders)"
        for kind, sql in PROBLEMS.items()
    ]
    found = (
        f"SELECT * FROM ({' UNION ALL '.join(each)}) f$ WHERE @kind::text IS NULL OR kind = @kind"
    )
    return f"WITH RECURSIVE {', '.join(parts)}, found$ AS MATERIALIZED ({found})"


FOUND = _statement()
"""Begins a statement that reads `found$`, and `asked$`: a row where agency and period are there."""
