"""Evidence of appraisals: what is read of a year is what its rows say, one by one."""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from tortoise import Tortoise

from schema.appraisals.evidence import Evidence, TimeEvidence
from schema.appraisals.gathering import gather
from schema.appraisals.models import Appraisal
from schema.appraisals.service import open_appraisals
from schema.organizations.models import Employee
from schema.organizations.viewers import scope_of
from schema.plans.models import Behaviour, EvaluationKind
from schema.tables import WRITER, dicts_of
from server.database import Database, DatabaseRole, opened
from tests.benchmarks.appraisals import NOW, evaluation, provide
from tests.schema.test_row_security import SETTINGS, told

PEOPLE = 45
ONE_DAY = timedelta(days=1)

# Person 2's first result: a correction counts in place of what it corrects, others do not count.
RECORDS = """
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, target_id, indicator_id, quantity, late, state, created_at, decided_at)
SELECT gen_random_uuid(), e.agency_id, e.id, v.day, v.day + time '12:00' AT TIME ZONE 'UTC',
  v.day + time '12:30' AT TIME ZONE 'UTC', 30, 'Koreksi', i.target_id, i.id, v.quantity, false,
  v.state, '2026-06-01', '2026-06-01'
FROM employee e JOIN target t ON t.owner_employee_id = e.id AND t.position = 0
JOIN indicator i ON i.target_id = t.id AND i.position = 0
CROSS JOIN (VALUES (date '2026-06-02', 100, 'SUPERSEDED'), ('2026-06-02', 7, 'CONFIRMED'),
  ('2026-06-03', 50, 'RETURNED'), ('2026-06-04', 20, 'PENDING')) v (day, quantity, state)
WHERE e.nip LIKE '%000002'
"""
# Person 3: leave from 29 January to 2 August. 4: the plan begins on 2 February. 5: ends 30 June.
TIMES = (
    """
INSERT INTO absence (id, employee_id, kind, state, starts_on, ends_on, reported_by, reported_at,
  decided_by, decided_at)
SELECT gen_random_uuid(), e.id, 'LEAVE', 'ACCEPTED', '2026-01-29', '2026-08-02', 'p', '2026-01-01',
  'q', '2026-01-01' FROM employee e WHERE e.nip LIKE '%000003'
""",
    """
DELETE FROM daily_log WHERE employee_id IN (SELECT id FROM employee WHERE nip LIKE '%000003')
  AND day BETWEEN '2026-01-29' AND '2026-08-02'
""",
    """
UPDATE performance_plan SET starts_on = '2026-02-02'
WHERE employee_id IN (SELECT id FROM employee WHERE nip LIKE '%000004')
""",
    """
UPDATE performance_plan SET ends_on = '2026-06-30'
WHERE employee_id IN (SELECT id FROM employee WHERE nip LIKE '%000005')
""",
)


@pytest.fixture(scope="module")
async def year(module_database: Database) -> Database:
    await provide(module_database, PEOPLE, 30)
    async with opened(module_database, DatabaseRole.OWNER):
        for statement in (RECORDS, *TIMES):
            await Tortoise.get_connection(WRITER).execute_script(statement)
    async with opened(module_database, DatabaseRole.APPLICATION):
        for kind, number in ((EvaluationKind.FINAL, 1), (EvaluationKind.MONTHLY, 7)):
            scope, one = await evaluation(kind, number)
            assert await open_appraisals(scope, one.id, NOW) > 0
    return module_database


@pytest.fixture
async def database(year: Database) -> AsyncIterator[Database]:
    async with opened(year, DatabaseRole.APPLICATION):
        yield year


async def appraisals(kind: EvaluationKind) -> Mapping[int, Appraisal]:
    """By the number of the person."""
    rows = await Appraisal.filter(evaluation_period__kind=kind).prefetch_related("employee")
    return {int(row.employee.nip[-6:]): row for row in rows}


async def gathered(kind: EvaluationKind) -> Mapping[int, Evidence]:
    rows = await appraisals(kind)
    found = await gather(Tortoise.get_connection(WRITER), [row.id for row in rows.values()])
    return {number: found[row.id] for number, row in rows.items()}


