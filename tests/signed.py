"""Signed appraisals of an office, for tests of what follows from them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from schema.appraisals.models import Appraisal, AppraisalState, Predicate, Rating
from schema.appraisals.rules import predicate_of
from schema.consequences.models import Career, Employment
from schema.organizations.models import Agency, Assignment, AssignmentKind, Employee, Unit
from schema.plans.models import EvaluationKind, EvaluationPeriod, PerformancePlan, PlanState
from schema.tables import dicts_of
from schema.targets.models import Period

YEAR = (date(2026, 1, 1), date(2026, 12, 31))
QUARTER = (date(2026, 7, 1), date(2026, 9, 30))
BOSS = "197501012000031002"


@dataclass(frozen=True, kw_only=True)
class Office:
    """An agency with a unit, whoever leads it, and a year with its evaluations."""

    agency: Agency
    unit: Unit
    boss: Employee
    evaluations: dict[EvaluationKind, EvaluationPeriod]
    period: Period


async def office(agency: Agency, days: tuple[date, date] = YEAR) -> Office:
    unit = await Unit.create(agency=agency, code="1.1", name="Bagian Umum", kind="eselon-3")
    boss = await Employee.create(agency=agency, nip=BOSS, name="Dewi Gunadi")
    await Assignment.create(employee=boss, unit=unit, position="Kepala Bagian", starts_on=days[0])
    period = await Period.create(
        agency=agency, code=str(days[1].year), starts_on=days[0], ends_on=days[1]
    )
    evaluations = {
        kind: await EvaluationPeriod.create(
            period=period,
            kind=kind,
            number=1,
            starts_on=begin,
            ends_on=end,
            filling_until=date(2027, 6, 30),
        )
        for kind, (begin, end) in (
            (EvaluationKind.FINAL, days),
            (EvaluationKind.QUARTERLY, QUARTER if days == YEAR else days),
        )
    }
    return Office(agency=agency, unit=unit, boss=boss, evaluations=evaluations, period=period)


async def signed(
    of: Office,
    nip: str,
    at: datetime,
    *,
    kind: EvaluationKind = EvaluationKind.FINAL,
    work: Rating = Rating.MEETS,
    behaviour: Rating = Rating.MEETS,
    **given: Any,
) -> Appraisal:
    """Somebody's appraisal by the boss, signed unless other values say that it is not yet."""
    person, _ = await Employee.get_or_create(
        agency=of.agency, nip=nip, defaults={"name": f"Pegawai {nip[-2:]}"}
    )
    plan = await PerformancePlan.filter(employee=person).first()
    if plan is None:
        post = await Assignment.create(
            employee=person,
            unit=of.unit,
            appraiser=of.boss,
            position="Arsiparis",
            kind=AssignmentKind.DEFINITIVE,
            starts_on=of.period.starts_on,
        )
        plan = await PerformancePlan.create(
            period=of.period,
            employee=person,
            assignment=post,
            starts_on=of.period.starts_on,
            ends_on=of.period.ends_on,
            state=PlanState.APPROVED,
        )
    evaluation = of.evaluations[kind]
    values: dict[str, Any] = {
        "appraiser": of.boss,
        "starts_on": evaluation.starts_on,
        "ends_on": evaluation.ends_on,
        "predicate": predicate_of(work, behaviour),
        "state": AppraisalState.SIGNED,
        "signed_at": at,
        "rated_by": BOSS,
    }
    return await Appraisal.create(
        agency=of.agency,
        employee=person,
        plan=plan,
        evaluation_period=evaluation,
        unit=of.unit,
        heads_unit=False,
        work_rating=work,
        behaviour_rating=behaviour,
        rated_at=at,
        **values | given,
    )


async def ranked(person: Employee, rank: str, at: datetime) -> None:
    """A rank in somebody's career from the year's first day."""
    await Career.create(
        employee=person,
        starts_on=YEAR[0],
        employment=Employment.PNS,
        rank=rank,
        set_by="pengelola",
        set_at=at,
    )


CROWD = """
WITH people AS (
  INSERT INTO employee (id, agency_id, nip, name, timezone, superiors)
  SELECT gen_random_uuid(), $1, '19900201201503' || lpad(n::text, 4, '0'), 'Pegawai ' || n,
    'Asia/Jakarta', '{}'
  FROM generate_series(1, $6::int) n RETURNING id),
posts AS (
  INSERT INTO assignment (id, employee_id, unit_id, appraiser_id, position, kind, starts_on,
    heads_unit)
  SELECT gen_random_uuid(), id, $2, $3, 'Arsiparis', 'DEFINITIVE', '2026-01-01', false
  FROM people RETURNING id, employee_id),
plans AS (
  INSERT INTO performance_plan (id, period_id, employee_id, assignment_id, starts_on, ends_on,
    state, approach, version)
  SELECT gen_random_uuid(), $4, employee_id, id, '2026-01-01', '2026-12-31', 'APPROVED',
    'QUANTITATIVE', 1
  FROM posts RETURNING id, employee_id)
INSERT INTO appraisal (id, agency_id, employee_id, plan_id, evaluation_period_id, unit_id,
  appraiser_id, heads_unit, starts_on, ends_on, state, version, work_rating, behaviour_rating,
  predicate, rated_at, signed_at)
SELECT gen_random_uuid(), $1, employee_id, id, $5, $2, $3, false, '2026-01-01', '2026-12-31',
  'SIGNED', 1, 'MEETS', 'MEETS', 'GOOD', now(), now()
FROM plans RETURNING id
"""


async def crowd(of: Office, many: int) -> list[UUID]:
    """Keys of signed final appraisals of so many people by the boss."""
    final = of.evaluations[EvaluationKind.FINAL].id
    values = [of.agency.id, of.unit.id, of.boss.id, of.period.id, final, many]
    return [row["id"] for row in await dicts_of(CROWD, values)]


CELLS: Sequence[tuple[Rating, Rating, Predicate]] = [
    (work, behaviour, predicate_of(work, behaviour)) for work in Rating for behaviour in Rating
]
"""All nine of the matrix."""
