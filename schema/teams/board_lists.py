"""Pure rules of the list behind each count of a board: judged, sorted, cut into pages."""

import binascii
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from schema.errors import DomainError, ErrorCode
from schema.teams.models import PresenceStatus
from schema.teams.rules import DayFacts, presence

LARGEST_PAGE = 100
DEFAULT_PAGE = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPerson:
    """A closed day of one person in a list."""

    on: date
    name: str
    person_id: UUID
    unit_code: str
    unit_name: str
    status: PresenceStatus
    required_minutes: int
    recorded_minutes: int
    pending_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenPerson:
    """A day of one person in a list that is not closed."""

    on: date
    name: str
    person_id: UUID
    unit_code: str
    unit_name: str
    facts: DayFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPeople:
    """A page of closed days in their order, how many of them there are, and all open ones."""

    count: int
    closed: Sequence[ClosedPerson]
    open: Sequence[OpenPerson]


@dataclass(frozen=True, slots=True)
class PersonNode:
    """One line of the list."""

    on: date
    name: str
    person_id: UUID
    unit_code: str
    unit_name: str
    status: PresenceStatus
    required_minutes: int
    recorded_minutes: int
    pending_count: int

    @property
    def employee_id(self) -> str:
        """The global id of the person."""
        return b64encode(f"Employee:{self.person_id}".encode()).decode()

    @property
    def place(self) -> tuple[int, str, str]:
        """The newest day first, then by name."""
        return (-self.on.toordinal(), self.name, str(self.person_id))


@dataclass(frozen=True, slots=True)
class PersonEdge:
    """A line with its cursor."""

    cursor: str
    node: PersonNode


@dataclass(frozen=True, slots=True)
class PageFacts:
    """Where a page stands."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """A page of the list."""

    page_info: PageFacts
    edges: Sequence[PersonEdge]
    total_count: int


Place = tuple[date, str, UUID]


def place_of(cursor: str) -> Place:
    """The day, name and key that a cursor of this list stands for.

    Raises:
        DomainError: it is not one of ours.
    """
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        day, name, key = json.loads(text)
        if not isinstance(name, str) or "\x00" in name:
            raise ValueError("no name")
        return date.fromisoformat(day), name, UUID(key)
    except (ValueError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise DomainError(ErrorCode.INVALID_CURSOR, field="after") from None


def size_of(first: int | None) -> int:
    """How many lines are asked for.

    Raises:
        DomainError: not 1 to 100.
    """
    size = DEFAULT_PAGE if first is None else first
    if not 1 <= size <= LARGEST_PAGE:
        raise DomainError(ErrorCode.PAGE_TOO_LARGE, field="first", limit=LARGEST_PAGE)
    return size


def people_page(
    people: UnitPeople,
    statuses: Sequence[PresenceStatus] | None,
    size: int,
    after: str | None,
    now: datetime,
) -> PeoplePage:
    """Closed days, which come filtered and behind the cursor, with those of the open ones that are
    wanted sorted in."""
    judged = [_judged(one, now) for one in people.open]
    wanted = [one for one in judged if statuses is None or one.status in statuses]
    nodes = [_line(one, one.status) for one in people.closed]
    behind = None if after is None else _key_of(*place_of(after))
    nodes += [one for one in wanted if behind is None or one.place > behind]
    nodes.sort(key=lambda one: one.place)
    edges = [PersonEdge(_cursor_of(node), node) for node in nodes[:size]]
    info = PageFacts(
        has_next_page=len(nodes) > size,
        has_previous_page=after is not None,
        start_cursor=edges[0].cursor if edges else None,
        end_cursor=edges[-1].cursor if edges else None,
    )
    return PeoplePage(info, edges, people.count + len(wanted))


def _judged(one: OpenPerson, now: datetime) -> PersonNode:
    return _line(one, presence(one.facts, now))


def _line(one: ClosedPerson | OpenPerson, status: PresenceStatus) -> PersonNode:
    said = one.facts if isinstance(one, OpenPerson) else one
    return PersonNode(
        one.on,
        one.name,
        one.person_id,
        one.unit_code,
        one.unit_name,
        status,
        said.required_minutes,
        said.recorded_minutes,
        said.pending_count,
    )


def _key_of(day: date, name: str, key: UUID) -> tuple[int, str, str]:
    return (-day.toordinal(), name, str(key))


def _cursor_of(node: PersonNode) -> str:
    place = [node.on.isoformat(), node.name, str(node.person_id)]
    return urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")
