"""Presence and Retraction: the two other things that a service may say of its people.

Work itself is `Activity`. What becomes of either belongs to the host.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .activity import JSON, MAX_SOURCE_ID, checked_instant, checked_nip, checked_text
from .errors import Malformed

__all__ = ["Direction", "Presence", "Retraction"]

MAX_PLACE = 200  # characters
MAX_REASON = 1_000


class Direction(StrEnum):
    """Which way somebody passed the clock."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """Somebody clocked in or out (*presensi*): presence at work, which is no work by itself.

    `at` is aware. `place` is where the clock stands, in the service's words.

    Raises:
        Malformed: with the field and what is wrong with it.
    """

    source_id: str
    nip: str
    at: datetime
    direction: Direction
    place: str | None = None

    def __post_init__(self) -> None:
        checked_text("source_id", self.source_id, MAX_SOURCE_ID)
        checked_nip(self.nip)
        checked_instant("at", self.at)
        if not isinstance(self.direction, Direction):
            raise Malformed("direction must be Direction.IN or Direction.OUT")
        if self.place is not None:
            checked_text("place", self.place, MAX_PLACE)

    def to_json(self) -> dict[str, JSON]:
        """All fields as JSON, the instant in ISO 8601."""
        return {
            "source_id": self.source_id,
            "nip": self.nip,
            "at": self.at.isoformat(),
            "direction": str(self.direction),
            "place": self.place,
        }

    @classmethod
    def from_json(cls, value: JSON) -> Presence:
        """The presence that `to_json` gave. Raises: Malformed."""
        fields = _object("a presence", value)
        try:
            fields["at"] = datetime.fromisoformat(fields["at"])
            fields["direction"] = Direction(fields["direction"])
            return cls(**fields)
        except Malformed:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a presence: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraction:
    """The source takes back what it said (*pembatalan*): a letter withdrawn, a meeting cancelled.

    `source_id` is that of the Item that says so; `retracts` that of the activity or presence that
    no longer holds. A pending record of it goes; a confirmed one stays and is marked. It may
    arrive before what it takes back. `at` is aware.

    Raises:
        Malformed: with the field and what is wrong with it.
    """

    source_id: str
    retracts: str
    at: datetime
    reason: str

    def __post_init__(self) -> None:
        checked_text("source_id", self.source_id, MAX_SOURCE_ID)
        checked_text("retracts", self.retracts, MAX_SOURCE_ID)
        if self.retracts == self.source_id:
            raise Malformed("a retraction is an item of its own and cannot take itself back")
        checked_instant("at", self.at)
        checked_text("reason", self.reason, MAX_REASON)

    def to_json(self) -> dict[str, JSON]:
        """All fields as JSON, the instant in ISO 8601."""
        return {
            "source_id": self.source_id,
            "retracts": self.retracts,
            "at": self.at.isoformat(),
            "reason": self.reason,
        }

    @classmethod
    def from_json(cls, value: JSON) -> Retraction:
        """The retraction that `to_json` gave. Raises: Malformed."""
        fields = _object("a retraction", value)
        try:
            fields["at"] = datetime.fromisoformat(fields["at"])
            return cls(**fields)
        except Malformed:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(f"not a retraction: {error}") from error


def _object(what: str, value: JSON) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} must be a JSON object")
    return dict(value)
