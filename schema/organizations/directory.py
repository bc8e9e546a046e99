"""Reading an agency's organization for a comparison, and writing what was chosen of its changes.

Both in the caller's transaction, and by sets: the number of statements does not grow with the
number of people. Posts are dated: what changes from a day on ends one row and begins another.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.organizations.directory_values import (
    OUTSIDE,
    AlterPost,
    Change,
    EndPost,
    Held,
    KnownPerson,
    KnownPost,
    KnownUnit,
    NewPerson,
    NewUnit,
    Organization,
    Place,
    PlaceUnit,
    RenamePerson,
    RenameUnit,
    StartPost,
)
from schema.organizations.models import Agency, AssignmentKind
from schema.values import uuid7

UNITS = "SELECT code, name, kind FROM unit WHERE agency_id = $1"
PLACES = """
SELECT p.id, u.code, above.code AS parent, p.starts_on, p.ends_on
FROM unit_placement p JOIN unit u ON u.id = p.unit_id LEFT JOIN unit above ON above.id = p.parent_id
WHERE u.agency_id = $1"""
PEOPLE = "SELECT nip, name, timezone FROM employee WHERE agency_id = $1"
POSTS = f"""
SELECT a.id, e.nip, u.code AS unit, a.position, a.kind, a.heads_unit, a.starts_on, a.ends_on,
  CASE WHEN b.agency_id <> $1 THEN '{OUTSIDE}' ELSE b.nip END AS appraiser
FROM assignment a JOIN employee e ON e.id = a.employee_id JOIN unit u ON u.id = a.unit_id
LEFT JOIN employee b ON b.id = a.appraiser_id
WHERE e.agency_id = $1"""  # noqa: S608
ELSEWHERE = "SELECT nip FROM employee WHERE nip = ANY ($2::text[]) AND agency_id <> $1"

ADD_UNITS = """
INSERT INTO unit (id, agency_id, code, name, kind)
SELECT v.id, $1, v.code, v.name, v.kind
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) v (id, code, name, kind)"""
RENAME_UNITS = """
UPDATE unit u SET name = v.name, kind = v.kind
FROM unnest($2::text[], $3::text[], $4::text[]) v (code, name, kind)
WHERE u.agency_id = $1 AND u.code = v.code"""
END_PLACES = """
UPDATE unit_placement SET ends_on = $2 WHERE id = ANY ($1::uuid[])"""
AMEND_PLACES = """
UPDATE unit_placement p SET parent_id = above.id
FROM unnest($2::uuid[], $3::text[]) v (id, parent)
LEFT JOIN unit above ON above.agency_id = $1 AND above.code = v.parent
WHERE p.id = v.id"""
ADD_PLACES = """
INSERT INTO unit_placement (id, unit_id, parent_id, starts_on, ends_on)
SELECT v.id, u.id, above.id, $2, v.ends_on
FROM unnest($3::uuid[], $4::text[], $5::text[], $6::date[]) v (id, code, parent, ends_on)
JOIN unit u ON u.agency_id = $1 AND u.code = v.code
LEFT JOIN unit above ON above.agency_id = $1 AND above.code = v.parent"""
ADD_PEOPLE = """
INSERT INTO employee (id, agency_id, nip, name, timezone, superiors)
SELECT v.id, $1, v.nip, v.name, v.timezone, '{}'
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[]) v (id, nip, name, timezone)"""
RENAME_PEOPLE = """
UPDATE employee e SET name = v.name, timezone = v.timezone
FROM unnest($2::text[], $3::text[], $4::text[]) v (nip, name, timezone)
WHERE e.agency_id = $1 AND e.nip = v.nip"""
END_POSTS = """
UPDATE assignment a SET ends_on = v.ends_on
FROM unnest($1::uuid[], $2::date[]) v (id, ends_on) WHERE a.id = v.id"""
# All lose their lead first, since a unit has one head at any moment.
LEAD_NO_MORE = "UPDATE assignment SET heads_unit = false WHERE id = ANY ($1::uuid[])"
HELD = """
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::text[],
  $9::date[], $10::uuid[])
  v (id, nip, unit, position, kind, heads_unit, appraiser, ends_on, was)
