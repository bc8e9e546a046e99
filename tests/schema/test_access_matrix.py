"""Who sees what, and who may do what: every field, node, mutation and subscription as everybody.

The tables are those of 'Who sees what' (API.md); the walk is driven by the schema itself, so a
field, node, mutation or subscription that no table speaks of fails here.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)

from schema.events import EventKind
from server.database import Database
from tests.factories import (
    STAFF,
    SUPERIOR,
    SUPERVISOR,
    VIEWERS,
    Answer,
    Api,
    ScriptedFeed,
    World,
    event_of,
    key_of,
    random_id,
    schema,
    world_in,
)

# 'Who sees what', word for word, and the viewers of the factory to whom it says yes. The
# administrator and the auditor are those of the staff member's agency.
AGENCY = ("self", "colleague", "supervisor", "superior", "other supervisor")
WIDE = ("administrator", "auditor")
WHO: Mapping[str, frozenset[str]] = {
    # directory: name, post, unit, head, appraiser | everyone in the agency
    "directory": frozenset((*AGENCY, *WIDE)),
    # targets of the agency and of units | everyone in the agency
    "unit targets": frozenset((*AGENCY, *WIDE)),
    # ancestors on one's own red thread | their title and owner
    "thread": frozenset(("self", "supervisor", "superior", *WIDE)),
    # a person's targets, achievement, records, daily log, appraisal | that person, their
    # superiors, the agency's performance administrator, the auditor
    "work": frozenset(("self", "supervisor", "superior", *WIDE)),
    "supervisor's work": frozenset(("supervisor", "superior", *WIDE)),
    "superior's work": frozenset(("superior", *WIDE)),
    # content of a PENDING record | its employee only; others see the count
    "pending": frozenset(("self",)),
    # connectors and dead letters: the agency's administrator, and the auditor reading
    "feeds": frozenset(WIDE),
    # who am I: whoever has a token; an own employee: whoever is one
    "signed in": frozenset(VIEWERS) - {"nobody"},
    "employees": frozenset((*AGENCY, "other agency")),
    # What has no value in this place, for anybody.
    "never": frozenset(),
}


@dataclass(frozen=True)
class Place:
    """Where an object of a type is met: a document with `@` for its fields.

    `pick` chooses among several of a list by global id. `fields` gives, for each row of WHO,
    the fields that it rules.
    """

    name: str
    type_name: str
    document: str
    fields: Mapping[str, str]
    pick: str = ""


RECORD = (
    "id startsAt endsAt minutes description category state createdAt on employee evidence source "
    "activity history"
)
TARGET = "title owner id cascade path"
CONNECTION = "pageInfo edges totalCount"
ACTION = "id description startsOn endsOn quantity unitOfMeasure"
PAGE = "hasNextPage hasPreviousPage"
NODE = 'node(id: "{%s}") { ... on %s { @ } }'


def node(name: str, type_name: str, key: str, fields: Mapping[str, str]) -> Place:
    return Place(name, type_name, NODE % (key, type_name), fields)


def on_node(key: str, type_name: str, inner: str) -> str:
    return (NODE % (key, type_name)).replace("@", inner)


DAY = 'dailyLog(on: "2026-11-24") { %s }'
CHECK = 'cycleCheck(agency: "DC", period: "2026") { %s }'
TEAM = 'team(supervisor: "{supervisor}", on: "2026-11-24") { %s }'
PLACES = (
    node("agency", "Agency", "agency", {"directory": "id code name timezone units goals"}),
    node(
        "unit",
        "Unit",
        "unit C",
        {
            "directory": "id code name kind agency parent children path head employees",
            "unit targets": "targets",
            "supervisor's work": "teams",
        },
    ),
    Place(
        "people of a unit",
        "EmployeeConnection",
        on_node("unit C", "Unit", "employees { @ }"),
        {"directory": CONNECTION},
    ),
    Place(
        "page of people",
        "PageInfo",
        on_node("unit C", "Unit", "employees { pageInfo { @ } }"),
        {"directory": f"{PAGE} startCursor endCursor"},
    ),
    Place(
        "edge to a person",
        "EmployeeEdge",
        on_node("unit C", "Unit", "employees { edges { @ } }"),
        {"directory": "cursor node"},
    ),
    node(
        "staff",
        "Employee",
        "staff",
        {
            "directory": "id name timezone position unit appraiser",
            "work": "nip plan targets dailyLog calendar",
            "never": "subordinates",
        },
    ),
    node(
        "supervisor",
        "Employee",
        "supervisor",
        {
            "directory": "id name timezone position unit appraiser subordinates",
            "supervisor's work": "nip plan targets dailyLog calendar",
        },
    ),
    node(
        "plan",
        "PerformancePlan",
        "plan",
        {"work": "id state period employee appraiser targets behaviours"},
    ),
    Place(
        "behaviour",
        "BehaviourExpectation",
        on_node("plan", "PerformancePlan", "behaviours { @ }"),
        {"work": "behaviour expectation"},
    ),
    node(
        "a person's target",
        "Target",
        "target T",
        {
            "work": f"{TARGET} code kind classification category period parent children indicators "
            "achievement actionPlans records assignedBy perspective",
            "never": "stagedWork",
        },
    ),
    node(
        "a person's staged target",
        "Target",
        "target Z",
        {
            "work": f"{TARGET} code kind classification category period parent stagedWork "
            "achievement records",
            "never": "children indicators actionPlans assignedBy perspective",
        },
    ),
    node(
        "a unit's target",
        "Target",
        "target U",
        {
            "unit targets": f"{TARGET} code kind classification category period parent children "
            "indicators achievement actionPlans",
            "work": "records",
            "never": "stagedWork assignedBy perspective",
        },
    ),
    # The superior's own target, met by those below as a knot of the staff member's red thread.
    # `cascade` is non-null by the contract; `parent` and `path` lead to other knots only.
    Place(
        "ancestor on the red thread",
        "Target",
        on_node("target T", "Target", "path { @ }"),
        {
            "thread": TARGET + " parent",
            "superior's work": "code kind classification category period children indicators "
            "achievement",
            "never": "stagedWork actionPlans records assignedBy perspective",
        },
        pick="target P",
    ),
    # The same one, met as itself: nobody below it.
    node(
        "ancestor by its id",
        "Target",
        "target P",
        {
            "superior's work": TARGET
            + " parent code kind classification category period children indicators achievement",
            "never": "stagedWork actionPlans records assignedBy perspective",
        },
    ),
    node(
        "action plan",
        "ActionPlan",
        "action T",
        {"work": "id description startsOn endsOn quantity unitOfMeasure"},
    ),
    node(
        "action plan of a unit's target",
        "ActionPlan",
        "action U",
        {"unit targets": ACTION},
    ),
    node(
        "indicator",
        "Indicator",
        "indicator T",
        {"work": "id aspect title unitOfMeasure measure achievement"},
    ),
    node(
        "indicator of a unit's target",
        "Indicator",
        "indicator U",
        {"unit targets": "id aspect title unitOfMeasure measure achievement"},
    ),
    Place(
        "measure",
        "Trajectory",
        on_node("indicator T", "Indicator", "measure { @ }"),
        {
            "work": "unitOfMeasure planned polarity accumulation points",
            "never": "minimum maximum baseline",
        },
    ),
    Place(
        "range",
        "Trajectory",
        on_node("indicator R", "Indicator", "measure { @ }"),
        {
            "work": "unitOfMeasure polarity accumulation minimum maximum baseline",
            "never": "planned points",
        },
    ),
    Place(
        "point",
        "TrajectoryPoint",
        on_node("indicator T", "Indicator", "measure { points { @ } }"),
        {"work": "on planned actual"},
    ),
    Place(
        "achievement",
        "Achievement",
        on_node("target T", "Target", "achievement { @ }"),
        {
            "work": "percentage realized planned onTrack track knownShare asOf",
            "never": "completedStages",
        },
    ),
    Place(
        "achievement in stages",
        "Achievement",
        on_node("target Z", "Target", "achievement { @ }"),
        {
            "work": "percentage completedStages onTrack track knownShare",
            "never": "realized planned asOf",
        },
    ),
    Place(
        "track",
        "Track",
        on_node("target T", "Target", "achievement { track { @ } }"),
        {"work": "status rule"},
    ),
    Place(
        "staged work",
        "StagedWork",
        on_node("target Z", "Target", "stagedWork { @ }"),
        {"work": "stages"},
    ),
    node(
        "stage",
        "Stage",
        "stage",
        {"work": "id position title evidence completedOn weight"},
    ),
    Place(
        "records of a target",
        "ProgressRecordConnection",
        on_node("target T", "Target", "records { @ }"),
        {"work": CONNECTION},
    ),
    Place(
        "edge to a record",
        "ProgressRecordEdge",
        on_node("target T", "Target", "records { edges { @ } }"),
        {"work": "cursor node"},
    ),
    node(
        "record",
        "ProgressRecord",
        "confirmed",
        {
            "work": f"{RECORD} quantity decidedAt target thread indicator",
            "never": "suggestion stage supersedes cursor",
        },
    ),
    node(
        "record of a stage",
        "ProgressRecord",
        "staged",
        {
            "work": "id startsAt endsAt minutes description state createdAt decidedAt on employee "
            "evidence source history target thread stage",
            "never": "category quantity indicator activity suggestion supersedes cursor",
        },
    ),
    node(
        "record that replaces another, on a unit's target",
        "ProgressRecord",
        "replacing",
        {
            "work": "id startsAt endsAt minutes description state createdAt decidedAt on employee "
            "source history target thread indicator quantity supersedes",
            "never": "category evidence activity suggestion stage cursor",
        },
    ),
    node(
        "pending record",
        "ProgressRecord",
        "waiting",
        {
            "pending": f"{RECORD} suggestion",
            "never": "quantity decidedAt target thread indicator stage supersedes cursor",
        },
    ),
    Place(
        "suggestion",
        "TargetSuggestion",
        on_node("waiting", "ProgressRecord", "suggestion { @ }"),
        {"pending": "target score reason"},
    ),
    Place(
        "evidence",
        "Evidence",
        on_node("confirmed", "ProgressRecord", "evidence { @ }"),
        {"work": "title url fromSource"},
    ),
    Place(
        "evidence of a pending record",
        "Evidence",
        on_node("waiting", "ProgressRecord", "evidence { @ }"),
        {"pending": "title url fromSource"},
    ),
    Place(
        "source",
        "Source",
        on_node("confirmed", "ProgressRecord", "source { @ }"),
        {"work": "kind plugin title"},
    ),
    Place(
        "history",
        "RecordEvent",
        on_node("replacing", "ProgressRecord", "history { @ }"),
        {"work": "kind at comment changes actor"},
    ),
    node(
        "activity",
        "Activity",
        "activity",
        {
            "work": "id sourceId kind title description category occurredAt endedAt receivedAt",
            "never": "quantity unitOfMeasure",
        },
    ),
    node(
        "activity of a pending record",
        "Activity",
        "pending activity",
        {
            "pending": "id sourceId kind title description category occurredAt endedAt receivedAt "
            "quantity unitOfMeasure",
        },
    ),
    Place(
        "day",
        "DailyLog",
        on_node("staff", "Employee", DAY % "@"),
        {
            "work": "on requiredMinutes recordedMinutes pendingMinutes pendingCount "
            "lastActivityAt employee status records"
        },
    ),
    Place(
        "team",
        "Team",
        TEAM % "@",
        {"supervisor's work": "supervisor on members summary"},
    ),
    Place(
        "team of a unit",
        "Team",
        on_node("unit C", "Unit", 'teams(on: "2026-11-24") { @ }'),
        {"supervisor's work": "supervisor on members summary"},
    ),
    Place(
        "member",
        "TeamMember",
        TEAM % "members { @ }",
        {
            "supervisor's work": "employee status log recordedMinutes requiredMinutes "
            "pendingCount lastActivityAt"
        },
    ),
    Place(
        "summary",
        "TeamSummary",
        TEAM % "summary { @ }",
        {"supervisor's work": "members recordedMinutes requiredMinutes pendingCount statuses"},
    ),
    Place(
        "statuses",
        "StatusCount",
        TEAM % "summary { statuses { @ } }",
        {"supervisor's work": "status count"},
    ),
    Place(
        "viewer",
        "Viewer",
        "viewer { @ }",
        {
            "signed in": "roles unreadCount",
            "employees": "employee",
            "pending": "pendingRecords",
        },
    ),
    node(
        "connector",
        "Connector",
        "connector",
        {
            "feeds": "id plugin title enabled pollSeconds nextPollAt failures latestRun "
            "waitingCount deadLetterCount"
        },
    ),
    node(
        "run",
        "Run",
        "run",
        {"feeds": "id startedAt endedAt state received accepted problem"},
    ),
    node(
        "dead letter",
        "DeadLetter",
        "dead letter",
        {"feeds": "id cause detail createdAt resolvedAt connector sourceId body"},
    ),
    Place(
        "dead letters",
        "DeadLetterConnection",
        "deadLetters { @ }",
        {"feeds": "edges", "signed in": "pageInfo totalCount"},
    ),
    Place(
        "edge to a dead letter",
        "DeadLetterEdge",
        "deadLetters { edges { @ } }",
        {"feeds": "cursor node"},
    ),
    Place("check before a cycle", "CycleCheck", CHECK % "@", {"feeds": "on counts problems"}),
    Place(
        "problems by kind",
        "ProblemCount",
        CHECK % "counts { @ }",
        {"feeds": "kind severity count"},
    ),
    Place("problems", "ProblemConnection", CHECK % "problems { @ }", {"feeds": CONNECTION}),
    Place(
        "edge to a problem",
        "ProblemEdge",
        CHECK % "problems { edges { @ } }",
        {"feeds": "cursor node"},
    ),
    Place(
        "problem",
        "Problem",
        CHECK % "problems { edges { node { @ } } }",
        {"feeds": "kind severity subject detail mender menders"},
    ),
)

ROOT: Mapping[str, tuple[str, str]] = {
    "node": ("work", 'node(id: "{target T}") { id }'),
    "viewer": ("signed in", "viewer { roles }"),
    "agency": ("directory", 'agency(code: "DC") { id }'),
    "unit": ("directory", 'unit(agency: "DC", code: "C") { id }'),
    "employee": ("directory", 'employee(nip: "{nip}") { id }'),
    "target": ("work", 'target(id: "{target T}") { id }'),
    "team": ("supervisor's work", TEAM % "on"),
    "connectors": ("feeds", "connectors { id }"),
    "deadLetters": ("feeds", "deadLetters { edges { cursor } }"),
    "cycleCheck": ("feeds", CHECK % "on"),
}

ARGUMENTS = {
    "Agency.goals": '(period: "2026")',
    "Unit.targets": '(period: "2026")',
    "Unit.teams": '(on: "2026-11-24")',
    "Employee.plan": '(period: "2026")',
    "Employee.targets": '(period: "2026")',
    "Employee.dailyLog": '(on: "2026-11-24")',
    "Employee.calendar": '(from: "2026-11-24", to: "2026-11-24")',
}

# Mutations: what each viewer is answered, by the payload's code; RAISED is a GraphQL error.
OK = "OK"
INPUT = 'startsAt: "2026-11-24T11:40:00+07:00", endsAt: "2026-11-24T11:50:00+07:00"'
MUTATIONS: Mapping[str, tuple[str, frozenset[str], str]] = {
    "logProgress": (
        'input: {target: "{target T}", quantity: 1, description: "Rapat", ' + INPUT + "}",
        frozenset({"self"}),
        "TARGET_NOT_YOURS",
    ),
    "confirmProgress": (
        'input: {records: [{id: "{to confirm}"}]}',
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "dismissProgress": (
        'input: {id: "{to dismiss}", reason: "Bukan saya"}',
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "correctProgress": (
        'input: {id: "{to correct}", reason: "Keliru", description: "Rapat", '
        + INPUT.replace("T11:", "T06:")
        + "}",
        frozenset({"self"}),
        "NOT_FOUND",
    ),
    "returnProgress": (
        'input: {id: "{to return}", comment: "Lengkapi"}',
        frozenset({"supervisor", "superior"}),
        "NOT_FOUND",
    ),
    "submitActivity": (
        'input: {sourceId: "D-9", nip: "{nip}", kind: "surat", title: "Surat", '
        'occurredAt: "2026-11-24T08:00:00+07:00"}',
        frozenset({"connector"}),
        "NOT_FOUND",
    ),
    "replayDeadLetter": (
        'input: {id: "{dead letter}"}',
        frozenset({"administrator"}),
        "NOT_FOUND",
    ),
}

# Subscriptions: whom they tell of a change in the staff member's day; others are refused at
# the start, or (their own inbox) told nothing.
SUBSCRIPTIONS: Mapping[str, tuple[str, str, str | None]] = {
    "teamUpdates": ("supervisor's work", 'teamUpdates(supervisor: "{supervisor}")', "NOT_FOUND"),
    "pendingProgress": ("pending", "pendingProgress", None),
    "targetProgress": ("work", 'targetProgress(target: "{target T}")', "NOT_FOUND"),
}

# Answered by mutations and subscriptions, with all their fields.
PAYLOADS = {
    "LogProgressPayload",
    "ConfirmProgressPayload",
    "DismissProgressPayload",
    "CorrectProgressPayload",
    "ReturnProgressPayload",
    "SubmitActivityPayload",
    "ReplayDeadLetterPayload",
    "UserError",
    "TeamUpdate",
    "TargetUpdate",
}


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with world_in(fresh_database) as world:
        yield world


def types() -> Iterator[GraphQLObjectType]:
    graph = schema()._schema
    roots = {graph.query_type, graph.mutation_type, graph.subscription_type}
    for type_ in graph.type_map.values():
        hidden = type_.name.startswith("__") or type_ in roots
        if isinstance(type_, GraphQLObjectType) and not hidden:
            yield type_


def fields_of(type_name: str) -> Mapping[str, GraphQLField]:
    type_ = schema()._schema.type_map[type_name]
    assert isinstance(type_, GraphQLObjectType)
    return type_.fields


def selected(type_name: str, name: str, *, under: str | None = None) -> str:
    """A field with its arguments and enough below it to tell whether something is shown."""
    inner = get_named_type(fields_of(type_name)[name].type)
    text = (under or name) + ARGUMENTS.get(f"{type_name}.{name}", "")
    if inner.name.endswith("Connection"):
        return text + " { edges { __typename } }"
    if isinstance(inner, GraphQLObjectType | GraphQLUnionType | GraphQLInterfaceType):
        return text + " { __typename }"
    return text


def whole(type_name: str) -> str:
    """All fields of a type."""
    return " ".join(selected(type_name, name) for name in fields_of(type_name))


def shown(value: Any) -> bool:
    if isinstance(value, dict) and "edges" in value:
        return bool(value["edges"])
    return value is not None and value != []


def names(world: World) -> dict[str, str]:
    """What stands for the braces of a document."""
    found = {
        "agency": key_of(world.rows["agency"]),
        "staff": key_of(world.people[STAFF]),
        "nip": STAFF,
        "supervisor": key_of(world.people[SUPERVISOR]),
        "superior": key_of(world.people[SUPERIOR]),
        "plan": key_of(world.rows["plan"]),
        "connector": key_of(world.installation),
        "run": key_of(world.rows["run"]),
        "dead letter": key_of(world.dead_letter),
        "stage": key_of(world.stages[0]),
        "unit C": key_of(world.rows["unit C"]),
        "activity": key_of(world.rows["activity"]),
        "pending activity": key_of(world.rows["pending activity"]),
    }
    found |= {f"target {code}": key_of(row) for code, row in world.targets.items()}
    found |= {f"indicator {code}": key_of(row) for code, row in world.indicators.items()}
    found |= {f"action {code}": key_of(world.rows[f"action {code}"]) for code in ("T", "U")}
    return found | {name: key_of(row) for name, row in world.records.items()}


def filled(document: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        document = document.replace("{" + name + "}", value)
    return document


def marked(value: Any) -> Iterator[dict[str, Any]]:
    """The objects of an answer that a place speaks of."""
    if isinstance(value, dict):
        if "marker" in value:
            yield value
        for inner in value.values():
            yield from marked(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from marked(inner)


async def look(place: Place, api: Api, values: Mapping[str, str]) -> dict[str, bool]:
    """Which fields of the object in a place the viewer is shown."""
    every = [name for row in place.fields.values() for name in row.split()]
    inside = "marker: __typename " + " ".join(
        selected(place.type_name, name, under=f"{name}: {name}") for name in every
    )
    picked = values[place.pick] if place.pick else None
    answer = await api.run(filled("{ " + place.document.replace("@", inside) + " }", values))
    objects = [one for one in marked(answer.data) if picked in (None, one.get("id"))]
    assert {one["marker"] for one in objects} <= {place.type_name}
    return {name: any(shown(one[name]) for one in objects) for name in every}


def test_every_field_of_every_type_has_its_expectation() -> None:
    spoken: dict[str, set[str]] = {}
    for place in PLACES:
        listed = [name for row in place.fields.values() for name in row.split()]
        assert sorted(listed) == sorted(fields_of(place.type_name)), place.name
        valued = {
            name for row, some in place.fields.items() if row != "never" for name in some.split()
        }
        spoken.setdefault(place.type_name, set()).update(valued)

    # `cursor` has a value in a subscription only; there it is looked at.
    spoken["ProgressRecord"].add("cursor")
    expected = {type_.name: set(type_.fields) for type_ in types() if type_.name not in PAYLOADS}
    assert spoken == expected


def test_every_operation_has_its_expectation() -> None:
    graph = schema()._schema
    assert graph.query_type is not None
    assert graph.mutation_type is not None
    assert graph.subscription_type is not None

    assert set(ROOT) == set(graph.query_type.fields)
    assert set(MUTATIONS) == set(graph.mutation_type.fields)
    assert set(SUBSCRIPTIONS) == set(graph.subscription_type.fields)


def test_every_node_is_met_by_its_id() -> None:
    by_id = {place.type_name for place in PLACES if place.document.startswith("node(")}

    assert {type_.name for type_ in types() if type_.interfaces} <= by_id


async def test_each_viewer_is_shown_what_the_table_says(world: World) -> None:
    values = names(world)
    wrong = []
    for viewer in VIEWERS:
        for place in PLACES:
            seen = await look(place, Api.of(viewer), values)
            for row, some in place.fields.items():
                for name in some.split():
                    if seen[name] is not (viewer in WHO[row]):
                        wrong.append((viewer, place.name, name, seen[name]))

    assert wrong == []


async def test_each_viewer_is_answered_at_the_root_as_the_table_says(world: World) -> None:
    values = names(world)
    seen, expected = {}, {}
    for viewer in VIEWERS:
        for name, (row, document) in ROOT.items():
            answer = await Api.of(viewer).run(filled("{ " + document + " }", values))
            seen[viewer, name] = bool(answer.data and shown(answer.data[name]))
            expected[viewer, name] = viewer in WHO[row]
            assert (answer.codes == ("UNAUTHENTICATED",)) is (viewer == "nobody"), name

    assert seen == expected


async def mutate(name: str, arguments: str, api: Api) -> str:
    """OK, or the code of the refusal. The payload is read with all its fields."""
    graph = schema()._schema
    assert graph.mutation_type is not None
    payload = get_named_type(graph.mutation_type.fields[name].type).name
    errors = "userErrors { " + whole("UserError") + " }"
    fields = " ".join(
        errors if one == "userErrors" else selected(payload, one) for one in fields_of(payload)
    )
    answer = await api.run(f"mutation {{ {name}({arguments}) {{ {fields} }} }}")
    if answer.data is None:
        return answer.codes[0]
    refused = answer.data[name]["userErrors"]
    changed = [value for key, value in answer.data[name].items() if key != "userErrors"]
    assert bool(refused) is not any(bool(value) for value in changed)
    return refused[0]["code"] if refused else OK


def permitted(viewer: str, name: str) -> str:
    """What the table says of a mutation."""
    _, allowed, refusal = MUTATIONS[name]
    if viewer == "nobody":
        return "UNAUTHENTICATED"
    # Who is no employee has no plan in which a target could be looked for.
    no_plan = name == "logProgress" and viewer not in WHO["employees"]
    return OK if viewer in allowed else "NOT_FOUND" if no_plan else refusal


# The superior apart: a record can be returned once.
@pytest.mark.parametrize("viewers", [frozenset(VIEWERS) - {"superior"}, {"superior"}])
async def test_each_viewer_may_do_what_the_table_says(world: World, viewers: set[str]) -> None:
    values = names(world)
    pairs = [(viewer, name) for viewer in viewers for name in MUTATIONS]
    # Those who are refused come first, so that they meet everything as it was.
    pairs.sort(key=lambda pair: permitted(*pair) == OK)

    answers = {
        (viewer, name): await mutate(name, filled(MUTATIONS[name][0], values), Api.of(viewer))
        for viewer, name in pairs
    }

    assert answers == {pair: permitted(*pair) for pair in pairs}


async def test_each_viewer_may_follow_what_the_table_says(world: World) -> None:
    values = names(world)
    event = event_of(
        world.records["waiting"],
        EventKind.PROGRESS_RECEIVED,
        superior_ids=frozenset({world.people[SUPERVISOR].id, world.people[SUPERIOR].id}),
        target_ids=frozenset({world.targets["T"].id}),
    )
    graph = schema()._schema
    assert graph.subscription_type is not None
    answers, expected = {}, {}
    for viewer in VIEWERS:
        for name, (row, document, refusal) in SUBSCRIPTIONS.items():
            inner = get_named_type(graph.subscription_type.fields[name].type).name
            text = filled(f"subscription {{ {document} {{ {whole(inner)} }} }}", values)
            api = Api.of(viewer, feed=ScriptedFeed(event))
            messages = [one async for one in api.follow(text)]
            cursors = [one.data[name]["cursor"] for one in messages if one.data]
            codes = [code for one in messages for code in one.codes]
            answers[viewer, name] = ("1" in cursors, codes)
            told = viewer in WHO[row]
            code = "UNAUTHENTICATED" if viewer == "nobody" else None if told else refusal
            expected[viewer, name] = (told, [code] if code else [])

    assert answers == expected


# Not yours, and not there: word for word the same answer.
LOOK_UPS = {
    "node": 'node(id: "%s") { __typename id }',
    "target": 'target(id: "%s") { id title }',
    "team": 'team(supervisor: "%s") { on }',
    "deadLetters": 'deadLetters(connector: "%s") { totalCount edges { cursor } }',
    "unit": 'unit(agency: "%s", code: "C") { id }',
    "agency": 'agency(code: "%s") { id }',
    "employee": 'employee(nip: "%s") { id }',
    "cycleCheck": 'cycleCheck(agency: "%s", period: "2026") { on counts { count } }',
}
NO_LETTERS = {"deadLetters": {"totalCount": 0, "edges": []}}


def of_another_agency(values: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Look-ups of the staff member's agency, each with one of what is nowhere."""
    for place in PLACES:
        if place.document.startswith("node("):
            name = place.document.split("{", 1)[1].split("}", 1)[0]
            kind = place.document.split(" on ")[1].split()[0]
            yield "node", values[name], random_id(kind)
    yield "target", values["target U"], random_id("Target")
    yield "team", values["supervisor"], random_id("Employee")
    yield "deadLetters", values["connector"], random_id("Connector")
    yield "unit", "DC", "DZ"
    yield "agency", "DC", "DZ"
    yield "employee", STAFF, "199001012015039999"
    yield "cycleCheck", "DC", "DZ"


