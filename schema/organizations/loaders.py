"""Batches of organizations for one request, as of one day, for one viewer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial
from uuid import UUID

from tortoise.expressions import Q

from schema.access import Scope, can_see_directory, can_see_work_of
from schema.families import Batch, Family, Seen
from schema.organizations.models import Agency, Assignment, Employee, Unit
from schema.relay import Page, Slice
from schema.tables import dicts_of
from schema.values import is_nip

PARENTS = """
WITH RECURSIVE up AS (
  SELECT p.unit_id, p.parent_id FROM unit_placement p
  WHERE p.unit_id = ANY ($1::uuid[]) AND daterange(p.starts_on, p.ends_on) @> $2::date
  UNION
  SELECT p.unit_id, p.parent_id FROM up JOIN unit_placement p ON p.unit_id = up.parent_id
  WHERE daterange(p.starts_on, p.ends_on) @> $2::date
)
SELECT unit_id, parent_id FROM up
"""

CHILDREN = """
WITH RECURSIVE down AS (
  SELECT unnest($1::uuid[]) AS unit_id, 0 AS depth
  UNION
  SELECT p.unit_id, down.depth + 1 FROM down JOIN unit_placement p ON p.parent_id = down.unit_id
  WHERE down.depth < $3 AND daterange(p.starts_on, p.ends_on) @> $2::date
)
SELECT DISTINCT d.unit_id AS parent_id, d.depth < $3 AS complete, p.unit_id AS child_id, u.code
FROM down d
LEFT JOIN unit_placement p ON p.parent_id = d.unit_id AND d.depth < $3
  AND daterange(p.starts_on, p.ends_on) @> $2::date
LEFT JOIN unit u ON u.id = p.unit_id
ORDER BY u.code
"""

REPORTS = """
WITH RECURSIVE down AS (
  SELECT unnest($1::uuid[]) AS employee_id, 0 AS depth
  UNION
  SELECT a.employee_id, down.depth + 1
  FROM down JOIN assignment a ON a.appraiser_id = down.employee_id
  WHERE down.depth < $3 AND daterange(a.starts_on, a.ends_on) @> $2::date
)
SELECT DISTINCT d.employee_id AS superior_id, d.depth < $3 AS complete, e.id AS employee_id, e.name
FROM down d
LEFT JOIN assignment a ON a.appraiser_id = d.employee_id AND d.depth < $3
  AND daterange(a.starts_on, a.ends_on) @> $2::date
