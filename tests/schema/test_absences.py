"""Being away: who says it, who decides it, what days ask then; and days that are done."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from schema.errors import DomainError, ErrorCode, NotFound, Refusals
from schema.organizations import clock
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    ClockDirection,
    DayDone,
    Employee,
)
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.progress.models import DailyLog
from schema.tables import dicts_of, transaction
from schema.targets.models import Period
from schema.teams.absence_rules import AbsenceEntry, check_absence, overlaps
from schema.teams.absences import (
    decide_absence,
    record_absences,
    report_absence,
    withdraw_absence,
)
from schema.teams.days_done import mark_day_done, reopen_day
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Api,
    World,
    copied_world,
    grant_roles,
    key_of,
    logged,
    save_other_agency,
    world_in,
)

ONE = timedelta(days=1)
LEAVE, SICKNESS = AbsenceKind.LEAVE, AbsenceKind.SICKNESS


def spell(
    starts: date = TODAY,
    ends: date | None = None,
    *,
    kind: AbsenceKind = LEAVE,
    since: time | None = None,
    until: time | None = None,
    note: str | None = None,
) -> AbsenceEntry:
    return AbsenceEntry(
        kind=kind,
        starts_on=starts,
        ends_on=ends or starts,
        from_time=since,
        until_time=until,
        note=note,
    )


@pytest.mark.parametrize(
    ("entry", "code", "field"),
    [
        (spell(TODAY, TODAY - ONE), "ENDS_BEFORE_START", "endsOn"),
        (spell(TODAY, TODAY + 366 * ONE), "RANGE_TOO_LONG", "endsOn"),
        (spell(date(1, 1, 2), date(9999, 12, 30)), "RANGE_TOO_LONG", "endsOn"),
        (spell(since=time(8)), "BAD_USER_INPUT", "untilTime"),
        (spell(until=time(8)), "BAD_USER_INPUT", "fromTime"),
        (spell(TODAY, TODAY + ONE, since=time(8), until=time(9)), "BAD_USER_INPUT", "fromTime"),
        (spell(since=time(9), until=time(9)), "ENDS_BEFORE_START", "untilTime"),
        (spell(note="x" * 2_001), "TEXT_TOO_LONG", "note"),
    ],
)
def test_an_absence_that_cannot_be_is_refused(entry: AbsenceEntry, code: str, field: str) -> None:
    with pytest.raises(DomainError) as refused:
        check_absence(entry)

    assert (refused.value.code, refused.value.field) == (code, field)


def test_an_absence_of_a_year_or_of_a_minute_can_be() -> None:
    check_absence(spell(TODAY, TODAY + 365 * ONE, note="x" * 2_000))
    check_absence(spell(since=time(23, 58), until=time(23, 59)))


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        (spell(TODAY, TODAY + ONE), spell(TODAY + ONE), True),
        (spell(TODAY), spell(TODAY + ONE), False),
        (spell(since=time(8), until=time(10)), spell(since=time(10), until=time(12)), False),
        (spell(since=time(8), until=time(10)), spell(since=time(9), until=time(12)), True),
        (spell(since=time(8), until=time(10)), spell(), True),
        (spell(since=time(8), until=time(10)), spell(TODAY + ONE), False),
    ],
)
def test_nobody_is_away_twice_at_once(one: AbsenceEntry, other: AbsenceEntry, clash: bool) -> None:
    assert overlaps(one, other) is overlaps(other, one) is clash


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async def prepare(world: World) -> None:
        await save_other_agency()
        await grant_roles(world)

    async with copied_world(copies, prepare) as world:
        yield world


async def refusal(making: Any) -> tuple[ErrorCode, str | None]:
    with pytest.raises(DomainError) as refused:
        await making
    return refused.value.code, refused.value.field


async def minutes(world: World, day: date = TODAY) -> int:
    key = {"employee_id": world.people[STAFF].id, "day": day}
    return (await DailyLog.get(**key)).required_minutes


async def told() -> list[tuple[str, UUID, list[UUID]]]:
    rows = await dicts_of("SELECT kind, employee_id, superior_ids FROM event ORDER BY id", [])
    return [(row["kind"], row["employee_id"], row["superior_ids"]) for row in rows]


async def test_leave_is_reported_accepted_and_taken_back(world: World) -> None:
    me, boss = await world.scope("self"), await world.scope("supervisor")
    await logged(me, minutes=30)
    before = len(await told())

    row = await report_absence(me, None, spell(note="  Acara  "), NOW)
    assert (row.state, row.note, row.reported_by, row.decided_by) == (
        AbsenceState.REPORTED, "Acara", STAFF, None,
    )  # fmt: skip
    assert await minutes(world) == 450

    await decide_absence(boss, row.id, True, "Silakan", NOW + ONE)
    assert await minutes(world) == 0

    await withdraw_absence(boss, row.id, "Dipanggil kembali", NOW + 2 * ONE)
    assert await minutes(world) == 450
    row = await Absence.get(id=row.id)
    assert (row.state, row.decided_by) == (AbsenceState.WITHDRAWN, SUPERVISOR)
    lines = await AbsenceEvent.filter(absence_id=row.id).order_by("id")
    assert [(one.state, one.actor, one.at, one.comment) for one in lines] == [
        (AbsenceState.REPORTED, STAFF, NOW, None),
        (AbsenceState.ACCEPTED, SUPERVISOR, NOW + ONE, "Silakan"),
        (AbsenceState.WITHDRAWN, SUPERVISOR, NOW + 2 * ONE, "Dipanggil kembali"),
    ]
    person = world.people[STAFF]
    line = [world.people[nip].id for nip in (SUPERVISOR, SUPERIOR)]
    assert (await told())[before:] == [("absence.changed", person.id, line)] * 3


async def test_half_a_day_of_leave_takes_its_minutes_off_and_absence_without_leave_none(
    world: World,
) -> None:
    me, boss = await world.scope("self"), await world.scope("supervisor")
    person = world.people[STAFF].id
    await logged(me, minutes=30)

    await report_absence(boss, person, spell(since=time(12), until=time(16, 30)), NOW)
    # 07.30 to 16.00 with an hour's break: 240 of 510 minutes, of 450: 211.76
    assert await minutes(world) == 450 - 212
    again = spell(kind=AbsenceKind.UNEXCUSED, since=time(8), until=time(9))
    row = await report_absence(boss, person, again, NOW)
    assert (row.state, row.decided_by) == (AbsenceState.ACCEPTED, SUPERVISOR)
    assert await minutes(world) == 450 - 212


async def test_who_may_not_is_refused_and_nobody_decides_their_own(world: World) -> None:
    scopes = {name: await world.scope(name) for name in ("self", "colleague", "supervisor")}
    scopes |= {name: await world.scope(name) for name in ("auditor", "administrator", "connector")}
    me, boss = scopes["self"], scopes["supervisor"]
    person = world.people[STAFF].id
    row = await report_absence(me, None, spell(), NOW)

    for name in ("colleague", "auditor", "connector"):
        with pytest.raises(NotFound):
            await report_absence(scopes[name], person, spell(TODAY + ONE), NOW)
        for made in (
            decide_absence(scopes[name], row.id, True, None, NOW),
            withdraw_absence(scopes[name], row.id, None, NOW),
        ):
            assert (await refusal(made))[0] == "NOT_FOUND"
    assert await refusal(decide_absence(boss, uuid7(), True, None, NOW)) == ("NOT_FOUND", None)
    assert await refusal(report_absence(scopes["administrator"], None, spell(), NOW)) == (
        "NOT_FOUND", None,
    )  # fmt: skip
    assert await refusal(decide_absence(me, row.id, True, None, NOW)) == ("NOT_ALLOWED", None)
    unexcused = spell(TODAY + ONE, kind=AbsenceKind.UNEXCUSED)
    assert await refusal(report_absence(me, None, unexcused, NOW)) == ("NOT_ALLOWED", "kind")
    assert await refusal(decide_absence(boss, row.id, False, " ", NOW)) == (
        "REASON_MISSING", "note",
    )  # fmt: skip
    assert (await refusal(withdraw_absence(boss, row.id, None, NOW)))[0] == "WRONG_STATE"

    await decide_absence(scopes["administrator"], row.id, True, None, NOW)
    assert (await refusal(decide_absence(boss, row.id, False, "Tidak", NOW)))[0] == "WRONG_STATE"
    assert (await refusal(withdraw_absence(me, row.id, None, NOW)))[0] == "NOT_ALLOWED"
    other = await report_absence(me, None, spell(TODAY + ONE, kind=SICKNESS), NOW)
    await withdraw_absence(me, other.id, None, NOW)
    assert (await refusal(withdraw_absence(me, other.id, None, NOW)))[0] == "WRONG_STATE"
    assert await Absence.all().count() == await AbsenceEvent.all().count() / 2 == 2


async def test_of_two_reports_at_once_that_overlap_one_is_refused(world: World) -> None:
    me = await world.scope("self")

    found = await asyncio.gather(
        *(report_absence(me, None, spell(TODAY, TODAY + n * ONE), NOW) for n in range(2)),
        return_exceptions=True,
    )

    (refused,) = [one for one in found if isinstance(one, DomainError)]
    assert (refused.code, refused.field) == ("OVERLAP", "startsOn")
    assert str(refused).startswith("The time overlaps another record: LEAVE 2026-11-24 - 2026-11-2")
    assert await Absence.all().count() == 1
    # What was withdrawn counts no more.
    row = await Absence.get()
    await withdraw_absence(me, row.id, None, NOW)
    await report_absence(me, None, spell(), NOW)


async def test_days_of_a_closed_evaluation_period_stand(world: World) -> None:
    me, boss = await world.scope("self"), await world.scope("supervisor")
    january = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 1, 31)}
    waiting = await report_absence(me, None, spell(date(2026, 1, 30), date(2026, 2, 2)), NOW)
    accepted = await report_absence(boss, world.people[STAFF].id, spell(date(2026, 1, 5)), NOW)
    await EvaluationPeriod.create(
        period=await Period.get(agency=world.rows["agency"], code="2026"),
        kind=EvaluationKind.MONTHLY,
        number=1,
        filling_until=date(2026, 2, 5),
        closed_at=NOW,
        **january,
    )

    straddling = spell(date(2026, 1, 20), date(2026, 1, 21))
    assert await refusal(report_absence(me, None, straddling, NOW)) == (
        "PERIOD_CLOSED", "startsOn",
    )  # fmt: skip
    assert (await refusal(decide_absence(boss, waiting.id, True, None, NOW)))[0] == "PERIOD_CLOSED"
    assert (await refusal(withdraw_absence(boss, accepted.id, None, NOW)))[0] == "PERIOD_CLOSED"
    # What does not count moves nothing, and may be refused.
    await decide_absence(boss, waiting.id, False, "Terlambat", NOW)
    await report_absence(me, None, spell(date(2026, 2, 3)), NOW)


async def test_leave_of_many_is_recorded_at_once_or_not_at_all(world: World) -> None:
    admin, boss = await world.scope("administrator"), await world.scope("supervisor")
    await logged(await world.scope("self"), minutes=30)
    before = len(await told())
    good = [(STAFF, spell(TODAY)), (STAFF, spell(TODAY + ONE)), (OTHER_STAFF, spell(TODAY))]
    bad = [
        (STAFF, spell(TODAY, TODAY - ONE)),
        ("0" * 18, spell()),
        ("x", spell()),
    ]

    async def refused(scope: Any, entries: Sequence[tuple[str, AbsenceEntry]]) -> Any:
        with pytest.raises(Refusals) as several:
            await record_absences(scope, entries, NOW)
        return [(one.code, one.field) for one in several.value.each]

    assert await refused(admin, [good[0], *bad]) == [
        ("ENDS_BEFORE_START", "absences.1.endsOn"),
        ("NOT_FOUND", "absences.2.nip"),
        ("NOT_FOUND", "absences.3.nip"),
    ]
    assert await refused(admin, [*good, good[1]]) == [("OVERLAP", "absences.3.startsOn")]
    assert await refused(boss, [*good, (SUPERVISOR, spell())]) == [
        ("NOT_FOUND", "absences.2.nip"),
        ("NOT_ALLOWED", "absences.3.nip"),
    ]
    assert (await refusal(record_absences(admin, [], NOW)))[0] == "NOTHING_CHOSEN"
    assert (await refusal(record_absences(admin, good * 200, NOW)))[0] == "TOO_MANY"
    assert await Absence.all().count() == 0

    rows = await record_absences(admin, good, NOW)
    assert {row.state for row in rows} == {AbsenceState.ACCEPTED}
    assert await minutes(world) == 0
    assert [kind for kind, _, _ in (await told())[before:]] == ["absence.changed"] * 2
    days = [(STAFF, spell(date(2024, 1, 1) + n * ONE)) for n in range(500)]
    assert len(await record_absences(admin, days, NOW)) == 500


async def test_a_day_is_done_and_reopened_by_its_employee_and_told_once_each(world: World) -> None:
    me = await world.scope("self")
    # 12.00 in Jakarta is 14.00 in Jayapura: at 23.00 there it is today, in Jakarta still, too.
    await Employee.filter(id=world.people[STAFF].id).update(timezone="Asia/Jayapura")
    late = datetime.fromisoformat("2026-11-24T15:30:00+00:00")  # the 25th, 00.30, in Jayapura

    assert await refusal(mark_day_done(me, TODAY + ONE, NOW)) == ("IN_THE_FUTURE", "on")
    await mark_day_done(me, TODAY + ONE, late)
    await mark_day_done(me, TODAY, NOW)
    await mark_day_done(me, TODAY, NOW + ONE)
    assert (await DayDone.get(day=TODAY)).done_at == NOW
    await reopen_day(me, TODAY, NOW + ONE)
    await reopen_day(me, TODAY, NOW + 2 * ONE)
    assert (await DayDone.get(day=TODAY)).reopened_at == NOW + ONE
    await mark_day_done(me, TODAY, NOW + 3 * ONE)
    row = await DayDone.get(day=TODAY)
    assert (row.done_at, row.reopened_at) == (NOW + 3 * ONE, None)

    kinds = [kind for kind, _, _ in await told()]
    assert kinds == ["day.done", "day.done", "day.reopened", "day.done"]
    for made in (mark_day_done, reopen_day):
        with pytest.raises(NotFound):
            await made(await world.scope("administrator"), TODAY, NOW)


async def test_clockings_are_told_once_for_each_person_of_a_batch(
    fresh_database: Database,
) -> None:
    async with world_in(fresh_database, _nothing) as world:
        people = [world.people[nip].id for nip in (STAFF, STAFF, COLLEAGUE)]
    passages = [
        clock.Passage(
            source_id=f"P-{n}",
            employee_id=person,
            timezone="Asia/Jakarta",
            at=NOW,
            direction=ClockDirection.IN,
            place=None,
        )
        for n, person in enumerate(people)
    ]
    async with opened(fresh_database, DatabaseRole.WORKER):
        for _ in range(2):
            async with transaction() as connection:
                await clock.keep(connection, world.installation.id, passages, NOW)
        async with transaction() as connection:
            names = ["P-0", "P-1", "P-7"]
            await clock.take_back(connection, world.installation.id, names, NOW)

        assert [(kind, person) for kind, person, _ in await told()] == [
            ("attendance.clocked", people[0]),
            ("attendance.clocked", people[2]),
            ("attendance.clocked", people[0]),
        ]


async def _nothing(world: World) -> None:
    """Nothing beforehand."""


REPORT = """mutation($i: ReportAbsenceInput!) { reportAbsence(input: $i) {
  absence { id state fromTime untilTime employee { name } } userErrors { code field } } }"""
DECIDE = """mutation($i: DecideAbsenceInput!) { decideAbsence(input: $i) {
  absence { state decidedBy { name } history { state comment actor { name } } }
  userErrors { code field } } }"""
WAITING = "{ viewer { absencesToDecide { totalCount edges { node { id } } } } }"


async def test_a_superior_finds_and_decides_what_waits_by_graphql(world: World) -> None:
    me, boss = Api.of("self"), Api.of("supervisor")
    afternoon = {"kind": "LEAVE", "startsOn": "2026-11-24", "endsOn": "2026-11-24"}
    afternoon |= {"fromTime": "13:00", "untilTime": "15:30"}

    said = (await me.data(REPORT, i=afternoon))["reportAbsence"]["absence"]
    wrong = (await me.data(REPORT, i=afternoon | {"untilTime": "25:00"}))["reportAbsence"]
    waiting = [await api.data(WAITING) for api in (me, boss, Api.of("superior"))]
    decided = await boss.data(DECIDE, i={"id": said["id"], "accept": False, "note": "Ada rapat"})
    day = await Api.of("supervisor").data(
        """query($e: String!) { employee(nip: $e) { absences(from: "2026-11-24", to: "2026-11-24") {
        state note } dailyLog(on: "2026-11-24") { doneAt absences { state } } } }""",
        e=STAFF,
    )

    assert said | {"id": ""} == {
        "id": "",
        "state": "REPORTED",
        "fromTime": "13:00",
        "untilTime": "15:30",
        "employee": {"name": "Sari Wulandari"},
    }
    assert wrong == {
        "absence": None,
        "userErrors": [{"code": "BAD_USER_INPUT", "field": "untilTime"}],
    }
    seen = [one["viewer"]["absencesToDecide"] for one in waiting]
    assert seen[0] == {"totalCount": 0, "edges": []}
    assert seen[1] == seen[2] == {"totalCount": 1, "edges": [{"node": {"id": said["id"]}}]}
    dewi = {"name": "Dewi Anggraini"}
    assert decided["decideAbsence"]["absence"] == {
        "state": "REFUSED",
        "decidedBy": dewi,
        "history": [
            {"state": "REPORTED", "comment": None, "actor": {"name": "Sari Wulandari"}},
            {"state": "REFUSED", "comment": "Ada rapat", "actor": dewi},
        ],
    }
    assert day["employee"] == {
        "absences": [{"state": "REFUSED", "note": None}],
        "dailyLog": {"doneAt": None, "absences": []},
    }


async def test_administrators_decide_for_those_who_have_nobody_above_them(world: World) -> None:
    answer = await Api.of("superior").data(
        REPORT, i={"kind": "SICKNESS", "startsOn": "2026-11-24", "endsOn": "2026-11-26"}
    )
    await Api.of("self").data(
        REPORT, i={"kind": "LEAVE", "startsOn": "2026-11-24", "endsOn": "2026-11-24"}
    )
    key = answer["reportAbsence"]["absence"]["id"]

    counts = {
        name: (await Api.of(name).data(WAITING))["viewer"]["absencesToDecide"]["edges"]
        for name in ("administrator", "auditor", "other administrator", "superior")
    }
    decided = await Api.of("administrator").data(DECIDE, i={"id": key, "accept": True})

    assert counts["administrator"] == [{"node": {"id": key}}]
    assert counts["auditor"] == counts["other administrator"] == []
    assert len(counts["superior"]) == 1
    assert decided["decideAbsence"]["absence"]["state"] == "ACCEPTED"
    assert key_of(world.people[SUPERIOR]) != key
