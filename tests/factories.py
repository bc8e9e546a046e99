"""A small agency with everything in it, viewers who ask, and the API that answers them.

A viewer is a token's subject; its scope is read from the database as in production, never built
by hand. `Api` executes operations against the schema itself and lets a fault of ours fly.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import strawberry
from ekinerja_connectors import Activity as SourceActivity
from ekinerja_connectors import Evidence as SourceEvidence
from strawberry.relay import to_base64
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from schema.access import Role, Scope
from schema.appraisals.models import (
    Appraisal,
    AppraisalState,
    Predicate,
    Rating,
    ResultDelivery,
    SendingState,
)
from schema.context import Context
from schema.errors import DomainError, Language, Unauthenticated
from schema.events import Event, EventFeed
from schema.feeds.models import (
    BreakerState,
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
    TaskState,
)
from schema.feeds.secrets import keep_secrets, keep_webhook_secret
from schema.graph import build_schema
from schema.organizations.directory_values import ChangeKind, Directory, GivenUnit
from schema.organizations.models import (
    Agency,
    Assignment,
    ClockDirection,
    ClockEvent,
    Employee,
    Unit,
)
from schema.organizations.service import grant_role
from schema.organizations.viewers import scope_of
from schema.plans.loading import save_case
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
)
from schema.policies.models import AgencyPolicy, Holiday, HolidayKind, LateEntries, WorkingWeek
from schema.policies.rules import BREAKS, WORKING_WEEK, Policy
from schema.progress import service
from schema.progress.models import Activity, MappingRule, ProgressRecord, Retraction
from schema.progress.placing import NOWHERE, Place
from schema.progress.rules import Proof
from schema.progress.service import Confirmation
from schema.progress.writing import Entry
from schema.tables import Row
from schema.targets.case_file import parse_case, read_case
from schema.targets.case_values import Case
from schema.targets.models import (
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Perspective,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
)
from schema.values import uuid7
from server.database import Database, DatabaseRole, opened
from tests import feeding
from tests.copies import Copies
from tests.feeding import OTHER_SECRET, SECRET, VAULT
from tests.rated_year import rate, rate_unit

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
"""12.00 WIB on a Tuesday."""
TODAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
"""07.30 WIB."""
PROOF = Proof("Berita acara", "https://arsip.example/ba-1")
CASES = Path(__file__).parents[1] / "cases"

STAFF = "199001012015031001"
COLLEAGUE = "199101012016031002"
SUPERVISOR = "198001012005031003"
SUPERIOR = "197001011995031004"
OTHER_SUPERVISOR = "198101012006031005"
OTHER_STAFF = "199201012017031006"
STRANGER = "199301012018031007"

USUAL: Mapping[str, Any] = {
    "entry_days": 366, "recognized_minutes": 660, "action_plans_required": False,
}  # fmt: skip
"""How the small agency counts."""
VIEWERS: Mapping[str, str | None] = {
    "self": STAFF,
    "colleague": COLLEAGUE,
    "supervisor": SUPERVISOR,
    "superior": SUPERIOR,
    "other supervisor": OTHER_SUPERVISOR,
    "administrator": "pengelola.dc",
    "other administrator": "pengelola.dl",
    "other agency": STRANGER,
    "auditor": "auditor.dc",
    "connector": "layanan.dc",
    "nobody": None,
}
"""Subjects of tokens, by what they are to the staff member whose work is looked at."""


def real_case(name: str) -> Case:
    """A case of the folder `cases`, by the name of its file."""
    case, faults, _ = read_case((CASES / f"{name}.json").read_bytes())
    assert faults == []
    assert case is not None
    return case


def case_of(data: object) -> Case:
    case, faults, _ = parse_case(data)
    assert faults == []
    assert case is not None
    return case


def person(nip: str, name: str, unit: str, appraiser: str | None, **more: Any) -> dict[str, Any]:
    return {
        "nip": nip,
        "name": name,
        "unit": unit,
        "position": f"Pejabat {unit}",
        "appraiser": appraiser,
        **more,
    }


def goal(code: str, parent: str | None, owner: str, planned: int | None, **more: Any) -> Any:
    """A target of a case file: of a person where `owner` is a NIP, else of a unit."""
    indicator = {"aspect": "kuantitas", "title": "Jumlah laporan", "unit_of_measure": "laporan"}
    path = {"target": planned, "quarterly_target_cumulative": [0, 0, 1, planned]}
    return {
        "code": code,
        "parent": parent,
        "cascade": "none" if parent is None else "direct",
        "kind": "quantitative",
        "owner": {"nip": owner} if owner.isdigit() else {"unit": owner},
        "title": f"Tersusunnya laporan {code}",
        "indicators": [] if planned is None else [indicator | path],
        "stages": [],
    } | more


STAGES = [
    {"order": n, "title": f"Tahap {n}", "evidence": [f"Dokumen {n}"], "weight": n}
    for n in (1, 2, 3)
]

COUNT = {"aspect": "kuantitas", "title": "Jumlah", "unit_of_measure": "kali", "target": 10}
SHARE = {"aspect": "kualitas", "title": "Ketepatan", "unit_of_measure": "persen", "target": 100}
RANGE = {
    "aspect": "kualitas",
    "title": "Persentase ketepatan",
    "unit_of_measure": "persen",
    "min": 90,
    "max": 100,
    "baseline": 80,
    "target": None,
}


def agency_case(**changes: Any) -> dict[str, Any]:
    """Three levels of units and people, and one red thread through all of them.

    G (unit A, 100) <- P (superior, 60) <- S (supervisor, 30) <- T (staff, 20) <- T1 (staff, 5);
    Z (staff, three stages), M (staff, two indicators) and R (staff, a range) serve S indirectly;
    U (unit C, 40) serves G, U1 (unit C, 10) serves U.
    """
    return {
        "agency": "Dinas Contoh",
        "agency_code": "DC",
        "year": 2026,
        "period": {"start": "2026-01-01", "end": "2026-12-31"},
        "units": [
            {"code": "A", "parent": None, "name": "Dinas", "level": "dinas"},
            {"code": "B", "parent": "A", "name": "Bidang", "level": "bidang"},
            {"code": "C", "parent": "B", "name": "Seksi", "level": "seksi"},
            {"code": "C1", "parent": "C", "name": "Tim", "level": "tim"},
            {"code": "D", "parent": "A", "name": "Bidang Lain", "level": "bidang"},
        ],
        "employees": [
            person(SUPERIOR, "Ratna Dewanti", "A", None),
            person(SUPERVISOR, "Dewi Anggraini", "C", SUPERIOR),
            person(STAFF, "Sari Wulandari", "C", SUPERVISOR),
            person(COLLEAGUE, "Budi Hartono", "C", SUPERVISOR),
            person(OTHER_SUPERVISOR, "Tono Prasetyo", "D", SUPERIOR),
            person(OTHER_STAFF, "Joko Susilo", "D", OTHER_SUPERVISOR),
        ],
        "targets": [
            goal("G", None, "A", 100),
            goal("P", "G", SUPERIOR, 60),
            goal("S", "P", SUPERVISOR, 30),
            goal("T", "S", STAFF, 20, title="Telaah kebijakan arsip dinamis"),
            goal("T1", "T", STAFF, 5),
            goal("Z", "S", STAFF, None, kind="staged", cascade="indirect", stages=STAGES),
            goal("U", "G", "C", 40),
            goal("U1", "U", "C", 10),
            goal("O", "G", OTHER_SUPERVISOR, 10),
            goal("M", "S", STAFF, None, cascade="indirect", indicators=[COUNT, SHARE]),
            goal("R", "S", STAFF, None, cascade="indirect", indicators=[RANGE]),
        ],
    } | changes


OTHER_AGENCY = {
    "agency": "Dinas Lain",
    "agency_code": "DL",
    "year": 2026,
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "units": [{"code": "X", "parent": None, "name": "Dinas Lain", "level": "dinas"}],
    "employees": [person(STRANGER, "Asing Nugraha", "X", None)],
    "targets": [goal("GX", None, "X", 10)],
}


def key_of(row: Row, type_name: str | None = None) -> str:
    """The global id of a row."""
    name = type_name or {"Installation": "Connector"}.get(type(row).__name__, type(row).__name__)
    return to_base64(name, row.id)


@dataclass(slots=True)
class World:
    """What is where in the small agency: rows by short names."""

    people: dict[str, Employee] = field(default_factory=dict)
    targets: dict[str, Target] = field(default_factory=dict)
    indicators: dict[str, Indicator] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    records: dict[str, ProgressRecord] = field(default_factory=dict)
    installation: Installation = field(init=False)
    dead_letter: DeadLetter = field(init=False)
    rows: dict[str, Row] = field(default_factory=dict)

    async def scope(self, viewer: str) -> Scope:
        subject = VIEWERS[viewer]
        assert subject is not None
        return await scope_of(subject)


async def found(case: dict[str, Any] | None = None) -> World:
    """The agency of a case with its targets; nothing has been done yet."""
    await save_case(case_of(agency_case() if case is None else case))
    world = World()
    agency = await Agency.get(code="DC")
    world.people = {row.nip: row for row in await Employee.filter(agency=agency)}
    world.targets = {row.code: row for row in await Target.filter(agency=agency)}
    indicators = await Indicator.filter(target__agency_id=agency.id)
    codes = {row.id: code for code, row in world.targets.items()}
    world.indicators = {codes[row.target_id]: row for row in indicators}
    world.stages = await Stage.filter(target__agency_id=agency.id).order_by("position")
    world.rows["agency"] = agency
    for unit in await Unit.filter(agency=agency):
        world.rows[f"unit {unit.code}"] = unit
    world.installation = Installation(
        agency_id=agency.id,
        plugin="srikandi",
        title="Surat dinas",
        next_poll_at=NOW,
        settings={"url": "http://layanan.example"},
        breaker=BreakerState.OPEN,
        opened_at=NOW,
        halted_at=NOW,
    )
    keep_secrets(world.installation, {"token": "rahasia"}, VAULT)
    keep_webhook_secret(world.installation, f"{SECRET} {OTHER_SECRET}", VAULT)
    await world.installation.save(force_create=True)
    return world


@asynccontextmanager
async def world_in(
    database: Database, prepare: Callable[[World], Awaitable[None]] | None = None
) -> AsyncIterator[World]:
    """A fresh database with the small agency in it, then opened as the application.

    `prepare` does beforehand what the application may not; by default `busy_day`.
    """
    async with opened(database, DatabaseRole.OWNER):
        world = await found()
        await (prepare or busy_day)(world)
    async with opened(database, DatabaseRole.APPLICATION):
        yield world


@asynccontextmanager
async def copied_world(
    copies: Copies, prepare: Callable[[World], Awaitable[None]] | None = None
) -> AsyncIterator[World]:
    """The same of a copy: what `prepare` does is done once for all tests, so it is no closure."""
    chosen: Any = prepare or busy_day
    assert chosen.__closure__ is None, "use world_in: it may do something else each time"

    async def fill() -> World:
        world = await found()
        await chosen(world)
        return world

    async with (
        copies.of(chosen.__code__, fill) as (database, world),
        opened(database, DatabaseRole.APPLICATION),
    ):
        yield world


async def busy_day(world: World) -> None:
    """Another agency, roles, a connector that ran, and a morning of the staff member."""
    await save_other_agency()
    await grant_roles(world)
    await _count(world)
    await _ingest(world)
    await _work(world)
    await rate_the_year(world)


async def save_other_agency() -> None:
    await save_case(case_of(OTHER_AGENCY))


async def grant_roles(world: World) -> None:
    await Target.filter(code="T").update(
        assigned_by="Kepala Dinas", perspective=Perspective.BUSINESS_PROCESS
    )
    here, elsewhere = world.rows["agency"].id, (await Agency.get(code="DL")).id
    await grant_role(here, "pengelola.dc", Role.ADMINISTRATOR)
    await grant_role(elsewhere, "pengelola.dl", Role.ADMINISTRATOR)
    await grant_role(here, "auditor.dc", Role.AUDITOR)
    await grant_role(here, "layanan.dc", Role.CONNECTOR, world.installation.id)


async def _count(world: World) -> None:
    """How the agency counts, said in full and near the defaults: no figure changes by it."""
    of = {"agency": world.rows["agency"], "set_by": SUPERIOR, "set_at": NOW}
    policy = Policy(**USUAL)
    await AgencyPolicy.create(**of, **asdict(policy), starts_on=date(2026, 1, 1))
    await WorkingWeek.create(
        **of,
        unit=world.rows["unit C"],
        name="Lima hari",
        minutes=WORKING_WEEK,
        breaks=BREAKS,
        begins_at=time(7, 30),
        starts_on=date(2026, 1, 1),
        ends_on=date(2026, 12, 31),
    )
    await Holiday.create(
        **of, day=date(2026, 12, 25), name="Natal", kind=HolidayKind.PUBLIC_HOLIDAY
    )
    await MappingRule.create(
        **of,
        position=1,
        plugin=world.installation.plugin,
        activity_kind="disposisi",
        words="rapat pimpinan",
        goal=world.targets["G"],
    )


async def _ask(world: World) -> None:
    """A directory that was read and applied, and one that waits for it."""
    unit = GivenUnit(code="BARU", name="Bidang Baru", kind="bidang", parent="C")
    of = {
        "installation": world.installation,
        "kind": TaskKind.DIRECTORY,
        "state": TaskState.SUCCEEDED,
        "requested_by": "pengelola.dc",
        "requested_at": NOW,
        "started_at": NOW,
        "ended_at": NOW,
        "result": {"pages": 1, "directory": Directory(units=(unit,)).to_json()},
    }
    world.rows["task"] = await ConnectorTask.create(**of, applied_at=NOW, problem="tidak ada")
    world.rows["task to apply"] = await ConnectorTask.create(**of)
    await DirectoryChange.create(
        task=world.rows["task"],
        position=1,
        kind=ChangeKind.EMPLOYEE_CHANGED,
        subject=STAFF,
        detail="nama",
        before={"name": "Sari"},
        after={"name": "Sari Wulandari"},
    )
    await DirectoryChange.create(
        task=world.rows["task to apply"],
        position=1,
        kind=ChangeKind.UNIT_ADDED,
        subject="BARU",
        detail="Bidang Baru",
        after={"name": "Bidang Baru", "kind": "bidang", "parent": "C"},
    )


async def _administer(world: World) -> None:
    """The connector's plugin in quarantine, a problem that is known, one that is gone, a deed."""
    of = {"installation": world.installation, "first_at": NOW, "last_at": NOW}
    world.rows["problem"] = await ConnectorProblem.create(
        **of, code=ProblemCode.BREAKER_OPEN, detail="503", dismissed_at=NOW
    )
    world.rows["gone problem"] = await ConnectorProblem.create(
        **of, code=ProblemCode.CURSOR_INVALID, detail="7", dismissed_at=NOW, resolved_at=NOW
    )
    await ConnectorEvent.create(
        installation=world.installation,
        act=ConnectorAct.CONFIGURED,
        subject="pengelola.dc",
        at=NOW,
        detail="url",
    )
    world.rows["other connector"] = await Installation.create(
        agency=world.rows["agency"], plugin="submitted", title="Bot", next_poll_at=NOW
    )
    about = {"distribution": "ekinerja-srikandi", "version": "1.0", "title": "Srikandi"}
    await Plugin.create(
        **about,
        name="srikandi",
        state=PluginState.READY,
        problem="dicoba lagi",
        capabilities=["polling"],
        settings_schema=SETTINGS_SCHEMA,
        seen_at=NOW,
    )


