"""The document of a signed appraisal: what it rests on, by which rules, and what it came to.

Canonical JSON. From its inputs and the version of the rules that it names the same bytes come
again, without a database; so each version's rules are kept (`VERSIONS`), also where a later one
is in force.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from schema.appraisals import rules
from schema.appraisals.evidence import (
    BehaviourEvidence,
    Evidence,
    Facts,
    PolicyNumbers,
    Reached,
    ResultFacts,
    TimeEvidence,
    joined,
    reached,
)
from schema.appraisals.models import AppraisalEventKind, Predicate, Rating, UnitPredicate
from schema.organizations.models import AssignmentKind
from schema.plans.models import Approach, Behaviour, EvaluationKind
from schema.values import canonical

FORMAT = "ekinerja-appraisal/1"
SIASN_RATING = {Rating.ABOVE: 1, Rating.MEETS: 2, Rating.BELOW: 3}
"""How SIASN numbers a rating (*hasilKinerjaNilai, perilakuKerjaNilai*)."""
SIASN_QUADRANT = {
    Predicate.EXCELLENT: 1,
    Predicate.GOOD: 2,
    Predicate.NEEDS_IMPROVEMENT: 3,
    Predicate.POOR: 4,
    Predicate.VERY_POOR: 5,
}
"""How it numbers a predicate (*kuadranKinerjaNilai*): misconduct is 4, which the larger of the two
ratings never is."""


class NotADocument(ValueError):
    """A text that is not the document of an appraisal, or that names rules unknown here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An agency or a unit."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Official:
    """A person with their post: of the appraiser the definitive one of the last day."""

    nip: str
    name: str
    position: str | None
    unit: Named | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Who is appraised, in which post."""

    nip: str
    name: str
    position: str
    kind: AssignmentKind
    heads_unit: bool
    unit: Named


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """A planning period or an evaluation period, by its code or number; or the days themselves."""

    starts_on: date
    ends_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedPeriod(Days):
    """Which evaluation of which planning period."""

    code: str
    kind: EvaluationKind
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A rating with its reason."""

    rating: Rating
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineGiven(Given):
    """Of one result, by its key, or of one behaviour."""

    target: UUID | None
    behaviour: Behaviour | None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitGiven:
    """The unit's own result, which a head is rated by."""

    predicate: UnitPredicate
    reason: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """An objection (*keberatan*) and what became of it."""

    reason: str | None
    outcome: AppraisalEventKind | None
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did it, and when."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known of an appraisal besides its evidence, as its rows say it."""

    appraisal: UUID
    plan: UUID
    approach: Approach
    agency: Named
    employee: Post
    appraiser: Official | None
    period: EvaluatedPeriod
    days: Days
    work: Given
    behaviour: Given
    unit_rating: UnitGiven | None
    lines: Sequence[LineGiven]
    objection: Objection | None
    rated: Act


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEvidence:
    """Evidence without what follows from it."""

    results: Sequence[ResultFacts]
    behaviours: Sequence[BehaviourEvidence]
    time: TimeEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs(Circumstances):
    """All that a document's result follows from, with its rules."""

    signed: Act
    evidence: SealedEvidence


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesNamed:
    """By which rules: their source, the version here, and the policy's numbers."""

    source: str
    version: int
    policy: PolicyNumbers


@dataclass(frozen=True, slots=True, kw_only=True)
class SiasnCodes:
    """The numbers that SIASN takes."""

    work: int
    behaviour: int
    quadrant: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an appraisal came to."""

    work: Rating
    behaviour: Rating
    predicate: Predicate
    siasn: SiasnCodes
    results: Sequence[Reached]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document as it is read back."""

    format: Literal["ekinerja-appraisal/1"]
    inputs: Inputs
    rules: RulesNamed
    result: Result


def first_version(inputs: Inputs, policy: PolicyNumbers) -> Result:
    """Version 1: the matrix of PermenPANRB 6/2022; a head's work is rated by the unit's result;
    what each result comes to by `targets.rules`."""
    work = inputs.work.rating
    if inputs.unit_rating is not None:
        work = rules.work_rating_of(inputs.unit_rating.predicate)
    behaviour = inputs.behaviour.rating
    predicate = rules.predicate_of(work, behaviour)
    codes = SiasnCodes(
        work=SIASN_RATING[work],
        behaviour=SIASN_RATING[behaviour],
        quadrant=SIASN_QUADRANT[predicate],
    )
    return Result(
        work=work,
        behaviour=behaviour,
        predicate=predicate,
        siasn=codes,
        results=[reached(one, policy) for one in inputs.evidence.results],
    )


Version = Callable[[Inputs, PolicyNumbers], Result]
VERSIONS: dict[int, Version] = {1: first_version}
"""What each version answers. Whoever changes a rule adds a version with the new one, raises
`rules.RULES_VERSION`, and leaves what the older one calls as it was."""


def document_of(about: Circumstances, facts: Facts, signed: Act) -> tuple[str, Result]:
    """The document of an appraisal that is being signed, by the rules in force; and its result."""
    policy = facts.policy or PolicyNumbers()
    evidence = SealedEvidence(results=facts.results, behaviours=facts.behaviours, time=facts.time)
    given = {name: getattr(about, name) for name in Circumstances.__dataclass_fields__}
    inputs = Inputs(**given, signed=signed, evidence=evidence)
    version = rules.RULES_VERSION
    named = RulesNamed(source=rules.RULES, version=version, policy=policy)
    result = VERSIONS[version](inputs, policy)
    return _written(inputs, named, result), result


def recomputed(document: str) -> str:
    """The document that its inputs make by the version of the rules that it names.

    Raises:
        NotADocument: it is none, or its version is not known here.
    """
    whole, parts = _parsed(document)
    version = VERSIONS.get(parts.rules.version)
    if version is None:
        raise NotADocument(f"rules of version {parts.rules.version} are not known here")
    return _written(whole["inputs"], whole["rules"], version(parts.inputs, parts.rules.policy))


def read(document: str) -> Document:
    """A document as values.

    Raises:
        NotADocument: it is none.
    """
    return _parsed(document)[1]


def evidence_in(document: Document) -> Evidence:
    """The evidence of a signed appraisal as it was when it was signed."""
    evidence, policy = document.inputs.evidence, document.rules.policy
    facts = Facts(
        policy=policy,
        results=evidence.results,
        behaviours=evidence.behaviours,
        time=evidence.time,
    )
    return joined(facts, policy, document.result.results)


def _parsed(document: str) -> tuple[Mapping[str, Any], Document]:
    try:
        whole = msgspec.json.decode(document)
        return whole, msgspec.convert(whole, Document)
    except msgspec.MsgspecError as fault:
        raise NotADocument(str(fault)) from fault


def _written(inputs: object, named: object, result: Result) -> str:
    whole = {"format": FORMAT, "inputs": inputs, "rules": named, "result": result}
    # `canonical` takes values as well, at several times the cost.
    return canonical(msgspec.to_builtins(whole, builtin_types=(Decimal,)))
