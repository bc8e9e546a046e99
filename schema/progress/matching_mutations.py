"""What administrators and employees send of matching: mapping rules, and `suggestTargets`."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.organizations.graph import Agency
from schema.progress import advising, models
from schema.progress.advising import RuleEntry
from schema.progress.graph import ONE_RECORD, ONE_TARGET, ProgressRecord
from schema.progress.matching import Suggestion
from schema.relay import key_of, refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected
from schema.targets.graph import Target

ONE_AGENCY = One(source="agency @it", where="@it.id = @key::uuid")


@strawberry.input(description="Activities of which all that is named is so serve a goal.")
class MappingRuleInput:
    goal: relay.GlobalID = strawberry.field(description="A target of the agency.")
    plugin: str | None = strawberry.field(default=None, description="The connector's plugin.")
    activity_kind: str | None = strawberry.field(
        default=None, description="The activity's kind, as the connector names it."
    )
    words: str | None = strawberry.field(
        default=None, description="All are in the activity's title, in any order and form."
    )

    def entry(self) -> RuleEntry:
        return RuleEntry(
            goal_id=key_of(self.goal, "Target"),
            plugin=self.plugin,
            kind=self.activity_kind,
            words=self.words,
        )


@strawberry.input(description="All mapping rules of an agency, in their order; none: no rules.")
class SetMappingRulesInput:
    agency: str = strawberry.field(description="The agency's code.")
    rules: list[MappingRuleInput] = strawberry.field(description="At most 200.")

    def entries(self) -> Sequence[RuleEntry]:
        return [rule.entry() for rule in self.rules]


@strawberry.type(description="The agency with its rules as they are now, or why not.")
class SetMappingRulesPayload:
    agency: Agency | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.input(description="A record that waits.")
class SuggestTargetsInput:
    record: relay.GlobalID = strawberry.field(description="The viewer's own pending record.")


@strawberry.type(description="A target that a record may belong to, however unsure.")
class RankedTarget:
    target: Target = strawberry.field(description="The target.")
    score: Decimal = strawberry.field(description="The confidence, from 0 to 1.")
    reason: str = strawberry.field(description="What speaks for it.")
    origin: models.SuggestionOrigin = strawberry.field(description="What it rests on.")


@strawberry.type(description="Where a record may belong, or why that cannot be said.")
class SuggestTargetsPayload:
    record: ProgressRecord | None = strawberry.field(
        description="With its suggestion as it is now; null where it was refused."
    )
    suggestions: list[RankedTarget] = strawberry.field(
        description="Up to three, the surest first, also those that are not sure enough to be "
        "the record's suggestion."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class MatchingMutation:
    @strawberry.mutation(
        description="For administrators: replace the rules by which activities find their goal."
    )
    async def set_mapping_rules(
        self, info: Info, input: SetMappingRulesInput
    ) -> SetMappingRulesPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = await advising.set_mapping_rules(viewer, input.agency, input.entries(), now)
            found: Any = Selected(ONE_AGENCY, {"key": key})
            return SetMappingRulesPayload(agency=found, user_errors=[])
        return SetMappingRulesPayload(agency=None, user_errors=refused)

    @strawberry.mutation(
        description="Look anew for where the viewer's pending record belongs: by the rules, what "
        "they confirmed and the targets as they are now."
    )
    async def suggest_targets(
        self, info: Info, input: SuggestTargetsInput
    ) -> SuggestTargetsPayload:
        with refusals(info) as refused:
            wanted = key_of(input.record, "ProgressRecord")
            key, found = await advising.suggest_targets(info.context.viewer, wanted)
            record: Any = Selected(ONE_RECORD, {"key": key})
            return SuggestTargetsPayload(record=record, suggestions=shown(found), user_errors=[])
        return SuggestTargetsPayload(record=None, suggestions=[], user_errors=refused)


def shown(found: Sequence[Suggestion]) -> list[RankedTarget]:
    """Each with its target as the read path shows it now."""
    targets: list[Any] = [Selected(ONE_TARGET, {"key": one.target_id}) for one in found]
    return [
        RankedTarget(target=target, score=one.score, reason=one.reason, origin=one.origin)
        for target, one in zip(targets, found, strict=True)
    ]
