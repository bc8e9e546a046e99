"""Activities that sources saw become pending progress records of their employees, each once.

A batch at a time, in a constant number of statements, in the caller's transaction. What a
connector's activity must look like is said by a Protocol here, so that this subject does not know
the SDK. Who calls it has checked that each activity belongs to its inbox item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.organizations.models import Employee
from schema.progress import daily_logs
from schema.progress.matching import Suggestion
from schema.progress.rules import Proof, Span, check_proof, span_of
from schema.progress.suggesting import Work, suggestions
from schema.values import CAPITAL_TIMEZONE, uuid7

# The people of a batch, and those whose records it takes back. Locked in the order of their keys,
# so that two transactions never wait for each other crosswise.
PEOPLE = """
SELECT e.id, e.agency_id, e.nip, e.name, e.timezone, e.superiors, e.agency_id = i.agency_id AS ours
FROM employee e JOIN installation i ON i.id = $1
WHERE (e.nip = ANY ($2::text[]) AND e.agency_id = i.agency_id)
  OR e.id = ANY (ARRAY(SELECT a.employee_id FROM activity a
    WHERE a.installation_id = $1 AND a.source_id = ANY ($3::text[])))
ORDER BY e.id FOR NO KEY UPDATE OF e
"""

KEEP = """
INSERT INTO activity (id, installation_id, inbox_item_id, source_id, employee_id, kind, title,
  description, category, occurred_at, ended_at, quantity, unit_of_measure, received_at)
SELECT n.id, $1, n.inbox_item_id, n.source_id, n.employee_id, n.kind, n.title,
  n.description, n.category, n.occurred_at, n.ended_at, n.quantity, n.unit_of_measure, $2
FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[],
  $10::text[], $11::timestamptz[], $12::timestamptz[], $13::numeric[], $14::text[])
  AS n (id, inbox_item_id, source_id, employee_id, kind, title, description, category,
    occurred_at, ended_at, quantity, unit_of_measure)
ON CONFLICT (installation_id, source_id) DO NOTHING RETURNING id
"""

RECORD = """
INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
  description, category, activity_id, suggested_target_id, suggestion_score, suggestion_reason,
  suggestion_origin, late, state, created_at)
SELECT n.id, n.agency_id, n.employee_id, n.day, n.starts_at, n.ends_at, n.minutes, n.description,
  n.category, n.activity_id, n.target_id, n.score, n.reason, n.origin, false, 'PENDING', $1
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::date[], $6::timestamptz[], $7::timestamptz[],
  $8::int[], $9::text[], $10::text[], $11::uuid[], $12::uuid[], $13::numeric[], $14::text[],
  $15::text[])
  AS n (id, agency_id, employee_id, day, starts_at, ends_at, minutes, description, category,
    activity_id, target_id, score, reason, origin)
"""

PROVE = """
INSERT INTO evidence (id, record_id, position, title, url, from_source)
SELECT n.*, true
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[]) AS n
"""

NOTE = """
INSERT INTO record_event (id, record_id, kind, actor, at, changes)
SELECT n.id, n.record_id, 'RECEIVED', $1, $2, '{}'
FROM unnest($3::uuid[], $4::uuid[]) AS n (id, record_id)
"""


class SourceProof(Protocol):
    """Evidence as a source gives it."""

    @property
    def title(self) -> str: ...
    @property
    def url(self) -> str: ...


class SourceActivity(Protocol):
    """What a source says that somebody did; without an end it is an instant."""

    @property
    def source_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def category(self) -> str | None: ...
    @property
    def occurred_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime | None: ...
    @property
    def quantity(self) -> Decimal | None: ...
    @property
    def unit_of_measure(self) -> str | None: ...
    @property
    def evidence(self) -> Sequence[SourceProof]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An activity with the inbox item that it came in and the employee whose it is."""

    inbox_item_id: UUID
    activity: SourceActivity
    employee: Employee


@dataclass(frozen=True, slots=True)
class _Taken:
    """An arrival that is new, with the keys of its rows."""

    activity_id: UUID
    record_id: UUID
    arrival: Arrival
    span: Span


def check_activity(activity: SourceActivity, now: datetime) -> None:
    """Nothing for an activity that can become a record of whoever did it.

    Raises:
        DomainError: the time or the evidence cannot be: over 24 hours, in the future, long ago.
    """
    _span(activity, CAPITAL_TIMEZONE, now)
    check_proof([Proof(one.title, one.url) for one in activity.evidence])


def _span(activity: SourceActivity, timezone: str, now: datetime) -> Span:
    return span_of(activity.occurred_at, activity.ended_at or activity.occurred_at, timezone, now)


