"""A plain executor to hold the read path against: every row in memory, one function a field.

What the first resolvers and their loaders did, without SQL: graphql-core executes, `schema.access`
decides who sees what, and the rules compute. It shares the SDL with the served schema and nothing
of `schema/selection`.
"""

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from graphql import ExecutionResult, GraphQLSchema, execute, is_object_type, parse
from strawberry.relay import from_base64, to_base64

from schema.access import (
    AGENCY_WIDE,
    Scope,
    can_administer,
    can_audit,
    can_see_appraisal,
    can_see_content,
    can_see_directory,
    can_see_work_of,
)
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalLine,
    AppraisalSeal,
    FeedbackAnswer,
    FeedbackRequest,
    ResultDelivery,
    UnitRating,
)
from schema.consequences.models import Consequence, RuleSet
from schema.consequences.rule_texts import packaged, packaged_rules
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventRow
from schema.feeds.models import (
    ConnectorEvent,
    ConnectorProblem,
    ConnectorTask,
    DeadLetter,
    DirectoryChange,
    InboxItem,
    Installation,
    Plugin,
    PluginState,
    Run,
)
from schema.feeds.rules import CRITICAL, fix_of, health
from schema.feeds.settings import shown
from schema.graph import build_schema
from schema.matrices.models import CascadeTemplate, MatrixCell, MatrixMember, RoleMatrix
from schema.matrices.rules import results_in
from schema.notices.models import Contact, Notice
from schema.notices.rules import MemberFacts, TeamFacts
from schema.notices.words import body_of_team, subject_of_team
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    Agency,
    Assignment,
    ClockDirection,
    ClockEvent,
    DayDone,
    Employee,
    Unit,
    UnitPlacement,
)
from schema.plans.models import (
    ActionPlan,
    Behaviour,
    BehaviourExpectation,
    EvaluationEvent,
    EvaluationKind,
    EvaluationPeriod,
    Feedback,
    PerformancePlan,
    PlanAttachment,
    PlanEvent,
)
from schema.policies.models import AgencyPolicy, Holiday, WorkingWeek
from schema.policies.rules import (
    DEFAULT,
    USUAL_WEEK,
    Policy,
    Week,
    effective_minutes,
    excused_minutes,
    is_off,
    required_minutes,
    short_minutes,
    week_of,
)
from schema.progress.models import (
    Activity,
    DailyLog,
    Evidence,
    MappingRule,
    ProgressRecord,
    RecordEvent,
    RecordState,
    Retraction,
)
from schema.progress.rules import day_status
from schema.tables import Row
from schema.targets.explaining import formula, plan_formula
from schema.targets.models import (
    Accumulation,
    EdgeKind,
    Indicator,
    Period,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
    TrajectoryPoint,
)
from schema.targets.rules import (
    Child,
    Measured,
    Point,
    Result,
    StageFacts,
    achieved,
    known_share,
    plan_percentage,
)
from schema.targets.tracking import GOOD, worst
from schema.teams.models import DayClose, PresenceClock
from schema.teams.rules import Away, DayFacts
from schema.values import local_date, plain
from tests import plain_appraisals, plain_boards, plain_consequences, plain_feedback
from tests.plain_readiness import counted as counted_problems
from tests.plain_readiness import found as found_problems

TABLES: tuple[type[Row], ...] = (
    *plain_consequences.TABLES,
    RuleSet,
    AppraisalEvent,
    AppraisalLine,
    AppraisalSeal,
    UnitRating,
    Absence,
    Appraisal,
    FeedbackAnswer,
    FeedbackRequest,
    Contact,
    Notice,
    AbsenceEvent,
    DayClose,
    DayDone,
    PresenceClock,
    Activity,
    ActionPlan,
    Appraisal,
    ResultDelivery,
    EvaluationEvent,
    EvaluationPeriod,
    Feedback,
    PlanAttachment,
    PlanEvent,
    Agency,
    Assignment,
    AgencyPolicy,
    BehaviourExpectation,
    CascadeTemplate,
    ClockEvent,
    ConnectorEvent,
    ConnectorProblem,
    DailyLog,
    EvaluationPeriod,
    Holiday,
    WorkingWeek,
    ConnectorTask,
    DeadLetter,
    DirectoryChange,
    Employee,
    Evidence,
    InboxItem,
    Indicator,
    Installation,
    MappingRule,
    MatrixCell,
    MatrixMember,
    PerformancePlan,
    Period,
    Plugin,
    ProgressRecord,
    RecordEvent,
    Retraction,
    RoleMatrix,
    Run,
    Stage,
    Target,
    TargetEdge,
    TrajectoryPoint,
    Unit,
    UnitPlacement,
)
NAMES = {"Connector": Installation, "Post": Assignment}
assert EventRow not in TABLES


@dataclass(frozen=True)
class Rows:
    """All rows of all tables, and what each appraisal rests on."""

    by_key: Mapping[type[Row], Mapping[UUID, Any]]
    evidence: Mapping[UUID, Any]

    @classmethod
    async def read(cls) -> "Rows":
        rows = {table: {row.id: row for row in await table.all()} for table in TABLES}
        return cls(rows, await plain_appraisals.evidence())

    def all(self, table: type[Row]) -> Iterable[Any]:
        return self.by_key[table].values()

    def get(self, table: type[Row], key: UUID | None) -> Any:
        return self.by_key[table].get(key) if key else None

    def where(self, table: type[Row], **values: Any) -> list[Any]:
        return [
            row
            for row in self.all(table)
            if all(getattr(row, name) == value for name, value in values.items())
        ]


@dataclass(frozen=True)
class Day:
    """One employee's one day."""

    employee_id: UUID
    on: date
    required_minutes: int
    recorded_minutes: int
    pending_minutes: int
    pending_count: int
    last_activity_at: datetime | None


@dataclass(frozen=True)
class Knot:
    """A target on a red thread, whoever may see it whole."""

    target: Target

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


