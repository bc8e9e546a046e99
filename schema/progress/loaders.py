"""Batches of records, days and inboxes for one request and one viewer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from schema.access import AGENCY_WIDE, Scope, can_see_content
from schema.families import Batch, Family, Seen, grouped
from schema.feeds.models import Installation
from schema.organizations.loaders import OrganizationLoaders
from schema.organizations.models import Employee
from schema.organizations.rules import required_minutes
from schema.progress.models import (
    Activity,
    DailyLog,
    Evidence,
    ProgressRecord,
    RecordEvent,
    RecordState,
)
from schema.relay import Page, Slice
from schema.tables import dicts_of
from schema.targets.loaders import TargetLoaders
from schema.targets.models import Target

# The policy as a predicate: the same words as access.can_see_content.
# $1 viewer's employee or null, $2 agencies that the viewer sees as a whole.
VISIBLE = """
JOIN employee e ON e.id = r.employee_id
  AND (e.id = $1 OR $1 = ANY (e.superiors) OR e.agency_id = ANY ($2::uuid[]))
  AND (r.state <> 'PENDING' OR e.id = $1)
"""

OF_TARGETS = f"""
SELECT k.target_id, r.id
FROM unnest($3::uuid[]) AS k (target_id)
CROSS JOIN LATERAL (
  SELECT r.id, r.starts_at FROM progress_record r {VISIBLE}
  WHERE r.target_id = k.target_id AND ($4::text IS NULL OR r.state = $4)
    AND ($6::uuid IS NULL OR (r.starts_at, r.id) <
      (SELECT c.starts_at, c.id FROM progress_record c WHERE c.id = $6))
  ORDER BY r.starts_at DESC, r.id DESC LIMIT $5
) r
ORDER BY r.starts_at DESC, r.id DESC
"""  # noqa: S608

COUNT_OF_TARGETS = f"""
SELECT r.target_id, count(*) AS number FROM progress_record r {VISIBLE}
WHERE r.target_id = ANY ($3::uuid[]) AND ($4::text IS NULL OR r.state = $4)
GROUP BY r.target_id
"""  # noqa: S608

INBOX = """
SELECT r.id FROM progress_record r
LEFT JOIN activity a ON a.id = r.activity_id
LEFT JOIN installation i ON i.id = a.installation_id
WHERE r.employee_id = $1 AND r.state = 'PENDING'
  AND ($2::text IS NULL OR i.plugin = $2)
  AND ($4::uuid IS NULL OR r.id < $4)
ORDER BY r.id DESC LIMIT $3
"""

INBOX_COUNT = """
SELECT count(*) AS number FROM progress_record r
LEFT JOIN activity a ON a.id = r.activity_id
LEFT JOIN installation i ON i.id = a.installation_id
WHERE r.employee_id = $1 AND r.state = 'PENDING' AND ($2::text IS NULL OR i.plugin = $2)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One employee's one day, whether or not anything was written on it. Minutes are whole."""

    employee_id: UUID
    on: date
    required_minutes: int
    recorded_minutes: int = 0
    pending_minutes: int = 0
    pending_count: int = 0
    last_activity_at: datetime | None = None


