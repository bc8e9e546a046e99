"""How the year is planned: each plan is returned, completed, submitted and approved.

A case is stored with approved plans, as they are published. Here people do what was done before:
the superior returns the plan, its owner edits it as a whole, submits it, and it is approved.
"""

from collections.abc import Awaitable, Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from typing import Any
from uuid import UUID

from tortoise import Tortoise

from schema.access import Scope
from schema.errors import DomainError, ErrorCode
from schema.plans.editing import (
    Draft,
    IndicatorDraft,
    ResultDraft,
    ServiceDraft,
    StageDraft,
    Stored,
    stored,
)
from schema.plans.models import AttachmentKind, Behaviour, PerformancePlan, PlanEventKind
from schema.plans.service import save_plan, take_step
from schema.tables import WRITER
from schema.targets.models import (
    Classification,
    EdgeKind,
    Indicator,
    Polarity,
    Target,
    TargetKind,
)
from server.demo.cast import Held, Person, Play, find
from server.demo.plot import COMPLETED_NUMBER, COMPLETED_UNIT
from server.demo.roles import Roles
from server.demo.works import Measure, Service, Step, Work, rotate

HUNDRED = Decimal(100)
EXPECTED: Mapping[Behaviour, str] = {
    Behaviour.SERVICE_ORIENTED: "Menjawab permintaan layanan pada hari yang sama",
    Behaviour.ACCOUNTABLE: "Melampirkan bukti dukung pada setiap hasil kerja",
    Behaviour.COMPETENT: "Mengikuti satu pelatihan dalam setahun",
    Behaviour.HARMONIOUS: "Menghargai pendapat rekan dalam rapat tim",
    Behaviour.LOYAL: "Menjaga rahasia jabatan",
    Behaviour.ADAPTIVE: "Memakai aplikasi baru sejak hari pertama",
    Behaviour.COLLABORATIVE: "Berbagi data dengan bidang lain",
}
ATTACHED = (
    (AttachmentKind.SUPPORT, "Dukungan anggaran dan aplikasi dari pimpinan"),
    (AttachmentKind.ACCOUNTABILITY, "Laporan bulanan kepada atasan langsung"),
    (AttachmentKind.CONSEQUENCES, "Dialog kinerja jika hasil kerja di bawah ekspektasi"),
)


async def refused(code: ErrorCode, call: Awaitable[Any]) -> None:
    """Raises:
    AssertionError: the call is not refused with this code.
    """
    try:
        await call
    except DomainError as error:
        if error.code is code:
            return
        raise AssertionError(f"refused with {error.code}, not {code}: {error}") from error
    raise AssertionError(f"not refused with {code}")


async def step(
    scope: Scope, plan: Held, kind: PlanEventKind, now: datetime, comment: str | None = None
) -> None:
    plan.version = (await take_step(scope, plan.id, plan.version, kind, now, comment)).version


async def plan_all(play: Play, roles: Roles) -> None:
    """Every plan of the case through its steps; people without a result get one of their own."""
    without = [person for person in play.people.values() if not person.own]
    parts = own_weights(play, without)
    for person in play.people.values():
        await _plan(play, person, parts.get(person.nip, []), person.nip == roles.mover)
        play.tick(f"{play.case.agency_code}: planning")
    await find(play.works, play.agency)
    for person in play.people.values():
        rotate(person.works)


def own_weights(play: Play, without: list[Person]) -> dict[str, list[Service]]:
    """What the results serve that people without any are given: the goal of their unit, and by
    weight a goal of the agency, so that this has a figure. All of a goal's weights are 100 where
    it measures nothing itself, else 40."""
    dealt = {one.nip: play.goals[place % len(play.goals)] for place, one in enumerate(without)}
    shared: dict[str, list[Service]] = {}
    for nip, goal in dealt.items():
        whole = Decimal(40) if play.works[goal].measures else HUNDRED
        number = list(dealt.values()).count(goal)
        weight = (whole / number).quantize(Decimal("0.0001"), rounding=ROUND_DOWN)
        nearest = play.goal_of(play.people[nip].unit).code
        aligned = [] if nearest in play.goals else [Service(nearest, EdgeKind.INDIRECT)]
        shared[nip] = [*aligned, Service(goal, EdgeKind.WEIGHTED, weight)]
    return shared


async def _plan(play: Play, person: Person, serves: list[Service], moves: bool) -> None:
    plan, above = person.plans[0], play.superior_scope(person)
    day = play.calendar.first(1).replace(day=5)
    now = play.calendar.at(day, 9)
    row = await PerformancePlan.get(id=plan.id)
    whole = await stored(Tortoise.get_connection(WRITER), row)
    await step(above, plan, PlanEventKind.RETURNED, now, "Lengkapi ekspektasi dan lampiran")
    if serves or _gaps(whole):
        incomplete = take_step(person.scope, plan.id, plan.version, PlanEventKind.SUBMITTED, now)
        await refused(ErrorCode.PLAN_INCOMPLETE, incomplete)
    results = [_result(whole, target, moves=moves) for target in whole.targets]
    if serves:
        results.append(own_result(play, person, serves))
    draft = Draft(results=results, expectations=EXPECTED, attachments=ATTACHED)
    await settle(play, person, plan, draft, now)
    if serves:
        await take_up(play, person, plan)


