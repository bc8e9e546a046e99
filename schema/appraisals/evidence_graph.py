"""The GraphQL face of what an appraisal rests on: from the ratings down to records."""

from datetime import date
from decimal import Decimal

import strawberry

from schema.appraisals import rules
from schema.arguments import After, Before, First, Last
from schema.plans.models import Behaviour
from schema.progress.graph import ProgressRecordConnection
from schema.selection.declarations import after, many, one, page, reads, value
from schema.targets.graph import Target
from schema.targets.models import Aspect, Perspective, Polarity, ResultCategory
from schema.targets.rules import achieved, known_share

# What was sealed, in the shape in which `appraisal_evidence` answers.
SEALED = """(SELECT json_build_object('policy', d$.rules -> 'policy',
    'results', d$.evidence -> 'results', 'behaviours', d$.evidence -> 'behaviours',
    'time', d$.evidence -> 'time')
  FROM (SELECT s$.document::json -> 'inputs' -> 'evidence' AS evidence,
      s$.document::json -> 'rules' AS rules
    FROM appraisal_seal s$ WHERE s$.appraisal_id = @row.id) d$ WHERE d$.evidence IS NOT NULL)"""
# OFFSET 0: it is gathered once for all that is asked of it.
FACTS = f"""(SELECT @row.starts_on, @row.ends_on, CASE WHEN @row.state = 'SIGNED' THEN {SEALED}
  ELSE appraisal_evidence(@row.id) END AS facts, @row.state = 'SIGNED' AS sealed OFFSET 0) @it"""


def listed(json: str, columns: str) -> str:
    """Objects of a JSON array as rows, in their order."""
    return f"ROWS FROM (json_to_recordset({json}) AS ({columns})) WITH ORDINALITY"


# Null where the agency has said nothing: then the defaults hold.
POLICY = "@row.facts -> 'policy'"
RESULT = """id uuid, code text, title text, category text, perspective text, assigned_by text,
  serves text, indicators json, stages json, children json, records int, feedback int"""
RESULTS = f"""{listed("@row.facts -> 'results'", RESULT)} f$
  CROSS JOIN LATERAL (SELECT f$.*, @row.starts_on, @row.ends_on, {POLICY} AS policy) @it"""
INDICATORS = listed(
    "@row.indicators",
    "title text, aspect text, unit_of_measure text, polarity text, planned numeric, "
    "minimum numeric, maximum numeric, baseline numeric, realized numeric",
)
STAGES = listed("@row.stages", "title text, weight numeric, completed_on date")
BEHAVIOURS = listed("@row.facts -> 'behaviours'", "behaviour text, expectation text, feedback int")
TIME = """json_to_record(@row.facts -> 'time') AS @it (required_minutes int,
  recorded_minutes int, days_asked int, days_filled int, longest_streak int, months int)"""
REACHED = {
    "indicators": "@row.indicators",
    "stages": "@row.stages",
    "children": "@row.children",
    "policy": "@row.policy",
}


@reads()
@strawberry.type(description="An indicator by the end of an appraisal's days.")
class IndicatorEvidence:
    title: str = strawberry.field(description="What is measured.")
    aspect: Aspect = strawberry.field(description="Quantity, quality, time or cost.")
    unit_of_measure: str | None = strawberry.field(description="Of all numbers here.")
    polarity: Polarity = strawberry.field(description="Which way is better.")
    planned: Decimal | None = strawberry.field(description="What was due by then.")
    minimum: Decimal | None = strawberry.field(description="Of a range: its lower end.")
    maximum: Decimal | None = strawberry.field(description="Of a range: its upper end.")
    baseline: Decimal | None = strawberry.field(description="Where it began, if not at zero.")
    realized: Decimal | None = strawberry.field(
        description="What confirmed records gave; null where there are none."
    )


@reads()
@strawberry.type(description="A stage by the end of an appraisal's days.")
class StageEvidence:
    title: str = strawberry.field(description="What is to be done.")
    weight: Decimal | None = strawberry.field(description="Share of the whole; null: all alike.")
    completed_on: date | None = strawberry.field(description="Null also where it was later.")


