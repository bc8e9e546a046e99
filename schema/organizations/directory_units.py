"""Pure rules for units and people of a directory: what would change, and what cannot be taken.

A unit whose place is unclear in the service (above itself, in a circle, under a unit that nobody
knows) is told as a problem and keeps its place here; if it is new it is taken in at the top, so
that its people and the units below it are not lost with it.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, TypeVar
from zoneinfo import available_timezones

from schema.organizations.directory_values import (
    Change,
    ChangeKind,
    Directory,
    GivenPerson,
    GivenUnit,
    KnownPerson,
    KnownUnit,
    NewPerson,
    NewUnit,
    Organization,
    Place,
    PlaceUnit,
    RenamePerson,
    RenameUnit,
    problem,
)
from schema.values import is_nip

Parents = Mapping[str, str | None]
Given = TypeVar("Given", GivenUnit, GivenPerson)


def place_on(places: Iterable[Place], day: date) -> Place | None:
    """Where a unit stands on a day."""
    for place in places:
        if place.starts_on <= day and (place.ends_on is None or day < place.ends_on):
            return place
    return None


def compare_units(
    given: Directory, known: Organization, day: date
) -> tuple[list[Change], dict[str, str | None]]:
    """What would change of units, and under which each then stands, ours and theirs together."""
    units, changes = _last_words(given.units, "code")
    for code in [code for code in units if not code.strip() or not units[code].name.strip()]:
        bare = units.pop(code)
        changes.append(problem(code, f"the unit {bare.name!r} ({code!r}) has no code or no name"))
    now = {
        code: place.parent
        for code, unit in known.units.items()
        if (place := place_on(unit.places, day)) is not None
    }
    wanted, faults = _places(units, known, now)
    changes += faults
    for code, unit in units.items():
        changes += _unit_changes(unit, known.units.get(code), wanted, day)
    parents: dict[str, str | None] = now | {code: None for code in units if code not in now}
    for change in changes:
        if isinstance(change.act, NewUnit | PlaceUnit):
            parents[change.subject] = (
                change.act.parent if isinstance(change.act, PlaceUnit) else change.act.unit.parent
            )
    if units:
        changes += [
            problem(code, f"unit {known.units[code].name} is not in the service any more")
            for code in sorted(now.keys() - units.keys())
        ]
    return changes, parents


def compare_people(given: Directory, known: Organization) -> list[Change]:
    """What would change of employees: names, time zones, new ones."""
    people, changes = _last_words(given.people, "nip")
    for nip, person in people.items():
        if nip in known.elsewhere:
            # Never whose: where somebody works else is not this agency's to learn.
            detail = f"{nip} is an employee of another agency; nothing of it is taken"
            changes.append(problem(nip, detail))
        elif not is_nip(nip) or not person.name.strip():
            changes.append(problem(nip, f"{nip!r} is no NIP of 18 digits, or has no name"))
        else:
            changes += _person_changes(person, known)
    return changes


def people_of(changes: Iterable[Change], known: Organization) -> frozenset[str]:
    """The NIPs that there are, ours and those that are taken in."""
    return frozenset(known.people) | {
        change.subject for change in changes if isinstance(change.act, NewPerson)
    }


def circles(parents: Parents) -> set[str]:
    """The units that are above themselves, over however many others."""
    found: set[str] = set()
    done: set[str] = set()
    for start in parents:
        line: list[str] = []
        at: str | None = start
        while at is not None and at not in done and at in parents:
            done.add(at)
            line.append(at)
            at = parents[at]
        if at is not None and at in line:
            found.update(line[line.index(at) :])
    return found


def _last_words(given: Iterable[Given], name: str) -> tuple[dict[str, Given], list[Change]]:
    """Each once, the last word holding; whoever is told of twice and differently is a problem."""
    found: dict[str, Given] = {}
    differ: dict[str, None] = {}
    for one in given:
        key = getattr(one, name)
        if found.get(key, one) != one:
            differ[key] = None
        found[key] = one
    return found, [
        problem(key, f"{key} is given more than once and differently; the last word holds")
        for key in differ
    ]


def _places(
    units: Mapping[str, GivenUnit], known: Organization, now: Parents
) -> tuple[dict[str, str | None], list[Change]]:
    """The clear places that the service gives, and what is wrong with the others."""
    wanted: dict[str, str | None] = {}
    faults: list[Change] = []
    for code, unit in units.items():
        if unit.parent == code:
            faults.append(problem(code, f"unit {unit.name} is its own parent{_stays(code, now)}"))
        elif unit.parent is None or unit.parent in units or unit.parent in known.units:
            wanted[code] = unit.parent
        else:
            detail = f"unit {unit.name} stands under {unit.parent}, which nobody knows"
            faults.append(problem(code, detail + _stays(code, now)))
    while round_ := circles({**now, **wanted}) & wanted.keys():
        for code in sorted(round_):
            detail = f"unit {units[code].name} is above itself, through {wanted.pop(code)}"
            faults.append(problem(code, detail + _stays(code, now)))
    return wanted, faults


def _stays(code: str, now: Parents) -> str:
    return "; it keeps its place here" if code in now else "; it is taken in at the top"


def _unit_changes(
    given: GivenUnit, known: KnownUnit | None, wanted: Parents, day: date
) -> Iterable[Change]:
    code, parent = given.code, wanted.get(given.code)
    words = {"name": given.name, "kind": given.kind}
    needs = () if parent is None else (f"unit {parent}",)
    if known is None:
        unit = GivenUnit(code=code, name=given.name, kind=given.kind, parent=parent)
        yield Change(
            kind=ChangeKind.UNIT_ADDED,
            subject=code,
            detail=f"{given.name}, under {parent or 'no other'}",
            after=words | {"parent": parent},
            act=NewUnit(unit=unit),
            gives=(f"unit {code}",),
            needs=needs,
        )
        return
    before = {"name": known.name, "kind": known.kind}
    if before != words:
        yield Change(
            kind=ChangeKind.UNIT_CHANGED,
            subject=code,
            detail=f"{known.name} ({known.kind}) is now {given.name} ({given.kind})",
            before=before,
            after=words,
            act=RenameUnit(unit=given),
        )
    current = place_on(known.places, day)
    if code not in wanted:
        # New units are always placed; one without a place here stands where nobody can say.
        return
    if current is not None and current.parent == parent:
        return
    yield from _moved(given, known, parent, current, day)


def _moved(
    given: GivenUnit, known: KnownUnit, parent: str | None, current: Place | None, day: date
) -> Iterable[Change]:
    later = [place for place in known.places if place.starts_on > day]
    if any(place.parent == parent for place in later):
        return
    if later:
        moves = min(place.starts_on for place in later)
        detail = f"unit {given.name} moves here on {moves} already; what comes after {day} stays"
        yield problem(given.code, detail)
        return
    yield Change(
        kind=ChangeKind.UNIT_MOVED,
        subject=given.code,
        detail=f"{given.name} goes to {parent or 'the top'}",
        before=None if current is None else {"parent": current.parent},
        after={"parent": parent},
        act=PlaceUnit(code=given.code, parent=parent, current=current),
        needs=() if parent is None else (f"unit {parent}",),
    )


def _person_changes(given: GivenPerson, known: Organization) -> Iterable[Change]:
    mine = known.people.get(given.nip)
    zone = given.timezone
    if zone is not None and zone not in available_timezones():
        yield problem(given.nip, f"{zone!r} is no time zone; {given.nip} keeps another")
        zone = None
    zone = zone or (mine.timezone if mine else known.timezone)
    after: dict[str, Any] = {"name": given.name, "timezone": zone}
    person = KnownPerson(nip=given.nip, name=given.name, timezone=zone)
    if mine is None:
        yield Change(
            kind=ChangeKind.EMPLOYEE_ADDED,
            subject=given.nip,
            detail=given.name,
            after=after,
            act=NewPerson(person=person),
            gives=(f"person {given.nip}",),
        )
    elif mine != person:
        yield Change(
            kind=ChangeKind.EMPLOYEE_CHANGED,
            subject=given.nip,
            detail=f"{mine.name} ({mine.timezone}) is now {person.name} ({person.timezone})",
            before={"name": mine.name, "timezone": mine.timezone},
            after=after,
            act=RenamePerson(person=person),
        )
