"""Use cases of plans side by side, really at once: nobody waits for ever, and figures are right."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextvars import copy_context
from dataclasses import asdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.errors import DomainError, ErrorCode
from schema.plans import service
from schema.plans.editing import Draft, IndicatorDraft, ResultDraft, ServiceDraft
from schema.plans.models import PerformancePlan, PlanEventKind, PlanState
from schema.policies.models import AgencyPolicy
from schema.policies.rules import Policy
from schema.progress import service as progress
from schema.progress.memory import Memory
from schema.progress.placing import Place, checked
from schema.progress.recomputing import recompute
from schema.progress.timing import admitted
from schema.tables import transaction
from schema.targets.models import EdgeKind, Indicator, Target, TargetEdge
from schema.targets.rolling import roll_agency
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    MORNING,
    NOW,
    PROOF,
    STAFF,
    SUPERVISOR,
    TODAY,
    World,
    busy_day,
    copied_world,
    entry,
    logged,
)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
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


async def until_waiting(connection: BaseDBAsyncClient) -> None:
    """Until somebody waits for a lock; where nobody ever does, the server's timeout ends it."""
    waiting = "SELECT count(*) AS there FROM pg_locks WHERE NOT granted"
    async with asyncio.timeout(20):
        while not (await connection.execute_query_dict(waiting, []))[0]["there"]:
            await asyncio.sleep(0.01)


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
async def test_what_loses_a_weighted_part_is_counted_anew(copies: Copies, elsewhere: bool) -> None:
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

    async with copied_world(copies, weigh) as world:
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


async def test_a_plan_that_is_being_written_to_is_closed_afterwards(world: World) -> None:
    """A record is not confirmed for a plan that was closed meanwhile: the closing waits."""
    viewer, superior = await world.scope("self"), await world.scope("supervisor")
    plan = world.rows["plan"]
    place = Place(target_id=world.targets["T"].id, quantity=Decimal(1))
    outside = copy_context()

    async with transaction() as connection:
        person = world.people[STAFF]
        timing = await admitted(connection, person, TODAY, NOW, memory=(memory := Memory()))
        await checked(
            connection, place, person, TODAY, has_proof=False, timing=timing, memory=memory
        )
        step = service.take_step(superior, plan.id, plan.version, PlanEventKind.CLOSED, NOW)
        closing = asyncio.create_task(step, context=outside)
        await until_waiting(connection)

    assert (await closing).state is PlanState.CLOSED
    with pytest.raises(DomainError) as refused:
        await logged(viewer, MORNING - timedelta(hours=2), place=place)
    assert refused.value.code is ErrorCode.PLAN_NOT_APPROVED


@pytest.mark.parametrize("step", ["return", "dismiss", "correct"])
async def test_the_figures_of_a_closed_plan_stand(world: World, step: str) -> None:
    viewer, superior = await world.scope("self"), await world.scope("supervisor")
    plan, record = world.rows["plan"], world.records["confirmed"]
    await service.take_step(superior, plan.id, plan.version, PlanEventKind.CLOSED, NOW)
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "return": lambda: progress.return_progress(superior, record.id, "Salah", NOW),
        "dismiss": lambda: progress.dismiss_progress(viewer, record.id, "Salah", NOW),
        "correct": lambda: progress.correct_progress(
            viewer, record.id, entry(MORNING), "Salah", NOW
        ),
    }

    assert await outcome(steps[step]()) is ErrorCode.WRONG_PLAN_STATE


async def test_a_record_moves_the_edge_that_replaced_the_one_it_waited_for(
    copies: Copies,
) -> None:
    """S is moved from P to U while a stage below it is ended: U counts what S has then."""

    async def weigh(world: World) -> None:
        await busy_day(world)
        weighted = {"kind": EdgeKind.WEIGHTED, "weight": 50}
        await TargetEdge.filter(child__code__in=["S", "Z"]).update(**weighted)
        contributing = {"contributes_to_id": None}
        await Indicator.filter(target=world.targets["S"]).update(**contributing)
        await Indicator.filter(target=world.targets["P"]).update(realized=None, contributing=0)
        async with transaction() as connection:
            await roll_agency(connection, world.rows["agency"].id)

    async with copied_world(copies, weigh) as world:
        plan, superior = await draft_of(world, SUPERVISOR), await world.scope("superior")
        viewer, served = await world.scope("self"), world.targets["S"]
        there = line(
            "S",
            world.targets["U"].id,
            id=served.id,
            measure=world.indicators["S"].id,
            kind=EdgeKind.WEIGHTED,
            weight=Decimal(50),
        )
        place = Place(target_id=world.targets["Z"].id, stage_id=world.stages[1].id)
        outside = copy_context()

        async with transaction() as connection:
            await service.save_plan(superior, plan.id, 1, Draft(results=[there]), NOW)
            ending = logged(viewer, MORNING - timedelta(hours=2), place=place, proof=[PROOF])
            waiting = asyncio.create_task(ending, context=outside)
            await until_waiting(connection)

        await waiting
        assert await TargetEdge.filter(child=served, parent=world.targets["U"]).exists()
        assert [one for one in await differing() if "<-" in one] == []
