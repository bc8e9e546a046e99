"""What a front end reads: trees, pages, days and figures; and refusals with their words."""

from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from graphql import GraphQLError

from schema.errors import Language
from schema.feeds.models import DeadLetter, DeadLetterCause
from schema.organizations.models import Assignment, AssignmentKind, UnitPlacement
from schema.organizations.viewers import scope_of
from schema.plans.models import PerformancePlan
from schema.progress.placing import Place
from schema.tables import dicts_of
from schema.values import uuid7
from tests.copies import Copies
from tests.factories import (
    COLLEAGUE,
    MORNING,
    NOW,
    OTHER_SUPERVISOR,
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    TODAY,
    Api,
    World,
    copied_world,
    key_of,
    logged,
)

T_TITLE = "Telaah kebijakan arsip dinamis"


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies) as world:
        yield world


def title(code: str) -> str:
    return T_TITLE if code == "T" else f"Tersusunnya laporan {code}"


async def test_one_query_leads_from_the_goal_to_the_record(world: World) -> None:
    """Figures of the busy morning: 3 of T's own, 1 + 1 of T1, 2 of U.

    T1 2 of 5 = 40 %; T 3 + 2 = 5 of 20 = 25 %; S 5 of 30 = 16.67 %; P 5 of 60 = 8.33 %;
    U 2 of 40 = 5 %; G 5 + 2 = 7 of 100 = 7 %.
    """
    document = """
    { agency(code: "DC") { name goals(period: "2026") { ...Figures
        children { ...Figures children { ...Figures children { ...Figures
          ... on Target { children { ...Figures } } } } } } } }
    fragment Figures on Target { code cascade achievement { realized planned percentage } }
    """

    answer = await Api.of("superior").data(document)

    (root,) = answer["agency"]["goals"]
    thread, level = {}, [root]
    while level:
        one = next((t for t in level if t["code"] in ("G", "P", "S", "T", "T1")), None)
        assert one is not None
        thread[one["code"]] = (one["cascade"], *one["achievement"].values())
        level = one.get("children", [])
    assert thread == {
        "G": ("ROOT", "7", "100", "7"),
        "P": ("DIRECT", "5", "60", "8.33"),
        "S": ("DIRECT", "5", "30", "16.67"),
        "T": ("DIRECT", "5", "20", "25"),
        "T1": ("DIRECT", "2", "5", "40"),
    }
    below = {one["code"]: one for one in root["children"]}
    assert list(below) == ["P", "U", "O"]
    assert below["U"]["achievement"]["percentage"] == "5"
    # O has no number of its own; what counts in it with a weight has begun, at nothing.
    assert below["O"]["achievement"] == {"realized": None, "planned": "10", "percentage": "0"}


async def test_the_red_thread_runs_from_the_goal_down(world: World) -> None:
    document = """query($id: ID!) { node(id: $id) { ... on ProgressRecord {
      target { title parent { title } path { title } }
      thread { title owner { ... on Unit { code } ... on Employee { name } } } } } }"""

    answer = await Api.of("self").data(document, id=key_of(world.records["confirmed"]))

    record = answer["node"]
    assert record["thread"] == [
        {"title": title("G"), "owner": {"code": "A"}},
        {"title": title("P"), "owner": {"name": "Ratna Dewanti"}},
        {"title": title("S"), "owner": {"name": "Dewi Anggraini"}},
        {"title": T_TITLE, "owner": {"name": "Sari Wulandari"}},
    ]
    assert record["target"]["parent"] == {"title": title("S")}
    assert [one["title"] for one in record["target"]["path"]] == [
        one["title"] for one in record["thread"]
    ]


async def test_a_unit_stands_in_its_tree(world: World) -> None:
    document = """{ unit(agency: "DC", code: "C") {
      parent { code parent { code parent { code } } } path { code } children { code }
      head { nip } agency { code units { code } } } }"""

    unit = (await Api.of("supervisor").data(document))["unit"]

    assert unit == {
        "parent": {"code": "B", "parent": {"code": "A", "parent": None}},
        "path": [{"code": "A"}, {"code": "B"}, {"code": "C"}],
        "children": [{"code": "C1"}],
        "head": {"nip": SUPERVISOR},
        "agency": {"code": "DC", "units": [{"code": c} for c in ("A", "B", "C", "C1", "D")]},
    }


