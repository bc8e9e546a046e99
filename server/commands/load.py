"""`python -m server load CASE.json`: check a case file and store it, whole or not at all."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from schema.errors import DomainError
from schema.plans.loading import Loaded, save_case, save_units
from schema.targets.case_file import read_case
from schema.targets.case_values import Case, CaseWarning, Fault
from server.database import DatabaseRole, found_database, migrate, opened, pending_migrations
from server.settings import Settings

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; the national case of 1,713 targets has 0.75 million."""


async def load(path: Path, *, units_only: bool, settings: Settings) -> int:
    """Check a file, store it in the database that the settings name, and say what happened.

    Returns the exit code: 0 if everything was stored, 1 if nothing was.
    """
    case = check(path, units_only=units_only)
    if case is None:
        return 1
    async with found_database(settings) as database:
        if settings.database_url is None:  # the embedded one is ours to bring up to date
            await migrate(database)
        async with opened(database, DatabaseRole.APPLICATION):
            if await pending_migrations():
                _errors().print("The database is not up to date: run `python -m server migrate`.")
                return 1
            return await store(case, units_only=units_only)


def check(path: Path, *, units_only: bool) -> Case | None:
    """Read a file and print its faults to stderr, or its warnings; None if there are faults."""
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        _errors().print(f"{path}: {error.strerror}")
        return None
    if len(content) > LARGEST_FILE:
        _errors().print(f"{path}: larger than {LARGEST_FILE // 1024**2} MiB")
        return None
    case, faults, warnings = read_case(content, units_only=units_only)
    if case is None:
        _print_faults(path, faults)
    else:
        _print_warnings(warnings)
    return case


async def store(case: Case, *, units_only: bool) -> int:
    """Store a checked case in the open database; returns the exit code."""
    try:
        loaded = await save_units(case) if units_only else await _save_with_progress(case)
    except DomainError as error:
        _errors().print(f"Nothing was stored. {error}")
        return 1
    _output().print(f"{case.agency_name} ({case.agency_code}): {_counts(loaded)}.")
    return 0


async def _save_with_progress(case: Case) -> Loaded:
    console = _output()
    if not console.is_terminal:
        console.print(f"Storing {len(case.targets):,} targets.")
        return await save_case(case)
    columns = (TextColumn("Targets"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("targets", total=len(case.targets))
        return await save_case(case, lambda stored: progress.update(bar, completed=stored))


def _print_faults(path: Path, faults: list[Fault]) -> None:
    errors = _errors()
    for fault in faults:
        errors.print(str(fault))
    errors.print(f"{path.name}: faults: {len(faults):,}. Nothing was stored.")


def _print_warnings(warnings: list[CaseWarning]) -> None:
    output = _output()
    for warning in warnings:
        output.print(f"warning: {warning}")
    if warnings:
        output.print(f"Warnings: {len(warnings):,}. All is stored as the file has it.")


def _counts(loaded: Loaded) -> str:
    counts = {
        "units": loaded.units,
        "employees": loaded.employees,
        "targets": loaded.targets,
        "edges": loaded.edges,
        "indicators": loaded.indicators,
        "points of planned paths": loaded.points,
        "stages": loaded.stages,
    }
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)


# The text of a file is printed as it is: no markup is read in it, no line is broken.
def _output() -> Console:
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True)


def _errors() -> Console:
    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)
