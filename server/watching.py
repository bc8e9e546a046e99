"""What a subscription asks to watch: whether it can be shared, with whom, and from where on."""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    TokenKind,
    VariableNode,
)
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from strawberry.relay import GlobalID, GlobalIDValueError

from schema.context import Context
from schema.errors import DomainError
from schema.live import Shareable, position_of
from schema.relay import key_of
from schema.selection.collecting import Collector
from server.parameters import Parameters
from server.strings import tokens

RESUME = "after"
"""The argument with the cursor, in every subscription that can be shared."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A subscription that can be shared: `key` is the same for all whose messages are the same."""

    shareable: Shareable
    leader: UUID
    position: int | None
    key: Hashable


def watched_of(
    schema: GraphQLSchema,
    shareable: Mapping[str, Shareable],
    document: DocumentNode,
    operation: OperationDefinitionNode,
    asked: Parameters,
    context: Context,
) -> Watched | None:
    """What a valid document's subscription watches.

    None where it is not to be shared, or its arguments are wrong: executed by itself it says so.
    """
    given = get_variable_values(
        schema, list(operation.variable_definitions or ()), asked.variables or {}
    )
    root = schema.subscription_type
    if not isinstance(given, VariableValues) or root is None or context.scope is None:
        return None
    fragments = {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }
    try:
        collector = Collector(schema, fragments, given.coerced)
        ((field, *_),) = collector.fields(root, [operation.selection_set]).values()
        kind = shareable.get(field.name.value)
        if kind is None:
            return None
        arguments = get_argument_values(root.fields[field.name.value], field, given)
        leader = _leader(kind, arguments.get(kind.argument), context)
        cursor = arguments.get(RESUME)
        position = None if cursor is None else position_of(cursor)
    except (ValueError, GraphQLError, GlobalIDValueError, DomainError):
        return None
    if leader is None:
        return None
    told = {_variable(field, RESUME), _variable(field, kind.argument)}
    key = (leader, context.language, *_rest(document, asked, told))
    return Watched(kind, leader, position, key)


def _leader(kind: Shareable, given: Any, context: Context) -> UUID | None:
    if given is None:
        return context.viewer.employee_id
    return key_of(GlobalID.from_id(given), kind.about)


def _variable(field: FieldNode, name: str) -> str | None:
    """The variable that an argument is given by."""
    for argument in field.arguments or ():
        if argument.name.value == name and isinstance(argument.value, VariableNode):
            return argument.value.name.value
    return None


def _rest(document: DocumentNode, asked: Parameters, told: set[str | None]) -> tuple[str, ...]:
    """All that messages depend on but the cursor and the leader, where these are variables that
    nothing else is given by."""
    uses: dict[str, int] = {}
    dollar = False
    for token in tokens(document):
        if dollar and token.value is not None:
            uses[token.value] = uses.get(token.value, 0) + 1
        dollar = token.kind is TokenKind.DOLLAR
    # Named twice: where it is defined, and in the argument.
    apart = {name for name in told if name is not None and uses.get(name) == 2}
    given = {name: value for name, value in (asked.variables or {}).items() if name not in apart}
    return (asked.query, asked.operation_name or "", json.dumps(given, sort_keys=True))
