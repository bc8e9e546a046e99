"""The statements that fill a database with an agency's year, up to its ratings; rows follow from
their numbers. $1 is how many people there are, $2 on how many days of the year each has a record.

Person e of unit u is (u - 1) * 20 + k; k = 1 heads the unit, reports to the head of unit
(u - 2) / 8 + 1, and has the others as reports. Each has four results: three in numbers (the first
with two indicators, which flow up), one in stages. In the year everybody is on leave twice.
"""

PEOPLE = "generate_series(1, $1::int) e"

ORGANIZATION = (
    """
INSERT INTO agency (id, code, name, timezone)
VALUES (pg_temp.key(1, 1), 'TAHUN', 'Badan Uji Tahunan', 'Asia/Jakarta')
""",
    """
INSERT INTO unit (id, agency_id, code, name, kind)
SELECT pg_temp.key(2, u), pg_temp.key(1, 1), 'u' || u, 'Bidang ' || u, 'unit'
FROM generate_series(1, ($1::int + 19) / 20) u
""",
    f"""
INSERT INTO employee (id, agency_id, nip, name, timezone, superiors)
SELECT pg_temp.key(4, e), pg_temp.key(1, 1), '198001012005' || lpad(e::text, 6, '0'),
  'Pegawai "' || e || '"', 'Asia/Jakarta', '{{}}' FROM {PEOPLE}
""",
    f"""
INSERT INTO assignment (id, employee_id, unit_id, appraiser_id, position, kind, heads_unit,
  starts_on)
SELECT pg_temp.key(5, e), pg_temp.key(4, e), pg_temp.key(2, (e - 1) / 20 + 1),
  CASE WHEN e % 20 <> 1 THEN pg_temp.key(4, e - (e - 1) % 20)
    WHEN e > 1 THEN pg_temp.key(4, ((e - 1) / 20 - 1) / 8 * 20 + 1) END,
  CASE WHEN e % 20 = 1 THEN 'Kepala Bidang' ELSE 'Analis' END, 'DEFINITIVE', e % 20 = 1,
  '2020-01-01' FROM {PEOPLE}
""",
    "SELECT refresh_reporting_lines(pg_temp.key(1, 1), '2026-12-31')",
    """
INSERT INTO agency_policy (id, agency_id, starts_on, achievement_cap, missing_counts_as_zero,
  on_track_share, late_entries, filling_days, plan_days, action_plans_required, effective_share,
  active_minutes, flexible_minutes, duty_travel_excuses, quiet_from, quiet_until, notices_per_day,
  objection_days, peer_feedback, smallest_feedback_group, set_by, set_at)
VALUES (pg_temp.key(20, 1), pg_temp.key(1, 1), '2026-01-01', 110, false, 100, 'MARKED', 10, 31,
  false, 66.67, 60, 0, true, '18:00', '06:30', 2, 7, false, 3, 'pengelola', '2026-01-01')
""",
    """
INSERT INTO working_week (id, agency_id, name, starts_on, ends_on, minutes, breaks, begins_at,
  observes_holidays, set_by, set_at)
VALUES (pg_temp.key(21, 1), pg_temp.key(1, 1), 'Lima hari', '2026-01-01', NULL,
    '{450,450,450,450,450,0,0}', '{60,60,60,60,90,0,0}', '07:30', true, 'p', '2026-01-01'),
  (pg_temp.key(21, 2), pg_temp.key(1, 1), 'Ramadan', '2026-02-18', '2026-03-19',
    '{390,390,390,390,390,0,0}', '{30,30,30,30,60,0,0}', '08:00', true, 'p', '2026-01-01')
""",
    """
INSERT INTO holiday (id, agency_id, day, name, kind, set_by, set_at)
SELECT pg_temp.key(22, n), pg_temp.key(1, 1), date '2026-01-01' + 23 * n::int, 'Libur ' || n,
  'PUBLIC_HOLIDAY', 'p', '2026-01-01' FROM generate_series(0, 14) n
""",
    f"""
INSERT INTO absence (id, employee_id, kind, state, starts_on, ends_on, reported_by, reported_at,
  decided_by, decided_at)
SELECT pg_temp.key(23, e * 2 + n), pg_temp.key(4, e),
  CASE n WHEN 0 THEN 'LEAVE' ELSE 'DUTY_TRAVEL' END, 'ACCEPTED', d.day, d.day + 4, 'p',
  '2026-01-01', 'q', '2026-01-01'
FROM {PEOPLE} CROSS JOIN generate_series(0, 1) n
CROSS JOIN LATERAL (SELECT date '2026-03-02' + (e % 40) + 150 * n AS day) d
""",
)

