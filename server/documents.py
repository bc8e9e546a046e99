"""The way of a GraphQL document before it runs: parsed, measured, validated, remembered.

`schema_extensions` is what the schema is built with. The order is the defence: tokens are
capped while the text is read, sizes are measured before validation (whose overlap rule is
quadratic), and the cost is taken for the variables of each request, also where the document
itself is remembered.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    specified_rules,
    validate,
)
from strawberry.extensions import SchemaExtension
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from server.limits import Limits, Measurement, measure, refuse_excess
from server.strings import literal_error, tokens


@dataclass(frozen=True, slots=True)
class KnownDocument:
    """A valid document. `measurement` is None where its sizes depend on the variables."""

    document: DocumentNode
    measurement: Measurement | None
    tokens: int


class DocumentCache:
    """Valid documents by their text, the least recently used forgotten first.

    Bounded in tokens rather than documents: a tree weighs 0.6 kB a token, so that
    100,000 tokens stay near 60 MB however many or few documents they are.
    """

    def __init__(self, max_tokens: int = 100_000) -> None:
        self._max_tokens = max_tokens
        self._held = 0
        self._documents: OrderedDict[str, KnownDocument] = OrderedDict()

    def __len__(self) -> int:
        return len(self._documents)

    def get(self, text: str) -> KnownDocument | None:
        known = self._documents.get(text)
        if known is not None:
            self._documents.move_to_end(text)
        return known

    def put(self, text: str, known: KnownDocument) -> None:
        if text in self._documents or known.tokens > self._max_tokens:
            return
        self._documents[text] = known
        self._held += known.tokens
        while self._held > self._max_tokens:
            self._held -= self._documents.popitem(last=False)[1].tokens


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
    """One request's passage; made anew for each, sharing only the cache.

    A refusal becomes `pre_execution_errors`: an exception here would escape from a stream.
    """

    def __init__(
        self, limits: Limits, cache: DocumentCache, *, introspection: bool, report_cost: bool
    ) -> None:
        self._limits = limits
        self._cache = cache
        self._introspection = introspection
        self._report_cost = report_cost
        self._known: KnownDocument | None = None
        self.cost: int | None = None

    def on_parse(self) -> Iterator[None]:
        context = self.execution_context
        context.parse_options["max_tokens"] = self._limits.tokens
        self._known = self._cache.get(context.query or "")
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
        if not self._report_cost or self.cost is None:
            return {}
        return {"cost": {"requested": self.cost, "limit": self._limits.cost}}

    def _errors(self, document: DocumentNode) -> list[GraphQLError]:
        context = self.execution_context
        known = self._known
        fault = literal_error(document) if known is None else None
        if fault is not None:
            return [fault]
        try:
            measurement = known.measurement if known is not None else None
            if measurement is None:
                measurement = measure(
                    context.schema._schema, document, self._limits, context.variables
                )
            self.cost = refuse_excess(measurement, self._limits, context.operation_name)
            self._refuse_ambiguity(measurement)
        except GraphQLError as refused:
            return [refused]
        if known is not None:
            return []
        errors = self._validate(document)
        if not errors:
            self._remember(document, measurement)
        return errors

    def _refuse_ambiguity(self, measurement: Measurement) -> None:
        """Strawberry would take the first of several operations; the specification takes none."""
        context = self.execution_context
        if len(measurement.operations) > 1 and context._provided_operation_name is None:
            raise GraphQLError(
                "The document has several operations: say which one in operationName.",
                extensions={"code": "UNKNOWN_OPERATION"},
            )

    def _validate(self, document: DocumentNode) -> list[GraphQLError]:
        errors = validate(
            self.execution_context.schema._schema,
            document,
            RULES if self._introspection else [*RULES, NoSchemaIntrospectionCustomRule],
            max_errors=self._limits.errors,
            hide_suggestions=True,
        )
        if errors and errors[-1].message == OVERLAP_ABORTED:
            message = "Fields repeat too often in the document to be compared with each other."
            return [GraphQLError(message, extensions={"code": "OVERLAP_LIMIT"})]
        return errors

    def _remember(self, document: DocumentNode, measurement: Measurement) -> None:
        count = sum(1 for _ in tokens(document))
        kept = None if measurement.varies else measurement
        self._cache.put(
            cast("str", self.execution_context.query), KnownDocument(document, kept, count)
        )


def schema_extensions(
    limits: Limits, *, introspection: bool = True, report_cost: bool = False
) -> list[Callable[[], SchemaExtension]]:
    """The extensions (factories, never instances) that a served schema is built with.

    The cache belongs to the returned list: use a list for one schema only. `report_cost`
    adds `extensions.cost {requested, limit}` (nodes) to every answer.
    """
    cache = DocumentCache()
    return [
        lambda: DocumentChecks(limits, cache, introspection=introspection, report_cost=report_cost)
    ]
