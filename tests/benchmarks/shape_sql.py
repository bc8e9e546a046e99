"""The statements that fill a database of a stated shape; rows follow from their numbers.

Numbers: unit u is 1 to U; employee e of unit u is (u - 1) * 20 + k, with k = 1 its head, 2 to 16
the head's reports, 17 to 20 the reports of k = 2. Target t: two a unit, then 58 personal ones a
unit. All work is in WIB (UTC+7).
"""

SESSION = """
SET synchronous_commit = off;
SET maintenance_work_mem = '512MB';
SET work_mem = '256MB';
SET timezone = 'UTC';
CREATE FUNCTION pg_temp.key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
  SELECT ('01900000-' || lpad(to_hex(kind), 4, '0') || '-7000-8000-'
          || lpad(to_hex(n), 12, '0'))::uuid
$$;
CREATE TEMP TABLE shape_unit (n int, level int, parent int);
CREATE TEMP TABLE shape_day (n int, day date);
CREATE TEMP TABLE shape_calendar (day date);
CREATE TEMP TABLE shape_active (e int);
"""

ORGANIZATION = (
    """
INSERT INTO agency (id, code, name, timezone)
VALUES (pg_temp.key(1, 1), 'bench', 'Badan Uji Kinerja', 'Asia/Jakarta')
""",
    """
INSERT INTO unit (id, agency_id, code, name, kind)
SELECT pg_temp.key(2, n), pg_temp.key(1, 1), 'u' || n,
  (ARRAY['Badan', 'Deputi', 'Direktorat', 'Subdirektorat', 'Seksi', 'Kelompok Kerja'])[level]
    || ' Layanan ' || n,
  'ESELON_' || level
FROM shape_unit
""",
    """
INSERT INTO unit_placement (id, unit_id, parent_id, starts_on)
SELECT pg_temp.key(3, n), pg_temp.key(2, n), pg_temp.key(2, parent), '2020-01-01' FROM shape_unit
""",
    """
INSERT INTO employee (id, agency_id, nip, name, timezone, superiors)
SELECT pg_temp.key(4, e), pg_temp.key(1, 1), '198001012005' || lpad(e::text, 6, '0'),
  (ARRAY['Adi', 'Bunga', 'Candra', 'Dewi', 'Eka', 'Fitri', 'Galih', 'Hana', 'Indra', 'Jati',
         'Kartika'])[1 + e % 11] || ' '
    || (ARRAY['Anggara', 'Basuki', 'Cahyono', 'Darmawan', 'Effendi', 'Firmansyah', 'Gunawan',
              'Hidayat', 'Irawan', 'Juwana', 'Kusuma', 'Lestari', 'Maulana'])[1 + e % 13]
    || ' ' || e,
  'Asia/Jakarta', '{}'
FROM (SELECT (u.n - 1) * 20 + k AS e FROM shape_unit u, generate_series(1, 20) k) n ORDER BY e
""",
    """
INSERT INTO assignment (id, employee_id, unit_id, appraiser_id, position, kind, heads_unit,
  starts_on)
SELECT pg_temp.key(5, (u.n - 1) * 20 + k), pg_temp.key(4, (u.n - 1) * 20 + k), pg_temp.key(2, u.n),
  pg_temp.key(4, CASE WHEN k = 1 THEN (u.parent - 1) * 20 + 1
                      WHEN k <= 16 THEN (u.n - 1) * 20 + 1
                      ELSE (u.n - 1) * 20 + 2 END),
  CASE WHEN k = 1 THEN 'Kepala' WHEN k = 2 THEN 'Ketua Tim' ELSE 'Analis Kebijakan' END,
  'DEFINITIVE', k = 1, '2020-01-01'
FROM shape_unit u, generate_series(1, 20) k ORDER BY u.n, k
""",
    """
INSERT INTO role_grant (id, agency_id, subject, role)
VALUES (pg_temp.key(6, 1), pg_temp.key(1, 1), 'bench-auditor', 'AUDITOR')
""",
    "SELECT refresh_reporting_lines(pg_temp.key(1, 1), '2026-10-30')",
)

