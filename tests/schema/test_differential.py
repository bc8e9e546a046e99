"""The read path against a plain executor over the same rows: random operations, every viewer.

EKINERJA_DIFFERENTIAL sets how many operations are tried. A failure names the seed and the viewer.
"""

import os
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
from graphql import GraphQLError, GraphQLSchema, parse, validate
from strawberry.relay import to_base64

from schema.access import Scope, as_superior_of_oneself
from schema.appraisals.models import AppraisalState, FeedbackRequest, Predicate, SendingState
from schema.consequences.models import RuleKind, RuleSet
from schema.consequences.rule_tables import Pool
from schema.context import Context
from schema.errors import DomainError, Language, Unauthenticated
from schema.feeds.models import DeadLetterCause
from schema.graph import build_schema
from schema.organizations.directory_values import ChangeKind
from schema.organizations.models import Agency, Employee
from schema.plans.models import EvaluationPeriod
from schema.progress.models import ProgressRecord
from schema.readiness.rules import RULES, ProblemKind
from schema.targets.models import Period, Target
from schema.teams.board import BoardSpan
from schema.teams.models import PresenceStatus
from server.database import DatabaseRole, opened
from tests.copies import Copies
from tests.enrich import enrich
from tests.factories import ScriptedFeed
from tests.operations import Generator, Operation, Pools
from tests.reference import NAMES, NODES, Reference, Rows, answer, cursor_of, reference_schema
from tests.two_agencies import DAY, NIPS, NOON, World, build

QUICK, FULL = 150, 2_000
"""Operations of `make test`, and of its slow kinds."""


@dataclass(frozen=True)
class Both:
    """The served schema and the plain one, over one database."""

    rows: Rows
    viewers: dict[str, Scope]
    pools: Pools
    plain: GraphQLSchema


served = build_schema()


async def enriched() -> World:
    world = await build()
    await enrich(world)
    return world


@pytest.fixture
async def both(copies: Copies) -> AsyncIterator[Both]:
    async with (
        copies.of(enriched, enriched) as (database, world),
        opened(database, DatabaseRole.OWNER),
    ):
        rows = await Rows.read()
        yield Both(rows, await world.viewers(), pools_of(rows), reference_schema())


def pools_of(rows: Rows) -> Pools:
    """Values of arguments by their name."""
    graph_names = {table: name for name, table in NAMES.items()}
    ids = [
        to_base64(graph_names.get(table, table.__name__), key)
        for table in NODES
        for key in rows.by_key[table]
    ]
    employees = [
        one for one in ids if one in {to_base64("Employee", k) for k in rows.by_key[Employee]}
    ]
    evaluations = [to_base64("EvaluationPeriod", k) for k in rows.by_key[EvaluationPeriod]]
    targets = [to_base64("Target", k) for k in rows.by_key[Target]]
    wrong = [to_base64("Target", "x"), to_base64("Agency", DAY), "!", ""]
    records = list(rows.all(ProgressRecord))
    cursors = [cursor_of((row.id,)) for row in records] + [
        cursor_of((row.starts_at, row.id)) for row in records
    ]
    middle = UUID(int=2**127)
    cursors += [cursor_of((RULES[kind].severity.value, kind.value, middle)) for kind in ProblemKind]
    cursors += [
        urlsafe_b64encode(f'["{day}","Employee","{middle}"]'.encode()).decode().rstrip("=")
        for day in ("2026-11-22", "2026-11-24")
    ]
    cursors += [cursor_of((one, middle)) for one in ("asked", "given")]
    days = ["2026-11-24", "2026-11-23", "2026-11-22", "2026-11-28", "2026-01-01"]
    return {
        # `id` is asked of nodes and of targets alike
        "id": ids + targets * 2 + wrong,
        "code": ["A", "B", "1", "1.1", "zz"],
        "unit": ["1", "1", "1.1", "1.2", "zz"],
        "span": list(BoardSpan),
        "status": [*PresenceStatus, None],
        "agency": ["A", "A", "B", "zz"],
        "nip": [*NIPS.values(), "0" * 18],
        "period": ["2026", "2026", "2026", "2025"],
        "evaluationPeriod": [*evaluations * 3, *wrong],
        "states": [*AppraisalState, None],
        "predicates": [*Predicate, None],
        "on": [*days, None],
        "from": days,
        "to": [*days, "2027-11-24"],
        "supervisor": [*employees, *wrong, None],
        "connector": [one for one in ids if one.startswith("Q29u")] + wrong,
        "source": ["fake", "other", None],
        "state": ["PENDING", "CONFIRMED", "DISMISSED", None],
        "kind": [*ProblemKind, None, None],
        "ruleKind": [*RuleKind, None],
        "ruleSet": [to_base64("RuleSet", key) for key in rows.by_key[RuleSet]] * 2 + wrong,
        "month": ["2026-01-01", "2026-01-15", "2026-02-01", None, None],
        "pool": [*Pool, None],
        "box": [8, 9, None],
        "change": [*ChangeKind, None, None],
        "standing": [*SendingState, None, None],
        "cause": [*DeadLetterCause, None],
        "resolved": [True, False, None],
        "all": [True, False, None],
        "first": [1, 2, 5, 100, 0, 101, None],
        "last": [1, 2, 5, 100, 0, None],
        "after": [*cursors, "x", "", None],
        "before": [*cursors, "x", None],
    }


