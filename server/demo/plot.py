"""From a case to what its people work for: results, measures, and which number flows where."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from schema.targets.case_flow import edges_of, flows_of
from schema.targets.case_values import Case, IndicatorEntry, TargetEntry
from schema.targets.models import Polarity
from server.demo.works import Key, Measure, Service, Step, Work

COMPLETED_NUMBER = Decimal(12)
COMPLETED_UNIT = "dokumen"
"""What planning adds where the published cascade has neither number nor unit of measure: one
document a month. The case keeps the gap; the plan that is submitted may not have it."""


def completed(case: Case) -> Case:
    """The case with the gaps of its indicators filled, as its people's plans will have it."""
    return replace(
        case,
        targets=tuple(
            replace(target, indicators=tuple(_complete(one) for one in target.indicators))
            for target in case.targets
        ),
    )


def _complete(one: IndicatorEntry) -> IndicatorEntry:
    ranged = one.polarity is Polarity.RANGE
    return replace(
        one,
        planned=one.planned if ranged or one.planned is not None else COMPLETED_NUMBER,
        unit_of_measure=one.unit_of_measure or COMPLETED_UNIT,
    )


def works_of(case: Case) -> dict[str, Work]:
    """All results of a completed case by their codes."""
    works = {target.code: _work(target) for target in case.targets}
    for edge in edges_of(case):
        works[edge.child].serves.append(Service(edge.parent, edge.kind, edge.weight))
    return works


def _work(target: TargetEntry) -> Work:
    return Work(
        code=target.code,
        title=target.title,
        nip=target.owner_nip,
        unit=target.owner_unit,
        measures=[
            Measure(
                key=(target.code, place),
                title=one.title,
                unit=one.unit_of_measure or COMPLETED_UNIT,
                accumulation=one.accumulation,
                polarity=one.polarity,
                planned=one.planned,
                minimum=one.minimum,
                maximum=one.maximum,
                baseline=one.baseline,
                points=[(point.day, point.planned) for point in one.points],
            )
            for place, one in enumerate(target.indicators)
        ],
        steps=[Step(title=stage.title, weight=stage.weight, month=1) for stage in target.stages],
    )


def flows(case: Case) -> dict[Key, Key]:
    """Which measure flows into which, by the case's direct edges and what they count."""
    places = {
        (target.code, one.position): (target.code, place)
        for target in case.targets
        for place, one in enumerate(target.indicators)
    }
    found, _ = flows_of(case)
    return {places[child]: places[parent] for child, parent in found.items()}


def goals_of(case: Case) -> list[str]:
    """Goals of the agency: of units, serving nothing; those that measure nothing themselves
    before the others, since only people's weighted results give these a figure."""
    roots = [one for one in case.targets if one.parent is None and one.owner_unit is not None]
    bare = [one.code for one in roots if not one.indicators]
    return bare or [one.code for one in roots]


def decide_amounts(works: Mapping[str, Work], flows: Mapping[Key, Key]) -> None:
    """Choose what the year brings of every measure."""
    receiving = set(flows.values())
    for work in works.values():
        for measure in work.measures:
            measure.decide(receives=measure.key in receiving)
