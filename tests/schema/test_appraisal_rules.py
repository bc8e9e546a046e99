"""The matrix of predicates, all nine cells, in the rule and in the database; heads; days."""

from datetime import UTC, date, datetime

import asyncpg
import pytest

from schema.appraisals.models import Predicate, Rating, UnitPredicate
from schema.appraisals.rules import objection_until, predicate_of, work_rating_of
from schema.appraisals.steps import rated_from
from server.database import Database, DatabaseRole

# Results by behaviour, as PermenPANRB 6/2022 has the quadrants.
CELLS = [
    (Rating.ABOVE, Rating.ABOVE, Predicate.EXCELLENT),
    (Rating.ABOVE, Rating.MEETS, Predicate.GOOD),
    (Rating.ABOVE, Rating.BELOW, Predicate.POOR),
    (Rating.MEETS, Rating.ABOVE, Predicate.GOOD),
    (Rating.MEETS, Rating.MEETS, Predicate.GOOD),
    (Rating.MEETS, Rating.BELOW, Predicate.POOR),
    (Rating.BELOW, Rating.ABOVE, Predicate.NEEDS_IMPROVEMENT),
    (Rating.BELOW, Rating.MEETS, Predicate.NEEDS_IMPROVEMENT),
    (Rating.BELOW, Rating.BELOW, Predicate.VERY_POOR),
]


@pytest.mark.parametrize(("work", "behaviour", "predicate"), CELLS)
def test_two_ratings_make_the_predicate(
    work: Rating, behaviour: Rating, predicate: Predicate
) -> None:
    assert predicate_of(work, behaviour) is predicate


async def test_the_database_takes_no_other_predicate(fresh_database: Database) -> None:
    owner = await fresh_database.connect(DatabaseRole.OWNER)
    try:
        check = await owner.fetchval(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'appraisal_matrix'"
        )
        await owner.execute(
            "CREATE TEMP TABLE matrix (work_rating text, behaviour_rating text, "
            f"predicate text, {check})"
        )
        for work, behaviour, predicate in CELLS:
            for given in (*Predicate, None):
                insert = owner.execute(
                    "INSERT INTO matrix VALUES ($1, $2, $3)", work, behaviour, given
                )
                if given is predicate:
                    await insert
                else:
                    with pytest.raises(asyncpg.CheckViolationError):
                        await insert
    finally:
        await owner.close()


@pytest.mark.parametrize(
    ("unit", "rating"),
    [
        (UnitPredicate.OUTSTANDING, Rating.ABOVE),
        (UnitPredicate.GOOD, Rating.MEETS),
        (UnitPredicate.NEEDS_IMPROVEMENT, Rating.BELOW),
        (UnitPredicate.POOR, Rating.BELOW),
        (UnitPredicate.VERY_POOR, Rating.BELOW),
    ],
)
def test_a_units_result_is_its_heads(unit: UnitPredicate, rating: Rating) -> None:
    assert work_rating_of(unit) is rating


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "first"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), date(2026, 12, 1)),  # a year
        (date(2026, 4, 1), date(2026, 6, 30), date(2026, 6, 1)),  # a quarter
        (date(2026, 2, 1), date(2026, 2, 28), date(2026, 2, 1)),  # a month
        (date(2026, 5, 10), date(2026, 5, 20), date(2026, 5, 10)),  # days of one month
        (date(2026, 1, 1), date(2026, 10, 1), date(2026, 10, 1)),  # a plan that ended
    ],
)
def test_days_are_rated_from_their_last_month_on(
    starts_on: date, ends_on: date, first: date
) -> None:
    assert rated_from(starts_on, ends_on) == first


@pytest.mark.parametrize(
    ("zone", "days", "until"),
    [
        # 23.30 WIB on the first; in Papua it is the second already.
        ("Asia/Jakarta", 7, date(2026, 12, 8)),
        ("Asia/Jayapura", 7, date(2026, 12, 9)),
        ("Asia/Jakarta", 0, date(2026, 12, 1)),
        ("Asia/Jakarta", None, date(2026, 12, 8)),
    ],
)
def test_days_to_object_are_those_where_the_employee_works(
    zone: str, days: int | None, until: date
) -> None:
    rated_at = datetime(2026, 12, 1, 16, 30, tzinfo=UTC)

    assert objection_until(rated_at, zone, days) == until
    assert objection_until(None, zone, days) is None
