"""A plugin in a folder, announced as an installer would: what `PluginHost(path=...)` finds."""

import tomllib
from pathlib import Path

__all__ = ["announce"]


def announce(folder: Path, pyproject: str) -> str:
    """Write the metadata of an installed distribution; gives the name of its entry point."""
    project = tomllib.loads(pyproject)["project"]
    (announced,) = project["entry-points"]["ekinerja.connectors"].items()
    place = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    place.mkdir()
    needs = "".join(f"Requires-Dist: {one}\n" for one in project["dependencies"])
    (place / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n{needs}"
    )
    (place / "entry_points.txt").write_text(
        "[ekinerja.connectors]\n" + " = ".join(announced) + "\n"
    )
    return str(announced[0])
