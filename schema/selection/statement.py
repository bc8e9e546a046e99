"""A compiled selection: its SQL, where its parameters come from, and what is done to its answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from graphql import FieldNode, GraphQLError, GraphQLField, GraphQLOutputType
from graphql.execution.values import VariableValues, get_argument_values
from strawberry import relay

from schema.errors import DomainError, ErrorCode, NotFound
from schema.selection.declarations import After, AnyNode, Declaration, Page, Related
from schema.selection.pages import page_parameters

STANDARD = {
    "viewer": "uuid",
    "line": "uuid",
    "directories": "uuid[]",
    "agencies": "uuid[]",
    "administered": "uuid[]",
    "roles": "text[]",
    "today": "date",
    "now": "timestamptz",
    "cursor": "text",
}
"""What every statement may ask for by name, and its SQL type."""

TOLD = ("viewer", "line", "directories", "agencies")
"""The scope as row level security reads it: texts, always the first parameters."""


LONGEST_NAME = 63
"""Bytes after which PostgreSQL cuts a name."""
TYPE = "t$"
"""Under which an object of a union tells its type to the completion."""
MARK = "\x00"
"""Begins what stands in place of a value: no text in the database holds a NUL."""

Text = tuple[str, str]
"""A field with arguments as a document has it: its name, and its arguments."""


@dataclass(slots=True)
class Shape:
    """One field of an answer: under which key SQL gives it, and what is left to do in Python.

    `members` are the fields of an object by its type's name. `python_name` is where a rule's own
    object has it.
    """

    key: str
    column: str
    python_name: str
    parent: str
    kind: GraphQLOutputType
    nodes: Sequence[FieldNode]
    members: Mapping[str, Sequence["Shape"]] = field(default_factory=dict)
    after: After | None = None


@dataclass(slots=True)
class Occurrence:
    """A field with arguments, as a document has it in one or several places."""

    declaration: Declaration
    definition: GraphQLField
    node: FieldNode

    def parameters(self, variables: VariableValues) -> Mapping[str, Any]:
        """The values that its statement takes, by name.

        Raises:
            DomainError: they are refused.
        """
        given = arguments_of(self.definition, self.node, variables)
        declaration = self.declaration
        if isinstance(declaration, AnyNode):
            return {"id": key_in(given["id"], None)}
        if isinstance(declaration, After) and declaration.check is not None:
            return declaration.check(given)
        if not isinstance(declaration, Related):
            return given
        for name, type_name in declaration.ids.items():
            if given.get(name) is not None:
                given[name] = key_in(given[name], type_name)
        if declaration.check is not None:
            given = {**declaration.check(given)}
        if isinstance(declaration, Page):
            given |= page_parameters(declaration, given)
        return given


def mark(number: int | None = None) -> str:
    """JSON that stands where something must not be null and is, or for an error by its number."""
    return rf"""'"\u0000{"" if number is None else number}"'::json"""


def an_object(columns: Sequence[str]) -> str:
    """One object, of columns of the rows around it."""
    return f"(SELECT row_to_json(o$) FROM (SELECT {', '.join(columns)}) o$)"


def type_in(text: str) -> str:
    """What a global id says its type is; nothing where it is none."""
    try:
        return relay.from_base64(text)[0]
    except ValueError:
        return ""


def arguments_of(
    definition: GraphQLField, node: FieldNode, variables: VariableValues
) -> dict[str, Any]:
    """A field's arguments, coerced.

    Raises:
        DomainError: one is null that must not be; in the document a default stood for it.
    """
    try:
        return get_argument_values(definition, node, variables)
    except GraphQLError as error:
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail=error.message) from error


def key_in(text: str, type_name: str | None) -> UUID:
    """The key in a global id of a type (any, where None).

    Raises:
        DomainError: it is no global id.
        NotFound: another type's, or no key: to a client the same as a row that is not there.
    """
    try:
        found, key = relay.from_base64(text)
    except ValueError:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT, field="id", detail=f"{text[:80]!r} is no id"
        ) from None
    try:
        if type_name not in (None, found):
            raise NotFound(str(type_name))
        return UUID(key)
    except ValueError:
        raise NotFound(type_name or "Node") from None


class Refused(Exception):
    """Arguments of some fields are refused: the errors by their occurrence."""

    def __init__(self, errors: Mapping[Text, DomainError]) -> None:
        super().__init__(errors)
        self.errors = errors


@dataclass(slots=True)
class Statement:
    """SQL that answers a selection as one JSON text.

    `parameters` name the source of each: an occurrence, or None for what is standard or given.
    `careful` says that the answer has to be completed in Python. `failed` are refused occurrences,
    and `errors` those of them that the answer names by number.
    """

    sql: str
    parameters: Sequence[tuple[Text | None, str]]
    occurrences: Mapping[Text, Occurrence]
    shapes: Sequence[Shape]
    careful: bool
    failed: Mapping[Text, DomainError] = field(default_factory=dict)
    errors: Sequence[DomainError] = ()

    def bind(self, variables: VariableValues, standard: Mapping[str, Any]) -> list[Any]:
        """Values for the parameters.

        Raises:
            Refused: arguments are not acceptable.
        """
        found: dict[Text, Mapping[str, Any]] = {}
        errors: dict[Text, DomainError] = {}
        for text, occurrence in self.occurrences.items():
            if text in self.failed:
                continue
            try:
                found[text] = occurrence.parameters(variables)
            except DomainError as error:
                errors[text] = error
        if errors:
            raise Refused({**self.failed, **errors})
        return [
            standard[name] if text is None else self._given(found[text], text, name, standard)
            for text, name in self.parameters
        ]

    def _given(
        self, found: Mapping[str, Any], text: Text, name: str, standard: Mapping[str, Any]
    ) -> Any:
        value = found.get(name)
        if value is None:
            defaults = getattr(self.occurrences[text].declaration, "defaults", {})
            return standard[defaults[name]] if name in defaults else None
        return value
