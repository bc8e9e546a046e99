"""Which plugins are installed, and whether their version ranges admit what runs here.

Reads the metadata of distributions only: nothing of a plugin is imported, so that one whose range
leaves us out is refused before any of its code runs.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points, version
from pathlib import Path

from ekinerja_connectors.hookspecs import GROUP
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

SDK = "ekinerja-connectors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """An entry point's name and the distribution that brings it; `fault` says why it is unfit."""

    name: str
    distribution: str
    version: str
    fault: str | None = None


def announced(path: Path | None = None) -> dict[str, Announced]:
    """All plugins by name, those in the folder `path` among them. Raises nothing for a bad one."""
    found: dict[str, list[Distribution]] = {}
    for point, owner in _points(path):
        found.setdefault(point.name, []).append(owner)
    return {name: _announced(name, owners) for name, owners in sorted(found.items())}


def _points(path: Path | None) -> Iterator[tuple[EntryPoint, Distribution]]:
    for point in entry_points(group=GROUP):
        if point.dist is not None:
            yield point, point.dist
    if path is not None:
        for one in distributions(path=[str(path)]):
            yield from ((point, one) for point in one.entry_points.select(group=GROUP))


def _announced(name: str, owners: list[Distribution]) -> Announced:
    names = sorted({str(one.metadata["Name"]) for one in owners})
    first = owners[0]
    fault = fault_of(
        first.requires or [],
        next(iter(first.metadata.get_all("Requires-Python") or ()), None),
        sdk=version(SDK),
        python=platform.python_version(),
    )
    if len(owners) != 1:
        fault = several(name, names)
    return Announced(
        name=name, distribution=", ".join(names), version=str(first.version), fault=fault
    )


def several(name: str, owners: list[str]) -> str:
    """The words for an entry point that nobody announces, or more than one does."""
    return f"{name} must be announced by one distribution; it is by: {', '.join(owners) or 'none'}"


def fault_of(
    requires: list[str], requires_python: str | None, *, sdk: str, python: str
) -> str | None:
    """Why a distribution with these requirements cannot run beside this SDK and Python, and the
    fix; None where it can. Pre-releases of ours are judged like releases."""
    try:
        ranges = [one for one in map(Requirement, requires) if canonicalize_name(one.name) == SDK]
        wanted = SpecifierSet(requires_python or "")
    except (InvalidRequirement, InvalidSpecifier) as error:
        return f"its metadata cannot be read ({error}); install a build that follows PEP 508"
    for one in ranges:
        applies = one.marker is None or one.marker.evaluate({"extra": ""})
        if applies and not one.specifier.contains(sdk, prereleases=True):
            return (
                f"it needs {SDK}{one.specifier}, and {sdk} is installed; install a version of it "
                f"whose range admits {sdk}"
            )
    if not wanted.contains(python, prereleases=True):
        return (
            f"it needs Python {wanted}, and this is {python}; install a version of it "
            "for this Python, or run the worker with one that it admits"
        )
    return None