async def test_a_unit_that_was_moved_stands_in_its_new_place_from_that_day(world: World) -> None:
    unit, new = world.rows["unit C1"], world.rows["unit D"]
    await UnitPlacement.filter(unit_id=unit.id).update(ends_on=TODAY)
    await UnitPlacement.create(unit_id=unit.id, parent_id=new.id, starts_on=TODAY)
    document = '{ unit(agency: "DC", code: "C1") { parent { code } } }'

    today = await Api.of("self").data(document)
    yesterday = await Api.of("self", now=NOW - timedelta(days=1)).data(document)

    assert today == {"unit": {"parent": {"code": "D"}}}
    assert yesterday == {"unit": {"parent": {"code": "C"}}}


async def test_people_are_met_with_their_post_their_superior_and_their_reports(
    world: World,
) -> None:
    document = """query($nip: String!) { employee(nip: $nip) { name position unit { code }
      appraiser { name appraiser { name appraiser { name } } } subordinates { name } } }"""
    api = Api.of("superior")

    staff = (await api.data(document, nip=STAFF))["employee"]
    top = (await api.data(document, nip=SUPERIOR))["employee"]

    assert staff == {
        "name": "Sari Wulandari",
        "position": "Pejabat C",
        "unit": {"code": "C"},
        "appraiser": {
            "name": "Dewi Anggraini",
            "appraiser": {"name": "Ratna Dewanti", "appraiser": None},
        },
        "subordinates": [],
    }
    assert [one["name"] for one in top["subordinates"]] == ["Dewi Anggraini", "Tono Prasetyo"]


async def test_a_person_is_known_by_the_definitive_post_beside_an_acting_one(
    world: World,
) -> None:
    await Assignment.create(
        employee=world.people[COLLEAGUE],
        unit_id=world.rows["unit D"].id,
        appraiser=world.people[SUPERIOR],
        position="Plt. Kepala Bidang",
        kind=AssignmentKind.PLT,
        starts_on=TODAY,
    )
    document = "query($nip: String!) { employee(nip: $nip) { position unit { code } } }"

    both = await Api.of("self").data(document, nip=COLLEAGUE)
    await Assignment.filter(employee__nip=COLLEAGUE, kind="DEFINITIVE").update(ends_on=TODAY)
    acting = await Api.of("self").data(document, nip=COLLEAGUE)
    await Assignment.filter(employee__nip=COLLEAGUE, kind="PLT").update(
        starts_on=TODAY + timedelta(days=1)
    )
    none = await Api.of("self").data(document, nip=COLLEAGUE)

    assert both["employee"] == {"position": "Pejabat C", "unit": {"code": "C"}}
    assert acting["employee"] == {"position": "Plt. Kepala Bidang", "unit": {"code": "D"}}
    assert none["employee"] == {"position": None, "unit": None}


EMPLOYEES = """query($first: Int, $after: String) { unit(agency: "DC", code: "C") {
  employees(first: $first, after: $after) { totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id } } } } }"""
RECORDS = """query($id: ID!, $first: Int, $after: String, $state: RecordState) {
  target(id: $id) { records(first: $first, after: $after, state: $state) { totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
    edges { cursor node { id state } } } } }"""
INBOX = """query($first: Int, $after: String, $source: String) { viewer { unreadCount
  pendingRecords(first: $first, after: $after, source: $source) { totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }
  }"""
LETTERS = """query($first: Int, $after: String, $connector: ID) {
  deadLetters(first: $first, after: $after, connector: $connector) { totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } }
"""


def connection_in(data: Any) -> Any:
    """The one connection of an answer."""
    while "edges" not in data:
        data = next(value for value in data.values() if isinstance(value, dict))
    return data


