"""SQL of forms and tables: each answers JSON, and is run as the reader of `reading.py`."""


def _rank(person: str, day: str) -> str:
    return f"""(SELECT c.rank FROM career c WHERE c.employee_id = {person} AND c.starts_on <= {day}
      ORDER BY c.starts_on DESC, c.set_at DESC, c.id DESC LIMIT 1)"""


POSITION = (
    "CASE {0}.kind WHEN 'PLT' THEN 'Plt. ' WHEN 'PLH' THEN 'Plh. ' ELSE '' END || {0}.position"
)


def _party(person: str, post: str, unit: str, day: str) -> str:
    return f"""json_build_object('name', {person}.name, 'nip', {person}.nip,
      'rank', {_rank(f"{person}.id", day)}, 'position', {POSITION.format(post)},
      'unit', {unit}.name)"""


def _post_of_superior(day: str) -> str:
    """The superior's post of that day, the definitive one first."""
    return f"""LEFT JOIN LATERAL (SELECT x.* FROM assignment x WHERE x.employee_id = s.id
      AND x.starts_on <= {day} AND (x.ends_on IS NULL OR x.ends_on > {day})
      ORDER BY x.kind, x.starts_on DESC, x.id DESC LIMIT 1) sp ON true
    LEFT JOIN unit su ON su.id = sp.unit_id"""


def _head(day: str) -> str:
    return f"""'agency', g.name,
    'heads_unit', coalesce(a.heads_unit, false),
    'employee', {_party("e", "a", "u", day)}, 'appraiser', {_party("s", "sp", "su", day)},
    'approach', p.approach, 'set_on', (SELECT (max(v.at) AT TIME ZONE e.timezone)::date
      FROM plan_event v WHERE v.plan_id = p.id AND v.kind = 'APPROVED')"""


# The title of the superior's result comes from the red thread, which whoever sees a result may see.
PLAN = f"""
SELECT json_build_object(
  'head', json_build_object('id', p.id, 'starts_on', p.starts_on, 'ends_on', p.ends_on,
    {_head("p.ends_on")}),
  'results', (SELECT coalesce(json_agg(json_build_object('id', t.id, 'title', t.title,
      'category', t.category, 'perspective', t.perspective, 'assigned_by', t.assigned_by,
      'serves', (SELECT r.title FROM red_thread(t.id) r WHERE r.distance = 1),
      'indicators', (SELECT coalesce(json_agg(json_build_object('title', i.title,
          'aspect', i.aspect, 'unit_of_measure', i.unit_of_measure, 'polarity', i.polarity,
          'planned', i.planned, 'minimum', i.minimum, 'maximum', i.maximum)
          ORDER BY i.position), '[]') FROM indicator i WHERE i.target_id = t.id),
      'stages', (SELECT json_agg(json_build_object('title', n.title, 'weight', n.weight)
          ORDER BY n.position) FROM stage n WHERE n.target_id = t.id)
      ) ORDER BY t.position, t.code), '[]') FROM target t WHERE t.plan_id = p.id),
  'behaviours', (SELECT coalesce(json_agg(json_build_object('behaviour', b.behaviour,
      'expectation', b.expectation)), '[]') FROM behaviour_expectation b WHERE b.plan_id = p.id),
  'attachments', (SELECT coalesce(json_agg(json_build_object('kind', m.kind, 'text', m.text)
      ORDER BY m.kind, m.position), '[]') FROM plan_attachment m WHERE m.plan_id = p.id)
)::text
FROM performance_plan p JOIN employee e ON e.id = p.employee_id
JOIN assignment a ON a.id = p.assignment_id
JOIN unit u ON u.id = a.unit_id JOIN agency g ON g.id = u.agency_id
LEFT JOIN employee s ON s.id = a.appraiser_id
{_post_of_superior("p.ends_on")}
WHERE p.id = $1
"""

