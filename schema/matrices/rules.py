"""Pure rules of dealing out: what a cell may say, weights, equal parts, what a template holds."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

import msgspec

from schema.checks import check_quantity, invalid
from schema.errors import DomainError, ErrorCode
from schema.matrices.models import MemberRole
from schema.targets.models import (
    Accumulation,
    Aspect,
    EdgeKind,
    Polarity,
    ResultCategory,
)
from schema.targets.pairing import Measure, pair
from schema.targets.rules import HUNDRED, MILLIONTH, ZERO
from schema.values import plain

MOST_MEMBERS = 100
MOST_CELLS = 1_200
MOST_RESULTS = 40
"""Rows, cells and columns of one matrix (house limits); a team has some 40 people by 12."""
MOST_PEOPLE = 2_000
"""Whom one call may give a template's rows (a house limit)."""
LONGEST_TITLE = 4_000
LONGEST_CODE = 120
LONGEST_TEMPLATE_CODE = 60
LONGEST_UNIT_OF_MEASURE = 120
WEIGHT_STEP = Decimal("0.0001")
"""Weights are kept with four decimals of a percent."""
HEAVIEST = 99_999
"""The largest weight of a stage that the table holds."""
NAMED_AT_MOST = 5
"""How many people a refusal names."""


class Shareable(Measure, Protocol):
    """What the rules must know of a leader's indicator."""

    @property
    def polarity(self) -> Polarity: ...