SETTINGS_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["url"],
    "properties": {
        "url": {"type": "string", "format": "uri"},
        "token": {"type": "string", "writeOnly": True},
    },
}


async def _ingest(world: World) -> None:
    """A run of the connector, and an item that was given up."""
    of = {"installation": world.installation}
    world.rows["run"] = await Run.create(
        **of, started_at=NOW, ended_at=NOW, state=RunState.FAILED, problem="layanan tidak menjawab"
    )
    await _administer(world)
    item = await InboxItem.create(
        **of, source_id="D-0", body={"nip": "0"}, body_hash="0" * 64, received_at=NOW
    )
    world.dead_letter = await DeadLetter.create(
        **of,
        inbox_item=item,
        cause=DeadLetterCause.UNKNOWN_PERSON,
        detail="NIP tidak dikenal",
        created_at=NOW,
        resolved_at=NOW,
        note="Bukan pegawai",
    )
    await _ask(world)
    plan = await PerformancePlan.get(employee_id=world.people[STAFF].id)
    world.rows["plan"] = plan
    await BehaviourExpectation.create(plan=plan, behaviour=Behaviour.LOYAL, expectation="Teliti")
    await _agree(world, plan)
    for code in ("T", "U"):
        world.rows[f"action {code}"] = await ActionPlan.create(
            target=world.targets[code],
            position=1,
            description="Menyusun laporan",
            starts_on=date(2026, 1, 1),
            ends_on=date(2026, 12, 31),
            quantity=5,
            unit_of_measure="laporan",
            evaluation_period=world.rows["final"] if code == "T" else None,
        )
    await _send(world)


