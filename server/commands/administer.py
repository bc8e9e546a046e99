"""Small commands of operators: migrate, schema, token, grant, check and others."""

import argparse
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from schema.access import Role
from schema.feeds.installing import reseal
from schema.graph import build_schema
from schema.organizations.revoking import revoke_tokens
from schema.organizations.service import grant_role
from schema.progress.recomputing import recompute as recomputed
from schema.readiness.rules import Severity, counts
from schema.readiness.service import Problem
from schema.readiness.service import check as checked
from schema.values import CAPITAL_TIMEZONE, local_date, utc_now
from server.commands.operator import agency_of, connector_of, operator_of, say
from server.commands.plugins import plugins
from server.database import DatabaseRole, found_database, opened
from server.database import migrate as bring_up_to_date
from server.settings import Settings
from server.token_keys import DevelopmentKey
from server.vault import new_key, vault_of

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
    say(DevelopmentKey(settings).issue(given.subject, lifetime))
    return 0


async def grant(given: argparse.Namespace, settings: Settings) -> int:
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        agency = await agency_of(given.agency)
        connector = given.connector and (await connector_of(agency, given.connector)).id
        await grant_role(agency.id, given.subject, Role(given.role), connector)
    return 0


async def revoke(given: argparse.Namespace, settings: Settings) -> int:
    """Let no token that a subject has now hold any more."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        operator = operator_of((await agency_of(given.agency)).id)
        done = await revoke_tokens(operator, given.subject, given.reason, utc_now())
    say(f"tokens of {done.subject} issued before {done.issued_before.isoformat()} hold no more")
    return 0


async def rotate_secrets(given: argparse.Namespace, settings: Settings) -> int:
    """Encrypt all secrets with the first key; 1 where some cannot be read by any."""
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        sealed, unreadable = await reseal(vault_of(settings), utc_now())
    say(f"connectors with secrets: {sealed:,} encrypted anew, {unreadable:,} cannot be read")
    return 1 if unreadable else 0


async def secret_key(given: argparse.Namespace, settings: Settings) -> int:
    say(new_key())
    return 0


async def check(given: argparse.Namespace, settings: Settings) -> int:
    """Say what would block a planning period, and how many of each kind; 1 where something does."""
    today = local_date(utc_now(), CAPITAL_TIMEZONE)
    async with found_database(settings) as database, opened(database, DatabaseRole.APPLICATION):
        problems = await checked(given.agency, given.period, today)
    for problem in problems:
        say(_told(problem))
    for kind, severity, number in counts(problem.kind for problem in problems):
        say(f"{kind}: {number:,} ({severity.lower()})")
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
                say(f"{kind.kind}: {one.name}: kept {one.kept}, recomputed {one.recomputed}")
            say(f"{kind.kind}: {kind.compared:,} compared, {len(kind.differences):,} differ")
            differ += len(kind.differences)
    return 1 if differ else 0


Command = Callable[[argparse.Namespace, Settings], Awaitable[int]]
COMMANDS: dict[str, Command] = {
    "migrate": migrate,
    "schema": schema,
    "token": token,
    "grant": grant,
    "revoke": revoke,
    "plugins": plugins,
    "check": check,
    "recompute": recompute,
    "rotate-secrets": rotate_secrets,
    "secret-key": secret_key,
}
