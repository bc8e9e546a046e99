"""The GraphQL face of a unit's board of ratings: people, counts, and the guide for predicates."""

from decimal import Decimal
from typing import Annotated

import strawberry

from schema.appraisals import distribution, models
from schema.appraisals.graph import AppraisalConnection, UnitRating
from schema.arguments import After, AgencyCode, Before, EvaluationPeriodId, First, Last, UnitCode
from schema.organizations.graph import Unit
from schema.plans.graph import EvaluationPeriod
from schema.predicates import in_directory, of_agencies, sees_appraisal, sees_work
from schema.selection.declarations import after, many, one, page, reads, value
from schema.teams.board import MOST_CHILDREN

strawberry.enum(
    distribution.GuideKind,
    description="What the guide asks of some predicates: a share of those who are rated, MOST: "
    "that no other one has more, SOME: that anybody has one, NONE: that nobody has.",
)

OnlyStates = Annotated[
    list[models.AppraisalState] | None,
    strawberry.argument(description="Only appraisals that stand in one of these."),
]
OnlyPredicates = Annotated[
    list[models.Predicate] | None,
    strawberry.argument(description="Only appraisals with one of these predicates."),
]

BOARD = """CROSS JOIN LATERAL (SELECT u$.id AS unit_id, u$.agency_id,
  {period}.id AS evaluation_period_id, {period}.starts_on, {period}.ends_on) @it"""
ASKED = f"""agency g$ JOIN unit u$ ON u$.agency_id = g$.id
  JOIN evaluation_period v$ ON v$.id = @evaluationPeriod
  JOIN period p$ ON p$.id = v$.period_id AND p$.agency_id = g$.id {BOARD.format(period="v$")}"""
BELOW = f"""unit u$ JOIN evaluation_period v$ ON v$.id = @row.evaluation_period_id
  {BOARD.format(period="v$")}"""
PLACED = """EXISTS (SELECT FROM unit_placement l$ WHERE l$.unit_id = u$.id
  AND l$.parent_id = @row.unit_id AND l$.starts_on <= @row.ends_on
  AND (l$.ends_on IS NULL OR l$.ends_on > @row.ends_on))"""
HERE = """{a}.unit_id = @row.unit_id
  AND {a}.evaluation_period_id = @row.evaluation_period_id"""
SEEN = f"""appraisal a$ WHERE {HERE.format(a="a$")} AND ({sees_appraisal("a$")})"""


def counted(column: str, names: type[models.AppraisalState] | type[models.Predicate]) -> str:
    """How many appraisals that the viewer sees have which value, in the order of the names."""
    order = ", ".join(f"'{one}'" for one in names)
    return f"""(SELECT a$.{column}, count(*) AS count,
      array_position(ARRAY[{order}], a$.{column}::text) AS place
    FROM {SEEN} AND a$.{column} IS NOT NULL GROUP BY a$.{column}) @it"""


ORGANIZATION = f"""(SELECT r$.predicate FROM unit_rating r$ WHERE {HERE.format(a="r$")}
  AND (({sees_work("r$.head_id")}) OR {of_agencies("@row.agency_id")})
  ORDER BY r$.version DESC LIMIT 1)"""
STAFF = f"""(SELECT coalesce(json_agg(a$.predicate), '[]') FROM {SEEN} AND NOT a$.heads_unit)"""


@reads()
@strawberry.type(description="How many appraisals stand where.")
class AppraisalStateCount:
    state: models.AppraisalState = strawberry.field(description="Where.")
    count: int = strawberry.field(description="How many.")


@reads()
@strawberry.type(description="How many people have which predicate.")
class PredicateCount:
    predicate: models.Predicate = strawberry.field(description="Which.")
    count: int = strawberry.field(description="How many.")


