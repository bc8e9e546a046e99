"""Teams and boards of units without SQL: loops over rows in memory, for `tests/reference.py`."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from schema.access import AGENCY_WIDE
from schema.organizations.models import Agency, Assignment, Employee, Unit, UnitPlacement
from schema.plans.models import EvaluationKind, EvaluationPeriod
from schema.targets.models import Period
from schema.teams import board_lists, board_rules
from schema.teams.models import DayClose, PresenceClock
from schema.teams.rules import presence


def sees_close(see: Any, close: Any) -> bool:
    return (
        see.works(close.employee_id)
        or see.scope.employee_id in close.superior_ids
        or close.agency_id in see.scope.agencies_with(AGENCY_WIDE)
    )


def team(see: Any, supervisor: Any, on: date) -> SimpleNamespace:
    """Of a past day as it was closed, else by the posts of the day."""
    closes = {row.employee_id: row for row in see.rows.where(DayClose, day=on)}
    keys = {
        post.employee_id
        for post in see.posts(on, appraiser_id=supervisor.id)
        if see.works(post.employee_id) and (on >= see.today or post.employee_id not in closes)
    }
    if on < see.today:
        keys |= {key for key, one in closes.items() if supervisor.id in one.appraiser_ids}
    people = see.only_seen(see.people(keys))
    members = (
        member(see, person, on, closes.get(person.id))
        for person in sorted(people, key=lambda one: (one.name, one.id))
    )
    return SimpleNamespace(supervisor=supervisor, on=on, members=list(filter(None, members)))


def member(see: Any, person: Any, on: date, close: Any) -> SimpleNamespace | None:
    works, log = see.works(person.id), see.day(person.id, on)
    facts = see.day_facts(person, log)
    one = SimpleNamespace(employee=person, log=log, known=close, facts=facts, works=works)
    one.working_minutes = facts.working_minutes
    if works:
        one.status = presence(facts, see.now)
        one.absence = board_rules.absence_now(facts, see.now)
        one.clocked_in_at, one.done_at = facts.clocked_in_at, facts.done_at
    elif close is None or see.scope.employee_id not in close.superior_ids:
        return None
    else:
        one.status, one.absence = close.status, None
        one.clocked_in_at = one.done_at = None
        one.log = type(log)(
            person.id,
            on,
            close.required_minutes,
            close.recorded_minutes,
            0,
            close.pending_count,
            None,
        )
    return one


# Units


def placed(see: Any, day: date | None = None, **values: Any) -> Iterator[Any]:
    for place in see.rows.where(UnitPlacement, **values):
        if day is None or see.holds(place, day):
            yield place


def above(see: Any, unit_id: UUID, day: date) -> list[UUID]:
    found = [unit_id]
    while parent := next((p.parent_id for p in placed(see, day, unit_id=found[-1])), None):
        found.append(parent)
    return found


def below(see: Any, unit_id: UUID, day: date | None = None) -> set[UUID]:
    found, new = set[UUID](), {unit_id}
    while new:
        found |= new
        new = {p.unit_id for key in new for p in placed(see, day, parent_id=key)} - found
    return found


def watches(see: Any, unit: Any) -> bool:
    line = see.scope.line
    if unit.agency_id in see.scope.agencies_with(AGENCY_WIDE):
        return True
    if line is None:
        return False
    heads = (see.posts(unit_id=key, heads_unit=True) for key in above(see, unit.id, see.today))
    if any(post.employee_id == line for posts in heads for post in posts):
        return True
    return any(
        line in see.rows.get(Employee, post.employee_id).superiors
        for key in below(see, unit.id, see.today)
        for post in see.posts(unit_id=key)
    )


def span_of(see: Any, agency: Any, span: str, on: date) -> tuple[Any, ...] | None:
    """The first and last day of the span, and of the one before."""
    one = timedelta(days=1)
    if span == "DAY":
        return on, on, on - one, on - one
    if span == "WEEK":
        first = on - on.weekday() * one
        return first, first + 6 * one, first - 7 * one, first - one
    if span == "MONTH":
        first = on.replace(day=1)
        following = (first + 31 * one).replace(day=1)
        return first, following - one, (first - one).replace(day=1), first - one
    periods = [
        row
        for row in see.rows.all(EvaluationPeriod)
        if row.kind is not EvaluationKind.FINAL
        and see.rows.get(Period, row.period_id).agency_id == agency.id
    ]
    now = [row for row in periods if row.starts_on <= on <= row.ends_on]
    if not now:
        return None
    earlier = [row for row in periods if row.ends_on < now[0].starts_on]
    before = max(earlier, key=lambda row: row.ends_on, default=None)
    return (
        now[0].starts_on,
        now[0].ends_on,
        before and before.starts_on,
        before and before.ends_on,
    )


def unit_board(see: Any, args: Mapping[str, Any]) -> SimpleNamespace | None:
    agencies = see.rows.where(Agency, code=args["agency"])
    units = see.rows.where(Unit, code=args["unit"])
    found = [one for one in units if agencies and one.agency_id == agencies[0].id]
    if not found or not see.sees(found[0]) or not watches(see, found[0]):
        return None
    days = span_of(see, agencies[0], str(args["span"]), args.get("on") or see.today)
    if days is None:
        return None
    first, last, before_first, before_last = days
    if before_first is not None and see.today < last:
        # As far as this one has run.
        run = max(see.today - first, timedelta(0))
        before_last = min(before_last, before_first + run)
    return board(found[0], (found[0].id,), first, last, before_first, before_last)


def board(unit: Any, path: tuple[UUID, ...], *days: Any) -> SimpleNamespace:
    first, last, before_first, before_last = days
    return SimpleNamespace(
        unit=unit,
        path=path,
        days=days,
        from_=first,
        to=last,
        before_first=before_first,
        before_last=before_last,
    )


def children(see: Any, of: Any) -> list[SimpleNamespace]:
    keys = {
        place.unit_id
        for place in placed(see, parent_id=of.unit.id)
        if place.starts_on <= of.to and (place.ends_on is None or place.ends_on > of.from_)
    }
    units = see.only_seen(see.rows.get(Unit, key) for key in keys)
    return [
        board(unit, (*of.path, unit.id), *of.days) for unit in sorted(units, key=lambda u: u.code)
    ]


def closed(see: Any, path: tuple[UUID, ...], first: date, last: date) -> list[Any]:
    units = below(see, path[-1])
    return [
        row
        for row in see.rows.all(DayClose)
        if first <= row.day <= last
        and row.unit_id in units
        and set(path) <= set(row.unit_path)
        and sees_close(see, row)
    ]


def still_open(see: Any, path: tuple[UUID, ...], first: date, last: date) -> Iterator[Any]:
    agency = see.rows.get(Unit, path[-1]).agency_id
    shut = {row.day for row in see.rows.where(DayClose, agency_id=agency)}
    clocks = see.rows.where(PresenceClock, agency_id=agency)
    until = clocks[0].closed_until if clocks else None
    for day in days_from(first, last):
        if until and day <= until and day in shut:
            continue
        units = below(see, path[-1], day) if set(path) <= set(above(see, path[-1], day)) else set()
        done = {row.employee_id for row in see.rows.where(DayClose, day=day)}
        for person in see.rows.all(Employee):
            post = main_post(see, person, day)
            if post and post.unit_id in units and see.works(person.id) and person.id not in done:
                yield SimpleNamespace(
                    person=person,
                    unit=see.rows.get(Unit, post.unit_id),
                    facts=see.day_facts(person, see.day(person.id, day)),
                )


def main_post(see: Any, person: Any, day: date) -> Assignment | None:
    posts = see.posts(day, employee_id=person.id)
    posts.sort(key=lambda post: (post.starts_on, post.id), reverse=True)
    return min(posts, key=lambda post: post.kind, default=None)


def days_from(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def counted(see: Any, path: tuple[UUID, ...], first: date, last: date) -> board_rules.UnitDays:
    shut, ajar = closed(see, path, first, last), list(still_open(see, path, first, last))
    return board_rules.UnitDays(
        people=len({row.employee_id for row in shut} | {one.person.id for one in ajar}),
        left_out=[],
        closed=[
            board_rules.ClosedCount(
                day=row.day,
                status=row.status,
                count=1,
                asking=int(row.required_minutes > 0),
                filled=int(row.required_minutes > 0 and row.recorded_minutes > 0),
                required_minutes=row.required_minutes,
                recorded_minutes=row.recorded_minutes,
            )
            for row in shut
        ],
        open=[board_rules.OpenDays(facts=one.facts, count=1) for one in ajar],
    )


def figures(see: Any, of: Any) -> board_rules.Figures:
    until = min(of.to, see.today)
    return board_rules.figures(of.from_, of.to, counted(see, of.path, of.from_, until), see.now)


def figures_before(see: Any, of: Any) -> board_rules.Figures | None:
    if of.before_first is None:
        return None
    until = min(of.before_last, see.today)
    days = counted(see, of.path, of.before_first, until)
    return board_rules.figures(of.before_first, of.before_last, days, see.now)


def by_day(see: Any, of: Any) -> list[board_rules.Figures]:
    until = min(of.to, see.today)
    return [
        board_rules.figures(day, day, counted(see, of.path, day, day), see.now)
        for day in days_from(of.from_, until)
    ]


def people(see: Any, of: Any, args: Mapping[str, Any]) -> board_lists.PeoplePage:
    size, cursor = board_lists.size_of(args.get("first")), args.get("after")
    behind = cursor and board_lists.place_of(cursor)
    until, wanted = min(of.to, see.today), args.get("status")
    shut = [
        board_lists.ClosedPerson(
            on=row.day,
            name=see.rows.get(Employee, row.employee_id).name,
            person_id=row.employee_id,
            unit_code=see.rows.get(Unit, row.unit_id).code,
            unit_name=see.rows.get(Unit, row.unit_id).name,
            status=row.status,
            required_minutes=row.required_minutes,
            recorded_minutes=row.recorded_minutes,
            pending_count=row.pending_count,
        )
        for row in closed(see, of.path, of.from_, until)
        if wanted is None or row.status in wanted
    ]

    def place(day: date, name: str, key: UUID) -> tuple[Any, ...]:
        return -day.toordinal(), name, key

    ajar = [
        board_lists.OpenPerson(
            on=one.facts.on,
            name=one.person.name,
            person_id=one.person.id,
            unit_code=one.unit.code,
            unit_name=one.unit.name,
            facts=one.facts,
        )
        for one in still_open(see, of.path, of.from_, until)
    ]
    rows = [
        one for one in shut if not behind or place(one.on, one.name, one.person_id) > place(*behind)
    ]
    found = board_lists.UnitPeople(count=len(shut), closed=rows, open=ajar)
    return board_lists.people_page(found, wanted, size, cursor, see.now)


def filled(of: Any) -> int:
    return sum(one.log.recorded_minutes > 0 for one in of.members)


RESOLVERS: Mapping[str, Any] = {
    "Query.unitBoard": lambda see, _, args: unit_board(see, args),
    "UnitBoard.figures": lambda see, of, args: figures(see, of),
    "UnitBoard.before": lambda see, of, args: figures_before(see, of),
    "UnitBoard.days": lambda see, of, args: by_day(see, of),
    "UnitBoard.children": lambda see, of, args: children(see, of),
    "UnitBoard.people": people,
    "TeamMember.shortMinutes": lambda see, m, args: max(
        0, m.log.required_minutes - m.log.recorded_minutes
    ),
    "TeamMember.expectedFrom": lambda see, m, args: board_rules.expected_from(m.facts),
    "TeamMember.expectedUntil": lambda see, m, args: board_rules.expected_until(m.facts),
    "TeamSummary.filled": lambda see, team, args: filled(team),
    "TeamSummary.fillRate": lambda see, team, args: board_rules.rate(
        sum(one.log.recorded_minutes for one in team.members),
        sum(one.log.required_minutes for one in team.members),
    ),
}
