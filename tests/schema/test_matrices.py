"""The matrix of roles and results: saved as one thing, published, taken; who may, and how dear."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from graphql import parse
from tortoise import Tortoise

from schema.errors import DomainError, ErrorCode, NotFound
from schema.matrices.models import MatrixCell, RoleMatrix
from schema.matrices.rules import (
    TemplateIndicator,
    TemplateResult,
    TemplateStage,
    can_be_shared,
    checked_results,
    equal_parts,
    free_codes,
    results_in,
    stored,
)
from schema.organizations.models import Assignment
from schema.organizations.viewers import scope_of
from schema.plans.editing import Draft, ResultDraft, ServiceDraft
from schema.plans.models import PerformancePlan, PlanEvent, PlanEventKind, PlanState
from schema.plans.service import save_plan
from schema.tables import WRITER
from schema.targets.models import (
    Accumulation,
    Aspect,
    EdgeKind,
    Indicator,
    Polarity,
    Target,
    TargetEdge,
)
from schema.targets.rolling import roll_anew
from server.database import Database, DatabaseRole, opened
from server.graphql_view import GraphQLView
from server.limits import Limits, measure, refuse_excess
from server.strings import decode_json
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    NOW,
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
    goal,
    key_of,
    person,
    random_id,
    schema,
)
from tests.schema.test_statements import SELECTION, WHO_ASKS, counted, measured

SAVE = """mutation($input: SaveMatrixInput!) { saveMatrix(input: $input) {
  matrix { id version publication members { role employee { nip name } cells { id title kind weight
    share result { title } indicator { title } isHandedOut } } }
  userErrors { code field message } } }"""
PUBLISH = """mutation($input: PublishMatrixInput!) { publishMatrix(input: $input) {
  matrix { id version publication publishedAt members { cells { isHandedOut } } }
  userErrors { code field message } } }"""
TAKE = """mutation($input: TakeCellsInput!) { takeCells(input: $input) {
  targets { code title owner { ... on Employee { nip } } } userErrors { code field message } } }"""
SHOWN = """query($plan: ID!) { node(id: $plan) { ... on PerformancePlan { matrix {
  version publication columns { id title owner { ... on Employee { name } } }
  members { position role employee { nip name }
    cells { id title kind weight share isHandedOut result { id title } indicator { id title }
      measure { title unitOfMeasure } target { id title } } } } } } }"""
SEEN = """query($id: ID!) { node(id: $id) { ... on RoleMatrix { version plan { state }
  columns { title code owner { ... on Employee { name } } achievement { percentage } }
  members { employee { name } cells { title share result { title kind }
    indicator { title } measure { title unitOfMeasure } } } } } }"""
OPEN = """{ viewer { employee { openCells(period: "2026") { id title result { title }
  matrix { id version } } matrices(period: "2026") { version } } } }"""


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    """The leader is the supervisor, with the result S (30 laporan); members' plans are drafts."""

    async def prepare(world: World) -> None:
        await busy_day(world)
        members = [world.people[nip].id for nip in (STAFF, COLLEAGUE, OTHER_STAFF)]
        await PerformancePlan.filter(employee_id__in=members).update(state=PlanState.DRAFT)

    async with copied_world(copies, prepare) as world:
        yield world


async def plan_of(world: World, nip: str) -> PerformancePlan:
    return await PerformancePlan.get(employee_id=world.people[nip].id)


def cell(world: World, title: str = "Laporan triwulan", **given: Any) -> dict[str, Any]:
    return {"result": key_of(world.targets["S"]), "title": title, "kind": "INDIRECT"} | given


def share(world: World, amount: str, title: str = "Laporan triwulan") -> dict[str, Any]:
    indicator = key_of(world.indicators["S"])
    return cell(world, title, kind="DIRECT", indicator=indicator, share=amount)


def row(nip: str, *cells: Any, role: str = "MEMBER") -> dict[str, Any]:
    return {"employee": nip, "role": role, "cells": list(cells)}


async def save(
    world: World, rows: Sequence[Any], version: int | None = None, viewer: str | None = SUPERVISOR
) -> Any:
    plan = key_of(await plan_of(world, SUPERVISOR))
    given = {"plan": plan, "version": version, "members": list(rows)}
    return (await Api(viewer).data(SAVE, input=given))["saveMatrix"]


