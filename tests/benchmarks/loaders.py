"""Batches of rows for one request of the server with plain data loaders, and its policy.

The policy of `schema/access.py` is asked row by row in Python, as Strawberry's users do.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

from strawberry.dataloader import DataLoader

from schema.access import Scope, can_see_content, can_see_directory, can_see_work_of
from schema.organizations import models as organization
from schema.policies.rules import required_minutes
from schema.progress import models as progress
from schema.targets import models as targets
from schema.values import CAPITAL_TIMEZONE, local_date, utc_now

Row = TypeVar("Row")


def grouped(rows: Iterable[Row], keys: Sequence[Any], key: Callable[[Row], Any]) -> list[list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return [groups[one] for one in keys]


class Loaders:
    """The batches of one request; a key is a row's, or a row's with arguments."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.today = local_date(utc_now(), CAPITAL_TIMEZONE)
        self.unit = DataLoader(load_fn=self._by_key(organization.Unit))
        self.employee = DataLoader(load_fn=self._by_key(organization.Employee))
        self.target = DataLoader(load_fn=self._by_key(targets.Target))
        self.activity = DataLoader(load_fn=self._by_key(progress.Activity))
        self.units_below = DataLoader(load_fn=self._units_below)
        self.targets_of_unit = DataLoader(load_fn=self._targets_of_unit)
        self.targets_below = DataLoader(load_fn=self._targets_below)
        self.edge_up = DataLoader(load_fn=self._edge_up)
        self.indicators = DataLoader(load_fn=self._indicators)
        self.log = DataLoader(load_fn=self._logs)
        self.records = DataLoader(load_fn=self._records)

    @staticmethod
    def _by_key(table: Any) -> Any:
        async def load(keys: list[UUID]) -> list[Any]:
            rows = {row.id: row for row in await table.filter(id__in=keys)}
            return [rows.get(key) for key in keys]

        return load

    async def sees_target(self, row: Any) -> bool:
        if row.owner_employee_id is None:
            return can_see_directory(self.scope, row.agency_id)
        return can_see_work_of(self.scope, await self.employee.load(row.owner_employee_id))

    async def _seen(self, rows: Iterable[Any]) -> list[Any]:
        rows = list(rows)
        await self.employee.load_many([r.owner_employee_id for r in rows if r.owner_employee_id])
        return [row for row in rows if await self.sees_target(row)]

    async def _units_below(self, keys: list[UUID]) -> list[list[Any]]:
        placed = await organization.UnitPlacement.filter(
            parent_id__in=keys, starts_on__lte=self.today, ends_on__isnull=True
        ).select_related("unit")
        placed.sort(key=lambda row: row.unit.code)
        return [
            [row.unit for row in group] for group in grouped(placed, keys, lambda r: r.parent_id)
        ]

    async def _targets_of_unit(self, keys: list[tuple[UUID, str]]) -> list[list[Any]]:
        rows = await targets.Target.filter(
            owner_unit_id__in={unit for unit, _ in keys}, period__code__in={p for _, p in keys}
        ).order_by("position", "code")
        units = [unit for unit, _ in keys]
        return grouped(await self._seen(rows), units, lambda row: row.owner_unit_id)

    async def _targets_below(self, keys: list[UUID]) -> list[list[Any]]:
        edges = await targets.TargetEdge.filter(parent_id__in=keys).select_related("child")
        seen = {row.id for row in await self._seen(edge.child for edge in edges)}
        edges.sort(key=lambda edge: (edge.child.position, edge.child.code))
        shown = [edge for edge in edges if edge.child_id in seen]
        return [[e.child for e in group] for group in grouped(shown, keys, lambda e: e.parent_id)]

    async def _edge_up(self, keys: list[UUID]) -> list[Any]:
        edges = await targets.TargetEdge.filter(child_id__in=keys, primary=True)
        by_child = {edge.child_id: edge for edge in edges}
        return [by_child.get(key) for key in keys]

    async def _indicators(self, keys: list[UUID]) -> list[list[Any]]:
        rows = await targets.Indicator.filter(target_id__in=keys).order_by("position")
        return grouped(rows, keys, lambda row: row.target_id)

    async def _logs(self, keys: list[tuple[UUID, date]]) -> list[Any]:
        rows = await progress.DailyLog.filter(
            employee_id__in={who for who, _ in keys}, day__in={day for _, day in keys}
        )
        known = {(row.employee_id, row.day): row for row in rows}
        return [
            known.get((who, day))
            or progress.DailyLog(employee_id=who, day=day, required_minutes=required_minutes(day))
            for who, day in keys
        ]

    async def _records(self, keys: list[tuple[UUID, date]]) -> list[list[Any]]:
        rows = await progress.ProgressRecord.filter(
            employee_id__in={who for who, _ in keys}, day__in={day for _, day in keys}
        ).order_by("starts_at", "id")
        people = {who: await self.employee.load(who) for who in {who for who, _ in keys}}
        shown = [
            row
            for row in rows
            if can_see_content(self.scope, people[row.employee_id], pending=row.state == "PENDING")
        ]
        return grouped(shown, keys, lambda row: (row.employee_id, row.day))

    async def reports(self, on: date) -> list[Any]:
        """Whom the viewer appraises on a day, by name."""
        posts = await organization.Assignment.filter(
            appraiser_id=self.scope.employee_id, starts_on__lte=on, ends_on__isnull=True
        ).select_related("employee")
        people = {post.employee_id: post.employee for post in posts}.values()
        return sorted(people, key=lambda one: (one.name, one.id))
