"""The use case of time: what changes on boards though nobody does anything goes into the log.

A tick looks at the time since the last one: whose latest sign of work has become too old, whose
hours of leave began or ended, which boundary of the calendar has passed. What it says and until
when it has looked are one transaction, so that a kill loses nothing and repeats nothing. It takes
the same few statements however many people and agencies there are.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.policies.rules import DEFAULT
from schema.tables import transaction
from schema.teams.boundaries import ONE_DAY, AgencyTime, boundaries
from schema.teams.models import PresenceClock
from schema.teams.rules import DayFacts, presence
from schema.values import CAPITAL_TIMEZONE, local_date, uuid7

CATCH_UP = timedelta(minutes=10)
"""A clock that stood still for longer tells each agency once that time has passed: what changed in
between matters to nobody any more, only how things stand now."""

MOST_PEOPLE = 500
"""People of one agency whose state may change in one tick. Of more (all who wrote until 12:00 are
idle at once) the agency is told as a whole: a team computed anew costs less than each member of it
by themself, and nobody's event waits behind thousands."""

UNCLOCKED = """
SELECT a.id, a.timezone FROM agency a
WHERE NOT EXISTS (SELECT FROM presence_clock c WHERE c.agency_id = a.id)"""
BEGIN = """
INSERT INTO presence_clock (id, agency_id, ticked_until, closed_until)
SELECT v.id, v.agency_id, $1, v.closed_until
FROM unnest($2::uuid[], $3::uuid[], $4::date[]) v (id, agency_id, closed_until)
ON CONFLICT (agency_id) DO NOTHING"""

# Zones are found by jumps along an index: of 20,000 people there are three or fewer.
TIMES = """
SELECT json_build_object('agency_id', c.agency_id, 'timezone', a.timezone,
  'ticked_until', c.ticked_until,
  'zones', ARRAY(
    WITH RECURSIVE zone (name) AS (
      (SELECT e.timezone FROM employee e WHERE e.agency_id = c.agency_id
       ORDER BY e.timezone LIMIT 1)
      UNION ALL
      SELECT (SELECT e.timezone FROM employee e WHERE e.agency_id = c.agency_id
        AND e.timezone > zone.name ORDER BY e.timezone LIMIT 1)
      FROM zone WHERE zone.name IS NOT NULL
    ) SELECT name FROM zone WHERE name IS NOT NULL),
  'weeks', (SELECT coalesce(json_agg(json_build_object('unit_id', w.unit_id,
      'minutes', w.minutes, 'breaks', w.breaks, 'begins_at', w.begins_at::time,
      'starts_on', w.starts_on, 'ends_on', w.ends_on,
      'observes_holidays', w.observes_holidays) ORDER BY w.id DESC), '[]')
    FROM working_week w WHERE w.agency_id = c.agency_id AND w.starts_on <= $1::date + 2
      AND (w.ends_on IS NULL OR w.ends_on >= $1::date - 2)),
  'holidays', ARRAY(SELECT h.day FROM holiday h WHERE h.agency_id = c.agency_id
    AND h.day BETWEEN $1::date - 2 AND $1::date + 2 AND h.kind <> 'WORKING_DAY'),
  'active_minutes', coalesce(y.active_minutes, $2::int),
  'flexible_minutes', coalesce(y.flexible_minutes, $3::int))::text AS said
FROM presence_clock c JOIN agency a ON a.id = c.agency_id
LEFT JOIN LATERAL policy_on(c.agency_id, $1::date) y ON true
WHERE c.ticked_until < $4::timestamptz
ORDER BY c.agency_id FOR NO KEY UPDATE OF c"""