async def publish(
    world: World, publication: str, version: int = 1, viewer: str | None = SUPERVISOR
) -> Any:
    matrix = await RoleMatrix.get()
    given = {"id": key_of(matrix), "version": version, "publication": publication}
    return (await Api(viewer).data(PUBLISH, input=given))["publishMatrix"]


def serving(world: World, code: str) -> list[ServiceDraft]:
    return [ServiceDraft(target_id=world.targets[code].id)]


def codes(payload: Any) -> list[tuple[str, str]]:
    return [(one["code"], one["field"]) for one in payload["userErrors"]]


async def test_a_grid_is_saved_whole_with_coordinators_first(world: World) -> None:
    saved = await save(
        world,
        [
            row(OTHER_STAFF, cell(world, "  Data bidang lain ")),
            row(key_of(world.people[STAFF]), share(world, "12"), role="COORDINATOR"),
            row(COLLEAGUE),
        ],
    )

    assert saved["userErrors"] == []
    assert saved["matrix"]["version"] == 1
    members = saved["matrix"]["members"]
    names = [one["employee"]["name"] for one in members]
    assert names == ["Sari Wulandari", "Joko Susilo", "Budi Hartono"]
    assert members[0]["cells"][0] | {"id": ""} == {
        "id": "",
        "title": "Laporan triwulan",
        "kind": "DIRECT",
        "weight": None,
        "share": "12",
        "result": {"title": "Tersusunnya laporan S"},
        "indicator": {"title": "Jumlah laporan"},
        "isHandedOut": False,
    }
    assert members[1]["cells"][0]["title"] == "Data bidang lain"


async def test_saving_again_keeps_cells_takes_out_and_brings_in(world: World) -> None:
    first = await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))])
    kept = first["matrix"]["members"][0]["cells"][0]["id"]

    again = await save(
        world,
        [row(STAFF, share(world, "15", "Laporan")), row(OTHER_STAFF, cell(world))],
        version=1,
    )

    assert again["matrix"]["version"] == 2
    members = again["matrix"]["members"]
    assert [one["employee"]["name"] for one in members] == ["Sari Wulandari", "Joko Susilo"]
    assert (members[0]["cells"][0]["id"], members[0]["cells"][0]["share"]) == (kept, "15")


async def test_a_stale_version_overwrites_nothing_and_says_what_changed(world: World) -> None:
    await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))])
    await save(world, [row(STAFF, share(world, "14")), row(COLLEAGUE, cell(world))], version=1)

    stale = await save(world, [row(STAFF, share(world, "9")), row(COLLEAGUE, cell(world))], 1)
    anew = await save(world, [row(STAFF, share(world, "9"))], None)

    assert codes(stale) == codes(anew) == [("CONFLICT", "version")]
    message = stale["userErrors"][0]["message"]
    assert "version 1" in message
    assert "version 2: Sari Wulandari (1)." in message
    assert "Budi Hartono (1), Sari Wulandari (1)" in anew["userErrors"][0]["message"]
    opened_ = await publish(world, "PICK", version=1)
    assert "version 2: 2 members, 2 cells." in opened_["userErrors"][0]["message"]
    assert opened_["matrix"]["version"] == 2
    present = stale["matrix"]
    assert (present["version"], present["members"][0]["cells"][0]["share"]) == (2, "14")
    assert (await RoleMatrix.get()).version == 2


@pytest.mark.parametrize(
    ("viewer", "code"),
    [
        (SUPERVISOR, None),  # the leader
        (SUPERIOR, None),  # above the leader
        ("pengelola.dc", None),
        ("auditor.dc", "NOT_ALLOWED"),
        (STAFF, "NOT_FOUND"),  # does not see the leader's plan
        (OTHER_SUPERVISOR, "NOT_FOUND"),
        (STRANGER, "NOT_FOUND"),
        ("pengelola.dl", "NOT_FOUND"),
        ("layanan.dc", "NOT_FOUND"),
    ],
)
async def test_who_saves_a_matrix(world: World, viewer: str, code: str | None) -> None:
    saved = await save(world, [row(STAFF, cell(world))], viewer=viewer)

    assert [one["code"] for one in saved["userErrors"]] == ([code] if code else [])
    assert await RoleMatrix.all().count() == (0 if code else 1)


