"""Item and Page: what a service said, in its own words, before anybody translates it."""

from __future__ import annotations

from dataclasses import dataclass

from .activity import JSON, MAX_SOURCE_ID, checked_text

__all__ = ["Item", "Page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that the service said, in its own words.

    `source_id` is the service's name for it: at most 200 characters, the same each time the
    same thing is read, and never used for another. The host keeps each source_id once.

    Raises:
        Malformed: the source_id cannot be taken.
    """

    source_id: str
    payload: JSON

    def __post_init__(self) -> None:
        checked_text("source_id", self.source_id, MAX_SOURCE_ID)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one `fetch` gave: items, where the next one begins, and whether to go on at once.

    `next_cursor` is kept by the host in the transaction that keeps the items, and handed back
    unread; None begins anew. `more` is false when the service has nothing further for now.
    """

    items: tuple[Item, ...]
    next_cursor: str | None
    more: bool
