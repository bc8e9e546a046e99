"""Rules that are tried before they take force: whom they would change, and by how much.

Six people's weights, boxes and allowances are in force; every figure is worked out by hand beside
it. Nobody but the agency's administrator and auditor is told anything.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from schema.access import Role, Scope
from schema.consequences.closing import reckon_month, reckon_year
from schema.consequences.models import Consequence, FunctionalLevel, PotentialScore, RuleSet
from schema.consequences.rule_sets import load
from schema.consequences.rule_texts import packaged
from schema.consequences.simulating import Asked, PersonChange, Simulation, simulate
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import AssignmentKind, Unit, UnitPlacement
from schema.tables import transaction
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests.appraising import undone
from tests.yearly import BY, FIRST, LAST, NOW, YEAR, A, Agencys, B, M, changed_text, found_agency

LATER = date(YEAR + 1, 1, 1)
AUGUST = date(YEAR, 8, 1)
UNITS = {"1": None, "1.1": "1", "1.1.1": "1.1", "2": None}
PLACES = {
    "excellent": "1", "good": "1.1", "better": "1.1.1", "low": "1.1", "poor": "2", "worst": "2",
}  # fmt: skip
RATED = {
    "excellent": (A, A), "good": (M, M), "better": (A, M), "low": (B, A), "poor": (M, B),
    "worst": (B, B),
}  # fmt: skip


@dataclass
class Tried:
    """The agency, and rules of it that are not in force yet, by what they change."""

    of: Agencys
    rules: dict[str, UUID]

    @property
    def administrator(self) -> Scope:
        return Scope(subject=BY, grants=frozenset({(self.of.agency.id, Role.ADMINISTRATOR)}))

    async def ask(self, name: str, scope: Scope | None = None, **more: Any) -> Simulation:
        asked = Asked(self.rules[name], period=str(YEAR))
        return await simulate(scope or self.administrator, replace(asked, **more))


@pytest.fixture(scope="module")
async def tried(module_database: Database) -> AsyncIterator[Tried]:
    async with opened(module_database, DatabaseRole.OWNER):
        of = await found_agency()
        units = {"1": of.unit}
        for code, above in UNITS.items():
            if code not in units:
                units[code] = await Unit.create(
                    agency=of.agency, code=code, name=f"Unit {code}", kind="seksi"
                )
            parent = units[above] if above else None
            await UnitPlacement.create(unit=units[code], parent=parent, starts_on=FIRST)
        rows = []
        for name, place in PLACES.items():
            await of.person(name, functional_level=FunctionalLevel.PT)
            ends = date(YEAR, 9, 30) if name == "worst" else None
            post = await of.post(name, ends=ends, unit=units[place])
            rows += [await of.rated(post, *RATED[name])]
            rows += [await of.rated(post, *RATED[name], "q3")]
            await PotentialScore.create(
                employee=of.people[name], assessed_on=FIRST, score=Decimal(70), source="Asesmen",
                set_by=BY, set_at=NOW,
            )  # fmt: skip
        # An acting post beside: appraised, adds nothing, and is no second person of a unit above.
        await of.post("low", kind=AssignmentKind.PLT, unit=units["1.1.1"])
        await of.signed(*rows)
        found = Tried(of, {})
        assert await reckon_year(found.administrator, "THN1", str(YEAR), NOW) == 6 * 4
        await loaded(found, "scheme", "kementan-2025", FIRST)
        assert await reckon_month(found.administrator, "THN1", AUGUST, NOW) == 6
        for name, code, changes in (
            ("weight", "bobot", {"\nGOOD = 80": "\nGOOD = 82.5", "\nPOOR = 40": "\nPOOR = 30"}),
            ("same weight", "bobot", {"kebijakan instansi": "kebijakan dinas"}),
            ("box", "nine-box", {"\nmeets = 70": "\nmeets = 60"}),
            ("credit", "angka-kredit", {"\nVERY_POOR = 25": "\nVERY_POOR = 0"}),
            ("pay", "kementan-2025", {"share = 60": "share = 70", "share = 40": "share = 30"}),
        ):
            await loaded(found, name, code, LATER, **changes)
        yield found


async def loaded(tried: Tried, name: str, code: str, day: date, **changes: str) -> None:
    text = changed_text(packaged()[code], changes)
    row = await load(tried.administrator, "THN1", day, NOW, text=text)
    tried.rules[name] = row.id


def by_name(found: Simulation) -> dict[str, PersonChange]:
    return {one.name.lower(): one for one in found.changes}


async def test_a_weight_that_is_tried_says_whose_it_would_change_and_by_how_much(
    tried: Tried,
) -> None:
    found = await tried.ask("weight")

    # Now: 100 + 80 + 80 + 60 + 40 + 20 = 380; (B, A) is BUTUH PERBAIKAN, (M, B) KURANG.
    # Then: 100 + 82.5 + 82.5 + 60 + 30 + 20 = 375; two higher, one lower.
    assert (found.people, found.changed, found.higher, found.lower) == (6, 3, 2, 1)
    assert (found.total_now, found.total_then, found.difference) == (380, 375, -5)
    changes = by_name(found)
    assert {name: one.difference for name, one in changes.items()} == {
        "good": Decimal("2.5"),
        "better": Decimal("2.5"),
        "poor": -10,
    }
    poor = changes["poor"]
    person = tried.of.people["poor"]
    assert (poor.employee_id, poor.nip) == (person.id, person.nip)
    assert (poor.amount_now, poor.amount_then) == (40, 30)
    assert (poor.label_now, poor.label_then) == ("POOR", "POOR")
    (line,) = poor.lines
    assert (line.amount_now, line.amount_then) == (40, 30)
    assert found.next_after is None


async def test_rules_of_other_words_and_the_same_figures_change_nobody(tried: Tried) -> None:
    found = await tried.ask("same weight")

    assert (found.people, found.changed, found.higher, found.lower) == (6, 0, 0, 0)
    assert (found.total_now, found.difference, found.changes) == (380, 0, [])


async def test_a_box_is_tried_by_the_weight_that_is_in_force(tried: Tried) -> None:
    found = await tried.ask("box")

    # Potential 70 is middle: below 3, meets 5, above 7. Now 7 (100), 5 (80), 5 (80), 3 (60),
    # 3 (40), 3 (20): 26; from 60 on `low` meets as well: 28.
    assert (found.people, found.changed, found.higher, found.lower) == (6, 1, 1, 0)
    assert (found.total_now, found.total_then) == (26, 28)
    low = by_name(found)["low"]
    assert (low.label_now, low.label_then, low.difference) == ("3", "5", 2)
    assert low.lines == []  # what was weighed is the same


async def test_credit_points_are_tried(tried: Tried) -> None:
    found = await tried.ask("credit")

    # 12.5 x (150, 100, 100, 75, 50) %: 18.75 + 12.5 + 12.5 + 9.38 (9.375) + 6.25 = 59.38; and of
    # nine months 9/12 x 25 % x 12.5 = 2.34 (2.34375). Without the 25 %: 59.38.
    assert (found.total_now, found.total_then) == (Decimal("61.72"), Decimal("59.38"))
    assert {name: one.difference for name, one in by_name(found).items()} == {
        "worst": Decimal("-2.34")
    }


async def test_a_months_allowance_is_tried_line_by_line(tried: Tried) -> None:
    found = await tried.ask("pay", month=date(YEAR, 8, 17))

    # Of 6,000,000 without a cut of attendance. By 60 %: 3,600,000 x (100, 100, 100, 80, 70, 60) %
    # + 2,400,000: 6,000,000 three times, 5,280,000, 4,920,000, 4,560,000: 32,760,000.
    # By 70 %: 4,200,000 x the same + 1,800,000: 5,160,000, 4,740,000, 4,320,000: 32,220,000.
    assert (found.people, found.changed, found.higher, found.lower) == (6, 3, 0, 3)
    assert (found.total_now, found.total_then) == (32_760_000, 32_220_000)
    assert found.difference == -540_000
    changes = by_name(found)
    assert {name: int(one.difference or 0) for name, one in changes.items()} == {
        "low": -120_000,
        "poor": -180_000,
        "worst": -240_000,
    }
    lines = [
        (line.name, line.percent_now, line.percent_then, line.amount_now, line.amount_then)
        for line in changes["worst"].lines
    ]
    assert lines == [
        ("Kinerja", 60, 70, 3_600_000, 4_200_000),
        ("Kinerja", -40, -40, -1_440_000, -1_680_000),
        ("Kehadiran", 40, 30, 2_400_000, 1_800_000),
    ]


async def test_of_a_month_that_was_not_reckoned_there_is_nobody(tried: Tried) -> None:
    found = await tried.ask("pay", month=date(YEAR, 9, 1))

    assert (found.people, found.total_now, found.total_then) == (0, 0, 0)


@pytest.mark.parametrize(
    ("unit", "people", "difference"),
    # All below it count: 1 has excellent, good, better and low; 1.1 the last three; `low` acts in
    # 1.1.1 and has their post in 1.1; the post of `worst` in 2 ended in September.
    [("1", 4, "5"), ("1.1", 3, "5"), ("1.1.1", 1, "2.5"), ("2", 2, "-10")],
)
async def test_units_are_asked_for_with_all_below_them(
    tried: Tried, unit: str, people: int, difference: str
) -> None:
    found = await tried.ask("weight", unit=unit)

    assert (found.people, found.difference) == (people, Decimal(difference))


async def test_pages_hold_everybody_once_and_each_says_all_figures(tried: Tried) -> None:
    whole = await tried.ask("weight")
    names: list[str] = []
    after: str | None = None
    for number in range(3):
        page = await tried.ask("weight", first=1, after=after)
        assert (page.changed, page.total_then) == (3, whole.total_then)
        names += [one.name for one in page.changes]
        after = page.next_after
        assert (after is None) is (number == 2)
    assert names == [one.name for one in whole.changes]
    assert (await tried.ask("weight", first=3)).next_after is None


async def test_nothing_is_written(tried: Tried) -> None:
    before = await Consequence.all().order_by("id").values()
    rules = await RuleSet.all().count()

    async with transaction() as connection:
        await connection.execute_script("SET TRANSACTION READ ONLY")
        for name, month in (("weight", None), ("box", None), ("pay", AUGUST)):
            assert (await tried.ask(name, month=month)).changed > 0

    assert await Consequence.all().order_by("id").values() == before
    assert await RuleSet.all().count() == rules


async def test_what_is_superseded_is_not_counted(tried: Tried) -> None:
    """`poor` has a version of 99 that another took the place of."""

    @undone
    async def with_another() -> None:
        person = tried.of.people["poor"]
        row = await Consequence.get(employee=person, kind="WEIGHT", superseded_at=None)
        old = row.clone(pk=uuid7())
        old.update_from_dict({"superseded_at": NOW, "amount": Decimal(99)})
        await old.save(force_create=True)

        found = await tried.ask("weight")

        assert (found.people, found.total_now) == (6, 380)

    await with_another()


def viewers(of: Agencys) -> Mapping[str, Scope]:
    """Those to whom it is not there: of the agency, of its line, of another agency."""
    agency, person = of.agency.id, of.people["good"]
    return {
        "the person": Scope(subject=person.nip, employee_id=person.id, agency_id=agency),
        "nobody": Scope(subject="x"),
        "a connector": Scope(subject="x", grants=frozenset({(agency, Role.CONNECTOR)})),
        "another administrator": Scope(
            subject="x", grants=frozenset({(uuid7(), Role.ADMINISTRATOR)})
        ),
    }


@pytest.mark.parametrize("name", ["the person", "nobody", "a connector", "another administrator"])
async def test_to_others_the_rules_that_are_tried_are_not_there(tried: Tried, name: str) -> None:
    scope = viewers(tried.of)[name]
    # Whatever else is wrong with the question: the answer is the same as where nothing is there.
    for more in ({}, {"first": 0}, {"period": "1999"}, {"unit": "9"}, {"after": "?"}):
        with pytest.raises(NotFound) as refused:
            await tried.ask("weight", scope, **more)
        with pytest.raises(NotFound) as none:
            await simulate(scope, Asked(uuid7(), period=str(YEAR)))
        assert str(refused.value) == str(none.value)


async def test_an_auditor_is_told_the_same_as_an_administrator(tried: Tried) -> None:
    auditor = Scope(subject="x", grants=frozenset({(tried.of.agency.id, Role.AUDITOR)}))

    assert await tried.ask("weight", auditor) == await tried.ask("weight")


@pytest.mark.parametrize(
    ("name", "more", "code"),
    [
        ("weight", {"period": "1999"}, ErrorCode.NOT_FOUND),
        ("weight", {"unit": "9"}, ErrorCode.NOT_FOUND),
        ("weight", {"month": AUGUST}, ErrorCode.BAD_USER_INPUT),
        ("pay", {}, ErrorCode.BAD_USER_INPUT),
        ("weight", {"first": 0}, ErrorCode.PAGE_TOO_LARGE),
        ("weight", {"first": 101}, ErrorCode.PAGE_TOO_LARGE),
        ("weight", {"after": "?"}, ErrorCode.INVALID_CURSOR),
    ],
)
async def test_a_question_that_cannot_be_is_refused(
    tried: Tried, name: str, more: dict[str, Any], code: ErrorCode
) -> None:
    with pytest.raises(DomainError) as refused:
        await tried.ask(name, **more)

    assert refused.value.code is code


async def test_taken_into_force_it_changes_what_it_said(tried: Tried) -> None:
    """The last of the module: the rules hold from the year's last day."""
    told = await tried.ask("weight")
    changes = {"\nGOOD = 80": "\nGOOD = 82.5", "\nPOOR = 40": "\nPOOR = 30"}
    await loaded(tried, "in force", "bobot", LAST, **changes)

    await reckon_year(tried.administrator, "THN1", str(YEAR), NOW)

    for name, one in by_name(told).items():
        assert (await tried.of.outcomes(name))["WEIGHT"].amount == one.amount_then
    # Tried again, it changes nobody any more, and the old versions are not counted.
    again = await tried.ask("weight")
    assert (again.people, again.changed, again.total_now) == (6, 0, told.total_then)
