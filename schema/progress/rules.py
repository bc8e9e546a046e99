"""Pure rules of progress records: times, text, evidence, amounts, and who waits for what."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from schema.errors import DomainError, ErrorCode
from schema.progress.models import RecordState
from schema.values import local_date

LONGEST_RECORD = timedelta(hours=24)
EARLIEST_YEAR = 2000
"""Work dated before it is a slip (a house rule)."""
CLOCK_TOLERANCE = timedelta(minutes=5)
"""How far ahead of us a client's clock may run (a house rule)."""
LONGEST_TEXT = 2_000
LONGEST_LINK = 2_000
LONGEST_CATEGORY = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """When a record took place. `day` is the working day of its start, in local time."""

    starts_at: datetime
    ends_at: datetime
    day: date

    @property
    def minutes(self) -> int:
        """Whole minutes; an instant has none."""
        return int((self.ends_at - self.starts_at) // timedelta(minutes=1))


@dataclass(frozen=True, slots=True)
class Proof:
    """Evidence of a record (*bukti dukung*): a title and an http(s) link."""

    title: str
    url: str


def span_of(starts_at: datetime, ends_at: datetime, timezone: str, now: datetime) -> Span:
    """A possible span; it may end past midnight, and stays on the day of its start.

    Raises:
        DomainError: it begins before 2000, ends before it starts, lasts over 24 hours, or lies
            in the future.
    """
    if starts_at.year < EARLIEST_YEAR:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT, field="startsAt", detail=f"startsAt < {EARLIEST_YEAR}"
        )
    if ends_at < starts_at:
        raise DomainError(ErrorCode.ENDS_BEFORE_START, field="endsAt")
    if ends_at - starts_at > LONGEST_RECORD:
        raise DomainError(ErrorCode.TOO_LONG, field="endsAt")
    if ends_at > now + CLOCK_TOLERANCE:
        raise DomainError(ErrorCode.IN_THE_FUTURE, field="endsAt")
    return Span(starts_at=starts_at, ends_at=ends_at, day=local_date(starts_at, timezone))


def text_of(text: str | None, *, missing: ErrorCode, field: str) -> str:
    """A text that says something and fits.

    Raises:
        DomainError: it is blank (with the code `missing`) or too long.
    """
    stripped = (text or "").strip()
    if not stripped:
        raise DomainError(missing, field=field)
    if len(stripped) > LONGEST_TEXT:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field=field, limit=LONGEST_TEXT)
    return stripped


def check_category(category: str | None) -> None:
    """Raises:
    DomainError: longer than 120 characters.
    """
    if category is not None and len(category) > LONGEST_CATEGORY:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field="category", limit=LONGEST_CATEGORY)


def check_proof(proof: Iterable[Proof]) -> None:
    """Raises:
    DomainError: a title is blank, or a link is not http(s) with a host.
    """
    for item in proof:
        link = _split(item.url)
        named = 0 < len(item.title.strip()) <= LONGEST_TEXT
        if not (named and link and len(item.url) <= LONGEST_LINK):
            raise DomainError(ErrorCode.EVIDENCE_INVALID, field="evidence")


def _split(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return False


def check_state(state: RecordState, needed: Sequence[RecordState]) -> None:
    """Raises:
    DomainError: the record is not in one of the states that the step starts from.
    """
    if state not in needed:
        raise DomainError(ErrorCode.WRONG_STATE, state=state, needed=" / ".join(needed))


class DayStatus(StrEnum):
    """How a day stands against what it asks for."""

    DAY_OFF = "DAY_OFF"
    NOT_FILLED = "NOT_FILLED"
    SHORT = "SHORT"
    COMPLETE = "COMPLETE"


def day_status(required_minutes: int, recorded_minutes: int) -> DayStatus:
    """450 asked for: 0 -> NOT_FILLED, 449 -> SHORT, 450 -> COMPLETE. 0 asked for, 0 -> DAY_OFF."""
    if recorded_minutes >= required_minutes:
        return DayStatus.DAY_OFF if recorded_minutes == 0 else DayStatus.COMPLETE
    return DayStatus.NOT_FILLED if recorded_minutes == 0 else DayStatus.SHORT
