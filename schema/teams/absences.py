"""Use cases of absences: say one, decide it, take it back, and bring in many at once.

An employee reports their own, and a superior or the agency's administrator accepts or refuses it;
what those record for somebody is accepted at once. Nobody decides their own. In this order: who
may, lock the employees, check, write it with its history, let written days ask for what holds
now, append the event. They stand this high because an absence is bound by evaluation periods
(`plans`), moves written days (`policies`) and is what a team sees.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.access import Scope, can_decide_absence
from schema.checks import optional_text, text_of
from schema.errors import DomainError, ErrorCode, NotFound, Refusals
from schema.events import EventKind
from schema.organizations.models import (
    Absence,
    AbsenceEvent,
    AbsenceKind,
    AbsenceState,
    Employee,
)
from schema.plans.periods import Closed, closed_between
from schema.policies.service import refresh_days
from schema.progress.daily_logs import lock_employees
from schema.tables import insert, transaction
from schema.teams.absence_rules import (
    LONGEST_NOTE,
    MOST_AT_ONCE,
    AbsenceEntry,
    check_absence,
    overlaps,
    told,
)

COUNTS = (AbsenceState.REPORTED, AbsenceState.ACCEPTED)
DECIDERS = "SUPERIOR / ADMINISTRATOR"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    """An absence to be written. `place` is where the input has it, as `absences.3.`"""

    person: Employee
    entry: AbsenceEntry
    place: str = ""


async def report_absence(
    scope: Scope, employee_id: UUID | None, entry: AbsenceEntry, now: datetime
) -> Absence:
    """Say that somebody is away: the viewer, where nobody is named, and then it waits; or another
    one by a superior or administrator, and then it is accepted.

    Raises:
        NotFound: nobody, or nobody whose absences the viewer decides.
        DomainError: it cannot be, overlaps another one, or its evaluation period is closed.
    """
    check_absence(entry)
    async with transaction() as connection:
        key = employee_id or scope.employee_id
        person = await Employee.get_or_none(id=key, using_db=connection) if key else None
        own = person is not None and person.id == scope.employee_id
        if person is None or not (own or can_decide_absence(scope, person)):
            raise NotFound("Employee")
        if own and entry.kind is AbsenceKind.UNEXCUSED:
            raise DomainError(ErrorCode.NOT_ALLOWED, field="kind", needed=DECIDERS)
        state = AbsenceState.REPORTED if own else AbsenceState.ACCEPTED
        wanted = [_Wanted(person=person, entry=entry)]
        (row,) = await _write(connection, scope, wanted, state, now)
        return row


async def record_absences(
    scope: Scope, entries: Sequence[tuple[str, AbsenceEntry]], now: datetime
) -> list[Absence]:
    """Bring in absences of people by their NIP, as from a leave system: all accepted, or none.

    Raises:
        Refusals: one or several cannot be; each says which.
        DomainError: none or too many.
    """
    if not entries:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="absences")
    if len(entries) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="absences", limit=MOST_AT_ONCE)
    async with transaction() as connection:
        nips = {nip for nip, _ in entries if len(nip) == 18}
        rows = await Employee.filter(nip__in=nips).using_db(connection)
        people = {row.nip: row for row in rows}
        wanted, refused = [], []
        for number, (nip, entry) in enumerate(entries):
            place = f"absences.{number}."
            try:
                person = _decided_by(scope, people.get(nip))
                check_absence(entry)
            except DomainError as error:
                refused.append(_placed(error, place))
            else:
                wanted.append(_Wanted(person=person, entry=entry, place=place))
        if refused:
            raise Refusals(refused)
        return await _write(connection, scope, wanted, AbsenceState.ACCEPTED, now)


def _decided_by(scope: Scope, person: Employee | None) -> Employee:
    """Raises:
    DomainError: the viewer does not decide this person's absences.
    """
    if person is not None and person.id == scope.employee_id:
        raise DomainError(ErrorCode.NOT_ALLOWED, field="nip", needed=DECIDERS)
    if person is None or not can_decide_absence(scope, person):
        raise DomainError(ErrorCode.NOT_FOUND, field="nip", thing="Employee")
    return person


def _placed(error: DomainError, place: str) -> DomainError:
    return DomainError(error.code, field=f"{place}{error.field}", **error.words)


async def decide_absence(
    scope: Scope, key: UUID, accept: bool, note: str | None, now: datetime
) -> Absence:
    """Accept or refuse what somebody reported; whoever refuses says why.

    Raises:
        NotFound: no such absence, or not the viewer's to decide.
        DomainError: it does not wait, the reason is missing, or its evaluation period is closed.
    """
    said = optional_text(note, field="note", longest=LONGEST_NOTE)
    if not accept:
        text_of(note, missing=ErrorCode.REASON_MISSING, field="note", longest=LONGEST_NOTE)
    async with transaction() as connection:
        person, row = await _absence(connection, scope, key)
        if person.id == scope.employee_id:
            raise DomainError(ErrorCode.NOT_ALLOWED, needed=DECIDERS)
        _needs(row, AbsenceState.REPORTED)
        if accept:
            await _check_open(connection, person, row)
        state = AbsenceState.ACCEPTED if accept else AbsenceState.REFUSED
        return await _turn(connection, scope, person, row, state, said, now)


async def withdraw_absence(scope: Scope, key: UUID, note: str | None, now: datetime) -> Absence:
    """Take an absence back: the employee what still waits, a superior or administrator what was
    accepted; its days ask again for what they asked before.

    Raises:
        NotFound: no such absence, or neither the viewer's own nor theirs to decide.
        DomainError: it is not in the state for it, or its evaluation period is closed.
    """
    said = optional_text(note, field="note", longest=LONGEST_NOTE)
    async with transaction() as connection:
        person, row = await _absence(connection, scope, key)
        if person.id == scope.employee_id:
            if row.state is AbsenceState.ACCEPTED:
                raise DomainError(ErrorCode.NOT_ALLOWED, needed=DECIDERS)
            _needs(row, AbsenceState.REPORTED)
        else:
            _needs(row, AbsenceState.ACCEPTED)
            await _check_open(connection, person, row)
        return await _turn(connection, scope, person, row, AbsenceState.WITHDRAWN, said, now)


async def _absence(
    connection: BaseDBAsyncClient, scope: Scope, key: UUID
) -> tuple[Employee, Absence]:
    """An absence of the viewer's own or theirs to decide, whose employee is locked."""
    row = await Absence.get_or_none(id=key, using_db=connection)
    if row is None:
        raise NotFound("Absence")
    person = await Employee.get(id=row.employee_id, using_db=connection)
    if person.id != scope.employee_id and not can_decide_absence(scope, person):
        raise NotFound("Absence")
    await lock_employees(connection, [person.id])
    return person, await Absence.get(id=key, using_db=connection)


