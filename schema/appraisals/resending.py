"""Use cases of administrators on results: send again what failed, once its cause is mended; send
what was signed while the connector was not there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Role, Scope
from schema.appraisals import sending
from schema.appraisals.sending import CAPABILITY, MAIN_POST
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds import history, problems
from schema.feeds.administering import Administered, administered
from schema.feeds.models import ConnectorAct, ProblemCode
from schema.tables import transaction

MOST_RESENT = 500
"""Results of one call; more are there to be sent by another."""

# Connectors first and then results, each in the order of their keys, so that two calls never wait
# for each other crosswise.
HOLD = """
SELECT i.id FROM installation i
WHERE i.agency_id = ANY ($2::uuid[])
  AND i.id IN (SELECT installation_id FROM result_delivery WHERE id = ANY ($1::uuid[]))
ORDER BY i.id FOR NO KEY UPDATE
"""
CHOSEN = """
SELECT d.id, d.installation_id, d.state FROM result_delivery d
JOIN installation i ON i.id = d.installation_id
WHERE d.id = ANY ($1::uuid[]) AND i.agency_id = ANY ($2::uuid[])
ORDER BY d.id FOR UPDATE OF d
"""
FAILED = """
SELECT id, installation_id, state FROM result_delivery
WHERE installation_id = $1 AND state = 'FAILED' ORDER BY id LIMIT $2 FOR UPDATE
"""
AGAIN = """
UPDATE result_delivery SET state = 'WAITING', attempts = 0, retry_at = $2, message = NULL
WHERE id = ANY ($1::uuid[]) AND state = 'FAILED'
"""
TAKES = f"""
SELECT '{CAPABILITY}' = ANY (p.capabilities) AS takes FROM installation i
JOIN plugin p ON p.name = i.plugin WHERE i.id = $1
"""  # noqa: S608  constant
UNSENT = f"""
FROM appraisal a WHERE a.agency_id = $1 AND a.state = 'SIGNED' AND NOT EXISTS (
  SELECT FROM result_delivery d WHERE d.appraisal_id = a.id AND d.installation_id = $2)
  AND {MAIN_POST}
"""
FIRST_UNSENT = f"SELECT a.id {UNSENT} ORDER BY a.id LIMIT $3"
COUNT_UNSENT = f"SELECT count(*) AS n {UNSENT}"
LEFT = """
SELECT i.id, (SELECT count(*) FROM result_delivery d
  WHERE d.installation_id = i.id AND d.state = 'FAILED') AS n
FROM unnest($1::uuid[]) AS i (id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resent:
    """How many results wait now, how many more of the connector fit what was asked, and what was
    refused, by the place in the list that was given."""

    resent: int
    remaining: int = 0
    refused: Mapping[int, DomainError] = field(default_factory=dict)


async def resend_these(scope: Scope, ids: Sequence[UUID | None], now: datetime) -> Resent:
    """Send chosen results again; those that did not fail are refused one by one, None with them.

    Raises:
        DomainError: none, or more than may be at once.
    """
    if not ids:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="ids", detail="no result was chosen")
    if len(ids) > MOST_RESENT:
        raise DomainError(ErrorCode.TOO_MANY, field="ids", limit=MOST_RESENT)
    agencies = list(scope.agencies_with({Role.ADMINISTRATOR}))
    async with transaction() as connection:
        asked = [key for key in ids if key is not None]
        await connection.execute_query_dict(HOLD, [asked, agencies])
        rows = await connection.execute_query_dict(CHOSEN, [asked, agencies])
        known = {UUID(str(row["id"])): row for row in rows}
        refused: dict[int, DomainError] = {}
        for place, key in enumerate(ids):
            row = None if key is None else known.get(key)
            if row is None:
                refused[place] = NotFound("Result")
            elif row["state"] != "FAILED":
                detail = f"it is {row['state']}: only what failed is sent again"
                refused[place] = DomainError(ErrorCode.BAD_USER_INPUT, detail=detail)
        failed = [row for row in rows if row["state"] == "FAILED"]
        await _again(connection, scope, failed, now)
    return Resent(resent=len(failed), refused=refused)


async def resend_of(
    scope: Scope,
    installation_id: UUID,
    now: datetime,
    *,
    most: int = MOST_RESENT,
    unsent: bool = False,
) -> Resent:
    """Send what failed of a connector again, the oldest first; `unsent`: and then what its agency
    signed while it was not there or disabled.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
        DomainError: a number that cannot be, or a plugin that takes no results.
    """
    if not 1 <= most <= MOST_RESENT:
        raise DomainError(ErrorCode.TOO_MANY, field="most", limit=MOST_RESENT)
    async with administered(scope, installation_id, now) as of:
        takes = await of.connection.execute_query_dict(TAKES, [installation_id])
        if not (takes and takes[0]["takes"]):
            detail = "its plugin takes no results"
            raise DomainError(ErrorCode.BAD_USER_INPUT, field="connector", detail=detail)
        rows = await of.connection.execute_query_dict(FAILED, [installation_id, most])
        left = (await _again(of.connection, scope, rows, now)).get(installation_id, 0)
        added = 0
        if unsent:
            added, more = await _queued(of, most - len(rows))
            left += more
    return Resent(resent=len(rows) + added, remaining=left)


async def _queued(of: Administered, most: int) -> tuple[int, int]:
    """Put what was never on its way there; how many that are, and how many more there are."""
    agency, key = of.installation.agency_id, of.installation.id
    found = await of.connection.execute_query_dict(FIRST_UNSENT, [agency, key, most])
    await sending.put(of.connection, [(row["id"], key) for row in found], of.now)
    if found:
        await of.note(ConnectorAct.RESULTS_RESENT, f"{len(found)} that were never sent")
    (counted,) = await of.connection.execute_query_dict(COUNT_UNSENT, [agency, key])
    return len(found), counted["n"]


async def _again(
    connection: BaseDBAsyncClient, scope: Scope, rows: Sequence[Any], now: datetime
) -> dict[UUID, int]:
    """Let them wait again, and put it on the record; what failed besides, by connector."""
    if not rows:
        return {}
    await connection.execute_query(AGAIN, [[row["id"] for row in rows], now])
    sources = [UUID(str(row["installation_id"])) for row in rows]
    each = sorted(set(sources))
    left = await connection.execute_query_dict(LEFT, [each])
    remaining = {UUID(str(row["id"])): int(row["n"]) for row in left}
    for key in each:
        number = str(sources.count(key))
        act = ConnectorAct.RESULTS_RESENT
        await history.note(connection, key, act, scope.subject, now, number)
        if not remaining[key]:
            await problems.resolve(connection, key, [ProblemCode.RESULTS_HELD], now)
    return remaining
