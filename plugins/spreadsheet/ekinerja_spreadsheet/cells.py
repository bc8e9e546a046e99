"""What single cells of the bulk sheet mean. Pure; each refusal says what to write instead."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from urllib.parse import urlsplit

from ekinerja_connectors import Evidence, Malformed
from ekinerja_connectors.moments import time_of

__all__ = ["end_of", "evidence_of", "nip_of", "quantity_of"]

_DAMAGED = re.compile(r"[0-9][.,]?[0-9]*E\+?[0-9]+", re.IGNORECASE | re.ASCII)
_NIP = re.compile(r"[0-9]{18}", re.ASCII)
_PLAIN = re.compile(r"[0-9]+", re.ASCII)
_POINT = re.compile(r"[0-9]+\.(?:[0-9]{1,2}|[0-9]{4,6})", re.ASCII)
_COMMA = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:\.[0-9]{3})+),[0-9]+", re.ASCII)
_THOUSANDS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3}){2,}", re.ASCII)
_MIDNIGHT = {"24.00", "24:00", "24:00:00", "1 day, 0:00:00"}


def nip_of(text: str) -> str:
    """The 18 digits, without the apostrophe and spaces with which people keep them text.

    Raises:
        Malformed: there are not 18 digits, or a spreadsheet has turned them into a number.
    """
    if _DAMAGED.fullmatch(text):
        raise Malformed(
            f"the spreadsheet has made a number of the NIP ({text}) and lost its last digits: "
            "format the column as text and type it anew"
        )
    digits = re.sub(r"\s", "", text.removeprefix("'"))
    if not _NIP.fullmatch(digits):
        raise Malformed("the NIP must be 18 digits")
    return digits


def end_of(text: str, day: date, begin: time, zone: timezone) -> datetime:
    """When the work of `day` ended; 24.00, or 00.00 after a later beginning, is its midnight.

    Raises:
        Malformed: it is no time, or lies before the beginning.
    """
    end = time() if text in _MIDNIGHT else time_of(text)
    if end == time() and (begin != time() or text in _MIDNIGHT):
        try:
            return datetime.combine(day + timedelta(days=1), end, zone)
        except OverflowError as error:
            raise Malformed("the calendar ends there") from error
    if end < begin:
        raise Malformed(
            f"it lies before the beginning at {begin:%H.%M}: write work past midnight in two "
            "rows, the first until 24.00"
        )
    return datetime.combine(day, end, zone)


def quantity_of(text: str) -> Decimal:
    """3, 1,5 or 1.5, and 1.000,5 or 1.000.000 as Indonesia writes them.

    Raises:
        Malformed: it is no number, or 1.000, which may be one or a thousand.
    """
    if _PLAIN.fullmatch(text) or _POINT.fullmatch(text):
        return Decimal(text)
    if _COMMA.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    if re.fullmatch(r"[0-9]{1,3}\.[0-9]{3}", text, re.ASCII):
        raise Malformed(f"{text} may be one or a thousand: write 1 or 1000, without the point")
    raise Malformed(f"{text[:40]!r} is no number: write it like 3 or 1,5")


def evidence_of(text: str) -> tuple[Evidence, ...]:
    """The links in a cell, parted by spaces, lines or semicolons.

    Raises:
        Malformed: one of them is no http(s) address.
    """
    found = []
    for link in re.split(r"[\s;]+", text):
        if not link:
            continue
        if not link.startswith(("http://", "https://")):
            raise Malformed(f"{link[:60]!r} is no link: it must begin with https://")
        found.append(Evidence(title=_title_of(link), url=link))
    return tuple(found)


def _title_of(link: str) -> str:
    try:
        return f"Bukti dukung di {urlsplit(link).hostname}"[:500]
    except ValueError as error:
        raise Malformed(f"{link[:60]!r} is no link: {error}") from error
