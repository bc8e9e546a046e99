"""Nobody without the right reads or infers another's rating, feedback or amount.

Everything that the graph can be asked is asked by everybody; then what is secret about one person
is changed, and some of it taken away, and everything is asked again. Who may not see it is answered
the same text, byte by byte: no field, count, page, board or order depends on it. Whoever may see it
is answered another one, so that the walk does reach it. New types are walked as they come.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest
from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLObjectType,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_non_null_type,
    is_object_type,
)
from strawberry.relay import to_base64

from schema.access import Scope, can_audit, can_see_appraisal, can_see_career
from schema.appraisals.models import Appraisal, FeedbackRequest, ResultDelivery, UnitRating
from schema.consequences.models import Consequence, RuleSet
from schema.organizations.models import Agency, Employee, Unit
from schema.plans.models import EvaluationPeriod, PerformancePlan
from schema.tables import Row, dicts_of
from server.database import DatabaseRole, opened
from tests.copies import Copies
from tests.factories import key_of, schema
from tests.schema.test_differential import context_of
from tests.two_agencies import World, build

pytestmark = pytest.mark.slow

DEPTH = 1
"""Objects below a node or a root field; every row with an id is a beginning of its own. (At 2 it
holds too, in seven times the time.)"""
WALKED: Mapping[type[Row], str] = {
    Agency: "",
    Unit: "",
    EvaluationPeriod: "",
    RuleSet: "",
    Employee: "id",
    PerformancePlan: "employee_id",
    Appraisal: "employee_id",
    Consequence: "employee_id",
    UnitRating: "head_id",
    FeedbackRequest: "appraisal__employee_id",
    ResultDelivery: "appraisal__employee_id",
}
"""What an appraisal is reached from: all rows, or those that are the person's by a column."""
GIVEN = {
    "agency": '"A"',
    "code": '"A"',
    "unit": '"1.1"',
    "period": '"2026"',
    "on": '"2026-11-24"',
    "from": '"2026-11-01"',
    "to": '"2026-11-30"',
    "span": "PERIOD",
    "month": '"2026-01-01"',
}
"""Values of required arguments by their name; the others are ids of the world."""
BY_ID = {"node", "target", "employee"}
"""Root fields that find one thing: they are walked by `node`."""


@dataclass(frozen=True)
class Secret:
    """What is changed about somebody, and who may know."""

    name: str
    statements: Sequence[str]
    may_know: Callable[[Scope, Any, Any], bool]


OTHER_DOCUMENT = """document = document || ' ',
  digest = encode(sha256(convert_to(document || ' ', 'UTF8')), 'hex')"""
OF_APPRAISALS = "(SELECT id FROM appraisal WHERE employee_id = $1)"
SAID = Secret(
    "what one person said",  # too few to be shown: it is its author's alone
    (
        "UPDATE feedback_answer SET score = 1, comment = 'lain' WHERE request_id IN "
        f"(SELECT id FROM feedback_request WHERE appraisal_id IN {OF_APPRAISALS})",
        "DELETE FROM feedback_answer WHERE behaviour = 'HARMONIOUS' AND request_id IN "
        f"(SELECT id FROM feedback_request WHERE appraisal_id IN {OF_APPRAISALS})",
    ),
    lambda scope, person, appraisal: False,
)
SECRETS = (
    Secret(
        "ratings",
        (
            "UPDATE appraisal SET work_rating = 'BELOW', behaviour_rating = 'BELOW', "
            "predicate = 'VERY_POOR', work_reason = 'lain', behaviour_reason = 'lain' "
            "WHERE employee_id = $1",
            f"UPDATE appraisal_line SET reason = 'lain' WHERE appraisal_id IN {OF_APPRAISALS}",
            "DELETE FROM appraisal_line WHERE behaviour IS NOT NULL "
            f"AND appraisal_id IN {OF_APPRAISALS}",
            f"UPDATE appraisal_event SET comment = 'lain' WHERE appraisal_id IN {OF_APPRAISALS}",
            f"UPDATE appraisal_seal SET {OTHER_DOCUMENT} WHERE appraisal_id IN {OF_APPRAISALS}",
            "UPDATE unit_rating SET predicate = 'POOR', reason = 'lain' WHERE head_id = $1",
            f"UPDATE consequence SET amount = 1, label = 'lain', {OTHER_DOCUMENT} "
            "WHERE employee_id = $1 AND kind IN ('WEIGHT', 'TRAINING')",
        ),
        lambda scope, person, appraisal: can_see_appraisal(scope, appraisal, person),
    ),
    Secret(
        "pay, box and points",
        (
            "UPDATE career SET allowance_base = 1, rank = 'lain' WHERE employee_id = $1",
            "UPDATE potential_score SET score = 1, source = 'lain' WHERE employee_id = $1",
            f"UPDATE consequence SET amount = 1, label = 'lain', {OTHER_DOCUMENT} "
            "WHERE employee_id = $1 AND kind IN ('CREDIT', 'TALENT')",
            "DELETE FROM consequence_basis WHERE consequence_id IN (SELECT id FROM consequence "
            "WHERE employee_id = $1 AND kind = 'ALLOWANCE')",
            "DELETE FROM consequence WHERE employee_id = $1 AND kind = 'ALLOWANCE'",
        ),
        lambda scope, person, appraisal: (
            can_see_career(scope, person) or can_audit(scope, appraisal.agency_id)
        ),
    ),
    SAID,
)
CHANGED = (
    "appraisal",
    "appraisal_line",
    "appraisal_event",
    "appraisal_seal",
    "unit_rating",
    "career",
    "potential_score",
    "consequence",
    "consequence_basis",
    "feedback_answer",
)
FEW = """
INSERT INTO feedback_answer (id, request_id, behaviour, score, comment)
SELECT gen_random_uuid(), q.id, 'HARMONIOUS', 2, 'pelan' FROM feedback_request q
"""
OVER = "UPDATE feedback_request SET closes_at = closes_at - interval '1 day'"


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with (
        copies.of(build, build) as (database, world),
        opened(database, DatabaseRole.OWNER),
    ):
        # What the history of the application forbids is done here by its owner.
        for table in (*CHANGED, "feedback_request"):
            await dicts_of(f"ALTER TABLE {table} DISABLE TRIGGER USER", [])
        await dicts_of(OVER, [])
        await dicts_of(FEW, [])
        yield world


