"""The check before a cycle: a sound agency, and what each fault in it is found as."""

from argparse import Namespace
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.access import Role
from schema.errors import NotFound
from schema.organizations.models import (
    Assignment,
    AssignmentKind,
    Employee,
    Unit,
    UnitPlacement,
)
from schema.organizations.service import grant_role
from schema.plans.loading import save_case
from schema.plans.models import (
    Approach,
    EvaluationKind,
    EvaluationPeriod,
    PerformancePlan,
    PlanState,
)
from schema.policies.models import AgencyPolicy
from schema.policies.rules import DEFAULT
from schema.readiness.rules import RULES, ProblemKind, counts
from schema.readiness.service import Problem, check
from schema.tables import transaction
from schema.targets.models import (
    Aspect,
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Polarity,
    Target,
    TargetEdge,
    TargetKind,
)
from server.commands import administer
from server.database import Database, DatabaseRole, opened
from server.settings import Settings
from tests.factories import (
    COLLEAGUE,
    NOW,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Api,
    World,
    found,
    goal,
    person,
    real_case,
)

START, END = date(2026, 1, 1), date(2026, 12, 31)
QUARTERS = (
    (START, date(2026, 3, 31)),
    (date(2026, 4, 1), date(2026, 6, 30)),
    (date(2026, 7, 1), date(2026, 9, 30)),
    (date(2026, 10, 1), END),
)
SOUND = {
    "agency": "Dinas Contoh",
    "agency_code": "DC",
    "year": 2026,
    "period": {"start": "2026-01-01", "end": "2026-12-31"},
    "units": [
        {"code": "A", "parent": None, "name": "Dinas", "level": "dinas"},
        {"code": "B", "parent": "A", "name": "Bidang", "level": "bidang"},
    ],
    "employees": [
        person(SUPERIOR, "Ratna", "A", None),
        person(SUPERVISOR, "Dewi", "B", SUPERIOR),
        person(STAFF, "Sari", "B", SUPERVISOR),
        person(COLLEAGUE, "Budi", "B", SUPERVISOR),
    ],
    # 1,200 = 300 + 900
    "targets": [
        goal("G", None, "A", 1200),
        goal("S", "G", SUPERVISOR, 1200),
        goal("T", "S", STAFF, 300),
        goal("U", "S", COLLEAGUE, 900),
    ],
}
"""Ratna heads A and has its goal; Dewi heads B and has a result of her own; two work below her."""

Told = tuple[str, str | None, str, str, tuple[str, ...]]
"""Kind, subject, detail, mender, menders."""
Break = Callable[[World], Awaitable[Any]]


async def sound(world: World) -> None:
    period = await Period.get(code="2026")
    for number, (starts_on, ends_on) in enumerate(QUARTERS, start=1):
        await EvaluationPeriod.create(
            period=period,
            kind=EvaluationKind.QUARTERLY,
            number=number,
            starts_on=starts_on,
            ends_on=ends_on,
            filling_until=ends_on,
        )
    await grant_role(world.rows["agency"].id, "pengelola.dc", Role.ADMINISTRATOR)
    await grant_role(world.rows["agency"].id, "auditor.dc", Role.AUDITOR)


QUERY = """query($kind: ProblemKind, $first: Int, $after: String, $last: Int, $before: String) {
  cycleCheck(agency: "DC", period: "2026", kind: $kind) {
    on
    counts { kind severity count }
    problems(first: $first, after: $after, last: $last, before: $before) {
      totalCount
      edges { cursor node {
        kind severity detail mender menders { name }
        subject { ... on Employee { name } ... on Unit { code } ... on Target { title } }
      } }
    }
  }
}"""


@dataclass(frozen=True)
class Seen:
    """What the administrator is answered."""

    on: str
    counts: list[dict[str, Any]]
    problems: list[Told]
    cursors: list[str]


