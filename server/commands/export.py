"""Papers for operators: forms of a whole agency into a folder, and what is known of one person."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import BinaryIO, cast
from uuid import UUID

from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Agency, Employee, Unit, UnitPlacement
from schema.organizations.viewers import scope_of
from schema.papers.service import evaluations_of, plans_of
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.targets.models import Period
from server.commands.operator import agency_of, operator_of, say
from server.database import DatabaseRole, found_database, opened
from server.papers.files import Paper, write_evaluation, write_own_data, write_plan, write_table
from server.settings import Settings

Write = Callable[[BinaryIO], Awaitable[Paper]]


async def export(given: argparse.Namespace, settings: Settings) -> int:
    """Write one form of everybody, or one table a top unit; says how many files it wrote."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await agency_of(given.agency)
        scope = operator_of(agency.id)
        period = await Period.get_or_none(agency_id=agency.id, code=given.period)
        if period is None:
            raise DomainError(ErrorCode.NOT_FOUND, thing=f"Period {given.period!r}")
        await _made(given.folder)
        count = 0
        for unit in await _units(agency, given.unit):
            count += await _write_unit(given, scope, unit, period)
    say(f"{count:,} files in {given.folder}")
    return 0


async def _made(folder: Path) -> None:
    """Raises:
    DomainError: the folder cannot be made.
    """
    try:
        await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    except OSError as fault:
        detail = f"{folder} cannot be made: {fault.strerror}"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="folder", detail=detail) from fault


async def _write_unit(given: argparse.Namespace, scope: Scope, unit: Unit, period: Period) -> int:
    if given.form == "plan":
        plans = await plans_of(scope, unit.id, period.id)
        return await _write_all(given.folder, scope, write_plan, plans)
    evaluation = await _evaluation(period, given.evaluation)
    if given.form == "evaluation":
        keys = await evaluations_of(scope, unit.id, evaluation.id, evaluation.ends_on)
        return await _write_all(given.folder, scope, write_evaluation, keys)

    async def table(target: BinaryIO) -> Paper:
        return await write_table(scope, unit.id, evaluation.id, given.form, target)

    paper = await _keep(given.folder, table)
    say(f"{paper.name}: {paper.rows:,} rows")
    return 1


async def _write_all(
    folder: Path,
    scope: Scope,
    write: Callable[[Scope, UUID, BinaryIO], Awaitable[Paper]],
    keys: list[UUID],
) -> int:
    for key in keys:

        async def one(target: BinaryIO, key: UUID = key) -> Paper:
            return await write(scope, key, target)

        await _keep(folder, one)
    return len(keys)


async def _keep(folder: Path, write: Write) -> Paper:
    """Write beside, then rename: a file that is there is whole, and its owner's to read."""
    with NamedTemporaryFile(dir=folder, prefix=".", delete=False) as target:
        beside = Path(target.name)
        try:
            paper = await write(cast("BinaryIO", target))
            target.close()
            await asyncio.to_thread(beside.rename, folder / paper.name)
        finally:
            await asyncio.to_thread(beside.unlink, missing_ok=True)
    return paper


async def _units(agency: Agency, code: str | None) -> list[Unit]:
    """The unit of that code, else those at the agency's top."""
    if code is None:
        tops = await UnitPlacement.filter(parent_id=None, unit__agency_id=agency.id)
        return await Unit.filter(id__in=[one.unit_id for one in tops]).order_by("code")
    unit = await Unit.get_or_none(agency_id=agency.id, code=code)
    if unit is None:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Unit {code!r}")
    return [unit]


async def _evaluation(period: Period, text: str) -> EvaluationPeriod:
    """FINAL, MONTHLY:3, QUARTERLY:1."""
    kind, _, number = text.partition(":")
    if kind not in set(EvaluationKind) or not (number or "1").isdecimal():
        detail = f"{text!r} is not FINAL, MONTHLY:3 or QUARTERLY:1"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="evaluation", detail=detail)
    found = await EvaluationPeriod.get_or_none(
        period_id=period.id, kind=kind, number=int(number or "1")
    )
    if found is None:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Evaluation period {text!r}")
    return found


async def export_own(given: argparse.Namespace, settings: Settings) -> int:
    """Write everything about a person, as they may see it themselves."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        if not await Employee.exists(nip=given.nip):
            raise DomainError(ErrorCode.NOT_FOUND, thing=f"Employee {given.nip!r}")
        scope = await scope_of(given.nip)

        async def write(target: BinaryIO) -> Paper:
            paper = await write_own_data(scope, target)
            return Paper(given.file.name, paper.media_type)

        await _made(given.file.parent)
        await _keep(given.file.parent, write)
    say(f"written to {given.file}")
    return 0


Command = Callable[[argparse.Namespace, Settings], Awaitable[int]]
COMMANDS: dict[str, Command] = {"export": export, "export-own": export_own}
