"""The names in declarations, as one statement has them: aliases of rows, numbers of parameters."""

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from graphql import FieldNode, GraphQLField, GraphQLObjectType, print_ast
from graphql.execution.values import VariableValues

from schema.errors import DomainError
from schema.selection.declarations import Declaration
from schema.selection.statement import STANDARD, TOLD, Occurrence, Text, arguments_of

NAME = re.compile(r"@([a-zA-Z][a-zA-Z0-9_]*)")


class Names:
    """What has been named so far. Names of our own hold a `$`, which no GraphQL name does."""

    def __init__(self, variables: VariableValues) -> None:
        self.parameters: list[tuple[Text | None, str]] = [(None, f"told {name}") for name in TOLD]
        self.occurrences: dict[Text, Occurrence] = {}
        self._variables = variables
        self._number = 0

    def new(self, letter: str) -> str:
        """A name that nothing in the statement has yet."""
        self._number += 1
        return f"{letter}${self._number}"

    def occurrence(
        self,
        declaration: Declaration,
        kind: GraphQLObjectType,
        definition: GraphQLField,
        node: FieldNode,
    ) -> Text | None:
        """A field with arguments; alike ones in several places are one. None without arguments."""
        if not definition.args:
            return None
        said = " ".join(sorted(print_ast(one) for one in node.arguments or ()))
        text = (f"{kind.name}.{node.name.value}", said)
        self.occurrences.setdefault(text, Occurrence(declaration, definition, node))
        return text

    def arguments(self, occurrence: Text | None) -> Mapping[str, Any]:
        """What a client gives, under their GraphQL names; the SQL depends on what is null only.

        Nothing where it cannot be: then the statement is refused when its values are bound.
        """
        if occurrence is None:
            return {}
        asked = self.occurrences[occurrence]
        with suppress(DomainError):
            return arguments_of(asked.definition, asked.node, self._variables)
        return {}

    def sql(self, text: str, *, it: str = "", row: str = "", occurrence: Text | None = None) -> str:
        """A declaration's text with aliases and parameters in place of its names."""

        def name_of(found: re.Match[str]) -> str:
            name = found[1]
            for word, alias in (("it", it), ("row", row)):
                if name == word or name.startswith(f"{word}_"):
                    assert alias, f"there is no @{word} in {text!r}"
                    return alias + name.removeprefix(word)
            return self._parameter(name, occurrence)

        return NAME.sub(name_of, text)

    def _parameter(self, name: str, occurrence: Text | None) -> str:
        standard = STANDARD.get(name)
        key = (None if standard else occurrence, name)
        if key not in self.parameters:
            self.parameters.append(key)
        number = f"${self.parameters.index(key) + 1}"
        return f"{number}::{standard}" if standard else number
