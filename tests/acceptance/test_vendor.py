"""A vendor's afternoon: the guide's commands in an empty environment, then the wheel in a server.

The environment has nothing of the application, only what the commands install from the wheels of
the SDK. The plugin's wheel is then put beside a server, which finds it and is fed by its service.
"""

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schema.feeds.models import Installation
from schema.values import utc_now
from server.database import Database, DatabaseRole, opened
from server.ingestion import run_ingestion
from server.plugin_host import PluginHost
from tests import feeding
from tests.feeding import fetched

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
FIRST, SECOND = "198503122009011007", "199207152018012003"
"""The people of the fake; the second one's meeting is taken back."""
SECONDS = 60
QUIET = {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def ran(command: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6_000:]
    return done.stdout


@dataclass(frozen=True)
class Vendor:
    """What the afternoon left: its folder, its Python, what was told, and the wheel."""

    folder: Path
    python: Path
    told: str
    wheel: Path


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Vendor:
    """Build the SDK, then run every command of the page as it stands, but for the upload."""
    folder, wheels = tmp_path_factory.mktemp("vendor"), tmp_path_factory.mktemp("wheels")
    kept = {name: os.environ[name] for name in os.environ if name.startswith("PIP_")}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{os.defpath}",
        "HOME": os.environ.get("HOME", str(folder)),
        "LANG": "C.UTF-8",
        **QUIET,
    }
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", str(wheels)]
    ran([*build, str(ROOT / "connectors")], folder, environment)
    environment |= {"PIP_FIND_LINKS": str(wheels), "PIP_CONSTRAINT": str(ROOT / "constraints.txt")}
    page = (ROOT / "docs" / "connectors.md").read_text("utf-8")
    commands = "".join(CONSOLE.findall(page))
    assert "upload" not in commands

    told = ran(["bash", "-euo", "pipefail", "-c", commands], folder, environment)

    (wheel,) = (folder / "rapat" / "dist").glob("*.whl")
    return Vendor(folder, folder / ".venv" / "bin" / "python", told, wheel)


def test_commands_of_the_guide_lead_to_a_wheel_that_passes_check(vendor: Vendor) -> None:
    assert vendor.told.count("tier: gold") == 2
    assert "FAILED" not in vendor.told
    assert vendor.wheel.name == "ekinerja_rapat-0.1.0-py3-none-any.whl"
    for line in (
        "activity   rapat-1  2026-03-02T09:00:00+07:00  198503122009011007",
        "activity   rapat-1  2026-03-02T09:00:00+07:00  190001011900000001",  # as recorded
        "activity   rapat-5",
        "polling.json holds 4 items; 0 were left out",
        "contract.json holds the promise of rapat 0.1.0",
    ):
        assert line in vendor.told
    assert "contoh-token-rapat" not in vendor.told


def test_environment_of_the_vendor_has_nothing_of_the_application(vendor: Vendor) -> None:
    listed = json.loads(
        ran([str(vendor.python), "-m", "pip", "list", "--format", "json"], vendor.folder, QUIET)
    )
    names = {one["name"].lower() for one in listed}

    assert {"ekinerja-connectors", "ekinerja-rapat", "pytest"} <= names
    assert names & {"strawberry-graphql", "tortoise-orm", "starlette", "asyncpg"} == set()
    ask = "import importlib.util as u; print([n for n in ('schema', 'server') if u.find_spec(n)])"
    assert ran([str(vendor.python), "-I", "-c", ask], vendor.folder, QUIET).strip() == "[]"


def test_wheel_of_the_vendor_holds_the_package_with_its_types_only(vendor: Vendor) -> None:
    ask = f"import zipfile; print('\\n'.join(zipfile.ZipFile({str(vendor.wheel)!r}).namelist()))"
    found = ran([sys.executable, "-c", ask], vendor.folder, QUIET).split()

    assert "ekinerja_rapat/py.typed" in found
    assert {one.split("/")[0] for one in found} == {
        "ekinerja_rapat",
        "ekinerja_rapat-0.1.0.dist-info",
    }


@contextlib.asynccontextmanager
async def fake_of(vendor: Vendor) -> AsyncIterator[Mapping[str, Any]]:
    """The vendor's service, in the vendor's environment; gives the settings for it."""
    process = await asyncio.create_subprocess_exec(
        *(str(vendor.python), "-I", "-m", "ekinerja_rapat.fake"), stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        await process.stdout.readline()
        yield json.loads(await process.stdout.readline())
    finally:
        process.terminate()
        await process.wait()


async def test_wheel_beside_a_server_is_found_and_feeds_a_pending_record(
    vendor: Vendor, fresh_database: Database, tmp_path: Path
) -> None:
    install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet"]
    ran([*install, "--target", str(tmp_path), str(vendor.wheel)], vendor.folder, QUIET)
    host = PluginHost(path=tmp_path, deadline=timedelta(seconds=SECONDS))
    async with fake_of(vendor) as settings:
        async with opened(fresh_database, DatabaseRole.APPLICATION):
            agency = await feeding.agency()
            await feeding.employee(agency, FIRST)
            await feeding.employee(agency, SECOND)
            made = await feeding.installation(
                agency, plugin="rapat", settings=settings, next_poll_at=utc_now()
            )
        assert "rapat" in host.discover()
        info = await host.describe("rapat")
        await _feed(fresh_database, host)

    assert (info.distribution, info.version) == ("ekinerja-rapat", "0.1.0")
    async with opened(fresh_database, DatabaseRole.WORKER):
        await made.refresh_from_db()
        records = await _records()
    assert made.cursor == "4"
    assert ("rapat-1", FIRST, "Rapat: Koordinasi penyusunan rencana aksi", "PENDING") in records


async def _feed(database: Database, host: PluginHost) -> None:
    """Run the real ingestion until the service was read to its end and its items worked off."""
    stop = asyncio.Event()
    async with opened(database, DatabaseRole.WORKER):
        running = asyncio.create_task(run_ingestion(database, host, stop))
        try:
            async with asyncio.timeout(SECONDS):
                while not await _is_fed():
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.1)
        finally:
            stop.set()
            await running
            await host.close()


async def _is_fed() -> bool:
    return bool(await _records()) and await Installation.filter(cursor="4").exists()


async def _records() -> list[tuple[str, str, str, str]]:
    found = await fetched(
        "SELECT a.source_id, e.nip, r.description, r.state FROM progress_record r "
        "JOIN employee e ON e.id = r.employee_id JOIN activity a ON a.id = r.activity_id"
    )
    return [(one["source_id"], one["nip"], one["description"], one["state"]) for one in found]
