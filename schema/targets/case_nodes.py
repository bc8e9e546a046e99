"""Typed access to one object of a case file; what is wrong becomes a fault with its place.

A faulty value reads as a harmless stand-in ("" or None), so that the reading goes on and
every fault of a file is listed at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import cache
from typing import TypeVar, cast
from zoneinfo import available_timezones

from schema.targets.case_values import Fault, FaultCode, quoted
from schema.values import LARGEST_QUANTITY, is_safe_text

LONGEST_TEXT = 4000
"""Characters; a house limit. The longest text of the real cases has 282."""
LONGEST_CODE = 60
LARGEST_ORDER = 10_000

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Node:
    """An object of the file, where it stands, and the list that its faults go to."""

    data: Mapping[str, object]
    place: str
    faults: list[Fault]

    def fault(self, key: str, code: FaultCode, message: str) -> None:
        at = self.place if not key else f"{self.place}.{key}".lstrip(".")
        self.faults.append(Fault(at or "file", code, message))

    def labelled(self, key: str) -> "Node":
        """The same object with its code in its place: `targets[17] "S3.2"`."""
        code = self.data.get(key)
        return (
            replace(self, place=f"{self.place} {quoted(code)}") if isinstance(code, str) else self
        )

    def _required(self, key: str) -> object:
        value = self.data.get(key)
        if value is None:
            self.fault(key, FaultCode.MISSING, "missing")
        return value

    def _wrong(self, key: str, wanted: str, value: object) -> None:
        self.fault(key, FaultCode.WRONG_TYPE, f"{kind_of(value)} where {wanted} is expected")

    def text(self, key: str, limit: int = LONGEST_TEXT) -> str:
        """A required text, as it is written; "" after a fault."""
        return self._text(key, self._required(key), limit)

    def optional_text(self, key: str, limit: int = LONGEST_TEXT) -> str | None:
        """A text, or None where it is absent or null."""
        value = self.data.get(key)
        return None if value is None else self._text(key, value, limit)

    def _text(self, key: str, value: object, limit: int) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self._wrong(key, "a text", value)
        elif not is_safe_text(value):
            self.fault(key, FaultCode.UNSAFE_TEXT, "holds NUL or half of a surrogate pair")
        elif not value.strip():
            self.fault(key, FaultCode.BLANK, "is blank")
        elif len(value) > limit:
            self.fault(key, FaultCode.TEXT_TOO_LONG, f"{len(value)} characters, at most {limit}")
        else:
            return value
        return ""

    def number(self, key: str) -> Decimal | None:
        """A number from 0 to 10^15 with at most 6 decimals; None where absent or null."""
        value = self.data.get(key)
        return None if value is None else self.exact(key, value)

    def exact(self, key: str, value: object, *, decimals: int = 6) -> Decimal | None:
        """Check a value of this object as a number; None after a fault."""
        if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
            self._wrong(key, "a number", value)
            return None
        exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        shown = quoted(str(value)) if isinstance(value, Decimal | float) else "this number"
        if not exact.is_finite():
            self.fault(key, FaultCode.NUMBER_INVALID, f"{shown} is no number")
        elif exact < 0:
            self.fault(key, FaultCode.NUMBER_INVALID, f"{shown} is negative")
        elif exact > LARGEST_QUANTITY:
            self.fault(key, FaultCode.NUMBER_INVALID, f"{shown} is above 10^15")
        elif exact != exact.quantize(Decimal(1).scaleb(-decimals)):
            self.fault(key, FaultCode.NUMBER_INVALID, f"{shown} has over {decimals} decimals")
        else:
            return exact + 0
        return None

    def whole(self, key: str, smallest: int, largest: int) -> int:
        """A required whole number within bounds; 0 after a fault."""
        value = self._required(key)
        exact = None if value is None else self.exact(key, value)
        if exact is None:
            return 0
        if exact != exact.to_integral_value() or not smallest <= exact <= largest:
            message = f"must be a whole number from {smallest} to {largest}"
            self.fault(key, FaultCode.NUMBER_INVALID, message)
            return 0
        return int(exact)

    def day(self, key: str) -> date | None:
        """A required date, YYYY-MM-DD; None after a fault."""
        text = self.text(key)
        try:
            if len(text) == 10:
                return date.fromisoformat(text)
        except ValueError:
            pass
        if text:
            self.fault(key, FaultCode.DATE_INVALID, f"{quoted(text)} is no date (YYYY-MM-DD)")
        return None

    def choice(self, key: str, choices: Mapping[str, Choice]) -> Choice:
        """A required word of a list; after a fault, its first meaning."""
        value = self._required(key)
        return next(iter(choices.values())) if value is None else self._choice(key, value, choices)

    def optional_choice(self, key: str, choices: Mapping[str, Choice]) -> Choice | None:
        value = self.data.get(key)
        return None if value is None else self._choice(key, value, choices)

    def _choice(self, key: str, value: object, choices: Mapping[str, Choice]) -> Choice:
        if isinstance(value, str) and value in choices:
            return choices[value]
        if isinstance(value, str):
            message = f"{quoted(value)} is none of {', '.join(choices)}"
            self.fault(key, FaultCode.UNKNOWN_CHOICE, message)
        else:
            self._wrong(key, f"one of {', '.join(choices)}", value)
        return next(iter(choices.values()))

    def flag(self, key: str) -> bool:
        value = self.data.get(key)
        if value is not None and not isinstance(value, bool):
            self._wrong(key, "true or false", value)
        return value is True

    def timezone(self, key: str) -> str | None:
        """An IANA time zone, or None where it is absent."""
        name = self.optional_text(key)
        if name and name not in known_timezones():
            self.fault(key, FaultCode.TIMEZONE_INVALID, f"{quoted(name)} is no IANA time zone")
            return None
        return name or None

    def texts(self, key: str) -> list[str]:
        """A text or a list of texts; [] where absent."""
        value = self.data.get(key)
        if value is None:
            return []
        many = value if isinstance(value, list) else [value]
        return [
            self._text(f"{key}[{index}]", "" if one is None else one, LONGEST_TEXT)
            for index, one in enumerate(many)
        ]

    def child(self, key: str) -> "Node | None":
        """A required object under a key; None after a fault."""
        value = self._required(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._wrong(key, "an object", value)
            return None
        at = f"{self.place}.{key}".lstrip(".")
        return Node(cast("Mapping[str, object]", value), at, self.faults)

    def list_of(self, key: str, *, required: bool = True) -> list[object]:
        """A list under a key; [] where it is absent or no list."""
        value = self._required(key) if required else self.data.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self._wrong(key, "a list", value)
            return []
        return value

    def children(
        self, key: str, label: str | None = None, *, required: bool = True
    ) -> Iterator["Node"]:
        """The objects of a list, each with its place and, if it has one, its code."""
        for index, value in enumerate(self.list_of(key, required=required)):
            at = f"{self.place}.{key}[{index}]".lstrip(".")
            if isinstance(value, dict):
                node = Node(cast("Mapping[str, object]", value), at, self.faults)
                yield node.labelled(label) if label else node
            else:
                message = f"{kind_of(value)} where an object is expected"
                self.faults.append(Fault(at, FaultCode.WRONG_TYPE, message))


@cache
def known_timezones() -> frozenset[str]:
    """Names of the IANA time zones; finding them reads many files, so it is done once."""
    return frozenset(available_timezones())


def kind_of(value: object) -> str:
    """What a value is, in the words of JSON."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "a text"
    if isinstance(value, int | float | Decimal):
        return "a number"
    if isinstance(value, dict):
        return "an object"
    return "a list" if isinstance(value, list) else f"a Python {type(value).__name__}"
