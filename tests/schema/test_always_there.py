"""What a type says is always there is there for whoever sees the object: no refusal inside of it.

A field that may not be null and whose row is hidden would take the whole answer with it."""

from collections.abc import AsyncIterator

import orjson
import pytest
from graphql import GraphQLObjectType, get_named_type, is_required_argument
from strawberry.relay import to_base64

from schema.appraisals.models import ResultDelivery
from schema.consequences.models import Consequence
from server.database import DatabaseRole, opened
from tests.copies import Copies
from tests.reference import NAMES, NODES, Rows
from tests.schema.test_differential import context_of, enriched, served
from tests.two_agencies import World

DEEP = 2
AT_ONCE = 20
"""Objects of one operation."""
GRAPH_NAMES = {table: name for name, table in NAMES.items()}


@pytest.fixture
async def world(copies: Copies) -> AsyncIterator[World]:
    async with (
        copies.of(enriched, enriched) as (database, world),
        opened(database, DatabaseRole.OWNER),
    ):
        yield world


def inside(type_: GraphQLObjectType, deep: int = DEEP) -> str:
    """The objects below one of a type, as far as they can be asked for without arguments; those
    that are met by ids of their own are not followed on."""
    parts = ["__typename"]
    for name, field in type_.fields.items():
        kind = get_named_type(field.type)
        asks = any(is_required_argument(one) for one in field.args.values())
        if isinstance(kind, GraphQLObjectType) and not asks:
            below = deep > 1 and not kind.interfaces
            parts.append(f"{name} {{ {inside(kind, deep - 1) if below else '__typename'} }}")
    return " ".join(parts)


@pytest.mark.slow
async def test_nothing_that_is_always_there_is_hidden_inside_of_what_is_shown(world: World) -> None:
    rows, graph, shown, wrong = await Rows.read(), served._schema, 0, set()
    for table in (*NODES, Consequence, ResultDelivery):
        name = GRAPH_NAMES.get(table, table.__name__)
        type_ = graph.type_map[name]
        assert isinstance(type_, GraphQLObjectType)
        keys = [to_base64(name, key) for key in rows.by_key[table]]
        fields = inside(type_)
        for start in range(0, len(keys), AT_ONCE):
            asked = " ".join(
                f'n{place}: node(id: "{key}") {{ ... on {name} {{ {fields} }} }}'
                for place, key in enumerate(keys[start : start + AT_ONCE])
            )
            for viewer, scope in (await world.viewers()).items():
                answer = await served.execute(f"{{ {asked} }}", context_value=context_of(scope))
                shown += sum(
                    one is not None for one in orjson.loads(orjson.dumps(answer.data)).values()
                )
                wrong |= {
                    (viewer, name, *(p for p in error.path[1:] if isinstance(p, str)))
                    for error in answer.errors or ()
                }
    assert wrong == set()
    assert shown > 1_000
