"""What each field of a built schema reads: its declaration, or what the models say of its name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
    is_list_type,
    is_object_type,
)
from tortoise.fields.relational import ForeignKeyFieldInstance

from schema.selection.declarations import KEY, Declaration, Many, One, Related, RowsOf, Value
from schema.tables import APP

ORIGIN = "strawberry-definition"
LONGEST_TYPE_NAME = 20
"""So that a global id stays under the 76 characters after which PostgreSQL breaks a line."""
NO_ROWS = RowsOf()


class Catalogue:
    """Declarations of all fields of one schema, worked out once each."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self.schema = schema
        self._known: dict[tuple[str, str], Declaration] = {}

    def rows_of(self, kind: GraphQLObjectType) -> RowsOf:
        """From where a type's rows come."""
        definition = kind.extensions.get(ORIGIN)
        return cast("RowsOf", getattr(getattr(definition, "origin", None), "__rows__", NO_ROWS))

    def table_of(self, kind: GraphQLObjectType) -> str:
        """The name of the table that a type with a model is read from."""
        model = self.rows_of(kind).model
        assert model is not None
        return model._meta.db_table

    def node_type(self, name: str) -> GraphQLObjectType | None:
        """A type with an id and a table, by its name."""
        kind = self.schema.get_type(name)
        if not is_object_type(kind) or self.rows_of(kind).model is None or "id" not in kind.fields:
            return None
        return kind

    def declaration(self, kind: GraphQLObjectType, name: str) -> Declaration:
        """How a field is read.

        Raises:
            TypeError: neither a declaration nor the models say it.
        """
        key = (kind.name, name)
        if key not in self._known:
            self._known[key] = self._work_out(kind, name, kind.fields[name])
        return self._known[key]

    def is_declared(self, kind: GraphQLObjectType, name: str) -> bool:
        """Whether the field itself says what it reads."""
        field = kind.fields.get(name)
        return field is not None and KEY in _definition(field).metadata

    def python_name(self, kind: GraphQLObjectType, name: str) -> str:
        return cast("str", _definition(kind.fields[name]).python_name)

    def _work_out(self, kind: GraphQLObjectType, name: str, field: GraphQLField) -> Declaration:
        definition = _definition(field)
        found = definition.metadata.get(KEY)
        if isinstance(found, Value) and found.sql == "":
            return Value(sql=f"@row.{definition.python_name}", sees=found.sees)
        if found is not None and not (isinstance(found, Related) and found.is_of_models):
            return cast("Declaration", found)
        named = get_named_type(field.type)
        if name == "id" and self.rows_of(kind).model is not None:
            return Value(sql=_global_id(kind.name))
        if found is None and is_leaf_type(named):
            return Value(sql=f"@row.{definition.python_name}")
        assert is_object_type(named)
        relation = self._relation(kind, definition.python_name, field, named)
        if relation is None:
            raise TypeError(f"{kind.name}.{name} says neither what it reads, nor do the models")
        if found is None:
            many = is_list_type(get_nullable_type(field.type))
            return Many(**relation) if many else One(**relation)
        return cast("Declaration", replace(found, **relation))

    def _relation(
        self, kind: GraphQLObjectType, name: str, field: GraphQLField, named: GraphQLObjectType
    ) -> Mapping[str, Any] | None:
        """FROM and WHERE of the foreign key of this name, or of the one that names it."""
        here, there = self.rows_of(kind).model, self.rows_of(named).model
        if there is None:
            return None
        source = f"{there._meta.db_table} @it"
        key = here and here._meta.fields_map.get(name)
        if isinstance(key, ForeignKeyFieldInstance):
            column = key.source_field or f"{name}_id"
            return {"source": source, "where": f"@it.id = @row.{column}"}
        for column, other in there._meta.fields_map.items():
            if (
                isinstance(other, ForeignKeyFieldInstance)
                and here is not None
                and other.related_name == name
                and other.model_name in (f"{APP}.{here.__name__}", here)
            ):
                where = f"@it.{other.source_field or f'{column}_id'} = @row.id"
                return {"source": source, "where": where}
        return None


def _definition(field: GraphQLField) -> Any:
    return field.extensions[ORIGIN]


def _global_id(name: str) -> str:
    assert len(name) <= LONGEST_TYPE_NAME, name
    return f"encode(('{name}:' || @row.id)::bytea, 'base64')"
