"""Use cases of policies: set how an agency counts, its working weeks, its holidays.

Each by the agency's administrator and on the record (`set_by`, `set_at`). What weeks and holidays
change of written days follows at once: what a day asks for, never what was recorded. A policy's
cap is also in weighted achievements, so `schema/targets/service.py` sets it and rolls them anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.errors import NotFound
from schema.events import EventKind, append_for_agency
from schema.organizations.models import Agency, Unit
from schema.organizations.service import administered_agency
from schema.policies.models import AgencyPolicy, Holiday, HolidayKind, WorkingWeek
from schema.policies.rules import (
    DEFAULT,
    Policy,
    check_dates,
    check_days,
    check_policy,
    check_week,
    name_of,
)
from schema.tables import transaction
from schema.values import uuid7

SAVE_HOLIDAYS = """
INSERT INTO holiday AS h (id, agency_id, day, name, kind, set_by, set_at)
SELECT v.id, $1, v.day, v.name, v.kind, $2, $3
FROM unnest($4::uuid[], $5::date[], $6::text[], $7::text[]) v (id, day, name, kind)
ON CONFLICT (agency_id, day) DO UPDATE SET
  name = excluded.name, kind = excluded.kind, set_by = excluded.set_by, set_at = excluded.set_at
"""
# A year's written days of 3,000 people take some 14 seconds, near what any other statement may.
PATIENT = "SELECT set_config('statement_timeout', '10min', true)"
REFRESH = "SELECT refresh_required_minutes($1, $2, $3)"
REFRESH_PERSON = """
UPDATE daily_log SET required_minutes = required_minutes(employee_id, day)
WHERE employee_id = $1 AND day >= $2
"""
# Of several people, each with a first and a last day.
REFRESH_DAYS = """
UPDATE daily_log l SET required_minutes = n.minutes
FROM (
  SELECT DISTINCT d.id, required_minutes(d.employee_id, d.day) AS minutes
  FROM unnest($1::uuid[], $2::date[], $3::date[]) v (employee_id, first_day, last_day)
  JOIN daily_log d ON d.employee_id = v.employee_id
    AND d.day BETWEEN v.first_day AND v.last_day
) n WHERE n.id = l.id AND n.minutes <> l.required_minutes
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeekEntry:
    """A working week as an administrator writes it; `unit` None is the agency's."""

    name: str
    starts_on: date
    minutes: Sequence[int]
    breaks: Sequence[int]
    begins_at: time
    unit: str | None = None
    ends_on: date | None = None
    observes_holidays: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayEntry:
    """A day as an administrator writes it."""

    day: date
    name: str
    kind: HolidayKind


async def refresh_person(connection: BaseDBAsyncClient, employee_id: UUID, from_day: date) -> None:
    """What a person's written days ask for, after their posts changed from a day on. The caller
    holds the person's lock."""
    await connection.execute_query_dict(REFRESH_PERSON, [employee_id, from_day])


async def refresh_days(
    connection: BaseDBAsyncClient, days: Sequence[tuple[UUID, date, date]]
) -> None:
    """What written days of people ask for, from a day until a day, both inclusive, after they were
    away or were not. The caller holds the people's locks."""
    people, first, last = [*map(list, zip(*days, strict=True))]
    await connection.execute_query_dict(REFRESH_DAYS, [people, first, last])


async def refresh_agency(connection: BaseDBAsyncClient, agency_id: UUID, from_day: date) -> None:
    """The same for an agency, after posts or places of units changed from a day on."""
    await connection.execute_query_dict(REFRESH, [agency_id, from_day, None])


async def policy_on(connection: BaseDBAsyncClient, agency_id: UUID, day: date) -> Policy:
    """How an agency counts on a day; the defaults where it has said nothing."""
    row = (
        await AgencyPolicy.filter(agency_id=agency_id, starts_on__lte=day)
        .using_db(connection)
        .order_by("-starts_on", "-id")
        .first()
    )
    if row is None:
        return DEFAULT
    return Policy(**{one.name: _plain(getattr(row, one.name)) for one in fields(Policy)})


