"""Pure rules of what follows from a year's appraisals: weight, credit points, talent, training.

The numbers come from rule sets (`rule_tables.py`); what is here is how they are put together.
`allowance`, of a month, is in `allowance_rules.py`.
"""

from collections.abc import Sequence
from decimal import Decimal

from schema.consequences.allowance_rules import allowance
from schema.consequences.rule_tables import (
    CreditRules,
    Level,
    Performance,
    Potential,
    TalentRules,
    TrainingRules,
    WeightRules,
)
from schema.consequences.values import Line, Low, Outcome, PlanResult
from schema.consequences.wording import NEEDS, PREDICATES, number
from schema.organizations.models import AssignmentKind
from schema.values import rounded

__all__ = ["allowance", "credit", "talent", "training", "weight"]

YEAR = 12
"""Months."""
NO_SERVICE = "NO_SERVICE"
NOT_FUNCTIONAL = "NOT_FUNCTIONAL"
NO_POTENTIAL = "NO_POTENTIAL"
NO_PERFORMANCE = "NO_PERFORMANCE"


def weight(rules: WeightRules, plans: Sequence[PlanResult]) -> Outcome:
    """The year's base weight (*bobot*): the mean of definitive plans by months of service, two
    decimals half up (a house rule).

    8 months EXCELLENT (100) and 4 GOOD (80): (800 + 320) / 12 = 93.33. The label is the predicate
    where it is one; `NO_SERVICE` where no definitive plan has a month.
    """
    counted = [plan for plan in plans if _counts(plan)]
    months = sum(plan.months for plan in counted)
    lines = [
        Line(
            name=_name(plan),
            basis=f"{number(rules.weights[plan.predicate])} × {plan.months} dari {months} bulan",
            amount=rules.weights[plan.predicate],
            appraisal_id=plan.appraisal_id,
        )
        if _counts(plan)
        else _acting(plan)
        for plan in plans
    ]
    if not months:
        return Outcome(amount=None, label=NO_SERVICE, lines=lines)
    total = sum((rules.weights[plan.predicate] * plan.months for plan in counted), Decimal())
    predicates = {plan.predicate for plan in counted if plan.months}
    label = predicates.pop().value if len(predicates) == 1 else None
    return Outcome(
        amount=rounded(total / months), label=label, lines=lines, more={"months": months}
    )


def credit(rules: CreditRules, plans: Sequence[PlanResult], brought: Decimal | None) -> Outcome:
    """A year's credit points (*angka kredit*), Peraturan BKN 3/2023: months / 12 × percent of the
    predicate × coefficient of the level, for each plan, two decimals half up.

    12/12 × 150 % × 12.5 = 18.75; 2/12 × 100 % × 12.5 = 2.08. `brought` is what was held before the
    year; None, unknown, leaves progress unknown. Progress is to the needs of the latest level. The
    label is that level, `NOT_FUNCTIONAL` where no definitive plan is of a functional post.
    """
    lines, earned, latest = [], Decimal(), None
    for plan in sorted(plans, key=lambda one: (one.ends_on, one.starts_on)):
        level = rules.level(plan.level)
        if not _counts(plan):
            lines.append(_acting(plan))
        elif level is None:
            lines.append(_line(plan, "bukan jabatan fungsional berjenjang", None))
        else:
            points = _points(rules, plan, level)
            basis = (
                f"{plan.months}/{YEAR} × {number(rules.percent[plan.predicate])} % × "
                f"{number(level.coefficient)} ({level.name})"
            )
            lines.append(_line(plan, basis, points))
            earned, latest = earned + points, level
    if latest is None:
        return Outcome(amount=None, label=NOT_FUNCTIONAL, lines=lines)
    total = None if brought is None else brought + earned
    more = {
        "brought": brought,
        "earned": earned,
        "total": total,
        "level": latest.level.value,
        "next_rank": _progress(latest.next_rank, total),
        "next_level": _progress(latest.next_level, total),
    }
    return Outcome(amount=earned, label=latest.level.value, lines=lines, more=more)


