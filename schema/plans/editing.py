"""A plan as it is edited: one value that is saved whole, and what changed by it.

`Draft` is what a client sends. `content_of` flattens what is stored into names and texts, so that
history and conflicts can say what changed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_see_plan
from schema.errors import NotFound
from schema.organizations.models import Employee
from schema.plans.models import (
    Approach,
    AttachmentKind,
    Behaviour,
    BehaviourExpectation,
    PerformancePlan,
    PlanAttachment,
)
from schema.targets.models import (
    Accumulation,
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Perspective,
    Polarity,
    ResultCategory,
    Stage,
    Target,
    TargetEdge,
    TrajectoryPoint,
)
from schema.values import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorDraft:
    """An indicator to be; `id` is that of the one that it changes."""

    id: UUID | None = None
    aspect: Aspect = Aspect.QUANTITY
    title: str
    unit_of_measure: str | None = None
    polarity: Polarity = Polarity.RISING
    accumulation: Accumulation = Accumulation.SUM
    baseline: Decimal | None = None
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    points: Sequence[tuple[date, Decimal]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StageDraft:
    """A stage to be, in its place."""

    id: UUID | None = None
    title: str
    evidence: str | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceDraft:
    """What a result serves: a target above, and how it counts there."""

    target_id: UUID
    kind: EdgeKind = EdgeKind.INDIRECT
    weight: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultDraft:
    """A work result to be. The first of `serves` is its red thread."""

    id: UUID | None = None
    title: str
    category: ResultCategory = ResultCategory.MAIN
    classification: Classification = Classification.INDIVIDUAL
    perspective: Perspective | None = None
    assigned_by: str | None = None
    serves: Sequence[ServiceDraft] = ()
    indicators: Sequence[IndicatorDraft] = ()
    stages: Sequence[StageDraft] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A plan to be; a part that is None stays as it is."""

    approach: Approach | None = None
    results: Sequence[ResultDraft] | None = None
    expectations: Mapping[Behaviour, str] | None = None
    attachments: Sequence[tuple[AttachmentKind, str]] | None = None


@dataclass(slots=True)
class Stored:
    """A plan as it is stored: its rows, by what they hang on."""

    plan: PerformancePlan
    targets: list[Target] = field(default_factory=list)
    edges: dict[UUID, list[TargetEdge]] = field(default_factory=dict)
    indicators: dict[UUID, list[Indicator]] = field(default_factory=dict)
    points: dict[UUID, list[TrajectoryPoint]] = field(default_factory=dict)
    stages: dict[UUID, list[Stage]] = field(default_factory=dict)
    expectations: list[BehaviourExpectation] = field(default_factory=list)
    attachments: list[PlanAttachment] = field(default_factory=list)


async def seen_plan(
    connection: BaseDBAsyncClient, scope: Scope, plan_id: UUID
) -> tuple[PerformancePlan, Employee]:
    """A plan and whose it is.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    plan = await PerformancePlan.get_or_none(id=plan_id, using_db=connection)
    if plan is None:
        raise NotFound("Performance plan")
    person = await Employee.get(id=plan.employee_id, using_db=connection)
    if not can_see_plan(scope, person):
        raise NotFound("Performance plan")
    return plan, person


async def stored(connection: BaseDBAsyncClient, plan: PerformancePlan) -> Stored:
    """All of a plan, in as many statements as it has kinds of rows."""
    targets = await Target.filter(plan_id=plan.id).using_db(connection).order_by("position", "code")
    ids = [target.id for target in targets]
    indicators = await _of(connection, Indicator, "target_id", ids, "position")
    found = [one.id for rows in indicators.values() for one in rows]
    attachments = PlanAttachment.filter(plan_id=plan.id).order_by("kind", "position")
    return Stored(
        plan=plan,
        targets=targets,
        edges=await _of(connection, TargetEdge, "child_id", ids, "-primary"),
        indicators=indicators,
        points=await _of(connection, TrajectoryPoint, "indicator_id", found, "day"),
        stages=await _of(connection, Stage, "target_id", ids, "position"),
        expectations=await BehaviourExpectation.filter(plan_id=plan.id).using_db(connection),
        attachments=await attachments.using_db(connection),
    )


async def _of(
    connection: BaseDBAsyncClient, table: Any, column: str, keys: Sequence[UUID], order: str
) -> dict[UUID, list[Any]]:
    rows = table.filter(**{f"{column}__in": list(keys)}).using_db(connection).order_by(order, "id")
    grouped: dict[UUID, list[Any]] = {key: [] for key in keys}
    for row in await rows:
        grouped[getattr(row, column)].append(row)
    return grouped


def content_of(whole: Stored) -> dict[str, str]:
    """A plan's content as names and texts; names are the paths that a reader would say."""
    content: dict[str, Any] = {"approach": whole.plan.approach}
    for target in whole.targets:
        place = f"results.{target.code}"
        content |= {
            f"{place}.title": target.title,
            f"{place}.category": target.category,
            f"{place}.classification": target.classification,
            f"{place}.perspective": target.perspective,
            f"{place}.assignedBy": target.assigned_by,
            f"{place}.serves": "; ".join(map(_edge_text, whole.edges[target.id])),
        }
        for row in whole.indicators[target.id]:
            content |= _indicator_content(f"{place}.indicators.{row.position}", row)
            path = whole.points[row.id]
            content[f"{place}.indicators.{row.position}.points"] = "; ".join(
                f"{point.day}: {plain(point.planned)}" for point in path
            )
        for stage in whole.stages[target.id]:
            texts = (stage.title, stage.evidence or "", _text(stage.weight))
            content[f"{place}.stages.{stage.position}"] = " | ".join(texts)
    content |= {f"behaviours.{row.behaviour}": row.expectation for row in whole.expectations}
    content |= {f"attachments.{row.kind}.{row.position}": row.text for row in whole.attachments}
    return {name: _text(value) for name, value in content.items() if value not in (None, "")}


def _edge_text(edge: TargetEdge) -> str:
    weight = "" if edge.weight is None else f" {plain(edge.weight)} %"
    return f"{edge.parent_id} {edge.kind}{weight}"


INDICATOR_NUMBERS = ("baseline", "planned", "minimum", "maximum")


def _indicator_content(place: str, row: Indicator) -> dict[str, Any]:
    texts = ("aspect", "title", "unit_of_measure", "polarity", "accumulation")
    return {f"{place}.{name}": getattr(row, name) for name in (*texts, *INDICATOR_NUMBERS)}


def _text(value: Any) -> str:
    return plain(value) if isinstance(value, Decimal) else "" if value is None else str(value)


def changes_between(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, Any]:
    """What differs, by name, each with `before` and `after`; None where it was not there."""
    return {
        name: {"before": before.get(name), "after": after.get(name)}
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    }
