"""Use cases of the worker: take notices that are due to be sent, and note what became of them.

Taking is a lease: a worker that dies leaves its notices to another, once the lease is over. So a
notice is sent at least once, and the same one again carries the same id; a channel that can tell
a repeat by it drops it.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.feeds import problems
from schema.feeds.models import ProblemCode
from schema.notices.models import DeliveryState, NoticeKind
from schema.notices.rules import LONGEST_WISH, MOST_ATTEMPTS, after_quiet, pause_after
from schema.notices.timing import POLICY, policy_of
from schema.tables import dicts_of, transaction
from schema.values import local_date, storable_text

AT_ONCE = 25
"""Notices in one call of a channel: at a second each it is still answered within the deadline."""
LEASE = timedelta(minutes=5)
"""Longer than any call of a plugin may take."""
LONGEST_PROBLEM = 2_000
TOO_OLD = "not sent: no channel took it on its day"
MUTED = "not sent: the recipient has muted this kind meanwhile"
STOPPED = "not sent: the agency's policy allows no notices any more"
DIED = f"given up: the worker died {MOST_ATTEMPTS} times while it was sent"

# Any that is due: one agency's many notices do not hold up another's few.
PICK = """
SELECT i.id, i.failures FROM installation i
WHERE i.enabled AND NOT i.paused AND i.halted_at IS NULL
  AND (i.failures = 0 OR i.next_poll_at <= $1)
  AND EXISTS (SELECT FROM notice_delivery d WHERE d.installation_id = i.id
    AND d.state = 'WAITING' AND d.due_at <= $1)
ORDER BY random() LIMIT 1
"""
TAKE = f"""
SELECT d.id, d.attempts, n.id AS notice_id, n.kind, n.day, n.subject, n.body, n.facts,
  e.name, e.nip, e.timezone, c.address, coalesce(c.muted, '{{}}') AS muted,
  CASE WHEN y.id IS NOT NULL THEN {POLICY} END AS policy
FROM notice_delivery d JOIN notice n ON n.id = d.notice_id JOIN employee e ON e.id = n.employee_id
LEFT JOIN contact c ON c.employee_id = e.id
LEFT JOIN LATERAL policy_on(n.agency_id, ($2::timestamptz AT TIME ZONE e.timezone)::date) y
  ON true
WHERE d.installation_id = $1 AND d.state = 'WAITING' AND d.due_at <= $2
ORDER BY d.due_at, d.id LIMIT $3 FOR UPDATE OF d SKIP LOCKED
"""  # noqa: S608  constant
# What was settled meanwhile, or taken by another after a lease, is left as it is.
SETTLE = """
UPDATE notice_delivery d SET state = v.state, due_at = v.due_at, attempts = v.after,
  problem = v.problem, delivered_at = CASE WHEN v.state = 'DELIVERED' THEN $1::timestamptz END
FROM unnest($2::uuid[], $3::int[], $4::text[], $5::timestamptz[], $6::int[], $7::text[])
  AS v (id, before, state, due_at, after, problem)
