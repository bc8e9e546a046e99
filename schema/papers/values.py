"""What a paper says, as values: people, rows of results and behaviours, a row of a unit's table."""

from datetime import date
from decimal import Decimal
from uuid import UUID

import msgspec

from schema.appraisals.models import AppraisalState, Predicate, Rating, UnitPredicate
from schema.organizations.models import AssignmentKind
from schema.plans.models import Approach, AttachmentKind, Behaviour, EvaluationKind
from schema.policies.rules import DEFAULT
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two who sign; what the reader may not see is None."""

    name: str | None = None
    nip: str | None = None
    rank: str | None = None
    position: str | None = None
    unit: str | None = None


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What both forms begin with. `set_on` is the day on which the plan was approved."""

    id: UUID
    agency: str
    starts_on: date
    ends_on: date
    heads_unit: bool
    employee: Party
    appraiser: Party
    approach: Approach | None = None
    set_on: date | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """An indicator with what is planned, and in an evaluation with what was reached."""

    title: str
    aspect: Aspect
    polarity: Polarity = Polarity.RISING
    unit_of_measure: str | None = None
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    baseline: Decimal | None = None
    realized: Decimal | None = None


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A stage of staged work."""

    title: str
    weight: Decimal | None = None
    completed_on: date | None = None


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A weighted child of a result."""

    weight: Decimal
    achieved: Decimal | None = None


class ResultRow(msgspec.Struct, frozen=True, kw_only=True):
    """One result (*rencana hasil kerja*); `serves` is the superior's that it serves."""

    id: UUID
    title: str
    category: ResultCategory
    perspective: Perspective | None = None
    assigned_by: str | None = None
    serves: str | None = None
    indicators: list[Measure] = []
    stages: list[Step] | None = None
    children: list[Part] = []
    records: int = 0


class BehaviourRow(msgspec.Struct, frozen=True, kw_only=True):
    """The leader's special expectation of one of the seven values."""

    behaviour: Behaviour
    expectation: str | None = None


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a plan's attachments."""

    kind: AttachmentKind
    text: str


class Time(msgspec.Struct, frozen=True, kw_only=True):
    """Hours and filling of the days, in minutes and days."""

    required_minutes: int
    recorded_minutes: int
    days_asked: int
    days_filled: int


class PlanForm(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it is printed (*SKP*)."""

    head: Head
    results: list[ResultRow]
    behaviours: list[BehaviourRow]
    attachments: list[Attachment]


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """The two numbers of the policy that achievement is worked out by."""

    achievement_cap: Decimal = DEFAULT.achievement_cap
    missing_counts_as_zero: bool = DEFAULT.missing_counts_as_zero


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What a result came to when the appraisal was sealed, in percent."""

    id: UUID
    achieved: Decimal | None


class Grounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an appraisal rests on, of `appraisals.evidence` as far as papers show it. `reached` is
    what was sealed; without, results come to what today's rules say."""

    results: list[ResultRow]
    behaviours: list[BehaviourRow]
    time: Time
    policy: Numbers | None = None
    reached: list[Reached] = []


class LineRating(msgspec.Struct, frozen=True, kw_only=True):
    """The rating of one result or of one behaviour, with its reason."""

    rating: Rating
    target_id: UUID | None = None
    behaviour: Behaviour | None = None
    reason: str | None = None


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """Continuous feedback (*umpan balik berkelanjutan*) of the days, as it was written."""

    text: str
    target_id: UUID | None = None
    behaviour: Behaviour | None = None


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """An appraisal as it stands; `unit_predicate` where the reader sees the unit's result."""

    id: UUID
    state: AppraisalState
    kind: EvaluationKind
    number: int
    starts_on: date
    ends_on: date
    lines: list[LineRating]
    feedback: list[Said]
    work_rating: Rating | None = None
    work_reason: str | None = None
    behaviour_rating: Rating | None = None
    behaviour_reason: str | None = None
    predicate: Predicate | None = None
    unit_predicate: UnitPredicate | None = None
    signed_on: date | None = None
    digest: str | None = None


class EvaluationForm(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation as it is printed (*evaluasi kinerja pegawai*)."""

    head: Head
    judgement: Judgement
    grounds: Grounds


class UnitRow(msgspec.Struct, frozen=True, kw_only=True):
    """One appraisal in a unit's table. `allowance` is rupiah of the months of the evaluation
    period, for administrators and auditors; `evidence` JSON of its grounds or of its seal."""

    nip: str
    name: str
    position: str
    unit: str
    starts_on: date
    ends_on: date
    state: AppraisalState
    work_rating: Rating | None = None
    behaviour_rating: Rating | None = None
    predicate: Predicate | None = None
    document: str | None = None
    grounds: Grounds | None = None
    allowance: Decimal | None = None


class TableHead(msgspec.Struct, frozen=True, kw_only=True):
    """Which unit's table it is, and of which evaluation period; `with_pay` for who sees pay."""

    agency: str
    unit: str
    code: str
    kind: EvaluationKind
    number: int
    starts_on: date
    ends_on: date
    with_pay: bool


class SealedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A unit as a seal names it."""

    name: str


class SealedParty(msgspec.Struct, frozen=True, kw_only=True):
    """A party as a seal names it."""

    nip: str
    name: str
    position: str | None = None
    kind: AssignmentKind = AssignmentKind.DEFINITIVE
    unit: SealedUnit | None = None


class SealedUnitRating(msgspec.Struct, frozen=True, kw_only=True):
    """The unit's own result, which its head was rated by."""

    predicate: UnitPredicate


class SealedInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What papers show of a seal's inputs."""

    employee: SealedParty
    evidence: Grounds
    appraiser: SealedParty | None = None
    unit_rating: SealedUnitRating | None = None


class SealedRules(msgspec.Struct, frozen=True, kw_only=True):
    """By which numbers of the policy."""

    policy: Numbers


class SealedResult(msgspec.Struct, frozen=True, kw_only=True):
    """What each result came to."""

    results: list[Reached]


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """The document of a signed appraisal, as far as papers show it."""

    inputs: SealedInputs
    rules: SealedRules
    result: SealedResult
