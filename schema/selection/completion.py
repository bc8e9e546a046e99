"""What SQL leaves to Python, once a statement has answered: rules, errors in their place, nulls.

Most answers need none of it and go out as the text that PostgreSQL gave. The others are read,
completed as the specification's CompleteValue has it, and written anew.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, get_type_hints

import msgspec
from graphql import (
    GraphQLError,
    GraphQLOutputType,
    get_named_type,
    is_list_type,
    is_non_null_type,
    located_error,
)

from schema.errors import DomainError, NotFound
from schema.selection.statement import MARK, TYPE, Shape
from schema.values import plain


class NullInNonNull(Exception):
    """A field that is never null has none: the null rises to what holds it."""


@dataclass(slots=True)
class Completion:
    """One answer's; `path` is where it stands in the whole. Errors are collected, located."""

    refusals: Sequence[DomainError]
    path: Sequence[str | int] = ()
    errors: list[GraphQLError] = field(default_factory=list)

    def object(self, shapes: Sequence[Shape], value: Mapping[str, Any]) -> dict[str, Any] | None:
        """An operation's data."""
        try:
            return self._fields(shapes, value, list(self.path))
        except NullInNonNull:
            return None

    def value(self, shape: Shape, value: Any) -> Any:
        """One field's value, at `path`.

        Raises:
            GraphQLError: it cannot be null, and is; located.
        """
        try:
            return self._completed(shape, shape.kind, value, list(self.path))
        except NullInNonNull:
            raise self.errors.pop() from None

    def _fields(
        self, shapes: Sequence[Shape], value: Mapping[str, Any], path: list[str | int]
    ) -> dict[str, Any]:
        return {
            shape.key: self._completed(shape, shape.kind, value[shape.column], [*path, shape.key])
            for shape in shapes
        }

    def _completed(
        self, shape: Shape, kind: GraphQLOutputType, value: Any, path: list[str | int]
    ) -> Any:
        """The field's value; what fails is null here, or rises where null may not be."""
        try:
            if shape.after is not None and value is not None:
                value = _applied(shape.after.rule, value)
                return self._made(shape, kind, value)
            return self._of(shape, kind, value, path)
        except NullInNonNull:
            if is_non_null_type(kind):
                raise
        except Exception as error:
            self.errors.append(located_error(error, shape.nodes, path))
            if is_non_null_type(kind):
                raise NullInNonNull from error
        return None

    def _of(self, shape: Shape, kind: GraphQLOutputType, value: Any, path: list[str | int]) -> Any:
        if is_non_null_type(kind):
            found = self._of(shape, kind.of_type, value, path)
            if found is None:
                name = f"{shape.parent}.{shape.nodes[0].name.value}"
                raise TypeError(f"Cannot return null for non-nullable field {name}.")
            return found
        if value is None:
            return None
        if isinstance(value, str) and value.startswith(MARK):
            number = value.removeprefix(MARK)
            raise self.refusals[int(number)] if number else NotFound(get_named_type(kind).name)
        if is_list_type(kind):
            return [
                self._item(shape, kind.of_type, one, [*path, place])
                for place, one in enumerate(value)
            ]
        if not shape.members:
            return value
        return self._fields(_members(shape, value), value, path)

    def _item(
        self, shape: Shape, kind: GraphQLOutputType, value: Any, path: list[str | int]
    ) -> Any:
        try:
            return self._of(shape, kind, value, path)
        except NullInNonNull:
            if is_non_null_type(kind):
                raise
        return None

    def _made(self, shape: Shape, kind: GraphQLOutputType, value: Any) -> Any:
        """A value that a rule has made: objects by their attributes, scalars in the API's form."""
        if is_non_null_type(kind):
            found = self._made(shape, kind.of_type, value)
            if found is None:
                raise TypeError(f"{shape.parent}.{shape.python_name} is never null")
            return found
        if value is None:
            return None
        if is_list_type(kind):
            return [self._made(shape, kind.of_type, one) for one in value]
        if not shape.members:
            return written(value)
        (shapes,) = shape.members.values()
        kind_name = get_named_type(kind).name
        return {
            inner.key: kind_name
            if inner.python_name == "__typename"
            else self._made(inner, inner.kind, getattr(value, inner.python_name))
            for inner in shapes
        }


def _members(shape: Shape, value: Mapping[str, Any]) -> Sequence[Shape]:
    if len(shape.members) == 1:
        (shapes,) = shape.members.values()
        return shapes
    return shape.members[value[TYPE]]


def written(value: Any) -> Any:
    """A scalar as the API writes it."""
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def _applied(rule: Callable[..., Any], needs: Mapping[str, Any]) -> Any:
    types = _types_of(rule)
    return rule(**{name: _converted(value, types[name]) for name, value in needs.items()})


def _converted(value: Any, kind: Any) -> Any:
    return msgspec.convert(value, kind, strict=False)


@cache
def _types_of(rule: Callable[..., Any]) -> Mapping[str, Any]:
    return get_type_hints(rule)