PLANS = (
    """
INSERT INTO period (id, agency_id, code, starts_on, ends_on)
VALUES (pg_temp.key(7, 1), pg_temp.key(1, 1), '2026', '2026-01-01', '2026-12-31')
""",
    """
INSERT INTO evaluation_period (id, period_id, kind, number, starts_on, ends_on, filling_until)
SELECT pg_temp.key(24, n), pg_temp.key(7, 1), CASE n WHEN 0 THEN 'FINAL' ELSE 'MONTHLY' END,
  greatest(n, 1), CASE n WHEN 0 THEN '2026-01-01' ELSE make_date(2026, n, 1) END,
  CASE n WHEN 0 THEN '2026-12-31'
    ELSE (make_date(2026, n, 1) + interval '1 month -1 day')::date END, '2027-01-10'
FROM generate_series(0, 12) n
""",
    f"""
INSERT INTO performance_plan (id, period_id, employee_id, assignment_id, starts_on, ends_on,
  approach, state, version)
SELECT pg_temp.key(8, e), pg_temp.key(7, 1), pg_temp.key(4, e), pg_temp.key(5, e), '2026-01-01',
  '2026-12-31', 'QUANTITATIVE', 'APPROVED', 1 FROM {PEOPLE}
""",
    f"""
INSERT INTO behaviour_expectation (id, plan_id, behaviour, expectation)
SELECT pg_temp.key(25, e * 2 + n), pg_temp.key(8, e),
  (ARRAY['LOYAL', 'COMPETENT'])[n + 1], 'Menjadi teladan' FROM {PEOPLE}, generate_series(0, 1) n
""",
    f"""
INSERT INTO target (id, agency_id, period_id, code, position, title, kind, category,
  classification, owner_employee_id, plan_id)
SELECT pg_temp.key(9, e * 4 + p), pg_temp.key(1, 1), pg_temp.key(7, 1), 't' || e * 4 + p, p,
  'Tersedianya laporan pemantauan kinerja bidang ' || e || '.' || p,
  CASE p WHEN 3 THEN 'STAGED' ELSE 'QUANTITATIVE' END, 'MAIN', 'INDIVIDUAL', pg_temp.key(4, e),
  pg_temp.key(8, e) FROM {PEOPLE}, generate_series(0, 3) p
""",
    f"""
CREATE TEMP TABLE year_up AS
SELECT e, CASE WHEN e % 20 <> 1 THEN e - (e - 1) % 20 ELSE ((e - 1) / 20 - 1) / 8 * 20 + 1 END AS up
FROM {PEOPLE} WHERE e > 1
""",
    "SET enable_seqscan = off",
    """
INSERT INTO target_edge (id, parent_id, child_id, kind, "primary")
SELECT pg_temp.key(10, e), pg_temp.key(9, up * 4), pg_temp.key(9, e * 4), 'DIRECT', true
FROM year_up
""",
    """
INSERT INTO target_edge (id, parent_id, child_id, kind, weight, achieved, "primary")
SELECT pg_temp.key(10, 1000000 + e), pg_temp.key(9, up * 4 + 2), pg_temp.key(9, e * 4 + 1),
  'WEIGHTED', 20 * (e % 20), CASE WHEN e % 7 > 0 THEN 90 + e % 7 + 0.123456 END, true
FROM year_up WHERE e % 20 IN (2, 3)
""",
    "RESET enable_seqscan",
    """
INSERT INTO indicator (id, target_id, position, aspect, title, unit_of_measure, polarity,
  accumulation, planned, contributes_to_id, own_records, contributing)
SELECT pg_temp.key(11, (e * 4 + p) * 2 + i), pg_temp.key(9, e * 4 + p), i,
  (ARRAY['QUANTITY', 'QUALITY'])[i + 1], (ARRAY['Jumlah laporan', 'Waktu penyelesaian'])[i + 1],
  (ARRAY['laporan', 'hari'])[i + 1], (ARRAY['RISING', 'FALLING'])[i + 1],
  (ARRAY['SUM', 'LATEST'])[i + 1], CASE i WHEN 0 THEN 12 ELSE 5 END,
  CASE WHEN i = 0 AND p = 0 AND e > 1
    THEN pg_temp.key(11, (SELECT y.up FROM year_up y WHERE y.e = n.e)::bigint * 8) END, 0, 0
FROM generate_series(1, $1::int) n (e), generate_series(0, 2) p, generate_series(0, 1) i
WHERE i = 0 OR p = 0
""",
    f"""
INSERT INTO trajectory_point (id, indicator_id, day, planned)
SELECT pg_temp.key(12, (e * 3 + p) * 4 + q), pg_temp.key(11, (e * 4 + p) * 2),
  (ARRAY['2026-03-31', '2026-06-30', '2026-09-30', '2026-12-31']::date[])[q], 3 * q
FROM {PEOPLE}, generate_series(0, 2) p, generate_series(1, 4) q
""",
    f"""
INSERT INTO stage (id, target_id, position, title, weight, completed_on)
SELECT pg_temp.key(26, e * 4 + s), pg_temp.key(9, e * 4 + 3), s, 'Tahap ' || s,
  CASE WHEN e % 2 = 0 THEN 10 * s + 5 END,
  CASE WHEN s <= e % 5 THEN make_date(2026, 3 * s + 2, 10) END
FROM {PEOPLE}, generate_series(0, 3) s
""",
    f"""
INSERT INTO feedback (id, plan_id, target_id, behaviour, author_id, at, text)
SELECT pg_temp.key(27, e * 3 + n), pg_temp.key(8, e), CASE n WHEN 0 THEN pg_temp.key(9, e * 4) END,
  CASE n WHEN 1 THEN 'LOYAL' END, pg_temp.key(4, e), '2026-06-30 17:30Z', 'Sudah baik'
FROM {PEOPLE}, generate_series(0, 2) n
""",
)

