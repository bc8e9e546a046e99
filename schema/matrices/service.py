"""Use cases: save a matrix as one thing, publish it, save a template.

A number of statements that does not grow with the cells: rows that stay keep their keys, so that
what was handed out keeps its cell.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.expressions import Q

from schema.access import Scope, can_administer, can_deal_for, can_see_directory, can_see_plan
from schema.checks import invalid
from schema.errors import DomainError, ErrorCode, NotFound
from schema.matrices.dealing import Dealt, publish
from schema.matrices.models import (
    CascadeTemplate,
    MatrixCell,
    MatrixMember,
    MemberRole,
    Publication,
    RoleMatrix,
)
from schema.matrices.rules import (
    LONGEST_TEMPLATE_CODE,
    MOST_MEMBERS,
    Cell,
    Columns,
    Line,
    TemplateResult,
    checked_grid,
    checked_results,
    differences,
    results_in,
    stored,
    title_of,
    told,
)
from schema.organizations.models import Agency, Employee
from schema.plans.models import PerformancePlan, PlanState
from schema.tables import transaction
from schema.targets.models import EdgeKind, Indicator, Target, TargetEdge
from schema.values import uuid7

# Two who make a new matrix of one plan: the second finds the first's and is told so.
NEW_MATRIX = """
INSERT INTO role_matrix (id, plan_id, version) VALUES ($1, $2, 0)
ON CONFLICT (plan_id) DO NOTHING RETURNING id"""
NEW_TEMPLATE = """
INSERT INTO cascade_template (id, agency_id, code, name, version, results)
VALUES ($1, $2, $3, '', 0, '[]') ON CONFLICT (agency_id, code) DO NOTHING RETURNING id"""
CELL_FIELDS = ("title", "kind", "weight", "indicator_id", "share")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row as a client says it: `who` is an employee's key, or their NIP."""

    who: UUID | str
    role: MemberRole
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Kept:
    """A matrix as it is in the database, its members and cells by what they are of."""

    members: Mapping[UUID, MatrixMember]
    cells: Mapping[tuple[UUID, UUID], MatrixCell]

    def lines(self) -> list[Line]:
        """The same as a grid."""
        rows = defaultdict[UUID, list[Cell]](list)
        for (employee_id, _), cell in self.cells.items():
            rows[employee_id].append(contents_of(cell))
        return [
            Line(employee_id=key, role=member.role, cells=rows[key])
            for key, member in self.members.items()
        ]


def contents_of(cell: MatrixCell) -> Cell:
    """What a cell says."""
    return Cell(
        result_id=cell.result_id,
        title=cell.title,
        kind=cell.kind,
        weight=cell.weight,
        indicator_id=cell.indicator_id,
        share=cell.share,
    )


async def save_matrix(
    scope: Scope, plan_id: UUID, version: int | None, rows: Sequence[Row]
) -> RoleMatrix:
    """Save a leader's whole grid; `version` is the one that it was made from, None for a new one.

    Raises:
        NotFound: no such plan, or not the viewer's to see.
        DomainError: it is seen and not the viewer's to deal out; it was changed since that version;
            a row or cell cannot be; or what was handed out would change.
    """
    if len(rows) > MOST_MEMBERS:
        raise DomainError(ErrorCode.TOO_MANY, field="members", limit=MOST_MEMBERS)
    async with transaction() as connection:
        plan, leader = await plan_to_deal(connection, scope, plan_id)
        if plan.state is PlanState.CLOSED:
            needed = " / ".join(one for one in PlanState if one is not PlanState.CLOSED)
            raise DomainError(ErrorCode.WRONG_PLAN_STATE, state=plan.state, needed=needed)
        matrix = await _matrix(connection, plan)
        people = await _people(connection, leader.agency_id, rows)
        given = [
            Line(employee_id=people[row.who].id, role=row.role, cells=row.cells) for row in rows
        ]
        kept = await kept_of(connection, matrix)
        if matrix.version != (version or 0):
            words = await _differing(connection, differences(given, kept.lines()))
            raise conflict(version, matrix, words or f"publication {matrix.publication or '-'}")
        columns = await _columns(connection, plan)
        others = await _other_weights(connection, columns, kept)
        lines = checked_grid(given, columns, leader.id, others)
        _refuse_changes(lines, kept, {person.id: person.name for person in people.values()})
        await _store(connection, matrix, kept, lines)
    return matrix


