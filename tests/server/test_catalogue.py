"""The catalogue of plugins: found, quarantined, replaced, gone; and who insists on all of them."""

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from schema.feeds.models import ConnectorProblem, Plugin, PluginState, ProblemCode
from schema.values import utc_now
from server.commands.plugins import insist
from server.database import Database, DatabaseRole, opened
from server.ingestion.catalogue import Catalogue, survey
from server.plugin_host import PluginHost
from server.settings import Settings, SettingsError, settings_from
from tests import feeding

PLUGIN = """
import dataclasses
from ekinerja_connectors import *

@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    word: str
    password: str = secret()

class Found(Connector[Settings]):
    name, title, version, settings = "NAME", "TITLE", "VERSION", Settings
    async def fetch(self, cursor):
        return Page(items=(), next_cursor=None, more=False)
    def translate(self, item):
        raise Skippable("nothing")

@hookimpl
def register_connectors(register):
    register(Found)
"""


def write(
    folder: Path, name: str, version: str = "1.0", title: str = "Layanan", top: str = ""
) -> None:
    text = PLUGIN.replace("NAME", name).replace("VERSION", version).replace("TITLE", title)
    (folder / f"found_{name}.py").write_text(top + text)
    for old in folder.glob(f"uji_{name}-*"):
        shutil.rmtree(old)
    about = folder / f"uji_{name}-{version}.dist-info"
    about.mkdir()
    head = f"Metadata-Version: 2.1\nName: uji-{name}\nVersion: {version}\n"
    (about / "METADATA").write_text(head + "Requires-Dist: ekinerja-connectors>=0.1\n")
    (about / "entry_points.txt").write_text(f"[ekinerja.connectors]\n{name} = found_{name}\n")


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PluginHost]:
    """A host that knows the plugins of a folder and none that are installed beside it."""
    monkeypatch.setattr("server.plugin_discovery.entry_points", lambda group: ())
    host = PluginHost(path=tmp_path)
    yield host
    await host.close()


async def states() -> dict[str, tuple[str, str]]:
    return {one.name: (str(one.state), one.version) for one in await Plugin.all()}


@pytest.mark.slow
async def test_plugins_are_written_down_one_by_one_and_followed(
    fresh_database: Database, host: PluginHost, tmp_path: Path
) -> None:
    write(tmp_path, "good")
    write(tmp_path, "broken", top="raise RuntimeError('no luck')\n")
    write(tmp_path, "odd", title="\\x00")
    catalogue = Catalogue(host)
    async with opened(fresh_database, DatabaseRole.WORKER):
        await catalogue.look()
        good = await Plugin.get(name="good")
        broken = await Plugin.get(name="broken")

        assert (good.state, good.problem) == (PluginState.READY, None)
        assert good.capabilities == ["polling"]
        assert good.settings_schema["properties"]["password"]["writeOnly"] is True
        assert broken.state is PluginState.QUARANTINED
        assert "no luck" in str(broken.problem)
        assert "NUL" in str((await Plugin.get(name="odd")).problem)

        write(tmp_path, "good", version="1.1", title="Layanan baru")
        write(tmp_path, "broken", version="1.1")
        shutil.rmtree(next(tmp_path.glob("uji_odd-*")))
        await catalogue.look()

        assert await states() == {
            "good": ("READY", "1.1"),
            "broken": ("READY", "1.1"),
            "odd": ("QUARANTINED", "1.0"),
        }
        assert (await Plugin.get(name="good")).title == "Layanan baru"
        assert "not installed here" in str((await Plugin.get(name="odd")).problem)

        seen_at = (await Plugin.get(name="good")).seen_at
        await catalogue.look()  # nothing changed
        assert (await Plugin.get(name="good")).seen_at == seen_at


async def test_kill_is_a_problem_until_an_hour_has_passed_without_another(
    fresh_database: Database, host: PluginHost
) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        feed = await feeding.installation(await feeding.agency())
    async with opened(fresh_database, DatabaseRole.WORKER):
        now = utc_now()
        for code, ago in (
            (ProblemCode.PLUGIN_KILLED, timedelta(minutes=61)),
            (ProblemCode.FORGED, timedelta(minutes=59)),
            (ProblemCode.BREAKER_OPEN, timedelta(hours=9)),  # ends by success only
        ):
            at = now - ago
            await ConnectorProblem.create(
                installation=feed, code=code, detail="x", first_at=at, last_at=at
            )

        await Catalogue(host).look()

        left = {one.code for one in await ConnectorProblem.filter(resolved_at=None)}
        assert left == {ProblemCode.FORGED, ProblemCode.BREAKER_OPEN}


@pytest.mark.slow
async def test_strict_setting_names_each_that_cannot_run(host: PluginHost, tmp_path: Path) -> None:
    write(tmp_path, "good")
    strict = Settings(strict_plugins=True)
    await insist(host, strict)
    write(tmp_path, "broken", top="import nothing_of_this_name\n")

    with pytest.raises(SettingsError, match=r"(?s)1 plugins .*broken 1\.0: .*nothing_of"):
        await insist(host, strict)
    await insist(host, Settings())

    assert [one.problem is None for one in await survey(host)] == [False, True]


@pytest.mark.parametrize(
    ("given", "allowed"),
    [
        ({}, ("127.0.0.0/8", "::1/128")),
        ({"EKINERJA_EGRESS_ALLOW": ""}, ()),
        (
            {"EKINERJA_EGRESS_ALLOW": "10.0.0.0/8, dalam.example.go.id ::1"},
            ("10.0.0.0/8", "dalam.example.go.id", "::1"),
        ),
        ({"EKINERJA_EGRESS_ALLOW": "10.0.0.0/33"}, None),
        ({"EKINERJA_EGRESS_ALLOW": "10.0.0.1/8"}, None),
        ({"EKINERJA_EGRESS_ALLOW": "999.1.1.1"}, None),
        ({"EKINERJA_EGRESS_ALLOW": "http://x"}, None),
    ],
)
def test_egress_allows_loopback_outside_production_and_else_what_is_named(
    given: dict[str, str], allowed: tuple[str, ...] | None
) -> None:
    if allowed is None:
        with pytest.raises(SettingsError, match="neither a network"):
            settings_from(given)
    else:
        assert settings_from(given).egress_allow == allowed


def test_production_allows_nothing_inside_unless_told() -> None:
    production = {
        "EKINERJA_ENVIRONMENT": "production",
        "EKINERJA_TOKEN_KEYS": "keys.json",
        "DATABASE_URL": "postgresql://nobody@127.0.0.1/none",
    }

    assert settings_from(production).egress_allow == ()