# Each from an index on the instant itself, for as long as the tick looks back; agencies whose
# clocks and policies agree are asked for together. Of each agency one more than are judged.
CANDIDATES = """
WITH asked AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::interval[]) a (agency_id, since, active)
), span AS MATERIALIZED (
  SELECT DISTINCT since, active FROM asked
), sign AS (
  SELECT s.since, s.active, l.employee_id, l.day FROM span s JOIN daily_log l
    ON l.last_activity_at BETWEEN s.since - s.active AND $4::timestamptz - s.active
  UNION
  -- Work that was known before it ended is a sign from its end on, where no day runs yet.
  SELECT s.since, s.active, l.employee_id, l.day FROM span s JOIN daily_log l
    ON l.last_activity_at BETWEEN s.since AND $4::timestamptz
  UNION
  SELECT s.since, s.active, c.employee_id, c.day FROM span s JOIN clock_event c
    ON c.at BETWEEN s.since - s.active AND $4::timestamptz - s.active
    AND c.direction = 'IN' AND c.retracted_at IS NULL
), candidate AS (
  SELECT e.agency_id, s.employee_id, s.day FROM sign s JOIN employee e ON e.id = s.employee_id
  JOIN asked a ON a.agency_id = e.agency_id AND (a.since, a.active) = (s.since, s.active)
  UNION
  SELECT e.agency_id, b.employee_id, b.starts_on FROM absence b
  JOIN employee e ON e.id = b.employee_id JOIN asked a ON a.agency_id = e.agency_id
  CROSS JOIN LATERAL (VALUES (b.from_time::time, '0'::interval), (b.until_time::time, '0'),
    (b.until_time::time, a.active)) t (clock, later)
  WHERE b.from_time IS NOT NULL AND b.state IN ('REPORTED', 'ACCEPTED')
    AND b.starts_on BETWEEN ($4::timestamptz)::date - 2 AND ($4::timestamptz)::date + 2
    AND (b.starts_on + t.clock) AT TIME ZONE e.timezone + t.later
      BETWEEN a.since AND $4::timestamptz
)
SELECT agency_id, employee_id, day
FROM (SELECT *, row_number() OVER (PARTITION BY agency_id) AS place FROM candidate) c
WHERE place <= $5"""
FACTS = """
SELECT coalesce(json_agg(row_to_json(f)), '[]')::text AS said
FROM (SELECT day, array_agg(employee_id) AS people
  FROM unnest($1::uuid[], $2::date[]) v (employee_id, day) GROUP BY day) d
CROSS JOIN LATERAL day_facts(d.people, d.day) f"""

# Posts are dated: whose line is another one from this day on. People are locked first, in the
# order in which all do.
MOVING = """
SELECT v.agency_id, v.day FROM unnest($1::uuid[], $2::date[], $3::date[]) v (agency_id, before, day)
WHERE EXISTS (SELECT FROM assignment p JOIN employee e ON e.id = p.employee_id
  WHERE e.agency_id = v.agency_id AND ((p.starts_on > v.before AND p.starts_on <= v.day)
    OR (p.ends_on > v.before AND p.ends_on <= v.day)))"""
LOCK_PEOPLE = """
SELECT id FROM employee WHERE agency_id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"""
REFRESH_LINES = """
SELECT refresh_reporting_lines(v.agency_id, v.day)
FROM unnest($1::uuid[], $2::date[]) v (agency_id, day)"""
TICKED = """
UPDATE presence_clock SET ticked_until = $1 WHERE agency_id = ANY ($2::uuid[])"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDay(DayFacts):
    """What one person's day is judged by, and whose it is."""

    employee_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Passed:
    """What a tick told: of how many agencies as a whole, of how many people."""

    agencies: int
    people: int


async def pass_time(now: datetime) -> Passed:
    """Tell what changed by time alone until now, each change once.

    An agency that is new is looked at from now on. A `now` behind an agency's clock, by the clock
    of another machine, does nothing to it.
    """
    async with transaction() as connection:
        await _begin(connection, now)
        agencies = await _times(connection, now)
        if not agencies:
            return Passed(agencies=0, people=0)
        told = {one.agency_id for one in agencies if _moves_as_a_whole(one, now)}
        calm = [one for one in agencies if one.agency_id not in told]
        crowded, people = await _changed(connection, calm, now)
        told |= crowded
        await _refresh_lines(connection, agencies, now)
        await events.append_for_agency(connection, EventKind.TIME_PASSED, *sorted(told))
        await events.append_for_people(connection, EventKind.PRESENCE_CHANGED, people)
        keys = [one.agency_id for one in agencies]
        await connection.execute_query_dict(TICKED, [now, keys])
    return Passed(agencies=len(told), people=len(people))


