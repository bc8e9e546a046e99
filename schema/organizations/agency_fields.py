"""Fields of an agency that say how it counts: its policies, and its rules of consequences. Apart
from `graph.py`, which names them as a base, for its size."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, TypeAlias

import strawberry

from schema.organizations.lazy_types import LazyPolicy
from schema.selection.declarations import many, one

if TYPE_CHECKING:
    from schema.consequences.models import RuleKind
    from schema.consequences.rule_graph import RuleSet

LazyRuleKind = Annotated["RuleKind", strawberry.lazy("schema.consequences.models")]
LazyRuleSet = Annotated["RuleSet", strawberry.lazy("schema.consequences.rule_graph")]

# The version that holds on a day: the last that has begun, of one day the later one.
IN_FORCE = """@it.id = (SELECT r$.id FROM rule_set r$
  WHERE r$.agency_id = @it.agency_id AND r$.kind = @it.kind AND r$.starts_on <= @on::date
  ORDER BY r$.starts_on DESC, r$.version DESC LIMIT 1)"""
RuleDay: TypeAlias = Annotated[
    date | None, strawberry.argument(description="Those in force on it; all where left out.")
]
RuleOf: TypeAlias = Annotated[
    LazyRuleKind | None, strawberry.argument(description="Of this kind only.")
]


@strawberry.type
class WithRules:
    """What `organizations.graph.Agency` is besides."""

    @one(
        """(SELECT @row.id AS agency_id) o$ LEFT JOIN LATERAL (SELECT y$.* FROM agency_policy y$
          WHERE y$.agency_id = o$.agency_id AND y$.starts_on <= @on::date
          ORDER BY y$.starts_on DESC, y$.id DESC LIMIT 1) @it ON true""",
        "How it counts on a day: the version in force, or the defaults.",
        trusted=True,
        type=LazyPolicy,
    )
    def policy(self, on: Annotated[date, strawberry.argument(description="The day.")]) -> None: ...

    policies: list[LazyPolicy] = many(
        "agency_policy @it",
        "All versions, the newest first; of two from the same day the first holds.",
        where="@it.agency_id = @row.id",
        order="@it.starts_on DESC, @it.id DESC",
        trusted=True,
    )

    @many(
        "rule_set @it",
        "Rules of what follows from appraisals, by kind, the newest first; those in force on a "
        "day, or all versions. Empty of a kind until rules are loaded or first needed.",
        where="@it.agency_id = @row.id",
        order='@it.kind COLLATE "C", @it.starts_on DESC, @it.version DESC',
        given={"ruleKind": "@it.kind = @ruleKind", "on": IN_FORCE},
        trusted=True,
        type=list[LazyRuleSet],
    )
    def rule_sets(self, rule_kind: RuleOf = None, on: RuleDay = None) -> None: ...
