"""What the appraisals of the played year must come to, worked out by arithmetic of its own, beside
what the system says: predicates, evidence, weights, credit points, boxes, training, allowances.

Nothing here asks the rules of the application: the tables are those of DOMAIN and the decrees.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from strawberry.relay import to_base64

from schema.appraisals.models import Appraisal, Predicate, Rating, UnitPredicate
from schema.consequences.exporting import lines_of
from schema.consequences.models import Consequence, FunctionalLevel, RuleKind
from schema.consequences.verifying import verified
from schema.organizations.models import AssignmentKind
from server.demo.appraising import (
    Appraised,
    base_of,
    behaviour_of,
    hours_of,
    level_of,
    person_of,
    potential_of,
    result_of,
    scheme_of,
    work_of,
)
from server.demo.cast import Person, Play
from server.demo.checking import Asking, Checks
from server.demo.ledger import Achievements, shown
from server.demo.printing import check_papers

EXCELLENT, GOOD = Predicate.EXCELLENT, Predicate.GOOD
IMPROVE, POOR, VERY_POOR = Predicate.NEEDS_IMPROVEMENT, Predicate.POOR, Predicate.VERY_POOR
QUADRANTS: Mapping[str, Sequence[Predicate]] = {
    "ABOVE": (POOR, GOOD, EXCELLENT),
    "MEETS": (POOR, GOOD, GOOD),
    "BELOW": (VERY_POOR, IMPROVE, IMPROVE),
}
"""Rows are results, columns behaviour below, met, above."""
COLUMNS = ("BELOW", "MEETS", "ABOVE")
OF_UNIT = {UnitPredicate.OUTSTANDING: "ABOVE", UnitPredicate.GOOD: "MEETS"}
WEIGHTS = {EXCELLENT: 100, GOOD: 80, IMPROVE: 60, POOR: 40, VERY_POOR: 20}
PERCENT = {EXCELLENT: 150, GOOD: 100, IMPROVE: 75, POOR: 50, VERY_POOR: 25}
COEFFICIENTS = {FunctionalLevel.PT: Decimal("12.5"), FunctionalLevel.MU: Decimal(25)}
BOXES = ((1, 2, 4), (3, 5, 7), (6, 8, 9))
"""Rows are potential below 68, below 77, from 77 on; columns weight below 70, below 85, above."""
PAID = {
    "bakamla-2023": {POOR: 99, VERY_POOR: 98},
    "kemenlu-2025": {IMPROVE: 80, POOR: 70, VERY_POOR: 60},
    "kementan-2025": {IMPROVE: 80, POOR: 70, VERY_POOR: 60},
}
"""Percent of the part that performance is of; 100 for what is not named."""
OF_PERFORMANCE = {"kementan-2025": 60}
"""Percent of the allowance; nobody of the play is absent or late, so that the rest is whole."""
EVIDENCE = """
query ($id: ID!) { node(id: $id) { ... on Appraisal { predicate
  seal { digest } evidence { sealed results { code achieved } time { months } } } } }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitive:
    """A definitive plan of somebody's year: its predicate, and the months that it was held."""

    predicate: Predicate
    months: int


async def check_following(play: Play, done: Appraised, checks: Checks) -> None:
    """Compare everything that follows from the played appraisals."""
    rows = await Appraisal.filter(agency_id=play.agency).select_related(
        "plan", "plan__assignment", "evaluation_period"
    )
    expected = {row.id: predicate_of(play, done, row) for row in rows}
    for row in rows:
        checks.same("predicates", f"appraisal {row.id}", expected[row.id], row.predicate)
        checks.same("signed", f"appraisal {row.id}", "SIGNED", row.state)
    of_month = _by_month(rows, expected)
    await _allowances(play, done, of_month, checks)
    await check_papers(play, _latest(play, done, rows), checks)
    if done.whole_year:
        final = [row for row in rows if row.evaluation_period_id == play.final]
        await _evidence(play, final, checks)
        await _year(play, final, expected, checks)
    await _recomputed(play, checks)


def _latest(play: Play, done: Appraised, rows: Sequence[Appraisal]) -> list[Appraisal]:
    """Those of the year, or of the last month where the year was not played to its end."""
    last = play.final if done.whole_year else play.evaluations[done.months[-1]]
    return [row for row in rows if row.evaluation_period_id == last]


def predicate_of(play: Play, done: Appraised, row: Appraisal) -> Predicate:
    person = person_of(play, row.employee_id)
    salt = 0 if row.evaluation_period_id == play.final else row.evaluation_period.number
    work = str(work_of(person, salt))
    if row.heads_unit:
        work = OF_UNIT.get(result_of(play, row.unit_id), "BELOW")
    if row.id == done.objected:
        work = str(Rating.MEETS)
    return QUADRANTS[work][COLUMNS.index(str(behaviour_of(person, salt)))]


def _is_definitive(row: Appraisal) -> bool:
    return row.plan.assignment.kind is AssignmentKind.DEFINITIVE


