"""Consequences, careers and pools without SQL: loops over rows in memory, for
`tests/reference.py`."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from strawberry.relay import to_base64

from schema.access import can_audit, can_see_career
from schema.appraisals.models import Appraisal
from schema.consequences.documents import inputs_of, kept_in, outcome_of, rules_of
from schema.consequences.models import (
    Career,
    Consequence,
    ConsequenceBasis,
    PotentialScore,
    RuleKind,
    RuleSet,
    TrainingRecord,
)
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Agency, Assignment, AssignmentKind, Employee, Unit
from schema.selection.pages import LARGEST_PAGE
from schema.targets.models import Period
from tests import plain_boards

TABLES = (Career, Consequence, ConsequenceBasis, PotentialScore, TrainingRecord)
NODES = (Consequence,)
OF_WORK = (RuleKind.WEIGHT, RuleKind.TRAINING)


def sees(see: Any, row: Any) -> bool:
    """`access.can_see_career`; weight and training needs as the person's work."""
    if row.employee_id == see.scope.employee_id or can_audit(see.scope, row.agency_id):
        return True
    return row.kind in OF_WORK and see.works(row.employee_id)


def in_force(see: Any, **values: Any) -> list[Any]:
    return see.only_seen(see.rows.where(Consequence, superseded_at=None, **values))


def consequences(see: Any, person: Any, args: Mapping[str, Any]) -> list[Any]:
    rows = [
        row
        for row in in_force(see, employee_id=person.id)
        if see.rows.get(Period, row.period_id).code == args["period"]
        and args.get("ruleKind") in (None, row.kind)
    ]
    return sorted(rows, key=lambda row: (row.kind, str(row.month), row.id))


def latest(rows: Iterable[Any], day: str) -> list[Any]:
    return sorted(rows, key=lambda row: (getattr(row, day), row.id), reverse=True)


def career(see: Any, person: Any, args: Mapping[str, Any]) -> Any:
    if not can_see_career(see.scope, person):
        return None
    rows = [r for r in see.rows.where(Career, employee_id=person.id) if r.starts_on <= args["on"]]
    return next(iter(latest(rows, "starts_on")), None)


def potentials(see: Any, person: Any, args: Mapping[str, Any]) -> list[Any]:
    if not can_see_career(see.scope, person):
        return []
    return latest(see.rows.where(PotentialScore, employee_id=person.id), "assessed_on")


def trainings(see: Any, person: Any, args: Mapping[str, Any]) -> list[Any]:
    years = see.rows.where(Period, agency_id=person.agency_id, code=args["period"])
    if not see.works(person.id) or not years:
        return []
    rows = see.rows.where(TrainingRecord, employee_id=person.id)
    of_year = [row for row in rows if years[0].starts_on <= row.ended_on <= years[0].ends_on]
    return sorted(of_year, key=lambda row: (row.ended_on, row.id))


def result(row: Any) -> Any:
    return json.loads(row.document)["result"]


def numbers(values: Mapping[str, Any] | None, *names: str) -> SimpleNamespace | None:
    """A part of a document, with decimals where it has numbers as text."""
    if values is None:
        return None
    made = {
        name: value if value is None or name not in names else Decimal(value)
        for name, value in values.items()
    }
    return SimpleNamespace(**made)


def lines(see: Any, row: Any, args: Mapping[str, Any]) -> list[Any]:
    return [numbers(one, "amount", "percent") for one in result(row)["lines"]]


def credit(see: Any, row: Any, args: Mapping[str, Any]) -> Any:
    if row.kind is not RuleKind.CREDIT or row.amount is None:
        return None
    found = numbers(result(row)["more"], "earned", "brought", "total")
    assert found is not None
    for name in ("next_rank", "next_level"):
        setattr(found, name, numbers(getattr(found, name), "needed", "missing"))
    return found


