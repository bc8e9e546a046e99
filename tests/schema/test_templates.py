"""Templates: kept by the administrator, given to many at once, each once."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from schema.matrices.models import CascadeTemplate
from schema.plans.models import PerformancePlan, PlanEvent, PlanState
from schema.targets.models import EdgeKind, Indicator, Polarity, Stage, Target, TargetEdge
from server.database import Database, DatabaseRole, opened
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    OTHER_STAFF,
    OTHER_SUPERVISOR,
    STAFF,
    STRANGER,
    SUPERIOR,
    SUPERVISOR,
    Api,
    World,
    agency_case,
    busy_day,
    copied_world,
    found,
    key_of,
    person,
    random_id,
)
from tests.schema.test_statements import SELECTION, WHO_ASKS, counted, measured

ADMINISTRATOR = "pengelola.dc"
SAVE = """mutation($input: SaveTemplateInput!) { saveTemplate(input: $input) {
  template { id code name version results { title category
    indicators { aspect title unitOfMeasure polarity accumulation planned minimum maximum }
    stages { title evidence weight } } }
  userErrors { code field message } } }"""
APPLY = """mutation($input: ApplyTemplateInput!) { applyTemplate(input: $input) {
  plans { id state employee { nip } } rows userErrors { code field message } } }"""
LIST = """query($agency: String!) { agency(code: $agency) { templates { code name version
  agency { code } results { title indicators { planned } stages { weight } } } } }"""

REPORTS: dict[str, Any] = {
    "title": "Laporan terkirim",
    "indicators": [
        {
            "aspect": "QUANTITY",
            "title": "Jumlah laporan",
            "unitOfMeasure": "laporan",
            "planned": "12",
        },
        {
            "aspect": "TIME",
            "title": "Ketepatan",
            "unitOfMeasure": "hari",
            "polarity": "RANGE",
            "minimum": "0",
            "maximum": "2.5",
        },
    ],
}
MODULE: dict[str, Any] = {
    "title": "Modul ajar",
    "category": "ADDITIONAL",
    "stages": [{"title": "Draf", "evidence": "Naskah", "weight": "2"}, {"title": "Final"}],
}


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    """Plans of the staff are drafts."""

    async def prepare(world: World) -> None:
        await busy_day(world)
        members = [world.people[nip].id for nip in (STAFF, COLLEAGUE, OTHER_STAFF)]
        await PerformancePlan.filter(employee_id__in=members).update(state=PlanState.DRAFT)

    async with copied_world(copies, prepare) as world:
        yield world


async def save(*results: Any, viewer: str = ADMINISTRATOR, **given: Any) -> Any:
    values = {"agency": "DC", "code": "GURU", "name": "Guru", "results": list(results)}
    return (await Api(viewer).data(SAVE, input=values | given))["saveTemplate"]


async def kept(*results: Any) -> str:
    saved = await save(*results)
    assert saved["userErrors"] == []
    return str(saved["template"]["id"])


async def apply(template: str, viewer: str = ADMINISTRATOR, **given: Any) -> Any:
    values = {"template": template, "period": "2026"} | given
    return (await Api(viewer).data(APPLY, input=values))["applyTemplate"]


def codes(payload: Any) -> list[tuple[str, str | None]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def test_a_template_is_shown_as_it_was_saved(world: World) -> None:
    saved = await save(REPORTS | {"title": "  Laporan terkirim "}, MODULE)

    assert saved["userErrors"] == []
    template = saved["template"]
    assert (template["code"], template["name"], template["version"]) == ("GURU", "Guru", 1)
    first, second = template["results"]
    assert first == {
        "title": "Laporan terkirim",
        "category": "MAIN",
        "indicators": [
            {
                "aspect": "QUANTITY",
                "title": "Jumlah laporan",
                "unitOfMeasure": "laporan",
                "polarity": "RISING",
                "accumulation": "SUM",
                "planned": "12",
                "minimum": None,
                "maximum": None,
            },
            {
                "aspect": "TIME",
                "title": "Ketepatan",
                "unitOfMeasure": "hari",
                "polarity": "RANGE",
                "accumulation": "SUM",
                "planned": None,
                "minimum": "0",
                "maximum": "2.5",
            },
        ],
        "stages": [],
    }
    assert second["stages"] == [
        {"title": "Draf", "evidence": "Naskah", "weight": "2"},
        {"title": "Final", "evidence": None, "weight": None},
    ]
    for viewer in (STAFF, "auditor.dc"):
        listed = await Api(viewer).data(LIST, agency="DC")
        (one,) = listed["agency"]["templates"]
        assert (one["code"], one["agency"]) == ("GURU", {"code": "DC"})
    assert (await Api(STRANGER).data(LIST, agency="DC"))["agency"] is None


async def test_a_stale_version_overwrites_nothing_and_says_what_changed(world: World) -> None:
    await save(REPORTS)
    await save(REPORTS, MODULE, version=1)

    stale = await save(REPORTS, version=1, name="Guru SD")

    assert codes(stale) == [("CONFLICT", "version")]
    assert "version 2: name, results.1." in stale["userErrors"][0]["message"]
    assert len(stale["template"]["results"]) == 2
    assert (await CascadeTemplate.get()).name == "Guru"


@pytest.mark.parametrize(
    ("viewer", "code"),
    [
        (ADMINISTRATOR, None),
        ("auditor.dc", "NOT_ALLOWED"),
        (SUPERIOR, "NOT_ALLOWED"),
        (STAFF, "NOT_ALLOWED"),
        (STRANGER, "NOT_FOUND"),
        ("pengelola.dl", "NOT_FOUND"),
        ("layanan.dc", "NOT_FOUND"),
    ],
)
async def test_who_saves_a_template(world: World, viewer: str, code: str | None) -> None:
    saved = await save(REPORTS, viewer=viewer)

    assert [one["code"] for one in saved["userErrors"]] == ([code] if code else [])
    assert await CascadeTemplate.all().count() == (0 if code else 1)


async def test_what_a_template_may_hold(world: World) -> None:
    indicator = REPORTS["indicators"][0]
    cases: list[tuple[list[Any], dict[str, Any], tuple[str, str]]] = [
        ([], {}, ("BAD_USER_INPUT", "results")),
        ([{"title": " "}], {}, ("DESCRIPTION_MISSING", "results.0.title")),
        ([REPORTS | {"stages": MODULE["stages"]}], {}, ("BAD_USER_INPUT", "results.0.stages")),
        (
            [{"title": "x", "indicators": [indicator | {"planned": "-1"}]}],
            {},
            ("QUANTITY_INVALID", "results.0.indicators.0.planned"),
        ),
        (
            [{"title": "x", "stages": [{"title": "y", "weight": "0"}]}],
            {},
            ("BAD_USER_INPUT", "results.0.stages.0.weight"),
        ),
        ([REPORTS], {"code": " "}, ("BAD_USER_INPUT", "code")),
        ([REPORTS], {"name": ""}, ("DESCRIPTION_MISSING", "name")),
        ([REPORTS] * 41, {}, ("TOO_MANY", "results")),
    ]

    for results, given, expected in cases:
        assert codes(await save(*results, **given)) == [expected]


async def test_everybody_has_the_results_once_with_indicators_and_stages(world: World) -> None:
    template = await kept(REPORTS, MODULE)
    number = await Target.all().count()

    done = await apply(template, employees=[STAFF, COLLEAGUE])
    again = await apply(template, employees=[STAFF, COLLEAGUE])

    assert (done["rows"], codes(done)) == (4, [])
    assert {plan["employee"]["nip"] for plan in done["plans"]} == {STAFF, COLLEAGUE}
    assert (again["rows"], again["plans"], codes(again)) == (0, [], [])
    assert await Target.all().count() == number + 4
    reports = await Target.get(code=f"GURU.{STAFF}.1")
    module = await Target.get(code=f"GURU.{STAFF}.2")
    plan = await PerformancePlan.get(employee_id=world.people[STAFF].id)
    assert (reports.plan_id, module.plan_id) == (plan.id, plan.id)
    first, second = await Indicator.filter(target=reports).order_by("position")
    assert (first.planned, first.contributes_to_id) == (Decimal(12), None)
    assert (second.polarity, second.maximum) == (Polarity.RANGE, Decimal("2.5"))
    assert (module.kind, module.category) == ("STAGED", "ADDITIONAL")
    assert [one.title for one in await Stage.filter(target=module).order_by("position")] == [
        "Draf",
        "Final",
    ]
    assert plan.version == 2
    (event,) = await PlanEvent.filter(plan=plan, kind="EDITED")
    assert event.changes["results"]["after"] == ["Laporan terkirim", "Modul ajar"]


async def test_equal_parts_of_the_parents_number_are_exact_and_contribute(world: World) -> None:
    template = await kept(REPORTS)
    below = await Indicator.filter(contributes_to_id=world.indicators["S"].id)
    # T already plans 20 of the 30 of S.
    assert [one.planned for one in below] == [Decimal(20)]
    given = {"parent": key_of(world.targets["S"]), "kind": "DIRECT", "split": "EQUAL"}

    done = await apply(template, employees=[STAFF, COLLEAGUE, OTHER_STAFF], **given)

    assert codes(done) == []
    parts = await Indicator.filter(
        target__code__startswith="GURU", contributes_to_id=world.indicators["S"].id
    ).order_by("id")
    assert [one.planned for one in parts] == [Decimal(4), Decimal(3), Decimal(3)]
    edges = await TargetEdge.filter(child__code__startswith="GURU")
    assert {(edge.parent_id, edge.kind, edge.primary) for edge in edges} == {
        (world.targets["S"].id, EdgeKind.DIRECT, True)
    }


async def test_weights_are_what_is_left_in_equal_parts(world: World) -> None:
    template = await kept(REPORTS)
    await TargetEdge.filter(child_id=world.targets["Z"].id).update(
        kind=EdgeKind.WEIGHTED, weight=40
    )
    given = {"parent": key_of(world.targets["S"]), "kind": "WEIGHTED"}

    done = await apply(template, employees=[STAFF, COLLEAGUE, OTHER_STAFF], **given)
    full = await apply(await other_template(), employees=[STAFF], **given)

    assert codes(done) == []
    edges = await TargetEdge.filter(child__code__startswith="GURU")
    assert {edge.weight for edge in edges} == {Decimal(20)}
    assert codes(full) == [("WEIGHTS_INVALID", "kind")]


async def other_template() -> str:
    saved = await save(MODULE, code="LAIN")
    return str(saved["template"]["id"])


async def test_a_unit_and_below_by_a_part_of_the_posts_name(world: World) -> None:
    template = await kept(REPORTS)
    unit = key_of(world.rows["unit B"])

    whole = await apply(template, unit=unit, position="pejabat c")
    nobody = await apply(template, unit=unit, position="guru")

    # The supervisor of unit C has an approved plan; the staff of C, below B, have drafts.
    assert {plan["employee"]["nip"] for plan in whole["plans"]} == {STAFF, COLLEAGUE}
    assert codes(whole) == [("WRONG_PLAN_STATE", "employees")]
    assert "Dewi Anggraini" in whole["userErrors"][0]["message"]
    assert codes(nobody) == [("NOTHING_CHOSEN", "employees")]


async def test_the_parents_owner_is_not_given_a_part_of_their_own(world: World) -> None:
    template = await kept(REPORTS)
    given = {"parent": key_of(world.targets["S"]), "kind": "INDIRECT"}

    of_unit = await apply(template, unit=key_of(world.rows["unit C"]), **given)
    named = await apply(template, employees=[SUPERVISOR], **given)

    assert (of_unit["rows"], codes(of_unit)) == (2, [])
    assert codes(named) == [("BAD_USER_INPUT", "employees")]


async def test_who_takes_no_rows_is_named_and_the_others_go_through(world: World) -> None:
    template = await kept(REPORTS)
    await PerformancePlan.filter(employee_id=world.people[STAFF].id).update(
        state=PlanState.SUBMITTED
    )

    done = await apply(template, employees=[STAFF, COLLEAGUE])

    assert (done["rows"], codes(done)) == (1, [("WRONG_PLAN_STATE", "employees.0")])


@pytest.mark.parametrize(
    ("viewer", "people", "parent", "code"),
    [
        (ADMINISTRATOR, [STAFF, OTHER_STAFF], "G", None),
        (SUPERVISOR, [STAFF, COLLEAGUE], "S", None),
        (SUPERVISOR, [STAFF], "U", None),  # of the unit where the supervisor holds a post
        (SUPERVISOR, [STAFF], "G", "NOT_ALLOWED"),
        (SUPERVISOR, [STAFF], "P", "NOT_FOUND"),
        (SUPERIOR, [STAFF, OTHER_STAFF], "S", None),
        (SUPERVISOR, [STAFF, OTHER_STAFF], None, "NOT_ALLOWED"),
        (OTHER_SUPERVISOR, [STAFF], None, "NOT_ALLOWED"),
        ("auditor.dc", [STAFF], None, "NOT_ALLOWED"),
        (STAFF, [STAFF], None, "NOT_ALLOWED"),
        (STRANGER, [STAFF], None, "NOT_FOUND"),
        ("pengelola.dl", [STAFF], None, "NOT_FOUND"),
        ("layanan.dc", [STAFF], None, "NOT_FOUND"),
    ],
)
async def test_who_applies_a_template(
    world: World, viewer: str, people: list[str], parent: str | None, code: str | None
) -> None:
    template = await kept(REPORTS)
    given = {"parent": key_of(world.targets[parent]), "kind": "DIRECT"} if parent else {}

    done = await apply(template, viewer, employees=people, **given)

    assert [one["code"] for one in done["userErrors"]] == ([code] if code else [])
    assert done["rows"] == (0 if code else len(people))


async def test_what_does_not_fit_together_is_refused(world: World) -> None:
    template = await kept(MODULE)
    parent = key_of(world.targets["S"])
    cases: list[tuple[dict[str, Any], tuple[str, str | None]]] = [
        ({}, ("BAD_USER_INPUT", "employees")),
        (
            {"employees": [STAFF], "unit": key_of(world.rows["unit C"])},
            ("BAD_USER_INPUT", "employees"),
        ),
        ({"employees": [STAFF], "position": "x"}, ("BAD_USER_INPUT", "position")),
        ({"employees": []}, ("NOTHING_CHOSEN", "employees")),
        ({"employees": [STAFF, STRANGER]}, ("NOT_FOUND", "employees.1")),
        ({"employees": [STAFF], "parent": parent}, ("BAD_USER_INPUT", "kind")),
        ({"employees": [STAFF], "kind": "DIRECT"}, ("BAD_USER_INPUT", "kind")),
        ({"employees": [STAFF], "split": "EQUAL"}, ("BAD_USER_INPUT", "split")),
        (
            {"employees": [STAFF], "parent": parent, "kind": "DIRECT", "split": "EQUAL"},
            ("BAD_USER_INPUT", "split"),
        ),
        ({"employees": [STAFF], "period": "2024"}, ("NOT_FOUND", None)),
        ({"employees": [STAFF], "template": random_id("CascadeTemplate")}, ("NOT_FOUND", None)),
    ]

    for given, expected in cases:
        key = given.pop("template", template)
        assert codes(await apply(key, **given)) == [expected], given


@pytest.mark.slow
async def test_five_hundred_people_cost_what_one_costs(fresh_database: Database) -> None:
    nips = [f"19960101202103{n:04}" for n in range(500)]
    case = agency_case()
    for n, nip in enumerate(nips):
        case["employees"].append(person(nip, f"Guru {n:03}", "C1", SUPERVISOR))
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found(case)
        keys = [world.people[nip].id for nip in nips]
        await PerformancePlan.filter(employee_id__in=keys).delete()
        await Indicator.filter(id=world.indicators["T"].id).update(contributes_to_id=None)
        leader = SUPERIOR
        saved = await CascadeTemplate.create(
            agency_id=world.rows["agency"].id, code="GURU", name="Guru", results=stored_results()
        )
        taken = []
        given = {"parent": key_of(world.targets["S"]), "kind": "DIRECT", "split": "EQUAL"}
        for people in (nips[:1], nips):
            with counted() as statements:
                done = await apply(key_of(saved), leader, employees=people, **given)
            assert codes(done) == []
            taken.append(len(statements))

        # The first has all of the 30, and keeps it; for the others nothing is left.
        planned = await Indicator.filter(contributes_to_id=world.indicators["S"].id)
        assert (len(planned), sum(one.planned or 0 for one in planned)) == (500, Decimal(30))
        assert await Target.filter(code__startswith="GURU.").count() == 1000
        assert await PerformancePlan.filter(employee_id__in=keys).count() == 500
        assert taken[0] == taken[1]
        assert taken[0] < 40


def stored_results() -> list[dict[str, Any]]:
    indicator = {
        "aspect": "QUANTITY",
        "title": "Jumlah laporan",
        "unit_of_measure": "laporan",
        "planned": "12",
    }
    return [{"title": "Laporan", "indicators": [indicator]}, {"title": "Modul"}]


async def test_all_of_a_number_is_divided_among_five_hundred(fresh_database: Database) -> None:
    nips = [f"19960101202103{n:04}" for n in range(500)]
    case = agency_case()
    for n, nip in enumerate(nips):
        case["employees"].append(person(nip, f"Guru {n:03}", "C1", SUPERVISOR))
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found(case)
        keys = [world.people[nip].id for nip in nips]
        await PerformancePlan.filter(employee_id__in=keys).update(state=PlanState.DRAFT)
        await Indicator.filter(id=world.indicators["T"].id).update(contributes_to_id=None)
        saved = await CascadeTemplate.create(
            agency_id=world.rows["agency"].id, code="GURU", name="Guru", results=stored_results()
        )
        unit = key_of(world.rows["unit C1"])
        given = {"parent": key_of(world.targets["S"]), "kind": "DIRECT", "split": "EQUAL"}

        done = await apply(key_of(saved), SUPERIOR, unit=unit, **given)

        assert (codes(done), done["rows"], len(done["plans"])) == ([], 1000, 500)
        parts = await Indicator.filter(contributes_to_id=world.indicators["S"].id)
        assert sum(one.planned or 0 for one in parts) == Decimal(30)
        assert {one.planned for one in parts} == {Decimal("0.06")}


async def test_templates_are_read_in_one_statement(world: World) -> None:
    await kept(REPORTS, MODULE)
    await other_template()

    read = await measured(STAFF, LIST, agency="DC")

    assert read.statements == WHO_ASKS + SELECTION
    assert read.objects > 8
