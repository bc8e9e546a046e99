"""Working off the inbox of one installation: each item becomes a record, items, or a dead letter.

The plugin is asked before the transaction; what follows from its answers is one transaction. So a
process that is killed anywhere leaves the items waiting or done, and nothing in between.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from ekinerja_connectors import AuthFailed, InvalidSettings
from tortoise import Tortoise

from schema.errors import DomainError
from schema.feeds import inbox, problems, service
from schema.feeds.inbox import Waiting
from schema.feeds.models import DeadLetterCause, Installation, ProblemCode
from schema.tables import transaction
from schema.values import utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.asking import OF_PLUGINS, Asking, groups
from server.ingestion.faults import problem_of
from server.ingestion.following import follow
from server.ingestion.outcomes import (
    LONGEST_RUN,
    Asked,
    Failed,
    GivenUp,
    Outcome,
    Split,
    judged,
    worn_out,
)
from server.ingestion.plugins import PluginBroken, Plugins

BATCH = 2_000
IDLE = timedelta(seconds=1)
"""How long a lost wake-up delays an item."""
NOT_NOW = timedelta(seconds=30)
"""The pause while nothing of the plugin can work: it is broken, or its settings are refused."""
KEPT_WAITING = frozenset(
    {
        ProblemCode.PLUGIN_MISSING,
        ProblemCode.PLUGIN_BROKEN,
        ProblemCode.SETTINGS_INVALID,
        ProblemCode.CREDENTIALS_REFUSED,
        ProblemCode.SECRETS_UNREADABLE,
    }
)
"""What may keep an intake waiting."""

log = structlog.get_logger()


@dataclass(kw_only=True)
class Intake:
    """The inbox side of one installation; `step` is called over and over by a Loop."""

    installation_id: UUID
    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = random.random
    stopped: Callable[[], bool] = lambda: False
    run: int = field(default=0, init=False)
    """Items in a row that could not be read, since one that could."""
    noted: set[ProblemCode] = field(default_factory=set, init=False)
    worked: bool = field(default=False, init=False)
    """Whether the plugin was of use to this process: what one before it noted is gone then."""

    async def step(self) -> timedelta:
        """Work off one batch of waiting items. Returns how long there is nothing to do."""
        installation = await Installation.get_or_none(id=self.installation_id, enabled=True)
        if installation is None or installation.paused:
            return NOT_NOW
        connection = Tortoise.get_connection("default")
        backlog = await inbox.waiting(connection, installation.id, self.clock(), BATCH)
        try:
            if installation.halted_at is not None and not await self._resumed(installation):
                return NOT_NOW
            asks = any(one.kind in OF_PLUGINS for one in backlog.items)
            if asks:
                await self.plugins.describe(installation.plugin)
            asking = Asking(
                installation=installation,
                plugins=self.plugins,
                now=self.clock(),
                stopped=self.stopped,
                vault=self.vault,
            )
            done = await self._work_through(installation, asking, backlog.items)
        except (PluginBroken, AuthFailed, InvalidSettings, SecretsUnreadable) as error:
            # No fault of the items: they wait until somebody has looked.
            await self._wait(installation, error)
            return NOT_NOW
        if asks and done and not self.worked:
            self.worked = True
            # Where polling fails, what it noted is its own to take back.
            self.noted |= KEPT_WAITING if not installation.failures else set()
        await self._go_on(installation)
        left = backlog.more or 0 < done < len(backlog.items)
        return timedelta(0) if left else IDLE

    async def _work_through(
        self, installation: Installation, asking: Asking, items: Sequence[Waiting]
    ) -> int:
        """Group by group: while one is written, the plugin is asked about the next.

        How many items something came of.
        """
        done = 0
        writing: asyncio.Task[bool] | None = None
        try:
            for group in groups(items):
                asked = await asking.ask(group)
                if writing is not None and not await writing:
                    break
                writing = asyncio.create_task(self._work_off(installation, asked))
                done += len(asked)
                if len(asked) < len(group):
                    break
        finally:
            if writing is not None:
                await writing
        return done

    async def _work_off(self, installation: Installation, asked: Sequence[Asked]) -> bool:
        """Let follow what follows; False where the intake halts with it."""
        known = [(item, worn_out(item, outcome)) for item, outcome in asked]
        self.run, batch, halts = judged(self.run, known)
        await self._settle(installation, batch)
        if halts:
            await self._halt(installation)
        return not halts

    async def _settle(self, installation: Installation, batch: Sequence[Asked]) -> None:
        """Let follow what follows; what spoils a batch is found by halving it."""
        if not batch:
            return
        try:
            await follow(installation, batch, self.clock(), self.spread)
        except Exception as error:
            # While the database is away this raises as well, and the step is repeated later.
            await Tortoise.get_connection("default").execute_query("SELECT 1")
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._settle(installation, batch[:middle])
                await self._settle(installation, batch[middle:])
                return
            item, outcome = batch[0]
            instead = worn_out(item, _instead(outcome, error))
            log.warning("ingestion.item_failed", item=str(item.id), exc_info=error)
            await follow(installation, [(item, instead)], self.clock(), self.spread)

    async def _halt(self, installation: Installation) -> None:
        """Touch no further item until somebody has looked, or the plugin is another one."""
        now = self.clock()
        version = (await self.plugins.describe(installation.plugin)).version
        detail = f"{LONGEST_RUN} items in a row could not be read by version {version}"
        log.warning("ingestion.halted", installation=str(installation.id), problem=detail)
        async with transaction() as connection:
            one = Installation.filter(id=installation.id, halted_at=None).using_db(connection)
            if await one.update(halted_at=now, halted_version=version):
                code = ProblemCode.INTAKE_HALTED
                await problems.note(connection, installation.id, code, detail, now)

    async def _resumed(self, installation: Installation) -> bool:
        """Whether another version of the plugin is there, which may read what the last did not."""
        version = (await self.plugins.describe(installation.plugin)).version
        if version == installation.halted_version:
            return False
        async with transaction() as connection:
            one = Installation.filter(id=installation.id).using_db(connection)
            await one.update(halted_at=None, halted_version=None)
            codes = [ProblemCode.INTAKE_HALTED]
            await problems.resolve(connection, installation.id, codes, self.clock())
        return True

    async def _wait(self, installation: Installation, error: Exception) -> None:
        log.warning("ingestion.intake_waits", installation=str(installation.id), problem=str(error))
        code = problem_of(error)
        self.noted.add(code)
        await service.note_problem(installation.id, code, str(error), self.clock())

    async def _go_on(self, installation: Installation) -> None:
        """What kept the intake waiting is gone."""
        if self.noted:
            async with transaction() as connection:
                await problems.resolve(connection, installation.id, self.noted, self.clock())
            self.noted.clear()


def _instead(outcome: Outcome, error: Exception) -> Outcome:
    """What becomes of an item whose outcome the database does not take."""
    if isinstance(outcome, Split) and any(one is not None for one in outcome.outcomes):
        # One of its items is at fault: each waits by itself, and the delivery is done.
        return Split(outcome.items, (None,) * len(outcome.items))
    if isinstance(error, DomainError):
        return GivenUp(DeadLetterCause.UNTRANSLATABLE, f"{error.code}: {error}")
    return Failed(f"internal: {type(error).__name__}")