class Reference:
    """What one viewer sees at one instant."""

    def __init__(self, rows: Rows, scope: Scope, now: datetime) -> None:
        self.rows, self.scope, self.now = rows, scope, now
        self.today = local_date(now, scope.timezone)

    # Who sees what

    def works(self, employee_id: UUID | None) -> bool:
        person = self.rows.get(Employee, employee_id)
        return person is not None and can_see_work_of(self.scope, person)

    def sees(self, row: Any) -> bool:
        """The policy for a row of any table that has nodes."""
        match row:
            case Agency():
                return can_see_directory(self.scope, row.id)
            case Unit():
                return can_see_directory(self.scope, row.agency_id)
            case Employee():
                return can_see_directory(self.scope, row.agency_id) or self.works(row.id)
            case Knot():
                return self.sees(row.target)
            case Target() if row.owner_employee_id is None:
                return can_see_directory(self.scope, row.agency_id)
            case Target():
                return self.works(row.owner_employee_id)
            case Indicator() | Stage() | ActionPlan():
                return self.sees(self.rows.get(Target, row.target_id))
            case Assignment():
                return self.sees(self.rows.get(Employee, row.employee_id))
            case EvaluationPeriod():
                period = self.rows.get(Period, row.period_id)
                return can_see_directory(self.scope, period.agency_id)
            case Feedback():
                return self.sees(self.rows.get(PerformancePlan, row.plan_id))
            case Appraisal():
                person = self.rows.get(Employee, row.employee_id)
                return can_see_appraisal(self.scope, row, person)
            case UnitRating():
                unit = self.rows.get(Unit, row.unit_id)
                return self.works(row.head_id) or can_audit(self.scope, unit.agency_id)
            case PerformancePlan() | Absence():
                return self.works(row.employee_id)
            case RoleMatrix():
                mine = {"matrix_id": row.id, "employee_id": self.scope.employee_id}
                plan = self.rows.get(PerformancePlan, row.plan_id)
                return self.sees(plan) or bool(self.rows.where(MatrixMember, **mine))
            case MatrixCell():
                return self.sees(self.matrix_of(row))
            case CascadeTemplate() | RuleSet():
                return can_see_directory(self.scope, row.agency_id)
            case ProgressRecord():
                person = self.rows.get(Employee, row.employee_id)
                pending = row.state is RecordState.PENDING
                return can_see_content(self.scope, person, pending=pending)
            case Activity():
                records = self.rows.where(ProgressRecord, activity_id=row.id)
                return row.employee_id == self.scope.employee_id or any(map(self.sees, records))
            case Appraisal():
                return plain_feedback.sees_appraisal(self, row)
            case FeedbackRequest():
                return plain_feedback.sees_request(self, row)
            case Consequence():
                return plain_consequences.sees(self, row)
            case Notice():
                return row.employee_id == self.scope.employee_id
            case Installation():
                return can_audit(self.scope, row.agency_id)
            case Run() | DeadLetter() | ConnectorTask() | ConnectorProblem() | ConnectorEvent():
                return self.sees(self.rows.get(Installation, row.installation_id))
            case ResultDelivery():
                return self.sees(self.rows.get(Installation, row.installation_id))
            case Appraisal():
                person = self.rows.get(Employee, row.employee_id)
                return can_see_appraisal(self.scope, row, person)
        raise AssertionError(row)

    def seen(self, row: Any) -> Any:
        return row if row is not None and self.sees(row) else None

    def only_seen(self, rows: Iterable[Any]) -> list[Any]:
        return [row for row in rows if self.sees(row)]

    # Matrices

    def matrix_of(self, cell: Any) -> Any:
        member = self.rows.get(MatrixMember, cell.member_id)
        return self.rows.get(RoleMatrix, member.matrix_id)

    def columns(self, matrix: Any) -> list[Knot]:
        """Whole for whoever sees the leader's work, else title and owner."""
        results = self.rows.where(Target, plan_id=matrix.plan_id)
        ordered = sorted(results, key=lambda row: (row.position, row.code))
        return [Knot(row) for row in ordered]

    def matrix_rows(self, person: Any, period: str) -> list[tuple[Any, Any]]:
        """Somebody's rows of a period, each with its matrix; one without results is of none."""
        found = []
        for member in self.rows.where(MatrixMember, employee_id=person.id):
            matrix = self.rows.get(RoleMatrix, member.matrix_id)
            plan = self.rows.get(PerformancePlan, matrix.plan_id)
            of_period = self.rows.get(Period, plan.period_id).code == period
            if of_period and self.columns(matrix) and self.sees(matrix):
                found.append((member, matrix))
        return found

    # Organizations

    def holds(self, row: Any, day: date) -> bool:
        return row.starts_on <= day and (row.ends_on is None or row.ends_on > day)

    def posts(self, day: date | None = None, **values: Any) -> list[Any]:
        return [
            p for p in self.rows.where(Assignment, **values) if self.holds(p, day or self.today)
        ]

    def post(self, employee: Any) -> Any:
        posts = sorted(self.posts(employee_id=employee.id), key=lambda p: (p.starts_on, p.id))
        posts.sort(key=lambda p: p.kind, reverse=True)  # PLT, PLH, then DEFINITIVE
        if not posts:
            return None
        return max(
            (p for p in posts if p.kind == posts[-1].kind), key=lambda p: (p.starts_on, p.id)
        )

    def people(self, keys: Iterable[UUID]) -> list[Any]:
        return [self.rows.get(Employee, key) for key in set(keys)]

    def placed(self, **values: Any) -> list[Any]:
        return [p for p in self.rows.where(UnitPlacement, **values) if self.holds(p, self.today)]

    def above(self, unit: Any) -> Any:
        places = self.placed(unit_id=unit.id)
        return self.rows.get(Unit, places[0].parent_id) if places else None

    # Targets

    def of_period(self, period: str, **values: Any) -> list[Any]:
        rows = [
            row
            for row in self.rows.where(Target, **values)
            if self.rows.get(Period, row.period_id).code == period
        ]
        return self.in_order(rows)

    def in_order(self, rows: Iterable[Any]) -> list[Any]:
        return sorted(self.only_seen(rows), key=lambda row: (row.position, row.code))

    def edge_up(self, key: UUID) -> Any:
        edges = self.rows.where(TargetEdge, child_id=key, primary=True)
        return edges[0] if edges else None

    def path(self, key: UUID | None) -> list[Knot]:
        target, path = self.rows.get(Target, key), []
        if target is None or not self.on_a_thread(target):
            return []
        while target is not None:
            path.insert(0, Knot(target))
            edge = self.edge_up(target.id)
            target = edge and self.rows.get(Target, edge.parent_id)
        return path

    def on_a_thread(self, target: Target) -> bool:
        """Seen, or above one that is."""
        below = [edge.child_id for edge in self.rows.where(TargetEdge, parent_id=target.id)
                 if edge.primary]  # fmt: skip
        return self.sees(target) or any(self.on_a_thread(self.rows.get(Target, k)) for k in below)

    def actual(self, indicator: Any, day: date) -> Decimal | None:
        records = [
            r
            for r in self.rows.where(ProgressRecord, indicator_id=indicator.id)
            if r.state is RecordState.CONFIRMED and r.day <= day
        ]
        own = None
        if records and indicator.accumulation is Accumulation.SUM:
            own = sum((r.quantity for r in records), Decimal(0))
        elif records:
            own = max(records, key=lambda r: (r.ends_at, r.id)).quantity
        flows = self.rows.where(Indicator, contributes_to_id=indicator.id)
        known = [v for v in (own, *(self.actual(one, day) for one in flows)) if v is not None]
        return sum(known, Decimal(0)) if known else None

    def points(self, indicator: Any) -> list[Any]:
        return sorted(
            self.rows.where(TrajectoryPoint, indicator_id=indicator.id), key=lambda p: p.day
        )

    def policy(self, target: Any) -> Policy | None:
        """The policy of the first day of the target's period."""
        first = self.rows.get(Period, target.period_id).starts_on
        last = self.policy_on(target.agency_id, first)
        if last is None:
            return None
        return Policy(**{item.name: getattr(last, item.name) for item in fields(Policy)})

    def policy_on(self, agency_id: UUID, day: date) -> Any:
        """The version that holds on a day."""
        rows = self.rows.where(AgencyPolicy, agency_id=agency_id)
        before = [row for row in rows if row.starts_on <= day]
        return max(before, key=lambda row: (row.starts_on, row.id), default=None)

    def measured(self, row: Any) -> Measured:
        return Measured(
            polarity=row.polarity,
            planned=row.planned,
            minimum=row.minimum,
            maximum=row.maximum,
            baseline=row.baseline,
            realized=row.realized,
            points=[Point(point.day, point.planned) for point in self.points(row)],
        )

    def achievement(
        self,
        target: Any,
        indicators: list[Any],
        stages: list[Any],
        edges: list[Any],
        of_indicator: Any = None,
        **known: Any,
    ) -> SimpleNamespace:
        """What the rules make of rows."""
        each = [self.measured(row) for row in indicators]
        facts = (
            each,
            [StageFacts(weight=s.weight, completed_on=s.completed_on) for s in stages],
            [Child(weight=e.weight, achieved=e.achieved) for e in edges],
            self.policy(target),
        )
        verdict = worst(each, self.today, facts[3])
        return SimpleNamespace(
            percentage=achieved(*facts),
            known_share=known_share(*facts),
            on_track=verdict.status in GOOD,
            track=verdict,
            facts=facts,
            of_target=target,
            of_indicator=of_indicator,
            as_of=max((row.realized_at for row in indicators if row.realized_at), default=None),
            **known,
        )

    def counts(self, target: Any) -> bool:
        """Whether a result counts in its plan's score."""
        handed_on = self.rows.where(TargetEdge, parent_id=target.id, kind=EdgeKind.DIRECT)
        plan = self.rows.get(PerformancePlan, target.plan_id)
        return not handed_on or self.rows.get(Assignment, plan.assignment_id).heads_unit

    def facts(self, target: Any) -> tuple[Any, Any, Any, Any]:
        """What the rules take of a target."""
        staged = target.kind is TargetKind.STAGED
        stages = self.rows.where(Stage, target_id=target.id) if staged else []
        each = [] if staged else self.rows.where(Indicator, target_id=target.id)
        edges = self.rows.where(TargetEdge, parent_id=target.id, kind=EdgeKind.WEIGHTED)
        return (
            [self.measured(row) for row in sorted(each, key=lambda one: one.position)],
            [
                StageFacts(weight=s.weight, completed_on=s.completed_on)
                for s in sorted(stages, key=lambda one: one.position)
            ],
            [
                Child(weight=e.weight, achieved=e.achieved)
                for e in sorted(edges, key=lambda one: one.id)
            ],
            self.policy(target),
        )

    def plan_explanation(self, plan: Any) -> SimpleNamespace:
        results, policy = self.plan_results(plan)
        counting = [t for t in self.rows.where(Target, plan_id=plan.id) if self.counts(t)]
        behind = {one.id: one for t in counting for one in self.behind(t, None)}
        return SimpleNamespace(
            formula=plan_formula(results, policy),
            results=self.in_order(counting),
            record_count=len(behind),
            counted=list(behind.values()),
        )

    def plan_percentage(self, plan: Any) -> Decimal | None:
        return plan_percentage(*self.plan_results(plan))

    def plan_results(self, plan: Any) -> tuple[list[Result], Policy | None]:
        targets = self.rows.where(Target, plan_id=plan.id)
        results = []
        for target in sorted(targets, key=lambda one: (one.position, one.code)):
            indicators, stages, children, _ = self.facts(target)
            counts = self.counts(target)
            results.append(
                Result(counts=counts, indicators=indicators, stages=stages, children=children)
            )
        period = self.rows.get(Period, plan.period_id)
        here = SimpleNamespace(agency_id=period.agency_id, period_id=period.id)
        return results, self.policy(here)

    def behind(self, target: Any, indicator: Any) -> list[Any]:
        """The confirmed records behind a figure, whoever may see them."""
        counting, flow = [], []
        if indicator is None:
            counting = [target.id]
            for key in counting:
                below = self.rows.where(TargetEdge, parent_id=key, kind=EdgeKind.WEIGHTED)
                counting += [e.child_id for e in below if e.child_id not in counting]
            for key in counting:
                if self.rows.get(Target, key).kind is not TargetKind.STAGED:
                    flow += [row.id for row in self.rows.where(Indicator, target_id=key)]
        else:
            flow = [indicator.id]
        for key in flow:
            into = self.rows.where(Indicator, contributes_to_id=key)
            flow += [row.id for row in into if row.id not in flow]
        stages = [
            stage.id
            for key in counting
            if self.rows.get(Target, key).kind is TargetKind.STAGED
            for stage in self.rows.where(Stage, target_id=key)
        ]
        return [
            record
            for record in self.rows.where(ProgressRecord, state=RecordState.CONFIRMED)
            if record.indicator_id in flow or record.stage_id in stages
        ]

    def parts(self, target: Any, indicator: Any) -> list[Any]:
        """What a figure is made of, as far as the viewer sees it."""
        found: list[tuple[Any, SimpleNamespace]] = []

        def part(kind: str, place: int, row: Any, of: Any, one: Any, **known: Any) -> None:
            none = {"weight": None, "amount": None, "percentage": None, "completed_on": None}
            values = {"kind": kind, "title": row.title, "target": of, "indicator": one}
            found.append(((kind, place, row.id), SimpleNamespace(**none | values | known)))

        def target_of(row: Any) -> Any:
            return self.rows.get(Target, row.target_id)

        if indicator is not None:
            if indicator.own_records:
                part("OWN", indicator.position, indicator, target, indicator, amount=indicator.own)
            for row in self.rows.where(Indicator, contributes_to_id=indicator.id):
                if self.sees(target_of(row)):
                    amount = row.realized
                    part("DIRECT", row.position, row, target_of(row), row, amount=amount)
        elif target.kind is TargetKind.STAGED:
            for row in self.rows.where(Stage, target_id=target.id):
                known = {"weight": row.weight, "completed_on": row.completed_on}
                part("STAGE", row.position, row, target, None, **known)
        else:
            for row in self.rows.where(Indicator, target_id=target.id):
                part("INDICATOR", row.position, row, target, row, amount=row.realized)
        if indicator is None:
            for e in self.rows.where(TargetEdge, parent_id=target.id, kind=EdgeKind.WEIGHTED):
                child = self.rows.get(Target, e.child_id)
                if self.sees(child):
                    known = {"weight": e.weight, "percentage": e.achieved}
                    part("WEIGHTED", child.position, child, child, None, **known)
        return [one for _, one in sorted(found, key=lambda pair: pair[0])]

    def explanation(self, reached: Any) -> SimpleNamespace:
        records = self.behind(reached.of_target, reached.of_indicator)
        return SimpleNamespace(
            formula=formula(*reached.facts),
            parts=self.parts(reached.of_target, reached.of_indicator),
            record_count=len(records),
            counted=records,
        )

    def superior_results(self, plan: Any) -> list[Any]:
        appraiser = self.rows.get(Assignment, plan.assignment_id).appraiser_id
        plans = [
            one.id
            for one in self.rows.where(PerformancePlan, employee_id=appraiser)
            if one.period_id == plan.period_id
            and one.starts_on <= plan.ends_on
            and one.ends_on >= plan.starts_on
        ]
        rows = [row for row in self.rows.all(Target) if row.plan_id in plans]
        return [Knot(row) for row in sorted(rows, key=lambda row: (row.position, row.code))]

    def reached_indicator(self, row: Any) -> SimpleNamespace:
        return self.achievement(
            self.rows.get(Target, row.target_id),
            [row],
            [],
            [],
            of_indicator=row,
            realized=row.realized,
            planned=row.planned,
            completed_stages=None,
        )

    def reached_target(self, row: Any) -> SimpleNamespace | None:
        staged = row.kind is TargetKind.STAGED
        stages = self.rows.where(Stage, target_id=row.id) if staged else []
        each = [] if staged else self.rows.where(Indicator, target_id=row.id)
        each.sort(key=lambda one: one.position)
        edges = self.rows.where(TargetEdge, parent_id=row.id, kind=EdgeKind.WEIGHTED)
        if not (stages or each or edges):
            return None
        only = each[0] if len(each) == 1 else None
        return self.achievement(
            row,
            each,
            stages,
            edges,
            realized=only and only.realized,
            planned=only and only.planned,
            completed_stages=sum(s.completed_on is not None for s in stages) if staged else None,
        )

    def weeks(self, employee_id: UUID, on: date) -> list[Week]:
        """All weeks that may hold for a person, each with how far above their unit it was set."""
        agency = self.rows.get(Employee, employee_id).agency_id
        above: dict[UUID, int] = {}
        posts = [
            p for p in self.rows.where(Assignment, employee_id=employee_id) if self.holds(p, on)
        ]
        posts.sort(key=lambda p: (p.starts_on, p.id), reverse=True)
        unit = min(posts, key=lambda p: p.kind).unit_id if posts else None
        while unit is not None:
            above[unit] = len(above)
            places = [p for p in self.rows.where(UnitPlacement, unit_id=unit) if self.holds(p, on)]
            unit = places[0].parent_id if places else None
        return [
            Week(
                minutes=week.minutes,
                starts_on=week.starts_on,
                ends_on=week.ends_on,
                distance=None if week.unit_id is None else above[week.unit_id],
                observes_holidays=week.observes_holidays,
                breaks=week.breaks,
                begins_at=week.begins_at.replace(tzinfo=None),
            )
            for week in self.rows.where(WorkingWeek, agency_id=agency)
            if week.unit_id is None or week.unit_id in above
        ]

    def holidays(self, employee_id: UUID) -> list[date]:
        agency = self.rows.get(Employee, employee_id).agency_id
        return [h.day for h in self.rows.where(Holiday, agency_id=agency) if is_off(h.kind)]

    def working(self, employee_id: UUID, on: date) -> int:
        """What a day asks for before leave, of all weeks and holidays."""
        return required_minutes(on, self.weeks(employee_id, on), self.holidays(employee_id))

    def required(self, employee_id: UUID, on: date) -> int:
        """What an unwritten day asks for, accepted leave taken off."""
        week = week_of(self.weeks(employee_id, on), on) or USUAL_WEEK
        working, policy = self.working(employee_id, on), self.counting(employee_id, on)
        off = sum(
            excused_minutes(
                working, week.begins_at, week.breaks[on.weekday()], one.from_time, one.until_time
            )
            for one in self.absences(employee_id, on)
            if one.state is AbsenceState.ACCEPTED
            and one.kind is not AbsenceKind.UNEXCUSED
            and (policy.duty_travel_excuses or one.kind is not AbsenceKind.DUTY_TRAVEL)
        )
        return max(0, working - off)

    def counting(self, employee_id: UUID, on: date) -> Any:
        """How a person's agency counts on a day."""
        return self.policy_on(self.rows.get(Employee, employee_id).agency_id, on) or DEFAULT

    def absences(self, employee_id: UUID, on: date) -> list[Away]:
        """What keeps a person away on a day: reported or accepted; those of all day first."""
        rows = [
            row
            for row in self.rows.where(Absence, employee_id=employee_id)
            if row.starts_on <= on <= row.ends_on
            and row.state in (AbsenceState.REPORTED, AbsenceState.ACCEPTED)
        ]
        rows.sort(key=lambda row: (row.from_time is not None, row.id))
        return [
            Away(
                kind=row.kind,
                state=row.state,
                ends_on=row.ends_on,
                from_time=row.from_time and row.from_time.replace(tzinfo=None),
                until_time=row.until_time and row.until_time.replace(tzinfo=None),
            )
            for row in rows
        ]

    def absences_of_day(self, log: Day) -> list[Any]:
        """Those that keep somebody away on a day: of all day first."""
        rows = [
            row
            for row in self.rows.where(Absence, employee_id=log.employee_id)
            if row.starts_on <= log.on <= row.ends_on
            and row.state in (AbsenceState.REPORTED, AbsenceState.ACCEPTED)
        ]
        rows.sort(key=lambda row: (row.from_time is not None, row.from_time, row.id))
        return rows

    def absences_to_decide(self) -> list[Any]:
        """Reported by those below the viewer, or by those below nobody whom they administer."""
        viewer = self.scope.employee_id
        found = []
        for row in self.rows.where(Absence, state=AbsenceState.REPORTED):
            person = self.rows.get(Employee, row.employee_id)
            above = viewer is not None and viewer in person.superiors
            alone = not person.superiors and can_administer(self.scope, person.agency_id)
            if person.id != viewer and (above or alone):
                found.append(row)
        return found

    def day_facts(self, person: Any, log: Day) -> DayFacts:
        """All that presence is judged by."""
        on, key = log.on, {"employee_id": person.id, "day": log.on}
        week = week_of(self.weeks(person.id, on), on) or USUAL_WEEK
        came = [
            row.at
            for row in self.rows.where(ClockEvent, **key, retracted_at=None)
            if row.direction is ClockDirection.IN
        ]
        done = [row.done_at for row in self.rows.where(DayDone, **key, reopened_at=None)]
        policy = self.counting(person.id, on)
        return DayFacts(
            on=on,
            timezone=person.timezone,
            required_minutes=log.required_minutes,
            recorded_minutes=log.recorded_minutes,
            pending_count=log.pending_count,
            last_activity_at=log.last_activity_at,
            working_minutes=self.working(person.id, on),
            holiday=week.observes_holidays and on in self.holidays(person.id),
            begins_at=week.begins_at,
            break_minutes=week.breaks[on.weekday()],
            clocked_in_at=max(came, default=None),
            done_at=done[0] if done else None,
            away=self.absences(person.id, on),
            active_minutes=policy.active_minutes,
            flexible_minutes=policy.flexible_minutes,
            duty_travel_excuses=policy.duty_travel_excuses,
        )

    # Days and teams

    def day(self, employee_id: UUID, on: date) -> Day:
        rows = self.rows.where(DailyLog, employee_id=employee_id, day=on)
        if not rows:
            return Day(employee_id, on, self.required(employee_id, on), 0, 0, 0, None)
        row = rows[0]
        return Day(
            employee_id,
            on,
            row.required_minutes,
            row.recorded_minutes,
            row.pending_minutes,
            row.pending_count,
            row.last_activity_at,
        )

    def team(self, supervisor: Any, on: date) -> SimpleNamespace:
        return plain_boards.team(self, supervisor, on)

    def oneself(self, on: date | None) -> Any:
        """The one whose line this is, as a member of a team."""
        day = on or self.today
        person = self.rows.get(Employee, self.scope.line)
        closes = self.rows.where(DayClose, day=day, employee_id=person.id)
        return plain_boards.member(self, person, day, closes[0] if closes else None)

    def teams(self, unit: Any, on: date) -> list[Any]:
        people = [
            e for e in self.people(p.employee_id for p in self.posts(on, unit_id=unit.id))
            if can_see_work_of(self.scope, e)
        ]  # fmt: skip
        lead = [
            e for e in sorted(people, key=lambda e: (e.name, e.id))
            if any(self.works(p.employee_id) for p in self.posts(on, appraiser_id=e.id))
        ]  # fmt: skip
        return [self.team(e, on) for e in lead]

    def supervised(self, supervisor: str | None, on: date | None) -> Any:
        key = self.scope.employee_id if supervisor is None else key_in(supervisor, "Employee")
        person = self.rows.get(Employee, key)
        if person is None or not can_see_work_of(self.scope, person):
            raise NotFound("Team")
        return self.team(person, on or self.today)

    # Digests

    def team_facts(self) -> TeamFacts | None:
        """What the viewer's digest is made of; None without a team that worked in two weeks."""
        leader = self.rows.get(Employee, self.scope.employee_id)
        if leader is None:
            return None
        today = local_date(self.now, leader.timezone)
        for day in (today - timedelta(days=n) for n in range(1, 15)):
            posts = self.posts(day, appraiser_id=leader.id)
            people = self.people(p.employee_id for p in posts)
            people = [e for e in people if leader.id in e.superiors]
            if any(self.working(e.id, day) for e in people):
                break
        else:
            return None
        monday = day - timedelta(days=day.weekday())
        until = min(today - timedelta(days=1), monday + timedelta(days=6))
        keys = {e.id for e in people}
        reported = self.rows.where(Absence, state=AbsenceState.REPORTED)
        return TeamFacts(
            on=day,
            week_from=monday,
            week_until=until,
            absences=sum(row.employee_id in keys for row in reported),
            records=sum(
                log.pending_count
                for log in self.rows.all(DailyLog)
                if log.employee_id in keys and log.day > today - timedelta(days=31)
            ),
            members=[
                self.member_facts(e, day, monday, until)
                for e in sorted(people, key=lambda e: (e.name, e.id))
            ],
        )

    def member_facts(self, person: Any, day: date, first: date, last: date) -> MemberFacts:
        """One of the team; a day whose absence is not decided asks for nothing."""
        week = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        open_ = [
            row
            for row in self.rows.where(Absence, employee_id=person.id, state=AbsenceState.REPORTED)
            if row.kind is not AbsenceKind.UNEXCUSED
        ]
        asked = [
            self.day(person.id, on).required_minutes
            for on in week
            if not any(row.starts_on <= on <= row.ends_on for row in open_)
        ]
        return MemberFacts(
            name=person.name,
            nip=person.nip,
            day=self.day_facts(person, self.day(person.id, day)),
            required_minutes=sum(asked),
            recorded_minutes=sum(self.day(person.id, on).recorded_minutes for on in week),
        )

    # Pages

    def page(
        self, rows: Iterable[Any], keys: Callable[[Any], tuple[Any, ...]], newest: bool, args: Any
    ) -> SimpleNamespace:
        backward = args.get("last") is not None or args.get("before") is not None
        if backward and (args.get("first") is not None or args.get("after") is not None):
            raise DomainError(ErrorCode.BAD_USER_INPUT, field="last", detail="")
        size_name, cursor_name = ("last", "before") if backward else ("first", "after")
        size = 20 if args.get(size_name) is None else args[size_name]
        if not 1 <= size <= 100:
            raise DomainError(ErrorCode.PAGE_TOO_LARGE, field=size_name, limit=100)
        ordered = sorted(rows, key=keys, reverse=newest is not backward)
        behind, cursor = ordered, args.get(cursor_name)
        if cursor is not None:
            edge = keys_in(cursor, keys)
            behind = [
                row for row in ordered
                if (keys(row) < edge if newest is not backward else keys(row) > edge)
            ]  # fmt: skip
        chosen = behind[:size]
        if backward:
            chosen.reverse()
        more, given = len(behind) > size, cursor is not None
        edges = [SimpleNamespace(cursor=cursor_of(keys(row)), node=row) for row in chosen]
        return SimpleNamespace(
            edges=edges,
            total_count=len(ordered),
            page_info=SimpleNamespace(
                has_next_page=given if backward else more,
                has_previous_page=more if backward else given,
                start_cursor=edges[0].cursor if edges else None,
                end_cursor=edges[-1].cursor if edges else None,
            ),
        )


