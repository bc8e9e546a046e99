"""What an administrator says about the sheets that are handed in."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ekinerja_connectors.moments import zone_of

__all__ = ["Settings"]

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`zone` is WIB, WITA or WIT, in which all times of the sheets are written.

    `worksheet` names the one that is read; without it the first. `kind` is the kind of all
    activities, and part of their names: another kind makes every row a new one.
    """

    zone: str = "WIB"
    worksheet: str | None = None
    kind: str = "kegiatan-harian"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if not _SLUG.fullmatch(self.kind):
            raise ValueError("kind must be a slug: a-z, then a-z, 0-9 or -, at most 40 characters")
