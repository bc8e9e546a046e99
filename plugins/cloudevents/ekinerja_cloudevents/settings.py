"""What each type of event means, as an administrator writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .pointers import checked_pointer, checked_template

__all__ = ["ACTIVITY", "RETRACTION", "SKIP", "Rule", "Settings"]

ACTIVITY, RETRACTION, SKIP = "activity", "retraction", "skip"
_TEMPLATES = ("title", "evidence_title")
_POINTERS = (
    "nip", "start", "end", "quantity", "unit", "description", "category", "evidence_url",
    "retracts", "retracts_source", "reason",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What an event of one type states: an activity, a retraction, or nothing (skip).

    All but `means`, `kind` and `unit_name` are JSON Pointers (RFC 6901) into the event, or
    templates that hold pointers in braces. An empty pointer leaves the field out.
    """

    means: str = ACTIVITY
    kind: str = ""
    """The kind of the activity; empty takes the event's type."""
    title: str = "{/data/title}"
    nip: str = "/data/nip"
    start: str = "/data/start"
    """Where nothing stands there, the event's own `time` is taken."""
    end: str = "/data/end"
    quantity: str = "/data/quantity"
    unit: str = "/data/unit"
    unit_name: str = ""
    """The unit of a quantity beside which none stands."""
    description: str = "/data/description"
    category: str = "/data/category"
    evidence_url: str = "/data/evidence"
    evidence_title: str = "{/data/title}"
    retracts: str = "/data/retracts"
    """Where a retraction has the `id` of the event that no longer holds."""
    retracts_source: str = ""
    """Where it has that event's `source`; empty or absent: its own."""
    reason: str = "/data/reason"

    def __post_init__(self) -> None:
        if self.means not in (ACTIVITY, RETRACTION, SKIP):
            raise ValueError(f"means must be {ACTIVITY}, {RETRACTION} or {SKIP}")
        for name in _POINTERS:
            checked_pointer(name, getattr(self, name))
        for name in _TEMPLATES:
            checked_template(name, getattr(self, name))
        if self.means == ACTIVITY and not (self.nip and self.title.strip()):
            raise ValueError("an activity needs nip and title")
        if self.means == RETRACTION and not self.retracts:
            raise ValueError("a retraction needs retracts")


def _rules() -> dict[str, Rule]:
    return {
        "ekinerja.activity.recorded": Rule(),
        "ekinerja.activity.retracted": Rule(means=RETRACTION),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Rules by the event's `type`; a name that ends in * is for all types that begin so.

    The longest name that fits decides. An event without a rule becomes a dead letter, or is
    skipped where `skip_unknown` is on.
    """

    types: Mapping[str, Rule] = field(default_factory=_rules)
    skip_unknown: bool = False
    accept_binary: bool = False
    """Take events whose attributes stand in ce-* headers, which no signature covers."""

    def __post_init__(self) -> None:
        if not self.types:
            raise ValueError("types must name at least one type")

    def rule_of(self, type_: str) -> Rule | None:
        """The rule for a type, or None."""
        fitting = [
            name
            for name in self.types
            if name == type_ or (name.endswith("*") and type_.startswith(name[:-1]))
        ]
        if not fitting:
            return None
        return self.types[max(fitting, key=lambda name: (name == type_, len(name)))]
