"""What is locked before the lines of a plan change: so that no two who write wait for each other.

Always in this order, in which a confirmation locks too: people, the codes of the period, the plan,
and then what `lock_lines` does.
"""

from collections.abc import Collection
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.targets.rolling import ABOVE

# One at a time in a period: two plans would find the same code free.
CODES = "SELECT pg_advisory_xact_lock(hashtext('ekinerja codes'), hashtext($1::text))"
PLAN = "SELECT id FROM performance_plan WHERE id = $1 FOR NO KEY UPDATE"
# Each kind in the order of keys: the lines with what they serve, their indicators and stages, the
# weighted edges above and directly below.
TARGETS = "SELECT id FROM target WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
INDICATORS = """
SELECT id FROM indicator WHERE target_id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"""
STAGES = "SELECT id FROM stage WHERE target_id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
EDGES = f"""{ABOVE}
SELECT e.id FROM target_edge e
WHERE e.id IN (SELECT id FROM up) OR (e.parent_id = ANY ($2::uuid[]) AND e.kind = 'WEIGHTED')
ORDER BY e.id FOR NO KEY UPDATE"""  # noqa: S608


async def lock_codes(connection: BaseDBAsyncClient, period_id: UUID) -> None:
    """Let nobody else change lines of plans of a period until the transaction ends.

    Before the plan is locked: a superior and a subordinate who save at once would each have what
    the other one waits for.
    """
    await connection.execute_query_dict(CODES, [str(period_id)])


async def lock_plan(connection: BaseDBAsyncClient, plan_id: UUID) -> None:
    """Let nobody else change a plan until the transaction ends."""
    await connection.execute_query_dict(PLAN, [plan_id])


async def lock_lines(
    connection: BaseDBAsyncClient, lines: Collection[UUID], served: Collection[UUID]
) -> None:
    """Lock lines of a plan with all that hangs on them, and the targets that they serve."""
    of_lines, with_served = sorted(lines), sorted({*lines, *served})
    await connection.execute_query_dict(TARGETS, [with_served])
    await connection.execute_query_dict(INDICATORS, [of_lines])
    await connection.execute_query_dict(STAGES, [of_lines])
    await connection.execute_query_dict(EDGES, [with_served, of_lines])