async def look(now: datetime = NOW, **given: Any) -> Seen:
    api = Api.of("administrator", now=now, expires_at=now + timedelta(hours=1))
    data = await api.data(QUERY, **given)
    answer = data["cycleCheck"]
    edges = answer["problems"]["edges"]
    told = [told_of(edge["node"]) for edge in edges]
    return Seen(answer["on"], answer["counts"], told, [edge["cursor"] for edge in edges])


def told_of(node: Any) -> Told:
    subject = node["subject"] and next(iter(node["subject"].values()))
    menders = tuple(one["name"] for one in node["menders"])
    assert node["severity"] == RULES[ProblemKind(node["kind"])].severity
    return (node["kind"], subject, node["detail"], node["mender"], menders)


async def in_order() -> World:
    """The sound agency, of the owner's making."""
    world = await found(SOUND)
    await sound(world)
    return world


async def broken_by(database: Database, *breaks: Break) -> None:
    """The sound agency with something done to it."""
    async with opened(database, DatabaseRole.OWNER):
        world = await in_order()
        for one in breaks:
            await one(world)


class Undone(Exception):
    """Ends a transaction that leaves nothing."""


async def told_after(
    world: World, *breaks: Break, day: date = TODAY
) -> list[tuple[str, str, str, tuple[str, ...]]]:
    """Kind, detail, mender and menders of what is found; then all is as it was."""
    problems: list[Problem] = []
    with suppress(Undone):
        async with transaction():
            for one in breaks:
                await one(world)
            problems = await check("DC", "2026", day)
            raise Undone
    return sorted((one.kind, one.detail, one.mender, one.menders) for one in problems)


# What is broken


async def post(world: World, nip: str, unit: str, appraiser: str | None, **given: Any) -> Any:
    """A post more, acting unless said otherwise."""
    return await Assignment.create(
        employee=world.people[nip],
        unit=world.rows[f"unit {unit}"],
        appraiser=world.people[appraiser] if appraiser else None,
        position="Jabatan",
        **{"kind": AssignmentKind.PLT, "starts_on": START} | given,
    )


async def new_unit(world: World, code: str, parent: str) -> None:
    unit = await Unit.create(agency=world.rows["agency"], code=code, name=code, kind="x")
    world.rows[f"unit {code}"] = unit
    await UnitPlacement.create(unit=unit, parent=world.rows[f"unit {parent}"], starts_on=START)


async def hire(world: World, nip: str, name: str, appraiser: str, **given: Any) -> Any:
    """Somebody more in B, with a post and no plan."""
    world.people[nip] = await Employee.create(agency=world.rows["agency"], nip=nip, name=name)
    return await post(world, nip, "B", appraiser, **{"kind": AssignmentKind.DEFINITIVE} | given)


async def open_plan(world: World, nip: str, **given: Any) -> Any:
    held = await Assignment.get(employee=world.people[nip])
    period = await Period.get(code="2026")
    return await PerformancePlan.create(
        period=period,
        employee=world.people[nip],
        assignment=held,
        **{"starts_on": START, "ends_on": END, "state": PlanState.APPROVED} | given,
    )


async def new_target(world: World, code: str, nip: str, **given: Any) -> Any:
    plan = await PerformancePlan.get(employee=world.people[nip])
    world.targets[code] = await Target.create(
        agency=world.rows["agency"],
        period_id=plan.period_id,
        code=code,
        position=9,
        title=f"Hasil {code}",
        classification=Classification.INDIVIDUAL,
        owner_employee=world.people[nip],
        plan=plan,
        **{"kind": TargetKind.QUANTITATIVE} | given,
    )
    return world.targets[code]


async def new_indicator(world: World, target: str, **given: Any) -> Any:
    return await Indicator.create(
        target=world.targets[target],
        position=2,
        title="Mutu",
        **{"aspect": Aspect.QUALITY, "unit_of_measure": "persen"} | given,
    )


