"""Rating many appraisals at once: found or opened, checked one by one, written as a set.

Each that can be rated is; the others are told why, by their place in the input. Few statements,
however many are rated.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_see_appraisal
from schema.appraisals.holding import (
    Held,
    actors_of,
    check_version,
    hold,
    people_of,
    share_units,
    unit_results,
)
from schema.appraisals.judging import Circumstance, Judged, Ratings, content_of, judged
from schema.appraisals.models import Appraisal, AppraisalEventKind, AppraisalState
from schema.appraisals.opening import (
    Pair,
    PlanFacts,
    facts_of,
    facts_of_pairs,
    lock_opening,
    open_these,
)
from schema.appraisals.steps import STEPS, check_actor, check_day, check_state
from schema.appraisals.writing import Change, codes_of, contents_of, put, replace_lines, save
from schema.checks import invalid
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Unit
from schema.plans.models import PlanState
from schema.values import local_date

RATED = AppraisalEventKind.RATED
AGREED = (PlanState.APPROVED, PlanState.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingDraft:
    """Ratings of an appraisal, or of a plan in an evaluation period, on the version that the rater
    knows; 1 where it was not opened."""

    appraisal_id: UUID | None = None
    pair: Pair | None = None
    version: int
    ratings: Ratings


@dataclass(slots=True)
class Rated:
    """What rating many gave: the appraisals, and an error for each place that could not be."""

    appraisals: list[Appraisal] = field(default_factory=list)
    errors: list[tuple[int, DomainError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Found:
    """What the drafts are about: locked appraisals by key, which key a pair has, those that would
    be opened, and the plans and posts as they stand."""

    held: Mapping[UUID, Held]
    keys: Mapping[Pair, UUID]
    unopened: frozenset[UUID]
    facts: Mapping[Pair, PlanFacts]


@dataclass(frozen=True, slots=True)
class Around:
    """What ratings of each appraisal are checked against, and what it says so far."""

    circumstances: Mapping[UUID, Circumstance]
    before: Mapping[UUID, Mapping[str, str]]


async def rate_all(
    connection: BaseDBAsyncClient,
    scope: Scope,
    drafts: Sequence[RatingDraft | DomainError],
    now: datetime,
) -> Rated:
    """Rate those that can be; one that is not opened yet is."""
    found = await _find(connection, [one for one in drafts if isinstance(one, RatingDraft)])
    around = await _around(connection, [held.appraisal for held in found.held.values()])
    outcome = Rated()
    given: dict[UUID, Judged] = {}
    for place, draft in enumerate(drafts):
        if isinstance(draft, DomainError):
            outcome.errors.append((place, draft))
            continue
        try:
            held = _seen(found, draft, scope)
            if held.appraisal.id in given:
                raise invalid("", "an appraisal is rated once in a call")
            await _check(connection, found, held, draft, scope, now)
            judgement = judged(draft.ratings, around.circumstances[held.appraisal.id])
        except DomainError as error:
            outcome.errors.append((place, error))
        else:
            given[held.appraisal.id] = judgement
            outcome.appraisals.append(held.appraisal)
    await _write(connection, scope, found, around, given, now)
    return outcome


async def _find(connection: BaseDBAsyncClient, drafts: Sequence[RatingDraft]) -> Found:
    """Lock what is there. Who opens by rating waits for who opens all of the period."""
    pairs = {draft.pair for draft in drafts if draft.pair is not None}
    await lock_opening(connection, {period for _, period in pairs})
    facts = await facts_of_pairs(connection, pairs) if pairs else {}
    there = await _opened(connection, pairs)
    keys = {draft.appraisal_id for draft in drafts if draft.appraisal_id is not None}
    keys |= set(there.values())
    facts = facts | await facts_of(connection, keys)
    await share_units(connection, {one.unit_id for one in facts.values()})
    held = await hold(connection, keys)
    for one in held.values():
        of = facts[one.appraisal.plan_id, one.appraisal.evaluation_period_id]
        if one.appraisal.state in STEPS[RATED].start and of.starts_on <= of.ends_on:
            of.follow(one.appraisal)
    new = [facts[pair].unopened() for pair in pairs if pair in facts and pair not in there]
    people = await people_of(connection, new)
    held |= {row.id: Held(row, people[row.employee_id]) for row in new}
    by_pair = there | {(row.plan_id, row.evaluation_period_id): row.id for row in new}
    return Found(held, by_pair, frozenset(row.id for row in new), facts)


async def _opened(connection: BaseDBAsyncClient, pairs: set[Pair]) -> dict[Pair, UUID]:
    plans, periods = {plan for plan, _ in pairs}, {period for _, period in pairs}
    rows = Appraisal.filter(plan_id__in=list(plans), evaluation_period_id__in=list(periods))
    found = await rows.using_db(connection).values_list("plan_id", "evaluation_period_id", "id")
    return {(plan, period): key for plan, period, key in found if (plan, period) in pairs}


async def _around(connection: BaseDBAsyncClient, rows: Sequence[Appraisal]) -> Around:
    codes = await codes_of(connection, rows)
    results = await unit_results(connection, [row for row in rows if row.heads_unit])
    units = Unit.filter(id__in=list({row.unit_id for row in rows})).using_db(connection)
    names = {unit.id: unit.name for unit in await units}
    circumstances = {
        row.id: Circumstance(
            heads_unit=row.heads_unit,
            unit=names[row.unit_id],
            unit_result=results.get((row.unit_id, row.evaluation_period_id)),
            codes=codes[row.id],
        )
        for row in rows
    }
    all_codes = {key: code for of_plan in codes.values() for key, code in of_plan.items()}
    return Around(circumstances, await contents_of(connection, rows, all_codes))


def _seen(found: Found, draft: RatingDraft, scope: Scope) -> Held:
    """Raises:
    NotFound: it is not there, or not the viewer's to see.
    """
    key = draft.appraisal_id if draft.pair is None else found.keys.get(draft.pair)
    held = None if key is None else found.held.get(key)
    if held is None or not can_see_appraisal(scope, held.appraisal, held.person):
        raise NotFound("Appraisal" if draft.pair is None else "Performance plan")
    return held


async def _check(
    connection: BaseDBAsyncClient,
    found: Found,
    held: Held,
    draft: RatingDraft,
    scope: Scope,
    now: datetime,
) -> None:
    """Raises:
    DomainError: it is not the viewer's to rate, or not as it is, or not yet.
    """
    appraisal = held.appraisal
    step = check_actor(RATED, actors_of(scope, appraisal, held.person))
    await check_version(connection, appraisal, draft.version)
    check_state(step, appraisal.state)
    facts = found.facts[appraisal.plan_id, appraisal.evaluation_period_id]
    if facts.plan_state not in AGREED:
        raise DomainError(
            ErrorCode.WRONG_PLAN_STATE, state=facts.plan_state, needed=" / ".join(AGREED)
        )
    if facts.starts_on > facts.ends_on:
        raise DomainError(
            ErrorCode.OUTSIDE_PLAN, starts=facts.plan_starts_on, ends=facts.plan_ends_on
        )
    check_day(local_date(now, held.person.timezone), appraisal.starts_on, appraisal.ends_on)


async def _write(
    connection: BaseDBAsyncClient,
    scope: Scope,
    found: Found,
    around: Around,
    given: Mapping[UUID, Judged],
    now: datetime,
) -> None:
    if not given:
        return
    rows = [found.held[key].appraisal for key in given]
    new = [(row.id, (row.plan_id, row.evaluation_period_id)) for row in rows]
    await open_these(
        connection, [one for one in new if one[0] in found.unopened], scope.subject, now
    )
    judgements = [(row, given[row.id]) for row in rows]
    await replace_lines(connection, judgements)
    changes: list[Change] = []
    for row, judgement in judgements:
        put(row, judgement)
        row.state, row.rated_by, row.rated_at = AppraisalState.RATED, scope.subject, now
        codes = around.circumstances[row.id].codes
        after = content_of(judgement, judgement.lines, codes)
        changes.append(Change(row, RATED, before=around.before[row.id], after=after))
    await save(connection, changes, scope.subject, now)
