"""Working off the inbox of one installation: each item becomes a record, items, or a dead letter.

The plugin is asked before the transaction; what follows from its answer is one transaction. So a
process that is killed anywhere leaves the item waiting or done, and nothing in between.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from ekinerja_connectors import (
    Activity,
    AuthFailed,
    ConnectorError,
    Delivery,
    InvalidSettings,
    Item,
    Retryable,
    Skippable,
)
from tortoise import Tortoise
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.errors import DomainError
from schema.feeds import inbox, service
from schema.feeds.inbox import Waiting
from schema.feeds.models import DeadLetterCause, InboxKind, Installation
from schema.feeds.rules import Received
from schema.progress.intake import person_of, take_in
from schema.tables import transaction
from schema.values import utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.plugins import PluginBroken, Plugins, settings_of
from server.ingestion.retry import backoff

BATCH = 100
IDLE = timedelta(seconds=1)
"""How long a lost wake-up delays an item."""
NOT_NOW = timedelta(seconds=30)
"""The pause while nothing of the plugin can work: it is broken, or its settings are refused."""
MOST_ATTEMPTS = 3
"""An item on which its plugin failed so often is given up, so that it holds up no others."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Split:
    """A delivery was these items."""

    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing can become of it, and why."""

    cause: DeadLetterCause
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The plugin failed; another attempt may go well."""

    detail: str


Outcome = Activity | Split | GivenUp | Failed


@dataclass(kw_only=True)
class Intake:
    """The inbox side of one installation; `step` is called over and over by a Loop."""

    installation_id: UUID
    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = random.random
    stopped: Callable[[], bool] = lambda: False

    async def step(self) -> timedelta:
        """Work off one batch of waiting items. Returns how long there is nothing to do."""
        installation = await Installation.get_or_none(id=self.installation_id, enabled=True)
        if installation is None:
            return NOT_NOW
        connection = Tortoise.get_connection("default")
        items = await inbox.waiting(connection, installation.id, self.clock(), BATCH)
        try:
            if any(one.kind in (InboxKind.ITEM, InboxKind.DELIVERY) for one in items):
                await self.plugins.describe(installation.plugin)
            for item in items:
                if self.stopped():
                    break
                await self.process(installation, item)
        except SecretsUnreadable as error:
            log.warning("ingestion.secrets_unreadable", installation=str(installation.id))
            await service.note_unreadable(installation.id, str(error), self.clock())
            return NOT_NOW
        except (PluginBroken, AuthFailed, InvalidSettings) as error:
            # No fault of the items: they wait until somebody has looked.
            log.warning(
                "ingestion.intake_waits", installation=str(installation.id), problem=str(error)
            )
            return NOT_NOW
        return timedelta(0) if len(items) == BATCH else IDLE

    async def process(self, installation: Installation, item: Waiting) -> None:
        """Ask the plugin, then let follow what follows, in one transaction.

        Raises:
            AuthFailed, InvalidSettings: nothing of this installation can work now.
        """
        try:
            outcome = await self._ask(installation, item)
            if isinstance(outcome, Activity) and outcome.source_id != item.source_id:
                detail = f"{item.source_id}: its plugin answered about {outcome.source_id}"
                outcome = GivenUp(DeadLetterCause.FORGED, detail)
            await self._follow(installation, item, outcome)
        except (AuthFailed, InvalidSettings, SecretsUnreadable):
            raise
        except DomainError as error:
            detail = f"{error.code}: {error}"
            await self._follow(installation, item, GivenUp(DeadLetterCause.UNTRANSLATABLE, detail))
        except Exception as error:
            # A fault of ours must not hold up the items behind this one. When the database is
            # away, noting it fails as well and the whole step is repeated later.
            log.exception("ingestion.item_failed", item=str(item.id))
            await self._follow(installation, item, Failed(f"internal: {type(error).__name__}"))

    async def _ask(self, installation: Installation, item: Waiting) -> Outcome:
        try:
            return await self._answer(installation, item)
        except Skippable as reason:
            return GivenUp(DeadLetterCause.NOT_AN_ACTIVITY, str(reason))
        except (AuthFailed, InvalidSettings):
            raise
        except (Retryable, PluginBroken) as error:
            return Failed(str(error))
        except ConnectorError as error:
            return GivenUp(DeadLetterCause.UNTRANSLATABLE, str(error))

    async def _answer(self, installation: Installation, item: Waiting) -> Outcome:
        place = (installation.plugin, str(installation.id), settings_of(installation, self.vault))
        match item.kind:
            case InboxKind.ITEM:
                original = Item(source_id=item.source_id, payload=item.body)
                (answer,) = await self.plugins.translate(*place, [original])
                if isinstance(answer, Exception):
                    raise answer
                if not isinstance(answer, Activity):
                    detail = f"{type(answer).__name__} is not taken in yet"
                    return GivenUp(DeadLetterCause.UNTRANSLATABLE, detail)
                return answer
            case InboxKind.DELIVERY:
                return Split(await self.plugins.receive(*place, Delivery(**item.body)))
            case InboxKind.ACTIVITY:
                return Activity.from_json(item.body)
            case InboxKind.UNREADABLE | InboxKind.FILE:
                detail = "the body holds a NUL, a lone surrogate or no number"
                return GivenUp(DeadLetterCause.UNTRANSLATABLE, detail)

    async def _follow(self, installation: Installation, item: Waiting, outcome: Outcome) -> None:
        """Do and commit what follows from an outcome, unless another worker has."""
        now = self.clock()
        if isinstance(outcome, Failed) and item.attempts + 1 >= MOST_ATTEMPTS:
            detail = f"failed {MOST_ATTEMPTS} times, last: {outcome.detail}"
            outcome = GivenUp(DeadLetterCause.UNTRANSLATABLE, detail)
        async with transaction() as connection:
            if not await inbox.claim(connection, item.id):
                return
            match outcome:
                case Activity():
                    await self._take_in(connection, installation, item, outcome, now)
                case Split(items):
                    received = [Received(source_id=i.source_id, body=i.payload) for i in items]
                    await inbox.accept(connection, installation.id, received, now)
                    await inbox.settle(connection, item.id, now)
                case GivenUp(cause, detail):
                    await inbox.give_up(connection, item.id, cause, detail, now)
                case Failed():
                    pause = backoff(item.attempts + 1, self.spread())
                    await inbox.postpone(connection, item.id, now + pause)

    async def _take_in(
        self,
        connection: BaseDBAsyncClient,
        installation: Installation,
        item: Waiting,
        activity: Activity,
        now: datetime,
    ) -> None:
        employee = await person_of(connection, installation.id, activity.nip)
        if employee is None:
            detail = f"{item.source_id}: nobody in this agency has the NIP {activity.nip}"
            cause = DeadLetterCause.UNKNOWN_PERSON
            await inbox.give_up(connection, item.id, cause, detail, now)
            return
        await take_in(
            connection,
            installation_id=installation.id,
            inbox_item_id=item.id,
            plugin=installation.plugin,
            activity=activity,
            employee=employee,
            now=now,
        )
        await inbox.settle(connection, item.id, now)
