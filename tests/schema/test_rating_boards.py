"""Boards of ratings on real rows: each viewer counts what is theirs to see, and infers no more."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from schema.appraisals.models import Appraisal
from schema.plans.models import PerformancePlan
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    SUPERVISOR,
    VIEWERS,
    Api,
    World,
    copied_world,
    key_of,
)

BOARD = """query($of: ID!) { ratingBoard(agency: "DC", unit: "C", evaluationPeriod: $of) {
  appraisals states { state count } predicates { predicate count } rating { predicate }
  guide { staff rated warnings { indonesian } } children { unit { code } appraisals }
  people { totalCount edges { node { employee { name } } } } } }"""
EVERYTHING = """query($id: ID!) { node(id: $id) { ... on Appraisal { predicate
  evidence { sealed achieved results { achieved
    target { achievement { percentage explanation { formula } } }
    records { edges { node { description activity { sourceId } } } } }
    time { months } } } } }"""


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
        yield world


async def opened(world: World, nip: str, appraiser: str) -> Appraisal:
    """An appraisal in unit C that nobody has rated."""
    person = world.people[nip]
    final: Any = world.rows["final"]
    plan = await PerformancePlan.get_or_none(employee=person)
    return await Appraisal.create(
        agency_id=person.agency_id,
        employee=person,
        plan=plan or await PerformancePlan.get(employee=world.people[OTHER_SUPERVISOR]),
        evaluation_period=final,
        unit_id=world.rows["unit C"].id,
        appraiser=world.people[appraiser],
        heads_unit=False,
        starts_on=final.starts_on,
        ends_on=final.ends_on,
    )


async def board_of(viewer: str, world: World) -> Any:
    answer = await Api.of(viewer).run(BOARD, of=key_of(world.rows["final"]))
    return answer.data and answer.data["ratingBoard"]


async def test_each_viewer_counts_whom_they_see_and_whoever_sees_all_has_the_guide(
    world: World,
) -> None:
    counts, guides, ratings = {}, {}, {}
    for viewer in VIEWERS:
        board = await board_of(viewer, world)
        if board is None:
            continue
        counts[viewer] = board["appraisals"]
        assert board["people"]["totalCount"] == board["appraisals"]
        assert sum(one["count"] for one in board["states"]) == board["appraisals"]
        guides[viewer], ratings[viewer] = board["guide"], board["rating"]

    over = ("supervisor", "superior", "administrator", "auditor")
    assert counts == dict.fromkeys(over, 2) | {"self": 1, "colleague": 0, "other supervisor": 0}
    # One person of the staff, Baik: 100 % of at most 70 %, and nobody who is below.
    warnings = [
        {"indonesian": "Baik 100 %, paling banyak 70 %"},
        {"indonesian": "Butuh Perbaikan dan/atau Kurang 0 %, seharusnya ada"},
    ]
    shown = {"staff": 1, "rated": 1, "warnings": warnings}
    assert guides == {one: shown if one in over else None for one in counts}
    assert ratings == {one: {"predicate": "GOOD"} if one in over else None for one in counts}


async def test_of_a_unit_that_is_not_seen_whole_no_share_is_told(world: World) -> None:
    await opened(world, COLLEAGUE, SUPERVISOR)
    await opened(world, OTHER_STAFF, OTHER_SUPERVISOR)

    # The supervisor sees the head (themselves), the staff member and the colleague.
    assert (await board_of("supervisor", world))["appraisals"] == 3
    assert (await board_of("supervisor", world))["guide"] is None
    assert (await board_of("self", world))["appraisals"] == 1
    assert (await board_of("superior", world))["guide"]["staff"] == 3
    assert (await board_of("superior", world))["guide"]["rated"] == 1
    # Who appraises somebody sees theirs, and of the rest nothing.
    other = await board_of("other supervisor", world)
    assert [one["node"]["employee"]["name"] for one in other["people"]["edges"]] == ["Joko Susilo"]
    assert (other["states"], other["predicates"]) == ([{"state": "OPEN", "count": 1}], [])
    assert (other["guide"], other["rating"]) == (None, None)


async def test_one_query_goes_from_the_predicate_to_the_source(world: World) -> None:
    signed = await Api.of("superior").data(EVERYTHING, id=key_of(world.rows["appraisal"]))
    (result,) = signed["node"]["evidence"]["results"]

    assert signed["node"]["predicate"] == "GOOD"
    # One stage, done: the target has since become another one, and what was sealed stays.
    assert (result["achieved"], signed["node"]["evidence"]["sealed"]) == ("100", True)
    assert result["target"]["achievement"]["explanation"]["formula"]
    sources = [one["node"]["activity"] for one in result["records"]["edges"]]
    assert {"sourceId": "confirmed"} in sources

    row = await opened(world, COLLEAGUE, SUPERVISOR)
    open_one = await Api.of("supervisor").data(EVERYTHING, id=key_of(row))
    assert open_one["node"]["evidence"] | {"time": None} == {
        "sealed": False,
        "achieved": None,
        "results": [],
        "time": None,
    }
