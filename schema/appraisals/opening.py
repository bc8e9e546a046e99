"""Opening of appraisals: what each is of, taken from the plan, its post and the evaluation period.

Set-based: so many statements for one as for an agency. Until an appraisal is rated, its days, unit
and appraiser follow the plan and the post; its days follow until it is signed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.models import Appraisal, AppraisalState
from schema.plans.models import PlanState
from schema.values import uuid7

BATCH = 5_000
"""Appraisals that one statement opens: well within what a statement may take."""
LOCK_OPENING = "SELECT pg_advisory_xact_lock(hashtext('ekinerja appraisals'), hashtext($1::text))"
FACTS = """
SELECT p.id AS plan_id, v.id AS evaluation_period_id, d.agency_id, p.employee_id,
  p.state AS plan_state, p.starts_on AS plan_starts_on, p.ends_on AS plan_ends_on,
  s.unit_id, s.appraiser_id, s.heads_unit,
  greatest(p.starts_on, v.starts_on) AS starts_on, least(p.ends_on, v.ends_on) AS ends_on
FROM performance_plan p JOIN assignment s ON s.id = p.assignment_id
JOIN evaluation_period v ON v.period_id = p.period_id JOIN period d ON d.id = v.period_id
"""
OF_PAIRS = f"""{FACTS}
JOIN unnest($1::uuid[], $2::uuid[]) k (plan_id, evaluation_period_id)
  ON k.plan_id = p.id AND k.evaluation_period_id = v.id"""
OF_KEYS = f"""{FACTS}
JOIN appraisal a ON a.plan_id = p.id AND a.evaluation_period_id = v.id
WHERE a.id = ANY ($1::uuid[])"""
# Plans that were agreed and have days in the evaluation period, without an appraisal in it.
MISSING = """
SELECT p.id FROM performance_plan p JOIN evaluation_period v ON v.period_id = p.period_id
WHERE v.id = $1 AND p.state IN ('APPROVED', 'CLOSED')
  AND p.starts_on <= v.ends_on AND p.ends_on >= v.starts_on
  AND NOT EXISTS (SELECT FROM appraisal a
    WHERE a.plan_id = p.id AND a.evaluation_period_id = v.id)
ORDER BY p.id"""
OPEN = f"""
WITH f AS (
  SELECT k.id, k.event_id, f.* FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[])
    k (id, event_id, plan_id, evaluation_period_id)
  JOIN ({FACTS}) f ON f.plan_id = k.plan_id AND f.evaluation_period_id = k.evaluation_period_id
), opened AS (
  INSERT INTO appraisal (id, agency_id, employee_id, plan_id, evaluation_period_id, unit_id,
    appraiser_id, heads_unit, starts_on, ends_on, state, version)
  SELECT id, agency_id, employee_id, plan_id, evaluation_period_id, unit_id,
    appraiser_id, heads_unit, starts_on, ends_on, 'OPEN', 1
  FROM f ON CONFLICT (plan_id, evaluation_period_id) DO NOTHING RETURNING id
)
INSERT INTO appraisal_event (id, appraisal_id, kind, actor, at, version, changes)
SELECT f.event_id, f.id, 'OPENED', $5, $6, 1, '{{}}' FROM f JOIN opened o ON o.id = f.id
RETURNING appraisal_id"""  # noqa: S608
FOLLOW = f"""
WITH moved AS (
  SELECT a.id, f.unit_id, f.appraiser_id, f.heads_unit, f.starts_on, f.ends_on
  FROM appraisal a JOIN ({FACTS}) f
    ON f.plan_id = a.plan_id AND f.evaluation_period_id = a.evaluation_period_id
  WHERE a.evaluation_period_id = $1 AND a.state = 'OPEN' AND f.starts_on <= f.ends_on
    AND (a.unit_id, a.heads_unit, a.starts_on, a.ends_on, a.appraiser_id) IS DISTINCT FROM
      (f.unit_id, f.heads_unit, f.starts_on, f.ends_on, f.appraiser_id)
  ORDER BY a.id FOR NO KEY UPDATE OF a
)
UPDATE appraisal a SET unit_id = m.unit_id, appraiser_id = m.appraiser_id,
  heads_unit = m.heads_unit, starts_on = m.starts_on, ends_on = m.ends_on
FROM moved m WHERE a.id = m.id AND a.state = 'OPEN'"""  # noqa: S608
FOLLOW_DAYS = f"""
UPDATE appraisal a SET starts_on = f.starts_on, ends_on = f.ends_on
FROM ({FACTS}) f
WHERE a.id = ANY ($1::uuid[]) AND f.plan_id = a.plan_id
  AND f.evaluation_period_id = a.evaluation_period_id AND f.starts_on <= f.ends_on
  AND (a.starts_on, a.ends_on) IS DISTINCT FROM (f.starts_on, f.ends_on)