def talent(rules: TalentRules, weight: Decimal | None, potential: Decimal | None) -> Outcome:
    """The box of nine (*sembilan kotak*): performance is the year's weight, potential the latest
    score; each counts from its cut-off on.

    Weight 80 with cut-offs 70 and 85 meets, potential 77 with 68 and 77 is high: box 8. The label
    is the box, `NO_PERFORMANCE` or `NO_POTENTIAL` where one is missing.
    """
    lines = [
        Line(
            name="Kinerja",
            basis=f"batas {number(rules.performance.meets)} dan {number(rules.performance.above)}",
            amount=weight,
        ),
        Line(
            name="Potensi",
            basis=f"batas {number(rules.potential.middle)} dan {number(rules.potential.high)}",
            amount=potential,
        ),
    ]
    if weight is None:
        return Outcome(amount=None, label=NO_PERFORMANCE, lines=lines)
    if potential is None:
        return Outcome(amount=None, label=NO_POTENTIAL, lines=lines)
    performed = [*Performance][_third(weight, rules.performance.meets, rules.performance.above)]
    able = [*Potential][_third(potential, rules.potential.middle, rules.potential.high)]
    (box,) = [one for one in rules.boxes if (one.performance, one.potential) == (performed, able)]
    more = {
        "performance": performed.value,
        "potential": able.value,
        "recommendation": box.recommendation,
        "pools": [pool.value for pool in box.pools],
    }
    return Outcome(amount=Decimal(box.box), label=str(box.box), lines=lines, more=more)


def training(rules: TrainingRules, lows: Sequence[Low], hours: Decimal) -> Outcome:
    """Hours of training that are missing in the year (PP 11/2017 art. 203(4): 20 are due), and what
    is needed. Of 20 hours 8 done: 12 missing.

    A need is a line, with the hours that are proposed for it; the same need of two plans is one.
    The label is `SHORT` or `MET`.
    """
    missing = max(rules.hours_a_year - hours, Decimal())
    needs = list(dict.fromkeys((low.kind, low.about) for low in lows))
    lines = [
        Line(name="Jam pelajaran setahun", basis="kewajiban", amount=rules.hours_a_year),
        Line(name="Jam pelajaran diikuti", basis="pelatihan tercatat", amount=hours),
        *(
            Line(name=about, basis=f"usulan: {NEEDS[kind]}", amount=rules.hours_a_need[kind])
            for kind, about in needs
        ),
    ]
    more = {
        "hours_due": rules.hours_a_year,
        "hours_done": hours,
        "needs": [
            {"kind": kind, "about": about, "hours": rules.hours_a_need[kind]}
            for kind, about in needs
        ],
    }
    return Outcome(amount=missing, label="SHORT" if missing else "MET", lines=lines, more=more)


def _counts(plan: PlanResult) -> bool:
    """Of a year's figures only definitive posts count (a house rule)."""
    return plan.post is AssignmentKind.DEFINITIVE


def _name(plan: PlanResult) -> str:
    return f"{PREDICATES[plan.predicate]}, {plan.starts_on} s.d. {plan.ends_on}"


def _line(plan: PlanResult, basis: str, amount: Decimal | None) -> Line:
    return Line(name=_name(plan), basis=basis, amount=amount, appraisal_id=plan.appraisal_id)


def _acting(plan: PlanResult) -> Line:
    return _line(plan, "jabatan Plt. atau Plh.: tidak dihitung", None)


def _points(rules: CreditRules, plan: PlanResult, level: Level) -> Decimal:
    """5/12 × 75 % × 37.5 = 11.71875, 11.72."""
    exact = plan.months * rules.percent[plan.predicate] * level.coefficient
    return rounded(exact / (YEAR * 100))


def _progress(needed: Decimal | None, total: Decimal | None) -> dict[str, object] | None:
    """50 needed, 48.75 held: 1.25 missing. None where there is nothing to reach, or no total."""
    if needed is None or total is None:
        return None
    return {
        "needed": needed,
        "missing": max(needed - total, Decimal()),
        "reached": total >= needed,
    }


def _third(score: Decimal, second: Decimal, third: Decimal) -> int:
    """0, 1 or 2: the second and the third of three begin at their cut-offs."""
    return (score >= second) + (score >= third)
