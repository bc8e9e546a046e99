"""How the targets of a checked case hang together: edges, which number flows where, sums.

Pure. An indicator flows into at most one other, so that nothing is counted twice.
"""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from schema.targets.case_values import (
    Case,
    CaseWarning,
    Fault,
    FaultCode,
    IndicatorEntry,
    TargetEntry,
    WarningCode,
    figure,
    quoted,
)
from schema.targets.models import EdgeKind
from schema.targets.pairing import pair

Key = tuple[str, int]
"""An indicator of a case: its target's code, and its position there."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One cascade edge between two targets, by their codes."""

    parent: str
    child: str
    kind: EdgeKind
    primary: bool
    weight: Decimal | None = None


def edges_of(case: Case) -> list[Edge]:
    """Each target's primary edge to its parent, a direct one to what it sums to besides, and
    weighted ones to what it also serves."""
    edges: list[Edge] = []
    for target in case.targets:
        code = target.code
        if target.parent is not None and target.cascade is not None:
            edges.append(Edge(target.parent, code, target.cascade, True, target.weight))
        if target.direct_sum_of not in (None, target.parent):
            edges.append(Edge(str(target.direct_sum_of), code, EdgeKind.DIRECT, False))
        for service in target.also_serves:
            edges.append(Edge(service.parent, code, EdgeKind.WEIGHTED, False, service.weight))
    return edges


def flows_of(case: Case) -> tuple[dict[Key, Key], list[CaseWarning]]:
    """Which indicator flows into which, by way of the direct edges, primary ones first.

    Warns of every direct edge over which nothing flows, and of choices that were unclear.
    """
    targets = {target.code: target for target in case.targets}
    flows: dict[Key, Key] = {}
    warnings: list[CaseWarning] = []
    for edge in edges_of(case):
        if edge.kind is not EdgeKind.DIRECT:
            continue
        child, parent = targets[edge.child], targets[edge.parent]
        if not edge.primary:
            warnings.append(_skips_level(child))
        told = False  # whether something flows, or it is said why nothing does
        matches = pair(child.indicators, parent.indicators)
        for indicator, match in zip(child.indicators, matches, strict=True):
            if match.ambiguous:
                message = f"several indicators of {quoted(parent.code)} fit, so it flows into none"
                code = WarningCode.FLOW_AMBIGUOUS
                warnings.append(CaseWarning(indicator.place, code, message))
                told = True
            key = (child.code, indicator.position)
            if match.parent is not None and key not in flows:
                flows[key] = (parent.code, parent.indicators[match.parent].position)
                told = True
        if not told:
            warnings.append(_no_flow(child, parent))
    return flows, warnings


def _skips_level(child: TargetEntry) -> CaseWarning:
    message = (
        f"its number is part of {quoted(child.direct_sum_of or '')}, past its parent "
        f"{quoted(child.parent or '')}"
    )
    return CaseWarning(child.place, WarningCode.SKIPS_LEVEL, message)


def _no_flow(child: TargetEntry, parent: TargetEntry) -> CaseWarning:
    message = (
        f"no number flows into {quoted(parent.code)}: here {_measures(child)}, "
        f"there {_measures(parent)}"
    )
    return CaseWarning(child.place, WarningCode.NO_FLOW, message)


def _measures(target: TargetEntry) -> str:
    """What a target counts, with its figures: `16 "laporan" (quantity), 90 "%" (quality)`."""
    words = (
        ("no number" if indicator.planned is None else figure(indicator.planned))
        + (" " + quoted(indicator.unit_of_measure) if indicator.unit_of_measure else "")
        + f" ({indicator.aspect.lower()})"
        for indicator in target.indicators
    )
    return ", ".join(words) or "no indicator"


def weight_faults(case: Case) -> list[Fault]:
    """Every target whose children's weights are over 100: 60 and 50 are 110."""
    weights = _weights(case)
    return [
        Fault(
            target.place,
            FaultCode.WEIGHTS_ABOVE_100,
            f"the weights of its children add up to {figure(weights[target.code])}, over 100",
        )
        for target in case.targets
        if target.code in weights and weights[target.code] > 100
    ]


def _weights(case: Case) -> dict[str, Decimal]:
    """Percent of each target that its weighted children take in all."""
    weights: dict[str, Decimal] = defaultdict(Decimal)
    for edge in edges_of(case):
        if edge.weight is not None:
            weights[edge.parent] += edge.weight
    return dict(weights)


def _weight_warnings(case: Case) -> list[CaseWarning]:
    """Every target that is made of its children only, where these leave something open."""
    weights = _weights(case)
    return [
        CaseWarning(
            target.place,
            WarningCode.WEIGHTS_BELOW_100,
            f"the weights of its children add up to {figure(weights[target.code])}, and it "
            "measures nothing itself",
        )
        for target in case.targets
        if target.code in weights
        and weights[target.code] < 100
        and not (target.indicators or target.stages)
    ]


def flow_warnings(case: Case) -> list[CaseWarning]:
    """Warnings of flows, of weights that leave something open, and of every sum that is not what
    the parent plans, both figures."""
    flows, warnings = flows_of(case)
    warnings += _weight_warnings(case)
    indicators: dict[Key, IndicatorEntry] = {
        (target.code, indicator.position): indicator
        for target in case.targets
        for indicator in target.indicators
    }
    parts: dict[Key, list[Decimal | None]] = defaultdict(list)
    for child, parent in flows.items():
        parts[parent].append(indicators[child].planned)
    for key, planned in parts.items():
        warning = _sum_warning(indicators[key], planned)
        if warning is not None:
            warnings.append(warning)
    return warnings


def _sum_warning(parent: IndicatorEntry, parts: list[Decimal | None]) -> CaseWarning | None:
    known = [part for part in parts if part is not None]
    total = sum(known, Decimal(0))
    if parent.planned is None or not known or total == parent.planned:
        return None
    unit = parent.unit_of_measure or ""
    missing = len(parts) - len(known)
    message = f"plans {figure(parent.planned)} {unit}, its direct children ({len(parts)}) "
    message += f"add up to {figure(total)} {unit}"
    if missing:
        message += f" ({missing} of them without a number)"
    return CaseWarning(parent.place, WarningCode.SUM_DIFFERS, message)
