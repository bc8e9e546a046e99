"""Who may watch a team, asked for many at once, and the scope under which a team is worked out."""

from collections.abc import Sequence
from uuid import UUID

from schema.access import Scope, as_superior_of
from schema.live import Right, Shareable
from schema.organizations.models import Employee
from schema.tables import dicts_of

# `access.can_see_work_of` for the scopes that `organizations.viewers` would make of the subjects;
# who speaks for a connector sees nothing. Shared is what all see who are of the leader's agency, or
# see it as a whole, and the leader. Two see less than the shared scope: a superior of another
# agency, who does not see this one's directory; and, but for the leader, whoever watches somebody
# who appraises people of another agency, whose line begins there with the leader alone.
RIGHTS = """
WITH wanted AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS w (leader, subject, place)
), led AS MATERIALIZED (
  SELECT s.id, s.agency_id, s.superiors, EXISTS (
    SELECT FROM assignment a JOIN employee e ON e.id = a.employee_id
    WHERE a.appraiser_id = s.id AND e.agency_id <> s.agency_id
  ) AS leads_elsewhere FROM employee s
  WHERE s.id IN (SELECT leader FROM wanted)
), granted AS MATERIALIZED (
  SELECT g.subject, g.agency_id, g.role FROM role_grant g
  WHERE g.subject IN (SELECT subject FROM wanted)
), asked AS (
  SELECT w.place, v.id = s.id AS leads, v.id = ANY (s.superiors) AS is_above,
    v.agency_id = s.agency_id AS is_of_agency, s.leads_elsewhere,
    (w.subject, s.agency_id) IN (
      SELECT g.subject, g.agency_id FROM granted g WHERE g.role IN ('ADMINISTRATOR', 'AUDITOR')
    ) AS sees_agency,
    w.subject IN (SELECT g.subject FROM granted g WHERE g.role = 'CONNECTOR') AS is_connector
  FROM wanted w LEFT JOIN led s ON s.id = w.leader LEFT JOIN employee v ON v.nip = w.subject
)
SELECT
  array_agg(place) FILTER (
    WHERE NOT coalesce((leads OR is_above OR sees_agency) AND NOT is_connector, false)
  ) AS refused,
  array_agg(place) FILTER (
    WHERE NOT coalesce(leads OR (NOT leads_elsewhere AND (is_of_agency OR sees_agency)), false)
  ) AS apart
FROM asked
"""
"""Answers who may not, and who may not share, which is hardly ever anybody."""


async def rights(pairs: Sequence[tuple[UUID, str]]) -> list[Right]:
    """How each subject (of a token that holds) may watch the team of the leader beside it."""
    if not pairs:
        return []
    leaders, subjects = [leader for leader, _ in pairs], [subject for _, subject in pairs]
    (row,) = await dicts_of(RIGHTS, [leaders, subjects])
    refused, apart = set(row["refused"] or ()), set(row["apart"] or ())
    return [
        Right.NONE if place in refused else Right.ALONE if place in apart else Right.SHARED
        for place in range(1, len(pairs) + 1)
    ]


async def shared_scope(leader: UUID) -> Scope | None:
    """The scope under which the team of a leader is worked out for all who may watch it."""
    person = await Employee.get_or_none(id=leader)
    return None if person is None else as_superior_of(person)


TEAM_UPDATES = Shareable(
    argument="supervisor",
    about="Employee",
    thing="Team",
    scope=shared_scope,
    rights=rights,
)