async def test_a_member_sees_the_matrix_and_may_not_change_it(world: World) -> None:
    await save(world, [row(STAFF, cell(world))])

    saved = await save(world, [row(STAFF, cell(world, "Lain"))], 1, viewer=STAFF)
    opened_ = await publish(world, "RECEIVE", viewer=STAFF)

    assert [one["code"] for one in saved["userErrors"]] == ["NOT_ALLOWED"]
    assert [one["code"] for one in opened_["userErrors"]] == ["NOT_ALLOWED"]


async def test_what_a_cell_may_say(world: World) -> None:
    other = key_of(world.targets["O"])
    of_other = key_of(world.indicators["O"])
    direct = share(world, "1")
    cases = [
        ([row(STRANGER)], ("NOT_FOUND", "members.0.employee")),
        ([row("bukan siapa-siapa")], ("NOT_FOUND", None)),
        ([row(STAFF), row(key_of(world.people[STAFF]))], ("BAD_USER_INPUT", "members.1.employee")),
        ([row(SUPERVISOR)], ("BAD_USER_INPUT", "members.0.employee")),
        ([row(STAFF, cell(world, result=other))], ("NOT_FOUND", "members.0.cells.0.result")),
        (
            [row(STAFF, cell(world), cell(world))],
            ("BAD_USER_INPUT", "members.0.cells.1.result"),
        ),
        ([row(STAFF, cell(world, "  "))], ("DESCRIPTION_MISSING", "members.0.cells.0.title")),
        ([row(STAFF, cell(world, "x" * 4001))], ("TEXT_TOO_LONG", "members.0.cells.0.title")),
        (
            [row(STAFF, direct | {"indicator": of_other})],
            ("INDICATOR_NOT_OF_TARGET", "members.0.cells.0.indicator"),
        ),
        ([row(STAFF, direct | {"indicator": None})], ("BAD_USER_INPUT", "members.0.cells.0.share")),
        (
            [row(STAFF, direct | {"kind": "INDIRECT"})],
            ("BAD_USER_INPUT", "members.0.cells.0.share"),
        ),
        (
            [row(STAFF, direct | {"share": "0.0000001"})],
            ("QUANTITY_INVALID", "members.0.cells.0.share"),
        ),
        (
            [row(STAFF, direct | {"share": "-1"})],
            ("QUANTITY_INVALID", "members.0.cells.0.share"),
        ),
        (
            [row(STAFF, cell(world, kind="WEIGHTED"))],
            ("WEIGHTS_INVALID", "members.0.cells.0.weight"),
        ),
        ([row(STAFF, cell(world, weight="5"))], ("BAD_USER_INPUT", "members.0.cells.0.weight")),
        (
            [
                row(STAFF, cell(world, kind="WEIGHTED", weight="60")),
                row(COLLEAGUE, cell(world, kind="WEIGHTED", weight="40.1")),
            ],
            ("WEIGHTS_INVALID", "members"),
        ),
    ]

    for rows, expected in cases:
        assert codes(await save(world, rows)) == [expected]
    assert await RoleMatrix.all().count() == 0


async def test_weights_of_other_children_count(world: World) -> None:
    await TargetEdge.filter(child_id=world.targets["Z"].id).update(
        kind=EdgeKind.WEIGHTED, weight=70
    )

    too_much = await save(world, [row(STAFF, cell(world, kind="WEIGHTED", weight="31"))])
    all_of_it = await save(world, [row(STAFF, cell(world, kind="WEIGHTED", weight="30"))])

    assert codes(too_much) == [("WEIGHTS_INVALID", "members")]
    assert codes(all_of_it) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"polarity": Polarity.FALLING},
        {"accumulation": Accumulation.LATEST},
        {"unit_of_measure": None},
    ],
)
async def test_only_what_adds_up_is_shared_out(world: World, changes: dict[str, Any]) -> None:
    await Indicator.filter(id=world.indicators["S"].id).update(**changes)

    saved = await save(world, [row(STAFF, share(world, "12"))])

    assert codes(saved) == [("BAD_USER_INPUT", "members.0.cells.0.indicator")]