async def test_not_yours_and_not_there_are_one_answer(world: World) -> None:
    for viewer in ("other administrator", "other agency", "connector"):
        api = Api.of(viewer)
        for name, theirs, nowhere in of_another_agency(names(world)):
            document = "{ " + LOOK_UPS[name] + " }"
            answers = [await api.run(document % key) for key in (theirs, nowhere)]

            assert answers[0] == answers[1], (viewer, name, theirs)
            assert answers[0].data in (None, {name: None}, NO_LETTERS)


async def test_refused_writes_do_not_tell_whether_something_is_there(world: World) -> None:
    values = names(world)
    of_type = {"target T": "Target", "dead letter": "DeadLetter"}
    nothing = {key: random_id(of_type.get(key, "ProgressRecord")) for key in values}
    nothing |= {"nip": STAFF}
    document = "mutation {{ {}({}) {{ userErrors {{ code field message }} }} }}"
    for viewer in ("colleague", "other supervisor", "other agency", "connector", "auditor"):
        for name, (arguments, allowed, _) in MUTATIONS.items():
            if viewer in allowed:
                continue
            answers = [
                await Api.of(viewer).run(document.format(name, filled(arguments, some)))
                for some in (values, nothing)
            ]

            assert answers[0] == answers[1]
            assert answers[0].data[name]["userErrors"], name


