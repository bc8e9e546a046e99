"""Items that nobody can read: few hold nothing up, many halt the intake, and none is dropped."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from ekinerja_connectors import (
    Activity,
    Delivery,
    InvalidSettings,
    Item,
    Malformed,
    Retryable,
    Skippable,
)

from schema.feeds import service
from schema.feeds.models import (
    ConnectorProblem,
    DeadLetter,
    InboxItem,
    InboxKind,
    Installation,
    ProblemCode,
)
from schema.feeds.rules import Received
from schema.progress.models import Activity as Kept
from server.database import Database, DatabaseRole, opened
from server.ingestion.intake import NOT_NOW, Intake
from server.ingestion.outcomes import LONGEST_RUN
from server.plugin_host import PluginInfo
from tests import feeding
from tests.feeding import NOON, FakePlugins, activity, count, item


@pytest.fixture
async def feed(fresh_database: Database) -> AsyncIterator[Installation]:
    """An installation of an agency with one employee; Tortoise is open as the worker."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        agency = await feeding.agency()
        await feeding.employee(agency)
        made = await feeding.installation(agency)
    async with opened(fresh_database, DatabaseRole.WORKER):
        yield made


def intake(feed: Installation, plugins: FakePlugins) -> Intake:
    return Intake(installation_id=feed.id, plugins=plugins, clock=lambda: NOON, spread=lambda: 0.5)


async def emptied(taking: Intake) -> None:
    while await taking.step() == timedelta(0):
        pass


async def pushed(feed: Installation, names: list[str]) -> None:
    received = [Received(source_id=name, body={"n": name}) for name in names]
    await service.accept(feed.id, received, NOON)


async def delivered(feed: Installation, name: str) -> None:
    body = {"id": name, "body": "[]", "headers": {}}
    one = Received(source_id=f"delivery:{name}", body=body, kind=InboxKind.DELIVERY)
    await service.accept(feed.id, [one], NOON)


def unreadable(_: Item) -> Activity:
    raise Malformed("the shape is unknown")


class Newer(FakePlugins):
    """Another version of the same plugin."""

    async def describe(self, plugin: str) -> PluginInfo:
        found = await super().describe(plugin)
        return PluginInfo(
            name=found.name,
            distribution=found.distribution,
            version="2",
            title=found.title,
            capabilities=found.capabilities,
            settings_schema={},
        )


def poisoned(one: Item) -> Activity:
    if one.source_id == "D-500":
        raise Malformed("no letter")
    return activity(one.source_id)


@pytest.mark.parametrize("as_delivery", [False, True])
async def test_one_bad_item_in_a_thousand_leaves_the_others_processed(
    feed: Installation, as_delivery: bool
) -> None:
    names = [f"D-{n}" for n in range(1_000)]
    if as_delivery:
        await delivered(feed, "msg_1")
    else:
        await pushed(feed, names)
    every = tuple(item(name) for name in names)
    await emptied(intake(feed, FakePlugins(translate=poisoned, receive=lambda delivery: every)))

    assert await count("progress_record") == await count("event") == 999
    assert (await DeadLetter.get()).detail == "no letter"
    assert await InboxItem.filter(processed_at=None).count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("as_delivery", [False, True])