@strawberry.type(description="One condition of the guide, against those who are rated.")
class GuideCheck:
    kind: distribution.GuideKind = strawberry.field(description="What is asked.")
    predicates: list[models.Predicate] = strawberry.field(
        description="Of which predicates, taken together.", metadata={"list_size": 2}
    )
    limit: Decimal | None = strawberry.field(
        description="Of AT_MOST and AT_LEAST: percent of those who are rated."
    )
    count: int = strawberry.field(description="How many have one of them.")
    percentage: Decimal | None = strawberry.field(
        description="The same in percent, two decimals; null where nobody is rated."
    )
    holds: bool | None = strawberry.field(
        description="Judged by whole people: exactly the limit holds. Null where nobody is rated."
    )
    indonesian: str = strawberry.field(description="In words, with the figures, in Indonesian.")
    english: str = strawberry.field(description="The same in English.")


@strawberry.type(
    description="The guide for the distribution of predicates that a unit's own result asks its "
    "leader to consider. It warns and never blocks."
)
class DistributionGuide:
    organization: models.UnitPredicate = strawberry.field(description="The unit's own result.")
    staff: int = strawberry.field(
        description="Appraisals of the unit's people in the period; who heads it is not counted."
    )
    rated: int = strawberry.field(description="How many of them are rated: shares are of these.")
    checks: list[GuideCheck] = strawberry.field(
        description="All that the guide asks.", metadata={"list_size": 3}
    )
    warnings: list[GuideCheck] = strawberry.field(
        description="What of it does not hold.", metadata={"list_size": 3}
    )
    source: str = strawberry.field(description="What it follows from.")


@reads()
@strawberry.type(
    description="A unit's appraisals of one evaluation period, of its own people and not of units "
    "below, as far as each is the viewer's to see: so are all counts."
)
class RatingBoard:
    unit: Unit = one("unit @it", "The unit.", where="@it.id = @row.unit_id")
    evaluation_period: EvaluationPeriod = one(
        "evaluation_period @it",
        "The period.",
        where="@it.id = @row.evaluation_period_id",
        trusted=True,
    )
    rating: UnitRating | None = one(
        "unit_rating @it",
        "The unit's own result; null where none is set or not yours to see.",
        where=HERE.format(a="@it"),
        order="@it.version DESC",
    )
    appraisals: int = value(f"(SELECT count(*) FROM {SEEN})", "How many there are.")
    states: list[AppraisalStateCount] = many(
        counted("state", models.AppraisalState),
        "By where they stand; nobody, no line.",
        order="@it.place",
        at_most=len(models.AppraisalState),
    )
    predicates: list[PredicateCount] = many(
        counted("predicate", models.Predicate),
        "By predicate, of those that are rated.",
        order="@it.place",
        at_most=len(models.Predicate),
    )
    guide: DistributionGuide | None = after(
        distribution.guide,
        "The guide for predicates, over the whole staff of the unit: null for whoever does not "
        "see all of them and the unit's result, and where the unit has none yet.",
        organization=ORGANIZATION,
        predicates=STAFF,
        sees_all="sees_all_appraisals(@row.unit_id, @row.evaluation_period_id)",
    )
    children: list["RatingBoard"] = many(
        BELOW,
        "Boards of the units that are directly below on the period's last day.",
        where=PLACED,
        order="u$.code",
        at_most=MOST_CHILDREN,
    )

    @page(
        "appraisal @it",
        "The people, each with state, ratings, predicate, evidence and objection; in the order in "
        "which the appraisals were opened.",
        where=HERE.format(a="@it"),
        given={
            "states": "@it.state = ANY (@states::text[])",
            "predicates": "@it.predicate = ANY (@predicates::text[])",
        },
        keys={"@it.id": "uuid"},
        type=AppraisalConnection,
    )
    def people(
        self,
        states: OnlyStates = None,
        predicates: OnlyPredicates = None,
        first: First = None,
        after: After = None,
        last: Last = None,
        before: Before = None,
    ) -> None: ...


@strawberry.type
class RatingBoardQuery:
    @one(
        ASKED,
        "A unit's board of ratings, for everybody in the agency over what is theirs to see; null "
        "where unit and evaluation period are not of the agency.",
        where=f"g$.code = @agency AND u$.code = @unit AND {in_directory('g$.id')}",
        ids={"evaluationPeriod": "EvaluationPeriod"},
        type=RatingBoard | None,
    )
    def rating_board(
        self, agency: AgencyCode, unit: UnitCode, evaluation_period: EvaluationPeriodId
    ) -> None: ...
