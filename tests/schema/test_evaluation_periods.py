"""Evaluation periods, action plans before evidence, late entries: and nothing is lost."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.errors import DomainError, ErrorCode
from schema.plans.loading import save_case
from schema.plans.models import ActionPlan, EvaluationPeriod, PerformancePlan
from schema.policies.models import AgencyPolicy, LateEntries
from schema.policies.rules import Policy
from schema.progress import service
from schema.progress.models import DailyLog, ProgressRecord, RecordState
from schema.progress.placing import Place
from schema.progress.service import Confirmation, KeptLate
from schema.targets.models import Indicator
from tests.copies import Copies
from tests.factories import (
    MORNING,
    NOW,
    OTHER_AGENCY,
    STAFF,
    SUPERIOR,
    Api,
    World,
    case_of,
    copied_world,
    entry,
    grant_roles,
    key_of,
    logged,
    received,
)

SET = """mutation($input: SetEvaluationPeriodsInput!) { setEvaluationPeriods(input: $input) {
  evaluationPeriods { id kind number startsOn endsOn fillingUntil closedAt }
  userErrors { code field message } } }"""
CLOSE = """mutation($id: ID!) { closeEvaluationPeriod(input: {id: $id}) {
  evaluationPeriod { closedAt history { kind reason } } userErrors { code message } } }"""
REOPEN = """mutation($id: ID!, $reason: String!) {
  reopenEvaluationPeriod(input: {id: $id, reason: $reason}) {
    evaluationPeriod { closedAt history { kind reason } } userErrors { code message } } }"""
ACTIONS = """mutation($input: SaveActionPlansInput!) { saveActionPlans(input: $input) {
  actionPlans { id description startsOn endsOn quantity target { code }
    evaluationPeriod { number } } userErrors { code field message } } }"""


async def prepare(world: World) -> None:
    """Another agency and the roles, without a busy day."""
    await save_case(case_of(OTHER_AGENCY))
    await grant_roles(world)


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    """The small agency in November, with months, and nothing recorded."""
    async with copied_world(copies, prepare) as world:
        answer = await months(world)
        assert answer["userErrors"] == []
        yield world


async def months(world: World, kind: str = "MONTHLY", **more: Any) -> Any:
    given = {"agency": "DC", "period": "2026", "kind": kind} | more
    answer = await Api.of("administrator").data(SET, input=given)
    return answer["setEvaluationPeriods"]


async def month(number: int) -> EvaluationPeriod:
    return await EvaluationPeriod.get(kind="MONTHLY", number=number, period__agency__code="DC")


async def counting(world: World, **changed: Any) -> None:
    await AgencyPolicy.create(
        agency_id=world.rows["agency"].id,
        starts_on=date(2026, 1, 1),
        set_by=SUPERIOR,
        set_at=NOW,
        **asdict(Policy(**changed)),
    )


async def planned(world: World, number: int, *codes: str) -> Any:
    """Action plans of the staff member for a month."""
    items = [
        {"target": key_of(world.targets[code]), "description": f"Menyusun {code}"} for code in codes
    ]
    plan = await PerformancePlan.get(employee=world.people[STAFF])
    period = key_of(await month(number))
    given = {"plan": key_of(plan), "evaluationPeriod": period, "items": items}
    answer = await Api.of("self").data(ACTIONS, input=given)
    return answer["saveActionPlans"]


def one(world: World, code: str = "T1", quantity: str = "1") -> Place:
    return Place(target_id=world.targets[code].id, quantity=Decimal(quantity))


async def test_a_year_has_months_and_a_final_period(world: World) -> None:
    again = await months(world, fillingDays=5)

    told = again["evaluationPeriods"]
    assert [period["kind"] for period in told].count("MONTHLY") == 12
    assert [period["kind"] for period in told].count("FINAL") == 1
    march = next(p for p in told if (p["kind"], p["number"]) == ("MONTHLY", 3))
    assert (march["startsOn"], march["endsOn"]) == ("2026-03-01", "2026-03-31")
    assert march["fillingUntil"] == "2026-04-05"


async def test_an_agency_has_one_kind_a_year(world: World) -> None:
    answer = await months(world, kind="QUARTERLY")

    (error,) = answer["userErrors"]
    assert error["code"] == "KIND_FIXED"
    assert "MONTHLY" in error["message"]
    assert await EvaluationPeriod.filter(kind="QUARTERLY").count() == 0


async def test_progress_of_a_plan_needs_an_action_plan_first(world: World) -> None:
    viewer = await world.scope("self")
    with pytest.raises(DomainError, match="Write an action plan of this target for MONTHLY 11"):
        await logged(viewer, place=one(world))

    saved = await planned(world, 11, "T1")
    record = await logged(viewer, place=one(world))

    assert saved["userErrors"] == []
    (action,) = saved["actionPlans"]
    assert (action["startsOn"], action["endsOn"]) == ("2026-11-01", "2026-11-30")
    # Where one alone covers the day, the record is for that one.
    assert key_of(await ActionPlan.get(id=record.action_plan_id)) == action["id"]
    # What serves no target, or a unit's goal, needs none.
    await logged(viewer, MORNING + timedelta(hours=1))
    await logged(viewer, MORNING + timedelta(hours=2), place=one(world, "U1"))


async def test_an_action_plan_with_progress_is_not_removed(world: World) -> None:
    await planned(world, 11, "T1", "T")
    await logged(await world.scope("self"), place=one(world))

    without_t = await planned(world, 11, "T1")

    # The draft names no id, so both are replaced: T1's has a record.
    (error,) = without_t["userErrors"]
    assert (error["code"], "Menyusun T1" in error["message"]) == ("IN_USE", True)
    assert await ActionPlan.all().count() == 2


@pytest.mark.parametrize("step", ["log", "dismiss", "correct", "return", "action plan"])
async def test_a_closed_period_changes_only_after_it_was_reopened(world: World, step: str) -> None:
    await planned(world, 11, *([] if step == "action plan" else ["T1"]))
    viewer = await world.scope("self")
    place = one(world, "U1") if step == "action plan" else one(world)
    record = await logged(viewer, place=place)
    period = key_of(await month(11))
    closed = await Api.of("administrator").data(CLOSE, id=period)
    assert closed["closeEvaluationPeriod"]["evaluationPeriod"]["closedAt"] is not None

    async def take() -> Any:
        match step:
            case "log":
                return await logged(viewer, MORNING + timedelta(hours=1))
            case "dismiss":
                return await service.dismiss_progress(viewer, record.id, "Keliru", NOW)
            case "correct":
                return await service.correct_progress(
                    viewer, record.id, entry(place=one(world, quantity="2")), "Keliru", NOW
                )
            case "return":
                superior = await world.scope("supervisor")
                return await service.return_progress(superior, record.id, "Lengkapi", NOW)
            case _:
                answer = await planned(world, 11, "T")
                for error in answer["userErrors"]:
                    raise DomainError(ErrorCode.PERIOD_CLOSED, period=error["message"])
                return answer

    before = await snapshot()
    with pytest.raises(DomainError, match="MONTHLY 11 is closed"):
        await take()
    assert await snapshot() == before

    reopened = await Api.of("administrator").data(REOPEN, id=period, reason="Koreksi kuantitas")
    await take()

    history = reopened["reopenEvaluationPeriod"]["evaluationPeriod"]["history"]
    assert [(event["kind"], event["reason"]) for event in history] == [
        ("SET", None),
        ("CLOSED", None),
        ("REOPENED", "Koreksi kuantitas"),
    ]


async def snapshot() -> Any:
    figures = await Indicator.all().order_by("id").values_list("realized", "contributing")
    records = await ProgressRecord.all().order_by("id").values_list("id", "state")
    return figures, records, await ActionPlan.all().count()


async def test_the_final_period_closes_the_year(world: World) -> None:
    final = await EvaluationPeriod.get(kind="FINAL", period__agency__code="DC")
    await Api.of("administrator").data(CLOSE, id=key_of(final))

    with pytest.raises(DomainError, match="FINAL is closed"):
        await logged(await world.scope("self"), date_at(2))


def date_at(month_number: int, day: int = 3) -> datetime:
    return MORNING.replace(month=month_number, day=day)


async def test_a_pending_record_of_a_closed_period_stays_pending(world: World) -> None:
    period = key_of(await month(11))
    await Api.of("administrator").data(CLOSE, id=period)

    answer = await service.confirm_progress(
        await world.scope("self"), [Confirmation(record_id=(await pending(world)).id)], NOW
    )

    ((_, error),) = answer.errors
    assert error.code == "PERIOD_CLOSED"
    assert await ProgressRecord.filter(state=RecordState.PENDING).count() == 1


async def pending(world: World) -> ProgressRecord:
    """What a connector brought; written as the owner would, since here is the application."""
    day = MORNING.date()
    return await ProgressRecord.create(
        agency_id=world.rows["agency"].id,
        employee=world.people[STAFF],
        day=day,
        starts_at=MORNING,
        ends_at=MORNING + timedelta(minutes=30),
        minutes=30,
        description="Surat masuk",
        state=RecordState.PENDING,
        created_at=NOW,
    )


# Late entries: a record of 3 October, written on 24 November. Filling of October ended on
# 10 November (10 days behind its end).
OCTOBER = MORNING.replace(month=10, day=3)


async def test_a_late_entry_is_marked_by_default(world: World) -> None:
    viewer = await world.scope("self")

    late = await logged(viewer, OCTOBER)
    in_time = await logged(viewer, MORNING)

    assert (late.late, late.state, in_time.late) == (True, RecordState.CONFIRMED, False)


async def test_a_late_entry_needs_a_reason_where_the_policy_asks(world: World) -> None:
    await counting(world, late_entries=LateEntries.REASON)
    viewer = await world.scope("self")
    for reason in (None, " "):
        with pytest.raises(DomainError, match="Filling ended on 2026-11-10; give a reason"):
            await logged(viewer, OCTOBER, late_reason=reason)

    record = await logged(viewer, OCTOBER, late_reason=" Jaringan putus ")

    assert (record.late, record.late_reason) == (True, "Jaringan putus")


async def test_a_refused_late_entry_is_kept_and_waits(world: World) -> None:
    """With all that was given; it counts once the policy lets it."""
    await counting(world, late_entries=LateEntries.REFUSED, action_plans_required=False)
    viewer = await world.scope("self")

    with pytest.raises(KeptLate) as kept:
        await logged(viewer, OCTOBER, place=one(world, quantity="2"))

    record = await ProgressRecord.get(id=kept.value.record.id)
    assert (record.state, record.quantity) == (RecordState.PENDING, Decimal(2))
    log = await DailyLog.get(employee=world.people[STAFF], day=OCTOBER.date())
    assert (log.recorded_minutes, log.pending_minutes) == (0, 30)
    assert (await Indicator.get(target=world.targets["T1"])).realized is None
    confirm = [Confirmation(record_id=record.id)]
    refused = await service.confirm_progress(viewer, confirm, NOW)
    assert [error.code for _, error in refused.errors] == ["TOO_LATE"]

    await counting(world, late_entries=LateEntries.MARKED, action_plans_required=False)
    outcome = await service.confirm_progress(viewer, confirm, NOW)

    assert (outcome.errors, outcome.records[0].late) == ([], True)
    assert (await Indicator.get(target=world.targets["T1"])).realized == Decimal(2)


async def test_a_refused_late_entry_comes_back_with_its_reason(world: World) -> None:
    await counting(world, late_entries=LateEntries.REFUSED)
    document = """mutation($input: LogProgressInput!) { logProgress(input: $input) {
      record { id state description late } userErrors { code field message } } }"""
    given = {
        "startsAt": OCTOBER.isoformat(),
        "endsAt": (OCTOBER + timedelta(minutes=30)).isoformat(),
        "description": "Rapat",
    }

    answer = (await Api.of("self").data(document, input=given))["logProgress"]

    assert (answer["record"]["state"], answer["record"]["late"]) == ("PENDING", False)
    (error,) = answer["userErrors"]
    assert (error["code"], error["field"]) == ("TOO_LATE", "startsAt")
    assert "2026-11-10" in error["message"]


@pytest.mark.parametrize(
    ("entry_days", "starts_at", "late"),
    [
        # 3 days behind 21 November end on the 24th, the day of writing
        (3, MORNING.replace(day=21), False),
        (3, MORNING.replace(day=20), True),
        (0, MORNING, False),
        (0, MORNING.replace(day=23), True),
    ],
)
async def test_the_days_of_the_policy_set_a_deadline_for_each_entry(
    world: World, entry_days: int, starts_at: datetime, late: bool
) -> None:
    await counting(world, entry_days=entry_days)

    record = await logged(await world.scope("self"), starts_at)

    assert record.late is late


async def test_a_connectors_record_is_late_when_it_is_confirmed_late(
    copies: Copies,
) -> None:
    async def with_letter(world: World) -> None:
        await prepare(world)
        await received(world, "D-1", starts_at=OCTOBER)

    async with copied_world(copies, with_letter) as world:
        await months(world)
        record = await ProgressRecord.get(state=RecordState.PENDING)

        outcome = await service.confirm_progress(
            await world.scope("self"), [Confirmation(record_id=record.id)], NOW
        )

        assert (outcome.errors, outcome.records[0].late) == ([], True)
