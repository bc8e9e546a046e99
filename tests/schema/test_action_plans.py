"""Action plans of an evaluation period, saved as one thing."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import copy_context
from uuid import UUID

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.errors import DomainError, ErrorCode
from schema.plans.action_plans import ActionDraft, save_action_plans
from schema.plans.models import ActionPlan
from schema.plans.periods import close_period
from schema.tables import transaction
from tests.copies import Copies
from tests.factories import NOW, World, copied_world


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
        yield world


async def save(world: World, *drafts: ActionDraft) -> list[ActionPlan]:
    viewer = await world.scope("self")
    return await save_action_plans(
        viewer, world.rows["plan"].id, world.rows["final"].id, drafts, NOW
    )


def draft(world: World, code: str, **given: UUID | None) -> ActionDraft:
    """An action plan for a target; unless a key is given the one that progress refers to."""
    key = given.get("key", world.rows["action T"].id)
    return ActionDraft(id=key, target_id=world.targets[code].id, description="Menyusun")


async def test_one_action_plan_is_not_given_twice(world: World) -> None:
    with pytest.raises(DomainError) as refused:
        await save(world, draft(world, "T"), draft(world, "T1"))

    assert (refused.value.code, refused.value.field) == (ErrorCode.BAD_USER_INPUT, "items")


async def test_an_action_plan_that_progress_refers_to_stays_with_its_target(world: World) -> None:
    _, unused = await save(world, draft(world, "T"), draft(world, "T", key=None))
    moved = await save(world, draft(world, "T"), draft(world, "T1", key=unused.id))
    assert moved[1].target_id == world.targets["T1"].id

    with pytest.raises(DomainError) as refused:
        await save(world, draft(world, "T1"))

    assert refused.value.code is ErrorCode.IN_USE


async def test_a_period_is_closed_only_after_what_is_being_written_to_it(world: World) -> None:
    administrator, outside = await world.scope("administrator"), copy_context()
    period = world.rows["final"]

    async with transaction() as connection:
        await save(world, draft(world, "T"))
        closing = asyncio.create_task(close_period(administrator, period.id, NOW), context=outside)
        await until_waiting(connection)

    assert (await closing).closed_at == NOW
    with pytest.raises(DomainError) as refused:
        await save(world)
    assert refused.value.code is ErrorCode.PERIOD_CLOSED


async def until_waiting(connection: BaseDBAsyncClient) -> None:
    """Until somebody waits for a lock."""
    waiting = "SELECT count(*) AS there FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(20):
        while not (await connection.execute_query_dict(waiting, []))[0]["there"]:
            await asyncio.sleep(0.01)
