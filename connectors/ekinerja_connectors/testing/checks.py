"""What a test of the suite proves, in words, and the tier that it counts for.

How the outcomes of a run are gathered belongs to `verdicts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NoReturn, TypeVar

import pytest

__all__ = ["DOES_NOT_APPLY", "NOT_SHOWN", "check", "does_not_apply", "none_of", "not_shown"]

F = TypeVar("F", bound=Callable[..., object])
DOES_NOT_APPLY = "does not apply: "
NOT_SHOWN = "not shown: "


def check(words: str, tier: str) -> Callable[[F], F]:
    """Mark a test of the suite with what it proves and its tier: bronze, silver or gold."""
    if tier not in ("bronze", "silver", "gold"):
        raise ValueError(f"{tier} is no tier")

    def mark(test: F) -> F:
        test.__dict__["check"] = (words, tier)
        return test

    return mark


def does_not_apply(reason: str) -> NoReturn:
    """Leave a test out that asks for what this kind of connector does not do."""
    pytest.skip(DOES_NOT_APPLY + reason)


def not_shown(reason: str) -> NoReturn:
    """Leave a test out whose evidence is missing, which costs the tier; says what to give."""
    pytest.skip(NOT_SHOWN + reason)


def none_of(found: Iterable[object], words: str) -> None:
    """Fail with `words` and what was found, unless nothing was.

    Written out, since pytest explains the assertions of a vendor's own modules only.
    """
    shown = "; ".join(sorted(map(str, found)))
    assert not shown, f"{words}: {shown}"
