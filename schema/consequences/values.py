"""What rules of consequences take and answer, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from schema.appraisals.models import Predicate
from schema.consequences.models import Employment, FunctionalLevel
from schema.organizations.models import AssignmentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanResult:
    """A signed final appraisal of one plan of the year: of a post, with the months of service in
    it and the functional level held on its last day."""

    appraisal_id: UUID
    post: AssignmentKind
    starts_on: date
    ends_on: date
    months: int
    predicate: Predicate
    level: FunctionalLevel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Low:
    """Something that was rated below expectation, or that feedback found weak: `about` names the
    result or behaviour, `kind` is RESULT, BEHAVIOUR or FEEDBACK."""

    kind: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendance:
    """A month of attendance (*presensi*): days without leave, and each late arrival and early
    leaving in minutes. `days_asked` asked for work."""

    days_asked: int
    absent_days: int
    late_minutes: Sequence[int] = ()
    early_minutes: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthFacts:
    """What an allowance of a month is worked out from. `predicates` by what a scheme may go by
    (SAME_PERIOD, PREVIOUS_PERIOD, PREVIOUS_YEAR); None where there is none. `achievement` is
    percent of what was due, by the month's or quarter's appraisal."""

    base: Decimal
    employment: Employment
    predicates: Mapping[str, Predicate | None]
    achievement: Decimal | None
    attendance: Attendance


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a breakdown: what, by which words of the rule, and what it came to."""

    name: str
    basis: str
    amount: Decimal | None = None
    percent: Decimal | None = None
    appraisal_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a rule set answers. `amount` and `label` are those of `models.Consequence`; `more` is
    what a kind says besides, such as the points that the next grade needs."""

    amount: Decimal | None
    label: str | None
    lines: Sequence[Line]
    more: Mapping[str, object] = field(default_factory=dict)
