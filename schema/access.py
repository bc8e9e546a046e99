"""Who may: the one place that reduces a viewer to a scope and answers questions about it.

The table 'Who sees what' of docs/architecture.md, as pure functions of values. The
read path asks here; row level security (migration 0003) says the same of `ekinerja_reader`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from schema.values import CAPITAL_TIMEZONE


class Role(StrEnum):
    """What a person or service may do beyond being an employee."""

    EMPLOYEE = "EMPLOYEE"
    SUPERVISOR = "SUPERVISOR"
    ADMINISTRATOR = "ADMINISTRATOR"
    AUDITOR = "AUDITOR"
    CONNECTOR = "CONNECTOR"


AGENCY_WIDE = frozenset({Role.ADMINISTRATOR, Role.AUDITOR})


class Person(Protocol):
    """What the policy must know of an employee."""

    @property
    def id(self) -> UUID: ...
    @property
    def agency_id(self) -> UUID: ...
    @property
    def superiors(self) -> Collection[UUID]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A viewer, reduced to what decides what they see.

    `grants` are roles by agency; `agency_id` is where the viewer belongs. A connector's
    service account has an `installation_id` and sees nothing. `line_id` is whose work, and whose
    people's work, is seen: the viewer's own, but for a scope made by `as_superior_of`. What day
    it is goes by `timezone`: that of the viewer, or of whose line it is.
    """

    subject: str
    employee_id: UUID | None = None
    agency_id: UUID | None = None
    grants: frozenset[tuple[UUID, Role]] = field(default_factory=frozenset)
    supervises: bool = False
    installation_id: UUID | None = None
    line_id: UUID | None = None
    timezone: str = CAPITAL_TIMEZONE

    @property
    def line(self) -> UUID | None:
        """Whose work and whose people's work is seen."""
        return self.line_id or self.employee_id

    def agencies_with(self, roles: Collection[Role]) -> frozenset[UUID]:
        return frozenset(agency for agency, role in self.grants if role in roles)

    @property
    def roles(self) -> tuple[Role, ...]:
        held = {role for _, role in self.grants}
        if self.employee_id is not None:
            held.add(Role.EMPLOYEE)
        if self.supervises:
            held.add(Role.SUPERVISOR)
        return tuple(sorted(held))

    @property
    def directories(self) -> frozenset[UUID]:
        """Agencies whose directory and unit targets the viewer sees."""
        own = {self.agency_id} if self.line and self.agency_id else set()
        return self.agencies_with(AGENCY_WIDE) | own


def can_see_directory(scope: Scope, agency_id: UUID) -> bool:
    """Names, posts, units, heads, appraisers, and the targets of units: all in the agency."""
    return agency_id in scope.directories


def can_see_work_of(scope: Scope, person: Person) -> bool:
    """A person's targets, records, logs: they, their superiors, administrator and auditor."""
    return (
        person.id == scope.line
        or (scope.line is not None and scope.line in person.superiors)
        or person.agency_id in scope.agencies_with(AGENCY_WIDE)
    )


class Leader(Person, Protocol):
    """An employee, with where their working day is."""

    @property
    def timezone(self) -> str: ...


def as_superior_of(person: Leader) -> Scope:
    """What any superior sees of a person and the people below: their work, and of what is pending
    the number only. Whoever may see this person's work sees at least this, so that what is worked
    out under it once may be shown to all of them."""
    return Scope(
        subject="", agency_id=person.agency_id, line_id=person.id, timezone=person.timezone
    )


def as_superior_of_oneself(scope: Scope) -> Scope | None:
    """What any superior sees of the viewer; None where the viewer is no employee."""
    if scope.employee_id is None:
        return None
    return Scope(
        subject="",
        agency_id=scope.agency_id,
        line_id=scope.employee_id,
        timezone=scope.timezone,
    )


def can_see_content(scope: Scope, person: Person, *, pending: bool) -> bool:
    """A pending record's content is its employee's only; others see the count."""
    return person.id == scope.employee_id if pending else can_see_work_of(scope, person)


def can_decide(scope: Scope, person: Person) -> bool:
    """Log, confirm, dismiss, correct: the employee, nobody for them."""
    return person.id == scope.employee_id


def can_return(scope: Scope, person: Person) -> bool:
    """Return a confirmed record with a comment: any superior in the line."""
    return scope.employee_id is not None and scope.employee_id in person.superiors