async def _send(world: World) -> None:
    """Two signed appraisals of the supervisor on their way: one failed, one was received."""
    supervisor = world.people[SUPERVISOR]
    plan = await PerformancePlan.get(employee_id=supervisor.id)
    post = await Assignment.get(id=plan.assignment_id)
    at = {"rated_at": NOW, "rated_by": SUPERIOR, "signed_at": NOW, "signed_by": SUPERIOR}
    why = {"work_reason": "Sesuai hasil unit", "behaviour_reason": "Teladan"}
    of_unit = await rate_unit(post.unit_id, supervisor, world.rows["final"].id, SUPERIOR, NOW)
    world.rows["unit rating"] = of_unit
    answers: dict[str, dict[str, Any]] = {
        "final": {"state": SendingState.FAILED, "message": "NIP tidak dikenal", "retry_at": NOW},
        "closed": {
            "state": SendingState.RECEIVED,
            "message": "Disimpan",
            "reference": "SIASN-1",
            "received_at": NOW,
        },
    }
    for name, answer in answers.items():
        appraisal = await Appraisal.create(
            agency_id=supervisor.agency_id,
            employee=supervisor,
            plan=plan,
            evaluation_period=world.rows[name],
            unit_id=post.unit_id,
            appraiser=world.people[SUPERIOR],
            heads_unit=name == "final",
            unit_rating=of_unit if name == "final" else None,
            starts_on=world.rows[name].starts_on,
            ends_on=world.rows[name].ends_on,
            state=AppraisalState.SIGNED,
            work_rating=Rating.MEETS,
            behaviour_rating=Rating.MEETS,
            predicate=Predicate.GOOD,
            **at,
            **why,
        )
        world.rows[f"appraisal {name}"] = appraisal
        world.rows[f"result {name}"] = await ResultDelivery.create(
            appraisal=appraisal, installation=world.installation, attempts=1, **answer
        )


