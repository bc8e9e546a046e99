"""Answering selections: compiled once for a document, run as the reader, completed where needed."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
from cachetools import LRUCache
from graphql import DocumentNode, FieldNode, GraphQLError, GraphQLObjectType, GraphQLSchema
from graphql.execution.values import VariableValues, get_variable_values

from schema.access import AGENCY_WIDE, Role, Scope
from schema.context import Context
from schema.errors import DomainError
from schema.selection.catalogue import Catalogue
from schema.selection.collecting import Collector
from schema.selection.compiler import Compiler
from schema.selection.completion import Completion
from schema.selection.declarations import Declaration, One
from schema.selection.requests import Operation, Request, query_of
from schema.selection.statement import Refused, Statement, Text
from schema.tables import json_of
from schema.values import local_date

CHARACTERS_KEPT = 8_000_000
"""How much SQL is remembered: some 2,000 statements, the least recently used forgotten first."""
QUERY_CHARACTERS_KEPT = 8_000_000
MARKED = '"\\u0000'
"""How a mark begins in JSON text; in a text of the database the backslash would be two."""
AT_ONCE = 200_000
"""Characters of an answer that is completed on the event loop; a longer one in a thread."""
Given = Mapping[str, Any]
Compile = Callable[[Compiler], Statement]


class Promise(Protocol):
    """What a resolver answers instead of rows."""

    @property
    def declaration(self) -> Declaration: ...
    @property
    def given(self) -> Given | None: ...
    @property
    def scope(self) -> Scope | None: ...


@dataclass(slots=True)
class Answered:
    """A JSON text as PostgreSQL gave it, or a value that was completed, with its errors."""

    data: Any
    errors: list[GraphQLError]


LEAST = 1_000
"""What a short document weighs, in characters."""


@dataclass(frozen=True, slots=True)
class Known:
    """A document's query, None where the executor answers; and how long the document is."""

    operation: Operation | None
    characters: int


