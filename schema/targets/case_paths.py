"""The planned path of an indicator, from the months or quarters of a case file."""

import re
from calendar import monthrange
from datetime import date
from decimal import Decimal

from schema.targets.case_nodes import Node
from schema.targets.case_values import FaultCode, quoted
from schema.targets.rules import Point
from schema.values import LARGEST_QUANTITY

MONTH_PATTERN = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
QUARTER_ENDS = ((3, 31), (6, 30), (9, 30), (12, 31))
MONTHLY = "monthly_plan"
QUARTERLY = "quarterly_target_cumulative"


def planned_path(node: Node, starts_on: date, ends_on: date) -> tuple[Point, ...]:
    """Points in the order of days, cumulative; () where the file gives no path.

    `monthly_plan` holds what each month adds, due at its last day: {"2026-02": 1,
    "2026-05": 2} -> 1 by 28 February, 3 by 31 May. `quarterly_target_cumulative` holds what
    is due in all at the end of each quarter of the year in which the period starts.
    """
    monthly, quarterly = node.data.get(MONTHLY), node.data.get(QUARTERLY)
    if monthly is not None and quarterly is not None:
        message = f"give either {MONTHLY} or {QUARTERLY}, not both"
        node.fault(MONTHLY, FaultCode.PATH_UNCLEAR, message)
        return ()
    if monthly is not None:
        return _from_months(node, starts_on, ends_on)
    return _from_quarters(node, starts_on, ends_on) if quarterly is not None else ()


def _from_months(node: Node, starts_on: date, ends_on: date) -> tuple[Point, ...]:
    months = node.child(MONTHLY)
    added: dict[date, Decimal] = {}
    for month in months.data if months else ():
        if not MONTH_PATTERN.fullmatch(month):
            message = f"{quoted(month)} is no month (YYYY-MM)"
            node.fault(MONTHLY, FaultCode.DATE_INVALID, message)
            continue
        amount = node.exact(f"{MONTHLY}.{month}", months.data[month]) if months else None
        year, number = int(month[:4]), int(month[5:])
        if not (starts_on.year, starts_on.month) <= (year, number) <= (ends_on.year, ends_on.month):
            node.fault(f"{MONTHLY}.{month}", FaultCode.OUTSIDE_PERIOD, "is outside the period")
        elif amount is not None:
            added[date(year, number, monthrange(year, number)[1])] = amount
    points: list[Point] = []
    total = Decimal(0)
    for day in sorted(added):
        total += added[day]
        points.append(Point(day, total))
    if total > LARGEST_QUANTITY:
        node.fault(MONTHLY, FaultCode.NUMBER_INVALID, "the months add up to more than 10^15")
    return tuple(points)


def _from_quarters(node: Node, starts_on: date, ends_on: date) -> tuple[Point, ...]:
    figures = node.list_of(QUARTERLY)
    if len(figures) != len(QUARTER_ENDS):
        if isinstance(node.data[QUARTERLY], list):
            message = f"{len(figures)} numbers where 4 are expected"
            node.fault(QUARTERLY, FaultCode.PATH_UNCLEAR, message)
        return ()
    points: list[Point] = []
    for index, (value, (month, last)) in enumerate(zip(figures, QUARTER_ENDS, strict=True)):
        planned = node.exact(f"{QUARTERLY}[{index}]", value)
        day = date(starts_on.year, month, last)
        if not starts_on <= day <= ends_on:
            node.fault(f"{QUARTERLY}[{index}]", FaultCode.OUTSIDE_PERIOD, "is outside the period")
        elif planned is not None:
            points.append(Point(day, planned))
    return tuple(points)