def appraised_by(nip: str, superior: str | None) -> Break:
    async def change(world: World) -> None:
        above = superior and world.people[superior].id
        await Assignment.filter(employee=world.people[nip]).update(appraiser_id=above)

    return change


def plan_is(nip: str, **values: Any) -> Break:
    async def change(world: World) -> None:
        await PerformancePlan.filter(employee=world.people[nip]).update(**values)

    return change


def indicator_more(target: str, **values: Any) -> Break:
    async def change(world: World) -> None:
        await new_indicator(world, target, **values)

    return change


def weighing(*weights: int) -> Break:
    """S, which has an indicator of its own, is served by weight."""

    async def change(world: World) -> None:
        for code, weight in zip(("T", "U"), weights, strict=True):
            await TargetEdge.filter(child=world.targets[code]).update(
                kind=EdgeKind.WEIGHTED, weight=weight
            )

    return change


def acting_head(*units: str) -> Break:
    async def change(world: World) -> None:
        for code in units:
            await new_unit(world, code, "A")
            await post(world, SUPERVISOR, code, SUPERIOR, heads_unit=True)

    return change


async def superior_left(world: World) -> None:
    await hire(world, OTHER_SUPERVISOR, "Tono", SUPERIOR, ends_on=date(2026, 7, 1))
    await appraised_by(STAFF, OTHER_SUPERVISOR)(world)


async def superior_planless(world: World) -> None:
    await hire(world, OTHER_SUPERVISOR, "Tono", SUPERVISOR)
    await appraised_by(STAFF, OTHER_SUPERVISOR)(world)


async def two_appraisers(world: World) -> None:
    await post(world, STAFF, "A", SUPERIOR)
    await post(world, STAFF, "B", SUPERVISOR)


async def empty_unit(world: World) -> None:
    await new_unit(world, "D", "A")
    await new_unit(world, "E", "D")


async def unserved_unit(world: World) -> None:
    await new_unit(world, "D", "A")
    await post(world, STAFF, "D", SUPERVISOR)


async def idle_head(world: World) -> None:
    """A head without a target, of a unit without one: both are told."""
    await new_unit(world, "D", "A")
    world.people[OTHER_STAFF] = await Employee.create(
        agency=world.rows["agency"], nip=OTHER_STAFF, name="Joko"
    )
    given = {"kind": AssignmentKind.DEFINITIVE, "heads_unit": True}
    await post(world, OTHER_STAFF, "D", SUPERIOR, **given)
    await open_plan(world, OTHER_STAFF)


async def hired_without_plan(world: World) -> None:
    await hire(world, OTHER_STAFF, "Joko", SUPERVISOR)


async def hired_without_result(world: World) -> None:
    await hire(world, OTHER_STAFF, "Joko", SUPERVISOR)
    await open_plan(world, OTHER_STAFF)


async def sum_is_off(world: World) -> None:
    await Indicator.filter(target=world.targets["U"]).update(planned=Decimal(800))


async def weights_leave_a_rest(world: World) -> None:
    parent = await new_target(world, "N", SUPERVISOR)
    await TargetEdge.create(
        parent=parent, child=world.targets["T"], kind=EdgeKind.WEIGHTED, weight=40, primary=False
    )


async def staged(world: World) -> None:
    await new_target(world, "N", STAFF, kind=TargetKind.STAGED)


async def late_policy(world: World) -> None:
    await AgencyPolicy.create(
        agency=world.rows["agency"],
        starts_on=START,
        set_by="pengelola",
        set_at=NOW,
        **asdict(replace(DEFAULT, plan_days=59)),
    )


def evaluated(**chosen: Any) -> Break:
    """Without some evaluation periods."""

    async def change(world: World) -> None:
        await EvaluationPeriod.filter(**chosen).delete()

    return change


