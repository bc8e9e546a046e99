"""Sealing: appraisals are signed, and change no more."""

from collections.abc import Sequence
from datetime import datetime

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.models import Appraisal, AppraisalState
from schema.values import uuid7

SIGN = """
WITH signed AS (
  UPDATE appraisal a SET state = 'SIGNED', version = a.version + 1, signed_by = $3, signed_at = $4
  FROM unnest($1::uuid[], $2::uuid[]) v (id, event_id) WHERE a.id = v.id
  RETURNING a.id, a.version, v.event_id
)
INSERT INTO appraisal_event (id, appraisal_id, kind, actor, at, version, changes)
SELECT event_id, id, 'SIGNED', $3, $4, version, '{}' FROM signed RETURNING appraisal_id, version"""


async def seal(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal], by: str, now: datetime
) -> None:
    """Sign appraisals, with a line of history each. In the caller's transaction; `rows` are
    brought up to date."""
    keys, events = [row.id for row in rows], [uuid7() for _ in rows]
    signed = await connection.execute_query_dict(SIGN, [keys, events, by, now])
    versions = {row["appraisal_id"]: row["version"] for row in signed}
    for row in rows:
        row.version, row.state = versions[row.id], AppraisalState.SIGNED
        row.signed_by, row.signed_at = by, now
