"""`python -m server load-rules`: give an agency rules of what follows from appraisals."""

import argparse
from pathlib import Path

from schema.consequences import rule_sets
from schema.consequences.rule_texts import LONGEST_TABLE
from schema.errors import DomainError, ErrorCode
from schema.values import utc_now
from server.commands.operator import agency_of, operator_of, say
from server.database import DatabaseRole, found_database, opened
from server.settings import Settings, SettingsError


async def load_rules(given: argparse.Namespace, settings: Settings) -> int:
    """Load a packaged table or a file from a day on; the defaults where neither is named."""
    named = given.code is not None or given.file is not None
    if named == (given.day is None):
        detail = "--from DAY goes with --code or --file"
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=detail)
    text = None if given.file is None else _text(given.file)
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        operator = operator_of((await agency_of(given.agency)).id)
        if not named:
            added = await rule_sets.bring_defaults(operator, given.agency, utc_now())
            say(f"{added:,} defaults added from {rule_sets.DEFAULTS_FROM}")
            return 0
        row = await rule_sets.load(
            operator, given.agency, given.day, utc_now(), text=text, code=given.code
        )
    say(f"{row.kind}: {row.code}, version {row.version}, holds from {row.starts_on}: {row.digest}")
    return 0


def _text(path: Path) -> str:
    """A file's text, as far as a table may be long; one character more is refused there."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(LONGEST_TABLE + 1)
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsError(f"{path}: {fault}") from fault
