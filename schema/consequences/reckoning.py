"""The use cases of reckoning: what follows for people from signed appraisals, a thousand at a time.

Set-based, in the caller's transaction: people are locked, facts read, rules applied as pure
functions, and what has another document than before is kept as a new version. Whatever is the same
writes nothing, so that reckoning again is harmless.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.consequences import facts
from schema.consequences.documents import (
    About,
    AllowanceInputs,
    Applied,
    CreditInputs,
    Inputs,
    TalentInputs,
    TrainingInputs,
    WeightInputs,
    document_of,
    outcome_of,
)
from schema.consequences.facts import Current, PayFacts, YearFacts
from schema.consequences.models import RuleKind
from schema.consequences.rule_sets import InForce, all_in_force, ensure_defaults
from schema.consequences.rule_tables import AchievementPart, AllowanceRules, GoesBy
from schema.consequences.values import MonthFacts, Outcome
from schema.errors import DomainError, ErrorCode, NotFound
from schema.values import digest_of, uuid7

BATCH = 1_000
"""People whose facts are read at once; callers give no more."""
# Of a year the rules in force on its last day hold, of a month those of its first: house rules.
OF_YEAR = (RuleKind.WEIGHT, RuleKind.CREDIT, RuleKind.TALENT, RuleKind.TRAINING)

YEAR = """
SELECT p.id, p.code, p.starts_on, p.ends_on, a.code AS agency
FROM period p JOIN agency a ON a.id = p.agency_id WHERE a.id = $1 AND p.id = $2"""
YEAR_OF_MONTH = """
SELECT p.id, p.code, p.starts_on, p.ends_on, a.code AS agency
FROM period p JOIN agency a ON a.id = p.agency_id
WHERE a.id = $1 AND p.starts_on <= $2::date AND p.ends_on >= $2::date
ORDER BY p.starts_on DESC LIMIT 1"""

SUPERSEDE = "UPDATE consequence SET superseded_at = $2 WHERE id = ANY ($1::uuid[])"
KEEP = """
WITH kept AS (
  INSERT INTO consequence (id, agency_id, employee_id, period_id, kind, month, rule_set_id, amount,
    label, document, digest, version, reckoned_by, reckoned_at)
  SELECT v.id, $1, v.employee_id, $2, v.kind, $3::date, v.rule_set_id, v.amount, v.label,
    v.document, v.digest, v.version, $4, $5
  FROM unnest($6::uuid[], $7::uuid[], $8::text[], $9::uuid[], $10::numeric[], $11::text[],
    $12::text[], $13::text[], $14::int[]) v (id, employee_id, kind, rule_set_id, amount, label,
    document, digest, version)
)
INSERT INTO consequence_basis (id, consequence_id, appraisal_id)
SELECT * FROM unnest($15::uuid[], $16::uuid[], $17::uuid[])"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """A planning period of an agency; `agency` is its code."""

    id: UUID
    code: str
    starts_on: date
    ends_on: date
    agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """A consequence as it comes out now; `basis` are the appraisals that it rests on."""

    kind: RuleKind
    rule_set_id: UUID
    outcome: Outcome
    document: str
    basis: Sequence[UUID]


@dataclass(slots=True)
class Changes:
    """What is written: old versions superseded, new ones with what they rest on."""

    superseded: list[UUID] = field(default_factory=list)
    kept: list[tuple[Any, ...]] = field(default_factory=list)
    basis: list[tuple[UUID, UUID, UUID]] = field(default_factory=list)

    def compare(
        self, employee_id: UUID, current: Iterable[Current], now: Sequence[Reckoned]
    ) -> None:
        """A new version where the document is another one; without one what was is superseded."""
        known = {one.kind: one for one in current}
        for one in now:
            before, digest = known.pop(one.kind, None), digest_of(one.document)
            if before is not None and before.digest == digest:
                continue
            if before is not None:
                self.superseded.append(before.id)
            key = uuid7()
            self.kept.append(
                (
                    key,
                    employee_id,
                    one.kind.value,
                    one.rule_set_id,
                    one.outcome.amount,
                    one.outcome.label,
                    one.document,
                    digest,
                    before.version + 1 if before else 1,
                )
            )
            self.basis += [(uuid7(), key, appraisal) for appraisal in one.basis]
        self.superseded += [one.id for one in known.values()]


async def reckon(
    connection: BaseDBAsyncClient,
    agency_id: UUID,
    period_id: UUID,
    employee_ids: Sequence[UUID],
    by: str,
    now: datetime,
) -> int:
    """Weight, credit points, box and training of these people's year, at most BATCH; in the
    caller's transaction. How many new versions there are.

    Raises:
        NotFound: no such period of the agency.
    """
    year = _found(await connection.execute_query_dict(YEAR, [agency_id, period_id]))
    await facts.lock_people(connection, employee_ids)
    rules = await _year_rules(connection, agency_id, year, now)
    changes = Changes()
    for person in await facts.of_year(connection, employee_ids, period_id):
        found = list(of_year(person, year, rules)) if person.basis else []
        changes.compare(person.employee_id, person.current, found)
    return await _write(connection, agency_id, year.id, None, changes, by, now)


async def reckon_allowances(
    connection: BaseDBAsyncClient,
    agency_id: UUID,
    month: date,
    employee_ids: Sequence[UUID],
    by: str,
    now: datetime,
) -> int:
    """The allowance of these people for a month that is over, at most BATCH; in the caller's
    transaction. Whose pay is not known has none. How many new versions there are.

    Raises:
        NotFound: the month is in no planning period of the agency.
        DomainError: the agency has no rules of allowance in force then.
    """
    first = month.replace(day=1)
    year = await year_of(connection, agency_id, first)
    await facts.lock_people(connection, employee_ids)
    rules = await all_in_force(connection, agency_id, first, [RuleKind.ALLOWANCE])
    if RuleKind.ALLOWANCE not in rules:
        raise DomainError(ErrorCode.RULES_MISSING, kind=RuleKind.ALLOWANCE, day=first)
    changes = Changes()
    for person in await facts.of_month(connection, employee_ids, agency_id, year.id, first):
        found = of_month(person, year, first, rules[RuleKind.ALLOWANCE])
        changes.compare(person.employee_id, person.current, [] if found is None else [found])
    return await _write(connection, agency_id, year.id, first, changes, by, now)


async def year_of(connection: BaseDBAsyncClient, agency_id: UUID, day: date) -> Year:
    """The agency's planning period that a day is in.

    Raises:
        NotFound: there is none.
    """
    return _found(await connection.execute_query_dict(YEAR_OF_MONTH, [agency_id, day]))


def _found(rows: Sequence[Mapping[str, Any]]) -> Year:
    if not rows:
        raise NotFound("Period")
    return Year(**rows[0])


async def _year_rules(
    connection: BaseDBAsyncClient, agency_id: UUID, year: Year, now: datetime
) -> Mapping[RuleKind, InForce]:
    """Of an agency that has said nothing, the defaults.

    Raises:
        DomainError: its own rules begin only later.
    """
    found = await all_in_force(connection, agency_id, year.ends_on, OF_YEAR)
    if len(found) < len(OF_YEAR):
        await ensure_defaults(connection, agency_id, now)
        found = await all_in_force(connection, agency_id, year.ends_on, OF_YEAR)
    missing = [kind for kind in OF_YEAR if kind not in found]
    if missing:
        raise DomainError(ErrorCode.RULES_MISSING, kind=missing[0], day=year.ends_on)
    return found


def of_year(person: YearFacts, year: Year, rules: Mapping[RuleKind, InForce]) -> Iterator[Reckoned]:
    """The four consequences of somebody's year; the box goes by the year's weight."""
    weight = _reckoned(person, year, rules, RuleKind.WEIGHT, WeightInputs(plans=person.plans))
    yield weight
    others: list[tuple[RuleKind, Inputs]] = [
        (RuleKind.CREDIT, CreditInputs(plans=person.plans, brought=person.brought)),
        (
            RuleKind.TALENT,
            TalentInputs(weight=weight.outcome.amount, potential=person.potential),
        ),
        (RuleKind.TRAINING, TrainingInputs(lows=person.lows, hours=person.hours)),
    ]
    for kind, inputs in others:
        yield _reckoned(person, year, rules, kind, inputs)


def _reckoned(
    person: YearFacts,
    year: Year,
    rules: Mapping[RuleKind, InForce],
    kind: RuleKind,
    inputs: Inputs,
) -> Reckoned:
    about = About(agency=year.agency, nip=person.nip, period=year.code, kind=kind, month=None)
    return _kept(about, inputs, rules[kind], person.basis)


def of_month(person: PayFacts, year: Year, month: date, in_force: InForce) -> Reckoned | None:
    """Somebody's allowance for a month; None where their pay is not known."""
    if person.base is None or person.employment is None:
        return None
    rules = cast("AllowanceRules", in_force.rules)
    inputs = AllowanceInputs(
        facts=MonthFacts(
            base=person.base,
            employment=person.employment,
            predicates={name: one.predicate for name, one in person.gone_by.items()},
            achievement=person.achievement,
            attendance=person.attendance,
        ),
        appraisals={name: one.id for name, one in person.gone_by.items()},
    )
    about = About(
        agency=year.agency,
        nip=person.nip,
        period=year.code,
        kind=RuleKind.ALLOWANCE,
        month=month,
    )
    return _kept(about, inputs, in_force, basis_of(rules, inputs))


