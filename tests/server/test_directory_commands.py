"""The commands for dry runs and directories, with a worker at work on the same database."""

import re
from typing import Any

import pytest

from schema.feeds import tasks
from schema.feeds.models import ConnectorTask
from schema.organizations.models import Unit
from server.cli import parser
from server.commands import directory as commands
from server.database import Database, DatabaseRole, opened
from server.ingestion.tasks import Errands
from server.settings import Settings
from tests import feeding
from tests.feeding import FakePlugins
from tests.server.test_tasks import FIRST, SECOND, item, of_pages, page

PLUGINS = FakePlugins(
    fetch=page(item("D-1")),
    directory=of_pages(FIRST, SECOND),
    capabilities=("polling", "directory"),
)


@pytest.fixture
async def settings(fresh_database: Database) -> Settings:
    """Those of a database in which a connector waits, beside a worker."""
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.installation(await feeding.agency(), title="Layanan")
    return Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody takes each task up as soon as it was asked for."""
    ask = tasks.request

    async def asked_and_done(*given: Any) -> ConnectorTask:
        task = await ask(*given)
        await Errands(plugins=PLUGINS).step()
        return task

    monkeypatch.setattr(tasks, "request", asked_and_done)


async def command(settings: Settings, *arguments: str) -> int:
    given = parser().parse_args(arguments)
    return await commands.COMMANDS[given.command](given, settings)


async def test_a_directory_is_shown_and_applied(
    worker: None, settings: Settings, fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(settings, "directory", "INST-A", "Layanan") == 0
    shown = capsys.readouterr().out
    assert "1 UNIT_ADDED A: Dinas, under no other\n" in shown
    (task,) = re.findall(r"apply-directory (\S+)\n", shown)

    chosen = ("--only", "UNIT_ADDED", "--from", "2026-01-01")
    assert await command(settings, "apply-directory", task, *chosen) == 0

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await Unit.all().order_by("code").values_list("code", flat=True) == ["A", "B"]


async def test_a_dry_run_is_shown(
    worker: None, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await command(settings, "dry-run", "INST-A", "Layanan") == 0

    entry, counts = capsys.readouterr().out.splitlines()
    assert '"sourceId": "D-1"' in entry
    assert '"counts": {"ACTIVITY": 1}' in counts


async def test_without_a_worker_it_says_so(settings: Settings) -> None:
    given = ("dry-run", "INST-A", "Layanan", "--wait", "0.6")

    with pytest.raises(commands.DomainError, match="does one run"):
        await command(settings, *given)
