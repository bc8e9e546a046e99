"""Suggestions for a whole batch of activities: what is read for them, in a constant number of
statements. How they are weighed is in `matching`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.progress.matching import Candidate, Suggestion, suggest

# The targets of these employees with the days on which a record could count for them; one line for
# the title, each indicator and each stage.
CANDIDATES = """
SELECT t.owner_employee_id, t.id, t.title
  || coalesce((SELECT string_agg(E'\\n' || i.title, '' ORDER BY i.position)
               FROM indicator i WHERE i.target_id = t.id), '')
  || coalesce((SELECT string_agg(E'\\n' || s.title, '' ORDER BY s.position)
               FROM stage s WHERE s.target_id = t.id), '') AS text,
  greatest(p.starts_on, q.starts_on) AS first, least(p.ends_on, q.ends_on) AS last
FROM target t JOIN period p ON p.id = t.period_id
LEFT JOIN performance_plan q ON q.id = t.plan_id
WHERE t.owner_employee_id = ANY($1::uuid[]) AND p.starts_on <= $3 AND p.ends_on >= $2
  AND (q.id IS NULL OR q.state = 'APPROVED')
ORDER BY t.owner_employee_id, t.position, t.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """An activity as far as it matters to where it belongs; `day` as its employee works."""

    employee_id: UUID
    day: date
    plugin: str
    kind: str
    title: str
    description: str | None = None
    category: str | None = None


async def suggestions(
    connection: BaseDBAsyncClient, installation_id: UUID, works: Sequence[Work]
) -> list[Suggestion | None]:
    """For each work the target that it most likely serves, or None; in the order given."""
    if not works:
        return []
    days = [work.day for work in works]
    people = list({work.employee_id for work in works})
    rows = await connection.execute_query_dict(CANDIDATES, [people, min(days), max(days)])
    found = []
    for work in works:
        candidates = [
            Candidate(row["id"], row["text"])
            for row in rows
            if row["owner_employee_id"] == work.employee_id
            and row["first"] <= work.day <= row["last"]
        ]
        found.append(suggest(work.title, candidates))
    return found