async def test_received_rows_stand_in_the_members_plans(world: World) -> None:
    await save(
        world,
        [
            row(STAFF, share(world, "12")),
            row(OTHER_STAFF, cell(world, "Data", kind="WEIGHTED", weight="25")),
            row(COLLEAGUE, cell(world, "Naskah")),
        ],
    )

    done = await publish(world, "RECEIVE")

    assert done["userErrors"] == []
    assert (done["matrix"]["version"], done["matrix"]["publication"]) == (2, "RECEIVE")
    plan = await plan_of(world, STAFF)
    made = await Target.get(plan=plan, title="Laporan triwulan")
    assert (made.code, made.owner_employee_id) == ("S.1", world.people[STAFF].id)
    edge = await TargetEdge.get(child=made)
    assert (edge.parent_id, edge.kind, edge.primary) == (
        world.targets["S"].id,
        EdgeKind.DIRECT,
        True,
    )
    counts = await Indicator.get(target=made)
    above = world.indicators["S"]
    assert (counts.planned, counts.contributes_to_id) == (Decimal(12), above.id)
    assert (counts.title, counts.unit_of_measure) == (above.title, above.unit_of_measure)
    weighted = await TargetEdge.get(child__title="Data")
    assert (weighted.kind, weighted.weight) == (EdgeKind.WEIGHTED, Decimal(25))
    assert {one.code for one in await Target.filter(code__startswith="S.")} == {
        "S.1",
        "S.2",
        "S.3",
    }
    assert plan.version == 2
    (event,) = await PlanEvent.filter(plan=plan, kind="EDITED")
    assert (event.kind, event.version, event.actor) == (PlanEventKind.EDITED, 2, SUPERVISOR)
    assert event.changes == {"results": {"before": None, "after": ["Laporan triwulan"]}}


async def test_publishing_twice_gives_nothing_twice_and_gives_what_came_since(
    world: World,
) -> None:
    await save(world, [row(STAFF, share(world, "12"))])
    await publish(world, "RECEIVE")
    number = await Target.all().count()

    again = await publish(world, "RECEIVE", version=2)
    assert await Target.all().count() == number
    assert again["matrix"]["version"] == 2

    await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))], version=2)
    await publish(world, "RECEIVE", version=3)

    assert await Target.all().count() == number + 1


async def test_missing_plan_is_opened_as_a_draft(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found()
        await PerformancePlan.filter(employee_id=world.people[COLLEAGUE].id).delete()
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await save(world, [row(COLLEAGUE, cell(world))])

        done = await publish(world, "RECEIVE")

        assert done["userErrors"] == []
        plan = await plan_of(world, COLLEAGUE)
        assert (plan.state, str(plan.starts_on), str(plan.ends_on)) == (
            PlanState.DRAFT,
            "2026-01-01",
            "2026-12-31",
        )
        events = await PlanEvent.filter(plan=plan).order_by("id")
        assert [(one.kind, one.version) for one in events] == [
            (PlanEventKind.OPENED, 1),
            (PlanEventKind.EDITED, 2),
        ]


async def test_a_missing_plan_is_opened_for_the_days_of_its_post(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found()
        await PerformancePlan.filter(employee_id=world.people[COLLEAGUE].id).delete()
        post = Assignment.filter(employee_id=world.people[COLLEAGUE].id)
        await post.update(ends_on=date(2026, 12, 16))
    async with opened(fresh_database, DatabaseRole.APPLICATION):
        await save(world, [row(COLLEAGUE, cell(world))])

        await publish(world, "RECEIVE")

        assert (await plan_of(world, COLLEAGUE)).ends_on == date(2026, 12, 15)


async def test_a_plan_that_takes_no_rows_is_named_and_the_others_go_through(world: World) -> None:
    await save(world, [row(COLLEAGUE, cell(world)), row(STAFF, cell(world, "Naskah"))])
    plan = await plan_of(world, STAFF)
    await PerformancePlan.filter(id=plan.id).update(state=PlanState.SUBMITTED)

    done = await publish(world, "RECEIVE")

    assert codes(done) == [("WRONG_PLAN_STATE", "members.1")]
    assert "SUBMITTED (Sari Wulandari)" in done["userErrors"][0]["message"]
    handed = [[one["isHandedOut"] for one in m["cells"]] for m in done["matrix"]["members"]]
    assert handed == [[True], [False]]
    assert (await plan_of(world, STAFF)).version == 1

    await PerformancePlan.filter(id=plan.id).update(state=PlanState.RETURNED)
    mended = await publish(world, "RECEIVE", version=2)
    assert codes(mended) == []
    assert await Target.filter(plan=plan, title="Naskah").count() == 1


async def test_what_was_handed_out_is_neither_changed_nor_taken_out(world: World) -> None:
    grid = [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))]
    await save(world, grid)
    await publish(world, "RECEIVE")

    for rows in (
        [row(STAFF, cell(world)), grid[1]],
        [row(STAFF), grid[1]],
        [grid[1]],
        [row(STAFF, share(world, "13")), grid[1]],
    ):
        saved = await save(world, rows, version=2)
        assert codes(saved) == [("IN_USE", "members")]
        assert '"Laporan triwulan"' in saved["userErrors"][0]["message"]

    with_another = await save(world, [*grid, row(OTHER_STAFF, cell(world, "Baru"))], version=2)
    assert codes(with_another) == []


