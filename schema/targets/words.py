"""Pure rules of a target in words, as people write it in a plan: "12 laporan", "3–5 hari".

A number and its unit are two things (an agency's FAQ on PermenPANRB 6/2022); a range has two
ends; a time is a range that begins at once. What cannot be read is refused, never guessed.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from schema.errors import DomainError, ErrorCode
from schema.targets.models import Polarity

NUMBER = r"\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?"
RANGE = re.compile(rf"({NUMBER})\s*(?:-|s\.?\s?d\.?|sampai(?: dengan)?|hingga)\s*({NUMBER})\s*(.*)")
AFTER_THE_DAY = re.compile(rf"h\s*\+\s*({NUMBER})(?:\s*/\s*({NUMBER}))?\s*(.*)")
MONTH = re.compile(r"(?:bulan\s+)?([a-z]+)(?:\s+\d{4})?")
AT_MOST = re.compile(
    r"(?:maksimal|maksimum|paling (?:banyak|lama|lambat)|tidak lebih dari|<=|≤)"
    rf"\s*({NUMBER})\s*(.*)"
)
AT_LEAST = re.compile(
    rf"(?:minimal|minimum|paling sedikit|sekurang-kurangnya|>=|≥)\s*({NUMBER})\s*(.*)"
)
PLAIN = re.compile(rf"({NUMBER})\s*(.*)")
MONTHS = (
    "januari", "februari", "maret", "april", "mei", "juni",
    "juli", "agustus", "september", "oktober", "november", "desember",
)  # fmt: skip
UNITS = {"%": "persen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What a text asks for: a number to reach (`planned`) or a range, and the unit of measure."""

    polarity: Polarity
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    unit_of_measure: str | None = None


def number(text: str) -> Decimal:
    """A number as Indonesians write it: 1.200 -> 1200; 97,5 -> 97.5; 97.5 -> 97.5."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?", text):
        text = text.replace(".", "")
    return Decimal(text.replace(",", "."))


def aim_of(text: str) -> Aim:
    """A target in words.

    "12 laporan" -> 12; "1.200 orang" -> 1200; "3–5 hari" -> 3 to 5; "maksimal 3 hari" -> no more
    than 3; "minimal 90 %" -> 90; "H+2/5 hari sesudah acara" -> 0 to 5; "bulan Maret" -> 1 to 3.

    Raises:
        DomainError: it has no number that can be read, or a range is upside down.
    """
    words = re.sub(r"\s+", " ", text.replace("–", "-").replace("—", "-")).strip().lower()
    if found := AFTER_THE_DAY.fullmatch(words):
        first, last, unit = found.groups()
        return _range(text, Decimal(0), number(last or first), unit or "hari")
    if found := RANGE.fullmatch(words):
        low, high, unit = found.groups()
        return _range(text, number(low), number(high), unit)
    if (found := MONTH.fullmatch(words)) and found[1] in MONTHS:
        return _range(text, Decimal(1), Decimal(MONTHS.index(found[1]) + 1), "bulan")
    if found := AT_MOST.fullmatch(words):
        most, unit = found.groups()
        return Aim(polarity=Polarity.RANGE, maximum=number(most), unit_of_measure=_unit(unit))
    if found := AT_LEAST.fullmatch(words) or PLAIN.fullmatch(words):
        planned, unit = found.groups()
        return Aim(polarity=Polarity.RISING, planned=number(planned), unit_of_measure=_unit(unit))
    raise _unreadable(text)


def _range(text: str, low: Decimal, high: Decimal, unit: str) -> Aim:
    if low > high:
        raise _unreadable(text)
    return Aim(polarity=Polarity.RANGE, minimum=low, maximum=high, unit_of_measure=_unit(unit))


def _unit(text: str) -> str | None:
    unit = text.strip()
    return UNITS.get(unit, unit) or None


def _unreadable(text: str) -> DomainError:
    return DomainError(
        ErrorCode.BAD_USER_INPUT,
        field="text",
        detail=f'"{text}" is no target: write a number and a unit, as "12 laporan" or "3-5 hari"',
    )
