"""Somebody rated at the end of a year, who objected, was decided and is signed; and a unit's own
result. For `tests/factories.py`."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from schema.appraisals.evidence import (
    BehaviourEvidence,
    Facts,
    IndicatorEvidence,
    PolicyNumbers,
    ResultFacts,
    StageEvidence,
    TimeEvidence,
)
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalLine,
    AppraisalSeal,
    AppraisalState,
    Predicate,
    Rating,
    UnitPredicate,
    UnitRating,
)
from schema.organizations.models import Employee
from schema.plans.models import Behaviour, EvaluationPeriod, PerformancePlan
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory, Target
from schema.values import canonical, digest_of

NUMBERS: dict[str, Any] = {
    name: Decimal(10) for name in ("planned", "minimum", "maximum", "baseline")
}


def rested_on(target: Target) -> Facts:
    """One result with everything in it, one behaviour, and the time."""
    indicator = IndicatorEvidence(
        title="Jumlah laporan",
        aspect=Aspect.QUANTITY,
        unit_of_measure="laporan",
        polarity=Polarity.RISING,
        realized=Decimal(12),
        **NUMBERS,
    )
    result = ResultFacts(
        id=UUID(int=target.id.int),
        code=target.code,
        title=target.title,
        category=ResultCategory.MAIN,
        perspective=Perspective.BUSINESS_PROCESS,
        assigned_by="Kepala Dinas",
        serves="Tersusunnya laporan S",
        indicators=[indicator],
        stages=[StageEvidence(title="Naskah", weight=Decimal(1), completed_on=date(2026, 3, 1))],
        children=[],
        records=1,
        feedback=1,
    )
    return Facts(
        policy=PolicyNumbers(achievement_cap=Decimal(120)),
        results=[result],
        behaviours=[BehaviourEvidence(behaviour=Behaviour.LOYAL, expectation="Teliti", feedback=1)],
        time=TimeEvidence(
            required_minutes=900,
            recorded_minutes=450,
            days_asked=2,
            days_filled=1,
            longest_streak=1,
            months=11,
        ),
    )


def sealed(facts: Facts) -> str:
    """As much of a sealed document as is read of it."""
    evidence = {"results": facts.results, "behaviours": facts.behaviours, "time": facts.time}
    return canonical({"inputs": {"evidence": evidence}, "rules": {"policy": facts.policy}})


async def rate_unit(
    unit_id: UUID, head: Employee, evaluation_id: UUID, by: str, at: datetime
) -> UnitRating:
    """The unit's own result, which is its head's rating of results."""
    return await UnitRating.create(
        unit_id=unit_id,
        evaluation_period_id=evaluation_id,
        version=1,
        predicate=UnitPredicate.GOOD,
        reason="Perjanjian kinerja tercapai",
        head=head,
        set_by=by,
        set_at=at,
    )


async def rate(
    staff: Employee,
    head: Employee,
    superior: Employee,
    target: Target,
    evaluation_id: UUID,
    at: datetime,
) -> Appraisal:
    """Of somebody, rated by the head of their unit."""
    plan = await PerformancePlan.get(employee=staff).prefetch_related("assignment")
    evaluation = await EvaluationPeriod.get(id=evaluation_id)
    row = await Appraisal.create(
        agency_id=staff.agency_id,
        employee=staff,
        plan=plan,
        evaluation_period=evaluation,
        unit_id=plan.assignment.unit_id,
        appraiser=head,
        heads_unit=False,
        starts_on=evaluation.starts_on,
        ends_on=evaluation.ends_on,
        work_rating=Rating.MEETS,
        work_reason="Sesuai rencana",
        behaviour_rating=Rating.ABOVE,
        behaviour_reason="Membantu unit lain",
        predicate=Predicate.GOOD,
        state=AppraisalState.RATED,
        rated_at=at,
        rated_by=head.nip,
    )
    await sign(row, target, head, staff, superior, at)
    return row


async def sign(
    row: Appraisal,
    target: Target,
    head: Employee,
    staff: Employee,
    superior: Employee,
    at: datetime,
) -> None:
    """Lines, an objection and its outcome, the seal."""
    await AppraisalLine.create(
        appraisal=row, target=target, rating=Rating.BELOW, reason="Terlambat"
    )
    await AppraisalLine.create(appraisal=row, behaviour=Behaviour.LOYAL, rating=Rating.ABOVE)
    told = (
        (AppraisalEventKind.RATED, head),
        (AppraisalEventKind.OBJECTED, staff),
        (AppraisalEventKind.UPHELD, superior),
        (AppraisalEventKind.SIGNED, head),
    )
    for version, (kind, person) in enumerate(told, start=2):
        await AppraisalEvent.create(
            appraisal=row, kind=kind, actor=person.nip, at=at, version=version, comment="Dicatat"
        )
    document = sealed(rested_on(target))
    await Appraisal.filter(id=row.id).update(
        state=AppraisalState.SIGNED, version=5, signed_by=head.nip, signed_at=at
    )
    await AppraisalSeal.create(
        appraisal=row, document=document, digest=digest_of(document), sealed_at=at
    )
