"""An allowance of a month, from pay, predicates and attendance to its lines; each with figures."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from schema.access import Role, Scope
from schema.appraisals.models import Appraisal, Rating
from schema.consequences.closing import reckon_month
from schema.consequences.documents import AllowanceInputs, inputs_of, kept_in, recomputed
from schema.consequences.models import Career, Consequence, ConsequenceBasis, Employment, RuleSet
from schema.errors import DomainError, ErrorCode
from schema.feeds.models import Installation
from schema.organizations.models import (
    Absence,
    AbsenceKind,
    AbsenceState,
    ClockDirection,
    ClockEvent,
    Employee,
)
from schema.plans.models import EvaluationPeriod
from schema.progress.models import ProgressRecord, RecordState
from schema.targets.models import (
    Aspect,
    Classification,
    Indicator,
    Period,
    Stage,
    Target,
    TargetKind,
    TrajectoryPoint,
)
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests.yearly import BY, NOW, YEAR, A, Agencys, B, M, flexible, found_agency

APRIL = date(YEAR, 4, 1)
MAY = date(YEAR, 5, 1)
WIB = ZoneInfo("Asia/Jakarta")


@pytest.fixture(scope="module")
async def months(module_database: Database) -> AsyncIterator[Agencys]:
    """Everybody of the cases below; April's allowances by the scheme of kementan-2025.

    Of April 2026 22 days ask for work, Monday to Friday 450 minutes from 07:30 to 16:00 with an
    hour's break (Friday to 16:30), and 15 minutes may be flexible.
    """
    async with opened(module_database, DatabaseRole.OWNER):
        of = await found_agency()
        await flexible(of.agency, 15)
        clock = await Installation.create(
            agency=of.agency, plugin="attendance", title="Presensi", next_poll_at=NOW
        )
        rows = []
        for name, work, behaviour in (("good", M, M), ("poor", B, M), ("candidate", M, M)):
            kind = Employment.CPNS if name == "candidate" else Employment.PNS
            await of.person(name, base=5_000_000, employment=kind)
            post = await of.post(name)
            rows += [await of.rated(post, work, behaviour, "q2")]
            await worked(clock, of.people[name])
        await of.person("late", base=5_000_000)
        await of.post("late")
        await troubled(clock, of.people["late"])
        await of.person("unpaid", base=None)
        await of.post("unpaid")
        await of.person("ended", contract_ends_on=date(YEAR, 3, 31), employment=Employment.PPPK)
        await of.post("ended")
        await of.signed(*rows)
        await of.rules("kementan-2025")
        yield of


async def passes(clock: Installation, person: Employee, day: date, *times: str) -> None:
    """In at the first time, out at the second, of Jakarta."""
    for local, direction in zip(times, ClockDirection, strict=False):
        at = datetime.combine(day, time.fromisoformat(local), WIB)
        await ClockEvent.create(
            installation_id=clock.id, source_id=str(uuid7()), employee=person, day=day, at=at,
            direction=direction, received_at=at,
        )  # fmt: skip


async def worked(clock: Installation, person: Employee, *without: int) -> None:
    """In time on each working day of April, but for some."""
    for number in range(1, 31):
        day = date(YEAR, 4, number)
        if day.isoweekday() <= 5 and number not in without:
            await passes(clock, person, day, "07:25", "16:35")


async def troubled(clock: Installation, person: Employee) -> None:
    """1 April absent without a word, 2 April without leave though seen; late and early after."""
    await worked(clock, person, 1, 6, 7, 8, 9, 10, 13, 14)
    for day, kind, state, hours in (
        (2, AbsenceKind.UNEXCUSED, AbsenceState.ACCEPTED, None),
        (7, AbsenceKind.LEAVE, AbsenceState.ACCEPTED, None),
        (8, AbsenceKind.LEAVE, AbsenceState.REPORTED, None),
        (9, AbsenceKind.LEAVE, AbsenceState.ACCEPTED, ("07:30", "10:00")),
    ):
        await away(person, date(YEAR, 4, day), kind, state, hours)
    await passes(clock, person, date(YEAR, 4, 6), "08:25", "16:15")  # 55 late, less 15: 40
    await passes(clock, person, date(YEAR, 4, 9), "10:05", "16:05")  # within the flexible 15
    await passes(
        clock, person, date(YEAR, 4, 10), "07:40", "16:30"
    )  # 10 early: Friday, until 16:40
    await passes(clock, person, date(YEAR, 4, 13), "07:30")  # nobody says when they left
    await passes(clock, person, date(YEAR, 4, 14), "07:40", "16:10")  # as much later


async def away(
    person: Employee,
    day: date,
    kind: AbsenceKind,
    state: AbsenceState,
    hours: tuple[str, str] | None,
) -> None:
    local = [time.fromisoformat(one).replace(tzinfo=WIB) for one in hours or ()] or [None, None]
    decided: dict[str, Any] = {"decided_by": BY, "decided_at": NOW}
    await Absence.create(
        employee=person, kind=kind, state=state, starts_on=day, ends_on=day, from_time=local[0],
        until_time=local[1], reported_by=BY, reported_at=NOW,
        **(decided if state is AbsenceState.ACCEPTED else {}),
    )  # fmt: skip


def administrator(of: Agencys) -> Scope:
    return Scope(subject=BY, grants=frozenset({(of.agency.id, Role.ADMINISTRATOR)}))


async def april(of: Agencys, name: str) -> Consequence | None:
    return await Consequence.get_or_none(employee=of.people[name], month=APRIL, superseded_at=None)


def facts_in(row: Consequence) -> Any:
    inputs = inputs_of(kept_in(row.document))
    assert isinstance(inputs, AllowanceInputs)
    return inputs.facts


async def test_a_month_is_reckoned_for_whoever_has_pay(months: Agencys) -> None:
    assert await reckon_month(administrator(months), "THN1", date(YEAR, 4, 17), NOW) == 4
    assert await reckon_month(administrator(months), "THN1", APRIL, NOW) == 0

    rows = {name: await april(months, name) for name in months.people}
    amounts = {name: row and row.amount for name, row in rows.items()}
    # good: 60 % + 40 % of 5,000,000. poor: BUTUH PERBAIKAN pays 80 % of the 60: 2,400,000 +
    # 2,000,000. candidate: 80 % of it all. late: two days at 4 %, 40 minutes 1 %, 10 early 0.5 %:
    # 3,000,000 + 2,000,000 x 90.5 %.
    assert amounts == {
        "good": 5_000_000,
        "poor": 4_400_000,
        "candidate": 4_000_000,
        "late": 4_810_000,
        "unpaid": None,
        "ended": None,
    }


async def test_attendance_is_what_the_clocks_and_absences_say(months: Agencys) -> None:
    row = await april(months, "late")
    assert row is not None
    seen = facts_in(row).attendance

    # 22 working days, less the one of leave; on the 8th what was reported is not decided yet.
    assert (seen.days_asked, seen.absent_days) == (21, 2)
    assert (list(seen.late_minutes), list(seen.early_minutes)) == ([40], [10])


async def test_it_rests_on_the_appraisal_that_the_scheme_goes_by(months: Agencys) -> None:
    row = await april(months, "poor")
    assert row is not None

    (basis,) = await ConsequenceBasis.filter(consequence=row).prefetch_related("appraisal")

    assert basis.appraisal.work_rating is Rating.BELOW
    rules = await RuleSet.get(id=row.rule_set_id)
    assert recomputed(row.document, {rules.digest: rules.body}) == row.document


async def test_a_quarter_pays_the_next_one_where_the_scheme_says_so(months: Agencys) -> None:
    """kemenlu-2025: BUTUH PERBAIKAN in the quarter before pays 80 %."""
    of = months
    await of.person("next", base=10_000_000)
    post = await of.post("next")
    rows = [await of.rated(post, B, A, "q1"), await of.rated(post, A, A, "q2")]
    await of.signed(*rows)
    await of.rules("kemenlu-2025", MAY)

    assert await reckon_month(administrator(of), "THN1", MAY, NOW) > 0

    may = await Consequence.get(employee=of.people["next"], month=MAY)
    assert may.amount == 8_000_000
    assert await ConsequenceBasis.filter(consequence=may, appraisal=rows[0]).exists()


async def test_pay_that_was_a_slip_takes_the_allowance_back(months: Agencys) -> None:
    await Career.create(
        employee=months.people["candidate"], starts_on=date(YEAR, 3, 1),
        employment=Employment.CPNS, set_by=BY, set_at=NOW,
    )  # fmt: skip

    await reckon_month(administrator(months), "THN1", APRIL, NOW)

    assert await april(months, "candidate") is None
    assert await Consequence.filter(employee=months.people["candidate"], month=APRIL).count() == 1


@pytest.mark.parametrize(
    ("month", "code"),
    [(date(YEAR + 1, 1, 1), ErrorCode.NOT_FOUND), (date(YEAR - 1, 3, 1), ErrorCode.RULES_MISSING)],
)
async def test_of_a_month_without_year_or_rules_there_is_none(
    months: Agencys, month: date, code: ErrorCode
) -> None:
    with pytest.raises(DomainError) as refused:
        await reckon_month(administrator(months), "THN1", month, NOW)

    assert refused.value.code is code


async def test_a_month_that_is_not_over_is_refused(months: Agencys) -> None:
    with pytest.raises(DomainError) as refused:
        await reckon_month(
            administrator(months), "THN1", APRIL, datetime(YEAR, 4, 30, 3, tzinfo=WIB)
        )

    assert refused.value.code is ErrorCode.TOO_EARLY
    with pytest.raises(DomainError):
        await reckon_month(Scope(subject="x"), "THN1", APRIL, NOW)


async def test_of_a_day_without_any_clock_nobody_is_absent(months: Agencys) -> None:
    """Nobody was heard of on 1 May, a Friday, when the device was out of order; then all were."""
    of = months
    await of.person("outage", base=5_000_000)
    await of.post("outage")
    clock = await Installation.get(agency=of.agency)
    for number in range(4, 30):
        day = date(YEAR, 5, number)
        if day.isoweekday() <= 5:
            await passes(clock, of.people["outage"], day, "07:25", "16:35")
    await of.rules("kementan-2025", MAY)

    await reckon_month(administrator(of), "THN1", MAY, NOW)

    may = await Consequence.get(employee=of.people["outage"], month=MAY, superseded_at=None)
    assert facts_in(may).attendance.absent_days == 0
    assert facts_in(may).attendance.days_asked == 21


async def test_who_left_in_mid_month_is_not_absent_behind_their_last_day(months: Agencys) -> None:
    of = months
    await of.person("leaver", base=5_000_000)
    await of.post("leaver", ends=date(YEAR, 4, 10))
    clock = await Installation.get(agency=of.agency)
    for number in (1, 2, 3, 6, 7, 8, 9, 10):
        await passes(clock, of.people["leaver"], date(YEAR, 4, number), "07:25", "16:35")

    await reckon_month(administrator(of), "THN1", APRIL, NOW)

    row = await april(of, "leaver")
    assert row is not None
    seen = facts_in(row).attendance
    assert (seen.days_asked, seen.absent_days, row.amount) == (8, 0, 5_000_000)


async def test_no_older_evaluation_stands_in_for_one_that_is_missing(months: Agencys) -> None:
    """Without a third quarter October goes by none before it, and 2028 not by 2026."""
    of = months
    await of.person("gap", base=10_000_000)
    post = await of.post("gap")
    rows = [await of.rated(post, B, B, "q2"), await of.rated(post, B, B, "final")]
    await of.signed(*rows)
    october, later = date(YEAR, 10, 1), date(YEAR + 2, 1, 1)
    await EvaluationPeriod.filter(id=of.evaluations["q3"].id).delete()
    await Period.create(
        agency=of.agency, code="2028", starts_on=later, ends_on=date(YEAR + 2, 12, 31)
    )
    await of.rules("kemenlu-2025", october)
    await of.rules("klhk-2024", later)

    await reckon_month(administrator(of), "THN1", october, NOW)
    await reckon_month(administrator(of), "THN1", later, datetime(YEAR + 2, 2, 2, tzinfo=WIB))

    for month in (october, later):
        row = await Consequence.get(employee=of.people["gap"], month=month, superseded_at=None)
        assert set(facts_in(row).predicates.values()) == {None}
        assert row.amount == 10_000_000


async def test_an_earlier_post_does_not_pay_for_a_month_of_the_present_one(
    months: Agencys,
) -> None:
    """Moved on 1 May; the quarter of the first post is signed, that of the present one is not."""
    of = months
    await of.person("mover", base=5_000_000)
    first = await of.rated(await of.post("mover", ends=date(YEAR, 4, 30)), B, B, "q2")
    second = await of.rated(await of.post("mover", date(YEAR, 5, 1)), M, M, "q2")
    await of.signed(first)
    june = date(YEAR, 6, 1)
    await of.rules("bakamla-2023", june)

    await reckon_month(administrator(of), "THN1", june, NOW)
    before = await Consequence.get(employee=of.people["mover"], month=june, superseded_at=None)
    await of.signed(second)
    await reckon_month(administrator(of), "THN1", june, NOW)

    after = await Consequence.get(employee=of.people["mover"], month=june, superseded_at=None)
    assert facts_in(before).predicates["SAME_PERIOD"] is None
    assert facts_in(after).predicates["SAME_PERIOD"] == "GOOD"


async def goal(of: Agencys, row: Appraisal, kind: TargetKind) -> Target:
    """A result of an appraised plan; where it is staged, with four stages, none of them ended."""
    target = await Target.create(
        agency=of.agency, period=of.years[YEAR], plan_id=row.plan_id, title="Laporan", position=1,
        code=f"T-{uuid7()}", kind=kind, classification=Classification.INDIVIDUAL,
        owner_employee_id=row.employee_id,
    )  # fmt: skip
    for position in range(4 if kind is TargetKind.STAGED else 0):
        await Stage.create(target=target, position=position, title=f"Tahap {position}")
    return target


async def reached(of: Agencys, target: Target, due: int, done: int) -> None:
    """So much of what is due by 30 June, of twice as much in the year."""
    indicator = await Indicator.create(
        target=target, position=0, title="Jumlah", aspect=Aspect.QUANTITY, planned=2 * due
    )
    await TrajectoryPoint.create(indicator=indicator, day=date(YEAR, 6, 30), planned=due)
    at = datetime(YEAR, 5, 4, 9, tzinfo=WIB)
    await ProgressRecord.create(
        agency=of.agency, employee_id=target.owner_employee_id, day=at.date(), starts_at=at,
        ends_at=at, minutes=0, description="Menyusun", target=target, indicator=indicator,
        quantity=done, state=RecordState.CONFIRMED, created_at=at, decided_at=at,
    )  # fmt: skip


async def test_achievement_is_of_what_has_a_day_on_which_it_is_due(months: Agencys) -> None:
    """kementan-2019: 3 of 4 that are due by 30 June are 75 %; four stages of the year, none of
    them ended, say nothing of a quarter. 2,500,000 + 2,500,000 x 75 % = 4,375,000."""
    of, rows = months, []
    for name in ("both", "staged"):
        await of.person(name, base=5_000_000)
        rows.append(await of.rated(await of.post(name), M, M, "q2"))
        await goal(of, rows[-1], TargetKind.STAGED)
    await reached(of, await goal(of, rows[0], TargetKind.QUANTITATIVE), 4, 3)
    await of.signed(*rows)
    june = date(YEAR, 6, 1)
    await of.rules("kementan-2019", june)

    await reckon_month(administrator(of), "THN1", june, NOW)

    found = {
        name: await Consequence.get(employee=of.people[name], month=june, superseded_at=None)
        for name in ("both", "staged")
    }
    assert [facts_in(row).achievement for row in found.values()] == [75, None]
    assert [row.amount for row in found.values()] == [4_375_000, 5_000_000]
