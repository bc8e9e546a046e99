"""What the cursor remembers of each calendar: what was given, and when to look again.

iCalendar says what is there now. What is new, what changed and what was taken back shows only
beside what was given before, which is why the cursor holds the names of it, for as long as a
meeting lies in the window.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ekinerja_connectors import JSON, InvalidCursor, Item

from .meetings import Meeting

__all__ = ["Cursor", "Known", "Memory", "compare", "name_of", "retraction_of"]

VERSION = 1


def name_of(nip: str, key: str, revision: str, times: int = 0) -> str:
    """The source_id of a meeting of one person: its instance and what it says.

    `times` is how often exactly that was taken back before: a meeting that is called off and then
    takes place after all is a new item.
    """
    return f"{nip}#{key}#{revision}" + (f"#{times}" if times else "")


def retraction_of(taken_back: str, at: datetime, reason: str) -> Item:
    """The item that takes a meeting back."""
    payload: JSON = {"retracts": taken_back, "at": at.isoformat(), "reason": reason}
    return Item(source_id=f"batal#{taken_back}", payload=payload)


@dataclass(slots=True)
class Known:
    """What was given of one instance: the revision that holds (or none), and when it ended.

    `retracted` counts how often each revision was taken back.
    """

    revision: str | None
    ends_at: int  # seconds since 1970
    retracted: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Memory:
    """One calendar: when it was read, until when an unchanged one needs no reading, what is known.

    `failed` is whether its last reading failed.
    """

    read_at: int = 0
    token: str | None = None
    next_end: int = 0
    failed: bool = False
    known: dict[str, Known] = field(default_factory=dict)

    def forget(self, since: datetime) -> None:
        """Drop what ended before `since`: it has left the window, and is not taken back."""
        moment = since.timestamp()
        self.known = {key: one for key, one in self.known.items() if one.ends_at > moment}


@dataclass(slots=True)
class Cursor:
    """The memories of all calendars, by NIP."""

    memories: dict[str, Memory]

    @classmethod
    def read(cls, text: str | None, nips: Collection[str]) -> Cursor:
        """The cursor that `text` is, with a memory for each of `nips` and for nobody else.

        Raises:
            InvalidCursor: it is no cursor of this connector.
        """
        if text is None:
            return cls(memories={nip: Memory() for nip in nips})
        try:
            found: Any = json.loads(text)
            if found["version"] != VERSION:
                raise InvalidCursor(f"the cursor has version {found['version']!r}; reset it")
            held = {nip: _memory(one) for nip, one in found["calendars"].items() if nip in nips}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidCursor("the cursor cannot be read; reset it") from error
        return cls(memories={nip: held.get(nip) or Memory() for nip in nips})

    def write(self) -> str:
        """The text by which `read` gives the same again."""
        calendars = {nip: _plain(one) for nip, one in self.memories.items()}
        return json.dumps({"version": VERSION, "calendars": calendars}, separators=(",", ":"))

    def due(self, now: datetime, minutes: int) -> list[str]:
        """The NIPs whose calendar is due, those first that waited longest.

        A reading in the future, after a clock was set back, does not count as one.
        """
        moment = int(now.timestamp())
        waiting = [
            (one.read_at, nip)
            for nip, one in self.memories.items()
            if not 0 <= moment - one.read_at < minutes * 60
        ]
        return [nip for _, nip in sorted(waiting, key=lambda one: one[0])]


def _memory(value: Mapping[str, Any]) -> Memory:
    return Memory(
        read_at=int(value["read_at"]),
        token=None if value["token"] is None else str(value["token"]),
        next_end=int(value["next_end"]),
        failed=bool(value["failed"]),
        known={
            str(key): Known(
                revision=revision and str(revision),
                ends_at=int(ends_at),
                retracted={str(name): int(count) for name, count in retracted.items()},
            )
            for key, (revision, ends_at, retracted) in value["known"].items()
        },
    )


def _plain(memory: Memory) -> dict[str, JSON]:
    return {
        "read_at": memory.read_at,
        "token": memory.token,
        "next_end": memory.next_end,
        "failed": memory.failed,
        "known": {
            key: [one.revision, one.ends_at, one.retracted] for key, one in memory.known.items()
        },
    }


def compare(
    nip: str, memory: Memory, held: Iterable[Meeting], now: datetime, most: int
) -> tuple[list[Item], bool]:
    """What to give, at most `most` items, and whether that is all; the memory learns it.

    `held` are the meetings that have ended by `now`. What was given and is not among them any
    more, or says something else now, is taken back.
    """
    known = memory.known
    present = {one.key: one for one in held}
    items: list[Item] = []
    for key, one in known.items():
        meeting = present.get(key)
        revision = one.revision
        if revision is None or (meeting is not None and meeting.revision == revision):
            continue
        if len(items) == most:
            return items, False
        reason = "Rapat dibatalkan atau dihapus" if meeting is None else "Rapat diubah"
        name = name_of(nip, key, revision, one.retracted.get(revision, 0))
        items.append(retraction_of(name, now, reason))
        one.retracted[revision] = one.retracted.get(revision, 0) + 1
        one.revision = None
    for meeting in sorted(present.values(), key=lambda one: (one.ends_at, one.key)):
        ended = int(meeting.ends_at.timestamp())
        one = known.get(meeting.key) or Known(revision=None, ends_at=ended)
        if one.revision == meeting.revision:
            continue
        if len(items) == most:
            return items, False
        name = name_of(nip, meeting.key, meeting.revision, one.retracted.get(meeting.revision, 0))
        items.append(Item(source_id=name, payload=meeting.payload))
        known[meeting.key] = Known(meeting.revision, ended, one.retracted)
    return items, True
