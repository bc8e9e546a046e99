"""What the use cases of administrators share: the connector's row, locked, and the right to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.errors import NotFound
from schema.feeds import history
from schema.feeds.models import ConnectorAct, Installation
from schema.tables import transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Administered:
    """An installation that the viewer administers, locked until the transaction ends."""

    connection: BaseDBAsyncClient
    installation: Installation
    subject: str
    now: datetime

    async def save(self, *fields: str) -> None:
        await self.installation.save(using_db=self.connection, update_fields=list(fields))

    async def note(self, act: ConnectorAct, detail: str = "") -> None:
        """Put the deed on the record."""
        await history.note(
            self.connection, self.installation.id, act, self.subject, self.now, detail
        )


@asynccontextmanager
async def administered(
    scope: Scope, installation_id: UUID, now: datetime
) -> AsyncIterator[Administered]:
    """The installation in a transaction of its own.

    Raises:
        NotFound: no such installation, or not in an agency that the viewer administers.
    """
    async with transaction() as connection:
        found = (
            await Installation.filter(id=installation_id)
            .using_db(connection)
            .select_for_update()
            .first()
        )
        if found is None or not can_administer(scope, found.agency_id):
            raise NotFound("Connector")
        yield Administered(
            connection=connection, installation=found, subject=scope.subject, now=now
        )
