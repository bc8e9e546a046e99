"""Entries behind their deadline that the policy refuses: kept as they were meant, or refused."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.errors import DomainError, ErrorCode
from schema.policies.models import LateEntries
from schema.progress import service
from schema.progress.models import ProgressRecord, RecordEvent, RecordState
from schema.progress.placing import Place
from schema.progress.service import Confirmation, KeptLate
from schema.values import uuid7
from tests.copies import Copies
from tests.factories import MORNING, NOW, PROOF, World, _counting, busy_day, copied_world, entry

WEEK_AGO = MORNING - timedelta(days=7)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async def refusing(world: World) -> None:
        await busy_day(world)
        await _counting(world, entry_days=0, late_entries=LateEntries.REFUSED)

    async with copied_world(copies, refusing) as world:
        yield world


async def kept(world: World, **place: Any) -> ProgressRecord:
    """What waits of an entry that came a week late."""
    viewer = await world.scope("self")
    wanted = entry(WEEK_AGO, place=Place(**place), proof=[PROOF])
    with pytest.raises(KeptLate) as late:
        await service.log_progress(viewer, wanted, NOW)
    return await ProgressRecord.get(id=late.value.record.id)


async def test_a_kept_entry_counts_where_it_was_meant_to_once_the_policy_lets_it(
    world: World,
) -> None:
    targets, viewer = world.targets, await world.scope("self")
    counted = await kept(world, target_id=targets["T"].id, quantity=Decimal(2))
    staged = await kept(world, target_id=targets["Z"].id, stage_id=world.stages[1].id)
    action = world.rows["action T"].id
    planned = await kept(world, target_id=targets["T"].id, action_plan_id=action)

    assert (counted.indicator_id, counted.quantity) == (world.indicators["T"].id, 2)
    assert staged.stage_id == world.stages[1].id
    assert planned.action_plan_id == action
    assert {one.state for one in (counted, staged, planned)} == {RecordState.PENDING}

    at_once = WEEK_AGO + timedelta(minutes=30)
    done = await service.confirm_progress(viewer, [Confirmation(record_id=counted.id)], at_once)
    assert (done.errors, done.records[0].quantity) == ([], 2)


async def test_a_late_entry_that_is_sent_again_waits_once(world: World) -> None:
    first = await kept(world, target_id=world.targets["T"].id, quantity=Decimal(2))

    again = await kept(world, target_id=world.targets["T"].id, quantity=Decimal(2))

    assert again.id == first.id
    assert await RecordEvent.filter(record_id=first.id).count() == 1


# What can never be is refused as it is in time, and not kept.
REFUSED: dict[str, tuple[dict[str, Any], ErrorCode]] = {
    "negative": ({"quantity": Decimal(-1)}, ErrorCode.QUANTITY_INVALID),
    "huge": ({"quantity": Decimal("1e30")}, ErrorCode.QUANTITY_INVALID),
    "of another's indicator": (
        {"quantity": Decimal(1), "indicator_id": "O"},
        ErrorCode.INDICATOR_NOT_OF_TARGET,
    ),
    "of no indicator": (
        {"quantity": Decimal(1), "indicator_id": uuid7()},
        ErrorCode.INDICATOR_NOT_OF_TARGET,
    ),
    "of no target": ({"quantity": Decimal(1), "target_id": None}, ErrorCode.TARGET_MISSING),
    "of no stage": ({"stage_id": uuid7()}, ErrorCode.STAGE_NOT_OF_TARGET),
    "of no action plan": ({"action_plan_id": uuid7()}, ErrorCode.ACTION_PLAN_NOT_OF_TARGET),
}


@pytest.mark.parametrize(("place", "code"), REFUSED.values(), ids=REFUSED)
async def test_a_late_entry_that_can_never_count_is_not_kept(
    world: World, place: dict[str, Any], code: ErrorCode
) -> None:
    named = {"target_id": world.targets["T"].id} | place
    if named.get("indicator_id") == "O":
        named["indicator_id"] = world.indicators["O"].id
    before = await ProgressRecord.all().count()

    with pytest.raises(DomainError) as refused:
        await service.log_progress(
            await world.scope("self"), entry(WEEK_AGO, place=Place(**named)), NOW
        )

    assert refused.value.code is code
    assert await ProgressRecord.all().count() == before
