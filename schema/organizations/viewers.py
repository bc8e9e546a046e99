"""From a token's subject to a Scope: what the organization knows of who is asking."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from schema.access import Role, Scope
from schema.errors import Unauthenticated
from schema.tables import dicts_of
from schema.values import CAPITAL_TIMEZONE

# "Supervises" is said of assignments that hold today, where the appraiser works. A token is revoked
# by the same statement that knows its subject: asking for it costs no round trip.
VIEWER = """
SELECT e.id AS employee_id, e.agency_id, e.timezone,
  EXISTS (
    SELECT FROM assignment a
    WHERE a.appraiser_id = e.id
      AND a.starts_on <= (now() AT TIME ZONE e.timezone)::date
      AND (a.ends_on IS NULL OR a.ends_on > (now() AT TIME ZONE e.timezone)::date)
  ) AS supervises,
  (
    SELECT json_agg(json_build_array(g.agency_id, g.role, g.installation_id))
    FROM role_grant g WHERE g.subject = v.subject
  ) AS grants,
  EXISTS (
    SELECT FROM token_revocation r
    WHERE r.subject = v.subject AND r.issued_before > v.issued_at
  ) AS revoked
FROM (SELECT $1::text AS subject, $2::timestamptz AS issued_at) v
LEFT JOIN employee e ON e.nip = v.subject
"""

# The same of many at once: known, not of several connectors, not revoked.
STANDING = """
SELECT NOT EXISTS (
    SELECT FROM token_revocation r
    WHERE r.subject = v.subject AND r.issued_before > v.issued_at
  ) AND (
    EXISTS (SELECT FROM employee e WHERE e.nip = v.subject)
    OR EXISTS (SELECT FROM role_grant g WHERE g.subject = v.subject)
  ) AND (
    SELECT count(*) < 2 FROM role_grant g WHERE g.subject = v.subject AND g.role = 'CONNECTOR'
  ) AS holds
FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY v (subject, issued_at, place)
ORDER BY v.place
"""


async def scope_of(subject: str, issued_at: datetime | None = None) -> Scope:
    """The scope of a token's subject, in one statement: a NIP, or the name of a service.

    A subject that speaks for a connector is nothing else: not an employee, no other role.
    `issued_at` is the token's; None where there is no token, as in a command of the operator.

    Raises:
        Unauthenticated: nobody by that name is known, it speaks for several connectors, or the
            token was revoked.
    """
    (row,) = await dicts_of(VIEWER, [subject, issued_at])
    held = [
        (UUID(agency), Role(role), installation)
        for agency, role, installation in json.loads(row["grants"] or "[]")
    ]
    connectors = [grant for grant in held if grant[1] is Role.CONNECTOR]
    unknown = not held and row["employee_id"] is None
    if row["revoked"] or len(connectors) > 1 or unknown:
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
        timezone=row["timezone"] or CAPITAL_TIMEZONE,
    )


async def standing(tokens: Sequence[tuple[str, datetime]]) -> list[bool]:
    """Whether `scope_of` would know the subject of each token that was issued at an instant, in
    their order and in one statement. That they have not expired is the caller's to know."""
    if not tokens:
        return []
    subjects, issued = [subject for subject, _ in tokens], [at for _, at in tokens]
    return [row["holds"] for row in await dicts_of(STANDING, [subjects, issued])]
