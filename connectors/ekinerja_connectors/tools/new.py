"""`new`: a complete plugin, written from the template that ships inside this package."""

from __future__ import annotations

import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

__all__ = ["TakenName", "write_plugin"]

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_PLACE = re.compile(r"\{\{(\w+)\}\}")
#: Template files end so that no tool takes them for the package's own code.
_ENDING = ".tmpl"


class TakenName(Exception):
    """The name is no slug, or its folder is there already."""


def write_plugin(name: str, into: Path | None = None) -> Path:
    """Write the plugin into a new folder; gives the folder.

    Raises:
        TakenName: with what to do.
    """
    if not _SLUG.fullmatch(name) or len(name) > 40:
        raise TakenName(f"{name!r} is no slug: a-z, then a-z, 0-9 or single -, at most 40")
    folder = into if into is not None else Path(name)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise TakenName(f"{folder} is there already and not empty; give another with --into")
    words = {
        "name": name,
        "module": name.replace("-", "_"),
        "Class": "".join(part.capitalize() for part in name.split("-")),
        "Title": " ".join(part.capitalize() for part in name.split("-")),
    }
    _write(files(__package__) / "template", folder, words)
    return folder


def _write(source: Traversable, to: Path, words: dict[str, str]) -> None:
    to.mkdir(parents=True, exist_ok=True)
    for one in sorted(source.iterdir(), key=lambda found: found.name):
        name = _filled(one.name.removesuffix(_ENDING), words)
        if one.is_dir():
            _write(one, to / name, words)
        elif one.name.endswith(_ENDING):
            (to / name).write_text(_filled(one.read_text("utf-8"), words), "utf-8")


def _filled(text: str, words: dict[str, str]) -> str:
    return _PLACE.sub(lambda found: words[found[1]], text)
