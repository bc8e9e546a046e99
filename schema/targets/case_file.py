"""Reading a case file: bytes to JSON, JSON to a checked case, or the list of all its faults.

The format is described in docs/case-format.md. Nothing here raises on bad input, and nothing
is written anywhere.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeVar

from schema.organizations.models import AssignmentKind
from schema.targets.case_flow import flow_warnings, weight_faults
from schema.targets.case_nodes import LARGEST_ORDER, LONGEST_CODE, Node, kind_of
from schema.targets.case_paths import planned_path
from schema.targets.case_rules import check_people, check_targets, check_units, plain_warnings
from schema.targets.case_values import (
    Case,
    CaseWarning,
    EmployeeEntry,
    Fault,
    FaultCode,
    IndicatorEntry,
    ServiceEntry,
    StageEntry,
    TargetEntry,
    UnitEntry,
    quoted,
)
from schema.targets.models import (
    Accumulation,
    Aspect,
    EdgeKind,
    Perspective,
    Polarity,
    ResultCategory,
    TargetKind,
)
from schema.values import is_nip

LONGEST_TARGET_CODE = 120
LONGEST_MEASURE = 120
LONGEST_ASSIGNER = 200

KINDS = {"quantitative": TargetKind.QUANTITATIVE, "staged": TargetKind.STAGED}
CASCADES = {
    "none": None,
    "direct": EdgeKind.DIRECT,
    "weighted": EdgeKind.WEIGHTED,
    "indirect": EdgeKind.INDIRECT,
}
CATEGORIES = {
    "utama": ResultCategory.MAIN,
    "tambahan": ResultCategory.ADDITIONAL,
    "main": ResultCategory.MAIN,
    "additional": ResultCategory.ADDITIONAL,
}
PERSPECTIVES = {
    "penerima layanan": Perspective.SERVICE_RECIPIENTS,
    "proses bisnis": Perspective.BUSINESS_PROCESS,
    "penguatan internal": Perspective.INTERNAL_STRENGTHENING,
    "anggaran": Perspective.BUDGET,
    "service_recipients": Perspective.SERVICE_RECIPIENTS,
    "business_process": Perspective.BUSINESS_PROCESS,
    "internal_strengthening": Perspective.INTERNAL_STRENGTHENING,
    "budget": Perspective.BUDGET,
}
ASPECTS = {
    "kuantitas": Aspect.QUANTITY,
    "kualitas": Aspect.QUALITY,
    "waktu": Aspect.TIME,
    "biaya": Aspect.COST,
}
POLARITIES = {
    "rising": Polarity.RISING,
    "falling": Polarity.FALLING,
    "range": Polarity.RANGE,
}
ACCUMULATIONS = {"sum": Accumulation.SUM, "latest": Accumulation.LATEST}
ACTING = {"PLT": AssignmentKind.PLT, "PLH": AssignmentKind.PLH}

Value = TypeVar("Value")
Checked = tuple[Case | None, list[Fault], list[CaseWarning]]


def read_case(content: bytes, *, units_only: bool = False) -> Checked:
    """Check the bytes of a file. See parse_case for what comes back."""
    repeated: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            repeated.extend(_more_than_once(name for name, _ in pairs))
        return found

    try:
        # Decimal also for integers: int() refuses 5,000 digits, and a fault is wanted instead.
        data = json.loads(
            content.decode("utf-8-sig"),
            parse_float=_exactly,
            parse_int=_exactly,
            parse_constant=_exactly,
            object_pairs_hook=members,
        )
    except UnicodeDecodeError as error:
        return _not_json(f"is not UTF-8 (byte {error.start})")
    except RecursionError:
        return _not_json("is nested too deeply")
    except json.JSONDecodeError as error:
        return _not_json(f"is not JSON: {error}")
    case, faults, warnings = parse_case(data, units_only=units_only)
    faults += [
        Fault("file", FaultCode.DUPLICATE, f"the key {quoted(name)} stands twice in one object")
        for name in repeated
    ]
    return (None if faults else case), faults, warnings


def _more_than_once(values: Iterable[Value]) -> list[Value]:
    return [value for value, times in Counter(values).items() if times > 1]


def _exactly(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent beyond what Decimal can hold
        return Decimal("NaN")


def _not_json(message: str) -> Checked:
    return None, [Fault("file", FaultCode.NOT_JSON, message)], []


def parse_case(data: object, *, units_only: bool = False) -> Checked:
    """Check a case given as JSON values, numbers best as Decimal.

    `units_only` reads the agency and its units, and leaves people and targets aside. Returns
    the case (None if there is any fault), every fault, and every warning.
    """
    faults: list[Fault] = []
    if not isinstance(data, dict):
        message = f"{kind_of(data)} where an object is expected"
        return None, [Fault("file", FaultCode.WRONG_TYPE, message)], []
    case = _case(Node(data, "", faults), units_only=units_only)
    faults += check_units(case)
    warnings = plain_warnings(case)
    if not units_only:
        heads, people_faults, people_warnings = check_people(case)
        case = replace(case, heads=heads)
        faults += people_faults + check_targets(case) + weight_faults(case)
        warnings += people_warnings
    if faults:
        return None, faults, warnings
    return case, faults, warnings + flow_warnings(case)


def _case(node: Node, *, units_only: bool) -> Case:
    year = node.whole("year", 1900, 2999)
    starts_on, ends_on = _period(node, year, units_only=units_only)
    units = _units(node)
    roots = [unit.code for unit in units if unit.parent is None]
    agency_code = node.optional_text("agency_code", LONGEST_CODE)
    if agency_code is None and len(roots) != 1:
        message = f"{len(roots)} units have no parent; give agency_code to say the agency's code"
        node.fault("units", FaultCode.ROOT_UNCLEAR, message)
    employees: tuple[EmployeeEntry, ...] = ()
    targets: tuple[TargetEntry, ...] = ()
    if not units_only:
        employees = tuple(_employee(entry) for entry in node.children("employees", "nip"))
        targets = tuple(
            _target(entry, starts_on, ends_on) for entry in node.children("targets", "code")
        )
    return Case(
        agency_code=agency_code or (roots[0] if roots else ""),
        agency_name=node.text("agency"),
        timezone=node.timezone("timezone"),
        period_code=str(year),
        starts_on=starts_on,
        ends_on=ends_on,
        units=units,
        employees=employees,
        targets=targets,
    )


def _period(node: Node, year: int, *, units_only: bool) -> tuple[date, date]:
    """The period, or the calendar year where only units are read and no period is given."""
    whole_year = date(year or 2000, 1, 1), date(year or 2000, 12, 31)
    if units_only and node.data.get("period") is None:
        return whole_year
    period = node.child("period")
    if period is None:
        return whole_year
    start, end = period.day("start"), period.day("end")
    if start and end and end < start:
        period.fault("end", FaultCode.ENDS_BEFORE_START, f"{end} is before the start, {start}")
        return whole_year
    return start or whole_year[0], end or whole_year[1]


def _units(node: Node) -> tuple[UnitEntry, ...]:
    marked = {code for code in node.texts("misplaced_in_source") if code}
    return tuple(_unit(entry, marked) for entry in node.children("units", "code"))


def _unit(node: Node, marked: set[str]) -> UnitEntry:
    code = node.text("code", LONGEST_CODE)
    return UnitEntry(
        place=node.place,
        code=code,
        parent=node.optional_text("parent", LONGEST_CODE),
        name=node.text("name"),
        level=node.text("level", LONGEST_CODE),
        timezone=node.timezone("timezone"),
        self_parent=node.flag("self_parent_in_source"),
        misplaced=code in marked,
    )


def _employee(node: Node) -> EmployeeEntry:
    nip = node.text("nip")
    if nip and not is_nip(nip):
        node.fault("nip", FaultCode.NIP_INVALID, f"{quoted(nip)} is no NIP of 18 digits")
    return EmployeeEntry(
        place=node.place,
        nip=nip,
        name=node.text("name"),
        unit=node.text("unit"),
        position=node.text("position"),
        appraiser=node.optional_text("appraiser"),
        kind=node.optional_choice("acting", ACTING) or AssignmentKind.DEFINITIVE,
        timezone=node.timezone("timezone"),
    )


def _target(node: Node, starts_on: date, ends_on: date) -> TargetEntry:
    kind = node.choice("kind", KINDS)
    parent = node.optional_text("parent")
    owner_unit, owner_nip = _owner(node)
    outputs = node.texts("outputs") + [
        text
        for index, group in enumerate(node.list_of("more_outputs", required=False))
        for text in Node({"": group}, f"{node.place}.more_outputs[{index}]", node.faults).texts("")
    ]
    stages = _stages(node, outputs)
    if kind is TargetKind.STAGED and not stages:
        node.fault("stages", FaultCode.STAGES_UNCLEAR, "staged, and has no stage")
    if kind is TargetKind.QUANTITATIVE and stages:
        node.fault("stages", FaultCode.STAGES_UNCLEAR, "has stages, and is not staged")
    cascade = _cascade(node, parent)
    return TargetEntry(
        place=node.place,
        code=node.text("code", LONGEST_TARGET_CODE),
        parent=parent,
        cascade=cascade,
        title=node.text("title"),
        kind=kind,
        owner_unit=owner_unit,
        owner_nip=owner_nip,
        indicators=tuple(
            _indicator(entry, position, starts_on, ends_on)
            for position, entry in enumerate(node.children("indicators"))
        ),
        stages=stages,
        direct_sum_of=node.optional_text("direct_sum_of"),
        outputs=0 if stages else len(outputs),
        weight=_weight_of(node, cascade),
        also_serves=_also_serves(node),
        category=node.optional_choice("category", CATEGORIES) or ResultCategory.MAIN,
        assigned_by=node.optional_text("assigned_by", LONGEST_ASSIGNER),
        perspective=node.optional_choice("perspective", PERSPECTIVES),
    )


def _owner(node: Node) -> tuple[str | None, str | None]:
    owner = node.child("owner")
    if owner is None:
        return None, None
    unit, nip = owner.optional_text("unit"), owner.optional_text("nip")
    if (unit is None) == (nip is None):
        owner.fault("", FaultCode.OWNER_UNCLEAR, "must name either a unit or a nip")
    return unit, nip


def _cascade(node: Node, parent: str | None) -> EdgeKind | None:
    given = len(node.faults)
    cascade = node.choice("cascade", CASCADES)
    if len(node.faults) == given and (parent is None) != (cascade is None):
        message = "none, yet a parent is given" if parent else "needs a parent"
        node.fault("cascade", FaultCode.CASCADE_UNCLEAR, message)
    return cascade


def _weight_of(node: Node, cascade: EdgeKind | None) -> Decimal | None:
    """The weight that a weighted cascade must have, and no other may."""
    if cascade is EdgeKind.WEIGHTED:
        return _percent(node)
    if node.data.get("weight") is not None and node.data.get("cascade") in list(CASCADES):
        message = "a weight is given, so cascade must be weighted"
        node.fault("weight", FaultCode.CASCADE_UNCLEAR, message)
    return None


def _percent(node: Node) -> Decimal | None:
    """A required weight in percent; None after a fault."""
    value = node.data.get("weight")
    if value is None:
        node.fault("weight", FaultCode.MISSING, "missing")
        return None
    exact = node.exact("weight", value, decimals=4)
    if exact is not None and not 0 < exact <= 100:
        node.fault("weight", FaultCode.NUMBER_INVALID, "must be above 0 and at most 100")
        return None
    return exact


def _also_serves(node: Node) -> tuple[ServiceEntry, ...]:
    return tuple(
        ServiceEntry(place=entry.place, parent=entry.text("parent"), weight=_percent(entry))
        for entry in node.children("also_serves", required=False)
    )


def _stages(node: Node, outputs: list[str]) -> tuple[StageEntry, ...]:
    stages = tuple(sorted(map(_stage, node.children("stages")), key=lambda stage: stage.order))
    for order in _more_than_once(stage.order for stage in stages if stage.order):
        node.fault("stages", FaultCode.DUPLICATE, f"order {order} is given more than once")
    # The outputs of a target prove that the whole is done, so they are the proof of its last
    # stage, besides what the source gives to that stage (a house rule).
    if stages and outputs:
        last = stages[-1]
        own = [] if last.evidence is None else [last.evidence]
        evidence = "\n".join([*own, *(text for text in outputs if text not in own)])
        stages = (*stages[:-1], replace(last, evidence=evidence))
    return stages


def _stage(node: Node) -> StageEntry:
    weight = node.data.get("weight")
    exact = None if weight is None else node.exact("weight", weight, decimals=4)
    if exact is not None and not 0 < exact < 100_000:
        node.fault("weight", FaultCode.NUMBER_INVALID, "must be above 0 and below 100,000")
    return StageEntry(
        place=node.place,
        order=node.whole("order", 1, LARGEST_ORDER),
        title=node.text("title"),
        evidence="\n".join(node.texts("evidence")) or None,
        weight=exact,
    )


def _indicator(node: Node, position: int, starts_on: date, ends_on: date) -> IndicatorEntry:
    minimum, maximum = node.number("min"), node.number("max")
    bounded = minimum is not None and maximum is not None
    polarity = node.optional_choice("polarity", POLARITIES)
    if minimum is not None and maximum is not None and minimum > maximum:
        node.fault("min", FaultCode.RANGE_UNCLEAR, f"min {minimum} is above max {maximum}")
    if polarity is Polarity.RANGE and minimum is None and maximum is None:
        node.fault("polarity", FaultCode.RANGE_UNCLEAR, "a range needs min or max")
    polarity = polarity or (Polarity.RANGE if bounded else Polarity.RISING)
    usual = Accumulation.SUM if polarity is Polarity.RISING else Accumulation.LATEST
    return IndicatorEntry(
        place=node.place,
        position=position,
        aspect=node.choice("aspect", ASPECTS),
        title=node.text("title"),
        unit_of_measure=node.optional_text("unit_of_measure", LONGEST_MEASURE),
        polarity=polarity,
        accumulation=node.optional_choice("accumulation", ACCUMULATIONS) or usual,
        planned=node.number("target"),
        minimum=minimum,
        maximum=maximum,
        baseline=node.number("baseline"),
        points=planned_path(node, starts_on, ends_on),
    )
