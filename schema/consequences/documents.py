"""What a consequence rests on and came to, as canonical JSON; and the same worked out anew.

`ekinerja-consequence/1` holds who and when, the inputs, the digest of the rules, and the result
with each line. From its inputs and the rules' body the same bytes come again, without a database.
A later way of working out gets another number in EVALUATIONS; what was sealed keeps its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from schema.consequences.models import RuleKind
from schema.consequences.rule_tables import (
    AllowanceRules,
    CreditRules,
    TalentRules,
    TrainingRules,
    WeightRules,
    parsed,
)
from schema.consequences.rules import allowance, credit, talent, training, weight
from schema.consequences.values import Low, MonthFacts, Outcome, PlanResult
from schema.errors import DomainError
from schema.values import canonical

FORMAT = "ekinerja-consequence/1"
EVALUATION = 1
"""The way of working out that new documents name."""

Rules = WeightRules | CreditRules | TalentRules | TrainingRules | AllowanceRules


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightInputs:
    """Of a weight: the year's plans."""

    plans: Sequence[PlanResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditInputs:
    """Of credit points: the year's plans, and the points held before it; None: nobody has said."""

    plans: Sequence[PlanResult]
    brought: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TalentInputs:
    """Of a box: the year's weight and the potential; None where there is none."""

    weight: Decimal | None
    potential: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingInputs:
    """Of training: what was low, and the hours of the year."""

    lows: Sequence[Low]
    hours: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceInputs:
    """Of a month's allowance: its facts, and by which appraisal each predicate came."""

    facts: MonthFacts
    appraisals: Mapping[str, UUID | None]


Inputs = WeightInputs | CreditInputs | TalentInputs | TrainingInputs | AllowanceInputs
INPUTS: Mapping[RuleKind, type[Any]] = {
    RuleKind.WEIGHT: WeightInputs,
    RuleKind.CREDIT: CreditInputs,
    RuleKind.TALENT: TalentInputs,
    RuleKind.TRAINING: TrainingInputs,
    RuleKind.ALLOWANCE: AllowanceInputs,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Whose and of when a consequence is."""

    agency: str
    nip: str
    period: str
    kind: RuleKind
    month: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The rules that were applied: `digest` is of their body."""

    digest: str
    code: str
    version: int


def outcome_of(rules: Any, inputs: Inputs) -> Outcome:
    """What a rule set answers to inputs of its kind."""
    match inputs:
        case WeightInputs():
            return weight(rules, inputs.plans)
        case CreditInputs():
            return credit(rules, inputs.plans, inputs.brought)
        case TalentInputs():
            return talent(rules, inputs.weight, inputs.potential)
        case TrainingInputs():
            return training(rules, inputs.lows, inputs.hours)
        case AllowanceInputs():
            return allowance(rules, inputs.facts)


EVALUATIONS: Mapping[int, Callable[[Any, Inputs], Outcome]] = {EVALUATION: outcome_of}


def document_of(
    about: About, inputs: Inputs, applied: Applied, outcome: Outcome, evaluation: int = EVALUATION
) -> str:
    """A consequence as it is kept."""
    return canonical(
        {
            "format": FORMAT,
            "about": _plain(about),
            "inputs": _plain(inputs),
            "rules": _plain(applied) | {"evaluation": evaluation},
            "result": _plain(outcome),
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Named(Applied):
    """The rules that a document names, and by which way of working out."""

    evaluation: int


class Kept(msgspec.Struct, frozen=True):
    """A document as far as it is read again."""

    format: str
    about: About
    inputs: msgspec.Raw
    rules: Named
    result: Outcome


def recomputed(document: str, bodies: Mapping[str, str]) -> str:
    """The document anew, from its inputs and the body of its rules (by digest) alone.

    Raises:
        ValueError: it is none of this format, or names rules that are not at hand.
    """
    kept = kept_in(document)
    named = kept.rules
    if kept.format != FORMAT or named.evaluation not in EVALUATIONS:
        raise ValueError(f"no document of {FORMAT}, or of a later evaluation: {named.evaluation}")
    if named.digest not in bodies:
        raise ValueError(f"the rules {named.digest} are not at hand")
    try:
        rules = rules_of(kept.about.kind, bodies[named.digest])
    except DomainError as refused:
        raise ValueError(f"the rules {named.digest}: {refused}") from refused
    inputs = inputs_of(kept)
    outcome = EVALUATIONS[named.evaluation](rules, inputs)
    applied = Applied(digest=named.digest, code=named.code, version=named.version)
    return document_of(kept.about, inputs, applied, outcome, named.evaluation)


def kept_in(document: str) -> Kept:
    """A document of ours, read."""
    return msgspec.json.decode(document, type=Kept)


def inputs_of(kept: Kept) -> Inputs:
    """What a document was worked out from."""
    inputs: Inputs = msgspec.json.decode(kept.inputs, type=INPUTS[kept.about.kind])
    return inputs


@lru_cache(maxsize=64)
def rules_of(kind: RuleKind, body: str) -> Rules:
    """A rule set's body, parsed once."""
    return parsed(kind, body)


def _plain(value: object) -> Any:
    """Values as JSON has them; decimals stay, for `canonical` to write."""
    return msgspec.to_builtins(value, builtin_types=(Decimal,))
