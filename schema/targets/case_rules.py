"""What must hold between the parts of a case: references, trees without cycles, one head.

Pure: a case in, faults and warnings out. Stand-ins for faulty values ("") are passed over,
since their fault is listed already.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from schema.targets.case_values import (
    Case,
    CaseWarning,
    EmployeeEntry,
    Fault,
    FaultCode,
    TargetEntry,
    WarningCode,
    figure,
    quoted,
)
from schema.targets.models import EdgeKind, Polarity

LEADING_WORDS = (
    "kepala",
    "ketua",
    "koordinator",
    "sekretaris",
    "direktur",
    "deputi",
    "inspektur",
    "camat",
    "lurah",
)
ACTING_WORDS = ("plt.", "plh.", "plt", "plh", "pj.")


class Placed(Protocol):
    @property
    def place(self) -> str: ...


def check_units(case: Case) -> list[Fault]:
    """Codes once each, parents known, no unit above itself."""
    units = case.units
    known = {unit.code for unit in units}
    faults = _duplicates((unit.code, unit) for unit in units)
    for unit in units:
        if unit.parent and unit.parent not in known:
            faults.append(_unknown(unit, FaultCode.UNKNOWN_PARENT, "parent", unit.parent))
    return faults + _cycles(
        {unit.code: unit for unit in units},
        {unit.code: [unit.parent] for unit in units if unit.parent},
        "the unit stands above itself",
    )


def check_people(case: Case) -> tuple[frozenset[str], list[Fault], list[CaseWarning]]:
    """NIPs once each, units and appraisers known, nobody their own superior; and the heads."""
    people = case.employees
    known, units = {person.nip for person in people}, {unit.code for unit in case.units}
    faults = _duplicates((person.nip, person) for person in people)
    for person in people:
        if person.unit and person.unit not in units:
            faults.append(_unknown(person, FaultCode.UNKNOWN_UNIT, "unit", person.unit))
        if person.appraiser and person.appraiser not in known:
            code = FaultCode.UNKNOWN_PERSON
            faults.append(_unknown(person, code, "appraiser", person.appraiser))
    faults += _cycles(
        {person.nip: person for person in people},
        {person.nip: [person.appraiser] for person in people if person.appraiser},
        "the person is their own superior",
    )
    heads, warnings = _heads(case)
    return heads, faults, warnings


def _heads(case: Case) -> tuple[frozenset[str], list[CaseWarning]]:
    """Who leads each unit: the one whose appraiser is outside it (a house rule).

    Where there are several, the one whose position says so (*kepala, ketua, ...*); where that
    is not one either, nobody, and a warning names them.
    """
    unit_of = {person.nip: person.unit for person in case.employees}
    answering_outside: dict[str, list[EmployeeEntry]] = defaultdict(list)
    for person in case.employees:
        if unit_of.get(person.appraiser or "") != person.unit:
            answering_outside[person.unit].append(person)
    heads: set[str] = set()
    warnings: list[CaseWarning] = []
    for unit in case.units:
        candidates = answering_outside.get(unit.code, [])
        leading = [person for person in candidates if _leads(person.position)]
        chosen = candidates if len(candidates) == 1 else leading
        if len(chosen) == 1:
            heads.add(chosen[0].nip)
        elif candidates:
            names = ", ".join(f"{person.nip} ({quoted(person.position)})" for person in candidates)
            message = f"the head is unclear, so none is set: {names}"
            warnings.append(CaseWarning(unit.place, WarningCode.HEAD_UNCLEAR, message))
    return frozenset(heads), warnings


def _leads(position: str) -> bool:
    words = [word for word in position.casefold().split() if word not in ACTING_WORDS]
    return bool(words) and words[0] in LEADING_WORDS


def check_targets(case: Case) -> list[Fault]:
    """Codes once each; parents, sums and owners known; no target above itself."""
    targets = case.targets
    known = {target.code for target in targets}
    units = {unit.code for unit in case.units}
    people = {person.nip for person in case.employees}
    faults = _duplicates((target.code, target) for target in targets)
    above: dict[str, list[str]] = {}
    for target in targets:
        parents = [target.parent, target.direct_sum_of]
        parents += [service.parent for service in target.also_serves]
        above[target.code] = list(dict.fromkeys(code for code in parents if code))
        if target.parent and target.parent not in known:
            faults.append(_unknown(target, FaultCode.UNKNOWN_PARENT, "parent", target.parent))
        if target.owner_unit and target.owner_unit not in units:
            faults.append(_unknown(target, FaultCode.UNKNOWN_UNIT, "unit", target.owner_unit))
        if target.owner_nip and target.owner_nip not in people:
            faults.append(_unknown(target, FaultCode.UNKNOWN_PERSON, "owner", target.owner_nip))
        if target.direct_sum_of:
            if target.direct_sum_of not in known:
                code = FaultCode.UNKNOWN_TARGET
                faults.append(_unknown(target, code, "direct_sum_of", target.direct_sum_of))
            elif target.cascade is not EdgeKind.DIRECT:
                message = "direct_sum_of is given, so cascade must be direct"
                faults.append(Fault(target.place, FaultCode.CASCADE_UNCLEAR, message))
        faults += _check_services(target, known)
    by_code = {target.code: target for target in targets}
    return faults + _cycles(by_code, above, "the target stands above itself")


def _check_services(target: TargetEntry, known: Collection[str]) -> list[Fault]:
    """What a target serves besides its parent: known, once each, and only where it has one."""
    faults: list[Fault] = []
    served = {target.parent, target.direct_sum_of}
    for service in target.also_serves:
        if service.parent and service.parent not in known:
            faults.append(_unknown(service, FaultCode.UNKNOWN_TARGET, "parent", service.parent))
        elif service.parent and service.parent in served:
            message = f"{quoted(service.parent)} is served already"
            faults.append(Fault(service.place, FaultCode.DUPLICATE, message))
        served.add(service.parent)
    if target.also_serves and target.parent is None:
        message = "also_serves is given, so a parent must be"
        faults.append(Fault(target.place, FaultCode.CASCADE_UNCLEAR, message))
    return faults


def _unknown(entry: Placed, code: FaultCode, role: str, name: str) -> Fault:
    return Fault(entry.place, code, f"unknown {role} {quoted(name)}")


def _duplicates(entries: Iterable[tuple[str, Placed]]) -> list[Fault]:
    first: dict[str, Placed] = {}
    faults: list[Fault] = []
    for key, entry in entries:
        if key and key in first:
            message = f"{quoted(key)} is already at {first[key].place}"
            faults.append(Fault(entry.place, FaultCode.DUPLICATE, message))
        first.setdefault(key, entry)
    return faults


def _cycles(
    entries: Mapping[str, Placed], above: Mapping[str, Iterable[str]], sentence: str
) -> list[Fault]:
    """One fault for each way back to where it began, the cycle named in full."""
    faults: list[Fault] = []
    for cycle in cycles(above):
        way = " -> ".join(quoted(code) for code in cycle)
        faults.append(Fault(entries[cycle[0]].place, FaultCode.CYCLE, f"{sentence}: {way}"))
    return faults


def cycles(above: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Cycles of a graph given by what stands above each node: [["A", "B", "A"]].

    A walk without recursion, so that a chain of any length is walked.
    """
    found: list[list[str]] = []
    finished: set[str] = set()
    for start in above:
        path: list[str] = [start]
        on_path = {start}
        waiting = [iter(above[start])] if start not in finished else []
        while waiting:
            code = next(waiting[-1], None)
            if code is None:
                waiting.pop()
                finished.add(path[-1])
                on_path.discard(path.pop())
            elif code in on_path:
                found.append([*path[path.index(code) :], code])
            elif code not in finished and code in above:
                path.append(code)
                on_path.add(code)
                waiting.append(iter(above[code]))
    return found


