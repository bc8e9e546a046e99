"""Use cases of action plans (*rencana aksi*): what is to be done in an evaluation period."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError

from schema.access import Scope, can_decide, can_plan_for
from schema.checks import LONGEST_NAME, LONGEST_TITLE, check_quantity, optional_text, text_of
from schema.errors import DomainError, ErrorCode, NotFound
from schema.plans.editing import seen_plan
from schema.plans.locking import lock_plan
from schema.plans.models import ActionPlan, EvaluationPeriod, PerformancePlan, PlanState
from schema.plans.periods import name_of
from schema.tables import transaction
from schema.targets.models import Target

MOST_AT_ONCE = 200
SHARE_PERIOD = "SELECT id FROM evaluation_period WHERE id = $1 FOR SHARE"
USED = "SELECT EXISTS (SELECT FROM progress_record WHERE action_plan_id = $1) AS is_used"
LAST = "SELECT coalesce(max(position), 0) AS last FROM action_plan WHERE target_id = $1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionDraft:
    """What is to be done for a target; the days are the evaluation period's unless given."""

    id: UUID | None = None
    target_id: UUID
    description: str
    quantity: Decimal | None = None
    unit_of_measure: str | None = None
    starts_on: date | None = None
    ends_on: date | None = None


async def save_action_plans(
    scope: Scope,
    plan_id: UUID,
    evaluation_period_id: UUID,
    drafts: Sequence[ActionDraft],
    now: datetime,
) -> list[ActionPlan]:
    """All action plans of a plan in one evaluation period, as one thing: those that are not given
    are removed, unless progress refers to them.

    Raises:
        NotFound: the plan, the period or a target is not there or not the viewer's to see.
        DomainError: it is not the viewer's to write, the period is closed, the plan too; a line
            cannot be, or is in use.
    """
    if len(drafts) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="items", limit=MOST_AT_ONCE)
    async with transaction() as connection:
        plan = await _plan(connection, scope, plan_id)
        # Shared until the transaction ends: nobody closes the period while it is written to.
        await connection.execute_query_dict(SHARE_PERIOD, [evaluation_period_id])
        period = await EvaluationPeriod.get_or_none(
            id=evaluation_period_id, period_id=plan.period_id, using_db=connection
        )
        if period is None:
            raise NotFound("Evaluation period")
        if period.closed_at is not None:
            raise DomainError(ErrorCode.PERIOD_CLOSED, period=name_of(period.kind, period.number))
        targets = await Target.filter(plan_id=plan.id).using_db(connection)
        keys = {target.id for target in targets}
        rows = ActionPlan.filter(target_id__in=list(keys), evaluation_period=period)
        known = {row.id: row for row in await rows.using_db(connection)}
        if {draft.target_id for draft in drafts} - keys:
            raise NotFound("Target")
        named = [draft.id for draft in drafts if draft.id]
        if set(named) - set(known):
            raise NotFound("Action plan")
        if len(named) != len(set(named)):
            detail = "the same action plan is given twice"
            raise DomainError(ErrorCode.BAD_USER_INPUT, field="items", detail=detail)
        await _remove(connection, known, {draft.id for draft in drafts})
        return [
            await _save(connection, period, draft, known.get(draft.id) if draft.id else None)
            for draft in drafts
        ]


async def _plan(connection: BaseDBAsyncClient, scope: Scope, plan_id: UUID) -> PerformancePlan:
    """The plan, locked, if the viewer may write its action plans: the employee or a superior."""
    await lock_plan(connection, plan_id)
    plan, person = await seen_plan(connection, scope, plan_id)
    if not (can_decide(scope, person) or can_plan_for(scope, person)):
        raise DomainError(ErrorCode.NOT_ALLOWED, needed="EMPLOYEE / SUPERIOR")
    if plan.state is PlanState.CLOSED:
        raise DomainError(ErrorCode.WRONG_PLAN_STATE, state=plan.state, needed=PlanState.APPROVED)
    return plan


async def _remove(
    connection: BaseDBAsyncClient, known: dict[UUID, ActionPlan], kept: set[UUID | None]
) -> None:
    for key, row in known.items():
        if key in kept:
            continue
        try:
            await ActionPlan.filter(id=key).using_db(connection).delete()
        except IntegrityError as error:
            thing = f'"{row.description}"'
            raise DomainError(ErrorCode.IN_USE, field="items", thing=thing) from error


async def _save(
    connection: BaseDBAsyncClient,
    period: EvaluationPeriod,
    draft: ActionDraft,
    row: ActionPlan | None,
) -> ActionPlan:
    starts_on, ends_on = draft.starts_on or period.starts_on, draft.ends_on or period.ends_on
    if not period.starts_on <= starts_on <= ends_on <= period.ends_on:
        raise DomainError(
            ErrorCode.BAD_USER_INPUT,
            field="startsOn",
            detail=f"{starts_on} to {ends_on} is not within {period.starts_on} to {period.ends_on}",
        )
    if draft.quantity is not None:
        check_quantity(draft.quantity)
    given = {
        "target_id": draft.target_id,
        "evaluation_period_id": period.id,
        "description": text_of(
            draft.description,
            missing=ErrorCode.DESCRIPTION_MISSING,
            field="description",
            longest=LONGEST_TITLE,
        ),
        "starts_on": starts_on,
        "ends_on": ends_on,
        "quantity": draft.quantity,
        "unit_of_measure": optional_text(
            draft.unit_of_measure, field="unitOfMeasure", longest=LONGEST_NAME
        ),
    }
    moves = row is not None and row.target_id != draft.target_id
    if row is not None and moves:
        used = await connection.execute_query_dict(USED, [row.id])
        if used[0]["is_used"]:
            thing = f'"{row.description}"'
            raise DomainError(ErrorCode.IN_USE, field="items", thing=thing)
    if row is None or moves:
        found = await connection.execute_query_dict(LAST, [draft.target_id])
        given["position"] = found[0]["last"] + 1
    if row is None:
        return await ActionPlan.create(using_db=connection, **given)
    row.update_from_dict(given)
    await row.save(using_db=connection)
    return row
