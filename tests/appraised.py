"""One of everything that appraisals and their consequences are, of somebody's plan; for tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
from schema.consequences.documents import (
    About,
    AllowanceInputs,
    Applied,
    CreditInputs,
    Inputs,
    TalentInputs,
    TrainingInputs,
    WeightInputs,
    document_of,
    outcome_of,
)
from schema.consequences.documents import rules_of as rules_of_body
from schema.consequences.models import (
    Career,
    Consequence,
    ConsequenceBasis,
    Employment,
    FunctionalLevel,
    PotentialScore,
    RuleKind,
    RuleSet,
    TrainingRecord,
)
from schema.consequences.rule_texts import packaged_rules
from schema.consequences.values import Attendance, Low, MonthFacts, Outcome, PlanResult
from schema.feeds.models import Installation
from schema.organizations.models import Assignment, AssignmentKind, Employee
from schema.plans.models import Behaviour, EvaluationPeriod, PerformancePlan
from schema.tables import dicts_of
from schema.targets.models import Target
from schema.values import digest_of

DOCUMENT = "{}"
PACKAGED = {
    RuleKind.WEIGHT: "bobot",
    RuleKind.CREDIT: "angka-kredit",
    RuleKind.TALENT: "nine-box",
    RuleKind.TRAINING: "pelatihan",
    RuleKind.ALLOWANCE: "kementan-2025",
}


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
    # Nothing shows the seal of what is not signed, were there one.
    async with unguarded("appraisal_seal"):
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


@asynccontextmanager
async def unguarded(table: str) -> AsyncIterator[None]:
    """As the owner, write to a table what its triggers keep the application from."""
    await dicts_of(f"ALTER TABLE {table} DISABLE TRIGGER USER", [])
    yield
    await dicts_of(f"ALTER TABLE {table} ENABLE TRIGGER USER", [])


async def follow_from(
    appraisal: Appraisal, rules: RuleSet, period_id: Any, at: datetime, by: str = "p"
) -> None:
    """A career and a consequence of each kind."""
    common: dict[str, Any] = {"employee_id": appraisal.employee_id, "set_by": by, "set_at": at}
    day = date(2026, 1, 1)
    await Career.create(
        starts_on=day,
        employment=Employment.PPPK,
        rank="IX",
        functional_level=FunctionalLevel.PT,
        job_class=8,
        allowance_base=Decimal(5_000_000),
        credit_brought=Decimal(30),
        contract_ends_on=date(2030, 12, 31),
        **common,
    )
    await PotentialScore.create(assessed_on=day, score=Decimal(80), source="Asesmen", **common)
    await TrainingRecord.create(
        ended_on=day, title="Bimtek", hours=Decimal(8), source="Sertifikat", **common
    )
    person = await Employee.get(id=appraisal.employee_id)
    for kind, code in PACKAGED.items():
        table = rules if kind is rules.kind else await packaged_of(appraisal.agency_id, code, at)
        document, outcome = worked_out(appraisal, person.nip, table)
        consequence = await Consequence.create(
            agency_id=appraisal.agency_id,
            employee=person,
            period_id=period_id,
            kind=kind,
            month=day if kind is RuleKind.ALLOWANCE else None,
            rule_set=table,
            amount=outcome.amount,
            label=outcome.label,
            document=document,
            digest=digest_of(document),
            reckoned_by="p",
            reckoned_at=at,
        )
        await ConsequenceBasis.create(consequence=consequence, appraisal=appraisal)


def worked_out(appraisal: Appraisal, nip: str, table: RuleSet) -> tuple[str, Outcome]:
    """A document of a kind: 12 months as they were rated, of a first functional level."""
    plan = PlanResult(
        appraisal_id=appraisal.id,
        post=AssignmentKind.DEFINITIVE,
        starts_on=appraisal.starts_on,
        ends_on=appraisal.ends_on,
        months=12,
        predicate=appraisal.predicate,
        level=FunctionalLevel.PT,
    )
    facts = MonthFacts(
        base=Decimal(5_000_000),
        employment=Employment.PNS,
        predicates={"SAME_PERIOD": appraisal.predicate},
        achievement=Decimal(90),
        attendance=Attendance(days_asked=20, absent_days=1),
    )
    inputs: dict[RuleKind, Inputs] = {
        RuleKind.WEIGHT: WeightInputs(plans=[plan]),
        RuleKind.CREDIT: CreditInputs(plans=[plan], brought=Decimal(30)),
        RuleKind.TALENT: TalentInputs(weight=Decimal(80), potential=Decimal(80)),
        RuleKind.TRAINING: TrainingInputs(
            lows=[Low(kind="RESULT", about="Laporan")], hours=Decimal(8)
        ),
        RuleKind.ALLOWANCE: AllowanceInputs(facts=facts, appraisals={"SAME_PERIOD": appraisal.id}),
    }
    about = About(agency="A", nip=nip, period="2026", kind=table.kind, month=None)
    outcome = outcome_of(rules_of_body(table.kind, table.body), inputs[table.kind])
    applied = Applied(digest=table.digest, code=table.code, version=table.version)
    return document_of(about, inputs[table.kind], applied, outcome), outcome


async def packaged_of(agency_id: Any, code: str, at: datetime) -> RuleSet:
    """Packaged rules of an agency, loaded once."""
    table = packaged_rules(code)
    known = await RuleSet.get_or_none(agency_id=agency_id, code=code)
    number = await RuleSet.filter(agency_id=agency_id, kind=table.kind).count()
    return known or await RuleSet.create(
        agency_id=agency_id,
        kind=table.kind,
        code=code,
        version=number + 1,
        starts_on=date(2026, 1, 1),
        source=table.source,
        body=table.body,
        digest=table.digest,
        loaded_by="p",
        loaded_at=at,
    )


async def rules_of(agency_id: Any, at: datetime) -> RuleSet:
    """The rules of weight of an agency."""
    return await packaged_of(agency_id, PACKAGED[RuleKind.WEIGHT], at)
