"""A pytest plugin that writes what each check of the suite came to: `--verdicts FILE`.

`python -m ekinerja_connectors check` loads it with `-p`. Nothing is judged here.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from .checks import DOES_NOT_APPLY, NOT_SHOWN

__all__ = ["pytest_addoption", "pytest_runtest_makereport", "pytest_unconfigure"]

_FOUND = pytest.StashKey[list[dict[str, str]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--verdicts", type=Path, help="where the verdicts are written, as JSON")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Keep one verdict for each test: its worst phase."""
    report: Any = yield
    if report.when == "call" or report.outcome != "passed":
        words, tier = getattr(getattr(item, "function", None), "check", (item.name, ""))
        outcome, reason = report.outcome, ""
        if report.skipped:
            told = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            reason = str(told).removeprefix("Skipped: ")
            outcome = "does not apply" if reason.startswith(DOES_NOT_APPLY) else "not shown"
            reason = reason.removeprefix(DOES_NOT_APPLY).removeprefix(NOT_SHOWN)
        elif report.failed and call.excinfo is not None:
            reason = _first_words(str(call.excinfo.value) or call.excinfo.typename)
        found = item.config.stash.setdefault(_FOUND, [])
        found.append(
            {
                "test": item.nodeid,
                "check": words,
                "tier": tier,
                "outcome": outcome,
                "reason": reason,
            }
        )
    return report


def _first_words(message: str) -> str:
    """The message of an assertion without pytest's explanation of its operands."""
    return message.split("\nassert ")[0].strip()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write the file."""
    path = config.getoption("--verdicts")
    if path is not None:
        path.write_text(json.dumps(config.stash.get(_FOUND, [])), "utf-8")
