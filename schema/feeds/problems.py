"""What is wrong with an installation: noted once however often it is met, until it is gone.

Every function runs in the caller's transaction. What to do about each code is in `rules.FIXES`.
"""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds.models import ProblemCode
from schema.values import storable_text, uuid7

LONGEST_DETAIL = 2_000

NOTE = """
INSERT INTO connector_problem (id, installation_id, code, detail, times, first_at, last_at)
VALUES ($1, $2, $3, $4, 1, $5, $5)
ON CONFLICT (installation_id, code) WHERE resolved_at IS NULL
DO UPDATE SET times = connector_problem.times + 1, detail = excluded.detail,
  last_at = greatest(connector_problem.last_at, excluded.last_at)
"""

RESOLVE = """
UPDATE connector_problem SET resolved_at = $3
WHERE installation_id = $1 AND resolved_at IS NULL AND code = ANY ($2::text[])
"""


async def note(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    code: ProblemCode,
    detail: str,
    now: datetime,
) -> None:
    """A problem was met, for the first time or again. `detail` must hold no secret."""
    words = storable_text(detail, LONGEST_DETAIL)
    await connection.execute_query_dict(NOTE, [uuid7(), installation_id, str(code), words, now])


async def resolve(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    codes: Collection[ProblemCode],
    now: datetime,
) -> None:
    """These problems are gone; those that were not there are passed over."""
    await connection.execute_query_dict(
        RESOLVE, [installation_id, [str(code) for code in codes], now]
    )
