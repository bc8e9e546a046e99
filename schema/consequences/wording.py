"""Words of breakdowns, in Indonesian as the law has them, and numbers as they are read there."""

from collections.abc import Mapping
from decimal import Decimal

from schema.appraisals.models import Predicate
from schema.consequences.models import Employment
from schema.values import plain

PREDICATES: Mapping[Predicate, str] = {
    Predicate.EXCELLENT: "Sangat Baik",
    Predicate.GOOD: "Baik",
    Predicate.NEEDS_IMPROVEMENT: "Butuh Perbaikan",
    Predicate.POOR: "Kurang",
    Predicate.VERY_POOR: "Sangat Kurang",
}
EMPLOYMENTS: Mapping[Employment, str] = {
    Employment.PNS: "PNS",
    Employment.CPNS: "CPNS",
    Employment.PPPK: "PPPK",
    Employment.PPPK_PART_TIME: "PPPK paruh waktu",
}
NEEDS: Mapping[str, str] = {
    "RESULT": "hasil kerja di bawah ekspektasi",
    "BEHAVIOUR": "perilaku di bawah ekspektasi",
    "FEEDBACK": "umpan balik rendah",
}


def number(value: Decimal) -> str:
    """A number as Indonesians write it: 5000000 -> 5.000.000, 12.5 -> 12,5."""
    whole, _, decimals = plain(value).partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    sign = "-" if whole.startswith("-") and grouped[0] != "-" else ""
    return f"{sign}{grouped},{decimals}" if decimals else f"{sign}{grouped}"
