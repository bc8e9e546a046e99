"""How an edited plan is stored: its results, with all that hangs on them, brought to a draft.

Rows that a draft names by id are changed, others made anew, and those it does not name removed,
unless progress refers to them. Works inside the caller's transaction, on a locked plan.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from tortoise.backends.base.client import BaseDBAsyncClient
from tortoise.exceptions import IntegrityError
from tortoise.expressions import F

from schema.checks import (
    LONGEST_NAME,
    LONGEST_TITLE,
    check_quantity,
    invalid,
    optional_text,
    text_of,
)
from schema.errors import DomainError, ErrorCode, NotFound
from schema.organizations.models import Employee
from schema.plans.editing import (
    Draft,
    IndicatorDraft,
    ResultDraft,
    ServiceDraft,
    Stored,
)
from schema.plans.locking import lock_lines
from schema.plans.models import BehaviourExpectation, PlanAttachment
from schema.plans.rules import check_stage_weight, check_weights
from schema.targets.models import (
    EdgeKind,
    Indicator,
    Polarity,
    Stage,
    Target,
    TargetEdge,
    TargetKind,
    TrajectoryPoint,
)
from schema.targets.pairing import pair
from schema.targets.rolling import roll

MOST_RESULTS = 60
"""Results of one plan, indicators or stages of one result (a house limit)."""
SHIFT = 10_000
"""Positions of rows are moved out of the way by it, so that two never share one."""

BEHIND = """
SELECT code FROM target
WHERE period_id = $1 AND EXISTS (SELECT FROM unnest($2::text[]) stem WHERE starts_with(code, stem))
"""
OVERWEIGHT = """
SELECT sum(e.weight)::text AS total FROM target_edge e
WHERE e.parent_id = ANY ($1::uuid[]) AND e.kind = 'WEIGHTED'
GROUP BY e.parent_id HAVING sum(e.weight) > 100
"""


async def save(
    connection: BaseDBAsyncClient, whole: Stored, draft: Draft, person: Employee
) -> None:
    """Bring a plan to a draft.

    Raises:
        DomainError: a line cannot be, or is in use and cannot be removed or counted otherwise.
        NotFound: a row that the draft names is not the plan's, or not there to be served.
    """
    if draft.approach is not None:
        whole.plan.approach = draft.approach
    if draft.results is not None:
        await _save_results(connection, whole, draft.results, person)
    if draft.expectations is not None:
        await BehaviourExpectation.filter(plan_id=whole.plan.id).using_db(connection).delete()
        rows = [
            BehaviourExpectation(plan=whole.plan, behaviour=behaviour, expectation=said)
            for behaviour, text in draft.expectations.items()
            if (said := optional_text(text, field="behaviours", longest=LONGEST_TITLE))
        ]
        await BehaviourExpectation.bulk_create(rows, using_db=connection)
    if draft.attachments is not None:
        await PlanAttachment.filter(plan_id=whole.plan.id).using_db(connection).delete()
        lines = [
            PlanAttachment(plan=whole.plan, kind=kind, position=place, text=said)
            for place, (kind, text) in enumerate(draft.attachments, start=1)
            if (said := optional_text(text, field="attachments", longest=LONGEST_TITLE))
        ]
        await PlanAttachment.bulk_create(lines, using_db=connection)


async def _save_results(
    connection: BaseDBAsyncClient,
    whole: Stored,
    results: Sequence[ResultDraft],
    person: Employee,
) -> None:
    if len(results) > MOST_RESULTS:
        raise DomainError(ErrorCode.TOO_MANY, field="results", limit=MOST_RESULTS)
    known = {target.id: target for target in whole.targets}
    _check_ids("Target", [result.id for result in results], known)
    before = {edge.parent_id for edges in whole.edges.values() for edge in edges}
    wanted = {serve.target_id for result in results for serve in result.serves}
    await lock_lines(connection, known, before | wanted)
    parents = await _parents(connection, whole, wanted, before, person)
    await _remove(connection, whole, {result.id for result in results})
    new = {prefix_of(result, parents) for result in results if result.id is None}
    codes = await codes_behind(connection, whole.plan.period_id, new)
    touched: list[UUID] = []
    for place, result in enumerate(results):
        target = await _save_result(connection, whole, result, place, codes, parents, person)
        touched.append(target.id)
        await _save_indicators(connection, whole, target, result)
        await _save_stages(connection, whole, target, result)
        await _serve(connection, target, result.serves)
    await check_weights_below(connection, parents)
    await _flow(connection, touched)
    # What a line serves no longer has one part less.
    await roll(connection, {*touched, *before})


async def check_weights_below(
    connection: BaseDBAsyncClient, parents: Iterable[UUID], field: str = "results"
) -> None:
    """Raises:
    DomainError: what counts with a weight in one of these locked targets is above 100 in all.
    """
    over = await connection.execute_query_dict(OVERWEIGHT, [list(parents)])
    if over:
        raise DomainError(ErrorCode.WEIGHTS_INVALID, field=field, total=over[0]["total"])


def _check_ids(thing: str, given: Iterable[UUID | None], known: Iterable[UUID]) -> None:
    named = [key for key in given if key is not None]
    if set(named) - set(known):
        raise NotFound(thing)
    if len(named) != len(set(named)):
        raise invalid("results", f"the same {thing} is given twice")


async def _parents(
    connection: BaseDBAsyncClient,
    whole: Stored,
    wanted: set[UUID],
    before: set[UUID],
    person: Employee,
) -> dict[UUID, Target]:
    """The targets that are served: of units of the agency, of superiors, one's own, or served
    before: a matrix deals out to people of other units, and superiors change."""
    rows = await Target.filter(id__in=list(wanted)).using_db(connection)
    allowed = {None, person.id, *person.superiors}
    found = {
        row.id: row
        for row in rows
        if row.agency_id == person.agency_id
        and row.period_id == whole.plan.period_id
        and (row.owner_employee_id in allowed or row.id in before)
    }
    if wanted - set(found):
        raise NotFound("Target")
    return found


async def _remove(connection: BaseDBAsyncClient, whole: Stored, kept: set[UUID | None]) -> None:
    """Results that the draft does not name any more, from the leaves up."""
    gone = [target for target in whole.targets if target.id not in kept]
    for target in reversed(gone):
        indicators = [row.id for row in whole.indicators[target.id]]
        of_target = {"target_id": target.id}
        try:
            await TrajectoryPoint.filter(indicator_id__in=indicators).using_db(connection).delete()
            await Indicator.filter(**of_target).using_db(connection).delete()
            await Stage.filter(**of_target).using_db(connection).delete()
            await TargetEdge.filter(child_id=target.id).using_db(connection).delete()
            await Target.filter(id=target.id).using_db(connection).delete()
        except IntegrityError as error:
            raise in_use(target.title) from error
    whole.targets = [target for target in whole.targets if target not in gone]


def in_use(thing: str) -> DomainError:
    return DomainError(ErrorCode.IN_USE, field="results", thing=f'"{thing}"')


async def codes_behind(
    connection: BaseDBAsyncClient, period_id: UUID, prefixes: Collection[str]
) -> set[str]:
    """Codes of a period behind these prefixes. The caller holds the period's codes
    (`locking.lock_codes`), so nobody adds to them until the transaction ends."""
    stems = [stem(prefix) for prefix in prefixes]
    rows = await connection.execute_query_dict(BEHIND, [period_id, stems])
    return {row["code"] for row in rows}


def free_code(codes: set[str], prefix: str) -> str:
    """The first code behind a prefix that nobody has: S3.2 -> S3.2.1; it is taken at once."""
    number = 1
    while (code := f"{stem(prefix)}{number}") in codes:
        number += 1
    codes.add(code)
    return code


def stem(prefix: str) -> str:
    """What codes behind a prefix begin with; cut, so that a number fits behind it."""
    return f"{prefix[:100]}."


def prefix_of(result: ResultDraft, parents: Mapping[UUID, Target]) -> str:
    """Behind which code a new result gets its own: that of what it serves first."""
    return parents[result.serves[0].target_id].code if result.serves else "R"


async def _save_result(
    connection: BaseDBAsyncClient,
    whole: Stored,
    result: ResultDraft,
    place: int,
    codes: set[str],
    parents: dict[UUID, Target],
    person: Employee,
) -> Target:
    if result.indicators and result.stages:
        raise invalid(
            "results", f'"{result.title}" is measured by indicators or by stages, not by both'
        )
    title = text_of(
        result.title, missing=ErrorCode.DESCRIPTION_MISSING, field="title", longest=LONGEST_TITLE
    )
    given = {
        "title": title,
        "position": place,
        "kind": TargetKind.STAGED if result.stages else TargetKind.QUANTITATIVE,
        "category": result.category,
        "classification": result.classification,
        "perspective": result.perspective,
        "assigned_by": optional_text(result.assigned_by, field="assignedBy", longest=200),
    }
    target = next((row for row in whole.targets if row.id == result.id), None)
    if target is None:
        target = Target(
            agency_id=person.agency_id,
            period_id=whole.plan.period_id,
            plan_id=whole.plan.id,
            owner_employee_id=whole.plan.employee_id,
            code=free_code(codes, prefix_of(result, parents)),
            **given,
        )
        await target.save(using_db=connection, force_create=True)
    else:
        target.update_from_dict(given)
        await target.save(using_db=connection, update_fields=list(given))
    return target


NUMBERS = ("baseline", "planned", "minimum", "maximum")
FIXED_BY_RECORDS = ("accumulation",)
FIXED_BY_CHILDREN = ("aspect", "unit_of_measure", "accumulation")
"""What decides that a child's number adds up with it (targets/pairing.py)."""


