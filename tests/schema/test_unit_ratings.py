"""A unit's own result: who says it, and that it is its head's rating of work results."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from schema.appraisals import service
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalState,
    Predicate,
    Rating,
    UnitPredicate,
    UnitRating,
)
from schema.appraisals.steps import ObjectionOutcome
from schema.appraisals.unit_ratings import rate_unit
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Assignment
from tests.appraising import (
    EARLY,
    IN_TIME,
    OVER,
    RATED_AT,
    appraisal_of,
    day,
    december,
    outcome,
    rate,
    ratings,
    sign,
    undone,
)
from tests.copies import Copies
from tests.factories import STAFF, SUPERIOR, SUPERVISOR, World, copied_world

GOOD, OUTSTANDING, POOR = UnitPredicate.GOOD, UnitPredicate.OUTSTANDING, UnitPredicate.POOR
UPHELD, CHANGED = ObjectionOutcome.UPHELD, ObjectionOutcome.CHANGED


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, december) as world:
        yield world


async def say(
    world: World,
    viewer: str = "superior",
    predicate: UnitPredicate = GOOD,
    now: Any = RATED_AT,
    **given: Any,
) -> UnitRating:
    """The result of the supervisor's unit in the year."""
    unit = world.rows[given.pop("unit", "unit C")].id
    period = world.rows[given.pop("period", "final")].id
    reason = given.pop("reason", "Sesuai perjanjian kinerja")
    scope = await world.scope(viewer)
    return await rate_unit(scope, unit, period, predicate, reason, now, **given)


async def head_rated(world: World, predicate: UnitPredicate = GOOD) -> Appraisal:
    await say(world, predicate=predicate)
    return await rate(world, "superior", await appraisal_of(world, SUPERVISOR), work=None)


async def test_who_is_above_the_head_says_the_result_and_the_head_does_not(world: World) -> None:
    refused, hidden = ErrorCode.NOT_ALLOWED, ErrorCode.NOT_FOUND
    expected = {
        "superior": None,
        "administrator": None,
        "supervisor": refused,
        "self": refused,
        "colleague": refused,
        "other supervisor": refused,
        "auditor": refused,
        "other administrator": hidden,
        "other agency": hidden,
        "connector": hidden,
    }

    answers = {}
    for viewer in expected:
        answers[viewer] = await outcome(said(world, viewer))

    assert answers == expected


@undone
async def said(world: World, viewer: str) -> None:
    await say(world, viewer)


@undone
async def test_versions_follow_each_other_and_all_are_kept(world: World) -> None:
    first = await say(world)
    second = await say(world, "administrator", POOR, version=1)

    with pytest.raises(DomainError) as refused:
        await say(world, version=1)

    assert (first.version, second.version) == (1, 2)
    assert first.head_id == second.head_id == world.people[SUPERVISOR].id
    assert (refused.value.code, refused.value.words["version"]) == (ErrorCode.CONFLICT, 2)
    kept = await UnitRating.filter(unit_id=first.unit_id).order_by("version")
    assert [(one.predicate, one.set_by) for one in kept] == [
        (GOOD, SUPERIOR),
        (POOR, "pengelola.dc"),
    ]


@undone
async def test_a_result_comes_in_the_last_month_and_with_a_reason(world: World) -> None:
    with pytest.raises(DomainError) as early:
        await say(world, now=EARLY)

    assert (early.value.code, early.value.words) == (ErrorCode.TOO_EARLY, {"day": day(12, 1)})
    assert await outcome(say(world, reason=" ")) is ErrorCode.REASON_MISSING
    assert (await say(world, period="month 11", now=EARLY)).version == 1


@undone
async def test_a_unit_that_nobody_heads_is_the_administrators(world: World) -> None:
    assert await outcome(say(world, "superior", unit="unit B")) is ErrorCode.NOT_ALLOWED
    assert (await say(world, "administrator", unit="unit B")).head_id is None


@undone
async def test_who_led_the_unit_within_the_days_does_not_say_its_result(world: World) -> None:
    """The supervisor leads until September, the staff member after that: neither is asked."""
    led = Assignment.filter(employee=world.people[SUPERVISOR])
    await led.update(ends_on=day(10, 1))
    post = await led.get()
    await Assignment.create(
        employee=world.people[STAFF],
        unit_id=post.unit_id,
        appraiser_id=post.appraiser_id,
        position="Plt. Kepala Seksi",
        kind="PLT",
        heads_unit=True,
        starts_on=day(10, 1),
    )

    assert (await say(world)).head_id == world.people[STAFF].id
    for viewer in ("supervisor", "self"):
        assert await outcome(say(world, viewer)) is ErrorCode.NOT_ALLOWED