class ProgressLoaders:
    """Records as one viewer sees them."""

    def __init__(
        self, scope: Scope, organizations: OrganizationLoaders, targets: TargetLoaders
    ) -> None:
        self._scope = scope
        self._organizations = organizations
        self._targets = targets
        people = organizations.employees_seen
        self.seen = Seen()
        self._activities_seen = Seen()
        self._installations_seen = Seen()
        self._days_seen: set[date] = set()
        self._by_day: dict[tuple[UUID, date], list[ProgressRecord]] = defaultdict(list)
        self._loaded: list[tuple[set[UUID], set[date]]] = []
        self._of_day = Batch(load_fn=self._of_days)
        self.record = Family(self._records, default=lambda: None, seen=Seen())
        self.of_targets = Family(self._of_targets, default=Slice, seen=targets.seen)
        self.counts = Family(self._counts, default=int, seen=targets.seen)
        self.log = Family(self._logs, default=lambda: None, seen=people)
        self.calendar = Family(self._calendars, default=list, seen=people)
        self.evidence = Family(self._evidence, default=list, seen=self.seen)
        self.history = Family(self._history, default=list, seen=self.seen)
        self.activity = Family(self._activities, default=lambda: None, seen=self._activities_seen)
        self.installation = Family(
            self._installations, default=lambda: None, seen=self._installations_seen
        )

    async def visible_record(self, key: UUID) -> ProgressRecord | None:
        record = await self.record.load(key)
        if record is None:
            return None
        employee = await self._organizations.employee.load(record.employee_id)
        return record if employee and self._shows(record, employee) else None

    async def visible_activity(self, key: UUID) -> Activity | None:
        """An activity is content of its records: seen with any of them."""
        rows = await ProgressRecord.filter(activity_id=key)
        self._met(rows)
        shown = [row for row in rows if await self.visible_record(row.id)]
        return await self.activity.load(key) if shown else None

    async def of_day(self, employee_id: UUID, on: date) -> list[ProgressRecord]:
        """Records of a day in their order; pending ones only for the employee."""
        if not any(employee_id in people and on in days for people, days in self._loaded):
            await self._of_day.load((employee_id, on))
        return self._by_day[employee_id, on]

    def _shows(self, record: ProgressRecord, employee: Employee) -> bool:
        pending = record.state is RecordState.PENDING
        return can_see_content(self._scope, employee, pending=pending)

    async def inbox(self, page: Page, source: str | None) -> Slice:
        """The viewer's pending records, newest first."""
        viewer = self._scope.employee_id
        found = await dicts_of(INBOX, [viewer, source, page.first + 1, page.after])
        by_id = await self._records([row["id"] for row in found])
        rows = [by_id[row["id"]] for row in found if row["id"] in by_id]

        async def count() -> int:
            return await self._number(INBOX_COUNT, [viewer, source])

        return Slice(rows[: page.first], len(rows) > page.first, page.after is not None, count)

    async def unread_count(self) -> int:
        return await self._number(INBOX_COUNT, [self._scope.employee_id, None])

    async def installation_of(self, record: ProgressRecord) -> Installation | None:
        activity = record.activity_id and await self.activity.load(record.activity_id)
        return await self.installation.load(activity.installation_id) if activity else None

    async def suggested_target(self, record: ProgressRecord) -> Target | None:
        """Only while the record waits; afterwards the employee has said where it belongs."""
        if record.suggested_target_id is None or record.state is not RecordState.PENDING:
            return None
        return await self._targets.visible_target(record.suggested_target_id)

    async def _number(self, statement: str, values: list[object]) -> int:
        return int((await dicts_of(statement, values))[0]["number"])

    def _viewer(self) -> list[object]:
        return [self._scope.employee_id, sorted(self._scope.agencies_with(AGENCY_WIDE))]

    def _met(self, rows: Sequence[ProgressRecord]) -> None:
        self.record.keep({row.id: row for row in rows})
        self._note(rows)

    def _note(self, rows: Sequence[ProgressRecord]) -> None:
        """What belongs to these is loaded for all with the first that asks."""
        self.seen.add([row.id for row in rows])
        self._organizations.employees_wanted.add([row.employee_id for row in rows])
        self._activities_seen.add(_known(row.activity_id for row in rows))
        self._targets.wanted.add(_known(row.target_id for row in rows))
        self._targets.indicators_wanted.add(_known(row.indicator_id for row in rows))
        self._targets.stages_wanted.add(_known(row.stage_id for row in rows))

    async def _records(self, keys: Sequence[UUID]) -> Mapping[UUID, ProgressRecord | None]:
        rows = await ProgressRecord.filter(id__in=keys)
        self._note(rows)
        return {row.id: row for row in rows}

    async def _of_targets(
        self, keys: Sequence[UUID], page: Page, state: RecordState | None
    ) -> Mapping[UUID, Slice]:
        values = [*self._viewer(), keys, state, page.first + 1, page.after]
        found = await dicts_of(OF_TARGETS, values)
        by_id = await self._records([row["id"] for row in found])
        rows: dict[UUID, list[ProgressRecord]] = defaultdict(list)
        for row in found:
            record = by_id.get(row["id"])
            if record is not None:
                rows[row["target_id"]].append(record)
        return {key: self._slice(key, rows[key], page, state) for key in keys}

    def _slice(
        self, target_id: UUID, rows: list[ProgressRecord], page: Page, state: RecordState | None
    ) -> Slice:
        count = partial(self.counts.load, target_id, state)
        return Slice(rows[: page.first], len(rows) > page.first, page.after is not None, count)

    async def _counts(self, keys: Sequence[UUID], state: RecordState | None) -> Mapping[UUID, int]:
        found = await dicts_of(COUNT_OF_TARGETS, [*self._viewer(), keys, state])
        return {row["target_id"]: row["number"] for row in found}

    async def _logs(self, keys: Sequence[UUID], on: date) -> Mapping[UUID, Day | None]:
        days = await self._calendars(keys, on, on)
        return {key: days[key][0] for key in keys}

    async def _calendars(
        self, keys: Sequence[UUID], start: date, end: date
    ) -> Mapping[UUID, list[Day]]:
        rows = await DailyLog.filter(employee_id__in=keys, day__gte=start, day__lte=end)
        written = {(row.employee_id, row.day): row for row in rows}
        days = [start + timedelta(days=n) for n in range((end - start).days + 1)]
        self._days_seen.update(row.day for row in rows)
        return {key: [_day(key, day, written.get((key, day))) for day in days] for key in keys}

    async def _of_days(self, keys: list[tuple[UUID, date]]) -> list[None]:
        """For all people and days that the request has met, so that a calendar is one statement."""
        employees = {*self._organizations.employees_seen, *(employee for employee, _ in keys)}
        days = self._days_seen | {day for _, day in keys}
        rows = await ProgressRecord.filter(employee_id__in=employees, day__in=days).order_by(
            "starts_at", "id"
        )
        people = await self._organizations.employee.load_many(row.employee_id for row in rows)
        shown = [row for row in rows if (who := people[row.employee_id]) and self._shows(row, who)]
        self._met(shown)
        for row in shown:
            of_day = self._by_day[row.employee_id, row.day]
            if row not in of_day:
                of_day.append(row)
        self._loaded.append((employees, days))
        return [None for _ in keys]

    async def _evidence(self, keys: Sequence[UUID]) -> Mapping[UUID, list[Evidence]]:
        rows = await Evidence.filter(record_id__in=keys).order_by("position")
        return grouped(rows, lambda row: row.record_id)

    async def _history(self, keys: Sequence[UUID]) -> Mapping[UUID, list[RecordEvent]]:
        rows = await RecordEvent.filter(record_id__in=keys).order_by("id")
        self._organizations.subjects_seen.update(row.actor for row in rows)
        return grouped(rows, lambda row: row.record_id)

    async def _activities(self, keys: Sequence[UUID]) -> Mapping[UUID, Activity | None]:
        rows = await Activity.filter(id__in=keys)
        self._installations_seen.add([row.installation_id for row in rows])
        return {row.id: row for row in rows}

    async def _installations(self, keys: Sequence[UUID]) -> Mapping[UUID, Installation | None]:
        return {row.id: row for row in await Installation.filter(id__in=keys)}


def _known(keys: Iterable[UUID | None]) -> list[UUID]:
    return [key for key in keys if key is not None]


def _day(employee_id: UUID, day: date, row: DailyLog | None) -> Day:
    if row is None:
        return Day(employee_id=employee_id, on=day, required_minutes=required_minutes(day))
    return Day(
        employee_id=employee_id,
        on=day,
        required_minutes=row.required_minutes,
        recorded_minutes=row.recorded_minutes,
        pending_minutes=row.pending_minutes,
        pending_count=row.pending_count,
        last_activity_at=row.last_activity_at,
    )
