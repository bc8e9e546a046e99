"""What one document may ask for: every attack refused with its code, every honest one run."""

from typing import Any

import pytest
from graphql import get_introspection_query, parse
from strawberry.schema import schema as strawberry_schema

from server import limits as limits_module
from server.documents import KnownDocument, document_cache
from server.limits import Limits, measure, refuse_excess
from tests.server.edge_schema import Edge


def nested(field: str, times: int, leaf: str = "id") -> str:
    return "{me" + f"{{{field}" * times + f"{{{leaf}}}" + "}" * (times + 1)


def chain(length: int, body: str) -> str:
    """Fragments f0, f1, ... of which each has `body`, where NEXT is the next one."""
    links = (
        f"fragment f{i} on Person{{{body.replace('NEXT', f'...f{i + 1}')}}}" for i in range(length)
    )
    return "{me{...f0}} " + " ".join(links) + f" fragment f{length} on Person{{name}}"


ATTACKS = {
    "101 aliases": ("{" + " ".join(f"a{i}:__typename" for i in range(101)) + "}", "ALIAS_LIMIT"),
    "aliases in a fragment, ten times": (
        "{me{" + "...F " * 10 + "}} fragment F on Person{a:id b:id c:id d:id}",
        "ALIAS_LIMIT",
    ),
    "50 levels": (nested("boss", 50), "DEPTH_LIMIT"),
    "16 levels through fragments": (chain(14, "boss{NEXT}"), "DEPTH_LIMIT"),
    "60 doubling fragments": (chain(60, "NEXT NEXT"), "DEPTH_LIMIT"),
    "60 doubling fragments with fields": (chain(60, "boss{NEXT NEXT}"), "DEPTH_LIMIT"),
    "12 doubling fragments": (chain(12, "NEXT boss{NEXT}"), "FIELD_LIMIT"),
    "240 chained fragments": (chain(240, "NEXT"), "DEPTH_LIMIT"),
    "nested too deeply to parse": (nested("boss", 600), "DEPTH_LIMIT"),
    "5,000 directives": ("{__typename " + "@include(if:true)" * 5000 + "}", "TOKEN_LIMIT"),
    "275 directives": ("{__typename " + "@include(if:true)" * 275 + "}", "DIRECTIVE_LIMIT"),
    "directives in fragments": (
        "{me{" + "...F " * 6 + "}} fragment F on Person{id " + "@skip(if:false) " * 9 + "}",
        "DIRECTIVE_LIMIT",
    ),
    "200 x 200 inline fragments": (
        "{me{" + ("...on Person{" + "id name " * 100 + "}") * 200 + "}}",
        "TOKEN_LIMIT",
    ),
    "20,000 fields": ("{me{" + "name " * 20_000 + "}}", "TOKEN_LIMIT"),
    "100,000 comments": ("#\n" * 100_000 + "{__typename}", "TOKEN_LIMIT"),
    "100 root fields": ("{" + "me{id} " * 100 + "}", "ROOT_FIELD_LIMIT"),
    "overlap within the tokens": ("{me{" + "boss{id}" * 400 + "}}", "OVERLAP_LIMIT"),
    "fragments in a circle": (
        "{me{...A}} fragment A on Person{boss{...B}} fragment B on Person{boss{...A}}",
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "a page of two thousand million": (
        "{me{colleagues(first:2000000000){nodes{id}}}}",
        "COST_LIMIT",
    ),
    "lists in lists": (nested("reports", 10), "COST_LIMIT"),
    "a bomb in another operation": (
        "query A{me{id}} query B{me{...f0}}" + chain(12, "NEXT boss{NEXT}")[11:],
        "FIELD_LIMIT",
    ),
}


async def refused(edge: Edge, query: str, variables: dict[str, Any] | None = None) -> str | None:
    """The code of the (first) error as a client sees it, or None where the operation ran."""
    name = "A" if query.startswith("query A") else None
    result = await edge.schema.execute(query, variable_values=variables, operation_name=name)
    if not result.errors:
        return None
    return str((edge.view.present(result.errors, None)[0].extensions or {})["code"])


@pytest.mark.parametrize(("query", "code"), ATTACKS.values(), ids=ATTACKS.keys())
async def test_costly_document_is_refused_with_its_code(query: str, code: str) -> None:
    assert await refused(Edge(), query) == code


async def test_costly_document_is_refused_in_a_stream_too() -> None:
    edge = Edge()

    results = [result async for result in await edge.schema.stream(chain(60, "NEXT NEXT"))]

    assert [result.errors[0].extensions["code"] for result in results] == ["DEPTH_LIMIT"]


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        get_introspection_query(specified_by_url=True, input_value_deprecation=True),
        nested("boss", 13),
        # The main job: a tree of units seven lists deep.
        nested("reports", 7, "boss{id name}"),
        # As client libraries write: the same keys in each of forty fragments.
        "{me{id "
        + " ".join(f"...F{i}" for i in range(40))
        + "}} "
        + " ".join(f"fragment F{i} on Person{{__typename id name}}" for i in range(40)),
    ],
    ids=["introspection", "full introspection", "14 levels", "seven lists", "40 fragments"],
)
async def test_honest_document_is_run(query: str) -> None:
    assert await refused(Edge(), query) is None