def training(see: Any, row: Any, args: Mapping[str, Any]) -> Any:
    if row.kind is not RuleKind.TRAINING:
        return None
    more = result(row)["more"]
    return SimpleNamespace(
        due=Decimal(more["hours_due"]),
        done=Decimal(more["hours_done"]),
        short=row.amount,
        needs=[numbers(one, "hours") for one in more["needs"]],
    )


def year_of(see: Any, args: Mapping[str, Any]) -> Any:
    """The agency's period that an auditor or administrator asks for."""
    agencies = see.rows.where(Agency, code=args["agency"])
    if not agencies or not can_audit(see.scope, agencies[0].id):
        return None
    return next(iter(see.rows.where(Period, agency_id=agencies[0].id, code=args["period"])), None)


def boxes(see: Any, grid: Any, args: Mapping[str, Any]) -> list[Any]:
    counts: dict[tuple[int | None, str], int] = {}
    for row in grid.found:
        key = (None if row.amount is None else int(row.amount), row.label or "")
        counts[key] = counts.get(key, 0) + 1
    made = [SimpleNamespace(box=b, label=label, count=n) for (b, label), n in counts.items()]
    return sorted(made, key=lambda one: (one.box is None, -(one.box or 0), one.label))


def grid(see: Any, args: Mapping[str, Any]) -> Any:
    year = year_of(see, args)
    if year is None:
        return None
    found = in_force(see, period_id=year.id, kind=RuleKind.TALENT)
    return SimpleNamespace(people=len(found), found=found)


def pool(see: Any, args: Mapping[str, Any]) -> Any:
    year = year_of(see, args)
    rows = in_force(see, period_id=year.id, kind=RuleKind.TALENT) if year else []
    found = [
        row
        for row in rows
        if args.get("pool") is None or args["pool"] in result(row)["more"].get("pools", [])
        if args.get("box") is None or row.amount == args["box"]
    ]
    return see.page(found, lambda row: (row.id,), False, args)


def simulate(see: Any, args: Mapping[str, Any], key: UUID) -> Any:
    rules = see.rows.get(RuleSet, key)
    if rules is None or not can_audit(see.scope, rules.agency_id):
        raise NotFound("RuleSet")
    size = 20 if args.get("first") is None else args["first"]
    if not 1 <= size <= LARGEST_PAGE:
        raise DomainError(ErrorCode.PAGE_TOO_LARGE, limit=LARGEST_PAGE)
    behind = place_of(args.get("after"))
    years = see.rows.where(Period, agency_id=rules.agency_id, code=args["period"])
    if not years:
        raise NotFound("Period")
    if (rules.kind is RuleKind.ALLOWANCE) is (args.get("month") is None):
        raise DomainError(ErrorCode.BAD_USER_INPUT, detail="month")
    month = args.get("month") and args["month"].replace(day=1)
    people = placed(see, rules.agency_id, args.get("unit"), month or years[0].ends_on)
    rows = see.rows.where(
        Consequence, agency_id=rules.agency_id, period_id=years[0].id, kind=rules.kind,
        month=month, superseded_at=None,
    )  # fmt: skip
    each = [
        changed(see, row, outcome_of(rules_of(rules.kind, rules.body), inputs_of(kept)), kept)
        for row in sorted(rows, key=lambda row: row.employee_id)
        if people is None or row.employee_id in people
        for kept in [kept_in(row.document)]
    ]
    others = [one for one in each if one.is_other]
    page = [one for one in others if one.key > behind]
    return SimpleNamespace(
        rule_set=rules,
        people=len(each),
        changed=len(others),
        higher=sum((one.amount_then or 0) > (one.amount_now or 0) for one in each),
        lower=sum((one.amount_then or 0) < (one.amount_now or 0) for one in each),
        total_now=sum((one.amount_now or 0 for one in each), Decimal(0)),
        total_then=sum((one.amount_then or 0 for one in each), Decimal(0)),
        difference=sum((one.difference or 0 for one in each), Decimal(0)),
        changes=page[:size],
        next_after=str(page[size - 1].key) if len(page) > size else None,
    )


def place_of(after: str | None) -> UUID:
    try:
        return UUID(after) if after is not None else UUID(int=0)
    except ValueError:
        raise DomainError(ErrorCode.INVALID_CURSOR) from None