async def people_of(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    nips: Sequence[str],
    retracted: Sequence[str] = (),
) -> dict[str, Employee]:
    """The employees with these NIPs in the installation's agency; another agency's are unknown.

    They are locked, and with them those of whom the installation takes `retracted` back.
    """
    rows = await connection.execute_query_dict(
        PEOPLE, [installation_id, sorted(set(nips)), sorted(set(retracted))]
    )
    wanted = set(nips)
    return {
        row["nip"]: Employee._init_from_db(**{k: v for k, v in row.items() if k != "ours"})
        for row in rows
        if row["ours"] and row["nip"] in wanted
    }


async def take_in(
    connection: BaseDBAsyncClient,
    *,
    installation_id: UUID,
    plugin: str,
    arrivals: Sequence[Arrival],
    now: datetime,
) -> list[str]:
    """Pending records of those activities that are new; the source ids of these.

    The employees must be locked, as `people_of` does.

    Raises:
        DomainError: as `check_activity`.
    """
    named = {one.activity.source_id: one for one in reversed(arrivals)}
    taken = [
        _Taken(uuid7(), uuid7(), one, _span(one.activity, one.employee.timezone, now))
        for one in arrivals
        if named[one.activity.source_id] is one
    ]
    for one in taken:
        check_proof([Proof(proof.title, proof.url) for proof in one.arrival.activity.evidence])
    taken = await _keep(connection, installation_id, taken, now)
    if not taken:
        return []
    found = await suggestions(connection, installation_id, [_work(one, plugin) for one in taken])
    await _record(connection, list(zip(taken, found, strict=True)), now)
    await _prove(connection, taken)
    await connection.execute_query_dict(
        NOTE,
        [f"connector:{plugin}", now, [uuid7() for _ in taken], [one.record_id for one in taken]],
    )
    await daily_logs.add_pending(connection, [(one.arrival.employee.id, one.span) for one in taken])
    await events.append_many(
        connection,
        EventKind.PROGRESS_RECEIVED,
        [(one.record_id, one.arrival.employee.id) for one in taken],
    )
    return [one.arrival.activity.source_id for one in taken]


def _work(one: _Taken, plugin: str) -> Work:
    activity = one.arrival.activity
    return Work(
        employee_id=one.arrival.employee.id,
        day=one.span.day,
        plugin=plugin,
        kind=activity.kind,
        title=activity.title,
        description=activity.description,
        category=activity.category,
    )


async def _keep(
    connection: BaseDBAsyncClient,
    installation_id: UUID,
    taken: Sequence[_Taken],
    now: datetime,
) -> list[_Taken]:
    """Those whose activity was not kept before."""
    said = [one.arrival.activity for one in taken]
    rows = await connection.execute_query_dict(
        KEEP,
        [
            installation_id,
            now,
            [one.activity_id for one in taken],
            [one.arrival.inbox_item_id for one in taken],
            [one.source_id for one in said],
            [one.arrival.employee.id for one in taken],
            [one.kind for one in said],
            [one.title for one in said],
            [one.description for one in said],
            [one.category for one in said],
            [one.occurred_at for one in said],
            [one.ended_at for one in said],
            [one.quantity for one in said],
            [one.unit_of_measure for one in said],
        ],
    )
    kept = {row["id"] for row in rows}
    return [one for one in taken if one.activity_id in kept]


async def _record(
    connection: BaseDBAsyncClient,
    taken: Sequence[tuple[_Taken, Suggestion | None]],
    now: datetime,
) -> None:
    rows: list[tuple[Any, ...]] = [
        (
            one.record_id,
            one.arrival.employee.agency_id,
            one.arrival.employee.id,
            one.span.day,
            one.span.starts_at,
            one.span.ends_at,
            one.span.minutes,
            one.arrival.activity.title,
            one.arrival.activity.category,
            one.activity_id,
            found and found.target_id,
            found and found.score,
            found and found.reason,
            found and str(found.origin),
        )
        for one, found in taken
    ]
    await connection.execute_query_dict(RECORD, [now, *map(list, zip(*rows, strict=True))])


async def _prove(connection: BaseDBAsyncClient, taken: Sequence[_Taken]) -> None:
    rows = [
        (uuid7(), one.record_id, position, proof.title, proof.url)
        for one in taken
        for position, proof in enumerate(one.arrival.activity.evidence, start=1)
    ]
    if rows:
        await connection.execute_query_dict(PROVE, [*map(list, zip(*rows, strict=True))])
