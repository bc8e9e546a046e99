"""Two agencies with a row of every kind for each person, to test who sees what."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from schema.access import Role, Scope, as_superior_of
from schema.feeds.models import (
    ChangeKind,
    ConnectorAct,
    ConnectorEvent,
    ConnectorProblem,
    ConnectorTask,
    DeadLetter,
    DeadLetterCause,
    DirectoryChange,
    InboxItem,
    Installation,
    Plugin,
    PluginState,
    ProblemCode,
    Run,
    RunState,
    TaskKind,
)
from schema.matrices.models import CascadeTemplate, MatrixCell, MatrixMember, RoleMatrix
from schema.notices.models import Contact, Notice, NoticeDelivery, NoticeKind
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    Agency,
    Assignment,
    AssignmentKind,
    ClockDirection,
    ClockEvent,
    DayDone,
    Employee,
    RoleGrant,
    Unit,
    UnitPlacement,
)
from schema.organizations.viewers import scope_of
from schema.plans.models import (
    ActionPlan,
    AttachmentKind,
    Behaviour,
    BehaviourExpectation,
    EvaluationEvent,
    EvaluationEventKind,
    EvaluationKind,
    EvaluationPeriod,
    Feedback,
    PerformancePlan,
    PlanAttachment,
    PlanEvent,
    PlanEventKind,
    PlanState,
)
from schema.policies.models import AgencyPolicy, Holiday, HolidayKind, WorkingWeek
from schema.policies.rules import BREAKS, RAMADAN_WEEK, Policy
from schema.progress.models import (
    Activity,
    DailyLog,
    Evidence,
    MappingRule,
    ProgressRecord,
    RecordEvent,
    RecordEventKind,
    RecordState,
    Retraction,
)
from schema.tables import dicts_of
from schema.targets.models import (
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
    TrajectoryPoint,
)
from schema.teams.models import DayClose, PresenceStatus
from schema.values import uuid7
from tests.appraised import appraise, follow_from, rules_of

DAY = date(2026, 11, 24)
NOON = datetime(2026, 11, 24, 5, tzinfo=UTC)
START = date(2026, 1, 1)
SECRET = "whsec_" + "c2VjcmV0LWZvci10ZXN0cy1vbmx5LTAwMDE="
NIPS = {
    "chief": "197001011995031001",
    "boss": "197501012000031002",
    "employee": "199001012015031003",
    "colleague": "199101012016032004",
    "elsewhere": "198501012010031005",
    "administrator": "198601012011032006",
    "other administrator": "198701012012031007",
    "lent": "198801012013032008",
}
"""By who they are: `elsewhere` sits in another unit, `lent` is of B but appraised by A's boss."""
VIEWERS = NIPS | {"auditor": "inspektorat-a", "nobody": "layanan-b"}


@dataclass(frozen=True)
class World:
    """Two agencies with their people, and the rows that tests name."""

    people: Mapping[str, Employee]
    targets: Mapping[str, Target]
    indicators: Mapping[str, Indicator]
    agencies: Mapping[str, Agency]

    async def viewers(self) -> dict[str, Scope]:
        """Everybody, and the scope under which a team is shown to all who may watch it."""
        scopes = {name: await scope_of(subject) for name, subject in VIEWERS.items()}
        return scopes | {"any superior of boss": as_superior_of(self.people["boss"])}


async def found_agency(code: str) -> tuple[Agency, Unit, Unit, Period]:
    agency = await Agency.create(code=code, name=f"Instansi {code}")
    top = await Unit.create(agency=agency, code="1", name="Sekretariat", kind="eselon-2")
    below = await Unit.create(agency=agency, code="1.1", name="Bagian Umum", kind="eselon-3")
    await UnitPlacement.create(unit=top, parent=None, starts_on=START)
    await UnitPlacement.create(unit=below, parent=top, starts_on=START)
    period = await Period.create(
        agency=agency, code="2026", starts_on=START, ends_on=date(2026, 12, 31)
    )
    await count_time(agency, below, period)
    return agency, top, below, period


