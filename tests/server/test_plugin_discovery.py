"""Version ranges: who may run here, judged by metadata alone."""

import sys
from pathlib import Path

import pytest

from server.plugin_discovery import announced, fault_of
from server.plugin_host import PluginBroken, PluginHost


@pytest.mark.parametrize(
    ("requires", "python", "fault"),
    [
        ([], None, None),
        (["ekinerja-connectors"], None, None),
        (["ekinerja-connectors>=0.1,<0.2"], ">=3.11", None),
        (["Ekinerja_Connectors >=0.1"], None, None),
        (["ekinerja-connectors[testing]>=9; extra == 'dev'"], None, None),
        (["aiohttp>=99"], None, None),  # pip's business
        (["ekinerja-connectors>=0.2"], None, "it needs ekinerja-connectors>=0.2, and 0.1.1 is"),
        (["ekinerja-connectors<0.1"], None, "whose range admits 0.1.1"),
        (["ekinerja-connectors==0.1.*", "ekinerja-connectors!=0.1.1"], None, "!=0.1.1"),
        ([], ">=3.13", "it needs Python >=3.13, and this is 3.11.7"),
        ([], "<3.11", "for this Python"),
        (["ekinerja-connectors >>"], None, "metadata cannot be read"),
        ([], "no range", "metadata cannot be read"),
    ],
)
def test_range_must_admit_what_runs_here(
    requires: list[str], python: str | None, fault: str | None
) -> None:
    found = fault_of(requires, python, sdk="0.1.1", python="3.11.7")

    assert (found is None) == (fault is None)
    assert fault is None or fault in (found or "")


def write(folder: Path, name: str, distribution: str, *metadata: str) -> None:
    module = f"marked_{name}"
    (folder / f"{module}.py").write_text("raise SystemExit('imported')\n")
    about = folder / f"{distribution}-1.2.dist-info"
    about.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {distribution}", "Version: 1.2", *metadata, ""]
    (about / "METADATA").write_text("\n".join(lines))
    (about / "entry_points.txt").write_text(f"[ekinerja.connectors]\n{name} = {module}\n")


async def test_plugin_out_of_range_is_told_apart_without_running_any_of_it(tmp_path: Path) -> None:
    write(tmp_path, "future", "uji-future", "Requires-Dist: ekinerja-connectors>=7")
    write(tmp_path, "fitting", "uji-fitting", "Requires-Dist: ekinerja-connectors>=0.1")
    host = PluginHost(path=tmp_path)

    found = announced(tmp_path)
    with pytest.raises(PluginBroken, match=r"needs ekinerja-connectors>=7, and .* is installed"):
        await host.describe("future")
    await host.close()

    assert (found["future"].distribution, found["future"].version) == ("uji-future", "1.2")
    assert "install a version of it" in str(found["future"].fault)
    assert found["fitting"].fault is None
    assert host._children == {}
    assert "marked_future" not in sys.modules


def test_name_that_two_distributions_announce_is_unfit_and_names_both(tmp_path: Path) -> None:
    write(tmp_path, "twice", "uji-one")
    write(tmp_path, "twice", "uji-two")

    assert announced(tmp_path)["twice"].fault == (
        "twice must be announced by one distribution; it is by: uji-one, uji-two"
    )
