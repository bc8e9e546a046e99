"""How much one GraphQL document may ask for: the limits, and the measure taken against them.

The measure is static: it reads the document, the schema and the variables, and runs nothing.
Fragments are measured once and their size is reused, so that a document whose fragments
double (a spreads b twice, b spreads c twice, ...) costs as much to refuse as to read.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLNamedType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
)

DAY_LENGTH = len("2026-11-24")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one operation may ask for. The numbers are explained in decision record 0004.

    Counts are taken with every fragment expanded. `list_size` and `page_size` are the sizes
    assumed for a plain list and for a connection without `first` or `last`; a field may
    state its own with the metadata `list_size`.
    """

    tokens: int = 2_000
    depth: int = 15
    aliases: int = 30
    root_fields: int = 20
    directives: int = 50
    fields: int = 1_500
    cost: int = 100_000
    list_size: int = 4
    page_size: int = 50
    introspection_cost: int = 20_000
    errors: int = 5


@dataclass(frozen=True, slots=True)
class Size:
    """What a selection set asks for, its fragments expanded.

    `nodes` are objects. `page_nodes` are objects for each item of the connection that the
    selection set belongs to: the page's size is known only where the connection is asked for.
    """

    depth: int = 0
    fields: int = 0
    width: int = 0
    aliases: int = 0
    directives: int = 0
    nodes: int = 0
    page_nodes: int = 0


@dataclass(frozen=True, slots=True)
class Measurement:
    """The sizes of a document's operations by name (None for an anonymous one).

    `varies` are the variables that had a part in it: while these are the same, so are the sizes.
    """

    operations: dict[str | None, Size]
    varies: frozenset[str]


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    limits: Limits,
    variables: Mapping[str, Any] | None = None,
) -> Measurement:
    """Measure every operation under `variables` (JSON values, not yet coerced).

    Raises:
        GraphQLError: DEPTH_LIMIT, where the document is too deep even to be measured.
    """
    measurer = _Measurer(schema, document, limits, variables or {})
    sizes = {
        node.name.value if node.name else None: measurer.operation(node)
        for node in document.definitions
        if isinstance(node, OperationDefinitionNode)
    }
    return Measurement(sizes, frozenset(measurer.varies))


class _Measurer:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        limits: Limits,
        variables: Mapping[str, Any],
    ) -> None:
        self.varies: set[str] = set()
        self._schema = schema
        self._limits = limits
        self._variables = variables
        self._defaults: dict[str, int] = {}
        self._fragments = {
            node.name.value: node
            for node in document.definitions
            if isinstance(node, FragmentDefinitionNode)
        }
        self._known: dict[str, Size] = {}

    def operation(self, node: OperationDefinitionNode) -> Size:
        self._defaults = {
            definition.variable.name.value: int(definition.default_value.value)
            for definition in node.variable_definitions or ()
            if isinstance(definition.default_value, IntValueNode)
        }
        if self.varies:
            # Each operation of a document gives the variables its own defaults.
            self._known.clear()
        root = self._schema.get_root_type(node.operation)
        size = self._selections(node.selection_set, root, 0)
        return _sum([size], directives=len(node.directives or ()))

    def _selections(
        self, node: SelectionSetNode, parent: GraphQLNamedType | None, level: int
    ) -> Size:
        # Deeper than any acceptable document, and well inside the interpreter's stack.
        if level > 4 * self._limits.depth:
            raise refusal("DEPTH_LIMIT", "levels", level, self._limits.depth)
        parts: list[Size] = []
        for selection in node.selections:
            marks = len(selection.directives or ())
            if isinstance(selection, FieldNode):
                part = self._field(selection, parent, level)
            elif isinstance(selection, InlineFragmentNode):
                condition = selection.type_condition
                inner = self._schema.get_type(condition.name.value) if condition else parent
                part = self._selections(selection.selection_set, inner, level + 1)
            else:
                assert isinstance(selection, FragmentSpreadNode)
                part = self._fragment(selection.name.value, level)
            parts.append(_sum([part], directives=marks) if marks else part)
        return _sum(parts)

    def _fragment(self, name: str, level: int) -> Size:
        known = self._known.get(name)
        if known is not None:
            return known
        # An unknown fragment, or one that spreads itself: validation names the fault.
        self._known[name] = Size()
        node = self._fragments.get(name)
        if node is not None:
            on = self._schema.get_type(node.type_condition.name.value)
            self._known[name] = self._selections(node.selection_set, on, level + 1)
        return self._known[name]

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None, level: int) -> Size:
        alias = 1 if node.alias else 0
        if node.selection_set is None:
            return Size(depth=1, fields=1, width=1, aliases=alias)
        name = node.name.value
        kind = _field_type(self._schema, parent, name)
        named = get_named_type(kind) if kind is not None else None
        inner = self._selections(node.selection_set, named, level + 1)
        many = kind is not None and is_list_type(get_nullable_type(kind))
        nodes, page_nodes = 0, 0
        if name.startswith("__"):
            nodes = self._limits.introspection_cost
        elif many and _is_connection(parent):
            # An edge is counted with its node, so that edges and nodes cost the same.
            page_nodes = inner.nodes + (0 if name == "edges" else 1)
        elif many:
            nodes = self._page(node, parent, self._limits.list_size) * (1 + inner.nodes)
        elif _is_connection(named):
            page = self._page(node, parent, self._limits.page_size)
            nodes = inner.nodes + page * inner.page_nodes
        else:
            nodes = 1 + inner.nodes
        return Size(
            depth=inner.depth + 1,
            fields=inner.fields + 1,
            width=1,
            aliases=inner.aliases + alias,
            directives=inner.directives,
            nodes=nodes,
            page_nodes=page_nodes,
        )

    def _page(self, node: FieldNode, parent: GraphQLNamedType | None, assumed: int) -> int:
        """The greatest number of items asked for by `first` and `last`, or the assumed one."""
        asked = [
            size
            for argument in node.arguments or ()
            if argument.name.value in ("first", "last")
            and (size := self._integer(argument.value)) is not None
        ]
        if not asked:
            own = _own_size(parent, node.name.value, assumed)
            return min(own, self._days(node) or own)
        # A negative size is refused where it is used; here it must not make others cheaper.
        return max(0, *asked)

    def _days(self, node: FieldNode) -> int | None:
        """How many days `from` and `to` span, where the field has them and they are days."""
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        first, last = self._day(given.get("from")), self._day(given.get("to"))
        return None if first is None or last is None else max(1, (last - first).days + 1)

    def _day(self, node: object) -> date | None:
        text: Any = None
        if isinstance(node, StringValueNode):
            text = node.value
        elif isinstance(node, VariableNode):
            self.varies.add(node.name.value)
            text = self._variables.get(node.name.value)
        try:
            return date.fromisoformat(text[:DAY_LENGTH]) if isinstance(text, str) else None
        except ValueError:
            return None

    def _integer(self, node: object) -> int | None:
        if isinstance(node, IntValueNode):
            return int(node.value)
        if isinstance(node, VariableNode):
            name = node.name.value
            self.varies.add(name)
            value = self._variables.get(name, self._defaults.get(name))
            # Coercion accepts 3.0 for an Int, so it counts as 3 here too.
            return int(value) if isinstance(value, int | float) else None
        return None


