"""Rule sets as values: what each kind holds, and what cannot be in one.

`parsed` takes the canonical JSON that is kept of a rule set and is the only way in; what people
write is read by `rule_texts.py`. The shape is `tables/rule-set.schema.json`, and what a schema
cannot say is checked here.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache

import msgspec

from schema.appraisals.models import Predicate
from schema.consequences.models import Employment, FunctionalLevel, RuleKind
from schema.errors import DomainError, ErrorCode

WHOLE = Decimal(100)
NEEDS = ("RESULT", "BEHAVIOUR", "FEEDBACK")
"""Kinds of `values.Low`."""


class GoesBy(StrEnum):
    """Which predicate an allowance of a month goes by: of the evaluation period that the month is
    in, of the one before, or of the final one of the year before."""

    SAME_PERIOD = "SAME_PERIOD"
    PREVIOUS_PERIOD = "PREVIOUS_PERIOD"
    PREVIOUS_YEAR = "PREVIOUS_YEAR"


class Potential(StrEnum):
    """Potential (*potensial*) in three."""

    LOW = "LOW"
    MIDDLE = "MIDDLE"
    HIGH = "HIGH"


class Performance(StrEnum):
    """Performance (*kinerja*) in three, against what was expected."""

    BELOW = "BELOW"
    MEETS = "MEETS"
    ABOVE = "ABOVE"


class Pool(StrEnum):
    """A pool of succession (*kelompok rencana suksesi*)."""

    AGENCY = "AGENCY"
    NATIONAL = "NATIONAL"


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every rule set says of itself. `assumed` is what its source does not say."""

    code: str
    kind: RuleKind
    title: str
    source: str
    assumed: tuple[str, ...] = ()


