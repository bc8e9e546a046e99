"""The GraphQL face of a unit's board: counts by state for a span, down the tree, and who is behind
each count."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any

import strawberry

from schema.arguments import After as AfterCursor
from schema.arguments import AgencyCode, First, TeamDay, UnitCode
from schema.organizations.graph import Unit
from schema.relay import Connection
from schema.selection.declarations import (
    KEY,
    After,
    Value,
    after,
    declared,
    many,
    one,
    reads,
    value,
)
from schema.teams import board_lists, board_rules
from schema.teams.graph import StatusCount
from schema.teams.models import PresenceStatus

LONGEST_SPAN = 92
"""Days of a board's series that the limits count with: a quarter."""
MOST_CHILDREN = 20
"""Units below a unit that the limits count with."""


@strawberry.enum(
    description="DAY; WEEK: Monday to Sunday; MONTH: of the calendar; PERIOD: the agency's "
    "evaluation period. Each is the one that the day is in."
)
class BoardSpan(StrEnum):
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"
    PERIOD = "PERIOD"


Span = Annotated[BoardSpan, strawberry.argument(description="How long a time it is of.")]
Statuses = Annotated[
    list[PresenceStatus] | None,
    strawberry.argument(description="Only days that stand in one of these; all where left out."),
]


def evaluated(condition: str, order: str) -> str:
    """An evaluation period of the unit's agency, as two days."""
    return f"""(SELECT v$.starts_on AS first_day, v$.ends_on AS last_day
      FROM evaluation_period v$ JOIN period p$ ON p$.id = v$.period_id
      WHERE p$.agency_id = u$.agency_id AND v$.kind <> 'FINAL' AND {condition}
      ORDER BY {order} LIMIT 1)"""


# The span that the day is in, and the one before it; none where no evaluation period is set.
CALENDAR = """(SELECT @span::text AS name, @on::date AS day,
  @on::date - extract(isodow FROM @on::date)::int + 1 AS monday,
  date_trunc('month', @on::date::timestamp)::date AS month) d$"""
SPAN = f"""(
  SELECT d$.day AS first_day, d$.day AS last_day, d$.day - 1 AS before_first,
    d$.day - 1 AS before_last WHERE d$.name = 'DAY'
  UNION ALL SELECT d$.monday, d$.monday + 6, d$.monday - 7, d$.monday - 1 WHERE d$.name = 'WEEK'
  UNION ALL SELECT d$.month, (d$.month + interval '1 month')::date - 1,
    (d$.month - interval '1 month')::date, d$.month - 1 WHERE d$.name = 'MONTH'
  UNION ALL SELECT t$.first_day, t$.last_day, b$.first_day, b$.last_day
  FROM {evaluated("d$.day BETWEEN v$.starts_on AND v$.ends_on", "v$.starts_on")} t$
  LEFT JOIN LATERAL {evaluated("v$.ends_on < t$.first_day", "v$.ends_on DESC")} b$ ON true
  WHERE d$.name = 'PERIOD'
) w$"""
# A span that still runs is compared with as many days of the one before.
AS_FAR = """CASE WHEN @today < w$.last_day
  THEN least(w$.before_last, w$.before_first + greatest(@today - w$.first_day, 0))
  ELSE w$.before_last END"""
# OFFSET 0: what it is counted from is worked out once for all that is asked of it.
BOARD = """CROSS JOIN LATERAL (SELECT o$.*, least(o$.last_day, @today) AS until,
    unit_days(o$.path, o$.first_day, least(o$.last_day, @today)) AS counted
  FROM (SELECT {columns}) o$ OFFSET 0) @it"""
ASKED = f"""agency g$ JOIN unit u$ ON u$.agency_id = g$.id CROSS JOIN {CALENDAR}
CROSS JOIN LATERAL {SPAN} {
    BOARD.format(
        columns="u$.id AS unit_id, ARRAY[u$.id] AS path, w$.first_day, w$.last_day, "
        f"w$.before_first, {AS_FAR} AS before_last"
    )
}"""
BELOW = f"""unit u$ {
    BOARD.format(
        columns="u$.id AS unit_id, @row.path || u$.id AS path, @row.first_day, @row.last_day, "
        "@row.before_first, @row.before_last"
    )
}"""


