"""The plugin that we ship as a template is what `new` writes: nobody learns from an old copy."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from ekinerja_connectors import InvalidCursor
from ekinerja_example import ExampleConnector

#: What installing and testing it leaves behind.
LEFT = {"__pycache__", ".pytest_cache", "build", "dist", "ekinerja_example.egg-info"}
ROOT = Path(__file__).resolve().parents[2]


def contents(folder: Path) -> dict[str, bytes]:
    """All that git would keep."""
    return {
        str(one.relative_to(folder)): one.read_bytes()
        for one in sorted(folder.rglob("*"))
        if one.is_file() and not LEFT & set(one.relative_to(folder).parts)
    }


def test_example_is_what_new_writes(tmp_path: Path) -> None:
    target = tmp_path / "example"

    subprocess.run(
        [sys.executable, "-m", "ekinerja_connectors", "new", "example", "--into", str(target)],
        check=True,
        capture_output=True,
    )

    assert contents(ROOT / "plugins" / "example") == contents(target)


@pytest.mark.parametrize("cursor", ["page-2", "-1", "", "\u0662"])
async def test_cursor_that_example_cannot_read_asks_for_its_reset(cursor: str) -> None:
    unused = cast(Any, None)  # it is refused before anybody is called

    with pytest.raises(InvalidCursor, match="reset it"):
        await ExampleConnector(unused, unused).fetch(cursor)
