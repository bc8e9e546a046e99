"""Use cases of targets: what changes their figures beside progress."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from schema.access import Scope
from schema.policies import service as policies
from schema.policies.models import AgencyPolicy
from schema.tables import transaction
from schema.targets.rolling import roll_agency


async def set_policy(
    scope: Scope, agency_code: str, starts_on: date, changes: Mapping[str, Any], now: datetime
) -> AgencyPolicy:
    """Set how an agency counts from a day on, and roll its weighted achievements by it.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: a number outside what can be meant.
    """
    async with transaction() as connection:
        policy = await policies.add_policy(connection, scope, agency_code, starts_on, changes, now)
        await roll_agency(connection, policy.agency_id)
    return policy
