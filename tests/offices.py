"""A small office of plain rows for the tests of time: a chief, two heads, and their staff."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg

from schema.events import EventKind, EventRow
from schema.feeds.models import Installation
from schema.organizations.models import (
    Absence,
    AbsenceKind,
    AbsenceState,
    Agency,
    Assignment,
    ClockDirection,
    ClockEvent,
    Employee,
    Unit,
    UnitPlacement,
)
from schema.policies.models import WorkingWeek
from schema.policies.rules import BREAKS
from schema.progress.models import DailyLog
from schema.values import uuid7
from server.database import Database, DatabaseRole, PostgresServer

WRITTEN = (
    "event",
    "day_close",
    "presence_clock",
    "absence",
    "day_done",
    "clock_event",
    "daily_log",
    "working_week",
    "holiday",
    "agency_policy",
    "role_grant",
    "installation",
    "assignment",
    "employee",
    "unit_placement",
    "unit",
    "agency",
)
"""Tables that the tests of time write."""
TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)
START = date(2026, 1, 1)
WIB, WITA, WIT = "Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"


def at(clock: str, on: date = TUESDAY, zone: str = WIB) -> datetime:
    """A local time of a day, as the instant that it is."""
    return datetime.combine(on, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)


@dataclass(frozen=True, kw_only=True)
class Office:
    """Units one below the other, the nearest to the top first; `others` is beside the lowest."""

    agency: Agency
    units: list[Unit]
    others: Unit
    people: Mapping[str, Employee]
    source: Installation


async def found_office(code: str = "KTR", staff: int = 1) -> Office:
    """A chief over two heads, one of them over the staff: all in Jakarta, nothing written."""
    agency = await Agency.create(code=code, name=f"Kantor {code}")
    units = [await Unit.create(agency=agency, code=str(n), name=f"Unit {n}", kind="unit")
             for n in range(4)]  # fmt: skip
    for unit, parent in zip(units, [None, units[0], units[1], units[1]], strict=True):
        await UnitPlacement.create(unit=unit, parent=parent, starts_on=START)
    people: dict[str, Employee] = {}
    posts = [("chief", None, 0), ("head", "chief", 2), ("other head", "chief", 3)]
    posts += [("staff" if n == 0 else f"staff {n}", "head", 2) for n in range(staff)]
    for number, (name, above, unit) in enumerate(posts):
        nip = f"{abs(hash(code)) % 10**12:012}{number:06}"
        superior = people[above] if above else None
        line = [] if superior is None else [superior.id, *superior.superiors]
        person = await Employee.create(agency=agency, nip=nip, name=name.title(), superiors=line)
        await Assignment.create(
            employee=person, unit=units[unit], appraiser=superior, position="Pelaksana",
            starts_on=START,
        )  # fmt: skip
        people[name] = person
    source = await Installation.create(
        agency=agency, plugin="attendance", title="Presensi", next_poll_at=at("00:00")
    )
    return Office(agency=agency, units=units[:3], others=units[3], people=people, source=source)


async def wrote(person: Employee, last: datetime | None, minutes: int = 60, **more: Any) -> None:
    """A day's log as it stands after some work."""
    values: dict[str, Any] = {"day": TUESDAY, "required_minutes": 450} | more
    await DailyLog.create(
        employee=person, recorded_minutes=minutes, last_activity_at=last, **values
    )


async def came(office: Office, person: Employee, moment: datetime, on: date = TUESDAY) -> None:
    """Somebody clocked in."""
    await ClockEvent.create(
        installation_id=office.source.id, source_id=str(uuid7()), employee=person, day=on,
        at=moment, direction=ClockDirection.IN, received_at=moment,
    )  # fmt: skip


async def is_away(
    person: Employee,
    hours: tuple[str, str] | None = None,
    *,
    kind: AbsenceKind = AbsenceKind.LEAVE,
    state: AbsenceState = AbsenceState.ACCEPTED,
    on: date = TUESDAY,
) -> Absence:
    """An absence of all day, or of local hours of it."""
    begins, until = [time.fromisoformat(one).replace(tzinfo=UTC) for one in hours or ()] or (
        None,
    ) * 2
    decided = {"decided_by": "x", "decided_at": at("00:00")}
    return await Absence.create(
        employee=person, kind=kind, state=state, starts_on=on, ends_on=on, from_time=begins,
        until_time=until, reported_by="x", reported_at=at("00:00"),
        **(decided if state is AbsenceState.ACCEPTED else {}),
    )  # fmt: skip


async def works_by(office: Office, minutes: list[int], begins: str, **more: Any) -> WorkingWeek:
    """A week of the agency, or of a unit."""
    return await WorkingWeek.create(
        agency=office.agency, name="Pekan", starts_on=more.pop("starts_on", START),
        minutes=minutes, breaks=more.pop("breaks", BREAKS),
        begins_at=time.fromisoformat(begins).replace(tzinfo=UTC), set_by="x",
        set_at=at("00:00"), **more,
    )  # fmt: skip


async def told() -> list[tuple[EventKind, Any]]:
    """Events in the order of their making: what, and of whom (None: of an agency)."""
    rows = await EventRow.all().order_by("id")
    return [(row.kind, row.employee_id) for row in rows]


async def emptied(server: PostgresServer, database: Database) -> None:
    """Take away what the last test left, also what is kept for ever: a copy of the whole database
    for each test would take a second of each."""
    name = urlsplit(database.urls[DatabaseRole.OWNER]).path.strip("/")
    connection = await asyncpg.connect(server.url("postgres", name))
    try:
        await connection.execute("SET session_replication_role = replica")
        for table in WRITTEN:
            await connection.execute(f"DELETE FROM {table}")
    finally:
        await connection.close()
