"""SIASN's envelopes: shapes that public clients show.

`{code: 1, data}` is an answer, a list may tell its length in `count`; nothing found is HTTP 404
with `{code: 0, data: "Data tidak ditemukan"}`; a failure may be HTTP 200 with code 0, or
`{Error, Message}`. What a save answers belongs to `saves`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ekinerja_connectors import JSON, Fatal, Response, Retryable

from .fields import text_of, whole_of

__all__ = ["Listing", "listing_of", "object_of", "record_of", "rows_of"]


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list, and how many rows the whole list has, where that is told."""

    rows: Sequence[JSON]
    count: int | None


def rows_of(response: Response) -> Sequence[JSON]:
    """The rows of a list; none where SIASN found nothing. Raises: see `listing_of`."""
    return listing_of(response).rows


def listing_of(response: Response) -> Listing:
    """The rows of a list and its length.

    Raises:
        Retryable: SIASN reports a failure of its own, or answers no JSON.
        AuthFailed, Fatal: another 4xx, or an answer of another shape.
    """
    body = _answer_of(response)
    if body is None:
        return Listing((), 0)
    rows = body.get("data")
    if isinstance(rows, str) or not isinstance(rows, Sequence):
        raise Fatal(f"{response.url} answered data that is no list; its shape has changed")
    return Listing(rows, whole_of(body, "count"))


def record_of(response: Response) -> Mapping[str, JSON] | None:
    """The one record that was asked for; None where SIASN found none. Raises: as `listing_of`."""
    body = _answer_of(response)
    if body is None:
        return None
    record = body.get("data")
    if not isinstance(record, Mapping):
        raise Fatal(f"{response.url} answered data that is no object; its shape has changed")
    return record


def object_of(response: Response) -> Mapping[str, JSON]:
    """The body as an object. Raises: Retryable when it is no JSON, Fatal when it is no object."""
    body = response.json()
    if not isinstance(body, Mapping):
        raise Fatal(f"{response.url} answered no envelope; its shape has changed")
    return body


def _answer_of(response: Response) -> Mapping[str, JSON] | None:
    """The envelope of something found; None when nothing was."""
    if response.status == 404:
        _check_not_found(response)
        return None
    response.raise_for_status()
    body = object_of(response)
    if "Error" in body:
        raise Retryable(f"{response.url} failed: {text_of(body, 'Message')[:200]}")
    if whole_of(body, "code") != 1:
        said = text_of(body, "message", "data") or "no cause given"
        raise Retryable(f"{response.url} answered code {body.get('code')}: {said[:200]}")
    return body


def _check_not_found(response: Response) -> None:
    """A 404 in SIASN's own envelope means that nothing was found; any other is a wrong path."""
    try:
        body = response.json()
    except Retryable:
        body = None
    if not (isinstance(body, Mapping) and whole_of(body, "code") == 0):
        raise Fatal(f"{response.url} is not there: check api_url and assumptions.path")