async def count_time(agency: Agency, below: Unit, period: Period) -> None:
    """A policy, weeks, a holiday, a quarter, and a template."""
    by = {"set_by": "pengelola", "set_at": NOON}
    await AgencyPolicy.create(
        agency=agency, starts_on=START, **by, **asdict(Policy(achievement_cap=Decimal(110)))
    )
    week = {"begins_at": time(7, 30), "breaks": BREAKS, **by}
    await WorkingWeek.create(
        agency=agency,
        name="Ramadan",
        minutes=RAMADAN_WEEK,
        starts_on=date(2026, 2, 18),
        ends_on=date(2026, 3, 19),
        **week,
    )
    await WorkingWeek.create(
        agency=agency,
        unit=below,
        name="Enam hari",
        minutes=[375] * 6 + [0],
        starts_on=date(2026, 7, 1),
        **week,
    )
    await Holiday.create(
        agency=agency,
        day=date(2026, 11, 26),
        name="Hari daerah",
        kind=HolidayKind.PUBLIC_HOLIDAY,
        **by,
    )
    quarter = await EvaluationPeriod.create(
        period=period,
        kind=EvaluationKind.QUARTERLY,
        number=4,
        starts_on=date(2026, 10, 1),
        ends_on=date(2026, 12, 31),
        filling_until=date(2027, 1, 10),
    )
    await EvaluationEvent.create(
        evaluation_period=quarter, kind=EvaluationEventKind.SET, actor="pengelola", at=NOON
    )
    await CascadeTemplate.create(agency=agency, code="GURU", name="Guru", results=[])


async def hire(
    name: str, agency: Agency, unit: Unit, appraiser: Employee | None = None
) -> tuple[Employee, Assignment]:
    employee = await Employee.create(agency=agency, nip=NIPS[name], name=name.title())
    post = await Assignment.create(
        employee=employee,
        unit=unit,
        appraiser=appraiser,
        position="Pelaksana",
        kind=AssignmentKind.DEFINITIVE,
        starts_on=START,
    )
    return employee, post


async def target_of(
    owner: Employee | Unit,
    agency: Agency,
    period: Period,
    parent: Target | None,
    plan: PerformancePlan | None = None,
    contributes_to: Indicator | None = None,
) -> tuple[Target, Indicator]:
    """A target with one of everything that hangs on targets."""
    key = "owner_unit" if isinstance(owner, Unit) else "owner_employee"
    target = await Target.create(
        agency=agency,
        period=period,
        code=f"T-{owner.id}",
        position=1,
        title=f"Hasil kerja {owner.name}",
        kind=TargetKind.QUANTITATIVE,
        classification=Classification.ORGANIZATION,
        plan=plan,
        **{key: owner},
    )
    if parent is not None:
        await TargetEdge.create(parent=parent, child=target, kind=EdgeKind.DIRECT)
    indicator = await Indicator.create(
        target=target,
        position=1,
        aspect=Aspect.QUANTITY,
        title="Dokumen",
        planned=12,
        contributes_to=contributes_to,
    )
    await TrajectoryPoint.create(indicator=indicator, day=DAY, planned=6)
    await Stage.create(target=target, position=1, title="Naskah")
    await ActionPlan.create(
        target=target, position=1, description="Menyusun", starts_on=START, ends_on=DAY
    )
    return target, indicator


async def record_of(
    person: Employee, source: Installation, number: int, state: RecordState, counts: Indicator
) -> None:
    """A record from a source with evidence and history; its `number` makes its ids and hours."""
    name = f"{person.nip}-{number}"
    item = await InboxItem.create(
        installation=source,
        source_id=name,
        body={"title": name},
        body_hash="0" * 64,
        received_at=NOON,
        processed_at=NOON,
    )
    activity = await Activity.create(
        installation=source,
        inbox_item=item,
        source_id=name,
        employee=person,
        kind="surat",
        title=name,
        occurred_at=NOON,
        received_at=NOON,
    )
    starts = NOON + timedelta(hours=number)
    record = await ProgressRecord.create(
        agency_id=source.agency_id,
        employee=person,
        day=DAY,
        starts_at=starts,
        ends_at=starts + timedelta(minutes=30),
        minutes=30,
        description=name,
        activity=activity,
        target_id=counts.target_id,
        indicator=counts,
        quantity=number,
        state=state,
        created_at=NOON,
    )
    await Evidence.create(record=record, position=1, title="Naskah", url="https://bukti.example/1")
    await RecordEvent.create(
        record=record, kind=RecordEventKind.RECEIVED, actor="fake", at=NOON, changes={}
    )


async def give_work(
    person: Employee,
    post: Assignment,
    period: Period,
    parent: Target,
    above: Indicator,
    source: Installation,
) -> tuple[Target, Indicator]:
    """A plan, a target, four records, a day: of each kind that belongs to a person."""
    plan = await PerformancePlan.create(
        period=period,
        employee=person,
        assignment=post,
        starts_on=period.starts_on,
        ends_on=period.ends_on,
        state=PlanState.APPROVED,
    )
    await BehaviourExpectation.create(
        plan=plan, behaviour=Behaviour.LOYAL, expectation="Menjaga nama baik"
    )
    agency = await Agency.get(id=person.agency_id)
    target, indicator = await target_of(person, agency, period, parent, plan, above)
    await agree(person, plan, target, parent)
    states = [
        RecordState.PENDING,
        RecordState.CONFIRMED,
        RecordState.DISMISSED,
        RecordState.CONFIRMED,
    ]
    for number, state in enumerate(states, start=1):
        await record_of(person, source, number, state, indicator)
    await DailyLog.create(employee=person, day=DAY, required_minutes=450, pending_count=1)
    await clock(person, source)
    return target, indicator


