"""Plans over GraphQL: from a draft to approval, edited by two at once, counted and explained."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schema.organizations.models import Assignment, Employee
from schema.plans.models import PerformancePlan, PlanEvent, PlanState
from schema.progress.models import ProgressRecord
from schema.progress.placing import Place
from schema.targets.models import Indicator, Target, TargetEdge
from server.database import Database
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    MORNING,
    NOW,
    OTHER_STAFF,
    STAFF,
    STRANGER,
    SUPERVISOR,
    Api,
    World,
    copied_world,
    key_of,
    logged,
    random_id,
    received,
    world_in,
)

PLAN = """
fragment P on PerformancePlan { id state version approach startsOn endsOn percentage
  targets { id code title category classification assignedBy cascade parent { title }
    countsInPlan indicators { id title unitOfMeasure measure { planned minimum maximum polarity }
      achievement { realized percentage } }
    stagedWork { stages { id title weight } } }
  behaviours { behaviour expectation } attachments { kind text }
  history { kind version comment changes actor { name } } }
"""
SAVE = (
    """mutation($input: SavePlanInput!) { savePlan(input: $input) { plan { ...P }
  since { kind version changes actor { name } } userErrors { code field message } } }"""
    + PLAN
)
STEP = """mutation($input: PlanVersionInput!) { %s(input: $input) { plan { ...P }
  userErrors { code field message } } }""" + PLAN  # fmt: skip
READ = "query($id: ID!) { node(id: $id) { ...P } }" + PLAN


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
        # A plan in the making: nothing was done for it yet.
        plan = await PerformancePlan.get(employee=world.people[COLLEAGUE])
        await PerformancePlan.filter(id=plan.id).update(state=PlanState.DRAFT)
        world.rows["draft"] = plan
        yield world


def report(world: World, **changed: Any) -> dict[str, Any]:
    """A work result that serves the supervisor's S directly."""
    return {
        "title": "Laporan bulanan tersusun",
        "assignedBy": "Kepala Seksi",
        "serves": [{"target": key_of(world.targets["S"]), "kind": "DIRECT"}],
        "indicators": [{"title": "Jumlah laporan", "text": "10 laporan"}],
    } | changed


async def saved(world: World, viewer: str, version: int, **parts: Any) -> dict[str, Any]:
    given = {"id": key_of(world.rows["draft"]), "version": version} | parts
    answer = await Api.of(viewer).data(SAVE, input=given)
    return dict(answer["savePlan"])


async def stepped(world: World, viewer: str, step: str, version: int, **more: Any) -> Any:
    document = STEP % step
    if more:
        document = document.replace("PlanVersionInput", "ReasonedPlanInput")
    given = {"id": key_of(world.rows["draft"]), "version": version} | more
    return (await Api.of(viewer).data(document, input=given))[step]


async def test_a_plan_goes_from_draft_to_approved(world: World) -> None:
    """Edited by the employee, submitted, returned, mended by the superior, approved."""
    behaviours = [{"behaviour": "LOYAL", "expectation": "Menjaga rahasia jabatan"}]
    attachments = [{"kind": "SUPPORT", "text": "Dua analis"}]
    first = await saved(
        world,
        "colleague",
        1,
        results=[report(world)],
        behaviours=behaviours,
        attachments=attachments,
    )
    assert first["userErrors"] == []
    (result,) = first["plan"]["targets"]
    assert (result["cascade"], result["parent"]["title"]) == ("DIRECT", world.targets["S"].title)
    assert result["indicators"][0]["measure"]["planned"] == "10"
    assert result["indicators"][0]["unitOfMeasure"] == "laporan"

    submitted = await stepped(world, "colleague", "submitPlan", 2)
    assert submitted["plan"]["state"] == "SUBMITTED"
    returned = await stepped(world, "supervisor", "returnPlan", 3, comment="Sebut mutunya")
    assert returned["plan"]["state"] == "RETURNED"
    quality = {"title": "Ketepatan", "aspect": "QUALITY", "text": "minimal 95 %"}
    kept = {"id": result["indicators"][0]["id"], "title": "Jumlah laporan", "text": "12 laporan"}
    mended = await saved(
        world, "supervisor", 4, results=[report(world, id=result["id"], indicators=[kept, quality])]
    )
    assert mended["userErrors"] == []
    again = await stepped(world, "colleague", "submitPlan", 5)
    approved = await stepped(world, "supervisor", "approvePlan", again["plan"]["version"])

    plan = approved["plan"]
    assert (plan["state"], plan["version"]) == ("APPROVED", 7)
    told = [(event["kind"], event["comment"]) for event in plan["history"]]
    assert told == [
        ("EDITED", None),
        ("SUBMITTED", None),
        ("RETURNED", "Sebut mutunya"),
        ("EDITED", None),
        ("SUBMITTED", None),
        ("APPROVED", None),
    ]
    changes = plan["history"][3]["changes"]
    name = f"results.{result['code']}.indicators.1.planned"
    assert changes[name] == {"before": "10", "after": "12"}
    # The number flows into the supervisor's S, which it is a part of.
    indicator = await Indicator.get(target__code=result["code"], title="Jumlah laporan")
    assert indicator.contributes_to_id == world.indicators["S"].id


