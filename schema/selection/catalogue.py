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
        definition, named = _definition(field), get_named_type(field.type)
        found, own_name = definition.metadata.get(KEY), definition.python_name
        if isinstance(found, Value) and found.sql == "":
            return replace(found, sql=self._column(kind, own_name))
        if found is not None and not (isinstance(found, Related) and found.is_of_models):
            return cast("Declaration", found)
        if name == "id" and self.rows_of(kind).model is not None:
            return Value(sql=_global_id(kind.name))
        if is_leaf_type(named):
            return Value(sql=self._column(kind, own_name))
        assert is_object_type(named)
        relation = self._relation(kind, own_name, named)
        if found is not None:
            return cast("Declaration", replace(found, **relation))
        many = is_list_type(get_nullable_type(field.type))
        return Many(**relation) if many else One(**relation)

    def _column(self, kind: GraphQLObjectType, name: str) -> str:
        """The column that the model has for a name; of rows without a model, the name itself."""
        model = self.rows_of(kind).model
        if model is None:
            return f"@row.{name}"
        if name not in model._meta.fields_db_projection:
            raise TypeError(f"{kind.name}.{name} says not what it reads, and is no column")
        return f"@row.{model._meta.fields_db_projection[name]}"

    def _relation(
        self, kind: GraphQLObjectType, name: str, named: GraphQLObjectType
    ) -> Mapping[str, Any]:
        """FROM and WHERE of the foreign key of this name, or of the one that names it."""
        here, there = self.rows_of(kind).model, self.rows_of(named).model
        if here is not None and there is not None:
            source = f"{there._meta.db_table} @it"
            key = here._meta.fields_map.get(name)
            if isinstance(key, ForeignKeyFieldInstance):
                return {"source": source, "where": f"@it.id = @row.{_column_of(key, name)}"}
            for other_name, other in there._meta.fields_map.items():
                if (
                    isinstance(other, ForeignKeyFieldInstance)
                    and other.related_name == name
                    and other.model_name == f"{APP}.{here.__name__}"
                ):
                    return {
                        "source": source,
                        "where": f"@it.{_column_of(other, other_name)} = @row.id",
                    }
        raise TypeError(f"{kind.name}.{name} says not what it reads, and no model relates it")


def _column_of(key: ForeignKeyFieldInstance[Any], name: str) -> str:
    return key.source_field or f"{name}_id"


def _definition(field: GraphQLField) -> Any:
    return field.extensions[ORIGIN]


def _global_id(name: str) -> str:
    assert len(name) <= LONGEST_TYPE_NAME, name
    return f"encode(('{name}:' || @row.id)::bytea, 'base64')"
