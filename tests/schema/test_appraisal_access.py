"""Who may do what with an appraisal: a table of viewers by mutations, by the code that answers."""

from collections.abc import AsyncIterator

import pytest

from schema.appraisals.models import Appraisal, AppraisalState
from tests.appraisal_steps import APPRAISAL_MUTATIONS
from tests.appraising import OVER, RATED_AT, appraisal_of, december
from tests.copies import Copies
from tests.factories import STAFF, SUPERVISOR, VIEWERS, Api, World, copied_world, key_of, random_id
from tests.schema.test_access_matrix import OK, filled, mutate

MONTH = "month 10"
OWN_MONTHS = {"supervisor": "month 1", "superior": "month 2", "administrator": "month 3"}
"""What is signed stays signed: who may sign meets an appraisal of their own."""


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, december) as world:
        yield world


def expected(viewer: str, name: str) -> str:
    allowed = APPRAISAL_MUTATIONS[name]
    if viewer == "nobody":
        return "UNAUTHENTICATED"
    if viewer in allowed.by:
        return OK
    return "NOT_ALLOWED" if viewer in allowed.seeing else "NOT_FOUND"


async def bring(row: Appraisal, state: AppraisalState) -> None:
    """The appraisal in a state at its first version, rated by the supervisor."""
    rated = {
        "work_rating": "MEETS",
        "behaviour_rating": "MEETS",
        "predicate": "GOOD",
        "rated_by": SUPERVISOR,
        "rated_at": RATED_AT,
    }
    given = dict.fromkeys(rated, None) if state is AppraisalState.OPEN else rated
    await Appraisal.filter(id=row.id).update(state=state, version=1, **given)


def asking(viewer: str) -> Api:
    return Api.of(viewer, now=RATED_AT, issued_at=RATED_AT, expires_at=OVER)


@pytest.mark.parametrize("name", APPRAISAL_MUTATIONS)
async def test_each_viewer_may_do_with_an_appraisal_what_the_table_says(
    world: World, name: str
) -> None:
    allowed = APPRAISAL_MUTATIONS[name]
    names = {
        "month": key_of(world.rows[MONTH]),
        "unit C": key_of(world.rows["unit C"]),
    }
    nowhere = {
        "appraisal": random_id("Appraisal"),
        "month": random_id("EvaluationPeriod"),
        "unit C": random_id("Unit"),
    }
    document = f"input: {{{allowed.arguments}}}"

    answers = {}
    for viewer in VIEWERS:
        month = OWN_MONTHS.get(viewer, MONTH) if name == "signAppraisals" else MONTH
        row = await appraisal_of(world, STAFF, month)
        await bring(row, allowed.state)
        there = filled(document, names | {"appraisal": key_of(row)})
        answers[viewer] = await mutate(name, there, asking(viewer))

    assert answers == {viewer: expected(viewer, name) for viewer in VIEWERS}
    for viewer in VIEWERS:
        if viewer != "nobody":
            assert await mutate(name, filled(document, nowhere), asking(viewer)) == "NOT_FOUND"
