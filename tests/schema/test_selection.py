"""The read path's promises: one statement, parameters only, two walls, bounded memory."""

import re
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import orjson
import pytest
import strawberry
from graphql import GraphQLError, GraphQLObjectType, parse
from strawberry.relay import from_base64, to_base64

from schema.access import Scope
from schema.graph import build_schema
from schema.organizations.models import Agency
from schema.progress.models import Evidence
from schema.progress.rules import DayStatus
from schema.selection import reading
from schema.selection.catalogue import NO_ROWS, Catalogue
from schema.selection.declarations import one, reads
from schema.selection.execution import reader_of
from schema.tables import READER, json_of
from server.database import Database, DatabaseRole, opened
from server.limits import Limits, measure, refuse_excess
from tests.allowed import Allowed
from tests.copies import Copies
from tests.enrich import enrich
from tests.operations import Generator
from tests.reference import NAMES, NODES, TABLES, Rows
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


async def rich_world() -> World:
    world = await build()
    await enrich(world)
    return world


@pytest.fixture
async def filled(copies: Copies) -> AsyncIterator[tuple[Database, World]]:
    async with copies.of(rich_world, rich_world) as copy:
        yield copy


@pytest.fixture
def fresh_database(filled: tuple[Database, World]) -> Database:
    return filled[0]


@pytest.fixture
async def world(filled: tuple[Database, World]) -> AsyncIterator[World]:
    database, world = filled
    async with opened(database, DatabaseRole.OWNER):
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


@pytest.mark.slow
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


@pytest.mark.slow
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
                asked_id = orjson.dumps(to_base64(name, key)).decode()
                data, errors = await asked(scope, f"{{ node(id: {asked_id}) {{ id }} }}", schema)
                assert errors is None
                assert (data["node"] is not None) == (key in seen), (viewer, name)
                refused += key not in seen
    assert refused > 500


@pytest.mark.slow
@pytest.mark.usefixtures("without_policy")
async def test_without_the_policy_random_operations_show_no_foreign_id(world: World) -> None:
    """But knots of a red thread, which are shown with their owner wherever they lead."""
    rows, allowed, viewers = await Rows.read(), await Allowed.read(), await world.viewers()
    schema, pools = build_schema(), pools_of(rows)
    tables = {NAMES_OF.get(table, table.__name__): table for table in TABLES}
    met = 0
    for seed in range(1600):
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


def ids_in(value: Any) -> Iterator[tuple[str, Any]]:
    """Global ids anywhere in an answer, under whichever alias."""
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


# What an attacker found


async def test_nothing_beside_introspection_is_null(world: World) -> None:
    scope = (await world.viewers())["boss"]

    data, errors = await asked(
        scope, '{ __schema { queryType { name } } agency(code: "zz") { name } viewer { roles } }'
    )

    assert errors is None
    assert (data["agency"], data["viewer"]["roles"]) == (None, ["EMPLOYEE", "SUPERVISOR"])


@pytest.mark.parametrize(
    "document", ["{ viewer { roles } }", "{ ...F } fragment F on Query { me: viewer { roles } }"]
)
async def test_a_statement_that_fails_is_an_error_of_the_first_root_field(
    world: World, monkeypatch: pytest.MonkeyPatch, document: str
) -> None:
    """It has a path, also through a fragment: an error without one is taken for the client's."""

    async def failing(sql: str, values: list[Any]) -> str:
        raise RuntimeError("canceling statement due to statement timeout")

    monkeypatch.setattr(reading, "json_of", failing)
    data, errors = await asked((await world.viewers())["boss"], document)

    assert data is None
    (error,) = errors
    assert error.path == (["viewer"] if "me" not in document else ["me"])