async def walk(api: Api, document: str, size: int, **variables: Any) -> list[str]:
    """Ids of all items, a page at a time, as a client pages through them."""
    found: list[str] = []
    after = None
    while True:
        page = connection_in(await api.data(document, first=size, after=after, **variables))
        info, edges = page["pageInfo"], page["edges"]
        assert info["hasPreviousPage"] is (after is not None)
        assert (info["startCursor"], info["endCursor"]) == (
            (edges[0]["cursor"], edges[-1]["cursor"]) if edges else (None, None)
        )
        found += [edge["node"]["id"] for edge in edges]
        after = info["endCursor"]
        if not info["hasNextPage"]:
            assert page["totalCount"] == len(found)
            return found
        assert len(edges) == size


async def test_pages_hold_every_item_once_whatever_their_size(
    world: World,
) -> None:
    staff = await scope_of(STAFF)
    for number in range(5):
        at = MORNING - timedelta(days=1) + number * timedelta(hours=1)
        await logged(staff, at, place=Place(target_id=world.targets["T"].id))
    target = {"id": key_of(world.targets["T"])}
    people = [key_of(world.people[nip]) for nip in (STAFF, COLLEAGUE, SUPERVISOR)]
    waiting = [world.records[name] for name in ("to dismiss", "to confirm", "waiting")]
    cases: list[tuple[Api, str, dict[str, Any], list[str]]] = [
        (Api.of("colleague"), EMPLOYEES, {}, people),
        (Api.of("self"), INBOX, {}, [key_of(row) for row in waiting]),
        (Api.of("auditor"), LETTERS, {}, [key_of(world.dead_letter)]),
    ]

    for api, document, variables, expected in cases:
        for size in (1, 2, 100):
            found = await walk(api, document, size, **variables)
            assert sorted(found) == sorted(expected)
    by_size = [await walk(Api.of("supervisor"), RECORDS, n, **target) for n in (1, 4, 6, 100)]

    # Newest first: that of this morning, then those of yesterday, the last first.
    assert by_size[0][0] == key_of(world.records["confirmed"])
    assert len(set(by_size[0])) == 6
    assert by_size == [by_size[0]] * 4


async def test_the_inbox_is_newest_first_and_may_be_of_one_source(world: World) -> None:
    api = Api.of("self")

    everything = (await api.data(INBOX))["viewer"]
    letters = connection_in(await api.data(INBOX, source="srikandi"))
    nothing = connection_in(await api.data(INBOX, source="siasn"))

    ids = [edge["node"]["id"] for edge in everything["pendingRecords"]["edges"]]
    expected = [world.records[name] for name in ("to dismiss", "to confirm", "waiting")]
    assert ids == [key_of(row) for row in expected]
    assert everything["unreadCount"] == letters["totalCount"] == 3
    assert (nothing["totalCount"], nothing["edges"]) == (0, [])


async def test_records_of_a_target_may_be_of_one_state(world: World) -> None:
    unit = {"id": key_of(world.targets["U"])}
    counts = {}
    for state in ("CONFIRMED", "SUPERSEDED", "PENDING", None):
        page = connection_in(await Api.of("self").data(RECORDS, state=state, **unit))
        counts[state] = (page["totalCount"], {edge["node"]["state"] for edge in page["edges"]})

    assert counts == {
        "CONFIRMED": (1, {"CONFIRMED"}),
        "SUPERSEDED": (1, {"SUPERSEDED"}),
        "PENDING": (0, set()),
        None: (2, {"CONFIRMED", "SUPERSEDED"}),
    }


async def test_dead_letters_may_be_of_one_connector(world: World) -> None:
    of = {"connector": key_of(world.installation)}
    api = Api.of("administrator")

    some = connection_in(await api.data(LETTERS, **of))
    none = connection_in(await api.data(LETTERS, connector=key_of(world.dead_letter, "Connector")))

    assert (some["totalCount"], none["totalCount"]) == (1, 0)


