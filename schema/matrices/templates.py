"""A template for many people: each of its results in each one's plan, hundreds in one call.

A template gives a person each of its results once a period: the target's code tells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from schema.access import Scope, can_administer, can_plan_for, can_see_directory, can_see_work_of
from schema.checks import invalid
from schema.errors import DomainError, ErrorCode, NotFound
from schema.matrices.models import CascadeTemplate
from schema.matrices.placing import (
    Giving,
    Measure,
    NewRow,
    lock_people,
    lock_results,
    plans_of,
    posts_of_day,
    put,
    taken,
)
from schema.matrices.rules import (
    MOST_PEOPLE,
    WEIGHT_STEP,
    TemplateIndicator,
    TemplateResult,
    can_be_shared,
    equal_parts,
    results_in,
)
from schema.organizations.models import Agency, Employee
from schema.tables import transaction
from schema.targets.models import EdgeKind, Indicator, Period, Target, TargetEdge
from schema.targets.pairing import pair
from schema.targets.rules import HUNDRED
from schema.values import local_date, plain

# Who holds a post on a day in a unit or in one below it; a part of the post's name narrows it.
OF_UNIT = """
WITH RECURSIVE below (id) AS (
  SELECT $1::uuid
  UNION
  SELECT p.unit_id FROM below JOIN unit_placement p ON p.parent_id = below.id
  WHERE p.starts_on <= $2 AND (p.ends_on IS NULL OR p.ends_on > $2)
)
SELECT e.* FROM employee e WHERE e.agency_id = $3 AND EXISTS (
  SELECT FROM assignment a JOIN below ON below.id = a.unit_id
  WHERE a.employee_id = e.id AND a.starts_on <= $2 AND (a.ends_on IS NULL OR a.ends_on > $2)
    AND ($4::text IS NULL OR strpos(lower(a.position), lower($4)) > 0)
) ORDER BY e.nip LIMIT $5"""


class Split(StrEnum):
    """What becomes of the parent's number: everybody has the template's, or an equal part."""

    SAME = "SAME"
    EQUAL = "EQUAL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Whom a template is for: people by NIP, or all of a unit and below, by a part of the post."""

    nips: Sequence[str] | None = None
    unit_id: UUID | None = None
    position: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A template for people in a period, below a parent where one is given."""

    template_id: UUID
    period: str
    chosen: Chosen
    parent_id: UUID | None = None
    kind: EdgeKind | None = None
    split: Split = Split.SAME


@dataclass(slots=True)
class Applied:
    """Plans that were given rows, how many rows, and an error for each that takes none."""

    plans: list[UUID] = field(default_factory=list)
    rows: int = 0
    errors: list[tuple[str | None, DomainError]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Parent:
    """The target that the rows serve, its indicators in order, and what is left to deal out."""

    target: Target
    indicators: Sequence[Indicator]
    weight_left: Decimal
    planned_below: Mapping[UUID, Decimal]


async def apply_template(scope: Scope, wanted: Application, now: datetime) -> Applied:
    """Give people a template's results in their plans, each once; hundreds in one call.

    Each that can be given them is; an error names each other one.

    Raises:
        NotFound: no such template, period, unit or parent, or not the viewer's to see.
        DomainError: the viewer is neither administrator nor a superior of all of them; nobody or
            too many are chosen; or parent, kind and split do not fit.
    """
    _check_form(wanted)
    async with transaction() as connection:
        template = await CascadeTemplate.get_or_none(id=wanted.template_id, using_db=connection)
        if template is None or not can_see_directory(scope, template.agency_id):
            raise NotFound("Template")
        agency = await Agency.get(id=template.agency_id, using_db=connection)
        period = await Period.get_or_none(
            agency_id=agency.id, code=wanted.period, using_db=connection
        )
        if period is None:
            raise NotFound("Period")
        day = local_date(now, agency.timezone)
        giving = Giving(connection=connection, scope=scope, period=period, day=day, now=now)
        people = await _people(giving, wanted.chosen)
        _refuse_others(giving, people)
        # People before results: in this order, too, a matrix is handed out.
        await lock_people(connection, [person.id for person in people])
        parent = await _parent(giving, wanted.parent_id)
        people = _without_owner(people, parent, wanted.chosen)
        return await _give(giving, template, wanted, people, parent)


def _check_form(wanted: Application) -> None:
    """Raises:
    DomainError: what is given does not fit together.
    """
    chosen = wanted.chosen
    if (chosen.nips is None) is (chosen.unit_id is None):
        raise invalid("employees", "give employees, or a unit")
    if chosen.nips is not None and chosen.position is not None:
        raise invalid("position", "a part of the post's name belongs to a unit")
    if (wanted.parent_id is None) is not (wanted.kind is None):
        raise invalid("kind", "a parent needs its kind, and a kind its parent")
    if wanted.split is Split.EQUAL and wanted.kind is not EdgeKind.DIRECT:
        raise invalid("split", "equal parts need a parent and the kind DIRECT")


async def _people(giving: Giving, chosen: Chosen) -> list[Employee]:
    """Raises:
    DomainError: nobody or too many, or somebody is not of the agency.
    """
    agency_id = giving.period.agency_id
    if chosen.unit_id is not None:
        values = [chosen.unit_id, giving.day, agency_id, chosen.position or None, MOST_PEOPLE + 1]
        rows = await giving.connection.execute_query_dict(OF_UNIT, values)
        people = [Employee._init_from_db(**row) for row in rows]
    else:
        nips = list(dict.fromkeys(chosen.nips or ()))
        named = Employee.filter(agency_id=agency_id, nip__in=nips[: MOST_PEOPLE + 1])
        found = await named.using_db(giving.connection)
        by_nip = {person.nip: person for person in found}
        for place, nip in enumerate(chosen.nips or ()):
            if nip not in by_nip and place <= MOST_PEOPLE:
                field = f"employees.{place}"
                raise DomainError(ErrorCode.NOT_FOUND, field=field, thing="Employee")
        people = [by_nip[nip] for nip in nips[: MOST_PEOPLE + 1]]
    if not people:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="employees")
    if len(people) > MOST_PEOPLE:
        raise DomainError(ErrorCode.TOO_MANY, field="employees", limit=MOST_PEOPLE)
    return people


def _refuse_others(giving: Giving, people: Sequence[Employee]) -> None:
    """Raises:
    DomainError: the viewer is neither administrator nor a superior of one of them.
    """
    scope = giving.scope
    if can_administer(scope, giving.period.agency_id):
        return
    for person in people:
        if not can_plan_for(scope, person):
            needed = f"the administrator, or a superior of {person.name}"
            raise DomainError(ErrorCode.NOT_ALLOWED, field="employees", needed=needed)


async def _parent(giving: Giving, parent_id: UUID | None) -> Parent | None:
    """The parent, locked, where the viewer may hang rows under it.

    Raises:
        NotFound: no such target of the agency and period, or not the viewer's to see.
        DomainError: it is seen, and for somebody else to deal out.
    """
    if parent_id is None:
        return None
    connection, period = giving.connection, giving.period
    await lock_results(connection, [parent_id])
    target = await Target.get_or_none(
        id=parent_id, agency_id=period.agency_id, period_id=period.id, using_db=connection
    )
    if target is None:
        raise NotFound("Target")
    await _refuse_parent(giving, target)
    indicators = (
        await Indicator.filter(target_id=parent_id).using_db(connection).order_by("position")
    )
    below: dict[UUID, Decimal] = {one.id: Decimal(0) for one in indicators}
    for one in await Indicator.filter(contributes_to_id__in=list(below)).using_db(connection):
        assert one.contributes_to_id is not None
        below[one.contributes_to_id] += one.planned or 0
    edges = TargetEdge.filter(parent_id=parent_id, kind=EdgeKind.WEIGHTED)
    weights = await edges.using_db(connection).values_list("weight", flat=True)
    left = HUNDRED - sum((Decimal(str(weight)) for weight in weights), Decimal(0))
    return Parent(target, indicators, left, below)


async def _refuse_parent(giving: Giving, target: Target) -> None:
    scope, connection = giving.scope, giving.connection
    if can_administer(scope, target.agency_id):
        return
    owner = await Employee.get_or_none(id=target.owner_employee_id, using_db=connection)
    if owner is not None and (owner.id == scope.employee_id or can_plan_for(scope, owner)):
        return
    if owner is None and scope.employee_id is not None:
        units = await posts_of_day(connection, scope.employee_id, giving.day)
        if target.owner_unit_id in units:
            return
    if owner is not None and not can_see_work_of(scope, owner):
        raise NotFound("Target")
    needed = "the target's owner, a superior, or the administrator"
    raise DomainError(ErrorCode.NOT_ALLOWED, field="parent", needed=needed)


def _without_owner(
    people: Sequence[Employee], parent: Parent | None, chosen: Chosen
) -> list[Employee]:
    """All but the parent's owner, who is of the unit as well.

    Raises:
        DomainError: the owner is named, or nobody else is there.
    """
    owner = None if parent is None else parent.target.owner_employee_id
    others = [person for person in people if person.id != owner]
    if chosen.nips is not None and len(others) < len(people):
        raise invalid("employees", "the parent is the result of one of them")
    if not others:
        raise DomainError(ErrorCode.NOTHING_CHOSEN, field="employees")
    return others


async def _give(
    giving: Giving,
    template: CascadeTemplate,
    wanted: Application,
    people: Sequence[Employee],
    parent: Parent | None,
) -> Applied:
    results, applied = results_in(template.results), Applied()
    codes = {
        (person.id, place): f"{template.code}.{person.nip}.{place + 1}"
        for person in people
        for place in range(len(results))
    }
    known = await taken(giving, list(codes.values()))
    missing = [key for key, code in codes.items() if code not in known]
    without = {key for key, _ in missing}
    plans = await plans_of(giving, {one.id: one for one in people if one.id in without})
    missing = [key for key in missing if key[0] in plans.of]
    making = Making(results, wanted, parent, [key[1] for key in missing])
    rows = [
        making.row(employee_id, place, codes[employee_id, place]) for employee_id, place in missing
    ]
    await put(giving, plans, rows)
    applied.rows = len(rows)
    applied.plans = [plans.of[key].id for key in dict.fromkeys(key for key, _ in missing)]
    order = {nip: place for place, nip in enumerate(wanted.chosen.nips or ())}
    applied.errors = [
        (f"employees.{order[one.nip]}" if one.nip in order else "employees", plans.errors[one.id])
        for one in people
        if one.id in plans.errors
    ]
    return applied


class Making:
    """Rows of one application, one after the other: who comes first has the larger part."""

    def __init__(
        self,
        results: Sequence[TemplateResult],
        wanted: Application,
        parent: Parent | None,
        places: Sequence[int],
    ) -> None:
        self._results, self._wanted, self._parent = results, wanted, parent
        self._flows = [self._flows_of(one.indicators) for one in results]
        self._divided = self._divided_one() if wanted.split is Split.EQUAL else None
        self._parts = iter(self._equal_parts(places))
        self._weights = iter(self._equal_weights(len(places)))

    def row(self, employee_id: UUID, place: int, code: str) -> NewRow:
        """The row of a person for the result at this place."""
        result, parent = self._results[place], self._parent
        return NewRow(
            employee_id=employee_id,
            code=code,
            title=result.title,
            category=result.category,
            parent_id=None if parent is None else parent.target.id,
            kind=self._wanted.kind or EdgeKind.INDIRECT,
            weight=next(self._weights, None),
            measures=[self._measure(one, place, n) for n, one in enumerate(result.indicators)],
            stages=result.stages,
        )

    def _measure(self, one: TemplateIndicator, place: int, number: int) -> Measure:
        above, planned = self._flows[place][number], one.planned
        if self._divided == (place, number):
            planned = next(self._parts)
        return Measure(
            aspect=one.aspect,
            title=one.title,
            unit_of_measure=one.unit_of_measure,
            polarity=one.polarity,
            accumulation=one.accumulation,
            planned=planned,
            minimum=one.minimum,
            maximum=one.maximum,
            contributes_to_id=None if above is None else above.id,
        )

    def _flows_of(self, indicators: Sequence[TemplateIndicator]) -> list[Indicator | None]:
        """Into which of the parent's indicators each flows: over direct edges, as they pair."""
        if self._parent is None or self._wanted.kind is not EdgeKind.DIRECT:
            return [None] * len(indicators)
        above = self._parent.indicators
        matches = pair(indicators, above)
        return [None if one.parent is None else above[one.parent] for one in matches]

    def _divided_one(self) -> tuple[int, int]:
        """The first indicator of the template whose parent's number is divided.

        Raises:
            DomainError: none counts the same as one of the parent's that has a number.
        """
        for place, result in enumerate(self._results):
            for number, one in enumerate(result.indicators):
                above = self._flows[place][number]
                if above is None or above.planned is None:
                    continue
                if can_be_shared(above) and can_be_shared(one):
                    return place, number
        raise invalid("split", "no indicator of the template counts the same as one of the parent")

    def _equal_parts(self, places: Sequence[int]) -> list[Decimal]:
        """What is left of the parent's number, for all who are given the divided one now."""
        if self._divided is None or self._parent is None:
            return []
        place, number = self._divided
        above = self._flows[place][number]
        assert above is not None
        assert above.planned is not None
        left = above.planned - self._parent.planned_below[above.id]
        return equal_parts(max(left, Decimal(0)), places.count(place))

    def _equal_weights(self, number: int) -> list[Decimal]:
        """What is left of 100 percent, for all rows alike.

        Raises:
            DomainError: too little is left for each to have a weight.
        """
        if self._parent is None or self._wanted.kind is not EdgeKind.WEIGHTED:
            return []
        weights = equal_parts(self._parent.weight_left, number, WEIGHT_STEP)
        if weights and weights[-1] <= 0:
            total = plain(HUNDRED - self._parent.weight_left)
            raise DomainError(ErrorCode.WEIGHTS_INVALID, field="kind", total=total)
        return weights
