"""Who may do what with a plan: a table of viewers by mutations, by the code that answers.

In a fresh world each mutation is tried by each viewer on a plan in the state that it starts from.
"""

from collections.abc import AsyncIterator

import pytest

from schema.plans.models import PerformancePlan, PlanState
from tests.copies import Copies
from tests.factories import SUPERVISOR, VIEWERS, Api, World, copied_world, key_of
from tests.plan_access import HIDDEN, PLAN_MUTATIONS, SEEING
from tests.schema.test_access_matrix import OK, dealt, filled, mutate, names


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, dealt) as world:
        yield world


def expected(viewer: str, name: str) -> str:
    _, _, allowed = PLAN_MUTATIONS[name]
    if viewer == "nobody":
        return "UNAUTHENTICATED"
    if viewer in allowed:
        return OK
    return "NOT_ALLOWED" if viewer in SEEING and name not in HIDDEN else "NOT_FOUND"


@pytest.mark.parametrize("name", PLAN_MUTATIONS)
async def test_each_viewer_may_do_with_a_plan_what_the_table_says(world: World, name: str) -> None:
    arguments, state, allowed = PLAN_MUTATIONS[name]
    await PerformancePlan.filter(id=world.rows["plan"].id).update(state=state)
    text = filled(f"input: {{{arguments}}}", names(world))
    # Those who are refused come first, so that they meet everything as it was.
    refused = sorted(set(VIEWERS) - allowed)
    answers = {viewer: await mutate(name, text, Api.of(viewer)) for viewer in refused}
    for viewer in sorted(allowed):
        again = PerformancePlan.filter(id=world.rows["plan"].id)
        if name != "transferEmployee":
            await again.update(state=state, version=1)
        if name == "openPlan":
            answers[viewer] = await mutate(name, text, Api.of(viewer))
            if answers[viewer] == "PLAN_EXISTS":
                answers[viewer] = OK
            continue
        answers[viewer] = await mutate(name, text, Api.of(viewer))

    assert answers == {viewer: expected(viewer, name) for viewer in VIEWERS}


async def test_nobody_approves_their_own_plan(world: World) -> None:
    """Not as a superior of others, not as an administrator who is an employee."""
    own = await PerformancePlan.get(employee=world.people[SUPERVISOR])
    await PerformancePlan.filter(id=own.id).update(state=PlanState.SUBMITTED)

    refused = await mutate(
        "approvePlan", f'input: {{id: "{key_of(own)}", version: 1}}', Api.of("supervisor")
    )

    assert refused == "NOT_ALLOWED"
