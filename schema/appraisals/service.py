"""Use cases of appraisals: open them."""

from datetime import datetime
from uuid import UUID

from schema.access import Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.plans.models import EvaluationPeriod
from schema.tables import transaction
from schema.values import uuid7

# Plans that were agreed, whose days meet the evaluation's, and that have no appraisal in it yet.
MISSING = """
SELECT p.id FROM performance_plan p JOIN evaluation_period v ON v.period_id = p.period_id
WHERE v.id = $1 AND p.state IN ('APPROVED', 'CLOSED')
  AND p.starts_on <= v.ends_on AND p.ends_on >= v.starts_on
  AND NOT EXISTS (SELECT FROM appraisal a WHERE a.plan_id = p.id AND a.evaluation_period_id = v.id)
ORDER BY p.id
"""
OPEN = """
WITH opened AS (
  INSERT INTO appraisal (id, agency_id, employee_id, plan_id, evaluation_period_id, unit_id,
    appraiser_id, heads_unit, starts_on, ends_on, state, version)
  SELECT k.id, d.agency_id, p.employee_id, p.id, v.id, s.unit_id, s.appraiser_id, s.heads_unit,
    greatest(p.starts_on, v.starts_on), least(p.ends_on, v.ends_on), 'OPEN', 1
  FROM unnest($2::uuid[], $3::uuid[]) k (id, plan_id)
  JOIN performance_plan p ON p.id = k.plan_id JOIN assignment s ON s.id = p.assignment_id
  JOIN evaluation_period v ON v.id = $1 JOIN period d ON d.id = v.period_id
  ON CONFLICT (plan_id, evaluation_period_id) DO NOTHING RETURNING id
)
INSERT INTO appraisal_event (id, appraisal_id, kind, actor, at, version, changes)
SELECT k.event_id, o.id, 'OPENED', $5, $6, 1, '{}'
FROM opened o JOIN unnest($2::uuid[], $4::uuid[]) k (id, event_id) ON k.id = o.id
RETURNING id
"""


async def open_appraisals(scope: Scope, evaluation_period_id: UUID, now: datetime) -> int:
    """An appraisal for each agreed plan of an evaluation period that has none; how many.

    Raises:
        NotFound: no such period, or not of an agency that the viewer sees as a whole.
        DomainError: the viewer does not administer the agency.
    """
    async with transaction() as connection:
        evaluation = await EvaluationPeriod.get_or_none(
            id=evaluation_period_id, using_db=connection
        ).prefetch_related("period")
        if evaluation is None:
            raise NotFound("Evaluation period")
        if not can_administer(scope, evaluation.period.agency_id):
            raise DomainError(ErrorCode.NOT_ALLOWED, needed="ADMINISTRATOR")
        found = await connection.execute_query_dict(MISSING, [evaluation.id])
        plans = [row["id"] for row in found]
        keys, events = [uuid7() for _ in plans], [uuid7() for _ in plans]
        values = [evaluation.id, keys, plans, events, scope.subject, now]
        return len(await connection.execute_query_dict(OPEN, values)) if plans else 0
