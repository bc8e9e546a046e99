"""Appraisals: who may take which step from which state, when, and what is kept of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from schema.access import Role
from schema.appraisals import service
from schema.appraisals.judging import BehaviourRating, ResultRating
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalLine,
    AppraisalState,
    Predicate,
    Rating,
    UnitPredicate,
)
from schema.appraisals.rating import RatingDraft
from schema.appraisals.steps import ObjectionOutcome
from schema.appraisals.unit_ratings import rate_unit
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import AssignmentKind
from schema.organizations.service import grant_role
from schema.plans.models import Behaviour, PerformancePlan, PlanState
from schema.plans.transfers import Move, transfer
from schema.policies.models import AgencyPolicy
from schema.policies.rules import Policy
from schema.tables import transaction
from schema.values import uuid7
from tests.appraising import (
    EARLY,
    IN_TIME,
    OVER,
    RATE,
    RATED_AT,
    UndoneError,
    appraisal_of,
    day,
    december,
    outcome,
    rate,
    rating_of,
    ratings,
    sign,
    undone,
)
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    Api,
    World,
    copied_world,
    random_id,
)
from tests.schema.test_statements import counted

UPHELD, CHANGED = ObjectionOutcome.UPHELD, ObjectionOutcome.CHANGED
STATES = {state: f"month {number}" for number, state in enumerate(AppraisalState, start=1)}
"""One of each: the staff member's of a month."""


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, december) as world:
        yield world


async def brought(world: World, state: AppraisalState, period: str) -> Appraisal:
    """The staff member's appraisal of a period, brought to a state by their steps."""
    row = await appraisal_of(world, STAFF, period)
    staff, superior = await world.scope("self"), await world.scope("superior")
    if state is AppraisalState.OPEN:
        return row
    row = await rate(world, "supervisor", row)
    if state in (AppraisalState.ACCEPTED, AppraisalState.SIGNED):
        row = await service.accept(staff, row.id, row.version, IN_TIME)
    if state in (AppraisalState.OBJECTED, AppraisalState.DECIDED):
        row = await service.object_to(staff, row.id, row.version, "Keliru", IN_TIME)
    if state is AppraisalState.DECIDED:
        row = await service.decide(superior, row.id, row.version, UPHELD, "Tetap", None, OVER)
    if state is AppraisalState.SIGNED:
        await sign(world, "supervisor", row)
    return await Appraisal.get(id=row.id)


Take = Callable[[World, str, Appraisal, datetime], Awaitable[Any]]


@dataclass(frozen=True)
class Case:
    """A step, when it is tried, whose it is of those who look at the staff member, and from which
    states."""

    take: Take
    at: datetime
    by: frozenset[str]
    start: frozenset[AppraisalState]


