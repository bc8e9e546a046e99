"""Where the executor meets the read path: promises of rows, and whole queries in one statement."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLOutputType,
    GraphQLSchema,
    located_error,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from schema.access import Scope
from schema.context import Context
from schema.selection.declarations import Declaration, One
from schema.selection.reading import Reader
from schema.selection.requests import Operation, Request

READER = "ekinerja-reader"
"""Under which a schema's extensions hold its Reader."""


@dataclass(frozen=True, slots=True)
class Selected:
    """A promise of rows: what a resolver answers, and the read path makes of the selection.

    `declaration` is a constant of its module: what is compiled for it is remembered by it.
    `given` are values for the names in the declaration; None where those are the arguments of the
    field itself. `scope` is under whose rights it is read, None for the viewer's own.
    """

    declaration: Declaration
    given: Mapping[str, Any] | None = None
    scope: Scope | None = None


def reader_of(schema: GraphQLSchema) -> Reader:
    return cast("Reader", schema.extensions[READER])


def install(schema: GraphQLSchema) -> None:
    """Let the declared root fields of a schema be answered by the read path."""
    reader = schema.extensions[READER] = Reader(schema)
    root = schema.query_type
    assert root is not None
    for name, definition in root.fields.items():
        if reader.catalogue.is_declared(root, name):
            promise = Selected(reader.catalogue.declaration(root, name))
            definition.resolve = _promising(promise)


def _promising(promise: Selected) -> Any:
    return lambda _source, _info, **_arguments: promise


async def found(info: Any, rows: Selected, type_name: str) -> bool:
    """Whether a promise of one object would be kept for the viewer now."""
    schema = info.schema._schema
    kind, relation = schema.get_type(type_name), cast("One", rows.declaration)
    return await reader_of(schema).finds(relation, kind, rows.given or {}, info.context)


class Executor(StrawberryGraphQLCoreExecutionContext):
    """Completes promises of rows; everything else as Strawberry does."""

    def complete_value(
        self,
        return_type: GraphQLOutputType,
        field_details_list: Any,
        info: Any,
        path: Any,
        result: Any,
        position_context: Any,
    ) -> Any:
        if type(result) is Selected:
            return self._read(result, info)
        return super().complete_value(
            return_type, field_details_list, info, path, result, position_context
        )

    async def _read(self, rows: Selected, info: Any) -> Any:
        operation = Operation(self.operation, self.fragment_definitions)
        request = Request(operation, self.variable_values)
        answered = await reader_of(self.schema).field(request, rows, info, self.context_value)
        for error in answered.errors:
            self.collected_errors.add(error, info.path)
        return answered.data


class OneStatement(SchemaExtension):
    """Answers a query whose root fields are all declared without the executor."""

    async def on_execute(self) -> AsyncIterator[None]:
        running = self.execution_context
        assert running.graphql_document is not None
        found = await one_statement(
            running.schema._schema,
            running.graphql_document,
            running.operation_name,
            running.variables,
            running.context,
        )
        if found is not None:
            running.result = found
        yield


async def one_statement(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation_name: str | None,
    variables: Mapping[str, Any] | None,
    context: Any,
) -> ExecutionResult | None:
    """A valid document's query, answered; None where that is the executor's to do."""
    if not isinstance(context, Context) or context.scope is None:
        return None
    reader = reader_of(schema)
    request = reader.request(document, operation_name, variables)
    if request is None:
        return None
    try:
        answered = await reader.operation(request, context)
    except Exception as fault:
        # One statement answers all of them: none of its root fields has a value.
        return ExecutionResult(None, [located_error(fault, *reader.first_field(request))])
    return ExecutionResult(answered.data, answered.errors or None)
