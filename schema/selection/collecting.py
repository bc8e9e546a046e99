"""Which fields a selection asks of one concrete type: fragments spread, @skip and @include judged.

The specification's CollectFields; its order is the order of the answer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLIncludeDirective,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSkipDirective,
    InlineFragmentNode,
    SelectionSetNode,
    VariableNode,
    is_abstract_type,
)

from schema.errors import DomainError, ErrorCode

Variables = Mapping[str, Any]
Fragments = Mapping[str, FragmentDefinitionNode]


class Collector:
    """Collects for one operation under one set of variables (coerced)."""

    def __init__(self, schema: GraphQLSchema, fragments: Fragments, variables: Variables) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def fields(
        self, kind: GraphQLObjectType, selections: Iterable[SelectionSetNode | None]
    ) -> dict[str, list[FieldNode]]:
        """Field nodes by response key."""
        found: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for selection in selections:
            if selection is not None:
                self._collect(kind, selection, found, spread)
        return found

    def _collect(
        self,
        kind: GraphQLObjectType,
        selection: SelectionSetNode,
        found: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for node in selection.selections:
            if not self._included(node.directives or ()):
                continue
            if isinstance(node, FieldNode):
                key = node.alias.value if node.alias else node.name.value
                found.setdefault(key, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                if condition is None or self._applies(condition.name.value, kind):
                    self._collect(kind, node.selection_set, found, spread)
            elif isinstance(node, FragmentSpreadNode) and node.name.value not in spread:
                spread.add(node.name.value)
                fragment = self._fragments[node.name.value]
                if self._applies(fragment.type_condition.name.value, kind):
                    self._collect(kind, fragment.selection_set, found, spread)

    def _applies(self, name: str, kind: GraphQLObjectType) -> bool:
        if name == kind.name:
            return True
        condition = self._schema.get_type(name)
        return is_abstract_type(condition) and self._schema.is_sub_type(condition, kind)

    def _included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            name = directive.name.value
            if name == GraphQLSkipDirective.name and self._condition(directive):
                return False
            if name == GraphQLIncludeDirective.name and not self._condition(directive):
                return False
        return True

    def _condition(self, directive: DirectiveNode) -> bool:
        (argument,) = directive.arguments or ()
        asked = argument.value
        if isinstance(asked, VariableNode):
            flag = self._variables.get(asked.name.value)
            if flag is None:
                name = directive.name.value
                raise DomainError(ErrorCode.BAD_USER_INPUT, detail=f"@{name}(if: null)")
            return bool(flag)
        return bool(getattr(asked, "value", False))
