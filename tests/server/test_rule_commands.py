"""`load-rules`: the defaults, a packaged table, a file, and what it refuses."""

from pathlib import Path

import pytest

from schema.consequences.models import RuleSet
from schema.consequences.rule_texts import packaged
from schema.errors import DomainError
from server.cli import parser
from server.commands.rules import load_rules
from server.database import Database, DatabaseRole, opened
from server.settings import Settings, SettingsError
from tests import feeding


async def test_rules_are_loaded_by_the_operator(
    fresh_database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await feeding.agency()
    settings = Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])
    table = tmp_path / "bobot.toml"
    table.write_text(packaged()["bobot"].replace("= 80", "= 85"), "utf-8")

    async def command(*arguments: str) -> int:
        given = parser().parse_args(["load-rules", "INST-A", *arguments])
        return await load_rules(given, settings)

    assert await command() == 0
    assert await command("--code", "klhk-2024", "--from", "2026-01-01") == 0
    assert await command("--file", str(table), "--from", "2026-01-01") == 0

    told = capsys.readouterr().out
    assert "4 defaults added from 2022-01-01\n" in told
    assert "ALLOWANCE: klhk-2024, version 1, holds from 2026-01-01: " in told
    assert "WEIGHT: bobot, version 2, holds from 2026-01-01: " in told
    for wrong in (
        ["--code", "klhk-2024"],
        ["--from", "2026-01-01"],
        ["--code", "zz", "--from", "2026-01-01"],
        ["--code", "bobot", "--file", str(table), "--from", "2026-01-01"],
    ):
        with pytest.raises(DomainError):
            await command(*wrong)
    with pytest.raises(SettingsError, match=r"none\.toml"):
        await command("--file", str(tmp_path / "none.toml"), "--from", "2026-01-01")
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        assert await RuleSet.all().count() == 6
