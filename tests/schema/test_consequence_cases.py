"""What follows for people whose year was no plain one, each with its figures."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.consequences.documents import recomputed
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
    """Everybody of the cases below, sealed and reckoned once."""
    async with opened(module_database, DatabaseRole.OWNER):
        of = await found_agency()
        rows = []
        # A whole year, above in both; 8 JP of training, potential 80, 30 points brought.
        await of.person("plain", functional_level=PT, credit_brought=Decimal(30))
        rows.append(await of.rated(await of.post("plain"), A, A))
        await about("plain", of, score=80, hours=8)
        # A transfer on 1 July: six months GOOD, then six EXCELLENT, on the next level from then.
        await of.person("moved", functional_level=PT, credit_brought=Decimal(0))
        await next_level(of, "moved")
        rows.append(await of.rated(await of.post("moved", ends=JUNE), M, M))
        rows.append(await of.rated(await of.post("moved", JULY), A, A))
        # A definitive post the whole year, and an acting one from 1 July that went badly.
        await of.person("acting", functional_level=PT)
        other = await Unit.create(agency=of.agency, code="2", name="Seksi", kind="seksi")
        rows.append(await of.rated(await of.post("acting"), M, A))
        plt = await of.post("acting", JULY, kind=AssignmentKind.PLT, unit=other)
        rows.append(await of.rated(plt, B, B))
        await low(rows[-1], behaviour=Behaviour.ADAPTIVE)
        # Leave from January to June: no day of these months asks for work.
        await of.person("away", functional_level=MU)
        await leave(of, "away", FIRST, JUNE)
        rows.append(await of.rated(await of.post("away"), M, M))
        # A PPPK whose contract, post and plan end on 30 September.
        await of.person("contract", employment=Employment.PPPK, contract_ends_on=date(YEAR, 9, 30))
        rows.append(await of.rated(await of.post("contract", ends=date(YEAR, 9, 30)), M, M))
        # Results met, behaviour below: misconduct.
        await of.person("misconduct", functional_level=PT, credit_brought=Decimal(10))
        rows.append(await of.rated(await of.post("misconduct"), M, B))
        await low(rows[-1], behaviour=Behaviour.LOYAL)
        await about("misconduct", of, score=50, hours=24)
        # Rated, and not signed: nothing follows.
        await of.person("unsigned")
        await of.rated(await of.post("unsigned"), M, M)
        await of.signed(*rows)
        assert await reckoned(of) == 4 * 6
        yield of


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
        set_by=BY, set_at=NOW,
    )  # fmt: skip


async def leave(of: Agencys, name: str, first: date, last: date) -> None:
    await Absence.create(
        employee=of.people[name], kind=AbsenceKind.LEAVE, state=AbsenceState.ACCEPTED,
        starts_on=first, ends_on=last, reported_by=BY, reported_at=NOW, decided_by=BY,
        decided_at=NOW,
    )  # fmt: skip


async def figures(of: Agencys, name: str) -> dict[RuleKind, tuple[Decimal | None, str | None]]:
    found = await of.outcomes(name)
    return {kind: (row.amount, row.label) for kind, row in found.items()}


async def test_a_whole_year_above_expectation(year: Agencys) -> None:
    found = await figures(year, "plain")

    assert found[K.WEIGHT] == (100, "EXCELLENT")  # 12 months of SANGAT BAIK
    assert found[K.CREDIT] == (Decimal("18.75"), "PT")  # 12/12 x 150 % x 12.5
    assert found[K.TALENT] == (9, "9")  # weight 100 >= 85, potential 80 >= 77
    assert found[K.TRAINING] == (12, "SHORT")  # 20 less 8: the 40 are of the year before
    row = (await year.outcomes("plain"))[K.CREDIT]
    # 30 brought and 18.75 earned make 48.75 of 50: 1.25 are missing.
    assert '"missing":"1.25","needed":"50","reached":false' in row.document


async def test_a_transfer_in_mid_year_counts_each_post_by_its_months(year: Agencys) -> None:
    found = await figures(year, "moved")

    assert found[K.WEIGHT] == (90, None)  # (6 x 80 + 6 x 100) / 12
    # 6/12 x 100 % x 12.5 = 6.25 as PT, 6/12 x 150 % x 25 = 18.75 as MU.
    assert found[K.CREDIT] == (Decimal(25), "MU")
    weight = (await year.outcomes("moved"))[K.WEIGHT]
    assert await ConsequenceBasis.filter(consequence=weight).count() == 2


async def test_an_acting_post_is_appraised_and_adds_nothing(year: Agencys) -> None:
    found = await figures(year, "acting")

    assert found[K.WEIGHT] == (80, "GOOD")  # the six months of VERY_POOR as PLT are left out
    assert found[K.CREDIT] == (Decimal("12.5"), "PT")  # 12/12 x 100 % x 12.5
    assert found[K.TALENT] == (None, "NO_POTENTIAL")
    # What was low in the acting post is no need of the year either.
    rows = await year.outcomes("acting")
    assert '"needs":[]' in rows[K.TRAINING].document
    assert await ConsequenceBasis.filter(consequence=rows[K.WEIGHT]).count() == 1


async def test_half_a_year_of_leave_earns_half_of_the_credit(year: Agencys) -> None:
    found = await figures(year, "away")

    assert found[K.WEIGHT] == (80, "GOOD")  # 6 months of 6
    assert found[K.CREDIT] == (Decimal("12.5"), "MU")  # 6/12 x 100 % x 25


async def test_a_contract_that_ends_counts_until_its_end(year: Agencys) -> None:
    found = await figures(year, "contract")

    assert found[K.WEIGHT] == (80, "GOOD")
    assert found[K.CREDIT] == (None, "NOT_FUNCTIONAL")
    row = (await year.outcomes("contract"))[K.WEIGHT]
    assert '"months":9' in row.document  # January to September


async def test_misconduct_weighs_40_and_earns_half(year: Agencys) -> None:
    found = await figures(year, "misconduct")

    assert found[K.WEIGHT] == (40, "POOR")
    assert found[K.CREDIT] == (Decimal("6.25"), "PT")  # 12/12 x 50 % x 12.5
    assert found[K.TALENT] == (1, "1")  # 40 < 70 and 50 < 68
    assert found[K.TRAINING] == (0, "MET")  # 24 of 20 hours
    needs = (await year.outcomes("misconduct"))[K.TRAINING].document
    assert '"about":"LOYAL"' in needs


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
    assert await reckoned(year) == 6 + 1

    new = (await year.outcomes("misconduct"))[K.WEIGHT]
    assert (new.amount, new.version, new.rule_set_id) == (30, 2, rules.id)
    await old.refresh_from_db()
    assert (old.amount, old.version, old.superseded_at) == (40, 1, NOW)
    bodies = {row.digest: row.body for row in await RuleSet.all()}
    assert recomputed(old.document, bodies) == old.document
