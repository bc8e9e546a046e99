"""`python -m ekinerja_spreadsheet template OUT.xlsx`: the sheet that people fill in."""

from __future__ import annotations

import argparse
from pathlib import Path

from .template import write_template


def main() -> None:
    """Write the template."""
    parser = argparse.ArgumentParser(prog="python -m ekinerja_spreadsheet")
    commands = parser.add_subparsers(dest="command", required=True)
    template = commands.add_parser("template", help="write an empty sheet with its instructions")
    template.add_argument("path", type=Path, help="the .xlsx to write; nothing is overwritten")
    arguments = parser.parse_args()
    try:
        write_template(arguments.path)
    except OSError as error:
        parser.exit(1, f"{arguments.path} cannot be written: {error.strerror}\n")


if __name__ == "__main__":
    main()
