"""`python -m server demo year`: three real cases play a whole year, and every figure is checked."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from schema.targets.case_file import read_case
from schema.targets.case_values import Case
from schema.targets.models import Target
from server.database import DatabaseRole, found_database, migrate, opened, pending_migrations
from server.demo.cast import Script
from server.demo.year import Outcome, play_year, ticks
from server.settings import Settings, SettingsError

CASES = Path(__file__).parent.parent.parent / "cases"
PLAYED = {
    "biro_organisasi": "cascade_jabar_biro_organisasi_2016",
    "diskominfo": "cascade_jabar_diskominfo_2016",
    "tapin": "cascade_bps_tapin_2026",
}
"""Cases by the names that `--case` takes."""
SHOWN = 20
"""Differences that are printed of each case; their number is in the table."""


async def demo(given: argparse.Namespace, settings: Settings) -> int:
    """Play the chosen cases in an empty database.

    Returns the exit code: 0 where every figure is as expected, 1 where one is not.
    """
    if settings.production:
        raise SettingsError("`demo` fills a database with invented work; not in production")
    names = list(dict.fromkeys(given.case or PLAYED))
    if not 1 <= given.months <= 12:
        raise SettingsError("--months: 1 to 12")
    async with found_database(settings) as database:
        if settings.database_url is None:  # the embedded one is ours to bring up to date
            await migrate(database)
        async with opened(database, DatabaseRole.APPLICATION):
            if await pending_migrations():
                raise SettingsError("The database is not up to date: `python -m server migrate`")
            return await play(names, given.months)


async def play(names: Sequence[str], months: int) -> int:
    """Play these cases in the open database with a progress bar, and print what came of them."""
    script = Script(months=months)
    cases = [case_of(name) for name in names]
    await refuse_loaded(cases)
    console = Console(markup=False, highlight=False, emoji=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    outcomes: list[Outcome] = []
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        bar = progress.add_task("loading", total=sum(ticks(case, script) for case in cases))

        def tick(said: str) -> None:
            progress.update(bar, description=said, advance=1)

        for case in cases:
            outcomes.append(await play_year(case, script, tick))
    return report(console, outcomes)


async def refuse_loaded(cases: Sequence[Case]) -> None:
    """Before anything is played: a period with targets in it would be refused in the midst.

    Raises:
        SettingsError: one of the cases' periods holds targets already.
    """
    for case in cases:
        code, period = case.agency_code, case.period_code
        if await Target.exists(agency__code=code, period__code=period):
            raise SettingsError(
                f"period {period} of {case.agency_name} ({code}) is loaded already: "
                "`demo year` takes an empty database"
            )


def case_of(name: str) -> Case:
    """A case of the folder `cases` by its short name."""
    case, faults, _ = read_case((CASES / f"{PLAYED[name]}.json").read_bytes())
    if case is None:
        raise SettingsError(f"{PLAYED[name]}: {len(faults)} faults")
    return case


def report(console: Console, outcomes: Sequence[Outcome]) -> int:
    """Print a line for each case, and what is not as expected; returns the exit code."""
    numbers = ("people", "records", "corrections", "late")
    table = Table("agency", *numbers, "goals, %", "compared", "differ")
    for one in outcomes:
        compared, differ = one.checks.compared.total(), len(one.checks.differences)
        table.add_row(
            one.code,
            *(f"{number:,}" for number in (one.people, one.records, one.corrections, one.late)),
            "\n".join(f"{code} {'-' if of is None else of}" for code, of in one.goals.items()),
            f"{compared:,}",
            f"{differ:,}",
        )
    console.print(table)
    for one in outcomes:
        console.print(f"{one.code}: {one.agency}")
        for difference in one.checks.differences[:SHOWN]:
            console.print(f"{one.code}: {difference}", soft_wrap=True)
    return 1 if any(one.checks.differences for one in outcomes) else 0
