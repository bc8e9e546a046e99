"""What administrators send of rule sets: `loadRuleSet`."""

from datetime import date
from typing import Any

import strawberry

from schema.consequences import rule_sets
from schema.consequences.rule_graph import RuleSet
from schema.context import Info
from schema.errors import UserError
from schema.relay import refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected

ONE_RULE_SET = One(source="rule_set @it", where="@it.id = @key::uuid")


@strawberry.input(
    description="Rules of an agency from a day on: packaged ones by `code`, or a `text`. What was "
    "reckoned before stands until it is reckoned anew."
)
class LoadRuleSetInput:
    agency: str = strawberry.field(description="The agency's code.")
    starts_on: date = strawberry.field(
        description="The first day. Of two versions from the same day the later one holds."
    )
    code: str | None = strawberry.field(
        default=None, description="Of `packagedRules`; null where `text` is given."
    )
    text: str | None = strawberry.field(
        default=None,
        description="A table in TOML or JSON, at most 65,536 characters; its `kind` says of what.",
    )


@strawberry.type(description="The version that holds from the day on, or why it was refused.")
class LoadRuleSetPayload:
    rule_set: RuleSet | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class RuleMutation:
    @strawberry.mutation(
        description="For administrators: add a version of the agency's rules. The same rules again "
        "from the same day are no new version."
    )
    async def load_rule_set(self, info: Info, input: LoadRuleSetInput) -> LoadRuleSetPayload:
        viewer, now, day = info.context.viewer, info.context.now(), input.starts_on
        with refusals(info) as refused:
            row = await rule_sets.load(
                viewer, input.agency, day, now, text=input.text, code=input.code
            )
            return LoadRuleSetPayload(rule_set=shown(row), user_errors=[])
        return LoadRuleSetPayload(rule_set=None, user_errors=refused)


def shown(row: Any) -> Any:
    return Selected(ONE_RULE_SET, {"key": row.id})