async def test_members_pick_what_is_open_for_picking(world: World) -> None:
    await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))])
    assert (await Api(STAFF).data(OPEN))["viewer"]["employee"]["openCells"] == []

    await publish(world, "PICK")
    mine = (await Api(STAFF).data(OPEN))["viewer"]["employee"]

    assert mine["matrices"] == [{"version": 2}]
    (waiting,) = mine["openCells"]
    assert (waiting["title"], waiting["result"]) == (
        "Laporan triwulan",
        {"title": "Tersusunnya laporan S"},
    )
    for _ in range(2):
        taken = (await Api(STAFF).data(TAKE, input={"cells": [waiting["id"]]}))["takeCells"]
        assert taken == {
            "targets": [{"code": "S.1", "title": "Laporan triwulan", "owner": {"nip": STAFF}}],
            "userErrors": [],
        }
    assert (await Api(STAFF).data(OPEN))["viewer"]["employee"]["openCells"] == []
    of_colleague = await MatrixCell.get(member__employee_id=world.people[COLLEAGUE].id)
    assert of_colleague.target_id is None
    assert await Target.filter(code="S.1").count() == 1


async def take(viewer: str, *keys: str) -> Any:
    return (await Api(viewer).data(TAKE, input={"cells": list(keys)}))["takeCells"]


async def test_who_takes_a_cell(world: World) -> None:
    await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))])
    key = key_of(await MatrixCell.get(member__employee_id=world.people[STAFF].id))

    assert codes(await take(STAFF, key)) == [("NOT_ALLOWED", "cells")]
    await publish(world, "PICK")

    for viewer in (COLLEAGUE, SUPERVISOR, "pengelola.dc", STRANGER, "layanan.dc"):
        assert [one["code"] for one in (await take(viewer, key))["userErrors"]] == ["NOT_FOUND"]
    assert [one["code"] for one in (await take(STAFF, random_id("MatrixCell")))["userErrors"]] == [
        "NOT_FOUND"
    ]
    assert codes(await take(STAFF)) == [("NOTHING_CHOSEN", "cells")]
    await PerformancePlan.filter(employee_id=world.people[STAFF].id).update(
        state=PlanState.APPROVED
    )
    assert [one["code"] for one in (await take(STAFF, key))["userErrors"]] == ["WRONG_PLAN_STATE"]


