"""The circuit breaker's rules, as tables."""

from datetime import UTC, datetime, timedelta

import pytest

from schema.feeds.breaker import (
    LONGEST_ASKED,
    LONGEST_PROBE,
    PROBE_EVERY,
    Breaker,
    after_failure,
    after_success,
    pause_after_failure,
)
from schema.feeds.models import BreakerState

CLOSED, OPEN, HALF = BreakerState.CLOSED, BreakerState.OPEN, BreakerState.HALF_OPEN
EARLIER = datetime(2026, 3, 2, 8, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("state", "failures", "then", "opened_at"),
    [
        (CLOSED, 0, CLOSED, None),
        (CLOSED, 3, CLOSED, None),
        (CLOSED, 4, OPEN, NOW),  # the fifth in a row
        (CLOSED, 9, OPEN, NOW),
        (OPEN, 5, OPEN, EARLIER),  # it stays open since it was opened
        (HALF, 0, OPEN, NOW),  # one failure opens it again
    ],
)
def test_failure_opens_after_five_or_after_one_when_half_open(
    state: BreakerState, failures: int, then: BreakerState, opened_at: datetime | None
) -> None:
    before = None if state is CLOSED else EARLIER
    breaker = Breaker(state=state, failures=failures, opened_at=before)

    after = after_failure(breaker, NOW)

    assert after == Breaker(state=then, failures=failures + 1, opened_at=opened_at)


def test_two_successes_in_a_row_close_it_and_none_more_are_needed() -> None:
    half = after_success(Breaker(state=OPEN, failures=8, opened_at=EARLIER))
    closed = after_success(half)

    assert half == Breaker(state=HALF, failures=0, opened_at=EARLIER)
    assert closed == Breaker(state=CLOSED, failures=0, opened_at=EARLIER)
    assert after_success(closed) == closed


@pytest.mark.parametrize(
    ("state", "backoff", "asked", "pause"),
    [
        (CLOSED, 4, None, 4),
        (CLOSED, 4, 120, 120),
        (CLOSED, 4, 1, 4),
        (CLOSED, 4, -5, 4),
        (CLOSED, 4, 10**8, LONGEST_ASKED.total_seconds()),
        (OPEN, 0, None, PROBE_EVERY.total_seconds()),
        (OPEN, 0, 1, PROBE_EVERY.total_seconds()),  # whatever smaller it asks for
        (OPEN, 100, None, 100),
        (OPEN, 900, None, LONGEST_PROBE.total_seconds()),
        (OPEN, 900, 1200, 1200),  # longer if it asked for that
    ],
)
def test_pause_is_the_backoff_and_thirty_seconds_at_least_while_open(
    state: BreakerState, backoff: float, asked: float | None, pause: float
) -> None:
    breaker = Breaker(state=state, opened_at=EARLIER)
    wanted = None if asked is None else timedelta(seconds=asked)

    found = pause_after_failure(breaker, timedelta(seconds=backoff), wanted)

    assert found == timedelta(seconds=pause)
