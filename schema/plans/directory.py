"""The use case that makes a directory's changes: posts move, and plans end or go on with them.

The comparison is made anew from what the service said then and what we have now: what was shown
is what is done, or nothing is. A post that ends takes its plan's end with it, as a transfer does;
one that goes on under another appraiser keeps its plan. A new post's plan is opened by its people
(`openPlan`), since nobody has agreed on it yet; `cycleCheck` names those who have none.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.checks import invalid
from schema.errors import DomainError, ErrorCode, Language, NotFound, UserError
from schema.events import EventKind, append_for_agency
from schema.feeds.models import (
    ConnectorTask,
    DirectoryChange,
    Installation,
    TaskKind,
    TaskState,
)
from schema.feeds.tasks import keep_changes
from schema.organizations.directory import Ended, known_organization, write_changes
from schema.organizations.directory_rules import check_choice, compare, is_problem
from schema.organizations.directory_values import (
    Change,
    ChangeKind,
    Directory,
    key_of_change,
)
from schema.organizations.models import Agency
from schema.organizations.service import refresh_reporting_lines
from schema.plans.transfers import LAST_UNTIL, LOCK_PEOPLE
from schema.policies.service import refresh_agency
from schema.tables import transaction
from schema.values import local_date, uuid7

SNAPSHOT = "directory"
"""Under which a task's result holds what the service said."""

END_PLANS = """
UPDATE performance_plan p SET ends_on = v.ends_on - 1, version = p.version + 1
FROM unnest($1::uuid[], $2::date[]) v (assignment_id, ends_on), performance_plan was
WHERE p.assignment_id = v.assignment_id AND was.id = p.id
  AND p.starts_on < v.ends_on AND p.ends_on >= v.ends_on
RETURNING p.id, p.version, was.ends_on AS before, p.ends_on AS after"""
NOTE_ENDS = """
INSERT INTO plan_event (id, plan_id, kind, actor, at, version, changes)
SELECT v.id, v.plan_id, 'ENDED', $1, $2, v.version, jsonb_build_object('endsOn',
  jsonb_build_object('before', v.before, 'after', v.after))
FROM unnest($3::uuid[], $4::uuid[], $5::int[], $6::text[], $7::text[])
  v (id, plan_id, version, before, after)"""
