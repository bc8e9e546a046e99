"""The vendors' page: its files are what `new` writes, its examples pass, its lists are whole.

Its commands are run by tests/acceptance/test_vendor.py.
"""

import argparse
import contextlib
import csv
import io
import re
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from ekinerja_connectors import (
    JSON,
    Activity,
    Connector,
    Presence,
    Retraction,
    Statement,
    Translation,
    Upload,
)
from ekinerja_connectors.testing.fakes import serve
from ekinerja_connectors.testing.suite import ConnectorSuite
from ekinerja_connectors.tools.checking import TIERS
from ekinerja_connectors.tools.command import parser
from ekinerja_connectors.tools.new import write_plugin
from ekinerja_connectors.tools.packaging import papers_of

from server.plugin_host import PluginHost
from tests.connectors.announced import announce

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "connectors.md").read_text("utf-8")
FILE = re.compile(r"^`([\w./]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)
PYTHON = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
OWN_TEST = "has a test of its own that passes"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = write_plugin("rapat", tmp_path_factory.mktemp("guide") / "rapat")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [one for one in sys.modules if one.partition(".")[0] == "ekinerja_rapat"]:
        del sys.modules[name]


def test_files_of_the_guide_are_what_new_writes(plugin: Path) -> None:
    shown = dict(FILE.findall(PAGE))

    assert len(shown) == 5
    for name, text in shown.items():
        assert text == (plugin / name).read_text("utf-8"), name


def test_guide_names_every_file_of_a_new_plugin(plugin: Path) -> None:
    found = {str(one.relative_to(plugin)) for one in plugin.rglob("*") if one.is_file()}
    named = set(re.findall(r"`([\w./]+)`", PAGE.split("## 2.")[0]))

    unnamed = {
        one
        for one in found - named
        if not any(place.endswith("/") and one.startswith(place) for place in named)
        and Path(one).name not in ("__init__.py", "py.typed")
        and "__pycache__" not in one
    }

    assert unnamed == set()


def examples(plugin: Path) -> dict[str, Any]:
    """The names that the blocks of Python define which are no file."""
    from ekinerja_rapat.settings import Settings  # type: ignore[import-not-found]
    from ekinerja_rapat.translate import statement_of  # type: ignore[import-not-found]

    names: dict[str, Any] = {"Settings": Settings, "statement_of": statement_of}
    names |= {"Statement": Statement, "Translation": Translation}
    files = {text for _, text in FILE.findall(PAGE)}
    blocks = [one for one in PYTHON.findall(PAGE) if one not in files]
    assert len(blocks) == 5
    for block in blocks:
        exec(compile(block, "docs/connectors.md", "exec"), names)
    return names


def test_statements_of_the_guide_are_the_three_kinds(plugin: Path) -> None:
    names = examples(plugin)

    assert isinstance(names["work"], Activity)
    assert isinstance(names["presence"], Presence)
    assert isinstance(names["taken_back"], Retraction)
    assert names["taken_back"].retracts == names["work"].source_id


def sheet() -> bytes:
    rows = io.StringIO()
    event = {"type": "meeting.held", "nip": "198503122009011007", "subject": "Koordinasi"}
    event |= {"begin": "2026-03-02T09:00:00+07:00", "end": "2026-03-02T10:00:00+07:00"}
    writer = csv.DictWriter(rows, ["nomor", *event])
    writer.writeheader()
    writer.writerows([{"nomor": "1", **event}, {"nomor": "", **event}])
    return rows.getvalue().encode()


def service(arrived: list[str]) -> web.Application:
    """What the examples that ask a service find there."""

    async def units(request: web.Request) -> web.Response:
        found = [("A", None), ("B", "A"), ("C", "Z")]
        return web.json_response(
            [{"code": code, "name": f"Unit {code}", "parent": parent} for code, parent in found]
        )

    async def keep(request: web.Request) -> web.Response:
        number = f"ARSIP-{request.match_info['name']}"
        return web.json_response({"number": number, "at": "2026-03-02T09:00:00+07:00"})

    async def message(request: web.Request) -> web.Response:
        arrived.append(request.match_info["name"])
        return web.json_response({"taken": True})

    app = web.Application()
    app.router.add_put("/messages/{name}", message)
    app.router.add_get("/units", units)
    app.router.add_put("/appraisals/{name}", keep)
    return app


@pytest.mark.parametrize(
    "name", ["SheetConnector", "UnitsConnector", "ArchiveConnector", "PostConnector"]
)
def test_example_of_the_guide_passes_the_suite(plugin: Path, name: str) -> None:
    example: type[Connector[Any]] = examples(plugin)[name]

    class Suite(ConnectorSuite):
        connector = example

        @contextlib.asynccontextmanager
        async def service(self) -> AsyncIterator[Mapping[str, JSON]]:
            self.arrived: list[str] = []
            async with serve(service(self.arrived)) as url:
                yield {"base_url": url, "api_token": "contoh-token"}

        def received(self) -> Sequence[str]:
            return self.arrived

        def uploads(self) -> Sequence[Upload]:
            return [Upload(name="sheet.csv", content=sheet())]

    left_out = []
    for test in (one for one in dir(Suite) if one.startswith("test_")):
        try:
            getattr(Suite(), test)()
        except pytest.skip.Exception as reason:
            left_out.append(str(reason))

    unshown = {one for one in left_out if one.startswith("not shown")}
    assert all("contract" in one or "record" in one for one in unshown), unshown
    assert len(left_out) < 42


async def test_connector_of_the_guide_runs_in_the_host(plugin: Path, tmp_path: Path) -> None:
    write_plugin("rapat", tmp_path / "site")
    announce(tmp_path / "site", (plugin / "pyproject.toml").read_text("utf-8"))
    host = PluginHost(path=tmp_path / "site")
    try:
        info = await host.describe("rapat")
    finally:
        await host.close()

    assert (info.distribution, info.capabilities) == ("ekinerja-rapat", ("polling", "webhook"))


def test_guide_lists_every_command_with_its_options() -> None:
    (section,) = re.findall(r"^## The commands\n(.*?)^## ", PAGE, re.M | re.S)
    listed = {line.split("`")[1].split()[0]: line for line in section.splitlines() if "| `" in line}
    (choices,) = [
        action.choices
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]

    assert set(listed) == set(choices)
    for name, command in choices.items():
        options = {one for action in command._actions for one in action.option_strings}
        shared = {"--fixture", "--deliver", "--file", "--directory", "--cursor"}
        told = set(re.findall(r"--[a-z]+", listed[name]))
        assert told <= options, name
        assert options - told - {"-h", "--help"} <= (shared if name == "record" else set()), name


@pytest.mark.parametrize("tier", TIERS)
def test_guide_lists_every_check_of_a_tier(plugin: Path, tier: str) -> None:
    tests = (getattr(ConnectorSuite, name) for name in dir(ConnectorSuite) if "test_" in name)
    known = {words for words, of in (one.check for one in tests) if of == tier}
    known |= {one.check for one in papers_of(plugin) if one.tier == tier}
    known |= {OWN_TEST} if tier == "gold" else set()
    (section,) = re.findall(rf"^\*\*{tier.title()}\*\* (.*?)(?=^\*\*|^## )", PAGE, re.M | re.S)

    listed = re.findall(r"^- (.+)$", section, re.M)

    assert len(listed) == len(set(listed))
    assert set(listed) == known


async def test_shipped_plugins_are_found_and_described_by_the_host() -> None:
    host = PluginHost()
    try:
        found = {name: await host.describe(name) for name in ("siasn", "srikandi")}
    finally:
        await host.close()

    assert set(found) <= set(host.discover())
    assert found["siasn"].capabilities == ("polling", "directory", "results")
    assert found["srikandi"].capabilities == ("polling", "webhook", "file")
    schema: Any = found["siasn"].settings_schema
    secrets = {one for one, shape in schema["properties"].items() if shape.get("writeOnly")}
    assert secrets == {"consumer_secret", "sso_password", "sso_token"}