async def test_the_second_of_two_who_edit_at_once_is_told_what_changed(world: World) -> None:
    """The supervisor and the superior have both read version 1."""
    first = await saved(world, "supervisor", 1, results=[report(world)])
    assert first["plan"]["version"] == 2

    second = await saved(
        world, "superior", 1, results=[report(world, title="Laporan lain")], approach="QUALITATIVE"
    )

    (error,) = second["userErrors"]
    code = first["plan"]["targets"][0]["code"]
    assert (error["code"], error["field"]) == ("CONFLICT", "version")
    assert f"results.{code}.title" in error["message"]
    # By name: the employee, who may be told the same, does not see a superior's NIP.
    assert world.people[SUPERVISOR].name in error["message"]
    assert SUPERVISOR not in error["message"]
    # Nothing was overwritten, and the present plan comes with what happened to it.
    assert second["plan"] == first["plan"]
    (event,) = second["since"]
    assert event["actor"]["name"] == world.people[SUPERVISOR].name
    assert event["changes"][f"results.{code}.title"]["after"] == "Laporan bulanan tersusun"
    third = await saved(world, "superior", 2, approach="QUALITATIVE")
    assert (third["userErrors"], third["plan"]["version"]) == ([], 3)


async def test_saving_what_is_there_already_changes_nothing(world: World) -> None:
    first = await saved(world, "colleague", 1, results=[report(world)])
    (result,) = first["plan"]["targets"]
    same = [{"id": result["indicators"][0]["id"], "title": "Jumlah laporan", "text": "10 laporan"}]

    again = await saved(
        world, "colleague", 2, results=[report(world, id=result["id"], indicators=same)]
    )

    assert again == first
    assert await PlanEvent.filter(plan_id=world.rows["draft"].id).count() == 1


