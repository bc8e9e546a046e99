"""How long to wait after a failure: pure, the randomness comes as an argument."""

from datetime import timedelta

FIRST = timedelta(seconds=2)
LONGEST = timedelta(minutes=15)
FOR_AN_ADMINISTRATOR = timedelta(minutes=15)
"""The pause after a failure that repeats until somebody has looked."""


def backoff(failures: int, spread: float) -> timedelta:
    """The pause before the next attempt, after `failures` (1 or more) in a row.

    Full jitter: a share `spread` (0 to 1, random) of 2 s, 4 s, 8 s ... 15 min, so that many who
    failed together do not return together. What the source asks for is in `feeds.breaker`.
    """
    doublings = min(failures - 1, 20)  # far beyond LONGEST, and no overflow
    return min(FIRST * (1 << doublings), LONGEST) * spread