async def _agree(world: World, plan: PerformancePlan) -> None:
    """What is written beside a plan; a year that is evaluated at its end only; a former post."""
    staff, targets = world.people[STAFF], world.targets
    await PlanAttachment.create(
        plan=plan, kind=AttachmentKind.SUPPORT, position=1, text="Dua analis"
    )
    await PlanEvent.create(
        plan=plan,
        kind=PlanEventKind.RETURNED,
        actor=SUPERVISOR,
        at=NOW,
        version=1,
        comment="Lengkapi",
    )
    said = {"plan": plan, "author": staff, "at": NOW, "text": "Sudah baik"}
    world.rows["feedback T"] = await Feedback.create(target=targets["T"], **said)
    world.rows["feedback LOYAL"] = await Feedback.create(behaviour=Behaviour.LOYAL, **said)
    days = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}
    for number, name in enumerate(("final", "closed"), start=1):
        period = await Period.get(id=targets["T"].period_id)
        if name == "closed":
            period = await Period.create(
                agency_id=period.agency_id,
                code="2025",
                starts_on=date(2025, 1, 1),
                ends_on=date(2025, 12, 31),
            )
            days = {"starts_on": period.starts_on, "ends_on": period.ends_on}
        world.rows[name] = await EvaluationPeriod.create(
            period=period,
            kind=EvaluationKind.FINAL,
            number=1,
            filling_until=date(2027, 1, 10),
            closed_at=NOW if name == "closed" else None,
            **days,
        )
        kinds = (EvaluationEventKind.REOPENED, EvaluationEventKind.CLOSED)
        await EvaluationEvent.create(
            evaluation_period=world.rows[name],
            kind=kinds[number - 1],
            actor=SUPERIOR,
            at=NOW,
            reason="Salah tutup" if name == "final" else None,
        )
    world.rows["post"] = await Assignment.get(employee=staff)
    world.rows["former post"] = await Assignment.create(
        employee=staff,
        unit_id=world.rows["unit D"].id,
        position="Analis",
        starts_on=date(2020, 1, 1),
        ends_on=date(2026, 1, 1),
    )
    heavy = await Target.create(
        agency_id=staff.agency_id,
        period_id=targets["T"].period_id,
        code="W",
        position=99,
        title="Hasil berbobot",
        kind=TargetKind.STAGED,
        classification=Classification.INDIVIDUAL,
        owner_employee=world.people[OTHER_STAFF],
    )
    await Stage.create(target=heavy, position=1, title="Naskah")
    await TargetEdge.create(
        parent=targets["O"],
        child=heavy,
        kind=EdgeKind.WEIGHTED,
        weight=40,
        achieved=0,
        primary=False,
    )