async def test_a_page_that_cannot_be_is_refused(world: World) -> None:
    target = {"id": key_of(world.targets["T"])}
    for document, api, given in (
        (EMPLOYEES, Api.of("self"), {}),
        (RECORDS, Api.of("self"), target),
        (INBOX, Api.of("self"), {}),
        (LETTERS, Api.of("auditor"), {}),
    ):
        for size in (0, -1, 101):
            answer = await api.run(document, first=size, **given)
            assert answer.codes == ("PAGE_TOO_LARGE",)
        for after in ("", "x", "é", str(uuid7())[:-1], "A" * 500):
            answer = await api.run(document, after=after, **given)
            assert answer.codes == ("INVALID_CURSOR",), after


async def test_a_calendar_has_every_day_whether_or_not_anything_was_written(world: World) -> None:
    document = """query($from: Date!, $to: Date!) { viewer { employee {
      calendar(from: $from, to: $to) { on status requiredMinutes recordedMinutes pendingMinutes
        records { state } } } } }"""
    api = Api.of("self")

    answer = await api.data(document, **{"from": "2026-11-21", "to": "2026-11-24"})

    days = answer["viewer"]["employee"]["calendar"]
    # 10 of the activity, 30 in a stage, 30 of the unit's target, 30 + 30 of T1; 3 x 10 wait
    assert [(d["on"], d["status"], d["recordedMinutes"], d["pendingMinutes"]) for d in days] == [
        ("2026-11-21", "DAY_OFF", 0, 0),
        ("2026-11-22", "DAY_OFF", 0, 0),
        ("2026-11-23", "NOT_FILLED", 0, 0),
        ("2026-11-24", "SHORT", 130, 30),
    ]
    assert [d["requiredMinutes"] for d in days] == [0, 0, 450, 450]
    # In the order of their times: four from the connector, then by hand.
    assert [one["state"] for one in days[3]["records"]] == (
        ["CONFIRMED", "PENDING", "PENDING", "PENDING", "CONFIRMED", "SUPERSEDED"]
        + ["CONFIRMED"] * 3
    )


async def test_a_calendar_spans_at_most_a_leap_year(world: World) -> None:
    document = """query($from: Date!, $to: Date!) { viewer { employee {
      calendar(from: $from, to: $to) { on } } } }"""
    api = Api.of("self")

    year = await api.data(document, **{"from": "2028-01-01", "to": "2028-12-31"})
    one = await api.data(document, **{"from": "2026-11-24", "to": "2026-11-24"})
    longer = await api.run(document, **{"from": "2028-01-01", "to": "2029-01-01"})
    backwards = await api.run(document, **{"from": "2026-11-24", "to": "2026-11-23"})

    assert len(year["viewer"]["employee"]["calendar"]) == 366
    assert one["viewer"]["employee"]["calendar"] == [{"on": "2026-11-24"}]
    assert longer.codes == backwards.codes == ("RANGE_TOO_LONG",)


async def test_the_same_field_may_be_asked_for_several_times_with_other_arguments(
    world: World,
) -> None:
    document = """{ viewer { employee {
      today: dailyLog(on: "2026-11-24") { recordedMinutes records { id } }
      yesterday: dailyLog(on: "2026-11-23") { recordedMinutes records { id } }
      this: targets(period: "2026") { code } last: targets(period: "2025") { code } } } }"""

    employee = (await Api.of("self").data(document))["viewer"]["employee"]

    assert (employee["today"]["recordedMinutes"], len(employee["today"]["records"])) == (130, 9)
    assert employee["yesterday"] == {"recordedMinutes": 0, "records": []}
    assert sorted(one["code"] for one in employee["this"]) == ["M", "R", "T", "T1", "Z"]
    assert employee["last"] == []


async def test_a_path_shows_the_plan_and_what_was_reached_until_today(world: World) -> None:
    """T: 0, 0, 1 and 20 by the ends of the quarters; 5 reached, all of it today, in November."""
    document = """query($id: ID!) { target(id: $id) { achievement { onTrack asOf }
      indicators { measure { unitOfMeasure points { on planned actual } } } } }"""

    answer = await Api.of("self").data(document, id=key_of(world.targets["T"]))

    (indicator,) = answer["target"]["indicators"]
    assert indicator["measure"]["unitOfMeasure"] == "laporan"
    points = [tuple(point.values()) for point in indicator["measure"]["points"]]
    assert points == [
        ("2026-03-31", "0", None),
        ("2026-06-30", "0", None),
        ("2026-09-30", "1", None),
        ("2026-12-31", "20", "5"),
    ]
    assert answer["target"]["achievement"]["onTrack"] is True
    assert datetime.fromisoformat(answer["target"]["achievement"]["asOf"]) == NOW


