"""How long to wait after a failure: pure, the randomness comes as an argument."""

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=15)
LONGEST_ASKED = timedelta(hours=24)
"""However long a source asks us to stay away, we look again after a day."""
FOR_AN_ADMINISTRATOR = timedelta(minutes=15)
"""The pause after a failure that repeats until somebody has looked."""


def backoff(failures: int, spread: float, asked: timedelta | None = None) -> timedelta:
    """The pause before the next attempt, after `failures` (1 or more) in a row.

    Full jitter: a share `spread` (0 to 1, random) of 2 s, 4 s, 8 s ... 15 min, so that many who
    failed together do not return together. Never shorter than what the source asked for.
    """
    doublings = min(failures - 1, 20)  # far beyond LONGEST, and no overflow
    pause = min(FIRST * (1 << doublings), LONGEST) * spread
    return max(pause, min(asked or timedelta(0), LONGEST_ASKED))
