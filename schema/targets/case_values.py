"""A case as values: an agency's units, people and cascaded targets, before anything is stored.

Also what is wrong with a case file: faults, which refuse it, and warnings, which do not.
"""

import json
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from schema.organizations.models import AssignmentKind
from schema.targets.models import (
    Accumulation,
    Aspect,
    EdgeKind,
    Perspective,
    Polarity,
    ResultCategory,
    TargetKind,
)
from schema.targets.rules import Point


class FaultCode(StrEnum):
    """Why a case file is refused."""

    NOT_JSON = "NOT_JSON"
    WRONG_TYPE = "WRONG_TYPE"
    MISSING = "MISSING"
    BLANK = "BLANK"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    UNSAFE_TEXT = "UNSAFE_TEXT"
    UNKNOWN_CHOICE = "UNKNOWN_CHOICE"
    NUMBER_INVALID = "NUMBER_INVALID"
    DATE_INVALID = "DATE_INVALID"
    ENDS_BEFORE_START = "ENDS_BEFORE_START"
    OUTSIDE_PERIOD = "OUTSIDE_PERIOD"
    TIMEZONE_INVALID = "TIMEZONE_INVALID"
    NIP_INVALID = "NIP_INVALID"
    DUPLICATE = "DUPLICATE"
    UNKNOWN_PARENT = "UNKNOWN_PARENT"
    UNKNOWN_UNIT = "UNKNOWN_UNIT"
    UNKNOWN_PERSON = "UNKNOWN_PERSON"
    UNKNOWN_TARGET = "UNKNOWN_TARGET"
    CYCLE = "CYCLE"
    ROOT_UNCLEAR = "ROOT_UNCLEAR"
    OWNER_UNCLEAR = "OWNER_UNCLEAR"
    CASCADE_UNCLEAR = "CASCADE_UNCLEAR"
    PATH_UNCLEAR = "PATH_UNCLEAR"
    RANGE_UNCLEAR = "RANGE_UNCLEAR"
    STAGES_UNCLEAR = "STAGES_UNCLEAR"
    WEIGHTS_ABOVE_100 = "WEIGHTS_ABOVE_100"


class WarningCode(StrEnum):
    """What is odd in a case file, and is kept as it is."""

    SUM_DIFFERS = "SUM_DIFFERS"
    PATH_DIFFERS = "PATH_DIFFERS"
    NUMBER_MISSING = "NUMBER_MISSING"
    UNIT_MISSING = "UNIT_MISSING"
    NO_FLOW = "NO_FLOW"
    FLOW_AMBIGUOUS = "FLOW_AMBIGUOUS"
    SKIPS_LEVEL = "SKIPS_LEVEL"
    OUTPUTS_NOT_KEPT = "OUTPUTS_NOT_KEPT"
    HEAD_UNCLEAR = "HEAD_UNCLEAR"
    SELF_PARENT = "SELF_PARENT"
    MISPLACED = "MISPLACED"
    WEIGHTS_BELOW_100 = "WEIGHTS_BELOW_100"


@dataclass(frozen=True, slots=True)
class Fault:
    """What refuses a file. `place` is a path with the code: `targets[17] "S3.2"`."""

    place: str
    code: FaultCode
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True)
class CaseWarning:
    """What somebody should look at; the file loads all the same."""

    place: str
    code: WarningCode
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitEntry:
    place: str
    code: str
    parent: str | None
    name: str
    level: str
    timezone: str | None = None
    self_parent: bool = False
    misplaced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EmployeeEntry:
    place: str
    nip: str
    name: str
    unit: str
    position: str
    appraiser: str | None
    kind: AssignmentKind
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageEntry:
    place: str
    order: int
    title: str
    evidence: str | None
    weight: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorEntry:
    """`points` is the planned path (cumulative), empty where the source gives none."""

    place: str
    position: int
    aspect: Aspect
    title: str
    unit_of_measure: str | None
    polarity: Polarity
    accumulation: Accumulation
    planned: Decimal | None
    minimum: Decimal | None
    maximum: Decimal | None
    baseline: Decimal | None
    points: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceEntry:
    """A target that is served besides the parent, and the percent of it that this counts."""

    place: str
    parent: str
    weight: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetEntry:
    """`cascade` is None for a target without a parent. Exactly one owner is given.

    `direct_sum_of` names the target whose number the direct children add up to, where the
    source says so; `outputs` are planned proofs that no stage could take up. `weight` is percent
    of the parent, of a weighted cascade only.
    """

    place: str
    code: str
    parent: str | None
    cascade: EdgeKind | None
    title: str
    kind: TargetKind
    owner_unit: str | None
    owner_nip: str | None
    indicators: tuple[IndicatorEntry, ...] = ()
    stages: tuple[StageEntry, ...] = ()
    direct_sum_of: str | None = None
    outputs: int = 0
    weight: Decimal | None = None
    also_serves: tuple[ServiceEntry, ...] = ()
    category: ResultCategory = ResultCategory.MAIN
    assigned_by: str | None = None
    perspective: Perspective | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A whole file. `starts_on` and `ends_on` bound the period, both inclusive.

    `timezone` is None where the file says none. `heads` holds the NIPs of those who lead their
    unit; it is filled once the people are checked.
    """

    agency_code: str
    agency_name: str
    timezone: str | None
    period_code: str
    starts_on: date
    ends_on: date
    units: tuple[UnitEntry, ...]
    employees: tuple[EmployeeEntry, ...] = ()
    targets: tuple[TargetEntry, ...] = ()
    heads: frozenset[str] = frozenset()


def quoted(text: str) -> str:
    """A text as shown in a message: in quotes, cut at 80, with nothing that moves a terminal."""
    cut = text if len(text) <= 80 else text[:80] + "…"
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def figure(value: Decimal) -> str:
    """A number as shown in a message: 176, 2.5; never in exponents."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
