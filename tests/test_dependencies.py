"""Floors of what we depend on: below each, a published fault of the package is open to strangers.

A scanner that cannot reach its source of advisories finds nothing and says that all is well, so
the floors stand here, each with the reason for it.
"""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

FLOORS = {
    "strawberry-graphql": ("0.323.2", "masking errors leaked; CVE-2026-35523, -35526, -47706"),
    "graphql-core": ("3.3.2", "overlapping fields are compared without end"),
    "starlette": ("1.0.1", "CVE-2025-54121, CVE-2025-62727, CVE-2026-48710"),
    "aiohttp": ("3.14.3", "CVE-2025-69223, CVE-2026-54278, -59881, -69243, -69244"),
    "joserfc": ("1.7.4", "CVE-2026-48990"),
}
FLOORS_IF_INSTALLED = {
    "python-multipart": ("0.0.27", "multipart bodies; we take none"),
    "authlib": ("1.6.9", "CVE-2026-27962, CVE-2026-28802"),
    "pyjwt": ("2.13.0", "tokens; ours are checked by joserfc"),
}
ROOT = Path(__file__).parent.parent
CONSTRAINTS = (ROOT / "constraints.txt").read_text().split()
PINS = {canonicalize_name(line.split("==")[0]): line.split("==")[1] for line in CONSTRAINTS}


@pytest.mark.parametrize(("package", "floor"), [(name, one[0]) for name, one in FLOORS.items()])
def test_what_we_depend_on_is_above_its_floor(package: str, floor: str) -> None:
    assert Version(version(package)) >= Version(floor)
    assert Version(PINS[package]) >= Version(floor)


@pytest.mark.parametrize(
    ("package", "floor"), [(name, one[0]) for name, one in FLOORS_IF_INSTALLED.items()]
)
def test_what_others_bring_is_absent_or_above_its_floor(package: str, floor: str) -> None:
    try:
        installed = Version(version(package))
    except PackageNotFoundError:
        assert package not in PINS
    else:
        assert installed >= Version(floor)


def test_constraints_pin_every_package_once_and_exactly() -> None:
    assert all(line.count("==") == 1 for line in CONSTRAINTS)
    assert len(PINS) == len(CONSTRAINTS)


def test_what_the_project_names_is_pinned_within_its_bounds() -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]
    named = [Requirement(line) for group in groups.values() for line in group]

    outside = [one.name for one in named if PINS[canonicalize_name(one.name)] not in one.specifier]

    assert len(named) > 20
    assert outside == []
