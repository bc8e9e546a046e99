"""The vendor's commands: what `new` writes, what `check` says, what `try` and `record` show."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ekinerja_connectors.contract import contract_of
from ekinerja_connectors.tools.checking import tier_of
from ekinerja_connectors.tools.command import main
from ekinerja_connectors.tools.packaging import Verdict

from tests.connectors.announced import announce

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "contoh-token-rapat"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A plugin made by `new`, importable and announced, as after an installation."""
    folder = tmp_path_factory.mktemp("plugin") / "rapat"
    assert main(["new", "rapat", "--into", str(folder)]) == 0
    announce(folder, (folder / "pyproject.toml").read_text("utf-8"))
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))
    for name in [one for one in sys.modules if one.partition(".")[0] == "ekinerja_rapat"]:
        del sys.modules[name]


@pytest.fixture
def service(plugin: Path, tmp_path: Path) -> Iterator[Path]:
    """The plugin's fake, running; gives the file of settings for it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ekinerja_rapat.fake"],
        cwd=plugin,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        file = tmp_path / "settings.json"
        file.write_text(process.stdout.readline(), "utf-8")
        yield file
    finally:
        process.terminate()
        process.communicate()


# --- new ----------------------------------------------------------------------------------------


def test_new_plugin_is_whole_and_keeps_to_the_style_of_this_project(tmp_path: Path) -> None:
    folder = tmp_path / "rapat-kantor"
    assert main(["new", "rapat-kantor", "--into", str(folder)]) == 0

    found = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}

    package = "ekinerja_rapat_kantor"
    modules = ("__init__", "connector", "fake", "settings", "translate")
    assert found == {
        *("CHANGELOG.md", "README.md", "contract.json", "pyproject.toml"),
        *(f"{package}/{one}.py" for one in modules),
        f"{package}/py.typed",
        "tests/test_rapat_kantor.py",
        "tests/deliveries/held.json",
        "tests/fixtures/polling.json",
    }
    assert not any("{{" in (folder / one).read_text("utf-8") for one in found)
    for command in (["check"], ["format", "--check"]):
        config = ["--config", str(ROOT / "pyproject.toml")]
        ran = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("name", ["Rapat", "1a", "a--b", "a-", "a_b", "../x", "x" * 41, ""])
def test_name_that_is_no_slug_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", name, "--into", str(tmp_path / "x")]) == 1

    assert "is no slug" in capsys.readouterr().out
    assert not (tmp_path / "x").exists()


def test_folder_that_is_not_empty_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept.txt").write_text("kept")

    assert main(["new", "rapat", "--into", str(tmp_path)]) == 1

    assert "is there already" in capsys.readouterr().out
    assert [one.name for one in tmp_path.iterdir()] == ["kept.txt"]


def test_contract_of_a_new_plugin_is_the_one_that_it_ships(plugin: Path) -> None:
    from ekinerja_rapat import RapatConnector  # type: ignore[import-not-found]

    shipped = (plugin / "contract.json").read_text("utf-8")
    example = json.loads(shipped)["settings"]

    assert contract_of(RapatConnector, example, "4").text() == shipped


EXAMPLE = ROOT / "plugins" / "example"


@pytest.mark.skipif(not EXAMPLE.exists(), reason="there is no plugins/example")
def test_shipped_example_is_what_new_writes(tmp_path: Path) -> None:
    made = tmp_path / "example"
    assert main(["new", "example", "--into", str(made)]) == 0

    files = {str(one.relative_to(made)) for one in made.rglob("*") if one.is_file()}
    differ = {
        one
        for one in files
        if not (EXAMPLE / one).is_file()
        or (EXAMPLE / one).read_bytes() != (made / one).read_bytes()
    }

    assert differ == set(), "write plugins/example anew with `new example`"


# --- check --------------------------------------------------------------------------------------


def test_new_plugin_reaches_gold(plugin: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["check", str(plugin)])

    told = capsys.readouterr().out
    assert "tier: gold" in told, told
    assert code == 0
    assert "FAILED" not in told
    assert "tests of its own: 3 of 3 passed" in told


@pytest.mark.slow
def test_plugin_that_was_spoilt_is_refused_with_the_reason(
    plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoilt = tmp_path / "rapat"
    shutil.copytree(plugin, spoilt, ignore=shutil.ignore_patterns("*.dist-info", "__pycache__"))
    connector = spoilt / "ekinerja_rapat" / "connector.py"
    written = connector.read_text("utf-8")
    assert "raise InvalidCursor" in written
    connector.write_text(written.replace("raise InvalidCursor", "raise ValueError"))
    settings = spoilt / "ekinerja_rapat" / "settings.py"
    settings.write_text(settings.read_text("utf-8").replace("page_size", "page_length"))
    connector.write_text(connector.read_text("utf-8").replace("page_size", "page_length"))
    fake = spoilt / "ekinerja_rapat" / "fake.py"
    fake.write_text(fake.read_text("utf-8").replace('"page_size"', '"page_length"'))

    code = main(["check", str(spoilt)])

    told = capsys.readouterr().out
    assert code == 1
    assert "setting page_size was removed" in told
    assert "FAILED          a cursor that cannot be read is Fatal" in told
    assert "tier: none" in told
    assert "README.md claims gold, which is not reached" in told


def test_folder_without_a_plugin_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(tmp_path)]) == 1

    assert "holds no pyproject.toml" in capsys.readouterr().out


def verdict(tier: str, outcome: str) -> Verdict:
    return Verdict(check="x", tier=tier, outcome=outcome)


@pytest.mark.parametrize(
    ("bronze", "silver", "gold", "tier"),
    [
        ("passed", "passed", "passed", "gold"),
        ("passed", "does not apply", "does not apply", "gold"),
        ("passed", "passed", "not shown", "silver"),
        ("passed", "failed", "passed", "bronze"),
        ("not shown", "passed", "passed", None),
        ("failed", "passed", "passed", None),
    ],
)
def test_tier_needs_every_check_of_it_and_of_those_below(
    bronze: str, silver: str, gold: str, tier: str | None
) -> None:
    given = [verdict("bronze", bronze), verdict("silver", silver), verdict("gold", gold)]

    assert tier_of([verdict("bronze", "passed"), *given]) == tier


# --- try and record -----------------------------------------------------------------------------


def test_try_shows_what_would_come_and_no_secret(
    plugin: Path, service: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["try", "rapat", "--settings", str(service), "--pages", "5"])

    told = capsys.readouterr().out
    assert code == 0, told
    assert "activity   rapat-1  2026-03-02T09:00:00+07:00  198503122009011007" in told
    assert "skipped    rapat-3  the meeting has not been held yet" in told
    assert "of rapat-2: Narasumber berhalangan" in told
    assert told.endswith("in all: 2 activity, 1 retraction, 1 skipped\n")
    assert TOKEN not in told


def test_try_tells_what_is_wrong_by_its_exit_code_and_hides_the_token(
    plugin: Path, service: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = {"id": 1, "type": "meeting.held", "nip": "123", "subject": f"Rapat {TOKEN}"}
    held |= {"begin": "2026-03-02T09:00:00+07:00", "end": "2026-03-02T09:30:00+07:00"}
    body = tmp_path / "body.json"
    body.write_text(json.dumps({"events": [held, {**held, "id": 2, "type": TOKEN}]}), "utf-8")

    code = main(["try", "rapat", "--settings", str(service), "--deliver", str(body)])

    told = capsys.readouterr().out
    assert code == 1
    assert "malformed  rapat-1  nip must be 18 digits" in told
    assert "events of type '[rahasia]' are not known" in told
    assert TOKEN not in told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--file", "x.csv"], "has no capability file"),
        (["--directory"], "has no capability directory"),
        (["--fixture", "missing.json"], "missing.json cannot be read"),
    ],
)
def test_try_tells_what_cannot_be_tried(
    plugin: Path,
    tmp_path: Path,
    options: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"base_url": "http://127.0.0.1:9", "api_token": TOKEN}), "utf-8")

    assert main(["try", "rapat", "--settings", str(file), *options]) == 1

    assert words in capsys.readouterr().out


def test_try_tells_a_service_that_is_not_there(
    plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"base_url": "http://127.0.0.1:9", "api_token": TOKEN}), "utf-8")

    assert main(["try", "rapat", "--settings", str(file)]) == 1

    assert "Retryable: http://127.0.0.1:9/events cannot be reached" in capsys.readouterr().out


def test_settings_that_do_not_fit_are_told_without_their_values(
    plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"base_url": "x", "api_tokn": "sangat-rahasia"}), "utf-8")

    assert main(["try", "rapat", "--settings", str(file)]) == 1

    told = capsys.readouterr().out
    assert "api_tokn is not known" in told
    assert "sangat-rahasia" not in told


def test_plugin_that_is_not_installed_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text("{}", "utf-8")

    assert main(["try", "tidak-ada", "--settings", str(file)]) == 1

    assert "tidak-ada must be announced by one distribution" in capsys.readouterr().out


def recorded(folder: Path) -> dict[str, Any]:
    (file,) = folder.glob("*.json")
    found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return found


def test_record_stores_what_translates_without_people(
    plugin: Path, service: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "fixtures"

    code = main(["record", "rapat", "--settings", str(service), "--pages", "5", "--to", str(to)])

    found = recorded(to)
    assert code == 0, capsys.readouterr().out
    assert found["ekinerja-recording"] == 1
    assert [one["payload"].get("nip") for one in found["items"]] == [
        "190001011900000001",
        "190001011900000002",
        "190001011900000001",
        None,
    ]
    assert [next(iter(one["states"])) for one in found["items"]] == [
        *("activity", "activity", "skipped", "retraction")
    ]
    # What `new` ships is what `record` writes.
    assert found == json.loads((plugin / "tests/fixtures/polling.json").read_text("utf-8"))


def test_record_leaves_out_what_cannot_be_read_and_says_so(
    plugin: Path, service: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body, to = tmp_path / "body.json", tmp_path / "fixtures"
    events = [{"id": 1, "type": "meeting.planned"}, {"id": 2, "type": "odd"}]
    body.write_text(json.dumps({"events": events}), "utf-8")
    given = ["--settings", str(service), "--deliver", str(body), "--to", str(to)]

    code = main(["record", "rapat", *given])

    assert code == 1
    assert "left out rapat-2: malformed: events of type 'odd'" in capsys.readouterr().out
    assert [one["source_id"] for one in recorded(to)["items"]] == ["rapat-1"]


def test_record_writes_nothing_that_holds_a_secret_after_all(
    plugin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # The word "recording" is in every fixture, so that no redaction can remove it.
    settings, body, to = tmp_path / "s.json", tmp_path / "body.json", tmp_path / "fixtures"
    settings.write_text(json.dumps({"base_url": "http://127.0.0.1:9", "api_token": "recording"}))
    body.write_text(json.dumps({"events": [{"id": 1, "type": "meeting.planned"}]}), "utf-8")
    given = ["--settings", str(settings), "--deliver", str(body), "--to", str(to)]

    code = main(["record", "rapat", *given])

    assert code == 1
    assert "nothing is written: a secret of the settings is still in it" in (
        capsys.readouterr().out
    )
    assert not to.exists()