async def _save_indicators(
    connection: BaseDBAsyncClient, whole: Stored, target: Target, result: ResultDraft
) -> None:
    known = {row.id: row for row in whole.indicators.get(target.id, [])}
    _check_ids("Indicator", [one.id for one in result.indicators], known)
    if len(result.indicators) > MOST_RESULTS:
        raise DomainError(ErrorCode.TOO_MANY, field="indicators", limit=MOST_RESULTS)
    kept = {one.id for one in result.indicators}
    gone = [key for key in known if key not in kept]
    await TrajectoryPoint.filter(indicator_id__in=list(known)).using_db(connection).delete()
    try:
        await Indicator.filter(id__in=gone).using_db(connection).delete()
    except IntegrityError as error:
        raise in_use(known[gone[0]].title) from error
    of_target = Indicator.filter(target_id=target.id).using_db(connection)
    await of_target.update(position=F("position") + SHIFT)
    points: list[TrajectoryPoint] = []
    for place, draft in enumerate(result.indicators, start=1):
        row = known.get(draft.id) if draft.id else None
        row = await _save_indicator(connection, target, draft, place, row)
        points += [
            TrajectoryPoint(indicator_id=row.id, day=day, planned=planned)
            for day, planned in draft.points
        ]
    await TrajectoryPoint.bulk_create(points, using_db=connection)


