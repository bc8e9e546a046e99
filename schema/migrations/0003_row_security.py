"""Who sees which row, in the database: the second wall behind `schema/access.py`.

Reads run as `ekinerja_reader`, with the scope in four settings: `ekinerja.viewer`, an employee's
id or ''; `ekinerja.line`, the id of whom the viewer sees as a superior does, with the people below
(mostly the viewer's own); `ekinerja.directories` and `ekinerja.agencies`, arrays of agencies whose directory, and
whose everything, the viewer sees. docs/decisions/0007 says why each form below is as it is.
"""

from tortoise import migrations
from tortoise.migrations import operations as ops

ROLE = """
DO $$
DECLARE
  modern boolean := current_setting('server_version_num')::int >= 160000;
  reading text;
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'ekinerja_reader') THEN
    BEGIN
      CREATE ROLE ekinerja_reader NOLOGIN;
    EXCEPTION
      -- Roles belong to the cluster, so a migration of another database may make it just now.
      WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END IF;
  FOREACH reading IN ARRAY ARRAY['ekinerja_app', current_user::text] LOOP
    IF NOT pg_has_role(reading, 'ekinerja_reader', CASE WHEN modern THEN 'SET' ELSE 'MEMBER' END)
    THEN
      -- Inherited, the reader's policies would be planned into every write of the application.
      EXECUTE format('GRANT ekinerja_reader TO %I', reading)
        || CASE WHEN modern THEN ' WITH INHERIT FALSE' ELSE '' END;
    END IF;
  END LOOP;
EXCEPTION
  WHEN insufficient_privilege THEN
    RAISE EXCEPTION 'the role ekinerja_reader is missing or not granted, and this may not be '
      'mended here: as an administrator CREATE ROLE ekinerja_reader NOLOGIN and GRANT it to '
      'ekinerja_app and to the role that migrates, then migrate again';
END
$$
"""

# Each is a sub-select, so that it is worked out once a statement and not once a row. A scope
# that was never set raises, and so does one of an earlier transaction, which reads as '': no
# array. The viewer may be '', so it is not asked without the arrays.
DIRECTORIES = "(SELECT current_setting('ekinerja.directories')::uuid[])::uuid[]"
AGENCIES = "(SELECT current_setting('ekinerja.agencies')::uuid[])::uuid[]"
ONE = """(SELECT nullif(current_setting('ekinerja.{}'), '')::uuid WHERE
  current_setting('ekinerja.agencies')::uuid[] IS NOT NULL
  AND current_setting('ekinerja.directories')::uuid[] IS NOT NULL)"""
VIEWER = ONE.format("viewer")
LINE = ONE.format("line")

# Scalar sub-selects by primary key: of an EXISTS the planner may make a hash of all people.
IS_OVER = f"""(SELECT e.agency_id = ANY ({AGENCIES}) OR {LINE} = ANY (e.superiors)
  FROM employee e WHERE e.id = {{person}})"""


def is_over(person: str) -> str:
    """The viewer is a superior of the person, or sees the person's agency as a whole."""
    return IS_OVER.format(person=person)


def sees_work_of(person: str) -> str:
    """`access.can_see_work_of`, for a column that holds an employee's id."""
    return f"({person} = {LINE} OR {is_over(person)})"


def sees_record(record: str) -> str:
    """`access.can_see_content`: a pending record is its employee's only."""
    person = f"{record}.employee_id"
    return f"({person} = {VIEWER} OR ({record}.state <> 'PENDING' AND {sees_work_of(person)}))"


def sees_target(target: str) -> str:
    """A unit's target: all in the agency. A person's: as the person's work."""
    return f"""(({target}.owner_employee_id IS NULL AND {target}.agency_id = ANY ({DIRECTORIES}))
      OR {sees_work_of(f"{target}.owner_employee_id")})"""


def sees(table: str, key: str) -> str:
    """What belongs to a row is seen by whoever sees the row, as that table's policy has it."""
    return f"(SELECT true FROM {table} t WHERE t.id = {key})"


def in_directory(column: str) -> str:
    return f"{column} = ANY ({DIRECTORIES})"


def sees_appraisal(appraisal: str) -> str:
    """`access.can_see_appraisal`: as the person's work; who appraises it, also where the person
    has moved on; and the agency that it was made in."""
    return f"""({sees_work_of(f"{appraisal}.employee_id")} OR {VIEWER} = {appraisal}.appraiser_id
      OR {appraisal}.agency_id = ANY ({AGENCIES}))"""


def is_own_or_of_agency(person: str) -> str:
    """`access.can_see_career`: the person themselves, and who sees the person's whole agency."""
    return f"""({person} = {VIEWER} OR (SELECT true FROM employee e
      WHERE e.id = {person} AND e.agency_id = ANY ({AGENCIES})))"""


