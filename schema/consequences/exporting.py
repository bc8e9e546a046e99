"""What a planning period came to, as a file that proves itself: a line of JSON each.

First the rules, then the appraisals, then what followed; each with its digest and its document as
the database keeps it. `verifying.py` works all of it out anew from the file alone.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_audit
from schema.consequences.verifying import END, Kind
from schema.errors import NotFound
from schema.tables import transaction
from schema.targets.models import Period
from schema.values import canonical

PAGE = 500
"""Lines read at once: a document has some kilobytes."""
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
RULES = """
SELECT r.id, r.kind, r.code, r.body, r.digest FROM rule_set r
WHERE r.id IN (SELECT c.rule_set_id FROM consequence c
    WHERE c.agency_id = $1 AND c.period_id = $2 AND c.superseded_at IS NULL)
  AND r.id > $3 ORDER BY r.id LIMIT $4
"""
APPRAISALS = """
SELECT a.id, s.digest, s.document FROM appraisal a
JOIN evaluation_period v ON v.id = a.evaluation_period_id
JOIN appraisal_seal s ON s.appraisal_id = a.id
WHERE a.agency_id = $1 AND v.period_id = $2 AND a.id > $3 ORDER BY a.id LIMIT $4
"""
CONSEQUENCES = """
SELECT c.id, c.digest, c.document FROM consequence c
WHERE c.agency_id = $1 AND c.period_id = $2 AND c.superseded_at IS NULL
  AND c.id > $3 ORDER BY c.id LIMIT $4
"""
PARTS: Mapping[Kind, tuple[str, Sequence[str]]] = {
    Kind.RULES: (RULES, ("digest", "kind", "code", "body")),
    Kind.APPRAISAL: (APPRAISALS, ("digest", "document")),
    Kind.CONSEQUENCE: (CONSEQUENCES, ("digest", "document")),
}


async def lines_of(scope: Scope, agency_id: UUID, period_code: str) -> AsyncIterator[str]:
    """Every line of the file, without its line feed, as of one instant.

    Raises:
        NotFound: no such period, or the viewer does not see the agency as a whole.
    """
    async with transaction() as connection:
        await connection.execute_query(SNAPSHOT)
        period = await Period.get_or_none(
            agency_id=agency_id, code=period_code, using_db=connection
        )
        if period is None or not can_audit(scope, agency_id):
            raise NotFound(f"Period {period_code!r}")
        written = 0
        for kind, (statement, names) in PARTS.items():
            async for row in _rows(connection, statement, [agency_id, period.id]):
                yield canonical({kind.value: {name: row[name] for name in names}})
                written += 1
        yield canonical({END: written})


async def _rows(
    connection: BaseDBAsyncClient, statement: str, values: Sequence[Any]
) -> AsyncIterator[Mapping[str, Any]]:
    last = UUID(int=0)
    while rows := await connection.execute_query_dict(statement, [*values, last, PAGE]):
        for row in rows:
            yield row
        last = rows[-1]["id"]
