"""The worker's notices: composes those whose time has come, and hands them to their channels.

A notice is sent at least once. A worker that dies between a channel's answer and noting it has the
notice sent again by another, under the same id.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from schema.feeds.models import ProblemCode, RunState
from schema.feeds.service import note_answered, note_failure, note_problem
from schema.notices import composing, delivering
from schema.notices.delivering import Outcome, Parcel, Said, Sending
from schema.notices.words import named
from schema.values import utc_now
from server.ingestion.channels import NoticeChannels, NoticeItem, NoticeOutcome, To
from server.ingestion.loop import Loop
from server.ingestion.retry import backoff

LOOK = timedelta(seconds=20)
"""How often it is looked whether somewhere a time has come, or a delivery is due."""
DISPATCHERS = 3
"""Channels that are served at once: a mail server that hangs holds up no other agency's."""
NOW = timedelta(0)

EVERYBODY = 3
"""Notices of one parcel from which on it is no accident that all of them are refused."""

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Composer:
    """Makes notices; `step` is called over and over by a Loop."""

    clock: Callable[[], datetime] = utc_now

    async def step(self) -> timedelta:
        """One batch. Returns how long there is nothing to do."""
        made = await composing.compose(self.clock())
        if made is None:
            return LOOK
        if made:
            log.info("notices.composed", notices=made)
        return NOW


@dataclass(frozen=True, kw_only=True)
class Dispatcher:
    """Hands notices to channels, a parcel at a time; several may run beside each other."""

    channels: NoticeChannels
    clock: Callable[[], datetime] = utc_now
    spread: Callable[[], float] = random.random

    async def step(self) -> timedelta:
        """One parcel. Returns how long there is nothing to do."""
        began = self.clock()
        parcel = await delivering.take(began)
        if parcel is None:
            return LOOK
        if parcel.notices:
            await self._send(parcel, began)
        return NOW

    async def _send(self, parcel: Parcel, began: datetime) -> None:
        said = await self._asked(parcel)
        settled = await delivering.settle(parcel, said, self.clock(), self.spread)
        await self._judge(parcel, said, began)
        log.info(
            "notices.sent",
            installation=str(parcel.installation_id),
            delivered=settled.delivered,
            failed=settled.failed,
            again=settled.again,
        )

    async def _asked(self, parcel: Parcel) -> list[Said]:
        """What the channel says of each. A fault of ours is told as such and tried again."""
        try:
            answers = await self.channels.deliver_notices(
                parcel.installation_id, [item_of(one) for one in parcel.notices]
            )
        except Exception as error:
            log.exception("notices.call_failed", installation=str(parcel.installation_id))
            words = f"internal: {type(error).__name__}"
            return [Said(outcome=Outcome.RETRY, detail=words) for _ in parcel.notices]
        by_id = {one.id: one for one in answers}
        return [said_of(by_id.get(str(one.notice_id))) for one in parcel.notices]

    async def _judge(self, parcel: Parcel, said: list[Said], began: datetime) -> None:
        """A channel that takes nothing at all counts as not reached, and its breaker opens. One
        that refuses everybody is a problem, too: the fault is hardly each person's own."""
        if any(one.outcome is not Outcome.RETRY for one in said):
            await note_answered(parcel.installation_id, self.clock())
            if len(said) >= EVERYBODY and all(one.outcome is Outcome.REFUSED for one in said):
                words = f"all {len(said)} notices of a parcel were refused: {said[0].detail}"
                code = ProblemCode.SERVICE_ANSWERS_WRONGLY
                await note_problem(parcel.installation_id, code, words, self.clock())
            return
        await note_failure(
            parcel.installation_id,
            state=RunState.RETRYING,
            problem=said[0].detail,
            code=ProblemCode.SERVICE_UNREACHABLE,
            pause=backoff(parcel.failures + 1, self.spread()),
            asked=max((one.again_after for one in said if one.again_after), default=None),
            started_at=began,
            now=self.clock(),
        )


def item_of(one: Sending) -> NoticeItem:
    """A notice as a channel gets it; its id is the same each time that it is tried."""
    return NoticeItem(
        id=str(one.notice_id),
        kind=one.kind.lower(),
        to=To(name=named(one.name) or one.nip, nip=one.nip, address=one.address),
        subject=one.subject,
        body=one.body,
        day=one.day,
        facts=one.facts,
    )


def said_of(answer: NoticeOutcome | None) -> Said:
    """An answer in our words; none is a retry."""
    if answer is None:
        return Said(outcome=Outcome.RETRY, detail="the channel did not answer for it")
    return Said(
        outcome=Outcome(answer.state),
        detail=answer.detail or "",
        again_after=answer.retry_after,
    )


async def run_notices(channels: NoticeChannels, stop: asyncio.Event) -> None:
    """Compose and send until `stop` is set. What is in hand then, another worker sends again once
    its lease is over. Tortoise must be open as the worker role."""
    dispatchers = [
        Loop(f"notices {n}", Dispatcher(channels=channels).step) for n in range(DISPATCHERS)
    ]
    loops = [Loop("notices", Composer().step), *dispatchers]
    running = [asyncio.create_task(one.run()) for one in loops]
    try:
        await stop.wait()
    finally:
        for loop, task in zip(loops, running, strict=True):
            loop.stop()
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