RECORDS = f"""
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, target_id, indicator_id, quantity, late, state, created_at, decided_at)
SELECT pg_temp.key(13, (e * 400 + n) * 2 + i), pg_temp.key(1, 1), pg_temp.key(4, e), d.day,
  d.day::timestamp AT TIME ZONE 'UTC' + interval '1 hour' * (1 + i),
  d.day::timestamp AT TIME ZONE 'UTC' + interval '1 hour' * (2 + i), 60,
  'Menyusun laporan', pg_temp.key(9, e * 4 + n % 3),
  pg_temp.key(11, (e * 4 + n % 3) * 2 + i), CASE i WHEN 0 THEN 1 ELSE 3 + (e + n) % 5 END,
  false, 'CONFIRMED', d.day, d.day
FROM {PEOPLE} CROSS JOIN generate_series(0, $2::int - 1) n
CROSS JOIN generate_series(0, 1) i
CROSS JOIN LATERAL (SELECT date '2026-01-05' + n * 350 / $2::int + e % 5 AS day) d
WHERE i = 0 OR n % 3 = 0
"""

# Every working day but one in nine, and but holidays and leave.
DAILY_LOGS = f"""
INSERT INTO daily_log (id, employee_id, day, required_minutes, recorded_minutes, pending_minutes,
  pending_count)
SELECT pg_temp.key(17, e * 400 + n), pg_temp.key(4, e), d.day, d.minutes,
  CASE WHEN (e + n) % 13 = 0 THEN 0 ELSE d.minutes - (e + n) % 60 END, 0, 0
FROM {PEOPLE} CROSS JOIN generate_series(0, 364) n
CROSS JOIN LATERAL (SELECT date '2026-01-01' + n AS day,
  CASE WHEN date '2026-01-01' + n BETWEEN '2026-02-18' AND '2026-03-19' THEN 390 ELSE 450 END
    AS minutes) d
WHERE extract(isodow FROM d.day) < 6 AND (e + n) % 9 > 0
  AND NOT (n % 23 = 0 AND n < 23 * 15)
  AND d.day - (date '2026-03-02' + e % 40) NOT BETWEEN 0 AND 4
  AND d.day - (date '2026-03-02' + e % 40 + 150) NOT BETWEEN 0 AND 4
"""