@pytest.mark.parametrize("after", [None, "0"])
async def test_refused_streams_do_not_tell_whether_something_is_there(
    world: World, after: str | None
) -> None:
    moved = frozenset({world.targets["T"].id})
    event = event_of(world.records["confirmed"], EventKind.PROGRESS_CONFIRMED, target_ids=moved)
    api = Api.of("colleague", feed=ScriptedFeed(event))
    document = (
        "subscription($t: ID!, $a: String) { targetProgress(target: $t, after: $a) { cursor } }"
    )

    async def answers(key: str) -> list[Answer]:
        return [one async for one in api.follow(document, t=key, a=after)]

    theirs, nowhere = await answers(key_of(world.targets["T"])), await answers(random_id("Target"))

    assert theirs == nowhere == [Answer(None, ("NOT_FOUND",), ("Target was not found.",))]


async def test_others_see_of_pending_records_only_how_many_there_are(world: World) -> None:
    document = filled(
        '{ team(supervisor: "{supervisor}", on: "2026-11-24") { members { pendingCount '
        "employee { id } log { pendingCount records { id state } } } } }",
        names(world),
    )

    answer = await Api.of("supervisor").data(document)

    (staff,) = [
        one
        for one in answer["team"]["members"]
        if one["employee"]["id"] == key_of(world.people[STAFF])
    ]
    # waiting, to confirm and to dismiss
    assert staff["pendingCount"] == staff["log"]["pendingCount"] == 3
    states = {record["state"] for record in staff["log"]["records"]}
    assert states == {"CONFIRMED", "SUPERSEDED"}


async def test_an_id_of_another_type_or_without_a_key_finds_nothing(world: World) -> None:
    values = names(world)
    api = Api.of("self")
    for key in (values["staff"].replace("=", ""), "VW5pdDphYmM=", values["indicator T"]):
        answer = await api.run("query($k: ID!) { target(id: $k) { id } }", k=key)
        assert answer == Answer({"target": None}), key

    assert await api.run('{ node(id: "VW5pdDphYmM=") { id } }') == Answer({"node": None})
    assert await api.run('{ node(id: "Tm90aGluZzphYmM=") { id } }') == Answer({"node": None})