async def _counting(world: World, **changed: Any) -> None:
    """From the first of the month on the agency counts otherwise."""
    await AgencyPolicy.create(
        agency_id=world.rows["agency"].id,
        starts_on=TODAY.replace(day=1),
        set_by=SUPERIOR,
        set_at=NOW,
        **asdict(Policy(**changed)),
    )


async def _work(world: World) -> None:
    """A morning of the staff member: records of every kind, by name, one after the other."""
    viewer, records = await world.scope("self"), world.records
    pending = {
        name: await received(world, name, minutes=10, starts_at=MORNING + timedelta(minutes=30 * n))
        for n, name in enumerate(("confirmed", "waiting", "to confirm", "to dismiss"))
    }
    records.update(pending)
    place = Place(target_id=world.targets["T"].id, quantity=Decimal(3))
    await service.confirm_progress(
        viewer, [Confirmation(record_id=pending["confirmed"].id, place=place, proof=[PROOF])], NOW
    )
    stage = Place(target_id=world.targets["Z"].id, stage_id=world.stages[0].id)
    later = MORNING + timedelta(hours=2)
    records["staged"] = await logged(viewer, later, place=stage, proof=[PROOF])
    unit = Place(target_id=world.targets["U"].id, quantity=Decimal(2))
    first = await logged(viewer, later + timedelta(minutes=30), place=unit)
    again = entry(later + timedelta(minutes=30), place=unit)
    again = replace(again, late_reason="Jaringan putus")
    await _counting(world, entry_days=0, late_entries=LateEntries.REASON)
    tomorrow = NOW + timedelta(days=1)
    records["replacing"] = await service.correct_progress(
        viewer, first.id, again, "Salah", tomorrow
    )
    await _counting(world, **USUAL)
    for n, name in enumerate(("to correct", "to return")):
        at = later + timedelta(minutes=60 + 30 * n)
        one = Place(target_id=world.targets["T1"].id, quantity=Decimal(1))
        records[name] = await logged(viewer, at, place=one)
    world.rows["activity"] = await Activity.get(source_id="confirmed")
    await _presence(world)
    world.rows["pending activity"] = await Activity.get(source_id="waiting")
    for name, row in records.items():
        records[name] = await ProgressRecord.get(id=row.id)