def _plain(value: Any) -> Any:
    """A local time of day has no zone, though the driver gives it one."""
    return value.replace(tzinfo=None) if isinstance(value, time) else value


async def add_policy(
    connection: BaseDBAsyncClient,
    scope: Scope,
    agency_code: str,
    starts_on: date,
    changes: Mapping[str, Any],
    now: datetime,
) -> AgencyPolicy:
    """Add a version: what holds on its first day, with these changes. In the caller's transaction.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: a number outside what can be meant.
    """
    agency = await administered_agency(connection, scope, agency_code)
    policy = replace(await policy_on(connection, agency.id, starts_on), **changes)
    check_policy(policy)
    row = await AgencyPolicy.create(
        using_db=connection,
        agency_id=agency.id,
        starts_on=starts_on,
        set_by=scope.subject,
        set_at=now,
        **asdict(policy),
    )
    if "duty_travel_excuses" in changes:  # nothing else of a policy is in what a day asks for
        await _refresh(connection, agency, starts_on, None)
    else:
        await append_for_agency(connection, EventKind.CALENDAR_CHANGED, agency.id)
    return row


async def set_working_week(
    scope: Scope, agency_code: str, entry: WeekEntry, now: datetime
) -> WorkingWeek:
    """Set the week of an agency or a unit from a day on; the one of the same first day is amended,
    which is also how an open one gets its end.

    Raises:
        NotFound: no such agency of the viewer's to administer, or no such unit in it.
        DomainError: the week cannot be.
    """
    check_week(entry.minutes, entry.breaks)
    check_dates(entry.starts_on, entry.ends_on)
    values = {
        "name": name_of(entry.name),
        "ends_on": entry.ends_on,
        "minutes": list(entry.minutes),
        "breaks": list(entry.breaks),
        "begins_at": entry.begins_at,
        "observes_holidays": entry.observes_holidays,
        "set_by": scope.subject,
        "set_at": now,
    }
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        unit = None if entry.unit is None else await _unit(connection, agency, entry.unit)
        key = {"agency_id": agency.id, "unit_id": unit and unit.id, "starts_on": entry.starts_on}
        week = await WorkingWeek.filter(**key).using_db(connection).first()
        ends = [entry.ends_on, week.ends_on if week else entry.ends_on]
        if week is None:
            week = await WorkingWeek.create(using_db=connection, **key, **values)
        else:
            await week.update_from_dict(values).save(using_db=connection)
        until = None if None in ends else max(end for end in ends if end is not None)
        await _refresh(connection, agency, entry.starts_on, until)
    return week


async def set_holidays(
    scope: Scope, agency_code: str, entries: Sequence[HolidayEntry], now: datetime
) -> list[Holiday]:
    """Announce holidays, or take some back (WORKING_DAY); a day that is there is amended.

    Days that have passed may be among them: what they asked for changes, recorded minutes stay.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: none or too many, a day twice, or a name that is none.
    """
    days = [entry.day for entry in entries]
    check_days(days)
    names = [name_of(entry.name, f"holidays.{n}.name") for n, entry in enumerate(entries)]
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        keys, kinds = [uuid7() for _ in entries], [entry.kind.value for entry in entries]
        await connection.execute_query_dict(
            SAVE_HOLIDAYS, [agency.id, scope.subject, now, keys, days, names, kinds]
        )
        await _refresh(connection, agency, min(days), max(days))
        rows = Holiday.filter(agency_id=agency.id, day__in=days).using_db(connection)
        return await rows.order_by("day")


async def _refresh(
    connection: BaseDBAsyncClient, agency: Agency, first: date, last: date | None
) -> None:
    """Let written days ask for what holds now; their people's writes wait meanwhile, and boards
    are told."""
    await connection.execute_query_dict(PATIENT)
    await connection.execute_query_dict(REFRESH, [agency.id, first, last])
    await append_for_agency(connection, EventKind.CALENDAR_CHANGED, agency.id)


async def _unit(connection: BaseDBAsyncClient, agency: Agency, code: str) -> Unit:
    unit = await Unit.get_or_none(agency_id=agency.id, code=code, using_db=connection)
    if unit is None:
        raise NotFound("Unit")
    return unit
