"""Pure rules of results on their way to other services: how one goes on after an answer.

A result has no last day: it is tried for a weekend, and what is wrong with its connector rather
than with itself counts as no attempt.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from schema.appraisals.models import SendingState
from schema.values import storable_text

MOST_ATTEMPTS = 20
"""How often one result is tried: with the pauses below over 34 to 68 hours (a house rule)."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
LONGEST_WISH = timedelta(hours=24)
"""The longest pause that a service may ask for."""
LONGEST_MESSAGE = 2_000
LONGEST_REFERENCE = 200
NO_APPRAISER = (
    "nobody appraises this post, and the service asks for an appraiser: enter the result there "
    "by hand"
)
NO_POST = "the appraiser held no post by the last day of the appraisal: give them one, then resend"
DIED = f"given up: the worker died {MOST_ATTEMPTS} times while it was sent"


class Outcome(StrEnum):
    """What an attempt to send a result came to."""

    RECEIVED = "received"
    RETRY = "retry"
    """It may go well later."""
    REFUSED = "refused"
    """The service, or we ourselves, cannot take what is in it."""
    UNKNOWN = "unknown"
    """The service answers what the plugin does not know; so it may to every other one."""
    SKIPPED = "skipped"
    """The service takes no results of this kind."""
    HELD = "held"
    """Nothing of this connector can be sent before somebody has looked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of one; `again_after` is what the service asked for, `reference` and `at` are
    its receipt."""

    outcome: Outcome
    message: str | None = None
    again_after: timedelta | None = None
    reference: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How a delivery goes on; `before` are its attempts as they were taken."""

    id: UUID
    before: int
    after: int
    state: SendingState
    retry_at: datetime | None = None
    received_at: datetime | None = None
    reference: str | None = None
    message: str | None = None


def pause_after(attempts: int, spread: float) -> timedelta:
    """How long a result is not tried again after so many attempts: 1, 2, 4 ... 256 minutes, then 6
    hours, of which a share of a half and more by `spread` (0 to 1, random)."""
    whole = min(FIRST_PAUSE * (1 << min(attempts - 1, 20)), LONGEST_PAUSE)
    return whole * (0.5 + spread / 2)


def after_answer(id: UUID, attempts: int, answer: Answer, now: datetime, spread: float) -> Fate:
    """How a delivery goes on; `attempts` counts the one that was answered."""
    words = answer.message and storable_text(answer.message, LONGEST_MESSAGE)
    failed = Fate(
        id=id, before=attempts, after=attempts, state=SendingState.FAILED, message=words or "-"
    )
    match answer.outcome:
        case Outcome.RECEIVED:
            return replace(
                failed,
                state=SendingState.RECEIVED,
                received_at=answer.at or now,
                reference=storable_text(answer.reference or "-", LONGEST_REFERENCE),
                message=words,
            )
        case Outcome.SKIPPED:
            return replace(failed, state=SendingState.SKIPPED)
        case Outcome.HELD:
            return replace(failed, state=SendingState.WAITING, after=attempts - 1, retry_at=now)
        case Outcome.RETRY if attempts < MOST_ATTEMPTS:
            wish = min(answer.again_after or timedelta(0), LONGEST_WISH)
            due = now + max(pause_after(attempts, spread), wish)
            return replace(failed, state=SendingState.WAITING, retry_at=due)
        case Outcome.RETRY:
            last = f"given up after {attempts} attempts, the last: {words or '-'}"
            return replace(failed, message=last[:LONGEST_MESSAGE])
        case Outcome.REFUSED | Outcome.UNKNOWN:
            return failed


def released(id: UUID, attempts: int, now: datetime) -> Fate:
    """A delivery that was taken and not tried: as if it had not been taken."""
    return after_answer(id, attempts, Answer(outcome=Outcome.HELD), now, 0)
