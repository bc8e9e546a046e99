"""SIASN's envelopes and its two forms of a date: shapes that public clients show.

`{code: 1, data}` is an answer; an empty list is HTTP 404 with `{code: 0, data: "Data tidak
ditemukan"}`; a failure may be HTTP 200 with code 0, or `{Error, Message}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, tzinfo

from ekinerja_connectors import JSON, Fatal, Malformed, Response, Retryable

__all__ = ["date_of", "instant_of", "rows_of", "text_of_instant"]

_INSTANT = "%Y-%m-%d %H:%M:%S"
_DATE = "%d-%m-%Y"


def rows_of(response: Response) -> Sequence[JSON]:
    """The rows of a list.

    Raises:
        Retryable: SIASN reports a failure of its own, or answers no JSON.
        AuthFailed, Fatal: another 4xx, or an answer of another shape.
    """
    if response.status == 404:
        return _rows_of_not_found(response)
    response.raise_for_status()
    body = response.json()
    if not isinstance(body, Mapping):
        raise Fatal(f"{response.url} answered no envelope; its shape has changed")
    if "Error" in body:
        raise Retryable(f"{response.url} failed: {str(body.get('Message', ''))[:200]}")
    if str(body.get("code")) != "1":
        said = body.get("message") or body.get("data") or "no cause given"
        raise Retryable(f"{response.url} answered code {body.get('code')}: {str(said)[:200]}")
    rows = body.get("data")
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise Fatal(f"{response.url} answered data that is no list; its shape has changed")
    return rows


def _rows_of_not_found(response: Response) -> Sequence[JSON]:
    """A 404 in SIASN's own envelope is an empty list; any other one is a wrong path."""
    try:
        body = response.json()
    except Retryable:
        body = None
    if isinstance(body, Mapping) and str(body.get("code")) == "0":
        return ()
    raise Fatal(f"{response.url} is not there: check api_url and assumptions.path")


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
    """`dd-mm-yyyy`. Raises: Malformed."""
    try:
        return datetime.strptime(str(value), _DATE).date()  # noqa: DTZ007 - a date has no zone
    except ValueError as error:
        raise Malformed(f"a date must be DD-MM-YYYY, not {str(value)[:40]}") from error