WHERE d.id = v.id AND d.attempts = v.before AND d.state = 'WAITING'
"""


class Outcome(StrEnum):
    """What a channel says of a notice."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """A notice on its way through a channel; `attempts` counts this one."""

    delivery_id: UUID
    attempts: int
    notice_id: UUID
    kind: NoticeKind
    name: str
    nip: str
    address: str | None
    subject: str
    body: str
    day: date
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """Notices that one call takes to one channel; `failures` are its calls that failed in a row."""

    installation_id: UUID
    failures: int
    notices: Sequence[Sending]


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What became of one notice; `again_after` is what the channel asked for."""

    outcome: Outcome
    detail: str = ""
    again_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """How a delivery goes on."""

    id: UUID
    before: int
    state: DeliveryState
    due_at: datetime
    after: int
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How a parcel ended, in numbers."""

    delivered: int = 0
    failed: int = 0
    again: int = 0


async def take(now: datetime) -> Parcel | None:
    """Notices that one channel is to be given now; None: nothing is due.

    A parcel may be empty: what was due was too old, muted meanwhile, or is put off until the
    recipient's quiet hours are over. Paused channels and those whose breaker waits are left out.
    """
    async with transaction() as connection:
        picked = await connection.execute_query_dict(PICK, [now])
        if not picked:
            return None
        key = UUID(str(picked[0]["id"]))
        rows = await connection.execute_query_dict(TAKE, [key, now, AT_ONCE])
        fates = [fate_of(row, now) for row in rows]
        await _settle(connection, fates, now)
        sent = [
            _sending(row)
            for row, fate in zip(rows, fates, strict=True)
            if fate.state is DeliveryState.WAITING and fate.after > fate.before
        ]
        return Parcel(installation_id=key, failures=picked[0]["failures"], notices=sent)


def fate_of(row: Any, now: datetime) -> Fate:
    """What becomes of a delivery that is due: it is taken, put off, or given up."""
    before = row["attempts"]
    taken = Fate(
        id=row["id"],
        before=before,
        state=DeliveryState.WAITING,
        due_at=now + LEASE,
        after=before + 1,
    )
    policy = policy_of(row["policy"])
    free_at = after_quiet(policy, now, row["timezone"])
    why = STOPPED if policy.notices_per_day == 0 else _given_up(row, free_at)
    if why is not None:
        return replace(taken, state=DeliveryState.FAILED, due_at=now, after=before, problem=why)
    return replace(taken, due_at=free_at, after=before) if free_at > now else taken


def _given_up(row: Any, free_at: datetime) -> str | None:
    """Why a delivery that is due, and would go out at `free_at`, is not tried any more, if so.

    A notice of another day than the recipient's would be one more than the policy's number there.
    """
    if local_date(free_at, row["timezone"]) > row["day"]:
        return TOO_OLD
    if row["kind"] in row["muted"]:
        return MUTED
    return DIED if row["attempts"] >= MOST_ATTEMPTS else None


def _sending(row: Any) -> Sending:
    return Sending(
        delivery_id=row["id"],
        attempts=row["attempts"] + 1,
        notice_id=row["notice_id"],
        kind=NoticeKind(row["kind"]),
        name=row["name"],
        nip=row["nip"],
        address=row["address"],
        subject=row["subject"],
        body=row["body"],
        day=row["day"],
        facts=json.loads(row["facts"]),
    )


async def settle(
    parcel: Parcel,
    said: Sequence[Said],
    now: datetime,
    spread: Callable[[], float],
    code: ProblemCode = ProblemCode.SERVICE_UNREACHABLE,
) -> Settled:
    """Note what became of each notice of a parcel, in its order.

    One that was tried too often is given up with its last problem, and the connector's
    administrator is told under `code`.
    """
    pairs = list(zip(parcel.notices, said, strict=True))
    fates = [after_answer(one, answer, now, spread()) for one, answer in pairs]
    worn = [
        fate
        for fate, (_, answer) in zip(fates, pairs, strict=True)
        if fate.state is DeliveryState.FAILED and answer.outcome is Outcome.RETRY
    ]
    async with transaction() as connection:
        await _settle(connection, fates, now)
        if worn:
            detail = f"{len(worn)} notices given up, the last: {worn[-1].problem}"
            await problems.note(connection, parcel.installation_id, code, detail, now)
    states = [fate.state for fate in fates]
    return Settled(
        delivered=states.count(DeliveryState.DELIVERED),
        failed=states.count(DeliveryState.FAILED),
        again=states.count(DeliveryState.WAITING),
    )


def after_answer(one: Sending, said: Said, now: datetime, spread: float) -> Fate:
    """How a delivery goes on after its channel's answer: pure."""
    done = Fate(
        id=one.delivery_id,
        before=one.attempts,
        state=DeliveryState.DELIVERED,
        due_at=now,
        after=one.attempts,
    )
    if said.outcome is Outcome.DELIVERED:
        return done
    problem = storable_text(said.detail, LONGEST_PROBLEM) or "no reason given"
    failed = replace(done, state=DeliveryState.FAILED, problem=problem)
    if said.outcome is Outcome.REFUSED or one.attempts >= MOST_ATTEMPTS:
        return failed
    pause = max(
        pause_after(one.attempts, spread), min(said.again_after or timedelta(0), LONGEST_WISH)
    )
    return replace(failed, state=DeliveryState.WAITING, due_at=now + pause)


async def _settle(connection: BaseDBAsyncClient, fates: Sequence[Fate], now: datetime) -> None:
    if not fates:
        return
    columns = [
        [one.id for one in fates],
        [one.before for one in fates],
        [str(one.state) for one in fates],
        [one.due_at for one in fates],
        [one.after for one in fates],
        [one.problem for one in fates],
    ]
    await connection.execute_query_dict(SETTLE, [now, *columns])


COUNTS = """
SELECT (SELECT count(*) FROM notice_delivery WHERE state = 'WAITING' AND due_at <= $1) AS waiting,
  (SELECT count(*) FROM notice_delivery WHERE state = 'DELIVERED' AND delivered_at > $2)
    AS delivered,
  (SELECT count(*) FROM notice_delivery WHERE state = 'FAILED' AND due_at > $2) AS failed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Deliveries that are due, and those that ended within a day."""

    waiting: int
    delivered: int
    failed: int


async def counts(now: datetime) -> Counts:
    """How deliveries stand in the whole database."""
    (row,) = await dicts_of(COUNTS, [now, now - timedelta(days=1)])
    return Counts(**row)
