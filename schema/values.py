"""Small values that every subject shares: keys, instants, NIP, exact numbers and safe text."""

import re
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import uuid_utils.compat

NIP_PATTERN = re.compile(r"[0-9]{18}")
"""NIP (*nomor induk pegawai*): 18 digits, kept as text since spreadsheets truncate numbers.

PNS: birth date (8), month of appointment (6), sex (1), serial (3). PPPK numbers give other
meanings to the same 18 places, so nothing inside the number is checked.
"""

CAPITAL_TIMEZONE = "Asia/Jakarta"
"""WIB; where no employee's own zone is at hand."""

HUNDREDTH = Decimal("0.01")
LARGEST_QUANTITY = Decimal(10) ** 15
"""A house limit: above the national budget in rupiah, so a larger number is a slip."""


def uuid7() -> UUID:
    """A new key: UUID version 7, so that keys sort by the time they were made."""
    return uuid_utils.compat.uuid7()


def utc_now() -> datetime:
    """The present instant, aware, in UTC."""
    return datetime.now(UTC)


def local_date(instant: datetime, timezone: str) -> date:
    """The working day of an instant in an IANA time zone (WIB is Asia/Jakarta)."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def is_nip(text: str) -> bool:
    return NIP_PATTERN.fullmatch(text) is not None


def is_safe_text(text: str) -> bool:
    """False for what PostgreSQL or UTF-8 cannot hold: NUL and lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def storable_text(text: str, longest: int | None = None) -> str:
    """The text, or its beginning, without what PostgreSQL or UTF-8 cannot hold."""
    return text[:longest].replace("\x00", "").encode(errors="replace").decode()


def rounded(value: Decimal) -> Decimal:
    """Two decimals, half away from zero: 12.345 -> 12.35. For display, never for sums."""
    return value.quantize(HUNDREDTH, rounding=ROUND_HALF_UP)


def plain(number: Decimal) -> str:
    """A number without needless zeros or exponents: 5.000000 -> 5, 1E+3 -> 1000."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def canonical(value: Any) -> str:
    """JSON that is the same text for the same value: keys sorted, no spaces, numbers of decimals
    as text without needless zeros, days as 2026-12-31. What is sealed is written so."""
    options = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATACLASS
    return orjson.dumps(value, default=_said, option=options).decode()


def digest_of(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hex."""
    return sha256(text.encode()).hexdigest()


def _said(value: object) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if is_dataclass(value):  # as a mapping: of a dataclass orjson would not sort the keys
        return {one.name: getattr(value, one.name) for one in fields(value)}
    raise TypeError(f"{type(value).__name__} has no canonical form")