class Reader:
    """Answers selections over one schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.catalogue = Catalogue(schema)
        self.statements: LRUCache[Hashable, Statement] = LRUCache(
            CHARACTERS_KEPT, lambda statement: len(statement.sql)
        )
        self._queries: LRUCache[Hashable, Known] = LRUCache(
            QUERY_CHARACTERS_KEPT, lambda known: known.characters
        )

    def request(
        self, document: DocumentNode, name: str | None, variables: Given | None
    ) -> Request | None:
        """The query of a valid document, or None where the executor has to answer: introspection
        beside it, variables that cannot be coerced, another kind of operation."""
        text = document.loc.source.body if document.loc else ""
        known = self._queries.get((text, name))
        if known is None:
            known = Known(query_of(self.catalogue, document, name), len(text) + LEAST)
            self._queries[text, name] = known
        operation = known.operation
        if operation is None:
            return None
        given = get_variable_values(
            self.catalogue.schema, operation.variables, dict(variables or {})
        )
        return Request(operation, given) if isinstance(given, VariableValues) else None

    async def operation(self, request: Request, context: Context) -> Answered:
        """A whole query in one statement. Every root field must be declared."""
        root = self.catalogue.schema.query_type
        assert root is not None

        def compile_(compiler: Compiler) -> Statement:
            return compiler.operation(root, request.operation.node.selection_set)

        statement, answer = await self._run(request, (), compile_, standard_of(context))
        if isinstance(answer, orjson.Fragment):
            return Answered(answer, [])
        completion = Completion(statement.errors)

        def complete() -> Any:
            return completion.object(statement.shapes, orjson.loads(answer))

        return Answered(await _aside(complete, answer), completion.errors)

    def first_field(self, request: Request) -> tuple[list[FieldNode], list[str]]:
        """The nodes and the path of a query's first root field, for what befalls all of them."""
        root = self.catalogue.schema.query_type
        assert root is not None
        flags = {one.variable.name.value: True for one in request.operation.variables}
        known = {n: v for n, v in request.variables.coerced.items() if v is not None}
        fragments = request.operation.fragments
        collector = Collector(self.catalogue.schema, fragments, flags | known)
        found = collector.fields(root, [request.operation.node.selection_set])
        key, nodes = next(iter(found.items()), ("query", []))
        return nodes, [key]

    async def field(self, request: Request, rows: Promise, info: Any, context: Context) -> Answered:
        """One field of an operation whose other fields Python resolves.

        Raises:
            GraphQLError: it is null where it may not be; located.
        """
        path = info.path.as_list()
        steps = tuple(step for step in path if isinstance(step, str))

        def compile_(compiler: Compiler) -> Statement:
            return compiler.field(
                rows.declaration, info.parent_type, info.field_nodes, given=rows.given is not None
            )

        key = (steps, id(rows.declaration))
        standard = {**standard_of(context, rows.scope), **(rows.given or {})}
        statement, answer = await self._run(request, key, compile_, standard)
        if isinstance(answer, orjson.Fragment):
            return Answered(answer, [])
        completion = Completion(statement.errors, path)

        def complete() -> Any:
            return completion.value(statement.shapes[0], orjson.loads(answer))

        return Answered(await _aside(complete, answer), completion.errors)

    async def finds(
        self,
        rows: One,
        kind: GraphQLObjectType,
        given: Given,
        context: Context,
        read_as: Scope | None = None,
    ) -> bool:
        """Whether a row is there, and the viewer's to see, or whoever's it is read as."""
        key, nothing = ("presence", id(rows)), VariableValues({}, {})
        statement = self.statements.get(key)
        if statement is None:
            statement = Compiler(self.catalogue, {}, nothing).presence(rows, kind)
            self.statements[key] = statement
        values = statement.bind(nothing, {**standard_of(context, read_as), **given})
        return await json_of(statement.sql, values) == "true"

    async def _run(
        self,
        request: Request,
        place: Hashable,
        compile_: Compile,
        standard: Given,
    ) -> tuple[Statement, Any]:
        """The statement, and its answer: a fragment where nothing is left to do, else the text."""
        key = (place, request.form(self.catalogue))
        statement = self.statements.get(key)
        if statement is None:
            statement = self._compiled(request, compile_)
            if statement.careful:
                statement = self._compiled(request, compile_, careful=True)
            if len(statement.sql) <= CHARACTERS_KEPT:
                self.statements[key] = statement
        statement, values = self._bound(request, statement, compile_, standard)
        text = await json_of(statement.sql, values)
        if not statement.careful:
            if MARKED not in text:
                return statement, orjson.Fragment(text)
            # Something is missing that must not be: asked again in the form that tells the place.
            statement = self._compiled(request, compile_, careful=True, failed=statement.failed)
            text = await json_of(statement.sql, statement.bind(request.variables, standard))
        return statement, text

    def _bound(
        self, request: Request, statement: Statement, compile_: Compile, standard: Given
    ) -> tuple[Statement, list[Any]]:
        """Values for the parameters; refused arguments get a statement with their errors in it."""
        while True:
            try:
                return statement, statement.bind(request.variables, standard)
            except Refused as refused:
                statement = self._compiled(request, compile_, careful=True, failed=refused.errors)

    def _compiled(
        self,
        request: Request,
        compile_: Compile,
        *,
        careful: bool = False,
        failed: Mapping[Text, DomainError] | None = None,
    ) -> Statement:
        compiler = Compiler(
            self.catalogue,
            request.operation.fragments,
            request.variables,
            careful=careful,
            failed=failed,
        )
        return compile_(compiler)


async def _aside(complete: Callable[[], Any], text: str) -> Any:
    """Complete an answer; a long one beside the event loop, which goes on meanwhile."""
    return await asyncio.to_thread(complete) if len(text) > AT_ONCE else complete()


def standard_of(context: Context, read_as: Scope | None = None) -> dict[str, Any]:
    """What every statement may ask for by name; `read_as` stands in for the viewer's own rights.

    Raises:
        Unauthenticated: nobody is signed in, whoever's rights it is read under.
    """
    viewer, now = context.viewer, context.now()
    scope = read_as or viewer
    directories = sorted(scope.directories)
    agencies = sorted(scope.agencies_with(AGENCY_WIDE))
    return {
        "told viewer": str(scope.employee_id or ""),
        "told line": str(scope.line or ""),
        "told directories": _array(directories),
        "told agencies": _array(agencies),
        "viewer": scope.employee_id,
        "line": scope.line,
        "directories": directories,
        "agencies": agencies,
        "administered": sorted(scope.agencies_with({Role.ADMINISTRATOR})),
        "roles": [role.value for role in scope.roles],
        "today": local_date(now, scope.timezone),
        "now": now,
        "cursor": context.cursor,
    }


def _array(keys: list[Any]) -> str:
    return "{" + ",".join(map(str, keys)) + "}"
