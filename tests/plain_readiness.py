"""The check before a cycle without SQL: each kind is a loop over rows in memory, for
`tests/reference.py`."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from schema.organizations.models import Agency, Assignment, AssignmentKind, Employee, Unit
from schema.organizations.models import UnitPlacement as Placement
from schema.plans.models import (
    Approach,
    EvaluationKind,
    EvaluationPeriod,
    PerformancePlan,
    PlanState,
)
from schema.policies.models import AgencyPolicy
from schema.readiness.rules import RULES, Mender, ProblemKind
from schema.targets.models import (
    Accumulation,
    EdgeKind,
    Indicator,
    Polarity,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)
from schema.values import plain

MAKING = (PlanState.DRAFT, PlanState.RETURNED)
NOBODY = (Mender.ADMINISTRATOR, None)


@dataclass(frozen=True)
class Problem:
    """One problem; `about` is the row that it speaks of."""

    kind: ProblemKind
    key: UUID
    about: Any
    detail: str
    mender: Mender
    mender_id: UUID | None

    @property
    def severity(self) -> str:
        return RULES[self.kind].severity


class PlainCheck:
    """All problems of one period, as of today or the nearest day of the period."""

    def __init__(self, rows: Any, period: Any, today: date) -> None:
        self.rows, self.period = rows, period
        self.on = min(max(today, period.starts_on), period.ends_on)
        self.agency = rows.get(Agency, period.agency_id)

    def holds(self, row: Any) -> bool:
        return row.starts_on <= self.on and (row.ends_on is None or row.ends_on > self.on)

    # What the kinds are found from

    @cached_property
    def posts(self) -> list[Any]:
        people = self.rows.by_key[Employee]
        return [
            post
            for post in self.rows.all(Assignment)
            if people[post.employee_id].agency_id == self.agency.id and self.holds(post)
        ]

    @cached_property
    def people(self) -> list[Any]:
        return [self.rows.get(Employee, key) for key in {post.employee_id for post in self.posts}]

    def posts_of(self, person: Any) -> list[Any]:
        return [post for post in self.posts if post.employee_id == person.id]

    def known_post(self, person: Any) -> Any:
        order = list(AssignmentKind)
        posts = sorted(self.posts_of(person), key=lambda p: (p.starts_on, p.id), reverse=True)
        # DEFINITIVE, PLH, PLT: as texts are sorted
        return min(posts, key=lambda p: sorted(order).index(p.kind))

    @cached_property
    def units(self) -> list[Any]:
        return self.rows.where(Unit, agency_id=self.agency.id)

    def above(self, unit: Any) -> Any:
        found = [p for p in self.rows.where(Placement, unit_id=unit.id) if self.holds(p)]
        return self.rows.get(Unit, found[0].parent_id) if found else None

    def head(self, unit: Any) -> UUID | None:
        found = [p.employee_id for p in self.posts if p.heads_unit and p.unit_id == unit.id]
        return found[0] if found else None

    def head_above(self, unit: Any) -> UUID | None:
        above = self.above(unit)
        return None if above is None else self.head(above)

    @cached_property
    def plans(self) -> list[Any]:
        held = {post.id for post in self.posts}
        plans = self.rows.where(PerformancePlan, period_id=self.period.id)
        return [plan for plan in plans if plan.assignment_id in held]

    @cached_property
    def targets(self) -> list[Any]:
        people = self.rows.by_key[Employee]
        return [
            target
            for target in self.rows.where(Target, period_id=self.period.id)
            if target.owner_unit_id is not None
            or people[target.owner_employee_id].agency_id == self.agency.id
        ]

    @cached_property
    def indicators(self) -> list[tuple[Any, Any]]:
        """Each with its target: those that are counted."""
        return [
            (row, target)
            for target in self.targets
            if target.kind is not TargetKind.STAGED
            for row in self.rows.where(Indicator, target_id=target.id)
        ]

    @cached_property
    def in_numbers(self) -> list[tuple[Any, Any]]:
        """Those of them that are not of plans in words."""
        words = {p.id for p in self.rows.where(PerformancePlan, approach=Approach.QUALITATIVE)}
        return [(row, target) for row, target in self.indicators if target.plan_id not in words]

    def of_plan(self, plan: Any) -> tuple[Mender, UUID | None]:
        if plan.state in MAKING:
            return Mender.EMPLOYEE, plan.employee_id
        return Mender.APPRAISER, self.rows.get(Assignment, plan.assignment_id).appraiser_id

    def of_target(self, target: Any) -> tuple[Mender, UUID | None]:
        if target.owner_unit_id is not None:
            unit = self.rows.get(Unit, target.owner_unit_id)
            return Mender.HEAD, self.head(unit) or self.head_above(unit)
        plan = self.rows.get(PerformancePlan, target.plan_id)
        if plan is None:
            return Mender.EMPLOYEE, target.owner_employee_id
        return self.of_plan(plan)

    # The kinds

    def problems(self, kind: str | None = None) -> list[Problem]:
        found = []
        for one in ProblemKind:
            if kind not in (None, one):
                continue
            for key, about, detail, (mender, who) in getattr(self, one.lower())():
                by = mender if who is not None else Mender.ADMINISTRATOR
                found.append(Problem(one, key, about, detail, by, who))
        return found

    def no_superior(self) -> Iterator[Any]:
        tops = {self.head(unit) for unit in self.units if self.above(unit) is None}
        here = {person.id for person in self.people}
        for person in self.people:
            superior = self.rows.get(Employee, self.known_post(person).appraiser_id)
            if person.id in tops:
                continue
            if superior is None:
                yield person.id, person, "no appraiser", NOBODY
            elif superior.agency_id == self.agency.id and superior.id not in here:
                words = f"the appraiser, {superior.name}, holds no post"
                yield person.id, person, words, NOBODY

    def superior_without_plan(self) -> Iterator[Any]:
        planned = {plan.employee_id for plan in self.plans}
        for person in self.people:
            below = {p.employee_id for p in self.posts if p.appraiser_id == person.id}
            if below and person.id not in planned:
                words = f"no plan; appraises {len(below)}"
                yield person.id, person, words, (Mender.EMPLOYEE, person.id)

    def superior_twice(self) -> Iterator[Any]:
        for person in self.people:
            posts, reasons = self.posts_of(person), []
            for acting, word in ((False, "definitive"), (True, "acting")):
                heads = [
                    p
                    for p in posts
                    if p.heads_unit and (p.kind is not AssignmentKind.DEFINITIVE) is acting
                ]
                if len(heads) > 1:
                    reasons.append(f"heads {len(heads)} units at once, {word}")
            for kind in AssignmentKind:
                by = {p.appraiser_id for p in posts if p.kind is kind} - {None}
                if len(by) > 1:
                    reasons.append(f"{len(by)} appraisers for posts of {kind}")
            if person.id in self.line(person.id):
                reasons.append("among their own superiors")
            if reasons:
                yield person.id, person, "; ".join(sorted(reasons)), NOBODY

    def line(self, person: UUID) -> set[UUID]:
        """All above somebody, themselves where the line leads back."""
        found: set[UUID] = set()
        waiting = [person]
        while waiting:
            below = waiting.pop()
            for post in self.posts:
                above = post.appraiser_id
                if post.employee_id == below and above is not None and above not in found:
                    found.add(above)
                    waiting.append(above)
        return found

    def empty_post(self) -> Iterator[Any]:
        for unit in self.units:
            people = {p.employee_id for p in self.posts if p.unit_id == unit.id}
            below = [u for u in self.units if self.above(u) is unit]
            if self.head(unit) is None and (people or below):
                words = f"no head; people: {len(people)}, units below: {len(below)}"
                yield unit.id, unit, words, (Mender.HEAD, self.head_above(unit))

    def unit_without_goal(self) -> Iterator[Any]:
        for unit in self.units:
            head = self.head(unit)
            served = any(
                t.owner_unit_id == unit.id or (head is not None and t.owner_employee_id == head)
                for t in self.targets
            )
            if any(p.unit_id == unit.id for p in self.posts) and not served:
                by = (Mender.HEAD, head or self.head_above(unit))
                yield unit.id, unit, "no target of the unit or of its head", by

    def of_indicators(self, chosen: Iterable[tuple[Any, Any, str]]) -> Iterator[Any]:
        for row, target, words in chosen:
            yield row.id, target, f'"{row.title}": {words}', self.of_target(target)

    def indicator_without_number(self) -> Iterator[Any]:
        return self.of_indicators(
            (i, t, "no number planned")
            for i, t in self.in_numbers
            if (i.planned, i.minimum, i.maximum) == (None, None, None)
        )

    def indicator_without_unit(self) -> Iterator[Any]:
        return self.of_indicators(
            (i, t, "no unit of measure")
            for i, t in self.in_numbers
            if not (i.unit_of_measure or "").strip(" ")
        )

    def baseline_beyond_target(self) -> Iterator[Any]:
        beyond = {
            Polarity.RISING: lambda i: i.baseline > i.planned,
            Polarity.FALLING: lambda i: i.baseline < i.planned,
            Polarity.RANGE: lambda i: False,
        }
        return self.of_indicators(
            (i, t, f"{plain(i.planned)} planned, begins at {plain(i.baseline)}")
            for i, t in self.indicators
            if None not in (i.baseline, i.planned) and beyond[i.polarity](i)
        )

    def children_do_not_add_up(self) -> Iterator[Any]:
        sums: dict[UUID, Any] = {}
        for row, _ in self.indicators:
            into = row.contributes_to_id
            if into and row.accumulation is Accumulation.SUM and row.planned is not None:
                sums[into] = sums.get(into, 0) + row.planned
        return self.of_indicators(
            (i, t, f"{plain(i.planned)} planned, children make {plain(sums[i.id])}")
            for i, t in self.indicators
            if i.id in sums and i.planned is not None and i.planned != sums[i.id]
        )

    def weights_do_not_add_up(self) -> Iterator[Any]:
        weights: dict[UUID, Any] = defaultdict(int)
        for edge in self.rows.where(TargetEdge, kind=EdgeKind.WEIGHTED):
            weights[edge.parent_id] += edge.weight
        for target in self.targets:
            if target.id not in weights:
                continue
            weight = weights[target.id]
            table = Stage if target.kind is TargetKind.STAGED else Indicator
            alone = not self.rows.where(table, target_id=target.id)
            if weight > 100 or (weight < 100 and alone):
                words = f"weights of the children make {plain(weight)}"
                rest = ", and nothing of its own has the rest" if weight < 100 else ""
                yield target.id, target, words + rest, self.of_target(target)

    def staged_without_stages(self) -> Iterator[Any]:
        for target in self.targets:
            if target.kind is TargetKind.STAGED and not self.rows.where(Stage, target_id=target.id):
                yield target.id, target, "no stage", self.of_target(target)

    def person_without_target(self) -> Iterator[Any]:
        headed = {
            self.head(u) for u in self.units if any(t.owner_unit_id == u.id for t in self.targets)
        }
        filled = {target.plan_id for target in self.targets}
        for person in self.people:
            plans = [plan for plan in self.plans if plan.employee_id == person.id]
            by = (Mender.EMPLOYEE, person.id)
            if not plans:
                yield person.id, person, "no plan", by
            elif person.id not in headed and not any(plan.id in filled for plan in plans):
                yield person.id, person, "no result in the plan", by

    def plan_not_set(self) -> Iterator[Any]:
        policies = [
            row
            for row in self.rows.where(AgencyPolicy, agency_id=self.agency.id)
            if row.starts_on <= self.period.starts_on
        ]
        policies.sort(key=lambda row: (row.starts_on, row.id))
        days = policies[-1].plan_days if policies else 31
        for plan in self.plans:
            until = max(plan.starts_on, self.period.starts_on) + timedelta(days=days - 1)
            if plan.state not in (PlanState.APPROVED, PlanState.CLOSED) and until < self.on:
                person = self.rows.get(Employee, plan.employee_id)
                words = f"{plan.state}, was to be set by {until}"
                yield plan.id, person, words, self.of_plan(plan)

    @property
    def evaluations(self) -> list[Any]:
        return self.rows.where(EvaluationPeriod, period_id=self.period.id)

    def no_evaluation_periods(self) -> Iterator[Any]:
        if not self.evaluations:
            words = f"none from {self.period.starts_on} to {self.period.ends_on}"
            yield self.period.id, None, words, NOBODY

    def evaluation_gap(self) -> Iterator[Any]:
        rows = self.evaluations
        days = (self.period.ends_on - self.period.starts_on).days + 1
        gaps: list[list[date]] = []
        for day in (self.period.starts_on + timedelta(days=n) for n in range(days)):
            covered = any(
                row.starts_on <= day <= row.ends_on
                for row in rows
                if row.kind is not EvaluationKind.FINAL
            )
            if covered:
                continue
            if gaps and gaps[-1][-1] == day - timedelta(days=1):
                gaps[-1].append(day)
            else:
                gaps.append([day])
        if rows and gaps:
            words = ", ".join(f"{gap[0]} to {gap[-1]}" for gap in gaps)
            yield self.period.id, None, f"nothing evaluates {words}", NOBODY


@dataclass(frozen=True)
class Found:
    """What `CycleCheck` shows."""

    on: date
    found: list[Problem]


def found(rows: Any, period: Any, today: date, kind: str | None) -> Found:
    check = PlainCheck(rows, period, today)
    return Found(check.on, check.problems(kind))


def counted(problems: Sequence[Problem]) -> list[SimpleNamespace]:
    """Counts by kind, what blocks first."""
    kinds = sorted({(problem.severity, problem.kind) for problem in problems})
    return [
        SimpleNamespace(
            severity=severity, kind=kind, count=sum(one.kind == kind for one in problems)
        )
        for severity, kind in kinds
    ]
