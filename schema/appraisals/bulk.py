"""Signing for a whole agency: what is ready in an evaluation period, a batch in a transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.appraisals.models import Appraisal, AppraisalState
from schema.appraisals.opening import follow_days
from schema.appraisals.sealing import seal
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Agency
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.policies.rules import DEFAULT
from schema.tables import dicts_of

BATCH = 1_000
"""Appraisals in one transaction: what is broken off goes on behind the last whole batch."""
SIDES = 2
"""How many may sign at once, each the people of one side: while the database reads for one, the
documents of the other are written."""


@dataclass(frozen=True, slots=True)
class Side:
    """A part of the people: the `index`-th of `number`."""

    index: int = 0
    number: int = 1


# Accepted, decided, or rated so long ago that the days of objection are over, by the person's own
# calendar and the policy of the day of the rating.
READY = """
FROM appraisal a JOIN employee e ON e.id = a.employee_id
CROSS JOIN LATERAL (SELECT (a.rated_at AT TIME ZONE e.timezone)::date AS day) r
WHERE a.evaluation_period_id = $1 AND a.state <> 'SIGNED'
  AND (a.state IN ('ACCEPTED', 'DECIDED') OR (a.state = 'RATED'
    AND ($2::timestamptz AT TIME ZONE e.timezone)::date > r.day
      + coalesce((SELECT y.objection_days FROM policy_on(a.agency_id, r.day) y), $3)))
"""
COUNT = f"SELECT count(*) AS count {READY}"
# Whose turn it is goes by the person: all that is signed for one is signed by one side, in turn.
NEXT = f"""SELECT a.* {READY} AND mod(abs(hashtext(a.employee_id::text)::bigint), $4) = $5
ORDER BY a.employee_id, a.id LIMIT $6 FOR NO KEY UPDATE OF a SKIP LOCKED"""
STATES = """
SELECT state, count(*) AS count FROM appraisal WHERE evaluation_period_id = $1 GROUP BY state
"""


async def evaluation_of(
    agency_code: str, period_code: str, kind: EvaluationKind, number: int
) -> tuple[Agency, EvaluationPeriod]:
    """Raises:
    NotFound: no such agency, or it has no such evaluation.
    """
    agency = await Agency.get_or_none(code=agency_code)
    if agency is None:
        raise NotFound(f"Agency {agency_code!r}")
    found = await EvaluationPeriod.get_or_none(
        period__agency_id=agency.id, period__code=period_code, kind=kind, number=number
    )
    if found is None:
        raise NotFound(f"Evaluation {kind} {number} of {period_code!r}")
    return agency, found


async def count_ready(evaluation: EvaluationPeriod, now: datetime) -> int:
    """How many may be signed now."""
    (row,) = await dicts_of(COUNT, [evaluation.id, now, DEFAULT.objection_days])
    return int(row["count"])


async def sign_batch(
    connection: BaseDBAsyncClient,
    scope: Scope,
    evaluation: EvaluationPeriod,
    now: datetime,
    side: Side,
    size: int = BATCH,
) -> list[Appraisal]:
    """Sign the next ones of a side that are ready, in the caller's transaction; none where all
    are signed.

    What somebody holds at the moment is left to a later run.

    Raises:
        DomainError: the viewer does not administer the agency that an appraisal was made in.
    """
    values = [evaluation.id, now, DEFAULT.objection_days, side.number, side.index, size]
    found = await connection.execute_query_dict(NEXT, values)
    rows = [Appraisal._init_from_db(**row) for row in found]
    if any(not can_administer(scope, row.agency_id) for row in rows):
        raise DomainError(ErrorCode.NOT_ALLOWED, needed="ADMINISTRATOR")
    await follow_days(connection, rows)
    await seal(connection, rows, scope.subject, now)
    return rows


def sides_for(ready: int) -> list[Side]:
    """One for a batch of people, else two."""
    number = min(SIDES, -(-ready // BATCH)) or 1
    return [Side(index, number) for index in range(number)]


async def states_of(evaluation: EvaluationPeriod) -> Mapping[AppraisalState, int]:
    """How many appraisals stand where."""
    found = await dicts_of(STATES, [evaluation.id])
    return {AppraisalState(row["state"]): row["count"] for row in found}
