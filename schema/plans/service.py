"""Use cases of plans: open, edit, submit, approve, return, close, and feedback.

One function, one transaction. Each locks the plan, checks what the caller may do from its state,
and that they know its present version: two who edit at once never overwrite each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer, can_plan_for, can_see_plan
from schema.checks import LONGEST_TITLE, text_of
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Assignment, Employee
from schema.plans import saving
from schema.plans.editing import (
    Draft,
    Stored,
    changes_between,
    content_of,
    seen_plan,
    stored,
)
from schema.plans.locking import lock_codes, lock_plan
from schema.plans.models import (
    Behaviour,
    Feedback,
    PerformancePlan,
    PlanEvent,
    PlanEventKind,
)
from schema.plans.rules import (
    Actor,
    IndicatorFacts,
    ResultFacts,
    check_step,
    days_of_plan,
    is_set_late,
    missing_in,
)
from schema.policies.service import policy_on
from schema.tables import transaction
from schema.targets.models import Period, ResultCategory, Target
from schema.values import local_date

NAMED_CHANGES = 8
"""How many changed lines a conflict names; the payload's events hold all."""


class Conflict(DomainError):
    """The plan has another version than the caller knows."""

    def __init__(self, known: int, version: int, changes: str) -> None:
        super().__init__(
            ErrorCode.CONFLICT, field="version", known=known, version=version, changes=changes
        )


@dataclass(frozen=True, slots=True)
class Held:
    """A locked plan, whose it is, and what the caller is to it."""

    connection: BaseDBAsyncClient
    plan: PerformancePlan
    person: Employee
    actors: tuple[Actor, ...]
    scope: Scope
    now: datetime


async def open_plan(
    scope: Scope, assignment_id: UUID, period_code: str, now: datetime
) -> PerformancePlan:
    """A draft for a post in a period, by its holder, a superior or the administrator.

    Raises:
        NotFound: no such post or period, or not the viewer's to see.
        DomainError: there is a plan already, or the post is not held within the period.
    """
    async with transaction() as connection:
        post = await Assignment.get_or_none(id=assignment_id, using_db=connection)
        if post is None:
            raise NotFound("Post")
        person = await Employee.get(id=post.employee_id, using_db=connection)
        if not can_see_plan(scope, person):
            raise NotFound("Post")
        period = await Period.get_or_none(
            code=period_code, agency_id=person.agency_id, using_db=connection
        )
        if period is None:
            raise NotFound("Period")
        if not actors_of(scope, person):
            raise DomainError(ErrorCode.NOT_ALLOWED, needed=" / ".join(Actor))
        return await opened(connection, post, period, scope.subject, now)


async def opened(
    connection: BaseDBAsyncClient, post: Assignment, period: Period, by: str, now: datetime
) -> PerformancePlan:
    """A draft of the days on which a post is held within a period.

    Raises:
        DomainError: PLAN_EXISTS, or NO_POST within the period.
    """
    if await PerformancePlan.filter(assignment=post, period=period).using_db(connection).exists():
        raise DomainError(ErrorCode.PLAN_EXISTS)
    starts_on, ends_on = days_of_plan(
        post.starts_on, post.ends_on, period.starts_on, period.ends_on
    )
    if ends_on < starts_on:
        person = await Employee.get(id=post.employee_id, using_db=connection)
        raise DomainError(ErrorCode.NO_POST, person=person.name, day=period.starts_on)
    plan = await PerformancePlan.create(
        using_db=connection,
        period=period,
        employee_id=post.employee_id,
        assignment=post,
        starts_on=starts_on,
        ends_on=ends_on,
    )
    await note(connection, plan, PlanEventKind.OPENED, by, now)
    return plan


async def save_plan(
    scope: Scope, plan_id: UUID, version: int, draft: Draft, now: datetime
) -> PerformancePlan:
    """Bring a plan to a draft, as one thing.

    Raises:
        NotFound: no such plan, or not the viewer's to see; or something that the draft names.
        DomainError: CONFLICT; the step is not the viewer's or not from this state; a line cannot
            be, or is in use.
    """
    async with transaction() as connection:
        if draft.results is not None:
            plan, _ = await seen_plan(connection, scope, plan_id)
            await lock_codes(connection, plan.period_id)
        held = await _held(connection, scope, plan_id, version, now)
        check_step(PlanEventKind.EDITED, held.actors, held.plan.state)
        before = await stored(connection, held.plan)
        told = content_of(before)
        await saving.save(connection, before, draft, held.person)
        after = content_of(await stored(connection, held.plan))
        changes = changes_between(told, after)
        if changes:
            await _move(held, PlanEventKind.EDITED, changes=changes)
    return held.plan


async def take_step(
    scope: Scope,
    plan_id: UUID,
    version: int,
    kind: PlanEventKind,
    now: datetime,
    comment: str | None = None,
) -> PerformancePlan:
    """Submit, withdraw, approve, return, close or reopen a plan.

    Raises:
        NotFound: no such plan, or not the viewer's to see.
        DomainError: CONFLICT; not the viewer's step, or not from this state; a reason is missing;
            the plan is not complete.
    """
    async with transaction() as connection:
        held = await _held(connection, scope, plan_id, version, now)
        step = check_step(kind, held.actors, held.plan.state)
        if step.needs_reason or comment is not None:
            comment = text_of(
                comment, missing=ErrorCode.REASON_MISSING, field="comment", longest=LONGEST_TITLE
            )
        if kind is PlanEventKind.APPROVED:
            await _check_administrators_turn(held)
        if kind in (PlanEventKind.SUBMITTED, PlanEventKind.APPROVED):
            _check_complete(await stored(connection, held.plan), await _superior(held))
        if step.to is not None:
            held.plan.state = step.to
        await _move(held, kind, comment=comment)
    return held.plan


