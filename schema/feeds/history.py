"""Who did what with a connector: written in the transaction of the deed, and never changed."""

from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds.models import ConnectorAct, ConnectorEvent

LONGEST_DETAIL = 500


async def note(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    act: ConnectorAct,
    subject: str,
    now: datetime,
    detail: str = "",
) -> None:
    """Note a deed. `detail` names what was touched, and must hold no value of a setting."""
    await ConnectorEvent.create(
        using_db=connection,
        installation_id=installation_id,
        act=act,
        subject=subject,
        at=now,
        detail=detail[:LONGEST_DETAIL],
    )
