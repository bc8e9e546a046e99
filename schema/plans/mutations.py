"""What people do with plans: payloads and mutations."""

from typing import Any
from uuid import UUID

import strawberry

from schema.context import Info
from schema.errors import DomainError, ErrorCode, UserError
from schema.plans import models, service
from schema.plans.action_plans import save_action_plans
from schema.plans.graph import ActionPlan, Feedback, PerformancePlan, PlanEvent
from schema.plans.inputs import (
    FeedbackInput,
    OpenPlanInput,
    PlanVersionInput,
    ReasonedPlanInput,
    SaveActionPlansInput,
    SavePlanInput,
)
from schema.plans.models import PlanEventKind
from schema.relay import key_of, optional_key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected

ONE_PLAN = One(source="performance_plan @it", where="@it.id = @key::uuid")
SINCE = Many(
    source="plan_event @it",
    where="@it.plan_id = @key::uuid AND @it.version > @version::int",
    order="@it.id",
)
ONE_FEEDBACK = One(source="feedback @it", where="@it.id = @key::uuid")
THESE_ACTIONS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN action_plan @it ON @it.id = k$.id",
    order="k$.place",
)


@strawberry.type(
    description="The plan as it is now, or why it was refused. After a conflict the plan comes as "
    "it is, with what happened since the version that was known."
)
class PlanPayload:
    plan: PerformancePlan | None = strawberry.field(description="Null where it was refused.")
    since: list[PlanEvent] = strawberry.field(
        description="After a conflict: what happened behind the known version."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The feedback, or why it was refused.")
class FeedbackPayload:
    feedback: Feedback | None = strawberry.field(description="Null where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The action plans of the period, or why they were refused.")
class ActionPlansPayload:
    action_plans: list[ActionPlan] = strawberry.field(description="Empty where it was refused.")
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


def shown(plan: models.PerformancePlan) -> PlanPayload:
    rows: Any = Selected(ONE_PLAN, {"key": plan.id})
    return PlanPayload(plan=rows, since=[], user_errors=[])


def refused_with(errors: list[UserError], key: UUID | None, version: int) -> PlanPayload:
    """Why it was refused; after a conflict with the plan as it is and what happened since."""
    conflict = any(error.code is ErrorCode.CONFLICT for error in errors)
    plan: Any = Selected(ONE_PLAN, {"key": key}) if conflict else None
    since: Any = Selected(SINCE, {"key": key, "version": version}) if conflict else []
    return PlanPayload(plan=plan, since=since, user_errors=errors)


async def stepped(
    info: Info, input: PlanVersionInput, kind: PlanEventKind, comment: str | None = None
) -> PlanPayload:
    viewer, now, key = info.context.viewer, info.context.now(), None
    with refusals(info) as refused:
        key = key_of(input.id, "PerformancePlan")
        plan = await service.take_step(viewer, key, input.version, kind, now, comment)
        return shown(plan)
    return refused_with(refused, key, input.version)


@strawberry.type
class PlanMutation:
    @strawberry.mutation(description="Open a draft for a post in a period.")
    async def open_plan(self, info: Info, input: OpenPlanInput) -> PlanPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            post = key_of(input.post, "Post")
            return shown(await service.open_plan(viewer, post, input.period, now))
        return refused_with(refused, None, 0)

    @strawberry.mutation(description="Save a plan as one thing, on the version that was read.")
    async def save_plan(self, info: Info, input: SavePlanInput) -> PlanPayload:
        viewer, now, key = info.context.viewer, info.context.now(), None
        with refusals(info) as refused:
            key = key_of(input.id, "PerformancePlan")
            return shown(await service.save_plan(viewer, key, input.version, input.draft(), now))
        return refused_with(refused, key, input.version)

    @strawberry.mutation(description="The employee submits a complete plan to the superior.")
    async def submit_plan(self, info: Info, input: PlanVersionInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.SUBMITTED)

    @strawberry.mutation(description="The employee takes a submitted plan back.")
    async def withdraw_plan(self, info: Info, input: PlanVersionInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.WITHDRAWN)

    @strawberry.mutation(
        description="A superior sets a submitted plan; the administrator what nobody has in time."
    )
    async def approve_plan(self, info: Info, input: PlanVersionInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.APPROVED)

    @strawberry.mutation(description="A superior sends a plan back, with a comment.")
    async def return_plan(self, info: Info, input: ReasonedPlanInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.RETURNED, input.comment)

    @strawberry.mutation(description="A superior or the administrator closes an approved plan.")
    async def close_plan(self, info: Info, input: PlanVersionInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.CLOSED)

    @strawberry.mutation(description="Reopen a closed plan; the comment stays on the record.")
    async def reopen_plan(self, info: Info, input: ReasonedPlanInput) -> PlanPayload:
        return await stepped(info, input, PlanEventKind.REOPENED, input.comment)

    @strawberry.mutation(description="Continuous feedback, of either side, at any time.")
    async def give_feedback(self, info: Info, input: FeedbackInput) -> FeedbackPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            if input.target is not None and input.behaviour is not None:
                raise DomainError(
                    ErrorCode.BAD_USER_INPUT,
                    field="behaviour",
                    detail="feedback is on a result or on a behaviour",
                )
            given = await service.give_feedback(
                viewer,
                key_of(input.plan, "PerformancePlan"),
                input.text,
                now,
                target_id=optional_key_of(input.target, "Target"),
                behaviour=input.behaviour,
            )
            rows: Any = Selected(ONE_FEEDBACK, {"key": given.id})
            return FeedbackPayload(feedback=rows, user_errors=[])
        return FeedbackPayload(feedback=None, user_errors=refused)

    @strawberry.mutation(description="Save all action plans of a plan in one evaluation period.")
    async def save_action_plans(
        self, info: Info, input: SaveActionPlansInput
    ) -> ActionPlansPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            saved = await save_action_plans(
                viewer,
                key_of(input.plan, "PerformancePlan"),
                key_of(input.evaluation_period, "EvaluationPeriod"),
                [item.draft() for item in input.items],
                now,
            )
            rows: Any = Selected(THESE_ACTIONS, {"keys": [row.id for row in saved]})
            return ActionPlansPayload(action_plans=rows, user_errors=[])
        return ActionPlansPayload(action_plans=[], user_errors=refused)
