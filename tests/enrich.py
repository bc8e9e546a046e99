"""More of everything for two agencies: moves, acting posts, staged work, knots, suggestions."""

from datetime import date, time, timedelta

from schema.appraisals.models import (
    Appraisal,
    FeedbackAnswer,
    FeedbackRelation,
    FeedbackRequest,
)
from schema.consequences.models import RuleSet
from schema.consequences.rule_texts import packaged_rules
from schema.matrices.models import (
    CascadeTemplate,
    MatrixCell,
    MatrixMember,
    MemberRole,
    Publication,
    RoleMatrix,
)
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    Assignment,
    AssignmentKind,
    DayDone,
    Unit,
    UnitPlacement,
)
from schema.plans.models import Behaviour, Feedback, PerformancePlan
from schema.progress.models import DailyLog, ProgressRecord, RecordState
from schema.tables import dicts_of
from schema.targets.models import (
    Accumulation,
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Polarity,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
    TrajectoryPoint,
)
from schema.teams.models import DayClose, PresenceClock, PresenceStatus
from tests.two_agencies import DAY, NOON, START, World
from tests.year_end import end_the_year

ONE = timedelta(days=1)


async def hear(world: World) -> None:
    """Feedback on the boss and an employee: of three peers and two subordinates, of whom one said
    little; what is not all in yet; and some that nobody has given. And what a superior of another
    agency said on the lent one's plan."""
    plan = await PerformancePlan.get(employee=world.people["lent"])
    await Feedback.create(plan=plan, author=world.people["boss"], at=NOON, text="Teruskan")
    names = ("chief", "elsewhere", "colleague", "employee", "administrator", "lent")
    for about in ("boss", "employee"):
        appraisal = await Appraisal.get(employee=world.people[about])
        known = await FeedbackRequest.get(appraisal=appraisal)
        others = [one for one in names if world.people[one].id != known.respondent_id]
        for number, name in enumerate(one for one in others if one != about):
            answered = number < 4
            relation = (FeedbackRelation.PEER, FeedbackRelation.SUBORDINATE)[number == 2]
            asked = await FeedbackRequest.create(
                appraisal=appraisal,
                respondent=world.people[name],
                relation=relation,
                asked_by="atasan",
                asked_at=NOON,
                closes_at=NOON - timedelta(hours=2) if answered else NOON + ONE,
                smallest_group=3 if about == "boss" else 2,
                answered_at=NOON if answered else None,
            )
            if answered:
                comment = f"Kata {name}"
                for behaviour in list(Behaviour)[number // 2 :]:
                    await FeedbackAnswer.create(
                        request=asked, behaviour=behaviour, score=number + 1, comment=comment
                    )


async def enrich(world: World) -> None:
    people, targets = world.people, world.targets
    await close_days(world)
    await hear(world)
    await load_rules(world)
    below = await Unit.get(agency=world.agencies["A"], code="1.1")
    top = await Unit.get(agency=world.agencies["A"], code="1")
    # A unit that was moved, and an acting head of it beside their own post.
    moved = await Unit.create(
        agency=world.agencies["A"], code="1.2", name='Bagian "Lain"\\', kind="eselon-3"
    )
    await UnitPlacement.create(unit=moved, parent=top, starts_on=START, ends_on=DAY)
    await UnitPlacement.create(unit=moved, parent=below, starts_on=DAY)
    for kind, person in ((AssignmentKind.PLT, "boss"), (AssignmentKind.PLH, "elsewhere")):
        await Assignment.create(
            employee=people[person],
            unit=moved,
            appraiser=people["chief"],
            position=f"{kind} Kepala",
            kind=kind,
            heads_unit=kind is AssignmentKind.PLT,
            starts_on=date(2026, 6, 1),
        )
    # Somebody reported elsewhere until yesterday.
    await Assignment.filter(employee=people["colleague"]).update(starts_on=DAY)
    await Assignment.create(
        employee=people["colleague"],
        unit=top,
        appraiser=people["chief"],
        position="Pelaksana",
        starts_on=START,
        ends_on=DAY,
    )
    period = await Period.get(agency=world.agencies["A"])
    base = {
        "agency": world.agencies["A"],
        "period": period,
        "classification": Classification.INDIVIDUAL,
    }
    staged = await Target.create(
        code="S-1",
        position=2,
        title="Kerja bertahap",
        kind=TargetKind.STAGED,
        owner_employee=people["employee"],
        **base,
    )
    for place, weight in enumerate((1, 2, 4)):
        await Stage.create(
            target=staged,
            position=place,
            title=f"Tahap {place}",
            weight=weight,
            completed_on=DAY if place == 0 else None,
        )
    await TargetEdge.create(parent=targets["employee"], child=staged, kind=EdgeKind.INDIRECT)
    # One result serves two parents.
    await TargetEdge.create(
        parent=targets["goal"], child=staged, kind=EdgeKind.INDIRECT, primary=False
    )
    several = await Target.create(
        code="M-1",
        position=0,
        title="Beberapa indikator",
        kind=TargetKind.QUANTITATIVE,
        owner_employee=people["employee"],
        **base,
    )
    await TargetEdge.create(parent=targets["unit"], child=several, kind=EdgeKind.INDIRECT)
    shapes = (
        {"polarity": Polarity.RISING, "planned": 12, "realized": 4, "contributing": 1},
        {"polarity": Polarity.FALLING, "planned": 5, "realized": "6.125", "contributing": 1},
        {
            "polarity": Polarity.RANGE,
            "minimum": 10,
            "maximum": 20,
            "realized": 25,
            "contributing": 1,
            "accumulation": Accumulation.LATEST,
        },
        {"polarity": Polarity.RISING, "planned": None},
    )
    for place, shape in enumerate(shapes):
        indicator = await Indicator.create(
            target=several,
            position=place,
            aspect=Aspect.QUALITY,
            title=f"Indikator {place}",
            realized_at=NOON + timedelta(microseconds=120_000 * place),
            **shape,
        )
        for month in (3, 6, 12):
            await TrajectoryPoint.create(
                indicator=indicator, day=date(2026, month, 28), planned=month
            )
    # Its achievement counts with a weight, in the unit's target and in the goal.
    for parent, weight in (("unit", 40), ("goal", 25)):
        heavy = await Target.create(
            code=f"W-{weight}",
            position=weight,
            title="Berbobot",
            kind=TargetKind.QUANTITATIVE,
            owner_employee=people["employee"],
            **base,
        )
        await TargetEdge.create(
            parent=targets[parent],
            child=heavy,
            kind=EdgeKind.WEIGHTED,
            weight=weight,
            achieved="87.654321" if weight == 40 else None,
        )
    # A record that waits with a suggestion, one that replaces another, one by hand at midnight.
    await ProgressRecord.filter(employee=people["employee"], state=RecordState.PENDING).update(
        suggested_target_id=several.id,
        suggestion_score="0.5000",
        suggestion_reason="judul",
        suggestion_origin="TEXT",
    )
    replaced = await ProgressRecord.filter(
        employee=people["employee"], state=RecordState.DISMISSED
    ).first()
    assert replaced is not None
    await ProgressRecord.create(
        agency=world.agencies["A"],
        employee=people["employee"],
        day=DAY - timedelta(days=1),
        starts_at=NOON - timedelta(hours=20),
        ends_at=NOON - timedelta(hours=19),
        minutes=60,
        description="Baris\nkedua\t\u2028 é",
        target=staged,
        stage=await Stage.filter(target=staged).first(),
        supersedes=replaced,
        state=RecordState.CONFIRMED,
        created_at=NOON + timedelta(microseconds=1500),
        decided_at=NOON,
    )
    await DailyLog.create(
        employee=people["employee"],
        day=DAY - timedelta(days=1),
        required_minutes=450,
        recorded_minutes=60,
        last_activity_at=NOON - timedelta(hours=19),
    )
    await DailyLog.filter(employee=people["colleague"], day=DAY).update(recorded_minutes=450)
    for agency in world.agencies.values():
        await dicts_of("SELECT refresh_reporting_lines($1, $2)", [agency.id, DAY])
    await be_away(world)
    await deal(world)
    await end_the_year(world)


async def be_away(world: World) -> None:
    """Part of a day that was decided, a journey over several, and a mark that was taken back."""
    person, boss = world.people["employee"], world.people["boss"]
    spells = (
        (AbsenceKind.LEAVE, AbsenceState.ACCEPTED, DAY, DAY, time(13), time(16, 30)),
        (AbsenceKind.DUTY_TRAVEL, AbsenceState.ACCEPTED, DAY - 3 * ONE, DAY - ONE, None, None),
        (AbsenceKind.UNEXCUSED, AbsenceState.WITHDRAWN, DAY + ONE, DAY + ONE, None, None),
        (AbsenceKind.LEAVE, AbsenceState.REFUSED, DAY, DAY + 9 * ONE, None, None),
    )
    for kind, state, starts, ends, since, until in spells:
        row = await Absence.create(
            employee=person,
            kind=kind,
            state=state,
            starts_on=starts,
            ends_on=ends,
            from_time=since,
            until_time=until,
            note="Acara keluarga",
            reported_by=person.nip,
            reported_at=NOON,
            decided_by=boss.nip,
            decided_at=NOON + timedelta(microseconds=1200),
        )
        for actor, at in ((person.nip, AbsenceState.REPORTED), ("layanan", state)):
            await AbsenceEvent.create(
                absence=row, state=at, actor=actor, at=NOON, comment="Silakan"
            )
    await DayDone.filter(employee=boss).update(reopened_at=NOON)


async def deal(world: World) -> None:
    """The boss's matrix is open for picking, also for somebody of another unit; a template."""
    people, targets = world.people, world.targets
    matrix = await RoleMatrix.get(plan__employee_id=people["boss"].id)
    await RoleMatrix.filter(id=matrix.id).update(
        publication=Publication.PICK, published_at=NOON, version=3
    )
    for place, name in enumerate(("employee", "elsewhere"), start=2):
        member = await MatrixMember.create(
            matrix=matrix,
            employee=people[name],
            position=place,
            role=MemberRole.COORDINATOR if place == 2 else MemberRole.MEMBER,
        )
        await MatrixCell.create(
            member=member,
            result=targets["boss"],
            title="Bagian dari dokumen",
            kind=EdgeKind.DIRECT,
            indicator=world.indicators["boss"],
            share="2.5",
            target=targets["employee"] if place == 2 else None,
        )
    indicator = {
        "aspect": "QUALITY",
        "title": "Ketepatan",
        "unit_of_measure": "persen",
        "polarity": "RANGE",
        "accumulation": "LATEST",
        "minimum": "90",
        "maximum": "100.50",
    }
    await CascadeTemplate.create(
        agency=world.agencies["A"],
        code="ANALIS",
        name="Analis",
        version=2,
        results=[
            {"title": "Telaah", "category": "MAIN", "indicators": [indicator], "stages": []},
            {
                "title": "Naskah",
                "category": "ADDITIONAL",
                "indicators": [],
                "stages": [{"title": "Draf", "evidence": None, "weight": "2.5000"}],
            },
        ],
    )


async def close_days(world: World) -> None:
    """Four days of agency A as they ended, the lent one among the boss' people: one has moved to
    another superior since, one has left the boss' line."""
    people, agency = world.people, world.agencies["A"]
    units = {one.code: one.id for one in await Unit.filter(agency=agency)}
    paths = {"1": [units["1"]], "1.1": [units["1.1"], units["1"]]}
    boss, chief = people["boss"].id, people["chief"].id
    under_boss = ("1.1", [boss], [boss, chief])
    was = {
        "chief": ("1", [], []),
        "boss": ("1.1", [chief], [chief]),
        "employee": under_boss,
        "colleague": under_boss,
        "elsewhere": under_boss,
    }
    states = list(PresenceStatus)
    for back in (2, 3, 4, 8):
        for number, (name, (unit, appraisers, superiors)) in enumerate(was.items()):
            await DayClose.create(
                agency_id=agency.id,
                employee=people[name],
                day=DAY - timedelta(days=back),
                unit_id=units[unit],
                unit_path=paths[unit],
                appraiser_ids=appraisers,
                superior_ids=superiors,
                status=states[(number + back) % len(states)],
                required_minutes=450 if number else 0,
                recorded_minutes=100 * (number % 3),
                pending_count=number % 2,
                closed_at=NOON - timedelta(days=back - 1),
            )
    await PresenceClock.create(
        agency=agency, ticked_until=NOON, closed_until=DAY - timedelta(days=2)
    )


async def load_rules(world: World) -> None:
    """Rules of several kinds in both agencies: of one day two versions, one that begins later."""
    given = [
        ("A", "nine-box", START),
        ("A", "klhk-2024", START),
        ("A", "kementan-2025", START),
        ("A", "kemenlu-2025", DAY + ONE),
        ("B", "kementan-2012", DAY),
    ]
    for agency, code, day in given:
        table = packaged_rules(code)
        known = RuleSet.filter(agency=world.agencies[agency], kind=table.kind)
        await RuleSet.create(
            agency=world.agencies[agency],
            kind=table.kind,
            code=code,
            version=1 + await known.count(),
            starts_on=day,
            source=table.source,
            body=table.body,
            digest=table.digest,
            loaded_by=world.people["boss"].nip,
            loaded_at=NOON,
        )
