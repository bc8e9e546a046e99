"""Channels: notices handed to the plugin of an installation, and what became of each.

Which notices there are, when they are due and how often they are tried belongs to notices; here
an installation's settings are opened, its plugin is asked in calls of bearable size, and a fault
of the whole channel becomes a retry of every notice, with a problem for the administrator.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from ekinerja_connectors import (
    ConnectorError,
    Delivered,
    DeliveryState,
    Malformed,
    Notice,
    Recipient,
    Retryable,
)

from schema.feeds.models import Installation
from schema.feeds.service import note_problem, note_working_channel
from schema.values import utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.faults import problem_of
from server.ingestion.masking import Mask
from server.ingestion.plugins import PluginBroken, Plugins, settings_of

AT_ONCE = 25
"""Notices of one call: a slow mail server takes a second for each."""
CAPABILITY = "notices"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom a notice is for; `address` is an e-mail's, if one is known."""

    name: str
    nip: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeItem:
    """One notice as a channel gets it. `id` is the same each time that it is tried."""

    id: str
    kind: str
    """`digest` or `nudge`; other cases are lowered."""
    to: To
    subject: str
    body: str
    day: date
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeOutcome:
    """What became of one: `state` is delivered, retry or refused; `detail` says why, without an
    address or a secret. `retry_after` is the least pause that the service asked for."""

    id: str
    state: str
    detail: str | None = None
    retry_after: timedelta | None = None


class NoticeChannels(Protocol):
    """What notices ask of channels, and what tests fake."""

    async def deliver_notices(
        self, installation: UUID, items: Sequence[NoticeItem]
    ) -> list[NoticeOutcome]:
        """What became of each item, in their order. A fault of a channel is a retry, no error."""
        ...


@dataclass(frozen=True, kw_only=True)
class Channels:
    """The channels that agencies installed, each reached through its plugin."""

    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now

    async def deliver_notices(
        self, installation: UUID, items: Sequence[NoticeItem]
    ) -> list[NoticeOutcome]:
        """See `NoticeChannels`. A channel that is gone, disabled, paused or halted retries."""
        row = await Installation.get_or_none(id=installation)
        closed = _closed(row)
        if row is None or closed:
            return [_retry(one.id, closed) for one in items]
        found = {}
        notices = []
        for one in items:
            try:
                notices.append(_notice(one))
            except Malformed as error:  # ours: no repetition mends it
                found[one.id] = NoticeOutcome(id=one.id, state="refused", detail=str(error))
        for first in range(0, len(notices), AT_ONCE):
            some = notices[first : first + AT_ONCE]
            answers = await self._ask(row, some)
            found |= {one.id: one for one in answers}
        return [found[one.id] for one in items]

    async def _ask(self, row: Installation, notices: Sequence[Notice]) -> list[NoticeOutcome]:
        """One call; what it raises befalls all of its notices."""
        mask = Mask(())
        try:
            about = await self.plugins.describe(row.plugin)
            settings = settings_of(row, self.vault)
            mask = Mask.of(settings, about.settings_schema)
            if CAPABILITY not in about.capabilities:
                raise PluginBroken(row.plugin, f"it has no capability {CAPABILITY}")
            answers = await self.plugins.deliver(row.plugin, str(row.id), settings, notices)
        except (ConnectorError, PluginBroken, SecretsUnreadable) as error:
            words = mask.text(f"{type(error).__name__}: {error}")
            log.warning("channels.call_failed", installation=str(row.id), problem=words)
            await note_problem(row.id, problem_of(error), words, self.clock())
            after = error.retry_after if isinstance(error, Retryable) else None
            return [_retry(one.id, words, after) for one in notices]
        if any(one.state is DeliveryState.DELIVERED for one in answers):
            await note_working_channel(row.id, self.clock())
        return [_outcome(one, mask) for one in answers]


def _closed(row: Installation | None) -> str:
    """Why nothing goes through a channel now; empty when something does."""
    if row is None:
        return "the installation is gone"
    if not row.enabled:
        return "the installation is disabled"
    if row.paused:
        return "the installation is paused"
    return "the installation is halted" if row.halted_at is not None else ""


def _notice(item: NoticeItem) -> Notice:
    to = Recipient(name=item.to.name, nip=item.to.nip, address=item.to.address)
    return Notice(
        id=item.id,
        kind=item.kind.lower(),
        to=to,
        subject=item.subject,
        body=item.body,
        day=item.day,
        facts=item.facts,
    )


def _outcome(answer: Delivered, mask: Mask) -> NoticeOutcome:
    return NoticeOutcome(
        id=answer.id,
        state=str(answer.state),
        detail=None if answer.detail is None else mask.text(answer.detail),
        retry_after=answer.retry_after,
    )


def _retry(id: str, detail: str, after: timedelta | None = None) -> NoticeOutcome:
    return NoticeOutcome(id=id, state="retry", detail=detail, retry_after=after)