async def time_of(row: Appraisal) -> TimeEvidence:
    """Day by day, as a person would count it."""
    logs = {
        one["day"]: one
        for one in await dicts_of(
            "SELECT * FROM daily_log WHERE employee_id = $1", [row.employee_id]
        )
    }
    last = (row.ends_on.replace(day=28) + 4 * ONE_DAY).replace(day=1) - ONE_DAY
    required = recorded = asked = filled = streak = longest = 0
    months = set()
    day = row.starts_on
    while day <= last:
        (answer,) = await dicts_of(
            "SELECT required_minutes($1, $2) AS minutes", [row.employee_id, day]
        )
        log = logs.get(day)
        minutes = answer["minutes"] if log is None else log["required_minutes"]
        if minutes and day.replace(day=1) >= row.starts_on:
            months.add(day.month)
        if day <= row.ends_on:
            required += minutes
            recorded += log["recorded_minutes"] if log else 0
            if minutes:
                is_filled = log is not None and log["recorded_minutes"] > 0
                asked, filled = asked + 1, filled + is_filled
                streak = streak + 1 if is_filled else 0
                longest = max(longest, streak)
        day += ONE_DAY
    return TimeEvidence(
        required_minutes=required,
        recorded_minutes=recorded,
        days_asked=asked,
        days_filled=filled,
        longest_streak=longest,
        months=len(months),
    )


async def test_time_is_what_a_person_would_count_day_by_day(database: Database) -> None:
    rows, found = await appraisals(EvaluationKind.MONTHLY), await gathered(EvaluationKind.MONTHLY)
    finals, of_year = await appraisals(EvaluationKind.FINAL), await gathered(EvaluationKind.FINAL)

    for number in (1, 2, 3, 7):
        assert found[number].time == await time_of(rows[number])
    for number in (3, 4):
        assert of_year[number].time == await time_of(finals[number])


async def test_months_of_service_are_those_held_on_their_first_day_that_ask_for_work(
    database: Database,
) -> None:
    found = await gathered(EvaluationKind.FINAL)

    assert found[7].time.months == 12
    # On leave from 29 January to 2 August: no day of February to July asks for work. 12 - 6 = 6.
    assert found[3].time.months == 6
    # From 2 February: February counts for the plan that held on its first day. March to December.
    assert found[4].time.months == 10
    # Until 30 June.
    assert found[5].time.months == 6


async def realized(by_day: date) -> Mapping[UUID, Decimal | None]:
    """Each indicator by the end of a day, with all that flows in, added up one by one."""
    own: dict[UUID, list[Any]] = defaultdict(list)
    for one in await dicts_of(
        "SELECT * FROM progress_record WHERE state = 'CONFIRMED' AND day <= $1 AND"
        " indicator_id IS NOT NULL ORDER BY ends_at, id",
        [by_day],
    ):
        own[one["indicator_id"]].append(one["quantity"])
    rows = {one["id"]: one for one in await dicts_of("SELECT * FROM indicator", [])}

    def amount(key: UUID) -> Decimal | None:
        parts = [amount(one["id"]) for one in rows.values() if one["contributes_to_id"] == key]
        if own[key]:
            parts.append(sum(own[key]) if rows[key]["accumulation"] == "SUM" else own[key][-1])
        known = [part for part in parts if part is not None]
        return sum(known, Decimal()) if known else None

    return {key: amount(key) for key in rows}


async def test_a_month_has_what_was_due_and_reached_by_its_last_day(database: Database) -> None:
    found = await gathered(EvaluationKind.MONTHLY)
    reached = await realized(date(2026, 7, 31))
    indicators = await dicts_of("SELECT * FROM indicator ORDER BY position", [])

    for evidence in found.values():
        for result in evidence.results:
            of = [one for one in indicators if one["target_id"] == result.id]
            assert [one.realized for one in result.indicators] == [reached[one["id"]] for one in of]
    # Due: 3 by March, 6 by June. The second indicator has no path.
    assert [one.planned for one in found[2].results[0].indicators] == [6, None]


async def test_a_year_has_its_plan_and_what_stands(database: Database) -> None:
    found = await gathered(EvaluationKind.FINAL)
    rows = {one["id"]: one for one in await dicts_of("SELECT * FROM indicator", [])}
    of = {key: [one for one in rows.values() if one["target_id"] == key] for key in {
        one["target_id"] for one in rows.values()
    }}  # fmt: skip

    for evidence in found.values():
        for result in evidence.results:
            stand = sorted(of.get(result.id, []), key=lambda one: one["position"])
            assert [(one.planned, one.realized) for one in result.indicators] == [
                (one["planned"], one["realized"]) for one in stand
            ]


