"""How deep an operation nests one field of one type, so that a tree is fetched at once."""

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
)
from graphql.type import GraphQLCompositeType, is_composite_type

from schema.context import Info

DEEPEST = 32


def nesting(info: Info, type_name: str, field_name: str) -> int:
    """The largest number of `field_name` of `type_name` on one path, at least 1.

    `{ target { children { title children { title } } } }` nests Target.children twice.
    Counted once for an operation; fragments are counted once each and remembered.
    """
    key = f"nesting {type_name}.{field_name}"
    counted = info.context.memo.get(key)
    if counted is None:
        raw = info._raw_info
        counter = _Counter(raw.schema, raw.fragments, type_name, field_name)
        counted = info.context.memo[key] = max(1, counter.of_operation(raw.operation))
    return min(int(counted), DEEPEST)


class _Counter:
    def __init__(
        self, schema: GraphQLSchema, fragments: object, type_name: str, field_name: str
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._type_name = type_name
        self._field_name = field_name
        self._remembered: dict[str, int] = {}

    def of_operation(self, operation: OperationDefinitionNode) -> int:
        root = self._schema.get_root_type(operation.operation)
        return self._of(operation.selection_set, root) if root else 0

    def _of(self, selection: SelectionSetNode, parent: GraphQLCompositeType | None) -> int:
        return max((self._of_one(node, parent) for node in selection.selections), default=0)

    def _of_one(self, node: object, parent: GraphQLCompositeType | None) -> int:
        if isinstance(node, FieldNode):
            return self._of_field(node, parent)
        if isinstance(node, InlineFragmentNode):
            narrowed = node.type_condition and self._schema.get_type(node.type_condition.name.value)
            return self._of(node.selection_set, narrowed if is_composite_type(narrowed) else parent)
        if isinstance(node, FragmentSpreadNode):
            return self._of_fragment(node.name.value)
        return 0

    def _of_field(self, node: FieldNode, parent: GraphQLCompositeType | None) -> int:
        fields = getattr(parent, "fields", {})
        definition = fields.get(node.name.value)
        if node.selection_set is None or definition is None:
            return 0
        inner = get_named_type(definition.type)
        below = self._of(node.selection_set, inner if is_composite_type(inner) else None)
        here = parent is not None and parent.name == self._type_name
        return below + (here and node.name.value == self._field_name)

    def _of_fragment(self, name: str) -> int:
        if name not in self._remembered:
            fragment = self._fragments[name]  # type: ignore[index]
            on = self._schema.get_type(fragment.type_condition.name.value)
            self._remembered[name] = self._of(
                fragment.selection_set, on if is_composite_type(on) else None
            )
        return self._remembered[name]
