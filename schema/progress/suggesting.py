"""Suggestions for a whole batch of activities: what is read for them, in four statements at most.

How it is weighed is in `matching`. What is worked out from an employee's targets is remembered
between batches, by the words of the targets, so that it is never out of date.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from cachetools import LRUCache
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.progress.habits import Past
from schema.progress.likeness import Candidate, Prepared, prepared
from schema.progress.mapping import Rule
from schema.progress.matching import Suggestion, Work, suggest, top

__all__ = ["MOST_PAST", "Work", "likeliest", "suggestions"]

MOST_PAST = 40
"""How many earlier activities of an employee's kind are looked at, the latest ones."""
_REMEMBERED_LINES = 10_000  # of prepared targets: some 10 kB each at most

# The targets of these employees with the days on which a record could count for them: one line for
# the title, each indicator and each stage, and the titles of targets up to two steps beneath.
CANDIDATES = """
SELECT t.owner_employee_id, t.id,
  ARRAY[t.title]
    || ARRAY(SELECT i.title FROM indicator i WHERE i.target_id = t.id ORDER BY i.position)
    || ARRAY(SELECT s.title FROM stage s WHERE s.target_id = t.id ORDER BY s.position) AS lines,
  ARRAY(SELECT d.title FROM (
      SELECT c.title, 1 AS step FROM target_edge e JOIN target c ON c.id = e.child_id
      WHERE e.parent_id = t.id
      UNION ALL
      (SELECT g.title, 2 FROM target_edge e JOIN target_edge f ON f.parent_id = e.child_id
       JOIN target g ON g.id = f.child_id WHERE e.parent_id = t.id LIMIT 400)
    ) d GROUP BY d.title ORDER BY min(d.step), d.title LIMIT 40) AS under,
  greatest(p.starts_on, q.starts_on) AS first, least(p.ends_on, q.ends_on) AS last
FROM target t JOIN period p ON p.id = t.period_id
LEFT JOIN performance_plan q ON q.id = t.plan_id
WHERE t.owner_employee_id = ANY($1::uuid[]) AND p.starts_on <= $3 AND p.ends_on >= $2
  AND (q.id IS NULL OR q.state = 'APPROVED')
ORDER BY t.owner_employee_id, t.position, t.id
"""

RULES = """
SELECT m.plugin, m.activity_kind AS kind, m.words, m.goal_id, t.title AS goal
FROM mapping_rule m JOIN installation i ON i.agency_id = m.agency_id
JOIN target t ON t.id = m.goal_id
WHERE i.id = $1 ORDER BY m.position
"""

# Which of the rules' goals these targets serve, near or far.
GOALS = """
WITH RECURSIVE up (id, above) AS (
  SELECT e.child_id, e.parent_id FROM target_edge e WHERE e.child_id = ANY($1::uuid[])
  UNION
  SELECT up.id, e.parent_id FROM up JOIN target_edge e ON e.child_id = up.above
)
SELECT id, above FROM up WHERE above = ANY($2::uuid[])
"""

# What these employees decided last of activities of a kind. A dismissed one belongs nowhere.
PAST = """
SELECT w.employee_id, w.kind, h.title, h.day, h.target_id, h.goal
FROM unnest($2::uuid[], $3::varchar[]) w (employee_id, kind)
CROSS JOIN LATERAL (
  SELECT a.title, r.day, t.id AS target_id, coalesce(t.title, '') AS goal
  FROM activity a
  JOIN progress_record r ON r.activity_id = a.id AND r.state IN ('CONFIRMED', 'DISMISSED')
  LEFT JOIN target t ON t.id = r.target_id AND r.state = 'CONFIRMED'
  WHERE a.employee_id = w.employee_id AND a.installation_id = $1 AND a.kind = w.kind
  ORDER BY a.occurred_at DESC, a.id DESC LIMIT $4
) h
"""

_remembered: LRUCache[tuple[Candidate, ...], Prepared] = LRUCache(
    _REMEMBERED_LINES, getsizeof=lambda one: len(one.lines) + 1
)


