"""From a validated selection to one SQL statement.

Each object is a sub-select whose row becomes JSON (`row_to_json`, measured fastest), each list a
`json_agg` of such rows, nested as the selection is. Only texts of declarations and GraphQL names
come into it, and a GraphQL name holds no quote; every value is a parameter.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_object_type,
)
from graphql.execution.values import VariableValues

from schema.errors import DomainError, NotFound
from schema.selection.catalogue import Catalogue
from schema.selection.collecting import Collector
from schema.selection.connections import Connections
from schema.selection.declarations import (
    IF_SEEN,
    After,
    AnyNode,
    Declaration,
    Either,
    Many,
    One,
    Page,
    Related,
    Value,
)
from schema.selection.names import Names
from schema.selection.statement import (
    LONGEST_NAME,
    TOLD,
    TYPE,
    Shape,
    Statement,
    Text,
    an_object,
    mark,
    type_in,
)

FORMS = {"Decimal": "trim_scale({})::text"}
"""How a scalar is written where JSON's own form is not that of the API."""


@dataclass(frozen=True, slots=True)
class Place:
    """A row in the statement. `whole` says that the viewer is known to see it."""

    alias: str
    kind: GraphQLObjectType
    whole: bool = True
    columns: Mapping[str, Declaration] = field(default_factory=dict)


Members = Mapping[str, Sequence[Shape]]
Answer = tuple[str, Members]
"""An expression, and the shapes inside it by type name."""


