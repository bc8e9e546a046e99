"""Revocation of tokens: from an instant on, what was issued to a subject before it holds no more.

Whoever asks with such a token is nobody; `viewers.scope_of` and `viewers.standing` say so.
"""

from datetime import datetime, timedelta

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Role, Scope
from schema.checks import optional_text
from schema.errors import NotFound
from schema.organizations.models import Employee, RoleGrant, TokenRevocation
from schema.tables import transaction
from schema.values import is_nip

LONGEST_REASON = 1_000
"""Characters; a house limit."""


async def revoke_tokens(
    scope: Scope, subject: str | None, reason: str | None, now: datetime
) -> TokenRevocation:
    """Revoke all tokens that a subject has now: the viewer's own where it is left out, as to sign
    out everywhere; another's by an administrator of an agency where it works or has a role.

    A token says in whole seconds when it was issued, so that all of the present second are
    revoked, also one that is issued in it later: whoever signs in anew does so a second later.

    Raises:
        NotFound: not a subject that the viewer administers.
        DomainError: the reason is too long.
    """
    reason = optional_text(reason, field="reason", longest=LONGEST_REASON)
    async with transaction() as connection:
        of = scope.subject if subject is None else subject
        if of != scope.subject and not await _administers(connection, scope, of):
            raise NotFound("Subject")
        return await TokenRevocation.create(
            using_db=connection,
            subject=of,
            issued_before=now.replace(microsecond=0) + timedelta(seconds=1),
            reason=reason,
            revoked_by=scope.subject,
            revoked_at=now,
        )


async def _administers(connection: BaseDBAsyncClient, scope: Scope, subject: str) -> bool:
    """Whether a subject works in an agency that the viewer administers, or has a role there."""
    agencies = list(scope.agencies_with({Role.ADMINISTRATOR}))
    if not agencies or not subject or len(subject) > 120:
        return False
    granted = RoleGrant.filter(subject=subject, agency_id__in=agencies).using_db(connection)
    works = Employee.filter(nip=subject, agency_id__in=agencies).using_db(connection)
    return await granted.exists() or (is_nip(subject) and await works.exists())
