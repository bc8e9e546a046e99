"""Use cases of matching: an agency's mapping rules, and an employee who asks where work belongs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.checks import invalid, optional_text
from schema.errors import DomainError, ErrorCode, NotFound
from schema.feeds.models import Installation
from schema.organizations.models import Agency
from schema.organizations.service import administered_agency
from schema.progress import daily_logs
from schema.progress.matching import THRESHOLD, Suggestion
from schema.progress.models import Activity, MappingRule, ProgressRecord, RecordState
from schema.progress.rules import check_state
from schema.progress.suggesting import Work, likeliest
from schema.progress.words import words as words_in
from schema.tables import transaction
from schema.targets.models import Target

MOST_RULES = 200
LONGEST_PLUGIN, LONGEST_KIND, LONGEST_WORDS = 60, 120, 200
MOST_ADVISED = 3

KEEP = """
UPDATE progress_record SET suggested_target_id = $2, suggestion_score = $3,
  suggestion_reason = $4, suggestion_origin = $5
WHERE id = $1
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleEntry:
    """A mapping rule as an administrator writes it; a part that is None holds for all."""

    goal_id: UUID
    plugin: str | None = None
    kind: str | None = None
    words: str | None = None


async def set_mapping_rules(
    scope: Scope, agency_code: str, entries: Sequence[RuleEntry], now: datetime
) -> UUID:
    """Replace all rules of an agency by these, in their order; the agency's id.

    Raises:
        NotFound: no such agency, or not one that the viewer administers.
        DomainError: too many, one that names nothing, too long a text, or a goal of others.
    """
    if len(entries) > MOST_RULES:
        raise DomainError(ErrorCode.TOO_MANY, field="rules", limit=MOST_RULES)
    parts = [_parts(entry, f"rules.{place}") for place, entry in enumerate(entries)]
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        await _check_goals(connection, agency, entries)
        await MappingRule.filter(agency_id=agency.id).using_db(connection).delete()
        rows = [
            MappingRule(
                agency_id=agency.id,
                position=place,
                goal_id=entry.goal_id,
                set_by=scope.subject,
                set_at=now,
                **of,
            )
            for place, (entry, of) in enumerate(zip(entries, parts, strict=True), start=1)
        ]
        await MappingRule.bulk_create(rows, using_db=connection)
    return agency.id


async def suggest_targets(scope: Scope, record_id: UUID) -> tuple[UUID, list[Suggestion]]:
    """Where the viewer's own waiting record most likely belongs, by what is known today.

    The record's suggestion becomes the first of them, or none below the threshold.

    Raises:
        NotFound: no such record of the viewer's.
        DomainError: it does not wait any more, or no connector brought it.
    """
    if scope.employee_id is None:
        raise NotFound("Employee")
    async with transaction() as connection:
        await daily_logs.lock_employee(connection, scope.employee_id)
        record = await ProgressRecord.get_or_none(
            id=record_id, employee_id=scope.employee_id, using_db=connection
        )
        if record is None:
            raise NotFound("Progress record")
        check_state(record.state, (RecordState.PENDING,))
        if record.activity_id is None:
            raise invalid("record", "it was written by hand")
        activity = await Activity.get(id=record.activity_id, using_db=connection)
        work = await _work(connection, record, activity)
        found = await likeliest(connection, activity.installation_id, work, MOST_ADVISED)
        sure = found[0] if found and found[0].score >= THRESHOLD else None
        await _keep(connection, record, sure)
    return record.id, found


async def _keep(
    connection: BaseDBAsyncClient, record: ProgressRecord, found: Suggestion | None
) -> None:
    """The suggestion that the record shows from now on."""
    await connection.execute_query_dict(
        KEEP,
        [
            record.id,
            found.target_id if found else None,
            found.score if found else None,
            found.reason if found else None,
            found.origin.value if found else None,
        ],
    )


async def _work(connection: BaseDBAsyncClient, record: ProgressRecord, activity: Activity) -> Work:
    source = await Installation.get(id=activity.installation_id, using_db=connection)
    return Work(
        employee_id=record.employee_id,
        day=record.day,
        plugin=source.plugin,
        kind=activity.kind,
        title=activity.title,
        description=activity.description,
        category=activity.category,
    )


def _parts(entry: RuleEntry, place: str) -> dict[str, Any]:
    """Raises:
    DomainError: it names neither plugin nor kind nor words, or one that is too long or empty.
    """
    plugin = optional_text(entry.plugin, field=f"{place}.plugin", longest=LONGEST_PLUGIN)
    kind = optional_text(entry.kind, field=f"{place}.activityKind", longest=LONGEST_KIND)
    words = optional_text(entry.words, field=f"{place}.words", longest=LONGEST_WORDS)
    if words is not None and not words_in(words):
        raise invalid(f"{place}.words", "no word in it tells anything")
    if plugin is kind is words is None:
        raise invalid(place, "plugin, activityKind or words is needed")
    return {"plugin": plugin, "activity_kind": kind, "words": words}


async def _check_goals(
    connection: BaseDBAsyncClient, agency: Agency, entries: Sequence[RuleEntry]
) -> None:
    """Raises:
    DomainError: a goal is not a target of this agency's.
    """
    wanted = {entry.goal_id for entry in entries}
    of = Target.filter(id__in=wanted, agency_id=agency.id).using_db(connection)
    known = {target.id for target in await of}
    for place, entry in enumerate(entries):
        if entry.goal_id not in known:
            raise invalid(f"rules.{place}.goal", "not a target of this agency")