async def _save_indicator(
    connection: BaseDBAsyncClient,
    target: Target,
    draft: IndicatorDraft,
    place: int,
    row: Indicator | None,
) -> Indicator:
    given = {
        name: getattr(draft, name) for name in ("aspect", "polarity", "accumulation", *NUMBERS)
    } | {
        "position": place,
        "title": text_of(
            draft.title, missing=ErrorCode.DESCRIPTION_MISSING, field="title", longest=LONGEST_TITLE
        ),
        "unit_of_measure": optional_text(
            draft.unit_of_measure, field="unitOfMeasure", longest=LONGEST_NAME
        ),
    }
    check_indicator(draft)
    if row is None:
        return await Indicator.create(using_db=connection, target_id=target.id, **given)
    fixed: tuple[str, ...] = FIXED_BY_RECORDS if row.own_records else ()
    if row.contributing > row.own_records:
        fixed = FIXED_BY_CHILDREN
    if any(getattr(row, name) != given[name] for name in fixed):
        raise in_use(row.title)
    row.update_from_dict(given)
    await row.save(using_db=connection, update_fields=list(given))
    return row


def check_indicator(draft: IndicatorDraft) -> None:
    """Raises:
    DomainError: a number cannot be, a range is upside down, a path has a day twice.
    """
    for name in NUMBERS:
        number = getattr(draft, name)
        if number is not None:
            check_quantity(number, name)
    low, high = draft.minimum, draft.maximum
    if low is not None and high is not None and low > high:
        raise invalid("minimum", f'"{draft.title}": from {low} to {high} is no range')
    if draft.polarity is not Polarity.RANGE and (low is not None or high is not None):
        raise invalid("minimum", f'"{draft.title}": minimum and maximum are of a range')
    days = [day for day, _ in draft.points]
    if len(days) != len(set(days)) or len(days) > 366:
        raise invalid("points", f'"{draft.title}": a day of the path is given twice')
    for _, planned in draft.points:
        check_quantity(planned, "points")