Columns = Mapping[UUID, Mapping[UUID, Shareable]]
"""The leader's results by key, each with its indicators by key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What a member is to bring to one result of the leader."""

    result_id: UUID
    title: str
    kind: EdgeKind
    weight: Decimal | None = None
    indicator_id: UUID | None = None
    share: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of a grid: somebody who takes part, with their cells."""

    employee_id: UUID
    role: MemberRole
    cells: Sequence[Cell]


def title_of(text: str, field: str) -> str:
    """A title without outer spaces.

    Raises:
        DomainError: it is blank or longer than 4,000 characters.
    """
    title = text.strip()
    if not title:
        raise DomainError(ErrorCode.DESCRIPTION_MISSING, field=field)
    if len(title) > LONGEST_TITLE:
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field=field, limit=LONGEST_TITLE)
    return title


def checked_grid(
    lines: Sequence[Line], columns: Columns, leader_id: UUID, others: Mapping[UUID, Decimal]
) -> list[Line]:
    """A grid as it is kept: coordinators first, else in the order given; people of any unit,
    also those whom the leader does not appraise (PermenPANRB 8/2021, annex).

    `others` are weights that each result gives to children beside the matrix, in percent.

    Raises:
        DomainError: too many rows or cells, somebody or a result twice, the leader as a member, a
            cell that cannot be, or weights of a result above 100.
    """
    if len(lines) > MOST_MEMBERS:
        raise DomainError(ErrorCode.TOO_MANY, field="members", limit=MOST_MEMBERS)
    if sum(len(line.cells) for line in lines) > MOST_CELLS:
        raise DomainError(ErrorCode.TOO_MANY, field="members", limit=MOST_CELLS)
    seen: set[UUID] = set()
    kept = []
    for place, line in enumerate(lines):
        field = f"members.{place}"
        if line.employee_id in seen:
            raise invalid(f"{field}.employee", "this person has a row already")
        if line.employee_id == leader_id:
            raise invalid(f"{field}.employee", "the results to deal out are this person's own")
        seen.add(line.employee_id)
        kept.append(replace(line, cells=_checked_row(line.cells, columns, f"{field}.cells")))
    check_weights(kept, others)
    return sorted(kept, key=lambda line: line.role is not MemberRole.COORDINATOR)


def _checked_row(cells: Sequence[Cell], columns: Columns, field: str) -> list[Cell]:
    kept = []
    seen: set[UUID] = set()
    for place, cell in enumerate(cells):
        if cell.result_id in seen:
            raise invalid(f"{field}.{place}.result", "this row has a cell of that result already")
        seen.add(cell.result_id)
        kept.append(checked_cell(cell, columns, f"{field}.{place}"))
    return kept


def checked_cell(cell: Cell, columns: Columns, field: str) -> Cell:
    """A cell as it is kept, its title without outer spaces.

    Raises:
        DomainError: the result is not the leader's, the title is blank or too long, weight or share
            are missing or do not belong to the kind, or the share's numbers do not add up.
    """
    if cell.result_id not in columns:
        raise DomainError(ErrorCode.NOT_FOUND, field=f"{field}.result", thing="Target")
    _check_weight(cell, f"{field}.weight")
    if (cell.indicator_id is None) is not (cell.share is None):
        raise invalid(f"{field}.share", "a share needs its indicator, and an indicator its share")
    if cell.indicator_id is not None and cell.share is not None:
        if cell.kind is not EdgeKind.DIRECT:
            raise invalid(f"{field}.share", "a share belongs to the kind DIRECT")
        indicator = columns[cell.result_id].get(cell.indicator_id)
        if indicator is None:
            raise DomainError(ErrorCode.INDICATOR_NOT_OF_TARGET, field=f"{field}.indicator")
        if not can_be_shared(indicator):
            raise invalid(
                f"{field}.indicator",
                f'"{indicator.title}" is no rising sum with a unit of measure: parts of it do not '
                "add up",
            )
        check_quantity(cell.share, f"{field}.share")
    return replace(cell, title=title_of(cell.title, f"{field}.title"))


def _check_weight(cell: Cell, field: str) -> None:
    if cell.kind is not EdgeKind.WEIGHTED:
        if cell.weight is not None:
            raise invalid(field, "a weight belongs to the kind WEIGHTED")
        return
    weight = cell.weight
    if weight is None or not ZERO < weight <= HUNDRED:
        shown = "-" if weight is None else plain(weight)
        raise DomainError(ErrorCode.WEIGHTS_INVALID, field=field, total=shown)
    if weight != round(weight, 4):
        raise invalid(field, "a weight has at most 4 decimals")


def check_weights(lines: Iterable[Line], others: Mapping[UUID, Decimal]) -> None:
    """40 and 60 of one result are all of it; 40, 60 and 1 are too much.

    Raises:
        DomainError: the weights of one result's children are above 100 in all.
    """
    totals: dict[UUID, Decimal] = defaultdict(Decimal, others)
    for line in lines:
        for cell in line.cells:
            if cell.weight is not None:
                totals[cell.result_id] += cell.weight
                if totals[cell.result_id] > HUNDRED:
                    total = plain(totals[cell.result_id])
                    raise DomainError(ErrorCode.WEIGHTS_INVALID, field="members", total=total)


def can_be_shared(indicator: Shareable) -> bool:
    """Whether parts of an indicator's number, planned for several people, add up to it.

    It rises by additions, and it counts the same as a copy of itself: so its unit is known
    (`pairing.py`). "12 laporan" is shared out, "90 persen" as a level and "3-5 hari" are not.
    """
    return (
        indicator.polarity is Polarity.RISING
        and indicator.accumulation is Accumulation.SUM
        and pair([indicator], [indicator])[0].parent == 0
    )


def equal_parts(total: Decimal, number: int, step: Decimal | None = None) -> list[Decimal]:
    """A number in equal parts whose sum is exact, by the largest remainder.

    In whole numbers where the total is whole and each gets one at least: 100 among 3 ->
    34, 33, 33. Else with six decimals: 100.5 among 2 -> 50.25, 50.25; 1 among 3 -> 0.333334,
    0.333333, 0.333333. Or in multiples of `step`.
    """
    if number == 0:
        return []
    if step is None:
        whole = total == total.to_integral_value() and (total >= number or total == 0)
        step = Decimal(1) if whole else MILLIONTH
    each, rest = divmod(int(total / step), number)
    return [(each + (place < rest)) * step for place in range(number)]


def numbered(base: str, number: int) -> str:
    """A code below another, of at most 120 characters: ("S.1", 2) -> "S.1.2"."""
    tail = f".{number}"
    return base[: LONGEST_CODE - len(tail)] + tail


def free_codes(bases: Sequence[str], taken: Collection[str]) -> list[str]:
    """A code for each base, with the first number that is free: two of "S", "S.1" taken ->
    "S.2", "S.3"."""
    used, found = set(taken), []
    reached: Counter[str] = Counter()
    for base in bases:
        while True:
            reached[base] += 1
            code = numbered(base, reached[base])
            if code not in used:
                break
        used.add(code)
        found.append(code)
    return found


def candidates(bases: Sequence[str], more: int) -> list[str]:
    """Codes that `free_codes` may come to, `more` numbers past what is needed of each base."""
    return [
        numbered(base, number)
        for base, needed in Counter(bases).items()
        for number in range(1, needed + more + 1)
    ]


def differences(ours: Iterable[Line], theirs: Iterable[Line]) -> dict[UUID, int]:
    """Whose rows differ between two grids, and in how many cells (0: only their role)."""
    mine, other = ({line.employee_id: line for line in lines} for lines in (ours, theirs))
    found: dict[UUID, int] = {}
    for key in [*mine, *(key for key in other if key not in mine)]:
        a, b = mine.get(key), other.get(key)
        cells = len(set(_contents(a)) ^ set(_contents(b)))
        results = {cell.result_id for cell in set(_contents(a)) ^ set(_contents(b))}
        if a is None or b is None or cells or a.role is not b.role:
            found[key] = len(results)
    return found


def _contents(line: Line | None) -> Iterator[Cell]:
    for cell in line.cells if line else ():
        yield replace(cell, title=cell.title.strip())


def told(names: Sequence[tuple[str, int]]) -> str:
    """Whose rows differ, in words: "Budi Hartono (2), Sari Wulandari (1)"."""
    shown = [f"{name} ({number})" for name, number in names[:NAMED_AT_MOST]]
    if len(names) > NAMED_AT_MOST:
        shown.append(f"+{len(names) - NAMED_AT_MOST}")
    return ", ".join(shown)


class TemplateIndicator(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An indicator that everybody is given; a range has minimum, maximum or both."""

    aspect: Aspect
    title: str
    unit_of_measure: str | None = None
    polarity: Polarity = Polarity.RISING
    accumulation: Accumulation = Accumulation.SUM
    planned: Decimal | None = None
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    position: int = 0