async def test_a_null_where_a_default_stood_is_the_clients_error_in_its_place(
    world: World,
) -> None:
    scope = (await world.viewers())["boss"]

    data, errors = await asked(
        scope,
        """query($p: String = "2026") { agency(code: "A") { name }
             viewer { employee { name targets(period: $p) { title } } } }""",
        p=None,
    )

    (error,) = errors
    assert data == {"agency": {"name": "Instansi A"}, "viewer": {"employee": None}}
    assert error.path == ["viewer", "employee", "targets"]
    assert error.original_error.code == "BAD_USER_INPUT"

    data, errors = await asked(
        scope,
        """query($p: Boolean = true) { agency(code: "A") { name @include(if: $p) } }""",
        p=None,
    )

    (error,) = errors
    assert (data, error.original_error.code) == (None, "BAD_USER_INPUT")


async def test_what_a_client_writes_is_no_mark(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that looks like one is answered at once, with one statement."""
    viewers = await world.viewers()
    await Agency.filter(code="A").update(name='\\u0000 "\\u0000')
    with noted(monkeypatch) as statements:
        data, errors = await asked(viewers["boss"], '{ agency(code: "A") { name } }')

    assert errors is None
    assert data["agency"]["name"] == '\\u0000 "\\u0000'
    assert len(statements) == 1


async def test_remembered_statements_hold_no_text_of_the_clients(world: World) -> None:
    """Neither what stands in a document beside its meaning, nor what an id says of its type."""
    scope = (await world.viewers())["boss"]
    schema = build_schema()
    for number in range(5):
        await asked(
            scope,
            "query($i: ID!) { node(id: $i) { id } }",
            schema,
            i=to_base64("X" * 1000 + str(number), "1"),
        )

    (key,) = reader_of(schema._schema).statements
    assert "X" * 1000 not in str(key)
    assert len(str(key)) < 500


async def test_long_answers_are_completed_beside_the_event_loop(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = threading.get_ident()
    where = []

    def status(required_minutes: int, recorded_minutes: int) -> DayStatus:
        where.append(threading.get_ident())
        return DayStatus.SHORT

    schema = build_schema()
    kind = schema._schema.type_map["DailyLog"]
    assert isinstance(kind, GraphQLObjectType)
    catalogue = reader_of(schema._schema).catalogue
    known = catalogue.declaration(kind, "status")
    catalogue._known["DailyLog", "status"] = replace(known, rule=status)
    scope = (await world.viewers())["boss"]
    document = """query($to: Date!) { viewer { employee {
      calendar(from: "2026-01-01", to: $to) { status } } } }"""

    await asked(scope, document, schema, to="2026-01-02")
    assert set(where) == {here}

    monkeypatch.setattr(reading, "AT_ONCE", 1_000)
    where.clear()
    data, _ = await asked(scope, document, schema, to="2026-12-31")
    assert {one["status"] for one in data["viewer"]["employee"]["calendar"]} == {"SHORT"}
    assert len(where) == 365
    assert here not in where


def test_a_calendar_costs_its_days() -> None:
    """31 days in a month, each an object, 366 where the range is a variable that is left out."""
    schema = build_schema()._schema
    literal = '{ viewer { employee { calendar(from: "2026-01-01", to: "2026-01-31") { on } } } }'
    varied = """query($from: Date!, $to: Date!) {
      viewer { employee { calendar(from: $from, to: $to) { on } } } }"""
    year = 'calendar(from: "2026-01-01", to: "2026-12-31") { employee { %s } }'
    nested = "{ viewer { employee { %s } } }" % (year % (year % "id"))

    def cost(document: str, **given: Any) -> int:
        return refuse_excess(measure(schema, parse(document), Limits(), given), Limits(), None)

    # viewer, employee, and the days
    assert cost(literal) == 2 + 31
    assert cost(varied, **{"from": "2026-01-01", "to": "2026-01-02"}) == 2 + 2
    assert cost(varied) == cost(varied, **{"from": "x", "to": "2026-01-02"}) == 2 + 366
    with pytest.raises(GraphQLError, match="nodes"):
        cost(nested)
