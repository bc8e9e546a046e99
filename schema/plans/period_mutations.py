"""What administrators do with periods and posts: payloads and mutations."""

from datetime import date
from typing import Any

import strawberry
from strawberry import relay

from schema.context import Info
from schema.errors import UserError
from schema.organizations.models import AssignmentKind
from schema.plans import models, periods
from schema.plans.graph import EvaluationPeriod, PerformancePlan
from schema.plans.mutations import ONE_PLAN
from schema.plans.transfers import Move, transfer
from schema.relay import key_of, optional_key_of, refusals
from schema.selection.declarations import Many, One
from schema.selection.execution import Selected

ONE_PERIOD = One(source="evaluation_period @it", where="@it.id = @key::uuid")
THESE_PERIODS = Many(
    source="unnest(@keys::uuid[]) WITH ORDINALITY k$ (id, place) "
    "JOIN evaluation_period @it ON @it.id = k$.id",
    order="k$.place",
)


@strawberry.input(description="How often an agency evaluates in a planning period.")
class SetEvaluationPeriodsInput:
    agency: str = strawberry.field(description="An agency's code.")
    period: str = strawberry.field(description="A planning period's code, such as 2026.")
    kind: models.EvaluationKind = strawberry.field(description="MONTHLY or QUARTERLY.")
    filling_days: int | None = strawberry.field(
        default=None,
        description="Days behind each end until filling is over; the policy's where left out.",
    )


@strawberry.input(description="An evaluation period to close.")
class CloseEvaluationPeriodInput:
    id: relay.GlobalID = strawberry.field(description="The evaluation period.")


@strawberry.input(description="An evaluation period to reopen, and why.")
class ReopenEvaluationPeriodInput:
    id: relay.GlobalID = strawberry.field(description="The evaluation period.")
    reason: str = strawberry.field(description="Kept in its history.")


@strawberry.input(description="A post that somebody takes over from a day on.")
class TransferInput:
    employee: relay.GlobalID = strawberry.field(description="Who.")
    unit: relay.GlobalID = strawberry.field(description="In which unit.")
    position: str = strawberry.field(description="The post (jabatan).")
    starts_on: date = strawberry.field(description="The first day.")
    appraiser: relay.GlobalID | None = strawberry.field(
        default=None, description="Who appraises for it; null at the top."
    )
    until: date | None = strawberry.field(
        default=None, description="The last day; of an acting post always."
    )
    kind: AssignmentKind = strawberry.field(
        default=AssignmentKind.DEFINITIVE, description="Definitive, or acting beside the own post."
    )
    heads_unit: bool = strawberry.field(default=False, description="Whether it leads the unit.")

    def move(self) -> Move:
        return Move(
            employee_id=key_of(self.employee, "Employee"),
            unit_id=key_of(self.unit, "Unit"),
            position=self.position,
            appraiser_id=optional_key_of(self.appraiser, "Employee"),
            starts_on=self.starts_on,
            until=self.until,
            kind=self.kind,
            heads_unit=self.heads_unit,
        )


@strawberry.type(description="Evaluation periods as they are now, or why it was refused.")
class EvaluationPeriodsPayload:
    evaluation_periods: list[EvaluationPeriod] = strawberry.field(
        description="By their days; empty where it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="The evaluation period as it is now, or why it was refused.")
class EvaluationPeriodPayload:
    evaluation_period: EvaluationPeriod | None = strawberry.field(
        description="Null where it was refused."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


@strawberry.type(description="What a move opened, or why it was refused.")
class TransferPayload:
    plan: PerformancePlan | None = strawberry.field(
        description="The new plan; null where no planning period covers the first day."
    )
    user_errors: list[UserError] = strawberry.field(description="Empty where it went well.")


def shown(row: models.EvaluationPeriod) -> EvaluationPeriodPayload:
    rows: Any = Selected(ONE_PERIOD, {"key": row.id})
    return EvaluationPeriodPayload(evaluation_period=rows, user_errors=[])


@strawberry.type
class PeriodMutation:
    @strawberry.mutation(
        description="Set the months or quarters of a planning period, and the final one. Again: "
        "deadlines of open ones move."
    )
    async def set_evaluation_periods(
        self, info: Info, input: SetEvaluationPeriodsInput
    ) -> EvaluationPeriodsPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            period = await periods.period_of(viewer, input.agency, input.period)
            saved = await periods.set_evaluation_periods(
                viewer, period, input.kind, now, input.filling_days
            )
            rows: Any = Selected(THESE_PERIODS, {"keys": [row.id for row in saved]})
            return EvaluationPeriodsPayload(evaluation_periods=rows, user_errors=[])
        return EvaluationPeriodsPayload(evaluation_periods=[], user_errors=refused)

    @strawberry.mutation(description="Close an evaluation period: its days change no more.")
    async def close_evaluation_period(
        self, info: Info, input: CloseEvaluationPeriodInput
    ) -> EvaluationPeriodPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "EvaluationPeriod")
            return shown(await periods.close_period(viewer, key, now))
        return EvaluationPeriodPayload(evaluation_period=None, user_errors=refused)

    @strawberry.mutation(description="Reopen a closed one; the reason stays on the record.")
    async def reopen_evaluation_period(
        self, info: Info, input: ReopenEvaluationPeriodInput
    ) -> EvaluationPeriodPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            key = key_of(input.id, "EvaluationPeriod")
            return shown(await periods.reopen_period(viewer, key, input.reason, now))
        return EvaluationPeriodPayload(evaluation_period=None, user_errors=refused)

    @strawberry.mutation(
        description="Give somebody a post: a transfer ends the one before and its plan, an acting "
        "post stands beside it; either opens a plan."
    )
    async def transfer_employee(self, info: Info, input: TransferInput) -> TransferPayload:
        viewer, now = info.context.viewer, info.context.now()
        with refusals(info) as refused:
            plan = await transfer(viewer, input.move(), now)
            rows: Any = None if plan is None else Selected(ONE_PLAN, {"key": plan.id})
            return TransferPayload(plan=rows, user_errors=[])
        return TransferPayload(plan=None, user_errors=refused)