class TemplateStage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A stage of staged work that everybody is given; `weight` is its share of the whole."""

    title: str
    evidence: str | None = None
    weight: Decimal | None = None


class TemplateResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A result that everybody is given: with indicators, or with stages."""

    title: str
    category: ResultCategory = ResultCategory.MAIN
    indicators: tuple[TemplateIndicator, ...] = ()
    stages: tuple[TemplateStage, ...] = ()


def checked_results(results: Sequence[TemplateResult]) -> list[TemplateResult]:
    """A template's results as they are kept: texts trimmed, indicators numbered.

    Raises:
        DomainError: none or too many, a blank or long text, both indicators and stages, or a number
            that cannot be.
    """
    if not results:
        raise invalid("results", "a template has one result at least")
    if len(results) > MOST_RESULTS:
        raise DomainError(ErrorCode.TOO_MANY, field="results", limit=MOST_RESULTS)
    return [_checked_result(one, f"results.{place}") for place, one in enumerate(results)]


def _checked_result(result: TemplateResult, field: str) -> TemplateResult:
    if result.indicators and result.stages:
        raise invalid(f"{field}.stages", "a result has indicators or stages, not both")
    for name, rows in (("indicators", result.indicators), ("stages", result.stages)):
        if len(rows) > MOST_RESULTS:
            raise DomainError(ErrorCode.TOO_MANY, field=f"{field}.{name}", limit=MOST_RESULTS)
    return msgspec.structs.replace(
        result,
        title=title_of(result.title, f"{field}.title"),
        indicators=tuple(
            _checked_indicator(one, place, f"{field}.indicators.{place}")
            for place, one in enumerate(result.indicators)
        ),
        stages=tuple(
            _checked_stage(one, f"{field}.stages.{place}")
            for place, one in enumerate(result.stages)
        ),
    )


def _checked_indicator(one: TemplateIndicator, place: int, field: str) -> TemplateIndicator:
    unit = (one.unit_of_measure or "").strip() or None
    if unit is not None and len(unit) > LONGEST_UNIT_OF_MEASURE:
        limit = LONGEST_UNIT_OF_MEASURE
        raise DomainError(ErrorCode.TEXT_TOO_LONG, field=f"{field}.unitOfMeasure", limit=limit)
    for name in ("planned", "minimum", "maximum"):
        number = getattr(one, name)
        if number is not None:
            check_quantity(number, f"{field}.{name}")
    if (one.polarity is Polarity.RANGE) is not (one.planned is None):
        raise invalid(f"{field}.planned", "a number to reach, or minimum and maximum of a RANGE")
    ends = [end for end in (one.minimum, one.maximum) if end is not None]
    if bool(ends) is not (one.polarity is Polarity.RANGE) or ends != sorted(ends):
        raise invalid(f"{field}.minimum", "a RANGE has minimum, maximum or both, in this order")
    title = title_of(one.title, f"{field}.title")
    return msgspec.structs.replace(one, title=title, unit_of_measure=unit, position=place + 1)


def _checked_stage(one: TemplateStage, field: str) -> TemplateStage:
    weight = one.weight
    if weight is not None and (not ZERO < weight <= HEAVIEST or weight != round(weight, 4)):
        raise invalid(f"{field}.weight", "a weight is above 0, with at most 4 decimals")
    evidence = (one.evidence or "").strip() or None
    return msgspec.structs.replace(
        one, title=title_of(one.title, f"{field}.title"), evidence=evidence
    )


def stored(results: Sequence[TemplateResult]) -> list[dict[str, Any]]:
    """Checked results as JSON values; decimals are texts."""
    return [msgspec.to_builtins(one) for one in results]


def results_in(values: Sequence[Mapping[str, Any]]) -> list[TemplateResult]:
    """Results from JSON values as `stored` writes them."""
    return msgspec.convert(values, list[TemplateResult], strict=False)
