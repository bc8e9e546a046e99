"""The outbox of signed appraisals: queued with the signature, taken by a worker, and settled.

Taking is a lease: a worker that dies leaves its results to another once the lease is over. So a
result is sent at least once, always under the same id, and its receipt is kept as soon as it came.
What is sent is what was sealed: ratings, names, posts and units as the document has them. A NIP is
the present one, which is what a service looks people up by.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.appraisals.models import Predicate, Rating, SendingState
from schema.appraisals.sending_rules import DIED, MOST_ATTEMPTS, Fate, released
from schema.feeds import problems
from schema.feeds.breaker import PROBE_EVERY
from schema.feeds.models import ProblemCode
from schema.plans.models import EvaluationKind
from schema.tables import dicts_of, transaction
from schema.values import uuid7

CAPABILITY = "results"
AT_ONCE = 25
"""Results of one parcel; each is a call of its own."""
LEASE = timedelta(minutes=10)
"""How long a parcel belongs to the worker that took it."""

# A service keeps one result a person and period: the one of an acting post (Plt., Plh.) would stand
# in the place of the definitive post's, which it adds nothing to. Over the appraisal `a`.
MAIN_POST = """NOT EXISTS (
  SELECT FROM performance_plan p JOIN assignment s ON s.id = p.assignment_id
  JOIN performance_plan q ON q.employee_id = p.employee_id AND q.period_id = p.period_id
    AND q.state IN ('APPROVED', 'CLOSED') AND q.starts_on <= a.ends_on AND q.ends_on >= a.starts_on
  JOIN assignment t ON t.id = q.assignment_id AND t.kind = 'DEFINITIVE'
  WHERE p.id = a.plan_id AND s.kind <> 'DEFINITIVE')"""
# A plugin in quarantine keeps what it could do: its results wait for the version that mends it.
PAIRS = f"""
SELECT a.id AS appraisal_id, i.id AS installation_id FROM appraisal a
JOIN installation i ON i.agency_id = a.agency_id AND i.enabled
JOIN plugin p ON p.name = i.plugin AND '{CAPABILITY}' = ANY (p.capabilities)
WHERE a.id = ANY ($1::uuid[]) AND a.state = 'SIGNED' AND {MAIN_POST}
ORDER BY i.id, a.id
"""  # noqa: S608  constant
QUEUE = """
INSERT INTO result_delivery (id, appraisal_id, installation_id, state, attempts, retry_at)
SELECT v.id, v.appraisal, v.installation, 'WAITING', 0, $4
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS v (id, appraisal, installation)
ON CONFLICT (appraisal_id, installation_id) DO NOTHING
"""
# Any that is due: one agency's many results do not hold up another's few.
PICK = """
SELECT i.id, i.failures FROM installation i
WHERE i.enabled AND NOT i.paused AND i.halted_at IS NULL
  AND (i.failures = 0 OR i.next_poll_at <= $1)
  AND EXISTS (SELECT FROM result_delivery d WHERE d.installation_id = i.id
    AND d.state = 'WAITING' AND (d.retry_at IS NULL OR d.retry_at <= $1))
ORDER BY random() LIMIT 1 FOR NO KEY UPDATE OF i SKIP LOCKED
"""
PROBE = "UPDATE installation SET next_poll_at = $2 WHERE id = $1"
# `career` is of an upper subject: its rank is read here, and nothing else of it.
TAKE = """
WITH taken AS (
  UPDATE result_delivery d SET attempts = d.attempts + 1, retry_at = $3
  FROM (SELECT id FROM result_delivery
    WHERE installation_id = $1 AND state = 'WAITING' AND (retry_at IS NULL OR retry_at <= $2)
    ORDER BY retry_at NULLS FIRST, id LIMIT $4 FOR UPDATE SKIP LOCKED) w
  WHERE d.id = w.id RETURNING d.id, d.appraisal_id, d.attempts)