async def _save_stages(
    connection: BaseDBAsyncClient, whole: Stored, target: Target, result: ResultDraft
) -> None:
    known = {row.id: row for row in whole.stages.get(target.id, [])}
    _check_ids("Stage", [one.id for one in result.stages], known)
    if len(result.stages) > MOST_RESULTS:
        raise DomainError(ErrorCode.TOO_MANY, field="stages", limit=MOST_RESULTS)
    gone = [key for key in known if key not in {one.id for one in result.stages}]
    try:
        await Stage.filter(id__in=gone).using_db(connection).delete()
    except IntegrityError as error:
        raise in_use(known[gone[0]].title) from error
    of_target = Stage.filter(target_id=target.id).using_db(connection)
    await of_target.update(position=F("position") + SHIFT)
    for place, draft in enumerate(result.stages, start=1):
        if draft.weight is not None:
            check_stage_weight(draft.weight, draft.title)
        given: dict[str, Any] = {
            "position": place,
            "title": text_of(
                draft.title,
                missing=ErrorCode.DESCRIPTION_MISSING,
                field="title",
                longest=LONGEST_TITLE,
            ),
            "evidence": optional_text(draft.evidence, field="evidence", longest=LONGEST_TITLE),
            "weight": draft.weight,
        }
        row = known.get(draft.id) if draft.id else None
        if row is None:
            await Stage.create(using_db=connection, target_id=target.id, **given)
        else:
            row.update_from_dict(given)
            await row.save(using_db=connection, update_fields=list(given))


async def _serve(
    connection: BaseDBAsyncClient, target: Target, serves: Sequence[ServiceDraft]
) -> None:
    """The edges up; the first is the red thread. They hold nothing, so they are made anew."""
    # Each counts in another target: what these have in all is asked when all lines are stored.
    for serve in serves:
        check_weights([serve.weight], [serve.kind])
    keys = [serve.target_id for serve in serves]
    if len(set(keys)) != len(keys) or target.id in keys:
        raise invalid("serves", f'"{target.title}" serves another target, and each once')
    await TargetEdge.filter(child_id=target.id).using_db(connection).delete()
    try:
        for place, serve in enumerate(serves):
            await TargetEdge.create(
                using_db=connection,
                parent_id=serve.target_id,
                child_id=target.id,
                kind=serve.kind,
                weight=serve.weight,
                primary=place == 0,
            )
    except IntegrityError as error:
        raise invalid("serves", f'"{target.title}" would serve itself in the end') from error


async def _flow(connection: BaseDBAsyncClient, targets: Sequence[UUID]) -> None:
    """Over the direct edges, the primary one first, numbers flow into the parents' indicators.

    What has been recorded cannot flow elsewhere.
    """
    edges = (
        await TargetEdge.filter(child_id__in=list(targets), kind=EdgeKind.DIRECT)
        .using_db(connection)
        .order_by("-primary", "id")
    )
    keys = {edge.parent_id for edge in edges} | set(targets)
    rows = (
        await Indicator.filter(target_id__in=list(keys)).using_db(connection).order_by("position")
    )
    for child in targets:
        own = [row for row in rows if row.target_id == child]
        into: dict[UUID, UUID] = {}
        for edge in edges:
            if edge.child_id != child:
                continue
            above = [row for row in rows if row.target_id == edge.parent_id]
            for row, match in zip(own, pair(own, above), strict=True):
                if match.parent is not None:
                    into.setdefault(row.id, above[match.parent].id)
        for row in own:
            if row.contributes_to_id == into.get(row.id):
                continue
            if row.contributing:
                raise in_use(row.title)
            row.contributes_to_id = into.get(row.id)
            await row.save(using_db=connection, update_fields=["contributes_to_id"])
