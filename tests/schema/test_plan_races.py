"""Use cases of plans side by side, really at once: nobody waits for ever, and figures are right."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schema.errors import DomainError, ErrorCode
from schema.plans import service
from schema.plans.editing import Draft, IndicatorDraft, ResultDraft, ServiceDraft
from schema.plans.models import PerformancePlan, PlanState
from schema.policies.models import AgencyPolicy
from schema.policies.rules import Policy
from schema.progress.recomputing import recompute
from schema.tables import transaction
from schema.targets.models import EdgeKind, Indicator, Target, TargetEdge
from schema.targets.rolling import roll_agency
from server.database import Database
from tests.factories import COLLEAGUE, NOW, SUPERVISOR, World, busy_day, world_in


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with world_in(fresh_database) as world:
        yield world


async def draft_of(world: World, nip: str) -> PerformancePlan:
    """The plan of a person, in the making again."""
    plan = await PerformancePlan.filter(employee=world.people[nip]).order_by("id").first()
    assert plan is not None
    await PerformancePlan.filter(id=plan.id).update(state=PlanState.DRAFT)
    return await PerformancePlan.get(id=plan.id)


def line(title: str, parent: Any = None, **given: Any) -> ResultDraft:
    """A line with a number, which serves a target in a way."""
    kind, weight = given.pop("kind", EdgeKind.DIRECT), given.pop("weight", None)
    serves = ServiceDraft(target_id=parent, kind=kind, weight=weight)
    measure = IndicatorDraft(
        id=given.pop("measure", None),
        title="Jumlah laporan",
        unit_of_measure="laporan",
        planned=Decimal(30),
    )
    return ResultDraft(
        title=title, serves=[] if parent is None else [serves], indicators=[measure], **given
    )


async def outcome(of: Awaitable[Any]) -> ErrorCode | None:
    """The code of a refusal; None where it went well."""
    try:
        await of
    except DomainError as refused:
        return refused.code
    return None


async def differing() -> list[str]:
    """Figures that are not what their records make."""
    return [str(one) async for kind in recompute() for one in kind.differences]


async def test_a_superior_and_a_subordinate_save_their_plans_at_once(world: World) -> None:
    """The one writes the line that the other serves."""
    above, below = await draft_of(world, SUPERVISOR), await draft_of(world, COLLEAGUE)
    viewer, served = await world.scope("superior"), world.targets["S"]
    measure = await Indicator.get(target=served)
    codes: set[ErrorCode | None] = set()

    for n in range(10):
        mine = line(f"S {n}", world.targets["P"].id, id=served.id, measure=measure.id)
        kept = await Target.filter(plan_id=below.id).first()
        theirs = line(f"C {n}", served.id, id=kept and kept.id)
        saves = [
            service.save_plan(viewer, above.id, above.version + n, Draft(results=[mine]), NOW),
            service.save_plan(viewer, below.id, below.version + n, Draft(results=[theirs]), NOW),
        ]
        codes |= set(await asyncio.gather(*map(outcome, saves)))

    assert codes == {None}
    assert await differing() == []


@pytest.mark.parametrize("elsewhere", [True, False])
async def test_what_loses_a_weighted_part_is_counted_anew(
    fresh_database: Database, elsewhere: bool
) -> None:
    """A part without a number counts as zero: S itself 16.67, with 40 of 100 below it 10."""

    async def weigh(world: World) -> None:
        await busy_day(world)
        await TargetEdge.filter(child=world.targets["S"]).update(kind="WEIGHTED", weight=50)
        await AgencyPolicy.create(
            agency=world.rows["agency"],
            starts_on=date(2026, 1, 1),
            set_by="",
            set_at=NOW,
            **asdict(Policy(missing_counts_as_zero=True)),
        )
        await Indicator.filter(target=world.targets["P"]).update(realized=None, contributing=0)
        await Indicator.filter(target=world.targets["S"]).update(contributes_to_id=None)
        async with transaction() as connection:
            await roll_agency(connection, world.rows["agency"].id)

    async with world_in(fresh_database, weigh) as world:
        plan, viewer = await draft_of(world, COLLEAGUE), await world.scope("superior")
        part = line("W", world.targets["S"].id, kind=EdgeKind.WEIGHTED, weight=Decimal(40))
        plan = await service.save_plan(viewer, plan.id, 1, Draft(results=[part]), NOW)
        made = await Target.get(plan_id=plan.id)
        assert (await TargetEdge.get(child=world.targets["S"])).achieved == 10

        left = [line("W", world.targets["U"].id, id=made.id)] if elsewhere else []
        await service.save_plan(viewer, plan.id, 2, Draft(results=left), NOW)

        edge = await TargetEdge.get(child=world.targets["S"])
        assert edge.achieved == Decimal("16.666667")
        assert [one for one in await differing() if "<-" in one] == []