LEFT JOIN employee e ON e.id = a.employee_id
ORDER BY e.name, e.id
"""

STAFF = """
SELECT k.unit_id, e.employee_id
FROM unnest($1::uuid[]) AS k (unit_id)
CROSS JOIN LATERAL (
  SELECT DISTINCT a.employee_id FROM assignment a
  WHERE a.unit_id = k.unit_id AND daterange(a.starts_on, a.ends_on) @> $2::date
    AND ($4::uuid IS NULL OR a.employee_id > $4)
  ORDER BY a.employee_id LIMIT $3
) e
"""

STAFF_COUNT = """
SELECT unit_id, count(DISTINCT employee_id) AS number FROM assignment
WHERE unit_id = ANY ($1::uuid[]) AND daterange(starts_on, ends_on) @> $2::date
GROUP BY unit_id
"""


class OrganizationLoaders:
    """Units, employees and posts as of one day."""

    def __init__(self, day: date, scope: Scope) -> None:
        self._day = day
        self._scope = scope
        self.units_seen = Seen()
        self.employees_seen = Seen()
        self.units_wanted = Seen()
        self.employees_wanted = Seen()
        self.subjects_seen: set[str] = set()
        agencies_seen = Seen()
        self._agencies_seen = agencies_seen
        self._by_nip = Batch(load_fn=self._employees_by_nip)
        self.agency = Family(self._agencies, default=lambda: None, seen=agencies_seen)
        self.agency_units = Family(self._agency_units, default=list, seen=agencies_seen)
        self.unit = Family(self._units, default=lambda: None, seen=self.units_wanted)
        self.unit_parent = Family(self._parents, default=lambda: None, seen=self.units_seen)
        self.unit_children = Family(self._children, default=list, seen=self.units_seen)
        self.unit_head = Family(self._heads, default=lambda: None, seen=self.units_seen)
        self.unit_staff = Family(self._staff, default=Slice, seen=self.units_seen)
        self.staff_count = Family(self._staff_counts, default=int, seen=self.units_seen)
        self.employee = Family(self._employees, default=lambda: None, seen=self.employees_wanted)
        self.assignment = Family(self._posts, default=lambda: None, seen=self.employees_seen)
        self.subordinates = Family(self._reports, default=list, seen=self.employees_seen)

    async def unit_path(self, unit: Unit) -> list[Unit]:
        """From the top down to the unit."""
        path, above = [unit], await self.unit_parent.load(unit.id)
        while above is not None:
            path.insert(0, above)
            above = await self.unit_parent.load(above.id)
        return path

    async def unit_of(self, employee_id: UUID) -> Unit | None:
        """The unit of today's post."""
        post = await self.assignment.load(employee_id)
        return await self.unit.load(post.unit_id) if post else None

    async def appraiser_of(self, employee_id: UUID) -> Employee | None:
        """The appraiser of today's post."""
        post = await self.assignment.load(employee_id)
        return await self.employee.load(post.appraiser_id) if post and post.appraiser_id else None

    async def agency_by_code(self, code: str) -> Agency | None:
        agency = await Agency.get_or_none(code=code)
        return agency if agency and self._sees_directory(agency.id) else None

    async def unit_by_code(self, agency: str, code: str) -> Unit | None:
        unit = await Unit.get_or_none(agency__code=agency, code=code)
        if unit is None or not self._sees_directory(unit.agency_id):
            return None
        self.met_units([unit])
        return unit

    async def employee_by_nip(self, nip: str) -> Employee | None:
        employee = await Employee.get_or_none(nip=nip)
        return employee and await self.visible_employee(employee.id)

    async def employee_by_subject(self, subject: str) -> Employee | None:
        """The employee behind a token's subject; None for services and connectors."""
        if not is_nip(subject):
            return None
        employee = await self._by_nip.load(subject)
        return employee and await self.visible_employee(employee.id)

    async def _employees_by_nip(self, nips: list[str]) -> list[Employee | None]:
        """Also those who will be asked for later, as `subjects_seen` tells."""
        rows = await Employee.filter(nip__in={*nips, *filter(is_nip, self.subjects_seen)})
        self.employee.keep(self.met(rows))
        found = {row.nip: row for row in rows}
        self._by_nip.prime_many({nip: row for nip, row in found.items() if nip not in nips})
        return [found.get(nip) for nip in nips]

    async def visible_agency(self, key: UUID) -> Agency | None:
        return await self.agency.load(key) if self._sees_directory(key) else None

    async def visible_unit(self, key: UUID) -> Unit | None:
        unit = await self.unit.load(key)
        return unit if unit and self._sees_directory(unit.agency_id) else None

    async def visible_employee(self, key: UUID) -> Employee | None:
        """An employee whose directory entry the viewer sees, else None."""
        employee = await self.employee.load(key)
        if employee is None:
            return None
        sees = self._sees_directory(employee.agency_id) or can_see_work_of(self._scope, employee)
        return employee if sees else None

    def _sees_directory(self, agency_id: UUID) -> bool:
        return can_see_directory(self._scope, agency_id)

    async def _agency_units(self, keys: Sequence[UUID]) -> Mapping[UUID, list[Unit]]:
        units: dict[UUID, list[Unit]] = {key: [] for key in keys}
        rows = await Unit.filter(agency_id__in=keys).order_by("code")
        self.met_units(rows)
        for row in rows:
            units[row.agency_id].append(row)
        return units

    async def _agencies(self, keys: Sequence[UUID]) -> Mapping[UUID, Agency | None]:
        return {row.id: row for row in await Agency.filter(id__in=keys)}

    async def _units(self, keys: Sequence[UUID]) -> Mapping[UUID, Unit | None]:
        rows = await Unit.filter(id__in=keys)
        self._note_units(rows)
        return {row.id: row for row in rows}

    async def _employees(self, keys: Sequence[UUID]) -> Mapping[UUID, Employee | None]:
        return self.met(await Employee.filter(id__in=keys))

    def met(self, rows: Sequence[Employee]) -> dict[UUID, Employee | None]:
        """Remember employees; their superiors will be wanted if anything above them is."""
        for row in rows:
            self.employees_seen.add([row.id, *row.superiors])
        return {row.id: row for row in rows}

    def met_units(self, rows: Sequence[Unit]) -> None:
        self.unit.keep({row.id: row for row in rows})
        self._note_units(rows)

    def _note_units(self, rows: Sequence[Unit]) -> None:
        self.units_seen.add([row.id for row in rows])
        self._agencies_seen.add([row.agency_id for row in rows])

    async def _parents(self, keys: Sequence[UUID]) -> Mapping[UUID, Unit | None]:
        edges = await dicts_of(PARENTS, [keys, self._day])
        parents = {edge["parent_id"] for edge in edges if edge["parent_id"]}
        self.met_units(await Unit.filter(id__in=parents))
        return {
            edge["unit_id"]: edge["parent_id"] and await self.unit.load(edge["parent_id"])
            for edge in edges
        }

    async def _children(self, keys: Sequence[UUID], depth: int) -> Mapping[UUID, list[Unit]]:
        edges = await dicts_of(CHILDREN, [keys, self._day, depth])
        self.met_units(await Unit.filter(id__in={e["child_id"] for e in edges if e["child_id"]}))
        children: dict[UUID, list[Unit]] = {e["parent_id"]: [] for e in edges if e["complete"]}
        for edge in edges:
            child = edge["child_id"] and await self.unit.load(edge["child_id"])
            if child and child not in children[edge["parent_id"]]:
                children[edge["parent_id"]].append(child)
        return children

    async def _heads(self, keys: Sequence[UUID]) -> Mapping[UUID, Employee | None]:
        posts = (
            await Assignment.filter(unit_id__in=keys, heads_unit=True, starts_on__lte=self._day)
            .filter(Q(ends_on__isnull=True) | Q(ends_on__gt=self._day))
            .select_related("employee")
        )
        self.employee.keep(self.met([post.employee for post in posts]))
        return {post.unit_id: post.employee for post in posts}

    async def _staff(self, keys: Sequence[UUID], page: Page) -> Mapping[UUID, Slice]:
        found = await dicts_of(STAFF, [keys, self._day, page.first + 1, page.after])
        rows = await Employee.filter(id__in={row["employee_id"] for row in found})
        by_id = {row.id: row for row in rows}
        self.employee.keep(self.met(rows))
        members: dict[UUID, list[Employee]] = defaultdict(list)
        for row in found:
            members[row["unit_id"]].append(by_id[row["employee_id"]])
        return {key: self._slice(key, members[key], page) for key in keys}

    def _slice(self, unit_id: UUID, rows: list[Employee], page: Page) -> Slice:
        count = partial(self.staff_count.load, unit_id)
        return Slice(rows[: page.first], len(rows) > page.first, page.after is not None, count)

    async def _staff_counts(self, keys: Sequence[UUID]) -> Mapping[UUID, int]:
        rows = await dicts_of(STAFF_COUNT, [keys, self._day])
        return {row["unit_id"]: row["number"] for row in rows}

    async def _posts(self, keys: Sequence[UUID]) -> Mapping[UUID, Assignment | None]:
        """The post by which a person is known: the definitive one, else the newest acting one."""
        posts = (
            await Assignment.filter(employee_id__in=keys, starts_on__lte=self._day)
            .filter(Q(ends_on__isnull=True) | Q(ends_on__gt=self._day))
            .order_by("-kind", "starts_on", "id")
        )
        best: dict[UUID, Assignment | None] = {}
        for post in posts:  # PLT, PLH, then DEFINITIVE, so that the last one stays
            best[post.employee_id] = post
        self.units_wanted.add([post.unit_id for post in posts])
        appraisers = [post.appraiser_id for post in posts if post.appraiser_id is not None]
        self.employees_wanted.add(appraisers)
        return best

    async def _reports(self, keys: Sequence[UUID], depth: int) -> Mapping[UUID, list[Employee]]:
        edges = await dicts_of(REPORTS, [keys, self._day, depth])
        wanted = {edge["employee_id"] for edge in edges if edge["employee_id"]}
        by_id = self.met(await Employee.filter(id__in=wanted))
        self.employee.keep(by_id)
        reports: dict[UUID, list[Employee]] = {e["superior_id"]: [] for e in edges if e["complete"]}
        for edge in edges:
            person = edge["employee_id"] and by_id[edge["employee_id"]]
            if person and person not in reports[edge["superior_id"]]:
                reports[edge["superior_id"]].append(person)
        return reports
