"""The end of a year in agency A of two agencies: appraisals that wait, and one that is sealed."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from schema.appraisals.evidence import (
    BehaviourEvidence,
    ChildEvidence,
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
    AppraisalSeal,
    AppraisalState,
    Rating,
    UnitPredicate,
    UnitRating,
)
from schema.appraisals.rules import predicate_of
from schema.organizations.models import (
    Unit,
)
from schema.plans.models import Behaviour, EvaluationKind, EvaluationPeriod, PerformancePlan
from schema.targets.models import (
    Aspect,
    Period,
    Polarity,
    ResultCategory,
)
from schema.values import digest_of
from tests.rated_year import sealed
from tests.two_agencies import DAY, NOON, START, World


async def end_the_year(world: World) -> None:
    """Final appraisals in A: of a head by the unit's result, one that was objected to and signed,
    one that waits; the boss' unit has a result."""
    period = await Period.get(agency=world.agencies["A"])
    final = await EvaluationPeriod.create(
        period=period,
        kind=EvaluationKind.FINAL,
        number=1,
        starts_on=START,
        ends_on=period.ends_on,
        filling_until=date(2027, 1, 10),
    )
    people = world.people
    unit = await Unit.get(agency=world.agencies["A"], code="1.1")
    result = await UnitRating.create(
        unit=unit,
        evaluation_period=final,
        version=1,
        predicate=UnitPredicate.GOOD,
        reason="Tercapai",
        head=people["boss"],
        set_by=people["chief"].nip,
        set_at=NOON,
    )
    ratings = {"boss": (Rating.MEETS, Rating.ABOVE), "employee": (Rating.BELOW, Rating.MEETS)}
    for name in ("boss", "employee", "colleague"):
        plan = await PerformancePlan.get(employee=people[name])
        heads = name == "boss"
        row = await Appraisal.create(
            agency=world.agencies["A"],
            employee=people[name],
            plan=plan,
            evaluation_period=final,
            unit=unit,
            appraiser=people["chief" if heads else "boss"],
            heads_unit=heads,
            starts_on=START,
            ends_on=period.ends_on,
        )
        if name in ratings:
            work, behaviour = ratings[name]
            await Appraisal.filter(id=row.id).update(
                state=AppraisalState.RATED,
                work_rating=work,
                behaviour_rating=behaviour,
                predicate=predicate_of(work, behaviour),
                rated_by=people["boss"].nip,
                rated_at=NOON,
                unit_rating_id=result.id if heads else None,
            )
    await sign_one(await Appraisal.get(employee=people["employee"], evaluation_period=final), world)


async def sign_one(row: Appraisal, world: World) -> None:
    """Objected to, changed, signed; what it rested on is sealed."""
    told = (
        (AppraisalEventKind.OBJECTED, "employee", "Ada bukti baru"),
        (AppraisalEventKind.CHANGED, "chief", None),
        (AppraisalEventKind.SIGNED, "boss", None),
    )
    for version, (kind, name, comment) in enumerate(told, start=2):
        await AppraisalEvent.create(
            appraisal=row,
            kind=kind,
            actor=world.people[name].nip,
            at=NOON,
            version=version,
            comment=comment,
            changes={"predicate": {"before": "POOR", "after": "NEEDS_IMPROVEMENT"}},
        )
    await Appraisal.filter(id=row.id).update(
        state=AppraisalState.SIGNED, signed_by=world.people["boss"].nip, signed_at=NOON, version=4
    )
    document = sealed(sealed_evidence(world))
    await AppraisalSeal.create(
        appraisal=row, document=document, digest=digest_of(document), sealed_at=NOON
    )


def sealed_evidence(world: World) -> Facts:
    """Of one result with an indicator, of one with stages, of one with nothing."""
    none: dict[str, Any] = {"planned": None, "minimum": None, "maximum": None, "baseline": None}
    indicator = IndicatorEvidence(
        title="Jumlah",
        aspect=Aspect.QUANTITY,
        unit_of_measure="dokumen",
        polarity=Polarity.RISING,
        realized=Decimal("3.50"),
        **none | {"planned": Decimal(10)},
    )
    stage = StageEvidence(title="Naskah", weight=Decimal("2.5"), completed_on=DAY)
    common: dict[str, Any] = {
        "category": ResultCategory.MAIN, "perspective": None, "assigned_by": "Sekretaris",
        "serves": "Tersusunnya kebijakan", "indicators": (), "stages": None, "children": (),
        "records": 1, "feedback": 0,
    }  # fmt: skip
    shapes: tuple[dict[str, Any], ...] = (
        {"indicators": (indicator,)},
        {"stages": (stage, replace(stage, completed_on=None, weight=None))},
        {"children": (ChildEvidence(weight=Decimal(40), achieved=Decimal("87.654321")),)},
        {},
    )
    results = [
        ResultFacts(id=world.targets["employee"].id, code=f"R{n}", title="Hasil", **common | shape)
        for n, shape in enumerate(shapes)
    ]
    time_ = TimeEvidence(
        required_minutes=450,
        recorded_minutes=60,
        days_asked=1,
        days_filled=1,
        longest_streak=1,
        months=12,
    )
    said = BehaviourEvidence(behaviour=Behaviour.LOYAL, expectation="Teliti", feedback=2)
    return Facts(
        policy=PolicyNumbers(achievement_cap=Decimal(120)),
        results=results,
        behaviours=[said],
        time=time_,
    )
