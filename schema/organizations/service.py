"""Use cases of organizations: found an agency, place its units, give its people their posts.

Each works inside the caller's transaction. What exists is brought to what is given and what
changes from a day on is dated: the old place or post ends on that day, the new one starts.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol, TypeVar
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Role, Scope, can_administer
from schema.errors import DomainError, ErrorCode, NotFound
from schema.events import EventKind, append_for_agency
from schema.organizations.models import (
    Agency,
    Assignment,
    AssignmentKind,
    Employee,
    RoleGrant,
    Unit,
    UnitPlacement,
)

BATCH = 500
"""Rows in one round trip."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlace:
    """A unit and the code of the unit that it stands under, None at the top."""

    code: str
    name: str
    kind: str
    parent: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A person and the post they hold; `unit` is a unit's code, `appraiser` a NIP."""

    nip: str
    name: str
    timezone: str
    unit: str
    position: str
    appraiser: str | None
    kind: AssignmentKind = AssignmentKind.DEFINITIVE
    heads_unit: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Keys of a person and of the post that they hold."""

    employee_id: UUID
    assignment_id: UUID


class Dated(Protocol):
    """A row that holds from a day (inclusive) until a day (exclusive)."""

    starts_on: date
    ends_on: date | None


Row = TypeVar("Row", bound=Dated)


# Administrators of one agency come one after the other: two would both find a week missing.
LOCK_AGENCY = "SELECT id FROM agency WHERE id = $1 FOR NO KEY UPDATE"


def refusal(detail: str) -> DomainError:
    return DomainError(ErrorCode.BAD_USER_INPUT, detail=detail)


async def administered_agency(connection: BaseDBAsyncClient, scope: Scope, code: str) -> Agency:
    """The agency, locked, for whoever administers it.

    Raises:
        NotFound: "not yours" and "not there" are the same answer.
    """
    agency = await Agency.get_or_none(code=code, using_db=connection)
    if agency is None or not can_administer(scope, agency.id):
        raise NotFound("Agency")
    await connection.execute_query_dict(LOCK_AGENCY, [agency.id])
    return agency


async def found_agency(
    connection: BaseDBAsyncClient, *, code: str, name: str, timezone: str | None = None
) -> Agency:
    """The agency of this code, made if it is new; `timezone` None leaves it as it is.

    Raises:
        DomainError: the code belongs to an agency of another name.
    """
    agency = await Agency.filter(code=code).using_db(connection).first()
    if agency is None:
        given = {} if timezone is None else {"timezone": timezone}
        return await Agency.create(using_db=connection, code=code, name=name, **given)
    if agency.name != name:
        raise refusal(
            f"the agency code {code} belongs to {agency.name}, not to {name}: "
            "give the file an agency_code of its own"
        )
    if timezone is not None and agency.timezone != timezone:
        agency.timezone = timezone
        await agency.save(using_db=connection, update_fields=["timezone"])
    return agency


async def place_units(
    connection: BaseDBAsyncClient, agency: Agency, places: Sequence[UnitPlace], from_day: date
) -> dict[str, UUID]:
    """Bring units to these names and kinds, and from a day on to these parents.

    Every parent must be among `places`; units that are not there stay as they are. Returns
    keys by code.
    """
    units = {unit.code: unit for unit in await Unit.filter(agency=agency).using_db(connection)}
    new = [
        Unit(agency=agency, code=place.code, name=place.name, kind=place.kind)
        for place in places
        if place.code not in units
    ]
    for place in places:
        known = units.get(place.code)
        if known is not None and (known.name, known.kind) != (place.name, place.kind):
            known.name, known.kind = place.name, place.kind
            await known.save(using_db=connection, update_fields=["name", "kind"])
    await Unit.bulk_create(new, batch_size=BATCH, using_db=connection)
    units |= {unit.code: unit for unit in new}
    ids = {place.code: units[place.code].id for place in places}
    await _place(connection, agency, places, ids, from_day)
    return ids


async def _place(
    connection: BaseDBAsyncClient,
    agency: Agency,
    places: Iterable[UnitPlace],
    ids: Mapping[str, UUID],
    from_day: date,
) -> None:
    rows = await UnitPlacement.filter(unit__agency_id=agency.id).using_db(connection)
    placed: dict[UUID, list[UnitPlacement]] = defaultdict(list)
    for row in rows:
        placed[row.unit_id].append(row)
    new: list[UnitPlacement] = []
    for place in places:
        unit_id = ids[place.code]
        parent_id = None if place.parent is None else ids[place.parent]
        current = covering(placed[unit_id], from_day)
        if current is not None and current.parent_id == parent_id:
            continue
        if current is not None and current.starts_on == from_day:
            current.parent_id = parent_id
            await current.save(using_db=connection, update_fields=["parent_id"])
            continue
        until = next_start(placed[unit_id], from_day)
        if current is not None:
            until = current.ends_on
            await _end(connection, current, from_day)
        new.append(
            UnitPlacement(unit_id=unit_id, parent_id=parent_id, starts_on=from_day, ends_on=until)
        )
    await UnitPlacement.bulk_create(new, batch_size=BATCH, using_db=connection)


async def assign(
    connection: BaseDBAsyncClient,
    agency: Agency,
    posts: Sequence[Post],
    units: Mapping[str, UUID],
    from_day: date,
) -> dict[str, Held]:
    """Give people these posts from a day on; people who are new are taken in.

    `units` gives keys by code; every appraiser must be among `posts`. Returns keys by NIP.

    Raises:
        DomainError: a NIP belongs to another agency, or a unit has a head outside `posts`.
    """
    people = await _employ(connection, agency, posts)
    rows = await Assignment.filter(employee__agency_id=agency.id).using_db(connection)
    held: dict[UUID, list[Assignment]] = defaultdict(list)
    for row in rows:
        held[row.employee_id].append(row)
    kept: dict[str, Assignment] = {}
    changed: list[Assignment] = []
    new: list[Assignment] = []
    for post in posts:
        wanted = _assignment(post, people, units, from_day)
        history = [row for row in held[wanted.employee_id] if _replaces(wanted, row)]
        current = covering(history, from_day)
        if current is not None and _same(wanted, current):
            kept[post.nip] = current
        elif current is not None and current.starts_on == from_day:
            kept[post.nip] = _amended(current, wanted)
            changed.append(current)
        else:
            wanted.ends_on = current.ends_on if current else next_start(history, from_day)
            if current is not None:
                await _end(connection, current, from_day)
            kept[post.nip] = wanted
            new.append(wanted)
    await _amend(connection, changed, {row.unit_id: row for row in kept.values() if row.heads_unit})
    await Assignment.bulk_create(new, batch_size=BATCH, using_db=connection)
    if rows and (new or changed):  # nobody watches an agency that had nobody
        await append_for_agency(connection, EventKind.POSTS_CHANGED, agency.id)
    return {nip: Held(row.employee_id, row.id) for nip, row in kept.items()}


async def refresh_reporting_lines(
    connection: BaseDBAsyncClient, agency: Agency, on_day: date
) -> None:
    """Derive every employee's line of superiors from the assignments of a day."""
    statement = "SELECT refresh_reporting_lines($1, $2)"
    await connection.execute_query_dict(statement, [agency.id, on_day])