class WeightRules(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base weights of predicates (*bobot dasar*), 0 to 100."""

    weights: Mapping[Predicate, Decimal]


class Level(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A functional level: points of a whole year at 100 percent, and what the next rank and the
    next level need; None where there is none."""

    level: FunctionalLevel
    name: str
    coefficient: Decimal
    next_rank: Decimal | None = None
    next_level: Decimal | None = None


class CreditRules(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Credit points (*angka kredit*): percent by predicate, and the levels."""

    percent: Mapping[Predicate, Decimal]
    levels: tuple[Level, ...]

    def level(self, level: FunctionalLevel | None) -> Level | None:
        return next((one for one in self.levels if one.level is level), None)


class PotentialCuts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which score on potential is middle, and high."""

    middle: Decimal
    high: Decimal


class PerformanceCuts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which weight on performance meets, and is above what was expected."""

    meets: Decimal
    above: Decimal


class Box(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of nine boxes, with what is recommended (in Indonesian)."""

    box: int
    potential: Potential
    performance: Performance
    recommendation: str
    pools: tuple[Pool, ...] = ()


class TalentRules(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Nine boxes of talent (*manajemen talenta*)."""

    potential: PotentialCuts
    performance: PerformanceCuts
    boxes: tuple[Box, ...]


class TrainingRules(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Training (*pengembangan kompetensi*): hours of a year, and those proposed for a need."""

    hours_a_year: Decimal
    hours_a_need: Mapping[str, Decimal]


class Band(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"from_minutes": "from"},
):
    """From so many minutes on, until the next band, so many percent less."""

    from_minutes: int
    percent: Decimal


def _by(name: str) -> str:
    """By what a part is paid, of its class: PredicatePart -> PREDICATE."""
    return name.removesuffix("Part").upper()


class Part(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="by",
    tag=_by,
):
    """A share of an allowance, in percent of it."""

    name: str
    share: Decimal


class PredicatePart(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paid by the predicate; `without` is the percent where there is none."""

    without: Decimal
    percent: Mapping[Predicate, Decimal]


class AttendancePart(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paid by attendance: whole, less a percent of the part for each day absent, each late arrival
    and each early leaving; never below nothing."""

    absent_day: Decimal
    late: tuple[Band, ...] = ()
    early: tuple[Band, ...] = ()


class AchievementPart(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paid by the percent of what was due, within two bounds."""

    without: Decimal
    minimum: Decimal
    maximum: Decimal


class FixedPart(Part, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Paid as it is."""

    percent: Decimal


AnyPart = PredicatePart | AttendancePart | AchievementPart | FixedPart


class AllowanceRules(Table, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A scheme of performance allowance (*tunjangan kinerja*). `employment` is percent of it, 100
    where left out; `round_to` whole rupiah, half up."""

    parts: tuple[AnyPart, ...]
    goes_by: GoesBy | None = None
    employment: Mapping[Employment, Decimal] = {}
    round_to: int = 1


Rules = WeightRules | CreditRules | TalentRules | TrainingRules | AllowanceRules
TYPES: Mapping[RuleKind, type[Rules]] = {
    RuleKind.WEIGHT: WeightRules,
    RuleKind.CREDIT: CreditRules,
    RuleKind.TALENT: TalentRules,
    RuleKind.TRAINING: TrainingRules,
    RuleKind.ALLOWANCE: AllowanceRules,
}


def invalid_rules(detail: str) -> DomainError:
    """A rule set that cannot be; the detail names the row."""
    return DomainError(ErrorCode.RULES_INVALID, field="rules", detail=detail)


@lru_cache(maxsize=64)
def parsed(kind: RuleKind, body: str) -> Rules:
    """The rules of a kept body; the same value again for the same body.

    Raises:
        DomainError: RULES_INVALID, where it is no body of that kind.
    """
    try:
        rules = msgspec.json.decode(body, type=TYPES[kind])
    except msgspec.DecodeError as fault:
        raise invalid_rules(str(fault)) from fault
    if rules.kind is not kind:
        raise invalid_rules(f"kind: {rules.kind} instead of {kind}")
    check(rules)
    return rules


def check(rules: Rules) -> None:
    """Raises:
    DomainError: rows contradict each other, or one is missing.
    """
    match rules:
        case WeightRules():
            _every_predicate("weights", rules.weights)
        case CreditRules():
            _every_predicate("percent", rules.percent)
            _once("levels", [one.level for one in rules.levels])
        case TalentRules():
            _check_boxes(rules)
        case TrainingRules():
            if set(rules.hours_a_need) != set(NEEDS):
                raise invalid_rules(f"hours_a_need: {', '.join(NEEDS)}, each once")
        case AllowanceRules():
            _check_allowance(rules)


def _every_predicate(place: str, given: Mapping[Predicate, Decimal]) -> None:
    missing = [one for one in Predicate if one not in given]
    if missing:
        raise invalid_rules(f"{place}: {', '.join(missing)} missing")


def _once(place: str, given: Sequence[object]) -> None:
    twice = [str(one) for one, count in Counter(given).items() if count > 1]
    if twice:
        raise invalid_rules(f"{place}: {', '.join(twice)} more than once")


def _check_boxes(rules: TalentRules) -> None:
    if not rules.potential.middle < rules.potential.high:
        raise invalid_rules("potential: middle must be below high")
    if not rules.performance.meets < rules.performance.above:
        raise invalid_rules("performance: meets must be below above")
    _once(
        "boxes: potential and performance", [f"{b.potential} {b.performance}" for b in rules.boxes]
    )
    _once("boxes: box", [one.box for one in rules.boxes])
    if {one.box for one in rules.boxes} != set(range(1, 10)):
        raise invalid_rules("boxes: nine, from 1 to 9")


def _check_allowance(rules: AllowanceRules) -> None:
    total = sum(part.share for part in rules.parts)
    if total != WHOLE:
        raise invalid_rules(f"parts: the shares make {total}, not 100")
    _once("parts: name", [part.name for part in rules.parts])
    if rules.round_to < 1:
        raise invalid_rules("round_to: at least 1")
    for number, part in enumerate(rules.parts):
        place = f"parts.{number} ({part.name})"
        match part:
            case PredicatePart():
                if rules.goes_by is None:
                    raise invalid_rules(f"{place}: by PREDICATE needs goes_by")
                _every_predicate(f"{place}.percent", part.percent)
            case AttendancePart():
                for name, bands in (("late", part.late), ("early", part.early)):
                    starts = [band.from_minutes for band in bands]
                    if starts != sorted(set(starts)):
                        raise invalid_rules(f"{place}.{name}: each from later than the one before")
            case AchievementPart() if part.minimum > part.maximum:
                raise invalid_rules(f"{place}: minimum is above maximum")
