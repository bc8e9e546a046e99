"""Pure rules of a directory as a whole: what would change, and whether a choice of it can be made.

A reading is always whole: the connector was asked until it had no further page. What it does not
mention is told as a problem and stays as it is; a directory never ends or deletes what it leaves
out, since a service that forgets a page would otherwise empty an agency.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from schema.errors import DomainError, ErrorCode
from schema.organizations.directory_posts import compare_posts
from schema.organizations.directory_units import (
    circles,
    compare_people,
    compare_units,
    people_of,
    place_on,
)
from schema.organizations.directory_values import (
    Change,
    ChangeKind,
    Directory,
    NewUnit,
    Organization,
    PlaceUnit,
    problem,
)

ORDER = {kind: place for place, kind in enumerate(ChangeKind)}
OF_SERVICE = "-"
"""The subject of what the service itself says is wrong."""


def compare(given: Directory, known: Organization, day: date) -> list[Change]:
    """What a directory would change from a day on, in the order in which it would; problems last.

    Applied as a whole, nothing but problems is left of it.
    """
    changes, parents = compare_units(given, known, day)
    of_people = compare_people(given, known)
    people = people_of(of_people, known)
    changes += of_people + compare_posts(given, known, people, parents, day)
    changes += [problem(OF_SERVICE, said) for said in given.problems]
    return sorted(changes, key=lambda one: (ORDER[one.kind], one.subject, one.detail))


def is_problem(change: Change) -> bool:
    return change.kind is ChangeKind.PROBLEM


def check_choice(
    chosen: Sequence[Change], changes: Iterable[Change], known: Organization, day: date
) -> None:
    """Raises:
    DomainError: something chosen cannot be without something that was not, or units would stand
        above themselves.
    """
    has = {name for change in chosen for name in change.gives}
    missing = {name: one for one in changes for name in one.gives if name not in has}
    for change in chosen:
        for name in change.needs:
            if name in missing:
                raise _refused(change, missing[name])
    parents = {
        code: place.parent
        for code, unit in known.units.items()
        if (place := place_on(unit.places, day)) is not None
    }
    for change in chosen:
        match change.act:
            case NewUnit(unit=unit):
                parents[unit.code] = unit.parent
            case PlaceUnit(code=code, parent=parent):
                parents[code] = parent
    if round_ := circles(parents):
        detail = f"these units would stand above themselves: {', '.join(sorted(round_))}"
        raise DomainError(ErrorCode.BAD_USER_INPUT, field="only", detail=detail)


def _refused(change: Change, missing: Change) -> DomainError:
    detail = (
        f"{change.kind} of {change.subject} cannot be without {missing.kind} of {missing.subject}"
    )
    return DomainError(ErrorCode.BAD_USER_INPUT, field="only", detail=detail)
