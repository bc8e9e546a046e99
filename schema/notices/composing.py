"""Use case of the worker: make the notices whose time has come, a batch of people at a time.

A round is one kind, of one agency's people in one time zone, on one day. It goes through them in
the order of their keys and notes how far it came in the transaction that keeps the notices: two
workers or a crash make nobody told twice or passed over. Each batch takes the same number of
statements, however many people are in it.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from functools import partial
from itertools import product
from uuid import UUID

import msgspec
from tortoise.backends.base.client import BaseDBAsyncClient

from schema.notices.models import NoticeKind
from schema.notices.rules import (
    Digest,
    Nudge,
    TeamFacts,
    after_quiet,
    digest,
    leads_today,
    nudge,
)
from schema.notices.timing import Round, due_rounds
from schema.notices.words import digest_body, digest_subject, nudge_body, nudge_subject
from schema.tables import transaction
from schema.teams.rules import DayFacts
from schema.values import local_date, uuid7

BATCH = {NoticeKind.DIGEST: 100, NoticeKind.NUDGE: 1_000}
"""People in one transaction. A supervisor's team is joined to its days by loops, so a few at once
take less time than many."""

# One at a time composes for an agency, so that two kinds do not both take the day's last place.
LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended('ekinerja notices ' || $1, 0)) AS mine"
BEGIN = """
INSERT INTO notice_round (id, agency_id, kind, timezone, day) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (agency_id, kind, timezone, day) DO NOTHING
"""
ROUND = """
SELECT id, reached, finished_at FROM notice_round
WHERE agency_id = $1 AND kind = $2 AND timezone = $3 AND day = $4 FOR UPDATE
"""
PEOPLE = """
SELECT e.id FROM employee e WHERE e.agency_id = $1 AND e.timezone = $2
  AND ($3::uuid IS NULL OR e.id > $3::uuid) AND EXISTS (SELECT FROM assignment a
    WHERE {post} AND a.starts_on <= $4 AND (a.ends_on IS NULL OR a.ends_on > $4))
ORDER BY e.id LIMIT $5
"""
"""Whoever holds a post on the day, or leads somebody who does."""
ADVANCE = "UPDATE notice_round SET reached = $2, finished_at = $3 WHERE id = $1"

# Whoever wants to hear of this kind, and may be told of one thing more that day.
OPEN = """
SELECT e.id FROM employee e LEFT JOIN contact c ON c.employee_id = e.id
WHERE e.id = ANY ($1::uuid[]) AND NOT ($2 = ANY (coalesce(c.muted, '{}')))
  AND (SELECT count(*) FROM notice n WHERE n.employee_id = e.id AND n.day = $3) < $4
  AND NOT EXISTS (SELECT FROM notice n WHERE n.employee_id = e.id AND n.day = $3 AND n.kind = $2)
"""
POST = {
    NoticeKind.DIGEST: "a.appraiser_id = e.id",
    NoticeKind.NUDGE: "a.employee_id = e.id",
}
DAYS = "SELECT f.employee_id, row_to_json(f) AS facts FROM day_facts($1::uuid[], $2) f"
WAITING = """
SELECT r.employee_id, count(*) AS waiting FROM progress_record r
WHERE r.employee_id = ANY ($1::uuid[]) AND r.state = 'PENDING' GROUP BY r.employee_id
"""
TEAMS = "SELECT f.supervisor_id, row_to_json(f) AS facts FROM digest_facts($1::uuid[], $2) f"

CHANNELS = """
SELECT i.id FROM installation i JOIN plugin p ON p.name = i.plugin
WHERE i.agency_id = $1 AND i.enabled AND 'notices' = ANY (p.capabilities) ORDER BY i.id
"""
KEEP = """
INSERT INTO notice (id, agency_id, employee_id, kind, day, subject, body, facts, created_at)
SELECT n.id, $1, n.employee_id, $2, $3, n.subject, n.body, n.facts::jsonb, $4
FROM unnest($5::uuid[], $6::uuid[], $7::text[], $8::text[], $9::text[])
  AS n (id, employee_id, subject, body, facts)