def sees_feedback_request(request: str) -> str:
    """Who is asked, and whoever sees the appraisal but the person whom it is about."""
    return f"""({request}.respondent_id = {VIEWER} OR (SELECT {is_over("a.employee_id")}
      OR {VIEWER} = a.appraiser_id OR a.agency_id = ANY ({AGENCIES})
      FROM appraisal a WHERE a.id = {request}.appraisal_id
        AND a.employee_id IS DISTINCT FROM {VIEWER}))"""


POLICIES = {
    "agency": in_directory("id"),
    "unit": in_directory("agency_id"),
    "unit_placement": sees("unit", "unit_placement.unit_id"),
    # Enough for one's own row and an agency seen as a whole: their directories are always told.
    "employee": f"{in_directory('agency_id')} OR {LINE} = ANY (superiors)",
    "assignment": sees("employee", "assignment.employee_id"),
    # A code and two days. What leads to it is guarded, and may be of another agency.
    "period": f"cardinality({DIRECTORIES}) > 0",
    # How an agency counts is no secret, and decides figures that are seen from elsewhere.
    "agency_policy": f"cardinality({DIRECTORIES}) > 0",
    "working_week": in_directory("agency_id"),
    "holiday": in_directory("agency_id"),
    "evaluation_period": sees("period", "evaluation_period.period_id"),
    "evaluation_event": sees("evaluation_period", "evaluation_event.evaluation_period_id"),
    "performance_plan": sees_work_of("performance_plan.employee_id"),
    "behaviour_expectation": sees("performance_plan", "behaviour_expectation.plan_id"),
    "plan_attachment": sees("performance_plan", "plan_attachment.plan_id"),
    "plan_event": sees("performance_plan", "plan_event.plan_id"),
    "feedback": sees("performance_plan", "feedback.plan_id"),
    "role_matrix": "sees_matrix(role_matrix.id)",
    "matrix_member": "sees_matrix(matrix_member.matrix_id)",
    "matrix_cell": sees("matrix_member", "matrix_cell.member_id"),
    "cascade_template": in_directory("agency_id"),
    "target": sees_target("target"),
    # Two keys and a kind: both ends are guarded, and asking the child's policy here, too, took a
    # third of a tree's time.
    "target_edge": f"cardinality({DIRECTORIES}) > 0",
    "indicator": sees("target", "indicator.target_id"),
    "trajectory_point": sees("indicator", "trajectory_point.indicator_id"),
    "stage": sees("target", "stage.target_id"),
    "action_plan": sees("target", "action_plan.target_id"),
    "progress_record": sees_record("progress_record"),
    "evidence": sees("progress_record", "evidence.record_id"),
    "record_event": sees("progress_record", "record_event.record_id"),
    "activity": f"""activity.employee_id = {VIEWER} OR (SELECT true FROM progress_record r
      WHERE r.activity_id = activity.id LIMIT 1)""",
    "daily_log": sees_work_of("daily_log.employee_id"),
    "installation": f"agency_id = ANY ({AGENCIES})",
    # What software there is, for whoever administers or audits anything.
    "plugin": f"cardinality({AGENCIES}) > 0",
    "connector_problem": sees("installation", "connector_problem.installation_id"),
    "connector_event": sees("installation", "connector_event.installation_id"),
    "connector_task": sees("installation", "connector_task.installation_id"),
    "directory_change": sees("connector_task", "directory_change.task_id"),
    "mapping_rule": in_directory("agency_id"),
    "clock_event": sees_work_of("clock_event.employee_id"),
    "absence": sees_work_of("absence.employee_id"),
    "absence_event": sees("absence", "absence_event.absence_id"),
    "day_done": sees_work_of("day_done.employee_id"),
    # A superior of that day sees how it ended then, also when the person has moved on since; not
    # who watches that superior's team, so it is the viewer and not the line.
    # So does the agency that they were of: its history stays its own.
    "day_close": f"""{sees_work_of("day_close.employee_id")} OR {VIEWER} = ANY (superior_ids)
      OR agency_id = ANY ({AGENCIES})""",
    # A unit's result is its head's rating of results, so it is seen as the head's work is.
    "unit_rating": f"""{sees_work_of("unit_rating.head_id")}
      OR (SELECT true FROM unit u WHERE u.id = unit_rating.unit_id AND u.agency_id = ANY ({AGENCIES}))""",
    "appraisal": sees_appraisal("appraisal"),
    "appraisal_line": sees("appraisal", "appraisal_line.appraisal_id"),
    "appraisal_event": sees("appraisal", "appraisal_event.appraisal_id"),
    "appraisal_seal": sees("appraisal", "appraisal_seal.appraisal_id"),
    # Who was asked is not told to the person whom it is about.
    "feedback_request": sees_feedback_request("feedback_request"),
    "feedback_answer": f"""(SELECT true FROM feedback_request q
      WHERE q.id = feedback_answer.request_id AND q.respondent_id = {VIEWER})""",
    "result_delivery": sees("installation", "result_delivery.installation_id"),
    "rule_set": in_directory("agency_id"),
    "career": is_own_or_of_agency("career.employee_id"),
    "potential_score": is_own_or_of_agency("potential_score.employee_id"),
    "training_record": sees_work_of("training_record.employee_id"),
    # Superiors see what they appraise by and what training is needed; not pay, box or points.
    "consequence": f"""employee_id = {VIEWER} OR agency_id = ANY ({AGENCIES})
      OR (kind IN ('WEIGHT', 'TRAINING') AND {sees_work_of("consequence.employee_id")})""",
    "consequence_basis": sees("consequence", "consequence_basis.consequence_id"),
    "contact": f"employee_id = {VIEWER}",
    "notice": f"employee_id = {VIEWER}",
    "notice_delivery": sees("notice", "notice_delivery.notice_id"),
    "retraction": """(SELECT true FROM activity a WHERE a.installation_id = retraction.installation_id
      AND a.source_id = retraction.retracts)""",
    "run": sees("installation", "run.installation_id"),
    "dead_letter": sees("installation", "dead_letter.installation_id"),
    # What waits is counted; what became a record is that person's and no longer the connector's.
    "inbox_item": f"""{sees("installation", "inbox_item.installation_id")}
      AND (processed_at IS NULL OR (SELECT true FROM dead_letter d
        WHERE d.inbox_item_id = inbox_item.id LIMIT 1))""",
}
UNREAD = ("role_grant", "event", "token_revocation", "presence_clock", "notice_round")
PARTLY_READ = {
    "installation": "id, agency_id, plugin, title, enabled, poll_seconds, next_poll_at, failures, "
    "paused, breaker, opened_at, halted_at, settings, secret_names, webhook_secrets",
}
"""All but the secrets, the webhook's secret and the source's cursor."""