async def seconds_behind(now: datetime) -> float:
    """How long ago the agency that was last looked at the longest ago was; 0 without agencies."""
    oldest = await PresenceClock.all().order_by("ticked_until").first()
    return 0.0 if oldest is None else max(0.0, (now - oldest.ticked_until).total_seconds())


async def _begin(connection: BaseDBAsyncClient, now: datetime) -> None:
    """Give new agencies a clock. Their days are closed from today on: what was before is not known
    as it was known then."""
    new = await connection.execute_query_dict(UNCLOCKED)
    if new:
        ended = [
            min(local_date(now, row["timezone"]), local_date(now, CAPITAL_TIMEZONE)) - ONE_DAY
            for row in new
        ]
        values = [now, [uuid7() for _ in new], [row["id"] for row in new], ended]
        await connection.execute_query_dict(BEGIN, values)


async def _times(connection: BaseDBAsyncClient, now: datetime) -> list[AgencyTime]:
    """All whose clocks are behind, locked: who ticks at the same time waits, and finds none."""
    policy = [DEFAULT.active_minutes, DEFAULT.flexible_minutes]
    values = [local_date(now, CAPITAL_TIMEZONE), *policy, now]
    rows = await connection.execute_query_dict(TIMES, values)
    return [msgspec.json.decode(row["said"], type=AgencyTime) for row in rows]


def _moves_as_a_whole(agency: AgencyTime, now: datetime) -> bool:
    return now - agency.ticked_until > CATCH_UP or bool(boundaries(agency, now))


async def _changed(
    connection: BaseDBAsyncClient, agencies: Sequence[AgencyTime], now: datetime
) -> tuple[set[UUID], list[UUID]]:
    """Agencies of which too many may have changed, and the people of the others who did."""
    if not agencies:
        return set(), []
    since = {one.agency_id: one.ticked_until for one in agencies}
    active = [timedelta(minutes=one.active_minutes) for one in agencies]
    rows = await connection.execute_query_dict(
        CANDIDATES, [list(since), list(since.values()), active, now, MOST_PEOPLE + 1]
    )
    counts = Counter(_key(row["agency_id"]) for row in rows)
    crowded = {agency for agency, count in counts.items() if count > MOST_PEOPLE}
    agency_of = {
        (_key(row["employee_id"]), row["day"]): agency
        for row in rows
        if (agency := _key(row["agency_id"])) not in crowded
    }
    changed = {
        day.employee_id
        for day in await _facts(connection, agency_of)
        if presence(day, since[agency_of[day.employee_id, day.on]]) is not presence(day, now)
    }
    return crowded, sorted(changed)


async def _facts(connection: BaseDBAsyncClient, days: Collection[Any]) -> list[PersonDay]:
    if not days:
        return []
    values = [[person for person, _ in days], [day for _, day in days]]
    (row,) = await connection.execute_query_dict(FACTS, values)
    return msgspec.json.decode(row["said"], type=list[PersonDay])


async def _refresh_lines(
    connection: BaseDBAsyncClient, agencies: Sequence[AgencyTime], now: datetime
) -> None:
    """With a new day the posts that begin on it count, and those that end on it no more."""
    days = [
        (one.agency_id, local_date(one.ticked_until, one.timezone), local_date(now, one.timezone))
        for one in agencies
    ]
    turned = [(agency, before, day) for agency, before, day in days if before < day]
    if not turned:
        return
    moving = await connection.execute_query_dict(MOVING, [*map(list, zip(*turned, strict=True))])
    if moving:
        keys = [row["agency_id"] for row in moving]
        await connection.execute_query_dict(LOCK_PEOPLE, [keys])
        await connection.execute_query_dict(REFRESH_LINES, [keys, [row["day"] for row in moving]])


def _key(value: Any) -> UUID:
    return UUID(str(value))
