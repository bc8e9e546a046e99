"""What the system says at the end, beside what the script expects: every figure at every level.

Figures are asked of the API itself, as the administrator; the expectation is the ledger's.
"""

from collections import Counter
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
import strawberry
from strawberry.relay import to_base64

from schema.access import Scope
from schema.context import Context
from schema.errors import Language
from schema.events import Event
from schema.graph import build_schema
from schema.plans.models import ActionPlan, EvaluationPeriod, Feedback, PerformancePlan, PlanState
from schema.progress.models import DailyLog, ProgressRecord, RecordState
from schema.progress.recomputing import recompute
from server.demo.cast import Play
from server.demo.ledger import Achievements, percent, shown
from server.demo.roles import Roles
from server.demo.works import Work

FIGURES = """
query ($id: ID!) { target(id: $id) {
  achievement { percentage completedStages }
  indicators { measure { planned } achievement { realized percentage } }
} }
"""


@dataclass(slots=True)
class Checks:
    """How many figures were compared, of which level, and those that are not as expected."""

    compared: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def same(self, kind: str, name: str, expected: object, found: object) -> None:
        self.compared[kind] += 1
        if expected != found:
            self.differences.append(f"{kind}: {name}: expected {expected}, found {found}")


class NoFeed:
    """Nobody follows events here."""

    async def last_position(self) -> int:
        return 0

    async def follow(self, after: int) -> AsyncGenerator[Event, None]:
        return
        yield


class Asking:
    """The API as one viewer meets it, at an instant of the played year."""

    def __init__(self, scope: Scope, now: datetime) -> None:
        self._schema: strawberry.Schema = build_schema()
        self._scope, self._now = scope, now

    async def ask(self, document: str, **variables: Any) -> Any:
        async def authorise() -> tuple[Scope, datetime]:
            return self._scope, self._now

        context = Context(
            scope=self._scope,
            language=Language.ENGLISH,
            feed=NoFeed(),
            authorise=authorise,
            now=lambda: self._now,
        )
        result = await self._schema.execute(
            document, variable_values=variables, context_value=context
        )
        assert not result.errors, result.errors
        return orjson.loads(orjson.dumps(result.data))


async def check(play: Play, roles: Roles | None) -> Checks:
    """Compare everything: figures of every level, minutes, counts, moves, and a recomputation."""
    checks = Checks()
    await _figures(play, checks)
    await _minutes(play, checks)
    await _counts(play, checks)
    if roles is not None:
        await _moved(play, roles, checks)
    async for kind in recompute():
        checks.compared[f"recomputed {kind.kind}"] += kind.compared
        checks.differences += [
            f"recomputed {kind.kind}: {one.name}: kept {one.kept}, recomputed {one.recomputed}"
            for one in kind.differences
        ]
    return checks


def level_of(play: Play, work: Work) -> str:
    """A person's result, or a goal by the kind of its unit: seksi, bidang, dinas."""
    if work.nip is not None:
        return "person"
    unit = next(one for one in play.case.units if one.code == work.unit)
    return "agency" if unit.parent is None else unit.level


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


async def _figures(play: Play, checks: Checks) -> None:
    """Every measure's number and percentage, every result's percentage and stages."""
    realized = play.ledger.realized(play.works)
    reached = Achievements(play.works, realized)
    asking = Asking(play.administrator, play.calendar.at(play.case.ends_on, 12))
    for work in play.works.values():
        level = level_of(play, work)
        found = (await asking.ask(FIGURES, id=to_base64("Target", work.key())))["target"]
        for measure, one in zip(work.measures, found["indicators"], strict=True):
            name = f"{work.code} {measure.title}"
            of = one["achievement"]
            amount = realized[measure.key]
            checks.same(level, name, measure.planned, _number(one["measure"]["planned"]))
            checks.same(level, name, amount, _number(of["realized"]))
            expected = shown(percent(measure, amount))
            checks.same(level, f"{name} %", expected, _number(of["percentage"]))
        whole = found["achievement"]
        expected = shown(reached.of(work.code))
        checks.same(level, f"{work.code} %", expected, whole and _number(whole["percentage"]))
        if work.steps:
            done = sum(1 for step in work.steps if step.done_on is not None)
            checks.same(level, f"{work.code} stages", done, whole["completedStages"])


async def _minutes(play: Play, checks: Checks) -> None:
    """Each person's month against the working calendar, and what stands of their records."""
    of_day = play.ledger.minutes()
    names = {person.id: person.nip for person in play.people.values()}
    required: Counter[tuple[str, int]] = Counter()
    recorded: Counter[tuple[str, int]] = Counter()
    for log in await DailyLog.filter(employee_id__in=list(names)):
        place = (names[log.employee_id], log.day.month)
        required[place] += log.required_minutes
        recorded[place] += log.recorded_minutes
    for nip in play.people:
        for month in range(1, play.script.months + 1):
            days = play.calendar.working_days(month)
            name = f"{nip} {play.calendar.year}-{month:02}"
            asked = sum(play.calendar.required(day) for day in days)
            checks.same("required minutes", name, asked, required[nip, month])
            kept = sum(of_day.get((nip, day), 0) for day in days)
            checks.same("recorded minutes", name, kept, recorded[nip, month])
            full = asked - play.ledger.short[nip, month]
            checks.same("full months", name, full, recorded[nip, month])


async def _counts(play: Play, checks: Checks) -> None:
    """Records by state, late ones, feedback, action plans, closed periods."""
    records = ProgressRecord.filter(agency_id=play.agency)
    counts = play.ledger.counts
    expected = {
        RecordState.CONFIRMED: len(play.ledger.records),
        RecordState.SUPERSEDED: counts["corrections"],
        RecordState.DISMISSED: counts["dismissed"],
        RecordState.RETURNED: 0,
        RecordState.PENDING: 0,
    }
    for state, number in expected.items():
        checks.same("records", state, number, await records.filter(state=state).count())
    checks.same("records", "late", counts["late"], await records.filter(late=True).count())
    given = await Feedback.filter(plan__period__agency_id=play.agency).count()
    checks.same("feedback", "given", counts["feedback"], given)
    planned = await ActionPlan.filter(target__agency_id=play.agency).count()
    checks.same("action plans", "saved", counts["action plans"], planned)
    closed = EvaluationPeriod.filter(period__agency_id=play.agency, closed_at__isnull=False)
    whole_year = play.script.months == 12
    number = play.script.months + whole_year
    checks.same("evaluation periods", "closed", number, await closed.count())
    plans = PerformancePlan.filter(period__agency_id=play.agency)
    at_last = PlanState.CLOSED if whole_year else PlanState.APPROVED
    held = sum(len(person.plans) for person in play.people.values())
    checks.same("plans", at_last, held, await plans.filter(state=at_last).count())


async def _moved(play: Play, roles: Roles, checks: Checks) -> None:
    """What was earned before a transfer stays with the old plan, and nothing else comes to it."""
    day = play.calendar.first(play.script.moves_in)
    for nip in (roles.mover, roles.successor):
        old, new = (plan.id for plan in play.people[nip].plans[:2])
        for plan, name, before in ((old, "old plan", True), (new, "new plan", False)):
            records = ProgressRecord.filter(target__plan_id=plan, state=RecordState.CONFIRMED)
            noted = sum(
                1
                for one in play.ledger.records.values()
                if one.target and play.works[one.target].plan == plan
            )
            checks.same("moves", f"{nip} {name}", noted, await records.count())
            wrong = records.filter(day__gte=day) if before else records.filter(day__lt=day)
            checks.same("moves", f"{nip} {name}, other days", 0, await wrong.count())