async def clock(person: Employee, source: Installation) -> None:
    """They came in the morning; and their first piece of work was taken back by its source."""
    await ClockEvent.create(
        installation_id=source.id,
        source_id=f"clock-{person.nip}",
        employee=person,
        day=DAY,
        at=NOON,
        direction=ClockDirection.IN,
        received_at=NOON,
    )
    absence = await Absence.create(
        employee=person,
        kind=AbsenceKind.SICKNESS,
        state=AbsenceState.REPORTED,
        starts_on=DAY,
        ends_on=DAY,
        reported_by=person.nip,
        reported_at=NOON,
    )
    await AbsenceEvent.create(
        absence=absence, state=AbsenceState.REPORTED, actor=person.nip, at=NOON
    )
    await DayDone.create(employee=person, day=DAY, done_at=NOON)
    await close(person, source)
    item = await InboxItem.create(
        installation=source,
        source_id=f"back-{person.nip}",
        body={},
        body_hash="0" * 64,
        received_at=NOON,
        processed_at=NOON,
    )
    await Retraction.create(
        installation=source,
        inbox_item=item,
        retracts=f"{person.nip}-2",
        at=NOON,
        reason="Surat ditarik",
        received_at=NOON,
    )


async def close(person: Employee, channel: Installation) -> None:
    """The day before as it ended, under a superior who has moved on; and what they were told."""
    await DayClose.create(
        agency_id=person.agency_id,
        employee=person,
        day=DAY - timedelta(days=1),
        superior_ids=[uuid7()],
        status=PresenceStatus.SHORT,
        required_minutes=450,
        recorded_minutes=60,
        pending_count=0,
        closed_at=NOON,
    )
    await Contact.create(employee=person, address=f"{person.nip}@contoh.example")
    notice = await Notice.create(
        agency_id=person.agency_id,
        employee=person,
        kind=NoticeKind.NUDGE,
        day=DAY,
        subject="Hari ini belum diisi",
        body="-",
        facts={},
        created_at=NOON,
    )
    await NoticeDelivery.create(notice=notice, installation_id=channel.id, due_at=NOON)


async def agree(person: Employee, plan: PerformancePlan, target: Target, parent: Target) -> None:
    """What is written beside a plan: attachment, history, feedback, a matrix with one cell."""
    await PlanAttachment.create(
        plan=plan, kind=AttachmentKind.SUPPORT, position=1, text="Dua analis"
    )
    await PlanEvent.create(
        plan=plan, kind=PlanEventKind.APPROVED, actor="atasan", at=NOON, version=1
    )
    await Feedback.create(plan=plan, target=target, author=person, at=NOON, text="Sudah baik")
    matrix = await RoleMatrix.create(plan=plan)
    member = await MatrixMember.create(matrix=matrix, employee=person, position=1)
    await MatrixCell.create(
        member=member, result=target, title="Naskah siap", kind=EdgeKind.INDIRECT
    )


async def install(agency: Agency) -> Installation:
    """A connector with a run, an item that waits, one that was given up, and one of each past."""
    source = await Installation.create(
        agency=agency,
        plugin="fake",
        title=f"Layanan {agency.code}",
        settings={"alamat": "http://layanan.example"},
        secrets="disegel",
        secret_names=["password"],
        webhook_secret="disegel",
        webhook_secrets=1,
        cursor="42",
        next_poll_at=NOON,
    )
    await Run.create(installation=source, started_at=NOON, ended_at=NOON, state=RunState.SUCCEEDED)
    common: dict[str, Any] = {
        "installation": source,
        "body": {},
        "body_hash": "0" * 64,
        "received_at": NOON,
    }
    await InboxItem.create(source_id="waits", **common)
    await ConnectorProblem.create(
        installation=source,
        code=ProblemCode.SERVICE_UNREACHABLE,
        detail="503",
        first_at=NOON,
        last_at=NOON,
    )
    for code, of in (
        (ProblemCode.BREAKER_OPEN, "resolved_at"),
        (ProblemCode.FORGED, "dismissed_at"),
    ):
        await ConnectorProblem.create(
            installation=source, code=code, detail="-", first_at=NOON, last_at=NOON, **{of: NOON}
        )
    for act in (ConnectorAct.INSTALLED, ConnectorAct.CONFIGURED):
        await ConnectorEvent.create(installation=source, act=act, subject="p", at=NOON)
    task = await ConnectorTask.create(
        installation=source, kind=TaskKind.DIRECTORY, requested_by="pengelola", requested_at=NOON
    )
    await DirectoryChange.create(
        task=task, position=1, kind=ChangeKind.UNIT_ADDED, subject="1.2", detail="Bagian Hukum"
    )
    given_up = await InboxItem.create(source_id="given up", processed_at=NOON, **common)
    await DeadLetter.create(
        installation=source,
        inbox_item=given_up,
        cause=DeadLetterCause.UNKNOWN_PERSON,
        detail="NIP",
        created_at=NOON,
    )
    return source


