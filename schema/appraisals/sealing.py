"""Sealing: what an appraisal rests on and came to is written as a document, and it is signed.

Set-based: so many statements for one appraisal as for a thousand. Who may sign, and whether an
appraisal is ready for it, is asked by the callers, which hold the locks of the rows.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals import sending
from schema.appraisals.documents import Act, Circumstances, document_of
from schema.appraisals.gathering import facts_of
from schema.appraisals.models import Appraisal, AppraisalState
from schema.tables import plan_for_many
from schema.values import digest_of, uuid7

# `Circumstances` of each appraisal. The appraiser's post is that of the last day.
CIRCUMSTANCES = """
SELECT a.id, json_build_object(
  'appraisal', a.id, 'plan', a.plan_id, 'approach', p.approach,
  'agency', json_build_object('code', g.code, 'name', g.name),
  'employee', json_build_object('nip', e.nip, 'name', e.name, 'position', s.position,
    'kind', s.kind, 'heads_unit', a.heads_unit,
    'unit', json_build_object('code', u.code, 'name', u.name)),
  'appraiser', CASE WHEN b.id IS NOT NULL THEN json_build_object('nip', b.nip, 'name', b.name,
    'position', h.position, 'unit', h.unit) END,
  'period', json_build_object('code', d.code, 'kind', v.kind, 'number', v.number,
    'starts_on', v.starts_on, 'ends_on', v.ends_on),
  'days', json_build_object('starts_on', a.starts_on, 'ends_on', a.ends_on),
  'work', json_build_object('rating', a.work_rating, 'reason', a.work_reason),
  'behaviour', json_build_object('rating', a.behaviour_rating, 'reason', a.behaviour_reason),
  'unit_rating', CASE WHEN r.id IS NOT NULL THEN json_build_object('predicate', r.predicate,
    'reason', r.reason, 'version', r.version) END,
  'lines', (SELECT coalesce(json_agg(json_build_object('target', l.target_id,
      'behaviour', l.behaviour, 'rating', l.rating, 'reason', l.reason)
      ORDER BY t.position, t.code, l.behaviour), '[]')
    FROM appraisal_line l LEFT JOIN target t ON t.id = l.target_id WHERE l.appraisal_id = a.id),
  'objection', (SELECT json_build_object('reason', x.comment,
      'outcome', y.kind, 'comment', y.comment)
    FROM (SELECT * FROM appraisal_event o WHERE o.appraisal_id = a.id AND o.kind = 'OBJECTED'
      ORDER BY o.id DESC LIMIT 1) x
    LEFT JOIN LATERAL (SELECT * FROM appraisal_event o WHERE o.appraisal_id = a.id
      AND o.kind IN ('UPHELD', 'CHANGED') AND o.id > x.id ORDER BY o.id DESC LIMIT 1) y ON true),
  'rated', json_build_object('by', a.rated_by, 'at', a.rated_at))::text AS said
FROM unnest($1::uuid[]) k (id) JOIN appraisal a ON a.id = k.id
JOIN performance_plan p ON p.id = a.plan_id JOIN assignment s ON s.id = p.assignment_id
JOIN employee e ON e.id = a.employee_id JOIN agency g ON g.id = a.agency_id
JOIN unit u ON u.id = a.unit_id
JOIN evaluation_period v ON v.id = a.evaluation_period_id JOIN period d ON d.id = v.period_id
LEFT JOIN unit_rating r ON r.id = a.unit_rating_id
LEFT JOIN employee b ON b.id = a.appraiser_id
LEFT JOIN LATERAL (
  SELECT o.position, json_build_object('code', w.code, 'name', w.name) AS unit
  FROM assignment o JOIN unit w ON w.id = o.unit_id
  WHERE o.employee_id = b.id AND o.starts_on <= a.ends_on
    AND (o.ends_on IS NULL OR o.ends_on > a.ends_on)
  ORDER BY o.kind, o.starts_on DESC, o.id DESC LIMIT 1
) h ON true
"""
SEAL = """
WITH sealed AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[])
    v (appraisal_id, seal_id, event_id, document, digest)
), signed AS (
  UPDATE appraisal a SET state = 'SIGNED', version = a.version + 1, signed_by = $6, signed_at = $7
  FROM sealed v WHERE a.id = v.appraisal_id RETURNING a.id, a.version
), told AS (
  INSERT INTO appraisal_event (id, appraisal_id, kind, actor, at, version, changes)
  SELECT v.event_id, s.id, 'SIGNED', $6, $7, s.version, '{}'
  FROM signed s JOIN sealed v ON v.appraisal_id = s.id
), kept AS (
  INSERT INTO appraisal_seal (id, appraisal_id, document, digest, sealed_at)
  SELECT v.seal_id, v.appraisal_id, v.document, v.digest, $7 FROM sealed v
)
SELECT id, version FROM signed
"""


async def seal(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal], by: str, now: datetime
) -> None:
    """Write the documents of rated appraisals, sign them, and queue them for other services.

    In the caller's transaction; `rows` are brought up to date. Up to a thousand at once.

    Raises:
        ValueError: a row's predicate is not what its document comes to.
    """
    if not rows:
        return
    await plan_for_many(connection)
    keys = [row.id for row in rows]
    documents = await _documents(connection, rows, Act(by=by, at=now))
    values = [
        keys,
        [uuid7() for _ in keys],
        [uuid7() for _ in keys],
        documents,
        [digest_of(document) for document in documents],
        by,
        now,
    ]
    signed = await connection.execute_query_dict(SEAL, values)
    versions = {row["id"]: row["version"] for row in signed}
    for row in rows:
        row.version = versions[row.id]
        row.state = AppraisalState.SIGNED
        row.signed_by, row.signed_at = by, now
    await sending.queue(connection, keys, now)


async def _documents(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal], signed: Act
) -> list[str]:
    keys = [row.id for row in rows]
    facts = await facts_of(connection, keys)
    known = await _circumstances(connection, keys)
    documents = []
    for row in rows:
        document, result = document_of(known[row.id], facts[row.id], signed)
        if (result.work, result.behaviour, result.predicate) != (
            row.work_rating,
            row.behaviour_rating,
            row.predicate,
        ):
            raise ValueError(f"appraisal {row.id} is {row.predicate}, comes to {result.predicate}")
        documents.append(document)
    return documents


async def _circumstances(
    connection: BaseDBAsyncClient, keys: Sequence[UUID]
) -> dict[UUID, Circumstances]:
    found = await connection.execute_query_dict(CIRCUMSTANCES, [list(keys)])
    decoder = msgspec.json.Decoder(Circumstances)
    return {row["id"]: decoder.decode(row["said"]) for row in found}