def _needs(row: Absence, state: AbsenceState) -> None:
    if row.state is not state:
        raise DomainError(ErrorCode.WRONG_STATE, state=row.state, needed=state)


async def _turn(
    connection: BaseDBAsyncClient,
    scope: Scope,
    person: Employee,
    row: Absence,
    state: AbsenceState,
    said: str | None,
    now: datetime,
) -> Absence:
    row.state = state
    if person.id != scope.employee_id:
        row.decided_by, row.decided_at = scope.subject, now
    await row.save(using_db=connection, update_fields=["state", "decided_by", "decided_at"])
    await _done(connection, scope, [(row, said)], now)
    return row


async def _write(
    connection: BaseDBAsyncClient,
    scope: Scope,
    wanted: Sequence[_Wanted],
    state: AbsenceState,
    now: datetime,
) -> list[Absence]:
    """New absences of people that the viewer may write them for.

    Raises:
        Refusals: some overlap others, or lie in a closed evaluation period.
    """
    await lock_employees(connection, {one.person.id for one in wanted})
    refused = [*await _clashes(connection, wanted), *await _shut(connection, wanted)]
    if refused:
        raise Refusals(refused)
    decided = state is AbsenceState.ACCEPTED
    rows = [
        Absence(
            employee_id=one.person.id,
            **asdict(one.entry)
            | {"note": optional_text(one.entry.note, field="note", longest=LONGEST_NOTE)},
            state=state,
            reported_by=scope.subject,
            reported_at=now,
            decided_by=scope.subject if decided else None,
            decided_at=now if decided else None,
        )
        for one in wanted
    ]
    await insert(connection, rows)
    await _done(connection, scope, [(row, None) for row in rows], now)
    return rows