def cursor_of(keys: tuple[Any, ...]) -> str:
    text = " ".join(
        str((key - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1))
        if isinstance(key, datetime)
        else str(key)
        for key in keys
    )
    return urlsafe_b64encode(text.encode()).decode().rstrip("=")


def keys_in(cursor: str, keys: Callable[[Any], tuple[Any, ...]]) -> tuple[Any, ...]:
    """The values in a cursor, read as those that `keys` gives of some row."""
    instant, key = datetime.now(UTC), UUID(int=0)
    instants = {"starts_at": instant, "started_at": instant, "at": instant}
    some = SimpleNamespace(id=key, severity="", kind="", key=key, answered_at=None, **instants)
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        parts = zip(text.split(" "), keys(some), strict=True)
        return tuple(key_from(part, like) for part, like in parts)
    except (ValueError, binascii.Error, OverflowError):
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after") from None


def key_from(text: str, like: Any) -> Any:
    if isinstance(like, datetime):
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(text))
    if isinstance(like, UUID):
        return UUID(text)
    if not text.isidentifier():
        raise ValueError(text)
    return text


def key_in(text: str, type_name: str) -> UUID:
    try:
        found, key = from_base64(text)
    except ValueError:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="id", detail="") from None
    try:
        if found != type_name:
            raise NotFound(type_name)
        return UUID(key)
    except ValueError:
        raise NotFound(type_name) from None