async def test_a_target_with_several_indicators_has_their_mean_and_no_number(
    world: World,
) -> None:
    """M: 5 of 10 times = 50 %, and 100 of 100 percent = 100 %; the mean is 75 %."""
    document = """query($id: ID!) { target(id: $id) {
      indicators { id title achievement { percentage } }
      achievement { percentage realized planned asOf } } }"""
    key = key_of(world.targets["M"])
    before = (await Api.of("self").data(document, id=key))["target"]
    log = """mutation($input: LogProgressInput!) {
      logProgress(input: $input) { userErrors { code } record { quantity } } }"""
    for number, (indicator, amount) in enumerate(zip(before["indicators"], (5, 100), strict=True)):
        at = MORNING - timedelta(days=1) + number * timedelta(hours=1)
        given = {
            "target": key,
            "indicator": indicator["id"],
            "quantity": amount,
            "startsAt": at.isoformat(),
            "endsAt": at.isoformat(),
            "description": "Memeriksa",
        }
        assert (await Api.of("self").data(log, input=given))["logProgress"]["userErrors"] == []

    after = (await Api.of("self").data(document, id=key))["target"]

    assert before["achievement"]["percentage"] is None
    assert [one["achievement"]["percentage"] for one in after["indicators"]] == ["50", "100"]
    assert after["achievement"] == {
        "percentage": "75",
        "realized": None,
        "planned": None,
        "asOf": NOW.isoformat(),
    }


async def test_a_plan_has_its_work_results_and_the_seven_values(world: World) -> None:
    document = """{ viewer { employee { plan(period: "2026") { state period employee { name }
      appraiser { name } targets { code } behaviours { behaviour expectation } } } } }"""

    plan = (await Api.of("self").data(document))["viewer"]["employee"]["plan"]

    assert (plan["state"], plan["period"]) == ("APPROVED", "2026")
    assert (plan["employee"], plan["appraiser"]) == (
        {"name": "Sari Wulandari"},
        {"name": "Dewi Anggraini"},
    )
    assert [one["code"] for one in plan["targets"]] == ["T", "T1", "Z", "M", "R"]
    assert [(one["behaviour"], one["expectation"]) for one in plan["behaviours"]] == [
        ("SERVICE_ORIENTED", None),
        ("ACCOUNTABLE", None),
        ("COMPETENT", None),
        ("HARMONIOUS", None),
        ("LOYAL", "Teliti"),
        ("ADAPTIVE", None),
        ("COLLABORATIVE", None),
    ]


async def test_a_team_is_that_of_the_viewer_today(world: World) -> None:
    document = """{ team { on supervisor { nip } members { employee { nip } status
        recordedMinutes requiredMinutes pendingCount }
      summary { members recordedMinutes requiredMinutes pendingCount
        statuses { status count } } } }"""

    team = (await Api.of("supervisor").data(document))["team"]

    assert (team["on"], team["supervisor"]) == (TODAY.isoformat(), {"nip": SUPERVISOR})
    # By name. The latest work ended at 11.00 WIB, an hour ago.
    assert [tuple(one.values()) for one in team["members"]] == [
        ({"nip": COLLEAGUE}, "NOT_FILLED", 0, 450, 0),
        ({"nip": STAFF}, "ACTIVE", 130, 450, 3),
    ]
    assert team["summary"] == {
        "members": 2,
        "recordedMinutes": 130,
        "requiredMinutes": 900,
        "pendingCount": 3,
        "statuses": [{"status": "ACTIVE", "count": 1}, {"status": "NOT_FILLED", "count": 1}],
    }


