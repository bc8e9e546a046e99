"""Striking secrets out of what a task answers, wherever a service or a plugin may repeat them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HIDDEN = "***"
SHORTEST = 4
"""Shorter ones are struck out only where they are a whole text: they are part of many words."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides these texts; the longest first, so that none is left in part."""

    secrets: tuple[str, ...]

    @classmethod
    def of(cls, settings: Mapping[str, Any], schema: Mapping[str, Any]) -> "Mask":
        """The settings that a plugin's schema says are secret (`writeOnly`)."""
        known = schema.get("properties", {})
        secret = {
            str(value)
            for name, value in settings.items()
            if known.get(name, {}).get("writeOnly") and value not in (None, "")
        }
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
