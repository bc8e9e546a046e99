"""The use case of trying a rule set before it takes force: whom it would change, and by how much.

What is in force now keeps its inputs, so the new rules are applied to those and nothing is
gathered anew or written. Only for the agency's administrator and auditor: to others it is not
there, so nobody infers an amount from a count.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from schema.access import Scope, can_audit
from schema.consequences.documents import inputs_of, kept_in, outcome_of, rules_of
from schema.consequences.models import RuleKind, RuleSet
from schema.consequences.values import Outcome
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Unit
from schema.selection.pages import DEFAULT_PAGE, LARGEST_PAGE
from schema.tables import dicts_of
from schema.targets.models import Period

CHUNK = 1_000
"""People whose inputs are read at once; between two chunks other work of the process runs."""
MOST = 100_000
"""People of one answer; a larger agency asks by unit."""

# Of a unit and all below it: everybody once, by the definitive post of the day (a year's last, a
# month's first), or the last one before it, so that units together come to the whole agency.
PLACED = """WITH RECURSIVE below (id) AS (
  SELECT $7::uuid WHERE $7::uuid IS NOT NULL
  UNION
  SELECT p.unit_id FROM below JOIN unit_placement p ON p.parent_id = below.id
  WHERE p.starts_on <= $8::date AND (p.ends_on IS NULL OR p.ends_on > $8::date)
)"""
NOW = f"""{PLACED}
SELECT c.id, c.employee_id, e.nip, e.name, c.amount, c.label, c.document
FROM consequence c JOIN employee e ON e.id = c.employee_id
WHERE c.agency_id = $1 AND c.period_id = $2 AND c.kind = $3
  AND c.month IS NOT DISTINCT FROM $4::date AND c.superseded_at IS NULL AND c.employee_id > $5
  AND ($7::uuid IS NULL OR (SELECT a.unit_id FROM assignment a
    WHERE a.employee_id = c.employee_id AND a.kind = 'DEFINITIVE' AND a.starts_on <= $8::date
    ORDER BY (a.ends_on IS NULL OR a.ends_on > $8::date) DESC, a.ends_on DESC, a.starts_on DESC,
      a.id DESC LIMIT 1) IN (SELECT id FROM below))
ORDER BY c.employee_id LIMIT $6"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineChange:
    """A line of the breakdown now and then; None where it is not there."""

    name: str
    amount_now: Decimal | None
    amount_then: Decimal | None
    percent_now: Decimal | None
    percent_then: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    """Somebody whose outcome would be another one."""

    employee_id: UUID
    nip: str
    name: str
    amount_now: Decimal | None
    amount_then: Decimal | None
    difference: Decimal | None
    label_now: str | None
    label_then: str | None
    lines: Sequence[LineChange]


