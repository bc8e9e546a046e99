"""Documents of appraisals: the same bytes from their inputs, by the rules that they name."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import msgspec
import pytest

from schema.appraisals import documents, rules
from schema.appraisals.documents import (
    Act,
    Circumstances,
    Days,
    EvaluatedPeriod,
    Given,
    Inputs,
    Named,
    NotADocument,
    Post,
    Result,
    UnitGiven,
    document_of,
    evidence_in,
    read,
    recomputed,
)
from schema.appraisals.evidence import (
    ChildEvidence,
    Facts,
    IndicatorEvidence,
    PolicyNumbers,
    ResultFacts,
    StageEvidence,
    TimeEvidence,
    completed,
)
from schema.appraisals.models import Predicate, Rating, UnitPredicate
from schema.organizations.models import AssignmentKind
from schema.plans.models import Approach, EvaluationKind
from schema.targets.models import Aspect, Polarity, ResultCategory
from schema.values import digest_of

START, END = date(2026, 1, 1), date(2026, 12, 31)
UNIT = Named(code="1.1", name='Bagian "Umum" & Hukum')
ABOUT = Circumstances(
    appraisal=UUID(int=1),
    plan=UUID(int=2),
    approach=Approach.QUANTITATIVE,
    agency=Named(code="A", name="Instansi A"),
    employee=Post(
        nip="199001012015031003",
        name="Sari é",
        position="Analis",
        kind=AssignmentKind.DEFINITIVE,
        heads_unit=False,
        unit=UNIT,
    ),
    appraiser=None,
    period=EvaluatedPeriod(
        code="2026", kind=EvaluationKind.FINAL, number=1, starts_on=START, ends_on=END
    ),
    days=Days(starts_on=START, ends_on=END),
    work=Given(rating=Rating.MEETS, reason="Sesuai"),
    behaviour=Given(rating=Rating.ABOVE, reason=None),
    unit_rating=None,
    lines=[],
    objection=None,
    rated=Act(by="atasan", at=datetime(2026, 12, 28, tzinfo=UTC)),
)
SIGNED = Act(by="atasan", at=datetime(2027, 1, 10, 3, 4, 5, 600, tzinfo=UTC))

SEALED = "efb656936d5e759428fa16007020df5b72adf674252c80437395456af91cd0db"


def indicator(planned: str | None, realized: str | None) -> IndicatorEvidence:
    return IndicatorEvidence(
        title="Laporan",
        aspect=Aspect.QUANTITY,
        unit_of_measure="laporan",
        polarity=Polarity.RISING,
        planned=(planned and Decimal(planned)) or None,
        minimum=None,
        maximum=None,
        baseline=None,
        realized=(realized and Decimal(realized)) or None,
    )


def result(number: int, **given: object) -> ResultFacts:
    plain = ResultFacts(
        id=UUID(int=number),
        code=f"R{number}",
        title="Hasil",
        category=ResultCategory.MAIN,
        perspective=None,
        assigned_by=None,
        serves=None,
        indicators=[],
        stages=None,
        children=[],
        records=3,
        feedback=0,
    )
    return replace(plain, **given)  # type: ignore[arg-type]


FACTS = Facts(
    policy=PolicyNumbers(achievement_cap=Decimal("110.00"), missing_counts_as_zero=False),
    results=[
        result(1, indicators=[indicator("12.000000", "6.000000"), indicator("5", None)]),
        result(
            2,
            stages=[
                StageEvidence(title="Naskah", weight=None, completed_on=date(2026, 3, 1)),
                StageEvidence(title="Uji", weight=None, completed_on=None),
                StageEvidence(title="Terbit", weight=None, completed_on=None),
            ],
        ),
        result(
            3,
            children=[
                ChildEvidence(weight=Decimal(40), achieved=Decimal("80.000000")),
                ChildEvidence(weight=Decimal(60), achieved=Decimal("50.000000")),
            ],
        ),
        result(4, indicators=[indicator("10", "15")]),
    ],
    behaviours=[],
    time=TimeEvidence(
        required_minutes=450,
        recorded_minutes=300,
        days_asked=1,
        days_filled=1,
        longest_streak=1,
        months=12,
    ),
)


def test_the_result_is_worked_out_and_never_an_input() -> None:
    document, came_to = document_of(ABOUT, FACTS, SIGNED)

    assert (came_to.predicate, came_to.siasn.quadrant) == (Predicate.GOOD, 2)
    # 6 of 12 = 50, the other unknown: half is known. 1 of 3 stages. 80 x 40 % + 50 x 60 % = 62.
    # 15 of 10 = 150, capped at 110.
    assert [(str(one.achieved), str(one.known_share)) for one in came_to.results] == [
        ("50.00", "50.00"),
        ("33.33", "100.00"),
        ("62.00", "100.00"),
        ("110.00", "100.00"),
    ]
    assert read(document).result == came_to


def test_a_document_is_canonical_and_recomputes_to_the_same_bytes() -> None:
    document, _ = document_of(ABOUT, FACTS, SIGNED)

    assert recomputed(document) == document
    assert list(msgspec.json.decode(document)) == ["format", "inputs", "result", "rules"]
    assert '"achievement_cap":"110"' in document


def test_the_evidence_of_a_document_is_what_was_gathered() -> None:
    document, _ = document_of(ABOUT, FACTS, SIGNED)

    assert evidence_in(read(document)) == completed(FACTS)


def test_an_agency_without_a_policy_is_worked_out_by_the_defaults() -> None:
    document, came_to = document_of(ABOUT, replace(FACTS, policy=None), SIGNED)

    assert read(document).rules.policy == PolicyNumbers()
    assert came_to.results[3].achieved == Decimal(120)  # 150, capped at the default's 120
    assert recomputed(document) == document


@pytest.mark.parametrize(
    ("unit", "work", "predicate", "codes"),
    [
        (UnitPredicate.OUTSTANDING, Rating.ABOVE, Predicate.EXCELLENT, (1, 1, 1)),
        (UnitPredicate.GOOD, Rating.MEETS, Predicate.GOOD, (2, 1, 2)),
        (UnitPredicate.VERY_POOR, Rating.BELOW, Predicate.NEEDS_IMPROVEMENT, (3, 1, 3)),
    ],
)
def test_a_heads_work_is_rated_by_the_units_result(
    unit: UnitPredicate, work: Rating, predicate: Predicate, codes: tuple[int, int, int]
) -> None:
    head = replace(ABOUT, unit_rating=UnitGiven(predicate=unit, reason="PK", version=1))

    document, came_to = document_of(head, FACTS, SIGNED)

    assert (came_to.work, came_to.predicate) == (work, predicate)
    siasn = came_to.siasn
    assert (siasn.work, siasn.behaviour, siasn.quadrant) == codes
    assert recomputed(document) == document


@pytest.mark.parametrize(
    ("work", "behaviour", "quadrant"),
    [
        (work, behaviour, code)
        for work, codes in (("ABOVE", "124"), ("MEETS", "224"), ("BELOW", "335"))
        for behaviour, code in zip(("ABOVE", "MEETS", "BELOW"), codes, strict=True)
    ],
)
def test_the_codes_of_siasn_are_of_the_quadrant(work: str, behaviour: str, quadrant: str) -> None:
    about = replace(
        ABOUT,
        work=Given(rating=Rating(work), reason="-"),
        behaviour=Given(rating=Rating(behaviour), reason="-"),
    )

    _, came_to = document_of(about, FACTS, SIGNED)

    assert came_to.siasn.quadrant == int(quadrant)


def stricter(inputs: Inputs, policy: PolicyNumbers) -> Result:
    """An invented later version: nobody is excellent, and achievement is not capped at 110."""
    first = documents.first_version(inputs, replace(policy, achievement_cap=Decimal(100)))
    return replace(first, predicate=Predicate.NEEDS_IMPROVEMENT)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def come() -> None:
        monkeypatch.setitem(documents.VERSIONS, 2, stricter)
        monkeypatch.setattr(rules, "RULES_VERSION", 2)

    return come


def test_an_old_document_is_recomputed_by_its_own_version(later: Callable[[], None]) -> None:
    old, _ = document_of(ABOUT, FACTS, SIGNED)

    later()
    new, came_to = document_of(ABOUT, FACTS, SIGNED)

    assert (read(old).rules.version, read(new).rules.version) == (1, 2)
    assert came_to.predicate is Predicate.NEEDS_IMPROVEMENT
    assert recomputed(old) == old
    assert recomputed(new) == new
    assert new != old


def test_a_document_of_unknown_rules_is_refused_in_words() -> None:
    document, _ = document_of(ABOUT, FACTS, SIGNED)

    with pytest.raises(NotADocument, match="version 9"):
        recomputed(document.replace('"version":1}', '"version":9}'))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format":"other/1"}', "{" * 9])
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(NotADocument):
        recomputed(text)


def test_a_changed_predicate_does_not_recompute() -> None:
    document, _ = document_of(ABOUT, FACTS, SIGNED)

    assert recomputed(document.replace('"GOOD"', '"EXCELLENT"')) == document


def test_documents_that_were_sealed_are_written_the_same_for_ever() -> None:
    """A change here breaks every sealed document: add a version to `documents.VERSIONS` instead."""
    document, _ = document_of(ABOUT, FACTS, SIGNED)

    assert digest_of(document) == SEALED
