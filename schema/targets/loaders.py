"""Batches of targets for one request and one viewer, with what is computed from them."""

from asyncio import gather
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from schema.access import Scope, can_see_directory, can_see_work_of
from schema.families import Family, Seen, grouped
from schema.organizations.loaders import OrganizationLoaders
from schema.organizations.models import Employee, Unit
from schema.tables import dicts_of
from schema.targets.models import (
    ActionPlan,
    Behaviour,
    BehaviourExpectation,
    CascadeKind,
    Indicator,
    PerformancePlan,
    Period,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)
from schema.targets.rules import (
    Plan,
    Point,
    on_track,
    percentage,
    stages_percentage,
    target_percentage,
)

CHILDREN = """
WITH RECURSIVE down AS (
  SELECT unnest($1::uuid[]) AS id, 0 AS depth
  UNION
  SELECT e.child_id, down.depth + 1 FROM down JOIN target_edge e ON e.parent_id = down.id
  WHERE down.depth < $2
)
SELECT DISTINCT d.id AS parent_id, e.child_id, t.position, t.code
FROM down d
LEFT JOIN target_edge e ON e.parent_id = d.id
LEFT JOIN target t ON t.id = e.child_id
WHERE d.depth < $2
ORDER BY t.position, t.code
"""

PARENTS = """
WITH RECURSIVE up AS (
  SELECT e.child_id, e.parent_id, e.kind FROM target_edge e
  WHERE e.child_id = ANY ($1::uuid[]) AND e."primary"
  UNION
  SELECT e.child_id, e.parent_id, e.kind FROM up
  JOIN target_edge e ON e.child_id = up.parent_id AND e."primary"
)
SELECT child_id, parent_id, kind FROM up
"""