DEWI, RATNA, SARI, JOKO, NONE = ("Dewi",), ("Ratna",), ("Sari",), ("Joko",), ()
ADMIN, SET_BY = "ADMINISTRATOR", "was to be set by 2026-01-31"
FAULTS: dict[str, tuple[list[Break], list[Told]]] = {
    "nobody appraises": (
        [appraised_by(STAFF, None)],
        [("NO_SUPERIOR", "Sari", "no appraiser", ADMIN, NONE)],
    ),
    "the appraiser left": (
        [superior_left],
        [("NO_SUPERIOR", "Sari", "the appraiser, Tono, holds no post", ADMIN, NONE)],
    ),
    "a superior has no plan": (
        [superior_planless],
        [
            ("PERSON_WITHOUT_TARGET", "Tono", "no plan", "EMPLOYEE", ("Tono",)),
            ("SUPERIOR_WITHOUT_PLAN", "Tono", "no plan; appraises 1", "EMPLOYEE", ("Tono",)),
        ],
    ),
    "acting head twice": (
        [acting_head("D", "E")],
        [("SUPERIOR_TWICE", "Dewi", "heads 2 units at once, acting", ADMIN, NONE)],
    ),
    "two appraisers": (
        [two_appraisers],
        [("SUPERIOR_TWICE", "Sari", "2 appraisers for posts of PLT", ADMIN, NONE)],
    ),
    "a circle": (
        [appraised_by(SUPERVISOR, STAFF)],
        [
            ("SUPERIOR_TWICE", "Dewi", "among their own superiors", ADMIN, NONE),
            ("SUPERIOR_TWICE", "Sari", "among their own superiors", ADMIN, NONE),
        ],
    ),
    "no head": (
        [empty_unit],
        [("EMPTY_POST", "D", "no head; people: 0, units below: 1", "HEAD", RATNA)],
    ),
    "no goal and no head": (
        [unserved_unit],
        [
            ("EMPTY_POST", "D", "no head; people: 1, units below: 0", "HEAD", RATNA),
            ("UNIT_WITHOUT_GOAL", "D", "no target of the unit or of its head", "HEAD", RATNA),
        ],
    ),
    "an idle head": (
        [idle_head],
        [
            ("PERSON_WITHOUT_TARGET", "Joko", "no result in the plan", "EMPLOYEE", JOKO),
            ("UNIT_WITHOUT_GOAL", "D", "no target of the unit or of its head", "HEAD", JOKO),
        ],
    ),
    "no number": (
        [indicator_more("T")],
        [
            (
                "INDICATOR_WITHOUT_NUMBER",
                "Tersusunnya laporan T",
                '"Mutu": no number planned',
                "APPRAISER",
                DEWI,
            )
        ],
    ),
    "no number in a draft": (
        [indicator_more("T"), plan_is(STAFF, state=PlanState.DRAFT)],
        [
            (
                "INDICATOR_WITHOUT_NUMBER",
                "Tersusunnya laporan T",
                '"Mutu": no number planned',
                "EMPLOYEE",
                SARI,
            ),
            ("PLAN_NOT_SET", "Sari", f"DRAFT, {SET_BY}", "EMPLOYEE", SARI),
        ],
    ),
    "no number of a unit": (
        [indicator_more("G")],
        [
            (
                "INDICATOR_WITHOUT_NUMBER",
                "Tersusunnya laporan G",
                '"Mutu": no number planned',
                "HEAD",
                RATNA,
            )
        ],
    ),
    "no unit of measure": (
        [indicator_more("T", planned=5, unit_of_measure=" ")],
        [
            (
                "INDICATOR_WITHOUT_UNIT",
                "Tersusunnya laporan T",
                '"Mutu": no unit of measure',
                "APPRAISER",
                DEWI,
            )
        ],
    ),
    "rising from above": (
        [indicator_more("T", planned=70, baseline=Decimal("80.5"))],
        [
            (
                "BASELINE_BEYOND_TARGET",
                "Tersusunnya laporan T",
                '"Mutu": 70 planned, begins at 80.5',
                "APPRAISER",
                DEWI,
            )
        ],
    ),
    "falling from below": (
        [indicator_more("T", planned=8, baseline=5, polarity=Polarity.FALLING)],
        [
            (
                "BASELINE_BEYOND_TARGET",
                "Tersusunnya laporan T",
                '"Mutu": 8 planned, begins at 5',
                "APPRAISER",
                DEWI,
            )
        ],
    ),
    "a sum is off": (
        [sum_is_off],
        [
            (
                "CHILDREN_DO_NOT_ADD_UP",
                "Tersusunnya laporan S",
                '"Jumlah laporan": 1200 planned, children make 1100',
                "APPRAISER",
                RATNA,
            )
        ],
    ),
    "weights over 100": (
        [weighing(60, 50)],
        [
            (
                "WEIGHTS_DO_NOT_ADD_UP",
                "Tersusunnya laporan S",
                "weights of the children make 110",
                "APPRAISER",
                RATNA,
            )
        ],
    ),
    "weights under 100": (
        [weights_leave_a_rest],
        [
            (
                "WEIGHTS_DO_NOT_ADD_UP",
                "Hasil N",
                "weights of the children make 40, and nothing of its own has the rest",
                "APPRAISER",
                RATNA,
            )
        ],
    ),
    "no stage": ([staged], [("STAGED_WITHOUT_STAGES", "Hasil N", "no stage", "APPRAISER", DEWI)]),
    "no plan": (
        [hired_without_plan],
        [("PERSON_WITHOUT_TARGET", "Joko", "no plan", "EMPLOYEE", JOKO)],
    ),
    "no result": (
        [hired_without_result],
        [("PERSON_WITHOUT_TARGET", "Joko", "no result in the plan", "EMPLOYEE", JOKO)],
    ),
    "submitted and waiting": (
        [plan_is(STAFF, state=PlanState.SUBMITTED)],
        [("PLAN_NOT_SET", "Sari", f"SUBMITTED, {SET_BY}", "APPRAISER", DEWI)],
    ),
    "submitted at the top": (
        [plan_is(SUPERIOR, state=PlanState.SUBMITTED)],
        [("PLAN_NOT_SET", "Ratna", f"SUBMITTED, {SET_BY}", ADMIN, NONE)],
    ),
    "no evaluation": (
        [evaluated(kind=EvaluationKind.QUARTERLY)],
        [("NO_EVALUATION_PERIODS", None, "none from 2026-01-01 to 2026-12-31", ADMIN, NONE)],
    ),
    "two gaps": (
        [evaluated(number__in=[2, 4])],
        [
            (
                "EVALUATION_GAP",
                None,
                "nothing evaluates 2026-04-01 to 2026-06-30, 2026-10-01 to 2026-12-31",
                ADMIN,
                NONE,
            )
        ],
    ),
}
"""What is broken, and all that is found then."""