def placed(see: Any, agency_id: UUID, unit: str | None, day: Any) -> set[UUID] | None:
    """Whose definitive post of a day, or the last one before it, is in a unit or below it; None:
    everybody."""
    if unit is None:
        return None
    units = see.rows.where(Unit, agency_id=agency_id, code=unit)
    if not units:
        raise NotFound("Unit")
    keys = plain_boards.below(see, units[0].id, day)
    last: dict[UUID, Assignment] = {}
    posts = [
        post
        for post in see.rows.all(Assignment)
        if post.kind is AssignmentKind.DEFINITIVE and post.starts_on <= day
    ]
    for post in sorted(
        posts,
        key=lambda one: (see.holds(one, day), one.ends_on or date.max, one.starts_on, one.id),
    ):
        last[post.employee_id] = post
    return {person for person, post in last.items() if post.unit_id in keys}


def changed(see: Any, row: Any, then: Any, kept: Any) -> SimpleNamespace:
    person = see.rows.get(Employee, row.employee_id)
    none = row.amount is None or then.amount is None
    now, new = kept.result.lines, then.lines
    assert [line.name for line in now] == [line.name for line in new]  # of one scheme and kind
    return SimpleNamespace(
        key=person.id,
        employee_id=to_base64("Employee", person.id),
        nip=person.nip,
        name=person.name,
        amount_now=row.amount,
        amount_then=then.amount,
        difference=None if none else then.amount - row.amount,
        label_now=row.label,
        label_then=then.label,
        is_other=(row.amount, row.label) != (then.amount, then.label),
        lines=[
            SimpleNamespace(
                name=was.name,
                amount_now=was.amount,
                amount_then=will.amount,
                percent_now=was.percent,
                percent_then=will.percent,
            )
            for was, will in zip(now, new, strict=True)
            if (was.amount, was.percent) != (will.amount, will.percent)
        ],
    )


def setter(see: Any, row: Any, args: Mapping[str, Any]) -> Any:
    return see.seen(next(iter(see.rows.where(Employee, nip=row.set_by)), None))


def basis(see: Any, row: Any, args: Mapping[str, Any]) -> list[Any]:
    keys = [one.appraisal_id for one in see.rows.where(ConsequenceBasis, consequence_id=row.id)]
    found = see.only_seen(see.rows.get(Appraisal, key) for key in keys)
    return sorted(found, key=lambda one: (one.starts_on, one.id))


def versions(see: Any, row: Any, args: Mapping[str, Any]) -> list[Any]:
    same = {name: getattr(row, name) for name in ("employee_id", "period_id", "kind", "month")}
    found = see.only_seen(see.rows.where(Consequence, **same))
    return sorted(found, key=lambda one: one.version, reverse=True)


RESOLVERS: Mapping[str, Any] = {
    "Query.talentGrid": lambda see, _, args: grid(see, args),
    "Query.talentPool": lambda see, _, args: pool(see, args),
    "TalentGrid.boxes": boxes,
    "Employee.consequences": consequences,
    "Employee.career": career,
    "Employee.potentials": potentials,
    "Employee.trainings": trainings,
    "Career.setBy": setter,
    "Consequence.employee": lambda see, c, args: see.rows.get(Employee, c.employee_id),
    "Consequence.period": lambda see, c, args: see.rows.get(Period, c.period_id).code,
    "Consequence.recommendation": lambda see, c, args: result(c)["more"].get("recommendation"),
    "Consequence.credit": credit,
    "Consequence.training": training,
    "Consequence.lines": lines,
    "Consequence.ruleSet": lambda see, c, args: see.seen(see.rows.get(RuleSet, c.rule_set_id)),
    "Consequence.appraisals": basis,
    "Consequence.versions": versions,
    "ConsequenceLine.appraisal": lambda see, line, args: see.seen(
        see.rows.get(Appraisal, line.appraisal_id and UUID(line.appraisal_id))
    ),
}