RETURNING a.id, a.starts_on, a.ends_on"""  # noqa: S608

Pair = tuple[UUID, UUID]
"""The keys of a plan and of an evaluation period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFacts:
    """What an appraisal of a plan in an evaluation period is of, as it stands now. Where they do
    not meet, `starts_on` is behind `ends_on`."""

    plan_id: UUID
    evaluation_period_id: UUID
    agency_id: UUID
    employee_id: UUID
    plan_state: PlanState
    plan_starts_on: date
    plan_ends_on: date
    unit_id: UUID
    appraiser_id: UUID | None
    heads_unit: bool
    starts_on: date
    ends_on: date

    @property
    def pair(self) -> Pair:
        return self.plan_id, self.evaluation_period_id

    def unopened(self) -> Appraisal:
        """The appraisal that would be opened."""
        return Appraisal(
            agency_id=self.agency_id,
            employee_id=self.employee_id,
            plan_id=self.plan_id,
            evaluation_period_id=self.evaluation_period_id,
            unit_id=self.unit_id,
            appraiser_id=self.appraiser_id,
            heads_unit=self.heads_unit,
            starts_on=self.starts_on,
            ends_on=self.ends_on,
            state=AppraisalState.OPEN,
        )

    def follow(self, appraisal: Appraisal) -> None:
        """Bring an appraisal that is being rated to the plan and the post as they stand."""
        appraisal.unit_id, appraisal.appraiser_id = self.unit_id, self.appraiser_id
        appraisal.heads_unit = self.heads_unit
        appraisal.starts_on, appraisal.ends_on = self.starts_on, self.ends_on


async def facts_of_pairs(
    connection: BaseDBAsyncClient, pairs: Collection[Pair]
) -> dict[Pair, PlanFacts]:
    """Those of plans and evaluation periods that are of one planning period."""
    plans, periods = [plan for plan, _ in pairs], [period for _, period in pairs]
    rows = await connection.execute_query_dict(OF_PAIRS, [plans, periods])
    return _by_pair(rows)


async def facts_of(connection: BaseDBAsyncClient, keys: Collection[UUID]) -> dict[Pair, PlanFacts]:
    """Those of appraisals that are there."""
    return _by_pair(await connection.execute_query_dict(OF_KEYS, [list(keys)]))


def _by_pair(rows: Iterable[dict[str, Any]]) -> dict[Pair, PlanFacts]:
    found = [PlanFacts(**row | {"plan_state": PlanState(row["plan_state"])}) for row in rows]
    return {one.pair: one for one in found}


async def lock_opening(connection: BaseDBAsyncClient, periods: Collection[UUID]) -> None:
    """Let nobody else open appraisals in these evaluation periods until the transaction ends."""
    for key in sorted(periods):
        await connection.execute_query_dict(LOCK_OPENING, [str(key)])


async def open_missing(
    connection: BaseDBAsyncClient, evaluation_period_id: UUID, by: str, now: datetime
) -> int:
    """Open what is missing of an evaluation period, and bring those that are not rated to their
    plans and posts as they stand; how many were opened."""
    await lock_opening(connection, [evaluation_period_id])
    found = await connection.execute_query_dict(MISSING, [evaluation_period_id])
    opened = 0
    wanted = [(uuid7(), (row["id"], evaluation_period_id)) for row in found]
    for first in range(0, len(wanted), BATCH):
        opened += await open_these(connection, wanted[first : first + BATCH], by, now)
    await connection.execute_query_dict(FOLLOW, [evaluation_period_id])
    return opened


async def open_these(
    connection: BaseDBAsyncClient, wanted: Sequence[tuple[UUID, Pair]], by: str, now: datetime
) -> int:
    """Open appraisals under these keys, each with its line of history; how many were not there."""
    keys, events = [key for key, _ in wanted], [uuid7() for _ in wanted]
    plans, periods = [pair[0] for _, pair in wanted], [pair[1] for _, pair in wanted]
    made = await connection.execute_query_dict(OPEN, [keys, events, plans, periods, by, now])
    return len(made)


async def follow_days(connection: BaseDBAsyncClient, rows: Sequence[Appraisal]) -> None:
    """Bring days of appraisals that are about to be signed to those that their plans hold now: a
    plan may have ended since it was rated. The caller holds their locks."""
    if not rows:
        return
    by_key = {row.id: row for row in rows}
    for moved in await connection.execute_query_dict(FOLLOW_DAYS, [list(by_key)]):
        row = by_key[moved["id"]]
        row.starts_on, row.ends_on = moved["starts_on"], moved["ends_on"]