async def publish_matrix(
    scope: Scope, matrix_id: UUID, version: int, publication: Publication, now: datetime
) -> Dealt:
    """Open a matrix for its members: they receive their rows at once, or pick them.

    Each that can be given a row is; an error names each other one.

    Raises:
        NotFound: no such matrix, or not the viewer's to see.
        DomainError: it is seen and not the viewer's to deal out, or was changed since that version.
    """
    async with transaction() as connection:
        known = await RoleMatrix.get_or_none(id=matrix_id, using_db=connection)
        if known is None:
            raise NotFound("Matrix")
        plan, _ = await plan_to_deal(connection, scope, known.plan_id, "Matrix")
        locked = RoleMatrix.filter(id=matrix_id).using_db(connection)
        matrix = await locked.select_for_update(no_key=True).get()
        if matrix.version != version:
            kept = await kept_of(connection, matrix)
            words = f"{len(kept.members)} members, {len(kept.cells)} cells"
            raise conflict(version, matrix, words)
        return await publish(connection, scope, matrix, plan, publication, now)


async def plan_to_deal(
    connection: BaseDBAsyncClient, scope: Scope, plan_id: UUID, thing: str = "Plan"
) -> tuple[PerformancePlan, Employee]:
    """A leader's plan that the viewer may deal out, and the leader; `thing` is what was asked for.

    Raises:
        NotFound: no such plan, or not the viewer's to see.
        DomainError: it is seen, and for somebody else to do.
    """
    plan = await PerformancePlan.get_or_none(id=plan_id, using_db=connection)
    if plan is None:
        raise NotFound(thing)
    leader = await Employee.get(id=plan.employee_id, using_db=connection)
    if can_deal_for(scope, leader):
        return plan, leader
    member = MatrixMember.filter(matrix__plan_id=plan_id, employee_id=scope.employee_id)
    if can_see_plan(scope, leader) or (
        scope.employee_id is not None and await member.using_db(connection).exists()
    ):
        needed = "the plan's owner, a superior, or the administrator"
        raise DomainError(ErrorCode.NOT_ALLOWED, needed=needed)
    raise NotFound(thing)


async def _matrix(connection: BaseDBAsyncClient, plan: PerformancePlan) -> RoleMatrix:
    """The plan's matrix, locked; a new one has version 0 until it is stored."""
    await connection.execute_query_dict(NEW_MATRIX, [uuid7(), plan.id])
    found = RoleMatrix.filter(plan_id=plan.id).using_db(connection)
    return await found.select_for_update(no_key=True).get()


async def _people(
    connection: BaseDBAsyncClient, agency_id: UUID, rows: Iterable[Row]
) -> dict[UUID | str, Employee]:
    """The agency's people by how the rows name them.

    Raises:
        DomainError: somebody is not of the agency; its field names the row.
    """
    keys = [row.who for row in rows]
    named = Q(id__in=[key for key in keys if isinstance(key, UUID)]) | Q(
        nip__in=[key for key in keys if isinstance(key, str)]
    )
    found = await Employee.filter(named, agency_id=agency_id).using_db(connection)
    people: dict[UUID | str, Employee] = {}
    for person in found:
        people[person.id] = people[person.nip] = person
    for place, key in enumerate(keys):
        if key not in people:
            field = f"members.{place}.employee"
            raise DomainError(ErrorCode.NOT_FOUND, field=field, thing="Employee")
    return people


async def kept_of(connection: BaseDBAsyncClient, matrix: RoleMatrix) -> Kept:
    """Members and cells as they are now."""
    members = await MatrixMember.filter(matrix_id=matrix.id).using_db(connection)
    cells = await MatrixCell.filter(member__matrix_id=matrix.id).using_db(connection)
    of_member = {member.id: member.employee_id for member in members}
    return Kept(
        {member.employee_id: member for member in members},
        {(of_member[cell.member_id], cell.result_id): cell for cell in cells},
    )


async def _differing(connection: BaseDBAsyncClient, changed: Mapping[UUID, int]) -> str:
    """Whose rows differ, by name, each with how many cells."""
    people = await Employee.filter(id__in=list(changed)).using_db(connection).order_by("name")
    return told([(person.name, changed[person.id]) for person in people])


def conflict(known: int | None, matrix: RoleMatrix, changes: str) -> DomainError:
    """That a matrix was changed since a version, and what is there now."""
    return DomainError(
        ErrorCode.CONFLICT,
        field="version",
        known="-" if known is None else known,
        version=matrix.version,
        changes=changes,
    )


async def _columns(connection: BaseDBAsyncClient, plan: PerformancePlan) -> Columns:
    results = await Target.filter(plan_id=plan.id).using_db(connection).only("id")
    columns: dict[UUID, dict[UUID, Indicator]] = {one.id: {} for one in results}
    for one in await Indicator.filter(target__plan_id=plan.id).using_db(connection):
        columns[one.target_id][one.id] = one
    return columns


async def _other_weights(
    connection: BaseDBAsyncClient, columns: Columns, kept: Kept
) -> Mapping[UUID, Decimal]:
    """Weights that the results give to children that are not of the matrix."""
    ours = {cell.target_id for cell in kept.cells.values()}
    edges = TargetEdge.filter(parent_id__in=list(columns), kind=EdgeKind.WEIGHTED)
    totals: dict[UUID, Decimal] = defaultdict(Decimal)
    for edge in await edges.using_db(connection):
        if edge.child_id not in ours and edge.weight is not None:
            totals[edge.parent_id] += edge.weight
    return totals