def context_of(scope: Scope) -> Context:
    async def authorise() -> Any:
        raise Unauthenticated

    return Context(
        scope=scope,
        language=Language.ENGLISH,
        feed=ScriptedFeed(),
        authorise=authorise,
        now=lambda: NOON,
    )


def told(errors: list[GraphQLError] | None) -> set[tuple[Any, ...]]:
    """Where something was refused, and why. Anything that is no refusal is a fault of ours."""
    found = set()
    for error in errors or ():
        refused = error.original_error
        assert isinstance(refused, DomainError), error
        found.add((tuple(error.path or ()), refused.code))
    return found


async def both_answers(both: Both, viewer: str, asked: Operation) -> tuple[Any, Any]:
    scope = both.viewers[viewer]
    ours = await served.execute(
        asked.text, variable_values=dict(asked.variables), context_value=context_of(scope)
    )
    plain = answer(both.plain, Reference(both.rows, scope, NOON), asked.text, asked.variables)
    return (
        (orjson.loads(orjson.dumps(ours.data)), told(ours.errors)),
        (orjson.loads(orjson.dumps(plain.data, default=str)), told(plain.errors)),
    )


def difference(ours: Any, plain: Any, path: str = "") -> str:
    """The first place where two answers differ."""
    if isinstance(ours, dict) and isinstance(plain, dict) and ours.keys() == plain.keys():
        pairs = [(f"{path}.{key}", ours[key], plain[key]) for key in ours]
    elif isinstance(ours, list | tuple) and len(ours) == len(plain or ()):
        pairs = [(f"{path}[{n}]", *two) for n, two in enumerate(zip(ours, plain, strict=True))]
    else:
        return f"{path}: {ours!r} here, {plain!r} by the plain executor"
    return next((difference(a, b, where) for where, a, b in pairs if a != b), "")


async def compare(both: Both, number: int) -> None:
    names = list(both.viewers)
    objects = tried = 0
    for seed in range(number):
        viewer = names[seed % len(names)]
        asked = Generator(both.plain, both.pools, Random(seed)).operation()
        if validate(both.plain, parse(asked.text)):
            continue
        tried += 1
        ours, plain = await both_answers(both, viewer, asked)
        where = f"seed {seed}, {viewer}: {asked.text}\n{asked.variables}"
        assert ours == plain, f"{difference(ours, plain)}\n{where}"
        # Key by key in the order of the document, as the specification has it.
        assert orjson.dumps(ours[0]) == orjson.dumps(plain[0]), where
        objects += str(plain[0]).count("{")
    assert tried > 0.95 * number
    # They are about something: more than an object an operation, refused ones among them.
    assert objects > 1.5 * number


async def test_random_operations_are_answered_as_a_plain_executor_answers_them(both: Both) -> None:
    await compare(both, int(os.environ.get("EKINERJA_DIFFERENTIAL", QUICK)))