# The actual path at each planned point: what was recorded by that day, with all that flows in.
PATHS = """
WITH RECURSIVE flow AS (
  SELECT i.id AS root, i.id, i.accumulation FROM indicator i WHERE i.id = ANY ($1::uuid[])
  UNION ALL
  SELECT flow.root, i.id, i.accumulation
  FROM flow JOIN indicator i ON i.contributes_to_id = flow.id
)
SELECT p.indicator_id, p.day, p.planned, sum(v.amount) AS actual
FROM trajectory_point p
JOIN flow ON flow.root = p.indicator_id
LEFT JOIN LATERAL (
  SELECT CASE flow.accumulation
    WHEN 'SUM' THEN sum(r.quantity)
    ELSE (array_agg(r.quantity ORDER BY r.ends_at DESC, r.id DESC))[1]
  END AS amount
  FROM progress_record r
  WHERE r.indicator_id = flow.id AND r.state = 'CONFIRMED' AND r.day <= p.day
) v ON true
GROUP BY p.indicator_id, p.day, p.planned
ORDER BY p.indicator_id, p.day
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PathPoint:
    """A point of both paths. `actual` is None where its time has not begun."""

    on: date
    planned: Decimal
    actual: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """How far something has come; see the fields of `Achievement` in graph."""

    percentage: Decimal | None
    realized: Decimal | None = None
    planned: Decimal | None = None
    completed_stages: int | None = None
    on_track: bool
    as_of: datetime | None = None


class TargetLoaders:
    """Targets as one viewer sees them on one day."""

    def __init__(self, day: date, scope: Scope, organizations: OrganizationLoaders) -> None:
        self._day = day
        self._scope = scope
        self._organizations = organizations
        self.seen = Seen()
        self.wanted = Seen()
        self.indicators_seen = Seen()
        self.plans_seen = Seen()
        self.periods_seen = Seen()
        self.indicators_wanted = Seen()
        self.stages_wanted = Seen()
        employees, units = organizations.employees_seen, organizations.units_seen
        self.goals = Family(self._goals, default=list, seen=Seen())
        self.of_unit = Family(self._of_units, default=list, seen=units)
        self.of_employee = Family(self._of_employees, default=list, seen=employees)
        self.plan = Family(self._plans, default=lambda: None, seen=employees)
        self.of_plan = Family(self._of_plans, default=list, seen=self.plans_seen)
        self.expectations = Family(self._expectations, default=list, seen=self.plans_seen)
        self.target = Family(self._targets, default=lambda: None, seen=self.wanted)
        self.period = Family(self._periods, default=lambda: None, seen=self.periods_seen)
        self.children = Family(self._children, default=list, seen=self.seen)
        self.edge_up = Family(self._edges_up, default=lambda: None, seen=self.seen)
        self.indicators = Family(self._indicators, default=list, seen=self.seen)
        self.indicator = Family(
            self._indicators_by_key, default=lambda: None, seen=self.indicators_wanted
        )
        self.paths = Family(self._paths, default=list, seen=self.indicators_seen)
        self.stages = Family(self._stages, default=list, seen=self.seen)
        self.stage = Family(self._stages_by_key, default=lambda: None, seen=self.stages_wanted)
        self.action_plans = Family(self._action_plans, default=list, seen=self.seen)

    async def sees(self, target: Target) -> bool:
        """Unit targets: all in the agency. A person's: they, superiors, administrator, auditor."""
        if target.owner_employee_id is None:
            return can_see_directory(self._scope, target.agency_id)
        owner = await self._organizations.employee.load(target.owner_employee_id)
        return owner is not None and can_see_work_of(self._scope, owner)

    async def visible_target(self, key: UUID) -> Target | None:
        target = await self.target.load(key)
        return target if target and await self.sees(target) else None

    async def visible_indicator(self, key: UUID) -> Indicator | None:
        indicator = await self.indicator.load(key)
        return indicator if indicator and await self.visible_target(indicator.target_id) else None

    async def visible_stage(self, key: UUID) -> Stage | None:
        stage = await self.stage.load(key)
        return stage if stage and await self.visible_target(stage.target_id) else None

    async def visible_action_plan(self, key: UUID) -> ActionPlan | None:
        plan = await ActionPlan.get_or_none(id=key)
        return plan if plan and await self.visible_target(plan.target_id) else None

    async def visible_plan(self, key: UUID) -> PerformancePlan | None:
        plan = await PerformancePlan.filter(id=key).select_related("assignment").first()
        owner = plan and await self._organizations.employee.load(plan.employee_id)
        return plan if owner and can_see_work_of(self._scope, owner) else None

    async def owner(self, target: Target) -> Unit | Employee | None:
        if target.owner_unit_id is not None:
            return await self._organizations.unit.load(target.owner_unit_id)
        if target.owner_employee_id is not None:
            return await self._organizations.employee.load(target.owner_employee_id)
        return None

    async def appraiser_of(self, plan: PerformancePlan) -> Employee | None:
        """The appraiser of the post that a plan belongs to."""
        key = plan.assignment.appraiser_id
        return await self._organizations.employee.load(key) if key else None

    async def parent(self, target_id: UUID) -> Target | None:
        edge = await self.edge_up.load(target_id)
        return await self.target.load(edge.parent_id) if edge else None

    async def path(self, target: Target) -> list[Target]:
        """The red thread (*benang merah*): from the agency's goal down to the target."""
        path, above = [target], await self.parent(target.id)
        while above is not None:
            path.insert(0, above)
            above = await self.parent(above.id)
        return path

    async def thread(self, target_id: UUID | None) -> list[Target]:
        target = await self.target.load(target_id) if target_id else None
        return await self.path(target) if target else []

    async def reached_by_indicator(self, indicator: Indicator) -> Reached:
        path = await self.paths.load(indicator.id)
        plan, points = plan_of(indicator), [Point(point.on, point.planned) for point in path]
        return Reached(
            percentage=percentage(plan, indicator.realized),
            realized=indicator.realized,
            planned=indicator.planned,
            on_track=on_track(plan, points, indicator.realized, self._day),
            as_of=indicator.realized_at,
        )

    async def reached_by_target(self, target: Target) -> Reached | None:
        """None where the target has neither indicator nor stage."""
        if target.kind is TargetKind.STAGED:
            return self._reached_by_stages(await self.stages.load(target.id))
        indicators = await self.indicators.load(target.id)
        if not indicators:
            return None
        each = await gather(*(self.reached_by_indicator(row) for row in indicators))
        only = each[0] if len(each) == 1 else None
        return Reached(
            percentage=target_percentage(one.percentage for one in each),
            realized=only.realized if only else None,
            planned=only.planned if only else None,
            on_track=all(one.on_track for one in each),
            as_of=max((one.as_of for one in each if one.as_of), default=None),
        )

    def _reached_by_stages(self, stages: Sequence[Stage]) -> Reached | None:
        if not stages:
            return None
        done = [stage.completed_on is not None for stage in stages]
        return Reached(
            percentage=stages_percentage([stage.weight for stage in stages], done),
            completed_stages=sum(done),
            on_track=True,
        )

    async def _met(self, rows: Iterable[Target]) -> list[Target]:
        """Remember targets, whoever may see them."""
        met = list(rows)
        self.target.keep({row.id: row for row in met})
        self._note(met)
        return met

    def _note(self, rows: Sequence[Target]) -> None:
        """Deeper levels will want what belongs to these: it is loaded with the first of them."""
        self.seen.add([row.id for row in rows])
        self.periods_seen.add([row.period_id for row in rows])
        owners = [row.owner_employee_id for row in rows if row.owner_employee_id is not None]
        self._organizations.employees_wanted.add(owners)
        units = [row.owner_unit_id for row in rows if row.owner_unit_id is not None]
        self._organizations.units_wanted.add(units)

    async def _only_visible(self, rows: Iterable[Target]) -> list[Target]:
        met = await self._met(rows)
        owners = [row.owner_employee_id for row in met if row.owner_employee_id is not None]
        await self._organizations.employee.load_many(owners)
        return [row for row in met if await self.sees(row)]

    async def _goals(self, keys: Sequence[UUID], period: str) -> Mapping[UUID, list[Target]]:
        rows = await Target.filter(
            agency_id__in=keys, period__code=period, owner_unit_id__isnull=False
        ).order_by("position", "code")
        served = TargetEdge.filter(primary=True, child_id__in=[row.id for row in rows])
        below = set(await served.values_list("child_id", flat=True))
        roots = await self._only_visible(row for row in rows if row.id not in below)
        return grouped(roots, lambda row: row.agency_id)

    async def _of_units(self, keys: Sequence[UUID], period: str) -> Mapping[UUID, list[Target]]:
        rows = await Target.filter(owner_unit_id__in=keys, period__code=period).order_by(
            "position", "code"
        )
        return grouped(await self._only_visible(rows), lambda row: row.owner_unit_id)

    async def _of_employees(self, keys: Sequence[UUID], period: str) -> Mapping[UUID, list[Target]]:
        rows = await Target.filter(owner_employee_id__in=keys, period__code=period).order_by(
            "position", "code"
        )
        return grouped(await self._only_visible(rows), lambda row: row.owner_employee_id)

    async def _of_plans(self, keys: Sequence[UUID]) -> Mapping[UUID, list[Target]]:
        rows = await Target.filter(plan_id__in=keys).order_by("position", "code")
        return grouped(await self._only_visible(rows), lambda row: row.plan_id)

    async def _plans(
        self, keys: Sequence[UUID], period: str
    ) -> Mapping[UUID, PerformancePlan | None]:
        """The newest plan of a period: a transfer opens another."""
        rows = (
            await PerformancePlan.filter(employee_id__in=keys, period__code=period)
            .select_related("assignment")
            .order_by("assignment__starts_on", "id")
        )
        self.plans_seen.add([row.id for row in rows])
        appraisers = [row.assignment.appraiser_id for row in rows if row.assignment.appraiser_id]
        self._organizations.employees_wanted.add(appraisers)
        return {row.employee_id: row for row in rows}

    async def _expectations(
        self, keys: Sequence[UUID]
    ) -> Mapping[UUID, list[tuple[Behaviour, str | None]]]:
        rows = await BehaviourExpectation.filter(plan_id__in=keys)
        said = {(row.plan_id, row.behaviour): row.expectation for row in rows}
        return {
            key: [(behaviour, said.get((key, behaviour))) for behaviour in Behaviour]
            for key in keys
        }

    async def _targets(self, keys: Sequence[UUID]) -> Mapping[UUID, Target | None]:
        rows = await Target.filter(id__in=keys)
        self._note(rows)
        return {row.id: row for row in rows}

    async def _periods(self, keys: Sequence[UUID]) -> Mapping[UUID, Period | None]:
        return {row.id: row for row in await Period.filter(id__in=keys)}

    async def _children(self, keys: Sequence[UUID], depth: int) -> Mapping[UUID, list[Target]]:
        edges = await dicts_of(CHILDREN, [keys, depth])
        wanted = {edge["child_id"] for edge in edges if edge["child_id"]}
        rows = await self._only_visible(await Target.filter(id__in=wanted))
        by_id = {row.id: row for row in rows}
        children: dict[UUID, list[Target]] = defaultdict(list)
        for edge in edges:
            known = children[edge["parent_id"]]
            if edge["child_id"] in by_id and by_id[edge["child_id"]] not in known:
                known.append(by_id[edge["child_id"]])
        return children

    async def _edges_up(self, keys: Sequence[UUID]) -> Mapping[UUID, TargetEdge | None]:
        edges = [
            TargetEdge(child_id=row["child_id"], parent_id=row["parent_id"], kind=row["kind"])
            for row in await dicts_of(PARENTS, [keys])
        ]
        await self._met(await Target.filter(id__in={edge.parent_id for edge in edges}))
        return {edge.child_id: edge for edge in edges}

    async def _indicators(self, keys: Sequence[UUID]) -> Mapping[UUID, list[Indicator]]:
        rows = await Indicator.filter(target_id__in=keys).order_by("position")
        self.indicators_seen.add([row.id for row in rows])
        return grouped(rows, lambda row: row.target_id)

    async def _indicators_by_key(self, keys: Sequence[UUID]) -> Mapping[UUID, Indicator | None]:
        rows = await Indicator.filter(id__in=keys)
        self.indicators_seen.add([row.id for row in rows])
        return {row.id: row for row in rows}

    async def _paths(self, keys: Sequence[UUID]) -> Mapping[UUID, list[PathPoint]]:
        paths: dict[UUID, list[PathPoint]] = defaultdict(list)
        for row in await dicts_of(PATHS, [keys]):
            path = paths[row["indicator_id"]]
            begun = not path or path[-1].on < self._day
            actual = row["actual"] if begun else None
            path.append(PathPoint(on=row["day"], planned=row["planned"], actual=actual))
        return paths

    async def _stages(self, keys: Sequence[UUID]) -> Mapping[UUID, list[Stage]]:
        rows = await Stage.filter(target_id__in=keys).order_by("position")
        return grouped(rows, lambda row: row.target_id)

    async def _stages_by_key(self, keys: Sequence[UUID]) -> Mapping[UUID, Stage | None]:
        return {row.id: row for row in await Stage.filter(id__in=keys)}

    async def _action_plans(self, keys: Sequence[UUID]) -> Mapping[UUID, list[ActionPlan]]:
        rows = await ActionPlan.filter(target_id__in=keys).order_by("position")
        return grouped(rows, lambda row: row.target_id)


def plan_of(indicator: Indicator) -> Plan:
    """What an indicator aims at, as the rules take it."""
    return Plan(
        polarity=indicator.polarity,
        planned=indicator.planned,
        minimum=indicator.minimum,
        maximum=indicator.maximum,
        baseline=indicator.baseline,
    )


def cascade_of(edge: TargetEdge | None) -> CascadeKind:
    """DIRECT or INDIRECT as the primary edge says; ROOT without one."""
    return CascadeKind.ROOT if edge is None else CascadeKind(edge.kind)