@undone
async def test_a_heads_work_is_the_units_result_and_nothing_else(world: World) -> None:
    row = await appraisal_of(world, SUPERVISOR)

    with pytest.raises(DomainError) as unrated:
        await rate(world, "superior", row, work=None)
    unit_rating = await say(world, predicate=OUTSTANDING)
    with pytest.raises(DomainError) as by_hand:
        await rate(world, "superior", row)
    row = await rate(world, "superior", row, work=None)

    assert (unrated.value.code, by_hand.value.code) == (
        ErrorCode.UNIT_NOT_RATED,
        ErrorCode.RATED_BY_UNIT,
    )
    assert unrated.value.words == {"unit": "Seksi"}
    assert (row.work_rating, row.work_reason) == (Rating.ABOVE, unit_rating.reason)
    assert (row.unit_rating_id, row.predicate) == (unit_rating.id, Predicate.EXCELLENT)


@undone
async def test_a_result_that_is_said_anew_is_also_the_heads(world: World) -> None:
    row = await head_rated(world)
    assert (row.work_rating, row.predicate) == (Rating.MEETS, Predicate.GOOD)

    again = await say(world, "administrator", POOR, IN_TIME, reason="Separuh target")

    row = await Appraisal.get(id=row.id)
    assert (row.state, row.version) == (AppraisalState.RATED, 3)
    assert (row.work_rating, row.work_reason) == (Rating.BELOW, "Separuh target")
    assert (row.predicate, row.unit_rating_id) == (Predicate.NEEDS_IMPROVEMENT, again.id)
    *_, last = await AppraisalEvent.filter(appraisal=row).order_by("id")
    assert (last.kind, last.actor) == (AppraisalEventKind.RATED, "pengelola.dc")
    assert last.changes["workRating"] == {"before": "MEETS", "after": "BELOW"}
    # The head has all days to object to what is new; who rated the behaviour stays known.
    assert (row.rated_at, row.rated_by) == (IN_TIME, SUPERIOR)
    objecting = service.object_to(await world.scope("supervisor"), row.id, 3, "Keliru", OVER)
    assert await outcome(objecting) is None


@undone
async def test_others_of_the_unit_are_not_touched(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF))

    await say(world)
    await say(world, predicate=POOR)

    assert (await Appraisal.get(id=row.id)).version == row.version


@undone
async def test_a_result_stands_once_its_head_has_accepted_it(world: World) -> None:
    row = await head_rated(world)
    await service.accept(await world.scope("supervisor"), row.id, row.version, RATED_AT)

    with pytest.raises(DomainError) as accepted:
        await say(world, predicate=POOR)
    await sign(world, "superior", row)
    with pytest.raises(DomainError) as signed:
        await say(world, predicate=POOR)

    told = [(one.value.code, one.value.words["state"]) for one in (accepted, signed)]
    assert told == [
        (ErrorCode.WRONG_APPRAISAL_STATE, "ACCEPTED"),
        (ErrorCode.WRONG_APPRAISAL_STATE, "SIGNED"),
    ]


@undone
async def test_a_result_may_be_what_comes_of_its_heads_objection(world: World) -> None:
    """Above the superior is nobody: the administrator decides, and takes the new result over."""
    row = await head_rated(world, POOR)
    head, administrator = await world.scope("supervisor"), await world.scope("administrator")
    row = await service.object_to(head, row.id, row.version, "Target dipotong", IN_TIME)

    again = await say(world, predicate=GOOD, now=IN_TIME)

    kept = await Appraisal.get(id=row.id)
    assert (kept.work_rating, kept.version) == (Rating.BELOW, row.version)
    deciding = service.decide(administrator, row.id, row.version, UPHELD, "Ya", None, OVER)
    assert await outcome(deciding) is ErrorCode.BAD_USER_INPUT
    by_hand = service.decide(
        administrator, row.id, row.version, CHANGED, "Ya", ratings(Rating.ABOVE), OVER
    )
    assert await outcome(by_hand) is ErrorCode.RATED_BY_UNIT
    decided = await service.decide(
        administrator, row.id, row.version, CHANGED, "Ya", ratings(None), OVER
    )
    assert (decided.work_rating, decided.unit_rating_id) == (Rating.MEETS, again.id)


@undone
async def test_a_unit_and_a_period_are_of_one_agency(world: World) -> None:
    assert await outcome(say(world, "administrator", period="unit C")) is ErrorCode.NOT_FOUND
    assert await outcome(say(world, "administrator", unit="final")) is ErrorCode.NOT_FOUND


@undone
async def test_who_said_the_result_does_not_decide_on_the_objection_to_it(world: World) -> None:
    """It is their own verdict, though the superior rated; another administrator decides."""
    row = await head_rated(world)
    await say(world, "administrator", POOR, now=IN_TIME)
    row = await Appraisal.get(id=row.id)
    head, administrator = await world.scope("supervisor"), await world.scope("administrator")
    row = await service.object_to(head, row.id, row.version, "Target dipotong", IN_TIME)

    own = service.decide(administrator, row.id, row.version, UPHELD, "Ya", None, OVER)

    assert await outcome(own) is ErrorCode.NOT_ALLOWED
    another = replace(administrator, subject="pengelola-lain", employee_id=None)
    decided = await service.decide(another, row.id, row.version, UPHELD, "Ya", None, OVER)
    assert decided.state is AppraisalState.DECIDED
