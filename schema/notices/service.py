"""Use cases of notices: how a person is reached, and which notices they do not want."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from schema.access import Scope
from schema.errors import DomainError, ErrorCode, NotFound
from schema.notices.models import NoticeKind
from schema.notices.rules import address_of, check_many
from schema.organizations.models import Employee
from schema.organizations.service import administered_agency
from schema.tables import transaction
from schema.values import uuid7

# An administrator gives addresses; what somebody has muted is theirs, and stays.
SAVE = """
INSERT INTO contact AS c (id, employee_id, address, muted, set_by, set_at)
SELECT v.id, v.employee_id, v.address, coalesce($1::text[], '{}'), $2, $3
FROM unnest($4::uuid[], $5::uuid[], $6::text[]) AS v (id, employee_id, address)
ON CONFLICT (employee_id) DO UPDATE SET address = excluded.address,
  muted = coalesce($1::text[], c.muted), set_by = excluded.set_by, set_at = excluded.set_at
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactEntry:
    """How somebody is reached, as an administrator writes it; `address` None: no longer by mail."""

    nip: str
    address: str | None


async def set_contact(
    scope: Scope, address: str | None, muted: Sequence[NoticeKind], now: datetime
) -> None:
    """How the viewer is reached, and what they do not want to hear of: the whole of it.

    Raises:
        NotFound: the viewer is no employee.
        DomainError: the address is none of an e-mail.
    """
    if scope.employee_id is None:
        raise NotFound("Employee")
    kept = address_of(address, "address")
    kinds = sorted({str(kind) for kind in muted})
    values = [kinds, scope.subject, now, [uuid7()], [scope.employee_id], [kept]]
    async with transaction() as connection:
        await connection.execute_query_dict(SAVE, values)


async def set_contacts(
    scope: Scope, agency_code: str, entries: Sequence[ContactEntry], now: datetime
) -> int:
    """Addresses of an agency's people, at once or not at all. How many were given.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: none or too many, somebody twice or unknown there, or no address.
    """
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        check_many([entry.nip for entry in entries])
        addresses = [
            address_of(entry.address, f"contacts.{n}.address") for n, entry in enumerate(entries)
        ]
        of_agency = Employee.filter(agency_id=agency.id, nip__in=[one.nip for one in entries])
        known = {row.nip: row.id for row in await of_agency.using_db(connection)}
        people = [_known(known, entry.nip, n) for n, entry in enumerate(entries)]
        keys = [uuid7() for _ in entries]
        await connection.execute_query_dict(
            SAVE, [None, scope.subject, now, keys, people, addresses]
        )
    return len(entries)


def _known(people: dict[str, UUID], nip: str, place: int) -> UUID:
    if nip not in people:
        field = f"contacts.{place}.nip"
        raise DomainError(ErrorCode.NOT_FOUND, field=field, thing=f"Employee {nip[:40]}")
    return people[nip]
