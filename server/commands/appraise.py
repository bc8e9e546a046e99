"""`python -m server appraise`: open what is missing of an evaluation, sign what is ready, and
reckon what follows of it."""

import argparse
import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schema.access import Scope
from schema.appraisals.bulk import (
    BATCH,
    Side,
    count_ready,
    evaluation_of,
    sides_for,
    sign_batch,
    states_of,
)
from schema.appraisals.service import open_appraisals
from schema.consequences.closing import follow
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Agency
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.tables import transaction
from schema.values import utc_now
from server.commands.operator import operator_of, say
from server.database import Database, DatabaseRole, found_database, opened
from server.settings import Settings

LOCK = "SELECT pg_try_advisory_lock(hashtext('ekinerja appraise'), hashtext($1))"


async def appraise(given: argparse.Namespace, settings: Settings) -> int:
    """Broken off, it is run again and goes on; 1 where another one is at work for the agency."""
    kind = EvaluationKind(given.kind.upper())
    number = _number(kind, given.number)
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency, evaluation = await evaluation_of(given.agency, given.period, kind, number)
        async with alone(database, agency) as is_alone:
            if not is_alone:
                say(f"{agency.code}: another `appraise` is at work; nothing was done")
                return 1
            await appraise_all(operator_of(agency.id), evaluation, utc_now())
        for state, number in sorted((await states_of(evaluation)).items()):
            say(f"{state}: {number:,}")
    return 0


def _number(kind: EvaluationKind, given: int | None) -> int:
    """Which month or quarter is never guessed: what is signed cannot be taken back.

    Raises:
        DomainError: a month or quarter is not said.
    """
    if given is None and kind is not EvaluationKind.FINAL:
        detail = f"--kind {kind.lower()} needs --number"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="number", detail=detail)
    return 1 if given is None else given


@asynccontextmanager
async def alone(database: Database, agency: Agency) -> AsyncIterator[bool]:
    """Whether no other process appraises for the agency now; it is held until this is left."""
    guard = await database.connect(DatabaseRole.APPLICATION)
    try:
        yield await guard.fetchval(LOCK, str(agency.id))
    finally:
        await guard.close()


async def appraise_all(scope: Scope, evaluation: EvaluationPeriod, now: datetime) -> int:
    """Open and sign all, and show how far it is; how many were signed."""
    opened_now = await open_appraisals(scope, evaluation.id, now)
    say(f"opened: {opened_now:,}")
    columns = (TextColumn("Signing"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task("appraisals", total=await count_ready(evaluation, now))
        signed = await sign_all(scope, evaluation, now, lambda more: progress.advance(bar, more))
    say(f"signed: {signed:,}")
    return signed


async def sign_all(
    scope: Scope,
    evaluation: EvaluationPeriod,
    now: datetime,
    done: Callable[[int], None] = lambda more: None,
) -> int:
    """Sign all that is ready, on two sides at once where it is much; `done` hears of each batch."""

    async def sign_side(side: Side) -> int:
        signed = 0
        while True:
            batch = await sign_next(scope, evaluation, now, side)
            signed += batch
            done(batch)
            if batch < BATCH:
                return signed

    sides = sides_for(await count_ready(evaluation, now))
    async with asyncio.TaskGroup() as together:
        tasks = [together.create_task(sign_side(side)) for side in sides]
    return sum(task.result() for task in tasks)


async def sign_next(
    scope: Scope, evaluation: EvaluationPeriod, now: datetime, side: Side, size: int = BATCH
) -> int:
    """A batch with what follows of it, whole or not at all; how many were signed."""
    async with transaction() as connection:
        rows = await sign_batch(connection, scope, evaluation, now, side, size)
        if rows:
            await follow(connection, rows, scope.subject, now)
    return len(rows)