def newest(row: Any) -> tuple[Any, ...]:
    return (row.id,)


def latest_start(row: Any) -> tuple[Any, ...]:
    return (row.starts_at, row.id)


def gravest(problem: Any) -> tuple[Any, ...]:
    return (problem.severity, problem.kind, problem.key)


Resolve = Callable[[Reference, Any, Mapping[str, Any]], Any]


def if_works(resolve: Resolve, otherwise: Any = None) -> Resolve:
    """For fields of Employee that hold somebody's work."""
    return lambda see, e, args: resolve(see, e, args) if see.works(e.id) else otherwise


def if_seen(resolve: Resolve, otherwise: Any = None) -> Resolve:
    """For fields of Target that are not shown of a mere knot."""
    return lambda see, t, args: resolve(see, t, args) if see.sees(t) else otherwise


def days_of(args: Mapping[str, Any]) -> list[date]:
    start, end = args["from"], args["to"]
    if not 0 <= (end - start).days < 366:
        raise DomainError(ErrorCode.RANGE_TOO_LONG, field="to", limit=366)
    return [start + timedelta(days=n) for n in range((end - start).days + 1)]


def calendar(see: Reference, person: Any, args: Mapping[str, Any]) -> list[Day]:
    days = days_of(args)
    return [see.day(person.id, day) for day in days] if see.works(person.id) else []


