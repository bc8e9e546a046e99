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

import orjson
from tortoise.backends.base.client import BaseDBAsyncClient

from schema import events
from schema.events import EventKind
from schema.progress import daily_logs
from schema.progress.matching import Suggestion
from schema.progress.models import RecordState
from schema.progress.rules import Proof, Span, check_proof, span_of
from schema.progress.suggesting import Work, suggestions
from schema.values import CAPITAL_TIMEZONE, uuid7

# The people of a batch, and those whose records it takes back. Locked in the order of their keys,
# so that two transactions never wait for each other crosswise.
PEOPLE = """
SELECT e.id, e.agency_id, e.nip, e.timezone, e.agency_id = i.agency_id AS ours
FROM employee e JOIN installation i ON i.id = $1
WHERE (e.nip = ANY ($2::text[]) AND e.agency_id = i.agency_id)
  OR e.id = ANY (ARRAY(SELECT a.employee_id FROM activity a
    WHERE a.installation_id = $1 AND a.source_id = ANY ($3::text[])))
ORDER BY e.id FOR NO KEY UPDATE OF e
"""

# One text of JSON for all rows: encoding an array for each column cost as much as the insert.
KEEP = """
WITH given AS MATERIALIZED (
  SELECT * FROM json_to_recordset($5::json) AS n (activity_id uuid, record_id uuid, note_id uuid,
    inbox_item_id uuid, source_id text, agency_id uuid, employee_id uuid, kind text, title text,
    description text, category text, occurred_at timestamptz, ended_at timestamptz,
    quantity numeric, unit_of_measure text, day date, starts_at timestamptz, ends_at timestamptz,
    minutes int, target_id uuid, score numeric, reason text, origin text)
), kept AS (
  INSERT INTO activity (id, installation_id, inbox_item_id, source_id, employee_id, kind, title,
    description, category, occurred_at, ended_at, quantity, unit_of_measure, received_at)
  SELECT activity_id, $1, inbox_item_id, source_id, employee_id, kind, title, description,
    category, occurred_at, ended_at, quantity, unit_of_measure, $2 FROM given
  ON CONFLICT (installation_id, source_id) DO NOTHING RETURNING id
), new AS MATERIALIZED (
  SELECT given.* FROM given JOIN kept ON kept.id = given.activity_id
), recorded AS (
  INSERT INTO progress_record (id, agency_id, employee_id, day, starts_at, ends_at, minutes,
    description, category, activity_id, suggested_target_id, suggestion_score, suggestion_reason,
    suggestion_origin, late, state, created_at)
  SELECT record_id, agency_id, employee_id, day, starts_at, ends_at, minutes, title, category,
    activity_id, target_id, score, reason, origin, false, $3, $2 FROM new
), noted AS (
  INSERT INTO record_event (id, record_id, kind, actor, at, changes)
  SELECT note_id, record_id, 'RECEIVED', $4, $2, '{}' FROM new
)
SELECT id FROM kept
"""

PROVE = """
INSERT INTO evidence (id, record_id, position, title, url, from_source)
SELECT n.*, true
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[]) AS n
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


@dataclass(frozen=True, slots=True)
class Doer:
    """The employee whose an activity is."""

    id: UUID
    agency_id: UUID
    nip: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An activity with the inbox item that it came in and the employee whose it is."""

    inbox_item_id: UUID
    activity: SourceActivity
    doer: Doer


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
) -> dict[str, Doer]:
    """The employees with these NIPs in the installation's agency; another agency's are unknown.

    They are locked, and with them those of whom the installation takes `retracted` back.
    """
    rows = await connection.execute_query_dict(
        PEOPLE, [installation_id, sorted(set(nips)), sorted(set(retracted))]
    )
    wanted = set(nips)
    return {
        row["nip"]: Doer(row["id"], row["agency_id"], row["nip"], row["timezone"])
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
        _Taken(uuid7(), uuid7(), one, _span(one.activity, one.doer.timezone, now))
        for one in arrivals
        if named[one.activity.source_id] is one
    ]
    for one in taken:
        check_proof([Proof(proof.title, proof.url) for proof in one.arrival.activity.evidence])
    found = await suggestions(connection, installation_id, [_work(one, plugin) for one in taken])
    rows = [_row(one, hint) for one, hint in zip(taken, found, strict=True)]
    kept = await connection.execute_query_dict(
        KEEP,
        [
            installation_id,
            now,
            str(RecordState.PENDING),
            f"connector:{plugin}",
            orjson.dumps(rows, default=str).decode(),
        ],
    )
    new = {row["id"] for row in kept}
    taken = [one for one in taken if one.activity_id in new]
    await _prove(connection, taken)
    await daily_logs.add_pending(connection, [(one.arrival.doer.id, one.span) for one in taken])
    await events.append_many(
        connection,
        EventKind.PROGRESS_RECEIVED,
        [(one.record_id, one.arrival.doer.id) for one in taken],
    )
    return [one.arrival.activity.source_id for one in taken]


def _work(one: _Taken, plugin: str) -> Work:
    activity = one.arrival.activity
    return Work(
        employee_id=one.arrival.doer.id,
        day=one.span.day,
        plugin=plugin,
        kind=activity.kind,
        title=activity.title,
        description=activity.description,
        category=activity.category,
    )


def _row(one: _Taken, found: Suggestion | None) -> dict[str, Any]:
    """The rows of one activity, as `KEEP` reads them."""
    activity, doer, span = one.arrival.activity, one.arrival.doer, one.span
    row: dict[str, Any] = {
        "activity_id": one.activity_id,
        "record_id": one.record_id,
        "note_id": uuid7(),
        "inbox_item_id": one.arrival.inbox_item_id,
        "source_id": activity.source_id,
        "agency_id": doer.agency_id,
        "employee_id": doer.id,
        "kind": activity.kind,
        "title": activity.title,
        "description": activity.description,
        "category": activity.category,
        "occurred_at": activity.occurred_at,
        "ended_at": activity.ended_at,
        "quantity": activity.quantity,
        "unit_of_measure": activity.unit_of_measure,
        "day": span.day,
        "starts_at": span.starts_at,
        "ends_at": span.ends_at,
        "minutes": span.minutes,
    }
    if found is not None:
        row |= {
            "target_id": found.target_id,
            "score": found.score,
            "reason": found.reason,
            "origin": found.origin,
        }
    return row


async def _prove(connection: BaseDBAsyncClient, taken: Sequence[_Taken]) -> None:
    rows = [
        (uuid7(), one.record_id, position, proof.title, proof.url)
        for one in taken
        for position, proof in enumerate(one.arrival.activity.evidence, start=1)
    ]
    if rows:
        await connection.execute_query_dict(PROVE, [*map(list, zip(*rows, strict=True))])
