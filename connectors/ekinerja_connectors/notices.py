"""Notice and Delivered: words on their way to one person, and what became of them.

Who is told what, when and how often is the host's business; here is only how it is carried.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from .activity import JSON, checked_nip, checked_text
from .errors import Fatal, Malformed, Retryable
from .pauses import MAX_RETRY_AFTER

__all__ = [
    "Arrivals",
    "Delivered",
    "DeliveryState",
    "Notice",
    "Recipient",
    "checked_answers",
    "in_turn",
]

#: What a call of many notices may take, so that the host need not cut it off.
PATIENCE = timedelta(seconds=40)
MAX_ID = 100  # characters
MAX_NAME = 500
MAX_ADDRESS = 254
MAX_SUBJECT = 200
MAX_BODY = 20_000
MAX_DETAIL = 500
#: Failures of the service, not of a notice, after which the rest is left for later.
IN_A_ROW = 2
#: Arrivals that one process remembers.
MOST_KNOWN = 10_000
#: What would begin a line or a header of its own, or is invisible in one.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}", re.ASCII)


def _checked_line(name: str, value: object, longest: int) -> None:
    if _CONTROL.search(checked_text(name, value, longest)):
        raise Malformed(f"{name} must be one line without control characters")


class DeliveryState(StrEnum):
    """What became of one notice: it arrived, may arrive later, or never will on this channel."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Whom a notice is for. `address` is what the agency knows of them, usually an e-mail's.

    A channel that needs an address refuses who has none; one that finds people by NIP need not.

    Raises: Malformed.
    """

    name: str
    nip: str
    address: str | None = None

    def __post_init__(self) -> None:
        _checked_line("name", self.name, MAX_NAME)
        checked_nip(self.nip)
        if self.address is not None:
            _checked_line("address", self.address, MAX_ADDRESS)
            if any(one.isspace() for one in self.address):
                raise Malformed("address must hold no space")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one person is told. `id` is the host's, the same each time that it is sent.

    `kind` is `digest` (a superior's, of the team) or `nudge` (somebody's own day); there may be
    more later. `subject` is one line, `body` plain text of several. `day` is the recipient's, of
    which it tells. `facts` are the figures that the words were made of.

    Raises: Malformed.
    """

    id: str
    kind: str
    to: Recipient
    subject: str
    body: str
    day: date
    facts: Mapping[str, JSON] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _checked_line("id", self.id, MAX_ID)
        if not isinstance(self.kind, str) or not _KIND.fullmatch(self.kind):
            raise Malformed("kind must be a slug: a-z, then a-z, 0-9 or _, at most 40 characters")
        if not isinstance(self.to, Recipient):
            raise Malformed("to must be a Recipient")
        _checked_line("subject", self.subject, MAX_SUBJECT)
        checked_text("body", self.body, MAX_BODY)
        if type(self.day) is not date:
            raise Malformed("day must be a date")
        if not isinstance(self.facts, Mapping):
            raise Malformed("facts must be an object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """What became of the notice `id`. All but a delivery says why, without any address.

    `retry_after` is the least pause that the service asked for, at most a day. Make it with
    `arrived`, `retry` or `refused`.

    Raises: Malformed.
    """

    id: str
    state: DeliveryState
    detail: str | None = None
    retry_after: timedelta | None = None

    def __post_init__(self) -> None:
        checked_text("id", self.id, MAX_ID)
        if not isinstance(self.state, DeliveryState):
            raise Malformed("state must be a DeliveryState")
        if self.detail is not None:
            checked_text("detail", self.detail, MAX_DETAIL)
        elif self.state is not DeliveryState.DELIVERED:
            raise Malformed(f"notice {self.id} is {self.state} without a reason")
        if self.retry_after is not None:
            if not isinstance(self.retry_after, timedelta) or self.retry_after < timedelta(0):
                raise Malformed("retry_after must be a time from now on")
            if self.state is not DeliveryState.RETRY:
                raise Malformed("retry_after goes with retry only")

    @classmethod
    def arrived(cls, notice: Notice) -> Delivered:
        """The service took it."""
        return cls(id=notice.id, state=DeliveryState.DELIVERED)

    @classmethod
    def retry(cls, notice: Notice, why: str, after: timedelta | None = None) -> Delivered:
        """It was not taken and may be later; also what may have arrived and nobody knows."""
        pause = None if after is None else min(max(after, timedelta(0)), MAX_RETRY_AFTER)
        return cls(id=notice.id, state=DeliveryState.RETRY, detail=_short(why), retry_after=pause)

    @classmethod
    def refused(cls, notice: Notice, why: str) -> Delivered:
        """It will never be taken: repeating gives the same answer."""
        return cls(id=notice.id, state=DeliveryState.REFUSED, detail=_short(why))


def _short(why: str) -> str:
    """A reason as one storable line."""
    line = " ".join(_CONTROL.sub(" ", why).encode("utf-8", "replace").decode().split())
    return line[:MAX_DETAIL] or "no reason was given"


async def in_turn(
    notices: Sequence[Notice],
    carry: Callable[[Notice], Awaitable[Delivered]],
    *,
    within: timedelta = PATIENCE,
) -> list[Delivered]:
    """One answer for each notice, carried one after another.

    `carry` answers for one notice. Where it raises Retryable, that one is a retry; those behind
    it are too, unasked, if the service asked for a pause, if it was the second in a row, or once
    `within` is over. So one notice that the service stumbles over holds up no others.

    Raises:
        Retryable, Fatal: what `carry` raised, where nothing has arrived.
    """
    answers: list[Delivered] = []
    stop: Retryable | Fatal | None = None
    failures = 0
    try:
        async with asyncio.timeout(within.total_seconds()):
            for one in notices:
                try:
                    answers.append(await carry(one))
                    failures = 0
                except Retryable as error:
                    answers.append(Delivered.retry(one, str(error), error.retry_after))
                    stop, failures = error, failures + 1
                    if error.retry_after is not None or failures == IN_A_ROW:
                        break
    except TimeoutError:
        stop = Retryable(f"the service was too slow: {within.total_seconds():g} s were over")
    except Fatal as error:
        stop = error
    if stop is not None and all(one.state is DeliveryState.RETRY for one in answers):
        raise stop
    pause = stop.retry_after if isinstance(stop, Retryable) else None
    left = notices[len(answers) :]
    return answers + [Delivered.retry(one, str(stop), pause) for one in left]


class Arrivals:
    """Which notices arrived while this process lived, so that none is carried twice by it.

    What a process that died had delivered is not known here: a channel names a notice by its id
    over there as well, where the service can tell a repeat.
    """

    def __init__(self) -> None:
        self._known: dict[str, None] = {}

    def parted(self, notices: Sequence[Notice]) -> tuple[tuple[Notice, ...], list[Delivered]]:
        """Those still to be carried, and the answers about those that already arrived."""
        known = [Delivered.arrived(one) for one in notices if one.id in self._known]
        return tuple(one for one in notices if one.id not in self._known), known

    def noted(self, answers: Sequence[Delivered]) -> Sequence[Delivered]:
        """The answers as they are, remembered; the oldest are forgotten."""
        for one in answers:
            if one.state is DeliveryState.DELIVERED:
                self._known[one.id] = None
        for old in list(self._known)[: max(0, len(self._known) - MOST_KNOWN)]:
            del self._known[old]
        return answers


def checked_answers(
    notices: Sequence[Notice], answers: Collection[Delivered]
) -> tuple[Delivered, ...]:
    """The answers in the order of the notices.

    Raises:
        Malformed: a notice has no answer or two, or an answer is about something else.
    """
    found: dict[str, Delivered] = {}
    for one in answers:
        if not isinstance(one, Delivered):
            raise Malformed(f"an answer is a {type(one).__name__} and no Delivered")
        if one.id in found:
            raise Malformed(f"notice {one.id} has two answers")
        found[one.id] = one
    missing = [one.id for one in notices if one.id not in found]
    if missing:
        raise Malformed(f"{len(missing)} notices have no answer: {', '.join(missing)[:200]}")
    if len(found) > len(notices):
        raise Malformed("it answered about notices that nobody gave")
    return tuple(found[one.id] for one in notices)
