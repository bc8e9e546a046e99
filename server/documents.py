"""The way of a GraphQL document before it runs: parsed, measured, validated, remembered.

`Documents.extensions` is what a schema is built with. The order is the defence: tokens are
capped while the text is read, sizes are measured before validation (whose overlap rule is
quadratic), and the cost is taken for the variables of each request, also where the document
itself is remembered.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from cachetools import LRUCache
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    NoSchemaIntrospectionCustomRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    parse,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from server.limits import DAY_LENGTH, Limits, Measurement, measure, refuse_excess
from server.strings import literal_error, tokens

MEASUREMENTS_KEPT = 16
"""Page sizes and the like that a document's measurements are remembered for."""


Variables = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A valid document, and its measurements by the values of the variables that they depend on."""

    document: DocumentNode
    varies: frozenset[str]
    measurements: dict[tuple[Any, ...], Measurement]
    weight: int

    def measured(self, schema: GraphQLSchema, limits: Limits, given: Variables) -> Measurement:
        """Its sizes under these variables (JSON values)."""
        key = key_of(self.varies, given)
        known = self.measurements.get(key)
        if known is None:
            known = measure(schema, self.document, limits, given)
            if len(self.measurements) < MEASUREMENTS_KEPT:
                self.measurements[key] = known
        return known


def key_of(names: frozenset[str], given: Variables) -> tuple[int | float | str | None, ...]:
    """The values that sizes depend on: numbers, and days as text; nothing else has a part."""
    known = given or {}
    return tuple(_size(known[name]) if name in known else "left out" for name in sorted(names))


def _size(value: Any) -> int | float | str | None:
    if isinstance(value, str):
        return value[:DAY_LENGTH]
    return value if isinstance(value, int | float) else None


BYTES_KEPT = 60_000_000
"""How much of valid documents is remembered, the least recently used forgotten first.

