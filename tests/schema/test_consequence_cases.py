"""What follows for people whose year was no plain one, each with its figures."""

import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from schema.access import Role, Scope
from schema.appraisals.models import Appraisal
from schema.consequences import documents
from schema.consequences.closing import reckon_month
from schema.consequences.documents import recomputed
from schema.consequences.exporting import lines_of
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
from schema.consequences.reckoning import reckon
from schema.consequences.rule_texts import packaged_rules
from schema.consequences.verifying import Kind, WrongLine, verified
from schema.organizations.models import (
    Absence,
    AbsenceKind,
    AbsenceState,
    AssignmentKind,
    Unit,
)
from schema.plans.models import Behaviour
from schema.tables import transaction
from server.database import Database, DatabaseRole, opened
from tests.yearly import BY, FIRST, LAST, NOW, YEAR, A, Agencys, B, M, found_agency, low

K = RuleKind
PT, MU = FunctionalLevel.PT, FunctionalLevel.MU
JUNE, JULY = date(YEAR, 6, 30), date(YEAR, 7, 1)


async def reckoned(of: Agencys) -> int:
    async with transaction() as connection:
        people = [person.id for person in of.people.values()]
        return await reckon(connection, of.agency.id, of.years[YEAR].id, people, BY, NOW)


@pytest.fixture(scope="module")
async def year(module_database: Database) -> AsyncIterator[Agencys]:
    """Everybody of the cases below, sealed and reckoned once; the months' allowances of 6,000,000
    by kementan-2025: 60 % by the predicate of the same quarter (100 / 100 / 80 / 70 / 60), 40 % by
    attendance, of which no clock says anything here: 2,400,000 without a cut."""
    async with opened(module_database, DatabaseRole.OWNER):
        of = await found_agency()
        rows = []
        # A whole year, above in both; 8 JP of training, potential 80, 30 points brought.
        await of.person("plain", functional_level=PT, credit_brought=Decimal(30))
        post = await of.post("plain")
        rows += [await of.rated(post, A, A), await of.rated(post, A, M, "q3")]
        await about("plain", of, score=80, hours=8)
        # A transfer on 1 July: six months GOOD, then six EXCELLENT, on the next level from then.
        await of.person("moved", functional_level=PT, credit_brought=Decimal(0))
        await next_level(of, "moved")
        former, later = await of.post("moved", ends=JUNE), await of.post("moved", JULY)
        rows += [await of.rated(former, M, M), await of.rated(former, B, M, "q2")]
        rows += [await of.rated(later, A, A), await of.rated(later, A, A, "q3")]
        await about("moved", of, score=77, hours=20)
        # Two plans: one until 14 July, another from the 15th, in the midst of month and quarter.
        await of.person("twice", functional_level=PT, credit_brought=Decimal("33.85"))
        until, since = date(YEAR, 7, 14), date(YEAR, 7, 15)
        former, later = await of.post("twice", ends=until), await of.post("twice", since)
        rows += [await of.rated(former, A, A), await of.rated(former, B, B, "q3")]
        rows += [await of.rated(later, M, A), await of.rated(later, M, M, "q3")]
        await low(rows[-2], behaviour=Behaviour.LOYAL)
        await about("twice", of, score=70, hours=5)
        # A definitive post the whole year, and an acting one from 1 July that went badly.
        await of.person("acting", functional_level=PT)
        other = await Unit.create(agency=of.agency, code="2", name="Seksi", kind="seksi")
        post = await of.post("acting")
        plt = await of.post("acting", JULY, kind=AssignmentKind.PLT, unit=other)
        rows += [await of.rated(post, M, A), await of.rated(post, B, M, "q3")]
        rows += [await of.rated(plt, B, B, "q3"), await of.rated(plt, B, B)]
        await low(rows[-1], behaviour=Behaviour.ADAPTIVE)
        # Leave from January to June: no day of these months asks for work.
        await of.person("away", functional_level=MU)
        await leave(of, "away", FIRST, JUNE)
        post = await of.post("away")
        rows += [await of.rated(post, M, M), await of.rated(post, M, B, "q3")]
        await about("away", of, score=68, hours=2)
        # A PPPK whose contract, post and plan end on 30 September.
        ends = date(YEAR, 9, 30)
        await of.person("contract", employment=Employment.PPPK, contract_ends_on=ends)
        post = await of.post("contract", ends=ends)
        rows += [await of.rated(post, M, M), await of.rated(post, B, A, "q3")]
        await about("contract", of, score=67, hours=19)
        # Results met, behaviour below: misconduct.
        await of.person("misconduct", functional_level=PT, credit_brought=Decimal(10))
        post = await of.post("misconduct")
        rows += [await of.rated(post, M, B), await of.rated(post, M, B, "q3")]
        await low(rows[-2], behaviour=Behaviour.LOYAL)
        await about("misconduct", of, score=50, hours=24)
        # Rated, and not signed: nothing follows.
        await of.person("unsigned")
        await of.rated(await of.post("unsigned"), M, M)
        await of.signed(*rows)
        assert await reckoned(of) == 4 * 7
        await of.rules("kementan-2025")
        for month in (3, 6, 7, 8, 9, 10):
            await reckon_month(administrator(of), "THN1", date(YEAR, month, 1), NOW)
        yield of