@reads()
@strawberry.type(description="One result of the plan, as the appraisal has it.")
class ResultEvidence:
    code: str = strawberry.field(description="The target's code.")
    title: str = strawberry.field(description="What was to be reached.")
    category: ResultCategory = strawberry.field(description="Main or additional.")
    perspective: Perspective | None = strawberry.field(description="Of the head of a unit.")
    assigned_by: str | None = strawberry.field(description="By whose assignment (penugasan dari).")
    serves: str | None = strawberry.field(description="The title of the superior's result.")
    achieved: Decimal | None = after(
        achieved,
        "Achievement in percent, two decimals, by the same rule as everywhere; null where nothing "
        "has a number.",
        **REACHED,
    )
    known_share: Decimal = after(
        known_share, "How much of it rests on something known, in percent.", **REACHED
    )
    indicators: list[IndicatorEvidence] = many(
        f"{INDICATORS} @it", "Its indicators.", order="@it.ordinality"
    )
    stages: list[StageEvidence] = many(
        f"{STAGES} @it", "Its stages; empty where it has none.", order="@it.ordinality"
    )
    record_count: int = value("@row.records", "Records of the days that count for it.")
    feedback_count: int = value("@row.feedback", "Feedback given on it in these days.")
    target: Target | None = one(
        "target @it",
        "The result as it stands today, whose achievement explains itself; null where it is not "
        "yours to see any more.",
        where="@it.id = @row.id",
    )

    @page(
        "progress_record @it",
        "The confirmed records of the days that count for it, newest first, as far as they are "
        "yours to see; each with its source's facts (`activity`).",
        where="@it.target_id = @row.id AND @it.state = 'CONFIRMED' "
        "AND @it.day BETWEEN @row.starts_on AND @row.ends_on",
        keys={"@it.starts_at": "timestamptz", "@it.id": "uuid"},
        newest=True,
        type=ProgressRecordConnection,
    )
    def records(
        self, first: First = None, after: After = None, last: Last = None, before: Before = None
    ) -> None: ...


@reads()
@strawberry.type(description="One of the seven values, as the appraisal has it.")
class BehaviourEvidence:
    behaviour: Behaviour = strawberry.field(description="The value.")
    expectation: str | None = strawberry.field(description="Ekspektasi khusus pimpinan.")
    feedback_count: int = value("@row.feedback", "Feedback given on it in these days.")


@reads()
@strawberry.type(description="Hours, and how the days were filled.")
class TimeEvidence:
    required_minutes: int = strawberry.field(description="What the days ask for.")
    recorded_minutes: int = strawberry.field(description="Confirmed.")
    days_asked: int = strawberry.field(
        description="Days that ask for work, accepted absences taken off."
    )
    days_filled: int = strawberry.field(description="Of those, days with any confirmed minute.")
    longest_streak: int = strawberry.field(
        description="The most of them in a row that were filled."
    )
    months: int = strawberry.field(
        description="Months of service: that the plan holds on their first day, and in which any "
        "day asks for work."
    )


@reads()
@strawberry.type(description="What an appraisal rests on.")
class AppraisalEvidence:
    sealed: bool = strawberry.field(
        description="Whether it is what was signed; else it still moves."
    )
    achieved: Decimal | None = after(
        rules.mean_achieved,
        "The mean of the results that have a number, in percent, two decimals; each weighs as "
        "much as is known of it. A help for whoever rates, no rating.",
        results="@row.facts -> 'results'",
        policy=POLICY,
    )
    results: list[ResultEvidence] = many(
        RESULTS, "The results of the plan.", order="@it.ordinality"
    )
    behaviours: list[BehaviourEvidence] = many(
        f"{BEHAVIOURS} @it", "The seven values.", order="@it.ordinality"
    )
    time: TimeEvidence | None = one(TIME, "Hours and days.")
