"""Use cases of feedback (360): ask colleagues and subordinates, answer, and what came of it.

Nobody but its author reads an answer. What is read are groups of answers, once they are all in:
the requests of one appraisal close at one instant, which is set by the first of them and never
moved, and behind it nobody is asked any more. So no two readings differ by one person's answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.access import (
    Appraised,
    Scope,
    can_ask_for_feedback,
    can_see_appraisal,
    can_see_directory,
    can_see_work_of,
)
from schema.appraisals.feedback_rules import (
    LONGEST_OPEN,
    LOW,
    MOST_RESPONDENTS,
    Answer,
    Standing,
    check_relation,
    checked_answers,
)
from schema.appraisals.models import (
    Appraisal,
    AppraisalState,
    FeedbackAnswer,
    FeedbackRelation,
    FeedbackRequest,
)
from schema.checks import invalid
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Employee
from schema.plans.models import PerformancePlan
from schema.policies.service import policy_on
from schema.tables import insert, transaction
from schema.values import local_date

ASKERS = "APPRAISER / SUPERIOR / ADMINISTRATOR"
# Askers of one appraisal wait for each other, and whoever signs it waits for answers under way.
LOCK_TO_ASK = "SELECT id FROM appraisal WHERE id = $1 FOR NO KEY UPDATE"
LOCK_TO_ANSWER = "SELECT id FROM appraisal WHERE id = $1 FOR SHARE"
LOCK_REQUEST = "SELECT id FROM feedback_request WHERE id = $1 FOR NO KEY UPDATE"
STANDING = "SELECT * FROM feedback_standing($1, $2, $3, $4, $5)"
ANSWERED = "UPDATE feedback_request SET answered_at = $2 WHERE id = $1"


def low_groups(keys: str) -> str:
    """A statement: behaviours of signed appraisals that a group which may be known finds low (a
    mean below 3 of 5, a house rule). `keys` is an expression: the appraisals, as an array."""
    return f"""SELECT g.appraisal_id, g.behaviour FROM feedback_groups({keys}, NULL, NULL) g
      WHERE g.mean < {LOW} GROUP BY 1, 2"""  # noqa: S608  constant texts


@dataclass(frozen=True, slots=True, kw_only=True)
class Respondent:
    """Somebody to be asked, as what."""

    employee_id: UUID
    relation: FeedbackRelation


async def ask_for_feedback(
    scope: Scope,
    appraisal_id: UUID,
    respondents: Sequence[Respondent],
    until: date | None,
    now: datetime,
) -> list[FeedbackRequest]:
    """Ask people for feedback on somebody's behaviour, until the end of a day of the person's.

    Whom is asked already is not asked again. `until` is given with the first of an appraisal's
    requests; later ones close with it. Returns the requests in the order of the respondents.

    Raises:
        NotFound: no such appraisal, or not the viewer's to see.
        DomainError: not the viewer's to ask, the agency asks for none, it is signed or closed,
            too many, or somebody who did not stand so to the person.
    """
    _check_given(respondents)
    async with transaction() as connection:
        await connection.execute_query_dict(LOCK_TO_ASK, [appraisal_id])
        appraisal, person = await _appraisal(connection, scope, appraisal_id)
        rows = await FeedbackRequest.filter(appraisal_id=appraisal_id).using_db(connection)
        terms = await _terms(connection, appraisal, person, rows, until, now)
        known = {row.respondent_id: row for row in rows}
        new = [one for one in respondents if one.employee_id not in known]
        if len(rows) + len(new) > MOST_RESPONDENTS:
            raise DomainError(ErrorCode.TOO_MANY, field="respondents", limit=MOST_RESPONDENTS)
        await _check_standing(connection, scope, appraisal, respondents)
        made = [
            FeedbackRequest(
                appraisal_id=appraisal_id,
                respondent_id=one.employee_id,
                relation=one.relation,
                asked_by=scope.subject,
                asked_at=now,
                **terms,
            )
            for one in new
        ]
        await insert(connection, made)
    known |= {row.respondent_id: row for row in made}
    return [known[one.employee_id] for one in respondents]


async def answer_feedback(
    scope: Scope, request_id: UUID, answers: Sequence[Answer], now: datetime
) -> FeedbackRequest:
    """Say what one has seen of somebody's behaviour: all seven, or some. Once.

    Raises:
        NotFound: no such request to the viewer.
        DomainError: it is answered, closed, or an answer cannot be.
    """
    given = checked_answers(answers)
    async with transaction() as connection:
        await connection.execute_query_dict(LOCK_REQUEST, [request_id])
        row = await FeedbackRequest.get_or_none(id=request_id, using_db=connection)
        if row is None or scope.employee_id is None or row.respondent_id != scope.employee_id:
            raise NotFound("FeedbackRequest")
        if row.answered_at is not None:
            raise DomainError(ErrorCode.ALREADY_ANSWERED)
        await connection.execute_query_dict(LOCK_TO_ANSWER, [row.appraisal_id])
        appraisal = await Appraisal.get(id=row.appraisal_id, using_db=connection)
        if appraisal.state is AppraisalState.SIGNED or now >= row.closes_at:
            raise DomainError(ErrorCode.FEEDBACK_OVER)
        lines = [
            FeedbackAnswer(
                request_id=request_id,
                behaviour=one.behaviour,
                score=one.score,
                comment=one.comment,
            )
            for one in given
        ]
        await insert(connection, lines)
        await connection.execute_query_dict(ANSWERED, [request_id, now])
        row.answered_at = now
        return row


def _check_given(respondents: Sequence[Respondent]) -> None:
    """Raises:
    DomainError: none, more than may be asked, or somebody twice.
    """
    if not respondents:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="respondents")
    if len(respondents) > MOST_RESPONDENTS:
        raise DomainError(ErrorCode.TOO_MANY, field="respondents", limit=MOST_RESPONDENTS)
    seen: set[UUID] = set()
    for number, one in enumerate(respondents):
        if one.employee_id in seen:
            raise invalid(f"respondents.{number}.employee", "the same person is given twice")
        seen.add(one.employee_id)


async def _appraisal(
    connection: BaseDBAsyncClient, scope: Scope, key: UUID
) -> tuple[Appraisal, Employee]:
    """An appraisal that the viewer may ask for feedback on, and whose it is.

    Raises:
        NotFound: it is not there, or not the viewer's to see.
        DomainError: they see it and may not.
    """
    row = await Appraisal.get_or_none(id=key, using_db=connection)
    if row is None:
        raise NotFound("Appraisal")
    person = await Employee.get(id=row.employee_id, using_db=connection)
    about: Appraised = row
    if not can_see_appraisal(scope, about, person):
        raise NotFound("Appraisal")
    if not can_ask_for_feedback(scope, about, person):
        raise DomainError(ErrorCode.NOT_ALLOWED, needed=ASKERS)
    return row, person


async def _terms(
    connection: BaseDBAsyncClient,
    appraisal: Appraisal,
    person: Employee,
    rows: Sequence[FeedbackRequest],
    until: date | None,
    now: datetime,
) -> Mapping[str, Any]:
    """When new requests close, and of how many answers nothing is shown: those that an earlier
    request promised, else the policy's of the appraisal's first day.

    Raises:
        DomainError: the agency asks for none, it is over, or the day cannot be.
    """
    if appraisal.state is AppraisalState.SIGNED:
        raise DomainError(ErrorCode.FEEDBACK_OVER)
    if rows:
        first = rows[0]
        if now >= first.closes_at:
            raise DomainError(ErrorCode.FEEDBACK_OVER)
        if until is not None and _end_of(until, person.timezone) != first.closes_at:
            last = local_date(first.closes_at - timedelta(seconds=1), person.timezone)
            raise invalid("until", f"people were asked until {last}; leave it out")
        return {"closes_at": first.closes_at, "smallest_group": first.smallest_group}
    policy = await policy_on(connection, appraisal.agency_id, appraisal.starts_on)
    if not policy.peer_feedback:
        raise DomainError(ErrorCode.FEEDBACK_OFF, day=appraisal.starts_on)
    today = local_date(now, person.timezone)
    if until is None or not today <= until <= today + timedelta(days=LONGEST_OPEN):
        raise invalid("until", f"{today} to {today + timedelta(days=LONGEST_OPEN)}")
    closes_at = _end_of(until, person.timezone)
    return {"closes_at": closes_at, "smallest_group": policy.smallest_feedback_group}


def _end_of(day: date, timezone: str) -> datetime:
    """The first instant of the day after."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(timezone))