# A target as one meets it on a red thread, with whose it is; its own visibility is asked besides.
KNOT = """id uuid, agency_id uuid, period_id uuid, code varchar, "position" integer, title text,
  kind varchar, classification varchar, category varchar, assigned_by varchar,
  perspective varchar, plan_id uuid, owner_unit_id uuid, owner_employee_id uuid,
  owner_unit unit, owner_employee employee"""
KNOT_OF_TARGET = """t.id, t.agency_id, t.period_id, t.code, t."position", t.title, t.kind,
    t.classification, t.category, t.assigned_by, t.perspective, t.plan_id, t.owner_unit_id,
    t.owner_employee_id"""

MATRICES = f"""
-- A matrix is seen by whoever sees its leader's work, and by its members, who made it together.
-- A function, since the policies of matrix and member would ask each other without end.
CREATE FUNCTION sees_matrix(of_matrix uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN EXISTS (SELECT FROM role_matrix m JOIN performance_plan p ON p.id = m.plan_id
      WHERE m.id = of_matrix AND {sees_work_of("p.employee_id")})
    OR EXISTS (SELECT FROM matrix_member m
      WHERE m.matrix_id = of_matrix AND m.employee_id = {VIEWER});
END
$$;
REVOKE EXECUTE ON FUNCTION sees_matrix(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sees_matrix(uuid) TO ekinerja_reader, ekinerja_app;

-- The columns of a matrix, which are the results of its leader, each with its owner: for whoever sees the matrix,
-- also a member who does not see the leader's work.
CREATE FUNCTION matrix_results(of_matrix uuid) RETURNS TABLE (
  {KNOT}
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 12 AS $$
#variable_conflict use_column
BEGIN
  IF NOT sees_matrix(of_matrix) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT {KNOT_OF_TARGET}, NULL::unit, o
  FROM role_matrix m JOIN target t ON t.plan_id = m.plan_id
  JOIN employee o ON o.id = t.owner_employee_id
  WHERE m.id = of_matrix;
END
$$;

-- What the share of a cell counts, in words: not how far the leader has come with it.
CREATE FUNCTION shared_measure(of_cell uuid)
RETURNS TABLE (title text, unit_of_measure varchar)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 1 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT i.title, i.unit_of_measure
  FROM matrix_cell c JOIN matrix_member m ON m.id = c.member_id
  JOIN indicator i ON i.id = c.indicator_id
  WHERE c.id = of_cell AND sees_matrix(m.matrix_id);
END
$$;
REVOKE EXECUTE ON FUNCTION matrix_results(uuid), shared_measure(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION matrix_results(uuid), shared_measure(uuid)
  TO ekinerja_reader, ekinerja_app;
"""

