"""From a token's subject to a Scope: what the organization knows of who is asking."""

import json
from uuid import UUID

from schema.access import Role, Scope
from schema.errors import Unauthenticated
from schema.tables import dicts_of

# "Supervises" is said of assignments that hold today, where the appraiser works.
VIEWER = """
SELECT e.id AS employee_id, e.agency_id,
  EXISTS (
    SELECT FROM assignment a
    WHERE a.appraiser_id = e.id
      AND a.starts_on <= (now() AT TIME ZONE e.timezone)::date
      AND (a.ends_on IS NULL OR a.ends_on > (now() AT TIME ZONE e.timezone)::date)
  ) AS supervises,
  (
    SELECT json_agg(json_build_array(g.agency_id, g.role, g.installation_id))
    FROM role_grant g WHERE g.subject = v.subject
  ) AS grants
FROM (SELECT $1::text AS subject) v LEFT JOIN employee e ON e.nip = v.subject
"""


async def scope_of(subject: str) -> Scope:
    """The scope of a token's subject, in one statement: a NIP, or the name of a service.

    A subject that speaks for a connector is nothing else: not an employee, no other role.

    Raises:
        Unauthenticated: nobody by that name is known, or it speaks for several connectors.
    """
    (row,) = await dicts_of(VIEWER, [subject])
    held = [
        (UUID(agency), Role(role), installation)
        for agency, role, installation in json.loads(row["grants"] or "[]")
    ]
    connectors = [grant for grant in held if grant[1] is Role.CONNECTOR]
    if len(connectors) > 1 or (not held and row["employee_id"] is None):
        raise Unauthenticated
    if connectors:
        agency, role, installation = connectors[0]
        return Scope(
            subject=subject,
            grants=frozenset({(agency, role)}),
            installation_id=UUID(installation),
        )
    return Scope(
        subject=subject,
        employee_id=row["employee_id"],
        agency_id=row["agency_id"],
        grants=frozenset((agency, role) for agency, role, _ in held),
        supervises=row["supervises"],
    )
