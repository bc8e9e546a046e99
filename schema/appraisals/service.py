"""Use cases of appraisals: open them, rate them, accept, object, decide on an objection.

One function, one transaction. Each locks what it changes, checks what the caller may do from its
state, and that they know its present version. Signing is in `signing.py`, units' own results in
`unit_ratings.py`.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_administer
from schema.appraisals.holding import (
    Held,
    actors_of,
    check_version,
    decides,
    held_one,
    share_units,
    unit_results,
)
from schema.appraisals.judging import Circumstance, Judged, Ratings, content_of, judged
from schema.appraisals.models import Appraisal, AppraisalEventKind
from schema.appraisals.opening import open_missing
from schema.appraisals.rating import Rated, RatingDraft, rate_all
from schema.appraisals.rules import objection_until
from schema.appraisals.steps import Actor, ObjectionOutcome, check_actor, check_state
from schema.appraisals.writing import Change, codes_of, contents_of, put, replace_lines, save
from schema.checks import LONGEST_TITLE, invalid, text_of
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Unit
from schema.plans.models import EvaluationPeriod
from schema.policies.service import policy_on
from schema.tables import transaction
from schema.values import local_date

MOST_AT_ONCE = 500
"""Appraisals that are rated in one call."""


async def open_appraisals(scope: Scope, evaluation_period_id: UUID, now: datetime) -> int:
    """An appraisal for each agreed plan that has days in an evaluation period and none in it yet;
    how many. Those that are not rated follow their plans and posts.

    Raises:
        NotFound: no such period, or not the viewer's to administer.
    """
    async with transaction() as connection:
        of = EvaluationPeriod.filter(id=evaluation_period_id).using_db(connection)
        row = await of.select_related("period").first()
        if row is None or not can_administer(scope, row.period.agency_id):
            raise NotFound("Evaluation period")
        return await open_missing(connection, row.id, scope.subject, now)


async def rate(scope: Scope, drafts: Sequence[RatingDraft | DomainError], now: datetime) -> Rated:
    """Rate work results and behaviour, many at once: each that can be is, in one transaction. What
    could not be read comes as its refusal, and is answered in its place.

    Raises:
        DomainError: none or too many were chosen.
    """
    if not drafts:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="appraisals")
    if len(drafts) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="appraisals", limit=MOST_AT_ONCE)
    async with transaction() as connection:
        return await rate_all(connection, scope, drafts, now)


async def accept(scope: Scope, appraisal_id: UUID, version: int, now: datetime) -> Appraisal:
    """The employee accepts the ratings that they have read.

    Raises:
        NotFound: no such appraisal, or not the viewer's to see.
        DomainError: CONFLICT; it is not theirs, or not rated.
    """
    return await _answer(scope, appraisal_id, version, AppraisalEventKind.ACCEPTED, now)


async def object_to(
    scope: Scope, appraisal_id: UUID, version: int, reason: str, now: datetime
) -> Appraisal:
    """The employee objects (*keberatan*) to the ratings, within the days that the policy gives.

    Raises:
        NotFound: no such appraisal, or not the viewer's to see.
        DomainError: CONFLICT; it is not theirs, or not rated; the reason is missing; the days are
            over.
    """
    said = text_of(reason, missing=ErrorCode.REASON_MISSING, field="reason", longest=LONGEST_TITLE)
    return await _answer(scope, appraisal_id, version, AppraisalEventKind.OBJECTED, now, said)


async def _answer(
    scope: Scope,
    appraisal_id: UUID,
    version: int,
    kind: AppraisalEventKind,
    now: datetime,
    comment: str | None = None,
) -> Appraisal:
    async with transaction() as connection:
        held = await held_one(connection, scope, appraisal_id)
        step = check_actor(kind, actors_of(scope, held.appraisal, held.person))
        await check_version(connection, held.appraisal, version)
        check_state(step, held.appraisal.state)
        if kind is AppraisalEventKind.OBJECTED:
            await _check_in_time(connection, held, now)
        held.appraisal.state = step.to
        await save(connection, [Change(held.appraisal, kind, comment)], scope.subject, now)
    return held.appraisal


async def _check_in_time(connection: BaseDBAsyncClient, held: Held, now: datetime) -> None:
    """Raises:
    DomainError: the days in which to object are over.
    """
    rated_at, zone = held.appraisal.rated_at, held.person.timezone
    assert rated_at is not None
    policy = await policy_on(connection, held.appraisal.agency_id, local_date(rated_at, zone))
    until = objection_until(rated_at, zone, policy.objection_days)
    assert until is not None
    if local_date(now, zone) > until:
        raise DomainError(ErrorCode.OBJECTION_OVER, deadline=until)


async def decide(
    scope: Scope,
    appraisal_id: UUID,
    version: int,
    outcome: ObjectionOutcome,
    comment: str,
    ratings: Ratings | None,
    now: datetime,
) -> Appraisal:
    """Decide on an objection, above whoever rated: the ratings are upheld, or others replace them.

    Raises:
        NotFound: no such appraisal, or not the viewer's to see.
        DomainError: CONFLICT; it is not theirs to decide, or nobody objected; the comment is
            missing; ratings are missing, incomplete, the same as before, or given in vain.
    """
    said = text_of(
        comment, missing=ErrorCode.REASON_MISSING, field="comment", longest=LONGEST_TITLE
    )
    if (ratings is None) is (outcome is ObjectionOutcome.CHANGED):
        raise invalid("ratings", "ratings are given with CHANGED, and only with it")
    async with transaction() as connection:
        unit = await Appraisal.filter(id=appraisal_id).using_db(connection).first()
        await share_units(connection, [] if unit is None else [unit.unit_id])
        held = await held_one(connection, scope, appraisal_id)
        kind = AppraisalEventKind(outcome)
        actors = actors_of(scope, held.appraisal, held.person)
        if await decides(connection, scope, held.appraisal, held.person):
            actors.add(Actor.DECIDER)
        step = check_actor(kind, actors)
        await check_version(connection, held.appraisal, version)
        check_state(step, held.appraisal.state)
        change = await _decided(connection, held, kind, ratings, said)
        held.appraisal.state = step.to
        await save(connection, [change], scope.subject, now)
    return held.appraisal


async def _decided(
    connection: BaseDBAsyncClient,
    held: Held,
    kind: AppraisalEventKind,
    ratings: Ratings | None,
    comment: str,
) -> Change:
    """The decision, with the lines that it replaces.

    Raises:
        DomainError: the ratings cannot be, or change nothing; or they stand, and the head's unit
            was rated anew since.
    """
    row = held.appraisal
    results = await unit_results(connection, [row] if row.heads_unit else [])
    result = results.get((row.unit_id, row.evaluation_period_id))
    if ratings is None:
        if result is not None and result.id != row.unit_rating_id:
            raise invalid("outcome", "the unit was rated anew since: CHANGED takes that over")
        return Change(row, kind, comment)
    codes = (await codes_of(connection, [row]))[row.id]
    before = (await contents_of(connection, [row], codes))[row.id]
    unit = await Unit.get(id=row.unit_id, using_db=connection)
    of = Circumstance(heads_unit=row.heads_unit, unit=unit.name, unit_result=result, codes=codes)
    judgement = _judged(ratings, of)
    after = content_of(judgement, judgement.lines, codes)
    if after == before:
        raise invalid("ratings", "these are the ratings as they were: UPHELD keeps them")
    put(row, judgement)
    await replace_lines(connection, [(row, judgement)])
    return Change(row, kind, comment, before, after)


def _judged(ratings: Ratings, of: Circumstance) -> Judged:
    """As `judged`, with fields named as in the input."""
    try:
        return judged(ratings, of)
    except DomainError as error:
        error.field = f"ratings.{error.field}"
        raise
