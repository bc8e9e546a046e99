"""What a GraphQL type reads, said beside its fields.

SQL in a declaration is constant text with names in it, and values never enter the text:

    @it       the row that the declaration makes; @it_log is a second row that comes with it
    @row      the row that the field belongs to (in one field of another, the outer one's @it)
    @viewer   who asks, with @line (whose work is seen), @directories, @agencies,
              @administered, @roles, @today, @now, @cursor
    @period   an argument of the field, under its GraphQL name

A field without a declaration is the column of its name; a field whose type is another table's is
the foreign key of its name, or the relation that ends here under that name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import strawberry

from schema.tables import Row

KEY = "selection"
"""Under which a field's metadata holds its declaration."""
IF_SEEN = "visible"
"""`sees` of a field that is shown where its row is: on a red thread also other rows are met."""
RowType = TypeVar("RowType", bound=type)
Arguments = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsOf:
    """What is known of a type's rows: their table, if any, and who may see one.

    `visible` is a condition on @it. A type without it has the visibility of whatever leads to it.
    `joins` brings rows that come with each, such as @it_owner, behind any FROM.
    """

    model: type[Row] | None = None
    visible: str | None = None
    joins: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A scalar: an SQL expression over @row."""

    sql: str
    sees: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """A value that Python computes once the statement has answered, by a rule of its own.

    `needs` are SQL expressions by the rule's parameter names; each comes as the type that the
    rule annotates. A Decimal needs `::text`, since a number in JSON is read as a float. `check` is
    as with Related.
    """

    rule: Callable[..., Any]
    needs: Mapping[str, str]
    sees: str | None = None
    check: "Callable[[Arguments], Arguments] | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """Objects that belong to a row: FROM, WHERE and ORDER BY of a sub-select.

    `source` None is read from the models. `same` is the alias, `@row` or `@row_x`, of a row that
    is there already. `given` adds a condition where the argument of its name is not null; `ids`
    names the types of arguments that are global ids; `defaults` names what stands for an argument
    that is null (under row level security, a coalesce keeps PostgreSQL from an index); `check`
    answers the arguments as the statement takes them, and may refuse them with a DomainError.
    `trusted` says that whoever sees the row sees these as well; `raw` that they come as they are,
    so that fields which are not everybody's ask for themselves. `columns` are how single fields
    are read in this place.
    """

    source: str | None = None
    same: str | None = None
    where: str | None = None
    order: str | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    check: Callable[[Arguments], Arguments] | None = None
    sees: str | None = None
    trusted: bool = False
    raw: bool = False
    columns: "Mapping[str, Declaration]" = field(default_factory=dict)

    @property
    def is_of_models(self) -> bool:
        """Whether FROM and WHERE are those of the models' relation."""
        return self.source is None and self.same is None


class One(Related):
    """At most one object; of several, the first in the order."""

    __slots__ = ()


class Many(Related):
    """A list, whole and in its order."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """A union: one object by type name, the one whose condition (`when`) holds for @row."""

    members: Mapping[str, One]
    when: Mapping[str, str]
    sees: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnyNode:
    """Any row with an id: its type is read from the argument `id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Related):
    """A connection. `keys` are unique together and give the order: expressions over @it, each
    with its SQL type; `newest` is descending."""

    keys: Mapping[str, str] = field(default_factory=dict)
    newest: bool = False


Declaration = Value | After | One | Many | Page | Either | AnyNode


def reads(
    *, model: type[Row] | None = None, visible: str | None = None, joins: str = ""
) -> Callable[[RowType], Any]:
    """Say of a Strawberry type which rows it is read from; see RowsOf."""

    def mark(cls: RowType) -> RowType:
        cls.__rows__ = RowsOf(model=model, visible=visible, joins=joins)  # type: ignore[attr-defined]
        return cls

    return mark


def value(sql: str, description: str, *, sees: str | None = None) -> Any:
    return _field(Value(sql=sql, sees=sees), description)


def column(description: str, *, sees: str) -> Any:
    """The column of the field's name, where the viewer sees it; else null."""
    return _field(Value(sql="", sees=sees), description)


def after(
    rule: Callable[..., Any], description: str, *, sees: str | None = None, **needs: str
) -> Any:
    return _field(After(rule=rule, needs=needs, sees=sees), description)


def one(source: str | None, description: str, *, type: Any = None, **given: Any) -> Any:
    return _field(One(source=source, **given), description, type)


def same(row: str, description: str, *, type: Any = None, **given: Any) -> Any:
    """An object read from a row that is there already."""
    return _field(One(same=row, **given), description, type)


def many(
    source: str | None,
    description: str,
    *,
    type: Any = None,
    at_most: int | None = None,
    **given: Any,
) -> Any:
    """A list; `at_most` tells the limits how long it may be where they would guess too little."""
    return _field(Many(source=source, **given), description, type, list_size=at_most)


def page(source: str | None, description: str, *, type: Any = None, **given: Any) -> Any:
    return _field(Page(source=source, **given), description, type)


def declared(
    declaration: Declaration, description: str, *, type: Any = None, at_most: int | None = None
) -> Any:
    return _field(declaration, description, type, list_size=at_most)


def _field(declaration: Declaration, description: str, type: Any = None, **known: Any) -> Any:
    metadata = {KEY: declaration, **known}
    return strawberry.field(description=description, metadata=metadata, graphql_type=type)
