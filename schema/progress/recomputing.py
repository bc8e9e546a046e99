"""Figures worked out from nothing, to show where what is kept beside the records differs.

Indicators, stages and days are moved with each confirmation (`targets/cascading.py`,
`daily_logs.py`). This reads every record again and adds nothing up from what is kept.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from tortoise import Tortoise

from schema.tables import WRITER, dicts_of
from schema.targets.rolling import roll_anew
from schema.values import plain

INDICATORS = """
WITH RECURSIVE own AS (
  SELECT i.id, i.contributes_to_id, count(r.id)::int AS records,
    CASE i.accumulation
      WHEN 'SUM' THEN sum(r.quantity)
      ELSE (array_agg(r.quantity ORDER BY r.ends_at DESC, r.id DESC))[1]
    END AS amount
  FROM indicator i LEFT JOIN progress_record r ON r.indicator_id = i.id AND r.state = 'CONFIRMED'
  GROUP BY i.id
), flow AS (
  SELECT id, contributes_to_id, records, amount FROM own
  UNION ALL
  SELECT i.id, i.contributes_to_id, flow.records, flow.amount
  FROM flow JOIN indicator i ON i.id = flow.contributes_to_id
), whole AS (
  SELECT id, sum(records)::int AS records, sum(amount) AS amount FROM flow GROUP BY id
)
SELECT t.code || ' ' || i.title AS name,
  json_build_array(i.own, i.own_records, i.realized, i.contributing)::text AS kept,
  json_build_array(own.amount, own.records, whole.amount, whole.records)::text AS recomputed,
  (i.own, i.own_records, i.realized, i.contributing)
    IS DISTINCT FROM (own.amount, own.records, whole.amount, whole.records) AS differs
FROM indicator i JOIN own USING (id) JOIN whole USING (id) JOIN target t ON t.id = i.target_id
ORDER BY t.code, i.position
"""

STAGES = """
SELECT t.code || ' ' || s.title AS name, s.completed_on::text AS kept, d.day::text AS recomputed,
  s.completed_on IS DISTINCT FROM d.day AS differs
FROM stage s JOIN target t ON t.id = s.target_id
CROSS JOIN LATERAL (
  SELECT min(r.day) AS day FROM progress_record r WHERE r.stage_id = s.id AND r.state = 'CONFIRMED'
) d
ORDER BY t.code, s.position
"""

# A day without a row is one without records; a row without records has nothing in it.
DAYS = """
SELECT coalesce(l.employee_id, r.employee_id) || ' ' || coalesce(l.day, r.day) AS name,
  json_build_array(l.recorded_minutes, l.pending_minutes, l.pending_count)::text AS kept,
  json_build_array(r.recorded, r.pending, r.waiting)::text AS recomputed,
  (coalesce(l.recorded_minutes, 0), coalesce(l.pending_minutes, 0), coalesce(l.pending_count, 0))
    IS DISTINCT FROM (coalesce(r.recorded, 0), coalesce(r.pending, 0), coalesce(r.waiting, 0))
    AS differs
FROM daily_log l FULL JOIN (
  SELECT employee_id, day,
    coalesce(sum(minutes) FILTER (WHERE state = 'CONFIRMED'), 0) AS recorded,
    coalesce(sum(minutes) FILTER (WHERE state = 'PENDING'), 0) AS pending,
    count(*) FILTER (WHERE state = 'PENDING') AS waiting
  FROM progress_record GROUP BY employee_id, day
) r ON r.employee_id = l.employee_id AND r.day = l.day
"""

NAMES = """
SELECT e.id::text, p.code || ' <- ' || c.code AS name FROM target_edge e
JOIN target p ON p.id = e.parent_id JOIN target c ON c.id = e.child_id
WHERE e.id = ANY ($1::uuid[])
"""

KINDS = {"indicators": INDICATORS, "stages": STAGES, "days": DAYS}


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure that is not what its records make; both sides as text."""

    name: str
    kept: str | None
    recomputed: str | None


@dataclass(frozen=True, slots=True)
class Recomputed:
    """One kind of figures: how many were compared, and those that differ."""

    kind: str
    compared: int
    differences: list[Difference]


async def recompute() -> AsyncIterator[Recomputed]:
    """Every kind in turn, each in one statement and so as of one instant."""
    for kind, statement in KINDS.items():
        rows = await dicts_of(
            f"SELECT count(*) AS compared, json_agg(f) FILTER (WHERE f.differs) AS differing "  # noqa: S608
            f"FROM ({statement}) f",
            [],
        )
        found = json.loads(rows[0]["differing"] or "[]")
        differences = [Difference(row["name"], row["kept"], row["recomputed"]) for row in found]
        yield Recomputed(kind, rows[0]["compared"], differences)
    yield await _weights()


async def _weights() -> Recomputed:
    """Weighted edges: what each keeps of its child's achievement."""
    edges = await roll_anew(Tortoise.get_connection(WRITER))
    differing = {edge: both for edge, both in edges.items() if both[0] != both[1]}
    rows = await dicts_of(NAMES, [list(differing)])
    names = {UUID(row["id"]): row["name"] for row in rows}
    differences = [
        Difference(names[edge], _text(kept), _text(fresh))
        for edge, (kept, fresh) in differing.items()
    ]
    return Recomputed("weighted edges", len(edges), differences)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)