WALLS = "".join(
    f"""
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
CREATE POLICY all_rows ON {table} TO ekinerja_app, ekinerja_worker USING (true) WITH CHECK (true);
"""
    for table in (*POLICIES, *UNREAD)
) + "".join(
    f"""
CREATE POLICY seen ON {table} FOR SELECT TO ekinerja_reader USING ({condition});
GRANT SELECT {f"({PARTLY_READ[table]})" if table in PARTLY_READ else ""} ON {table}
  TO ekinerja_reader;
"""
    for table, condition in POLICIES.items()
)

# What a viewer of a row sees of rows that they do not see: each runs as the owner, so each asks
# for itself whether the viewer sees the row that it starts from.
WINDOWS = f"""
GRANT USAGE ON SCHEMA public TO ekinerja_reader;

-- The plugin and title behind an activity, which is all that others than administrators see.
CREATE VIEW activity_source WITH (security_barrier) AS
SELECT a.id AS activity_id, i.plugin, i.title
FROM activity a JOIN installation i ON i.id = a.installation_id
WHERE a.employee_id = {VIEWER} OR (SELECT true FROM progress_record r
  WHERE r.activity_id = a.id AND {sees_record("r")} LIMIT 1);
GRANT SELECT ON activity_source TO ekinerja_reader;

-- The same behind a passage of the clock.
CREATE VIEW clock_source WITH (security_barrier) AS
SELECT c.id AS clock_event_id, i.plugin, i.title
FROM clock_event c JOIN installation i ON i.id = c.installation_id
WHERE {sees_work_of("c.employee_id")};
GRANT SELECT ON clock_source TO ekinerja_reader;

-- From a target (distance 0) up to the agency's goal, each with its owner. For a target that the viewer sees, or one
-- that is itself on the red thread of such a target; else nothing.
CREATE FUNCTION red_thread(of_target uuid) RETURNS TABLE (
  distance integer, cascade varchar,
  {KNOT}
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 8 AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM target t WHERE t.id = of_target AND {sees_target("t")})
    AND NOT EXISTS (
      WITH RECURSIVE below (id) AS (
        SELECT e.child_id FROM target_edge e WHERE e.parent_id = of_target AND e."primary"
        UNION ALL
        SELECT e.child_id FROM below
        JOIN target_edge e ON e.parent_id = below.id AND e."primary"
      )
      SELECT FROM below JOIN target t ON t.id = below.id WHERE {sees_target("t")}
    )
  THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH RECURSIVE up (id, distance) AS (
    SELECT of_target, 0
    UNION ALL
    SELECT e.parent_id, up.distance + 1 FROM up
    JOIN target_edge e ON e.child_id = up.id AND e."primary"
  )
  SELECT up.distance, coalesce(e.kind, 'ROOT'), {KNOT_OF_TARGET},
    u, o
  FROM up JOIN target t ON t.id = up.id
  LEFT JOIN unit u ON u.id = t.owner_unit_id LEFT JOIN employee o ON o.id = t.owner_employee_id
  LEFT JOIN target_edge e ON e.child_id = t.id AND e."primary"
  ORDER BY up.distance;
END
$$;

-- What a plan's results may serve: those of the appraiser's plan in the same period, as knots, for
-- whoever sees the plan. The columns are those of red_thread.
CREATE FUNCTION superior_results(of_plan uuid) RETURNS TABLE (
  distance integer, cascade varchar,
  {KNOT}
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 12 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT 0, coalesce(e.kind, 'ROOT'), {KNOT_OF_TARGET},
    NULL::unit, o
  FROM performance_plan p
  JOIN assignment a ON a.id = p.assignment_id
  JOIN performance_plan s ON s.employee_id = a.appraiser_id AND s.period_id = p.period_id
    AND s.starts_on <= p.ends_on AND s.ends_on >= p.starts_on
  JOIN target t ON t.plan_id = s.id
  JOIN employee o ON o.id = t.owner_employee_id
  LEFT JOIN target_edge e ON e.child_id = t.id AND e."primary"
  WHERE p.id = of_plan AND {sees_work_of("p.employee_id")};
END
$$;

-- The confirmed records behind a figure, of an indicator or (where that is NULL) of a target: what
-- flows in over direct edges, and what counts with a weight. Keys only: whether the viewer sees a
-- record, the record's own policy says. Nothing for a target that is not the viewer's to see.
CREATE FUNCTION records_behind(of_target uuid, of_indicator uuid) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 100 AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM target t WHERE t.id = of_target AND {sees_target("t")}) THEN
    RETURN;
  END IF;
  RETURN QUERY
  WITH RECURSIVE counting (id) AS (
    SELECT of_target WHERE of_indicator IS NULL
    UNION
    SELECT e.child_id FROM counting JOIN target_edge e ON e.parent_id = counting.id
    WHERE e.kind = 'WEIGHTED'
  ), flow (id) AS (
    SELECT i.id FROM indicator i JOIN target t ON t.id = i.target_id AND t.kind <> 'STAGED'
    WHERE i.target_id IN (SELECT c.id FROM counting c)
    UNION
    SELECT i.id FROM indicator i WHERE i.id = of_indicator AND i.target_id = of_target
    UNION
    SELECT i.id FROM flow JOIN indicator i ON i.contributes_to_id = flow.id
  )
  SELECT r.id FROM progress_record r
  WHERE r.state = 'CONFIRMED' AND (r.indicator_id IN (SELECT f.id FROM flow f)
    OR r.stage_id IN (SELECT s.id FROM stage s JOIN target t ON t.id = s.target_id
      WHERE t.kind = 'STAGED' AND t.id IN (SELECT c.id FROM counting c)));
END
$$;

-- What an indicator had reached by the end of a day, with all that flows in: null where nothing
-- was recorded, and where the indicator is not the viewer's to see. A SUM adds its records, a
-- LATEST takes the last: 3 and 4 of its own, 10 then 12 of a LATEST below -> 19.
CREATE FUNCTION actual_by(of_indicator uuid, by_day date) RETURNS numeric
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN (
    WITH RECURSIVE flow AS (
      SELECT i.id, i.accumulation FROM indicator i JOIN target t ON t.id = i.target_id
      WHERE i.id = of_indicator AND {sees_target("t")}
      UNION ALL
      SELECT i.id, i.accumulation FROM flow JOIN indicator i ON i.contributes_to_id = flow.id
    )
    SELECT sum(v.amount) FROM flow CROSS JOIN LATERAL (
      SELECT CASE flow.accumulation
        WHEN 'SUM' THEN sum(r.quantity)
        ELSE (array_agg(r.quantity ORDER BY r.ends_at DESC, r.id DESC))[1]
      END AS amount
      FROM progress_record r
      WHERE r.indicator_id = flow.id AND r.state = 'CONFIRMED' AND r.day <= by_day
    ) v
  );
END
$$;

GRANT EXECUTE ON FUNCTION required_days(uuid, date, date), required_minutes(uuid, date),
  working_days(uuid[], date), day_facts(uuid[], date), digest_facts(uuid[], date)
  TO ekinerja_reader;
REVOKE EXECUTE ON FUNCTION red_thread(uuid), superior_results(uuid),
  records_behind(uuid, uuid), actual_by(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION red_thread(uuid), superior_results(uuid),
  records_behind(uuid, uuid), actual_by(uuid, date)
  TO ekinerja_reader, ekinerja_app;
"""