def work_time(see: Reference, person: Any, args: Mapping[str, Any]) -> Any:
    """Day by day, each with the policy that holds on it."""
    days = days_of(args)
    if not see.works(person.id):
        return None
    logs = [(see.day(person.id, on), see.policy_on(person.agency_id, on) or DEFAULT) for on in days]
    required = sum(log.required_minutes for log, _ in logs)
    recorded = sum(log.recorded_minutes for log, _ in logs)
    return SimpleNamespace(
        working_days=sum(log.required_minutes > 0 for log, _ in logs),
        required_minutes=required,
        effective_minutes=effective_minutes(
            sum((log.required_minutes * one.effective_share for log, one in logs), Decimal(0))
        ),
        recorded_minutes=recorded,
        recognized_minutes=sum(
            log.recorded_minutes
            if one.recognized_minutes is None
            else min(log.recorded_minutes, one.recognized_minutes)
            for log, one in logs
        ),
        short_minutes=short_minutes(required, recorded),
    )


def absences_of(see: Reference, person: Any, args: Mapping[str, Any]) -> list[Any]:
    days = days_of(args)
    if not see.works(person.id):
        return []
    rows = see.rows.where(Absence, employee_id=person.id)
    found = [row for row in rows if row.starts_on <= days[-1] and row.ends_on >= days[0]]
    return sorted(found, key=lambda row: (row.starts_on, row.id))


CLOCKS = {
    "nudgeAt": "nudge_at",
    "digestAt": "digest_at",
    "quietFrom": "quiet_from",
    "quietUntil": "quiet_until",
}


def clock(column: str) -> Callable[..., Any]:
    """A local time of day as text."""

    def text(see: Reference, row: Any, args: Mapping[str, Any]) -> str | None:
        at = getattr(row, column)
        return at and at.strftime("%H:%M")

    return text


def policies_of(see: Reference, agency: Any) -> list[Any]:
    rows = see.rows.where(AgencyPolicy, agency_id=agency.id)
    return sorted(rows, key=lambda row: (row.starts_on, row.id), reverse=True)


def policy_of(see: Reference, agency: Any, on: date) -> Any:
    nothing = {"starts_on": None, "set_at": None, "set_by": None}
    return see.policy_on(agency.id, on) or SimpleNamespace(**asdict(DEFAULT), **nothing)


def weeks_of(see: Reference, agency: Any) -> list[Any]:
    rows = see.rows.where(WorkingWeek, agency_id=agency.id)
    return sorted(rows, key=lambda row: (row.starts_on, row.id), reverse=True)


def rule_sets_of(see: Reference, agency: Any, args: Mapping[str, Any]) -> list[Any]:
    """By kind, the newest first; with a day, the newest of each kind that has begun by then."""
    rows = [
        row
        for row in see.rows.where(RuleSet, agency_id=agency.id)
        if args.get("ruleKind") in (None, row.kind)
    ]
    rows.sort(key=lambda row: (row.starts_on, row.version), reverse=True)
    rows.sort(key=lambda row: row.kind)
    if (day := args.get("on")) is None:
        return rows
    held: dict[Any, Any] = {}
    for row in rows:
        if row.starts_on <= day:
            held.setdefault(row.kind, row)
    return list(held.values())


def packaged_tables(see: Reference, args: Mapping[str, Any]) -> list[Any]:
    return [
        SimpleNamespace(**asdict(one), assumed=list(one.rules.assumed), text=packaged()[code])
        for code, one in ((code, packaged_rules(code)) for code in sorted(packaged()))
        if args.get("ruleKind") in (None, one.kind)
    ]


def holidays_of(see: Reference, agency: Any, args: Mapping[str, Any]) -> list[Any]:
    days = days_of(args)
    rows = see.rows.where(Holiday, agency_id=agency.id)
    return sorted((row for row in rows if row.day in days), key=lambda row: row.day)


def setter(see: Reference, row: Any, args: Mapping[str, Any]) -> Any:
    return row.set_by and named(see, Employee, nip=row.set_by)


def plan_of(see: Reference, person: Any, args: Mapping[str, Any]) -> Any:
    plans = [
        plan
        for plan in see.rows.where(PerformancePlan, employee_id=person.id)
        if see.rows.get(Period, plan.period_id).code == args["period"]
    ]

    def of(plan: Any) -> Any:
        return (see.rows.get(Assignment, plan.assignment_id).starts_on, plan.id)

    return max(plans, key=of, default=None)


def shared(see: Reference, cell: Any) -> Any:
    one = see.rows.get(Indicator, cell.indicator_id)
    return one and SimpleNamespace(title=one.title, unit_of_measure=one.unit_of_measure)


def open_cells(see: Reference, person: Any, period: str) -> list[Any]:
    if person.id != see.scope.employee_id:
        return []
    cells = [
        cell
        for member, matrix in see.matrix_rows(person, period)
        if matrix.publication == "PICK"
        for cell in see.rows.where(MatrixCell, member_id=member.id, target_id=None)
    ]
    return sorted(cells, key=newest)


def node(see: Reference, args: Mapping[str, Any]) -> Any:
    try:
        type_name, key = from_base64(args["id"])
    except ValueError:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="id", detail="") from None
    table = NAMES.get(type_name) or next((t for t in TABLES if t.__name__ == type_name), None)
    try:
        row = see.rows.get(table, UUID(key)) if table in NODES else None
    except ValueError:
        return None
    return see.seen(row)


def plan_of_post(see: Reference, post: Any, period: str) -> Any:
    if not see.works(post.employee_id):
        return None
    plans = see.rows.where(PerformancePlan, assignment_id=post.id)
    found = (p for p in plans if see.rows.get(Period, p.period_id).code == period)
    return next(found, None)


NODES = (
    Agency, Unit, Employee, Assignment, EvaluationPeriod, Feedback, Target, ActionPlan, Indicator,
    Stage, PerformancePlan, ProgressRecord,
    Activity, Installation, Run, DeadLetter, ConnectorTask, ConnectorProblem,
    RoleMatrix, MatrixCell, CascadeTemplate, Absence, Notice, RuleSet,
    Appraisal, UnitRating, FeedbackRequest,
)  # fmt: skip


def named(see: Reference, table: type[Row], **values: Any) -> Any:
    return see.seen(next(iter(see.rows.where(table, **values)), None))


def unit_named(see: Reference, args: Mapping[str, Any]) -> Any:
    agency = next(iter(see.rows.where(Agency, code=args["agency"])), None)
    return agency and named(see, Unit, agency_id=agency.id, code=args["code"])


def a_target(see: Reference, args: Mapping[str, Any]) -> Any:
    try:
        return see.seen(see.rows.get(Target, key_in(args["id"], "Target")))
    except NotFound:
        return None


def cycle_check(see: Reference, args: Mapping[str, Any]) -> Any:
    agency = next(iter(see.rows.where(Agency, code=args["agency"])), None)
    if agency is None or not can_audit(see.scope, agency.id):
        return None
    period = next(iter(see.rows.where(Period, agency_id=agency.id, code=args["period"])), None)
    return period and found_problems(see.rows, period, see.today, args.get("kind"))


def letters(see: Reference, args: Mapping[str, Any]) -> Any:
    rows = see.only_seen(see.rows.all(DeadLetter))
    if args.get("connector") is not None:
        key = key_in(args["connector"], "Connector")
        rows = [row for row in rows if row.installation_id == key]
    if args.get("cause") is not None:
        rows = [row for row in rows if row.cause == args["cause"]]
    if args.get("resolved") is not None:
        rows = [row for row in rows if (row.resolved_at is not None) is args["resolved"]]
    return see.page(rows, newest, True, args)


def changes_of(see: Reference, task: Any, args: Mapping[str, Any]) -> Any:
    rows = see.rows.where(DirectoryChange, task_id=task.id)
    if args.get("change") is not None:
        rows = [row for row in rows if row.kind == args["change"]]
    return see.page(rows, newest, False, args)


def counted_changes(see: Reference, task: Any) -> list[Any]:
    kinds = [row.kind for row in see.rows.where(DirectoryChange, task_id=task.id)]
    return [SimpleNamespace(kind=one, count=kinds.count(one)) for one in sorted(set(kinds))]


def results_of(see: Reference, connector: Any, args: Mapping[str, Any]) -> Any:
    rows = see.rows.where(ResultDelivery, installation_id=connector.id)
    if args.get("standing") is not None:
        rows = [row for row in rows if row.state == args["standing"]]
    return see.page(rows, newest, True, args)


def counted_results(see: Reference, connector: Any) -> list[Any]:
    states = [row.state for row in see.rows.where(ResultDelivery, installation_id=connector.id)]
    return [SimpleNamespace(state=one, count=states.count(one)) for one in sorted(set(states))]


def plugins_of(see: Reference) -> list[Any]:
    administers = see.scope.agencies_with(AGENCY_WIDE)
    return sorted(see.rows.all(Plugin), key=lambda one: one.name) if administers else []


def plugin_info(see: Reference, connector: Any) -> Any:
    return next(iter(see.rows.where(Plugin, name=connector.plugin)), None)


def problems_of(see: Reference, connector: Any) -> list[Any]:
    rows = see.rows.where(ConnectorProblem, installation_id=connector.id)
    return sorted(rows, key=lambda row: (row.last_at, row.id), reverse=True)


def health_of(see: Reference, connector: Any) -> Any:
    plugin = plugin_info(see, connector)
    problems = problems_of(see, connector)
    return health(
        enabled=connector.enabled,
        paused=connector.paused,
        quarantined=plugin is not None and plugin.state is PluginState.QUARANTINED,
        halted=connector.halted_at is not None,
        breaker=connector.breaker,
        failures=connector.failures,
        problems=[p.code for p in problems if not (p.resolved_at or p.dismissed_at)],
    )


