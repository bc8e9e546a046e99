"""Connectors from the command line: what is said, what is kept, and that no secret is said."""

import json
from pathlib import Path

import pytest

from schema.errors import DomainError
from schema.feeds.models import ConnectorEvent, Installation
from schema.feeds.secrets import settings_of
from server.cli import parser
from server.commands import administer, connectors
from server.database import Database, DatabaseRole, opened
from server.settings import settings_from
from server.vault import vault_of
from tests import feeding


async def test_a_connector_is_administered_from_the_command_line(
    fresh_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = fresh_database.urls[DatabaseRole.APPLICATION]
    settings = settings_from({"DATABASE_URL": url, "EKINERJA_DATA": str(tmp_path)})
    file = tmp_path / "srikandi.json"
    file.write_text(json.dumps({"base_url": "http://127.0.0.1:9", "api_token": "rahasia"}))
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.agency()

    async def said(*words: str) -> str:
        given = parser().parse_args(words)
        commands = connectors.COMMANDS | administer.COMMANDS
        assert await commands[getattr(given, "action", given.command)](given, settings) == 0
        return capsys.readouterr().out

    name = ("INST-A", "Surat")
    await said("install", "INST-A", "srikandi", "Surat", "--settings", str(file))
    told = [await said("connectors", "show", *name)]
    secret = (await said("connectors", "webhook-secret", *name)).strip()
    for action in ("disable", "enable", "pause", "resume", "run", "reset-cursor", "replay"):
        told.append(await said("connectors", action, *name))
    for action in ("problems", "runs", "dead-letters", "history"):
        told.append(await said("connectors", action, *name))
    file.write_text(json.dumps({"base_url": "http://127.0.0.1:8"}))
    await said("connectors", "configure", *name, "--settings", str(file))
    told += [await said("connectors", "list"), await said("rotate-secrets")]
    with pytest.raises(DomainError, match="reads no files"):
        await said("import-file", *name, str(file))

    assert "HEALTHY" in told[0]
    assert "secrets set: api_token" in told[0]
    assert "RUN_REQUESTED  command line" in told[-3]
    assert "1 encrypted anew, 0 cannot be read" in told[-1]
    assert "rahasia" not in "".join(told)
    assert secret not in "".join(told)
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        kept = settings_of(await Installation.get(), vault_of(settings))
        assert kept["base_url"] == "http://127.0.0.1:8"
        assert kept["api_token"] == "rahasia"
        assert await ConnectorEvent.all().count() == 9
