"""Appraisals are written: what a step changed of them, their lines and their history.

Set-based, since a superior rates many at once. The caller holds the rows' locks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.judging import Judged, content_of
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalLine,
)
from schema.plans.editing import changes_between
from schema.tables import insert
from schema.targets.models import Target

COLUMNS = {
    "unit_id": "uuid",
    "appraiser_id": "uuid",
    "heads_unit": "boolean",
    "starts_on": "date",
    "ends_on": "date",
    "state": "text",
    "version": "integer",
    "work_rating": "text",
    "work_reason": "text",
    "behaviour_rating": "text",
    "behaviour_reason": "text",
    "predicate": "text",
    "unit_rating_id": "uuid",
    "rated_by": "text",
    "rated_at": "timestamptz",
}
"""What a step may change, with the types."""
SAVE = f"""
UPDATE appraisal a SET {", ".join(f"{name} = v.{name}" for name in COLUMNS)}
FROM unnest($1::uuid[], {", ".join(f"${n}::{of}[]" for n, of in enumerate(COLUMNS.values(), 2))})
  v (id, {", ".join(COLUMNS)})
WHERE a.id = v.id"""  # noqa: S608
DROP_LINES = "DELETE FROM appraisal_line WHERE appraisal_id = ANY ($1::uuid[])"

Content = Mapping[str, str]
"""What an appraisal says, by name."""


@dataclass(frozen=True, slots=True)
class Change:
    """A step that was taken: the appraisal as it is now, what it said before and says now."""

    appraisal: Appraisal
    kind: AppraisalEventKind
    comment: str | None = None
    before: Content | None = None
    after: Content | None = None


async def contents_of(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal], codes: Mapping[UUID, str]
) -> dict[UUID, dict[str, str]]:
    """What each appraisal says as it is stored."""
    keys = [row.id for row in rows]
    lines: dict[UUID, list[AppraisalLine]] = {key: [] for key in keys}
    found = AppraisalLine.filter(appraisal_id__in=keys).using_db(connection)
    for line in await found.order_by("id"):
        lines[line.appraisal_id].append(line)
    return {row.id: content_of(row, lines[row.id], codes) for row in rows}


async def codes_of(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal]
) -> dict[UUID, dict[UUID, str]]:
    """The codes of the results of each appraisal's plan, by their keys."""
    by_plan: dict[UUID, dict[UUID, str]] = {row.plan_id: {} for row in rows}
    found = Target.filter(plan_id__in=list(by_plan)).using_db(connection)
    for key, plan, code in await found.values_list("id", "plan_id", "code"):
        by_plan[plan][key] = code
    return {row.id: by_plan[row.plan_id] for row in rows}


def put(appraisal: Appraisal, judged: Judged) -> None:
    """Give an appraisal other ratings."""
    appraisal.work_rating, appraisal.work_reason = judged.work_rating, judged.work_reason
    appraisal.behaviour_rating = judged.behaviour_rating
    appraisal.behaviour_reason = judged.behaviour_reason
    appraisal.predicate, appraisal.unit_rating_id = judged.predicate, judged.unit_rating_id


async def replace_lines(
    connection: BaseDBAsyncClient, given: Sequence[tuple[Appraisal, Judged]]
) -> None:
    """The lines of appraisals, as a whole."""
    await connection.execute_query_dict(DROP_LINES, [[row.id for row, _ in given]])
    lines = [
        AppraisalLine(
            appraisal_id=row.id,
            target_id=line.target_id,
            behaviour=line.behaviour,
            rating=line.rating,
            reason=line.reason,
        )
        for row, judged in given
        for line in judged.lines
    ]
    await insert(connection, lines)


async def save(
    connection: BaseDBAsyncClient, changes: Sequence[Change], by: str, now: datetime
) -> None:
    """Count the versions up, write the rows, and write down what happened."""
    if not changes:
        return
    rows = [change.appraisal for change in changes]
    for row in rows:
        row.version += 1
    columns = [[_plain(getattr(row, name)) for row in rows] for name in COLUMNS]
    await connection.execute_query_dict(SAVE, [[row.id for row in rows], *columns])
    events = [
        AppraisalEvent(
            appraisal_id=change.appraisal.id,
            kind=change.kind,
            actor=by,
            at=now,
            version=change.appraisal.version,
            comment=change.comment,
            changes=changes_between(change.before or {}, change.after or {}),
        )
        for change in changes
    ]
    await insert(connection, events)


def _plain(value: object) -> object:
    """Enumerations as the text that the driver takes."""
    return str(value) if isinstance(value, str) else value
