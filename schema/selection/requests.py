"""What a client asks of the read path: an operation of a valid document, under its variables."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    VariableDefinitionNode,
)
from graphql.execution.values import VariableValues

from schema.selection.catalogue import Catalogue
from schema.selection.statement import type_in

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True)
class Operation:
    """An operation with the fragments that it may spread."""

    node: OperationDefinitionNode
    fragments: Fragments

    @cached_property
    def digest(self) -> bytes:
        """Of the whole document's text: what is remembered by it does not hold the text."""
        text = self.node.loc.source.body if self.node.loc else ""
        return sha256(text.encode(errors="surrogatepass")).digest()

    @property
    def name(self) -> str | None:
        return self.node.name.value if self.node.name else None

    @property
    def variables(self) -> tuple[VariableDefinitionNode, ...]:
        return tuple(self.node.variable_definitions or ())


@dataclass(frozen=True, slots=True)
class Request:
    """An operation under its variables (coerced)."""

    operation: Operation
    variables: VariableValues

    def form(self, catalogue: Catalogue) -> Hashable:
        """All that the SQL depends on: the document, the operation, and of the variables which
        are null, the truth of flags, and the types in ids."""
        given = self.variables.coerced
        forms = [
            _form_of(catalogue, one, given.get(one.variable.name.value))
            for one in self.operation.variables
        ]
        return (self.operation.digest, self.operation.name, *forms)


def _form_of(catalogue: Catalogue, definition: VariableDefinitionNode, value: Any) -> Hashable:
    if value is None or isinstance(value, bool):
        return value
    kind = definition.type
    named = kind.type if isinstance(kind, NonNullTypeNode) else kind
    if isinstance(named, NamedTypeNode) and named.name.value == "ID":
        kind_of_id = catalogue.node_type(type_in(value))
        return "no type" if kind_of_id is None else kind_of_id.name
    return "given"


def query_of(catalogue: Catalogue, document: DocumentNode, name: str | None) -> Operation | None:
    """The query that is asked for, where every root field is one that the read path answers."""
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    chosen = [one for one in operations if name is None or (one.name and one.name.value == name)]
    if len(chosen) != 1 or chosen[0].operation is not OperationType.QUERY:
        return None
    fragments = {
        one.name.value: one
        for one in document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    operation = Operation(chosen[0], fragments)
    return operation if _is_declared(catalogue, operation) else None


def _is_declared(catalogue: Catalogue, operation: Operation) -> bool:
    """Whether every root field, in whichever fragment, says itself what it reads."""
    root = catalogue.schema.query_type
    assert root is not None
    waiting, seen = [operation.node.selection_set], set[str]()
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, InlineFragmentNode):
                waiting.append(node.selection_set)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in seen:
                seen.add(node.name.value)
                waiting.append(operation.fragments[node.name.value].selection_set)
            elif isinstance(node, FieldNode):
                name = node.name.value
                if name != "__typename" and not catalogue.is_declared(root, name):
                    return False
    return True
