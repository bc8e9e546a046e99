"""A month of attendance (*presensi*) as a part of a statement: days asked, absent, late, early.

House rules: a day asks for work where a post is held on it and minutes are left of it after
accepted leave. It is absent where an unexcused absence covers it, or where clocks of the agency
were heard of on that day and this person's was not, unless they travelled on duty or what they
reported is not decided yet: a day on which no clock was heard of is nobody's absence.
Late is who came in behind the week's begin (or the end of a morning's leave) and the flexible
minutes; early who left before the end, moved by as much as they came later and might. Who never
clocked out is not said to have left early. All in the local time of the employee.
"""

# Over `person` (id); $2 and $3 are the month's first and last day, $4 is the agency.
ATTENDANCE = """away AS MATERIALIZED (
  SELECT a.employee_id, d.day::date AS day, a.kind, a.state, a.from_time::time AS from_time,
    a.until_time::time AS until_time
  FROM person JOIN absence a ON a.employee_id = person.id AND a.state IN ('REPORTED', 'ACCEPTED')
    AND a.starts_on <= $3::date AND a.ends_on >= $2::date
  CROSS JOIN generate_series(greatest(a.starts_on, $2::date), least(a.ends_on, $3::date),
    interval '1 day') d (day)
), worked AS MATERIALIZED (
  SELECT w.*, $2::date + d.n AS day FROM generate_series(0, $3::date - $2::date) d (n)
  CROSS JOIN LATERAL working_days(ARRAY(SELECT person.id FROM person), $2::date + d.n) w
  WHERE w.working_minutes > 0 AND w.unit_id IS NOT NULL
), heard AS MATERIALIZED (
  SELECT w.day FROM (SELECT DISTINCT day FROM worked) w WHERE EXISTS (
    SELECT FROM clock_event c JOIN installation i ON i.id = c.installation_id
    WHERE i.agency_id = $4 AND c.direction = 'IN' AND c.day = w.day AND c.retracted_at IS NULL
      AND c.at BETWEEN w.day::timestamptz - interval '1 day'
        AND w.day::timestamptz + interval '2 days')
), judged AS MATERIALIZED (
  SELECT w.employee_id, w.day, w.timezone, w.working_minutes, w.begins_at, w.break_minutes,
    w.flexible_minutes, w.duty_travel_excuses,
    bool_or(a.state = 'ACCEPTED') AS is_away,
    bool_or(a.state = 'ACCEPTED' AND a.kind = 'UNEXCUSED' AND a.from_time IS NULL) AS unexcused,
    bool_or(a.state = 'REPORTED' OR a.kind = 'DUTY_TRAVEL') AS elsewhere,
    max(a.until_time) FILTER (WHERE a.kind <> 'UNEXCUSED' AND a.from_time <= w.begins_at)
      AS free_until,
    min(a.from_time) FILTER (WHERE a.kind <> 'UNEXCUSED' AND a.until_time >= (w.begins_at
      + make_interval(mins => w.working_minutes + w.break_minutes))) AS free_from
  FROM worked w LEFT JOIN away a ON a.employee_id = w.employee_id AND a.day = w.day
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), passage AS MATERIALIZED (
  SELECT c.employee_id, c.day, min(c.at) FILTER (WHERE c.direction = 'IN') AS came,
    max(c.at) FILTER (WHERE c.direction = 'OUT') AS left_at
  FROM person JOIN clock_event c ON c.employee_id = person.id
    AND c.day BETWEEN $2::date AND $3::date AND c.retracted_at IS NULL
  GROUP BY 1, 2
), told AS MATERIALIZED (
  SELECT j.*, p.came, p.left_at, p.employee_id IS NOT NULL AS passed,
    floor(extract(epoch FROM (p.came AT TIME ZONE j.timezone)
      - (j.day + greatest(j.begins_at, j.free_until))) / 60)::int AS behind,
    floor(extract(epoch FROM CASE WHEN j.free_from IS NULL
        THEN j.day + j.begins_at + make_interval(mins => j.working_minutes + j.break_minutes)
        ELSE j.day + j.free_from END - (p.left_at AT TIME ZONE j.timezone)) / 60)::int AS before
  FROM judged j LEFT JOIN passage p ON p.employee_id = j.employee_id AND p.day = j.day
  WHERE NOT coalesce(j.is_away, false) OR j.working_minutes > excused_of(j.employee_id, j.day,
    j.working_minutes, j.begins_at, j.break_minutes, j.duty_travel_excuses)
), counted AS MATERIALIZED (
  SELECT t.employee_id, t.day, coalesce(t.unexcused, false)
      OR (h.day IS NOT NULL AND NOT t.passed AND NOT coalesce(t.elsewhere, false)) AS absent,
    CASE WHEN NOT coalesce(t.elsewhere, false)
      THEN greatest(t.behind - t.flexible_minutes, 0) ELSE 0 END AS late,
    CASE WHEN NOT coalesce(t.elsewhere, false) THEN greatest(t.before + CASE
      WHEN t.free_from IS NULL THEN least(t.flexible_minutes, greatest(t.behind, 0)) ELSE 0 END, 0)
      ELSE 0 END AS early
  FROM told t LEFT JOIN heard h ON h.day = t.day
), attended AS MATERIALIZED (
  SELECT c.employee_id, count(*)::int AS days_asked,
    count(*) FILTER (WHERE c.absent)::int AS absent_days,
    array_agg(c.late ORDER BY c.day) FILTER (WHERE c.late > 0 AND NOT c.absent) AS late_minutes,
    array_agg(c.early ORDER BY c.day) FILTER (WHERE c.early > 0 AND NOT c.absent) AS early_minutes
  FROM counted c GROUP BY c.employee_id
)"""
