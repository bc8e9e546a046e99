"""Polling one installation: fetch a page when it is due, keep it, and note how it went."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from ekinerja_connectors import ConnectorError, Page, Retryable

from schema.errors import DomainError
from schema.feeds import service
from schema.feeds.models import BreakerState, Installation, RunState
from schema.feeds.rules import Received
from schema.values import is_safe_text, utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.faults import problem_of
from server.ingestion.plugins import PluginBroken, Plugins, settings_of
from server.ingestion.retry import FOR_AN_ADMINISTRATOR, backoff

LOOK_AGAIN = timedelta(seconds=5)
"""At least so often the row is read anew, since an administrator may have changed it."""
UNPOLLED = timedelta(minutes=1)
"""The pause of an installation whose plugin takes webhooks only."""
EMPTY = timedelta(seconds=1)
"""The pause after a page without items that promises more, so that no flood of them is read."""
MOST_WAITING = 20_000
"""So many items of the installation may wait to be worked off before more are fetched."""
NOW = timedelta(0)

log = structlog.get_logger()


@dataclass(kw_only=True)
class Poller:
    """The polling side of one installation; `step` is called over and over by a Loop."""

    installation_id: UUID
    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = random.random

    async def step(self) -> timedelta:
        """Poll if it is due. Returns how long there is nothing to do."""
        installation = await Installation.get_or_none(id=self.installation_id, enabled=True)
        if installation is None or installation.plugin == service.SUBMITTED:
            return UNPOLLED
        if installation.paused or installation.halted_at is not None:
            return LOOK_AGAIN
        wait = installation.next_poll_at - self.clock()
        return min(wait, LOOK_AGAIN) if wait > NOW else await self._poll(installation)

    async def _poll(self, installation: Installation) -> timedelta:
        started_at = self.clock()
        if await service.has_waiting(installation.id, MOST_WAITING):
            return LOOK_AGAIN
        try:
            about = await self.plugins.describe(installation.plugin)
            if "polling" not in about.capabilities:
                return UNPOLLED
            page = await self.plugins.fetch(
                installation.plugin,
                str(installation.id),
                settings_of(installation, self.vault),
                installation.cursor,
            )
            await self._keep(installation, page, started_at)
        except Retryable as error:
            pause = backoff(installation.failures + 1, self.spread())
            await self._fail(installation, RunState.RETRYING, error, pause, started_at)
        except (ConnectorError, PluginBroken, DomainError, SecretsUnreadable) as error:
            pause = FOR_AN_ADMINISTRATOR
            await self._fail(installation, RunState.FAILED, error, pause, started_at)
        return NOW

    async def _keep(self, installation: Installation, page: Page, started_at: datetime) -> None:
        if page.next_cursor is not None and not is_safe_text(page.next_cursor):
            raise PluginBroken(installation.plugin, "its cursor holds a NUL or a lone surrogate")
        # A page that promises more but does not move on would be asked for without end.
        at_once = page.more and page.next_cursor != installation.cursor
        soon = NOW if page.items else EMPTY
        now = self.clock()
        accepted = await service.take_page(
            installation.id,
            cursor=installation.cursor,
            received=[Received(source_id=one.source_id, body=one.payload) for one in page.items],
            next_cursor=page.next_cursor,
            next_poll_at=now + (soon if at_once else timedelta(seconds=installation.poll_seconds)),
            started_at=started_at,
            now=now,
        )
        if accepted is not None and accepted.changed:
            log.warning(
                "ingestion.changed_at_source",
                installation=str(installation.id),
                items=len(accepted.changed),
            )

    async def _fail(
        self,
        installation: Installation,
        state: RunState,
        error: Exception,
        pause: timedelta,
        started_at: datetime,
    ) -> None:
        now = self.clock()
        log.warning(
            "ingestion.poll_failed",
            installation=str(installation.id),
            plugin=installation.plugin,
            state=str(state),
            problem=str(error),
        )
        breaker = await service.note_failure(
            installation.id,
            state=state,
            problem=f"{type(error).__name__}: {error}",
            code=problem_of(error),
            pause=pause,
            asked=error.retry_after if isinstance(error, Retryable) else None,
            started_at=started_at,
            now=now,
        )
        if breaker.state is BreakerState.OPEN and installation.breaker is not BreakerState.OPEN:
            log.warning(
                "ingestion.breaker_opened",
                installation=str(installation.id),
                failures=breaker.failures,
                problem=str(error),
            )
