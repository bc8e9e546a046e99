"""The directory of SIASN: units page by page, then the people whose NIPs the settings name.

What becomes of it belongs to the host. SIASN's faults are told as problems, not mended.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from ekinerja_connectors import (
    JSON,
    DirectoryAssignment,
    DirectoryEmployee,
    DirectoryPage,
    DirectoryUnit,
    Fatal,
    InvalidCursor,
    Malformed,
)

from .envelope import listing_of, record_of
from .records import Person, Unit, person_of, unit_of
from .settings import Settings
from .tokens import Session

__all__ = ["DirectoryReader"]

#: One call each; as many as fit well into the time that the host gives a page.
PEOPLE_PER_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a reading goes on: an offset among the units, or among the NIPs of the settings."""

    people: bool = False
    offset: int = 0

    def text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str | None) -> _Place:
        """Raises: InvalidCursor when the text is no place of ours."""
        try:
            place = cls() if text is None else cls(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise InvalidCursor("the place in the directory cannot be read; begin anew") from error
        if type(place.offset) is not int or place.offset < 0 or type(place.people) is not bool:
            raise InvalidCursor("the place in the directory cannot be read; begin anew")
        return place


@dataclass(slots=True)
class _Seen:
    """What one reading has met: units by id, pns ids of people, and up to which place.

    `partial`: another process read the first of the people.
    """

    units: dict[str, Unit] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    place: _Place = field(default_factory=_Place)
    partial: bool = False


class DirectoryReader:
    """Reads the directory from page to page, remembering what later pages are compared with."""

    def __init__(self, settings: Settings, session: Session) -> None:
        self._settings = settings
        self._session = session
        self._seen = _Seen()

    async def page(self, cursor: str | None) -> DirectoryPage:
        """The page that begins at `cursor`. Raises: Retryable, AuthFailed, Fatal."""
        place = _Place.of(cursor)
        if place == _Place():
            self._seen = _Seen()
        elif place != self._seen.place:  # another process began this reading
            await self._catch_up(place)
        if place.people:
            return await self._people(place)
        units, problems, following = await self._units(place)
        self._seen.place = following
        settings = self._settings
        if following.people:
            orphans, told = _orphans_of(self._seen.units)
            # The last word on a unit holds: those of this page are not said twice.
            units = list({one.id: one for one in [*units, *orphans]}.values())
            problems = [*problems, *told]
        ended = following.people and not settings.nips
        return DirectoryPage(
            units=tuple(_directory_unit(one, settings) for one in units),
            problems=tuple(problems),
            next_cursor=None if ended else following.text(),
        )

    async def _catch_up(self, place: _Place) -> None:
        """Read the units before `place` again, so that what follows can be compared with them."""
        self._seen = _Seen()
        while not self._seen.place.people and self._seen.place.offset < place.offset:
            _, _, self._seen.place = await self._units(self._seen.place)
        while place.people and not self._seen.place.people:
            _, _, self._seen.place = await self._units(self._seen.place)
        self._seen.place = place
        self._seen.partial = place.people and place.offset > 0

    async def _units(self, place: _Place) -> tuple[list[Unit], list[str], _Place]:
        params = {"limit": str(self._settings.page_size), "offset": str(place.offset)}
        path = self._settings.assumptions.units_path
        listing = listing_of(await self._session.get(path, params))
        units, problems = _units_of(listing.rows)
        new = [one for one in units if one.id not in self._seen.units]
        self._seen.units |= {one.id: one for one in units}
        if units and not new:
            raise Fatal(f"{path} gave the page at {place.offset} before: it ignores offset")
        read = place.offset + len(listing.rows)
        total, rows = listing.count, len(listing.rows)
        more = rows > 0 and (rows >= self._settings.page_size if total is None else read < total)
        if total is not None and not more and read < total:
            problems.append(f"{path} tells of {total} units and gives {read}")
        return units, problems, _Place(offset=read) if more else _Place(people=True)

    async def _people(self, place: _Place) -> DirectoryPage:
        nips = self._settings.nips[place.offset : place.offset + PEOPLE_PER_PAGE]
        employees: list[DirectoryEmployee] = []
        assignments: list[DirectoryAssignment] = []
        problems: list[str] = []
        for nip in nips:
            try:
                person = await self._person(nip)
                employees.append(DirectoryEmployee(nip=nip, name=person.name))
                assignments.append(self._assignment(person))
            except Malformed as fault:
                told = str(fault)
                problems.append(told if nip in told else f"{nip}: {told}")
        following = _Place(people=True, offset=place.offset + len(nips))
        self._seen.place = following
        ended = following.offset >= len(self._settings.nips)
        if ended:
            problems += self._unknown_heads()
        return DirectoryPage(
            employees=tuple(employees),
            assignments=tuple(assignments),
            problems=tuple(problems),
            next_cursor=None if ended else following.text(),
        )

    async def _person(self, nip: str) -> Person:
        """Raises: Malformed with what is wrong with this person in SIASN."""
        path = self._settings.assumptions.person_path.replace("{nip}", nip)
        row = record_of(await self._session.get(path))
        if row is None:
            raise Malformed(f"{nip} is not known to SIASN")
        try:
            person = person_of(row)
        except Malformed as fault:
            raise Malformed(f"{nip}: {fault}") from fault
        if person.nip != nip:
            raise Malformed(f"SIASN answers {person.nip or 'nobody'} when asked for {nip}")
        self._seen.people.add(person.id)
        return person

    def _assignment(self, person: Person) -> DirectoryAssignment:
        """The post somebody holds. Raises: Malformed with why there is none to be taken."""
        if person.standing not in self._settings.assumptions.active_codes:
            said = person.standing_name or person.standing or "not told"
            raise Malformed(f"{person.nip} is not in service (kedudukan {said}): no post is taken")
        if not person.unit:
            raise Malformed(f"{person.nip} is in no unit (unorId is blank)")
        if not person.position:
            raise Malformed(f"{person.nip} has no post (jabatanNama is blank)")
        if person.starts_on is None:
            raise Malformed(f"{person.nip} has no tmtJabatan: since when is not told")
        unit = self._seen.units.get(person.unit)
        if unit is None:
            raise Malformed(f"{person.nip} is in unit {person.unit}, which ref-unor does not have")
        return DirectoryAssignment(
            nip=person.nip,
            unit_code=_code(person.unit, self._settings),
            position=person.position,
            starts_on=person.starts_on,
            heads_unit=unit.head == person.id,
        )

    def _unknown_heads(self) -> list[str]:
        """Units led by nobody who was read: SIASN names a head by pns id, which is no NIP."""
        if self._seen.partial:
            return ["the reading was interrupted, so that heads of units were not compared"]
        return [
            f"unit {one.name} ({one.id}) is led by pns id {one.head}, who is none of settings.nips"
            for one in self._seen.units.values()
            if one.head and one.head not in self._seen.people
        ]


def _units_of(rows: Sequence[JSON]) -> tuple[list[Unit], list[str]]:
    units: list[Unit] = []
    problems: list[str] = []
    for row in rows:
        try:
            units.append(unit_of(row))
        except Malformed as fault:
            problems.append(str(fault))
    return units, problems


def _orphans_of(units: dict[str, Unit]) -> tuple[list[Unit], list[str]]:
    """Units whose parent ref-unor does not have, to be put at the top, and that this is so."""
    orphans = [one for one in units.values() if one.above and one.above not in units]
    problems = [
        f"unit {one.name} ({one.id}) stands under {one.above}, which ref-unor does not have; "
        "it is put at the top"
        for one in orphans
    ]
    selves = [one for one in units.values() if one.above == one.id]
    problems += [
        f"unit {one.name} ({one.id}) stands under itself; it is put at the top" for one in selves
    ]
    return [
        Unit(id=one.id, name=one.name, echelon=one.echelon, above="", head=one.head)
        for one in orphans
    ], problems


def _directory_unit(unit: Unit, settings: Settings) -> DirectoryUnit:
    top = not unit.above or unit.above == unit.id
    return DirectoryUnit(
        code=_code(unit.id, settings),
        name=unit.name[:500],
        kind=f"eselon {unit.echelon}" if unit.echelon else "unit",
        parent_code=None if top else _code(unit.above, settings),
    )


def _code(unit: str, settings: Settings) -> str:
    return settings.unit_codes.get(unit, unit)
