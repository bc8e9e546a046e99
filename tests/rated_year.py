"""A leader and somebody of theirs, rated at the end of a year: the one by the unit's result, the
other objected, was decided and is signed. For `tests/factories.py`."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from schema.appraisals.evidence import (
    BehaviourEvidence,
    Evidence,
    IndicatorEvidence,
    ResultEvidence,
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
from schema.tables import Row
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory, Target
from schema.values import canonical, digest_of

NUMBERS: Mapping[str, Decimal] = {
    name: Decimal(10) for name in ("planned", "minimum", "maximum", "baseline")
}


def rested_on(target: Target) -> Evidence:
    """One result with everything in it, one behaviour, and the time."""
    indicator = IndicatorEvidence(
        title="Jumlah laporan",
        aspect=Aspect.QUANTITY,
        unit_of_measure="laporan",
        polarity=Polarity.RISING,
        realized=Decimal(12),
        **NUMBERS,
    )
    result = ResultEvidence(
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
        achieved=Decimal(100),
        known_share=Decimal(100),
    )
    return Evidence(
        achievement_cap=Decimal(120),
        missing_counts_as_zero=False,
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


async def rate(
    people: Mapping[str, Employee],
    superior: Employee,
    target: Target,
    evaluation_id: UUID,
    at: datetime,
) -> dict[str, Row]:
    """The rows by name: the rating of the unit, the appraisals of the head and of the staff."""
    head, staff = people["head"], people["staff"]
    head_plan = await PerformancePlan.get(employee=head).prefetch_related("assignment")
    plan = await PerformancePlan.get(employee=staff)
    evaluation = await EvaluationPeriod.get(id=evaluation_id)
    of_unit = await UnitRating.create(
        unit_id=head_plan.assignment.unit_id,
        evaluation_period=evaluation,
        version=1,
        predicate=UnitPredicate.GOOD,
        reason="Perjanjian kinerja tercapai",
        head=head,
        set_by=superior.nip,
        set_at=at,
    )
    common: dict[str, Any] = {
        "agency_id": staff.agency_id,
        "evaluation_period": evaluation,
        "unit_id": of_unit.unit_id,
        "starts_on": evaluation.starts_on,
        "ends_on": evaluation.ends_on,
        "work_rating": Rating.MEETS,
        "work_reason": "Sesuai rencana",
        "behaviour_rating": Rating.ABOVE,
        "behaviour_reason": "Membantu unit lain",
        "predicate": Predicate.GOOD,
        "state": AppraisalState.RATED,
        "rated_at": at,
    }
    of_head = await Appraisal.create(
        employee=head,
        plan=head_plan,
        appraiser=superior,
        heads_unit=True,
        unit_rating=of_unit,
        rated_by=superior.nip,
        **common,
    )
    of_staff = await Appraisal.create(
        employee=staff, plan=plan, appraiser=head, heads_unit=False, rated_by=head.nip, **common
    )
    await sign(of_staff, target, head, staff, superior, at)
    return {"unit rating": of_unit, "head appraisal": of_head, "appraisal": of_staff}


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
    document = canonical({"evidence": rested_on(target)})
    await Appraisal.filter(id=row.id).update(
        state=AppraisalState.SIGNED, version=5, signed_by=head.nip, signed_at=at
    )
    await AppraisalSeal.create(
        appraisal=row, document=document, digest=digest_of(document), sealed_at=at
    )
