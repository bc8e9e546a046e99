"""The arrows of docs/architecture.md: the import contracts hold, and no module escapes them."""

import subprocess
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
LINTER: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
    "importlinter"
]
LAYERS = [contract for contract in LINTER["contracts"] if contract["type"] == "layers"]
PLUGINS = {
    package.name
    for package in ROOT.glob("plugins/*/ekinerja_*")
    if (package / "__init__.py").exists()
}


def names_of(layer: str) -> set[str]:
    """The modules of one layer: `(graph) | live` names graph and live."""
    return {name.strip(" ()") for name in layer.replace(":", "|").split("|")}


def listed() -> set[str]:
    """Every module that the layers name, by its whole name; containers are listed by theirs."""
    return {
        f"{container}.{name}"
        for contract in LAYERS
        for container in contract["containers"]
        for layer in contract["layers"]
        for name in names_of(layer)
    }


def modules() -> set[str]:
    """Every module of the application and of the SDK, by its whole name."""
    folders = [(ROOT, "schema"), (ROOT, "server"), (ROOT / "connectors", "ekinerja_connectors")]
    files = [
        file.relative_to(base).with_suffix("")
        for base, package in folders
        for file in (base / package).rglob("*.py")
    ]
    return {".".join(file.parts).removesuffix(".__init__") for file in files}


def unlisted(found: Iterable[str]) -> set[str]:
    """Modules that no contract knows: neither they nor the package they are in is listed.

    A container does not count for what is in it: its layers must name that.
    """
    containers = {name for contract in LAYERS for name in contract["containers"]}
    known = listed()
    escaped = set()
    for module in found:
        parts = module.split(".")
        packages = {".".join(parts[:length]) for length in range(1, len(parts) + 1)}
        if module not in containers and not packages & (known - containers):
            escaped.add(module)
    return escaped


def test_every_module_is_in_a_contract() -> None:
    assert unlisted(modules()) == set()


@pytest.mark.parametrize(
    "module",
    [
        "schema.gadgets",
        "schema.gadgets.models",
        "schema.targets.gadgets",
        "server.gadgets",
        "server.ingestion.gadgets",
        "ekinerja_connectors.gadgets",
    ],
)
def test_new_module_that_no_contract_lists_is_noticed(module: str) -> None:
    assert unlisted({"schema.targets.graph", module}) == {module}


def test_the_walk_finds_modules_of_every_kind() -> None:
    assert modules() >= {
        "schema",
        "schema.progress.service",
        "server.ingestion.intake",
        "server.commands.load",
        "ekinerja_connectors.testing.suite",
    }


def test_layers_are_exhaustive() -> None:
    assert [contract["id"] for contract in LAYERS if not contract.get("exhaustive")] == []


def test_every_subject_is_layered_inside() -> None:
    subjects = {f"schema.{file.parent.name}" for file in ROOT.glob("schema/*/graph.py")}

    (inside,) = [contract for contract in LAYERS if contract["id"] == "inside-a-subject"]

    assert subjects <= set(inside["containers"])


def test_every_package_of_the_house_is_judged() -> None:
    roots = {"schema", "server", "ekinerja_connectors"} | PLUGINS

    assert {"ekinerja_siasn", "ekinerja_srikandi"} <= PLUGINS
    assert set(LINTER["root_packages"]) == roots


@pytest.mark.parametrize("contract", ["plugins-as-vendors", "plugins-apart", "no-plugin-in-server"])
def test_every_plugin_is_held_by_the_contracts_about_plugins(contract: str) -> None:
    (found,) = [one for one in LINTER["contracts"] if one["id"] == contract]
    named = [*found.get("source_modules", []), *found.get("forbidden_modules", [])]

    assert set(named) | set(found.get("modules", [])) >= PLUGINS


def test_the_application_names_no_plugin() -> None:
    """Proper names appear nowhere; those that are words as well, not as a literal or a module."""
    slugs = {plugin.removeprefix("ekinerja_") for plugin in PLUGINS}
    words = {"attendance", "calendar", "chat", "example", "mail", "spreadsheet"}
    names = PLUGINS | (slugs - words) | {f'"{word}"' for word in slugs & words}

    naming = [
        file.relative_to(ROOT)
        for folder in ("schema", "server")
        for file in (ROOT / folder).rglob("*.py")
        if any(name in file.read_text("utf-8").lower() for name in names)
    ]

    assert naming == []


def test_contracts_are_kept() -> None:
    linter = Path(sys.executable).with_name("lint-imports")

    done = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout
    assert f"{len(LINTER['contracts'])} kept, 0 broken" in done.stdout