def people_asked(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises:
    DomainError: the size or the cursor is refused.
    """
    size, cursor = board_lists.size_of(arguments.get("first")), arguments.get("after")
    day, name, person = (None, None, None) if cursor is None else board_lists.place_of(cursor)
    known = {"statuses": arguments.get("status"), "size": size, "cursor_text": cursor}
    return known | {"behind_day": day, "behind_name": name, "behind_person": person}


@strawberry.type(
    description="A span in figures, each person's day of it counted once, over days until today "
    "and people whose work the viewer sees, or saw on that day."
)
class BoardFigures:
    from_: date = strawberry.field(name="from", description="The first day.")
    to: date = strawberry.field(description="The last day, days to come included.")
    people: int = strawberry.field(description="How many different people.")
    statuses: list[StatusCount] = strawberry.field(
        description="Days of people by where they stand.",
        metadata={"list_size": len(PresenceStatus)},
    )
    required_minutes: int = strawberry.field(description="What the days ask for.")
    recorded_minutes: int = strawberry.field(description="Confirmed.")
    fill_rate: Decimal | None = strawberry.field(
        description="Recorded of required minutes in percent, two decimals; null where none are."
    )
    filled_rate: Decimal | None = strawberry.field(
        description="Of the days that ask for work, on how many percent any is confirmed."
    )
    not_filled: int = strawberry.field(description="Days that are not filled.")
    short: int = strawberry.field(description="Days that ended short.")
    uncounted_days: int = strawberry.field(
        description="Days from before boards were kept that are too many to judge, and left out."
    )


@strawberry.type(description="One person's one day behind a count.")
class BoardPerson:
    employee_id: strawberry.ID = strawberry.field(description="Whose: the id of an Employee.")
    name: str = strawberry.field(description="Their name.")
    unit_code: str = strawberry.field(description="The code of their unit of that day.")
    unit_name: str = strawberry.field(description="Its name.")
    on: date = strawberry.field(description="The day.")
    status: PresenceStatus = strawberry.field(description="Where it stands.")
    required_minutes: int = strawberry.field(description="What it asks for.")
    recorded_minutes: int = strawberry.field(description="Confirmed.")
    pending_count: int = strawberry.field(description="Records that wait.")


@strawberry.type(description="Days of people, the newest day first, then by name, in pages.")
class BoardPersonConnection(Connection[BoardPerson]):
    pass


@reads()
@strawberry.type(
    description="A unit's time with all below it. A day that has ended is as it was known then, "
    "in the unit of that day: transfers and late entries do not rewrite it."
)
class UnitBoard:
    unit: Unit = one("unit @it", "The unit.", where="@it.id = @row.unit_id")
    from_: date = strawberry.field(
        name="from", description="The first day.", metadata={KEY: Value(sql="@row.first_day")}
    )
    to: date = value("@row.last_day", "The last day; days to come are not counted yet.")
    figures: BoardFigures = after(
        board_rules.figures,
        "The span in figures.",
        first="@row.first_day",
        last="@row.last_day",
        days="@row.counted",
        now="@now",
    )
    before: BoardFigures | None = after(
        board_rules.figures_before,
        "The span before it in figures, as far as this one has run; null where no evaluation "
        "period was before.",
        first="@row.before_first",
        last="@row.before_last",
        days="unit_days(@row.path, @row.before_first, least(@row.before_last, @today))",
        now="@now",
    )
    days: list[BoardFigures] = declared(
        After(
            rule=board_rules.figures_by_day,
            needs={
                "first": "@row.first_day",
                "last": "@row.until",
                "days": "@row.counted",
                "now": "@now",
            },
        ),
        "The same day by day, until today.",
        at_most=LONGEST_SPAN,
    )
    children: list["UnitBoard"] = many(
        BELOW,
        "Units directly below in that time, each with all below it.",
        where="""EXISTS (SELECT FROM unit_placement l$ WHERE l$.unit_id = u$.id
          AND l$.parent_id = @row.unit_id AND l$.starts_on <= @row.last_day
          AND (l$.ends_on IS NULL OR l$.ends_on > @row.first_day))""",
        order="u$.code",
        at_most=MOST_CHILDREN,
    )

    @declared(
        After(
            rule=board_lists.people_page,
            needs={
                "people": """unit_people(@row.path, @row.first_day, @row.until,
                  @statuses::text[], @behind_day::date, @behind_name::text, @behind_person::uuid,
                  @size::int + 1)""",
                "statuses": "@statuses::text[]",
                "size": "@size::int",
                "after": "@cursor_text::text",
                "now": "@now",
            },
            check=people_asked,
        ),
        "The list behind each count.",
        type=BoardPersonConnection,
    )
    def people(
        self, status: Statuses = None, first: First = None, after: AfterCursor = None
    ) -> None: ...


@strawberry.type
class BoardQuery:
    @one(
        ASKED,
        "A unit's board, for the agency's administrators and auditors, who heads the unit or one "
        "above it, and who leads somebody in it; null for others, and where no evaluation period "
        "is set for a PERIOD.",
        where="g$.code = @agency AND u$.code = @unit AND watches_unit(u$.id, @today)",
        defaults={"on": "today"},
        type=UnitBoard | None,
    )
    def unit_board(
        self,
        agency: AgencyCode,
        unit: UnitCode,
        on: TeamDay = None,
        span: Span = BoardSpan.DAY,
    ) -> None: ...