def _by_month(
    rows: Sequence[Appraisal], expected: Mapping[UUID, Predicate]
) -> dict[tuple[UUID, int], Predicate]:
    """The predicate of each person's definitive post in each appraised month."""
    return {
        (row.employee_id, row.evaluation_period.number): expected[row.id]
        for row in rows
        if row.evaluation_period.kind != "FINAL" and _is_definitive(row)
    }


async def _allowances(
    play: Play, done: Appraised, of_month: Mapping[tuple[UUID, int], Predicate], checks: Checks
) -> None:
    scheme = scheme_of(play)
    rows = await Consequence.filter(
        agency_id=play.agency, kind=RuleKind.ALLOWANCE, superseded_at=None
    )
    found = {(row.employee_id, row.month.month): row.amount for row in rows if row.month}
    paid = {employee for employee, _ in of_month}
    for person in play.people.values():
        for month in done.months if person.id in paid else ():
            by = month - 1 if scheme == "kemenlu-2025" else month
            predicate = of_month.get((person.id, by))
            percent = PAID[scheme].get(predicate, 100) if predicate else 100
            share = OF_PERFORMANCE.get(scheme, 100)
            whole = base_of(person) * (share * percent + (100 - share) * 100) / 10_000
            name = f"{person.nip} month {month}"
            checks.same("allowances", name, _rupiah(whole), found.get((person.id, month)))
    checks.same("allowances", "how many", len(paid) * len(done.months), len(rows))


def _rupiah(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal(1), rounding=ROUND_HALF_UP)


async def _evidence(play: Play, final: Sequence[Appraisal], checks: Checks) -> None:
    """What is sealed of each result is what the ledger says of it."""
    reached = Achievements(play.works, play.ledger.realized(play.works))
    asking = Asking(play.administrator, play.calendar.at(play.case.ends_on, 12))
    for row in final:
        found = (await asking.ask(EVIDENCE, id=to_base64("Appraisal", row.id)))["node"]
        checks.same("evidence", f"{row.id} sealed", True, found["evidence"]["sealed"])
        for result in found["evidence"]["results"]:
            code, said = result["code"], result["achieved"]
            expected = shown(reached.of(code))
            checks.same("evidence", code, expected, None if said is None else Decimal(said))


async def _year(
    play: Play,
    final: Sequence[Appraisal],
    expected: Mapping[UUID, Predicate],
    checks: Checks,
) -> None:
    rows = await Consequence.filter(agency_id=play.agency, superseded_at=None, month=None)
    found = {(row.employee_id, row.kind): row for row in rows}
    for person in play.people.values():
        # Who only acted, as one head of the Tapin case did all year, is paid where their definitive
        # post is, and their year counts there.
        plans = [
            Definitive(predicate=expected[row.id], months=_months(row))
            for row in final
            if row.employee_id == person.id and _is_definitive(row)
        ]
        weight = _weight(plans)
        for kind, amount in (
            (RuleKind.WEIGHT, weight),
            (RuleKind.CREDIT, _credit(person, plans)),
            (RuleKind.TALENT, _box(weight, potential_of(person))),
            (RuleKind.TRAINING, Decimal(max(20 - hours_of(person), 0)) if plans else None),
        ):
            row = found.get((person.id, kind))
            checks.same(kind.lower(), person.nip, amount, row and row.amount)


def _months(row: Appraisal) -> int:
    """Months whose first day lies in the plan: all of them have days that ask for work."""
    begins = row.starts_on.month + (row.starts_on.day > 1)
    return row.ends_on.month - begins + 1


def _weight(plans: Sequence[Definitive]) -> Decimal | None:
    """7 months of 80 and 5 of 100 -> 1,060 / 12 = 88.33."""
    if not plans:
        return None
    total = sum(WEIGHTS[plan.predicate] * plan.months for plan in plans)
    return _cents(Decimal(total) / sum(plan.months for plan in plans))


def _credit(person: Person, plans: Sequence[Definitive]) -> Decimal | None:
    level = level_of(person)
    if level is None or not plans:
        return None
    coefficient = COEFFICIENTS[level]
    return sum(
        (_cents(plan.months * PERCENT[plan.predicate] * coefficient / 1_200) for plan in plans),
        Decimal(0),
    )


def _box(weight: Decimal | None, potential: Decimal) -> Decimal | None:
    if weight is None:
        return None
    row = (potential >= 68) + (potential >= 77)
    return Decimal(BOXES[row][(weight >= 70) + (weight >= 85)])


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)


async def _recomputed(play: Play, checks: Checks) -> None:
    """Every signed document and consequence comes again, to the byte, from the export alone."""
    code = play.case.period_code
    lines = [f"{line}\n".encode() async for line in lines_of(play.administrator, play.agency, code)]
    *_, last = verified(lines)
    checks.same("recomputed", "lines", len(lines) - 1, sum(last.counts.values()))
