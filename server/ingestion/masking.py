"""Striking secrets out of what a task answers, wherever a service or a plugin may repeat them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schema.feeds.settings import split

HIDDEN = "***"
SHORTEST = 4
"""Shorter ones are struck out only where they are a whole text: they are part of many words."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides these texts; the longest first, so that none is left in part."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, settings: Mapping[str, Any], schema: Mapping[str, Any]) -> "Mask":
        """The settings that a plugin's schema says are secret, inside of others too."""
        secret = set(_texts(split(schema, settings).secret))
        return cls(tuple(sorted(secret, key=len, reverse=True)))

    def text(self, text: str) -> str:
        for secret in self.secrets:
            if text == secret:
                return HIDDEN
            if len(secret) >= SHORTEST:
                text = text.replace(secret, HIDDEN)
        return text

    def value(self, value: Any) -> Any:
        """The same in everything that JSON holds, names included."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                return {self.text(str(name)): self.value(one) for name, one in value.items()}
            case list() | tuple():
                return [self.value(one) for one in value]
        return value


def _texts(value: Any) -> Iterator[str]:
    """What a secret setting holds, part by part."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
    elif value not in (None, ""):
        yield str(value)
