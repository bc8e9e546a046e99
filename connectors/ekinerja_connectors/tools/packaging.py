"""What `check` asks of a plugin's papers: how it is announced, bounded and described."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from ..hookspecs import GROUP

__all__ = ["Verdict", "claimed_tier", "papers_of"]

_TIER = re.compile(r"^\W*(?:quality )?tier\W+(bronze|silver|gold)\b", re.I | re.M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check: its words, its tier (empty for a vendor's own test), and what came of it.

    `outcome` is passed, failed, not shown, or does not apply.
    """

    check: str
    tier: str
    outcome: str
    reason: str = ""


def claimed_tier(folder: Path) -> str | None:
    """The tier that the README says, from a line such as `**Tier: silver**`."""
    found = _TIER.search(_text(folder / "README.md"))
    return found[1].lower() if found else None


def papers_of(folder: Path) -> Iterator[Verdict]:
    """The verdicts on `pyproject.toml`, README, CHANGELOG and py.typed."""
    try:
        project: Any = tomllib.loads(_text(folder / "pyproject.toml"))["project"]
    except (KeyError, tomllib.TOMLDecodeError) as error:
        yield _of("pyproject.toml describes a project", "bronze", f"it does not: {error}")
        return
    announced = project.get("entry-points", {}).get(GROUP, {})
    wrong = "" if len(announced) == 1 else f"it announces {len(announced)} in {GROUP}"
    yield _of("announces one entry point", "bronze", wrong)
    yield _of("is bounded to versions of the SDK that keep its promises", "bronze", _bound(project))
    typed = any(folder.glob("*/py.typed")) or any(folder.glob("src/*/py.typed"))
    yield _of("ships its types", "silver", "" if typed else "put py.typed into the package")
    claimed = claimed_tier(folder)
    missing = "" if claimed else "write a line `**Tier: bronze**` (silver, gold) and its evidence"
    yield _of("its README says its tier", "silver", missing)
    told = str(project.get("version", "")) in _text(folder / "CHANGELOG.md")
    named = "" if told and project.get("version") else "CHANGELOG.md does not name this version"
    yield _of("its CHANGELOG tells of this version", "silver", named)


def _of(check: str, tier: str, wrong: str) -> Verdict:
    return Verdict(check=check, tier=tier, outcome="failed" if wrong else "passed", reason=wrong)


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.is_file() else ""


def _bound(project: Any) -> str:
    """What is wrong with the range of the SDK; a minor version may break a plugin until 1.0."""
    here = Version(version("ekinerja-connectors"))
    following = Version(f"{here.major}.{here.minor + 1}")
    for text in project.get("dependencies", ()):
        try:
            needed = Requirement(text)
        except InvalidRequirement as error:
            return f"a dependency cannot be read: {error}"
        if needed.name.replace("_", "-").lower() == "ekinerja-connectors":
            if not needed.specifier.contains(here, prereleases=True):
                return f"it leaves out {here}, the version that is installed"
            if needed.specifier.contains(following, prereleases=True):
                return f"it takes {following} too, which may break it; end it with <{following}"
            return ""
    return f"depend on ekinerja-connectors>={here},<{following}"
