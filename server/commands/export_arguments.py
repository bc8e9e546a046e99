"""The arguments of commands that write papers: only argparse, so that `--help` stays quick."""

from pathlib import Path
from typing import Any

FORMS = ("plan", "evaluation", "xlsx", "csv")


def add_exports(commands: Any) -> None:
    """Add `export` and `export-own`."""
    export = commands.add_parser("export", help="write forms or tables of an agency to a folder")
    export.add_argument("form", choices=FORMS, help="forms as PDF, or a unit's table")
    export.add_argument("agency", help="the agency's code")
    export.add_argument("period", help="the planning period's code, such as 2026")
    export.add_argument("folder", type=Path, help="made where it is missing")
    export.add_argument(
        "--evaluation",
        default="FINAL",
        metavar="KIND",
        help="FINAL, MONTHLY:3 or QUARTERLY:1; of evaluations and tables",
    )
    export.add_argument("--unit", help="this unit and below, by its code; else the whole agency")
    own = commands.add_parser("export-own", help="write everything about a person as JSON")
    own.add_argument("nip", help="whose")
    own.add_argument("file", type=Path, help="where to")
