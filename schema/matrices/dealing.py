"""Handing a matrix out: members receive their rows at once, or take them themselves.

Each that can be is handed out, in one transaction; a cell becomes a target once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.errors import DomainError, ErrorCode, NotFound
from schema.matrices.models import MatrixCell, MatrixMember, Publication, RoleMatrix
from schema.matrices.placing import (
    Giving,
    Measure,
    NewRow,
    lock_people,
    lock_results,
    plans_of,
    put,
    taken,
)
from schema.matrices.rules import MOST_CELLS, candidates, free_codes
from schema.organizations.models import Agency, Employee
from schema.plans.models import PerformancePlan
from schema.tables import transaction
from schema.targets.models import Indicator, Period, Target
from schema.values import local_date

SPARE_CODES = 64
"""How many numbers past what is needed are looked at for free codes, before all are."""

TAKE = """
UPDATE matrix_cell c SET target_id = v.target_id
FROM unnest($1::uuid[], $2::uuid[]) v (id, target_id) WHERE c.id = v.id"""


@dataclass(slots=True)
class Dealt:
    """What was handed out: targets made, and an error for each member whose plan takes none."""

    matrix_id: UUID
    targets: list[UUID] = field(default_factory=list)
    errors: list[tuple[str, DomainError]] = field(default_factory=list)


async def publish(
    connection: BaseDBAsyncClient,
    scope: Scope,
    matrix: RoleMatrix,
    plan: PerformancePlan,
    publication: Publication,
    now: datetime,
) -> Dealt:
    """Open a locked matrix for its members; RECEIVE gives each their rows at once.

    Published again, it hands out what was not yet: cells added since, and rows of members whose
    plan took none.
    """
    dealt = Dealt(matrix.id)
    if publication is Publication.RECEIVE:
        open_cells = MatrixCell.filter(member__matrix_id=matrix.id, target_id=None)
        cells = await open_cells.using_db(connection).prefetch_related("member")
        giving = await giving_of(connection, scope, plan, now)
        dealt = await hand_out(giving, matrix.id, cells)
    if matrix.publication is not publication or dealt.targets:
        if matrix.publication is not publication:
            matrix.publication, matrix.published_at = publication, now
        matrix.version += 1
        await matrix.save(using_db=connection)
    return dealt


async def take_cells(scope: Scope, keys: Sequence[UUID], now: datetime) -> Dealt:
    """A member takes cells of a matrix that is open for picking into their own plan.

    What they have taken already is answered as it is.

    Raises:
        NotFound: one is not a cell of the viewer's.
        DomainError: none or too many; of several matrices; not open for picking; the viewer's plan
            takes no rows.
    """
    if not keys:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="cells")
    if len(keys) > MOST_CELLS:
        raise DomainError(ErrorCode.TOO_MANY, field="cells", limit=MOST_CELLS)
    async with transaction() as connection:
        matrix = await _matrix_of(connection, scope, keys)
        own = MatrixCell.filter(id__in=list(keys), member__employee_id=scope.employee_id)
        cells = await own.using_db(connection).order_by("result_id").prefetch_related("member")
        if {cell.id for cell in cells} != set(keys):
            raise NotFound("Cell")
        if matrix.publication is not Publication.PICK:
            raise DomainError(ErrorCode.NOT_ALLOWED, field="cells", needed="publication PICK")
        plan = await PerformancePlan.get(id=matrix.plan_id, using_db=connection)
        waiting = [cell for cell in cells if cell.target_id is None]
        giving = await giving_of(connection, scope, plan, now)
        dealt = await hand_out(giving, matrix.id, waiting)
        for _, error in dealt.errors:
            raise error
        dealt.targets = [cell.target_id for cell in cells if cell.target_id is not None]
    return dealt


async def _matrix_of(
    connection: BaseDBAsyncClient, scope: Scope, keys: Sequence[UUID]
) -> RoleMatrix:
    """The one matrix of these cells of the viewer's, locked."""
    if scope.employee_id is None:
        raise NotFound("Cell")
    members = MatrixMember.filter(employee_id=scope.employee_id, cells__id__in=list(keys))
    found = set(await members.using_db(connection).values_list("matrix_id", flat=True))
    if not found:
        raise NotFound("Cell")
    if len(found) > 1:
        detail = "cells of one matrix at a time"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="cells", detail=detail)
    locked = RoleMatrix.filter(id=found.pop()).using_db(connection)
    return await locked.select_for_update(no_key=True).get()


