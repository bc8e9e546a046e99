"""Use cases of policies."""

from dataclasses import fields
from datetime import date
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.policies.models import AgencyPolicy
from schema.policies.rules import DEFAULT, Policy


async def policy_on(connection: BaseDBAsyncClient, agency_id: UUID, day: date) -> Policy:
    """The policy of an agency that holds on a day; the defaults where it has said nothing."""
    rows = AgencyPolicy.filter(agency_id=agency_id, starts_on__lte=day).using_db(connection)
    row = await rows.order_by("-starts_on", "-id").first()
    if row is None:
        return DEFAULT
    return Policy(**{item.name: getattr(row, item.name) for item in fields(Policy)})