async def rates(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    await rate(world, viewer, row, now)


async def accepts(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    await service.accept(await world.scope(viewer), row.id, row.version, now)


async def objects(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    await service.object_to(await world.scope(viewer), row.id, row.version, "Keliru", now)


async def upholds(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    scope = await world.scope(viewer)
    await service.decide(scope, row.id, row.version, UPHELD, "Tetap", None, now)


async def changes(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    scope, given = await world.scope(viewer), ratings(Rating.ABOVE)
    await service.decide(scope, row.id, row.version, CHANGED, "Diubah", given, now)


async def signs(world: World, viewer: str, row: Appraisal, now: datetime) -> None:
    await sign(world, viewer, row, now=now)


ALL = AppraisalState
SUPERIORS = frozenset({"supervisor", "superior"})
CASES: dict[str, Case] = {
    "rate": Case(rates, IN_TIME, SUPERIORS, frozenset({ALL.OPEN, ALL.RATED})),
    "accept": Case(accepts, OVER, frozenset({"self"}), frozenset({ALL.RATED})),
    "object": Case(objects, IN_TIME, frozenset({"self"}), frozenset({ALL.RATED})),
    "uphold": Case(upholds, OVER, frozenset({"superior"}), frozenset({ALL.OBJECTED})),
    "change": Case(changes, OVER, frozenset({"superior"}), frozenset({ALL.OBJECTED})),
    "sign": Case(
        signs,
        OVER,
        SUPERIORS | {"administrator"},
        frozenset({ALL.RATED, ALL.ACCEPTED, ALL.DECIDED}),
    ),
}
SEEING = SUPERIORS | {"self", "administrator", "auditor"}
LOOKING = (*sorted(SEEING), "colleague", "other agency", "connector")


def expected(case: Case, viewer: str, state: AppraisalState) -> ErrorCode | None:
    if viewer not in SEEING:
        return ErrorCode.NOT_FOUND
    if viewer not in case.by:
        return ErrorCode.NOT_ALLOWED
    return None if state in case.start else ErrorCode.WRONG_APPRAISAL_STATE


async def tried(
    world: World, case: Case, viewer: str, row: Appraisal, now: datetime | None = None
) -> ErrorCode | None:
    """What a step answers; nothing is left of it."""
    answer: list[ErrorCode | None] = []
    try:
        async with transaction():
            taking = case.take(world, viewer, row, case.at if now is None else now)
            answer.append(await outcome(taking))
            raise UndoneError
    except UndoneError:
        return answer[0]


@undone
async def test_each_step_is_theirs_alone_and_from_its_states_alone(world: World) -> None:
    rows = {state: await brought(world, state, period) for state, period in STATES.items()}
    assert {state: row.state for state, row in rows.items()} == {one: one for one in STATES}

    wrong = [
        (name, viewer, state, answer)
        for name, case in CASES.items()
        for viewer in LOOKING
        for state, row in rows.items()
        if (answer := await tried(world, case, viewer, row)) != expected(case, viewer, state)
    ]

    assert wrong == []


# Opening


@undone
async def test_each_agreed_plan_has_one_appraisal_in_each_evaluation_period(world: World) -> None:
    plans = await PerformancePlan.filter(period_id=world.targets["T"].period_id)
    of_final = await Appraisal.filter(evaluation_period_id=world.rows["final"].id)

    assert {plan.state for plan in plans} == {PlanState.APPROVED}
    assert {row.plan_id for row in of_final} == {plan.id for plan in plans}
    row = await appraisal_of(world, STAFF)
    assert (row.state, row.version, row.heads_unit) == (AppraisalState.OPEN, 1, False)
    assert (row.starts_on, row.ends_on) == (day(1, 1), day(12, 31))
    assert row.appraiser_id == world.people[SUPERVISOR].id
    events = await AppraisalEvent.filter(appraisal_id__in=[one.id for one in of_final])
    assert [(one.kind, one.actor, one.version) for one in events] == [
        (AppraisalEventKind.OPENED, "pengelola.dc", 1)
    ] * len(plans)


@undone
async def test_opening_again_opens_what_is_missing_and_brings_the_unrated_up_to_date(
    world: World,
) -> None:
    administrator, final = await world.scope("administrator"), world.rows["final"].id
    rated = await rate(world, "superior", await appraisal_of(world, COLLEAGUE))

    assert await service.open_appraisals(administrator, final, OVER) == 0
    for nip in (STAFF, COLLEAGUE):
        assert await moved(world, nip) is not None
    assert await service.open_appraisals(administrator, final, OVER) == 2

    old, new = await Appraisal.filter(
        employee=world.people[STAFF], evaluation_period_id=final
    ).order_by("starts_on")
    assert (old.id, old.ends_on) == (world.rows["appraisal"].id, day(10, 31))
    assert (new.starts_on, new.ends_on) == (day(11, 1), day(12, 31))
    assert new.appraiser_id == world.people[OTHER_SUPERVISOR].id
    # What was rated keeps its days until it is rated again or signed.
    assert (await Appraisal.get(id=rated.id)).ends_on == day(12, 31)
    await sign(world, "administrator", rated, now=datetime(2026, 12, 20, tzinfo=UTC))
    assert (await Appraisal.get(id=rated.id)).ends_on == day(10, 31)


@undone
async def test_a_plan_in_the_making_has_no_appraisal(world: World) -> None:
    plan = await moved(world, STAFF, state=PlanState.DRAFT)
    administrator, final = await world.scope("administrator"), world.rows["final"].id

    assert await service.open_appraisals(administrator, final, OVER) == 0
    draft = RatingDraft(pair=(plan.id, final), version=1, ratings=ratings())
    rated = await service.rate(await world.scope("other supervisor"), [draft], OVER)

    assert [error.code for _, error in rated.errors] == [ErrorCode.WRONG_PLAN_STATE]


@pytest.mark.parametrize("viewer", ["auditor", "superior", "other administrator"])
@undone
async def test_only_the_administrator_opens(world: World, viewer: str) -> None:
    final = world.rows["final"].id

    opening = service.open_appraisals(await world.scope(viewer), final, OVER)

    assert await outcome(opening) is ErrorCode.NOT_FOUND


# Rating


@undone
async def test_the_predicate_follows_from_the_two_ratings(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF))
    assert (row.predicate, row.rated_by, row.version) == (Predicate.GOOD, SUPERVISOR, 2)

    row = await rate(world, "superior", row, IN_TIME, work=Rating.ABOVE)

    assert (row.state, row.predicate) == (AppraisalState.RATED, Predicate.EXCELLENT)
    assert (row.rated_by, row.rated_at, row.version) == (SUPERIOR, IN_TIME, 3)


@undone
async def test_a_year_is_rated_from_the_first_day_of_its_last_month(world: World) -> None:
    row = await appraisal_of(world, STAFF)

    with pytest.raises(DomainError) as refused:
        await rate(world, "supervisor", row, EARLY)
    assert (refused.value.code, refused.value.words) == (
        ErrorCode.TOO_EARLY,
        {"day": day(12, 1)},
    )
    assert (await rate(world, "supervisor", row, RATED_AT)).state is AppraisalState.RATED


BELOW, MISSING = Rating.BELOW, ErrorCode.REASON_MISSING
LOYAL = Behaviour.LOYAL
BAD: dict[str, tuple[dict[str, Any], ErrorCode, str]] = {
    "no work rating": ({"work": None}, ErrorCode.BAD_USER_INPUT, "workRating"),
    "no reason of work": ({"work_reason": None}, MISSING, "workReason"),
    "a blank reason": ({"behaviour_reason": " "}, MISSING, "behaviourReason"),
    "an essay": ({"work_reason": "x" * 4001}, ErrorCode.TEXT_TOO_LONG, "workReason"),
    "a low behaviour": (
        {"behaviours": [BehaviourRating(behaviour=LOYAL, rating=BELOW)]},
        MISSING,
        "behaviours.0.reason",
    ),
    "a behaviour twice": (
        {"behaviours": [BehaviourRating(behaviour=LOYAL, rating=Rating.MEETS)] * 2},
        ErrorCode.BAD_USER_INPUT,
        "behaviours.1.behaviour",
    ),
    "a result of nobody": (
        {"results": [ResultRating(target_id=uuid7(), rating=Rating.MEETS)]},
        ErrorCode.TARGET_NOT_YOURS,
        "results.0.target",
    ),
}


@pytest.mark.parametrize("name", BAD)
@undone
async def test_ratings_say_why_and_of_what(world: World, name: str) -> None:
    given, code, field = BAD[name]
    row = await appraisal_of(world, STAFF)

    with pytest.raises(DomainError) as refused:
        await rate(world, "supervisor", row, **given)

    assert (refused.value.code, refused.value.field) == (code, field)
    assert (await Appraisal.get(id=row.id)).state is AppraisalState.OPEN


@undone
async def test_only_results_of_the_plan_are_rated_and_each_once(world: World) -> None:
    row = await appraisal_of(world, STAFF)
    own, theirs = world.targets["T"].id, world.targets["S"].id

    def of(key: Any, **given: Any) -> ResultRating:
        return ResultRating(target_id=key, rating=Rating.BELOW, **given)

    told: list[tuple[ErrorCode, str | None]] = []
    for results in ([of(theirs)], [of(own)], [of(own, reason="Kurang")] * 2):
        with pytest.raises(DomainError) as refused:
            await rate(world, "supervisor", row, results=results)
        told.append((refused.value.code, refused.value.field))

    assert told == [
        (ErrorCode.TARGET_NOT_YOURS, "results.0.target"),
        (ErrorCode.REASON_MISSING, "results.0.reason"),
        (ErrorCode.BAD_USER_INPUT, "results.1.target"),
    ]


@undone
async def test_lines_are_replaced_as_a_whole_and_the_history_keeps_both(world: World) -> None:
    row, target = await appraisal_of(world, STAFF), world.targets["T"].id
    low = ResultRating(target_id=target, rating=BELOW, reason="Terlambat")
    row = await rate(world, "supervisor", row, results=[low])
    loyal = BehaviourRating(behaviour=LOYAL, rating=Rating.ABOVE)

    row = await rate(world, "supervisor", row, work=Rating.ABOVE, behaviours=[loyal])

    (line,) = await AppraisalLine.filter(appraisal=row)
    assert (line.behaviour, line.rating, line.target_id) == (LOYAL, Rating.ABOVE, None)
    *_, last = await AppraisalEvent.filter(appraisal=row).order_by("id")
    assert (last.kind, last.version) == (AppraisalEventKind.RATED, 3)
    assert last.changes == {
        "behaviours.LOYAL.rating": {"before": None, "after": "ABOVE"},
        "predicate": {"before": "GOOD", "after": "EXCELLENT"},
        "results.T.rating": {"before": "BELOW", "after": None},
        "results.T.reason": {"before": "Terlambat", "after": None},
        "workRating": {"before": "MEETS", "after": "ABOVE"},
    }


@undone
async def test_a_plan_is_rated_also_where_its_appraisal_was_not_opened(world: World) -> None:
    plan, final = await moved(world, STAFF), world.rows["final"].id
    draft = RatingDraft(pair=(plan.id, final), version=1, ratings=ratings())
    viewer = await world.scope("other supervisor")

    first = await service.rate(viewer, [draft], OVER)
    again = await service.rate(viewer, [draft], OVER)

    (row,) = first.appraisals
    events = await AppraisalEvent.filter(appraisal_id=row.id).order_by("id")
    assert [one.kind for one in events] == [AppraisalEventKind.OPENED, AppraisalEventKind.RATED]
    assert [error.code for _, error in again.errors] == [ErrorCode.CONFLICT]


@undone
async def test_what_a_refused_rating_would_have_opened_stays_unopened(world: World) -> None:
    plan, final = await moved(world, STAFF), world.rows["final"].id
    for viewer, code in (("colleague", ErrorCode.NOT_FOUND), ("self", ErrorCode.NOT_ALLOWED)):
        draft = RatingDraft(pair=(plan.id, final), version=1, ratings=ratings())
        rated = await service.rate(await world.scope(viewer), [draft], OVER)
        assert [error.code for _, error in rated.errors] == [code]

    assert not await Appraisal.filter(plan_id=plan.id).exists()


@undone
async def test_a_closed_period_and_a_closed_plan_are_rated(world: World) -> None:
    row = await appraisal_of(world, STAFF)
    await PerformancePlan.filter(id=row.plan_id).update(state=PlanState.CLOSED)
    await type(world.rows["final"]).filter(id=world.rows["final"].id).update(closed_at=RATED_AT)

    assert (await rate(world, "supervisor", row)).state is AppraisalState.RATED


@pytest.mark.parametrize("number", [0, 501])
@undone
async def test_one_to_five_hundred_are_rated_at_once(world: World, number: int) -> None:
    draft = RatingDraft(appraisal_id=uuid7(), version=1, ratings=ratings())

    rating = service.rate(await world.scope("supervisor"), [draft] * number, RATED_AT)

    code = ErrorCode.TOO_MANY if number else ErrorCode.NOTHING_CHOSEN
    assert await outcome(rating) is code


@undone
async def test_an_appraisal_is_named_in_one_way(world: World) -> None:
    row = await appraisal_of(world, STAFF)
    both = rating_of(row, plan=random_id("PerformancePlan"))
    wrong = {
        "BAD_USER_INPUT": (both, rating_of(row, appraisal=None)),
        "NOT_FOUND": (rating_of(row, appraisal=random_id("PerformancePlan")),),
    }
    for code, given in [(code, one) for code, some in wrong.items() for one in some]:
        answer = await Api.of("supervisor", now=RATED_AT, expires_at=OVER).data(
            RATE, input={"appraisals": [given]}
        )
        assert answer["rateAppraisals"]["userErrors"] == [
            {
                "code": code,
                "field": "appraisals.0" + (".appraisal" if code == "BAD_USER_INPUT" else ""),
            }
        ]


# Accepting, objecting, deciding


@undone
async def test_objections_come_in_time_and_signing_waits_for_them(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF))
    staff = await world.scope("self")

    with pytest.raises(DomainError) as early:
        await sign(world, "supervisor", row, now=IN_TIME)
    with pytest.raises(DomainError) as late:
        await service.object_to(staff, row.id, row.version, "Keliru", OVER)

    assert (early.value.code, early.value.words["day"]) == (ErrorCode.TOO_EARLY, day(12, 9))
    assert (late.value.code, late.value.words["deadline"]) == (
        ErrorCode.OBJECTION_OVER,
        day(12, 8),
    )
    row = await service.object_to(staff, row.id, row.version, "Keliru", IN_TIME)
    assert row.state is AppraisalState.OBJECTED


@undone
async def test_the_days_to_object_are_those_of_the_policy_of_the_rating(world: World) -> None:
    """Two days are given from December on; a rating of November still has the seven."""
    late = datetime(2026, 11, 30, 3, tzinfo=UTC)
    before = await rate(world, "supervisor", await appraisal_of(world, STAFF, "month 1"), late)
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF))
    await AgencyPolicy.create(
        agency_id=row.agency_id,
        starts_on=day(12, 1),
        set_by="pengelola.dc",
        set_at=late,
        **asdict(Policy(objection_days=2)),
    )
    fourth = datetime(2026, 12, 4, 3, tzinfo=UTC)

    answers = {
        (name, of.id): await tried(world, CASES[name], viewer, of, fourth)
        for name, viewer in (("object", "self"), ("sign", "supervisor"))
        for of in (before, row)
    }

    assert answers == {
        ("object", before.id): None,
        ("object", row.id): ErrorCode.OBJECTION_OVER,
        ("sign", before.id): ErrorCode.TOO_EARLY,
        ("sign", row.id): None,
    }


@undone
async def test_an_objection_and_its_decision_say_why(world: World) -> None:
    row = await brought(world, AppraisalState.OBJECTED, "final")
    staff, superior = await world.scope("self"), await world.scope("superior")

    assert await outcome(service.object_to(staff, row.id, 3, " ", IN_TIME)) is MISSING
    deciding = service.decide(superior, row.id, row.version, UPHELD, "", None, OVER)
    assert await outcome(deciding) is MISSING
    events = await AppraisalEvent.filter(appraisal=row).order_by("id")
    assert (events[-1].kind, events[-1].comment) == (AppraisalEventKind.OBJECTED, "Keliru")


@undone
async def test_a_decision_changes_ratings_or_keeps_them_never_a_bit_of_both(
    world: World,
) -> None:
    row = await brought(world, AppraisalState.OBJECTED, "final")
    superior = await world.scope("superior")
    wrong = [(UPHELD, ratings()), (CHANGED, None), (CHANGED, ratings())]
    for what, given in wrong:
        deciding = service.decide(superior, row.id, row.version, what, "Ya", given, OVER)
        assert await outcome(deciding) is ErrorCode.BAD_USER_INPUT, what
    with pytest.raises(DomainError) as refused:
        await service.decide(
            superior, row.id, row.version, CHANGED, "Ya", ratings(work_reason=""), OVER
        )
    assert refused.value.field == "ratings.workReason"

    given = ratings(Rating.ABOVE)
    decided = await service.decide(superior, row.id, row.version, CHANGED, "Ya", given, OVER)

    assert (decided.state, decided.predicate) == (AppraisalState.DECIDED, Predicate.EXCELLENT)
    # Whose ratings these were stays known.
    assert (decided.rated_by, decided.rated_at) == (SUPERVISOR, RATED_AT)
    *_, last = await AppraisalEvent.filter(appraisal=row).order_by("id")
    assert (last.kind, last.actor, last.comment) == (AppraisalEventKind.CHANGED, SUPERIOR, "Ya")
    assert last.changes["workRating"] == {"before": "MEETS", "after": "ABOVE"}


@undone
async def test_where_nobody_is_above_who_rated_the_administrator_decides(world: World) -> None:
    row = await rate(world, "superior", await appraisal_of(world, STAFF))
    row = await service.object_to(await world.scope("self"), row.id, row.version, "Keliru", IN_TIME)

    answers = {
        viewer: await tried(world, CASES["uphold"], viewer, row)
        for viewer in ("superior", "supervisor", "administrator", "auditor", "self")
    }

    refused = ErrorCode.NOT_ALLOWED
    assert answers == dict.fromkeys(answers, refused) | {"administrator": None}


@undone
async def test_an_administrator_does_not_decide_on_their_own_rating(world: World) -> None:
    await rate_units(world, "A")
    row = await rate(world, "administrator", await appraisal_of(world, SUPERIOR), work=None)
    row = await service.object_to(
        await world.scope("superior"), row.id, row.version, "Keliru", IN_TIME
    )
    await grant_again(world, SUPERVISOR)

    answers = [
        await tried(world, CASES["uphold"], viewer, row)
        for viewer in ("administrator", "superior", "supervisor")
    ]

    assert answers == [ErrorCode.NOT_ALLOWED, ErrorCode.NOT_ALLOWED, None]


# Moves


async def moved(
    world: World, nip: str, *, state: PlanState = PlanState.APPROVED, **given: Any
) -> PerformancePlan:
    """The plan of somebody who has another post from November on, in the other department."""
    where: dict[str, Any] = {
        "unit_id": world.rows["unit D"].id,
        "appraiser_id": world.people[OTHER_SUPERVISOR].id,
        "starts_on": day(11, 1),
        "position": "Analis",
    }
    move = Move(employee_id=world.people[nip].id, **where | given)
    plan = await transfer(await world.scope("administrator"), move, RATED_AT)
    assert plan is not None
    await PerformancePlan.filter(id=plan.id).update(state=state)
    return plan


@undone
async def test_the_former_superior_rates_the_plan_that_has_ended(world: World) -> None:
    await moved(world, STAFF)
    await service.open_appraisals(await world.scope("administrator"), world.rows["final"].id, OVER)
    of_year = Appraisal.filter(
        employee=world.people[STAFF], evaluation_period_id=world.rows["final"].id
    )
    old, new = await of_year.order_by("starts_on")
    october = datetime(2026, 10, 1, 3, tzinfo=UTC)

    # The supervisor is not above the person any more: the new plan's appraisal is not theirs.
    assert await outcome(rate(world, "supervisor", new, OVER)) is ErrorCode.NOT_FOUND
    old = await rate(world, "supervisor", old, october)
    new = await rate(world, "other supervisor", new, OVER)

    assert (old.ends_on, old.appraiser_id) == (day(10, 31), world.people[SUPERVISOR].id)
    old = await service.object_to(await world.scope("self"), old.id, old.version, "Keliru", october)
    answers = {
        viewer: await tried(world, CASES["uphold"], viewer, old)
        for viewer in ("supervisor", "other supervisor", "superior", "administrator")
    }
    # Above the former superior, in the line that the person has now.
    assert answers == dict.fromkeys(answers, ErrorCode.NOT_ALLOWED) | {"superior": None}


@undone
async def test_an_acting_post_is_appraised_beside_the_own_one(world: World) -> None:
    """The staff member leads the team C1 as acting head: its result is theirs there."""
    plan = await moved(
        world,
        STAFF,
        unit_id=world.rows["unit C1"].id,
        appraiser_id=world.people[SUPERVISOR].id,
        kind=AssignmentKind.PLT,
        until=day(12, 31),
        heads_unit=True,
    )
    final = world.rows["final"].id
    viewer = await world.scope("supervisor")
    draft = RatingDraft(pair=(plan.id, final), version=1, ratings=ratings(None))

    refused = await service.rate(viewer, [draft], OVER)
    assert [error.code for _, error in refused.errors] == [ErrorCode.UNIT_NOT_RATED]
    await rate_unit(viewer, world.rows["unit C1"].id, final, UnitPredicate.OUTSTANDING, "Ya", OVER)
    done = await service.rate(viewer, [draft], OVER)

    (acting,) = done.appraisals
    assert (acting.heads_unit, acting.work_rating) == (True, Rating.ABOVE)
    assert (acting.starts_on, acting.ends_on) == (day(11, 1), day(12, 31))
    own = await rate(world, "supervisor", await appraisal_of_plan(world, "T"))
    assert (own.heads_unit, own.starts_on) == (False, day(1, 1))


async def appraisal_of_plan(world: World, code: str) -> Appraisal:
    plan_id, final = world.targets[code].plan_id, world.rows["final"].id
    return await Appraisal.get(plan_id=plan_id, evaluation_period_id=final)


@undone
async def test_days_that_the_plan_has_left_are_not_rated(world: World) -> None:
    """The December of somebody whose post ended in October."""
    row = await appraisal_of(world, STAFF, "month 12")
    await moved(world, STAFF)

    assert await outcome(rate(world, "supervisor", row, OVER)) is ErrorCode.OUTSIDE_PLAN


# Signing


@undone
async def test_signing_is_all_or_nothing_and_names_each_that_cannot_be(world: World) -> None:
    accepted = await brought(world, AppraisalState.ACCEPTED, "month 1")
    rated = await brought(world, AppraisalState.RATED, "month 2")
    opened = await appraisal_of(world, STAFF, "month 3")

    with pytest.raises(DomainError) as refused:
        await sign(world, "administrator", accepted, rated, opened, now=IN_TIME)

    each: Any = refused.value
    assert [(one.code, one.field) for one in each.each] == [
        (ErrorCode.TOO_EARLY, "appraisals.1"),
        (ErrorCode.WRONG_APPRAISAL_STATE, "appraisals.2"),
    ]
    assert (await Appraisal.get(id=accepted.id)).state is AppraisalState.ACCEPTED
    await sign(world, "administrator", accepted, rated, now=OVER)
    for row in (accepted, rated):
        now = await Appraisal.get(id=row.id)
        assert (now.state, now.signed_by, now.signed_at) == (
            AppraisalState.SIGNED,
            "pengelola.dc",
            OVER,
        )
        *_, last = await AppraisalEvent.filter(appraisal=row).order_by("id")
        assert (last.kind, last.version) == (AppraisalEventKind.SIGNED, now.version)


@undone
async def test_ten_cost_as_many_statements_as_one(world: World) -> None:
    """Of rating and of signing."""
    viewer = await world.scope("supervisor")
    ten = [await appraisal_of(world, STAFF, f"month {n}") for n in range(1, 11)]
    costs: dict[int, list[int]] = {}
    for rows in ([await appraisal_of(world, STAFF)], ten):
        drafts = [
            RatingDraft(appraisal_id=row.id, version=row.version, ratings=ratings()) for row in rows
        ]
        with counted() as rating:
            rated = await service.rate(viewer, drafts, RATED_AT)
        assert len(rated.appraisals) == len(rows)
        with counted() as signing:
            await sign(world, "supervisor", *rows)
        costs[len(rows)] = [len(rating), len(signing)]

    assert costs[10] == costs[1]
    assert max(costs[1]) <= 20, costs


@undone
async def test_nobody_rates_decides_or_signs_their_own(world: World) -> None:
    """Not as an administrator either."""
    await grant_again(world, STAFF)
    rows = {state: await brought(world, state, period) for state, period in STATES.items()}

    answers = {
        (name, state): await tried(world, CASES[name], "self", row)
        for name in ("rate", "uphold", "change", "sign")
        for state, row in rows.items()
    }

    assert set(answers.values()) == {ErrorCode.NOT_ALLOWED}


async def grant_again(world: World, nip: str) -> None:
    """The role of an administrator for one who is an employee."""
    await grant_role(world.rows["agency"].id, nip, Role.ADMINISTRATOR)


async def rate_units(world: World, *codes: str) -> None:
    administrator, final = await world.scope("administrator"), world.rows["final"].id
    for code in codes:
        unit = world.rows[f"unit {code}"].id
        await rate_unit(administrator, unit, final, UnitPredicate.GOOD, "Tercapai", RATED_AT)


@undone
async def test_the_top_is_rated_by_the_administrator(world: World) -> None:
    await rate_units(world, "A")
    row = await appraisal_of(world, SUPERIOR)
    assert row.appraiser_id is None

    # The person sees it; the one below does not.
    assert await outcome(rate(world, "superior", row, work=None)) is ErrorCode.NOT_ALLOWED
    assert await outcome(rate(world, "supervisor", row, work=None)) is ErrorCode.NOT_FOUND
    row = await rate(world, "administrator", row, work=None)

    assert (row.rated_by, row.work_rating) == ("pengelola.dc", Rating.MEETS)