# Evidence is read across tables of the same plan, so it runs as the owner, and asks first.
APPRAISALS = f"""
-- What an appraisal rests on (`appraisal_facts`), for whoever sees it; null for others.
CREATE FUNCTION appraisal_evidence(of_appraisal uuid) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM appraisal a
    WHERE a.id = of_appraisal AND {sees_appraisal("a")})
  THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT f.facts FROM appraisal_facts(ARRAY[of_appraisal]) f);
END
$$;
REVOKE EXECUTE ON FUNCTION appraisal_evidence(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION appraisal_evidence(uuid) TO ekinerja_reader, ekinerja_app;
"""


# The rows of a board are thousands: whom the viewer sees is worked out once, not once a row.
BOARDS = f"""
-- How a team's day ended, for each whom this person appraised on it, as far as the viewer sees it.
CREATE FUNCTION closed_team(of_supervisor uuid, on_day date) RETURNS SETOF day_close
LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER SET search_path = public, pg_temp ROWS 15 AS $$
BEGIN
  RETURN QUERY
  SELECT c.* FROM day_close c
  WHERE c.appraiser_ids @> ARRAY[of_supervisor] AND c.day = on_day
    AND ({VIEWER} = ANY (c.superior_ids) OR c.agency_id = ANY ({AGENCIES})
      OR {sees_work_of("c.employee_id")});
END
$$;

-- Units at or below the last of a path on a day; none where the path was another then.
CREATE FUNCTION units_on(path uuid[], on_day date) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 50 AS $$
  WITH RECURSIVE up (id) AS (
    SELECT path[cardinality(path)]
    UNION
    SELECT p.parent_id FROM up JOIN unit_placement p ON p.unit_id = up.id
    WHERE p.parent_id IS NOT NULL AND p.starts_on <= on_day
      AND (p.ends_on IS NULL OR p.ends_on > on_day)
  ), down (id) AS (
    SELECT path[cardinality(path)] WHERE ARRAY(SELECT id FROM up) @> path
    UNION
    SELECT p.unit_id FROM down JOIN unit_placement p ON p.parent_id = down.id
    WHERE p.starts_on <= on_day AND (p.ends_on IS NULL OR p.ends_on > on_day)
  )
  SELECT id FROM down
$$;

-- Whether the viewer may see the board of a unit: the agency's administrator and auditor, who
-- heads it or a unit above, and who leads somebody in it or below.
CREATE FUNCTION watches_unit(of_unit uuid, on_day date) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  of_line uuid := {LINE};
BEGIN
  RETURN EXISTS (SELECT FROM unit u WHERE u.id = of_unit AND u.agency_id = ANY ({AGENCIES}))
    OR EXISTS (
      WITH RECURSIVE up (id) AS (
        SELECT of_unit
        UNION
        SELECT p.parent_id FROM up JOIN unit_placement p ON p.unit_id = up.id
        WHERE p.parent_id IS NOT NULL AND p.starts_on <= on_day
          AND (p.ends_on IS NULL OR p.ends_on > on_day)
      )
      SELECT FROM up JOIN assignment a ON a.unit_id = up.id
      WHERE a.heads_unit AND a.employee_id = of_line AND a.starts_on <= on_day
        AND (a.ends_on IS NULL OR a.ends_on > on_day))
    OR EXISTS (SELECT FROM employee e JOIN assignment a ON a.employee_id = e.id
      WHERE e.superiors @> ARRAY[of_line] AND a.starts_on <= on_day
        AND (a.ends_on IS NULL OR a.ends_on > on_day)
        AND a.unit_id IN (SELECT units_on(ARRAY[of_unit], on_day)));
END
$$;

-- Days of people in a unit and below, as they were known when they ended, as far as the viewer
-- sees them. By the unit of that day: whoever has moved since is still there. Joined by the index,
-- since the planner knows neither how many units there are nor how many days.
CREATE FUNCTION closed_days(path uuid[], first_day date, last_day date, of_statuses text[])
RETURNS TABLE (
  day date, status varchar, employee_id uuid, unit_id uuid, required_minutes integer,
  recorded_minutes integer, pending_count integer
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 10000
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
SET enable_bitmapscan = off SET plan_cache_mode = force_custom_plan
SET work_mem = '32MB' SET jit = off AS $$
#variable_conflict use_column
DECLARE
  of_viewer uuid := {VIEWER};
  of_line uuid := {LINE};
  of_agencies uuid[] := {AGENCIES};
BEGIN
  RETURN QUERY
  WITH RECURSIVE below (id) AS (
    SELECT path[cardinality(path)]
    UNION
    SELECT p.unit_id FROM below JOIN unit_placement p ON p.parent_id = below.id
  ), seen (id) AS MATERIALIZED (
    SELECT e.id FROM employee e WHERE e.id = of_line
      OR e.agency_id = ANY (of_agencies) OR e.superiors @> ARRAY[of_line]
  )
  SELECT c.day, c.status, c.employee_id, c.unit_id, c.required_minutes, c.recorded_minutes,
    c.pending_count
  FROM below JOIN day_close c ON c.unit_id = below.id AND c.day BETWEEN first_day AND last_day
  WHERE (of_statuses IS NULL OR c.status = ANY (of_statuses))
    AND ((cardinality(path) = 1 AND path[1] = ANY (c.unit_path)) OR c.unit_path @> path)
    AND (c.agency_id = ANY (of_agencies) OR of_viewer = ANY (c.superior_ids)
      OR c.employee_id IN (SELECT id FROM seen));
END
$$;

-- Days of the same people that are not closed, as the rule needs them: today, and what was before
-- closing began. The latest days first; where more than {{LARGEST}} days of people would be found,
-- that day and those before it are left out.
CREATE FUNCTION open_days(path uuid[], first_day date, last_day date) RETURNS TABLE (
  day date, is_left_out boolean, employee_id uuid, unit_id uuid, facts json
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 1000 AS $$
#variable_conflict use_column
DECLARE
  of_line uuid := {LINE};
  of_agencies uuid[] := {AGENCIES};
  of_agency uuid := (SELECT u.agency_id FROM unit u WHERE u.id = path[cardinality(path)]);
  closed_until date := (SELECT k.closed_until FROM presence_clock k
    WHERE k.agency_id = of_agency);
  on_day date;
  people uuid[];
  units uuid[];
  number integer := 0;
  is_full boolean := false;
BEGIN
  FOR on_day IN SELECT last_day - n FROM generate_series(0, last_day - first_day) n LOOP
    -- Closed as a whole; not where nobody came to close it within a week.
    CONTINUE WHEN on_day <= closed_until AND EXISTS (SELECT FROM day_close c
      WHERE c.agency_id = of_agency AND c.day = on_day);
    IF is_full THEN
      RETURN QUERY SELECT on_day, true, NULL::uuid, NULL::uuid, NULL::json;
      CONTINUE;
    END IF;
    units := ARRAY(SELECT units_on(path, on_day));
    SELECT array_agg(p.employee_id), array_agg(p.unit_id) INTO people, units FROM (
      SELECT DISTINCT ON (a.employee_id) a.employee_id, a.unit_id FROM assignment a
      WHERE a.employee_id IN (SELECT x.employee_id FROM assignment x
          WHERE x.unit_id = ANY (units) AND x.starts_on <= on_day
            AND (x.ends_on IS NULL OR x.ends_on > on_day))
        AND a.starts_on <= on_day AND (a.ends_on IS NULL OR a.ends_on > on_day)
      ORDER BY a.employee_id, a.kind, a.starts_on DESC, a.id DESC
    ) p JOIN employee e ON e.id = p.employee_id
    WHERE p.unit_id = ANY (units) AND (e.id = of_line OR e.agency_id = ANY (of_agencies)
        OR of_line = ANY (e.superiors))
      AND NOT EXISTS (SELECT FROM day_close c WHERE c.employee_id = e.id AND c.day = on_day);
    CONTINUE WHEN people IS NULL;
    IF number > 0 AND number + cardinality(people) > {{LARGEST}} THEN
      is_full := true;
      RETURN QUERY SELECT on_day, true, NULL::uuid, NULL::uuid, NULL::json;
      CONTINUE;
    END IF;
    number := number + cardinality(people);
    RETURN QUERY SELECT on_day, false, f.employee_id, k.unit_id, row_to_json(f)
    FROM day_facts(people, on_day) f
    JOIN unnest(people, units) k (employee_id, unit_id) ON k.employee_id = f.employee_id;
  END LOOP;
END
$$;

-- What a unit's board is counted from, in one go: closed days by day and state, open ones by what
-- is known of them, how many people they are of, and the days that are left out.
CREATE FUNCTION unit_days(path uuid[], first_day date, last_day date) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET work_mem = '32MB' SET jit = off AS $$
  WITH shut AS MATERIALIZED (
    SELECT c.day, c.status, c.employee_id AS person,
      count(*) AS count, count(*) FILTER (WHERE c.required_minutes > 0) AS asking,
      count(*) FILTER (WHERE c.required_minutes > 0 AND c.recorded_minutes > 0) AS filled,
      sum(c.required_minutes) AS required_minutes, sum(c.recorded_minutes) AS recorded_minutes
    FROM closed_days(path, first_day, last_day, NULL) c
    GROUP BY GROUPING SETS ((c.day, c.status), (c.employee_id))
  ), ajar AS MATERIALIZED (
    SELECT o.* FROM open_days(path, first_day, last_day) o
  )
  SELECT json_build_object(
    'people', (SELECT count(*) FROM (SELECT person FROM shut WHERE person IS NOT NULL
      UNION SELECT employee_id FROM ajar WHERE employee_id IS NOT NULL) p),
    'left_out', (SELECT coalesce(json_agg(day ORDER BY day), '[]') FROM ajar WHERE is_left_out),
    'closed', (SELECT coalesce(json_agg(json_build_object('day', day, 'status', status,
        'count', count, 'asking', asking, 'filled', filled,
        'required_minutes', required_minutes, 'recorded_minutes', recorded_minutes)), '[]')
      FROM shut WHERE person IS NULL),
    'open', (SELECT coalesce(json_agg(json_build_object('facts', facts, 'count', count)), '[]')
      FROM (SELECT to_jsonb(facts) - 'employee_id' AS facts, count(*) FROM ajar
        WHERE NOT is_left_out GROUP BY 1) f))
$$;

-- The people behind its counts: a page of closed days, the newest first, then by name, behind
-- `after_day`, ...; how many there are; and all open ones, which Python judges and sorts in.
CREATE FUNCTION unit_people(
  path uuid[], first_day date, last_day date, of_statuses text[], after_day date, after_name text,
  after_person uuid, size integer
) RETURNS json LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
SET work_mem = '32MB' SET jit = off AS $$
  WITH shut AS MATERIALIZED (
    SELECT c.day AS "on", e.name COLLATE "C" AS name, e.id AS person_id, e.agency_id,
      c.unit_id, c.status, c.required_minutes, c.recorded_minutes, c.pending_count
    FROM closed_days(path, first_day, last_day, of_statuses) c
    JOIN employee e ON e.id = c.employee_id
  ), chosen AS (
    SELECT s.*, u.code AS unit_code, u.name AS unit_name
    FROM (SELECT * FROM shut WHERE after_day IS NULL OR "on" < after_day
        OR ("on" = after_day AND (name, person_id) > (after_name, after_person))
      ORDER BY "on" DESC, name, person_id LIMIT size) s JOIN unit u ON u.id = s.unit_id
  )
  SELECT json_build_object(
    'count', (SELECT count(*) FROM shut),
    'closed', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM chosen c),
    'open', (SELECT coalesce(json_agg(json_build_object('on', o.day, 'name', e.name,
        'person_id', e.id, 'unit_code', u.code, 'unit_name', u.name, 'facts', o.facts)), '[]')
      FROM open_days(path, first_day, last_day) o JOIN employee e ON e.id = o.employee_id
      JOIN unit u ON u.id = o.unit_id))
$$;

REVOKE EXECUTE ON FUNCTION closed_team(uuid, date), watches_unit(uuid, date),
  closed_days(uuid[], date, date, text[]), open_days(uuid[], date, date),
  unit_days(uuid[], date, date),
  unit_people(uuid[], date, date, text[], date, text, uuid, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION closed_team(uuid, date), watches_unit(uuid, date),
  unit_days(uuid[], date, date),
  unit_people(uuid[], date, date, text[], date, text, uuid, integer)
  TO ekinerja_reader, ekinerja_app;
""".replace("{LARGEST}", "50000")