JOIN employee e ON e.agency_id = $1 AND e.nip = v.nip
JOIN unit u ON u.agency_id = $1 AND u.code = v.unit
LEFT JOIN employee b ON b.agency_id = $1 AND b.nip = v.appraiser
LEFT JOIN assignment w ON w.id = v.was"""
APPRAISER = f"CASE WHEN v.appraiser = '{OUTSIDE}' THEN w.appraiser_id ELSE b.id END"
AMEND_POSTS = f"""
UPDATE assignment a SET unit_id = n.unit_id, appraiser_id = n.appraiser_id,
  position = n.position, kind = n.kind, heads_unit = n.heads_unit, ends_on = n.ends_on
FROM (SELECT v.*, u.id AS unit_id, {APPRAISER} AS appraiser_id {HELD}) n WHERE a.id = n.id"""  # noqa: S608
ADD_POSTS = f"""
INSERT INTO assignment (id, employee_id, unit_id, appraiser_id, position, kind, heads_unit,
  starts_on, ends_on)
SELECT v.id, e.id, u.id, {APPRAISER}, v.position, v.kind, v.heads_unit, $11, v.ends_on
{HELD}"""

Statement = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """Posts that ended, each with the first day on which it is not held; `renewed` are posts that
    go on as another row: the old key, then the new one."""

    posts: dict[UUID, date] = field(default_factory=dict)
    renewed: dict[UUID, UUID] = field(default_factory=dict)


@dataclass(kw_only=True)
class _Posts:
    """What is written of posts: which end when, which are amended in place, which are new.

    A new or amended one comes with the key of the row that it goes on from.
    """

    ends: dict[UUID, date | None] = field(default_factory=dict)
    amended: list[tuple[UUID, Held, UUID | None]] = field(default_factory=list)
    new: list[tuple[UUID, Held, UUID | None]] = field(default_factory=list)


async def known_organization(
    connection: BaseDBAsyncClient, agency: Agency, nips: Iterable[str]
) -> Organization:
    """All of an agency's organization; `nips` are those of whom it matters where else they work."""
    run, places = connection.execute_query_dict, defaultdict[str, list[Place]](list)
    for row in await run(PLACES, [agency.id]):
        places[row.pop("code")].append(Place(**row))
    units = [
        KnownUnit(**row, places=tuple(places[row["code"]])) for row in await run(UNITS, [agency.id])
    ]
    people = [KnownPerson(**row) for row in await run(PEOPLE, [agency.id])]
    posts = await run(POSTS, [agency.id])
    elsewhere = await run(ELSEWHERE, [agency.id, list(nips)])
    return Organization(
        timezone=agency.timezone,
        units={unit.code: unit for unit in units},
        people={person.nip: person for person in people},
        posts=tuple(
            KnownPost(**row | {"id": UUID(str(row["id"])), "kind": AssignmentKind(row["kind"])})
            for row in posts
        ),
        elsewhere=frozenset(row["nip"] for row in elsewhere),
    )


async def write_changes(
    connection: BaseDBAsyncClient, agency: Agency, chosen: Sequence[Change], day: date
) -> Ended:
    """Make what was chosen so from a day on; the caller holds the agency's people."""
    for statement, values in [*_units(agency, chosen, day), *_people(agency, chosen)]:
        await connection.execute_query_dict(statement, values)
    posts = _posts(chosen, day)
    await connection.execute_query_dict(END_POSTS, [list(posts.ends), list(posts.ends.values())])
    amended = [key for key, _, _ in posts.amended]
    await connection.execute_query_dict(LEAD_NO_MORE, [amended])
    await connection.execute_query_dict(AMEND_POSTS, _columns(agency, posts.amended))
    await connection.execute_query_dict(ADD_POSTS, [*_columns(agency, posts.new), day])
    renewed = {was: key for key, _, was in posts.new if was is not None}
    ended = {key: end for key, end in posts.ends.items() if end and key not in renewed}
    return Ended(posts=ended, renewed=renewed)