SELECT t.id, t.attempts, a.id AS appraisal_id, v.kind, a.starts_on, a.ends_on, a.work_rating,
  a.behaviour_rating, a.predicate, r.rank, q.rank AS over_rank, e.nip, h.nip AS over_nip,
  coalesce(z.employee ->> 'name', e.name) AS name,
  coalesce(z.employee ->> 'position', s.position) AS position,
  coalesce(z.employee #>> '{unit,name}', u.name) AS unit,
  coalesce(z.appraiser ->> 'name', h.name) AS over_name,
  coalesce(z.appraiser ->> 'position', o.position) AS over_position,
  coalesce(z.appraiser #>> '{unit,name}', o.unit) AS over_unit
FROM taken t JOIN appraisal a ON a.id = t.appraisal_id
JOIN evaluation_period v ON v.id = a.evaluation_period_id
JOIN employee e ON e.id = a.employee_id
JOIN performance_plan p ON p.id = a.plan_id
JOIN assignment s ON s.id = p.assignment_id
JOIN unit u ON u.id = a.unit_id
LEFT JOIN employee h ON h.id = a.appraiser_id
LEFT JOIN LATERAL (SELECT y.said #> '{inputs,employee}' AS employee,
    y.said #> '{inputs,appraiser}' AS appraiser
  FROM (SELECT c.document::jsonb AS said FROM appraisal_seal c
    WHERE c.appraisal_id = a.id OFFSET 0) y) z ON true
-- Where the seal has no post of the appraiser on the last day: the last that they held.
LEFT JOIN LATERAL (SELECT b.position, n.name AS unit
  FROM assignment b JOIN unit n ON n.id = b.unit_id
  WHERE b.employee_id = a.appraiser_id AND b.starts_on <= a.ends_on
  ORDER BY (b.ends_on IS NULL OR b.ends_on > a.ends_on) DESC, b.kind = 'DEFINITIVE' DESC,
    b.starts_on DESC, b.id DESC LIMIT 1) o ON true
LEFT JOIN LATERAL (SELECT c.rank FROM career c
  WHERE c.employee_id = a.employee_id AND c.starts_on <= a.ends_on
  ORDER BY c.starts_on DESC, c.set_at DESC, c.id DESC LIMIT 1) r ON true
LEFT JOIN LATERAL (SELECT c.rank FROM career c
  WHERE c.employee_id = a.appraiser_id AND c.starts_on <= a.ends_on
  ORDER BY c.starts_on DESC, c.set_at DESC, c.id DESC LIMIT 1) q ON true
ORDER BY t.id
"""
# What was settled meanwhile, or taken by another after a lease, is left as it is.
SETTLE = """
UPDATE result_delivery d SET state = v.state, attempts = v.after, retry_at = v.retry_at,
  received_at = v.received_at, reference = v.reference, message = v.message
FROM unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::timestamptz[], $6::timestamptz[],
    $7::text[], $8::text[])
  AS v (id, before, after, state, retry_at, received_at, reference, message)
WHERE d.id = v.id AND d.attempts = v.before AND d.state = 'WAITING'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as an appraisal names them, by their post of that time."""

    nip: str
    name: str
    position: str | None
    unit: str | None
    rank: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A signed appraisal on its way through a connector; `attempts` counts this one."""

    delivery_id: UUID
    attempts: int
    appraisal_id: UUID
    kind: EvaluationKind
    starts_on: date
    ends_on: date
    employee: Person
    appraiser: Person | None
    work: Rating
    behaviour: Rating
    predicate: Predicate


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Results that a worker may send through one connector until its lease is over; `failures` are
    the connector's in a row until now."""

    installation_id: UUID
    failures: int
    results: Sequence[Sending]


async def queue(connection: BaseDBAsyncClient, keys: Sequence[UUID], now: datetime) -> None:
    """Put signed appraisals on their way to every enabled connector of their agency that takes
    results, in the caller's transaction; those that are there already are passed over."""
    rows = await connection.execute_query_dict(PAIRS, [list(keys)])
    await put(connection, [(row["appraisal_id"], row["installation_id"]) for row in rows], now)


async def put(
    connection: BaseDBAsyncClient, pairs: Sequence[tuple[UUID, UUID]], now: datetime
) -> None:
    """Put appraisals on their way, each to one connector, in the caller's transaction."""
    if pairs:
        columns = [[uuid7() for _ in pairs], *map(list, zip(*pairs, strict=True))]
        await connection.execute_query(QUEUE, [*columns, now])


async def take(now: datetime) -> Parcel | None:
    """Results that one connector is to be given now; None: nothing is due.

    Of a connector that failed last, one result is a probe, and no other worker sends a second
    meanwhile. What workers died of too often is given up.
    """
    async with transaction() as connection:
        picked = await connection.execute_query_dict(PICK, [now])
        if not picked:
            return None
        key, failures = UUID(str(picked[0]["id"])), picked[0]["failures"]
        if failures:
            await connection.execute_query(PROBE, [key, now + PROBE_EVERY])
        most = 1 if failures else AT_ONCE
        rows = await connection.execute_query_dict(TAKE, [key, now, now + LEASE, most])
        worn = [row for row in rows if row["attempts"] > MOST_ATTEMPTS]
        await _settle(connection, key, [_died(row) for row in worn], now)
        sent = [_sending(row) for row in rows if row["attempts"] <= MOST_ATTEMPTS]
        return Parcel(installation_id=key, failures=failures, results=sent)


async def settle(installation_id: UUID, fates: Sequence[Fate], now: datetime) -> None:
    """Note how deliveries go on; the administrator is told of what failed."""
    async with transaction() as connection:
        await _settle(connection, installation_id, fates, now)


async def release(installation_id: UUID, results: Sequence[Sending], now: datetime) -> None:
    """Let results of a parcel go that were not tried."""
    fates = [released(one.delivery_id, one.attempts, now) for one in results]
    await settle(installation_id, fates, now)


async def _settle(
    connection: BaseDBAsyncClient, installation_id: UUID, fates: Sequence[Fate], now: datetime
) -> None:
    if not fates:
        return
    columns = [
        [one.id for one in fates],
        [one.before for one in fates],
        [one.after for one in fates],
        [str(one.state) for one in fates],
        [one.retry_at for one in fates],
        [one.received_at for one in fates],
        [one.reference for one in fates],
        [one.message for one in fates],
    ]
    await connection.execute_query(SETTLE, columns)
    failed = [one for one in fates if one.state is SendingState.FAILED]
    if failed:
        detail = f"{len(failed)} more, the last: {failed[-1].message}"
        await problems.note(connection, installation_id, ProblemCode.RESULTS_HELD, detail, now)


def _died(row: Any) -> Fate:
    attempts = row["attempts"]
    state = SendingState.FAILED
    return Fate(id=row["id"], before=attempts, after=attempts - 1, state=state, message=DIED)


def _sending(row: Any) -> Sending:
    employee = Person(
        nip=row["nip"],
        name=row["name"],
        position=row["position"],
        unit=row["unit"],
        rank=row["rank"],
    )
    over = row["over_nip"] and Person(
        nip=row["over_nip"],
        name=row["over_name"],
        position=row["over_position"],
        unit=row["over_unit"],
        rank=row["over_rank"],
    )
    return Sending(
        delivery_id=row["id"],
        attempts=row["attempts"],
        appraisal_id=row["appraisal_id"],
        kind=EvaluationKind(row["kind"]),
        starts_on=row["starts_on"],
        ends_on=row["ends_on"],
        employee=employee,
        appraiser=over or None,
        work=Rating(row["work_rating"]),
        behaviour=Rating(row["behaviour_rating"]),
        predicate=Predicate(row["predicate"]),
    )


COUNTS = """
SELECT (SELECT count(*) FROM result_delivery WHERE state = 'WAITING') AS waiting,
  (SELECT count(*) FROM result_delivery WHERE state = 'FAILED') AS failed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Results on their way, and those that wait for an administrator."""

    waiting: int
    failed: int


async def counts() -> Counts:
    """How deliveries stand in the whole database."""
    (row,) = await dicts_of(COUNTS, [])
    return Counts(**row)
