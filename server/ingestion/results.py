"""Signed appraisals handed to the plugin of an installation, one by one, and what became of each.

Which there are, and how each goes on after an answer, belongs to appraisals; here a connector's
settings are opened, its plugin is asked, and what it raises becomes an answer: of one result, or
of the connector as a whole.
"""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from ekinerja_connectors import (
    JSON,
    AuthFailed,
    ConnectorError,
    InvalidCursor,
    InvalidSettings,
    Malformed,
    Official,
    Predicate,
    Rating,
    Receipt,
    Result,
    ResultKind,
    Retryable,
    Skippable,
)

from schema.appraisals import sending
from schema.appraisals.sending import CAPABILITY, LEASE, Parcel, Person, Sending
from schema.appraisals.sending_rules import (
    NO_APPRAISER,
    NO_POST,
    Answer,
    Outcome,
    after_answer,
)
from schema.feeds.models import Installation, RunState
from schema.feeds.service import note_answered, note_failure, note_working_channel
from schema.values import utc_now
from schema.vault import KEYLESS, SecretsUnreadable, Vault
from server.ingestion.faults import problem_of
from server.ingestion.loop import Loop
from server.ingestion.masking import Mask
from server.ingestion.plugins import PluginBroken, PluginMissing, Plugins, settings_of
from server.ingestion.retry import FOR_AN_ADMINISTRATOR, backoff

LOOK = timedelta(seconds=10)
"""How often it is looked whether a result is due."""
NOW = timedelta(0)
SENDERS = 3
"""Parcels at once: a service that hangs holds up no other agency's."""
LAST_CALL = LEASE - timedelta(minutes=2)
"""So long after a parcel was taken nothing more of it is begun: a call ends within the lease."""
UNKNOWN_IN_A_ROW = 5
"""Answers that the plugin does not know, and none that it does: the service itself has changed."""
WAITS = (AuthFailed, InvalidSettings, InvalidCursor, SecretsUnreadable, PluginMissing)
"""Faults of the connector, not of the result: nothing goes before somebody has looked."""
TOLD = (ConnectorError, PluginBroken, SecretsUnreadable)
"""Whatever else is raised is a fault of ours."""
ENDS_THE_PARCEL = frozenset({Outcome.RETRY, Outcome.HELD})

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What it takes to ask a connector's plugin."""

    plugin: str
    installation: str
    settings: Mapping[str, JSON]
    mask: Mask


@dataclass(slots=True, kw_only=True)
class Tally:
    """How a parcel goes: how many were begun, what came of them, and the last fault. `by_service`
    leaves out what was not asked of anybody."""

    begun: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    by_service: list[Outcome] = field(default_factory=list)
    fault: Exception | None = None
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class ResultSender:
    """Sends results, a parcel at a time; several may run beside each other."""

    plugins: Plugins
    vault: Vault = KEYLESS
    clock: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = random.random

    async def step(self) -> timedelta:
        """One parcel. Returns how long there is nothing to do."""
        began = self.clock()
        parcel = await sending.take(began)
        if parcel is None:
            return LOOK
        if not parcel.results:
            return NOW
        tally = Tally()
        try:
            await self._send(parcel, began, tally)
        finally:
            # One that was in hand when this ends from outside may have arrived: its lease decides.
            left = parcel.results[tally.begun :]
            await sending.release(parcel.installation_id, left, self.clock())
        await self._judge(parcel, tally, began)
        numbers = {one.value: tally.outcomes.count(one) for one in Outcome}
        log.info("results.sent", installation=str(parcel.installation_id), **numbers)
        return NOW

    async def _send(self, parcel: Parcel, began: datetime, tally: Tally) -> None:
        """Each of a parcel, until the connector fails or the lease is nearly over."""
        try:
            door = await self._opened(parcel)
        except TOLD as error:
            tally.fault, tally.words = error, f"{type(error).__name__}: {error}"
            return
        for one in parcel.results:
            if self.clock() - began > LAST_CALL:
                return
            tally.begun += 1
            answer = await self._answer(door, one, tally)
            now = self.clock()
            fate = after_answer(one.delivery_id, one.attempts, answer, now, self.spread())
            await sending.settle(parcel.installation_id, [fate], now)
            tally.outcomes.append(answer.outcome)
            if answer.outcome in ENDS_THE_PARCEL or self._changed(parcel, tally):
                tally.words = answer.message or "-"
                return

    async def _opened(self, parcel: Parcel) -> Door:
        row = await Installation.get(id=parcel.installation_id)
        about = await self.plugins.describe(row.plugin)
        settings = settings_of(row, self.vault)
        if CAPABILITY not in about.capabilities:
            raise PluginBroken(row.plugin, f"it has no capability {CAPABILITY}")
        mask = Mask.of(settings, about.settings_schema)
        return Door(plugin=row.plugin, installation=str(row.id), settings=settings, mask=mask)

    async def _answer(self, door: Door, one: Sending, tally: Tally) -> Answer:
        """What became of one. A fault of ours is told as such and tried again."""
        try:
            result = result_of(one)
        except Malformed as error:  # ours: no service was asked
            return Answer(outcome=Outcome.REFUSED, message=f"Malformed: {error}")
        try:
            receipt = await self.plugins.send(door.plugin, door.installation, door.settings, result)
        except Exception as error:
            if not isinstance(error, TOLD):
                log.exception("results.call_failed", installation=door.installation)
            answer = answer_of(error, door.mask)
            tally.fault = error
        else:
            answer = received(receipt, door.mask)
        tally.by_service.append(answer.outcome)
        return answer

    def _changed(self, parcel: Parcel, tally: Tally) -> bool:
        """Whether the service answers nothing that its plugin knows; of a probe one tells it."""
        enough = 1 if parcel.failures else UNKNOWN_IN_A_ROW
        said = tally.by_service[-enough:]
        return len(said) == enough and set(said) == {Outcome.UNKNOWN}

    async def _judge(self, parcel: Parcel, tally: Tally, began: datetime) -> None:
        """What the parcel says of its connector: that it works, or that it does not and why."""
        key, now = parcel.installation_id, self.clock()
        if not ENDS_THE_PARCEL.union({Outcome.UNKNOWN}).issuperset(tally.by_service):
            await note_answered(key, now)
        if Outcome.RECEIVED in tally.by_service:
            await note_working_channel(key, now)
        last = tally.by_service[-1] if tally.by_service else Outcome.HELD
        ended = last in ENDS_THE_PARCEL or self._changed(parcel, tally)
        if tally.fault is None or not ended:
            return
        passing = isinstance(tally.fault, Retryable) or not isinstance(tally.fault, TOLD)
        await note_failure(
            key,
            state=RunState.RETRYING if passing else RunState.FAILED,
            problem=tally.words,
            code=problem_of(tally.fault),
            pause=backoff(parcel.failures + 1, self.spread()) if passing else FOR_AN_ADMINISTRATOR,
            asked=tally.fault.retry_after if isinstance(tally.fault, Retryable) else None,
            started_at=began,
            now=now,
        )