async def test_a_correction_counts_in_place_of_what_it_corrects(database: Database) -> None:
    before = await realized(date(2026, 6, 1))
    rows = await dicts_of(
        "SELECT i.id FROM indicator i JOIN target t ON t.id = i.target_id JOIN employee e"
        " ON e.id = t.owner_employee_id WHERE e.nip LIKE '%000002' AND t.position = 0"
        " AND i.position = 0",
        [],
    )

    after = await realized(date(2026, 6, 4))

    one = rows[0]["id"]
    assert (after[one] or 0) - (before[one] or 0) >= 7
    found = await gathered(EvaluationKind.MONTHLY)
    (of_month,) = [
        each.realized for each in found[2].results[0].indicators if each.title == "Jumlah laporan"
    ]
    assert of_month == (await realized(date(2026, 7, 31)))[one]


async def test_stages_behaviours_records_and_feedback_are_of_the_days(database: Database) -> None:
    of_month = (await gathered(EvaluationKind.MONTHLY))[4]
    of_year = (await gathered(EvaluationKind.FINAL))[4]

    # Completed on 10 February, May, August and November.
    assert [s.completed_on for s in of_month.results[3].stages or ()] == [
        date(2026, 2, 10),
        date(2026, 5, 10),
        None,
        None,
    ]
    assert of_year.results[3].stages is not None
    assert of_year.results[3].stages[3].completed_on == date(2026, 11, 10)
    assert (of_year.results[3].achieved, of_month.results[3].known_share) == (100, 100)
    assert [one.behaviour for one in of_year.behaviours] == list(Behaviour)
    said = {one.behaviour: (one.expectation, one.feedback) for one in of_year.behaviours}
    assert said[Behaviour.LOYAL] == ("Menjadi teladan", 1)
    assert said[Behaviour.ADAPTIVE] == (None, 0)
    # Given on 1 July in Jakarta, when it was still June in UTC.
    assert (of_year.results[0].feedback, of_month.results[0].feedback) == (1, 1)
    plain = await dicts_of(
        "SELECT count(*) FILTER (WHERE day BETWEEN '2026-07-01' AND '2026-07-31') AS month,"
        " count(*) FILTER (WHERE day >= '2026-02-02') AS year"
        " FROM progress_record WHERE state = 'CONFIRMED' AND target_id = $1",
        [of_year.results[0].id],
    )
    assert (of_month.results[0].records, of_year.results[0].records) == (
        plain[0]["month"],
        plain[0]["year"],
    )


async def test_a_weighted_result_has_its_children_and_whom_it_serves(database: Database) -> None:
    found = await gathered(EvaluationKind.FINAL)

    # Person 1 heads 2 and 3: weights 40 and 60, 92.123456 and 93.123456: 92.72.
    children = found[1].results[2].children
    assert [(one.weight, one.achieved) for one in children] == [
        (Decimal(40), Decimal("92.123456")),
        (Decimal(60), Decimal("93.123456")),
    ]
    assert found[1].results[2].achieved == Decimal("92.72")
    assert found[2].results[0].serves == found[1].results[0].title
    assert found[1].results[0].serves is None


async def test_evidence_is_shown_to_whoever_sees_the_appraisal_and_to_nobody_else(
    database: Database,
) -> None:
    row = (await appraisals(EvaluationKind.FINAL))[22]
    people = {int(one.nip[-6:]): one for one in await Employee.all()}
    connection = await database.connect(DatabaseRole.APPLICATION)
    try:
        await connection.execute("SET ROLE ekinerja_reader")
        seen = {}
        for number in (22, 21, 1, 23, 2):
            scope = await scope_of(people[number].nip)
            async with connection.transaction():
                await connection.execute(f"SELECT {SETTINGS}", *told(scope))
                seen[number] = await connection.fetchval("SELECT appraisal_evidence($1)", row.id)
    finally:
        await connection.close()

    # Themselves, their head, the head above; not a colleague, nor somebody elsewhere.
    assert {number for number, facts in seen.items() if facts is not None} == {22, 21, 1}
