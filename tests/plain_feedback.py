"""Feedback (360) without SQL, for the plain executor: who sees a request, and which groups show."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from types import SimpleNamespace
from typing import Any

from schema.access import can_see_appraisal
from schema.appraisals.models import (
    Appraisal,
    AppraisalState,
    FeedbackAnswer,
    FeedbackRequest,
)
from schema.organizations.models import Employee
from schema.plans.models import Behaviour

HOUR = timedelta(hours=1)


def sees_appraisal(see: Any, appraisal: Any) -> bool:
    return can_see_appraisal(see.scope, appraisal, see.rows.get(Employee, appraisal.employee_id))


def sees_request(see: Any, request: Any) -> bool:
    """Who is asked; whoever sees the appraisal and is not the person, nor looks at themself."""
    if request.respondent_id == see.scope.employee_id:
        return True
    appraisal = see.rows.get(Appraisal, request.appraisal_id)
    oneself = (see.scope.employee_id, see.scope.line)
    return appraisal.employee_id not in oneself and sees_appraisal(see, appraisal)


def is_own(see: Any, request: Any) -> bool:
    return bool(request.respondent_id == see.scope.employee_id)


def groups(see: Any, appraisal: Any) -> list[SimpleNamespace]:
    """Groups of answers that are all in, and large enough without the viewer's own."""
    said = defaultdict(list)
    for request in see.rows.where(FeedbackRequest, appraisal_id=appraisal.id):
        over = see.now >= request.closes_at + HOUR
        if over or appraisal.state is AppraisalState.SIGNED:
            for one in see.rows.where(FeedbackAnswer, request_id=request.id):
                said[one.behaviour, request.relation].append((request, one))
    found = []
    for behaviour in Behaviour:
        for relation in ("PEER", "SUBORDINATE"):
            some = said[behaviour, relation]
            others = [q for q, _ in some if q.respondent_id != see.scope.line]
            if some and len(others) >= max(q.smallest_group for q, _ in some):
                mean = Decimal(sum(one.score for _, one in some)) / len(some)
                found.append(
                    SimpleNamespace(
                        behaviour=behaviour,
                        relation=relation,
                        mean=mean.quantize(Decimal("0.01"), ROUND_HALF_UP),
                        answers=len(some),
                        comments=sorted(one.comment for _, one in some if one.comment is not None),
                    )
                )
    return found


def about(see: Any, request: Any) -> Any:
    return see.rows.get(Appraisal, request.appraisal_id)


def can_answer(see: Any, request: Any) -> bool:
    is_open = about(see, request).state is not AppraisalState.SIGNED
    waits = request.answered_at is None and see.now < request.closes_at
    return is_own(see, request) and is_open and waits


def waits_or_given(request: Any) -> tuple[Any, ...]:
    return "asked" if request.answered_at is None else "given", request.id


def in_order(see: Any, rows: Any) -> list[Any]:
    return sorted((row for row in rows if see.sees(row)), key=lambda row: row.id)


RESOLVERS: Mapping[str, Callable[..., Any]] = {
    "Appraisal.feedback360": lambda see, a, args: groups(see, a),
    "Appraisal.feedbackRequests": lambda see, a, args: in_order(
        see, see.rows.where(FeedbackRequest, appraisal_id=a.id)
    ),
    "FeedbackRequest.about": lambda see, q, args: see.seen(
        see.rows.get(Employee, about(see, q).employee_id)
    ),
    "FeedbackRequest.startsOn": lambda see, q, args: about(see, q).starts_on,
    "FeedbackRequest.endsOn": lambda see, q, args: about(see, q).ends_on,
    "FeedbackRequest.respondent": lambda see, q, args: see.seen(
        see.rows.get(Employee, q.respondent_id)
    ),
    "FeedbackRequest.answeredAt": lambda see, q, args: q.answered_at if is_own(see, q) else None,
    "FeedbackRequest.canAnswer": lambda see, q, args: can_answer(see, q),
    "FeedbackRequest.answers": lambda see, q, args: (
        sorted(see.rows.where(FeedbackAnswer, request_id=q.id), key=lambda one: one.id)
        if is_own(see, q)
        else []
    ),
    "Viewer.feedbackAsked": lambda see, _, args: see.page(
        see.rows.where(FeedbackRequest, respondent_id=see.scope.employee_id),
        waits_or_given,
        False,
        args,
    ),
}