async def test_what_a_draft_leaves_out_is_removed_and_told(world: World) -> None:
    staged = {
        "title": "Peraturan disusun",
        "serves": [{"target": key_of(world.targets["U"]), "kind": "INDIRECT"}],
        "stages": [{"title": "Naskah", "weight": "40"}, {"title": "Pengesahan", "weight": "60"}],
    }
    first = await saved(world, "colleague", 1, results=[report(world), staged])
    one, two = first["plan"]["targets"]

    second = await saved(world, "colleague", 2, results=[staged | {"id": two["id"]}])

    assert [target["code"] for target in second["plan"]["targets"]] == [two["code"]]
    changes = second["plan"]["history"][-1]["changes"]
    assert changes[f"results.{one['code']}.title"]["after"] is None
    assert await Target.filter(code=one["code"]).count() == 0


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"serves": [{"target": "{G}", "kind": "WEIGHTED"}]}, "BAD_USER_INPUT"),
        ({"serves": [{"target": "{G}", "kind": "WEIGHTED", "weight": "101"}]}, "WEIGHTS_INVALID"),
        # the colleague is neither above nor below the staff member
        ({"serves": [{"target": "{T}", "kind": "DIRECT"}]}, "NOT_FOUND"),
        ({"title": "  "}, "DESCRIPTION_MISSING"),
        ({"title": "x" * 4001}, "TEXT_TOO_LONG"),
        ({"indicators": [{"title": "n", "planned": "-1"}]}, "QUANTITY_INVALID"),
        ({"indicators": [{"title": "n", "planned": "0.1234567"}]}, "QUANTITY_INVALID"),
        ({"indicators": [{"title": "n", "text": "banyak"}]}, "BAD_USER_INPUT"),
        ({"indicators": [{"title": "n", "text": "3", "planned": "3"}]}, "BAD_USER_INPUT"),
        (
            {"indicators": [{"title": "n", "polarity": "RANGE", "minimum": "5", "maximum": "3"}]},
            "BAD_USER_INPUT",
        ),
        ({"stages": [{"title": "n"}]}, "BAD_USER_INPUT"),
        ({"id": "{T}"}, "NOT_FOUND"),
        *(
            ({"serves": [{"target": "{G}", "kind": "WEIGHTED", "weight": weight}]}, code)
            for weight, code in (
                ("1e30", "WEIGHTS_INVALID"),
                ("-1e30", "WEIGHTS_INVALID"),
                ("1e-30", "BAD_USER_INPUT"),
            )
        ),
        *(
            ({"indicators": [], "stages": [{"title": "n", "weight": weight}]}, "BAD_USER_INPUT")
            for weight in ("0.00001", "99999.99999", "1e-30", "1e30", "-1")
        ),
    ],
)
async def test_a_line_that_cannot_be_is_refused_and_nothing_is_saved(
    world: World, result: dict[str, Any], code: str
) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [filled(one) for one in value]
        braced = isinstance(value, str) and value.startswith("{")
        return key_of(world.targets[value.strip("{}")]) if braced else value

    answer = await saved(
        world, "colleague", 1, results=[report(world), report(world, **filled(result))]
    )

    assert [error["code"] for error in answer["userErrors"]] == [code]
    assert await Target.filter(plan_id=world.rows["draft"].id).count() == 0
    assert (await PerformancePlan.get(id=world.rows["draft"].id)).version == 1


async def test_weights_of_two_plans_under_one_result_add_up_to_100_at_most(world: World) -> None:
    """W of the other staff member weighs 40 in O, which is the other supervisor's: a unit's goal
    takes 60 from the colleague, and no more."""
    goal = {"target": key_of(world.targets["U1"]), "kind": "WEIGHTED"}
    first = await saved(
        world, "colleague", 1, results=[report(world, serves=[goal | {"weight": "60"}])]
    )
    assert first["userErrors"] == []

    two = [report(world, serves=[goal | {"weight": weight}]) for weight in ("60", "41")]
    second = await saved(world, "colleague", 2, results=two)

    assert [error["code"] for error in second["userErrors"]] == ["WEIGHTS_INVALID"]
    assert "101" in second["userErrors"][0]["message"]


async def test_one_result_serves_two_above_by_weights(world: World) -> None:
    serves = [
        {"target": key_of(world.targets["S"]), "kind": "DIRECT"},
        {"target": key_of(world.targets["U"]), "kind": "WEIGHTED", "weight": "25.5"},
    ]

    answer = await saved(world, "colleague", 1, results=[report(world, serves=serves)])

    assert answer["userErrors"] == []
    edges = await TargetEdge.filter(child__plan_id=world.rows["draft"].id).order_by("-primary")
    told = [(edge.parent_id, edge.primary, edge.weight) for edge in edges]
    assert told == [
        (world.targets["S"].id, True, None),
        (world.targets["U"].id, False, Decimal("25.5")),
    ]


async def test_an_incomplete_plan_is_not_submitted(world: World) -> None:
    await saved(world, "colleague", 1, results=[report(world, indicators=[{"title": "Mutu"}])])

    answer = await stepped(world, "colleague", "submitPlan", 2)

    (error,) = answer["userErrors"]
    assert error["code"] == "PLAN_INCOMPLETE"
    assert '"Mutu": a number; "Mutu": a unit of measure' in error["message"]


