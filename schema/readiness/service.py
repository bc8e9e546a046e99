"""The check before a cycle for who has no GraphQL at hand: the operator."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from schema.errors import NotFound
from schema.readiness.problems import FOUND
from schema.readiness.rules import Mender, ProblemKind, Severity
from schema.tables import dicts_of

PLACES = {"@agency": "$1", "@period": "$2", "@today": "$3::date", "@kind": "$4"}

NAMED = """
SELECT f$.kind, f$.severity, f$.detail, f$.mender,
  CASE WHEN f$.employee_id IS NOT NULL THEN e$.name || ' (' || e$.nip || ')'
    WHEN f$.unit_id IS NOT NULL THEN u$.name || ' (' || u$.code || ')'
    WHEN f$.target_id IS NOT NULL THEN t$.title || ' (' || t$.code || ')'
    ELSE @agency || ' ' || @period END AS subject,
  (SELECT coalesce(array_agg(m$.name ORDER BY m$.name, m$.id), '{}')
    FROM employee m$ WHERE m$.id = ANY (f$.menders)) AS menders
FROM asked$ q$ LEFT JOIN found$ f$ ON true
LEFT JOIN employee e$ ON e$.id = f$.employee_id
LEFT JOIN unit u$ ON u$.id = f$.unit_id
LEFT JOIN target t$ ON t$.id = f$.target_id
ORDER BY f$.severity, f$.kind, subject, f$.key
"""


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem in words: what is wrong with whom, and who mends it."""

    kind: ProblemKind
    severity: Severity
    subject: str
    detail: str
    mender: Mender
    menders: tuple[str, ...]


async def check(
    agency: str, period: str, today: date, kind: ProblemKind | None = None
) -> list[Problem]:
    """What would block a period of an agency, by their codes; what blocks first.

    Raises:
        NotFound: there is no such agency, or it has no such period.
    """
    rows = await dicts_of(_placed(FOUND + NAMED), [agency, period, today, kind])
    if not rows:
        raise NotFound(f"Period {period!r} of agency {agency!r}")
    return [_problem(row) for row in rows if row["kind"] is not None]


def _placed(sql: str) -> str:
    for name, place in PLACES.items():
        sql = sql.replace(name, place)
    return sql


def _problem(row: Mapping[str, Any]) -> Problem:
    return Problem(
        kind=ProblemKind(row["kind"]),
        severity=Severity(row["severity"]),
        subject=row["subject"],
        detail=row["detail"],
        mender=Mender(row["mender"]),
        menders=tuple(row["menders"]),
    )
