"""An agency's year with people whose final appraisals are rated and sealed, for the tests of what
follows from them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from schema.appraisals.models import Appraisal, AppraisalLine, AppraisalState, Rating
from schema.appraisals.rules import predicate_of
from schema.appraisals.sealing import seal
from schema.consequences.models import Career, Consequence, Employment, RuleKind, RuleSet
from schema.consequences.rule_texts import packaged, packaged_rules, written
from schema.organizations.models import Agency, Assignment, AssignmentKind, Employee, Unit
from schema.plans.models import EvaluationKind, EvaluationPeriod, PerformancePlan, PlanState
from schema.policies.models import AgencyPolicy
from schema.policies.rules import DEFAULT
from schema.tables import transaction
from schema.targets.models import Period

YEAR = 2026
FIRST, LAST = date(YEAR, 1, 1), date(YEAR, 12, 31)
NOW = datetime(YEAR + 1, 1, 20, 3, tzinfo=UTC)
BY = "penguji"
A, M, B = Rating.ABOVE, Rating.MEETS, Rating.BELOW


@dataclass
class Agencys:
    """The agency, its periods by year and evaluations by name: final, q1 to q4, final 2025."""

    agency: Agency
    unit: Unit
    years: dict[int, Period] = field(default_factory=dict)
    evaluations: dict[str, EvaluationPeriod] = field(default_factory=dict)
    people: dict[str, Employee] = field(default_factory=dict)
    posts: dict[tuple[str, date], Assignment] = field(default_factory=dict)

    async def person(self, name: str, base: int | None = 6_000_000, **more: Any) -> Employee:
        """Somebody with a career from the first day on."""
        person = await Employee.create(
            agency=self.agency, nip=f"{self.number:012}{len(self.people):06}", name=name.title()
        )
        values: dict[str, Any] = {"employment": Employment.PNS, "starts_on": FIRST} | more
        if base is not None:
            values["allowance_base"] = Decimal(base)
        await Career.create(employee=person, set_by=BY, set_at=NOW, **values)
        self.people[name] = person
        return person

    @property
    def number(self) -> int:
        return int(self.agency.name.rsplit(" ", 1)[-1])

    async def post(
        self,
        name: str,
        starts: date = FIRST,
        ends: date | None = None,
        kind: AssignmentKind = AssignmentKind.DEFINITIVE,
        unit: Unit | None = None,
    ) -> Assignment:
        """A post of somebody; `ends` is its last day."""
        return await Assignment.create(
            employee=self.people[name],
            unit=unit or self.unit,
            position="Analis",
            kind=kind,
            starts_on=starts,
            ends_on=None if ends is None else ends + timedelta(days=1),
        )

    async def rated(
        self, post: Assignment, work: Rating, behaviour: Rating, evaluation: str = "final"
    ) -> Appraisal:
        """The appraisal of a post in an evaluation, rated; its plan is opened with the first."""
        period = self.evaluations[evaluation]
        year = next(one for one in self.years.values() if one.id == period.period_id)
        ends = LAST if post.ends_on is None else post.ends_on - timedelta(days=1)
        plan, _ = await PerformancePlan.get_or_create(
            period=year,
            employee_id=post.employee_id,
            assignment=post,
            defaults={
                "starts_on": max(post.starts_on, year.starts_on),
                "ends_on": min(ends, year.ends_on),
                "state": PlanState.APPROVED,
            },
        )
        return await Appraisal.create(
            agency=self.agency,
            employee_id=post.employee_id,
            plan=plan,
            evaluation_period=period,
            unit_id=post.unit_id,
            heads_unit=False,
            starts_on=max(plan.starts_on, period.starts_on),
            ends_on=min(plan.ends_on, period.ends_on),
            state=AppraisalState.RATED,
            work_rating=work,
            work_reason="Sesuai bukti",
            behaviour_rating=behaviour,
            behaviour_reason="Sesuai bukti",
            predicate=predicate_of(work, behaviour),
            rated_by=BY,
            rated_at=NOW,
        )

    async def signed(self, *rows: Appraisal) -> None:
        async with transaction() as connection:
            await seal(connection, rows, BY, NOW)

    async def rules(self, code: str, starts_on: date = FIRST, **changes: str) -> RuleSet:
        """A packaged table from a day on, with changes of its text."""
        table = packaged_rules(code)
        if changes:
            table = written(changed_text(packaged()[code], changes))
        number = await RuleSet.filter(agency=self.agency, kind=table.kind).count()
        return await RuleSet.create(
            agency=self.agency,
            kind=table.kind,
            code=table.code,
            version=number + 1,
            starts_on=starts_on,
            source=table.source,
            body=table.body,
            digest=table.digest,
            loaded_by=BY,
            loaded_at=NOW,
        )

    async def outcomes(self, name: str) -> Mapping[RuleKind, Consequence]:
        """What is in force for somebody's year, by kind."""
        rows = await Consequence.filter(employee=self.people[name], superseded_at=None, month=None)
        return {row.kind: row for row in rows}


def changed_text(text: str, changes: Mapping[str, str]) -> str:
    """A text with words replaced, each of which must be there."""
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


async def found_agency(number: int = 1) -> Agencys:
    """An agency with this year and the one before, evaluated by quarters; one unit, nobody."""
    agency = await Agency.create(code=f"THN{number}", name=f"Dinas {number}")
    unit = await Unit.create(agency=agency, code="1", name="Bidang", kind="bidang")
    found = Agencys(agency, unit)
    for year in (YEAR - 1, YEAR):
        first, last = date(year, 1, 1), date(year, 12, 31)
        period = found.years[year] = await Period.create(
            agency=agency, code=str(year), starts_on=first, ends_on=last
        )
        of_year = "" if year == YEAR else f" {year}"
        spans = [(EvaluationKind.FINAL, 1, first, last)]
        for number_, month in enumerate((1, 4, 7, 10), start=1):
            ends = date(year + month // 10, (month + 3 - 1) % 12 + 1, 1) - timedelta(days=1)
            spans.append((EvaluationKind.QUARTERLY, number_, date(year, month, 1), ends))
        for kind, place, starts, ends in spans:
            name = "final" if kind is EvaluationKind.FINAL else f"q{place}"
            found.evaluations[name + of_year] = await EvaluationPeriod.create(
                period=period, kind=kind, number=place, starts_on=starts, ends_on=ends,
                filling_until=ends,
            )  # fmt: skip
    return found


async def low(appraisal: Appraisal, **about: Any) -> None:
    """Something of an appraisal that was below expectation."""
    await AppraisalLine.create(appraisal=appraisal, rating=B, reason="Terlambat", **about)


async def flexible(agency: Agency, minutes: int) -> None:
    """Days may begin so much later."""
    await AgencyPolicy.create(
        agency=agency, starts_on=FIRST, set_by=BY, set_at=NOW,
        **asdict(replace(DEFAULT, flexible_minutes=minutes)),
    )  # fmt: skip
