"""Who plays: the agency, its people with their scopes and results, and the script itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from schema.access import Role, Scope
from schema.organizations.models import Agency, Employee, Unit
from schema.organizations.service import grant_role
from schema.organizations.viewers import scope_of
from schema.plans.models import PerformancePlan
from schema.targets.case_values import Case
from schema.targets.models import Indicator, Stage, Target
from server.demo.calendar import Calendar
from server.demo.ledger import Ledger
from server.demo.works import Work


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is played when; a shorter one for a quick look."""

    months: int = 12
    moves_in: int = 7
    """The month on whose first day somebody is transferred; the month after it has an acting
    post."""
    reopened: int = 3


@dataclass(slots=True, kw_only=True)
class Held:
    """A plan and the version that is known of it."""

    id: UUID
    version: int


@dataclass(slots=True, kw_only=True)
class Person:
    """Somebody of the case: whom they answer to, and what they work on."""

    number: int
    nip: str
    id: UUID
    scope: Scope
    unit: str
    position: str
    superior: str | None
    heads: bool
    plans: list[Held]
    own: list[Work] = field(default_factory=list)
    of_unit: list[Work] = field(default_factory=list)

    @property
    def works(self) -> list[Work]:
        return self.own + self.of_unit


@dataclass(slots=True, kw_only=True)
class Play:
    """One case in its year."""

    case: Case
    script: Script
    calendar: Calendar
    agency: UUID
    administrator: Scope
    units: Mapping[str, UUID]
    people: dict[str, Person]
    works: dict[str, Work]
    ledger: Ledger
    goals: Sequence[str]
    evaluations: dict[int, UUID] = field(default_factory=dict)
    filling_until: dict[int, date] = field(default_factory=dict)
    final: UUID | None = None
    tick: Callable[[str], None] = lambda said: None

    def superior_scope(self, person: Person) -> Scope:
        """Who decides about somebody's plan: the superior, at the top the administrator."""
        if person.superior is None:
            return self.administrator
        return self.people[person.superior].scope

    def subordinates(self, nip: str) -> list[Person]:
        return [one for one in self.people.values() if one.superior == nip]

    def goal_of(self, unit: str) -> Work:
        """The first goal of a unit, or of the nearest one above that has any."""
        parents = {one.code: one.parent for one in self.case.units}
        at: str | None = unit
        while at is not None:
            for work in self.works.values():
                if work.unit == at:
                    return work
            at = parents[at]
        return self.works[self.goals[0]]


async def cast(case: Case, script: Script, works: dict[str, Work], goals: Sequence[str]) -> Play:
    """Everybody of a loaded case; an administrator is granted the role."""
    agency = await Agency.get(code=case.agency_code)
    subject = f"pengelola.{case.agency_code.lower()}"
    await grant_role(agency.id, subject, Role.ADMINISTRATOR)
    people = await _people(case, agency)
    await find(works, agency.id)
    for work in works.values():
        if work.nip is not None:
            people[work.nip].own.append(work)
            work.plan = people[work.nip].plans[0].id
    for person in people.values():
        if person.heads:
            person.of_unit = [work for work in works.values() if work.unit == person.unit]
    return Play(
        case=case,
        script=script,
        calendar=Calendar(case.starts_on.year, agency.timezone),
        agency=agency.id,
        administrator=await scope_of(subject),
        units={row.code: row.id for row in await Unit.filter(agency=agency)},
        people=people,
        works=works,
        ledger=Ledger(),
        goals=goals,
    )


async def _people(case: Case, agency: Agency) -> dict[str, Person]:
    rows = {row.nip: row.id for row in await Employee.filter(agency=agency)}
    plans = await PerformancePlan.filter(period__agency_id=agency.id)
    held = {row.employee_id: Held(id=row.id, version=row.version) for row in plans}
    return {
        entry.nip: Person(
            number=number,
            nip=entry.nip,
            id=rows[entry.nip],
            scope=await scope_of(entry.nip),
            unit=entry.unit,
            position=entry.position,
            superior=entry.appraiser,
            heads=entry.nip in case.heads,
            plans=[held[rows[entry.nip]]],
        )
        for number, entry in enumerate(case.employees)
    }


async def find(works: Mapping[str, Work], agency: UUID) -> None:
    """Learn the keys of what is stored, by code and place: keys only, no figure."""
    targets = await Target.filter(agency_id=agency).values_list("code", "id")
    ids = {str(code): key for code, key in targets}
    indicators: dict[UUID, list[UUID]] = {}
    stages: dict[UUID, list[UUID]] = {}
    for table, found in ((Indicator, indicators), (Stage, stages)):
        rows = table.filter(target__agency_id=agency).order_by("position")
        for target, key in await rows.values_list("target_id", "id"):
            found.setdefault(target, []).append(key)
    for work in works.values():
        work.id = ids[work.code]
        for measure, key in zip(work.measures, indicators.get(work.id, ()), strict=True):
            measure.id = key
        for step, key in zip(work.steps, stages.get(work.id, ()), strict=True):
            step.id = key