async def test_a_team_of_a_past_day_is_who_was_in_it_then(world: World) -> None:
    """The colleague goes over to the other supervisor today: the first one sees them no more."""
    await Assignment.filter(employee__nip=COLLEAGUE).update(ends_on=TODAY)
    await Assignment.create(
        employee=world.people[COLLEAGUE],
        unit_id=world.rows["unit D"].id,
        appraiser=world.people[OTHER_SUPERVISOR],
        position="Staf",
        starts_on=TODAY,
    )
    await dicts_of("SELECT refresh_reporting_lines($1, $2)", [world.people[STAFF].agency_id, TODAY])
    document = """query($supervisor: ID, $on: Date) { team(supervisor: $supervisor, on: $on) {
      members { employee { name } } } }"""
    teams = {}
    for viewer, leader in (
        ("superior", SUPERVISOR),
        ("superior", OTHER_SUPERVISOR),
        ("supervisor", SUPERVISOR),
    ):
        for on in ("2026-11-23", "2026-11-24"):
            asked = {"supervisor": key_of(world.people[leader]), "on": on}
            answer = await Api.of(viewer).data(document, **asked)
            members = answer["team"]["members"]
            teams[viewer, leader, on] = [one["employee"]["name"] for one in members]

    assert teams == {
        ("superior", SUPERVISOR, "2026-11-23"): ["Budi Hartono", "Sari Wulandari"],
        ("superior", SUPERVISOR, "2026-11-24"): ["Sari Wulandari"],
        ("superior", OTHER_SUPERVISOR, "2026-11-23"): ["Joko Susilo"],
        ("superior", OTHER_SUPERVISOR, "2026-11-24"): ["Budi Hartono", "Joko Susilo"],
        ("supervisor", SUPERVISOR, "2026-11-23"): ["Sari Wulandari"],
        ("supervisor", SUPERVISOR, "2026-11-24"): ["Sari Wulandari"],
    }


async def test_teams_of_a_unit_are_those_the_viewer_may_watch(world: World) -> None:
    document = """query($code: String!) { unit(agency: "DC", code: $code) {
      teams { supervisor { nip } members { employee { nip } } } } }"""
    seen = {}
    for viewer in ("superior", "supervisor", "other supervisor", "self"):
        for code in ("A", "C", "D"):
            teams = (await Api.of(viewer).data(document, code=code))["unit"]["teams"]
            seen[viewer, code] = [team["supervisor"]["nip"] for team in teams]

    assert {pair: nips for pair, nips in seen.items() if nips} == {
        ("superior", "A"): [SUPERIOR],
        ("superior", "C"): [SUPERVISOR],
        ("superior", "D"): [OTHER_SUPERVISOR],
        ("supervisor", "C"): [SUPERVISOR],
        ("other supervisor", "D"): [OTHER_SUPERVISOR],
    }


async def test_who_leads_nobody_has_an_empty_team(world: World) -> None:
    answer = await Api.of("colleague").data("{ team { members { status } summary { members } } }")

    assert answer == {"team": {"members": [], "summary": {"members": 0}}}


async def test_a_viewer_knows_their_roles(world: World) -> None:
    roles = {}
    for viewer in ("self", "supervisor", "administrator", "auditor", "connector"):
        answer = await Api.of(viewer).data("{ viewer { roles employee { nip } } }")
        roles[viewer] = answer["viewer"]["roles"]

    assert roles == {
        "self": ["EMPLOYEE"],
        "supervisor": ["EMPLOYEE", "SUPERVISOR"],
        "administrator": ["ADMINISTRATOR"],
        "auditor": ["AUDITOR"],
        "connector": ["CONNECTOR"],
    }


