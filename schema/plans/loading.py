"""Storing a checked case in one transaction: all of it, or nothing.

Agency, units and people that exist are brought to what the case says; a period that already
holds targets is refused, so that a plan with progress is never overwritten by a file.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient

from schema.organizations.models import Agency
from schema.organizations.service import (
    BATCH,
    Held,
    Post,
    UnitPlace,
    assign,
    found_agency,
    place_units,
    refresh_reporting_lines,
    refusal,
)
from schema.plans.models import PerformancePlan, PlanState
from schema.tables import transaction
from schema.targets.case_flow import Key, edges_of, flows_of
from schema.targets.case_values import Case, UnitEntry
from schema.targets.models import (
    Classification,
    EdgeKind,
    Indicator,
    Period,
    Stage,
    Target,
    TargetEdge,
    TrajectoryPoint,
)
from schema.targets.rolling import roll
from schema.values import local_date, utc_now, uuid7

# One load at a time: two of the same file would both find the period empty.
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtext('ekinerja'), hashtext('load'))"

Progress = Callable[[int], None]
"""Told how many targets are stored so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """How much was stored, in rows."""

    units: int
    employees: int = 0
    targets: int = 0
    edges: int = 0
    indicators: int = 0
    points: int = 0
    stages: int = 0


async def save_units(case: Case) -> Loaded:
    """Store a case's agency and units, and nothing else of it.

    Raises:
        DomainError: the agency's code belongs to another agency.
    """
    async with transaction() as connection:
        await connection.execute_query_dict(ONE_AT_A_TIME)
        agency = await _agency(connection, case)
        units = await place_units(connection, agency, _places(case), case.starts_on)
    return Loaded(units=len(units))


async def save_case(case: Case, progress: Progress = lambda stored: None) -> Loaded:
    """Store a whole case.

    Raises:
        DomainError: the period holds targets already; the agency's code or a NIP belongs to
            another agency; a unit has a head whom the case does not know.
    """
    async with transaction() as connection:
        await connection.execute_query_dict(ONE_AT_A_TIME)
        agency = await _agency(connection, case)
        period = await _period(connection, agency, case)
        units = await place_units(connection, agency, _places(case), case.starts_on)
        people = await assign(connection, agency, _posts(case, agency), units, case.starts_on)
        plans = await _plans(connection, period, people)
        targets = _targets(case, period, units, people, plans)
        ids = {target.code: target.id for target in targets}
        for start, some in _batches(targets):
            await Target.bulk_create(some, using_db=connection)
            progress(start + len(some))
        edges = await _save_edges(connection, case, ids)
        indicators, points = await _save_indicators(connection, case, ids)
        stages = await _save_stages(connection, case, ids)
        await _roll(connection, case, ids)
        today = local_date(utc_now(), agency.timezone)
        await refresh_reporting_lines(connection, agency, today)
    return Loaded(
        units=len(units),
        employees=len(people),
        targets=len(targets),
        edges=edges,
        indicators=indicators,
        points=points,
        stages=stages,
    )


async def _agency(connection: BaseDBAsyncClient, case: Case) -> Agency:
    return await found_agency(
        connection, code=case.agency_code, name=case.agency_name, timezone=case.timezone
    )


async def _period(connection: BaseDBAsyncClient, agency: Agency, case: Case) -> Period:
    code = case.period_code
    period = await Period.filter(agency=agency, code=code).using_db(connection).first()
    if period is None:
        return await Period.create(
            using_db=connection,
            agency=agency,
            code=code,
            starts_on=case.starts_on,
            ends_on=case.ends_on,
        )
    held = await Target.filter(period=period).using_db(connection).count()
    if held:
        raise refusal(f"period {code} of {agency.name} already holds {held} targets")
    if (period.starts_on, period.ends_on) != (case.starts_on, case.ends_on):
        raise refusal(
            f"period {code} of {agency.name} runs from {period.starts_on} to {period.ends_on}, "
            f"not from {case.starts_on} to {case.ends_on}"
        )
    return period


def _places(case: Case) -> list[UnitPlace]:
    return [
        UnitPlace(code=unit.code, name=unit.name, kind=unit.level, parent=unit.parent)
        for unit in case.units
    ]


def _posts(case: Case, agency: Agency) -> list[Post]:
    units = {unit.code: unit for unit in case.units}
    return [
        Post(
            nip=person.nip,
            name=person.name,
            timezone=person.timezone or _timezone_of(units, person.unit) or agency.timezone,
            unit=person.unit,
            position=person.position,
            appraiser=person.appraiser,
            kind=person.kind,
            heads_unit=person.nip in case.heads,
        )
        for person in case.employees
    ]


def _timezone_of(units: Mapping[str, UnitEntry], code: str) -> str | None:
    """The time zone of a unit, or of the nearest unit above that has one."""
    above: str | None = code
    while above is not None:
        unit = units[above]
        if unit.timezone is not None:
            return unit.timezone
        above = unit.parent
    return None


