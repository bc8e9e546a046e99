"""The use case of a day's end: how each person's day stood, where they were, who was above them.

Written once a person and a day, when the day is over where they work, a batch in a transaction:
what is broken off goes on where it stopped. Later transfers, entries and holidays do not rewrite
it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.tables import dicts_of, transaction
from schema.teams.boundaries import ONE_DAY
from schema.teams.passing import PersonDay
from schema.teams.rules import presence
from schema.values import CAPITAL_TIMEZONE, local_date, uuid7

DAYS_BACK = 7
"""How many missed days are closed afterwards. What is known today of an older day is not how it
was known then; it is read from its dated posts."""

BATCH = 500
"""People in one transaction; between two of them other work of the process runs."""

# Agencies of which a day may be over that is not closed.
OPEN = """
SELECT c.agency_id, c.closed_until,
  ARRAY(SELECT DISTINCT e.timezone FROM employee e WHERE e.agency_id = c.agency_id) AS zones
FROM presence_clock c WHERE c.closed_until < $1 ORDER BY c.agency_id"""

# Who held a post that day, in a zone where it is over, and is not closed. By key, so that whose
# shift still runs is asked once a run.
PEOPLE = """
WITH batch AS MATERIALIZED (
  SELECT e.id FROM employee e
  WHERE e.agency_id = $1 AND e.timezone = ANY ($3::text[]) AND e.id > $4
    AND EXISTS (SELECT FROM assignment p WHERE p.employee_id = e.id AND p.starts_on <= $2::date
      AND (p.ends_on IS NULL OR p.ends_on > $2::date))
    AND NOT EXISTS (SELECT FROM day_close d WHERE d.employee_id = e.id AND d.day = $2::date)
  ORDER BY e.id LIMIT $5
)
SELECT coalesce(json_agg(row_to_json(f)), '[]')::text AS said
FROM day_facts((SELECT array_agg(id) FROM batch), $2::date) f"""

# The line of that day comes from that day's posts: the present one may be another. The nearest
# come first, and none is above an appraiser of another agency, as in `refresh_reporting_lines`.
CLOSE = """
WITH RECURSIVE closing AS MATERIALIZED (
  SELECT * FROM unnest($4::uuid[], $5::uuid[], $6::text[], $7::int[], $8::int[], $9::int[])
    v (id, employee_id, status, required, recorded, pending)
), post AS MATERIALIZED (
  SELECT a.id, a.employee_id, a.unit_id, a.appraiser_id, a.kind, a.starts_on
  FROM closing c JOIN assignment a ON a.employee_id = c.employee_id
  WHERE a.starts_on <= $2::date AND (a.ends_on IS NULL OR a.ends_on > $2::date)
), place AS MATERIALIZED (
  SELECT DISTINCT ON (employee_id) employee_id, unit_id FROM post
  ORDER BY employee_id, kind, starts_on DESC, id DESC
), above (of_unit, unit_id, distance) AS (
  SELECT DISTINCT unit_id, unit_id, 0 FROM place
  UNION ALL
  SELECT above.of_unit, l.parent_id, above.distance + 1 FROM above
  JOIN unit_placement l ON l.unit_id = above.unit_id
  WHERE l.parent_id IS NOT NULL AND l.starts_on <= $2::date
    AND (l.ends_on IS NULL OR l.ends_on > $2::date)
), path AS MATERIALIZED (
  SELECT of_unit, array_agg(unit_id ORDER BY distance) AS units FROM above GROUP BY of_unit
), appraised AS MATERIALIZED (
  SELECT DISTINCT employee_id, appraiser_id FROM post WHERE appraiser_id IS NOT NULL
), up (from_id, superior_id, distance, seen) AS (
  SELECT DISTINCT appraiser_id, appraiser_id, 1, ARRAY[appraiser_id] FROM appraised
  UNION ALL
  SELECT up.from_id, a.appraiser_id, up.distance + 1, up.seen || a.appraiser_id
  FROM up JOIN employee e ON e.id = up.superior_id AND e.agency_id = $1
  JOIN assignment a ON a.employee_id = e.id
  WHERE a.appraiser_id IS NOT NULL AND a.appraiser_id <> ALL (up.seen)
    AND a.starts_on <= $2::date AND (a.ends_on IS NULL OR a.ends_on > $2::date)
), nearest AS (
  SELECT d.employee_id, up.superior_id, min(up.distance) AS distance
  FROM appraised d JOIN up ON up.from_id = d.appraiser_id
  WHERE up.superior_id <> d.employee_id GROUP BY 1, 2
), line AS MATERIALIZED (
  SELECT employee_id, array_agg(superior_id ORDER BY distance, superior_id) AS superiors,
    array_agg(superior_id ORDER BY superior_id) FILTER (WHERE distance = 1) AS appraisers
  FROM nearest GROUP BY employee_id
)
INSERT INTO day_close (id, agency_id, employee_id, day, unit_id, unit_path, appraiser_ids,
  superior_ids, status, required_minutes, recorded_minutes, pending_count, closed_at)
