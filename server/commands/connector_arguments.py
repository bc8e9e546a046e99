"""The arguments of commands about connectors: only argparse, so that `--help` stays quick."""

import argparse
from pathlib import Path
from typing import Any

PLAIN = {
    "show": "how a connector is, with its settings; secrets by name only",
    "enable": "let it be polled and listened to",
    "disable": "neither poll it nor listen; webhooks are refused",
    "pause": "neither poll it nor work its inbox off; what is pushed is kept",
    "resume": "go on after a pause, or after the intake has halted",
    "run": "poll it now, whenever it was due",
    "history": "who did what with it",
}
"""Actions that need no more than the connector."""


def add_connectors(commands: Any) -> None:
    """Add `install`, `import-file` and the group `connectors`."""
    install = commands.add_parser("install", help="install a connector for an agency")
    install.add_argument("agency", help="the agency's code")
    install.add_argument("plugin", help="the plugin's entry point name; see `plugins`")
    install.add_argument("title", help="what the agency calls it")
    install.add_argument("--settings", type=Path, help="a JSON file with the plugin's settings")
    install.add_argument("--webhook-secret-file", type=Path, help="a file that holds whsec_...")
    install.add_argument("--poll-seconds", type=int, default=60)
    install.set_defaults(action="install")
    file = commands.add_parser("import-file", help="hand a file in to a connector that reads them")
    _name_connector(file)
    file.add_argument("file", type=Path)
    file.set_defaults(action="import-file")
    group = commands.add_parser("connectors", help="administer connectors")
    actions = group.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = actions.add_parser("list", help="all connectors with their health")
    listed.add_argument("--agency", help="of one agency, by its code")
    for name, help in PLAIN.items():
        _name_connector(actions.add_parser(name, help=help))
    _add_settings(actions)
    _add_letters(actions)


def _add_settings(actions: Any) -> None:
    configure = actions.add_parser("configure", help="change its settings, title or pause")
    _name_connector(configure)
    configure.add_argument(
        "--settings", type=Path, help="a JSON file; secrets that are left out stay"
    )
    configure.add_argument("--new-title", help="what the agency calls it from now on")
    configure.add_argument("--poll-seconds", type=int)
    cursor = actions.add_parser("reset-cursor", help="read from the source's beginning again")
    _name_connector(cursor)
    cursor.add_argument("--cursor", help="from here, in the source's own form")
    webhook = actions.add_parser("webhook-secret", help="make a webhook secret, shown once")
    _name_connector(webhook)
    webhook.add_argument(
        "--drop-former", action="store_true", help="instead: the former verifies no longer"
    )


def _add_letters(actions: Any) -> None:
    problems = actions.add_parser("problems", help="what is wrong with it, and what to do")
    _name_connector(problems)
    problems.add_argument("--all", action="store_true", help="also those that are gone")
    problems.add_argument("--dismiss", metavar="CODE", help="say that this one is known")
    runs = actions.add_parser("runs", help="its last polling runs")
    _name_connector(runs)
    runs.add_argument("--most", type=int, default=20)
    letters = actions.add_parser("dead-letters", help="what was given up, and why")
    _name_connector(letters)
    letters.add_argument("--cause", help="those of one cause")
    letters.add_argument("--all", action="store_true", help="also those that are resolved")
    letters.add_argument("--most", type=int, default=20)
    replay = actions.add_parser("replay", help="let what was given up be tried again")
    _name_connector(replay)
    replay.add_argument("--cause", help="those of one cause")
    replay.add_argument("--letter", action="append", help="this one; may be given several times")
    resolve = actions.add_parser("resolve", help="close a dead letter that stays as it is")
    _name_connector(resolve)
    resolve.add_argument("letter", help="its id, as `dead-letters` shows it")
    resolve.add_argument("note", help="why")


def _name_connector(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("agency", help="the agency's code")
    parser.add_argument("title", help="what the agency calls the connector")
