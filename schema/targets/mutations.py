"""What administrators send of what targets are counted by: `setPolicy`."""

from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import strawberry

from schema.context import Info
from schema.errors import UserError
from schema.policies.graph import AgencyPolicy
from schema.policies.models import LateEntries
from schema.policies.rules import Policy, time_of
from schema.relay import refusals
from schema.selection.declarations import One
from schema.selection.execution import Selected
from schema.targets import service

ONE_POLICY = One(source="agency_policy @it", where="@it.id = @key::uuid")
MAY_BE_NONE = {"entry_days", "recognized_minutes", "nudge_at", "digest_at"}
"""Where null says something: no deadline, no limit, never."""
CLOCKS = {"nudge_at": "nudgeAt", "digest_at": "digestAt"} | {
    "quiet_from": "quietFrom",
    "quiet_until": "quietUntil",
}
"""Local times of day, which come as text, and their names in the API."""
KEPT = "Left out: as it holds on that day."


@strawberry.input(
    description="How an agency counts from a day on. What is left out stays as it holds on that "
    "day. Versions are added, never rewritten; of two from the same day the later one holds."
)
class SetPolicyInput:
    agency: str = strawberry.field(description="The agency's code.")
    starts_on: date = strawberry.field(
        description="The first day. Achievements of a planning period go by the version that "
        "holds on the period's first day."
    )
    achievement_cap: Decimal | None = strawberry.field(
        default=None, description=f"Percent, 100 to 1000. {KEPT}"
    )
    missing_counts_as_zero: bool | None = strawberry.field(default=None, description=KEPT)
    on_track_share: Decimal | None = strawberry.field(
        default=None, description=f"Percent, over 0 to 100. {KEPT}"
    )
    late_entries: LateEntries | None = strawberry.field(default=None, description=KEPT)
    entry_days: int | None = strawberry.field(
        default=strawberry.UNSET, description=f"0 to 366; null: no such deadline. {KEPT}"
    )
    filling_days: int | None = strawberry.field(default=None, description=f"0 to 366. {KEPT}")
    plan_days: int | None = strawberry.field(default=None, description=f"0 to 366. {KEPT}")
    action_plans_required: bool | None = strawberry.field(default=None, description=KEPT)
    effective_share: Decimal | None = strawberry.field(
        default=None, description=f"Percent, over 0 to 100. {KEPT}"
    )
    recognized_minutes: int | None = strawberry.field(
        default=strawberry.UNSET, description=f"1 to 1440; null: all count. {KEPT}"
    )

    active_minutes: int | None = strawberry.field(default=None, description=f"1 to 1440. {KEPT}")
    flexible_minutes: int | None = strawberry.field(default=None, description=f"0 to 720. {KEPT}")
    duty_travel_excuses: bool | None = strawberry.field(default=None, description=KEPT)
    nudge_at: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"As 15:00; null: never. {KEPT}"
    )
    digest_at: str | None = strawberry.field(
        default=strawberry.UNSET, description=f"As 08:00; null: never. {KEPT}"
    )
    quiet_from: str | None = strawberry.field(default=None, description=f"As 18:00. {KEPT}")
    quiet_until: str | None = strawberry.field(default=None, description=f"As 06:30. {KEPT}")
    notices_per_day: int | None = strawberry.field(default=None, description=f"0 to 24. {KEPT}")
    objection_days: int | None = strawberry.field(default=None, description=f"0 to 90. {KEPT}")
    peer_feedback: bool | None = strawberry.field(default=None, description=KEPT)
    smallest_feedback_group: int | None = strawberry.field(
        default=None, description=f"2 to 20. {KEPT}"
    )

    def changes(self) -> dict[str, Any]:
        """What was given, by the names of `Policy`.

        Raises:
            DomainError: a time of day is none.
        """
        given = {one.name: getattr(self, one.name) for one in fields(Policy)}
        return {
            name: time_of(value, CLOCKS[name]) if name in CLOCKS and value else value
            for name, value in given.items()
            if value is not strawberry.UNSET and (value is not None or name in MAY_BE_NONE)
        }


@strawberry.type(description="The new version, or why it was refused.")
class SetPolicyPayload:
    policy: AgencyPolicy | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type
class TargetMutation:
    @strawberry.mutation(
        description="For administrators: how the agency counts from a day on. Weighted "
        "achievements are worked out anew by it."
    )
    async def set_policy(self, info: Info, input: SetPolicyInput) -> SetPolicyPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            policy = await service.set_policy(
                viewer, input.agency, input.starts_on, input.changes(), now
            )
            found: Any = Selected(ONE_POLICY, {"key": policy.id})
            return SetPolicyPayload(policy=found, user_errors=[])
        return SetPolicyPayload(policy=None, user_errors=refused)
