"""One field of a record of SIASN: names in mixed case, numbers as text, blanks, three dates.

Each irregularity stands here once, so that the modules which give a record its meaning do not
know of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo
from decimal import Decimal, InvalidOperation

from ekinerja_connectors import JSON, Malformed

__all__ = ["date_of", "documents_of", "instant_of", "text_of", "text_of_instant", "whole_of"]

_INSTANT = "%Y-%m-%d %H:%M:%S"
#: dd-mm-yyyy in fields of persons and decrees; the two others in lists and parameters.
_DATES = ("%d-%m-%Y", "%Y-%m-%d", _INSTANT)


def field_of(row: Mapping[str, JSON], *names: str) -> JSON:
    """The first of the fields `names` that is not blank, in whatever case it is spelt.

    SIASN writes `perilakuKerjaNilai` in one list and `PerilakuKerjaNilai` in another, and
    `koefisenId` where it reads what it takes as `koefisienId`.
    """
    folded = {name.casefold(): value for name, value in row.items()}
    for name in names:
        value = row.get(name, folded.get(name.casefold()))
        if value is not None and value != "":
            return value
    return None


def text_of(row: Mapping[str, JSON], *names: str) -> str:
    """That field as text, without spaces around it; empty where it is blank. 2.0 becomes "2"."""
    value = field_of(row, *names)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, Mapping | list):
        return ""
    return str(value).strip()


def whole_of(row: Mapping[str, JSON], *names: str) -> int | None:
    """That field as a whole number, from 2, 2.0, "2" or "2.00"; None where it is none."""
    value = field_of(row, *names)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == int(number) else None


def documents_of(row: Mapping[str, JSON]) -> tuple[str, ...]:
    """Where the documents of a record lie: of `path` as object by document code, list or null."""
    value = field_of(row, "path")
    entries: Sequence[JSON] = ()
    if isinstance(value, Mapping):
        entries = tuple(value.values())
    elif isinstance(value, list):
        entries = value
    found = (text_of(one, "dok_uri") for one in entries if isinstance(one, Mapping))
    return tuple(one for one in found if one)


def instant_of(value: JSON, zone: tzinfo) -> datetime:
    """`Y-m-d H:i:s` in `zone`, aware. Raises: Malformed."""
    try:
        return datetime.strptime(str(value), _INSTANT).replace(tzinfo=zone)
    except ValueError as error:
        raise Malformed(f"waktu must be YYYY-MM-DD HH:MM:SS, not {str(value)[:40]}") from error


def text_of_instant(value: datetime, zone: tzinfo) -> str:
    """An aware instant as SIASN writes it."""
    return value.astimezone(zone).strftime(_INSTANT)


def date_of(value: JSON) -> date:
    """A day in one of SIASN's three forms; 03-02-2026 is the third of February.

    Raises:
        Malformed: it is none of them.
    """
    for form in _DATES:
        try:
            return datetime.strptime(str(value).strip(), form).date()  # noqa: DTZ007 - a day
        except ValueError:
            continue
    raise Malformed(f"a date must be DD-MM-YYYY, not {str(value)[:40]}")
