"""How confirmed records move the figures of a target and of all that it contributes to.

An indicator's number flows into at most one other indicator (`contributes_to`), so the flow
is a forest and nothing is counted twice. Call `move` last before commit: it locks.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.targets.rolling import roll

# Two transactions that each set a leaf and then read its parent would lose one of both. So all
# that will change is locked first, in the order of keys (no two can wait for each other), and
# only the next statement reads. NO KEY UPDATE leaves the foreign keys of new records alone.
LOCK_INDICATORS = """
WITH RECURSIVE up (id) AS (
  SELECT unnest($1::uuid[])
  UNION
  SELECT i.contributes_to_id FROM indicator i JOIN up ON i.id = up.id
  WHERE i.contributes_to_id IS NOT NULL
)
SELECT i.id FROM indicator i JOIN up ON up.id = i.id ORDER BY i.id FOR NO KEY UPDATE OF i
"""

# The leaf's own figure is read anew from its records; what it changed by is added to every
# indicator above. A sum of what was added equals a recomputation, since numeric is exact.
MOVE_INDICATORS = """
WITH RECURSIVE fresh AS (
  SELECT i.id, count(r.id)::int AS records,
    CASE i.accumulation
      WHEN 'SUM' THEN sum(r.quantity)
      ELSE (array_agg(r.quantity ORDER BY r.ends_at DESC, r.id DESC))[1]
    END AS own
  FROM indicator i
  LEFT JOIN progress_record r ON r.indicator_id = i.id AND r.state = 'CONFIRMED'
  WHERE i.id = ANY ($1::uuid[])
  GROUP BY i.id
), flow AS (
  SELECT i.id, i.contributes_to_id, fresh.records - i.own_records AS records,
    coalesce(fresh.own, 0) - coalesce(i.own, 0) AS amount
  FROM fresh JOIN indicator i ON i.id = fresh.id
  UNION ALL
  SELECT i.id, i.contributes_to_id, flow.records, flow.amount
  FROM flow JOIN indicator i ON i.id = flow.contributes_to_id
), change AS (
  SELECT id, sum(records)::int AS records, sum(amount) AS amount FROM flow GROUP BY id
)
UPDATE indicator i SET
  own = CASE WHEN fresh.id IS NULL THEN i.own ELSE fresh.own END,
  own_records = coalesce(fresh.records, i.own_records),
  contributing = i.contributing + change.records,
  realized = CASE WHEN i.contributing + change.records > 0
    THEN coalesce(i.realized, 0) + change.amount END,
  realized_at = $2
FROM change LEFT JOIN fresh ON fresh.id = change.id
WHERE i.id = change.id
RETURNING i.target_id
"""

LOCK_STAGES = "SELECT id FROM stage WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"

MOVE_STAGES = """
WITH done AS (
  SELECT s.id, min(r.day) AS day FROM stage s
  LEFT JOIN progress_record r ON r.stage_id = s.id AND r.state = 'CONFIRMED'
  WHERE s.id = ANY ($1::uuid[]) GROUP BY s.id
)
UPDATE stage s SET completed_on = done.day FROM done
WHERE s.id = done.id AND s.completed_on IS DISTINCT FROM done.day
RETURNING s.target_id
"""


async def move(
    connection: BaseDBAsyncClient,
    *,
    indicators: Collection[UUID],
    stages: Collection[UUID],
    now: datetime,
) -> frozenset[UUID]:
    """Bring figures up to date after records of these indicators and stages changed.

    Returns the targets whose figures were touched: their own, every direct ancestor, and what
    these count in with a weight.
    """
    moved: set[UUID] = set()
    if indicators:
        leaves = sorted(indicators)
        await connection.execute_query_dict(LOCK_INDICATORS, [leaves])
        rows = await connection.execute_query_dict(MOVE_INDICATORS, [leaves, now])
        moved.update(row["target_id"] for row in rows)
    if stages:
        ended = sorted(stages)
        await connection.execute_query_dict(LOCK_STAGES, [ended])
        rows = await connection.execute_query_dict(MOVE_STAGES, [ended])
        moved.update(row["target_id"] for row in rows)
    return frozenset(moved | await roll(connection, moved)) if moved else frozenset()