async def test_one_item_that_the_database_does_not_take_leaves_the_others_processed(
    feed: Installation, as_delivery: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schema.progress import intake as taking_in

    original = taking_in.take_in

    async def take_in(*args, **given):  # type: ignore[no-untyped-def]
        if any(one.activity.source_id == "D-7" for one in given["arrivals"]):
            raise RuntimeError("a fault that nobody foresaw")
        return await original(*args, **given)

    monkeypatch.setattr(taking_in, "take_in", take_in)
    names = [f"D-{n}" for n in range(40)]
    if as_delivery:
        await delivered(feed, "msg_1")
    else:
        await pushed(feed, names)
    every = tuple(item(name) for name in names)
    await emptied(intake(feed, FakePlugins(receive=lambda delivery: every)))
    await emptied(intake(feed, FakePlugins()))

    left = await InboxItem.get(processed_at=None)
    assert (left.source_id, left.attempts) == ("D-7", 1)
    assert await Kept.all().count() == 39


@pytest.mark.parametrize("as_delivery", [False, True])
async def test_an_intake_of_which_nothing_can_be_read_halts_and_drops_nothing(
    feed: Installation, as_delivery: bool
) -> None:
    names = [f"D-{n}" for n in range(1_000)]
    if as_delivery:
        await delivered(feed, "msg_1")
    else:
        await pushed(feed, names)
    every = tuple(item(name) for name in names)
    plugins = FakePlugins(translate=unreadable, receive=lambda delivery: every)
    await emptied(intake(feed, plugins))

    assert await DeadLetter.all().count() == LONGEST_RUN
    waiting = InboxItem.filter(processed_at=None)
    assert await waiting.count() == 1_000 - LONGEST_RUN
    await feed.refresh_from_db()
    assert feed.halted_at == NOON
    problem = await ConnectorProblem.get(resolved_at=None)
    assert (problem.code, problem.times) == (ProblemCode.INTAKE_HALTED, 1)
    asked = len(plugins.translated)
    assert await intake(feed, plugins).step() == NOT_NOW
    assert len(plugins.translated) == asked  # it is left alone

    await emptied(intake(feed, Newer(receive=lambda delivery: every)))

    assert await count("progress_record") == 1_000 - LONGEST_RUN
    assert await waiting.count() == 0
    assert await ConnectorProblem.filter(resolved_at=None).count() == 0
    await feed.refresh_from_db()
    assert feed.halted_at is None


async def test_an_intake_is_tried_again_when_somebody_resumes_it(feed: Installation) -> None:
    await pushed(feed, [f"D-{n}" for n in range(30)])
    taking = intake(feed, FakePlugins(translate=unreadable))
    await emptied(taking)
    await Installation.filter(id=feed.id).update(halted_at=None)

    taking.plugins = FakePlugins()
    await emptied(taking)

    assert await count("progress_record") == 30 - LONGEST_RUN


async def test_what_kept_a_process_waiting_is_gone_when_the_next_one_goes_on(
    feed: Installation,
) -> None:
    """A plugin is mended, and the worker started anew; it takes webhooks, so no poll tells."""

    def refused(_: Item) -> Activity:
        raise InvalidSettings("no template")

    await pushed(feed, ["D-1"])
    assert await intake(feed, FakePlugins(translate=refused)).step() == NOT_NOW
    assert await ConnectorProblem.filter(resolved_at=None).count() == 1

    anew = intake(feed, FakePlugins())
    await emptied(anew)

    assert await count("progress_record") == 1
    assert await ConnectorProblem.filter(resolved_at=None).count() == 0


async def test_a_run_of_unreadable_items_is_counted_over_steps_and_broken_by_one_that_is_read(
    feed: Installation,
) -> None:
    def read(one: Item) -> Activity:
        if one.source_id == "draft":
            raise Skippable("a draft")
        return unreadable(one)

    taking = intake(feed, FakePlugins(translate=read))
    for n in range(LONGEST_RUN - 1):
        await pushed(feed, [f"D-{n}"])
        await taking.step()
    await pushed(feed, ["draft"])
    await taking.step()
    await pushed(feed, ["last of the former run"])
    await taking.step()

    await feed.refresh_from_db()
    assert (feed.halted_at, taking.run) == (None, 1)


async def test_a_plugin_that_fails_on_a_whole_call_is_asked_item_by_item(
    feed: Installation,
) -> None:
    class Crashing(FakePlugins):
        async def translate(self, *place, items=None):  # type: ignore[no-untyped-def]
            *place, items = place
            if any(one.source_id == "D-3" for one in items):
                self.translated += [one.source_id for one in items]
                raise Retryable("its process ended")
            return await super().translate(*place, items)

    await pushed(feed, [f"D-{n}" for n in range(10)])
    plugins = Crashing()
    await emptied(intake(feed, plugins))

    assert await Kept.all().count() == 9
    left = await InboxItem.get(processed_at=None)
    assert (left.source_id, left.attempts) == ("D-3", 1)


async def test_nothing_is_worked_off_while_an_installation_is_paused(feed: Installation) -> None:
    await Installation.filter(id=feed.id).update(paused=True)
    await pushed(feed, ["D-1"])
    plugins = FakePlugins()

    assert await intake(feed, plugins).step() == NOT_NOW
    assert plugins.translated == []
    await Installation.filter(id=feed.id).update(paused=False)
    await intake(feed, plugins).step()

    assert await count("progress_record") == 1


async def test_a_pause_during_a_step_is_kept_to(feed: Installation) -> None:
    class Slow(FakePlugins):
        async def translate(self, *args):  # type: ignore[no-untyped-def]
            await Installation.filter(id=feed.id).update(paused=True)
            return await super().translate(*args)

    await pushed(feed, ["D-1"])
    await intake(feed, Slow()).step()

    assert await InboxItem.filter(processed_at=None).count() == 1


async def test_forged_answers_are_a_problem_of_the_installation(feed: Installation) -> None:
    await pushed(feed, ["D-1"])
    await intake(feed, FakePlugins(translate=lambda one: activity("D-9"))).step()

    assert (await ConnectorProblem.get()).code is ProblemCode.FORGED
    assert await count("progress_record") == 0


async def test_deliveries_that_overlap_give_each_item_once(feed: Installation) -> None:
    def receive(delivery: Delivery) -> tuple[Item, ...]:
        start = int(delivery.id.removeprefix("msg_"))
        return tuple(item(f"D-{n}", n=n) for n in range(start, start + 10))

    for n in range(8):
        await delivered(feed, f"msg_{n}")
    await asyncio.gather(*(intake(feed, FakePlugins(receive=receive)).step() for _ in range(6)))

    assert await count("progress_record") == await count("event") == 17
    assert await count("dead_letter") == 0
    assert await InboxItem.filter(processed_at=None).count() == 0