async def giving_of(
    connection: BaseDBAsyncClient, scope: Scope, plan: PerformancePlan, now: datetime
) -> Giving:
    """Rows of a leader's plan are given in its period, on the agency's day."""
    period = await Period.get(id=plan.period_id, using_db=connection)
    agency = await Agency.get(id=period.agency_id, using_db=connection)
    day = local_date(now, agency.timezone)
    return Giving(connection=connection, scope=scope, period=period, day=day, now=now)


async def hand_out(giving: Giving, matrix_id: UUID, cells: Sequence[MatrixCell]) -> Dealt:
    """Make targets of cells that are none yet; their members are prefetched."""
    dealt, connection = Dealt(matrix_id), giving.connection
    if not cells:
        return dealt
    places = {cell.member.employee_id: cell.member.position for cell in cells}
    await lock_people(connection, list(places))
    people = {
        person.id: person
        for person in await Employee.filter(id__in=list(places)).using_db(connection)
    }
    plans = await plans_of(giving, people)
    ready = [cell for cell in cells if cell.member.employee_id in plans.of]
    rows = await _rows(giving, ready)
    await put(giving, plans, list(rows.values()))
    if rows:
        made = {cell_id: row.id for cell_id, row in rows.items()}
        await connection.execute_query_dict(TAKE, [list(made), list(made.values())])
        for cell in ready:
            cell.target_id = made[cell.id]
        dealt.targets = list(made.values())
    # A row's place in the grid counts from 1, in the input from 0.
    dealt.errors = [
        (f"members.{places[key] - 1}", error)
        for key, error in sorted(plans.errors.items(), key=lambda one: places[one[0]])
    ]
    return dealt


async def _rows(giving: Giving, cells: Sequence[MatrixCell]) -> dict[UUID, NewRow]:
    """The rows of cells, by the cell's key, in the order of rows and columns."""
    if not cells:
        return {}
    connection = giving.connection
    results = sorted({cell.result_id for cell in cells})
    await lock_results(connection, results)
    found = await Target.filter(id__in=results).using_db(connection)
    of = {target.id: target for target in found}
    shared = {cell.indicator_id for cell in cells} - {None}
    indicators = {
        one.id: one for one in await Indicator.filter(id__in=list(shared)).using_db(connection)
    }
    ordered = sorted(
        cells, key=lambda cell: (cell.member.position, of[cell.result_id].position, cell.result_id)
    )
    codes = await _codes(giving, [of[cell.result_id].code for cell in ordered])
    return {
        cell.id: _row(cell, code, indicators) for cell, code in zip(ordered, codes, strict=True)
    }


async def _codes(giving: Giving, bases: Sequence[str]) -> list[str]:
    """Free codes below the results' own; a second look is needed where numbers run far ahead."""
    more = SPARE_CODES
    while True:
        looked_at = candidates(bases, more)
        codes = free_codes(bases, await taken(giving, looked_at))
        if set(codes) <= set(looked_at):
            return codes
        more *= 16


def _row(cell: MatrixCell, code: str, indicators: Mapping[UUID, Indicator]) -> NewRow:
    measures = []
    if cell.indicator_id is not None:
        above = indicators[cell.indicator_id]
        measures.append(
            Measure(
                aspect=above.aspect,
                title=above.title,
                unit_of_measure=above.unit_of_measure,
                polarity=above.polarity,
                accumulation=above.accumulation,
                planned=cell.share,
                contributes_to_id=above.id,
            )
        )
    return NewRow(
        employee_id=cell.member.employee_id,
        code=code,
        title=cell.title,
        parent_id=cell.result_id,
        kind=cell.kind,
        weight=cell.weight,
        measures=measures,
    )