async def appraise_all(
    posts: Mapping[str, tuple[Employee, Assignment]],
    works: Mapping[str, tuple[Target, Indicator]],
    sources: Mapping[str, Installation],
) -> None:
    """An appraisal of every plan, and what follows; the next person gives feedback to each. The
    lent one's was made in A, where they were before."""
    rules = {code: await rules_of(source.agency_id, NOON) for code, source in sources.items()}
    names = list(works)
    for name, next_name in zip(names, names[1:] + names[:1], strict=True):
        plan = await PerformancePlan.get(employee=posts[name][0])
        code = "B" if name == "lent" else "A"
        evaluation = await EvaluationPeriod.filter(period_id=plan.period_id).first()
        assert evaluation is not None
        appraisal = await appraise(
            plan, works[name][0], evaluation, sources["A"], NOON, posts[next_name][0]
        )
        await follow_from(appraisal, rules[code], plan.period_id, NOON)


async def build() -> World:
    a, a_top, a_below, a_period = await found_agency("A")
    b, b_top, b_below, b_period = await found_agency("B")
    from_a, from_b = await install(a), await install(b)
    await Plugin.create(
        name="fake",
        distribution="ekinerja-fake",
        version="1.0",
        title="Layanan",
        state=PluginState.READY,
        seen_at=NOON,
    )
    goal, goal_figure = await target_of(a_top, a, a_period, None)
    unit_target, unit_figure = await target_of(a_below, a, a_period, goal, None, goal_figure)
    b_goal, b_figure = await target_of(b_top, b, b_period, None)
    posts = {
        "chief": await hire("chief", a, a_top),
        "administrator": await hire("administrator", a, a_top),
        "elsewhere": await hire("elsewhere", a, a_top),
        "other administrator": await hire("other administrator", b, b_top),
    }
    posts["boss"] = await hire("boss", a, a_below, posts["chief"][0])
    for name, agency, unit in [("employee", a, a_below), ("colleague", a, a_below)]:
        posts[name] = await hire(name, agency, unit, posts["boss"][0])
    posts["lent"] = await hire("lent", b, b_below, posts["boss"][0])
    boss_work = await give_work(*posts["boss"], a_period, unit_target, unit_figure, from_a)
    works = {"boss": boss_work}
    for name in ("employee", "colleague"):
        works[name] = await give_work(*posts[name], a_period, *boss_work, from_a)
    works["elsewhere"] = await give_work(*posts["elsewhere"], a_period, goal, goal_figure, from_a)
    works["lent"] = await give_work(*posts["lent"], b_period, b_goal, b_figure, from_b)
    for agency, of in ((a, goal), (b, b_goal)):
        await MappingRule.create(
            agency=agency, position=1, activity_kind="surat", goal=of, set_by="p", set_at=NOON
        )
    # What the lent one had and did in A before: it stays A's, the person is B's.
    await target_of(posts["lent"][0], a, a_period, unit_target)
    await record_of(posts["lent"][0], from_a, 8, RecordState.CONFIRMED, unit_figure)
    for agency in (a, b):
        await dicts_of("SELECT refresh_reporting_lines($1, $2)", [agency.id, DAY])
    await appraise_all(posts, works, {"A": from_a, "B": from_b})
    await RoleGrant.create(agency=a, subject=NIPS["administrator"], role=Role.ADMINISTRATOR)
    await RoleGrant.create(agency=b, subject=NIPS["other administrator"], role=Role.ADMINISTRATOR)
    await RoleGrant.create(agency=a, subject="inspektorat-a", role=Role.AUDITOR)
    await RoleGrant.create(
        agency=b, subject="layanan-b", role=Role.CONNECTOR, installation_id=from_b.id
    )
    people = {name: await Employee.get(id=person.id) for name, (person, _) in posts.items()}
    return World(
        people=people,
        targets={"goal": goal, "unit": unit_target} | {n: t for n, (t, _) in works.items()},
        indicators={"unit": unit_figure} | {n: i for n, (_, i) in works.items()},
        agencies={"A": a, "B": b},
    )
