"""The GraphQL face of achievement: how far something has come, and how that comes about."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import strawberry

from schema.arguments import After, Before, First, Last
from schema.predicates import sees_target
from schema.selection.declarations import after, many, one, page, reads, same, value
from schema.targets import explaining, figures, rules, tracking

if TYPE_CHECKING:
    from schema.progress.graph import ProgressRecordConnection
    from schema.targets.graph import Indicator, Target

LazyTarget = Annotated["Target", strawberry.lazy("schema.targets.graph")]
LazyIndicator = Annotated["Indicator", strawberry.lazy("schema.targets.graph")]
LazyRecords = Annotated[
    "ProgressRecordConnection",
    strawberry.lazy("schema.progress.graph"),
]

strawberry.enum(
    tracking.TrackStatus,
    description="NOT_DUE: nothing is due yet; NO_DATA: something is, and nobody has a number.",
)

# The columns of Achievement, each worked out only where it is asked.
OF_ROW = figures.of("@row", figures.OWN_INDICATORS)
ITSELF = "FROM (SELECT @row.*) i$"


def reached(indicators: str, **given: str) -> str:
    """FROM of an Achievement: what the rules ask for, and figures as columns."""
    needs = {
        "indicators": figures.measured(indicators),
        "paths": figures.measured(indicators, figures.POINTS),
    } | given
    return f"(SELECT {', '.join(f'{sql} AS {name}' for name, sql in needs.items())}) @it"


def single(column: str) -> str:
    """A column of the target's only indicator; NULL where it has several."""
    return f"""(SELECT CASE WHEN count(*) = 1 THEN min(i$.{column}) END
      FROM indicator i$ WHERE i$.target_id = @row.id AND @row.kind <> 'STAGED')"""


REACHED_BY_TARGET = reached(
    OF_ROW,
    stages=figures.of("@row", figures.STAGES),
    children=figures.of("@row", figures.CHILDREN),
    policy=figures.of("@row", figures.POLICY),
    realized=single("realized"),
    planned=single("planned"),
    completed_stages="""(SELECT count(s$.completed_on) FROM stage s$ WHERE s$.target_id = @row.id
      HAVING @row.kind = 'STAGED')""",
    as_of="""(SELECT max(i$.realized_at) FROM indicator i$
      WHERE i$.target_id = @row.id AND @row.kind <> 'STAGED')""",
    target_id="@row.id",
    indicator_id="NULL::uuid",
)
HAS_MEASURE = """CASE @row.kind
  WHEN 'STAGED' THEN EXISTS (SELECT FROM stage s$ WHERE s$.target_id = @row.id)
  ELSE EXISTS (SELECT FROM indicator i$ WHERE i$.target_id = @row.id) END
  OR EXISTS (SELECT FROM target_edge e$ WHERE e$.parent_id = @row.id AND e$.kind = 'WEIGHTED')"""
REACHED_BY_INDICATOR = reached(
    ITSELF,
    stages="NULL::json",
    children="'[]'::json",
    policy=f"""(SELECT {figures.of("w$", figures.POLICY)} FROM target w$
      WHERE w$.id = @row.target_id)""",
    realized="@row.realized",
    planned="@row.planned",
    completed_stages="NULL::int",
    as_of="@row.realized_at",
    target_id="@row.target_id",
    indicator_id="@row.id",
)
FACTS = {
    "indicators": "@row.indicators",
    "stages": "@row.stages",
    "children": "@row.children",
    "policy": "@row.policy",
}
PATHS = {"indicators": "@row.paths", "day": "@today", "policy": "@row.policy"}


@strawberry.type(description="How something stands on its planned path.")
class Track:
    status: tracking.TrackStatus = strawberry.field(description="The verdict.")
    rule: str = strawberry.field(description="What gave it, in numbers.")


@reads()
@strawberry.type(description="How far an indicator or a target has come. Missing is not zero.")
class Achievement:
    realized: Decimal | None = strawberry.field(
        description="The number reached, with what direct children add; null where nothing was "
        "recorded, or where a target has several indicators."
    )
    planned: Decimal | None = strawberry.field(description="The number planned.")
    completed_stages: int | None = strawberry.field(description="Of staged work only.")
    as_of: datetime | None = strawberry.field(description="When it last moved.")
    on_track: bool = after(
        tracking.is_on_track,
        "Nothing that the planned path asked for by today is missing.",
        **PATHS,
    )
    track: Track = after(tracking.worst, "How it stands on its path, and by which rule.", **PATHS)
    percentage: Decimal | None = after(
        rules.achieved,
        "In percent of the plan, two decimals, at most the cap of the agency's policy. Of a "
        "target: its weighted children and, with what is left of 100, its own: the mean of its "
        "indicators, or the completed weight of its stages.",
        **FACTS,
    )
    known_share: Decimal = after(
        rules.known_share,
        "How much of it rests on something known, in percent; the rest has no number yet.",
        **FACTS,
    )
    explanation: "Explanation" = same(
        "@row", "How it comes about, down to the records and their source events."
    )


