"""One employee's one day, kept in the transaction of every write to their records."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.values import uuid7

# Every write to a person's records takes this lock first, so that two of them never look for
# overlaps at once. Locks are always taken in this order: employee, then figures of targets.
LOCK_EMPLOYEE = "SELECT id FROM employee WHERE id = $1 FOR NO KEY UPDATE"

REFRESH = """
INSERT INTO daily_log AS l (id, employee_id, day, required_minutes, recorded_minutes,
  pending_minutes, pending_count, last_activity_at)
SELECT v.id, $2, v.day, required_minutes($2, v.day),
  coalesce(sum(minutes) FILTER (WHERE state = 'CONFIRMED'), 0),
  coalesce(sum(minutes) FILTER (WHERE state = 'PENDING'), 0),
  count(*) FILTER (WHERE state = 'PENDING'),
  max(ends_at) FILTER (WHERE state IN ('CONFIRMED', 'PENDING'))
FROM unnest($1::uuid[], $3::date[]) v (id, day)
LEFT JOIN progress_record r ON r.employee_id = $2 AND r.day = v.day
GROUP BY v.id, v.day
ON CONFLICT (employee_id, day) DO UPDATE SET
  required_minutes = excluded.required_minutes,
  recorded_minutes = excluded.recorded_minutes,
  pending_minutes = excluded.pending_minutes,
  pending_count = excluded.pending_count,
  last_activity_at = excluded.last_activity_at
"""


async def lock_employee(connection: BaseDBAsyncClient, employee_id: UUID) -> None:
    """Let the caller's transaction be the only one that writes this employee's records."""
    await connection.execute_query_dict(LOCK_EMPLOYEE, [employee_id])


async def refresh(connection: BaseDBAsyncClient, employee_id: UUID, days: Iterable[date]) -> None:
    """Count the minutes of these days anew, and what they ask for."""
    each = sorted(set(days))
    if each:
        keys = [uuid7() for _ in each]
        await connection.execute_query_dict(REFRESH, [keys, employee_id, each])