async def test_what_others_see_of_oneself_is_answered_as_a_plain_executor_does(both: Both) -> None:
    """Operations of `viewAs` only, by every employee, held against rights worked out apart."""
    plain = reference_schema(of_oneself=True)
    told_of = 0
    for seed in range(int(os.environ.get("EKINERJA_DIFFERENTIAL", QUICK)) // 3):
        viewer = list(NIPS)[seed % len(NIPS)]
        asked = Generator(plain, both.pools, Random(seed)).operation()
        if validate(plain, parse(asked.text)):
            continue
        scope = both.viewers[viewer]
        as_others = as_superior_of_oneself(scope)
        assert as_others is not None
        ours = await served.execute(
            asked.text, variable_values=dict(asked.variables), context_value=context_of(scope)
        )
        theirs = answer(plain, Reference(both.rows, as_others, NOON), asked.text, asked.variables)

        found = orjson.loads(orjson.dumps(ours.data)), told(ours.errors)
        expected = orjson.loads(orjson.dumps(theirs.data, default=str)), told(theirs.errors)
        where = f"seed {seed}, {viewer}: {asked.text}\n{asked.variables}"
        assert found == expected, f"{difference(found, expected)}\n{where}"
        told_of += str(expected[0]).count("{")
    assert told_of > QUICK


async def test_a_team_with_somebody_of_another_agency_is_told_whole(both: Both) -> None:
    """Their post is seen, its unit is of a directory that is not the superior's: null, and the rest
    of the team is there."""
    text = "{ team { members { employee { name posts { position unit { code } } } } } }"

    ours, plain = await both_answers(both, "boss", Operation(text, {}))

    assert ours == plain
    (answer, refused) = ours
    assert refused == set()
    told_of = {one["employee"]["name"]: one["employee"]["posts"] for one in
               answer["team"]["members"]}  # fmt: skip
    assert told_of["Lent"][0] == {"position": "Pelaksana", "unit": None}
    assert told_of["Employee"][0]["unit"] == {"code": "1.1"}


@pytest.mark.slow
async def test_digests_and_notices_are_answered_alike(both: Both) -> None:
    text = """{ previewDigest { on subject body }
      viewer { contact { address muted } notices { edges { node { on subject } } } } }"""
    subjects = set()
    for viewer in both.viewers:
        ours, plain = await both_answers(both, viewer, Operation(text, {}))
        assert ours == plain, viewer
        subjects |= {((ours[0] or {}).get("previewDigest") or {}).get("subject")}
    assert len(subjects) > 1


@pytest.mark.slow
async def test_many_random_operations_are_answered_alike(both: Both) -> None:
    await compare(both, FULL)


ASKED = """id relation startsOn endsOn smallestGroup closesAt answeredAt canAnswer
  about { name } respondent { name nip } answers { behaviour score comment }"""
FEEDBACK = f"""query($a: ID!, $q: ID!) {{
  node(id: $a) {{ ... on Appraisal {{ state feedbackRequests {{ {ASKED} }}
    feedback360 {{ behaviour relation mean answers comments }} }} }}
  request: node(id: $q) {{ ... on FeedbackRequest {{ {ASKED} }} }}
  viewer {{ feedbackAsked(first: 2) {{ totalCount pageInfo {{ hasNextPage }}
    edges {{ cursor node {{ {ASKED} }} }} }} }} }}"""


@pytest.mark.slow
async def test_feedback_is_answered_as_a_plain_executor_answers_it(both: Both) -> None:
    """Everybody of each appraisal and each request."""
    groups: set[str] = set()
    for viewer in both.viewers:
        # The last one of each appraisal.
        for row in {one.appraisal_id: one for one in both.rows.all(FeedbackRequest)}.values():
            keys = {"a": to_base64("Appraisal", row.appraisal_id)}
            asked = Operation(FEEDBACK, keys | {"q": to_base64("FeedbackRequest", row.id)})
            ours, plain = await both_answers(both, viewer, asked)
            assert ours == plain, f"{viewer} {asked.variables}: {difference(ours, plain)}"
            node = (ours[0] or {}).get("node") or {}
            groups |= {f"{viewer} {one['relation']}" for one in node.get("feedback360", ())}
    # The boss's three peers; one of the employee's three is the colleague.
    assert {"boss PEER", "employee PEER", "chief PEER", "auditor PEER"} <= groups
    assert not any("SUBORDINATE" in one for one in groups)


FIGURES = """from to people statuses { status count } requiredMinutes recordedMinutes fillRate
  filledRate notFilled short uncountedDays"""
PERSON = """employeeId name unitCode unitName on status requiredMinutes recordedMinutes
  pendingCount"""
BOARDS = f"""query($unit: String!, $on: Date, $span: BoardSpan!) {{
  unitBoard(agency: "A", unit: $unit, on: $on, span: $span) {{ unit {{ code }} from to
    figures {{ {FIGURES} }} before {{ {FIGURES} }} days {{ {FIGURES} }}
    children {{ unit {{ code }} figures {{ {FIGURES} }} children {{ figures {{ people }} }} }}
    people(first: 100) {{ totalCount edges {{ cursor node {{ {PERSON} }} }} }}
    some: people(first: 2, status: [NOT_FILLED, SHORT, ACTIVE]) {{
      totalCount pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
      edges {{ cursor node {{ {PERSON} }} }} }} }} }}"""
TEAM = """query($supervisor: ID!, $on: Date) { team(supervisor: $supervisor, on: $on) { on
  members { employee { name } status absence { kind state until lastDay } recordedMinutes
    requiredMinutes workingMinutes shortMinutes pendingCount lastActivityAt clockedInAt doneAt
    expectedFrom expectedUntil
    known { status recordedMinutes requiredMinutes pendingCount closedAt }
    log { on pendingMinutes records { description } clock { at } } }
  summary { members recordedMinutes requiredMinutes pendingCount fillRate filled
    statuses { status count } } } }"""


@pytest.mark.slow
async def test_boards_are_answered_as_a_plain_executor_answers_them(both: Both) -> None:
    """Each viewer's boards of every span, and teams of closed and open days."""
    spans = [("2026-11-24", "DAY"), ("2026-11-21", "DAY"), ("2026-11-24", "WEEK")]
    spans += [("2026-11-24", "MONTH"), ("2026-11-24", "PERIOD"), ("2026-02-01", "PERIOD")]
    asked = [
        Operation(BOARDS, {"unit": unit, "on": on, "span": span})
        for unit in ("1", "1.1", "1.2")
        for on, span in spans
    ]
    people = [to_base64("Employee", key) for key in both.rows.by_key[Employee]]
    asked += [
        Operation(TEAM, {"supervisor": person, "on": on})
        for person in people
        for on in ("2026-11-24", "2026-11-22", "2026-11-21")
    ]
    shown = 0
    for viewer in both.viewers:
        for one in asked:
            ours, plain = await both_answers(both, viewer, one)
            assert ours == plain, f"{viewer} {one.variables}: {difference(ours, plain)}"
            shown += "people" in str(ours) or "members" in str(ours)
    assert shown > 100


APPRAISAL = """id state version startsOn endsOn headsUnit workRating workReason behaviourRating
  behaviourReason predicate ratedAt signedAt objectionUntil employee { name } appraiser { name }
  plan { id } evaluationPeriod { id kind } unit { code } unitRating { version predicate }
  ratedBy { name } signedBy { name } lines { target { code } behaviour rating reason }
  objection { reason at outcome answer decidedAt decidedBy { name } }
  history { kind at version comment changes actor { name } } seal { document digest sealedAt }
  evidence { sealed achieved behaviours { behaviour expectation feedbackCount }
    time { requiredMinutes recordedMinutes daysAsked daysFilled longestStreak months }
    results { code title category perspective assignedBy serves achieved knownShare recordCount
      feedbackCount indicators { title aspect unitOfMeasure polarity planned minimum maximum
        baseline realized } stages { title weight completedOn }
      target { id achievement { percentage } } records { totalCount edges { node { id } } } } }"""
CHECK = "kind predicates limit count percentage holds indonesian english"
RATINGS = f"""query($agency: String!, $unit: String!, $of: ID!) {{
  ratingBoard(agency: $agency, unit: $unit, evaluationPeriod: $of) {{
    unit {{ code }} evaluationPeriod {{ kind }} appraisals states {{ state count }}
    rating {{ id version predicate reason setAt unit {{ code }} head {{ name }} setBy {{ name }} }}
    predicates {{ predicate count }}
    guide {{ organization staff rated source checks {{ {CHECK} }} warnings {{ {CHECK} }} }}
    people(first: 100) {{ totalCount edges {{ cursor node {{ {APPRAISAL} }} }} }}
    some: people(first: 1, states: [SIGNED, RATED], predicates: [GOOD]) {{ totalCount
      pageInfo {{ hasNextPage endCursor }} edges {{ node {{ id }} }} }}
    children {{ unit {{ code }} appraisals rating {{ predicate }} guide {{ staff }} }} }}
  unit(agency: $agency, code: $unit) {{ rating(evaluationPeriod: $of) {{ version }} }} }}"""
PERSON_RATED = f"""query($id: ID!) {{ node(id: $id) {{ ... on Employee {{
  appraisals(period: "2026") {{ {APPRAISAL} }} none: appraisals(period: "2025") {{ id }}
  plan(period: "2026") {{ appraisals {{ id }} }} }} }} }}"""


@pytest.mark.slow
async def test_boards_of_ratings_are_answered_as_a_plain_executor_answers_them(both: Both) -> None:
    """Each viewer's boards of every evaluation period, and everybody's appraisals."""
    by_agency: dict[str, list[str]] = {"A": [], "B": []}
    for row in both.rows.all(EvaluationPeriod):
        agency = both.rows.get(Agency, both.rows.get(Period, row.period_id).agency_id)
        by_agency[agency.code].append(to_base64("EvaluationPeriod", row.id))
    places = [("A", unit, of) for unit in ("1", "1.1") for of in by_agency["A"]]
    places += [("B", "1.1", by_agency["B"][0]), ("A", "1.1", by_agency["B"][0])]
    asked = [
        Operation(RATINGS, {"agency": agency, "unit": unit, "of": of})
        for agency, unit, of in places
    ]
    asked += [
        Operation(PERSON_RATED, {"id": to_base64("Employee", row.id)})
        for row in both.rows.all(Employee)
        if row.nip in (NIPS["employee"], NIPS["lent"])
    ]
    text = ""
    for viewer in both.viewers:
        for one in asked:
            ours, plain = await both_answers(both, viewer, one)
            assert ours == plain, f"{viewer} {one.variables}: {difference(ours, plain)}"
            text += str(ours)
    assert text.count("'guide': {") > 10
    assert text.count("'sealed': True") > 10
    assert text.count("'outcome': 'CHANGED'") > 3
