"""Random valid operations over a schema: aliases, fragments, variables, directives, pages, depth.

The same seed makes the same operation. Arguments come from pools of values by their name, so that
most of what is asked for is there, and some of it is not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from graphql import (
    GraphQLArgument,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_abstract_type,
    is_enum_type,
    is_leaf_type,
)

LONG = "a_response_key_that_is_longer_than_the_sixty_three_bytes_of_a_name_in_postgresql_"
DEEPEST = 6
Pools = Mapping[str, Sequence[Any]]


@dataclass
class Taken:
    """Response keys of one object, so that what is merged fits together."""

    by_key: dict[str, tuple[str, "Taken"]] = field(default_factory=dict)


@dataclass(frozen=True)
class Operation:
    """A document and its variables."""

    text: str
    variables: Mapping[str, Any]


ALONE = {"simulate"}
"""Root fields that are answered beside the statement. Where such a one and another non-null field
are both refused, which of the two empties the answer is the executor's choice."""


class Generator:
    """Makes one operation."""

    def __init__(self, schema: GraphQLSchema, pools: Pools, random: Random) -> None:
        self._schema = schema
        self._pools = pools
        self._random = random
        self._variables: dict[str, tuple[str, Any]] = {}
        self._fragments: list[str] = []
        self._budget = random.choice((8, 20, 45))
        self._single = False

    def operation(self) -> Operation:
        root = self._schema.query_type
        assert root is not None
        selection = self._selection(root, Taken(), 0)
        heads = ", ".join(f"${name}: {kind}" for name, (kind, _) in self._variables.items())
        head = f"query Q({heads})" if heads else "query Q"
        text = "\n".join([f"{head} {selection}", *self._fragments])
        given = {n: v for n, (_, v) in self._variables.items() if v is not ...}
        return Operation(text, given)

    def _selection(self, kind: GraphQLNamedType, taken: Taken, depth: int) -> str:
        number = self._random.randint(1, 3 if depth == 0 else 5)
        if depth == 0:
            self._single = number == 1
        parts = [self._part(kind, taken, depth) for _ in range(number)]
        if not any(parts):
            parts = ["__typename"]
        return "{ " + " ".join(filter(None, parts)) + " }"

    def _part(self, kind: GraphQLNamedType, taken: Taken, depth: int) -> str:
        chance = self._random.random()
        if is_abstract_type(kind):
            if chance < 0.15:
                return "__typename"
            return self._inline(self._random.choice(self._concrete(kind)), taken, depth)
        assert isinstance(kind, GraphQLObjectType)
        if chance < 0.08 and depth:
            return self._inline(kind, taken, depth)
        if chance < 0.16 and depth:
            return self._spread(kind, taken, depth)
        if chance < 0.2:
            return f"__typename {self._directive()}"
        return self._field(kind, taken, depth)

    def _concrete(self, kind: Any) -> list[GraphQLObjectType]:
        assert isinstance(kind, GraphQLInterfaceType | GraphQLUnionType)
        return sorted(self._schema.get_possible_types(kind), key=lambda one: one.name)

    def _inline(self, kind: GraphQLObjectType, taken: Taken, depth: int) -> str:
        return f"... on {kind.name} {self._directive()} {self._selection(kind, taken, depth + 1)}"

    def _spread(self, kind: GraphQLObjectType, taken: Taken, depth: int) -> str:
        name = f"F{len(self._fragments)}"
        self._fragments.append("")
        place = len(self._fragments) - 1
        selection = self._selection(kind, taken, depth + 1)
        self._fragments[place] = f"fragment {name} on {kind.name} {selection}"
        again = f" ...{name}" if self._random.random() < 0.2 else ""
        return f"...{name} {self._directive()}{again}"

    def _field(self, kind: GraphQLObjectType, taken: Taken, depth: int) -> str:
        fields = [
            (name, one)
            for name, one in kind.fields.items()
            if self._fits(get_named_type(one.type), depth) and (self._single or name not in ALONE)
        ]
        if not fields:
            return ""
        name, definition = self._random.choice(fields)
        given = self._arguments(definition)
        signature = f"{kind.name}.{name}({given})"
        key = self._key(name, signature, taken)
        _, inner = taken.by_key.setdefault(key, (signature, Taken()))
        self._budget -= 1
        named = get_named_type(definition.type)
        alias = "" if key == name else f"{key}: "
        arguments = f"({given})" if given else ""
        below = "" if is_leaf_type(named) else self._selection(named, inner, depth + 1)
        return f"{alias}{name}{arguments} {self._directive()} {below}"

    def _fits(self, named: GraphQLNamedType, depth: int) -> bool:
        return is_leaf_type(named) or (depth < DEEPEST and self._budget > 0)

    def _key(self, name: str, signature: str, taken: Taken) -> str:
        wanted = name
        if self._random.random() < 0.2:
            wanted = self._random.choice(("o", "r", "x1", "id", f"{LONG}1", f"{LONG}2"))
        number = 0
        while wanted in taken.by_key and taken.by_key[wanted][0] != signature:
            number += 1
            wanted = f"{name}{number}"
        return wanted

    def _directive(self) -> str:
        if self._random.random() > 0.08:
            return ""
        name, truth = self._random.choice(("include", "skip")), self._random.random() < 0.5
        if self._random.random() < 0.5:
            return f"@{name}(if: {str(truth).lower()})"
        return f"@{name}(if: ${self._variable('Boolean!', truth)})"

    def _arguments(self, definition: GraphQLField) -> str:
        parts = []
        for name, argument in definition.args.items():
            required = str(argument.type).endswith("!")
            if not required and self._random.random() < 0.55:
                continue
            value = self._random.choice(self._pools[name])
            if value is None and required:
                value = next(one for one in self._pools[name] if one is not None)
            parts.append(f"{name}: {self._said(argument, value)}")
        return ", ".join(parts)

    def _said(self, argument: GraphQLArgument, value: Any) -> str:
        if self._random.random() < 0.5:
            kind = str(argument.type)
            if value is None and self._random.random() < 0.5:
                value = ...  # the variable is left out
            return f"${self._variable(kind, value)}"
        if value is None:
            return "null"
        if isinstance(value, bool):
            return str(value).lower()
        return (
            str(value)
            if isinstance(value, int) or is_enum_type(get_named_type(argument.type))
            else f'"{value}"'
        )

    def _variable(self, kind: str, value: Any) -> str:
        for name, known in self._variables.items():
            if known == (kind, value) and self._random.random() < 0.7:
                return name
        name = f"v{len(self._variables)}"
        self._variables[name] = (kind, value)
        return name
