"""What one transaction has read and need not read again: many records of one person share days,
policies, posts, targets and action plans.

Only what no record changes is kept; records themselves, days and figures never are.
"""

from collections.abc import Awaitable, Callable, Hashable
from typing import Any, TypeVar, cast

Found = TypeVar("Found")


class Memory:
    """Answers by what was asked; as old as its transaction, and gone with it."""

    def __init__(self) -> None:
        self._found: dict[Hashable, Any] = {}

    async def recall(self, key: Hashable, read: Callable[[], Awaitable[Found]]) -> Found:
        """The answer to `key`, read at its first asking."""
        if key not in self._found:
            self._found[key] = await read()
        return cast("Found", self._found[key])