Bounded by weight rather than number: a tree weighs 0.6 kB a token, and its text as much as it is
long, blanks and all.
"""
TOKEN_BYTES = 600


def document_cache(max_bytes: int = BYTES_KEPT) -> "LRUCache[str, KnownDocument]":
    """Documents by their text."""
    return LRUCache(max_bytes, lambda known: known.weight)


class BoundedOverlapRule(OverlappingFieldsCanBeMergedRule):
    """graphql-core's rule with a smaller budget of comparisons.

    Fields that repeat in one selection set are compared in pairs, and graphql-core gives up
    only after half a million units, which take it most of a second. Forty fragments
    that repeat the same three keys in one place, as client libraries write, spend 8,800.
    """

    BUDGET = 15_000

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self.rule_context.remaining_complexity_budget = self.BUDGET


# What graphql-core says when that budget is spent; a test holds it to these words.
OVERLAP_ABORTED = "Validation aborted."

RULES = [
    *(
        BoundedOverlapRule if rule is OverlappingFieldsCanBeMergedRule else rule
        for rule in specified_rules
    ),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
]


class DocumentChecks(SchemaExtension):
    """One request's passage; made anew for each, sharing only what is known of documents.

    A refusal becomes `pre_execution_errors`: an exception here would escape from a stream.
    """

    def __init__(self, documents: "Documents") -> None:
        self._documents = documents
        self._known: KnownDocument | None = None
        self.cost: int | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = self._documents.limits.tokens
        self._known = self._documents.cache.get(context.query or "")
        if self._known is not None:
            context.graphql_document = self._known.document
        yield

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        assert context.graphql_document is not None
        # Strawberry validates where this stays None; an empty list says that it is done.
        context.pre_execution_errors = self._errors(context.graphql_document)
        yield

    def get_results(self) -> dict[str, Any]:
        return {} if self.cost is None else self._documents.report(self.cost)

    def _errors(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        try:
            self.cost = self._documents.check(
                context.schema._schema,
                document,
                self._known,
                text=cast("str", context.query),
                operation_name=context._provided_operation_name,
                given=context.variables,
            )
        except Invalid as refused:
            return list(refused.errors)
        return []


class Invalid(Exception):
    """A document that may not run, and why."""

    def __init__(self, errors: Sequence[GraphQLError]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def refuse_ambiguity(measurement: Measurement, operation_name: str | None) -> None:
    """Strawberry would take the first of several operations; the specification takes none."""
    if len(measurement.operations) > 1 and operation_name is None:
        raise GraphQLError(
            "The document has several operations: say which one in operationName.",
            extensions={"code": "UNKNOWN_OPERATION"},
        )


class Documents:
    """The documents of one schema: what they may ask for, and those that are known.

    `report_cost` adds `extensions.cost {requested, limit}` (nodes) to every answer.
    """

    def __init__(
        self, limits: Limits, *, introspection: bool = True, report_cost: bool = False
    ) -> None:
        self.limits = limits
        self.introspection = introspection
        self.cache = document_cache()
        self._report_cost = report_cost

    @property
    def extensions(self) -> list[Callable[[], SchemaExtension]]:
        """What the schema is built with: factories, never instances."""
        return [lambda: DocumentChecks(self)]

    def report(self, cost: int) -> dict[str, Any]:
        """What an answer's extensions say of its cost."""
        return {"cost": {"requested": cost, "limit": self.limits.cost}} if self._report_cost else {}

    def check(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        known: KnownDocument | None,
        *,
        text: str,
        operation_name: str | None,
        given: Variables,
    ) -> int:
        """The cost of a document's operation; a new document is remembered, once it is valid.

        Raises:
            Invalid: it may not run.
        """
        fault = literal_error(document) if known is None else None
        if fault is not None:
            raise Invalid([fault])
        try:
            if known is None:
                measurement = measure(schema, document, self.limits, given)
            else:
                measurement = known.measured(schema, self.limits, given)
            cost = refuse_excess(measurement, self.limits, operation_name)
            refuse_ambiguity(measurement, operation_name)
        except GraphQLError as refused:
            raise Invalid([refused]) from refused
        if known is None:
            errors = self._validate(schema, document)
            if errors:
                raise Invalid(errors)
            self._remember(document, text, given, measurement)
        return cost

    def read(
        self, schema: GraphQLSchema, text: str, operation_name: str | None, given: Variables
    ) -> DocumentNode | None:
        """A document that may run under these variables; None where the long way refuses it."""
        known = self.cache.get(text)
        try:
            document = known.document if known else parse(text, max_tokens=self.limits.tokens)
            self.check(
                schema, document, known, text=text, operation_name=operation_name, given=given
            )
        except (GraphQLError, Invalid):
            return None
        return document

    def _validate(self, schema: GraphQLSchema, document: DocumentNode) -> list[GraphQLError]:
        errors = validate(
            schema,
            document,
            RULES if self.introspection else [*RULES, NoSchemaIntrospectionCustomRule],
            max_errors=self.limits.errors,
            hide_suggestions=True,
        )
        if errors and errors[-1].message == OVERLAP_ABORTED:
            message = "Fields repeat too often in the document to be compared with each other."
            return [GraphQLError(message, extensions={"code": "OVERLAP_LIMIT"})]
        return errors

    def _remember(
        self, document: DocumentNode, text: str, given: Variables, measurement: Measurement
    ) -> None:
        count = sum(1 for _ in tokens(document))
        varies = measurement.varies
        kept = {key_of(varies, given): measurement}
        # A request's size is far below what the cache holds, so there is room for each.
        weight = count * TOKEN_BYTES + 4 * len(text)
        self.cache[text] = KnownDocument(document, varies, kept, weight)

    def passed(
        self, schema: GraphQLSchema, text: str, operation_name: str | None, given: Variables
    ) -> tuple[DocumentNode, int] | None:
        """A known document that may run under these variables, and its cost.

        None where it is new or asks for too much: then the long way says what is wrong.
        """
        known = self.cache.get(text)
        if known is None:
            return None
        try:
            measurement = known.measured(schema, self.limits, given)
            refuse_ambiguity(measurement, operation_name)
            return known.document, refuse_excess(measurement, self.limits, operation_name)
        except GraphQLError:
            return None
