"""What follows from a batch of outcomes, in one transaction of set-based statements.

A process that is killed anywhere leaves each item waiting or done, and nothing in between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ekinerja_connectors import Activity, Direction, Presence, Retraction, Statement
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds import inbox, problems
from schema.feeds.models import DeadLetterCause, Installation, ProblemCode
from schema.feeds.rules import Received
from schema.organizations import clock
from schema.organizations.clock import Passage
from schema.organizations.models import ClockDirection
from schema.progress import intake, retracting
from schema.progress.intake import Arrival, Doer
from schema.progress.retracting import TakenBack
from schema.tables import transaction
from server.ingestion.outcomes import Asked, Failed, GivenUp, Rows, Split
from server.ingestion.retry import backoff

DIRECTIONS = {Direction.IN: ClockDirection.IN, Direction.OUT: ClockDirection.OUT}


@dataclass(slots=True)
class _Plan:
    """What is to be done with the items of a batch, by their keys."""

    stated: list[tuple[UUID, Statement]] = field(default_factory=list)
    given_up: list[inbox.GivenUp] = field(default_factory=list)
    done: list[UUID] = field(default_factory=list)
    postponed: dict[UUID, datetime] = field(default_factory=dict)

    def add(self, item_id: UUID, outcome: Statement | GivenUp) -> None:
        if isinstance(outcome, GivenUp):
            self.given_up.append(inbox.GivenUp(item_id, outcome.cause, outcome.detail))
        else:
            self.stated.append((item_id, outcome))


async def follow(
    installation: Installation,
    batch: Sequence[Asked],
    now: datetime,
    spread: Callable[[], float],
) -> None:
    """Do and commit what follows, unless another worker has or the installation was stopped.

    Raises:
        DomainError: an item cannot be; nothing of the batch is done.
    """
    async with transaction() as connection:
        if not await inbox.hold(connection, installation.id):
            return
        claimed = await inbox.claim(connection, [item.id for item, _ in batch])
        plan = _Plan()
        splits: list[Split] = []
        for item, outcome in batch:
            if item.id not in claimed:
                continue
            match outcome:
                case Failed():
                    plan.postponed[item.id] = now + backoff(item.attempts + 1, spread())
                case Split():
                    splits.append(outcome)
                    plan.done.append(item.id)
                case Rows():
                    await _keep_rows(connection, installation.id, outcome, plan, now)
                    plan.done.append(item.id)
                case _:
                    plan.add(item.id, outcome)
        await _keep_split(connection, installation.id, splits, plan, now)
        settled = plan.done + [id for id, _ in plan.stated if id in claimed]
        await _take_in(connection, installation, plan, now)
        given_up = {one.item_id for one in plan.given_up}
        await inbox.settle(connection, [id for id in settled if id not in given_up], now)
        await inbox.give_up(connection, plan.given_up, now)
        await inbox.postpone(connection, plan.postponed)
        await _tell(connection, installation.id, plan, now)


async def _keep_rows(
    connection: BaseDBAsyncClient, installation_id: UUID, file: Rows, plan: _Plan, now: datetime
) -> None:
    """The items of a file wait; its refused rows are items that are given up at once."""
    items = [Received(source_id=one.source_id, body=one.payload) for one in file.reading.items]
    await inbox.accept(connection, installation_id, items, now)
    refused = {f"{file.name}:row:{one.row}": one for one in file.reading.refused}
    rows = [Received(source_id=name, body=one.payload) for name, one in refused.items()]
    kept = await inbox.keep(connection, installation_id, rows, now)
    for name, id in kept.ids.items():
        detail = f"row {refused[name].row}: {refused[name].reason}"
        plan.add(id, GivenUp(DeadLetterCause.UNTRANSLATABLE, detail))


async def _keep_split(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    splits: Sequence[Split],
    plan: _Plan,
    now: datetime,
) -> None:
    """The items of deliveries, settled where something follows at once; the others wait.

    What was kept before has had what follows from it.
    """
    outcomes: dict[str, Statement | GivenUp | None] = {}
    for split in splits:
        for item, outcome in zip(split.items, split.outcomes, strict=True):
            outcomes.setdefault(item.source_id, outcome)
    received = [
        Received(source_id=item.source_id, body=item.payload)
        for split in splits
        for item in split.items
    ]
    if not received:
        return
    settled = {name for name, outcome in outcomes.items() if outcome is not None}
    kept = await inbox.keep(connection, installation_id, received, now, settled)
    for name, id in kept.ids.items():
        outcome = outcomes[name]
        if outcome is not None:
            plan.add(id, outcome)
    if kept.ids.keys() - settled:
        await inbox.wake(connection, installation_id)


async def _take_in(
    connection: BaseDBAsyncClient, installation: Installation, plan: _Plan, now: datetime
) -> None:
    """Records, presence and retractions of what was stated; who is unknown is given up."""
    if not plan.stated:
        return
    retractions = [(id, one) for id, one in plan.stated if isinstance(one, Retraction)]
    nips = [one.nip for _, one in plan.stated if not isinstance(one, Retraction)]
    retracted = [one.retracts for _, one in retractions]
    people = await intake.people_of(connection, installation.id, nips, retracted)
    made = await intake.take_in(
        connection,
        installation_id=installation.id,
        plugin=installation.plugin,
        arrivals=_arrivals(plan, people),
        now=now,
    )
    made += await clock.keep(connection, installation.id, _passages(plan, people), now)
    before = await retracting.taken_back_before(connection, installation.id, made)
    back = [
        TakenBack(inbox_item_id=id, retracts=one.retracts, at=one.at, reason=one.reason)
        for id, one in retractions
    ]
    new = await retracting.keep(connection, installation.id, back, now)
    await retracting.take_back(
        connection,
        installation_id=installation.id,
        plugin=installation.plugin,
        source_ids=[*before, *new],
        now=now,
    )
    for id, one in plan.stated:
        if not isinstance(one, Retraction) and one.nip not in people:
            detail = f"{one.source_id}: nobody in this agency has the NIP {one.nip}"
            plan.add(id, GivenUp(DeadLetterCause.UNKNOWN_PERSON, detail))


def _arrivals(plan: _Plan, people: Mapping[str, Doer]) -> list[Arrival]:
    return [
        Arrival(inbox_item_id=id, activity=one, doer=people[one.nip])
        for id, one in plan.stated
        if isinstance(one, Activity) and one.nip in people
    ]


def _passages(plan: _Plan, people: Mapping[str, Doer]) -> list[Passage]:
    return [
        Passage(
            source_id=one.source_id,
            employee_id=people[one.nip].id,
            timezone=people[one.nip].timezone,
            at=one.at,
            direction=DIRECTIONS[one.direction],
            place=one.place,
        )
        for id, one in plan.stated
        if isinstance(one, Presence) and one.nip in people
    ]


async def _tell(
    connection: BaseDBAsyncClient, installation_id: UUID, plan: _Plan, now: datetime
) -> None:
    """A plugin that answers about another item is shown to the administrator."""
    forged = [one for one in plan.given_up if one.cause is DeadLetterCause.FORGED]
    if forged:
        await problems.note(connection, installation_id, ProblemCode.FORGED, forged[-1].detail, now)