async def _plans(
    connection: BaseDBAsyncClient, period: Period, people: Mapping[str, Held]
) -> dict[str, UUID]:
    """A plan for everybody's post, by NIP; approved, since a case holds plans as they are set."""
    rows = await PerformancePlan.filter(period=period).using_db(connection)
    known = {row.assignment_id: row.id for row in rows}
    new = [
        PerformancePlan(
            period=period,
            employee_id=held.employee_id,
            assignment_id=held.assignment_id,
            starts_on=period.starts_on,
            ends_on=period.ends_on,
            state=PlanState.APPROVED,
        )
        for held in people.values()
        if held.assignment_id not in known
    ]
    await PerformancePlan.bulk_create(new, batch_size=BATCH, using_db=connection)
    known |= {row.assignment_id: row.id for row in new}
    return {nip: known[held.assignment_id] for nip, held in people.items()}


def _targets(
    case: Case,
    period: Period,
    units: Mapping[str, UUID],
    people: Mapping[str, Held],
    plans: Mapping[str, UUID],
) -> list[Target]:
    positions: dict[str | None, int] = defaultdict(int)
    targets: list[Target] = []
    for entry in case.targets:
        nip, unit = entry.owner_nip, entry.owner_unit
        owned_by_unit = unit is not None
        targets.append(
            Target(
                agency_id=period.agency_id,
                period=period,
                code=entry.code,
                position=positions[entry.parent],
                title=entry.title,
                kind=entry.kind,
                category=entry.category,
                assigned_by=entry.assigned_by,
                perspective=entry.perspective,
                classification=(
                    Classification.ORGANIZATION if owned_by_unit else Classification.INDIVIDUAL
                ),
                owner_unit_id=None if unit is None else units[unit],
                owner_employee_id=None if nip is None else people[nip].employee_id,
                plan_id=None if nip is None else plans[nip],
            )
        )
        positions[entry.parent] += 1
    return targets


async def _save_edges(
    connection: BaseDBAsyncClient, case: Case, targets: Mapping[str, UUID]
) -> int:
    edges = [
        TargetEdge(
            parent_id=targets[edge.parent],
            child_id=targets[edge.child],
            kind=edge.kind,
            weight=edge.weight,
            primary=edge.primary,
        )
        for edge in edges_of(case)
    ]
    await TargetEdge.bulk_create(edges, batch_size=BATCH, using_db=connection)
    return len(edges)


async def _save_indicators(
    connection: BaseDBAsyncClient, case: Case, targets: Mapping[str, UUID]
) -> tuple[int, int]:
    """Indicators and their planned paths; returns how many of each."""
    flows, _ = flows_of(case)
    entries = {
        (target.code, entry.position): entry
        for target in case.targets
        for entry in target.indicators
    }
    ids = {key: uuid7() for key in entries}
    rows: list[Indicator] = []
    points: list[TrajectoryPoint] = []
    for key in receivers_first(entries, flows):
        entry = entries[key]
        rows.append(
            Indicator(
                id=ids[key],
                target_id=targets[key[0]],
                position=entry.position + 1,  # from 1, as in plans that are edited
                aspect=entry.aspect,
                title=entry.title,
                unit_of_measure=entry.unit_of_measure,
                polarity=entry.polarity,
                accumulation=entry.accumulation,
                baseline=entry.baseline,
                planned=entry.planned,
                minimum=entry.minimum,
                maximum=entry.maximum,
                contributes_to_id=ids[flows[key]] if key in flows else None,
            )
        )
        points.extend(
            TrajectoryPoint(indicator_id=ids[key], day=point.day, planned=point.planned)
            for point in entry.points
        )
    await Indicator.bulk_create(rows, batch_size=BATCH, using_db=connection)
    await TrajectoryPoint.bulk_create(points, batch_size=BATCH, using_db=connection)
    return len(rows), len(points)


def receivers_first(keys: Iterable[Key], flows: Mapping[Key, Key]) -> list[Key]:
    """Indicators in an order in which what one flows into is stored before it."""
    heights: dict[Key, int] = {}
    ordered = list(keys)
    for key in ordered:
        way = [key]
        while way[-1] not in heights and way[-1] in flows:
            way.append(flows[way[-1]])
        height = heights.get(way[-1], 0)
        for above, step in enumerate(reversed(way)):
            heights[step] = height + above
    return sorted(ordered, key=lambda key: heights[key])


async def _save_stages(
    connection: BaseDBAsyncClient, case: Case, targets: Mapping[str, UUID]
) -> int:
    stages = [
        Stage(
            target_id=targets[target.code],
            position=stage.order,
            title=stage.title,
            evidence=stage.evidence,
            weight=stage.weight,
        )
        for target in case.targets
        for stage in target.stages
    ]
    await Stage.bulk_create(stages, batch_size=BATCH, using_db=connection)
    return len(stages)


async def _roll(connection: BaseDBAsyncClient, case: Case, targets: Mapping[str, UUID]) -> None:
    """Staged work stands at 0 from the first day, and so does what it counts in."""
    weighted = (edge.child for edge in edges_of(case) if edge.kind is EdgeKind.WEIGHTED)
    await roll(connection, {targets[code] for code in weighted})


def _batches(targets: Sequence[Target]) -> Iterator[tuple[int, Sequence[Target]]]:
    for start in range(0, len(targets), BATCH):
        yield start, targets[start : start + BATCH]
