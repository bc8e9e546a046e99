"""Verifying a file of results, from the file alone: no database, no network.

Each document is worked out anew from its own inputs by the rules that it names, and must come out
the same byte for byte; each digest must be that of its text; the last line says how many there are.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import msgspec

from schema.appraisals import documents as appraisals
from schema.consequences import documents as consequences
from schema.consequences.models import RuleKind
from schema.consequences.rule_tables import parsed
from schema.errors import DomainError
from schema.values import canonical, digest_of

END = "end"
"""The last line's only key: the number of lines before it."""


NAMES = ("kind", "code")
"""What a line of rules says beside their body, which says it too."""


class Kind(StrEnum):
    """What a line holds."""

    RULES = "rules"
    APPRAISAL = "appraisal"
    CONSEQUENCE = "consequence"


Recompute = Callable[[str, Mapping[str, str]], str]
"""A document anew, from itself and the bodies of rules by their digests."""


def _appraisal(document: str, bodies: Mapping[str, str]) -> str:
    return appraisals.recomputed(document)


RECOMPUTE: dict[Kind, Recompute] = {
    Kind.APPRAISAL: _appraisal,
    Kind.CONSEQUENCE: consequences.recomputed,
}


FAULTS = (
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    RecursionError,
    msgspec.MsgspecError,
    DomainError,
)
"""What a line that was tampered with may cause: numbers too large, nesting too deep, rules that are
none, and others."""


class WrongLine(Exception):
    """The first line that does not hold: its number, from 1, and what is wrong with it."""

    def __init__(self, line: int, wrong: str) -> None:
        super().__init__(f"line {line}: {wrong}")
        self.line = line


@dataclass(slots=True)
class Verification:
    """A file as far as it was read: bodies of rules by digest, and how many lines of each kind."""

    bodies: dict[str, str] = field(default_factory=dict)
    counts: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))
    ended: bool = False

    def take(self, line: bytes) -> None:
        """Verify the next line.

        Raises:
            ValueError: what is wrong with it.
        """
        if self.ended:
            raise ValueError("it stands behind the last line")
        name, said = _entry(line)
        if name == END:
            self._end(said)
            return
        kind = Kind(name)
        text = _text(said, "body" if kind is Kind.RULES else "document")
        if digest_of(text) != _text(said, "digest"):
            raise ValueError(f"the digest is not that of the {kind}'s text")
        if kind is Kind.RULES:
            self._keep(text, said)
        elif RECOMPUTE[kind](text, self.bodies) != text:
            raise ValueError(f"the {kind} recomputes to another document")
        self.counts[kind] += 1

    def _keep(self, body: str, said: Mapping[str, Any]) -> None:
        """Rules for the documents that follow, of the kind and code that their body has."""
        table = msgspec.json.decode(body, type=dict[str, Any])
        named = {name: said.get(name) for name in NAMES}
        if named != {name: table.get(name) for name in NAMES}:
            raise ValueError("the rules are not of this kind and code")
        parsed(RuleKind(_text(said, "kind")), body)
        self.bodies[digest_of(body)] = body

    def _end(self, said: object) -> None:
        read = sum(self.counts.values())
        if said != read:
            raise ValueError(f"the file had {said} lines, here are {read}")
        self.ended = True


def verified(lines: Iterable[bytes]) -> Iterable[Verification]:
    """Where the verification stands behind each line, each with its line feed.

    Raises:
        WrongLine: the first one that does not hold, or where the file ends too early.
    """
    whole, number = Verification(), 0
    for number, line in enumerate(lines, 1):
        try:
            whole.take(line)
        except FAULTS as fault:
            raise WrongLine(number, str(fault)) from fault
        yield whole
    if not whole.ended:
        raise WrongLine(number + 1, "the file ends before its last line")


def _entry(line: bytes) -> tuple[str, Any]:
    """The only key of a line, and what it holds; a line has one form only."""
    try:
        entry = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise ValueError(f"it is no JSON object: {fault}") from fault
    if len(entry) != 1:
        raise ValueError("it has not one key")
    if f"{canonical(entry)}\n".encode() != line:
        raise ValueError("it is not written as it was exported")
    return next(iter(entry.items()))


def _text(said: Any, name: str) -> str:
    text = said.get(name) if isinstance(said, dict) else None
    if not isinstance(text, str):
        raise ValueError(f"it has no {name}")
    return text