async def test_a_record_says_where_it_came_from_and_what_happened_to_it(world: World) -> None:
    document = """query($id: ID!) { node(id: $id) { ... on ProgressRecord {
      source { kind plugin title } activity { sourceId title } supersedes { state }
      evidence { title fromSource } history { kind actor { nip } comment } } } }"""
    api = Api.of("supervisor")

    sent = (await api.data(document, id=key_of(world.records["confirmed"])))["node"]
    by_hand = (await api.data(document, id=key_of(world.records["replacing"])))["node"]

    assert sent == {
        "source": {"kind": "CONNECTOR", "plugin": "srikandi", "title": "Surat dinas"},
        "activity": {
            "sourceId": "confirmed",
            "title": "Menyusun telaah kebijakan arsip dinamis",
        },
        "supersedes": None,
        "evidence": [
            {"title": "Naskah", "fromSource": True},
            {"title": "Berita acara", "fromSource": False},
        ],
        "history": [
            {"kind": "RECEIVED", "actor": None, "comment": None},
            {"kind": "CONFIRMED", "actor": {"nip": STAFF}, "comment": None},
        ],
    }
    assert by_hand["source"] == {"kind": "MANUAL", "plugin": None, "title": None}
    assert by_hand["supersedes"] == {"state": "SUPERSEDED"}
    assert by_hand["history"] == [
        {"kind": "CORRECTED", "actor": {"nip": STAFF}, "comment": "Salah"}
    ]


async def test_a_suggestion_is_made_while_a_record_waits(world: World) -> None:
    document = """query($id: ID!) { node(id: $id) { ... on ProgressRecord {
      suggestion { target { code } score reason } } } }"""
    api = Api.of("self")

    waiting = (await api.data(document, id=key_of(world.records["waiting"])))["node"]
    decided = (await api.data(document, id=key_of(world.records["confirmed"])))["node"]

    assert waiting["suggestion"]["target"] == {"code": "T"}
    assert 0 < Decimal(waiting["suggestion"]["score"]) <= 1
    assert "arsip" in waiting["suggestion"]["reason"]
    assert decided["suggestion"] is None


async def test_a_connector_shows_its_health(world: World) -> None:
    document = """{ connectors { plugin title failures latestRun { state problem }
      waitingCount deadLetterCount } }"""
    (item,) = await DeadLetter.all()
    await DeadLetter.create(
        installation=world.installation,
        inbox_item_id=item.inbox_item_id,
        cause=DeadLetterCause.UNTRANSLATABLE,
        detail="x",
        created_at=NOW,
    )

    answer = await Api.of("administrator").data(document)

    assert [one for one in answer["connectors"] if one["title"] == "Surat dinas"] == [
        {
            "plugin": "srikandi",
            "title": "Surat dinas",
            "failures": 0,
            "latestRun": {"state": "FAILED", "problem": "layanan tidak menjawab"},
            "waitingCount": 1,
            "deadLetterCount": 1,
        }
    ]


CONFIRM = """mutation($records: [ConfirmRecordInput!]!) {
  confirmProgress(input: {records: $records}) { userErrors { code field message }
    records { id state minutes target { code achievement { realized } }
      employee { dailyLog(on: "2026-11-24") { recordedMinutes pendingCount } } } } }"""


async def test_confirming_gives_back_what_changed_and_names_what_could_not_be(
    world: World,
) -> None:
    """T had 5; 0.5 is added. 130 minutes and 3 that wait become 140 and 2."""
    first, second = world.records["to confirm"], world.records["waiting"]
    wanted = [
        {"id": key_of(second), "target": key_of(world.targets["O"]), "quantity": 1},
        {"id": key_of(first), "target": key_of(world.targets["T"]), "quantity": "0.5"},
        {"id": key_of(first)},
    ]

    payload = (await Api.of("self").data(CONFIRM, records=wanted))["confirmProgress"]

    assert payload["records"] == [
        {
            "id": key_of(first),
            "state": "CONFIRMED",
            "minutes": 10,
            "target": {"code": "T", "achievement": {"realized": "5.5"}},
            "employee": {"dailyLog": {"recordedMinutes": 140, "pendingCount": 2}},
        }
    ]
    assert [(one["code"], one["field"]) for one in payload["userErrors"]] == [
        ("TARGET_NOT_YOURS", "records.0.target"),
        ("WRONG_STATE", "records.2"),
    ]