async def test_the_administrator_approves_only_what_nobody_has_in_time(world: World) -> None:
    await saved(world, "colleague", 1, results=[report(world)])
    await stepped(world, "colleague", "submitPlan", 2)
    january = NOW.replace(month=1, day=20)
    given = {"id": key_of(world.rows["draft"]), "version": 3}

    early = await Api.of("administrator", now=january, expires_at=NOW).data(
        STEP % "approvePlan", input=given
    )
    late = await stepped(world, "administrator", "approvePlan", 3)

    assert [e["code"] for e in early["approvePlan"]["userErrors"]] == ["NOT_ALLOWED"]
    assert late["plan"]["state"] == "APPROVED"


async def test_progress_counts_only_for_an_approved_plan(world: World) -> None:
    first = await saved(world, "colleague", 1, results=[report(world)])
    code = first["plan"]["targets"][0]["code"]
    place = Place(target_id=(await Target.get(code=code)).id, quantity=Decimal(1))
    viewer = await world.scope("colleague")

    with pytest.raises(Exception, match="is DRAFT; progress needs an approved one"):
        await logged(viewer, place=place)

    await stepped(world, "colleague", "submitPlan", 2)
    await stepped(world, "supervisor", "approvePlan", 3)
    await logged(viewer, place=place)
    answer = await Api.of("self").data(READ, id=key_of(world.rows["draft"]))
    assert answer["node"] is None  # a colleague's
    seen = (await Api.of("supervisor").data(READ, id=key_of(world.rows["draft"])))["node"]
    # 1 of 10 reports
    assert (seen["percentage"], seen["targets"][0]["countsInPlan"]) == ("10", True)


async def test_what_was_recorded_for_is_not_removed(world: World) -> None:
    """Returned after progress: its numbers may change, but not its being there."""
    first = await saved(world, "colleague", 1, results=[report(world)])
    (result,) = first["plan"]["targets"]
    await stepped(world, "colleague", "submitPlan", 2)
    await stepped(world, "supervisor", "approvePlan", 3)
    target = await Target.get(code=result["code"])
    await logged(
        await world.scope("colleague"), place=Place(target_id=target.id, quantity=Decimal(2))
    )
    await stepped(world, "supervisor", "returnPlan", 4, comment="Naikkan")

    gone = await saved(world, "colleague", 5, results=[])
    elsewhere = await saved(
        world,
        "colleague",
        5,
        results=[
            report(
                world,
                id=result["id"],
                serves=[{"target": key_of(world.targets["U1"]), "kind": "DIRECT"}],
                indicators=[
                    {
                        "id": result["indicators"][0]["id"],
                        "title": "Jumlah laporan",
                        "text": "10 laporan",
                    }
                ],
            )
        ],
    )
    raised = await saved(
        world,
        "colleague",
        5,
        results=[
            report(
                world,
                id=result["id"],
                indicators=[
                    {
                        "id": result["indicators"][0]["id"],
                        "title": "Jumlah laporan",
                        "text": "20 laporan",
                    }
                ],
            )
        ],
    )

    assert [e["code"] for e in gone["userErrors"]] == ["IN_USE"]
    assert [e["code"] for e in elsewhere["userErrors"]] == ["IN_USE"]
    assert raised["userErrors"] == []
    # 2 of 20
    achieved = raised["plan"]["targets"][0]["indicators"][0]["achievement"]
    assert achieved == {"realized": "2", "percentage": "10"}


EXPLAIN = """query($id: ID!) { target(id: $id) { achievement { percentage explanation {
  formula recordCount parts { kind title amount target { code } }
  records { totalCount edges { node { description activity { sourceId kind }
    thread { title } } } } }
} indicators { achievement { explanation { formula recordCount
  parts { kind amount target { code } } } } } } }"""


async def test_a_figure_is_explained_down_to_its_records_and_source_events(world: World) -> None:
    """T has 3 of its own, from a letter of the connector, and 2 from T1, by hand: 5 of 20."""
    answer = await Api.of("self").data(EXPLAIN, id=key_of(world.targets["T"]))

    why = answer["target"]["achievement"]["explanation"]
    assert (answer["target"]["achievement"]["percentage"], why["formula"]) == ("25", "5 / 20 = 25")
    assert why["recordCount"] == why["records"]["totalCount"] == 3
    sources = [edge["node"]["activity"] for edge in why["records"]["edges"]]
    assert {"sourceId": "confirmed", "kind": "surat"} in sources
    for edge in why["records"]["edges"]:
        assert edge["node"]["thread"][0]["title"] == world.targets["G"].title
    of_number = answer["target"]["indicators"][0]["achievement"]["explanation"]
    assert of_number["parts"] == [
        {"kind": "DIRECT", "amount": "2", "target": {"code": "T1"}},
        {"kind": "OWN", "amount": "3", "target": {"code": "T"}},
    ]