@dataclass(frozen=True, slots=True)
class Owned:
    """A target of an employee, and the days on which a record could count for it."""

    candidate: Candidate
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Known:
    """All that was read for a batch."""

    owned: Mapping[UUID, Sequence[Owned]]
    rules: Sequence[Rule]
    past: Mapping[tuple[UUID, str], Sequence[Past]]

    def among(self, employee_id: UUID, day: date) -> Prepared:
        """The targets that the employee's record of that day could count for."""
        candidates = tuple(
            one.candidate for one in self.owned.get(employee_id, ()) if one.first <= day <= one.last
        )
        found = _remembered.get(candidates)
        if found is None:
            found = prepared(candidates)
            if len(found.lines) < _REMEMBERED_LINES:
                _remembered[candidates] = found
        return found


async def suggestions(
    connection: BaseDBAsyncClient, installation_id: UUID, works: Sequence[Work]
) -> list[Suggestion | None]:
    """For each work the target that it most likely serves, or None; in the order given."""
    known = await _known(connection, installation_id, works)
    among: dict[tuple[UUID, date], Prepared] = {}
    found: list[Suggestion | None] = []
    for work in works:
        of = (work.employee_id, work.day)
        if of not in among:
            among[of] = known.among(*of)
        if not among[of].candidates:
            found.append(None)
            continue
        past = known.past.get((work.employee_id, work.kind), ())
        found.append(suggest(work, among[of], known.rules, past))
    return found


async def likeliest(
    connection: BaseDBAsyncClient, installation_id: UUID, work: Work, most: int
) -> list[Suggestion]:
    """The targets that anything speaks for, the surest first, also below the threshold."""
    known = await _known(connection, installation_id, [work])
    past = known.past.get((work.employee_id, work.kind), ())
    return top(work, known.among(work.employee_id, work.day), known.rules, past, most)


async def _known(
    connection: BaseDBAsyncClient, installation_id: UUID, works: Sequence[Work]
) -> Known:
    if not works:
        return Known({}, (), {})
    rules = [Rule(**row) for row in await connection.execute_query_dict(RULES, [installation_id])]
    owned = await _owned(connection, works, {rule.goal_id for rule in rules})
    # Who has no target is suggested none, whatever they confirmed before.
    aimed = [work for work in works if work.employee_id in owned]
    past = await _past(connection, installation_id, aimed) if aimed else {}
    return Known(owned, rules, past)


async def _owned(
    connection: BaseDBAsyncClient, works: Sequence[Work], goals: Iterable[UUID]
) -> dict[UUID, list[Owned]]:
    days = [work.day for work in works]
    people = list({work.employee_id for work in works})
    rows = await connection.execute_query_dict(CANDIDATES, [people, min(days), max(days)])
    served = await _served(connection, [row["id"] for row in rows], list(goals))
    owned: dict[UUID, list[Owned]] = {}
    for row in rows:
        candidate = Candidate(
            row["id"],
            tuple(row["lines"]),
            tuple(row["under"]),
            frozenset(served.get(row["id"], ())),
        )
        owned.setdefault(row["owner_employee_id"], []).append(
            Owned(candidate, row["first"], row["last"])
        )
    return owned


async def _served(
    connection: BaseDBAsyncClient, targets: list[UUID], goals: list[UUID]
) -> dict[UUID, set[UUID]]:
    served: dict[UUID, set[UUID]] = {}
    if goals and targets:
        for row in await connection.execute_query_dict(GOALS, [targets, goals]):
            served.setdefault(row["id"], set()).add(row["above"])
    return served


async def _past(
    connection: BaseDBAsyncClient, installation_id: UUID, works: Sequence[Work]
) -> dict[tuple[UUID, str], list[Past]]:
    of = list({(work.employee_id, work.kind) for work in works})
    rows: list[dict[str, Any]] = await connection.execute_query_dict(
        PAST, [installation_id, [one for one, _ in of], [kind for _, kind in of], MOST_PAST]
    )
    past: dict[tuple[UUID, str], list[Past]] = {}
    for row in rows:
        past.setdefault((row["employee_id"], row["kind"]), []).append(
            Past(row["title"], row["day"], row["target_id"], row["goal"])
        )
    return past
