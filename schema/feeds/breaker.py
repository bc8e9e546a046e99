"""The circuit breaker of an installation: whether its service is asked, and how soon again.

Values in, values out. A house rule: five failures in a row open it; while it is open there is one
probe in 30 seconds at most; two probes that go well, one after the other, close it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from schema.feeds.models import BreakerState

OPENS_AFTER = 5
"""Failures in a row."""
PROBE_EVERY = timedelta(seconds=30)
"""The shortest pause while it is not closed, whatever anybody asks for."""
LONGEST_PROBE = timedelta(minutes=5)
"""The longest, unless the service asked for more: so soon a recovery is noticed."""
LONGEST_ASKED = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaker:
    """Its state, the failures in a row until now, and when it was opened last."""

    state: BreakerState = BreakerState.CLOSED
    failures: int = 0
    opened_at: datetime | None = None


def after_failure(breaker: Breaker, now: datetime) -> Breaker:
    """The service was not reached, or the plugin's process died."""
    failures = breaker.failures + 1
    match breaker.state:
        case BreakerState.CLOSED if failures < OPENS_AFTER:
            return replace(breaker, failures=failures)
        case BreakerState.OPEN:
            return replace(breaker, failures=failures)
        case _:  # the fifth in a row, or the first after a probe that went well
            return Breaker(state=BreakerState.OPEN, failures=failures, opened_at=now)


def after_success(breaker: Breaker) -> Breaker:
    """The service answered as it should: from open to half open, from half open to closed."""
    half = breaker.state is BreakerState.OPEN
    state = BreakerState.HALF_OPEN if half else BreakerState.CLOSED
    return Breaker(state=state, failures=0, opened_at=breaker.opened_at)


def pause_after_failure(
    breaker: Breaker, backoff: timedelta, asked: timedelta | None = None
) -> timedelta:
    """How long nothing is asked: `backoff` while it is closed, else between probes.

    Never shorter than what the service `asked` for, up to a day.
    """
    if breaker.state is not BreakerState.CLOSED:
        backoff = min(max(backoff, PROBE_EVERY), LONGEST_PROBE)
    return max(backoff, min(asked or timedelta(0), LONGEST_ASKED))
