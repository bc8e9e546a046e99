"""Small commands of operators: migrate, schema, token, grant, install, check and others."""

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from schema.access import Role
from schema.errors import DomainError, ErrorCode
from schema.feeds.models import Installation
from schema.feeds.service import install as install_connector
from schema.graph import build_schema
from schema.organizations.models import Agency
from schema.organizations.service import grant_role
from schema.progress.recomputing import recompute as recomputed
from schema.readiness.rules import Severity, counts
from schema.readiness.service import Problem
from schema.readiness.service import check as checked
from schema.values import CAPITAL_TIMEZONE, local_date, utc_now
from server.commands.plugins import plugins
from server.database import DatabaseRole, found_database, opened
from server.database import migrate as bring_up_to_date
from server.settings import Settings, SettingsError
from server.token_keys import DevelopmentKey

SDL_FILE = Path(__file__).parent.parent.parent / "schema" / "schema.graphql"


def sdl() -> str:
    """The schema as text, as schema/schema.graphql holds it."""
    return build_schema().as_str() + "\n"


async def schema(given: argparse.Namespace, settings: Settings) -> int:
    if given.write:
        SDL_FILE.write_text(sdl())
    else:
        sys.stdout.write(sdl())
    return 0


async def migrate(given: argparse.Namespace, settings: Settings) -> int:
    async with found_database(settings) as database:
        await bring_up_to_date(database)
    return 0


async def token(given: argparse.Namespace, settings: Settings) -> int:
    lifetime = timedelta(hours=given.hours)
    _say(DevelopmentKey(settings).issue(given.subject, lifetime))
    return 0


async def grant(given: argparse.Namespace, settings: Settings) -> int:
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await _agency(given.agency)
        connector = given.connector and await _installation(agency, given.connector)
        await grant_role(agency.id, given.subject, Role(given.role), connector)
    return 0


async def install(given: argparse.Namespace, settings: Settings) -> int:
    configuration = _json_object(given.settings) if given.settings else {}
    secret = given.webhook_secret_file and given.webhook_secret_file.read_text().strip()
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await _agency(given.agency)
        installation = await install_connector(
            agency.id,
            plugin=given.plugin,
            title=given.title,
            settings=configuration,
            now=utc_now(),
            webhook_secret=secret or None,
            poll_seconds=given.poll_seconds,
        )
    _say(f"installed; webhooks go to /connectors/{installation.id}/webhook")
    return 0


async def check(given: argparse.Namespace, settings: Settings) -> int:
    """Say what would block a planning period, and how many of each kind; 1 where something does."""
    today = local_date(utc_now(), CAPITAL_TIMEZONE)
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        problems = await checked(given.agency, given.period, today)
    for problem in problems:
        _say(_told(problem))
    for kind, severity, number in counts(problem.kind for problem in problems):
        _say(f"{kind}: {number:,} ({severity.lower()})")
    return 1 if any(problem.severity is Severity.BLOCKS for problem in problems) else 0


def _told(problem: Problem) -> str:
    """`NO_SUPERIOR: Sari (1990...): no appraiser. To mend: ADMINISTRATOR`."""
    menders = f" ({', '.join(problem.menders)})" if problem.menders else ""
    return (
        f"{problem.kind}: {problem.subject}: {problem.detail}. To mend: {problem.mender}{menders}"
    )


async def recompute(given: argparse.Namespace, settings: Settings) -> int:
    """Say which figures are not what their records make; 1 where there are any."""
    differ = 0
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        async for kind in recomputed():
            for one in kind.differences:
                _say(f"{kind.kind}: {one.name}: kept {one.kept}, recomputed {one.recomputed}")
            _say(f"{kind.kind}: {kind.compared:,} compared, {len(kind.differences):,} differ")
            differ += len(kind.differences)
    return 1 if differ else 0


async def _agency(code: str) -> Agency:
    agency = await Agency.get_or_none(code=code)
    if agency is None:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Agency {code!r}")
    return agency


async def _installation(agency: Agency, title: str) -> Any:
    installation = await Installation.get_or_none(agency_id=agency.id, title=title)
    if installation is None:
        raise DomainError(ErrorCode.NOT_FOUND, thing=f"Connector {title!r}")
    return installation.id


def _json_object(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(value, dict):
        raise SettingsError(f"{path}: must hold a JSON object")
    return value


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


Command = Callable[[argparse.Namespace, Settings], Awaitable[int]]
COMMANDS: dict[str, Command] = {
    "migrate": migrate,
    "schema": schema,
    "token": token,
    "grant": grant,
    "install": install,
    "plugins": plugins,
    "check": check,
    "recompute": recompute,
}
