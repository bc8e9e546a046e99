"""Where consequences are met and who is shown what, for `tests/schema/test_access_matrix.py`."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from schema.appraisals.models import Appraisal, Predicate
from schema.consequences.models import Consequence, RuleKind, RuleSet
from schema.consequences.rule_texts import packaged, written
from schema.organizations.models import Employee
from schema.values import uuid7
from tests.appraised import follow_from, rules_of

OF_ANY = (
    "id kind employee period lines ruleSet appraisals version versions reckonedAt document digest"
)


def one(kind: str, inner: str = "@") -> str:
    return f'node(id: "{{consequence {kind}}}") {{ ... on Consequence {{ {inner} }} }}'


STAFF_FIELDS = 'node(id: "{staff}") { ... on Employee { %s } }'
SIMULATE = 'simulate(ruleSet: "{%s}", period: "2026"%s) { %s }'
WEIGHTS = SIMULATE % ("tried WEIGHT", ", first: 1", "%s")
PAY = SIMULATE % ("tried ALLOWANCE", ', month: "2026-01-01"', "%s")
PERSON = "employeeId nip name amountNow amountThen difference lines"

CONSEQUENCE_PLACES: tuple[tuple[str, str, str, Mapping[str, str]], ...] = (
    (
        "weight",
        "Consequence",
        one("WEIGHT"),
        {
            "work": f"{OF_ANY} amount label",
            "never": "month recommendation credit training supersededAt",
        },
    ),
    (
        "weight that is superseded",
        "Consequence",
        one("old"),
        {
            "work": f"{OF_ANY.replace(' appraisals', '')} amount label supersededAt",
            "never": "month recommendation credit training appraisals",
        },
    ),
    (
        "credit points",
        "Consequence",
        one("CREDIT"),
        {
            "career": f"{OF_ANY} amount label credit",
            "never": "month recommendation training supersededAt",
        },
    ),
    (
        "box",
        "Consequence",
        one("TALENT"),
        {
            "career": f"{OF_ANY} amount label recommendation",
            "never": "month credit training supersededAt",
        },
    ),
    (
        "training needs",
        "Consequence",
        one("TRAINING"),
        {
            "work": f"{OF_ANY} amount label training",
            "never": "month recommendation credit supersededAt",
        },
    ),
    (
        "allowance",
        "Consequence",
        one("ALLOWANCE"),
        {
            "career": f"{OF_ANY} amount month",
            "never": "label recommendation credit training supersededAt",
        },
    ),
    (
        "line of a weight",
        "ConsequenceLine",
        one("WEIGHT", "lines { @ }"),
        {"work": "name basis amount appraisal", "never": "percent"},
    ),
    (
        "line of an allowance",
        "ConsequenceLine",
        one("ALLOWANCE", "lines { @ }"),
        {"career": "name basis amount percent", "never": "appraisal"},
    ),
    (
        "credit progress",
        "CreditProgress",
        one("CREDIT", "credit { @ }"),
        {"career": "level earned brought total nextRank nextLevel"},
    ),
    (
        "step of credit",
        "CreditStep",
        one("CREDIT", "credit { nextRank { @ } }"),
        {"career": "needed missing reached"},
    ),
    (
        "training of a year",
        "TrainingNeeds",
        one("TRAINING", "training { @ }"),
        {"work": "due done short needs"},
    ),
    (
        "need of training",
        "TrainingNeed",
        one("TRAINING", "training { needs { @ } }"),
        {"work": "kind about hours"},
    ),
    (
        "career",
        "Career",
        STAFF_FIELDS % 'career(on: "2026-11-24") { @ }',
        {
            "career": "startsOn employment rank functionalLevel jobClass allowanceBase "
            "creditBrought contractEndsOn setAt setBy"
        },
    ),
    (
        "potential",
        "PotentialScore",
        STAFF_FIELDS % "potentials { @ }",
        {"career": "assessedOn score source setAt"},
    ),
    (
        "training",
        "TrainingRecord",
        STAFF_FIELDS % 'trainings(period: "2026") { @ }',
        {"work": "endedOn title hours source setAt"},
    ),
    (
        "grid of talent",
        "TalentGrid",
        'talentGrid(agency: "DC", period: "2026") { @ }',
        {"feeds": "people boxes"},
    ),
    (
        "box of the grid",
        "TalentBox",
        'talentGrid(agency: "DC", period: "2026") { boxes { @ } }',
        {"feeds": "box label count"},
    ),
    (
        "pool of talent",
        "ConsequenceConnection",
        'talentPool(agency: "DC", period: "2026") { @ }',
        {"feeds": "edges", "signed in": "pageInfo totalCount"},
    ),
    (
        "edge to a box",
        "ConsequenceEdge",
        'talentPool(agency: "DC", period: "2026") { edges { @ } }',
        {"feeds": "cursor node"},
    ),
    (
        "weights by other rules",
        "Simulation",
        WEIGHTS % "@",
        {
            "feeds": "ruleSet people changed higher lower totalNow totalThen difference changes "
            "nextAfter"
        },
    ),
    (
        "somebody by other rules of weight",
        "SimulatedPerson",
        WEIGHTS % "changes { @ }",
        {"feeds": f"{PERSON} labelNow labelThen"},
    ),
    (
        "line of an allowance by other rules",
        "SimulatedLine",
        PAY % "changes { lines { @ } }",
        {"feeds": "name amountNow amountThen percentNow percentThen"},
    ),
)

CONSEQUENCE_ROOT: Mapping[str, tuple[str, str]] = {
    "talentGrid": ("feeds", 'talentGrid(agency: "DC", period: "2026") { people }'),
    "talentPool": ("feeds", 'talentPool(agency: "DC", period: "2026") { edges { cursor } }'),
    "simulate": ("feeds", WEIGHTS % "people"),
}
ADMINISTRATOR = frozenset({"administrator"})
CONSEQUENCE_MUTATIONS: Mapping[str, tuple[str, frozenset[str], str]] = {
    "reckonConsequences": (
        'input: {agency: "DC", period: "2026"}',
        ADMINISTRATOR,
        "NOT_FOUND",
    ),
    "reckonAllowances": (
        'input: {agency: "DC", month: "2026-10-15"}',
        ADMINISTRATOR,
        "NOT_FOUND",
    ),
    "recordCareers": (
        'input: {agency: "DC", careers: [{nip: "{nip}", startsOn: "2026-12-01", employment: PNS}]}',
        ADMINISTRATOR,
        "NOT_FOUND",
    ),
    "recordPotentials": (
        'input: {agency: "DC", potentials: [{nip: "{nip}", assessedOn: "2026-12-01", '
        'score: "70", source: "Asesmen"}]}',
        ADMINISTRATOR,
        "NOT_FOUND",
    ),
    "recordTrainings": (
        'input: {agency: "DC", trainings: [{nip: "{nip}", endedOn: "2026-12-01", '
        'title: "Bimtek", hours: "8", source: "Sertifikat"}]}',
        ADMINISTRATOR,
        "NOT_FOUND",
    ),
}

TRIED = {
    "WEIGHT": ("bobot", "GOOD = 80", "GOOD = 70"),
    "ALLOWANCE": ("kementan-2025", "GOOD = 100", "GOOD = 90"),
}


async def followed(
    appraisal: Appraisal, colleague: Employee, by: str, period_id: Any, at: Any
) -> dict[str, Any]:
    """What follows for somebody, and for a colleague the weight; rules that are to be tried."""
    appraisal.predicate = appraisal.predicate or Predicate.GOOD
    agency_id = appraisal.agency_id
    await follow_from(appraisal, await rules_of(agency_id, at), period_id, at, by)
    found = {
        f"consequence {row.kind}": row
        for row in await Consequence.filter(employee_id=appraisal.employee_id)
    }
    weight = found["consequence WEIGHT"]
    old = weight.clone(pk=uuid7())
    old.update_from_dict({"superseded_at": at, "amount": Decimal(60)})
    other = weight.clone(pk=uuid7())
    other.update_from_dict({"employee_id": colleague.id})
    for row in (old, other):
        await row.save(force_create=True)
    found["consequence old"] = old
    for name, (code, words, others) in TRIED.items():
        table = written(packaged()[code].replace(words, others))
        number = await RuleSet.filter(agency_id=agency_id, kind=RuleKind(name)).count()
        found[f"tried {name}"] = await RuleSet.create(
            agency_id=agency_id, kind=table.kind, code=f"{code}-baru", version=number + 1,
            starts_on=date(2027, 1, 1), source=table.source, body=table.body,
            digest=table.digest, loaded_by=by, loaded_at=at,
        )  # fmt: skip
    return found
