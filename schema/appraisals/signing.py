"""Signing of appraisals: who may, and when; the sealing itself is in `sealing.py`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import Scope, can_see_appraisal
from schema.appraisals.holding import Held, actors_of, hold
from schema.appraisals.models import Appraisal, AppraisalEventKind, AppraisalState
from schema.appraisals.opening import follow_days
from schema.appraisals.rules import objection_until
from schema.appraisals.sealing import seal
from schema.appraisals.steps import check_actor, check_state
from schema.errors import DomainError, ErrorCode, NotFound, Refusals
from schema.plans.rules import ONE_DAY
from schema.values import local_date

MOST_AT_ONCE = 1_000
"""Appraisals that one transaction signs."""
# By the policy of the day on which each was rated; null: the default.
DAYS = """
SELECT k.agency_id, k.day, p.objection_days
FROM unnest($1::uuid[], $2::date[]) k (agency_id, day)
LEFT JOIN LATERAL policy_on(k.agency_id, k.day) p ON true"""

Days = Mapping[tuple[UUID, date], int | None]


async def sign_in(
    connection: BaseDBAsyncClient, scope: Scope, keys: Sequence[UUID], now: datetime
) -> list[Appraisal]:
    """Sign appraisals in the caller's transaction, all or none; they come in the given order.

    Accepted or decided on, they are signed at any time; else once the days in which to object are
    over. By who appraises, or the agency's administrator; nobody signs their own.

    Raises:
        DomainError: none or too many were chosen; or some cannot be signed: one refusal for each,
            whose `field` names its place.
    """
    chosen = list(dict.fromkeys(keys))
    if not chosen:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="appraisals")
    if len(chosen) > MOST_AT_ONCE:
        raise DomainError(ErrorCode.TOO_MANY, field="appraisals", limit=MOST_AT_ONCE)
    held = await hold(connection, chosen)
    days = await _objection_days(connection, list(held.values()))
    refused: list[DomainError] = []
    for place, key in enumerate(chosen):
        try:
            _check(scope, held.get(key), days, now)
        except DomainError as error:
            error.field = f"appraisals.{place}"
            refused.append(error)
    if refused:
        raise Refusals(refused)
    rows = [held[key].appraisal for key in chosen]
    await follow_days(connection, rows)
    await seal(connection, rows, scope.subject, now)
    return rows


def _check(scope: Scope, held: Held | None, days: Days, now: datetime) -> None:
    """Raises:
    DomainError: it is not there, not the viewer's to sign, or not yet.
    """
    if held is None or not can_see_appraisal(scope, held.appraisal, held.person):
        raise NotFound("Appraisal")
    row = held.appraisal
    step = check_actor(AppraisalEventKind.SIGNED, actors_of(scope, row, held.person))
    check_state(step, row.state)
    if row.state is not AppraisalState.RATED:
        return
    zone = held.person.timezone
    until = objection_until(row.rated_at, zone, days[_rated_on(held)])
    assert until is not None
    if local_date(now, zone) <= until:
        raise DomainError(ErrorCode.TOO_EARLY, day=until + ONE_DAY)


async def _objection_days(connection: BaseDBAsyncClient, held: Sequence[Held]) -> Days:
    """How many days each agency gives that rated on some day, in one statement."""
    rated = sorted({_rated_on(one) for one in held if one.appraisal.state is AppraisalState.RATED})
    agencies, days = [agency for agency, _ in rated], [day for _, day in rated]
    rows = await connection.execute_query_dict(DAYS, [agencies, days])
    return {(row["agency_id"], row["day"]): row["objection_days"] for row in rows}


def _rated_on(held: Held) -> tuple[UUID, date]:
    assert held.appraisal.rated_at is not None
    return held.appraisal.agency_id, local_date(held.appraisal.rated_at, held.person.timezone)
