"""What the commands say, with every secret blotted out, whatever it is in."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from typing import TextIO
from urllib.parse import quote, quote_plus

__all__ = ["Teller", "spellings"]


def spellings(secret: str) -> Iterator[str]:
    """The forms in which a secret travels: as it is, in a URL, in base64."""
    yield secret
    yield quote(secret, safe="")
    yield quote_plus(secret)
    yield base64.b64encode(secret.encode()).decode().rstrip("=")


class Teller:
    """Writes lines; `hide` names what no line may show."""

    def __init__(self, to: TextIO) -> None:
        self._to = to
        self._hidden: list[str] = []

    def hide(self, secrets: Iterable[str]) -> None:
        """Blot these out from now on; the longest first, as one may hold another."""
        found = {form for one in secrets for form in spellings(one) if form}
        self._hidden = sorted({*self._hidden, *found}, key=len, reverse=True)

    def tell(self, line: str) -> None:
        """One line, without its secrets."""
        for one in self._hidden:
            line = line.replace(one, "[rahasia]")
        self._to.write(f"{line}\n")
        self._to.flush()
