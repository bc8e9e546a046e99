"""Fields of an employee that come from what follows of appraisals: career, potential, training,
consequences. Apart from `graph.py`, which names them as a base, for its size."""

from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.arguments import Day, Period
from schema.predicates import of_agencies, sees_work_of
from schema.selection.declarations import many, one

if TYPE_CHECKING:
    from schema.consequences.graph import (
        Career,
        Consequence,
        PotentialScore,
        TrainingRecord,
    )
    from schema.consequences.models import RuleKind

LazyKind = Annotated["RuleKind", strawberry.lazy("schema.consequences.models")]
LazyConsequence = Annotated["Consequence", strawberry.lazy("schema.consequences.graph")]
LazyCareer = Annotated["Career", strawberry.lazy("schema.consequences.graph")]
LazyPotential = Annotated["PotentialScore", strawberry.lazy("schema.consequences.graph")]
LazyTraining = Annotated["TrainingRecord", strawberry.lazy("schema.consequences.graph")]

SEES_CAREER = f"@row.id = @viewer OR {of_agencies('@row.agency_id')}"
"""`access.can_see_career` of the person in @row."""
MOST_OF_YEAR = 16
"""Consequences of a year: four of the year, twelve of its months."""


@strawberry.type
class WithConsequences:
    """What `organizations.graph.Employee` is besides."""

    @many(
        "consequence @it JOIN period p$ ON p$.id = @it.period_id",
        "What follows from a year's appraisals, as it is in force: weight and training needs for "
        "whoever sees the person's work; box, credit points and allowance for the person, the "
        "agency's administrator and auditor.",
        where="@it.employee_id = @row.id AND p$.code = @period AND @it.superseded_at IS NULL",
        given={"ruleKind": "@it.kind = @ruleKind"},
        order="@it.kind, @it.month, @it.id",
        at_most=MOST_OF_YEAR,
        type=list[LazyConsequence],
    )
    def consequences(
        self,
        period: Period,
        rule_kind: Annotated[
            LazyKind | None, strawberry.argument(description="Of one kind only.")
        ] = None,
    ) -> None: ...

    @one(
        "career @it",
        "The career that counts on a day; null where nobody has said, and where not yours to see: "
        "the person's own, the agency's administrator's and auditor's.",
        where="@it.employee_id = @row.id AND @it.starts_on <= @on::date",
        order="@it.starts_on DESC, @it.id DESC",
        sees=SEES_CAREER,
        trusted=True,
        type=LazyCareer | None,
    )
    def career(self, on: Day) -> None: ...

    potentials: list[LazyPotential] = many(
        "potential_score @it",
        "Assessments of potential, the latest first; empty where not yours to see.",
        where="@it.employee_id = @row.id",
        order="@it.assessed_on DESC, @it.id DESC",
        sees=SEES_CAREER,
        trusted=True,
    )

    @many(
        "training_record @it JOIN period p$ ON p$.agency_id = @row.agency_id "
        "AND @it.ended_on BETWEEN p$.starts_on AND p$.ends_on",
        "Training that ended in a planning period of the agency; empty where not yours to see.",
        where="@it.employee_id = @row.id AND p$.code = @period",
        order="@it.ended_on, @it.id",
        sees=sees_work_of("@row"),
        trusted=True,
        type=list[LazyTraining],
    )
    def trainings(self, period: Period) -> None: ...