# Of a personal target: slot s is 0 to 57 in its unit; the first 18 people have three, others two.
TARGETS = (
    """
INSERT INTO period (id, agency_id, code, starts_on, ends_on)
VALUES (pg_temp.key(7, 1), pg_temp.key(1, 1), '2026', '2026-01-01', '2026-12-31')
""",
    """
INSERT INTO performance_plan (id, period_id, employee_id, assignment_id, starts_on, ends_on,
  approach, state, version)
SELECT pg_temp.key(8, e), pg_temp.key(7, 1), pg_temp.key(4, e), pg_temp.key(5, e), '2026-01-01',
  '2026-12-31', 'QUANTITATIVE', 'APPROVED', 1
FROM (SELECT (u.n - 1) * 20 + k AS e FROM shape_unit u, generate_series(1, 20) k) n ORDER BY e
""",
    """
CREATE TEMP TABLE shape_target AS
SELECT (u.n - 1) * 2 + j + 1 AS t, u.n AS u, NULL::int AS k, j AS position,
  (u.parent - 1) * 2 + j + 1 AS parent
FROM shape_unit u, generate_series(0, 1) j
UNION ALL
SELECT 2 * (SELECT count(*) FROM shape_unit) + (u.n - 1) * 58 + s + 1, u.n,
  CASE WHEN s < 54 THEN s / 3 + 1 ELSE 19 + (s - 54) / 2 END,
  CASE WHEN s < 54 THEN s % 3 ELSE (s - 54) % 2 END,
  CASE WHEN s < 3 THEN (u.n - 1) * 2 + s % 2 + 1
       ELSE 2 * (SELECT count(*) FROM shape_unit) + (u.n - 1) * 58 + 1
         + CASE WHEN s < 48 THEN s % 3 ELSE 3 + s % 3 END END
FROM shape_unit u, generate_series(0, 57) s;
CREATE INDEX ON shape_target (u, k);
ANALYZE shape_target
""",
    """
INSERT INTO target (id, agency_id, period_id, code, position, title, kind, category,
  classification, owner_unit_id, owner_employee_id, plan_id)
SELECT pg_temp.key(9, t), pg_temp.key(1, 1), pg_temp.key(7, 1), 't' || t, position,
  (ARRAY['Tersusunnya rekomendasi kebijakan', 'Terlaksananya pendampingan instansi',
         'Tersedianya laporan pemantauan', 'Meningkatnya kepuasan layanan'])[1 + t % 4] || ' ' || t,
  'QUANTITATIVE', 'MAIN', CASE WHEN k IS NULL THEN 'ORGANIZATION' ELSE 'INDIVIDUAL' END,
  CASE WHEN k IS NULL THEN pg_temp.key(2, u) END,
  pg_temp.key(4, (u - 1) * 20 + k), pg_temp.key(8, (u - 1) * 20 + k)
FROM shape_target ORDER BY t
""",
    # The trigger against cycles plans its search while the table is empty, and keeps the plan.
    "SET enable_seqscan = off",
    """
INSERT INTO target_edge (id, parent_id, child_id, kind, "primary")
SELECT pg_temp.key(10, t), pg_temp.key(9, parent), pg_temp.key(9, t), 'DIRECT', true
FROM shape_target WHERE parent IS NOT NULL ORDER BY t
""",
    "RESET enable_seqscan",
    """
INSERT INTO indicator (id, target_id, position, aspect, title, unit_of_measure, polarity,
  accumulation, planned, contributes_to_id, own_records, contributing)
SELECT pg_temp.key(11, t), pg_temp.key(9, t), 0, 'QUANTITY', 'Jumlah dokumen', 'dokumen', 'RISING',
  'SUM', 12 * (1 + t % 5), pg_temp.key(11, parent), 0, 0
FROM shape_target ORDER BY t
""",
    """
INSERT INTO trajectory_point (id, indicator_id, day, planned)
SELECT pg_temp.key(12, t * 4 + q), pg_temp.key(11, t),
  (ARRAY['2026-03-31', '2026-06-30', '2026-09-30', '2026-12-31']::date[])[q + 1],
  3 * (q + 1) * (1 + t % 5)
FROM shape_target, generate_series(0, 3) q ORDER BY t, q
""",
)

# Two records on two days of three (240 + 210 min), one (300 min) on the third.
RECORDS = """
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, category, target_id, indicator_id, quantity, late, state, created_at, decided_at)
SELECT pg_temp.key(13, row_number() OVER (ORDER BY d.n, a.e, m)), pg_temp.key(1, 1),
  pg_temp.key(4, a.e), d.day, s.at, s.at + s.minutes * interval '1 minute', s.minutes,
  (ARRAY['Menyusun bahan rapat koordinasi', 'Menelaah usulan dari instansi',
         'Mendampingi pengisian instrumen', 'Menyunting laporan bulanan',
         'Memeriksa kelengkapan berkas'])[1 + (a.e + d.n + m) % 5] || ' ' || d.n,
  CASE WHEN m = 1 THEN 'Analisis' END,
  pg_temp.key(9, t.t), CASE WHEN m = 1 THEN pg_temp.key(11, t.t) END, CASE WHEN m = 1 THEN 1 END,
  false, 'CONFIRMED', s.at + interval '9 hours', s.at + interval '9 hours'
FROM shape_day d
CROSS JOIN shape_active a
CROSS JOIN LATERAL generate_series(1, CASE WHEN d.n % 3 = 2 THEN 1 ELSE 2 END) m
CROSS JOIN LATERAL (
  SELECT d.day + CASE WHEN m = 1 THEN time '01:00' ELSE time '06:00' END AT TIME ZONE 'UTC' AS at,
    CASE WHEN m = 2 THEN 210 WHEN d.n % 3 = 2 THEN 300 ELSE 240 END AS minutes
) s
JOIN shape_target t ON t.u = (a.e - 1) / 20 + 1 AND t.k = (a.e - 1) % 20 + 1
  AND t.position = CASE WHEN (a.e - 1) % 20 < 18 THEN d.n % 3 ELSE d.n % 2 END
ORDER BY d.n, a.e, m
"""

