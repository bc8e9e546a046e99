"""Generated operations at the real server: arguments of fields with values that fit their type,
nearly fit it, or are absurd. None is answered by a 5xx or by a masked fault.
"""

import json
from base64 import b64encode
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    build_schema,
    get_named_type,
    is_leaf_type,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.acceptance.conftest import INTERNALS, Attacked
from tests.processes import ROOT

SCHEMA = build_schema((ROOT / "schema" / "schema.graphql").read_text())
# Where a type's fields are asked for; `%s` is the field with its arguments.
PLACES = {
    "Query": "query%s{ %s }",
    "Mutation": "mutation%s{ %s }",
    "Viewer": "query%s{ viewer { %s } }",
    "Employee": "query%s{ viewer { employee { %s } } }",
    "Agency": 'query%s{ agency(code: "6305") { %s } }',
    "Unit": 'query%s{ unit(agency: "6305", code: "6305.NER") { %s } }',
}
KINDS = ("Agency", "Unit", "Employee", "Target", "Indicator", "Stage", "ProgressRecord", "None")
KEYS = ("00000000-0000-7000-8000-000000000000", "1", "", "' OR 1=1 --", "\x00", "é" * 40)

texts = st.text(st.characters(exclude_categories=()), max_size=40) | st.sampled_from(
    ("", " ", "a" * 20_000, "6305", "2026", "198108152005041997", "\x00", "\ud800", "%", "‮")
)
numbers = (
    st.integers(-3, 200)
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
)
absurd = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
instants = st.datetimes().map(lambda at: at.isoformat()) | st.sampled_from(
    ("2026-11-02T01:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "now")
)
global_ids = st.builds(
    lambda kind, key: b64encode(f"{kind}:{key}".encode()).decode(),
    st.sampled_from(KINDS),
    st.sampled_from(KEYS) | st.uuids().map(str),
)
FITTING: dict[str, st.SearchStrategy[Any]] = {
    "ID": global_ids | texts,
    "String": texts,
    "Int": numbers,
    "Boolean": st.booleans(),
    "Date": st.dates().map(lambda day: day.isoformat()) | instants,
    "DateTime": instants,
    "JSON": st.recursive(
        texts | numbers | st.booleans() | st.none(),
        lambda one: st.lists(one, max_size=3) | st.dictionaries(texts, one, max_size=3),
        max_leaves=6,
    ),
    "Decimal": numbers.map(str) | st.sampled_from(("NaN", "-Infinity", "1e1000000", "0.0000001")),
}


def values(of: GraphQLInputType) -> st.SearchStrategy[Any]:
    """What is sent for a type: mostly what its form asks for, sometimes anything at all."""
    match of:
        case GraphQLNonNull():
            return values(of.of_type)
        case GraphQLList():
            return st.lists(values(of.of_type), max_size=3) | absurd
        case GraphQLEnumType():
            return st.sampled_from([*of.values, "NONE"])
        case GraphQLInputObjectType():
            needed = {n: f for n, f in of.fields.items() if isinstance(f.type, GraphQLNonNull)}
            return st.fixed_dictionaries(
                {name: values(one.type) for name, one in needed.items()},
                optional={
                    name: values(one.type) for name, one in of.fields.items() if name not in needed
                },
            )
        case _:
            # Twice, so that most of what is sent gets past the type.
            return FITTING[of.name] | FITTING[of.name] | absurd


def fields() -> list[tuple[str, str, GraphQLField]]:
    """Every field with arguments of the types in PLACES."""
    found = []
    for name in PLACES:
        kind = SCHEMA.type_map[name]
        assert isinstance(kind, GraphQLObjectType)
        found += [(name, field, one) for field, one in kind.fields.items() if one.args]
    return found


@st.composite
def operations(draw: st.DrawFn) -> bytes:
    """The body of a request for one field, its arguments as variables of the right types."""
    kind, name, field = draw(st.sampled_from(fields()))
    given = {arg: draw(values(one.type)) for arg, one in field.args.items()}
    declared = ", ".join(f"${arg}: {one.type}" for arg, one in field.args.items())
    passed = ", ".join(f"{arg}: ${arg}" for arg in field.args)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    query = PLACES[kind] % (f"({declared})", f"{name}({passed}){selection}")
    return json.dumps({"query": query, "variables": given}).encode()


def shoot(attacked: Attacked, examples: int, *, repeatable: bool) -> None:
    """Send so many; fails at the first that is answered by a fault of the server's."""
    headers = attacked.employee.headers | {"content-type": "application/json"}
    with attacked.unshaken(), httpx.Client(headers=headers, timeout=20) as client:

        @settings(max_examples=examples, deadline=None, database=None, derandomize=repeatable)
        @given(operations())
        def sent(body: bytes) -> None:
            answer = client.post(attacked.url, content=body)
            assert answer.status_code < 500, answer.text
            assert not INTERNALS.search(answer.text), answer.text

        sent()


def test_generated_arguments_are_answered_without_a_fault(attacked: Attacked) -> None:
    shoot(attacked, 200, repeatable=True)


@pytest.mark.slow
def test_ten_thousand_generated_arguments_are_answered_without_a_fault(
    attacked: Attacked,
) -> None:
    shoot(attacked, 10_000, repeatable=False)