async def test_others_are_told_how_many_records_are_behind_a_goal_and_see_none(
    world: World,
) -> None:
    answer = await Api.of("colleague").data(EXPLAIN, id=key_of(world.targets["G"]))

    why = answer["target"]["achievement"]["explanation"]
    # T 3, T1 1 + 1, U 2 = 7 reports of four records; the colleague sees none of them
    assert (why["formula"], why["recordCount"]) == ("7 / 100 = 7", 4)
    assert why["records"] == {"totalCount": 0, "edges": []}


async def test_many_entries_are_written_together_or_not_at_all(world: World) -> None:
    document = """mutation($input: LogManyInput!) { logMany(input: $input) {
      records { description minutes } userErrors { code field } } }"""

    def entry_at(hours: int) -> dict[str, Any]:
        starts = MORNING - timedelta(days=1) + timedelta(hours=hours)
        return {
            "startsAt": starts.isoformat(),
            "endsAt": (starts + timedelta(minutes=30)).isoformat(),
            "description": f"Rapat {hours}",
        }

    before = await ProgressRecord.all().count()
    bad = await Api.of("colleague").data(
        document, input={"entries": [entry_at(0), entry_at(1), entry_at(0)]}
    )
    assert bad["logMany"] == {
        "records": [],
        "userErrors": [{"code": "OVERLAP", "field": "entries.2.startsAt"}],
    }
    assert await ProgressRecord.all().count() == before

    good = await Api.of("colleague").data(document, input={"entries": [entry_at(0), entry_at(1)]})

    assert [one["description"] for one in good["logMany"]["records"]] == ["Rapat 0", "Rapat 1"]


TRANSFER = """mutation($input: TransferInput!) { transferEmployee(input: $input) {
  plan { id state startsOn endsOn post { position kind unit { code } } appraiser { name }
    targets { title classification indicators { measure { planned } } } }
  userErrors { code field message } } }"""


async def test_a_line_counts_with_its_own_weight_in_each_of_two(world: World) -> None:
    serves = [
        {"target": key_of(world.targets[code]), "kind": "WEIGHTED", "weight": "60"}
        for code in ("S", "U")
    ]

    first = await saved(world, "colleague", 1, results=[report(world, serves=serves)])
    (line,) = first["plan"]["targets"]
    more = report(world, serves=serves[:1])
    again = [report(world, id=line["id"], indicators=[], serves=serves), more]
    second = await saved(world, "colleague", 2, results=again)

    assert first["userErrors"] == []
    assert [one["code"] for one in second["userErrors"]] == ["WEIGHTS_INVALID"]


async def moved(world: World, viewer: str = "administrator", **changed: Any) -> Any:
    given = {
        "employee": key_of(world.people[STAFF]),
        "unit": key_of(world.rows["unit D"]),
        "position": "Analis Kebijakan",
        "appraiser": key_of(world.people[SUPERVISOR]),
        "startsOn": "2026-12-01",
    } | changed
    return (await Api.of(viewer).data(TRANSFER, input=given))["transferEmployee"]