def administrator(of: Agencys) -> Scope:
    return Scope(subject=BY, grants=frozenset({(of.agency.id, Role.ADMINISTRATOR)}))


async def about(name: str, of: Agencys, *, score: int, hours: int) -> None:
    person = of.people[name]
    said: dict[str, Any] = {"employee": person, "source": "Sertifikat", "set_by": BY, "set_at": NOW}
    await PotentialScore.create(assessed_on=date(YEAR, 5, 1), score=Decimal(score), **said)
    await TrainingRecord.create(
        ended_on=date(YEAR, 5, 1), title="Bimtek", hours=Decimal(hours), **said
    )
    # Of another year: not counted.
    await TrainingRecord.create(
        ended_on=FIRST - timedelta(days=1), title="Diklat", hours=Decimal(40), **said
    )


async def next_level(of: Agencys, name: str) -> None:
    await Career.create(
        employee=of.people[name], starts_on=JULY, employment=Employment.PNS, functional_level=MU,
        allowance_base=Decimal(7_000_000), set_by=BY, set_at=NOW,
    )  # fmt: skip


async def leave(of: Agencys, name: str, first: date, last: date) -> None:
    await Absence.create(
        employee=of.people[name], kind=AbsenceKind.LEAVE, state=AbsenceState.ACCEPTED,
        starts_on=first, ends_on=last, reported_by=BY, reported_at=NOW, decided_by=BY,
        decided_at=NOW,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What somebody's year came to. `predicates` of their final appraisals by the first day, `box`
    0: none; `short` hours of training; `pay` by month, None: no allowance."""

    predicates: Sequence[str]
    weight: str
    credit: str | None
    box: int
    short: int
    needs: tuple[str, ...] = ()
    pay: Mapping[int, int | None]


async def figures(of: Agencys, name: str, months: Iterable[int]) -> Figures:
    person = of.people[name]
    found = await of.outcomes(name)
    finals = Appraisal.filter(employee=person, evaluation_period__kind="FINAL")
    amounts = {
        row.month.month: int(row.amount or 0)
        for row in await Consequence.filter(employee=person, month__not_isnull=True)
        if row.month is not None
    }
    needs = msgspec.json.decode(found[K.TRAINING].document)["result"]["more"]["needs"]
    credit, box = found[K.CREDIT].amount, found[K.TALENT].amount
    return Figures(
        predicates=[str(row.predicate) for row in await finals.order_by("starts_on", "id")],
        weight=f"{found[K.WEIGHT].amount:.2f}",
        credit=None if credit is None else f"{credit:.2f}",
        box=int(box or 0),
        short=int(found[K.TRAINING].amount or 0),
        needs=tuple(one["about"] for one in needs),
        pay={month: amounts.get(month) for month in months},
    )


# A whole allowance is 6,000,000 but where said: 3,600,000 by predicate, 2,400,000 by attendance.
# A month goes by the quarter's appraisal of the post that is held on its first day; a month of a
# quarter without one pays the predicate's part in full (assumed in kementan-2025).
CASES: Mapping[str, Figures] = {
    # ABOVE, ABOVE: SANGAT BAIK, 12 months of 100. 12/12 x 150 % x 12.5 = 18.75. Weight 100 >= 85
    # and potential 80 >= 77: 9. 20 less 8 hours; the 40 are of the year before. August: ABOVE and
    # MEETS are BAIK, 100 %.
    "plain": Figures(
        predicates=["EXCELLENT"],
        weight="100.00",
        credit="18.75",
        box=9,
        short=12,
        pay={8: 6_000_000},
    ),
    # (6 x 80 + 6 x 100) / 12 = 90. 6/12 x 100 % x 12.5 = 6.25 as PT and 6/12 x 150 % x 25 = 18.75
    # as MU. 90 >= 85 and 77 >= 77: 9. June by the former post, BUTUH PERBAIKAN: 3,600,000 x 80 % =
    # 2,880,000. July and August by the new one, SANGAT BAIK, of 7,000,000.
    "moved": Figures(
        predicates=["GOOD", "EXCELLENT"],
        weight="90.00",
        credit="25.00",
        box=9,
        short=0,
        pay={6: 5_280_000, 7: 7_000_000, 8: 7_000_000},
    ),
    # July begins in the former post: 7 months of 100 and 5 of 80, (700 + 400) / 12 = 91.67.
    # 7/12 x 150 % x 12.5 = 10.9375, 10.94; 5/12 x 100 % x 12.5 = 5.2083, 5.21. 91.67 >= 85 and
    # 68 <= 70 < 77: 7. 20 less 5. July by the former post, SANGAT KURANG: 3,600,000 x 60 % =
    # 2,160,000; August by the later one, BAIK.
    "twice": Figures(
        predicates=["EXCELLENT", "GOOD"],
        weight="91.67",
        credit="16.15",
        box=7,
        short=15,
        needs=("LOYAL",),
        pay={7: 4_560_000, 8: 6_000_000},
    ),
    # The acting post's SANGAT KURANG is appraised and adds nothing: 12 months of 80;
    # 12/12 x 100 % x 12.5; no potential; nobody's hours; no need of what was low there. August by
    # the definitive post, BUTUH PERBAIKAN: 80 %; by the acting one it would be 60 %: 4,560,000.
    "acting": Figures(
        predicates=["GOOD", "VERY_POOR"],
        weight="80.00",
        credit="12.50",
        box=0,
        short=20,
        pay={8: 5_280_000},
    ),
    # 6 months of 6 at 80; 6/12 x 100 % x 25 = 12.5. 70 <= 80 < 85 and 68 <= 68 < 77: 5. 20 less 2.
    # In March no day is asked and none is absent, and the quarter has no predicate: paid in full,
    # since cuts for leave are not in the scheme. August: MEETS and BELOW are KURANG, 70 %:
    # 2,520,000.
    "away": Figures(
        predicates=["GOOD"],
        weight="80.00",
        credit="12.50",
        box=5,
        short=18,
        pay={3: 6_000_000, 8: 4_920_000},
    ),
    # 9 months of 80; of no functional level. 67 < 68: 2. 20 less 19. September is paid, BELOW and
    # ABOVE being BUTUH PERBAIKAN; October, behind the contract, is not.
    "contract": Figures(
        predicates=["GOOD"],
        weight="80.00",
        credit=None,
        box=2,
        short=1,
        pay={9: 5_280_000, 10: None},
    ),
    # Results met, behaviour below: KURANG, 40. 12/12 x 50 % x 12.5 = 6.25. 40 < 70 and 50 < 68: 1.
    # 24 of 20 hours. 3,600,000 x 70 % = 2,520,000.
    "misconduct": Figures(
        predicates=["POOR"],
        weight="40.00",
        credit="6.25",
        box=1,
        short=0,
        needs=("LOYAL",),
        pay={8: 4_920_000},
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_a_year_comes_to_its_figures(year: Agencys, name: str) -> None:
    expected = CASES[name]

    assert await figures(year, name, expected.pay) == expected


async def test_labels_say_what_an_outcome_is_or_why_there_is_none(year: Agencys) -> None:
    labels = {
        name: {kind: row.label for kind, row in (await year.outcomes(name)).items()}
        for name in CASES
    }

    # Of one predicate the weight has its name; of two it has none.
    assert {name: said[K.WEIGHT] for name, said in labels.items()} == {
        "plain": "EXCELLENT",
        "moved": None,
        "twice": None,
        "acting": "GOOD",
        "away": "GOOD",
        "contract": "GOOD",
        "misconduct": "POOR",
    }
    assert labels["moved"][K.CREDIT] == "MU"  # the level of the year's end
    assert labels["contract"][K.CREDIT] == "NOT_FUNCTIONAL"
    assert labels["acting"][K.TALENT] == "NO_POTENTIAL"
    assert (labels["plain"][K.TRAINING], labels["misconduct"][K.TRAINING]) == ("SHORT", "MET")


async def test_progress_is_counted_from_what_was_brought(year: Agencys) -> None:
    plain = (await year.outcomes("plain"))[K.CREDIT].document
    twice = (await year.outcomes("twice"))[K.CREDIT].document
    moved = (await year.outcomes("moved"))[K.CREDIT].document

    # 30 brought and 18.75 earned make 48.75 of 50: 1.25 are missing.
    assert '"next_rank":{"missing":"1.25","needed":"50","reached":false}' in plain
    # 33.85 and 16.15 make 50: reached to the hundredth.
    assert '"next_rank":{"missing":"0","needed":"50","reached":true}' in twice
    # The needs are those of the level at the end (MU, 100), not of the one before (PT, 50).
    assert '"next_rank":{"missing":"75","needed":"100","reached":false}' in moved


async def test_figures_rest_on_the_appraisals_that_count(year: Agencys) -> None:
    basis = {
        name: await ConsequenceBasis.filter(consequence=(await year.outcomes(name))[K.WEIGHT])
        for name in CASES
    }

    assert {name: len(rows) for name, rows in basis.items()} == {
        "plain": 1,
        "moved": 2,
        "twice": 2,
        "acting": 1,  # not the acting post's
        "away": 1,
        "contract": 1,
        "misconduct": 1,
    }
    months = (await year.outcomes("contract"))[K.WEIGHT].document
    assert '"months":9' in months  # January to September
    for name, quarter in (("moved", 2), ("twice", 3), ("acting", 3)):
        month = 3 * quarter if name == "moved" else 3 * quarter - 1
        pay = await Consequence.get(employee=year.people[name], month=date(YEAR, month, 1))
        (row,) = await ConsequenceBasis.filter(consequence=pay).prefetch_related(
            "appraisal__evaluation_period", "appraisal__plan__assignment"
        )
        assert row.appraisal.evaluation_period.number == quarter
        assert row.appraisal.plan.assignment.kind is AssignmentKind.DEFINITIVE


async def test_of_what_is_not_signed_nothing_follows(year: Agencys) -> None:
    assert await year.outcomes("unsigned") == {}


async def test_reckoned_again_nothing_is_written(year: Agencys) -> None:
    before = await Consequence.all().count()

    assert await reckoned(year) == 0

    assert await Consequence.all().count() == before


async def test_every_document_comes_again_from_its_inputs_and_its_rules(year: Agencys) -> None:
    bodies = {row.digest: row.body for row in await RuleSet.all()}

    for row in await Consequence.all():
        assert recomputed(row.document, bodies) == row.document
    with pytest.raises(ValueError, match="not at hand"):
        recomputed(row.document, {})


async def test_a_later_rule_makes_new_versions_and_leaves_the_old_ones_as_they_were(
    year: Agencys,
) -> None:
    old = (await year.outcomes("misconduct"))[K.WEIGHT]
    rules = await year.rules("bobot", LAST, **{"\nPOOR = 40": "\nPOOR = 30"})

    # Everybody's weight names other rules; one box has another weight beneath it.
    assert await reckoned(year) == 7 + 1

    new = (await year.outcomes("misconduct"))[K.WEIGHT]
    assert (new.amount, new.version, new.rule_set_id) == (30, 2, rules.id)
    await old.refresh_from_db()
    assert (old.amount, old.version, old.superseded_at) == (40, 1, NOW)
    bodies = {row.digest: row.body for row in await RuleSet.all()}
    assert recomputed(old.document, bodies) == old.document


async def whole_file(of: Agencys) -> bytes:
    lines = [line async for line in lines_of(administrator(of), of.agency.id, str(YEAR))]
    return "".join(f"{line}\n" for line in lines).encode()


def counted_in(content: bytes) -> Mapping[Kind, int]:
    """What a file holds, each document of it worked out anew from the file alone."""
    *_, last = verified(io.BytesIO(content))
    return last.counts


async def test_a_file_verifies_alone_also_where_later_rules_are_in_force(
    year: Agencys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last of the module. Of seven people two are reckoned by a later weight, so a file holds
    both versions; and one that was written before holds without the later one."""
    before = await whole_file(year)
    kept = await Consequence.filter(superseded_at=None).count()
    appraisals = await Appraisal.filter(state="SIGNED").count()
    rules = await year.rules("bobot", LAST, **{"\nEXCELLENT = 100": "\nEXCELLENT = 95"})
    some = [year.people[name].id for name in ("plain", "moved")]
    async with transaction() as connection:
        # Two weights; both boxes have another weight beneath them.
        assert await reckon(connection, year.agency.id, year.years[YEAR].id, some, BY, NOW) == 4

    after = await whole_file(year)

    # (6 x 80 + 6 x 95) / 12 = 87.5
    assert (await year.outcomes("plain"))[K.WEIGHT].amount == 95
    assert (await year.outcomes("moved"))[K.WEIGHT].amount == Decimal("87.5")
    # One more version of the rules, as many documents of what is in force.
    bodies = (before.count(b'{"rules":'), after.count(b'{"rules":'))
    assert bodies[1] == bodies[0] + 1
    for content, number in zip((before, after), bodies, strict=True):
        assert counted_in(content) == {
            Kind.RULES: number, Kind.APPRAISAL: appraisals, Kind.CONSEQUENCE: kept,
        }  # fmt: skip
    assert rules.digest.encode() in after
    assert rules.digest.encode() not in before

    # A later way of working out is another number: what names the first keeps it.
    later: Any = lambda rules, inputs: 1 / 0  # noqa: E731
    monkeypatch.setattr(documents, "EVALUATION", 2)
    monkeypatch.setitem(documents.EVALUATIONS, 2, later)
    assert counted_in(before)[Kind.CONSEQUENCE] == kept
    # Without the later version, the file says at which line it does not hold.
    (place,) = [
        n for n, line in enumerate(after.splitlines()) if line.startswith(b'{"rules":')
        and rules.digest.encode() in line
    ]  # fmt: skip
    lines = after.splitlines(keepends=True)
    with pytest.raises(WrongLine, match="not at hand"):
        counted_in(b"".join(lines[:place] + lines[place + 1 :]))
    # Nor under the earlier rules: its outcome is another one.
    first = packaged_rules("bobot")
    swapped = after.replace(rules.digest.encode(), first.digest.encode())
    with pytest.raises(WrongLine):
        counted_in(swapped)