@dataclass(slots=True, kw_only=True)
class Simulation:
    """All of it in figures, and a page of those whom it would change, in the order of keys."""

    rule_set_id: UUID
    people: int = 0
    changed: int = 0
    higher: int = 0
    lower: int = 0
    total_now: Decimal = Decimal(0)
    total_then: Decimal = Decimal(0)
    changes: list[PersonChange] = field(default_factory=list)
    next_after: str | None = None

    @property
    def difference(self) -> Decimal:
        return self.total_then - self.total_now


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a period by its code, of allowances the month, a unit by its code, and the
    page: how many, behind whose key."""

    rule_set_id: UUID
    period: str
    month: date | None = None
    unit: str | None = None
    first: int | None = None
    after: str | None = None


async def simulate(scope: Scope, asked: Asked) -> Simulation:
    """Apply a rule set to what is in force of its kind now. Writes nothing.

    Raises:
        NotFound: no such rule set, period or unit, or not one that the viewer audits.
        DomainError: the month, the page or the cursor cannot be, or it is of too many people.
    """
    rule_set = await RuleSet.get_or_none(id=asked.rule_set_id)
    if rule_set is None or not can_audit(scope, rule_set.agency_id):
        raise NotFound("RuleSet")
    size, behind = _page(asked)
    values = await _chosen(rule_set, asked)
    rules = rules_of(rule_set.kind, rule_set.body)
    found, last = Simulation(rule_set_id=rule_set.id), UUID(int=0)
    while rows := await dicts_of(NOW, [*values[:4], last, CHUNK, *values[4:]]):
        for row in rows:
            _count(found, row, rules, size, behind)
        last = rows[-1]["employee_id"]
        if found.people > MOST:
            raise DomainError(ErrorCode.TOO_MANY, field="unit", limit=MOST)
        await asyncio.sleep(0)
    return found


async def _chosen(rule_set: RuleSet, asked: Asked) -> list[Any]:
    """The values that choose the consequences."""
    period = await Period.get_or_none(agency_id=rule_set.agency_id, code=asked.period)
    if period is None:
        raise NotFound("Period")
    of_month = rule_set.kind is RuleKind.ALLOWANCE
    if of_month is (asked.month is None):
        detail = "allowances are of a month" if of_month else "only allowances are of a month"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="month", detail=detail)
    month = asked.month and asked.month.replace(day=1)
    unit = None
    if asked.unit is not None:
        unit = await Unit.get_or_none(agency_id=rule_set.agency_id, code=asked.unit)
        if unit is None:
            raise NotFound("Unit")
    return [
        rule_set.agency_id,
        period.id,
        rule_set.kind.value,
        month,
        unit and unit.id,
        month or period.ends_on,
    ]


def _page(asked: Asked) -> tuple[int, UUID]:
    size = DEFAULT_PAGE if asked.first is None else asked.first
    if not 1 <= size <= LARGEST_PAGE:
        raise DomainError(ErrorCode.PAGE_TOO_LARGE, field="first", limit=LARGEST_PAGE)
    try:
        return size, UUID(asked.after) if asked.after is not None else UUID(int=0)
    except ValueError:
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after") from None


def _count(found: Simulation, row: Mapping[str, Any], rules: Any, size: int, behind: UUID) -> None:
    """One person more."""
    kept = kept_in(row["document"])
    then = outcome_of(rules, inputs_of(kept))
    now, label = row["amount"], row["label"]
    found.people += 1
    found.total_now += now or 0
    found.total_then += then.amount or 0
    if (now, label) == (then.amount, then.label):
        return
    found.changed += 1
    found.higher += (then.amount or 0) > (now or 0)
    found.lower += (then.amount or 0) < (now or 0)
    if row["employee_id"] <= behind:
        return
    if len(found.changes) < size:
        found.changes.append(_change(row, kept.result, then))
    else:
        found.next_after = str(found.changes[-1].employee_id)


def _change(row: Mapping[str, Any], was: Outcome, then: Outcome) -> PersonChange:
    now, amount = row["amount"], then.amount
    return PersonChange(
        employee_id=row["employee_id"],
        nip=row["nip"],
        name=row["name"],
        amount_now=now,
        amount_then=amount,
        difference=None if now is None or amount is None else amount - now,
        label_now=row["label"],
        label_then=then.label,
        lines=_lines(was, then),
    )


def _lines(was: Outcome, then: Outcome) -> list[LineChange]:
    """Lines by their name and place among those of that name; only those that differ."""
    now, new = _by_name(was), _by_name(then)
    changes = []
    for key in dict.fromkeys([*now, *new]):
        before, after = now.get(key), new.get(key)
        one = LineChange(
            name=key[0],
            amount_now=before and before.amount,
            amount_then=after and after.amount,
            percent_now=before and before.percent,
            percent_then=after and after.percent,
        )
        if (one.amount_now, one.percent_now) != (one.amount_then, one.percent_then):
            changes.append(one)
    return changes


def _by_name(outcome: Outcome) -> dict[tuple[str, int], Any]:
    seen: dict[str, int] = {}
    found = {}
    for line in outcome.lines:
        seen[line.name] = seen.get(line.name, 0) + 1
        found[line.name, seen[line.name]] = line
    return found
