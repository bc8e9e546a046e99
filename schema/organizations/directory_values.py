"""Values of a directory: what a service says of an organization, what we know, what would change.

Days are days: a `starts_on` is the first, an `ends_on` the first no longer. Nothing here reads or
writes; what comes and goes as JSON is the snapshot of what a service said.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from schema.organizations.models import AssignmentKind

OUTSIDE = "(another agency)"
"""Stands for an appraiser of another agency, whose NIP is not ours to tell."""


class ChangeKind(StrEnum):
    """What a directory would change in the organization."""

    UNIT_ADDED = "UNIT_ADDED"
    UNIT_CHANGED = "UNIT_CHANGED"
    UNIT_MOVED = "UNIT_MOVED"
    EMPLOYEE_ADDED = "EMPLOYEE_ADDED"
    EMPLOYEE_CHANGED = "EMPLOYEE_CHANGED"
    POST_STARTED = "POST_STARTED"
    POST_ENDED = "POST_ENDED"
    POST_CHANGED = "POST_CHANGED"
    PROBLEM = "PROBLEM"
    """Something that the service has wrong, or that we cannot take; nothing changes by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenUnit:
    """A unit (*unit organisasi, unor*) as the service has it; `parent` None is the top."""

    code: str
    name: str
    kind: str = "unit"
    parent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPerson:
    """An employee (*pegawai*) as the service has it; `timezone` None is the agency's."""

    nip: str
    name: str
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPost:
    """A post (*jabatan*) as the service has it; `appraiser` None is to be derived."""

    nip: str
    unit: str
    position: str
    starts_on: date
    ends_on: date | None = None
    kind: AssignmentKind = AssignmentKind.DEFINITIVE
    heads_unit: bool = False
    appraiser: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """A whole reading of a service's directory, in the order in which it came."""

    units: tuple[GivenUnit, ...] = ()
    people: tuple[GivenPerson, ...] = ()
    posts: tuple[GivenPost, ...] = ()
    problems: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The snapshot; days in ISO 8601."""
        whole = asdict(self)
        for post in whole["posts"]:
            post["starts_on"] = post["starts_on"].isoformat()
            post["ends_on"] = post["ends_on"] and post["ends_on"].isoformat()
        return whole

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Directory":
        """The reading that `to_json` gave."""
        return cls(
            units=tuple(GivenUnit(**one) for one in value["units"]),
            people=tuple(GivenPerson(**one) for one in value["people"]),
            posts=tuple(_post(one) for one in value["posts"]),
            problems=tuple(value["problems"]),
        )


def _post(value: Mapping[str, Any]) -> GivenPost:
    given = dict(value)
    given["starts_on"] = date.fromisoformat(given["starts_on"])
    given["ends_on"] = given["ends_on"] and date.fromisoformat(given["ends_on"])
    given["kind"] = AssignmentKind(given["kind"])
    return GivenPost(**given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Under which unit a unit stands, and how long."""

    id: UUID
    parent: str | None
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownUnit:
    """A unit as we have it, with its places."""

    code: str
    name: str
    kind: str
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPerson:
    """An employee as we have them."""

    nip: str
    name: str
    timezone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPost:
    """A post as we have it."""

    id: UUID
    nip: str
    unit: str
    position: str
    kind: AssignmentKind
    heads_unit: bool
    appraiser: str | None
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """All that we know of an agency's organization; `elsewhere` are NIPs of other agencies."""

    timezone: str = "Asia/Jakarta"
    units: Mapping[str, KnownUnit] = field(default_factory=dict)
    people: Mapping[str, KnownPerson] = field(default_factory=dict)
    posts: tuple[KnownPost, ...] = ()
    elsewhere: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceUnit:
    """Let a unit stand under `parent` from the day on; `current` is where it stands then."""

    code: str
    parent: str | None
    current: Place | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnit:
    """Take a unit in, and place it."""

    unit: GivenUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameUnit:
    """Give a unit the name and kind that the service has."""

    unit: GivenUnit


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    """Take an employee in."""

    person: KnownPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class RenamePerson:
    """Give an employee the name and time zone that the service has."""

    person: KnownPerson


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """How a post is held from the day on, until `until` (exclusive)."""

    nip: str
    unit: str
    position: str
    kind: AssignmentKind
    heads_unit: bool
    appraiser: str | None
    until: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPost:
    """Let somebody hold a post from the day on; `after` is the one that it follows, if any."""

    held: Held
    after: KnownPost | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndPost:
    """Let a post end on the day."""

    post: KnownPost


@dataclass(frozen=True, slots=True, kw_only=True)
class AlterPost:
    """Let the same post go on otherwise: another appraiser, spelling, lead or end."""

    post: KnownPost
    held: Held


Act = PlaceUnit | NewUnit | RenameUnit | NewPerson | RenamePerson | StartPost | EndPost | AlterPost


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a directory would change, for people to read and for us to do.

    `gives` and `needs` are names of what it makes possible and what it depends on, so that a
    choice among changes can be checked.
    """

    kind: ChangeKind
    subject: str
    detail: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
    act: Act | None = None
    gives: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The same for the same change in another comparison, however the day moved on."""
        return key_of_change(self.kind, self.subject, self.before, self.after)


def key_of_change(kind: str, subject: str, before: Any, after: Any) -> str:
    return json.dumps([str(kind), subject, before, after], sort_keys=True, default=str)


def problem(subject: str, detail: str) -> Change:
    return Change(kind=ChangeKind.PROBLEM, subject=subject, detail=detail)
