"""The GraphQL face of rule sets: an agency's versions, and the tables that come with the system."""

from datetime import date, datetime
from functools import cache
from uuid import UUID

import strawberry
from strawberry import relay
from strawberry.scalars import JSON

from schema.consequences import models
from schema.consequences.rule_texts import packaged, packaged_rules
from schema.organizations.agency_fields import RuleOf
from schema.organizations.graph import Employee
from schema.predicates import in_directory
from schema.selection.declarations import Arguments, many, one, reads, value
from schema.values import canonical

strawberry.enum(
    models.RuleKind,
    description="What rules work out: base weight, credit points, talent box, training, allowance.",
)


@reads(model=models.RuleSet, visible=in_directory("@it.agency_id"))
@strawberry.type(
    description="A version of an agency's rules of one kind, in force from a day until the next."
)
class RuleSet(relay.Node):
    id: relay.NodeID[UUID]
    kind: models.RuleKind = strawberry.field(description="What it works out.")
    code: str = strawberry.field(description="Its name among rules, such as kemenlu-2025.")
    version: int = strawberry.field(description="Of the agency's rules of this kind, from 1.")
    starts_on: date = strawberry.field(description="The first day on which it holds.")
    title: str = value(
        "coalesce(@row.body::json ->> 'title', @row.code)", "Its name for people, in Indonesian."
    )
    source: str = strawberry.field(
        description="Instrument and article, or that it is a house rule; in Indonesian."
    )
    assumed: list[str] = value(
        "coalesce(@row.body::json -> 'assumed', '[]')",
        "What the source does not say and is assumed, in Indonesian.",
    )
    table: JSON = value(
        "@row.body::json", "All of it; numbers that need not be whole are text, to be exact."
    )
    body: str = strawberry.field(
        description="The same as canonical JSON; the digest is of these bytes."
    )
    digest: str = strawberry.field(
        description="SHA-256 of the body, in hex; consequences name their rules by it."
    )
    loaded_at: datetime = strawberry.field(description="When it was loaded.")
    loaded_by: Employee | None = one(
        "employee @it",
        "Who loaded it; null where that is no employee, as of the defaults.",
        where="@it.nip = @row.loaded_by",
    )


@reads()
@strawberry.type(
    description="Rules that come with the system: a default, or a published scheme of allowance."
)
class PackagedRules:
    code: str = strawberry.field(description="To be named in `loadRuleSet`.")
    kind: models.RuleKind = strawberry.field(description="What it works out.")
    title: str = strawberry.field(description="Its name for people, in Indonesian.")
    source: str = strawberry.field(description="Instrument and article; in Indonesian.")
    assumed: list[str] = strawberry.field(
        description="What the source does not say and is assumed, in Indonesian."
    )
    text: str = strawberry.field(description="The table in TOML, with worked figures in comments.")


def with_tables(arguments: Arguments) -> Arguments:
    """The packaged tables beside the field's argument, as the statement takes them."""
    return {**arguments, "tables": packaged_tables()}


@cache
def packaged_tables() -> str:
    return canonical(
        [
            {
                "code": one.code,
                "kind": one.kind.value,
                "title": one.title,
                "source": one.source,
                "assumed": one.rules.assumed,
                "text": text,
            }
            for one, text in ((packaged_rules(code), text) for code, text in packaged().items())
        ]
    )


@strawberry.type
class RuleQuery:
    @many(
        "json_to_recordset(@tables::json) AS @it "
        "(code text, kind text, title text, source text, assumed json, text text)",
        "Rules that come with the system, by code; whoever is signed in sees them.",
        order='@it.code COLLATE "C"',
        given={"ruleKind": "@it.kind = @ruleKind"},
        check=with_tables,
        type=list[PackagedRules],
    )
    def packaged_rules(self, rule_kind: RuleOf = None) -> None: ...
