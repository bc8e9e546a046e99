"""Days of people, as SQL: what each asks for and what is written on it."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

import strawberry

from schema.errors import DomainError, ErrorCode

LONGEST_CALENDAR = 366
"""Days in one `calendar`, `workTime` or `holidays`: a leap year (a house limit)."""
FirstDay = Annotated[date, strawberry.argument(name="from", description="The first day.")]
LastDay = Annotated[date, strawberry.argument(description="The last day.")]


def day_of(employee: str, day: str, log: str, asked: str | None = None) -> str:
    """The columns of DailyLog: one employee's one day, whether or not anything is written on it.

    What an unwritten day asks for is worked out where it is asked, as `policies/rules.py` has it.
    """
    asked = asked or f"required_minutes({employee}, {day})"
    return f"""SELECT {employee} AS employee_id, {day} AS day,
      coalesce({log}.required_minutes, {asked}) AS required_minutes,
      coalesce({log}.recorded_minutes, 0) AS recorded_minutes,
      coalesce({log}.pending_minutes, 0) AS pending_minutes,
      coalesce({log}.pending_count, 0) AS pending_count, {log}.last_activity_at"""


def days(first: str, last: str, *, of: str = "@row.id", alias: str = "@it") -> str:
    """FROM of an employee's days from one to another, both inclusive.

    What they ask for is worked out once for all of them (OFFSET 0), not once a day.
    """
    return f"""(SELECT required_days({of}, {first}, {last}) AS asked OFFSET 0) k$
      CROSS JOIN generate_series(0, {last} - {first}) n$
      CROSS JOIN LATERAL (SELECT {first} + n$ AS day) d$
      LEFT JOIN daily_log l$ ON l$.employee_id = {of} AND l$.day = d$.day
        AND l$.day BETWEEN {first} AND {last}
      CROSS JOIN LATERAL ({day_of(of, "d$.day", "l$", "k$.asked[n$ + 1]")}) {alias}"""


def days_between(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises:
    DomainError: the range is empty or longer than a calendar may be.
    """
    start, end = arguments["from"], arguments["to"]
    if not 0 <= (end - start).days < LONGEST_CALENDAR:
        raise DomainError(ErrorCode.RANGE_TOO_LONG, field="to", limit=LONGEST_CALENDAR)
    return arguments
