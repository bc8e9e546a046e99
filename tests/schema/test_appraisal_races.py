"""Appraisals as GraphQL answers them, and steps that are taken really at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextvars import copy_context
from typing import Any

import pytest

from schema.appraisals import service
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalState,
    Rating,
    UnitPredicate,
    UnitRating,
)
from schema.appraisals.rating import RatingDraft
from schema.appraisals.unit_ratings import rate_unit
from schema.errors import ErrorCode
from schema.tables import transaction
from tests.appraising import (
    OVER,
    RATE,
    RATED_AT,
    UNOPENED,
    appraisal_of,
    december,
    outcome,
    rate,
    rating_of,
    ratings,
    sign,
)
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    OTHER_STAFF,
    STAFF,
    SUPERVISOR,
    Api,
    World,
    copied_world,
    key_of,
)
from tests.schema.test_plan_races import until_waiting


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, december) as world:
        yield world


# What is committed stays: each test has its own month.


async def test_many_are_rated_at_once_and_each_refusal_names_its_place(world: World) -> None:
    staff, colleague = await appraisal_of(world, STAFF), await appraisal_of(world, COLLEAGUE)
    given = [
        rating_of(staff, workReason=""),
        rating_of(colleague),
        rating_of(colleague),
        rating_of(await appraisal_of(world, OTHER_STAFF)),
        rating_of(staff, version=7),
        rating_of(staff, behaviourRating="BELOW"),
    ]

    answer = await Api.of("supervisor", now=RATED_AT, expires_at=OVER).data(
        RATE, input={"appraisals": given}
    )

    assert answer["rateAppraisals"] == {
        "appraisals": [
            {"id": key_of(colleague), "state": "RATED", "predicate": "GOOD"},
            {"id": key_of(staff), "state": "RATED", "predicate": "POOR"},
        ],
        "userErrors": [
            {"code": "REASON_MISSING", "field": "appraisals.0.workReason"},
            {"code": "BAD_USER_INPUT", "field": "appraisals.2"},
            {"code": "NOT_FOUND", "field": "appraisals.3"},
            {"code": "CONFLICT", "field": "appraisals.4.version"},
        ],
    }


async def test_nobody_accepts_ratings_that_were_changed_meanwhile(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF, "month 1"))
    await rate(world, "superior", row, work=Rating.BELOW)
    document = """
    mutation Accept($input: AppraisalVersionInput!) {
      acceptAppraisal(input: $input) {
        appraisal { version workRating }
        since { kind actor { name } changes }
        userErrors { code message }
      }
    }"""
    known = {"id": key_of(row), "version": row.version}

    answer = await Api.of("self", now=RATED_AT, expires_at=OVER).data(document, input=known)

    said = answer["acceptAppraisal"]
    assert said["appraisal"] == {"version": 3, "workRating": "BELOW"}
    assert [one["kind"] for one in said["since"]] == ["RATED"]
    assert said["since"][0]["changes"]["workRating"] == {"before": "MEETS", "after": "BELOW"}
    assert said["userErrors"][0]["code"] == "CONFLICT"
    assert "RATED by Ratna Dewanti (predicate, workRating)" in said["userErrors"][0]["message"]


async def both(first: Awaitable[Any], second: Awaitable[Any]) -> set[ErrorCode | None]:
    """What two answer that are begun at once."""
    return set(await asyncio.gather(outcome(first), outcome(second)))


async def test_of_two_who_rate_at_once_one_is_told(world: World) -> None:
    row = await appraisal_of(world, STAFF, "month 2")

    answers = await both(
        rate(world, "supervisor", row), rate(world, "superior", row, work=Rating.ABOVE)
    )

    assert answers == {None, ErrorCode.CONFLICT}
    assert (await Appraisal.get(id=row.id)).version == 2


async def test_many_who_rate_the_same_in_any_order_do_not_wait_for_each_other(
    world: World,
) -> None:
    rows = [await appraisal_of(world, nip, "month 3") for nip in (STAFF, COLLEAGUE)]

    async def many(viewer: str, order: list[Appraisal]) -> set[ErrorCode]:
        drafts = [
            RatingDraft(appraisal_id=row.id, version=row.version, ratings=ratings())
            for row in order
        ]
        rated = await service.rate(await world.scope(viewer), drafts, RATED_AT)
        return {error.code for _, error in rated.errors}

    answers = await asyncio.gather(many("supervisor", rows), many("superior", rows[::-1]))

    assert sorted(answers, key=len) == [set(), {ErrorCode.CONFLICT}]


async def test_what_was_signed_meanwhile_is_not_rated(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF, "month 4"))
    outside = copy_context()

    async with transaction() as connection:
        await service.accept(await world.scope("self"), row.id, row.version, RATED_AT)
        await sign(world, "supervisor", row)
        rating = outcome(rate(world, "superior", row))
        waiting = asyncio.create_task(rating, context=outside)
        await until_waiting(connection)

    assert await waiting is ErrorCode.CONFLICT
    assert (await Appraisal.get(id=row.id)).state is AppraisalState.SIGNED


async def test_opening_at_once_opens_once(world: World) -> None:
    """Twice all of a period, and a superior who rates one of its plans."""
    plan_id, month = world.targets["T"].plan_id, world.rows[UNOPENED]
    administrator, supervisor = await world.scope("administrator"), await world.scope("supervisor")
    draft = RatingDraft(pair=(plan_id, month.id), version=1, ratings=ratings())

    opened_first, opened, rated = await asyncio.gather(
        service.open_appraisals(administrator, month.id, RATED_AT),
        service.open_appraisals(administrator, month.id, RATED_AT),
        service.rate(supervisor, [draft], RATED_AT),
    )

    rows = await Appraisal.filter(evaluation_period_id=month.id)
    assert opened_first + opened in (len(rows), len(rows) - 1)
    assert len({row.plan_id for row in rows}) == len(rows) == 6
    assert [row.state for row in rated.appraisals] == [AppraisalState.RATED]
    keys = [row.id for row in rows]
    events = await AppraisalEvent.filter(appraisal_id__in=keys, kind=AppraisalEventKind.OPENED)
    assert sorted(event.appraisal_id for event in events) == sorted(keys)


async def test_a_head_is_rated_by_the_result_that_is_being_said(world: World) -> None:
    """Rating waits for who says the unit's result, and takes that one."""
    unit, month = world.rows["unit C"].id, world.rows["month 5"].id
    superior = await world.scope("superior")
    row = await appraisal_of(world, SUPERVISOR, "month 5")
    await rate_unit(superior, unit, month, UnitPredicate.GOOD, "Tercapai", RATED_AT)
    outside = copy_context()

    async with transaction() as connection:
        again = await rate_unit(
            superior, unit, month, UnitPredicate.OUTSTANDING, "Terlampaui", RATED_AT
        )
        rating = rate(world, "superior", row, work=None)
        waiting = asyncio.create_task(rating, context=outside)
        await until_waiting(connection)

    rated = await waiting
    assert (rated.unit_rating_id, rated.work_rating) == (again.id, Rating.ABOVE)


async def test_results_of_a_unit_said_at_once_are_two_versions(world: World) -> None:
    unit, month = world.rows["unit C"].id, world.rows["month 6"].id
    saying = [
        rate_unit(await world.scope(viewer), unit, month, predicate, "Ya", RATED_AT)
        for viewer, predicate in (
            ("superior", UnitPredicate.GOOD),
            ("administrator", UnitPredicate.POOR),
        )
    ]

    said = await asyncio.gather(*saying)

    assert sorted(one.version for one in said) == [1, 2]
    assert await UnitRating.filter(unit_id=unit, evaluation_period_id=month).count() == 2