async def test_a_transfer_opens_a_new_plan_and_history_stays(world: World) -> None:
    old = world.rows["plan"]
    before = await ProgressRecord.filter(employee=world.people[STAFF]).values_list("target_id")

    answer = await moved(world)

    plan = answer["plan"]
    assert answer["userErrors"] == []
    assert (plan["state"], plan["startsOn"], plan["endsOn"]) == (
        "DRAFT",
        "2026-12-01",
        "2026-12-31",
    )
    assert plan["post"] == {
        "position": "Analis Kebijakan",
        "kind": "DEFINITIVE",
        "unit": {"code": "D"},
    }
    ended = await PerformancePlan.get(id=old.id)
    assert (ended.state, ended.ends_on) == (PlanState.APPROVED, date(2026, 11, 30))
    after = await ProgressRecord.filter(employee=world.people[STAFF]).values_list("target_id")
    assert after == before
    # What was done in its days still counts there; a later day does not.
    place = Place(target_id=world.targets["T1"].id, quantity=Decimal(1))
    viewer = await world.scope("self")
    december = NOW.replace(month=12, day=2)
    with pytest.raises(Exception, match="outside the plan"):
        await logged(viewer, december - timedelta(hours=4), now=december, place=place)
    await logged(viewer, NOW - timedelta(days=2), now=december, place=place)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"kind": "PLT", "until": "9999-12-30"}, "BAD_USER_INPUT"),
        # of another agency: as if nobody had that key
        ({"appraiser": "{stranger}"}, "NOT_FOUND"),
        ({"appraiser": random_id("Employee")}, "NOT_FOUND"),
    ],
)
async def test_a_move_names_nobody_of_elsewhere_and_ends_on_a_day_that_is_kept(
    world: World, changed: dict[str, Any], code: str
) -> None:
    if changed.get("appraiser") == "{stranger}":
        changed = {"appraiser": key_of(await Employee.get(nip=STRANGER))}

    answer = await moved(world, **changed)

    assert [one["code"] for one in answer["userErrors"]] == [code]
    assert answer["plan"] is None


async def test_who_heads_a_unit_does_not_also_act_for_its_head(world: World) -> None:
    await moved(world, headsUnit=True)

    acting = await moved(world, headsUnit=True, kind="PLT", until="2026-12-20")

    assert [one["field"] for one in acting["userErrors"]] == ["headsUnit"]


async def test_of_two_moves_at_once_the_second_is_told(world: World) -> None:
    both = await asyncio.gather(*(moved(world) for _ in range(3)))

    codes = sorted(error["code"] for answer in both for error in answer["userErrors"])
    assert codes == ["BAD_USER_INPUT"] * 2
    assert await Assignment.filter(employee=world.people[STAFF], ends_on=None).count() == 1


async def test_an_acting_post_stands_beside_the_own_one(world: World) -> None:
    answer = await moved(
        world, kind="PLT", until="2026-12-20", position="Plt. Kepala Tim", startsOn="2026-11-20"
    )

    assert answer["plan"]["endsOn"] == "2026-12-20"
    assert answer["plan"]["post"]["kind"] == "PLT"
    plans = (
        await Api.of("self").data(
            '{ viewer { employee { plans(period: "2026") { state endsOn post { kind } } } } }'
        )
    )["viewer"]["employee"]["plans"]
    assert [(one["post"]["kind"], one["endsOn"]) for one in plans] == [
        ("DEFINITIVE", "2026-12-31"),
        ("PLT", "2026-12-20"),
    ]


async def test_the_next_holder_inherits_what_belongs_to_the_post(world: World) -> None:
    """T (20 reports, by quarter 0, 0, 1, 20) belongs to the post; T1 is the person's own."""
    post = await Assignment.get(employee=world.people[STAFF], ends_on=None)
    await Target.filter(id=world.targets["T"].id).update(classification="ORGANIZATION")
    await moved(world)

    answer = await moved(
        world,
        employee=key_of(world.people[COLLEAGUE]),
        unit=key_of(world.rows["unit C"]),
        position=post.position,
    )

    (inherited,) = answer["plan"]["targets"]
    assert inherited["title"] == world.targets["T"].title
    # 1 was due by September: it stays with who left, 19 go on. 1 + 19 = 20.
    assert inherited["indicators"][0]["measure"]["planned"] == "19"
    assert (await Indicator.get(target=world.targets["T"])).planned == Decimal(1)
    event = await PlanEvent.filter(plan_id=world.rows["plan"].id).order_by("-id").first()
    assert event is not None
    assert event.changes["results.T.indicators.1.planned"] == {"before": "20", "after": "1"}


