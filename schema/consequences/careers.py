"""Use cases of what consequences need to know of people: careers, potential, training. Many at
once by the agency's administrator, at once or not at all; append-only, so that a slip is mended by
the right entry behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope
from schema.checks import LONGEST_NAME, LONGEST_TITLE, invalid, optional_text, text_of
from schema.consequences.models import (
    Career,
    Employment,
    FunctionalLevel,
    PotentialScore,
    TrainingRecord,
)
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Agency, Employee
from schema.organizations.service import administered_agency
from schema.tables import Row, insert, transaction

MOST = 500
"""Entries of one request."""
LONGEST_RANK = 60
HIGHEST_CLASS = 17
"""Job classes (*kelas jabatan*) go from 1 to 17."""
LARGEST_BASE = Decimal(10) ** 12
LARGEST_CREDIT = Decimal(10) ** 6
LARGEST_HOURS = Decimal(10) ** 4
EARLIEST, LATEST = date(1950, 1, 1), date(2200, 1, 1)

Made = TypeVar("Made", bound=Row)


@dataclass(frozen=True, slots=True, kw_only=True)
class CareerEntry:
    """Somebody's career from a day on, as an administrator writes it: the whole of it."""

    nip: str
    starts_on: date
    employment: Employment
    rank: str | None = None
    functional_level: FunctionalLevel | None = None
    job_class: int | None = None
    allowance_base: Decimal | None = None
    credit_brought: Decimal | None = None
    contract_ends_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PotentialEntry:
    """Somebody's potential as an assessment found it, 0 to 100."""

    nip: str
    assessed_on: date
    score: Decimal
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingEntry:
    """Training that somebody ended, in hours."""

    nip: str
    ended_on: date
    title: str
    hours: Decimal
    source: str


async def record_careers(
    scope: Scope, agency_code: str, entries: Sequence[CareerEntry], now: datetime
) -> list[Career]:
    """Raises:
    NotFound: no such agency of the viewer's to administer.
    DomainError: none or too many, somebody unknown there or the viewer themselves, or a value
        that cannot be.
    """
    async with transaction() as connection:
        people = await _people(connection, scope, agency_code, [one.nip for one in entries])
        rows = [
            Career(employee_id=people[n], set_by=scope.subject, set_at=now, **_career(one, n))
            for n, one in enumerate(entries)
        ]
        await insert(connection, rows)
    return rows


async def record_potentials(
    scope: Scope, agency_code: str, entries: Sequence[PotentialEntry], now: datetime
) -> list[PotentialScore]:
    """Raises as `record_careers` does."""
    async with transaction() as connection:
        people = await _people(connection, scope, agency_code, [one.nip for one in entries])
        rows = [
            PotentialScore(
                employee_id=people[n],
                assessed_on=_day(one.assessed_on, f"potentials.{n}.assessedOn"),
                score=_number(one.score, Decimal(100), 2, f"potentials.{n}.score"),
                source=_said(one.source, f"potentials.{n}.source"),
                set_by=scope.subject,
                set_at=now,
            )
            for n, one in enumerate(entries)
        ]
        await insert(connection, rows)
    return rows


async def record_trainings(
    scope: Scope, agency_code: str, entries: Sequence[TrainingEntry], now: datetime
) -> list[TrainingRecord]:
    """Raises as `record_careers` does."""
    async with transaction() as connection:
        people = await _people(connection, scope, agency_code, [one.nip for one in entries])
        rows = []
        for n, one in enumerate(entries):
            at = f"trainings.{n}"
            hours = _number(one.hours, LARGEST_HOURS, 2, f"{at}.hours")
            if hours == 0:
                raise invalid(f"{at}.hours", "training has more than 0 hours")
            rows.append(
                TrainingRecord(
                    employee_id=people[n],
                    ended_on=_day(one.ended_on, f"{at}.endedOn"),
                    title=_said(one.title, f"{at}.title"),
                    hours=hours,
                    source=_said(one.source, f"{at}.source"),
                    set_by=scope.subject,
                    set_at=now,
                )
            )
        await insert(connection, rows)
    return rows


async def _people(
    connection: BaseDBAsyncClient, scope: Scope, agency_code: str, nips: Sequence[str]
) -> list[UUID]:
    """Whose entries these are, in their order."""
    agency = await administered_agency(connection, scope, agency_code)
    if not nips:
        raise invalid("entries", "none were given")
    if len(nips) > MOST:
        raise DomainError(ErrorCode.TOO_MANY, limit=MOST)
    known = await _known(connection, agency, nips)
    for place, nip in enumerate(nips):
        # By it they would set their own pay, box or hours.
        if scope.employee_id is not None and known.get(nip) == scope.employee_id:
            needed = "ADMINISTRATOR, NOT ONESELF"
            raise DomainError(ErrorCode.NOT_ALLOWED, field=f"entries.{place}.nip", needed=needed)
        if nip not in known:
            raise DomainError(
                ErrorCode.NOT_FOUND, field=f"entries.{place}.nip", thing=f"Employee {nip[:40]}"
            )
    return [known[nip] for nip in nips]


async def _known(
    connection: BaseDBAsyncClient, agency: Agency, nips: Iterable[str]
) -> dict[str, UUID]:
    rows = Employee.filter(agency_id=agency.id, nip__in=list(set(nips))).using_db(connection)
    return {row.nip: row.id for row in await rows}


def _career(one: CareerEntry, place: int) -> dict[str, object]:
    at = f"careers.{place}"
    if one.job_class is not None and not 1 <= one.job_class <= HIGHEST_CLASS:
        raise invalid(f"{at}.jobClass", f"a job class is from 1 to {HIGHEST_CLASS}")
    ends = one.contract_ends_on
    if ends is not None and _day(ends, f"{at}.contractEndsOn") < one.starts_on:
        raise DomainError(ErrorCode.ENDS_BEFORE_START, field=f"{at}.contractEndsOn")
    base, brought = one.allowance_base, one.credit_brought
    return {
        "starts_on": _day(one.starts_on, f"{at}.startsOn"),
        "employment": one.employment,
        "rank": optional_text(one.rank, field=f"{at}.rank", longest=LONGEST_RANK),
        "functional_level": one.functional_level,
        "job_class": one.job_class,
        "allowance_base": base
        if base is None
        else _number(base, LARGEST_BASE, 2, f"{at}.allowanceBase"),
        "credit_brought": brought
        if brought is None
        else _number(brought, LARGEST_CREDIT, 3, f"{at}.creditBrought"),
        "contract_ends_on": ends,
    }


def _day(day: date, field: str) -> date:
    if not EARLIEST <= day < LATEST:
        raise invalid(field, f"{day} is out of range")
    return day


def _number(number: Decimal, largest: Decimal, places: int, field: str) -> Decimal:
    if not number.is_finite() or not 0 <= number <= largest or number != round(number, places):
        raise invalid(field, f"a number from 0 to {largest} with at most {places} decimals")
    return number


def _said(text: str, field: str) -> str:
    longest = LONGEST_NAME if field.endswith("source") else LONGEST_TITLE
    return text_of(text, missing=ErrorCode.DESCRIPTION_MISSING, field=field, longest=longest)
