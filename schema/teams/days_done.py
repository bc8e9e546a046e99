"""Use cases of 'day done': an employee says that all of a day is written, and takes it back.

It changes no minutes and closes nothing: it tells a short day from a forgotten one.
"""

from datetime import date, datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.access import Scope
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.tables import transaction
from schema.values import local_date, uuid7

# Saying it twice changes nothing: a mark that stands keeps its instant.
MARK = """
INSERT INTO day_done AS d (id, employee_id, day, done_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (employee_id, day) DO UPDATE SET done_at = excluded.done_at, reopened_at = NULL
WHERE d.reopened_at IS NOT NULL RETURNING id
"""
REOPEN = """
UPDATE day_done SET reopened_at = $3
WHERE employee_id = $1 AND day = $2 AND reopened_at IS NULL RETURNING id
"""


async def mark_day_done(scope: Scope, day: date, now: datetime) -> None:
    """Say that all of a day is written: of today or a past day, where the employee works.

    Raises:
        NotFound: the viewer is no employee.
        DomainError: the day has not begun.
    """
    async with transaction() as connection:
        person = await _employee(connection, scope)
        if day > local_date(now, person.timezone):
            raise DomainError(ErrorCode.IN_THE_FUTURE, field="on")
        new = await connection.execute_query_dict(MARK, [uuid7(), person.id, day, now])
        if new:
            await events.append(connection, kind=EventKind.DAY_DONE, person=person)


async def reopen_day(scope: Scope, day: date, now: datetime) -> None:
    """Take the mark back; a day that has none stays as it is.

    Raises:
        NotFound: the viewer is no employee.
    """
    async with transaction() as connection:
        person = await _employee(connection, scope)
        if await connection.execute_query_dict(REOPEN, [person.id, day, now]):
            await events.append(connection, kind=EventKind.DAY_REOPENED, person=person)


async def _employee(connection: BaseDBAsyncClient, scope: Scope) -> Employee:
    key: UUID | None = scope.employee_id
    if key is None:
        raise NotFound("Employee")
    return await Employee.get(id=key, using_db=connection)
