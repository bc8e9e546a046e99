"""The use cases around signing: sign appraisals and reckon what follows, in one transaction; and
reckon a year's or a month's consequences of a whole agency anew, for its administrator."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from schema.access import Scope
from schema.appraisals.models import Appraisal
from schema.appraisals.signing import sign_in
from schema.consequences.facts import last_day_of
from schema.consequences.reckoning import BATCH, reckon, reckon_allowances, year_of
from schema.errors import DomainError, ErrorCode, NotFound, Refusals
from schema.organizations.service import administered_agency
from schema.tables import dicts_of, plan_for_many, transaction
from schema.targets.models import Period
from schema.values import local_date

MOST = 500
"""Appraisals that are signed by one request."""

FINAL = """
SELECT a.agency_id, v.period_id, array_agg(DISTINCT a.employee_id) AS people
FROM appraisal a JOIN evaluation_period v ON v.id = a.evaluation_period_id AND v.kind = 'FINAL'
WHERE a.id = ANY ($1::uuid[]) GROUP BY 1, 2 ORDER BY 1, 2"""
# A page of those of whom a year's final appraisal is signed, and of those whose pay may be due.
OF_YEAR = """
SELECT DISTINCT a.employee_id AS id FROM appraisal a
JOIN evaluation_period v ON v.id = a.evaluation_period_id AND v.kind = 'FINAL'
WHERE v.period_id = $1 AND a.state = 'SIGNED' AND a.employee_id > $2
ORDER BY a.employee_id LIMIT $3"""
OF_MONTH = """
SELECT e.id FROM employee e WHERE e.agency_id = $1 AND e.id > $2
  AND (EXISTS (SELECT FROM career c WHERE c.employee_id = e.id)
    OR EXISTS (SELECT FROM consequence q WHERE q.employee_id = e.id AND q.month = $4::date))
ORDER BY e.id LIMIT $3"""


@dataclass(slots=True)
class Signed:
    """What was signed, how many consequences came of it, and why others were not, by key."""

    keys: list[UUID] = field(default_factory=list)
    consequences: int = 0
    refused: dict[UUID, DomainError] = field(default_factory=dict)


async def sign(scope: Scope, keys: Sequence[UUID], now: datetime) -> Signed:
    """Sign appraisals, each on its own: what can be signed is, with a refusal for each that
    cannot. What follows of final ones is reckoned in the same transaction.

    Raises:
        DomainError: none were chosen, or too many.
    """
    chosen = list(dict.fromkeys(keys))
    if not chosen:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="ids")
    if len(chosen) > MOST:
        raise DomainError(ErrorCode.TOO_MANY, field="ids", limit=MOST)
    signed = Signed()
    await _sign(scope, chosen, now, signed)
    return signed


async def _sign(scope: Scope, keys: Sequence[UUID], now: datetime, signed: Signed) -> None:
    """All at once; what is refused by its place is left out, and the rest is tried again."""
    try:
        async with transaction() as connection:
            rows = await sign_in(connection, scope, keys, now)
            count = await follow(connection, rows, scope.subject, now)
    except DomainError as refused:
        rest = _without(keys, refused, signed)
        if rest:
            await _sign(scope, rest, now, signed)
        return
    signed.keys += [row.id for row in rows]
    signed.consequences += count


def _without(keys: Sequence[UUID], refused: DomainError, signed: Signed) -> list[UUID]:
    """The keys that no refusal is about, its `field` ending in the place. One that names no place,
    such as rules that are missing, is about all of them."""
    for one in refused.each if isinstance(refused, Refusals) else [refused]:
        place = (one.field or "").rpartition(".")[2]
        about = [keys[int(place)]] if place.isdigit() else keys
        signed.refused |= dict.fromkeys(about, one)
    return [key for key in keys if key not in signed.refused]


async def follow(connection: Any, rows: Sequence[Appraisal], by: str, now: datetime) -> int:
    """What follows of signed appraisals, in the transaction that sealed them: a year's of final
    ones, else nothing. How many new versions."""
    found = await connection.execute_query_dict(FINAL, [[row.id for row in rows]]) if rows else []
    count = 0
    for row in found:
        people = [UUID(str(key)) for key in row["people"]]
        count += await reckon(connection, row["agency_id"], row["period_id"], people, by, now)
    return count


async def reckon_year(scope: Scope, agency_code: str, period: str, now: datetime) -> int:
    """A year's consequences of everybody whose final appraisal is signed, by the rules in force;
    a batch in a transaction, so that it goes on where it was broken off.

    Raises:
        NotFound: no such agency of the viewer's to administer, or no such period of it.
    """
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        year = await Period.get_or_none(agency_id=agency.id, code=period, using_db=connection)
    if year is None:
        raise NotFound("Period")
    count, last = 0, UUID(int=0)
    while people := await _page(OF_YEAR, [year.id, last, BATCH]):
        async with transaction() as connection:
            await plan_for_many(connection)
            count += await reckon(connection, agency.id, year.id, people, scope.subject, now)
        last = people[-1]
    return count


async def reckon_month(scope: Scope, agency_code: str, month: date, now: datetime) -> int:
    """The allowances of an agency for a month that is over; batches as above.

    Raises:
        NotFound: no such agency of the viewer's to administer, or no period that the month is in.
        DomainError: the month is not over, or no rules of allowance are in force.
    """
    first = month.replace(day=1)
    async with transaction() as connection:
        agency = await administered_agency(connection, scope, agency_code)
        await year_of(connection, agency.id, first)
    ends = last_day_of(first)
    if local_date(now, agency.timezone) <= ends:
        raise DomainError(ErrorCode.TOO_EARLY, field="month", day=ends)
    count, last = 0, UUID(int=0)
    while people := await _page(OF_MONTH, [agency.id, last, BATCH, first]):
        async with transaction() as connection:
            await plan_for_many(connection)
            count += await reckon_allowances(
                connection, agency.id, first, people, scope.subject, now
            )
        last = people[-1]
    return count


async def _page(statement: str, values: list[Any]) -> list[UUID]:
    return [row["id"] for row in await dicts_of(statement, values)]