async def test_an_id_of_another_type_ends_a_mutation_by_name(world: World) -> None:
    wanted = [{"id": key_of(world.targets["T"])}]

    payload = (await Api.of("self").data(CONFIRM, records=wanted))["confirmProgress"]

    assert (payload["records"], payload["userErrors"][0]["code"]) == ([], "NOT_FOUND")


async def test_a_refusal_is_said_in_the_language_of_the_request(world: World) -> None:
    said = {
        Language.INDONESIAN: "Tidak ada catatan yang dipilih.",
        Language.ENGLISH: "No record was chosen.",
    }
    for language, message in said.items():
        answer = await Api.of("self", language=language).data(CONFIRM, records=[])

        assert answer["confirmProgress"]["userErrors"] == [
            {"code": "NOTHING_CHOSEN", "field": "records", "message": message}
        ]


LOG = """mutation($startsAt: DateTime!, $quantity: Decimal) { logProgress(input: {
  startsAt: $startsAt, endsAt: "2026-11-24T11:50:00+07:00", description: "Rapat",
  quantity: $quantity }) { record { startsAt on } userErrors { code } } }"""


NO_INSTANT = ("2026-11-24T11:40:00", "2026-11-24", "besok", 1, "0001-01-01T00:00:00+14:00")
NO_NUMBER = ("NaN", "Infinity", "1,5", "", True, "9" * 41, "0x1")


async def test_an_instant_has_a_time_zone_and_a_decimal_is_a_finite_number(world: World) -> None:
    api, eleven = Api.of("self"), "2026-11-24T11:40:00+07:00"
    for instant in NO_INSTANT:
        with pytest.raises(GraphQLError, match="Expected value of type 'DateTime'"):
            await api.run(LOG, startsAt=instant)
    for amount in NO_NUMBER:
        with pytest.raises(GraphQLError, match="Expected value of type 'Decimal'"):
            await api.run(LOG, startsAt=eleven, quantity=amount)


async def test_a_day_is_one_that_the_database_can_tell_from_infinity(world: World) -> None:
    document = """query($on: Date!) { team(on: $on) { on members { log { on requiredMinutes } } }
      unit(agency: "DC", code: "C") { teams(on: $on) { on } }
      viewer { employee { dailyLog(on: $on) { on } calendar(from: $on, to: $on) { on } } } }"""
    api = Api.of("supervisor")
    for day in ("0001-01-01", "9999-12-31", "2026-13-01", "2026", 20261124):
        with pytest.raises(GraphQLError, match="Expected value of type 'Date"):
            await api.run(document, on=day)
    for day in ("0001-01-02", "9999-12-30"):
        answer = await api.data(document, on=day)
        assert answer["viewer"]["employee"]["calendar"] == [{"on": day}]


async def test_an_instant_may_be_said_in_any_zone(world: World) -> None:
    answer = await Api.of("self").data(LOG, startsAt="2026-11-24T13:40:00+09:00")

    record = answer["logProgress"]["record"]
    assert datetime.fromisoformat(record["startsAt"]).isoformat() == "2026-11-24T04:40:00+00:00"
    assert record["on"] == "2026-11-24"


async def test_the_plan_of_a_period_is_that_of_its_latest_post(world: World) -> None:
    """A transfer in July opens another plan; the one of the first half stays."""
    july, person = date(2026, 7, 1), world.people[STAFF]
    await Assignment.filter(employee=person, ends_on=None).update(ends_on=july)
    post = await Assignment.create(
        employee=person, unit_id=world.rows["unit D"].id, position="Analis", starts_on=july
    )
    period = world.targets["T"].period_id
    await PerformancePlan.create(
        employee=person,
        assignment=post,
        period_id=period,
        starts_on=TODAY,
        ends_on=TODAY,
    )
    document = """{ viewer { employee {
      plan(period: "2026") { state targets { code } appraiser { name } }
      last: plan(period: "2025") { state } } } }"""

    employee = (await Api.of("self").data(document))["viewer"]["employee"]

    assert employee["plan"] == {"state": "DRAFT", "targets": [], "appraiser": None}
    assert employee["last"] is None