def everything(kind: GraphQLNamedType, depth: int, found: Mapping[str, str]) -> str:
    """All fields of a type, and of what is below it."""
    graph = schema()._schema
    if is_abstract_type(kind):
        some = sorted(graph.get_possible_types(kind), key=lambda one: one.name)
        inner = [f"... on {one.name} {{ {everything(one, depth, found)} }}" for one in some]
        return " ".join(["__typename", *inner])
    assert isinstance(kind, GraphQLObjectType)
    parts = (one_field(name, field, depth, found) for name, field in kind.fields.items())
    # Members of a union may give one name other types: each has a key of its own.
    return " ".join(["__typename", *filter(None, parts)])


def one_field(name: str, field: GraphQLField, depth: int, found: Mapping[str, str]) -> str:
    given = []
    for argument, definition in field.args.items():
        if is_non_null_type(definition.type) or argument == "evaluationPeriod":
            given.append(f"{argument}: {found[argument]}")
    named = get_named_type(field.type)
    text = f"({', '.join(given)})" if given else ""
    key = f"{name}_{named.name}: {name}{text}"
    if is_leaf_type(named):
        return key
    # A connection and its edges are on the way to what is in them.
    on_the_way = named.name.endswith(("Connection", "Edge"))
    if not depth and not on_the_way:
        return ""
    return f"{key} {{ {everything(named, depth - (not on_the_way), found)} }}"


def documents(keys: Sequence[str], found: Mapping[str, str]) -> Iterator[str]:
    graph = schema()._schema
    assert graph.query_type is not None
    for key in keys:
        kind = graph.get_type(key.split(" ")[0])
        assert is_object_type(kind)
        inner = everything(kind, DEPTH, found)
        yield f'{{ node(id: "{key.split(" ")[1]}") {{ ... on {kind.name} {{ {inner} }} }} }}'
    for name, field in graph.query_type.fields.items():
        if name not in BY_ID:
            yield f"{{ {one_field(name, field, DEPTH + 1, found)} }}"


async def nodes(person: Employee) -> list[str]:
    """Type and id of every row that the walk begins at."""
    return [
        f"{table.__name__} {to_base64(table.__name__, row.id)}"
        for table, column in WALKED.items()
        for row in await table.filter(**({column: person.id} if column else {}))
    ]


async def asked(scope: Scope, texts: Sequence[str]) -> list[str]:
    """What a viewer is answered, each as text."""
    answers = []
    for text in texts:
        result = await schema().execute(text, context_value=context_of(scope))
        errors = [str(one.message) for one in result.errors or ()]
        answers.append(orjson.dumps([result.data, errors]).decode())
    return answers


async def test_what_may_not_be_seen_changes_no_answer(world: World) -> None:
    person = world.people["employee"]
    appraisal = await Appraisal.get(employee=person)
    evaluation, rules = await EvaluationPeriod.first(), await RuleSet.first()
    assert evaluation is not None
    assert rules is not None
    ids = {"evaluationPeriod": evaluation, "ruleSet": rules}
    given = GIVEN | {name: f'"{key_of(row)}"' for name, row in ids.items()}
    texts, viewers = list(documents(await nodes(person), given)), await world.viewers()
    before = {name: await asked(scope, texts) for name, scope in viewers.items()}

    for secret in SECRETS:
        for statement in secret.statements:
            await dicts_of(statement, [person.id])
        after = {name: await asked(scope, texts) for name, scope in viewers.items()}

        told = {name for name in viewers if before[name] != after[name]}
        may = {n for n, scope in viewers.items() if secret.may_know(scope, person, appraisal)}
        if secret is SAID:
            (request,) = await FeedbackRequest.filter(appraisal=appraisal)
            may = {n for n, scope in viewers.items() if scope.employee_id == request.respondent_id}
        assert told == may, secret.name
        assert may < set(viewers), secret.name
        before = after