async def rate_the_year(world: World) -> None:
    """The staff member is rated, objected, and is signed; the supervisor is by `_send`."""
    world.rows["appraisal"] = await rate(
        world.people[STAFF],
        world.people[SUPERVISOR],
        world.people[SUPERIOR],
        world.targets["T"],
        world.rows["final"].id,
        NOW,
    )


async def _presence(world: World) -> None:
    """The staff member clocked in and out; the source takes the confirmed activity back."""
    of, source = {"employee": world.people[STAFF], "day": TODAY}, world.installation
    for n, direction in enumerate(ClockDirection):
        at = MORNING + timedelta(hours=n)
        await ClockEvent.create(
            installation_id=source.id,
            source_id=f"passage {n}",
            at=at,
            direction=direction,
            place="Lobi",
            received_at=NOW,
            **of,
        )
    item = await InboxItem.create(
        installation=source, source_id="taken back", body={}, body_hash="2" * 64, received_at=NOW
    )
    await InboxItem.filter(id=item.id).update(processed_at=NOW)
    await Retraction.create(
        installation=source,
        inbox_item=item,
        retracts="confirmed",
        at=NOW,
        reason="Surat ditarik",
        received_at=NOW,
    )


async def received(
    world: World,
    source_id: str,
    *,
    starts_at: datetime = MORNING,
    minutes: int = 30,
    nip: str = STAFF,
    now: datetime = NOW,
) -> ProgressRecord:
    """A pending record of an activity with evidence; needs the owner's or the worker's role."""
    item = await InboxItem.create(
        installation=world.installation,
        source_id=source_id,
        body={},
        body_hash="1" * 64,
        received_at=now,
        processed_at=now,
    )
    activity = SourceActivity(
        source_id=source_id,
        nip=nip,
        kind="surat",
        title="Menyusun telaah kebijakan arsip dinamis",
        occurred_at=starts_at,
        ended_at=None if minutes == 0 else starts_at + timedelta(minutes=minutes),
        description="Laporan bulanan",
        category="laporan",
        quantity=None if source_id == "confirmed" else Decimal(2),
        unit_of_measure=None if source_id == "confirmed" else "laporan",
        evidence=(SourceEvidence(title="Naskah", url="https://arsip.example/naskah"),),
    )
    return await feeding.take_in(activity, world.people[nip], item.id, world.installation, now)