def breaker_of(connector: Any) -> SimpleNamespace:
    probe = connector.next_poll_at if connector.breaker == "OPEN" else None
    state, opened = connector.breaker, connector.opened_at
    return SimpleNamespace(state=state, opened_at=opened, next_probe_at=probe)


def settings_shown(see: Reference, connector: Any) -> Any:
    plugin = plugin_info(see, connector)
    return shown(plugin and plugin.settings_schema, connector.settings)


def inbox(see: Reference, args: Mapping[str, Any]) -> Any:
    rows = [
        row
        for row in see.rows.where(
            ProgressRecord, employee_id=see.scope.employee_id, state=RecordState.PENDING
        )
        if args.get("source") in (None, source(see, row).plugin)
    ]
    return see.page(rows, newest, True, args)


def source(see: Reference, row: Any) -> SimpleNamespace:
    activity = see.rows.get(Activity, row.activity_id)
    found = activity and see.rows.get(Installation, activity.installation_id)
    return SimpleNamespace(
        kind="CONNECTOR" if found else "MANUAL",
        plugin=found and found.plugin,
        title=found and found.title,
    )


def clock_source(see: Reference, row: Any) -> SimpleNamespace:
    found = see.rows.get(Installation, row.installation_id)
    return SimpleNamespace(kind="CONNECTOR", plugin=found.plugin, title=found.title)


def retraction(see: Reference, row: Any) -> Any:
    activity = see.rows.get(Activity, row.activity_id)
    if activity is None:
        return None
    name = activity.source_id
    of = see.rows.where(Retraction, installation_id=activity.installation_id, retracts=name)
    return max(of, key=lambda one: one.id, default=None)


def suggestion(see: Reference, row: Any) -> Any:
    target = see.seen(see.rows.get(Target, row.suggested_target_id))
    if target is None or row.state is not RecordState.PENDING:
        return None
    reason = row.suggestion_reason or ""
    return SimpleNamespace(
        target=target,
        score=row.suggestion_score,
        reason=reason,
        origin=row.suggestion_origin,
    )


def path_points(see: Reference, indicator: Any) -> list[Any]:
    found: list[Any] = []
    for point in see.points(indicator):
        begun = not found or found[-1].on < see.today
        actual = see.actual(indicator, point.day) if begun else None
        found.append(SimpleNamespace(on=point.day, planned=point.planned, actual=actual))
    return found


def agency_goals(see: Reference, agency: Any, args: Mapping[str, Any]) -> list[Any]:
    rows = see.of_period(args["period"], agency_id=agency.id)
    return [r for r in rows if r.owner_unit_id is not None and see.edge_up(r.id) is None]


def unit_path(see: Reference, unit: Any) -> list[Any]:
    path = [unit]
    while (above := see.above(path[0])) is not None:
        path.insert(0, above)
    return path


def counted(team: Any) -> list[Any]:
    statuses = [member.status for member in team.members]
    return [
        SimpleNamespace(status=status, count=statuses.count(status))
        for status in sorted(set(statuses))
    ]


def summed(team: Any, name: str) -> int:
    return sum(getattr(member.log, name) for member in team.members)


def owner(see: Reference, target: Any) -> Any:
    return see.rows.get(Unit, target.owner_unit_id) or see.rows.get(
        Employee, target.owner_employee_id
    )


def cascade(see: Reference, target: Any) -> str:
    edge = see.edge_up(target.id)
    return edge.kind if edge else "ROOT"


def parent_of(see: Reference, target: Any) -> Any:
    path = see.path(target.id)
    return path[-2] if len(path) > 1 else None


def get(table: type[Row], column: str) -> Resolve:
    """The row of a foreign key, as far as the viewer sees it."""
    return lambda see, row, args: see.seen(see.rows.get(table, getattr(row, column)))


def body(see: Reference, letter: Any) -> Any:
    if letter.body is not None:
        return letter.body
    return see.rows.get(InboxItem, letter.inbox_item_id).body


def of(table: type[Row], column: str, order: str) -> Resolve:
    return lambda see, row, args: sorted(
        see.rows.where(table, **{column: row.id}), key=lambda one: getattr(one, order)
    )