SELECT c.id, $1, c.employee_id, $2, place.unit_id, coalesce(path.units, '{}'),
  coalesce(line.appraisers, '{}'), coalesce(line.superiors, '{}'), c.status, c.required,
  c.recorded, c.pending, $3
FROM closing c LEFT JOIN place USING (employee_id) LEFT JOIN path ON path.of_unit = place.unit_id
LEFT JOIN line USING (employee_id)
ON CONFLICT (employee_id, day) DO NOTHING"""
CLOSED = """
UPDATE presence_clock SET closed_until = $2 WHERE agency_id = $1 AND closed_until < $2"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A day of an agency that is over in some of its zones; `whole`: in all of them."""

    agency_id: UUID
    on: date
    zones: Sequence[str]
    whole: bool


async def close_days(now: datetime) -> int:
    """Close what has ended until now and is not closed; the number of people's days closed.

    A shift that runs over midnight is closed when it ends. At most DAYS_BACK days are made up for.
    """
    # The easternmost zone of the world is half a day ahead of UTC: no day behind this one is over.
    latest = (now + timedelta(hours=14)).date() - ONE_DAY
    closed = 0
    for row in await dicts_of(OPEN, [latest]):
        if not row["zones"]:  # whoever comes later had no day here until then
            yesterday = local_date(now, CAPITAL_TIMEZONE) - ONE_DAY
            await dicts_of(CLOSED, [row["agency_id"], yesterday])
        for day in _days(UUID(str(row["agency_id"])), row["closed_until"], row["zones"], now):
            done, waiting = await _close(day, now)
            closed += done
            if waiting or not day.whole:
                break  # the days behind it are not over either, or hardly
            await dicts_of(CLOSED, [day.agency_id, day.on])
    return closed


def _days(
    agency_id: UUID, closed_until: date, zones: Sequence[str], now: datetime
) -> Iterator[Day]:
    todays = {zone: local_date(now, zone) for zone in zones}
    day = max([closed_until + ONE_DAY, *(one - DAYS_BACK * ONE_DAY for one in todays.values())])
    while over := [zone for zone, today in todays.items() if day < today]:
        yield Day(agency_id=agency_id, on=day, zones=over, whole=len(over) == len(todays))
        day += ONE_DAY


async def _close(day: Day, now: datetime) -> tuple[int, bool]:
    """How many were closed, and whether somebody's shift still runs."""
    closed, waiting, last = 0, False, UUID(int=0)
    while True:
        async with transaction() as connection:
            values = [day.agency_id, day.on, day.zones, last, BATCH]
            (row,) = await connection.execute_query_dict(PEOPLE, values)
            people = msgspec.json.decode(row["said"], type=list[PersonDay])
            if not people:
                return closed, waiting
            last = max(one.employee_id for one in people)
            ended = [one for one in people if now >= _end(one)]
            waiting = waiting or len(ended) < len(people)
            await _insert(connection, day, ended, now)
            closed += len(ended)


def _end(person: PersonDay) -> datetime:
    """Local midnight, or when a shift that passes it ends."""
    midnight = datetime.combine(person.on + ONE_DAY, time(), ZoneInfo(person.timezone))
    return max(midnight, person.ends) if person.working_minutes else midnight


async def _insert(
    connection: BaseDBAsyncClient, day: Day, people: Sequence[PersonDay], now: datetime
) -> None:
    rows: list[tuple[Any, ...]] = [
        (
            uuid7(),
            one.employee_id,
            str(presence(one, _end(one))),
            one.required_minutes,
            one.recorded_minutes,
            one.pending_count,
        )
        for one in people
    ]
    if rows:
        columns = [*map(list, zip(*rows, strict=True))]
        await connection.execute_query_dict(CLOSE, [day.agency_id, day.on, now, *columns])
