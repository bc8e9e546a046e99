"""What is signed, sealed, worked out and loaded stays: by the rights of the application itself."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from tortoise.exceptions import IntegrityError, OperationalError

from schema.appraisals.models import Appraisal
from schema.tables import dicts_of
from tests.appraising import RATED_AT, appraisal_of, december, rate, sign, undone
from tests.copies import Copies
from tests.factories import STAFF, World, copied_world

MONTH, NEXT = "month 10", "month 9"
REFUSED = (IntegrityError, OperationalError)
SEAL = """INSERT INTO appraisal_seal (id, appraisal_id, document, digest, sealed_at)
  SELECT gen_random_uuid(), a.id, '{}', encode(sha256('{}'), 'hex'), $2 FROM appraisal a
  WHERE a.id = $1"""
LINE = """INSERT INTO appraisal_line (id, appraisal_id, behaviour, rating)
  VALUES (gen_random_uuid(), $1, 'LOYAL', 'BELOW')"""
ASK = """INSERT INTO feedback_request
  (id, appraisal_id, respondent_id, relation, asked_by, asked_at, closes_at, smallest_group)
  SELECT gen_random_uuid(), a.id, a.appraiser_id, 'PEER', 'p', $2, $2, 2 FROM appraisal a
  WHERE a.id = $1"""
ANSWER = """INSERT INTO feedback_answer (id, request_id, behaviour, score)
  SELECT gen_random_uuid(), q.id, 'LOYAL', 1 FROM feedback_request q WHERE q.appraisal_id = $1"""
RULES = """INSERT INTO rule_set
  (id, agency_id, kind, code, version, starts_on, source, body, digest, loaded_by, loaded_at)
  SELECT gen_random_uuid(), a.agency_id, 'WEIGHT', 'x', 99, '2026-01-01', '-', '{}',
    repeat('0', 64), 'p', $2 FROM appraisal a WHERE a.id = $1"""
CHANGES: dict[str, tuple[str, Sequence[Any]]] = {
    "a rating": ("UPDATE appraisal SET work_reason = 'lain' WHERE id = $1", ()),
    "back to open": ("UPDATE appraisal SET state = 'RATED', signed_at = NULL WHERE id = $1", ()),
    "removed": ("DELETE FROM appraisal WHERE id = $1", ()),
    "a line more": (LINE, ()),
    "a line less": ("DELETE FROM appraisal_line WHERE appraisal_id = $1", ()),
    "another seal": (SEAL, (RATED_AT,)),
    "the seal": ("UPDATE appraisal_seal SET document = '{}' WHERE appraisal_id = $1", ()),
    "no seal": ("DELETE FROM appraisal_seal WHERE appraisal_id = $1", ()),
    "its history": ("UPDATE appraisal_event SET comment = '' WHERE appraisal_id = $1", ()),
    "an answer more": (ANSWER, ()),
    "rules under another digest": (RULES, (RATED_AT,)),
}


@pytest.fixture(scope="module")
async def world(copies: Copies) -> AsyncIterator[World]:
    async with copied_world(copies, december) as world:
        yield world


async def signed(world: World) -> Appraisal:
    """With a line and a question for feedback."""
    row = await appraisal_of(world, STAFF, MONTH)
    await dicts_of(ASK, [row.id, RATED_AT])
    row = await rate(world, "supervisor", row)
    await dicts_of(LINE, [row.id])
    await sign(world, "supervisor", row, now=RATED_AT.replace(month=12, day=30))
    return row


async def refused(statement: str, values: Sequence[Any]) -> None:
    with pytest.raises(REFUSED):
        await dicts_of(statement, list(values))


@pytest.mark.parametrize("name", CHANGES)
@undone
async def test_nothing_of_a_signed_appraisal_is_changed(world: World, name: str) -> None:
    row, (statement, more) = await signed(world), CHANGES[name]

    await refused(statement, [row.id, *more])


@undone
async def test_a_line_is_not_carried_away_from_a_signed_appraisal(world: World) -> None:
    row, other = await signed(world), await appraisal_of(world, STAFF, NEXT)

    away = "UPDATE appraisal_line SET appraisal_id = $2 WHERE appraisal_id = $1"
    await refused(away, [row.id, other.id])


@undone
async def test_what_is_not_signed_has_no_seal(world: World) -> None:
    row = await rate(world, "supervisor", await appraisal_of(world, STAFF, MONTH))

    await refused(SEAL, [row.id, RATED_AT])
