"""The pure rule of performance allowances (*tunjangan kinerja*): a scheme's rows and a month's
facts in, an amount and its breakdown out. The lines add up to the amount exactly.

With `tables/kementan-2025.toml`, a CPNS of 5,000,000 who is GOOD, absent for a day and once 40
minutes late: 5,000,000 less 20 % are 4,000,000; of these 60 % = 2,400,000 by the predicate, and
40 % = 1,600,000 less 4 % and 1 % = 1,520,000; in all 3,920,000.
"""

from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

from schema.consequences.rule_tables import (
    WHOLE,
    AchievementPart,
    AllowanceRules,
    AnyPart,
    AttendancePart,
    Band,
    FixedPart,
    GoesBy,
    PredicatePart,
)
from schema.consequences.values import Line, MonthFacts, Outcome
from schema.consequences.wording import EMPLOYMENTS, PREDICATES, number
from schema.values import rounded

PRECISION = 60
"""Digits: a base of 14, times four percents of up to 10 digits each, stays exact."""
OF = {
    GoesBy.SAME_PERIOD: "periode ini",
    GoesBy.PREVIOUS_PERIOD: "periode sebelumnya",
    GoesBy.PREVIOUS_YEAR: "tahun sebelumnya",
}


def allowance(rules: AllowanceRules, facts: MonthFacts) -> Outcome:
    """A month's allowance in rupiah, rounded half up (a house rule).

    The lines are what a part would pay at 100 percent, and what comes off or on it; `percent` is
    of the part, of the whole for the employment's line.
    """
    with localcontext(prec=PRECISION):
        lines = list(_lines(rules, facts))
        exact = sum((line.amount for line in lines if line.amount is not None), Decimal())
        step = Decimal(rules.round_to)
        amount = (exact / step).quantize(Decimal(1), rounding=ROUND_HALF_UP) * step
        if amount != exact:
            lines.append(
                Line(
                    name="Pembulatan",
                    basis=f"ke Rp{number(step)}, setengah ke atas",
                    amount=amount - exact,
                )
            )
    return Outcome(amount=amount, label=None, lines=lines)


def _lines(rules: AllowanceRules, facts: MonthFacts) -> Iterator[Line]:
    factor = rules.employment.get(facts.employment, WHOLE)
    entitled = facts.base * factor / WHOLE
    employment = EMPLOYMENTS[facts.employment]
    for part in rules.parts:
        full = entitled * part.share / WHOLE
        basis = f"{number(part.share)} % × Rp{number(facts.base)}"
        if factor != WHOLE:
            basis += f" × {number(factor)} % ({employment})"
        yield Line(name=part.name, basis=basis, amount=full, percent=part.share)
        for words, percent in _changes(rules, part, facts):
            amount = full * percent / WHOLE + 0  # nothing of nothing is 0, never -0
            yield Line(name=part.name, basis=words, amount=amount, percent=percent)


def _changes(
    rules: AllowanceRules, part: AnyPart, facts: MonthFacts
) -> Iterator[tuple[str, Decimal]]:
    """What changes a part, each with its percent of the part: -20 where 80 are paid."""
    match part:
        case PredicatePart():
            yield _by_predicate(rules, part, facts)
        case AchievementPart():
            yield _by_achievement(part, facts)
        case AttendancePart():
            yield from _by_attendance(part, facts)
        case FixedPart():
            yield f"tetap: {number(part.percent)} %", part.percent - WHOLE


def _by_predicate(
    rules: AllowanceRules, part: PredicatePart, facts: MonthFacts
) -> tuple[str, Decimal]:
    goes_by = rules.goes_by
    predicate = None if goes_by is None else facts.predicates.get(goes_by)
    paid = part.without if predicate is None else part.percent[predicate]
    said = "tanpa predikat" if predicate is None else f"predikat {PREDICATES[predicate]}"
    of = "" if goes_by is None else f" {OF[goes_by]}"
    return f"{said}{of}: {number(paid)} %", paid - WHOLE


def _by_achievement(part: AchievementPart, facts: MonthFacts) -> tuple[str, Decimal]:
    """What counts is what is shown: the percent with two decimals (a house rule)."""
    if facts.achievement is None:
        return f"capaian tidak diketahui: {number(part.without)} %", part.without - WHOLE
    achieved = rounded(facts.achievement)
    paid = min(max(achieved, part.minimum), part.maximum)
    words = f"capaian {number(achieved)} %"
    if paid != achieved:
        words += f", dihitung {number(paid)} %"
    return words, paid - WHOLE


def _by_attendance(part: AttendancePart, facts: MonthFacts) -> Iterator[tuple[str, Decimal]]:
    """Cuts of a month's attendance, of the part; where they are more than all of it, a line takes
    the rest back, so that nobody owes anything."""
    seen = facts.attendance
    total = -part.absent_day * seen.absent_days
    if seen.absent_days:
        yield f"tidak masuk {seen.absent_days} hari × {number(part.absent_day)} %", total
    for words, bands, minutes in (
        ("terlambat", part.late, seen.late_minutes),
        ("pulang sebelum waktu", part.early, seen.early_minutes),
    ):
        for band, times in _counted(bands, minutes):
            cut = -band.percent * times
            total += cut
            yield (
                f"{words} sejak {band.from_minutes} menit: {times} kali × {number(band.percent)} %",
                cut,
            )
    if total < -WHOLE:
        yield "pengurangan paling banyak 100 %", -WHOLE - total


def _counted(bands: Sequence[Band], minutes: Sequence[int]) -> Iterator[tuple[Band, int]]:
    """The bands that any of the minutes fall in, each with how many do."""
    held = [
        next((band for band in reversed(bands) if one >= band.from_minutes), None)
        for one in minutes
    ]
    for band in bands:
        times = held.count(band)
        if times:
            yield band, times
