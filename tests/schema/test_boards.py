"""Boards on real rows: days as they were known when they ended, and who may ask for them."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from schema.errors import DomainError, ErrorCode
from schema.organizations.models import AbsenceKind, Assignment, Employee
from schema.teams import board_lists
from schema.teams.board_rules import (
    ClosedCount,
    OpenDays,
    UnitDays,
    absence_now,
    figures,
    figures_by_day,
    rate,
)
from schema.teams.models import DayClose, PresenceClock, PresenceStatus
from schema.teams.rules import Away, DayFacts
from server.database import Database
from tests.factories import COLLEAGUE, STAFF, SUPERVISOR, TODAY, Api, World, key_of, world_in

YESTERDAY = TODAY - timedelta(days=1)
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


def facts(**changed: Any) -> DayFacts:
    given = {"on": TODAY, "timezone": "Asia/Jakarta", "required_minutes": 450}
    return DayFacts(**given | {"recorded_minutes": 0} | changed)


@pytest.mark.parametrize(
    ("part", "whole", "percent"),
    [
        (0, 450, Decimal("0.00")),
        (300, 450, Decimal("66.67")),
        (500, 450, Decimal("111.11")),
        (0, 0, None),
    ],
)
def test_a_rate_has_two_decimals_and_none_of_nothing(
    part: int, whole: int, percent: Decimal | None
) -> None:
    assert rate(part, whole) == percent


def test_an_absence_of_whole_days_lasts_until_the_midnight_behind_them() -> None:
    away = Away(kind=AbsenceKind.LEAVE, ends_on=TODAY + timedelta(days=1))
    found = absence_now(facts(away=(away,)), NOON)

    assert found is not None
    # 26 November, 00.00 WIB
    assert found.until == datetime(2026, 11, 25, 17, tzinfo=UTC)
    assert found.last_day == date(2026, 11, 25)
    assert absence_now(facts(), NOON) is None
    assert absence_now(None, NOON) is None


def test_a_span_adds_closed_days_and_judges_open_ones() -> None:
    shut = ClosedCount(
        day=YESTERDAY,
        status=PresenceStatus.SHORT,
        count=3,
        asking=3,
        filled=3,
        required_minutes=1350,
        recorded_minutes=600,
    )
    ajar = [
        OpenDays(facts=facts(recorded_minutes=450), count=2),
        OpenDays(facts=facts(required_minutes=0, working_minutes=0), count=1),
    ]
    days = UnitDays(people=3, left_out=[YESTERDAY], closed=[shut], open=ajar)
    span = figures(YESTERDAY, TODAY, days, NOON)

    assert [(one.status, one.count) for one in span.statuses] == [
        ("COMPLETE", 2),
        ("DAY_OFF", 1),
        ("SHORT", 3),
    ]
    # 600 + 900 of 1350 + 900; 5 of the 5 that ask
    assert (span.fill_rate, span.filled_rate) == (Decimal("66.67"), Decimal("100.00"))
    assert (span.people, span.short, span.not_filled, span.uncounted_days) == (3, 3, 0, 1)
    by_day = figures_by_day(YESTERDAY, TODAY, days, NOON)
    assert [(one.people, one.uncounted_days) for one in by_day] == [(3, 1), (3, 0)]


@pytest.mark.parametrize("cursor", ["x", "!", "WzFd", "bnVsbA", "WyIyMDI2IiwiYSIsImIiXQ", "é"])
def test_a_cursor_of_another_list_is_refused(cursor: str) -> None:
    with pytest.raises(DomainError) as refused:
        board_lists.place_of(cursor)

    assert refused.value.code is ErrorCode.INVALID_CURSOR


def test_pages_of_closed_and_open_days_hold_each_line_once() -> None:
    unit = {"unit_code": "C", "unit_name": "Bagian"}
    ajar = [
        board_lists.OpenPerson(
            on=TODAY, name=f"Pegawai {n}", person_id=UUID(int=n), facts=facts(), **unit
        )
        for n in (3, 1, 2)
    ]
    people = board_lists.UnitPeople(count=0, closed=[], open=ajar)
    first = board_lists.people_page(people, None, 2, None, NOON)
    rest = board_lists.people_page(people, None, 2, first.page_info.end_cursor, NOON)

    names = [edge.node.name for page in (first, rest) for edge in page.edges]
    assert names == ["Pegawai 1", "Pegawai 2", "Pegawai 3"]
    assert (first.page_info.has_next_page, rest.page_info.has_next_page) == (True, False)
    assert first.total_count == rest.total_count == 3
    none = board_lists.people_page(people, [PresenceStatus.SICK], 2, None, NOON)
    assert (none.total_count, none.edges) == (0, [])


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with world_in(fresh_database) as world:
        yield world


async def close(world: World, nip: str, unit: Any, **changed: Any) -> None:
    person = await Employee.get(nip=nip)
    await DayClose.create(
        **{
            "agency_id": person.agency_id,
            "employee_id": person.id,
            "day": YESTERDAY,
            "unit_id": unit.id,
            "unit_path": [unit.id],
            "appraiser_ids": [world.people[SUPERVISOR].id],
            "superior_ids": list(person.superiors),
            "status": PresenceStatus.SHORT,
            "required_minutes": 450,
            "recorded_minutes": 60,
            "pending_count": 2,
            "closed_at": NOON,
        }
        | changed
    )


TEAM = """query($supervisor: ID!, $on: Date!) { team(supervisor: $supervisor, on: $on) {
  members { employee { nip name } status recordedMinutes
    known { status recordedMinutes requiredMinutes pendingCount } log { records { id } } }
  summary { members fillRate filled statuses { status count } } } }"""
BOARD = """query($on: Date!, $status: [PresenceStatus!]) {
  unitBoard(agency: "DC", unit: "C", on: $on) { figures { people short recordedMinutes }
    people(status: $status) { totalCount edges { node { name status recordedMinutes } } } } }"""


async def test_transfers_and_late_entries_do_not_rewrite_a_day_that_has_ended(
    world: World,
) -> None:
    unit = await world.people[STAFF].assignments.all().first()  # type: ignore[attr-defined]
    assert unit is not None
    of_unit = await unit.unit
    for nip in (STAFF, COLLEAGUE):
        await close(world, nip, of_unit)
    asked = {"supervisor": key_of(world.people[SUPERVISOR]), "on": str(YESTERDAY)}
    board = {"on": str(YESTERDAY), "status": ["SHORT"]}
    api = Api(SUPERVISOR)
    before = (await api.data(BOARD, **board))["unitBoard"]
    # The colleague has gone to nobody's team, from a day in the past.
    await Employee.filter(nip=COLLEAGUE).update(superiors=[])
    await Assignment.filter(employee__nip=COLLEAGUE).update(ends_on=YESTERDAY - timedelta(days=1))
    team = (await api.data(TEAM, **asked))["team"]
    after = (await api.data(BOARD, **board))["unitBoard"]

    known = {"status": "SHORT", "recordedMinutes": 60, "requiredMinutes": 450, "pendingCount": 2}
    by_name = {one["employee"]["name"]: one for one in team["members"]}
    gone = by_name[world.people[COLLEAGUE].name]
    here = by_name[world.people[STAFF].name]
    assert len(by_name) == 2
    assert gone["known"] == here["known"] == known
    # What is theirs stays theirs: no NIP, no records, the day as it was closed.
    assert (gone["employee"]["nip"], gone["log"]["records"]) == (None, [])
    assert (gone["status"], gone["recordedMinutes"]) == ("SHORT", 60)
    # Of who is still there the present figures stand beside what was known.
    assert (here["status"], here["recordedMinutes"]) == ("NOT_FILLED", 0)
    assert team["summary"]["fillRate"] == "6.67"  # 60 of 900
    assert team["summary"]["filled"] == 1
    assert before == after
    assert after["figures"]["short"] == after["people"]["totalCount"] == 2


async def test_a_board_is_not_for_those_who_lead_nobody_there(world: World) -> None:
    asked = {"on": str(TODAY)}
    for viewer, may in (("supervisor", True), ("administrator", True), ("self", False)):
        board = (await Api.of(viewer).data(BOARD, **asked))["unitBoard"]

        assert (board is not None) is may, viewer


async def test_days_that_were_never_closed_are_judged_by_what_is_known_now(world: World) -> None:
    """Nothing ran for longer than a week: the clock has come past days that nobody closed."""
    person = world.people[STAFF]
    unit = world.rows["unit C"]
    for days in (0, 21):
        await close(world, STAFF, unit, day=YESTERDAY - timedelta(days=days))
    await PresenceClock.create(
        agency_id=person.agency_id, ticked_until=NOON, closed_until=YESTERDAY
    )
    missed = YESTERDAY - timedelta(days=14)  # a Monday

    board = (await Api(SUPERVISOR).data(BOARD, on=str(missed)))["unitBoard"]

    assert board["figures"]["people"] == board["people"]["totalCount"] > 0
    assert {one["node"]["status"] for one in board["people"]["edges"]} == {"NOT_FILLED"}


SPANS = """query($on: Date!, $span: BoardSpan!) {
  unitBoard(agency: "DC", unit: "C", on: $on, span: $span) {
    before { from to } children { before { from to } } } }"""


@pytest.mark.parametrize(
    ("on", "span", "first", "last"),
    [
        # It is Tuesday the 24th: Monday and Tuesday of the week before, 24 days of October.
        ("2026-11-24", "WEEK", "2026-11-16", "2026-11-17"),
        ("2026-11-24", "MONTH", "2026-10-01", "2026-10-24"),
        ("2026-11-24", "DAY", "2026-11-23", "2026-11-23"),
        # What has ended is compared with the whole of what was before.
        ("2026-11-18", "WEEK", "2026-11-09", "2026-11-15"),
        ("2026-10-05", "MONTH", "2026-09-01", "2026-09-30"),
    ],
)
async def test_a_span_that_runs_is_compared_with_as_many_days_of_the_one_before(
    world: World, on: str, span: str, first: str, last: str
) -> None:
    board = (await Api(SUPERVISOR).data(SPANS, on=on, span=span))["unitBoard"]

    assert board["before"] == {"from": first, "to": last}
    assert {"before": board["before"]} in board["children"]
