"""`check`: a plugin's tests run, each check told with its verdict, and the tier that follows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from .packaging import Verdict, claimed_tier, papers_of
from .running import Unusable
from .telling import Teller

__all__ = ["TIERS", "check", "tier_of"]

TIERS = ("bronze", "silver", "gold")
_OWN = "has a test of its own that passes"


def check(folder: Path, teller: Teller) -> int:
    """Tell the verdicts and the tier; 1 when a check fails or the README claims a higher tier.

    Raises:
        Unusable: there is no plugin, no pytest, or the tests cannot even be collected.
    """
    folder = folder.resolve()
    if not (folder / "pyproject.toml").is_file():
        raise Unusable(f"{folder} holds no pyproject.toml: give the folder of a plugin")
    if find_spec("pytest") is None:
        raise Unusable("pytest is missing: pip install 'ekinerja-connectors[testing]'")
    tested = _tested(folder)
    if not any(one.tier for one in tested):
        raise Unusable("no test class inherits ConnectorSuite; see docs/connectors.md")
    own = [one for one in tested if not one.tier]
    passed = any(one.outcome == "passed" for one in own)
    verdicts = [*papers_of(folder), *(one for one in tested if one.tier)]
    verdicts.append(
        Verdict(
            check=_OWN,
            tier="gold",
            outcome="passed" if passed else "not shown",
            reason="" if passed else "test what is particular to your service",
        )
    )
    _tell(verdicts, own, teller)
    return _conclude(folder, verdicts, own, teller)


def _tested(folder: Path) -> list[Verdict]:
    """What pytest found, in a process of its own with the folder importable."""
    with tempfile.TemporaryDirectory() as place:
        written = Path(place) / "verdicts.json"
        known = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "ekinerja_connectors.testing.verdicts", "--verdicts", str(written)]
        command.append(str(folder / "tests" if (folder / "tests").is_dir() else folder))
        ran = subprocess.run(  # noqa: S603 - this Python, on a folder that its owner named
            command,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(known)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ran.returncode not in (0, 1) or not written.exists():
            raise Unusable(f"the tests cannot be run:\n{ran.stdout[-3_000:]}")
        found = json.loads(written.read_text("utf-8"))
    return [
        Verdict(check=one["check"], tier=one["tier"], outcome=one["outcome"], reason=one["reason"])
        for one in found
    ]


def tier_of(verdicts: Sequence[Verdict]) -> str | None:
    """The highest tier of which, and of those below, every check passes or does not apply."""
    reached = None
    for tier in TIERS:
        if any(one.outcome in ("failed", "not shown") for one in verdicts if one.tier == tier):
            return reached
        reached = tier
    return reached


def _tell(verdicts: Sequence[Verdict], own: Sequence[Verdict], teller: Teller) -> None:
    for tier in TIERS:
        for one in verdicts:
            if one.tier == tier:
                shown = "FAILED" if one.outcome == "failed" else one.outcome
                teller.tell(f"{tier:<7} {shown:<15} {one.check}")
                if one.reason:
                    teller.tell(f"{'':<23} {one.reason}")
    for one in own:
        if one.outcome == "failed":
            teller.tell(f"{'':<7} {'FAILED':<15} {one.check}\n{'':<23} {one.reason}")
    passed = sum(one.outcome == "passed" for one in own)
    teller.tell(f"tests of its own: {passed} of {len(own)} passed")


def _conclude(
    folder: Path, verdicts: Sequence[Verdict], own: Sequence[Verdict], teller: Teller
) -> int:
    reached, claimed = tier_of(verdicts), claimed_tier(folder)
    teller.tell(f"tier: {reached or 'none'}")
    order = (None, *TIERS)
    if order.index(claimed) > order.index(reached):
        teller.tell(f"README.md claims {claimed}, which is not reached")
        return 1
    failed = any(one.outcome == "failed" for one in (*verdicts, *own))
    return 1 if failed or reached is None else 0