async def test_each_fragment_is_measured_once(monkeypatch: pytest.MonkeyPatch) -> None:
    visited: list[int] = []
    selections = limits_module._Measurer._selections

    def counted(self: Any, node: Any, *rest: Any) -> Any:
        visited.append(id(node))
        return selections(self, node, *rest)

    monkeypatch.setattr(limits_module._Measurer, "_selections", counted)
    document = parse(chain(40, "NEXT NEXT"))

    size = measure(Edge().schema._schema, document, Limits()).operations[None]

    # One operation, `me`, and 41 fragments; though expanded there are 2^40 leaves (and `me`).
    assert len(visited) == len(set(visited)) == 43
    assert size.fields == 2**40 + 1


COSTS = [
    ("{me{id}}", 1),
    # me + 4 reports
    ("{me{reports{id}}}", 1 + 4),
    # me + 4 reports x (itself + 4 of theirs)
    ("{me{reports{reports{id}}}}", 1 + 4 * (1 + 4)),
    # me + 12 months: the field's own metadata
    ("{me{months{id}}}", 1 + 12),
    # me + a page of 10; edges cost what nodes cost
    ("{me{colleagues(first:10){nodes{id}}}}", 1 + 10),
    ("{me{colleagues(last:10){edges{node{id}}}}}", 1 + 10),
    # me + the page assumed, 50
    ("{me{colleagues{nodes{id}}}}", 1 + 50),
    # me + 10 x (itself + 5 of theirs)
    ("{me{colleagues(first:10){nodes{colleagues(first:5){nodes{id}}}}}}", 1 + 10 * (1 + 5)),
    # the connection's selection in a fragment, used for two pages: me + 3 + 7
    (
        "{me{a:colleagues(first:3){...C} b:colleagues(first:7){...C}}} "
        "fragment C on PersonConnection{nodes{id}}",
        1 + 3 + 7,
    ),
    # both given: the greater
    ("{me{colleagues(first:3,last:9){nodes{id}}}}", 1 + 9),
    # a negative page makes nothing cheaper
    ("{me{colleagues(first:-9){nodes{id}} boss{id}}}", 1 + 0 + 1),
    # no variables given: the variable's default
    ("query($n:Int=6){me{colleagues(first:$n){nodes{id}}}}", 1 + 6),
]


@pytest.mark.parametrize(("query", "nodes"), COSTS)
def test_cost_counts_nodes(query: str, nodes: int) -> None:
    measured = measure(Edge().schema._schema, parse(query), Limits())

    assert refuse_excess(measured, Limits(), None) == nodes


def test_each_operation_has_its_own_defaults() -> None:
    document = parse(
        "query A($n:Int=6){me{...P}} query B($n:Int=8){me{...P}} "
        "fragment P on Person{colleagues(first:$n){nodes{id}}}"
    )

    measured = measure(Edge().schema._schema, document, Limits())

    assert {name: size.nodes for name, size in measured.operations.items()} == {"A": 7, "B": 9}


async def test_variables_are_measured_also_for_a_remembered_document() -> None:
    edge = Edge()
    query = "query($n:Int){me{colleagues(first:$n){nodes{id}}}}"

    codes = [await refused(edge, query, {"n": n}) for n in (10, 2_000_000_000, 10)]

    assert codes == [None, "COST_LIMIT", None]


async def test_valid_document_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    edge = Edge()
    parsed: list[str] = []

    def counted(text: str, **options: Any) -> Any:
        parsed.append(text)
        return parse(text, **options)

    monkeypatch.setattr(strawberry_schema, "parse", counted)

    for _ in range(3):
        assert await refused(edge, "{me{id}}") is None
        assert await refused(edge, "{nothing}") == "GRAPHQL_VALIDATION_FAILED"

    assert parsed == ["{me{id}}", "{nothing}", "{nothing}", "{nothing}"]


def test_cache_is_bounded_in_tokens_and_forgets_the_least_used() -> None:
    cache = document_cache(max_bytes=100)
    known = KnownDocument(parse("{me{id}}"), frozenset(), {}, 40)
    cache["a"] = known
    cache["b"] = known
    cache.get("a")

    cache["c"] = known

    assert [text for text in ("a", "b", "c") if cache.get(text)] == ["a", "c"]


async def test_ten_mistakes_are_reported_as_five() -> None:
    edge = Edge()
    result = await edge.schema.execute("{__typename " + " ".join(f"@u{i}" for i in range(10)) + "}")

    shown = edge.view.present(result.errors or [], None)

    assert [error.message for error in shown] == [f"Unknown directive '@u{i}'." for i in range(5)]


async def test_introspection_can_be_switched_off() -> None:
    edge = Edge(introspection=False)

    assert await refused(edge, "{__schema{types{name}}}") == "GRAPHQL_VALIDATION_FAILED"
    assert await refused(edge, "{__typename}") is None


async def test_cost_is_reported_where_asked_for() -> None:
    quiet = await Edge().schema.execute("{me{reports{id}}}")
    loud = await Edge(report_cost=True).schema.execute("{me{reports{id}}}")

    assert not quiet.extensions
    assert loud.extensions == {"cost": {"requested": 5, "limit": 100_000}}
