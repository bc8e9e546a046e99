"""Appraisals are held: locked, with whose they are and what the caller is to them.

Locks are taken in one order by all who write: the opening of an evaluation period, units, then
appraisals in the order of their keys.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import (
    Scope,
    can_appraise,
    can_decide_objection,
    can_see_appraisal,
    can_sign,
)
from schema.appraisals.judging import UnitResult
from schema.appraisals.models import Appraisal, AppraisalEvent, UnitPredicate, UnitRating
from schema.appraisals.steps import Actor
from schema.errors import NotFound
from schema.organizations.models import Employee
from schema.plans.service import Conflict

LOCK = "SELECT * FROM appraisal WHERE id = ANY ($1::uuid[]) ORDER BY id FOR NO KEY UPDATE"
# Nobody says the result of a unit while its head is rated by it.
SHARE_UNITS = "SELECT id FROM unit WHERE id = ANY ($1::uuid[]) ORDER BY id FOR SHARE"
RESULTS = """
SELECT DISTINCT ON (r.unit_id, r.evaluation_period_id)
  r.unit_id, r.evaluation_period_id, r.id, r.predicate, r.reason
FROM unnest($1::uuid[], $2::uuid[]) k (unit_id, evaluation_period_id)
JOIN unit_rating r USING (unit_id, evaluation_period_id)
ORDER BY r.unit_id, r.evaluation_period_id, r.version DESC"""
NAMED_CHANGES = 8
"""How many changed names a conflict tells; the history holds all."""


@dataclass(frozen=True, slots=True)
class Held:
    """A locked appraisal and whose it is."""

    appraisal: Appraisal
    person: Employee


async def hold(connection: BaseDBAsyncClient, keys: Collection[UUID]) -> dict[UUID, Held]:
    """Those that are there, locked until the transaction ends."""
    found = await connection.execute_query_dict(LOCK, [list(keys)])
    rows = [Appraisal._init_from_db(**row) for row in found]
    people = await people_of(connection, rows)
    return {row.id: Held(row, people[row.employee_id]) for row in rows}


async def people_of(
    connection: BaseDBAsyncClient, rows: Sequence[Appraisal]
) -> dict[UUID, Employee]:
    keys = {row.employee_id for row in rows}
    found = Employee.filter(id__in=list(keys)).using_db(connection)
    return {person.id: person for person in await found}


async def held_one(connection: BaseDBAsyncClient, scope: Scope, key: UUID) -> Held:
    """One, locked.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
    """
    held = (await hold(connection, [key])).get(key)
    if held is None or not can_see_appraisal(scope, held.appraisal, held.person):
        raise NotFound("Appraisal")
    return held


def actors_of(scope: Scope, appraisal: Appraisal, person: Employee) -> set[Actor]:
    """What a viewer is to an appraisal, but for deciding an objection."""
    if scope.employee_id == person.id:
        return {Actor.EMPLOYEE}
    found = {
        Actor.APPRAISER: can_appraise(scope, appraisal, person),
        Actor.SIGNER: can_sign(scope, appraisal, person),
    }
    return {actor for actor, is_one in found.items() if is_one}


async def decides(
    connection: BaseDBAsyncClient, scope: Scope, appraisal: Appraisal, person: Employee
) -> bool:
    """Whether a viewer decides an objection: not who rated, nor who said the unit's result that a
    head's work is rated by, but who is above who rated in the person's line; of what the
    administrator rated, who is above the appraiser."""
    said = await UnitRating.get_or_none(id=appraisal.unit_rating_id, using_db=connection)
    judges = {appraisal.rated_by, said and said.set_by}
    if scope.subject in judges:
        return False
    rater = await Employee.get_or_none(nip=appraisal.rated_by, using_db=connection)
    in_line = rater is not None and rater.id in {appraisal.appraiser_id, *person.superiors}
    if not in_line:
        rater = await Employee.get_or_none(id=appraisal.appraiser_id, using_db=connection)
    above = set() if rater is None else {*rater.superiors} - {rater.id}
    if said is not None:
        sayer = await Employee.get_or_none(nip=said.set_by, using_db=connection)
        above -= set() if sayer is None else {sayer.id}
    return can_decide_objection(scope, appraisal, person, above)


async def check_version(connection: BaseDBAsyncClient, appraisal: Appraisal, known: int) -> None:
    """Raises:
    DomainError: the appraisal has another version than the caller knows; it says what happened.
    """
    if appraisal.version != known:
        told = await _changes_since(connection, appraisal, known)
        raise Conflict(known, appraisal.version, told)


async def _changes_since(connection: BaseDBAsyncClient, appraisal: Appraisal, version: int) -> str:
    behind = AppraisalEvent.filter(appraisal_id=appraisal.id, version__gt=version)
    events = await behind.using_db(connection).order_by("id")
    actors = Employee.filter(nip__in={event.actor for event in events}).using_db(connection)
    names = {person.nip: person.name for person in await actors}
    told: list[str] = []
    for event in events:
        lines = list(event.changes)
        more = f" and {len(lines) - NAMED_CHANGES} more" if len(lines) > NAMED_CHANGES else ""
        named = f" ({', '.join(lines[:NAMED_CHANGES])}{more})" if lines else ""
        told.append(f"{event.kind} by {names.get(event.actor, event.actor)}{named}")
    return "; ".join(told)


async def share_units(connection: BaseDBAsyncClient, units: Collection[UUID]) -> None:
    """Let nobody say these units' results until the transaction ends. Before appraisals are
    locked: who says a result holds the unit, and then its heads' appraisals."""
    await connection.execute_query_dict(SHARE_UNITS, [list(units)])


async def unit_results(
    connection: BaseDBAsyncClient, heads: Sequence[Appraisal]
) -> dict[tuple[UUID, UUID], UnitResult]:
    """The ratings of units that hold, by unit and evaluation period."""
    if not heads:
        return {}
    units = [row.unit_id for row in heads]
    periods = [row.evaluation_period_id for row in heads]
    return {
        (row["unit_id"], row["evaluation_period_id"]): UnitResult(
            row["id"], UnitPredicate(row["predicate"]), row["reason"]
        )
        for row in await connection.execute_query_dict(RESULTS, [units, periods])
    }
