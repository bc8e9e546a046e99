"""Who may watch a team, asked for many at once, and the scope under which a team is worked out."""

from collections.abc import Sequence
from uuid import UUID

from schema.access import Scope, as_superior_of
from schema.live import Shareable
from schema.organizations.models import Employee
from schema.tables import dicts_of

# `access.can_see_work_of` for the scopes that `organizations.viewers` would make of the subjects;
# who speaks for a connector sees nothing.
MAY_WATCH = """
WITH wanted AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS w (leader, subject, place)
), led AS MATERIALIZED (
  SELECT s.id, s.agency_id, s.superiors FROM employee s
  WHERE s.id IN (SELECT leader FROM wanted)
), granted AS MATERIALIZED (
  SELECT g.subject, g.agency_id, g.role FROM role_grant g
  WHERE g.subject IN (SELECT subject FROM wanted)
)
SELECT array_agg(w.place) AS refused FROM wanted w LEFT JOIN led s ON s.id = w.leader
LEFT JOIN employee v ON v.nip = w.subject
WHERE NOT coalesce((
  v.id = s.id OR v.id = ANY (s.superiors) OR (w.subject, s.agency_id) IN (
    SELECT g.subject, g.agency_id FROM granted g WHERE g.role IN ('ADMINISTRATOR', 'AUDITOR')
  )
) AND w.subject NOT IN (SELECT g.subject FROM granted g WHERE g.role = 'CONNECTOR'), false)
"""
"""Answers who may not, which is hardly ever anybody."""


async def may_watch(pairs: Sequence[tuple[UUID, str]]) -> list[bool]:
    """Whether each subject (of a token that holds) may watch the team of the leader beside it."""
    if not pairs:
        return []
    leaders, subjects = [leader for leader, _ in pairs], [subject for _, subject in pairs]
    (row,) = await dicts_of(MAY_WATCH, [leaders, subjects])
    refused = set(row["refused"] or ())
    return [place not in refused for place in range(1, len(pairs) + 1)]


async def shared_scope(leader: UUID) -> Scope | None:
    """The scope under which the team of a leader is worked out for all who may watch it."""
    person = await Employee.get_or_none(id=leader)
    return None if person is None else as_superior_of(person)


TEAM_UPDATES = Shareable(
    argument="supervisor",
    about="Employee",
    thing="Team",
    scope=shared_scope,
    may_watch=may_watch,
)
