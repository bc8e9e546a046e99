"""Connections as SQL: one row more than the page holds tells whether there are more."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, cast

from graphql import FieldNode, GraphQLObjectType, get_named_type

from schema.selection.declarations import Page
from schema.selection.pages import behind_sql, cursor_sql, is_backward, order_sql
from schema.selection.statement import Shape, Text, an_object

if TYPE_CHECKING:
    from schema.selection.compiler import Answer, Compiler, Place


class Connections:
    """Compiles one connection in one place of a selection."""

    def __init__(self, compiler: "Compiler", relation: Page, occurrence: Text | None) -> None:
        self._compiler = compiler
        self._names = compiler.names
        self._relation = relation
        self._occurrence = occurrence
        self._asked = self._names.arguments(occurrence)
        self._backward = is_backward(self._asked)
        self._size = self._names.sql("@size::int", occurrence=occurrence)

    def answer(
        self, place: "Place", kind: GraphQLObjectType, nodes: Sequence[FieldNode]
    ) -> "Answer":
        """An aggregate over the rows of the page (p$), each with its place$ and its cursor$."""
        edge = cast("GraphQLObjectType", get_named_type(kind.fields["edges"].type))
        item = cast("GraphQLObjectType", get_named_type(edge.fields["node"].type))
        below = self._compiler.below(self._relation, place, item)
        inside, columns, shapes = list[str](), list[str](), list[Shape]()
        for shape in self._shapes(kind, nodes):
            match shape.nodes[0].name.value:
                case "edges":
                    one, shape.members = self._edge(edge, below, shape.nodes)
                    inside.append(f'{one} AS "e${len(inside)}"')
                    expression = self._edges(f'"e${len(inside) - 1}"')
                case "pageInfo":
                    expression, shape.members = self._page_info(kind, shape.nodes)
                case "totalCount":
                    rows = self._compiler.rows(
                        self._relation, place, below, self._occurrence, ["count(*)"]
                    )
                    expression = f"({rows})"
                case _:
                    expression = f"'{kind.name}'::text"
            columns.append(f'{expression} AS "{shape.column}"')
            shapes.append(shape)
        # HAVING makes it one row, whatever of the page is asked for.
        rows = (
            f"SELECT {', '.join([*inside, *self._placed(below)])} FROM {self._page(place, below)}"
        )
        whole = f"SELECT {', '.join(columns)} FROM ({rows}) p$ HAVING true"
        return f"(SELECT row_to_json(o$) FROM ({whole}) o$)", {kind.name: shapes}

    def _shapes(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> list[Shape]:
        found = self._compiler.collector.fields(kind, [node.selection_set for node in nodes])
        return [self._compiler.shape(kind, key, inner) for key, inner in found.items()]

    def _page(self, place: "Place", below: "Place") -> str:
        """The rows of the page, and one more."""
        cursor = self._asked.get("before" if self._backward else "after")
        rows = self._compiler.rows(
            self._relation,
            place,
            below,
            self._occurrence,
            [f"{below.alias}.*"],
            also=None if cursor is None else behind_sql(self._relation, backward=self._backward),
            order=order_sql(self._relation, backward=self._backward),
        )
        return f"({rows} LIMIT {self._size} + 1) {below.alias}"

    def _placed(self, below: "Place") -> list[str]:
        order = self._names.sql(order_sql(self._relation, backward=self._backward), it=below.alias)
        return [
            f"row_number() OVER (ORDER BY {order}) AS place$",
            f"{self._cursor(below)} AS cursor$",
        ]

    def _cursor(self, below: "Place") -> str:
        return self._names.sql(cursor_sql(self._relation), it=below.alias)

    def _edges(self, column: str) -> str:
        """The list of edges, in the connection's order also when the page was read backward."""
        order = "place$ DESC" if self._backward else "place$"
        return (
            f"coalesce(json_agg({column} ORDER BY {order}) "
            f"FILTER (WHERE place$ <= {self._size}), '[]')"
        )

    def _edge(
        self, edge: GraphQLObjectType, below: "Place", nodes: Sequence[FieldNode]
    ) -> "Answer":
        columns, shapes = list[str](), self._shapes(edge, nodes)
        for shape in shapes:
            match shape.nodes[0].name.value:
                case "cursor":
                    expression = self._cursor(below)
                case "node":
                    inner, members = self._compiler.fields(
                        below, [node.selection_set for node in shape.nodes]
                    )
                    shape.members = {below.kind.name: members}
                    expression = an_object(inner)
                case _:
                    expression = f"'{edge.name}'::text"
            columns.append(f'{expression} AS "{shape.column}"')
        return an_object(columns), {edge.name: shapes}

    def _page_info(self, kind: GraphQLObjectType, nodes: Sequence[FieldNode]) -> "Answer":
        info = cast("GraphQLObjectType", get_named_type(kind.fields["pageInfo"].type))
        known, shapes = self._known(info), self._shapes(info, nodes)
        # Aggregates of the page: a sub-select of their own would have none of its rows.
        pairs = [f"'{one.column}', {known[one.nodes[0].name.value]}" for one in shapes]
        return f"json_build_object({', '.join(pairs)})", {info.name: shapes}

    def _known(self, info: GraphQLObjectType) -> Mapping[str, str]:
        more = f"count(*) > {self._size}"
        # What lies on the other side of a cursor is taken to be there, as the specification allows.
        cursor = self._asked.get("before" if self._backward else "after")
        behind = "true" if cursor is not None else "false"
        cursors = "(array_agg(cursor$ ORDER BY place$))"
        first, last = f"{cursors}[1]", f"{cursors}[least(count(*), {self._size})]"
        return {
            "hasNextPage": behind if self._backward else more,
            "hasPreviousPage": more if self._backward else behind,
            "startCursor": last if self._backward else first,
            "endCursor": first if self._backward else last,
            "__typename": f"'{info.name}'::text",
        }