async def _employ(
    connection: BaseDBAsyncClient, agency: Agency, posts: Sequence[Post]
) -> dict[str, UUID]:
    nips = [post.nip for post in posts]
    known = {row.nip: row for row in await Employee.filter(nip__in=nips).using_db(connection)}
    elsewhere = sorted(row.nip for row in known.values() if row.agency_id != agency.id)
    if elsewhere:
        raise refusal(f"employees of another agency: {', '.join(elsewhere)}")
    new = [
        Employee(agency=agency, nip=post.nip, name=post.name, timezone=post.timezone)
        for post in posts
        if post.nip not in known
    ]
    for post in posts:
        row = known.get(post.nip)
        if row is not None and (row.name, row.timezone) != (post.name, post.timezone):
            row.name, row.timezone = post.name, post.timezone
            await row.save(using_db=connection, update_fields=["name", "timezone"])
    await Employee.bulk_create(new, batch_size=BATCH, using_db=connection)
    return {row.nip: row.id for row in [*known.values(), *new]}


def _assignment(
    post: Post, people: Mapping[str, UUID], units: Mapping[str, UUID], from_day: date
) -> Assignment:
    return Assignment(
        employee_id=people[post.nip],
        unit_id=units[post.unit],
        appraiser_id=None if post.appraiser is None else people[post.appraiser],
        position=post.position,
        kind=post.kind,
        heads_unit=post.heads_unit,
        starts_on=from_day,
    )