async def test_a_member_sees_the_whole_matrix_and_of_the_leader_title_and_owner(
    world: World,
) -> None:
    await save(world, [row(STAFF, share(world, "12")), row(OTHER_STAFF, cell(world, "Data"))])
    key = key_of(await RoleMatrix.get())

    seen = {
        viewer: (await Api(viewer).data(SEEN, id=key))["node"]
        for viewer in (OTHER_STAFF, SUPERVISOR, COLLEAGUE, OTHER_SUPERVISOR, STRANGER)
    }

    assert seen[COLLEAGUE] is seen[OTHER_SUPERVISOR] is seen[STRANGER] is None
    of_member, of_leader = seen[OTHER_STAFF], seen[SUPERVISOR]
    assert of_member["plan"] is None
    assert of_member["columns"] == [
        {
            "title": "Tersusunnya laporan S",
            "code": None,
            "owner": {"name": "Dewi Anggraini"},
            "achievement": None,
        }
    ]
    assert of_leader["columns"][0]["code"] == "S"
    assert of_leader["columns"][0]["achievement"] is not None
    first = of_member["members"][0]["cells"][0]
    assert first == {
        "title": "Laporan triwulan",
        "share": "12",
        "result": {"title": "Tersusunnya laporan S", "kind": None},
        "indicator": None,
        "measure": {"title": "Jumlah laporan", "unitOfMeasure": "laporan"},
    }
    leaders = of_leader["members"][0]["cells"][0]
    assert leaders["indicator"] == {"title": "Jumlah laporan"}
    assert leaders["result"]["kind"] == "QUANTITATIVE"


PEOPLE = [f"1995010120200310{n:02}" for n in range(40)]


def large_case(results: int) -> dict[str, Any]:
    """A leader with forty people and some results."""
    case = agency_case()
    for n, nip in enumerate(PEOPLE):
        case["employees"].append(person(nip, f"Pegawai {n:02}", "C", SUPERVISOR))
    for n in range(results - 1):
        case["targets"].append(goal(f"S{n:02}", "P", SUPERVISOR, 100))
    return case


async def large_world(results: int) -> World:
    world = await found(large_case(results))
    keys = [world.people[nip].id for nip in PEOPLE]
    await PerformancePlan.filter(employee_id__in=keys).delete()
    return world


def large_grid(world: World, results: int, share_: str = "2") -> list[Any]:
    of_leader = ["S", *(f"S{n:02}" for n in range(results - 1))]
    return [
        row(
            nip,
            *(
                {
                    "result": key_of(world.targets[code]),
                    "title": f"Laporan {code} oleh pegawai, tersusun tepat waktu",
                    "kind": "DIRECT",
                    "indicator": key_of(world.indicators[code]),
                    "share": share_,
                }
                for code in of_leader
            ),
        )
        for nip in PEOPLE
    ]