# Who appraised somebody that has moved on sees the appraisal and no longer the plan or the post.
EVALUATION = f"""
SELECT json_build_object(
  'head', json_build_object('id', o.id, 'starts_on', o.starts_on, 'ends_on', o.ends_on,
    {_head("o.ends_on")}),
  'judgement', json_build_object('id', o.id, 'state', o.state, 'kind', v.kind,
    'number', v.number, 'starts_on', o.starts_on, 'ends_on', o.ends_on,
    'work_rating', o.work_rating, 'work_reason', o.work_reason,
    'behaviour_rating', o.behaviour_rating, 'behaviour_reason', o.behaviour_reason,
    'predicate', o.predicate,
    'unit_predicate', coalesce((SELECT r.predicate FROM unit_rating r
        WHERE r.id = o.unit_rating_id),
      (SELECT r.predicate FROM unit_rating r WHERE r.unit_id = o.unit_id
        AND r.evaluation_period_id = o.evaluation_period_id ORDER BY r.version DESC LIMIT 1)),
    'signed_on', (o.signed_at AT TIME ZONE e.timezone)::date, 'digest', z.digest,
    'lines', (SELECT coalesce(json_agg(json_build_object('rating', l.rating,
        'target_id', l.target_id, 'behaviour', l.behaviour, 'reason', l.reason)), '[]')
      FROM appraisal_line l WHERE l.appraisal_id = o.id),
    'feedback', (SELECT coalesce(json_agg(json_build_object('text', f.text,
        'target_id', f.target_id, 'behaviour', f.behaviour) ORDER BY f.at, f.id), '[]')
      FROM feedback f WHERE f.plan_id = o.plan_id
        AND (f.at AT TIME ZONE e.timezone)::date BETWEEN o.starts_on AND o.ends_on)),
  'document', z.document)::text
FROM appraisal o JOIN employee e ON e.id = o.employee_id
JOIN evaluation_period v ON v.id = o.evaluation_period_id
LEFT JOIN appraisal_seal z ON z.appraisal_id = o.id AND o.state = 'SIGNED'
LEFT JOIN performance_plan p ON p.id = o.plan_id
LEFT JOIN unit u ON u.id = o.unit_id LEFT JOIN agency g ON g.id = o.agency_id
LEFT JOIN LATERAL (SELECT x.* FROM assignment x WHERE x.employee_id = o.employee_id
    AND x.unit_id = o.unit_id AND x.starts_on <= o.ends_on
    AND (p.assignment_id IS NULL OR x.id = p.assignment_id)
  ORDER BY x.starts_on DESC, x.id DESC LIMIT 1) a ON true
LEFT JOIN employee s ON s.id = o.appraiser_id
{_post_of_superior("o.ends_on")}
WHERE o.id = $1
"""

GROUNDS = "SELECT appraisal_evidence($1)::text"

# Both of one agency, and the agency one that the viewer belongs to or watches.
TABLE_HEAD = """
SELECT json_build_object('agency', g.name, 'unit', u.name, 'code', u.code, 'kind', v.kind,
  'number', v.number, 'starts_on', v.starts_on, 'ends_on', v.ends_on,
  'with_pay', g.id = ANY ($3::uuid[]))::text
FROM unit u JOIN agency g ON g.id = u.agency_id
JOIN period d ON d.agency_id = g.id JOIN evaluation_period v ON v.period_id = d.id
WHERE u.id = $1 AND v.id = $2
"""

# A month counts for the plan that holds on its first day, and for definitive posts only.
PAY = """(SELECT sum(c.amount) FROM consequence c
    WHERE c.employee_id = o.employee_id AND c.kind = 'ALLOWANCE' AND c.superseded_at IS NULL
      AND c.month BETWEEN o.starts_on AND o.ends_on AND x.kind = 'DEFINITIVE')"""


def table(*, with_pay: bool) -> str:
    """The appraisals of a unit ($1) and below in an evaluation period ($2), as of its last day
    ($3), a row of JSON each, by unit, name and NIP."""
    pay = f", 'allowance', {PAY}" if with_pay else ""
    return f"""
SELECT json_build_object('nip', e.nip, 'name', e.name, 'position', {POSITION.format("x")},
  'unit', u.name, 'starts_on', o.starts_on, 'ends_on', o.ends_on, 'state', o.state,
  'work_rating', o.work_rating, 'behaviour_rating', o.behaviour_rating,
  'predicate', o.predicate, 'document', z.document,
  'grounds', CASE WHEN z.id IS NULL THEN appraisal_evidence(o.id) END{pay})::text
FROM appraisal o JOIN employee e ON e.id = o.employee_id JOIN unit u ON u.id = o.unit_id
LEFT JOIN performance_plan p ON p.id = o.plan_id
LEFT JOIN assignment x ON x.id = p.assignment_id
LEFT JOIN appraisal_seal z ON z.appraisal_id = o.id AND o.state = 'SIGNED'
WHERE o.evaluation_period_id = $2
  AND o.unit_id = ANY (ARRAY(SELECT units_on(ARRAY[$1::uuid], $3::date)))
ORDER BY u.code, e.name COLLATE "C", e.nip, o.starts_on
"""


# Which papers there are of a unit ($1) and below: plans of a planning period ($2) by their posts,
# appraisals of an evaluation period ($2) by the tree of its last day ($3).
PLANS_OF = """
SELECT coalesce(json_agg(p.id ORDER BY p.id), '[]')::text
FROM performance_plan p JOIN assignment a ON a.id = p.assignment_id
WHERE p.period_id = $2 AND a.unit_id = ANY (ARRAY(SELECT units_on(ARRAY[$1::uuid], p.ends_on)))
"""
EVALUATIONS_OF = """
SELECT coalesce(json_agg(o.id ORDER BY o.id), '[]')::text
FROM appraisal o WHERE o.evaluation_period_id = $2
  AND o.unit_id = ANY (ARRAY(SELECT units_on(ARRAY[$1::uuid], $3::date)))
"""