async def settle(play: Play, person: Person, plan: Held, draft: Draft, now: datetime) -> None:
    """Edit a plan as a whole, submit it, and have it approved."""
    saved = await save_plan(person.scope, plan.id, plan.version, draft, now)
    plan.version = saved.version
    await step(person.scope, plan, PlanEventKind.SUBMITTED, now)
    await step(play.superior_scope(person), plan, PlanEventKind.APPROVED, now)


def _gaps(whole: Stored) -> bool:
    """Whether an indicator has no number or no unit of measure."""
    rows = [row for of_target in whole.indicators.values() for row in of_target]
    return any(
        not row.unit_of_measure or (row.planned is None and row.polarity is not Polarity.RANGE)
        for row in rows
    )


def _result(whole: Stored, target: Target, *, moves: bool) -> ResultDraft:
    """A result as it is, its gaps filled; of who will be transferred it belongs to the post."""
    return ResultDraft(
        id=target.id,
        title=target.title,
        category=target.category,
        classification=Classification.ORGANIZATION if moves else target.classification,
        perspective=target.perspective,
        assigned_by=target.assigned_by,
        serves=[
            ServiceDraft(target_id=edge.parent_id, kind=edge.kind, weight=edge.weight)
            for edge in whole.edges[target.id]
        ],
        indicators=[_indicator(whole, row) for row in whole.indicators[target.id]],
        stages=[
            StageDraft(id=row.id, title=row.title, evidence=row.evidence, weight=row.weight)
            for row in whole.stages[target.id]
        ],
    )


def _indicator(whole: Stored, row: Indicator) -> IndicatorDraft:
    ranged = row.polarity is Polarity.RANGE
    return IndicatorDraft(
        id=row.id,
        aspect=row.aspect,
        title=row.title,
        unit_of_measure=row.unit_of_measure or COMPLETED_UNIT,
        polarity=row.polarity,
        accumulation=row.accumulation,
        baseline=row.baseline,
        planned=row.planned if ranged or row.planned is not None else COMPLETED_NUMBER,
        minimum=row.minimum,
        maximum=row.maximum,
        points=[(point.day, point.planned) for point in whole.points[row.id]],
    )


def own_result(play: Play, person: Person, serves: list[Service], months: int = 12) -> ResultDraft:
    """A result for somebody whom the case gives none: by turns in four stages or a number a month.

    Quarterly points make its planned path, where it is for a whole year.
    """
    year, staged = play.calendar.year, person.number % 2 == 0 and months == 12
    number = Decimal(months)
    quarters = [(play.calendar.last(month), Decimal(month)) for month in (3, 6, 9, 12)]
    return ResultDraft(
        title=f"Terlaksananya pembinaan kinerja {person.position} tahun {year}",
        serves=[
            ServiceDraft(target_id=play.works[one.code].key(), kind=one.kind, weight=one.weight)
            for one in serves
        ],
        indicators=[]
        if staged
        else [
            IndicatorDraft(
                title="Jumlah laporan pembinaan",
                unit_of_measure="laporan",
                planned=number,
                points=quarters if months == 12 else (),
            )
        ],
        stages=[
            StageDraft(title=f"Dialog kinerja triwulan {n}", evidence="Notula", weight=Decimal(25))
            for n in (1, 2, 3, 4)
        ]
        if staged
        else [],
    )


async def take_up(play: Play, person: Person, plan: Held) -> list[Work]:
    """Learn of the results of a plan that the script does not know yet, and work on them."""
    fresh: list[Work] = []
    wanted = Target.filter(plan_id=plan.id).order_by("position", "code")
    codes = {work.key(): work.code for work in play.works.values()}
    whole = await stored(Tortoise.get_connection(WRITER), await PerformancePlan.get(id=plan.id))
    for target in await wanted:
        if target.code not in play.works:
            fresh.append(_known(whole, target, codes, person.nip))
    for work in fresh:
        for measure in work.measures:
            measure.decide(receives=False)
        play.works[work.code] = work
        person.own.append(work)
    return fresh


def _known(whole: Stored, target: Target, codes: Mapping[UUID, str], nip: str) -> Work:
    staged = target.kind is TargetKind.STAGED
    return Work(
        code=target.code,
        id=target.id,
        title=target.title,
        nip=nip,
        plan=whole.plan.id,
        measures=[
            Measure(
                key=(target.code, place),
                id=row.id,
                title=row.title,
                unit=row.unit_of_measure or COMPLETED_UNIT,
                accumulation=row.accumulation,
                polarity=row.polarity,
                planned=row.planned,
                minimum=row.minimum,
                maximum=row.maximum,
                baseline=row.baseline,
            )
            for place, row in enumerate(() if staged else whole.indicators[target.id])
        ],
        steps=[
            Step(id=row.id, title=row.title, weight=row.weight, month=1)
            for row in whole.stages[target.id]
        ],
        serves=[
            Service(codes[edge.parent_id], edge.kind, edge.weight)
            for edge in whole.edges[target.id]
        ],
    )