async def _check_standing(
    connection: BaseDBAsyncClient,
    scope: Scope,
    appraisal: Appraisal,
    respondents: Sequence[Respondent],
) -> None:
    """Raises:
    DomainError: somebody is not there, not the viewer's to see, or did not stand so.
    """
    keys = [one.employee_id for one in respondents]
    people = {row.id: row for row in await Employee.filter(id__in=keys).using_db(connection)}
    plan = await PerformancePlan.get(id=appraisal.plan_id, using_db=connection)
    found = await connection.execute_query_dict(
        STANDING,
        [appraisal.employee_id, plan.assignment_id, keys, appraisal.starts_on, appraisal.ends_on],
    )
    stood = {row["respondent_id"]: row for row in found}
    for number, one in enumerate(respondents):
        field = f"respondents.{number}."
        person = people.get(one.employee_id)
        if person is None or not (
            can_see_directory(scope, person.agency_id) or can_see_work_of(scope, person)
        ):
            raise DomainError(ErrorCode.NOT_FOUND, field=field + "employee", thing="Employee")
        row = stood[person.id]
        standing = Standing(
            is_oneself=person.id == appraisal.employee_id,
            is_together=row["is_together"],
            is_above=row["is_above"] or person.id == appraisal.appraiser_id,
            is_below=row["is_below"],
        )
        check_relation(person.name, one.relation, standing, field + "relation")
