"""Achievements over weighted edges: what rolls up, in which order, and back again."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal

import pytest

from schema.progress import service
from schema.progress.placing import Place
from schema.progress.recomputing import recompute
from schema.tables import transaction
from schema.targets.models import Aspect, EdgeKind, Indicator, Target, TargetEdge
from schema.targets.rolling import roll
from tests.copies import Copies
from tests.factories import MORNING, NOW, Api, World, copied_world, key_of, logged


async def weigh(parent: Target, child: Target, weight: int) -> None:
    """A weighted edge, in the place of any other between the two."""
    given = {"kind": EdgeKind.WEIGHTED, "weight": weight}
    if not await TargetEdge.filter(parent=parent, child=child).update(**given):
        await TargetEdge.create(parent=parent, child=child, primary=False, **given)
    async with transaction() as connection:
        await roll(connection, [child.id])


async def prepare(world: World) -> None:
    """The staff member's M (two indicators) counts 40 % in S, T1 (5 reports) 60 %; S in U 30 %."""
    targets = world.targets
    await Indicator.filter(target=targets["S"]).update(contributes_to_id=None)
    await weigh(targets["S"], targets["M"], 40)
    await weigh(targets["S"], targets["T1"], 60)
    await weigh(targets["U"], targets["S"], 30)


@pytest.fixture
async def weighted(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, prepare) as world:
        yield world


async def half_of_m(world: World) -> None:
    """5 of 10 times: 50 % of one indicator of M; the other has no number."""
    indicator = await Indicator.get(target=world.targets["M"], aspect=Aspect.QUANTITY)
    place = Place(target_id=world.targets["M"].id, indicator_id=indicator.id, quantity=Decimal(5))
    await logged(await world.scope("self"), place=place)


async def kept() -> dict[str, Decimal | None]:
    edges = await TargetEdge.filter(kind=EdgeKind.WEIGHTED).select_related("child")
    return {edge.child.code: edge.achieved for edge in edges}


QUESTION = """query($id: ID!) { target(id: $id) { cascade children { code cascade }
  achievement { percentage knownShare } } }"""


async def achievement(world: World, code: str) -> dict[str, str]:
    target = key_of(world.targets[code])
    answer = await Api.of("superior").data(QUESTION, id=target)
    return dict(answer["target"]["achievement"])


async def test_a_childs_achievement_counts_with_its_weight(weighted: World) -> None:
    viewer = await weighted.scope("self")
    assert (await achievement(weighted, "S"))["percentage"] is None

    # S: only M is known -> 50.
    await half_of_m(weighted)
    assert await achievement(weighted, "S") == {"percentage": "50", "knownShare": "40"}

    # T1: 4 of 5 -> 80 %. S: (50 x 40 + 80 x 60) / 100 = 68.
    second = Place(target_id=weighted.targets["T1"].id, quantity=Decimal(4))
    record = await logged(viewer, MORNING + timedelta(hours=1), place=second)
    assert await achievement(weighted, "S") == {"percentage": "68", "knownShare": "100"}
    # U: S counts 30, and its own reports (nothing yet) 70.
    assert await achievement(weighted, "U") == {"percentage": "68", "knownShare": "30"}

    # Dismissed, everything is as it was before.
    await service.dismiss_progress(viewer, record.id, "Keliru", NOW)
    assert await achievement(weighted, "S") == {"percentage": "50", "knownShare": "40"}
    assert await kept() == {"M": Decimal(50), "T1": None, "S": Decimal(50)}


async def test_over_100_counts_up_to_the_cap(weighted: World) -> None:
    viewer = await weighted.scope("self")
    place = Place(target_id=weighted.targets["T1"].id, quantity=Decimal(40))
    await half_of_m(weighted)

    await logged(viewer, MORNING + timedelta(hours=2), place=place)

    # 40 of 5 is 800 %, and counts as 120: (50 x 40 + 120 x 60) / 100 = 92
    assert (await kept())["T1"] == Decimal(120)
    assert (await achievement(weighted, "S"))["percentage"] == "92"


async def test_a_weighted_edge_that_is_wrong_is_named(weighted: World) -> None:
    await half_of_m(weighted)
    edge = await TargetEdge.get(kind=EdgeKind.WEIGHTED, child__code="M")
    await TargetEdge.filter(id=edge.id).update(achieved="12.5")

    told = {kind.kind: kind async for kind in recompute()}

    # S is worked out from M as it is, so S's own edge, kept from before, is right.
    (wrong,) = told["weighted edges"].differences
    assert (wrong.name, wrong.kept, wrong.recomputed) == ("S <- M", "12.5", "50")