def entry(starts_at: datetime = MORNING, minutes: float = 30, **given: Any) -> Entry:
    """A manual entry: half an hour of work that serves no target, unless more is given."""
    ends_at = given.pop("ends_at", starts_at + timedelta(minutes=minutes))
    values: dict[str, Any] = {"description": "Menyusun laporan", "place": NOWHERE}
    return Entry(starts_at=starts_at, ends_at=ends_at, **values | given)


async def logged(
    viewer: Scope, starts_at: datetime = MORNING, *, now: datetime = NOW, **given: Any
) -> ProgressRecord:
    return await service.log_progress(viewer, entry(starts_at, **given), now)


@cache
def schema() -> strawberry.Schema:
    """One schema for all tests: it holds nothing of any request."""
    return build_schema()


class ScriptedFeed:
    """An event feed whose events are all there before anybody follows; then it ends."""

    def __init__(self, *events: Event, last: int = 0) -> None:
        self._events = events
        self._last = last

    async def last_position(self) -> int:
        return self._last

    async def follow(self, after: int) -> AsyncGenerator[Event, None]:
        for event in self._events:
            if event.position > after:
                yield event


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client gets: data, and the refusals among the errors by their stable codes."""

    data: Any
    codes: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()


@dataclass(slots=True)
class Api:
    """The API as one viewer meets it: a token's subject, or None for nobody.

    `issued_at` and `expires_at` are those of the token.
    """

    subject: str | None
    feed: EventFeed = field(default_factory=ScriptedFeed)
    language: Language = Language.ENGLISH
    now: datetime = NOW
    expires_at: datetime = NOW + timedelta(hours=1)
    issued_at: datetime = NOW

    @classmethod
    def of(cls, viewer: str, **given: Any) -> "Api":
        return cls(VIEWERS[viewer], **given)

    async def context(self) -> Context:
        async def authorise() -> tuple[Scope, datetime]:
            if self.subject is None or self.expires_at <= self.now:
                raise Unauthenticated
            return await scope_of(self.subject, self.issued_at), self.expires_at

        return Context(
            scope=None if self.subject is None else (await authorise())[0],
            language=self.language,
            feed=self.feed,
            authorise=authorise,
            now=lambda: self.now,
            vault=VAULT,
        )

    async def run(self, document: str, **variables: Any) -> Answer:
        result = await schema().execute(
            document, variable_values=variables, context_value=await self.context()
        )
        return answer_of(result)

    async def data(self, document: str, **variables: Any) -> Any:
        """The data of an operation that is refused nothing."""
        answer = await self.run(document, **variables)
        assert answer.codes == (), answer.messages
        return answer.data

    async def follow(self, document: str, **variables: Any) -> AsyncGenerator[Answer, None]:
        """The messages of a subscription."""
        stream = await schema().subscribe(
            document, variable_values=variables, context_value=await self.context()
        )
        if isinstance(stream, PreExecutionError):
            yield answer_of(stream)
            return
        try:
            async for result in stream:
                yield answer_of(result)
        except DomainError as refused:
            yield Answer(None, (refused.code.value,), (refused.message(self.language),))
        finally:
            await stream.aclose()


def answer_of(result: ExecutionResult | PreExecutionError) -> Answer:
    """Raises: whatever is no refusal, so that a fault of ours fails the test."""
    codes, messages = [], []
    for error in result.errors or ():
        refused = error.original_error
        if not isinstance(refused, DomainError):
            raise refused or error
        codes.append(refused.code.value)
        messages.append(refused.message(Language.ENGLISH))
    # As it goes out: what PostgreSQL answered is JSON text until it is written.
    return Answer(orjson.loads(orjson.dumps(result.data)), tuple(codes), tuple(messages))


def random_id(type_name: str) -> str:
    """The global id of something that is not there."""
    return to_base64(type_name, uuid7())


def event_of(record: ProgressRecord, kind: Any, position: int = 1, **given: Any) -> Event:
    """A stamped event of a record, as the feed gives it."""
    values: dict[str, Any] = {"superior_ids": frozenset(), "target_ids": frozenset()}
    return Event(
        position=position,
        kind=kind,
        agency_id=record.agency_id,
        employee_id=record.employee_id,
        record_id=record.id,
        created_at=NOW,
        **values | given,
    )