def _units(agency: Agency, chosen: Sequence[Change], day: date) -> Iterable[Statement]:
    acts = [change.act for change in chosen]
    new = [act.unit for act in acts if isinstance(act, NewUnit)]
    named = [act.unit for act in acts if isinstance(act, RenameUnit)]
    moved = [act for act in acts if isinstance(act, PlaceUnit)]
    # One that was placed on this very day is placed otherwise; any other begins another row.
    amended = [(m.current, m.parent) for m in moved if m.current and m.current.starts_on == day]
    dated = [m for m in moved if m.current is None or m.current.starts_on != day]
    placed: list[tuple[Any, ...]] = [(unit.code, unit.parent, None) for unit in new]
    placed += [(m.code, m.parent, m.current and m.current.ends_on) for m in dated]
    yield (
        ADD_UNITS,
        [
            agency.id,
            [uuid7() for _ in new],
            [unit.code for unit in new],
            [unit.name for unit in new],
            [unit.kind for unit in new],
        ],
    )
    yield (
        RENAME_UNITS,
        [
            agency.id,
            [unit.code for unit in named],
            [unit.name for unit in named],
            [unit.kind for unit in named],
        ],
    )
    yield END_PLACES, [[m.current.id for m in dated if m.current], day]
    yield AMEND_PLACES, [agency.id, [p.id for p, _ in amended], [parent for _, parent in amended]]
    yield ADD_PLACES, [agency.id, day, [uuid7() for _ in placed], *_turned(placed, 3)]


def _people(agency: Agency, chosen: Sequence[Change]) -> Iterable[Statement]:
    acts = [change.act for change in chosen]
    new = [act.person for act in acts if isinstance(act, NewPerson)]
    named = [act.person for act in acts if isinstance(act, RenamePerson)]
    for statement, people, keys in (
        (ADD_PEOPLE, new, [[uuid7() for _ in new]]),
        (RENAME_PEOPLE, named, []),
    ):
        columns = _turned([(one.nip, one.name, one.timezone) for one in people], 3)
        yield statement, [agency.id, *keys, *columns]


def _posts(chosen: Sequence[Change], day: date) -> _Posts:
    found = _Posts()
    began = {
        change.act.after.id
        for change in chosen
        if isinstance(change.act, StartPost)
        and change.act.after
        and change.act.after.starts_on == day
    }
    for change in chosen:
        match change.act:
            case EndPost(post=post) if post.id not in began:
                found.ends[post.id] = max(day, post.starts_on + timedelta(days=1))
            case StartPost(held=held, after=after):
                # A post that began on this very day is corrected, not followed.
                if after is not None and after.id in began:
                    found.amended.append((after.id, held, after.id))
                else:
                    found.new.append((uuid7(), held, None))
            case AlterPost(post=post, held=held):
                _alter(found, post, held, day)
    return found


def _alter(found: _Posts, post: KnownPost, held: Held, day: date) -> None:
    """The end alone is set in place; what else changes holds from the day on."""
    same = ("position", "heads_unit", "appraiser")
    if all(getattr(post, name) == getattr(held, name) for name in same):
        found.ends[post.id] = held.until
    elif post.starts_on == day:
        found.amended.append((post.id, held, post.id))
    else:
        found.ends[post.id] = day
        found.new.append((uuid7(), held, post.id))


def _columns(agency: Agency, rows: Sequence[tuple[UUID, Held, UUID | None]]) -> list[Any]:
    values = [
        (
            key,
            held.nip,
            held.unit,
            held.position,
            str(held.kind),
            held.heads_unit,
            held.appraiser,
            held.until,
            was,
        )
        for key, held, was in rows
    ]
    return [agency.id, *_turned(values, 9)]


def _turned(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns, as unnest takes them."""
    return [[row[place] for row in rows] for place in range(width)]