RATINGS = f"""
-- Whether the viewer sees every appraisal of a unit's staff (who heads it left out) in an
-- evaluation period: only then are shares of them shown.
CREATE FUNCTION sees_all_appraisals(of_unit uuid, of_period uuid) RETURNS boolean
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  RETURN NOT EXISTS (SELECT FROM appraisal a
    WHERE a.unit_id = of_unit AND a.evaluation_period_id = of_period AND NOT a.heads_unit
      AND {sees_appraisal("a")} IS NOT TRUE);
END
$$;
REVOKE EXECUTE ON FUNCTION sees_all_appraisals(uuid, uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sees_all_appraisals(uuid, uuid) TO ekinerja_reader, ekinerja_app;
"""


FEEDBACK = f"""
-- Feedback (360) on an appraisal, in groups, for whoever sees the appraisal.
CREATE FUNCTION feedback_summary(of_appraisal uuid, at timestamptz) RETURNS TABLE (
  behaviour varchar, relation varchar, mean numeric, answers integer, comments text[]
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 14 AS $$
#variable_conflict use_column
BEGIN
  IF NOT EXISTS (SELECT FROM appraisal a WHERE a.id = of_appraisal AND {sees_appraisal("a")}) THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT g.behaviour, g.relation, g.mean, g.answers, g.comments
  FROM feedback_groups(ARRAY[of_appraisal], at, coalesce({VIEWER}, {LINE})) g;
END
$$;

-- Whom a request is about and of which days, also for a respondent, who does not see the appraisal.
CREATE FUNCTION feedback_about(of_request uuid) RETURNS TABLE (
  employee_id uuid, starts_on date, ends_on date, is_signed boolean
) LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp ROWS 1 AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT s.employee_id, s.starts_on, s.ends_on, s.state = 'SIGNED'
  FROM feedback_request q JOIN appraisal s ON s.id = q.appraisal_id
  WHERE q.id = of_request AND {sees_feedback_request("q")};
END
$$;
REVOKE EXECUTE ON FUNCTION feedback_summary(uuid, timestamptz), feedback_about(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION feedback_summary(uuid, timestamptz), feedback_about(uuid)
  TO ekinerja_reader, ekinerja_app;
"""


class Migration(migrations.Migration):
    dependencies = [("ekinerja", "0002_constraints")]

    operations = [
        ops.RunSQL(ROLE),
        ops.RunSQL(MATRICES),
        ops.RunSQL(WALLS),
        ops.RunSQL(WINDOWS),
        ops.RunSQL(BOARDS),
        ops.RunSQL(APPRAISALS),
        ops.RunSQL(RATINGS),
        ops.RunSQL(FEEDBACK),
    ]