@strawberry.enum(description="What a part of a figure is.")
class PartKind(StrEnum):
    INDICATOR = "INDICATOR"
    STAGE = "STAGE"
    WEIGHTED = "WEIGHTED"
    OWN = "OWN"
    DIRECT = "DIRECT"


# Of a target its indicators, stages and weighted children; of an indicator what was recorded for
# it and what flows in. Parts that are not the viewer's to see are left out.
PARTS = f"""(
  SELECT 'INDICATOR' AS kind, p$.position AS place, p$.id, p$.title, NULL::numeric AS weight,
    p$.realized AS amount, NULL::numeric AS percentage, NULL::date AS completed_on,
    p$.target_id, p$.id AS indicator_id
  FROM indicator p$ JOIN target c$ ON c$.id = p$.target_id AND c$.kind <> 'STAGED'
  WHERE @row.indicator_id IS NULL AND p$.target_id = @row.target_id
  UNION ALL
  SELECT 'STAGE', p$.position, p$.id, p$.title, p$.weight, NULL, NULL, p$.completed_on,
    p$.target_id, NULL
  FROM stage p$ JOIN target c$ ON c$.id = p$.target_id AND c$.kind = 'STAGED'
  WHERE @row.indicator_id IS NULL AND p$.target_id = @row.target_id
  UNION ALL
  SELECT 'WEIGHTED', c$.position, c$.id, c$.title, p$.weight, NULL, p$.achieved, NULL, c$.id, NULL
  FROM target_edge p$ JOIN target c$ ON c$.id = p$.child_id
  WHERE @row.indicator_id IS NULL AND p$.parent_id = @row.target_id AND p$.kind = 'WEIGHTED'
    AND ({sees_target("c$")})
  UNION ALL
  SELECT 'OWN', p$.position, p$.id, p$.title, NULL, p$.own, NULL, NULL, p$.target_id, p$.id
  FROM indicator p$ WHERE p$.id = @row.indicator_id AND p$.own_records > 0
  UNION ALL
  SELECT 'DIRECT', p$.position, p$.id, p$.title, NULL, p$.realized, NULL, NULL, p$.target_id, p$.id
  FROM indicator p$ JOIN target c$ ON c$.id = p$.target_id
  WHERE p$.contributes_to_id = @row.indicator_id AND ({sees_target("c$")})
) @it"""
BEHIND = "records_behind(@row.target_id, @row.indicator_id)"


@reads()
@strawberry.type(description="A part of a figure.")
class FigurePart:
    kind: PartKind = strawberry.field(
        description="Of a target: INDICATOR, STAGE or WEIGHTED child. Of an indicator: its OWN "
        "records, or what flows in from a DIRECT child."
    )
    title: str = strawberry.field(description="Of the indicator, stage or target.")
    weight: Decimal | None = strawberry.field(description="Of a stage, or of a weighted child.")
    amount: Decimal | None = strawberry.field(description="The number reached.")
    percentage: Decimal | None = strawberry.field(
        description="Of a weighted child: its achievement as it counts."
    )
    completed_on: date | None = strawberry.field(description="Of a stage.")
    target: LazyTarget | None = one(
        "target @it", "Where it is from.", where="@it.id = @row.target_id", trusted=True
    )
    indicator: LazyIndicator | None = one(
        "indicator @it", "Of which indicator.", where="@it.id = @row.indicator_id", trusted=True
    )


@reads()
@strawberry.type(description="How a figure comes about.")
class Explanation:
    formula: str = after(
        explaining.formula, "The arithmetic in numbers: (80 x 40 + 50 x 60) / 100 = 62.", **FACTS
    )
    parts: list[FigurePart] = many(
        PARTS,
        "What it is made of, as far as it is yours to see.",
        order="@it.kind, @it.place, @it.id",
    )
    record_count: int = value(
        f"(SELECT count(*) FROM {BEHIND})", "How many confirmed records are behind it in all."
    )

    @page(
        "progress_record @it",
        "The confirmed records behind it, newest first, as far as they are yours to see; each "
        "with its source's facts (`activity`) and its red thread.",
        where=f"@it.id IN (SELECT {BEHIND})",
        keys={"@it.starts_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        type=LazyRecords,
    )
    def records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...