async def test_forty_people_by_twelve_results_cost_what_one_cell_costs(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await large_world(12)
        plan = key_of(await plan_of(world, SUPERVISOR))
        taken: dict[str, list[int]] = {"save": [], "change": [], "read": [], "publish": []}
        for version, rows in ((None, large_grid(world, 12)[:1]), (1, large_grid(world, 12))):
            with counted() as statements:
                saved = await save(world, rows, version)
            assert saved["userErrors"] == []
            taken["save"].append(len(statements))
            read = await measured(SUPERVISOR, SHOWN, plan=plan)
            taken["read"].append(read.statements)
        # The matrix, 12 columns with their owner, and of each of 40 people their 12 cells.
        assert read.objects > 40 * (2 + 12 * 4)
        with counted() as statements:
            assert codes(await save(world, large_grid(world, 12, "3"), 2)) == []
        taken["change"].append(len(statements))

        number = await Target.all().count()
        with counted() as statements:
            done = await publish(world, "RECEIVE", version=3)
        taken["publish"].append(len(statements))

        assert codes(done) == []
        assert await Target.all().count() == number + 480
        assert await Indicator.filter(planned=3).count() == 480
        assert taken["read"] == [WHO_ASKS + SELECTION] * 2
        assert len({*taken["save"], *taken["change"]}) == 1
        assert taken["save"][0] < 25
        assert taken["publish"][0] < 40


async def test_publishing_takes_as_many_statements_for_one_row_as_for_many(
    fresh_database: Database,
) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await large_world(2)
        taken = []
        for version, rows in ((None, large_grid(world, 2)[:1]), (2, large_grid(world, 2))):
            saved = await save(world, rows, version)
            with counted() as statements:
                done = await publish(world, "RECEIVE", version=saved["matrix"]["version"])
            assert codes(done) == []
            taken.append(len(statements))

        assert taken[0] == taken[1]


async def test_a_full_grid_fits_into_one_request(fresh_database: Database) -> None:
    """480 cells with titles of 200 characters, under what a request may have."""
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await large_world(12)
        rows = large_grid(world, 12)
        for one in rows:
            for cell_ in one["cells"]:
                cell_["title"] = cell_["title"].ljust(200, "x")
        given = {"plan": key_of(await plan_of(world, SUPERVISOR)), "members": rows}
        body = json.dumps({"query": SAVE, "variables": {"input": given}})

        assert len(body) < 0.9 * GraphQLView.__init__.__kwdefaults__["max_body_bytes"]
        assert decode_json(body)["variables"]["input"]["members"] == rows


async def test_of_two_who_save_at_once_the_second_is_told(world: World) -> None:
    for version in (None, 1):
        both = await asyncio.gather(
            *(save(world, [row(STAFF, share(world, n))], version) for n in ("3", "4"))
        )

        assert sorted(codes(one) for one in both) == [[], [("CONFLICT", "version")]]
    assert (await RoleMatrix.get()).version == 2


async def test_of_two_who_publish_at_once_one_hands_out(world: World) -> None:
    await save(world, [row(STAFF, share(world, "12")), row(COLLEAGUE, cell(world))])
    number = await Target.all().count()

    both = await asyncio.gather(*(publish(world, "RECEIVE") for _ in range(2)))

    assert sorted(codes(one) for one in both) == [[], [("CONFLICT", "version")]]
    assert await Target.all().count() == number + 2


async def test_two_leaders_open_one_plan_between_them(fresh_database: Database) -> None:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await found()
        await PerformancePlan.filter(employee_id=world.people[COLLEAGUE].id).delete()
        other = cell(world, result=key_of(world.targets["O"]))
        await save(world, [row(COLLEAGUE, cell(world))])
        of_other = key_of(await plan_of(world, OTHER_SUPERVISOR))
        given = {"plan": of_other, "version": None, "members": [row(COLLEAGUE, other)]}
        await Api(OTHER_SUPERVISOR).data(SAVE, input=given)
        inputs = [
            {"id": key_of(matrix), "version": 1, "publication": "RECEIVE"}
            for matrix in await RoleMatrix.all()
        ]

        done = await asyncio.gather(*(Api(SUPERIOR).data(PUBLISH, input=one) for one in inputs))

        assert [codes(one["publishMatrix"]) for one in done] == [[], []]
        plan = await plan_of(world, COLLEAGUE)
        assert plan.version == 3
        assert await Target.filter(plan=plan).count() == 2


async def test_a_row_that_counts_with_a_weight_moves_what_is_above(world: World) -> None:
    """S with a weighted child: what S measures itself counts with what is left of 100."""
    await save(world, [row(COLLEAGUE, cell(world, kind="WEIGHTED", weight="25"))])

    await publish(world, "RECEIVE")

    edge = await TargetEdge.get(kind=EdgeKind.WEIGHTED, parent=world.targets["S"])
    kept = await roll_anew(Tortoise.get_connection(WRITER))
    assert kept[edge.id] == (None, None)
    assert all(one[0] == one[1] for one in kept.values())


def test_a_full_matrix_fits_the_limits_of_an_operation() -> None:
    limits = Limits()
    for document in (SHOWN, SAVE, PUBLISH, TAKE, OPEN):
        measurement = measure(schema()._schema, parse(document), limits)

        assert refuse_excess(measurement, limits, None) <= limits.cost


@pytest.mark.parametrize(
    ("total", "number", "parts"),
    [
        ("100", 3, ["34", "33", "33"]),
        ("100.5", 2, ["50.25", "50.25"]),
        ("1", 3, ["0.333334", "0.333333", "0.333333"]),
        ("0", 2, ["0", "0"]),
        ("7", 7, ["1"] * 7),
        ("5", 0, []),
    ],
)
def test_equal_parts_add_up(total: str, number: int, parts: list[str]) -> None:
    found = equal_parts(Decimal(total), number)

    assert found == [Decimal(part) for part in parts]
    assert sum(found) == (Decimal(total) if number else 0)


def test_weights_are_divided_in_steps_of_their_own() -> None:
    parts = equal_parts(Decimal(100), 3, Decimal("0.0001"))

    assert parts == [Decimal("33.3334"), Decimal("33.3333"), Decimal("33.3333")]


def test_codes_take_the_first_number_that_is_free_and_fit() -> None:
    assert free_codes(["S", "S", "T"], {"S.1", "S.3"}) == ["S.2", "S.4", "T.1"]
    (long,) = free_codes(["x" * 120], set())
    assert long == "x" * 118 + ".1"


def test_levels_and_ranges_are_not_shared_out() -> None:
    def one(**given: Any) -> TemplateIndicator:
        values = {"aspect": Aspect.QUANTITY, "title": "Jumlah", "unit_of_measure": "laporan"}
        return TemplateIndicator(**values | given)

    assert can_be_shared(one())
    assert not can_be_shared(one(accumulation=Accumulation.LATEST))
    assert not can_be_shared(one(polarity=Polarity.RANGE))
    assert not can_be_shared(one(unit_of_measure=None))


def test_a_template_is_kept_as_it_is_read() -> None:
    indicator = TemplateIndicator(
        aspect=Aspect.TIME, title=" Waktu ", polarity=Polarity.RANGE, minimum=Decimal("0.5")
    )
    results = checked_results(
        [
            TemplateResult(title=" Mengajar ", indicators=(indicator,)),
            TemplateResult(title="Modul", stages=(TemplateStage(title="Draf", weight=Decimal(2)),)),
        ]
    )

    assert results[0].title == "Mengajar"
    assert results_in(stored(results)) == results


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"planned": None}, "planned"),
        ({"minimum": Decimal(1)}, "minimum"),
        ({"polarity": Polarity.RANGE}, "planned"),
        (
            {
                "polarity": Polarity.RANGE,
                "planned": None,
                "minimum": Decimal(2),
                "maximum": Decimal(1),
            },
            "minimum",
        ),
    ],
)
def test_what_an_indicator_of_a_template_may_say(given: dict[str, Any], field: str) -> None:
    values = {"aspect": Aspect.QUANTITY, "title": "Jumlah", "planned": Decimal(1)} | given

    with pytest.raises(DomainError) as refused:
        checked_results([TemplateResult(title="x", indicators=(TemplateIndicator(**values),))])

    assert refused.value.code is ErrorCode.BAD_USER_INPUT
    assert refused.value.field == f"results.0.indicators.0.{field}"


