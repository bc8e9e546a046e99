"""Appraisals and boards of ratings without SQL: loops over rows, for `tests/reference.py`.

What an appraisal rests on is taken as the database gives it, and all that follows is worked out.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import orjson
from strawberry.relay import from_base64

from schema.appraisals import distribution, rules
from schema.appraisals.models import (
    Appraisal,
    AppraisalEvent,
    AppraisalEventKind,
    AppraisalLine,
    AppraisalSeal,
    AppraisalState,
    Predicate,
    UnitRating,
)
from schema.errors import DomainError, ErrorCode
from schema.organizations.models import Agency, Employee, Unit, UnitPlacement
from schema.plans.models import EvaluationPeriod, PerformancePlan
from schema.policies.rules import Policy
from schema.progress.models import ProgressRecord, RecordState
from schema.tables import dicts_of
from schema.targets.models import Period, Polarity, Target
from schema.targets.rules import Child, Measured, StageFacts, achieved, known_share
from schema.values import CAPITAL_TIMEZONE, local_date

EVERYTHING = """SELECT a.id, e.facts FROM (SELECT
    set_config('ekinerja.viewer', '', true), set_config('ekinerja.line', '', true),
    set_config('ekinerja.directories', '{}', true), set_config('ekinerja.agencies',
      (SELECT array_agg(g.id)::text FROM agency g), true) OFFSET 0) s
  CROSS JOIN appraisal a
  CROSS JOIN LATERAL (SELECT
    CASE WHEN s IS NOT NULL THEN appraisal_evidence(a.id) END AS facts) e"""


async def evidence() -> Mapping[UUID, Any]:
    """What each appraisal rests on as it stands, whoever may see it."""
    rows = await dicts_of(EVERYTHING, [])
    assert all(row["facts"] for row in rows)
    return {row["id"]: read(row["facts"]) for row in rows}


def read(facts: Any) -> Any:
    return orjson.loads(facts) if isinstance(facts, str) else facts


def key_of(text: str) -> UUID | None:
    """An evaluation period's key; None where it is something else's.

    Raises:
        DomainError: no id at all.
    """
    try:
        name, key = from_base64(text)
    except ValueError:
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="id", detail="") from None
    try:
        return UUID(key) if name == "EvaluationPeriod" else None
    except ValueError:
        return None


def person_of(see: Any, subject: str | None) -> Any:
    people = see.rows.where(Employee, nip=subject) if subject else []
    return see.seen(people[0]) if people else None


def until(see: Any, of: Any) -> date | None:
    places = (
        see.seen(see.rows.get(Employee, of.employee_id)),
        see.seen(see.rows.get(Agency, of.agency_id)),
    )
    zone = next((one.timezone for one in places if one is not None), CAPITAL_TIMEZONE)
    rated = of.rated_at and local_date(of.rated_at, zone)
    policy = rated and see.policy_on(of.agency_id, rated)
    return rules.objection_until(of.rated_at, zone, policy.objection_days if policy else None)


def objection(see: Any, of: Any) -> Any:
    events = sorted(see.rows.where(AppraisalEvent, appraisal_id=of.id), key=lambda one: one.id)
    objected = [one for one in events if one.kind is AppraisalEventKind.OBJECTED]
    if not objected:
        return None
    last = objected[-1]
    outcomes = (AppraisalEventKind.UPHELD, AppraisalEventKind.CHANGED)
    answers = [one for one in events if one.id > last.id and one.kind in outcomes]
    answer = answers[0] if answers else SimpleNamespace(kind=None, comment=None, at=None)
    return SimpleNamespace(
        reason=last.comment,
        at=last.at,
        outcome=answer.kind,
        answer=answer.comment,
        decided_at=answer.at,
        decided_by=person_of(see, getattr(answer, "actor", None)),
    )


def seal(see: Any, of: Any) -> Any:
    signed = of.state is AppraisalState.SIGNED
    return next(iter(see.rows.where(AppraisalSeal, appraisal_id=of.id)), None) if signed else None


# Evidence


def rests_on(see: Any, of: Any) -> Any:
    sealed = of.state is AppraisalState.SIGNED
    facts = see.rows.evidence[of.id]
    if sealed:
        found = seal(see, of)
        facts = sealed_in(found.document) if found else None
    if facts is None:
        return None
    given = facts["policy"]
    policy = given and Policy(
        achievement_cap=Decimal(given["achievement_cap"]),
        missing_counts_as_zero=given["missing_counts_as_zero"],
    )
    results = [result(of, one, policy) for one in facts["results"]]
    return SimpleNamespace(
        sealed=sealed,
        achieved=mean(results),
        results=results,
        behaviours=[SimpleNamespace(**one) for one in facts["behaviours"]],
        time=SimpleNamespace(**facts["time"]),
    )


def sealed_in(document: str) -> Any:
    whole = orjson.loads(document)
    found = whole.get("inputs", {}).get("evidence")
    return found and found | {"policy": whole["rules"]["policy"]}


def number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def numbers(one: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: number(one[name]) for name in names}


def result(of: Any, one: Mapping[str, Any], policy: Policy | None) -> SimpleNamespace:
    planned = ("planned", "minimum", "maximum", "baseline", "realized")
    facts = (
        [
            Measured(polarity=Polarity(i["polarity"]), **numbers(i, *planned))
            for i in one["indicators"]
        ],
        [
            StageFacts(
                weight=number(s["weight"]),
                completed_on=day(s["completed_on"]),
            )
            for s in one["stages"] or ()
        ],
        [Child(weight=Decimal(c["weight"]), achieved=number(c["achieved"]))
         for c in one["children"]],
        policy,
    )  # fmt: skip
    return SimpleNamespace(
        **{name: one[name] for name in
           ("code", "title", "category", "perspective", "assigned_by", "serves")},
        key=UUID(one["id"]),
        of=of,
        achieved=achieved(*facts),
        known_share=known_share(*facts),
        indicators=[SimpleNamespace(**i | numbers(i, *planned)) for i in one["indicators"]],
        stages=[
            SimpleNamespace(**s | numbers(s, "weight") | {"completed_on": day(s["completed_on"])})
            for s in one["stages"] or ()
        ],
        record_count=one["records"],
        feedback_count=one["feedback"],
    )  # fmt: skip


def mean(results: Iterable[Any]) -> Decimal | None:
    known = [(one.achieved, one.known_share) for one in results if one.achieved is not None]
    weights = sum((weight for _, weight in known), Decimal(0))
    if not weights:
        return None
    total = sum((percent * weight for percent, weight in known), Decimal(0))
    return rules.rounded(total / weights)


def records(see: Any, of: Any, args: Mapping[str, Any]) -> Any:
    rows = [
        row
        for row in see.rows.where(ProgressRecord, target_id=of.key, state=RecordState.CONFIRMED)
        if of.of.starts_on <= row.day <= of.of.ends_on and see.sees(row)
    ]
    return see.page(rows, lambda row: (row.starts_at, row.id), True, args)


# Where appraisals are met


def of_person(see: Any, person: Any, args: Mapping[str, Any]) -> list[Any]:
    rows = see.only_seen(see.rows.where(Appraisal, employee_id=person.id))
    if args.get("period") is not None:
        rows = [row for row in rows if period_of(see, row).code == args["period"]]
    return sorted(rows, key=lambda row: (row.starts_on, row.ends_on, row.id))


def period_of(see: Any, row: Any) -> Any:
    return see.rows.get(Period, see.rows.get(EvaluationPeriod, row.evaluation_period_id).period_id)


def of_plan(see: Any, plan: Any, args: Mapping[str, Any]) -> list[Any]:
    rows = see.rows.where(Appraisal, plan_id=plan.id)
    return sorted(rows, key=lambda row: (row.ends_on, -row.starts_on.toordinal(), row.id))


def rating(see: Any, unit_id: UUID, period_id: UUID | None) -> Any:
    rows = see.rows.where(UnitRating, unit_id=unit_id, evaluation_period_id=period_id)
    return max(see.only_seen(rows), key=lambda row: row.version, default=None)


# Boards


def board(see: Any, args: Mapping[str, Any]) -> Any:
    key = key_of(args["evaluationPeriod"])
    agency = next(iter(see.rows.where(Agency, code=args["agency"])), None)
    period = see.rows.get(EvaluationPeriod, key)
    if agency is None or period is None or not see.sees(agency):
        return None
    if see.rows.get(Period, period.period_id).agency_id != agency.id:
        return None
    units = see.rows.where(Unit, agency_id=agency.id, code=args["unit"])
    return SimpleNamespace(unit=units[0], evaluation_period=period) if units else None


def children(see: Any, of: Any) -> list[Any]:
    last = of.evaluation_period.ends_on
    keys = {
        place.unit_id
        for place in see.rows.where(UnitPlacement, parent_id=of.unit.id)
        if see.holds(place, last)
    }
    units = see.only_seen(see.rows.get(Unit, key) for key in keys)
    return [
        SimpleNamespace(unit=unit, evaluation_period=of.evaluation_period)
        for unit in sorted(units, key=lambda one: one.code)
    ]


def all_here(see: Any, of: Any) -> list[Any]:
    key = of.evaluation_period.id
    return list(see.rows.where(Appraisal, unit_id=of.unit.id, evaluation_period_id=key))


def seen_here(see: Any, of: Any) -> list[Any]:
    return see.only_seen(all_here(see, of))  # type: ignore[no-any-return]


def counted(see: Any, of: Any, column: str, names: Iterable[Any]) -> list[Any]:
    values = [getattr(row, column) for row in seen_here(see, of)]
    return [
        SimpleNamespace(**{column: name}, count=values.count(name))
        for name in names
        if name in values
    ]


def guide(see: Any, of: Any) -> Any:
    staff = [row for row in all_here(see, of) if not row.heads_unit]
    organization = rating(see, of.unit.id, of.evaluation_period.id)
    return distribution.guide(
        organization and organization.predicate,
        [row.predicate for row in staff],
        all(see.sees(row) for row in staff),
    )


def people(see: Any, of: Any, args: Mapping[str, Any]) -> Any:
    rows = [
        row
        for row in seen_here(see, of)
        if (args.get("states") is None or row.state in args["states"])
        and (args.get("predicates") is None or row.predicate in args["predicates"])
    ]
    return see.page(rows, lambda row: (row.id,), False, args)


def get(table: Any, column: str) -> Callable[..., Any]:
    return lambda see, row, args: see.seen(see.rows.get(table, getattr(row, column)))


def by(column: str) -> Callable[..., Any]:
    return lambda see, row, args: person_of(see, getattr(row, column))


def of(table: Any) -> Callable[..., Any]:
    return lambda see, row, args: sorted(
        see.rows.where(table, appraisal_id=row.id), key=lambda one: one.id
    )


def period(see: Any, row: Any, args: Any) -> Any:
    return see.rows.get(EvaluationPeriod, row.evaluation_period_id)


RESOLVERS: Mapping[str, Any] = {
    "Employee.appraisals": of_person,
    "PerformancePlan.appraisals": of_plan,
    "Unit.rating": lambda see, u, args: rating(see, u.id, key_of(args["evaluationPeriod"])),
    "UnitRating.unit": get(Unit, "unit_id"),
    "UnitRating.evaluationPeriod": period,
    "UnitRating.head": get(Employee, "head_id"),
    "UnitRating.setBy": by("set_by"),
    "Appraisal.objectionUntil": lambda see, a, args: until(see, a),
    "Appraisal.employee": get(Employee, "employee_id"),
    "Appraisal.appraiser": get(Employee, "appraiser_id"),
    "Appraisal.plan": get(PerformancePlan, "plan_id"),
    "Appraisal.evaluationPeriod": period,
    "Appraisal.unit": get(Unit, "unit_id"),
    "Appraisal.unitRating": get(UnitRating, "unit_rating_id"),
    "Appraisal.ratedBy": by("rated_by"),
    "Appraisal.signedBy": by("signed_by"),
    "Appraisal.lines": of(AppraisalLine),
    "Appraisal.history": of(AppraisalEvent),
    "Appraisal.objection": lambda see, a, args: objection(see, a),
    "Appraisal.seal": lambda see, a, args: seal(see, a),
    "Appraisal.evidence": lambda see, a, args: rests_on(see, a),
    "AppraisalLine.target": get(Target, "target_id"),
    "AppraisalEvent.actor": by("actor"),
    "ResultEvidence.target": get(Target, "key"),
    "ResultEvidence.records": records,
    "BehaviourEvidence.feedbackCount": lambda see, b, args: b.feedback,
    "Query.ratingBoard": lambda see, _, args: board(see, args),
    "RatingBoard.rating": lambda see, of, args: rating(see, of.unit.id, of.evaluation_period.id),
    "RatingBoard.appraisals": lambda see, of, args: len(seen_here(see, of)),
    "RatingBoard.states": lambda see, of, args: counted(see, of, "state", AppraisalState),
    "RatingBoard.predicates": lambda see, of, args: counted(see, of, "predicate", Predicate),
    "RatingBoard.guide": lambda see, of, args: guide(see, of),
    "RatingBoard.children": lambda see, of, args: children(see, of),
    "RatingBoard.people": people,
}