ON CONFLICT (employee_id, kind, day) DO NOTHING RETURNING id
"""
SEND = """
INSERT INTO notice_delivery (id, notice_id, installation_id, state, due_at, attempts)
SELECT d.id, d.notice_id, d.installation_id, 'WAITING', $1, 0
FROM unnest($2::uuid[], $3::uuid[], $4::uuid[]) AS d (id, notice_id, installation_id)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A notice before it is kept."""

    employee_id: UUID
    subject: str
    body: str
    facts: str


async def compose(now: datetime) -> int | None:
    """Make the notices of one batch that is due. How many; None: nothing is left to look at now.

    Raises nothing of its own: what the database refuses undoes the batch, which is tried again.
    """
    for one in await due_rounds(now):
        made = await compose_batch(one, now)
        if made is not None:
            return made
    return None


async def compose_batch(one: Round, now: datetime) -> int | None:
    """The same of one round; None: it is finished, or another worker is at this agency."""
    place = [one.agency_id, str(one.kind), one.timezone, one.day]
    async with transaction() as connection:
        ask = connection.execute_query_dict
        (lock,) = await ask(LOCK, [str(one.agency_id)])
        if not lock["mine"]:
            return None
        await ask(BEGIN, [uuid7(), *place])
        (row,) = await ask(ROUND, place)
        if row["finished_at"] is not None:
            return None
        asked = [one.agency_id, one.timezone, row["reached"], one.day, BATCH[one.kind]]
        found = await ask(PEOPLE.replace("{post}", POST[one.kind]), asked)
        people = [person["id"] for person in found]
        due_at = after_quiet(one.policy, now, one.timezone)
        told_on = local_date(due_at, one.timezone)
        open_ = await _open(connection, one, people, told_on)
        words = await MAKE[one.kind](connection, open_, one.day, now)
        made = await _keep(connection, one, words, told_on, due_at, now)
        reached = people[-1] if people else row["reached"]
        finished_at = now if len(people) < BATCH[one.kind] else None
        await ask(ADVANCE, [row["id"], reached, finished_at])
        return made


async def _open(
    connection: BaseDBAsyncClient, one: Round, people: Sequence[UUID], told_on: date
) -> list[UUID]:
    most = one.policy.notices_per_day
    rows = await connection.execute_query_dict(OPEN, [people, str(one.kind), told_on, most])
    return [row["id"] for row in rows]


async def _nudges(
    connection: BaseDBAsyncClient, people: Sequence[UUID], day: date, now: datetime
) -> list[Words]:
    waiting = {
        row["employee_id"]: row["waiting"]
        for row in await connection.execute_query_dict(WAITING, [people])
    }
    days = await connection.execute_query_dict(DAYS, [people, day])
    judged = [
        (row["employee_id"], nudge(facts_of(row["facts"]), waiting.get(row["employee_id"], 0), now))
        for row in days
    ]
    return [nudge_words(person, told) for person, told in judged if told is not None]


async def _digests(
    connection: BaseDBAsyncClient, people: Sequence[UUID], day: date, now: datetime
) -> list[Words]:
    days = await connection.execute_query_dict(DAYS, [people, day])
    leading = [row["employee_id"] for row in days if leads_today(facts_of(row["facts"]), now)]
    teams = await connection.execute_query_dict(TEAMS, [leading, day])
    judged = [(row["supervisor_id"], digest(team_of(row["facts"]), now)) for row in teams]
    return [digest_words(person, told) for person, told in judged if told is not None]


MAKE = {NoticeKind.DIGEST: _digests, NoticeKind.NUDGE: _nudges}

facts_of = partial(msgspec.json.decode, type=DayFacts, strict=False)
team_of = partial(msgspec.json.decode, type=TeamFacts, strict=False)


def nudge_words(person: UUID, told: Nudge) -> Words:
    return Words(
        employee_id=person,
        subject=nudge_subject(told),
        body=nudge_body(told),
        facts=json_of(told),
    )


def digest_words(person: UUID, told: Digest) -> Words:
    return Words(
        employee_id=person,
        subject=digest_subject(told),
        body=digest_body(told),
        facts=json_of(told),
    )


def json_of(told: Nudge | Digest) -> str:
    """The facts as they are kept."""
    return json.dumps(asdict(told), default=str)


async def _keep(
    connection: BaseDBAsyncClient,
    one: Round,
    words: Sequence[Words],
    told_on: date,
    due_at: datetime,
    now: datetime,
) -> int:
    """Keep notices, each with its way through every channel of the agency."""
    columns = [[getattr(it, name.name) for it in words] for name in fields(Words)]
    keys = [uuid7() for _ in words]
    kept = await connection.execute_query_dict(
        KEEP, [one.agency_id, str(one.kind), told_on, now, keys, *columns]
    )
    channels = await connection.execute_query_dict(CHANNELS, [one.agency_id])
    ways = [(uuid7(), row["id"], channel["id"]) for row, channel in product(kept, channels)]
    await connection.execute_query_dict(
        SEND, [due_at, *map(list, zip(*ways, strict=True))] if ways else [due_at, [], [], []]
    )
    return len(kept)