# The third person of each active unit has forty pending records, ten minutes each.
INBOX = (
    """
CREATE TEMP TABLE shape_pending AS
SELECT row_number() OVER (ORDER BY i, a.e) AS n, a.e, i,
  timestamptz '2026-11-02 01:00Z' + i * interval '10 minutes' AS at
FROM shape_active a, generate_series(0, 39) i WHERE (a.e - 1) % 20 = 2
""",
    """
INSERT INTO installation (id, agency_id, plugin, title, enabled, settings, poll_seconds,
  next_poll_at, failures, paused, breaker, secret_names, webhook_secrets)
VALUES (pg_temp.key(14, 1), pg_temp.key(1, 1), 'letters', 'Persuratan', false, '{}', 60,
  '2026-11-02 00:00Z', 0, false, 'CLOSED', '{}', 0)
""",
    """
INSERT INTO inbox_item (id, installation_id, source_id, kind, body, body_hash, received_at,
  processed_at, attempts)
SELECT pg_temp.key(15, n), pg_temp.key(14, 1), 'surat-' || n, 'ITEM', '{}', repeat('0', 64), at,
  at, 0
FROM shape_pending ORDER BY n
""",
    """
INSERT INTO activity (id, installation_id, inbox_item_id, source_id, employee_id, kind, title,
  occurred_at, ended_at, received_at)
SELECT pg_temp.key(16, n), pg_temp.key(14, 1), pg_temp.key(15, n), 'surat-' || n,
  pg_temp.key(4, e), 'letter.drafted', 'Konsep surat ' || n, at, at + interval '10 minutes', at
FROM shape_pending ORDER BY n
""",
    """
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, category, activity_id, suggested_target_id, suggestion_score, suggestion_reason,
  suggestion_origin, late, state, created_at)
SELECT pg_temp.key(13, x'100000000'::bigint + p.n), pg_temp.key(1, 1), pg_temp.key(4, p.e),
  '2026-11-02', p.at, p.at + interval '10 minutes', 10, 'Konsep surat ' || p.n, 'Persuratan',
  pg_temp.key(16, p.n), pg_temp.key(9, t.t), 0.75, 'kebijakan', 'TEXT', false, 'PENDING', p.at
FROM shape_pending p
JOIN shape_target t ON t.u = (p.e - 1) / 20 + 1 AND t.k = 3 AND t.position = p.i % 3
ORDER BY p.n
""",
)

# A row for every day from the first to the last, free ones too, and for the day of the inbox.
DAILY_LOGS = """
INSERT INTO daily_log (id, employee_id, day, required_minutes, recorded_minutes, pending_minutes,
  pending_count, last_activity_at)
SELECT pg_temp.key(17, row_number() OVER (ORDER BY c.day, a.e)), pg_temp.key(4, a.e), c.day,
  CASE WHEN extract(isodow FROM c.day) < 6 THEN 450 ELSE 0 END,
  coalesce(r.recorded, 0), coalesce(r.pending, 0), coalesce(r.waiting, 0), r.latest
FROM (SELECT day FROM shape_calendar UNION SELECT '2026-11-02') c
CROSS JOIN shape_active a
LEFT JOIN (
  SELECT employee_id, day, sum(minutes) FILTER (WHERE state = 'CONFIRMED') AS recorded,
    sum(minutes) FILTER (WHERE state = 'PENDING') AS pending,
    count(*) FILTER (WHERE state = 'PENDING') AS waiting, max(ends_at) AS latest
  FROM progress_record GROUP BY 1, 2
) r ON r.employee_id = pg_temp.key(4, a.e) AND r.day = c.day
ORDER BY c.day, a.e
"""

# What the services keep with each write: an indicator's own number, and with what flows in.
FIGURES = """
WITH RECURSIVE own AS MATERIALIZED (
  SELECT indicator_id AS id, sum(quantity) AS quantity, count(*) AS records,
    max(decided_at) AS latest
  FROM progress_record WHERE indicator_id IS NOT NULL AND state = 'CONFIRMED' GROUP BY 1
), flow AS (
  SELECT i.id, i.contributes_to_id, own.quantity, own.records, own.latest
  FROM own JOIN indicator i ON i.id = own.id
  UNION ALL
  SELECT up.id, up.contributes_to_id, flow.quantity, flow.records, flow.latest
  FROM flow JOIN indicator up ON up.id = flow.contributes_to_id
), whole AS (
  SELECT id, sum(quantity) AS quantity, sum(records) AS records, max(latest) AS latest
  FROM flow GROUP BY 1
)
UPDATE indicator i SET own = own.quantity, own_records = coalesce(own.records, 0),
  realized = whole.quantity, contributing = whole.records, realized_at = whole.latest
FROM whole LEFT JOIN own ON own.id = whole.id WHERE i.id = whole.id
"""