def test_every_kind_is_made_once_at_least() -> None:
    made = {told[0] for _, problems in FAULTS.values() for told in problems}

    assert made == set(ProblemKind) == set(RULES)


async def test_nothing_is_found_in_a_sound_agency(fresh_database: Database) -> None:
    await broken_by(fresh_database)

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        seen = await look()

        assert seen == Seen("2026-11-24", [], [], [])
        assert await check("DC", "2026", TODAY) == []


async def test_a_fault_is_found_as_what_it_is_and_with_who_mends_it(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await in_order()
        told = {name: await told_after(world, *breaks) for name, (breaks, _) in FAULTS.items()}

    assert told == {
        name: sorted((kind, *rest) for kind, _, *rest in problems)
        for name, (_, problems) in FAULTS.items()
    }


async def test_the_api_tells_the_same_with_what_it_is_about(fresh_database: Database) -> None:
    """Faults that do not meet, all at once."""
    names = ("a circle", "no head", "no stage", "no number of a unit", "no result", "two gaps")
    await broken_by(fresh_database, *(one for name in names for one in FAULTS[name][0]))

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        seen, words = await look(), await check("DC", "2026", TODAY)

    expected = [told for name in names for told in FAULTS[name][1]]
    assert sorted(seen.problems, key=str) == sorted(expected, key=str)
    totals = counts(one.kind for one in words)
    assert [(one["kind"], one["severity"], one["count"]) for one in seen.counts] == totals


# What is in order, though it looks like a fault.
HARMLESS: dict[str, list[Break]] = {
    "definitive in one unit and acting in another": [acting_head("D")],
    "weights under 100, with an indicator for the rest": [weighing(40, 50)],
    "a range needs no planned number": [indicator_more("T", minimum=90, maximum=100)],
    "rising to where it began": [indicator_more("T", planned=80, baseline=80)],
    "a plan in words": [indicator_more("T"), plan_is(STAFF, approach=Approach.QUALITATIVE)],
}


async def test_what_is_in_order_is_not_found(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await in_order()
        told = {name: await told_after(world, *breaks) for name, breaks in HARMLESS.items()}

    assert told == {name: [] for name in HARMLESS}


DRAFT = plan_is(STAFF, state=PlanState.DRAFT)
TRANSFERRED = plan_is(STAFF, starts_on=date(2026, 11, 1))
LATE = [
    # 31 days from 1 January end on 31 January
    ([DRAFT], date(2026, 1, 31), 0),
    ([DRAFT], date(2026, 2, 1), 1),
    # 59 days end on 28 February
    ([DRAFT, late_policy], date(2026, 2, 28), 0),
    ([DRAFT, late_policy], date(2026, 3, 1), 1),
    # A plan from 1 November has until 1 December
    ([DRAFT, TRANSFERRED], date(2026, 12, 1), 0),
    ([DRAFT, TRANSFERRED], date(2026, 12, 2), 1),
    # Before and behind the period its first and its last day are asked for.
    ([DRAFT], date(2025, 12, 1), 0),
    ([DRAFT], date(2027, 5, 1), 1),
]


async def test_a_plan_is_late_when_the_days_of_the_policy_are_over(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await in_order()
        for breaks, day, number in LATE:
            told = await told_after(world, *breaks, day=day)

            assert [kind for kind, *_ in told] == number * [ProblemKind.PLAN_NOT_SET], day


async def test_the_day_asked_for_is_within_the_period(fresh_database: Database) -> None:
    await broken_by(fresh_database)

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        before, behind = datetime(2025, 11, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)

        assert (await look(before)).on == "2026-01-01"
        assert (await look(behind)).on == "2026-12-31"


async def test_pages_go_through_all_and_a_kind_is_asked_for_alone(
    fresh_database: Database,
) -> None:
    breaks = [one for name in ("no stage", "no head", "no result", "two gaps", "a sum is off")
              for one in FAULTS[name][0]]  # fmt: skip
    await broken_by(fresh_database, *breaks)
    # What blocks first, then by kind.
    kinds = [
        "PERSON_WITHOUT_TARGET",
        "STAGED_WITHOUT_STAGES",
        "CHILDREN_DO_NOT_ADD_UP",
        "EMPTY_POST",
        "EVALUATION_GAP",
    ]

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        whole = await look()
        pages = [await look(first=2)]
        for _ in range(2):
            pages.append(await look(first=2, after=pages[-1].cursors[-1]))
        back = await look(last=2, before=whole.cursors[2])
        alone = await look(kind="EMPTY_POST")

    assert [told[0] for told in whole.problems] == kinds
    assert [told for page in pages for told in page.problems] == whole.problems
    assert back.problems == whole.problems[:2]
    assert [one["kind"] for one in alone.counts] == ["EMPTY_POST"]
    assert alone.problems == whole.problems[3:4]


async def test_a_cursor_that_is_none_is_refused(fresh_database: Database) -> None:
    await broken_by(fresh_database)
    key = "00000000-0000-0000-0000-000000000000"

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        for text in ("", "BLOCKS", f"BLOCKS  {key}", f"A\0 B {key}", "BLOCKS EMPTY_POST 1"):
            cursor = urlsafe_b64encode(text.encode()).decode()
            answer = await Api.of("administrator").run(QUERY, after=cursor)

            assert answer.codes == ("INVALID_CURSOR",), text


async def test_only_administrators_and_auditors_are_answered(fresh_database: Database) -> None:
    await broken_by(fresh_database, *FAULTS["no stage"][0])
    document = '{ cycleCheck(agency: "DC", period: "%s") { problems { edges { node { kind } } } } }'
    seen: dict[str, list[str]] = {}

    async with opened(fresh_database, DatabaseRole.APPLICATION):
        for viewer in ("administrator", "auditor", "self", "supervisor", "superior", "nobody"):
            answer = await Api.of(viewer).run(document % "2026")
            found = answer.data and answer.data["cycleCheck"]
            if found:
                seen[viewer] = [edge["node"]["kind"] for edge in found["problems"]["edges"]]
        nowhere = await Api.of("administrator").data(document % "2031")

    assert seen == {viewer: ["STAGED_WITHOUT_STAGES"] for viewer in ("administrator", "auditor")}
    assert nowhere == {"cycleCheck": None}


def arguments(agency: str = "DC") -> Namespace:
    return Namespace(command="check", agency=agency, period="2026")


async def test_the_command_says_each_problem_and_leaves_with_1_where_something_blocks(
    fresh_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])
    await broken_by(fresh_database, *FAULTS["no head"][0])
    warned = await administer.check(arguments(), settings), capsys.readouterr().out
    async with opened(fresh_database, DatabaseRole.OWNER):
        await EvaluationPeriod.all().delete()
    blocked = await administer.check(arguments(), settings), capsys.readouterr().out

    empty = "EMPTY_POST: D (D): no head; people: 0, units below: 1. To mend: HEAD (Ratna)\n"
    assert warned == (0, empty + "EMPTY_POST: 1 (warns)\n")
    assert blocked == (
        1,
        "NO_EVALUATION_PERIODS: DC 2026: none from 2026-01-01 to 2026-12-31. "
        "To mend: ADMINISTRATOR\n"
        + empty
        + "NO_EVALUATION_PERIODS: 1 (blocks)\nEMPTY_POST: 1 (warns)\n",
    )


async def test_the_command_refuses_what_is_not_there(fresh_database: Database) -> None:
    settings = Settings(database_url=fresh_database.urls[DatabaseRole.APPLICATION])

    with pytest.raises(NotFound):
        await administer.check(arguments("DZ"), settings)


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        # Two units of the office have people and neither a target nor a head with one.
        (
            "cascade_bps_tapin_2026",
            "6305",
            {"NO_EVALUATION_PERIODS": 1, "PERSON_WITHOUT_TARGET": 4, "UNIT_WITHOUT_GOAL": 2},
        ),
        # Six indicators stand in the source without a number and a unit.
        (
            "cascade_jabar_biro_organisasi_2016",
            "BO",
            {
                "NO_EVALUATION_PERIODS": 1,
                "INDICATOR_WITHOUT_NUMBER": 6,
                "INDICATOR_WITHOUT_UNIT": 6,
            },
        ),
        ("cascade_jabar_diskominfo_2016", "DK", {"NO_EVALUATION_PERIODS": 1}),
    ],
)
async def test_real_cases(
    database: Database, name: str, code: str, expected: dict[str, int]
) -> None:
    case = real_case(name)
    await save_case(case)

    problems = await check(code, case.period_code, TODAY)

    assert {kind: number for kind, _, number in counts(one.kind for one in problems)} == expected