def plain_warnings(case: Case) -> list[CaseWarning]:
    """What is odd in one unit, target or indicator by itself."""
    warnings: list[CaseWarning] = []

    def warn(entry: Placed, code: WarningCode, message: str) -> None:
        warnings.append(CaseWarning(entry.place, code, message))

    for unit in case.units:
        if unit.self_parent:
            message = (
                f"names itself as parent in the source; kept under {quoted(unit.parent or '')}"
            )
            warn(unit, WarningCode.SELF_PARENT, message)
        if unit.misplaced:
            message = (
                f"is marked as misplaced in the source; kept under {quoted(unit.parent or '')}"
            )
            warn(unit, WarningCode.MISPLACED, message)
    for target in case.targets:
        if target.outputs:
            message = f"outputs that are not kept, as no stage takes them up: {target.outputs}"
            warn(target, WarningCode.OUTPUTS_NOT_KEPT, message)
        for indicator in target.indicators:
            planned, points = indicator.planned, indicator.points
            if planned is None and indicator.polarity is not Polarity.RANGE:
                warn(indicator, WarningCode.NUMBER_MISSING, "has no number (target)")
            if indicator.unit_of_measure is None:
                warn(indicator, WarningCode.UNIT_MISSING, "has no unit of measure")
            if planned is not None and points and points[-1].planned != planned:
                message = f"plans {figure(planned)}, its path ends at {figure(points[-1].planned)}"
                warn(indicator, WarningCode.PATH_DIFFERS, message)
    return warnings