RESOLVERS: Mapping[str, Resolve] = {
    "Query.node": lambda see, _, args: node(see, args),
    "Query.viewer": lambda see, _, args: see.scope,
    "Query.agency": lambda see, _, args: named(see, Agency, code=args["code"]),
    "Query.unit": lambda see, _, args: unit_named(see, args),
    "Query.employee": lambda see, _, args: named(see, Employee, nip=args["nip"]),
    "Query.target": lambda see, _, args: a_target(see, args),
    "Query.team": lambda see, _, args: see.supervised(args.get("supervisor"), args.get("on")),
    "Query.viewAs": lambda see, _, args: see.oneself(args.get("on")),
    "Query.connectors": lambda see, _, args: sorted(
        see.only_seen(see.rows.all(Installation)), key=lambda i: (i.plugin, i.title)
    ),
    "Query.plugins": lambda see, _, args: plugins_of(see),
    "Query.deadLetters": lambda see, _, args: letters(see, args),
    "Query.cycleCheck": lambda see, _, args: cycle_check(see, args),
    "CycleCheck.counts": lambda see, check, args: counted_problems(check.found),
    "CycleCheck.problems": lambda see, check, args: see.page(check.found, gravest, False, args),
    "Problem.subject": lambda see, p, args: see.seen(p.about),
    "Problem.menders": lambda see, p, args: see.only_seen(
        see.people([p.mender_id] if p.mender_id else [])
    ),
    "Agency.units": lambda see, a, args: sorted(
        see.only_seen(see.rows.where(Unit, agency_id=a.id)), key=lambda u: u.code
    ),
    "Agency.goals": agency_goals,
    "Agency.policy": lambda see, a, args: policy_of(see, a, args["on"]),
    "Agency.policies": lambda see, a, args: policies_of(see, a),
    "Agency.workingWeeks": lambda see, a, args: weeks_of(see, a),
    "Agency.holidays": holidays_of,
    "Agency.ruleSets": lambda see, a, args: rule_sets_of(see, a, args),
    "RuleSet.title": lambda see, r, args: json.loads(r.body).get("title", r.code),
    "RuleSet.assumed": lambda see, r, args: json.loads(r.body).get("assumed", []),
    "RuleSet.table": lambda see, r, args: json.loads(r.body),
    "RuleSet.loadedBy": lambda see, r, args: named(see, Employee, nip=r.loaded_by),
    "Query.packagedRules": lambda see, _, args: packaged_tables(see, args),
    "AgencyPolicy.setBy": setter,
    "WorkingWeek.unit": get(Unit, "unit_id"),
    "WorkingWeek.weeklyMinutes": lambda see, w, args: sum(w.minutes),
    **{f"AgencyPolicy.{name}": clock(column) for name, column in CLOCKS.items()},
    "WorkingWeek.beginsAt": lambda see, w, args: w.begins_at.strftime("%H:%M"),
    "WorkingWeek.setBy": setter,
    "Agency.mappingRules": lambda see, a, args: sorted(
        see.rows.where(MappingRule, agency_id=a.id), key=lambda m: m.position
    ),
    "MappingRule.goal": lambda see, m, args: see.seen(see.rows.get(Target, m.goal_id)),
    "MappingRule.setBy": setter,
    "Holiday.on": lambda see, h, args: h.day,
    "Holiday.setBy": setter,
    "Agency.templates": lambda see, a, args: sorted(
        see.rows.where(CascadeTemplate, agency_id=a.id), key=lambda one: one.code
    ),
    "CascadeTemplate.agency": get(Agency, "agency_id"),
    "CascadeTemplate.results": lambda see, t, args: results_in(t.results),
    "PerformancePlan.matrix": lambda see, p, args: next(
        iter(see.rows.where(RoleMatrix, plan_id=p.id)), None
    ),
    "RoleMatrix.plan": get(PerformancePlan, "plan_id"),
    "RoleMatrix.columns": lambda see, m, args: see.columns(m),
    "RoleMatrix.members": of(MatrixMember, "matrix_id", "position"),
    "MatrixMember.employee": get(Employee, "employee_id"),
    "MatrixMember.cells": of(MatrixCell, "member_id", "result_id"),
    "MatrixCell.result": lambda see, c, args: Knot(see.rows.get(Target, c.result_id)),
    "MatrixCell.indicator": get(Indicator, "indicator_id"),
    "MatrixCell.measure": lambda see, c, args: shared(see, c),
    "MatrixCell.isHandedOut": lambda see, c, args: c.target_id is not None,
    "MatrixCell.target": get(Target, "target_id"),
    "MatrixCell.matrix": lambda see, c, args: see.matrix_of(c),
    "Employee.matrices": if_works(
        lambda see, e, args: sorted(
            (matrix for _, matrix in see.matrix_rows(e, args["period"])), key=newest
        ),
        [],
    ),
    "Employee.openCells": lambda see, e, args: open_cells(see, e, args["period"]),
    "Unit.agency": get(Agency, "agency_id"),
    "Unit.parent": lambda see, u, args: see.above(u),
    "Unit.children": lambda see, u, args: sorted(
        (see.rows.get(Unit, p.unit_id) for p in see.placed(parent_id=u.id)), key=lambda c: c.code
    ),
    "Unit.path": lambda see, u, args: unit_path(see, u),
    "Unit.head": lambda see, u, args: next(
        iter(see.people(p.employee_id for p in see.posts(unit_id=u.id, heads_unit=True))), None
    ),
    "Unit.employees": lambda see, u, args: see.page(
        see.only_seen(see.people(p.employee_id for p in see.posts(unit_id=u.id))),
        newest,
        False,
        args,
    ),
    "Unit.targets": lambda see, u, args: see.of_period(args["period"], owner_unit_id=u.id),
    "Unit.teams": lambda see, u, args: see.teams(u, args.get("on") or see.today),
    "Employee.nip": if_works(lambda see, e, args: e.nip),
    "Employee.position": lambda see, e, args: (p := see.post(e)) and p.position,
    "Employee.unit": lambda see, e, args: (
        (p := see.post(e)) and see.seen(see.rows.get(Unit, p.unit_id))
    ),
    "Employee.appraiser": lambda see, e, args: (
        (p := see.post(e)) and see.seen(see.rows.get(Employee, p.appraiser_id))
    ),
    "Employee.subordinates": lambda see, e, args: sorted(
        see.only_seen(see.people(p.employee_id for p in see.posts(appraiser_id=e.id))),
        key=lambda one: (one.name, one.id),
    ),
    "Employee.plan": if_works(plan_of),
    "Employee.targets": if_works(
        lambda see, e, args: see.of_period(args["period"], owner_employee_id=e.id), []
    ),
    "Employee.dailyLog": if_works(lambda see, e, args: see.day(e.id, args["on"])),
    "Employee.calendar": calendar,
    "Employee.workTime": work_time,
    "Employee.absences": absences_of,
    "Absence.fromTime": clock("from_time"),
    "Absence.untilTime": clock("until_time"),
    "Absence.employee": get(Employee, "employee_id"),
    "Absence.reportedBy": lambda see, a, args: named(see, Employee, nip=a.reported_by),
    "Absence.decidedBy": lambda see, a, args: (
        a.decided_by and named(see, Employee, nip=a.decided_by)
    ),
    "Absence.history": of(AbsenceEvent, "absence_id", "id"),
    "AbsenceEvent.actor": lambda see, h, args: named(see, Employee, nip=h.actor),
    "Viewer.absencesToDecide": lambda see, _, args: see.page(
        see.absences_to_decide(), newest, False, args
    ),
    "Viewer.employee": lambda see, scope, args: see.rows.get(Employee, scope.employee_id),
    "Viewer.pendingRecords": lambda see, _, args: inbox(see, args),
    "Viewer.notices": lambda see, _, args: see.page(
        see.rows.where(Notice, employee_id=see.scope.employee_id), newest, True, args
    ),
    "Viewer.contact": lambda see, _, args: next(
        iter(see.rows.where(Contact, employee_id=see.scope.employee_id)), None
    ),
    "Notice.on": lambda see, n, args: n.day,
    "Query.previewDigest": lambda see, _, args: see.team_facts(),
    "DigestPreview.subject": lambda see, t, args: subject_of_team(t, see.now),
    "DigestPreview.body": lambda see, t, args: body_of_team(t, see.now),
    "Viewer.unreadCount": lambda see, _, args: inbox(see, {}).total_count,
    "Target.code": if_seen(lambda see, t, args: t.code),
    "Target.kind": if_seen(lambda see, t, args: t.kind),
    "Target.classification": if_seen(lambda see, t, args: t.classification),
    "Target.category": if_seen(lambda see, t, args: t.category),
    "Target.assignedBy": if_seen(lambda see, t, args: t.assigned_by),
    "Target.perspective": if_seen(lambda see, t, args: t.perspective),
    "Target.period": if_seen(lambda see, t, args: see.rows.get(Period, t.period_id).code),
    "Target.owner": lambda see, t, args: owner(see, t),
    "Target.cascade": lambda see, t, args: cascade(see, t),
    "Target.parent": lambda see, t, args: parent_of(see, t),
    "Target.path": lambda see, t, args: see.path(t.id),
    "Target.children": if_seen(
        lambda see, t, args: see.in_order(
            see.rows.get(Target, e.child_id) for e in see.rows.where(TargetEdge, parent_id=t.id)
        ),
        [],
    ),
    "Target.indicators": if_seen(of(Indicator, "target_id", "position"), []),
    "Target.stagedWork": if_seen(
        lambda see, t, args: t if see.rows.where(Stage, target_id=t.id) else None
    ),
    "StagedWork.stages": of(Stage, "target_id", "position"),
    "Target.achievement": if_seen(lambda see, t, args: see.reached_target(t)),
    "Target.actionPlans": if_seen(of(ActionPlan, "target_id", "position"), []),
    "Target.records": lambda see, t, args: see.page(
        [
            row
            for row in see.only_seen(see.rows.where(ProgressRecord, target_id=t.id))
            if args.get("state") in (None, row.state)
        ],
        latest_start,
        True,
        args,
    ),
    "Achievement.explanation": lambda see, r, args: see.explanation(r),
    "Explanation.records": lambda see, x, args: see.page(
        see.only_seen(x.counted), latest_start, True, args
    ),
    "Target.countsInPlan": if_seen(
        lambda see, t, args: None if t.plan_id is None else see.counts(t)
    ),
    "Indicator.measure": lambda see, i, args: i,
    "Indicator.achievement": lambda see, i, args: see.reached_indicator(i),
    "Trajectory.points": lambda see, i, args: path_points(see, i),
    "PerformancePlan.post": lambda see, p, args: see.rows.get(Assignment, p.assignment_id),
    "PerformancePlan.superiorResults": lambda see, p, args: see.superior_results(p),
    "PerformancePlan.percentage": lambda see, p, args: see.plan_percentage(p),
    "PerformancePlan.explanation": lambda see, p, args: see.plan_explanation(p),
    "PlanExplanation.records": lambda see, x, args: see.page(
        see.only_seen(x.counted), latest_start, True, args
    ),
    "PerformancePlan.attachments": lambda see, p, args: sorted(
        see.rows.where(PlanAttachment, plan_id=p.id), key=lambda a: (a.kind, a.position)
    ),
    "PerformancePlan.history": of(PlanEvent, "plan_id", "id"),
    "PerformancePlan.feedback": lambda see, p, args: see.page(
        see.rows.where(Feedback, plan_id=p.id), newest, True, args
    ),
    "PlanEvent.actor": lambda see, h, args: named(see, Employee, nip=h.actor),
    "Feedback.target": lambda see, f, args: see.rows.get(Target, f.target_id),
    "Feedback.author": get(Employee, "author_id"),
    "EvaluationPeriod.period": lambda see, p, args: see.rows.get(Period, p.period_id).code,
    "EvaluationPeriod.history": of(EvaluationEvent, "evaluation_period_id", "id"),
    "EvaluationEvent.actor": lambda see, h, args: named(see, Employee, nip=h.actor),
    "ActionPlan.target": lambda see, a, args: see.rows.get(Target, a.target_id),
    "ActionPlan.evaluationPeriod": get(EvaluationPeriod, "evaluation_period_id"),
    "Agency.evaluationPeriods": lambda see, a, args: sorted(
        (
            row
            for row in see.rows.all(EvaluationPeriod)
            if (period := see.rows.get(Period, row.period_id)).agency_id == a.id
            and period.code == args["period"]
        ),
        key=lambda row: (row.kind is EvaluationKind.FINAL, row.starts_on),
    ),
    "Post.unit": get(Unit, "unit_id"),
    "Post.appraiser": get(Employee, "appraiser_id"),
    "Post.plan": lambda see, p, args: plan_of_post(see, p, args["period"]),
    "Employee.posts": lambda see, e, args: sorted(
        sorted(see.posts(employee_id=e.id), key=lambda p: (p.starts_on, p.id), reverse=True),
        key=lambda p: p.kind,
    ),
    "Employee.plans": if_works(
        lambda see, e, args: sorted(
            (
                p
                for p in see.rows.where(PerformancePlan, employee_id=e.id)
                if see.rows.get(Period, p.period_id).code == args["period"]
            ),
            key=lambda p: (p.starts_on, see.rows.get(Assignment, p.assignment_id).kind, p.id),
        ),
        [],
    ),
    "PerformancePlan.period": lambda see, p, args: see.rows.get(Period, p.period_id).code,
    "PerformancePlan.employee": get(Employee, "employee_id"),
    "PerformancePlan.appraiser": lambda see, p, args: see.seen(
        see.rows.get(Employee, see.rows.get(Assignment, p.assignment_id).appraiser_id)
    ),
    "PerformancePlan.targets": lambda see, p, args: see.in_order(
        see.rows.where(Target, plan_id=p.id)
    ),
    "PerformancePlan.behaviours": lambda see, p, args: [
        SimpleNamespace(
            behaviour=b,
            expectation=next(
                (
                    x.expectation
                    for x in see.rows.where(BehaviourExpectation, plan_id=p.id)
                    if x.behaviour is b
                ),
                None,
            ),
        )
        for b in Behaviour
    ],
    "ProgressRecord.on": lambda see, r, args: r.day,
    "ProgressRecord.employee": get(Employee, "employee_id"),
    "ProgressRecord.target": get(Target, "target_id"),
    "ProgressRecord.thread": lambda see, r, args: see.path(r.target_id),
    "ProgressRecord.indicator": get(Indicator, "indicator_id"),
    "ProgressRecord.stage": get(Stage, "stage_id"),
    "ProgressRecord.actionPlan": get(ActionPlan, "action_plan_id"),
    "ProgressRecord.evidence": of(Evidence, "record_id", "position"),
    "ProgressRecord.source": lambda see, r, args: source(see, r),
    "ProgressRecord.activity": get(Activity, "activity_id"),
    "ProgressRecord.suggestion": lambda see, r, args: suggestion(see, r),
    "ProgressRecord.retraction": lambda see, r, args: retraction(see, r),
    "ClockEvent.source": lambda see, c, args: clock_source(see, c),
    "DailyLog.doneAt": lambda see, d, args: next(
        (
            row.done_at
            for row in see.rows.where(DayDone, employee_id=d.employee_id, day=d.on)
            if row.reopened_at is None
        ),
        None,
    ),
    "DailyLog.absences": lambda see, d, args: see.absences_of_day(d),
    "DailyLog.clock": lambda see, d, args: sorted(
        see.rows.where(ClockEvent, employee_id=d.employee_id, day=d.on, retracted_at=None),
        key=lambda one: (one.at, one.id),
    ),
    "ProgressRecord.history": of(RecordEvent, "record_id", "id"),
    "ProgressRecord.supersedes": get(ProgressRecord, "supersedes_id"),
    "ProgressRecord.cursor": lambda see, r, args: None,
    "RecordEvent.actor": lambda see, h, args: named(see, Employee, nip=h.actor),
    "DailyLog.employee": get(Employee, "employee_id"),
    "DailyLog.status": lambda see, d, args: day_status(d.required_minutes, d.recorded_minutes),
    "DailyLog.records": lambda see, d, args: sorted(
        see.only_seen(see.rows.where(ProgressRecord, employee_id=d.employee_id, day=d.on)),
        key=latest_start,
    ),
    "TeamMember.recordedMinutes": lambda see, m, args: m.log.recorded_minutes,
    "TeamMember.requiredMinutes": lambda see, m, args: m.log.required_minutes,
    "TeamMember.pendingCount": lambda see, m, args: m.log.pending_count,
    "TeamMember.lastActivityAt": lambda see, m, args: m.log.last_activity_at,
    **plain_boards.RESOLVERS,
    **plain_consequences.RESOLVERS,
    "Query.simulate": lambda see, _, args: plain_consequences.simulate(
        see, args, key_in(args["ruleSet"], "RuleSet")
    ),
    **plain_feedback.RESOLVERS,
    **plain_appraisals.RESOLVERS,
    "Team.summary": lambda see, team, args: team,
    "TeamSummary.members": lambda see, team, args: len(team.members),
    "TeamSummary.recordedMinutes": lambda see, team, args: summed(team, "recorded_minutes"),
    "TeamSummary.requiredMinutes": lambda see, team, args: summed(team, "required_minutes"),
    "TeamSummary.pendingCount": lambda see, team, args: summed(team, "pending_count"),
    "TeamSummary.statuses": lambda see, team, args: counted(team),
    "Connector.latestRun": lambda see, c, args: max(
        see.rows.where(Run, installation_id=c.id),
        key=lambda run: (run.started_at, run.id),
        default=None,
    ),
    "Connector.waitingCount": lambda see, c, args: len(
        see.rows.where(InboxItem, installation_id=c.id, processed_at=None)
    ),
    "Connector.deadLetterCount": lambda see, c, args: len(
        see.rows.where(DeadLetter, installation_id=c.id, resolved_at=None)
    ),
    "Connector.tasks": lambda see, c, args: see.page(
        see.rows.where(ConnectorTask, installation_id=c.id), newest, True, args
    ),
    "ConnectorTask.connector": get(Installation, "installation_id"),
    "ConnectorTask.result": lambda see, t, args: (
        t.result and {name: one for name, one in t.result.items() if name != "directory"}
    ),
    "ConnectorTask.counts": lambda see, t, args: counted_changes(see, t),
    "ConnectorTask.changes": lambda see, t, args: changes_of(see, t, args),
    "Connector.health": lambda see, c, args: health_of(see, c),
    "Connector.breaker": lambda see, c, args: breaker_of(c),
    "Connector.pluginInfo": lambda see, c, args: plugin_info(see, c),
    "Connector.settings": lambda see, c, args: settings_shown(see, c),
    "Connector.secretsSet": lambda see, c, args: c.secret_names,
    "Connector.problems": lambda see, c, args: [
        row for row in problems_of(see, c) if args.get("all") or row.resolved_at is None
    ],
    "Connector.runs": lambda see, c, args: see.page(
        see.rows.where(Run, installation_id=c.id),
        lambda run: (run.started_at, run.id),
        True,
        args,
    ),
    "Connector.history": lambda see, c, args: see.page(
        see.rows.where(ConnectorEvent, installation_id=c.id),
        lambda event: (event.at, event.id),
        True,
        args,
    ),
    "Connector.results": lambda see, c, args: results_of(see, c, args),
    "Connector.resultCounts": lambda see, c, args: counted_results(see, c),
    "ResultDelivery.appraisal": get(Appraisal, "appraisal_id"),
    "ResultDelivery.connector": get(Installation, "installation_id"),
    "Appraisal.deliveries": lambda see, a, args: see.only_seen(
        sorted(see.rows.where(ResultDelivery, appraisal_id=a.id), key=lambda one: one.id)
    ),
    "ConnectorProblem.fix": lambda see, p, args: fix_of(p.code),
    "ConnectorProblem.critical": lambda see, p, args: p.code in CRITICAL,
    "DeadLetter.connector": get(Installation, "installation_id"),
    "DeadLetter.sourceId": lambda see, d, args: see.rows.get(InboxItem, d.inbox_item_id).source_id,
    "DeadLetter.body": lambda see, d, args: body(see, d),
}
"""By type and field; any other field is the attribute of its name."""