async def _done(
    connection: BaseDBAsyncClient,
    scope: Scope,
    rows: Sequence[tuple[Absence, str | None]],
    now: datetime,
) -> None:
    """What follows a change of absences: their history, their written days, the event."""
    lines = [
        AbsenceEvent(absence_id=row.id, state=row.state, actor=scope.subject, at=now, comment=said)
        for row, said in rows
    ]
    await insert(connection, lines)
    days = [(row.employee_id, row.starts_on, row.ends_on) for row, _ in rows]
    await refresh_days(connection, days)
    people = dict.fromkeys(row.employee_id for row, _ in rows)
    await events.append_many(connection, EventKind.ABSENCE_CHANGED, [(None, one) for one in people])


async def _clashes(connection: BaseDBAsyncClient, wanted: Sequence[_Wanted]) -> list[DomainError]:
    """A refusal for each that overlaps what counts already, or one before it."""
    first, last = _days(wanted)
    rows = await Absence.filter(
        employee_id__in={one.person.id for one in wanted},
        state__in=COUNTS,
        starts_on__lte=last,
        ends_on__gte=first,
    ).using_db(connection)
    known: dict[UUID, list[Absence | AbsenceEntry]] = defaultdict(list)
    for row in rows:
        known[row.employee_id].append(row)
    refused = []
    for one in wanted:
        others = known[one.person.id]
        clash = next((other for other in others if overlaps(one.entry, other)), None)
        if clash is not None:
            field, other = f"{one.place}startsOn", told(clash.kind, clash)
            refused.append(DomainError(ErrorCode.OVERLAP, field=field, other=other))
        others.append(one.entry)
    return refused


async def _shut(connection: BaseDBAsyncClient, wanted: Sequence[_Wanted]) -> list[DomainError]:
    """A refusal for each that lies in a closed evaluation period."""
    first, last = _days(wanted)
    agencies = {one.person.agency_id for one in wanted}
    shut = {one: await closed_between(connection, one, first, last) for one in sorted(agencies)}
    found = [
        (one, _closed(shut[one.person.agency_id], one.entry.starts_on, one.entry.ends_on))
        for one in wanted
    ]
    return [
        DomainError(ErrorCode.PERIOD_CLOSED, field=f"{one.place}startsOn", period=period)
        for one, period in found
        if period is not None
    ]


async def _check_open(connection: BaseDBAsyncClient, person: Employee, row: Absence) -> None:
    """Raises:
    DomainError: days of the absence lie in a closed evaluation period.
    """
    shut = await closed_between(connection, person.agency_id, row.starts_on, row.ends_on)
    period = _closed(shut, row.starts_on, row.ends_on)
    if period is not None:
        raise DomainError(ErrorCode.PERIOD_CLOSED, period=period)


def _closed(shut: Iterable[Closed], first: date, last: date) -> str | None:
    return next((one.name for one in shut if one.starts_on <= last and one.ends_on >= first), None)


def _days(wanted: Collection[_Wanted]) -> tuple[date, date]:
    """From the first day of any to the last."""
    return min(one.entry.starts_on for one in wanted), max(one.entry.ends_on for one in wanted)
