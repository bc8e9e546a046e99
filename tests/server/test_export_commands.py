"""The commands that write papers: which files there are then, and what is said otherwise."""

from pathlib import Path

import orjson
import pytest

from schema.errors import DomainError
from server.cli import parser
from server.commands import export as commands
from server.database import Database, DatabaseRole
from server.settings import Settings
from tests.factories import COLLEAGUE, STAFF
from tests.server.test_papers import appraised_in


@pytest.fixture
async def settings(fresh_database: Database) -> Settings:
    await appraised_in(fresh_database)
    return Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])


async def command(settings: Settings, *arguments: object) -> int:
    given = parser().parse_args([str(argument) for argument in arguments])
    return await commands.COMMANDS[given.command](given, settings)


async def test_forms_tables_and_own_data_are_written_whole(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "baru" / "kertas"
    for form in ("plan", "evaluation", "xlsx", "csv"):
        assert await command(settings, "export", form, "DC", "2026", folder) == 0
    assert await command(settings, "export-own", STAFF, folder / "sari.json") == 0

    names = sorted(file.name for file in folder.iterdir())
    starts = {name.split("_2026")[0] for name in names if name.endswith(".pdf")}
    assert {f"skp_{STAFF}", f"skp_{COLLEAGUE}"} <= starts
    assert {f"evaluasi_{STAFF}_final", f"evaluasi_{COLLEAGUE}_final"} <= starts
    assert {"evaluasi_A_final_2026-12-31.csv", "evaluasi_A_final_2026-12-31.xlsx"} < set(names)
    assert not [name for name in names if name.startswith(".")]
    assert "evaluasi_A_final_2026-12-31.csv: 3 rows" in capsys.readouterr().out
    own = orjson.loads((folder / "sari.json").read_bytes())
    assert [row["nip"] for row in own["tables"]["employee"]] == [STAFF]
    for unit, most in (("C", 3), ("D", 0)):
        await command(settings, "export", "evaluation", "DC", "2026", tmp_path, "--unit", unit)
        assert f"{most} files" in capsys.readouterr().out


async def test_what_is_not_there_is_said(settings: Settings, tmp_path: Path) -> None:
    for words, said in (
        (("XX", "2026", tmp_path), "Agency 'XX'"),
        (("DC", "1999", tmp_path), "Period '1999'"),
        (("DC", "2026", tmp_path, "--unit", "X"), "Unit 'X'"),
        (("DC", "2026", tmp_path, "--evaluation", "MONTHLY:13"), "Evaluation period"),
        (("DC", "2026", tmp_path, "--evaluation", "YEARLY"), "is not FINAL"),
    ):
        with pytest.raises(DomainError, match=said):
            await command(settings, "export", "evaluation", *words)
    (tmp_path / "berkas").write_text("")
    with pytest.raises(DomainError, match="cannot be made"):
        await command(settings, "export", "csv", "DC", "2026", tmp_path / "berkas" / "x")
    with pytest.raises(DomainError, match="Employee '199912312099121999' was not found"):
        await command(settings, "export-own", "199912312099121999", tmp_path / "x.json")
    assert [file.name for file in tmp_path.iterdir()] == ["berkas"]