# The ratings of appraisals that are open: all nine cells; heads by the result of their unit.
UNIT_RATINGS = """
INSERT INTO unit_rating (id, unit_id, evaluation_period_id, version, predicate, reason, head_id,
  set_by, set_at)
SELECT gen_random_uuid(), a.unit_id, a.evaluation_period_id, 1,
  (ARRAY['OUTSTANDING', 'GOOD', 'POOR'])[1 + ascii(right(a.unit_id::text, 1)) % 3],
  'Sesuai perjanjian kinerja', a.employee_id, 'pengelola', '2026-12-28'
FROM appraisal a WHERE a.evaluation_period_id = $1 AND a.heads_unit AND a.state = 'OPEN'
"""
RATINGS = """
WITH rated AS (
  SELECT a.id, row_number() OVER (ORDER BY a.id)::int AS n, r.id AS unit_rating_id,
    CASE r.predicate WHEN 'OUTSTANDING' THEN 'ABOVE' WHEN 'GOOD' THEN 'MEETS' WHEN 'POOR'
      THEN 'BELOW' END AS of_unit
  FROM appraisal a LEFT JOIN unit_rating r ON a.heads_unit AND r.unit_id = a.unit_id
    AND r.evaluation_period_id = a.evaluation_period_id
  WHERE a.evaluation_period_id = $1 AND a.state = 'OPEN'
), chosen AS (
  SELECT id, n, unit_rating_id,
    coalesce(of_unit, (ARRAY['ABOVE', 'MEETS', 'BELOW'])[1 + n % 3]) AS work,
    (ARRAY['ABOVE', 'MEETS', 'BELOW'])[1 + n / 3 % 3] AS behaviour
  FROM rated
)
UPDATE appraisal a SET work_rating = c.work, work_reason = 'Sesuai bukti',
  behaviour_rating = c.behaviour, behaviour_reason = 'Sesuai umpan balik',
  unit_rating_id = c.unit_rating_id, rated_by = 'atasan', rated_at = '2026-12-28 03:00Z',
  version = 2, state = (ARRAY['ACCEPTED', 'ACCEPTED', 'RATED', 'DECIDED'])[1 + c.n % 4],
  predicate = CASE
    WHEN c.work = 'BELOW' AND c.behaviour = 'BELOW' THEN 'VERY_POOR'
    WHEN c.work = 'BELOW' THEN 'NEEDS_IMPROVEMENT' WHEN c.behaviour = 'BELOW' THEN 'POOR'
    WHEN c.work = 'ABOVE' AND c.behaviour = 'ABOVE' THEN 'EXCELLENT' ELSE 'GOOD' END
FROM chosen c WHERE c.id = a.id
"""
LINES = """
INSERT INTO appraisal_line (id, appraisal_id, target_id, behaviour, rating, reason)
SELECT gen_random_uuid(), a.id, t.id, NULL, 'BELOW', 'Terlambat' FROM appraisal a
JOIN target t ON t.plan_id = a.plan_id AND t.position = 1
WHERE a.evaluation_period_id = $1 AND a.work_rating = 'BELOW'
UNION ALL
SELECT gen_random_uuid(), a.id, NULL, 'LOYAL', 'ABOVE', NULL FROM appraisal a
WHERE a.evaluation_period_id = $1
"""
OBJECTIONS = """
INSERT INTO appraisal_event (id, appraisal_id, kind, actor, at, version, comment, changes)
SELECT k.id, a.id, k.kind, k.kind, '2026-12-29', 2, k.comment, '{}' FROM appraisal a
CROSS JOIN LATERAL (VALUES (('01900000-001c' || substr(a.id::text, 14))::uuid,
    'OBJECTED', 'Belum dihitung'),
  (('01900000-001d' || substr(a.id::text, 14))::uuid, 'UPHELD', 'Sudah dihitung'))
  k (id, kind, comment)
WHERE a.evaluation_period_id = $1 AND a.state = 'DECIDED'
"""

# Pay, so that a month's allowance follows for everybody.
CAREERS = """
INSERT INTO career (id, employee_id, starts_on, employment, allowance_base, set_by, set_at)
SELECT gen_random_uuid(), e.id, '2026-01-01', 'PNS', 4000000, 'pengelola', '2026-01-01'
FROM employee e
"""
