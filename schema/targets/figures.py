"""What the rules of achievement ask of a target, as SQL that answers it as JSON.

Read by the read path beside its fields, and by the roll-up before it moves a weighted edge, so
that both compute from the same. `{t}` is the alias of the target's row.
"""

# An indicator as `rules.Measured` takes it; `i$` is its row.
MEASURED = """SELECT i$.polarity, i$.planned::text, i$.minimum::text, i$.maximum::text,
  i$.baseline::text, i$.realized::text"""
POINTS = """, (SELECT coalesce(json_agg(json_build_object('day', n$.day,
    'planned', n$.planned::text) ORDER BY n$.day), '[]')
  FROM trajectory_point n$ WHERE n$.indicator_id = i$.id) AS points"""

OWN_INDICATORS = """FROM indicator i$ WHERE i$.target_id = {t}.id AND {t}.kind <> 'STAGED'
  ORDER BY i$.position"""

STAGES = """(SELECT coalesce(json_agg(json_build_object('weight', s$.weight::text,
  'completed_on', s$.completed_on) ORDER BY s$.position), '[]')
  FROM stage s$ WHERE s$.target_id = {t}.id AND {t}.kind = 'STAGED')"""

CHILDREN = """(SELECT coalesce(json_agg(json_build_object('weight', e$.weight::text,
  'achieved', e$.achieved::text) ORDER BY e$.id), '[]')
  FROM target_edge e$ WHERE e$.parent_id = {t}.id AND e$.kind = 'WEIGHTED')"""

# The policy that holds on the first day of the target's period: known before it begins.
POLICY = """(SELECT json_build_object('achievement_cap', y$.achievement_cap::text,
    'missing_counts_as_zero', y$.missing_counts_as_zero,
    'on_track_share', y$.on_track_share::text)
  FROM agency_policy y$
  WHERE y$.agency_id = {t}.agency_id
    AND y$.starts_on <= (SELECT d$.starts_on FROM period d$ WHERE d$.id = {t}.period_id)
  ORDER BY y$.starts_on DESC, y$.id DESC LIMIT 1)"""


def measured(indicators: str, more: str = "") -> str:
    """Indicators as JSON; `indicators` is their FROM under the alias `i$`."""
    return f"""(SELECT coalesce(json_agg(row_to_json(f$)), '[]')
      FROM ({MEASURED}{more} {indicators}) f$)"""


def of(target: str, sql: str) -> str:
    """One of the texts above, for the alias of a target's row."""
    return sql.replace("{t}", target)


def facts(target: str) -> dict[str, str]:
    """What `rules.achieved` asks of a target, by the names of its parameters."""
    return {
        "indicators": of(target, measured(OWN_INDICATORS)),
        "stages": of(target, STAGES),
        "children": of(target, CHILDREN),
        "policy": of(target, POLICY),
    }
