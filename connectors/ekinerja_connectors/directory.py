"""DirectoryPage: what a service says of the organization - units, people and the posts they hold.

The host compares it with what it knows, shows what would change, and changes it when an
administrator says so. What is unclear in the service is told in `problems`, never mended quietly.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from .activity import checked_nip, checked_text
from .errors import Malformed

__all__ = [
    "DirectoryAssignment",
    "DirectoryEmployee",
    "DirectoryPage",
    "DirectoryUnit",
    "PostKind",
]

MAX_CODE = 60  # characters
MAX_NAME = 500


class PostKind(StrEnum):
    """How a post is held: definitive, or acting (*pelaksana tugas, pelaksana harian*)."""

    DEFINITIVE = "definitive"
    PLT = "plt"
    PLH = "plh"


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryUnit:
    """A unit (*unit organisasi, unor*); without `parent_code` it stands at the top.

    `kind` is the level in the service's words (*eselon*). Raises: Malformed.
    """

    code: str
    name: str
    kind: str = "unit"
    parent_code: str | None = None

    def __post_init__(self) -> None:
        checked_text("unit code", self.code, MAX_CODE)
        checked_text("unit name", self.name, MAX_NAME)
        checked_text("unit kind", self.kind, MAX_CODE)
        if self.parent_code is not None:
            checked_text("parent_code", self.parent_code, MAX_CODE)
            if self.parent_code == self.code:
                raise Malformed(f"unit {self.code} is its own parent")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryEmployee:
    """An employee (*pegawai*). `timezone` is an IANA name; None takes the agency's.

    Raises: Malformed.
    """

    nip: str
    name: str
    timezone: str | None = None

    def __post_init__(self) -> None:
        checked_nip(self.nip)
        checked_text("employee name", self.name, MAX_NAME)
        if self.timezone is not None:
            checked_text("timezone", self.timezone, 40)


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryAssignment:
    """A post held since `starts_on`; without an end it is still held.

    `appraiser_nip` is the *pejabat penilai kinerja*; None lets the host take the head of the unit,
    or of the one above for a head. Raises: Malformed.
    """

    nip: str
    unit_code: str
    position: str
    starts_on: date
    ends_on: date | None = None
    kind: PostKind = PostKind.DEFINITIVE
    heads_unit: bool = False
    appraiser_nip: str | None = None

    def __post_init__(self) -> None:
        checked_nip(self.nip)
        checked_text("unit_code", self.unit_code, MAX_CODE)
        checked_text("position", self.position, MAX_NAME)
        if self.appraiser_nip is not None:
            checked_nip(self.appraiser_nip)
            if self.appraiser_nip == self.nip:
                raise Malformed(f"{self.nip} cannot be their own appraiser")
        if self.ends_on is not None and self.ends_on <= self.starts_on:
            raise Malformed(f"a post of {self.nip} ends before it starts")


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPage:
    """One page of the directory; `next_cursor` is None on the last.

    `problems` are sentences about what the service has wrong (a unit above itself, a person in no
    unit), each naming the thing. Pages may repeat a thing; the last word holds.
    """

    units: tuple[DirectoryUnit, ...] = ()
    employees: tuple[DirectoryEmployee, ...] = ()
    assignments: tuple[DirectoryAssignment, ...] = ()
    problems: tuple[str, ...] = ()
    next_cursor: str | None = None