def basis_of(rules: AllowanceRules, inputs: AllowanceInputs) -> list[UUID]:
    """The appraisals that a scheme goes by, each once: for its predicate, and for achievement."""
    goes_by = [] if rules.goes_by is None else [rules.goes_by]
    if any(isinstance(part, AchievementPart) for part in rules.parts):
        goes_by.append(GoesBy.SAME_PERIOD)
    found = (inputs.appraisals.get(name) for name in goes_by)
    return list(dict.fromkeys(key for key in found if key is not None))


def _kept(about: About, inputs: Inputs, rules: InForce, basis: Sequence[UUID]) -> Reckoned:
    outcome = outcome_of(rules.rules, inputs)
    applied = Applied(digest=rules.digest, code=rules.code, version=rules.version)
    return Reckoned(
        kind=about.kind,
        rule_set_id=rules.id,
        outcome=outcome,
        document=document_of(about, inputs, applied, outcome),
        basis=basis,
    )


async def _write(
    connection: BaseDBAsyncClient,
    agency_id: UUID,
    period_id: UUID,
    month: date | None,
    changes: Changes,
    by: str,
    now: datetime,
) -> int:
    if changes.superseded:
        await connection.execute_query_dict(SUPERSEDE, [changes.superseded, now])
    if changes.kept:
        columns = [*map(list, zip(*changes.kept, strict=True))]
        basis = [*map(list, zip(*changes.basis, strict=True))] or [[], [], []]
        values = [agency_id, period_id, month, by, now, *columns, *basis]
        await connection.execute_query_dict(KEEP, values)
    return len(changes.kept)
