"""Use cases of papers: a form, a unit's table, one's own data, read as their reader may see it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import msgspec
import orjson

from schema.access import AGENCY_WIDE, Scope
from schema.errors import NotFound
from schema.papers.lines import sealed_grounds, sealed_head
from schema.papers.own_data import ABOUT, LEFT_OUT, statement_of
from schema.papers.reading import Reading, reading
from schema.papers.statements import (
    EVALUATION,
    EVALUATIONS_OF,
    GROUNDS,
    PLAN,
    PLANS_OF,
    TABLE_HEAD,
    table,
)
from schema.papers.values import (
    EvaluationForm,
    Grounds,
    Head,
    Judgement,
    PlanForm,
    Sealed,
    TableHead,
    UnitRow,
)


class _Evaluated(msgspec.Struct, frozen=True):
    head: Head
    judgement: Judgement
    document: str | None


async def plan_form(scope: Scope, key: UUID) -> PlanForm:
    """A plan as it is printed.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    async with reading(scope) as read:
        text = await read.text(PLAN, key)
    if text is None:
        raise NotFound("PerformancePlan")
    return msgspec.json.decode(text, type=PlanForm)


async def evaluation_form(scope: Scope, key: UUID) -> EvaluationForm:
    """An appraisal as it is printed: signed, by what was sealed; else as things stand.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    async with reading(scope) as read:
        text = await read.text(EVALUATION, key)
        if text is None:
            raise NotFound("Appraisal")
        found = msgspec.json.decode(text, type=_Evaluated)
        facts = None if found.document else await read.text(GROUNDS, key)
    if found.document is not None:
        seal = msgspec.json.decode(found.document, type=Sealed)
        head, judged, grounds = sealed_head(found.head, seal), found.judgement, sealed_grounds(seal)
        if seal.inputs.unit_rating is not None:
            predicate = seal.inputs.unit_rating.predicate
            judged = msgspec.structs.replace(judged, unit_predicate=predicate)
        return EvaluationForm(head=head, judgement=judged, grounds=grounds)
    if facts is None:
        raise NotFound("Appraisal")
    grounds = msgspec.json.decode(facts, type=Grounds)
    return EvaluationForm(head=found.head, judgement=found.judgement, grounds=grounds)


async def plans_of(scope: Scope, unit_id: UUID, period_id: UUID) -> list[UUID]:
    """Plans of posts in a unit and below, as far as the viewer sees them."""
    async with reading(scope) as read:
        text = await read.text(PLANS_OF, unit_id, period_id)
    return msgspec.json.decode(text or "[]", type=list[UUID])


async def evaluations_of(scope: Scope, unit_id: UUID, evaluation_id: UUID, on: date) -> list[UUID]:
    """Appraisals in a unit and below, by the tree of a day, as far as the viewer sees them."""
    async with reading(scope) as read:
        text = await read.text(EVALUATIONS_OF, unit_id, evaluation_id, on)
    return msgspec.json.decode(text or "[]", type=list[UUID])


@dataclass(frozen=True, slots=True)
class UnitTable:
    """A unit's table that is being read: its head is at hand, its rows come as they are asked."""

    head: TableHead
    rows: AsyncIterator[UnitRow]


@asynccontextmanager
async def unit_table(scope: Scope, unit_id: UUID, evaluation_id: UUID) -> AsyncIterator[UnitTable]:
    """The appraisals of a unit and below in an evaluation period that the viewer sees.

    Raises:
        NotFound: no such unit, or no such evaluation period of its agency.
    """
    agencies = sorted(scope.agencies_with(AGENCY_WIDE))
    async with reading(scope) as read:
        text = await read.text(TABLE_HEAD, unit_id, evaluation_id, agencies)
        if text is None:
            raise NotFound("Unit")
        head = msgspec.json.decode(text, type=TableHead)
        yield UnitTable(head, _rows(read, head, unit_id, evaluation_id))


async def _rows(
    read: Reading, head: TableHead, unit_id: UUID, evaluation_id: UUID
) -> AsyncIterator[UnitRow]:
    statement = table(with_pay=head.with_pay)
    async for text in read.texts(statement, unit_id, evaluation_id, head.ends_on):
        yield msgspec.json.decode(text, type=UnitRow)


async def own_data(scope: Scope) -> AsyncIterator[bytes]:
    """Everything about the viewer, as the pieces of one JSON object: `tables` by name, each with
    its rows, and `leftOut` with reasons.

    Raises:
        NotFound: the viewer is no employee.
    """
    if scope.employee_id is None:
        raise NotFound("Employee")
    async with reading(scope) as read:
        nip = await read.text("SELECT nip FROM employee WHERE id = $1", scope.employee_id)
        yield b'{"leftOut":' + orjson.dumps(dict(LEFT_OUT)) + b',"tables":{'
        for place, name in enumerate(ABOUT):
            yield (b"," if place else b"") + f'\n"{name}":['.encode()
            first = True
            async for text in read.texts(statement_of(name), scope.employee_id, nip):
                yield (b"\n" if first else b",\n") + text.encode()
                first = False
            yield b"]"
    yield b"\n}}\n"