# The same post as another row: its plan goes with it, and is appraised by whoever appraises now.
KEEP_PLANS = """
UPDATE performance_plan p SET assignment_id = v.new
FROM unnest($1::uuid[], $2::uuid[]) v (old, new)
WHERE p.assignment_id = v.old AND p.ends_on >= $3"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Which changes are made: by kind and by position; all, with neither."""

    kinds: Collection[ChangeKind] = ()
    positions: Collection[int] = ()

    @property
    def is_all(self) -> bool:
        return not self.kinds and not self.positions

    def takes(self, kind: ChangeKind, position: int) -> bool:
        return self.is_all or kind in self.kinds or position in self.positions


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The task that was applied; with a conflict, a new one with what would change now."""

    task_id: UUID
    conflict: DomainError | None = None

    def errors(self, language: Language) -> list[UserError]:
        return [] if self.conflict is None else [UserError.of(self.conflict, language)]


async def apply_directory(
    scope: Scope, task_id: UUID, choice: Choice, from_day: date | None, now: datetime
) -> Applied:
    """Make the changes of a directory from a day on, today in the agency's zone where it is None.

    Raises:
        NotFound: no such task, or not of an agency that the viewer administers.
        DomainError: it is no directory that can be applied, or the choice cannot be made.
    """
    async with transaction() as connection:
        task, agency = await _task(connection, scope, task_id)
        today = local_date(now, agency.timezone)
        day = from_day or today
        if not date(1900, 1, 1) <= day <= LAST_UNTIL:
            raise invalid("from", f"{day} is out of range")
        await connection.execute_query_dict("SELECT set_config('statement_timeout', '10min', true)")
        await connection.execute_query_dict(LOCK_PEOPLE, [agency.id])
        given = Directory.from_json(task.result[SNAPSHOT])
        known = await known_organization(connection, agency, (one.nip for one in given.people))
        changes = compare(given, known, day)
        chosen = await _chosen(connection, task, choice, changes)
        if chosen is None:
            return await _conflict(connection, scope, task, changes, now)
        check_choice(chosen, changes, known, day)
        ended = await write_changes(connection, agency, chosen, day)
        await _settle_plans(connection, ended, scope, day, now)
        await refresh_reporting_lines(connection, agency, today)
        await refresh_agency(connection, agency.id, day)
        await append_for_agency(connection, EventKind.POSTS_CHANGED, agency.id)
        task.applied_at = now
        await task.save(using_db=connection, update_fields=["applied_at"])
    return Applied(task_id=task_id)


async def _task(
    connection: BaseDBAsyncClient, scope: Scope, task_id: UUID
) -> tuple[ConnectorTask, Agency]:
    task = await ConnectorTask.filter(id=task_id).using_db(connection).select_for_update().first()
    source = task and await Installation.get(id=task.installation_id, using_db=connection)
    if task is None or not source or not can_administer(scope, source.agency_id):
        raise NotFound("ConnectorTask")
    if task.kind is not TaskKind.DIRECTORY or task.state is not TaskState.SUCCEEDED:
        raise invalid("task", f"it is {task.kind} and {task.state}, not a directory that was read")
    if task.applied_at is not None:
        raise invalid("task", f"it was applied at {task.applied_at}; read the directory again")
    return task, await Agency.get(id=source.agency_id, using_db=connection)


async def _chosen(
    connection: BaseDBAsyncClient, task: ConnectorTask, choice: Choice, changes: Sequence[Change]
) -> list[Change] | None:
    """What was chosen of what was shown; None where it is not what would change now."""
    now = {one.key: one for one in changes if not is_problem(one)}
    shown = DirectoryChange.filter(task=task).exclude(kind=ChangeKind.PROBLEM)
    keys = {
        key_of_change(one["kind"], one["subject"], one["before"], one["after"])
        for one in await shown.using_db(connection).values(
            "kind", "position", "subject", "before", "after"
        )
        if choice.takes(one["kind"], one["position"])
    }
    if not keys <= now.keys() or (choice.is_all and keys != now.keys()):
        return None
    if not keys:
        raise invalid("only", "nothing of what would change was chosen")
    return [one for key, one in now.items() if key in keys]


async def _conflict(
    connection: BaseDBAsyncClient,
    scope: Scope,
    task: ConnectorTask,
    changes: Sequence[Change],
    now: datetime,
) -> Applied:
    """Nothing was changed; a preview of what would change now stands beside the old one."""
    fresh = await ConnectorTask.create(
        using_db=connection,
        id=uuid7(),
        installation_id=task.installation_id,
        kind=TaskKind.DIRECTORY,
        state=TaskState.SUCCEEDED,
        requested_by=scope.subject,
        requested_at=now,
        started_at=now,
        ended_at=now,
        options=task.options,
        result=task.result,
    )
    await keep_changes(connection, fresh.id, changes)
    conflict = DomainError(
        ErrorCode.CONFLICT,
        field="task",
        known=task.requested_at.isoformat(timespec="seconds"),
        version=now.isoformat(timespec="seconds"),
        changes="the organization; a new preview is given",
    )
    return Applied(task_id=fresh.id, conflict=conflict)


async def _settle_plans(
    connection: BaseDBAsyncClient, ended: Ended, scope: Scope, day: date, now: datetime
) -> None:
    posts, days = list(ended.posts), list(ended.posts.values())
    plans = await connection.execute_query_dict(END_PLANS, [posts, days])
    columns = [
        [uuid7() for _ in plans],
        [row["id"] for row in plans],
        [row["version"] for row in plans],
        [str(row["before"]) for row in plans],
        [str(row["after"]) for row in plans],
    ]
    await connection.execute_query_dict(NOTE_ENDS, [scope.subject, now, *columns])
    old, new = list(ended.renewed), list(ended.renewed.values())
    await connection.execute_query_dict(KEEP_PLANS, [old, new, day])
