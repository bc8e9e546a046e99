"""`python -m tests.benchmarks.appraisals`: how long the final appraisals of 20,000 people take.

A year of plans, records and filled days is made in SQL, the ratings too; then the command's use
case opens and signs, a thousand in a transaction, and its statements are counted.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from strawberry.relay import to_base64

from schema.access import Role, Scope
from schema.appraisals.models import AppraisalSeal
from schema.appraisals.service import open_appraisals
from schema.consequences.closing import reckon_month
from schema.consequences.rule_sets import load
from schema.consequences.simulating import Asked, simulate
from schema.plans.models import EvaluationKind, EvaluationPeriod
from server.commands.appraise import sign_all
from server.database import Database, DatabaseRole, database_in, migrate, opened, provision
from server.embedded_postgres import acquire, remove
from tests.benchmarks import appraisal_sql, shape_sql
from tests.benchmarks.data import Connection, unconstrained
from tests.benchmarks.measure import say
from tests.benchmarks.notices import counted
from tests.factories import schema
from tests.schema.test_differential import context_of

DATABASE = "benchmark_appraisals"
AGENCY = "TAHUN"
MANY = 2_000
SCHEME, OTHER_SCHEME = "kementan-2025", "kementan-2019"
BOARD = """query($of: ID!) { ratingBoard(agency: "TAHUN", unit: "u2", evaluationPeriod: $of) {
  appraisals states { state count } predicates { predicate count } rating { predicate }
  guide { staff rated warnings { indonesian } }
  people { edges { node { state predicate employee { name } } } } } }"""
NOW = datetime(2027, 1, 20, 3, tzinfo=UTC)


async def provide(database: Database, people: int, record_days: int) -> None:
    """An agency's year in an empty, migrated database."""
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        await connection.execute(shape_sql.SESSION)
        for statement in (*appraisal_sql.ORGANIZATION, *appraisal_sql.PLANS):
            await _run(connection, statement, people)
        async with _open(connection, "progress_record", people):
            await connection.execute(appraisal_sql.RECORDS, people, record_days)
        async with _open(connection, "daily_log", people):
            await _run(connection, appraisal_sql.DAILY_LOGS, people)
        await connection.execute(shape_sql.FIGURES)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


def _open(connection: Connection, table: str, people: int) -> AbstractAsyncContextManager[None]:
    """Many rows come faster into a table without indexes; of few it is not worth it."""
    return unconstrained(connection, table) if people > MANY else nullcontext()


async def _run(connection: Connection, statement: str, people: int) -> None:
    await connection.execute(statement, *([people] if "$1" in statement else []))


async def rate(database: Database, evaluation_id: UUID) -> None:
    """Ratings of all that is open, in all nine cells."""
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        await connection.execute(shape_sql.SESSION)
        for statement in (
            appraisal_sql.UNIT_RATINGS,
            appraisal_sql.RATINGS,
            appraisal_sql.LINES,
            appraisal_sql.OBJECTIONS,
        ):
            await connection.execute(statement, evaluation_id)
        await connection.execute("ANALYZE appraisal, appraisal_line, appraisal_event")
    finally:
        await connection.close()


async def evaluation(kind: EvaluationKind, number: int = 1) -> tuple[Scope, EvaluationPeriod]:
    """An evaluation of the year, and the operator."""
    found = await EvaluationPeriod.get(kind=kind, number=number).prefetch_related("period")
    grants = frozenset({(found.period.agency_id, Role.ADMINISTRATOR)})
    return Scope(subject="command line", grants=grants), found


async def signed(
    kind: EvaluationKind, number: int, database: Database, seen: Callable[[], int]
) -> None:
    """Open, rate and sign all of one evaluation, and say what it took."""
    scope, one = await evaluation(kind, number)
    began = time.perf_counter()
    opened_now = await open_appraisals(scope, one.id, NOW)
    say(f"{kind}: {opened_now:,} opened in {time.perf_counter() - began:.1f} s")
    await rate(database, one.id)
    batches: list[int] = []
    before, began = seen(), time.perf_counter()
    done = await sign_all(scope, one, NOW, batches.append)
    took, asked = time.perf_counter() - began, seen() - before
    say(
        f"{kind}: {done:,} signed in {took:.1f} s, {len(batches)} batches, "
        f"{1000 * asked / max(done, 1):.1f} statements for each 1,000"
    )


async def allowances(database: Database, seen: Callable[[], int]) -> None:
    """A month's allowance of everybody, and what another scheme would change of it."""
    scope, one = await evaluation(EvaluationKind.MONTHLY, 6)
    month = one.starts_on
    connection = await database.connect(DatabaseRole.OWNER)
    try:
        await connection.execute(shape_sql.SESSION)
        await connection.execute(appraisal_sql.CAREERS)
        await connection.execute("ANALYZE career, appraisal, appraisal_seal, consequence")
    finally:
        await connection.close()
    await load(scope, AGENCY, month, NOW, code=SCHEME)
    before, began = seen(), time.perf_counter()
    count = await reckon_month(scope, AGENCY, month, NOW)
    took, asked = time.perf_counter() - began, seen() - before
    say(
        f"allowances: {count:,} in {took:.1f} s, "
        f"{1000 * asked / max(count, 1):.1f} statements for each 1,000"
    )
    other = await load(scope, AGENCY, NOW.date(), NOW, code=OTHER_SCHEME)
    began = time.perf_counter()
    tried = await simulate(scope, Asked(other.id, "2026", month=month))
    took = time.perf_counter() - began
    say(f"simulate: {tried.people:,} people, {tried.changed:,} changed, in {took:.1f} s")


async def board(seen: Callable[[], int]) -> None:
    """A unit's board of ratings by its API, met for the second time."""
    scope, one = await evaluation(EvaluationKind.FINAL)
    viewer = Scope(subject=scope.subject, grants=scope.grants)
    values = {"of": to_base64("EvaluationPeriod", one.id)}
    for _ in range(2):
        before, began = seen(), time.perf_counter()
        answer = await schema().execute(BOARD, values, context_value=context_of(viewer))
        took, asked = time.perf_counter() - began, seen() - before
    assert answer.errors is None
    assert answer.data is not None
    people = answer.data["ratingBoard"]["appraisals"]
    say(f"a board of {people} people in {1000 * took:.1f} ms, {asked} statements")


async def measured(people: int, record_days: int) -> None:
    with tempfile.TemporaryDirectory(prefix="ekinerja-appraisals-") as scratch:
        cluster = await asyncio.to_thread(acquire, Path(scratch) / "postgres", durable=False)
        try:
            await provision(cluster, DATABASE)
            database = database_in(cluster, DATABASE)
            await migrate(database)
            began = time.perf_counter()
            await provide(database, people, record_days)
            say(f"the year of {people:,} people made in {time.perf_counter() - began:.0f} s")
            with counted() as seen:
                async with opened(database, DatabaseRole.APPLICATION):
                    await signed(EvaluationKind.FINAL, 1, database, seen)
                    await signed(EvaluationKind.MONTHLY, 6, database, seen)
                    await allowances(database, seen)
                    await board(seen)
                    first = await AppraisalSeal.all().first()
                    assert first is not None
                    say(f"a document of {len(first.document):,} characters")
        finally:
            await asyncio.to_thread(cluster.release)
            await asyncio.to_thread(remove, Path(scratch) / "postgres")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.appraisals", description=__doc__
    )
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--record-days", type=int, default=60, help="of each person")
    given = parser.parse_args()
    asyncio.run(measured(given.people, given.record_days))
