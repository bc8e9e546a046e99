"""Pure rules of the planned path: what is due by a day, and whether it is there.

A verdict comes with the rule that gave it, in words and numbers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from schema.policies.rules import DEFAULT, Policy
from schema.targets.models import Polarity
from schema.targets.rules import HUNDRED, Measured, Plan, Point
from schema.values import plain


class TrackStatus(StrEnum):
    """How an indicator stands on its path, the best first."""

    NOT_DUE = "NOT_DUE"
    ON_TRACK = "ON_TRACK"
    NO_DATA = "NO_DATA"
    BEHIND = "BEHIND"


WORST_LAST = list(TrackStatus)
GOOD = frozenset({TrackStatus.NOT_DUE, TrackStatus.ON_TRACK})


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it stands, and why."""

    status: TrackStatus
    rule: str


def due_by(points: Iterable[Point], day: date) -> Decimal | None:
    """What the planned path asks for at the end of a day; None before its first point."""
    past = [point for point in points if point.day <= day]
    return max(past, key=lambda point: point.day).planned if past else None


def verdict(
    plan: Plan,
    points: Iterable[Point],
    realized: Decimal | None,
    day: date,
    share: Decimal = HUNDRED,
) -> Verdict:
    """Whether what was due by a day is there; `share` is percent of it that is enough.

    Rising: 9 of 10 due, share 100 -> BEHIND, share 90 -> ON_TRACK. A path of a falling target or
    of a range is a ceiling: 6 where 5 is due -> BEHIND; with a share of 80 the ceiling is
    5 x (200 - 80) / 100 = 6 -> ON_TRACK. Before the first point nothing is due. No number where
    something is due -> NO_DATA.
    """
    due = due_by(points, day)
    if due is None:
        return Verdict(TrackStatus.NOT_DUE, f"nothing is due by {day}")
    if realized is None:
        status = TrackStatus.ON_TRACK if due == 0 else TrackStatus.NO_DATA
        return Verdict(status, f"no number, {plain(due)} due by {day}")
    if plan.polarity is Polarity.RISING:
        enough = due * share / HUNDRED
        good, sign = realized >= enough, ">="
    else:
        enough = due * (2 * HUNDRED - share) / HUNDRED
        good, sign = realized <= enough, "<="
    asked = f"{plain(realized)} {sign if good else 'not ' + sign} {plain(enough)}"
    why = f"{plain(due)} due by {day}, {plain(share)} % is enough"
    return Verdict(TrackStatus.ON_TRACK if good else TrackStatus.BEHIND, f"{asked} ({why})")


def worst(indicators: list[Measured], day: date, policy: Policy | None) -> Verdict:
    """The verdict on a target: that on the indicator that stands worst; without any, not due."""
    share = (policy or DEFAULT).on_track_share
    each = [verdict(one, one.points, one.realized, day, share) for one in indicators]
    return max(
        each,
        key=lambda one: WORST_LAST.index(one.status),
        default=Verdict(TrackStatus.NOT_DUE, f"nothing is due by {day}"),
    )


def track_status(indicators: list[Measured], day: date, policy: Policy | None) -> TrackStatus:
    return worst(indicators, day, policy).status


def track_rule(indicators: list[Measured], day: date, policy: Policy | None) -> str:
    return worst(indicators, day, policy).rule


def is_on_track(indicators: list[Measured], day: date, policy: Policy | None) -> bool:
    """Whether nothing that was due by a day is missing; staged work has no path and is."""
    return worst(indicators, day, policy).status in GOOD
