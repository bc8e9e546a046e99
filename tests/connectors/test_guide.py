"""The vendors' page: its files, as they stand, pass the suite and run in the plugin host."""

import asyncio
import re
import sys
import tomllib
from pathlib import Path

from ekinerja_connectors import Item, Skippable

from server.plugin_host import PluginHost

ROOT = Path(__file__).resolve().parents[2]
FILE = re.compile(r"^`([\w.]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def write_files(folder: Path) -> dict[str, str]:
    files = dict(FILE.findall((ROOT / "docs" / "connectors.md").read_text("utf-8")))
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    return files


async def test_connector_of_the_guide_passes_the_suite(tmp_path: Path) -> None:
    files = write_files(tmp_path)
    assert set(files) == {"pyproject.toml", "ekinerja_rapat.py", "test_rapat.py"}

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)),
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTEST_ADDOPTS": ""},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()

    assert process.returncode == 0, told.decode()
    assert b"7 passed" in told


async def test_connector_of_the_guide_runs_in_the_host(tmp_path: Path) -> None:
    project = tomllib.loads(write_files(tmp_path)["pyproject.toml"])["project"]
    folder = tmp_path / "ekinerja_rapat-1.0.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1\n"
    )
    (announced,) = project["entry-points"]["ekinerja.connectors"].items()
    (folder / "entry_points.txt").write_text("[ekinerja.connectors]\n" + " = ".join(announced))
    host = PluginHost(path=tmp_path)
    try:
        info = await host.describe("rapat")
        cancelled = Item(source_id="rapat-2", payload={"state": "cancelled"})
        settings = {"base_url": "http://127.0.0.1:9", "api_token": "invented"}
        outcome = await host.translate("rapat", "one", settings, [cancelled])
    finally:
        await host.close()

    assert (info.distribution, info.capabilities) == ("ekinerja-rapat", ("polling",))
    assert isinstance(outcome[0], Skippable)


async def test_shipped_plugins_are_found_and_described_by_the_host() -> None:
    host = PluginHost()
    try:
        found = {name: await host.describe(name) for name in ("siasn", "srikandi")}
    finally:
        await host.close()

    assert set(found) <= set(host.discover())
    assert found["siasn"].capabilities == ("polling", "directory", "results")
    assert found["srikandi"].capabilities == ("polling", "webhook", "file")
    secrets = {
        one
        for one, shape in found["siasn"].settings_schema["properties"].items()  # type: ignore
        if shape.get("writeOnly")
    }
    assert secrets == {"consumer_secret", "sso_password", "sso_token"}
