"""The read path's promises: one statement, parameters only, two walls, bounded memory."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import orjson
import pytest
import strawberry
from graphql import GraphQLObjectType
from strawberry.relay import from_base64

from schema.access import Scope
from schema.graph import build_schema
from schema.progress.models import Evidence
from schema.selection import reading
from schema.selection.catalogue import NO_ROWS, Catalogue
from schema.selection.declarations import one, reads
from schema.selection.execution import reader_of
from schema.tables import READER, json_of
from server.database import Database, DatabaseRole, opened
from tests.allowed import Allowed
from tests.enrich import enrich
from tests.operations import Generator
from tests.reference import NAMES, NODES, Rows
from tests.schema.test_differential import context_of, pools_of
from tests.two_agencies import NIPS, World, build

HOSTILE = (
    "'; DROP TABLE agency; --",
    '" OR 1=1 --',
    "$1",
    "@viewer",
    "@it.id",
    "\\'; SELECT set_config('ekinerja.agencies', '{}', true); --",
    "%s%%{}",
    "E'\\\\x41'",
    "/*",
)


@pytest.fixture
async def world(fresh_database: Database) -> AsyncIterator[World]:
    async with opened(fresh_database, DatabaseRole.OWNER):
        world = await build()
        await enrich(world)
        yield world


@contextmanager
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, list[Any]]]]:
    """Statements of the read path, with their values."""
    statements: list[tuple[str, list[Any]]] = []

    async def noting(sql: str, values: list[Any]) -> str:
        statements.append((sql, values))
        return await json_of(sql, values)

    with monkeypatch.context() as patch:
        patch.setattr(reading, "json_of", noting)
        yield statements


async def asked(scope: Scope, document: str, schema: Any = None, **variables: Any) -> Any:
    result = await (schema or build_schema()).execute(
        document, variable_values=variables, context_value=context_of(scope)
    )
    return orjson.loads(orjson.dumps(result.data)), result.errors


# Parameters only


STRINGS = """query Q($x: String!, $y: String, $on: Date) {
  agency(code: $x) { name goals(period: $x) { title } }
  unit(agency: $x, code: $x) { name targets(period: $x) { title } teams(on: $on) { on } }
  employee(nip: $x) { plan(period: $x) { state } }
  viewer { pendingRecords(source: $x, after: $y) { totalCount } employee {
    name targets(period: $x) { title } } } }"""


async def test_what_a_client_says_is_never_in_the_statement(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every argument: the text of the statement is the same whatever it holds."""
    scope = (await world.viewers())["employee"]
    schema = build_schema()
    with noted(monkeypatch) as statements:
        for text in ("2026", *HOSTILE):
            data, errors = await asked(scope, STRINGS, schema, x=text, on="2026-11-24")
            assert errors is None
            assert data["unit"] is None

    assert len({sql for sql, _ in statements}) == 1
    assert len(statements) == len(HOSTILE) + 1


async def test_literals_and_names_of_a_document_cannot_leave_their_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = (await world.viewers())["employee"]
    schema = build_schema()
    harmless = re.compile(r"[a-zA-Z_$][a-zA-Z0-9_$]*")
    with noted(monkeypatch) as statements:
        for text in HOSTILE:
            literal = orjson.dumps(text).decode()
            document = f"""query drop_table__($select: Boolean!) {{
              select: agency(code: {literal}) {{ set_config: name @include(if: $select) }}
              union: unit(agency: "A", code: {literal}) {{ o: name p: kind q: code r: id }}
              null: agency(code: "A") {{ r_1: name s: code true: __typename }} }}"""
            data, errors = await asked(scope, document, schema, select=True)
            assert errors is None
            assert data == {
                "select": None,
                "union": None,
                "null": {"r_1": "Instansi A", "s": "A", "true": "Agency"},
            }

    for sql, _ in statements:
        assert not any(text in sql for text in HOSTILE if text not in ("$1",))
        for quoted in re.findall(r'"([^"]*)"', sql):
            assert harmless.fullmatch(quoted) or quoted == r"\u0000", quoted


