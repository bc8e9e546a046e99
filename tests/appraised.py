"""One of everything that appraisals and their consequences are, of somebody's plan; for tests."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalLine,
    AppraisalSeal,
    AppraisalState,
    FeedbackAnswer,
    FeedbackRelation,
    FeedbackRequest,
    Predicate,
    Rating,
    ResultDelivery,
    UnitPredicate,
    UnitRating,
)
from schema.consequences.models import (
    Career,
    Consequence,
    ConsequenceBasis,
    Employment,
    PotentialScore,
    RuleKind,
    RuleSet,
    TrainingRecord,
)
from schema.feeds.models import Installation
from schema.organizations.models import Assignment, Employee
from schema.plans.models import Behaviour, EvaluationPeriod, PerformancePlan
from schema.targets.models import Target
from schema.values import digest_of

DOCUMENT = "{}"


async def appraise(
    plan: PerformancePlan,
    target: Target,
    evaluation: EvaluationPeriod,
    source: Installation,
    at: datetime,
    respondent: Employee | None = None,
) -> Appraisal:
    """An appraisal that somebody gives feedback to and whose consequences are there, unsigned."""
    post = await Assignment.get(id=plan.assignment_id)
    person = await Employee.get(id=plan.employee_id)
    appraisal = await Appraisal.create(
        agency_id=source.agency_id,
        employee=person,
        plan=plan,
        evaluation_period=evaluation,
        unit_id=post.unit_id,
        appraiser_id=post.appraiser_id,
        heads_unit=False,
        starts_on=evaluation.starts_on,
        ends_on=evaluation.ends_on,
        state=AppraisalState.RATED,
        work_rating=Rating.MEETS,
        work_reason="Sesuai rencana",
        behaviour_rating=Rating.ABOVE,
        behaviour_reason="Membantu unit lain",
        predicate=Predicate.GOOD,
        rated_by="atasan",
        rated_at=at,
    )
    await AppraisalLine.create(appraisal=appraisal, target=target, rating=Rating.BELOW)
    await AppraisalLine.create(appraisal=appraisal, behaviour=Behaviour.LOYAL, rating=Rating.ABOVE)
    await AppraisalEvent.create(
        appraisal=appraisal, kind=AppraisalEventKind.RATED, actor="atasan", at=at, version=2
    )
    await AppraisalSeal.create(
        appraisal=appraisal, document=DOCUMENT, digest=digest_of(DOCUMENT), sealed_at=at
    )
    await UnitRating.create(
        unit_id=post.unit_id,
        evaluation_period=evaluation,
        version=1 + await UnitRating.filter(unit_id=post.unit_id).count(),
        predicate=UnitPredicate.GOOD,
        reason="Sesuai perjanjian kinerja",
        head=person,
        set_by="pengelola",
        set_at=at,
    )
    if respondent is not None:
        asked = await FeedbackRequest.create(
            appraisal=appraisal,
            respondent=respondent,
            relation=FeedbackRelation.PEER,
            asked_by="atasan",
            asked_at=at,
            closes_at=at,
            smallest_group=3,
            answered_at=at,
        )
        await FeedbackAnswer.create(request=asked, behaviour=Behaviour.LOYAL, score=4)
    await ResultDelivery.create(appraisal=appraisal, installation=source)
    return appraisal


async def follow_from(appraisal: Appraisal, rules: RuleSet, period_id: Any, at: datetime) -> None:
    """A career and a consequence of each kind."""
    common: dict[str, Any] = {"employee_id": appraisal.employee_id, "set_by": "p", "set_at": at}
    day = date(2026, 1, 1)
    await Career.create(
        starts_on=day, employment=Employment.PNS, allowance_base=Decimal(5_000_000), **common
    )
    await PotentialScore.create(assessed_on=day, score=Decimal(80), source="Asesmen", **common)
    await TrainingRecord.create(
        ended_on=day, title="Bimtek", hours=Decimal(8), source="Sertifikat", **common
    )
    for kind in RuleKind:
        consequence = await Consequence.create(
            agency_id=appraisal.agency_id,
            employee_id=appraisal.employee_id,
            period_id=period_id,
            kind=kind,
            month=day if kind is RuleKind.ALLOWANCE else None,
            rule_set=rules,
            amount=Decimal(80),
            document=DOCUMENT,
            digest=digest_of(DOCUMENT),
            reckoned_by="p",
            reckoned_at=at,
        )
        await ConsequenceBasis.create(consequence=consequence, appraisal=appraisal)


async def rules_of(agency_id: Any, at: datetime) -> RuleSet:
    """A rule set of an agency; its words do not matter here."""
    return await RuleSet.create(
        agency_id=agency_id,
        kind=RuleKind.WEIGHT,
        code="bobot",
        version=1,
        starts_on=date(2026, 1, 1),
        source="Aturan rumah",
        body=DOCUMENT,
        digest=digest_of(DOCUMENT),
        loaded_by="p",
        loaded_at=at,
    )
