"""Activity: one piece of work that an outside service saw somebody do, checked when it is made.

Rules about what a connector may claim belong here. What becomes of it (matching to a target,
confirming) belongs to the host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from .errors import Malformed

__all__ = [
    "JSON",
    "MAX_SOURCE_ID",
    "Activity",
    "Evidence",
    "checked_instant",
    "checked_nip",
    "checked_text",
]

JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"

MAX_SOURCE_ID = 200  # characters
MAX_TITLE = 500
MAX_DESCRIPTION = 10_000
MAX_SHORT = 100
MAX_EVIDENCE = 50
#: A quantity has at most 12 digits before the point and 6 after it.
MAX_QUANTITY = Decimal(10) ** 12
MAX_DECIMAL_PLACES = 6

_NIP = re.compile(r"[0-9]{18}", re.ASCII)
# PostgreSQL stores neither NUL nor half of a surrogate pair.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def checked_text(name: str, value: object, longest: int) -> str:
    """`value` as it is, if it is a text of 1 to `longest` characters that can be stored.

    Raises:
        Malformed: it is no text, blank, too long, or holds NUL or a lone surrogate.
    """
    if not isinstance(value, str):
        raise Malformed(f"{name} must be text, not {type(value).__name__}")
    if not value.strip():
        raise Malformed(f"{name} must not be blank")
    if len(value) > longest:
        raise Malformed(f"{name} has {len(value)} characters; at most {longest} are taken")
    if (not value.isascii() or "\x00" in value) and _UNSTORABLE.search(value):
        raise Malformed(f"{name} holds a NUL or a lone surrogate, which cannot be stored")
    return value


def checked_nip(value: object) -> None:
    """Nothing for a civil servant's number (*NIP*) of 18 digits.

    Digits only: PPPK give the parts another meaning than PNS, so the parts are not judged.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, str) or not _NIP.fullmatch(value):
        raise Malformed("nip must be 18 digits")


def checked_instant(name: str, value: object) -> None:
    """Nothing for a datetime with a time zone.

    Raises:
        Malformed: it is something else.
    """
    if not isinstance(value, datetime):
        raise Malformed(f"{name} must be a datetime, not {type(value).__name__}")
    if value.utcoffset() is None:
        raise Malformed(f"{name} has no time zone; give WIB, WITA, WIT or UTC explicitly")


def _checked_quantity(value: object) -> None:
    if not isinstance(value, Decimal):
        raise Malformed(f"quantity must be a Decimal, not {type(value).__name__}")
    if not value.is_finite():
        raise Malformed(f"quantity must be a finite number, not {value}")
    if not 0 <= value < MAX_QUANTITY:
        raise Malformed(f"quantity {value} is not between 0 and {MAX_QUANTITY:f}")
    exponent = value.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > MAX_DECIMAL_PLACES:
        raise Malformed(f"quantity {value} has more than {MAX_DECIMAL_PLACES} decimal places")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where the work can be seen (*bukti dukung*): a title and an http(s) address.

    Raises:
        Malformed: the title or the address cannot be taken.
    """

    title: str
    url: str

    def __post_init__(self) -> None:
        checked_text("evidence title", self.title, MAX_TITLE)
        checked_text("evidence url", self.url, 2_000)
        try:
            parts = urlsplit(self.url)
        except ValueError as error:
            raise Malformed(f"evidence url cannot be read: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Malformed("evidence url must begin with http:// or https:// and name a host")


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One piece of work by one person (*aktivitas*), as its source states it.

    `source_id` is that of the Item it was translated from. `nip` is who did it, 18 digits.
    `kind` is the service's word for this sort of work, a short stable slug that an agency can
    map to a target. `occurred_at` and `ended_at` are aware; without an end it is an instant.
    `quantity` counts `unit_of_measure` and is neither negative nor a float.

    Raises:
        Malformed: with the field and what is wrong with it.
    """

    source_id: str
    nip: str
    kind: str
    title: str
    occurred_at: datetime
    ended_at: datetime | None = None
    description: str | None = None
    category: str | None = None
    quantity: Decimal | None = None
    unit_of_measure: str | None = None
    evidence: tuple[Evidence, ...] = field(default=())

    def __post_init__(self) -> None:
        checked_text("source_id", self.source_id, MAX_SOURCE_ID)
        checked_nip(self.nip)
        checked_text("kind", self.kind, MAX_SHORT)
        checked_text("title", self.title, MAX_TITLE)
        checked_instant("occurred_at", self.occurred_at)
        if self.ended_at is not None:
            checked_instant("ended_at", self.ended_at)
            if self.ended_at < self.occurred_at:
                raise Malformed("ended_at lies before occurred_at")
        if self.description is not None:
            checked_text("description", self.description, MAX_DESCRIPTION)
        if self.category is not None:
            checked_text("category", self.category, MAX_SHORT)
        if self.quantity is not None:
            _checked_quantity(self.quantity)
        if self.unit_of_measure is not None:
            checked_text("unit_of_measure", self.unit_of_measure, MAX_SHORT)
        self._check_evidence()

    def _check_evidence(self) -> None:
        if not isinstance(self.evidence, tuple) or len(self.evidence) > MAX_EVIDENCE:
            raise Malformed(f"evidence must be a tuple of at most {MAX_EVIDENCE}")
        if not all(isinstance(one, Evidence) for one in self.evidence):
            raise Malformed("evidence must hold Evidence only")

    def to_json(self) -> dict[str, JSON]:
        """All fields as JSON: instants in ISO 8601, the quantity as text so as to stay exact."""
        return {
            "source_id": self.source_id,
            "nip": self.nip,
            "kind": self.kind,
            "title": self.title,
            "occurred_at": self.occurred_at.isoformat(),
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "description": self.description,
            "category": self.category,
            "quantity": None if self.quantity is None else format(self.quantity, "f"),
            "unit_of_measure": self.unit_of_measure,
            "evidence": [{"title": one.title, "url": one.url} for one in self.evidence],
        }

    @classmethod
    def from_json(cls, value: JSON) -> Activity:
        """The activity that `to_json` gave.

        Raises:
            Malformed: a field is missing, unknown, or not what it should be.
        """
        if not isinstance(value, Mapping):
            raise Malformed("an activity must be a JSON object")
        fields: dict[str, Any] = dict(value)
        try:
            fields["occurred_at"] = datetime.fromisoformat(fields["occurred_at"])
            if fields.get("ended_at") is not None:
                fields["ended_at"] = datetime.fromisoformat(fields["ended_at"])
            if fields.get("quantity") is not None:
                fields["quantity"] = Decimal(fields["quantity"])
            fields["evidence"] = tuple(Evidence(**one) for one in fields.get("evidence", ()))
            return cls(**fields)
        except Malformed:
            raise
        except (KeyError, TypeError, ValueError, InvalidOperation) as error:
            raise Malformed(f"not an activity: {error}") from error