async def test_random_operations_leave_no_value_in_a_statement(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fuzzed arguments, aliases and names: what was given as a value is found in no statement."""
    rows, viewers = await Rows.read(), await world.viewers()
    mark = "zz-marked-value"
    pools = {
        name: [f"{one}{mark}" if isinstance(one, str) and name in TEXTS else one for one in pool]
        for name, pool in pools_of(rows).items()
    }
    schema = build_schema()
    with noted(monkeypatch) as statements:
        for seed in range(150):
            operation = Generator(schema._schema, pools, Random(seed)).operation()
            await asked(viewers["chief"], operation.text, schema, **operation.variables)

    assert len(statements) > 100
    assert any(mark in str(values) for _, values in statements)
    assert not any(mark in sql for sql, _ in statements)


TEXTS = {"code", "agency", "nip", "period", "source"}


# Two walls


@pytest.fixture
def without_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first wall down: no type says who sees its rows, no field who sees it."""

    def no_rows(self: Catalogue, kind: Any) -> Any:
        known = rows_of(self, kind)
        return NO_ROWS if known.model is None else type(known)(model=known.model, visible="true")

    rows_of = Catalogue.rows_of
    monkeypatch.setattr(Catalogue, "rows_of", no_rows)


@pytest.mark.usefixtures("without_policy")
async def test_without_the_policy_no_foreign_row_comes_out(world: World) -> None:
    rows, allowed = await Rows.read(), await Allowed.read()
    names = {table: name for name, table in NAMES.items()}
    schema = build_schema()
    refused = 0
    for viewer, scope in (await world.viewers()).items():
        for table in NODES:
            name, seen = names.get(table, table.__name__), allowed.seen_by(scope, table.Meta.table)
            for key in rows.by_key[table]:
                asked_id = orjson.dumps(to_id(name, key)).decode()
                data, errors = await asked(scope, f"{{ node(id: {asked_id}) {{ id }} }}", schema)
                assert errors is None
                assert (data["node"] is not None) == (key in seen), (viewer, name)
                refused += key not in seen
    assert refused > 500


@pytest.mark.usefixtures("without_policy")
async def test_without_the_policy_random_operations_show_no_foreign_id(world: World) -> None:
    """But knots of a red thread, which are shown with their owner wherever they lead."""
    rows, allowed, viewers = await Rows.read(), await Allowed.read(), await world.viewers()
    schema, pools = build_schema(), pools_of(rows)
    tables = {NAMES_OF.get(table, table.__name__): table for table in NODES}
    met = 0
    for seed in range(1200):
        viewer = list(viewers)[seed % len(viewers)]
        operation = Generator(schema._schema, pools, Random(seed)).operation()
        if "path" in operation.text or "thread" in operation.text or "parent" in operation.text:
            continue
        data, _ = await asked(viewers[viewer], operation.text, schema, **operation.variables)
        for name, key in ids_in(data):
            met += 1
            assert allowed.sees(viewers[viewer], tables[name].Meta.table, key), (seed, viewer, name)
    assert met > 100


NAMES_OF = {table: name for name, table in NAMES.items()}


def to_id(name: str, key: Any) -> str:
    from strawberry.relay import to_base64

    return to_base64(name, key)


def ids_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Global ids anywhere in an answer, under whichever alias."""
    from uuid import UUID

    if isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from ids_in(one)
    elif isinstance(value, str) and len(value) > 40:
        try:
            name, key = from_base64(value)
            yield name, UUID(key)
        except ValueError:
            return


# The statement


def test_every_field_of_a_read_type_says_or_inherits_what_it_reads() -> None:
    catalogue = reader_of(build_schema()._schema).catalogue
    checked = 0
    for kind in catalogue.schema.type_map.values():
        definition = kind.extensions.get("strawberry-definition")
        if hasattr(getattr(definition, "origin", None), "__rows__"):
            assert isinstance(kind, GraphQLObjectType)
            for name in kind.fields:
                catalogue.declaration(kind, name)
                checked += 1
    assert checked > 130


def test_a_field_that_nothing_is_known_of_is_named() -> None:
    @reads(model=Evidence)
    @strawberry.type
    class Odd:
        colour: str

    @strawberry.type
    class Query:
        odd: Odd | None = one("evidence @it", "One.")

    catalogue = Catalogue(strawberry.Schema(Query)._schema)
    kind = catalogue.schema.type_map["Odd"]
    assert isinstance(kind, GraphQLObjectType)

    with pytest.raises(TypeError, match=r"Odd\.colour"):
        catalogue.declaration(kind, "colour")


async def test_a_statement_is_compiled_once_for_each_form_of_its_variables(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    scope = (await world.viewers())["boss"]
    schema = build_schema()
    document = """query A($first: Int, $after: String, $with: Boolean!) {
      unit(agency: "A", code: "1") { employees(first: $first, after: $after) {
        edges { cursor node { name @include(if: $with) timezone @skip(if: $with) } } } } }
    query B { viewer { roles } }"""
    with noted(monkeypatch) as statements:
        for given in (
            {"first": 1, "with": True},
            {"first": 2, "with": True},
            {"first": 2, "with": False},
            {"with": True},
        ):
            result = await schema.execute(
                document,
                variable_values=given,
                context_value=context_of(scope),
                operation_name="A",
            )
            assert result.errors is None
        await schema.execute(document, context_value=context_of(scope), operation_name="B")

    # a page size may be given or not, the flag is true or false, and B is another operation
    assert len(reader_of(schema._schema).statements) == 4
    assert len({sql for sql, _ in statements}) == 3


async def test_compiled_statements_are_bounded_in_length(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CHARACTERS_KEPT", 5_000)
    scope = (await world.viewers())["boss"]
    schema = build_schema()
    for number in range(30):
        await asked(scope, f'{{ agency(code: "A") {{ n{number}: name }} }}', schema)
    long = " ".join(f"n{number}: name" for number in range(600))
    data, _ = await asked(scope, f'{{ agency(code: "A") {{ {long} }} }}', schema)

    statements = reader_of(schema._schema).statements
    assert len(data["agency"]) == 600
    assert 2 < len(statements) < 30
    assert sum(len(statement.sql) for statement in statements.values()) <= 5_000


async def test_python_fields_and_introspection_stand_beside_rows(world: World) -> None:
    """What the executor has to do and what one statement answers, in one operation."""
    scope = (await world.viewers())["boss"]

    data, errors = await asked(
        scope,
        """{ __schema { queryType { name } } team(on: "2026-11-24") { members { status
          recordedMinutes } summary { statuses { status n: count } } } me: viewer { roles } }""",
    )

    assert errors is None
    assert data["__schema"] == {"queryType": {"name": "Query"}}
    assert data["me"]["roles"] == ["EMPLOYEE", "SUPERVISOR"]
    assert sum(one["n"] for one in data["team"]["summary"]["statuses"]) == len(
        data["team"]["members"]
    )


async def test_two_keys_longer_than_a_name_in_postgresql_stay_two(world: World) -> None:
    scope = (await world.viewers())["boss"]
    long = "k" * 80

    data, errors = await asked(
        scope, f'{{ agency(code: "A") {{ {long}1: name {long}2: code {long}3: id }} }}'
    )

    assert errors is None
    assert data["agency"][f"{long}1"] == "Instansi A"
    assert data["agency"][f"{long}2"] == "A"
    assert from_base64(data["agency"][f"{long}3"])[0] == "Agency"


async def test_a_refused_argument_is_an_error_in_its_place_and_nulls_what_holds_it(
    world: World,
) -> None:
    scope = (await world.viewers())["boss"]

    data, errors = await asked(
        scope,
        """{ agency(code: "A") { name units { code employees(first: 1000) { totalCount } } }
             unit(agency: "A", code: "1") { name } }""",
    )

    # units is a list that is never null of units that are never null, so the agency is null
    assert data == {"agency": None, "unit": {"name": "Sekretariat"}}
    (error,) = errors
    assert error.path == ["agency", "units", 0, "employees"]
    assert error.original_error.code == "PAGE_TOO_LARGE"


async def test_reads_run_as_the_reader_and_leave_no_scope_behind(
    world: World, fresh_database: Database
) -> None:
    assert await json_of("SELECT to_json(current_user)::text", []) == '"ekinerja_reader"'

    await asked((await world.viewers())["boss"], "{ viewer { roles employee { name } } }")

    left = await json_of("SELECT to_json(current_setting('ekinerja.agencies', true))::text", [])
    assert left in ('""', "None")
    assert READER == "reader"
    assert NIPS
