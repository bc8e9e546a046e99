"""A year of one agency, from its planning to its appraisals and allowances, and what it comes to.

It goes through the use cases as people do: each writes their own, superiors approve and return,
the administrator sets, moves and closes. Nothing is drawn by lot and no clock is read: the same
case makes the same figures, at instants of its own year.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from schema.plans.loading import save_case
from schema.plans.models import EvaluationKind
from schema.plans.periods import close_period, period_of, set_evaluation_periods
from schema.policies.models import LateEntries
from schema.policies.service import set_holidays, set_working_week
from schema.targets.case_values import Case
from schema.targets.service import set_policy
from server.demo.appraising import Appraised, appraise_month, appraise_year, tell_careers
from server.demo.cast import Play, Script, cast
from server.demo.checking import Checks, check
from server.demo.following import check_following
from server.demo.ledger import Achievements, shown
from server.demo.mending import close, mend, talk
from server.demo.moving import close_plans, move
from server.demo.planning import plan_all
from server.demo.plot import completed, decide_amounts, flows, goals_of, works_of
from server.demo.roles import Roles, choose
from server.demo.working import plan_actions, write

FILLING_DAYS = 5
POLICY = {
    "late_entries": LateEntries.REASON,
    "filling_days": FILLING_DAYS,
    "action_plans_required": True,
    "achievement_cap": Decimal(120),
}
Tick = Callable[[str], None]
"""Told what has just been done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a played year comes to."""

    code: str
    agency: str
    people: int
    records: int
    corrections: int
    late: int
    goals: dict[str, Decimal | None]
    checks: Checks


def ticks(case: Case, script: Script) -> int:
    """How often `tick` is called: for each plan, for each person and month, and for each month
    that is appraised."""
    return len(case.employees) * (1 + script.months) + script.months


def quietly(said: str) -> None:
    """Nobody is told."""


async def play_year(case: Case, script: Script | None = None, tick: Tick = quietly) -> Outcome:
    """Load a case, play its year, and compare what it comes to.

    Raises:
        DomainError: the case's period is loaded already, or a use case refuses what it must not.
    """
    play, roles = await act(case, script or Script(), tick)
    moved = play.script.moves_in <= play.script.months
    done = await appraise(play, tick)
    return await _outcome(play, roles if moved else None, done)


async def act(case: Case, script: Script, tick: Tick = quietly) -> tuple[Play, Roles]:
    """Load a case and play its year; nothing is compared yet."""
    whole = completed(case)
    await save_case(case)
    works, flow = works_of(whole), flows(whole)
    decide_amounts(works, flow)
    play = await cast(case, script, works, goals_of(whole))
    play.tick, play.ledger.flows = tick, flow
    roles = choose(play)
    await _set(play)
    await plan_all(play, roles)
    for month in range(1, script.months + 1):
        await _month(play, roles, month)
    if script.months == 12:
        await _end(play)
    return play, roles


async def _set(play: Play) -> None:
    """What the administrator sets before the year begins."""
    code, starts_on = play.case.agency_code, play.case.starts_on
    now = play.calendar.at(starts_on, 6)
    await set_policy(play.administrator, code, starts_on, POLICY, now)
    for week in play.calendar.weeks():
        await set_working_week(play.administrator, code, week, now)
    if holidays := play.calendar.holidays():
        await set_holidays(play.administrator, code, holidays, now)
    period = await period_of(play.administrator, code, play.case.period_code)
    rows = await set_evaluation_periods(play.administrator, period, EvaluationKind.MONTHLY, now)
    for row in rows:
        if row.kind is EvaluationKind.FINAL:
            play.final = row.id
        else:
            play.evaluations[row.number] = row.id
            play.filling_until[row.number] = row.filling_until


async def _month(play: Play, roles: Roles, month: int) -> None:
    """A month: moves, action plans, records, feedback, what is mended, and its closing."""
    await move(play, roles, month)
    written = []
    for person in play.people.values():
        await plan_actions(play, person, month)
        written.append(await write(play, person, month))
        await talk(play, person, month)
        play.tick(f"{play.case.agency_code}: {play.calendar.first(month):%B}")
    await mend(play, month, written)
    await close(play, month, written)


async def _end(play: Play) -> None:
    """The final evaluation is closed, and every plan."""
    assert play.final is not None
    last = play.case.ends_on
    await close_plans(play, last)
    now = play.calendar.at(play.filling_until[12], 17)
    await close_period(play.administrator, play.final, now)


async def appraise(play: Play, tick: Tick = quietly) -> Appraised:
    """The played months are appraised and paid; a whole year is, too."""
    done = Appraised()
    await tell_careers(play)
    for month in range(1, play.script.months + 1):
        await appraise_month(play, done, month)
        tick(f"{play.case.agency_code}: appraisals of {play.calendar.first(month):%B}")
    if play.script.months == 12:
        await appraise_year(play, done)
    return done


async def _outcome(play: Play, roles: Roles | None, done: Appraised) -> Outcome:
    reached = Achievements(play.works, play.ledger.realized(play.works))
    checks = await check(play, roles)
    await check_following(play, done, checks)
    return Outcome(
        code=play.case.agency_code,
        agency=play.case.agency_name,
        people=len(play.people),
        records=play.ledger.counts["records"] + play.ledger.counts["corrections"],
        corrections=play.ledger.counts["corrections"],
        late=play.ledger.counts["late"],
        goals={code: shown(reached.of(code)) for code in play.goals},
        checks=checks,
    )