def reference_schema(*, of_oneself: bool = False) -> GraphQLSchema:
    """The served SDL with these resolvers: with `viewAs` only, or with everything but it, since
    one viewer of it is another one to the rest."""
    schema = build_schema()._schema
    root = schema.query_type
    assert root is not None
    for name in list(root.fields):
        if (name == "viewAs") is not of_oneself:
            del root.fields[name]
    for kind in schema.type_map.values():
        if not is_object_type(kind) or kind.name.startswith("__"):
            continue
        kind.is_type_of = None
        for name, definition in kind.fields.items():
            resolver = RESOLVERS.get(f"{kind.name}.{name}")
            definition.resolve = resolving(kind.name, name, definition, resolver)
    for name in ("Node", "TargetOwner", "ProblemSubject"):
        schema.type_map[name].resolve_type = type_of  # type: ignore[attr-defined]
    return schema


def type_of(value: Any, *_: Any) -> str:
    row = value.target if isinstance(value, Knot) else value
    return next((n for n, t in NAMES.items() if type(row) is t), type(row).__name__)


def resolving(kind: str, name: str, definition: Any, resolver: Resolve | None) -> Any:
    python_name = definition.extensions["strawberry-definition"].python_name
    leaf = str(definition.type).strip("!")

    def resolve(value: Any, info: Any, **args: Any) -> Any:
        if resolver is not None:
            found = resolver(info.context, value, args)
        elif name == "id":
            found = to_base64(kind, value.id)
        else:
            found = getattr(value, python_name)
        return written(found, leaf)

    return resolve


def written(value: Any, leaf: str) -> Any:
    """Scalars as PostgreSQL's JSON has them."""
    if leaf == "DateTime" and isinstance(value, datetime):
        text = value.astimezone(UTC).isoformat()
        head, dot, fraction = text.removesuffix("+00:00").partition(".")
        return head + (dot + fraction.rstrip("0") if dot else "") + "+00:00"
    return plain(value) if isinstance(value, Decimal) else value


def answer(
    schema: GraphQLSchema,
    see: Reference,
    document: str,
    variables: Mapping[str, Any],
) -> ExecutionResult:
    """What the operation answers, errors and all."""
    for name in ("DateTime", "Decimal"):
        schema.type_map[name].coerce_output_value = lambda value: value  # type: ignore[attr-defined]
    found = execute(
        schema,
        parse(document),
        context_value=see,
        variable_values=dict(variables),
        is_awaitable=lambda value: False,
    )
    assert isinstance(found, ExecutionResult)
    return found


__all__: Sequence[str] = ("Reference", "Rows", "answer", "reference_schema")
