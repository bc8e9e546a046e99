"""How a result goes on after an answer: states, pauses, and how often it is tried."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from schema.appraisals.models import SendingState
from schema.appraisals.sending_rules import (
    MOST_ATTEMPTS,
    Answer,
    Outcome,
    after_answer,
    pause_after,
)

NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)


def test_pauses_grow_to_six_hours_and_last_over_a_weekend() -> None:
    pauses = [pause_after(n, 1.0) for n in range(1, MOST_ATTEMPTS)]

    assert [one.total_seconds() / 60 for one in pauses[:10]] == [
        1, 2, 4, 8, 16, 32, 64, 128, 256, 360,
    ]  # fmt: skip
    # 511 minutes, and ten times six hours: 68.5 hours; by the shortest jitter the half of it.
    assert sum(pauses, timedelta(0)) == timedelta(hours=60, minutes=511)
    assert pause_after(3, 0.0) == timedelta(minutes=2)


def test_answer_settles_a_delivery() -> None:
    key = UUID(int=7)
    busy = Answer(outcome=Outcome.RETRY, message="429", again_after=timedelta(days=3))

    again = after_answer(key, 1, busy, NOON, 1.0)
    given_up = after_answer(key, MOST_ATTEMPTS, busy, NOON, 1.0)
    held = after_answer(key, 1, replace(busy, outcome=Outcome.HELD), NOON, 1.0)

    assert (again.state, again.retry_at) == (SendingState.WAITING, NOON + timedelta(hours=24))
    assert given_up.state is SendingState.FAILED
    assert given_up.message == "given up after 20 attempts, the last: 429"
    assert (held.state, held.after, held.retry_at) == (SendingState.WAITING, 0, NOON)
