"""One employee's one day, kept in the transaction of every write to their records."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.progress.rules import Span
from schema.values import uuid7

# Every write to a person's records takes this lock first, so that two of them never look for
# overlaps at once. Locks are always taken in this order: employee, then figures of targets.
LOCK_EMPLOYEE = "SELECT id FROM employee WHERE id = $1 FOR NO KEY UPDATE"
LOCK_EMPLOYEES = "SELECT id FROM employee WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"

REFRESH = """
INSERT INTO daily_log AS l (id, employee_id, day, required_minutes, recorded_minutes,
  pending_minutes, pending_count, last_activity_at)
SELECT v.id, v.employee_id, v.day, required_minutes(v.employee_id, v.day),
  coalesce(sum(minutes) FILTER (WHERE state = 'CONFIRMED'), 0),
  coalesce(sum(minutes) FILTER (WHERE state = 'PENDING'), 0),
  count(*) FILTER (WHERE state = 'PENDING'),
  max(ends_at) FILTER (WHERE state IN ('CONFIRMED', 'PENDING'))
FROM unnest($1::uuid[], $2::uuid[], $3::date[]) v (id, employee_id, day)
LEFT JOIN progress_record r ON r.employee_id = v.employee_id AND r.day = v.day
GROUP BY v.id, v.employee_id, v.day
ON CONFLICT (employee_id, day) DO UPDATE SET
  required_minutes = excluded.required_minutes,
  recorded_minutes = excluded.recorded_minutes,
  pending_minutes = excluded.pending_minutes,
  pending_count = excluded.pending_count,
  last_activity_at = excluded.last_activity_at
"""

# A day that is written already asks for what it asks: that is kept up as weeks and posts change.
ADD = """
INSERT INTO daily_log AS l (id, employee_id, day, required_minutes, pending_minutes,
  recorded_minutes, pending_count, last_activity_at)
SELECT n.id, n.employee_id, n.day,
  coalesce(k.required_minutes, required_minutes(n.employee_id, n.day)), n.minutes, 0, n.count,
  n.last
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[], $5::int[], $6::timestamptz[])
  AS n (id, employee_id, day, minutes, count, last)
LEFT JOIN daily_log k ON k.employee_id = n.employee_id AND k.day = n.day
ON CONFLICT (employee_id, day) DO UPDATE SET
  pending_minutes = l.pending_minutes + excluded.pending_minutes,
  pending_count = l.pending_count + excluded.pending_count,
  last_activity_at = greatest(l.last_activity_at, excluded.last_activity_at)
"""


async def lock_employee(connection: BaseDBAsyncClient, employee_id: UUID) -> None:
    """Let the caller's transaction be the only one that writes this employee's records."""
    await connection.execute_query_dict(LOCK_EMPLOYEE, [employee_id])


async def lock_employees(connection: BaseDBAsyncClient, employee_ids: Collection[UUID]) -> None:
    """The same for several, in the order of their keys: two who do so never wait crosswise."""
    await connection.execute_query_dict(LOCK_EMPLOYEES, [list(employee_ids)])


async def refresh(connection: BaseDBAsyncClient, employee_id: UUID, days: Iterable[date]) -> None:
    """Count the minutes of these days anew, and what they ask for."""
    await refresh_all(connection, [(employee_id, day) for day in days])


async def refresh_all(connection: BaseDBAsyncClient, days: Iterable[tuple[UUID, date]]) -> None:
    """The same for days of several employees, who are locked."""
    each = sorted(set(days))
    if each:
        keys = [uuid7() for _ in each]
        people, dates = [person for person, _ in each], [day for _, day in each]
        await connection.execute_query_dict(REFRESH, [keys, people, dates])


async def add_pending(connection: BaseDBAsyncClient, spans: Sequence[tuple[UUID, Span]]) -> None:
    """Count new pending records in their days; their employees are locked."""
    days: dict[tuple[UUID, date], tuple[int, int, datetime]] = {}
    for employee_id, span in spans:
        minutes, count, last = days.get((employee_id, span.day), (0, 0, span.ends_at))
        days[employee_id, span.day] = (
            minutes + span.minutes,
            count + 1,
            max(last, span.ends_at),
        )
    rows: list[tuple[Any, ...]] = [(uuid7(), *of, *counted) for of, counted in sorted(days.items())]
    if rows:
        await connection.execute_query_dict(ADD, [*map(list, zip(*rows, strict=True))])