class Compiler:
    """Compiles one selection; made anew for each.

    `careful` gives the answer in the form that Python completes. `failed` holds fields whose
    arguments were refused: the error stands in their place.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: VariableValues,
        *,
        careful: bool = False,
        failed: Mapping[Text, DomainError] | None = None,
    ) -> None:
        self.catalogue = catalogue
        self.collector = Collector(catalogue.schema, fragments, variables.coerced)
        self.names = Names(variables)
        self._careful = careful
        self._needs_care = careful
        self._failed = failed or {}
        self._errors: list[DomainError] = []

    def operation(self, root: GraphQLObjectType, selection: SelectionSetNode) -> Statement:
        """All fields of a query: an object."""
        columns, shapes = self.fields(Place("", root), [selection])
        return self._statement(an_object(columns), shapes)

    def field(
        self,
        declaration: Declaration,
        parent: GraphQLObjectType,
        nodes: Sequence[FieldNode],
        *,
        given: bool,
    ) -> Statement:
        """One field, read as `declaration` says: its value.

        `given` says that values for its names are at hand; else they are the field's arguments.
        """
        name = nodes[0].name.value
        shape = self.shape(parent, name, nodes)
        place = Place("", parent, columns={name: declaration})
        if not given:
            return self._statement(self._field(place, shape), [shape])
        definition = parent.fields[name]
        answer, shape.members = self._related(declaration, place, definition, nodes, None)
        return self._statement(answer, [shape])

    def presence(self, relation: One, kind: GraphQLObjectType) -> Statement:
        """Whether a row is there."""
        place = Place("", kind)
        rows = self.rows(relation, place, self.below(relation, place, kind), None, ["1"])
        return self._statement(f"EXISTS ({rows})", [])

    def _statement(self, answer: str, shapes: Sequence[Shape]) -> Statement:
        # The scope is told inside the statement, and first: docs/decisions/0007.
        told = ", ".join(
            f"set_config('ekinerja.{name}', ${place}, true)"
            for place, name in enumerate(TOLD, start=1)
        )
        sql = (
            f"SELECT q$.answer FROM (SELECT {told} OFFSET 0) s$ CROSS JOIN LATERAL "
            f"(SELECT CASE WHEN s$ IS NOT NULL THEN {answer}::text END AS answer) q$"
        )
        return Statement(
            sql,
            tuple(self.names.parameters),
            self.names.occurrences,
            tuple(shapes),
            self._needs_care,
            self._failed,
            tuple(self._errors),
        )

    # Objects and their fields

    def fields(
        self, place: Place, selections: Sequence[SelectionSetNode | None]
    ) -> tuple[list[str], list[Shape]]:
        """The columns of an object, and their shapes."""
        columns, shapes = [], []
        for key, nodes in self.collector.fields(place.kind, selections).items():
            shape = self.shape(place.kind, key, nodes)
            columns.append(f'{self._field(place, shape)} AS "{shape.column}"')
            shapes.append(shape)
        return columns, shapes

    def shape(self, kind: GraphQLObjectType, key: str, nodes: Sequence[FieldNode]) -> Shape:
        """A field's shape, yet without what is inside it."""
        column, name = key, nodes[0].name.value
        if len(key) > LONGEST_NAME:
            # PostgreSQL would cut it, and two long keys to one; Python gives it back.
            column, self._needs_care = self.names.new("k"), True
        if name == "__typename":
            return Shape(key, column, name, kind.name, GraphQLString, nodes)
        python_name = self.catalogue.python_name(kind, name)
        return Shape(key, column, python_name, kind.name, kind.fields[name].type, nodes)

    def _field(self, place: Place, shape: Shape) -> str:
        node, kind = shape.nodes[0], place.kind
        name = node.name.value
        if name == "__typename":
            return f"'{kind.name}'::text"
        definition = kind.fields[name]
        declaration = place.columns.get(name) or self.catalogue.declaration(kind, name)
        occurrence = self.names.occurrence(declaration, kind, definition, node)
        error = None if occurrence is None else self._failed.get(occurrence)
        if error is not None:
            return self._refusal(error, definition)
        expression, shape.members = self._read(
            declaration, place, definition, shape.nodes, occurrence
        )
        if isinstance(declaration, After):
            shape.after, self._needs_care = declaration, True
        return self._guarded(expression, declaration, place, definition)

    def _refusal(self, error: DomainError, definition: GraphQLField) -> str:
        """The place of a field whose arguments were refused; nothing is there under a bad id."""
        self._needs_care = True
        if isinstance(error, NotFound) and not is_non_null_type(definition.type):
            return "NULL::json"
        self._errors.append(error)
        return mark(len(self._errors) - 1)

    def _guarded(
        self, expression: str, declaration: Declaration, place: Place, definition: GraphQLField
    ) -> str:
        """Null, or an empty list, where the field is not the viewer's to see."""
        sees = getattr(declaration, "sees", None)
        if sees is None or (sees == IF_SEEN and place.whole):
            return expression
        if sees == IF_SEEN:
            visible = self.catalogue.rows_of(place.kind).visible
            assert visible is not None
            condition = self.names.sql(visible, it=place.alias)
        else:
            condition = self.names.sql(sees, row=place.alias)
        otherwise = ""
        if is_non_null_type(definition.type) and is_list_type(get_nullable_type(definition.type)):
            otherwise = " ELSE '[]'::json"
        return f"CASE WHEN {condition} THEN {expression}{otherwise} END"

    def _read(
        self,
        declaration: Declaration,
        place: Place,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        occurrence: Text | None,
    ) -> Answer:
        if isinstance(declaration, Value):
            form = FORMS.get(get_named_type(definition.type).name, "{}")
            return form.format(self.names.sql(declaration.sql, row=place.alias)), {}
        if isinstance(declaration, After):
            needs = [
                f'{self.names.sql(sql, row=place.alias, occurrence=occurrence)} AS "{name}"'
                for name, sql in declaration.needs.items()
            ]
            return an_object(needs), self._made(definition.type, nodes)
        return self._related(declaration, place, definition, nodes, occurrence)

    def _made(self, kind: GraphQLOutputType, nodes: Sequence[FieldNode]) -> Members:
        """Shapes inside a value that a rule makes: nothing of it comes from SQL."""
        named = get_named_type(kind)
        if not is_object_type(named):
            return {}
        shapes = []
        for key, inner in self.collector.fields(named, [n.selection_set for n in nodes]).items():
            shape = self.shape(named, key, inner)
            shape.members = self._made(shape.kind, inner)
            shapes.append(shape)
        return {named.name: shapes}

    # Objects of other rows

    def _related(
        self,
        declaration: Declaration,
        place: Place,
        definition: GraphQLField,
        nodes: Sequence[FieldNode],
        occurrence: Text | None,
    ) -> Answer:
        kind = cast("GraphQLObjectType", get_named_type(definition.type))
        match declaration:
            case Either():
                answer, members = self._either(declaration, place, nodes, occurrence)
            case AnyNode():
                answer, members = self._node(place, nodes, occurrence)
            case Page():
                answer, members = Connections(self, declaration, occurrence).answer(
                    place, kind, nodes
                )
            case Many():
                answer, members = self._many(declaration, place, kind, nodes, occurrence)
            case One():
                answer, members = self._one(declaration, place, kind, nodes, occurrence)
            case _:
                raise TypeError(f"{kind} is an object and is not declared as one")
        if is_non_null_type(definition.type):
            answer = f"coalesce({answer}, {mark()})"
        return answer, members

    def _either(
        self, declaration: Either, place: Place, nodes: Sequence[FieldNode], occurrence: Text | None
    ) -> Answer:
        cases, members = [], dict[str, Sequence[Shape]]()
        for name, relation in declaration.members.items():
            kind = cast("GraphQLObjectType", self.catalogue.schema.get_type(name))
            answer, inner = self._one(relation, place, kind, nodes, occurrence, tells_type=True)
            condition = self.names.sql(declaration.when[name], row=place.alias)
            cases.append(f"WHEN {condition} THEN {answer}")
            members.update(inner)
        return f"CASE {' '.join(cases)} END", members

    def _node(self, place: Place, nodes: Sequence[FieldNode], occurrence: Text | None) -> Answer:
        given = str(self.names.arguments(occurrence).get("id", ""))
        kind = self.catalogue.node_type(type_in(given))
        if kind is None:
            return "NULL::json", {}
        table = self.catalogue.table_of(kind)
        found = One(source=f"{table} @it", where="@it.id = @id")
        return self._one(found, place, kind, nodes, occurrence, tells_type=True)

    def _one(
        self,
        relation: One,
        place: Place,
        kind: GraphQLObjectType,
        nodes: Sequence[FieldNode],
        occurrence: Text | None,
        *,
        tells_type: bool = False,
    ) -> Answer:
        below = self.below(relation, place, kind)
        columns, shapes = self.fields(below, [node.selection_set for node in nodes])
        if tells_type and self._careful:
            columns.append(f"'{kind.name}' AS \"{TYPE}\"")
        if relation.same is not None:
            condition = relation.where and self.names.sql(relation.where, row=place.alias)
            answer = an_object(columns)
            answer = f"CASE WHEN {condition} THEN {answer} END" if condition else answer
        else:
            limit = " LIMIT 1" if relation.order else ""
            rows = f"{self.rows(relation, place, below, occurrence, columns)}{limit}"
            answer = f"(SELECT row_to_json(o$) FROM ({rows}) o$)"
        return answer, {kind.name: shapes}

    def _many(
        self,
        relation: Many,
        place: Place,
        kind: GraphQLObjectType,
        nodes: Sequence[FieldNode],
        occurrence: Text | None,
    ) -> Answer:
        below = self.below(relation, place, kind)
        columns, shapes = self.fields(below, [node.selection_set for node in nodes])
        rows = self.rows(relation, place, below, occurrence, columns)
        answer = f"(SELECT coalesce(json_agg(row_to_json(o$)), '[]') FROM ({rows}) o$)"
        return answer, {kind.name: shapes}

    def below(self, relation: Related, place: Place, kind: GraphQLObjectType) -> Place:
        """The place of a relation's rows."""
        if relation.same is not None:
            alias = self.names.sql(relation.same, row=place.alias)
            return Place(alias, kind, place.whole, relation.columns)
        whole = place.whole if relation.trusted else not relation.raw
        return Place(self.names.new("r"), kind, whole, relation.columns)

    def rows(
        self,
        relation: Related,
        place: Place,
        below: Place,
        occurrence: Text | None,
        columns: Sequence[str],
        *,
        also: str | None = None,
        order: str | None = None,
    ) -> str:
        """SELECT ... FROM ... WHERE ... ORDER BY ... of a relation."""

        def sql(text: str) -> str:
            return self.names.sql(text, row=place.alias, it=below.alias, occurrence=occurrence)

        given, known = self.names.arguments(occurrence), self.catalogue.rows_of(below.kind)
        wanted = [relation.where, also]
        if not relation.trusted and not relation.raw:
            wanted.append(known.visible)
        wanted += [text for name, text in relation.given.items() if given.get(name) is not None]
        assert relation.source is not None
        source = sql(f"{relation.source} {known.joins}".rstrip())
        parts = [f"SELECT {', '.join(columns)} FROM {source}"]
        conditions = [f"({sql(text)})" for text in wanted if text]
        if conditions:
            parts.append(f"WHERE {' AND '.join(conditions)}")
        ordered = order or relation.order
        if ordered:
            parts.append(f"ORDER BY {sql(ordered)}")
        return " ".join(parts)
