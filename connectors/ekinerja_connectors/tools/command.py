"""The command line of the SDK: what can be asked, and which module answers it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from ..contract import contract_of
from ..errors import InvalidSettings
from ..loading import PluginError
from .checking import check
from .new import TakenName, write_plugin
from .recording import record
from .running import Source, Unusable, connector_of, settings_in
from .telling import Teller
from .trying import attempt

__all__ = ["main", "parser"]


def parser() -> argparse.ArgumentParser:
    """All commands with their options."""
    top = argparse.ArgumentParser(
        prog="python -m ekinerja_connectors", description="Write, prove and try a connector."
    )
    commands = top.add_subparsers(dest="command", required=True)

    new = commands.add_parser("new", help="write a complete plugin that passes `check`")
    new.add_argument("name", help="a slug: a-z, then a-z, 0-9 or -")
    new.add_argument("--into", type=Path, help="the folder to make; without: ./NAME")

    checked = commands.add_parser("check", help="run a plugin's tests and tell its tier")
    checked.add_argument("folder", type=Path, nargs="?", default=Path())

    tried = commands.add_parser("try", help="show what a connector would give")
    _add_source(tried)
    tried.add_argument("--cursor", help="where to begin; without: at the beginning")

    recorded = commands.add_parser("record", help="store redacted fixtures of what a service says")
    _add_source(recorded)
    recorded.add_argument("--to", type=Path, required=True, help="the folder of the fixtures")

    contract = commands.add_parser("contract", help="write what this version promises")
    contract.add_argument("name")
    contract.add_argument("--settings", type=Path, required=True, help="an example, as JSON")
    contract.add_argument("--cursor", help="one that this version gave")
    contract.add_argument("--to", type=Path, default=Path("contract.json"))
    return top


def _add_source(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", help="the entry point of an installed plugin")
    command.add_argument("--settings", type=Path, required=True, help="a JSON object")
    source = command.add_mutually_exclusive_group()
    source.add_argument("--fixture", type=Path, help="items that were recorded")
    source.add_argument("--deliver", type=Path, help="the body of a webhook call")
    source.add_argument("--file", type=Path, help="a file as it would be handed in")
    source.add_argument("--directory", action="store_true", help="units, employees and posts")
    command.add_argument("--pages", type=int, default=1, help="how many to ask for at most")


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when all is well, 1 when something is wrong, 2 for a wrong command."""
    given = parser().parse_args(arguments)
    teller = Teller(sys.stdout)
    try:
        return _run(given, teller)
    except (Unusable, TakenName, PluginError, InvalidSettings) as error:
        teller.tell(f"error: {error}")
        return 1


def _run(given: argparse.Namespace, teller: Teller) -> int:
    if given.command == "new":
        folder = write_plugin(given.name, given.into)
        teller.tell(f"{folder} is written. Now: cd {folder}, pip install -e '.[testing]', check")
        return 0
    if given.command == "check":
        return check(given.folder, teller)
    if given.command == "contract":
        connector, settings = connector_of(given.name), settings_in(given.settings)
        text = contract_of(connector, settings, given.cursor).text()
        given.to.write_text(text, "utf-8")
        teller.tell(f"{given.to} holds the promise of {connector.name} {connector.version}")
        return 0
    source = Source(
        fixture=given.fixture,
        deliver=given.deliver,
        file=given.file,
        directory=given.directory,
        pages=given.pages,
        cursor=getattr(given, "cursor", None),
    )
    connector, settings = connector_of(given.name), settings_in(given.settings)
    if given.command == "try":
        return asyncio.run(attempt(connector, settings, source, teller))
    return asyncio.run(record(connector, settings, source, given.to, teller))
