"""Batches of feeds for one request: who administers or audits an agency sees its connectors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from schema.access import AGENCY_WIDE, Role, Scope, can_audit
from schema.errors import NotFound
from schema.families import Family, Seen
from schema.feeds.models import DeadLetter, InboxItem, Installation, Run
from schema.relay import Page, Slice
from schema.tables import dicts_of

LATEST_RUNS = """
SELECT DISTINCT ON (installation_id) id FROM run
WHERE installation_id = ANY ($1::uuid[]) ORDER BY installation_id, started_at DESC, id DESC
"""

BACKLOG = """
SELECT i.id,
  (SELECT count(*) FROM inbox_item n WHERE n.installation_id = i.id AND n.processed_at IS NULL)
    AS waiting,
  (SELECT count(*) FROM dead_letter d WHERE d.installation_id = i.id AND d.resolved_at IS NULL)
    AS dead_letters
FROM installation i WHERE i.id = ANY ($1::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many inbox items wait, and how many dead letters are open."""

    waiting: int = 0
    dead_letters: int = 0


class FeedLoaders:
    """Connectors as one viewer sees them."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.seen = Seen()
        self.installation = Family(self._installations, default=lambda: None, seen=Seen())
        self.latest_run = Family(self._latest_runs, default=lambda: None, seen=self.seen)
        self.backlog = Family(self._backlogs, default=Backlog, seen=self.seen)
        self.inbox_item = Family(self._inbox_items, default=lambda: None, seen=Seen())

    async def connectors(self) -> list[Installation]:
        agencies = self._scope.agencies_with(AGENCY_WIDE)
        rows = await Installation.filter(agency_id__in=agencies).order_by("plugin", "title")
        self.seen.add([row.id for row in rows])
        self.installation.keep({row.id: row for row in rows})
        return rows

    async def visible_connector(self, key: UUID) -> Installation | None:
        row = await self.installation.load(key)
        return row if row and can_audit(self._scope, row.agency_id) else None

    async def visible_run(self, key: UUID) -> Run | None:
        row = await Run.get_or_none(id=key)
        return row if row and await self.visible_connector(row.installation_id) else None

    async def visible_dead_letter(self, key: UUID) -> DeadLetter | None:
        row = await DeadLetter.get_or_none(id=key)
        return row if row and await self.visible_connector(row.installation_id) else None

    async def administered_dead_letter(self, key: UUID) -> DeadLetter:
        """A dead letter of an agency that the viewer administers.

        Raises:
            NotFound: not there, or not the viewer's to replay.
        """
        row = await DeadLetter.get_or_none(id=key)
        agencies = self._scope.agencies_with({Role.ADMINISTRATOR})
        installation = row and await self.installation.load(row.installation_id)
        if row is None or not installation or installation.agency_id not in agencies:
            raise NotFound("Dead letter")
        return row

    async def dead_letters(self, connector: UUID | None, page: Page) -> Slice:
        """Open and resolved ones, newest first; what the viewer may not see is not there."""
        agencies = self._scope.agencies_with(AGENCY_WIDE)
        found = DeadLetter.filter(installation__agency_id__in=agencies)
        if connector is not None:
            found = found.filter(installation_id=connector)
        behind = found if page.after is None else found.filter(id__lt=page.after)
        rows = await behind.order_by("-id").limit(page.first + 1)
        more = len(rows) > page.first
        return Slice(rows[: page.first], more, page.after is not None, found.count)

    async def _installations(self, keys: Sequence[UUID]) -> Mapping[UUID, Installation | None]:
        return {row.id: row for row in await Installation.filter(id__in=keys)}

    async def _latest_runs(self, keys: Sequence[UUID]) -> Mapping[UUID, Run | None]:
        found = await dicts_of(LATEST_RUNS, [keys])
        rows = await Run.filter(id__in=[row["id"] for row in found])
        return {row.installation_id: row for row in rows}

    async def _backlogs(self, keys: Sequence[UUID]) -> Mapping[UUID, Backlog]:
        rows = await dicts_of(BACKLOG, [keys])
        return {row["id"]: Backlog(row["waiting"], row["dead_letters"]) for row in rows}

    async def _inbox_items(self, keys: Sequence[UUID]) -> Mapping[UUID, InboxItem | None]:
        return {row.id: row for row in await InboxItem.filter(id__in=keys)}