def _refuse_changes(lines: Sequence[Line], kept: Kept, names: Mapping[UUID, str]) -> None:
    """Raises:
    DomainError: a cell that was handed out is gone or says something else.
    """
    wanted = {(line.employee_id, cell.result_id): cell for line in lines for cell in line.cells}
    for (employee_id, result_id), cell in kept.cells.items():
        if cell.target_id is None or wanted.get((employee_id, result_id)) == contents_of(cell):
            continue
        name = names.get(employee_id)
        thing = f'"{cell.title}"' + (f" ({name})" if name else "")
        raise DomainError(ErrorCode.IN_USE, field="members", thing=thing)


async def _store(
    connection: BaseDBAsyncClient, matrix: RoleMatrix, kept: Kept, lines: Sequence[Line]
) -> None:
    members = [
        MatrixMember(
            id=kept.members[line.employee_id].id if line.employee_id in kept.members else uuid7(),
            matrix_id=matrix.id,
            employee_id=line.employee_id,
            position=place,
            role=line.role,
        )
        for place, line in enumerate(lines, start=1)
    ]
    cells = [
        _row_of(cell, member, kept.cells.get((line.employee_id, cell.result_id)))
        for member, line in zip(members, lines, strict=True)
        for cell in line.cells
    ]
    staying = {cell.id for cell in cells}
    gone = [cell.id for cell in kept.cells.values() if cell.id not in staying]
    here = {line.employee_id for line in lines}
    left = [member.id for key, member in kept.members.items() if key not in here]
    await MatrixCell.filter(id__in=gone).using_db(connection).delete()
    await MatrixMember.filter(id__in=left).using_db(connection).delete()
    await MatrixMember.bulk_create(
        members,
        on_conflict=("id",),
        update_fields=("position", "role"),
        using_db=connection,
    )
    await MatrixCell.bulk_create(
        cells, on_conflict=("id",), update_fields=CELL_FIELDS, using_db=connection
    )
    matrix.version += 1
    await matrix.save(using_db=connection, update_fields=["version"])


def _row_of(cell: Cell, member: MatrixMember, known: MatrixCell | None) -> MatrixCell:
    return MatrixCell(
        id=uuid7() if known is None else known.id,
        member_id=member.id,
        result_id=cell.result_id,
        title=cell.title,
        kind=cell.kind,
        weight=cell.weight,
        indicator_id=cell.indicator_id,
        share=cell.share,
        target_id=None if known is None else known.target_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A template as its author says it; `version` is the one it was made from, None if new."""

    agency: str
    code: str
    version: int | None
    name: str
    results: Sequence[TemplateResult]


async def save_template(scope: Scope, draft: Draft) -> CascadeTemplate:
    """Keep a template; it changes nothing of what was given before.

    Raises:
        NotFound: no such agency, or not the viewer's to see.
        DomainError: the viewer does not administer it; it was changed since that version; or a
            value cannot be.
    """
    code, name = draft.code.strip(), title_of(draft.name, "name")
    if not 0 < len(code) <= LONGEST_TEMPLATE_CODE:
        raise invalid("code", f"1 to {LONGEST_TEMPLATE_CODE} characters")
    async with transaction() as connection:
        agency = await Agency.get_or_none(code=draft.agency, using_db=connection)
        if agency is None or not can_see_directory(scope, agency.id):
            raise NotFound("Agency")
        if not can_administer(scope, agency.id):
            raise DomainError(ErrorCode.NOT_ALLOWED, needed="the agency's administrator")
        results = checked_results(draft.results)
        await connection.execute_query_dict(NEW_TEMPLATE, [uuid7(), agency.id, code])
        found = CascadeTemplate.filter(agency_id=agency.id, code=code).using_db(connection)
        template = await found.select_for_update(no_key=True).get()
        if template.version != (draft.version or 0):
            raise _stale(template, draft.version, name, results)
        template.name, template.results = name, stored(results)
        template.version += 1
        await template.save(using_db=connection)
    return template


def _stale(
    template: CascadeTemplate, known: int | None, name: str, results: Sequence[TemplateResult]
) -> DomainError:
    """That a template was changed since a version: its name, and which results differ."""
    there = results_in(template.results)
    places = [
        place
        for place in range(max(len(results), len(there)))
        if list(results[place : place + 1]) != there[place : place + 1]
    ]
    changes = ["name"] if name != template.name else []
    changes += [f"results.{place}" for place in places]
    return DomainError(
        ErrorCode.CONFLICT,
        field="version",
        known="-" if known is None else known,
        version=template.version,
        changes=", ".join(changes) or "-",
    )