def can_plan_for(scope: Scope, person: Person) -> bool:
    """Edit, approve, return a person's plan: any superior in the line, not only the appraiser, so
    that a wrong superior does not block it."""
    return can_return(scope, person)


def can_deal_for(scope: Scope, person: Person) -> bool:
    """Deal out a leader's results: the leader, any superior, the agency's administrator."""
    return (
        person.id == scope.employee_id
        or can_plan_for(scope, person)
        or can_administer(scope, person.agency_id)
    )


def can_decide_absence(scope: Scope, person: Person) -> bool:
    """Say, accept, refuse or take back for somebody that they are away: any superior in the line,
    the agency's administrator; nobody for themselves."""
    return person.id != scope.employee_id and (
        can_return(scope, person) or can_administer(scope, person.agency_id)
    )


def can_see_plan(scope: Scope, person: Person) -> bool:
    """A plan is seen as the person's work is."""
    return can_see_work_of(scope, person)


def can_administer(scope: Scope, agency_id: UUID) -> bool:
    """See and run an agency's connectors and dead letters; set how it counts time and work."""
    return agency_id in scope.agencies_with({Role.ADMINISTRATOR})


def can_audit(scope: Scope, agency_id: UUID) -> bool:
    """See, never write, what an administrator sees."""
    return agency_id in scope.agencies_with(AGENCY_WIDE)


class Appraised(Protocol):
    """What the policy must know of an appraisal."""

    @property
    def agency_id(self) -> UUID: ...
    @property
    def employee_id(self) -> UUID: ...
    @property
    def appraiser_id(self) -> UUID | None: ...


def can_see_appraisal(scope: Scope, appraisal: Appraised, person: Person) -> bool:
    """As the person's work; who appraises it, also where the person has moved on; and the agency
    that it was made in."""
    return (
        can_see_work_of(scope, person)
        or (scope.employee_id is not None and scope.employee_id == appraisal.appraiser_id)
        or can_audit(scope, appraisal.agency_id)
    )


def can_appraise(scope: Scope, appraisal: Appraised, person: Person) -> bool:
    """Rate and sign: the appraiser, any superior in the line; where nobody is above, the agency's
    administrator. Nobody for themselves."""
    if scope.employee_id == appraisal.employee_id:
        return False
    if appraisal.appraiser_id is None and can_administer(scope, appraisal.agency_id):
        return True
    return scope.employee_id is not None and (
        scope.employee_id == appraisal.appraiser_id or can_return(scope, person)
    )


def can_sign(scope: Scope, appraisal: Appraised, person: Person) -> bool:
    """Who appraises, and the agency's administrator for many at once. Nobody for themselves."""
    return scope.employee_id != appraisal.employee_id and (
        can_appraise(scope, appraisal, person) or can_administer(scope, appraisal.agency_id)
    )


def can_ask_for_feedback(scope: Scope, appraisal: Appraised, person: Person) -> bool:
    """Choose whom feedback (360) is asked of, as `can_sign`. Never the person themselves: they do
    not learn who was asked."""
    return can_sign(scope, appraisal, person)


def can_decide_objection(
    scope: Scope, appraisal: Appraised, person: Person, above: Collection[UUID]
) -> bool:
    """Those of the person's line who stand `above` whoever rated; where none of them does, the
    agency's administrator. Nobody for themselves; that who rated does not decide is the caller's
    to see to."""
    if scope.employee_id == appraisal.employee_id:
        return False
    deciders = set(above) & set(person.superiors)
    if not deciders:
        return can_administer(scope, appraisal.agency_id)
    return scope.employee_id in deciders


def can_rate_unit(
    scope: Scope, agency_id: UUID, head: Person | None, heads: Collection[UUID]
) -> bool:
    """Say a unit's own result: anybody in the line of its head, the agency's administrator; nobody
    of those (`heads`) whose rating of results it is."""
    if scope.employee_id in heads:
        return False
    return can_administer(scope, agency_id) or (head is not None and can_return(scope, head))


def can_see_career(scope: Scope, person: Person) -> bool:
    """Career, potential, pay, box and credit points: the person themselves, the agency's
    administrator and auditor. Not superiors: they appraise, and do not pay."""
    return (scope.employee_id is not None and person.id == scope.employee_id) or can_audit(
        scope, person.agency_id
    )
