"""Where clockings come from, what their fields are called, and whose PIN is whose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ekinerja_connectors import address, secret
from ekinerja_connectors.moments import zone_of

__all__ = ["BREAK", "Fields", "Settings"]

BREAK = "break"
_WAYS = {"in", "out", BREAK}
_DIRECTIONS: Mapping[str, str] = {
    **dict.fromkeys(
        ("0", "in", "i", "masuk", "datang", "scan masuk", "c/in", "check in", "checkin"), "in"
    ),
    **dict.fromkeys(
        ("1", "out", "o", "pulang", "keluar", "scan pulang", "c/out", "check out", "checkout"),
        "out",
    ),
    # Machines of the ZK family: 2 and 3 are a break, 4 and 5 overtime begun and ended.
    **dict.fromkeys(("2", "3", "istirahat", "break out", "break in"), BREAK),
    **dict.fromkeys(("4", "lembur masuk", "overtime in"), "in"),
    **dict.fromkeys(("5", "lembur pulang", "lembur keluar", "overtime out"), "out"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What a record of the service calls its fields. `nip` or `pin` says who.

    A record whose `cancelled` is true takes back the clocking that it describes.
    """

    nip: str = "nip"
    pin: str = "pin"
    at: str = "at"
    direction: str = "direction"
    place: str = "place"
    cancelled: str = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """`zone` is WIB, WITA or WIT, in which times without a zone are read.

    `pins` maps the numbers of the machines to NIPs. `directions` adds words for "in", "out" and
    "break" (which is skipped) to those that are known. `columns` gives headings of files that
    are not known: {"at": "Waktu Tap"}. Without `base_url` nothing is polled.
    """

    zone: str = "WIB"
    pins: Mapping[str, str] = field(default_factory=dict)
    directions: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    base_url: str = address(default="")
    path: str = "/attendance"
    api_token: str = secret(default="")
    page_size: int = 500

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if not 1 <= self.page_size <= 5_000:
            raise ValueError("page_size must be between 1 and 5000")
        if strange := sorted(set(self.directions.values()) - _WAYS):
            raise ValueError(f"directions must lead to in, out or break, not {strange[0]}")
        if strange := sorted(one for one in self.pins.values() if not _is_nip(one)):
            raise ValueError("pins must lead to NIPs of 18 digits")

    def way_of(self, word: str) -> str | None:
        """in, out or break for a word of the service; None for one that nobody knows."""
        plain = " ".join(word.casefold().replace("_", " ").replace("-", " ").split())
        given = {name.casefold(): way for name, way in self.directions.items()}
        return given.get(word.casefold()) or given.get(plain) or _DIRECTIONS.get(plain)


def _is_nip(text: str) -> bool:
    return len(text) == 18 and text.isascii() and text.isdigit()
