"""The GraphQL face of policies: how an agency counts, its weeks and holidays, working time."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from schema.organizations.days import days
from schema.organizations.graph import Employee, Unit
from schema.policies import models
from schema.policies.rules import DEFAULT, effective_minutes, short_minutes
from schema.selection.declarations import after, one, reads, value

strawberry.enum(
    models.HolidayKind,
    description="Why a day asks for no work; WORKING_DAY takes an announced holiday back.",
)
strawberry.enum(
    models.LateEntries,
    description="What becomes of an entry behind its deadline: REFUSED, where an activity waits on "
    "as a pending record; MARKED as late; or REASON, which it then needs. None is lost.",
)

WHO = "Who said so; null where that is no employee."


def literal(value: object) -> str:
    """A default as SQL."""
    if value is None:
        return "NULL"
    text = value.value if isinstance(value, Enum) else value
    return f"'{text}'" if isinstance(text, str) else str(text).lower()


def said(name: str, description: str) -> Any:
    """A column of the policy; where the agency has said nothing, the default of `rules.Policy`."""
    default = literal(getattr(DEFAULT, name))
    return value(f"CASE WHEN @row.id IS NULL THEN {default} ELSE @row.{name} END", description)


def clock(name: str, description: str) -> Any:
    """The same for a local time, as 07:30."""
    default = getattr(DEFAULT, name)
    return value(
        f"CASE WHEN @row.id IS NULL THEN {literal(default and default.strftime('%H:%M'))} "
        f"ELSE to_char(@row.{name}::time, 'HH24:MI') END",
        description,
    )


@reads(model=models.AgencyPolicy)
@strawberry.type(description="How an agency counts, from a day on until the next version.")
class AgencyPolicy:
    starts_on: date | None = strawberry.field(
        description="The first day on which it holds; null: the defaults, of an agency that has "
        "said nothing."
    )
    achievement_cap: Decimal = said(
        "achievement_cap", "Percent that an achievement counts at most; 120 by default."
    )
    missing_counts_as_zero: bool = said(
        "missing_counts_as_zero",
        "Whether a number that nobody recorded counts as 0; else it is left out, as by default.",
    )
    on_track_share: Decimal = said(
        "on_track_share",
        "Percent of what is due that must be there to be on track; 100 by default.",
    )
    late_entries: models.LateEntries = said(
        "late_entries", "What becomes of an entry behind its deadline; MARKED by default."
    )
    entry_days: int | None = said(
        "entry_days",
        "Days behind the working day in which an entry is in time; null, as by "
        "default: no such deadline.",
    )
    filling_days: int = said(
        "filling_days", "Days behind an evaluation period until its filling ends; 10 by default."
    )
    plan_days: int = said(
        "plan_days", "Days from the period's first in which a plan is set; 31 by default."
    )
    action_plans_required: bool = said(
        "action_plans_required",
        "Whether progress needs an action plan of its evaluation period first, as by default.",
    )
    effective_share: Decimal = said(
        "effective_share",
        "Percent of working time that effective work takes; 66.67 by default: 300 of 450 minutes.",
    )
    recognized_minutes: int | None = said(
        "recognized_minutes", "Minutes of a day that count at most; null, as by default: all."
    )
    active_minutes: int = said(
        "active_minutes", "How long after their latest work somebody is active; 60 by default."
    )
    flexible_minutes: int = said(
        "flexible_minutes",
        "How much later than the week has it a day may begin and end; 0 by default.",
    )
    duty_travel_excuses: bool = said(
        "duty_travel_excuses", "Whether a day of duty travel asks for no minutes, as by default."
    )
    nudge_at: str | None = clock(
        "nudge_at",
        "When an employee is reminded of an unfilled day and of what waits, local time; 15:00 by "
        "default, null: never.",
    )
    digest_at: str | None = clock(
        "digest_at",
        "When a supervisor is told of the team's day before, local time; 08:00 by default, null: "
        "never.",
    )
    quiet_from: str = clock("quiet_from", "From when on no notice goes out; 18:00 by default.")
    quiet_until: str = clock("quiet_until", "Until when; 06:30 by default.")
    notices_per_day: int = said(
        "notices_per_day", "Notices to one person in a day at most; 2 by default."
    )
    objection_days: int = said(
        "objection_days", "Days behind a rating in which the employee may object; 7 by default."
    )
    peer_feedback: bool = said(
        "peer_feedback", "Whether colleagues and subordinates give feedback (360); no by default."
    )
    smallest_feedback_group: int = said(
        "smallest_feedback_group", "Of fewer answers of a kind nothing is shown; 3 by default."
    )
    set_at: datetime | None = strawberry.field(description="When it was set; null: the defaults.")
    set_by: Employee | None = one("employee @it", WHO, where="@it.nip = @row.set_by")


@reads(model=models.WorkingWeek)
@strawberry.type(
    description="The minutes that each day asks for, of an agency or of a unit and those below it. "
    "The nearest unit's goes first, then one with an end (Ramadan), then the newest."
)
class WorkingWeek:
    name: str = strawberry.field(description="What the agency calls it.")
    unit: Unit | None = one(None, "Whose it is; null: the agency's.", trusted=True)
    starts_on: date = strawberry.field(description="First day.")
    ends_on: date | None = strawberry.field(description="Last day; null: until another holds.")
    minutes: list[int] = strawberry.field(
        description="Of Monday to Sunday, breaks left out: 450 each from Monday to Friday, or 375 "
        "each in an office of six days."
    )
    weekly_minutes: int = value(
        "(SELECT sum(m$) FROM unnest(@row.minutes) m$)",
        "Of the whole week: 2250 are 37 h 30 min, and 1950 in Ramadan 32 h 30 min.",
    )
    breaks: list[int] = strawberry.field(description="Minutes of Monday to Sunday's breaks.")
    begins_at: str = value(
        "to_char(@row.begins_at::time, 'HH24:MI')", "When work begins, local time, as 07:30."
    )
    observes_holidays: bool = strawberry.field(
        description="Whether holidays are free; not for a hospital or a counter."
    )
    set_at: datetime = strawberry.field(description="When it was set.")
    set_by: Employee | None = one("employee @it", WHO, where="@it.nip = @row.set_by")


@reads(model=models.Holiday)
@strawberry.type(description="A day on which an agency's people need not work (hari libur).")
class Holiday:
    on: date = value("@row.day", "The day.")
    name: str = strawberry.field(description="What is celebrated, or why it was taken back.")
    kind: models.HolidayKind = strawberry.field(description="Public holiday, joint leave, or none.")
    set_at: datetime = strawberry.field(description="When it was set.")
    set_by: Employee | None = one("employee @it", WHO, where="@it.nip = @row.set_by")


# All days of the range at once, each with the policy that holds on it.
COUNTED = f"""CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE c$.required_minutes > 0) AS working_days,
    sum(c$.required_minutes) AS required_minutes,
    sum(c$.recorded_minutes) AS recorded_minutes,
    sum(c$.required_minutes * CASE WHEN y$.id IS NULL THEN {DEFAULT.effective_share}
      ELSE y$.effective_share END) AS percent_minutes,
    sum(least(c$.recorded_minutes, CASE WHEN y$.id IS NULL
      THEN {literal(DEFAULT.recognized_minutes)} ELSE y$.recognized_minutes END))
      AS recognized_minutes
  FROM {days("@it.first_day", "@it.last_day", of="@it.employee_id", alias="c$")}
  LEFT JOIN LATERAL (SELECT p$.* FROM agency_policy p$
    WHERE p$.agency_id = @it.agency_id AND p$.starts_on <= c$.day
    ORDER BY p$.starts_on DESC, p$.id DESC LIMIT 1) y$ ON true
) @it_sum"""


@reads(joins=COUNTED)
@strawberry.type(description="An employee's working time over a range of days.")
class WorkTime:
    working_days: int = value("@row_sum.working_days", "Days that ask for work.")
    required_minutes: int = value(
        "@row_sum.required_minutes", "What they ask for, breaks left out."
    )
    effective_minutes: int = after(
        effective_minutes,
        "What effective work takes of that, by the policy's share of each day; whole minutes.",
        percent_minutes="@row_sum.percent_minutes::text",
    )
    recorded_minutes: int = value("@row_sum.recorded_minutes", "Confirmed.")
    recognized_minutes: int = value(
        "@row_sum.recognized_minutes",
        "Of these, what counts: of each day at most the policy's limit, where it sets one.",
    )
    short_minutes: int = after(
        short_minutes,
        "Required less recorded over the whole range, never below 0. Days to come are in it: ask "
        "until yesterday for what is missing.",
        required_minutes="@row_sum.required_minutes",
        recorded_minutes="@row_sum.recorded_minutes",
    )
