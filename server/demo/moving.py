"""Moves in mid-year: somebody is transferred, a successor takes the post over, somebody acts."""

from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from schema.organizations.models import AssignmentKind
from schema.organizations.viewers import scope_of
from schema.plans.editing import Draft
from schema.plans.models import PerformancePlan, PlanEventKind
from schema.plans.transfers import Move, transfer
from schema.targets.models import Accumulation, EdgeKind
from server.demo.cast import Held, Person, Play
from server.demo.planning import own_result, settle, step, take_up
from server.demo.roles import Roles, head_over
from server.demo.works import Service, Work, rotate

PLT = AssignmentKind.PLT


async def move(play: Play, roles: Roles, month: int) -> None:
    """What happens on the first day of a month, if anything does."""
    if month == play.script.moves_in:
        await _transfer(play, roles, month)
    if month == play.script.moves_in + 1:
        await _act(play, roles, month)
    if month == play.script.moves_in + 2:
        actor = play.people[roles.actor]
        actor.own = [work for work in actor.own if work.plan != actor.plans[-1].id]


async def _transfer(play: Play, roles: Roles, month: int) -> None:
    """Who leaves gets a new plan with a result of their own; the successor inherits the post's."""
    mover, successor = play.people[roles.mover], play.people[roles.successor]
    host = play.people[roles.host]
    left = (mover.unit, mover.position, mover.superior, mover.heads)
    appraiser = head_over(play, host)
    await _give(play, mover, (host.unit, f"Analis {host.unit}", appraiser, False), month)
    serves = [Service(play.goal_of(mover.unit).code, EdgeKind.INDIRECT)]
    draft = Draft(results=[own_result(play, mover, serves, 13 - month)])
    plan = mover.plans[-1]
    await settle(play, mover, plan, draft, play.calendar.at(play.calendar.first(month), 9))
    await take_up(play, mover, plan)
    _from(mover, month)
    await _give(play, successor, left, month)
    heirs = await take_up(play, successor, successor.plans[-1])
    for heir in heirs:
        old = play.works[heir.code.rpartition(".")[0]]
        hand_over(play, old, heir, play.calendar.first(month))
    now = play.calendar.at(play.calendar.first(month), 10)
    plan = successor.plans[-1]
    await step(successor.scope, plan, PlanEventKind.SUBMITTED, now)
    await step(play.superior_scope(successor), plan, PlanEventKind.APPROVED, now)
    _from(successor, month)


async def _give(
    play: Play, person: Person, post: tuple[str, str, str | None, bool], month: int
) -> None:
    """A definitive post from a month on; results of the one before are worked on no more."""
    person.unit, person.position, person.superior, person.heads = post
    first = play.calendar.first(month)
    plan = await transfer(
        play.administrator,
        Move(
            employee_id=person.id,
            unit_id=play.units[person.unit],
            position=person.position,
            appraiser_id=play.people[person.superior].id if person.superior else None,
            starts_on=first,
            heads_unit=person.heads,
        ),
        play.calendar.at(first, 7),
    )
    assert plan is not None
    person.plans.append(Held(id=plan.id, version=plan.version))
    person.scope = await scope_of(person.nip)
    person.own = []
    goals = play.works.values() if person.heads else ()
    person.of_unit = [work for work in goals if work.unit == person.unit]


def _from(person: Person, month: int) -> None:
    """Spread the work of a new plan over the months that are left; unit goals stay as they were."""
    rotate(person.own)
    for work in person.own:
        work.months = list(range(month, 13))
        for place, one in enumerate(work.steps):
            one.month = work.months[place * len(work.months) // len(work.steps)]


def hand_over(play: Play, old: Work, heir: Work, day: date) -> None:
    """What each of the two answers for, worked out anew: who leaves for what was due on the path
    by then, else for their share of the days; who follows for the rest."""
    first, last = play.case.starts_on, play.case.ends_on
    for measure, moved in zip(old.measures, heir.measures, strict=True):
        child = play.ledger.flows.get(measure.key)
        if child is not None:
            play.ledger.flows[moved.key] = child
        if measure.accumulation is not Accumulation.SUM or measure.planned is None:
            continue
        due = [planned for on, planned in sorted(measure.points) if on < day]
        if due:
            kept = min(due[-1], measure.planned)
        else:
            kept = _share(measure.planned, (day - first).days, (last - first).days + 1)
        moved.planned, measure.planned = measure.planned - kept, kept
        moved.decide(receives=False)


def _share(planned: Decimal, days: int, in_all: int) -> Decimal:
    whole = planned == planned.to_integral_value()
    return (planned * days / in_all).quantize(
        Decimal(1) if whole else Decimal("0.000001"), rounding=ROUND_HALF_EVEN
    )


async def _act(play: Play, roles: Roles, month: int) -> None:
    """For a month somebody acts in the post that the successor left, with a plan for it."""
    actor, successor = play.people[roles.actor], play.people[roles.successor]
    unit, position, superior, heads = _left(play, successor)
    first, last = play.calendar.first(month), play.calendar.last(month)
    superior = actor.superior if superior == actor.nip else superior
    plan = await transfer(
        play.administrator,
        Move(
            employee_id=actor.id,
            unit_id=play.units[unit],
            position=f"Plt. {position}",
            appraiser_id=play.people[superior].id if superior else None,
            starts_on=first,
            until=last,
            kind=PLT,
            heads_unit=heads,
        ),
        play.calendar.at(first, 7),
    )
    assert plan is not None
    held = Held(id=plan.id, version=plan.version)
    actor.plans.append(held)
    serves = [Service(play.goal_of(unit).code, EdgeKind.INDIRECT)]
    draft = Draft(results=[own_result(play, actor, serves, 1)])
    now = play.calendar.at(first, 9)
    await settle(play, actor, held, draft, now)
    for work in await take_up(play, actor, held):
        work.months = [month]


def _left(play: Play, successor: Person) -> tuple[str, str, str | None, bool]:
    """The post that the successor held in the case."""
    entry = next(one for one in play.case.employees if one.nip == successor.nip)
    return entry.unit, entry.position, entry.appraiser, entry.nip in play.case.heads


async def close_plans(play: Play, now_on: date) -> None:
    """The year ends: the administrator closes every plan, also those that a move ended."""
    now = play.calendar.at(now_on + timedelta(days=20), 9)
    for person in play.people.values():
        for plan in person.plans:
            plan.version = (await PerformancePlan.get(id=plan.id)).version
            await step(play.administrator, plan, PlanEventKind.CLOSED, now)