async def test_a_post_is_inherited_once(world: World) -> None:
    """From who left, also where the heir held a post of that name; and by nobody else after."""
    post = await Assignment.get(employee=world.people[STAFF], ends_on=None)
    await Assignment.filter(employee=world.people[COLLEAGUE]).update(position=post.position)
    await Target.filter(id=world.targets["T"].id).update(classification="ORGANIZATION")
    await moved(world)
    place = {"unit": key_of(world.rows["unit C"]), "position": post.position}

    heir = await moved(world, employee=key_of(world.people[COLLEAGUE]), **place)
    third = await moved(
        world,
        employee=key_of(world.people[OTHER_STAFF]),
        startsOn="2026-12-05",
        **place,
    )

    assert [one["title"] for one in heir["plan"]["targets"]] == [world.targets["T"].title]
    assert third["plan"]["targets"] == []


async def test_of_a_closed_plan_nothing_is_inherited(world: World) -> None:
    post = await Assignment.get(employee=world.people[STAFF], ends_on=None)
    await Target.filter(id=world.targets["T"].id).update(classification="ORGANIZATION")
    await moved(world)
    await PerformancePlan.filter(id=world.rows["plan"].id).update(state=PlanState.CLOSED)

    answer = await moved(
        world,
        employee=key_of(world.people[COLLEAGUE]),
        unit=key_of(world.rows["unit C"]),
        position=post.position,
    )

    assert (answer["userErrors"], answer["plan"]["targets"]) == ([], [])
    assert (await Indicator.get(target=world.targets["T"])).planned == Decimal(20)


async def test_what_children_count_in_keeps_its_unit(world: World) -> None:
    """S has 5 reports of T; as persons they would be something else."""
    plan = await PerformancePlan.get(employee=world.people[SUPERVISOR])
    await PerformancePlan.filter(id=plan.id).update(state=PlanState.DRAFT)
    kept = {"id": key_of(world.indicators["S"]), "title": "Jumlah laporan"}
    given = {
        "id": key_of(plan),
        "version": plan.version,
        "results": [
            {
                "id": key_of(world.targets["S"]),
                "title": "Laporan",
                "serves": [{"target": key_of(world.targets["P"]), "kind": "DIRECT"}],
                "indicators": [kept | {"text": "30 orang"}],
            }
        ],
    }

    answer = await Api.of("supervisor").data(SAVE, input=given)

    assert [error["code"] for error in answer["savePlan"]["userErrors"]] == ["IN_USE"]


@pytest.mark.parametrize(
    ("changed", "code", "words"),
    [
        ({"startsOn": "2026-01-01"}, "BAD_USER_INPUT", "began on"),
        ({"until": "2026-11-01"}, "BAD_USER_INPUT", "is before"),
        ({"kind": "PLH"}, "BAD_USER_INPUT", "last day"),
        ({"position": " "}, "DESCRIPTION_MISSING", ""),
        ({"appraiser": "{staff}"}, "BAD_USER_INPUT", "nobody appraises themself"),
    ],
)
async def test_a_move_that_cannot_be_is_refused(
    world: World, changed: dict[str, str], code: str, words: str
) -> None:
    given = {
        name: key_of(world.people[STAFF]) if value == "{staff}" else value
        for name, value in changed.items()
    }

    answer = await moved(world, **given)

    (error,) = answer["userErrors"]
    assert error["code"] == code
    assert words in error["message"]
    assert await Assignment.filter(employee=world.people[STAFF]).count() == 2


@pytest.mark.parametrize(
    ("changed", "suggests"),
    [
        ({}, True),
        ({"state": PlanState.DRAFT}, False),
        # it ended before the day of the letter
        ({"ends_on": date(2026, 10, 31)}, False),
    ],
)
async def test_only_a_target_that_a_record_could_count_for_is_suggested(
    fresh_database: Database, changed: dict[str, Any], suggests: bool
) -> None:
    async def with_letter(world: World) -> None:
        plan = PerformancePlan.filter(employee=world.people[STAFF])
        if changed:
            await plan.update(**changed)
        await received(world, "D-1")

    async with world_in(fresh_database, with_letter) as world:
        record = await ProgressRecord.get(employee=world.people[STAFF])

        wanted = world.targets["T"].id if suggests else None
        assert record.suggested_target_id == wanted
