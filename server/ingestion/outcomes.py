"""What asking a plugin about an inbox item may give, and how a run of failures halts an intake.

Pure: values in, values out. Asking is in `asking`, what follows from an outcome in `following`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ekinerja_connectors import (
    Activity,
    AuthFailed,
    ConnectorError,
    FileReading,
    InvalidSettings,
    Item,
    Presence,
    Retryable,
    Skippable,
    Statement,
)

from schema.errors import DomainError
from schema.feeds.inbox import Waiting
from schema.feeds.models import DeadLetterCause
from schema.progress.intake import check_activity
from schema.progress.rules import span_of
from schema.values import CAPITAL_TIMEZONE
from server.ingestion.plugins import PluginBroken, PluginForged

MOST_ATTEMPTS = 3
"""An item on which its plugin failed so often is given up, so that it holds up no others."""
LONGEST_RUN = 20
"""So many items in a row that cannot be read, and none that can, halt the intake."""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Nothing can become of it, and why."""

    cause: DeadLetterCause
    detail: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The plugin failed; another attempt may go well."""

    detail: str


@dataclass(frozen=True, slots=True)
class Split:
    """A delivery was these items. Each with what it states, or None: it waits by itself."""

    items: tuple[Item, ...]
    outcomes: "tuple[Statement | GivenUp | None, ...]"


@dataclass(frozen=True, slots=True)
class Rows:
    """A file holds these; `name` is that of the file, which its refused rows are named by."""

    name: str
    reading: FileReading


Outcome = Statement | GivenUp | Failed | Split | Rows
Asked = tuple[Waiting, Outcome]


def outcome_of(
    answer: Statement | Exception, source_id: str, now: datetime
) -> Statement | GivenUp | Failed:
    """What an answer of a plugin about one item amounts to.

    Raises:
        AuthFailed, InvalidSettings: nothing of this installation can work now.
    """
    if isinstance(answer, (AuthFailed, InvalidSettings)):
        raise answer
    if isinstance(answer, Skippable):
        return GivenUp(DeadLetterCause.NOT_AN_ACTIVITY, str(answer))
    if isinstance(answer, PluginForged):
        return GivenUp(DeadLetterCause.FORGED, str(answer))
    if isinstance(answer, (Retryable, PluginBroken)):
        return Failed(str(answer))
    if isinstance(answer, ConnectorError):
        return GivenUp(DeadLetterCause.UNTRANSLATABLE, str(answer))
    if isinstance(answer, Exception):
        return Failed(f"internal: {type(answer).__name__}")
    if answer.source_id != source_id:
        detail = f"{source_id}: its plugin answered about {answer.source_id}"
        return GivenUp(DeadLetterCause.FORGED, detail)
    try:
        if isinstance(answer, Activity):
            check_activity(answer, now)
        elif isinstance(answer, Presence):
            span_of(answer.at, answer.at, CAPITAL_TIMEZONE, now)
    except DomainError as error:
        return GivenUp(DeadLetterCause.UNTRANSLATABLE, f"{error.code}: {error}")
    return answer


def worn_out(item: Waiting, outcome: Outcome) -> Outcome:
    """A failure that is the last which the item may have gives it up."""
    if isinstance(outcome, Failed) and item.attempts + 1 >= MOST_ATTEMPTS:
        detail = f"failed {MOST_ATTEMPTS} times, last: {outcome.detail}"
        return GivenUp(DeadLetterCause.UNTRANSLATABLE, detail)
    return outcome


def judged(run: int, batch: Sequence[Asked]) -> tuple[int, list[Asked], bool]:
    """The run of items that could not be read, what of the batch is done, whether it halts.

    A batch with an item that could be read breaks the run. Where `run` comes to the longest with
    this one, only what made it so long is given up; all behind it waits, untouched.
    """
    verdicts = [verdict for _, outcome in batch for verdict in _verdicts(outcome)]
    if True in verdicts:
        tail = verdicts[len(verdicts) - verdicts[::-1].index(True) :]
        return tail.count(False), list(batch), False
    if run + verdicts.count(False) < LONGEST_RUN:
        return run + verdicts.count(False), list(batch), False
    return 0, list(_first(batch, LONGEST_RUN - run)), True


def _verdicts(outcome: Outcome) -> Iterator[bool | None]:
    """Whether items could be read; None where that is not known yet."""
    if isinstance(outcome, Split):
        for one in outcome.outcomes:
            yield None if one is None else _could_be_read(one)
    elif isinstance(outcome, Failed):
        yield None
    elif isinstance(outcome, Rows):
        yield True if outcome.reading.items else None
    else:
        yield _could_be_read(outcome)


def _could_be_read(outcome: Statement | GivenUp) -> bool:
    return not isinstance(outcome, GivenUp) or outcome.cause is DeadLetterCause.NOT_AN_ACTIVITY


def _first(batch: Sequence[Asked], unreadable: int) -> Iterator[Asked]:
    """The beginning of a batch, up to so many that cannot be read."""
    left = unreadable
    for item, outcome in batch:
        if left <= 0:
            return
        if not isinstance(outcome, Split):
            left -= list(_verdicts(outcome)).count(False)
            yield item, outcome
            continue
        done = outcome.outcomes[:left]  # of a batch that halts, each known one is unreadable
        waiting = (None,) * (len(outcome.outcomes) - len(done))
        left -= sum(one is not None for one in done)
        yield item, replace(outcome, outcomes=(*done, *waiting))