def result_of(one: Sending) -> Result:
    """A signed appraisal in the SDK's words; its id is the same each time that it is sent.

    Raises:
        Malformed: it cannot be said, for the reason given; nothing is invented.
    """
    if one.appraiser is None:
        raise Malformed(NO_APPRAISER)
    if not one.appraiser.position or not one.appraiser.unit:
        raise Malformed(NO_POST)
    return Result(
        id=str(one.appraisal_id),
        kind=ResultKind[one.kind.name],
        year=one.ends_on.year,
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        employee=official_of(one.employee),
        appraiser=official_of(one.appraiser),
        work=Rating[one.work.name],
        behaviour=Rating[one.behaviour.name],
        predicate=Predicate[one.predicate.name],
    )


def official_of(person: Person) -> Official:
    """Raises:
    Malformed: a part is missing or cannot be said.
    """
    return Official(
        nip=person.nip,
        name=person.name,
        position=person.position or "",
        unit=person.unit or "",
        rank=person.rank,
    )


def received(receipt: Receipt, mask: Mask) -> Answer:
    said = None if receipt.message is None else mask.text(receipt.message)
    return Answer(
        outcome=Outcome.RECEIVED, reference=receipt.reference, at=receipt.at, message=said
    )


def answer_of(error: Exception, mask: Mask) -> Answer:
    """What something that a call raised says of the result; ours are named, not told."""
    if not isinstance(error, TOLD):
        return Answer(outcome=Outcome.RETRY, message=f"internal: {type(error).__name__}")
    words = mask.text(f"{type(error).__name__}: {error}")
    if isinstance(error, WAITS):
        return Answer(outcome=Outcome.HELD, message=words)
    if isinstance(error, Skippable):
        return Answer(outcome=Outcome.SKIPPED, message=words)
    if isinstance(error, Malformed):
        return Answer(outcome=Outcome.REFUSED, message=words)
    if isinstance(error, (Retryable, PluginBroken)):
        after = error.retry_after if isinstance(error, Retryable) else None
        return Answer(outcome=Outcome.RETRY, message=words, again_after=after)
    return Answer(outcome=Outcome.UNKNOWN, message=words)


async def run_results(plugins: Plugins, vault: Vault, stop: asyncio.Event) -> None:
    """Send until `stop` is set. What is in hand then, another worker sends again once its lease
    is over. Tortoise must be open as the worker role."""
    sender = ResultSender(plugins=plugins, vault=vault)
    loops: Sequence[Loop] = [Loop(f"results {n}", sender.step) for n in range(SENDERS)]
    running = [asyncio.create_task(one.run()) for one in loops]
    try:
        await stop.wait()
    finally:
        for loop, task in zip(loops, running, strict=True):
            loop.stop()
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