async def give_feedback(
    scope: Scope,
    plan_id: UUID,
    text: str,
    now: datetime,
    *,
    target_id: UUID | None = None,
    behaviour: Behaviour | None = None,
) -> Feedback:
    """Continuous feedback, at any time and from either side: the employee or a superior.

    Raises:
        NotFound: no such plan, or no such result of it.
        DomainError: it is not the viewer's to give, or says nothing.
    """
    said = text_of(text, missing=ErrorCode.DESCRIPTION_MISSING, field="text", longest=LONGEST_TITLE)
    async with transaction() as connection:
        plan, person = await seen_plan(connection, scope, plan_id)
        sides = {Actor.EMPLOYEE, Actor.SUPERIOR}
        if scope.employee_id is None or not sides & set(actors_of(scope, person)):
            raise DomainError(ErrorCode.NOT_ALLOWED, needed=" / ".join(sorted(sides)))
        of_plan = Target.filter(id=target_id, plan_id=plan.id).using_db(connection)
        if target_id is not None and not await of_plan.exists():
            raise NotFound("Target")
        return await Feedback.create(
            using_db=connection,
            plan=plan,
            target_id=target_id,
            behaviour=behaviour,
            author_id=scope.employee_id,
            at=now,
            text=said,
        )


def actors_of(scope: Scope, person: Employee) -> tuple[Actor, ...]:
    """What a viewer is to a person's plan. In one's own plan one is its employee and no more."""
    if person.id == scope.employee_id:
        return (Actor.EMPLOYEE,)
    found = {
        Actor.SUPERIOR: can_plan_for(scope, person),
        Actor.ADMINISTRATOR: can_administer(scope, person.agency_id),
    }
    return tuple(actor for actor, is_one in found.items() if is_one)


async def _held(
    connection: BaseDBAsyncClient, scope: Scope, plan_id: UUID, version: int, now: datetime
) -> Held:
    """The plan, locked until the transaction ends, if the viewer knows its present version."""
    await lock_plan(connection, plan_id)
    plan, person = await seen_plan(connection, scope, plan_id)
    if plan.version != version:
        raise Conflict(version, plan.version, await _changes_since(connection, plan, version))
    return Held(connection, plan, person, actors_of(scope, person), scope, now)


async def _changes_since(connection: BaseDBAsyncClient, plan: PerformancePlan, version: int) -> str:
    """What has happened behind a version, in words: who by name (a NIP is not everybody's to
    see), what, and which lines."""
    behind = PlanEvent.filter(plan_id=plan.id, version__gt=version).using_db(connection)
    events = await behind.order_by("id")
    actors = Employee.filter(nip__in={event.actor for event in events}).using_db(connection)
    names = {person.nip: person.name for person in await actors}
    told: list[str] = []
    for event in events:
        lines = list(event.changes)
        more = f" and {len(lines) - NAMED_CHANGES} more" if len(lines) > NAMED_CHANGES else ""
        named = f" ({', '.join(lines[:NAMED_CHANGES])}{more})" if lines else ""
        told.append(f"{event.kind} by {names.get(event.actor, event.actor)}{named}")
    return "; ".join(told)


async def _move(
    held: Held,
    kind: PlanEventKind,
    *,
    comment: str | None = None,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Count the version up, and write down what happened."""
    held.plan.version += 1
    fields = ["state", "version", "approach"]
    await held.plan.save(using_db=held.connection, update_fields=fields)
    await note(
        held.connection, held.plan, kind, held.scope.subject, held.now, comment, dict(changes or {})
    )


async def note(
    connection: BaseDBAsyncClient,
    plan: PerformancePlan,
    kind: PlanEventKind,
    actor: str,
    at: datetime,
    comment: str | None = None,
    changes: dict[str, Any] | None = None,
) -> None:
    """A line of the plan's history, at its present version."""
    await PlanEvent.create(
        using_db=connection,
        plan_id=plan.id,
        kind=kind,
        actor=actor,
        at=at,
        version=plan.version,
        comment=comment,
        changes=changes or {},
    )


async def _superior(held: Held) -> UUID | None:
    post = await Assignment.get(id=held.plan.assignment_id, using_db=held.connection)
    return post.appraiser_id


async def _check_administrators_turn(held: Held) -> None:
    """An administrator sets a plan where nobody is above, or nobody has in time.

    Raises:
        DomainError: it is the superior's to approve.
    """
    if held.actors != (Actor.ADMINISTRATOR,) or await _superior(held) is None:
        return
    period = await Period.get(id=held.plan.period_id, using_db=held.connection)
    policy = await policy_on(held.connection, held.person.agency_id, period.starts_on)
    today = local_date(held.now, held.person.timezone)
    if not is_set_late(today, held.plan.starts_on, policy.plan_days):
        raise DomainError(ErrorCode.NOT_ALLOWED, needed=Actor.SUPERIOR)


def _check_complete(whole: Stored, superior: UUID | None) -> None:
    """Raises:
    DomainError: the plan is not complete; the message says what is missing.
    """
    results = [
        ResultFacts(
            title=target.title,
            has_parent=bool(whole.edges[target.id]),
            is_main=target.category is ResultCategory.MAIN,
            indicators=[
                IndicatorFacts(
                    title=row.title,
                    polarity=row.polarity,
                    planned=row.planned,
                    minimum=row.minimum,
                    maximum=row.maximum,
                    unit_of_measure=row.unit_of_measure,
                )
                for row in whole.indicators[target.id]
            ],
            stages=len(whole.stages[target.id]),
        )
        for target in whole.targets
    ]
    lacks = missing_in(results, has_superior=superior is not None)
    if lacks:
        raise DomainError(ErrorCode.PLAN_INCOMPLETE, missing="; ".join(lacks))
