"""The command line: `python -m server --help` explains every command."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import uvloop

from schema.errors import DomainError
from server.commands.connector_arguments import add_connectors
from server.commands.export_arguments import add_exports
from server.embedded_postgres import EmbeddedPostgresError
from server.settings import Settings, SettingsError, settings_from

DESCRIPTION = """\
An open performance backend for civil servants.

DATABASE_URL unset: an embedded PostgreSQL under the data folder (EKINERJA_DATA, .data by
default) is started and stopped with the command. Set: that PostgreSQL (15 or newer) is used.
docs/operators.md lists every setting."""

LOOPS = {"serve": uvloop.new_event_loop}
"""uvloop where requests are what is waited for; commands that run children keep asyncio's own."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and leave with its exit code."""
    given = parser().parse_args(arguments)
    try:
        settings = settings_from()
        with asyncio.Runner(loop_factory=LOOPS.get(given.command)) as runner:
            sys.exit(runner.run(_run(given, settings)))
    except (SettingsError, EmbeddedPostgresError, DomainError) as error:
        sys.exit(f"{parser().prog}: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def parser() -> argparse.ArgumentParser:
    """All commands, each with the function that it calls in `_command`."""
    whole = argparse.ArgumentParser(
        prog="python -m server",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("run", help="the whole system with a real case, for trying it out")
    commands.add_parser("serve", help="the API: GraphQL, webhooks, health")
    commands.add_parser("worker", help="ingestion: polls connectors, works the inbox off")
    commands.add_parser("migrate", help="bring the database to the newest version, as its owner")
    load = commands.add_parser("load", help="load a case file, whole or not at all")
    load.add_argument("file", type=Path, metavar="CASE.json")
    load.add_argument("--units", action="store_true", help="units only")
    schema = commands.add_parser("schema", help="print the GraphQL schema (SDL)")
    schema.add_argument("--write", action="store_true", help="to schema/schema.graphql instead")
    token = commands.add_parser("token", help="a development token (never in production)")
    token.add_argument("subject", help="a NIP, or the name of a service")
    token.add_argument("--hours", type=float, default=12.0)
    grant = commands.add_parser("grant", help="give a subject a role in an agency")
    grant.add_argument("subject", help="a NIP, or the name of a service")
    grant.add_argument("role", choices=("ADMINISTRATOR", "AUDITOR", "CONNECTOR"))
    grant.add_argument("agency", help="the agency's code")
    grant.add_argument("--connector", help="of CONNECTOR: the installation's title")
    revoke = commands.add_parser("revoke", help="let no token that a subject has now hold")
    revoke.add_argument("--agency", required=True, help="the code of an agency that knows it")
    revoke.add_argument("--subject", required=True, help="a NIP, or the name of a service")
    revoke.add_argument("--reason", help="kept on the record")
    add_connectors(commands)
    commands.add_parser("plugins", help="list the installed plugins")
    check = commands.add_parser("check", help="what would block a planning period of an agency")
    check.add_argument("agency", help="the agency's code")
    check.add_argument("period", help="the planning period's code, such as 2026")
    rules = commands.add_parser("load-rules", help="rules of consequences; the defaults if none")
    rules.add_argument("agency", help="the agency's code")
    rules.add_argument("--code", help="of rules that come with the system, as kemenlu-2025")
    rules.add_argument("--file", type=Path, help="rules in TOML or JSON")
    rules.add_argument("--from", dest="day", type=date.fromisoformat, help="the first day")
    commands.add_parser("rotate-secrets", help="encrypt all secrets with the first key")
    commands.add_parser("secret-key", help="a new key for EKINERJA_SECRET_KEYS")
    commands.add_parser("recompute", help="compare every figure with what its records make")
    _add_results(commands)
    _add_directory(commands)
    add_exports(commands)
    _add_demo(commands.add_parser("demo", help="play a whole year of real cases, and check it"))
    return whole


def _add_results(commands: Any) -> None:
    appraise = commands.add_parser("appraise", help="open and sign an evaluation's appraisals")
    appraise.add_argument("--kind", required=True, choices=("final", "monthly", "quarterly"))
    appraise.add_argument("--number", type=int, help="of the month or quarter")
    export = commands.add_parser("export-results", help="a period's results, to be verified")
    for command in (appraise, export):
        command.add_argument("--agency", required=True, help="the agency's code")
        command.add_argument("--period", required=True, help="the planning period's code")
    verify = commands.add_parser("verify-results", help="recompute such a file from itself alone")
    for command in (export, verify):
        command.add_argument("file", type=Path, metavar="FILE", help="lines of JSON")


def _add_directory(commands: Any) -> None:
    dry_run = commands.add_parser("dry-run", help="what a connector would bring; keeps nothing")
    dry_run.add_argument("--from-beginning", action="store_true", help="not from its cursor")
    preview = commands.add_parser("directory", help="what a connector's directory would change")
    for command in (dry_run, preview):
        command.add_argument("agency", help="the agency's code")
        command.add_argument("title", help="the connector's title")
        command.add_argument("--wait", type=float, default=600.0, help="seconds for a worker")
    apply = commands.add_parser("apply-directory", help="make the changes of a preview")
    apply.add_argument("task", type=UUID, help="as `directory` has printed it")
    apply.add_argument("--only", action="append", help="changes of this kind; may be repeated")
    apply.add_argument("--position", action="append", type=int, help="this one; may be repeated")
    apply.add_argument("--from", dest="day", type=date.fromisoformat, help="the first day")


def _add_demo(demo: argparse.ArgumentParser) -> None:
    demo.add_argument("what", choices=("year",), help="what is played")
    demo.add_argument(
        "--case",
        action="append",
        choices=("biro_organisasi", "diskominfo", "tapin"),
        help="this case only; may be given several times",
    )
    demo.add_argument("--months", type=int, default=12, help="so many months, from January")


async def _run(given: argparse.Namespace, settings: Settings) -> int:
    """Run the command; a database that is not to be had is said in words, not by a traceback."""
    try:
        return await _command(given, settings)
    except Exception as fault:
        from server.availability import REFUSING, is_away

        if settings.database_url is None or not (is_away(fault) or isinstance(fault, REFUSING)):
            raise
        raise SettingsError(
            f"The database cannot be used: {fault}. Does the PostgreSQL run that DATABASE_URL "
            "(of the owner DATABASE_OWNER_URL, of the worker DATABASE_WORKER_URL) names?"
        ) from fault


async def _command(given: argparse.Namespace, settings: Settings) -> int:
    """Import what the command needs, only that, and run it."""
    match given.command:
        case "run":
            from server.commands.run import run

            return await run(settings)
        case "serve":
            from server.commands.serve import serve

            return await serve(settings)
        case "worker":
            from server.commands.work import work

            return await work(settings)
        case "load":
            from server.commands.load import load

            return await load(given.file, units_only=given.units, settings=settings)
        case "demo":
            from server.commands.demo import demo

            return await demo(given, settings)
        case "export" | "export-own":
            from server.commands import export

            return await export.COMMANDS[given.command](given, settings)
        case "dry-run" | "directory" | "apply-directory":
            from server.commands import directory

            return await directory.COMMANDS[given.command](given, settings)
        case "appraise":
            from server.commands.appraise import appraise

            return await appraise(given, settings)
        case "export-results" | "verify-results":
            from server.commands import results

            return await results.COMMANDS[given.command](given, settings)
        case "load-rules":
            from server.commands.rules import load_rules

            return await load_rules(given, settings)
        case "install" | "connectors" | "import-file":
            from server.commands import connectors

            return await connectors.COMMANDS[given.action](given, settings)
        case _:
            from server.commands import administer

            return await administer.COMMANDS[given.command](given, settings)