async def test_weights_that_came_meanwhile_count_when_a_grid_is_handed_out(world: World) -> None:
    await save(world, [row(STAFF, cell(world, kind="WEIGHTED", weight="60"))])
    await TargetEdge.filter(child_id=world.targets["Z"].id).update(
        kind=EdgeKind.WEIGHTED, weight=70
    )

    published = await publish(world, "RECEIVE")

    assert codes(published) == [("WEIGHTS_INVALID", "members")]
    assert await TargetEdge.filter(parent=world.targets["S"], weight=60).count() == 0


async def test_a_member_of_another_unit_edits_what_was_dealt_out_to_them(world: World) -> None:
    """The leader is no superior of theirs, so what they have they may keep, and no more."""
    await save(world, [row(OTHER_STAFF, cell(world))])
    await publish(world, "RECEIVE")
    plan = await plan_of(world, OTHER_STAFF)
    dealt = await Target.get(plan_id=plan.id, title="Laporan triwulan")
    kept = [ResultDraft(id=dealt.id, title="Laporan bulanan", serves=serving(world, "S"))]
    viewer = await scope_of(OTHER_STAFF)

    saved = await save_plan(viewer, plan.id, plan.version, Draft(results=kept), NOW)

    assert (await Target.get(id=dealt.id)).title == "Laporan bulanan"
    others = Draft(results=[*kept, ResultDraft(title="x", serves=serving(world, "T"))])
    with pytest.raises(NotFound):
        await save_plan(viewer, plan.id, saved.version, others, NOW)
