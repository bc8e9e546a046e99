"""Signed appraisals on their way to other services: queued with the signature."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.values import uuid7

TAKERS = """
SELECT i.id FROM installation i JOIN plugin p ON p.name = i.plugin
WHERE i.enabled AND 'results' = ANY (p.capabilities)
  AND i.agency_id = ANY (SELECT a.agency_id FROM appraisal a WHERE a.id = ANY ($1::uuid[]))
"""
QUEUE = """
INSERT INTO result_delivery (id, appraisal_id, installation_id, state, attempts, retry_at)
SELECT v.id, a.id, i.id, 'WAITING', 0, $4
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) v (id, appraisal_id, installation_id)
JOIN appraisal a ON a.id = v.appraisal_id
JOIN installation i ON i.id = v.installation_id AND i.agency_id = a.agency_id
ON CONFLICT (appraisal_id, installation_id) DO NOTHING
"""


async def queue(connection: BaseDBAsyncClient, keys: Sequence[UUID], now: datetime) -> None:
    """Rows for the agency's enabled installations whose plugin takes results."""
    takers = [row["id"] for row in await connection.execute_query_dict(TAKERS, [list(keys)])]
    pairs = [(uuid7(), key, taker) for key in keys for taker in takers]
    if pairs:
        columns = [list(column) for column in zip(*pairs, strict=True)]
        await connection.execute_query_dict(QUEUE, [*columns, now])
