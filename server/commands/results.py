"""`export-results` and `verify-results`: a period's results as a file that proves itself."""

import argparse
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import Progress

from schema.consequences.exporting import lines_of
from schema.consequences.verifying import WrongLine, verified
from server.commands.operator import agency_of, operator_of, say
from server.database import DatabaseRole, found_database, opened
from server.settings import Settings

WRONG, UNREADABLE = 1, 2
"""Exit codes: a line does not hold; the file cannot be read or written."""
OWNERS_ONLY = 0o600
"""A file's mode: it holds personal data of everybody."""


async def export_results(given: argparse.Namespace, settings: Settings) -> int:
    """Write what the period came to; nothing is left of a file that was not finished."""
    written = 0
    try:
        with whole(given.file) as file:
            async with (
                found_database(settings) as database,
                opened(database, DatabaseRole.APPLICATION),
            ):
                agency = await agency_of(given.agency)
                async for line in lines_of(operator_of(agency.id), agency.id, given.period):
                    file.write(f"{line}\n")
                    written += 1
    except OSError as error:
        say(f"{given.file}: {error.strerror}")
        return UNREADABLE
    say(f"{given.file}: {written:,} lines")
    return 0


@contextmanager
def whole(path: Path) -> Iterator[TextIO]:
    """A file written beside its name first, so that it is there whole or not at all."""
    part = path.with_name(f".{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNERS_ONLY)
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


async def verify_results(given: argparse.Namespace, settings: Settings) -> int:
    """Say what holds, or the first line that does not; no database is opened."""
    console, counts = Console(stderr=True), {}
    try:
        with (
            given.file.open("rb") as file,
            Progress(console=console, disable=not console.is_terminal) as progress,
        ):
            bar = progress.add_task("Verifying", total=given.file.stat().st_size)
            for state in verified(file):
                progress.update(bar, completed=file.tell())
                counts = state.counts
    except OSError as error:
        say(f"{given.file}: {error.strerror}")
        return UNREADABLE
    except WrongLine as fault:
        say(f"{given.file}: {fault}")
        return WRONG
    each = ", ".join(f"{kind}: {number:,}" for kind, number in counts.items())
    say(f"{given.file}: all holds ({each})")
    return 0


Command = Callable[[argparse.Namespace, Settings], Awaitable[int]]
COMMANDS: dict[str, Command] = {
    "export-results": export_results,
    "verify-results": verify_results,
}