def refuse_excess(measurement: Measurement, limits: Limits, operation: str | None) -> int:
    """Return the cost (nodes) of the operation that will run; None names the only one.

    Raises:
        GraphQLError: an operation of the document passes a limit; its `extensions` hold
            `code` (DEPTH_LIMIT, ALIAS_LIMIT, ...), `limit` and `actual`.
    """
    for size in measurement.operations.values():
        for code, what, actual, limit in (
            ("DEPTH_LIMIT", "levels", size.depth, limits.depth),
            ("ALIAS_LIMIT", "aliases", size.aliases, limits.aliases),
            ("ROOT_FIELD_LIMIT", "root fields", size.width, limits.root_fields),
            ("DIRECTIVE_LIMIT", "directives", size.directives, limits.directives),
            ("FIELD_LIMIT", "fields", size.fields, limits.fields),
        ):
            if actual > limit:
                raise refusal(code, what, actual, limit)
    chosen = measurement.operations.get(operation)
    if chosen is None:
        chosen = next(iter(measurement.operations.values()), Size())
    if chosen.nodes > limits.cost:
        raise refusal("COST_LIMIT", "nodes", chosen.nodes, limits.cost)
    return chosen.nodes


def refusal(code: str, what: str, actual: int, limit: int) -> GraphQLError:
    """The error for a document that asks for `actual` of something, where `limit` is allowed."""
    # A doubling bomb counts in numbers of hundreds of digits, which help nobody.
    shown = min(actual, 10**12)
    return GraphQLError(
        f"The operation asks for {shown} {what}; at most {limit} are allowed.",
        extensions={"code": code, "limit": limit, "actual": shown},
    )


def _sum(parts: list[Size], directives: int = 0) -> Size:
    return Size(
        depth=max((part.depth for part in parts), default=0),
        fields=sum(part.fields for part in parts),
        width=sum(part.width for part in parts),
        aliases=sum(part.aliases for part in parts),
        directives=sum(part.directives for part in parts) + directives,
        nodes=sum(part.nodes for part in parts),
        page_nodes=sum(part.page_nodes for part in parts),
    )


def _field_type(
    schema: GraphQLSchema, parent: GraphQLNamedType | None, name: str
) -> GraphQLOutputType | None:
    if name.startswith("__"):
        introspection = {"__schema": "__Schema", "__type": "__Type"}.get(name)
        found = schema.get_type(introspection) if introspection else None
        return found  # type: ignore[return-value]
    field = getattr(parent, "fields", {}).get(name)
    return field.type if field is not None else None


def _is_connection(kind: GraphQLNamedType | None) -> bool:
    return kind is not None and kind.name.endswith("Connection")


def _own_size(parent: GraphQLNamedType | None, name: str, assumed: int) -> int:
    field = getattr(parent, "fields", {}).get(name)
    definition = field.extensions.get("strawberry-definition") if field is not None else None
    size = getattr(definition, "metadata", {}).get("list_size")
    return size if isinstance(size, int) else assumed