def _replaces(wanted: Assignment, row: Assignment) -> bool:
    """A definitive post follows any definitive one, an acting post the one of its unit."""
    if wanted.kind is AssignmentKind.DEFINITIVE:
        return row.kind is AssignmentKind.DEFINITIVE
    return row.kind is not AssignmentKind.DEFINITIVE and row.unit_id == wanted.unit_id


AMENDABLE = ("unit_id", "appraiser_id", "position", "kind", "heads_unit")


def _same(wanted: Assignment, row: Assignment) -> bool:
    return all(getattr(wanted, name) == getattr(row, name) for name in AMENDABLE)


def _amended(row: Assignment, wanted: Assignment) -> Assignment:
    for name in AMENDABLE:
        setattr(row, name, getattr(wanted, name))
    return row


async def _amend(
    connection: BaseDBAsyncClient, changed: Sequence[Assignment], heads: Mapping[UUID, Assignment]
) -> None:
    """Save changed posts, unless a unit then has two heads; `heads` are the posts that lead.

    All lose their lead first, since the database allows a unit one head at any moment.
    """
    ids = [row.id for row in changed]
    await Assignment.filter(id__in=ids).using_db(connection).update(heads_unit=False)
    leading = Assignment.filter(unit_id__in=list(heads), heads_unit=True).using_db(connection)
    for row in await leading.prefetch_related("unit", "employee"):
        if row.id != heads[row.unit_id].id and overlap(row, heads[row.unit_id]):
            raise refusal(
                f"unit {row.unit.code} is led by {row.employee.nip} from {row.starts_on} on, "
                "who is not given here: end that post first"
            )
    for row in changed:
        await row.save(using_db=connection, update_fields=list(AMENDABLE))


async def _end(
    connection: BaseDBAsyncClient, row: UnitPlacement | Assignment, on_day: date
) -> None:
    row.ends_on = on_day
    await row.save(using_db=connection, update_fields=["ends_on"])


def covering(rows: Iterable[Row], day: date) -> Row | None:
    """The row that holds on a day, of rows that do not overlap."""
    for row in rows:
        if row.starts_on <= day and (row.ends_on is None or day < row.ends_on):
            return row
    return None


def next_start(rows: Iterable[Dated], day: date) -> date | None:
    """The first start after a day: until then a new row may hold."""
    return min((row.starts_on for row in rows if row.starts_on > day), default=None)


def overlap(one: Dated, other: Dated) -> bool:
    """Whether both rows hold on some day."""
    return (one.ends_on is None or other.starts_on < one.ends_on) and (
        other.ends_on is None or one.starts_on < other.ends_on
    )


async def grant_role(
    agency_id: UUID, subject: str, role: Role, installation_id: UUID | None = None
) -> None:
    """Give a token's subject a role in an agency; giving it twice changes nothing.

    Raises:
        DomainError: CONNECTOR without an installation, or another role with one.
    """
    if (role is Role.CONNECTOR) != (installation_id is not None):
        raise refusal("CONNECTOR, and only CONNECTOR, names an installation")
    await RoleGrant.get_or_create(
        agency_id=agency_id,
        subject=subject,
        role=role,
        defaults={"installation_id": installation_id},
    )
